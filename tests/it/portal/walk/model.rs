//! What is lawful, as the manual has it and not as the code does: how much must be shown for what, and what a freeze takes away.

use std::collections::{BTreeMap, BTreeSet};

use sspr::wire::ticket::Kind;
use uuid::Uuid;

/// What a policy asks of everybody.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub gates: i16,
    /// Mail and text message count as two.
    pub apart: bool,
    /// Two of whoever has an app, a passkey or codes, which all walkers have; a passkey is as good as two.
    pub rises: bool,
}

/// One after the other.
pub const ASKED: [Asked; 4] = [
    Asked { gates: 1, apart: false, rises: false },
    Asked { gates: 2, apart: true, rises: false },
    Asked { gates: 2, apart: false, rises: false },
    Asked { gates: 1, apart: false, rises: true },
];

pub const METHODS: [&str; 6] = ["email", "sms", "totp", "passkey", "recovery_code", "help_desk"];

impl Asked {
    fn class(self, method: &'static str) -> &'static str {
        if !self.apart && method == "sms" { "email" } else { method }
    }

    /// Whether somebody who has shown these may do that. The current password is asked for besides, but for a reset.
    pub fn is_enough(self, purpose: &str, passed: &[&'static str]) -> bool {
        let classes: BTreeSet<_> = passed.iter().map(|method| self.class(method)).collect();
        let two = self.gates == 2 || (self.rises && !passed.contains(&"passkey"));
        classes.len() >= if two && purpose == "reset" { 2 } else { 1 }
    }

    /// Whether a passkey signs in by itself.
    pub const fn signs_in(self) -> bool {
        self.gates == 1
    }

    /// Whether this method may be shown beside those.
    pub fn takes(self, method: &'static str, passed: &[&'static str]) -> bool {
        passed.iter().all(|one| self.class(one) != self.class(method))
    }
}

/// What a flow has earned.
#[derive(Clone, Debug)]
pub struct Earned {
    pub purpose: &'static str,
    /// What was asked when it began.
    pub begun: Asked,
    pub passed: Vec<&'static str>,
    /// Begun in a session, whose proof it goes by.
    pub within: bool,
    /// Its account was frozen since: it is worth nothing any more.
    pub void: bool,
    /// Tickets that were given: job → kind.
    pub tickets: BTreeMap<Uuid, Kind>,
}

impl Earned {
    pub const fn new(purpose: &'static str, begun: Asked, within: bool) -> Self {
        Self { purpose, begun, passed: Vec::new(), within, void: false, tickets: BTreeMap::new() }
    }

    pub fn is_proven(&self, asked: Asked) -> bool {
        !self.void && (self.within || (asked.is_enough(self.purpose, &self.passed) && self.begun.is_enough(self.purpose, &self.passed)))
    }

    pub fn kind(&self) -> Kind {
        match self.purpose {
            "reset" => Kind::Reset,
            "change" => Kind::Change,
            _ => Kind::Verify,
        }
    }
}

/// Browsers that are signed in, by their cookies; whether by what takes methods away.
#[derive(Default)]
pub struct Sessions(pub BTreeMap<String, bool>);

impl Sessions {
    /// Whether the browser with this cookie is signed in, and by what takes methods away.
    pub fn is(&self, cookie: Option<&String>) -> Option<bool> {
        self.0.get(cookie?).copied()
    }
}
