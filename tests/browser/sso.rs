//! An operator signs in at the provider's own page, in real Chromium.

use sspr::domain::operators::Role;
use thirtyfour::By;

use crate::{
    console::{is_at_console, pictures},
    journey::real::provider::Sso,
    support::browser::story,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_comes_in_by_the_providers_own_page() {
    let sso = Sso::with(&[("ann", "help_desk0@staff.example", &["pwd", "mfa"])]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::HelpDesk).await;
    let owner = cloud.operator(Role::Owner).await;
    story(async |browser| {
        browser.opens(&format!("{}/console/people", cloud.url)).await;
        browser.sees("Sign in with Corp ID").await;
        pictures(&browser, "sso-sign-in").await;
        browser.clicks("Sign in with Corp ID").await;
        // Of its own accord: nothing is pressed on the page between, and no policy of ours stands in the way.
        browser.sees("Sign-in").await;
        assert!(browser.url().await.starts_with(&sso.oidc.issuer), "{}", browser.url().await);
        for (name, text) in [("login", "ann"), ("password", "whatever")] {
            browser.web.find(By::Name(name)).await.expect("a field").send_keys(text).await.expect("it takes text");
        }
        browser.clicks("Sign-in").await;
        browser.clicks("Continue").await;
        browser.arrives_at("/console/people").await;
        browser.has_nothing_to_complain_of().await;
        browser.clicks("Sign out").await;
        browser.sees("Sign in with Corp ID").await;
        // A way back that is no way back.
        browser.opens(&format!("{}/console/sso/back?code=x&state=y", cloud.url)).await;
        browser.sees("This sign-in is over").await;
        pictures(&browser, "sso-over").await;
        browser.clicks("To the start page").await;
        browser.sees("Sign in to the console").await;

        is_at_console(&browser, cloud, &owner).await;
        browser.opens(&format!("{}/console/sso", cloud.url)).await;
        browser.sees("Letter by letter").await;
        pictures(&browser, "sso-setup").await;
        browser.clicks("Test it").await;
        browser.sees("The provider answers").await;
        browser.opens(&format!("{}/console/sso?lang=de", cloud.url)).await;
        pictures(&browser, "sso-setup-de").await;
        browser.chooses("Alle außer Inhabern").await;
        browser.clicks("Speichern").await;
        browser.sees("Gespeichert.").await;
        browser.clicks("Abmelden").await;
        browser.sees("Mit Corp ID anmelden").await;
        pictures(&browser, "sso-required-de").await;
    })
    .await;
}
