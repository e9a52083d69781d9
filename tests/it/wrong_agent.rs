//! An agent that does each thing wrong: every rule of docs/agent-protocol.md §6 and §7 that the cloud can judge. Named after the rules.
//! Who gets in is in `agent_api.rs`, misshapen bodies in `hostile.rs`, what proofs must be in `norms.rs` and `conform.rs`.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sspr::{
    base::language::Language,
    domain::{
        audit::Source,
        fleet,
        tenants::{self, New},
    },
    wire::{
        jws,
        message::{Enrolled, LeaseRequest, LeasedJob, MirrorBatch, SignedResult},
        outcome::Code,
    },
};

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{code_of, somebody},
};

const CONTRADICTS: (u16, &str) = (409, "contradicts");
const UNKNOWN: (u16, &str) = (409, "unknown_job");

async fn said(answer: Response) -> (u16, String) {
    code_of(answer).await
}

fn refused((status, code): (u16, &str)) -> (u16, String) {
    (status, code.to_owned())
}

/// A cloud with an agent, Alice, and Alice's job, sealed and not leased.
async fn job_waits() -> (Cloud, HandAgent, Person) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    (cloud, agent, alice)
}

/// The same, leased.
async fn job_leased() -> (Cloud, HandAgent, Person, LeasedJob) {
    let (cloud, mut agent, alice) = job_waits().await;
    let job = agent.lease(5).await.remove(0);
    (cloud, agent, alice, job)
}

/// A trusted agent of another tenant of the same cloud.
async fn neighbour(cloud: &Cloud) -> HandAgent {
    let source = Source::house("cli");
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Neighbour", host: "neighbour.example", language: Language::English, help: None };
    let tenant = tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    let connector = fleet::create_connector(&mut tx, &tenant.scope, &cloud.clock, "Theirs").await.unwrap();
    fleet::switch(&mut tx, &tenant.scope, &cloud.clock, &source, connector, (fleet::Feature::Writeback, true)).await.unwrap();
    let token = fleet::new_token(&mut tx, &tenant.scope, &cloud.clock, &source, connector).await.unwrap();
    tx.commit().await.unwrap();
    let (mut agent, answer) = HandAgent::try_enrol(cloud, &token).await;
    let enrolled: Enrolled = answer.json().await.unwrap();
    (agent.id, agent.connector) = (enrolled.agent, enrolled.connector);
    let mut tx = cloud.app.begin().await.unwrap();
    assert!(fleet::confirm(&mut tx, &tenant.scope, &cloud.clock, &source, agent.id, &agent.fingerprint).await.unwrap());
    tx.commit().await.unwrap();
    agent.publish_key().await;
    agent.beat(true).await;
    agent
}

#[tokio::test]
async fn a_result_without_a_lease_changes_nothing() {
    let (cloud, mut agent, mut alice) = job_waits().await;
    let job: uuid::Uuid = cloud.sql("select job_id from jobs where kind = 'reset'").await;
    let seq: i64 = cloud.sql("select seq from jobs where kind = 'reset'").await;
    let now = cloud.clock.millis();
    let mut result = json!({ "job": job, "lease": uuid::Uuid::nil(), "seq": seq, "ciphertext": sspr::wire::b64(&[0; 32]), "code": "applied",
        "dc": "", "started_at": now, "finished_at": now, "unlocked": false, "allowed_at": null });
    // Also under the very hash that the cloud has of it.
    let hash: String =
        cloud.sql("select (select value from jsonb_each_text(to_jsonb(hashes)) limit 1) from jobs where kind = 'reset'").await;
    for ciphertext in [result["ciphertext"].clone(), json!(hash)] {
        result["ciphertext"] = ciphertext;
        let jws = jws::sign(&agent.identity, jws::RESULT, Some(&agent.id.to_string()), false, &result);
        let answer = agent.post(&format!("/agent/v1/jobs/{job}/result"), &SignedResult { jws }).await;
        assert_eq!(said(answer).await, refused(CONTRADICTS));
    }
    assert_eq!(alice.status().await["state"], "submitted");
    assert_eq!(agent.lease(5).await.len(), 1, "and it is still there");
}

