//! A message in words: subject, plain text and HTML of a mail, the line of a text message. The words are the tenant's own or ours; what is
//! around them is always ours: the layout, how to say that it was not oneself, whom to ask, and that a code is for nobody else. Whoever looks
//! at a message beforehand sees what these functions make.

mod house;

use anyhow::{Context, Result};
use askama::Template;
use time::OffsetDateTime;

use super::{Page, page};
use crate::{
    app::PublicUrl,
    base::language::Language,
    domain::{
        notifications::{Change, Channel, Content, Message},
        tenants::Tenant,
        texts::{self, Checked, Field, Flaw, MOST_MESSAGES, Matter, Paragraph, Size, Slot, Text, Value, Which, Wrong},
    },
};

pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A paragraph, and how it looks.
enum Block {
    Said(String),
    /// What happened, before its details.
    Strong(String),
    Code(String),
    Details,
}

/// What stands in the frame.
struct Words {
    subject: String,
    blocks: Vec<Block>,
    /// Label and value.
    facts: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "mail/letter/body.txt")]
struct LetterText<'a> {
    t: &'a Page,
    tenant: &'a str,
    blocks: &'a [Block],
    facts: &'a [(String, String)],
    secret: bool,
    link: Option<&'a Link>,
    help: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/letter/body.html")]
struct LetterHtml<'a> {
    t: &'a Page,
    tenant: &'a str,
    subject: &'a str,
    blocks: &'a [Block],
    facts: &'a [(String, String)],
    secret: bool,
    link: Option<&'a Link>,
    help: Option<&'a str>,
}

/// Where one changes a password that one knows.
const CHANGE: &str = "/change";

/// Where to say that it was not them.
struct Link {
    url: String,
    page: String,
    code: String,
}

impl Link {
    fn new(url: &PublicUrl, tenant: &Tenant, token: &str) -> Option<Self> {
        let page = format!("{}/not-me", portal(url, tenant)?);
        // Behind the #: no server and no log sees it.
        Some(Self { url: format!("{page}#{token}"), page, code: token.to_owned() })
    }
}

/// A subject is one line, whatever a tenant or a person is called.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// In which language it goes.
pub fn language(tenant: &Tenant, message: &Message) -> Language {
    Language::negotiate(&message.language).unwrap_or(tenant.language)
}

/// Which text it goes by; `None`: it is for whoever runs the service.
pub fn which(tenant: &Tenant, message: &Message, channel: Channel) -> Option<Which> {
    Some(Which { matter: Matter::of(&message.content)?, channel, language: language(tenant, message) })
}

/// `theirs`: the tenant's words for it. What cannot be used of them is said in ours: a code that does not go is worse than one in other words.
/// `help`: whom its reader may ask.
pub fn mail(url: &PublicUrl, tenant: &Tenant, message: &Message, theirs: Option<&Text>, help: Option<&str>) -> Result<Letter> {
    let t = &Page::bare(language(tenant, message), None);
    if let Content::Sample { matter, subject, body, at } = &message.content {
        let matter = Matter::parse(matter).context("there is no such message")?;
        let text = Text { subject: subject.clone(), body: body.clone() };
        let letter = mail(url, tenant, &Message { content: matter.example(*at), ..message.clone() }, Some(&text), help)?;
        return Ok(Letter { subject: t.t1("mail-sample-subject", "subject", letter.subject), ..letter });
    }
    let content = &message.content;
    let which = which(tenant, message, Channel::Email);
    let words = match which {
        Some(which) => {
            let (checked, _) = checked(tenant, which, theirs)?;
            let values = values(t, url, tenant, message)?;
            Words { subject: checked.subject(&values), blocks: blocks(checked.paragraphs(&values)), facts: facts(t, content)? }
        }
        None => house::words(t, url, tenant, message)?,
    };
    let (tenant_name, subject, blocks, facts) =
        (tenant.name.as_str(), words.subject.as_str(), words.blocks.as_slice(), words.facts.as_slice());
    let link = content.happened().and_then(|happened| Link::new(url, tenant, happened.token.as_deref()?));
    let (link, secret) = (link.as_ref(), matches!(content, Content::Code { .. } | Content::ContactCode { .. }));
    // The help desk need not be told of itself.
    let help = help.filter(|_| which.is_some());
    let text = LetterText { t, tenant: tenant_name, blocks, facts, secret, link, help }.render()?;
    let html = LetterHtml { t, tenant: tenant_name, subject, blocks, facts, secret, link, help }.render()?;
    Ok(Letter { subject: line(subject), text, html })
}

/// The tenant's words if they can be used, and whether they are; else ours.
fn checked(tenant: &Tenant, which: Which, theirs: Option<&Text>) -> Result<(Checked, bool)> {
    if let Some(text) = theirs {
        if let Ok(checked) = texts::check(which, text) {
            return Ok((checked, true));
        }
        tracing::error!(tenant.id = %tenant.scope.id(), text = ?which, "a text cannot be used any more: ours goes");
    }
    Ok((ours(which)?, false))
}

