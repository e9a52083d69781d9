//! From ticket to outcome, when things go wrong: nothing lies, nothing is lost, nothing is done twice.

use serde_json::json;
use sspr::{
    base::language::Language,
    lab::browser::Browser,
    wire::{
        b64,
        outcome::{Code, Outcome},
        unb64,
    },
};

use crate::support::{Cloud, HandAgent, Person, agent::code_of, agent::somebody, person::seal_for};

async fn cloud() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    (cloud, agent)
}

async fn alice_at_password(cloud: &Cloud) -> Person {
    let mut alice = Person::at(cloud);
    alice.proves(cloud, "alice").await;
    alice
}

#[tokio::test]
async fn without_an_agent_nobody_is_asked_for_any_effort() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    // No heartbeat for forty seconds.
    cloud.clock.advance(40);
    let mut late = Person::at(&cloud);
    late.opens("/").await.sees("cannot reach the systems").sees("room 101");
    assert_eq!(late.page.status, 503);
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (503, Some("no_agent")));
    agent.beat(false).await;
    Person::at(&cloud).opens("/").await.sees("cannot reach the systems");
    agent.beat(true).await;
    Person::at(&cloud).opens("/").await.is_at("/").sees("Sign-in name");
}

#[tokio::test]
async fn an_agent_that_is_lost_before_the_lease_ends_as_expired_and_nothing_changed() {
    let (cloud, _agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    cloud.clock.advance(121);
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("expired"), Some("/reset/ended")));
    alice.opens("/reset/ended").await.is_at("/reset/ended").sees(&Language::English.text("outcome-expired-title"));
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
    // Still proven: another try needs no code.
    alice.submits("/reset/again", &[]).await.is_at("/reset/password");
}

#[tokio::test]
async fn an_agent_that_dies_with_the_job_ends_as_unknown_and_its_late_answer_counts() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    cloud.clock.advance(121);
    assert_eq!(alice.is_told().await["state"], "unknown");
    alice.opens("/reset/ended").await.is_at("/reset/ended");
    let late = agent.result_of(&job, Code::Applied);
    assert_eq!(agent.tell(&late).await.status(), 204);
    assert_eq!(alice.status().await["state"], "reconciled");
    alice.opens("/reset").await.is_at("/reset/done");
}

#[tokio::test]
async fn a_lease_that_still_runs_is_waited_for() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    // A lease is for fifteen seconds, a job for two minutes.
    cloud.clock.advance(112);
    agent.beat(true).await;
    let job = agent.lease(5).await.remove(0);
    cloud.clock.advance(11);
    sspr::worker::sweep(&cloud.app).await.unwrap();
    assert_eq!(alice.status().await["state"], "leased", "its time is over, and its agent's is not");
    assert_eq!(agent.ends(&job, Code::Applied).await.status(), 204);
    assert_eq!(alice.status().await["state"], "applied");
}

#[tokio::test]
async fn who_does_not_know_may_come_to_know() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    assert_eq!(agent.ends(&job, Code::Interrupted).await.status(), 204);
    assert_eq!(alice.is_told().await["state"], "unknown");
    assert_eq!(agent.ends(&job, Code::Applied).await.status(), 204);
    assert_eq!(alice.status().await["state"], "reconciled");
    assert_eq!(code_of(agent.ends(&job, Code::PolicyAge).await).await, (409, "contradicts".into()));
}

