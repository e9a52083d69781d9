//! Every proof in real Chromium, from where it is made to a password that the domain controller has: by the real agent, with nobody's
//! hand in it.

use serde_json::json;
use sspr::{
    domain::{
        operators::Role,
        policies::{Draft, Method},
    },
    lab::{
        samba::{BindOutcome, Samba, SambaOptions},
        users::SampleUser,
    },
};

use crate::{
    console::is_at_console,
    journey::real::{Cloud, Office, authenticator::app_shows, person::code_to},
    methods::{begins, chooses, has_passkeys, verifies},
    support::browser::{Browser, Screen, story, story_of_two},
};

/// A domain and its agent, where every method is taken and what is new cools off.
async fn corp() -> (Samba, Cloud, Office) {
    let samba = Samba::start(&SambaOptions::default()).expect("a domain controller");
    let cloud = Cloud::start().await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), cooling_off: 24, ..terms }).await;
    let office = Office::start(&cloud, &samba).await;
    (samba, cloud, office)
}

/// The code that was sent, typed.
async fn types_the_code(browser: &Browser, cloud: &Cloud, address: Option<&str>, seen: usize) {
    let code = code_to(cloud, address.expect("an address"), seen).await;
    browser.types("Code with 6 digits", &code).await;
    browser.clicks("Continue").await;
}

/// To one's methods, by the password that holds and a code to one's phone. (By a mailbox that opens with that password nothing can be added.)
async fn signs_in(browser: &Browser, cloud: &Cloud, user: &SampleUser) {
    begins(browser, cloud, "/account/sign-in", &user.sign_in_name, "Text message").await;
    browser.sees("we have sent a text message").await;
    types_the_code(browser, cloud, user.mobile.as_deref(), 0).await;
    browser.sees("Enter your password").await;
    browser.types("Current password", &user.password).await;
    browser.clicks("Sign in").await;
    // The domain controller has looked at it.
    browser.arrives_at("/account").await;
    browser.clicks("See and change").await;
    browser.sees("How you prove who you are").await;
}

/// What is new proves nothing yet; then its day is over.
async fn cools_off(browser: &Browser, cloud: &Cloud) {
    browser.sees("Works from").await;
    assert_eq!(cloud.sql::<i32>("update authenticators set usable_from = now() where usable_from > now() returning 1").await, 1);
}

