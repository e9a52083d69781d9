//! Browsers that were sent to the provider. What must come back with the browser (state), what the token must bear (nonce), what the code
//! is worth nothing without (PKCE) and where one wanted to go stay here, bound to a cookie of that browser, for ten minutes and once.

use anyhow::Result;
use secrecy::SecretString;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
};

pub const LIFETIME: Duration = Duration::minutes(10);

/// What the browser takes along: the cookie to come back with, the rest in the address of the provider.
pub struct Begun {
    pub cookie: String,
    pub state: String,
    pub nonce: String,
    /// base64url SHA-256 of the verifier, which stays (RFC 7636).
    pub challenge: String,
}

/// One that has come back.
pub struct Attempt {
    /// SHA-256.
    pub nonce: Vec<u8>,
    pub verifier: SecretString,
    pub provider_version: i32,
    /// Of whoever shows it once more.
    pub session: Option<Uuid>,
    pub back_to: String,
    pub begun_at: OffsetDateTime,
}

fn place(attempt: Uuid) -> Vec<u8> {
    [b"sso_attempts.verifier ".as_slice(), attempt.as_bytes()].concat()
}

pub async fn begin(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    provider_version: i32,
    (session, back_to): (Option<Uuid>, &str),
) -> Result<Begun> {
    let (attempt, cookie, state, nonce, verifier) = (id::time_ordered(clock), id::token(), id::token(), id::token(), id::token());
    let now = clock.now();
    sqlx::query!(
        "insert into sso_attempts (attempt_id, tenant_id, cookie_hash, state_hash, nonce_hash, verifier, provider_version, session_id, back_to,
             begun_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        attempt,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        id::sha256(state.as_bytes()),
        id::sha256(nonce.as_bytes()),
        scope.key().encrypt(&place(attempt), verifier.as_bytes()),
        provider_version,
        session,
        back_to,
        now,
        now + LIFETIME,
    )
    .execute(conn)
    .await?;
    let challenge = data_encoding::BASE64URL_NOPAD.encode(&id::sha256(verifier.as_bytes()));
    Ok(Begun { cookie, state, nonce, challenge })
}

/// The one of this browser and this state, which is used up by that. The caller commits before it goes on.
pub async fn take(conn: &mut PgConnection, scope: &Scope, clock: &Clock, (cookie, state): (&str, &str)) -> Result<Option<Attempt>> {
    let row = sqlx::query!(
        "delete from sso_attempts where tenant_id = $1 and cookie_hash = $2 and state_hash = $3 and expires_at > $4
         returning attempt_id, nonce_hash, verifier, provider_version, session_id, back_to, begun_at",
        scope.id(),
        id::sha256(cookie.as_bytes()),
        id::sha256(state.as_bytes()),
        clock.now(),
    );
    let Some(row) = row.fetch_optional(conn).await? else { return Ok(None) };
    Ok(Some(Attempt {
        nonce: row.nonce_hash,
        verifier: scope.key().decrypt_text(&place(row.attempt_id), &row.verifier)?.as_str().into(),
        provider_version: row.provider_version,
        session: row.session_id,
        back_to: row.back_to,
        begun_at: row.begun_at,
    }))
}

/// Nobody of the tenant's is on the way any more.
pub(super) async fn forget(conn: &mut PgConnection, scope: &Scope) -> Result<()> {
    sqlx::query!("delete from sso_attempts where tenant_id = $1", scope.id()).execute(conn).await?;
    Ok(())
}

/// Forget those who never came back.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    Ok(sqlx::query!("delete from sso_attempts where expires_at <= $1", clock.now()).execute(conn).await?.rows_affected())
}
