//! Help desks of groups: one for each group, in an order of which the first that applies to a person holds, as with policies.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    response::{Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{GroupForm, GroupLine, Sent, answer, error_key, field, name, save};
use crate::{
    app::App,
    console::guard::{Desk, Fresh, Govern},
    domain::{
        branding::{self, GroupContact, MOST_GROUPS, PRIORITIES, State},
        policies::{self, Group},
        tenants::Contact,
    },
    web::{Result, form},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/branding") });
    Router::new()
        .route("/console/branding/groups", post(put).merge(back()))
        .route("/console/branding/groups/remove", post(remove).merge(back()))
}

/// For one more, behind those that are there.
pub(super) fn fresh(state: &State) -> GroupForm {
    let last = state.groups.iter().map(|one| one.priority).max().unwrap_or_default();
    GroupForm { priority: (last + 10).min(*PRIORITIES.end()).to_string(), ..GroupForm::default() }
}

pub(super) fn line(one: &GroupContact) -> GroupLine {
    let text = |one: &Option<String>| one.clone().unwrap_or_default();
    let GroupContact { group, priority, contact } = one;
    let Contact { text: said, phone, mail, link } = contact;
    let form = GroupForm {
        group: field(group),
        priority: priority.to_string(),
        text: text(said),
        phone: text(phone),
        mail: text(mail),
        link: text(link),
        seen: String::new(),
    };
    GroupLine { field: field(group), name: name(group), form, contact: contact.clone() }
}

impl GroupForm {
    /// What it asks for; else the keys of what cannot be used. `known`: the groups that may be named.
    fn read(&self, known: &[Group]) -> Result<GroupContact, Vec<&'static str>> {
        let group = known.iter().find(|group| field(group) == self.group);
        let priority = self.priority.trim().parse().ok().filter(|priority| PRIORITIES.contains(priority));
        let contact = branding::parse_contact([&self.text, &self.phone, &self.mail, &self.link]);
        let mut errors: Vec<_> = contact.as_ref().err().into_iter().flatten().map(|unfit| error_key(*unfit)).collect();
        errors.extend(contact.as_ref().is_ok_and(Contact::is_empty).then_some("brand-error-nobody"));
        errors.extend(group.is_none().then_some("brand-error-group"));
        errors.extend(priority.is_none().then_some("policies-error-priority"));
        match (group, priority, contact) {
            (Some(group), Some(priority), Ok(contact)) if errors.is_empty() => Ok(GroupContact { group: group.clone(), priority, contact }),
            _ => Err(errors),
        }
    }
}

/// Those that may be named: agents tell of them, or they have a help desk already; and those that have.
async fn known(desk: &Desk) -> Result<(Vec<Group>, Vec<Group>)> {
    let scope = &desk.visitor.tenant.scope;
    let mut conn = desk.visitor.acquire().await?;
    let mut known = policies::groups(&mut conn, scope).await?;
    let state = branding::state(&mut conn, scope).await?;
    let has: Vec<_> = state.groups.into_iter().map(|one| one.group).collect();
    for one in &has {
        if !known.iter().any(|group| group.is(one)) {
            known.push(one.clone());
        }
    }
    Ok((known, has))
}

async fn put(desk: Fresh<Govern>, form::Form(form): form::Form<GroupForm>) -> Result<Response> {
    let (known, has) = known(&desk).await?;
    let wanted = match form.read(&known) {
        Ok(contact) if has.len() >= MOST_GROUPS && !has.iter().any(|group| group.is(&contact.group)) => Err(vec!["brand-error-many"]),
        read => read,
    };
    let contact = match wanted {
        Ok(contact) => contact,
        Err(errors) => {
            return answer(&desk, StatusCode::UNPROCESSABLE_ENTITY, Sent { group: Some(form), errors, ..Sent::default() }).await;
        }
    };
    if let Some(done) = save(&desk, move |state| state.put(contact), &form.seen).await? {
        return Ok(done);
    }
    stale(&desk, Some(form)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    group: String,
    seen: String,
}

async fn remove(desk: Fresh<Govern>, form::Form(form): form::Form<Gone>) -> Result<Response> {
    let Gone { group, seen } = form;
    if let Some(done) = save(&desk, move |state| state.groups.retain(|one| field(&one.group) != group), &seen).await? {
        return Ok(done);
    }
    stale(&desk, None).await
}

async fn stale(desk: &Desk, group: Option<GroupForm>) -> Result<Response> {
    answer(desk, StatusCode::CONFLICT, Sent { group, errors: vec!["console-error-stale"], ..Sent::default() }).await
}
