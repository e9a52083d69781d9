//! How jobs end: by the signed result of the agent that holds the lease, or by the deadline. Either way the ciphertext goes.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Result, ensure};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    LIFETIME, span,
    state::{Event, State},
};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit,
        fleet::{Agent, SILENT_AFTER},
        tenants::Scope,
    },
    wire::{
        jws,
        message::JobResult,
        outcome::{Code, Outcome},
    },
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Written down.
    Recorded { user_id: Uuid, flow_id: Uuid, state: State, origin: Option<IpAddr> },
    /// The agent did not reach its domain controller and changed nothing; another agent may.
    HandedOver { user_id: Uuid, flow_id: Uuid },
    /// The same result was written down before: its answer was lost.
    Again,
    /// Not the holder of the lease, another ciphertext, another verdict than before: nothing was written.
    Contradicts(&'static str),
}

/// What an agent tells. The caller has verified the signature with the agent's own key.
pub struct Told<'a> {
    pub scope: &'a Scope,
    pub agent: &'a Agent,
    pub result: &'a JobResult,
    /// As the agent signed it.
    pub signed: &'a str,
}

/// A job's row, locked, and its pointer with it.
struct Row {
    n: i64,
    user_id: Uuid,
    flow_id: Uuid,
    seq: i64,
    state: String,
    attempts: i16,
    lease: Option<Uuid>,
    agent_id: Option<Uuid>,
    result: Option<String>,
    hash: Option<String>,
    origin: Option<String>,
}

/// Take results, one answer each, in order. No job may be named twice.
pub async fn settle(conn: &mut PgConnection, clock: &Clock, told: &[Told<'_>]) -> Result<Vec<Settled>> {
    let mut rows = lock(&mut *conn, told).await?;
    let (mut answers, mut over) = (Vec::with_capacity(told.len()), Over::default());
    for (n, told) in (1..).zip(told) {
        let answer = match rows.remove(&n) {
            Some(row) => decide(&mut *conn, clock, told, row, &mut over).await?,
            None => Settled::Contradicts("unknown job"),
        };
        answers.push(answer);
    }
    over.write(conn, clock.now()).await?;
    Ok(answers)
}

/// The pointer first, then the row, as everybody does.
async fn lock(conn: &mut PgConnection, told: &[Told<'_>]) -> Result<BTreeMap<i64, Row>> {
    let column = |of: fn(&Told<'_>) -> Uuid| told.iter().map(of).collect::<Vec<_>>();
    let jobs = column(|told| told.result.job);
    let (first, last) = span(&jobs);
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", j.user_id, j.flow_id, j.seq, j.state, j.attempts, j.lease, j.agent_id, j.result, j.hash, j.origin
           from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality as r (tenant_id, job_id, agent_id, n)
           left join lateral (select job_id from active_jobs where job_id = r.job_id for update) a on true
           cross join lateral (select user_id, flow_id, seq, state, attempts, lease, agent_id, result,
                   hashes ->> r.agent_id::text as hash, host(origin) as origin
               from jobs where job_id = coalesce(a.job_id, r.job_id) and job_id between $4 and $5 and tenant_id = r.tenant_id for update) j"#,
        &column(|told| told.scope.id()),
        &jobs,
        &column(|told| told.agent.agent_id),
        first,
        last,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.n, row)).collect())
}

async fn decide(conn: &mut PgConnection, clock: &Clock, told: &Told<'_>, job: Row, over: &mut Over) -> Result<Settled> {
    let Told { scope, agent, result, signed } = told;
    let before = State::parse(&job.state)?;
    let holds = job.agent_id == Some(agent.agent_id) && job.lease == Some(result.lease);
    // When nobody knows, the word of whoever held it once is better than none: it is signed, and speaks of this very ciphertext.
    let held = !holds && before == State::Unknown && audit::held(&mut *conn, scope, result.job, &agent.actor(), result.lease).await?;
    if !holds && !held {
        return Ok(Settled::Contradicts("another lease"));
    }
    if job.seq != result.seq || job.hash.as_deref() != Some(result.ciphertext.as_str()) {
        return Ok(Settled::Contradicts("another ciphertext"));
    }
    if let Some(before_told) = &job.result {
        // Compared by content: a repeated result may be signed anew, also by a newer key of the same agent.
        if jws::unverified::<JobResult>(before_told).is_some_and(|before_told| before_told == **result) {
            return Ok(Settled::Again);
        }
        // Who said "I do not know" may come to know.
        if before != State::Unknown {
            return Ok(Settled::Contradicts("another verdict"));
        }
    }
    if result.code == Code::DirectoryUnreachable && before == State::Leased && hand_over(&mut *conn, clock, agent, result.job).await? {
        return Ok(Settled::HandedOver { user_id: job.user_id, flow_id: job.flow_id });
    }
    let outcome = match result.code {
        // It could not look, and another may have done it before.
        Code::DirectoryUnreachable if job.attempts > 1 => Outcome::Unknown,
        code => code.outcome(),
    };
    let Some(state) = before.next(Event::Result(outcome)) else { return Ok(Settled::Contradicts("the job has ended")) };
    over.jobs.push(result.job);
    over.states.push(state.as_str());
    over.codes.push(result.code.as_str());
    over.allowed.push(result.allowed_at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()));
    over.signed.push((*signed).to_owned());
    let origin = job.origin.and_then(|origin| origin.parse().ok());
    Ok(Settled::Recorded { user_id: job.user_id, flow_id: job.flow_id, state, origin })
}

/// Jobs that came to their end, column by column, as one statement takes them.
#[derive(Default)]
struct Over {
    jobs: Vec<Uuid>,
    states: Vec<&'static str>,
    codes: Vec<&'static str>,
    allowed: Vec<Option<OffsetDateTime>>,
    signed: Vec<String>,
}

impl Over {
    /// The end, the erasure and the pointer's removal at once.
    async fn write(self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let (first, last) = span(&self.jobs);
        let done = sqlx::query!(
            "with pointers as (delete from active_jobs where job_id = any($1))
             update jobs j set state = r.state, code = r.code, allowed_at = r.allowed_at, result = r.result,
                 finished_at = coalesce(finished_at, $6), envelopes = null
             from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[]) as r (job_id, state, code, allowed_at, result)
             where j.job_id = r.job_id and j.job_id between $7 and $8",
            &self.jobs,
            &self.states as &[&str],
            &self.codes as &[&str],
            &self.allowed as &[Option<OffsetDateTime>],
            &self.signed,
            now,
            first,
            last,
        )
        .execute(conn)
        .await?;
        ensure!(done.rows_affected() == self.jobs.len() as u64, "a locked job was not there any more");
        Ok(())
    }
}

/// Back into the queue for the other agents that can open it, if one of them reaches its directory.
async fn hand_over(conn: &mut PgConnection, clock: &Clock, agent: &Agent, job: Uuid) -> Result<bool> {
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
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    // As if this lease had not been: the agent's word is that nothing was sent.
    sqlx::query!("update jobs set state = 'submitted', attempts = attempts - 1, lease = null, lease_until = null where job_id = $1", job)
        .execute(conn)
        .await?;
    Ok(true)
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
