//! A message in words: subject, plain text and HTML of a mail, the line of a text message.

use anyhow::Result;
use askama::Template;
use time::OffsetDateTime;

use crate::{
    app::App,
    base::language::Language,
    domain::{
        notifications::{Act, Change, Content, Message, Week},
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
    adds: bool,
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
    adds: bool,
}

#[derive(Template)]
#[template(path = "mail/notice/subject.txt")]
struct NoticeSubject<'a> {
    subject: &'a str,
}

#[derive(Template)]
#[template(path = "mail/notice/body.txt")]
struct NoticeText<'a> {
    t: &'a Page,
    tenant: &'a str,
    greeting: Option<&'a str>,
    intro: &'a str,
    facts: &'a [(String, String)],
    then: &'a [String],
    link: Option<&'a Link>,
    help: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "mail/notice/body.html")]
struct NoticeHtml<'a> {
    t: &'a Page,
    tenant: &'a str,
    subject: &'a str,
    greeting: Option<&'a str>,
    intro: &'a str,
    facts: &'a [(String, String)],
    then: &'a [String],
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
    fn new(app: &App, tenant: &Tenant, token: &str) -> Option<Self> {
        let page = format!("{}/not-me", portal(app, tenant)?);
        // Behind the #: no server and no log sees it.
        Some(Self { url: format!("{page}#{token}"), page, code: token.to_owned() })
    }
}

/// A subject is one line, whatever a tenant or a person is called.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

fn language(tenant: &Tenant, message: &Message) -> Language {
    Language::negotiate(&message.language).unwrap_or(tenant.language)
}

/// `help`: whom its reader may ask.
pub fn mail(app: &App, tenant: &Tenant, message: &Message, help: Option<&str>) -> Result<Letter> {
    let language = language(tenant, message);
    let t = &Page::bare(language, None);
    match &message.content {
        Content::Code { code, minutes } | Content::ContactCode { code, minutes } => {
            let adds = matches!(message.content, Content::ContactCode { .. });
            let (minutes, tenant, name) = (*minutes, tenant.name.as_str(), message.name.as_str());
            let subject = line(&CodeSubject { t, tenant }.render()?);
            let text = CodeText { t, tenant, name, help, code, minutes, adds }.render()?;
            Ok(Letter { subject, text, html: CodeHtml { t, tenant, name, help, code, minutes, adds }.render()? })
        }
        content => {
            let Words { subject, intro, facts, then } = match content {
                Content::Register | Content::Reconfirm | Content::Invitation => request(t, app, tenant, content),
                content => words(app, t, tenant, content)?,
            };
            let (intro, facts, then) = (intro.as_str(), facts.as_slice(), then.as_slice());
            let link = content.happened().and_then(|happened| Link::new(app, tenant, happened.token.as_deref()?));
            let link = link.as_ref();
            // The help desk need not be told of itself.
            let help = help.filter(|_| !is_in_house(content));
            let greeting = (!message.name.is_empty()).then(|| t.t1("mail-greeting", "name", &message.name));
            let (greeting, tenant, subject) = (greeting.as_deref(), tenant.name.as_str(), subject.as_str());
            let text = NoticeText { t, tenant, greeting, intro, facts, then, link, help }.render()?;
            let html = NoticeHtml { t, tenant, subject, greeting, intro, facts, then, link, help }.render()?;
            Ok(Letter { subject: line(&NoticeSubject { subject }.render()?), text, html })
        }
    }
}

/// Told to whoever runs the service.
const fn is_in_house(content: &Content) -> bool {
    matches!(
        content,
        Content::Alert { .. } | Content::Untold { .. } | Content::Many { .. } | Content::Decision { .. } | Content::Week { .. }
    )
}

