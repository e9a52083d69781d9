//! The worker's counting. The last hours are written anew each time: what ends late, and what is reconciled, is in them.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::STEPS;
use crate::{
    base::{clock::Clock, id},
    domain::queue::LIFETIME,
};

/// Hours that are written anew.
const ANEW: Duration = Duration::hours(2);
/// Counts are kept so long.
const KEPT: Duration = Duration::days(400);
/// Anybody's.
const LOCK: i64 = 0x6a6f_6268_6f75_7273;

/// Count the last hours anew. False: another node is at it.
pub async fn count(conn: &mut PgConnection, clock: &Clock) -> Result<bool> {
    let now = clock.now();
    if !sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "free!""#, LOCK).fetch_one(&mut *conn).await? {
        return Ok(false);
    }
    let (from, kept) = (now - ANEW, now - KEPT);
    jobs(&mut *conn, from, kept).await?;
    proofs(&mut *conn, from, kept).await?;
    messages(conn, from, kept).await?;
    Ok(true)
}

async fn jobs(conn: &mut PgConnection, from: OffsetDateTime, kept: OffsetDateTime) -> Result<()> {
    sqlx::query!("delete from job_hours where hour >= date_trunc('hour', $1::timestamptz) or hour < $2", from, kept)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into job_hours (tenant_id, hour, connector_id, kind, state, code, speed, jobs)
         select tenant_id, date_trunc('hour', finished_at), connector_id, kind, state, coalesce(code, ''),
             width_bucket((extract(epoch from finished_at - submitted_at) * 1000)::bigint, $3::bigint[])::smallint, count(*)
         from jobs where job_id >= $1 and submitted_at is not null and finished_at >= date_trunc('hour', $2::timestamptz)
         group by 1, 2, 3, 4, 5, 6, 7",
        id::lowest_at(from - Duration::hours(1) - LIFETIME),
        from,
        &STEPS,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn proofs(conn: &mut PgConnection, from: OffsetDateTime, kept: OffsetDateTime) -> Result<()> {
    sqlx::query!("delete from proof_hours where hour >= date_trunc('hour', $1::timestamptz) or hour < $2", from, kept)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into proof_hours (tenant_id, hour, method, proofs)
         select tenant_id, date_trunc('hour', created_at), method, count(*)
         from (select tenant_id, created_at, unnest(passed) as method from flows
               where flow_id >= $1 and user_id is not null and created_at >= date_trunc('hour', $2::timestamptz)) f
         group by 1, 2, 3",
        id::lowest_at(from - Duration::hours(1)),
        from,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn messages(conn: &mut PgConnection, from: OffsetDateTime, kept: OffsetDateTime) -> Result<()> {
    sqlx::query!("delete from message_hours where hour >= date_trunc('hour', $1::timestamptz) or hour < $2", from, kept)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into message_hours (tenant_id, hour, channel, state, messages, parts)
         select tenant_id, date_trunc('hour', created_at), channel, state, count(*), coalesce(sum(parts), 0) from messages
         where message_id >= $1 and created_at >= date_trunc('hour', $2::timestamptz) and channel in ('email', 'sms') and state in ('sent', 'failed')
         group by 1, 2, 3, 4",
        id::lowest_at(from - Duration::hours(1)),
        from,
    )
    .execute(conn)
    .await?;
    Ok(())
}
