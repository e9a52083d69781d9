//! What the pages' scripts do for people, against a small cloud of our own that can be made to say anything.

use serde_json::{Value, json};
use sspr::wire::seal::{self, Envelope};

use crate::support::{
    agent::Agent,
    browser::{Browser, story},
    site::Site,
};

const GOOD: &str = "Kuvo-tare-mipe-58";

/// The password page with this typed in, in front of a cloud that offers a ticket for `agent`.
async fn at_the_password_page(browser: &Browser, agent: &Agent) -> Site {
    let site = Site::start().await;
    site.offers(&agent.ticket(), &[agent.recipient()]);
    browser.opens(&format!("{}/preview/password", site.url)).await;
    browser.types("New password", GOOD).await;
    site
}

#[tokio::test]
async fn a_password_is_sealed_handed_in_and_watched() {
    story(async |browser| {
        let agent = Agent::new();
        let site = at_the_password_page(&browser, &agent).await;
        site.answers(|cloud| {
            let state = |name: &str, next: Value| json!({"state": name, "final": !next.is_null(), "next": next});
            cloud.states = vec![state("submitted", Value::Null), state("leased", Value::Null), state("applied", json!("/reset/done"))];
        });
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/status").await;
        browser.sees("Being set by your domain controller").await;
        browser.arrives_at("/reset/done").await;
        browser.sees("Your password is changed").await;

        let jobs = site.answers(|cloud| cloud.jobs.clone());
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0]["job"], json!(agent.ticket.job));
        let envelopes: Vec<Envelope> = serde_json::from_value(jobs[0]["envelopes"].clone()).expect("envelopes");
        assert_eq!(*seal::open(&envelopes[0], &agent.ticket, &agent.pair.private).expect("opens").new, GOOD);
        assert!(!jobs[0].to_string().contains(GOOD));
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test]
async fn the_rules_answer_as_one_types() {
    story(async |browser| {
        let site = at_the_password_page(&browser, &Agent::new()).await;
        let met = "return [...document.querySelectorAll('[data-rule]')].filter((li) => li.dataset.is === 'met').map((li) => li.dataset.rule).join(' ');";
        for (typed, rules) in [
            ("short", "words"),
            ("all small letters here", "length words"),
            ("Anna-likes-12-cats", "length kinds"),
            ("xx.ANNA.BERG.2", ""),
            (GOOD, "length kinds words"),
        ] {
            browser.types("New password", typed).await;
            let rules = if typed.starts_with("xx") { "length kinds" } else { rules };
            assert_eq!(browser.runs(met).await, json!(rules), "{typed}");
        }
        // What is missing is said, and nothing is asked of the cloud.
        browser.types("New password", "short").await;
        browser.clicks("Set new password").await;
        browser.sees("Something is still missing").await;
        browser.shot("password-rules-open").await;
        browser.is_accessible().await;
        assert!(site.answers(|cloud| cloud.jobs.is_empty()));
    })
    .await;
}

#[tokio::test]
async fn a_suggestion_keeps_the_rules_and_can_be_read() {
    story(async |browser| {
        let _site = at_the_password_page(&browser, &Agent::new()).await;
        browser.clicks("Suggest a password").await;
        browser.sees("Save it or write it down").await;
        let one = browser.value("New password").await;
        browser.shot("password-suggested").await;
        browser.is_accessible().await;
        browser.clicks("Suggest a password").await;
        let two = browser.value("New password").await;
        assert!(one != two && one.len() >= 27 && one.chars().next().is_some_and(char::is_uppercase), "{one} {two}");
        browser.clicks("Hide").await;
        assert_eq!(browser.runs("return document.querySelector('#password').type;").await, json!("password"));

        // Each letter is as likely as any other.
        let body = "const { suggest } = await import('/static/js/rules.js');
                    const rules = { min: 40, kinds: 3, names: ['anna.berg', 'Anna', 'Berg'] };
                    const many = Array.from({ length: 400 }, () => suggest(rules));
                    const count = {};
                    for (const c of many.join('').toLowerCase().replace(/[^bdfghjkmnprstvwz]/g, '')) count[c] = (count[c] ?? 0) + 1;
                    return { fits: many.every((m) => m.length >= 40), kinds: Object.keys(count).length, spread: Math.max(...Object.values(count)) / Math.min(...Object.values(count)) };";
        let found = browser.runs(body).await;
        assert!(found["fits"] == true && found["kinds"] == 16 && found["spread"].as_f64().is_some_and(|spread| spread < 1.5), "{found}");
    })
    .await;
}

