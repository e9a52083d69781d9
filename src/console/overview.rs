//! `/console` — the first page: what wants doing, and where one can go.

use std::sync::Arc;

use askama::Template;
use axum::{Router, response::Response, routing::get};

use super::{
    guard::{Any, Fleet, May, Serve},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::fleet,
    web::{Page, Result, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console", get(show))
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
}

async fn show(desk: May<Any>) -> Result<Response> {
    let visitor = &desk.visitor;
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut todo = Vec::new();
    if desk.may::<Fleet>() {
        let mut conn = app.db.acquire().await?;
        let connectors = fleet::connectors(&mut conn, scope, &app.clock).await?;
        if !visitor.tenant.self_service {
            todo.push("console-todo-self-service");
        }
        if connectors.iter().any(|connector| connector.reaching == 0) {
            todo.push("console-todo-agent");
        }
        if visitor.tenant.alerts.is_none() {
            todo.push("console-todo-alerts");
        }
    }
    let (people, name) = (desk.may::<Serve>(), desk.operator.name.clone());
    Ok(page::html(&OverviewPage { page: visitor.page(), rail: desk.rail(Here::Overview), name, people, todo }))
}
