//! Sealing keys: published by agents, handed to browsers.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::Serialize;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Agent, Readiness, SILENT_AFTER};
use crate::{
    base::clock::Clock,
    domain::tenants::Scope,
    wire::{
        b64,
        keys::{Signed, Statement},
    },
};

/// Keep a key that its agent signed. Answers why not, when the statement is not this agent's, is not for now, or repeats an epoch with
/// another key or a key with another statement.
pub async fn publish(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, key: &Signed) -> Result<Option<&'static str>> {
    let statement = &key.statement;
    if let Some(why) = misfit(agent, clock, key) {
        return Ok(Some(why));
    }
    let (key_id, not_before, not_after) = parts(statement).context("a statement that was found good")?;
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
    let is_kept = kept.as_ref() == Some(&key.signature);
    Ok((!is_kept).then_some("another key has this epoch, or this key another statement"))
}

/// Key id, begin and end.
fn parts(statement: &Statement) -> Option<(String, OffsetDateTime, OffsetDateTime)> {
    let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
    Some((statement.key_id()?, time(statement.not_before)?, time(statement.not_after)?))
}

/// Whether it is this agent's own key for about now, in its own words.
pub(super) fn fits(agent: &Agent, clock: &Clock, key: &Signed) -> bool {
    misfit(agent, clock, key).is_none()
}

/// Why it is not.
fn misfit(agent: &Agent, clock: &Clock, key: &Signed) -> Option<&'static str> {
    let (statement, now) = (&key.statement, clock.now());
    let Some((_, not_before, not_after)) = parts(statement).filter(|_| statement.is_well_formed()) else {
        return Some("suite, key, epoch or times of the statement are not as they must be");
    };
    let rules = [
        (key.is_signed_by(&agent.identity), "the signature is not by this agent's identity over this statement"),
        // What a browser can hold in a number, or it would refuse every key of the list.
        (statement.epoch < 1 << 53, "the epoch is too large"),
        (statement.agent == agent.agent_id, "it is of another agent"),
        (statement.connector == agent.connector_id, "it is for another connector"),
        (not_after > now, "it has ended"),
        (not_before < now + Duration::minutes(5), "it begins too late"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, why)| why)
}

pub(super) fn is_valid_now(clock: &Clock, key: &Signed) -> bool {
    (key.statement.not_before..key.statement.not_after).contains(&clock.seconds())
}

/// Whether somebody could seal to the agent now.
pub(super) async fn has_valid(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from sealing_keys where tenant_id = $1 and agent_id = $2 and not_before <= $3 and not_after > $3) as "found!""#,
        scope.id(),
        agent.agent_id,
        clock.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Whether `keys`, which [`fits`] found good, say of known keys what was said before, and bring no other key under a known epoch.
pub(super) async fn agree(conn: &mut PgConnection, agent: &Agent, keys: &[Signed]) -> Result<bool> {
    let ids = keys.iter().filter_map(|key| key.statement.key_id()).collect::<Vec<_>>();
    let known = sqlx::query!(
        "select key_id, agent_id, epoch, statement from sealing_keys where key_id = any($1) or agent_id = $2",
        &ids,
        agent.agent_id,
    )
    .fetch_all(conn)
    .await?;
    let mut said = known
        .into_iter()
        .map(|row| Ok((row.agent_id, row.key_id, row.epoch, serde_json::from_value(row.statement)?)))
        .collect::<Result<Vec<(Uuid, String, i64, Statement)>>>()?;
    for (key, id) in keys.iter().zip(ids) {
        let contradicts = said.iter().any(|(of, known, epoch, statement)| {
            if *known == id { *statement != key.statement } else { *of == agent.agent_id && *epoch == key.statement.epoch }
        });
        if contradicts {
            return Ok(false);
        }
        said.push((agent.agent_id, id, key.statement.epoch, key.statement.clone()));
    }
    Ok(true)
}

