//! `/console/policies/new` and `/console/policies/{id}` — one policy. What is sent is shown again, with what it would come to, before
//! anything is saved; what cannot be used is said beside its field.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use askama::Template;
use axum::{Router, extract::Path, http::StatusCode, response::Response, routing::get};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    preview::{self, Wish},
    words,
};
use crate::{
    app::App,
    console::{
        guard::{Desk, Fresh, Govern},
        shell::{Here, Rail},
    },
    domain::{
        limits::Allowance,
        operators,
        policies::{self, Draft, Group, Method, Refused, Rules},
        settings,
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/policies/new", get(new).post(create)).route("/console/policies/{id}", get(show).post(update))
}

/// As it was typed: fields by name. A box that is not ticked is not there, nor is a group for which nothing was chosen: a page carries
/// this on to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Form(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Form {
    fn from(mut fields: BTreeMap<String, String>) -> Self {
        fields.retain(|_, value| !value.is_empty());
        Self(fields)
    }
}

/// Besides the methods and the groups.
const FIELDS: [&str; 12] =
    ["name", "priority", "whom", "service", "proofs", "apart", "hours", "countries", "tries", "sends", "passwords", "seen"];

/// What is chosen for a group: for its members, or not for them.
pub const IN: &str = "+";
const OUT: &str = "-";

/// The field of a group.
pub fn field(group: &Group) -> String {
    format!("group-{}-{}", group.connector_id.simple(), group.object_guid.simple())
}

fn method_field(method: Method) -> String {
    format!("method-{}", method.as_str())
}

impl Form {
    pub fn of(draft: &Draft, seen: String) -> Self {
        let tick = |on: bool| on.then(|| "on".to_owned());
        let proofs = match draft.gates {
            1 if draft.rises => "rises",
            1 => "one",
            _ => "two",
        };
        let mut fields = BTreeMap::new();
        let mut set = |name: String, value: Option<String>| fields.extend(value.map(|value| (name, value)));
        set("name".to_owned(), Some(draft.name.clone()));
        set("priority".to_owned(), Some(draft.priority.to_string()));
        set("whom".to_owned(), Some(if draft.everybody { "everybody" } else { "groups" }.to_owned()));
        set("service".to_owned(), Some(if draft.serves { "yes" } else { "no" }.to_owned()));
        set("proofs".to_owned(), Some(proofs.to_owned()));
        set("apart".to_owned(), tick(draft.apart));
        set("hours".to_owned(), Some(draft.cooling_off.to_string()));
        set("countries".to_owned(), settings::told_countries(&draft.countries).or_else(|| Some("all".to_owned())));
        let Allowance { tries, sends, passwords } = draft.allowance;
        for (name, number) in [("tries", tries), ("sends", sends), ("passwords", passwords)] {
            set(name.to_owned(), Some(number.to_string()));
        }
        set("seen".to_owned(), Some(seen));
        for method in Method::ALL {
            set(method_field(method), tick(draft.methods.contains(&method)));
        }
        for group in &draft.groups {
            set(field(group), Some(IN.to_owned()));
        }
        for group in &draft.exceptions {
            set(field(group), Some(OUT.to_owned()));
        }
        Self(fields)
    }

    /// Of the groups that are privileged.
    pub fn privileged(groups: &[Group]) -> Self {
        Self(groups.iter().map(|group| (field(group), IN.to_owned())).collect())
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether it holds nothing that no page of ours has: a group counts only while it is known.
    pub fn is_ours(&self, known: &[Group]) -> bool {
        let group = |name: &str| known.iter().any(|one| field(one) == name);
        let method = |name: &str| Method::ALL.into_iter().any(|one| method_field(one) == name);
        self.0.keys().all(|name| FIELDS.contains(&name.as_str()) || method(name) || group(name))
    }

    /// The groups for which this was chosen.
    pub fn groups(&self, known: &[Group], chosen: &str) -> Vec<Group> {
        known.iter().filter(|group| self.get(&field(group)) == chosen).cloned().collect()
    }

    /// What it asks for; else for each field that cannot be used the key of why.
    fn read(&self, known: &[Group]) -> Result<Draft, Vec<(&'static str, &'static str)>> {
        let mut errors = Vec::new();
        let mut need = |fits: bool, field, key| {
            if !fits {
                errors.push((field, key));
            }
        };
        let name = self.get("name").trim();
        need(operators::Draft::is_name(name), "name", "policies-error-name");
        let mut number = |field, range: RangeInclusive<i32>, key| {
            let number = self.get(field).trim().parse().ok().filter(|n| range.contains(n));
            need(number.is_some(), field, key);
            number.unwrap_or_default()
        };
        let priority = number("priority", 1..=10_000, "policies-error-priority");
        let hours = number("hours", 0..=720, "policies-error-hours");
        let allowance = Allowance {
            tries: number("tries", Allowance::TRIES, "policies-error-tries"),
            sends: number("sends", Allowance::SENDS, "policies-error-sends"),
            passwords: number("passwords", Allowance::PASSWORDS, "policies-error-passwords"),
        };
        let countries = settings::parse_own_countries(self.get("countries"));
        need(countries.is_some(), "countries", "policies-error-countries");
        let everybody = self.get("whom") == "everybody";
        let groups = if everybody { Vec::new() } else { self.groups(known, IN) };
        need(everybody || !groups.is_empty(), "whom", "policies-error-no-group");
        let serves = self.get("service") != "no";
        let methods: Vec<Method> = Method::ALL.into_iter().filter(|method| !self.get(&method_field(*method)).is_empty()).collect();
        need(!serves || !methods.is_empty(), "methods", "policies-error-no-method");
        let (gates, rises) = match self.get("proofs") {
            "two" => (2, false),
            "one" => (1, false),
            _ => (1, true),
        };
        let apart = !self.get("apart").is_empty();
        let classes = policies::classes(methods.iter().copied(), apart);
        need(!serves || gates == 1 || classes >= 2, "proofs", "policies-error-one-class");
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Draft {
            name: name.to_owned(),
            priority,
            everybody,
            groups,
            exceptions: self.groups(known, OUT),
            serves,
            methods,
            gates,
            apart,
            rises,
            cooling_off: hours,
            countries: countries.unwrap_or_default(),
            allowance,
        })
    }
}

