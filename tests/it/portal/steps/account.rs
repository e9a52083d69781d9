//! One's own page: by what somebody signed in, how long ago, and whether they still are.

use serde_json::Value;
use sspr::domain::{
    policies::{Draft, Method},
    sessions::By,
};
use time::Duration;

use super::{METHODS, Step, tries_all_else};
use crate::support::{Cloud, HandAgent, Person};

/// Every session may do that, however old the proof.
const ALWAYS: [&str; 5] =
    ["/account/language", "/account/sessions/end", "/account/sessions/end-others", "/account/sign-out", "/account/methods/rename"];

const OWN: &[(&str, &str)] = &[
    ("/account", "/account"),
    ("/account/methods", "/account/methods"),
    // Nothing is begun.
    ("/account/methods/app", "/account/methods"),
    ("/account/methods/codes", "/account/methods/codes"),
    ("/account/methods/passkey", "/account/methods/passkey"),
    ("/account/methods/contact/private_email", "/account/methods/contact/private_email"),
];

/// Shown to whoever must sign in anew before they change anything.
const STALE: &[(&str, &str)] =
    &[("/account", "/account"), ("/account/methods", "/account/methods"), ("/account/methods/app", "/account/methods")];

/// No flow: every page behind the first one leads there.
fn none(pages: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let flows = super::PAGES.iter().filter(|page| !page.starts_with("/account")).map(|page| (*page, "/"));
    let entering = ["/account/password", "/account/enter"].map(|page| (page, "/"));
    flows.chain(entering).chain(pages.iter().copied()).collect()
}

async fn cloud() -> (Cloud, HandAgent, Value) {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    let foreign = bob.seals("Correct-Horse-7").await;
    agent.lease(0).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), rises: false, ..terms }).await;
    // Hers, which whoever may is allowed to rename and remove.
    cloud.registers_app("alice", Duration::ZERO).await;
    (cloud, agent, foreign)
}

async fn signed_in(cloud: &Cloud, by: By, proven: Method) -> Person {
    let mut alice = Person::at(cloud);
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", by, proven).await);
    alice
}

#[tokio::test]
async fn a_session_opens_ones_own_page_and_no_reset() {
    let (cloud, mut agent, foreign) = cloud().await;
    let all = [&ALWAYS[..], &METHODS[..], &["/account/change"]].concat();
    let mut alice = signed_in(&cloud, By::Password, Method::Totp).await;
    let step = Step { pages: &none(OWN), lawful: &all, ..Step::default() };
    tries_all_else(&cloud, &mut alice, "signed in", step, &foreign).await;

    // A change that was begun there.
    alice.opens("/account").await.submits("/account/change", &[]).await.is_at("/change/password");
    agent.lease(0).await;
    let lawful = [&all[..], &["/reset/ticket"]].concat();
    let step = Step { own: "/change/password", pages: OWN, lawful: &lawful };
    tries_all_else(&cloud, &mut alice, "changing from there", step, &foreign).await;

    // Whoever showed no app takes none away, and changes nothing that stands for it.
    let mut mailbox = signed_in(&cloud, By::Password, Method::Email).await;
    let removing = ["/account/methods/remove", "/account/methods/contact/sms/remove"];
    let lawful: Vec<&str> = all.iter().copied().filter(|path| !removing.contains(path)).collect();
    let step = Step { pages: &none(OWN), lawful: &lawful, ..Step::default() };
    tries_all_else(&cloud, &mut mailbox, "signed in by mail", step, &foreign).await;
}

#[tokio::test]
async fn a_mailbox_and_the_password_that_opens_it_add_nothing() {
    let (cloud, _agent, foreign) = cloud().await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    let mut thief = signed_in(&cloud, By::Password, Method::Email).await;
    // To type a code counts as a try at one, and adds nothing.
    let typing = "/account/methods/contact/private_email/code";
    let lawful = [&ALWAYS[..], &["/account/change", "/account/methods/confirm", typing]].concat();
    let step = Step { pages: &none(OWN), lawful: &lawful, ..Step::default() };
    tries_all_else(&cloud, &mut thief, "one secret", step, &foreign).await;
}

#[tokio::test]
async fn a_browser_that_was_left_open_changes_nothing() {
    let (cloud, mut agent, foreign) = cloud().await;
    let mut alice = signed_in(&cloud, By::Password, Method::Totp).await;
    let mut out = signed_in(&cloud, By::Password, Method::Totp).await;
    let mut closed = signed_in(&cloud, By::Password, Method::Totp).await;
    // Neither fifteen minutes of use make it fresh again.
    for _ in 0..2 {
        cloud.clock.advance(8 * 60);
        alice.opens("/account").await.is_at("/account");
        out.opens("/account").await.is_at("/account");
        closed.opens("/account").await.is_at("/account");
    }
    agent.beat(true).await;
    let step = Step { pages: &none(STALE), lawful: &ALWAYS, ..Step::default() };
    tries_all_else(&cloud, &mut alice, "proven long ago", step, &foreign).await;

    let cookie = out.browser.cookies["sspr_session"].clone();
    out.opens("/account").await.submits("/account/sign-out", &[]).await;
    out.browser.cookies.insert("sspr_session".into(), cookie);
    tries_all_else(&cloud, &mut out, "signed out", Step { pages: &none(&[]), ..Step::default() }, &foreign).await;

    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice"]);
    tries_all_else(&cloud, &mut closed, "frozen", Step { pages: &none(&[]), ..Step::default() }, &foreign).await;
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant, "alice"]);
    tries_all_else(&cloud, &mut closed, "lifted", Step { pages: &none(&[]), ..Step::default() }, &foreign).await;
}
