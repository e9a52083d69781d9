//! `/reset/status` — live, true to the job's state: pushed by server-sent events, polled as JSON where those do not get through.

use std::{convert::Infallible, future::Future, sync::Arc, task::Poll, time::Duration};

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
    app::{App, Subscription},
    base::db::Plans,
    domain::{
        queue::{self, State},
        resets::{Flow, Step, TargetView},
        tenants::Scope,
    },
    web::{Error, Page, Result, page},
    wire::ticket::Kind,
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
    verify: bool,
    follow: bool,
    targets: Vec<Target>,
}

/// A directory, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    #[serde(skip)]
    pub name: String,
    /// `waits`, `now`, `set`, `not`, `unknown` or `newer`.
    pub is: &'static str,
}

impl Target {
    pub fn of(target: &TargetView) -> Self {
        let is = match target.state {
            _ if target.is_set() => "set",
            State::Held => "waits",
            State::Submitted | State::Leased => "now",
            State::Unknown => "unknown",
            State::Superseded => "newer",
            _ => "not",
        };
        Self { name: target.connector.clone(), is }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Status {
    state: &'static str,
    code: Option<&'static str>,
    r#final: bool,
    /// Where the browser goes now.
    next: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<Target>,
}

/// A wake-up that got lost is made up for within this.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// A stream ends by itself after this; browsers reconnect.
const STREAM: Duration = Duration::from_mins(3);

async fn show(journey: Journey) -> Response {
    match (&journey.flow.job, journey.flow.step()) {
        (Some(job), Step::Status) => {
            let targets = targets(&journey.flow);
            page::html(&StatusPage {
                page: journey.visitor.page(),
                state: job.state.as_str(),
                unlock: journey.flow.unlocks(),
                verify: job.kind == Kind::Verify,
                follow: targets.iter().any(|target| matches!(target.is, "waits" | "now")),
                targets,
            })
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
    let over = job.state.is_final() && step != Step::Status;
    let next = over.then(|| journey::path(step));
    let code = job.code.map(crate::wire::outcome::Code::as_str);
    Some(Status { state: job.state.as_str(), code, r#final: over, next, targets: targets(flow) })
}

/// Where another password is chosen for one of them, its own job is the story.
fn targets(flow: &Flow) -> Vec<Target> {
    if flow.aim_id.is_some() { Vec::new() } else { flow.targets.iter().map(Target::of).collect() }
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
    let jobs = [job].into_iter().chain(flow.targets.iter().map(|target| target.job_id));
    let subscriptions: Vec<_> = jobs.map(|job| app.wake.subscribe(job)).collect();
    let deadline = tokio::time::Instant::now() + STREAM;
    let mut told = None;
    while !sender.is_closed() && tokio::time::Instant::now() < deadline {
        let mut woken: Vec<_> = subscriptions.iter().map(Subscription::next).collect();
        let woken = std::future::poll_fn(move |cx| {
            if woken.iter_mut().any(|next| next.as_mut().poll(cx).is_ready()) { Poll::Ready(()) } else { Poll::Pending }
        });
        match (subscriptions[0].end(), &mut flow.job) {
            // Told with the wake-up, after the commit. Where there are several directories it is not the whole story.
            (Some(end), Some(job)) if flow.targets.is_empty() => job.ends(end),
            _ => {
                if let Err(error) = look(&app, &scope, job, &mut flow).await {
                    tracing::warn!(error = format!("{error:#}"), "a live status had to look again");
                }
            }
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

async fn look(app: &App, scope: &Scope, job: Uuid, flow: &mut Flow) -> anyhow::Result<()> {
    let mut conn = app.wall.acquire(scope, Plans::Kept).await?;
    flow.job = queue::view(&mut conn, scope, job).await?;
    flow.look_at_targets(&mut conn, scope).await
}
