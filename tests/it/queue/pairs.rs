//! Two verbs at once, every one against every other: the second begins while the first has not committed yet.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use sspr::{
    domain::queue::{self, LEASE, State, Submission},
    wire::{
        message::{JobResult, LeasedJob},
        outcome::Code,
        ticket::{Kind, Ticket},
    },
};
use uuid::Uuid;

use super::Ground;
use crate::support::database;

#[derive(Debug, Clone, Copy)]
enum Before {
    /// Not submitted.
    Unused,
    /// Submitted; nobody has it.
    Waiting,
    /// The first agent has it and went silent.
    Silent,
    /// So it is, and the deadline has passed.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Offer,
    /// The newer ticket.
    Submit,
    /// The newer ticket, while the second agent waits.
    SubmitLeased,
    /// The very same once more.
    SubmitAgain,
    /// By the second agent.
    Lease,
    /// The first never got it.
    PutBack,
    /// The first is trusted no more.
    Withdraw,
    /// By the first.
    Settle,
    /// By the first, which could not even try.
    GiveUp,
    Sweep,
}

const VERBS: [Verb; 10] = [
    Verb::Offer,
    Verb::Submit,
    Verb::SubmitLeased,
    Verb::SubmitAgain,
    Verb::Lease,
    Verb::PutBack,
    Verb::Withdraw,
    Verb::Settle,
    Verb::GiveUp,
    Verb::Sweep,
];

/// One person with a job and a newer ticket.
struct Scene<'a> {
    ground: &'a Ground,
    person: usize,
    old: Ticket,
    new: Ticket,
    held: Option<LeasedJob>,
}

impl<'a> Scene<'a> {
    async fn set(conn: &mut PgConnection, ground: &'a Ground, person: usize, before: Before) -> Self {
        let (scope, clock) = (&ground.tenant.scope, &ground.clock);
        let old = queue::offer(conn, scope, clock, Kind::Reset, &ground.target(person)).await.unwrap();
        if !matches!(before, Before::Unused) {
            ground.submit(conn, ground.submission(old.job, person, 7, 0)).await;
        }
        let mut held = None;
        if matches!(before, Before::Silent | Before::Over) {
            held = ground.lease(conn, 0, 1).await.pop();
            clock.advance(LEASE.whole_seconds() + 1);
        }
        if matches!(before, Before::Over) {
            clock.advance(queue::LIFETIME.whole_seconds());
        }
        let new = queue::offer(conn, scope, clock, Kind::Reset, &ground.target(person)).await.unwrap();
        Self { ground, person, old, new, held }
    }

    async fn run(&self, conn: &mut PgConnection, verb: Verb) -> anyhow::Result<()> {
        let (ground, scope, clock) = (self.ground, &self.ground.tenant.scope, &self.ground.clock);
        match verb {
            Verb::Offer => {
                queue::offer(conn, scope, clock, Kind::Reset, &ground.target(self.person)).await?;
            }
            Verb::Submit => {
                ground.submit(conn, ground.submission(self.new.job, self.person, 7, 1)).await;
            }
            Verb::SubmitLeased => {
                let to = Some(ground.agents[1].0.agent_id);
                ground.submit(conn, Submission { to, ..ground.submission(self.new.job, self.person, 7, 1) }).await;
            }
            Verb::SubmitAgain => {
                ground.submit(conn, ground.submission(self.old.job, self.person, 7, 0)).await;
            }
            Verb::Lease => {
                ground.lease(conn, 1, 10).await;
            }
            Verb::PutBack => {
                queue::put_back(conn, self.old.job, self.held.as_ref().map_or(Uuid::nil(), |held| held.lease)).await?;
            }
            Verb::Withdraw => {
                queue::withdraw(conn, clock, ground.agents[0].0.agent_id).await?;
            }
            Verb::Settle | Verb::GiveUp => {
                let result = JobResult {
                    job: self.old.job,
                    lease: self.held.as_ref().map_or(Uuid::nil(), |held| held.lease),
                    seq: self.old.seq,
                    ciphertext: self.held.as_ref().map(LeasedJob::hash).unwrap_or_default(),
                    code: if verb == Verb::Settle { Code::Applied } else { Code::DirectoryUnreachable },
                    dc: String::new(),
                    started_at: 0,
                    finished_at: 0,
                    unlocked: false,
                    allowed_at: None,
                    account: None,
                };
                ground.settle(conn, 0, &result).await;
            }
            Verb::Sweep => {
                queue::sweep(conn, clock).await?;
            }
        }
        Ok(())
    }
}

