//! The password-policy control (draft-behera-ldap-password-policy-10, section 6): it is asked for with every operation, and what it
//! answers is the reason of a refusal. Result codes alone tell little here, and texts differ between servers.

use ldap3::{LdapResult, controls::RawControl};

pub const OID: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// Why the policy refused; numbered as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    PasswordExpired,
    AccountLocked,
    ChangeAfterReset,
    PasswordModNotAllowed,
    MustSupplyOldPassword,
    InsufficientPasswordQuality,
    PasswordTooShort,
    PasswordTooYoung,
    PasswordInHistory,
}

impl Error {
    pub const ALL: [Self; 9] = [
        Self::PasswordExpired,
        Self::AccountLocked,
        Self::ChangeAfterReset,
        Self::PasswordModNotAllowed,
        Self::MustSupplyOldPassword,
        Self::InsufficientPasswordQuality,
        Self::PasswordTooShort,
        Self::PasswordTooYoung,
        Self::PasswordInHistory,
    ];
}

/// What is asked for; not critical, so that a server without the control still answers.
pub(super) fn request() -> RawControl {
    RawControl { ctype: OID.to_owned(), crit: false, val: None }
}

/// What came with an answer.
pub(super) fn of(answer: &LdapResult) -> Option<Error> {
    answer.ctrls.iter().find(|control| control.1.ctype == OID).and_then(|control| error(control.1.val.as_deref()?))
}

/// `SEQUENCE { warning [0] CHOICE { … } OPTIONAL, error [1] ENUMERATED OPTIONAL }`: the error. Anything else than exactly that, or an
/// error of a later draft, is none.
pub fn error(value: &[u8]) -> Option<Error> {
    const SEQUENCE: u8 = 0x30;
    const WARNING: u8 = 0xA0;
    const ERROR: u8 = 0x81;
    let (SEQUENCE, mut rest, []) = element(value)? else { return None };
    let mut found = None;
    for wanted in [WARNING, ERROR] {
        if rest.first() == Some(&wanted) {
            let (_, content, after) = element(rest)?;
            rest = after;
            if wanted == ERROR {
                let [number] = content else { return None };
                found = Some(*Error::ALL.get(usize::from(*number))?);
            }
        }
    }
    rest.is_empty().then_some(found?)
}

/// The first element's tag and content, and what follows it. Values of this control are tiny: a length has one byte.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk()?;
    let (content, rest) = rest.split_at_checked(usize::from(length)).filter(|_| length < 0x80)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_slapd_writes_them() {
        // As OpenLDAP 2.5 answered; with a warning before it; a warning alone; nothing.
        assert_eq!(error(&[0x30, 3, 0x81, 1, 6]), Some(Error::PasswordTooShort));
        assert_eq!(error(&[0x30, 8, 0xA0, 3, 0x81, 1, 2, 0x81, 1, 0]), Some(Error::PasswordExpired));
        assert_eq!(error(&[0x30, 5, 0xA0, 3, 0x80, 1, 9]), None);
        assert_eq!(error(&[0x30, 0]), None);
        for (number, expected) in (0..).zip(Error::ALL) {
            assert_eq!(error(&[0x30, 3, 0x81, 1, number]), Some(expected));
        }
    }

    #[test]
    fn what_is_no_such_answer_says_nothing() {
        let bad: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 3, 0x81, 1],
            &[0x30, 3, 0x81, 1, 9],
            &[0x30, 4, 0x81, 2, 0, 6],
            &[0x30, 3, 0x81, 1, 6, 0],
            &[0x30, 6, 0x81, 1, 6, 0x81, 1, 5],
            &[0x30, 0x81, 3, 0x81, 1, 6],
            &[0x31, 3, 0x81, 1, 6],
        ];
        for bytes in bad {
            assert_eq!(error(bytes), None, "{bytes:?}");
        }
    }
}
