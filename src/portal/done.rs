//! `/reset/done` — what to do now on each device. No automatic sign-in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use serde::Deserialize;
use uuid::Uuid;

use super::{
    journey::{self, Journey},
    password,
    status::Target,
};
use crate::{
    app::App,
    domain::{
        authenticators,
        policies::Method,
        queue::State,
        resets::{self, Flow, Step, Way},
        users,
    },
    web::{Page, Result, Visitor, cookie, form, page},
    wire::outcome::Code,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset/done", get(show))
        .route("/reset/elsewhere", post(elsewhere))
        .route("/reset/elsewhere/leave", post(leave))
        .route("/reset/end", post(end))
}

#[derive(Template)]
#[template(path = "portal/done.html")]
struct DonePage {
    page: Page,
    unlock: bool,
    forgotten: bool,
    /// What there is to know besides.
    but: Option<String>,
    /// Where there are several.
    places: Vec<Place>,
    /// They came by a recovery code, and so many are left.
    left: Option<i64>,
}

/// A directory, and what became of the password there.
struct Place {
    name: String,
    /// As in [`Target`].
    is: &'static str,
    /// Key of what to know where it is not set.
    why: Option<String>,
    /// The account, where another password may be chosen for it.
    again: Option<Uuid>,
}

async fn show(journey: Journey) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Done {
        return Ok(journey::to_step(flow));
    }
    let code = flow.job.as_ref().and_then(|job| job.code);
    let but = code.filter(|code| matches!(code, Code::LockedAgain | Code::NotReadBack));
    let left = match flow.user_id.filter(|_| flow.passed.contains(&Method::RecoveryCode)) {
        Some(user) => authenticators::codes_left(&mut *visitor.acquire().await?, &visitor.tenant.scope, user).await?,
        None => None,
    };
    Ok(page::html(&DonePage {
        page: visitor.page(),
        unlock: flow.unlocks(),
        forgotten: flow.unlocks() && flow.way == Way::Either,
        but: but.map(|code| format!("outcome-{}-text", password::key(code))),
        places: places(visitor, flow).await?,
        left,
    }))
}

async fn places(visitor: &Visitor, flow: &Flow) -> Result<Vec<Place>> {
    let mut conn = visitor.acquire().await?;
    let linked = users::follow(&mut conn, &visitor.tenant.scope, flow.user_id.unwrap_or_default()).await?;
    let mut targets = flow.targets.clone();
    if let Some(job) = flow.job.as_ref().filter(|_| targets.is_empty() && !linked.is_empty()) {
        // Nothing could be sealed for the others.
        targets = resets::targets(&mut conn, &visitor.tenant.scope, job.job_id).await?;
    }
    let mut found = Vec::new();
    for (n, target) in targets.iter().enumerate() {
        let Target { name, is } = Target::of(target);
        let why = match (target.state, target.code) {
            _ if is != "not" => None,
            (State::Offered | State::Cancelled, _) => Some("place-untried".to_owned()),
            (_, Some(code)) => Some(format!("outcome-{}-title", password::key(code))),
            _ => Some("place-missed".to_owned()),
        };
        // The first one is set, or this page would not be shown. Who follows no more gets nothing.
        let follows = linked.iter().any(|linked| linked.user_id == target.user_id && linked.served);
        let again = (n > 0 && !target.is_set() && follows).then_some(target.user_id);
        found.push(Place { name, is, why, again });
    }
    for linked in linked.into_iter().filter(|linked| targets.iter().all(|target| target.user_id != linked.user_id)) {
        let why = if linked.served { "place-missed" } else { "place-unserved" };
        found.push(Place { name: linked.connector, is: "not", why: Some(why.to_owned()), again: None });
    }
    // Alone, the page itself says it.
    Ok(if flow.unlocks() || found.iter().all(|place| place.is != "set") { Vec::new() } else { found })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    account: Uuid,
}

/// Another password for an account that did not take this one.
async fn elsewhere(journey: Journey, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let mut tx = visitor.begin().await?;
    resets::aim(&mut tx, &visitor.tenant.scope, flow, form.account).await?;
    tx.commit().await?;
    Ok(Redirect::to("/reset").into_response())
}

/// It stays as it is.
async fn leave(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let mut tx = visitor.begin().await?;
    resets::leave(&mut tx, &visitor.tenant.scope, flow).await?;
    tx.commit().await?;
    Ok(Redirect::to("/reset").into_response())
}

/// The journey is over: flow, cookie and whatever the browser kept are gone.
async fn end(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    resets::end(&mut tx, &visitor.tenant.scope, flow).await?;
    tx.commit().await?;
    let forget = [
        (header::SET_COOKIE, cookie::set(&app.public_url, cookie::FLOW, "", 0)),
        (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ];
    // Whoever changed it from their own page is still signed in there.
    Ok((forget, Redirect::to(if flow.within.is_some() { "/account" } else { "/" })).into_response())
}
