//! §1 and §6.3 to §6.9: what bodies must be, and what each call answers.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Run,
    call::{FORM, JSON, jwk, sign},
};
use crate::{
    base::id,
    wire::{
        b64, jws,
        keys::{EPOCH_MAX, Identity, Signed, Statement, Succession},
        message::{HeartbeatAnswer, Leased, MIRROR_BATCH, MIRROR_GROUPS, RESULTS},
        seal::KeyPair,
    },
};

const BAD_INPUT: &[&str] = &["bad_input"];
/// Bytes: more than a body may have (§1), and more than that of the mirror may.
const TOO_MUCH: [usize; 2] = [(64 << 10) + 1, (1 << 20) + 1];
/// Seconds that the long poll of the rules waits.
const WAIT: u64 = 2;

/// Addresses and methods that there are not; and how late it is there.
pub async fn unknown_ways(run: &mut Run) {
    let plain = |run: &Run, method: Method, path: &str| {
        let mut draft = run.line.draft(&run.identity, path, "", Vec::new(), None);
        (draft.method, draft.proofs) = (method, Some(Vec::new()));
        draft
    };
    if let Ok(answer) = run.send(&plain(run, Method::GET, "/agent/v1/lease")).await
        && let Some(now) = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|problem| problem["now"].as_i64())
    {
        run.line.ahead = now - (run.line.now() - run.line.ahead);
    }
    let nowhere = plain(run, Method::POST, "/agent/v1/nowhere");
    run.refused("§6.8", "an address that is not there", &nowhere, 404, &["not_found"]).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let draft = plain(run, method.clone(), "/agent/v1/lease");
        run.refused("§6.8", format!("{method} where only POST is"), &draft, 405, &["method_not_allowed"]).await;
    }
    let allow = run.send(&plain(run, Method::GET, "/agent/v1/token")).await;
    let held = allow.and_then(|answer| if answer.has_header("allow") { Ok(()) } else { Err("it has no Allow header".to_owned()) });
    run.note("§6.8", "a 405 says what is allowed", held);
}

/// Good bodies, by the address they go to.
fn good(run: &Run) -> [(String, Value); 6] {
    let beat = serde_json::from_slice(&run.heartbeat(false)).unwrap_or_default();
    let batch = json!({ "pass": id::random(), "full": false, "last": true, "upserts": [], "removals": [] });
    // A key of its own: a server that takes it for what else is wrong with the request has then taken nothing that is asked about later.
    let throwaway = Statement { key: b64(&KeyPair::generate().public), epoch: 1, ..run.statement() };
    let key = json!({ "key": run.identity.sign(throwaway) });
    let result = format!("/agent/v1/jobs/{}/result", Uuid::nil());
    [
        ("/agent/v1/heartbeat".to_owned(), beat),
        ("/agent/v1/keys".to_owned(), key),
        ("/agent/v1/lease?wait=0".to_owned(), json!({ "max": 1 })),
        (result, json!({ "jws": "x" })),
        ("/agent/v1/results".to_owned(), json!({ "results": ["x"] })),
        ("/agent/v1/directory".to_owned(), batch),
    ]
}

fn section_of(path: &str) -> &'static str {
    match path.split('/').nth(3).and_then(|name| name.split('?').next()) {
        Some("heartbeat") => "§6.3",
        Some("keys") => "§6.4",
        Some("lease") => "§6.5",
        Some("jobs" | "results") => "§6.6",
        _ => "§6.7",
    }
}

