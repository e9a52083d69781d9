//! `/console/branding` — how the tenant's pages look, and whom people are told to ask. What is typed and cannot be used is shown again; a
//! form that somebody else has overtaken is shown again too, beside what holds now. The look of a colour is the server's to derive, so its
//! preview is a style sheet for the sample on the page: that of the colour that is typed, once it is one.

mod groups;
mod logo;
pub mod words;

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    approvals::ask_first,
    guard::{Desk, Fresh, Govern, May},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    base::colour::{Accent, Colour},
    domain::{
        approvals::{self, Act, Wish},
        branding::{self, Changed, State, UnfitContact},
        history::What,
        policies::{self, Group},
        tenants::{Contact, Logo},
    },
    web::{Error, Page, Result, brand, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/console/branding", get(show).post(submit))
        .route("/console/branding/preview.css", get(preview))
        .merge(logo::routes())
        .merge(groups::routes())
}

/// The product's own, for the sample.
const USUAL: &str = "#2456b3";

/// As it was typed.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Form {
    accent: String,
    phone: String,
    mail: String,
    link: String,
    /// Of what it was filled in for.
    seen: String,
}

impl Form {
    fn of(state: &State) -> Self {
        let text = |one: &Option<String>| one.clone().unwrap_or_default();
        let Contact { phone, mail, link, .. } = &state.desk;
        Self { accent: text(&state.accent), phone: text(phone), mail: text(mail), link: text(link), seen: state.mark() }
    }

    /// What it asks for; else the keys of what cannot be used.
    fn read(&self) -> Result<(Option<String>, Contact), Vec<&'static str>> {
        let mut errors = Vec::new();
        let accent = Colour::parse(&self.accent);
        if accent.is_none() && !self.accent.trim().is_empty() {
            errors.push("brand-error-colour");
        }
        let contact = branding::parse_contact(["", &self.phone, &self.mail, &self.link]);
        errors.extend(contact.as_ref().err().into_iter().flatten().map(|unfit| error_key(*unfit)));
        match contact {
            Ok(contact) if errors.is_empty() => Ok((accent.map(|accent| accent.to_string()), contact)),
            _ => Err(errors),
        }
    }
}

const fn error_key(unfit: UnfitContact) -> &'static str {
    match unfit {
        UnfitContact::Text => "brand-error-text",
        UnfitContact::Phone => "brand-error-phone",
        UnfitContact::Mail => "brand-error-mail",
        UnfitContact::Link => "brand-error-link",
    }
}

/// A group's help desk, as it stands in its form.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct GroupForm {
    /// As [`policies::Group`] is written in a field.
    group: String,
    priority: String,
    text: String,
    phone: String,
    mail: String,
    link: String,
    seen: String,
}

struct GroupLine {
    /// As its field has it.
    field: String,
    name: String,
    form: GroupForm,
    contact: Contact,
}

/// What was just sent, and what became of it.
#[derive(Default)]
struct Sent {
    form: Option<Form>,
    group: Option<GroupForm>,
    errors: Vec<&'static str>,
    saved: bool,
}

#[derive(Template)]
#[template(path = "console/branding.html")]
struct BrandingPage {
    page: Page,
    rail: Rail,
    form: Form,
    /// What people are told in words: a setting.
    help: String,
    usual: &'static str,
    /// In what colour the sample is.
    sample: String,
    /// What it became in the light, if that is not what was chosen.
    corrected: Option<String>,
    logo: Option<Logo>,
    logo_url: String,
    groups: Vec<GroupLine>,
    /// Those that have none yet: field and name.
    others: Vec<(String, String)>,
    group: GroupForm,
    seen: String,
    errors: Vec<&'static str>,
    saved: bool,
}

/// A group in a field.
fn field(group: &Group) -> String {
    format!("{}-{}", group.connector_id.simple(), group.object_guid.simple())
}

