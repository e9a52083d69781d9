//! Random lists of steps on a real Postgres, the model beside it, and the invariants (I1 to I9) after each step.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    test_runner::{Config, FileFailurePersistence, TestRunner},
};
use sqlx::{Connection, PgConnection, Row};
use sspr::{
    domain::queue::{self, LEASE, Settled, State, Submission, state::Event},
    wire::{
        message::{JobResult, LeasedJob},
        outcome::{Code, Outcome},
        seal::Envelope,
        ticket::{Kind, Ticket},
    },
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Ground,
    model::{Lease, Queue, Submitted, Told},
    world::{Effect, Hand, Lie, Op, op},
};
use crate::support::database;

/// More with PROPTEST_CASES.
const CASES: u32 = 300;

#[test]
fn any_order_of_steps_keeps_the_promises() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (conn, ground) = runtime.block_on(async {
        let mut conn = PgConnection::connect(&database::fresh().await).await.unwrap();
        let ground = Ground::lay(&mut conn).await;
        (tokio::sync::Mutex::new(conn), ground)
    });
    let persistence = FileFailurePersistence::Direct("tests/it/queue/regressions.txt");
    let asked = Config::default();
    let config =
        Config { cases: asked.cases.max(CASES), failure_persistence: Some(Box::new(persistence)), max_shrink_iters: 2000, ..asked };
    let run = TestRunner::new(config).run(&vec(op(), 1..50), |ops| {
        runtime.block_on(async {
            let mut conn = conn.lock().await;
            // Never committed: each case finds the queue empty.
            let mut tx = conn.begin().await.unwrap();
            World::new(&ground).live(&mut tx, &ops).await;
            tx.rollback().await.unwrap();
        });
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

/// A deadline is in whole seconds and an id in milliseconds: what was offered late in a second is over before its id says so.
#[tokio::test]
async fn a_ticket_given_late_in_a_second_ends_with_its_deadline() {
    let mut conn = PgConnection::connect(&database::fresh().await).await.unwrap();
    let ground = Ground::lay(&mut conn).await;
    let (scope, clock) = (&ground.tenant.scope, &ground.clock);
    let past = |millis: u16| async move {
        while clock.now().millisecond() < millis {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    past(800).await;
    let ticket = queue::offer(&mut conn, scope, clock, Kind::Reset, &ground.target(0)).await.unwrap();
    while clock.now().unix_timestamp() == ticket.issued_at {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    clock.advance(ticket.expires_at - clock.seconds());
    assert_eq!(queue::sweep_unused(&mut conn, clock).await.unwrap(), 1);
}

struct World<'a> {
    ground: &'a Ground,
    queue: Queue,
    hands: Vec<Hand>,
    tickets: Vec<Ticket>,
    /// Every lease ever given per job.
    leases: BTreeMap<Uuid, Vec<Uuid>>,
    log: Vec<Effect>,
}

/// A row as it lies there.
struct Found {
    state: State,
    attempts: i16,
    lease: Option<Uuid>,
    lease_until: Option<OffsetDateTime>,
    sealed: bool,
    finished: bool,
}

impl<'a> World<'a> {
    fn new(ground: &'a Ground) -> Self {
        let hands = ground.agents.iter().map(|_| Hand::default()).collect();
        Self { ground, queue: Queue::default(), hands, tickets: Vec::new(), leases: BTreeMap::new(), log: Vec::new() }
    }

    async fn live(mut self, conn: &mut PgConnection, ops: &[Op]) {
        for op in ops {
            let before: BTreeMap<Uuid, State> = self.queue.jobs.iter().map(|(id, job)| (*id, job.state)).collect();
            self.step(conn, op).await;
            self.check(conn, &before).await;
        }
        // I4: whatever was accepted comes to one end, soon after its deadline.
        let last = self.tickets.iter().map(|ticket| ticket.expires_at).max().unwrap_or_default();
        self.ground.clock.advance((last - self.ground.clock.seconds()).max(0) + LEASE.whole_seconds() + 8);
        for op in [Op::Sweep, Op::SweepUnused] {
            self.step(conn, &op).await;
        }
        self.check(conn, &BTreeMap::new()).await;
        for id in self.queue.jobs.keys() {
            let view = queue::view(conn, &self.ground.tenant.scope, *id).await.unwrap().unwrap();
            assert!(view.state.is_final(), "I4: {view:?}");
        }
    }

    /// The n-th ticket from the newest.
    fn ticket(&self, back: usize) -> Option<&Ticket> {
        let count = self.tickets.len();
        (count > 0).then(|| &self.tickets[count - 1 - back % count])
    }

    fn person_of(&self, ticket: &Ticket) -> usize {
        self.queue.jobs[&ticket.job].person
    }

    /// Time passes while a statement runs: what the model says before or after it is right.
    fn either<T: PartialEq + std::fmt::Debug>(
        &mut self,
        times: [OffsetDateTime; 2],
        seen: &T,
        step: impl Fn(&mut Queue, OffsetDateTime) -> T,
    ) {
        let mut said = Vec::new();
        for now in times {
            let mut after = self.queue.clone();
            let expected = step(&mut after, now);
            if expected == *seen {
                self.queue = after;
                return;
            }
            said.push(expected);
        }
        panic!("the model says {said:?}, the database {seen:?}");
    }

    async fn step(&mut self, conn: &mut PgConnection, op: &Op) {
        let (ground, from) = (self.ground, self.ground.clock.now());
        let (scope, clock) = (&ground.tenant.scope, &ground.clock);
        match *op {
            Op::Offer { person } => {
                let ticket = queue::offer(conn, scope, clock, Kind::Reset, &ground.target(person)).await.unwrap();
                assert!(self.queue.offer(ticket.job, person, ticket.seq, ticket.expires_at) < ticket.seq, "I1: numbers rise");
                self.tickets.push(ticket);
            }
            Op::Submit { back, agents, body, waits } => {
                let Some(ticket) = self.ticket(back).cloned() else { return };
                let to = waits.map(|agent| ground.agents[agent].0.agent_id);
                let submission = Submission { to, ..ground.submission(ticket.job, self.person_of(&ticket), agents, body) };
                let submitted = ground.submit(conn, submission).await;
                let seen = Submitted::from(&submitted);
                self.either([from, clock.now()], &seen, |queue, now| queue.submit(ticket.job, (agents, body), now));
                if let queue::Submitted::Accepted { leased, .. } = submitted {
                    let born = waits.filter(|agent| agents & (1 << agent) != 0);
                    assert_eq!(leased.is_some(), born.is_some(), "born leased to whoever waits and can open it");
                    if let (Some(job), Some(agent)) = (leased, born) {
                        self.took(conn, agent, *job, from).await;
                    }
                }
            }
            Op::PutBack { agent } => self.put_back(conn, agent).await,
            Op::Lease { agent, most } => self.lease(conn, agent, most).await,
            Op::Work { agent, held, how } => {
                let job = self.hands[agent].held.len().checked_sub(1).map(|last| last - held % (last + 1));
                let job = job.map(|at| self.hands[agent].held[at].0.ticket.clone());
                if self.hands[agent].work(held, how, from, &self.log) {
                    let ticket = job.unwrap();
                    self.effect(&ticket);
                }
            }
            Op::Tell { agent, which } => {
                let signed = &self.hands[agent].signed;
                if let Some(last) = signed.len().checked_sub(1) {
                    let result = signed[last - which % signed.len()].clone();
                    self.tell(conn, agent, &result).await;
                }
            }
            Op::Lie { agent, back, lie } => {
                if let Some(result) = self.lie(agent, back, lie) {
                    self.tell(conn, agent, &result).await;
                }
            }
            Op::Advance(seconds) => clock.advance(seconds),
            Op::Sweep => {
                let seen: BTreeMap<_, _> =
                    queue::sweep(conn, clock).await.unwrap().into_iter().map(|swept| (swept.job_id, swept.state)).collect();
                self.either([from, clock.now()], &seen, Queue::sweep);
            }
            Op::SweepUnused => {
                let seen = queue::sweep_unused(conn, clock).await.unwrap();
                self.either([from, clock.now()], &seen, Queue::sweep_unused);
            }
        }
    }

    async fn lease(&mut self, conn: &mut PgConnection, agent: usize, most: usize) {
        let (clock, from) = (&self.ground.clock, self.ground.clock.now());
        let jobs = self.ground.lease(conn, agent, most).await;
        let ids: Vec<Uuid> = jobs.iter().map(|job| job.ticket.job).collect();
        self.either([from, clock.now()], &ids, |queue, now| queue.leasable(agent, most, now));
        for job in jobs {
            self.took(conn, agent, job, from).await;
        }
    }

    async fn took(&mut self, conn: &mut PgConnection, agent: usize, job: LeasedJob, from: OffsetDateTime) {
        let id = job.ticket.job;
        assert_eq!(Some(&job.ticket), self.tickets.iter().find(|ticket| ticket.job == id), "I3: the ticket is as it was given");
        let row = found(conn, &[id]).await.remove(&id).unwrap();
        let until = row.lease_until.unwrap();
        assert!(until >= from + LEASE - Duration::MICROSECOND && until <= self.ground.clock.now() + LEASE);
        let tokens = self.leases.entry(id).or_default();
        assert!(!tokens.contains(&job.lease), "a lease is new each time");
        tokens.push(job.lease);
        self.queue.leased(id, Lease { agent, token: job.lease, until });
        self.hands[agent].held.push((job, until));
    }

    /// The newest job of this agent never reached it: as if it had not been leased, and only if it still is.
    async fn put_back(&mut self, conn: &mut PgConnection, agent: usize) {
        let Some((job, until)) = self.hands[agent].held.pop() else { return };
        // What was worked on was delivered.
        if self.hands[agent].knows(job.ticket.job) {
            self.hands[agent].held.push((job, until));
            return;
        }
        let done = queue::put_back(conn, job.ticket.job, job.lease).await.unwrap();
        assert_eq!(self.queue.put_back(job.ticket.job, job.lease), done);
    }

    /// The directory is changed.
    fn effect(&mut self, ticket: &Ticket) {
        let (job, person) = (&self.queue.jobs[&ticket.job], self.person_of(ticket));
        assert!(!matches!(job.state, State::Superseded | State::Expired | State::Cancelled), "I2: {job:?}");
        let last = self.log.iter().rev().find(|effect| effect.person == person);
        // The same password again with nothing in between is the same effect (I6).
        if let Some(last) = last.filter(|last| last.job != ticket.job) {
            assert!(last.seq < ticket.seq, "I1: {ticket:?} after {last:?}");
        }
        self.log.push(Effect { person, seq: ticket.seq, job: ticket.job });
    }

    async fn tell(&mut self, conn: &mut PgConnection, agent: usize, result: &JobResult) {
        let ground = self.ground;
        let who = &ground.agents[agent].0;
        let seen = match ground.settle(conn, agent, result).await {
            Settled::Recorded { end, .. } => Told::Recorded(end.state),
            Settled::Again => Told::Again,
            Settled::Contradicts(_) | Settled::UnknownJob => Told::Contradicts,
            Settled::HandedOver { .. } => panic!("nobody else was heard of"),
        };
        let hash = self.queue.jobs.get(&result.job).and_then(|job| {
            let (agents, body) = job.posted?;
            ground.submission(result.job, job.person, agents, body).envelopes.get(&who.agent_id)?.hash()
        });
        assert_eq!(self.queue.settle(agent, result, hash.as_deref()), seen, "I7: {result:?}");
    }

    fn lie(&self, agent: usize, back: usize, lie: Lie) -> Option<JobResult> {
        let ticket = self.ticket(back)?;
        let job = &self.queue.jobs[&ticket.job];
        let (agents, body) = job.posted?;
        let who = self.ground.agents[agent].0.agent_id;
        let mut result = JobResult {
            job: ticket.job,
            lease: job.lease.map_or(Uuid::nil(), |lease| lease.token),
            seq: ticket.seq,
            ciphertext: self.ground.submission(ticket.job, job.person, agents, body).envelopes.get(&who).and_then(Envelope::hash)?,
            code: Code::Applied,
            dc: "a lie".into(),
            started_at: 0,
            finished_at: 0,
            unlocked: false,
            allowed_at: None,
            account: None,
        };
        match lie {
            Lie::OldLease => {
                let tokens = self.leases.get(&ticket.job)?;
                result.lease = tokens[tokens.len().checked_sub(2)?];
            }
            Lie::NoLease => result.lease = Uuid::nil(),
            Lie::Seq => result.seq += 1,
            // All of it right, and known to an agent that does not hold the lease.
            Lie::Thief => {
                job.lease.filter(|lease| lease.agent != agent)?;
            }
            Lie::Ciphertext => result.ciphertext.push('x'),
        }
        Some(result)
    }

    async fn check(&self, conn: &mut PgConnection, before: &BTreeMap<Uuid, State>) {
        let ids: Vec<Uuid> = self.queue.jobs.keys().copied().collect();
        let rows = found(conn, &ids).await;
        for (id, job) in &self.queue.jobs {
            let row = &rows[id];
            assert_eq!((row.state, row.attempts), (job.state, job.attempts), "{job:?}");
            assert_eq!((row.lease, row.lease_until), (job.lease.map(|lease| lease.token), job.lease.map(|lease| lease.until)));
            assert_eq!(row.finished, job.state.is_final(), "I4: {job:?}");
            // Offered, nothing is sealed yet; ended, nothing any more.
            assert_eq!(row.sealed, matches!(job.state, State::Submitted | State::Leased), "I8: {job:?}");
            if let Some(was) = before.get(id).filter(|was| **was != job.state) {
                // Born leased: both in one breath.
                let born = was.next(Event::Submit).and_then(|submitted| submitted.next(Event::Lease));
                assert!(
                    born == Some(job.state) || events().any(|event| was.next(event) == Some(job.state)),
                    "the pure rules know no way from {was:?} to {:?}",
                    job.state
                );
            }
            let done = self.log.iter().any(|effect| effect.job == *id);
            let claims = match job.state {
                State::Applied => Some(true),
                State::Reconciled => job.told.as_ref().map(|told| told.code == Code::Applied),
                State::Superseded | State::Expired | State::Cancelled | State::Refused | State::Failed => Some(false),
                State::Offered | State::Held | State::Submitted | State::Leased | State::Unknown => None,
            };
            // Who has it second cannot speak for the one who had it first and went silent: its "no" is not held against it here.
            let told_by_another = job.attempts > 1 && done && !matches!(job.state, State::Superseded | State::Expired);
            assert!(told_by_another || claims.is_none_or(|claim| claim == done), "I5: done {done}, but {job:?}");
        }
        let pointers: Vec<(Uuid, Uuid)> =
            sqlx::query_as("select job_id, object_guid from active_jobs order by 1").fetch_all(conn).await.unwrap();
        let active: Vec<Uuid> = rows.iter().filter(|(_, row)| !row.finished && row.state != State::Offered).map(|(id, _)| *id).collect();
        assert_eq!(pointers.iter().map(|(job, _)| *job).collect::<Vec<_>>(), active, "I4: what is active can be leased and swept");
        let mut people: Vec<Uuid> = pointers.into_iter().map(|(_, person)| person).collect();
        people.sort_unstable();
        let count = people.len();
        people.dedup();
        assert_eq!(people.len(), count, "I9: one active job per person");
    }
}

fn events() -> impl Iterator<Item = Event> {
    let results = [Outcome::Applied, Outcome::Refused, Outcome::Failed, Outcome::Unknown].map(Event::Result);
    let others =
        [Event::Submit, Event::Lease, Event::HandOver, Event::Supersede, Event::Expire { touched: false }, Event::Expire { touched: true }];
    results.into_iter().chain(others)
}

async fn found(conn: &mut PgConnection, ids: &[Uuid]) -> BTreeMap<Uuid, Found> {
    let query = "select job_id, state, attempts, lease, lease_until, envelopes is not null as sealed, finished_at is not null as finished
         from jobs where job_id = any($1)";
    let rows = sqlx::query(query).bind(ids).fetch_all(conn).await.unwrap();
    let row = |row: sqlx::postgres::PgRow| {
        let found = Found {
            state: State::parse(row.get("state")).unwrap(),
            attempts: row.get("attempts"),
            lease: row.get("lease"),
            lease_until: row.get("lease_until"),
            sealed: row.get("sealed"),
            finished: row.get("finished"),
        };
        (row.get("job_id"), found)
    };
    rows.into_iter().map(row).collect()
}
