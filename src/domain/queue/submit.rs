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
    Accepted,
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
    // From the pointer alone: it is read anew once its lock is there, a job joined to it would be the one of before the wait, and
    // what was leased meanwhile would be taken for untouched.
    let active = sqlx::query!(
        r#"select job_id, lease_until is not null as "leased!" from active_jobs
           where connector_id = $1 and object_guid = $2 for update"#,
        job.connector_id,
        job.object_guid,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(active) = active {
        // Once an agent had it, it may have been applied; then only its result or its deadline ends it.
        if active.leased {
            return Ok(Submitted::Busy);
        }
        sqlx::query!("delete from active_jobs where job_id = $1", active.job_id).execute(&mut *conn).await?;
        end(conn, clock, active.job_id, State::Superseded).await?;
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
    Ok(Submitted::Accepted)
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
