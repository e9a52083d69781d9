//! `/console/connectors` — the directories: what is on for each, by which agents it is reached and how those are; and the way to another
//! directory or another agent. What an agent is enrolled with is shown once, by the answer to the request that made it.

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
use uuid::Uuid;

use super::{
    agents::Line,
    canary::{self, Chart},
    guard::{Desk, Fleet, Fresh, May},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::config::DirectoryKind,
    domain::{
        fleet::{self, Connector, Feature, Overseen, Status},
        users::{self, LinkBy},
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(id): Path<Uuid>| async move { to(id) });
    Router::new()
        .route("/console/connectors", get(index))
        .route("/console/connectors/new", get(new).post(create))
        .route("/console/connectors/{id}", get(show))
        .route("/console/connectors/{id}/name", post(rename).merge(back()))
        .route("/console/connectors/{id}/writeback", post(writeback).merge(back()))
        .route("/console/connectors/{id}/unlock", post(unlock).merge(back()))
        .route("/console/connectors/{id}/link", post(link).merge(back()))
        .route("/console/connectors/{id}/removals", post(removals).merge(back()))
        .route("/console/connectors/{id}/token", post(token).merge(back()))
}

fn to(connector: Uuid) -> Response {
    Redirect::to(&format!("/console/connectors/{connector}")).into_response()
}

/// One directory at a glance.
struct Card {
    id: Uuid,
    name: String,
    /// Keys of the words: of its family, of each switch, and of what keeps it from serving, the worst first.
    kind: &'static str,
    writeback: bool,
    unlock: bool,
    linked: Option<&'static str>,
    notes: Vec<&'static str>,
    agents: Vec<Line>,
}

fn linked_key(by: &str) -> &'static str {
    match by {
        "sign_in_name" => "fleet-link-sign-in-name",
        "principal_name" => "fleet-link-principal-name",
        "mail" => "fleet-link-mail",
        _ => "fleet-link-list",
    }
}

