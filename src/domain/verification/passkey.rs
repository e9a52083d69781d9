//! The challenge that a passkey must sign: kept with the flow, and used up by the first answer, right or wrong.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{LIFETIME, Method};
use crate::{base::clock::Clock, domain::tenants::Scope};

fn place(flow: Uuid) -> Vec<u8> {
    [b"challenges.state ".as_slice(), flow.as_bytes()].concat()
}

/// Keep what a new challenge's answer is checked by; an older one is worth nothing from now on.
pub async fn keep_challenge(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid, state: &[u8]) -> Result<()> {
    let now = clock.now();
    sqlx::query!(
        "insert into challenges (flow_id, method, tenant_id, state, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (flow_id, method) do update set state = excluded.state, created_at = excluded.created_at,
             expires_at = excluded.expires_at, used_at = null",
        flow,
        Method::Passkey.as_str(),
        scope.id(),
        scope.key().encrypt(&place(flow), state),
        now,
        now + LIFETIME,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Use it up. `None`: there is none, or no more.
pub async fn take_challenge(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let state = sqlx::query_scalar!(
        r#"update challenges set used_at = $4
           where tenant_id = $1 and flow_id = $2 and method = $3 and used_at is null and expires_at > $4 returning state as "state!""#,
        scope.id(),
        flow,
        Method::Passkey.as_str(),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    state.map(|state| scope.key().decrypt(&place(flow), &state)).transpose()
}
