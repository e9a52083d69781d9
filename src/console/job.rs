//! `/console/people/{id}/jobs/{job}` — what became of a job that an operator asked for, as it happens.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use askama::Template;
use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    guard::{Desk, May, Serve},
    person::visible,
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        queue::{self, JobView, State},
        users,
    },
    web::{Error, Page, Result, page},
    wire::{outcome::Code, ticket::Kind},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/people/{id}/jobs/{job}", get(show)).route("/console/people/{id}/jobs/{job}/state", get(state))
}

/// A browser that loads the page waits so long for the end: mostly it is there by then.
const PATIENCE: Duration = Duration::from_millis(2500);

#[derive(Template)]
#[template(path = "console/job.html")]
struct JobPage {
    page: Page,
    rail: Rail,
    id: Uuid,
    job: Uuid,
    name: String,
    /// Of the words of how it stands.
    key: &'static str,
    ended: bool,
    good: bool,
    /// The agent's own word, where there are none of ours.
    code: Option<&'static str>,
}

#[derive(Serialize)]
struct Answer {
    state: &'static str,
    code: Option<&'static str>,
    #[serde(rename = "final")]
    is_final: bool,
}

async fn find(desk: &Desk, id: Uuid, job: Uuid) -> Result<JobView> {
    let mut conn = desk.visitor.acquire().await?;
    visible(&mut conn, desk, id).await?;
    queue::view_of(&mut conn, &desk.visitor.tenant.scope, id, job).await?.ok_or(Error::NotFound)
}

async fn state(desk: May<Serve>, Path((id, job)): Path<(Uuid, Uuid)>) -> Result<Json<Answer>> {
    let view = find(&desk, id, job).await?;
    Ok(Json(Answer { state: view.state.as_str(), code: view.code.map(Code::as_str), is_final: view.state.is_final() }))
}

async fn show(desk: May<Serve>, Path((id, job)): Path<(Uuid, Uuid)>) -> Result<Response> {
    let (app, begun) = (&desk.visitor.app, Instant::now());
    let subscription = app.wake.subscribe(job);
    let view = loop {
        let woken = subscription.next();
        let view = find(&desk, id, job).await?;
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if view.state.is_final() || left.is_zero() {
            break view;
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(left) => {}
        }
    };
    if view.kind == Kind::Inspect && view.state == State::Applied {
        return Ok(Redirect::to(&format!("/console/people/{id}?said=looked")).into_response());
    }
    let mut conn = desk.visitor.acquire().await?;
    let standing = users::standing(&mut conn, &desk.visitor.tenant.scope, id).await?.ok_or(Error::NotFound)?;
    drop(conn);
    let (key, good) = words(&view);
    let shown = JobPage {
        page: desk.visitor.page(),
        rail: desk.rail(Here::People),
        id,
        job,
        name: if standing.display_name.is_empty() { standing.sign_in_name } else { standing.display_name },
        key,
        ended: view.state.is_final(),
        good,
        code: view.code.filter(|_| key == "people-job-refused").map(Code::as_str),
    };
    Ok(page::html(&shown))
}

/// How it stands, and whether that is well.
const fn words(view: &JobView) -> (&'static str, bool) {
    match (view.state, view.code, view.kind) {
        (State::Offered | State::Held | State::Submitted, ..) => ("people-job-waits", true),
        (State::Leased, ..) => ("people-job-now", true),
        (_, Some(Code::Unlocked), _) => ("people-job-unlocked", true),
        (_, Some(Code::NotLocked), _) => ("people-job-not-locked", true),
        (_, Some(Code::LockedAgain), _) => ("people-job-locked-again", false),
        (_, Some(Code::MustChangeNotSet), _) => ("people-job-must-change-not-set", false),
        (State::Applied | State::Reconciled, Some(Code::Applied | Code::NotReadBack), Kind::Temporary) => ("people-job-temporary", true),
        (State::Applied, ..) => ("people-job-done", true),
        (State::Expired, ..) => ("people-job-expired", false),
        (State::Superseded | State::Cancelled, ..) => ("people-job-superseded", false),
        (State::Unknown, ..) => ("people-job-unknown", false),
        (State::Refused | State::Failed | State::Reconciled, ..) => ("people-job-refused", false),
    }
}
