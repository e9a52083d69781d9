//! Input: forms and JSON, read strictly. Every field once, scalars only, no unknown fields, valid UTF-8, no NUL.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::Error;

/// `application/x-www-form-urlencoded` into a struct of strings with `deny_unknown_fields`.
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let body = body(request, state, "application/x-www-form-urlencoded").await?;
        parse(&body).map(Self).ok_or(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))
    }
}

/// A button's form, or `{}`: no fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A form's fields. `None` for anything that is not each field once, in valid UTF-8.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let mut fields = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        // The decoder replaces what is not UTF-8; nobody types that character.
        let torn = [&name, &value].iter().any(|text| text.contains(['\0', char::REPLACEMENT_CHARACTER]));
        if torn || fields.insert(name.into_owned(), value.into_owned().into()).is_some() {
            return None;
        }
    }
    serde_json::from_value(fields.into()).ok()
}

/// `application/json` into a type with `deny_unknown_fields`.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let body = body(request, state, "application/json").await?;
        json(&body).map(Self)
    }
}

/// JSON, strictly: an object (a derived type would take a list of its fields' values too), and no NUL, which no text column takes.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let nul = body.windows(6).any(|window| window == b"\\u0000");
    let object = body.trim_ascii_start().starts_with(b"{");
    let read = if nul || !object { None } else { Some(serde_json::from_slice(body)) };
    match read {
        Some(Ok(value)) => return Ok(value),
        // Where and of what kind; its text may quote what was sent.
        Some(Err(error)) => {
            tracing::info!(line = error.line(), column = error.column(), kind = ?error.classify(), "JSON that does not fit");
        }
        None => tracing::info!(nul, object, "JSON that is no object, or holds NUL"),
    }
    Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))
}

async fn body<S: Send + Sync>(request: Request, state: &S, kind: &str) -> Result<Bytes, Error> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    is_of(given, kind)?;
    read(request, state).await
}

/// Whether this `Content-Type`, whatever its parameters, names this type.
pub fn is_of(given: &str, kind: &str) -> Result<(), Error> {
    if given.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    Err(Error::Unusable(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"))
}

/// A body must have arrived within this.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The whole body, within the route's limit and in time: whoever sends it byte by byte is cut off.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
    let body = body.map_err(|_| Error::Unusable(StatusCode::REQUEST_TIMEOUT, "too_slow"))?;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::Unusable(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        _ => Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Name {
        name: String,
    }

    #[test]
    fn one_scalar_per_field() {
        assert_eq!(parse::<Name>(b"name=a+b%C3%A4"), Some(Name { name: "a b\u{e4}".into() }));
        for bad in [&b"name=a&name=b"[..], b"name[]=a", b"name=a&x=b", b"", b"name=%ff", b"name=a%00b", b"name[0]=a"] {
            assert_eq!(parse::<Name>(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
