//! `/console/sso` — where operators sign in. Owners only: whoever decides that could come in as anybody. The secret is typed and never shown;
//! another provider does not get the secret that was meant for the one before.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    guard::{Desk, Fresh, May, Own},
    shell::{Here, Rail},
    sso::redirect_uri,
};
use crate::{
    app::App,
    domain::{
        operators::Draft,
        sso::{self, By, Changed, Provider, Terms},
    },
    provider::{Failure, Trouble},
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/sso") });
    Router::new()
        .route("/console/sso", get(show).post(submit))
        .route("/console/sso/test", post(test).merge(back()))
        .route("/console/sso/remove", post(remove).merge(back()))
}

/// As it was typed. A box that is not ticked is not there.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Form {
    label: String,
    issuer: String,
    client_id: String,
    secret: String,
    factors: String,
    #[serde(default)]
    enabled: String,
    #[serde(default)]
    required: String,
    /// Of what it was filled in for.
    version: String,
}

impl Form {
    fn of(provider: Option<&Provider>) -> Self {
        let Some(Provider { terms, version, .. }) = provider else { return Self { version: "0".to_owned(), ..Self::default() } };
        let tick = |on: bool| if on { "on".to_owned() } else { String::new() };
        Self {
            label: terms.label.clone(),
            issuer: terms.issuer.clone(),
            client_id: terms.client_id.clone(),
            secret: String::new(),
            factors: terms.factors.join(", "),
            enabled: tick(terms.enabled),
            required: tick(terms.required),
            version: version.to_string(),
        }
    }

    fn read(&self, app: &App) -> Result<Terms, Vec<&'static str>> {
        let mut errors = Vec::new();
        let mut need = |fits: bool, key| {
            if !fits {
                errors.push(key);
            }
        };
        let (label, issuer, client_id) = (self.label.trim(), self.issuer.trim(), self.client_id.trim());
        need(Draft::is_name(label) && label.chars().count() <= 60, "console-sso-error-label");
        need(app.providers.may_be_issuer(issuer), "console-sso-error-issuer");
        need((1..=255).contains(&client_id.len()) && client_id.bytes().all(|byte| byte.is_ascii_graphic()), "console-sso-error-client");
        need(self.secret.len() <= 1024 && !self.secret.chars().any(char::is_control), "console-sso-error-secret");
        let factors = Terms::parse_factors(&self.factors);
        need(factors.is_some(), "console-sso-error-factors");
        let (enabled, required) = (!self.enabled.is_empty(), !self.required.is_empty());
        need(enabled || !required, "console-sso-error-required");
        if !errors.is_empty() {
            return Err(errors);
        }
        let (label, issuer, client_id) = (label.to_owned(), issuer.to_owned(), client_id.to_owned());
        Ok(Terms { issuer, client_id, label, factors: factors.unwrap_or_default(), enabled, required })
    }
}

#[derive(Template)]
#[template(path = "console/sso_setup.html")]
struct SetupPage {
    page: Page,
    rail: Rail,
    form: Form,
    redirect_uri: String,
    /// There is one.
    exists: bool,
    errors: Vec<&'static str>,
    /// What became of what was just asked for.
    told: Option<&'static str>,
}

fn answer(desk: &Desk, form: Form, status: StatusCode, errors: Vec<&'static str>, told: Option<&'static str>) -> Response {
    let (page, rail, exists) = (desk.visitor.page(), desk.rail(Here::Operators), form.version != "0");
    page::html_as(status, &SetupPage { page, rail, form, redirect_uri: redirect_uri(&desk.visitor), exists, errors, told })
}

async fn find(desk: &Desk) -> Result<Option<Provider>> {
    let mut conn = desk.visitor.acquire().await?;
    Ok(sso::find(&mut conn, &desk.visitor.tenant.scope).await?)
}

async fn show(desk: May<Own>, uri: Uri) -> Result<Response> {
    let told = (uri.query() == Some("saved")).then_some("console-saved");
    Ok(answer(&desk, Form::of(find(&desk).await?.as_ref()), StatusCode::OK, Vec::new(), told))
}

async fn submit(desk: Fresh<Own>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (visitor, refused) = (&desk.visitor, StatusCode::UNPROCESSABLE_ENTITY);
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let terms = match form.read(app) {
        Ok(terms) => terms,
        Err(errors) => return Ok(answer(&desk, form, refused, errors, None)),
    };
    let secret = (!form.secret.is_empty()).then(|| SecretString::from(form.secret.clone()));
    let by = By { source: &visitor.source, session: Some(desk.session.session_id), version: Some(form.version.parse().unwrap_or(-1)) };
    let mut tx = visitor.begin().await?;
    match sso::change(&mut tx, scope, &app.clock, by, (&terms, secret.as_ref())).await? {
        Changed::Yes => {
            tx.commit().await?;
            Ok(Redirect::to("/console/sso?saved").into_response())
        }
        Changed::TakesTwo => Err(Error::Forbidden("sso_takes_two")),
        Changed::SecretWanted => Ok(answer(&desk, form, refused, vec!["console-sso-error-secret-wanted"], None)),
        Changed::Stale => {
            drop(tx);
            let version = find(&desk).await?.map_or(0, |now| now.version).to_string();
            Ok(answer(&desk, Form { version, ..form }, StatusCode::CONFLICT, vec!["console-error-stale"], None))
        }
    }
}

const fn trouble_key(failure: Failure) -> &'static str {
    match failure {
        Failure::Away(Trouble::Address) => "console-sso-trouble-address",
        Failure::Away(Trouble::Silent) => "console-sso-trouble-silent",
        Failure::Away(Trouble::Late) => "console-sso-trouble-late",
        Failure::Away(Trouble::OtherIssuer) => "console-sso-trouble-issuer",
        Failure::Away(Trouble::Elsewhere) => "console-sso-trouble-elsewhere",
        Failure::Away(Trouble::NoPkce) => "console-sso-trouble-pkce",
        Failure::Away(Trouble::NoKeys) => "console-sso-trouble-keys",
        Failure::Away(Trouble::Status | Trouble::Unreadable) | Failure::Refused | Failure::Token(_) => "console-sso-trouble-unreadable",
    }
}

/// What is saved, as the provider answers at this moment.
async fn test(desk: Fresh<Own>, _: form::Form<form::Nothing>) -> Result<Response> {
    let provider = find(&desk).await?.ok_or(Error::NotFound)?;
    let tested = desk.visitor.app.providers.test(&provider.terms.issuer).await;
    let form = Form::of(Some(&provider));
    Ok(match tested {
        Ok(_) => answer(&desk, form, StatusCode::OK, Vec::new(), Some("console-sso-works")),
        Err(failure) => answer(&desk, form, StatusCode::OK, vec![trouble_key(failure)], None),
    })
}

async fn remove(desk: Fresh<Own>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let by = By { source: &desk.visitor.source, session: Some(desk.session.session_id), version: None };
    let mut tx = desk.visitor.begin().await?;
    sso::remove(&mut tx, scope, &app.clock, by).await?;
    tx.commit().await?;
    Ok(Redirect::to("/console/sso").into_response())
}
