//! An agent replaces its identity key: proven by the old key, signed by the new one, and its sealing keys go with it in the same
//! transaction, so that there is no moment at which nobody could seal to it.

use anyhow::Result;
use sqlx::PgConnection;
use thiserror::Error;
use uuid::Uuid;

use super::{Agent, keys};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
    wire::{
        keys::{IDENTITY_LEN, Succession, fingerprint},
        message::{CARRIED, NewIdentity},
        unb64,
    },
};

/// What came of a good request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    Done,
    /// It counts already: the answer was lost, and who asks again has the new key.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotTaken {
    #[error("the old key was replaced a moment ago")]
    Outdated,
    #[error("the new key is malformed, or did not sign that it takes the place of this agent's old one")]
    Statement,
    #[error("the new key is or was an agent's identity")]
    KnownKey,
    #[error("a sealing key is not signed by the new key, or none that is valid now goes with it")]
    SealingKeys,
}

/// Let `new` take the place of the identity that proved this request. Audited either way.
pub async fn replace_identity(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    agent: &Agent,
    new: &NewIdentity,
) -> Result<Result<Replaced, NotTaken>> {
    let key = unb64(&new.identity).filter(|key| key.len() == IDENTITY_LEN);
    if key.as_ref() == Some(&agent.identity) {
        return Ok(Ok(Replaced::Again));
    }
    let done = match &key {
        Some(key) => replace(&mut *conn, scope, clock, agent, new, key).await?,
        None => Err(NotTaken::Statement),
    };
    let outcome = match done {
        Ok(()) => "replaced",
        Err(NotTaken::Outdated) => "outdated",
        Err(NotTaken::Statement) => "bad_statement",
        Err(NotTaken::KnownKey) => "known_key",
        Err(NotTaken::SealingKeys) => "bad_sealing_keys",
    };
    let detail = serde_json::json!({
        "agent": agent.agent_id,
        "before": fingerprint(&agent.identity),
        "after": key.as_deref().map(fingerprint),
        "sealing_keys": new.keys.len(),
    });
    audit::record(conn, scope, clock, source, Event { action: "agent.identity", outcome, detail, ..Event::default() }).await?;
    Ok(done.map(|()| Replaced::Done))
}

/// Nothing is written unless all of it holds.
async fn replace(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    agent: &Agent,
    new: &NewIdentity,
    key: &[u8],
) -> Result<Result<(), NotTaken>> {
    if !Succession::of(agent.agent_id, &agent.identity, key).is_signed(&new.signature) {
        return Ok(Err(NotTaken::Statement));
    }
    // Of two requests at once the second finds the first's key.
    let held = sqlx::query_scalar!(
        "select identity from agents where tenant_id = $1 and agent_id = $2 and status = 'active' for update",
        scope.id(),
        agent.agent_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if held.as_ref() != Some(&agent.identity) {
        return Ok(Err(NotTaken::Outdated));
    }
    let known = sqlx::query_scalar!(
        r#"select exists (select from agents where identity = $1) or exists (select from former_identities where identity = $1) as "known!""#,
        key,
    )
    .fetch_one(&mut *conn)
    .await?;
    if known {
        return Ok(Err(NotTaken::KnownKey));
    }
    let successor = Agent { identity: key.to_vec(), ..agent.clone() };
    if new.keys.len() > CARRIED || !new.keys.iter().all(|key| keys::fits(&successor, clock, key)) {
        return Ok(Err(NotTaken::SealingKeys));
    }
    let had_one = keys::has_valid(&mut *conn, scope, clock, agent).await?;
    if had_one && !new.keys.iter().any(|key| keys::is_valid_now(clock, key)) {
        return Ok(Err(NotTaken::SealingKeys));
    }
    if !keys::agree(&mut *conn, &successor, &new.keys).await? {
        return Ok(Err(NotTaken::SealingKeys));
    }
    keys::carry_over(&mut *conn, scope, clock, &successor, &new.keys).await?;
    let now = clock.now();
    sqlx::query!(
        "insert into former_identities (identity, tenant_id, agent_id, replaced_at) values ($1, $2, $3, $4)",
        agent.identity,
        scope.id(),
        agent.agent_id,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update agents set identity = $3, rotate_at = null where tenant_id = $1 and agent_id = $2",
        scope.id(),
        agent.agent_id,
        key,
    )
    .execute(conn)
    .await?;
    Ok(Ok(()))
}

/// Have an active agent replace its identity: its next heartbeat is told so, and each until it has. False: no such agent is active, or it
/// is asked for already.
pub async fn rotate(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, agent: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "update agents set rotate_at = $3 where tenant_id = $1 and agent_id = $2 and status = 'active' and rotate_at is null",
        scope.id(),
        agent,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "agent": agent });
    audit::record(conn, scope, clock, source, Event { action: "agent.rotate", outcome: "asked", detail, ..Event::default() }).await?;
    Ok(true)
}
