//! `/reset/code` — the code: sent, shown by an app, printed, or read out by the help desk.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use time::OffsetDateTime;

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::{
        authenticators::{self, RecoveryCode},
        limits::Verdict,
        resets::{self, Chosen, Flow, Proof, Proven, Step},
        verification::{self, Class, Code, Method, RESEND_AFTER, Sent},
    },
    web::{Error, Page, Result, Visitor, form, page},
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
    /// What the help desk asks for, as long as it does.
    number: Option<String>,
    /// It can be sent again.
    sent: bool,
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
    let Some(typed) = Typed::parse(method, &form.code) else {
        let error = if form.code.trim().is_empty() { "code-error-empty" } else { shape(method) };
        return answer(&journey, method, Said::Refused(error)).await;
    };
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);

    // Counted and committed before anything is compared: two hundred guesses at once are two hundred tries.
    // One statement, and so a transaction of its own.
    let mut conn = visitor.acquire().await?;
    let verdict = resets::count_try(&mut conn, scope, &app.clock, &visitor.source, flow).await?;
    drop(conn);
    if verdict != Verdict::Allowed {
        return answer(&journey, method, Said::TooManyTries).await;
    }

    let proven = match typed {
        Typed::Recovery(code) => by_recovery_code(visitor, flow, &code).await?,
        Typed::Code(code) => {
            let mut tx = visitor.begin().await?;
            let proven = resets::prove(&mut tx, scope, &app.clock, &visitor.source, flow, method, Proof::Code(&code)).await?;
            tx.commit().await?;
            proven
        }
    };
    match proven {
        Proven::Passed { .. } => Ok(journey::passed(app, flow, proven)),
        Proven::Wrong => answer(&journey, method, Said::Refused("code-error-wrong")).await,
        Proven::Over => answer(&journey, method, Said::Refused(over(method))).await,
    }
}

/// What was typed, in the shape that the method's codes have.
enum Typed {
    Code(Code),
    Recovery(RecoveryCode),
}

impl Typed {
    fn parse(method: Method, text: &str) -> Option<Self> {
        if method == Method::RecoveryCode {
            return RecoveryCode::parse(text).map(Self::Recovery);
        }
        Code::parse(method, text).map(Self::Code)
    }
}

/// The slow hash is computed under no transaction, for decoys as for everybody.
async fn by_recovery_code(visitor: &Visitor, flow: &Flow, code: &RecoveryCode) -> Result<Proven> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let candidate = authenticators::find_code(&mut conn, scope, &app.clock, flow.user_id, code).await?;
    drop(conn);
    let hashes = app.slow_hash.of(candidate.to_hash(scope, code)).await?.ok_or(Error::Unavailable("try_again"))?;
    let proof = Proof::Recovery(&candidate, &hashes[0]);
    let mut tx = visitor.begin().await?;
    let proven = resets::prove(&mut tx, scope, &app.clock, &visitor.source, flow, Method::RecoveryCode, proof).await?;
    tx.commit().await?;
    Ok(proven)
}

const fn shape(method: Method) -> &'static str {
    match method {
        Method::RecoveryCode => "code-error-shape-recovery",
        Method::HelpDesk => "code-error-shape-help-desk",
        _ => "code-error-shape",
    }
}

const fn over(method: Method) -> &'static str {
    match method {
        Method::Totp => "code-error-used-app",
        Method::RecoveryCode => "code-error-used-recovery",
        Method::HelpDesk => "code-error-expired-help-desk",
        _ => "code-error-expired",
    }
}

async fn resend(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let Step::Code(method) = flow.step() else { return Ok(journey::to_step(flow)) };
    // By the help desk's way it is another number that one gets, if the old one is over.
    if !matches!(method.class(), Class::Issued | Class::HelpDesk) {
        return Ok(journey::to_step(flow));
    }
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let chosen = resets::choose(&mut tx, &visitor.tenant, &app.clock, &visitor.source, flow, method).await?;
    tx.commit().await?;
    app.wake_outbox();
    let said = match chosen {
        Chosen::Sent(Sent::Sent) => Said::Resent,
        Chosen::Sent(Sent::TooEarly) => Said::TooEarly,
        Chosen::Sent(Sent::Wait(_)) => Said::TooManySends,
        Chosen::Ready | Chosen::NotOffered => return Ok(journey::to_step(flow)),
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
    let mut conn = visitor.acquire().await?;
    let until = |at: OffsetDateTime| (at - now).whole_seconds().max(0) + 1;
    let sent = method.class() == Class::Issued;
    let sent_at = verification::sent_at(&mut conn, scope, flow.flow_id, method).await?.filter(|_| sent);
    let number = if method == Method::HelpDesk { verification::number(&mut conn, scope, &app.clock, flow.flow_id).await? } else { None };
    let resend_at = sent_at.map(|at| at + RESEND_AFTER).filter(|at| *at > now);
    let waiting = resets::waiting(&mut conn, &visitor.tenant, &app.clock, &visitor.source, flow, method).await?;
    drop(conn);
    let (tries_in, resend_in) = (waiting.tries.map(until), resend_at.max(waiting.sends).map_or(0, until));
    // Where it is the organisation's share and not the person's, another way may still be open.
    let limit = if waiting.of_all { "code-error-used-up" } else { "code-error-limit" };
    let (status, error, retry_after) = match said {
        Said::Nothing | Said::Resent => (StatusCode::OK, None, None),
        // The last one for now: nobody is asked to try again at once.
        Said::Refused("code-error-wrong") if tries_in.is_some() => (StatusCode::UNPROCESSABLE_ENTITY, Some("code-error-wrong-last"), None),
        Said::Refused(error) => (StatusCode::UNPROCESSABLE_ENTITY, Some(error), None),
        Said::TooManyTries => (StatusCode::TOO_MANY_REQUESTS, None, tries_in.or(Some(1))),
        Said::TooEarly => (StatusCode::TOO_MANY_REQUESTS, Some("code-error-early"), Some(resend_in.max(1))),
        Said::TooManySends => (StatusCode::TOO_MANY_REQUESTS, Some(limit), Some(resend_in.max(1))),
    };
    // Nothing was ever sent in this flow: the account's share of codes is used up.
    let error = error.or_else(|| (sent && sent_at.is_none()).then_some(limit));
    let shown = CodePage {
        page: visitor.page(),
        kind: method.as_str(),
        masked: flow.offer_of(method).map(|offer| offer.masked.clone()).unwrap_or_default(),
        number: number.map(|number| format!("{} {}", &number[..3], &number[3..])),
        sent,
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
