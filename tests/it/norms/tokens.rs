//! Tokens, proofs and the sealing of RFC 7515, 7519, 7523, 8725, 9180, 9449 and 9700.

use aws_lc_rs::rand;
use serde_json::{Value, json};
use sspr::{
    cli::conform::call::{jwk, sign, sign_symmetric},
    domain::fleet,
    wire::{
        b64, jws,
        keys::{Identity, thumbprint},
        seal::{self, Broken, KeyPair, PUBLIC_KEY_LEN, Secrets},
        ticket::{Kind, Ticket},
    },
};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    support::{Cloud, HandAgent, Person, agent::code_of, agent::somebody},
    vectors::refuses_proofs_of_check,
};

const JSON: &str = "application/json";
const PATH: &str = "/agent/v1/heartbeat";
const BEAT: &[u8] = br#"{"version":"0","clock":0,"directory":{"reachable":true,"dc":""},"jobs":0}"#;

async fn beats(agent: &HandAgent, token: &str, proof: &str) -> (u16, String) {
    let answer = agent.send_with(PATH, BEAT, JSON, Some(token), proof).await;
    if answer.status() == 200 { (200, String::new()) } else { code_of(answer).await }
}

fn bad(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

#[tokio::test]
async fn dpop_check_1_exactly_one_header() {
    assert_eq!(refuses_proofs_of_check(Some(1)).await, 3);
}

#[tokio::test]
async fn dpop_check_2_a_single_well_formed_jwt() {
    assert_eq!(refuses_proofs_of_check(Some(2)).await, 8);
}

#[tokio::test]
async fn dpop_check_3_all_claims_are_there() {
    assert_eq!(refuses_proofs_of_check(Some(3)).await, 6);
}

#[tokio::test]
async fn dpop_check_4_typ() {
    assert_eq!(refuses_proofs_of_check(Some(4)).await, 3);
}

#[tokio::test]
async fn dpop_check_5_alg_asymmetric_and_not_none() {
    assert_eq!(refuses_proofs_of_check(Some(5)).await, 4);
}

#[tokio::test]
async fn dpop_check_6_signature() {
    assert_eq!(refuses_proofs_of_check(Some(6)).await, 6);
}

#[tokio::test]
async fn dpop_check_7_no_private_key() {
    assert_eq!(refuses_proofs_of_check(Some(7)).await, 1);
}

#[tokio::test]
async fn dpop_check_8_htm() {
    assert_eq!(refuses_proofs_of_check(Some(8)).await, 2);
}

#[tokio::test]
async fn dpop_check_9_htu() {
    assert_eq!(refuses_proofs_of_check(Some(9)).await, 5);
}

/// The cloud gives none: a proof lives a minute and is used up, so that those made in advance are worth as little.
#[tokio::test]
async fn dpop_check_10_no_nonce_is_given_so_none_is_asked_for() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let token = agent.token().await;
    let good = agent.send_with(PATH, BEAT, JSON, Some(&token), &agent.proof(PATH, BEAT, Some(&token))).await;
    let refused = agent.send_with(PATH, BEAT, JSON, Some(&token), "garbage").await;
    for answer in [good, refused] {
        assert!(answer.headers().get("dpop-nonce").is_none());
    }
}

#[tokio::test]
async fn dpop_check_11_iat() {
    // The two of exactly a second too much are looked at without a server, whose clock goes on.
    assert_eq!(refuses_proofs_of_check(Some(11)).await, 2);
}

#[tokio::test]
async fn dpop_check_12_ath_and_the_tokens_key() {
    assert_eq!(refuses_proofs_of_check(Some(12)).await, 1);
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    let (mine, theirs) = (agent.token().await, other.token().await);
    assert_eq!(beats(&agent, &mine, &agent.proof(PATH, BEAT, None)).await, bad("bad_proof"), "no ath");
    assert_eq!(beats(&agent, &mine, &agent.proof(PATH, BEAT, Some(&theirs))).await, bad("bad_proof"), "ath of another token");
    // RFC 9700 §2.2: a token is nothing without the key it is bound to.
    assert_eq!(beats(&agent, &theirs, &agent.proof(PATH, BEAT, Some(&theirs))).await, bad("bad_token"), "another agent's token");
    assert_eq!(beats(&agent, &mine, &agent.proof(PATH, BEAT, Some(&mine))).await.0, 200);
}

