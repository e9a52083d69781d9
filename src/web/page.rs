//! What every template has at hand: the words, the tenant, the support code, the links to static files.

use std::borrow::Cow;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use time::OffsetDateTime;

use super::{Context, Error, assets};
use crate::base::language::Language;

/// Every template's `page`.
pub struct Page {
    language: Language,
    tenant: String,
    help: Option<String>,
    support: String,
}

impl Page {
    pub fn new(language: Language, tenant: &str, help: Option<&str>, support: &str) -> Self {
        Self { language, tenant: tenant.to_owned(), help: help.map(str::to_owned), support: support.to_owned() }
    }

    /// When all that is known is the request: an error page. Or nothing but the language: a letter.
    pub fn bare(language: Language, context: Option<&Context>) -> Self {
        let tenant = context.and_then(|context| context.tenant.get());
        let support = context.map_or("", |context| &context.request);
        Self::new(language, tenant.map_or("", |tenant| &tenant.name), tenant.and_then(|tenant| tenant.help.as_deref()), support)
    }

    /// The words of a key of `locales/`.
    pub fn t(&self, key: &str) -> Cow<'static, str> {
        self.language.text(key)
    }

    pub fn has(&self, key: &str) -> bool {
        self.language.has(key)
    }

    /// The same with one value in it.
    pub fn t1(&self, key: &str, name: &str, value: impl std::fmt::Display) -> String {
        self.language.text_with(key, &[(name, &value.to_string())])
    }

    /// The same with two.
    pub fn t2(&self, key: &str, name1: &str, value1: impl std::fmt::Display, name2: &str, value2: impl std::fmt::Display) -> String {
        self.language.text_with(key, &[(name1, &value1.to_string()), (name2, &value2.to_string())])
    }

    /// BCP 47, for `lang`.
    pub const fn lang(&self) -> &'static str {
        self.language.tag()
    }

    /// Writing direction, for `dir`.
    pub const fn dir(&self) -> &'static str {
        "ltr"
    }

    /// Its name; empty on a page that is nobody's.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whom to ask.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The support code: the request's id.
    pub fn support(&self) -> &str {
        &self.support
    }

    /// The URL of a static file, with its hash so that it can be kept for ever.
    pub fn asset(&self, path: &str) -> &'static str {
        assets::url(path)
    }
}

/// Day and time as the language writes them, in UTC.
pub fn when(language: Language, at: OffsetDateTime) -> String {
    let pad = |n: u8| format!("{n:02}");
    language.text_with(
        "date-time",
        &[
            ("year", &at.year().to_string()),
            ("month", &pad(at.month().into())),
            ("day", &pad(at.day())),
            ("hour", &pad(at.hour())),
            ("minute", &pad(at.minute())),
        ],
    )
}

/// 200.
pub fn html(template: &impl Template) -> Response {
    html_as(StatusCode::OK, template)
}

/// A template that fails is a 500.
pub fn html_as(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => Error::Internal(error.into()).into_response(),
    }
}
