//! `POST /agent/v1/lease` and `POST /agent/v1/jobs/{id}/result`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use uuid::Uuid;

use super::guard::{Trusted, check_status};
use crate::{
    app::App,
    domain::{fleet, queue::Settled, resets},
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
/// A wake-up that got lost is made up for within this; so is a revocation noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(4);

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/lease", post(lease)).route("/agent/v1/jobs/{id}/result", post(result))
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: u64,
}

/// Long poll: subscribe, look, wait, look again.
async fn lease(Query(Wait { wait }): Query<Wait>, mut trusted: Trusted) -> Result<Response> {
    let asked: LeaseRequest = trusted.proven.json()?;
    let app = trusted.proven.app.clone();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(wait.min(LONGEST_WAIT));
    let subscription = app.wake.subscribe(trusted.agent.connector_id);
    loop {
        let woken = subscription.next();
        let jobs = take(&app, &trusted, i64::from(asked.max.clamp(1, 100))).await?;
        if !jobs.is_empty() {
            for job in &jobs {
                app.wake.tell(job.ticket.job);
            }
            return Ok(Json(Leased { jobs, now: app.clock.seconds() }).into_response());
        }
        let now = tokio::time::Instant::now();
        if now >= deadline || app.stop.is_cancelled() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(deadline.min(now + LOOK_AGAIN)) => {
                let mut conn = app.db.acquire().await?;
                trusted.agent = fleet::agent(&mut conn, trusted.agent.agent_id).await?.ok_or(Error::Forbidden("agent_revoked"))?;
                check_status(&trusted.agent)?;
                trusted.still_its_key()?;
            }
            () = app.stop.cancelled() => {}
        }
    }
}

async fn take(app: &App, trusted: &Trusted, most: i64) -> Result<Vec<LeasedJob>> {
    let mut tx = app.begin().await?;
    let jobs = resets::lease(&mut tx, &trusted.tenant.scope, &app.clock, &trusted.source(), &trusted.agent, most).await?;
    tx.commit().await?;
    Ok(jobs)
}

async fn result(Path(job): Path<Uuid>, trusted: Trusted) -> Result<StatusCode> {
    let signed: SignedResult = trusted.proven.json()?;
    let app = &trusted.proven.app;
    let result: JobResult = jws::verify(&signed.jws, jws::RESULT, &trusted.agent.identity).map_err(|_| Error::Forbidden("bad_result"))?;
    // Its text goes into the audit trail, which takes no NUL.
    let fits = result.dc.len() <= DC_MAX && !result.dc.contains('\0');
    if result.job != job || !fits {
        return Err(Error::Forbidden("bad_result"));
    }
    let mut tx = app.begin().await?;
    let settled = resets::settle(&mut tx, &trusted.tenant, &app.clock, &trusted.source(), &trusted.agent, &result, &signed.jws).await?;
    tx.commit().await?;
    match settled {
        Settled::Recorded { .. } => {
            app.wake.tell(job);
            app.wake_outbox();
            tracing::info!(job.id = %job, job.code = result.code.as_str(), agent.id = %trusted.agent.agent_id, "a job ended");
            Ok(StatusCode::NO_CONTENT)
        }
        Settled::HandedOver { .. } => {
            app.wake.tell(trusted.agent.connector_id);
            app.wake.tell(job);
            tracing::warn!(job.id = %job, agent.id = %trusted.agent.agent_id, "an agent did not reach its directory; the job goes to another");
            Ok(StatusCode::NO_CONTENT)
        }
        Settled::Again => Ok(StatusCode::NO_CONTENT),
        Settled::Contradicts(why) => {
            tracing::warn!(job.id = %job, agent.id = %trusted.agent.agent_id, reason = why, "a result was refused");
            Err(Error::Conflict("contradicts"))
        }
    }
}
