//! The face of an error: a page for whoever asks for HTML, `application/problem+json` (RFC 9457) for programs and below `/agent`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    Context, Page,
    error::{Problem, Reason},
    page, tenancy,
};
use crate::{app::App, base::language::Language};

#[derive(Template)]
#[template(path = "portal/error.html")]
struct ErrorPage {
    page: Page,
    status: u16,
    /// Where its visitor begins.
    home: &'static str,
    title_key: String,
    text_key: String,
}

/// Every answer of 400 and above that has no body of ours gets one. Stands inside [`super::context::layer`].
pub async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asker = Asker::of(&app, &request);
    let context = request.extensions().get::<Context>().cloned();
    let response = next.run(request).await;
    let own = response.extensions().get::<Problem>().copied();
    let has_body = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if response.status().as_u16() < 400 || (own.is_none() && has_body) {
        return response;
    }
    let status = response.status();
    let problem = own.unwrap_or_else(|| Problem { code: usual(status) });
    let mut faced = face(&app, &asker, context.as_ref(), status, problem, response.extensions().get());
    if status == StatusCode::UNAUTHORIZED {
        faced.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge(problem.code)));
    }
    for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            faced.headers_mut().insert(name, value.clone());
        }
    }
    faced
}

/// What an error's face depends on, taken out of the request: whoever waits long must not keep its head all the while.
struct Asker {
    language: Language,
    wants_page: bool,
    /// Of the door that was asked.
    home: &'static str,
    /// The first step was just made.
    begun: bool,
}

impl Asker {
    fn of(app: &App, request: &Request) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let accepts =
            |kind: &str| headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|all| all.contains(kind));
        Self {
            language: tenancy::language(app, uri, headers, None),
            // An agent is a program, whatever it says it takes.
            wants_page: !uri.path().starts_with("/agent/") && accepts("text/html"),
            home: if uri.path() == "/console" || uri.path().starts_with("/console/") { "/console" } else { "/" },
            begun: uri.query().is_some_and(|query| query.contains("begun")),
        }
    }
}

/// Only agents are told 401: in the words of RFC 9449 §7.1 and RFC 6749 §5.2.
fn challenge(code: &str) -> &'static str {
    match code {
        "bad_token" => r#"DPoP error="invalid_token", algs="EdDSA""#,
        "bad_assertion" => r#"DPoP error="invalid_client", algs="EdDSA""#,
        _ => r#"DPoP error="invalid_dpop_proof", algs="EdDSA""#,
    }
}

/// The code for a status that the framework chose.
fn usual(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::SERVICE_UNAVAILABLE => "try_again",
        StatusCode::TOO_MANY_REQUESTS => "too_many",
        status if status.is_client_error() => "bad_input",
        _ => "internal",
    }
}

fn face(app: &App, asker: &Asker, context: Option<&Context>, status: StatusCode, problem: Problem, reason: Option<&Reason>) -> Response {
    let page = Page::bare(asker.language, context);
    if asker.wants_page && problem.code == "flow_ended" {
        // The browser may hold a newer cookie by now: let it look again. That page tells if there is nothing.
        return Redirect::to(if asker.begun { "/reset?begun=1" } else { "/reset" }).into_response();
    }
    let words = |code: &str| format!("problem-{}", code.replace('_', "-"));
    // Codes that only agents meet have no words for people.
    let key = [problem.code, usual(status)]
        .map(words)
        .into_iter()
        .find(|key| page.has(&format!("{key}-title")))
        .unwrap_or_else(|| words("bad_input"));
    let (title_key, text_key) = (format!("{key}-title"), format!("{key}-text"));
    if asker.wants_page {
        return page::html_as(status, &ErrorPage { page, status: status.as_u16(), home: asker.home, title_key, text_key });
    }
    let mut body = serde_json::json!({
        "type": format!("urn:sspr:problem:{}", problem.code),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": problem.code,
        "detail": page.t(&text_key),
        "support": page.support(),
        "now": app.clock.seconds(),
    });
    if let Some(Reason(reason)) = reason {
        body["reason"] = reason.as_ref().into();
    }
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