#[tokio::test]
async fn dpop_does_not_cover_the_body_so_bd_does_and_large_jti_are_refused() {
    assert_eq!(refuses_proofs_of_check(None).await, 5);
}

#[tokio::test]
async fn jti_kept_until_exp_plus_leeway() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let forget = async || fleet::forget_used(&mut cloud.app.db.acquire().await.unwrap(), &cloud.clock).await.unwrap();
    // From a clock that is ahead: good for longer than any other.
    let url = format!("{}{PATH}", cloud.url);
    let start = cloud.clock.seconds();
    let token = agent.token().await;
    let proof = jws::prove(&agent.identity, "POST", &url, BEAT, Some(&token), "a".repeat(16), start + 55);
    assert_eq!(beats(&agent, &token, &proof).await.0, 200);
    for later in [1, 50, 100] {
        cloud.clock.advance(start + later - cloud.clock.seconds());
        forget().await;
        assert_eq!(beats(&agent, &token, &proof).await, bad("replayed_proof"), "{later} s later");
    }
    cloud.clock.advance(start + 120 - cloud.clock.seconds());
    assert_eq!(beats(&agent, &token, &proof).await, bad("clock_skew"), "the window is over before the memory is");

    // An assertion lives as long as it says.
    let start = cloud.clock.seconds();
    let assertion = agent.assertion(|claims| claims.exp = start + 300);
    assert_eq!(agent.try_token_with(&assertion).await.status(), 200);
    for later in [100, 200, 290] {
        cloud.clock.advance(start + later - cloud.clock.seconds());
        forget().await;
        assert_eq!(code_of(agent.try_token_with(&assertion).await).await, bad("bad_assertion"), "{later} s later");
    }
    // And then it is forgotten: the memory does not grow for ever.
    cloud.clock.advance(3600);
    forget().await;
    assert_eq!(cloud.sql::<i64>("select count(*) from used_proofs where until > 'epoch'").await, 0);
}

/// Claims of an access token as the cloud itself makes them.
fn access(cloud: &Cloud, agent: &HandAgent) -> Value {
    let now = cloud.clock.seconds();
    json!({ "iss": cloud.url, "sub": agent.id, "aud": cloud.url, "iat": now, "exp": now + 300,
        "cnf": { "jkt": thumbprint(agent.identity.public()) } })
}

#[tokio::test]
async fn jwt_none_and_symmetric_are_refused() {
    let cloud = Cloud::start().await;
    let agent = cloud.agent().await;
    let key = cloud.app.signing_key(None).await.unwrap().unwrap();
    let claims = access(&cloud, &agent);
    let header = |alg: &str| json!({ "typ": jws::ACCESS, "alg": alg, "kid": key.kid });
    let unsigned = sign(&key.identity, &header("none"), &claims);
    let (text, _) = unsigned.rsplit_once('.').unwrap();
    for (what, token) in [
        ("none", format!("{text}.")),
        ("none, signed all the same", unsigned.clone()),
        ("nOnE", sign(&key.identity, &header("nOnE"), &claims)),
        ("HS256 with the public key", sign_symmetric(key.identity.public(), &header("HS256"), &claims)),
        ("HS256 in the header only", sign(&key.identity, &header("HS256"), &claims)),
        ("RS256 in the header only", sign(&key.identity, &header("RS256"), &claims)),
    ] {
        assert_eq!(beats(&agent, &token, &agent.proof(PATH, BEAT, Some(&token))).await, bad("bad_token"), "{what}");
    }
    let good = sign(&key.identity, &header("EdDSA"), &claims);
    assert_eq!(beats(&agent, &good, &agent.proof(PATH, BEAT, Some(&good))).await.0, 200, "but for that it would have been taken");
}

