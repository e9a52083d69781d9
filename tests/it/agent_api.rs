//! The agents' door: who gets in, with what, and how often.

use reqwest::StatusCode;
use serde_json::json;
use sspr::wire::{
    b64, jws,
    keys::{Identity, Signed},
    message::{Heartbeat, LeaseRequest, MirrorBatch, SignedResult},
    outcome::Code,
};

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{code_of, somebody},
};

const JSON: &str = "application/json";

async fn heartbeat(agent: &HandAgent, token: &str, proof: &str, body: &[u8]) -> (u16, String) {
    let answer = agent.send_with("/agent/v1/heartbeat", body, JSON, Some(token), proof).await;
    if answer.status() == StatusCode::OK { (200, String::new()) } else { code_of(answer).await }
}

fn beat() -> Vec<u8> {
    let beat = Heartbeat {
        version: "0".into(),
        clock: 0,
        directory: sspr::wire::message::DirectoryHealth::default(),
        jobs: 0,
        instance: None,
        audit: None,
        removals_held: None,
        checkup: None,
        canary: Vec::new(),
    };
    serde_json::to_vec(&beat).unwrap()
}

#[tokio::test]
async fn a_token_enrols_one_agent_of_twenty() {
    let cloud = Cloud::start().await;
    let token = cloud.enrolment_token().await;
    let tries = (0..20).map(|_| HandAgent::try_enrol(&cloud, &token));
    let answers: Vec<u16> = futures(tries).await.into_iter().map(|(_, answer)| answer.status().as_u16()).collect();
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 403).count(), 19, "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from agents").await, 1);
}

