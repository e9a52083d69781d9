//! `/console/history` — what was changed of the policies, the settings, the branding and the messages' texts, by whom, and what it was before;
//! and the way back. What is undone is shown first, against what holds now, and is saved only while that still holds.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, Uri},
    response::{Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    branding as branding_page,
    guard::{Desk, Fresh, Govern, May, Rules as MayRead},
    impact::{ImpactPage, Sends},
    person,
    policies::{self as policies_page, Line, Wish, words},
    settings as settings_page,
    shell::{Here, Rail},
    texts,
};
use crate::{
    app::App,
    domain::{
        branding,
        history::{self, Entry, What},
        policies::{Group, Rules},
        settings::{self, State},
        tenants::{self, Aid},
        texts::mark,
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(_): Path<Uuid>| async { Redirect::to("/console/history") });
    Router::new().route("/console/history", get(index)).route("/console/history/{id}/undo", post(undo).merge(back()))
}

/// So many at a time.
const PAGE: i64 = 20;

struct Item {
    id: Uuid,
    when: When,
    who: String,
    /// Of the words of what it is of.
    what: &'static str,
    changes: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/history.html")]
struct HistoryPage {
    page: Page,
    rail: Rail,
    /// As [`What`] is written, or nothing: all.
    of: &'static str,
    items: Vec<Item>,
    /// Where older ones are.
    older: Option<String>,
    /// Whoever looks may bring something back.
    governs: bool,
}

async fn index(desk: May<MayRead>, uri: Uri) -> Result<Response> {
    let visitor = &desk.visitor;
    let (scope, page) = (&visitor.tenant.scope, visitor.page());
    let query: HashMap<_, _> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let what = query.get("of").and_then(|of| What::parse(of));
    let before = query.get("before").and_then(|id| id.parse().ok());
    let mut conn = visitor.acquire().await?;
    let entries = history::page(&mut conn, scope, what, before, PAGE).await?;
    let known = crate::domain::policies::groups(&mut conn, scope).await?;
    let names = person::names(&mut conn, scope).await?;
    drop(conn);
    let of = what.map_or("", What::as_str);
    let full = entries.len() >= usize::try_from(PAGE).unwrap_or_default();
    let older = entries.last().filter(|_| full).map(|last| format!("/console/history?of={of}&before={}", last.change_id));
    let item = |entry: &Entry| Item {
        id: entry.change_id,
        when: when(visitor.language, entry.at),
        who: person::who(&page, &entry.actor, &names),
        what: title(entry.what),
        changes: changes(&page, entry.what, (&entry.before, &entry.after), &known),
    };
    let shown = HistoryPage {
        rail: desk.rail(what.map_or(Here::Policies, here)),
        of,
        items: entries.iter().map(item).collect(),
        older,
        governs: desk.may::<Govern>(),
        page,
    };
    Ok(page::html(&shown))
}

pub(super) const fn title(what: What) -> &'static str {
    match what {
        What::Policies => "console-nav-policies",
        What::Settings => "console-nav-settings",
        What::Branding => "console-nav-branding",
        What::Texts => "texts-title",
    }
}

const fn here(what: What) -> Here {
    match what {
        What::Policies => Here::Policies,
        What::Settings => Here::Settings,
        What::Branding => Here::Branding,
        What::Texts => Here::Texts,
    }
}

/// What it changed, in words; nothing of a state that cannot be read any more.
pub(super) fn changes(page: &Page, what: What, (before, after): (&Value, &Value), known: &[Group]) -> Vec<Line> {
    match what {
        What::Policies => {
            let read = |state: &Value| serde_json::from_value::<Rules>(state.clone()).map(|rules| rules.called(known));
            let (Ok(before), Ok(after)) = (read(before), read(after)) else { return Vec::new() };
            words::changes(page, &before, &after)
        }
        What::Settings => {
            let (Ok(before), Ok(after)) = (serde_json::from_value(before.clone()), serde_json::from_value(after.clone())) else {
                return Vec::new();
            };
            differences(page, &before, &after)
        }
        What::Branding => {
            let (Ok(before), Ok(after)) = (serde_json::from_value(before.clone()), serde_json::from_value(after.clone())) else {
                return Vec::new();
            };
            branding_page::words::changes(page, &before, &after, known)
        }
        What::Texts => {
            let (Ok(before), Ok(after)) = (serde_json::from_value(before.clone()), serde_json::from_value(after.clone())) else {
                return Vec::new();
            };
            texts::words::change(page, &before, &after)
        }
    }
}

/// Of settings, in words.
pub(super) fn differences(page: &Page, before: &State, after: &State) -> Vec<Line> {
    let t = |key: &str| page.t(key).into_owned();
    let on = |is: bool| t(if is { "fleet-on" } else { "fleet-off" });
    let budget = |most: Option<i32>| most.map_or_else(|| t("history-no-limit"), |most| most.to_string());
    let may = |state: &State| Aid::but(&state.forbidden).into_iter().map(|aid| t(aid_key(aid))).collect::<Vec<_>>().join(", ");
    let values = |state: &State| {
        [
            ("console-settings-name", state.name.clone()),
            ("console-settings-help", state.help.clone().unwrap_or_default()),
            ("console-settings-language", t(if state.language == "de" { "language-de" } else { "language-en" })),
            ("console-settings-self-service", on(state.self_service)),
            ("console-settings-expiry", on(state.expiry_reminders)),
            ("console-settings-reconfirm", state.reconfirm_days.to_string()),
            ("console-settings-alerts", state.alerts.clone().unwrap_or_default()),
            ("console-settings-domains", state.mail_domains.join(", ")),
            ("console-settings-countries", state.allowed.sms_countries.join(", ")),
            ("console-settings-sms", budget(state.allowed.sms_budget)),
            ("console-settings-mail", budget(state.allowed.mail_budget)),
            ("console-settings-limit", state.allowed.address_limit.to_string()),
            ("console-settings-may", may(state)),
        ]
    };
    let pairs = values(before).into_iter().zip(values(after));
    let changed = pairs.filter(|((_, old), (_, new))| old != new);
    changed.map(|((key, old), (_, new))| Line { subject: String::new(), key, old, new }).collect()
}

