//! How jobs end: by the signed result of the agent that holds the lease, or by the deadline. Either way the ciphertext goes.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::state::{Event, State};
use crate::{
    base::clock::Clock,
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
    if let Some(before) = &job.result {
        // Compared by content: a repeated result is signed anew by some agents.
        let same = jws::verify::<JobResult>(before, jws::RESULT, &agent.identity).is_ok_and(|before| before == *result);
        return Ok(if same { Settled::Again } else { Settled::Contradicts("another verdict") });
    }
    let before = State::parse(&job.state)?;
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
/// Tickets that were never used end too.
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