#[tokio::test]
async fn nothing_leaves_the_page_for_a_cloud_that_cheats() {
    story(async |browser| {
        let (agent, mallory) = (Agent::new(), Agent::new());
        let site = at_the_password_page(&browser, &agent).await;
        let mut swapped = agent.recipient();
        swapped["statement"]["key"] = mallory.recipient()["statement"]["key"].clone();
        site.offers(&agent.ticket(), &[agent.recipient(), swapped]);
        browser.clicks("Set new password").await;
        browser.sees("We could not make sure that only your organisation can open your password").await;
        assert!(site.answers(|cloud| cloud.jobs.is_empty()));
        assert_eq!(browser.value("New password").await, GOOD);
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_server_says_is_said_in_words() {
    story(async |browser| {
        let agent = Agent::new();
        let site = at_the_password_page(&browser, &agent).await;
        for (code, words) in [
            ("no_agent", "cannot be reached right now"),
            ("ticket_expired", "press the button once more"),
            ("superseded", "A newer try is under way"),
            ("something_new", "Something went wrong on our side"),
        ] {
            site.answers(|cloud| {
                cloud.ticket = Some((409, json!({"code": code, "title": "", "detail": "", "support": "K7QX"})));
            });
            if code == "something_new" {
                site.answers(|cloud| cloud.ticket = Some((500, json!("no problem document"))));
            }
            browser.clicks("Set new password").await;
            browser.sees(if words.starts_with("Something") { "It is not your fault" } else { words }).await;
            if code == "no_agent" {
                browser.sees("Support code: K7QX").await;
                browser.shot("password-no-agent").await;
            }
        }
        // A refusal of the job comes after the sealing and is said the same way.
        site.offers(&agent.ticket(), &[agent.recipient()]);
        site.answers(|cloud| cloud.refuses = Some((409, json!({"code": "ticket_expired", "support": "K7QX"}))));
        browser.clicks("Set new password").await;
        browser.sees("That took a little too long").await;
        assert_eq!(browser.value("New password").await, GOOD);

        // A job that is under way has a page that tells.
        site.answers(|cloud| cloud.ticket = Some((409, json!({"code": "busy", "support": "K7QX"}))));
        browser.clicks("Set new password").await;
        browser.arrives_at("/reset/status").await;
        // And so has a journey that is over.
        let site = at_the_password_page(&browser, &agent).await;
        site.answers(|cloud| cloud.ticket = Some((410, json!({"code": "flow_ended", "support": "K7QX"}))));
        browser.clicks("Set new password").await;
        browser.sees("Where you are").await;
        browser.arrives_at("/reset").await;
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_back_to_the_page_finds_no_password() {
    story(async |browser| {
        let site = at_the_password_page(&browser, &Agent::new()).await;
        browser.opens(&site.url).await;
        browser.goes_back().await;
        browser.sees("New password").await;
        assert_eq!(browser.value("New password").await, "");
    })
    .await;
}

#[tokio::test]
async fn without_scripts_the_password_page_says_why_and_sends_nothing() {
    story(async |browser| {
        let site = Site::start().await;
        browser.has_scripts(false).await;
        browser.opens(&format!("{}/preview/password", site.url)).await;
        browser.sees("This page needs JavaScript").await;
        browser.shot("password-no-script").await;
        browser.has_scripts(true).await;
        let dead = browser.runs("const f = document.querySelector('#password'); return [f.disabled, f.hasAttribute('name'), f.form.hasAttribute('action')];").await;
        assert_eq!(dead, json!([true, false, false]));
    })
    .await;
}

#[tokio::test]
async fn a_code_may_be_pasted_as_it_came() {
    story(async |browser| {
        let site = Site::start().await;
        browser.opens(&format!("{}/preview/code", site.url)).await;
        browser.sees("New code in 0:").await;
        browser.types("Code with 6 digits", " 12\u{a0}34\u{2013}5-6 ").await;
        assert_eq!(browser.value("Code with 6 digits").await, "123456");
        browser.clicks("Didn\u{2019}t get it?").await;
        browser.sees("look into your spam folder").await;
        browser.shot("code-help").await;
        browser.is_accessible().await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
