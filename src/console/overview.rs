//! `/console` — the first page: what wants doing, and how the last days were. What is looked at stands in the address; all of it can be had as
//! a table for a spreadsheet.

use std::sync::Arc;

use askama::Template;
use axum::{Router, http::Uri, response::Response, routing::get};
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{
    csv,
    guard::{Any, Fleet, Govern, May, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{
        coverage::{self, Counts},
        fleet::{self, Trouble},
        policies::Method,
        reports::{self, KINDS, Report, SPANS, Sends, Step, View},
        tenants,
    },
    web::{
        Page, Result, explained, form,
        page::{self, When, when},
    },
    wire::outcome::Code,
};

/// Days on the chart, where nobody says otherwise.
const DAYS: u16 = 14;
/// Its size, without units: it takes the room there is.
const HEIGHT: i64 = 120;
const STRIDE: i64 = 40;
/// The length of a bar that is all of something.
const WHOLE: i64 = 1000;
/// Reasons that are listed.
const REASONS: usize = 5;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console", get(show)).route("/console/figures.csv", get(table)).route("/console/sends.csv", get(sends))
}

/// As it stands in the address. What is no span, no directory and no kind is as if it were not there.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Form {
    days: String,
    connector: String,
    kind: String,
}

impl Form {
    fn of(uri: &Uri) -> Self {
        form::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default()
    }

