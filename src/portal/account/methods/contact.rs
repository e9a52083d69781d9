//! `/account/methods/contact/{kind}` — a private mailbox or a number of one's own: typed, and proven by the code that goes there.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Account, Recent};
use crate::{
    app::App,
    domain::{
        contacts::{self, Adder, Confirmed, Pending, Sent, Unfit},
        limits::Verdict,
        policies::{Method, Terms},
        users::{self, Contact, EmailAddress, Phone},
        verification::{Code, RESEND_AFTER},
    },
    web::{Error, Page, Result, form, page},
};

pub fn routes() -> Router<Arc<App>> {
    let back = || get(|| async { Redirect::to("/account/methods") });
    Router::new()
        .route("/account/methods/contact/{kind}", get(show).post(begin))
        .route("/account/methods/contact/{kind}/code", get(shows_code).post(confirm))
        .route("/account/methods/contact/{kind}/resend", post(resend).merge(back()))
        .route("/account/methods/contact/{kind}/remove", post(remove).merge(back()))
}

#[derive(Template)]
#[template(path = "portal/account/contact.html")]
struct ContactPage {
    page: Page,
    kind: &'static str,
    /// There is one, and this is to take its place.
    replaces: bool,
    to: String,
    error: Option<&'static str>,
    /// Key of what must be proven first.
    wanted: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/account/contact_code.html")]
struct CodePage {
    page: Page,
    kind: &'static str,
    to: String,
    error: Option<&'static str>,
    notice: Option<&'static str>,
    resend_in: i64,
}

/// An address that codes go to.
pub(super) struct Listed {
    pub kind: &'static str,
    pub masked: String,
    /// They added it themself, and may take it back.
    pub own: bool,
    /// They may put another one of their own in its place.
    pub open: bool,
    /// A number where no text messages go.
    pub silent: bool,
    /// While it proves nothing yet.
    pub usable: Option<page::When>,
}

/// What there is, and the kinds of which there is none and may be one.
pub(super) async fn listed(conn: &mut PgConnection, account: &Account, terms: &Terms) -> Result<(Vec<Listed>, Vec<&'static str>)> {
    let Account { visitor, user, .. } = account;
    let [own_mail, own_mobile] = users::are_own(conn, &visitor.tenant.scope, user.user_id).await?;
    let (offered, now) = (contacts::offered(terms), visitor.app.clock.now());
    let [mail_at, private_mail_at, mobile_at] = user.since;
    let listed = |method: Method, masked: Option<String>, since: Option<OffsetDateTime>, own: bool| {
        let usable = since.map(|since| since + terms.cooling_off).filter(|at| *at > now).map(|at| page::when(visitor.language, at));
        let silent = method == Method::Sms && !user.is_texted(&visitor.tenant, terms);
        Some(Listed { kind: method.as_str(), masked: masked?, own, open: offered.contains(&method), silent, usable })
    };
    let all = [
        listed(Method::PrivateEmail, user.private_mail.as_ref().map(EmailAddress::masked), private_mail_at, own_mail),
        listed(Method::Email, user.mail.as_ref().map(EmailAddress::masked), mail_at, false),
        listed(Method::Sms, user.mobile.as_ref().map(Phone::masked), mobile_at, own_mobile),
    ];
    let all: Vec<Listed> = all.into_iter().flatten().collect();
    let missing = offered.iter().map(|method| method.as_str()).filter(|kind| all.iter().all(|one| one.kind != *kind)).collect();
    Ok((all, missing))
}

/// The kind is a method's name; there is none of any other.
fn parse(kind: &str) -> Result<Method> {
    Method::parse(kind).filter(|method| contacts::ALL.contains(method)).ok_or(Error::NotFound)
}

impl Account {
    fn adder(&self) -> Adder<'_> {
        Adder { user: &self.user, session: self.session.session_id, language: self.visitor.language.tag() }
    }

    const fn has(&self, method: Method) -> bool {
        if matches!(method, Method::Sms) { self.user.mobile.is_some() } else { self.user.private_mail.is_some() }
    }

