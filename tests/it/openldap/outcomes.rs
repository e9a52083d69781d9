//! Every operation in every condition, as one table; it is printed as it comes out.

use sspr::{
    lab::slapd::{Slapd, SlapdOptions},
    wire::{outcome::Code, ticket::Kind},
};

use super::{Desk, attribute, slapd, uuid_of};

const KINDS: [Kind; 8] = Kind::ALL;

/// How somebody is before the operation.
#[derive(Debug, Clone, Copy)]
enum Condition {
    Plain,
    Locked,
    LockedForGood,
    MustChange,
    Expired,
    Over,
    /// The password was set a moment ago, and the policy has a minimum age.
    Young,
    OwnPolicy,
}

use Condition::{Expired, Locked, LockedForGood, MustChange, Over, OwnPolicy, Plain, Young};

const CONDITIONS: [Condition; 8] = [Plain, Locked, LockedForGood, MustChange, Expired, Over, Young, OwnPolicy];

/// In the order of `Kind::ALL`: reset, temporary, change, unlock, `require_change`, `waive_change`, verify, inspect.
fn expected(condition: Condition) -> [Code; 8] {
    use Code::{
        AccountExpired, AccountLocked, Applied, ChangeRequired, ChangeWaived, Inspected, LockedForGood as ForGood, NotLocked,
        PasswordExpired, PolicyAge, Unlocked, Verified,
    };
    let plain = [Applied, Applied, Applied, NotLocked, ChangeRequired, ChangeWaived, Verified, Inspected];
    let with = |changes: &[(usize, Code)]| {
        let mut row = plain;
        for (at, code) in changes {
            row[*at] = *code;
        }
        row
    };
    match condition {
        Plain | OwnPolicy => plain,
        Locked => with(&[(2, AccountLocked), (3, Unlocked), (6, AccountLocked)]),
        LockedForGood => [ForGood, ForGood, ForGood, ForGood, ForGood, ForGood, AccountLocked, Inspected],
        MustChange => with(&[(6, Code::MustChange)]),
        Expired => with(&[(6, PasswordExpired)]),
        Over => [AccountExpired, AccountExpired, AccountExpired, AccountExpired, AccountExpired, AccountExpired, AccountExpired, Inspected],
        Young => with(&[(0, PolicyAge), (1, PolicyAge), (2, PolicyAge)]),
    }
}

/// What `condition` needs; from the seeded state.
async fn arrange(slapd: &Slapd, dn: &str, condition: Condition) {
    let policy = slapd.policy_dn.as_str();
    match condition {
        Plain => {}
        Locked => slapd.lock(dn).await.unwrap(),
        LockedForGood => slapd.set(dn, "pwdAccountLockedTime", Some("000001010000Z")).await.unwrap(),
        MustChange => slapd.set(dn, "pwdReset", Some("TRUE")).await.unwrap(),
        Expired => {
            slapd.set(policy, "pwdMaxAge", Some("3600")).await.unwrap();
            slapd.forge(dn, "pwdChangedTime", "20250101000000Z").await.unwrap();
        }
        Over => slapd.set(dn, "pwdEndTime", Some("20250101000000Z")).await.unwrap(),
        Young => slapd.set(policy, "pwdMinAge", Some("3600")).await.unwrap(),
        OwnPolicy => {
            slapd.copy(policy, &own(slapd)).await.unwrap();
            slapd.set(dn, "pwdPolicySubentry", Some(&own(slapd))).await.unwrap();
            // Only the own one counts.
            slapd.set(policy, "pwdMinAge", Some("3600")).await.unwrap();
        }
    }
}

fn own(slapd: &Slapd) -> String {
    slapd.policy_dn.replace("cn=default", "cn=own")
}