fn ours(which: Which) -> Result<Checked> {
    texts::check(which, &texts::ours(which)).map_err(|flaws| anyhow::anyhow!("our own text for {which:?}: {flaws:?}"))
}

fn blocks(paragraphs: Vec<Paragraph>) -> Vec<Block> {
    let before = paragraphs.iter().position(|paragraph| *paragraph == Paragraph::Details).and_then(|at| at.checked_sub(1));
    let block = |(at, paragraph)| match paragraph {
        Paragraph::Said(text) if Some(at) == before => Block::Strong(text),
        Paragraph::Said(text) => Block::Said(text),
        Paragraph::Code(text) => Block::Code(text),
        Paragraph::Details => Block::Details,
    };
    paragraphs.into_iter().enumerate().map(block).collect()
}

/// What is filled in.
fn values(t: &Page, url: &PublicUrl, tenant: &Tenant, message: &Message) -> Result<Vec<Value>> {
    let mut values = vec![(Slot::Organisation, tenant.name.clone()), (Slot::Name, message.name.clone())];
    let portal = portal(url, tenant).unwrap_or_else(|| url.as_str().to_owned());
    match &message.content {
        Content::Code { code, minutes } | Content::ContactCode { code, minutes } => {
            values.extend([(Slot::Code, code.clone()), (Slot::Minutes, minutes.to_string())]);
        }
        Content::Register | Content::Reconfirm => values.push((Slot::Page, format!("{portal}/account"))),
        Content::Invitation => values.push((Slot::Page, portal)),
        Content::Expires { expires_at, .. } => {
            values.extend([(Slot::Page, format!("{portal}{CHANGE}")), (Slot::When, when(t, *expires_at)?)]);
        }
        content => {
            if let Some(happened) = content.happened() {
                values.push((Slot::When, when(t, happened.at)?));
            }
            if let Content::Method { method, .. } = content {
                values.push((Slot::Method, method_name(t, method)));
            }
            if let Content::CodesLow { .. } = content {
                values.push((Slot::Page, format!("{portal}/account/methods")));
            }
        }
    }
    Ok(values)
}

fn when(t: &Page, at: i64) -> Result<String> {
    Ok(page::when(t.language(), OffsetDateTime::from_unix_timestamp(at)?).text)
}

/// What a notice tells in detail.
fn facts(t: &Page, content: &Content) -> Result<Vec<(String, String)>> {
    let own = |text: std::borrow::Cow<'static, str>| text.into_owned();
    let Some(happened) = content.happened() else { return Ok(Vec::new()) };
    if let Content::Expires { expires_at, .. } = content {
        return Ok(vec![(own(t.t("mail-expires-at")), when(t, *expires_at)?)]);
    }
    let mut facts = vec![(own(t.t("mail-changed-when")), when(t, happened.at)?)];
    // What the directory or an operator does comes from nowhere.
    if !matches!(content, Content::Contact { .. } | Content::Operator { .. }) {
        let from = if happened.from.is_empty() { own(t.t("mail-changed-unknown")) } else { happened.from.clone() };
        facts.push((own(t.t("mail-changed-where")), from));
    }
    if let Content::CodesLow { left, .. } = content {
        facts.push((own(t.t("mail-codes-left")), left.to_string()));
    }
    if let Content::Contact { changes, listed, .. } = content {
        let by = if *listed { "mail-contact-by-list" } else { "mail-contact-by-directory" };
        facts.push((own(t.t("mail-contact-by")), own(t.t(by))));
        facts.extend(changes.iter().map(|(method, change)| {
            let (label, became) = contact_change(method, *change);
            (own(t.t(label)), own(t.t(became)))
        }));
    }
    if let Content::Changed { place, follow, lately, .. } = content {
        facts.extend(place.iter().map(|place| (own(t.t("mail-changed-place")), place.clone())));
        facts.extend((!follow.is_empty()).then(|| (own(t.t("mail-changed-follow")), follow.join(", "))));
        for (method, at) in lately {
            facts.push((
                own(t.t("mail-changed-lately")),
                t.t2("mail-changed-lately-one", "method", method_name(t, method), "when", when(t, *at)?),
            ));
        }
    }
    Ok(facts)
}

/// Keys of what kind of address it is, and of what became of it.
fn contact_change(method: &str, change: Change) -> (&'static str, &'static str) {
    let label = match method {
        "sms" => "mail-contact-of-sms",
        "private_email" => "mail-contact-of-private-email",
        _ => "mail-contact-of-email",
    };
    let became = match change {
        Change::Added => "mail-contact-added",
        Change::Removed => "mail-contact-removed",
        Change::Changed | Change::Stopped => "mail-contact-changed",
    };
    (label, became)
}

