//! What an agent says of itself, and whether it is one agent that says it.
//!
//! A process names itself by a random id that dies with it. A restart brings a new id and ends the old one. An id that was ended and
//! speaks again is a second process with the same keys: somebody copied the state directory.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{Agent, canary};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
    wire::message::Heartbeat,
};

/// The last word of a process that ended may be overtaken by the first of its successor.
const OVERTAKEN: Duration = Duration::seconds(5);
/// A process silent for so long is forgotten.
const REMEMBERED: Duration = Duration::days(30);

/// What a heartbeat gave away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Two processes use the same identity. Told once, until [`acknowledge`].
    Cloned,
    /// It comes from another network address than the last one.
    Moved,
}

/// What a heartbeat is answered from.
#[derive(Debug)]
pub struct Beaten {
    /// Of the connector.
    pub writeback: bool,
    pub unlock: bool,
    /// Another identity is to take this one's place.
    pub rotate: bool,
    pub alarms: Vec<Alarm>,
}

/// Write it down. Answers what is switched on, and what is to be noticed.
pub async fn heartbeat(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    agent: &Agent,
    beat: &Heartbeat,
) -> Result<Beaten> {
    let mut kept = beat.clone();
    kept.checkup = kept.checkup.map(|checkup| checkup.tidied(clock.seconds()));
    let before = sqlx::query!(
        r#"update agents a set last_seen_at = $3, health = $4, version = left($5, 50), instance = coalesce(a.instance, $6),
               address = coalesce(a.address, $7::text::inet)
           from connectors c
           where a.tenant_id = $1 and a.agent_id = $2 and c.tenant_id = a.tenant_id and c.connector_id = a.connector_id
           returning c.writeback, c.unlock, a.rotate_at is not null as "rotate!", a.instance, host(a.address) as address"#,
        scope.id(),
        agent.agent_id,
        clock.now(),
        serde_json::to_value(kept)?,
        beat.version,
        beat.instance,
        source.address.map(|address| address.to_string()),
    )
    .fetch_one(&mut *conn)
    .await?;
    canary::keep(&mut *conn, scope, clock, agent, &beat.canary).await?;
    let mut alarms = Vec::new();
    if let Some(instance) = beat.instance.filter(|instance| before.instance != Some(*instance))
        && speaks_again(&mut *conn, scope, clock, agent, instance).await?
        && mark(&mut *conn, scope, clock, agent).await?
    {
        let detail = serde_json::json!({ "agent": agent.agent_id, "instance": instance, "and": before.instance });
        let event = Event { action: "agent.clone", outcome: "seen", detail, ..Event::default() };
        audit::record(&mut *conn, scope, clock, source, event).await?;
        alarms.push(Alarm::Cloned);
    }
    let known = before.address.and_then(|address| address.parse::<IpAddr>().ok());
    if let Some(address) = source.address.filter(|address| known != Some(*address)) {
        sqlx::query!(
            "update agents set address = $3::text::inet where tenant_id = $1 and agent_id = $2",
            scope.id(),
            agent.agent_id,
            address.to_string(),
        )
        .execute(&mut *conn)
        .await?;
        // The new address stands in the line's own column.
        let detail = serde_json::json!({ "agent": agent.agent_id });
        let event = Event { action: "agent.address", outcome: "changed", detail, ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
        alarms.push(Alarm::Moved);
    }
    Ok(Beaten { writeback: before.writeback, unlock: before.unlock, rotate: before.rotate, alarms })
}

/// Another process than the current one speaks: true if it is one that had been replaced, else it replaces the current one.
async fn speaks_again(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, instance: Uuid) -> Result<bool> {
    let now = clock.now();
    let replaced = sqlx::query_scalar!(
        "select replaced_at from agent_instances where tenant_id = $1 and agent_id = $2 and instance = $3",
        scope.id(),
        agent.agent_id,
        instance,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(replaced) = replaced {
        return Ok(now > replaced + OVERTAKEN);
    }
    sqlx::query!(
        "with ended as (
             insert into agent_instances (tenant_id, agent_id, instance, replaced_at)
             select tenant_id, agent_id, instance, $4 from agents where tenant_id = $1 and agent_id = $2 and instance is not null
             on conflict do nothing),
         forgotten as (delete from agent_instances where tenant_id = $1 and agent_id = $2 and replaced_at < $5)
         update agents set instance = $3 where tenant_id = $1 and agent_id = $2",
        scope.id(),
        agent.agent_id,
        instance,
        now,
        now - REMEMBERED,
    )
    .execute(conn)
    .await?;
    Ok(false)
}

/// False when it is marked already.
async fn mark(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent) -> Result<bool> {
    let done = sqlx::query!(
        "update agents set cloned_at = $3 where tenant_id = $1 and agent_id = $2 and cloned_at is null",
        scope.id(),
        agent.agent_id,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An administrator has found and ended the copy. False when there was no mark. If both still run, it is marked again at once.
pub async fn acknowledge(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, agent: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "update agents set cloned_at = null where tenant_id = $1 and agent_id = $2 and cloned_at is not null",
        scope.id(),
        agent,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "agent": agent });
    audit::record(conn, scope, clock, source, Event { action: "agent.clone", outcome: "acknowledged", detail, ..Event::default() }).await?;
    Ok(true)
}
