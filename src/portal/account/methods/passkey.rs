//! `/account/methods/passkey` — make a passkey in this browser, or with a phone or a security key by its side.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{Account, Recent};
use crate::{
    app::App,
    domain::{
        authenticators::{self, Attestation, Kind, Label, Registered},
        notifications::Change,
    },
    web::{Error, Page, Result, device, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/account/methods/passkey", get(show).post(submit))
        .route("/account/methods/passkey/challenge", post(challenge).get(|| async { Redirect::to("/account/methods/passkey") }))
}

#[derive(Template)]
#[template(path = "portal/account/passkey.html")]
struct PasskeyPage {
    page: Page,
    label: String,
    error: Option<&'static str>,
}

async fn show(Recent(account): Recent) -> Result<Response> {
    account.may_add(Kind::Passkey).await?;
    Ok(answer(&account, None, None))
}

fn answer(account: &Account, label: Option<String>, error: Option<&'static str>) -> Response {
    let page = account.visitor.page();
    let label = label.unwrap_or_else(|| device::name(&page, &account.visitor.device));
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::html_as(status, &PasskeyPage { page, label, error })
}

async fn challenge(Recent(account): Recent, _: form::Json<form::Nothing>) -> Result<Response> {
    account.may_add(Kind::Passkey).await?;
    let (visitor, rp) = (&account.visitor, account.visitor.relying_party()?);
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let options = authenticators::begin_passkey(&mut conn, scope, &app.clock, &rp, &account.user, account.registrar()).await?;
    Ok(Json(options).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    label: String,
    answer: String,
}

async fn submit(Recent(account): Recent, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Some(label) = Label::parse(&form.label) else {
        return Ok(answer(&account, Some(form.label), Some("methods-error-label")));
    };
    let Some(attestation) = Attestation::parse(&form.answer) else {
        let error = if form.answer.is_empty() { "passkey-error-script" } else { "passkey-failed" };
        return Ok(answer(&account, Some(form.label), Some(error)));
    };
    let (visitor, rp) = (&account.visitor, account.visitor.relying_party()?);
    let (app, scope, registrar) = (&visitor.app, &visitor.tenant.scope, account.registrar());
    let mut tx = visitor.begin().await?;
    let cooling_off = account.cooling_off(&mut tx).await?;
    let with = (&rp, &attestation);
    let done = authenticators::finish_passkey(&mut tx, scope, &app.clock, &visitor.source, with, registrar, &label, cooling_off).await?;
    if let Registered::Added(_) = done {
        account.counts(&mut tx).await?;
        account.tells(&mut tx, Change::Added, Kind::Passkey).await?;
    }
    tx.commit().await?;
    app.wake_outbox();
    Ok(match done {
        Registered::Added(_) => Redirect::to("/account/methods").into_response(),
        Registered::Wrong => answer(&account, Some(form.label), Some("passkey-failed")),
        Registered::Over => answer(&account, Some(form.label), Some("passkey-error-over")),
        Registered::Full => return Err(Error::Conflict("method_full")),
        Registered::Taken => answer(&account, Some(form.label), Some("passkey-registered")),
    })
}
