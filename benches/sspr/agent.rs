//! An agent as the cloud sees one: real keys, a real proof for every request, results really signed. What it does not do is open
//! the password and speak to a directory: that is not the cloud's time.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use sspr::{
    base::{clock::Clock, id},
    wire::{
        jws,
        keys::Identity,
        message::{DirectoryHealth, Heartbeat, JobResult, LeasedJob, SignedResults, Token},
        outcome::Code,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Mutex,
};
use uuid::Uuid;

use super::http::{self, Conn};

/// Seconds after which another access token is fetched; one lives 300.
const TOKEN_RENEWED_AFTER: i64 = 200;

pub struct Agent {
    pub id: Uuid,
    pub identity: Identity,
    /// The cloud's public address: what proofs are bound to.
    url: String,
    clock: Clock,
    token: Mutex<(String, i64)>,
    jobs: AtomicU64,
}

impl Agent {
    pub fn new(id: Uuid, identity: Identity, url: &str, clock: &Clock) -> Self {
        Self { id, identity, url: url.to_owned(), clock: clock.clone(), token: Mutex::default(), jobs: AtomicU64::new(0) }
    }

    /// An access token that is good for a while yet.
    pub async fn token<S: AsyncRead + AsyncWrite + Unpin>(&self, conn: &mut Conn<S>) -> Result<String> {
        let mut kept = self.token.lock().await;
        let now = self.clock.seconds();
        if now - kept.1 < TOKEN_RENEWED_AFTER {
            return Ok(kept.0.clone());
        }
        let claims = jws::Assertion {
            iss: self.id.to_string(),
            sub: self.id.to_string(),
            aud: format!("{}/agent/v1/token", self.url),
            jti: id::token(),
            iat: now,
            exp: now + 60,
            nbf: None,
        };
        let assertion = jws::sign(&self.identity, jws::ASSERTION, Some(&self.id.to_string()), false, &claims);
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        );
        let request = self.request("/agent/v1/token", "", body.as_bytes(), "application/x-www-form-urlencoded", None);
        let answer = conn.send(&request).await?;
        ensure!(answer.status == 200, "no access token: {} {}", answer.status, String::from_utf8_lossy(answer.body));
        let token: Token = serde_json::from_slice(answer.body)?;
        *kept = (token.access_token, now);
        Ok(kept.0.clone())
    }

    fn request(&self, path: &str, query: &str, body: &[u8], kind: &str, access: Option<&str>) -> Vec<u8> {
        let proof = jws::prove(&self.identity, "POST", &format!("{}{path}", self.url), body, access, id::token(), self.clock.seconds());
        let authorization = access.map(|token| format!("authorization: DPoP {token}"));
        let (proof, kind) = (format!("dpop: {proof}"), format!("content-type: {kind}"));
        let headers: Vec<&str> = [proof.as_str(), kind.as_str()].into_iter().chain(authorization.as_deref()).collect();
        let host = self.url.split_once("://").map_or("", |(_, host)| host);
        http::request("POST", &format!("{path}{query}"), host, &headers, body)
    }

    /// A signed request with JSON.
    pub fn post(&self, path: &str, query: &str, body: &[u8], token: &str) -> Vec<u8> {
        self.request(path, query, body, "application/json", Some(token))
    }

    /// Ask for up to `most` jobs, waiting so long for the first.
    pub fn poll(&self, wait: u32, most: u16, token: &str) -> Vec<u8> {
        self.post("/agent/v1/lease", &format!("?wait={wait}"), format!(r#"{{"max":{most}}}"#).as_bytes(), token)
    }

    /// The signed result of a job that went well.
    pub fn applied(&self, job: &LeasedJob) -> String {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        let now = self.clock.millis();
        let result = JobResult {
            job: job.ticket.job,
            lease: job.lease,
            seq: job.ticket.seq,
            ciphertext: job.hash(),
            code: Code::Applied,
            dc: "dc1.corp.example".to_owned(),
            started_at: now,
            finished_at: now,
            unlocked: false,
            allowed_at: None,
            account: None,
        };
        jws::sign(&self.identity, jws::RESULT, Some(&self.id.to_string()), false, &result)
    }

    /// Tell results, and ask for up to `most` other jobs with the answer.
    pub fn results(&self, results: Vec<String>, most: u16, token: &str) -> Result<Vec<u8>> {
        let query = if most == 0 { String::new() } else { format!("?max={most}") };
        Ok(self.post("/agent/v1/results", &query, &serde_json::to_vec(&SignedResults { results })?, token))
    }

    /// Say that the directory is well.
    pub async fn beat(&self, conn: &mut Conn) -> Result<()> {
        let token = self.token(conn).await?;
        let request = self.post("/agent/v1/heartbeat", "", &serde_json::to_vec(&self.health())?, &token);
        let answer = conn.send(&request).await?;
        ensure!(answer.status == 200, "a heartbeat was answered {}", answer.status);
        Ok(())
    }

    pub fn health(&self) -> Heartbeat {
        let directory = DirectoryHealth { reachable: true, dc: "dc1.corp.example".to_owned(), ..DirectoryHealth::default() };
        Heartbeat {
            version: "bench".to_owned(),
            clock: self.clock.seconds(),
            directory,
            jobs: self.jobs.load(Ordering::Relaxed),
            instance: None,
            audit: None,
            removals_held: None,
            checkup: None,
            canary: Vec::new(),
        }
    }
}
