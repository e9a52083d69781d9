//! `/console/prove` — the second factor once more, before something dangerous; then back to it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Query,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    guard::{self, Any, Desk, May},
    sign_in::{self, To},
};
use crate::{
    app::App,
    domain::{operators, sso},
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/console/prove", get(show).post(submit))
        .route("/console/prove/passkey", post(passkey).get(|| async { Redirect::to("/console/prove") }))
}

#[derive(Template)]
#[template(path = "console/prove.html")]
struct ProvePage {
    page: Page,
    to: String,
    app: bool,
    passkey: bool,
    error: Option<&'static str>,
    passkey_error: Option<&'static str>,
    at: &'static str,
    passkey_at: &'static str,
    /// Whoever has no second factor here shows it once more at the provider, which is called so.
    sso: Option<String>,
}

async fn show(desk: May<Any>, to: Query<To>) -> Result<Response> {
    answer(&desk, StatusCode::OK, &to, (None, None)).await
}

async fn answer(
    desk: &Desk,
    status: StatusCode,
    to: &To,
    (error, passkey_error): (Option<&'static str>, Option<&'static str>),
) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut conn = visitor.acquire().await?;
    let factors = operators::factors(&mut conn, &visitor.tenant.scope, desk.operator.operator_id).await?;
    let has = |passkey: bool| factors.iter().any(|factor| factor.is_passkey == passkey && !factor.is_stopped);
    let linked = desk.operator.linked_at.is_some() && !has(true) && !has(false);
    let sso = if linked { sso::open(&mut conn, &visitor.tenant.scope).await?.map(|provider| provider.terms.label) } else { None };
    drop(conn);
    let shown = ProvePage {
        page: visitor.page(),
        to: to.path().to_owned(),
        app: has(false),
        passkey: has(true),
        error,
        passkey_error,
        at: "/console/prove",
        passkey_at: "/console/prove/passkey",
        sso,
    };
    Ok(page::html_as(status, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    code: String,
    to: String,
}

async fn submit(desk: May<Any>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let to = To::of(form.to);
    match sign_in::check_code(&desk.visitor, desk.operator.operator_id, &form.code).await? {
        Ok(()) => proven(&desk, &to).await,
        Err((status, error)) => answer(&desk, status, &to, (Some(error), None)).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasskeyForm {
    answer: String,
    to: String,
}

async fn passkey(desk: May<Any>, headers: HeaderMap, form::Form(form): form::Form<PasskeyForm>) -> Result<Response> {
    let to = To::of(form.to);
    match sign_in::check_passkey(&desk.visitor, &headers, Some(desk.operator.operator_id), &form.answer).await? {
        Ok(_) => proven(&desk, &to).await,
        Err((status, error)) => answer(&desk, status, &to, (None, Some(error))).await,
    }
}

async fn proven(desk: &Desk, to: &To) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let token = operators::proven(&mut tx, scope, &app.clock, &desk.visitor.source, desk.session.session_id).await?;
    tx.commit().await?;
    let Some(token) = token else { return Ok(Redirect::to("/console/sign-in").into_response()) };
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to(to.path())).into_response())
}
