//! From ticket to queue: sealed jobs become durable, many in one go, and older ones of the same object give way.
//!
//! Nearly always nothing stands in the way. So one statement says what must hold and writes, all at once; what it leaves is looked
//! at closely: read under lock, decided in plain code, written by the same statement.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{LEASE, State, span};
use crate::{
    base::{clock::Clock, id},
    domain::{audit::Lines, tenants::Scope},
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
    /// What the flow may have a ticket for.
    pub kind: Kind,
    pub envelopes: BTreeMap<Uuid, Envelope>,
    /// From where.
    pub origin: Option<IpAddr>,
    /// An agent that sees its directory and waits for jobs at this moment: if it may have the job, it is born leased to it.
    pub to: Option<Uuid>,
}

/// A submission with all that is written of it.
pub struct Posted<'a> {
    pub submission: Submission<'a>,
    /// Under which the job is born leased to the agent that waits.
    pub lease: Option<Uuid>,
    envelopes: Vec<u8>,
    hash: Vec<u8>,
}

impl<'a> Posted<'a> {
    pub fn new(submission: Submission<'a>) -> Result<Self> {
        let envelopes = serde_json::to_vec(&submission.envelopes)?;
        let holder = submission.to.filter(|agent| submission.envelopes.contains_key(agent));
        Ok(Self { hash: id::sha256(&envelopes), lease: holder.map(|_| id::random()), envelopes, submission })
    }
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

/// Make those jobs durable that nothing stands in the way of, with those of the audit lines that are about them; one answer each, in
/// order, and `None` for what [`submit_closely`] must look at. One statement, good by itself. No job may be named twice, and whoever
/// calls orders them by person, so that two calls that meet do not wait for one another in a circle.
pub async fn submit(conn: &mut PgConnection, clock: &Clock, posted: &[&Posted<'_>], lines: &Lines<'_>) -> Result<Vec<Option<Submitted>>> {
    write(conn, clock.now(), posted, lines).await
}

async fn write(conn: &mut PgConnection, now: OffsetDateTime, posted: &[&Posted<'_>], lines: &Lines<'_>) -> Result<Vec<Option<Submitted>>> {
    let column = |of: fn(&Posted<'_>) -> Uuid| posted.iter().map(|posted| of(posted)).collect::<Vec<_>>();
    let jobs = column(|posted| posted.submission.job_id);
    let (first, last) = span(&jobs);
    let (mut agents, mut hashes) = (Vec::new(), Vec::new());
    for Posted { submission, .. } in posted {
        agents.push(submission.envelopes.keys().map(Uuid::to_string).collect::<Vec<_>>().join(" "));
        let of: BTreeMap<Uuid, Option<String>> = submission.envelopes.iter().map(|(agent, envelope)| (*agent, envelope.hash())).collect();
        hashes.push(serde_json::to_value(&of)?);
    }
    // The head's lock makes all that is about one person queue up here: of two tickets only the newer is the newest. The row's own
    // state is asked once more where it is written, as it is then.
    let rows = sqlx::query_as!(
        Born,
        r#"with ticket as (
               select r.*, j.connector_id, j.object_guid
               from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::jsonb[], $7::bytea[], $8::text[], $9::uuid[], $10::uuid[], $27::text[])
                   as r (job_id, tenant_id, flow_id, agents, submission, hashes, envelopes, origin, agent_id, lease, kind)
               cross join lateral (select connector_id, object_guid, seq from jobs
                   where job_id = r.job_id and job_id between $11 and $12 and tenant_id = r.tenant_id and flow_id = r.flow_id
                       and jobs.kind = r.kind and state = 'offered' and expires_at > $13 offset 0) j
               cross join lateral (select from job_heads
                   where connector_id = j.connector_id and object_guid = j.object_guid and seq = j.seq for update) h
               where not exists (select from active_jobs a
                   where a.connector_id = j.connector_id and a.object_guid = j.object_guid and a.effect)
           ), born as (
               update jobs j set state = case when t.lease is null then 'submitted' else 'leased' end, submitted_at = $13,
                   submission = t.submission, hashes = t.hashes, envelopes = t.envelopes, origin = t.origin::inet,
                   agent_id = t.agent_id, lease = t.lease, attempts = case when t.lease is null then 0 else 1 end,
                   lease_until = case when t.lease is not null then $14::timestamptz end,
                   leased_at = case when t.lease is not null then $13::timestamptz end
               from (select * from ticket limit $28) t where j.job_id = t.job_id and j.job_id between $11 and $12 and j.state = 'offered'
               returning j.job_id, j.tenant_id, j.connector_id, j.object_guid, j.kind, j.seq, j.issued_at, j.expires_at, j.lease, t.agents
           ), pointers as (
               insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at, lease_until)
               select job_id, tenant_id, connector_id, object_guid, string_to_array(agents, ' ')::uuid[], expires_at,
                   case when lease is not null then $14::timestamptz end
               from born
           ), lines as (
               insert into audit_events (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail, at)
               select event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address::inet, outcome, detail, $26
               from unnest($15::uuid[], $16::uuid[], $17::text[], $18::text[], $19::uuid[], $20::uuid[], $21::uuid[], $22::text[],
                   $23::text[], $24::text[], $25::jsonb[])
                   as r (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail)
               where job_id = any(array(select job_id from born))
           )
           select job_id, connector_id, object_guid, kind, seq, issued_at, expires_at from born"#,
        &jobs,
        &column(|posted| posted.submission.scope.id()),
        &column(|posted| posted.submission.flow_id),
        &agents,
        &posted.iter().map(|posted| posted.hash.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &hashes,
        &posted.iter().map(|posted| posted.envelopes.as_slice()).collect::<Vec<_>>() as &[&[u8]],
        &posted.iter().map(|posted| posted.submission.origin.map(|origin| origin.to_string())).collect::<Vec<_>>() as &[Option<String>],
        &posted.iter().map(|posted| posted.submission.to.filter(|_| posted.lease.is_some())).collect::<Vec<_>>() as &[Option<Uuid>],
        &posted.iter().map(|posted| posted.lease).collect::<Vec<_>>() as &[Option<Uuid>],
        first,
        last,
        now,
        now + LEASE,
        &lines.events,
        &lines.tenants,
        &lines.actors as &[&str],
        &lines.actions as &[&str],
        &lines.users as &[Option<Uuid>],
        &lines.flows as &[Option<Uuid>],
        &lines.jobs as &[Option<Uuid>],
        &lines.requests as &[Option<&str>],
        &lines.addresses as &[Option<String>],
        &lines.outcomes as &[&str],
        &lines.details,
        lines.at,
        &kinds(posted) as &[&str],
        // Postgres thinks of few, and looks each of them up rather than read all that lie between.
        i64::try_from(posted.len())?,
    )
    .fetch_all(conn)
    .await?;
    let mut born: BTreeMap<Uuid, Born> = rows.into_iter().map(|row| (row.job_id, row)).collect();
    let answer = |posted: &&Posted<'_>| {
        let Some(born) = born.remove(&posted.submission.job_id) else { return Ok(None) };
        Ok(Some(Submitted::Accepted { superseded: None, leased: born.leased(posted)?.map(Box::new) }))
    };
    posted.iter().map(answer).collect()
}

fn kinds(posted: &[&Posted<'_>]) -> Vec<&'static str> {
    posted.iter().map(|posted| posted.submission.kind.as_str()).collect()
}

/// A job that was just made durable.
struct Born {
    job_id: Uuid,
    connector_id: Uuid,
    object_guid: Uuid,
    kind: String,
    seq: i64,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl Born {
    /// As its agent gets it, if it is born leased.
    fn leased(self, posted: &Posted<'_>) -> Result<Option<LeasedJob>> {
        let Posted { submission, lease, .. } = posted;
        let (Some(lease), Some(agent)) = (*lease, submission.to) else { return Ok(None) };
        Ok(Some(LeasedJob {
            lease,
            attempt: 1,
            seconds: u32::try_from(LEASE.whole_seconds())?,
            envelope: Some(submission.envelopes.get(&agent).cloned().context("nothing was sealed for the agent that waits")?),
            ticket: Ticket {
                job: self.job_id,
                seq: self.seq,
                tenant: submission.scope.id(),
                connector: self.connector_id,
                user: self.object_guid,
                kind: Kind::parse(&self.kind).with_context(|| format!("unknown job kind {}", self.kind))?,
                issued_at: self.issued_at.unix_timestamp(),
                expires_at: self.expires_at.unix_timestamp(),
            },
        }))
    }
}

/// A ticket's row, its object's head and its object's active job, all of them locked.
struct Row {
    n: i64,
    seq: i64,
    state: String,
    expires_at: OffsetDateTime,
    submission: Option<Vec<u8>>,
    newest: i64,
    active: Option<Uuid>,
}

/// The same for what needs a closer look: an older job in the way, a ticket used before, too late. One transaction, which is the
/// caller's, with whatever the caller adds.
pub async fn submit_closely(conn: &mut PgConnection, clock: &Clock, posted: &[&Posted<'_>], lines: &Lines<'_>) -> Result<Vec<Submitted>> {
    let now = clock.now();
    let mut rows = lock(&mut *conn, posted).await?;
    let (mut answers, mut passed) = (Vec::with_capacity(posted.len()), Vec::new());
    for (n, posted) in (1..).zip(posted) {
        let job = posted.submission.job_id;
        answers.push(match rows.remove(&n) {
            None => Submitted::NoTicket,
            Some(row) => match decide(&row, now, &posted.hash)? {
                Some(answer) => {
                    if row.state == State::Offered.as_str() {
                        let state = if matches!(answer, Submitted::Expired) { State::Expired } else { State::Superseded };
                        end(&mut *conn, now, job, state).await?;
                    }
                    answer
                }
                None => match give_way(&mut *conn, now, row.active).await? {
                    None => Submitted::Busy,
                    Some(Given { superseded }) => {
                        passed.push(*posted);
                        Submitted::Accepted { superseded, leased: None }
                    }
                },
            },
        });
    }
    if passed.is_empty() {
        return Ok(answers);
    }
    let mut born = write(conn, now, &passed, lines).await?.into_iter();
    for answer in answers.iter_mut().filter(|answer| matches!(answer, Submitted::Accepted { .. })) {
        let Some(Some(Submitted::Accepted { leased: made, .. })) = born.next() else { bail!("a locked ticket was not there any more") };
        if let Submitted::Accepted { leased, .. } = answer {
            *leased = made;
        }
    }
    Ok(answers)
}

/// The head's lock makes two submits of one person queue up here; it is taken before the ticket's own row, as [`submit`] does. The pointer is
/// asked for only by who may need its place: it is not the ticket's own, whose row would then be held while its pointer is waited for.
async fn lock(conn: &mut PgConnection, posted: &[&Posted<'_>]) -> Result<BTreeMap<i64, Row>> {
    let column = |of: fn(&Posted<'_>) -> Uuid| posted.iter().map(|posted| of(posted)).collect::<Vec<_>>();
    let jobs = column(|posted| posted.submission.job_id);
    let (first, last) = span(&jobs);
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", j.seq, j.state, j.expires_at, j.submission, h.seq as newest, a.job_id as "active?"
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $6::text[]) with ordinality as r (tenant_id, job_id, flow_id, kind, n)
           cross join lateral (select connector_id, object_guid from jobs
               where job_id = r.job_id and job_id between $4 and $5 and tenant_id = r.tenant_id and flow_id = r.flow_id and jobs.kind = r.kind) o
           cross join lateral (select seq from job_heads
               where connector_id = o.connector_id and object_guid = o.object_guid for update) h
           cross join lateral (select seq, state, expires_at, submission from jobs
               where job_id = r.job_id and job_id between $4 and $5 and h.seq is not null for update) j
           left join lateral (select job_id from active_jobs
               where connector_id = o.connector_id and object_guid = o.object_guid and effect and j.state = 'offered' and h.seq = j.seq
               for update) a on true"#,
        &column(|posted| posted.submission.scope.id()),
        &jobs,
        &column(|posted| posted.submission.flow_id),
        first,
        last,
        &kinds(posted) as &[&str],
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

/// The place of an object's one active effect.
pub(super) struct Given {
    pub superseded: Option<Superseded>,
}

/// Make room for the newer job; `None`: there is none. Once an agent had the older one, it may have been applied; then only its result or its deadline
/// ends it. Its row is asked only now that its pointer is ours, or it would be read as it was before a lease that we waited for.
pub(super) async fn give_way(conn: &mut PgConnection, now: OffsetDateTime, active: Option<Uuid>) -> Result<Option<Given>> {
    let Some(job_id) = active else { return Ok(Some(Given { superseded: None })) };
    let untouched = sqlx::query_scalar!(
        "update jobs set state = 'superseded', finished_at = $2, envelopes = null
         where job_id = $1 and state in ('held', 'submitted') and attempts = 0 returning flow_id",
        job_id,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(flow_id) = untouched else { return Ok(None) };
    sqlx::query!("delete from active_jobs where job_id = $1", job_id).execute(conn).await?;
    Ok(Some(Given { superseded: Some(Superseded { job_id, flow_id }) }))
}

/// End a job that no agent ever had.
async fn end(conn: &mut PgConnection, now: OffsetDateTime, job: Uuid, state: State) -> Result<()> {
    sqlx::query!(
        "update jobs set state = $2, finished_at = $3, envelopes = null where job_id = $1 and state in ('offered', 'submitted')",
        job,
        state.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
