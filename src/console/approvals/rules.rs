//! `/console/approvals/rules` — which acts take two. Switching one on is one person's; switching one off takes two, or whoever wants to be
//! alone would begin with that.

use askama::Template;
use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{act_key, ask_first};
use crate::{
    console::{
        guard::{Fresh, Govern, May},
        shell::{Here, Rail},
    },
    domain::approvals::{self, Act, Wish},
    web::{Error, Page, Result, form, page},
};

struct Rule {
    act: &'static str,
    key: &'static str,
    about: &'static str,
    /// What the button does.
    to: &'static str,
    on: bool,
    /// Switching it off takes two.
    held: bool,
}

#[derive(Template)]
#[template(path = "console/approval_rules.html")]
struct RulesPage {
    page: Page,
    rail: Rail,
    rules: Vec<Rule>,
    /// Just saved.
    saved: bool,
}

const fn about_key(act: Act) -> &'static str {
    match act {
        Act::Temporary => "approvals-about-temporary",
        Act::Privileged => "approvals-about-privileged",
        Act::Code => "approvals-about-code",
        Act::Method => "approvals-about-method",
        Act::Agent => "approvals-about-agent",
        Act::Policy => "approvals-about-policy",
        Act::Owner | Act::Rule => "approvals-about-owner",
    }
}

/// Without that rule nobody does it at all: switching it off shuts a door.
const fn is_held(act: Act) -> bool {
    !matches!(act, Act::Privileged)
}

pub(super) async fn show(desk: May<Govern>, uri: Uri) -> Result<Response> {
    let visitor = &desk.visitor;
    let mut conn = visitor.acquire().await?;
    let on = approvals::rules(&mut conn, &visitor.tenant.scope).await?;
    drop(conn);
    let rule = |act: Act| {
        let on = on.contains(&act);
        Rule { act: act.as_str(), key: act_key(act), about: about_key(act), to: if on { "off" } else { "on" }, on, held: is_held(act) }
    };
    let rules = Act::SWITCHED.into_iter().map(rule).collect();
    let saved = uri.query() == Some("saved");
    Ok(page::html(&RulesPage { page: visitor.page(), rail: desk.rail(Here::Approvals), rules, saved }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    act: String,
    /// `on` or `off`: what the button said, whatever holds by now.
    to: String,
}

pub(super) async fn submit(desk: Fresh<Govern>, form::Form(form): form::Form<Switch>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let act = Act::parse(&form.act).filter(|act| Act::SWITCHED.contains(act));
    let on = match form.to.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let (Some(act), Some(on)) = (act, on) else { return Err(Error::Unusable(StatusCode::BAD_REQUEST, "bad_input")) };
    let mut tx = visitor.begin().await?;
    if !on && is_held(act) && approvals::wants(&mut tx, scope, act).await? {
        return ask_first(tx, &desk, &Wish::Rule { of: act }).await;
    }
    // Or nobody would do it from now on, and nobody could switch it off again.
    if on && !approvals::are_two(&mut tx, scope, act, desk.operator.operator_id).await? {
        return Err(Error::Conflict("approval_nobody"));
    }
    approvals::switch(&mut tx, scope, &app.clock, &visitor.source, act, on).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/approvals/rules?saved").into_response())
}
