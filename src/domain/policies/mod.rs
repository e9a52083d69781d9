//! Who may reset, and by which proofs: an ordered list of policies per tenant, of which the first that applies to a person holds.
//! What it comes to for one person the SQL function `policy_of` says, so that every statement that must know can ask it at its own
//! moment; [`Terms`] is its answer.
//!
//! Privileged people, the members of groups that an administrator marks, prove more than any policy asks: two classes, neither of
//! them by text message or help desk, and three days of cooling-off.

mod method;
mod rules;
mod store;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use time::Duration;
use uuid::Uuid;

use super::limits::Allowance;

pub use method::{Class, Method};
pub use rules::{Change, Rules};
pub use store::{Changed, Holding, are_lawful, change, groups, holding, of_user, rules};

/// What holds for a person at one moment; read from a row of `policy_of`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Terms {
    /// Self-service is for them at all.
    pub serves: bool,
    /// What may prove who they are.
    pub methods: Vec<Method>,
    /// How many proofs of different classes it takes: 1 or 2.
    pub gates: i16,
    /// Mail and text message count as two classes.
    pub apart: bool,
    /// It takes two proofs from whoever has an app, a passkey or recovery codes; a passkey is as good as two.
    pub rises: bool,
    /// For so long a new or changed method proves nothing.
    #[serde(deserialize_with = "hours")]
    pub cooling_off: Duration,
    /// How their numbers must begin to get text messages, without `+`; empty: as the tenant says.
    pub countries: Vec<String>,
    #[serde(flatten)]
    pub allowance: Allowance,
    /// The current password is asked for besides: a mailbox that opens with it may go before it.
    #[serde(skip)]
    pub password_follows: bool,
}

fn hours<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    i64::deserialize(from).map(Duration::hours)
}

impl Terms {
    /// For nobody in particular, where there is nobody.
    pub fn usual() -> Self {
        Self {
            serves: true,
            methods: vec![Method::Email],
            gates: 1,
            apart: false,
            rises: false,
            cooling_off: Duration::days(1),
            countries: Vec::new(),
            allowance: Allowance::USUAL,
            password_follows: false,
        }
    }

    /// What it comes to for somebody who could offer these where two proofs are asked.
    #[must_use]
    pub fn for_whoever_has(&self, methods: impl Iterator<Item = Method> + Clone) -> Self {
        let bound = methods.clone().any(|method| matches!(method.class(), Class::App | Class::Passkey | Class::Saved));
        // The help desk is for whoever has nothing else.
        let own = methods.filter(|method| *method != Method::HelpDesk);
        let rises = self.rises && bound && classes(own, self.apart) >= 2;
        Self { gates: if rises { 2 } else { self.gates }, rises, ..self.clone() }
    }
}

/// Nobody names more countries one by one.
pub const MOST_COUNTRIES: usize = 60;

/// Whether E.164 numbers can begin so, without their `+`.
pub fn is_calling_code(text: &str) -> bool {
    (1..=7).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit()) && !text.starts_with('0')
}

/// How many classes these methods are of.
pub fn classes(methods: impl IntoIterator<Item = Method>, apart: bool) -> usize {
    let mut found: Vec<(Class, bool)> = Vec::new();
    for class in methods.into_iter().map(|method| method.counts_as(apart)) {
        if !found.contains(&class) {
            found.push(class);
        }
    }
    found.len()
}

/// A group of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Group {
    pub connector_id: Uuid,
    pub object_guid: Uuid,
    /// `None`: no agent tells its members, see `agent.mirror.groups`. Only the directory says how it is called.
    #[serde(skip)]
    pub name: Option<String>,
}

impl Group {
    /// The same, whatever it is called.
    pub fn is(&self, other: &Self) -> bool {
        (self.connector_id, self.object_guid) == (other.connector_id, other.object_guid)
    }
}

/// As an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub name: String,
    /// 1 comes first; at most 10000.
    pub priority: i32,
    /// Whom it applies to: everybody or the members of `groups`, but for those of `exceptions`.
    pub everybody: bool,
    pub groups: Vec<Group>,
    pub exceptions: Vec<Group>,
    /// False: they get no self-service.
    pub serves: bool,
    pub methods: Vec<Method>,
    /// 1 or 2.
    pub gates: i16,
    pub apart: bool,
    /// It takes two from whoever has an app, a passkey or recovery codes; a passkey is as good as two.
    pub rises: bool,
    /// Hours, at most 720.
    pub cooling_off: i32,
    /// How numbers begin that get text messages, without `+`; empty: as the tenant says. The history has older ones that say nothing of it.
    #[serde(default)]
    pub countries: Vec<String>,
    #[serde(flatten)]
    pub allowance: Allowance,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub policy_id: Uuid,
    pub terms: Draft,
}

