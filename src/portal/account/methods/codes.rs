//! `/account/methods/codes` — ten recovery codes, shown once. They are in the answer to the button and nowhere else: a page that could be
//! opened again would have to keep them somewhere. So this one POST is answered by a page and not by 303. The form names the set that its
//! page knew of: sent again, by a reload or by going back, it finds another one, and burns nothing of what was just printed.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Account, Recent};
use crate::{
    app::App,
    domain::{
        authenticators::{self, Authenticator, FreshCodes, Kind, Label, Renewal, Renewed},
        notifications::Change,
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/methods/codes", get(show).post(submit))
}

#[derive(Template)]
#[template(path = "portal/account/codes.html")]
struct CodesPage {
    page: Page,
    name: String,
    /// Empty before they are made.
    codes: Vec<String>,
    /// How many of an older set are left.
    left: Option<i64>,
    /// That set.
    replaces: Option<Uuid>,
    /// Key of what must be proven before it may go.
    wanted: Option<&'static str>,
    usable: Option<page::When>,
}

/// The set that there is.
async fn older(account: &Account) -> Result<Option<Authenticator>> {
    let visitor = &account.visitor;
    let mut conn = visitor.acquire().await?;
    let all = authenticators::list(&mut conn, &visitor.tenant.scope, account.user.user_id).await?;
    Ok(all.into_iter().find(|one| one.kind == Kind::RecoveryCodes))
}

async fn show(Recent(account): Recent) -> Result<Response> {
    account.may_add(Kind::RecoveryCodes).await?;
    let (page, older) = (account.visitor.page(), older(&account).await?);
    let wanted = if older.is_some() { account.wanted().await? } else { None };
    let (left, replaces) = (older.as_ref().and_then(|set| set.left), older.as_ref().map(|set| set.authenticator_id));
    let name = account.user.sign_in_name.clone();
    Ok(page::html(&CodesPage { page, name, codes: Vec::new(), left, replaces, wanted, usable: None }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Empty: none.
    replaces: String,
}

async fn submit(Recent(account): Recent, form::Form(form): form::Form<Form>) -> Result<Response> {
    account.may_add(Kind::RecoveryCodes).await?;
    let visitor = &account.visitor;
    let (app, scope, page) = (&visitor.app, &visitor.tenant.scope, visitor.page());
    let replaces = form.replaces.parse::<Uuid>().ok();
    let made = || Ok(Redirect::to("/account/methods").into_response());
    // Looked at before the work is done, and again when it is.
    if older(&account).await?.map(|set| set.authenticator_id) != replaces {
        return made();
    }
    if replaces.is_some() && account.wanted().await?.is_some() {
        return Err(Error::Forbidden("proof_wanted"));
    }
    let fresh = FreshCodes::new(&app.clock);
    // Takes a while, and so under no transaction.
    let hashes = app.slow_hash.of(fresh.to_hash(scope)).await?.ok_or(Error::Unavailable("try_again"))?;
    let label = Label::parse(&page.t("methods-codes")).ok_or_else(|| anyhow::anyhow!("no label for recovery codes"))?;
    let mut tx = visitor.begin().await?;
    let cooling_off = account.cooling_off(&mut tx).await?;
    let (user, proven) = (account.user.user_id, &account.session.proven[..]);
    let renewal = Renewal { user, proven, replaces, label: &label, fresh: &fresh, hashes: &hashes, cooling_off };
    match authenticators::renew_codes(&mut tx, scope, &app.clock, &visitor.source, &renewal).await? {
        Renewed::Yes => {}
        Renewed::Other => return made(),
        Renewed::Proof(_) => return Err(Error::Forbidden("proof_wanted")),
    }
    account.counts(&mut tx).await?;
    account.tells(&mut tx, if replaces.is_some() { Change::Changed } else { Change::Added }, Kind::RecoveryCodes).await?;
    tx.commit().await?;
    app.wake_outbox();
    let usable = (cooling_off.is_positive()).then(|| page::when(visitor.language, app.clock.now() + cooling_off));
    let (name, codes) = (account.user.sign_in_name.clone(), fresh.printed());
    Ok(page::html(&CodesPage { page, name, codes, left: None, replaces: None, wanted: None, usable }))
}