#[tokio::test]
async fn a_ticket_that_is_not_used_ends_too() {
    let (cloud, _agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.seals("Correct-Horse-7").await;
    cloud.clock.advance(121);
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(
        cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'expired' and finished_at is not null").await,
        1
    );
    alice.opens("/reset").await.is_at("/reset/password");
    // Months later its day is dropped whole; the coming days are there.
    cloud.clock.advance(91 * 86400);
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn a_silent_agent_loses_the_job_to_another_and_cannot_answer_for_it_any_more() {
    let (cloud, mut first) = cloud().await;
    let mut second = cloud.agent().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    let old = first.lease(5).await.remove(0);
    assert!(second.lease(0).await.is_empty(), "one holder at a time");
    cloud.clock.advance(16);
    let new = second.lease(0).await.remove(0);
    assert_eq!((old.ticket.job, second.open(&new).unwrap().as_str()), (new.ticket.job, "Correct-Horse-7"));
    let stale = first.result_of(&old, Code::Applied);
    assert_eq!(code_of(first.tell(&stale).await).await, (409, "contradicts".into()));
    let result = second.result_of(&new, Code::Applied);
    assert_eq!(second.tell(&result).await.status(), 204);
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn nobody_calls_unchanged_what_another_may_have_changed() {
    let (cloud, mut first) = cloud().await;
    let mut second = cloud.agent().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    let job = first.lease(5).await.remove(0);
    cloud.clock.advance(16);
    second.beat(true).await;
    let again = second.lease(0).await.remove(0);
    assert_eq!(again.attempt, 2);
    // The first has fallen silent for good; the second sees no directory and can ask nobody.
    first.beat(false).await;
    assert_eq!(second.ends(&again, Code::DirectoryUnreachable).await.status(), 204);
    assert_eq!(alice.is_told().await["state"], "unknown");
    // The first comes back and tells what it did: its lease was its own once.
    assert_eq!(first.ends(&job, Code::Applied).await.status(), 204);
    assert_eq!(alice.status().await["state"], "reconciled");
}

#[tokio::test]
async fn a_refusal_returns_to_the_password_page_with_its_reason_and_without_proving_again() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    for code in [Code::PolicyLength, Code::PolicyComplexity, Code::PolicyHistory, Code::PolicyOther] {
        alice.sets("short").await;
        agent.work(code).await;
        let told = alice.is_told().await;
        assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("refused"), Some("/reset/password")));
        alice.opens("/reset/password").await.is_at("/reset/password");
        let reason = Language::English.text(&format!("outcome-{}-title", code.as_str().replace('_', "-")));
        alice.sees(&reason);
    }
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn whoever_was_overtaken_by_somebody_elses_change_may_try_again_at_once() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::ChangedMeanwhile).await;
    let told = alice.is_told().await;
    assert_eq!((told["state"].as_str(), told["next"].as_str()), (Some("refused"), Some("/reset/ended")));
    alice.opens("/reset/ended").await.sees(&Language::English.text("outcome-changed-meanwhile-title"));
    alice.submits("/reset/again", &[]).await.is_at("/reset/password");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn every_code_has_an_end_that_says_what_to_do() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    for code in Code::ALL.into_iter().filter(|code| code.outcome() != Outcome::Applied && !code.is_about_the_password()) {
        alice.sets("Correct-Horse-7").await;
        let job = agent.lease(5).await.remove(0);
        let mut result = agent.result_of(&job, code);
        result.allowed_at = (code == Code::PolicyAge).then_some(1_900_000_000);
        assert_eq!(agent.tell(&result).await.status(), 204);
        assert_eq!(alice.is_told().await["next"], "/reset/ended");
        alice.opens("/reset/ended").await.is_at("/reset/ended").sees("room 101");
        if code == Code::PolicyAge {
            alice.sees("2030");
        }
        sqlx::query("update flows set job_id = null where state = 'verified'").execute(&cloud.app.db).await.unwrap();
    }
}

#[tokio::test]
async fn the_same_job_posted_again_is_the_same_and_another_is_refused() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let (_, answer) = alice.ticket().await;
    let (job, other) = (seal_for(&answer, "Correct-Horse-7"), seal_for(&answer, "Another-Horse-8"));
    assert_eq!(alice.posts(&job).await.0, 202);
    assert_eq!(alice.posts(&job).await.0, 202, "the first answer may have been lost");
    assert_eq!(alice.posts(&other).await.1["code"], "no_ticket");
    let leased = agent.work(Code::Applied).await;
    assert_eq!(agent.open(&leased).unwrap(), "Correct-Horse-7");
    assert_eq!(alice.posts(&job).await.0, 202, "also after the end");
    assert!(agent.lease(0).await.is_empty());
    // Done is done: the flow gives no further ticket.
    assert_eq!(alice.ticket().await.0, 403);
}

#[tokio::test]
async fn the_newest_ticket_wins() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    // Two tabs of one browser.
    let old = alice.seals("Old-Password-1").await;
    let new = alice.seals("New-Password-2").await;
    assert_eq!(alice.posts(&old).await.1["code"], "no_ticket");
    // Two browsers of one person: the older ticket is superseded, and a job that no agent has yet gives way.
    let mut elsewhere = alice_at_password(&cloud).await;
    assert_eq!(alice.posts(&new).await.0, 202);
    let newest = elsewhere.seals("Newest-Password-3").await;
    assert_eq!(elsewhere.posts(&newest).await.0, 202);
    assert_eq!(alice.is_told().await["state"], "superseded");
    let job = agent.work(Code::Applied).await;
    assert_eq!(agent.open(&job).unwrap(), "Newest-Password-3");
    assert!(agent.lease(0).await.is_empty());
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
}

#[tokio::test]
async fn two_presses_at_once_never_hide_an_accepted_job() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let mut accepted = 0;
    for round in 0..20 {
        let job = alice.seals(&format!("Password-{round}")).await;
        let mut other_tab = Browser::new(&cloud.url).unwrap();
        other_tab.cookies = alice.browser.cookies.clone();
        let nothing = json!({});
        let (submitted, ticket) =
            tokio::join!(alice.browser.post_json("/reset/jobs", &job), other_tab.post_json("/reset/ticket", &nothing));
        let (submitted, ticket) = (submitted.unwrap().0, ticket.unwrap().0);
        assert_ne!((submitted, ticket), (202, 200), "round {round}: the job was taken and the flow looks elsewhere");
        if submitted == 202 {
            accepted += 1;
            alice.opens("/reset").await.is_at("/reset/status");
            agent.work(Code::PolicyHistory).await;
        }
        alice.opens("/reset").await.is_at("/reset/password");
    }
    assert!(accepted > 0, "at least one came first");
}

