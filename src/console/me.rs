//! `/console/me` — one's own: password, second factors, browsers.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    guard::{self, Any, Desk, Fresh, Halfway, May},
    shell::{Here, Rail},
    welcome::{ask_password, hashed},
};
use crate::{
    app::App,
    domain::{
        audit::{self, Event},
        limits::{self, Count, Limit, Verdict},
        operators,
    },
    web::{
        Error, Page, Result, device, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/me") });
    Router::new()
        .route("/console/me", get(show))
        .route("/console/me/password", get(password).post(choose))
        .route("/console/me/factor/remove", post(remove).merge(back()))
        .route("/console/me/sessions/end", post(end).merge(back()))
}

struct Factor {
    id: Uuid,
    passkey: bool,
    label: String,
    added: When,
    used: Option<When>,
    stopped: bool,
    /// It may be taken off: another one works.
    removable: bool,
}

struct Browser {
    id: Uuid,
    here: bool,
    device: String,
    begun: When,
}

#[derive(Template)]
#[template(path = "console/me.html")]
struct MePage {
    page: Page,
    rail: Rail,
    mail: String,
    factors: Vec<Factor>,
    sessions: Vec<Browser>,
}

async fn show(desk: May<Any>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope, operator) = (&visitor.app, &visitor.tenant.scope, desk.operator.operator_id);
    let mut conn = visitor.acquire().await?;
    let factors = operators::factors(&mut conn, scope, operator).await?;
    let sessions = operators::sessions(&mut conn, scope, &app.clock, operator).await?;
    drop(conn);
    let (page, moment) = (visitor.page(), |at| when(visitor.language, at));
    let others = |id: Uuid| factors.iter().any(|other| other.factor_id != id && !other.is_stopped);
    let factor = |factor: &operators::Factor| Factor {
        id: factor.factor_id,
        passkey: factor.is_passkey,
        label: factor.label.clone(),
        added: moment(factor.created_at),
        used: factor.last_used_at.map(moment),
        stopped: factor.is_stopped,
        removable: others(factor.factor_id),
    };
    let shown = factors.iter().map(factor).collect();
    let browser = |session: operators::Session| Browser {
        id: session.session_id,
        here: session.session_id == desk.session.session_id,
        device: device::name(&page, &session.device),
        begun: moment(session.begun_at),
    };
    let sessions = sessions.into_iter().map(browser).collect();
    let (rail, mail) = (desk.rail(Here::Me), desk.operator.mail.as_str().to_owned());
    Ok(page::html(&MePage { page, rail, mail, factors: shown, sessions }))
}

async fn password(desk: Fresh<Any>) -> Response {
    ask(desk.into_desk(), StatusCode::OK, None)
}

fn ask(Desk { visitor, operator, session, .. }: Desk, status: StatusCode, error: Option<&'static str>) -> Response {
    ask_password(&Halfway { visitor, operator, session }, (status, error), "/console/me/password", true)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    current: String,
    password: String,
}

async fn choose(desk: Fresh<Any>, form::Form(form): form::Form<PasswordForm>) -> Result<Response> {
    let Desk { visitor, operator, session, .. } = desk.into_desk();
    let who = Halfway { visitor, operator, session };
    let (app, scope, source) = (&who.visitor.app, &who.visitor.tenant.scope, &who.visitor.source);
    let refused = |status, error| Ok(ask_password(&who, (status, Some(error)), "/console/me/password", true));
    // Whoever sits at somebody's browser guesses no more than anybody else; counted and committed before it is compared.
    let counts = || vec![Count::of(Limit::OperatorPassword, &[operators::Asked::subject(scope, who.operator.mail.as_str())])];
    let mut conn = who.visitor.acquire().await?;
    if limits::take_all(&mut conn, scope, &app.clock, source, counts()).await? != Verdict::Allowed {
        return refused(StatusCode::TOO_MANY_REQUESTS, "console-sign-in-error-limit");
    }
    let asked = operators::hold(&mut conn, scope, &who.operator).await?;
    drop(conn);
    let hashes = app.slow_hash.of(vec![asked.to_hash(&form.current)]).await?.ok_or(Error::Unavailable("try_again"))?;
    let right = hashes.first().and_then(|hash| asked.is(hash)).is_some();
    if !right {
        let mut tx = who.visitor.begin().await?;
        let detail = serde_json::json!({ "operator": who.operator.operator_id });
        let event = Event { action: "operator.password", outcome: "wrong", detail, ..Event::default() };
        audit::record(&mut tx, scope, &app.clock, source, event).await?;
        tx.commit().await?;
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "console-password-error-current");
    }
    let (salt, hash) = match hashed(&who, &form.password).await? {
        Ok(hashed) => hashed,
        Err(error) => return refused(StatusCode::UNPROCESSABLE_ENTITY, error),
    };
    let (operator, session) = (who.operator.operator_id, who.session.session_id);
    let mut tx = who.visitor.begin().await?;
    limits::clear(&mut tx, scope, counts()).await?;
    operators::choose_password(&mut tx, scope, &app.clock, source, operator, (&salt, &hash)).await?;
    // Whoever else had a browser of theirs has it no more.
    operators::end_but(&mut tx, scope, &app.clock, source, operator, Some(session)).await?;
    let token = operators::renew(&mut tx, scope, session).await?;
    tx.commit().await?;
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to("/console/me")).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: Uuid,
}

async fn remove(desk: Fresh<Any>, form::Form(form): form::Form<One>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let (source, operator) = (&desk.visitor.source, desk.operator.operator_id);
    if operators::remove_factor(&mut tx, scope, &app.clock, source, operator, form.id).await? {
        operators::end_but(&mut tx, scope, &app.clock, source, operator, Some(desk.session.session_id)).await?;
    }
    tx.commit().await?;
    Ok(Redirect::to("/console/me").into_response())
}

async fn end(desk: May<Any>, form::Form(form): form::Form<One>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    operators::end(&mut tx, scope, &app.clock, &desk.visitor.source, desk.operator.operator_id, form.id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/me").into_response())
}
