//! `/console/people/{id}/temporary` — a temporary password, made and sealed in this browser, shown once when it is set.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    acts::governed_for,
    approvals::ask_first,
    guard::{Desk, Fresh, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts::{self, Behalf, Offered},
        approvals::{self, Opening, Temporary, Wish},
        fleet::{self, Readiness, Recipient},
        resets::SubmitRefused,
        tenants::Aid,
    },
    web::{Error, Page, Result, form, page},
    wire::{seal::Envelope, ticket::Ticket},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/console/people/{id}/temporary", get(show).post(ask))
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
    /// A colleague must allow it first.
    asks: bool,
}

/// Who sets it for whom, and by which approval if it takes two.
struct Way {
    behalf: Behalf,
    by: Option<(Uuid, Wish)>,
}

/// Whether this operator may set one for this person now. `Err`: what to answer once the transaction is committed.
async fn way(conn: &mut PgConnection, desk: &Desk, user: Uuid, job: Option<Uuid>) -> Result<Result<Way, Error>> {
    let (scope, clock, source) = (&desk.visitor.tenant.scope, &desk.visitor.app.clock, &desk.visitor.source);
    let behalf = |allowed| Behalf { session: desk.session.session_id, user, allowed };
    let wish = match approvals::temporary(&mut *conn, scope, user).await? {
        Temporary::Never => return Ok(Err(Error::Forbidden("not_served"))),
        Temporary::Alone => return Ok(Ok(Way { behalf: behalf(false), by: None })),
        Temporary::Together(wish) => wish,
    };
    Ok(match approvals::opening(conn, scope, clock, source, (desk.operator.operator_id, &wish), job).await? {
        Opening::By(approval) => Ok(Way { behalf: behalf(true), by: Some((approval, wish)) }),
        Opening::Again => Ok(Way { behalf: behalf(true), by: None }),
        Opening::Shut => Err(Error::Forbidden("approval_needed")),
        Opening::Changed => Err(Error::Conflict("approval_target_changed")),
    })
}

async fn show(desk: Fresh<Serve>, Path(id): Path<Uuid>) -> Result<Response> {
    let scope = &desk.visitor.tenant.scope;
    let mut conn = desk.visitor.acquire().await?;
    let user = governed_for(&mut conn, &desk, id, Aid::Temporary).await?;
    let policy = fleet::policy(&mut conn, scope, user.connector_id).await?;
    let asks = match approvals::temporary(&mut conn, scope, user.user_id).await? {
        Temporary::Together(wish) => {
            !approvals::is_open(&mut conn, scope, &desk.visitor.app.clock, desk.operator.operator_id, &wish).await?
        }
        Temporary::Never | Temporary::Alone => false,
    };
    drop(conn);
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::People));
    let min_length = policy.map_or(0, |(policy, _)| policy.min_length);
    let breaks = |c: char| c.is_whitespace() || ",.-_#".contains(c);
    let words = user.display_name.split(breaks).filter(|part| part.chars().count() > 2).map(str::to_owned).collect();
    let name = if user.display_name.is_empty() { user.sign_in_name.clone() } else { user.display_name };
    Ok(page::html(&TemporaryPage { page, rail, id, name, sign_in: user.sign_in_name, min_length, words, asks }))
}

/// A second person is wanted.
async fn ask(desk: Fresh<Serve>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let mut tx = desk.visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Temporary).await?;
    match approvals::temporary(&mut tx, &desk.visitor.tenant.scope, user.user_id).await? {
        Temporary::Together(wish) => ask_first(tx, &desk, &wish).await,
        Temporary::Never | Temporary::Alone => Ok(Redirect::to(&format!("/console/people/{id}/temporary")).into_response()),
    }
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
    let mut tx = visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Temporary).await?;
    let way = match way(&mut tx, &desk, user.user_id, None).await? {
        Ok(way) => way,
        Err(error) => {
            tx.commit().await?;
            return Err(error);
        }
    };
    let offered = acts::offer(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, way.behalf).await?;
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
    let mut tx = visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Temporary).await?;
    let (scope, clock, source) = (&visitor.tenant.scope, &app.clock, &visitor.source);
    acts::counted(&mut tx, &visitor.tenant, clock, source, &desk.operator).await?;
    let way = match way(&mut tx, &desk, user.user_id, Some(sealed.job)).await? {
        Ok(way) => way,
        Err(error) => {
            tx.commit().await?;
            return Err(error);
        }
    };
    let own = acts::Sealed { behalf: way.behalf, job: sealed.job, envelopes: &sealed.envelopes };
    let submitted = acts::submit(&mut tx, scope, clock, source, own).await?;
    if let (Ok(_), Some((approval, wish))) = (&submitted, &way.by) {
        approvals::used(&mut tx, scope, clock, source, (*approval, wish), Some(sealed.job)).await?;
    }
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
