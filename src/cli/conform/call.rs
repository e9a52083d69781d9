//! One request, made as it should be and then changed in one thing; and what came back.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::signature::Ed25519KeyPair;
use reqwest::{Client, Method, header::HeaderMap, redirect};
use serde_json::{Value, json};

use crate::{
    base::{clock::Clock, id},
    wire::{b64, jws::digest, keys::Identity},
};

pub const JSON: &str = "application/json";
pub const FORM: &str = "application/x-www-form-urlencoded";
const PROBLEM: &str = "application/problem+json";
/// For all but a long poll, which says itself how long it takes.
const ANSWER: Duration = Duration::from_secs(30);
/// Seconds that the cloud's clock in an answer may differ from what is known of it.
const CLOCK: i64 = 30;

/// The way to the server that is looked at.
pub struct Line {
    http: Client,
    pub url: String,
    clock: Clock,
    /// Seconds that the server's clock is ahead of ours.
    pub ahead: i64,
}

/// A request before it is sent. Made good by [`Line::draft`]; whoever wants it wrong changes a field.
pub struct Draft {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub kind: String,
    pub body: Vec<u8>,
    pub authorization: Vec<String>,
    pub header: Value,
    pub claims: Value,
    /// Instead of the proof that header and claims make.
    pub proofs: Option<Vec<String>>,
    pub wait: Duration,
}

pub struct Answer {
    pub status: u16,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Line {
    pub fn new(url: &str, clock: Clock) -> Result<Self> {
        let http = Client::builder().user_agent("sspr-conform").redirect(redirect::Policy::none()).no_proxy().build();
        Ok(Self { http: http.context("the HTTP client")?, url: url.to_owned(), clock, ahead: 0 })
    }

    /// The server's clock, as far as it is known.
    pub fn now(&self) -> i64 {
        self.clock.seconds() + self.ahead
    }

    /// A good request, but for the signature of its proof, which comes last.
    pub fn draft(&self, key: &Identity, path: &str, kind: &str, body: Vec<u8>, access: Option<&str>) -> Draft {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
        let mut claims = json!({
            "jti": id::random(), "htm": "POST", "htu": format!("{}{path}", self.url), "iat": self.now(), "bd": digest(&body),
        });
        if let Some(access) = access {
            claims["ath"] = digest(access.as_bytes()).into();
        }
        Draft {
            method: Method::POST,
            path: path.to_owned(),
            query,
            kind: kind.to_owned(),
            body,
            authorization: access.map(|access| format!("DPoP {access}")).into_iter().collect(),
            header: json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk(key) }),
            claims,
            proofs: None,
            wait: ANSWER,
        }
    }

    pub async fn send(&self, key: &Identity, draft: &Draft) -> Result<Answer, String> {
        let query = draft.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        let mut request = self.http.request(draft.method.clone(), format!("{}{}{query}", self.url, draft.path)).timeout(draft.wait);
        let proofs = draft.proofs.clone().unwrap_or_else(|| vec![draft.proof(key)]);
        let headers = proofs.into_iter().map(|proof| ("dpop", proof));
        for (name, value) in headers.chain(draft.authorization.iter().map(|value| ("authorization", value.clone()))) {
            request = request.header(name, value);
        }
        if !draft.kind.is_empty() {
            request = request.header("content-type", &draft.kind);
        }
        let failed = |error: reqwest::Error| format!("no answer: {:#}", anyhow::Error::from(error.without_url()));
        let answer = request.body(draft.body.clone()).send().await.map_err(failed)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, body: answer.bytes().await.map_err(failed)?.to_vec() })
    }
}

impl Draft {
    pub fn claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims[name] = value.into();
    }

    pub fn without(&mut self, name: &str) {
        self.claims.as_object_mut().map(|claims| claims.remove(name));
    }

    pub fn proof(&self, key: &Identity) -> String {
        sign(key, &self.header, &self.claims)
    }
}

impl Answer {
    /// As JSON, if it says that it is.
    pub fn json(&self) -> Result<Value, String> {
        self.is_of(JSON)?;
        serde_json::from_slice(&self.body).map_err(|error| format!("its body is no JSON: {error}"))
    }

    fn is_of(&self, kind: &str) -> Result<(), String> {
        let given = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is = given.split(';').next().is_some_and(|given| given.trim().eq_ignore_ascii_case(kind));
        if is { Ok(()) } else { Err(format!("it answered {} as {given:?} instead of {kind}", self.status)) }
    }

    /// In words: status, and code if there is one.
    pub fn told(&self) -> String {
        let code = serde_json::from_slice::<Value>(&self.body).ok().and_then(|body| Some(body["code"].as_str()?.to_owned()));
        format!("{} {}", self.status, code.unwrap_or_default()).trim_end().to_owned()
    }

    pub fn is(&self, status: u16) -> Result<(), String> {
        if self.status == status { Ok(()) } else { Err(format!("wanted {status}, it answered {}", self.told())) }
    }

    /// A problem document as §6.8 wants it, of this status and with one of these codes.
    pub fn is_problem(&self, status: u16, codes: &[&str], now: i64) -> Result<(), String> {
        let wanted = codes.join(" or ");
        let not = || format!("wanted {status} {wanted}, it answered {}", self.told());
        if self.status != status {
            return Err(not());
        }
        self.is_of(PROBLEM)?;
        let problem: Value = serde_json::from_slice(&self.body).map_err(|error| format!("its problem is no JSON: {error}"))?;
        if !problem["code"].as_str().is_some_and(|code| codes.contains(&code)) {
            return Err(not());
        }
        if problem["status"].as_u64() != Some(status.into()) || !problem["type"].is_string() || !problem["title"].is_string() {
            return Err("its problem has no type, title and status (RFC 9457)".to_owned());
        }
        if !problem["support"].is_string() {
            return Err("its problem has no support code".to_owned());
        }
        if status == 401 && !self.has_header("www-authenticate") {
            return Err("its 401 has no WWW-Authenticate (RFC 9110 §11.6.1)".to_owned());
        }
        match problem["now"].as_i64() {
            None => Err("its problem has no `now`".to_owned()),
            Some(said) if said.abs_diff(now) > CLOCK.unsigned_abs() => Err(format!("its `now` is {said}, a moment ago it was {now}")),
            Some(_) => Ok(()),
        }
    }

    pub fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }
}

pub fn jwk(key: &Identity) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.public()) })
}

/// A compact JWS with whatever header.
pub fn sign(key: &Identity, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
    let pair = Ed25519KeyPair::from_pkcs8(key.pkcs8()).expect("an Ed25519 key");
    format!("{text}.{}", b64(pair.sign(text.as_bytes()).as_ref()))
}

/// The same with HMAC and this secret.
pub fn sign_symmetric(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    format!("{text}.{}", b64(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref()))
}
