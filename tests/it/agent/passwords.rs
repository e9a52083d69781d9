//! What the directory accepts and refuses, and what the agent makes of it.

use sspr::{
    lab::samba::{BindOutcome, SambaOptions},
    wire::{jws, outcome::Code},
};

use super::{Bench, Domain, accepts, both, pwd_last_set};

#[tokio::test]
async fn sets_the_password_and_unlocks() {
    for domain in both() {
        let (samba, ann) = (&domain.samba, domain.somebody().await);
        for _ in 0..6 {
            samba.bind_as(&ann.dn, "not-her-password").await.unwrap();
        }
        assert_eq!(samba.bind_as(&ann.dn, &ann.password).await.unwrap(), BindOutcome::Refused("775".into()), "locked");

        let bench = Bench::new(samba);
        let job = bench.job(ann.guid, "Übung-macht 2 \"Meister\" 🗝");
        let result = bench.run(&job).await;
        assert_eq!(result.code, Code::Applied);
        assert!(result.unlocked);
        assert_eq!((result.job, result.lease, result.seq), (job.ticket.job, job.lease, job.ticket.seq));
        assert_eq!(result.ciphertext.clone(), job.hash());
        assert_eq!(result.dc, samba.server_name);
        assert!(result.finished_at >= result.started_at);
        assert!(accepts(samba, &ann, "Übung-macht 2 \"Meister\" 🗝").await);
        // The one before is accepted for another hour (OldPasswordAllowedPeriod), the one before that is not.
        assert_eq!(bench.reset(ann.guid, "Quite-New-2").await, Code::Applied);
        assert!(!accepts(samba, &ann, &ann.password).await);

        let signed = bench.executor.sign(&result);
        let identity = sspr::agent::identity::for_enrolment(bench.dir()).unwrap();
        assert_eq!(jws::verify::<sspr::wire::message::JobResult>(&signed, jws::RESULT, identity.public()), Ok(result));
    }
}

#[tokio::test]
async fn tells_which_rule_refused_and_changes_nothing() {
    for domain in both() {
        let (samba, ben) = (&domain.samba, domain.somebody().await);
        let (bench, before) = (Bench::new(samba), pwd_last_set(samba, &ben.name).await);
        let cases = [
            ("Sh0rt!", Code::PolicyLength),
            ("onlylowercase", Code::PolicyComplexity),
            ("", Code::PasswordUnusable),
            ("Zero\0-Passw0rd", Code::PasswordUnusable),
        ];
        for (password, code) in cases {
            assert_eq!(bench.reset(ben.guid, password).await, code, "{password:?}");
        }
        assert_eq!(pwd_last_set(samba, &ben.name).await, before);
        assert!(accepts(samba, &ben, &ben.password).await);
    }
}

#[tokio::test]
async fn history_holds_where_the_directory_can_enforce_it() {
    for domain in both() {
        let (samba, cid) = (&domain.samba, domain.somebody().await);
        let bench = Bench::new(samba);
        assert_eq!(bench.reset(cid.guid, "Quite-New-1").await, Code::Applied);
        let again = if samba.policy_hints { Code::PolicyHistory } else { Code::Applied };
        assert_eq!(bench.reset(cid.guid, "Quite-New-1").await, again);

        let strict = Bench::with(samba, |settings| settings.directory.require_policy_hints = true);
        let expected = if samba.policy_hints { Code::Applied } else { Code::ControlMissing };
        assert_eq!(strict.reset(cid.guid, "Quite-New-2").await, expected);
    }
}

#[tokio::test]
async fn a_password_too_young_to_change_says_when() {
    let domain = Domain::start(&SambaOptions { min_age_days: 1, ..SambaOptions::default() });
    let samba = &domain.samba;
    let bench = Bench::new(samba);
    let dan = domain.someone("user01").await;
    // Seeded accounts may have been made with any age: this one is of now.
    samba.set_password(&dan.dn, "Fresh-Start-1").await.unwrap();
    let result = bench.run(&bench.job(dan.guid, "Quite-New-1")).await;
    assert_eq!(result.code, Code::PolicyAge);
    let ahead = result.allowed_at.unwrap() - bench.clock.seconds();
    assert!((86_300..=86_400).contains(&ahead), "{ahead} s ahead");
    assert!(accepts(samba, &dan, "Fresh-Start-1").await);

    // Whoever must change anyway has no minimum age.
    let eve = domain.someone("user18").await;
    samba.set(&eve.dn, "pwdLastSet", "0").await.unwrap();
    assert_eq!(bench.reset(eve.guid, "Quite-New-1").await, Code::Applied);
}

#[tokio::test]
async fn what_a_fine_grained_policy_asks_that_may_not_be_read_is_not_guessed() {
    for domain in both() {
        let (samba, flo) = (&domain.samba, domain.somebody().await);
        let dn = format!("CN=long-{},CN=Password Settings Container,CN=System,{}", flo.name, samba.base_dn);
        let mut admin = samba.admin().await.unwrap();
        let one = |value: &str| std::collections::HashSet::from([value.to_owned()]);
        let attributes = vec![
            ("objectClass".to_owned(), one("msDS-PasswordSettings")),
            ("msDS-PasswordSettingsPrecedence".to_owned(), one("1")),
            ("msDS-PasswordReversibleEncryptionEnabled".to_owned(), one("FALSE")),
            ("msDS-PasswordHistoryLength".to_owned(), one("0")),
            ("msDS-PasswordComplexityEnabled".to_owned(), one("FALSE")),
            ("msDS-MinimumPasswordLength".to_owned(), one("16")),
            ("msDS-MinimumPasswordAge".to_owned(), one("0")),
            ("msDS-MaximumPasswordAge".to_owned(), one("-36288000000000")),
            ("msDS-LockoutThreshold".to_owned(), one("0")),
            ("msDS-LockoutObservationWindow".to_owned(), one("-18000000000")),
            ("msDS-LockoutDuration".to_owned(), one("-18000000000")),
            ("msDS-PSOAppliesTo".to_owned(), one(&flo.dn)),
        ];
        admin.add(&dn, attributes).await.unwrap().success().unwrap();
        let bench = Bench::new(samba);
        assert!(bench.account(flo.guid).await.own_policy.is_some());
        assert_eq!(bench.reset(flo.guid, "Quite-New-1").await, Code::PolicyOther);
        assert_eq!(bench.reset(flo.guid, "long enough to be taken").await, Code::Applied);
    }
}
