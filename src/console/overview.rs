//! `/console` — the first page: what wants doing, and how the last days were.

use std::sync::Arc;

use askama::Template;
use axum::{Router, response::Response, routing::get};

use super::{
    guard::{Any, Fleet, May, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        fleet,
        reports::{self, Report},
        tenants,
    },
    web::{Page, Result, page},
};

/// Days on the chart.
const DAYS: u16 = 14;
/// Its size, without units: it takes the room there is.
const HEIGHT: i64 = 120;
const STRIDE: i64 = 40;
/// Reasons that are listed.
const REASONS: usize = 5;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console", get(show))
}

/// One day's pile, from the ground up: applied, refused, failed. Heights and places as SVG has them.
struct Bar {
    day: String,
    x: i64,
    applied: i64,
    refused: i64,
    failed: i64,
    piles: Vec<(&'static str, i64, i64)>,
}

struct Reason {
    key: String,
    count: i64,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    page: Page,
    rail: Rail,
    name: String,
    people: bool,
    /// Keys of what wants doing, the most urgent first.
    todo: Vec<&'static str>,
    /// Decisions that wait for whoever looks.
    waiting: usize,
    bars: Vec<Bar>,
    days: u16,
    width: i64,
    height: i64,
    applied: i64,
    refused: i64,
    failed: i64,
    open: i64,
    half: Option<String>,
    most: Option<String>,
    reasons: Vec<Reason>,
}

async fn show(desk: May<Any>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = app.db.acquire().await?;
    let mut todo = Vec::new();
    if desk.may::<Fleet>() {
        let tenant = tenants::by_id(&mut conn, &app.ring, scope.id()).await?;
        let connectors = fleet::connectors(&mut conn, scope, &app.clock).await?;
        if !tenant.self_service {
            todo.push("console-todo-self-service");
        }
        if connectors.iter().any(|connector| connector.reaching == 0) {
            todo.push("console-todo-agent");
        }
        if tenant.alerts.is_none() {
            todo.push("console-todo-alerts");
        }
    }
    let report = reports::report(&mut conn, scope, &app.clock, DAYS).await?;
    drop(conn);
    let sum = |of: fn(&reports::Day) -> i64| report.days.iter().map(of).sum::<i64>();
    let seconds = |millis: i64| format!("{}.{}", millis / 1000, millis % 1000 / 100);
    let reason = |(code, count): &(crate::wire::outcome::Code, i64)| Reason {
        key: format!("outcome-{}-title", code.as_str().replace('_', "-")),
        count: *count,
    };
    Ok(page::html(&OverviewPage {
        page: visitor.page(),
        rail: desk.rail(Here::Overview),
        name: desk.operator.name.clone(),
        people: desk.may::<Serve>(),
        todo,
        waiting: desk.waiting,
        bars: bars(&report),
        days: DAYS,
        width: STRIDE * i64::from(DAYS),
        height: HEIGHT,
        applied: sum(|day| day.applied),
        refused: sum(|day| day.refused),
        failed: sum(|day| day.failed),
        open: report.open,
        half: report.half.map(seconds),
        most: report.most.map(seconds),
        reasons: report.reasons.iter().take(REASONS).map(reason).collect(),
    }))
}

fn bars(report: &Report) -> Vec<Bar> {
    let highest = report.days.iter().map(|day| day.applied + day.refused + day.failed).max().unwrap_or(0).max(1);
    let mut x = 0;
    let mut bar = |day: &reports::Day| {
        let mut top = HEIGHT;
        let mut pile = |kind, count: i64| {
            // Whatever there is at all is seen.
            let height = if count > 0 { (count * HEIGHT / highest).max(2) } else { 0 };
            top -= height;
            (kind, top.max(0), height)
        };
        let piles = vec![pile("applied", day.applied), pile("refused", day.refused), pile("failed", day.failed)];
        x += STRIDE;
        let (applied, refused, failed) = (day.applied, day.refused, day.failed);
        Bar { day: day.date.to_string(), x: x - STRIDE, applied, refused, failed, piles }
    };
    report.days.iter().map(&mut bar).collect()
}
