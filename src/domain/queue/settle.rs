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
    domain::{fleet::Agent, tenants::Scope},
    wire::{jws, message::JobResult},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written down. `late`: the job had been given up as unknown before.
    Recorded { user_id: Uuid, flow_id: Uuid, state: State, late: bool },
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
    // The pointer before the job, as leasing and sweeping lock them, or two of us would wait in a circle.
    sqlx::query!("select from active_jobs where job_id = $1 for update", result.job).execute(&mut *conn).await?;
    let job = sqlx::query!(
        r#"select user_id, flow_id, seq, state, lease, agent_id, result, hashes ->> $3 as hash from jobs
           where tenant_id = $1 and job_id = $2 for update"#,
        scope.id(),
        result.job,
        agent.agent_id.to_string(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(job) = job else { return Ok(Settled::Contradicts("unknown job")) };
    if job.agent_id != Some(agent.agent_id) || job.lease != Some(result.lease) {
        return Ok(Settled::Contradicts("another lease"));
    }
    if job.seq != result.seq || job.hash.as_deref() != Some(result.ciphertext.as_str()) {
        return Ok(Settled::Contradicts("another ciphertext"));
    }
    let before = State::parse(&job.state)?;
    if let Some(told) = &job.result {
        // Compared by content: a repeated result may be signed anew.
        if jws::verify::<JobResult>(told, jws::RESULT, &agent.identity).is_ok_and(|told| told == *result) {
            return Ok(Settled::Again);
        }
        // Who said "I do not know" may come to know.
        if before != State::Unknown {
            return Ok(Settled::Contradicts("another verdict"));
        }
    }
    let Some(state) = before.next(Event::Result(result.code.outcome())) else { return Ok(Settled::Contradicts("the job has ended")) };
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
