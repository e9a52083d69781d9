//! Whom the agent serves, whatever its rights are and whatever the cloud asks.

use sspr::wire::outcome::Code;
use uuid::Uuid;

use super::{Bench, accepts, add_outsider, both, guid};

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
