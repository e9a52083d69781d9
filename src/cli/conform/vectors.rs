//! The known answers of the protocol, built in: whether this program itself gives them, and refuses what must be refused.
//!
//! Until it does, what it says about a server is worth nothing.

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::wire::{
    b64,
    jws::{self, Assertion, Invalid, Request},
    keys::{Identity, Signed, Statement, fingerprint, thumbprint},
    message::{JobResult, SignedResult},
    seal::{self, Broken, Envelope, KeyPair},
    ticket::Ticket,
    unb64,
};

/// The file, as it stands in the sources.
pub const FILE: &str = include_str!("../../../tests/vectors/protocol.json");

#[derive(Deserialize)]
pub struct Vectors {
    pub now: i64,
    pub public_url: String,
    pub identity: IdentityKey,
    pub sealing: SealingKey,
    pub statement: SignedStatement,
    pub statements_refused: Vec<RefusedStatement>,
    pub ticket: Bound,
    pub envelopes: Vec<Sealed>,
    pub envelopes_refused: Vec<RefusedEnvelope>,
    pub proofs: Vec<GoodProof>,
    pub proofs_refused: Vec<RefusedProof>,
    pub token: TokenRequest,
    pub assertions_refused: Vec<RefusedAssertion>,
    pub result: GoodResult,
    pub results_refused: Vec<RefusedResult>,
}

#[derive(Deserialize)]
pub struct IdentityKey {
    pub seed: String,
    pub pkcs8: String,
    pub public: String,
    pub jwk: Value,
    pub fingerprint: String,
    pub thumbprint: String,
}

#[derive(Deserialize)]
pub struct SealingKey {
    pub seed: String,
    pub public: String,
    pub id: String,
}

#[derive(Deserialize)]
pub struct SignedStatement {
    pub statement: Statement,
    pub canonical: String,
    pub signature: String,
}

#[derive(Deserialize)]
pub struct RefusedStatement {
    pub why: String,
    /// `suite`, `key`, `epoch`, `life`, `signature`: it does not hold. `connector`, `time`: it holds, but not for this ticket.
    pub check: String,
    pub statement: Value,
    pub signature: String,
}

#[derive(Deserialize)]
pub struct Bound {
    pub ticket: Ticket,
    pub key: String,
    pub aad: String,
}

#[derive(Deserialize)]
pub struct Sealed {
    pub by: String,
    pub password: String,
    pub envelope: Envelope,
    pub hash: String,
}

#[derive(Deserialize)]
pub struct RefusedEnvelope {
    pub why: String,
    pub check: String,
    pub ticket: Value,
    pub envelope: Value,
}

#[derive(Deserialize)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub access_token: Option<String>,
    pub body: String,
}

#[derive(Deserialize)]
pub struct GoodProof {
    pub request: Asked,
    pub header: String,
    pub claims: String,
    pub proof: String,
}

#[derive(Deserialize)]
pub struct RefusedProof {
    /// Which check of RFC 9449 §4.3 sees it; none for what this protocol adds.
    pub rfc9449: Option<u8>,
    pub why: String,
    pub check: String,
    pub code: String,
    pub request: Asked,
    pub dpop: Vec<String>,
}

#[derive(Deserialize)]
pub struct TokenRequest {
    pub claims: String,
    pub assertion: String,
    pub content_type: String,
    pub request: Asked,
    pub proof: String,
}

#[derive(Deserialize)]
pub struct RefusedAssertion {
    pub why: String,
    pub assertion: String,
}

#[derive(Deserialize)]
pub struct GoodResult {
    pub claims: String,
    pub jws: String,
    pub body: String,
}

#[derive(Deserialize)]
pub struct RefusedResult {
    pub why: String,
    pub jws: String,
}

/// What holds of one kind of answer: section, how many were looked at, and those that do not hold.
pub struct Looked {
    pub section: &'static str,
    pub what: &'static str,
    pub count: usize,
    pub broken: Vec<String>,
}

