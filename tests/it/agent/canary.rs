//! The canary: it sings at every server, touches nobody else, and is silent where writing is switched off.

use std::fs;

use sspr::{
    agent::audit,
    base::{clock::Clock, config},
    domain::operators::Role,
    lab::samba::{Release, Samba, SambaOptions},
};

use super::{
    guid, times_set,
    whole::{Running, until},
};
use crate::support::Cloud;

const CSV: &str = "username,given_name,family_name,mail,mobile,password,groups,flags\n\
                   alice,Alice,Ames,alice@mail.example,,First-Passw0rd,,\n\
                   sspr-canary1,Canary,Nobody,,,First-Passw0rd,,\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_sings_at_every_server_and_nobody_else_does() {
    let options = SambaOptions { release: Release::Backports, users_csv: Some(CSV.to_owned()), ..SambaOptions::default() };
    let one = Samba::start(&options).unwrap();
    let two = one.twin("dc2").await.unwrap();
    let cloud = Cloud::start().await;
    let directory = config::Directory { fallback_urls: vec![two.ldaps_url.clone()], ..super::directory_of(&one) };
    let (alice, canary) = (guid(&one, "alice").await, guid(&one, "sspr-canary1").await);

    // Somebody's account by mistake.
    let name = |settings: &mut config::Agent| (settings.canary, settings.canary_seconds) = (alice.to_string(), 1);
    let mut agent = Running::ready_with(&cloud, directory, Clock::system(), name).await;
    let refused = "select count(distinct server) from canary_runs where code = 'account_protected'";
    until("alice is left alone", async || cloud.sql::<i64>(refused).await == 2).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from canary_runs where code <> 'account_protected'").await, 0);
    assert_eq!((times_set(&one, "alice").await, times_set(&two, "alice").await), (1, 1));

    agent.settings.canary = canary.to_string();
    let agent = agent.restart().await;
    let sung = "select count(distinct server) from canary_runs where code = 'applied'";
    until("it sings at both", async || cloud.sql::<i64>(sung).await == 2).await;
    assert!(times_set(&one, "sspr-canary1").await > 1 && times_set(&two, "sspr-canary1").await > 1);
    assert_eq!((times_set(&one, "alice").await, times_set(&two, "alice").await), (1, 1));
    let trail = fs::read_to_string(audit::path(&agent.settings)).unwrap();
    let begun = trail.find("canary_begun").unwrap();
    assert!(begun < trail.find(r#""code":"applied""#).unwrap(), "{trail}");

    let mut admin = cloud.operator(Role::Administrator).await;
    let page = format!("/console/connectors/{}", cloud.connector);
    admin.opens(&page).await.sees("Canary").sees("Sings").sees("dc1.corp.example").sees("dc2").sees("Half took up to");

    cloud.administers(&["connector", "writeback", &cloud.connector.to_string(), "off"]);
    let known = agent.settings.state_dir.join("features.json");
    until("it is told that writeback is off", async || fs::read_to_string(&known).unwrap().contains(r#""writeback":false"#)).await;
    // One may be under way.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let before = times_set(&one, "sspr-canary1").await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(times_set(&one, "sspr-canary1").await, before, "it wrote while writeback was off");
    agent.stops().await;
}
