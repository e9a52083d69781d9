//! `/account` — what there is to do, and which browsers are signed in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Account, forget};
use crate::{
    app::App,
    domain::{audit, sessions},
    web::{Page, Result, device, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/account") });
    Router::new()
        .route("/account", get(show))
        .route("/account/sessions/end", post(end).merge(back()))
        .route("/account/sessions/end-others", post(end_others).merge(back()))
        .route("/account/sign-out", post(sign_out).merge(back()))
}

#[derive(Template)]
#[template(path = "portal/account/overview.html")]
struct OverviewPage {
    page: Page,
    name: String,
    sessions: Vec<Browser>,
}

/// A session, as its owner sees it.
struct Browser {
    id: Uuid,
    here: bool,
    device: String,
    begun: page::When,
    from: String,
}

async fn show(account: Account) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let page = visitor.page();
    let mut conn = visitor.app.db.acquire().await?;
    let sessions = sessions::list(&mut conn, &visitor.tenant.scope, &visitor.app.clock, user.user_id).await?;
    drop(conn);
    let browser = |one: &sessions::Session| Browser {
        id: one.session_id,
        here: one.session_id == session.session_id,
        device: device::name(&page, &one.device),
        begun: page::when(visitor.language, one.begun_at),
        from: one.origin.map(audit::coarse).unwrap_or_default(),
    };
    let sessions = sessions.iter().map(browser).collect();
    Ok(page::html(&OverviewPage { page, name: user.display_name.clone(), sessions }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    session: Uuid,
}

/// Another browser is signed out; this one has its own button for that.
async fn end(account: Account, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    sessions::end(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, (form.session, "by_owner")).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

async fn end_others(account: Account, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    sessions::end_but(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, Some(session.session_id)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

async fn sign_out(account: Account, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    sessions::end(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, (session.session_id, "signed_out")).await?;
    tx.commit().await?;
    Ok((forget(&app.public_url), Redirect::to("/")).into_response())
}
