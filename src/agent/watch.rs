//! Whether the directory answers. Looked at every second, because two things hang on it: an agent that cannot reach its directory
//! leaves the jobs to others, and the cloud is told at once when that changes.

use std::{convert::Infallible, pin::pin, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::{Agent, Directory, canary::Canary, cloud::Failure, mirror, rotation};
use crate::wire::message::{DirectoryHealth, Heartbeat};

/// Between two looks. One read of one entry on a warm connection.
const EVERY: Duration = Duration::from_secs(1);
/// A directory that has not answered by then is not counted on until it does.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the last look found.
pub(super) struct Seen {
    /// `None` until the first look. Its watchers are woken when reachability changes, and only then.
    health: watch::Sender<Option<DirectoryHealth>>,
    doubt: Notify,
}

impl Default for Seen {
    fn default() -> Self {
        Self { health: watch::Sender::new(None), doubt: Notify::new() }
    }
}

impl Seen {
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<DirectoryHealth>> {
        self.health.subscribe()
    }

    /// Until the directory is known to be reachable, or not.
    pub(super) async fn until(&self, reachable: bool) {
        let mut seen = self.health.subscribe();
        // The sender is `self`.
        drop(seen.wait_for(|health| health.as_ref().is_some_and(|health| health.reachable == reachable)).await);
    }

    /// What the last look found; `None`: there was none yet.
    pub(super) fn now(&self) -> Option<DirectoryHealth> {
        self.health.borrow().clone()
    }

    /// A job met a directory that does not answer: look again at once.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    fn learn(&self, health: DirectoryHealth) {
        self.health.send_if_modified(|seen| {
            let changed = seen.as_ref().is_none_or(|seen| seen.reachable != health.reachable);
            if changed && health.reachable {
                tracing::info!(directory.dc = %health.dc, "the directory answers: asking for jobs");
            } else if changed {
                tracing::warn!("the directory does not answer: asking for no jobs until it does");
            }
            *seen = Some(health);
            changed
        });
    }
}

impl<D: Directory> Agent<D> {
    /// Keeps looking at the directory, which also keeps its connection warm.
    pub(super) async fn watch(&self) -> Infallible {
        loop {
            let mut looking = pin!(self.directory.health());
            let health = if let Ok(health) = timeout(PATIENCE, &mut looking).await {
                health
            } else {
                // Not broken off: a slow connection would never be made.
                self.seen.learn(DirectoryHealth::default());
                looking.await
            };
            self.seen.learn(health);
            tokio::select! {
                () = sleep(EVERY) => {}
                () = self.seen.doubt.notified() => {}
            }
        }
    }

    /// Tell the cloud, and learn what it says.
    pub(super) async fn beat(&self) -> Result<(), Failure> {
        let heartbeat = self.heartbeat().await;
        let answer = self.cloud.heartbeat(&heartbeat).await?;
        if answer.status == "active" {
            self.told.learn(&answer);
            rotation::learn(&self.state, &answer);
        }
        match answer.status.as_str() {
            "pending" => Err(Failure::Pending),
            "revoked" => Err(Failure::Revoked),
            _ => Ok(()),
        }
    }

    /// What the cloud is to know now; waits for the first look.
    async fn heartbeat(&self) -> Heartbeat {
        let mut seen = self.seen.subscribe();
        let directory = match seen.wait_for(Option::is_some).await {
            Ok(health) => health.clone().unwrap_or_default(),
            Err(_) => DirectoryHealth::default(),
        };
        Heartbeat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: self.time.own(),
            directory,
            jobs: self.executor.opened(),
            instance: Some(self.instance),
            audit: Some(self.audit.head()),
            removals_held: mirror::held(&self.state.dir).ok().flatten().and_then(|held| u32::try_from(held.people).ok()),
            canary: self.canary.as_ref().map(Canary::last).unwrap_or_default(),
            checkup: self.checkups.last(),
        }
    }
}
