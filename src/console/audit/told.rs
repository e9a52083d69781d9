//! A line of the trail in words.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    domain::{audit::search::Entry, operators, tenants::Scope, users},
    web::{
        Page, Result,
        page::{When, when},
    },
};

/// Of everybody whom some lines name.
pub struct Names {
    people: HashMap<Uuid, users::Called>,
    operators: HashMap<Uuid, String>,
}

impl Names {
    pub async fn of(conn: &mut PgConnection, scope: &Scope, lines: &[Entry]) -> Result<Self> {
        let people: BTreeSet<Uuid> = lines.iter().filter_map(|line| line.user_id).collect();
        let people = users::called(&mut *conn, scope, &people.into_iter().collect::<Vec<_>>()).await?;
        let mut operators = HashMap::new();
        if lines.iter().any(|line| line.actor.starts_with("operator:")) {
            operators = operators::all(conn, scope).await?.into_iter().map(|one| (one.operator_id, one.name)).collect();
        }
        Ok(Self { people, operators })
    }

    /// Sign-in name, as far as there is one.
    pub fn sign_in(&self, user: Uuid) -> Option<&str> {
        self.people.get(&user).map(|called| called.sign_in_name.as_str())
    }

    /// Of an operator's actor.
    pub fn operator(&self, actor: &str) -> Option<&str> {
        self.operators.get(&actor.strip_prefix("operator:")?.parse().ok()?).map(String::as_str)
    }
}

/// Whom a line is about.
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub sign_in: String,
}

/// A line, as the console shows it.
pub struct Item {
    pub what: String,
    pub outcome: String,
    /// Worth a second look.
    pub odd: bool,
    pub when: When,
    pub actor: String,
    pub person: Option<Person>,
    /// Empty: from nowhere.
    pub from: String,
    pub code: Option<String>,
    pub seq: Option<i64>,
    /// JSON; empty if there is nothing.
    pub detail: String,
    /// Of the request that was asked for.
    pub marked: bool,
}

/// Outcomes at which one looks twice.
const ODD: [&str; 14] = [
    "refused",
    "wrong",
    "limit",
    "cloned",
    "copied",
    "failed",
    "broken",
    "frozen",
    "unknown",
    "expired",
    "held",
    "untold",
    "seen",
    "withdrawn",
];

impl Item {
    pub fn of(page: &Page, line: &Entry, names: &Names, asked: Option<&str>) -> Self {
        let person = |id: Uuid| {
            let called = names.people.get(&id);
            let name = called.map_or_else(|| page.t("audit-person-gone").into_owned(), |called| called.display_name.clone());
            Person { id, name, sign_in: called.map(|called| called.sign_in_name.clone()).unwrap_or_default() }
        };
        let is_nothing = line.detail.as_object().is_some_and(serde_json::Map::is_empty);
        Self {
            what: act(page, &line.action),
            outcome: outcome(page, &line.outcome),
            odd: ODD.contains(&line.outcome.as_str()),
            when: when(page.language(), line.at),
            actor: actor(page, &line.actor, names),
            person: line.user_id.map(person),
            from: line.address.map(|address| address.to_string()).unwrap_or_default(),
            code: line.request.clone(),
            seq: line.seq,
            detail: if is_nothing { String::new() } else { serde_json::to_string_pretty(&line.detail).unwrap_or_default() },
            marked: asked.is_some() && line.request.as_deref() == asked,
        }
    }
}

/// Of the words of a code; the code itself where there are none.
fn word(page: &Page, family: &str, code: &str) -> String {
    let key = format!("{family}{}", code.replace(['.', '_'], "-"));
    if page.has(&key) { page.t(&key).into_owned() } else { code.to_owned() }
}

pub fn act(page: &Page, action: &str) -> String {
    word(page, "audit-act-", action)
}

pub fn outcome(page: &Page, outcome: &str) -> String {
    word(page, "audit-out-", outcome)
}

/// Who of that kind.
pub fn actor_kind(page: &Page, kind: &str) -> String {
    match kind {
        "user" => page.t("audit-actor-user").into_owned(),
        "agent" => page.t("audit-kind-agent").into_owned(),
        "operator" => page.t("audit-kind-operator").into_owned(),
        "cli" => page.t("audit-actor-cli").into_owned(),
        "worker" => page.t("audit-actor-worker").into_owned(),
        other => other.to_owned(),
    }
}

fn actor(page: &Page, actor: &str, names: &Names) -> String {
    match actor.split_once(':') {
        Some(("agent", id)) => page.t1("audit-actor-agent", "id", end(id)),
        Some(("operator", id)) => match names.operator(actor) {
            Some(name) => name.to_owned(),
            None => page.t1("audit-actor-operator", "id", end(id)),
        },
        _ => actor_kind(page, actor),
    }
}

/// The last characters of an id: its first ones are the time.
fn end(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}
