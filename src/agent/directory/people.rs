//! What the mirror asks of a directory: its people, who of them is there at all, and who is in which group.
//!
//! The family only reads. What was told already, what is due and who is served by group is the mirror's to know
//! ([`super::super::mirror`]), the same for every family. All methods see only the served part (`users_dn`), and only people.

use std::future::Future;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Trouble;
use crate::wire::message::Person;

/// A place in the directory's history of changes: only meaningful at the very server (and its database) that gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub server: String,
    /// A number, or a time or sequence of fixed width: a longer text is later, and among equally long ones the greater.
    pub at: String,
}

impl Mark {
    /// Whether what happened since `earlier` can be asked for: the same history, and no earlier place in it.
    pub fn follows(&self, earlier: &Self) -> bool {
        self.server == earlier.server && (self.at.len(), &self.at) >= (earlier.at.len(), &earlier.at)
    }
}

/// Some of the people, and how to ask for the next ones.
#[derive(Debug, Default)]
pub struct Page {
    /// Without their groups: the mirror adds those.
    pub people: Vec<Person>,
    /// With `since`: who changed and is not in the served part, as far as it can be seen (moved, deleted). May name others, too.
    pub gone: Vec<Uuid>,
    /// With `since`: something else changed by which people may have come, gone, or be in other groups, without a change of their
    /// own: a group, or a part of the tree. If that cannot be seen, whenever something changed.
    pub shifted: bool,
    /// Empty: there are no more.
    pub cookie: Vec<u8>,
}

/// Some object ids, and how to ask for the next ones (empty: there are no more).
#[derive(Debug, Default)]
pub struct Guids {
    pub guids: Vec<Uuid>,
    pub cookie: Vec<u8>,
}

/// A cookie with the server that gave it, which alone knows what it means. Empty, when there are no more.
pub(super) fn bound(server: &str, cookie: &[u8]) -> Vec<u8> {
    if cookie.is_empty() { Vec::new() } else { [server.as_bytes(), b"\0", cookie].concat() }
}

/// The server to go on at, if any, and its cookie.
pub(super) fn unbound(cookie: Vec<u8>) -> (Option<String>, Vec<u8>) {
    match cookie.iter().position(|byte| *byte == 0) {
        Some(end) => (Some(String::from_utf8_lossy(&cookie[..end]).into_owned()), cookie[end + 1..].to_vec()),
        None => (None, cookie),
    }
}

/// A group as the directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub guid: Uuid,
    /// As people know it.
    pub name: String,
    pub dn: String,
}

/// At most so many people may be asked for by their ids at once.
pub const ASKED: usize = 100;

/// Every method is a round trip or a few and has a time limit. Pages have at most [`crate::wire::message::MIRROR_BATCH`] people.
pub trait People: Send + Sync + 'static {
    /// Where the history stands. Read *before* the pass it is meant for: what changes meanwhile is then seen twice, never missed.
    fn mark(&self) -> impl Future<Output = Result<Mark, Trouble>> + Send;

    /// One page of everybody; with `since`, of what changed after that mark.
    fn page(&self, since: Option<&Mark>, cookie: Vec<u8>) -> impl Future<Output = Result<Page, Trouble>> + Send;

    /// These people, at most [`ASKED`]; who is not there, or not in the served part, is left out.
    fn people(&self, guids: &[Uuid]) -> impl Future<Output = Result<Vec<Person>, Trouble>> + Send;

    /// Who is there, and no more than that: as cheap as can be.
    fn census(&self, cookie: Vec<u8>) -> impl Future<Output = Result<Guids, Trouble>> + Send;

    /// The group of that name, or all groups below it; empty when there is none.
    fn groups(&self, dn: &str) -> impl Future<Output = Result<Vec<Group>, Trouble>> + Send;

    /// Who is never served because of a group, however nested: it administers the directory, or the settings say so. Others than people may be
    /// among them.
    fn powerful(&self) -> impl Future<Output = Result<Vec<Uuid>, Trouble>> + Send;

    /// The people in the group, directly or through other groups.
    fn members(&self, group: &Group, cookie: Vec<u8>) -> impl Future<Output = Result<Guids, Trouble>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_its_server() {
        assert_eq!(unbound(bound("dc1", b"\0x\0")), (Some("dc1".to_owned()), b"\0x\0".to_vec()));
        assert_eq!((unbound(bound("dc1", b"")), unbound(Vec::new())), ((None, Vec::new()), (None, Vec::new())));
    }

    #[test]
    fn a_mark_follows_only_an_earlier_one_of_its_own_history() {
        let mark = |server: &str, at: &str| Mark { server: server.into(), at: at.into() };
        for (later, earlier) in
            [("7", "7"), ("10", "9"), ("20261126075427.000002Z#000000#000#000000", "20261126075427.000001Z#000000#000#000000")]
        {
            assert!(mark("a", later).follows(&mark("a", earlier)) && !mark("b", later).follows(&mark("a", earlier)), "{later}");
        }
        assert!(!mark("a", "9").follows(&mark("a", "10")), "a server that was put back");
    }
}
