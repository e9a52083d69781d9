//! An agent replaces its identity key: the cloud's side by hand, and the real agent's through crashes and lost answers.

use std::{fs, path::Path};

use reqwest::StatusCode;
use sspr::{
    agent::{
        self,
        cloud::{Cloud as Calls, Failure},
        identity::Identities,
        rotation,
        state::State,
        time::Time,
    },
    base::config::{self, Config},
    domain::fleet,
    wire::{
        b64,
        keys::{Identity, Statement, Succession, fingerprint},
        message::{DirectoryHealth, Heartbeat, LeaseRequest, NewIdentity, SignedResult},
        outcome::Code,
        seal::{KeyPair, SUITE},
    },
};

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{code_of, somebody},
};

const PATH: &str = "/agent/v1/identity";

async fn refused(agent: &mut HandAgent, new: &NewIdentity) -> (u16, String) {
    code_of(agent.post(PATH, new).await).await
}

/// The identity and signature of each sealing key that a browser would be given.
async fn recipients(cloud: &Cloud) -> Vec<fleet::Recipient> {
    let mut conn = cloud.app.db.acquire().await.unwrap();
    fleet::recipients(&mut conn, &cloud.tenant.scope, &cloud.clock, cloud.connector).await.unwrap().unwrap_or_default()
}

fn statement(agent: &HandAgent, epoch: i64, now: i64) -> Statement {
    Statement {
        agent: agent.id,
        connector: agent.connector,
        suite: SUITE.into(),
        key: b64(&KeyPair::generate().public),
        epoch,
        not_before: now - 60,
        not_after: now + 3600,
    }
}

#[tokio::test]
async fn a_new_identity_takes_the_old_ones_place_at_once_and_brings_the_sealing_keys() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let (old_token, old) = (agent.token().await, agent.fingerprint.clone());
    let new = Identity::generate();
    let body = agent.succession(&new);
    assert_eq!(agent.post(PATH, &body).await.status(), StatusCode::NO_CONTENT);

    // What browsers get is signed by the new key, and there is no moment without.
    let keys = recipients(&cloud).await;
    assert_eq!((keys.len(), keys[0].identity.as_str()), (1, b64(new.public()).as_str()));
    let signed = sspr::wire::keys::Signed { statement: keys[0].statement.clone(), signature: keys[0].signature.clone() };
    assert!(signed.is_signed_by(new.public()) && Some(&signed.statement) == agent.published.as_ref());

    // The old key is worth nothing, with the token in hand or for a new one.
    assert_eq!(code_of(agent.post("/agent/v1/lease?wait=0", &LeaseRequest { max: 1 }).await).await, (401, "bad_token".into()));
    assert_eq!(code_of(agent.try_token().await).await, (401, "bad_assertion".into()));
    assert_eq!(refused(&mut agent, &body).await, (401, "bad_token".into()), "nor to go back");
    agent.becomes(Identity::from_pkcs8(new.pkcs8()).unwrap());
    let proof = agent.proof(PATH, b"{}", Some(&old_token));
    let with_old_token = agent.send_with(PATH, b"{}", "application/json", Some(&old_token), &proof).await;
    assert_eq!(code_of(with_old_token).await, (401, "bad_token".into()), "the old token is bound to the old key");
    agent.beat(true).await;
    // Whoever asks again with the new key did not hear the answer.
    assert_eq!(agent.post(PATH, &body).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(cloud.sql::<i64>("select count(*) from former_identities").await, 1);

    let audited = cloud.sql::<String>(
        "select outcome || ' ' || (detail ->> 'before') || ' ' || (detail ->> 'after') from audit_events where action = 'agent.identity'",
    );
    assert_eq!(audited.await, format!("replaced {old} {}", fingerprint(new.public())));
}