/// What is no body of any call.
pub async fn bodies(run: &mut Run) {
    for (path, good) in good(run) {
        let section = section_of(&path);
        let short = path.split('?').next().unwrap_or(&path).replace(&Uuid::nil().to_string(), "{job}");
        let mut more = good.clone();
        more["more"] = 1.into();
        let mut less = good.clone();
        let first = less.as_object().and_then(|body| body.keys().next().cloned()).unwrap_or_default();
        less.as_object_mut().map(|body| body.remove(&first));
        let mut wrong = good.clone();
        wrong[&first] = json!({ "$gt": "" });
        let values: Vec<&Value> = good.as_object().into_iter().flat_map(|body| body.values()).collect();
        let nul = format!(r#"{{"x":"\u0000",{}"#, &good.to_string()[1..]);
        for (what, body) in [
            ("empty", String::new()),
            ("no JSON", "max=1".to_owned()),
            ("a list of its values", json!(values).to_string()),
            ("two objects", format!("{good}{good}")),
            ("an object with a member more", more.to_string()),
            ("an object with a member less", less.to_string()),
            ("an object with a member of another type", wrong.to_string()),
            ("an object with an escaped NUL", nul),
        ] {
            let draft = run.draft(&path, body.into_bytes()).await;
            run.refused(section, format!("{short}: a body that is {what} is refused"), &draft, 400, BAD_INPUT).await;
        }
        let huge = TOO_MUCH[usize::from(path.ends_with("directory"))];
        let draft = run.draft(&path, vec![b' '; huge]).await;
        run.refused("§1", format!("{short}: a body of {huge} bytes is refused"), &draft, 413, &["too_large"]).await;
        for kind in [FORM, "text/plain", ""] {
            let mut draft = run.draft(&path, good.to_string().into_bytes()).await;
            kind.clone_into(&mut draft.kind);
            let said = if kind.is_empty() { "no type" } else { kind };
            let codes = &["unsupported_media_type"];
            run.refused("§1", format!("{short}: a body of {said} is refused"), &draft, 415, codes).await;
        }
    }
    let token = run.line.draft(&run.identity, "/agent/v1/token", JSON, b"{}".to_vec(), None);
    run.refused("§6.2", "a token request in JSON is refused", &token, 415, &["unsupported_media_type"]).await;
}

pub async fn heartbeat(run: &mut Run) {
    let draft = run.draft("/agent/v1/heartbeat", run.heartbeat(false)).await;
    let held = run.send(&draft).await.and_then(|answer| {
        answer.is(200)?;
        let said: HeartbeatAnswer =
            serde_json::from_value(answer.json()?).map_err(|error| format!("its answer is of another shape: {error}"))?;
        let soon = said.now.abs_diff(run.line.now()) < 30;
        if let Some(lacking) =
            ["unlock", "self_service"].into_iter().find(|field| !answer.json().is_ok_and(|json| json[field].is_boolean()))
        {
            return Err(format!("it does not say {lacking}"));
        }
        if said.status == "active" && soon { Ok(()) } else { Err(format!("status {}, now {}", said.status, said.now)) }
    });
    run.note("§6.3", "it answers now, the status active, and what is switched on", held);
}

/// Statements that must be taken, and those that must not.
pub async fn keys(run: &mut Run) {
    const BAD: &[&str] = &["bad_key"];
    let good = run.identity.sign(run.statement());
    let draft = run.publish(&good).await;
    run.taken("§6.4", "a statement that holds is taken", &draft, 204).await;
    let draft = run.publish(&good).await;
    run.taken("§6.4", "the same statement again is fine", &draft, 204).await;

    let stranger = Identity::generate();
    let fresh = |run: &Run| Statement { key: b64(&KeyPair::generate().public), epoch: run.line.now() + 1, ..run.statement() };
    let (now, nobody) = (run.line.now(), Uuid::from_u128(1));
    type Change = Box<dyn Fn(&mut Statement) + Send + Sync>;
    let cases: Vec<(&str, Change)> = vec![
        (
            "another key under the same epoch",
            Box::new({
                let epoch = good.statement.epoch;
                move |s| s.epoch = epoch
            }),
        ),
        (
            "another epoch of a key that is known",
            Box::new({
                let key = good.statement.key.clone();
                move |s| s.key.clone_from(&key)
            }),
        ),
        ("another agent's name", Box::new(move |s| s.agent = nobody)),
        ("another connector", Box::new(move |s| s.connector = nobody)),
        ("another suite", Box::new(|s| "x25519-hkdfsha256-aes256gcm".clone_into(&mut s.suite))),
        ("a key of 1215 bytes", Box::new(|s| s.key = b64(&[7; 1215]))),
        ("a key with padding of base64", Box::new(|s| s.key.push('='))),
        ("epoch 0", Box::new(|s| s.epoch = 0)),
        ("an epoch that a browser cannot hold (2^53)", Box::new(|s| s.epoch = 1 << 53)),
        ("a life of more than a day", Box::new(|s| s.not_after = s.not_before + EPOCH_MAX + 1)),
        ("an end before its beginning", Box::new(|s| s.not_after = s.not_before - 1)),
        ("a time that is over", Box::new(move |s| (s.not_before, s.not_after) = (now - 7200, now - 3600))),
        ("a beginning in an hour", Box::new(move |s| (s.not_before, s.not_after) = (now + 3600, now + 7200))),
    ];
    for (what, change) in cases {
        let mut statement = fresh(run);
        change(&mut statement);
        let draft = run.publish(&run.identity.sign(statement)).await;
        run.refused("§6.4", format!("a statement with {what} is refused"), &draft, 403, BAD).await;
    }
    let forged = stranger.sign(fresh(run));
    let draft = run.publish(&forged).await;
    run.refused("§6.4", "a statement signed by another key is refused", &draft, 403, BAD).await;
    let unsigned = Signed { statement: fresh(run), signature: b64(&[0; 64]) };
    let draft = run.publish(&unsigned).await;
    run.refused("§6.4", "a statement that is not signed is refused", &draft, 403, BAD).await;
}

pub async fn lease(run: &mut Run) {
    // A body that is none of it has been tried; here nothing may be taken, since nothing could be done with it.
    for query in ["wait=long", "wait=-1", "wait=1&wait=2"] {
        let draft = run.draft(&format!("/agent/v1/lease?{query}"), br#"{"max":1}"#.to_vec()).await;
        run.refused("§6.5", format!("?{query} is refused"), &draft, 400, BAD_INPUT).await;
    }
    // The directory was said to be away (§6.3), so no job comes.
    let begun = Instant::now();
    let mut draft = run.draft(&format!("/agent/v1/lease?wait={WAIT}"), br#"{"max":1}"#.to_vec()).await;
    draft.wait = Duration::from_secs(WAIT + 20);
    let held = run.send(&draft).await.and_then(|answer| {
        if answer.status == 200 {
            let leased: Leased =
                serde_json::from_value(answer.json()?).map_err(|error| format!("its answer is of another shape: {error}"))?;
            return Err(format!("it gave {} jobs to an agent whose directory is away", leased.jobs.len()));
        }
        answer.is(204)?;
        if answer.body.is_empty() { Ok(()) } else { Err("its 204 has a body".to_owned()) }
    });
    let waited = begun.elapsed();
    run.note("§6.5", "without a job the answer is 204 without a body", held);
    let meant = Duration::from_secs(WAIT);
    let patient = waited + Duration::from_millis(500) >= meant && waited < meant + Duration::from_secs(10);
    run.note("§6.5", format!("it waits as long as it is told, {WAIT} s"), if patient { Ok(()) } else { Err(format!("{waited:?}")) });
}

/// Results about jobs that this agent never had, and such as are no results.
pub async fn results(run: &mut Run) {
    let (job, now) = (id::random(), run.line.now() * 1000);
    let path = format!("/agent/v1/jobs/{job}/result");
    let result = json!({ "job": job, "lease": id::random(), "seq": 1, "ciphertext": b64(&[7; 32]), "code": "switched_off", "dc": "",
        "started_at": now, "finished_at": now, "unlocked": false, "allowed_at": null });
    let header = json!({ "typ": jws::RESULT, "alg": "EdDSA", "kid": run.me.agent });
    let body = |jws: String| json!({ "jws": jws }).to_string().into_bytes();
    let draft = run.draft(&path, body(sign(&run.identity, &header, &result))).await;
    run.refused("§6.6", "a result for a job that is not there is refused", &draft, 409, &["unknown_job"]).await;

    let stranger = Identity::generate();
    let with = |name: &str, value: Value| {
        let mut changed = result.clone();
        changed[name] = value;
        sign(&run.identity, &header, &changed)
    };
    let typ = |typ: &str| sign(&run.identity, &json!({ "typ": typ, "alg": "EdDSA", "kid": run.me.agent }), &result);
    let brought = json!({ "typ": jws::RESULT, "alg": "EdDSA", "kid": run.me.agent, "jwk": jwk(&stranger) });
    let unsigned = sign(&run.identity, &json!({ "typ": jws::RESULT, "alg": "none" }), &result);
    let bad = [
        ("that is about another job than its address", with("job", json!(id::random()))),
        ("that is signed by another key", sign(&stranger, &header, &result)),
        ("that is signed by a key it brings along", sign(&stranger, &brought, &result)),
        ("of alg none", unsigned.rsplit_once('.').map(|(text, _)| format!("{text}.")).unwrap_or_default()),
        ("of the type of a proof", typ(jws::PROOF)),
        ("of typ JWT", typ("JWT")),
        ("with a code that is none", with("code", json!("fine"))),
        ("with a member more", with("more", json!(1))),
        ("with a dc of 256 bytes", with("dc", json!("x".repeat(256)))),
        ("that is no JWS", "garbage".to_owned()),
    ];
    for (what, jws) in bad {
        let draft = run.draft(&path, body(jws)).await;
        run.refused("§6.6", format!("a result {what} is refused"), &draft, 403, &["bad_result"]).await;
    }
    let several = json!({ "results": ["garbage", sign(&run.identity, &header, &result), sign(&stranger, &header, &result)] });
    let draft = run.draft("/agent/v1/results", several.to_string().into_bytes()).await;
    let wanted = json!(["bad_result", "unknown_job", "bad_result"]);
    let told = run.send(&draft).await.and_then(|answer| {
        answer.is(200)?;
        let told = answer.json()?;
        if told["refused"] == wanted && told["jobs"] == json!([]) { Ok(()) } else { Err(told.to_string()) }
    });
    run.note("§6.6", "of several results each is refused for its own reason", told);
    let draft = run.draft("/agent/v1/results", json!({ "results": vec!["x"; RESULTS + 1] }).to_string().into_bytes()).await;
    run.refused("§6.6", "a call with 51 results is refused", &draft, 413, &["too_large"]).await;
    let draft = run.draft(&format!("{path}?max=many"), body("x".to_owned())).await;
    run.refused("§6.6", "?max=many is refused", &draft, 400, BAD_INPUT).await;
    let draft = run.draft("/agent/v1/jobs/x/result", body("x".to_owned())).await;
    run.refused("§6.6", "an address whose job is no uuid is refused", &draft, 400, BAD_INPUT).await;
}

/// The mirror, with somebody who is not there, and is gone again at the end.
pub async fn directory(run: &mut Run) {
    let guid = Uuid::from_u128(0x5ca1_ab1e);
    let person = json!({ "guid": guid, "sign_in_name": "sspr-conform", "principal_name": "", "display_name": "Conformance", "mail": null,
        "mobile": null, "language": null, "enabled": false, "protected": true });
    let batch = |upserts: Vec<Value>, removals: Vec<Uuid>| {
        json!({ "pass": id::random(), "full": false, "last": true, "upserts": upserts, "removals": removals }).to_string().into_bytes()
    };
    let draft = run.draft("/agent/v1/directory", batch(vec![person.clone()], Vec::new())).await;
    run.taken("§6.7", "a batch with somebody new is taken", &draft, 204).await;
    let draft = run.draft("/agent/v1/directory", batch(vec![person.clone()], Vec::new())).await;
    run.taken("§6.7", "the same again is fine", &draft, 204).await;
    let draft = run.draft("/agent/v1/directory", batch(Vec::new(), vec![guid])).await;
    run.taken("§6.7", "a removal is taken", &draft, 204).await;
    let draft = run.draft("/agent/v1/directory", batch(Vec::new(), vec![guid; MIRROR_BATCH + 1])).await;
    run.refused("§6.7", "a batch of 501 removals is refused", &draft, 413, &["too_large"]).await;
    let draft = run.draft("/agent/v1/directory", batch(vec![person.clone(); MIRROR_BATCH + 1], Vec::new())).await;
    run.refused("§6.7", "a batch of 501 people is refused", &draft, 413, &["too_large"]).await;
    let lost = json!({ "pass": id::random(), "full": true, "last": true, "upserts": [], "removals": [] }).to_string().into_bytes();
    let draft = run.draft("/agent/v1/directory", lost).await;
    run.refused("§6.7", "the end of a full pass that never began is refused", &draft, 409, &["unknown_pass"]).await;
    let groups = vec![json!({ "guid": guid, "name": "x" }); MIRROR_GROUPS + 1];
    let many = json!({ "pass": id::random(), "full": false, "last": true, "upserts": [], "removals": [], "groups": groups });
    let draft = run.draft("/agent/v1/directory", many.to_string().into_bytes()).await;
    run.refused("§6.7", "a batch of 201 groups is refused", &draft, 413, &["too_large"]).await;
    let mut odd = person;
    odd["guid"] = "not-a-uuid".into();
    let draft = run.draft("/agent/v1/directory", batch(vec![odd], Vec::new())).await;
    run.refused("§6.7", "a person whose guid is no uuid is refused", &draft, 400, BAD_INPUT).await;
}

/// Another identity: what must not be one; and the change itself, after which the old key is nothing. Only for an agent of our own
/// making: a server that takes what it must not would leave any other without its key.
pub async fn identity(run: &mut Run) {
    const PATH: &str = "/agent/v1/identity";
    let (next, stranger) = (Identity::generate(), Identity::generate());
    let request = |run: &Run, new: &Identity, signer: &Identity, keys: Vec<Signed>| {
        let succession = Succession::of(run.me.agent, run.identity.public(), new.public());
        let signature = signer.succeed(&succession);
        json!({ "identity": b64(new.public()), "signature": signature, "keys": keys }).to_string().into_bytes()
    };
    let forged = request(run, &next, &stranger, Vec::new());
    let draft = run.draft(PATH, forged).await;
    run.refused("§6.9", "an identity that did not sign for itself is refused", &draft, 403, &["bad_identity"]).await;
    let signer = run.identity.clone();
    let draft = run.draft(PATH, request(run, &next, &signer, Vec::new())).await;
    run.refused("§6.9", "an identity that only the old one signed for is refused", &draft, 403, &["bad_identity"]).await;
    let draft = run.draft(PATH, request(run, &next, &next, vec![run.identity.sign(run.statement())])).await;
    run.refused("§6.9", "a sealing key that the new identity did not sign for is refused", &draft, 403, &["bad_key"]).await;
    // Ours has one key that holds now; it comes along, word for word.
    let mut statement = run.statement();
    statement.key = b64(&KeyPair::generate().public);
    statement.epoch += 10;
    let draft = run.publish(&run.identity.sign(statement.clone())).await;
    run.taken("§6.4", "a key to bring along is taken", &draft, 204).await;
    let old = run.draft("/agent/v1/heartbeat", run.heartbeat(false)).await;
    let draft = run.draft(PATH, request(run, &next, &next, vec![next.sign(statement)])).await;
    run.taken("§6.9", "another identity takes the place of the first", &draft, 204).await;
    run.refused("§6.9", "a token of the key before is refused", &old, 401, &["bad_token"]).await;
    let renewal = run.token_request(&run.signed_assertion(&run.assertion()));
    run.refused("§6.9", "an assertion of the key before is refused", &renewal, 401, &["bad_assertion"]).await;
    run.identity = std::sync::Arc::new(next);
    run.token = None;
    let draft = run.draft("/agent/v1/heartbeat", run.heartbeat(false)).await;
    run.taken("§6.9", "the new key counts", &draft, 200).await;
}
