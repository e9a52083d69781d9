//! Known answers for what browser and agent must agree on to the byte. `tests/browser/vectors.rs` asks JavaScript the same.

use hpke::{Deserializable, Kem, OpModeR, aead::AesGcm256, kdf::HkdfSha256, kem::XWing};
use serde::Deserialize;
use sspr::wire::{
    b64,
    keys::{Identity, Signed, Statement},
    seal::{self, Envelope, KeyPair, Secrets},
    sha256,
    ticket::Ticket,
    unb64,
};
use zeroize::Zeroizing;

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
