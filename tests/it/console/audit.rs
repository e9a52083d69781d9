//! The audit page, its export, and support codes.

use serde_json::json;
use sspr::domain::{
    audit::{self, Event, Source},
    operators::Role,
};
use uuid::Uuid;

use crate::support::{Cloud, Person};

async fn user(cloud: &Cloud, name: &str) -> Uuid {
    sqlx::query_scalar("select user_id from users where sign_in_name = $1").bind(name).fetch_one(&cloud.app.db).await.unwrap()
}

async fn records(cloud: &Cloud, actor: &str, request: Option<&str>, event: Event) {
    let source = Source { actor: actor.to_owned(), request: request.map(str::to_owned), address: Some("192.0.2.44".parse().unwrap()) };
    let mut tx = cloud.app.begin().await.unwrap();
    audit::record(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, event).await.unwrap();
    tx.commit().await.unwrap();
}

async fn chained(cloud: &Cloud) {
    cloud.until("select count(*) from audit_unchained", 0).await;
}

/// How many lines the page shows.
fn lines(person: &Person) -> usize {
    person.page.body.matches("<tr").count().saturating_sub(1)
}

#[tokio::test]
async fn lines_are_found_by_filters_that_stand_in_the_address() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    chained(&cloud).await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor
        .opens("/console/audit")
        .await
        .is_at("/console/audit")
        .sees("Journey begun")
        .sees("Proof tried")
        .sees("127.0.0.1")
        .sees("Person alice");
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let (alice, bob) = (user(&cloud, "alice").await, user(&cloud, "bob").await);
    for n in 0..120 {
        let user = Some(if n % 10 == 0 { bob } else { alice });
        let outcome = if n % 3 == 0 { "refused" } else { "accepted" };
        records(&cloud, "user", None, Event { action: "reset.submit", outcome, user, detail: json!({ "n": n }), ..Event::default() }).await;
    }
    chained(&cloud).await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console/audit?action=reset.submit").await;
    let mut seen = Vec::new();
    loop {
        let shown = auditor.page.text();
        seen.extend(shown.split("\"n\": ").skip(1).map(|rest| rest.split_whitespace().next().unwrap().parse::<i32>().unwrap()));
        let Some(older) = auditor.page.body.split("rel=\"next\" href=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
        else {
            break;
        };
        assert!(older.starts_with("/console/audit?action=reset.submit&") || older.contains("&#"), "{older}");
        auditor.opens(&older.replace("&#38;", "&").replace("&amp;", "&")).await;
    }
    assert_eq!(seen, (0..120).rev().collect::<Vec<_>>());
    for (filter, count) in [
        (format!("person={bob}"), 12),
        ("person=bob".to_owned(), 12),
        ("person=bob&outcome=refused".to_owned(), 4),
        ("action=reset.submit&outcome=refused".to_owned(), 40),
        ("actor=agent&action=reset.submit".to_owned(), 0),
        ("action=reset.submit&to=2020-01-01".to_owned(), 0),
        ("action=nothing.of.the.kind".to_owned(), 0),
        ("code=k3v9x0a1b2".to_owned(), 0),
    ] {
        auditor.opens(&format!("/console/audit?{filter}")).await;
        assert_eq!((auditor.page.status, lines(&auditor)), (200, count), "{filter}");
        if count == 0 {
            auditor.sees("No line fits this filter");
        }
    }
    for wrong in ["person=%3Cscript%3E", "from=yesterday", "code=short"] {
        auditor.opens(&format!("/console/audit?{wrong}")).await;
        assert_eq!(auditor.page.status, 422, "{wrong}");
    }
    for wrong in ["person=a&person=b", "nonsense=1"] {
        auditor.opens(&format!("/console/audit?{wrong}")).await;
        assert_eq!(auditor.page.status, 400, "{wrong}");
    }
    auditor.opens("/console/audit?before=nonsense").await;
    assert_eq!(auditor.page.status, 200);
}

#[tokio::test]
async fn an_export_has_all_lines_of_its_filter_and_no_formula() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let mut evil = crate::support::agent::somebody("bob");
    evil.sign_in_name = "=cmd|' /c calc'!a1".to_owned();
    agent.mirror(vec![evil]).await;
    let bob: Uuid = cloud.sql("select user_id from users where sign_in_name like '=cmd%'").await;
    for n in 0..1100 {
        records(
            &cloud,
            "user",
            None,
            Event { action: "reset.submit", outcome: "accepted", user: Some(bob), detail: json!({ "n": n }), ..Event::default() },
        )
        .await;
    }
    records(&cloud, "@sum(1)", Some("+1"), Event { action: "reset.look", outcome: "accepted", ..Event::default() }).await;
    chained(&cloud).await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console/audit?action=reset.submit").await.submits("/console/audit/export", &[]).await;
    let text = auditor.page.body.clone();
    assert_eq!(text.lines().count(), 1101, "{}", &text[..500]);
    assert!(text.starts_with("number,at,actor,"));
    assert!(text.contains(",\"'=cmd|' /c calc'!a1\","), "{}", &text[..500]);
    for n in [0, 500, 1099] {
        assert_eq!(text.matches(&format!("\"\"n\"\":{n}}}")).count(), 1);
    }
    auditor.opens("/console/audit?action=reset.look").await.submits("/console/audit/export", &[]).await;
    let row = auditor.page.body.lines().nth(1).unwrap().to_owned();
    assert!(row.contains("\"'@sum(1)\"") && row.contains("\"'+1\""), "{row}");
    let (count, filter) = ("select count(*) from audit_events where action = 'audit.export' and actor like 'operator:%'", "reset.submit");
    assert_eq!(cloud.sql::<i64>(count).await, 2);
    assert_eq!(
        cloud.sql::<String>("select detail ->> 'action' from audit_events where action = 'audit.export' order by event_id limit 1").await,
        filter
    );
}

