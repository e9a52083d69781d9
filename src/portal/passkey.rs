//! `/reset/passkey` — prove it by a passkey. The page asks for a challenge when the button is pressed, the browser has it signed, and a
//! form brings the answer: no page names a key, so that nobody learns whose there are.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::{
        authenticators::Assertion,
        limits::Verdict,
        resets::{self, Proof, Proven, Step},
        verification::{self, Method},
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset/passkey", get(show).post(submit))
        .route("/reset/passkey/challenge", post(challenge).get(|| async { Redirect::to("/reset/passkey") }))
}

#[derive(Template)]
#[template(path = "portal/passkey.html")]
struct PasskeyPage {
    page: Page,
    gate: usize,
    gates: i16,
    error: Option<&'static str>,
    other_methods: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    answer: String,
}

async fn show(journey: Journey) -> Response {
    if journey.flow.step() != Step::Passkey {
        return journey::to_step(&journey.flow);
    }
    answer(&journey, StatusCode::OK, None)
}

/// A challenge of its own for each press: signed or not, it is used once.
async fn challenge(journey: Journey, _: form::Json<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Passkey {
        return Err(Error::Conflict("not_now"));
    }
    let (app, (options, state)) = (&visitor.app, visitor.relying_party()?.challenge()?);
    let mut conn = visitor.acquire().await?;
    verification::keep_challenge(&mut conn, &visitor.tenant.scope, &app.clock, flow.flow_id, &state).await?;
    Ok(Json(options).into_response())
}

async fn submit(journey: Journey, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Passkey {
        return Ok(journey::to_step(flow));
    }
    let Some(assertion) = Assertion::parse(&form.answer) else {
        // The script fills the form in; without it there is nothing to look at.
        let error = if form.answer.is_empty() { "passkey-error-script" } else { "passkey-error-wrong" };
        return Ok(answer(&journey, StatusCode::UNPROCESSABLE_ENTITY, Some(error)));
    };
    let (app, scope, rp) = (&visitor.app, &visitor.tenant.scope, visitor.relying_party()?);
    let mut conn = visitor.acquire().await?;
    let verdict = resets::count_try(&mut conn, scope, &app.clock, &visitor.source, flow).await?;
    drop(conn);
    if verdict != Verdict::Allowed {
        return Ok(answer(&journey, StatusCode::TOO_MANY_REQUESTS, Some("passkey-error-limit")));
    }
    let mut tx = visitor.begin().await?;
    let proof = Proof::Passkey(&rp, &assertion);
    let proven = resets::prove(&mut tx, scope, &app.clock, &visitor.source, flow, Method::Passkey, proof).await?;
    tx.commit().await?;
    match proven {
        Proven::Passed { .. } => Ok(journey::passed(app, flow, proven)),
        Proven::Wrong => Ok(answer(&journey, StatusCode::UNPROCESSABLE_ENTITY, Some("passkey-error-wrong"))),
        Proven::Over => Ok(answer(&journey, StatusCode::UNPROCESSABLE_ENTITY, Some("passkey-error-over"))),
    }
}

fn answer(journey: &Journey, status: StatusCode, error: Option<&'static str>) -> Response {
    let flow = &journey.flow;
    let shown = PasskeyPage {
        page: journey.visitor.page(),
        gate: flow.passed.len() + 1,
        // Where a passkey is as good as two, it is the only one.
        gates: if flow.rises { 1 } else { flow.gates },
        error,
        other_methods: flow.open_options().count() > 1,
    };
    page::html_as(status, &shown)
}
