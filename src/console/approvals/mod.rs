//! `/console/approvals` — what operators want that takes two: what waits for whom, what exactly will be done, and the decision. Whoever wants
//! such a thing is led here from the page of the act itself, says why, and waits.

mod rules;
mod told;

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
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use self::told::{Fact, Told};
use super::{
    guard::{Desk, Fresh, May, Permission, Serve},
    policies, settings,
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts,
        approvals::{self, Act, Approval, Asked, Decided, Right, State, Wish},
        history::What,
        operators::{self, Operator},
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(id): Path<Uuid>| async move { to(id) });
    Router::new()
        .route("/console/approvals", get(index))
        .route("/console/approvals/rules", get(rules::show).post(rules::submit))
        .route("/console/approvals/{id}", get(show))
        .route("/console/approvals/{id}/impact", get(impact))
        .route("/console/approvals/{id}/ask", post(ask).merge(back()))
        .route("/console/approvals/{id}/withdraw", post(withdraw).merge(back()))
        .route("/console/approvals/{id}/approve", post(approve).merge(back()))
        .route("/console/approvals/{id}/refuse", post(refuse).merge(back()))
}

fn to(approval: Uuid) -> Response {
    Redirect::to(&format!("/console/approvals/{approval}")).into_response()
}

/// An act that takes two: where its second person is asked for. The handler of the act calls it when [`approvals::wants`] says so.
pub async fn ask_first(mut tx: Transaction<'static, Postgres>, desk: &Desk, wish: &Wish) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let draft = approvals::begin(&mut tx, scope, &app.clock, desk.operator.operator_id, wish).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(to(draft))
}

/// Of the words of how it stands, and how its dot looks.
const fn state_key(state: State) -> (&'static str, &'static str) {
    match state {
        State::Draft => ("approvals-state-draft", "is-busy"),
        State::Waiting => ("approvals-state-waiting", "is-busy"),
        State::Approved => ("approvals-state-approved", "is-good"),
        State::Used => ("approvals-state-used", "is-good"),
        State::Refused => ("approvals-state-refused", "is-bad"),
        State::Withdrawn => ("approvals-state-withdrawn", "is-off"),
        State::Void => ("approvals-state-void", "is-off"),
        State::Expired => ("approvals-state-expired", "is-off"),
    }
}

struct Line {
    id: Uuid,
    act: &'static str,
    about: String,
    asker: String,
    reason: String,
    asked: When,
    until: When,
    state: (&'static str, &'static str),
}

#[derive(Template)]
#[template(path = "console/approvals.html")]
struct IndexPage {
    page: Page,
    rail: Rail,
    waiting: Vec<Line>,
    recent: Vec<Line>,
    /// Some act takes two.
    ruled: bool,
    /// They may switch which.
    governs: bool,
}

async fn index(desk: May<Serve>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (scope, clock, page) = (&visitor.tenant.scope, &visitor.app.clock, visitor.page());
    let mut conn = visitor.acquire().await?;
    let operators = operators::all(&mut conn, scope).await?;
    let waiting = approvals::waiting(&mut conn, scope, clock, &desk.operator).await?;
    let recent = approvals::recent(&mut conn, scope, clock, &desk.operator).await?;
    let waiting = lines(&mut conn, &desk, &page, &operators, waiting).await?;
    let recent = lines(&mut conn, &desk, &page, &operators, recent).await?;
    let ruled = !approvals::rules(&mut conn, scope).await?.is_empty();
    drop(conn);
    let governs = desk.may::<super::guard::Govern>();
    Ok(page::html(&IndexPage { page, rail: desk.rail(Here::Approvals), waiting, recent, ruled, governs }))
}

async fn lines(conn: &mut PgConnection, desk: &Desk, page: &Page, operators: &[Operator], all: Vec<Approval>) -> Result<Vec<Line>> {
    let language = desk.visitor.language;
    let mut lines = Vec::new();
    for one in all {
        let told = Told::of(&mut *conn, &desk.visitor.tenant.scope, page, &one.wish).await?;
        lines.push(Line {
            id: one.approval_id,
            act: told.act,
            about: told.about,
            asker: name_of(operators, one.asked_by),
            reason: one.reason,
            asked: when(language, one.asked_at),
            until: when(language, one.expires_at),
            state: state_key(one.state),
        });
    }
    Ok(lines)
}

