//! What messages say, as they lie in the outbox.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is said. The words are the tenant's own, or Fluent's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A code to type into the browser that began.
    Code { code: String, minutes: i64 },
    /// A code by which somebody adds the address that it goes to.
    ContactCode { code: String, minutes: i64 },
    /// Please register methods of proof.
    Register,
    /// Are your methods of proof still right?
    Reconfirm,
    /// The help desk asks somebody to set a new password themselves, and says where.
    Invitation,
    /// A password was changed. Where there are several directories, `place` is the one where it is set, and `follow` are those where it
    /// is about to be. `lately`: methods of the last days, and when they came. `again`: told a second time, a day later.
    Changed {
        #[serde(flatten)]
        happened: Happened,
        #[serde(default)]
        place: Option<String>,
        #[serde(default)]
        follow: Vec<String>,
        #[serde(default)]
        lately: Vec<(String, i64)>,
        #[serde(default)]
        again: bool,
    },
    /// An account was unlocked, and nothing else.
    Unlocked {
        #[serde(flatten)]
        happened: Happened,
    },
    /// Somebody used up the tries for a code.
    Tries {
        #[serde(flatten)]
        happened: Happened,
    },
    /// A way to prove who one is came, went, or is another one; `method` as it is written in flows.
    Method {
        #[serde(flatten)]
        happened: Happened,
        change: Change,
        method: String,
    },
    /// A recovery code was used, and so many are left: few, or none.
    CodesLow {
        #[serde(flatten)]
        happened: Happened,
        left: i64,
    },
    /// What is on file of how somebody is reached has changed, by the directory's word or (`listed`) by a list's. `changes`: methods, as they
    /// are written in flows, and what became of their addresses.
    Contact {
        #[serde(flatten)]
        happened: Happened,
        mail: bool,
        mobile: bool,
        #[serde(default)]
        changes: Vec<(String, Change)>,
        #[serde(default)]
        listed: bool,
    },
    /// An operator did something to the account.
    Operator {
        #[serde(flatten)]
        happened: Happened,
        act: Act,
    },
    /// A password runs out at `expires_at`, in seconds since 1970.
    Expires {
        #[serde(flatten)]
        happened: Happened,
        expires_at: i64,
    },
    /// For the help desk: so many people of one directory (`place`) got a first address that none of them is told.
    Untold {
        #[serde(flatten)]
        happened: Happened,
        place: String,
        people: i64,
    },
    /// For the help desk: this operator (`who`) has done so much for people within ten minutes.
    Many {
        #[serde(flatten)]
        happened: Happened,
        who: String,
        acts: i64,
    },
    /// For an operator: a colleague (`who`) wants something that takes two.
    Decision {
        #[serde(flatten)]
        happened: Happened,
        who: String,
    },
    /// For whoever watches: the figures of a week.
    Week {
        #[serde(flatten)]
        happened: Happened,
        #[serde(flatten)]
        week: Week,
    },
    /// For the help desk: somebody says that it was not them. `who` is the account's name; `about` the kind of the notice of what happened
    /// at `of`, seconds since 1970. `command`: how to look at it.
    Alert {
        #[serde(flatten)]
        happened: Happened,
        who: String,
        about: String,
        of: i64,
        command: String,
    },
    /// For an operator: what a message of this matter would be in these words, by an example of `at`.
    Sample { matter: String, subject: String, body: String, at: i64 },
}

/// What was done in seven days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    pub applied: i64,
    pub refused: i64,
    pub failed: i64,
    pub mails: i64,
    pub texts: i64,
    /// How many could reset, of how many whom a policy serves.
    pub able: Option<(i64, i64)>,
}

/// When, in seconds since 1970, and whence: the browser's address, coarse; empty if unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub at: i64,
    pub from: String,
    /// With which whoever reads it can say that it was not them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
}

/// What became of a method or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
    /// It proves nothing any more: there is a copy of it.
    Stopped,
}

/// What an operator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Also when the person's own word did it.
    Frozen,
    Lifted,
    /// The help desk took somebody for this person, and gave them a code.
    Code,
}

impl Content {
    /// `None`: nothing happened, it is only a code or a request.
    pub const fn happened(&self) -> Option<&Happened> {
        match self {
            Self::Code { .. } | Self::ContactCode { .. } | Self::Register | Self::Reconfirm | Self::Invitation | Self::Sample { .. } => {
                None
            }
            Self::Changed { happened, .. }
            | Self::Unlocked { happened }
            | Self::Tries { happened }
            | Self::Method { happened, .. }
            | Self::CodesLow { happened, .. }
            | Self::Contact { happened, .. }
            | Self::Operator { happened, .. }
            | Self::Expires { happened, .. }
            | Self::Untold { happened, .. }
            | Self::Many { happened, .. }
            | Self::Decision { happened, .. }
            | Self::Week { happened, .. }
            | Self::Alert { happened, .. } => Some(happened),
        }
    }

    pub const fn happened_mut(&mut self) -> Option<&mut Happened> {
        match self {
            Self::Code { .. } | Self::ContactCode { .. } | Self::Register | Self::Reconfirm | Self::Invitation | Self::Sample { .. } => {
                None
            }
            Self::Changed { happened, .. }
            | Self::Unlocked { happened }
            | Self::Tries { happened }
            | Self::Method { happened, .. }
            | Self::CodesLow { happened, .. }
            | Self::Contact { happened, .. }
            | Self::Operator { happened, .. }
            | Self::Expires { happened, .. }
            | Self::Untold { happened, .. }
            | Self::Many { happened, .. }
            | Self::Decision { happened, .. }
            | Self::Week { happened, .. }
            | Self::Alert { happened, .. } => Some(happened),
        }
    }
}
