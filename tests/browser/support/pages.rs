//! The portal's pages with made-up contents. The real structs stand beside their handlers in `src/portal`; these exist so that
//! pages can be looked at in states that are hard to reach.

use askama::Template;
use sspr::{
    base::language::Language,
    web::{
        Page,
        page::{self, Ends, When},
    },
};
use time::macros::datetime;

/// Whom the tickets of tests/vectors/seal.json are for.
const USER: uuid::Uuid = uuid::uuid!("6f1c2f0e-9d5b-4c57-8a36-3c1f5e0a9d44");

#[derive(Template)]
#[template(path = "portal/identify.html")]
struct Identify {
    page: Page,
    purpose: String,
    name: String,
    error: Option<String>,
    work: String,
    wait: Option<i64>,
    passkey_error: Option<&'static str>,
    why: Option<&'static str>,
}

/// A challenge that any browser solves in no time; nobody signed it.
const WORK: &str = r#"{"parameters":{"algorithm":"PBKDF2/SHA-256","cost":1,"keyLength":32,"keyPrefix":"0","nonce":"00112233445566778899aabbccddeeff","salt":"00112233445566778899aabbccddeeff"}}"#;
/// One that none solves.
const ENDLESS: &str = r#"{"parameters":{"algorithm":"PBKDF2/SHA-256","cost":1000000,"keyLength":32,"keyPrefix":"0000000000","nonce":"00112233445566778899aabbccddeeff","salt":"00112233445566778899aabbccddeeff"}}"#;

#[derive(Template)]
#[template(path = "portal/unavailable.html")]
struct Unavailable {
    page: Page,
    reason: String,
}

struct MethodOption {
    id: String,
    kind: &'static str,
    masked: String,
}

