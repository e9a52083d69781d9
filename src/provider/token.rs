//! What an ID token says, if it holds (OpenID Connect Core §3.1.3.7; RFC 8725): signed by a key of the provider's, made by it for us, for this
//! very sign-in, and just now. Times are judged by our clock, and each way of not holding is told apart only as far as it has another remedy.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::Mailbox;
use crate::base::id;

/// Signatures only: with a keyed hash whoever holds our secret could make tokens, and `none` is no signature.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Bytes of a token that is looked at.
const LONGEST: usize = 16 << 10;
/// How far the provider's clock may be off, and how old a token may be that was just made, in seconds.
pub const SKEW: i64 = 60;
const AGE: i64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfit {
    #[error("cannot be read")]
    Malformed,
    #[error("names a key that the provider does not have")]
    Key,
    #[error("is not signed by the provider")]
    Signature,
    #[error("is of another issuer")]
    Issuer,
    #[error("is not for us, or not for this sign-in")]
    Claim,
    #[error("is not of this moment")]
    Time,
}

/// What it must say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// SHA-256 of the nonce.
    pub nonce: &'a [u8],
    /// Seconds since 1970, by our clock.
    pub now: i64,
}

/// Whom it is about.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    iss: String,
    /// Never given to anybody else by this issuer.
    pub sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    /// When they last proved who they are.
    #[serde(default)]
    pub auth_time: Option<i64>,
    #[serde(default)]
    pub acr: Option<String>,
    #[serde(default)]
    pub amr: Vec<String>,
    #[serde(flatten)]
    pub mailbox: Mailbox,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// `true`, or the same as text.
pub fn truth<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(value)?;
    Ok(value == true || value == "true")
}

/// Whether this key could verify a token at all.
pub fn may_verify(key: &Jwk) -> bool {
    let public = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_));
    public && key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
}

pub fn verify(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Claims, Unfit> {
    if token.len() > LONGEST {
        return Err(Unfit::Malformed);
    }
    let header = decode_header(token).map_err(|_| Unfit::Malformed)?;
    let kind = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"));
    // RFC 7515 §4.1.11: what must be understood is not.
    if !ALGORITHMS.contains(&header.alg) || header.crit.is_some() || !kind {
        return Err(Unfit::Malformed);
    }
    let fits = |key: &&Jwk| {
        let named = header.kid.is_none() || key.common.key_id == header.kid;
        named && may_verify(key) && is_of(key, header.alg)
    };
    let mut fitting = keys.iter().filter(fits);
    let (Some(key), None) = (fitting.next(), fitting.next()) else { return Err(Unfit::Key) };
    let key = DecodingKey::from_jwk(key).map_err(|_| Unfit::Key)?;
    let mut rules = Validation::new(header.alg);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    let claims = decode::<Claims>(token, &key, &rules).map(|data| data.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => Unfit::Signature,
        _ => Unfit::Malformed,
    })?;
    judge(&claims, expected)?;
    Ok(claims)
}

/// Whether the algorithm is one of this key's kind, and the key's own where it has one.
fn is_of(key: &Jwk, algorithm: Algorithm) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let kind = match key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
        AlgorithmParameters::EllipticCurve(_) => matches!(algorithm, ES256 | ES384),
        AlgorithmParameters::OctetKeyPair(_) => algorithm == EdDSA,
        _ => false,
    };
    kind && key.common.key_algorithm.as_ref().is_none_or(|own| own.to_string() == format!("{algorithm:?}"))
}

