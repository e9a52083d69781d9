//! The event numbers that administrators of Microsoft's password writeback know (its "Troubleshoot self-service password reset
//! writeback"), for those of our log lines that say the same. Only documented numbers; what has no counterpart there has none.

use crate::wire::{
    outcome::{Code, Outcome},
    ticket::Kind,
};

pub const STARTED: u16 = 31015;
pub const STOPPED: u16 = 31016;
/// A sealing key was made and published.
pub const KEY: u16 = 31018;
/// A call to the cloud failed.
pub const CLOUD: u16 = 32001;

/// A change begins.
pub const fn begun(kind: Kind) -> Option<u16> {
    match kind {
        Kind::Reset => Some(31001),
        Kind::Change => Some(31006),
        Kind::Temporary => Some(31009),
        _ => None,
    }
}

/// It ended, well or not.
pub const fn ended(kind: Kind, code: Code) -> Option<u16> {
    let well = matches!(code.outcome(), Outcome::Applied);
    match (begun(kind), code.outcome()) {
        (None, _) => None,
        // Neither is known to be true.
        (_, Outcome::Unknown) => Some(32000),
        (Some(begun), _) => Some(if well { begun + 1 } else { begun + 2 }),
    }
}

/// Why it did not end well.
pub const fn cause(code: Code) -> Option<u16> {
    Some(match code {
        Code::PolicyLength | Code::PolicyComplexity | Code::PolicyNames | Code::PolicyHistory | Code::PolicyAge | Code::PolicyOther => {
            33008
        }
        Code::NoRight | Code::NoUnlockRight | Code::NoFlagRight | Code::AccountProtected | Code::ChangeNotAllowed => 33004,
        Code::Gone => 33002,
        Code::AccountDisabled => 33005,
        Code::AccountLocked | Code::LockedForGood => 33006,
        Code::WrongPassword => 33007,
        Code::DirectoryError => 33001,
        Code::ControlMissing => 6329,
        Code::CannotOpen => 32004,
        Code::UnknownKind | Code::PasswordUnusable => 32003,
        Code::Interrupted | Code::AgentFault => 32000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_operations_have_three_numbers_each() {
        let all = |kind| (begun(kind), ended(kind, Code::Applied), ended(kind, Code::PolicyAge));
        assert_eq!(all(Kind::Reset), (Some(31001), Some(31002), Some(31003)));
        assert_eq!(all(Kind::Change), (Some(31006), Some(31007), Some(31008)));
        assert_eq!(all(Kind::Temporary), (Some(31009), Some(31010), Some(31011)));
        assert_eq!((all(Kind::Unlock), ended(Kind::Reset, Code::Interrupted)), ((None, None, None), Some(32000)));
    }
}
