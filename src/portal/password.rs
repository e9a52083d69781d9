//! `/reset/password` and `/change/password` — the new password, and for a change the current one, sealed in the browser. The page asks for a ticket and posts the sealed job, both as JSON;
//! no field of any form bears the password.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::journey::{self, Bearer, Journey};
use crate::{
    app::{App, Sealed},
    domain::{
        fleet::{self, Readiness, Recipient},
        freezes,
        limits::{self, Allowance, Count, Limit, Verdict},
        policies,
        resets::{self, Flow, Offered, Permit, Step, SubmitRefused},
        users::{self, User},
    },
    web::{Error, Page, Result, Visitor, form, page},
    wire::{
        message::PasswordPolicy,
        outcome::Code,
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset/password", get(|journey| show(journey, Step::Password)))
        .route("/change/password", get(|journey| show(journey, Step::Change)))
        .route("/reset/ticket", post(ticket))
        .route("/reset/jobs", post(submit))
}

#[derive(Template)]
#[template(path = "portal/password.html")]
struct PasswordPage {
    page: Page,
    /// As the ticket will name them.
    user: Uuid,
    sign_in_name: String,
    words: Vec<String>,
    min_length: u32,
    complexity: bool,
    names: bool,
    history: u32,
    days: u64,
    /// Directories that get it as well, by name; of the one that is meant when another password is chosen for it alone.
    places: String,
    alone: bool,
    refusal: Option<Refusal>,
    /// The current one is asked for as well.
    old: bool,
    /// Seconds until it may be tried again.
    wait: Option<i64>,
}

/// Why the directory did not take it.
pub struct Refusal {
    pub title_key: String,
    pub text_key: String,
    pub allowed_at: Option<page::When>,
}

impl Refusal {
    pub fn of(visitor: &Visitor, flow: &Flow) -> Option<Self> {
        flow.refusal().map(|(code, at)| Self {
            title_key: format!("outcome-{}-title", key(code)),
            text_key: format!("outcome-{}-text", key(code)),
            allowed_at: at.map(|at| page::when(visitor.language, at)),
        })
    }
}

/// Seconds until this person's current password may be tried again, if they must wait.
pub async fn wait(visitor: &Visitor, user: &User) -> Result<Option<i64>> {
    let (scope, clock) = (&visitor.tenant.scope, &visitor.app.clock);
    let mut conn = visitor.acquire().await?;
    let Allowance { passwords, .. } = policies::of_user(&mut conn, scope, user.user_id).await?.allowance;
    let count = Count::of(Limit::PasswordTry, &[user.subject(scope)]).at_most(passwords);
    let waiting = limits::waiting(&mut conn, scope, clock, &[count]).await?;
    Ok(waiting.first().map(|(_, until)| (*until - clock.now()).whole_seconds().max(0) + 1))
}

async fn show(journey: Journey, step: Step) -> Result<Response> {
    let Journey { visitor, flow } = &journey::looked(journey).await?;
    if flow.step() != step {
        return Ok(journey::to_step(flow));
    }
    let scope = &visitor.tenant.scope;
    let mut conn = visitor.acquire().await?;
    let Some(user) = users::get(&mut conn, scope, flow.aim_id.or(flow.user_id).unwrap_or_default()).await? else {
        return Ok(super::ended::page(visitor, StatusCode::GONE, "outcome-gone-title", "outcome-gone-text"));
    };
    // What the directory said of this very account, or else what it says of all.
    let looked = flow.look.as_ref().filter(|_| flow.aim_id.is_none());
    let rules = match looked.and_then(|look| look.account.as_ref()) {
        Some(account) => Rules { hints: account.hints, names: account.names, policy: account.policy.clone().unwrap_or_default() },
        None => fleet::policy(&mut conn, scope, user.connector_id).await?.map_or_else(Rules::default, |(policy, hints)| Rules {
            hints,
            names: policy.complexity,
            policy,
        }),
    };
    let Rules { policy, hints, names } = rules;
    let places: Vec<String> = if let Some(aim) = flow.aim_id {
        flow.targets.iter().filter(|target| target.user_id == aim).map(|target| target.connector.clone()).collect()
    } else {
        let (mut places, follow) = (Vec::new(), users::follow(&mut conn, scope, user.user_id).await?);
        let frozen = freezes::among(&mut conn, scope, &follow.iter().map(|linked| linked.user_id).collect::<Vec<_>>()).await?;
        for linked in follow.into_iter().filter(|linked| linked.served && !frozen.contains(&linked.user_id)) {
            let ready = fleet::readiness(&mut conn, scope, &visitor.app.clock, Some(linked.connector_id)).await?;
            places.extend((ready == Readiness::Ready).then_some(linked.connector));
        }
        places
    };
    let old = step == Step::Change;
    drop(conn);
    let wait = if old { wait(visitor, &user).await? } else { None };
    Ok(page::html(&PasswordPage {
        page: visitor.page(),
        words: if names { parts(&user.display_name) } else { Vec::new() },
        names,
        user: user.object_guid,
        sign_in_name: user.sign_in_name,
        min_length: policy.min_length,
        complexity: policy.complexity,
        // Rules that the directory does not apply to a reset are none.
        history: if hints || old { policy.history } else { 0 },
        days: if hints || old { policy.min_age / DAY } else { 0 },
        places: places.join(", "),
        alone: flow.aim_id.is_some(),
        refusal: Refusal::of(visitor, flow),
        old,
        wait,
    }))
}

const DAY: u64 = 24 * 60 * 60;
/// More directories than anybody has accounts in.
const MOST_LINKED: usize = 32;

/// What a new password must keep.
#[derive(Default)]
struct Rules {
    policy: PasswordPolicy,
    /// History and minimum age hold on a reset.
    hints: bool,
    /// It must not contain the account's names.
    names: bool,
}

/// The parts of a display name that a complex password must not contain: longer than two characters (MS-SAMR 3.1.1.7.2).
fn parts(display_name: &str) -> Vec<String> {
    let breaks = |c: char| c.is_whitespace() || ",.-_#".contains(c);
    display_name.split(breaks).filter(|part| part.chars().count() > 2).map(str::to_owned).collect()
}

/// A code as part of a Fluent key.
pub fn key(code: Code) -> String {
    code.as_str().replace('_', "-")
}

#[derive(Serialize)]
struct TicketAnswer {
    ticket: Ticket,
    recipients: Vec<Recipient>,
    /// For the accounts that follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    linked: Vec<LinkedTicket>,
    /// The cloud's clock, so that a wrong clock in the browser refuses no key.
    now: i64,
}

#[derive(Serialize)]
struct LinkedTicket {
    ticket: Ticket,
    recipients: Vec<Recipient>,
}

async fn ticket(journey: Journey, _: form::Json<form::Nothing>) -> Result<Json<TicketAnswer>> {
    let Journey { visitor, flow } = &journey;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    // Counted and committed before there is a ticket to try it by. What was counted for a ticket of this flow that nobody used is good for
    // the one that takes its place: an answer that was lost tries nothing.
    let counted = flow.purpose.kind(flow.step()).is_some_and(Kind::has_old) && flow.job.as_ref().is_none_or(|job| job.submitted);
    if counted {
        let mut conn = visitor.acquire().await?;
        if resets::count_password(&mut conn, scope, &app.clock, &visitor.source, flow).await? != Verdict::Allowed {
            return Err(Error::Unusable(StatusCode::TOO_MANY_REQUESTS, "too_many_passwords"));
        }
    }
    let mut tx = visitor.begin().await?;
    let offered = resets::offer(&mut tx, &visitor.tenant, &app.clock, &visitor.source, flow, counted).await?;
    if counted && !matches!(offered, Offered::Permit(_)) {
        resets::uncount_password(&mut tx, scope, flow.user_id).await?;
    }
    tx.commit().await?;
    match offered {
        Offered::Permit(permit) => {
            let Permit { ticket, recipients, linked } = *permit;
            let linked = linked.into_iter().map(|Permit { ticket, recipients, .. }| LinkedTicket { ticket, recipients }).collect();
            Ok(Json(TicketAnswer { ticket, recipients, linked, now: app.clock.seconds() }))
        }
        Offered::NotNow if flow.step() == Step::Status => Err(Error::Conflict("busy")),
        Offered::NotNow => Err(Error::Forbidden("not_verified")),
        Offered::Frozen => Err(Error::Forbidden("frozen")),
        Offered::NotServed => Err(Error::Forbidden("not_served")),
        Offered::NotReady(readiness) => Err(not_ready(readiness)),
    }
}

/// In the words of an error.
pub const fn not_ready(readiness: Readiness) -> Error {
    match readiness {
        Readiness::WritebackOff => Error::Unavailable("writeback_off"),
        _ => Error::Unavailable("no_agent"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedJob {
    job: Uuid,
    envelopes: Vec<Envelope>,
    #[serde(default)]
    linked: Vec<LinkedJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkedJob {
    job: Uuid,
    envelopes: Vec<Envelope>,
}

/// Answered once the job is durable; the agents hear of it after the commit.
async fn submit(Bearer { visitor, browser }: Bearer, form::Json(sealed): form::Json<SealedJob>) -> Result<Response> {
    let Visitor { app, tenant, source, .. } = visitor;
    if sealed.linked.len() > MOST_LINKED {
        return Err(Error::Unusable(StatusCode::UNPROCESSABLE_ENTITY, "bad_envelope"));
    }
    let following = sealed.linked.into_iter().map(|linked| (linked.job, linked.envelopes)).collect();
    let sealed = Sealed { tenant, source, browser, job_id: sealed.job, envelopes: sealed.envelopes, following };
    let submitted = app.hot.submits.run(sealed).await?;
    submitted.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "status": "/reset/status" }))).into_response())
}

/// In the words of an error.
pub const fn refused(refused: SubmitRefused) -> Error {
    match refused {
        SubmitRefused::NoFlow => Error::FlowEnded,
        SubmitRefused::NoTicket => Error::Conflict("no_ticket"),
        SubmitRefused::Envelope => Error::Unusable(StatusCode::UNPROCESSABLE_ENTITY, "bad_envelope"),
        SubmitRefused::Expired => Error::Conflict("ticket_expired"),
        SubmitRefused::Superseded => Error::Conflict("superseded"),
        SubmitRefused::Busy => Error::Conflict("busy"),
        SubmitRefused::Frozen => Error::Forbidden("frozen"),
        SubmitRefused::NotServed => Error::Forbidden("not_served"),
        SubmitRefused::WritebackOff => Error::Unavailable("writeback_off"),
    }
}
