//! `/account/methods/app` — an authenticator app: its secret as a picture and as text, and the first code, which shows that it arrived.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use qrcode::{QrCode, render::svg};
use serde::Deserialize;

use super::{Account, Recent};
use crate::{
    app::App,
    domain::{
        authenticators::{self, AppSecret, Kind, Label, Registered},
        notifications::Change,
        verification::{Code, Method},
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/methods/app", get(show).post(begin))
        .route("/account/methods/app/picture", get(picture))
        .route("/account/methods/app/code", get(|| async { Redirect::to("/account/methods/app") }).post(confirm))
}

#[derive(Template)]
#[template(path = "portal/account/app.html")]
struct AppPage {
    page: Page,
    key: String,
    label: String,
    error: Option<&'static str>,
}

/// A new secret, whatever was begun before.
async fn begin(Recent(account): Recent, _: form::Form<form::Nothing>) -> Result<Response> {
    account.may_add(Kind::Totp).await?;
    let visitor = &account.visitor;
    let mut conn = visitor.acquire().await?;
    authenticators::begin_app(&mut conn, &visitor.tenant.scope, &visitor.app.clock, account.registrar()).await?;
    Ok(Redirect::to("/account/methods/app").into_response())
}

async fn pending(account: &Account) -> Result<Option<AppSecret>> {
    let visitor = &account.visitor;
    let mut conn = visitor.acquire().await?;
    Ok(authenticators::pending_app(&mut conn, &visitor.tenant.scope, &visitor.app.clock, account.registrar()).await?)
}

async fn show(account: Account) -> Result<Response> {
    answer(&account, None, None).await
}

async fn answer(account: &Account, label: Option<String>, error: Option<&'static str>) -> Result<Response> {
    let Some(secret) = pending(account).await? else { return Ok(Redirect::to("/account/methods").into_response()) };
    let page = account.visitor.page();
    let label = label.unwrap_or_else(|| page.t("method-totp").into_owned());
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(page::html_as(status, &AppPage { page, key: secret.grouped(), label, error }))
}

/// Black on white, as cameras want it, in whatever colours the page is.
async fn picture(account: Account) -> Result<Response> {
    let secret = pending(&account).await?.ok_or(Error::NotFound)?;
    let code = QrCode::new(secret.uri(&account.visitor.tenant.name, &account.user.sign_in_name)?.as_bytes())?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")], picture).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    label: String,
    code: String,
}

async fn confirm(Recent(account): Recent, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Some(label) = Label::parse(&form.label) else {
        return answer(&account, Some(form.label), Some("methods-error-label")).await;
    };
    let Some(code) = Code::parse(Method::Totp, &form.code) else {
        return answer(&account, Some(form.label), Some("code-error-shape")).await;
    };
    let visitor = &account.visitor;
    let (app, scope, registrar) = (&visitor.app, &visitor.tenant.scope, account.registrar());
    let mut tx = visitor.begin().await?;
    let cooling_off = account.cooling_off(&mut tx).await?;
    let done =
        authenticators::confirm_app(&mut tx, scope, &app.clock, &visitor.source, registrar, &label, code.as_str(), cooling_off).await?;
    if let Registered::Added(_) = done {
        account.counts(&mut tx).await?;
        account.tells(&mut tx, Change::Added, Kind::Totp).await?;
    }
    tx.commit().await?;
    app.wake_outbox();
    match done {
        Registered::Wrong => answer(&account, Some(form.label), Some("app-error-wrong")).await,
        Registered::Full => Err(Error::Conflict("method_full")),
        Registered::Added(_) | Registered::Over | Registered::Taken => Ok(Redirect::to("/account/methods").into_response()),
    }
}
