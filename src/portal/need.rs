//! `/reset/need` — unlock the account, or set a new password? Asked only where both would do; where nothing but unlocking is possible
//! that is all there is to press.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    journey::{self, Journey},
    password,
};
use crate::{
    app::App,
    domain::resets::{self, Step, Unlocking, Way},
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/need", get(show).post(submit))
}

#[derive(Template)]
#[template(path = "portal/need.html")]
struct NeedPage {
    page: Page,
    choice: bool,
    age: Option<page::When>,
    error: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    need: String,
}

async fn show(journey: Journey) -> Response {
    answer(&journey, StatusCode::OK, None)
}

fn answer(journey: &Journey, status: StatusCode, error: Option<&'static str>) -> Response {
    let Journey { visitor, flow } = journey;
    if flow.step() != Step::Need {
        return journey::to_step(flow);
    }
    let age = match flow.way {
        Way::UnlockOnly(at) => at.map(|at| page::when(visitor.language, at)),
        _ => None,
    };
    page::html_as(status, &NeedPage { page: visitor.page(), choice: flow.way == Way::Either, age, error })
}

async fn submit(journey: Journey, form::Form(form): form::Form<Form>) -> Result<Response> {
    match form.need.as_str() {
        "unlock" => unlock(journey).await,
        "password" => {
            let Journey { visitor, flow } = &journey;
            let mut tx = visitor.begin().await?;
            resets::wants_password(&mut tx, &visitor.tenant.scope, flow).await?;
            tx.commit().await?;
            Ok(Redirect::to("/reset").into_response())
        }
        _ => Ok(answer(&journey, StatusCode::UNPROCESSABLE_ENTITY, Some("need-error-choose"))),
    }
}

async fn unlock(journey: Journey) -> Result<Response> {
    let Journey { visitor, flow } = &journey;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let unlocking = resets::unlock(&mut tx, &visitor.tenant, &app.clock, &visitor.source, flow).await?;
    match unlocking {
        Unlocking::Asked { connector, superseded } => {
            tx.commit().await?;
            app.has_job(connector);
            if let Some(older) = superseded {
                app.wake.tell(older);
            }
            Ok(Redirect::to("/reset/status").into_response())
        }
        // Another tab was faster, or an administrator.
        Unlocking::NotNow => Ok(Redirect::to("/reset").into_response()),
        Unlocking::Busy => Err(Error::Conflict("busy")),
        Unlocking::NotServed => Err(Error::Forbidden("not_served")),
        Unlocking::NotReady(readiness) => Err(password::not_ready(readiness)),
    }
}
