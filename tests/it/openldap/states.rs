//! What is read of an account, its policy and the server; and that an account is its entryUUID and not its name.

use sspr::{
    agent::directory::{Directory, Effect},
    base::clock::Clock,
    lab::slapd::SlapdOptions,
    wire::{message::PolicyFrom, outcome::Code, ticket::Kind},
};
use uuid::Uuid;

use super::{Desk, attribute, slapd, uuid_of};

#[tokio::test]
async fn an_inspection_tells_the_policy_in_effect() {
    let options = SlapdOptions { min_length: 9, history: 4, min_age_days: 2, max_age_days: 30, ..SlapdOptions::default() };
    let slapd = slapd(options).await;
    let desk = Desk::at(&slapd);
    let dn = slapd.dn("user01");
    let user = uuid_of(&slapd, &dn).await;
    slapd.forge(&dn, "pwdChangedTime", "20260102030405Z").await.unwrap();
    let state = desk.state(user).await;
    let policy = state.policy.unwrap();
    assert_eq!((policy.min_length, policy.complexity, policy.history), (9, true, 4));
    assert_eq!((policy.min_age, policy.max_age, state.policy_from), (2 * 86_400, 30 * 86_400, Some(PolicyFrom::Default)));
    assert_eq!((state.allowed_at, state.expires_at), (None, Some(1_767_323_045 + 30 * 86_400)));
    assert!(!state.locked && !state.must_change && !state.protected && !state.disabled && !state.account_expired && state.hints);

    let own = slapd.policy_dn.replace("cn=default", "cn=own");
    slapd.copy(&slapd.policy_dn, &own).await.unwrap();
    slapd.set(&own, "pwdMinLength", Some("14")).await.unwrap();
    slapd.set(&own, "pwdMinAge", Some("9999999999")).await.unwrap();
    slapd.set(&dn, "pwdPolicySubentry", Some(&own)).await.unwrap();
    let state = desk.state(user).await;
    assert_eq!((state.policy.unwrap().min_length, state.policy_from), (14, Some(PolicyFrom::Own)));
    assert_eq!(state.allowed_at, Some(1_767_323_045 + 9_999_999_999));
    // One that is not there leaves nothing known, and is still said to be its own.
    slapd.set(&dn, "pwdPolicySubentry", Some("cn=none,dc=corp,dc=example")).await.unwrap();
    let state = desk.state(user).await;
    assert_eq!((state.policy, state.policy_from), (None, Some(PolicyFrom::Own)));
    // What is no quality check has no length.
    slapd.set(&own, "pwdCheckQuality", Some("0")).await.unwrap();
    slapd.set(&dn, "pwdPolicySubentry", Some(&own)).await.unwrap();
    let policy = desk.state(user).await.policy.unwrap();
    assert_eq!((policy.min_length, policy.complexity), (0, false));

    let good = desk.state(uuid_of(&slapd, &slapd.dn("user20")).await).await;
    assert!(good.locked_for_good && !good.locked);
    assert!(desk.state(uuid_of(&slapd, &slapd.dn("user19")).await).await.must_change);
}

#[tokio::test]
async fn the_server_tells_its_time_where_the_monitor_may_be_read() {
    let slapd = slapd(SlapdOptions::default()).await;
    let desk = Desk::at(&slapd);
    let account = desk.directory.inspect(uuid_of(&slapd, &slapd.dn("user01")).await).await.unwrap().unwrap();
    let now = Clock::system().seconds();
    assert!((desk.directory.clock(&account).await.unwrap().unwrap() - now).abs() <= 2);
    slapd.set("olcDatabase={2}monitor,cn=config", "olcAccess", Some("to * by * none")).await.unwrap();
    assert_eq!(desk.directory.clock(&account).await.unwrap(), None);
    // Without it two changes still never share a second.
    let user = uuid_of(&slapd, &slapd.dn("user01")).await;
    for new in ["Brand-New-1", "Brand-New-2"] {
        assert_eq!(desk.code(user, Kind::Reset, new, "").await, Code::Applied);
    }
}

#[tokio::test]
async fn an_account_is_its_id_whatever_it_is_called() {
    let slapd = slapd(SlapdOptions::default()).await;
    let desk = Desk::at(&slapd);
    let dn = slapd.dn("user01");
    let user = uuid_of(&slapd, &dn).await;
    let stale = desk.account(user).await;
    let name = "uid=Dö\\, \\\"x\\\" \\+ y\\=z";
    slapd.rename(&dn, name, &slapd.users_dn).await.unwrap();
    // Whoever now has the name is somebody else.
    slapd.add_person("user01", "First-Passw0rd").await.unwrap();
    desk.directory.apply(&stale, Effect::Reset("Brand-New-1")).await.unwrap();
    let renamed = format!("{name},{}", slapd.users_dn);
    assert!(slapd.accepts(&renamed, "Brand-New-1").await.unwrap());
    assert!(slapd.accepts(&dn, "First-Passw0rd").await.unwrap());
    desk.directory.apply(&stale, Effect::Unlock).await.unwrap();
    assert_eq!(desk.code(user, Kind::Reset, "Brand-New-2", "").await, Code::Applied);

    slapd.rename(&renamed, "uid=elsewhere", &slapd.groups_dn).await.unwrap();
    assert_eq!(desk.code(user, Kind::Reset, "Brand-New-3", "").await, Code::OutOfScope);
    slapd.delete(&format!("uid=elsewhere,{}", slapd.groups_dn)).await.unwrap();
    assert_eq!(desk.code(user, Kind::Reset, "Brand-New-3", "").await, Code::Gone);
    assert_eq!(desk.code(Uuid::from_u128(7), Kind::Verify, "", "x").await, Code::Gone);
}

#[tokio::test]
async fn only_people_are_served() {
    let slapd = slapd(SlapdOptions::default()).await;
    let apart = slapd.dn("user02");
    let group = format!("cn=finance,{}", slapd.groups_dn);
    let desk = Desk::with(&slapd, |settings| {
        settings.directory.openldap.protected_filter = "(mail=user02@*)".into();
        settings.directory.openldap.protected_groups = vec![group];
    });
    let program = format!("cn=program,{}", slapd.users_dn);
    slapd.copy(&slapd.bind_dn, &program).await.unwrap();
    // Number four is in the group.
    for (dn, protected) in [(slapd.dn("user01"), false), (apart, true), (slapd.dn("user04"), true), (program, true)] {
        let user = uuid_of(&slapd, &dn).await;
        assert_eq!(desk.state(user).await.protected, protected, "{dn}");
        let code = desk.code(user, Kind::Reset, "Brand-New-1", "").await;
        assert_eq!(code, if protected { Code::AccountProtected } else { Code::Applied }, "{dn}");
        assert_eq!(desk.code(user, Kind::Verify, "", "wrong").await == Code::AccountProtected, protected, "{dn}");
    }
    // Our own account, even where it looks like a person's.
    let own = Desk::with(&slapd, |settings| settings.directory.users_dn.clone_from(&settings.directory.base_dn));
    let user = uuid_of(&slapd, &slapd.bind_dn).await;
    assert_eq!(own.code(user, Kind::Reset, "Brand-New-1", "").await, Code::AccountProtected);
    assert_eq!(attribute(&slapd, &slapd.bind_dn, "pwdChangedTime").await, None);
}