    fn view(&self) -> View {
        View {
            days: self.days.parse().ok().filter(|days| SPANS.contains(days)).unwrap_or(DAYS),
            connector: self.connector.parse().ok(),
            kind: KINDS.into_iter().find(|kind| *kind == self.kind),
        }
    }
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// One step's pile, from the ground up: applied, refused, failed. Heights and places as SVG has them.
struct Bar {
    at: String,
    x: i64,
    applied: i64,
    refused: i64,
    failed: i64,
    piles: Vec<(&'static str, i64, i64)>,
}

struct Reason {
    /// Of its words, and of what to do.
    key: String,
    remedy: String,
    count: i64,
}

/// A part of something: name, how many, and how long its bar is.
struct Part {
    label: String,
    count: i64,
    long: i64,
}

/// Who can use self-service.
struct Coverage {
    at: When,
    people: i64,
    parts: Vec<Part>,
    /// In percent of whom a policy serves.
    able: i64,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    page: Page,
    rail: Rail,
    name: String,
    people: bool,
    governs: bool,
    /// Keys of what wants doing, the most urgent first, and where.
    todo: Vec<(&'static str, &'static str)>,
    /// Decisions that wait for whoever looks.
    waiting: i64,
    spans: Vec<Choice>,
    connectors: Vec<Choice>,
    kinds: Vec<Choice>,
    /// Where all of it is as a table, and all messages.
    csv: String,
    sends_csv: String,
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
    coverage: Option<Coverage>,
    methods: Vec<Part>,
    mails: Sends,
    texts: Sends,
    mail_budget: Option<i32>,
    sms_budget: Option<i32>,
    /// What mails and text messages cost, and both, as far as prices are known.
    spent: Option<[String; 3]>,
}

async fn show(desk: May<Any>, uri: Uri) -> Result<Response> {
    let (visitor, view, page) = (&desk.visitor, Form::of(&uri).view(), desk.visitor.page());
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let tenant = tenants::again(&mut conn, scope).await?;
    let connectors = fleet::connectors(&mut conn, scope, &app.clock).await?;
    let mut todo = Vec::new();
    if desk.may::<Fleet>() {
        if !tenant.self_service {
            todo.push(("console-todo-self-service", "/console/settings"));
        }
        if connectors.iter().any(|connector| connector.reaching == 0) {
            todo.push(("console-todo-agent", "/console/connectors"));
        }
        if connectors.iter().any(|connector| !connector.writeback) {
            todo.push(("console-todo-writeback", "/console/connectors"));
        }
        let agents = fleet::overseen(&mut conn, scope, &app.clock, None).await?;
        if agents.iter().any(|agent| agent.troubles(app.clock.now()).contains(&Trouble::Checkup)) {
            todo.push(("console-todo-checkup", "/console/connectors"));
        }
        if tenant.alerts.is_none() {
            todo.push(("console-todo-alerts", "/console/settings"));
        }
    }
    let report = reports::report(&mut conn, scope, &app.clock, view).await?;
    let coverage = coverage::kept(&mut conn, scope).await?;
    let prices = reports::prices(&mut conn, scope).await?;
    drop(conn);
    let spent = prices.map(|prices| {
        let (mails, texts) = prices.spent(&report);
        [mails, texts, mails.saturating_add(texts)].map(|sum| prices.sum(visitor.language, sum))
    });
    let seconds = |millis: i64| format!("{}.{}", millis / 1000, millis % 1000 / 100);
    let choice = |value: String, label: String, chosen| Choice { value, label, chosen };
    let proofs: i64 = report.methods.iter().map(|(_, count)| count).sum();
    let method = |(method, count): &(String, i64)| Part {
        label: Method::parse(method).map_or_else(|| method.clone(), |method| explained::method(visitor.language, method).into_owned()),
        count: *count,
        long: part(*count, proofs),
    };
    Ok(page::html(&OverviewPage {
        rail: desk.rail(Here::Overview),
        name: desk.operator.name.clone(),
        people: desk.may::<Serve>(),
        governs: desk.may::<Govern>(),
        todo,
        waiting: desk.waiting,
        spans: SPANS.iter().map(|days| choice(days.to_string(), page.t1("figures-span", "days", days), *days == view.days)).collect(),
        connectors: connectors
            .iter()
            .map(|one| choice(one.connector_id.to_string(), one.name.clone(), Some(one.connector_id) == view.connector))
            .collect(),
        kinds: KINDS.iter().map(|kind| choice((*kind).to_owned(), page.t(kind_key(kind)).into_owned(), Some(*kind) == view.kind)).collect(),
        csv: address("figures", view),
        sends_csv: address("sends", view),
        bars: bars(&report, view.days),
        days: view.days,
        width: STRIDE * i64::try_from(report.steps.len())?,
        height: HEIGHT,
        applied: report.sum(|step| step.applied),
        refused: report.sum(|step| step.refused),
        failed: report.sum(|step| step.failed),
        open: report.open,
        half: report.half.map(seconds),
        most: report.most.map(seconds),
        reasons: report.reasons.iter().take(REASONS).map(reason).collect(),
        coverage: coverage.map(|counts| covered(&page, &counts)),
        methods: report.methods.iter().map(method).collect(),
        mails: report.mails,
        texts: report.texts,
        mail_budget: tenant.allowed.mail_budget,
        sms_budget: tenant.allowed.sms_budget,
        spent,
        page,
    }))
}

fn reason((code, count): &(Code, i64)) -> Reason {
    let code = code.as_str().replace('_', "-");
    Reason { key: format!("outcome-{code}-title"), remedy: format!("outcome-{code}-remedy"), count: *count }
}

/// Of a job that people or operators ask for.
fn kind_key(kind: &str) -> &'static str {
    match kind {
        "change" => "jobs-kind-change",
        "unlock" => "jobs-kind-unlock",
        "temporary" => "jobs-kind-temporary",
        _ => "jobs-kind-reset",
    }
}

/// How long the bar of a part is. Whatever there is at all is seen.
fn part(count: i64, all: i64) -> i64 {
    if count > 0 { (count * WHOLE / all.max(1)).clamp(4, WHOLE) } else { 0 }
}

fn covered(page: &Page, counts: &Counts) -> Coverage {
    let part = |key: &str, count: i64| Part { label: page.t(key).into_owned(), count, long: part(count, counts.people) };
    Coverage {
        at: when(page.language(), counts.counted_at),
        people: counts.people,
        parts: vec![
            part("figures-served", counts.served),
            part("figures-registered", counts.registered),
            part("figures-able", counts.able),
            part("figures-mailbox-only", counts.mailbox_only),
            part("figures-cooling-off", counts.cooling_off),
            part("figures-too-few", counts.too_few),
        ],
        able: counts.able * 100 / counts.served.max(1),
    }
}

fn bars(report: &Report, days: u16) -> Vec<Bar> {
    let highest = report.steps.iter().map(|step| step.applied + step.refused + step.failed).max().unwrap_or(0).max(1);
    let mut x = 0;
    let mut bar = |step: &Step| {
        let mut top = HEIGHT;
        let mut pile = |kind, count: i64| {
            // Whatever there is at all is seen.
            let height = if count > 0 { (count * HEIGHT / highest).max(2) } else { 0 };
            top -= height;
            (kind, top.max(0), height)
        };
        let piles = vec![pile("applied", step.applied), pile("refused", step.refused), pile("failed", step.failed)];
        x += STRIDE;
        let (date, hour) = (step.at.date(), step.at.hour());
        let at = if days == 1 { format!("{date} {hour:02}:00") } else { date.to_string() };
        Bar { at, x: x - STRIDE, applied: step.applied, refused: step.refused, failed: step.failed, piles }
    };
    report.steps.iter().map(&mut bar).collect()
}

fn address(what: &str, view: View) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("days", &view.days.to_string());
    query.extend_pairs(view.connector.map(|connector| ("connector", connector.to_string())));
    query.extend_pairs(view.kind.map(|kind| ("kind", kind)));
    format!("/console/{what}.csv?{}", query.finish())
}

