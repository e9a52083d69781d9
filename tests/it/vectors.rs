//! Known answers for what browser, cloud and agent must agree on to the byte. `tests/browser/vectors.rs` asks JavaScript the same.

use hpke::{Deserializable, Kem, OpModeR, aead::AesGcm256, kdf::HkdfSha256, kem::XWing};
use reqwest::{Client, header};
use serde::Deserialize;
use sspr::{
    cli::conform::vectors,
    wire::{
        b64,
        keys::{Identity, Signed, Statement},
        seal::{self, Envelope, KeyPair, Secrets},
        sha256,
        ticket::Ticket,
        unb64,
    },
};
use zeroize::Zeroizing;

use crate::support::{Cloud, agent::code_of};

#[derive(Deserialize)]
struct Vectors {
    ticket: Ticket,
    aad: String,
    identity: IdentityKey,
    statement: Statement,
    statement_bytes: String,
    signature: String,
    recipient: Recipient,
    passwords: Vec<Password>,
    sealed: Vec<Sealed>,
}

#[derive(Deserialize)]
struct IdentityKey {
    seed: String,
    public: String,
}

#[derive(Deserialize)]
struct Recipient {
    seed: String,
    id: String,
}

#[derive(Deserialize)]
struct Password {
    text: String,
    plaintext_start: String,
    plaintext_sha256: String,
}

#[derive(Deserialize)]
struct Sealed {
    by: String,
    password: String,
    envelope: Envelope,
}

impl Vectors {
    fn load() -> Self {
        serde_json::from_str(include_str!("../vectors/seal.json")).expect("the stored vectors")
    }

    fn recipient(&self) -> KeyPair {
        let seed: [u8; 32] = unhex(&self.recipient.seed).try_into().expect("32 bytes");
        KeyPair::from_seed(Zeroizing::new(seed))
    }

    fn identity(&self) -> Identity {
        // RFC 8410 §7: the DER that goes before an Ed25519 seed.
        let der = [unhex("302e020100300506032b657004220420"), unhex(&self.identity.seed)].concat();
        Identity::from_pkcs8(&der).expect("an Ed25519 key")
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("lower-case hex")
}

#[test]
fn tickets_and_statements_have_their_bytes() {
    let known = Vectors::load();
    assert_eq!(hex(&known.ticket.aad(&known.recipient.id)), known.aad);
    assert_eq!(hex(&known.statement.canonical()), known.statement_bytes);
}

#[test]
fn keys_and_signatures_come_out_of_their_seeds() {
    let known = Vectors::load();
    let identity = known.identity();
    assert_eq!(b64(identity.public()), known.identity.public);
    // Ed25519 signs the same bytes alike, always.
    assert_eq!(identity.sign(known.statement.clone()).signature, known.signature);
    let signed = Signed { statement: known.statement.clone(), signature: known.signature.clone() };
    assert!(signed.is_signed_by(identity.public()));
    assert_eq!(b64(&known.recipient().public), known.statement.key);
    assert_eq!(known.statement.key_id().as_ref(), Some(&known.recipient.id));
}

#[test]
fn what_either_side_sealed_long_ago_still_opens() {
    let known = Vectors::load();
    let makers: Vec<&str> = known.sealed.iter().map(|sealed| sealed.by.as_str()).collect();
    assert_eq!(makers, ["rust", "javascript"]);
    for sealed in &known.sealed {
        let opened = seal::open(&sealed.envelope, &known.ticket, &known.recipient().private)
            .unwrap_or_else(|error| panic!("{}: {error}", sealed.by));
        assert_eq!((opened.new.as_str(), opened.old.as_str()), (sealed.password.as_str(), ""));
    }
}

#[test]
fn passwords_are_padded_to_their_bytes() {
    let known = Vectors::load();
    let pair = known.recipient();
    for password in &known.passwords {
        let secrets = Secrets { new: Zeroizing::new(password.text.clone()), old: Zeroizing::default() };
        let envelope = seal::seal(&secrets, &known.ticket, &known.recipient.id, &pair.public).expect("a password that fits");
        // Opened by the library alone, to see the plaintext that `seal::open` takes apart.
        let private = <XWing as Kem>::PrivateKey::from_bytes(pair.private.as_ref()).expect("a seed");
        let enc = <XWing as Kem>::EncappedKey::from_bytes(&unb64(&envelope.enc).expect("base64url")).expect("enc");
        let ct = unb64(&envelope.ct).expect("base64url");
        let aad = unhex(&known.aad);
        let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, &private, &enc, b"sspr/1 seal", &ct, &aad)
            .expect("opens");
        assert!(hex(&plain).starts_with(&password.plaintext_start));
        assert_eq!((plain.len(), hex(&sha256(&plain))), (seal::PLAINTEXT_LEN, password.plaintext_sha256.clone()));
    }
}

