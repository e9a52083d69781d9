//! `/`, `/change` and `/account/sign-in` — Who are you? And, before any effort is asked: is it going to work? What a journey is for is
//! decided by where it begins; all take the same way to the proof.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{account, ended, journey, unavailable};
use crate::{
    app::App,
    domain::{
        resets::{self, How, Purpose},
        users::Name,
    },
    web::{
        Page, Result, Visitor, cookie, form, page,
        work::{Admitted, Solved},
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|visitor| show(visitor, Purpose::Reset)))
        .route("/reset", post(|visitor, form| submit(visitor, form, Purpose::Reset)).get(resume))
        .route("/change", get(|visitor| show(visitor, Purpose::Change)).post(|visitor, form| submit(visitor, form, Purpose::Change)))
        .route("/account/sign-in", get(sign_in).post(|visitor, form| submit(visitor, form, Purpose::SignIn)))
}

#[derive(Template)]
#[template(path = "portal/identify.html")]
struct IdentifyPage {
    page: Page,
    purpose: &'static str,
    name: String,
    error: Option<&'static str>,
    work: String,
    /// Seconds until more may come from this address.
    wait: Option<i64>,
    /// Of the passkey that was shown without a name.
    passkey_error: Option<&'static str>,
    /// Key of why somebody is here who was signed in.
    why: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    #[serde(default)]
    work: Solved,
}

async fn show(visitor: Visitor, purpose: Purpose) -> Result<Response> {
    if let Some(reason) = unavailable::reason(&visitor).await? {
        return Ok(unavailable::page(&visitor, reason));
    }
    answer((&visitor, purpose), String::new(), StatusCode::OK, None, None).await
}

/// Whoever was signed in is told why they are here; a cookie that is worth nothing any more goes.
async fn sign_in(visitor: Visitor, parts: Parts) -> Result<Response> {
    let url = &visitor.app.public_url;
    if cookie::get(&parts.headers, url, cookie::SESSION).is_none() {
        return show(visitor, Purpose::SignIn).await;
    }
    if let Some(reason) = unavailable::reason(&visitor).await? {
        return Ok(unavailable::page(&visitor, reason));
    }
    let lives = account::find(&visitor, &parts).await?.is_some();
    let why = if lives { "sign-in-again" } else { "sign-in-ended" };
    let mut response = at_sign_in(&visitor, StatusCode::OK, None, Some(why)).await?;
    if !lives {
        response.headers_mut().append(header::SET_COOKIE, cookie::set(url, cookie::SESSION, "", 0));
    }
    Ok(response)
}

async fn submit(visitor: Visitor, form::Form(form): form::Form<Form>, purpose: Purpose) -> Result<Response> {
    if let Some(reason) = unavailable::reason(&visitor).await? {
        return Ok(unavailable::page(&visitor, reason));
    }
    let Some(name) = Name::parse(&form.name) else {
        let error = Some(if form.name.trim().is_empty() { "identify-error-empty" } else { "identify-error-name" });
        return answer((&visitor, purpose), form.name, StatusCode::UNPROCESSABLE_ENTITY, error, None).await;
    };
    let app = &visitor.app;
    match visitor.admit(&form.work).await? {
        Admitted::Yes => {}
        Admitted::Work(error) => return answer((&visitor, purpose), form.name, StatusCode::UNPROCESSABLE_ENTITY, Some(error), None).await,
        Admitted::Wait(until) => {
            let seconds = (until - app.clock.now()).whole_seconds().max(0) + 1;
            return answer((&visitor, purpose), form.name, StatusCode::TOO_MANY_REQUESTS, None, Some(seconds)).await;
        }
    }
    let mut conn = visitor.acquire().await?;
    let how = How { purpose, language: visitor.language.tag(), device: &visitor.device };
    let begun = resets::begin(&mut conn, &visitor.tenant, &app.clock, &visitor.source, &name, &how).await?;
    // Should the cookie not come back, the mark tells that cookies are off.
    Ok(([journey::set_cookie(&app.public_url, &begun.cookie)], Redirect::to("/reset/method?begun=1")).into_response())
}

/// The page, with what was typed and why it did not do.
async fn answer(
    (visitor, purpose): (&Visitor, Purpose),
    name: String,
    status: StatusCode,
    error: Option<&'static str>,
    wait: Option<i64>,
) -> Result<Response> {
    let shown = IdentifyPage {
        page: visitor.page(),
        purpose: purpose.as_str(),
        name,
        error,
        work: visitor.work().await?,
        wait,
        passkey_error: None,
        why: None,
    };
    let mut response = page::html_as(status, &shown);
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// The page where one signs in, with what became of a passkey.
pub async fn passkey_refused(visitor: &Visitor, status: StatusCode, error: &'static str) -> Result<Response> {
    at_sign_in(visitor, status, Some(error), None).await
}

async fn at_sign_in(
    visitor: &Visitor,
    status: StatusCode,
    passkey_error: Option<&'static str>,
    why: Option<&'static str>,
) -> Result<Response> {
    let (page, purpose, work) = (visitor.page(), Purpose::SignIn.as_str(), visitor.work().await?);
    let shown = IdentifyPage { page, purpose, name: String::new(), error: None, work, wait: None, passkey_error, why };
    Ok(page::html_as(status, &shown))
}

/// Continue wherever this browser is, or say that there is nothing to continue.
async fn resume(visitor: Visitor, parts: Parts) -> Result<Response> {
    if let Some(flow) = journey::find(&visitor, &parts).await? {
        return Ok(journey::to_step(&flow));
    }
    let had_cookie = cookie::get(&parts.headers, &visitor.app.public_url, cookie::FLOW).is_some();
    let begun = parts.uri.query().is_some_and(|query| query.contains("begun"));
    let (title, text) = match begun {
        true => ("problem-no-cookie-title", "problem-no-cookie-text"),
        false if had_cookie => ("problem-flow-ended-title", "problem-flow-ended-text"),
        // Never begun, or finished: the first page says all there is to say.
        false => return Ok(Redirect::to("/").into_response()),
    };
    Ok(ended::page(&visitor, StatusCode::GONE, title, text))
}