/// What is looked at, count by count (RFC 4180). There is nobody in it.
async fn table(desk: May<Any>, uri: Uri) -> Result<Response> {
    let (visitor, view) = (&desk.visitor, Form::of(&uri).view());
    let scope = &visitor.tenant.scope;
    let mut conn = visitor.acquire().await?;
    let lines = reports::table(&mut conn, scope, &visitor.app.clock, view).await?;
    let connectors = fleet::connectors(&mut conn, scope, &visitor.app.clock).await?;
    drop(conn);
    let name = |id: Uuid| connectors.iter().find(|one| one.connector_id == id).map_or("", |one| one.name.as_str());
    let mut text = "from,connector,kind,state,code,jobs\r\n".to_owned();
    for line in &lines {
        let from = line.at.format(&Rfc3339).unwrap_or_default();
        text += &csv::row(&[&from, name(line.connector_id), &line.kind, &line.state, &line.code, &line.jobs.to_string()]);
    }
    Ok(csv::file("figures", visitor.app.clock.now().date(), text))
}

/// Messages, and what they cost at the prices of today, to the millionth.
async fn sends(desk: May<Any>, uri: Uri) -> Result<Response> {
    let (visitor, view) = (&desk.visitor, Form::of(&uri).view());
    let scope = &visitor.tenant.scope;
    let mut conn = visitor.acquire().await?;
    let lines = reports::sent(&mut conn, scope, &visitor.app.clock, view).await?;
    let prices = reports::prices(&mut conn, scope).await?;
    drop(conn);
    let mut text = "from,channel,state,messages,parts,currency,spent\r\n".to_owned();
    for line in &lines {
        let from = line.at.format(&Rfc3339).unwrap_or_default();
        let price = prices.as_ref().map(|prices| if line.channel == "sms" { prices.sms } else { prices.mail });
        let spent = price.map_or_else(String::new, |price| reports::typed(line.parts.saturating_mul(price)));
        let currency = prices.as_ref().map_or("", |prices| &prices.currency);
        text += &csv::row(&[&from, &line.channel, &line.state, &line.messages.to_string(), &line.parts.to_string(), currency, &spent]);
    }
    Ok(csv::file("messages", visitor.app.clock.now().date(), text))
}
