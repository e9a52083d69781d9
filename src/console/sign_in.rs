//! `/console/sign-in` — address and password, then the second factor; or a passkey, which is both (it is something one has, and it has
//! verified who holds it). What was wrong with address or password nobody is told, and nobody can time.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::{FromRequestParts, Query},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use time::Duration;
use uuid::Uuid;

use super::guard::{self, Any, Halfway, May, back};
use crate::{
    app::App,
    domain::{
        audit::{self, Event},
        authenticators::Assertion,
        limits::{self, Count, Limit, Verdict},
        operators::{self, Role, Stage, Tried},
        sso,
        users::EmailAddress,
        verification::{self, Code, Method},
    },
    web::{Error, Page, Result, Visitor, cookie, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/sign-in") });
    Router::new()
        .route("/console/sign-in", get(show).post(submit))
        .route("/console/sign-in/factor", get(factor).post(prove))
        .route("/console/sign-in/passkey", post(passkey).merge(back()))
        .route("/console/sign-in/passkey/challenge", post(challenge).merge(back()))
        .route("/console/sign-out", post(sign_out).merge(back()))
        .route("/console/stay", post(stay).merge(back()))
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    page: Page,
    mail: String,
    to: String,
    error: Option<&'static str>,
    passkey_error: Option<&'static str>,
    /// What the organisation's provider is called, if there is one.
    sso: Option<String>,
    /// All but owners must sign in there.
    required: bool,
}

#[derive(Template)]
#[template(path = "console/factor.html")]
struct FactorPage {
    page: Page,
    to: String,
    app: bool,
    passkey: bool,
    error: Option<&'static str>,
    passkey_error: Option<&'static str>,
    at: &'static str,
    passkey_at: &'static str,
}

/// Where one wanted to go.
#[derive(Deserialize, Default)]
pub struct To {
    #[serde(default)]
    to: String,
}

impl To {
    pub const fn of(to: String) -> Self {
        Self { to }
    }

    pub fn path(&self) -> &str {
        back(&self.to).unwrap_or("/console")
    }
}

async fn show(visitor: Visitor, to: Query<To>, signed_in: Result<May<Any>, Response>) -> Result<Response> {
    if signed_in.is_ok() {
        return Ok(Redirect::to(to.path()).into_response());
    }
    answer(&visitor, StatusCode::OK, String::new(), &to, (None, None)).await
}

async fn answer(
    visitor: &Visitor,
    status: StatusCode,
    mail: String,
    to: &To,
    (error, passkey_error): (Option<&'static str>, Option<&'static str>),
) -> Result<Response> {
    let mut conn = visitor.acquire().await?;
    let terms = sso::open(&mut conn, &visitor.tenant.scope).await?.map(|provider| provider.terms);
    drop(conn);
    let (required, sso) = (terms.as_ref().is_some_and(|terms| terms.required), terms.map(|terms| terms.label));
    let (page, to) = (visitor.page(), to.path().to_owned());
    Ok(page::html_as(status, &SignInPage { page, mail, to, error, passkey_error, sso, required }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    mail: String,
    password: String,
    to: String,
}

async fn submit(visitor: Visitor, headers: HeaderMap, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (app, scope, to) = (&visitor.app, &visitor.tenant.scope, To::of(form.to));
    let mail = EmailAddress::parse(&form.mail);
    let typed = mail.as_ref().map_or(form.mail.trim(), EmailAddress::as_str);
    let counts = || vec![Count::of(Limit::OperatorPassword, &[operators::Asked::subject(scope, typed)])];
    let mut conn = visitor.acquire().await?;
    let all = [vec![Count::from(Limit::AddressTry, &visitor.source)], counts()].concat();
    // One statement, and so committed before anything is compared.
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, all).await? != Verdict::Allowed {
        return answer(&visitor, StatusCode::TOO_MANY_REQUESTS, form.mail, &to, (Some("console-sign-in-error-limit"), None)).await;
    }
    let asked = operators::ask(&mut conn, scope, mail.as_ref()).await?;
    drop(conn);
    // As many at once as there is room for: whoever floods this page must not get the machine.
    let hashes = app.slow_hash.of(vec![asked.to_hash(&form.password)]).await?.ok_or(Error::Unavailable("try_again"))?;
    let right = hashes.first().and_then(|hash| asked.is(hash));
    let mut tx = visitor.begin().await?;
    let found = if let Some(right) = right { operators::get(&mut tx, scope, right).await? } else { None };
    // Where all but owners must sign in at the provider, theirs and a wrong one are told alike.
    let required = !sso::takes_local(&mut tx, scope, Role::Auditor).await?;
    let Some(operator) = found.filter(|found| !required || found.role == Role::Owner).map(|found| found.operator_id) else {
        let detail = serde_json::json!({ "operator": asked.whose() });
        let outcome = if right.is_some() { "refused" } else { "wrong" };
        let event = Event { action: "operator.sign_in", outcome, detail, ..Event::default() };
        audit::record(&mut tx, scope, &app.clock, &visitor.source, event).await?;
        tx.commit().await?;
        let error = if required { "console-sign-in-error-sso" } else { "console-sign-in-error-wrong" };
        return answer(&visitor, StatusCode::UNPROCESSABLE_ENTITY, form.mail, &to, (Some(error), None)).await;
    };
    limits::clear(&mut tx, scope, counts()).await?;
    let old = cookie::get(&headers, &app.public_url, cookie::CONSOLE);
    let stage = (Stage::Password, visitor.device.as_str());
    let token = operators::begin(&mut tx, scope, &app.clock, &visitor.source, operator, stage, old).await?;
    tx.commit().await?;
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to(&format!("/console/sign-in/factor?to={}", to.path()))).into_response())
}

