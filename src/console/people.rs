//! `/console/people` — find a person, as one types or with a button. What is looked for is personal data: it stands in the address, so that
//! one can come back to it, and in no log.

use std::sync::Arc;

use askama::Template;
use axum::{Json, Router, http::Uri, response::Response, routing::get};
use serde::Serialize;

use super::{
    guard::{Desk, May, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        acts,
        users::{self, Asked, Found, SHOWN},
    },
    web::{Page, Result, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/people", get(show)).route("/console/people/found", get(found))
}

/// One of those who were found.
#[derive(Serialize)]
struct Line {
    href: String,
    name: String,
    sign_in: String,
    connector: String,
    /// Of its words.
    state: &'static str,
}

#[derive(Template)]
#[template(path = "console/people.html")]
struct PeoplePage {
    page: Page,
    rail: Rail,
    asked: String,
    /// Something was looked for.
    looked: bool,
    people: Vec<Line>,
    more: bool,
    most: usize,
    /// This operator serves some groups only.
    some: bool,
}

/// What the script shows.
#[derive(Serialize)]
struct Answer {
    people: Vec<Line>,
    more: bool,
}

fn asked(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, value)| value.into_owned()).unwrap_or_default()
}

async fn look(desk: &Desk, text: &str) -> Result<Option<Answer>> {
    let Some(asked) = Asked::parse(text) else { return Ok(None) };
    let mut conn = desk.visitor.acquire().await?;
    let found = users::search(&mut conn, &desk.visitor.tenant.scope, &asked, acts::groups(&desk.operator)).await?;
    Ok(Some(Answer { people: found.people.into_iter().map(line).collect(), more: found.more }))
}

fn line(found: Found) -> Line {
    let state = state_key(found.frozen, found.enabled, found.protected);
    Line {
        href: format!("/console/people/{}", found.user_id),
        name: if found.display_name.is_empty() { found.sign_in_name.clone() } else { found.display_name },
        sign_in: found.sign_in_name,
        connector: found.connector,
        state,
    }
}

/// The worst of it.
pub const fn state_key(frozen: bool, enabled: bool, protected: bool) -> &'static str {
    match (frozen, enabled, protected) {
        (true, ..) => "people-state-frozen",
        (_, false, _) => "people-state-disabled",
        (.., true) => "people-state-protected",
        _ => "people-state-active",
    }
}

async fn show(desk: May<Serve>, uri: Uri) -> Result<Response> {
    let text = asked(&uri);
    let answer = look(&desk, &text).await?;
    let looked = answer.is_some();
    let Answer { people, more } = answer.unwrap_or(Answer { people: Vec::new(), more: false });
    let some = acts::groups(&desk.operator).is_some();
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::People));
    Ok(page::html(&PeoplePage { page, rail, asked: text, looked, people, more, most: SHOWN, some }))
}

async fn found(desk: May<Serve>, uri: Uri) -> Result<Json<Answer>> {
    Ok(Json(look(&desk, &asked(&uri)).await?.unwrap_or(Answer { people: Vec::new(), more: false })))
}
