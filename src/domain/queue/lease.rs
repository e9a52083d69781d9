//! Leasing: jobs go to whichever agent asks first, one holder at a time.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{LEASE, LIFETIME, SLACK};
use crate::{
    base::{clock::Clock, id},
    domain::fleet::Agent,
    wire::{
        message::LeasedJob,
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

/// So many jobs at most for this agent, oldest first.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub agent: &'a Agent,
    pub most: u16,
}

/// Which of these agents' connectors have a job that anybody could take now: spares those that ask in vain a transaction.
pub async fn waiting(conn: &mut PgConnection, clock: &Clock, connectors: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"select r.connector_id as "connector_id!" from unnest($1::uuid[]) as r (connector_id)
           where exists (select 1 from active_jobs a
               where a.connector_id = r.connector_id and (lease_until is null or lease_until <= $2) and expires_at > $2)"#,
        connectors,
        clock.now(),
    )
    .fetch_all(conn)
    .await?)
}

/// Jobs for each who asks, in the order of `asks`: those that wait, and those whose holder went silent. `skip locked` lets
/// several ask at once without waiting for one another. None for an agent that was revoked or says it does not reach its directory.
pub async fn lease(conn: &mut PgConnection, clock: &Clock, asks: &[Ask<'_>]) -> Result<Vec<Vec<LeasedJob>>> {
    let now = clock.now();
    // One line per agent: two of the same would be given the same jobs.
    let mut wanted: BTreeMap<Uuid, (Uuid, Uuid, i64)> = BTreeMap::new();
    for Ask { agent, most } in asks {
        wanted.entry(agent.agent_id).or_insert((agent.tenant_id, agent.connector_id, 0)).2 += i64::from(*most);
    }
    let (mut agents, mut tenants, mut connectors, mut most) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (agent, (tenant, connector, count)) in wanted {
        agents.push(agent);
        tenants.push(tenant);
        connectors.push(connector);
        most.push(count);
    }
    let asked: i64 = most.iter().sum();
    let rows = sqlx::query_as!(
        Row,
        r#"with chosen as (
               select distinct on (p.job_id) p.job_id, r.agent_id
               from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) as r (agent_id, tenant_id, connector_id, most)
               cross join lateral (select job_id from active_jobs
                   where connector_id = r.connector_id and tenant_id = r.tenant_id and r.agent_id = any(agents)
                       and (lease_until is null or lease_until <= $5) and expires_at > $5
                       and exists (select 1 from connectors c join agents g using (tenant_id, connector_id)
                           where c.connector_id = r.connector_id and c.writeback and g.agent_id = r.agent_id and g.status = 'active'
                               and (g.health -> 'directory' ->> 'reachable')::boolean)
                   order by job_id limit r.most for update skip locked) p
           ), taken as (
               update active_jobs a set lease_until = $6 from chosen c where a.job_id = c.job_id returning a.job_id, c.agent_id
           )
           update jobs j set state = 'leased', lease = gen_random_uuid(), lease_until = $6, leased_at = $5, agent_id = t.agent_id,
               attempts = attempts + 1
           from (select * from taken limit $9) t where j.job_id = t.job_id and j.job_id between $7 and $8 and j.state in ('submitted', 'leased')
           returning j.job_id, j.tenant_id, j.connector_id, j.object_guid, j.kind, j.seq, j.issued_at, j.expires_at, j.attempts,
               j.lease as "lease!", j.envelopes, t.agent_id as "agent_id!""#,
        &agents,
        &tenants,
        &connectors,
        &most,
        now,
        now + LEASE,
        // None that still lives was made earlier; a clock may be a little ahead.
        id::lowest_at(now - LIFETIME - SLACK),
        id::lowest_at(now + SLACK),
        // Postgres thinks of few, and looks each of them up rather than read all jobs of that hour.
        asked,
    )
    .fetch_all(conn)
    .await?;
    let mut given: BTreeMap<Uuid, Vec<LeasedJob>> = BTreeMap::new();
    for row in rows {
        let (job, agent) = (row.job_id, row.agent_id);
        match row.open() {
            Ok(job) => given.entry(agent).or_default().push(job),
            // Whoever asks next gets the others; this one ends at its deadline, as unknown.
            Err(error) => tracing::error!(job.id = %job, error = format!("{error:#}"), "a job cannot be read"),
        }
    }
    for jobs in given.values_mut() {
        jobs.sort_by_key(|job| std::cmp::Reverse(job.ticket.job));
    }
    Ok(asks
        .iter()
        .map(|ask| {
            let jobs = given.entry(ask.agent.agent_id).or_default();
            let rest = jobs.len().saturating_sub(ask.most.into());
            jobs.split_off(rest).into_iter().rev().collect()
        })
        .collect())
}

struct Row {
    job_id: Uuid,
    tenant_id: Uuid,
    connector_id: Uuid,
    object_guid: Uuid,
    kind: String,
    seq: i64,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    attempts: i16,
    lease: Uuid,
    envelopes: Option<Vec<u8>>,
    agent_id: Uuid,
}

impl Row {
    fn open(self) -> Result<LeasedJob> {
        let kind = Kind::parse(&self.kind).with_context(|| format!("unknown job kind {}", self.kind))?;
        let mut envelopes: BTreeMap<Uuid, Envelope> =
            self.envelopes.as_deref().map(serde_json::from_slice).transpose()?.unwrap_or_default();
        let envelope = envelopes.remove(&self.agent_id);
        ensure!(envelope.is_some() == kind.is_sealed(), "a job without an envelope for its agent");
        Ok(LeasedJob {
            lease: self.lease,
            attempt: self.attempts,
            seconds: u32::try_from(LEASE.whole_seconds())?,
            envelope,
            ticket: Ticket {
                job: self.job_id,
                seq: self.seq,
                tenant: self.tenant_id,
                connector: self.connector_id,
                user: self.object_guid,
                kind,
                issued_at: self.issued_at.unix_timestamp(),
                expires_at: self.expires_at.unix_timestamp(),
            },
        })
    }
}

/// Back into the queue as if the lease had not been: the agent it was meant for never got it. False when somebody has it.
pub async fn put_back(conn: &mut PgConnection, job: Uuid, lease: Uuid) -> Result<bool> {
    sqlx::query!("select job_id from active_jobs where job_id = $1 for update", job).fetch_optional(&mut *conn).await?;
    let done = sqlx::query!(
        "update jobs set state = 'submitted', attempts = attempts - 1, lease = null, lease_until = null
         where job_id = $1 and lease = $2 and state = 'leased'",
        job,
        lease,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("update active_jobs set lease_until = null where job_id = $1", job).execute(conn).await?;
    Ok(true)
}

/// End the leases of an agent that is trusted no more: others may have its jobs at once, and what it still says counts for nothing.
/// They were touched, so whoever gets them next asks the directory first.
pub async fn withdraw(conn: &mut PgConnection, clock: &Clock, agent: Uuid) -> Result<Vec<Uuid>> {
    let now = clock.now();
    Ok(sqlx::query_scalar!(
        "with held as (
             select a.job_id from active_jobs a join jobs j using (job_id)
             where $1 = any(a.agents) and j.agent_id = $1 and a.lease_until > $2 order by a.job_id for update of a
         ), ended as (
             update jobs j set lease_until = $2 from held h where j.job_id = h.job_id
         )
         update active_jobs a set lease_until = $2, agents = array_remove(a.agents, $1) from held h where a.job_id = h.job_id
         returning a.job_id",
        agent,
        now,
    )
    .fetch_all(conn)
    .await?)
}