/// `second`'s session waits for a lock, or it is done.
async fn until_waiting(conn: &mut PgConnection, second: i32, done: impl Fn() -> bool) {
    for _ in 0..2000 {
        let waits: bool =
            sqlx::query_scalar("select cardinality(pg_blocking_pids($1)) > 0").bind(second).fetch_one(&mut *conn).await.unwrap();
        if waits || done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the second neither ends nor waits");
}

/// What must hold whenever nothing is under way: the wrong rows, if any.
async fn wrong(conn: &mut PgConnection) -> Vec<String> {
    let query = "select j.job_id::text || ' ' || j.state from jobs j left join active_jobs a using (job_id)
         where (a.job_id is not null) <> (j.state in ('submitted', 'leased')) or (j.envelopes is not null) <> (a.job_id is not null)
             or (j.lease_until is distinct from a.lease_until and a.job_id is not null)";
    sqlx::query_scalar(query).fetch_all(conn).await.unwrap()
}

async fn clear(conn: &mut PgConnection) {
    for query in ["delete from jobs", "delete from active_jobs"] {
        sqlx::query(query).execute(&mut *conn).await.unwrap();
    }
}

#[tokio::test]
async fn two_at_once_are_as_one_after_the_other() {
    let url = database::fresh().await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    let mut watch = PgConnection::connect(&url).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let other_pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut other).await.unwrap();
    let ground = Ground::lay(&mut conn).await;
    let (mut broken, mut person) = (Vec::new(), 0);
    for before in [Before::Unused, Before::Waiting, Before::Silent, Before::Over] {
        for (first, second) in VERBS.into_iter().flat_map(|first| VERBS.map(|second| (first, second))) {
            person += 1;
            let scene = Scene::set(&mut conn, &ground, person, before).await;
            let mut tx = conn.begin().await.unwrap();
            scene.run(&mut tx, first).await.unwrap();
            let done = std::cell::Cell::new(false);
            let later = async {
                let mut tx = other.begin().await.unwrap();
                scene.run(&mut tx, second).await.unwrap();
                tx.commit().await.unwrap();
                done.set(true);
            };
            let commit = async {
                until_waiting(&mut watch, other_pid, || done.get()).await;
                tx.commit().await.unwrap();
            };
            tokio::join!(later, commit);
            broken.extend(wrong(&mut watch).await.into_iter().map(|row| format!("{before:?}: {first:?}, then {second:?}: {row}")));
            // All of it ends.
            ground.clock.advance(queue::LIFETIME.whole_seconds() + LEASE.whole_seconds() + 1);
            queue::sweep(&mut conn, &ground.clock).await.unwrap();
            for job in [scene.old.job, scene.new.job] {
                let view = queue::view(&mut conn, &ground.tenant.scope, job).await.unwrap().unwrap();
                if !view.state.is_final() && view.state != State::Offered {
                    broken.push(format!("{before:?}: {first:?}, then {second:?}: never ends: {view:?}"));
                }
            }
            clear(&mut conn).await;
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Leasing and sweeping lock the pointer, then the job. Whoever took them the other way round would wait in a circle with them.
#[tokio::test]
async fn nobody_holds_a_job_while_waiting_for_its_pointer() {
    let url = database::fresh().await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    let mut watch = PgConnection::connect(&url).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let other_pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut other).await.unwrap();
    let ground = Ground::lay(&mut conn).await;
    for (person, verb) in VERBS.into_iter().enumerate() {
        let scene = Scene::set(&mut conn, &ground, person, Before::Silent).await;
        let mut tx = conn.begin().await.unwrap();
        sqlx::query("select from active_jobs where job_id = $1 for update").bind(scene.old.job).execute(&mut *tx).await.unwrap();
        let done = std::cell::Cell::new(false);
        let later = async {
            let mut tx = other.begin().await.unwrap();
            scene.run(&mut tx, verb).await.unwrap();
            tx.rollback().await.unwrap();
            done.set(true);
        };
        let hold = async {
            until_waiting(&mut watch, other_pid, || done.get()).await;
            let job = sqlx::query("select from jobs where job_id = $1 for update nowait").bind(scene.old.job).execute(&mut *tx).await;
            tx.rollback().await.unwrap();
            assert!(job.is_ok(), "{verb:?} holds the job and waits for its pointer");
        };
        tokio::join!(later, hold);
        clear(&mut conn).await;
    }
}
