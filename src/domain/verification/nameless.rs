//! The challenge for a passkey of somebody who has given no name: there is no flow yet, so it is bound to a cookie of its own, which no
//! other browser has, and used up by the first answer, right or wrong.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use zeroize::Zeroizing;

use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
};

/// Long enough to find the security key.
const LIFETIME: Duration = Duration::minutes(5);

fn place(browser: &[u8]) -> Vec<u8> {
    [b"nameless_challenges.state ".as_slice(), browser].concat()
}

/// Keep what the answer is checked by. Answers the browser's cookie, and for how many seconds it is good.
pub async fn keep_nameless(conn: &mut PgConnection, scope: &Scope, clock: &Clock, state: &[u8]) -> Result<(String, i64)> {
    let cookie = id::token();
    let browser = id::sha256(cookie.as_bytes());
    sqlx::query!(
        "insert into nameless_challenges (token_hash, tenant_id, state, expires_at) values ($1, $2, $3, $4)",
        &browser[..],
        scope.id(),
        scope.key().encrypt(&place(&browser), state),
        clock.now() + LIFETIME,
    )
    .execute(conn)
    .await?;
    Ok((cookie, LIFETIME.whole_seconds()))
}

/// Use it up. `None`: there is none, or no more.
pub async fn take_nameless(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let browser = id::sha256(cookie.as_bytes());
    let state = sqlx::query_scalar!(
        "delete from nameless_challenges where tenant_id = $1 and token_hash = $2 and expires_at > $3 returning state",
        scope.id(),
        &browser[..],
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    state.map(|state| scope.key().decrypt(&place(&browser), &state)).transpose()
}

/// Forget what nobody answered.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    Ok(sqlx::query!("delete from nameless_challenges where expires_at < $1", clock.now()).execute(conn).await?.rows_affected())
}
