//! What must be kept while somebody registers something: by the session that began it, for ten minutes, encrypted.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Kind;
use crate::{base::clock::Clock, domain::tenants::Scope};

/// From the beginning until the browser's answer.
const LIFETIME: Duration = Duration::minutes(10);

/// Who registers something, signed in as themself.
#[derive(Debug, Clone, Copy)]
pub struct Registrar {
    pub user: Uuid,
    pub session: Uuid,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    Added(Uuid),
    /// The code does not fit, or the passkey's answer.
    Wrong,
    /// It was not begun here, or too long ago.
    Over,
    /// It is registered already, perhaps with somebody else.
    Taken,
    /// There are as many of its kind as one person may have.
    Full,
}

fn place(registrar: Registrar, kind: Kind) -> Vec<u8> {
    [b"registrations.state ".as_slice(), registrar.session.as_bytes(), kind.as_str().as_bytes()].concat()
}

/// An older one of the same session and kind is worth nothing from now on.
pub(super) async fn keep(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    registrar: Registrar,
    kind: Kind,
    state: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into registrations (session_id, kind, tenant_id, user_id, state, expires_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (session_id, kind) do update set tenant_id = excluded.tenant_id, user_id = excluded.user_id, state = excluded.state,
             expires_at = excluded.expires_at",
        registrar.session,
        kind.as_str(),
        scope.id(),
        registrar.user,
        scope.key().encrypt(&place(registrar, kind), state),
        clock.now() + LIFETIME,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn kept(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    registrar: Registrar,
    kind: Kind,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let state = sqlx::query_scalar!(
        "select state from registrations where tenant_id = $1 and session_id = $2 and kind = $3 and user_id = $4 and expires_at > $5
         for update",
        scope.id(),
        registrar.session,
        kind.as_str(),
        registrar.user,
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    state.map(|state| scope.key().decrypt(&place(registrar, kind), &state)).transpose()
}

/// It is used up.
pub(super) async fn drop(conn: &mut PgConnection, scope: &Scope, registrar: Registrar, kind: Kind) -> Result<()> {
    sqlx::query!(
        "delete from registrations where tenant_id = $1 and session_id = $2 and kind = $3",
        scope.id(),
        registrar.session,
        kind.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forget what nobody finished.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from registrations where expires_at < $1", clock.now()).execute(conn).await?;
    Ok(done.rows_affected())
}
