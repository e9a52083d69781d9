//! `/account/password` — the current password, sealed in the browser for the organisation's own agents; and `/account/enter`, where a
//! right one leads: into a session, or to a new password where one is due.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::set_cookie;
use crate::{
    app::App,
    domain::{
        resets::{self, Entry, Sealed, Step},
        users,
    },
    portal::{
        ended,
        journey::{self, Bearer, Journey},
        password::{self, Refusal},
    },
    web::{Error, Page, Result, Visitor, cookie, form, page},
    wire::seal::Envelope,
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/reset") });
    Router::new()
        .route("/account/password", get(show))
        .route("/account/jobs", post(submit))
        .route("/account/enter", get(shows_the_way_in))
        .route("/account/sessions", post(enter).merge(back()))
        .route("/account/renewal", post(renew).merge(back()))
}

#[derive(Template)]
#[template(path = "portal/account/current.html")]
struct CurrentPage {
    page: Page,
    /// As the ticket will name them.
    user: Uuid,
    sign_in_name: String,
    refusal: Option<Refusal>,
    wait: Option<i64>,
}

async fn show(journey: Journey) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Current {
        return Ok(journey::to_step(flow));
    }
    let mut conn = visitor.acquire().await?;
    let Some(user) = users::get(&mut conn, &visitor.tenant.scope, flow.user_id.unwrap_or_default()).await? else {
        return Ok(ended::page(visitor, StatusCode::GONE, "outcome-gone-title", "outcome-gone-text"));
    };
    drop(conn);
    let wait = password::wait(visitor, &user).await?;
    let refusal = Refusal::of(visitor, flow);
    Ok(page::html(&CurrentPage { page: visitor.page(), user: user.object_guid, sign_in_name: user.sign_in_name, refusal, wait }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedJob {
    job: Uuid,
    envelopes: Vec<Envelope>,
}

/// Answered once the job is durable.
async fn submit(Bearer { visitor, browser }: Bearer, form::Json(sealed): form::Json<SealedJob>) -> Result<Response> {
    let Visitor { app, tenant, source, .. } = &visitor;
    let sealed = Sealed { tenant, source, browser: &browser, job_id: sealed.job, envelopes: &sealed.envelopes, following: &[] };
    let mut tx = visitor.begin().await?;
    let taken = resets::check(&mut tx, &app.clock, &sealed).await?;
    let connector = taken.map_err(password::refused)?;
    tx.commit().await?;
    app.has_job(connector);
    app.strand(&tenant.scope, connector).await?;
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "status": "/reset/status" }))).into_response())
}

#[derive(Template)]
#[template(path = "portal/account/enter.html")]
struct EnterPage {
    page: Page,
    title_key: Option<String>,
    text_key: String,
}

/// It was right; what follows changes something, so it takes a press, which the script makes where nothing else is to be read.
async fn shows_the_way_in(journey: Journey) -> Response {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Enter {
        return journey::to_step(flow);
    }
    let code = flow.job.as_ref().and_then(|job| job.code).filter(|_| flow.is_due()).map(password::key);
    let text_key = code.as_ref().map(|code| format!("outcome-{code}-text")).unwrap_or_default();
    page::html(&EnterPage { page: visitor.page(), title_key: code.map(|code| format!("outcome-{code}-title")), text_key })
}

/// A session begins, in place of one that the browser may have had, and the journey's cookie goes.
async fn enter(Journey { visitor, flow }: Journey, headers: HeaderMap, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let old = cookie::get(&headers, &app.public_url, cookie::SESSION);
    let mut tx = visitor.begin().await?;
    let entered = resets::enter(&mut tx, scope, &app.clock, &visitor.source, &flow, &visitor.device, old).await?;
    let token = match entered {
        Entry::In(token) => token,
        Entry::Changed => {
            tx.commit().await?;
            return Err(Error::Conflict("password_changed"));
        }
        Entry::No => {
            // Where the page is still the same, it would press its button again.
            let now = resets::reload(&mut tx, scope, &app.clock, &flow).await?.filter(|flow| flow.step() != Step::Enter);
            return now.map(|flow| journey::to_step(&flow)).ok_or(Error::Forbidden("not_served"));
        }
    };
    tx.commit().await?;
    let mut response = ([set_cookie(&app.public_url, &token)], Redirect::to("/account")).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie::set(&app.public_url, cookie::FLOW, "", 0));
    Ok(response)
}

/// On to a new password.
async fn renew(Journey { visitor, flow }: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let renewed = resets::renew(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, &flow).await?;
    tx.commit().await?;
    if let Some(connector) = renewed.flatten() {
        app.has_job(connector);
    }
    Ok(Redirect::to("/reset").into_response())
}
