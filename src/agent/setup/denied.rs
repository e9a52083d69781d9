//! Rights that an entry of an access list takes away. Granting them again does not help: such an entry counts before those that allow.

use std::collections::BTreeMap;

use super::{
    account::Own,
    finding::Finding,
    grants::Right,
    rights::{Units, listed},
    words,
};
use crate::agent::directory::{
    dn,
    sd::{ACCOUNT_RESTRICTIONS, Ace, CONTROL_ACCESS, Descriptor, LOCKOUT_TIME, PWD_LAST_SET, RESET_PASSWORD, WRITE_PROPERTY},
};

struct Denial {
    ace: Ace,
    people: BTreeMap<Right, Vec<String>>,
}

/// By where the entry stands, and how it reads.
#[derive(Default)]
pub(super) struct Denials(BTreeMap<(String, String), Denial>);

impl Denials {
    /// Whether an entry is why this person (by `dn`, and `name` for people) lacks the right.
    pub(super) fn note(&mut self, list: Option<&Descriptor>, (dn, name): (&str, &str), right: Right, own: &Own, units: &Units) -> bool {
        let (mask, objects) = match right {
            Right::Reset => (CONTROL_ACCESS, vec![RESET_PASSWORD]),
            Right::Unlock => (WRITE_PROPERTY, vec![LOCKOUT_TIME, ACCOUNT_RESTRICTIONS]),
            Right::MustChange => (WRITE_PROPERTY, vec![PWD_LAST_SET, ACCOUNT_RESTRICTIONS]),
        };
        let Some(ace) = list.and_then(|list| list.denying(&own.token, mask, &objects)) else { return false };
        let (place, ace) = stands(dn, ace, units);
        let denial = self.0.entry((place, ace.sddl())).or_insert_with(|| Denial { ace: ace.clone(), people: BTreeMap::new() });
        denial.people.entry(right).or_default().push(name.to_owned());
        true
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &String> {
        self.0.values().flat_map(|denial| denial.people.values()).flatten()
    }

    pub(super) fn tell(&self, own: &Own) -> Vec<Finding> {
        let mut found = Vec::new();
        for ((place, sddl), Denial { ace, people }) in &self.0 {
            for (at, (right, names)) in people.iter().enumerate() {
                let whose = words::whose(&ace.sid, &own.grantee.sid);
                let text = format!(
                    "an entry that denies keeps the account from {:?} on {} people: {}. It denies {whose} {} ({sddl}).",
                    right.name(),
                    names.len(),
                    listed(names),
                    words::rights(ace),
                );
                let finding = Finding::new(right.missing(), place, text);
                found.push(if at > 0 {
                    finding.say("It is the same entry as above.")
                } else if ace.is_inherited() {
                    finding.say("Find where the entry is made, above, and take it away there; granting the right again does not help.")
                } else {
                    let way_out = if ace.sid == own.grantee.sid { "" } else { ", or take the account out of that group" };
                    finding
                        .say(format!(
                            "Granting the right again does not help: take this entry away{way_out}. Who made it may have had a reason."
                        ))
                        .with(own.grantee.lift(place, ace))
                });
            }
        }
        found
    }
}

/// Where an entry was made that this account has, and as it stands there.
fn stands(account: &str, ace: &Ace, units: &Units) -> (String, Ace) {
    let mut at = account;
    while ace.is_inherited() {
        at = dn::above(at);
        if at.is_empty() {
            return (dn::above(account).to_owned(), ace.clone());
        }
        let list = units.get(at).and_then(Option::as_ref);
        if let Some(source) = list.and_then(|list| list.aces.iter().find(|made| made.is_source_of(ace))) {
            return (at.to_owned(), source.clone());
        }
    }
    (account.to_owned(), ace.clone())
}
