//! What happened: one line per act, in the transaction of the act itself, so that nothing happens unaudited. Append-only, and chained: a line
//! that was edited, removed, moved or cut off is found ([`verify`]).

pub mod chain;
pub mod checkpoint;
pub mod keep;
mod misfits;
pub mod search;
mod stored;
pub mod stream;
pub mod verify;

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::tenants::Scope;
use crate::base::{clock::Clock, id};

/// Who acts, and by which request.
#[derive(Debug, Clone)]
pub struct Source {
    /// `user`, `agent:<id>`, `operator:<id>`, `cli`, `worker`.
    pub actor: String,
    /// The support code that the person sees.
    pub request: Option<String>,
    /// Of the peer, or of the client as the last trusted proxy tells.
    pub address: Option<IpAddr>,
}

impl Source {
    /// The house itself: schedules and the command line.
    pub fn house(actor: &str) -> Self {
        Self { actor: actor.to_owned(), request: None, address: None }
    }

    /// An agent, by no request of its own.
    pub fn agent(agent: Uuid) -> Self {
        Self::house(&format!("agent:{agent}"))
    }
}

/// One line. Never a secret, an address or a typed name in `detail`.
#[derive(Debug, Default)]
pub struct Event {
    /// `noun.verb`: `reset.submit`.
    pub action: &'static str,
    /// One word: `accepted`, `refused`, `limit`, …
    pub outcome: &'static str,
    pub user: Option<Uuid>,
    pub flow: Option<Uuid>,
    pub job: Option<Uuid>,
    /// An object; null is `{}`.
    pub detail: serde_json::Value,
}

/// Enough to recognise one's own network, too little to follow anybody: /24 and /48.
pub fn coarse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{}.{}.{}.*", v4.octets()[0], v4.octets()[1], v4.octets()[2]),
        IpAddr::V6(v6) => format!("{:x}:{:x}:{:x}:*", v6.segments()[0], v6.segments()[1], v6.segments()[2]),
    }
}

/// Write one line, in the act's own transaction.
pub async fn record(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, event: Event) -> Result<()> {
    record_all(conn, clock, vec![(scope, source, event)]).await
}

/// One line for a statement that writes it with the very act that it tells of: `… returning audit_write($1, $2)`, the second being now.
pub fn line(scope: &Scope, clock: &Clock, source: &Source, event: &Event) -> serde_json::Value {
    serde_json::json!({
        "event_id": id::time_ordered(clock),
        "tenant_id": scope.id(),
        "actor": source.actor,
        "action": event.action,
        "user_id": event.user,
        "flow_id": event.flow,
        "job_id": event.job,
        "request_id": source.request,
        "address": source.address,
        "outcome": event.outcome,
        "detail": if event.detail.is_null() { serde_json::json!({}) } else { event.detail.clone() },
    })
}

/// Write many lines at once, in this order.
pub async fn record_all(conn: &mut PgConnection, clock: &Clock, lines: Vec<(&Scope, &Source, Event)>) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let lines = Lines::new(clock, lines);
    sqlx::query!(
        "insert into audit_events (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail, at)
         select event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address::inet, outcome, detail, $12
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[],
             $10::text[], $11::jsonb[])
             as r (event_id, tenant_id, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail)",
        &lines.events,
        &lines.tenants,
        &lines.actors as &[&str],
        &lines.actions as &[&str],
        &lines.users as &[Option<Uuid>],
        &lines.flows as &[Option<Uuid>],
        &lines.jobs as &[Option<Uuid>],
        &lines.requests as &[Option<&str>],
        &lines.addresses as &[Option<String>],
        &lines.outcomes as &[&str],
        &lines.details,
        lines.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lines column by column, for a statement that writes them with the very act they tell of: one round trip for both.
pub struct Lines<'a> {
    pub events: Vec<Uuid>,
    pub tenants: Vec<Uuid>,
    pub actors: Vec<&'a str>,
    pub actions: Vec<&'static str>,
    pub users: Vec<Option<Uuid>>,
    pub flows: Vec<Option<Uuid>>,
    pub jobs: Vec<Option<Uuid>>,
    pub requests: Vec<Option<&'a str>>,
    pub addresses: Vec<Option<String>>,
    pub outcomes: Vec<&'static str>,
    pub details: Vec<serde_json::Value>,
    pub at: OffsetDateTime,
}