async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, slot) in all.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            if let std::task::Poll::Ready(value) = one.as_mut().poll(context) {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn enrolment_tokens_end_and_are_not_in_the_database() {
    let cloud = Cloud::start().await;
    let token = cloud.enrolment_token().await;
    assert!(!cloud.dump().await.contains(&token));
    cloud.clock.advance(15 * 60 + 1);
    let (_, answer) = HandAgent::try_enrol(&cloud, &token).await;
    assert_eq!(code_of(answer).await, (403, "bad_enrolment_token".into()));
    let (_, answer) = HandAgent::try_enrol(&cloud, "sspr_enrol_guess").await;
    assert_eq!(code_of(answer).await, (403, "bad_enrolment_token".into()));
}

#[tokio::test]
async fn enrolling_again_after_a_lost_answer_is_the_same_enrolment() {
    let cloud = Cloud::start().await;
    let token = cloud.enrolment_token().await;
    let (agent, answer) = HandAgent::try_enrol(&cloud, &token).await;
    let first: sspr::wire::message::Enrolled = answer.json().await.unwrap();
    let answer = agent.enrol_with(&token).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let second: sspr::wire::message::Enrolled = answer.json().await.unwrap();
    assert_eq!((first.agent, first.connector), (second.agent, second.connector));
    assert_eq!(cloud.sql::<i64>("select count(*) from agents").await, 1);
    // Not with another key, and not once somebody confirmed it.
    assert_eq!(code_of(HandAgent::try_enrol(&cloud, &token).await.1).await, (403, "bad_enrolment_token".into()));
    assert!(cloud.confirm(first.agent, &agent.fingerprint).await);
    assert_eq!(code_of(agent.enrol_with(&token).await).await, (403, "bad_enrolment_token".into()));
}

#[tokio::test]
async fn an_agent_serves_only_once_its_fingerprint_was_compared_and_until_it_is_revoked() {
    let cloud = Cloud::start().await;
    let mut agent = HandAgent::enrol(&cloud).await;
    assert_eq!(code_of(agent.try_token().await).await, (403, "agent_pending".into()));
    assert!(!cloud.confirm(agent.id, "AAAA-BBBB-CCCC-DDDD").await);
    assert_eq!(code_of(agent.try_token().await).await, (403, "agent_pending".into()));
    assert!(cloud.confirm(agent.id, &agent.fingerprint.to_lowercase().replace('-', " ")).await);
    agent.beat(true).await;
    sqlx::query("update agents set status = 'revoked', revoked_at = now()").execute(&cloud.app.db).await.unwrap();
    // The token in hand is still signed and in time; it is worth nothing.
    assert_eq!(code_of(agent.post("/agent/v1/lease?wait=0", &LeaseRequest { max: 1 }).await).await, (403, "agent_revoked".into()));
    assert_eq!(code_of(agent.try_token().await).await, (403, "agent_revoked".into()));
}

#[tokio::test]
async fn a_revocation_ends_a_waiting_poll() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let revoke = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sqlx::query("update agents set status = 'revoked', revoked_at = now()").execute(&cloud.app.db).await.unwrap();
    };
    let begun = std::time::Instant::now();
    let (answer, ()) = tokio::join!(agent.post("/agent/v1/lease?wait=30", &LeaseRequest { max: 1 }), revoke);
    assert_eq!(code_of(answer).await, (403, "agent_revoked".into()));
    // Four seconds on an idle machine; by itself the poll would have lasted thirty.
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn every_request_needs_a_proof_of_its_own() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let (token, body) = (agent.token().await, beat());
    let path = "/agent/v1/heartbeat";
    let good = agent.proof(path, &body, Some(&token));
    assert_eq!(heartbeat(&agent, &token, &good, &body).await.0, 200);
    assert_eq!(heartbeat(&agent, &token, &good, &body).await, (401, "replayed_proof".into()));

    let refused = [
        ("another path", agent.proof("/agent/v1/lease", &body, Some(&token))),
        ("another body", agent.proof(path, b"{}", Some(&token))),
        ("no token", agent.proof(path, &body, None)),
        ("another token", agent.proof(path, &body, Some("x"))),
        (
            "another key",
            jws::prove(
                &Identity::generate(),
                "POST",
                &format!("{}{path}", cloud.url),
                &body,
                Some(&token),
                "a".repeat(20),
                cloud.clock.seconds(),
            ),
        ),
        (
            "another method",
            jws::prove(&agent.identity, "GET", &format!("{}{path}", cloud.url), &body, Some(&token), "b".repeat(20), cloud.clock.seconds()),
        ),
        (
            "another site",
            jws::prove(
                &agent.identity,
                "POST",
                &format!("https://evil.example{path}"),
                &body,
                Some(&token),
                "c".repeat(20),
                cloud.clock.seconds(),
            ),
        ),
        ("no proof", "garbage".into()),
        (
            "a huge id",
            jws::prove(
                &agent.identity,
                "POST",
                &format!("{}{path}", cloud.url),
                &body,
                Some(&token),
                "d".repeat(100),
                cloud.clock.seconds(),
            ),
        ),
    ];
    for (what, proof) in refused {
        assert_eq!(heartbeat(&agent, &token, &proof, &body).await.0, 401, "{what}");
    }
    for (what, at) in [("old", -61), ("of the future", 61)] {
        let proof = jws::prove(
            &agent.identity,
            "POST",
            &format!("{}{path}", cloud.url),
            &body,
            Some(&token),
            format!("{what:-<20}"),
            cloud.clock.seconds() + at,
        );
        assert_eq!(heartbeat(&agent, &token, &proof, &body).await, (401, "clock_skew".into()), "{what}");
    }
}

#[tokio::test]
async fn two_nodes_behave_as_one() {
    let database = crate::support::database::fresh().await;
    let first = Cloud::start_on(&database).await;
    let second = first.another_node().await;
    let mut agent = first.agent().await;
    agent.mirror(vec![somebody("alice")]).await;

    // A request that one node has seen, the other refuses.
    let (token, body) = (agent.token().await, beat());
    let proof = agent.proof("/agent/v1/heartbeat", &body, Some(&token));
    assert_eq!(heartbeat(&agent, &token, &proof, &body).await.0, 200);
    agent.url.clone_from(&second.url);
    assert_eq!(heartbeat(&agent, &token, &proof, &body).await, (401, "replayed_proof".into()));
    agent.url.clone_from(&first.url);
    agent.beat(true).await;

    // A job that is submitted at one wakes the poll at the other, and its end the browser, well before anybody looks again.
    let mut alice = Person::at(&first);
    alice.proves(&first, "alice").await;
    alice.browser = alice.browser.at(&second.url);
    let job = alice.seals("Correct-Horse-7").await;
    let poll = agent.lease(30);
    let post = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let begun = std::time::Instant::now();
        assert_eq!(alice.posts(&job).await.0, 202);
        begun
    };
    let (jobs, begun) = tokio::join!(poll, post);
    assert!(begun.elapsed().as_millis() < 1500, "woken, not found by looking again: {:?}", begun.elapsed());
    let result = agent.result_of(&jobs[0], Code::Applied);
    agent.tell(&result).await;
    assert_eq!(alice.is_told().await["state"], "applied");
}

