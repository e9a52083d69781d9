//! The console in real Chromium: how the first operator comes in, and every page of its frame, wide and narrow, light and dark.

use sspr::domain::operators::Role;

use crate::{
    journey::real::{Cloud, Person},
    methods::has_passkeys,
    support::browser::{Browser, Screen, story},
};

/// The page in hand at both sizes, light and dark: each holds, and has its picture taken.
pub async fn pictures(browser: &Browser, name: &str) {
    for (dark, screen, shot) in [
        (false, Screen::Phone, "phone"),
        (true, Screen::Phone, "phone-dark"),
        (true, Screen::Desktop, "desktop-dark"),
        (false, Screen::Desktop, "desktop"),
    ] {
        browser.has_screen(screen).await;
        browser.is_dark(dark).await;
        browser.is_accessible().await;
        browser.shot(&format!("console-{name}-{shot}")).await;
    }
}

/// Signed in as this operator, by the cookie of a browser without a screen.
pub async fn is_at_console(browser: &Browser, cloud: &Cloud, operator: &Person) {
    let cookie = serde_json::json!({ "name": "sspr_console", "value": operator.browser.cookies["sspr_console"], "url": cloud.url, "httpOnly": true });
    browser.cdp("Network.setCookie", cookie).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_owner_comes_in_by_a_link_and_again_by_a_passkey() {
    let cloud = Cloud::start().await;
    let link = cloud.administers(&["operator", "create", "Olga Owner", "--mail", "olga@corp.example"]);
    story(async |browser| {
        has_passkeys(&browser).await;
        browser.opens(link.trim()).await;
        browser.sees("Welcome to the console").await;
        // The token is out of the address at once.
        assert!(!browser.url().await.contains('#'), "{}", browser.url().await);
        pictures(&browser, "welcome").await;
        browser.clicks("Continue").await;
        browser.sees("Choose a password").await;
        browser.types("New password", "too short").await;
        browser.clicks("Continue").await;
        browser.sees("This password is too short").await;
        pictures(&browser, "password").await;
        browser.types("New password", "four small green apples").await;
        browser.clicks("Continue").await;
        browser.sees("Add a second factor").await;
        pictures(&browser, "register").await;
        browser.clicks("Make a passkey").await;
        browser.sees("Hello Olga Owner").await;
        pictures(&browser, "overview").await;

        browser.clicks("Operators").await;
        browser.clicks("New operator").await;
        browser.types("Name", "Hugo Help").await;
        browser.types("E-mail address", "hugo@corp.example").await;
        pictures(&browser, "operator-new").await;
        browser.clicks("Create and show the link").await;
        browser.sees("Link for Hugo Help").await;
        pictures(&browser, "link").await;
        browser.clicks("Done: back to Hugo Help").await;
        browser.sees("Make a new link").await;
        pictures(&browser, "operator").await;
        browser.clicks("All operators").await;
        browser.sees("Has not followed the link yet").await;
        pictures(&browser, "operators").await;
        browser.clicks("Olga Owner").await;
        browser.sees("You can look at this operator, but not change them").await;
        pictures(&browser, "operator-me").await;
        browser.clicks("Settings").await;
        browser.sees("What holds for everybody").await;
        pictures(&browser, "settings").await;
        browser.opens(&format!("{}/console/me", cloud.url)).await;
        browser.sees("You have only one").await;
        pictures(&browser, "me").await;
        browser.opens(&format!("{}/console/prove?to=/console/operators", cloud.url)).await;
        pictures(&browser, "prove").await;
        browser.clicks("Use a passkey").await;
        browser.arrives_at("/console/operators").await;

        browser.clicks("Sign out").await;
        browser.sees("Sign in to the console").await;
        pictures(&browser, "sign-in").await;
        browser.types("E-mail address", "olga@corp.example").await;
        browser.types("Password", "four small green apples").await;
        browser.clicks("Continue").await;
        browser.sees("One more step").await;
        pictures(&browser, "factor").await;
        browser.clicks("Use a passkey").await;
        browser.sees("Hello Olga Owner").await;
        browser.clicks("Sign out").await;
        browser.clicks("Sign in with a passkey").await;
        browser.sees("Hello Olga Owner").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_is_told_so_in_german_too() {
    let cloud = Cloud::start().await;
    let auditor = cloud.operator(Role::Auditor).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &auditor).await;
        browser.opens(&format!("{}/console?lang=de", cloud.url)).await;
        browser.sees("Guten Tag auditor 0").await;
        pictures(&browser, "overview-de").await;
        browser.opens(&format!("{}/console/operators", cloud.url)).await;
        browser.sees("Das ist nicht für Ihre Rolle").await;
        browser.is_accessible().await;
    })
    .await;
}
