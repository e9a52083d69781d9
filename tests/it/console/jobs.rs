//! What goes on at this moment.

use serde_json::Value;
use sspr::{domain::operators::Role, wire::outcome::Code};

use super::people::{STAFF, office, page_of};
use crate::support::{Cloud, Person};

/// Without looks at the account, which go before each.
async fn now(person: &mut Person) -> Value {
    let (status, mut lines) = person.browser.get_json("/console/jobs/now").await.unwrap();
    assert_eq!(status, 200);
    for part in ["under_way", "ended"] {
        lines[part].as_array_mut().unwrap().retain(|line| line["what"] == "New password");
    }
    lines
}

#[tokio::test]
async fn jobs_are_seen_while_they_are_under_way_and_when_they_end() {
    let (cloud, mut agent) = office().await;
    let mut desk = cloud.operator(Role::Administrator).await;
    let (_, mut limited) = cloud.operator_with(Role::HelpDesk, &[(cloud.connector, STAFF)]).await;
    desk.opens("/console/jobs").await.sees("None at the moment").sees("None in the last 15 minutes");
    for name in ["alice", "bob"] {
        Person::at(&cloud).proves(&cloud, name).await.sets("Correct-Horse-7").await;
    }
    desk.opens("/console/jobs").await.sees("Person alice").sees("Person bob").sees("Waits for an agent").sees("New password");
    let alice = page_of(&cloud, "alice").await;
    let lines = now(&mut desk).await;
    assert_eq!(
        (lines["under_way"].as_array().unwrap().len(), lines["under_way"][0]["href"].as_str()),
        (2, Some(alice.as_str())),
        "{lines}"
    );
    // Whoever serves some sees what is theirs.
    let theirs = now(&mut limited).await;
    assert_eq!(
        (theirs["under_way"].as_array().unwrap().len(), theirs["under_way"][0]["person"].as_str()),
        (1, Some("Person alice")),
        "{theirs}"
    );
    limited.opens("/console/jobs").await.sees("Person alice");
    assert!(!limited.page.text().contains("Person bob"));
    let stranger = Cloud::start().await;
    let theirs = now(&mut stranger.operator(Role::Owner).await).await;
    assert_eq!(theirs["under_way"].as_array().unwrap().len(), 0);
    let mut jobs = Vec::new();
    while jobs.len() < 2 {
        jobs.extend(agent.lease(10).await);
    }
    assert!(now(&mut desk).await["under_way"].to_string().contains("An agent is at it"));
    for (job, code) in jobs.iter().zip([Code::Applied, Code::PolicyHistory]) {
        assert_eq!(agent.ends(job, code).await.status(), 204);
    }
    let lines = now(&mut desk).await;
    assert_eq!((lines["under_way"].as_array().unwrap().len(), lines["ended"].as_array().unwrap().len()), (0, 2), "{lines}");
    let told = lines["ended"].to_string();
    assert!(told.contains("is-good") && told.contains("is-bad") && told.contains("hand"), "{told}");
    assert_eq!(now(&mut limited).await["ended"].as_array().unwrap().len(), 1);
    assert!(!told.contains('@'), "{told}");
}
