//! `/console/prices` — what a text message and a mail cost, so that the overview can say what was spent.

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
    guard::{Desk, Fresh, Govern},
    shell::{Here, Rail},
};
use crate::{
    app::App,
    domain::reports::{self, Prices},
    web::{Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/console/prices", get(show).post(submit))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    currency: String,
    sms: String,
    mail: String,
    /// As they were when the form was shown.
    seen: String,
}

impl Form {
    fn of(prices: Option<&Prices>) -> Self {
        let (currency, sms, mail) = prices
            .map_or_else(Default::default, |prices| (prices.currency.clone(), reports::typed(prices.sms), reports::typed(prices.mail)));
        Self { seen: format!("{currency} {sms} {mail}"), currency, sms, mail }
    }

    /// What it says; else the key of what cannot be used.
    fn read(&self) -> Result<Option<Prices>, &'static str> {
        if [&self.currency, &self.sms, &self.mail].iter().all(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        let currency = reports::parse_currency(&self.currency).ok_or("prices-error-currency")?;
        let price = |text: &str| reports::parse_price(text).ok_or("prices-error-price");
        Ok(Some(Prices { currency, sms: price(&self.sms)?, mail: price(&self.mail)? }))
    }
}

#[derive(Template)]
#[template(path = "console/prices.html")]
struct PricesPage {
    page: Page,
    rail: Rail,
    form: Form,
    error: Option<&'static str>,
    /// Just saved.
    saved: bool,
}

async fn show(desk: Fresh<Govern>, uri: Uri) -> Result<Response> {
    let mut conn = desk.visitor.acquire().await?;
    let prices = reports::prices(&mut conn, &desk.visitor.tenant.scope).await?;
    drop(conn);
    Ok(answer(&desk, StatusCode::OK, Form::of(prices.as_ref()), (None, uri.query() == Some("saved"))))
}

fn answer(desk: &Desk, status: StatusCode, form: Form, (error, saved): (Option<&'static str>, bool)) -> Response {
    let (page, rail) = (desk.visitor.page(), desk.rail(Here::Overview));
    page::html_as(status, &PricesPage { page, rail, form, error, saved })
}

async fn submit(desk: Fresh<Govern>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let wish = match form.read() {
        Ok(wish) => wish,
        Err(key) => return Ok(answer(&desk, StatusCode::UNPROCESSABLE_ENTITY, form, (Some(key), false))),
    };
    let mut tx = desk.visitor.begin().await?;
    let now = Form::of(reports::prices_held(&mut tx, scope).await?.as_ref()).seen;
    if now != form.seen {
        return Ok(answer(&desk, StatusCode::CONFLICT, Form { seen: now, ..form }, (Some("console-error-stale"), false)));
    }
    reports::set_prices(&mut tx, scope, &app.clock, &desk.visitor.source, wish.as_ref()).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/prices?saved").into_response())
}
