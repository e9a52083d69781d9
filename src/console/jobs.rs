//! `/console/jobs` — what goes on at this moment: jobs that wait, that an agent has, that just ended. A small script asks anew every two
//! seconds while somebody is at the page; without it one loads the page again.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{Json, Router, response::Response, routing::get};
use serde::Serialize;
use uuid::Uuid;

use super::{
    guard::{Desk, May, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts, fleet,
        queue::{self, Live, State},
        users,
    },
    web::{Page, Result, page},
    wire::ticket::Kind,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/jobs", get(show)).route("/console/jobs/now", get(now))
}

/// As a row shows it.
#[derive(Serialize)]
struct Line {
    what: String,
    href: String,
    person: String,
    connector: String,
    /// Empty: nobody has it.
    agent: String,
    state: String,
    dot: &'static str,
    /// How long it has been under way, or took.
    age: String,
}

#[derive(Serialize)]
struct Lines {
    under_way: Vec<Line>,
    ended: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/jobs.html")]
struct JobsPage {
    page: Page,
    rail: Rail,
    lines: Lines,
    minutes: i64,
    /// They serve some groups only.
    some: bool,
}

async fn show(desk: May<Serve>) -> Result<Response> {
    let lines = find(&desk).await?;
    let some = acts::groups(&desk.operator).is_some();
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::Jobs));
    Ok(page::html(&JobsPage { page, rail, lines, minutes: queue::LATELY.whole_minutes(), some }))
}

async fn now(desk: May<Serve>) -> Result<Json<Lines>> {
    Ok(Json(find(&desk).await?))
}

/// Everybody's names that a table needs.
struct Names {
    people: HashMap<Uuid, users::Called>,
    connectors: HashMap<Uuid, String>,
    agents: HashMap<Uuid, String>,
}

async fn find(desk: &Desk) -> Result<Lines> {
    let (app, scope, page) = (&desk.visitor.app, &desk.visitor.tenant.scope, desk.visitor.page());
    let mut conn = desk.visitor.acquire().await?;
    let groups = acts::groups(&desk.operator);
    let under_way = queue::under_way(&mut conn, scope, &app.clock, groups).await?;
    let ended = queue::ended(&mut conn, scope, &app.clock, groups).await?;
    let people: Vec<Uuid> = under_way.iter().chain(&ended).map(|one| one.user_id).collect();
    let connectors = fleet::connectors(&mut conn, scope, &app.clock).await?;
    let agents = fleet::overseen(&mut conn, scope, &app.clock, None).await?;
    let names = Names {
        people: users::called(&mut conn, scope, &people).await?,
        connectors: connectors.into_iter().map(|one| (one.connector_id, one.name)).collect(),
        agents: agents.into_iter().map(|one| (one.agent.agent_id, one.agent.name)).collect(),
    };
    drop(conn);
    let line = |one: &Live| line(&page, &names, one, app.clock.now());
    Ok(Lines { under_way: under_way.iter().map(line).collect(), ended: ended.iter().map(line).collect() })
}

fn line(page: &Page, names: &Names, one: &Live, now: time::OffsetDateTime) -> Line {
    let called = names.people.get(&one.user_id);
    let millis = (one.finished_at.unwrap_or(now) - one.submitted_at).whole_milliseconds().max(0);
    let (key, dot) = state(one);
    Line {
        what: page.t(kind_key(one.kind)).into_owned(),
        href: format!("/console/people/{}", one.user_id),
        person: called.map_or_else(String::new, |called| match called.display_name.as_str() {
            "" => called.sign_in_name.clone(),
            name => name.to_owned(),
        }),
        connector: names.connectors.get(&one.connector_id).cloned().unwrap_or_default(),
        agent: one.agent_id.and_then(|agent| names.agents.get(&agent)).cloned().unwrap_or_default(),
        state: page.t(&key).into_owned(),
        dot,
        age: page.t1("jobs-seconds", "seconds", format!("{}.{}", millis / 1000, millis % 1000 / 100)),
    }
}

/// Key of how it stands, and how its dot looks.
fn state(one: &Live) -> (String, &'static str) {
    match (one.state, one.code) {
        (State::Offered | State::Held | State::Submitted, _) => ("jobs-waits".to_owned(), "is-busy"),
        (State::Leased, _) => ("jobs-leased".to_owned(), "is-busy"),
        (State::Applied, _) => ("jobs-applied".to_owned(), "is-good"),
        (State::Superseded | State::Cancelled, _) => ("jobs-superseded".to_owned(), "is-off"),
        // Of each other end the code says most.
        (_, Some(code)) => (format!("outcome-{}-title", code.as_str().replace('_', "-")), "is-bad"),
        (State::Expired, None) => ("jobs-expired".to_owned(), "is-bad"),
        (_, None) => ("jobs-unknown".to_owned(), "is-bad"),
    }
}

const fn kind_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Reset => "jobs-kind-reset",
        Kind::Temporary => "jobs-kind-temporary",
        Kind::Change => "jobs-kind-change",
        Kind::Unlock => "jobs-kind-unlock",
        Kind::RequireChange => "jobs-kind-require-change",
        Kind::WaiveChange => "jobs-kind-waive-change",
        Kind::Verify => "jobs-kind-verify",
        Kind::Inspect => "jobs-kind-inspect",
    }
}