/// The groups that may be named: those that agents tell, and those that are named already.
pub async fn known(conn: &mut PgConnection, desk: &Desk, rules: &Rules) -> Result<Vec<Group>> {
    let mut known = policies::groups(conn, &desk.visitor.tenant.scope).await?;
    let named = rules.policies.iter().flat_map(|one| one.terms.groups.iter().chain(&one.terms.exceptions));
    for group in named.chain(&rules.privileged) {
        if !known.iter().any(|other| other.is(group)) {
            known.push(group.clone());
        }
    }
    Ok(known)
}

/// A box to tick or a circle to fill.
struct Choice {
    field: String,
    value: &'static str,
    /// Of its words, and of what they mean.
    key: &'static str,
    about: &'static str,
    chosen: bool,
}

/// Of a field of which one is chosen.
fn choices(form: &Form, field: &str, offered: &[(&'static str, &'static str, &'static str)]) -> Vec<Choice> {
    let choice = |(value, key, about): &(&'static str, &'static str, &'static str)| Choice {
        field: field.to_owned(),
        value,
        key,
        about,
        chosen: form.get(field) == *value,
    };
    offered.iter().map(choice).collect()
}

const WHOM: [(&str, &str, &str); 2] =
    [("everybody", "policies-everybody", "policies-everybody-about"), ("groups", "policies-groups", "policies-groups-about")];
const SERVICE: [(&str, &str, &str); 2] =
    [("yes", "policies-serves", "policies-serves-about"), ("no", "policies-serves-not", "policies-serves-not-about")];
const PROOFS: [(&str, &str, &str); 3] = [
    ("rises", "policies-proofs-rises", "policies-proofs-rises-about"),
    ("one", "policies-proofs-one", "policies-proofs-one-about"),
    ("two", "policies-proofs-two", "policies-proofs-two-about"),
];

/// What an administrator should know of each, beside its name.
const fn method_words(method: Method) -> (&'static str, &'static str) {
    match method {
        Method::Email => ("method-email", "policies-about-email"),
        Method::PrivateEmail => ("method-private-email", "policies-about-private-email"),
        Method::Sms => ("method-sms", "policies-about-sms"),
        Method::Totp => ("method-totp", "policies-about-totp"),
        Method::Passkey => ("method-passkey", "policies-about-passkey"),
        Method::RecoveryCode => ("method-recovery-code", "policies-about-recovery-code"),
        Method::HelpDesk => ("method-help-desk", "policies-about-help-desk"),
    }
}

/// A group and what was chosen for it: [`IN`], [`OUT`] or nothing.
pub struct Line {
    pub field: String,
    pub name: String,
    pub chosen: String,
}

pub fn lines(page: &Page, form: &Form, known: &[Group]) -> Vec<Line> {
    let line = |group: &Group| {
        let field = field(group);
        Line { name: words::group(page, group), chosen: form.get(&field).to_owned(), field }
    };
    known.iter().map(line).collect()
}

#[derive(Template)]
#[template(path = "console/policy.html")]
struct FormPage {
    page: Page,
    rail: Rail,
    /// `None`: a new one.
    id: Option<Uuid>,
    title: String,
    form: Form,
    whom: Vec<Choice>,
    service: Vec<Choice>,
    methods: Vec<Choice>,
    proofs: Vec<Choice>,
    groups: Vec<Line>,
    errors: Vec<(&'static str, &'static str)>,
    /// No mail domain is said to open with the very password.
    no_domains: bool,
}

impl FormPage {
    fn error(&self, field: &str) -> Option<&'static str> {
        self.errors.iter().find(|(at, _)| *at == field).map(|(_, key)| *key)
    }
}

/// The form, with what is wrong about it.
fn answer(
    desk: &Desk,
    id: Option<Uuid>,
    (form, known): (Form, &[Group]),
    status: StatusCode,
    errors: Vec<(&'static str, &'static str)>,
) -> Response {
    let page = desk.visitor.page();
    let method = |method: Method| {
        let field = method_field(method);
        let (key, about) = method_words(method);
        Choice { value: "on", key, about, chosen: !form.get(&field).is_empty(), field }
    };
    let shown = FormPage {
        rail: desk.rail(Here::Policies),
        id,
        title: if id.is_some() { form.get("name").to_owned() } else { page.t("policies-new").into_owned() },
        whom: choices(&form, "whom", &WHOM),
        service: choices(&form, "service", &SERVICE),
        methods: Method::ALL.into_iter().map(method).collect(),
        proofs: choices(&form, "proofs", &PROOFS),
        groups: lines(&page, &form, known),
        errors,
        no_domains: desk.visitor.tenant.mail_domains.is_empty(),
        form,
        page,
    };
    page::html_as(status, &shown)
}

/// The form as it was sent, once more.
pub async fn again(desk: &Desk, id: Option<Uuid>, form: Form) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, &desk.visitor.tenant.scope).await?;
    let known = known(&mut conn, desk, &rules).await?;
    Ok(answer(desk, id, (form, &known), StatusCode::OK, Vec::new()))
}

