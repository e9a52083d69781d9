//! `/console/sso/…` — to the organisation's OpenID provider and back. One does not go there by a redirect of the form: browsers hold our
//! `form-action` against those as well. So the answer is a page that leads on by itself.
//!
//! Back comes a navigation from another site, which brings our cookies since they are `Lax`. What makes it ours is the cookie of the browser
//! that went there together with the state, both good once; what makes the answer ours stands in [`crate::provider`].

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use time::Duration;
use uuid::Uuid;

use super::{
    guard::{self, Any, May, back},
    sign_in::To,
};
use crate::{
    app::App,
    domain::{
        audit::{self, Event},
        limits::{self, Count, Limit, Verdict},
        operators::{self, Identity, Stage},
        sso::{self, Attempt},
        users::EmailAddress,
    },
    provider::{Ask, Claims, Credentials, Expected, Failure, Provider, SKEW, Tokens, Unfit},
    web::{Error, Page, Result, Visitor, cookie, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/console/sign-in") });
    Router::new()
        .route("/console/sso/start", post(start).merge(back()))
        .route("/console/sso/prove", post(prove).merge(back()))
        .route("/console/sso/back", get(come_back))
}

/// Where the provider sends browsers back to: it is told once, when it is set up.
pub fn redirect_uri(visitor: &Visitor) -> String {
    format!("{}/console/sso/back", visitor.origin())
}

/// Why nobody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Away,
    Refused,
    Over,
    Issuer,
    Token,
    Clock,
    Unknown,
    Mail,
    Factor,
    /// They have one here.
    Own,
    Old,
}

impl Why {
    fn error(self) -> Error {
        match self {
            Self::Away => Error::Unavailable("sso_away"),
            Self::Refused => Error::Forbidden("sso_refused"),
            Self::Over => Error::Conflict("sso_over"),
            Self::Issuer => Error::Forbidden("sso_issuer"),
            Self::Token => Error::Forbidden("sso_token"),
            Self::Clock => Error::Forbidden("sso_clock"),
            Self::Unknown => Error::Forbidden("sso_unknown"),
            Self::Mail => Error::Forbidden("sso_mail"),
            Self::Factor => Error::Forbidden("sso_factor"),
            Self::Own => Error::Forbidden("prove_again"),
            Self::Old => Error::Forbidden("sso_old"),
        }
    }
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        tracing::warn!(error = %failure, "single sign-on did not go on");
        match failure {
            Failure::Away(_) => Self::Away,
            Failure::Refused => Self::Refused,
            Failure::Token(Unfit::Issuer) => Self::Issuer,
            Failure::Token(Unfit::Time) => Self::Clock,
            Failure::Token(_) => Self::Token,
        }
    }
}

#[derive(Template)]
#[template(path = "console/sso_go.html")]
struct GoPage {
    page: Page,
    host: String,
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    to: String,
}

async fn start(visitor: Visitor, form::Form(form): form::Form<Form>) -> Result<Response> {
    go(&visitor, None, &To::of(form.to)).await
}

/// Once more, by whoever is signed in and has nothing to show here.
async fn prove(desk: May<Any>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let (visitor, to) = (&desk.visitor, To::of(form.to));
    let mut conn = visitor.acquire().await?;
    let own = operators::has_factor(&mut conn, &visitor.tenant.scope, desk.operator.operator_id).await?;
    drop(conn);
    if own {
        return Ok(Redirect::to(&format!("/console/prove?to={}", to.path())).into_response());
    }
    go(visitor, Some(desk.session.session_id), &to).await
}

async fn go(visitor: &Visitor, session: Option<Uuid>, to: &To) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::AddressChallenge, &visitor.source)];
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, counts).await? != Verdict::Allowed {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let ours = sso::open(&mut conn, scope).await?.ok_or(Error::NotFound)?;
    drop(conn);
    let provider = app.providers.find(&ours.terms.issuer).await.map_err(|failure| Why::from(failure).error())?;
    let mut conn = visitor.acquire().await?;
    let begun = sso::begin(&mut conn, scope, &app.clock, ours.version, (session, to.path())).await?;
    let url = provider.ask(&Ask {
        client_id: &ours.terms.client_id,
        redirect_uri: &redirect_uri(visitor),
        state: &begun.state,
        nonce: &begun.nonce,
        challenge: &begun.challenge,
        acr_values: &ours.terms.factors,
        again: session.is_some(),
    });
    let cookie = cookie::set(&app.public_url, cookie::SSO, &begun.cookie, sso::LIFETIME.whole_seconds());
    let shown = GoPage { page: visitor.page(), host: url.host_str().unwrap_or_default().to_owned(), url: url.into() };
    Ok(([(header::SET_COOKIE, cookie)], page::html(&shown)).into_response())
}