impl Card {
    /// `all`: the agents that are to be shown, of whatever connector.
    fn of(desk: &Desk, connector: &Connector, held: bool, all: &[Overseen]) -> Self {
        let (page, now) = (desk.visitor.page(), desk.visitor.app.clock.now());
        let mut notes = Vec::new();
        let mut note = |is: bool, key| notes.extend(is.then_some(key));
        note(connector.agents == 0, "fleet-note-no-agent");
        note(connector.agents > 0 && connector.reaching == 0, "fleet-note-unreached");
        note(!connector.writeback, "fleet-note-writeback");
        note(held, "fleet-note-held");
        let own = all.iter().filter(|one| one.agent.connector_id == connector.connector_id);
        Self {
            id: connector.connector_id,
            name: connector.name.clone(),
            kind: if connector.kind == DirectoryKind::Openldap.as_str() { "fleet-kind-openldap" } else { "fleet-kind-ad" },
            writeback: connector.writeback,
            unlock: connector.unlock,
            linked: connector.linked.as_deref().map(linked_key),
            notes,
            agents: own.map(|one| Line::of(&page, now, one)).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/connectors.html")]
struct IndexPage {
    page: Page,
    rail: Rail,
    /// Nobody is served at all.
    off: bool,
    connectors: Vec<Card>,
}

async fn index(desk: May<Fleet>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (scope, clock) = (&visitor.tenant.scope, &visitor.app.clock);
    let mut conn = visitor.acquire().await?;
    let mut agents = fleet::overseen(&mut conn, scope, clock, None).await?;
    agents.retain(|one| one.agent.status != Status::Revoked);
    let mut connectors = Vec::new();
    for connector in fleet::connectors(&mut conn, scope, clock).await? {
        let held = users::held(&mut conn, connector.connector_id).await?.is_some();
        connectors.push(Card::of(&desk, &connector, held, &agents));
    }
    let off = !visitor.tenant.self_service;
    Ok(page::html(&IndexPage { page: visitor.page(), rail: desk.rail(Here::Connectors), off, connectors }))
}

/// What the form holds, as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    kind: String,
}

#[derive(Template)]
#[template(path = "console/connector_new.html")]
struct NewPage {
    page: Page,
    rail: Rail,
    form: New,
    error: bool,
}

async fn new(desk: Fresh<Fleet>) -> Response {
    let form = New { name: String::new(), kind: DirectoryKind::Ad.as_str().to_owned() };
    page::html(&NewPage { page: desk.visitor.page(), rail: desk.rail(Here::Connectors), form, error: false })
}

async fn create(desk: Fresh<Fleet>, form::Form(form): form::Form<New>) -> Result<Response> {
    let visitor = &desk.visitor;
    let kind = [DirectoryKind::Ad, DirectoryKind::Openldap].into_iter().find(|kind| kind.as_str() == form.kind);
    let Some(kind) = kind.filter(|_| Connector::is_name(&form.name)) else {
        let page = NewPage { page: visitor.page(), rail: desk.rail(Here::Connectors), form, error: true };
        return Ok(page::html_as(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let mut tx = visitor.begin().await?;
    let made = fleet::add_connector(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, &form.name, kind).await?;
    tx.commit().await?;
    Ok(to(made))
}

/// A full pass of the mirror that missed most people.
struct Held {
    people: i32,
    since: When,
    /// Names it, for the form.
    mark: String,
}

#[derive(Template)]
#[template(path = "console/connector.html")]
struct ConnectorPage {
    page: Page,
    rail: Rail,
    card: Card,
    off: bool,
    /// The rule in force, as the form names it; empty: none.
    link: String,
    /// Others that its accounts could follow are there.
    follows: bool,
    held: Option<Held>,
    /// How the canary fared, by server.
    charts: Vec<Chart>,
    /// Its name as it was typed last.
    typed: String,
    errors: Vec<&'static str>,
}

async fn find(desk: &Desk, id: Uuid) -> Result<(Connector, bool)> {
    let visitor = &desk.visitor;
    let mut conn = visitor.acquire().await?;
    let all = fleet::connectors(&mut conn, &visitor.tenant.scope, &visitor.app.clock).await?;
    let others = all.iter().any(|one| one.connector_id != id && one.linked.is_none());
    Ok((all.into_iter().find(|one| one.connector_id == id).ok_or(Error::NotFound)?, others))
}

/// `typed`: what it was to be called; empty: what it is called.
async fn answer(desk: &Desk, id: Uuid, status: StatusCode, (typed, errors): (String, Vec<&'static str>)) -> Result<Response> {
    let visitor = &desk.visitor;
    let (connector, follows) = find(desk, id).await?;
    let mut conn = visitor.acquire().await?;
    let agents = fleet::overseen(&mut conn, &visitor.tenant.scope, &visitor.app.clock, None).await?;
    let held = users::held(&mut conn, id).await?;
    let now = visitor.app.clock.now();
    let sung = fleet::sung(&mut conn, &visitor.tenant.scope, id, now - canary::SPAN).await?;
    drop(conn);
    let shown = ConnectorPage {
        page: visitor.page(),
        rail: desk.rail(Here::Connectors),
        card: Card::of(desk, &connector, held.is_some(), &agents),
        off: !visitor.tenant.self_service,
        link: connector.linked.unwrap_or_default(),
        follows,
        held: held.map(|(people, at)| Held { people, since: when(visitor.language, at), mark: mark(people, at) }),
        typed: if typed.is_empty() { connector.name } else { typed },
        charts: sung.into_iter().filter_map(|(server, runs)| Chart::of(visitor.language, now, server, &runs)).collect(),
        errors,
    };
    Ok(page::html_as(status, &shown))
}

fn mark(people: i32, at: time::OffsetDateTime) -> String {
    format!("{people} {}", at.unix_timestamp_nanos())
}

async fn show(desk: May<Fleet>, Path(id): Path<Uuid>) -> Result<Response> {
    answer(&desk, id, StatusCode::OK, Default::default()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    /// What it was called when the form was shown.
    seen: String,
}

async fn rename(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Named>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let (connector, _) = find(&desk, id).await?;
    let (status, error) = if connector.name != form.seen {
        (StatusCode::CONFLICT, "console-error-stale")
    } else if Connector::is_name(&form.name) {
        let mut tx = desk.visitor.begin().await?;
        fleet::rename(&mut tx, scope, &app.clock, &desk.visitor.source, id, &form.name).await?;
        tx.commit().await?;
        return Ok(to(id));
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, "fleet-new-error")
    };
    answer(&desk, id, status, (form.name, vec![error])).await
}

/// What it is to be, not what it is not: pressed twice, or by two, it is the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    to: String,
}

async fn writeback(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Switch>) -> Result<Response> {
    switch(&desk, id, Feature::Writeback, &form.to).await
}

async fn unlock(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Switch>) -> Result<Response> {
    switch(&desk, id, Feature::Unlock, &form.to).await
}

async fn switch(desk: &Desk, id: Uuid, feature: Feature, on: &str) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let on = match on {
        "on" => true,
        "off" => false,
        _ => return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input")),
    };
    let mut tx = desk.visitor.begin().await?;
    let done = fleet::switch(&mut tx, scope, &app.clock, &desk.visitor.source, id, (feature, on)).await?;
    tx.commit().await?;
    done.ok_or(Error::NotFound)?;
    // What waited while it was off.
    app.has_job(id);
    Ok(to(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    by: String,
    /// The rule when the form was shown.
    seen: String,
}

async fn link(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Rule>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let (connector, _) = find(&desk, id).await?;
    if connector.linked.unwrap_or_default() != form.seen {
        return answer(&desk, id, StatusCode::CONFLICT, (String::new(), vec!["console-error-stale"])).await;
    }
    if form.by == form.seen {
        return Ok(to(id));
    }
    // A list of names comes by the command line.
    let rule = [LinkBy::SignInName, LinkBy::PrincipalName, LinkBy::Mail].into_iter().find(|rule| rule.as_str() == form.by);
    if rule.is_none() && !form.by.is_empty() {
        return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"));
    }
    let mut tx = desk.visitor.begin().await?;
    fleet::link(&mut tx, scope, &app.clock, &desk.visitor.source, id, rule.map(LinkBy::as_str)).await?;
    if !fleet::one_goes_first(&fleet::connectors(&mut tx, scope, &app.clock).await?) {
        drop(tx);
        return answer(&desk, id, StatusCode::UNPROCESSABLE_ENTITY, (String::new(), vec!["fleet-link-error-all"])).await;
    }
    tx.commit().await?;
    Ok(to(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accept {
    mark: String,
}

async fn removals(desk: Fresh<Fleet>, Path(id): Path<Uuid>, form::Form(form): form::Form<Accept>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    find(&desk, id).await?;
    let mut tx = desk.visitor.begin().await?;
    let now = users::held(&mut tx, id).await?;
    // Others were missing when the page was shown: nobody has looked at these.
    if now.map(|(people, at)| mark(people, at)).as_ref() != Some(&form.mark) {
        drop(tx);
        return answer(&desk, id, StatusCode::CONFLICT, (String::new(), vec!["console-error-stale"])).await;
    }
    users::accept(&mut tx, scope, &app.clock, &desk.visitor.source, id).await?;
    tx.commit().await?;
    Ok(to(id))
}

#[derive(Template)]
#[template(path = "console/enrol.html")]
struct EnrolPage {
    page: Page,
    rail: Rail,
    id: Uuid,
    name: String,
    /// To be pasted where the agent is to run, in this order: settings, enrolling (in a shell of Unix, and of Windows), start.
    setup: String,
    enrol: String,
    enrol_windows: String,
    run: &'static str,
}

async fn token(desk: Fresh<Fleet>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let (connector, _) = find(&desk, id).await?;
    let mut tx = desk.visitor.begin().await?;
    let token = fleet::new_token(&mut tx, scope, &app.clock, &desk.visitor.source, id).await?;
    tx.commit().await?;
    let enrol = "sspr --config agent.toml agent enrol --token-file -";
    Ok(page::html(&EnrolPage {
        page: desk.visitor.page(),
        rail: desk.rail(Here::Connectors),
        id,
        setup: format!("sspr agent setup --kind {} --cloud-url {}", connector.kind, app.public_url.as_str()),
        name: connector.name,
        enrol: format!("printf %s '{token}' | {enrol}"),
        enrol_windows: format!("'{token}' | {enrol}"),
        run: "sspr --config agent.toml agent",
    }))
}
