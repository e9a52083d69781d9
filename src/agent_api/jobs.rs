//! `POST /agent/v1/lease` and `POST /agent/v1/jobs/{id}/result`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use uuid::Uuid;

use super::guard::{Trusted, check_status};
use crate::{
    app::{App, Asked, Reported},
    domain::{fleet, queue::Settled},
    web::{Error, Result},
    wire::{
        jws,
        message::{JobResult, LeaseRequest, Leased, LeasedJob, SignedResult},
    },
};

/// The longest an agent may wait, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Bytes of a domain controller's name (RFC 1035 allows 255).
const DC_MAX: usize = 255;
/// Jobs at most in one answer.
const MOST: u16 = 100;
/// A job that is being committed for a poll comes within this, or not at all.
const HANDING: Duration = Duration::from_secs(5);

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/lease", post(lease)).route("/agent/v1/jobs/{id}/result", post(result))
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

fn leased(app: &App, jobs: Vec<LeasedJob>) -> Response {
    Json(Leased { jobs, now: app.clock.seconds() }).into_response()
}

async fn take(trusted: &Trusted, most: u16) -> Result<Vec<LeasedJob>> {
    let (tenant, agent) = (trusted.tenant.clone(), trusted.agent.clone());
    Ok(trusted.proven.app.hot.leases.run(Asked { tenant, source: trusted.source(), agent, most }).await?)
}

#[derive(Deserialize)]
struct Next {
    /// So many jobs the agent could take now.
    #[serde(default)]
    max: u16,
}

async fn result(Path(job): Path<Uuid>, Query(Next { max }): Query<Next>, trusted: Trusted) -> Result<Response> {
    let SignedResult { jws: signed } = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let result: JobResult = jws::verify(&signed, jws::RESULT, &trusted.agent.identity).map_err(|_| Error::Forbidden("bad_result"))?;
    // Its text goes into the audit trail, which takes no NUL.
    let fits = result.dc.len() <= DC_MAX && !result.dc.contains('\0');
    if result.job != job || !fits {
        return Err(Error::Forbidden("bad_result"));
    }
    let (code, agent) = (result.code.as_str(), trusted.agent.clone());
    let reported = Reported { tenant: trusted.tenant.clone(), source: trusted.source(), agent, result, signed };
    let agent = trusted.agent.agent_id;
    match app.hot.results.run(reported).await? {
        Settled::Recorded { .. } => {
            app.wake_outbox();
            tracing::info!(job.id = %job, job.code = code, agent.id = %agent, "a job ended");
        }
        Settled::HandedOver { .. } => {
            tracing::warn!(job.id = %job, agent.id = %agent, "an agent did not reach its directory; the job goes to another");
        }
        Settled::Again => {}
        Settled::Contradicts(why) => {
            tracing::warn!(job.id = %job, agent.id = %agent, reason = why, "a result was refused");
            return Err(Error::Conflict("contradicts"));
        }
    }
    let jobs = if max > 0 && app.polls.has_ready(trusted.agent.connector_id) { take(&trusted, max.min(MOST)).await? } else { Vec::new() };
    Ok(if jobs.is_empty() { StatusCode::NO_CONTENT.into_response() } else { leased(app, jobs) })
}
