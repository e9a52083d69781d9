//! `POST /console/audit/export` — all lines of a filter as CSV (RFC 4180), read and sent page by page, to whoever has just shown
//! the second factor. That they were taken is a line as well.

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;
use sqlx::PgConnection;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::Sender;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use super::{Form, told::Names};
use crate::{
    app::App,
    base::db::Plans,
    console::{
        csv,
        guard::{Fresh, Trail},
    },
    domain::{
        audit::{
            self, Event,
            search::{self, Entry, Filter},
        },
        tenants::Scope,
    },
    web::{Error, Result, form},
};

/// Lines read at once.
const PAGE: i64 = 1000;
const HEAD: &str = "number,at,actor,operator,action,outcome,user,sign_in_name,support_code,address,flow,job,detail\r\n";

pub(super) async fn export(desk: Fresh<Trail>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope, source) = (&desk.visitor.app, &desk.visitor.tenant.scope, &desk.visitor.source);
    let mut tx = desk.visitor.begin().await?;
    let Ok(filter) = form.filter(&mut tx, &desk).await? else {
        return Err(Error::Unusable(axum::http::StatusCode::BAD_REQUEST, "bad_input"));
    };
    let Filter { actor, action, outcome, user, request, from, to } = &filter;
    let day = |day: &Option<time::Date>| day.map(|day| day.to_string());
    let detail = json!({ "actor": actor, "action": action, "outcome": outcome, "request": request, "from": day(from), "to": day(to) });
    let event = Event { action: "audit.export", outcome: "exported", user: *user, detail, ..Event::default() };
    audit::record(&mut tx, scope, &app.clock, source, event).await?;
    tx.commit().await?;
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    tokio::spawn(send(app.clone(), scope.clone(), filter, sender));
    let name = format!("attachment; filename=\"audit-{}.csv\"", app.clock.now().date());
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(ReceiverStream::new(receiver))).into_response())
}

type Chunk = std::result::Result<Bytes, anyhow::Error>;

/// Until there are no more, or nobody takes them. A failure breaks the connection off: a table that is cut short must not look whole.
async fn send(app: std::sync::Arc<App>, scope: Scope, filter: Filter, sender: Sender<Chunk>) {
    let (mut chunk, mut before) = (HEAD.to_owned(), None);
    loop {
        let lines = tokio::select! {
            () = app.stop.cancelled() => Err(anyhow::anyhow!("the server stops")),
            lines = page(&app, &scope, &filter, before) => lines,
        };
        let (text, last) = match lines {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "an export broke off");
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        chunk += &text;
        if !chunk.is_empty() && sender.send(Ok(Bytes::from(std::mem::take(&mut chunk)))).await.is_err() {
            return;
        }
        match last {
            Some(last) => before = Some(last),
            None => return,
        }
    }
}

/// The next lines, and the last one of them if there may be more.
async fn page(app: &App, scope: &Scope, filter: &Filter, before: Option<Uuid>) -> anyhow::Result<(String, Option<Uuid>)> {
    let mut conn = app.wall.acquire(scope, Plans::Fresh).await?;
    let lines = search::find(&mut conn, scope, filter, before, PAGE).await?;
    let names = names(&mut conn, scope, &lines).await?;
    let more = i64::try_from(lines.len())? == PAGE;
    Ok((lines.iter().map(|line| row(line, &names)).collect(), lines.last().filter(|_| more).map(|line| line.event_id)))
}

async fn names(conn: &mut PgConnection, scope: &Scope, lines: &[Entry]) -> anyhow::Result<Names> {
    Names::of(conn, scope, lines).await.map_err(|error| anyhow::anyhow!("names: {error:?}"))
}

fn row(line: &Entry, names: &Names) -> String {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let cells = [
        line.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        line.at.format(&Rfc3339).unwrap_or_default(),
        line.actor.clone(),
        names.operator(&line.actor).unwrap_or_default().to_owned(),
        line.action.clone(),
        line.outcome.clone(),
        id(line.user_id),
        line.user_id.and_then(|user| names.sign_in(user)).unwrap_or_default().to_owned(),
        line.request.clone().unwrap_or_default(),
        line.address.map(|address| address.to_string()).unwrap_or_default(),
        id(line.flow_id),
        id(line.job_id),
        line.detail.to_string(),
    ];
    csv::row(&cells.each_ref().map(String::as_str))
}
