//! A small site without the product behind it: our static files and the pages of [`super::pages`], under the portal's own
//! Content-Security-Policy, and a cloud that is as honest or as hostile as a test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sspr::base::language::Language;

use super::pages;

/// The header that every page of the portal bears.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sspr-work";

pub struct Site {
    pub url: String,
    pub cloud: Arc<Mutex<Cloud>>,
}

/// What the site answers, and what it was sent.
#[derive(Default)]
pub struct Cloud {
    /// Answer to `POST /reset/ticket`: status and body.
    pub ticket: Option<(u16, Value)>,
    /// Answer to `POST /reset/jobs`.
    pub refuses: Option<(u16, Value)>,
    /// Bodies of `POST /reset/jobs`.
    pub jobs: Vec<Value>,
    /// Answers to the status page, one after the other; the last one stays.
    pub states: Vec<Value>,
}

type Shared = State<Arc<Mutex<Cloud>>>;

impl Site {
    pub async fn start() -> Self {
        let cloud = Arc::new(Mutex::new(Cloud::default()));
        let router = Router::new()
            .route("/", get(|| async { page("Home") }))
            .route("/reset", get(|| async { page("Where you are") }))
            .route("/preview/{name}", get(preview))
            .route("/static/{*path}", get(file))
            .route("/reset/ticket", post(ticket))
            .route("/reset/jobs", post(jobs))
            .route("/reset/status", get(|| async { shown(&pages::render("status", Language::English).expect("a page")) }))
            .route("/reset/status.json", get(status))
            .route("/reset/done", get(|| async { shown(&pages::render("done", Language::English).expect("a page")) }))
            .with_state(cloud.clone());
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        // Browsers count localhost as a secure context, which WebCrypto wants.
        Self { url: format!("http://localhost:{port}"), cloud }
    }

    /// From now on the cloud offers `ticket` to `recipients`.
    pub fn offers(&self, ticket: &Value, recipients: &[Value]) {
        let answer = json!({"ticket": ticket, "recipients": recipients, "now": super::agent::NOW});
        self.answers(|cloud| cloud.ticket = Some((200, answer)));
    }

    pub fn answers<T>(&self, change: impl FnOnce(&mut Cloud) -> T) -> T {
        change(&mut self.cloud.lock().expect("no panic while it was held"))
    }
}

#[derive(Deserialize)]
struct Wanted {
    lang: Option<String>,
}

async fn preview(Path(name): Path<String>, Query(wanted): Query<Wanted>) -> Response {
    let language = wanted.lang.as_deref().and_then(Language::negotiate).unwrap_or(Language::English);
    match pages::render(&name, language) {
        // A mail is not under the site's policy: mail programs have their own.
        Some(html) if name.starts_with("mail") => Html(html).into_response(),
        Some(html) => shown(&html),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn page(title: &str) -> Response {
    shown(&format!("<!doctype html><html lang=\"en\"><title>{title}</title><h1>{title}</h1>"))
}

fn shown(html: &str) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html.to_owned())).into_response()
}

async fn file(Path(path): Path<String>) -> Response {
    let full = format!("{}/static/{path}", env!("CARGO_MANIFEST_DIR"));
    let Ok(bytes) = tokio::fs::read(full).await else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind), (HeaderName::from_static("x-content-type-options"), "nosniff")], bytes).into_response()
}

fn answer(answer: Option<(u16, Value)>, otherwise: (u16, Value)) -> Response {
    let (status, body) = answer.unwrap_or(otherwise);
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}

async fn ticket(State(cloud): Shared, Json(_): Json<Value>) -> Response {
    answer(cloud.lock().expect("lock").ticket.clone(), (409, json!({"code": "no_agent", "support": "AB12"})))
}

async fn jobs(State(cloud): Shared, Json(job): Json<Value>) -> Response {
    let mut cloud = cloud.lock().expect("lock");
    cloud.jobs.push(job);
    answer(cloud.refuses.clone(), (202, json!({"status": "/reset/status"})))
}

/// There is no stream at `/reset/status/events`: what a page sees behind a proxy that lets none through.
async fn status(State(cloud): Shared) -> Response {
    let mut cloud = cloud.lock().expect("lock");
    let waiting = json!({"state": "submitted", "final": false, "next": null});
    let state = if cloud.states.len() > 1 { cloud.states.remove(0) } else { cloud.states.first().cloned().unwrap_or(waiting) };
    Json(state).into_response()
}
