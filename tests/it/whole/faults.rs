//! What breaks in the middle.

use sspr::lab::{
    postgres::Postgres,
    samba::{BindOutcome, Samba, SambaOptions},
};

use crate::support::{Cloud, Office, Person, agent::somebody};

#[tokio::test]
async fn a_domain_controller_that_is_down_is_told_and_a_second_try_works() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[0];
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    let job = person.seals("Correct-Horse-7").await;
    samba.stop().unwrap();
    assert_eq!(person.posts(&job).await.0, 202);
    let told = person.is_told().await;
    assert_eq!((told["state"].as_str(), told["code"].as_str()), (Some("failed"), Some("directory_unreachable")), "{told}");
    person.opens("/reset/ended").await.is_at("/reset/ended").sees("room 101");
    samba.start_again().unwrap();
    person.submits("/reset/again", &[]).await.is_at("/reset/password");
    cloud.until("select count(*) from agents where (health -> 'directory' ->> 'reachable')::boolean", 1).await;
    person.sets("Correct-Horse-7").await;
    assert_eq!(person.is_told().await["state"], "applied");
    assert_eq!(samba.bind_as(&user.principal_name, "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);
}

#[tokio::test]
async fn what_is_open_when_a_backup_comes_back_counts_as_touched() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("ann"), somebody("ben")]).await;
    let (mut ann, mut ben) = (Person::at(&cloud), Person::at(&cloud));
    ann.proves(&cloud, "ann").await.sets("Correct-Horse-7").await;
    let unused = ben.proves(&cloud, "ben").await.seals("Correct-Horse-7").await;
    // A server that starts on the database of its predecessor doubts nothing.
    let attempts = "select attempts::bigint from jobs where kind = 'reset' and state = 'submitted'";
    cloud.another_node().await;
    assert_eq!(cloud.sql::<i64>(attempts).await, 0);
    // A crash, a snapshot and a promoted replica come without what is not logged; `tests/it/chaos` restores real backups.
    sqlx::query("truncate continuity").execute(&cloud.app.db).await.unwrap();
    cloud.another_node().await;
    assert_eq!(cloud.sql::<i64>(attempts).await, 1);
    assert_eq!(agent.lease(1).await[0].attempt, 2, "another agent may have had it: ask the directory");
    // Perhaps used, in the life that the copy does not know: the next ticket is a press away.
    assert_eq!(ben.posts(&unused).await.0, 409);
    ben.sets("Correct-Horse-7").await;
}

#[tokio::test]
async fn an_agent_that_stops_and_starts_goes_on() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let mut office = Office::start(&cloud, &samba).await;
    let user = &samba.users[1];
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    let job = person.seals("Correct-Horse-7").await;
    office.stops().await;
    assert_eq!(person.posts(&job).await.0, 202);
    assert_eq!(person.status().await["state"], "submitted");
    office.runs(&cloud);
    assert_eq!(person.is_told().await["state"], "applied");
    assert_eq!(samba.bind_as(&user.principal_name, "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);
}

#[tokio::test]
async fn postgres_restarts_in_mid_flow_and_nothing_is_lost() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let postgres = Postgres::start().unwrap();
    let cloud = Cloud::start_on(&postgres.url("postgres")).await;
    let _office = Office::start(&cloud, &samba).await;
    let user = &samba.users[3];
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    postgres.restart().unwrap();
    person.opens("/reset/password").await.is_at("/reset/password");
    let job = person.seals("Correct-Horse-7").await;
    // Away altogether: no 500, but a page that says so.
    postgres.stop().unwrap();
    person.opens("/reset/password").await;
    assert_eq!(person.page.status, 503, "{}", person.page.text());
    let (status, answer) = person.posts(&job).await;
    assert_eq!((status, answer["code"].as_str()), (503, Some("try_again")));
    postgres.start_again().unwrap();
    assert_eq!(person.posts(&job).await.0, 202);
    assert_eq!(person.is_told().await["state"], "applied");
    assert_eq!(samba.bind_as(&user.principal_name, "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);
}
