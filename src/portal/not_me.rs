//! `/not-me` — "This wasn't me". The link of a notice bears its token behind the `#`, which no browser sends: no server, proxy or log
//! sees it, and whoever only fetches links, as scanners of mail do, changes nothing. A script moves it into the form; the code can be
//! typed as well.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{
    app::App,
    domain::{
        freezes,
        limits::{self, Count, Limit, Verdict},
        notices::{self, Token},
        resets::{self, Why},
    },
    web::{Page, Result, Visitor, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/not-me", get(show).post(submit)).route("/not-me/stopped", get(stopped)).route("/not-me/known", get(known))
}

#[derive(Template)]
#[template(path = "portal/not_me.html")]
struct NotMePage {
    page: Page,
    code: String,
    error: Option<&'static str>,
    /// The help desk hears of it.
    told: bool,
}

#[derive(Template)]
#[template(path = "portal/stopped.html")]
struct StoppedPage {
    page: Page,
    /// It was said before, or is of before the help desk looked.
    known: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    code: String,
}

async fn show(visitor: Visitor) -> Response {
    answer(&visitor, StatusCode::OK, String::new(), None)
}

fn answer(visitor: &Visitor, status: StatusCode, code: String, error: Option<&'static str>) -> Response {
    page::html_as(status, &NotMePage { page: visitor.page(), code, error, told: visitor.tenant.alerts.is_some() })
}

async fn submit(visitor: Visitor, form::Form(form): form::Form<Form>) -> Result<Response> {
    let Some(token) = Token::parse(&form.code) else {
        let error = if form.code.trim().is_empty() { "not-me-error-empty" } else { "not-me-error-shape" };
        return Ok(answer(&visitor, StatusCode::UNPROCESSABLE_ENTITY, form.code, Some(error)));
    };
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    // Counted and committed before anything is looked up. One statement, and so a transaction of its own.
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::NotMe, &visitor.source)];
    let verdict = limits::take_all(&mut conn, scope, &app.clock, &visitor.source, counts).await?;
    drop(conn);
    if let Verdict::Wait(until) = verdict {
        let mut response = answer(&visitor, StatusCode::TOO_MANY_REQUESTS, form.code, Some("not-me-error-limit"));
        let seconds = (until - app.clock.now()).whole_seconds().max(0) + 1;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(response);
    }

    let mut tx = visitor.begin().await?;
    let Some(word) = notices::repudiate(&mut tx, scope, &app.clock, &token).await? else {
        return Ok(answer(&visitor, StatusCode::UNPROCESSABLE_ENTITY, form.code, Some("not-me-error-unknown")));
    };
    // It counts once: what an operator has lifted since is not frozen again by the same message, nor by an older one.
    if word.before {
        let frozen = freezes::is_frozen(&mut tx, scope, word.user_id).await?;
        notices::said_again(&mut tx, scope, &app.clock, &visitor.source, &word).await?;
        tx.commit().await?;
        return Ok(told(&visitor, if frozen { "/not-me/stopped" } else { "/not-me/known" }));
    }
    let why = Why::Repudiated(&word.about, word.at.unix_timestamp());
    let frozen = resets::freeze(&mut tx, &visitor.tenant, &app.clock, &visitor.source, word.user_id, why).await?;
    tx.commit().await?;
    app.wake_outbox();
    for job in frozen.stopped {
        app.wake.tell(job);
    }
    Ok(told(&visitor, "/not-me/stopped"))
}

/// The page that says what became of it, and shows the support code of this request: of that one the trail knows.
fn told(visitor: &Visitor, path: &str) -> Response {
    let code = visitor.source.request.as_deref().unwrap_or_default();
    Redirect::to(&format!("{path}?code={code}")).into_response()
}

/// Whoever writes an address of their own gets no words of theirs shown.
fn page_of(visitor: &Visitor, uri: &Uri) -> Page {
    let fits = |code: &str| code.len() == 10 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let mut asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let code = asked.find(|(name, value)| name == "code" && fits(value));
    code.into_iter().fold(visitor.page(), |page, (_, code)| page.keeping("code", &code).of_request(code.into_owned()))
}

async fn stopped(visitor: Visitor, uri: Uri) -> Response {
    page::html(&StoppedPage { page: page_of(&visitor, &uri), known: false })
}

async fn known(visitor: Visitor, uri: Uri) -> Response {
    page::html(&StoppedPage { page: page_of(&visitor, &uri), known: true })
}