#[tokio::test]
async fn only_a_fresh_key_that_says_so_itself_takes_the_place() {
    let cloud = Cloud::start().await;
    let (mut agent, other) = (cloud.agent().await, cloud.agent().await);
    let (now, new, thief) = (cloud.clock.seconds(), Identity::generate(), Identity::generate());
    let good = agent.succession(&new);
    let said_by = |signer: &Identity, said: Succession| NewIdentity { signature: signer.succeed(&said), ..agent.succession(&new) };
    let mine = || Succession::of(agent.id, agent.identity.public(), new.public());
    let foreign_key = statement(&other, 1, now);
    let own = agent.published.clone().unwrap();
    let longer = Statement { not_after: own.not_after + 60, ..own.clone() };
    let cases = [
        ("signed by another key", said_by(&thief, mine()), "bad_identity"),
        ("signed by the old key", said_by(&agent.identity, mine()), "bad_identity"),
        ("for another agent", said_by(&new, Succession { agent: other.id, ..mine() }), "bad_identity"),
        ("in another key's place", said_by(&new, Succession::of(agent.id, thief.public(), new.public())), "bad_identity"),
        ("no key", NewIdentity { identity: b64(&[1; 31]), ..agent.succession(&new) }, "bad_identity"),
        ("without sealing keys", NewIdentity { keys: Vec::new(), ..agent.succession(&new) }, "bad_key"),
        ("signed by the old one", NewIdentity { keys: vec![agent.identity.sign(own.clone())], ..agent.succession(&new) }, "bad_key"),
        ("another agent's", NewIdentity { keys: vec![new.sign(foreign_key)], ..agent.succession(&new) }, "bad_key"),
        ("other words", NewIdentity { keys: vec![new.sign(longer)], ..agent.succession(&new) }, "bad_key"),
        (
            "a known epoch",
            NewIdentity { keys: vec![new.sign(own), new.sign(statement(&agent, 1, now))], ..agent.succession(&new) },
            "bad_key",
        ),
    ];
    for (what, body, code) in cases {
        assert_eq!(refused(&mut agent, &body).await, (403, code.into()), "{what}");
    }
    // A key that somebody has, and one that somebody had.
    let known = NewIdentity {
        identity: b64(other.identity.public()),
        signature: other.identity.succeed(&Succession::of(agent.id, agent.identity.public(), other.identity.public())),
        keys: Vec::new(),
    };
    assert_eq!(refused(&mut agent, &known).await, (409, "known_key".into()));
    assert_eq!(recipients(&cloud).await.len(), 2, "all that changed nothing");
    let refusals = cloud.sql::<i64>("select count(*) from audit_events where action = 'agent.identity' and outcome <> 'replaced'").await;
    assert_eq!(refusals, 11);

    assert_eq!(agent.post(PATH, &good).await.status(), StatusCode::NO_CONTENT);
    let old = Identity::from_pkcs8(agent.identity.pkcs8()).unwrap();
    agent.becomes(new);
    let back = agent.succession(&old);
    assert_eq!(refused(&mut agent, &back).await, (409, "known_key".into()));
    // Nor does a former key enrol.
    let token = cloud.enrolment_token().await;
    agent.becomes(old);
    assert_eq!(code_of(agent.enrol_with(&token).await).await, (409, "known_key".into()));
}

#[tokio::test]
async fn a_result_told_before_is_the_same_after_the_key_was_replaced() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    let result = agent.result_of(&job, Code::Applied);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT);
    let old_signature = sspr::wire::jws::sign(&agent.identity, sspr::wire::jws::RESULT, Some(&agent.id.to_string()), false, &result);
    let new = Identity::generate();
    assert_eq!(agent.post(PATH, &agent.succession(&new)).await.status(), StatusCode::NO_CONTENT);
    agent.becomes(new);
    assert_eq!(agent.tell(&result).await.status(), StatusCode::NO_CONTENT, "the same content");
    let lie = agent.result_of(&job, Code::DirectoryError);
    assert_eq!(code_of(agent.tell(&lie).await).await, (409, "contradicts".into()));
    let body = SignedResult { jws: old_signature };
    let by_the_old = agent.post(&format!("/agent/v1/jobs/{}/result", result.job), &body).await;
    assert_eq!(code_of(by_the_old).await, (403, "bad_result".into()));

    // The key went with the identity: what is sealed to it now opens.
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    bob.sets("Correct-Horse-8").await;
    let job = agent.work(Code::Applied).await;
    assert_eq!(agent.open(&job).unwrap(), "Correct-Horse-8");
}

#[tokio::test]
async fn a_poll_that_waits_with_the_old_key_ends() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let token = agent.token().await;
    let path = "/agent/v1/lease?wait=30";
    let body = serde_json::to_vec(&LeaseRequest { max: 1 }).unwrap();
    let proof = agent.proof(path, &body, Some(&token));
    let begun = std::time::Instant::now();
    let replaces = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let new = Identity::generate();
        let succession = agent.succession(&new);
        let body = serde_json::to_vec(&succession).unwrap();
        let proof = agent.proof(PATH, &body, Some(&token));
        assert_eq!(agent.send_with(PATH, &body, "application/json", Some(&token), &proof).await.status(), StatusCode::NO_CONTENT);
    };
    let (answer, ()) = tokio::join!(agent.send_with(path, &body, "application/json", Some(&token), &proof), replaces);
    assert_eq!(code_of(answer).await, (401, "bad_token".into()));
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}