/// What stands in the address that the provider sent the browser to; others may stand there too.
#[derive(Deserialize, Default)]
struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn come_back(visitor: Visitor, headers: HeaderMap, uri: Uri, desk: Result<May<Any>, Response>) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut conn = visitor.acquire().await?;
    let counts = vec![Count::from(Limit::AddressTry, &visitor.source)];
    if limits::take_all(&mut conn, scope, &app.clock, &visitor.source, counts).await? != Verdict::Allowed {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let answer: Answer = form::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let cookie = cookie::get(&headers, &app.public_url, cookie::SSO).unwrap_or_default();
    // One statement: used up before anything else is done with it.
    let attempt = sso::take(&mut conn, scope, &app.clock, (cookie, &answer.state)).await?;
    let ours = sso::open(&mut conn, scope).await?;
    drop(conn);
    let (Some(attempt), Some(ours)) = (attempt, ours) else { return refuse(&visitor, Why::Over).await };
    if attempt.provider_version != ours.version {
        return refuse(&visitor, Why::Over).await;
    }
    let said = match hear(&visitor, &ours, &attempt, answer).await {
        Ok(said) => said,
        Err(why) => return refuse(&visitor, why).await,
    };
    match attempt.session {
        None => enter(visitor, &headers, (&ours, &said), &attempt.back_to).await,
        Some(session) => {
            // Whoever signed out meanwhile, or is somebody else by now, has shown nothing.
            let Some(desk) = desk.ok().filter(|desk| desk.session.session_id == session) else { return refuse(&visitor, Why::Over).await };
            confirm(&desk, (&ours, &said), &attempt).await
        }
    }
}

/// What the provider says, and of whom.
struct Said {
    provider: Arc<Provider>,
    tokens: Tokens,
    claims: Claims,
}

impl Said {
    fn identity(&self) -> Identity<'_> {
        Identity { issuer: &self.provider.issuer, subject: &self.claims.sub }
    }
}

/// Nothing of the database is held while the provider is asked.
async fn hear(visitor: &Visitor, ours: &sso::Provider, attempt: &Attempt, answer: Answer) -> Result<Said, Why> {
    use secrecy::ExposeSecret;
    let (providers, terms) = (&visitor.app.providers, &ours.terms);
    let provider = providers.find(&terms.issuer).await?;
    // RFC 9207: or a code of one provider is taken to another.
    let own = answer.iss.as_ref().map_or(!provider.tells_issuer, |iss| *iss == provider.issuer);
    if !own {
        return Err(Why::Issuer);
    }
    let code = answer.code.filter(|code| answer.error.is_none() && (1..=4096).contains(&code.len())).ok_or(Why::Refused)?;
    let by = Credentials { client_id: &terms.client_id, secret: &ours.secret };
    let tokens = providers.redeem(&provider, &by, (&code, attempt.verifier.expose_secret()), &redirect_uri(visitor)).await?;
    let now = visitor.app.clock.seconds();
    let expected = Expected { issuer: &provider.issuer, client_id: &terms.client_id, nonce: &attempt.nonce, now };
    let claims = providers.verify(&provider, &tokens.id_token, &expected).await?;
    Ok(Said { provider, tokens, claims })
}

