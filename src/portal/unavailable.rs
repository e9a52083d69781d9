//! Not now: said before any effort is asked, with whom to ask instead.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use crate::{
    domain::fleet::{self, Readiness},
    web::{Page, Result, Visitor, page},
};

#[derive(Template)]
#[template(path = "portal/unavailable.html")]
struct UnavailablePage {
    page: Page,
    reason: &'static str,
}

/// Why a reset could not work now; `None` when it could. The same for every name, so it tells nothing about any.
pub async fn reason(visitor: &Visitor) -> Result<Option<&'static str>> {
    if !visitor.tenant.self_service {
        return Ok(Some("unavailable-self-service-off"));
    }
    let mut conn = visitor.app.db.acquire().await?;
    Ok(match fleet::readiness(&mut conn, &visitor.tenant.scope, &visitor.app.clock, None).await? {
        Readiness::Ready => None,
        Readiness::WritebackOff => Some("unavailable-writeback-off"),
        Readiness::NoAgent | Readiness::DirectoryDown => Some("unavailable-no-agent"),
    })
}

pub fn page(visitor: &Visitor, reason: &'static str) -> Response {
    page::html_as(StatusCode::SERVICE_UNAVAILABLE, &UnavailablePage { page: visitor.page(), reason })
}
