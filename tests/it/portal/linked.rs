//! People with accounts in several directories: the first one's decides, the others follow, each with its own outcome.

use serde_json::{Value, json};
use sspr::wire::{message::LeasedJob, outcome::Code};

use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_in};

/// Alice is in both directories; bob in the first, and twice in the linked one.
pub async fn cloud() -> (Cloud, HandAgent, HandAgent) {
    let cloud = Cloud::start().await;
    let mut first = cloud.agent().await;
    first.mirror(vec![somebody("alice"), somebody("bob")]).await;
    let lab = cloud.linked_connector("Lab").await;
    let mut second = cloud.agent_of(lab).await;
    let mut alice = somebody("alice.lab");
    alice.mail = somebody("alice").mail;
    let mut bobs = [somebody("bob.lab"), somebody("bob.old")];
    for bob in &mut bobs {
        bob.mail = somebody("bob").mail;
    }
    second.mirror([vec![alice], bobs.to_vec()].concat()).await;
    (cloud, first, second)
}

pub async fn at_password(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.proves(cloud, name).await;
    person
}

pub async fn states(cloud: &Cloud) -> String {
    cloud.sql::<String>("select coalesce(string_agg(c.name || ' ' || j.state, ', ' order by j.job_id), '') from jobs j join connectors c using (connector_id) where j.kind = 'reset'").await
}

async fn takes(agent: &mut HandAgent) -> LeasedJob {
    agent.lease(5).await.remove(0)
}

#[tokio::test]
async fn the_first_goes_first_and_the_others_follow() {
    let (cloud, mut first, mut second) = cloud().await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sees("It is set in Lab as well");
    let sealed = alice.seals("Correct-Horse-7").await;
    assert_eq!(sealed["linked"].as_array().map(Vec::len), Some(1));
    assert_eq!(alice.posts(&sealed).await.0, 202);
    assert_eq!(states(&cloud).await, "Head office submitted, Lab held");
    assert!(second.lease(0).await.is_empty(), "held is held");
    alice.opens("/reset").await.is_at("/reset/status").sees("Lab").sees("comes next");

    let job = takes(&mut first).await;
    assert_eq!(first.open(&job).unwrap(), "Correct-Horse-7");
    assert_eq!(first.ends(&job, Code::Applied).await.status(), 204);
    assert_eq!(states(&cloud).await, "Head office applied, Lab submitted");
    let status = alice.status().await;
    assert_eq!((status["final"].as_bool(), &status["targets"]), (Some(false), &json!([{ "is": "set" }, { "is": "now" }])), "{status}");
    alice.opens("/reset").await.is_at("/reset/status");

    let follows = takes(&mut second).await;
    assert_eq!(follows.ticket.user, somebody("alice.lab").guid);
    assert_eq!(second.open(&follows).unwrap(), "Correct-Horse-7");
    assert_eq!(second.ends(&follows, Code::Applied).await.status(), 204);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("applied"), Some("/reset/done")));
    alice.opens("/reset").await.is_at("/reset/done").sees("Head office").sees("Lab");

    let notice = cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert!(notice.text.contains("In: Head office\n") && notice.text.contains("About to be set as well in: Lab"), "{}", notice.text);
    // To the number that only the linked account has, and once to everybody.
    cloud.inbox.wait_for(&somebody("alice.lab").mobile.unwrap(), 0).await.unwrap();
    assert_eq!(cloud.inbox.count("alice@mail.example"), 2);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
    for outcome in ["given", "accepted", "applied"] {
        let query = format!(
            "select count(*) from audit_events where outcome = '{outcome}' and action in ('reset.ticket', 'reset.submit', 'reset.result') and job_id in (select job_id from jobs where kind = 'reset')"
        );
        assert_eq!(sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query)).fetch_one(&cloud.app.db).await.unwrap(), 2, "{outcome}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.follow' and outcome = 'released'").await, 1);
}

#[tokio::test]
async fn what_follows_is_given_up_when_the_first_is_not_set() {
    let (cloud, mut first, mut second) = cloud().await;
    let mut alice = at_password(&cloud, "alice").await;
    for code in [Code::PolicyHistory, Code::DirectoryError, Code::Interrupted] {
        alice.sets("Correct-Horse-7").await;
        let job = takes(&mut first).await;
        assert_eq!(first.ends(&job, code).await.status(), 204);
        assert!(states(&cloud).await.ends_with("Lab cancelled"), "{code:?}: {}", states(&cloud).await);
        assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0, "{code:?}: erased");
        assert_eq!(cloud.sql::<i64>("select count(*) from active_jobs where effect").await, 0);
        assert!(second.lease(0).await.is_empty());
        sqlx::query("update flows set job_id = null where state = 'verified'").execute(&cloud.app.db).await.unwrap();
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.follow' and outcome = 'cancelled'").await, 3);
    // Its time is over, with nobody there.
    alice.sets("Correct-Horse-7").await;
    cloud.clock.advance(121);
    cloud.until("select count(*) from jobs where state in ('held', 'submitted')", 0).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
}

