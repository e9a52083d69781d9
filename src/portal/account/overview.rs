//! `/account` — what there is to do, what happened lately, and which browsers are signed in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Account, forget, methods};
use crate::{
    app::App,
    base::language::Language,
    domain::{
        audit,
        authenticators::{self, Authenticator, Kind},
        resets::{self, How, Purpose},
        sessions, users,
    },
    portal::{journey, unavailable},
    web::{Page, Result, activity, device, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/account") });
    Router::new()
        .route("/account", get(show))
        .route("/account/change", post(change).merge(back()))
        .route("/account/language", post(language).merge(back()))
        .route("/account/sessions/end", post(end).merge(back()))
        .route("/account/sessions/end-others", post(end_others).merge(back()))
        .route("/account/sign-out", post(sign_out).merge(back()))
}

#[derive(Template)]
#[template(path = "portal/account/overview.html")]
struct OverviewPage {
    page: Page,
    name: String,
    /// Methods that were added lately, and when.
    added: Vec<Added>,
    /// So many recovery codes are left, if they are few.
    few: Option<i64>,
    languages: Vec<Spoken>,
    activity: Vec<activity::Item>,
    sessions: Vec<Browser>,
}

/// Whoever knew the password before this one may have added it.
struct Added {
    label: String,
    /// Key of what it is.
    kind: &'static str,
    when: page::When,
}

struct Spoken {
    tag: &'static str,
    key: String,
    chosen: bool,
}

/// A session, as its owner sees it.
struct Browser {
    id: Uuid,
    here: bool,
    device: String,
    begun: page::When,
    from: String,
}

async fn show(account: Account) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let (page, scope, clock) = (visitor.page(), &visitor.tenant.scope, &visitor.app.clock);
    let mut conn = visitor.acquire().await?;
    let sessions = sessions::list(&mut conn, scope, clock, user.user_id).await?;
    let lately = audit::of_user(&mut conn, scope, clock, user.user_id).await?;
    let own = authenticators::list(&mut conn, scope, user.user_id).await?;
    drop(conn);
    let few = own.iter().find_map(|one| one.left).filter(|left| *left <= authenticators::FEW);
    let browser = |one: &sessions::Session| Browser {
        id: one.session_id,
        here: one.session_id == session.session_id,
        device: device::name(&page, &one.device),
        begun: page::when(visitor.language, one.begun_at),
        from: one.origin.map(audit::coarse).unwrap_or_default(),
    };
    let added = |one: &Authenticator| Added {
        kind: match one.kind {
            Kind::Totp => "method-totp",
            Kind::Passkey => "method-passkey",
            Kind::RecoveryCodes => "methods-codes",
        },
        when: page::when(visitor.language, one.created_at),
        label: methods::named(&page, one),
    };
    let spoken = |one: Language| {
        let chosen = one == visitor.language;
        Spoken { tag: one.tag(), key: format!("language-{}", one.tag()), chosen }
    };
    let (sessions, activity) = (sessions.iter().map(browser).collect(), activity::told(&page, visitor.language, &lately));
    let (languages, added) = (Language::ALL.map(spoken).into(), authenticators::lately(&own, clock).map(added).collect());
    Ok(page::html(&OverviewPage { page, name: user.display_name.clone(), added, few, languages, activity, sessions }))
}

/// To the page of a change; who has not proven themselves for a while does so first.
async fn change(account: Account, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    if let Some(reason) = unavailable::reason(visitor).await? {
        return Ok(unavailable::page(visitor, reason));
    }
    let app = &visitor.app;
    let how = How { purpose: Purpose::Change, language: visitor.language.tag(), device: &visitor.device };
    let mut tx = visitor.begin().await?;
    let begun = resets::begin_within(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, (session, user), &how).await?;
    tx.commit().await?;
    let Some((begun, asked)) = begun else { return Ok(Redirect::to("/change").into_response()) };
    if let Some(connector) = asked {
        app.has_job(connector);
    }
    Ok(([journey::set_cookie(&app.public_url, &begun.cookie)], Redirect::to("/change/password")).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    language: String,
}

/// Kept with the account, for messages as well.
async fn language(account: Account, form::Form(form): form::Form<Choice>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let Some(language) = Language::ALL.into_iter().find(|language| language.tag() == form.language) else {
        return Ok(Redirect::to("/account").into_response());
    };
    let mut tx = visitor.begin().await?;
    users::choose_language(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, language).await?;
    tx.commit().await?;
    // By which this browser keeps it as well.
    Ok(Redirect::to(&format!("/account?lang={}", language.tag())).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    session: Uuid,
}

/// Another browser is signed out; this one has its own button for that.
async fn end(account: Account, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    sessions::end(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, (form.session, "by_owner")).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

async fn end_others(account: Account, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    sessions::end_but(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, Some(session.session_id)).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account").into_response())
}

async fn sign_out(account: Account, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, session, user } = &account;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    sessions::end(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, (session.session_id, "signed_out")).await?;
    tx.commit().await?;
    Ok((forget(&app.public_url), Redirect::to("/")).into_response())
}