#[tokio::test]
async fn jwt_typ_aud_iss_exp_and_kid_are_checked() {
    let cloud = Cloud::start().await;
    let agent = cloud.agent().await;
    let key = cloud.app.signing_key(None).await.unwrap().unwrap();
    let header = json!({ "typ": jws::ACCESS, "alg": "EdDSA", "kid": key.kid });
    let now = cloud.clock.seconds();
    let with = |name: &str, value: Value| {
        let (mut header, mut claims) = (header.clone(), access(&cloud, &agent));
        if header.get(name).is_some() || name == "crit" {
            header[name] = value;
        } else {
            claims[name] = value;
        }
        sign(&key.identity, &header, &claims)
    };
    for (what, token) in [
        ("typ", with("typ", json!(jws::ASSERTION))),
        ("typ JWT", with("typ", json!("JWT"))),
        ("aud", with("aud", json!("https://elsewhere.example"))),
        ("aud, as a list", with("aud", json!([cloud.url, "https://elsewhere.example"]))),
        ("iss", with("iss", json!("https://elsewhere.example"))),
        ("exp", with("exp", json!(now - 1))),
        ("exp that is text", with("exp", json!((now + 60).to_string()))),
        ("kid", with("kid", json!("unknown"))),
        ("sub of nobody", with("sub", json!(Uuid::nil()))),
        ("sub that is no id", with("sub", json!("admin"))),
        ("cnf of another key", with("cnf", json!({ "jkt": thumbprint(Identity::generate().public()) }))),
        ("no cnf", with("cnf", Value::Null)),
        ("crit", with("crit", json!(["exp"]))),
    ] {
        assert_eq!(beats(&agent, &token, &agent.proof(PATH, BEAT, Some(&token))).await, bad("bad_token"), "{what}");
    }
    let good = with("iat", json!(now));
    assert_eq!(beats(&agent, &good, &agent.proof(PATH, BEAT, Some(&good))).await.0, 200, "but for that it would have been taken");
}

#[tokio::test]
async fn jwt_jku_x5u_and_jwk_are_not_followed() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mallory = Identity::generate();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let theirs = format!("http://{}/keys.json", listener.local_addr().unwrap());
    for (name, value) in [("jku", json!(theirs)), ("x5u", json!(theirs)), ("jwk", jwk(&mallory)), ("x5c", json!([b64(&[7; 32])]))] {
        let mut header = json!({ "typ": jws::ASSERTION, "alg": "EdDSA", "kid": agent.id });
        header[name] = value.clone();
        let url = format!("{}/agent/v1/token", cloud.url);
        let now = cloud.clock.seconds();
        let claims = json!({ "iss": agent.id, "sub": agent.id, "aud": url, "jti": sspr::base::id::token(), "iat": now, "exp": now + 60 });
        let answer = agent.try_token_with(&sign(&mallory, &header, &claims)).await;
        assert_eq!(code_of(answer).await, bad("bad_assertion"), "{name}");

        let mut header = json!({ "typ": jws::ACCESS, "alg": "EdDSA", "kid": "theirs" });
        header[name] = value;
        let token = sign(&mallory, &header, &access(&cloud, &agent));
        assert_eq!(beats(&agent, &token, &agent.proof(PATH, BEAT, Some(&token))).await, bad("bad_token"), "{name}");
    }
    assert_eq!(agent.post_raw(PATH, BEAT, JSON).await.status(), 200);
    let called = tokio::time::timeout(std::time::Duration::from_millis(300), listener.accept()).await;
    assert!(called.is_err(), "somebody asked there for a key");
}

#[tokio::test]
async fn asvs_11_5_1_enrolment_tokens_have_256_bits_are_stored_hashed_and_are_recognised() {
    let cloud = Cloud::start().await;
    let tokens = [cloud.enrolment_token().await, cloud.enrolment_token().await];
    for token in &tokens {
        let random = token.strip_prefix("sspr_enrol_").expect("a prefix that secret scanners find");
        assert_eq!(sspr::wire::unb64(random).unwrap().len(), 32);
        assert!(!cloud.dump().await.contains(random));
    }
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(cloud.sql::<i64>("select count(*) from enrolments where length(token_hash) = 32").await, 2);
}

