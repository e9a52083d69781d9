//! What a directory meant when it said "no", and for 0000052D which rule: worked out from the policy, the account and the
//! password.
//!
//! Windows gives the same code for length, complexity, history and age, and so do we read Samba. The password stays here.

use super::directory::{Account, Policy};
use crate::wire::{message::PasswordPolicy, outcome::Code};

/// Seconds from 1601 (FILETIME) to 1970.
pub const FROM_1601: i64 = 11_644_473_600;

/// By result code and Win32 code only: texts differ between servers and versions. Any policy is `PolicyOther` here.
pub fn classify(code: u32, win32: u32) -> Option<Code> {
    const PASSWORD_RESTRICTION: u32 = 0x52D;
    match (code, win32) {
        (_, PASSWORD_RESTRICTION) => Some(Code::PolicyOther),
        (50, _) | (_, 0x2098) => Some(Code::NoRight),
        (32, _) | (_, 0x2030) => Some(Code::Gone),
        (12, _) => Some(Code::ControlMissing),
        (51 | 52, _) => Some(Code::DirectoryUnreachable),
        _ => None,
    }
}

/// The broken rule, and for a minimum age when a change is allowed (seconds since 1970). Rules that may not be
/// read leave nothing certain. `policy.hints`: history and age hold for this change. `now`: seconds since 1970.
pub fn which(policy: &Policy, account: &Account, password: &str, now: i64) -> (Code, Option<i64>) {
    let Some(rules) = &policy.rules else { return (Code::PolicyOther, None) };
    if password.encode_utf16().count() < rules.min_length as usize {
        return (Code::PolicyLength, None);
    }
    if rules.complexity && !has_three_classes(password) {
        return (Code::PolicyComplexity, None);
    }
    if let Some(allowed) = allowed_at(rules, account, now).filter(|_| policy.hints) {
        return (Code::PolicyAge, Some(allowed));
    }
    if rules.complexity && policy.names && contains_name(password, account) {
        return (Code::PolicyNames, None);
    }
    if policy.hints && rules.history > 0 {
        return (Code::PolicyHistory, None);
    }
    (Code::PolicyOther, None)
}

/// From when the minimum age allows a change, if it does not now. Times are seconds since 1970.
pub fn allowed_at(rules: &PasswordPolicy, account: &Account, now: i64) -> Option<i64> {
    let min_age = i64::try_from(rules.min_age).unwrap_or(i64::MAX);
    let allowed = (account.pwd_last_set / 10_000_000 - FROM_1601).saturating_add(min_age);
    (account.pwd_last_set > 0 && now < allowed).then_some(allowed)
}

/// Three of five: upper case, lower case, digits 0-9, symbols, other letters (as of scripts without case).
/// "Password must meet complexity requirements", Microsoft's security policy reference.
fn has_three_classes(password: &str) -> bool {
    let class = |test: fn(char) -> bool| usize::from(password.chars().any(test));
    let found = class(char::is_uppercase)
        + class(char::is_lowercase)
        + class(|c| c.is_ascii_digit())
        + class(|c| c.is_ascii_punctuation() || c == ' ')
        + class(|c| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase());
    found >= 3
}

/// The account name as a whole, or a part of the display name; both only from three characters on, without regard to case.
fn contains_name(password: &str, account: &Account) -> bool {
    const DELIMITERS: [char; 7] = [',', '.', '-', '_', ' ', '#', '\t'];
    let password = password.to_lowercase();
    let holds = |part: &str| part.chars().count() >= 3 && password.contains(&part.to_lowercase());
    holds(&account.sam) || account.display_name.split(DELIMITERS).any(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn policy() -> Policy {
        Policy {
            rules: Some(PasswordPolicy { min_length: 8, complexity: true, history: 5, min_age: 86_400, max_age: 0 }),
            from: None,
            hints: true,
            names: true,
        }
    }

    /// Set `ago` seconds before [`NOW`].
    fn ann(ago: i64) -> Account {
        Account {
            sam: "annd".into(),
            display_name: "Ann Doe-Ray".into(),
            pwd_last_set: (NOW - ago + FROM_1601) * 10_000_000,
            ..Account::default()
        }
    }

    #[test]
    fn the_first_rule_that_certainly_broke_is_named() {
        let told = |policy: &Policy, account: &Account, password| which(policy, account, password, NOW);
        let old = ann(100_000);
        assert_eq!(told(&policy(), &old, "Sh0rt!"), (Code::PolicyLength, None));
        assert_eq!(told(&policy(), &old, "onlylowercase1"), (Code::PolicyComplexity, None));
        assert_eq!(told(&policy(), &ann(100), "Fine-Enough-1"), (Code::PolicyAge, Some(NOW - 100 + 86_400)));
        assert_eq!(told(&policy(), &Account { pwd_last_set: 0, ..old.clone() }, "Fine-Enough-1"), (Code::PolicyHistory, None));
        assert_eq!(told(&policy(), &old, "Fine-Enough-1"), (Code::PolicyHistory, None));
        assert_eq!(told(&policy(), &old, "x-ANND-2026"), (Code::PolicyNames, None));
        assert_eq!(told(&Policy { names: false, ..policy() }, &old, "x-ANND-2026"), (Code::PolicyHistory, None));
        let blind = Policy { hints: false, ..policy() };
        assert_eq!(told(&blind, &ann(100), "Fine-Enough-1"), (Code::PolicyOther, None));
        assert_eq!(which(&Policy { rules: None, ..policy() }, &old, "x", NOW), (Code::PolicyOther, None));
    }

    #[test]
    fn three_classes_of_five() {
        for good in ["Passw0rd", "passw0rd!", "Pass word", "ÄPFELüber1", "日本語Abc", "漢字1a", "A1 "] {
            assert!(has_three_classes(good), "{good}");
        }
        for bad in ["password", "Password", "PASSWORD1", "日本語", "über!", ""] {
            assert!(!has_three_classes(bad), "{bad}");
        }
    }

    #[test]
    fn names_count_from_three_characters() {
        let account = ann(0);
        for holding in ["xAnNdx", "my-DOE-1", "a ray b", "ann1"] {
            assert!(contains_name(holding, &account), "{holding}");
        }
        assert!(!contains_name("something-else", &account));
        let short = Account { sam: "ab".into(), display_name: "A. B".into(), ..Account::default() };
        assert!(!contains_name("ab a b", &short));
    }

    #[test]
    fn answers_are_told_apart_by_code_alone() {
        let cases = [
            (53, 0x52D, Some(Code::PolicyOther)),
            (19, 0x52D, Some(Code::PolicyOther)),
            (50, 0, Some(Code::NoRight)),
            (50, 0x2098, Some(Code::NoRight)),
            (32, 0x2030, Some(Code::Gone)),
            (32, 0, Some(Code::Gone)),
            (12, 0, Some(Code::ControlMissing)),
            (51, 0, Some(Code::DirectoryUnreachable)),
            (19, 0, None),
            (53, 0x2035, None),
            (1, 0x2020, None),
        ];
        for (code, win32, expected) in cases {
            assert_eq!(classify(code, win32), expected, "{code} {win32:X}");
        }
    }
}
