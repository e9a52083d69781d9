//! `sspr agent conform URL`: whether a server keeps the cloud's side of `docs/agent-protocol.md`.
//!
//! It behaves as an agent that does everything right, and then as one that does each thing wrong, and says for every rule what
//! came back. It sees only what any agent sees, so the server may be of anybody's making. Not for a connector that serves people: it
//! publishes sealing keys (for two minutes), and with `--job` it takes jobs and refuses them.

pub mod call;
mod calls;
mod door;
mod jobs;
mod proofs;
pub mod vectors;

use std::{
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use uuid::Uuid;

use self::call::{Answer, Draft, JSON, Line};
use crate::{
    agent::{cloud::base_url, state::State},
    base::{clock::Clock, id},
    wire::{
        b64,
        jws::{self, Assertion},
        keys::{Identity, Signed, Statement, fingerprint},
        message::{Enrolled, Token},
        seal::{KeyPair, SUITE},
    },
};

/// Between two looks whether the agent was confirmed, and how long somebody has for it.
const CONFIRMATION: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(15));
/// Seconds that a sealing key of ours lives at most, beyond the wait for a job.
const KEY_LIFE: i64 = 120;

#[derive(clap::Args)]
pub struct Args {
    /// The server's public address, as agents are told it.
    url: String,
    #[command(flatten)]
    who: Who,
    /// Wait so many seconds for a job and go through its rules too; have somebody reset a password meanwhile. It is refused.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=3600))]
    job: u64,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// File with a one-time enrolment token: a new agent, which somebody confirms while this waits.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// An agent that is enrolled and confirmed, and does not run now. The rules of enrolment and of another identity are left out.
    #[arg(long, value_name = "DIR")]
    agent_state: Option<PathBuf>,
}

/// As whom the server is asked.
pub enum As {
    New(String),
    Enrolled { identity: std::sync::Arc<Identity>, me: Me },
}

/// What enrolment told.
#[derive(Debug, Clone, Copy)]
pub struct Me {
    pub agent: Uuid,
    pub tenant: Uuid,
    pub connector: Uuid,
}

/// One rule of the document, and why it does not hold, if it does not.
#[derive(Debug, Clone)]
pub struct Rule {
    pub section: &'static str,
    pub what: String,
    pub broken: Option<String>,
}

pub async fn run(args: Args) -> Result<()> {
    let url = base_url(&args.url)?;
    // Held, so that no agent runs with it meanwhile.
    let mut held = None;
    let who = match (args.who.token_file, args.who.agent_state) {
        (Some(file), _) => {
            As::New(std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?.trim().to_owned())
        }
        (None, Some(dir)) => {
            let state = held.insert(State::load(&dir)?);
            let me = Me { agent: state.me.agent, tenant: state.me.tenant, connector: state.me.connector };
            As::Enrolled { identity: state.identity.current(), me }
        }
        (None, None) => bail!("as whom? --token-file or --agent-state"),
    };
    let rules = conform(&url, who, Duration::from_secs(args.job), Clock::system(), Told::Aloud).await?;
    let holds = rules.iter().filter(|rule| rule.broken.is_none()).count();
    println!("\nconform: {holds} of {} rules hold", rules.len());
    if holds == rules.len() { Ok(()) } else { bail!("{url} breaks {} rules", rules.len() - holds) }
}

/// Whom what is found is told while it goes on.
pub enum Told {
    /// Whoever reads standard output: each rule as soon as it is known.
    Aloud,
    /// Only that this agent waits to be confirmed now.
    Waiting(tokio::sync::oneshot::Sender<Me>),
    Nobody,
}

/// Every rule, in the order in which they were tried.
pub async fn conform(url: &str, who: As, job: Duration, clock: Clock, told: Told) -> Result<Vec<Rule>> {
    let identity = match &who {
        As::New(_) => std::sync::Arc::new(Identity::generate()),
        As::Enrolled { identity, .. } => identity.clone(),
    };
    let nobody = Me { agent: Uuid::nil(), tenant: Uuid::nil(), connector: Uuid::nil() };
    let line = Line::new(url, clock)?;
    let (aloud, mut waits) = match told {
        Told::Aloud => (true, None),
        Told::Waiting(waits) => (false, Some(waits)),
        Told::Nobody => (false, None),
    };
    let mut run = Run { line, identity, me: nobody, token: None, pair: KeyPair::generate(), rules: Vec::new(), aloud };
    for looked in vectors::check() {
        let broken = (!looked.broken.is_empty()).then(|| format!("this program itself is wrong about: {}", looked.broken.join("; ")));
        run.note(looked.section, format!("known answers: {} ({})", looked.what, looked.count), broken.map_or(Ok(()), Err));
    }
    // Learns the server's clock too.
    calls::unknown_ways(&mut run).await;
    let ours = matches!(who, As::New(_));
    match who {
        As::New(token) => {
            door::enrolment(&mut run, &token).await?;
            // Nobody may listen any more; the wait has an end of its own.
            let _ = waits.take().map(|waits| waits.send(run.me));
            run.confirmed().await?;
        }
        As::Enrolled { me, .. } => run.me = me,
    }
    door::tokens(&mut run).await;
    if run.access().await.is_none() {
        bail!("{url} gives no access token, without which nothing else can be tried");
    }
    proofs::proofs(&mut run).await;
    proofs::tokens(&mut run).await;
    calls::bodies(&mut run).await;
    calls::heartbeat(&mut run).await;
    calls::keys(&mut run).await;
    calls::lease(&mut run).await;
    calls::results(&mut run).await;
    calls::directory(&mut run).await;
    if !job.is_zero() {
        jobs::job(&mut run, job).await;
    }
    // Last, since nothing of before counts after it.
    if ours {
        calls::identity(&mut run).await;
    }
    Ok(run.rules)
}

