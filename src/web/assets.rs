//! Static files, built into the program, and packed once for whoever takes them packed. Pages are not packed: a few kilobytes, which
//! arrive in one flight either way, and packing them anew costs more than all else that is done for them.

use std::{borrow::Cow, collections::HashMap, io::Write, sync::LazyLock};

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;

use super::Error;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

struct File {
    data: Cow<'static, [u8]>,
    /// By gzip, where that is worth it.
    packed: Option<Vec<u8>>,
    /// Of its content.
    hash: String,
    /// With that hash.
    url: String,
    kind: &'static str,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    Files::iter()
        // What the vendor bundle is built from is not for browsers.
        .filter(|path| !path.starts_with("vendor/src/"))
        .filter_map(|path| Some((path.to_string(), File::of(&path, Files::get(&path)?))))
        .collect()
});

impl File {
    fn of(path: &str, file: rust_embed::EmbeddedFile) -> Self {
        let hash = data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8]);
        let kind = match path.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            _ => "text/plain; charset=utf-8",
        };
        let packed = packed(&file.data).filter(|packed| packed.len() + 256 < file.data.len());
        Self { packed, url: format!("/static/{path}?v={hash}"), hash, kind, data: file.data }
    }
}

fn packed(data: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(data).ok()?;
    packer.finish().ok()
}

/// `/static/css/app.css?v=…`
pub fn url(path: &str) -> &'static str {
    FILES.get(path).map_or("", |file| &file.url)
}

/// With the right hash it may be kept for a year; without (modules import one another by plain name) it is asked for again.
pub async fn serve(Path(path): Path<String>, request: Request) -> Response {
    let Some(file) = FILES.get(&path) else { return Error::NotFound.into_response() };
    let etag = format!("\"{}\"", file.hash);
    let kept = request.uri().query().and_then(|query| query.strip_prefix("v=")) == Some(&file.hash);
    let keep = if kept { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers =
        [(header::CONTENT_TYPE, file.kind), (header::ETAG, &etag), (header::CACHE_CONTROL, keep), (header::VARY, "accept-encoding")];
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    match &file.packed {
        Some(packed) if takes_gzip(request.headers()) => {
            let mut response = (headers, packed.as_slice()).into_response();
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        _ => (headers, file.data.clone()).into_response(),
    }
}

/// RFC 9110 §12.5.3, as far as browsers and proxies use it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    given.into_iter().any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|weight| weight.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_it_packed_gets_it_packed() {
        let takes = |text: &'static str| takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(text))]));
        assert!(["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP ; q=0.8"].into_iter().all(takes));
        assert!(!["", "identity", "br, zstd", "gzip;q=0", "gzip; q=0.0, br", "x-gzip"].into_iter().any(takes));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