/// A confirmed agent's files, without a process.
async fn files(cloud: &Cloud, dir: &Path) -> config::Agent {
    let mut settings = Config::from(None, []).unwrap().agent;
    settings.cloud_url.clone_from(&cloud.url);
    settings.state_dir = dir.to_owned();
    let token = cloud.enrolment_token().await.into();
    let done = agent::enrol::enrol(&settings, &token, "files".into(), cloud.clock.clone()).await.unwrap();
    assert!(cloud.confirm(done.me.agent, &done.fingerprint).await);
    settings
}

/// What the agent of this directory does first.
async fn beats(dir: &Path, cloud: &Cloud) -> Result<Vec<u8>, Failure> {
    let state = State::load(dir).unwrap();
    let time = Time::new(cloud.clock.clone());
    let calls = Calls::new(&state.me.cloud_url, state.identity.clone(), Some(state.me.agent), time).unwrap();
    let beat = Heartbeat {
        version: "0".into(),
        clock: 0,
        directory: DirectoryHealth::default(),
        jobs: 0,
        instance: None,
        audit: None,
        removals_held: None,
        checkup: None,
        canary: Vec::new(),
    };
    calls.heartbeat(&beat).await?;
    Ok(state.identity.current().public().to_vec())
}

async fn counts(cloud: &Cloud) -> Vec<u8> {
    cloud.sql::<Vec<u8>>("select identity from agents").await
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn a_crash_at_any_moment_leaves_the_agent_with_the_key_that_counts() {
    let (cloud, dir) = (Cloud::start().await, tempfile::tempdir().unwrap());
    let (here, crashed) = (dir.path().join("here"), dir.path().join("crashed"));
    let settings = files(&cloud, &here).await;
    let first = counts(&cloud).await;

    // The next key is on the disk, and the cloud has not heard of it.
    let next = Identities::load(&here).unwrap().prepare().unwrap();
    copy(&here, &crashed);
    assert_eq!(beats(&crashed, &cloud).await.unwrap(), first, "the old one counts");
    // Going on takes that very key.
    let told = rotation::rotate(&settings, cloud.clock.clone()).await.unwrap();
    assert_eq!((told, counts(&cloud).await.as_slice()), (fingerprint(next.public()), next.public()));
    assert_eq!(beats(&here, &cloud).await.unwrap(), next.public());

    // As if the answer had been lost, or the agent had crashed before it moved the key: both lie there, and the new one counts.
    assert_eq!(Identities::load(&crashed).unwrap().current().public(), first);
    assert_eq!(beats(&crashed, &cloud).await.unwrap(), next.public());
    assert_eq!(Identities::load(&crashed).unwrap().current().public(), next.public(), "on the disk, too");

    // And when it was to be replaced, that has happened.
    let lost = dir.path().join("lost");
    Identities::load(&here).unwrap().prepare().unwrap();
    copy(&here, &lost);
    rotation::rotate(&settings, cloud.clock.clone()).await.unwrap();
    let after = counts(&cloud).await;
    let told = rotation::rotate(&config::Agent { state_dir: lost.clone(), ..settings }, cloud.clock.clone()).await.unwrap();
    assert_eq!((told, counts(&cloud).await), (fingerprint(&after), after.clone()), "not once more");
    assert_eq!(beats(&lost, &cloud).await.unwrap(), after);
}

#[tokio::test]
async fn a_copy_that_knows_only_the_old_key_is_out() {
    let (cloud, dir) = (Cloud::start().await, tempfile::tempdir().unwrap());
    let (here, copied) = (dir.path().join("here"), dir.path().join("copied"));
    let settings = files(&cloud, &here).await;
    copy(&here, &copied);
    rotation::rotate(&settings, cloud.clock.clone()).await.unwrap();
    let refused = beats(&copied, &cloud).await.unwrap_err();
    assert!(matches!(&refused, Failure::Refused { status: 401, code, .. } if code == "bad_assertion"), "{refused:?}");
}
