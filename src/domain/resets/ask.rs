//! Jobs that need no sealed password: how does the account stand, and unlock it.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Flow, Purpose, Step, Way, flow, linked, ticket, turns};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        fleet::{self, Readiness},
        queue::{self, Asked, State, Target},
        tenants::{Scope, Tenant},
        users::{self, User},
    },
    wire::ticket::Kind,
};

/// Ask the directory how the account of a flow stands that has just been verified. Answers the connector whose agents have something
/// to do now; `None`: nobody is there to ask.
pub(super) async fn look(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Option<Uuid>> {
    let Some(user) = users::get(&mut *conn, scope, flow.user_id.unwrap_or_default()).await? else { return Ok(None) };
    if flow.frozen {
        return Ok(None);
    }
    if fleet::readiness(&mut *conn, scope, clock, Some(user.connector_id)).await? != Readiness::Ready {
        return Ok(None);
    }
    let asked = queue::ask(&mut *conn, scope, clock, Kind::Inspect, &target(&user, flow), source.address).await?;
    let Asked::Queued { job_id, .. } = asked else { return Ok(None) };
    sqlx::query!(
        "update flows set look_id = $3 where tenant_id = $1 and flow_id = $2 and state = 'verified'",
        scope.id(),
        flow.flow_id,
        job_id,
    )
    .execute(&mut *conn)
    .await?;
    let event = Event {
        action: "reset.look",
        outcome: "asked",
        user: Some(user.user_id),
        flow: Some(flow.flow_id),
        job: Some(job_id),
        ..Event::default()
    };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Some(user.connector_id))
}

/// After an ending that another attempt may mend: back to where it began, and the account is looked at anew, for it may not be as it
/// was. Answers as [`look`] does.
pub async fn look_again(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Option<Uuid>> {
    if !turns::again(&mut *conn, scope, flow).await? {
        return Ok(None);
    }
    if flow.purpose == Purpose::SignIn {
        return Ok(None);
    }
    look(conn, scope, clock, source, flow).await
}

/// What came of wanting to unlock. But for `Asked` the caller rolls back.
#[derive(Debug)]
pub enum Unlocking {
    /// The connector whose agents have something to do now, and an older job that gave way.
    Asked {
        connector: Uuid,
        superseded: Option<Uuid>,
    },
    /// The flow is not where this is offered.
    NotNow,
    /// An agent is working on another job of this person.
    Busy,
    NotServed,
    NotReady(Readiness),
}

/// Unlock the account and leave its password as it is.
pub async fn unlock(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, flow: &Flow) -> Result<Unlocking> {
    let scope = &tenant.scope;
    let offered = |flow: &Flow| flow.step() == Step::Need && matches!(flow.way, Way::Either | Way::UnlockOnly(_));
    let Some(user) = ticket::served(&mut *conn, tenant, clock, flow).await? else {
        return Ok(if offered(flow) { Unlocking::NotServed } else { Unlocking::NotNow });
    };
    // The head before the flow, as with a ticket.
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    let Some(flow) = &flow::lock(&mut *conn, scope, clock, flow).await?.filter(offered) else { return Ok(Unlocking::NotNow) };
    let ready = fleet::readiness(&mut *conn, scope, clock, Some(user.connector_id)).await?;
    if ready != Readiness::Ready {
        return Ok(Unlocking::NotReady(ready));
    }
    let asked = queue::ask(&mut *conn, scope, clock, Kind::Unlock, &target(&user, flow), source.address).await?;
    let Asked::Queued { job_id, superseded } = asked else { return Ok(Unlocking::Busy) };
    sqlx::query!(
        "update flows set job_id = $3 where tenant_id = $1 and flow_id = $2 and state = 'verified'",
        scope.id(),
        flow.flow_id,
        job_id,
    )
    .execute(&mut *conn)
    .await?;
    let line = |action, outcome, flow, job| Event {
        action,
        outcome,
        user: Some(user.user_id),
        flow: Some(flow),
        job: Some(job),
        detail: serde_json::json!({ "kind": Kind::Unlock }),
    };
    let mut lines = vec![(scope, source, line("reset.unlock", "accepted", flow.flow_id, job_id))];
    if let Some(older) = superseded {
        lines.push((scope, source, line("reset.superseded", "superseded", older.flow_id, older.job_id)));
    }
    audit::record_all(&mut *conn, clock, lines).await?;
    if let Some(older) = superseded {
        linked::after(conn, clock, &[(scope, source, older.job_id, State::Superseded)]).await?;
    }
    Ok(Unlocking::Asked { connector: user.connector_id, superseded: superseded.map(|older| older.job_id) })
}

const fn target(user: &User, flow: &Flow) -> Target {
    Target { connector_id: user.connector_id, user_id: user.user_id, object_guid: user.object_guid, flow_id: flow.flow_id }
}