#[tokio::test]
async fn a_job_that_does_not_exist_has_no_result() {
    let (_cloud, mut agent, _alice, job) = job_leased().await;
    let mut result = agent.result_of(&job, Code::Applied);
    result.job = uuid::Uuid::from_u128(7);
    assert_eq!(said(agent.tell(&result).await).await, refused(UNKNOWN));
}

#[tokio::test]
async fn another_tenants_job_is_as_if_it_were_not_there() {
    let (cloud, mut agent, mut alice, job) = job_leased().await;
    let mut neighbour = neighbour(&cloud).await;
    // It knows everything but the key: job, lease, number and ciphertext.
    for code in [Code::Applied, Code::Interrupted, Code::DirectoryUnreachable] {
        let theirs = said(neighbour.ends(&job, code).await).await;
        let mut nowhere = neighbour.result_of(&job, code);
        nowhere.job = uuid::Uuid::from_u128(7);
        assert_eq!(theirs, said(neighbour.tell(&nowhere).await).await);
        assert_eq!(theirs, refused(UNKNOWN));
    }
    assert!(neighbour.lease(0).await.is_empty());
    assert_eq!(alice.status().await["state"], "leased");
    assert_eq!(agent.ends(&job, Code::Applied).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(alice.status().await["state"], "applied");
}

#[tokio::test]
async fn another_tenants_people_are_not_touched_by_a_mirror() {
    let (cloud, _agent, _alice) = job_waits().await;
    let mut neighbour = neighbour(&cloud).await;
    let before: String = cloud.sql("select string_agg(u::text, ' ') from users u").await;
    let alice = somebody("alice");
    let batch = MirrorBatch { last: true, removals: vec![alice.guid], ..MirrorBatch::default() };
    assert_eq!(neighbour.post("/agent/v1/directory", &batch).await.status(), StatusCode::NO_CONTENT);
    // A full pass that names nobody removes whoever is theirs, and nobody else.
    neighbour.mirror(Vec::new()).await;
    assert_eq!(cloud.sql::<String>("select string_agg(u::text, ' ') from users u").await, before);
    // The same object in two directories is two people.
    neighbour.mirror(vec![alice]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from users where removed_at is null").await, 2);
}

#[tokio::test]
async fn a_lease_that_ended_may_still_be_answered_until_another_has_the_job() {
    let (cloud, mut agent, mut alice, job) = job_leased().await;
    cloud.clock.advance(16);
    assert_eq!(agent.ends(&job, Code::Applied).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(alice.status().await["state"], "applied");

    let (cloud, mut agent, mut alice, job) = job_leased().await;
    cloud.clock.advance(16);
    agent.beat(true).await;
    let again = agent.lease(5).await.remove(0);
    assert_eq!((again.ticket.job, again.attempt), (job.ticket.job, 2));
    assert_ne!(again.lease, job.lease);
    assert_eq!(said(agent.ends(&job, Code::Applied).await).await, refused(CONTRADICTS), "the old lease, of the same agent");
    assert_eq!(alice.status().await["state"], "leased");
    assert_eq!(agent.ends(&again, Code::Applied).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn after_its_deadline_a_job_is_not_handed_out_and_its_last_holder_may_settle_it_once() {
    let (cloud, mut agent, mut alice, job) = job_leased().await;
    cloud.clock.advance(121);
    cloud.until("select count(*) from jobs where kind = 'reset' and state = 'unknown'", 1).await;
    agent.beat(true).await;
    assert!(agent.lease(0).await.is_empty());
    // What was never said of it before, from whoever held it.
    let result = agent.result_of(&job, Code::Applied);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT, "the same again");
    assert_eq!(said(agent.ends(&job, Code::Stale).await).await, refused(CONTRADICTS), "once");
    assert_eq!(cloud.sql::<String>("select state from jobs where kind = 'reset'").await, "reconciled");
    assert_eq!(alice.status().await["final"], true);
}

#[tokio::test]
async fn a_result_of_a_revoked_agent_is_refused_and_its_job_goes_to_another() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    sqlx::query("update agents set status = 'revoked', revoked_at = now() where agent_id = $1")
        .bind(agent.id)
        .execute(&cloud.app.db)
        .await
        .unwrap();
    assert_eq!(said(agent.ends(&job, Code::Applied).await).await, (403, "agent_revoked".into()));
    assert_eq!(alice.status().await["final"], false);
    cloud.clock.advance(16);
    other.beat(true).await;
    let again = other.lease(5).await.remove(0);
    assert_eq!((again.ticket.job, again.attempt), (job.ticket.job, 2));
}

#[tokio::test]
async fn whoever_does_not_hold_a_job_cannot_hand_it_over_or_give_it_up() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    for code in [Code::DirectoryUnreachable, Code::Interrupted, Code::UnknownKind] {
        assert_eq!(said(other.ends(&job, code).await).await, refused(CONTRADICTS));
    }
    assert!(other.lease(0).await.is_empty());
    assert_eq!(alice.status().await["state"], "leased");
}

#[tokio::test]
async fn no_more_jobs_come_than_were_asked_for_and_none_to_whom_sees_no_directory() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    // Another could take them meanwhile.
    let _other = cloud.agent().await;
    let names = ["alice", "bob", "carol"];
    agent.mirror(names.map(somebody).into()).await;
    for name in names {
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await;
        person.sets("Correct-Horse-7").await;
    }
    agent.beat(false).await;
    assert!(agent.lease(0).await.is_empty(), "its directory is away");
    agent.beat(true).await;
    const WAITING: &str = "select count(*) from jobs where state = 'submitted'";
    // Looks among them.
    let all = cloud.sql::<i64>(WAITING).await;
    for left in [all - 1, all - 2] {
        let answer = agent.post("/agent/v1/lease?wait=0", &LeaseRequest { max: 1 }).await;
        let leased: Value = answer.json().await.unwrap();
        assert_eq!(leased["jobs"].as_array().unwrap().len(), 1);
        assert_eq!(cloud.sql::<i64>(WAITING).await, left);
    }
    // None is taken as one, too many as a hundred.
    let answer = agent.post("/agent/v1/lease?wait=0", &LeaseRequest { max: 0 }).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn keys_that_ended_or_have_not_begun_are_given_to_no_browser() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    let (_, first) = alice.ticket().await;
    assert_eq!(first["recipients"][0]["statement"]["epoch"], 1);
    // A newer one that begins in four minutes is kept, and not handed out before.
    let now = cloud.clock.seconds();
    let next = sspr::wire::seal::KeyPair::generate();
    let statement = sspr::wire::keys::Statement {
        agent: agent.id,
        connector: agent.connector,
        suite: sspr::wire::seal::SUITE.into(),
        key: sspr::wire::b64(&next.public),
        epoch: 2,
        not_before: now + 240,
        not_after: now + 3600,
    };
    let signed = agent.identity.sign(statement);
    assert_eq!(agent.try_publish(signed).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(alice.ticket().await.1["recipients"][0]["statement"]["epoch"], 1);
    cloud.clock.advance(241);
    agent.beat(true).await;
    assert_eq!(alice.ticket().await.1["recipients"][0]["statement"]["epoch"], 2);
    // Past both: the newest does not live on because there is no other.
    sqlx::query("update sealing_keys set not_after = not_before + interval '1 second'").execute(&cloud.app.db).await.unwrap();
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (503, Some("no_agent")));
}

#[tokio::test]
async fn a_lower_epoch_is_taken_and_not_sealed_to_while_a_higher_one_is_valid() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    let now = cloud.clock.seconds();
    let key = |agent: &HandAgent, epoch, until| {
        let public = sspr::wire::b64(&sspr::wire::seal::KeyPair::generate().public);
        agent.identity.sign(sspr::wire::keys::Statement {
            agent: agent.id,
            connector: agent.connector,
            suite: sspr::wire::seal::SUITE.into(),
            key: public,
            epoch,
            not_before: now - 60,
            not_after: now + until,
        })
    };
    // The first has epoch 1 and would be next, but for the lower one of the two that come now.
    for (epoch, until) in [(9, 30), (5, 3600)] {
        let key = key(&agent, epoch, until);
        assert_eq!(agent.try_publish(key).await.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(alice.ticket().await.1["recipients"][0]["statement"]["epoch"], 9);
    cloud.clock.advance(31);
    agent.beat(true).await;
    assert_eq!(alice.ticket().await.1["recipients"][0]["statement"]["epoch"], 5);
}

/// Status, code and reason of a problem.
async fn because(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("reason"))
}

#[tokio::test]
async fn what_does_not_fit_is_told_to_whoever_writes_the_agent() {
    let (_cloud, mut agent, _alice, job) = job_leased().await;
    let of = |status: u16, code: &str, reason: &str| (status, code.to_owned(), reason.to_owned());
    let bodies = [
        (json!({ "max": "hunter2" }), "invalid type, expected u16, at line 1, column 16"),
        (json!({}), "missing field `max`, at line 1, column 2"),
        (json!({ "hunter2": 1 }), "unknown field, expected `max`, at line 1, column 10"),
        (json!([1]), "no JSON object"),
    ];
    for (body, reason) in bodies {
        assert_eq!(because(agent.post("/agent/v1/lease", &body).await).await, of(400, "bad_input", reason));
    }
    let form = agent.post_bare("/agent/v1/token", b"grant_type=client_credentials", "application/x-www-form-urlencoded").await;
    assert_eq!(because(form).await, of(400, "bad_input", "not the three fields of a client assertion, each once"));

    let unproven = agent.send_with("/agent/v1/enrolment", b"{}", "application/json", None, "").await;
    assert_eq!(because(unproven).await, of(401, "bad_proof", "not a compact JWS of the expected type"));
    let elsewhere = agent.proof("/agent/v1/heartbeat", b"{}", None);
    let unproven = agent.send_with("/agent/v1/enrolment", b"{}", "application/json", None, &elsewhere).await;
    assert_eq!(because(unproven).await, of(401, "bad_proof", "a claim does not fit this request: htu"));

    let statement = sspr::wire::keys::Statement {
        agent: agent.id,
        connector: agent.connector,
        suite: sspr::wire::seal::SUITE.into(),
        key: sspr::wire::b64(&sspr::wire::seal::KeyPair::generate().public),
        epoch: 1,
        not_before: 1,
        not_after: 3600,
    };
    let ended = agent.identity.sign(statement.clone());
    assert_eq!(because(agent.try_publish(ended).await).await, of(403, "bad_key", "it has ended"));
    let by_another = sspr::wire::keys::Identity::generate().sign(statement);
    let reason = "the signature is not by this agent's identity over this statement";
    assert_eq!(because(agent.try_publish(by_another).await).await, of(403, "bad_key", reason));

    let result = agent.result_of(&job, Code::Applied);
    let jws = jws::sign(&agent.identity, jws::RESULT, None, false, &result);
    let elsewhere = agent.post(&format!("/agent/v1/jobs/{}/result", uuid::Uuid::nil()), &SignedResult { jws }).await;
    assert_eq!(because(elsewhere).await, of(403, "bad_result", "it is about another job than its address"));
    let none = agent.post(&format!("/agent/v1/jobs/{}/result", result.job), &SignedResult { jws: "x".into() }).await;
    assert_eq!(because(none).await, of(403, "bad_result", "it is no JWS of this type, or its claims are of another shape"));
    // A code that says enough has none.
    assert_eq!(because(agent.post("/agent/v1/nothing", &json!({})).await).await, of(404, "not_found", ""));
}

#[tokio::test]
async fn a_confirmed_identity_enrols_nowhere_else() {
    let cloud = Cloud::start().await;
    let agent = cloud.agent().await;
    let token = cloud.enrolment_token().await;
    assert_eq!(said(agent.enrol_with(&token).await).await, (409, "known_key".into()));
    assert_eq!(cloud.sql::<i64>("select count(*) from agents").await, 1);
}

#[tokio::test]
async fn what_an_agent_says_of_its_clock_or_name_decides_nothing() {
    let (cloud, mut agent, _alice) = job_waits().await;
    // A clock at the end of the world in the heartbeat and in the result; the deadline is the ticket's.
    let beat = json!({ "version": "x".repeat(5000), "clock": i64::MAX, "directory": { "reachable": true, "dc": "x" }, "jobs": u64::MAX });
    assert_eq!(agent.post("/agent/v1/heartbeat", &beat).await.status(), StatusCode::OK);
    let job = agent.lease(5).await.remove(0);
    let mut result = agent.result_of(&job, Code::Applied);
    (result.started_at, result.finished_at) = (i64::MIN, i64::MAX);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and finished_at < now() + interval '1 minute'").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from agents where length(version) > 50").await, 0);
}
