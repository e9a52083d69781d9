//! "This wasn't me", in real Chromium: from the link of a notice to an account for which nothing is done until an operator has looked.

use serde_json::json;
use sspr::wire::outcome::Code;

use crate::{
    journey::real::{Cloud, HandAgent, agent::somebody, person::code_to},
    support::browser::{Browser, Screen, story},
};

/// From the first page to the one behind the code.
async fn proves(browser: &Browser, cloud: &Cloud) {
    let seen = cloud.inbox.count("alice@mail.example");
    browser.opens(&cloud.url).await;
    browser.types("Sign-in name or e-mail address", "alice").await;
    browser.clicks("Continue").await;
    browser.sees("Where shall we send your code?").await;
    browser.chooses("E-mail").await;
    browser.clicks("Send code").await;
    browser.sees("If the account exists, we have sent an e-mail").await;
    browser.types("Code with 6 digits", &code_to(cloud, "alice@mail.example", seen).await).await;
    browser.clicks("Continue").await;
}

/// All the way; answers the link of the notice.
async fn resets(browser: &Browser, cloud: &Cloud, agent: &mut HandAgent) -> String {
    agent.beat(true).await;
    proves(browser, cloud).await;
    browser.sees("Choose a new password").await;
    browser.types("New password", "Kuvo-tare-mipe-58").await;
    let seen = cloud.inbox.count("alice@mail.example");
    browser.clicks("Set new password").await;
    browser.arrives_at("/reset/status").await;
    agent.work(Code::Applied).await;
    browser.arrives_at("/reset/done").await;
    let notice = cloud.inbox.wait_for("alice@mail.example", seen).await.expect("a notice");
    notice.text.split_whitespace().find(|word| word.contains("/not-me#")).expect("a link").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_was_not_them_is_the_last_until_an_operator_has_looked() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        let link = resets(&browser, &cloud, &mut agent).await;
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

        agent.beat(true).await;
        proves(&browser, &cloud).await;
        browser.sees("Nothing can be done here for your account").await;
        browser.sees("room 101").await;
        browser.is_accessible().await;
        browser.shot("not-me-frozen").await;

        cloud.administers(&["user", "unfreeze", "--tenant", &cloud.tenant.scope.id().to_string(), "alice"]);
        resets(&browser, &cloud, &mut agent).await;
        browser.sees("Your password is changed").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
