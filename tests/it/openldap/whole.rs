//! The whole way: a person at a browser, the real cloud, the real agent and a real OpenLDAP.

use std::time::{Duration, Instant};

use sspr::lab::slapd::{Slapd, SlapdOptions};

use super::{attribute, directory_of, slapd};
use crate::support::{Cloud, Office, Person};

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn told(told: &serde_json::Value) -> (&str, &str) {
    (told["state"].as_str().unwrap_or_default(), told["code"].as_str().unwrap_or_default())
}

fn people(svc_manages: bool) -> SlapdOptions {
    let csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n\
               alice,Alice,Ames,alice@mail.example,+15550100001,First-Passw0rd,,\n\
               bob,Bob,Burns,bob@mail.example,,First-Passw0rd,,must-change\n\
               carol,Carol,Coe,carol@mail.example,,First-Passw0rd,,\n\
               dave,Dave,Dunn,dave@mail.example,,First-Passw0rd,,\n";
    SlapdOptions { users_csv: Some(csv.to_owned()), svc_manages, ..SlapdOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_goes_from_the_browser_to_openldap() {
    for svc_manages in [false, true] {
        let (cloud, slapd) = (Cloud::start().await, slapd(people(svc_manages)).await);
        let mut office = Office::serve(&cloud, cloud.connector, |settings| {
            settings.directory = directory_of(&slapd);
            // Once: what is done to people below is the agent's to find out.
            settings.mirror_seconds = 600;
        })
        .await;
        until("the key is published", async || cloud.sql::<i64>("select count(*) from sealing_keys").await == 1).await;
        until("four people are mirrored", async || cloud.sql::<i64>("select count(*) from users").await == 4).await;

        journeys(&cloud, &slapd, svc_manages).await;

        office.stops().await;
        cloud.stop().await;
    }
}

async fn journeys(cloud: &Cloud, slapd: &Slapd, svc_manages: bool) {
    let mut alice = Person::at(cloud);
    alice.proves(cloud, "alice").await;
    // For a password administrator no rule holds.
    for (password, code) in [("Sh0rt!", "policy_length"), ("onlylowercase", "policy_complexity"), ("First-Passw0rd", "policy_history")] {
        if !svc_manages {
            alice.sets(password).await;
            assert_eq!(told(&alice.is_told().await), ("refused", code));
        }
    }
    alice.sets("Correct-Horse-7").await;
    assert_eq!(told(&alice.is_told().await), ("applied", "applied"));
    assert_is_in(slapd, "alice", "Correct-Horse-7").await;

    // Who had to change the password has done so; and who was locked by wrong ones is let in.
    let mut bob = Person::at(cloud);
    bob.proves(cloud, "bob").await;
    slapd.lock(&slapd.dn("bob")).await.unwrap();
    assert!(!slapd.accepts(&slapd.dn("bob"), "First-Passw0rd").await.unwrap());
    bob.sets("Correct-Horse-8").await;
    assert_eq!(told(&bob.is_told().await), ("applied", "applied"));
    assert_is_in(slapd, "bob", "Correct-Horse-8").await;

    let mut carol = Person::at(cloud);
    carol.proves(cloud, "carol").await;
    if !svc_manages {
        slapd.set(&slapd.policy_dn, "pwdMinAge", Some("3600")).await.unwrap();
        carol.sets("Correct-Horse-9").await;
        let refused = carol.is_told().await;
        assert_eq!(told(&refused), ("refused", "policy_age"), "{refused}");
    }
    // An administrator's lock stays, whatever was proven.
    slapd.set(&slapd.policy_dn, "pwdMinAge", Some("0")).await.unwrap();
    let mut dave = Person::at(cloud);
    dave.proves(cloud, "dave").await;
    slapd.set(&slapd.dn("dave"), "pwdAccountLockedTime", Some("000001010000Z")).await.unwrap();
    dave.sets("Correct-Horse-9").await;
    assert_eq!(told(&dave.is_told().await), ("refused", "locked_for_good"));
    assert_eq!(attribute(slapd, &slapd.dn("dave"), "pwdAccountLockedTime").await.as_deref(), Some("000001010000Z"));
}

/// Signs in, and nothing more is asked.
async fn assert_is_in(slapd: &Slapd, name: &str, password: &str) {
    let answer = slapd.bind_as(&slapd.dn(name), password).await.unwrap();
    assert_eq!((answer.accepted, answer.policy), (true, None), "{name}");
}
