//! The ticket: one permission for one job, issued by the cloud to a verified flow, and the bytes that bind a sealed password to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::PROTOCOL;

/// What a job does to its user. An agent refuses a kind it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Set a new password without knowing the old one, and unlock.
    Reset,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        (text == "reset").then_some(Self::Reset)
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
    /// Rises per user; the newest wins.
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
