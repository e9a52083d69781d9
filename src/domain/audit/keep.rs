//! How long lines are kept: a tenant's own number of days. What is older goes from the chain's beginning, up to a signed cut, behind which the
//! chain is as whole as before. What does not fit the chain does not go: somebody was at it, and it is what shows that.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{
    Event, Source,
    chain::{self, Head},
    checkpoint, record,
    stored::{self, Stored},
};
use crate::{base::clock::Clock, domain::tenants::Scope};

/// Lines that go at once.
const MOST: i64 = 1000;
/// Fewest days: so long people are told what happened to them. 0 is for ever.
pub const LEAST: i32 = 90;

/// Days; 0: for ever.
pub async fn days(conn: &mut PgConnection, scope: &Scope) -> Result<i32> {
    Ok(sqlx::query_scalar!("select audit_days from tenants where tenant_id = $1", scope.id()).fetch_one(conn).await?)
}

/// From now on so many days.
pub async fn set_days(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, days: i32) -> Result<()> {
    let before = self::days(&mut *conn, scope).await?;
    if before == days {
        return Ok(());
    }
    sqlx::query!("update tenants set audit_days = $2 where tenant_id = $1", scope.id(), days).execute(&mut *conn).await?;
    let detail = serde_json::json!({ "before": before, "after": days });
    record(conn, scope, clock, source, Event { action: "tenant.audit_days", outcome: "changed", detail, ..Event::default() }).await
}

/// Let go what was kept long enough, at most so many lines at once; how many went.
pub async fn forget(conn: &mut PgConnection, scope: &Scope, clock: &Clock) -> Result<i64> {
    let days = days(&mut *conn, scope).await?;
    if days == 0 || !chain::lock(&mut *conn, scope).await? {
        return Ok(0);
    }
    let Some(cut) = over(&mut *conn, scope, clock, Duration::days(days.into())).await? else { return Ok(0) };
    checkpoint::cut(&mut *conn, scope, clock, &cut).await?;
    let gone = sqlx::query_scalar!(r#"select audit_forget($1, $2) as "gone!""#, scope.id(), cut.seq).fetch_one(&mut *conn).await?;
    // Row-level security hides what one has no right to, and says nothing.
    ensure!(gone > 0, "no line of the audit trail could be let go: who owns its tables? See deploy/postgres/audit-owner.sql");
    let detail = serde_json::json!({ "upto": cut.seq, "lines": gone });
    record(conn, scope, clock, &Source::house("worker"), Event { action: "audit.forget", outcome: "cut", detail, ..Event::default() })
        .await?;
    Ok(gone)
}

/// The last of the first lines of the chain that are all older than that, and fit.
async fn over(conn: &mut PgConnection, scope: &Scope, clock: &Clock, kept: Duration) -> Result<Option<Head>> {
    let mut last = checkpoint::newest(&mut *conn, scope, checkpoint::Kind::Cut)
        .await?
        .map_or(Head { seq: 0, hash: [0; 32] }, |cut| Head { seq: cut.seq, hash: cut.hash });
    let until = clock.now() - kept;
    let begin = last.seq;
    // Mostly the very first is young.
    let first = places(&mut *conn, scope, begin, 1).await?.pop();
    if first.is_none_or(|(.., line)| line.is_some_and(|line| line.at().is_some_and(|at| at >= until))) {
        return Ok(None);
    }
    for (seq, event, hash, line) in places(&mut *conn, scope, begin, MOST).await? {
        match line {
            Some(line) if line.at().is_some_and(|at| at >= until) => break,
            Some(line) if seq == last.seq + 1 && line.hash(&last.hash, seq) == hash => last = Head { seq, hash },
            _ => bail!(
                "the audit trail of tenant {} does not hold at line {seq}, {event}: nothing is let go. See sspr audit verify",
                scope.id()
            ),
        }
    }
    Ok((last.seq > begin).then_some(last))
}

/// A place: number, line, hash, and the line itself if it is there.
pub(super) type Place = (i64, Uuid, stored::Hash, Option<Stored>);

/// The places behind `after`, in order, with the lines that stand there.
pub(super) async fn places(conn: &mut PgConnection, scope: &Scope, after: i64, most: i64) -> Result<Vec<Place>> {
    let rows = sqlx::query!(
        "select seq, event_id, hash from audit_chain where tenant_id = $1 and seq > $2 order by seq limit $3",
        scope.id(),
        after,
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    let events: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let mut lines: HashMap<Uuid, Stored> = stored::load(conn, scope.id(), &events).await?;
    rows.into_iter().map(|row| Ok((row.seq, row.event_id, chain::hash(row.hash)?, lines.remove(&row.event_id)))).collect()
}