#[tokio::test]
async fn a_submit_that_waited_for_a_lease_sees_the_lease() {
    let (cloud, mut agent) = cloud().await;
    let (mut alice, mut elsewhere) = (alice_at_password(&cloud).await, alice_at_password(&cloud).await);
    alice.sets("First-Password-1").await;
    let second = elsewhere.seals("Second-Password-2").await;
    // Somebody holds the pointer while the lease and then the submit queue up behind them.
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select 1 from active_jobs for update").execute(&mut *tx).await.unwrap();
    sqlx::query("update active_jobs set lease_until = now() + interval '15 seconds'").execute(&mut *tx).await.unwrap();
    sqlx::query("update jobs set state = 'leased', attempts = 1, lease = gen_random_uuid(), lease_until = now() + interval '15 seconds', agent_id = $1 where state = 'submitted'")
        .bind(agent.id)
        .execute(&mut *tx)
        .await
        .unwrap();
    let waits = async {
        cloud.until("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()", 1).await;
        tx.commit().await.unwrap();
    };
    let ((status, answer), ()) = tokio::join!(elsewhere.posts(&second), waits);
    assert_eq!((status, answer["code"].as_str()), (409, Some("busy")));
    cloud.clock.advance(16);
    agent.beat(true).await;
    agent.work(Code::Applied).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
}

#[tokio::test]
async fn an_agent_without_its_directory_leaves_the_job_to_another() {
    let (cloud, mut blind) = cloud().await;
    let mut seeing = cloud.agent().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    let job = blind.lease(5).await.remove(0);
    assert_eq!(blind.ends(&job, Code::DirectoryUnreachable).await.status(), 204);
    assert_eq!(alice.status().await["state"], "submitted");
    assert!(blind.lease(0).await.is_empty(), "not to the one that said so");
    let again = seeing.lease(0).await.remove(0);
    assert_eq!((again.ticket.job, again.attempt), (job.ticket.job, 1), "nothing was tried yet");
    seeing.ends(&again, Code::Applied).await;
    assert_eq!(alice.is_told().await["state"], "applied");

    // Whoever says beforehand that the directory is away gets no job at all; alone, its word is the end.
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    blind.beat(false).await;
    bob.sets("Correct-Horse-8").await;
    assert!(blind.lease(0).await.is_empty());
    let job = seeing.lease(0).await.remove(0);
    assert_eq!(seeing.ends(&job, Code::DirectoryUnreachable).await.status(), 204);
    assert_eq!(bob.is_told().await["state"], "failed");
}

#[tokio::test]
async fn a_job_that_an_agent_has_is_not_called_superseded() {
    let (cloud, mut agent) = cloud().await;
    let (mut alice, mut elsewhere) = (alice_at_password(&cloud).await, alice_at_password(&cloud).await);
    alice.sets("First-Password-1").await;
    let first = agent.lease(5).await.remove(0);
    let second = elsewhere.seals("Second-Password-2").await;
    let (status, answer) = elsewhere.posts(&second).await;
    assert_eq!((status, answer["code"].as_str()), (409, Some("busy")));
    let result = agent.result_of(&first, Code::Applied);
    agent.tell(&result).await;
    assert_eq!(elsewhere.posts(&second).await.0, 202, "the ticket is still good");
    agent.work(Code::Applied).await;
}

#[tokio::test]
async fn a_ticket_ends() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let job = alice.seals("Correct-Horse-7").await;
    cloud.clock.advance(121);
    agent.beat(true).await;
    let (status, answer) = alice.posts(&job).await;
    assert_eq!((status, answer["code"].as_str()), (409, Some("ticket_expired")));
    assert!(agent.lease(0).await.is_empty());
    // Another press of the button is all it takes.
    alice.sets("Correct-Horse-7").await;
}