/// Whose password was right.
struct Known(Halfway);

impl FromRequestParts<Arc<App>> for Known {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let found = Halfway::at(parts, app, Stage::Password).await.map_err(IntoResponse::into_response)?;
        found.map(Self).ok_or_else(|| Redirect::to("/console/sign-in").into_response())
    }
}

async fn factor(Known(halfway): Known, to: Query<To>) -> Result<Response> {
    ask_for_factor(&halfway, StatusCode::OK, &to, None).await
}

async fn ask_for_factor(halfway: &Halfway, status: StatusCode, to: &To, error: Option<&'static str>) -> Result<Response> {
    let visitor = &halfway.visitor;
    let mut conn = visitor.acquire().await?;
    let factors = operators::factors(&mut conn, &visitor.tenant.scope, halfway.operator.operator_id).await?;
    let has = |passkey: bool| factors.iter().any(|factor| factor.is_passkey == passkey && !factor.is_stopped);
    let shown = FactorPage {
        page: visitor.page(),
        to: to.path().to_owned(),
        app: has(false),
        passkey: has(true),
        error,
        passkey_error: None,
        at: "/console/sign-in/factor",
        passkey_at: "/console/sign-in/passkey",
    };
    Ok(page::html_as(status, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorForm {
    code: String,
    to: String,
}

async fn prove(Known(halfway): Known, headers: HeaderMap, form::Form(form): form::Form<FactorForm>) -> Result<Response> {
    let (visitor, operator, to) = (&halfway.visitor, halfway.operator.operator_id, To::of(form.to));
    if let Err((status, error)) = check_code(visitor, operator, &form.code).await? {
        return ask_for_factor(&halfway, status, &to, Some(error)).await;
    }
    let old = cookie::get(&headers, &visitor.app.public_url, cookie::CONSOLE);
    sign_in(visitor, (operator, halfway.session.sso), old, &to).await
}

/// Whether the code is shown by an app of theirs. Counted and committed before it is compared.
pub async fn check_code(visitor: &Visitor, operator: Uuid, typed: &str) -> Result<Result<(), (StatusCode, &'static str)>> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let Some(code) = Code::parse(Method::Totp, typed) else {
        return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, "code-error-shape")));
    };
    let counts = || vec![Count::of(Limit::OperatorCode, &[operator.as_bytes().to_vec()])];
    let all = [vec![Count::from(Limit::AddressTry, &visitor.source)], counts()].concat();
    let mut conn = visitor.acquire().await?;
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, all).await? != Verdict::Allowed {
        return Ok(Err((StatusCode::TOO_MANY_REQUESTS, "console-factor-error-limit")));
    }
    drop(conn);
    let mut tx = visitor.begin().await?;
    let tried = operators::check_app(&mut tx, scope, &app.clock, operator, code.as_str()).await?;
    if tried == Tried::Right {
        limits::clear(&mut tx, scope, counts()).await?;
    } else {
        let detail = serde_json::json!({ "operator": operator });
        let event = Event { action: "operator.prove", outcome: "wrong", detail, ..Event::default() };
        audit::record(&mut tx, scope, &app.clock, &visitor.source, event).await?;
    }
    tx.commit().await?;
    Ok(match tried {
        Tried::Right => Ok(()),
        Tried::Used => Err((StatusCode::UNPROCESSABLE_ENTITY, "console-factor-error-used")),
        Tried::Wrong | Tried::Cloned => Err((StatusCode::UNPROCESSABLE_ENTITY, "console-factor-error-wrong")),
    })
}

