//! Policies, what operators may do, and the history in real Chromium, wide and narrow, light and dark.

use sspr::domain::operators::Role;
use uuid::Uuid;

use crate::{
    console::{is_at_console, pictures},
    journey::real::{
        Cloud,
        agent::{in_groups, somebody},
    },
    support::browser::story,
};

const STAFF: Uuid = Uuid::from_u128(0x57aff);
const EVIL: Uuid = Uuid::from_u128(0xe1);

/// The first of the buttons that bring something back.
const UNDO: &str = "document.querySelector('form[action$=\"/undo\"] button').click()";

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_made_shown_saved_and_taken_back() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    // A script that a group's name brings does not run.
    let evil = "<img src=x onerror=document.body.remove()> Contractors of a very long name that does not fit beside anything else";
    let people = vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF, EVIL]), somebody("carol")];
    agent.tells(&[(STAFF, "Staff"), (EVIL, evil)], people).await;
    let admin = cloud.operator(Role::Administrator).await;
    let auditor = cloud.operator(Role::Auditor).await;
    let alice: Uuid = cloud.sql("select user_id from users where sign_in_name = 'alice'").await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &admin).await;
        browser.opens(&format!("{}/console/history", cloud.url)).await;
        browser.sees("Nothing was changed yet").await;
        pictures(&browser, "history-empty").await;
        browser.clicks("Policies").await;
        browser.clicks("New policy").await;
        browser.types("Name", "Staff").await;
        browser.chooses("Members of some groups").await;
        browser.clicks("Show what it changes").await;
        browser.sees("Please choose at least one group").await;
        pictures(&browser, "policy-errors").await;
        browser
            .runs(
                "for (const one of document.querySelectorAll('.groups label')) {
                     one.querySelector('select').value = one.textContent.startsWith('Staff') ? '+' : '-';
                 }",
            )
            .await;
        browser.chooses("No self-service").await;
        pictures(&browser, "policy").await;
        browser.clicks("Show what it changes").await;
        browser.sees("loses self-service").await;
        browser.sees(evil).await;
        pictures(&browser, "policy-preview").await;
        browser.clicks("Back to the form").await;
        browser.sees("Nothing is saved yet").await;
        browser.clicks("Show what it changes").await;
        browser.clicks("Save").await;
        browser.sees("Saved.").await;
        pictures(&browser, "policies").await;
        browser.clicks("History of changes").await;
        browser.sees("By administrator 0").await;
        pictures(&browser, "history").await;
        browser.runs(UNDO).await;
        browser.sees("Staff").await;
        pictures(&browser, "policy-undo").await;
        browser.clicks("Save").await;
        browser.sees("Saved.").await;

        browser.opens(&format!("{}/console/settings?lang=de", cloud.url)).await;
        browser.chooses("Ein vorläufiges Passwort setzen").await;
        browser.chooses("Einladen").await;
        pictures(&browser, "settings-de").await;
        browser.clicks("Speichern").await;
        browser.opens(&format!("{}/console/history?of=settings", cloud.url)).await;
        browser.runs(UNDO).await;
        browser.sees("Noch ist nichts gespeichert").await;
        pictures(&browser, "undo-de").await;
        // Mail domains take proofs away: who loses is shown first, whatever lines a browser makes of them on the way.
        let domains = "Mail-Domänen, die genau dieses Passwort öffnet";
        browser.opens(&format!("{}/console/settings", cloud.url)).await;
        browser.types(domains, "mail.example\nmial.example").await;
        browser.clicks("Speichern").await;
        browser.sees("mial.example").await;
        browser.sees("Noch ist nichts gespeichert").await;
        pictures(&browser, "settings-impact-de").await;
        browser.clicks("Zurück zum Formular").await;
        assert_eq!(browser.value(domains).await, "mail.example\nmial.example");
        browser.clicks("Speichern").await;
        browser.sees("Noch ist nichts gespeichert").await;
        browser.clicks("Speichern").await;
        browser.sees("Gespeichert").await;
        browser.opens(&format!("{}/console/people/{alice}", cloud.url)).await;
        browser.sees("ausgeschaltet").await;
        pictures(&browser, "person-off-de").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &auditor).await;
        browser.opens(&format!("{}/console/policies?lang=de", cloud.url)).await;
        browser.sees("Für wen keine gilt").await;
        pictures(&browser, "policies-auditor-de").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    // Where it takes two, whoever decides can look at who gains and who loses.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--approvals", "policy"]);
    let decider = cloud.operator(Role::Owner).await;
    let mut wanted = String::new();
    story(async |browser| {
        is_at_console(&browser, &cloud, &admin).await;
        browser.opens(&format!("{}/console/policies/new", cloud.url)).await;
        browser.types("Name", "Nobody").await;
        browser.chooses("Everybody").await;
        browser.chooses("No self-service").await;
        browser.types("Place in the order", "1").await;
        browser.clicks("Show what it changes").await;
        pictures(&browser, "policy-nobody").await;
        browser.chooses("Yes, from then on nobody").await;
        browser.clicks("Save").await;
        browser.types("Why is it needed?", "We move to another portal").await;
        browser.clicks("Ask for it").await;
        browser.sees("Now somebody else has to look at it").await;
        wanted = browser.url().await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &decider).await;
        browser.opens(&wanted).await;
        browser.sees("We move to another portal").await;
        pictures(&browser, "approval-policy").await;
        browser.clicks("See who gains and who loses").await;
        browser.sees("It waits for a decision").await;
        pictures(&browser, "approval-impact").await;
        browser.clicks("Back to the request").await;
        browser.clicks("Allow this").await;
        browser.sees("Done").await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
