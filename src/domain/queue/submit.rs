//! From ticket to queue: the sealed job becomes durable, and older ones of the same object give way.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::State;
use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
    wire::seal::Envelope,
};

/// What the browser posted, with the agent that each envelope is for.
pub struct Submission {
    pub job_id: Uuid,
    pub flow_id: Uuid,
    pub envelopes: BTreeMap<Uuid, Envelope>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    Accepted {
        /// An older job of the same person that gave way.
        superseded: Option<Superseded>,
    },
    /// The very same was accepted before: the first answer was lost.
    Again,
    /// No such ticket in this flow, or used for something else.
    NoTicket,
    Expired,
    /// A newer ticket was given since.
    Superseded,
    /// An agent is working on an older job of this person at this moment.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Superseded {
    pub job_id: Uuid,
    pub flow_id: Uuid,
}

/// Make the job durable. One transaction with whatever the caller adds.
pub async fn submit(conn: &mut PgConnection, scope: &Scope, clock: &Clock, submission: &Submission) -> Result<Submitted> {
    let now = clock.now();
    let posted = id::sha256(&serde_json::to_vec(&submission.envelopes)?);
    let job = sqlx::query!(
        "select connector_id, object_guid, seq, state, expires_at, submission from jobs
         where tenant_id = $1 and job_id = $2 and flow_id = $3 for update",
        scope.id(),
        submission.job_id,
        submission.flow_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(job) = job else { return Ok(Submitted::NoTicket) };
    match (State::parse(&job.state)?, job.submission) {
        (State::Offered, _) => {}
        (State::Superseded, None) => return Ok(Submitted::Superseded),
        (State::Expired, None) => return Ok(Submitted::Expired),
        (_, Some(before)) if id::same(&before, &posted) => return Ok(Submitted::Again),
        _ => return Ok(Submitted::NoTicket),
    }
    if job.expires_at <= now {
        end(conn, clock, submission.job_id, State::Expired).await?;
        return Ok(Submitted::Expired);
    }
    // The head's lock makes two submits of one person queue up here.
    let newest = sqlx::query_scalar!(
        "select seq from job_heads where connector_id = $1 and object_guid = $2 for update",
        job.connector_id,
        job.object_guid,
    )
    .fetch_one(&mut *conn)
    .await?;
    if newest != job.seq {
        end(conn, clock, submission.job_id, State::Superseded).await?;
        return Ok(Submitted::Superseded);
    }
    // The pointer first, then the row, as everybody does; and the row only once the pointer is ours, or it would be read as it was
    // before a lease that we waited for.
    let active = sqlx::query_scalar!(
        "select job_id from active_jobs where connector_id = $1 and object_guid = $2 for update",
        job.connector_id,
        job.object_guid,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let mut superseded = None;
    if let Some(older) = active {
        let untouched = sqlx::query_scalar!(
            "update jobs set state = 'superseded', finished_at = $2, envelopes = null
             where job_id = $1 and state = 'submitted' and attempts = 0 returning flow_id",
            older,
            now,
        )
        .fetch_optional(&mut *conn)
        .await?;
        // Once an agent had it, it may have been applied; then only its result or its deadline ends it.
        let Some(flow_id) = untouched else { return Ok(Submitted::Busy) };
        sqlx::query!("delete from active_jobs where job_id = $1", older).execute(&mut *conn).await?;
        superseded = Some(Superseded { job_id: older, flow_id });
    }
    let hashes: BTreeMap<Uuid, Option<String>> = submission.envelopes.iter().map(|(agent, envelope)| (*agent, envelope.hash())).collect();
    let agents: Vec<Uuid> = submission.envelopes.keys().copied().collect();
    sqlx::query!(
        "insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at) values ($1, $2, $3, $4, $5, $6)",
        submission.job_id,
        scope.id(),
        job.connector_id,
        job.object_guid,
        &agents,
        job.expires_at,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update jobs set state = 'submitted', submitted_at = $2, submission = $3, hashes = $4, envelopes = $5
         where job_id = $1 and state = 'offered'",
        submission.job_id,
        now,
        posted,
        serde_json::to_value(&hashes)?,
        serde_json::to_value(&submission.envelopes)?,
    )
    .execute(conn)
    .await?;
    Ok(Submitted::Accepted { superseded })
}

/// End a job that no agent ever had.
pub(super) async fn end(conn: &mut PgConnection, clock: &Clock, job: Uuid, state: State) -> Result<()> {
    sqlx::query!(
        "update jobs set state = $2, finished_at = $3, envelopes = null where job_id = $1 and state in ('offered', 'submitted')",
        job,
        state.as_str(),
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