async fn new(desk: Fresh<Govern>) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, &desk.visitor.tenant.scope).await?;
    let known = known(&mut conn, &desk, &rules).await?;
    let form = Form::of(&Draft::new("", rules.free()), rules.mark());
    Ok(answer(&desk, None, (form, &known), StatusCode::OK, Vec::new()))
}

async fn show(desk: Fresh<Govern>, Path(id): Path<Uuid>) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, &desk.visitor.tenant.scope).await?;
    let known = known(&mut conn, &desk, &rules).await?;
    let policy = rules.policy(id).ok_or(Error::NotFound)?;
    let form = Form::of(&policy.terms, rules.mark());
    Ok(answer(&desk, Some(id), (form, &known), StatusCode::OK, Vec::new()))
}

async fn create(desk: Fresh<Govern>, form::Form(form): form::Form<Form>) -> Result<Response> {
    sent(&desk, None, form).await
}

async fn update(desk: Fresh<Govern>, Path(id): Path<Uuid>, form::Form(form): form::Form<Form>) -> Result<Response> {
    sent(&desk, Some(id), form).await
}

async fn sent(desk: &Desk, id: Option<Uuid>, form: Form) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    if id.is_some_and(|id| rules.policy(id).is_none()) {
        return Err(Error::NotFound);
    }
    if form.get("seen") != rules.mark() {
        return stale(desk, id, form).await;
    }
    preview::answer(desk, Wish::Save { id, form }, None).await
}

/// Somebody else was faster: the form as it was sent, for what holds now.
async fn stale(desk: &Desk, id: Option<Uuid>, mut form: Form) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, &desk.visitor.tenant.scope).await?;
    let known = known(&mut conn, desk, &rules).await?;
    if !form.is_ours(&known) {
        return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"));
    }
    form.0.insert("seen".to_owned(), rules.mark());
    Ok(answer(desk, id, (form, &known), StatusCode::CONFLICT, vec![("", "console-error-stale")]))
}

/// What a form asks for, or the page that says what is wrong with it.
pub fn draft(desk: &Desk, id: Option<Uuid>, form: &Form, known: &[Group]) -> Result<std::result::Result<Draft, Response>> {
    if !form.is_ours(known) {
        return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"));
    }
    Ok(form.read(known).map_err(|errors| answer(desk, id, (form.clone(), known), StatusCode::UNPROCESSABLE_ENTITY, errors)))
}

/// Why it cannot be saved, beside the field.
pub fn refused(desk: &Desk, id: Option<Uuid>, form: &Form, known: &[Group], refused: Refused) -> Response {
    let error = match refused {
        Refused::PriorityTaken => ("priority", "policies-error-priority-taken"),
        Refused::NameTaken => ("name", "policies-error-name-taken"),
        Refused::NoGroup => ("whom", "policies-error-no-group"),
        Refused::NoMethod => ("methods", "policies-error-no-method"),
        Refused::OneClass => ("proofs", "policies-error-one-class"),
        Refused::Bounds | Refused::Gone | Refused::Stale => ("", "console-error-stale"),
    };
    answer(desk, id, (form.clone(), known), StatusCode::UNPROCESSABLE_ENTITY, vec![error])
}
