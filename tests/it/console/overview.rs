//! The first page: what wants doing, and how the last days were.

use sspr::{domain::operators::Role, wire::outcome::Code, worker};

use crate::support::{Cloud, Person};

#[tokio::test]
async fn what_was_done_and_what_was_not_is_counted_once() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console").await.sees("Nothing was asked for yet");
    for (name, code) in [("alice", Code::Applied), ("bob", Code::Applied), ("carol", Code::PolicyHistory)] {
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await.sets("Correct-Horse-7").await;
        agent.work(code).await;
        person.is_told().await;
    }
    // One that nobody fetched.
    let mut late = Person::at(&cloud);
    late.proves(&cloud, "carol").await.sets("Correct-Horse-8").await;
    auditor.opens("/console").await.sees("Under way now 1");
    cloud.clock.advance(121);
    worker::sweep(&cloud.app).await.unwrap();
    for _ in 0..2 {
        worker::count(&cloud.app).await.unwrap();
    }
    auditor.opens("/console").await.sees("2 done 1 refused by the directory 1 failed");
    auditor.sees("Why not").sees("Under way now 0").sees("Half of them done within");
    // What is old is not counted anew and stays.
    cloud.clock.advance(26 * 3600);
    worker::count(&cloud.app).await.unwrap();
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console").await.sees("2 done 1 refused by the directory 1 failed");
    let other = Cloud::start().await;
    other.operator(Role::Auditor).await.opens("/console").await.sees("Nothing was asked for yet");
}
