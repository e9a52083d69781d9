//! Reading Active Directory's attributes, whatever form the library gave them.

use ldap3::{ResultEntry, SearchEntry};
use uuid::Uuid;

use super::{Account, Server};

/// userAccountControl (MS-ADTS 2.2.16): ACCOUNTDISABLE, LOCKOUT (in the computed one).
const DISABLED: u32 = 0x0002;
const LOCKOUT: u32 = 0x0010;
/// Interdomain, workstation and server trust accounts.
const TRUSTS: u32 = 0x0800 | 0x1000 | 0x2000;
/// DONT_EXPIRE_PASSWD and SMARTCARD_REQUIRED: nobody is asked to change such a password, whatever pwdLastSet says.
pub(super) const NEVER_CHANGED: u32 = 0x0001_0000 | 0x0004_0000;
/// sAMAccountType of an ordinary user (MS-SAMR 2.2.1.9).
const NORMAL_USER: u32 = 0x3000_0000;

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

    /// Every value.
    pub(super) fn all_bytes(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let binary = self.0.bin_attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let texts = self.texts(name).iter().map(String::as_bytes);
        texts.chain(binary.into_iter().flat_map(|(_, values)| values.iter().map(Vec::as_slice)))
    }

    /// objectGUID: 16 bytes, the first three groups little-endian.
    pub(super) fn guid(&self) -> Option<Uuid> {
        self.bytes("objectGUID").and_then(|bytes| Some(Uuid::from_bytes_le(bytes.try_into().ok()?)))
    }

    /// `now`: FILETIME.
    pub(super) fn account(&self, now: i64) -> Option<Account> {
        let (control, pwd_last_set) = (self.bits("userAccountControl"), self.number("pwdLastSet"));
        let expires = self.number("accountExpires");
        Some(Account {
            server: Server::default(),
            guid: self.guid()?,
            dn: self.dn().to_owned(),
            sam: self.text("sAMAccountName").unwrap_or_default().to_owned(),
            principal: self.text("userPrincipalName").unwrap_or_default().to_owned(),
            display_name: self.text("displayName").unwrap_or_default().to_owned(),
            pwd_last_set,
            must_change: pwd_last_set == 0 && control & NEVER_CHANGED == 0,
            locked: self.bits("msDS-User-Account-Control-Computed") & LOCKOUT != 0,
            locked_for_good: false,
            disabled: control & DISABLED != 0,
            // 0 and the largest number both mean "never" (MS-ADA1 2.2).
            expired: expires > 0 && expires < i64::MAX && expires <= now,
            protected: self.is_protected(),
            own_policy: self.text("msDS-ResultantPSO").map(str::to_owned),
            primary_group: self.bits("primaryGroupID"),
        })
    }

    fn is_protected(&self) -> bool {
        const NOT_PEOPLE: [&str; 4] = ["computer", "msds-managedserviceaccount", "msds-groupmanagedserviceaccount", "trusteddomain"];
        let sam = self.text("sAMAccountName").unwrap_or_default().to_ascii_lowercase();
        let classes: Vec<String> = self.texts("objectClass").iter().map(|class| class.to_ascii_lowercase()).collect();
        let kind = self.bits("sAMAccountType");
        self.bits("adminCount") != 0
            || self.flag("isCriticalSystemObject")
            || self.bits("userAccountControl") & TRUSTS != 0
            || (kind != 0 && kind != NORMAL_USER)
            || sam == "krbtgt"
            || sam.starts_with("krbtgt_")
            || !classes.iter().any(|class| class == "user")
            || classes.iter().any(|class| NOT_PEOPLE.contains(&class.as_str()))
    }
}

/// 100 ns since 1601 of a time in seconds since 1970.
pub(super) fn filetime(seconds: i64) -> i64 {
    seconds.saturating_add(super::super::policy::FROM_1601).saturating_mul(10_000_000)
}

/// The inverse of [`filetime`], in whole seconds.
pub(super) fn seconds(filetime: i64) -> i64 {
    filetime / 10_000_000 - super::super::policy::FROM_1601
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

    fn entry(attrs: &[(&str, &str)]) -> Entry {
        let attrs = attrs.iter().map(|(name, value)| ((*name).to_owned(), value.split('|').map(str::to_owned).collect())).collect();
        Entry(SearchEntry { dn: "CN=Ann,DC=x".into(), attrs, bin_attrs: [("objectGUID".to_owned(), vec![vec![7; 16]])].into() })
    }

    #[test]
    fn only_plain_people_are_served() {
        let person = [
            ("sAMAccountName", "alice"),
            ("objectClass", "top|person|organizationalPerson|user"),
            ("userAccountControl", "512"),
            ("sAMAccountType", "805306368"),
        ];
        assert!(!entry(&person).account(1).unwrap().protected);
        let changes = [
            ("adminCount", "1"),
            ("isCriticalSystemObject", "TRUE"),
            ("sAMAccountName", "KRBTGT"),
            ("sAMAccountName", "krbtgt_4711"),
            ("objectClass", "top|person|organizationalPerson|user|computer"),
            ("objectClass", "top|person"),
            ("userAccountControl", "4096"),
            ("sAMAccountType", "805306369"),
        ];
        for change in changes {
            let attrs: Vec<_> = person.into_iter().filter(|(name, _)| *name != change.0).chain([change]).collect();
            assert!(entry(&attrs).account(1).unwrap().protected, "{change:?}");
        }
    }

    #[test]
    fn an_accounts_state_is_read_as_the_directory_means_it() {
        let of = |attrs: &[(&str, &str)]| entry(attrs).account(1000).unwrap();
        assert!(of(&[("pwdLastSet", "0"), ("userAccountControl", "512")]).must_change);
        // As the directory does: these are asked for nothing.
        assert!(!of(&[("pwdLastSet", "0"), ("userAccountControl", "66048")]).must_change);
        assert!(!of(&[("pwdLastSet", "5"), ("userAccountControl", "512")]).must_change);
        assert!(of(&[("userAccountControl", "514")]).disabled);
        for (expires, expired) in [("0", false), ("9223372036854775807", false), ("1001", false), ("1000", true)] {
            assert_eq!(of(&[("accountExpires", expires)]).expired, expired, "{expires}");
        }
        assert!(of(&[("msDS-User-Account-Control-Computed", "16")]).locked);
    }

    #[test]
    fn times_are_read_as_directories_write_them() {
        assert_eq!(generalized("20261122213456.0Z"), Some(1_795_383_296));
        assert_eq!(generalized("19700101000000Z"), Some(0));
        for bad in ["", "2026", "20261322213456.0Z", "20261122213456.0+0100", "2026112221345\u{fc}.0Z", "20261122246060.0Z"] {
            assert_eq!(generalized(bad), None, "{bad}");
        }
    }
}
