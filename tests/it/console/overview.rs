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

#[tokio::test]
async fn figures_are_filtered_by_the_address_and_taken_as_a_table() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    sqlx::query("update connectors set name = '=cmd()'").execute(&cloud.app.db).await.unwrap();
    for (name, code) in [("alice", Code::Applied), ("carol", Code::NoRight)] {
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await.sets("Correct-Horse-7").await;
        agent.work(code).await;
        person.is_told().await;
    }
    for _ in 0..2 {
        worker::count(&cloud.app).await.unwrap();
    }
    auditor.opens("/console").await.sees("1 done 1 refused by the directory 0 failed").sees("the right to reset passwords there");
    auditor.sees("How people proved who they are").sees("Mails");
    let proofs: i64 = cloud.sql("select sum(proofs)::bigint from proof_hours where method = 'email'").await;
    assert_eq!(proofs, 2);
    assert!(cloud.sql::<i64>("select sum(messages)::bigint from message_hours where channel = 'email' and state = 'sent'").await >= 2);
    for (query, sees) in [
        ("days=1", "in the last 24 hours 1 done"),
        ("days=90&kind=reset", "in the last 90 days 1 done"),
        ("kind=unlock", "Nothing was asked for yet"),
        ("days=7&connector=019aa000-0000-7000-8000-000000000000", "Nothing was asked for yet"),
        // What is none is as if it were not there.
        ("days=5&kind=drop%20table&connector=x", "in the last 14 days 1 done"),
    ] {
        auditor.opens(&format!("/console?{query}")).await.sees(sees);
    }
    auditor.opens(&format!("/console?connector={}", cloud.connector)).await.sees("1 done");
    assert!(auditor.page.body.replace("&#38;", "&").contains("/console/figures.csv?days=14&connector="), "{}", auditor.page.body);
    let table = auditor.browser.open("/console/figures.csv?days=1").await.unwrap().body;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].contains(",\"'=cmd()\",\"reset\",\"applied\",\"applied\",\"1\""), "{table}");
    assert!(lines[2].contains("\"refused\",\"no_right\",\"1\""), "{table}");
}

#[tokio::test]
async fn who_can_use_it_is_counted_now_and_then() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
    sqlx::query("delete from coverage_counts").execute(&cloud.app.db).await.unwrap();
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console").await.sees("Not counted yet");
    cloud.registers_app("alice", time::Duration::ZERO).await;
    sqlx::query("update users set protected = true where sign_in_name = 'carol'").execute(&cloud.app.db).await.unwrap();
    worker::cover(&cloud.app).await.unwrap();
    auditor
        .opens("/console")
        .await
        .sees("A policy serves them 2")
        .sees("recovery codes 1")
        .sees("Could reset now 2")
        .sees("100 %")
        .sees("Of 2 people");
    // Not each time.
    sqlx::query("update users set protected = true").execute(&cloud.app.db).await.unwrap();
    worker::cover(&cloud.app).await.unwrap();
    auditor.opens("/console").await.sees("Of 2 people");
    cloud.clock.advance(3600);
    worker::cover(&cloud.app).await.unwrap();
    cloud.operator(Role::Auditor).await.opens("/console").await.sees("Of 0 people").sees("0 %");
}

#[tokio::test]
async fn the_figures_of_a_week_go_to_whom_an_administrator_names() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    person.is_told().await;
    worker::count(&cloud.app).await.unwrap();
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console/report").await.submits("/console/report", &[("mail", "no address")]).await;
    assert_eq!(boss.page.status, 422);
    boss.submits("/console/report", &[("mail", "boss@corp.example")]).await.sees("Saved.");
    worker::count(&cloud.app).await.unwrap();
    let mail = cloud.inbox.wait_for("boss@corp.example", 0).await.unwrap();
    assert!(mail.text.contains("Done") && mail.text.contains("/console?days=7") && !mail.text.contains("alice"), "{}", mail.text);
    worker::count(&cloud.app).await.unwrap();
    cloud.clock.advance(7 * 86400 + 1);
    worker::count(&cloud.app).await.unwrap();
    cloud.inbox.wait_for("boss@corp.example", 1).await.unwrap();
    assert_eq!(cloud.inbox.count("boss@corp.example"), 2, "once a week");
    assert!(!cloud.dump().await.contains("boss@corp.example"), "the address lies in clear");
    // Of two who save at once the second looks again.
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console/report").await;
    cloud.operator(Role::Owner).await.posts_form("/console/report", "mail=&seen=boss%40corp.example").await;
    boss.submits("/console/report", &[("mail", "other@corp.example")]).await.sees("Somebody else has changed this");
    assert_eq!(cloud.sql::<i64>("select count(*) from report_mails").await, 0);
}
