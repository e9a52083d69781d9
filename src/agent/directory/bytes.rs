//! Bytes on their way into a modify: wiped when dropped. The copies that the LDAP and TLS libraries make of them are beyond us.

use std::collections::HashSet;

use ldap3::Mod;
use zeroize::Zeroize;

#[derive(PartialEq, Eq, Hash)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    /// As text; empty where it is none.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes(text.as_bytes().to_vec())
}

pub(super) fn replace(attribute: &str, value: Bytes) -> Mod<Bytes> {
    Mod::Replace(bytes(attribute), HashSet::from([value]))
}
