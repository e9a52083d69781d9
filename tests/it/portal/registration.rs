//! `/account/methods`: what somebody registers themself, told to every address, usable once it has cooled off.

use serde_json::json;
use sspr::domain::policies::Draft;

use crate::support::{
    Cloud, Person,
    authenticator::{Passkey, app_shows},
};

async fn signed_in(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.is_signed_in(cloud, name).await.opens("/account/methods").await.is_at("/account/methods");
    person
}

/// The key on the page.
fn key(person: &Person) -> String {
    let (_, after) = person.page.body.split_once("<code>").expect("a key");
    after.split_once("</code>").unwrap().0.to_owned()
}

#[tokio::test]
async fn an_app_is_registered_by_its_first_code_told_of_and_cools_off() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.sees("not set up anything yet");
    alice.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    let secret = key(&alice);
    assert_eq!(secret.replace(' ', "").len(), 32, "160 bits");
    let picture = alice.browser.open("/account/methods/app/picture").await.unwrap();
    assert!(picture.status == 200 && picture.body.contains("<svg"));
    // Another browser of hers has none begun, and can confirm none.
    let mut other = signed_in(&cloud, "alice").await;
    assert_eq!(other.browser.open("/account/methods/app/picture").await.unwrap().status, 404);
    let code = app_shows(&secret, cloud.clock.seconds());
    let form = alice.page.form("/account/methods/app/code").unwrap().set("code", &code).unwrap();
    other.page = other.browser.submit(&form).await.unwrap();
    other.is_at("/account/methods").sees("not set up anything yet");

    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    alice.submits("/account/methods/app/code", &[("code", &wrong)]).await.sees("does not fit");
    alice.submits("/account/methods/app/code", &[("code", &code), ("label", " ")]).await.sees("1 to 60");
    alice.submits("/account/methods/app/code", &[("code", &code), ("label", "<b>Phone</b>")]).await.is_at("/account/methods");
    alice.sees("<b>Phone</b>").sees("Works from").sees("not used yet");
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("an authenticator app"), "{mail}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'authenticator.add' and user_id is not null").await, 1);
    assert!(!cloud.dump().await.contains(&secret.replace(' ', "")));

    // Not before it has cooled off, and not with the code that registered it.
    let mut reset = Person::at(&cloud);
    reset.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    assert!(!reset.page.text().contains("Authenticator app"));
    cloud.clock.advance(3600 + 30);
    agent.beat(true).await;
    reset.opens("/").await.submits("/reset", &[("name", "alice")]).await.sees("Authenticator app");
    reset.submits("/reset/method", &[("method", "totp")]).await;
    reset.submits("/reset/code", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await.is_at("/reset/password");
}

#[tokio::test]
async fn a_passkey_is_registered_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let mut passkey = Passkey::new();
    let mut alice = signed_in(&cloud, "alice").await;
    let makes = async |person: &mut Person, passkey: &mut Passkey, origin: &str| {
        person.opens("/account/methods/passkey").await;
        let (status, options) = person.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
        assert_eq!(status, 200, "{options}");
        let answer = passkey.creates(&options, origin).to_string();
        person.submits("/account/methods/passkey", &[("answer", &answer), ("label", "Laptop")]).await;
        (options, answer)
    };
    makes(&mut alice, &mut passkey, "https://evil.example").await;
    assert_eq!(alice.page.status, 422);
    passkey.verifies = false;
    makes(&mut alice, &mut passkey, &cloud.url).await;
    assert_eq!(alice.page.status, 422, "its owner was not verified");
    passkey.verifies = true;
    let (options, answer) = makes(&mut alice, &mut passkey, &cloud.url).await;
    alice.is_at("/account/methods").sees("Laptop");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["excludeCredentials"], json!([]));
    // The same answer again: its challenge is used up. The same key for somebody else: it is taken.
    alice.opens("/account/methods/passkey").await.submits("/account/methods/passkey", &[("answer", &answer)]).await;
    assert_eq!(alice.page.status, 422);
    alice.sees("sent twice");
    let (options, _) = makes(&mut alice, &mut passkey, &cloud.url).await;
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(alice.page.status, 422);
    let mut bob = signed_in(&cloud, "bob").await;
    makes(&mut bob, &mut passkey, &cloud.url).await;
    assert_eq!(bob.page.status, 422);
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
}

