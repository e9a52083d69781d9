//! `/console/operators` — who may sign in here and what each may do. Nobody changes themselves, nor whoever stands as high, but owners one
//! another. A new operator, and one who has lost password or second factor, gets a link that is shown once.

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
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    approvals::ask_first,
    guard::{Desk, Fresh, May, Own, Staff},
    shell::{Here, Rail, role_key},
};
use crate::{
    app::App,
    domain::{
        approvals::{self, Act, Opening, Wish},
        operators::{self, Draft, Operator, Role, Saved},
        policies,
        users::EmailAddress,
    },
    web::{
        Error, Page, Result, form,
        page::{self, When, when},
    },
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|Path(id): Path<Uuid>| async move { Redirect::to(&format!("/console/operators/{id}")) });
    Router::new()
        .route("/console/operators", get(index))
        .route("/console/operators/new", get(new).post(create))
        .route("/console/operators/{id}", get(show).post(change))
        .route("/console/operators/{id}/link", post(link).merge(back()))
        .route("/console/operators/{id}/unlink", post(unlink).merge(back()))
        .route("/console/operators/{id}/disable", post(disable).merge(back()))
        .route("/console/operators/{id}/enable", post(enable).merge(back()))
}

struct Line {
    id: Uuid,
    name: String,
    mail: String,
    role: &'static str,
    /// Of the state's words.
    state: &'static str,
    me: bool,
}

#[derive(Template)]
#[template(path = "console/operators.html")]
struct IndexPage {
    page: Page,
    rail: Rail,
    /// Whoever looks decides where operators sign in.
    owner: bool,
    operators: Vec<Line>,
}

const fn state_key(operator: &Operator) -> &'static str {
    match (operator.disabled_at, operator.is_ready) {
        (Some(_), _) => "console-operator-disabled",
        (None, true) => "console-operator-active",
        (None, false) => "console-operator-invited",
    }
}

async fn index(desk: May<Staff>) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let all = operators::all(&mut conn, &desk.visitor.tenant.scope).await?;
    let line = |operator: &Operator| Line {
        id: operator.operator_id,
        name: operator.name.clone(),
        mail: operator.mail.as_str().to_owned(),
        role: role_key(operator.role),
        state: state_key(operator),
        me: operator.operator_id == desk.operator.operator_id,
    };
    let operators = all.iter().map(line).collect();
    Ok(page::html(&IndexPage { page: desk.visitor.page(), rail: desk.rail(Here::Operators), owner: desk.may::<Own>(), operators }))
}

/// What the form holds, as it was typed.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    mail: String,
    role: String,
    /// Object ids of groups, one a line; a browser without script fills it as well.
    #[serde(default)]
    groups: String,
    /// Of the operator when the form was shown.
    #[serde(default)]
    version: String,
}

struct Choice {
    value: &'static str,
    key: &'static str,
    about: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "console/operator.html")]
struct OperatorPage {
    page: Page,
    rail: Rail,
    /// `None`: a new one.
    id: Option<Uuid>,
    title: String,
    form: Form,
    roles: Vec<Choice>,
    /// Of the directory, for the help desk's scope: id, name, whether it is chosen.
    groups: Vec<(String, String)>,
    /// Whoever looks may change them.
    governed: bool,
    state: &'static str,
    disabled: bool,
    since: Option<When>,
    /// Since then the provider's word is enough for who they are.
    linked: Option<When>,
    errors: Vec<&'static str>,
}

const fn about_key(role: Role) -> &'static str {
    match role {
        Role::Owner => "console-role-owner-about",
        Role::Administrator => "console-role-administrator-about",
        Role::HelpDesk => "console-role-help-desk-about",
        Role::Auditor => "console-role-auditor-about",
    }
}

async fn answer(desk: &Desk, operator: Option<&Operator>, form: Form, status: StatusCode, errors: Vec<&'static str>) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut conn = visitor.acquire().await?;
    let groups = policies::groups(&mut conn, &visitor.tenant.scope).await?;
    drop(conn);
    let shown = OperatorPage {
        page: visitor.page(),
        rail: desk.rail(Here::Operators),
        id: operator.map(|operator| operator.operator_id),
        title: operator.map_or_else(|| visitor.page().t("console-operator-new").into_owned(), |operator| operator.name.clone()),
        roles: Role::ALL
            .into_iter()
            .filter(|role| desk.operator.role.governs(*role) || operator.is_some_and(|operator| operator.role == *role))
            .map(|role| Choice { value: role.as_str(), key: role_key(role), about: about_key(role), chosen: form.role == role.as_str() })
            .collect(),
        form,
        groups: groups.into_iter().map(|group| (group.object_guid.to_string(), group.name.unwrap_or_default())).collect(),
        governed: operator.is_none_or(|operator| desk.operator.governs(operator)),
        state: operator.map_or("console-operator-invited", state_key),
        disabled: operator.is_some_and(|operator| operator.disabled_at.is_some()),
        since: operator.map(|operator| when(visitor.language, operator.created_at)),
        linked: operator.and_then(|operator| operator.linked_at).map(|at| when(visitor.language, at)),
        errors,
    };
    Ok(page::html_as(status, &shown))
}

