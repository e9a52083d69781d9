//! What of the limits a policy says: how often an account may try before it waits.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::Limit;

/// How often, for one account, over all its flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowance {
    /// Tries at a code in ten minutes, of each class of proof.
    pub tries: i32,
    /// Codes that are sent in a quarter of an hour.
    pub sends: i32,
    /// Tries at the current password in half an hour: fewer than the directory's own lock takes, which must not be reached through us.
    pub passwords: i32,
}

impl Allowance {
    /// Where no policy says otherwise.
    pub const USUAL: Self = Self { tries: 5, sends: 5, passwords: 3 };
    /// Fewer would stop whoever mistypes; of a million codes ten are as good as none (NIST SP 800-63B-4 §3.2.2 allows a hundred in a row).
    pub const TRIES: RangeInclusive<i32> = 3..=10;
    /// The second one is for whoever lost the first.
    pub const SENDS: RangeInclusive<i32> = 2..=10;
    pub const PASSWORDS: RangeInclusive<i32> = 1..=10;

    /// What it says of this; `None`: nothing.
    pub(super) const fn of(&self, limit: Limit) -> Option<i32> {
        match limit {
            Limit::CodeTry | Limit::AppTry | Limit::HelpDeskTry => Some(self.tries),
            Limit::CodeSend => Some(self.sends),
            Limit::PasswordTry => Some(self.passwords),
            _ => None,
        }
    }

    /// Whether each is within its bounds.
    pub fn fits(&self) -> bool {
        Self::TRIES.contains(&self.tries) && Self::SENDS.contains(&self.sends) && Self::PASSWORDS.contains(&self.passwords)
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self::USUAL
    }
}