#[tokio::test]
async fn a_newer_try_takes_what_follows_with_it() {
    let (cloud, mut first, mut second) = cloud().await;
    let (mut alice, mut elsewhere) = (at_password(&cloud, "alice").await, at_password(&cloud, "alice").await);
    alice.sets("First-Password-1").await;
    elsewhere.sets("Second-Password-2").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where state in ('held', 'submitted') and kind = 'reset'").await, 2);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 2);
    first.work(Code::Applied).await;
    let job = takes(&mut second).await;
    assert_eq!(second.open(&job).unwrap(), "Second-Password-2");
    second.ends(&job, Code::Applied).await;
    assert_eq!(elsewhere.is_told().await["next"], "/reset/done");
}

#[tokio::test]
async fn a_directory_that_is_away_is_tried_again_while_the_job_lives() {
    let (cloud, mut first, mut second) = cloud().await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    let job = takes(&mut second).await;
    assert_eq!(second.ends(&job, Code::DirectoryUnreachable).await.status(), 204);
    assert_eq!(states(&cloud).await, "Head office applied, Lab submitted");
    assert!(second.lease(0).await.is_empty(), "a moment later, not at once");
    cloud.clock.advance(4);
    let again = takes(&mut second).await;
    assert_eq!((again.ticket.job, again.attempt), (job.ticket.job, 1), "as if it had not been");
    assert_eq!(second.ends(&again, Code::Applied).await.status(), 204);
    assert_eq!(alice.is_told().await["next"], "/reset/done");

    // Nobody knows how it ended there: that is said, and not that the old one holds.
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    first.beat(true).await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-9").await;
    first.work(Code::Applied).await;
    second.work(Code::Interrupted).await;
    assert_eq!(alice.is_told().await["targets"][1]["is"], "unknown");
    let page = alice.opens("/reset").await.is_at("/reset/done").sees("We do not know yet").page.text();
    assert!(!page.contains("the old password still holds"), "{page}");

    // Never back in time: told so, and the first one's password stands.
    cloud.inbox.wait_for("alice@mail.example", 3).await.unwrap();
    first.beat(true).await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-8").await;
    first.work(Code::Applied).await;
    let job = takes(&mut second).await;
    second.ends(&job, Code::DirectoryUnreachable).await;
    cloud.clock.advance(121);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), &told["targets"][1]["is"]), (Some("applied"), &Value::from("not")));
    alice.opens("/reset").await.is_at("/reset/done").sees("could not be reached in time");
}

