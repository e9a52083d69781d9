//! How jobs end: by the signed result of the agent that holds the lease, or by the deadline. Either way the ciphertext goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use anyhow::{Context, Result};
use sqlx::{PgConnection, postgres::types::PgInterval};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    End, handover, span,
    state::{Event, State},
};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Lines},
        fleet::Agent,
        notices::{self, Letters},
        tenants::Scope,
        users::Reach,
    },
    wire::{
        jws,
        message::JobResult,
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written down.
    Recorded { user_id: Uuid, flow_id: Uuid, end: End },
    /// The agent did not reach its domain controller and changed nothing; another agent may.
    HandedOver { user_id: Uuid, flow_id: Uuid },
    /// The same result was written down before: its answer was lost.
    Again,
    /// Not the holder of the lease, another ciphertext, another verdict than before: nothing was written.
    Contradicts(&'static str),
    /// This tenant has no such job.
    UnknownJob,
}

/// What an agent tells. The caller has verified the signature with the agent's own key.
pub struct Told<'a> {
    pub scope: &'a Scope,
    pub agent: &'a Agent,
    pub result: &'a JobResult,
    /// As the agent signed it.
    pub signed: &'a str,
}

/// A job's row.
struct Row {
    n: i64,
    user_id: Uuid,
    flow_id: Uuid,
    kind: String,
    part: Option<String>,
    seq: i64,
    state: String,
    attempts: i16,
    lease: Option<Uuid>,
    lease_until: Option<OffsetDateTime>,
    agent_id: Option<Uuid>,
    result: Option<String>,
    hash: Option<String>,
    origin: Option<String>,
    /// Of the person, if it says that something was done and they are still served.
    name: Option<String>,
    mail: Option<Vec<u8>>,
    private_mail: Option<Vec<u8>>,
    mobile: Option<Vec<u8>>,
    language: Option<String>,
    by_mail: Option<bool>,
}

/// A result of a running lease, judged and not yet written down.
pub struct Ended {
    job: Uuid,
    pub kind: Kind,
    /// Others wait for it.
    pub leads: bool,
    /// It waited for another.
    pub follows: bool,
    /// The row as the verdict found it: as it must still be.
    before: State,
    lease: Option<Uuid>,
    lease_until: Option<OffsetDateTime>,
    pub user_id: Uuid,
    pub flow_id: Uuid,
    pub origin: Option<IpAddr>,
    /// Whom to tell.
    pub reach: Option<Reach>,
    /// Nothing but mailboxes proved who they are.
    pub by_mail: bool,
    pub state: State,
    code: Code,
    allowed_at: Option<OffsetDateTime>,
    signed: String,
    tenant: Uuid,
    /// It is not written down so where its person is signed in: their sessions end with it, in one transaction.
    alone: bool,
}

