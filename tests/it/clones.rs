//! One identity in two places is noticed; a restart is not mistaken for it.

use std::{fs, io::ErrorKind};

use sspr::base::{clock::Clock, id};
use tokio_util::sync::CancellationToken;

use crate::support::{Cloud, HandAgent, office::Office};

const CLONES: &str = "select count(*) from audit_events where action = 'agent.clone' and outcome = 'seen'";
const MOVES: &str = "select count(*) from audit_events where action = 'agent.address'";

/// One heartbeat of this process, ten seconds after the last.
async fn beats(cloud: &Cloud, agent: &mut HandAgent, instance: uuid::Uuid) -> i64 {
    cloud.clock.advance(10);
    agent.instance = Some(instance);
    agent.beat(true).await;
    cloud.sql::<i64>(CLONES).await
}

#[tokio::test]
async fn a_process_that_was_replaced_and_speaks_again_is_a_copy() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let [one, two, three, four] = [(); 4].map(|()| id::random());
    // Restarts, also of an agent that did not tell before, and the last word of one that is overtaken.
    for instance in [one, one, two, two, three, three] {
        assert_eq!(beats(&cloud, &mut agent, instance).await, 0);
    }
    beats(&cloud, &mut agent, four).await;
    agent.instance = Some(three);
    cloud.clock.advance(2);
    agent.beat(true).await;
    assert_eq!(cloud.sql::<i64>(CLONES).await, 0, "two seconds late");
    assert!(!cloud.administers(&["agent", "list"]).contains("IN TWO PLACES"));

    assert_eq!(beats(&cloud, &mut agent, three).await, 1);
    for _ in 0..3 {
        assert_eq!(beats(&cloud, &mut agent, four).await, 1, "one event, until somebody looked into it");
        assert_eq!(beats(&cloud, &mut agent, three).await, 1);
    }
    assert!(cloud.administers(&["agent", "list"]).contains("IN TWO PLACES"));
    let id = agent.id.to_string();
    assert!(cloud.administers(&["agent", "acknowledge", &id]).contains("not marked as copied any more"));
    assert!(!cloud.administers(&["agent", "list"]).contains("IN TWO PLACES"));
    assert_eq!(beats(&cloud, &mut agent, four).await, 1, "it is alone now");
    assert_eq!(beats(&cloud, &mut agent, three).await, 2, "the copy still runs");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'agent.clone' and outcome = 'acknowledged'").await, 1);
}

#[tokio::test]
async fn another_network_address_is_noted() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.beat(true).await;
    assert_eq!(cloud.sql::<i64>(MOVES).await, 0);
    agent.speaks_from("127.0.0.2".parse().unwrap());
    for _ in 0..2 {
        agent.beat(true).await;
        assert_eq!(cloud.sql::<i64>(MOVES).await, 1);
    }
    let from = "select host(address) from audit_events where action = 'agent.address'";
    assert_eq!(cloud.sql::<String>(from).await, "127.0.0.2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_state_directory_is_found_out_and_a_restarted_agent_is_not() {
    let (cloud, domain) = (Cloud::start().await, crate::agent::without_hints());
    let mut office = Office::start(&cloud, &domain.samba).await;
    office.stops().await;
    office.runs(&cloud);
    cloud.until("select count(*) from agent_instances", 1).await;
    assert_eq!(cloud.sql::<i64>(CLONES).await, 0);

    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&office.settings.state_dir).unwrap() {
        let path = entry.unwrap().path();
        if let Err(error) = fs::copy(&path, dir.path().join(path.file_name().unwrap())) {
            assert_eq!(error.kind(), ErrorKind::NotFound, "but for what was on its way to its place");
        }
    }
    let (mut settings, stop) = (office.settings.clone(), CancellationToken::new());
    settings.state_dir = dir.path().to_owned();
    let copy = tokio::spawn(sspr::agent::run(settings, Clock::system(), stop.clone()));
    cloud.until("select count(*) from agent_instances", 2).await;
    // The next heartbeat of the first, which comes within ten seconds.
    cloud.clock.advance(6);
    cloud.until(CLONES, 1).await;
    assert!(cloud.administers(&["agent", "list"]).contains("IN TWO PLACES"));
    stop.cancel();
    copy.await.unwrap().unwrap();
    office.stops().await;
}
