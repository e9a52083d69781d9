//! A tenant's own colour and logo, at its own host: a small style sheet and a picture, each at an address that names what is in it and
//! so can be kept for ever. Public, as the first page of its portal is.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::{Error, Result, Visitor};
use crate::{
    base::{
        colour::{Accent, Colour},
        id,
    },
    domain::tenants::{Logo, Tenant},
};

/// How colours are derived, in a word: a later version that does it otherwise has other addresses.
static WAY: LazyLock<String> = LazyLock::new(|| {
    let some = ["#2456b3", "#ffd500", "#7f7f7f"].into_iter().filter_map(Colour::parse);
    let sheets: String = some.map(|colour| Accent::of(colour).css(":root")).collect();
    data_encoding::HEXLOWER.encode(&id::sha256(sheets.as_bytes())[..4])
});

/// Where its style sheet is; `None`: it has no colour of its own.
pub fn sheet_url(tenant: &Tenant) -> Option<String> {
    tenant.brand.accent.map(|accent| format!("/brand/accent.css?v={}", sheet_version(accent)))
}

pub fn logo_url(logo: &Logo) -> String {
    format!("/brand/logo.png?v={}", logo.hash)
}

fn sheet_version(accent: Colour) -> String {
    format!("{}{}", accent.to_string().trim_start_matches('#'), *WAY)
}

pub async fn sheet(visitor: Visitor, uri: Uri, headers: HeaderMap) -> Result<Response> {
    let accent = visitor.tenant.brand.accent.ok_or(Error::NotFound)?;
    let file = File::new(&uri, &sheet_version(accent), "text/css; charset=utf-8");
    if file.is_known(&headers) {
        return Ok(file.unchanged());
    }
    Ok(file.with(Accent::of(accent).css(":root").into()))
}

pub async fn logo(visitor: Visitor, uri: Uri, headers: HeaderMap) -> Result<Response> {
    let Visitor { app, tenant, .. } = &visitor;
    let logo = tenant.brand.logo.as_ref().ok_or(Error::NotFound)?;
    let file = File::new(&uri, &logo.hash, "image/png");
    if file.is_known(&headers) {
        return Ok(file.unchanged());
    }
    Ok(file.with(app.logo(tenant, logo).await?.ok_or(Error::NotFound)?))
}

/// With the right version it may be kept for a year; without it is asked for again.
struct File {
    etag: String,
    kind: &'static str,
    keep: &'static str,
}

impl File {
    fn new(uri: &Uri, version: &str, kind: &'static str) -> Self {
        let kept = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(version);
        Self { etag: format!("\"{version}\""), kind, keep: if kept { "public, max-age=31536000, immutable" } else { "no-cache" } }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == self.etag.as_bytes())
    }

    fn headers(&self) -> [(HeaderName, &str); 3] {
        [(header::CONTENT_TYPE, self.kind), (header::ETAG, &self.etag), (header::CACHE_CONTROL, self.keep)]
    }

    fn unchanged(&self) -> Response {
        (StatusCode::NOT_MODIFIED, self.headers()).into_response()
    }

    fn with(&self, content: Bytes) -> Response {
        (self.headers(), content).into_response()
    }
}
