//! How a tenant's pages look, and whom its people are told to ask: its colour, its logo, the ways to its help desk, and the help desks of
//! groups. Changed under the tenant's lock, with a line in the audit for each thing that is another one now, and kept whole in the history.
//!
//! Which group's help desk is somebody's own, only they are told, once they have proven who they are, and in notices to their own addresses.
//! Before that everybody sees the tenant's, or whoever types a name would learn that there is such a person, and what they are a member of.

mod contact;
mod logo;
mod store;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

pub use contact::{Unfit as UnfitContact, parse as parse_contact};
pub use logo::{Drawn, MOST_BYTES, Unfit, draw};
pub use store::{contact_of, keep, picture, state};

use super::{
    audit::{self, Event, Source},
    history::{self, What},
    policies::Group,
    tenants::{Contact, Logo, Scope},
};
use crate::base::{clock::Clock, id};

/// Groups with a help desk of their own, at most.
pub const MOST_GROUPS: usize = 200;
/// Of the order in which they are asked.
pub const PRIORITIES: std::ops::RangeInclusive<i32> = 1..=10_000;

/// A group's help desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupContact {
    pub group: Group,
    /// 1 comes first.
    pub priority: i32,
    pub contact: Contact,
}

/// All of it, as the history keeps it. What an older entry does not know is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// `#rrggbb`, as it was chosen.
    pub accent: Option<String>,
    pub logo: Option<Logo>,
    /// Without words: those are a setting.
    pub desk: Contact,
    /// In the order in which they are asked.
    pub groups: Vec<GroupContact>,
}

impl State {
    /// By what a form tells whether somebody else has changed anything since it was shown.
    pub fn mark(&self) -> String {
        let all = serde_json::to_vec(self).expect("plain data");
        data_encoding::HEXLOWER.encode(&id::sha256(&all)[..8])
    }

    /// That group's help desk is this one from now on; the others keep theirs.
    pub fn put(&mut self, contact: GroupContact) {
        self.groups.retain(|other| !other.group.is(&contact.group));
        self.groups.push(contact);
        self.groups.sort_by_key(|one| (one.priority, one.group.object_guid, one.group.connector_id));
    }
}

/// What came of it.
pub enum Changed {
    Yes(State),
    /// It is not any more what the form was filled in for; as it is now.
    Stale(State),
}

/// `seen`: the [`State::mark`] of what it was decided upon, if that matters. A logo that is not kept any more changes nothing; more than
/// [`MOST_GROUPS`] are refused.
pub async fn change(
    conn: &mut PgConnection,
    clock: &Clock,
    source: &Source,
    scope: &Scope,
    (edit, seen): (impl FnOnce(&mut State) + Send, Option<&str>),
) -> Result<Changed> {
    sqlx::query!("select from tenants where tenant_id = $1 for no key update", scope.id()).execute(&mut *conn).await?;
    let before = state(&mut *conn, scope).await?;
    if seen.is_some_and(|seen| seen != before.mark()) {
        return Ok(Changed::Stale(before));
    }
    let mut wanted = before.clone();
    edit(&mut wanted);
    let wanted = within_reach(&mut *conn, scope, &before, wanted).await?;
    ensure!(wanted.groups.len() <= MOST_GROUPS, "at most {MOST_GROUPS} groups have a help desk of their own: remove one first");
    store::write(&mut *conn, scope, &wanted).await?;
    let after = state(&mut *conn, scope).await?;
    if before.mark() != after.mark() {
        history::record(&mut *conn, scope, clock, source, (What::Branding, &before, &after)).await?;
    }
    audit::record_all(conn, clock, lines(&before, &after).into_iter().map(|event| (scope, source, event)).collect()).await?;
    Ok(Changed::Yes(after))
}

/// With the logo that there is, where the wanted one is not kept any more.
pub async fn within_reach(conn: &mut PgConnection, scope: &Scope, now: &State, mut wanted: State) -> Result<State> {
    if wanted.logo != now.logo
        && let Some(logo) = &wanted.logo
        && picture(conn, scope, &logo.hash).await?.is_none()
    {
        wanted.logo.clone_from(&now.logo);
    }
    Ok(wanted)
}

/// Addresses and free text stay out of the audit: that they changed is in it, and for which groups.
fn lines(before: &State, after: &State) -> Vec<Event> {
    let mut lines = Vec::new();
    let mut line = |action, changed: bool, outcome, detail| {
        if changed {
            lines.push(Event { action, outcome, detail, ..Event::default() });
        }
    };
    let hash = |state: &State| state.logo.as_ref().map(|logo| logo.hash.clone());
    let told = |before: Option<String>, after: Option<String>| serde_json::json!({ "before": before, "after": after });
    line("tenant.accent", before.accent != after.accent, "changed", told(before.accent.clone(), after.accent.clone()));
    line(
        "tenant.logo",
        before.logo != after.logo,
        if after.logo.is_some() { "changed" } else { "removed" },
        told(hash(before), hash(after)),
    );
    line("tenant.help", before.desk != after.desk, "changed", serde_json::Value::Null);
    let lacks = |state: &State, one: &GroupContact| !state.groups.iter().any(|other| same(other, one));
    let mut touched: Vec<_> = after.groups.iter().filter(|one| lacks(before, one)).map(|one| one.group.object_guid).collect();
    touched.extend(before.groups.iter().filter(|one| lacks(after, one)).map(|one| one.group.object_guid));
    touched.sort_unstable();
    touched.dedup();
    line("tenant.group_help", !touched.is_empty(), "changed", serde_json::json!({ "groups": touched }));
    lines
}

/// What the directory calls the group is no part of it.
fn same(one: &GroupContact, other: &GroupContact) -> bool {
    one.group.is(&other.group) && (one.priority, &one.contact) == (other.priority, &other.contact)
}
