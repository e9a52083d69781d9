//! The judge: reads a history, and nothing else, and says which of the invariants it breaks.
//!
//! * I1 order: a person's passwords take effect in the order of their sequence numbers.
//! * I2 no resurrection: what was told or recorded as not done is not done later; nor what an administrator's change overtook.
//! * I3 deadline: no effect after the ticket's end, but for how far the clocks were apart.
//! * I4 no loss: what was taken comes to an end, and its person is told which.
//! * I5 truth: applied if and only if there was an effect; the only doubt is "unknown", which may be reconciled once.
//! * I6 at most one effect of a job, and of a flow.
//! * I7 authenticity: every effect is of a job of a proven flow, for that person; every result is signed by a holder of the job.
//! * I8 erasure: no ciphertext outlives the job, no password lies anywhere.
//! * I9 one active job of a person at any time.
//! * I10 liveness: in the calm every reset is applied, and soon.
//! * I11 audit: each transition has exactly one line.
//! * I12 limits: no more guesses than allowed, whatever fails.
//!
//! What was lost with a backup that was restored is lost by design: a job of that time may be missing, but nothing may be told
//! falsely.

mod audit;
mod limits;
#[cfg(test)]
mod tests;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use uuid::Uuid;

use super::history::{Answer, Event};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub invariant: &'static str,
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.invariant, self.text)
    }
}

/// All that the history says about one job.
struct Job<'a> {
    id: Uuid,
    flow: u32,
    person: &'a str,
    seq: i64,
    /// Milliseconds; the ticket has seconds.
    expires: i64,
    password: &'a str,
    /// When its ticket was asked for, and when the answer had come.
    asked: i64,
    given: i64,
    submits: Vec<Submit<'a>>,
    told: Vec<Told<'a>>,
    effects: Vec<Effect>,
    row: Option<Row<'a>>,
}

struct Submit<'a> {
    answer: &'a Answer,
    begun: i64,
    ended: i64,
}

struct Told<'a> {
    state: &'a str,
    code: Option<&'a str>,
    last: bool,
    at: i64,
}

#[derive(Clone, Copy)]
struct Effect {
    nth: usize,
    at: i64,
}

struct Row<'a> {
    guid: Uuid,
    flow: Uuid,
    seq: i64,
    state: &'a str,
    code: Option<&'a str>,
    submitted: bool,
    sealed: bool,
    attempts: i64,
}

impl Job<'_> {
    fn taken(&self) -> bool {
        self.submits.iter().any(|submit| *submit.answer == Answer::Accepted)
    }

    fn name(&self) -> String {
        format!("{} of {} (flow {}, seq {})", self.id, self.person, self.flow, self.seq)
    }
}

/// Of a backup and its restoring.
#[derive(Clone, Copy)]
struct Restored {
    taken: i64,
    ended: i64,
}

struct Case<'a> {
    events: &'a [Event],
    jobs: BTreeMap<Uuid, Job<'a>>,
    guids: HashMap<&'a str, Uuid>,
    restored: Vec<Restored>,
    /// Passwords that an administrator set.
    external: HashSet<&'a str>,
    /// Flows whose page said something of which the harness could not say what job it was about.
    foggy: HashSet<u32>,
    /// Process, seconds ahead from then on, when.
    clocks: Vec<(&'a str, i64, i64)>,
    calm: Option<i64>,
}

impl<'a> Case<'a> {
    fn new(events: &'a [Event]) -> Self {
        let (jobs, guids, restored, external, foggy, clocks) = Default::default();
        let mut case = Self { events, jobs, guids, restored, external, foggy, clocks, calm: None };
        for event in events {
            match event {
                Event::Person { person, guid, .. } => drop(case.guids.insert(person, *guid)),
                Event::External { password, .. } => _ = case.external.insert(password),
                Event::Told { flow, job: None, .. } => _ = case.foggy.insert(*flow),
                Event::Clock { process, ahead, at } => case.clocks.push((process, *ahead, *at)),
                Event::Calm { at } => case.calm = Some(*at),
                Event::Restored { taken, ended, .. } => case.restored.push(Restored { taken: *taken, ended: *ended }),
                Event::Ticket { flow, person, job, seq, expires, password, begun, ended, .. } => {
                    let (submits, told, effects) = Default::default();
                    let job = Job {
                        id: *job,
                        flow: *flow,
                        person,
                        seq: *seq,
                        expires: expires * 1000,
                        password,
                        asked: *begun,
                        given: *ended,
                        submits,
                        told,
                        effects,
                        row: None,
                    };
                    case.jobs.insert(job.id, job);
                }
                _ => {}
            }
        }
        let by_password: HashMap<&str, Uuid> = case.jobs.values().map(|job| (job.password, job.id)).collect();
        for event in events {
            match event {
                Event::Submit { job, answer, begun, ended, .. } => {
                    if let Some(job) = case.jobs.get_mut(job) {
                        job.submits.push(Submit { answer, begun: *begun, ended: *ended });
                    }
                }
                Event::Told { job: Some(job), state, code, last, at, .. } => {
                    if let Some(job) = case.jobs.get_mut(job) {
                        job.told.push(Told { state, code: code.as_deref(), last: *last, at: *at });
                    }
                }
                Event::Effect { password, nth, at, .. } => {
                    if let Some(job) = by_password.get(password.as_str()).and_then(|job| case.jobs.get_mut(job)) {
                        job.effects.push(Effect { nth: *nth, at: *at });
                    }
                }
                Event::Row { job, guid, flow, seq, state, code, submitted, sealed, attempts, .. } => {
                    let (guid, flow, seq, submitted, sealed) = (*guid, *flow, *seq, *submitted, *sealed);
                    if let Some(job) = case.jobs.get_mut(job) {
                        let code = code.as_deref();
                        job.row = Some(Row { guid, flow, seq, state, code, submitted, sealed, attempts: *attempts });
                    }
                }
                _ => {}
            }
        }
        case
    }

    /// Something of this job may have been in the time that a restored backup does not know.
    fn may_be_lost(&self, job: &Job<'_>) -> bool {
        let last = job.submits.iter().map(|submit| submit.ended).chain([job.given]).max().unwrap_or_default();
        self.restored.iter().any(|restored| restored.taken <= last && job.asked <= restored.ended)
    }

    /// This job was there when some backup was restored, in whatever state.
    fn lived_through_a_restore(&self, job: &Job<'_>) -> bool {
        self.restored.iter().any(|restored| job.asked <= restored.ended)
    }
}

/// Every invariant that the history breaks; sorted, each breach once.
pub fn check(events: &[Event]) -> Vec<Violation> {
    let case = Case::new(events);
    let mut found = BTreeSet::new();
    let mut say = |invariant: &'static str, text: String| {
        found.insert(Violation { invariant, text });
    };
    truth::order(&case, &mut say);
    truth::deadline(&case, &mut say);
    truth::ends(&case, &mut say);
    truth::truth(&case, &mut say);
    truth::provenance(&case, &mut say);
    truth::notices(&case, &mut say);
    audit::results(&case, &mut say);
    audit::complete(&case, &mut say);
    limits::erasure(&case, &mut say);
    limits::one_at_a_time(&case, &mut say);
    limits::alive(&case, &mut say);
    limits::guesses(&case, &mut say);
    found.into_iter().collect()
}

type Say<'s> = dyn FnMut(&'static str, String) + 's;

/// How many jobs were taken.
pub fn jobs(events: &[Event]) -> usize {
    Case::new(events).jobs.values().filter(|job| job.taken()).count()
}
