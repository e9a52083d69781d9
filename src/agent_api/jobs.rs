//! `POST /agent/v1/lease`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;

use super::guard::{Trusted, check_status};
use crate::{
    app::{App, Asked},
    domain::fleet,
    web::{Error, Result},
    wire::message::{LeaseRequest, Leased, LeasedJob},
};

/// The longest an agent may wait, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Jobs at most in one answer.
pub const MOST: u16 = 100;
/// A job that is being committed for a poll comes within this, or not at all.
const HANDING: Duration = Duration::from_secs(5);

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/lease", post(lease))
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

async fn lease(Query(Wait { wait }): Query<Wait>, mut trusted: Trusted) -> Result<Response> {
    let asked: LeaseRequest = trusted.proven.json()?;
    // Not cleared but let go: the smallest part of it keeps the connection's whole buffer.
    trusted.proven.body = Bytes::new();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    Box::pin(poll(trusted, asked.max.clamp(1, MOST), deadline)).await
}

/// Long poll: subscribe, look, hold out a hand, wait; look again when woken. Ten thousand may be waiting, so what is not needed for
/// that is on the heap, and only while it is needed.
async fn poll(mut trusted: Trusted, most: u16, deadline: tokio::time::Instant) -> Result<Response> {
    let app = trusted.proven.app.clone();
    let subscription = app.wake.subscribe(trusted.agent.connector_id);
    loop {
        let woken = subscription.next();
        let jobs = Box::pin(take(&trusted, most)).await?;
        if !jobs.is_empty() {
            return Ok(leased(&app, jobs));
        }
        if tokio::time::Instant::now() >= deadline || app.stop.is_cancelled() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let mut seat = app.polls.sit(&trusted.agent, most);
        let handed = tokio::select! {
            handed = seat.jobs() => handed,
            () = woken => None,
            () = tokio::time::sleep_until(deadline) => None,
            () = app.stop.cancelled() => None,
        };
        // A job may be on its way to this hand: it comes within the moment that its commit takes.
        let handed = match handed {
            None if !seat.leave() => Box::pin(tokio::time::timeout(HANDING, seat.jobs())).await.ok().flatten(),
            handed => handed,
        };
        if let Some(jobs) = handed {
            return Ok(leased(&app, jobs));
        }
        Box::pin(still_trusted(&mut trusted)).await?;
    }
}

/// Told to look again: a revoked agent is told so here, and one whose key was replaced.
async fn still_trusted(trusted: &mut Trusted) -> Result<()> {
    let mut conn = trusted.proven.app.db.acquire().await?;
    let agent = fleet::agent(&mut conn, trusted.agent.agent_id).await?.ok_or(Error::Forbidden("agent_revoked"))?;
    check_status(&agent)?;
    trusted.agent = Arc::new(agent);
    trusted.still_its_key()
}

pub fn leased(app: &App, jobs: Vec<LeasedJob>) -> Response {
    Json(Leased { jobs, now: app.clock.seconds() }).into_response()
}

pub async fn take(trusted: &Trusted, most: u16) -> Result<Vec<LeasedJob>> {
    let (tenant, agent) = (trusted.tenant.clone(), trusted.agent.clone());
    Ok(trusted.proven.app.hot.leases.run(Asked { tenant, source: trusted.source(), agent, most }).await?)
}
