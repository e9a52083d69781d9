//! How an agent becomes trusted: a one-time token, then an administrator who compares the fingerprint.

use anyhow::Result;
use sqlx::PgConnection;
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
    wire::keys::fingerprint,
};

const TOKEN_LIFETIME: Duration = Duration::minutes(15);

/// A one-time token (256 bit) for a new agent of `connector`; only its hash is kept.
pub async fn new_token(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, connector: Uuid) -> Result<String> {
    let token = format!("sspr_enrol_{}", id::token());
    sqlx::query!(
        "insert into enrolments (token_hash, tenant_id, connector_id, expires_at) values ($1, $2, $3, $4)",
        id::sha256(token.as_bytes()),
        scope.id(),
        connector,
        clock.now() + TOKEN_LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "connector": connector });
    audit::record(conn, scope, clock, source, Event { action: "agent.token", outcome: "made", detail, ..Event::default() }).await?;
    Ok(token)
}

pub struct Enrolment<'a> {
    pub token: &'a str,
    pub name: &'a str,
    /// Ed25519 public key whose possession the request proved.
    pub identity: &'a [u8],
    pub version: &'a str,
}

pub struct Enrolled {
    pub agent: Uuid,
    pub tenant: Uuid,
    pub connector: Uuid,
}

#[derive(Debug, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("the token is unknown, used or expired")]
    Token,
    #[error("this identity key is enrolled already")]
    KnownKey,
}

/// Use the token up and write the agent down as pending. Of several uses at once exactly one wins: the update is the test.
pub async fn enrol(conn: &mut PgConnection, clock: &Clock, new: Enrolment<'_>) -> Result<Result<Enrolled, Refused>> {
    let (agent, now, hash) = (id::time_ordered(clock), clock.now(), id::sha256(new.token.as_bytes()));
    let row = sqlx::query!(
        "update enrolments set used_at = $2, agent_id = $3 where token_hash = $1 and used_at is null and expires_at > $2
         returning tenant_id, connector_id",
        hash,
        now,
        agent,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(again(conn, now, &hash, new.identity).await?.ok_or(Refused::Token)) };
    let name: String = new.name.chars().filter(|c| !c.is_control()).take(100).collect();
    let done = sqlx::query!(
        "insert into agents (agent_id, tenant_id, connector_id, name, identity, status, version, enrolled_at)
         select $1, $2, $3, coalesce(nullif($4, ''), 'agent'), $5, 'pending', left($6, 50), $7
         where not exists (select from former_identities where identity = $5)
         on conflict (identity) do nothing",
        agent,
        row.tenant_id,
        row.connector_id,
        name,
        new.identity,
        new.version,
        now,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Err(Refused::KnownKey));
    }
    Ok(Ok(Enrolled { agent, tenant: row.tenant_id, connector: row.connector_id }))
}

/// The same token with the same key: the first answer was lost, and this is it again.
async fn again(conn: &mut PgConnection, now: OffsetDateTime, hash: &[u8], identity: &[u8]) -> Result<Option<Enrolled>> {
    let row = sqlx::query!(
        "select a.agent_id, a.tenant_id, a.connector_id from enrolments e join agents a on a.agent_id = e.agent_id
         where e.token_hash = $1 and e.expires_at > $2 and a.identity = $3 and a.status = 'pending'",
        hash,
        now,
        identity,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Enrolled { agent: row.agent_id, tenant: row.tenant_id, connector: row.connector_id }))
}

/// Whether this is its fingerprint, however it was typed.
pub fn fits(agent: &super::Agent, shown: &str) -> bool {
    let plain = |text: &str| text.to_ascii_uppercase().replace([' ', '-'], "");
    plain(&fingerprint(&agent.identity)) == plain(shown)
}

/// Let a pending agent serve. `shown` is what the administrator read on the agent's own screen. False when it does not fit.
pub async fn confirm(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, agent: Uuid, shown: &str) -> Result<bool> {
    let found = super::agent(&mut *conn, agent).await?.filter(|found| found.tenant_id == scope.id());
    let done = found.is_some_and(|found| fits(&found, shown))
        && sqlx::query!(
            "update agents set status = 'active', confirmed_at = $3 where tenant_id = $1 and agent_id = $2 and status = 'pending'",
            scope.id(),
            agent,
            clock.now(),
        )
        .execute(&mut *conn)
        .await?
        .rows_affected()
            == 1;
    let outcome = if done { "confirmed" } else { "refused" };
    let detail = serde_json::json!({ "agent": agent });
    audit::record(conn, scope, clock, source, Event { action: "agent.confirm", outcome, detail, ..Event::default() }).await?;
    Ok(done)
}

/// Never trust this agent again. Its next request is refused, whatever token it holds.
pub async fn revoke(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, agent: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "update agents set status = 'revoked', revoked_at = $3 where tenant_id = $1 and agent_id = $2 and status <> 'revoked'",
        scope.id(),
        agent,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?
    .rows_affected()
        == 1;
    let outcome = if done { "revoked" } else { "refused" };
    let detail = serde_json::json!({ "agent": agent });
    audit::record(conn, scope, clock, source, Event { action: "agent.revoke", outcome, detail, ..Event::default() }).await?;
    Ok(done)
}
