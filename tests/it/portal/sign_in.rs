//! Signing in to one's account page: a method, then the current password, and only then a session; and what ends it.

use serde_json::Value;
use sspr::{
    domain::{audit::Source, resets},
    wire::{message::Person as DirectoryPerson, outcome::Code, seal, ticket::Kind},
};

use crate::support::{
    Cloud, HandAgent, Person,
    agent::somebody,
    person::{seal_both, seal_for},
};

/// At the page of the current password, proven.
async fn at_the_page(cloud: &Cloud) -> Person {
    let mut alice = Person::at(cloud);
    alice.proves_from(cloud, "/account/sign-in", "alice").await.is_at("/account/password");
    alice
}

async fn hands_in(alice: &mut Person, password: &str) -> Value {
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["ticket"]["kind"].as_str(), &answer["ticket"]["seq"]), (200, Some("verify"), &0.into()), "{answer}");
    let job = seal_both(&answer, "", password);
    let (status, answer) = alice.browser.post_json("/account/jobs", &job).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    job
}

/// Hand in the current password; the agent says this of it.
async fn says(alice: &mut Person, agent: &mut HandAgent, code: Code) -> Value {
    hands_in(alice, "Old-Horse-6").await;
    agent.work(code).await;
    alice.is_told().await
}

async fn sessions(cloud: &Cloud) -> i64 {
    cloud.sql::<i64>("select count(*) from sessions").await
}

#[tokio::test]
async fn a_right_password_opens_a_session_by_a_press_and_not_by_a_look() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    alice.sees("Enter your password");
    let job = hands_in(&mut alice, "Old-Horse-6").await;
    assert_eq!(alice.browser.post_json("/account/jobs", &job).await.unwrap().0, 202, "the very same again is the same");
    alice.opens("/reset").await.is_at("/reset/status").sees("Your password is being checked");
    let leased = agent.lease(5).await.remove(0);
    assert_eq!(leased.ticket.kind, Kind::Verify);
    let secrets = seal::open(leased.envelope.as_ref().unwrap(), &leased.ticket, &agent.sealing.private).unwrap();
    assert_eq!((secrets.new.as_str(), secrets.old.as_str()), ("", "Old-Horse-6"));
    agent.ends(&leased, Code::Verified).await;
    assert_eq!(alice.is_told().await["next"], "/account/enter");
    for _ in 0..2 {
        alice.opens("/account/enter").await.is_at("/account/enter").sees("It is you");
        assert_eq!(sessions(&cloud).await, 0, "a look changes nothing");
    }
    // Somebody laid a cookie into the browser before.
    alice.browser.cookies.insert("sspr_session".into(), "A".repeat(43));
    let before = alice.browser.cookies.clone();
    let again = alice.page.form("/account/sessions").unwrap();
    alice.submits("/account/sessions", &[]).await.is_at("/account").sees("Signed in as Person alice");
    assert_ne!(alice.browser.cookies["sspr_session"], before["sspr_session"]);
    // The journey is over and its cookie is worth nothing.
    let mut other = Person::at(&cloud);
    other.browser.cookies = before;
    other.page = other.browser.submit(&again).await.unwrap();
    other.opens("/account").await.is_at("/account/sign-in");
    assert_eq!(sessions(&cloud).await, 1);
    let begun = "select count(*) from audit_events where action = 'session.begin' and detail ->> 'by' = 'password'";
    assert_eq!(cloud.sql::<i64>(begun).await, 1);
}

