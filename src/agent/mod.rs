//! FLOOR 1: the reference agent. Sees only `base` and `wire`, and could be a crate of its own in an hour.
//!
//! It asks the cloud for jobs over HTTPS outwards, decides about each ([`executor`]), changes the directory ([`directory`]) and
//! tells the signed result. Nothing that passes ends it: it waits and tries again. It ends when told to (after the jobs in hand),
//! when it was revoked, and when its settings or its own files make no sense.

pub mod audit;
mod backoff;
mod canary;
pub mod caps;
mod check;
mod checkup;
pub mod cloud;
pub mod directory;
pub mod dns;
pub mod enrol;
pub mod events;
pub mod executor;
pub mod features;
pub mod identity;
pub mod journal;
pub mod keys;
mod lanes;
pub mod mirror;
pub mod policy;
pub mod rotation;
pub mod setup;
pub mod state;
mod telling;
pub mod time;
mod watch;

pub use check::check;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch as channel},
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::{
    audit::{Audit, Entry},
    backoff::Backoff,
    canary::Canary,
    checkup::Checkups,
    cloud::{Cloud, Failure, Jobs},
    directory::{Directory, Trouble, ad::Ad, openldap::OpenLdap, people::People},
    executor::Executor,
    features::Told,
    journal::Journal,
    keys::Keys,
    mirror::Mirror,
    rotation::Rotation,
    state::State,
    telling::Telling,
    time::Time,
    watch::Seen,
};
use crate::{
    base::{
        clock::Clock,
        config::{self, DirectoryKind},
        id,
    },
    wire::{
        keys::fingerprint,
        message::{DirectoryHealth, LeasedJob},
        outcome::Code,
    },
};

const HEARTBEAT: Duration = Duration::from_secs(10);
const KEYS: Duration = Duration::from_mins(1);
/// Between two looks whether the agent was confirmed, and between two reminders in the log.
const CONFIRMATION: Duration = Duration::from_secs(3);
const REMINDER: Duration = Duration::from_mins(1);

/// What all tasks of the agent share.
struct Agent<D> {
    state: State,
    cloud: Arc<Cloud>,
    directory: Arc<D>,
    executor: Arc<Executor<D>>,
    journal: Arc<Journal>,
    audit: Arc<Audit>,
    keys: Arc<Keys>,
    time: Time,
    /// Jobs at once.
    slots: Arc<Semaphore>,
    jobs: TaskTracker,
    telling: Telling,
    seen: Seen,
    told: Told,
    canary: Option<Canary>,
    checkups: Checkups,
    /// Which process this is.
    instance: Uuid,
    /// Seconds after which the identity is replaced; `None`: only when asked for.
    identity_life: Option<i64>,
    stop: CancellationToken,
}

/// Run the enrolled agent of `settings.state_dir` until `stop` is cancelled (then the jobs in hand are finished first).
pub async fn run(settings: config::Agent, clock: Clock, stop: CancellationToken) -> Result<()> {
    let time = Time::new(clock);
    match settings.directory.kind {
        DirectoryKind::Ad => {
            let directory = Ad::new(&settings.directory, time.clone())?.with_groups(&settings.allow_groups, &settings.deny_groups);
            Box::pin(run_with(directory, settings, time, stop)).await
        }
        DirectoryKind::Openldap => {
            let directory = OpenLdap::new(&settings.directory, time.clone())?.with_groups(&settings.allow_groups, &settings.deny_groups);
            Box::pin(run_with(directory, settings, time, stop)).await
        }
    }
}

