//! Freezing an account stops what is under way for it, as far as that can be stopped; lifting a freeze brings nothing of it back.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::linked;
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        authenticators, freezes, notices,
        notifications::Act,
        policies,
        queue::{self, State, Stopped, Target},
        sessions,
        tenants::{Scope, Tenant},
        users,
    },
};

/// Why.
#[derive(Debug, Clone, Copy)]
pub enum Why<'a> {
    /// The person said that it was not them: what kind of notice, of what happened when (seconds since 1970).
    Repudiated(&'a str, i64),
    /// In an operator's own words.
    Operator(&'a str),
}

/// What came of freezing.
#[derive(Debug, Default)]
pub struct Frozen {
    /// It was frozen already: nothing was done.
    pub before: bool,
    /// Jobs that were stopped: somebody may be watching them.
    pub stopped: Vec<Uuid>,
    /// An agent has a job in hand, or had: that one could not be stopped.
    pub too_late: bool,
}

/// From now on nothing is reset, unlocked or changed for this account, and for none that follows it through it; what was begun leads
/// nowhere. The person is told, and the help desk if it was the person's own word.
pub async fn freeze(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, user: Uuid, why: Why<'_>) -> Result<Frozen> {
    let scope = &tenant.scope;
    let (Why::Repudiated(reason, _) | Why::Operator(reason)) = why;
    if !freezes::begin(&mut *conn, scope, clock, source, user, reason).await? {
        return Ok(Frozen { before: true, ..Frozen::default() });
    }
    let mut frozen = Frozen::default();
    let person = users::known(&mut *conn, scope, user).await?;
    let mut accounts: Vec<_> = person.iter().map(|person| (person.user_id, person.connector_id, person.object_guid)).collect();
    accounts.extend(users::follow(&mut *conn, scope, user).await?.into_iter().map(|f| (f.user_id, f.connector_id, f.object_guid)));
    let mut lines = Vec::new();
    for (user_id, connector_id, object_guid) in accounts {
        let target = Target { connector_id, user_id, object_guid, flow_id: Uuid::nil() };
        match queue::stop(&mut *conn, clock, &target).await? {
            Stopped::Yes(None) => {}
            Stopped::Yes(Some(older)) => {
                frozen.stopped.push(older.job_id);
                let event = Event { action: "reset.superseded", outcome: "frozen", user: Some(user_id), ..Event::default() };
                lines.push((scope, source, Event { flow: Some(older.flow_id), job: Some(older.job_id), ..event }));
            }
            Stopped::TooLate => frozen.too_late = true,
        }
    }
    // The heads before the flows, as with a ticket.
    let flows = sqlx::query!(
        "update flows set frozen = true where tenant_id = $1 and (user_id = $2 or aim_id = $2 or caller_id = $2) and state <> 'ended' and expires_at > $3",
        scope.id(),
        user,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    sessions::end_all(&mut *conn, scope, clock, source, user).await?;
    let detail =
        serde_json::json!({ "reason": reason, "flows": flows.rows_affected(), "jobs": frozen.stopped, "too_late": frozen.too_late });
    lines.push((scope, source, Event { action: "account.freeze", outcome: "frozen", user: Some(user), detail, ..Event::default() }));
    audit::record_all(&mut *conn, clock, lines).await?;
    let ends: Vec<_> = frozen.stopped.iter().map(|job| (scope, source, *job, State::Superseded)).collect();
    if !ends.is_empty() {
        linked::after(&mut *conn, clock, &ends).await?;
    }
    if let Some(person) = person {
        notices::operator_acted(&mut *conn, scope, clock, &person, Act::Frozen, source).await?;
        if let Why::Repudiated(about, at) = why {
            notices::alert(conn, tenant, clock, source, &person, (about, at)).await?;
        }
    }
    Ok(frozen)
}

/// An operator has looked: the account is served again. The person is told. False: it was not frozen.
pub async fn lift(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<bool> {
    if !freezes::end(&mut *conn, scope, clock, source, user).await? {
        return Ok(false);
    }
    // What a stranger may have added shortly before does not begin to prove something in this moment: its owner has time to remove it.
    let cooling_off = policies::of_user(&mut *conn, scope, user).await?.cooling_off;
    authenticators::cool_off(&mut *conn, scope, user, clock.now() - authenticators::LATELY, clock.now() + cooling_off).await?;
    users::cool_off(&mut *conn, scope, clock, user, clock.now() - authenticators::LATELY).await?;
    let event = Event { action: "account.freeze", outcome: "lifted", user: Some(user), ..Event::default() };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    if let Some(person) = users::known(&mut *conn, scope, user).await? {
        notices::operator_acted(conn, scope, clock, &person, Act::Lifted, source).await?;
    }
    Ok(true)
}
