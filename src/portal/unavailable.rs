//! Not now: said before any effort is asked, with whom to ask instead.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use crate::{
    domain::fleet::Readiness,
    web::{Page, Result, Visitor, page},
};

#[derive(Template)]
#[template(path = "portal/unavailable.html")]
struct UnavailablePage {
    page: Page,
    reason: &'static str,
}

/// Why a reset could not work now; `None` when it could a moment ago. The same for every name, so it tells nothing about any.
pub async fn reason(visitor: &Visitor) -> Result<Option<&'static str>> {
    if !visitor.tenant.self_service {
        return Ok(Some("unavailable-self-service-off"));
    }
    Ok(match visitor.app.readiness(&visitor.tenant.scope).await? {
        Readiness::Ready => None,
        Readiness::WritebackOff => Some("unavailable-writeback-off"),
        Readiness::NoAgent | Readiness::DirectoryDown => Some("unavailable-no-agent"),
    })
}

pub fn page(visitor: &Visitor, reason: &'static str) -> Response {
    page::html_as(StatusCode::SERVICE_UNAVAILABLE, &UnavailablePage { page: visitor.page(), reason })
}
