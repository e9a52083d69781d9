//! The page of one's methods in real Chromium, and signing in by them. How each is set up and resets a password is in [`crate::proofs`].

use serde_json::{Value, json};
use sspr::{
    domain::policies::{Draft, Method},
    wire::message::Person,
};

use crate::{
    journey::real::{Cloud, HandAgent, agent::somebody, person::code_in},
    support::browser::{Browser, Screen, story},
};

async fn cloud() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), cooling_off: 0, ..terms }).await;
    (cloud, agent)
}

/// At the page of one's methods, as somebody who has just signed in.
async fn is_signed_in(browser: &Browser, cloud: &Cloud) {
    let session = cloud.session_of("alice").await;
    browser.cdp("Network.setCookie", json!({ "name": "sspr_session", "value": session, "url": cloud.url, "httpOnly": true })).await;
    browser.opens(&format!("{}/account/methods", cloud.url)).await;
    browser.sees("How you prove who you are").await;
}

/// A device that keeps passkeys, and finds them again without being told whose.
pub async fn has_passkeys(browser: &Browser) -> Value {
    browser.cdp("WebAuthn.enable", json!({})).await;
    let options = json!({ "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true });
    browser.cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await["authenticatorId"].clone()
}

/// Whether it knows its owner from now on.
pub async fn verifies(browser: &Browser, key: &Value, on: bool) {
    browser.cdp("WebAuthn.setUserVerified", json!({ "authenticatorId": key, "isUserVerified": on })).await;
}

/// From a first page to the one of this method.
pub async fn begins(browser: &Browser, cloud: &Cloud, first: &str, name: &str, method: &str) {
    browser.opens(&format!("{}{first}", cloud.url)).await;
    browser.types("Sign-in name or e-mail address", name).await;
    browser.clicks("Continue").await;
    chooses(browser, method).await;
}

/// Among several ways to prove who one is.
pub async fn chooses(browser: &Browser, method: &str) {
    browser.sees("How would you like to prove that it is you?").await;
    browser.chooses(method).await;
    browser.clicks("Continue").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_name_and_is_stopped_once_there_is_a_copy() {
    let (cloud, mut agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        let key = has_passkeys(&browser).await;
        is_signed_in(&browser, &cloud).await;
        browser.clicks("Add a passkey").await;
        browser.types("What you call it", "My phone").await;
        browser.clicks("Make a passkey").await;
        browser.arrives_at("/account/methods").await;
        browser.clicks("Remove My phone").await;
        browser.sees("Before that, please prove that it is you with your passkey").await;
        browser.is_accessible().await;
        browser.shot("account-methods-prove-first").await;

        // Pages may have taken their time: nobody counts as silent.
        agent.beat(true).await;
        browser.clicks("Sign in once more").await;
        browser.sees("Or without a name").await;
        browser.is_accessible().await;
        browser.shot("sign-in-passkey").await;
        verifies(&browser, &key, false).await;
        browser.clicks("Sign in with a passkey").await;
        browser.sees("It was cancelled, or there is no passkey").await;
        browser.is_accessible().await;
        browser.shot("sign-in-passkey-cancelled").await;
        verifies(&browser, &key, true).await;
        browser.clicks("Sign in with a passkey").await;
        browser.arrives_at("/account").await;
        browser.sees("A passkey proved that it was you").await;

        // As if its copy had been used more often, elsewhere.
        let credentials = browser.cdp("WebAuthn.getCredentials", json!({ "authenticatorId": key })).await;
        let mut copy = credentials["credentials"][0].clone();
        assert!(copy["signCount"].as_i64().expect("a counter") > 0);
        copy["signCount"] = 0.into();
        browser.cdp("WebAuthn.removeCredential", json!({ "authenticatorId": key, "credentialId": copy["credentialId"] })).await;
        browser.cdp("WebAuthn.addCredential", json!({ "authenticatorId": key, "credential": copy })).await;
        agent.beat(true).await;
        browser.opens(&format!("{}/account/sign-in", cloud.url)).await;
        browser.clicks("Sign in with a passkey").await;
        browser.sees("Nobody can be signed in here with this passkey").await;
        browser.is_accessible().await;
        browser.shot("sign-in-passkey-nobody").await;
        browser.opens(&format!("{}/account/methods", cloud.url)).await;
        browser.sees("Stopped: it may have been copied").await;
        browser.clicks("Remove My phone").await;
        browser.is_accessible().await;
        browser.shot("account-methods-stopped").await;
        browser.clicks("Yes, remove it My phone").await;
        browser.sees("You have not set up anything yet").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_burns_no_codes_that_were_just_printed() {
    let (cloud, _agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        is_signed_in(&browser, &cloud).await;
        browser.clicks("Make recovery codes").await;
        browser.clicks("Make ten codes").await;
        browser.sees("This page is the only time that they are shown").await;
        // Chromium sends the form again, as it does when somebody answers its question with yes.
        browser.cdp("Page.reload", json!({})).await;
        browser.arrives_at("/account/methods").await;
        browser.sees("10 left").await;
        assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'authenticator.add'").await, 1);
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_out_of_time_is_warned_and_gets_more() {
    let (cloud, mut agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        agent.beat(true).await;
        begins(&browser, &cloud, "/", "alice", "E-mail").await;
        browser.sees("If the account exists, we have sent an e-mail").await;
        browser.does_not_see("this page stops").await;
        cloud.clock.advance(13 * 60 + 10);
        agent.beat(true).await;
        browser.opens(&format!("{}/reset/code", cloud.url)).await;
        browser.sees("In less than two minutes this page stops").await;
        browser.is_accessible().await;
        browser.shot("ends-more").await;
        browser.types("Code with 6 digits", "123").await;
        browser.clicks("I need more time").await;
        browser.sees("All right, you have more time now").await;
        browser.is_accessible().await;
        browser.shot("ends-longer").await;
        assert_eq!(browser.value("Code with 6 digits").await, "123", "nothing is lost");
        cloud.clock.advance(15 * 60);
        agent.beat(true).await;
        browser.opens(&format!("{}/reset/code", cloud.url)).await;
        browser.sees("That cannot be put off again").await;
        browser.does_not_see("I need more time").await;

        // A session is prolonged by being used.
        agent.beat(true).await;
        is_signed_in(&browser, &cloud).await;
        let soon = "document.querySelector('#ends').dataset.seconds";
        assert!(browser.runs(&format!("return Number({soon});")).await.as_f64().is_some_and(|left| left > 880.0));
        browser.does_not_see("this page stops").await;
        assert_eq!(cloud.sql::<i32>("update sessions set expires_at = seen_at + interval '90 seconds' returning 1").await, 1);
        browser.opens(&format!("{}/account", cloud.url)).await;
        browser.sees("That cannot be put off again").await;
        browser.is_accessible().await;
        browser.shot("ends-last").await;
        assert_eq!(cloud.sql::<i32>("update sessions set expires_at = seen_at + interval '6 seconds' returning 1").await, 1);
        browser.opens(&format!("{}/account", cloud.url)).await;
        browser.sees("The time is over").await;
        browser.is_accessible().await;
        browser.shot("ends-over").await;
        browser.clicks("Start again").await;
        browser.arrives_at("/account/sign-in").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_mailbox_and_a_number_are_added_by_the_codes_that_go_there() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![Person { mobile: None, ..somebody("alice") }]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), cooling_off: 24, ..terms }).await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        is_signed_in(&browser, &cloud).await;
        browser.clicks("Add a private e-mail address").await;
        browser.sees("A mailbox that you can open without your password at work").await;
        browser.is_accessible().await;
        browser.clicks("Send a code").await;
        browser.sees("not an e-mail address that we can write to").await;
        browser.is_accessible().await;
        browser.types("Private e-mail address", "alice@home.example").await;
        browser.clicks("Send a code").await;
        browser.arrives_at("/account/methods/contact/private_email/code").await;
        browser.sees("alice@home.example").await;
        browser.is_accessible().await;
        browser.shot("account-contact-code").await;
        let mail = cloud.inbox.wait_for("alice@home.example", 0).await.expect("a code by mail");
        browser.types("Code with 6 digits", &code_in(&mail.text)).await;
        browser.clicks("Add the address").await;
        browser.arrives_at("/account/methods").await;
        browser.sees("You added it yourself").await;
        browser.sees("Works from").await;

        browser.clicks("Add a mobile number").await;
        browser.types("Mobile number", "0049 (0)170 - 555 55 55").await;
        browser.clicks("Send a code").await;
        browser.arrives_at("/account/methods/contact/sms/code").await;
        browser.sees("+491705555555").await;
        let text = cloud.inbox.wait_for("+491705555555", 0).await.expect("a code by text message");
        browser.types("Code with 6 digits", &code_in(&text.text)).await;
        browser.clicks("Add the number").await;
        browser.arrives_at("/account/methods").await;
        browser.sees("+•••••••55").await;
        browser.is_accessible().await;
        browser.shot("account-methods-contacts").await;
        // Told at the address of the directory, twice, and at the new mailbox of the number.
        cloud.inbox.wait_for("alice@mail.example", 1).await.expect("two notices");
        cloud.inbox.wait_for("alice@home.example", 2).await.expect("the code and two notices");

        browser.runs("document.querySelectorAll('.devices details').forEach((one) => { one.open = true; }); return true;").await;
        browser.is_accessible().await;
        let removes = "document.querySelector('form[action$=\"/contact/sms/remove\"] button').click(); return true;";
        browser.runs(removes).await;
        browser.sees("Add a mobile number").await;
        cloud.inbox.wait_for("+491705555555", 2).await.expect("the old one is told");
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
