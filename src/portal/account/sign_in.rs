//! `/account/sign-in/passkey` — in by a passkey and without a name: the key says whose it is. What is wrong with one that is not taken,
//! nobody is told: it may be nobody's, somebody's at another organisation, or of somebody who is not served.

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use crate::{
    app::App,
    domain::{
        authenticators::Assertion,
        limits::{self, Count, Limit, Verdict},
        resets::{self, How, Purpose, Signed},
        verification,
    },
    portal::{identify, journey, unavailable},
    web::{Result, Visitor, cookie, form},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/account/sign-in") });
    Router::new()
        .route("/account/sign-in/passkey", post(submit).merge(back()))
        .route("/account/sign-in/passkey/challenge", post(challenge).merge(back()))
}

/// One statement, and so committed before anything is done.
async fn may(visitor: &Visitor, limit: Limit) -> Result<bool> {
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(limit, &visitor.source)];
    let verdict = limits::take_all(&mut conn, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, counts).await?;
    Ok(verdict == Verdict::Allowed)
}

/// A challenge of its own for each press, with a cookie of its own: nobody else's browser can answer it.
async fn challenge(visitor: Visitor, _: form::Json<form::Nothing>) -> Result<Response> {
    if !may(&visitor, Limit::AddressChallenge).await? {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let (app, (options, state)) = (&visitor.app, visitor.relying_party()?.challenge()?);
    let mut conn = visitor.acquire().await?;
    let (token, age) = verification::keep_nameless(&mut conn, &visitor.tenant.scope, &app.clock, &state).await?;
    Ok(([(header::SET_COOKIE, cookie::set(&app.public_url, cookie::PASSKEY, &token, age))], Json(options)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    answer: String,
}

async fn submit(visitor: Visitor, headers: HeaderMap, form::Form(form): form::Form<Form>) -> Result<Response> {
    if let Some(reason) = unavailable::reason(&visitor).await? {
        return Ok(unavailable::page(&visitor, reason));
    }
    let Some(answer) = Assertion::parse(&form.answer) else {
        // The script fills the form in; without it there is nothing to look at.
        let error = if form.answer.is_empty() { "passkey-error-script" } else { "passkey-error-nobody" };
        return identify::passkey_refused(&visitor, StatusCode::UNPROCESSABLE_ENTITY, error).await;
    };
    if !may(&visitor, Limit::AddressTry).await? {
        return identify::passkey_refused(&visitor, StatusCode::TOO_MANY_REQUESTS, "passkey-error-limit").await;
    }
    let (app, scope, rp) = (&visitor.app, &visitor.tenant.scope, visitor.relying_party()?);
    let token = cookie::get(&headers, &app.public_url, cookie::PASSKEY).unwrap_or_default();
    let how = How { purpose: Purpose::SignIn, language: visitor.language.tag(), device: &visitor.device };
    let mut tx = visitor.begin().await?;
    let begun = match verification::take_nameless(&mut tx, scope, &app.clock, token).await? {
        Some(state) => {
            let signed = Signed { rp: &rp, state: &state, answer: &answer };
            resets::begin_nameless(&mut tx, scope, &app.clock, &visitor.source, &signed, &how).await?.ok_or("passkey-error-nobody")
        }
        None => Err("passkey-error-over"),
    };
    // Right or wrong: the challenge is used up, and a copy of a passkey is stopped.
    tx.commit().await?;
    let begun = match begun {
        Ok(begun) => begun,
        Err(error) => return identify::passkey_refused(&visitor, StatusCode::UNPROCESSABLE_ENTITY, error).await,
    };
    let mut response = ([journey::set_cookie(&app.public_url, &begun.cookie)], Redirect::to("/reset")).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie::set(&app.public_url, cookie::PASSKEY, "", 0));
    Ok(response)
}
