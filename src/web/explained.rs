//! `domain::obstacles` in words, for whoever helps a person: the console and the command line say the same.

use std::borrow::Cow;

use time::OffsetDateTime;

use super::page;
use crate::{
    base::language::Language,
    domain::{
        limits::Limit,
        obstacles::{Cause, Gate, Lack, Means},
        policies::Method,
    },
    wire::outcome::Code,
};

pub fn gate(language: Language, gate: Gate) -> Cow<'static, str> {
    language.text(match gate {
        Gate::SelfService => "explain-gate-self-service",
        Gate::Account => "explain-gate-account",
        Gate::Name => "explain-gate-name",
        Gate::Policy => "explain-gate-policy",
        Gate::Methods => "explain-gate-methods",
        Gate::Limits => "explain-gate-limits",
        Gate::Freeze => "explain-gate-freeze",
        Gate::Writeback => "explain-gate-writeback",
        Gate::Agent => "explain-gate-agent",
        Gate::Directory => "explain-gate-directory",
        Gate::Rights => "explain-gate-rights",
        Gate::Age => "explain-gate-age",
    })
}

/// Why a gate is shut.
pub fn why(language: Language, cause: &Cause) -> String {
    let when = |at: OffsetDateTime| page::when(language, at).text;
    let with = |key: &str, values: &[(&str, &str)]| language.text_with(key, values);
    match cause {
        Cause::SelfServiceOff => with("explain-why-self-service-off", &[]),
        Cause::Removed(at) => with("explain-why-removed", &[("when", &when(*at))]),
        Cause::Disabled => with("explain-why-disabled", &[]),
        Cause::Protected => with("explain-why-protected", &[]),
        Cause::NameShared => with("explain-why-name-shared", &[]),
        Cause::Follows(_) => with("explain-why-follows", &[]),
        Cause::NoPolicy => with("explain-why-no-policy", &[]),
        Cause::NotServed(policy) => with("explain-why-not-served", &[("what", policy)]),
        Cause::GroupUnknown(policy) => with("explain-why-group-unknown", &[("what", policy)]),
        Cause::TooFew { has, gates } => with("explain-why-too-few", &[("has", &has.to_string()), ("gates", &gates.to_string())]),
        Cause::CoolingOff(until) => with("explain-why-cooling-off", &[("when", &when(*until))]),
        Cause::Waits(what, until) => with("explain-why-waits", &[("what", &limit(language, *what)), ("when", &when(*until))]),
        Cause::Frozen(since, who, why) => {
            with("explain-why-frozen", &[("when", &when(*since)), ("who", who), ("what", &reason(language, who, why))])
        }
        Cause::WritebackOff => with("explain-why-writeback-off", &[]),
        Cause::NoAgent => with("explain-why-no-agent", &[]),
        Cause::Unconfirmed => with("explain-why-unconfirmed", &[]),
        Cause::Silent => with("explain-why-silent", &[]),
        Cause::NoKey => with("explain-why-no-key", &[]),
        Cause::Unreachable => with("explain-why-unreachable", &[]),
        Cause::Barred(code) => with("explain-why-barred", &[("what", &barred(language, *code))]),
        Cause::NoRight => with("explain-why-no-right", &[]),
        Cause::TooYoung(Some(until)) => with("explain-why-too-young", &[("when", &when(*until))]),
        Cause::TooYoung(None) => with("explain-why-too-young-ever", &[]),
        Cause::Behind => with("explain-why-behind", &[]),
        Cause::NotAsked => with("explain-why-not-asked", &[]),
        Cause::NotTold => with("explain-why-not-told", &[]),
    }
}

/// What would open it.
pub fn remedy(language: Language, cause: &Cause) -> Cow<'static, str> {
    language.text(match cause {
        Cause::SelfServiceOff => "explain-do-self-service-off",
        Cause::Removed(_) => "explain-do-removed",
        Cause::Disabled => "explain-do-disabled",
        Cause::Protected => "explain-do-protected",
        Cause::NameShared => "explain-do-name-shared",
        Cause::Follows(_) => "explain-do-follows",
        Cause::NoPolicy => "explain-do-no-policy",
        Cause::NotServed(_) => "explain-do-not-served",
        Cause::GroupUnknown(_) => "explain-do-group-unknown",
        Cause::TooFew { .. } => "explain-do-too-few",
        Cause::CoolingOff(_) => "explain-do-cooling-off",
        Cause::Waits(..) => "explain-do-waits",
        Cause::Frozen(..) => "explain-do-frozen",
        Cause::WritebackOff => "explain-do-writeback-off",
        Cause::NoAgent => "explain-do-no-agent",
        Cause::Unconfirmed => "explain-do-unconfirmed",
        Cause::Silent => "explain-do-silent",
        Cause::NoKey => "explain-do-no-key",
        Cause::Unreachable => "explain-do-unreachable",
        Cause::Barred(_) => "explain-do-barred",
        Cause::NoRight => "explain-do-no-right",
        Cause::TooYoung(_) => "explain-do-too-young",
        Cause::Behind => "explain-do-behind",
        Cause::NotAsked => "explain-do-not-asked",
        Cause::NotTold => "explain-do-not-told",
    })
}

