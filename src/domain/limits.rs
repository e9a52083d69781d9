//! Limits per account and across flows, in Postgres so that several nodes share them. Count first, commit, then act: parallel
//! requests then queue on the row and cannot slip through together. Windows go by the database's clock: a node whose own is wrong
//! would begin new ones.

use anyhow::Result;
use sqlx::{PgConnection, postgres::types::PgInterval};
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
    /// Showing the token of a notice.
    NotMe,
}

impl Limit {
    const fn kind(self) -> &'static str {
        match self {
            Self::CodeTry => "code_try",
            Self::CodeSend => "code_send",
            Self::NotMe => "not_me",
        }
    }

    /// How many within how long.
    const fn allowance(self) -> (i32, Duration) {
        match self {
            Self::CodeTry => (5, Duration::minutes(10)),
            Self::CodeSend => (5, Duration::minutes(15)),
            Self::NotMe => (20, Duration::minutes(10)),
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
    let (most, window) = limit.allowance();
    // The row lock of the insert makes concurrent takers queue up; the update part sees the committed count. What is inserted ends a
    // window from now, so that the update knows the time too. A window that was used up makes the next one twice as long.
    let rows = sqlx::query!(
        r#"with at as materialized (select clock_timestamp() + $4::interval as now)
           insert into limits as l (tenant_id, subject, kind, used, until)
           select $1, subject, $3, 1, now + $5::interval from at, unnest($2::bytea[]) with ordinality as s (subject, n) order by n
           on conflict (tenant_id, subject, kind) do update set
               used = case when l.until <= excluded.until - $5::interval then 1 else least(l.used + 1, $6 + 1) end,
               strikes = case when l.until > excluded.until - $5::interval then l.strikes when l.used > $6 then least(l.strikes + 1, 10)
                              when l.until < excluded.until - $5::interval - interval '1 day' then 0 else l.strikes end,
               until = case when l.until > excluded.until - $5::interval then l.until
                            else excluded.until - $5::interval
                                + least($7, $5::interval * (1 << case when l.used > $6 then least(l.strikes + 1, 10) else 0 end)) end
           returning used, until"#,
        scope.id(),
        subjects,
        limit.kind(),
        interval(clock.ahead())?,
        interval(window)?,
        most,
        interval(LONGEST)?,
    )
    .fetch_all(conn)
    .await?;
    anyhow::ensure!(rows.len() == subjects.len(), "{} of {} subjects were counted", rows.len(), subjects.len());
    let until = rows.into_iter().filter(|row| row.used > most).map(|row| row.until).max();
    Ok(until.map_or(Verdict::Allowed, Verdict::Wait))
}

fn interval(span: Duration) -> Result<PgInterval> {
    PgInterval::try_from(span).map_err(|error| anyhow::anyhow!(error))
}

/// The person has proven themselves: their own slips no longer count.
pub async fn clear(conn: &mut PgConnection, scope: &Scope, subjects: &[Vec<u8>], limit: Limit) -> Result<()> {
    // Locked in the order of [`take`], or the two would wait for each other.
    sqlx::query!(
        "with mine as materialized (
             select l.subject from unnest($2::bytea[]) with ordinality as s (subject, n)
             join limits l on l.tenant_id = $1 and l.subject = s.subject and l.kind = $3 order by n for update of l)
         delete from limits l using mine where l.tenant_id = $1 and l.subject = mine.subject and l.kind = $3",
        scope.id(),
        subjects,
        limit.kind(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When the account may go on, if it must wait: for each of these limits.
pub async fn waiting<const N: usize>(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    subjects: &[Vec<u8>],
    limits: [Limit; N],
) -> Result<[Option<OffsetDateTime>; N]> {
    let rows = sqlx::query!(
        r#"select l.kind, max(l.until) as "until!" from unnest($3::text[], $4::integer[]) as k (kind, most)
           join limits l on l.tenant_id = $1 and l.subject = any($2) and l.kind = k.kind and l.used >= k.most
           where l.until > clock_timestamp() + $5::interval group by l.kind"#,
        scope.id(),
        subjects,
        &limits.map(Limit::kind) as &[&str],
        &limits.map(|limit| limit.allowance().0),
        interval(clock.ahead())?,
    )
    .fetch_all(conn)
    .await?;
    Ok(limits.map(|limit| rows.iter().find(|row| row.kind == limit.kind()).map(|row| row.until)))
}

/// Forget windows that ended long ago.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from limits where until < $1", clock.now() - Duration::days(2)).execute(conn).await?;
    Ok(done.rows_affected())
}
