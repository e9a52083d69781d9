//! Refusals name the rule, and what wrong passwords do. Every operation in every condition is in `outcome_matrix`.

use sspr::{
    lab::slapd::SlapdOptions,
    wire::{outcome::Code, ticket::Kind},
};

use super::{Desk, slapd, uuid_of};

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