const fn aid_key(aid: Aid) -> &'static str {
    match aid {
        Aid::Temporary => "console-settings-may-temporary",
        Aid::Code => "console-settings-may-code",
        Aid::Unlock => "console-settings-may-unlock",
        Aid::Method => "console-settings-may-method",
        Aid::Invitation => "console-settings-may-invitation",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// What the settings were when it was shown; not there: it has not been shown yet.
    #[serde(default)]
    seen: String,
    /// It is meant that nobody can use self-service afterwards.
    #[serde(default)]
    sure: String,
}

#[derive(Template)]
#[template(path = "console/undo.html")]
struct UndoPage {
    page: Page,
    rail: Rail,
    id: Uuid,
    changes: Vec<Line>,
    seen: String,
    again: bool,
}

async fn undo(desk: Fresh<Govern>, Path(id): Path<Uuid>, form::Form(form): form::Form<Seen>) -> Result<Response> {
    let scope = &desk.visitor.tenant.scope;
    let mut tx = desk.visitor.begin().await?;
    let entry = history::one(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    if entry.what == What::Policies {
        drop(tx);
        return policies_page::preview(&desk, Wish::Undo { id }, None).await;
    }
    if entry.what == What::Branding {
        drop(tx);
        return undo_branding(&desk, &entry, &form.seen).await;
    }
    if entry.what == What::Texts {
        drop(tx);
        return undo_text(&desk, &entry, form.seen).await;
    }
    drop(tx);
    undo_settings(&desk, &entry, &form).await
}

async fn undo_settings(desk: &Desk, entry: &Entry, form: &Seen) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let now = tenants::again(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    let (id, seen) = (entry.change_id, settings::mark(&now));
    let then = State::of(&now).over(&entry.before)?;
    // Overtaken in this very moment: whoever presses now is shown it anew.
    let preview = settings_page::worked_out(desk, &now, then.clone().change()).await?.ok().flatten();
    let unsure = preview.as_ref().is_some_and(|preview| preview.nobody) && form.sure.is_empty();
    if form.seen == seen
        && !unsure
        && let Ok(done) = settings_page::save(desk, then.clone().change(), &seen).await?
    {
        return Ok(done);
    }
    let again = (!form.seen.is_empty()).then_some(if form.seen == seen && unsure { "policies-preview-sure" } else { "history-again" });
    let Some(preview) = preview else {
        let changes = differences(&desk.visitor.page(), &State::of(&now), &then);
        return Ok(shown(desk, (id, Here::Settings), changes, seen, again.is_some()));
    };
    let save = Sends { to: format!("/console/history/{id}/undo"), fields: vec![("seen".into(), seen)] };
    let home = ("/console/history", "history-title");
    Ok(ImpactPage { title: "history-undo-title", again, home, save, ..preview }.answer())
}

/// A logo that is not kept any more stays away.
async fn undo_branding(desk: &Desk, entry: &Entry, seen: &str) -> Result<Response> {
    let (scope, id) = (&desk.visitor.tenant.scope, entry.change_id);
    let then: branding::State = serde_json::from_value(entry.before.clone())?;
    if !seen.is_empty() {
        let then = then.clone();
        if let Some(done) = branding_page::save(desk, move |state| *state = then, seen).await? {
            return Ok(done);
        }
    }
    let mut conn = desk.visitor.acquire().await?;
    let (now, again) = (branding::state(&mut conn, scope).await?, !seen.is_empty());
    let known = crate::domain::policies::groups(&mut conn, scope).await?;
    let then = branding::within_reach(&mut conn, scope, &now, then).await?;
    let changes = branding_page::words::changes(&desk.visitor.page(), &now, &then, &known);
    Ok(shown(desk, (id, Here::Branding), changes, now.mark(), again))
}

/// Of one text: shown first, too.
async fn undo_text(desk: &Desk, entry: &Entry, seen: String) -> Result<Response> {
    let (which, now, then) = texts::undone(desk, entry).await?;
    if !seen.is_empty() {
        return texts::undo(desk, which, then, seen).await;
    }
    let seen = mark(now.as_ref());
    let changes = texts::words::difference(&desk.visitor.page(), which, now.map(|kept| kept.text).as_ref(), then.as_ref());
    Ok(shown(desk, (entry.change_id, Here::Texts), changes, seen, false))
}

/// What it would come to now.
fn shown(desk: &Desk, (id, here): (Uuid, Here), changes: Vec<Line>, seen: String, again: bool) -> Response {
    let page = desk.visitor.page();
    let shown = UndoPage { rail: desk.rail(here), id, changes, seen, again, page };
    page::html_as(if again { StatusCode::CONFLICT } else { StatusCode::OK }, &shown)
}
