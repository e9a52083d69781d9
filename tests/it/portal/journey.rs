//! The whole journey when all goes well, and its turns when it does not.

use sspr::wire::outcome::Code;

use crate::support::{Cloud, Person, agent::somebody};

#[tokio::test]
async fn a_forgotten_password_is_reset() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;

    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    alice.opens("/reset/status").await.is_at("/reset/status");

    let job = agent.work(Code::Applied).await;
    assert_eq!(agent.open(&job).unwrap(), "Correct-Horse-7");
    assert_eq!(job.ticket.user, somebody("alice").guid);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("applied"), Some("/reset/done")));
    alice.opens("/reset/done").await.is_at("/reset/done");

    // A notice to every address on file.
    let notice = cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert!(notice.subject.contains("changed"), "{}", notice.subject);
    cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();

    // The ciphertext is gone, the tombstone stays.
    assert_eq!(
        cloud
            .sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'applied' and envelopes is null and result is not null")
            .await,
        1
    );
    assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs").await, 0);

    alice.submits("/reset/end", &[]).await.is_at("/");
    alice.opens("/reset/done").await.is_at("/");
}
