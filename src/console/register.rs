//! `/console/me/factor` and `/console/welcome/factor` — a new second factor: by somebody who is signed in and has just shown another one,
//! or by somebody who came by a one-time link, which is used up by it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use qrcode::{QrCode, render::svg};
use serde::Deserialize;

use super::guard::{self, Any, Desk, Fresh, Halfway};
use crate::{
    app::App,
    domain::{
        authenticators::{Attestation, Label},
        operators::{self, Added, By, Stage},
        sso,
        verification::{Code, Method},
    },
    web::{Error, Page, Result, device, form, page},
};

/// Both doors to the same pages.
const DOORS: [&str; 2] = ["/console/me/factor", "/console/welcome/factor"];

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|uri: axum::http::Uri| async move { Redirect::to(base(uri.path())) });
    DOORS.iter().fold(Router::new(), |router, door| {
        router
            .route(door, get(show))
            .route(&format!("{door}/picture"), get(picture))
            .route(&format!("{door}/app"), post(add_app).merge(back()))
            .route(&format!("{door}/passkey"), post(add_passkey).merge(back()))
            .route(&format!("{door}/passkey/challenge"), post(challenge).merge(back()))
    })
}

fn base(path: &str) -> &'static str {
    DOORS.iter().find(|door| path.starts_with(**door)).copied().unwrap_or("/console")
}

/// Who registers something.
struct Registrar {
    who: Halfway,
    link: bool,
}

impl Registrar {
    const fn by(&self) -> By<'_> {
        By { operator: &self.who.operator, session: self.who.session.session_id, link: self.link }
    }

    const fn base(&self) -> &'static str {
        DOORS[if self.link { 1 } else { 0 }]
    }
}

impl FromRequestParts<Arc<App>> for Registrar {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        if base(parts.uri.path()) == DOORS[0] {
            let Desk { visitor, operator, session, .. } = Fresh::<Any>::from_request_parts(parts, app).await?.into_desk();
            return Ok(Self { who: Halfway { visitor, operator, session }, link: false });
        }
        let who = Halfway::at(parts, app, Stage::Link).await.map_err(IntoResponse::into_response)?;
        let who = who.ok_or_else(|| Redirect::to("/console/welcome").into_response())?;
        // The password comes first: without one nobody can sign in.
        let chosen = has_chosen(&who).await.map_err(IntoResponse::into_response)?;
        if !chosen {
            return Err(Redirect::to("/console/welcome/password").into_response());
        }
        Ok(Self { who, link: true })
    }
}

async fn has_chosen(who: &Halfway) -> Result<bool> {
    let mut conn = who.visitor.acquire().await?;
    Ok(operators::kept_password(&mut conn, &who.visitor.tenant.scope, who.session.session_id).await?.is_some())
}

#[derive(Template)]
#[template(path = "console/register.html")]
struct RegisterPage {
    page: Page,
    base: &'static str,
    link: bool,
    /// In groups of four.
    key: String,
    app_label: String,
    passkey_label: String,
    error: Option<&'static str>,
    passkey_error: Option<&'static str>,
}

async fn show(registrar: Registrar) -> Result<Response> {
    answer(&registrar, StatusCode::OK, (None, None)).await
}

async fn answer(
    registrar: &Registrar,
    status: StatusCode,
    (error, passkey_error): (Option<&'static str>, Option<&'static str>),
) -> Result<Response> {
    let visitor = &registrar.who.visitor;
    let mut conn = visitor.acquire().await?;
    let secret = operators::begin_app(&mut conn, &visitor.tenant.scope, registrar.who.session.session_id).await?;
    let page = visitor.page();
    let (app_label, passkey_label) = (page.t("method-totp").into_owned(), device::name(&page, &visitor.device));
    let (base, link, key) = (registrar.base(), registrar.link, secret.grouped());
    Ok(page::html_as(status, &RegisterPage { page, base, link, key, app_label, passkey_label, error, passkey_error }))
}

