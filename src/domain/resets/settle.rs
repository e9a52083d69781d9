//! What follows from an agent's result or from a deadline: the audit line and, when a password was set, a notice to every address
//! on file. In the transaction of the result, so that neither can be without the other.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        fleet::Agent,
        notifications::{self, Channel, Content, Message},
        queue::{self, Settled, State, Swept},
        tenants::{Scope, Tenant},
        users,
    },
    wire::{
        message::{JobResult, LeasedJob},
        outcome::Code,
    },
};

/// Notices are worth sending for a day.
const NOTICE_LIFETIME: Duration = Duration::days(1);

/// Hand jobs out, each with its audit line.
pub async fn lease(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    agent: &Agent,
    most: i64,
) -> Result<Vec<LeasedJob>> {
    let jobs = queue::lease(&mut *conn, scope, clock, agent, most).await?;
    for job in &jobs {
        let detail = serde_json::json!({ "lease": job.lease, "attempt": job.attempt });
        let event = Event { action: "reset.lease", outcome: "leased", job: Some(job.ticket.job), detail, ..Event::default() };
        audit::record(&mut *conn, scope, clock, source, event).await?;
    }
    Ok(jobs)
}

/// Take a result that `agent` signed.
pub async fn settle(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    agent: &Agent,
    result: &JobResult,
    signed: &str,
) -> Result<Settled> {
    let scope = &tenant.scope;
    let settled = queue::settle(&mut *conn, scope, clock, agent, result, signed).await?;
    let (outcome, user, flow) = match &settled {
        Settled::Again => return Ok(settled),
        Settled::Contradicts(_) => ("refused", None, None),
        Settled::HandedOver { user_id, flow_id } => ("handed_over", Some(*user_id), Some(*flow_id)),
        Settled::Recorded { user_id, flow_id, state, .. } => (state.as_str(), Some(*user_id), Some(*flow_id)),
    };
    let detail = serde_json::json!({
        "code": result.code, "dc": result.dc, "seq": result.seq, "result": signed,
        "why": match &settled { Settled::Contradicts(why) => Some(*why), _ => None },
    });
    let event = Event { action: "reset.result", outcome, user, flow, job: Some(result.job), detail };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    if let (Settled::Recorded { user_id, .. }, Code::Applied) = (&settled, result.code) {
        notify(conn, tenant, clock, *user_id, result.job).await?;
    }
    Ok(settled)
}

async fn notify(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, user_id: Uuid, job: Uuid) -> Result<()> {
    let from = audit::address_of(&mut *conn, &tenant.scope, job).await?.map(coarse).unwrap_or_default();
    let Some(user) = users::get(&mut *conn, &tenant.scope, user_id).await? else { return Ok(()) };
    let language = user.language.as_deref().unwrap_or(tenant.language.tag());
    let mail = user.mail.as_ref().map(|mail| (Channel::Email, mail.as_str()));
    let mobile = user.mobile.as_ref().map(|mobile| (Channel::Sms, mobile.as_str()));
    for (channel, to) in mail.into_iter().chain(mobile) {
        let content = Content::Changed { at: clock.seconds(), from: from.clone() };
        let message = Message { to: to.to_owned(), name: user.display_name.clone(), language: language.to_owned(), content };
        notifications::enqueue(&mut *conn, &tenant.scope, clock, channel, &message, None, NOTICE_LIFETIME).await?;
    }
    Ok(())
}

/// Enough to recognise one's own network, too little to follow anybody: /24 and /48.
fn coarse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{}.{}.{}.*", v4.octets()[0], v4.octets()[1], v4.octets()[2]),
        IpAddr::V6(v6) => format!("{:x}:{:x}:{:x}:*", v6.segments()[0], v6.segments()[1], v6.segments()[2]),
    }
}

/// Write down a job that its deadline ended.
pub async fn swept(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, job: &Swept) -> Result<()> {
    let outcome = if job.state == State::Expired { "expired" } else { "unknown" };
    let event = Event {
        action: "reset.deadline",
        outcome,
        user: Some(job.user_id),
        flow: Some(job.flow_id),
        job: Some(job.job_id),
        ..Event::default()
    };
    audit::record(conn, &tenant.scope, clock, &Source::house("worker"), event).await
}