/// From the page that asks for a password to the one that says that it is set; and the domain has it.
async fn sets(browser: &Browser, samba: &Samba, user: &SampleUser, password: &str) {
    browser.arrives_at("/reset/password").await;
    browser.types("New password", password).await;
    browser.clicks("Set new password").await;
    browser.arrives_at("/reset/done").await;
    browser.sees("Your password is changed").await;
    assert_eq!(samba.bind_as(&user.principal_name, password).await.expect("an answer"), BindOutcome::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_resets_a_password() {
    let (samba, cloud, _office) = corp().await;
    let user = &samba.users[0];
    story(async |browser| {
        let key = has_passkeys(&browser).await;
        signs_in(&browser, &cloud, user).await;
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
        cools_off(&browser, &cloud).await;
        // A second one on the same device is none.
        browser.clicks("Add a passkey").await;
        browser.clicks("Make a passkey").await;
        browser.sees("This device has a passkey for your account already").await;

        begins(&browser, &cloud, "/", &user.sign_in_name, "Passkey").await;
        browser.sees("Use your passkey").await;
        browser.is_accessible().await;
        verifies(&browser, &key, false).await;
        browser.clicks("Use passkey").await;
        browser.sees("It was cancelled, or there is no passkey").await;
        browser.is_accessible().await;
        browser.shot("passkey-cancelled").await;
        browser.sees("Use another way").await;
        verifies(&browser, &key, true).await;
        browser.clicks("Use passkey").await;
        sets(&browser, &samba, user, "Kuvo-tare-mipe-58").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_and_recovery_codes_are_set_up_and_each_resets_a_password() {
    let (samba, cloud, _office) = corp().await;
    let user = &samba.users[1];
    let (name, mail, phone) = (&user.sign_in_name, user.mail.as_deref(), user.mobile.as_deref());
    let arrived = |address: Option<&str>| cloud.inbox.count(address.expect("an address"));
    story(async |browser| {
        signs_in(&browser, &cloud, user).await;
        browser.clicks("Add an authenticator app").await;
        browser.sees("take a picture of this code").await;
        let drawn = "const picture = document.querySelector('.picture img'); await picture.decode(); return picture.naturalWidth > 200;";
        assert_eq!(browser.runs(drawn).await, json!(true), "the picture is shown under the page's policy");
        browser.clicks("I can’t take a picture").await;
        browser.is_accessible().await;
        browser.shot("account-app").await;
        let key = browser.runs("return document.querySelector('.key code').textContent;").await;
        let key = key.as_str().expect("a key");
        browser.types("The code that the app shows now", &app_shows(key, cloud.clock.seconds())).await;
        browser.clicks("Add the app").await;
        browser.arrives_at("/account/methods").await;
        browser.sees("Authenticator app").await;
        cools_off(&browser, &cloud).await;

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
        cools_off(&browser, &cloud).await;

        begins(&browser, &cloud, "/", name, "Authenticator app").await;
        browser.sees("Open your authenticator app").await;
        browser.is_accessible().await;
        // The code that registered it proves nothing any more; the next one does already.
        browser.types("Code with 6 digits", &app_shows(key, cloud.clock.seconds() + 30)).await;
        browser.clicks("Continue").await;
        // Whoever has an app proves two.
        browser.sees("proof 2 of 2").await;
        browser.is_accessible().await;
        browser.shot("method-second").await;
        let seen = arrived(mail);
        chooses(&browser, "E-mail").await;
        types_the_code(&browser, &cloud, mail, seen).await;
        sets(&browser, &samba, user, "Kuvo-tare-mipe-58").await;
        browser.clicks("Finish").await;

        begins(&browser, &cloud, "/", name, "Recovery code").await;
        browser.sees("Enter a recovery code").await;
        browser.is_accessible().await;
        browser.types("Recovery code with 20 characters", codes[2].as_str().expect("a code")).await;
        browser.clicks("Continue").await;
        browser.sees("proof 2 of 2").await;
        let seen = arrived(phone);
        chooses(&browser, "Text message").await;
        types_the_code(&browser, &cloud, phone, seen).await;
        sets(&browser, &samba, user, "Zifo-kano-welu-27").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_desk_reads_out_a_code_that_resets_a_password() {
    let (samba, cloud, _office) = corp().await;
    let user = &samba.users[2];
    let operator = cloud.operator(Role::HelpDesk).await;
    story_of_two(async |browser, desk| {
        desk.has_screen(Screen::Desktop).await;
        is_at_console(&desk, &cloud, &operator).await;
        // Without anything registered there is only what is sent, and the help desk.
        begins(&browser, &cloud, "/", &user.sign_in_name, "Code from the help desk").await;
        browser.sees("Your number").await;
        browser.is_accessible().await;
        let number = browser.runs("return document.querySelector('.number strong').textContent;").await;

        desk.opens(&format!("{}/console/people", cloud.url)).await;
        desk.types("Name, sign-in name, address or phone", &user.sign_in_name).await;
        desk.sees("One person").await;
        desk.clicks(&user.display_name).await;
        desk.types("Number on their page", number.as_str().expect("a number")).await;
        desk.clicks("Make the code").await;
        desk.sees("Read this out to them").await;
        desk.is_accessible().await;
        desk.shot("console-code").await;
        let code = desk.runs("return document.querySelector('.code-shown code').textContent;").await;
        desk.has_nothing_to_complain_of().await;

        browser.types("Code with 8 digits", code.as_str().expect("a code")).await;
        browser.clicks("Continue").await;
        sets(&browser, &samba, user, "Kuvo-tare-mipe-58").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
