//! `/reset/done` — what to do now on each device. No automatic sign-in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::resets::{self, Step},
    web::{Page, Result, cookie, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/done", get(show)).route("/reset/end", post(end))
}

#[derive(Template)]
#[template(path = "portal/done.html")]
struct DonePage {
    page: Page,
}

async fn show(journey: Journey) -> Response {
    if journey.flow.step() != Step::Done {
        return journey::to_step(&journey.flow);
    }
    page::html(&DonePage { page: journey.visitor.page() })
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
