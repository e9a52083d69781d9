//! `/reset/status` — live, true to the job's state: pushed by server-sent events, polled as JSON where those do not get through.

use std::{convert::Infallible, sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Json, Router,
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
    routing::get,
};
use serde::Serialize;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::journey::{self, Journey};
use crate::{
    app::App,
    domain::{
        queue::{self, JobView},
        resets::{Flow, Step},
        tenants::Scope,
    },
    web::{Error, Page, Result, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/reset/status", get(show)).route("/reset/status.json", get(poll)).route("/reset/status/events", get(events))
}

#[derive(Template)]
#[template(path = "portal/status.html")]
struct StatusPage {
    page: Page,
    state: &'static str,
    unlock: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Status {
    state: &'static str,
    code: Option<&'static str>,
    r#final: bool,
    /// Where the browser goes now.
    next: Option<&'static str>,
}

/// A wake-up that got lost is made up for within this.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// A stream ends by itself after this; browsers reconnect.
const STREAM: Duration = Duration::from_mins(3);

async fn show(journey: Journey) -> Response {
    match (&journey.flow.job, journey.flow.step()) {
        (Some(job), Step::Status) => {
            page::html(&StatusPage { page: journey.visitor.page(), state: job.state.as_str(), unlock: journey.flow.unlocks() })
        }
        _ => journey::to_step(&journey.flow),
    }
}

async fn poll(journey: Journey) -> Result<Json<Status>> {
    status(&journey.flow).map(Json).ok_or(Error::Conflict("no_ticket"))
}

fn status(flow: &Flow) -> Option<Status> {
    let job = flow.job.as_ref()?;
    let step = flow.step();
    let next = job.state.is_final().then(|| journey::path(step));
    Some(Status { state: job.state.as_str(), code: job.code.map(crate::wire::outcome::Code::as_str), r#final: job.state.is_final(), next })
}

async fn events(journey: Journey) -> Result<Response> {
    let Some(job) = journey.flow.job.as_ref().map(|job| job.job_id) else { return Err(Error::Conflict("no_ticket")) };
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(watch(journey.visitor.app.clone(), journey.visitor.tenant.scope.clone(), journey.flow, job, sender));
    let stream = Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

type Sender = tokio::sync::mpsc::Sender<Result<sse::Event, Infallible>>;

/// Subscribe, look, tell what changed, wait; until the end of the job, the stream's time, or the process.
async fn watch(app: Arc<App>, scope: Scope, mut flow: Flow, job: Uuid, sender: Sender) {
    let subscription = app.wake.subscribe(job);
    let deadline = tokio::time::Instant::now() + STREAM;
    let mut told = None;
    while !sender.is_closed() && tokio::time::Instant::now() < deadline {
        let woken = subscription.next();
        match (subscription.end(), &mut flow.job) {
            // Told with the wake-up, after the commit.
            (Some(end), Some(job)) => job.ends(end),
            _ => match look(&app, &scope, job).await {
                Ok(view) => flow.job = view,
                Err(error) => tracing::warn!(error = format!("{error:#}"), "a live status had to look again"),
            },
        }
        let now = status(&flow);
        if now != told
            && let Some(status) = &now
        {
            let Ok(event) = sse::Event::default().json_data(status) else { return };
            if sender.send(Ok(event)).await.is_err() || status.r#final {
                return;
            }
            told = now;
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = sender.closed() => return,
            () = app.stop.cancelled() => return,
        }
    }
}

async fn look(app: &App, scope: &Scope, job: Uuid) -> anyhow::Result<Option<JobView>> {
    let mut conn = app.db.acquire().await?;
    queue::view(&mut conn, scope, job).await
}