fn method_name(t: &Page, method: &str) -> String {
    match method {
        "email" => t.t("mail-method-email"),
        "private_email" => t.t("mail-method-private-email"),
        "sms" => t.t("mail-method-sms"),
        "totp" => t.t("mail-method-totp"),
        "passkey" => t.t("mail-method-passkey"),
        "recovery_code" => t.t("mail-method-recovery-code"),
        _ => t.t("mail-method-other"),
    }
    .into_owned()
}

/// The tenant's own portal, and no other host.
fn portal(url: &PublicUrl, tenant: &Tenant) -> Option<String> {
    Some(url.at(host(url, tenant)?))
}

fn host<'a>(url: &PublicUrl, tenant: &'a Tenant) -> Option<&'a str> {
    let ours = url.host();
    tenant.hosts.iter().find(|host| *host == ours).or(tenant.hosts.first()).map(String::as_str)
}

/// One text message. What is told to whoever runs the service goes by mail only: here it is its subject.
pub fn text(url: &PublicUrl, tenant: &Tenant, message: &Message, theirs: Option<&Text>) -> Result<String> {
    let t = &Page::bare(language(tenant, message), None);
    let Some(which) = which(tenant, message, Channel::Sms) else { return Ok(house::words(t, url, tenant, message)?.subject) };
    let (mut values, linked) = (values(t, url, tenant, message)?, ending(t, url, tenant, &message.content, true));
    // It is of today, and each letter counts.
    if let Some(happened) = message.content.happened() {
        let at = OffsetDateTime::from_unix_timestamp(happened.at)?;
        values.retain(|(slot, _)| *slot != Slot::When);
        values.push((Slot::When, format!("{:02}:{:02} UTC", at.hour(), at.minute())));
    }
    if let (checked, true) = checked(tenant, which, theirs)? {
        let sent = checked.words(&values) + &linked;
        if texts::size(&sent).messages <= MOST_MESSAGES {
            return Ok(sent);
        }
        // It was checked when it was saved: the organisation or its host has a longer name now.
        tracing::error!(tenant.id = %tenant.scope.id(), text = ?which, "a text costs more than it may: ours goes");
    }
    let said = ours(which)?.words(&values);
    let sent = said.clone() + &linked;
    // A long host name leaves no room in one message; then the mails have the link.
    Ok(if texts::size(&sent).messages <= 1 { sent } else { said + &ending(t, url, tenant, &message.content, false) })
}

/// What we put behind a text message.
fn ending(t: &Page, url: &PublicUrl, tenant: &Tenant, content: &Content, linked: bool) -> String {
    if let Content::Code { code, .. } | Content::ContactCode { code, .. } = content {
        // The page's own host, or the browser offers the code to no page.
        let host = host(url, tenant).unwrap_or(url.host());
        return format!(" {}\n\n@{host} #{code}", t.t("sms-code-never"));
    }
    let Some(token) = content.happened().and_then(|happened| happened.token.as_deref()) else { return String::new() };
    match Link::new(url, tenant, token).filter(|_| linked) {
        Some(link) => format!(" {}", t.t1("sms-not-me", "link", link.url)),
        None => format!(" {}", t.t("sms-not-you")),
    }
}

/// An example of such a message in these words, or in ours.
pub fn example(which: Which, name: &str, at: i64) -> Message {
    let (language, content) = (which.language.tag().to_owned(), which.matter.example(at));
    Message { to: String::new(), name: name.to_owned(), language, content, only: false }
}

/// Whether a tenant may say it so; else all that is wrong.
pub fn check(url: &PublicUrl, tenant: &Tenant, which: Which, text: &Text) -> Result<Result<(), Vec<Flaw>>> {
    if let Err(flaws) = texts::check(which, text) {
        return Ok(Err(flaws));
    }
    let messages = size(url, tenant, which, text)?.messages;
    if which.channel == Channel::Sms && messages > MOST_MESSAGES {
        return Ok(Err(vec![Flaw { field: Field::Body(0), wrong: Wrong::Messages(messages) }]));
    }
    Ok(Ok(()))
}

/// What it costs as a text message, with all that we put around it. A mail costs nothing.
pub fn size(url: &PublicUrl, tenant: &Tenant, which: Which, text: &Text) -> Result<Size> {
    let (values, ending) = around(url, tenant, which)?;
    let said = texts::check(which, text).map_or_else(|_| text.body.clone(), |checked| checked.words(&values));
    Ok(texts::size(&(said + &ending)))
}

/// What goes into the words of a text message, and behind them, by an example.
pub fn around(url: &PublicUrl, tenant: &Tenant, which: Which) -> Result<(Vec<Value>, String)> {
    let (t, message) = (Page::bare(which.language, None), example(which, "", 0));
    let ending = if which.channel == Channel::Sms { ending(&t, url, tenant, &message.content, true) } else { String::new() };
    Ok((values(&t, url, tenant, &message)?, ending))
}