async fn enter(mut visitor: Visitor, headers: &HeaderMap, (ours, said): (&sso::Provider, &Said), back_to: &str) -> Result<Response> {
    let (app, scope) = (visitor.app.clone(), visitor.tenant.scope.clone());
    let (claims, identity) = (&said.claims, said.identity());
    let mut conn = visitor.acquire().await?;
    let known = operators::by_identity(&mut conn, &scope, &identity).await?;
    drop(conn);
    let mailbox = match known {
        Some(_) => None,
        None if claims.mailbox.email.is_some() => Some(claims.mailbox.clone()),
        None => match app.providers.mailbox(&said.provider, &said.tokens, &claims.sub).await {
            Ok(mailbox) => Some(mailbox),
            Err(failure) => return refuse(&visitor, failure.into()).await,
        },
    };
    let mut tx = visitor.begin().await?;
    // The provider has taken its time to answer.
    if !sso::stands(&mut tx, &scope, ours).await? {
        drop(tx);
        return refuse(&visitor, Why::Over).await;
    }
    let operator = match (operators::by_identity(&mut tx, &scope, &identity).await?, mailbox) {
        (Some((operator, may)), _) => Some(operator).filter(|_| may).ok_or(Why::Unknown),
        // The link was forgotten at this moment.
        (None, None) => Err(Why::Over),
        (None, Some(mailbox)) => {
            let verified = Some(mailbox).filter(|mailbox| mailbox.email_verified);
            match verified.and_then(|mailbox| EmailAddress::parse(mailbox.email.as_deref()?)) {
                Some(mail) => {
                    operators::link_identity(&mut tx, &scope, &app.clock, &visitor.source, &identity, &mail).await?.ok_or(Why::Unknown)
                }
                None => Err(Why::Mail),
            }
        }
    };
    let proven = ours.terms.proves(claims.acr.as_deref(), &claims.amr);
    let own = if let Ok(operator) = operator { operators::has_factor(&mut tx, &scope, operator).await? } else { false };
    // Nobody comes in by one factor.
    let operator = match operator.and_then(|operator| Some(operator).filter(|_| proven || own).ok_or(Why::Factor)) {
        Ok(operator) => operator,
        Err(why) => {
            drop(tx);
            return refuse(&visitor, why).await;
        }
    };
    visitor.source.actor = format!("operator:{operator}");
    let detail = serde_json::json!({ "operator": operator, "second_factor": proven });
    let event = Event { action: "operator.sso", outcome: "known", detail, ..Event::default() };
    audit::record(&mut tx, &scope, &app.clock, &visitor.source, event).await?;
    let stage = if proven { Stage::In } else { Stage::Password };
    let old = cookie::get(headers, &app.public_url, cookie::CONSOLE);
    let token = operators::begin(&mut tx, &scope, &app.clock, &visitor.source, operator, (stage, visitor.device.as_str()), old).await?;
    // The provider may not have asked today; what is dangerous goes by when it did, or by what they have here if they have something.
    let ago =
        claims.auth_time.filter(|_| !own).map_or(Duration::DAY, |at| Duration::seconds(app.clock.seconds().saturating_sub(at).max(0)));
    operators::came_by_sso(&mut tx, &scope, &token, ago.min(Duration::DAY)).await?;
    tx.commit().await?;
    let to = if proven { back_to.to_owned() } else { format!("/console/sign-in/factor?to={back_to}") };
    Ok(with_cookies(&app, &token, &to))
}

/// Whoever is signed in has shown it once more, a moment ago.
async fn confirm(desk: &May<Any>, (ours, said): (&sso::Provider, &Said), attempt: &Attempt) -> Result<Response> {
    let (visitor, app, scope, claims) = (&desk.visitor, &desk.visitor.app, &desk.visitor.tenant.scope, &said.claims);
    let mut tx = desk.visitor.begin().await?;
    let begun = attempt.begun_at.unix_timestamp() - SKEW;
    let why = if !sso::stands(&mut tx, scope, ours).await? {
        Some(Why::Over)
    } else if operators::has_factor(&mut tx, scope, desk.operator.operator_id).await? {
        Some(Why::Own)
    } else if operators::by_identity(&mut tx, scope, &said.identity()).await? != Some((desk.operator.operator_id, true)) {
        Some(Why::Unknown)
    } else if !ours.terms.proves(claims.acr.as_deref(), &claims.amr) {
        Some(Why::Factor)
    } else if claims.auth_time.is_none_or(|at| at < begun) {
        Some(Why::Old)
    } else {
        None
    };
    if let Some(why) = why {
        drop(tx);
        return refuse(visitor, why).await;
    }
    let token = operators::proven(&mut tx, scope, &app.clock, &visitor.source, desk.session.session_id).await?;
    tx.commit().await?;
    let Some(token) = token else { return Ok(Redirect::to("/console/sign-in").into_response()) };
    Ok(with_cookies(app, &token, &attempt.back_to))
}

fn with_cookies(app: &App, token: &str, to: &str) -> Response {
    let used = (header::SET_COOKIE, cookie::set(&app.public_url, cookie::SSO, "", 0));
    let to = Redirect::to(if to.starts_with("/console/sign-in/factor") { to } else { back(to).unwrap_or("/console") });
    (AppendHeaders([guard::set_cookie(&app.public_url, token), used]), to).into_response()
}

async fn refuse(visitor: &Visitor, why: Why) -> Result<Response> {
    let (app, scope) = (&visitor.app, &visitor.tenant.scope);
    let mut tx = visitor.begin().await?;
    let detail = serde_json::json!({ "why": format!("{why:?}").to_lowercase() });
    let event = Event { action: "operator.sso", outcome: "refused", detail, ..Event::default() };
    audit::record(&mut tx, scope, &app.clock, &visitor.source, event).await?;
    tx.commit().await?;
    Err(why.error())
}
