//! What is offered depends on what the directory says of the account, in real Chromium and down to a real domain controller: the policy of
//! this very person, an unlock, and the day from which a new password is possible.

use std::collections::HashSet;

use sspr::lab::samba::{BindOutcome, Samba, SambaOptions};

use crate::{
    journey::real::{Cloud, Office, person::code_in},
    support::browser::{Browser, Screen, story},
};

/// From the first page to the one behind the code.
async fn proves(browser: &Browser, cloud: &Cloud, name: &str, mail: &str) {
    let seen = cloud.inbox.count(mail);
    browser.opens(&cloud.url).await;
    browser.types("Sign-in name or e-mail address", name).await;
    browser.clicks("Continue").await;
    browser.sees("Where shall we send your code?").await;
    browser.chooses("E-mail").await;
    browser.clicks("Send code").await;
    browser.sees("If the account exists, we have sent an e-mail").await;
    let message = cloud.inbox.wait_for(mail, seen).await.expect("a mail with the code");
    browser.types("Code with 6 digits", &code_in(&message.text)).await;
    browser.clicks("Continue").await;
}

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
        proves(&browser, &cloud, &user.sign_in_name, user.mail.as_deref().expect("an address")).await;
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
        proves(&browser, &cloud, &user.sign_in_name, mail).await;
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
        proves(&browser, &cloud, &other.sign_in_name, other.mail.as_deref().expect("an address")).await;
        browser.sees("A new password is not possible yet").await;
        browser.sees("UTC").await;
        browser.does_not_see("Choose a new password").await;
        browser.is_accessible().await;
        browser.shot("need-too-young").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    assert_eq!(samba.bind_as(&user.principal_name, &user.password).await.expect("an answer"), BindOutcome::Accepted);
}
