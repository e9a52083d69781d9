//! `POST /agent/v1/results` and, for one alone, `POST /agent/v1/jobs/{id}/result`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{guard::Trusted, jobs};
use crate::{
    app::{App, Reported},
    domain::queue::Settled,
    web::{Error, Result},
    wire::{
        jws::{self, Invalid},
        message::{JobResult, LeasedJob, RESULTS, SignedResult, SignedResults, Told},
    },
};

/// Bytes of a domain controller's name (RFC 1035 allows 255).
const DC_MAX: usize = 255;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/agent/v1/results", post(results)).route("/agent/v1/jobs/{id}/result", post(result))
}

#[derive(Deserialize)]
struct Next {
    /// So many jobs the agent could take now.
    #[serde(default)]
    max: u16,
}

/// Why one is not taken.
#[derive(Clone, Copy)]
enum Refused {
    /// And what is wrong with it.
    Bad(&'static str),
    Contradicts,
    UnknownJob,
}

impl Refused {
    const fn code(self) -> &'static str {
        match self {
            Self::Bad(_) => "bad_result",
            Self::Contradicts => "contradicts",
            Self::UnknownJob => "unknown_job",
        }
    }
}

async fn result(Path(job): Path<Uuid>, Query(Next { max }): Query<Next>, trusted: Trusted) -> Result<Response> {
    let SignedResult { jws: signed } = trusted.proven.json()?;
    let reported = match verified(&trusted, signed) {
        Ok(reported) if reported.result.job != job => Err("it is about another job than its address"),
        reported => reported,
    };
    match tell(&trusted, vec![reported]).await?.first().copied().flatten() {
        None => {}
        Some(Refused::Contradicts) => return Err(Error::Conflict("contradicts")),
        Some(Refused::UnknownJob) => return Err(Error::Conflict("unknown_job")),
        Some(Refused::Bad(reason)) => return Err(Error::Forbidden("bad_result").because(reason)),
    }
    let jobs = next(&trusted, max).await?;
    Ok(if jobs.is_empty() { StatusCode::NO_CONTENT.into_response() } else { jobs::leased(&trusted.proven.app, jobs) })
}

/// Each by itself: one that is refused takes no other with it.
async fn results(Query(Next { max }): Query<Next>, trusted: Trusted) -> Result<Json<Told>> {
    let SignedResults { results } = trusted.proven.json()?;
    if results.len() > RESULTS {
        return Err(Error::Unusable(StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    }
    let reported = results.into_iter().map(|signed| verified(&trusted, signed)).collect();
    let refused = tell(&trusted, reported).await?;
    let refused = refused.into_iter().map(|refused| refused.map(|why| why.code().to_owned())).collect();
    Ok(Json(Told { refused, jobs: next(&trusted, max).await?, now: trusted.proven.app.clock.seconds() }))
}

/// What this agent has signed; otherwise what is wrong with it.
fn verified(trusted: &Trusted, signed: String) -> std::result::Result<Reported, &'static str> {
    let result: JobResult = jws::verify(&signed, jws::RESULT, &trusted.agent.identity).map_err(|invalid| match invalid {
        Invalid::Signature => "the signature is not by this agent's identity",
        Invalid::Malformed | Invalid::Claim(_) => "it is no JWS of this type, or its claims are of another shape",
    })?;
    // Its text goes into the audit trail, which takes no NUL.
    if result.dc.len() > DC_MAX || result.dc.contains('\0') {
        return Err("`dc` is too long, or holds NUL");
    }
    Ok(Reported { tenant: trusted.tenant.clone(), source: trusted.source(), agent: trusted.agent.clone(), result, signed })
}

/// Write down those that hold; why each was refused, in order.
async fn tell(trusted: &Trusted, reported: Vec<std::result::Result<Reported, &'static str>>) -> Result<Vec<Option<Refused>>> {
    let (app, agent) = (&trusted.proven.app, trusted.agent.agent_id);
    let (mut refused, mut held, mut told) = (vec![None; reported.len()], Vec::new(), Vec::new());
    for (n, reported) in reported.into_iter().enumerate() {
        match reported {
            Ok(reported) => {
                told.push((n, reported.result.job, reported.result.code.as_str()));
                held.push(reported);
            }
            Err(reason) => {
                tracing::warn!(agent.id = %agent, reason, "what should be a result is none");
                refused[n] = Some(Refused::Bad(reason));
            }
        }
    }
    let mut recorded = false;
    for ((n, job, code), settled) in told.into_iter().zip(app.hot.results.run_all(held).await?) {
        match settled {
            Settled::Recorded { .. } => {
                recorded = true;
                tracing::info!(job.id = %job, job.code = code, agent.id = %agent, "a job ended");
            }
            Settled::HandedOver { .. } => {
                tracing::warn!(job.id = %job, agent.id = %agent, "an agent did not reach its directory; the job goes to another");
            }
            Settled::Again => {}
            Settled::Contradicts(why) => {
                tracing::warn!(job.id = %job, agent.id = %agent, reason = why, "a result was refused");
                refused[n] = Some(Refused::Contradicts);
            }
            Settled::UnknownJob => {
                tracing::warn!(job.id = %job, agent.id = %agent, reason = "unknown job", "a result was refused");
                refused[n] = Some(Refused::UnknownJob);
            }
        }
    }
    if recorded {
        app.wake_outbox();
    }
    Ok(refused)
}

async fn next(trusted: &Trusted, max: u16) -> Result<Vec<LeasedJob>> {
    if max == 0 || !trusted.proven.app.polls.has_ready(trusted.agent.connector_id) {
        return Ok(Vec::new());
    }
    jobs::take(trusted, max.min(jobs::MOST)).await
}
