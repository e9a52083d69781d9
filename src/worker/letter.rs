//! A message in words: subject, plain text and HTML of a mail, the line of a text message.

use anyhow::Result;
use askama::Template;
use time::OffsetDateTime;

use crate::{
    app::App,
    base::language::Language,
    domain::{
        notifications::{Content, Message},
        tenants::Tenant,
    },
    web::{Page, page},
};

pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/code/subject.txt")]
struct CodeSubject<'a> {
    t: &'a Page,
    tenant: &'a str,
}

#[derive(Template)]
#[template(path = "mail/code/body.txt")]
struct CodeText<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    code: &'a str,
    minutes: i64,
}

#[derive(Template)]
#[template(path = "mail/code/body.html")]
struct CodeHtml<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    code: &'a str,
    minutes: i64,
}

#[derive(Template)]
#[template(path = "mail/changed/subject.txt")]
struct ChangedSubject<'a> {
    t: &'a Page,
    tenant: &'a str,
}

#[derive(Template)]
#[template(path = "mail/changed/body.txt")]
struct ChangedText<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    when: &'a str,
    where_: &'a str,
    place: Option<&'a str>,
    follow: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/changed/body.html")]
struct ChangedHtml<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    when: &'a str,
    where_: &'a str,
    place: Option<&'a str>,
    follow: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/unlocked/subject.txt")]
struct UnlockedSubject<'a> {
    t: &'a Page,
    tenant: &'a str,
}

#[derive(Template)]
#[template(path = "mail/unlocked/body.txt")]
struct UnlockedText<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    when: &'a str,
    where_: &'a str,
}

#[derive(Template)]
#[template(path = "mail/unlocked/body.html")]
struct UnlockedHtml<'a> {
    t: &'a Page,
    tenant: &'a str,
    name: &'a str,
    help: Option<&'a str>,
    when: &'a str,
    where_: &'a str,
}

/// A subject is one line, whatever a tenant or a person is called.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

fn language(tenant: &Tenant, message: &Message) -> Language {
    Language::negotiate(&message.language).unwrap_or(tenant.language)
}

pub fn mail(tenant: &Tenant, message: &Message) -> Result<Letter> {
    let language = language(tenant, message);
    let help = tenant.help.as_deref();
    let (t, tenant, name) = (&Page::bare(language, None), tenant.name.as_str(), message.name.as_str());
    let (subject, text, html) = match &message.content {
        Content::Code { code, minutes } => {
            let minutes = *minutes;
            (
                CodeSubject { t, tenant }.render()?,
                CodeText { t, tenant, name, help, code, minutes }.render()?,
                CodeHtml { t, tenant, name, help, code, minutes }.render()?,
            )
        }
        Content::Changed { at, from, .. } | Content::Unlocked { at, from } => {
            let when = page::when(language, OffsetDateTime::from_unix_timestamp(*at)?).text;
            let unknown = t.t("mail-changed-unknown");
            let (when, where_) = (when.as_str(), if from.is_empty() { &*unknown } else { from });
            if matches!(message.content, Content::Unlocked { .. }) {
                let subject = UnlockedSubject { t, tenant }.render()?;
                let text = UnlockedText { t, tenant, name, help, when, where_ }.render()?;
                let html = UnlockedHtml { t, tenant, name, help, when, where_ }.render()?;
                return Ok(Letter { subject: line(&subject), text, html });
            }
            let (place, follow) = match &message.content {
                Content::Changed { place, follow, .. } => (place.as_deref(), (!follow.is_empty()).then(|| follow.join(", "))),
                _ => (None, None),
            };
            let follow = follow.as_deref();
            (
                ChangedSubject { t, tenant }.render()?,
                ChangedText { t, tenant, name, help, when, where_, place, follow }.render()?,
                ChangedHtml { t, tenant, name, help, when, where_, place, follow }.render()?,
            )
        }
    };
    Ok(Letter { subject: line(&subject), text, html })
}

/// One text message.
pub fn text(app: &App, tenant: &Tenant, message: &Message) -> String {
    let language = language(tenant, message);
    match &message.content {
        Content::Code { code, minutes } => language.text_with(
            "sms-code",
            // As text, or a code with a leading zero would be shown as a number.
            &[("code", code), ("tenant", &tenant.name), ("minutes", &minutes.to_string()), ("host", app.public_url.host())],
        ),
        Content::Changed { .. } => language.text_with("sms-changed", &[("tenant", &tenant.name)]),
        Content::Unlocked { .. } => language.text_with("sms-unlocked", &[("tenant", &tenant.name)]),
    }
}
