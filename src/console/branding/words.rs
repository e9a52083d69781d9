//! What a change of the branding changed, in words.

use crate::{
    console::policies::Line,
    domain::{
        branding::{GroupContact, State},
        policies::Group,
    },
    web::Page,
};

/// Line by line. Groups are called as they are called now.
pub fn changes(page: &Page, before: &State, after: &State, known: &[Group]) -> Vec<Line> {
    let logo = |state: &State| state.logo.as_ref().map_or_else(String::new, |logo| page.t1("brand-logo-kept", "hash", &logo.hash[..8]));
    let text = |one: &Option<String>| one.clone().unwrap_or_default();
    let values = |state: &State| {
        [
            ("brand-accent", text(&state.accent)),
            ("brand-logo", logo(state)),
            ("brand-phone", text(&state.desk.phone)),
            ("brand-mail", text(&state.desk.mail)),
            ("brand-link", text(&state.desk.link)),
        ]
    };
    let line = |subject: &str, key, old, new| Line { subject: subject.to_owned(), key, old, new };
    let pairs = values(before).into_iter().zip(values(after));
    let mut lines: Vec<_> = pairs.filter(|((_, old), (_, new))| old != new).map(|((key, old), (_, new))| line("", key, old, new)).collect();
    let said = |one: Option<&GroupContact>| one.map_or_else(String::new, |one| format!("{}. {}", one.priority, one.contact.line()));
    let find = |state: &'_ State, group: &Group| said(state.groups.iter().find(|one| one.group.is(group)));
    let gone = before.groups.iter().filter(|one| !after.groups.iter().any(|other| other.group.is(&one.group)));
    for GroupContact { group, .. } in after.groups.iter().chain(gone) {
        let (old, new) = (find(before, group), find(after, group));
        if old != new {
            let called = known.iter().find(|one| one.is(group)).unwrap_or(group);
            lines.push(line(&super::name(called), "brand-group", old, new));
        }
    }
    lines
}