fn name_of(operators: &[Operator], id: Uuid) -> String {
    operators.iter().find(|one| one.operator_id == id).map(|one| one.name.clone()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "console/approval.html")]
struct OnePage {
    page: Page,
    rail: Rail,
    id: Uuid,
    act: &'static str,
    does: &'static str,
    facts: Vec<Fact>,
    /// Of the policies.
    changes: Vec<policies::words::Line>,
    /// Whom that helps and whom not can be looked at.
    impact: bool,
    warnings: Vec<String>,
    asker: String,
    reason: String,
    asked: When,
    until: When,
    /// `draft`, `waiting` and so on.
    is: &'static str,
    state: (&'static str, &'static str),
    mine: bool,
    /// Why they cannot decide it; of its words.
    not: Option<&'static str>,
    /// Who decided, and when.
    decided: Option<(String, When)>,
    /// Where the asker does it now, and for a caller's code the number.
    go: Option<(String, Option<String>)>,
    error: Option<&'static str>,
}

/// What this operator may see of it.
async fn visible(conn: &mut PgConnection, desk: &Desk, id: Uuid) -> Result<(Approval, Right)> {
    let (scope, clock) = (&desk.visitor.tenant.scope, &desk.visitor.app.clock);
    let found = approvals::get(&mut *conn, scope, clock, id).await?.ok_or(Error::NotFound)?;
    match approvals::right(conn, scope, clock, &desk.operator, &found).await? {
        Right::No => Err(Error::NotFound),
        // A draft is nobody else's business.
        right if right != Right::Own && found.reason.is_empty() => Err(Error::NotFound),
        right => Ok((found, right)),
    }
}

async fn show(desk: May<Serve>, Path(id): Path<Uuid>) -> Result<Response> {
    answer(&desk, id, StatusCode::OK, None).await
}

async fn answer(desk: &Desk, id: Uuid, status: StatusCode, error: Option<&'static str>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (scope, language, page) = (&visitor.tenant.scope, visitor.language, visitor.page());
    let mut conn = visitor.acquire().await?;
    let (found, right) = visible(&mut conn, desk, id).await?;
    let told = Told::of(&mut conn, scope, &page, &found.wish).await?;
    let operators = operators::all(&mut conn, scope).await?;
    drop(conn);
    let mine = right == Right::Own;
    let go = match &found.wish {
        _ if !mine || found.state != State::Approved => None,
        Wish::Code { user, number } => Some((format!("/console/people/{user}/code"), Some(number.clone()))),
        Wish::Link { operator } => Some((format!("/console/operators/{operator}"), None)),
        wish => wish.user().map(|user| (format!("/console/people/{user}/temporary"), None)),
    };
    let shown = OnePage {
        rail: desk.rail(Here::Approvals),
        id,
        act: told.act,
        does: told.does,
        facts: told.facts,
        changes: told.changes,
        impact: found.state == State::Waiting && touches_proofs(&found.wish),
        warnings: told.warnings,
        asker: name_of(&operators, found.asked_by),
        asked: when(language, found.asked_at),
        until: when(language, found.expires_at),
        is: found.state.as_str(),
        state: state_key(found.state),
        mine,
        not: match right {
            Right::Above => Some("approvals-not-above"),
            Right::Close => Some("approvals-not-close"),
            Right::Yes | Right::Own | Right::No => None,
        },
        decided: found.decided_by.zip(found.decided_at).map(|(who, at)| (name_of(&operators, who), when(language, at))),
        reason: found.reason,
        go,
        error,
        page,
    };
    Ok(page::html_as(status, &shown))
}

/// Who would gain and who would lose by other policies, if they came now.
async fn impact(desk: May<Serve>, Path(id): Path<Uuid>) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let (found, _) = visible(&mut conn, &desk, id).await?;
    drop(conn);
    match found.wish {
        Wish::Policy { after, .. } if found.state == State::Waiting => policies::of_approval(&desk, id, after).await,
        Wish::Change { what: What::Settings, after, .. } if found.state == State::Waiting => {
            settings::of_approval(&desk, id, &after).await?.ok_or(Error::NotFound)
        }
        _ => Err(Error::NotFound),
    }
}

