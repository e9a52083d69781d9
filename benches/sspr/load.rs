//! Sealed jobs made ready, and agents that work them off: the two ends between which a cycle runs.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use sspr::{
    base::id,
    wire::{
        b64,
        message::{Leased, LeasedJob, Told},
        seal::{CT_LEN, ENC_LEN, Envelope},
        ticket::Ticket,
    },
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use uuid::Uuid;

use super::{
    agent::Agent,
    http::{self, Conn},
    world::{Flow, Server, Site},
};

/// One job as a browser would post it now.
pub struct Ready {
    pub job: Uuid,
    pub submit: Vec<u8>,
    /// Opens the live status.
    pub events: Vec<u8>,
}

#[derive(Deserialize)]
struct Permit {
    ticket: Ticket,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    statement: sspr::wire::keys::Statement,
}

/// Get a ticket for each flow, through the door, and make what the browser will post. The ciphertexts have the right shape and are
/// random: the cloud could not tell, and making real ones would be the browser's time.
pub async fn prepare(server: &Server, flows: Vec<Flow>) -> Result<Vec<Ready>> {
    const AT_ONCE: usize = 8;
    let (mut tasks, mut all, mut flows) = (JoinSet::new(), Vec::with_capacity(flows.len()), flows.into_iter().peekable());
    let share = flows.len().div_ceil(AT_ONCE);
    while flows.peek().is_some() {
        let (mut conn, some) = (server.conn().await?, flows.by_ref().take(share).collect::<Vec<_>>());
        tasks.spawn(async move {
            let mut ready = Vec::with_capacity(some.len());
            for flow in some {
                ready.push(one(&mut conn, &flow.host, &flow.cookie).await?);
            }
            anyhow::Ok(ready)
        });
    }
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}

async fn one(conn: &mut Conn, host: &str, cookie: &str) -> Result<Ready> {
    let (cookie, origin) = (format!("cookie: sspr_flow={cookie}"), format!("origin: http://{host}"));
    let headers =
        [cookie.as_str(), origin.as_str(), "sec-fetch-site: same-origin", "accept: application/json", "content-type: application/json"];
    let answer = conn.send(&http::request("POST", "/reset/ticket", host, &headers, b"{}")).await?;
    ensure!(answer.status == 200, "a ticket was refused: {} {}", answer.status, String::from_utf8_lossy(answer.body));
    seal(answer.body, host, &headers, &cookie)
}

/// What a browser with this cookie posts for the answer to its request for a ticket.
pub fn seal(permit: &[u8], host: &str, headers: &[&str], cookie: &str) -> Result<Ready> {
    let permit: Permit = serde_json::from_slice(permit).context("a ticket")?;
    let envelopes = permit.recipients.iter().map(|recipient| {
        Ok(Envelope {
            key: recipient.statement.key_id().context("a key without id")?,
            enc: b64(&id::random_bytes::<ENC_LEN>()),
            ct: b64(&id::random_bytes::<CT_LEN>()),
        })
    });
    let envelopes = envelopes.collect::<Result<Vec<_>>>()?;
    ensure!(!envelopes.is_empty(), "a ticket without recipients");
    let body = serde_json::to_vec(&serde_json::json!({ "job": permit.ticket.job, "envelopes": envelopes }))?;
    let watching = [cookie, "sec-fetch-site: same-origin", "accept: text/event-stream"];
    Ok(Ready {
        job: permit.ticket.job,
        submit: http::request("POST", "/reset/jobs", host, headers, &body),
        events: http::request("GET", "/reset/status/events", host, &watching, b""),
    })
}

/// What happened to each job, and when; in nanoseconds since the beginning.
pub struct Course {
    begun: Instant,
    index: HashMap<Uuid, usize>,
    /// Leased, told; 0: not yet.
    times: Vec<[AtomicU64; 2]>,
    ended: Vec<Notify>,
    pub refused: AtomicUsize,
    pub polls: AtomicUsize,
    pub piggybacked: AtomicUsize,
    failure: Mutex<Option<String>>,
}

impl Course {
    pub fn new(ready: &[Ready]) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            index: ready.iter().enumerate().map(|(at, ready)| (ready.job, at)).collect(),
            times: ready.iter().map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect(),
            ended: ready.iter().map(|_| Notify::new()).collect(),
            refused: AtomicUsize::new(0),
            polls: AtomicUsize::new(0),
            piggybacked: AtomicUsize::new(0),
            failure: Mutex::new(None),
        })
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When its agent had it, in nanoseconds since the beginning; 0: never.
    pub fn leased_at(&self, at: usize) -> u64 {
        self.times[at][0].load(Ordering::Relaxed)
    }

    /// Until the cloud has taken the agent's result of the job at `at`.
    pub async fn ended(&self, at: usize) {
        self.ended[at].notified().await;
    }

    fn leased(&self, job: Uuid) {
        if let Some(at) = self.index.get(&job) {
            self.times[*at][0].store(self.now(), Ordering::Relaxed);
        }
    }

    fn taken(&self, job: Uuid) {
        if let Some(at) = self.index.get(&job) {
            self.times[*at][1].store(self.now(), Ordering::Relaxed);
            self.ended[*at].notify_one();
        }
    }

    fn failed(&self, error: &anyhow::Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(format!("{error:#}"));
    }

    /// What went wrong with an agent, if anything.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How agents ask.
#[derive(Clone, Copy)]
pub struct Manners {
    /// Long polls at once, of each agent.
    pub pollers: usize,
    /// Jobs per poll, at most.
    pub most: u16,
    /// Jobs asked for with a result, at most; 0: does not ask.
    pub with_result: u16,
    /// Whether each says every ten seconds how it is; else [`super::world::World::hear_of_all`].
    pub beats: bool,
}

