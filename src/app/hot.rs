//! The hot paths: submit, lease, result and the proofs of agents' requests, each written many at a time.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use sqlx::{PgPool, Postgres, pool::PoolConnection};
use uuid::Uuid;

use super::{
    Wake,
    batch::{Batch, Flush},
    polls::{Poll, Polls},
    strand,
};
use crate::{
    base::clock::Clock,
    domain::{
        audit::Source,
        fleet::{self, Agent, Proof, Used},
        queue::{self, Settled},
        resets::{self, Accepted, SubmitRefused},
        tenants::Tenant,
    },
    wire::{
        message::{JobResult, LeasedJob},
        seal::Envelope,
    },
};

/// Flushes of a kind at once. One: what comes while it is under way makes the next one larger, and costs less per job than two
/// small ones.
const WRITERS: usize = 1;

pub struct Hot {
    pub submits: Batch<Submits>,
    pub leases: Batch<Leases>,
    pub results: Batch<Results>,
    pub proofs: Batch<Proofs>,
}

impl Hot {
    /// `db` is a pool of its own, so that nobody else's queries keep it waiting.
    pub fn start(db: &PgPool, clock: &Clock, wake: &Wake, polls: &Arc<Polls>) -> Self {
        let ground = || Ground { db: db.clone(), kept: Mutex::default(), clock: clock.clone(), wake: wake.clone() };
        Self {
            submits: Batch::start(WRITERS, Submits { ground: ground(), polls: polls.clone() }),
            leases: Batch::start(WRITERS, Leases { ground: ground(), polls: polls.clone() }),
            results: Batch::start(WRITERS, Results(ground(), polls.clone())),
            proofs: Batch::start(WRITERS, Proofs(ground())),
        }
    }
}

struct Ground {
    db: PgPool,
    /// Of the last flush: a pool asks each that it gives and each that it gets back whether it lives, which is a round trip each time.
    kept: Mutex<Option<PoolConnection<Postgres>>>,
    clock: Clock,
    wake: Wake,
}

impl Ground {
    async fn conn(&self) -> Result<PoolConnection<Postgres>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept {
            Some(conn) => Ok(conn),
            None => Ok(self.db.acquire().await?),
        }
    }

    /// For the next flush: all went well on it. After an error the pool has to look at it.
    fn keep(&self, conn: PoolConnection<Postgres>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(conn);
    }
}

/// A sealed job, as a browser posted it.
pub struct Sealed {
    pub tenant: Arc<Tenant>,
    pub source: Source,
    /// The hash of the cookie that says whose flow it is.
    pub browser: Vec<u8>,
    pub job_id: Uuid,
    pub envelopes: Vec<Envelope>,
    /// For the accounts that follow: job and envelopes.
    pub following: Vec<(Uuid, Vec<Envelope>)>,
}

/// Submits. Answered once the job is durable; then its agent gets it.
pub struct Submits {
    ground: Ground,
    polls: Arc<Polls>,
}

impl Flush for Submits {
    type Input = Sealed;
    type Output = Result<(), SubmitRefused>;

    fn key(input: &Sealed) -> Option<Uuid> {
        Some(input.job_id)
    }