/// Whether it says anew by what people prove who they are.
fn touches_proofs(wish: &Wish) -> bool {
    match wish {
        Wish::Policy { .. } => true,
        Wish::Change { what: What::Settings, before, after } => {
            before["mail_domains"] != after["mail_domains"] || before["allowed"]["sms_countries"] != after["allowed"]["sms_countries"]
        }
        _ => false,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

async fn ask(desk: Fresh<Serve>, Path(id): Path<Uuid>, form::Form(form): form::Form<Why>) -> Result<Response> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let reason: String = form.reason.trim().chars().filter(|c| !c.is_control()).take(300).collect();
    if reason.is_empty() {
        return answer(&desk, id, StatusCode::UNPROCESSABLE_ENTITY, Some("approvals-error-reason")).await;
    }
    let mut tx = visitor.begin().await?;
    let asked = approvals::ask(&mut tx, &visitor.tenant, &app.clock, &visitor.source, &desk.operator, (id, &reason)).await?;
    tx.commit().await?;
    app.wake_outbox();
    match asked {
        Asked::Yes => Ok(to(id)),
        Asked::Over => Err(Error::Conflict("approval_over")),
        Asked::TooMany => answer(&desk, id, StatusCode::TOO_MANY_REQUESTS, Some("approvals-error-many")).await,
    }
}

async fn withdraw(desk: May<Serve>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let operator = desk.operator.operator_id;
    let done = approvals::withdraw(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, operator, id).await?;
    tx.commit().await?;
    if done { Ok(Redirect::to("/console/approvals").into_response()) } else { Err(Error::Conflict("approval_over")) }
}

async fn approve(desk: Fresh<Serve>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    decide(&desk, id.0, true).await
}

async fn refuse(desk: Fresh<Serve>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    decide(&desk, id.0, false).await
}

async fn decide(desk: &Desk, id: Uuid, yes: bool) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    if yes {
        acts::counted(&mut tx, &visitor.tenant, &app.clock, &visitor.source, &desk.operator).await?;
    }
    let decided = approvals::decide(&mut tx, scope, &app.clock, &visitor.source, desk.operator.operator_id, (id, yes)).await?;
    // That it came to nothing is written down as well.
    tx.commit().await?;
    app.wake_outbox();
    match decided {
        Decided::Done | Decided::Opened | Decided::Refused => Ok(to(id)),
        Decided::NotThere | Decided::Denied(Right::No) => Err(Error::NotFound),
        Decided::Denied(Right::Own) => Err(Error::Forbidden("approval_own")),
        Decided::Denied(Right::Close) => Err(Error::Forbidden("approval_close")),
        Decided::Denied(Right::Above | Right::Yes) => Err(Error::Forbidden("above_you")),
        Decided::Over => Err(Error::Conflict("approval_over")),
        Decided::Changed => Err(Error::Conflict("approval_target_changed")),
        Decided::Asker => Err(Error::Conflict("approval_asker_changed")),
        Decided::Off => Err(Error::Forbidden("act_off")),
        Decided::Failed => Err(Error::Conflict("approval_failed")),
    }
}

/// How many wait for this operator: beside the rail's item.
pub async fn count(app: &App, desk: &Desk) -> Result<i64> {
    if !Serve::ROLES.contains(&desk.operator.role) {
        return Ok(0);
    }
    let mut conn = desk.visitor.acquire().await?;
    Ok(approvals::count(&mut conn, &desk.visitor.tenant.scope, &app.clock, &desk.operator).await?)
}

/// Key of an act's name.
const fn act_key(act: Act) -> &'static str {
    match act {
        Act::Temporary => "approvals-act-temporary",
        Act::Privileged => "approvals-act-privileged",
        Act::Code => "approvals-act-code",
        Act::Method => "approvals-act-method",
        Act::Agent => "approvals-act-agent",
        Act::Policy => "approvals-act-policy",
        Act::Owner => "approvals-act-owner",
        Act::Rule => "approvals-act-rule",
    }
}
