//! Bodies that nobody means well with, at every route that takes one: each is refused with a stable code, and nothing is a surprise.

use reqwest::{Client, header};
use serde_json::json;
use sspr::wire::{
    b64, jws,
    message::{LeaseRequest, SignedResult},
    outcome::Code,
};

use crate::support::{Cloud, HandAgent, Person, agent::code_of, agent::somebody};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// Larger than any route takes.
const HUGE: usize = (1 << 20) + 1;

async fn cloud() -> (Cloud, HandAgent, Person) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice")]).await;
    let alice = Person::at(&cloud);
    (cloud, agent, alice)
}

/// From this person's browser: status and code.
async fn posts(cloud: &Cloud, person: &Person, path: &str, body: &[u8], kind: &str) -> (u16, String) {
    let cookies: Vec<String> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Client::builder().no_proxy().tls_certs_only([]).build().unwrap().post(format!("{}{path}", cloud.url));
    let request = request.header(header::ORIGIN, &cloud.url).header(header::COOKIE, cookies.join("; ")).header(header::CONTENT_TYPE, kind);
    code_of(request.body(body.to_vec()).send().await.unwrap()).await
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Text that is JSON all around what no text may hold.
fn torn(json: &serde_json::Value, with: &[u8]) -> Vec<u8> {
    let text = json.to_string();
    let (before, after) = text.split_once("HERE").expect("where");
    [before.as_bytes(), with, after.as_bytes()].concat()
}

/// Bodies that no JSON route takes. `shape`: an object that would do but for the text HERE in it, and `fields`: its names.
fn bad_json(shape: &serde_json::Value) -> Vec<(&'static str, Vec<u8>)> {
    let mut bad = vec![
        ("empty", Vec::new()),
        ("no JSON", b"name=alice".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("cut short", shape.to_string().into_bytes()[..4].to_vec()),
        ("twice", format!("{shape}{shape}").into_bytes()),
        ("deep", [b"[".repeat(20_000), b"]".repeat(20_000)].concat()),
        ("an escaped NUL", torn(shape, b"\\u0000")),
        ("a bare NUL", torn(shape, b"\0")),
        ("not UTF-8", torn(shape, b"\xff\xfe")),
        ("half a surrogate pair", torn(shape, b"\\ud800")),
    ];
    for name in shape.as_object().expect("an object").keys() {
        let with = |value: serde_json::Value| {
            let mut changed = shape.clone();
            changed[name] = value;
            changed.to_string().into_bytes()
        };
        bad.push(("a list for a scalar", with(json!(["x", ["y"]]))));
        bad.push(("an object for a scalar", with(json!({ "$gt": "" }))));
    }
    let mut more = shape.clone();
    more["more"] = 1.into();
    bad.push(("one field more", more.to_string().into_bytes()));
    bad
}

#[tokio::test]
async fn the_code_page_takes_one_text_and_nothing_else() {
    let (cloud, _agent, mut alice) = cloud().await;
    alice.asks_for_a_code("alice").await;
    for path in ["/reset/code", "/reset/method", "/reset/code/resend", "/reset/passkey", "/account/sign-in/passkey"] {
        for (what, body) in [
            ("a list", &b"code[]=123456&method[]=email"[..]),
            ("twice", b"code=123456&code=123456&method=email&method=email"),
            ("NUL", b"code=12%003456&method=email%00"),
            ("not UTF-8", b"code=%ff%fe&method=%ff"),
            ("bytes that are not UTF-8", b"code=\xff\xfe&method=\xff"),
            ("JSON in a form", b"{\"code\":\"123456\"}"),
        ] {
            assert_eq!(posts(&cloud, &alice, path, body, FORM).await, refused(400, "bad_input"), "{path}: {what}");
        }
        let huge = format!("code={}", "1".repeat(HUGE));
        assert_eq!(posts(&cloud, &alice, path, huge.as_bytes(), FORM).await, refused(413, "too_large"), "{path}");
        assert_eq!(posts(&cloud, &alice, path, b"{}", JSON).await, refused(415, "unsupported_media_type"), "{path}");
    }
    assert_eq!(posts(&cloud, &alice, "/reset/code", b"", FORM).await, refused(400, "bad_input"));
    // None of it was a try.
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'code_try'").await, 0);
}

#[tokio::test]
async fn the_account_page_takes_what_its_buttons_send() {
    let (cloud, _agent, mut alice) = cloud().await;
    alice.is_signed_in(&cloud, "alice").await;
    for path in ["/account/language", "/account/sessions/end", "/account/sessions/end-others", "/account/change", "/account/sign-out"] {
        for body in [
            &b"session[]=x&language[]=de"[..],
            b"session=x&session=x&language=de&language=de",
            b"session=%00&language=%00&more=1",
            b"x=\xff",
        ] {
            assert_eq!(posts(&cloud, &alice, path, body, FORM).await, refused(400, "bad_input"), "{path}");
        }
        assert_eq!(posts(&cloud, &alice, path, b"{}", JSON).await, refused(415, "unsupported_media_type"), "{path}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 1, "none of it did anything");
}

#[tokio::test]
async fn ticket_and_job_are_json_of_one_shape() {
    let (cloud, _agent, mut alice) = cloud().await;
    alice.proves(&cloud, "alice").await;
    let good = alice.seals("Correct-Horse-7").await;
    let shape = json!({ "job": good["job"], "envelopes": [{ "key": "HERE", "enc": "x", "ct": "x" }] });
    for (what, body) in bad_json(&shape) {
        for path in ["/reset/jobs", "/account/jobs"] {
            assert_eq!(posts(&cloud, &alice, path, &body, JSON).await, refused(400, "bad_input"), "{path}: {what}");
        }
    }
    for (what, body) in bad_json(&json!({ "x": "HERE" })) {
        for path in ["/reset/ticket", "/reset/stay", "/account/sign-in/passkey/challenge"] {
            assert_eq!(posts(&cloud, &alice, path, &body, JSON).await, refused(400, "bad_input"), "{path}: {what}");
        }
    }
    for path in ["/reset/jobs", "/reset/ticket", "/account/jobs"] {
        let huge = torn(&shape, &b"A".repeat(HUGE));
        assert_eq!(posts(&cloud, &alice, path, &huge, JSON).await, refused(413, "too_large"), "{path}");
        assert_eq!(posts(&cloud, &alice, path, b"a=b", FORM).await, refused(415, "unsupported_media_type"), "{path}");
    }
    // The right shape with nonsense in it is looked at, and refused by name.
    assert_eq!(
        posts(&cloud, &alice, "/reset/jobs", shape.to_string().as_bytes(), JSON).await,
        refused(422, "bad_envelope"),
        "none of it used the ticket up"
    );
    assert_eq!(alice.posts(&good).await.0, 202);
}

#[tokio::test]
async fn agents_send_json_of_one_shape() {
    let (cloud, mut agent, _) = cloud().await;
    let identity = b64(agent.identity.public());
    let statement = json!({ "agent": agent.id, "connector": agent.connector, "suite": "HERE", "key": "x", "epoch": 2, "not_before": 1, "not_after": 2 });
    let person = json!({ "guid": agent.id, "sign_in_name": "HERE", "principal_name": "", "display_name": "", "mail": null, "mobile": null,
        "language": null, "enabled": true, "protected": false });
    let routes = [
        ("/agent/v1/enrolment", json!({ "token": "HERE", "name": "x", "identity": identity, "version": "0" })),
        (
            "/agent/v1/heartbeat",
            json!({ "version": "HERE", "clock": 0, "jobs": 0,
            "directory": { "reachable": true, "dc": "x", "policy_hints": null, "policy": null } }),
        ),
        ("/agent/v1/keys", json!({ "key": { "statement": statement, "signature": "x" } })),
        (
            "/agent/v1/identity",
            json!({ "identity": identity, "signature": "HERE", "keys": [{ "statement": statement, "signature": "x" }] }),
        ),
        ("/agent/v1/directory", json!({ "pass": agent.id, "full": false, "last": true, "upserts": [person], "removals": [] })),
        ("/agent/v1/jobs/00000000-0000-0000-0000-000000000000/result", json!({ "jws": "HERE" })),
    ];
    for (at, (path, shape)) in routes.iter().enumerate() {
        let huge = ("huge", torn(shape, &b"A".repeat(HUGE)));
        for (what, body) in bad_json(shape).into_iter().chain([huge]) {
            let wanted = if what == "huge" { refused(413, "too_large") } else { refused(400, "bad_input") };
            // Who enrols has no access token yet.
            let answer = if at == 0 { agent.post_bare(path, &body, JSON).await } else { agent.post_raw(path, &body, JSON).await };
            assert_eq!(code_of(answer).await, wanted, "{path}: {what}");
        }
    }
    for (what, body) in bad_json(&json!({ "max": 1, "x": "HERE" })) {
        assert_eq!(code_of(agent.post_raw("/agent/v1/lease?wait=0", &body, JSON).await).await, refused(400, "bad_input"), "{what}");
    }
    let people: Vec<_> = (0..501).map(|n| somebody(&format!("p{n}"))).collect();
    let many = json!({ "pass": agent.id, "full": false, "last": true, "upserts": people, "removals": [] });
    assert_eq!(code_of(agent.post("/agent/v1/directory", &many).await).await, refused(413, "too_large"));
    for path in ["/agent/v1/lease?wait=long", "/agent/v1/lease?wait=-1", "/agent/v1/lease?wait=1&wait=2", "/agent/v1/jobs/x/result"] {
        assert_eq!(code_of(agent.post(path, &LeaseRequest { max: 1 }).await).await, refused(400, "bad_input"), "{path}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from agents").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from users").await, 1);
}

#[tokio::test]
async fn tokens_are_asked_for_by_one_form() {
    let (_cloud, agent, _) = cloud().await;
    let path = "/agent/v1/token";
    let with = |assertion: &str| {
        format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        )
    };
    let (twice, more) = (with("x") + "&client_assertion=x", with("x") + "&scope=all");
    let another = with("x").replace("client_credentials", "password");
    for (what, body) in [
        ("empty", ""),
        ("a list", "client_assertion[]=x"),
        ("twice", &twice),
        ("JSON", "{}"),
        ("no grant", "client_assertion=x"),
        ("another grant", &another),
        ("more", &more),
    ] {
        assert_eq!(code_of(agent.post_bare(path, body.as_bytes(), FORM).await).await, refused(400, "bad_input"), "{what}");
    }
    let huge = "A".repeat(HUGE);
    assert_eq!(code_of(agent.post_bare(path, with(&huge).as_bytes(), FORM).await).await, refused(413, "too_large"));
    let claims = json!({ "iss": 1 });
    let kids = [agent.id.to_string(), "\0".into(), "\u{ff}".into(), "x".repeat(2000)];
    let odd = kids.map(|kid| jws::sign(&agent.identity, jws::ASSERTION, Some(&kid), false, &claims));
    for assertion in ["", "%00", "%ff%fe", "a.b.c", &"A".repeat(30_000)].into_iter().map(str::to_owned).chain(odd) {
        assert_eq!(
            code_of(agent.post_bare(path, with(&assertion).as_bytes(), FORM).await).await,
            refused(401, "bad_assertion"),
            "{assertion:.60}"
        );
    }
}

#[tokio::test]
async fn what_is_signed_is_not_believed_for_that() {
    let (cloud, mut agent, mut alice) = cloud().await;
    // An access token that names its key by something no column holds.
    for kid in ["\0", "a\0b", "\u{fffd}", "' or 1=1"] {
        let forged = jws::sign(&agent.identity, jws::ACCESS, Some(kid), false, &json!({}));
        let proof = agent.proof("/agent/v1/lease", b"{}", Some(&forged));
        let answer = agent.send_with("/agent/v1/lease", b"{}", JSON, Some(&forged), &proof).await;
        assert_eq!(code_of(answer).await, refused(401, "bad_token"), "{kid:?}");
    }
    // Times at the end of the world, and what its digits come to when they are subtracted.
    for iat in [i64::MIN, i64::MAX, i64::MIN + cloud.clock.seconds(), -1] {
        let url = format!("{}/agent/v1/token", cloud.url);
        let proof = jws::prove(&agent.identity, "POST", &url, b"", None, "a".repeat(20), iat);
        let answer = agent.send_with("/agent/v1/token", b"", FORM, None, &proof).await;
        assert_eq!(code_of(answer).await, refused(401, "clock_skew"), "{iat}");
    }
    // A result whose signature is good and whose text no column holds.
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    let good = agent.result_of(&job, Code::Applied);
    let path = format!("/agent/v1/jobs/{}/result", good.job);
    for change in [
        json!({ "dc": "dc1\0" }),
        json!({ "dc": ["dc1"] }),
        json!({ "dc": "x".repeat(300) }),
        json!({ "code": "fine" }),
        json!({ "seq": "7" }),
        json!({ "lease": null }),
        json!({ "more": 1 }),
    ] {
        let mut result = serde_json::to_value(&good).unwrap();
        for (name, value) in change.as_object().unwrap() {
            result[name] = value.clone();
        }
        let jws = jws::sign(&agent.identity, jws::RESULT, Some(&agent.id.to_string()), false, &result);
        assert_eq!(code_of(agent.post(&path, &SignedResult { jws }).await).await, refused(403, "bad_result"), "{change:.60}");
    }
    let mut far = good.clone();
    far.allowed_at = Some(i64::MAX);
    assert_eq!(agent.tell(&far).await.status(), 204);
}