#[tokio::test]
async fn hostile_values_are_text() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    let mut evil = crate::support::agent::somebody("bob");
    evil.display_name = "<img src=x onerror=alert(1)>".to_owned();
    agent.mirror(vec![evil]).await;
    let detail = json!({ "text": "</pre><script>alert(2)</script>" });
    let event = Event { action: "<b>a", outcome: "<i>o", user: Some(user(&cloud, "bob").await), detail, ..Event::default() };
    records(&cloud, "<u>user", Some("\"><script>"), event).await;
    chained(&cloud).await;
    let mut owner = cloud.operator(Role::Owner).await;
    owner.opens("/console/audit").await.sees("<img src=x onerror=alert(1)>").sees("<b>a").sees("<u>user");
    for hostile in ["<img src=x", "<script>alert", "<b>a", "<i>o", "<u>user", "\"><script>"] {
        assert!(!owner.page.body.contains(hostile), "{hostile}");
    }
    owner.opens("/console/audit?person=%22%3E%3Cscript%3Ealert(3)%3C/script%3E&from=%22%3E%3Cscript%3E").await;
    assert!(!owner.page.body.contains("<script>"));
}

/// The command line waits for whoever is chaining, so that one must not wait for the command line.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_how_the_chain_stands() {
    let cloud = Cloud::start().await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    chained(&cloud).await;
    auditor.opens("/console/audit").await.sees("Not checked yet");
    cloud.administers(&["audit", "verify"]);
    chained(&cloud).await;
    cloud.administers(&["audit", "checkpoint"]);
    auditor.opens("/console/audit").await.sees("it holds").sees("Signed up to line").sees("Every line has its place");
    let waits = "insert into audit_unchained select tenant_id, event_id from audit_events where action = 'connector.writeback'";
    // Somebody holds the chain.
    let mut tx = cloud.app.begin().await.unwrap();
    let lock = sqlx::query("select pg_advisory_xact_lock(hashtextextended('audit chain ' || $1::uuid, 0))");
    lock.bind(cloud.tenant.scope.id()).execute(&mut *tx).await.unwrap();
    sqlx::query(waits).execute(&cloud.app.db).await.unwrap();
    auditor.opens("/console/audit").await.sees("One line waits");
    cloud.clock.advance(400);
    auditor.opens("/console/audit").await.sees("more than five minutes");
}

#[tokio::test]
async fn a_support_code_shows_its_request_and_its_journey() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    let code: String = cloud.sql("select request_id from audit_events where action = 'reset.code_send'").await;
    let mut helper = cloud.operator(Role::HelpDesk).await;
    helper.opens("/console/support").await.sees("ten characters");
    let upper = format!(" {} {}", code[..5].to_uppercase(), &code[5..]).replace(' ', "+");
    helper.opens(&format!("/console/support?code={upper}")).await;
    helper.sees("Journey begun").sees("Code sent").sees("Proof tried").sees("this request").sees("alice");
    assert!(helper.page.text().find("Journey begun") < helper.page.text().find("Proof tried"), "in order");
    assert!(!helper.page.body.contains("<pre"), "what went on inside is for those who read the trail");
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens(&format!("/console/support?code={code}")).await;
    assert!(auditor.page.body.contains("<pre"));
    helper.opens("/console/support?code=0000000000").await.sees("Nothing is written down under this code");
    helper.opens("/console/support?code=short").await.sees("That is no support code");
    assert_eq!(helper.page.status, 422);
    // A help desk that serves some groups only, none of them alice's.
    let group = (cloud.connector, Uuid::from_u128(7));
    let (_, mut other) = cloud.operator_with(Role::HelpDesk, &[group]).await;
    other.opens(&format!("/console/support?code={code}")).await.sees("Nothing is written down under this code");
    // Another organisation.
    let elsewhere = Cloud::start().await;
    let mut foreign = elsewhere.operator(Role::Owner).await;
    foreign.opens(&format!("/console/support?code={code}")).await.sees("Nothing is written down under this code");
}
