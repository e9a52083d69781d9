//! Static files, built into the program.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::{Path, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

use super::Error;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

static HASHES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Files::iter()
        // What the vendor bundle is built from is not for browsers.
        .filter(|path| !path.starts_with("vendor/src/"))
        .filter_map(|path| {
            let file = Files::get(&path)?;
            Some((path.into_owned(), data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8])))
        })
        .collect()
});

/// `/static/css/app.css?v=…`
pub fn url(path: &str) -> String {
    let hash = HASHES.get(path).map(String::as_str).unwrap_or_default();
    format!("/static/{path}?v={hash}")
}

/// With the right hash it may be kept for a year; without (modules import one another by plain name) it is asked for again.
pub async fn serve(Path(path): Path<String>, request: Request) -> Response {
    let (Some(file), Some(hash)) = (Files::get(&path), HASHES.get(&path)) else { return Error::NotFound.into_response() };
    let kind = match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        _ => "text/plain; charset=utf-8",
    };
    let etag = format!("\"{hash}\"");
    let keep = if request.uri().query() == Some(&format!("v={hash}")) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, kind), (header::ETAG, &etag), (header::CACHE_CONTROL, keep)];
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data).into_response()
}