/// Look at all of them.
pub fn check() -> Vec<Looked> {
    let known = Vectors::load();
    let looked = |section, what, count, broken: Vec<String>| Looked { section, what, count, broken };
    vec![
        looked("§2", "keys come out of their seeds", 6, known.keys()),
        looked("§3", "the statement has its bytes and its signature", 3, known.statement()),
        looked("§3", "statements that must be refused", known.statements_refused.len(), known.refused_statements()),
        looked("§4", "the ticket has its bytes", 1, known.bound()),
        looked("§5", "envelopes open, and have their hashes", known.envelopes.len(), known.envelopes()),
        looked("§5", "envelopes that must be refused", known.envelopes_refused.len(), known.refused_envelopes()),
        looked("§6", "proofs come out as they are known, and hold", known.proofs.len() + 1, known.proofs()),
        looked("§6", "proofs that must be refused", known.refused_alone().count(), known.refused_proofs()),
        looked("§6.2", "the assertion and its form come out as they are known", 2, known.assertion()),
        looked("§6.6", "the result comes out as it is known, and holds", 2, known.result()),
        looked("§6.6", "results that must be refused", known.results_refused.len(), known.refused_results()),
    ]
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap_or_default()
}

/// The names of what does not hold.
fn broken<'a>(all: impl IntoIterator<Item = (&'a str, bool)>) -> Vec<String> {
    all.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| what.to_owned()).collect()
}

/// `good` with the members that `change` names.
pub fn changed(good: &impl serde::Serialize, change: &Value) -> Value {
    let mut value = serde_json::to_value(good).unwrap_or_default();
    for (name, new) in change.as_object().into_iter().flatten() {
        value[name] = new.clone();
    }
    value
}

impl Vectors {
    pub fn load() -> Self {
        serde_json::from_str(FILE).expect("the stored vectors")
    }

    pub fn me(&self) -> Identity {
        Identity::from_pkcs8(&unhex(&self.identity.pkcs8)).expect("an Ed25519 key")
    }

