//! The inbox's page, newest message first, and `/messages.json`, newest last.

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use time::macros::format_description;

use super::{Channel, Message, Shelf};

const CSS: &str = include_str!("inbox.css");
const JS: &str = include_str!("inbox.js");
/// Nothing but our own style, script and frames.
const CSP: &str =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'";
/// A mail's HTML is somebody else's: it may style itself and no more.
const MAIL_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

pub(super) fn routes() -> Router<Shelf> {
    Router::new()
        .route("/", get(index))
        .route("/messages.json", get(messages))
        .route("/messages/{number}/html", get(html))
        .route("/inbox.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], CSS)))
        .route("/inbox.js", get(async || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], JS)))
}

/// A developer's page, never a user's: hence its words stand here and not in `locales/`.
#[derive(Template)]
#[template(path = "inbox.html")]
struct Page {
    rows: Vec<Row>,
    count: usize,
}

struct Row {
    number: usize,
    channel: &'static str,
    time: String,
    message: Message,
}

async fn index(State(shelf): State<Shelf>) -> Response {
    let all = shelf.messages.borrow().clone();
    let count = all.len();
    let row = |(number, message): (usize, Message)| Row {
        number,
        channel: match message.channel {
            Channel::Email => "E-mail",
            Channel::Sms => "SMS",
        },
        time: message.at.format(format_description!("[hour]:[minute]:[second] UTC")).unwrap_or_default(),
        message,
    };
    let rows = all.into_iter().enumerate().rev().map(row).collect();
    match (Page { rows, count }).render() {
        Ok(page) => (policy(CSP), Html(page)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn messages(State(shelf): State<Shelf>) -> Response {
    let all = shelf.messages.borrow().clone();
    ([(header::CACHE_CONTROL, "no-store")], Json(all)).into_response()
}

async fn html(State(shelf): State<Shelf>, Path(number): Path<usize>) -> Response {
    let html = shelf.messages.borrow().get(number).and_then(|message| message.html.clone());
    match html {
        Some(html) => (policy(MAIL_CSP), Html(html)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn policy(csp: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, csp),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}
