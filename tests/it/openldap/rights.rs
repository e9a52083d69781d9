//! What the agent's account may do, and what the agent says of it.

use sspr::{
    agent::directory::Directory,
    lab::slapd::{Granted, SlapdOptions},
    wire::{outcome::Code, ticket::Kind},
};

use super::{Desk, attribute, slapd, uuid_of};

#[tokio::test]
async fn rights_are_told_without_changing_anything() {
    let slapd = slapd(SlapdOptions::default()).await;
    let dn = slapd.dn("user01");
    let user = uuid_of(&slapd, &dn).await;
    let before = attribute(&slapd, &dn, "entryCSN").await;
    for (passwords, states, reset, unlock) in
        [("=xw", "write", true, true), ("write", "read", true, false), ("none", "write", false, true), ("read", "none", false, false)]
    {
        slapd.grant(Granted { passwords, states }).await.unwrap();
        let desk = Desk::at(&slapd);
        let state = desk.state(user).await;
        let told = (state.may_reset, state.may_unlock, state.may_require_change);
        assert_eq!(told, (Some(reset), Some(unlock), Some(unlock)), "{passwords} {states}");
        desk.directory.health().await;
        if !reset {
            assert_eq!(desk.code(user, Kind::Reset, "Brand-New-1", "").await, Code::NoRight);
        }
        if !unlock && reset {
            assert_eq!(desk.code(user, Kind::Unlock, "", "").await, Code::NoUnlockRight);
            assert_eq!(desk.code(user, Kind::RequireChange, "", "").await, Code::NoFlagRight);
        }
    }
    assert_eq!(attribute(&slapd, &dn, "entryCSN").await, before);
}

#[tokio::test]
async fn a_password_administrator_is_seen_and_told() {
    for svc_manages in [false, true] {
        let slapd = slapd(SlapdOptions { svc_manages, ..SlapdOptions::default() }).await;
        let (dn, first) = (slapd.dn("user01"), slapd.user("user01").unwrap().password.clone());
        let user = uuid_of(&slapd, &dn).await;
        let desk = Desk::at(&slapd);
        let health = desk.directory.health().await;
        assert!(health.reachable);
        assert_eq!(health.policy_hints.is_some(), !svc_manages, "whether history and age hold on resets");
        assert_eq!(desk.state(user).await.hints, !svc_manages);
        let check = desk.directory.check().await;
        assert_eq!(check.is_err(), svc_manages);
        assert!(check.err().is_none_or(|error| error.to_string().contains("manage")));
        // The rules hold or do not; either way a reset is one that needs no further change.
        let again = desk.code(user, Kind::Reset, &first, "").await;
        assert_eq!(again, if svc_manages { Code::Applied } else { Code::PolicyHistory });
        assert_eq!(desk.code(user, Kind::Reset, "Brand-New-1", "").await, Code::Applied);
        assert_eq!(attribute(&slapd, &dn, "pwdReset").await.filter(|flag| flag == "TRUE"), None);
        assert_eq!(slapd.bind_as(&dn, "Brand-New-1").await.unwrap().policy, None);

        let strict = Desk::with(&slapd, |settings| settings.directory.require_policy_hints = true);
        strict.directory.health().await;
        let code = strict.code(user, Kind::Reset, "Brand-New-2", "").await;
        assert_eq!(code, if svc_manages { Code::ControlMissing } else { Code::Applied });
    }
}

#[tokio::test]
async fn what_the_policy_forbids_is_told_before_it_is_tried() {
    let slapd = slapd(SlapdOptions::default()).await;
    let (dn, first) = (slapd.dn("user01"), slapd.user("user01").unwrap().password.clone());
    let user = uuid_of(&slapd, &dn).await;
    let desk = Desk::at(&slapd);
    slapd.set(&slapd.policy_dn, "pwdAllowUserChange", Some("FALSE")).await.unwrap();
    assert_eq!(desk.code(user, Kind::Change, "Brand-New-1", &first).await, Code::ChangeNotAllowed);
    slapd.set(&slapd.policy_dn, "pwdMustChange", Some("FALSE")).await.unwrap();
    assert_eq!(desk.code(user, Kind::RequireChange, "", "").await, Code::NotSupported);
    assert_eq!(desk.code(user, Kind::Temporary, "Brand-New-1", "").await, Code::NotSupported);
    slapd.set(&slapd.policy_dn, "pwdSafeModify", Some("TRUE")).await.unwrap();
    assert_eq!(desk.code(user, Kind::Reset, "Brand-New-1", "").await, Code::NotSupported);
    assert!(slapd.accepts(&dn, &first).await.unwrap());
}
