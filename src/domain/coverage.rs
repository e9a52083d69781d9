//! What self-service comes to: who can use it at this moment, who cannot, and why. Asked before a policy is saved and after, in the
//! transaction that would save it, it shows who gains and who loses.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    authenticators,
    policies::{self, Method, Terms},
    resets,
    tenants::Tenant,
    users,
};
use crate::base::clock::Clock;

/// How a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Has all it takes, and more than a mailbox.
    Able,
    /// Has all it takes, and it is nothing but the mailbox of the organisation.
    MailboxOnly,
    /// No policy serves them.
    NotServed,
    /// Has them, and some are too new or changed too lately.
    CoolingOff,
    /// Has fewer proofs than are asked.
    TooFew { has: usize, gates: i16 },
    /// The directory's: disabled, or an account that self-service never touches.
    Closed,
}

impl Standing {
    pub const fn is_able(self) -> bool {
        matches!(self, Self::Able | Self::MailboxOnly)
    }

    /// They would be better served if they registered something.
    pub const fn wants_registration(self) -> bool {
        matches!(self, Self::MailboxOnly | Self::TooFew { .. })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Able => f.write_str("can reset"),
            Self::MailboxOnly => f.write_str("can reset, by nothing but the mail address of the directory"),
            Self::NotServed => f.write_str("no policy serves them"),
            Self::CoolingOff => f.write_str("has methods that are new or were changed, and prove nothing yet"),
            Self::TooFew { has, gates } => write!(f, "has {has} usable proofs of different classes of the {gates} that are asked"),
            Self::Closed => f.write_str("disabled or protected in the directory"),
        }
    }
}

/// A person, as an administrator sees them.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub standing: Standing,
}

/// Of everybody.
pub async fn of(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<BTreeMap<Uuid, Person>> {
    let (everybody, now) = (users::everybody(&mut *conn, &tenant.scope).await?, clock.now());
    let people: Vec<Uuid> = everybody.iter().map(|(user, _, _)| user.user_id).collect();
    // One look through all of them for each person would be a look at everybody by everybody.
    let mut kinds: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for one in authenticators::usable(conn, &tenant.scope, clock, &people).await? {
        kinds.entry(one.0).or_default().push(one);
    }
    let person = |(user, terms, open): (users::User, Terms, bool)| {
        let methods = resets::methods_of(kinds.get(&user.user_id).map_or(&[][..], Vec::as_slice), user.user_id);
        let standing = if open { standing(tenant, &user, &methods, &terms, now) } else { Standing::Closed };
        (user.user_id, Person { name: user.sign_in_name, standing })
    };
    Ok(everybody.into_iter().map(person).collect())
}

fn standing(tenant: &Tenant, user: &users::User, kinds: &[Method], terms: &Terms, now: OffsetDateTime) -> Standing {
    if !terms.serves {
        return Standing::NotServed;
    }
    let looks = |at| {
        let (offers, terms) = resets::looks(tenant, user, kinds, terms, at);
        let methods: Vec<Method> = offers.iter().map(|offer| offer.method).collect();
        let has = policies::classes(methods.iter().copied(), terms.apart);
        (methods, has, terms.gates, has >= usize::try_from(terms.gates).unwrap_or(2))
    };
    let (methods, has, gates, is_enough) = looks(now);
    if !is_enough {
        return if looks(now + terms.cooling_off).3 { Standing::CoolingOff } else { Standing::TooFew { has, gates } };
    }
    if methods.iter().all(|method| *method == Method::Email) { Standing::MailboxOnly } else { Standing::Able }
}

/// How many stand how.
pub fn count(all: &BTreeMap<Uuid, Person>) -> BTreeMap<Standing, usize> {
    let mut counts = BTreeMap::new();
    for person in all.values() {
        *counts.entry(person.standing).or_default() += 1;
    }
    counts
}

/// What an administrator should think about.
pub fn warnings(all: &BTreeMap<Uuid, Person>) -> Vec<String> {
    let alone = all.values().filter(|person| person.standing == Standing::MailboxOnly).count();
    let mailbox = format!(
        "{alone} people prove themselves by the directory's mail address alone. If that mailbox opens with the password they forgot, they \
         cannot reach it, and who has got into it gets the account: sspr tenant set --mail-domains"
    );
    if alone > 0 { vec![mailbox] } else { Vec::new() }
}

/// Whose standing changes.
#[derive(Debug)]
pub struct Change {
    pub name: String,
    pub before: Standing,
    pub after: Standing,
}

#[derive(Debug)]
pub struct Impact {
    pub gains: Vec<Change>,
    pub loses: Vec<Change>,
    /// How many can and could, or cannot and could not.
    pub same: usize,
    pub warnings: Vec<String>,
}

/// What lies between two looks.
pub fn compare(before: &BTreeMap<Uuid, Person>, after: &BTreeMap<Uuid, Person>) -> Impact {
    let mut impact = Impact { gains: Vec::new(), loses: Vec::new(), same: 0, warnings: warnings(after) };
    for (user, person) in after {
        let Some(old) = before.get(user) else { continue };
        let change = || Change { name: person.name.clone(), before: old.standing, after: person.standing };
        match (old.standing.is_able(), person.standing.is_able()) {
            (false, true) => impact.gains.push(change()),
            (true, false) => impact.loses.push(change()),
            _ => impact.same += 1,
        }
    }
    impact
}