/// What people are asked for.
fn request(t: &Page, app: &App, tenant: &Tenant, content: &Content) -> Words {
    let name = tenant.name.as_str();
    if matches!(content, Content::Invitation) {
        let page = portal(app, tenant).map(|portal| t.t1("mail-register-page", "url", portal));
        let then = page.into_iter().chain([t.t("mail-invitation-then").into_owned()]).collect();
        let (subject, intro) = (t.t1("mail-invitation-subject", "tenant", name), t.t1("mail-invitation-intro", "tenant", name));
        return Words { subject, intro, facts: Vec::new(), then };
    }
    let (subject, intro) = if matches!(content, Content::Register) {
        (t.t1("mail-register-subject", "tenant", name), t.t1("mail-register-intro", "tenant", name))
    } else {
        (t.t1("mail-reconfirm-subject", "tenant", name), t.t1("mail-reconfirm-intro", "tenant", name))
    };
    let page = portal(app, tenant).map(|portal| t.t1("mail-register-page", "url", format!("{portal}/account")));
    let then = page.into_iter().chain([t.t("mail-register-password").into_owned()]).collect();
    Words { subject, intro, facts: Vec::new(), then }
}

/// The tenant's own portal, and no other host.
fn portal(app: &App, tenant: &Tenant) -> Option<String> {
    Some(app.public_url.at(host(app, tenant)?))
}

fn host<'a>(app: &App, tenant: &'a Tenant) -> Option<&'a str> {
    let ours = app.public_url.host();
    tenant.hosts.iter().find(|host| *host == ours).or(tenant.hosts.first()).map(String::as_str)
}

/// What a notice says.
struct Words {
    subject: String,
    intro: String,
    /// Label and value.
    facts: Vec<(String, String)>,
    then: Vec<String>,
}