#[tokio::test]
async fn a_directory_that_refuses_gets_a_password_of_its_own() {
    let (cloud, mut first, mut second) = cloud().await;
    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    second.work(Code::PolicyLength).await;
    assert_eq!(alice.is_told().await["next"], "/reset/done");
    alice.opens("/reset").await.is_at("/reset/done").sees("This password is too short");
    alice.submits("/reset/elsewhere", &[]).await.is_at("/reset/password").sees("for Lab alone");
    let sealed = alice.seals("Correct-Horse-and-Battery-7").await;
    assert!(sealed["linked"].is_null(), "nobody follows it: {sealed}");
    assert_eq!(alice.posts(&sealed).await.0, 202);
    assert!(first.lease(0).await.is_empty(), "the first one keeps its own");
    second.work(Code::PolicyHistory).await;
    alice.opens("/reset").await.is_at("/reset/password").sees("used this password before");
    // Left as it is, and taken up again.
    alice.submits("/reset/elsewhere/leave", &[]).await.is_at("/reset/done").sees("used this password before");
    alice.submits("/reset/elsewhere", &[]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-and-Battery-8").await;
    let job = takes(&mut second).await;
    assert_eq!(second.open(&job).unwrap(), "Correct-Horse-and-Battery-8");
    second.ends(&job, Code::Applied).await;
    assert_eq!(alice.is_told().await["next"], "/reset/done");
    let page = alice.opens("/reset").await.is_at("/reset/done").page.text();
    assert!(!page.contains("Not set"), "{page}");
}

#[tokio::test]
async fn what_is_ambiguous_or_switched_off_or_not_served_does_not_follow() {
    let (cloud, _first, mut second) = cloud().await;
    // Two accounts have bob's address.
    let mut bob = at_password(&cloud, "bob").await;
    assert!(bob.seals("Correct-Horse-7").await["linked"].is_null());
    // Protected there: shown as not served, and not sealed for.
    let mut protected = somebody("alice.lab");
    (protected.mail, protected.protected) = (somebody("alice").mail, true);
    second.mirror(vec![protected]).await;
    let mut alice = at_password(&cloud, "alice").await;
    assert!(alice.seals("Correct-Horse-7").await["linked"].is_null());
    assert_eq!(cloud.sql::<i64>("select count(*) from users u, followers_of(u.tenant_id, u.user_id)").await, 1, "explained all the same");
    // Her address is given to somebody else of the first directory as well: then it is nobody's.
    let mut first = cloud.agent().await;
    let mut rival = somebody("rival");
    rival.mail = somebody("alice").mail;
    first.mirror(vec![somebody("alice"), rival]).await;
    assert!(alice.seals("Correct-Horse-7").await["linked"].is_null());
    assert_eq!(cloud.sql::<i64>("select count(*) from users u, followers_of(u.tenant_id, u.user_id)").await, 0);
    assert!(cloud.administers(&["connector", "link", &second.connector.to_string(), "off"]).contains("no more"));
}

#[tokio::test]
async fn an_account_that_follows_is_not_found_by_its_name_while_there_is_a_first() {
    let (cloud, _first, mut second) = cloud().await;
    // The same sign-in name in both: the first one's address gets the code.
    let mut twin = somebody("alice");
    (twin.guid, twin.mail, twin.mobile) = (uuid::Uuid::from_u128(5), Some("other@mail.example".into()), None);
    second.mirror(vec![twin]).await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = code_in(&cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

#[tokio::test]
async fn an_administrators_list_stands_until_the_next_one() {
    let (cloud, mut first, mut second) = cloud().await;
    let (connector, list) = (second.connector.to_string(), tempfile::NamedTempFile::new().unwrap());
    let lists = |lines: &str| {
        std::fs::write(list.path(), lines).unwrap();
        cloud.tries(&["connector", "link", &connector, "list", "--file", list.path().to_str().unwrap()])
    };
    // One line that cannot be is no list.
    let said = lists("bob,bob.old\nnobody,bob.lab\nbob,bob.lab\n").unwrap_err();
    assert!(said.contains("line 2: there is no \"nobody\"") && said.contains("line 3") && said.contains("nothing was changed"), "{said}");
    assert_eq!(cloud.sql::<String>("select link_by from connectors where linked").await, "mail");
    assert!(lists("bob,bob.old\n").unwrap().starts_with("1 accounts"));
    assert_eq!(
        cloud
            .sql::<i64>("select count(*) from audit_events where action = 'connector.link' and outcome = 'listed' and user_id is not null")
            .await,
        1
    );
    let mut bob = at_password(&cloud, "bob").await;
    bob.sets("Correct-Horse-7").await;
    first.work(Code::Applied).await;
    let job = takes(&mut second).await;
    assert_eq!(job.ticket.user, somebody("bob.old").guid);
    second.ends(&job, Code::Applied).await;
    // A mistake is taken back by a list without it; and another rule knows of no list.
    assert!(lists("alice,alice.lab\n").unwrap().starts_with("1 accounts"));
    assert_eq!(
        cloud.sql::<i64>("select count(*) from users u, followers_of(u.tenant_id, u.user_id) where u.sign_in_name = 'alice'").await,
        1
    );
    assert_eq!(cloud.sql::<i64>("select count(*) from users u, followers_of(u.tenant_id, u.user_id)").await, 1);
    assert!(cloud.tries(&["connector", "link", &connector, "mail", "--file", "x"]).is_err());
    cloud.administers(&["connector", "link", &connector, "sign-in-name"]);
    assert_eq!(cloud.sql::<i64>("select count(*) from users u, followers_of(u.tenant_id, u.user_id)").await, 0);
    // One directory has to go first.
    let said = cloud.tries(&["connector", "link", &cloud.connector.to_string(), "mail"]).unwrap_err();
    assert!(said.contains("one must go first"), "{said}");
}

#[tokio::test]
async fn what_is_posted_for_another_account_is_not_taken() {
    let (cloud, mut first, mut second) = cloud().await;
    let mut alice = at_password(&cloud, "alice").await;
    let mut sealed = alice.seals("Correct-Horse-7").await;
    // The linked job with the first one's envelopes, a job of somebody else's, and one that is not there.
    let own = sealed["envelopes"].clone();
    sealed["linked"][0]["envelopes"] = own.clone();
    let stranger = json!({ "job": uuid::Uuid::from_u128(3), "envelopes": own });
    sealed["linked"].as_array_mut().unwrap().push(stranger);
    assert_eq!(alice.posts(&sealed).await.0, 202, "the first one is good");
    assert_eq!(states(&cloud).await, "Head office submitted, Lab cancelled");
    first.work(Code::Applied).await;
    assert!(second.lease(0).await.is_empty());
    assert_eq!(alice.is_told().await["next"], "/reset/done");
}