#[tokio::test]
async fn recovery_codes_are_shown_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.opens("/account/methods/codes").await.submits("/account/methods/codes", &[]).await;
    let codes = |person: &Person| {
        let lines = person.page.body.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let first = codes(&alice);
    assert_eq!(first.len(), 10);
    alice.opens("/account/methods/codes").await.sees("You have 10 codes left");
    assert!(!alice.page.body.contains(&first[0]));
    alice.submits("/account/methods/codes", &[]).await;
    assert!(codes(&alice).iter().all(|code| !first.contains(code)));
    assert_eq!(cloud.sql::<i64>("select count(*) from recovery_codes").await, 10);
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
}

#[tokio::test]
async fn one_s_own_is_renamed_and_removed_and_nobody_else_s() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.makes_codes("bob").await;
    let (mut alice, mut passkey) = (signed_in(&cloud, "alice").await, Passkey::new());
    cloud.registers_passkey("alice", &mut passkey).await;
    alice.opens("/account/methods").await.submits("/account/methods/rename", &[("label", "My key")]).await.sees("My key");
    let of_bob = cloud.sql::<uuid::Uuid>("select authenticator_id from authenticators where kind = 'recovery_codes'").await.to_string();
    alice.submits("/account/methods/rename", &[("id", &of_bob), ("label", "Hers")]).await;
    alice.opens("/account/methods").await.submits("/account/methods/remove", &[("id", &of_bob)]).await.is_at("/account/methods");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators where label = 'Codes'").await, 1);
    alice.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("removed"), "{mail}");
}

#[tokio::test]
async fn whoever_proved_themselves_long_ago_changes_nothing() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    let mut alice = signed_in(&cloud, "alice").await;
    let page = alice.page.clone();
    for _ in 0..2 {
        cloud.clock.advance(10 * 60);
        alice.opens("/account/methods").await.is_at("/account/methods");
    }
    for action in ["/account/methods/remove", "/account/methods/app"] {
        alice.page = alice.browser.submit(&page.form(action).unwrap()).await.unwrap();
        alice.is_at("/account/sign-in");
    }
    for path in ["/account/methods/passkey", "/account/methods/codes"] {
        alice.opens(path).await.is_at("/account/sign-in");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from registrations").await, 0);
}

#[tokio::test]
async fn whoever_is_asked_whether_all_is_right_says_so_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    assert!(!alice.page.body.contains("/account/methods/confirm"), "nobody asks");
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--reconfirm-days", "90"]);
    alice.opens("/account/methods").await.sees("still right?");
    alice.submits("/account/methods/confirm", &[]).await.is_at("/account/methods");
    assert!(!alice.page.text().contains("still right?"), "{}", alice.page.text());
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'registration.confirm'").await, 1);
}

#[tokio::test]
async fn what_was_added_before_a_freeze_cools_off_anew_when_it_is_lifted() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    let mut thief = signed_in(&cloud, "alice").await;
    thief.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    let code = app_shows(&key(&thief), cloud.clock.seconds());
    thief.submits("/account/methods/app/code", &[("code", &code), ("label", "Phone")]).await.is_at("/account/methods");
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice", "--reason", "she called"]);
    cloud.clock.advance(3600 + 30);
    agent.beat(true).await;
    let usable = "select (select usable_from from authenticators) < (select max(at) from audit_events) + interval '30 minutes'";
    let mut tx = cloud.app.begin().await.unwrap();
    let alice = cloud.sql("select user_id from users where sign_in_name = 'alice'").await;
    let (scope, source) = (&cloud.tenant.scope, sspr::domain::audit::Source::house("cli"));
    assert!(sspr::domain::resets::lift(&mut tx, scope, &cloud.clock, &source, alice).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!cloud.sql::<bool>(usable).await, "its owner has time to remove it");
}

#[tokio::test]
async fn changes_of_methods_are_not_endless() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    for n in 0..20 {
        alice.opens("/account/methods").await.submits("/account/methods/app", &[]).await;
        assert_eq!(alice.page.status, 200, "{n}");
    }
    alice.opens("/account/methods").await.submits("/account/methods/app", &[]).await;
    assert_eq!(alice.page.status, 429, "{}", alice.page.text());
}
