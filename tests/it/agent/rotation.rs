//! The running agent replaces its identity: when asked to, and when it is old.

use std::{
    fs::File,
    time::{Duration, UNIX_EPOCH},
};

use sspr::{
    agent::rotation,
    domain::{audit::Source, fleet},
    wire::keys::fingerprint,
};

use super::NO_HINTS;
use crate::support::{Cloud, Person, office::Office};

async fn shown(cloud: &Cloud) -> String {
    fingerprint(&cloud.sql::<Vec<u8>>("select identity from agents").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_agent_replaces_its_identity_and_goes_on_serving() {
    let (cloud, domain) = (Cloud::start().await, &*NO_HINTS);
    let somebody = domain.somebody().await;
    domain.samba.set(&somebody.dn, "mail", &format!("{}@mail.example", somebody.name)).await.unwrap();
    let mut office = Office::start(&cloud, &domain.samba).await;
    cloud.until("select least(count(*), 1) from users where mail is not null", 1).await;
    let first = shown(&cloud).await;
    let told = rotation::rotate(&office.settings, cloud.clock.clone()).await.unwrap();
    assert!(told == shown(&cloud).await && told != first);
    // The next job is opened with the key that was published by the old identity, and told by the new one.
    let mut person = Person::at(&cloud);
    person.proves(&cloud, &somebody.name).await;
    person.sets("Correct-Horse-7").await;
    assert_eq!(person.is_told().await["state"], "applied");
    assert_eq!(cloud.sql::<i64>("select count(*) from sealing_keys").await, 1);

    // Asked for in the cloud: once.
    let mut tx = cloud.app.begin().await.unwrap();
    let (scope, agent) = (&cloud.tenant.scope, cloud.sql("select agent_id from agents").await);
    assert!(fleet::rotate(&mut tx, scope, &cloud.clock, &Source::house("cli"), agent).await.unwrap());
    tx.commit().await.unwrap();
    cloud.until("select count(*) from former_identities", 2).await;
    cloud.until("select count(*) from agents where rotate_at is null and last_seen_at > now() - interval '2 seconds'", 1).await;
    let told = shown(&cloud).await;

    // Two days old, with a life of one.
    office.stops().await;
    let file = File::options().write(true).open(office.settings.state_dir.join("identity.pkcs8")).unwrap();
    let long_ago = u64::try_from(cloud.clock.seconds() - 48 * 3600).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(long_ago)).unwrap();
    office.settings.identity_days = 0;
    office.runs(&cloud);
    cloud.until("select count(*) from agents where last_seen_at > now() - interval '2 seconds'", 1).await;
    assert_eq!(shown(&cloud).await, told, "never by itself");
    office.stops().await;
    office.settings.identity_days = 1;
    office.runs(&cloud);
    cloud.until("select count(*) from former_identities", 3).await;
    assert_ne!(shown(&cloud).await, told);
    office.stops().await;
}
