//! Jobs: offered with a ticket, submitted sealed, leased to one agent at a time, ended by its signed result.
//!
//! The rules of the road: the newest sequence number of a directory object wins; at most one job of an object is active; a lease
//! token fences out whoever held the job before; a terminal job keeps a tombstone and never the ciphertext.

mod ask;
mod handover;
mod hold;
mod lease;
mod live;
mod settle;
pub mod state;
mod stop;
mod strand;
mod submit;
mod sweep;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::tenants::Scope;
use crate::{
    base::{clock::Clock, id},
    wire::{
        outcome::Code,
        ticket::{Kind, Ticket},
    },
};
pub use ask::{Asked, Looked, ask, look};
pub use hold::{Follower, Held, LetGo, Who, follows, give_up, hold, release};
pub use lease::{Ask, lease, put_back, waiting, withdraw};
pub use live::{LATELY, Live, ended, under_way};
pub use settle::{Ended, Settled, Told, record, settle, settle_closely};
pub use state::State;
pub use stop::{Stopped, stop};
pub use strand::{Stranded, strand};
pub use submit::{Posted, Submission, Submitted, Superseded, submit, submit_closely};
pub use sweep::{Swept, sweep, sweep_unused};

/// From the ticket to the last moment at which an agent may apply the job.
pub const LIFETIME: Duration = Duration::seconds(120);
/// An agent that says nothing for so long loses the job to another.
pub const LEASE: Duration = Duration::seconds(15);

/// Whose password, by whose flow.
pub struct Target {
    pub connector_id: Uuid,
    pub user_id: Uuid,
    pub object_guid: Uuid,
    pub flow_id: Uuid,
}

/// Nobody submits or is given a ticket for this object until the transaction ends.
pub async fn lock_head(conn: &mut PgConnection, connector: Uuid, object: Uuid) -> Result<()> {
    sqlx::query!("select from job_heads where connector_id = $1 and object_guid = $2 for update", connector, object).execute(conn).await?;
    Ok(())
}

/// A ticket for one job. An effect takes the object's next sequence number, so every older ticket is superseded from now on. Numbers
/// follow the clock, so that they still rise after an old backup was restored: agents remember the last one.
pub async fn offer(conn: &mut PgConnection, scope: &Scope, clock: &Clock, kind: Kind, target: &Target) -> Result<Ticket> {
    let seq = if kind.is_effect() { next_number(&mut *conn, clock, target).await? } else { 0 };
    let (job, issued_at) = (id::time_ordered(clock), clock.seconds());
    let expires_at = issued_at + LIFETIME.whole_seconds();
    let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).context("a time out of range");
    sqlx::query!(
        "insert into jobs (job_id, tenant_id, connector_id, user_id, object_guid, flow_id, kind, seq, state, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'offered', $9, $10)",
        job,
        scope.id(),
        target.connector_id,
        target.user_id,
        target.object_guid,
        target.flow_id,
        kind.as_str(),
        seq,
        at(issued_at)?,
        at(expires_at)?,
    )
    .execute(conn)
    .await?;
    Ok(Ticket { job, seq, tenant: scope.id(), connector: target.connector_id, user: target.object_guid, kind, issued_at, expires_at })
}

async fn next_number(conn: &mut PgConnection, clock: &Clock, target: &Target) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "insert into job_heads as h (connector_id, object_guid, seq) values ($1, $2, $3)
         on conflict (connector_id, object_guid) do update set seq = greatest(h.seq + 1, excluded.seq) returning seq",
        target.connector_id,
        target.object_guid,
        clock.millis(),
    )
    .fetch_one(conn)
    .await?)
}

