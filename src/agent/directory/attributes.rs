//! Reading Active Directory's attributes, whatever form the library gave them.

use ldap3::{ResultEntry, SearchEntry};
use uuid::Uuid;

use super::Account;

/// UF_LOCKOUT (MS-ADTS 2.2.16).
const LOCKOUT: u32 = 0x0010;

/// An entry; names are compared without case, and values that happen to be UTF-8 or not are found alike.
pub(super) struct Entry(SearchEntry);

impl Entry {
    /// `None` for referrals, which are not followed.
    pub(super) fn new(entry: ResultEntry) -> Option<Self> {
        (!entry.is_ref() && !entry.is_intermediate()).then(|| Self(SearchEntry::construct(entry)))
    }

    pub(super) fn dn(&self) -> &str {
        &self.0.dn
    }

    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.0.attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
    }

    /// The first value, if there is one and it is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).first().map(String::as_str).filter(|text| !text.is_empty())
    }

    /// 0 when absent or no number.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Numbers that fit 32 bits; userAccountControl and the like are written signed.
    pub(super) fn bits(&self, name: &str) -> u32 {
        u32::try_from(self.number(name) & 0xFFFF_FFFF).unwrap_or(0)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let binary = self.0.bin_attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        binary.and_then(|(_, values)| values.first()).map(Vec::as_slice).or_else(|| self.text(name).map(str::as_bytes))
    }

    /// objectGUID: 16 bytes, the first three groups little-endian.
    pub(super) fn guid(&self) -> Option<Uuid> {
        self.bytes("objectGUID").and_then(|bytes| Some(Uuid::from_bytes_le(bytes.try_into().ok()?)))
    }

    pub(super) fn account(&self) -> Option<Account> {
        Some(Account {
            guid: self.guid()?,
            dn: self.dn().to_owned(),
            sam: self.text("sAMAccountName").unwrap_or_default().to_owned(),
            principal: self.text("userPrincipalName").unwrap_or_default().to_owned(),
            display_name: self.text("displayName").unwrap_or_default().to_owned(),
            classes: self.texts("objectClass").iter().map(|class| class.to_ascii_lowercase()).collect(),
            control: self.bits("userAccountControl"),
            kind: self.bits("sAMAccountType"),
            admin_count: self.bits("adminCount"),
            critical: self.flag("isCriticalSystemObject"),
            pwd_last_set: self.number("pwdLastSet"),
            locked: self.bits("msDS-User-Account-Control-Computed") & LOCKOUT != 0,
            pso: self.text("msDS-ResultantPSO").map(str::to_owned),
            primary_group: self.bits("primaryGroupID"),
        })
    }
}

/// 100 ns since 1601 of a time in seconds since 1970.
pub(super) fn filetime(seconds: i64) -> i64 {
    seconds.saturating_add(super::super::policy::FROM_1601).saturating_mul(10_000_000)
}

/// Seconds since 1970 of a GeneralizedTime in UTC as directories write it: `20261122213456.0Z`.
pub(super) fn generalized(text: &str) -> Option<i64> {
    let digits = text.get(..14).filter(|digits| text.ends_with('Z') && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let part = |range: std::ops::Range<usize>| digits[range].parse::<u8>().ok();
    let month = time::Month::try_from(part(4..6)?).ok()?;
    let date = time::Date::from_calendar_date(digits[..4].parse().ok()?, month, part(6..8)?).ok()?;
    Some(date.with_hms(part(8..10)?, part(10..12)?, part(12..14)?).ok()?.assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_directories_write_them() {
        assert_eq!(generalized("20261122213456.0Z"), Some(1_795_383_296));
        assert_eq!(generalized("19700101000000Z"), Some(0));
        for bad in ["", "2026", "20261322213456.0Z", "20261122213456.0+0100", "2026112221345\u{fc}.0Z", "20261122246060.0Z"] {
            assert_eq!(generalized(bad), None, "{bad}");
        }
    }
}
