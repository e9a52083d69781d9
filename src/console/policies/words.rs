//! What policies say, in plain words: for the list, and for what changes.

use crate::{
    domain::{
        coverage::Standing,
        limits::Allowance,
        policies::{Draft, Group, Policy, Rules},
        settings,
    },
    web::{Page, explained},
};

/// One thing that was said and is said now.
pub struct Line {
    /// Of which policy.
    pub subject: String,
    /// Of the words of what changes.
    pub key: &'static str,
    /// Empty: nothing.
    pub old: String,
    pub new: String,
}

pub fn group(page: &Page, group: &Group) -> String {
    group.name.clone().unwrap_or_else(|| page.t1("policies-group-untold", "id", group.object_guid))
}

fn groups(page: &Page, all: &[Group]) -> String {
    let mut names: Vec<String> = all.iter().map(|one| group(page, one)).collect();
    names.sort_by_key(|name| name.to_lowercase());
    names.join(", ")
}

/// Thing by thing, each with the key of what it is.
fn said(page: &Page, draft: &Draft) -> Vec<(&'static str, String)> {
    let methods = || draft.methods.iter().map(|method| explained::method(page.language(), *method)).collect::<Vec<_>>().join(", ");
    let t = |key| page.t(key).into_owned();
    let proofs = match draft.gates {
        1 if draft.rises => "policies-proofs-rises",
        1 => "policies-proofs-one",
        _ => "policies-proofs-two",
    };
    let cooling = if draft.cooling_off == 0 { t("policies-hours-none") } else { page.t1("policies-hours", "hours", draft.cooling_off) };
    let countries = match draft.countries.as_slice() {
        [] => t("policies-countries-of-all"),
        some => settings::told_countries(some).unwrap_or_else(|| t("policies-countries-anywhere")),
    };
    vec![
        ("policies-of-name", draft.name.clone()),
        ("policies-of-priority", draft.priority.to_string()),
        ("policies-of-whom", if draft.everybody { t("policies-everybody") } else { groups(page, &draft.groups) }),
        ("policies-of-except", groups(page, &draft.exceptions)),
        ("policies-of-service", t(if draft.serves { "policies-serves" } else { "policies-serves-not" })),
        ("policies-of-methods", methods()),
        ("policies-of-proofs", t(proofs)),
        ("policies-of-apart", t(if draft.apart { "policies-apart-yes" } else { "policies-apart-no" })),
        ("policies-of-hours", cooling),
        ("policies-of-countries", countries),
        ("policies-of-tries", page.t1("policies-tries", "count", draft.allowance.tries)),
        ("policies-of-sends", page.t1("policies-sends", "count", draft.allowance.sends)),
        ("policies-of-passwords", page.t1("policies-passwords", "count", draft.allowance.passwords)),
    ]
}

/// What says nothing of whoever gets no self-service.
const OF_SERVICE: [&str; 8] = [
    "policies-of-methods",
    "policies-of-proofs",
    "policies-of-apart",
    "policies-of-hours",
    "policies-of-countries",
    "policies-of-tries",
    "policies-of-sends",
    "policies-of-passwords",
];

/// For the list: without its name and place, and only what matters and is not as everywhere.
pub fn facts(page: &Page, draft: &Draft) -> Vec<(&'static str, String)> {
    let usual = |(key, value): &(&str, String)| {
        ["policies-of-name", "policies-of-priority"].contains(key)
            || value.is_empty()
            || !draft.serves && OF_SERVICE.contains(key)
            || *key == "policies-of-apart" && !draft.apart
            || *key == "policies-of-countries" && draft.countries.is_empty()
            || *key == "policies-of-tries" && draft.allowance.tries == Allowance::USUAL.tries
            || *key == "policies-of-sends" && draft.allowance.sends == Allowance::USUAL.sends
            || *key == "policies-of-passwords" && draft.allowance.passwords == Allowance::USUAL.passwords
    };
    said(page, draft).into_iter().filter(|fact| !usual(fact)).collect()
}

/// What is wrong with it that somebody should know.
pub fn warnings(page: &Page, draft: &Draft) -> Vec<String> {
    let untold = |all: &[Group]| all.iter().filter(|group| group.name.is_none()).cloned().collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut warn = |all: Vec<Group>, key| {
        if !all.is_empty() {
            found.push(page.t1(key, "groups", groups(page, &all)));
        }
    };
    warn(untold(&draft.exceptions), "policies-warn-exception");
    warn(if draft.everybody { Vec::new() } else { untold(&draft.groups) }, "policies-warn-group");
    found
}

/// What lies between two states, in the order of the later one; what is gone comes last.
pub fn changes(page: &Page, before: &Rules, after: &Rules) -> Vec<Line> {
    let whole = |draft: &Draft| {
        let facts = facts(page, draft);
        facts.into_iter().map(|(key, value)| format!("{}: {value}", page.t(key))).collect::<Vec<_>>().join(" · ")
    };
    let mut lines = Vec::new();
    for Policy { policy_id, terms } in &after.policies {
        let subject = terms.name.clone();
        match before.policy(*policy_id) {
            None => lines.push(Line { subject, key: "policies-is-new", old: String::new(), new: whole(terms) }),
            Some(was) => lines.extend(differences(page, &subject, &was.terms, terms)),
        }
    }
    for Policy { terms, .. } in before.policies.iter().filter(|one| after.policy(one.policy_id).is_none()) {
        lines.push(Line { subject: terms.name.clone(), key: "policies-is-gone", old: whole(terms), new: String::new() });
    }
    let (old, new) = (groups(page, &before.privileged), groups(page, &after.privileged));
    if old != new {
        lines.push(Line { subject: page.t("policies-privileged").into_owned(), key: "policies-of-privileged", old, new });
    }
    lines
}

fn differences(page: &Page, subject: &str, before: &Draft, after: &Draft) -> Vec<Line> {
    let pairs = said(page, before).into_iter().zip(said(page, after));
    let changed = pairs.filter(|((_, old), (_, new))| old != new);
    changed.map(|((key, old), (_, new))| Line { subject: subject.to_owned(), key, old, new }).collect()
}

/// How somebody stands.
pub fn standing(page: &Page, standing: Standing) -> String {
    let key = match standing {
        Standing::Able => "policies-standing-able",
        Standing::Mailbox => "policies-standing-mailbox-alone",
        Standing::MailboxOnly => "policies-standing-mailbox",
        Standing::HelpDesk => "policies-standing-help-desk",
        Standing::NotServed => "policies-standing-not-served",
        Standing::CoolingOff => "policies-standing-cooling-off",
        Standing::TooFew { has, gates } => return page.t2("policies-standing-too-few", "has", has, "gates", gates),
        Standing::Closed => "policies-standing-closed",
    };
    page.t(key).into_owned()
}
