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

/// [`read_json`]; what does not fit is bad input.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    read_json(body).map_err(|reason| {
        tracing::info!(reason, "JSON that does not fit");
        Error::Unusable(StatusCode::BAD_REQUEST, "bad_input")
    })
}

/// JSON, strictly: an object (a derived type would take a list of its fields' values too), and no NUL, which no text column takes.
/// Otherwise what did not fit, and where; never a value of what was sent.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    if body.windows(6).any(|window| window == b"\\u0000") {
        return Err("a text with the escape \\u0000".to_owned());
    }
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("no JSON object".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| misfit(&error))
}

/// The library's text may quote what was sent: of that only what comes from our own types is told.
fn misfit(error: &serde_json::Error) -> String {
    const QUOTING: [&str; 5] = ["invalid type", "invalid value", "invalid length", "unknown variant", "unknown field"];
    let (line, column, text) = (error.line(), error.column(), error.to_string());
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let ours = ["missing field `", "duplicate field `"].iter().any(|start| text.starts_with(start));
    let what = match QUOTING.iter().find(|kind| text.starts_with(*kind)) {
        // What is expected comes last, and is ours; where nothing is, the last that looks so is not.
        Some(kind) => match text.rsplit_once(", expected ").filter(|_| !text.contains(", there are no ")) {
            Some((_, expected)) => format!("{kind}, expected {expected}"),
            None => (*kind).to_owned(),
        },
        // The words of who reads JSON at all are fixed.
        None if ours || !error.is_data() => text.to_owned(),
        None => "a value that cannot be".to_owned(),
    };
    format!("{what}, at line {line}, column {column}")
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

    use super::{parse, read_json};

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

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Thing {
        id: uuid::Uuid,
        size: u16,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Reset,
    }

    #[test]
    fn what_does_not_fit_is_told_without_what_was_sent() {
        let id = r#""id": "00000000-0000-0000-0000-000000000001""#;
        let cases = [
            ("[1]".to_owned(), "no JSON object"),
            (format!("{{{id}}}"), "missing field `size`"),
            (format!("{{{id},\n\"size\": \"hunter2, expected hunter2\"}}"), "invalid type, expected u16"),
            (format!("{{{id}, \"size\": -7}}"), "invalid value, expected u16"),
            (format!("{{{id}, {id}}}"), "duplicate field `id`"),
            (format!("{{{id}, \"hunter2\": 1}}"), "unknown field, expected one of `id`, `size`, `kind`"),
            (format!("{{{id}, \"kind\": \"hunter2\"}}"), "unknown variant, expected `reset`"),
            ("{\"id\": \"hunter2\"}".to_owned(), "a value that cannot be"),
            ("{\"id\" \"hunter2\"}".to_owned(), "expected `:`"),
            ("{\"id\": \"hunter2".to_owned(), "EOF while parsing a string"),
            ("{\"id\": \"hunter2\\u0000\"}".to_owned(), "a text with the escape \\u0000"),
        ];
        for (body, reason) in cases {
            assert_eq!(read_json::<Thing>(body.as_bytes()).unwrap_err().split(", at line").next(), Some(reason), "{body}");
        }
        let second = format!("{{{id},\n\"size\": -7}}");
        assert_eq!(read_json::<Thing>(second.as_bytes()).unwrap_err(), "invalid value, expected u16, at line 2, column 10");
        assert!(read_json::<Thing>(format!("{{{id}, \"size\": 7, \"kind\": \"reset\"}}").as_bytes()).is_ok());
    }
}
