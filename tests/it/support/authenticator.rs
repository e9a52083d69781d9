//! What people hold in their hands: a passkey and an authenticator app, written from the standards. The counterparts of ours, sharing no
//! code with them.

use aws_lc_rs::{
    digest, hmac, rand,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sspr::{
    base::id,
    domain::{
        audit::Source,
        authenticators::{self, Attestation, FreshCodes, Kind, Label, Registered, Registrar, RelyingParty, Renewal, Renewed},
        policies::Method,
        users::{self, Name, User},
    },
    wire::{b64, unb64},
};
use time::Duration;

use super::Cloud;

/// A passkey on a device that has verified its owner.
pub struct Passkey {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    pub handle: Vec<u8>,
    /// Of the last signature; passkeys that are shared among devices leave it at 0.
    pub counter: u32,
    /// Whether its owner is verified when it signs.
    pub verifies: bool,
}

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_KEY: u8 = 0x40;

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false }).to_string().into_bytes()
}

impl Passkey {
    pub fn new() -> Self {
        let mut id = vec![0; 16];
        rand::fill(&mut id).unwrap();
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { key, id, handle: Vec::new(), counter: 1, verifies: true }
    }

    fn head(&self, relying_party: &str, more: u8) -> Vec<u8> {
        let flags = PRESENT | if self.verifies { VERIFIED } else { 0 } | more;
        [sha256(relying_party.as_bytes()), vec![flags], self.counter.to_be_bytes().to_vec()].concat()
    }

    /// `navigator.credentials.create`, attestation "none".
    pub fn creates(&mut self, options: &Value, origin: &str) -> Value {
        self.handle = unb64(options["user"]["id"].as_str().unwrap()).unwrap();
        let point = self.key.public_key().as_ref().to_vec();
        let (x, y) = point[1..].split_at(32);
        // COSE_Key: EC2, ES256, P-256.
        let cose = [&[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20], x, &[0x22, 0x58, 0x20], y].concat();
        let data = [
            self.head(options["rp"]["id"].as_str().unwrap(), HAS_KEY),
            vec![0; 16],
            u16::try_from(self.id.len()).unwrap().to_be_bytes().to_vec(),
            self.id.clone(),
            cose,
        ]
        .concat();
        let length = u8::try_from(data.len()).unwrap();
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58", &[length][..], &data].concat();
        json!({
            "id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key", "clientExtensionResults": { "credProps": { "rk": true } },
            "response": { "attestationObject": b64(&object), "clientDataJSON": b64(&client_data("webauthn.create", options, origin)) },
        })
    }

    /// `navigator.credentials.get`.
    pub fn signs(&mut self, options: &Value, origin: &str) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        self.signs_at_this_counter(options, origin)
    }

    pub fn signs_at_this_counter(&self, options: &Value, origin: &str) -> Value {
        let data = self.head(options["rpId"].as_str().unwrap(), 0);
        let client = client_data("webauthn.get", options, origin);
        let signature = self.key.sign(&rand::SystemRandom::new(), &[data.clone(), sha256(&client)].concat()).unwrap();
        json!({
            "id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": { "authenticatorData": b64(&data), "clientDataJSON": b64(&client), "signature": b64(signature.as_ref()),
                "userHandle": b64(&self.handle) },
        })
    }
}

/// What an app with this secret (base32, grouped) shows at that second.
pub fn app_shows(secret: &str, at: i64) -> String {
    let secret = data_encoding::BASE32_NOPAD.decode(secret.replace(' ', "").as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &(at / 30).to_be_bytes());
    let tag = tag.as_ref();
    let from = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Registering without the pages, for tests of what comes after.
impl Cloud {
    pub async fn user(&self, name: &str) -> User {
        let mut conn = self.app.db.acquire().await.unwrap();
        let name = Name::parse(name).unwrap();
        let scope = &self.tenant.scope;
        users::candidates(&mut conn, scope, &name, &users::similar(scope, &name)).await.unwrap().found.unwrap().0
    }

    async fn registrar(&self, name: &str) -> Registrar {
        Registrar { user: self.user(name).await.user_id, session: id::random() }
    }

    /// An authenticator app: its secret.
    pub async fn registers_app(&self, name: &str, cooling_off: Duration) -> String {
        let (registrar, label, source) = (self.registrar(name).await, Label::parse("Phone").unwrap(), Source::house("user"));
        let (scope, clock) = (&self.tenant.scope, &self.clock);
        let mut tx = self.app.begin().await.unwrap();
        authenticators::begin_app(&mut tx, scope, clock, registrar).await.unwrap();
        let secret = authenticators::pending_app(&mut tx, scope, clock, registrar).await.unwrap().unwrap().grouped();
        // The first code is that of the step before, so that the test has the others.
        let code = app_shows(&secret, clock.seconds() - 30);
        let done = authenticators::confirm_app(&mut tx, scope, clock, &source, registrar, &label, &code, cooling_off).await.unwrap();
        assert!(matches!(done, Registered::Added(_)));
        tx.commit().await.unwrap();
        secret
    }

    pub fn relying_party(&self) -> RelyingParty {
        RelyingParty::new(&self.url, "Corp Example").unwrap()
    }

    pub async fn registers_passkey(&self, name: &str, passkey: &mut Passkey) {
        let (registrar, label, source) = (self.registrar(name).await, Label::parse("Key").unwrap(), Source::house("user"));
        let (scope, clock, rp, user) = (&self.tenant.scope, &self.clock, self.relying_party(), self.user(name).await);
        let mut tx = self.app.begin().await.unwrap();
        let options = authenticators::begin_passkey(&mut tx, scope, clock, &rp, &user, registrar).await.unwrap();
        let answer = Attestation::parse(&passkey.creates(&options, &self.url).to_string()).unwrap();
        let with = (&rp, &answer);
        let done = authenticators::finish_passkey(&mut tx, scope, clock, &source, with, registrar, &label, Duration::ZERO).await.unwrap();
        assert!(matches!(done, Registered::Added(_)), "{done:?}");
        tx.commit().await.unwrap();
    }

    /// Ten codes.
    pub async fn makes_codes(&self, name: &str) -> Vec<String> {
        let (user, label, source) = (self.user(name).await.user_id, Label::parse("Codes").unwrap(), Source::house("user"));
        let (scope, fresh) = (&self.tenant.scope, FreshCodes::new(&self.clock));
        let hashes = self.app.slow_hash.of(fresh.to_hash(scope)).await.unwrap().unwrap();
        let mut tx = self.app.begin().await.unwrap();
        let older = authenticators::list(&mut tx, scope, user).await.unwrap().into_iter().find(|one| one.kind == Kind::RecoveryCodes);
        let (replaces, proven, cooling_off) = (older.map(|set| set.authenticator_id), &[Method::Passkey][..], Duration::ZERO);
        let renewal = Renewal { user, proven, replaces, label: &label, fresh: &fresh, hashes: &hashes, cooling_off };
        assert_eq!(authenticators::renew_codes(&mut tx, scope, &self.clock, &source, &renewal).await.unwrap(), Renewed::Yes);
        tx.commit().await.unwrap();
        fresh.printed()
    }
}
