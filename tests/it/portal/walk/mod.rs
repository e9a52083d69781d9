//! Ten thousand calls at random, by browsers that know every door and every secret but the ones that matter, against a small model of what
//! each of them has lawfully earned. Nobody ever gets a ticket, a job, a session or another method that the model does not grant: by one
//! proof or two of every kind, while the policy changes, accounts are frozen and the directory says whatever it likes.

mod model;
mod walker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use sspr::{
    base::id,
    domain::policies::{Draft, Method},
    wire::{outcome::Code, ticket::Kind},
};

use crate::support::{Cloud, HandAgent, agent::somebody};
use model::{ASKED, Asked};
use walker::Walker;

const WALKERS: usize = 8;
/// Of each of them.
const CALLS: usize = 1250;

/// xorshift64*: the same walk for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// How often something was reached: a walk that reaches nothing proves nothing.
#[derive(Default)]
struct Reached {
    tickets: AtomicUsize,
    jobs: AtomicUsize,
    sessions: AtomicUsize,
    by_passkey: AtomicUsize,
    changes_within: AtomicUsize,
    refused: AtomicUsize,
    second_proofs: AtomicUsize,
    methods: AtomicUsize,
    removals: AtomicUsize,
    freezes: AtomicUsize,
}

impl Reached {
    fn all(&self) -> [(&'static str, usize); 10] {
        [
            ("tickets", &self.tickets),
            ("jobs", &self.jobs),
            ("sessions", &self.sessions),
            ("sessions by passkey", &self.by_passkey),
            ("changes within", &self.changes_within),
            ("refused", &self.refused),
            ("second proofs", &self.second_proofs),
            ("methods added", &self.methods),
            ("methods removed", &self.removals),
            ("freezes", &self.freezes),
        ]
        .map(|(what, count)| (what, count.load(Ordering::Relaxed)))
    }
}

/// The directory: says whatever it likes of each job.
async fn works(mut agent: HandAgent, over: Arc<AtomicBool>) {
    let mut chance = Chance(7);
    let mut beat = Instant::now();
    while !over.load(Ordering::Relaxed) {
        if beat.elapsed().as_secs() > 10 {
            agent.beat(true).await;
            beat = Instant::now();
        }
        for job in agent.lease(1).await {
            let code = match job.ticket.kind {
                Kind::Verify => {
                    chance.of(&[Code::Verified, Code::Verified, Code::WrongPassword, Code::PasswordExpired, Code::AccountLocked])
                }
                _ => chance.of(&[Code::Applied, Code::PolicyHistory, Code::WrongPassword, Code::LimitReached]),
            };
            agent.ends(&job, code).await;
        }
    }
}

async fn asks(cloud: &Cloud, asked: Asked) {
    let Asked { gates, apart, rises } = asked;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), gates, apart, rises, cooling_off: 0, ..terms }).await;
    cloud.hears().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_earn_nothing_that_is_not_lawful() {
    let cloud = Arc::new(Cloud::start().await);
    let mut agent = cloud.agent().await;
    agent.mirror((0..WALKERS).map(|n| somebody(&format!("walker{n}"))).collect()).await;
    asks(&cloud, ASKED[0]).await;
    let (reached, seed) = (Arc::<Reached>::default(), u64::from_be_bytes(id::random_bytes::<8>()) | 1);
    println!("seed {seed}");
    let mut walkers = Vec::new();
    for n in 0..WALKERS {
        let chance = Chance(seed.wrapping_add(u64::try_from(n).unwrap().wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1);
        walkers.push(Walker::new(&cloud, &format!("walker{n}"), chance, &reached).await);
    }
    let over = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(works(agent, over.clone()));
    // What was begun under one policy goes on under the next.
    for (n, asked) in ASKED.into_iter().enumerate() {
        asks(&cloud, asked).await;
        let walks: Vec<_> = walkers.drain(..).map(|walker| tokio::spawn(walker.walks(asked, CALLS * (n + 1) / ASKED.len()))).collect();
        for walk in walks {
            walkers.push(walk.await.unwrap_or_else(|error| panic!("seed {seed}, {asked:?}: {error}")));
        }
    }
    over.store(true, Ordering::Relaxed);
    working.await.unwrap();
    let calls: usize = walkers.iter().map(|walker| walker.calls).sum();
    println!("{calls} calls: {:?}", reached.all());
    assert!(calls >= 10_000);
    assert!(reached.all().iter().all(|(_, count)| *count > 4), "a walk that gets nowhere proves nothing: {:?}", reached.all());
}