/// Agents at work until dropped.
pub struct Crew {
    tasks: JoinSet<()>,
}

impl Crew {
    /// All agents of these sites, at the given nodes in turn. Every one has asked for jobs when this returns.
    pub async fn start(servers: &[&Server], sites: &[&Site], course: &Arc<Course>, manners: Manners) -> Result<Self> {
        const AT_ONCE: usize = 16;
        let (mut tasks, mut asking, mut open) = (JoinSet::new(), JoinSet::new(), 0);
        let asked = course.polls.load(Ordering::Relaxed);
        for (number, agent) in sites.iter().flat_map(|site| &site.agents).enumerate() {
            open += manners.pollers;
            let (agent, address, course) = (agent.clone(), servers[number % servers.len()].address, course.clone());
            asking.spawn(async move {
                let mut conn = Conn::open(address).await?;
                let token = agent.token(&mut conn).await?;
                if manners.beats {
                    agent.beat(&mut conn).await?;
                }
                let desk = Desk {
                    agent,
                    token,
                    address,
                    course,
                    with_result: manners.with_result,
                    idle: Mutex::default(),
                    ended: Mutex::default(),
                    turns: Semaphore::new(TELLINGS),
                };
                anyhow::Ok((conn, desk))
            });
            if asking.len() >= AT_ONCE
                && let Some(asked) = asking.join_next().await
            {
                work(&mut tasks, asked??, manners).await?;
            }
        }
        while let Some(asked) = asking.join_next().await {
            work(&mut tasks, asked??, manners).await?;
        }
        while course.polls.load(Ordering::Relaxed) < asked + open {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // On their way; a moment later they wait.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(Self { tasks })
    }

    /// Stop asking. What is under way at this moment is cut off.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn work(tasks: &mut JoinSet<()>, (conn, desk): (Conn, Desk), manners: Manners) -> Result<()> {
    let desk = Arc::new(desk);
    for _ in 1..manners.pollers {
        tasks.spawn(desk.clone().poll_on(Conn::open(desk.address).await?, manners.most));
    }
    if !manners.beats {
        tasks.spawn(desk.poll_on(conn, manners.most));
        return Ok(());
    }
    tasks.spawn(desk.clone().poll_on(conn, manners.most));
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let beat = async { desk.agent.beat(&mut Conn::open(desk.address).await?).await };
            if let Err(error) = beat.await {
                return desk.course.failed(&error);
            }
        }
    });
    Ok(())
}

/// One agent's: its connections and how it works.
struct Desk {
    agent: Arc<Agent>,
    token: String,
    address: std::net::SocketAddr,
    course: Arc<Course>,
    with_result: u16,
    idle: Mutex<Vec<Conn>>,
    /// Results that wait to be told, and who may tell some.
    ended: Mutex<Vec<(Uuid, String)>>,
    turns: Semaphore,
}

/// As the agent does it.
const TELLINGS: usize = 2;
const TOLD_AT_ONCE: usize = 32;

impl Desk {
    async fn poll_on(self: Arc<Self>, conn: Conn, most: u16) {
        if let Err(error) = self.clone().poll(conn, most).await {
            self.course.failed(&error);
        }
    }

    async fn poll(self: Arc<Self>, mut conn: Conn, most: u16) -> Result<()> {
        loop {
            self.course.polls.fetch_add(1, Ordering::Relaxed);
            let answer = conn.send(&self.agent.poll(30, most, &self.token)).await?;
            match answer.status {
                204 => {}
                200 => {
                    let leased: Leased = serde_json::from_slice(answer.body)?;
                    self.clone().take(leased.jobs);
                }
                status => anyhow::bail!("a poll was answered {status}: {}", String::from_utf8_lossy(answer.body)),
            }
        }
    }

    fn take(self: Arc<Self>, jobs: Vec<LeasedJob>) {
        for job in jobs {
            self.course.leased(job.ticket.job);
            let desk = self.clone();
            tokio::spawn(async move {
                if let Err(error) = desk.clone().work(job).await {
                    desk.course.failed(&error);
                }
            });
        }
    }

    /// The directory answers at once. What ends while results are being told goes into the next telling, as with a real agent.
    async fn work(self: Arc<Self>, job: LeasedJob) -> Result<()> {
        let signed = self.agent.applied(&job);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push((job.ticket.job, signed));
        let desk = self.clone();
        let _turn = desk.turns.acquire().await?;
        let (jobs, results): (Vec<_>, Vec<_>) = {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let some = ended.len().min(TOLD_AT_ONCE);
            ended.drain(..some).unzip()
        };
        if jobs.is_empty() {
            return Ok(());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().filter(Conn::is_fresh);
        let mut conn = match idle {
            Some(conn) => conn,
            None => Conn::open(self.address).await?,
        };
        let answer = conn.send(&self.agent.results(results, self.with_result, &self.token)?).await?;
        ensure!(answer.status == 200, "results were answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        let told: Told = serde_json::from_slice(answer.body)?;
        for (job, refused) in jobs.into_iter().zip(told.refused) {
            if let Some(code) = refused {
                self.course.refused.fetch_add(1, Ordering::Relaxed);
                anyhow::bail!("a result was refused: {code}");
            }
            self.course.taken(job);
        }
        self.course.piggybacked.fetch_add(told.jobs.len(), Ordering::Relaxed);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        self.take(told.jobs);
        Ok(())
    }
}
