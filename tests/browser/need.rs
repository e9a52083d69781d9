//! What is offered depends on what the directory says of the account, in real Chromium and down to a real domain controller: the policy of
//! this very person, an unlock, the day from which a new password is possible, and several directories.

use std::collections::HashSet;

use sspr::{
    lab::samba::{BindOutcome, Samba, SambaOptions},
    wire::outcome::Code,
};

use crate::{
    journey::{
        proves,
        real::{Cloud, Office, agent::somebody},
    },
    support::browser::{Screen, story},
};

#[tokio::test(flavor = "multi_thread")]
async fn somebody_with_a_policy_of_their_own_sees_it_as_they_type() {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let user = &samba.users[1];
    let one = |value: &str| HashSet::from([value.to_owned()]);
    let attributes = vec![
        ("objectClass".to_owned(), one("msDS-PasswordSettings")),
        ("msDS-PasswordSettingsPrecedence".to_owned(), one("1")),
        ("msDS-PasswordReversibleEncryptionEnabled".to_owned(), one("FALSE")),
        ("msDS-PasswordHistoryLength".to_owned(), one("12")),
        ("msDS-PasswordComplexityEnabled".to_owned(), one("FALSE")),
        ("msDS-MinimumPasswordLength".to_owned(), one("16")),
        ("msDS-MinimumPasswordAge".to_owned(), one("0")),
        ("msDS-MaximumPasswordAge".to_owned(), one("-36288000000000")),
        ("msDS-LockoutThreshold".to_owned(), one("0")),
        ("msDS-LockoutObservationWindow".to_owned(), one("-18000000000")),
        ("msDS-LockoutDuration".to_owned(), one("-18000000000")),
        ("msDS-PSOAppliesTo".to_owned(), one(&samba.dn(&user.sign_in_name).await.expect("its name"))),
    ];
    let dn = format!("CN=long,CN=Password Settings Container,CN=System,{}", samba.base_dn);
    samba.admin().await.expect("an administrator").add(&dn, attributes).await.expect("an answer").success().expect("a policy");
    // By itself the agent's account may not read such a policy.
    samba.add_member(&format!("CN=Domain Admins,CN=Users,{}", samba.base_dn), &samba.bind_dn).await.expect("a right");
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        proves(&browser, &cloud, "/", &user.sign_in_name, user.mail.as_deref().expect("an address")).await;
        browser.sees("At least 16 characters").await;
        browser.sees("Not one of your last 12 passwords").await;
        browser.does_not_see("Three of these").await;
        let met = "return [...document.querySelectorAll('[data-rule]')].map((li) => `${li.dataset.rule} ${li.dataset.is}`).join(', ');";
        for (typed, rules) in [("only small ones", "length open"), ("only small ones, and long", "length met")] {
            browser.types("New password", typed).await;
            assert_eq!(browser.runs(met).await, rules, "{typed}");
        }
        browser.is_accessible().await;
        browser.shot("need-own-policy").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/done").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    let bound = samba.bind_as(&user.principal_name, "only small ones, and long").await.expect("an answer");
    assert_eq!(bound, BindOutcome::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_is_unlocked_and_keeps_its_password() {
    // A minimum age forbids a new password, and does not matter to an unlock.
    let samba = Samba::start(&SambaOptions { min_age_days: 1, ..SambaOptions::default() }).expect("a domain controller");
    let (user, other) = (&samba.users[2], &samba.users[3]);
    for _ in 0..5 {
        samba.bind_as(&user.principal_name, "not this one").await.expect("an answer");
    }
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.expect("an answer"), BindOutcome::Refused("775".into()));
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    cloud.administers(&["connector", "unlock", &cloud.connector.to_string(), "on"]);
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        let mail = user.mail.as_deref().expect("an address");
        proves(&browser, &cloud, "/", &user.sign_in_name, mail).await;
        browser.sees("Your account is locked").await;
        browser.sees("A new one is possible from").await;
        browser.is_accessible().await;
        browser.shot("need-unlock-only").await;
        browser.clicks("Unlock my account").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your account is unlocked").await;
        browser.sees("Your password has not changed").await;
        browser.is_accessible().await;
        browser.shot("need-unlocked").await;
        browser.clicks("Finish").await;

        // Somebody who is not locked is told the day before they type anything.
        proves(&browser, &cloud, "/", &other.sign_in_name, other.mail.as_deref().expect("an address")).await;
        browser.sees("A new password is not possible yet").await;
        browser.sees("A new password is possible from").await;
        browser.does_not_see("Choose a new password").await;
        browser.is_accessible().await;
        browser.shot("need-too-young").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.expect("an answer"), BindOutcome::Accepted);
}

/// One of two linked directories is away at first and tried again; the other has stricter rules.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_to_every_directory_of_a_person() {
    let cloud = Cloud::start().await;
    let mut first = cloud.agent().await;
    first.mirror(vec![somebody("alice")]).await;
    let (lab, shop) = (cloud.linked_connector("Laboratory").await, cloud.linked_connector("Shop").await);
    let (mut lab, mut shop) = (cloud.agent_of(lab).await, cloud.agent_of(shop).await);
    for (agent, name) in [(&mut lab, "alice.lab"), (&mut shop, "alice.shop")] {
        agent.mirror(vec![sspr::wire::message::Person { mail: somebody("alice").mail, ..somebody(name) }]).await;
    }
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        // The browser may have taken its time to start: nobody counts as silent.
        for agent in [&mut first, &mut lab, &mut shop] {
            agent.beat(true).await;
        }
        proves(&browser, &cloud, "/", "alice", "alice@mail.example").await;
        browser.sees("It is set in Laboratory, Shop as well").await;
        browser.types("New password", "Kuvo-tare-mipe-58").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/status").await;
        browser.sees("comes next").await;
        browser.is_accessible().await;
        let job = first.work(Code::Applied).await;
        assert_eq!(first.open(&job).expect("sealed for it"), "Kuvo-tare-mipe-58");
        browser.sees("being set").await;
        browser.shot("linked-under-way").await;
        // Away, and a moment later there again.
        let job = lab.lease(5).await.remove(0);
        lab.ends(&job, Code::DirectoryUnreachable).await;
        shop.work(Code::PolicyLength).await;
        browser.sees("Not set").await;
        browser.is_accessible().await;
        browser.shot("linked-one-refused").await;
        cloud.clock.advance(4);
        let job = lab.lease(5).await.remove(0);
        assert_eq!(lab.open(&job).expect("sealed for it"), "Kuvo-tare-mipe-58");
        lab.ends(&job, Code::Applied).await;

        browser.arrives_at("/reset/done").await;
        browser.sees("Where it is set").await;
        browser.sees("This password is too short").await;
        browser.is_accessible().await;
        browser.shot("linked-done").await;
        browser.clicks("Choose a password for it").await;
        browser.sees("This password is for Shop alone").await;
        browser.is_accessible().await;
        browser.shot("linked-alone").await;
        browser.types("New password", "Kuvo-tare-mipe-zolu-58").await;
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/status").await;
        let job = shop.work(Code::Applied).await;
        assert_eq!(shop.open(&job).expect("sealed for it"), "Kuvo-tare-mipe-zolu-58");
        browser.arrives_at("/reset/done").await;
        browser.does_not_see("Not set").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
