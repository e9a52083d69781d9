//! How jobs end: by the signed result of the agent that holds the lease, or by the deadline. Either way the ciphertext goes.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    LIFETIME,
    state::{Event, State},
};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit,
        fleet::{Agent, SILENT_AFTER},
        tenants::Scope,
    },
    wire::{
        jws,
        message::JobResult,
        outcome::{Code, Outcome},
    },
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written down. `late`: the job had been given up as unknown before.
    Recorded { user_id: Uuid, flow_id: Uuid, state: State, late: bool },
    /// The agent did not reach its domain controller and changed nothing; another agent may.
    HandedOver { user_id: Uuid, flow_id: Uuid },
    /// The same result was written down before: its answer was lost.
    Again,
    /// Not the holder of the lease, another ciphertext, another verdict than before: nothing was written.
    Contradicts(&'static str),
}

/// Take the result that `agent` signed; the caller has verified the signature with the agent's own key.
pub async fn settle(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    agent: &Agent,
    result: &JobResult,
    signed: &str,
) -> Result<Settled> {
    // The pointer first, then the row, as everybody does.
    sqlx::query!("select job_id from active_jobs where job_id = $1 for update", result.job).fetch_optional(&mut *conn).await?;
    let job = sqlx::query!(
        r#"select user_id, flow_id, seq, state, attempts, lease, agent_id, result, hashes ->> $3 as hash from jobs
           where tenant_id = $1 and job_id = $2 for update"#,
        scope.id(),
        result.job,
        agent.agent_id.to_string(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(job) = job else { return Ok(Settled::Contradicts("unknown job")) };
    let before = State::parse(&job.state)?;
    let holds = job.agent_id == Some(agent.agent_id) && job.lease == Some(result.lease);
    // When nobody knows, the word of whoever held it once is better than none: it is signed, and speaks of this very ciphertext.
    let held = before == State::Unknown && audit::held(&mut *conn, scope, result.job, &agent.actor(), result.lease).await?;
    if !holds && !held {
        return Ok(Settled::Contradicts("another lease"));
    }
    if job.seq != result.seq || job.hash.as_deref() != Some(result.ciphertext.as_str()) {
        return Ok(Settled::Contradicts("another ciphertext"));
    }
    if let Some(told) = &job.result {
        // Compared by content: a repeated result may be signed anew.
        if jws::kept::<JobResult>(told).is_some_and(|told| told == *result) {
            return Ok(Settled::Again);
        }
        // Who said "I do not know" may come to know.
        if before != State::Unknown {
            return Ok(Settled::Contradicts("another verdict"));
        }
    }
    if result.code == Code::DirectoryUnreachable && before == State::Leased && hand_over(&mut *conn, clock, agent, result.job).await? {
        return Ok(Settled::HandedOver { user_id: job.user_id, flow_id: job.flow_id });
    }
    let outcome = match result.code {
        // It could not look, and another may have done it before.
        Code::DirectoryUnreachable if job.attempts > 1 => Outcome::Unknown,
        code => code.outcome(),
    };
    let Some(state) = before.next(Event::Result(outcome)) else { return Ok(Settled::Contradicts("the job has ended")) };
    sqlx::query!(
        "update jobs set state = $3, code = $4, allowed_at = $5, result = $6, finished_at = coalesce(finished_at, $7), envelopes = null
         where tenant_id = $1 and job_id = $2",
        scope.id(),
        result.job,
        state.as_str(),
        result.code.as_str(),
        result.allowed_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        signed,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from active_jobs where job_id = $1", result.job).execute(conn).await?;
    Ok(Settled::Recorded { user_id: job.user_id, flow_id: job.flow_id, state, late: before == State::Unknown })
}

/// Back into the queue for the other agents that can open it, if one of them reaches its directory.
async fn hand_over(conn: &mut PgConnection, clock: &Clock, agent: &Agent, job: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "update active_jobs j set lease_until = null, agents = array_remove(j.agents, $2)
         where job_id = $1 and expires_at > $3 and exists (
             select 1 from agents a where a.agent_id = any(j.agents) and a.agent_id <> $2 and a.status = 'active'
                 and a.last_seen_at > $4 and (a.health -> 'directory' ->> 'reachable')::boolean)",
        job,
        agent.agent_id,
        clock.now(),
        clock.now() - SILENT_AFTER,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // As if this lease had not been: the agent's word is that nothing was sent.
    sqlx::query!("update jobs set state = 'submitted', attempts = attempts - 1, lease = null, lease_until = null where job_id = $1", job)
        .execute(conn)
        .await?;
    Ok(true)
}

/// A job that the sweep ended.
pub struct Swept {
    pub tenant_id: Uuid,
    pub job_id: Uuid,
    pub user_id: Uuid,
    pub flow_id: Uuid,
    pub state: State,
}

/// End what is past its deadline: expired if no agent ever had it, unknown otherwise. A lease that still runs is waited for.
pub async fn sweep(conn: &mut PgConnection, clock: &Clock) -> Result<Vec<Swept>> {
    let now = clock.now();
    let due = sqlx::query_scalar!(
        "delete from active_jobs where job_id in (
             select job_id from active_jobs where expires_at <= $1 and (lease_until is null or lease_until <= $1)
             order by job_id limit 500 for update skip locked)
         returning job_id",
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "update jobs set state = case when attempts = 0 then 'expired' else 'unknown' end, finished_at = $2, envelopes = null
         where job_id = any($1) and state in ('submitted', 'leased')
         returning tenant_id, job_id, user_id, flow_id, state",
        &due,
        now,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Swept {
                tenant_id: row.tenant_id,
                job_id: row.job_id,
                user_id: row.user_id,
                flow_id: row.flow_id,
                state: State::parse(&row.state)?,
            })
        })
        .collect()
}

/// Tickets that were never used end too. Looks at the last two hours: what is older was seen by an earlier round.
pub async fn sweep_unused(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let now = clock.now();
    let done = sqlx::query!(
        "update jobs set state = 'expired', finished_at = $3
         where job_id >= $1 and job_id < $2 and state = 'offered' and expires_at <= $3",
        id::lowest_at(now - Duration::hours(2)),
        id::lowest_at(now - LIFETIME),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