#[derive(Template)]
#[template(path = "portal/method.html")]
struct Method {
    page: Page,
    options: Vec<MethodOption>,
    sends: bool,
    gate: u8,
    gates: u8,
    alone: bool,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/code.html")]
struct Code {
    page: Page,
    kind: &'static str,
    masked: String,
    number: Option<String>,
    sent: bool,
    gate: u8,
    gates: u8,
    error: Option<String>,
    notice: Option<String>,
    resend_in: u32,
    other_methods: bool,
    tries_wait: Option<u32>,
}

struct Refusal {
    title_key: String,
    text_key: String,
    allowed_at: Option<When>,
}

#[derive(Template)]
#[template(path = "portal/passkey.html")]
struct Passkey {
    page: Page,
    gate: u8,
    gates: u8,
    error: Option<&'static str>,
    other_methods: bool,
}

struct Contact {
    kind: &'static str,
    masked: String,
    own: bool,
    open: bool,
    silent: bool,
    usable: Option<When>,
}

struct Own {
    id: u8,
    kind: &'static str,
    label: String,
    added: When,
    used: Option<When>,
    usable: Option<When>,
    stopped: bool,
    taken: bool,
    left: Option<i64>,
    loss: &'static str,
}

struct Adds {
    passkey: bool,
    app: bool,
    codes: bool,
    full: bool,
}

#[derive(Template)]
#[template(path = "portal/account/methods.html")]
struct Methods {
    page: Page,
    contacts: Vec<Contact>,
    missing: Vec<&'static str>,
    own: Vec<Own>,
    has_codes: bool,
    adds: Adds,
    wanted: Option<&'static str>,
    one_secret: bool,
    due: bool,
    cools: bool,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/account/contact.html")]
struct NewContact {
    page: Page,
    kind: &'static str,
    replaces: bool,
    to: String,
    error: Option<&'static str>,
    wanted: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/account/contact_code.html")]
struct ContactCode {
    page: Page,
    kind: &'static str,
    to: String,
    error: Option<&'static str>,
    notice: Option<&'static str>,
    resend_in: i64,
}

#[derive(Template)]
#[template(path = "portal/account/app.html")]
struct App {
    page: Page,
    key: String,
    label: String,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/account/passkey.html")]
struct NewPasskey {
    page: Page,
    label: String,
    error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "portal/account/codes.html")]
struct CodesPage {
    page: Page,
    name: String,
    codes: Vec<String>,
    left: Option<i64>,
    replaces: Option<u8>,
    wanted: Option<&'static str>,
    usable: Option<When>,
}

#[derive(Template)]
#[template(path = "portal/password.html")]
struct Password {
    page: Page,
    user: uuid::Uuid,
    sign_in_name: String,
    words: Vec<String>,
    min_length: u32,
    complexity: bool,
    names: bool,
    history: u32,
    days: u64,
    places: String,
    alone: bool,
    refusal: Option<Refusal>,
    old: bool,
    wait: Option<i64>,
}

#[derive(Template)]
#[template(path = "portal/account/current.html")]
struct Current {
    page: Page,
    user: uuid::Uuid,
    sign_in_name: String,
    refusal: Option<Refusal>,
    wait: Option<i64>,
}

#[derive(Template)]
#[template(path = "portal/account/enter.html")]
struct Enter {
    page: Page,
    title_key: Option<String>,
    text_key: String,
}

#[derive(Template)]
#[template(path = "portal/account/overview.html")]
struct Overview {
    page: Page,
    name: String,
    added: Vec<Added>,
    few: Option<i64>,
    languages: Vec<Spoken>,
    activity: Vec<Item>,
    sessions: Vec<Session>,
}

struct Added {
    label: String,
    kind: &'static str,
    when: When,
}

struct Spoken {
    tag: String,
    key: String,
    chosen: bool,
}

struct Item {
    text: String,
    when: When,
    from: String,
    device: String,
    odd: bool,
}

struct Session {
    id: u8,
    here: bool,
    device: String,
    begun: When,
    from: String,
}

#[derive(Template)]
#[template(path = "portal/status.html")]
struct Status {
    page: Page,
    state: String,
    unlock: bool,
    verify: bool,
    follow: bool,
    targets: Vec<Target>,
}

struct Target {
    name: String,
    is: String,
}

#[derive(Template)]
#[template(path = "portal/done.html")]
struct Done {
    page: Page,
    unlock: bool,
    forgotten: bool,
    but: Option<String>,
    places: Vec<Place>,
    left: Option<i64>,
}

struct Place {
    name: String,
    is: String,
    why: Option<String>,
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/need.html")]
struct Need {
    page: Page,
    choice: bool,
    age: Option<When>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/ended.html")]
struct Ended {
    page: Page,
    title_key: String,
    text_key: String,
    allowed_at: Option<When>,
    again: bool,
    retry: bool,
}

#[derive(Template)]
#[template(path = "portal/error.html")]
struct ErrorPage {
    page: Page,
    status: u16,
    home: &'static str,
    title_key: String,
    text_key: String,
}

/// As src/web/letter has it.
enum Block {
    Said(String),
    Strong(String),
    Code(String),
    Details,
}

#[derive(Template)]
#[template(path = "mail/letter/body.html")]
struct Mail {
    t: Page,
    tenant: String,
    subject: String,
    blocks: Vec<Block>,
    facts: Vec<(String, String)>,
    secret: bool,
    link: Option<Link>,
    help: Option<String>,
}

#[derive(Template)]
#[template(path = "mail/letter/body.txt")]
struct MailText {
    t: Page,
    tenant: String,
    blocks: Vec<Block>,
    facts: Vec<(String, String)>,
    secret: bool,
    link: Option<Link>,
    help: Option<String>,
}

impl Mail {
    fn code(t: Page, tenant: String, name: &str, help: Option<String>, adds: bool) -> Self {
        let (intro, not_you) = if adds {
            (t.t1("mail-contact-code-intro", "tenant", &tenant), t.t("mail-contact-code-not-you"))
        } else {
            (t.t1("mail-code-intro", "tenant", &tenant), t.t("mail-code-not-you"))
        };
        let greeting = (!name.is_empty()).then(|| Block::Said(t.t1("mail-greeting", "name", name)));
        let said = [Block::Said(t.t1("mail-code-valid", "minutes", 10)), Block::Said(not_you.into_owned())];
        let blocks = greeting.into_iter().chain([Block::Said(intro), Block::Code("402931".to_owned())]).chain(said).collect();
        let subject = t.t1("mail-code-subject", "tenant", &tenant);
        Self { t, tenant, subject, blocks, facts: Vec::new(), secret: true, link: None, help }
    }