/// As it is called, or its id where no agent tells.
fn name(group: &Group) -> String {
    group.name.clone().unwrap_or_else(|| group.object_guid.to_string())
}

async fn show(desk: Fresh<Govern>, uri: Uri) -> Result<Response> {
    answer(&desk, StatusCode::OK, Sent { saved: uri.query() == Some("saved"), ..Sent::default() }).await
}

/// The page, as things are now, with what was sent in the place of what is kept.
async fn answer(desk: &Desk, status: StatusCode, sent: Sent) -> Result<Response> {
    let visitor = &desk.visitor;
    let scope = &visitor.tenant.scope;
    let mut conn = visitor.acquire().await?;
    // As it is, not as it was a moment ago.
    let state = branding::state(&mut conn, scope).await?;
    let known = policies::groups(&mut conn, scope).await?;
    drop(conn);
    let seen = state.mark();
    let form = sent.form.map_or_else(|| Form::of(&state), |form| Form { seen: seen.clone(), ..form });
    let sample = Colour::parse(&form.accent).or_else(|| Colour::parse(USUAL));
    let corrected = Colour::parse(&form.accent).and_then(|chosen| {
        let shown = Accent::of(chosen).light.accent;
        (shown != chosen).then(|| shown.to_string())
    });
    let others = known.iter().filter(|group| !state.groups.iter().any(|one| one.group.is(group)));
    let shown = BrandingPage {
        page: visitor.page(),
        rail: desk.rail(Here::Branding),
        usual: USUAL,
        help: visitor.tenant.help.clone().unwrap_or_default(),
        sample: sample.map_or_else(String::new, |colour| colour.to_string()),
        corrected,
        logo_url: state.logo.as_ref().map(brand::logo_url).unwrap_or_default(),
        others: others.map(|group| (field(group), name(group))).collect(),
        group: sent.group.unwrap_or_else(|| groups::fresh(&state)),
        groups: state.groups.iter().map(groups::line).collect(),
        logo: state.logo,
        form,
        seen,
        errors: sent.errors,
        saved: sent.saved,
    };
    Ok(page::html_as(status, &shown))
}

async fn submit(desk: Fresh<Govern>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (accent, contact) = match form.read() {
        Ok(read) => read,
        Err(errors) => {
            return answer(&desk, StatusCode::UNPROCESSABLE_ENTITY, Sent { form: Some(form), errors, ..Sent::default() }).await;
        }
    };
    let edit = move |state: &mut State| (state.accent, state.desk) = (accent, contact);
    if let Some(done) = save(&desk, edit, &form.seen).await? {
        return Ok(done);
    }
    answer(&desk, StatusCode::CONFLICT, Sent { form: Some(form), errors: vec!["console-error-stale"], ..Sent::default() }).await
}

/// Saved; or asked for where it takes two, as whom people are told to ask does. `None`: somebody else was faster.
pub(super) async fn save(desk: &Desk, edit: impl FnOnce(&mut State) + Send, seen: &str) -> Result<Option<Response>> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let before = branding::state(&mut tx, scope).await?;
    let Changed::Yes(after) = branding::change(&mut tx, &app.clock, &visitor.source, scope, (edit, Some(seen))).await? else {
        return Ok(None);
    };
    if (&before.desk, &before.groups) != (&after.desk, &after.groups) && approvals::wants(&mut tx, scope, Act::Policy).await? {
        tx.rollback().await?;
        return ask_first(visitor.begin().await?, desk, &Wish::change(What::Branding, &before, &after)?).await.map(Some);
    }
    tx.commit().await?;
    Ok(Some(Redirect::to("/console/branding?saved").into_response()))
}

/// What the sample of the page would look like in a colour. Not the page itself: it is the same for everybody until it is saved.
async fn preview(_: May<Govern>, uri: Uri) -> Result<Response> {
    let query: HashMap<_, _> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let colour = query.get("accent").and_then(|text| Colour::parse(text)).ok_or(Error::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], Accent::of(colour).css(".sample")).into_response())
}
