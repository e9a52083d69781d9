//! Deadlines: what nobody ended in time ends here.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{LIFETIME, SLACK, State};
use crate::{
    base::{clock::Clock, id},
    wire::ticket::Kind,
};

/// A job that the sweep ended.
pub struct Swept {
    pub tenant_id: Uuid,
    pub job_id: Uuid,
    pub user_id: Uuid,
    pub flow_id: Uuid,
    pub kind: Kind,
    pub state: State,
    /// Others waited for it.
    pub leads: bool,
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
         where job_id = any($1) and state in ('held', 'submitted', 'leased')
         returning tenant_id, job_id, user_id, flow_id, kind, state, part",
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
                kind: Kind::parse(&row.kind).with_context(|| format!("unknown job kind {}", row.kind))?,
                state: State::parse(&row.state)?,
                leads: row.part.as_deref() == Some("first"),
            })
        })
        .collect()
}

/// Tickets that were never used end too. Looks at the last two hours: what is older was seen by an earlier round. A deadline is in
/// whole seconds, so what ends may have been issued a little less than a lifetime ago.
pub async fn sweep_unused(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let now = clock.now();
    let done = sqlx::query!(
        "update jobs set state = 'expired', finished_at = $3
         where job_id >= $1 and job_id < $2 and state = 'offered' and expires_at <= $3",
        id::lowest_at(now - Duration::hours(2)),
        id::lowest_at(now - LIFETIME + SLACK),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
