//! Jobs that lie there for agents alone that do not reach their directory: whoever waits is told at once, whichever came first, the
//! password or the agent's word.

use std::time::Duration;

use serde_json::Value;
use sspr::wire::outcome::Code;

use super::linked;
use crate::support::{Cloud, HandAgent, Person, person::seal_both};

async fn cloud() -> (Cloud, HandAgent, Person) {
    let (cloud, agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    (cloud, agent, alice)
}

/// Told in a moment, and not by the deadline.
async fn is_told(person: &mut Person) -> (String, String) {
    let told = tokio::time::timeout(Duration::from_secs(10), person.is_told()).await.expect("somebody waits in vain");
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("code"))
}

fn unreachable() -> (String, String) {
    ("failed".to_owned(), "directory_unreachable".to_owned())
}

#[tokio::test]
async fn whoever_waits_is_told_when_the_directory_goes_away() {
    let (cloud, mut agent, mut alice) = cloud().await;
    alice.sets("Correct-Horse-7").await;
    assert_eq!(alice.status().await["state"], "submitted");
    let (told, ()) = tokio::join!(is_told(&mut alice), async {
        // The stream is open.
        tokio::time::sleep(Duration::from_millis(50)).await;
        agent.beat(false).await;
    });
    assert_eq!(told, unreachable());
    alice.opens("/reset/ended").await.is_at("/reset/ended").sees("room 101");
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs").await, 0, "her account's state was asked for, too");
    let line = "select actor || ' ' || outcome || ' ' || (detail ->> 'code') from audit_events where action = 'reset.unreachable' and job_id in (select job_id from jobs where kind = 'reset')";
    assert_eq!(cloud.sql::<String>(line).await, format!("agent:{} failed directory_unreachable", agent.id));
    // Once more, without proving anything.
    agent.beat(true).await;
    alice.submits("/reset/again", &[]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(is_told(&mut alice).await.0, "applied");
}

#[tokio::test]
async fn a_password_that_comes_after_the_word_is_told_of_at_once() {
    let (_cloud, mut agent, mut alice) = cloud().await;
    let job = alice.seals("Correct-Horse-7").await;
    agent.beat(false).await;
    assert_eq!(alice.posts(&job).await.0, 202);
    assert_eq!(is_told(&mut alice).await, unreachable());
}

#[tokio::test]
async fn a_password_that_was_let_pass_before_the_word_and_came_after_it_is_told_of_at_once() {
    let (cloud, mut agent, mut alice) = cloud().await;
    let job = alice.seals("Correct-Horse-7").await;
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select 1 from job_heads for update").execute(&mut *tx).await.unwrap();
    let ((posted, _), ()) = tokio::join!(alice.posts(&job), async {
        // It has passed the gates, and waits to be written.
        cloud.until("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()", 1).await;
        agent.beat(false).await;
        tx.commit().await.unwrap();
    });
    assert_eq!(posted, 202);
    assert_eq!(is_told(&mut alice).await, unreachable());
}

#[tokio::test]
async fn a_job_that_another_can_take_waits_for_it() {
    let (cloud, mut blind, mut alice) = cloud().await;
    let mut seeing = cloud.agent().await;
    alice.sets("Correct-Horse-7").await;
    blind.beat(false).await;
    let job = seeing.lease(5).await.remove(0);
    assert_eq!(seeing.open(&job).unwrap(), "Correct-Horse-7");
    seeing.ends(&job, Code::Applied).await;
    assert_eq!(is_told(&mut alice).await.0, "applied");
    // Nor does one that came too late to be sealed for, or one that was not heard of lately.
    let mut bob = Person::at(&cloud);
    blind.beat(true).await;
    bob.proves(&cloud, "bob").await;
    let sealed = bob.seals("Correct-Horse-8").await;
    let mut late = cloud.agent().await;
    assert_eq!(bob.posts(&sealed).await.0, 202);
    blind.beat(false).await;
    assert_eq!(bob.status().await["state"], "submitted", "the second one reaches it");
    cloud.clock.advance(36);
    late.beat(true).await;
    blind.beat(false).await;
    assert_eq!(is_told(&mut bob).await, unreachable());
}

#[tokio::test]
async fn what_an_agent_had_is_not_called_unchanged() {
    let (cloud, mut agent, mut alice) = cloud().await;
    alice.sets("Correct-Horse-7").await;
    assert_eq!(agent.lease(5).await.len(), 1);
    agent.beat(false).await;
    assert_eq!(alice.status().await["state"], "leased");
    cloud.clock.advance(16);
    agent.beat(false).await;
    assert_eq!(alice.status().await["final"], false);
    let restored = "update jobs set state = 'submitted', lease = null, lease_until = null where kind = 'reset' and state = 'leased'";
    sqlx::query(restored).execute(&cloud.app.db).await.unwrap();
    sqlx::query("update active_jobs set lease_until = null").execute(&cloud.app.db).await.unwrap();
    agent.beat(false).await;
    assert_eq!(alice.status().await["state"], "submitted");
}

#[tokio::test]
async fn what_follows_is_given_up_with_the_first_and_waits_for_its_own() {
    let (cloud, mut first, mut second) = linked::cloud().await;
    let mut alice = linked::at_password(&cloud, "alice").await;
    let states = async || linked::states(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    // That the other directory is away is nothing to the first, nor to what is held.
    second.beat(false).await;
    assert_eq!(states().await, "Head office submitted, Lab held");
    second.beat(true).await;
    first.beat(false).await;
    assert_eq!(states().await, "Head office failed, Lab cancelled");
    assert_eq!(is_told(&mut alice).await, unreachable());
    assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs").await, 0);
    first.beat(true).await;
    alice.opens("/reset/ended").await.submits("/reset/again", &[]).await.is_at("/reset/password");
    let sealed = alice.seals("Correct-Horse-7").await;
    assert_eq!(alice.posts(&sealed).await.0, 202);
    first.work(Code::Applied).await;
    // Sealed for this moment and no later one: it waits as long as it lives.
    second.beat(false).await;
    let waiting = "select count(*) from jobs where kind = 'reset' and state = 'submitted' and part = 'follows'";
    assert_eq!(cloud.sql::<i64>(waiting).await, 1);
    second.beat(true).await;
    second.work(Code::Applied).await;
    assert_eq!(is_told(&mut alice).await.0, "applied");
}

#[tokio::test]
async fn a_current_password_that_nobody_compared_is_no_wrong_try() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    for page in ["/change", "/account/sign-in"] {
        let mut alice = Person::at(&cloud);
        alice.proves_from(&cloud, page, "alice").await;
        let (status, answer) = alice.ticket().await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(tries(&cloud).await, 1);
        agent.beat(false).await;
        let (path, new) = if page == "/change" { ("/reset/jobs", "Correct-Horse-7") } else { ("/account/jobs", "") };
        let (status, answer): (u16, Value) = alice.browser.post_json(path, &seal_both(&answer, new, "Old-Horse-6")).await.unwrap();
        assert_eq!(status, 202, "{answer}");
        assert_eq!(is_told(&mut alice).await, unreachable(), "{page}");
        assert_eq!(tries(&cloud).await, 0, "{page}");
        agent.beat(true).await;
    }
}

async fn tries(cloud: &Cloud) -> i64 {
    cloud.sql::<i64>("select coalesce(max(used), 0)::bigint from limits where kind = 'password_try'").await
}
