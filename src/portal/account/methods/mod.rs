//! `/account/methods` — what somebody proves themselves by: what there is, in plain words, and the ways to add, rename and remove.
//!
//! Whoever changes something here has proven who they are a moment ago, every address on file hears of it, and what is new proves nothing
//! until its cooling-off is over: a browser that somebody left open is no way in. What is there goes only by the word of whoever proved the
//! strongest of it (`domain/authenticators/removal.rs`).

mod app;
mod codes;
mod contact;
mod passkey;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Account;
use crate::{
    app::App,
    domain::{
        authenticators::{self, Authenticator, Kind, Label, Registrar, Removed},
        limits::{self, Count, Limit, Verdict},
        notices,
        notifications::Change,
        policies::{self, Terms},
        registration, resets,
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
        .merge(contact::routes())
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
        Ok(Self(account))
    }
}

const fn too_many() -> Error {
    Error::Unusable(StatusCode::TOO_MANY_REQUESTS, "too_many")
}

impl Account {
    /// What its owner loses with it: key of the words.
    fn loss(&self, terms: &Terms, all: &[Authenticator], one: &Authenticator, now: OffsetDateTime) -> &'static str {
        let others = all.iter().filter(|other| other.authenticator_id != one.authenticator_id && other.is_usable(now));
        let kinds: Vec<_> = others.map(|other| other.kind.method()).filter(|method| terms.methods.contains(method)).collect();
        let (left, terms) = resets::looks(&self.visitor.tenant, &self.user, &kinds, terms, now);
        if !one.is_usable(now) {
            "methods-lose-nothing"
        } else if !resets::is_enough(&left, &terms) {
            "methods-lose-all"
        } else if kinds.is_empty() {
            "methods-lose-own"
        } else {
            "methods-lose-one"
        }
    }

    /// Looked at again in the transaction that makes it, and counted there: each addition costs messages to every
    /// address, what comes to nothing uses up nobody's, and what is one too many is not made. Whoever takes something away is not counted: no
    /// more goes than came, and a thief who adds must not keep the owner from removing it.
    async fn counts(&self, conn: &mut PgConnection) -> Result<()> {
        if self.is_one_secret() {
            return Err(Error::Forbidden("one_secret"));
        }
        let Self { visitor, user, .. } = self;
        let (scope, clock) = (&visitor.tenant.scope, &visitor.app.clock);
        let verdict = limits::take(conn, scope, clock, &visitor.source, &[user.subject(scope)], Limit::MethodChange).await?;
        if verdict == Verdict::Allowed { Ok(()) } else { Err(too_many()) }
    }

    /// Whether more must be proven before anything is added.
    fn is_one_secret(&self) -> bool {
        registration::is_one_secret(&self.visitor.tenant, &self.user, &self.session.proven)
    }

    /// Looked at before somebody makes what could not be kept.
    async fn may_change(&self) -> Result<()> {
        let Self { visitor, user, .. } = self;
        let scope = &visitor.tenant.scope;
        let mut conn = visitor.acquire().await?;
        if self.is_one_secret() {
            authenticators::refused(&mut conn, scope, &visitor.app.clock, &visitor.source, user.user_id).await?;
            return Err(Error::Forbidden("one_secret"));
        }
        let counts = [Count::of(Limit::MethodChange, &[user.subject(scope)])];
        let waiting = limits::waiting(&mut conn, scope, &visitor.app.clock, &counts).await?;
        if waiting.is_empty() { Ok(()) } else { Err(too_many()) }
    }

    const fn registrar(&self) -> Registrar {
        Registrar { user: self.user.user_id, session: self.session.session_id }
    }

    async fn cooling_off(&self, conn: &mut PgConnection) -> anyhow::Result<Duration> {
        Ok(policies::of_user(conn, &self.visitor.tenant.scope, self.user.user_id).await?.cooling_off)
    }

    /// Whether another one of that kind may be registered: the policy must take what it proves, nobody has more than [`Kind::most`], and
    /// nobody adds without end.
    async fn may_add(&self, kind: Kind) -> Result<()> {
        let (scope, user) = (&self.visitor.tenant.scope, self.user.user_id);
        let mut conn = self.visitor.acquire().await?;
        if !policies::of_user(&mut conn, scope, user).await?.methods.contains(&kind.method()) {
            return Err(Error::Conflict("method_not_taken"));
        }
        let count = authenticators::list(&mut conn, scope, user).await?.iter().filter(|one| one.kind == kind).count();
        // New recovery codes take the place of the old ones.
        if kind != Kind::RecoveryCodes && count >= kind.most() {
            return Err(Error::Conflict("method_full"));
        }
        drop(conn);
        self.may_change().await
    }

    /// What must be proven before anything is removed: key of the words.
    async fn wanted(&self) -> anyhow::Result<Option<&'static str>> {
        let Self { visitor, session, user } = self;
        let mut conn = visitor.acquire().await?;
        let clock = &visitor.app.clock;
        let wanted = authenticators::wanted(&mut conn, &visitor.tenant.scope, clock, user.user_id, &session.proven).await?;
        Ok(wanted.map(|kind| match kind {
            Kind::Passkey => "methods-wanted-passkey",
            Kind::Totp => "methods-wanted-app",
            Kind::RecoveryCodes => "methods-wanted-codes",
        }))
    }

    /// Every address on file hears of it, in the transaction of the act.
    async fn tells(&self, conn: &mut PgConnection, change: Change, kind: Kind) -> anyhow::Result<()> {
        let (scope, clock, method) = (&self.visitor.tenant.scope, &self.visitor.app.clock, kind.method().as_str());
        notices::method_changed(conn, scope, clock, &self.user, (change, method), &self.visitor.source).await
    }
}

