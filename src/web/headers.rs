//! Security headers on every answer, errors included. No inline script or style anywhere, so the policy is static.

use std::sync::LazyLock;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

/// `form-action` covers redirects too; the one frame is the console's look at a message ([`Framed`]); `connect-src` is for the ticket, the job and the live status; the one worker and the one policy are
/// `static/js/work.js`'s, since a worker's address counts as a script.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; \
                   base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sspr-work";

static ALWAYS: LazyLock<[(HeaderName, HeaderValue); 9]> = LazyLock::new(|| {
    [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with that browsers say `Origin: null` on our own forms. Other sites get nothing either way.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        // Browsers heed it over https only (RFC 6797 §8.1).
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
});

/// Of a page that stands in a frame of ours and shows a mail, styles and all: it runs nothing, loads nothing and leads nowhere.
const FRAMED: [(HeaderName, HeaderValue); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox",
        ),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
];

/// An answer that bears this among its extensions is such a page.
#[derive(Debug, Clone, Copy)]
pub struct Framed;

/// Stands outermost.
pub async fn layer(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let framed = response.extensions().get::<Framed>().is_some();
    let headers = response.headers_mut();
    headers.reserve(ALWAYS.len() + 1);
    for (name, value) in ALWAYS.iter() {
        headers.insert(name, value.clone());
    }
    if framed {
        for (name, value) in FRAMED {
            headers.insert(name, value);
        }
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
