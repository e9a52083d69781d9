//! What operators do for a person, each at an address of its own below the person's. The page says beforehand exactly what it does; whom
//! it may be done for is asked anew in the transaction that does it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    approvals::ask_first,
    guard::{Desk, Fresh, May, Serve},
    person::governed,
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts::{self, Asking, Coded, Invited},
        approvals::{self, Act, Opening, Wish},
        resets::{self, Why},
        tenants::{self, Aid},
        users::User,
    },
    web::{Error, Page, Result, form, page},
    wire::ticket::Kind,
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(id): Path<Uuid>| async move { Redirect::to(&format!("/console/people/{id}")) });
    Router::new()
        .route("/console/people/{id}/freeze", post(freeze).merge(back()))
        .route("/console/people/{id}/unfreeze", post(unfreeze).merge(back()))
        .route("/console/people/{id}/limits", post(limits).merge(back()))
        .route("/console/people/{id}/look", post(look).merge(back()))
        .route("/console/people/{id}/unlock", post(unlock).merge(back()))
        .route("/console/people/{id}/method", post(method).merge(back()))
        .route("/console/people/{id}/code", post(code).merge(back()))
        .route("/console/people/{id}/invitation", post(invite).merge(back()))
}

/// Whoever this operator may act for, where what they want is not switched off.
pub async fn governed_for(conn: &mut PgConnection, desk: &Desk, user: Uuid, aid: Aid) -> Result<User> {
    let user = governed(&mut *conn, desk, user).await?;
    if tenants::forbids(conn, &desk.visitor.tenant.scope, aid).await? {
        return Err(Error::Forbidden("act_off"));
    }
    Ok(user)
}

/// Back to the person, saying what came of it.
fn said(id: Uuid, word: &str) -> Response {
    Redirect::to(&format!("/console/people/{id}?said={word}")).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn freeze(desk: May<Serve>, Path(id): Path<Uuid>, form::Form(form): form::Form<Reason>) -> Result<Response> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let user = governed(&mut tx, &desk, id).await?;
    let reason: String = form.reason.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    let reason = if reason.is_empty() { "by hand" } else { &reason };
    let frozen = resets::freeze(&mut tx, &visitor.tenant, &app.clock, &visitor.source, user.user_id, Why::Operator(reason)).await?;
    tx.commit().await?;
    app.wake_outbox();
    for job in frozen.stopped {
        app.wake.tell(job);
    }
    Ok(said(id, if frozen.too_late { "too-late" } else { "frozen" }))
}

async fn unfreeze(desk: Fresh<Serve>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let user = governed(&mut tx, &desk, id).await?;
    acts::counted(&mut tx, &visitor.tenant, &visitor.app.clock, &visitor.source, &desk.operator).await?;
    resets::lift(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, user.user_id).await?;
    tx.commit().await?;
    visitor.app.wake_outbox();
    Ok(said(id, "lifted"))
}

async fn limits(desk: Fresh<Serve>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let user = governed(&mut tx, &desk, id).await?;
    acts::counted(&mut tx, &visitor.tenant, &visitor.app.clock, &visitor.source, &desk.operator).await?;
    let lifted = acts::lift_limits(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, &user).await?;
    tx.commit().await?;
    visitor.app.wake_outbox();
    Ok(said(id, if lifted > 0 { "limits" } else { "no-limits" }))
}

async fn look(desk: May<Serve>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    ask(&desk, id.0, Kind::Inspect).await
}

async fn unlock(desk: May<Serve>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    ask(&desk, id.0, Kind::Unlock).await
}