#[tokio::test]
async fn envelopes_are_one_per_offered_key_and_of_one_shape() {
    let (cloud, agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let good = alice.seals("Correct-Horse-7").await;
    let envelope = good["envelopes"][0].clone();
    let with = |field: &str, value: serde_json::Value| {
        let mut changed = envelope.clone();
        changed[field] = value;
        json!({ "job": good["job"], "envelopes": [changed] })
    };
    let short = b64(&unb64(envelope["ct"].as_str().unwrap()).unwrap()[1..]);
    let bad = [
        json!({ "job": good["job"], "envelopes": [] }),
        json!({ "job": good["job"], "envelopes": [envelope, envelope] }),
        with("key", b64(&[1; 32]).into()),
        with("ct", short.into()),
        with("enc", "".into()),
    ];
    for bad in bad {
        let (status, answer) = alice.posts(&bad).await;
        assert_eq!((status, answer["code"].as_str()), (422, Some("bad_envelope")), "{bad}");
    }
    // Not JSON of that shape at all.
    for bad in [json!({}), json!([1]), json!({ "job": [good["job"]], "envelopes": [] }), with("ct", json!(["x"])), with("extra", json!(1))]
    {
        assert_eq!(alice.posts(&bad).await.0, 400, "{bad}");
    }
    // What was changed on the way has the right shape, is taken, and does not open.
    let mut torn = unb64(envelope["ct"].as_str().unwrap()).unwrap();
    torn[100] ^= 1;
    assert_eq!(alice.posts(&with("ct", b64(&torn).into())).await.0, 202);
    let mut agent = agent;
    let job = agent.lease(5).await.remove(0);
    assert!(agent.open(&job).is_err());
}

#[tokio::test]
async fn a_ticket_belongs_to_its_flow() {
    let (cloud, _agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    let job = alice.seals("Correct-Horse-7").await;
    assert_eq!(bob.posts(&job).await.1["code"], "no_ticket");
    let mut stranger = Browser::new(&cloud.url).unwrap();
    assert_eq!(stranger.post_json("/reset/jobs", &job).await.unwrap().0, 410);
    assert_eq!(stranger.post_json("/reset/ticket", &json!({})).await.unwrap().0, 410);
}

#[tokio::test]
async fn whoever_may_no_longer_be_served_is_not() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    let job = alice.seals("Correct-Horse-7").await;
    let mut gone = somebody("alice");
    gone.enabled = false;
    agent.mirror(vec![gone, somebody("bob")]).await;
    assert_eq!(alice.posts(&job).await.1["code"], "not_served");
    // Deleted and made anew under the same name: another object, and nothing of the old flow.
    let mut anew = somebody("alice");
    anew.guid = uuid::Uuid::from_u128(77);
    agent.mirror(vec![anew, somebody("bob")]).await;
    assert_eq!(alice.posts(&job).await.1["code"], "not_served");
    alice.opens("/reset/password").await;
    assert_eq!(alice.page.status, 410);
}

#[tokio::test]
async fn what_is_off_does_nothing() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    alice.sets("Correct-Horse-7").await;
    sqlx::query("update connectors set writeback = false").execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    assert!(agent.lease(0).await.is_empty(), "a job in the queue is not handed out");
    Person::at(&cloud).opens("/").await.sees("cannot be set from here");
    sqlx::query("update connectors set writeback = true").execute(&cloud.app.db).await.unwrap();
    sqlx::query("update tenants set self_service = false").execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    Person::at(&cloud).opens("/").await.sees("has not switched on");
}

#[tokio::test]
async fn what_pages_know_for_a_moment_is_asked_again_with_the_ticket() {
    let (cloud, _agent) = cloud().await;
    let mut alice = alice_at_password(&cloud).await;
    // Nobody waits for the node to hear of it.
    sqlx::query("update connectors set writeback = false").execute(&cloud.app.db).await.unwrap();
    assert_eq!(alice.ticket().await.1["code"], "writeback_off");
    sqlx::query("update connectors set writeback = true").execute(&cloud.app.db).await.unwrap();
    sqlx::query("update tenants set self_service = false").execute(&cloud.app.db).await.unwrap();
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")));
}

#[tokio::test]
async fn pages_lead_to_where_the_flow_is() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = Person::at(&cloud);
    let pages = ["/reset", "/reset/method", "/reset/code", "/reset/password", "/reset/status", "/reset/done", "/reset/ended"];
    let lead = async |alice: &mut Person, wanted: &str| {
        for page in pages {
            alice.opens(page).await;
            // The choice of method stays open while a code is awaited.
            if !(page == "/reset/method" && wanted == "/reset/code") {
                alice.is_at(wanted);
            }
        }
    };
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    lead(&mut alice, "/reset/method").await;
    alice.opens("/reset/method").await.submits("/reset/method", &[("method", "email")]).await;
    lead(&mut alice, "/reset/code").await;
    let code = crate::support::person::code_in(&cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text);
    alice.submits("/reset/code", &[("code", &code)]).await;
    lead(&mut alice, "/reset/password").await;
    let job = alice.seals("Correct-Horse-7").await;
    lead(&mut alice, "/reset/password").await;
    alice.posts(&job).await;
    lead(&mut alice, "/reset/status").await;
    agent.work(Code::Applied).await;
    lead(&mut alice, "/reset/done").await;
}
