//! `/console/audit` — who did what: the newest lines first, found by filters that stand in the address, page by page behind the last line seen;
//! how the chain stands; and all of a filter as a table for a spreadsheet.

mod csv;
pub mod told;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use time::{Date, Duration, macros::format_description};
use uuid::Uuid;

use self::told::{Item, Names};
use super::{
    guard::{Desk, May, Serve, Trail},
    shell::{Here, Rail},
    support,
};
use crate::{
    app::App,
    domain::{
        audit::{
            keep,
            search::{self, Choices, Filter},
            verify,
        },
        users::{self, Name},
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/audit", get(index)).route("/console/audit/export", post(csv::export))
}

/// Lines on a page.
const PAGE: usize = 50;
/// A line that has no place in the chain for so long tells of trouble.
const PATIENCE: Duration = Duration::minutes(5);

/// The filter, as it was typed. Nothing secret: it stands in the address.
#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
struct Form {
    actor: String,
    action: String,
    outcome: String,
    /// An id, as links have it, or a name.
    person: String,
    code: String,
    from: String,
    to: String,
    /// The last line of the page before.
    before: String,
    #[serde(rename = "lang")]
    _lang: String,
}

impl Form {
    fn of(uri: &Uri) -> Result<Self> {
        form::parse(uri.query().unwrap_or_default().as_bytes()).ok_or(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))
    }

    fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("actor", &self.actor),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("person", &self.person),
            ("code", &self.code),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    /// The address of the page behind this line.
    fn older(&self, than: Uuid) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields().into_iter().filter(|(_, value)| !value.is_empty()));
        query.append_pair("before", &than.to_string());
        format!("/console/audit?{}", query.finish())
    }

    /// What is looked for; else the key of what is wrong with it.
    async fn filter(&self, conn: &mut PgConnection, desk: &Desk) -> Result<Result<Filter, &'static str>> {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let day = |text: &String| given(text).map(|text| Date::parse(&text, format_description!("[year]-[month]-[day]"))).transpose();
        let (Ok(from), Ok(to)) = (day(&self.from), day(&self.to)) else { return Ok(Err("audit-error-day")) };
        let request = match given(&self.code) {
            Some(code) => Some(match support::code(&code) {
                Some(code) => code,
                None => return Ok(Err("support-error")),
            }),
            None => None,
        };
        let user = match given(&self.person) {
            Some(person) => Some(match who(conn, desk, &person).await? {
                Some(user) => user,
                None => return Ok(Err("audit-error-person")),
            }),
            None => None,
        };
        let (actor, action, outcome) = (given(&self.actor), given(&self.action), given(&self.outcome));
        Ok(Ok(Filter { actor, action, outcome, user, request, from, to }))
    }
}

async fn who(conn: &mut PgConnection, desk: &Desk, person: &str) -> Result<Option<Uuid>> {
    if let Ok(id) = person.parse() {
        return Ok(Some(id));
    }
    let Some(name) = Name::parse(person) else { return Ok(None) };
    let mut found = users::named(conn, &desk.visitor.tenant.scope, &name).await?;
    Ok(found.pop().map(|user| user.user_id))
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage {
    page: Page,
    rail: Rail,
    form: Form,
    filtered: bool,
    actors: Vec<Choice>,
    actions: Vec<Choice>,
    outcomes: Vec<Choice>,
    chain: Chain,
    items: Vec<Item>,
    /// Whoever looks may look at people.
    people: bool,
    older: Option<String>,
    /// 0: for ever.
    days: i32,
    error: Option<&'static str>,
}

/// How the chain stands.
struct Chain {
    signed: Option<(i64, When)>,
    waiting: i64,
    late: bool,
    backlog: bool,
    verified: Option<(When, bool)>,
}

async fn index(desk: May<Trail>, uri: Uri) -> Result<Response> {
    let form = Form::of(&uri)?;
    let (visitor, scope) = (&desk.visitor, &desk.visitor.tenant.scope);
    let page = visitor.page();
    let mut conn = visitor.acquire().await?;
    let (filter, error) = match form.filter(&mut conn, &desk).await? {
        Ok(filter) => (Some(filter), None),
        Err(error) => (None, Some(error)),
    };
    let mut found = match &filter {
        // One more tells whether there is another page.
        Some(filter) => search::find(&mut conn, scope, filter, form.before.parse().ok(), i64::try_from(PAGE)? + 1).await?,
        None => Vec::new(),
    };
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let older = found.last().filter(|_| more).map(|last| form.older(last.event_id));
    let names = Names::of(&mut conn, scope, &found).await?;
    let items = found.iter().map(|entry| Item::of(&page, entry, &names, None)).collect();
    let state = verify::state(&mut conn, scope).await?;
    let checks = Filter { action: Some("audit.verify".to_owned()), ..Filter::default() };
    let checked = search::find(&mut conn, scope, &checks, None, 1).await?.pop();
    let (choices, days) = (search::choices(&mut conn, scope).await?, keep::days(&mut conn, scope).await?);
    drop(conn);
    let language = visitor.language;
    let chain = Chain {
        signed: state.signed.map(|word| (word.seq, when(language, word.at))),
        waiting: state.waiting,
        late: state.since.is_some_and(|since| since < visitor.app.clock.now() - PATIENCE) && !state.backlog,
        backlog: state.backlog,
        verified: checked.map(|line| (when(language, line.at), line.outcome == "holds")),
    };
    let Choices { actors, actions, outcomes } = choices;
    let shown = AuditPage {
        actors: offered(actors, &form.actor, |actor| told::actor_kind(&page, actor)),
        actions: offered(actions, &form.action, |action| told::act(&page, action)),
        outcomes: offered(outcomes, &form.outcome, |outcome| told::outcome(&page, outcome)),
        filtered: !form.is_empty(),
        page,
        rail: desk.rail(Here::Audit),
        form,
        chain,
        items,
        people: desk.may::<Serve>(),
        older,
        days,
        error,
    };
    Ok(page::html_as(if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &shown))
}

/// In the order of their words; what was chosen is among them, whether there is any of it or not.
fn offered(mut values: Vec<String>, chosen: &str, label: impl Fn(&str) -> String) -> Vec<Choice> {
    if !chosen.is_empty() && !values.iter().any(|value| value == chosen) {
        values.push(chosen.to_owned());
    }
    let mut choices: Vec<Choice> =
        values.into_iter().map(|value| Choice { label: label(&value), chosen: value == chosen, value }).collect();
    choices.sort_by_key(|choice| choice.label.to_lowercase());
    choices
}