    fn pair(&self) -> KeyPair {
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&unhex(&self.sealing.seed));
        KeyPair::from_seed(seed)
    }

    fn keys(&self) -> Vec<String> {
        let (me, known) = (self.me(), &self.identity);
        let jwk = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(me.public()) });
        broken([
            ("the public half of the identity", b64(me.public()) == known.public && known.pkcs8.ends_with(&known.seed)),
            ("the identity as a JWK", jwk == known.jwk),
            ("the fingerprint", fingerprint(me.public()) == known.fingerprint),
            ("the thumbprint", thumbprint(me.public()) == known.thumbprint),
            ("the public half of the sealing key", b64(&self.pair().public) == self.sealing.public),
            ("the id of the sealing key", self.statement.statement.key_id().as_ref() == Some(&self.sealing.id)),
        ])
    }

    fn statement(&self) -> Vec<String> {
        let (me, known) = (self.me(), &self.statement);
        let signed = me.sign(known.statement.clone());
        broken([
            ("the canonical encoding", known.statement.canonical() == known.canonical.as_bytes()),
            ("the signature", signed.signature == known.signature),
            ("whether it holds", signed.is_signed_by(me.public())),
        ])
    }

    fn refused_statements(&self) -> Vec<String> {
        let (me, ticket) = (self.me(), &self.ticket.ticket);
        broken(self.statements_refused.iter().map(|refused| {
            let statement = changed(&self.statement.statement, &refused.statement);
            let statement: Statement = serde_json::from_value(statement).expect("a statement");
            let (elsewhere, lives) = (statement.connector != ticket.connector, statement.not_before..statement.not_after);
            let signed = Signed { statement, signature: refused.signature.clone() };
            let holds = signed.is_signed_by(me.public());
            let refuses = match refused.check.as_str() {
                "connector" => holds && elsewhere,
                "time" => holds && !lives.contains(&self.now),
                _ => !holds && !elsewhere,
            };
            (refused.why.as_str(), refuses)
        }))
    }

    fn bound(&self) -> Vec<String> {
        broken([("the additional data", self.ticket.ticket.aad(&self.ticket.key) == self.ticket.aad.as_bytes())])
    }

    fn envelopes(&self) -> Vec<String> {
        let private = self.pair().private;
        broken(self.envelopes.iter().map(|sealed| {
            let opened = seal::open(&sealed.envelope, &self.ticket.ticket, &private);
            let opens = opened.is_ok_and(|secrets| *secrets.new == sealed.password && secrets.old.is_empty());
            (sealed.by.as_str(), opens && sealed.envelope.hash().as_ref() == Some(&sealed.hash))
        }))
    }

    fn refused_envelopes(&self) -> Vec<String> {
        let private = self.pair().private;
        broken(self.envelopes_refused.iter().map(|refused| {
            let ticket = serde_json::from_value(changed(&self.ticket.ticket, &refused.ticket)).expect("a ticket");
            let envelope = serde_json::from_value(changed(&self.envelopes[0].envelope, &refused.envelope)).expect("an envelope");
            let wanted = match refused.check.as_str() {
                "form" => Broken::Malformed,
                "open" => Broken::DoesNotOpen,
                "plaintext" => Broken::BadPlaintext,
                _ => Broken::TooLong,
            };
            (refused.why.as_str(), seal::open(&envelope, &ticket, &private).err() == Some(wanted))
        }))
    }

    /// What [`jws::check_proof`] is asked for this request.
    fn request<'a>(&self, asked: &'a Asked, url: &'a mut String) -> Request<'a> {
        *url = format!("{}{}", self.public_url, asked.path);
        Request { method: &asked.method, url, body: asked.body.as_bytes(), access: asked.access_token.as_deref(), now: self.now }
    }

    fn proofs(&self) -> Vec<String> {
        let me = self.me();
        let all = self.proofs.iter().map(|known| (&known.request, &known.proof)).chain([(&self.token.request, &self.token.proof)]);
        let signed_over =
            |known: &GoodProof| known.proof.starts_with(&format!("{}.{}.", b64(known.header.as_bytes()), b64(known.claims.as_bytes())));
        let mut wrong = broken(self.proofs.iter().map(|known| (known.claims.as_str(), signed_over(known))));
        wrong.extend(broken(all.map(|(asked, proof)| {
            let mut url = String::new();
            let request = self.request(asked, &mut url);
            let Ok(proven) = jws::check_proof(proof, &request) else { return (asked.path.as_str(), false) };
            let ours = jws::prove(&me, request.method, request.url, request.body, request.access, proven.jti, self.now);
            (asked.path.as_str(), ours == *proof && proven.public == me.public() && proven.jkt == self.identity.thumbprint)
        })));
        wrong
    }

    /// Those of one header: how many there are, only a server can judge.
    fn refused_alone(&self) -> impl Iterator<Item = &RefusedProof> {
        self.proofs_refused.iter().filter(|refused| refused.check != "count")
    }

    fn refused_proofs(&self) -> Vec<String> {
        broken(self.refused_alone().map(|refused| {
            let mut url = String::new();
            let judged = jws::check_proof(&refused.dpop[0], &self.request(&refused.request, &mut url)).err();
            let refuses = match (refused.check.as_str(), judged) {
                ("form", Some(Invalid::Malformed)) | ("signature", Some(Invalid::Signature)) => true,
                (check, Some(Invalid::Claim(claim))) => check == claim,
                _ => false,
            };
            (refused.why.as_str(), refuses)
        }))
    }

    fn assertion(&self) -> Vec<String> {
        let me = self.me();
        let claims: Assertion = serde_json::from_str(&self.token.claims).expect("claims");
        let ours = jws::sign(&me, jws::ASSERTION, Some(&claims.sub), false, &claims);
        broken([("the assertion", ours == self.token.assertion), ("the form", self.token.request.body.ends_with(&format!("={ours}")))])
    }

    fn result(&self) -> Vec<String> {
        let me = self.me();
        let claims: JobResult = serde_json::from_str(&self.result.claims).expect("a result");
        let agent = self.statement.statement.agent.to_string();
        let ours = jws::sign(&me, jws::RESULT, Some(&agent), false, &claims);
        let body = serde_json::from_str::<SignedResult>(&self.result.body).is_ok_and(|body| body.jws == ours);
        let read = jws::verify::<JobResult>(&self.result.jws, jws::RESULT, me.public());
        broken([("its bytes", ours == self.result.jws && body), ("whether it holds", read == Ok(claims))])
    }

    fn refused_results(&self) -> Vec<String> {
        let me = self.me();
        let refuses = |signed: &str| jws::verify::<JobResult>(signed, jws::RESULT, me.public()).is_err();
        broken(self.results_refused.iter().map(|refused| (refused.why.as_str(), refuses(&refused.jws))))
    }
}

/// The bytes of a key in the file.
pub fn bytes(text: &str) -> Vec<u8> {
    unb64(text).unwrap_or_default()
}
