//! `/console/agents/{id}` — one agent: how it is, whether it is trusted, and what can be done about it. Whoever confirms one types the
//! fingerprint from the agent's own screen: a page that showed it here as well would be copied from, and prove nothing.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    approvals::ask_first,
    checkup::{self, Checked},
    guard::{Desk, Fleet, Fresh, May},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        approvals::{self, Act, Wish},
        fleet::{self, Overseen, Status, Trouble},
        resets,
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
    wire::{
        keys::fingerprint,
        message::{PasswordPolicy, ServerHealth},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(id): Path<Uuid>| async move { to(id) });
    Router::new()
        .route("/console/agents/{id}", get(show))
        .route("/console/agents/{id}/confirm", post(confirm).merge(back()))
        .route("/console/agents/{id}/acknowledge", post(acknowledge).merge(back()))
        .route("/console/agents/{id}/rotate", post(rotate).merge(back()))
        .route("/console/agents/{id}/revoke", post(revoke).merge(back()))
}

fn to(agent: Uuid) -> Response {
    Redirect::to(&format!("/console/agents/{agent}")).into_response()
}

/// One agent in a table.
pub struct Line {
    pub id: Uuid,
    pub name: String,
    /// Of its words, and how its dot looks.
    pub state: (&'static str, &'static str),
    pub seen: String,
    pub version: String,
    /// The domain controller in use; empty: none.
    pub dc: String,
    pub latency: Option<u32>,
    /// Key of the words, and how its dot looks: what its account may do in the directory.
    pub rights: Option<(&'static str, &'static str)>,
    /// Of its newest good sealing key.
    pub epoch: Option<i64>,
}

impl Line {
    pub fn of(page: &Page, now: OffsetDateTime, agent: &Overseen) -> Self {
        let state = match (agent.agent.status, agent.troubles(now).first()) {
            (Status::Pending, _) => ("fleet-pending", "is-busy"),
            (Status::Revoked, _) => ("fleet-revoked", "is-off"),
            (Status::Active, Some(trouble)) => (key(*trouble), "is-bad"),
            (Status::Active, None) => ("fleet-good", "is-good"),
        };
        Self {
            id: agent.agent.agent_id,
            name: agent.agent.name.clone(),
            state,
            seen: agent.agent.last_seen_at.map_or_else(|| page.t("fleet-never").into_owned(), |at| ago(page, now - at)),
            version: agent.version.clone(),
            dc: agent.beat.as_ref().map(|beat| beat.directory.dc.clone()).unwrap_or_default(),
            latency: agent.latency(),
            rights: agent.checkup(now).and_then(checkup::rights),
            epoch: agent.key.map(|(epoch, _)| epoch),
        }
    }
}

const fn key(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Cloned => "fleet-cloned",
        Trouble::Silent => "fleet-silent",
        Trouble::Unreachable => "fleet-unreachable",
        Trouble::NoKey => "fleet-no-key",
        Trouble::Clock => "fleet-clock",
        Trouble::Removals => "fleet-removals",
        Trouble::Checkup => "fleet-checkup",
    }
}

/// What to do about it.
const fn remedy(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Cloned => "fleet-cloned-text",
        Trouble::Silent => "fleet-silent-text",
        Trouble::Unreachable => "fleet-unreachable-text",
        Trouble::NoKey => "fleet-no-key-text",
        Trouble::Clock => "fleet-clock-text",
        Trouble::Removals => "fleet-removals-text",
        Trouble::Checkup => "fleet-checkup-text",
    }
}

fn ago(page: &Page, since: time::Duration) -> String {
    match since.whole_seconds().max(0) {
        seconds @ ..120 => page.t1("fleet-seconds-ago", "n", seconds),
        seconds @ ..7200 => page.t1("fleet-minutes-ago", "n", seconds / 60),
        seconds @ ..172_800 => page.t1("fleet-hours-ago", "n", seconds / 3600),
        seconds => page.t1("fleet-days-ago", "n", seconds / 86400),
    }
}

/// A policy in days.
struct Rules {
    length: u32,
    complexity: bool,
    history: u32,
    min_days: u64,
    max_days: u64,
}

impl From<&PasswordPolicy> for Rules {
    fn from(policy: &PasswordPolicy) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        let PasswordPolicy { min_length, complexity, history, min_age, max_age } = *policy;
        Self { length: min_length, complexity, history, min_days: min_age / DAY, max_days: max_age / DAY }
    }
}

#[derive(Template)]
#[template(path = "console/agent.html")]
struct AgentPage {
    page: Page,
    rail: Rail,
    line: Line,
    connector: Uuid,
    /// Its name.
    directory: String,
    status: &'static str,
    /// Empty until it is confirmed.
    fingerprint: String,
    /// Keys of what is wrong, and of what to do.
    troubles: Vec<(&'static str, &'static str)>,
    enrolled: When,
    confirmed: Option<When>,
    revoked: Option<When>,
    cloned: Option<When>,
    /// Since when it is asked to replace its identity.
    rotating: Option<When>,
    /// That mark, for the form that takes it away.
    mark: String,
    address: String,
    key_until: Option<When>,
    clock: Option<i64>,
    hints: bool,
    rules: Option<Rules>,
    servers: Vec<ServerHealth>,
    jobs: Option<u64>,
    held: Option<u32>,
    /// What its own checks of the directory found.
    checked: Option<Checked>,
    /// No other one of this directory could go on.
    last: bool,
    typed: String,
    error: Option<&'static str>,
}