#[tokio::test]
async fn every_other_answer_opens_nothing_and_leads_on() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    for (code, next, words) in [
        (Code::WrongPassword, "/account/password", "This is not your current password"),
        (Code::AccountLocked, "/reset/ended", "Your account is locked"),
        (Code::AccountDisabled, "/reset/ended", "switched off"),
        (Code::DirectoryUnreachable, "/reset/ended", "room 101"),
        (Code::LimitReached, "/reset/ended", "room 101"),
        (Code::PasswordExpired, "/account/enter", "Your password has run out"),
        (Code::MustChange, "/account/enter", "You have to choose a new password"),
    ] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        assert_eq!(says(&mut alice, &mut agent, code).await["next"], next, "{code:?}");
        alice.opens("/reset").await.is_at(next).sees(words);
        assert_ne!(alice.browser.post_json("/account/sessions", &serde_json::json!({})).await.unwrap().0, 303);
        if next == "/account/enter" {
            assert!(alice.page.form("/account/sessions").is_err(), "{code:?}: {}", alice.page.text());
        }
        assert_eq!(sessions(&cloud).await, 0, "{code:?}");
        sqlx::query("update flows set job_id = null").execute(&cloud.app.db).await.unwrap();
    }
}

#[tokio::test]
async fn whose_password_is_due_changes_it_without_proving_again() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    says(&mut alice, &mut agent, Code::PasswordExpired).await;
    alice.opens("/reset").await.is_at("/account/enter").sees("Step 3 of 4");
    alice.submits("/account/renewal", &[]).await.is_at("/change/password").sees("Current password").sees("Step 3 of 4");
    let (_, answer) = alice.ticket().await;
    assert_eq!(answer["ticket"]["kind"], "change");
    assert_eq!(alice.posts(&seal_both(&answer, "Correct-Horse-7", "Old-Horse-6")).await.0, 202);
    agent.work(Code::Applied).await;
    alice.opens("/reset").await.is_at("/reset/done");
    assert_eq!(sessions(&cloud).await, 0);
}

#[tokio::test]
async fn who_proved_a_passkey_needs_no_password_besides() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    // As if it had been that; how a passkey is proven has tests of its own.
    sqlx::query("update flows set passed = '{passkey}'").execute(&cloud.app.db).await.unwrap();
    alice.opens("/account/password").await.is_at("/account/enter");
    assert_eq!(alice.ticket().await.0, 403);
    alice.submits("/account/sessions", &[]).await.is_at("/account");
    let begun = "select count(*) from audit_events where action = 'session.begin' and detail ->> 'by' = 'passkey'";
    assert_eq!((cloud.sql::<i64>(begun).await, sessions(&cloud).await), (1, 1));
}

#[tokio::test]
async fn a_sign_in_never_gets_what_sets_a_password() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    for path in ["/reset/password", "/change/password", "/account/enter", "/reset/done", "/reset/need"] {
        alice.opens(path).await.is_at("/account/password");
    }
    let (_, answer) = alice.ticket().await;
    assert_eq!(alice.posts(&seal_for(&answer, "Correct-Horse-7")).await.1["code"], "no_ticket", "not by the door of resets");
    // As if somebody had made one of another kind for this flow.
    for kind in ["reset", "change"] {
        sqlx::query("update jobs set kind = $1, seq = 7 where kind <> 'inspect'").bind(kind).execute(&cloud.app.db).await.unwrap();
        let job = seal_for(&answer, "Correct-Horse-7");
        assert_eq!(alice.posts(&job).await.1["code"], "no_ticket", "{kind}");
        assert_eq!(alice.browser.post_json("/account/jobs", &job).await.unwrap().1["code"], "no_ticket", "{kind}");
    }
    assert!(agent.lease(0).await.is_empty());
    // Nor is a right password of a reset's flow anybody's way in.
    let mut bob = Person::at(&cloud);
    bob.proves_from(&cloud, "/", "bob").await.is_at("/reset/password");
    let (_, answer) = bob.ticket().await;
    assert_eq!(bob.browser.post_json("/account/jobs", &seal_both(&answer, "", "x")).await.unwrap().1["code"], "no_ticket");
    assert_eq!(sessions(&cloud).await, 0);
}

async fn signed_in(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.is_signed_in(cloud, name).await.opens("/account").await.is_at("/account");
    person
}

