//! Connectors (one directory each), the agents that serve them, and the agents' keys.

mod canary;
mod connectors;
mod enrolment;
mod heartbeat;
mod identity;
mod keys;
mod overseen;
mod proofs;
mod signing;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::tenants::Scope;
use crate::{
    base::{clock::Clock, config::DirectoryKind, id},
    wire::message::{AuditHead, DirectoryHealth, PasswordPolicy},
};
pub use canary::{Sung, forget_sung, sung};
pub use connectors::{Connector, Crew, Feature, add_connector, connectors, crew, link, one_goes_first, rename, switch};
pub use enrolment::{Enrolled, Enrolment, Refused, confirm, enrol, fits, new_token, revoke};
pub use heartbeat::{Alarm, Beaten, acknowledge, heartbeat};
pub use identity::{NotTaken, Replaced, replace_identity, rotate};
pub use keys::{Recipient, owners, patient_recipients, publish, recipients};
pub use overseen::{Overseen, Trouble, overseen};
pub use proofs::{Proof, Used, forget_used, use_up};
pub use signing::{SigningKey, current_signing_key, signing_key};

/// An agent that was not heard of for so long is not counted on.
pub const SILENT_AFTER: Duration = Duration::seconds(35);

/// A new connector of an Active Directory; what is optional is off.
pub async fn create_connector(conn: &mut PgConnection, scope: &Scope, clock: &Clock, name: &str) -> Result<Uuid> {
    create_connector_of(conn, scope, clock, name, DirectoryKind::Ad).await
}

/// A new connector; what is optional is off.
pub async fn create_connector_of(conn: &mut PgConnection, scope: &Scope, clock: &Clock, name: &str, kind: DirectoryKind) -> Result<Uuid> {
    let connector = id::time_ordered(clock);
    sqlx::query!(
        "insert into connectors (connector_id, tenant_id, name, kind, created_at) values ($1, $2, $3, $4, $5)",
        connector,
        scope.id(),
        name,
        kind.as_str(),
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(connector)
}

/// The tenant a connector belongs to, for the command line.
pub async fn tenant_of(conn: &mut PgConnection, connector: Uuid) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!("select tenant_id from connectors where connector_id = $1", connector).fetch_optional(conn).await?)
}

/// Of an agent; `revoked` is for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for an administrator to compare the fingerprint.
    Pending,
    Active,
    Revoked,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "pending" => Self::Pending,
            _ => Self::Revoked,
        }
    }
}

/// An agent as its row says, of whatever status.
#[derive(Clone)]
pub struct Agent {
    pub agent_id: Uuid,
    pub tenant_id: Uuid,
    pub connector_id: Uuid,
    /// For people; at most 100 characters.
    pub name: String,
    /// Ed25519 public key, 32 bytes.
    pub identity: Vec<u8>,
    pub status: Status,
    /// Last heartbeat; `None` before the first.
    pub last_seen_at: Option<OffsetDateTime>,
}

struct Row {
    agent_id: Uuid,
    tenant_id: Uuid,
    connector_id: Uuid,
    name: String,
    identity: Vec<u8>,
    status: String,
    last_seen_at: Option<OffsetDateTime>,
}

impl From<Row> for Agent {
    fn from(row: Row) -> Self {
        Self {
            agent_id: row.agent_id,
            tenant_id: row.tenant_id,
            connector_id: row.connector_id,
            name: row.name,
            identity: row.identity,
            status: Status::parse(&row.status),
            last_seen_at: row.last_seen_at,
        }
    }
}

impl Agent {
    /// How the audit trail calls it.
    pub fn actor(&self) -> String {
        format!("agent:{}", self.agent_id)
    }
}

/// The agent of that id, of whatever tenant: its signature will say whether it is the one.
pub async fn agent(conn: &mut PgConnection, agent: Uuid) -> Result<Option<Agent>> {
    let row = sqlx::query_as!(
        Row,
        "select agent_id, tenant_id, connector_id, name, identity, status, last_seen_at from agents where agent_id = $1",
        agent,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Agent::from))
}

/// Those of these agents that are not active, or not with this identity.
pub async fn untrusted(conn: &mut PgConnection, agents: &[Uuid], identities: &[Vec<u8>]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"select r.agent_id as "agent_id!" from unnest($1::uuid[], $2::bytea[]) as r (agent_id, identity)
           where not exists (select 1 from agents a where a.agent_id = r.agent_id and a.identity = r.identity and a.status = 'active')"#,
        agents,
        identities,
    )
    .fetch_all(conn)
    .await?)
}

