//! Who is served by group, however nested.

use sspr::{
    agent::directory::Directory,
    lab::slapd::SlapdOptions,
    wire::{outcome::Code, ticket::Kind},
};

use super::{Desk, slapd, uuid_of};

#[tokio::test]
async fn groups_decide_who_is_served() {
    let slapd = slapd(SlapdOptions::default()).await;
    let group = |name: &str| format!("cn={name},{}", slapd.groups_dn);
    // Finance holds every fourth; a ring of groups around it.
    slapd.add_group("outer", &[&group("finance"), &group("ring")]).await.unwrap();
    slapd.add_group("ring", &[&group("outer")]).await.unwrap();
    slapd.add_group("denied", &[&slapd.dn("user08")]).await.unwrap();
    let desk = Desk::with(&slapd, |settings| {
        settings.allow_groups = vec![group("ring").to_uppercase()];
        settings.deny_groups = vec![group("denied")];
    });
    desk.directory.check_groups().await.unwrap();
    for (name, code) in [("user04", Code::Applied), ("user01", Code::OutOfScope), ("user08", Code::OutOfScope)] {
        let user = uuid_of(&slapd, &slapd.dn(name)).await;
        assert_eq!(desk.code(user, Kind::Reset, "Brand-New-1", "").await, code, "{name}");
    }
    // A denied group that is gone denies everybody.
    slapd.delete(&group("denied")).await.unwrap();
    let user = uuid_of(&slapd, &slapd.dn("user04")).await;
    assert_eq!(desk.code(user, Kind::Reset, "Brand-New-2", "").await, Code::OutOfScope);
    assert!(desk.directory.check_groups().await.is_err());
    for wrong in [slapd.dn("user01"), "no name".to_owned()] {
        let desk = Desk::with(&slapd, |settings| settings.allow_groups = vec![wrong]);
        assert!(desk.directory.check().await.is_err());
    }
}
