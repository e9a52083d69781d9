//! Proof of work where people meet it: hardly ever.

use serde_json::json;
use sspr::base::config::Config;

use crate::{
    journey::real::{Cloud, agent::somebody},
    support::{browser::story, site::Site},
};

/// As it is in production: done before anybody could have typed a name, without a word, and taken.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_done_before_anybody_has_typed() {
    let usual = Config::from(None, []).expect("the defaults").limits.work.to_string();
    let cloud = Cloud::start_with(&[("SSPR_LIMITS__WORK", &usual)]).await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    story(async |browser| {
        agent.beat(true).await;
        browser.opens(&cloud.url).await;
        let body = "const field = document.querySelector('[name=work]');
                    while (!field.value) await new Promise((on) => setTimeout(on, 5));
                    const solution = JSON.parse(atob(field.value)).solution;
                    return { millis: Math.round(performance.now()), worked: solution.time, tries: solution.counter, cores: navigator.hardwareConcurrency };";
        let found = browser.runs(body).await;
        eprintln!("{found}");
        assert!(found["millis"].as_f64().is_some_and(|millis| millis < 10_000.0), "{found}");
        browser.does_not_see("One moment").await;
        browser.does_not_see("needs JavaScript").await;
        browser.types("Sign-in name or e-mail address", "alice").await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/method?begun=1").await;
        // Whoever comes back gets another challenge, and it is taken as well.
        browser.goes_back().await;
        browser.types("Sign-in name or e-mail address", "alice").await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/method?begun=1").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

/// The page stood open overnight: a new challenge is fetched, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_stood_open_gets_another_challenge() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    story(async |browser| {
        browser.opens(&cloud.url).await;
        browser.runs("const now = Date.now; Date.now = () => now() + 3600_000;").await;
        cloud.clock.advance(3600);
        agent.beat(true).await;
        browser.types("Sign-in name or e-mail address", "alice").await;
        browser.clicks("Continue").await;
        browser.arrives_at("/reset/method?begun=1").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_needs_longer_says_so() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&format!("{}/preview/identify-slow", site.url)).await;
        browser.types("Sign-in name or e-mail address", "anna.berg").await;
        browser.does_not_see("One moment").await;
        browser.clicks("Continue").await;
        browser.sees("One moment, we are checking your browser").await;
        let shown = "const b = document.querySelector('button.primary'), s = document.querySelector('[data-work-state]');
                     return [b.getAttribute('aria-disabled'), s.getAttribute('role'), s.textContent !== '', document.activeElement === b];";
        assert_eq!(browser.runs(shown).await, json!(["true", "status", true, true]));
        browser.shot("identify-working").await;
        browser.is_accessible().await;
        // Pressed again it changes nothing.
        browser.clicks("Continue").await;
        browser.sees("One moment").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test]
async fn without_scripts_the_first_page_says_what_it_needs() {
    story(async |browser| {
        let site = Site::start().await;
        browser.has_scripts(false).await;
        browser.opens(&format!("{}/preview/identify", site.url)).await;
        browser.sees("This page needs JavaScript").await;
        browser.shot("identify-no-script").await;
        browser.has_scripts(true).await;
        browser.opens(&format!("{}/preview/identify-wait", site.url)).await;
        browser.sees("You can go on in 7:").await;
        browser.shot("identify-wait").await;
        browser.is_accessible().await;
    })
    .await;
}