/// Whether this person got a new password, may have got one, or is about to, since the job of that id was made.
pub async fn has_new_since(conn: &mut PgConnection, scope: &Scope, user: Uuid, job: Uuid) -> Result<bool> {
    let kinds: Vec<&str> = Kind::ALL.into_iter().filter(|kind| kind.has_new()).map(Kind::as_str).collect();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from audit_events e join jobs j on j.job_id = e.job_id and j.tenant_id = e.tenant_id
               where e.tenant_id = $1 and e.user_id = $2 and e.event_id > $3 and e.action in ('reset.result', 'reset.deadline')
                   and e.outcome in ('applied', 'reconciled', 'unknown') and j.kind = any($4))
           or exists (select from active_jobs a join jobs j on j.job_id = a.job_id and j.tenant_id = a.tenant_id
               where a.effect and j.kind = any($4) and (a.connector_id, a.object_guid) in (select connector_id, object_guid
                   from users where tenant_id = $1 and user_id = $2)) as "new!""#,
        scope.id(),
        user,
        job,
        &kinds as &[&str],
    )
    .fetch_one(conn)
    .await?)
}

/// A job as its flow may see it.
#[derive(Debug, Clone)]
pub struct JobView {
    pub job_id: Uuid,
    pub kind: Kind,
    pub state: State,
    /// Whether a sealed password was ever posted for it; a ticket that was not used changes nothing.
    pub submitted: bool,
    pub code: Option<Code>,
    /// Others are held until it has set the password.
    pub leads: bool,
    /// When a minimum age refused it: from when a change is allowed.
    pub allowed_at: Option<OffsetDateTime>,
}

/// How a job ended, as its flow may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub state: State,
    pub code: Code,
    pub allowed_at: Option<OffsetDateTime>,
}

impl JobView {
    pub const fn ends(&mut self, end: End) {
        (self.state, self.code, self.allowed_at) = (end.state, Some(end.code), end.allowed_at);
    }
}

/// The same, if it is about this person.
pub async fn view_of(conn: &mut PgConnection, scope: &Scope, user: Uuid, job: Uuid) -> Result<Option<JobView>> {
    let is_theirs = sqlx::query_scalar!(
        r#"select exists (select from jobs where tenant_id = $1 and job_id = $2 and user_id = $3) as "theirs!""#,
        scope.id(),
        job,
        user,
    )
    .fetch_one(&mut *conn)
    .await?;
    if is_theirs { view(conn, scope, job).await } else { Ok(None) }
}

pub async fn view(conn: &mut PgConnection, scope: &Scope, job: Uuid) -> Result<Option<JobView>> {
    let row = sqlx::query!(r#"select job_id, kind, state, submitted_at is not null as "submitted!", code, part, allowed_at from jobs where tenant_id = $1 and job_id = $2"#, scope.id(), job)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(JobView {
            job_id: row.job_id,
            kind: Kind::parse(&row.kind).with_context(|| format!("unknown job kind {}", row.kind))?,
            state: State::parse(&row.state)?,
            submitted: row.submitted,
            code: row.code.as_deref().and_then(Code::parse),
            leads: row.part.as_deref() == Some("first"),
            allowed_at: row.allowed_at,
        })
    })
    .transpose()
}

/// How far the clocks of two nodes may lie apart, generously.
const SLACK: Duration = Duration::hours(1);

/// The lowest and the highest: with them in a statement only the days that it needs are opened.
fn span(jobs: &[Uuid]) -> (Uuid, Uuid) {
    (jobs.iter().min().copied().unwrap_or_default(), jobs.iter().max().copied().unwrap_or_default())
}

/// Tombstones are kept so long: a late answer comes within a day, and the audit trail keeps the signed results. Few partitions keep
/// statements quick.
const KEPT: Duration = Duration::days(7);

/// Make the partitions of the coming days, drop those past their keeping.
pub async fn turn_partitions(conn: &mut PgConnection, clock: &Clock) -> Result<()> {
    let today = clock.now().date();
    for ahead in 0..4 {
        sqlx::query!("select jobs_make_partition($1)", today + Duration::days(ahead)).execute(&mut *conn).await?;
    }
    sqlx::query!("select jobs_drop_partitions($1)", today - KEPT).execute(conn).await?;
    Ok(())
}