    async fn flush(&self, inputs: &[Sealed]) -> Result<Vec<Self::Output>> {
        let Ground { clock, wake, .. } = &self.ground;
        let following: Vec<Vec<_>> = inputs
            .iter()
            .map(|input| input.following.iter().map(|(job_id, envelopes)| resets::Following { job_id: *job_id, envelopes }).collect())
            .collect();
        let sealed: Vec<_> = inputs
            .iter()
            .zip(&following)
            .map(|(Sealed { tenant, source, browser, job_id, envelopes, .. }, following)| resets::Sealed {
                tenant,
                source,
                browser,
                job_id: *job_id,
                envelopes,
                following,
            })
            .collect();
        let mut hands = Hands { polls: &self.polls, taken: Vec::new(), of: vec![None; inputs.len()] };
        let mut conn = self.ground.conn().await?;
        let mut waits = |n, connector, agents: &mut dyn Iterator<Item = Uuid>| hands.take(n, connector, agents);
        let admitted = resets::admit(&mut conn, clock, &sealed, &mut waits).await?;
        let mut answers: Vec<Option<Result<Accepted, SubmitRefused>>> = Vec::new();
        let mut passed = Vec::new();
        for (n, admitted) in admitted.iter().enumerate() {
            answers.push(admitted.as_ref().err().map(|refused| Err(*refused)));
            passed.extend(admitted.as_ref().ok().map(|admitted| (n, admitted)));
        }
        // By person, so that two nodes that meet do not wait for one another in a circle.
        passed.sort_by_key(|(_, admitted)| admitted.order());
        let (mut close, passed): (Vec<_>, Vec<_>) = passed.into_iter().partition(|(_, admitted)| admitted.leads());
        let submitted = resets::submit(&mut conn, clock, &passed.iter().map(|(_, admitted)| *admitted).collect::<Vec<_>>()).await?;
        for ((n, admitted), accepted) in passed.into_iter().zip(submitted) {
            match accepted {
                Some(accepted) => answers[n] = Some(Ok(accepted)),
                None => close.push((n, admitted)),
            }
        }
        let closely = async {
            if close.is_empty() {
                return Ok(());
            }
            let mut tx = sqlx::Connection::begin(&mut *conn).await?;
            let submitted =
                resets::submit_closely(&mut tx, clock, &close.iter().map(|(_, admitted)| *admitted).collect::<Vec<_>>()).await?;
            tx.commit().await?;
            for ((n, _), submitted) in close.into_iter().zip(submitted) {
                answers[n] = Some(submitted);
            }
            Ok::<_, anyhow::Error>(())
        };
        // Looked at after the others are delivered: they are durable whatever came of these.
        let closely = closely.await;
        let mut left = Vec::new();
        for (n, answer) in answers.iter_mut().enumerate() {
            let Some(Ok(Accepted { connector, superseded, leased })) = answer else { continue };
            if let Some(job) = leased.take() {
                hands.give(n, *job);
            } else {
                left.push((&inputs[n].tenant.scope, *connector));
                self.polls.is_ready(*connector);
                wake.tell(*connector);
            }
            for job in superseded.drain(..).chain([inputs[n].job_id]) {
                wake.tell(job);
            }
        }
        for (agent, job) in hands.deliver() {
            self.put_back(inputs, agent, &job).await;
        }
        closely?;
        match strand(&mut conn, clock, wake, &left).await {
            Ok(()) => self.ground.keep(conn),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "jobs wait for whoever says next that the directory is away"),
        }
        Ok(answers.into_iter().flatten().map(|answer| answer.map(drop)).collect())
    }
}

impl Submits {
    /// The agent hung up in the same moment: another one may have the job at once, rather than when the lease ends.
    async fn put_back(&self, inputs: &[Sealed], agent: Uuid, job: &LeasedJob) {
        let Ground { db, clock, wake, .. } = &self.ground;
        let Some(input) = inputs.iter().find(|input| input.job_id == job.ticket.job) else { return };
        let done = async {
            let mut tx = db.begin().await?;
            resets::put_back(&mut tx, &input.tenant.scope, clock, agent, job).await?;
            Ok::<_, anyhow::Error>(tx.commit().await?)
        };
        if let Err(error) = done.await {
            tracing::warn!(job.id = %job.ticket.job, error = format!("{error:#}"), "an undelivered job waits for the end of its lease");
        }
        self.polls.is_ready(job.ticket.connector);
        wake.tell(job.ticket.connector);
    }
}

/// Waiting agents that this flush has taken by the hand.
struct Hands<'a> {
    polls: &'a Polls,
    taken: Vec<(Uuid, Poll, Vec<LeasedJob>, u16)>,
    /// Which of them the n-th input is for.
    of: Vec<Option<usize>>,
}

impl Hands<'_> {
    /// Another agent for each job as long as there are any; then several jobs to one that wants several.
    fn take(&mut self, n: usize, connector: Uuid, agents: &mut dyn Iterator<Item = Uuid>) -> Option<Uuid> {
        let agents: Vec<Uuid> = agents.collect();
        let at = match self.polls.reserve(connector, &agents) {
            Some(poll) => {
                self.taken.push((connector, poll, Vec::new(), 0));
                self.taken.len() - 1
            }
            None => {
                self.taken.iter().position(|(of, poll, _, count)| *of == connector && agents.contains(&poll.agent) && *count < poll.most)?
            }
        };
        self.taken[at].3 += 1;
        self.of[n] = Some(at);
        Some(self.taken[at].1.agent)
    }

    fn give(&mut self, n: usize, job: LeasedJob) {
        if let Some(at) = self.of[n] {
            self.taken[at].2.push(job);
        }
    }

    /// Answers what could not be delivered.
    fn deliver(self) -> Vec<(Uuid, LeasedJob)> {
        let mut left = Vec::new();
        for (_, poll, jobs, _) in self.taken {
            let agent = poll.agent;
            // Reserved for a job that was refused: dropped, so that the agent looks for itself.
            if !jobs.is_empty()
                && let Err(jobs) = poll.hand(jobs)
            {
                left.extend(jobs.into_iter().map(|job| (agent, job)));
            }
        }
        left
    }
}

/// An agent that asks for jobs.
pub struct Asked {
    pub tenant: Arc<Tenant>,
    pub source: Source,
    pub agent: Arc<Agent>,
    pub most: u16,
}

