//! What an agent's own checks of its directory found, told by heartbeats. Codes and numbers only: names of accounts, units and
//! servers stay on-premises, where `sspr agent doctor` tells them.

use std::{cmp::Reverse, collections::BTreeSet};

use serde::{Deserialize, Serialize};

/// How bad it is. The order is from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// People are served, but something is not as it should be.
    Warning,
    /// Somebody cannot be served, or the account can do far more than it should.
    Problem,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One round of checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkup {
    /// When it ended, seconds since 1970.
    pub at: i64,
    /// Each code once, the worst first. At most [`FINDINGS`].
    pub findings: Vec<Found>,
}

pub const FINDINGS: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Of docs/error-codes.md, "What setup and doctor find"; a newer agent may know more. Lower-case letters, digits and `_`.
    pub code: String,
    pub severity: Severity,
    /// Of how many servers, units or accounts.
    pub count: u32,
}

/// A code at most, in bytes.
const LONGEST: usize = 64;

impl Checkup {
    /// As the protocol has it, whatever was told: each code once and written as codes are, not too many, the worst first. A time that is
    /// no time of late is `now`.
    #[must_use]
    pub fn tidied(mut self, now: i64) -> Self {
        const LATELY: i64 = 7 * 86_400;
        const AHEAD: i64 = 300;
        let is_code = |code: &str| {
            (1..=LONGEST).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let mut seen = BTreeSet::new();
        self.findings.retain(|found| is_code(&found.code) && seen.insert(found.code.clone()));
        self.findings.sort_by_key(|found| Reverse(found.severity));
        self.findings.truncate(FINDINGS);
        if !(now - LATELY..=now + AHEAD).contains(&self.at) {
            self.at = now;
        }
        self
    }

    /// Whether that was found, and is as bad as that at least.
    pub fn has_as(&self, code: &str, severity: Severity) -> bool {
        self.findings.iter().any(|found| found.code == code && found.severity >= severity)
    }

    pub fn has(&self, code: &str) -> bool {
        self.findings.iter().any(|found| found.code == code)
    }

    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|found| found.severity).max().unwrap_or(Severity::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_against_the_rules_is_kept_by_them() {
        let found = |code: &str, severity| Found { code: code.to_owned(), severity, count: 1 };
        let long = "x".repeat(LONGEST + 1);
        let mut findings = vec![
            found("note", Severity::Note),
            found("note", Severity::Problem),
            found("<b>", Severity::Problem),
            found("", Severity::Problem),
            found(&long, Severity::Problem),
            found("bad", Severity::Problem),
        ];
        findings.extend((0..100).map(|n| found(&format!("code_{n}"), Severity::Ok)));
        let tidied = Checkup { at: i64::MAX, findings }.tidied(1_000_000);
        assert_eq!((tidied.at, tidied.findings.len(), tidied.findings[0].code.as_str()), (1_000_000, FINDINGS, "bad"));
        assert_eq!(tidied.findings.iter().filter(|found| found.code == "note").count(), 1);
        for (told, kept) in [(i64::MIN, 1_000_000), (999_000, 999_000), (1_000_301, 1_000_000), (1_000_200, 1_000_200)] {
            assert_eq!(Checkup { at: told, findings: Vec::new() }.tidied(1_000_000).at, kept);
        }
    }
}