fn judge(claims: &Claims, expected: &Expected<'_>) -> Result<(), Unfit> {
    if claims.iss != expected.issuer {
        return Err(Unfit::Issuer);
    }
    let for_us = match &claims.aud {
        Audience::One(one) => one == expected.client_id,
        // Of several, the one that it was made for is named.
        Audience::Many(all) => all.iter().any(|one| one == expected.client_id) && (all.len() == 1 || claims.azp.is_some()),
    };
    let made_for_us = claims.azp.as_deref().is_none_or(|azp| azp == expected.client_id);
    let nonce = claims.nonce.as_deref().is_some_and(|nonce| id::same(&id::sha256(nonce.as_bytes()), expected.nonce));
    let sub = (1..=255).contains(&claims.sub.len()) && claims.sub.is_ascii();
    if !(for_us && made_for_us && nonce && sub) {
        return Err(Unfit::Claim);
    }
    let old = claims.exp <= expected.now - SKEW || claims.iat < expected.now - AGE;
    if old || claims.iat > expected.now + SKEW { Err(Unfit::Time) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Signer {
        key: EncodingKey,
        jwk: Jwk,
    }

    fn signer(kid: &str) -> Signer {
        let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let x = data_encoding::BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA" });
        Signer { key: EncodingKey::from_ed_der(document.as_ref()), jwk: serde_json::from_value(jwk).unwrap() }
    }

    fn signed(signer: &Signer, kid: Option<&str>, change: &Value) -> String {
        let mut claims = json!({ "iss": "https://id.example", "sub": "1", "aud": "us", "exp": NOW + 300, "iat": NOW, "nonce": "n" });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        encode(&header, &claims, &signer.key).unwrap()
    }

    fn verified(token: &str, keys: &[&Signer]) -> Result<Claims, Unfit> {
        let keys: Vec<Jwk> = keys.iter().map(|signer| signer.jwk.clone()).collect();
        let nonce = id::sha256(b"n");
        verify(token, &keys, &Expected { issuer: "https://id.example", client_id: "us", nonce: &nonce, now: NOW })
    }

    #[test]
    fn only_what_was_made_for_us_and_for_now_holds() {
        let one = signer("k");
        let tried = |change: Value| verified(&signed(&one, Some("k"), &change), &[&one]).map(|claims| claims.sub);
        for good in [json!({}), json!({ "aud": ["us"] }), json!({ "aud": ["them", "us"], "azp": "us" }), json!({ "iat": NOW + 59 })] {
            assert_eq!(tried(good.clone()), Ok("1".to_owned()), "{good}");
        }
        for (bad, why) in [
            (json!({ "iss": "https://id.example/" }), Unfit::Issuer),
            (json!({ "iss": "https://evil.example" }), Unfit::Issuer),
            (json!({ "aud": "them" }), Unfit::Claim),
            (json!({ "aud": [] }), Unfit::Claim),
            (json!({ "aud": ["us", "them"] }), Unfit::Claim),
            (json!({ "aud": ["us", "them"], "azp": "them" }), Unfit::Claim),
            (json!({ "azp": "them" }), Unfit::Claim),
            (json!({ "nonce": "other" }), Unfit::Claim),
            (json!({ "nonce": null }), Unfit::Claim),
            (json!({ "sub": "" }), Unfit::Claim),
            (json!({ "sub": "x".repeat(256) }), Unfit::Claim),
            (json!({ "exp": NOW - 60 }), Unfit::Time),
            (json!({ "iat": NOW + 61 }), Unfit::Time),
            (json!({ "iat": NOW - 601 }), Unfit::Time),
            (json!({ "exp": "soon" }), Unfit::Malformed),
            (json!({ "aud": 7 }), Unfit::Malformed),
        ] {
            assert_eq!(tried(bad.clone()), Err(why), "{bad}");
        }
    }

    #[test]
    fn only_the_providers_own_keys_sign() {
        let (one, two) = (signer("1"), signer("2"));
        let ok = |token: &str, keys: &[&Signer]| verified(token, keys).map(|_| ());
        assert_eq!(ok(&signed(&one, Some("1"), &json!({})), &[&two, &one]), Ok(()));
        // Where none is named there must be no choice.
        assert_eq!(ok(&signed(&one, None, &json!({})), &[&one]), Ok(()));
        assert_eq!(ok(&signed(&one, None, &json!({})), &[&one, &two]), Err(Unfit::Key));
        assert_eq!(ok(&signed(&one, Some("3"), &json!({})), &[&one, &two]), Err(Unfit::Key));
        assert_eq!(ok(&signed(&one, Some("2"), &json!({})), &[&one, &two]), Err(Unfit::Signature));
        // By a keyed hash with what everybody knows, and by nothing.
        let hashed = encode(&Header::new(Algorithm::HS256), &json!({ "sub": "1" }), &EncodingKey::from_secret(b"x")).unwrap();
        assert_eq!(ok(&hashed, &[&one]), Err(Unfit::Malformed));
        let claims = signed(&one, Some("1"), &json!({}));
        let claims = claims.split('.').nth(1).unwrap();
        let none = format!("{}.{claims}.", data_encoding::BASE64URL_NOPAD.encode(br#"{"alg":"none","kid":"1"}"#));
        assert_eq!(ok(&none, &[&one]), Err(Unfit::Malformed));
        // A key that is for something else, or of another kind.
        let encrypts = |mut signer: Signer| {
            signer.jwk.common.public_key_use = Some(PublicKeyUse::Encryption);
            signer
        };
        let other = encrypts(signer("1"));
        assert_eq!(ok(&signed(&other, Some("1"), &json!({})), &[&other]), Err(Unfit::Key));
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        let access = encode(&header, &json!({}), &one.key).unwrap();
        assert_eq!(ok(&access, &[&one]), Err(Unfit::Malformed));
    }

    #[test]
    fn a_mailbox_is_verified_only_where_it_is_said() {
        for (told, wanted) in [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("yes"), false), (json!(1), false)]
        {
            let mailbox: Mailbox = serde_json::from_value(json!({ "email": "a@b.example", "email_verified": told })).unwrap();
            assert_eq!(mailbox.email_verified, wanted, "{told}");
        }
        let mailbox: Mailbox = serde_json::from_value(json!({ "email": "a@b.example" })).unwrap();
        assert!(!mailbox.email_verified);
    }
}
