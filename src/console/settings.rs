//! `/console/settings` — what holds for the whole organisation. What is typed and cannot be used is shown again; a form that somebody else
//! has overtaken is shown again too, beside what holds now. What decides who can prove themselves, mail domains and countries, is saved only
//! once the page that counts who gains and who loses by it was shown ([`weighed`]).

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    approvals::ask_first,
    guard::{Desk, Fresh, Govern},
    history,
    impact::{ImpactPage, Sends},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::{id, language::Language},
    domain::{
        approvals::{self, Act, Wish},
        coverage,
        history::What,
        operators::Draft,
        settings::{self, ADDRESS_LIMITS, Changed, LONGEST_RECONFIRM, State},
        tenants::{self, Aid, Allowed, Change, Tenant},
        texts,
        users::EmailAddress,
    },
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/settings", get(show).post(submit))
}

/// As it was typed. A box that is not ticked is not there.
#[derive(Deserialize, Serialize, Default, Clone)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    help: String,
    language: String,
    #[serde(default)]
    self_service: String,
    alerts: String,
    mail_domains: String,
    reconfirm_days: String,
    #[serde(default)]
    expiry_reminders: String,
    address_limit: String,
    sms_budget: String,
    mail_budget: String,
    sms_countries: String,
    #[serde(default)]
    may_temporary: String,
    #[serde(default)]
    may_code: String,
    #[serde(default)]
    may_unlock: String,
    #[serde(default)]
    may_method: String,
    #[serde(default)]
    may_invitation: String,
    /// Of what it was filled in for.
    seen: String,
    /// That what it comes to was shown for just this.
    #[serde(default)]
    shown: String,
    /// It is meant that nobody can use self-service afterwards.
    #[serde(default)]
    sure: String,
    /// From the page that shows what it comes to, back to the form.
    #[serde(default)]
    back: String,
}

impl Form {
    fn of(tenant: &Tenant) -> Self {
        let tick = |on: bool| if on { "on".to_owned() } else { String::new() };
        let may = |aid| tick(!tenant.forbidden.contains(&aid));
        let budget = |most: Option<i32>| most.map_or_else(String::new, |most| most.to_string());
        Self {
            name: tenant.name.clone(),
            help: tenant.help.clone().unwrap_or_default(),
            language: tenant.language.tag().to_owned(),
            self_service: tick(tenant.self_service),
            alerts: tenant.alerts.clone().unwrap_or_default(),
            mail_domains: tenant.mail_domains.join("\n"),
            reconfirm_days: tenant.reconfirm_days.to_string(),
            expiry_reminders: tick(tenant.expiry_reminders),
            address_limit: tenant.allowed.address_limit.to_string(),
            sms_budget: budget(tenant.allowed.sms_budget),
            mail_budget: budget(tenant.allowed.mail_budget),
            sms_countries: tenant.allowed.sms_countries.join(", "),
            may_temporary: may(Aid::Temporary),
            may_code: may(Aid::Code),
            may_unlock: may(Aid::Unlock),
            may_method: may(Aid::Method),
            may_invitation: may(Aid::Invitation),
            seen: settings::mark(tenant),
            ..Self::default()
        }
    }

    /// Without what was said of the page between.
    fn bare(&self) -> Self {
        Self { shown: String::new(), sure: String::new(), back: String::new(), ..self.clone() }
    }

    /// As the page between carries it, with one field more.
    fn fields(&self, name: &str, value: String) -> Vec<(String, String)> {
        let serde_json::Value::Object(mut all) = serde_json::to_value(self.bare()).expect("plain data") else { return Vec::new() };
        all.insert(name.to_owned(), value.into());
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
    }

    /// That this was shown.
    fn hash(&self, desk: &Desk) -> String {
        let text = serde_json::to_vec(&self.bare()).expect("plain data");
        data_encoding::HEXLOWER.encode(&desk.visitor.tenant.scope.key().hash(b"settings preview", &text))
    }

    fn may(&self, aid: Aid) -> bool {
        let ticked = match aid {
            Aid::Temporary => &self.may_temporary,
            Aid::Code => &self.may_code,
            Aid::Unlock => &self.may_unlock,
            Aid::Method => &self.may_method,
            Aid::Invitation => &self.may_invitation,
        };
        !ticked.is_empty()
    }

