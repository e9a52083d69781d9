//! The directory decides, and its decision is what the person reads.

use sspr::{
    base::language::Language,
    domain::policies::Draft,
    lab::samba::{BindOutcome, Release, Samba, SambaOptions},
};

use crate::support::{Cloud, Office, Person, person::code_in};

fn wrong_password() -> BindOutcome {
    BindOutcome::Refused("52e".into())
}

#[tokio::test]
async fn a_password_is_set_on_a_domain_controller_with_policy_hints() {
    whole_journey(Release::Backports).await;
}

#[tokio::test]
async fn a_password_is_set_on_a_domain_controller_without_them() {
    whole_journey(Release::System).await;
}

async fn whole_journey(release: Release) {
    let samba = Samba::start(&SambaOptions { release, ..SambaOptions::default() }).unwrap();
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[2];
    // Locked, as people are who have forgotten theirs.
    for _ in 0..5 {
        samba.bind_as(&user.principal_name, "not this one").await.unwrap();
    }
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.unwrap(), BindOutcome::Refused("775".into()));

    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    person.sees("At least 8 characters");
    for (password, reason) in [("Sh0rt!", "outcome-policy-length-title"), ("alllowercaseletters", "outcome-policy-complexity-title")] {
        person.sets(password).await;
        let told = person.is_told().await;
        assert_eq!(told["state"], "refused", "{password}: {told}");
        person.opens("/reset/status").await.is_at("/reset/password");
        person.sees(&Language::English.text(reason));
    }
    person.sets(&user.password).await;
    let told = person.is_told().await;
    if samba.policy_hints {
        assert_eq!((told["state"].as_str(), told["code"].as_str()), (Some("refused"), Some("policy_history")));
        person.opens("/reset/password").await.is_at("/reset/password");
        person.sets("Neu-Größe-7-✓").await;
        assert_eq!(person.is_told().await["state"], "applied");
        assert_eq!(samba.bind_as(&user.principal_name, "Neu-Größe-7-✓").await.unwrap(), BindOutcome::Accepted);
        assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.unwrap(), wrong_password());
    } else {
        // Without the control a reset does not look at the history: what Debian 12's own Samba does.
        assert_eq!(told["state"], "applied");
        assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.unwrap(), BindOutcome::Accepted);
    }
    person.opens("/reset/done").await.is_at("/reset/done");
}

#[tokio::test]
async fn a_minimum_age_ends_with_the_day_it_allows_a_change() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[4];
    let (name, mail) = (&user.sign_in_name, user.mail.as_deref().unwrap());
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, name, mail).await;
    // From now on a password has to be a day old: the domain controller is the first to know.
    samba.set(&samba.base_dn, "minPwdAge", "-864000000000").await.unwrap();
    person.sets("Correct-Horse-7").await;
    let told = person.is_told().await;
    assert_eq!((told["state"].as_str(), told["code"].as_str()), (Some("refused"), Some("policy_age")));
    person.opens("/reset/ended").await.is_at("/reset/ended").sees("UTC");
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.unwrap(), BindOutcome::Accepted);
    // Whoever comes now is told before they have thought of a password.
    let mut person = Person::at(&cloud);
    let seen = cloud.inbox.count(mail);
    person.asks_for_a_code(name).await;
    let code = code_in(&cloud.inbox.wait_for(mail, seen).await.unwrap().text);
    person.submits("/reset/code", &[("code", &code)]).await;
    person.is_at("/reset/ended").sees("UTC").sees(&Language::English.text("ended-policy-age-title"));
}

#[tokio::test]
async fn disabled_people_travel_as_decoys_and_changes_on_site_are_followed() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let disabled = samba.users.iter().find(|user| user.disabled).unwrap();
    Person::at(&cloud).asks_for_a_code(&disabled.sign_in_name).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, 0);
    // Somebody's address changes on-premises: the next code goes there.
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let user = &samba.users[6];
    let dn = samba.dn(&user.sign_in_name).await.unwrap();
    samba.set(&dn, "mail", "new-address@corp.example").await.unwrap();
    cloud
        .until("select count(*) from users where mirrored_at > (select min(mirrored_at) from users) + interval '500 milliseconds'", 1)
        .await;
    Person::at(&cloud).proves_at(&cloud, &user.sign_in_name, "new-address@corp.example").await;
}