impl<'a> Lines<'a> {
    /// In this order.
    pub fn new(clock: &Clock, lines: Vec<(&Scope, &'a Source, Event)>) -> Self {
        let mut columns = Self {
            events: Vec::new(),
            tenants: Vec::new(),
            actors: Vec::new(),
            actions: Vec::new(),
            users: Vec::new(),
            flows: Vec::new(),
            jobs: Vec::new(),
            requests: Vec::new(),
            addresses: Vec::new(),
            outcomes: Vec::new(),
            details: Vec::new(),
            at: clock.now(),
        };
        for (scope, source, event) in lines {
            columns.events.push(id::time_ordered(clock));
            columns.tenants.push(scope.id());
            columns.actors.push(&source.actor);
            columns.actions.push(event.action);
            columns.users.push(event.user);
            columns.flows.push(event.flow);
            columns.jobs.push(event.job);
            columns.requests.push(source.request.as_deref());
            columns.addresses.push(source.address.map(|address| address.to_string()));
            columns.outcomes.push(event.outcome);
            columns.details.push(if event.detail.is_null() { serde_json::json!({}) } else { event.detail });
        }
        columns.events.sort_unstable();
        columns
    }
}

/// Whether this lease of a job was ever this actor's.
pub async fn held(conn: &mut PgConnection, scope: &Scope, job: Uuid, actor: &str, lease: Uuid) -> Result<bool> {
    let held = sqlx::query_scalar!(
        r#"select exists (select 1 from audit_events where tenant_id = $1 and job_id = $2 and action = 'reset.lease' and actor = $3
               and detail ->> 'lease' = $4) as "held!""#,
        scope.id(),
        job,
        actor,
        lease.to_string(),
    )
    .fetch_one(conn)
    .await?;
    Ok(held)
}

/// A line, as the person whom it is about may see it.
pub struct Line {
    pub at: OffsetDateTime,
    pub actor: String,
    pub action: String,
    pub outcome: String,
    pub address: Option<IpAddr>,
    /// Of the browser that it happened in or that began it.
    pub device: Option<String>,
    /// What the journey is for.
    pub purpose: Option<String>,
    /// Of the job.
    pub kind: Option<String>,
    /// By which somebody proved something, or tried to; what kind of authenticator came or went.
    pub method: Option<String>,
}

/// The support code of the newest line of this journey that came from its browser: of what was done there last.
pub async fn newest_of(conn: &mut PgConnection, scope: &Scope, flow: Uuid) -> Result<Option<String>> {
    let code = sqlx::query_scalar!(
        r#"select request_id as "request_id!" from audit_events
           where tenant_id = $1 and flow_id = $2 and actor = 'user' and request_id is not null order by event_id desc limit 1"#,
        scope.id(),
        flow,
    );
    Ok(code.fetch_optional(conn).await?)
}

/// So long people are told what happened.
const TOLD: Duration = Duration::days(90);
/// So many of the newest lines are read.
pub const NEWEST: usize = 300;
/// Besides, so many of those that no stranger can cause.
const PROVEN: i64 = 100;

impl Line {
    /// Whoever knows a name can have it written. The index `audit_events_proven` has none of these.
    pub fn is_strangers(&self) -> bool {
        self.actor == "user"
            && match self.action.as_str() {
                "reset.begin" => !matches!(self.outcome.as_str(), "nameless" | "within" | "due"),
                "reset.code_try" => self.outcome != "right",
                "reset.choose" | "reset.code_send" => true,
                _ => false,
            }
    }
}

/// What concerns this person, the newest first: the newest lines of all, and the newest of those that no stranger can cause, however many others
/// a stranger had written since. What a line does not say itself, the one says that began the journey or gave the ticket.
pub async fn of_user(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Uuid) -> Result<Vec<Line>> {
    let rows = sqlx::query!(
        r#"with newest as (
               select event_id from audit_events where tenant_id = $1 and user_id = $2 and event_id > $3 order by event_id desc limit $4
           ), proven as (
               select event_id from audit_events where tenant_id = $1 and user_id = $2 and event_id > $3
                   and (action in ('reset.result', 'reset.password_try', 'session.begin', 'session.end', 'user.language', 'user.contact',
                           'authenticator.add', 'authenticator.remove', 'authenticator.stop', 'contact.code_send', 'contact.code_try',
                           'registration.confirm', 'help_desk.code', 'account.freeze')
                       or action = 'reset.code_try' and outcome = 'right')
               order by event_id desc limit $5
           ), mine as materialized (
               select event_id, at, actor, action, outcome, host(address) as address, flow_id, job_id, detail
               from audit_events join (select event_id from newest union select event_id from proven) one using (event_id)
               where tenant_id = $1)
           select m.at as "at!", m.actor as "actor!", m.action as "action!", m.outcome as "outcome!", m.address, b.detail ->> 'purpose' as purpose, t.detail ->> 'kind' as kind,
               coalesce(m.detail ->> 'method', case when m.action like 'authenticator.%' then m.detail ->> 'kind' end) as method,
               coalesce(m.detail ->> 'device', b.detail ->> 'device') as device
           from mine m
           left join lateral (select detail from audit_events
               where tenant_id = $1 and flow_id = m.flow_id and action = 'reset.begin' and user_id = $2 and detail ? 'purpose' limit 1) b on true
           left join lateral (select detail from audit_events
               where tenant_id = $1 and job_id = m.job_id and action in ('reset.ticket', 'reset.unlock', 'reset.look') and user_id = $2 limit 1) t
               on true
           order by m.event_id desc"#,
        scope.id(),
        user,
        id::lowest_at(clock.now() - TOLD),
        i64::try_from(NEWEST)?,
        PROVEN,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Line {
            at: row.at,
            actor: row.actor,
            kind: row.kind.or_else(|| (row.action == "reset.unlock").then(|| "unlock".to_owned())),
            action: row.action,
            outcome: row.outcome,
            address: row.address.and_then(|address| address.parse().ok()),
            device: row.device,
            purpose: row.purpose,
            method: row.method,
        })
        .collect())
}
