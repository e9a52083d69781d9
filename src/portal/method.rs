//! `/reset/method` — how will you prove it?

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::{
        resets::{self, Chosen, Step},
        verification::{Class, Method},
    },
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/method", get(show).post(submit))
}

#[derive(Template)]
#[template(path = "portal/method.html")]
struct MethodPage {
    page: Page,
    options: Vec<MethodOption>,
    /// Each of them is a code that is sent.
    sends: bool,
    gate: usize,
    gates: i16,
    /// A passkey is enough by itself.
    alone: bool,
    error: Option<&'static str>,
}

struct MethodOption {
    id: &'static str,
    kind: &'static str,
    masked: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    method: String,
}

async fn show(journey: Journey) -> Response {
    if !matches!(journey.flow.step(), Step::Method | Step::Code(_) | Step::Passkey) {
        return journey::to_step(&journey.flow);
    }
    page::html(&page_of(&journey, None))
}

async fn submit(journey: Journey, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    if !matches!(flow.step(), Step::Method | Step::Code(_) | Step::Passkey) {
        return Ok(journey::to_step(flow));
    }
    let Some(method) = Method::parse(&form.method) else {
        let mut page = page_of(&journey, None);
        page.error = Some(if page.sends { "method-error-choose" } else { "method-error-choose-any" });
        return Ok(page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let chosen = resets::choose(&mut tx, &visitor.tenant, &app.clock, &visitor.source, flow, method).await?;
    tx.commit().await?;
    if chosen == Chosen::NotOffered {
        return Ok(page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page_of(&journey, Some("method-error-gone"))));
    }
    app.wake_outbox();
    // Sent, too early, over the limit, or nothing to send: the next page says which.
    Ok(Redirect::to(if method == Method::Passkey { "/reset/passkey" } else { "/reset/code" }).into_response())
}

fn page_of(journey: &Journey, error: Option<&'static str>) -> MethodPage {
    let flow = &journey.flow;
    let options = flow
        .open_options()
        .map(|offer| MethodOption { id: offer.method.as_str(), kind: offer.method.as_str(), masked: offer.masked.clone() })
        .collect();
    let sends = flow.open_options().all(|offer| offer.method.class() == Class::Issued);
    let alone = flow.rises && flow.passed.is_empty() && flow.offer_of(Method::Passkey).is_some();
    MethodPage { page: journey.visitor.page(), options, sends, gate: flow.passed.len() + 1, gates: flow.gates, alone, error }
}