    /// What it asks for; else the keys of what cannot be used. `now`: what holds, some of it maybe from before there were these rules.
    fn read(&self, now: &Tenant) -> Result<Change, Vec<&'static str>> {
        let mut errors = Vec::new();
        let mut need = |fits: bool, key| {
            if !fits {
                errors.push(key);
            }
        };
        let (name, help) = (self.name.trim(), self.help.trim());
        need(Draft::is_name(name), "console-settings-error-name");
        // Both stand in messages, where no words may lead anywhere.
        need(name == now.name || texts::link(name).is_none(), "console-settings-error-name-link");
        let same = now.help.as_deref() == Some(help);
        need(same || texts::beyond(help, &settings::hosts(now)).is_none(), "console-settings-error-help-link");
        need(help.is_empty() || help.chars().count() <= 200 && !help.chars().any(char::is_control), "console-settings-error-help");
        let alerts = EmailAddress::parse(&self.alerts);
        need(alerts.is_some() || self.alerts.trim().is_empty(), "console-settings-error-alerts");
        let domains = settings::parse_domains(&self.mail_domains).ok();
        need(domains.is_some(), "console-settings-error-domains");
        let days = self.reconfirm_days.trim().parse().ok().filter(|days| (0..=LONGEST_RECONFIRM).contains(days));
        need(days.is_some(), "console-settings-error-days");
        let limit = self.address_limit.trim().parse().ok().filter(|most| ADDRESS_LIMITS.contains(most));
        need(limit.is_some(), "console-settings-error-limit");
        let budget = |text: &str| match text.trim() {
            "" => Some(None),
            text => text.parse().ok().filter(|most| *most >= 0).map(Some),
        };
        let (sms, mail) = (budget(&self.sms_budget), budget(&self.mail_budget));
        need(sms.is_some() && mail.is_some(), "console-settings-error-budget");
        let countries =
            if self.sms_countries.trim().is_empty() { Some(Vec::new()) } else { settings::parse_countries(&self.sms_countries) };
        need(countries.is_some(), "console-settings-error-countries");
        let language = Language::negotiate(&self.language);
        need(language.is_some(), "console-settings-error-language");
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Change {
            name: Some(name.to_owned()),
            language,
            help: Some(Some(help.to_owned()).filter(|help| !help.is_empty())),
            self_service: Some(!self.self_service.is_empty()),
            mail_domains: domains,
            alerts: Some(alerts.map(|address| address.as_str().to_owned())),
            reconfirm_days: days,
            expiry_reminders: Some(!self.expiry_reminders.is_empty()),
            allowed: Some(Allowed {
                address_limit: limit.unwrap_or_default(),
                sms_budget: sms.flatten(),
                mail_budget: mail.flatten(),
                sms_countries: countries.unwrap_or_default(),
            }),
            forbidden: Some(Aid::ALL.into_iter().filter(|aid| !self.may(*aid)).collect()),
        })
    }
}

#[derive(Template)]
#[template(path = "console/settings.html")]
struct SettingsPage {
    page: Page,
    rail: Rail,
    form: Form,
    hosts: String,
    languages: Vec<(&'static str, &'static str)>,
    errors: Vec<&'static str>,
    /// Just saved.
    saved: bool,
}

