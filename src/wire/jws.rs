//! Compact JWS (RFC 7515) with Ed25519: client assertions, access tokens, proofs of possession, results.
//!
//! One algorithm, one `typ` per purpose (RFC 8725 §3.11), so that nothing made for one purpose passes for another. Times are
//! judged by the caller with its own clock: the library's would be the system's.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{
    b64,
    keys::{IDENTITY_LEN, Identity, thumbprint},
    sha256, unb64,
};

/// `typ` of a client assertion (RFC 7523 through draft-ietf-oauth-rfc7523bis).
pub const ASSERTION: &str = "client-authentication+jwt";
/// `typ` of an access token (RFC 9068).
pub const ACCESS: &str = "at+jwt";
/// `typ` of a proof of possession (RFC 9449 §4.2).
pub const PROOF: &str = "dpop+jwt";
/// `typ` of a job's result.
pub const RESULT: &str = "sspr-result+jwt";
/// Longest token that is looked at, in bytes.
pub const MAX_LEN: usize = 4096;
/// How far an `iat` may lie from the verifier's clock, in seconds, either way.
pub const SKEW: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Invalid {
    #[error("not a compact JWS of the expected type")]
    Malformed,
    #[error("the signature does not verify")]
    Signature,
    #[error("a claim does not fit this request: {0}")]
    Claim(&'static str),
}

/// Claims of a client assertion. `iss` = `sub` = the agent's id.
#[derive(Debug, Serialize, Deserialize)]
pub struct Assertion {
    pub iss: String,
    pub sub: String,
    /// The token endpoint's URL.
    pub aud: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    /// Not before, if there is such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

/// Claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Access {
    pub iss: String,
    /// The agent's id.
    pub sub: String,
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
    pub cnf: Confirmation,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// Thumbprint of the key that must sign each request.
    pub jkt: String,
}

/// Claims of a proof: RFC 9449's, and `bd`, the base64url SHA-256 of the request's body, which RFC 9449 does not cover.
#[derive(Debug, Serialize, Deserialize)]
pub struct Proof {
    pub jti: String,
    pub htm: String,
    /// Scheme, authority and path; no query, no fragment.
    pub htu: String,
    pub iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ath: Option<String>,
    pub bd: String,
}

/// base64url SHA-256: `ath` of a token, `bd` of a body.
pub fn digest(bytes: &[u8]) -> String {
    b64(&sha256(bytes))
}

/// Sign `claims` as `typ`. `embed` puts the public key into the header (proofs need it); `kid` names the key otherwise.
pub fn sign<C: Serialize>(identity: &Identity, typ: &str, kid: Option<&str>, embed: bool, claims: &C) -> String {
    let key = EncodingKey::from_ed_der(identity.pkcs8());
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = kid.map(str::to_owned);
    if embed {
        let jwk = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": b64(identity.public())});
        header.jwk = Some(serde_json::from_value(jwk).expect("an OKP key"));
    }
    encode(&header, claims, &key).expect("an Ed25519 key signs")
}

/// The `kid` of a token whose signature is not yet checked: only to look the key up. `None` also for what no key is called by.
pub fn unverified_kid(token: &str) -> Option<String> {
    let kid = (token.len() <= MAX_LEN).then(|| decode_header(token).ok()?.kid).flatten();
    kid.filter(|kid| kid.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Verify `token` as `typ` with the raw public key.
pub fn verify<C: DeserializeOwned>(token: &str, typ: &str, public: &[u8]) -> Result<C, Invalid> {
    if token.len() > MAX_LEN || public.len() != IDENTITY_LEN {
        return Err(Invalid::Malformed);
    }
    let header = decode_header(token).map_err(|_| Invalid::Malformed)?;
    if header.typ.as_deref() != Some(typ) || header.alg != Algorithm::EdDSA {
        return Err(Invalid::Malformed);
    }
    // RFC 7515 §4.1.11: what must be understood is not, and the library does not look.
    if header.crit.is_some() {
        return Err(Invalid::Malformed);
    }
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    let key = DecodingKey::from_ed_components(&b64(public)).map_err(|_| Invalid::Malformed)?;
    decode::<C>(token, &key, &rules).map(|data| data.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => Invalid::Signature,
        _ => Invalid::Malformed,
    })
}

/// The claims of a token that was verified when it was taken: for reading what is kept.
pub fn unverified<C: DeserializeOwned>(token: &str) -> Option<C> {
    let claims = token.split('.').nth(1).and_then(unb64)?;
    serde_json::from_slice(&claims).ok()
}

/// A proof for one request.
pub fn prove(identity: &Identity, method: &str, url: &str, body: &[u8], access: Option<&str>, jti: String, iat: i64) -> String {
    let proof = Proof {
        jti,
        htm: method.to_owned(),
        htu: url.to_owned(),
        iat,
        ath: access.map(|token| digest(token.as_bytes())),
        bd: digest(body),
    };
    sign(identity, PROOF, None, true, &proof)
}

/// Whether this can be a `jti`: 16 to 64 visible ASCII characters.
pub fn is_jti(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A proof that holds: who made it, and the values that must not come twice.
pub struct Proven {
    /// Raw Ed25519 public key from the header.
    pub public: Vec<u8>,
    pub jkt: String,
    pub jti: String,
    pub iat: i64,
}

/// What a proof must fit.
pub struct Request<'a> {
    pub method: &'a str,
    /// Without query.
    pub url: &'a str,
    pub body: &'a [u8],
    pub access: Option<&'a str>,
    pub now: i64,
}

/// The checks of RFC 9449 §4.3 that need no memory, and the body digest. Replay (`jti`) is the caller's, who has the memory.
pub fn check_proof(token: &str, request: &Request<'_>) -> Result<Proven, Invalid> {
    if token.len() > MAX_LEN {
        return Err(Invalid::Malformed);
    }
    let header = decode_header(token).map_err(|_| Invalid::Malformed)?;
    let jwk = serde_json::to_value(header.jwk.ok_or(Invalid::Malformed)?).map_err(|_| Invalid::Malformed)?;
    // A private key in the header (`d`) would be dropped by the library's type, hence unseen; look at the raw header.
    let raw = token.split('.').next().and_then(unb64).and_then(|raw| serde_json::from_slice::<serde_json::Value>(&raw).ok());
    if raw.as_ref().and_then(|raw| raw["jwk"].get("d")).is_some() || jwk["crv"] != "Ed25519" {
        return Err(Invalid::Malformed);
    }
    let public = jwk["x"].as_str().and_then(unb64).ok_or(Invalid::Malformed)?;
    let proof: Proof = verify(token, PROOF, &public)?;
    let wrong = |claim| Err(Invalid::Claim(claim));
    if proof.htm != request.method {
        return wrong("htm");
    }
    if proof.htu != request.url {
        return wrong("htu");
    }
    // Not subtracted: the sender chose one of the two.
    if proof.iat.abs_diff(request.now) > SKEW.unsigned_abs() {
        return wrong("iat");
    }
    if !is_jti(&proof.jti) {
        return wrong("jti");
    }
    if proof.ath != request.access.map(|token| digest(token.as_bytes())) {
        return wrong("ath");
    }
    if proof.bd != digest(request.body) {
        return wrong("bd");
    }
    Ok(Proven { jkt: thumbprint(&public), public, jti: proof.jti, iat: proof.iat })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://reset.example/agent/v1/lease";

    fn request(now: i64) -> Request<'static> {
        Request { method: "POST", url: URL, body: b"{}", access: Some("token"), now }
    }

    fn proof(identity: &Identity) -> String {
        prove(identity, "POST", URL, b"{}", Some("token"), "0123456789abcdef".into(), 1000)
    }

    #[test]
    fn a_proof_fits_one_request_only() {
        let me = Identity::generate();
        let token = proof(&me);
        let proven = check_proof(&token, &request(1000)).unwrap();
        assert_eq!((proven.public.as_slice(), proven.jkt), (me.public(), thumbprint(me.public())));

        type Change = fn(&mut Request<'_>);
        let changed: [(Change, &str); 5] = [
            (|r| r.method = "GET", "htm"),
            (|r| r.url = "https://evil.example/agent/v1/lease", "htu"),
            (|r| r.body = b"{ }", "bd"),
            (|r| r.access = Some("other"), "ath"),
            (|r| r.now += SKEW + 1, "iat"),
        ];
        for (change, claim) in changed {
            let mut other = request(1000);
            change(&mut other);
            assert_eq!(check_proof(&token, &other).err(), Some(Invalid::Claim(claim)));
        }
    }

    #[test]
    fn a_token_is_of_one_type_and_one_key() {
        let (me, other) = (Identity::generate(), Identity::generate());
        let claims = serde_json::json!({"job": 1});
        let token = sign(&me, RESULT, Some("k"), false, &claims);
        assert_eq!(unverified_kid(&token).as_deref(), Some("k"));
        assert_eq!(verify::<serde_json::Value>(&token, RESULT, me.public()), Ok(claims));
        assert_eq!(verify::<serde_json::Value>(&token, ACCESS, me.public()), Err(Invalid::Malformed));
        assert_eq!(verify::<serde_json::Value>(&token, RESULT, other.public()), Err(Invalid::Signature));
        assert_eq!(verify::<serde_json::Value>("a.b.c", RESULT, me.public()), Err(Invalid::Malformed));
        let none = format!("{}.{}.", b64(br#"{"alg":"none","typ":"sspr-result+jwt"}"#), b64(b"{}"));
        assert_eq!(verify::<serde_json::Value>(&none, RESULT, me.public()), Err(Invalid::Malformed));
    }

    #[test]
    fn a_proof_must_not_show_a_private_key() {
        let me = Identity::generate();
        let token = proof(&me);
        let (head, rest) = token.split_once('.').unwrap();
        let mut header: serde_json::Value = serde_json::from_slice(&unb64(head).unwrap()).unwrap();
        header["jwk"]["d"] = "AAAA".into();
        let forged = format!("{}.{rest}", b64(header.to_string().as_bytes()));
        assert_eq!(check_proof(&forged, &request(1000)).err(), Some(Invalid::Malformed));
    }
}
