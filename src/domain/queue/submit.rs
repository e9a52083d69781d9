//! From ticket to queue: sealed jobs become durable, many in one go, and older ones of the same object give way.
//!
//! Read everything under lock, decide in plain code, write everything: so that a hundred submits cost three statements and one
//! commit, and one costs no more than it must.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Context, Result, ensure};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{LEASE, State, span};
use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
    wire::{
        message::LeasedJob,
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

/// What the browser posted, with the agent that each envelope is for.
pub struct Submission<'a> {
    pub scope: &'a Scope,
    pub job_id: Uuid,
    pub flow_id: Uuid,
    pub envelopes: BTreeMap<Uuid, Envelope>,
    /// From where.
    pub origin: Option<IpAddr>,
    /// An agent that waits for jobs at this moment: if it may have the job, it is born leased to it.
    pub to: Option<Uuid>,
}

#[derive(Debug)]
pub enum Submitted {
    Accepted {
        /// An older job of the same person that gave way.
        superseded: Option<Superseded>,
        /// Born leased: for the agent that waited.
        leased: Option<Box<LeasedJob>>,
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

/// A ticket's row, its object's head and its object's active job, all of them locked.
struct Row {
    n: i64,
    connector_id: Uuid,
    object_guid: Uuid,
    kind: String,
    seq: i64,
    state: String,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    submission: Option<Vec<u8>>,
    newest: i64,
    active: Option<Uuid>,
    ready: bool,
}

/// Make the jobs durable; one answer each, in order. No job may be named twice, and whoever calls orders them by person, so that
/// two calls that meet do not wait for one another in a circle. One transaction with whatever the caller adds.
pub async fn submit(conn: &mut PgConnection, clock: &Clock, submissions: &[Submission<'_>]) -> Result<Vec<Submitted>> {
    let now = clock.now();
    let mut rows = lock(&mut *conn, submissions).await?;
    let mut answers = Vec::with_capacity(submissions.len());
    let (mut born, mut ended) = (Born::default(), Vec::new());
    for (n, submission) in (1..).zip(submissions) {
        let posted = serde_json::to_vec(&submission.envelopes)?;
        let answer = match rows.remove(&n) {
            None => Submitted::NoTicket,
            Some(row) => match decide(&row, now, &id::sha256(&posted))? {
                Some(Submitted::Expired) if row.state == State::Offered.as_str() => {
                    ended.push((submission.job_id, State::Expired));
                    Submitted::Expired
                }
                Some(Submitted::Superseded) if row.state == State::Offered.as_str() => {
                    ended.push((submission.job_id, State::Superseded));
                    Submitted::Superseded
                }
                Some(answer) => answer,
                None => match give_way(&mut *conn, now, &row).await? {
                    Err(answer) => answer,
                    Ok(superseded) => Submitted::Accepted { superseded, leased: born.push(submission, &row, posted, now)? },
                },
            },
        };
        answers.push(answer);
    }
    born.write(&mut *conn, now).await?;
    for (job, state) in ended {
        end(&mut *conn, clock, job, state).await?;
    }
    Ok(answers)
}

/// The head's lock makes two submits of one person queue up here. The pointer is asked for only by who may need its place: it is not
/// the ticket's own, whose row would then be held while its pointer is waited for. An agent's word that it reaches its directory is looked at too.
async fn lock(conn: &mut PgConnection, submissions: &[Submission<'_>]) -> Result<BTreeMap<i64, Row>> {
    let column = |of: fn(&Submission<'_>) -> Uuid| submissions.iter().map(of).collect::<Vec<_>>();
    let to: Vec<Option<Uuid>> = submissions.iter().map(|submission| submission.to).collect();
    let jobs = column(|submission| submission.job_id);
    let (first, last) = span(&jobs);
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", j.connector_id, j.object_guid, j.kind, j.seq, j.state, j.issued_at, j.expires_at, j.submission,
               h.seq as newest, a.job_id as "active?",
               exists (select 1 from connectors c join agents g using (tenant_id, connector_id)
                   where g.agent_id = r.agent_id and c.connector_id = j.connector_id and c.writeback and g.status = 'active'
                       and (g.health -> 'directory' ->> 'reachable')::boolean) as "ready!"
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as r (tenant_id, job_id, flow_id, agent_id, n)
           cross join lateral (select connector_id, object_guid, kind, seq, state, issued_at, expires_at, submission from jobs
               where job_id = r.job_id and job_id between $5 and $6 and tenant_id = r.tenant_id and flow_id = r.flow_id for update) j
           cross join lateral (select seq from job_heads
               where connector_id = j.connector_id and object_guid = j.object_guid for update) h
           left join lateral (select job_id from active_jobs
               where connector_id = j.connector_id and object_guid = j.object_guid and j.state = 'offered' and h.seq = j.seq for update) a on true"#,
        &column(|submission| submission.scope.id()),
        &jobs,
        &column(|submission| submission.flow_id),
        &to as &[Option<Uuid>],
        first,
        last,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.n, row)).collect())
}

/// What the ticket's own row says; `None` lets it pass.
fn decide(row: &Row, now: OffsetDateTime, posted: &[u8]) -> Result<Option<Submitted>> {
    Ok(match (State::parse(&row.state)?, &row.submission) {
        (State::Offered, _) if row.expires_at <= now => Some(Submitted::Expired),
        (State::Offered, _) if row.newest != row.seq => Some(Submitted::Superseded),
        (State::Offered, _) => None,
        (State::Superseded, None) => Some(Submitted::Superseded),
        (State::Expired, None) => Some(Submitted::Expired),
        (_, Some(before)) if id::same(before, posted) => Some(Submitted::Again),
        _ => Some(Submitted::NoTicket),
    })
}

/// Make room for the newer job. Once an agent had the older one, it may have been applied; then only its result or its deadline
/// ends it. Its row is asked only now that its pointer is ours, or it would be read as it was before a lease that we waited for.
async fn give_way(conn: &mut PgConnection, now: OffsetDateTime, row: &Row) -> Result<Result<Option<Superseded>, Submitted>> {
    let Some(job_id) = row.active else { return Ok(Ok(None)) };
    let untouched = sqlx::query_scalar!(
        "update jobs set state = 'superseded', finished_at = $2, envelopes = null
         where job_id = $1 and state = 'submitted' and attempts = 0 returning flow_id",
        job_id,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(flow_id) = untouched else { return Ok(Err(Submitted::Busy)) };
    sqlx::query!("delete from active_jobs where job_id = $1", job_id).execute(conn).await?;
    Ok(Ok(Some(Superseded { job_id, flow_id })))
}

/// Accepted jobs, column by column, as one statement takes them.
#[derive(Default)]
struct Born {
    jobs: Vec<Uuid>,
    tenants: Vec<Uuid>,
    connectors: Vec<Uuid>,
    objects: Vec<Uuid>,
    agents: Vec<String>,
    expiries: Vec<OffsetDateTime>,
    submissions: Vec<Vec<u8>>,
    hashes: Vec<serde_json::Value>,
    envelopes: Vec<Vec<u8>>,
    origins: Vec<Option<String>>,
    holders: Vec<Option<Uuid>>,
    leases: Vec<Option<Uuid>>,
}

impl Born {
    /// The job as its agent gets it, if it is born leased.
    fn push(&mut self, submission: &Submission<'_>, row: &Row, posted: Vec<u8>, now: OffsetDateTime) -> Result<Option<Box<LeasedJob>>> {
        let hashes: BTreeMap<Uuid, Option<String>> =
            submission.envelopes.iter().map(|(agent, envelope)| (*agent, envelope.hash())).collect();
        let agents: Vec<String> = submission.envelopes.keys().map(Uuid::to_string).collect();
        let holder = submission.to.filter(|_| row.ready).and_then(|agent| submission.envelopes.get_key_value(&agent));
        let leased = match holder {
            None => None,
            Some((_, envelope)) => Some(Box::new(LeasedJob {
                lease: id::random(),
                attempt: 1,
                seconds: u32::try_from(LEASE.whole_seconds())?,
                envelope: Some(envelope.clone()),
                ticket: Ticket {
                    job: submission.job_id,
                    seq: row.seq,
                    tenant: submission.scope.id(),
                    connector: row.connector_id,
                    user: row.object_guid,
                    kind: Kind::parse(&row.kind).with_context(|| format!("unknown job kind {}", row.kind))?,
                    issued_at: row.issued_at.unix_timestamp(),
                    expires_at: row.expires_at.unix_timestamp(),
                },
            })),
        };
        ensure!(row.expires_at > now, "a job past its deadline");
        self.jobs.push(submission.job_id);
        self.tenants.push(submission.scope.id());
        self.connectors.push(row.connector_id);
        self.objects.push(row.object_guid);
        self.agents.push(agents.join(" "));
        self.expiries.push(row.expires_at);
        self.submissions.push(id::sha256(&posted));
        self.hashes.push(serde_json::to_value(&hashes)?);
        self.envelopes.push(posted);
        self.origins.push(submission.origin.map(|origin| origin.to_string()));
        self.holders.push(holder.map(|(agent, _)| *agent));
        self.leases.push(leased.as_ref().map(|leased| leased.lease));
        Ok(leased)
    }

    async fn write(self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let (first, last) = span(&self.jobs);
        let done = sqlx::query!(
            "with pointers as (
                 insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at, lease_until)
                 select job_id, tenant_id, connector_id, object_guid, string_to_array(agents, ' ')::uuid[], expires_at,
                     case when lease is not null then $13::timestamptz end
                 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $12::uuid[])
                     as r (job_id, tenant_id, connector_id, object_guid, agents, expires_at, lease))
             update jobs j set state = case when r.lease is null then 'submitted' else 'leased' end, submitted_at = $14,
                 submission = r.submission, hashes = r.hashes, envelopes = r.envelopes, origin = r.origin::inet,
                 agent_id = r.agent_id, lease = r.lease, attempts = case when r.lease is null then 0 else 1 end,
                 lease_until = case when r.lease is not null then $13::timestamptz end,
                 leased_at = case when r.lease is not null then $14::timestamptz end
             from unnest($1::uuid[], $7::bytea[], $8::jsonb[], $9::bytea[], $10::text[], $11::uuid[], $12::uuid[])
                 as r (job_id, submission, hashes, envelopes, origin, agent_id, lease)
             where j.job_id = r.job_id and j.job_id between $15 and $16 and j.state = 'offered'",
            &self.jobs,
            &self.tenants,
            &self.connectors,
            &self.objects,
            &self.agents,
            &self.expiries,
            &self.submissions,
            &self.hashes,
            &self.envelopes,
            &self.origins as &[Option<String>],
            &self.holders as &[Option<Uuid>],
            &self.leases as &[Option<Uuid>],
            now + LEASE,
            now,
            first,
            last,
        )
        .execute(conn)
        .await?;
        ensure!(done.rows_affected() == self.jobs.len() as u64, "a locked ticket was not there any more");
        Ok(())
    }
}

/// End a job that no agent ever had.
async fn end(conn: &mut PgConnection, clock: &Clock, job: Uuid, state: State) -> Result<()> {
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
