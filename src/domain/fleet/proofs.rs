//! Proofs of possession that were used: none is taken a second time, by whichever node, also after a restart.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::base::{clock::Clock, id};

/// Use up what is named by a key's thumbprint and an id of its own; `until` (seconds since 1970) it could be accepted. False when
/// it was used before. Only for keys that are known: anybody can make proofs.
pub async fn use_once(conn: &mut PgConnection, thumbprint: &str, jti: &str, until: i64) -> Result<bool> {
    let done = sqlx::query!(
        "insert into used_proofs (proof, until) values ($1, $2) on conflict do nothing",
        id::sha256(format!("{thumbprint} {jti}").as_bytes()),
        OffsetDateTime::from_unix_timestamp(until)?,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forget what no clock of ours would accept any more.
pub async fn forget_used(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from used_proofs where until < $1", clock.now() - Duration::minutes(5)).execute(conn).await?;
    Ok(done.rows_affected())
}