async fn new(desk: Fresh<Staff>) -> Result<Response> {
    answer(&desk, None, Form { role: Role::HelpDesk.as_str().to_owned(), ..Form::default() }, StatusCode::OK, Vec::new()).await
}

/// What was typed, as far as it can be used by this operator; else the keys of what is wrong with it.
/// `had`: groups that they have, which may stay though no agent tells of them any more.
async fn draft(conn: &mut PgConnection, desk: &Desk, form: &Form, had: &[(Uuid, Uuid)]) -> Result<Result<Draft, Vec<&'static str>>> {
    let mut errors = Vec::new();
    if !Draft::is_name(&form.name) {
        errors.push("console-operator-error-name");
    }
    let mail = EmailAddress::parse(&form.mail);
    if mail.is_none() {
        errors.push("console-operator-error-mail");
    }
    let role = Role::parse(&form.role).filter(|role| desk.operator.role.governs(*role));
    if role.is_none() {
        errors.push("console-operator-error-role");
    }
    let known = policies::groups(conn, &desk.visitor.tenant.scope).await?;
    let words: Vec<_> = form.groups.split(['\n', '\r']).map(str::trim).filter(|text| !text.is_empty()).collect();
    let find = |text: &str| {
        let fits = |group: &&policies::Group| {
            group.object_guid.to_string() == text || group.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text))
        };
        let found: Vec<_> = known.iter().filter(fits).collect();
        if let [group] = found[..] {
            return Some((group.connector_id, group.object_guid));
        }
        had.iter().find(|(_, group)| group.to_string() == text).copied()
    };
    let groups: Vec<_> = words.iter().filter_map(|text| find(text)).collect();
    if groups.len() < words.len() {
        errors.push("console-operator-error-groups");
    }
    Ok(match (mail, role) {
        (Some(mail), Some(role)) if errors.is_empty() => Ok(Draft { name: form.name.trim().to_owned(), mail, role, groups }),
        _ => Err(errors),
    })
}

fn owner(operator: Option<Uuid>, draft: &Draft) -> Wish {
    Wish::Owner { operator, name: draft.name.clone(), mail: draft.mail.as_str().to_owned() }
}

