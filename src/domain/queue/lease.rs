//! Leasing: jobs go to whichever agent asks first, one holder at a time.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::LEASE;
use crate::{
    base::clock::Clock,
    domain::{fleet::Agent, tenants::Scope},
    wire::{
        message::LeasedJob,
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

/// Up to `most` jobs for this agent, oldest first: those that wait, and those whose holder went silent. `skip locked` lets
/// several agents ask at once without waiting for one another. None for an agent that was revoked or says it does not reach its directory.
pub async fn lease(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, most: i64) -> Result<Vec<LeasedJob>> {
    let now = clock.now();
    let until = now + LEASE;
    let taken = sqlx::query_scalar!(
        "update active_jobs set lease_until = $4 where job_id in (
             select job_id from active_jobs
             where connector_id = $1 and $2 = any(agents) and (lease_until is null or lease_until <= $3) and expires_at > $3
                 and exists (select 1 from connectors c join agents a using (tenant_id, connector_id)
                     where c.connector_id = $1 and c.writeback and a.agent_id = $2 and a.status = 'active'
                         and (a.health -> 'directory' ->> 'reachable')::boolean)
             order by job_id limit $5 for update skip locked)
         returning job_id",
        agent.connector_id,
        agent.agent_id,
        now,
        until,
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"update jobs set state = 'leased', lease = gen_random_uuid(), lease_until = $3, leased_at = $4, agent_id = $5,
               attempts = attempts + 1
           where job_id = any($1) and tenant_id = $2 and state in ('submitted', 'leased')
           returning job_id, tenant_id, connector_id, object_guid, kind, seq, issued_at, expires_at, attempts, lease as "lease!", envelopes as "envelopes!""#,
        &taken,
        scope.id(),
        until,
        now,
        agent.agent_id,
    )
    .fetch_all(conn)
    .await?;
    let mut jobs = rows
        .into_iter()
        .map(|row| {
            let mut envelopes: BTreeMap<Uuid, Envelope> = serde_json::from_value(row.envelopes)?;
            Ok(LeasedJob {
                lease: row.lease,
                attempt: row.attempts,
                seconds: u32::try_from(LEASE.whole_seconds())?,
                envelope: envelopes.remove(&agent.agent_id).context("a job without an envelope for its agent")?,
                ticket: Ticket {
                    job: row.job_id,
                    seq: row.seq,
                    tenant: row.tenant_id,
                    connector: row.connector_id,
                    user: row.object_guid,
                    kind: Kind::parse(&row.kind).with_context(|| format!("unknown job kind {}", row.kind))?,
                    issued_at: row.issued_at.unix_timestamp(),
                    expires_at: row.expires_at.unix_timestamp(),
                },
            })
        })
        .collect::<Result<Vec<_>>>()?;
    jobs.sort_by_key(|job| job.ticket.job);
    Ok(jobs)
}
