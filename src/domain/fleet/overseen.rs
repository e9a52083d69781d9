//! Agents as whoever looks after them sees them: what each last said of itself, and what is wrong with it.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Agent, SILENT_AFTER, Status};
use crate::{
    base::clock::Clock,
    domain::tenants::Scope,
    wire::{
        checkup::{Checkup, Severity},
        message::Heartbeat,
    },
};

/// A clock further off than this is told of: DPoP proofs and tickets bear times.
const CLOCK_OFF: i64 = 60;
/// Not so long ago that a new agent could not have said anything yet.
const JUST_NOW: Duration = Duration::minutes(2);
/// Agents look every hour.
const LOOKED: Duration = Duration::hours(2);

/// An agent with all that is known of it.
pub struct Overseen {
    pub agent: Agent,
    /// As it last said.
    pub version: String,
    pub enrolled_at: OffsetDateTime,
    pub confirmed_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    /// When its identity was seen in two processes at once, until somebody has looked into it.
    pub cloned_at: Option<OffsetDateTime>,
    /// Since when somebody waits for it to replace its identity.
    pub rotate_at: Option<OffsetDateTime>,
    /// From where it last spoke.
    pub address: Option<IpAddr>,
    /// Its last heartbeat; `None` before the first, and where it cannot be read.
    pub beat: Option<Heartbeat>,
    /// Epoch and end of the newest sealing key that is good now.
    pub key: Option<(i64, OffsetDateTime)>,
}

/// What is wrong with an active agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Two processes use its identity.
    Cloned,
    /// Not heard of lately.
    Silent,
    /// It does not reach its directory.
    Unreachable,
    /// It has published no sealing key that is good now, so nobody can seal for it.
    NoKey,
    Clock,
    /// It holds removals back until somebody accepts them on-premises.
    Removals,
    /// Its own checks found a problem in the directory.
    Checkup,
}

impl Overseen {
    /// The worst first; none of one that is not active.
    pub fn troubles(&self, now: OffsetDateTime) -> Vec<Trouble> {
        if self.agent.status != Status::Active {
            return Vec::new();
        }
        let silent = self.agent.last_seen_at.is_none_or(|at| at <= now - SILENT_AFTER);
        let new = self.agent.last_seen_at.is_none() && self.confirmed_at.is_some_and(|at| at > now - JUST_NOW);
        let mut found = Vec::new();
        let mut say = |trouble, is: bool| found.extend(is.then_some(trouble));
        say(Trouble::Cloned, self.cloned_at.is_some());
        say(Trouble::Silent, silent && !new);
        say(Trouble::Unreachable, !silent && self.beat.as_ref().is_some_and(|beat| !beat.directory.reachable));
        say(Trouble::NoKey, !silent && self.key.is_none());
        say(Trouble::Clock, self.clock_ahead().is_some_and(|ahead| ahead.abs() > CLOCK_OFF));
        say(Trouble::Removals, self.beat.as_ref().is_some_and(|beat| beat.removals_held.is_some()));
        say(Trouble::Checkup, self.checkup(now).is_some_and(|checkup| checkup.worst() == Severity::Problem));
        found
    }

    /// What its own checks found, if that still says something: it speaks, sees its directory, and has looked lately.
    pub fn checkup(&self, now: OffsetDateTime) -> Option<&Checkup> {
        let (beat, seen) = (self.beat.as_ref()?, self.agent.last_seen_at?);
        let checkup = beat.checkup.as_ref().filter(|_| beat.directory.reachable && seen > now - SILENT_AFTER)?;
        (checkup.at > (now - LOOKED).unix_timestamp()).then_some(checkup)
    }

    /// Whether jobs come to their end with it, whatever else is wrong.
    pub fn serves(&self, now: OffsetDateTime) -> bool {
        let stops = |trouble: &Trouble| matches!(trouble, Trouble::Silent | Trouble::Unreachable | Trouble::NoKey);
        self.agent.status == Status::Active && !self.troubles(now).iter().any(stops)
    }

    /// By how many seconds its own clock was ahead of ours at its last heartbeat.
    pub fn clock_ahead(&self) -> Option<i64> {
        Some(self.beat.as_ref()?.clock.saturating_sub(self.agent.last_seen_at?.unix_timestamp()))
    }

    /// Milliseconds that the domain controller in use last took to answer.
    pub fn latency(&self) -> Option<u32> {
        let directory = &self.beat.as_ref()?.directory;
        directory.servers.iter().find(|server| server.name == directory.dc).and_then(|server| server.latency_ms)
    }
}

/// The tenant's agents, or that one of them: by connector, the revoked ones last.
pub async fn overseen(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: Option<Uuid>) -> Result<Vec<Overseen>> {
    let rows = sqlx::query!(
        r#"select a.agent_id, a.tenant_id, a.connector_id, a.name, a.identity, a.status, a.last_seen_at, a.version, a.enrolled_at, a.confirmed_at,
               a.revoked_at, a.cloned_at, a.rotate_at, host(a.address) as address, a.health, k.epoch as "epoch?", k.not_after as "not_after?"
           from agents a left join lateral (select epoch, not_after from sealing_keys k
               where k.tenant_id = a.tenant_id and k.agent_id = a.agent_id and k.not_before <= $3 and k.not_after > $3
               order by epoch desc limit 1) k on true
           where a.tenant_id = $1 and ($2::uuid is null or a.agent_id = $2)
           order by a.connector_id, a.status = 'revoked', a.agent_id"#,
        scope.id(),
        agent,
        clock.now(),
    )
    .fetch_all(conn)
    .await?;
    let overseen = rows.into_iter().map(|row| Overseen {
        agent: Agent {
            agent_id: row.agent_id,
            tenant_id: row.tenant_id,
            connector_id: row.connector_id,
            name: row.name,
            identity: row.identity,
            status: Status::parse(&row.status),
            last_seen_at: row.last_seen_at,
        },
        version: row.version,
        enrolled_at: row.enrolled_at,
        confirmed_at: row.confirmed_at,
        revoked_at: row.revoked_at,
        cloned_at: row.cloned_at,
        rotate_at: row.rotate_at,
        address: row.address.and_then(|address| address.parse().ok()),
        beat: row.health.and_then(|beat| serde_json::from_value(beat).ok()),
        key: row.epoch.zip(row.not_after),
    });
    Ok(overseen.collect())
}