fn barred(language: Language, code: Code) -> Cow<'static, str> {
    language.text(match code {
        Code::AccountProtected => "explain-barred-account-protected",
        Code::AccountDisabled => "explain-barred-account-disabled",
        Code::AccountExpired => "explain-barred-account-expired",
        Code::LockedForGood => "explain-barred-locked-for-good",
        Code::Gone => "explain-barred-gone",
        Code::OutOfScope => "explain-barred-out-of-scope",
        _ => "explain-barred-other",
    })
}

/// What is limited.
pub fn limit(language: Language, limit: Limit) -> Cow<'static, str> {
    language.text(match limit {
        Limit::AddressBegin | Limit::AddressChallenge | Limit::AddressTry | Limit::AddressSend | Limit::NotMe => "explain-limit-network",
        Limit::CodeTry => "explain-limit-code-try",
        Limit::AppTry => "explain-limit-app-try",
        Limit::HelpDeskTry => "explain-limit-help-desk-try",
        Limit::PasswordTry => "explain-limit-password-try",
        Limit::OperatorPassword | Limit::OperatorCode | Limit::OperatorActs | Limit::TextSample => "explain-limit-operator",
        Limit::MethodChange => "explain-limit-method-change",
        Limit::CodeSend => "explain-limit-code-send",
        Limit::Destination => "explain-limit-destination",
        Limit::Notice => "explain-limit-notice",
        Limit::CountryHour => "explain-limit-country-hour",
        Limit::CountryDay => "explain-limit-country-day",
        Limit::SmsBudget => "explain-limit-sms-budget",
        Limit::SmsNotices => "explain-limit-sms-notices",
        Limit::MailBudget => "explain-limit-mail-budget",
    })
}

pub fn method(language: Language, method: Method) -> Cow<'static, str> {
    language.text(match method {
        Method::Email => "method-email",
        Method::PrivateEmail => "method-private-email",
        Method::Sms => "method-sms",
        Method::Totp => "method-totp",
        Method::Passkey => "method-passkey",
        Method::RecoveryCode => "method-recovery-code",
        Method::HelpDesk => "method-help-desk",
    })
}

/// How one way of theirs stands, where something keeps them from it; `None`: it works.
pub fn hindrance(language: Language, means: &Means) -> Option<String> {
    let waits = |(what, until): (Limit, OffsetDateTime)| {
        language.text_with("explain-way-waits", &[("what", &limit(language, what)), ("when", &page::when(language, until).text)])
    };
    means.lack.map(|one| lack(language, one)).or_else(|| means.waits.map(waits))
}

/// What somebody says of why an account is frozen: an operator in their own words; a person by the notice that they say was not them.
pub fn reason(language: Language, by: &str, reason: &str) -> String {
    let about = match reason {
        _ if by != "user" => return reason.to_owned(),
        "changed" => "mail-about-changed",
        "unlocked" => "mail-about-unlocked",
        "tries" => "mail-about-tries",
        "method" => "mail-about-method",
        "contact" => "mail-about-contact",
        _ => "mail-about-operator",
    };
    language.text_with("explain-frozen-said", &[("about", &language.text(about))])
}

/// Why a method proves nothing now.
fn lack(language: Language, lack: Lack) -> String {
    match lack {
        Lack::NotOffered => language.text("explain-lack-not-offered").into_owned(),
        Lack::Missing => language.text("explain-lack-missing").into_owned(),
        Lack::CoolingOff(until) => language.text_with("explain-lack-cooling-off", &[("when", &page::when(language, until).text)]),
        Lack::Stopped => language.text("explain-lack-stopped").into_owned(),
        Lack::UsedUp => language.text("explain-lack-used-up").into_owned(),
        Lack::BehindPassword => language.text("explain-lack-behind-password").into_owned(),
        Lack::Country => language.text("explain-lack-country").into_owned(),
        Lack::NotAlone => language.text("explain-lack-not-alone").into_owned(),
    }
}
