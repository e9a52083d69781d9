//! `/reset/code` — the code that was sent.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use time::OffsetDateTime;

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::{
        limits::Verdict,
        resets::{self, Chosen, Proven, Step},
        verification::{self, Code, Method, RESEND_AFTER, Sent},
    },
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset/code", get(show).post(submit))
        .route("/reset/code/resend", post(resend).get(|| async { Redirect::to("/reset/code") }))
}

#[derive(Template)]
#[template(path = "portal/code.html")]
struct CodePage {
    page: Page,
    kind: &'static str,
    masked: String,
    gate: usize,
    gates: i16,
    error: Option<&'static str>,
    notice: Option<&'static str>,
    resend_in: i64,
    other_methods: bool,
    tries_wait: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    code: String,
}

async fn show(journey: Journey) -> Result<Response> {
    let Step::Code(method) = journey.flow.step() else { return Ok(journey::to_step(&journey.flow)) };
    answer(&journey, method, Said::Nothing).await
}

async fn submit(journey: Journey, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let Step::Code(method) = flow.step() else { return Ok(journey::to_step(flow)) };
    let Some(code) = Code::parse(&form.code) else {
        let error = if form.code.trim().is_empty() { "code-error-empty" } else { "code-error-shape" };
        return answer(&journey, method, Said::Refused(error)).await;
    };
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);

    // Counted and committed before anything is compared: two hundred guesses at once are two hundred tries.
    // One statement, and so a transaction of its own.
    let mut conn = app.db.acquire().await?;
    let verdict = resets::count_try(&mut conn, scope, &app.clock, &visitor.source, flow).await?;
    drop(conn);
    if verdict != Verdict::Allowed {
        return answer(&journey, method, Said::TooManyTries).await;
    }

    let mut tx = app.begin().await?;
    let proven = resets::prove(&mut tx, scope, &app.clock, &visitor.source, flow, method, &code).await?;
    tx.commit().await?;
    match proven {
        Proven::Passed { cookie, verified, asked } => {
            if let Some(connector) = asked {
                app.has_job(connector);
            }
            let next = journey::path(if verified { Step::Password } else { Step::Method });
            Ok(([journey::set_cookie(&app.public_url, &cookie)], Redirect::to(next)).into_response())
        }
        Proven::Wrong => answer(&journey, method, Said::Refused("code-error-wrong")).await,
        Proven::Over => answer(&journey, method, Said::Refused("code-error-expired")).await,
    }
}

async fn resend(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let Step::Code(method) = flow.step() else { return Ok(journey::to_step(flow)) };
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    let chosen = resets::choose(&mut tx, &visitor.tenant, &app.clock, &visitor.source, flow, method).await?;
    tx.commit().await?;
    app.wake_outbox();
    let said = match chosen {
        Chosen::Sent(Sent::Sent) => Said::Resent,
        Chosen::Sent(Sent::TooEarly) => Said::TooEarly,
        Chosen::Sent(Sent::Wait(_)) => Said::TooManySends,
        Chosen::NotOffered => return Ok(journey::to_step(flow)),
    };
    answer(&journey, method, said).await
}

/// What the page says besides itself; errors are keys.
#[derive(Clone, Copy)]
enum Said {
    Nothing,
    Resent,
    Refused(&'static str),
    /// 429; the page shows the wait by itself.
    TooManyTries,
    /// 429.
    TooEarly,
    /// 429.
    TooManySends,
}

async fn answer(journey: &Journey, method: Method, said: Said) -> Result<Response> {
    let Journey { visitor, flow } = journey;
    let (app, scope, now) = (&visitor.app, &visitor.tenant.scope, visitor.app.clock.now());
    let mut conn = app.db.acquire().await?;
    let until = |at: OffsetDateTime| (at - now).whole_seconds().max(0) + 1;
    let sent_at = verification::sent_at(&mut conn, scope, flow.flow_id, method).await?;
    let resend_at = sent_at.map(|at| at + RESEND_AFTER).filter(|at| *at > now);
    let waiting = resets::waiting(&mut conn, &visitor.tenant, &app.clock, &visitor.source, flow, method).await?;
    drop(conn);
    let (tries_in, resend_in) = (waiting.tries.map(until), resend_at.max(waiting.sends).map_or(0, until));
    // Where it is the organisation's share and not the person's, another way may still be open.
    let limit = if waiting.of_all { "code-error-used-up" } else { "code-error-limit" };
    let (status, error, retry_after) = match said {
        Said::Nothing | Said::Resent => (StatusCode::OK, None, None),
        Said::Refused(error) => (StatusCode::UNPROCESSABLE_ENTITY, Some(error), None),
        Said::TooManyTries => (StatusCode::TOO_MANY_REQUESTS, None, tries_in.or(Some(1))),
        Said::TooEarly => (StatusCode::TOO_MANY_REQUESTS, Some("code-error-early"), Some(resend_in.max(1))),
        Said::TooManySends => (StatusCode::TOO_MANY_REQUESTS, Some(limit), Some(resend_in.max(1))),
    };
    // Nothing was ever sent in this flow: the account's share of codes is used up.
    let error = error.or_else(|| sent_at.is_none().then_some(limit));
    let shown = CodePage {
        page: visitor.page(),
        kind: method.as_str(),
        masked: flow.offer_of(method).map(|offer| offer.masked.clone()).unwrap_or_default(),
        gate: flow.passed.len() + 1,
        gates: flow.gates,
        error,
        notice: matches!(said, Said::Resent).then_some("code-notice-resent"),
        resend_in,
        other_methods: flow.open_options().count() > 1,
        tries_wait: tries_in,
    };
    let mut response = page::html_as(status, &shown);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}
