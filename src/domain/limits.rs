//! Limits per account and across flows, in Postgres so that several nodes share them. Count first, commit, then act: parallel
//! requests then queue on the row and cannot slip through together. Windows go by the database's clock: a node whose own is wrong
//! would begin new ones.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::tenants::Scope;
use crate::base::clock::Clock;

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// Comparing a typed code, right or wrong.
    CodeTry,
    /// Sending a code.
    CodeSend,
}

impl Limit {
    const fn kind(self) -> &'static str {
        match self {
            Self::CodeTry => "code_try",
            Self::CodeSend => "code_send",
        }
    }

    /// How many within how long.
    const fn allowance(self) -> (i32, Duration) {
        match self {
            Self::CodeTry => (5, Duration::minutes(10)),
            Self::CodeSend => (5, Duration::minutes(15)),
        }
    }
}

/// The longest wait, however many windows were exhausted in a row.
const LONGEST: Duration = Duration::hours(1);

/// Whether it may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Counted; go on.
    Allowed,
    /// Exhausted until then. Nothing was counted.
    Wait(OffsetDateTime),
}

/// Count one for each of `subjects`, always in the same order so that nobody waits in circles; the worst verdict holds. The caller
/// commits before it acts on it.
pub async fn take(conn: &mut PgConnection, scope: &Scope, clock: &Clock, subjects: &[Vec<u8>], limit: Limit) -> Result<Verdict> {
    let mut worst = Verdict::Allowed;
    for subject in subjects {
        let verdict = take_one(&mut *conn, scope, clock, subject, limit).await?;
        worst = match (worst, verdict) {
            (Verdict::Wait(a), Verdict::Wait(b)) => Verdict::Wait(a.max(b)),
            (Verdict::Allowed, verdict) => verdict,
            (worst, Verdict::Allowed) => worst,
        };
    }
    Ok(worst)
}

async fn now(conn: &mut PgConnection, clock: &Clock) -> Result<OffsetDateTime> {
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(conn).await?;
    Ok(now + clock.ahead())
}

/// A window that was used up makes the next one twice as long.
async fn take_one(conn: &mut PgConnection, scope: &Scope, clock: &Clock, subject: &[u8], limit: Limit) -> Result<Verdict> {
    let (most, window) = limit.allowance();
    let now = now(&mut *conn, clock).await?;
    // The row lock of the insert makes concurrent takers queue up; the update part sees the committed count.
    let row = sqlx::query!(
        r#"insert into limits as l (tenant_id, subject, kind, used, until) values ($1, $2, $3, 1, $5)
           on conflict (tenant_id, subject, kind) do update set
               used = case when l.until <= $4 then 1 else least(l.used + 1, $6 + 1) end,
               strikes = case when l.until > $4 then l.strikes when l.used > $6 then least(l.strikes + 1, 10)
                              when l.until < $4 - interval '1 day' then 0 else l.strikes end,
               until = case when l.until > $4 then l.until
                            else $4 + least($7, ($5::timestamptz - $4) * (1 << case when l.used > $6 then least(l.strikes + 1, 10) else 0 end)) end
           returning used, until"#,
        scope.id(),
        subject,
        limit.kind(),
        now,
        now + window,
        most,
        sqlx::postgres::types::PgInterval::try_from(LONGEST).map_err(|error| anyhow::anyhow!(error))?,
    )
    .fetch_one(conn)
    .await?;
    Ok(if row.used <= most { Verdict::Allowed } else { Verdict::Wait(row.until) })
}

/// The person has proven themselves: their own slips no longer count.
pub async fn clear(conn: &mut PgConnection, scope: &Scope, subjects: &[Vec<u8>], limit: Limit) -> Result<()> {
    // One by one and in the order of [`take`], or the two would wait for each other.
    for subject in subjects {
        sqlx::query!("delete from limits where tenant_id = $1 and subject = $2 and kind = $3", scope.id(), subject, limit.kind())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// When the account may try again, if it must wait.
pub async fn waiting(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    subjects: &[Vec<u8>],
    limit: Limit,
) -> Result<Option<OffsetDateTime>> {
    let now = now(&mut *conn, clock).await?;
    let until = sqlx::query_scalar!(
        "select max(until) from limits where tenant_id = $1 and subject = any($2) and kind = $3 and used >= $4 and until > $5",
        scope.id(),
        subjects,
        limit.kind(),
        limit.allowance().0,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(until)
}

/// Forget windows that ended long ago.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from limits where until < $1", clock.now() - Duration::days(2)).execute(conn).await?;
    Ok(done.rows_affected())
}
