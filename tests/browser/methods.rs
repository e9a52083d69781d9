//! Passkeys, apps, recovery codes and the help desk, in real Chromium: how they are set up at /account, and how they prove somebody later.

use serde_json::json;
use sspr::domain::policies::{Draft, Method};

use crate::{
    journey::real::{Cloud, HandAgent, agent::somebody, authenticator::app_shows},
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

async fn begins(browser: &Browser, cloud: &Cloud, method: &str) {
    browser.opens(&cloud.url).await;
    browser.types("Sign-in name or e-mail address", "alice").await;
    browser.clicks("Continue").await;
    browser.sees("How would you like to prove that it is you?").await;
    browser.chooses(method).await;
    browser.clicks("Continue").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_resets_a_password() {
    let (cloud, _agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        browser.cdp("WebAuthn.enable", json!({})).await;
        let options = json!({ "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true });
        let made = browser.cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
        let verifies = async |on: bool| {
            let of = json!({ "authenticatorId": made["authenticatorId"], "isUserVerified": on });
            browser.cdp("WebAuthn.setUserVerified", of).await;
        };
        is_signed_in(&browser, &cloud).await;
        browser.is_accessible().await;
        browser.shot("account-methods-none").await;
        browser.clicks("Add a passkey").await;
        browser.types("What you call it", "My phone").await;
        browser.is_accessible().await;
        browser.shot("account-passkey").await;
        browser.clicks("Make a passkey").await;
        browser.arrives_at("/account/methods").await;
        browser.sees("My phone").await;
        browser.is_accessible().await;
        browser.shot("account-methods").await;
        // A second one on the same device is none.
        browser.clicks("Add a passkey").await;
        browser.clicks("Make a passkey").await;
        browser.sees("This device has a passkey for your account already").await;

        begins(&browser, &cloud, "Passkey").await;
        browser.sees("Use your passkey").await;
        browser.is_accessible().await;
        verifies(false).await;
        browser.clicks("Use passkey").await;
        browser.sees("It was cancelled, or there is no passkey").await;
        browser.is_accessible().await;
        browser.shot("passkey-cancelled").await;
        browser.sees("Use another way").await;
        verifies(true).await;
        browser.clicks("Use passkey").await;
        browser.arrives_at("/reset/password").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_and_recovery_codes_are_set_up_and_prove_somebody() {
    let (cloud, mut agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        is_signed_in(&browser, &cloud).await;
        browser.clicks("Add an authenticator app").await;
        let drawn = "const picture = document.querySelector('.picture img'); await picture.decode(); return picture.naturalWidth > 200;";
        assert_eq!(browser.runs(drawn).await, json!(true), "the picture is shown under the page's policy");
        browser.clicks("I can’t take a picture").await;
        browser.is_accessible().await;
        browser.shot("account-app").await;
        let key = browser.runs("return document.querySelector('.key code').textContent;").await;
        let key = key.as_str().expect("a key");
        browser.types("The code that the app shows now", &app_shows(key, cloud.clock.seconds() - 30)).await;
        browser.clicks("Add the app").await;
        browser.arrives_at("/account/methods").await;
        browser.sees("Authenticator app").await;

        browser.clicks("Make recovery codes").await;
        browser.is_accessible().await;
        browser.clicks("Make ten codes").await;
        browser.sees("This page is the only time that they are shown").await;
        browser.sees("Save as a file").await;
        browser.is_accessible().await;
        browser.shot("account-codes").await;
        let codes = browser.runs("return [...document.querySelectorAll('.codes code')].map((code) => code.textContent);").await;
        assert_eq!(codes.as_array().map(Vec::len), Some(10));
        browser.clicks("I have kept them").await;
        browser.arrives_at("/account/methods").await;

        begins(&browser, &cloud, "Authenticator app").await;
        browser.sees("Open your authenticator app").await;
        browser.is_accessible().await;
        browser.types("Code with 6 digits", &app_shows(key, cloud.clock.seconds())).await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/password").await;

        agent.beat(true).await;
        begins(&browser, &cloud, "Recovery code").await;
        browser.sees("Enter a recovery code").await;
        browser.is_accessible().await;
        browser.types("Recovery code with 20 characters", codes[2].as_str().expect("a code")).await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/password").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_desk_reads_out_a_code() {
    let (cloud, _agent) = cloud().await;
    story(async |browser| {
        browser.has_screen(Screen::Phone).await;
        // Without anything registered there is only what is sent, and the help desk.
        begins(&browser, &cloud, "Code from the help desk").await;
        browser.sees("Your number").await;
        browser.is_accessible().await;
        let number = browser.runs("return document.querySelector('.number strong').textContent;").await;
        let number = number.as_str().expect("a number").to_owned();
        let code = cloud.administers(&["help-desk", "code", "--user", "alice", "--number", &number, "--operator", "Hugo Help"]);
        browser.types("Code with 8 digits", code.trim()).await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/password").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