#[tokio::test(flavor = "multi_thread")]
async fn outcome_matrix_of_openldap() {
    for hashes_modified in [false, true] {
        let slapd = slapd(SlapdOptions { history: 3, ..SlapdOptions::default() }).await;
        let heading = KINDS.map(|kind| format!("{:17}", kind.as_str())).concat();
        println!("\nOpenLDAP{:8}{heading}", if hashes_modified { ", modify" } else { "" });
        for condition in CONDITIONS {
            tokio::task::block_in_place(|| slapd.reset().unwrap());
            let desk = Desk::with(&slapd, |settings| settings.directory.openldap.hashes_modified = hashes_modified);
            for at in 0..KINDS.len() {
                // Somebody else each time; what is forged is of long ago.
                let dn = slapd.dn(&format!("user{:02}", at + 1));
                if !matches!(condition, Young | OwnPolicy) {
                    slapd.forge(&dn, "pwdChangedTime", "20260101000000Z").await.unwrap();
                }
                if at == 0 || !matches!(condition, OwnPolicy) {
                    arrange(&slapd, &dn, condition).await;
                } else {
                    slapd.set(&dn, "pwdPolicySubentry", Some(&own(&slapd))).await.unwrap();
                }
            }
            let mut row = Vec::new();
            for (at, kind) in KINDS.into_iter().enumerate() {
                let name = format!("user{:02}", at + 1);
                let (dn, password) = (slapd.dn(&name), slapd.user(&name).unwrap().password.clone());
                let user = uuid_of(&slapd, &dn).await;
                let result = desk.does(user, kind, "Brand-New-Passw0rd", &password).await;
                row.push(result.code);
                let worked = result.code == Code::Applied;
                assert_eq!(slapd.accepts(&dn, "Brand-New-Passw0rd").await.unwrap(), worked, "{condition:?} {kind}");
                assert_eq!(result.allowed_at.is_some(), result.code == Code::PolicyAge, "{condition:?} {kind}");
                let flagged = attribute(&slapd, &dn, "pwdReset").await.is_some_and(|flag| flag == "TRUE");
                let due = match kind {
                    Kind::Temporary | Kind::RequireChange => matches!(result.code, Code::Applied | Code::ChangeRequired),
                    Kind::Reset | Kind::Change | Kind::WaiveChange => false,
                    Kind::Unlock | Kind::Verify | Kind::Inspect => matches!(condition, MustChange),
                };
                assert_eq!(flagged, due, "{condition:?} {kind}");
                if matches!(condition, LockedForGood) {
                    assert_eq!(attribute(&slapd, &dn, "pwdAccountLockedTime").await.as_deref(), Some("000001010000Z"), "{kind}");
                }
            }
            println!(
                "{:17}{}",
                format!("{condition:?}"),
                row.iter().map(|code| format!("{:17}", code.as_str())).collect::<Vec<_>>().concat()
            );
            assert_eq!(row, expected(condition), "{condition:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_rule() {
    let slapd = slapd(SlapdOptions { min_length: 10, history: 3, ..SlapdOptions::default() }).await;
    let desk = Desk::at(&slapd);
    let (dn, first) = (slapd.dn("user01"), slapd.user("user01").unwrap().password.clone());
    let user = uuid_of(&slapd, &dn).await;
    for (new, code) in [
        ("Sh0rt!", Code::PolicyLength),
        ("onlylowercase", Code::PolicyComplexity),
        (first.as_str(), Code::PolicyHistory),
        ("Next-Passw0rd", Code::Applied),
        (first.as_str(), Code::PolicyHistory),
        ("Then-Passw0rd", Code::Applied),
        ("Next-Passw0rd", Code::PolicyHistory),
    ] {
        assert_eq!(desk.code(user, Kind::Reset, new, "").await, code, "{new}");
    }
    for (new, old, code) in [
        ("Other-Passw0rd", "not it", Code::WrongPassword),
        ("Sh0rt!", "Then-Passw0rd", Code::PolicyLength),
        ("Next-Passw0rd", "Then-Passw0rd", Code::PolicyHistory),
        ("Other-Passw0rd", "Then-Passw0rd", Code::Applied),
    ] {
        assert_eq!(desk.code(user, Kind::Change, new, old).await, code, "{new}");
    }
    assert!(slapd.accepts(&dn, "Other-Passw0rd").await.unwrap());
    // What a module wants that is not known to want three kinds of characters is not said to be that.
    let blunt = Desk::with(&slapd, |settings| settings.directory.openldap.three_classes = false);
    assert_eq!(blunt.code(user, Kind::Reset, "onlylowercase", "").await, Code::PolicyOther);
    // Passwords that LDAP, BER and shells are fond of.
    for new in ["  Spaces around 1  ", "Quote\"s 'n' \\back1", "Ünïcode-😀-1-漢字", "A1-()*&|=<>~,;+#", &"Long-1".repeat(40)] {
        assert_eq!(desk.code(user, Kind::Reset, new, "").await, Code::Applied, "{new}");
        assert!(slapd.accepts(&dn, new).await.unwrap(), "{new}");
    }
}

#[tokio::test]
async fn a_wrong_old_password_counts_and_a_lock_is_seen() {
    let slapd = slapd(SlapdOptions { lockout: 3, ..SlapdOptions::default() }).await;
    let desk = Desk::at(&slapd);
    let dn = slapd.dn("user01");
    let user = uuid_of(&slapd, &dn).await;
    for kind in [Kind::Verify, Kind::Change, Kind::Verify] {
        assert_eq!(desk.code(user, kind, "Brand-New-1", "not it").await, Code::WrongPassword);
    }
    let password = slapd.user("user01").unwrap().password.clone();
    assert_eq!(desk.code(user, Kind::Verify, "", &password).await, Code::AccountLocked);
    assert!(desk.state(user).await.locked);
    let result = desk.does(user, Kind::Reset, "Brand-New-1", "").await;
    assert_eq!((result.code, result.unlocked), (Code::Applied, true));
    assert!(slapd.accepts(&dn, "Brand-New-1").await.unwrap() && !desk.state(user).await.locked);
    // A lockout that ran out is none, though its time is still in the entry.
    slapd.lock(&dn).await.unwrap();
    slapd.set(&dn, "pwdAccountLockedTime", Some("20260101000000Z")).await.unwrap();
    assert!(!desk.state(user).await.locked);
    assert_eq!(desk.code(user, Kind::Verify, "", "Brand-New-1").await, Code::Verified);
}
