//! `/reset/stay` and `/account/stay` — more time, for whoever was warned that theirs runs out (WCAG 2.2.1). js/ends.js asks, so that
//! nothing that was typed is lost; without it the pages say at the end that one may begin again.

use std::sync::Arc;

use axum::{
    Json, Router,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};

use super::{account::Account, journey::Journey};
use crate::{
    app::App,
    domain::resets,
    web::{Error, Result, form},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/reset/stay", post(journey).get(|| async { Redirect::to("/reset") }))
        .route("/account/stay", post(account).get(|| async { Redirect::to("/account") }))
}

fn left(seconds: i64, more: bool) -> Response {
    Json(serde_json::json!({ "seconds": seconds, "more": more })).into_response()
}

/// Once for each journey.
async fn journey(Journey { visitor, flow }: Journey, _: form::Json<form::Nothing>) -> Result<Response> {
    let app = &visitor.app;
    let mut conn = visitor.acquire().await?;
    let until = resets::extend(&mut conn, &visitor.tenant.scope, &app.clock, &visitor.source, &flow).await?;
    let until = until.ok_or(Error::Conflict("not_now"))?;
    Ok(left((until - app.clock.now()).whole_seconds(), false))
}

/// By asking alone: the session is seen. Its hour it keeps.
async fn account(Account { visitor, .. }: Account, _: form::Json<form::Nothing>) -> Response {
    visitor.ends.map_or_else(|| left(0, false), |ends| left(ends.seconds, ends.more.is_some()))
}
