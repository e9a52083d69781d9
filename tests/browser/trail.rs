//! The audit pages in real Chromium: a filter, a line's details, a support code.

use sspr::domain::operators::Role;

use crate::{
    console::{is_at_console, pictures},
    journey::real::{Cloud, Person},
    support::browser::story,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_follows_a_support_code() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let auditor = cloud.operator(Role::Auditor).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &auditor).await;
        browser.opens(&format!("{}/console/support", cloud.url)).await;
        pictures(&browser, "support-empty").await;
        // The browser may have taken its time: nobody counts as silent.
        agent.beat(true).await;
        let mut alice = Person::at(&cloud);
        alice.proves(&cloud, "alice").await;
        cloud.administers(&["audit", "verify"]);
        cloud.administers(&["audit", "checkpoint"]);
        browser.opens(&format!("{}/console/audit", cloud.url)).await;
        browser.sees("Journey begun").await;
        pictures(&browser, "audit").await;
        browser.opens(&format!("{}/console/audit?person=alice&outcome=right&lang=de", cloud.url)).await;
        browser.sees("Nachweis versucht").await;
        browser.clicks("Einzelheiten").await;
        pictures(&browser, "audit-filter-de").await;
        browser.opens(&format!("{}/console/audit?from=2020-01-01&to=2020-01-02&lang=en", cloud.url)).await;
        browser.sees("No line fits this filter").await;
        pictures(&browser, "audit-none").await;
        let code: String = cloud.sql("select request_id from audit_events where action = 'reset.code_send'").await;
        browser.opens(&format!("{}/console/support?code={code}", cloud.url)).await;
        browser.sees("What happened, in order").await;
        pictures(&browser, "support").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
