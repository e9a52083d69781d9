//! Where a person can be reached: parsed, masked for the screen, encrypted for the database.

use anyhow::Result;

use crate::domain::tenants::Scope;

/// Places, for the encryption's associated data.
pub(super) const MAIL: &[u8] = b"users.mail";
pub(super) const PRIVATE_MAIL: &[u8] = b"users.private_mail";
pub(super) const MOBILE: &[u8] = b"users.mobile";

/// A mail address as SMTP takes it. Deliberately narrow: ASCII, one `@`, no quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// `None` for what a mail server would not take, or we would not hand it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let fits = text.len() <= 254
            && (1..=64).contains(&local.len())
            && local.chars().all(atom)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && domain.chars().all(host)
            && domain.split('.').all(|label| !label.is_empty())
            && domain.contains('.');
        // Case says nothing in a domain; before the @ it is its server's to say.
        fits.then(|| Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether it is an address of this domain, given in lower case.
    pub fn is_at(&self, domain: &str) -> bool {
        self.domain().eq_ignore_ascii_case(domain)
    }

    /// `a•••@e•••.org`: enough to know one's own, too little to learn another's.
    pub fn masked(&self) -> String {
        self.masked_as(self.0.chars().next().unwrap_or('•'))
    }

    /// The same with another first letter: a decoy's.
    pub fn masked_as(&self, first: char) -> String {
        let domain = self.0.split_once('@').map_or("", |(_, domain)| domain);
        let (name, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
        format!("{first}•••@{}•••.{top}", name.chars().next().unwrap_or('•'))
    }
}

/// A phone number in E.164 form: `+` and 7 to 15 digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Spaces, dashes, dots, slashes and brackets don't matter; a number without country code is no use. A zero that is dialled only within
    /// the country, as in +49 (0)170 …, is no part of it.
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.replace("(0)", "").chars().filter(|c| !" -./()\u{a0}".contains(*c)).collect();
        let digits = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"))?;
        let fits = (7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) && !digits.starts_with('0');
        fits.then(|| Self(format!("+{digits}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of the country or region (ITU-T E.164): `49` of +49 170…
    pub fn calling_code(&self) -> &str {
        let digits = &self.0[1..];
        let two = ["20", "27", "36", "39", "81", "82", "84", "86", "98"].contains(&&digits[..2])
            || ["30", "31", "32", "33", "34", "40", "41", "43", "44", "45", "46", "47", "48", "49"].contains(&&digits[..2])
            || ["51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66"].contains(&&digits[..2])
            || ["90", "91", "92", "93", "94", "95"].contains(&&digits[..2]);
        match digits.as_bytes()[0] {
            b'1' | b'7' => &digits[..1],
            _ if two => &digits[..2],
            _ => &digits[..3],
        }
    }

    /// As it is kept.
    pub(super) fn open(scope: &Scope, sealed: &[u8]) -> Result<Option<Self>> {
        Ok(Self::parse(&scope.key().decrypt_text(MOBILE, sealed)?))
    }

    /// `+•••••••42`
    pub fn masked(&self) -> String {
        self.masked_as(&self.0[self.0.len() - 2..])
    }

    /// The same with other last digits: a decoy's.
    pub fn masked_as(&self, last: &str) -> String {
        format!("+•••••••{last}")
    }
}

/// The keyed hash by which a person is found by address.
pub(super) fn mail_index(scope: &Scope, address: &str) -> Vec<u8> {
    scope.key().hash(b"users.mail_index", address.to_lowercase().as_bytes())
}

/// So many of its last digits a number is found by: as much as one reads out, and too little to be one.
pub(super) const ENDING: usize = 4;

/// The keyed hash of a number's last digits, or of these.
pub(super) fn ending(scope: &Scope, digits: &str) -> Vec<u8> {
    scope.key().hash(b"users.mobile_end", &digits.as_bytes()[digits.len().saturating_sub(ENDING)..])
}

/// The keyed hash of a name's local part, whatever domain stands behind it.
pub(super) fn alias(scope: &Scope, name: &str) -> Vec<u8> {
    let local = name.split('@').next().unwrap_or_default();
    scope.key().hash(b"users.aliases", local.to_lowercase().as_bytes())
}

/// Characters that change the direction of what follows or cannot be seen: a name of them could rewrite a page or a mail.
pub const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_narrow_and_masked() {
        assert_eq!(EmailAddress::parse("alice.b@mail.example.org").unwrap().masked(), "a•••@m•••.org");
        for bad in ["", "alice", "a@b", "a@b@c.d", "a b@c.de", "a\r\n@c.de", "<a@c.de>", "a@c..de", "a@.de", "mıke@example.org", ".a@b.de"]
        {
            assert_eq!(EmailAddress::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_number_tells_its_country() {
        for (text, code) in [
            ("+49 170 1234567", "49"),
            ("+1 242 5550100", "1"),
            ("+7 901 1234567", "7"),
            ("+423 6601234", "423"),
            ("+351 912345678", "351"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().calling_code(), code);
        }
    }

    #[test]
    fn numbers_have_one_form() {
        for text in ["+49 (170) 123-45.67", "0049 170 1234567"] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!((phone.as_str(), phone.masked().as_str()), ("+491701234567", "+•••••••67"));
        }
        for bad in ["", "0170 1234567", "+0170123456", "+49", "+4917012345678901", "+49170abc4567", "+４９１７０１２３４"] {
            assert_eq!(Phone::parse(bad), None, "{bad:?}");
        }
    }
}
