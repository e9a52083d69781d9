//! The cloud, as the agent speaks to it: HTTPS outwards, each request proven with the identity key (DPoP and a body digest).
//!
//! One method per call of `/agent/v1`. What can go wrong is an enum, because the loop does something different for each.

mod access;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::{sync::Mutex, time::Instant};
use uuid::Uuid;

use self::access::Access;
use super::{identity::Identities, time::Time};
use crate::{
    base::id,
    wire::{
        jws,
        keys::{Identity, Signed},
        message::{Enrolled, Enrolment, Heartbeat, HeartbeatAnswer, LeaseRequest, LeasedJob, MirrorBatch, NewKey, SignedResults},
    },
};

const CONNECT: Duration = Duration::from_secs(10);
/// For all but the long poll.
const ANSWER: Duration = Duration::from_secs(20);
/// Seconds that a poll may hang.
pub const POLL: u64 = 30;
/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 4 << 20;
const JSON: &str = "application/json";

/// Why a call failed.
#[derive(Debug, Clone, Error)]
pub enum Failure {
    /// The administrator has not confirmed this agent yet.
    #[error("this agent is not confirmed yet")]
    Pending,
    /// For good.
    #[error("this agent was revoked in the cloud")]
    Revoked,
    /// The cloud's answer is no; asking again gives the same.
    #[error("the cloud refuses ({status} {code}): {detail}")]
    Refused { status: u16, code: String, detail: String },
    /// Worth another try, not before so many seconds if it says so.
    #[error("the cloud cannot be asked now: {why}")]
    Passing { why: String, retry_after: Option<u64> },
}

/// RFC 9457, with what the agent reads of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    title: String,
    /// The cloud's clock, with `clock_skew`.
    now: Option<i64>,
}

/// A job in a form newer than this agent: enough to refuse it by name.
#[derive(Debug, Deserialize)]
pub struct Unknown {
    pub lease: Uuid,
    #[serde(default)]
    pub attempt: i16,
    pub ticket: UnknownTicket,
    pub envelope: Option<crate::wire::seal::Envelope>,
}

#[derive(Debug, Deserialize)]
pub struct UnknownTicket {
    pub job: Uuid,
    pub seq: i64,
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Each with the moment its lease ends.
    pub jobs: Vec<(LeasedJob, Instant)>,
    pub unknown: Vec<Unknown>,
}

/// Like [`crate::wire::message::Leased`], but one job that cannot be read does not take the others with it.
#[derive(Deserialize)]
struct Leased {
    jobs: Vec<serde_json::Value>,
    now: i64,
}

pub struct Cloud {
    http: Client,
    /// Without a slash at its end.
    base: String,
    identities: Arc<Identities>,
    /// `None` until enrolled.
    agent: Option<Uuid>,
    time: Time,
    token: Mutex<Option<Access>>,
}

