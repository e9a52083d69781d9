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

#[tokio::test]
async fn what_messages_cost_is_counted_by_what_the_networks_count() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console").await.sees("Say what messages cost");
    for (field, bad) in [("currency", "Euro"), ("sms", "-1"), ("mail", "0.0000001"), ("sms", "101")] {
        boss.opens("/console/prices").await.submits("/console/prices", &[("currency", "eur"), ("sms", "0,075"), (field, bad)]).await;
        assert_eq!(boss.page.status, 422, "{field} {bad}");
        assert!(boss.page.form("/console/prices").unwrap().fields.contains(&(field.into(), bad.into())));
    }
    boss.submits("/console/prices", &[("currency", "eur"), ("sms", "0,075"), ("mail", "0.0004")]).await.sees("Saved.");
    let kept = "select concat_ws(' ', currency, sms, mail) from prices";
    assert_eq!(cloud.sql::<String>(kept).await, "EUR 75000 400");
    // One mail; and one text message that the networks take for two, since a dash is not in their alphabet.
    let sms = "/console/texts/code/sms/en";
    boss.opens(sms).await.submits(sms, &[("body", &format!("{{{{code}}}} – {}", "x".repeat(60)))]).await.sees("Saved");
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    Person::at(&cloud).opens("/").await.submits("/reset", &[("name", "alice")]).await.submits("/reset/method", &[("method", "sms")]).await;
    cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
    assert_eq!(
        cloud.sql::<String>("select string_agg(channel || ' ' || parts, ', ' order by channel) from messages").await,
        "email 1, sms 2"
    );
    worker::count(&cloud.app).await.unwrap();
    boss.opens("/console")
        .await
        .sees("Mails cost EUR 0.00")
        .sees("paid as 2")
        .sees("Text messages cost EUR 0.15")
        .sees("Both together EUR 0.15");
    boss.opens("/console?lang=de").await.sees("SMS kosteten EUR 0,15");
    let table = boss.browser.open("/console/sends.csv?days=1").await.unwrap().body;
    assert!(table.contains(",\"email\",\"sent\",\"1\",\"1\",\"EUR\",\"0.0004\"\r\n"), "{table}");
    assert!(table.contains(",\"sms\",\"sent\",\"1\",\"2\",\"EUR\",\"0.15\"\r\n"), "{table}");
    // What could not be sent costs nothing, and prices can be taken back.
    sqlx::query("update message_hours set state = 'failed', parts = 0 where channel = 'sms'").execute(&cloud.app.db).await.unwrap();
    boss.opens("/console?lang=en").await.sees("Text messages cost EUR 0.00");
    boss.opens("/console/prices").await.submits("/console/prices", &[("currency", ""), ("sms", ""), ("mail", "")]).await.sees("Saved.");
    assert!(!boss.opens("/console").await.page.text().contains("EUR"));
    let lines = "select string_agg(outcome, ' ' order by at) from audit_events where action = 'tenant.prices'";
    assert_eq!(cloud.sql::<String>(lines).await, "changed removed");
}

#[tokio::test]
async fn of_two_who_set_prices_at_the_same_moment_one_looks_again() {
    let cloud = Cloud::start().await;
    let (one, two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::Administrator).await);
    let mut both = Vec::new();
    for (mut person, sms) in [(one, "0.05"), (two, "0.07")] {
        person.opens("/console/prices").await;
        let form = person.page.form("/console/prices").unwrap().set("currency", "EUR").unwrap().set("sms", sms).unwrap();
        both.push((person, form));
    }
    // Neither begins before the other.
    let mut held = cloud.app.db.begin().await.unwrap();
    sqlx::query("select tenant_id from tenants for no key update").fetch_all(&mut *held).await.unwrap();
    let let_go = async {
        cloud.until("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()", 2).await;
        held.commit().await.unwrap();
    };
    let [(one, first), (two, second)] = &mut both[..] else { panic!("two") };
    let (one, two, ()) = tokio::join!(one.browser.submit(first), two.browser.submit(second), let_go);
    let mut statuses = [one.unwrap().status, two.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'tenant.prices'").await, 1);
}
