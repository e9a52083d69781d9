//! `/console/people/{id}/temporary` — a temporary password, made and sealed in this browser, shown once when it is set.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    guard::{Desk, Fresh, Serve},
    person::governed,
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts::{self, Behalf, Offered},
        fleet::{self, Readiness, Recipient},
        resets::SubmitRefused,
    },
    web::{Error, Page, Result, form, page},
    wire::{seal::Envelope, ticket::Ticket},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/console/people/{id}/temporary", get(show))
        .route("/console/people/{id}/temporary/ticket", post(ticket))
        .route("/console/people/{id}/temporary/jobs", post(submit))
}

#[derive(Template)]
#[template(path = "console/temporary.html")]
struct TemporaryPage {
    page: Page,
    rail: Rail,
    id: Uuid,
    name: String,
    sign_in: String,
    /// What the directory asks of a password.
    min_length: u32,
    /// None of its names may stand in it.
    words: Vec<String>,
}

const fn behalf(desk: &Desk, user: Uuid) -> Behalf {
    Behalf { session: desk.session.session_id, user }
}

async fn show(desk: Fresh<Serve>, Path(id): Path<Uuid>) -> Result<Response> {
    let scope = &desk.visitor.tenant.scope;
    let mut conn = desk.visitor.app.db.acquire().await?;
    let user = governed(&mut conn, &desk, id).await?;
    let policy = fleet::policy(&mut conn, scope, user.connector_id).await?;
    drop(conn);
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::People));
    let min_length = policy.map_or(0, |(policy, _)| policy.min_length);
    let breaks = |c: char| c.is_whitespace() || ",.-_#".contains(c);
    let words = user.display_name.split(breaks).filter(|part| part.chars().count() > 2).map(str::to_owned).collect();
    let name = if user.display_name.is_empty() { user.sign_in_name.clone() } else { user.display_name };
    Ok(page::html(&TemporaryPage { page, rail, id, name, sign_in: user.sign_in_name, min_length, words }))
}

#[derive(Serialize)]
struct Permit {
    ticket: Ticket,
    recipients: Vec<Recipient>,
    /// The cloud's clock, so that a wrong clock in the browser refuses no key.
    now: i64,
}

async fn ticket(desk: Fresh<Serve>, Path(id): Path<Uuid>, _: form::Json<form::Nothing>) -> Result<Json<Permit>> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    let user = governed(&mut tx, &desk, id).await?;
    let offered = acts::offer(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, behalf(&desk, user.user_id)).await?;
    tx.commit().await?;
    match offered {
        Offered::Permit(ticket, recipients) => Ok(Json(Permit { ticket: *ticket, recipients, now: app.clock.seconds() })),
        Offered::NotServed => Err(Error::Forbidden("not_served")),
        Offered::Frozen => Err(Error::Forbidden("frozen")),
        Offered::NotReady(Readiness::WritebackOff) => Err(Error::Unavailable("writeback_off")),
        Offered::NotReady(_) => Err(Error::Unavailable("no_agent")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedJob {
    job: Uuid,
    envelopes: Vec<Envelope>,
}

/// Answered once the job is durable; the agents hear of it after the commit.
async fn submit(desk: Fresh<Serve>, Path(id): Path<Uuid>, form::Json(sealed): form::Json<SealedJob>) -> Result<Response> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    let user = governed(&mut tx, &desk, id).await?;
    acts::counted(&mut tx, &visitor.tenant, &app.clock, &visitor.source, &desk.operator).await?;
    let own = acts::Sealed { behalf: behalf(&desk, user.user_id), job: sealed.job, envelopes: &sealed.envelopes };
    let submitted = acts::submit(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, own).await?;
    tx.commit().await?;
    let (connector, superseded) = submitted.map_err(refused)?;
    app.wake_outbox();
    app.has_job(connector);
    if let Some(older) = superseded {
        app.wake.tell(older);
    }
    let state = format!("/console/people/{id}/jobs/{}/state", sealed.job);
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "state": state }))).into_response())
}

/// In the words of an error.
const fn refused(refused: SubmitRefused) -> Error {
    match refused {
        SubmitRefused::NoTicket | SubmitRefused::NoFlow => Error::Conflict("no_ticket"),
        SubmitRefused::Envelope => Error::Unusable(StatusCode::UNPROCESSABLE_ENTITY, "bad_envelope"),
        SubmitRefused::Expired => Error::Conflict("ticket_expired"),
        SubmitRefused::Superseded => Error::Conflict("superseded"),
        SubmitRefused::Busy => Error::Conflict("busy"),
        SubmitRefused::Frozen => Error::Forbidden("frozen"),
        SubmitRefused::NotServed => Error::Forbidden("not_served"),
        SubmitRefused::WritebackOff => Error::Unavailable("writeback_off"),
    }
}