#[tokio::test]
async fn within_a_fresh_session_a_change_takes_no_further_proof() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let (mut alice, mut there, mut bob) =
        (signed_in(&cloud, "alice").await, signed_in(&cloud, "alice").await, signed_in(&cloud, "bob").await);
    alice.submits("/account/change", &[]).await.is_at("/change/password").sees("Current password");
    let (_, answer) = alice.ticket().await;
    assert_eq!(answer["ticket"]["kind"], "change");
    assert_eq!(alice.posts(&seal_both(&answer, "Correct-Horse-7", "Old-Horse-6")).await.0, 202);
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["next"], "/reset/done");
    alice.opens("/reset").await.is_at("/reset/done");
    alice.submits("/reset/end", &[]).await.is_at("/account").sees("Your password was changed").sees("Browsers were signed out");
    there.opens("/account").await.is_at("/account/sign-in");
    bob.opens("/account").await.is_at("/account");
    // The proof is a quarter of an hour old, the session still lives.
    cloud.clock.advance(10 * 60);
    alice.opens("/account").await.is_at("/account");
    cloud.clock.advance(6 * 60);
    agent.beat(true).await;
    alice.opens("/account").await.is_at("/account");
    alice.submits("/account/change", &[]).await.is_at("/change");
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where session_id is not null").await, 1);
}

#[tokio::test]
async fn what_was_begun_within_a_session_ends_with_it() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    let mut there = signed_in(&cloud, "alice").await;
    alice.submits("/account/change", &[]).await.is_at("/change/password");
    let (_, answer) = alice.ticket().await;
    let sealed = seal_both(&answer, "Correct-Horse-7", "Old-Horse-6");
    // From another browser of hers: all others are to be out.
    there.opens("/account").await.submits("/account/sessions/end-others", &[]).await;
    let (status, answer) = alice.posts(&sealed).await;
    assert_eq!((status, answer["code"].as_str()), (410, Some("flow_ended")), "{answer}");
    assert_eq!(alice.ticket().await.0, 410);
    alice.opens("/change/password").await.sees("Please start again").sees("you were signed out in the meantime");
    assert!(agent.lease(0).await.is_empty());
    // What is on its way goes on, and how it ended is told.
    let mut alice = signed_in(&cloud, "alice").await;
    alice.submits("/account/change", &[]).await.is_at("/change/password");
    let (_, answer) = alice.ticket().await;
    assert_eq!(alice.posts(&seal_both(&answer, "Correct-Horse-7", "Old-Horse-6")).await.0, 202);
    there.opens("/account").await.submits("/account/sessions/end-others", &[]).await;
    agent.work(Code::Applied).await;
    alice.opens("/reset").await.is_at("/reset/done");
}

#[tokio::test]
async fn a_reset_ends_every_session_of_its_owner() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let (mut there, mut bob) = (signed_in(&cloud, "alice").await, signed_in(&cloud, "bob").await);
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
    there.opens("/account").await.is_at("/account/sign-in");
    bob.opens("/account").await.is_at("/account");
}

/// They had shown the old one, and pressed on only after a new one was set, or while it is being set.
#[tokio::test]
async fn nobody_is_let_in_by_a_password_that_is_another_since() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    for set in [true, false] {
        let mut waits = at_the_page(&cloud).await;
        assert_eq!(says(&mut waits, &mut agent, Code::Verified).await["next"], "/account/enter");
        waits.opens("/account/enter").await.is_at("/account/enter");
        let mut alice = Person::at(&cloud);
        alice.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
        if set {
            agent.work(Code::Applied).await;
            assert_eq!(alice.is_told().await["state"], "applied");
        }
        waits.submits("/account/sessions", &[]).await.sees("The password was changed meanwhile");
        waits.opens("/account").await.is_at("/account/sign-in");
        assert_eq!(sessions(&cloud).await, 0);
        cloud.clock.advance(3600);
        agent.beat(true).await;
    }
    let refused = "select count(*) from audit_events where action = 'session.begin' and outcome = 'refused'";
    assert_eq!(cloud.sql::<i64>(refused).await, 2);
}