/// Black on white, as cameras want it, in whatever colours the page is.
async fn picture(registrar: Registrar) -> Result<Response> {
    let visitor = &registrar.who.visitor;
    let mut conn = visitor.acquire().await?;
    let secret = operators::pending_app(&mut conn, &visitor.tenant.scope, registrar.who.session.session_id).await?;
    let issuer = visitor.page().t1("console-issuer", "tenant", &visitor.tenant.name);
    let code = QrCode::new(secret.ok_or(Error::NotFound)?.uri(&issuer, registrar.who.operator.mail.as_str())?.as_bytes())?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")], picture).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppForm {
    label: String,
    code: String,
}

async fn add_app(registrar: Registrar, form::Form(form): form::Form<AppForm>) -> Result<Response> {
    let unusable = async |error| answer(&registrar, StatusCode::UNPROCESSABLE_ENTITY, (Some(error), None)).await;
    let Some(label) = Label::parse(&form.label) else { return unusable("methods-error-label").await };
    let Some(code) = Code::parse(Method::Totp, &form.code) else { return unusable("code-error-shape").await };
    let visitor = &registrar.who.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let added = operators::add_app(&mut tx, scope, &app.clock, &visitor.source, registrar.by(), &label, code.as_str()).await?;
    if added == Added::Wrong {
        drop(tx);
        return unusable("app-error-wrong").await;
    }
    finish(&registrar, tx, added).await
}

async fn challenge(registrar: Registrar, _: form::Json<form::Nothing>) -> Result<Response> {
    let visitor = &registrar.who.visitor;
    let (scope, rp) = (&visitor.tenant.scope, visitor.relying_party()?);
    let mut conn = visitor.acquire().await?;
    let session = registrar.who.session.session_id;
    Ok(Json(operators::begin_passkey(&mut conn, scope, &rp, &registrar.who.operator, session).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasskeyForm {
    label: String,
    answer: String,
}

async fn add_passkey(registrar: Registrar, form::Form(form): form::Form<PasskeyForm>) -> Result<Response> {
    let unusable = async |error| answer(&registrar, StatusCode::UNPROCESSABLE_ENTITY, (None, Some(error))).await;
    let Some(label) = Label::parse(&form.label) else { return unusable("methods-error-label").await };
    let Some(attestation) = Attestation::parse(&form.answer) else {
        return unusable(if form.answer.is_empty() { "passkey-error-script" } else { "passkey-failed" }).await;
    };
    let (visitor, rp) = (&registrar.who.visitor, registrar.who.visitor.relying_party()?);
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let with = (&rp, &attestation);
    let added = operators::add_passkey(&mut tx, scope, &app.clock, &visitor.source, registrar.by(), &label, with).await?;
    match added {
        Added::Yes | Added::Full => finish(&registrar, tx, added).await,
        Added::Wrong | Added::Over | Added::Taken => {
            // The challenge is used up.
            tx.commit().await?;
            let error = if added == Added::Taken { "passkey-registered" } else { "passkey-failed" };
            unusable(error).await
        }
    }
}

/// Whoever came by a link is signed in by what they have just shown.
async fn finish(registrar: &Registrar, mut tx: sqlx::Transaction<'static, sqlx::Postgres>, added: Added) -> Result<Response> {
    let visitor = &registrar.who.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    match added {
        Added::Full => return Err(Error::Conflict("method_full")),
        Added::Yes if !registrar.link => {
            tx.commit().await?;
            return Ok(Redirect::to("/console/me").into_response());
        }
        Added::Yes => {}
        Added::Wrong | Added::Over | Added::Taken => return Ok(Redirect::to(registrar.base()).into_response()),
    }
    if !sso::takes_local(&mut tx, scope, registrar.who.operator.role).await? {
        // They have their second factor; who they are the organisation's provider says.
        tx.commit().await?;
        return Ok((guard::forget(&app.public_url), Redirect::to("/console/sign-in")).into_response());
    }
    let (operator, stage) = (registrar.who.operator.operator_id, (Stage::In, visitor.device.as_str()));
    let token = operators::begin(&mut tx, scope, &app.clock, &visitor.source, operator, stage, None).await?;
    tx.commit().await?;
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to("/console")).into_response())
}
