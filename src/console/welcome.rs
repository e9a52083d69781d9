//! `/console/welcome` — in by a one-time link: first a password, then a second factor. The token stands behind the `#` of the link, which
//! no browser sends; a script moves it into the form, and it can be typed as well.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::guard::{self, Halfway};
use crate::{
    app::App,
    domain::{
        limits::{self, Count, Limit, Verdict},
        operators::{self, Password, Stage, Unfit},
    },
    web::{Error, Page, Result, Visitor, cookie, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/welcome", get(show).post(submit)).route("/console/welcome/password", get(password).post(choose))
}

#[derive(Template)]
#[template(path = "console/welcome.html")]
struct WelcomePage {
    page: Page,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "console/password.html")]
struct PasswordPage {
    page: Page,
    name: String,
    mail: String,
    action: &'static str,
    /// The old one is asked for.
    current: bool,
    error: Option<&'static str>,
}

async fn show(visitor: Visitor) -> Response {
    answer(&visitor, StatusCode::OK, None)
}

fn answer(visitor: &Visitor, status: StatusCode, error: Option<&'static str>) -> Response {
    page::html_as(status, &WelcomePage { page: visitor.page(), error })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    code: String,
}

async fn submit(mut visitor: Visitor, headers: HeaderMap, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope) = (visitor.app.clone(), visitor.tenant.scope.clone());
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::AddressTry, &visitor.source)];
    if limits::take_all(&mut conn, &scope, &app.clock, &visitor.source, counts).await? != Verdict::Allowed {
        return Ok(answer(&visitor, StatusCode::TOO_MANY_REQUESTS, Some("console-welcome-error-limit")));
    }
    drop(conn);
    let mut tx = visitor.begin().await?;
    let Some(operator) = operators::open_link(&mut tx, &scope, &app.clock, &form.code).await? else {
        return Ok(answer(&visitor, StatusCode::UNPROCESSABLE_ENTITY, Some("console-welcome-error-over")));
    };
    visitor.source.actor = format!("operator:{operator}");
    let old = cookie::get(&headers, &app.public_url, cookie::CONSOLE);
    let stage = (Stage::Link, visitor.device.as_str());
    let token = operators::begin(&mut tx, &scope, &app.clock, &visitor.source, operator, stage, old).await?;
    tx.commit().await?;
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to("/console/welcome/password")).into_response())
}

/// Who came by a link.
struct Invited(Halfway);

impl FromRequestParts<Arc<App>> for Invited {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let found = Halfway::at(parts, app, Stage::Link).await.map_err(IntoResponse::into_response)?;
        found.map(Self).ok_or_else(|| Redirect::to("/console/welcome").into_response())
    }
}

async fn password(Invited(who): Invited) -> Response {
    ask(&who, StatusCode::OK, None)
}

fn ask(who: &Halfway, status: StatusCode, error: Option<&'static str>) -> Response {
    ask_password(who, (status, error), "/console/welcome/password", false)
}

/// The page on which an operator chooses a password.
pub fn ask_password(who: &Halfway, (status, error): (StatusCode, Option<&'static str>), action: &'static str, current: bool) -> Response {
    let (name, mail) = (who.operator.name.clone(), who.operator.mail.as_str().to_owned());
    page::html_as(status, &PasswordPage { page: who.visitor.page(), name, mail, action, current, error })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    password: String,
}

async fn choose(Invited(who): Invited, form::Form(form): form::Form<PasswordForm>) -> Result<Response> {
    let (salt, hash) = match hashed(&who, &form.password).await? {
        Ok(hashed) => hashed,
        Err(error) => return Ok(ask(&who, StatusCode::UNPROCESSABLE_ENTITY, Some(error))),
    };
    let (app, scope) = (&who.visitor.app, &who.visitor.tenant.scope);
    // One statement, and so a transaction of its own.
    let mut conn = who.visitor.acquire().await?;
    let kept = operators::keep_password(&mut conn, scope, &app.clock, who.session.session_id, (&salt, &hash)).await?;
    Ok(Redirect::to(if kept { "/console/welcome/factor" } else { "/console/welcome" }).into_response())
}

/// Salt and hash of a password that may be chosen; else the key of why not.
pub async fn hashed(who: &Halfway, typed: &str) -> Result<Result<([u8; 16], [u8; 32]), &'static str>> {
    let (visitor, operator) = (&who.visitor, &who.operator);
    let about = [operator.name.as_str(), operator.mail.as_str(), visitor.tenant.name.as_str(), "password passwort console"];
    let password = match Password::parse(typed, &about) {
        Ok(password) => password,
        Err(Unfit::Short) => return Ok(Err("console-password-error-short")),
        Err(Unfit::Long) => return Ok(Err("console-password-error-long")),
        Err(Unfit::Guessable) => return Ok(Err("console-password-error-guessable")),
    };
    let (secret, salt) = password.to_hash();
    let hashes = visitor.app.slow_hash.of(vec![(secret, salt)]).await?.ok_or(Error::Unavailable("try_again"))?;
    let hash = hashes.first().ok_or(Error::Unavailable("try_again"))?;
    Ok(Ok((salt, *hash)))
}
