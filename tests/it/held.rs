//! A full pass that names too few is taken, and removes nobody until somebody says that it is meant: docs/agent-protocol.md §6.7.

use sspr::wire::message::{MirrorBatch, Person};

use crate::support::{Cloud, HandAgent, agent::somebody};

const PRESENT: &str = "select count(*) from users where removed_at is null";
const HELD: &str = "select coalesce(sum(people), 0)::int8 from held_removals";
const TOLD: &str = "select count(*) from audit_events where action = 'mirror.removals' and outcome = 'held'";

fn people(count: usize) -> Vec<Person> {
    (0..count).map(|n| somebody(&format!("person{n}"))).collect()
}

/// A full pass of these, later than whatever was before.
async fn pass(cloud: &Cloud, agent: &mut HandAgent, people: Vec<Person>) -> (i64, i64) {
    cloud.clock.advance(1);
    agent.mirror(people).await;
    (cloud.sql(PRESENT).await, cloud.sql(HELD).await)
}

#[tokio::test]
async fn a_full_pass_of_nobody_removes_nobody_however_few_they_are() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    assert_eq!(pass(&cloud, &mut agent, Vec::new()).await, (0, 0), "of nobody, nobody is held back");
    for few in [1, 20] {
        assert_eq!(pass(&cloud, &mut agent, people(few)).await, (i64::try_from(few).unwrap(), 0));
        assert_eq!(pass(&cloud, &mut agent, Vec::new()).await, (i64::try_from(few).unwrap(), i64::try_from(few).unwrap()));
    }
    assert_eq!(cloud.sql::<i64>(TOLD).await, 2);
    // They keep what they have: nothing of theirs is new when they are named again.
    assert_eq!(pass(&cloud, &mut agent, people(20)).await, (20, 0));
    assert_eq!(cloud.sql::<i64>("select count(*) from users where mail is null").await, 0);
    // Somebody is there, so the others may go.
    assert_eq!(pass(&cloud, &mut agent, people(1)).await, (1, 0));

    pass(&cloud, &mut agent, people(5)).await;
    assert_eq!(pass(&cloud, &mut agent, Vec::new()).await, (5, 5));
    let connector = agent.connector.to_string();
    let said = cloud.administers(&["connector", "accept-removals", &connector]);
    assert!(said.starts_with("5 people"), "{said}");
    assert_eq!((cloud.sql::<i64>(PRESENT).await, cloud.sql::<i64>(HELD).await), (0, 0));
    let said = cloud.administers(&["connector", "accept-removals", &connector]);
    assert!(said.starts_with("Nobody"), "{said}");
}

#[tokio::test]
async fn a_full_pass_without_most_of_many_removes_nobody() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    assert_eq!(pass(&cloud, &mut agent, people(42)).await, (42, 0));
    assert_eq!(pass(&cloud, &mut agent, people(20)).await, (42, 22));
    assert_eq!(pass(&cloud, &mut agent, people(21)).await, (21, 0), "half of them may go");
}

#[tokio::test]
async fn what_another_agent_names_meanwhile_is_not_gone() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    pass(&cloud, &mut agent, people(3)).await;
    cloud.clock.advance(1);
    let begun = MirrorBatch { pass: uuid::Uuid::from_u128(1), full: true, first: true, upserts: people(1), ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &begun).await.status(), 204);
    cloud.clock.advance(1);
    let change = MirrorBatch { pass: uuid::Uuid::from_u128(2), last: true, upserts: vec![somebody("person2")], ..MirrorBatch::default() };
    assert_eq!(other.post("/agent/v1/directory", &change).await.status(), 204);
    let end = MirrorBatch { first: false, last: true, upserts: Vec::new(), ..begun };
    assert_eq!(agent.post("/agent/v1/directory", &end).await.status(), 204);
    let left = "select string_agg(sign_in_name, ' ' order by sign_in_name) from users where removed_at is null";
    assert_eq!(cloud.sql::<String>(left).await, "person0 person2");
}