/// Why a draft cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("it names no group and is not for everybody: it would apply to nobody")]
    NoGroup,
    #[error("it serves people and names no method")]
    NoMethod,
    #[error("two gates need methods of two classes; mail and text message are one unless they are set apart")]
    OneClass,
    #[error(
        "the name must have 1 to 100 characters on one line, the priority be 1 to 10000, the gates 1 or 2, the cooling-off 0 to 720 hours, \
         the tries 3 to 10, the codes sent 2 to 10, the tries at the current password 1 to 10"
    )]
    Bounds,
    #[error("another policy has this priority")]
    PriorityTaken,
    #[error("another policy has this name")]
    NameTaken,
    #[error("there is no such policy")]
    Gone,
    #[error("the policies were changed meanwhile")]
    Stale,
}

impl Draft {
    /// As every policy begins: one proof by anything but the help desk, two from whoever has an app, a passkey or recovery codes; for nobody yet.
    pub fn new(name: &str, priority: i32) -> Self {
        let methods = Method::ALL.into_iter().filter(|method| *method != Method::HelpDesk).collect();
        Self {
            name: name.to_owned(),
            priority,
            everybody: false,
            groups: Vec::new(),
            exceptions: Vec::new(),
            serves: true,
            methods,
            gates: 1,
            apart: false,
            rises: true,
            cooling_off: 24,
            countries: Vec::new(),
            allowance: Allowance::USUAL,
        }
    }

    /// Whether it makes sense by itself.
    pub fn check(&self) -> Result<(), Refused> {
        let bounds = (1..=100).contains(&self.name.trim().chars().count())
            && !self.name.chars().any(char::is_control)
            && (1..=10_000).contains(&self.priority)
            && (0..=720).contains(&self.cooling_off)
            && (1..=2).contains(&self.gates)
            && self.countries.len() <= MOST_COUNTRIES
            && self.countries.iter().all(|code| is_calling_code(code))
            && self.allowance.fits();
        if !bounds {
            return Err(Refused::Bounds);
        }
        if !self.everybody && self.groups.is_empty() {
            return Err(Refused::NoGroup);
        }
        if self.serves && self.methods.is_empty() {
            return Err(Refused::NoMethod);
        }
        if self.serves && classes(self.methods.iter().copied(), self.apart) < usize::try_from(self.gates).unwrap_or(2) {
            return Err(Refused::OneClass);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_and_text_message_are_one_class_unless_set_apart() {
        let both = [Method::Email, Method::PrivateEmail, Method::Sms];
        assert_eq!((classes(both, false), classes(both, true)), (1, 2));
        assert_eq!(classes([Method::Email, Method::Totp, Method::Passkey, Method::RecoveryCode], false), 4);
    }

    #[test]
    fn a_policy_that_cannot_work_is_refused() {
        let everybody = Draft { everybody: true, ..Draft::new("Everybody", 1) };
        assert_eq!(everybody.check(), Ok(()));
        let issued = vec![Method::Email, Method::Sms];
        for (draft, why) in [
            (Draft::new("Nobody", 1), Refused::NoGroup),
            (Draft { methods: Vec::new(), ..everybody.clone() }, Refused::NoMethod),
            (Draft { methods: issued.clone(), gates: 2, ..everybody.clone() }, Refused::OneClass),
            (Draft { gates: 3, ..everybody.clone() }, Refused::Bounds),
            (Draft { cooling_off: -1, ..everybody.clone() }, Refused::Bounds),
            (Draft { name: String::new(), ..everybody.clone() }, Refused::Bounds),
            (Draft { countries: vec!["049".into()], ..everybody.clone() }, Refused::Bounds),
            (Draft { allowance: Allowance { tries: 2, ..Allowance::USUAL }, ..everybody.clone() }, Refused::Bounds),
        ] {
            assert_eq!(draft.check(), Err(why), "{draft:?}");
        }
        assert_eq!(Draft { methods: issued, gates: 2, apart: true, ..everybody }.check(), Ok(()));
    }
}