/// Make `keys`, which [`agree`] with what is known, all that anybody seals to: known ones are signed anew, others are new or go.
pub(super) async fn carry_over(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, keys: &[Signed]) -> Result<()> {
    let ids = keys.iter().filter_map(|key| key.statement.key_id()).collect::<Vec<_>>();
    // What ended stays: a job that was sealed at its last moment may still be on its way.
    sqlx::query!(
        "delete from sealing_keys where tenant_id = $1 and agent_id = $2 and not_after > $4 and key_id <> all($3)",
        scope.id(),
        agent.agent_id,
        &ids,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    for key in keys {
        let (key_id, not_before, not_after) = parts(&key.statement).context("a statement that was found good")?;
        sqlx::query!(
            "insert into sealing_keys (key_id, tenant_id, agent_id, epoch, statement, signature, not_before, not_after)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (key_id) do update set signature = excluded.signature",
            key_id,
            scope.id(),
            agent.agent_id,
            key.statement.epoch,
            serde_json::to_value(&key.statement)?,
            key.signature,
            not_before,
            not_after,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
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

/// The newest valid key of each active agent of the connector that was heard of lately; or why nobody can be sealed for.
pub async fn recipients(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    connector: Uuid,
) -> Result<std::result::Result<Vec<Recipient>, Readiness>> {
    let found = patient_recipients(conn, scope, clock, connector).await?;
    Ok(found.and_then(|(recipients, reachable)| if reachable { Ok(recipients) } else { Err(Readiness::DirectoryDown) }))
}

/// The same for what may wait until the directory is back; with whether one of them reaches it at this moment.
pub async fn patient_recipients(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    connector: Uuid,
) -> Result<std::result::Result<(Vec<Recipient>, bool), Readiness>> {
    let now = clock.now();
    let rows = sqlx::query!(
        r#"select c.writeback, exists (select 1 from agents a where a.connector_id = c.connector_id and a.status = 'active'
                   and a.last_seen_at > $3 and (a.health -> 'directory' ->> 'reachable')::boolean) as "reachable!",
               r.identity as "identity?", r.key_id as "key_id?", r.statement as "statement?", r.signature as "signature?"
           from connectors c left join lateral (
               select distinct on (a.agent_id) a.identity, k.key_id, k.statement, k.signature
               from agents a join sealing_keys k using (tenant_id, agent_id)
               where a.tenant_id = $1 and a.connector_id = $2 and a.status = 'active' and a.last_seen_at > $3
                   and k.not_before <= $4 and k.not_after > $4
               order by a.agent_id, k.epoch desc) r on true
           where c.tenant_id = $1 and c.connector_id = $2"#,
        scope.id(),
        connector,
        now - SILENT_AFTER,
        now,
    )
    .fetch_all(conn)
    .await?;
    if !rows.first().is_some_and(|row| row.writeback) {
        return Ok(Err(Readiness::WritebackOff));
    }
    let reachable = rows.iter().any(|row| row.reachable);
    let recipients = rows.into_iter().filter_map(|row| Some((row.identity?, row.key_id?, row.statement?, row.signature?)));
    let recipients = recipients
        .map(|(identity, key_id, statement, signature)| {
            Ok(Recipient { identity: b64(&identity), statement: serde_json::from_value(statement)?, signature, key_id })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(if recipients.is_empty() { Err(Readiness::NoAgent) } else { Ok((recipients, reachable)) })
}

/// Which active agents of the connector hold these keys, of those that had not ended before `ended`.
pub async fn owners(
    conn: &mut PgConnection,
    scope: &Scope,
    connector: Uuid,
    keys: &[&str],
    ended: OffsetDateTime,
) -> Result<HashMap<String, Uuid>> {
    let rows = sqlx::query!(
        "select k.key_id, k.agent_id from sealing_keys k join agents a using (tenant_id, agent_id)
         where a.tenant_id = $1 and a.connector_id = $2 and a.status = 'active' and k.key_id = any($3) and k.not_after > $4",
        scope.id(),
        connector,
        keys as &[&str],
        ended,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key_id, row.agent_id)).collect())
}
