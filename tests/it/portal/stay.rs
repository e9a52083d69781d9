//! More time for whoever asks, as far as it goes.

use serde_json::json;

use crate::support::{Cloud, Person};

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
