//! How a message would arrive: a page in a frame, made by the functions that send. A mail has styles of its own, as mails do, so this page is
//! shut off from everything ([`headers::Framed`]): no script runs in it, nothing is loaded, no link leads anywhere.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

use super::{Form, Named, read, words};
use crate::{
    app::App,
    console::guard::{Desk, Govern, May},
    domain::{
        notifications::Channel,
        texts::{self, Text, Which},
    },
    web::{Page, Result, Visitor, form, headers, letter, page},
};

/// Whoever [`May`]. Where one signs in stands in no frame, so a frame says that one has to.
pub struct Looks(May<Govern>);

impl FromRequestParts<Arc<App>> for Looks {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let led_away = match May::from_request_parts(parts, app).await {
            Ok(desk) => return Ok(Self(desk)),
            Err(answer) => answer,
        };
        let framed = parts.headers.get("sec-fetch-dest").is_some_and(|dest| dest == "iframe");
        if !(framed && led_away.status().is_redirection()) {
            return Err(led_away);
        }
        let page = Visitor::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?.page();
        let errors = vec![page.t("texts-preview-signed-out").into_owned()];
        Err(framed_as(StatusCode::FORBIDDEN, &PreviewPage { errors, ..PreviewPage::empty(page) }))
    }
}

#[derive(Template)]
#[template(path = "console/text_preview.html")]
struct PreviewPage {
    page: Page,
    /// BCP 47, of the message.
    language: &'static str,
    errors: Vec<String>,
    subject: String,
    /// Of a mail: plain and HTML. Of a text message: the message.
    text: String,
    html: Option<String>,
    cost: String,
}

impl PreviewPage {
    fn empty(page: Page) -> Self {
        let (subject, text, cost) = Default::default();
        Self { language: page.lang(), errors: Vec::new(), subject, text, html: None, cost, page }
    }
}

fn framed_as(status: StatusCode, shown: &PreviewPage) -> Response {
    (Extension(headers::Framed), page::html_as(status, shown)).into_response()
}

/// What holds.
pub async fn now(Looks(desk): Looks, Path(named): Path<Named>) -> Result<Response> {
    let which = named.which()?;
    let mut conn = desk.visitor.acquire().await?;
    let kept = texts::one(&mut conn, &desk.visitor.tenant.scope, which).await?;
    drop(conn);
    let text = kept.map(|kept| kept.text).filter(|text| texts::check(which, text).is_ok()).unwrap_or_else(|| texts::ours(which));
    shown(&desk, which, Ok(&text))
}

/// What is typed; nothing is saved by it.
pub async fn typed(Looks(desk): Looks, Path(named): Path<Named>, form::Form(form): form::Form<Form>) -> Result<Response> {
    let which = named.which()?;
    match read(&desk, which, &form)? {
        Ok(text) => shown(&desk, which, Ok(&text)),
        Err(errors) => shown(&desk, which, Err(errors)),
    }
}

fn shown(desk: &Desk, which: Which, text: Result<&Text, Vec<String>>) -> Result<Response> {
    let (app, tenant, page) = (&desk.visitor.app, &desk.visitor.tenant, desk.visitor.page());
    let status = if text.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut shown = PreviewPage { language: which.language.tag(), ..PreviewPage::empty(page) };
    let example = letter::example(which, &desk.operator.name, app.clock.seconds());
    match text {
        Err(errors) => shown.errors = errors,
        Ok(text) if which.channel == Channel::Sms => {
            shown.text = letter::text(&app.public_url, tenant, &example, Some(text))?;
            shown.cost = words::cost(&shown.page, texts::size(&shown.text));
        }
        Ok(text) => {
            let help = tenant.contact().map(|contact| contact.line());
            let letter = letter::mail(&app.public_url, tenant, &example, Some(text), help.as_deref())?;
            (shown.subject, shown.text, shown.html) = (letter.subject, letter.text, Some(letter.html));
        }
    }
    Ok(framed_as(status, &shown))
}