/// What becomes of each, in order, as far as nothing speaks against it; `None` for what [`settle_closely`] must look at. Only looks:
/// [`record`] says of which it still was so.
pub async fn settle(conn: &mut PgConnection, told: &[Told<'_>]) -> Result<Vec<Option<Ended>>> {
    let mut rows = look(conn, told).await?;
    let judged = (1..).zip(told).map(|(n, told)| {
        let Some(row) = rows.remove(&n) else { return Ok(None) };
        Ok(match judge(told, &row, false)? {
            Word::Ends(state) if row.state == State::Leased.as_str() && !row.leads() => {
                let ended = row.ends(told, State::Leased, state)?;
                let alone = ended.signs_out();
                // A try at the old password is counted together with the end.
                Some(Ended { alone, ..ended }).filter(|ended| !ended.kind.has_old())
            }
            _ => None,
        })
    });
    judged.collect()
}

/// One answer each, in order: under lock, in a transaction that is the caller's. `Recorded` is what [`record`] must now write. No job may be
/// named twice.
pub async fn settle_closely(conn: &mut PgConnection, clock: &Clock, told: &[Told<'_>]) -> Result<Vec<(Settled, Option<Ended>)>> {
    lock(&mut *conn, told).await?;
    let (mut rows, mut answers) = (look(&mut *conn, told).await?, Vec::with_capacity(told.len()));
    for (n, told) in (1..).zip(told) {
        answers.push(match rows.remove(&n) {
            Some(row) => decide(&mut *conn, clock, told, row).await?,
            None => (Settled::UnknownJob, None),
        });
    }
    Ok(answers)
}

/// The pointer first, then the row, as everybody does.
async fn lock(conn: &mut PgConnection, told: &[Told<'_>]) -> Result<()> {
    let column = |of: fn(&Told<'_>) -> Uuid| told.iter().map(of).collect::<Vec<_>>();
    let jobs = column(|told| told.result.job);
    let (first, last) = span(&jobs);
    sqlx::query!(
        "select from unnest($1::uuid[], $4::uuid[]) as r (job_id, tenant_id)
         left join lateral (select job_id from active_jobs where job_id = r.job_id for update) a on true
         cross join lateral (select from jobs
             where job_id = coalesce(a.job_id, r.job_id) and job_id between $2 and $3 and tenant_id = r.tenant_id for update) j",
        &jobs,
        first,
        last,
        &column(|told| told.scope.id()),
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

async fn look(conn: &mut PgConnection, told: &[Told<'_>]) -> Result<BTreeMap<i64, Row>> {
    let column = |of: fn(&Told<'_>) -> Uuid| told.iter().map(of).collect::<Vec<_>>();
    let jobs = column(|told| told.result.job);
    let (first, last) = span(&jobs);
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", j.user_id, j.flow_id, j.kind, j.part, j.seq, j.state, j.attempts, j.lease, j.lease_until, j.agent_id, j.result,
               j.hashes ->> r.agent_id::text as hash, host(j.origin) as origin, u.display_name as "name?", u.mail, u.private_mail, u.mobile, u.language,
               (select f.passed <@ array['email', 'private_email'] and f.passed <> '{}' from flows f where r.applied and f.flow_id = j.flow_id) as by_mail
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $6::bool[]) with ordinality as r (tenant_id, job_id, agent_id, applied, n)
           cross join lateral (select * from jobs where job_id = r.job_id and job_id between $4 and $5 and tenant_id = r.tenant_id offset 0) j
           left join users u on r.applied and u.tenant_id = j.tenant_id and u.user_id = j.user_id
               and u.removed_at is null and u.enabled and not u.protected"#,
        &column(|told| told.scope.id()),
        &jobs,
        &column(|told| told.agent.agent_id),
        first,
        last,
        &told.iter().map(|told| told.result.code.outcome() == Outcome::Applied).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.n, row)).collect())
}

/// What a result comes to, by the job's row.
enum Word {
    Ends(State),
    /// It changed nothing and could not try; otherwise it ends so.
    HandsOver(State),
    Again,
    Contradicts(&'static str),
}

/// `held`: the agent had this lease once, by the audit trail.
fn judge(told: &Told<'_>, job: &Row, held: bool) -> Result<Word> {
    let Told { agent, result, .. } = told;
    let before = State::parse(&job.state)?;
    let holds = job.agent_id == Some(agent.agent_id) && job.lease == Some(result.lease);
    // When nobody knows, the word of whoever held it once is better than none: it is signed, and speaks of this very ciphertext.
    if !(holds || held && before == State::Unknown) {
        return Ok(Word::Contradicts("another lease"));
    }
    // Where nothing was sealed there is no hash, and none may be told of.
    if job.seq != result.seq || job.hash.as_deref().unwrap_or_default() != result.ciphertext {
        return Ok(Word::Contradicts("another ciphertext"));
    }
    if let Some(before_told) = &job.result {
        // Compared by content: a repeated result may be signed anew, also by a newer key of the same agent.
        if jws::unverified::<JobResult>(before_told).is_some_and(|before_told| before_told == **result) {
            return Ok(Word::Again);
        }
        // Who said "I do not know" may come to know.
        if before != State::Unknown {
            return Ok(Word::Contradicts("another verdict"));
        }
    }
    let outcome = match result.code {
        // It could not look, and another may have done it before.
        Code::DirectoryUnreachable if job.attempts > 1 => Outcome::Unknown,
        code => code.outcome(),
    };
    Ok(match before.next(Event::Result(outcome)) {
        None => Word::Contradicts("the job has ended"),
        Some(state) if result.code == Code::DirectoryUnreachable && before == State::Leased => Word::HandsOver(state),
        Some(state) => Word::Ends(state),
    })
}

async fn decide(conn: &mut PgConnection, clock: &Clock, told: &Told<'_>, job: Row) -> Result<(Settled, Option<Ended>)> {
    let Told { scope, agent, result, .. } = told;
    let before = State::parse(&job.state)?;
    let held = before == State::Unknown && audit::held(&mut *conn, scope, result.job, &agent.actor(), result.lease).await?;
    let state = match judge(told, &job, held)? {
        Word::Again => return Ok((Settled::Again, None)),
        Word::Contradicts(why) => return Ok((Settled::Contradicts(why), None)),
        Word::HandsOver(_)
            if handover::hand_over(&mut *conn, clock, agent, result.job).await?
                || job.part.as_deref() == Some("follows") && handover::retry(&mut *conn, clock, result.job).await? =>
        {
            return Ok((Settled::HandedOver { user_id: job.user_id, flow_id: job.flow_id }, None));
        }
        Word::HandsOver(state) | Word::Ends(state) => state,
    };
    let ended = job.ends(told, before, state)?;
    Ok((ended.settled(), Some(ended)))
}

impl Row {
    fn leads(&self) -> bool {
        self.part.as_deref() == Some("first")
    }

    fn ends(self, told: &Told<'_>, before: State, state: State) -> Result<Ended> {
        let (result, leads) = (told.result, self.leads());
        let reach =
            self.name.map(|name| Reach::open(told.scope, name, [self.mail, self.private_mail, self.mobile], self.language)).transpose()?;
        Ok(Ended {
            reach,
            by_mail: self.by_mail.unwrap_or_default(),
            job: result.job,
            leads,
            follows: self.part.as_deref() == Some("follows"),
            kind: Kind::parse(&self.kind).with_context(|| format!("unknown job kind {}", self.kind))?,
            before,
            lease: self.lease,
            lease_until: self.lease_until,
            user_id: self.user_id,
            flow_id: self.flow_id,
            origin: self.origin.and_then(|origin| origin.parse().ok()),
            state,
            code: result.code,
            allowed_at: result.allowed_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
            signed: told.signed.to_owned(),
            tenant: told.scope.id(),
            alone: false,
        })
    }
}

impl Ended {
    /// A new password ends the sessions of its owner.
    pub fn signs_out(&self) -> bool {
        self.kind.has_new() && self.code.outcome() == Outcome::Applied
    }

    pub fn settled(&self) -> Settled {
        let end = End { state: self.state, code: self.code, allowed_at: self.allowed_at };
        Settled::Recorded { user_id: self.user_id, flow_id: self.flow_id, end }
    }
}

/// Write down those ends that are still as they were judged: the end, the erasure and the pointer's removal at once, with those of the
/// audit lines and messages that are about them. One statement, good by itself. Answers which jobs ended; of the others nothing was written.
pub async fn record(
    conn: &mut PgConnection,
    clock: &Clock,
    ended: &[&Ended],
    lines: &Lines<'_>,
    letters: &Letters,
) -> Result<BTreeSet<Uuid>> {
    let jobs: Vec<Uuid> = ended.iter().map(|ended| ended.job).collect();
    let (first, last) = span(&jobs);
    let now = clock.now();
    // (Where a limit stands, Postgres thinks of few rows, and looks each of them up rather than read all that lie between.)
    // The pointer's end of lease is another with every lease, and changes together with the row's, under the pointer's lock: where it
    // is as it was read, the lease is. That a pointer was taken and its row was not as it says cannot be, and must not be written.
    let row = sqlx::query!(
        r#"with gone as (
               delete from active_jobs a using unnest($1::uuid[], $2::timestamptz[], $35::bool[], $36::uuid[], $37::uuid[])
                   as r (job_id, lease_until, alone, tenant_id, user_id)
               where a.job_id = r.job_id and a.lease_until = r.lease_until
                   and not (r.alone and exists (select from sessions s where s.tenant_id = r.tenant_id and s.user_id = r.user_id)) returning a.job_id
           ), over as (
               update jobs j set state = r.state, code = r.code, allowed_at = r.allowed_at, result = r.result,
                   finished_at = coalesce(j.finished_at, $9), envelopes = null
               from (select * from unnest($1::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
                   as r (job_id, lease, before, state, code, allowed_at, result) limit $38) r
               where j.job_id = r.job_id and j.job_id between $10 and $11 and j.state = r.before and j.lease is not distinct from r.lease
                   and (r.before = 'unknown' or r.job_id = any(array(select job_id from gone)))
               returning j.job_id
           ), lines as (
               insert into audit_events (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail, at)
               select event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address::inet, outcome, detail, $23
               from unnest($12::uuid[], $13::uuid[], $14::text[], $15::text[], $16::uuid[], $17::uuid[], $18::uuid[], $19::text[],
                   $20::text[], $21::text[], $22::jsonb[])
                   as r (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail)
               where job_id = any(array(select job_id from over))
           ), told as (
               select * from unnest($24::uuid[], $25::uuid[], $26::uuid[], $27::text[], $28::bytea[], $30::timestamptz[], $31::uuid[], $32::bytea[],
                   $33::uuid[], $34::text[])
                   as r (message_id, tenant_id, job_id, channel, payload, due_at, unless, token_hash, user_id, about)
               where job_id = any(array(select job_id from over))
           ), letters as (
               insert into messages (message_id, tenant_id, channel, payload, created_at, due_at, expires_at, user_id)
               select message_id, tenant_id, channel, payload, $9, due_at, due_at + $29::interval, unless from told
           ), tokens as (
               insert into notices (token_hash, tenant_id, user_id, about, at, expires_at)
               select distinct token_hash, tenant_id, user_id, about, $9::timestamptz, $9::timestamptz + interval '30 days'
               from told where token_hash is not null
           )
           select array(select job_id from over) as "over!", 1 / ((select count(*) from gone) <= (select count(*) from over))::int as "whole!""#,
        &jobs,
        &ended.iter().map(|ended| ended.lease_until).collect::<Vec<_>>() as &[Option<OffsetDateTime>],
        &ended.iter().map(|ended| ended.lease).collect::<Vec<_>>() as &[Option<Uuid>],
        &ended.iter().map(|ended| ended.before.as_str()).collect::<Vec<_>>() as &[&str],
        &ended.iter().map(|ended| ended.state.as_str()).collect::<Vec<_>>() as &[&str],
        &ended.iter().map(|ended| ended.code.as_str()).collect::<Vec<_>>() as &[&str],
        &ended.iter().map(|ended| ended.allowed_at).collect::<Vec<_>>() as &[Option<OffsetDateTime>],
        &ended.iter().map(|ended| ended.signed.as_str()).collect::<Vec<_>>() as &[&str],
        now,
        first,
        last,
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
        &letters.ids,
        &letters.tenants,
        &letters.jobs,
        &letters.channels as &[&str],
        &letters.payloads,
        PgInterval::try_from(notices::LIFETIME).map_err(|error| anyhow::anyhow!(error))?,
        &letters.dues,
        &letters.unless as &[Option<Uuid>],
        &letters.hashes as &[Option<Vec<u8>>],
        &letters.users as &[Option<Uuid>],
        &letters.abouts as &[Option<&str>],
        &ended.iter().map(|ended| ended.alone).collect::<Vec<_>>(),
        &ended.iter().map(|ended| ended.tenant).collect::<Vec<_>>(),
        &ended.iter().map(|ended| ended.user_id).collect::<Vec<_>>(),
        i64::try_from(ended.len())?,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.over.into_iter().collect())
}
