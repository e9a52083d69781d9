//! Whom the agent serves, whatever its rights are and whatever the cloud asks.

use sspr::{agent::directory::sd::Sid, wire::outcome::Code};
use uuid::Uuid;

use super::{Bench, accepts, add_outsider, both, groups::group, guid};

#[tokio::test]
async fn serves_only_enabled_plain_people_in_its_part() {
    for domain in both() {
        let samba = &domain.samba;
        let bench = Bench::new(samba);
        assert_eq!(bench.reset(Uuid::from_u128(4711), "Quite-New-1").await, Code::Gone);
        assert_eq!(bench.reset(domain.someone("gone").await.guid, "Quite-New-1").await, Code::AccountDisabled);

        // Outside first: nobody learns from here what else an account is.
        for outside in ["Administrator", "krbtgt", "svc-writeback"] {
            assert_eq!(bench.reset(guid(samba, outside).await, "Quite-New-1").await, Code::OutOfScope, "{outside}");
        }
        let gil = domain.somebody().await;
        samba.set(&gil.dn, "adminCount", "1").await.unwrap();
        assert_eq!(bench.reset(gil.guid, "Quite-New-1").await, Code::AccountProtected);
        assert!(accepts(samba, &gil, &gil.password).await);
    }
}

#[tokio::test]
async fn refuses_the_powerful_even_where_its_part_is_the_whole_domain() {
    for domain in both() {
        let samba = &domain.samba;
        let bench = Bench::with(samba, |settings| settings.directory.users_dn = settings.directory.base_dn.clone());
        for protected in ["Administrator", "krbtgt", "svc-writeback"] {
            assert_eq!(bench.reset(guid(samba, protected).await, "Quite-New-1").await, Code::AccountProtected, "{protected}");
        }
        let computer = samba.entry("DC1$", &["1.1"]).await.map(|entry| entry.dn);
        if computer.is_ok() {
            assert_eq!(bench.reset(guid(samba, "DC1$").await, "Quite-New-1").await, Code::AccountProtected);
        }
        // By its other names, too.
        let by_name = Bench::with(samba, |settings| {
            settings.directory.users_dn = settings.directory.base_dn.clone();
            settings.directory.bind_dn = "svc-writeback@corp.example".into();
        });
        assert_eq!(by_name.reset(guid(samba, "svc-writeback").await, "Quite-New-1").await, Code::AccountProtected);

        // A plain account that the service account was given no right on.
        let dn = add_outsider(samba, "outsider").await;
        assert_eq!(bench.reset(guid(samba, "outsider").await, "Quite-New-1").await, Code::NoRight);
        assert_eq!(samba.bind_as(&dn, "First-Passw0rd").await.unwrap(), sspr::lab::samba::BindOutcome::Accepted);
    }
}

/// Nothing is written beside them that says so: Samba marks nobody, and Active Directory within the hour.
#[tokio::test]
async fn refuses_whoever_is_powerful_by_a_group() {
    for domain in both() {
        let samba = &domain.samba;
        let bench = Bench::new(samba);
        let (nested, builtin, primary) = (domain.somebody().await, domain.somebody().await, domain.somebody().await);
        let inner = group(samba, "the team", &[&nested.dn]).await;
        samba.add_member(&format!("CN=Domain Admins,CN=Users,{}", samba.base_dn), &inner).await.unwrap();
        samba.add_member(&format!("CN=Backup Operators,CN=Builtin,{}", samba.base_dn), &builtin.dn).await.unwrap();
        // Whose primary group it is, stands in no list of members.
        samba.add_member(&format!("CN=Domain Admins,CN=Users,{}", samba.base_dn), &primary.dn).await.unwrap();
        samba.set(&primary.dn, "primaryGroupID", "512").await.unwrap();
        for powerful in [&nested, &builtin, &primary] {
            assert_eq!(samba.entry(&powerful.name, &["adminCount"]).await.unwrap().attrs.len(), 0, "nothing says so of {}", powerful.name);
            assert_eq!(bench.reset(powerful.guid, "Quite-New-1").await, Code::AccountProtected);
            assert!(accepts(samba, powerful, &powerful.password).await);
        }
        samba.remove_member(&format!("CN=Backup Operators,CN=Builtin,{}", samba.base_dn), &builtin.dn).await.unwrap();
        assert_eq!(bench.reset(builtin.guid, "Quite-New-1").await, Code::Applied);
    }
}

#[tokio::test]
async fn whose_groups_are_not_told_is_taken_for_an_administrator() {
    for domain in both() {
        let samba = &domain.samba;
        let hal = domain.somebody().await;
        let filter = format!("(|(distinguishedName={0})(userPrincipalName={0}))", ldap3::ldap_escape(samba.bind_dn.as_str()));
        let found = samba.admin().await.unwrap().search(&samba.base_dn, ldap3::Scope::Subtree, &filter, vec!["objectSid"]).await.unwrap();
        let own = ldap3::SearchEntry::construct(found.0.into_iter().next().unwrap());
        let sid = Sid::read(&own.bin_attrs["objectSid"][0]).unwrap();
        let server = format!(
            "-H '{}' --option='tls cafile={}' --option='tls verify peer=ca_and_name_if_available'",
            samba.ldaps_url,
            samba.ca_file.display()
        );
        // The service account may not read tokenGroups there.
        let denied = format!("(OD;;RP;b7c69e6d-2cc7-11d2-854e-00a0c983f608;;{sid})");
        let command = format!("samba-tool dsacl set --action=allow {server} -U Administrator --objectdn='{}' --sddl='{denied}'", hal.dn);
        crate::setup::runs(samba, &command);
        let bench = Bench::new(samba);
        assert_eq!(bench.reset(hal.guid, "Quite-New-1").await, Code::AccountProtected);
        assert!(accepts(samba, &hal, &hal.password).await);
    }
}