pub struct Leases {
    ground: Ground,
    polls: Arc<Polls>,
}

impl Flush for Leases {
    type Input = Asked;
    type Output = Vec<LeasedJob>;

    fn key(_: &Asked) -> Option<Uuid> {
        None
    }

    async fn flush(&self, inputs: &[Asked]) -> Result<Vec<Self::Output>> {
        let Ground { clock, wake, .. } = &self.ground;
        let mut conn = self.ground.conn().await?;
        let connectors: Vec<Uuid> = inputs.iter().map(|input| input.agent.connector_id).collect();
        // Before the look: what comes meanwhile is marked anew.
        for connector in &connectors {
            self.polls.was_emptied(*connector);
        }
        let waiting = queue::waiting(&mut conn, clock, &connectors).await?;
        if waiting.is_empty() {
            self.ground.keep(conn);
            return Ok(inputs.iter().map(|_| Vec::new()).collect());
        }
        let asks: Vec<_> = inputs
            .iter()
            .map(|input| resets::Ask { scope: &input.tenant.scope, source: &input.source, agent: &input.agent, most: input.most })
            .collect();
        let mut tx = sqlx::Connection::begin(&mut *conn).await?;
        let given = resets::lease(&mut tx, clock, &asks).await?;
        tx.commit().await?;
        self.ground.keep(conn);
        for (input, jobs) in inputs.iter().zip(&given) {
            if jobs.len() == usize::from(input.most) {
                self.polls.is_ready(input.agent.connector_id);
            }
            for job in jobs {
                wake.tell(job.ticket.job);
            }
        }
        Ok(given)
    }
}

/// An agent's signed word about a job.
pub struct Reported {
    pub tenant: Arc<Tenant>,
    pub source: Source,
    pub agent: Arc<Agent>,
    pub result: JobResult,
    pub signed: String,
}

/// Results. Whoever watches the job is told after the commit.
pub struct Results(Ground, Arc<Polls>);

impl Flush for Results {
    type Input = Reported;
    type Output = Settled;

    fn key(input: &Reported) -> Option<Uuid> {
        Some(input.result.job)
    }

    async fn flush(&self, inputs: &[Reported]) -> Result<Vec<Settled>> {
        let Ground { clock, wake, .. } = &self.0;
        // In one order, so that two nodes that meet do not wait for one another in a circle.
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|n| inputs[*n].result.job);
        let reports: Vec<_> = inputs
            .iter()
            .map(|Reported { tenant, source, agent, result, signed }| resets::Report { tenant, source, agent, result, signed })
            .collect();
        let pick = |of: &[usize]| of.iter().map(|n| &reports[*n]).collect::<Vec<_>>();
        let mut conn = self.0.conn().await?;
        let mut answers: Vec<Option<Settled>> = inputs.iter().map(|_| None).collect();
        for (n, settled) in order.iter().zip(resets::settle(&mut conn, clock, &pick(&order)).await?) {
            answers[*n] = settled;
        }
        order.retain(|n| answers[*n].is_none());
        let closely = async {
            if order.is_empty() {
                return Ok(());
            }
            let mut tx = sqlx::Connection::begin(&mut *conn).await?;
            let (settled, released) = resets::settle_closely(&mut tx, clock, &pick(&order)).await?;
            tx.commit().await?;
            for job in released {
                self.1.is_ready(job.connector_id);
                wake.tell(job.connector_id);
                wake.tell(job.job_id);
            }
            for (n, settled) in order.iter().zip(settled) {
                answers[*n] = Some(settled);
            }
            Ok::<_, anyhow::Error>(())
        };
        // Looked at after the others are told: they are durable whatever came of these.
        let closely = closely.await;
        for (input, settled) in inputs.iter().zip(&answers) {
            match settled {
                Some(Settled::Recorded { end, .. }) => wake.tell_end(input.result.job, *end),
                Some(Settled::HandedOver { .. }) => {
                    wake.tell(input.agent.connector_id);
                    wake.tell(input.result.job);
                }
                Some(Settled::Again | Settled::Contradicts(_) | Settled::UnknownJob) | None => {}
            }
        }
        closely?;
        self.0.keep(conn);
        Ok(answers.into_iter().flatten().collect())
    }
}

/// Proofs of agents' requests: whether each is used for the first time, and the agent as it is at this moment.
pub struct Proofs(Ground);

impl Flush for Proofs {
    type Input = Proof;
    type Output = (Used, Option<Agent>);

    fn key(_: &Proof) -> Option<Uuid> {
        None
    }

    async fn flush(&self, inputs: &[Proof]) -> Result<Vec<Self::Output>> {
        let mut conn = self.0.conn().await?;
        let used = fleet::use_up(&mut conn, &self.0.clock, inputs).await?;
        self.0.keep(conn);
        Ok(used)
    }
}
