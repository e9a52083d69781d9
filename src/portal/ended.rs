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
    domain::resets::{self, Ending, Step},
    web::{Page, Result, Visitor, form, page},
    wire::outcome::{Code, Outcome},
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
    allowed_at: Option<String>,
    /// Another attempt may mend it, without proving again.
    again: bool,
    /// Starting over may.
    retry: bool,
}

async fn show(journey: Journey) -> Response {
    let Journey { visitor, flow } = &journey;
    let Step::Ended(ending) = flow.step() else { return journey::to_step(flow) };
    let key = match ending {
        Ending::Refused(code) => password::key(code),
        // The same words as for an agent that said so itself.
        Ending::Expired => password::key(Code::Expired),
        Ending::Unknown => password::key(Code::Interrupted),
        Ending::Superseded => password::key(Code::Stale),
    };
    let again = match ending {
        Ending::Refused(code) => code.outcome() == Outcome::Failed || matches!(code, Code::Stale | Code::ChangedMeanwhile),
        Ending::Expired | Ending::Superseded | Ending::Unknown => true,
    };
    let at = flow.job.as_ref().and_then(|job| job.allowed_at);
    page::html(&EndedPage {
        page: visitor.page(),
        title_key: format!("outcome-{key}-title"),
        text_key: format!("outcome-{key}-text"),
        allowed_at: at.map(|at| page::when(visitor.language, at)),
        again,
        retry: false,
    })
}

/// Back to the password page, still proven.
async fn again(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let mut tx = visitor.app.begin().await?;
    resets::again(&mut tx, &visitor.tenant.scope, flow).await?;
    tx.commit().await?;
    Ok(Redirect::to("/reset").into_response())
}

/// An end outside any flow.
pub fn page(visitor: &Visitor, status: StatusCode, title_key: &str, text_key: &str) -> Response {
    let (title_key, text_key) = (title_key.to_owned(), text_key.to_owned());
    page::html_as(status, &EndedPage { page: visitor.page(), title_key, text_key, allowed_at: None, again: false, retry: true })
}
