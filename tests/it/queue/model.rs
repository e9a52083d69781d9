//! What the queue promises, in memory and without SQL: every verb as a plain function of the state and the time.

use std::collections::BTreeMap;

use sspr::{
    domain::queue::{self, State},
    wire::{message::JobResult, outcome::Outcome},
};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Job {
    pub person: usize,
    pub seq: i64,
    /// Seconds since 1970.
    pub expires_at: i64,
    pub state: State,
    /// Sealed for which agents, and which password.
    pub posted: Option<(u8, u8)>,
    pub attempts: i16,
    pub lease: Option<Lease>,
    pub told: Option<JobResult>,
}

#[derive(Debug, Clone, Copy)]
pub struct Lease {
    pub agent: usize,
    pub token: Uuid,
    pub until: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Recorded(State),
    Again,
    Contradicts,
}

/// [`queue::Submitted`] without what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    Accepted,
    Again,
    NoTicket,
    Expired,
    Superseded,
    Busy,
}

impl From<&queue::Submitted> for Submitted {
    fn from(submitted: &queue::Submitted) -> Self {
        match submitted {
            queue::Submitted::Accepted { .. } => Self::Accepted,
            queue::Submitted::Again => Self::Again,
            queue::Submitted::NoTicket => Self::NoTicket,
            queue::Submitted::Expired => Self::Expired,
            queue::Submitted::Superseded => Self::Superseded,
            queue::Submitted::Busy => Self::Busy,
        }
    }
}

/// By id, so in the order in which the tickets were given.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pub jobs: BTreeMap<Uuid, Job>,
    /// The last number given out per person.
    pub heads: BTreeMap<usize, i64>,
}

impl Queue {
    /// The number that a ticket got, which must be above all before it; they follow the clock. The one that went before.
    pub fn offer(&mut self, job: Uuid, person: usize, seq: i64, expires_at: i64) -> i64 {
        let before = self.heads.insert(person, seq).unwrap_or_default();
        let fresh = Job { person, seq, expires_at, state: State::Offered, posted: None, attempts: 0, lease: None, told: None };
        self.jobs.insert(job, fresh);
        before
    }

    pub fn active(&self, person: usize) -> Option<Uuid> {
        let active = |job: &Job| job.person == person && matches!(job.state, State::Submitted | State::Leased);
        self.jobs.iter().find(|(_, job)| active(job)).map(|(id, _)| *id)
    }

    pub fn submit(&mut self, id: Uuid, posted: (u8, u8), now: OffsetDateTime) -> Submitted {
        let job = self.jobs[&id].clone();
        match (job.state, job.posted) {
            (State::Offered, _) => {}
            (State::Superseded, None) => return Submitted::Superseded,
            (State::Expired, None) => return Submitted::Expired,
            (_, Some(before)) if before == posted => return Submitted::Again,
            _ => return Submitted::NoTicket,
        }
        let mut end = |id: &Uuid, state| self.jobs.get_mut(id).unwrap().state = state;
        if is_past(job.expires_at, now) {
            end(&id, State::Expired);
            return Submitted::Expired;
        }
        if self.heads[&job.person] != job.seq {
            end(&id, State::Superseded);
            return Submitted::Superseded;
        }
        if let Some(older) = self.active(job.person) {
            if self.jobs[&older].attempts > 0 {
                return Submitted::Busy;
            }
            self.jobs.get_mut(&older).unwrap().state = State::Superseded;
        }
        let job = self.jobs.get_mut(&id).unwrap();
        (job.state, job.posted) = (State::Submitted, Some(posted));
        Submitted::Accepted
    }

    /// Whom an agent gets now, oldest first.
    pub fn leasable(&self, agent: usize, most: usize, now: OffsetDateTime) -> Vec<Uuid> {
        let fits = |job: &Job| {
            matches!(job.state, State::Submitted | State::Leased)
                && job.posted.is_some_and(|(agents, _)| agents & (1 << agent) != 0)
                && !is_past(job.expires_at, now)
                && job.lease.is_none_or(|lease| lease.until <= now)
        };
        self.jobs.iter().filter(|(_, job)| fits(job)).map(|(id, _)| *id).take(most).collect()
    }

    pub fn leased(&mut self, id: Uuid, lease: Lease) {
        let job = self.jobs.get_mut(&id).unwrap();
        job.state = State::Leased;
        job.attempts += 1;
        job.lease = Some(lease);
    }

    /// The agent that it was leased to never got it.
    pub fn put_back(&mut self, id: Uuid, token: Uuid) -> bool {
        let job = self.jobs.get_mut(&id).unwrap();
        let held = job.state == State::Leased && job.lease.is_some_and(|lease| lease.token == token);
        if held {
            (job.state, job.attempts, job.lease) = (State::Submitted, job.attempts - 1, None);
        }
        held
    }

    /// `hash` is what this job's ciphertext for this agent hashes to.
    pub fn settle(&mut self, agent: usize, result: &JobResult, hash: Option<&str>) -> Told {
        let Some(job) = self.jobs.get_mut(&result.job) else { return Told::Contradicts };
        let held = job.lease.is_some_and(|lease| lease.agent == agent && lease.token == result.lease);
        if !held || result.seq != job.seq || hash != Some(result.ciphertext.as_str()) {
            return Told::Contradicts;
        }
        if job.told.as_ref() == Some(result) {
            return Told::Again;
        }
        let state = match (job.state, result.code.outcome()) {
            (State::Leased, Outcome::Applied) => State::Applied,
            (State::Leased, Outcome::Refused) => State::Refused,
            (State::Leased, Outcome::Failed) => State::Failed,
            (State::Leased, Outcome::Unknown) => State::Unknown,
            (State::Unknown, outcome) if outcome != Outcome::Unknown => State::Reconciled,
            _ => return Told::Contradicts,
        };
        (job.state, job.told) = (state, Some(result.clone()));
        Told::Recorded(state)
    }

    pub fn sweep(&mut self, now: OffsetDateTime) -> BTreeMap<Uuid, State> {
        let mut ended = BTreeMap::new();
        for (id, job) in &mut self.jobs {
            let active = matches!(job.state, State::Submitted | State::Leased);
            if active && is_past(job.expires_at, now) && job.lease.is_none_or(|lease| lease.until <= now) {
                job.state = if job.attempts == 0 { State::Expired } else { State::Unknown };
                ended.insert(*id, job.state);
            }
        }
        ended
    }

    /// Tickets nobody used.
    pub fn sweep_unused(&mut self, now: OffsetDateTime) -> u64 {
        let mut ended = 0;
        for job in self.jobs.values_mut().filter(|job| job.state == State::Offered && is_past(job.expires_at, now)) {
            job.state = State::Expired;
            ended += 1;
        }
        ended
    }
}

/// The last moment is over.
pub fn is_past(expires_at: i64, now: OffsetDateTime) -> bool {
    OffsetDateTime::from_unix_timestamp(expires_at).unwrap() <= now
}
