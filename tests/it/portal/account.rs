//! Sessions: whose they are, how long they last, and who ends them.

use reqwest::{Client, header, redirect};

use sspr::domain::{
    audit::{self, Event, Source},
    operators::Role,
};

use crate::support::{Cloud, Person, agent::somebody};

async fn signed_in(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.is_signed_in(cloud, name).await.opens("/account").await.is_at("/account");
    person
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_used_and_no_longer_than_an_hour() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.sees("Signed in as Person alice").sees("Firefox on Linux").sees("This browser");
    for _ in 0..4 {
        cloud.clock.advance(14 * 60);
        alice.opens("/account").await.is_at("/account");
    }
    cloud.clock.advance(5 * 60);
    alice.opens("/account").await.is_at("/account/sign-in");

    let mut alice = signed_in(&cloud, "alice").await;
    cloud.clock.advance(15 * 60 + 1);
    alice.opens("/account").await.is_at("/account/sign-in");
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn whoever_was_signed_out_is_told_why_and_the_dead_cookie_goes() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    // A proof that is no longer fresh: still signed in.
    for _ in 0..2 {
        cloud.clock.advance(8 * 60);
        alice.opens("/account").await;
    }
    agent.beat(true).await;
    alice.opens("/account/methods/codes").await.is_at("/account/sign-in").sees("You are still signed in");
    assert!(alice.browser.cookies.contains_key("sspr_session"));
    cloud.clock.advance(15 * 60 + 1);
    agent.beat(true).await;
    alice.opens("/account").await.is_at("/account/sign-in").sees("You are signed out: this browser was quiet");
    assert!(!alice.browser.cookies.contains_key("sspr_session"));
    // Who never was signed in is told nothing.
    alice.opens("/account").await.is_at("/account/sign-in");
    assert!(!alice.page.text().contains("signed out"), "{}", alice.page.text());
}

#[tokio::test]
async fn whoever_signs_out_is_out_whatever_cookie_they_still_have() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    let cookie = alice.browser.cookies["sspr_session"].clone();
    let post = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let answer = post
        .post(format!("{}/account/sign-out", cloud.url))
        .header(header::ORIGIN, &cloud.url)
        .header(header::COOKIE, format!("sspr_session={cookie}"))
        .form(&[("", ""); 0])
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()[header::LOCATION].to_str().unwrap()), (303, "/"));
    assert_eq!(answer.headers()["clear-site-data"], "\"cache\", \"storage\"");
    assert!(answer.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    alice.opens("/account").await.is_at("/account/sign-in");
    let (status, answer) = alice.browser.get_json("/account").await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (403, Some("signed_out")), "a script is told so");
    let ends = "select count(*) from audit_events where action = 'session.end' and outcome = 'signed_out' and detail ? 'session'";
    assert_eq!(cloud.sql::<i64>(ends).await, 1);
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where action = 'session.begin' and detail ->> 'by' = 'password'").await,
        1
    );
    assert!(!cloud.dump().await.contains(&cookie), "only its hash was kept");
}

#[tokio::test]
async fn other_browsers_are_seen_and_ended_and_other_people_are_not() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let (mut here, mut there, mut bob) =
        (signed_in(&cloud, "alice").await, signed_in(&cloud, "alice").await, signed_in(&cloud, "bob").await);
    here.opens("/account").await;
    assert_eq!(here.page.text().matches("Signed in since").count(), 2, "hers alone: {}", here.page.text());
    // Bob's is not hers to end, whatever she posts.
    let of_bob: uuid::Uuid =
        cloud.sql("select session_id from sessions s join users u using (tenant_id, user_id) where sign_in_name = 'bob'").await;
    here.submits("/account/sessions/end", &[("session", &of_bob.to_string())]).await;
    bob.opens("/account").await.is_at("/account");
    here.opens("/account").await.submits("/account/sessions/end", &[]).await.is_at("/account");
    there.opens("/account").await.is_at("/account/sign-in");
    here.opens("/account").await.is_at("/account");
}