/// An agent as administrators see it.
pub struct Listed {
    pub agent: Agent,
    /// When its identity was seen in two processes at once, until somebody has looked into it.
    pub cloned_at: Option<OffsetDateTime>,
    /// How far its own audit file went at its last heartbeat.
    pub audit: Option<AuditHead>,
    /// People whom it holds back from removal until an administrator on premises accepts it.
    pub removals_held: Option<i32>,
}

/// Every agent, for the command line.
pub async fn agents(conn: &mut PgConnection) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"select agent_id, tenant_id, connector_id, name, identity, status, last_seen_at, cloned_at, health -> 'audit' as audit,
               (health ->> 'removals_held')::int as removals_held
           from agents order by tenant_id, agent_id"#
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        agent: Row {
            agent_id: row.agent_id,
            tenant_id: row.tenant_id,
            connector_id: row.connector_id,
            name: row.name,
            identity: row.identity,
            status: row.status,
            last_seen_at: row.last_seen_at,
        }
        .into(),
        cloned_at: row.cloned_at,
        audit: row.audit.and_then(|head| serde_json::from_value(head).ok()),
        removals_held: row.removals_held,
    });
    Ok(listed.collect())
}

/// Those of these connectors of which an agent says that it does not reach its directory.
pub async fn partly_blind(conn: &mut PgConnection, clock: &Clock, connectors: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select distinct connector_id from agents
         where connector_id = any($1) and status = 'active' and last_seen_at > $2 and not (health -> 'directory' ->> 'reachable')::boolean",
        connectors,
        clock.now() - SILENT_AFTER,
    )
    .fetch_all(conn)
    .await?)
}

/// Whether a reset could work now. What a person is told before any effort is asked of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// No connector, or writeback is off everywhere.
    WritebackOff,
    /// No agent was heard of lately, or none has a sealing key that is valid now.
    NoAgent,
    /// Agents are there, but none reaches its domain controller.
    DirectoryDown,
    Ready,
}

/// Of one connector; or, when it is not yet known whose account it is, the best of those that people are found in, for any of them may be
/// it.
pub async fn readiness(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Option<Uuid>) -> Result<Readiness> {
    let now = clock.now();
    let rows = sqlx::query!(
        r#"select c.writeback,
               exists (select 1 from agents a join sealing_keys k using (tenant_id, agent_id)
                   where a.connector_id = c.connector_id and a.status = 'active' and a.last_seen_at > $3
                       and k.not_before <= $4 and k.not_after > $4) as "agent!",
               exists (select 1 from agents a where a.connector_id = c.connector_id and a.status = 'active' and a.last_seen_at > $3
                   and (a.health -> 'directory' ->> 'reachable')::boolean) as "reachable!"
           from connectors c
           where c.tenant_id = $1 and ($2::uuid is null or c.connector_id = $2)"#,
        scope.id(),
        connector,
        now - SILENT_AFTER,
        now,
    )
    .fetch_all(conn)
    .await?;
    let of = |writeback: bool, agent: bool, reachable: bool| match (writeback, agent, reachable) {
        (false, ..) => Readiness::WritebackOff,
        (true, false, _) => Readiness::NoAgent,
        (true, true, false) => Readiness::DirectoryDown,
        (true, true, true) => Readiness::Ready,
    };
    Ok(rows.iter().map(|row| of(row.writeback, row.agent, row.reachable)).max().unwrap_or(Readiness::WritebackOff))
}

/// The directory's own policy as its agents last told it, and whether history and minimum age hold on resets.
pub async fn policy(conn: &mut PgConnection, scope: &Scope, connector: Uuid) -> Result<Option<(PasswordPolicy, bool)>> {
    let found = sqlx::query_scalar!(
        r#"select health -> 'directory' as "directory" from agents
           where tenant_id = $1 and connector_id = $2 and status = 'active' and health is not null
           order by last_seen_at desc limit 1"#,
        scope.id(),
        connector,
    )
    .fetch_optional(conn)
    .await?
    .flatten();
    let directory = found.and_then(|value| serde_json::from_value::<DirectoryHealth>(value).ok());
    Ok(directory.and_then(|directory| Some((directory.policy?, directory.policy_hints.is_some()))))
}