#[tokio::test]
async fn tokens_are_short_and_nobody_else_signs_them() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let (token, body) = (agent.token().await, beat());
    // Of another second, or it would be the same.
    cloud.clock.advance(1);
    let unused: serde_json::Value = agent.try_token().await.json().await.unwrap();
    let unused = unused["access_token"].as_str().unwrap().to_owned();
    assert_ne!(unused, token);
    cloud.clock.advance(301);
    // One that this node has seen, and one that it has not.
    for token in [&token, &unused] {
        let proof = agent.proof("/agent/v1/heartbeat", &body, Some(token));
        assert_eq!(heartbeat(&agent, token, &proof, &body).await, (401, "bad_token".into()));
    }
    // Signed by the agent itself, under the cloud's key id.
    let kid = jws::unverified_kid(&token).unwrap();
    let now = cloud.clock.seconds();
    let claims = json!({ "iss": cloud.url, "sub": agent.id, "aud": cloud.url, "iat": now, "exp": now + 60, "cnf": { "jkt": sspr::wire::keys::thumbprint(agent.identity.public()) } });
    let forged = jws::sign(&agent.identity, jws::ACCESS, Some(&kid), false, &claims);
    let proof = agent.proof("/agent/v1/heartbeat", &body, Some(&forged));
    assert_eq!(heartbeat(&agent, &forged, &proof, &body).await, (401, "bad_token".into()));
}

#[tokio::test]
async fn an_assertion_is_for_us_for_now_for_once_and_from_who_sends_it() {
    let cloud = Cloud::start().await;
    let (agent, other) = (cloud.agent().await, cloud.agent().await);
    let (now, refused) = (cloud.clock.seconds(), (401, "bad_assertion".to_owned()));
    type Change = Box<dyn FnOnce(&mut jws::Assertion)>;
    let changes: [(&str, Change); 6] = [
        ("for somebody else", Box::new(|claims| claims.aud = "https://evil.example/agent/v1/token".into())),
        ("over", Box::new(move |claims| claims.exp = now)),
        ("for too long", Box::new(move |claims| claims.exp = now + 3600)),
        ("of another", Box::new(|claims| claims.iss = uuid::Uuid::nil().to_string())),
        ("about another", Box::new(|claims| claims.sub = uuid::Uuid::nil().to_string())),
        ("without an id", Box::new(|claims| claims.jti.clear())),
    ];
    for (what, change) in changes {
        assert_eq!(code_of(agent.try_token_with(&agent.assertion(change)).await).await, refused, "{what}");
    }
    let assertion = agent.assertion(|_| ());
    // Whoever caught it on the way has another key to prove with.
    assert_eq!(code_of(other.try_token_with(&assertion).await).await, refused);
    assert_eq!(agent.try_token_with(&assertion).await.status(), StatusCode::OK);
    assert_eq!(code_of(agent.try_token_with(&assertion).await).await, refused, "a second time");
}

