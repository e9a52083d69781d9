//! `/reset/ended` — every other end, each with what to do next.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{
    journey::{self, Journey},
    password,
};
use crate::{
    app::App,
    domain::{
        audit,
        resets::{self, Ending, Purpose, Step, Way},
    },
    web::{Page, Result, Visitor, form, page},
    wire::{
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/ended", get(show)).route("/reset/again", post(again))
}

#[derive(Template)]
#[template(path = "portal/ended.html")]
struct EndedPage {
    page: Page,
    title_key: String,
    text_key: String,
    allowed_at: Option<page::When>,
    /// Another attempt may mend it, without proving again.
    again: bool,
    /// Starting over may.
    retry: bool,
}

async fn show(journey: Journey) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let Step::Ended(ending) = flow.step() else { return Ok(journey::to_step(flow)) };
    // To look at an end is nothing that the trail tells of: what led there is.
    let mut conn = visitor.acquire().await?;
    let newest = audit::newest_of(&mut conn, &visitor.tenant.scope, flow.flow_id).await?;
    drop(conn);
    let page = newest.into_iter().fold(visitor.page(), Page::of_request);
    let code = match ending {
        Ending::Refused(code) | Ending::Barred(code) => code,
        // The same words as for an agent that said so itself.
        Ending::Expired => Code::Expired,
        Ending::Unknown => Code::Interrupted,
        Ending::Superseded => Code::Stale,
        Ending::Frozen => {
            let (title_key, text_key) = ("problem-frozen-title".to_owned(), "problem-frozen-text".to_owned());
            return Ok(page::html(&EndedPage { page, title_key, text_key, allowed_at: None, again: false, retry: false }));
        }
    };
    let again = match ending {
        Ending::Refused(code) => code.outcome() == Outcome::Failed || matches!(code, Code::Stale | Code::ChangedMeanwhile),
        Ending::Barred(_) | Ending::Frozen => false,
        Ending::Expired | Ending::Superseded | Ending::Unknown => true,
    };
    let (title_key, text_key) = match (ending, code) {
        _ if flow.unlocks() => of_an_unlock(code),
        (Ending::Expired | Ending::Unknown, _) if flow.job.as_ref().is_some_and(|job| job.kind == Kind::Verify) => of_a_check(ending),
        (Ending::Barred(_), Code::PolicyAge) => ("ended-policy-age-title".to_owned(), "ended-policy-age-text".to_owned()),
        _ => (format!("outcome-{}-title", password::key(code)), format!("outcome-{}-text", password::key(code))),
    };
    let at = match flow.way {
        Way::Barred(_, at) => at,
        _ => flow.job.as_ref().and_then(|job| job.allowed_at),
    };
    Ok(page::html(&EndedPage {
        page,
        title_key,
        text_key,
        allowed_at: at.map(|at| page::when(visitor.language, at)),
        again,
        // Who forgot it, or locked it, gets further by a reset.
        retry: flow.purpose != Purpose::Reset && matches!(code, Code::AccountLocked | Code::ChangeNotAllowed),
    }))
}

/// Where the current password was only looked at, nothing can have been changed.
fn of_a_check(ending: Ending) -> (String, String) {
    let words = |title: &str, text: &str| (title.to_owned(), text.to_owned());
    if ending == Ending::Expired {
        words("ended-check-expired-title", "ended-check-expired-text")
    } else {
        words("ended-check-interrupted-title", "ended-check-interrupted-text")
    }
}

/// The words for codes speak of passwords; where that would be wrong of an unlock, these speak instead.
fn of_an_unlock(code: Code) -> (String, String) {
    let words = |title: &str, text: &str| (title.to_owned(), text.to_owned());
    match (code.outcome(), code) {
        (_, Code::Expired) => words("ended-unlock-expired-title", "ended-unlock-expired-text"),
        (Outcome::Unknown | Outcome::Applied, _) => words("ended-unlock-interrupted-title", "ended-unlock-interrupted-text"),
        (Outcome::Failed, _) => words("ended-unlock-failed-title", "ended-unlock-failed-text"),
        (
            Outcome::Refused,
            Code::Gone | Code::AccountDisabled | Code::AccountExpired | Code::LockedForGood | Code::Stale | Code::NoUnlockRight,
        ) => (format!("outcome-{}-title", password::key(code)), format!("outcome-{}-text", password::key(code))),
        (Outcome::Refused, _) => words("ended-unlock-refused-title", "ended-unlock-refused-text"),
    }
}

/// Back to where it began, still proven; the directory is asked anew.
async fn again(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let mut tx = visitor.begin().await?;
    let asked = resets::look_again(&mut tx, &visitor.tenant.scope, &visitor.app.clock, &visitor.source, flow).await?;
    tx.commit().await?;
    if let Some(connector) = asked {
        visitor.app.has_job(connector);
    }
    Ok(Redirect::to("/reset").into_response())
}

/// An end outside any flow.
pub fn page(visitor: &Visitor, status: StatusCode, title_key: &str, text_key: &str) -> Response {
    let (title_key, text_key) = (title_key.to_owned(), text_key.to_owned());
    page::html_as(status, &EndedPage { page: visitor.page(), title_key, text_key, allowed_at: None, again: false, retry: true })
}
