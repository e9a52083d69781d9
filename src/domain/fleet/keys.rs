//! Sealing keys: published by agents, handed to browsers.

use anyhow::Result;
use serde::Serialize;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Agent, SILENT_AFTER};
use crate::{
    base::clock::Clock,
    domain::tenants::Scope,
    wire::{
        b64,
        keys::{Signed, Statement},
    },
};

/// Keep a key that its agent signed. False when the statement is not this agent's, is not for now, or repeats an epoch with
/// another key or a key with another statement.
pub async fn publish(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, key: &Signed) -> Result<bool> {
    let statement = &key.statement;
    let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
    let (Some(key_id), Some(not_before), Some(not_after)) = (statement.key_id(), time(statement.not_before), time(statement.not_after))
    else {
        return Ok(false);
    };
    let fits = key.is_signed_by(&agent.identity)
        // What a browser can hold in a number, or it would refuse every key of the list.
        && statement.epoch < 1 << 53
        && statement.agent == agent.agent_id
        && statement.connector == agent.connector_id
        && not_after > clock.now()
        && not_before < clock.now() + Duration::minutes(5);
    if !fits {
        return Ok(false);
    }
    sqlx::query!(
        "insert into sealing_keys (key_id, tenant_id, agent_id, epoch, statement, signature, not_before, not_after)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        key_id,
        scope.id(),
        agent.agent_id,
        statement.epoch,
        serde_json::to_value(statement)?,
        key.signature,
        not_before,
        not_after,
    )
    .execute(&mut *conn)
    .await?;
    // Published again after a lost answer is fine; another key under the same epoch, or the same under another statement, is not:
    // what was first said of it would go on counting.
    let kept = sqlx::query_scalar!("select signature from sealing_keys where key_id = $1 and agent_id = $2", key_id, agent.agent_id)
        .fetch_optional(conn)
        .await?;
    Ok(kept.as_ref() == Some(&key.signature))
}

/// One agent to seal for, with all that the browser needs to check the key.
#[derive(Debug, Clone, Serialize)]
pub struct Recipient {
    /// base64url Ed25519 public key of the agent.
    pub identity: String,
    /// What the agent signed.
    pub statement: Statement,
    /// base64url Ed25519 by `identity` over the statement's canonical form.
    pub signature: String,
    /// base64url SHA-256 of the public key: names the envelope that is for this recipient.
    #[serde(skip)]
    pub key_id: String,
}

/// The newest valid key of each active agent of the connector that was heard of lately.
pub async fn recipients(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid) -> Result<Vec<Recipient>> {
    let now = clock.now();
    let rows = sqlx::query!(
        "select distinct on (a.agent_id) a.identity, k.key_id, k.statement, k.signature
         from agents a join sealing_keys k using (tenant_id, agent_id)
         where a.tenant_id = $1 and a.connector_id = $2 and a.status = 'active' and a.last_seen_at > $3
             and k.not_before <= $4 and k.not_after > $4
         order by a.agent_id, k.epoch desc",
        scope.id(),
        connector,
        now - SILENT_AFTER,
        now,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Recipient {
                identity: b64(&row.identity),
                statement: serde_json::from_value(row.statement)?,
                signature: row.signature,
                key_id: row.key_id,
            })
        })
        .collect()
}
