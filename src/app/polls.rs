//! Agents that wait for jobs at this node: a job that is submitted here is handed to one of them in memory, the moment it is durable.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Wake;
use crate::{
    base::clock::Clock,
    domain::{
        fleet::{self, Agent},
        queue,
    },
    wire::message::LeasedJob,
};

/// A wake-up that got lost is made up for within this, and a revoked agent's poll is cut: one look for the whole node.
const LOOK: Duration = Duration::from_secs(2);

/// By connector, longest waiting first.
#[derive(Default)]
pub struct Polls {
    waiting: Mutex<HashMap<Uuid, Vec<Poll>>>,
    /// Connectors for which a job was left in the queue here, as far as is known: spares those who tell a result a look.
    ready: Mutex<HashSet<Uuid>>,
    next: AtomicU64,
}

/// One agent's open hand. Dropping it makes the agent look for itself.
pub struct Poll {
    id: u64,
    pub agent: Uuid,
    /// The key that it asked with.
    identity: Vec<u8>,
    pub most: u16,
    jobs: oneshot::Sender<Vec<LeasedJob>>,
}

impl Poll {
    /// The jobs back, if the agent has gone.
    pub fn hand(self, jobs: Vec<LeasedJob>) -> Result<(), Vec<LeasedJob>> {
        self.jobs.send(jobs)
    }
}

/// The waiting side of a [`Poll`].
pub struct Seat {
    id: u64,
    connector: Uuid,
    polls: Arc<Polls>,
    /// Until it has answered.
    jobs: Option<oneshot::Receiver<Vec<LeasedJob>>>,
}

impl Polls {
    pub fn sit(self: &Arc<Self>, agent: &Agent, most: u16) -> Seat {
        let (sender, jobs) = oneshot::channel();
        let (id, connector) = (self.next.fetch_add(1, Ordering::Relaxed), agent.connector_id);
        let poll = Poll { id, agent: agent.agent_id, identity: agent.identity.clone(), most, jobs: sender };
        self.lock().entry(connector).or_default().push(poll);
        Seat { id, connector, polls: self.clone(), jobs: Some(jobs) }
    }

    /// How many agents wait here.
    pub fn waiting(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    pub fn is_ready(&self, connector: Uuid) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(connector);
    }

    pub fn was_emptied(&self, connector: Uuid) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).remove(&connector);
    }

    /// Whether it is worth looking. Only a hint: polls always look.
    pub fn has_ready(&self, connector: Uuid) -> bool {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).contains(&connector)
    }

    /// Take the hand of one of these agents; nobody else gets it.
    pub fn reserve(&self, connector: Uuid, agents: &[Uuid]) -> Option<Poll> {
        let mut waiting = self.lock();
        let polls = waiting.get_mut(&connector)?;
        let at = polls.iter().position(|poll| agents.contains(&poll.agent) && !poll.jobs.is_closed())?;
        Some(polls.remove(at))
    }

    /// False when it was taken meanwhile.
    fn leave(&self, connector: Uuid, id: u64) -> bool {
        let mut waiting = self.lock();
        let Some(polls) = waiting.get_mut(&connector) else { return false };
        let before = polls.len();
        polls.retain(|poll| poll.id != id);
        let left = polls.len() < before;
        if polls.is_empty() {
            waiting.remove(&connector);
        }
        left
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Vec<Poll>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The safety net: wake those for whom jobs lie there, cut off those that are trusted no more or asked with a key that was replaced.
    pub(super) async fn watch(self: Arc<Self>, db: PgPool, clock: Clock, wake: Wake, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Err(error) = self.look(&db, &clock, &wake).await {
                tracing::warn!(error = format!("{error:#}"), "waiting agents will be looked after again");
            }
        }
    }

    async fn look(&self, db: &PgPool, clock: &Clock, wake: &Wake) -> Result<()> {
        let (mut connectors, mut agents, mut identities) = (Vec::new(), Vec::new(), Vec::new());
        for (connector, polls) in self.lock().iter() {
            connectors.push(*connector);
            for poll in polls {
                agents.push(poll.agent);
                identities.push(poll.identity.clone());
            }
        }
        if connectors.is_empty() {
            return Ok(());
        }
        let mut conn = db.acquire().await?;
        for connector in queue::waiting(&mut conn, clock, &connectors).await? {
            wake.tell_here(connector);
        }
        let untrusted = fleet::untrusted(&mut conn, &agents, &identities).await?;
        if !untrusted.is_empty() {
            for polls in self.lock().values_mut() {
                polls.retain(|poll| !untrusted.contains(&poll.agent));
            }
        }
        Ok(())
    }
}

impl Seat {
    /// Jobs; `None` when the agent is to look for itself.
    pub async fn jobs(&mut self) -> Option<Vec<LeasedJob>> {
        let handed = self.jobs.as_mut()?.await.ok();
        self.jobs = None;
        handed
    }

    /// Stop waiting. False when jobs may be on their way to this seat.
    pub fn leave(&self) -> bool {
        self.polls.leave(self.connector, self.id)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}
