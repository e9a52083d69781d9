//! The audit trail in plain words, as far as it means something to the person it is about. Whoever helps them reads the same words, and
//! besides them what is told nobody.

use std::{collections::HashMap, net::IpAddr};

use super::{
    Page, device,
    page::{self, When},
};
use crate::{
    base::language::Language,
    domain::audit::{self, Line},
};

/// What happened, as the account page tells it.
pub struct Item {
    pub text: String,
    pub when: When,
    /// Coarse; empty if it came from none.
    pub from: String,
    /// Empty if it is not known.
    pub device: String,
    /// Somebody may have tried something.
    pub odd: bool,
}

/// Action, outcome, key of the words, and whether it may have been somebody else. What is not here is told nobody.
const TOLD: [(&str, &str, &str, bool); 26] = [
    ("reset.begin", "known", "activity-begun", false),
    ("reset.begin", "nameless", "activity-begun", false),
    ("reset.code_try", "right", "activity-code-right", false),
    ("reset.code_try", "wrong", "activity-code-wrong", true),
    ("reset.code_try", "limit", "activity-code-limit", true),
    ("reset.password_try", "limit", "activity-password-limit", true),
    ("reset.result", "applied", "activity-applied", false),
    ("reset.result", "refused", "activity-refused", false),
    ("session.begin", "begun", "activity-signed-in", false),
    ("session.end", "signed_out", "activity-signed-out", false),
    ("session.end", "by_owner", "activity-ended", false),
    ("session.end", "all", "activity-ended-all", false),
    ("user.language", "chosen", "activity-language", false),
    ("authenticator.add", "added", "activity-method-added", false),
    ("authenticator.remove", "removed", "activity-method-removed", false),
    ("authenticator.stop", "copied", "activity-method-stopped", true),
    ("user.contact", "added", "activity-contact-added", false),
    ("user.contact", "changed", "activity-contact-changed", false),
    ("user.contact", "removed", "activity-contact-removed", false),
    ("user.contact", "imported", "activity-contact-imported", false),
    ("contact.code_send", "sent", "activity-contact-code", false),
    ("contact.code_try", "wrong", "activity-code-wrong", true),
    ("registration.confirm", "confirmed", "activity-confirmed", false),
    ("help_desk.code", "made", "activity-help-desk", true),
    ("account.freeze", "frozen", "activity-frozen", true),
    ("account.freeze", "lifted", "activity-lifted", false),
];

pub fn told(page: &Page, language: Language, lines: &[Line]) -> Vec<Item> {
    let item = |(line, count): (&Line, Count)| {
        let (key, odd) = words(line)?;
        Some(Item {
            text: times(page, page.t(key).into_owned(), count),
            when: page::when(language, line.at),
            // An agent's address says nothing to the person.
            from: from(line).map(audit::coarse).unwrap_or_default(),
            device: line.device.as_deref().filter(|device| !device.is_empty()).map(|of| device::name(page, of)).unwrap_or_default(),
            odd,
        })
    };
    folded(lines, MOST, |line| words(line).is_some()).into_iter().filter_map(item).collect()
}

const MOST: usize = 30;

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub times: usize,
    /// Older ones were not read.
    pub or_more: bool,
}

/// The newest lines that `count`, the newest first: `most` of those that no stranger can cause, and as many besides of what strangers can. What
/// they do between two of the others is one line for each kind of it, however often they do it: nothing that was proven is buried.
pub fn folded(lines: &[Line], most: usize, counts: impl Fn(&Line) -> bool) -> Vec<(&Line, Count)> {
    let or_more = lines.len() >= audit::NEWEST;
    let mut all: Vec<(&Line, Count)> = Vec::new();
    let (mut run, mut proven, mut strangers) = (HashMap::new(), 0, 0);
    for line in lines.iter().filter(|line| counts(line)) {
        let one = Count { times: 1, or_more: false };
        if !line.is_strangers() {
            if proven == most {
                break;
            }
            proven += 1;
            run.clear();
            all.push((line, one));
            continue;
        }
        let kind = (&line.action, &line.outcome, words(line).map(|(key, _)| key));
        if let Some(&at) = run.get(&kind) {
            let (_, count): &mut (&Line, Count) = &mut all[at];
            *count = Count { times: count.times + 1, or_more };
        } else if strangers < most {
            strangers += 1;
            run.insert(kind, all.len());
            all.push((line, one));
        }
    }
    all
}

/// The words, and how often it was.
pub fn times(page: &Page, text: String, count: Count) -> String {
    match count {
        Count { times: 1, .. } => text,
        Count { times, or_more: false } => page.t2("activity-times", "what", text, "count", times),
        Count { times, or_more: true } => page.t2("activity-times-more", "what", text, "count", times),
    }
}

/// The browser's address.
pub fn from(line: &Line) -> Option<IpAddr> {
    line.address.filter(|_| line.actor == "user")
}

/// The key of a line's words, and whether it may have been somebody else; `None`: nobody is told.
pub fn words(line: &Line) -> Option<(&'static str, bool)> {
    let (.., key, odd) = TOLD.iter().find(|(action, outcome, ..)| *action == line.action && *outcome == line.outcome)?;
    let key = *key;
    let key = match (key, line.kind.as_deref(), line.purpose.as_deref()) {
        // What a result means depends on what was asked for.
        ("activity-applied", Some("reset" | "temporary" | "change"), _) => "activity-password-set",
        ("activity-applied", Some("unlock"), _) => "activity-unlocked",
        ("activity-refused", Some("reset" | "change"), _) => "activity-password-not-set",
        ("activity-refused", Some("verify"), _) => "activity-password-wrong",
        ("activity-applied" | "activity-refused", ..) => return None,
        ("activity-begun", _, Some("change")) => "activity-begun-change",
        ("activity-begun", _, Some("sign_in")) => "activity-begun-sign-in",
        ("activity-code-right", ..) if line.method.as_deref() == Some("passkey") => "activity-passkey-right",
        ("activity-code-wrong", ..) if line.method.as_deref() == Some("passkey") => "activity-passkey-wrong",
        ("activity-method-added", ..) => kind_of(line, ["activity-app-added", "activity-passkey-added", "activity-codes-added"], key),
        ("activity-method-removed", ..) => {
            kind_of(line, ["activity-app-removed", "activity-passkey-removed", "activity-codes-removed"], key)
        }
        (key, ..) => key,
    };
    Some((key, *odd || key == "activity-password-wrong"))
}

/// The words for an app, a passkey, recovery codes; whatever else it was gets `other`.
fn kind_of(line: &Line, [app, passkey, codes]: [&'static str; 3], other: &'static str) -> &'static str {
    match line.method.as_deref() {
        Some("totp") => app,
        Some("passkey") => passkey,
        Some("recovery_codes") => codes,
        _ => other,
    }
}