/// All was shown, the first of it here or at the provider: a new cookie, and on to where one wanted to go.
async fn sign_in(visitor: &Visitor, (operator, by_sso): (Uuid, bool), old: Option<&str>, to: &To) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let role = operators::get(&mut tx, scope, operator).await?.ok_or(Error::NotFound)?.role;
    if !by_sso && !sso::takes_local(&mut tx, scope, role).await? {
        drop(tx);
        return answer(visitor, StatusCode::FORBIDDEN, String::new(), to, (Some("console-sign-in-error-sso"), None)).await;
    }
    let stage = (Stage::In, visitor.device.as_str());
    let token = operators::begin(&mut tx, scope, &app.clock, &visitor.source, operator, stage, old).await?;
    if by_sso {
        operators::came_by_sso(&mut tx, scope, &token, Duration::ZERO).await?;
    }
    tx.commit().await?;
    Ok(([guard::set_cookie(&app.public_url, &token)], Redirect::to(to.path())).into_response())
}

/// A challenge of its own for each press, with a cookie of its own: nobody else's browser can answer it.
pub async fn challenge(visitor: Visitor, _: form::Json<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::AddressChallenge, &visitor.source)];
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, counts).await? != Verdict::Allowed {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let (options, state) = visitor.relying_party()?.challenge()?;
    let (token, age) = verification::keep_nameless(&mut conn, scope, &app.clock, &state).await?;
    Ok(([(header::SET_COOKIE, cookie::set(&app.public_url, cookie::PASSKEY, &token, age))], Json(options)).into_response())
}

/// Whose passkey answered the challenge of this browser. Right or wrong, the challenge is used up.
pub async fn check_passkey(
    visitor: &Visitor,
    headers: &HeaderMap,
    operator: Option<Uuid>,
    answer: &str,
) -> Result<Result<Uuid, (StatusCode, &'static str)>> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let Some(assertion) = Assertion::parse(answer) else {
        let error = if answer.is_empty() { "passkey-error-script" } else { "console-passkey-error-wrong" };
        return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, error)));
    };
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::AddressTry, &visitor.source)];
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, counts).await? != Verdict::Allowed {
        return Ok(Err((StatusCode::TOO_MANY_REQUESTS, "passkey-error-limit")));
    }
    drop(conn);
    let (rp, token) = (visitor.relying_party()?, cookie::get(headers, &app.public_url, cookie::PASSKEY).unwrap_or_default());
    let mut tx = visitor.begin().await?;
    let Some(state) = verification::take_nameless(&mut tx, scope, &app.clock, token).await? else {
        return Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, "passkey-error-over")));
    };
    let (tried, whose) = operators::check_passkey(&mut tx, scope, &app.clock, &visitor.source, operator, (&rp, &state), &assertion).await?;
    if tried != Tried::Right {
        let event = Event { action: "operator.prove", outcome: "wrong", ..Event::default() };
        audit::record(&mut tx, scope, &app.clock, &visitor.source, event).await?;
    }
    tx.commit().await?;
    let error = if tried == Tried::Cloned { "console-passkey-error-copied" } else { "console-passkey-error-wrong" };
    Ok(whose.ok_or((StatusCode::UNPROCESSABLE_ENTITY, error)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasskeyForm {
    answer: String,
    to: String,
}

async fn passkey(
    visitor: Visitor,
    headers: HeaderMap,
    known: Result<Known, Response>,
    form::Form(form): form::Form<PasskeyForm>,
) -> Result<Response> {
    let (to, old) = (To::of(form.to), cookie::get(&headers, &visitor.app.public_url, cookie::CONSOLE));
    match check_passkey(&visitor, &headers, None, &form.answer).await? {
        Ok(operator) => {
            let by_sso = known.is_ok_and(|Known(half)| half.session.sso && half.operator.operator_id == operator);
            sign_in(&visitor, (operator, by_sso), old, &to).await
        }
        Err((status, error)) => answer(&visitor, status, String::new(), &to, (None, Some(error))).await,
    }
}

async fn sign_out(desk: May<Any>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (app, scope) = (&desk.visitor.app, &desk.visitor.tenant.scope);
    let mut tx = desk.visitor.begin().await?;
    operators::end(&mut tx, scope, &app.clock, &desk.visitor.source, desk.operator.operator_id, desk.session.session_id).await?;
    tx.commit().await?;
    Ok((guard::forget(&app.public_url), Redirect::to("/console/sign-in")).into_response())
}

/// More time, for whoever was warned that theirs runs out: by asking alone the session is seen.
async fn stay(desk: May<Any>, _: form::Json<form::Nothing>) -> Response {
    let (seconds, more) = desk.visitor.ends.map_or((0, false), |ends| (ends.seconds, ends.more.is_some()));
    Json(serde_json::json!({ "seconds": seconds, "more": more })).into_response()
}