#[tokio::test]
async fn whoever_may_not_be_served_any_more_is_out_for_good() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    for change in ["enabled", "protected", "removed"] {
        let mut alice = signed_in(&cloud, "alice").await;
        let mut changed = somebody("alice");
        match change {
            "enabled" => changed.enabled = false,
            "protected" => changed.protected = true,
            _ => {}
        }
        agent.mirror(if change == "removed" { vec![somebody("bob")] } else { vec![changed, somebody("bob")] }).await;
        alice.opens("/account").await.is_at("/account/sign-in");
        // And not in again by the same cookie once that is over.
        agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
        alice.opens("/account").await.is_at("/account/sign-in");
    }
    // The tenant's switch is asked every time, and forgets nothing.
    let mut bob = signed_in(&cloud, "bob").await;
    sqlx::query("update tenants set self_service = false").execute(&cloud.app.db).await.unwrap();
    bob.opens("/account").await.is_at("/account/sign-in");
}

#[tokio::test]
async fn a_cookie_is_good_at_its_own_tenant_and_only_if_we_made_it() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let alice = signed_in(&cloud, "alice").await;
    let cookie = alice.browser.cookies["sspr_session"].clone();
    assert_eq!(cookie.len(), 43, "256 bits");
    cloud.administers(&["tenant", "create", "Other", "--host", "other.example"]);
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let get = |host: &'static str, cookies: String| {
        let request = client.get(format!("{}/account", cloud.url)).header(header::COOKIE, cookies);
        let request = if host.is_empty() { request } else { request.header(header::HOST, host) };
        let request = request.header("x-forwarded-host", "localhost").header(header::ACCEPT, "text/html");
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let own = format!("sspr_session={cookie}");
    assert_eq!(get("", own.clone()).await, 200);
    assert_eq!(get("other.example", own.clone()).await, 303, "the cookie is another tenant's");
    assert_eq!(get("evil.example", own.clone()).await, 404);
    // One that somebody laid beside it, or in its place.
    let planted = "A".repeat(43);
    assert_eq!(get("", format!("{own}; sspr_session={planted}")).await, 303, "of two neither is believed");
    assert_eq!(get("", format!("sspr_session={planted}")).await, 303);
    assert_eq!(get("", format!("sspr_flow={cookie}")).await, 303, "another purpose");
    // A new one is never one that was there before.
    let again = cloud.session_of("alice").await;
    assert_ne!(again, cookie);
}

/// Whoever knows a name can begin as often as they like.
#[tokio::test]
async fn what_somebody_proved_is_not_buried_under_what_strangers_begin() {
    const PROVEN: [(&str, &str); 12] = [
        ("reset.code_try", "right"),
        ("reset.password_try", "limit"),
        ("reset.result", "applied"),
        ("session.end", "all"),
        ("user.language", "chosen"),
        ("user.contact", "added"),
        ("authenticator.add", "added"),
        ("authenticator.remove", "removed"),
        ("authenticator.stop", "copied"),
        ("registration.confirm", "confirmed"),
        ("help_desk.code", "made"),
        ("account.freeze", "lifted"),
    ];
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    for _ in 0..32 {
        Person::at(&cloud).opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
    }
    alice.opens("/account").await.sees("A password reset was begun, 32 times").sees("Somebody signed in to this page");
    let user = cloud.user("alice").await.user_id;
    let (scope, stranger) = (&cloud.tenant.scope, Source::house("user"));
    let event = |action, outcome| Event { action, outcome, user: Some(user), ..Event::default() };
    let mut tx = cloud.app.begin().await.unwrap();
    let proven = PROVEN.map(|(action, outcome)| (scope, &stranger, event(action, outcome)));
    audit::record_all(&mut tx, &cloud.clock, proven.into()).await.unwrap();
    let noise = [("reset.begin", "known"), ("reset.choose", "chosen"), ("reset.code_send", "sent"), ("reset.code_try", "wrong")];
    let noise = noise.iter().cycle().take(1200).map(|(action, outcome)| (scope, &stranger, event(action, outcome)));
    audit::record_all(&mut tx, &cloud.clock, noise.collect()).await.unwrap();
    let lines = audit::of_user(&mut tx, scope, &cloud.clock, user).await.unwrap();
    for (action, outcome) in PROVEN {
        assert!(lines.iter().any(|line| (&*line.action, &*line.outcome) == (action, outcome)), "{action} {outcome}");
    }
    tx.commit().await.unwrap();
    alice.opens("/account").await.sees("A password reset was begun, 75 times or more").sees("A wrong code was entered, 75 times or more");
    alice.sees("A passkey was stopped").sees("Somebody signed in to this page");
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&format!("/console/people/{user}")).await.sees("A password reset was begun, 75 times or more");
    desk.sees("A passkey was stopped").sees("Somebody signed in to this page");
}
