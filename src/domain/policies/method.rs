//! The ways to prove who one is, and which of them are of one class.

use serde::{Deserialize, Serialize};

use crate::domain::{limits::Limit, notifications::Channel};

/// A way to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Email,
    /// The other mailbox.
    PrivateEmail,
    Sms,
    /// An authenticator app's code (RFC 6238).
    Totp,
    /// `WebAuthn`, with user verification.
    Passkey,
    /// One of ten that were printed.
    RecoveryCode,
    /// Read out by the help desk, to somebody whom it has verified by its own rules.
    HelpDesk,
}

/// What a proof rests on. Two proofs of one class fall together: whoever has the phone has its mail and its messages (NIST SP 800-63B-4
/// §4.2.2.2 asks for two recovery codes of different classes, or for one and an authenticator).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A code that was sent.
    Issued,
    App,
    Passkey,
    /// A code that was kept.
    Saved,
    HelpDesk,
}

impl Method {
    pub const ALL: [Self; 7] = [Self::PrivateEmail, Self::Email, Self::Sms, Self::Totp, Self::Passkey, Self::RecoveryCode, Self::HelpDesk];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PrivateEmail => "private_email",
            Self::Sms => "sms",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCode => "recovery_code",
            Self::HelpDesk => "help_desk",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    pub const fn class(self) -> Class {
        match self {
            Self::Email | Self::PrivateEmail | Self::Sms => Class::Issued,
            Self::Totp => Class::App,
            Self::Passkey => Class::Passkey,
            Self::RecoveryCode => Class::Saved,
            Self::HelpDesk => Class::HelpDesk,
        }
    }

    /// By which its code is sent; [`Channel::Nowhere`] where none is.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Email | Self::PrivateEmail => Channel::Email,
            Self::Sms => Channel::Sms,
            Self::Totp | Self::Passkey | Self::RecoveryCode | Self::HelpDesk => Channel::Nowhere,
        }
    }

    /// What counts the tries at it for an account, each class by itself: whoever guesses at one must not stop another. What nobody can
    /// guess (a passkey, a recovery code of 64 bits) has none, but for the client's address.
    pub const fn tries(self) -> Option<Limit> {
        match self.class() {
            Class::Issued => Some(Limit::CodeTry),
            Class::App => Some(Limit::AppTry),
            Class::HelpDesk => Some(Limit::HelpDeskTry),
            Class::Passkey | Class::Saved => None,
        }
    }

    /// What it counts as where several proofs are asked: two that count as the same are one. Mail and text message are told apart only
    /// where a policy says so.
    pub const fn counts_as(self, apart: bool) -> (Class, bool) {
        (self.class(), apart && matches!(self, Self::Sms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_are_what_is_stored() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.as_str()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert_eq!(Method::parse("Email"), None);
    }
}
