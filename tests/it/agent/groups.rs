//! Who is served by group, however deep the membership.

use std::collections::HashSet;

use sspr::{agent::directory::Directory, lab::samba::Samba, wire::outcome::Code};
use tokio_util::sync::CancellationToken;

use super::{Bench, accepts, both};

/// A new group with these members.
pub async fn group(samba: &Samba, name: &str, members: &[&str]) -> String {
    let dn = format!("CN={name},CN=Users,{}", samba.base_dn);
    let mut admin = samba.admin().await.unwrap();
    let mut attributes = vec![("objectClass", HashSet::from(["group"])), ("sAMAccountName", HashSet::from([name]))];
    if !members.is_empty() {
        attributes.push(("member", members.iter().copied().collect()));
    }
    admin.add(&dn, attributes).await.unwrap().success().unwrap();
    dn
}

#[tokio::test]
async fn only_members_of_allowed_groups_and_of_no_denied_one_are_served() {
    for domain in both() {
        let samba = &domain.samba;
        let (ann, ben, cat, dan) = (domain.somebody().await, domain.somebody().await, domain.somebody().await, domain.somebody().await);
        // Ann directly, Ben through two groups; Cat is also in a denied one, through another.
        let inner = group(samba, "inner (x)", &[&ben.dn]).await;
        let middle = group(samba, "middle", &[&inner]).await;
        let allowed = group(samba, "allowed", &[&ann.dn, &middle, &cat.dn]).await;
        let close = group(samba, "close", &[&cat.dn]).await;
        let denied = group(samba, "denied", &[&close]).await;
        let bench =
            Bench::with(samba, |settings| (settings.allow_groups, settings.deny_groups) = (vec![allowed.clone()], vec![denied.clone()]));
        bench.directory.check().await.unwrap();
        for (someone, code) in [(&ann, Code::Applied), (&ben, Code::Applied), (&cat, Code::OutOfScope), (&dan, Code::OutOfScope)] {
            assert_eq!(bench.reset(someone.guid, "Quite-New-1").await, code, "{}", someone.name);
        }
        assert!(accepts(samba, &cat, &cat.password).await && accepts(samba, &dan, &dan.password).await);

        // Only denied: everybody else. The primary group, which no list of members shows, counts too.
        let bench = Bench::with(samba, |settings| settings.deny_groups = vec![denied.clone()]);
        assert_eq!(
            (bench.reset(dan.guid, "Quite-New-1").await, bench.reset(cat.guid, "Quite-New-1").await),
            (Code::Applied, Code::OutOfScope)
        );
        let everybody = format!("CN=Domain Users,CN=Users,{}", samba.base_dn);
        let bench = Bench::with(samba, |settings| settings.deny_groups = vec![everybody.clone()]);
        assert_eq!(bench.reset(dan.guid, "Quite-New-2").await, Code::OutOfScope);
        let bench = Bench::with(samba, |settings| settings.allow_groups = vec![everybody]);
        assert_eq!(bench.reset(dan.guid, "Quite-New-2").await, Code::Applied);

        // A group that goes while the agent runs serves nobody, rather than those it was to keep out.
        let bench = Bench::with(samba, |settings| settings.deny_groups = vec![denied.clone()]);
        samba.admin().await.unwrap().delete(&denied).await.unwrap().success().unwrap();
        for someone in [&cat, &dan] {
            assert_eq!(bench.reset(someone.guid, "Quite-New-3").await, Code::OutOfScope);
        }
    }
}

#[tokio::test]
async fn a_group_that_does_not_exist_is_a_fault_of_the_settings() {
    let domain = both()[0];
    let person = domain.somebody().await.dn;
    for wrong in [format!("CN=nobody,{}", domain.samba.base_dn), "nonsense".to_owned(), person] {
        let bench = Bench::with(&domain.samba, |settings| settings.allow_groups = vec![wrong.clone()]);
        let refused = bench.directory.check().await.unwrap_err().to_string();
        assert!(refused.contains("agent.allow_groups") && refused.contains(&wrong), "{refused}");
        let ended = sspr::agent::run(bench.settings.clone(), bench.clock.clone(), CancellationToken::new());
        let ended = Box::pin(ended).await.unwrap_err();
        assert!(format!("{ended:#}").contains("there is no group"), "{ended:#}");
    }
}
