//! Jobs without a secret that an operator wants done: how does the account stand, and unlock it.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        fleet::{self, Readiness},
        freezes,
        queue::{self, Asked, Target},
        tenants::Scope,
        users,
    },
    wire::ticket::Kind,
};

/// What came of wanting it. But for `Asked` the caller rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The connector whose agents have something to do now, the job, and an older one that gave way.
    Asked {
        connector: Uuid,
        job: Uuid,
        superseded: Option<Uuid>,
    },
    /// An agent is working on another job of this account.
    Busy,
    /// Gone, disabled or protected.
    NotServed,
    Frozen,
    NotReady(Readiness),
    /// An administrator has not switched unlocking on for this directory.
    Off,
}

/// Have this looked at or unlocked. Where people may not unlock their account alone, nobody does it for them either.
pub async fn ask(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid, kind: Kind) -> Result<Asking> {
    anyhow::ensure!(matches!(kind, Kind::Inspect | Kind::Unlock), "no such act: {kind}");
    let Some(user) = users::get(&mut *conn, scope, user).await? else { return Ok(Asking::NotServed) };
    if kind.is_effect() {
        if freezes::is_frozen(&mut *conn, scope, user.user_id).await? {
            return Ok(Asking::Frozen);
        }
        let connectors = fleet::connectors(&mut *conn, scope, clock).await?;
        if !connectors.iter().any(|connector| connector.connector_id == user.connector_id && connector.unlock) {
            return Ok(Asking::Off);
        }
    }
    let ready = fleet::readiness(&mut *conn, scope, clock, Some(user.connector_id)).await?;
    if ready != Readiness::Ready {
        return Ok(Asking::NotReady(ready));
    }
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    // No journey's: a thread of its own through the trail.
    let act = id::time_ordered(clock);
    let target = Target { connector_id: user.connector_id, user_id: user.user_id, object_guid: user.object_guid, flow_id: act };
    let Asked::Queued { job_id, superseded } = queue::ask(&mut *conn, scope, clock, kind, &target, None).await? else {
        return Ok(Asking::Busy);
    };
    let (action, outcome) = if kind.is_effect() { ("reset.unlock", "accepted") } else { ("reset.look", "asked") };
    let detail = serde_json::json!({ "kind": kind });
    let event = Event { action, outcome, user: Some(user.user_id), flow: Some(act), job: Some(job_id), detail };
    let mut lines = vec![(scope, source, event)];
    if let Some(older) = superseded {
        let event = Event { action: "reset.superseded", outcome: "superseded", user: Some(user.user_id), ..Event::default() };
        lines.push((scope, source, Event { flow: Some(older.flow_id), job: Some(older.job_id), ..event }));
    }
    audit::record_all(&mut *conn, clock, lines).await?;
    if let Some(older) = superseded {
        crate::domain::resets::superseded(conn, scope, clock, source, older.job_id).await?;
    }
    Ok(Asking::Asked { connector: user.connector_id, job: job_id, superseded: superseded.map(|older| older.job_id) })
}