fn words(app: &App, t: &Page, tenant: &Tenant, content: &Content) -> Result<Words> {
    let (name, language) = (tenant.name.as_str(), t.language());
    let when = |at: i64| anyhow::Ok(page::when(language, OffsetDateTime::from_unix_timestamp(at)?).text);
    let own = |text: std::borrow::Cow<'static, str>| text.into_owned();
    let happened = content.happened().cloned().unwrap_or_default();
    let mut facts = vec![(own(t.t("mail-changed-when")), when(happened.at)?)];
    let unknown = own(t.t("mail-changed-unknown"));
    let from = if happened.from.is_empty() { unknown } else { happened.from.clone() };
    let mut from = Some((own(t.t("mail-changed-where")), from));
    let mut then = Vec::new();
    let (subject, intro) = match content {
        Content::Changed { place, follow, again, .. } => {
            facts.extend(from.take());
            facts.extend(place.iter().map(|place| (own(t.t("mail-changed-place")), place.clone())));
            facts.extend((!follow.is_empty()).then(|| (own(t.t("mail-changed-follow")), follow.join(", "))));
            if *again {
                then.push(own(t.t("mail-again-you")));
                (t.t1("mail-again-subject", "tenant", name), t.t1("mail-again-intro", "tenant", name))
            } else {
                then.push(own(t.t("mail-changed-you")));
                (t.t1("mail-changed-subject", "tenant", name), t.t1("mail-changed-intro", "tenant", name))
            }
        }
        Content::Unlocked { .. } => {
            then.push(own(t.t("mail-you")));
            (t.t1("mail-unlocked-subject", "tenant", name), t.t1("mail-unlocked-intro", "tenant", name))
        }
        Content::Tries { .. } => {
            then.push(own(t.t("mail-tries-you")));
            (t.t1("mail-tries-subject", "tenant", name), t.t1("mail-tries-intro", "tenant", name))
        }
        Content::Method { change, method, .. } => {
            let method = method_name(t, method);
            then.push(own(t.t("mail-you")));
            let intro = match change {
                Change::Added => t.t2("mail-method-added", "tenant", name, "method", method),
                Change::Removed => t.t2("mail-method-removed", "tenant", name, "method", method),
                Change::Changed => t.t2("mail-method-changed", "tenant", name, "method", method),
                Change::Stopped => t.t2("mail-method-stopped", "tenant", name, "method", method),
            };
            (t.t1("mail-method-subject", "tenant", name), intro)
        }
        Content::Contact { mail, mobile, .. } => {
            from = None;
            then.push(own(t.t("mail-contact-you")));
            let intro = match (mail, mobile) {
                (true, true) => t.t1("mail-contact-both", "tenant", name),
                (true, false) => t.t1("mail-contact-mail", "tenant", name),
                _ => t.t1("mail-contact-mobile", "tenant", name),
            };
            (t.t1("mail-contact-subject", "tenant", name), intro)
        }
        Content::Operator { act, .. } => {
            from = None;
            match act {
                Act::Frozen => {
                    then.push(own(t.t("mail-frozen-then")));
                    (t.t1("mail-frozen-subject", "tenant", name), t.t1("mail-frozen-intro", "tenant", name))
                }
                Act::Lifted => {
                    then.push(own(t.t("mail-lifted-you")));
                    (t.t1("mail-lifted-subject", "tenant", name), t.t1("mail-lifted-intro", "tenant", name))
                }
                Act::Code => {
                    then.push(own(t.t("mail-you")));
                    (t.t1("mail-helpdesk-subject", "tenant", name), t.t1("mail-helpdesk-intro", "tenant", name))
                }
            }
        }
        Content::Expires { expires_at, .. } => {
            from = None;
            facts = vec![(own(t.t("mail-expires-at")), when(*expires_at)?)];
            then.push(own(t.t("mail-expires-how")));
            then.extend(portal(app, tenant).map(|portal| t.t1("mail-expires-here", "page", format!("{portal}{CHANGE}"))));
            then.push(own(t.t("mail-expires-link")));
            (t.t1("mail-expires-subject", "tenant", name), t.t1("mail-expires-intro", "tenant", name))
        }
        Content::Alert { who, about, of, command, .. } => {
            facts.insert(0, (own(t.t("mail-alert-who")), who.clone()));
            facts.insert(1, (own(t.t("mail-alert-about")), about_name(t, about)));
            facts.insert(2, (own(t.t("mail-alert-of")), when(*of)?));
            facts[3].0 = own(t.t("mail-alert-when"));
            then.push(own(t.t("mail-alert-then")));
            then.push(t.t1("mail-alert-command", "command", command));
            (t.t1("mail-alert-subject", "tenant", name), t.t1("mail-alert-intro", "tenant", name))
        }
        Content::Untold { place, people, .. } => {
            from = None;
            facts = vec![(own(t.t("mail-changed-place")), place.clone())];
            then.push(own(t.t("mail-untold-then")));
            (t.t1("mail-untold-subject", "tenant", name), t.t1("mail-untold-intro", "people", people))
        }
        Content::Many { who, acts, .. } => {
            facts.insert(0, (own(t.t("mail-many-who")), who.clone()));
            then.push(own(t.t("mail-many-then")));
            (t.t1("mail-many-subject", "tenant", name), t.t1("mail-many-intro", "acts", acts))
        }
        Content::Week { week, .. } => {
            from = None;
            facts = figures(t, week);
            then.extend(portal(app, tenant).map(|portal| t.t1("mail-week-page", "url", format!("{portal}/console?days=7"))));
            (t.t1("mail-week-subject", "tenant", name), own(t.t("mail-week-intro")))
        }
        Content::Decision { who, .. } => {
            from = None;
            facts.insert(0, (own(t.t("mail-decision-who")), who.clone()));
            then.extend(portal(app, tenant).map(|portal| t.t1("mail-decision-page", "url", format!("{portal}/console/approvals"))));
            then.push(own(t.t("mail-decision-then")));
            (t.t1("mail-decision-subject", "tenant", name), own(t.t("mail-decision-intro")))
        }
        Content::Code { .. } | Content::ContactCode { .. } | Content::Register | Content::Reconfirm | Content::Invitation => {
            anyhow::bail!("this is no notice")
        }
    };
    facts.extend(from);
    Ok(Words { subject, intro, facts, then })
}