#[tokio::test]
async fn eth_2026_only_keys_that_their_agent_signed_are_handed_out() {
    let cloud = Cloud::start().await;
    let (mut agent, other, revoked) = (cloud.agent().await, cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice")]).await;
    let revoke = sqlx::query("update agents set status = 'revoked', revoked_at = now() where agent_id = $1").bind(revoked.id);
    revoke.execute(&cloud.app.db).await.unwrap();
    HandAgent::enrol(&cloud).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    let (status, answer) = alice.ticket().await;
    assert_eq!(status, 200);
    let recipients = answer["recipients"].as_array().unwrap();
    assert_eq!(recipients.len(), 2, "neither the revoked nor the pending");
    for recipient in recipients {
        let identity = sspr::wire::unb64(recipient["identity"].as_str().unwrap()).unwrap();
        assert!([&agent, &other].iter().any(|known| known.identity.public() == identity));
        let signed = json!({ "statement": recipient["statement"], "signature": recipient["signature"] });
        assert!(serde_json::from_value::<sspr::wire::keys::Signed>(signed).unwrap().is_signed_by(&identity));
    }
}

fn ticket() -> Ticket {
    let id = Uuid::from_u128;
    Ticket { job: id(1), seq: 7, tenant: id(2), connector: id(3), user: id(4), kind: Kind::Reset, issued_at: 100, expires_at: 220 }
}

#[test]
fn rfc9180_keys_are_validated_before_anything_is_sealed_to_them() {
    let secrets = || Secrets { new: "x".to_owned().into(), old: String::new().into() };
    let good = KeyPair::generate();
    assert!(seal::seal(&secrets(), &ticket(), "k", &good.public).is_ok());
    // FIPS 203 §7.2: coefficients beyond the modulus; and other lengths.
    let beyond = vec![0xff; PUBLIC_KEY_LEN];
    for key in [&beyond, &good.public[1..].to_vec(), &[good.public.clone(), vec![0]].concat(), &Vec::new()] {
        assert_eq!(seal::seal(&secrets(), &ticket(), "k", key).err(), Some(Broken::Malformed), "{} bytes", key.len());
    }
}

#[test]
fn rfc9180_the_same_password_twice_is_two_ciphertexts() {
    let pair = KeyPair::generate();
    let secrets = || Secrets { new: "Correct-Horse-7".to_owned().into(), old: String::new().into() };
    let one = seal::seal(&secrets(), &ticket(), "k", &pair.public).unwrap();
    let two = seal::seal(&secrets(), &ticket(), "k", &pair.public).unwrap();
    assert!(one.enc != two.enc && one.ct != two.ct);
}

#[test]
fn okta_2024_no_concatenation_keys() {
    // What is bound is named, one line each, and no value holds a line break: two tickets never have the same bytes, however their
    // values are cut. (bcrypt of id, name and password run together let names of 52 letters in without a password.)
    let longest = ticket();
    let aad = String::from_utf8(longest.aad("k")).unwrap();
    let names: Vec<&str> = aad.lines().skip(1).map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["job", "seq", "tenant", "connector", "user", "kind", "issued", "expires", "key"]);
    let (mut one, mut two) = (ticket(), ticket());
    (one.seq, one.issued_at) = (71, 2100);
    (two.seq, two.issued_at) = (712, 100);
    assert_ne!(one.aad("k"), two.aad("k"));
    // Passwords go with their lengths: new and old are not run together either.
    let pair = KeyPair::generate();
    let mut random = [0; 8];
    rand::fill(&mut random).unwrap();
    let (new, old) = (format!("{}\0x", b64(&random)), "y".to_owned());
    let sealed = seal::seal(&Secrets { new: new.clone().into(), old: old.clone().into() }, &ticket(), "k", &pair.public).unwrap();
    let opened = seal::open(&seal::Envelope { key: b64(&[0; 32]), ..sealed }, &ticket(), &pair.private);
    assert!(opened.is_err(), "another key's name");
    let id = b64(&sspr::wire::sha256(&pair.public));
    let sealed = seal::seal(&Secrets { new: new.clone().into(), old: old.clone().into() }, &ticket(), &id, &pair.public).unwrap();
    let opened = seal::open(&sealed, &ticket(), &pair.private).unwrap();
    assert_eq!((&*opened.new, &*opened.old), (&new, &old));
}

#[tokio::test]
async fn okta_2024_what_is_used_up_is_named_by_its_key_and_purpose() {
    // The same jti by another key, or for another purpose, is another.
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    let jti = "the-same-for-everybody";
    for agent in [&mut agent, &mut other] {
        let token = agent.token().await;
        let url = format!("{}{PATH}", cloud.url);
        let proof = jws::prove(&agent.identity, "POST", &url, BEAT, Some(&token), jti.to_owned(), cloud.clock.seconds());
        assert_eq!(beats(agent, &token, &proof).await.0, 200);
        let assertion = agent.assertion(|claims| jti.clone_into(&mut claims.jti));
        assert_eq!(agent.try_token_with(&assertion).await.status(), 200);
        assert_eq!(beats(agent, &token, &proof).await, bad("replayed_proof"));
    }
}
