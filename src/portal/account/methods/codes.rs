//! `/account/methods/codes` — ten recovery codes, shown once. They are in the answer to the button and nowhere else: a page that could be
//! opened again would have to keep them somewhere.

use std::sync::Arc;

use askama::Template;
use axum::{Router, response::Response, routing::get};

use super::{Account, Recent};
use crate::{
    app::App,
    domain::{
        authenticators::{self, FreshCodes, Kind, Label},
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
    usable: Option<page::When>,
}

async fn left(account: &Account) -> Result<Option<i64>> {
    let visitor = &account.visitor;
    let mut conn = visitor.app.db.acquire().await?;
    let all = authenticators::list(&mut conn, &visitor.tenant.scope, account.user.user_id).await?;
    Ok(all.into_iter().find_map(|one| one.left))
}

async fn show(Recent(account): Recent) -> Result<Response> {
    let (page, left) = (account.visitor.page(), left(&account).await?);
    Ok(page::html(&CodesPage { page, name: account.user.sign_in_name.clone(), codes: Vec::new(), left, usable: None }))
}

async fn submit(Recent(account): Recent, _: form::Form<form::Nothing>) -> Result<Response> {
    let visitor = &account.visitor;
    let (app, scope, page) = (&visitor.app, &visitor.tenant.scope, visitor.page());
    let replaces = left(&account).await?.is_some();
    let fresh = FreshCodes::new(&app.clock);
    // Takes a while, and so under no transaction.
    let hashes = app.slow_hash.of(fresh.to_hash(scope)).await?.ok_or(Error::Unavailable("try_again"))?;
    let label = Label::parse(&page.t("methods-codes")).ok_or_else(|| anyhow::anyhow!("no label for recovery codes"))?;
    let mut tx = app.begin().await?;
    let cooling_off = account.cooling_off(&mut tx).await?;
    let (user, with) = (account.user.user_id, (&fresh, &hashes[..]));
    authenticators::renew_codes(&mut tx, scope, &app.clock, &visitor.source, user, &label, with, cooling_off).await?;
    account.tells(&mut tx, if replaces { Change::Changed } else { Change::Added }, Kind::RecoveryCodes).await?;
    tx.commit().await?;
    app.wake_outbox();
    let usable = (cooling_off.is_positive()).then(|| page::when(visitor.language, app.clock.now() + cooling_off));
    let codes = fresh.printed();
    Ok(page::html(&CodesPage { page, name: account.user.sign_in_name.clone(), codes, left: None, usable }))
}
