//! From a verified flow to a job: the ticket, and the sealed password that answers it. Everything that may have changed since the
//! proof is asked again at both.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use thiserror::Error;
use uuid::Uuid;

use super::{Flow, Step, flow};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        fleet::{self, Readiness, Recipient},
        queue::{self, Submission, Submitted, Target},
        tenants::Tenant,
        users::{self, User},
    },
    wire::{
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

/// A ticket and whom to seal for.
#[derive(Debug)]
pub struct Permit {
    pub ticket: Ticket,
    /// One for each agent that could do it.
    pub recipients: Vec<Recipient>,
}

/// What came of asking for a ticket.
#[derive(Debug)]
pub enum Offered {
    Permit(Box<Permit>),
    /// The flow is not at the password page.
    NotNow,
    NotReady(Readiness),
    /// The person may no longer be served.
    NotServed,
}

/// A ticket for the flow's person. Older tickets of that person are superseded.
pub async fn offer(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, flow: &Flow) -> Result<Offered> {
    let scope = &tenant.scope;
    let Some(flow) = &flow::lock(&mut *conn, scope, flow).await?.filter(|flow| flow.step() == Step::Password) else {
        return Ok(Offered::NotNow);
    };
    let Some(user) = served(&mut *conn, tenant, flow).await? else { return Ok(Offered::NotServed) };
    let ready = fleet::readiness(&mut *conn, scope, clock, Some(user.connector_id)).await?;
    if ready != Readiness::Ready {
        return Ok(Offered::NotReady(ready));
    }
    let recipients = fleet::recipients(&mut *conn, scope, clock, user.connector_id).await?;
    let target = Target { connector_id: user.connector_id, user_id: user.user_id, object_guid: user.object_guid, flow_id: flow.flow_id };
    let ticket = queue::offer(&mut *conn, scope, clock, Kind::Reset, &target).await?;
    sqlx::query!(
        "update flows set job_id = $3 where tenant_id = $1 and flow_id = $2 and state = 'verified'",
        scope.id(),
        flow.flow_id,
        ticket.job,
    )
    .execute(&mut *conn)
    .await?;
    let event = Event {
        action: "reset.ticket",
        outcome: "given",
        user: Some(user.user_id),
        flow: Some(flow.flow_id),
        job: Some(ticket.job),
        detail: serde_json::json!({ "seq": ticket.seq, "recipients": recipients.len() }),
    };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Offered::Permit(Box::new(Permit { ticket, recipients })))
}

/// Why a sealed job was not taken; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitRefused {
    #[error("this flow has no such ticket")]
    NoTicket,
    #[error("an envelope is malformed or for a key that was not offered")]
    Envelope,
    #[error("the ticket's time is over")]
    Expired,
    #[error("a newer ticket was given")]
    Superseded,
    #[error("an older job of this person is being applied")]
    Busy,
    #[error("this person may no longer be served")]
    NotServed,
    #[error("writeback of the connector was switched off")]
    WritebackOff,
}

/// Whom to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    pub connector: Uuid,
    /// An older job that gave way: somebody may be watching it.
    pub superseded: Option<Uuid>,
}

/// Take the sealed job. `Ok` is also the answer to the very same job sent again.
pub async fn submit(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    job_id: Uuid,
    envelopes: Vec<Envelope>,
) -> Result<Result<Accepted, SubmitRefused>> {
    let scope = &tenant.scope;
    let is_its = |flow: &Flow| flow.verified && flow.job.as_ref().map(|job| job.job_id) == Some(job_id);
    let Some(flow) = &flow::lock(&mut *conn, scope, flow).await?.filter(is_its) else { return Ok(Err(SubmitRefused::NoTicket)) };
    let Some(user) = served(&mut *conn, tenant, flow).await? else { return Ok(Err(SubmitRefused::NotServed)) };
    if !fleet::has_writeback(&mut *conn, scope, user.connector_id).await? {
        return Ok(Err(SubmitRefused::WritebackOff));
    }
    // The keys as they were when the ticket was given: one that was rotated since still opens.
    let keys: Vec<String> = envelopes.iter().map(|envelope| envelope.key.clone()).collect();
    let agents = fleet::owners(&mut *conn, scope, clock, user.connector_id, &keys).await?;
    let mut by_agent = BTreeMap::new();
    for envelope in envelopes {
        let Some(&agent) = agents.get(&envelope.key).filter(|_| envelope.is_well_formed()) else { return Ok(Err(SubmitRefused::Envelope)) };
        if by_agent.insert(agent, envelope).is_some() {
            return Ok(Err(SubmitRefused::Envelope));
        }
    }
    if by_agent.is_empty() {
        return Ok(Err(SubmitRefused::Envelope));
    }
    let submission = Submission { job_id, flow_id: flow.flow_id, envelopes: by_agent };
    let mut superseded = None;
    let refused = match queue::submit(&mut *conn, scope, clock, &submission).await? {
        Submitted::Again => return Ok(Ok(Accepted { connector: user.connector_id, superseded: None })),
        Submitted::Accepted { superseded: older } => {
            superseded = older;
            None
        }
        Submitted::NoTicket => Some(SubmitRefused::NoTicket),
        Submitted::Expired => Some(SubmitRefused::Expired),
        Submitted::Superseded => Some(SubmitRefused::Superseded),
        Submitted::Busy => Some(SubmitRefused::Busy),
    };
    let event = Event {
        action: "reset.submit",
        outcome: if refused.is_none() { "accepted" } else { "refused" },
        user: Some(user.user_id),
        flow: Some(flow.flow_id),
        job: Some(job_id),
        detail: refused.map_or_else(|| serde_json::json!({}), |why| serde_json::json!({ "why": why.to_string() })),
    };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    if let Some(older) = superseded {
        let event = Event {
            action: "reset.superseded",
            outcome: "superseded",
            user: Some(user.user_id),
            flow: Some(older.flow_id),
            job: Some(older.job_id),
            ..Event::default()
        };
        audit::record(conn, scope, clock, source, event).await?;
    }
    let accepted = Accepted { connector: user.connector_id, superseded: superseded.map(|older| older.job_id) };
    Ok(refused.map_or(Ok(accepted), Err))
}

/// The flow's person, if self-service is on and may still serve them.
async fn served(conn: &mut PgConnection, tenant: &Tenant, flow: &Flow) -> Result<Option<User>> {
    match flow.user_id {
        Some(user) if tenant.self_service => users::get(conn, &tenant.scope, user).await,
        _ => Ok(None),
    }
}
