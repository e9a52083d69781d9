//! A holder that could not even try gives its job back: for another agent, or for itself a little later.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::fleet::{Agent, SILENT_AFTER},
};

/// A directory that was away is tried again after this.
const RETRY: Duration = Duration::seconds(3);

/// Back into the queue for the other agents that can open it, if one of them reaches its directory.
pub(super) async fn hand_over(conn: &mut PgConnection, clock: &Clock, agent: &Agent, job: Uuid) -> Result<bool> {
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
    if done.rows_affected() > 0 {
        back(conn, job).await?;
    }
    Ok(done.rows_affected() > 0)
}

/// As if this lease had not been: the agent's word is that nothing was sent.
async fn back(conn: &mut PgConnection, job: Uuid) -> Result<()> {
    sqlx::query!("update jobs set state = 'submitted', attempts = attempts - 1, lease = null, lease_until = null where job_id = $1", job)
        .execute(conn)
        .await?;
    Ok(())
}

/// What followed another was sealed for this moment and for no later one: as long as it lives, the same agent may try again a little
/// later.
pub(super) async fn retry(conn: &mut PgConnection, clock: &Clock, job: Uuid) -> Result<bool> {
    let again: OffsetDateTime = clock.now() + RETRY;
    let done = sqlx::query!(
        "update active_jobs set lease_until = $2 where job_id = $1 and expires_at > $2::timestamptz + interval '3 s'",
        job,
        again
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        back(conn, job).await?;
    }
    Ok(done.rows_affected() > 0)
}
