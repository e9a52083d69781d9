//! `/reset/done` — what to do now on each device. No automatic sign-in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{
    journey::{self, Journey},
    password,
};
use crate::{
    app::App,
    domain::resets::{self, Step, Way},
    web::{Page, Result, cookie, form, page},
    wire::outcome::Code,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/done", get(show)).route("/reset/end", post(end))
}

#[derive(Template)]
#[template(path = "portal/done.html")]
struct DonePage {
    page: Page,
    unlock: bool,
    forgotten: bool,
    /// What there is to know besides.
    but: Option<String>,
}

async fn show(journey: Journey) -> Response {
    let Journey { visitor, flow } = &journey;
    if flow.step() != Step::Done {
        return journey::to_step(flow);
    }
    let code = flow.job.as_ref().and_then(|job| job.code);
    let but = code.filter(|code| matches!(code, Code::LockedAgain | Code::NotReadBack));
    page::html(&DonePage {
        page: visitor.page(),
        unlock: flow.unlocks(),
        forgotten: flow.unlocks() && flow.way == Way::Either,
        but: but.map(|code| format!("outcome-{}-text", password::key(code))),
    })
}

/// The journey is over: flow, cookie and whatever the browser kept are gone.
async fn end(journey: Journey, _: form::Form<form::Nothing>) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let app = &visitor.app;
    let mut tx = app.begin().await?;
    resets::end(&mut tx, &visitor.tenant.scope, flow).await?;
    tx.commit().await?;
    let forget = [
        (header::SET_COOKIE, cookie::set(&app.public_url, cookie::FLOW, "", 0)),
        (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ];
    Ok((forget, Redirect::to("/")).into_response())
}