    fn notice(t: Page, tenant: String, subject: String, said: (Option<String>, String, Vec<String>), facts: Vec<(String, String)>) -> Self {
        let (greeting, intro, then) = said;
        let blocks = greeting.map(Block::Said).into_iter().chain([Block::Strong(intro), Block::Details]);
        let blocks = blocks.chain(then.into_iter().map(Block::Said)).collect();
        Self { t, tenant, subject, blocks, facts, secret: false, link: None, help: None }
    }

    fn plain(self) -> MailText {
        let Self { t, tenant, blocks, facts, secret, link, help, .. } = self;
        MailText { t, tenant, blocks, facts, secret, link, help }
    }
}

struct Link {
    url: String,
    page: String,
    code: String,
}

#[derive(Template)]
#[template(path = "portal/not_me.html")]
struct NotMe {
    page: Page,
    code: String,
    error: Option<String>,
    told: bool,
}

#[derive(Template)]
#[template(path = "portal/stopped.html")]
struct Stopped {
    page: Page,
    known: bool,
}

/// Names under which [`render`] knows a page.
pub const NAMES: [&str; 65] = [
    "identify",
    "identify-error",
    "change",
    "sign-in",
    "sign-in-ended",
    "sign-in-nobody",
    "identify-slow",
    "identify-over",
    "identify-wait",
    "unavailable",
    "method",
    "need",
    "need-only",
    "code",
    "code-error",
    "code-sms",
    "method-any",
    "code-app",
    "code-recovery",
    "code-help-desk",
    "passkey",
    "passkey-error",
    "account-methods",
    "account-methods-none",
    "account-methods-one-secret",
    "account-methods-wanted",
    "code-ends",
    "account-codes-wanted",
    "account-contact",
    "account-contact-sms",
    "account-contact-code",
    "account-app",
    "account-passkey",
    "account-codes",
    "account-codes-made",
    "password",
    "password-refused",
    "password-unknown",
    "password-change",
    "current",
    "current-wrong",
    "enter-due",
    "account",
    "account-new",
    "status-verify",
    "status",
    "status-leased",
    "status-unlock",
    "status-places",
    "done",
    "done-places",
    "done-unlock",
    "ended",
    "ended-age",
    "ended-changed",
    "error",
    "mail-code",
    "mail-contact-code",
    "mail-changed",
    "mail-alert",
    "ended-frozen",
    "not-me",
    "not-me-error",
    "stopped",
    "stopped-known",
];

const TENANT: &str = "Nordwind Logistik";
const HELP: &str = "+49 40 5550 112, helpdesk@nordwind.example";

fn identify(page: Page, error: Option<&str>, work: &str, wait: Option<i64>) -> Identify {
    let name = if error.is_some() || wait.is_some() { "anna berg" } else { "" };
    Identify {
        page,
        purpose: "reset".to_owned(),
        name: name.to_owned(),
        error: error.map(str::to_owned),
        work: work.to_owned(),
        wait,
        passkey_error: None,
        why: None,
    }
}

/// The HTML of one page. `None` for a name that is not in [`NAMES`].
pub fn render(name: &str, language: Language) -> Option<String> {
    let page = Page::new(language, TENANT, (!name.ends_with("unknown")).then_some(HELP), "7kq2m4xd9a");
    let code = |page: Page, error: Option<String>, kind: &'static str| Code {
        page,
        number: (kind == "help_desk").then(|| "482 913".to_owned()),
        sent: matches!(kind, "email" | "sms"),
        kind,
        masked: if kind == "sms" { "••• ••• 47".to_owned() } else { "a•••@p•••.example".to_owned() },
        gate: 2,
        gates: if kind == "sms" { 2 } else { 1 },
        tries_wait: error.is_some().then_some(95),
        error,
        notice: (kind == "sms").then(|| "code-notice-resent".to_owned()),
        resend_in: 30,
        other_methods: true,
    };
    let password = |page: Page, min_length, refusal: Option<Refusal>| Password {
        page,
        user: USER,
        sign_in_name: "anna.berg".to_owned(),
        words: vec!["Anna".to_owned(), "Berg".to_owned()],
        min_length,
        complexity: min_length > 0,
        names: min_length > 0,
        places: String::new(),
        alone: false,
        days: u64::from(refusal.is_none() && min_length > 0),
        history: if min_length > 0 { 24 } else { 0 },
        refusal,
        old: false,
        wait: None,
    };
    let refusal = Refusal {
        title_key: "outcome-policy-history-title".to_owned(),
        text_key: "outcome-policy-history-text".to_owned(),
        allowed_at: None,
    };
    let (tenant, person, help) = (TENANT.to_owned(), "Anna Berg".to_owned(), Some(HELP.to_owned()));
    let when = page::when(language, datetime!(2026-11-22 18:40 UTC)).text;
    let facts = |page: &Page| {
        let fact = |key: &str, value: &str| (page.t(key).into_owned(), value.to_owned());
        let (place, follow) = (fact("mail-changed-place", "Nordwind"), fact("mail-changed-follow", "Lager Hamburg"));
        vec![fact("mail-changed-when", &when), fact("mail-changed-where", "192.0.2.*"), place, follow]
    };
    let link = || {
        let (page, code) = ("https://passwort.nordwind.example/not-me".to_owned(), "7kq2m4xd9a0w8r3t5y6v1p2n4c".to_owned());
        Link { url: format!("{page}#{code}"), page, code }
    };
    let html = match name {
        "identify" => identify(page, None, WORK, None).render(),
        "identify-error" => identify(page, Some("identify-error-name"), WORK, None).render(),
        "identify-slow" => identify(page, None, ENDLESS, None).render(),
        "identify-over" => identify(page, Some("work-error-over"), WORK, None).render(),
        "identify-wait" => identify(page, None, WORK, Some(431)).render(),
        "change" => Identify { purpose: "change".to_owned(), ..identify(page, None, WORK, None) }.render(),
        "sign-in" => Identify { purpose: "sign_in".to_owned(), ..identify(page, None, WORK, None) }.render(),
        "sign-in-ended" => {
            Identify { purpose: "sign_in".to_owned(), why: Some("sign-in-ended"), ..identify(page, None, WORK, None) }.render()
        }
        "sign-in-nobody" => {
            let passkey_error = Some("passkey-error-nobody");
            Identify { purpose: "sign_in".to_owned(), passkey_error, ..identify(page, None, WORK, None) }.render()
        }
        "password-change" => Password { old: true, ..password(page, 12, None) }.render(),
        "current" => Current { page, user: USER, sign_in_name: "anna.berg".to_owned(), refusal: None, wait: None }.render(),
        "current-wrong" => {
            let [title_key, text_key] = ["title", "text"].map(|part| format!("outcome-wrong-password-{part}"));
            let refusal = Some(Refusal { title_key, text_key, allowed_at: None });
            Current { page, user: USER, sign_in_name: "anna.berg".to_owned(), refusal, wait: Some(830) }.render()
        }
        "enter-due" => {
            let [title_key, text_key] = ["title", "text"].map(|part| format!("outcome-password-expired-{part}"));
            Enter { page, title_key: Some(title_key), text_key }.render()
        }
        "account" | "account-new" => {
            let item = |key: &str, odd: bool| Item {
                text: page.t(key).into_owned(),
                when: page::when(language, datetime!(2026-11-22 18:40 UTC)),
                from: "192.0.2.*".to_owned(),
                device: page.t2("device", "browser", "Firefox", "system", "Windows"),
                odd,
            };
            let (signed_in, wrong) = (item("activity-signed-in", false), item("activity-code-wrong", true));
            let activity = if name == "account" { vec![signed_in, wrong] } else { Vec::new() };
            let session = |id: u8| Session {
                id,
                here: id == 1,
                device: page.t2("device", "browser", "Chrome", "system", "Android"),
                begun: page::when(language, datetime!(2026-11-22 18:40 UTC)),
                from: "192.0.2.*".to_owned(),
            };
            let sessions = if name == "account" { vec![session(1), session(2)] } else { vec![session(1)] };
            let spoken =
                |one: Language| Spoken { tag: one.tag().to_owned(), key: format!("language-{}", one.tag()), chosen: one == language };
            let added =
                Added { label: "Pixel 9".to_owned(), kind: "method-totp", when: page::when(language, datetime!(2026-11-21 08:05 UTC)) };
            let added = if name == "account" { vec![added] } else { Vec::new() };
            Overview {
                name: "Anna Berg".to_owned(),
                added,
                few: Some(2),
                languages: Language::ALL.map(spoken).into(),
                activity,
                sessions,
                page,
            }
            .render()
        }
        "status-verify" => {
            Status { page, state: "leased".to_owned(), unlock: false, verify: true, follow: false, targets: Vec::new() }.render()
        }
        "unavailable" => Unavailable { page, reason: "unavailable-no-agent".to_owned() }.render(),
        "method" => {
            let option = |kind: &'static str, masked: &str| MethodOption { id: format!("{kind}-1"), kind, masked: masked.to_owned() };
            let options = vec![option("email", "a•••@p•••.example"), option("sms", "••• ••• 47")];
            Method { page, options, sends: true, gate: 1, gates: 2, alone: false, error: None }.render()
        }
        "method-any" => {
            let option = |kind, masked: &str| MethodOption { id: format!("{kind}-1"), kind, masked: masked.to_owned() };
            let options = vec![
                option("passkey", ""),
                option("totp", ""),
                option("private_email", "a•••@p•••.example"),
                option("sms", "••• ••• 47"),
                option("recovery_code", ""),
                option("help_desk", ""),
            ];
            Method { page, options, sends: false, gate: 1, gates: 2, alone: true, error: None }.render()
        }
        "code-app" => code(page, None, "totp").render(),
        "code-recovery" => code(page, Some("code-error-shape-recovery".to_owned()), "recovery_code").render(),
        "code-help-desk" => code(page, None, "help_desk").render(),
        "account-methods" | "account-methods-wanted" => {
            let wanted = (name == "account-methods-wanted").then_some("methods-wanted-passkey");
            let at = |day: u8| page::when(language, datetime!(2026-11-01 18:40 UTC).replace_day(day).expect("a day"));
            let own = vec![
                Own {
                    id: 1,
                    kind: "passkey",
                    label: "Firefox on Linux".to_owned(),
                    added: at(3),
                    used: Some(at(20)),
                    usable: None,
                    stopped: wanted.is_none(),
                    taken: true,
                    left: None,
                    loss: if wanted.is_none() { "methods-lose-nothing" } else { "methods-lose-one" },
                },
                Own {
                    id: 2,
                    kind: "totp",
                    label: "Mein neues Diensttelefon".to_owned(),
                    added: at(21),
                    used: None,
                    usable: Some(at(22)),
                    stopped: false,
                    taken: false,
                    left: None,
                    loss: "methods-lose-nothing",
                },
                Own {
                    id: 3,
                    kind: "recovery_codes",
                    label: page.t("methods-codes").into_owned(),
                    added: at(3),
                    used: None,
                    usable: None,
                    stopped: false,
                    taken: true,
                    left: Some(7),
                    loss: "methods-lose-all",
                },
            ];
            let contact = |kind, masked: &str, own| Contact {
                kind,
                masked: masked.to_owned(),
                silent: kind == "sms",
                own,
                open: kind != "email",
                usable: own.then(|| at(22)),
            };
            let contacts = vec![
                contact("private_email", "a•••@p•••.example", true),
                contact("email", "a•••@n•••.example", false),
                contact("sms", "+•••••••47", false),
            ];
            let adds = Adds { passkey: true, app: wanted.is_some(), codes: true, full: wanted.is_none() };
            Methods {
                page,
                contacts,
                missing: Vec::new(),
                own,
                has_codes: true,
                adds,
                wanted,
                one_secret: false,
                due: true,
                cools: true,
                error: None,
            }
            .render()
        }
        "account-methods-none" | "account-methods-one-secret" => {
            let one_secret = name == "account-methods-one-secret";
            let error = (!one_secret).then_some("methods-error-label");
            let adds = Adds { passkey: false, app: true, codes: true, full: false };
            Methods {
                page,
                contacts: Vec::new(),
                missing: vec!["private_email", "sms"],
                own: Vec::new(),
                has_codes: false,
                adds,
                wanted: None,
                one_secret,
                due: false,
                cools: false,
                error,
            }
            .render()
        }
        "account-contact" => {
            let to = "anna.berg@nordwind.example".to_owned();
            NewContact { page, kind: "private_email", replaces: true, to, error: Some("contact-error-behind-password"), wanted: None }
                .render()
        }
        "account-contact-sms" => NewContact { page, kind: "sms", replaces: false, to: String::new(), error: None, wanted: None }.render(),
        "account-contact-code" => {
            let to = "anna.berg.und.noch.eine.lange.adresse@privat.example".to_owned();
            ContactCode { page, kind: "private_email", to, error: Some("code-error-wrong"), notice: None, resend_in: 24 }.render()
        }
        "account-app" => {
            let key = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ".to_owned();
            App { page, key, label: "Telefon".to_owned(), error: Some("app-error-wrong") }.render()
        }
        "account-passkey" => NewPasskey { page, label: "Firefox on Linux".to_owned(), error: None }.render(),
        "account-codes" | "account-codes-wanted" => {
            let wanted = name.ends_with("wanted").then_some("methods-wanted-app");
            let name = "anna.berg".to_owned();
            CodesPage { page, name, codes: Vec::new(), left: Some(7), replaces: Some(1), wanted, usable: None }.render()
        }
        "account-codes-made" => {
            let codes = (0..10).map(|n| format!("k7q{n}-0m3v-x9c2-e5rt-8wzp")).collect();
            let usable = Some(page::when(language, datetime!(2026-11-23 18:40 UTC)));
            CodesPage { page, name: "anna.berg".to_owned(), codes, left: None, replaces: None, wanted: None, usable }.render()
        }
        "passkey" => Passkey { page, gate: 1, gates: 1, error: None, other_methods: true }.render(),
        "passkey-error" => Passkey { page, gate: 1, gates: 1, error: Some("passkey-error-wrong"), other_methods: true }.render(),
        "code" => code(page, None, "email").render(),
        "code-ends" => code(page.ending(Some(Ends { seconds: 110, more: Some("/reset/stay"), again: "/" })), None, "email").render(),
        "code-error" => code(page, Some("code-error-wrong".to_owned()), "email").render(),
        "code-sms" => code(page, None, "sms").render(),
        "password" => password(page, 12, None).render(),
        "password-refused" => password(page, 12, Some(refusal)).render(),
        "password-unknown" => password(page, 0, None).render(),
        "need" => Need { page, choice: true, age: None, error: None }.render(),
        "need-only" => Need { page, choice: false, age: Some(page::when(language, datetime!(2026-11-27 09:12 UTC))), error: None }.render(),
        "status" => {
            Status { page, state: "submitted".to_owned(), unlock: false, verify: false, follow: false, targets: Vec::new() }.render()
        }
        "status-leased" => {
            Status { page, state: "leased".to_owned(), unlock: false, verify: false, follow: false, targets: Vec::new() }.render()
        }
        "status-unlock" => {
            Status { page, state: "leased".to_owned(), unlock: true, verify: false, follow: false, targets: Vec::new() }.render()
        }
        "done" => Done { page, unlock: false, forgotten: false, but: None, places: Vec::new(), left: None }.render(),
        "status-places" => {
            let target = |(name, is): (&str, &str)| Target { name: name.to_owned(), is: is.to_owned() };
            let targets = [("Nordwind", "set"), ("Lager Hamburg", "now"), ("Labor", "waits"), ("Extranet", "not")].map(target).into();
            Status { page, state: "applied".to_owned(), unlock: false, verify: false, follow: true, targets }.render()
        }
        "done-places" => {
            let place = |name: &str, why: Option<&str>| Place {
                name: name.to_owned(),
                is: match why {
                    None => "set",
                    Some("unknown") => "unknown",
                    Some(_) => "not",
                }
                .to_owned(),
                why: why.map(str::to_owned),
                again: why.filter(|why| *why != "place-unserved").map(|_| "1".to_owned()),
            };
            let places = vec![
                place("Nordwind", None),
                place("Lager Hamburg", None),
                place("Labor", Some("outcome-policy-length-title")),
                place("Kasse", Some("unknown")),
                place("Extranet", Some("place-unserved")),
            ];
            Done { page, unlock: false, forgotten: false, but: None, places, left: Some(0) }.render()
        }
        "done-unlock" => Done { page, unlock: true, forgotten: true, but: None, places: Vec::new(), left: None }.render(),
        "ended-age" => Ended {
            page,
            title_key: "ended-policy-age-title".to_owned(),
            text_key: "ended-policy-age-text".to_owned(),
            allowed_at: Some(page::when(language, datetime!(2026-11-27 09:12 UTC))),
            again: false,
            retry: false,
        }
        .render(),
        "ended" => Ended {
            page,
            title_key: "outcome-directory-unreachable-title".to_owned(),
            text_key: "outcome-directory-unreachable-text".to_owned(),
            allowed_at: None,
            again: true,
            retry: false,
        }
        .render(),
        "ended-changed" => Ended {
            page,
            title_key: "outcome-changed-meanwhile-title".to_owned(),
            text_key: "outcome-changed-meanwhile-text".to_owned(),
            allowed_at: None,
            again: true,
            retry: false,
        }
        .render(),
        "error" => ErrorPage {
            page,
            status: 404,
            home: "/",
            title_key: "problem-not-found-title".to_owned(),
            text_key: "problem-not-found-text".to_owned(),
        }
        .render(),
        "mail-code" => Mail::code(page, tenant, &person, help, false).render(),
        "mail-code-text" => Mail::code(page, tenant, &person, help, false).plain().render(),
        "mail-contact-code" => Mail::code(page, tenant, "", help, true).render(),
        "mail-changed" | "mail-changed-text" => {
            let (greeting, subject) = (Some(page.t1("mail-greeting", "name", &person)), page.t1("mail-changed-subject", "tenant", &tenant));
            let (intro, then) = (page.t1("mail-changed-intro", "tenant", &tenant), vec![page.t("mail-changed-you").into_owned()]);
            let facts = facts(&page);
            let mail = Mail { link: Some(link()), help, ..Mail::notice(page, tenant, subject, (greeting, intro, then), facts) };
            if name == "mail-changed" { mail.render() } else { mail.plain().render() }
        }
        "mail-alert" => {
            let fact = |key: &str, value: &str| (page.t(key).into_owned(), value.to_owned());
            let facts = vec![
                fact("mail-alert-who", "Anna Berg (anna.berg)"),
                fact("mail-alert-about", &page.t("mail-about-changed")),
                fact("mail-alert-of", &when),
                fact("mail-alert-when", &when),
                fact("mail-changed-where", "192.0.2.*"),
            ];
            let (intro, subject) = (page.t1("mail-alert-intro", "tenant", &tenant), page.t1("mail-alert-subject", "tenant", &tenant));
            let command = "sspr user show --tenant 0193a5c2-7f0e-7c11-9d4e-3f6a1c2b9e77 anna.berg";
            let then = vec![page.t("mail-alert-then").into_owned(), page.t1("mail-alert-command", "command", command)];
            Mail::notice(page, tenant, subject, (None, intro, then), facts).render()
        }
        "ended-frozen" => Ended {
            page,
            title_key: "problem-frozen-title".to_owned(),
            text_key: "problem-frozen-text".to_owned(),
            allowed_at: None,
            again: false,
            retry: false,
        }
        .render(),
        "not-me" => NotMe { page, code: String::new(), error: None, told: true }.render(),
        "not-me-error" => NotMe { page, code: "7kq2-m4xd".to_owned(), error: Some("not-me-error-shape".to_owned()), told: false }.render(),
        "stopped" => Stopped { page, known: false }.render(),
        "stopped-known" => Stopped { page, known: true }.render(),
        _ => return None,
    };
    Some(html.expect("a page of a template"))
}