fn figures(t: &Page, week: &Week) -> Vec<(String, String)> {
    let Week { applied, refused, failed, mails, texts, able } = week;
    let mut facts: Vec<(String, String)> = [
        ("mail-week-applied", applied),
        ("mail-week-refused", refused),
        ("mail-week-failed", failed),
        ("figures-mails", mails),
        ("figures-texts", texts),
    ]
    .map(|(key, count)| (t.t(key).into_owned(), count.to_string()))
    .into();
    facts.extend(able.map(|(able, served)| (t.t("figures-able").into_owned(), t.t2("mail-week-of", "able", able, "served", served))));
    facts
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

fn about_name(t: &Page, about: &str) -> String {
    match about {
        "changed" => t.t("mail-about-changed"),
        "unlocked" => t.t("mail-about-unlocked"),
        "tries" => t.t("mail-about-tries"),
        "method" => t.t("mail-about-method"),
        "contact" => t.t("mail-about-contact"),
        _ => t.t("mail-about-operator"),
    }
    .into_owned()
}

/// One text message.
pub fn text(app: &App, tenant: &Tenant, message: &Message) -> String {
    let language = language(tenant, message);
    let said = match &message.content {
        Content::Code { code, minutes } | Content::ContactCode { code, minutes } => {
            let key = if matches!(message.content, Content::Code { .. }) { "sms-code" } else { "sms-contact-code" };
            // The page's own host, or the browser offers the code to no page; and as text, or a leading zero would be lost.
            let host = host(app, tenant).unwrap_or(app.public_url.host());
            return language.text_with(key, &[("code", code), ("tenant", &tenant.name), ("minutes", &minutes.to_string()), ("host", host)]);
        }
        Content::Register => "sms-register",
        Content::Reconfirm => "sms-reconfirm",
        Content::Invitation => "sms-invitation",
        Content::Changed { .. } => "sms-changed",
        Content::Unlocked { .. } => "sms-unlocked",
        Content::Tries { .. } => "sms-tries",
        Content::Method { .. } => "sms-method",
        Content::Contact { .. } => "sms-contact",
        Content::Operator { act: Act::Frozen, .. } => "sms-frozen",
        Content::Operator { act: Act::Lifted, .. } => "sms-lifted",
        Content::Operator { act: Act::Code, .. } => "sms-helpdesk",
        Content::Expires { .. } => "sms-expires",
        Content::Untold { .. } => "sms-untold",
        Content::Many { .. } => "sms-many",
        Content::Decision { .. } => "sms-decision",
        Content::Week { .. } => "sms-week",
        Content::Alert { .. } => "sms-alert",
    };
    let page = portal(app, tenant).unwrap_or_default();
    let said = language.text_with(said, &[("tenant", &tenant.name), ("page", &page)]);
    let Some(token) = message.content.happened().and_then(|happened| happened.token.as_deref()) else { return said };
    let linked = Link::new(app, tenant, token).map(|link| format!("{said} {}", language.text_with("sms-not-me", &[("link", &link.url)])));
    // A long host name leaves no room in one message; then the mails have the link.
    match linked.filter(|linked| is_one_message(linked)) {
        Some(linked) => linked,
        None => format!("{said} {}", language.text("sms-not-you")),
    }
}

/// 160 characters of the basic alphabet (3GPP TS 23.038), as far as our languages and links need it.
fn is_one_message(text: &str) -> bool {
    let basic = |c: char| c.is_ascii_alphanumeric() || " @#.,:;?!'()+-/_&%*=<>\"\näöüÄÖÜßéèàùìòñÑåÅæÆøØ".contains(c);
    text.chars().count() <= 160 && text.chars().all(basic)
}
