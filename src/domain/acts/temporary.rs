//! A temporary password on somebody's behalf. It is made in the operator's browser, sealed there to the agents, and must be changed at the
//! next sign-in: no server of ours has it, and the operator knows it for as long as it takes to read it out.
//!
//! The ticket is good in the operator's session in which it was given, for this person, and nowhere else.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Lines, Source},
        fleet::{self, Readiness, Recipient},
        freezes, policies,
        queue::{self, Posted, Submission, Submitted, Target},
        resets::{self, KEY_GRACE, SubmitRefused},
        tenants::{self, Scope},
        users,
    },
    wire::{
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

/// What came of asking for a ticket.
#[derive(Debug)]
pub enum Offered {
    Permit(Box<Ticket>, Vec<Recipient>),
    /// Gone, disabled or protected.
    NotServed,
    Frozen,
    NotReady(Readiness),
}

/// For whom, and in which session of an operator's.
#[derive(Debug, Clone, Copy)]
pub struct Behalf {
    pub session: Uuid,
    pub user: Uuid,
    /// Another operator has allowed it.
    pub allowed: bool,
}

impl Behalf {
    /// The thread of all that this operator does for this person while they are signed in, where a journey's id stands otherwise. Nobody
    /// else comes to the same one: it is a keyed hash.
    fn thread(self, scope: &Scope) -> Result<Uuid> {
        let hash = scope.key().hash(b"on behalf", &[*self.session.as_bytes(), *self.user.as_bytes()].concat());
        Ok(Uuid::from_slice(&hash[..16])?)
    }
}

/// Whether this door is open for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    No,
    Yes,
    /// To two operators together.
    Privileged,
}

/// It opens with no proof of theirs, so it is no wider than the others: not for whom no policy serves; and nobody opens it alone for
/// privileged people, whom the help desk cannot let in either.
pub async fn takes(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Taking> {
    let holding = policies::holding(&mut *conn, scope, user).await?.filter(|holding| holding.serves);
    let Some(holding) = holding else { return Ok(Taking::No) };
    let serving = tenants::is_serving(conn, scope).await?;
    Ok(match holding.privileged {
        _ if !serving => Taking::No,
        true => Taking::Privileged,
        false => Taking::Yes,
    })
}

async fn is_open(conn: &mut PgConnection, scope: &Scope, behalf: Behalf) -> Result<bool> {
    Ok(match takes(conn, scope, behalf.user).await? {
        Taking::No => false,
        Taking::Yes => true,
        Taking::Privileged => behalf.allowed,
    })
}

/// A ticket for a temporary password, and whom to seal for. Older tickets of that person are superseded.
pub async fn offer(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, behalf: Behalf) -> Result<Offered> {
    let Some(user) = users::get(&mut *conn, scope, behalf.user).await? else { return Ok(Offered::NotServed) };
    if !is_open(&mut *conn, scope, behalf).await? {
        return Ok(Offered::NotServed);
    }
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    if freezes::is_frozen(&mut *conn, scope, user.user_id).await? {
        return Ok(Offered::Frozen);
    }
    let recipients = match fleet::recipients(&mut *conn, scope, clock, user.connector_id).await? {
        Ok(recipients) => recipients,
        Err(why) => return Ok(Offered::NotReady(why)),
    };
    let thread = behalf.thread(scope)?;
    let target = Target { connector_id: user.connector_id, user_id: user.user_id, object_guid: user.object_guid, flow_id: thread };
    let ticket = queue::offer(&mut *conn, scope, clock, Kind::Temporary, &target).await?;
    let detail = serde_json::json!({ "kind": Kind::Temporary, "seq": ticket.seq });
    let event =
        Event { action: "reset.ticket", outcome: "given", user: Some(user.user_id), flow: Some(thread), job: Some(ticket.job), detail };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Offered::Permit(Box::new(ticket), recipients))
}

/// What the operator's browser has sealed.
pub struct Sealed<'a> {
    pub behalf: Behalf,
    pub job: Uuid,
    pub envelopes: &'a [Envelope],
}

/// Take it. Answers the connector whose agents have something to do now, and an older job that gave way. `Ok` is also the answer to the very
/// same sent again.
pub async fn submit(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    sealed: Sealed<'_>,
) -> Result<Result<(Uuid, Option<Uuid>), SubmitRefused>> {
    let Sealed { behalf, job, envelopes } = sealed;
    // Everything that may have changed since the ticket is asked again.
    let Some(user) = users::get(&mut *conn, scope, behalf.user).await? else { return Ok(Err(SubmitRefused::NotServed)) };
    if !is_open(&mut *conn, scope, behalf).await? {
        return Ok(Err(SubmitRefused::NotServed));
    }
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    if freezes::is_frozen(&mut *conn, scope, user.user_id).await? {
        return Ok(Err(SubmitRefused::Frozen));
    }
    if fleet::readiness(&mut *conn, scope, clock, Some(user.connector_id)).await? == Readiness::WritebackOff {
        return Ok(Err(SubmitRefused::WritebackOff));
    }
    let keys: Vec<&str> = envelopes.iter().map(|envelope| envelope.key.as_str()).collect();
    let owners = fleet::owners(&mut *conn, scope, user.connector_id, &keys, clock.now() - KEY_GRACE).await?;
    let mut sealed = BTreeMap::new();
    for envelope in envelopes {
        let owner = owners.get(&envelope.key).filter(|_| envelope.is_well_formed());
        if owner.is_none_or(|owner| sealed.insert(*owner, envelope.clone()).is_some()) {
            return Ok(Err(SubmitRefused::Envelope));
        }
    }
    if sealed.is_empty() {
        return Ok(Err(SubmitRefused::Envelope));
    }
    let thread = behalf.thread(scope)?;
    let submission = Submission { scope, job_id: job, flow_id: thread, kind: Kind::Temporary, envelopes: sealed, origin: None, to: None };
    let posted = Posted::new(submission)?;
    let line = |action, outcome, flow, job| Event {
        action,
        outcome,
        user: Some(user.user_id),
        flow: Some(flow),
        job: Some(job),
        ..Event::default()
    };
    let lines = Lines::new(clock, vec![(scope, source, line("reset.submit", "accepted", thread, job))]);
    let submitted = queue::submit_closely(&mut *conn, clock, &[&posted], &lines).await?.pop();
    let refused = match submitted {
        Some(Submitted::Accepted { superseded, .. }) => {
            if let Some(older) = superseded {
                let event = line("reset.superseded", "superseded", older.flow_id, older.job_id);
                audit::record(&mut *conn, scope, clock, source, event).await?;
                resets::superseded(conn, scope, clock, source, older.job_id).await?;
            }
            return Ok(Ok((user.connector_id, superseded.map(|older| older.job_id))));
        }
        Some(Submitted::Again) => return Ok(Ok((user.connector_id, None))),
        Some(Submitted::Expired) => SubmitRefused::Expired,
        Some(Submitted::Superseded) => SubmitRefused::Superseded,
        Some(Submitted::Busy) => SubmitRefused::Busy,
        Some(Submitted::NoTicket) | None => SubmitRefused::NoTicket,
    };
    let detail = serde_json::json!({ "why": refused.to_string() });
    audit::record(conn, scope, clock, source, Event { detail, ..line("reset.submit", "refused", thread, job) }).await?;
    Ok(Err(refused))
}
