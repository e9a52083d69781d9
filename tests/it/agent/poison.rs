//! A job that breaks the agent's own code, or never ends, ends with a word; and the agent goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sspr::{
    agent::{
        directory::{Account, ApplyError, Bind, Directory, Effect, Policy, Server, Standing, Trouble, ad::Ad},
        executor::LONGEST,
        journal::Job,
    },
    wire::{
        message::{DirectoryHealth, LeasedJob},
        outcome::Code,
    },
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Bench, accepts, both};

/// Where the fault is.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    PanicsAtLook,
    PanicsAfterChange,
    HangsAtLook,
}

/// A real directory, and a fault in the code that asks it.
struct Faulty {
    real: Arc<Ad>,
    fault: Fault,
    /// Until it is mended.
    on: Arc<AtomicBool>,
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault && self.on.load(Ordering::SeqCst)
    }
}

impl Directory for Faulty {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        assert!(!self.is(Fault::PanicsAtLook), "a fault on purpose");
        if self.is(Fault::HangsAtLook) {
            std::future::pending::<()>().await;
        }
        self.real.inspect(user).await
    }

    fn is_own(&self, account: &Account) -> bool {
        self.real.is_own(account)
    }

    async fn serves(&self, account: &Account) -> Result<bool, Trouble> {
        self.real.serves(account).await
    }

    async fn apply(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        let done = self.real.apply(account, effect).await;
        assert!(!self.is(Fault::PanicsAfterChange), "a fault on purpose");
        done
    }

    async fn clock(&self, account: &Account) -> Result<Option<i64>, Trouble> {
        self.real.clock(account).await
    }

    async fn bind(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        self.real.bind(account, password).await
    }

    async fn policy(&self, account: &Account) -> Result<Policy, Trouble> {
        self.real.policy(account).await
    }

    async fn standing(&self, account: &Account) -> Result<Standing, Trouble> {
        self.real.standing(account).await
    }

    async fn check(&self) -> Result<(), Trouble> {
        self.real.check().await
    }

    async fn check_groups(&self) -> Result<(), Trouble> {
        self.real.check_groups().await
    }

    async fn health(&self) -> DirectoryHealth {
        self.real.health().await
    }

    async fn seen(&self) -> Option<Server> {
        self.real.seen().await
    }
}

#[tokio::test]
async fn a_job_that_breaks_the_agent_ends_and_the_next_one_is_done() {
    let domain = both()[0];
    let until = || Instant::now() + Duration::from_mins(1);
    let cases = [
        (Fault::PanicsAtLook, 1, LONGEST, Code::AgentFault),
        // Another agent may have done it before.
        (Fault::PanicsAtLook, 2, LONGEST, Code::Interrupted),
        (Fault::HangsAtLook, 1, Duration::from_millis(300), Code::AgentFault),
        (Fault::PanicsAfterChange, 1, LONGEST, Code::Interrupted),
    ];
    for (fault, attempt, longest, code) in cases {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        let on = Arc::new(AtomicBool::new(true));
        let executor = bench.over(Faulty { real: bench.directory.clone(), fault, on: on.clone() });
        let job = LeasedJob { attempt, ..bench.job(pat.guid, "Quite-New-1") };
        assert_eq!(executor.run_to_an_end(&job, until(), longest).await.code, code);
        let changed = fault == Fault::PanicsAfterChange;
        assert_eq!(accepts(&domain.samba, &pat, "Quite-New-1").await, changed, "{code:?} is true");
        assert_eq!(matches!(bench.journal.job(job.ticket.job), Some(Job::Done { .. })), code == Code::Interrupted);
        // The user's lane is free again.
        on.store(false, Ordering::SeqCst);
        assert_eq!(executor.run_to_an_end(&bench.job(pat.guid, "Quite-New-2"), until(), LONGEST).await.code, Code::Applied);
    }
}