async fn ask(desk: &Desk, id: Uuid, kind: Kind) -> Result<Response> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let user = if kind.is_effect() { governed_for(&mut tx, desk, id, Aid::Unlock).await? } else { governed(&mut tx, desk, id).await? };
    // Before anything of the person is locked, as everywhere.
    if kind.is_effect() {
        acts::counted(&mut tx, &visitor.tenant, &app.clock, &visitor.source, &desk.operator).await?;
    }
    let asking = acts::ask(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, kind).await?;
    Ok(match asking {
        Asking::Asked { connector, job, superseded } => {
            tx.commit().await?;
            app.wake_outbox();
            app.has_job(connector);
            if let Some(older) = superseded {
                app.wake.tell(older);
            }
            Redirect::to(&format!("/console/people/{id}/jobs/{job}")).into_response()
        }
        Asking::Busy => said(id, "busy"),
        Asking::NotServed => said(id, "not-served"),
        Asking::Frozen => said(id, "is-frozen"),
        Asking::NotReady(_) => said(id, "not-ready"),
        Asking::Off => said(id, "off"),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: Uuid,
}

async fn method(desk: Fresh<Serve>, Path(id): Path<Uuid>, form::Form(form): form::Form<One>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Method).await?;
    if approvals::wants(&mut tx, &visitor.tenant.scope, Act::Method).await? {
        return ask_first(tx, &desk, &Wish::Method { user: user.user_id, authenticator: form.id }).await;
    }
    acts::counted(&mut tx, &visitor.tenant, &visitor.app.clock, &visitor.source, &desk.operator).await?;
    let removed = acts::remove_method(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, &user, form.id).await?;
    tx.commit().await?;
    visitor.app.wake_outbox();
    Ok(said(id, if removed { "removed" } else { "gone" }))
}

async fn invite(desk: May<Serve>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Invitation).await?;
    acts::counted(&mut tx, &visitor.tenant, &visitor.app.clock, &visitor.source, &desk.operator).await?;
    let invited = acts::invite(&mut tx, &visitor.tenant, &visitor.app.clock, &visitor.source, &user).await?;
    tx.commit().await?;
    visitor.app.wake_outbox();
    Ok(said(
        id,
        match invited {
            Invited::Sent(_) => "invited",
            Invited::Nowhere => "nowhere",
            Invited::NotServed => "not-served",
        },
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    number: String,
}

#[derive(Template)]
#[template(path = "console/code.html")]
struct CodePage {
    page: Page,
    rail: Rail,
    id: Uuid,
    name: String,
    /// In two halves.
    code: Option<(String, String)>,
    /// Why there is none; of its words.
    error: Option<&'static str>,
    /// As it was typed.
    number: String,
}

/// The answer is the page with the code: it is told this once, and kept nowhere in clear.
async fn code(desk: Fresh<Serve>, Path(id): Path<Uuid>, form::Form(form): form::Form<Number>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (scope, clock, source) = (&visitor.tenant.scope, &visitor.app.clock, &visitor.source);
    let mut tx = visitor.begin().await?;
    let user = governed_for(&mut tx, &desk, id, Aid::Code).await?;
    let number: String = form.number.chars().filter(char::is_ascii_digit).take(20).collect();
    let wish = Wish::Code { user: user.user_id, number };
    let mut by = None;
    if approvals::wants(&mut tx, scope, Act::Code).await? {
        by = match approvals::opening(&mut tx, scope, clock, source, (desk.operator.operator_id, &wish), None).await? {
            Opening::By(approval) => Some(approval),
            Opening::Shut | Opening::Again => return ask_first(tx, &desk, &wish).await,
            Opening::Changed => {
                tx.commit().await?;
                return Err(Error::Conflict("approval_target_changed"));
            }
        };
    }
    acts::counted(&mut tx, &visitor.tenant, clock, source, &desk.operator).await?;
    let coded = acts::code(&mut tx, scope, clock, source, &user, &form.number).await?;
    if let (Coded::Code(_), Some(approval)) = (&coded, by) {
        approvals::used(&mut tx, scope, clock, source, (approval, &wish), None).await?;
    }
    // A number that fits nothing stands in the trail, too.
    tx.commit().await?;
    visitor.app.wake_outbox();
    let (code, error) = match coded {
        Coded::Code(code) => (Some((code[..4].to_owned(), code[4..].to_owned())), None),
        Coded::Frozen(_) => (None, Some("people-said-is-frozen")),
        Coded::NotTaken => (None, Some("people-code-not-taken")),
        Coded::NotServed => (None, Some("people-said-not-served")),
        Coded::NoPage => (None, Some("people-code-no-page")),
    };
    let status = if code.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (page, rail) = (visitor.page(), desk.rail(Here::People));
    Ok(page::html_as(status, &CodePage { page, rail, id, name: user.display_name, code, error, number: form.number }))
}