    /// To put one in another's place takes that other away, and so what is asked for before anything is removed.
    async fn wanted_for(&self, method: Method) -> anyhow::Result<Option<&'static str>> {
        if self.has(method) { self.wanted().await } else { Ok(None) }
    }

    async fn may_replace(&self, method: Method) -> Result<()> {
        if self.wanted_for(method).await?.is_some() { Err(Error::Forbidden("proof_wanted")) } else { Ok(()) }
    }
}

async fn show(Recent(account): Recent, Path(kind): Path<String>) -> Result<Response> {
    let method = parse(&kind)?;
    if account.is_one_secret() {
        return Err(Error::Forbidden("one_secret"));
    }
    let Some(wanted) = account.wanted_for(method).await? else { return Ok(typing(&account, method, String::new(), None)) };
    let (page, to) = (account.visitor.page(), String::new());
    Ok(page::html(&ContactPage { page, kind: method.as_str(), replaces: true, to, error: None, wanted: Some(wanted) }))
}

/// What is said; a wait is a reason of its own, and no fault of what was typed.
type Said = Option<(StatusCode, &'static str)>;

fn typing(account: &Account, method: Method, to: String, said: Said) -> Response {
    let replaces = account.has(method);
    let (status, error) = said.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    page::html_as(status, &ContactPage { page: account.visitor.page(), kind: method.as_str(), replaces, to, error, wanted: None })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    to: String,
}

async fn begin(Recent(account): Recent, Path(kind): Path<String>, form::Form(form): form::Form<Typed>) -> Result<Response> {
    let method = parse(&kind)?;
    account.may_replace(method).await?;
    account.may_change().await?;
    let Some(contact) = Contact::parse(method, &form.to) else {
        let error = if method == Method::Sms { "contact-error-shape-sms" } else { "contact-error-shape-mail" };
        return Ok(typing(&account, method, form.to, Some((StatusCode::UNPROCESSABLE_ENTITY, error))));
    };
    let said = match send(&account, &contact).await? {
        Sent::Sent | Sent::TooEarly => {
            return Ok(Redirect::to(&format!("/account/methods/contact/{}/code", method.as_str())).into_response());
        }
        Sent::Wait(until, of_all) => return Ok(waits(&account, until, typing(&account, method, form.to, Some(too_many(of_all))))),
        Sent::Unfit(unfit) => (StatusCode::UNPROCESSABLE_ENTITY, key(unfit, method)),
    };
    Ok(typing(&account, method, form.to, Some(said)))
}

async fn send(account: &Account, contact: &Contact) -> Result<Sent> {
    let visitor = &account.visitor;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    let sent = contacts::send(&mut tx, &visitor.tenant, &app.clock, &visitor.source, account.adder(), contact).await?;
    tx.commit().await?;
    app.wake_outbox();
    Ok(sent)
}

const fn too_many(of_all: bool) -> (StatusCode, &'static str) {
    (StatusCode::TOO_MANY_REQUESTS, if of_all { "contact-error-used-up" } else { "contact-error-limit" })
}

fn waits(account: &Account, until: OffsetDateTime, mut response: Response) -> Response {
    let seconds = (until - account.visitor.app.clock.now()).whole_seconds().max(0) + 1;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

const fn key(unfit: Unfit, method: Method) -> &'static str {
    match (unfit, method) {
        (Unfit::NotOffered, _) => "contact-error-not-offered",
        (Unfit::BehindPassword, _) => "contact-error-behind-password",
        (Unfit::Country, _) => "contact-error-country",
        (Unfit::Known, Method::Sms) => "contact-error-known-sms",
        (Unfit::Known, _) => "contact-error-known-mail",
    }
}

async fn shows_code(account: Account, Path(kind): Path<String>) -> Result<Response> {
    answer(&account, parse(&kind)?, None, None).await
}

async fn pending(account: &Account, method: Method) -> Result<Option<Pending>> {
    let visitor = &account.visitor;
    let mut conn = visitor.acquire().await?;
    Ok(contacts::pending(&mut conn, &visitor.tenant.scope, &visitor.app.clock, account.adder(), method).await?)
}

async fn answer(account: &Account, method: Method, said: Said, notice: Option<&'static str>) -> Result<Response> {
    let Some(Pending { contact, sent_at }) = pending(account, method).await? else {
        return Ok(Redirect::to(&format!("/account/methods/contact/{}", method.as_str())).into_response());
    };
    let (status, error) = said.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    let resend_in = (sent_at + RESEND_AFTER - account.visitor.app.clock.now()).whole_seconds().max(0);
    let (page, to) = (account.visitor.page(), contact.as_str().to_owned());
    Ok(page::html_as(status, &CodePage { page, kind: method.as_str(), to, error, notice, resend_in }))
}

async fn resend(Recent(account): Recent, Path(kind): Path<String>, _: form::Form<form::Nothing>) -> Result<Response> {
    let method = parse(&kind)?;
    account.may_replace(method).await?;
    let Some(Pending { contact, .. }) = pending(&account, method).await? else {
        return Ok(Redirect::to("/account/methods").into_response());
    };
    let said = match send(&account, &contact).await? {
        Sent::Sent => return answer(&account, method, None, Some("code-notice-resent")).await,
        Sent::TooEarly => (StatusCode::TOO_MANY_REQUESTS, "code-error-early"),
        Sent::Wait(until, of_all) => return Ok(waits(&account, until, answer(&account, method, Some(too_many(of_all)), None).await?)),
        Sent::Unfit(unfit) => (StatusCode::UNPROCESSABLE_ENTITY, key(unfit, method)),
    };
    answer(&account, method, Some(said), None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    code: String,
}

async fn confirm(Recent(account): Recent, Path(kind): Path<String>, form::Form(form): form::Form<Shown>) -> Result<Response> {
    let method = parse(&kind)?;
    // Where nothing waits for its code nothing is replaced: it may be a button that was pressed twice.
    if pending(&account, method).await?.is_some() {
        account.may_replace(method).await?;
    }
    let refused = |error| Some((StatusCode::UNPROCESSABLE_ENTITY, error));
    let Some(code) = Code::parse(method, &form.code) else {
        let error = if form.code.trim().is_empty() { "code-error-empty" } else { "code-error-shape" };
        return answer(&account, method, refused(error), None).await;
    };
    let visitor = &account.visitor;
    let (app, tenant) = (&visitor.app, &visitor.tenant);
    // Counted and committed before anything is compared.
    let mut conn = visitor.acquire().await?;
    let verdict = contacts::count_try(&mut conn, &tenant.scope, &app.clock, &visitor.source, &account.user).await?;
    drop(conn);
    if let Verdict::Wait(until) = verdict {
        let said = Some((StatusCode::TOO_MANY_REQUESTS, "contact-error-tries"));
        return Ok(waits(&account, until, answer(&account, method, said, None).await?));
    }
    let mut tx = visitor.begin().await?;
    let confirmed = contacts::confirm(&mut tx, tenant, &app.clock, &visitor.source, account.adder(), (method, &code)).await?;
    if confirmed == Confirmed::Added {
        account.counts(&mut tx).await?;
    }
    tx.commit().await?;
    app.wake_outbox();
    match confirmed {
        Confirmed::Added | Confirmed::Already => Ok(Redirect::to("/account/methods").into_response()),
        Confirmed::Wrong => answer(&account, method, refused("code-error-wrong"), None).await,
        Confirmed::Over => Ok(typing(&account, method, String::new(), refused("code-error-expired"))),
        Confirmed::Unfit(unfit) => Ok(typing(&account, method, String::new(), refused(key(unfit, method)))),
    }
}

async fn remove(Recent(account): Recent, Path(kind): Path<String>, _: form::Form<form::Nothing>) -> Result<Response> {
    let (visitor, method) = (&account.visitor, parse(&kind)?);
    account.may_replace(method).await?;
    let app = &visitor.app;
    let mut tx = visitor.begin().await?;
    contacts::remove(&mut tx, &visitor.tenant.scope, &app.clock, &visitor.source, &account.user, method).await?;
    tx.commit().await?;
    app.wake_outbox();
    Ok(Redirect::to("/account/methods").into_response())
}