/// A session that is being made and a new password that is handed in at that moment: the second waits for the first, and so sees it.
#[tokio::test]
async fn a_new_password_waits_for_a_session_that_is_being_made_and_ends_it() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let mut enters = at_the_page(&cloud).await;
    says(&mut enters, &mut agent, Code::Verified).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.is_at("/reset/password");
    let (_, permit) = alice.ticket().await;

    let (scope, clock, source) = (&cloud.tenant.scope, &cloud.clock, Source::house("test"));
    let mut tx = cloud.app.begin().await.unwrap();
    let flow = resets::load(&mut tx, scope, clock, &enters.browser.cookies["sspr_flow"]).await.unwrap().unwrap();
    let entry = resets::enter(&mut tx, scope, clock, &source, &flow, "a browser", None).await.unwrap();
    assert!(matches!(entry, resets::Entry::In(_)));
    let posted = tokio::spawn(async move { alice.posts(&seal_for(&permit, "Correct-Horse-7")).await.0 });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!posted.is_finished(), "it was handed in before the session was there");
    tx.commit().await.unwrap();
    assert_eq!((posted.await.unwrap(), sessions(&cloud).await), (202, 1));
    agent.work(Code::Applied).await;
    assert_eq!(sessions(&cloud).await, 0);
}

#[tokio::test]
async fn the_chosen_language_is_kept_whatever_the_directory_says() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.submits("/account/language", &[("language", "de")]).await.is_at("/account").sees("Ihr Konto");
    alice.opens("/account").await.sees("Ihr Konto");
    let mut english = somebody("alice");
    english.language = Some("en-GB".into());
    agent.mirror(vec![english, somebody("bob")]).await;
    assert_eq!(cloud.sql::<String>("select language from users where sign_in_name = 'alice'").await, "de");
}

#[tokio::test]
async fn whoever_named_no_language_is_written_to_in_that_of_their_journey_and_not_in_a_stranger_s() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let language = || cloud.sql::<Option<String>>("select language from users where sign_in_name = 'alice'");
    let mut stranger = Person::at(&cloud);
    stranger.browser.language = "de".to_owned();
    stranger.asks_for_a_code("alice").await;
    cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    assert_eq!(language().await, None, "nothing was proven");
    let mut alice = Person::at(&cloud);
    alice.browser.language = "de".to_owned();
    alice.proves(&cloud, "alice").await;
    let seen = cloud.inbox.count("alice@mail.example");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    let told = cloud.inbox.wait_for("alice@mail.example", seen).await.unwrap();
    assert!(told.subject.contains("wurde geändert"), "{}", told.subject);
    // Kept while the directory is silent about it, and the directory's as soon as it is not.
    let changed = |language: Option<&str>| DirectoryPerson {
        display_name: "Alice".to_owned(),
        language: language.map(str::to_owned),
        ..somebody("alice")
    };
    agent.mirror(vec![changed(None), somebody("bob")]).await;
    assert_eq!(language().await.as_deref(), Some("de"));
    agent.mirror(vec![changed(Some("en-GB")), somebody("bob")]).await;
    assert_eq!(language().await.as_deref(), Some("en"));
    cloud.clock.advance(31);
    agent.beat(true).await;
    alice.proves(&cloud, "alice").await;
    assert_eq!(language().await.as_deref(), Some("en"));
}

#[tokio::test]
async fn a_check_that_came_to_nothing_says_that_nothing_was_changed() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = at_the_page(&cloud).await;
    hands_in(&mut alice, "Old-Horse-6").await;
    cloud.clock.advance(121);
    assert_eq!(alice.is_told().await["state"], "expired");
    alice.opens("/reset").await.is_at("/reset/ended").sees("did not check the password in time").sees("nothing was changed");
    agent.beat(true).await;
    let mut alice = at_the_page(&cloud).await;
    hands_in(&mut alice, "Old-Horse-6").await;
    agent.lease(5).await.remove(0);
    cloud.clock.advance(121);
    assert_eq!(alice.is_told().await["state"], "unknown");
    alice.opens("/reset").await.is_at("/reset/ended").sees("while it was being checked").sees("You are not signed in");
    assert_eq!(sessions(&cloud).await, 0);
}