async fn run_with(directory: impl Directory + People, settings: config::Agent, time: Time, stop: CancellationToken) -> Result<()> {
    let state = State::load(&settings.state_dir)?;
    let canary = Canary::configured(&settings)?;
    let directory = Arc::new(directory);
    known_groups(&*directory).await?;
    let cloud = Arc::new(Cloud::new(&state.me.cloud_url, state.identity.clone(), Some(state.me.agent), time.clone())?);
    let journal = Arc::new(Journal::open(&settings.state_dir.join("journal"), time.now())?);
    let keys = Arc::new(Keys::load(&settings.state_dir, time.now())?);
    let audit = Arc::new(Audit::open(&audit::path(&settings), time.now())?);
    let print = fingerprint(state.identity.current().public());
    let started = Entry::Started { agent: state.me.agent, fingerprint: print, version: env!("CARGO_PKG_VERSION").to_owned() };
    audit.note(time.now(), started).await;
    let logs = (journal.clone(), audit.clone());
    let executor = Arc::new(Executor::new(&settings, &state, keys.clone(), directory.clone(), logs, time.clone()));
    let slots = Arc::new(Semaphore::new(settings.parallel.max(1).into()));
    tracing::info!(event.number = events::STARTED, agent.id = %state.me.agent, cloud.url = %state.me.cloud_url, agent.version = env!("CARGO_PKG_VERSION"), "the agent starts");
    let mirror = Mirror::new(directory.clone(), cloud.clone(), &settings, time.clone()).with_audit(audit.clone());
    let (jobs, telling, seen) = (TaskTracker::new(), Telling::default(), Seen::default());
    let agent = Arc::new(Agent {
        told: Told::new(&settings.state_dir, state.me.connector),
        canary,
        state,
        cloud,
        directory,
        executor,
        journal,
        audit,
        keys,
        time,
        slots,
        jobs,
        telling,
        seen,
        instance: id::random(),
        identity_life: rotation::life(&settings),
        checkups: Checkups::new(settings),
        stop,
    });

    let ended = tokio::select! {
        () = agent.stop.cancelled() => None,
        failure = agent.serve(mirror) => Some(failure),
    };
    // Nobody asks for jobs any more; those in hand come to their end, and their results are told once more if need be.
    agent.stop.cancel();
    agent.jobs.close();
    if !agent.jobs.is_empty() {
        tracing::info!(agent.jobs = agent.jobs.len(), "finishing the jobs in hand");
    }
    agent.jobs.wait().await;
    tracing::info!(event.number = events::STOPPED, "the agent stopped");
    match ended {
        Some(failure) => Err(failure).context("the agent cannot go on: remove it, or enrol it anew with another state directory"),
        None => Ok(()),
    }
}

/// A group that does not exist is a fault of the settings; a directory that does not answer passes.
async fn known_groups(directory: &impl Directory) -> Result<()> {
    match directory.check_groups().await {
        Ok(()) => Ok(()),
        Err(Trouble::Unreachable(why)) => {
            tracing::warn!(error = %why, "whether the groups of the settings exist cannot be said yet");
            Ok(())
        }
        Err(trouble) => Err(trouble).context("the groups that are served"),
    }
}

impl<D: Directory + People> Agent<D> {
    /// Everything that goes on side by side; ends only for a reason that does not pass.
    async fn serve(self: &Arc<Self>, mirror: Mirror<D>) -> Failure {
        // The directory is looked at from the start, so that the connection is warm when the first job comes.
        tokio::select! {
            never = self.watch() => match never {},
            failure = self.serve_confirmed(mirror) => failure,
        }
    }

    async fn serve_confirmed(self: &Arc<Self>, mirror: Mirror<D>) -> Failure {
        let seen = self.seen.subscribe();
        if let Some(failure) = self.confirmed().await {
            return failure;
        }
        tokio::select! {
            failure = self.heartbeats(seen) => failure,
            failure = self.keep_keys() => failure,
            failure = self.poll() => failure,
            never = self.retell() => match never {},
            never = self.settle() => match never {},
            never = self.sing() => match never {},
            never = self.check_up() => match never {},
            failure = mirror.run() => failure,
        }
    }

    /// Wait until an administrator confirmed this agent.
    async fn confirmed(&self) -> Option<Failure> {
        let mut backoff = Backoff::default();
        let mut reminded: Option<Instant> = None;
        loop {
            let pause = match self.beat().await {
                Ok(()) => return None,
                Err(Failure::Revoked) => return Some(Failure::Revoked),
                Err(Failure::Pending) => {
                    if reminded.is_none_or(|at| at.elapsed() >= REMINDER) {
                        reminded = Some(Instant::now());
                        let fingerprint = fingerprint(self.state.identity.current().public());
                        tracing::warn!(
                            agent.id = %self.state.me.agent,
                            agent.fingerprint = %fingerprint,
                            "waiting to be confirmed: compare the fingerprint, then in the cloud: sspr agent confirm {} --fingerprint {fingerprint}",
                            self.state.me.agent
                        );
                    }
                    CONFIRMATION
                }
                Err(failure) => backoff.after(&failure, "the cloud did not take the first heartbeat"),
            };
            sleep(pause).await;
        }
    }