#[tokio::test]
async fn only_own_keys_for_now_are_published() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    let statement = |agent: &HandAgent| sspr::wire::keys::Statement {
        agent: agent.id,
        connector: agent.connector,
        suite: sspr::wire::seal::SUITE.into(),
        key: b64(&sspr::wire::seal::KeyPair::generate().public),
        epoch: 2,
        not_before: cloud.clock.seconds() - 60,
        not_after: cloud.clock.seconds() + 3600,
    };
    let good = agent.identity.sign(statement(&agent));
    let foreign = other.try_publish(good.clone()).await;
    assert_eq!(code_of(foreign).await, (403, "bad_key".into()));
    let mut elsewhere = statement(&agent);
    elsewhere.connector = uuid::Uuid::nil();
    // Another agent's name under one's own signature.
    let in_its_name = other.try_publish(other.identity.sign(statement(&agent))).await;
    assert_eq!(code_of(in_its_name).await, (403, "bad_key".into()));
    let unsigned = Signed { statement: statement(&agent), signature: b64(&[0; 64]) };
    let mut long = statement(&agent);
    long.not_after = long.not_before + 25 * 3600;
    let mut over = statement(&agent);
    (over.not_before, over.not_after) = (over.not_before - 7200, over.not_before - 3600);
    let mut weak = statement(&agent);
    weak.suite = "x25519-hkdfsha256-aes256gcm".into();
    for bad in [unsigned, agent.identity.sign(long), agent.identity.sign(over), agent.identity.sign(weak), agent.identity.sign(elsewhere)] {
        assert_eq!(code_of(agent.try_publish(bad).await).await, (403, "bad_key".into()));
    }
    assert_eq!(agent.try_publish(good.clone()).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(agent.try_publish(good).await.status(), StatusCode::NO_CONTENT, "the answer may have been lost");
    let again = agent.identity.sign(statement(&agent));
    assert_eq!(code_of(agent.try_publish(again).await).await, (403, "bad_key".into()), "one key per epoch");
}

#[tokio::test]
async fn a_result_is_taken_once_from_the_holder_of_the_lease() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    let result = agent.result_of(&job, Code::Applied);

    assert_eq!(code_of(other.tell(&other.result_of(&job, Code::Applied)).await).await, (409, "contradicts".into()));
    let mut lie = result.clone();
    lie.lease = uuid::Uuid::nil();
    assert_eq!(code_of(agent.tell(&lie).await).await, (409, "contradicts".into()));
    let mut lie = result.clone();
    lie.ciphertext = b64(&[0; 32]);
    assert_eq!(code_of(agent.tell(&lie).await).await, (409, "contradicts".into()));
    let mut lie = result.clone();
    lie.seq += 1;
    assert_eq!(code_of(agent.tell(&lie).await).await, (409, "contradicts".into()));
    // Signed by somebody else, or for another job.
    let jws = jws::sign(&other.identity, jws::RESULT, None, false, &result);
    let forged = agent.post(&format!("/agent/v1/jobs/{}/result", result.job), &SignedResult { jws }).await;
    assert_eq!(code_of(forged).await, (403, "bad_result".into()));
    assert_eq!(alice.status().await["state"], "leased");

    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT, "the same again");
    assert_eq!(code_of(agent.tell(&agent.result_of(&job, Code::PolicyHistory)).await).await, (409, "contradicts".into()));
    assert_eq!(alice.status().await["state"], "applied");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.result' and outcome = 'applied' and job_id in (select job_id from jobs where kind = 'reset')").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.result' and outcome = 'refused'").await, 5);
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
    assert_eq!(cloud.inbox.count("alice@mail.example"), 2, "one code, one notice");
}

#[tokio::test]
async fn a_full_pass_removes_whoever_it_did_not_name_and_their_addresses() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    cloud.clock.advance(1);
    agent.mirror(vec![somebody("alice")]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from users where removed_at is null").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from users where removed_at is not null and mail is null and mobile is null").await, 1);

    // While one agent is at its full pass another names somebody new: they stay.
    cloud.clock.advance(1);
    let pass = uuid::Uuid::from_u128(5);
    let batch = |people, last: bool| MirrorBatch { pass, full: true, first: !last, last, upserts: people, ..MirrorBatch::default() };
    agent.post("/agent/v1/directory", &batch(vec![somebody("alice")], false)).await;
    cloud.clock.advance(1);
    let news =
        MirrorBatch { pass: uuid::Uuid::from_u128(6), first: true, last: true, upserts: vec![somebody("carol")], ..MirrorBatch::default() };
    other.post("/agent/v1/directory", &news).await;
    agent.post("/agent/v1/directory", &batch(Vec::new(), true)).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from users where removed_at is null").await, 2);
}

#[tokio::test]
async fn the_audit_trail_cannot_be_edited() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    for query in ["update audit_events set outcome = 'x'", "delete from audit_events", "truncate audit_events"] {
        assert!(sqlx::query(query).execute(&cloud.app.db).await.is_err(), "{query}");
    }
}
