//! What an agent's own checks of its directory found, told by heartbeats. Codes and numbers only: names of accounts, units and
//! servers stay on-premises, where `sspr agent doctor` tells them.

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

impl Checkup {
    pub fn has(&self, code: &str) -> bool {
        self.findings.iter().any(|found| found.code == code)
    }

    pub fn worst(&self) -> Severity {
        self.findings.iter().map(|found| found.severity).max().unwrap_or(Severity::Ok)
    }
}
