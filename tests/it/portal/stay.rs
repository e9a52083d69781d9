//! More time for whoever asks, as far as it goes.

use serde_json::json;
use sspr::worker;

use crate::support::{Cloud, Person, person::seal_both};

#[tokio::test]
async fn a_journey_is_prolonged_once() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    assert!(alice.page.body.contains("data-more=\"/reset/stay\""), "{}", alice.page.body);
    cloud.clock.advance(14 * 60);
    let (status, answer) = alice.browser.post_json("/reset/stay", &json!({})).await.unwrap();
    assert_eq!((status, answer["more"].as_bool()), (200, Some(false)));
    assert!((950..=960).contains(&answer["seconds"].as_i64().unwrap()), "{answer}");
    cloud.clock.advance(15 * 60);
    alice.opens("/reset/code").await.is_at("/reset/code");
    assert!(!alice.page.body.contains("data-more"), "there is no more");
    let (status, answer) = alice.browser.post_json("/reset/stay", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (409, Some("not_now")));
    cloud.clock.advance(2 * 60);
    alice.opens("/reset").await.sees("Please start again");
    let (status, answer) = alice.browser.post_json("/reset/stay", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (410, Some("flow_ended")), "what is over stays over");
    agent.beat(true).await;
    // The same for a name that does not exist.
    let mut nobody = Person::at(&cloud);
    nobody.opens("/").await.submits("/reset", &[("name", "nobody")]).await;
    assert_eq!(nobody.browser.post_json("/reset/stay", &json!({})).await.unwrap().0, 200);
    assert_eq!(nobody.browser.post_json("/reset/stay", &json!({})).await.unwrap().0, 409);
}

#[tokio::test]
async fn a_change_within_a_session_keeps_it_while_somebody_works_on_it() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account").await.submits("/account/change", &[]).await.is_at("/change/password");
    assert!(alice.page.body.contains("data-again=\"/account\""), "{}", alice.page.body);
    cloud.clock.advance(14 * 60);
    let (status, answer) = alice.browser.post_json("/reset/stay", &json!({})).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    assert!((890..=900).contains(&answer["seconds"].as_i64().unwrap()), "no longer than the session: {answer}");
    for minutes in [3, 10] {
        cloud.clock.advance(minutes * 60);
        worker::clean(&cloud.app).await.unwrap();
        agent.beat(true).await;
        alice.opens("/change/password").await.is_at("/change/password");
    }
    let (status, answer) = alice.ticket().await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = alice.posts(&seal_both(&answer, "Correct-Horse-7", "Old-Horse-6")).await;
    assert_eq!(status, 202, "{answer}");

    // Whoever does nothing for a quarter of an hour has neither; no try at a password is counted for it.
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account").await.submits("/account/change", &[]).await.is_at("/change/password");
    assert_eq!(alice.browser.post_json("/reset/stay", &json!({})).await.unwrap().0, 200);
    sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    cloud.clock.advance(15 * 60 + 1);
    agent.beat(true).await;
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (410, Some("flow_ended")), "{answer}");
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'password_try'").await, 0);
    alice.opens("/change/password").await.sees("Please start again");
}

#[tokio::test]
async fn a_session_goes_on_for_whoever_asks_and_ends_with_its_hour() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account").await.is_at("/account");
    for (minutes, seconds, more) in [(14, 900, true), (14, 900, true), (14, 900, true), (14, 240, false)] {
        cloud.clock.advance(minutes * 60);
        let (status, answer) = alice.browser.post_json("/account/stay", &json!({})).await.unwrap();
        assert_eq!((status, answer["more"].as_bool()), (200, Some(more)), "{answer}");
        assert!((seconds - 10..=seconds).contains(&answer["seconds"].as_i64().unwrap()), "{answer}");
    }
    cloud.clock.advance(241);
    let (status, answer) = alice.browser.post_json("/account/stay", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (403, Some("signed_out")));
}
