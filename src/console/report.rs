//! `/console/report` — to whom the figures of the week are sent by mail. Nobody, until somebody is named.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    guard::{Desk, Fresh, Govern, May},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::{reports, users::EmailAddress},
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/report", get(show).post(submit))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    mail: String,
    /// As it was when the form was shown.
    seen: String,
}

#[derive(Template)]
#[template(path = "console/report.html")]
struct ReportPage {
    page: Page,
    rail: Rail,
    form: Form,
    error: Option<&'static str>,
    /// Just saved.
    saved: bool,
}

async fn show(desk: May<Govern>, uri: Uri) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let mail = reports::address(&mut conn, &desk.visitor.tenant.scope).await?.map(|mail| mail.as_str().to_owned()).unwrap_or_default();
    drop(conn);
    let form = Form { seen: mail.clone(), mail };
    Ok(answer(&desk, StatusCode::OK, form, (None, uri.query() == Some("saved"))))
}

fn answer(desk: &Desk, status: StatusCode, form: Form, (error, saved): (Option<&'static str>, bool)) -> Response {
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::Overview));
    page::html_as(status, &ReportPage { page, rail, form, error, saved })
}

async fn submit(desk: Fresh<Govern>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mail = EmailAddress::parse(&form.mail);
    if mail.is_none() && !form.mail.trim().is_empty() {
        return Ok(answer(&desk, StatusCode::UNPROCESSABLE_ENTITY, form, (Some("figures-mail-error"), false)));
    }
    let mut tx = desk.visitor.begin().await?;
    let now = reports::address(&mut tx, scope).await?.map(|mail| mail.as_str().to_owned()).unwrap_or_default();
    if now != form.seen {
        return Ok(answer(&desk, StatusCode::CONFLICT, Form { seen: now, ..form }, (Some("console-error-stale"), false)));
    }
    reports::send_to(&mut tx, scope, &app.clock, &desk.visitor.source, mail.as_ref()).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/report?saved").into_response())
}
