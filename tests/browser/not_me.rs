//! "This wasn't me", in real Chromium and down to a real domain controller: from the link of a notice to an account for which nothing is
//! done until an operator has looked.

use serde_json::json;
use sspr::{
    domain::operators::Role,
    lab::{
        samba::{BindOutcome, Samba, SambaOptions},
        users::SampleUser,
    },
};

use crate::{
    account::signs_in,
    console::is_at_console,
    journey::{
        proves,
        real::{Cloud, Office},
    },
    support::browser::{Browser, Screen, story_of_two},
};

/// All the way, and the domain has it; answers the link of the notice.
async fn resets(browser: &Browser, cloud: &Cloud, samba: &Samba, user: &SampleUser, password: &str) -> String {
    let mail = user.mail.as_deref().expect("an address");
    proves(browser, cloud, "/", &user.sign_in_name, mail).await;
    browser.sees("Choose a new password").await;
    browser.types("New password", password).await;
    let seen = cloud.inbox.count(mail);
    browser.clicks("Set new password").await;
    browser.arrives_at("/reset/done").await;
    browser.sees("Your password is changed").await;
    assert_eq!(samba.bind_as(&user.principal_name, password).await.expect("an answer"), BindOutcome::Accepted);
    let notice = cloud.inbox.wait_for(mail, seen).await.expect("a notice");
    notice.text.split_whitespace().find(|word| word.contains("/not-me#")).expect("a link").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_was_not_them_is_the_last_until_an_operator_has_looked() {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let (user, cloud) = (&samba.users[6], Cloud::start().await);
    let (name, mail) = (&user.sign_in_name, user.mail.as_deref().expect("an address"));
    let _office = Office::start(&cloud, &samba).await;
    let operator = cloud.operator(Role::HelpDesk).await;
    story_of_two(async |browser, desk| {
        let link = resets(&browser, &cloud, &samba, user, "Kuvo-tare-mipe-58").await;
        // Whoever knows the new password looks around.
        signs_in(&browser, &cloud, name, mail, "Kuvo-tare-mipe-58").await;
        browser.arrives_at("/account").await;
        let (page, token) = link.split_once('#').expect("a token");

        // Without the fragment one types the code.
        browser.opens(page).await;
        browser.sees("Code from the message").await;
        browser.is_accessible().await;

        browser.opens("about:blank").await;
        browser.opens(&link).await;
        browser.does_not_see("Code from the message").await;
        browser.is_accessible().await;
        browser.shot("not-me-link").await;
        // The token is in the form, and no more in the address; the other language keeps it.
        let seen = "return [location.href, document.querySelector('#code').value, history.length > 0];";
        assert_eq!(browser.runs(seen).await, json!([page, token, true]));
        browser.clicks("Deutsch").await;
        browser.sees("Das war nicht ich").await;
        browser.does_not_see("Code aus der Nachricht").await;
        assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 0, "nothing has happened yet");
        browser.clicks("Anhalten: Das war nicht ich").await;
        browser.arrives_at("/not-me/stopped").await;
        browser.sees("Rufen Sie Ihren Helpdesk an").await;
        browser.is_accessible().await;
        browser.clicks("English").await;
        browser.sees("room 101").await;

        // Nobody is signed in any more, and nobody gets another password.
        browser.opens(&format!("{}/account", cloud.url)).await;
        browser.arrives_at("/account/sign-in").await;
        proves(&browser, &cloud, "/", name, mail).await;
        browser.sees("Nothing can be done here for your account").await;
        browser.sees("room 101").await;
        browser.is_accessible().await;
        browser.shot("not-me-frozen").await;

        desk.has_screen(Screen::Desktop).await;
        is_at_console(&desk, &cloud, &operator).await;
        let id = cloud.user(name).await.user_id;
        desk.opens(&format!("{}/console/people/{id}", cloud.url)).await;
        desk.sees("they say that this was not them").await;
        desk.is_accessible().await;
        desk.shot("console-not-me").await;
        desk.clicks("Lift the freeze").await;
        desk.sees("The freeze is lifted, and they are told").await;
        desk.has_nothing_to_complain_of().await;

        resets(&browser, &cloud, &samba, user, "Zifo-kano-welu-27").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