async fn find(conn: &mut PgConnection, desk: &Desk, id: Uuid) -> Result<Overseen> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    fleet::overseen(conn, scope, &app.clock, Some(id)).await?.pop().ok_or(Error::NotFound)
}

async fn answer(desk: &Desk, id: Uuid, status: StatusCode, (typed, error): (String, Option<&'static str>)) -> Result<Response> {
    let (visitor, now) = (&desk.visitor, desk.visitor.app.clock.now());
    let (scope, clock) = (&visitor.tenant.scope, &visitor.app.clock);
    let mut conn = visitor.acquire().await?;
    let found = find(&mut conn, desk, id).await?;
    let connectors = fleet::connectors(&mut conn, scope, clock).await?;
    let others = fleet::overseen(&mut conn, scope, clock, None).await?;
    drop(conn);
    let page = visitor.page();
    let connector = found.agent.connector_id;
    let serves = |other: &&Overseen| {
        let Overseen { agent, .. } = other;
        agent.connector_id == connector && agent.agent_id != id && other.serves(now)
    };
    let moment = |at| when(visitor.language, at);
    let directory = found.beat.as_ref().map(|beat| &beat.directory);
    let shown = AgentPage {
        line: Line::of(&page, now, &found),
        rail: desk.rail(Here::Connectors),
        checked: Checked::of(&page, &found),
        page,
        connector,
        directory: connectors.into_iter().find(|one| one.connector_id == connector).map(|one| one.name).unwrap_or_default(),
        status: found.agent.status.as_str(),
        fingerprint: if found.agent.status == Status::Pending { String::new() } else { fingerprint(&found.agent.identity) },
        troubles: found.troubles(now).into_iter().map(|trouble| (key(trouble), remedy(trouble))).collect(),
        enrolled: moment(found.enrolled_at),
        confirmed: found.confirmed_at.map(moment),
        revoked: found.revoked_at.map(moment),
        cloned: found.cloned_at.map(moment),
        rotating: found.rotate_at.map(moment),
        mark: mark(&found),
        address: found.address.map(|address| address.to_string()).unwrap_or_default(),
        key_until: found.key.map(|(_, until)| moment(until)),
        clock: found.clock_ahead(),
        hints: directory.is_some_and(|directory| directory.policy_hints.is_some()),
        rules: directory.and_then(|directory| directory.policy.as_ref()).map(Rules::from),
        servers: directory.map(|directory| directory.servers.clone()).unwrap_or_default(),
        jobs: found.beat.as_ref().map(|beat| beat.jobs),
        held: found.beat.as_ref().and_then(|beat| beat.removals_held),
        last: found.agent.status == Status::Active && !others.iter().any(|other| serves(&other)),
        typed,
        error,
    };
    Ok(page::html_as(status, &shown))
}

async fn show(desk: May<Fleet>, Path(id): Path<Uuid>) -> Result<Response> {
    answer(&desk, id, StatusCode::OK, Default::default()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    /// As the agent's own screen shows it.
    fingerprint: String,
}

async fn confirm(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Compared>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let before = find(&mut tx, &desk, id).await?;
    // One that does not fit is told of at once, and bothers nobody else.
    let fits = before.agent.status == Status::Pending && fleet::fits(&before.agent, &form.fingerprint);
    if fits && approvals::wants(&mut tx, &visitor.tenant.scope, Act::Agent).await? {
        return ask_first(tx, &desk, &Wish::Agent { agent: id, fingerprint: fingerprint(&before.agent.identity) }).await;
    }
    let done = fleet::confirm(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, id, &form.fingerprint).await?;
    // That it did not fit is written down as well.
    tx.commit().await?;
    match (done, before.agent.status) {
        (true, _) => Ok(to(id)),
        (false, Status::Pending) => {
            answer(&desk, id, StatusCode::UNPROCESSABLE_ENTITY, (form.fingerprint, Some("fleet-confirm-error-other"))).await
        }
        (false, _) => answer(&desk, id, StatusCode::CONFLICT, (String::new(), Some("console-error-stale"))).await,
    }
}

/// Names the alarm that somebody has seen.
fn mark(agent: &Overseen) -> String {
    agent.cloned_at.map(|at| at.unix_timestamp_nanos().to_string()).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alarm {
    mark: String,
}

async fn acknowledge(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Alarm>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    let found = find(&mut tx, &desk, id).await?;
    // It was marked again since: nobody has looked into that.
    if found.cloned_at.is_some() && mark(&found) != form.mark {
        drop(tx);
        return answer(&desk, id, StatusCode::CONFLICT, (String::new(), Some("fleet-cloned-again"))).await;
    }
    fleet::acknowledge(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, id).await?;
    tx.commit().await?;
    Ok(to(id))
}

async fn rotate(desk: Fresh<Fleet>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut tx = visitor.begin().await?;
    find(&mut tx, &desk, id).await?;
    fleet::rotate(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, id).await?;
    tx.commit().await?;
    Ok(to(id))
}

/// Its jobs go to others at once; where no other sees the directory, whoever waits is told.
async fn revoke(desk: Fresh<Fleet>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let connector = find(&mut tx, &desk, id).await?.agent.connector_id;
    fleet::revoke(&mut tx, scope, &app.clock, &visitor.source, id).await?;
    let jobs = resets::withdraw(&mut tx, scope, &app.clock, &visitor.source, id).await?;
    tx.commit().await?;
    app.has_job(connector);
    for job in jobs {
        app.wake.tell(job);
    }
    app.strand(scope, connector).await?;
    Ok(to(id))
}
