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
        queue::{self, Settled, State, Swept, Told},
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

/// The audit line of a lease: whose it was must be known for as long as its holder may still speak of it.
pub(super) fn leased(job: &LeasedJob) -> Event {
    let detail = serde_json::json!({ "lease": job.lease, "attempt": job.attempt });
    Event { action: "reset.lease", outcome: "leased", job: Some(job.ticket.job), detail, ..Event::default() }
}

/// Who asks for jobs, and for how many.
pub struct Ask<'a> {
    pub scope: &'a Scope,
    pub source: &'a Source,
    pub agent: &'a Agent,
    pub most: u16,
}

/// Hand jobs out, each with its audit line; one answer each, in order.
pub async fn lease(conn: &mut PgConnection, clock: &Clock, asks: &[Ask<'_>]) -> Result<Vec<Vec<LeasedJob>>> {
    let plain: Vec<_> = asks.iter().map(|ask| queue::Ask { agent: ask.agent, most: ask.most }).collect();
    let given = queue::lease(&mut *conn, clock, &plain).await?;
    let lines = asks.iter().zip(&given).flat_map(|(ask, jobs)| jobs.iter().map(|job| (ask.scope, ask.source, leased(job)))).collect();
    audit::record_all(conn, clock, lines).await?;
    Ok(given)
}

/// The agent that a job was born leased to went away before it got it. False when somebody has it after all.
pub async fn put_back(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: Uuid, job: &LeasedJob) -> Result<bool> {
    if !queue::put_back(&mut *conn, job.ticket.job, job.lease).await? {
        return Ok(false);
    }
    let event = Event { outcome: "not_delivered", ..leased(job) };
    audit::record(conn, scope, clock, &Source::agent(agent), event).await?;
    Ok(true)
}

/// Take the jobs of an agent that is trusted no more from it, in the transaction that says so. Answers which.
pub async fn withdraw(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, agent: Uuid) -> Result<Vec<Uuid>> {
    let jobs = queue::withdraw(&mut *conn, clock, agent).await?;
    let detail = serde_json::json!({ "agent": agent });
    let event =
        |job: &Uuid| Event { action: "reset.lease", outcome: "withdrawn", job: Some(*job), detail: detail.clone(), ..Event::default() };
    audit::record_all(conn, clock, jobs.iter().map(|job| (scope, source, event(job))).collect()).await?;
    Ok(jobs)
}

/// What an agent tells about a job; the signature was verified with its own key.
pub struct Report<'a> {
    pub tenant: &'a Tenant,
    pub source: &'a Source,
    pub agent: &'a Agent,
    pub result: &'a JobResult,
    pub signed: &'a str,
}

/// Take results, one answer each, in order; no job may be named twice.
pub async fn settle(conn: &mut PgConnection, clock: &Clock, reports: &[Report<'_>]) -> Result<Vec<Settled>> {
    let told: Vec<_> = reports
        .iter()
        .map(|report| Told { scope: &report.tenant.scope, agent: report.agent, result: report.result, signed: report.signed })
        .collect();
    let settled = queue::settle(&mut *conn, clock, &told).await?;
    let (mut lines, mut applied) = (Vec::new(), Vec::new());
    for (report, settled) in reports.iter().zip(&settled) {
        let (outcome, user, flow) = match settled {
            Settled::Again => continue,
            Settled::Contradicts(_) => ("refused", None, None),
            Settled::HandedOver { user_id, flow_id } => ("handed_over", Some(*user_id), Some(*flow_id)),
            Settled::Recorded { user_id, flow_id, state, .. } => (state.as_str(), Some(*user_id), Some(*flow_id)),
        };
        let result = report.result;
        let detail = serde_json::json!({
            "code": result.code, "dc": result.dc, "seq": result.seq, "result": report.signed,
            "why": match settled { Settled::Contradicts(why) => Some(*why), _ => None },
        });
        let event = Event { action: "reset.result", outcome, user, flow, job: Some(result.job), detail };
        lines.push((&report.tenant.scope, report.source, event));
        if let (Settled::Recorded { user_id, origin, .. }, Code::Applied) = (settled, result.code) {
            applied.push((report.tenant, *user_id, origin.map(coarse).unwrap_or_default()));
        }
    }
    audit::record_all(&mut *conn, clock, lines).await?;
    notify(conn, clock, applied).await?;
    Ok(settled)
}

/// A notice to every address on file.
async fn notify(conn: &mut PgConnection, clock: &Clock, applied: Vec<(&Tenant, Uuid, String)>) -> Result<()> {
    if applied.is_empty() {
        return Ok(());
    }
    let people: Vec<_> = applied.iter().map(|(tenant, user, _)| (&tenant.scope, *user)).collect();
    let mut found = users::get_all(&mut *conn, &people).await?;
    let mut messages = Vec::new();
    for (tenant, user, from) in applied {
        let Some(user) = found.remove(&user) else { continue };
        let language = user.language.as_deref().unwrap_or(tenant.language.tag());
        let mail = user.mail.as_ref().map(|mail| (Channel::Email, mail.as_str()));
        let mobile = user.mobile.as_ref().map(|mobile| (Channel::Sms, mobile.as_str()));
        for (channel, to) in mail.into_iter().chain(mobile) {
            let content = Content::Changed { at: clock.seconds(), from: from.clone() };
            let message = Message { to: to.to_owned(), name: user.display_name.clone(), language: language.to_owned(), content };
            messages.push((&tenant.scope, channel, message));
        }
    }
    notifications::enqueue_all(conn, clock, &messages, NOTICE_LIFETIME).await
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
