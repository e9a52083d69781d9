//! `/account/methods` — what somebody proves themselves by: what there is, in plain words, and the ways to add, rename and remove.
//!
//! Whoever changes something here has proven who they are a moment ago, every address on file hears of it, and what is new proves nothing
//! until its cooling-off is over: a browser that somebody left open is no way in.

mod app;
mod codes;
mod passkey;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::Account;
use crate::{
    app::App,
    domain::{
        authenticators::{self, Kind, Label, Registrar},
        limits::{self, Limit, Verdict},
        notices,
        notifications::Change,
        policies, registration,
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/account/methods") });
    Router::new()
        .route("/account/methods", get(show))
        .route("/account/methods/rename", post(rename).merge(back()))
        .route("/account/methods/remove", post(remove).merge(back()))
        .route("/account/methods/confirm", post(confirm).merge(back()))
        .merge(app::routes())
        .merge(passkey::routes())
        .merge(codes::routes())
}

/// Somebody who proved a moment ago who they are.
pub struct Recent(pub Account);

impl FromRequestParts<Arc<App>> for Recent {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let account = Account::from_request_parts(parts, app).await?;
        if !account.session.is_fresh(app.clock.now()) {
            return Err(Redirect::to("/account/sign-in").into_response());
        }
        if parts.method != Method::POST || account.may_change().await.map_err(|error| Error::from(error).into_response())? {
            return Ok(Self(account));
        }
        Err(StatusCode::TOO_MANY_REQUESTS.into_response())
    }
}

impl Account {
    /// Each change costs messages to every address; counted before it is made.
    async fn may_change(&self) -> anyhow::Result<bool> {
        let Self { visitor, user, .. } = self;
        let (app, scope) = (&visitor.app, &visitor.tenant.scope);
        let mut conn = app.db.acquire().await?;
        let subject = [user.subject(scope)];
        let verdict = limits::take(&mut conn, scope, &app.clock, &visitor.source, &subject, Limit::MethodChange).await?;
        Ok(verdict == Verdict::Allowed)
    }

    const fn registrar(&self) -> Registrar {
        Registrar { user: self.user.user_id, session: self.session.session_id }
    }

    async fn cooling_off(&self, conn: &mut PgConnection) -> anyhow::Result<Duration> {
        policies::cooling_off(conn, &self.visitor.tenant.scope, self.user.user_id).await
    }

    /// Every address on file hears of it, in the transaction of the act.
    async fn tells(&self, conn: &mut PgConnection, change: Change, kind: Kind) -> anyhow::Result<()> {
        let (scope, clock, method) = (&self.visitor.tenant.scope, &self.visitor.app.clock, method(kind));
        notices::method_changed(conn, scope, clock, &self.user, (change, method), &self.visitor.source).await
    }
}

/// As messages name it.
const fn method(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp => "totp",
        Kind::Passkey => "passkey",
        Kind::RecoveryCodes => "recovery_code",
    }
}

#[derive(Template)]
#[template(path = "portal/account/methods.html")]
struct MethodsPage {
    page: Page,
    contacts: Vec<Contact>,
    own: Vec<Own>,
    has_codes: bool,
    /// It is time to ask whether all is still right.
    due: bool,
    error: Option<&'static str>,
}

/// An address of the directory's.
struct Contact {
    kind: &'static str,
    masked: String,
}

/// Something that somebody registered.
struct Own {
    id: Uuid,
    kind: &'static str,
    label: String,
    added: page::When,
    used: Option<page::When>,
    /// While it proves nothing yet.
    usable: Option<page::When>,
    left: Option<i64>,
}

async fn show(account: Account) -> Result<Response> {
    answer(&account, StatusCode::OK, None).await
}

async fn answer(account: &Account, status: StatusCode, error: Option<&'static str>) -> Result<Response> {
    let Account { visitor, user, .. } = account;
    let (app, language) = (&visitor.app, visitor.language);
    let mut conn = app.db.acquire().await?;
    let listed = authenticators::list(&mut conn, &visitor.tenant.scope, user.user_id).await?;
    let due = registration::is_due(&mut conn, &visitor.tenant.scope, &app.clock, user.user_id).await?;
    drop(conn);
    let private = user.private_mail.as_ref().map(|mail| Contact { kind: "private_email", masked: mail.masked() });
    let mail = user.mail.as_ref().map(|mail| Contact { kind: "email", masked: mail.masked() });
    let mobile = user.mobile.as_ref().map(|mobile| Contact { kind: "sms", masked: mobile.masked() });
    let now = app.clock.now();
    let own = |one: authenticators::Authenticator| Own {
        id: one.authenticator_id,
        kind: one.kind.as_str(),
        label: one.label,
        added: page::when(language, one.created_at),
        used: one.last_used_at.map(|at| page::when(language, at)),
        usable: Some(one.usable_from).filter(|at| *at > now).map(|at| page::when(language, at)),
        left: one.left,
    };
    let own: Vec<Own> = listed.into_iter().map(own).collect();
    let shown = MethodsPage {
        page: visitor.page(),
        contacts: private.into_iter().chain(mail).chain(mobile).collect(),
        has_codes: own.iter().any(|one| one.kind == "recovery_codes"),
        own,
        due,
        error,
    };
    Ok(page::html_as(status, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed {
    id: Uuid,
    label: String,
}

/// What it is called changes nothing of what it proves: no proof is asked for it, and nobody is told.
async fn rename(account: Account, form::Form(form): form::Form<Renamed>) -> Result<Response> {
    let Some(label) = Label::parse(&form.label) else {
        return answer(&account, StatusCode::UNPROCESSABLE_ENTITY, Some("methods-error-label")).await;
    };
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    authenticators::rename(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, form.id, &label).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account/methods").into_response())
}

/// All of it is still right.
async fn confirm(Recent(account): Recent, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    registration::confirm(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account/methods").into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removed {
    id: Uuid,
}

async fn remove(Recent(account): Recent, form::Form(form): form::Form<Removed>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    let removed = authenticators::remove(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, form.id).await?;
    if let Some(kind) = removed {
        account.tells(&mut tx, Change::Removed, kind).await?;
    }
    tx.commit().await?;
    app.wake_outbox();
    Ok(Redirect::to("/account/methods").into_response())
}