#[derive(Template)]
#[template(path = "portal/account/methods.html")]
struct MethodsPage {
    page: Page,
    contacts: Vec<contact::Listed>,
    /// Kinds of address that they have none of and may add.
    missing: Vec<&'static str>,
    own: Vec<Own>,
    has_codes: bool,
    adds: Adds,
    /// Key of what must be proven before anything of these may be removed.
    wanted: Option<&'static str>,
    /// They showed a mailbox and the password that opens it: nothing is added on that.
    one_secret: bool,
    /// It is time to ask whether all is still right.
    due: bool,
    /// What is added works only after a while.
    cools: bool,
    error: Option<&'static str>,
}

/// What its owner calls it; nobody calls recovery codes anything, and they have the reader's word.
pub(super) fn named(page: &Page, one: &Authenticator) -> String {
    if one.kind == Kind::RecoveryCodes { page.t("methods-codes").into_owned() } else { one.label.clone() }
}

/// What may be added.
struct Adds {
    passkey: bool,
    app: bool,
    codes: bool,
    /// Nothing more of some kind, because there are as many as may be.
    full: bool,
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
    /// There is a copy of it.
    stopped: bool,
    /// The policy takes what it proves.
    taken: bool,
    left: Option<i64>,
    /// Key of what is lost with it.
    loss: &'static str,
}

async fn show(account: Account) -> Result<Response> {
    answer(&account, StatusCode::OK, None).await
}

async fn answer(account: &Account, status: StatusCode, error: Option<&'static str>) -> Result<Response> {
    let Account { visitor, user, .. } = account;
    let (clock, language) = (&visitor.app.clock, visitor.language);
    let wanted = account.wanted().await?;
    let mut conn = visitor.acquire().await?;
    let listed = authenticators::list(&mut conn, &visitor.tenant.scope, user.user_id).await?;
    let terms = policies::of_user(&mut conn, &visitor.tenant.scope, user.user_id).await?;
    let due = registration::is_due(&mut conn, &visitor.tenant.scope, clock, user.user_id).await?;
    let (contacts, missing) = contact::listed(&mut conn, account, &terms).await?;
    drop(conn);
    let (page, now) = (visitor.page(), clock.now());
    let adds = |kind: Kind| {
        let count = listed.iter().filter(|one| one.kind == kind).count();
        (terms.methods.contains(&kind.method()), count < kind.most())
    };
    let ((passkey, passkeys), (app, apps), (codes, _)) = (adds(Kind::Passkey), adds(Kind::Totp), adds(Kind::RecoveryCodes));
    let adds = Adds { passkey: passkey && passkeys, app: app && apps, codes, full: (passkey && !passkeys) || (app && !apps) };
    let own = |one: &Authenticator| Own {
        loss: account.loss(&terms, &listed, one, now),
        stopped: one.stopped_at.is_some(),
        taken: terms.methods.contains(&one.kind.method()),
        id: one.authenticator_id,
        kind: one.kind.as_str(),
        label: named(&page, one),
        added: page::when(language, one.created_at),
        used: one.last_used_at.map(|at| page::when(language, at)),
        usable: Some(one.usable_from).filter(|at| *at > now && one.stopped_at.is_none()).map(|at| page::when(language, at)),
        left: one.left,
    };
    let own: Vec<Own> = listed.iter().map(own).collect();
    let shown = MethodsPage {
        page,
        contacts,
        missing,
        has_codes: own.iter().any(|one| one.kind == "recovery_codes"),
        own,
        adds,
        wanted,
        one_secret: account.is_one_secret(),
        due,
        cools: terms.cooling_off.is_positive(),
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
    let mut tx = visitor.begin().await?;
    authenticators::rename(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id, form.id, &label).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account/methods").into_response())
}

/// All of it is still right.
async fn confirm(Recent(account): Recent, _: form::Form<form::Nothing>) -> Result<Response> {
    let Account { visitor, user, .. } = &account;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    registration::confirm(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, user.user_id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/account/methods").into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    id: Uuid,
}

/// The page has said what is lost with it.
async fn remove(Recent(account): Recent, form::Form(form): form::Form<Removal>) -> Result<Response> {
    let Account { visitor, user, session } = &account;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let whose = (user.user_id, &session.proven[..]);
    let removed = authenticators::remove(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, whose, form.id).await?;
    if let Removed::Yes(kind) = removed {
        account.tells(&mut tx, Change::Removed, kind).await?;
    }
    tx.commit().await?;
    app.wake_outbox();
    if let Removed::Proof(_) = removed {
        return Err(Error::Forbidden("proof_wanted"));
    }
    Ok(Redirect::to("/account/methods").into_response())
}
