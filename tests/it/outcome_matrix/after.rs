//! A real domain controller to which something happens just after it made a change, and before the agent reads it back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sspr::{
    agent::directory::{Account, ApplyError, Bind, Directory, Effect, Policy, Server, Standing, Trouble, ad::Ad},
    wire::message::DirectoryHealth,
};
use uuid::Uuid;

use crate::support::Wire;

pub enum Then {
    /// A forgotten device goes on signing in with an old password.
    LocksAgain,
    /// The network to it is gone.
    Leaves(Wire),
}

pub struct After {
    pub real: Arc<Ad>,
    pub then: Then,
}

impl Directory for After {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        self.real.inspect(user).await
    }

    async fn inspect_everywhere(&self, user: Uuid) -> Result<Vec<Account>, Trouble> {
        self.real.inspect_everywhere(user).await
    }

    fn stay(&self, user: Uuid, server: &str) {
        self.real.stay(user, server);
    }

    fn is_own(&self, account: &Account) -> bool {
        self.real.is_own(account)
    }

    async fn serves(&self, account: &Account) -> Result<bool, Trouble> {
        self.real.serves(account).await
    }

    async fn apply(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        self.real.apply(account, effect).await?;
        match &self.then {
            Then::LocksAgain => {
                for _ in 0..6 {
                    self.real.bind(account, "not-the-password").await.unwrap();
                }
            }
            Then::Leaves(wire) => {
                wire.cut.store(true, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
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
