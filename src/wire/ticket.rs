//! The ticket: one permission for one job, issued by the cloud to a verified flow, and the bytes that bind a sealed password to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PROTOCOL;

/// What a job does to its user. An agent refuses a kind it does not know.
///
/// *Effects* change the directory: one at a time and in order ([`Ticket::seq`]). *Looks* ([`Self::Verify`], [`Self::Inspect`]) change
/// nothing, so they take no number and stand in nobody's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Set a new password without knowing the old one, and unlock.
    Reset,
    /// The same, and it must be changed at the next sign-in.
    Temporary,
    /// From the old password to a new one; the directory checks the old one.
    Change,
    Unlock,
    /// The password must be changed at the next sign-in; it stays as it is.
    RequireChange,
    /// It need not any more.
    WaiveChange,
    /// Is this the current password?
    Verify,
    /// The account's state and the rules that hold for its password.
    Inspect,
}

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Reset, Self::Temporary, Self::Change, Self::Unlock, Self::RequireChange, Self::WaiveChange, Self::Verify, Self::Inspect];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Temporary => "temporary",
            Self::Change => "change",
            Self::Unlock => "unlock",
            Self::RequireChange => "require_change",
            Self::WaiveChange => "waive_change",
            Self::Verify => "verify",
            Self::Inspect => "inspect",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether a secret travels with it, sealed.
    pub const fn is_sealed(self) -> bool {
        self.has_new() || self.has_old()
    }

    /// Whether the envelope holds a new password: these kinds set it.
    pub const fn has_new(self) -> bool {
        matches!(self, Self::Reset | Self::Temporary | Self::Change)
    }

    /// Whether the envelope holds the password as it is (so the person says).
    pub const fn has_old(self) -> bool {
        matches!(self, Self::Change | Self::Verify)
    }

    /// Whether it changes the directory.
    pub const fn is_effect(self) -> bool {
        !matches!(self, Self::Verify | Self::Inspect)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything a sealed password is bound to. Times are whole seconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    pub job: Uuid,
    /// Rises per user; the newest wins. 0 for looks.
    pub seq: i64,
    pub tenant: Uuid,
    pub connector: Uuid,
    /// The directory object: AD `objectGUID` or OpenLDAP `entryUUID`. Never a name: names are given anew.
    pub user: Uuid,
    pub kind: Kind,
    pub issued_at: i64,
    /// The agent, not the cloud, is the last to check it.
    pub expires_at: i64,
}

impl Ticket {
    /// HPKE `aad` for one recipient: the protocol label, then one `name=value` line per field in this fixed order, each ended
    /// by LF. Uuids are lower-case and hyphenated, numbers decimal, `key` is the recipient's key id ([`super::keys`]).
    /// No value can hold LF, so the encoding is injective.
    pub fn aad(&self, key: &str) -> Vec<u8> {
        format!(
            "{PROTOCOL} job\njob={}\nseq={}\ntenant={}\nconnector={}\nuser={}\nkind={}\nissued={}\nexpires={}\nkey={key}\n",
            self.job, self.seq, self.tenant, self.connector, self.user, self.kind, self.issued_at, self.expires_at,
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let of = |test: fn(Kind) -> bool| Kind::ALL.into_iter().filter(|kind| test(*kind)).map(Kind::as_str).collect::<Vec<_>>();
        assert_eq!(of(|kind| !kind.is_effect()), ["verify", "inspect"]);
        assert_eq!(of(Kind::is_sealed), ["reset", "temporary", "change", "verify"]);
    }

    #[test]
    fn aad_is_exactly_what_the_protocol_page_shows() {
        let id = |n: u128| Uuid::from_u128(n);
        let ticket =
            Ticket { job: id(1), seq: 7, tenant: id(2), connector: id(3), user: id(4), kind: Kind::Reset, issued_at: 100, expires_at: 220 };
        assert_eq!(
            String::from_utf8(ticket.aad("K")).unwrap(),
            "sspr/1 job\njob=00000000-0000-0000-0000-000000000001\nseq=7\ntenant=00000000-0000-0000-0000-000000000002\n\
             connector=00000000-0000-0000-0000-000000000003\nuser=00000000-0000-0000-0000-000000000004\nkind=reset\n\
             issued=100\nexpires=220\nkey=K\n"
        );
    }
}
