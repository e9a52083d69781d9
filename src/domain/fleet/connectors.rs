//! Connectors as administrators see them, and what of a connector is optional: off until somebody switches it on.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::SILENT_AFTER;
use crate::{
    base::{clock::Clock, config::DirectoryKind},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// What an administrator may switch on for one directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Jobs may change the directory at all.
    Writeback,
    /// People may unlock their account and keep their password.
    Unlock,
}

/// One directory of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    pub connector_id: Uuid,
    /// For people.
    pub name: String,
    /// Family of the directory.
    pub kind: String,
    pub writeback: bool,
    pub unlock: bool,
    /// Its accounts follow those of the tenant's other directories, by what they have in common.
    pub linked: Option<String>,
    /// Active agents that were heard of lately.
    pub agents: i64,
    /// Those of them that reach their directory.
    pub reaching: i64,
}

impl Connector {
    /// What people may call one: neither empty nor longer than 100 characters.
    pub fn is_name(text: &str) -> bool {
        (1..=100).contains(&text.trim().chars().count()) && !text.contains(char::is_control)
    }
}

/// A new connector, by somebody's act; what is optional is off. `name` is one by [`Connector::is_name`].
pub async fn add_connector(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    name: &str,
    kind: DirectoryKind,
) -> Result<Uuid> {
    let connector = super::create_connector_of(&mut *conn, scope, clock, name.trim(), kind).await?;
    let detail = serde_json::json!({ "connector": connector, "kind": kind.as_str() });
    audit::record(conn, scope, clock, source, Event { action: "connector.add", outcome: "added", detail, ..Event::default() }).await?;
    Ok(connector)
}

/// Call it otherwise; `name` is one by [`Connector::is_name`]. False: the tenant has no such connector.
pub async fn rename(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, connector: Uuid, name: &str) -> Result<bool> {
    let before = sqlx::query_scalar!(
        "update connectors c set name = $3 from connectors before
         where c.tenant_id = $1 and c.connector_id = $2 and before.connector_id = c.connector_id returning before.name",
        scope.id(),
        connector,
        name.trim(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = before else { return Ok(false) };
    if before != name.trim() {
        let detail = serde_json::json!({ "connector": connector, "before": before, "after": name.trim() });
        audit::record(conn, scope, clock, source, Event { action: "connector.name", outcome: "changed", detail, ..Event::default() })
            .await?;
    }
    Ok(true)
}

/// Whether there is one whose accounts follow no others: without it there would be nobody to follow.
pub fn one_goes_first(connectors: &[Connector]) -> bool {
    connectors.iter().any(|connector| connector.linked.is_none())
}

/// Switch a feature, and write down who did. `None`: the tenant has no such connector; false: it was so already.
pub async fn switch(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    connector: Uuid,
    (feature, on): (Feature, bool),
) -> Result<Option<bool>> {
    let (is_writeback, is_unlock) = (feature == Feature::Writeback, feature == Feature::Unlock);
    let before = sqlx::query_scalar!(
        r#"update connectors c set writeback = case when $3 then $5 else c.writeback end, unlock = case when $4 then $5 else c.unlock end
           from connectors before
           where c.tenant_id = $1 and c.connector_id = $2 and before.connector_id = c.connector_id
           returning case when $3 then before.writeback else before.unlock end as "before!""#,
        scope.id(),
        connector,
        is_writeback,
        is_unlock,
        on,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = before else { return Ok(None) };
    if before != on {
        let action = match feature {
            Feature::Writeback => "connector.writeback",
            Feature::Unlock => "connector.unlock",
        };
        let (outcome, detail) = (if on { "on" } else { "off" }, serde_json::json!({ "connector": connector }));
        audit::record(conn, scope, clock, source, Event { action, outcome, detail, ..Event::default() }).await?;
    }
    Ok(Some(before != on))
}

/// The agents of one connector, of the first kind all, of each other those of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crew {
    /// Enrolled and not revoked.
    pub enrolled: i64,
    /// An administrator has confirmed them.
    pub active: i64,
    /// They were heard of lately.
    pub live: i64,
    /// They have a sealing key that is valid now.
    pub keyed: i64,
}

/// What there is of agents.
pub async fn crew(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid) -> Result<Crew> {
    let now = clock.now();
    Ok(sqlx::query_as!(
        Crew,
        r#"select count(*) as "enrolled!", count(*) filter (where a.status = 'active') as "active!",
               count(*) filter (where a.status = 'active' and a.last_seen_at > $3) as "live!",
               count(*) filter (where a.status = 'active' and a.last_seen_at > $3 and exists (select from sealing_keys k
                   where k.tenant_id = a.tenant_id and k.agent_id = a.agent_id and k.not_before <= $4 and k.not_after > $4)) as "keyed!"
           from agents a where a.tenant_id = $1 and a.connector_id = $2 and a.status <> 'revoked'"#,
        scope.id(),
        connector,
        now - SILENT_AFTER,
        now,
    )
    .fetch_one(conn)
    .await?)
}

/// The tenant's connectors, oldest first.
pub async fn connectors(conn: &mut PgConnection, scope: &Scope, clock: &Clock) -> Result<Vec<Connector>> {
    let found = sqlx::query_as!(
        Connector,
        r#"select c.connector_id, c.name, c.kind, c.writeback, c.unlock, case when c.linked then c.link_by end as linked,
               (select count(*) from agents a where a.connector_id = c.connector_id and a.status = 'active' and a.last_seen_at > $2)
                   as "agents!",
               (select count(*) from agents a where a.connector_id = c.connector_id and a.status = 'active' and a.last_seen_at > $2
                   and (a.health -> 'directory' ->> 'reachable')::boolean) as "reaching!"
           from connectors c where c.tenant_id = $1 order by c.connector_id"#,
        scope.id(),
        clock.now() - SILENT_AFTER,
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// Let the accounts of this directory follow those of the tenant's others; `None`: no more. What they have in common is the name of a
/// `users::LinkBy`. False when the tenant has no such connector.
pub async fn link(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    connector: Uuid,
    by: Option<&str>,
) -> Result<bool> {
    let done = sqlx::query!(
        "update connectors set linked = $3::text is not null, link_by = coalesce($3, link_by) where tenant_id = $1 and connector_id = $2",
        scope.id(),
        connector,
        by,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let (outcome, detail) = (if by.is_some() { "on" } else { "off" }, serde_json::json!({ "connector": connector, "by": by }));
    audit::record(conn, scope, clock, source, Event { action: "connector.link", outcome, detail, ..Event::default() }).await?;
    Ok(true)
}
