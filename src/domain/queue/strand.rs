//! What lies there for agents alone that say that they do not reach their directory: nobody ever had it, so it ends at once, and
//! whoever waits may know and try again.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::fleet::SILENT_AFTER,
    wire::{outcome::Code, ticket::Kind},
};

/// A job that ended so.
pub struct Stranded {
    pub job_id: Uuid,
    pub connector_id: Uuid,
    pub user_id: Uuid,
    pub flow_id: Uuid,
    pub kind: Kind,
    /// Others waited for it.
    pub leads: bool,
    /// By whose word.
    pub agent_id: Uuid,
}

/// End those in the queues of these connectors. What an agent had, even one that fell silent, may have been applied and waits for its
/// deadline; what follows another job was sealed for no later moment, and may be taken as long as it lives. One that somebody holds
/// under lock is on its way to an agent, or the next heartbeat finds it.
pub async fn strand(conn: &mut PgConnection, clock: &Clock, connectors: &[Uuid]) -> Result<Vec<Stranded>> {
    let now = clock.now();
    // The pointer first, then the row, as everybody does.
    let due = sqlx::query!(
        r#"select a.job_id, b.agent_id from active_jobs a
           cross join lateral (select agent_id from agents g
               where g.tenant_id = a.tenant_id and g.agent_id = any(a.agents) and g.status = 'active' and g.last_seen_at > $2
               order by (g.health -> 'directory' ->> 'reachable')::boolean desc nulls last limit 1) s
           join agents b on b.agent_id = s.agent_id and not (b.health -> 'directory' ->> 'reachable')::boolean
           where a.connector_id = any($1) and a.lease_until is null and a.expires_at > $3
           order by a.job_id for update of a skip locked"#,
        connectors,
        now - SILENT_AFTER,
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let (jobs, agents): (Vec<Uuid>, Vec<Uuid>) = due.into_iter().map(|due| (due.job_id, due.agent_id)).unzip();
    let rows = sqlx::query!(
        r#"with ended as (
               update jobs j set state = 'failed', code = $3, finished_at = $4, envelopes = null
               from unnest($1::uuid[], $2::uuid[]) as r (job_id, agent_id)
               where j.job_id = r.job_id and j.state = 'submitted' and j.attempts = 0 and j.part is distinct from 'follows'
               returning j.job_id, j.connector_id, j.user_id, j.flow_id, j.kind, j.part, r.agent_id),
           gone as (delete from active_jobs where job_id = any(array(select job_id from ended)))
           select job_id, connector_id, user_id, flow_id, kind, part, agent_id as "agent_id!" from ended order by job_id"#,
        &jobs,
        &agents,
        Code::DirectoryUnreachable.as_str(),
        now,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Stranded {
                job_id: row.job_id,
                connector_id: row.connector_id,
                user_id: row.user_id,
                flow_id: row.flow_id,
                kind: Kind::parse(&row.kind).with_context(|| format!("unknown job kind {}", row.kind))?,
                leads: row.part.as_deref() == Some("first"),
                agent_id: row.agent_id,
            })
        })
        .collect()
}
