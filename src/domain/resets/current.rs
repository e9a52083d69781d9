//! The current password: how often it may be tried, by which job the directory is asked, and what a right one opens.
//!
//! Each wrong try counts towards the directory's own lock, which nobody shall reach through us: so a try is counted, across all flows of
//! an account, before a ticket is given for it, and given back once it turns out that nothing wrong was tried.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Flow, LIFETIME, Purpose, Sealed, Step, SubmitRefused, ask, flow, submit, turns};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        limits::{self, Allowance, Count, Limit, Verdict},
        policies,
        queue::{self, Looked},
        sessions::{self, By},
        tenants::Scope,
        users,
    },
    wire::{
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

/// Count a try at the current password. The caller commits this before a ticket is given.
pub async fn count_password(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Verdict> {
    let Some(user) = users::get(&mut *conn, scope, flow.user_id.unwrap_or_default()).await? else { return Ok(Verdict::Allowed) };
    let Allowance { passwords, .. } = policies::of_user(&mut *conn, scope, user.user_id).await?.allowance;
    let count = Count::of(Limit::PasswordTry, &[user.subject(scope)]).at_most(passwords);
    let verdict = limits::take_all(&mut *conn, scope, clock, source, vec![count]).await?;
    if verdict != Verdict::Allowed {
        let event =
            Event { action: "reset.password_try", outcome: "limit", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
    }
    Ok(verdict)
}

/// Nothing was tried.
pub async fn uncount_password(conn: &mut PgConnection, scope: &Scope, user: Option<Uuid>) -> Result<()> {
    let Some(subject) = subject(&mut *conn, scope, user).await? else { return Ok(()) };
    limits::give_back(conn, scope, &[subject], Limit::PasswordTry).await
}

async fn subject(conn: &mut PgConnection, scope: &Scope, user: Option<Uuid>) -> Result<Option<Vec<u8>>> {
    Ok(users::get(conn, scope, user.unwrap_or_default()).await?.map(|user| user.subject(scope)))
}

/// A job with the old password in it has come to this end.
pub(super) async fn tried(conn: &mut PgConnection, scope: &Scope, user: Uuid, code: Code) -> Result<()> {
    if code.outcome() == Outcome::Applied {
        let Some(subject) = subject(&mut *conn, scope, Some(user)).await? else { return Ok(()) };
        return limits::clear(conn, scope, vec![Count::of(Limit::PasswordTry, &[subject])]).await;
    }
    // Only its own count: or one try that goes nowhere would pay for another that is wrong.
    if code.is_about_the_password() || matches!(code, Code::PolicyAge | Code::DirectoryUnreachable) {
        uncount_password(conn, scope, Some(user)).await?;
    }
    Ok(())
}

/// Take the sealed current password of a sign-in. Answers the connector whose agents have something to do now. `Ok` is also the
/// answer to the very same sent again.
pub async fn check(conn: &mut PgConnection, clock: &Clock, sealed: &Sealed<'_>) -> Result<Result<Uuid, SubmitRefused>> {
    let Sealed { tenant, source, job_id, .. } = *sealed;
    let scope = &tenant.scope;
    let gate = match submit::gate(&mut *conn, clock, sealed).await? {
        Ok(gate) if gate.kind == Kind::Verify => gate,
        Ok(_) => return Ok(Err(SubmitRefused::NoTicket)),
        Err(refused) => return Ok(Err(refused)),
    };
    let submission = queue::Submission {
        scope,
        job_id,
        flow_id: gate.flow,
        kind: gate.kind,
        envelopes: gate.envelopes,
        origin: source.address,
        to: None,
    };
    match queue::look(&mut *conn, clock, &submission).await? {
        Looked::Taken => {
            let event = Event { action: "reset.submit", outcome: "accepted", user: Some(gate.user), ..Event::default() };
            let event = Event { flow: Some(gate.flow), job: Some(job_id), detail: serde_json::json!({ "kind": gate.kind }), ..event };
            audit::record(conn, scope, clock, source, event).await?;
            Ok(Ok(gate.connector))
        }
        Looked::Again => Ok(Ok(gate.connector)),
        Looked::Expired => Ok(Err(SubmitRefused::Expired)),
        Looked::NoTicket => Ok(Err(SubmitRefused::NoTicket)),
    }
}

/// What came of asking to be let in.
pub enum Entry {
    /// A session has begun; its cookie.
    In(String),
    /// The password that was shown is another since, or becomes one at this moment: the flow is over.
    Changed,
    /// The flow is not there.
    No,
}

/// The directory has said that it is the current password, or a passkey needed none: a session begins, and the flow is over. `old` is what the
/// browser had before.
pub async fn enter(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    device: &str,
    old: Option<&str>,
) -> Result<Entry> {
    let entered = |flow: &Flow| flow.purpose == Purpose::SignIn && flow.step() == Step::Enter && !flow.is_due();
    let Some(user) = users::served(&mut *conn, scope, flow.user_id.unwrap_or_default()).await? else { return Ok(Entry::No) };
    // No new password is handed in until the session is there to be ended by it.
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    let Some(flow) = flow::lock(&mut *conn, scope, clock, flow).await?.filter(entered) else { return Ok(Entry::No) };
    // Where nothing else was asked, it must do for all that the policy asks.
    let (by, asked) = if flow.job.is_some() { (By::Password, flow.asked()) } else { (By::Passkey, None) };
    if !policies::are_lawful(&mut *conn, scope, user.user_id, &flow.passed, asked).await? {
        return Ok(Entry::No);
    }
    turns::end(&mut *conn, scope, &flow).await?;
    if let Some(shown) = &flow.job
        && queue::has_new_since(&mut *conn, scope, user.user_id, shown.job_id).await?
    {
        let (outcome, detail) = ("refused", serde_json::json!({ "why": "password_changed" }));
        let event = Event { action: "session.begin", outcome, user: flow.user_id, flow: Some(flow.flow_id), detail, ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
        return Ok(Entry::Changed);
    }
    Ok(Entry::In(sessions::begin(conn, scope, clock, source, user.user_id, (by, &flow.passed, device), old).await?))
}

/// It is the current password, and a new one is due: the flow becomes a change, which asks for no more proof than a sign-in does.
/// Answers the connector whose agents have something to do now; `None`: the flow is not there.
pub async fn renew(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Option<Option<Uuid>>> {
    let Some(flow) = flow::lock(&mut *conn, scope, clock, flow).await?.filter(Flow::is_due) else { return Ok(None) };
    let event = Event { action: "reset.begin", outcome: "due", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
    sqlx::query!(
        "update flows set purpose = 'change', job_id = null, expires_at = $3
         where tenant_id = $1 and flow_id = $2 and state = 'verified' and purpose = 'sign_in' returning audit_write($4, $5)",
        scope.id(),
        flow.flow_id,
        clock.now() + LIFETIME,
        audit::line(scope, clock, source, &event),
        clock.now(),
    )
    .fetch_one(&mut *conn)
    .await?;
    Ok(Some(ask::look(conn, scope, clock, source, &flow).await?))
}
