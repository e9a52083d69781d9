//! What follows from an agent's result or from a deadline: the audit line and, when a password was set, a notice to every address
//! on file. In the transaction of the result, so that neither can be without the other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{current, linked};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Lines, Source},
        fleet::Agent,
        notices::{Letters, Whom},
        notifications::{Content, Happened},
        queue::{self, LetGo, Settled, State, Swept, Told},
        sessions,
        tenants::{Scope, Tenant},
    },
    wire::{
        message::{JobResult, LeasedJob},
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

/// The audit line of a lease: whose it was must be known for as long as its holder may still speak of it.
pub(super) fn leased(job: Uuid, lease: Uuid, attempt: i16) -> Event {
    let detail = serde_json::json!({ "lease": lease, "attempt": attempt });
    Event { action: "reset.lease", outcome: "leased", job: Some(job), detail, ..Event::default() }
}

fn leased_as(job: &LeasedJob) -> Event {
    leased(job.ticket.job, job.lease, job.attempt)
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
    let lines = asks.iter().zip(&given).flat_map(|(ask, jobs)| jobs.iter().map(|job| (ask.scope, ask.source, leased_as(job)))).collect();
    audit::record_all(conn, clock, lines).await?;
    Ok(given)
}

/// The agent that a job was born leased to went away before it got it. False when somebody has it after all.
pub async fn put_back(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: Uuid, job: &LeasedJob) -> Result<bool> {
    if !queue::put_back(&mut *conn, job.ticket.job, job.lease).await? {
        return Ok(false);
    }
    let event = Event { outcome: "not_delivered", ..leased_as(job) };
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

/// Take results, one answer each, in order, as far as nothing speaks against them: `None` for what [`settle_closely`] must look at. What is
/// written is one statement, good by itself. No job may be named twice.
pub async fn settle(conn: &mut PgConnection, clock: &Clock, reports: &[&Report<'_>]) -> Result<Vec<Option<Settled>>> {
    let ended = queue::settle(&mut *conn, &told(reports)).await?;
    let over =
        record(conn, clock, reports.iter().copied().zip(&ended).filter_map(|(report, ended)| Some((report, ended.as_ref()?)))).await?;
    let answer = |(report, ended): (&&Report<'_>, queue::Ended)| over.contains(&report.result.job).then(|| ended.settled());
    Ok(reports.iter().zip(ended).map(|(report, ended)| answer((report, ended?))).collect())
}

/// The same under lock, in a transaction that is the caller's, for what is not as it mostly is: told again, contradicted, handed over,
/// reconciled.
/// What waited for one of them is let go or given up; answers the jobs that were let go, too.
pub async fn settle_closely(conn: &mut PgConnection, clock: &Clock, reports: &[&Report<'_>]) -> Result<(Vec<Settled>, Vec<LetGo>)> {
    let decided = queue::settle_closely(&mut *conn, clock, &told(reports)).await?;
    let ends: Vec<_> = reports.iter().copied().zip(&decided).filter_map(|(report, (_, ended))| Some((report, ended.as_ref()?))).collect();
    ensure!(record(&mut *conn, clock, ends.iter().copied()).await?.len() == ends.len(), "a locked job was not there any more");
    for (report, end) in &ends {
        if end.kind.has_old() {
            current::tried(&mut *conn, &report.tenant.scope, end.user_id, report.result.code).await?;
        }
        if end.signs_out() {
            sign_out(&mut *conn, clock, report, end).await?;
        }
    }
    let mut lines = Vec::new();
    for (report, (settled, _)) in reports.iter().zip(&decided) {
        let (outcome, user, flow, why) = match settled {
            Settled::Again | Settled::Recorded { .. } => continue,
            Settled::Contradicts(why) => ("refused", None, None, Some(*why)),
            Settled::UnknownJob => ("refused", None, None, Some("unknown job")),
            Settled::HandedOver { user_id, flow_id } => ("handed_over", Some(*user_id), Some(*flow_id), None),
        };
        lines.push((&report.tenant.scope, report.source, line(report, outcome, user, flow, why)));
    }
    audit::record_all(&mut *conn, clock, lines).await?;
    let first: Vec<_> = reports
        .iter()
        .zip(&decided)
        .filter_map(|(report, (_, ended))| ended.as_ref().filter(|ended| ended.leads).map(|ended| (report, ended)))
        .map(|(report, ended)| (&report.tenant.scope, report.source, report.result.job, ended.state))
        .collect();
    let released = if first.is_empty() { Vec::new() } else { linked::after(conn, clock, &first).await? };
    Ok((decided.into_iter().map(|(settled, _)| settled).collect(), released))
}

fn told<'a>(reports: &[&Report<'a>]) -> Vec<Told<'a>> {
    let told =
        |report: &&Report<'a>| Told { scope: &report.tenant.scope, agent: report.agent, result: report.result, signed: report.signed };
    reports.iter().map(told).collect()
}

fn line(report: &Report<'_>, outcome: &'static str, user: Option<Uuid>, flow: Option<Uuid>, why: Option<&str>) -> Event {
    let result = report.result;
    let detail = serde_json::json!({ "code": result.code, "dc": result.dc, "seq": result.seq, "result": report.signed, "why": why });
    Event { action: "reset.result", outcome, user, flow, job: Some(result.job), detail }
}

/// These ends, each with its audit line and, when a password was set, a notice to every address on file. Answers which were written.
async fn record<'a>(
    conn: &mut PgConnection,
    clock: &Clock,
    ends: impl Iterator<Item = (&'a Report<'a>, &'a queue::Ended)>,
) -> Result<BTreeSet<Uuid>> {
    let (mut lines, mut ended, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for (report, end) in ends {
        let mut event = line(report, end.state.as_str(), Some(end.user_id), Some(end.flow_id), None);
        if !end.kind.is_effect() {
            // How an account stood is nobody's business later on.
            event.detail["result"] = serde_json::Value::Null;
        }
        lines.push((&report.tenant.scope, report.source, event));
        ended.push(end);
        let from = end.origin.map(audit::coarse).unwrap_or_default();
        if let Some(content) = notice(end.kind, report.result.code, Happened { at: clock.seconds(), from, token: None, user: None }) {
            done.push((report, end, content));
        }
    }
    if ended.is_empty() {
        return Ok(BTreeSet::new());
    }
    let letters = notices(&mut *conn, clock, &done).await?;
    queue::record(&mut *conn, clock, &ended, &Lines::new(clock, lines), &letters).await
}

/// A new password ends every session of its owner, but for the one in which it was chosen: whoever was in with the old one is out.
async fn sign_out(conn: &mut PgConnection, clock: &Clock, report: &Report<'_>, end: &queue::Ended) -> Result<()> {
    let scope = &report.tenant.scope;
    let kept = sqlx::query_scalar!("select session_id from flows where tenant_id = $1 and flow_id = $2", scope.id(), end.flow_id)
        .fetch_optional(&mut *conn)
        .await?;
    sessions::end_but(conn, scope, clock, report.source, end.user_id, kept.flatten()).await?;
    Ok(())
}

/// What is told of a job that did something to an account.
fn notice(kind: Kind, code: Code, happened: Happened) -> Option<Content> {
    match (code.outcome(), kind) {
        (Outcome::Applied, kind) if kind.has_new() => {
            Some(Content::Changed { happened, place: None, follow: Vec::new(), lately: Vec::new(), again: false })
        }
        (Outcome::Applied, Kind::Unlock) if code != Code::NotLocked => Some(Content::Unlocked { happened }),
        _ => None,
    }
}

/// To every address on file. Where others follow or were followed, what the letter says of them is asked.
async fn notices(conn: &mut PgConnection, clock: &Clock, done: &[(&Report<'_>, &queue::Ended, Content)]) -> Result<Letters> {
    let mut letters = Letters::default();
    for (report, end, content) in done {
        let Some(reach) = &end.reach else { continue };
        let (scope, job) = (&report.tenant.scope, report.result.job);
        let mut content = content.clone();
        if let Content::Changed { place, follow, .. } = &mut content
            && (end.leads || end.follows)
        {
            let mut names = linked::places(&mut *conn, scope, job).await?.into_iter();
            (*place, *follow) = (names.next(), names.collect());
        }
        let mut whom = Whom::of(end.user_id, reach);
        // Nobody is told twice of one password.
        let known = if end.follows { linked::told(&mut *conn, scope, end.user_id).await? } else { None };
        whom.except(|to| known.as_ref().is_some_and(|known| known.is_reached_at(to)));
        letters.tell(scope, clock, &whom, job, content.clone())?;
        if let Content::Changed { again, .. } = &mut content
            // Whoever changed it showed the old one, too.
            && end.by_mail
            && end.kind == Kind::Reset
        {
            *again = true;
            letters.tell(scope, clock, &whom, job, content)?;
        }
    }
    Ok(letters)
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
    let source = Source::house("worker");
    audit::record(&mut *conn, &tenant.scope, clock, &source, event).await?;
    // No agent ever had it: nobody tried the password.
    if job.state == State::Expired && job.kind.has_old() {
        current::uncount_password(&mut *conn, &tenant.scope, Some(job.user_id)).await?;
    }
    if job.leads {
        linked::after(conn, clock, &[(&tenant.scope, &source, job.job_id, job.state)]).await?;
    }
    Ok(())
}

/// End what lies in these queues for agents alone that do not reach their directory, as if one of them had said so of the job itself.
/// Answers which.
pub async fn strand(conn: &mut PgConnection, clock: &Clock, queues: &[(&Scope, Uuid)]) -> Result<Vec<Uuid>> {
    let stranded = queue::strand(&mut *conn, clock, &queues.iter().map(|(_, connector)| *connector).collect::<Vec<_>>()).await?;
    for job in &stranded {
        let (scope, _) = queues.iter().find(|(_, connector)| *connector == job.connector_id).context("a job of another queue")?;
        let event = Event {
            action: "reset.unreachable",
            outcome: "failed",
            user: Some(job.user_id),
            flow: Some(job.flow_id),
            job: Some(job.job_id),
            detail: serde_json::json!({ "code": Code::DirectoryUnreachable }),
        };
        let source = Source::agent(job.agent_id);
        audit::record(&mut *conn, scope, clock, &source, event).await?;
        if job.kind.has_old() {
            current::tried(&mut *conn, scope, job.user_id, Code::DirectoryUnreachable).await?;
        }
        if job.leads {
            linked::after(&mut *conn, clock, &[(*scope, &source, job.job_id, State::Failed)]).await?;
        }
    }
    Ok(stranded.into_iter().map(|job| job.job_id).collect())
}