async fn show(desk: Fresh<Govern>, uri: axum::http::Uri) -> Result<Response> {
    // As it is, not as it was a moment ago.
    let mut conn = desk.visitor.acquire().await?;
    let tenant = tenants::again(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    Ok(answer(&desk, &tenant, Form::of(&tenant), StatusCode::OK, (Vec::new(), uri.query() == Some("saved"))))
}

fn answer(desk: &Desk, tenant: &Tenant, form: Form, status: StatusCode, (errors, saved): (Vec<&'static str>, bool)) -> Response {
    let (page, rail, hosts) = (desk.visitor.page(), desk.rail(Here::Settings), tenant.hosts.join(", "));
    let languages = vec![("en", "language-en"), ("de", "language-de")];
    page::html_as(status, &SettingsPage { page, rail, form, hosts, languages, errors, saved })
}

async fn submit(desk: Fresh<Govern>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let change = match form.read(&desk.visitor.tenant) {
        Ok(change) => change,
        Err(errors) => return Ok(answer(&desk, &desk.visitor.tenant, form, StatusCode::UNPROCESSABLE_ENTITY, (errors, false))),
    };
    if !form.back.is_empty() {
        return Ok(answer(&desk, &desk.visitor.tenant, form.bare(), StatusCode::OK, (Vec::new(), false)));
    }
    let done = match weighed(&desk, &form, change.clone()).await? {
        Ok(None) => save(&desk, change, &form.seen).await?,
        Ok(Some(page)) => Ok(page),
        Err(now) => Err(now),
    };
    done.or_else(|now| {
        let form = Form { seen: settings::mark(&now), ..form.bare() };
        Ok(answer(&desk, &now, form, StatusCode::CONFLICT, (vec!["console-error-stale"], false)))
    })
}

/// The page to show before this is saved, if there is one. `Err`: not any more what the form was filled in for.
async fn weighed(desk: &Desk, form: &Form, change: Change) -> Result<std::result::Result<Option<Response>, Tenant>> {
    let mut conn = desk.visitor.acquire().await?;
    let now = tenants::again(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    if settings::mark(&now) != form.seen {
        return Ok(Err(now));
    }
    let preview = match worked_out(desk, &now, change).await? {
        Ok(Some(preview)) => preview,
        Ok(None) => return Ok(Ok(None)),
        Err(now) => return Ok(Err(now)),
    };
    let hash = form.hash(desk);
    let shown = id::same(form.shown.as_bytes(), hash.as_bytes());
    if shown && (!preview.nobody || !form.sure.is_empty()) {
        return Ok(Ok(None));
    }
    let to = |name, value| Sends { to: "/console/settings".into(), fields: form.fields(name, value) };
    let again = shown.then_some("policies-preview-sure");
    let preview = ImpactPage { again, save: to("shown", hash), back: Some(to("back", "on".to_owned())), ..preview };
    Ok(Ok(Some(preview.answer())))
}

/// What this would come to, if it touches who can prove themselves: done, looked at, and rolled back. `Err`: `now` holds no more.
pub(super) async fn worked_out(desk: &Desk, now: &Tenant, change: Change) -> Result<std::result::Result<Option<ImpactPage>, Tenant>> {
    let visitor = &desk.visitor;
    let countries = change.allowed.as_ref().is_none_or(|allowed| allowed.sms_countries == now.allowed.sms_countries);
    if countries && change.mail_domains.as_ref().is_none_or(|domains| *domains == now.mail_domains) {
        return Ok(Ok(None));
    }
    let mut tx = visitor.begin().await?;
    let (both, impact) = match coverage::impact_of_settings(&mut tx, now, &visitor.app.clock, &visitor.source, change).await? {
        Ok(found) => found,
        Err(now) => return Ok(Err(*now)),
    };
    tx.rollback().await?;
    let page = visitor.page();
    let changes = history::differences(&page, &State::of(&both[0]), &State::of(&both[1]));
    let off = (!both[1].self_service).then(|| page.t("policies-warn-off").into_owned());
    Ok(Ok(Some(ImpactPage {
        title: "policies-preview-save",
        home: ("/console/settings", "console-nav-settings"),
        ..ImpactPage::new(desk, Here::Settings, &impact, changes, off.into_iter().collect())
    })))
}

/// What a change that waits for a decision would come to now, if it touches who can prove themselves.
pub(super) async fn of_approval(desk: &Desk, approval: Uuid, after: &serde_json::Value) -> Result<Option<Response>> {
    let mut conn = desk.visitor.acquire().await?;
    let now = tenants::again(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    let preview = worked_out(desk, &now, State::of(&now).over(after)?.change()).await?.ok().flatten();
    let waits = |preview| {
        let (title, rail, approval) = ("policies-preview-waits", desk.rail(Here::Approvals), Some(approval));
        ImpactPage { rail, title, approval, ..preview }.answer()
    };
    Ok(preview.map(waits))
}

/// Save this, or ask for the second person whom it takes. `Err`: not any more what was `seen`; as it is now.
pub(super) async fn save(desk: &Desk, change: Change, seen: &str) -> Result<std::result::Result<Response, Tenant>> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let (before, after) = match settings::change(&mut tx, &app.clock, &visitor.source, scope, (change, Some(seen))).await? {
        Changed::Yes(both) => (State::of(&both[0]), State::of(&both[1])),
        Changed::Stale(now) => return Ok(Err(*now)),
    };
    if before.guards_otherwise(&after) && approvals::wants(&mut tx, scope, Act::Policy).await? {
        tx.rollback().await?;
        return ask_first(visitor.begin().await?, desk, &Wish::change(What::Settings, &before, &after)?).await.map(Ok);
    }
    tx.commit().await?;
    Ok(Ok(Redirect::to("/console/settings?saved").into_response()))
}
