//! How a job can end, as the agent tells it. Codes are stable; `docs/error-codes.md` says what each reader is told.

use serde::{Deserialize, Serialize};

/// The agent's verdict. `Applied`: done as asked, whatever the kind of job. `Refused` is final by somebody's rule, `Failed` by circumstance; in both nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Applied,
    Refused,
    Failed,
    /// The change may or may not have happened; a later result may reconcile it.
    Unknown,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// Why. Serialised as the snake-case text that [`Code::as_str`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The new password is set and was read back.
    Applied,
    /// The directory said yes, and could not be asked what came of it.
    NotReadBack,
    /// The password is set, but not that it must be changed at the next sign-in.
    MustChangeNotSet,
    /// It was done, and the account is locked again: something keeps trying an old password.
    LockedAgain,
    Unlocked,
    /// There was nothing to unlock.
    NotLocked,
    ChangeRequired,
    ChangeWaived,
    /// It is the current password.
    Verified,
    /// It is the current password, and must be changed.
    MustChange,
    /// It is the current password, and has run out.
    PasswordExpired,
    /// See [`super::message::AccountState`].
    Inspected,
    PolicyLength,
    PolicyComplexity,
    /// It contains the account's name or a part of the person's.
    PolicyNames,
    PolicyHistory,
    PolicyAge,
    /// The directory refused by a rule it does not name (password filter, fine-grained policy that the agent cannot read).
    PolicyOther,
    /// More than 256 UTF-16 units, empty, or with characters no directory takes.
    PasswordUnusable,
    /// Not the current password, or no such account: directories do not tell them apart.
    WrongPassword,
    /// The account's owner may not change the password.
    ChangeNotAllowed,
    AccountLocked,
    /// By an administrator, for ever; never unlocked from here.
    LockedForGood,
    AccountDisabled,
    AccountExpired,
    AccountProtected,
    OutOfScope,
    Gone,
    NoRight,
    /// The agent's account may not write what unlocks.
    NoUnlockRight,
    /// The agent's account may not write what makes a password be changed.
    NoFlagRight,
    /// The connector is told to insist on history and minimum age, and the directory has no control for it.
    ControlMissing,
    /// This directory has no such thing.
    NotSupported,
    /// The envelope does not open for this ticket: changed on the way, or sealed to another key.
    CannotOpen,
    UnknownKind,
    Expired,
    /// A newer job of this user was already seen.
    Stale,
    /// Somebody else changed the password after the ticket was issued; it stays.
    ChangedMeanwhile,
    /// The same job was already tried and its end is not known.
    Interrupted,
    LimitReached,
    SwitchedOff,
    DirectoryUnreachable,
    /// The directory answered something that is not in the table; the agent's log has it.
    DirectoryError,
    /// The agent cannot write its audit file, and does nothing that is not in it.
    AuditUnwritable,
    /// The agent met a fault of its own; its log has it.
    AgentFault,
}

impl Code {
    pub const ALL: [Self; 45] = [
        Self::Applied,
        Self::NotReadBack,
        Self::MustChangeNotSet,
        Self::LockedAgain,
        Self::Unlocked,
        Self::NotLocked,
        Self::ChangeRequired,
        Self::ChangeWaived,
        Self::Verified,
        Self::MustChange,
        Self::PasswordExpired,
        Self::Inspected,
        Self::PolicyLength,
        Self::PolicyComplexity,
        Self::PolicyNames,
        Self::PolicyHistory,
        Self::PolicyAge,
        Self::PolicyOther,
        Self::PasswordUnusable,
        Self::WrongPassword,
        Self::ChangeNotAllowed,
        Self::AccountLocked,
        Self::LockedForGood,
        Self::AccountDisabled,
        Self::AccountExpired,
        Self::AccountProtected,
        Self::OutOfScope,
        Self::Gone,
        Self::NoRight,
        Self::NoUnlockRight,
        Self::NoFlagRight,
        Self::ControlMissing,
        Self::NotSupported,
        Self::CannotOpen,
        Self::UnknownKind,
        Self::Expired,
        Self::Stale,
        Self::ChangedMeanwhile,
        Self::Interrupted,
        Self::LimitReached,
        Self::SwitchedOff,
        Self::DirectoryUnreachable,
        Self::DirectoryError,
        Self::AuditUnwritable,
        Self::AgentFault,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotReadBack => "not_read_back",
            Self::MustChangeNotSet => "must_change_not_set",
            Self::LockedAgain => "locked_again",
            Self::Unlocked => "unlocked",
            Self::NotLocked => "not_locked",
            Self::ChangeRequired => "change_required",
            Self::ChangeWaived => "change_waived",
            Self::Verified => "verified",
            Self::MustChange => "must_change",
            Self::PasswordExpired => "password_expired",
            Self::Inspected => "inspected",
            Self::PolicyLength => "policy_length",
            Self::PolicyComplexity => "policy_complexity",
            Self::PolicyNames => "policy_names",
            Self::PolicyHistory => "policy_history",
            Self::PolicyAge => "policy_age",
            Self::PolicyOther => "policy_other",
            Self::PasswordUnusable => "password_unusable",
            Self::WrongPassword => "wrong_password",
            Self::ChangeNotAllowed => "change_not_allowed",
            Self::AccountLocked => "account_locked",
            Self::LockedForGood => "locked_for_good",
            Self::AccountDisabled => "account_disabled",
            Self::AccountExpired => "account_expired",
            Self::AccountProtected => "account_protected",
            Self::OutOfScope => "out_of_scope",
            Self::Gone => "gone",
            Self::NoRight => "no_right",
            Self::NoUnlockRight => "no_unlock_right",
            Self::NoFlagRight => "no_flag_right",
            Self::ControlMissing => "control_missing",
            Self::NotSupported => "not_supported",
            Self::CannotOpen => "cannot_open",
            Self::UnknownKind => "unknown_kind",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::Interrupted => "interrupted",
            Self::LimitReached => "limit_reached",
            Self::SwitchedOff => "switched_off",
            Self::DirectoryUnreachable => "directory_unreachable",
            Self::DirectoryError => "directory_error",
            Self::AuditUnwritable => "audit_unwritable",
            Self::AgentFault => "agent_fault",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// Which verdict the code belongs to.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Applied
            | Self::NotReadBack
            | Self::MustChangeNotSet
            | Self::LockedAgain
            | Self::Unlocked
            | Self::NotLocked
            | Self::ChangeRequired
            | Self::ChangeWaived
            | Self::Verified
            | Self::MustChange
            | Self::PasswordExpired
            | Self::Inspected => Outcome::Applied,
            Self::DirectoryUnreachable
            | Self::DirectoryError
            | Self::AuditUnwritable
            | Self::AgentFault
            | Self::Expired
            | Self::CannotOpen => Outcome::Failed,
            Self::Interrupted => Outcome::Unknown,
            _ => Outcome::Refused,
        }
    }

    /// Whether another password may succeed: the user goes back to the password page without proving again.
    pub const fn is_about_the_password(self) -> bool {
        matches!(
            self,
            Self::PolicyLength
                | Self::PolicyComplexity
                | Self::PolicyNames
                | Self::PolicyHistory
                | Self::PolicyOther
                | Self::PasswordUnusable
        )
    }
}