async fn create(desk: Fresh<Staff>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let draft = match draft(&mut tx, &desk, &form, &[]).await? {
        Ok(draft) => draft,
        Err(errors) => {
            drop(tx);
            return answer(&desk, None, form, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
        }
    };
    if draft.role == Role::Owner && approvals::wants(&mut tx, scope, Act::Owner).await? {
        if operators::by_mail(&mut tx, scope, &draft.mail).await?.is_some() {
            drop(tx);
            return answer(&desk, None, form, StatusCode::UNPROCESSABLE_ENTITY, vec!["console-operator-error-taken"]).await;
        }
        return ask_first(tx, &desk, &owner(None, &draft)).await;
    }
    let Saved::Yes(operator) = operators::create(&mut tx, scope, &app.clock, &desk.visitor.source, &draft).await? else {
        drop(tx);
        return answer(&desk, None, form, StatusCode::UNPROCESSABLE_ENTITY, vec!["console-operator-error-taken"]).await;
    };
    let token = operators::new_link(&mut tx, scope, &app.clock, &desk.visitor.source, operator).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(show_link(&desk, &draft.name, operator, &token))
}

#[derive(Template)]
#[template(path = "console/link.html")]
struct LinkPage {
    page: Page,
    rail: Rail,
    name: String,
    id: Uuid,
    link: String,
}

/// Shown once, by the answer to the request that made it; it stands in no address of ours.
fn show_link(desk: &Desk, name: &str, id: Uuid, token: &str) -> Response {
    let visitor = &desk.visitor;
    let link = format!("{}/console/welcome#{token}", visitor.origin());
    page::html(&LinkPage { page: visitor.page(), rail: desk.rail(Here::Operators), name: name.to_owned(), id, link })
}

async fn find(desk: &Desk, id: Uuid) -> Result<Operator> {
    let mut conn = desk.visitor.acquire().await?;
    operators::get(&mut conn, &desk.visitor.tenant.scope, id).await?.ok_or(Error::NotFound)
}

/// The same under lock, if whoever acts may act on them, both as they are now.
async fn governed(conn: &mut PgConnection, desk: &Desk, id: Uuid) -> Result<Operator> {
    let (actor, operator) = operators::locked(conn, &desk.visitor.tenant.scope, desk.operator.operator_id, id).await?;
    let operator = operator.ok_or(Error::NotFound)?;
    let may = actor.is_some_and(|actor| actor.disabled_at.is_none() && actor.governs(&operator));
    if may { Ok(operator) } else { Err(Error::Forbidden("above_you")) }
}

async fn show(desk: May<Staff>, Path(id): Path<Uuid>) -> Result<Response> {
    let operator = find(&desk, id).await?;
    let mut conn = desk.visitor.acquire().await?;
    let known = policies::groups(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    // By its name where that says which.
    let name = |(connector, group): &(Uuid, Uuid)| {
        let found = known.iter().find(|one| one.connector_id == *connector && one.object_guid == *group);
        let named = |name: &&String| known.iter().filter(|one| one.name.as_ref() == Some(name)).count() == 1;
        found.and_then(|one| one.name.as_ref()).filter(named).cloned().unwrap_or_else(|| group.to_string())
    };
    let form = Form {
        name: operator.name.clone(),
        mail: operator.mail.as_str().to_owned(),
        role: operator.role.as_str().to_owned(),
        groups: operator.groups.iter().map(name).collect::<Vec<_>>().join("\n"),
        version: operator.version.to_string(),
    };
    answer(&desk, Some(&operator), form, StatusCode::OK, Vec::new()).await
}

async fn change(desk: Fresh<Staff>, Path(id): Path<Uuid>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let operator = governed(&mut tx, &desk, id).await?;
    // Filled in for what they were: shown again with what was typed, to be looked at once more.
    let stale = |form: Form, now: &Operator| Form { version: now.version.to_string(), ..form };
    if form.version != operator.version.to_string() {
        let form = stale(form, &operator);
        drop(tx);
        return answer(&desk, Some(&operator), form, StatusCode::CONFLICT, vec!["console-error-stale"]).await;
    }
    let draft = match draft(&mut tx, &desk, &form, &operator.groups).await? {
        Ok(draft) => draft,
        Err(errors) => {
            drop(tx);
            return answer(&desk, Some(&operator), form, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
        }
    };
    // Whoever reads an owner's mail could be that owner.
    let rises = draft.role == Role::Owner && (operator.role != Role::Owner || operator.mail != draft.mail);
    if rises && approvals::wants(&mut tx, scope, Act::Owner).await? {
        if operators::by_mail(&mut tx, scope, &draft.mail).await?.is_some_and(|other| other.operator_id != id) {
            drop(tx);
            return answer(&desk, Some(&operator), form, StatusCode::UNPROCESSABLE_ENTITY, vec!["console-operator-error-taken"]).await;
        }
        return ask_first(tx, &desk, &owner(Some(id), &draft)).await;
    }
    let saved = operators::change(&mut tx, scope, &app.clock, &desk.visitor.source, &operator, &draft).await?;
    match saved {
        Saved::Yes(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/console/operators").into_response())
        }
        Saved::Taken => answer(&desk, Some(&operator), form, StatusCode::UNPROCESSABLE_ENTITY, vec!["console-operator-error-taken"]).await,
        Saved::Stale => {
            drop(tx);
            let now = find(&desk, id).await?;
            answer(&desk, Some(&now), stale(form, &now), StatusCode::CONFLICT, vec!["console-error-stale"]).await
        }
    }
}

async fn link(desk: Fresh<Staff>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let operator = governed(&mut tx, &desk, id).await?;
    let (clock, source) = (&app.clock, &desk.visitor.source);
    let wish = Wish::Link { operator: id };
    let mut by = None;
    if operator.role == Role::Owner && operator.disabled_at.is_none() && approvals::wants(&mut tx, scope, Act::Owner).await? {
        by = match approvals::opening(&mut tx, scope, clock, source, (desk.operator.operator_id, &wish), None).await? {
            Opening::By(approval) => Some(approval),
            Opening::Shut | Opening::Again => return ask_first(tx, &desk, &wish).await,
            Opening::Changed => {
                tx.commit().await?;
                return Err(Error::Conflict("approval_target_changed"));
            }
        };
    }
    let token = operators::new_link(&mut tx, scope, clock, source, id).await?;
    if let Some(approval) = by {
        approvals::used(&mut tx, scope, clock, source, (approval, &wish), None).await?;
    }
    tx.commit().await?;
    Ok(match token {
        Some(token) => show_link(&desk, &operator.name, id, &token),
        None => Redirect::to(&format!("/console/operators/{id}")).into_response(),
    })
}

async fn unlink(desk: Fresh<Staff>, Path(id): Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    governed(&mut tx, &desk, id).await?;
    operators::unlink_identity(&mut tx, scope, &app.clock, &desk.visitor.source, id).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/operators/{id}")).into_response())
}

async fn disable(desk: Fresh<Staff>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    switch(&desk, id.0, false).await
}

async fn enable(desk: Fresh<Staff>, id: Path<Uuid>, _: form::Form<form::Nothing>) -> Result<Response> {
    switch(&desk, id.0, true).await
}

async fn switch(desk: &Desk, id: Uuid, on: bool) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    let operator = governed(&mut tx, desk, id).await?;
    if on && operator.role == Role::Owner && operator.disabled_at.is_some() && approvals::wants(&mut tx, scope, Act::Owner).await? {
        return ask_first(tx, desk, &Wish::Enable { operator: id }).await;
    }
    operators::switch(&mut tx, scope, &app.clock, &desk.visitor.source, id, on).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/console/operators/{id}")).into_response())
}