#[test]
fn every_known_answer_is_ours_too() {
    let mut looked_at = 0;
    for looked in vectors::check() {
        assert!(looked.broken.is_empty(), "{} {}: {:#?}", looked.section, looked.what, looked.broken);
        looked_at += looked.count;
    }
    assert!(looked_at > 110, "only {looked_at}");
}

/// What stands in the file, as the caller of a server that was set up for it.
struct Stranger {
    cloud: Cloud,
    address: String,
    known: vectors::Vectors,
}

impl Stranger {
    /// A server that has the address, the time, the token and, if `enrolled`, the agent of the file.
    async fn start(enrolled: bool) -> Self {
        let known = vectors::Vectors::load();
        let (cloud, address) = Cloud::start_as(&known.public_url).await;
        cloud.clock.advance(known.now - cloud.clock.seconds());
        let agent = known.statement.statement.agent;
        let body: serde_json::Value = serde_json::from_str(&known.proofs[1].request.body).unwrap();
        if enrolled {
            sqlx::query(
                "insert into agents (agent_id, tenant_id, connector_id, name, identity, status, version, enrolled_at, confirmed_at)
                 select $1, tenant_id, connector_id, 'x', $2, 'active', '', now(), now() from connectors",
            )
            .bind(agent)
            .bind(vectors::bytes(&known.identity.public))
            .execute(&cloud.app.db)
            .await
            .unwrap();
        } else {
            sqlx::query(
                "insert into enrolments (token_hash, tenant_id, connector_id, expires_at)
                 select sha256($1), tenant_id, connector_id, to_timestamp($2::bigint) from connectors",
            )
            .bind(body["token"].as_str().unwrap().as_bytes())
            .bind(known.now + 60)
            .execute(&cloud.app.db)
            .await
            .unwrap();
        }
        Self { cloud, address, known }
    }

    async fn asks(&self, path: &str, body: &str, kind: &str, proofs: &[String]) -> reqwest::Response {
        // It is always the same moment, however long this takes.
        self.cloud.clock.advance(self.known.now - self.cloud.clock.seconds());
        let mut request = Client::builder().no_proxy().tls_certs_only([]).build().unwrap().post(format!("{}{path}", self.address));
        for proof in proofs {
            // Not every one is text that a header takes as such.
            request = request.header("dpop", header::HeaderValue::from_bytes(proof.as_bytes()).unwrap());
        }
        request.header(header::CONTENT_TYPE, kind).body(body.to_owned()).send().await.unwrap()
    }
}

/// Proofs that a server must refuse, those of this check of RFC 9449 §4.3 (`None`: those that the protocol adds). How many.
pub async fn refuses_proofs_of_check(check: Option<u8>) -> usize {
    let stranger = Stranger::start(false).await;
    let mut tried = 0;
    // The server's clock goes on meanwhile: what is refused for a second has been looked at alone.
    let judged = |refused: &&vectors::RefusedProof| {
        refused.rfc9449 == check && refused.request.path == "/agent/v1/enrolment" && !refused.why.starts_with("61 s")
    };
    for refused in stranger.known.proofs_refused.iter().filter(judged) {
        let answer = stranger.asks(&refused.request.path, &refused.request.body, "application/json", &refused.dpop).await;
        assert_eq!(code_of(answer).await, (401, refused.code.clone()), "{}", refused.why);
        tried += 1;
    }
    assert_eq!(stranger.cloud.sql::<i64>("select count(*) from agents").await, 0);
    tried
}

#[tokio::test]
async fn the_known_enrolment_enrols() {
    let stranger = Stranger::start(false).await;
    assert_eq!(stranger.cloud.sql::<i64>("select count(*) from agents").await, 0);
    let good = &stranger.known.proofs[1];
    let answer = stranger.asks(&good.request.path, &good.request.body, "application/json", std::slice::from_ref(&good.proof)).await;
    assert_eq!(answer.status(), 201);
    let enrolled: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(enrolled["fingerprint"], stranger.known.identity.fingerprint);
}

#[tokio::test]
async fn the_known_assertion_gets_a_token_and_no_other_does() {
    let stranger = Stranger::start(true).await;
    let (known, me) = (&stranger.known, stranger.known.me());
    let (path, good) = (&known.token.request.path, &known.token.request.body);
    for refused in &known.assertions_refused {
        let body = good.replace(&known.token.assertion, &refused.assertion);
        let jti = sspr::base::id::token();
        let proof = sspr::wire::jws::prove(&me, "POST", &format!("{}{path}", known.public_url), body.as_bytes(), None, jti, known.now);
        let answer = stranger.asks(path, &body, &known.token.content_type, &[proof]).await;
        assert_eq!(code_of(answer).await, (401, "bad_assertion".into()), "{}", refused.why);
    }
    let proof = std::slice::from_ref(&known.token.proof);
    assert_eq!(stranger.asks(path, good, &known.token.content_type, proof).await.status(), 200);
    assert_eq!(code_of(stranger.asks(path, good, &known.token.content_type, proof).await).await, (401, "replayed_proof".into()));
}
