//! What every template has at hand: the words, the tenant, the support code, the links to static files.

use std::borrow::Cow;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use time::OffsetDateTime;

use super::{Context, Error, assets, brand};
use crate::{
    base::language::Language,
    domain::tenants::{Contact, Logo, Tenant},
};

/// Every template's `page`.
pub struct Page {
    language: Language,
    tenant: String,
    help: Option<Contact>,
    /// Where the tenant's own colours are.
    sheet: Option<String>,
    logo: Option<Logo>,
    support: String,
    /// What the same page in the other language is asked for besides.
    keeps: String,
    ends: Option<Ends>,
}

/// How long somebody may stay where they are without doing anything.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub seconds: i64,
    /// Where more time is asked for; `None`: there is no more.
    pub more: Option<&'static str>,
    /// Where one begins again once it is over.
    pub again: &'static str,
}

impl Page {
    pub fn new(language: Language, tenant: &str, help: Option<&str>, support: &str) -> Self {
        let help = help.map(|text| Contact { text: Some(text.to_owned()), ..Contact::default() });
        Self {
            language,
            tenant: tenant.to_owned(),
            help,
            sheet: None,
            logo: None,
            support: support.to_owned(),
            keeps: String::new(),
            ends: None,
        }
    }

    /// One of this tenant's.
    pub fn of(language: Language, tenant: &Tenant, support: &str) -> Self {
        let (sheet, logo, help) = (brand::sheet_url(tenant), tenant.brand.logo.clone(), tenant.contact());
        Self { help, sheet, logo, ..Self::new(language, &tenant.name, None, support) }
    }

    /// Whoever looks at it has somebody of their own to ask.
    #[must_use]
    pub fn asking(mut self, own: Option<&Contact>) -> Self {
        if let Some(own) = own {
            self.help = Some(own.clone());
        }
        self
    }

    /// It tells of what another request did: the support code is that one's, by which the trail knows it.
    #[must_use]
    pub fn of_request(mut self, request: String) -> Self {
        self.support = request;
        self
    }

    /// The other language's page gets this part of a query, too.
    #[must_use]
    pub fn keeping(mut self, name: &str, value: &str) -> Self {
        self.keeps = format!("&{name}={value}");
        self
    }

    pub fn keeps(&self) -> &str {
        &self.keeps
    }

    /// Whoever looks at it is warned in good time: js/ends.js.
    #[must_use]
    pub const fn ending(mut self, ends: Option<Ends>) -> Self {
        self.ends = ends;
        self
    }

    pub const fn ends(&self) -> Option<Ends> {
        self.ends
    }

    /// When all that is known is the request: an error page. Or nothing but the language: a letter.
    pub fn bare(language: Language, context: Option<&Context>) -> Self {
        let tenant = context.and_then(|context| context.tenant.get());
        let support = context.map_or("", |context| &context.request);
        tenant.map_or_else(|| Self::new(language, "", None, support), |tenant| Self::of(language, tenant, support))
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

    pub const fn language(&self) -> Language {
        self.language
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
    pub const fn help(&self) -> Option<&Contact> {
        self.help.as_ref()
    }

    pub fn sheet(&self) -> Option<&str> {
        self.sheet.as_deref()
    }

    pub const fn logo(&self) -> Option<&Logo> {
        self.logo.as_ref()
    }

    pub fn logo_url(&self) -> String {
        self.logo.as_ref().map_or_else(String::new, brand::logo_url)
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

/// A moment, for people: `static/js/moment.js` writes it anew by the clock on their wall, which we do not know.
#[derive(Debug, Clone)]
pub struct When {
    /// As the language writes it, in UTC.
    pub text: String,
    /// RFC 3339.
    pub iso: String,
}

/// Day and time, to the minute.
pub fn when(language: Language, at: OffsetDateTime) -> When {
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute) = (format!("{:02}", at.hour()), format!("{:02}", at.minute()));
    let values =
        [("year", &*year.to_string()), ("month", &format!("m{month}")), ("day", &day.to_string()), ("hour", &hour), ("minute", &minute)];
    When { text: language.text_with("date-time", &values), iso: format!("{year:04}-{month:02}-{day:02}T{hour}:{minute}Z") }
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
