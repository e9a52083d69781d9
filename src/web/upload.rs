//! A form with a file in it (`multipart/form-data`), read as strictly as other forms: every field once, and none that is not asked for.
//! How large it may be says its route's body limit.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::StatusCode,
};

use super::Error;

/// It must have arrived within this.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Of a field that is no file.
const LONGEST_FIELD: usize = 1024;

/// The file, and the fields beside it.
pub struct Upload {
    /// Empty: none was chosen.
    pub file: Bytes,
    fields: HashMap<String, String>,
}

impl Upload {
    pub fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let form = Multipart::from_request(request, state).await;
        let form = form.map_err(|_| Error::Unusable(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"))?;
        let read = tokio::time::timeout(TIMEOUT, read(form)).await;
        read.map_err(|_| Error::Unusable(StatusCode::REQUEST_TIMEOUT, "too_slow"))?
    }
}

/// The file is the field `file`.
async fn read(mut form: Multipart) -> Result<Upload, Error> {
    let bad = || Error::Unusable(StatusCode::BAD_REQUEST, "bad_input");
    let (mut file, mut fields) = (None, HashMap::new());
    while let Some(field) = form.next_field().await.map_err(refused)? {
        let name = field.name().ok_or_else(bad)?.to_owned();
        if name == "file" {
            if file.replace(field.bytes().await.map_err(refused)?).is_some() {
                return Err(bad());
            }
            continue;
        }
        let bytes = field.bytes().await.map_err(refused)?;
        let value = String::from_utf8(bytes.to_vec()).map_err(|_| bad())?;
        if value.len() > LONGEST_FIELD || value.contains('\0') || fields.len() > 8 || fields.insert(name, value).is_some() {
            return Err(bad());
        }
    }
    Ok(Upload { file: file.ok_or_else(bad)?, fields })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: MultipartError) -> Error {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::Unusable(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        _ => Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"),
    }
}
