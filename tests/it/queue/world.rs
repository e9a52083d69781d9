//! The agents and the directory of the model: agents that keep their own rules but pause, repeat themselves and forget to tell, and
//! a log of what was really done to whom.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sspr::wire::{
    message::{JobResult, LeasedJob},
    outcome::Code,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{AGENTS, PEOPLE, model::is_past};

/// One step. Numbers beyond what is there wrap around.
#[derive(Debug, Clone)]
pub enum Op {
    Offer {
        person: usize,
    },
    /// `back`: 0 is the newest ticket, 1 the one before …
    Submit {
        back: usize,
        agents: u8,
        body: u8,
        /// An agent that asks at this moment.
        waits: Option<usize>,
    },
    /// The newest job that this agent was given got lost on its way.
    PutBack {
        agent: usize,
    },
    Lease {
        agent: usize,
        most: usize,
    },
    /// An agent goes on with what it holds.
    Work {
        agent: usize,
        held: usize,
        how: How,
    },
    /// Any result an agent ever signed, however late, however often.
    Tell {
        agent: usize,
        which: usize,
    },
    /// A result nobody should believe.
    Lie {
        agent: usize,
        back: usize,
        lie: Lie,
    },
    Advance(i64),
    Sweep,
    SweepUnused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Apply,
    Refuse,
    /// Sent to the directory, no answer; it happened, or not.
    Lose {
        happened: bool,
    },
    /// Applied, and the process dies before it can say so.
    Crash,
    /// What was not known is known by now.
    Learn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    OldLease,
    NoLease,
    Seq,
    Ciphertext,
    Thief,
}

pub fn op() -> impl Strategy<Value = Op> {
    let agent = 0..AGENTS;
    let how = prop_oneof![
        4 => Just(How::Apply),
        2 => Just(How::Refuse),
        1 => any::<bool>().prop_map(|happened| How::Lose { happened }),
        1 => Just(How::Crash),
        1 => Just(How::Learn),
    ];
    let lie = prop_oneof![Just(Lie::OldLease), Just(Lie::NoLease), Just(Lie::Seq), Just(Lie::Ciphertext), Just(Lie::Thief)];
    // Mostly short steps, so that much happens within one job's life; now and then past a lease or past the deadline.
    let seconds = prop_oneof![Just(1), Just(4), Just(11), Just(16), Just(16), Just(60), Just(118), Just(121), Just(-7)];
    // Mostly sealed for all.
    let agents = prop_oneof![3 => Just(7), 1 => 1..8_u8];
    prop_oneof![
        4 => (0..PEOPLE).prop_map(|person| Op::Offer { person }),
        6 => (prop_oneof![4 => Just(0), 2 => 1..4_usize], agents, 0..2_u8, proptest::option::of(agent.clone()))
            .prop_map(|(back, agents, body, waits)| Op::Submit { back, agents, body, waits }),
        1 => agent.clone().prop_map(|agent| Op::PutBack { agent }),
        6 => (agent.clone(), 1..3_usize).prop_map(|(agent, most)| Op::Lease { agent, most }),
        5 => (agent.clone(), 0..3_usize, how).prop_map(|(agent, held, how)| Op::Work { agent, held, how }),
        5 => (agent.clone(), 0..3_usize).prop_map(|(agent, which)| Op::Tell { agent, which }),
        2 => (agent, 0..3_usize, lie).prop_map(|(agent, back, lie)| Op::Lie { agent, back, lie }),
        4 => seconds.prop_map(Op::Advance),
        2 => Just(Op::Sweep),
        1 => Just(Op::SweepUnused),
    ]
}

/// The directory's own log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub person: usize,
    pub seq: i64,
    pub job: Uuid,
}

/// One agent with its journal.
#[derive(Default)]
pub struct Hand {
    /// Newest last.
    pub held: Vec<(LeasedJob, OffsetDateTime)>,
    /// user → newest number seen; each agent knows only its own.
    seen: BTreeMap<Uuid, i64>,
    ended: BTreeMap<Uuid, JobResult>,
    /// Everything ever signed, newest last.
    pub signed: Vec<JobResult>,
}

/// Seconds of the lease that must be left.
const MARGIN: Duration = Duration::seconds(5);

impl Hand {
    pub fn knows(&self, job: Uuid) -> bool {
        self.ended.contains_key(&job)
    }

    /// What the executor does, in one breath. True if the directory was changed.
    pub fn work(&mut self, held: usize, how: How, now: OffsetDateTime, log: &[Effect]) -> bool {
        if self.held.is_empty() {
            return false;
        }
        let at = self.held.len() - 1 - held % self.held.len();
        let (job, until) = self.held[at].clone();
        let ticket = &job.ticket;
        let result = |code| JobResult {
            job: ticket.job,
            lease: job.lease,
            seq: ticket.seq,
            ciphertext: job.hash(),
            code,
            dc: String::new(),
            started_at: 0,
            finished_at: 0,
            unlocked: false,
            allowed_at: None,
            account: None,
        };
        if let Some(before) = self.ended.get(&ticket.job).cloned() {
            let mut again = JobResult { lease: job.lease, ..before };
            if how == How::Learn && again.code == Code::Interrupted {
                let happened = log.iter().any(|effect| effect.job == ticket.job);
                again.code = if happened { Code::Applied } else { Code::DirectoryUnreachable };
                self.ended.insert(ticket.job, again.clone());
            }
            self.signed.push(again);
            return false;
        }
        let newest = self.seen.entry(ticket.user).or_insert(ticket.seq);
        let refusal = if is_past(ticket.expires_at, now) || until - now < MARGIN {
            Some(Code::Expired)
        } else {
            (*newest > ticket.seq).then_some(Code::Stale)
        };
        if let Some(code) = refusal {
            // Not remembered, but a lease is worked on once.
            self.signed.push(result(code));
            self.held.remove(at);
            return false;
        }
        *newest = ticket.seq;
        let (code, changed) = match how {
            How::Apply | How::Learn => (Some(Code::Applied), true),
            How::Refuse => (Some(Code::OutOfScope), false),
            How::Lose { happened } => (Some(Code::Interrupted), happened),
            How::Crash => (None, true),
        };
        if let Some(code) = code {
            self.ended.insert(ticket.job, result(code));
            self.signed.push(result(code));
        } else {
            self.held.remove(at);
        }
        changed
    }
}