    /// Tells the cloud that we live; and at once when the directory goes away or comes back, or a check found something else.
    async fn heartbeats(&self, mut seen: channel::Receiver<Option<DirectoryHealth>>) -> Failure {
        let (mut backoff, mut pause) = (Backoff::default(), HEARTBEAT);
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                _ = seen.changed() => {}
                () = self.checkups.news() => {}
            }
            pause = match self.beat().await {
                Ok(()) => {
                    backoff.reset();
                    HEARTBEAT
                }
                Err(Failure::Revoked) => return Failure::Revoked,
                Err(failure) => backoff.after(&failure, "the cloud did not take a heartbeat"),
            };
        }
    }

    /// Publishes a sealing key in time, and destroys old ones.
    async fn keep_keys(&self) -> Failure {
        let (mut backoff, mut rotation) = (Backoff::default(), Rotation::default());
        loop {
            for epoch in self.keys.destroy_ended(self.time.now()) {
                self.audit.note(self.time.now(), Entry::SealingKeyDestroyed { epoch }).await;
            }
            if let Some(failure) = self.keep_identity(&mut rotation).await {
                return failure;
            }
            let pause = match self.keys.due(&self.state.identity.current(), &self.state.me, self.time.now()) {
                Ok(None) => KEYS,
                Ok(Some(key)) => {
                    let (epoch, until) = (key.statement.epoch, key.statement.not_after);
                    match self.cloud.publish(key).await {
                        Ok(()) => {
                            backoff.reset();
                            if let Err(error) = self.keys.published(epoch) {
                                tracing::warn!(error = format!("{error:#}"), "a sealing key will be published again");
                            }
                            tracing::info!(event.number = events::KEY, key.epoch = epoch, key.not_after = until, "published a sealing key");
                            self.audit.note(self.time.now(), Entry::SealingKeyPublished { epoch, not_after: until }).await;
                            continue;
                        }
                        Err(Failure::Revoked) => return Failure::Revoked,
                        Err(failure) => {
                            if matches!(&failure, Failure::Refused { code, .. } if code == "bad_key") {
                                // For good: another one may do.
                                self.keys.discard(epoch);
                            }
                            backoff.after(&failure, "the cloud did not take a sealing key")
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "no sealing key could be made");
                    backoff.next(None)
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = rotation::asked(&self.state.dir, &rotation) => {}
            }
        }
    }

    /// Asks for as many jobs as there are free slots, while the directory answers: otherwise another agent may do better.
    async fn poll(self: &Arc<Self>) -> Failure {
        let mut backoff = Backoff::default();
        loop {
            self.seen.until(true).await;
            let Ok(first) = self.slots.clone().acquire_owned().await else { continue };
            let mut free = vec![first];
            while let Ok(another) = self.slots.clone().try_acquire_owned() {
                free.push(another);
            }
            // Not broken off when the directory goes away: a job that is under way to us at that moment would be nobody's until its
            // lease ends. The cloud hears of it by heartbeat and gives none; what we get nevertheless we answer at once.
            match self.cloud.lease(u16::try_from(free.len()).unwrap_or(u16::MAX)).await {
                Ok(jobs) => {
                    backoff.reset();
                    self.take(jobs, free);
                }
                Err(Failure::Revoked) => return Failure::Revoked,
                Err(failure) => {
                    drop(free);
                    sleep(backoff.after(&failure, "the cloud did not give jobs")).await;
                }
            }
        }
    }

    fn take(self: &Arc<Self>, jobs: Jobs, mut free: Vec<OwnedSemaphorePermit>) {
        for unknown in jobs.unknown {
            tracing::warn!(job.id = %unknown.ticket.job, "a job of a kind this agent does not know; a newer agent may");
            self.offer(self.refuse(&unknown));
        }
        for (job, until) in jobs.jobs {
            // A cloud that gives more than was asked for only makes them wait.
            let slot = free.pop();
            let agent = self.clone();
            self.jobs.spawn(async move { agent.work(job, until, slot).await });
        }
    }

    async fn work(self: &Arc<Self>, job: LeasedJob, until: Instant, slot: Option<OwnedSemaphorePermit>) {
        let slot = match slot {
            Some(slot) => Some(slot),
            None => self.slots.clone().acquire_owned().await.ok(),
        };
        let result = self.executor.run_to_an_end(&job, until, executor::LONGEST).await;
        if result.code == Code::DirectoryUnreachable {
            self.seen.doubt();
        }
        // Telling may take long; it does not keep other jobs waiting.
        drop(slot);
        self.offer(result);
    }
}
