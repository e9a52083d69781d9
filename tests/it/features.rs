//! What is optional for a connector: off until switched on, audited when it is, told to agents, which leave it for `doctor`.

use serde_json::Value;
use sspr::{
    agent::features,
    domain::{
        audit::Source,
        fleet::{self, Feature},
    },
    lab::samba::{Samba, SambaOptions},
};

use crate::support::{Cloud, Office};

async fn switch(cloud: &Cloud, feature: Feature, on: bool) -> Option<bool> {
    let (scope, clock, source) = (&cloud.tenant.scope, &cloud.clock, Source::house("cli"));
    let mut tx = cloud.app.begin().await.unwrap();
    let changed = fleet::switch(&mut tx, scope, clock, &source, cloud.connector, (feature, on)).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

#[tokio::test]
async fn a_switch_is_audited_once_and_told_in_heartbeats() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut told = async || {
        let beat = serde_json::json!({
            "version": "0", "clock": cloud.clock.seconds(), "jobs": 0,
            "directory": { "reachable": true, "dc": "", "policy_hints": null, "policy": null },
        });
        let answer: Value = agent.post("/agent/v1/heartbeat", &beat).await.json().await.unwrap();
        ["self_service", "writeback", "unlock"].map(|field| answer[field].as_bool().unwrap())
    };
    assert_eq!(told().await, [true, true, false], "unlocking is off until it is switched on");
    assert_eq!(switch(&cloud, Feature::Unlock, true).await, Some(true));
    assert_eq!(switch(&cloud, Feature::Unlock, true).await, Some(false), "it was on");
    assert_eq!(told().await, [true, true, true]);
    assert_eq!(switch(&cloud, Feature::Writeback, false).await, Some(true));
    assert_eq!(told().await, [true, false, true]);
    let unlocks = "select count(*) from audit_events where actor = 'cli' and action = 'connector.unlock' and outcome = 'on'";
    let writebacks = "select count(*) from audit_events where actor = 'cli' and action = 'connector.writeback' and outcome = 'off'";
    assert_eq!((cloud.sql::<i64>(unlocks).await, cloud.sql::<i64>(writebacks).await), (1, 1));

    let mut conn = cloud.app.db.acquire().await.unwrap();
    let connectors = fleet::connectors(&mut conn, &cloud.tenant.scope, &cloud.clock).await.unwrap();
    assert_eq!((connectors.len(), connectors[0].writeback, connectors[0].unlock, connectors[0].agents), (1, false, true, 1));
}

#[tokio::test]
async fn an_agent_keeps_what_it_was_told() {
    let (cloud, samba) = (Cloud::start().await, Samba::start(&SambaOptions::default()).unwrap());
    let office = Office::start(&cloud, &samba).await;
    let dir = &office.settings.state_dir;
    let kept = || features::last(dir).unwrap().map(|kept| (kept.self_service, kept.writeback, kept.unlock));
    assert_eq!(kept(), Some((true, true, false)));
    switch(&cloud, Feature::Writeback, false).await;
    for _ in 0..150 {
        if kept() == Some((true, false, false)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("a heartbeat tells it within 10 s: {:?}", kept());
}
