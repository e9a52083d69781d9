//! `/console/policies` — who may reset and by which proofs, in the order in which it is asked. Whoever reads the trail may read them;
//! whoever governs changes them, and sees beforehand who gains and who loses by it ([`preview`]).

mod form;
mod preview;
pub mod words;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, Uri},
    response::{Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use self::form::Form;
pub use self::{preview::Wish, preview::answer as preview, preview::of_approval, words::Line};
use super::{
    guard::{Fresh, Govern, May, Rules},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{policies, tenants},
    web::{Error, Page, Result, form as input, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/policies") });
    Router::new()
        .route("/console/policies", get(index))
        .route("/console/policies/privileged", post(privilege).merge(back()))
        .route("/console/policies/{id}/remove", post(remove).merge(get(|Path(_): Path<Uuid>| async { Redirect::to("/console/policies") })))
        .route("/console/policies/{id}/move", post(shift).merge(get(|Path(_): Path<Uuid>| async { Redirect::to("/console/policies") })))
        .merge(form::routes())
        .merge(preview::routes())
}

struct Card {
    id: Uuid,
    name: String,
    /// Its place among all, from 1 on.
    place: usize,
    /// What it says: key of the words, and the words.
    facts: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    last: bool,
}

#[derive(Template)]
#[template(path = "console/policies.html")]
struct IndexPage {
    page: Page,
    rail: Rail,
    policies: Vec<Card>,
    groups: Vec<form::Line>,
    /// The policies for which this page was made.
    seen: String,
    /// Names of the privileged ones.
    privileged: Vec<String>,
    /// Whoever looks may change them.
    governs: bool,
    /// Nobody is served at all.
    off: bool,
    /// Just now.
    saved: bool,
}

async fn index(desk: May<Rules>, uri: Uri) -> Result<Response> {
    let (scope, page) = (&desk.visitor.tenant.scope, desk.visitor.page());
    let mut conn = desk.visitor.acquire().await?;
    let rules = policies::rules(&mut conn, scope).await?;
    let known = form::known(&mut conn, &desk, &rules).await?;
    let off = !tenants::is_serving(&mut conn, scope).await?;
    drop(conn);
    let count = rules.policies.len();
    let card = |(at, policy): (usize, &policies::Policy)| Card {
        id: policy.policy_id,
        name: policy.terms.name.clone(),
        place: at + 1,
        facts: words::facts(&page, &policy.terms),
        warnings: words::warnings(&page, &policy.terms),
        last: at + 1 == count,
    };
    let shown = IndexPage {
        rail: desk.rail(Here::Policies),
        policies: rules.policies.iter().enumerate().map(card).collect(),
        groups: form::lines(&page, &Form::privileged(&rules.privileged), &known),
        privileged: rules.privileged.iter().map(|group| words::group(&page, group)).collect(),
        seen: rules.mark(),
        governs: desk.may::<Govern>(),
        off,
        saved: uri.query() == Some("saved"),
        page,
    };
    Ok(page::html(&shown))
}

async fn remove(desk: Fresh<Govern>, Path(id): Path<Uuid>, _: input::Form<input::Nothing>) -> Result<Response> {
    preview(&desk, Wish::Remove { id }, None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    /// Its new place, from 1 on.
    place: String,
}

async fn shift(desk: Fresh<Govern>, Path(id): Path<Uuid>, input::Form(form): input::Form<Where>) -> Result<Response> {
    let place: usize = form.place.parse().ok().filter(|place| *place > 0).ok_or(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input"))?;
    preview(&desk, Wish::Move { id, place: place - 1 }, None).await
}

async fn privilege(desk: Fresh<Govern>, input::Form(form): input::Form<Form>) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let is_stale = form.get("seen") != policies::rules(&mut conn, &desk.visitor.tenant.scope).await?.mark();
    drop(conn);
    preview(&desk, Wish::Privilege { form }, is_stale.then_some("policies-preview-again")).await
}