/// `https://…`, or `http://` on a loopback host; without path, query and final slash.
pub fn base_url(text: &str) -> Result<String> {
    let url = Url::parse(text).with_context(|| format!("agent.cloud_url = {text:?} must begin with https://"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => {}
        _ if url.scheme() == "http" && loopback => {}
        _ => bail!("agent.cloud_url = {text:?}: must begin with https:// (http:// only for a loopback host)"),
    }
    if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
        bail!("agent.cloud_url = {text:?}: must be an address only, as the cloud's server.public_url");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Cloud {
    pub fn new(cloud_url: &str, identities: Arc<Identities>, agent: Option<Uuid>, time: Time) -> Result<Self> {
        let base = base_url(cloud_url)?;
        let http = Client::builder()
            .user_agent(concat!("sspr-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .https_only(base.starts_with("https:"))
            .build()
            .context("the HTTP client")?;
        Ok(Self { http, base, identities, agent, time, token: Mutex::new(None) })
    }

    /// With the one-time token; the only call that needs no access token.
    pub async fn enrol(&self, request: &Enrolment) -> Result<Enrolled, Failure> {
        let body = json(request);
        let identity = self.identities.current();
        let response = self.send("/agent/v1/enrolment", None, JSON, body, (&identity, None), ANSWER).await?;
        parse(&read(response).await?)
    }

    pub async fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<HeartbeatAnswer, Failure> {
        let asked = self.time.own();
        let answer: HeartbeatAnswer = parse(&read(self.call("/agent/v1/heartbeat", None, heartbeat, ANSWER).await?).await?)?;
        self.time.correct(asked, answer.now);
        Ok(answer)
    }

    /// Wait for jobs; empty when none came.
    pub async fn lease(&self, max: u16) -> Result<Jobs, Failure> {
        let wait = format!("wait={POLL}");
        let response = self.call("/agent/v1/lease", Some(&wait), &LeaseRequest { max }, ANSWER + Duration::from_secs(POLL)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Jobs::default());
        }
        Ok(sort(parse(&read(response).await?)?, self.time.cloud(), Instant::now()))
    }

    /// Tell results; one answer each, in order.
    pub async fn results(&self, results: Vec<String>) -> Result<Vec<Result<(), Failure>>, Failure> {
        /// Of [`crate::wire::message::Told`] what concerns results.
        #[derive(Deserialize)]
        struct Told {
            refused: Vec<Option<String>>,
        }
        let count = results.len();
        let told: Told = parse(&read(self.call("/agent/v1/results", None, &SignedResults { results }, ANSWER).await?).await?)?;
        if told.refused.len() != count {
            return Err(Failure::Passing { why: format!("it answered {} of {count} results", told.refused.len()), retry_after: None });
        }
        let answer =
            |refused: Option<String>| refused.map_or(Ok(()), |code| Err(Failure::Refused { status: 409, code, detail: String::new() }));
        Ok(told.refused.into_iter().map(answer).collect())
    }

    pub async fn publish(&self, key: Signed) -> Result<(), Failure> {
        self.call("/agent/v1/keys", None, &NewKey { key }, ANSWER).await.map(drop)
    }

    pub async fn mirror(&self, batch: &MirrorBatch) -> Result<(), Failure> {
        self.call("/agent/v1/directory", None, batch, ANSWER).await.map(drop)
    }

    /// With the access token; once more with a new one when it is not taken.
    async fn call(&self, path: &str, query: Option<&str>, body: &impl Serialize, limit: Duration) -> Result<Response, Failure> {
        let body = json(body);
        let access = self.token().await?;
        match self.send(path, query, JSON, body.clone(), (&access.identity, Some(&access.token)), limit).await {
            Err(Failure::Refused { status: 401, .. }) => {
                self.forget(&access.token).await;
                let access = self.token().await?;
                self.send(path, query, JSON, body, (&access.identity, Some(&access.token)), limit).await
            }
            other => other,
        }
    }

    /// One request, proven. Anything but 2xx is a [`Failure`].
    async fn send(
        &self,
        path: &str,
        query: Option<&str>,
        kind: &str,
        body: Vec<u8>,
        (identity, access): (&Identity, Option<&str>),
        limit: Duration,
    ) -> Result<Response, Failure> {
        let url = format!("{}{path}", self.base);
        let full = query.map_or_else(|| url.clone(), |query| format!("{url}?{query}"));
        let mut asked = self.time.own();
        let request = || {
            let proof = jws::prove(identity, "POST", &url, &body, access, id::random().to_string(), self.time.cloud());
            let request = self.http.post(&full).timeout(limit).header(header::CONTENT_TYPE, kind).header("DPoP", proof).body(body.clone());
            match access {
                Some(access) => request.header(header::AUTHORIZATION, format!("DPoP {access}")),
                None => request,
            }
        };
        let response = match request().send().await {
            // A connection that rested may be closed at the very moment that we use it. Every request is safe to repeat.
            Err(error) if !error.is_timeout() && !error.is_connect() => {
                asked = self.time.own();
                request().send().await
            }
            sent => sent,
        };
        let response = response.map_err(passing)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        let date = response.headers().get(header::DATE).and_then(|value| value.to_str().ok()).and_then(seconds_of);
        let problem: Problem = read(response).await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        if problem.code == "clock_skew"
            && let Some(now) = problem.now.or(date)
        {
            self.time.correct(asked, now);
        }
        let detail = if problem.detail.is_empty() { problem.title } else { problem.detail };
        Err(match (status.as_u16(), problem.code.as_str()) {
            (_, "agent_pending") => Failure::Pending,
            (_, "agent_revoked") => Failure::Revoked,
            (408 | 425 | 429 | 500..=599, _) => Failure::Passing { why: format!("{status} {} {detail}", problem.code), retry_after },
            (status, code) => Failure::Refused { status, code: code.to_owned(), detail },
        })
    }
}

/// Jobs from what can be read; `now` (the cloud's clock, as we know it) and `received` are the same moment.
fn sort(leased: Leased, now: i64, received: Instant) -> Jobs {
    // The lease began when the cloud answered, not when we asked: a poll may hang longer than a lease lives. And not when we
    // read it: the answer may have lain about while this machine slept. The cloud says when, on its clock.
    let age = Duration::from_secs(u64::try_from(now - leased.now).unwrap_or(0));
    let mut jobs = Jobs::default();
    for value in leased.jobs {
        match serde_json::from_value::<LeasedJob>(value.clone()) {
            Ok(job) => {
                let left = Duration::from_secs(job.seconds.into()).saturating_sub(age);
                jobs.jobs.push((job, received + left));
            }
            Err(error) => {
                if let Ok(unknown) = serde_json::from_value(value) {
                    jobs.unknown.push(unknown);
                } else {
                    tracing::error!(error = %error, "the cloud offered something that is no job");
                }
            }
        }
    }
    jobs
}

/// A `Date` header (RFC 9110 5.6.7) in seconds since 1970.
fn seconds_of(date: &str) -> Option<i64> {
    // Its form is one that RFC 2822 allows.
    OffsetDateTime::parse(date, &Rfc2822).ok().map(OffsetDateTime::unix_timestamp)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("messages have a JSON form")
}

/// A body that cannot be read is like no answer: the request may be made again.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Passing { why: format!("its answer cannot be read: {error}"), retry_after: None })
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(passing)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Failure::Passing { why: format!("its answer is longer than {ANSWER_MAX} bytes"), retry_after: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The library's message stops at "error sending request"; the reason is below it.
fn passing(error: reqwest::Error) -> Failure {
    Failure::Passing { why: format!("{:#}", anyhow::Error::from(error.without_url())), retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_kind_of_job_does_not_hide_the_others() {
        let job = |kind: &str| {
            let id = Uuid::from_u128(1);
            let mut ticket = serde_json::json!({"job": id, "seq": 7, "tenant": id, "connector": id, "user": id, "kind": kind, "issued_at": 1, "expires_at": 2});
            if kind != "reset" {
                ticket["target"] = "something new".into();
            }
            serde_json::json!({"lease": id, "seconds": 15, "attempt": 1, "ticket": ticket, "envelope": {"key": "k", "enc": "e", "ct": "c"}})
        };
        let leased = Leased { jobs: vec![job("unlock"), serde_json::json!({"what": 1}), job("reset")], now: 1000 };
        let received = Instant::now();
        let jobs = sort(leased, 1005, received);
        assert_eq!((jobs.jobs.len(), jobs.unknown.len()), (1, 1));
        assert_eq!(jobs.jobs[0].1, received + Duration::from_secs(10), "5 of its 15 seconds are over");
        assert_eq!(jobs.unknown[0].ticket.seq, 7);
    }

    #[test]
    fn the_date_header_is_read() {
        assert_eq!(seconds_of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds_of("yesterday"), None);
    }

    #[test]
    fn only_https_or_loopback() {
        assert_eq!(base_url("https://reset.example/").unwrap(), "https://reset.example");
        assert_eq!(base_url("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(base_url("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for bad in ["http://reset.example", "http://127.0.0.1.evil.example", "ftp://x", "", "https://u:p@x", "https://x/?a=b"] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