/// One run against one server.
struct Run {
    line: Line,
    identity: std::sync::Arc<Identity>,
    me: Me,
    /// An access token, and until when it is used.
    token: Option<(String, Instant)>,
    /// What our published statements are about.
    pair: KeyPair,
    rules: Vec<Rule>,
    aloud: bool,
}

impl Run {
    fn note(&mut self, section: &'static str, what: impl Into<String>, held: Result<(), String>) {
        let rule = Rule { section, what: what.into(), broken: held.err() };
        if self.aloud {
            let why = rule.broken.as_ref().map_or_else(String::new, |why| format!("\n             {why}"));
            println!("{}  {:<5} {}{why}", if rule.broken.is_none() { "holds " } else { "BROKEN" }, rule.section, rule.what);
            let _ = std::io::stdout().flush();
        }
        self.rules.push(rule);
    }

    /// A good request with the access token.
    async fn draft(&mut self, path: &str, body: Vec<u8>) -> Draft {
        let access = self.access().await.unwrap_or_default();
        self.line.draft(&self.identity, path, JSON, body, Some(&access))
    }

    async fn send(&self, draft: &Draft) -> Result<Answer, String> {
        self.line.send(&self.identity, draft).await
    }

    /// It must be refused so.
    async fn refused(&mut self, section: &'static str, what: impl Into<String>, draft: &Draft, status: u16, codes: &[&str]) {
        let held = self.send(draft).await.and_then(|answer| answer.is_problem(status, codes, self.line.now()));
        self.note(section, what, held);
    }

    /// It must be taken so.
    async fn taken(&mut self, section: &'static str, what: impl Into<String>, draft: &Draft, status: u16) {
        let held = self.send(draft).await.and_then(|answer| answer.is(status));
        self.note(section, what, held);
    }

    /// A good client assertion.
    fn assertion(&self) -> Assertion {
        let (me, now) = (self.me.agent.to_string(), self.line.now());
        let aud = format!("{}/agent/v1/token", self.line.url);
        Assertion { iss: me.clone(), sub: me, aud, jti: id::random().to_string(), iat: now, exp: now + 60, nbf: None }
    }

    fn signed_assertion(&self, claims: &Assertion) -> String {
        jws::sign(&self.identity, jws::ASSERTION, Some(&self.me.agent.to_string()), false, claims)
    }

    fn token_request(&self, assertion: &str) -> Draft {
        self.line.draft(&self.identity, "/agent/v1/token", call::FORM, door::form(assertion).into_bytes(), None)
    }

    /// A token that is good for a while. `None`: the server gives none.
    async fn access(&mut self) -> Option<String> {
        if let Some((token, _)) = self.token.as_ref().filter(|(_, until)| *until > Instant::now()) {
            return Some(token.clone());
        }
        let draft = self.token_request(&self.signed_assertion(&self.assertion()));
        let answer = self.send(&draft).await.ok().filter(|answer| answer.status == 200)?;
        let token: Token = serde_json::from_slice(&answer.body).ok()?;
        let life = Duration::from_secs(token.expires_in.min(3600)).saturating_sub(Duration::from_secs(30));
        Some(self.token.insert((token.access_token, Instant::now() + life)).0.clone())
    }

    async fn confirmed(&mut self) -> Result<()> {
        let begun = Instant::now();
        if self.aloud {
            println!("\nThe agent waits to be confirmed. Compare its fingerprint, then in the cloud:\n");
            println!("    sspr agent confirm {} --fingerprint {}\n", self.me.agent, fingerprint(self.identity.public()));
        }
        while self.access().await.is_none() {
            if begun.elapsed() > CONFIRMATION.1 {
                bail!("nobody confirmed the agent {}", self.me.agent);
            }
            tokio::time::sleep(CONFIRMATION.0).await;
        }
        Ok(())
    }

    fn is(&mut self, enrolled: &Enrolled) {
        self.me = Me { agent: enrolled.agent, tenant: enrolled.tenant, connector: enrolled.connector };
    }

    /// A statement about our sealing key that holds now.
    fn statement(&self) -> Statement {
        let now = self.line.now();
        Statement {
            agent: self.me.agent,
            connector: self.me.connector,
            suite: SUITE.to_owned(),
            key: b64(&self.pair.public),
            epoch: now,
            not_before: now - 10,
            not_after: now + KEY_LIFE,
        }
    }

    async fn publish(&mut self, key: &Signed) -> Draft {
        self.draft("/agent/v1/keys", json!({ "key": key }).to_string().into_bytes()).await
    }

    fn heartbeat(&self, reachable: bool) -> Vec<u8> {
        let server = json!({ "name": "dc1.conform.example", "reachable": reachable, "latency_ms": null });
        let directory = json!({ "reachable": reachable, "dc": "", "policy_hints": null, "policy": null, "servers": [server] });
        json!({ "version": "conform", "clock": self.line.now(), "directory": directory, "jobs": 0 }).to_string().into_bytes()
    }
}
