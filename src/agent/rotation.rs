//! Replacing the identity key: when it is old, when somebody asks for it, and when an earlier try was not finished.
//!
//! Asking is a file in the state directory, so that the one process that holds the directory does it, and only that.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use super::{
    Agent,
    audit::{self, Audit, Entry},
    backoff::Backoff,
    cloud::{Cloud, Failure},
    directory::Directory,
    keys::Keys,
    state::{self, State},
    time::Time,
};
use crate::{
    base::{clock::Clock, config},
    wire::{keys::fingerprint, message::HeartbeatAnswer},
};

/// Whoever wants a new identity makes this file; it goes when that is done.
const ASKED: &str = "rotate";
/// Between two looks for it.
const LOOK: Duration = Duration::from_secs(1);
/// How long the command line waits for the running agent.
const PATIENCE: Duration = Duration::from_mins(2);

/// When the next try may be made.
#[derive(Default)]
pub(super) struct Rotation {
    /// Fingerprint of the identity that the audit knows of.
    audited: Option<String>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Rotation {
    fn waits(&self) -> bool {
        self.not_before.is_some_and(|at| Instant::now() < at)
    }
}

/// Seconds an identity lives; `None`: for ever.
pub(super) fn life(settings: &config::Agent) -> Option<i64> {
    (settings.identity_days > 0).then(|| i64::from(settings.identity_days) * 86_400)
}

/// Until somebody asks, or another try after a failed one is due.
pub(super) async fn asked(dir: &Path, rotation: &Rotation) {
    while rotation.waits() || !dir.join(ASKED).exists() {
        sleep(LOOK).await;
    }
}

/// Ask for it where an administrator does in the cloud, and it has not been done since they did.
pub(super) fn learn(state: &State, answer: &HeartbeatAnswer) {
    if answer.rotate.as_deref() == Some(&*fingerprint(state.identity.current().public()))
        && let Err(error) = state::write(&state.dir.join(ASKED), b"")
    {
        tracing::error!(error = format!("{error:#}"), "the cloud asks for a new identity, and that cannot be written down");
    }
}

impl<D: Directory> Agent<D> {
    /// Replaces the identity if it is time. A failure that does not pass ends the agent.
    pub(super) async fn keep_identity(&self, rotation: &mut Rotation) -> Option<Failure> {
        let identity = &self.state.identity;
        self.audit_identity(rotation).await;
        let is_old = || {
            let age = identity.made_at().map_or(0, |made| self.time.now() - made);
            self.identity_life.is_some_and(|life| age >= life)
        };
        let file = self.state.dir.join(ASKED);
        if rotation.waits() || !(identity.next().is_some() || file.exists() || is_old()) {
            return None;
        }
        match replace(&self.cloud, &self.keys, &self.time).await {
            Ok(()) => {
                *rotation = Rotation { audited: rotation.audited.take(), ..Rotation::default() };
                self.audit_identity(rotation).await;
                if let Err(error) = fs::remove_file(&file)
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    tracing::error!(error = %error, "the request for a new identity cannot be removed; it will be replaced again");
                    rotation.not_before = Some(Instant::now() + PATIENCE);
                }
                None
            }
            Err(Failure::Revoked) => Some(Failure::Revoked),
            Err(failure) => {
                let pause = rotation.backoff.after(&failure, "the cloud did not take a new identity key");
                rotation.not_before = Some(Instant::now() + pause);
                None
            }
        }
    }
}

impl<D> Agent<D> {
    /// A change may also come to light when a token is asked for after an answer was lost.
    async fn audit_identity(&self, rotation: &mut Rotation) {
        let after = fingerprint(self.state.identity.current().public());
        if let Some(before) = rotation.audited.replace(after.clone()).filter(|before| *before != after) {
            self.audit.note(self.time.now(), Entry::Identity { before, after }).await;
        }
    }
}

async fn replace(cloud: &Cloud, keys: &Keys, time: &Time) -> Result<(), Failure> {
    let statements = keys.statements(time.now());
    let carried = cloud.replace_identity(&statements).await?;
    for statement in statements.iter().filter(|_| carried) {
        if let Err(error) = keys.published(statement.epoch) {
            tracing::warn!(error = format!("{error:#}"), "a sealing key will be published again");
        }
    }
    Ok(())
}

/// `sspr agent rotate`: by the agent that runs, or here if none does. The new fingerprint.
pub async fn rotate(settings: &config::Agent, clock: Clock) -> Result<String> {
    let dir = &settings.state_dir;
    let before = print(dir)?;
    if state::is_taken(dir)? {
        state::write(&dir.join(ASKED), b"")?;
        let begun = Instant::now();
        while dir.join(ASKED).exists() {
            if begun.elapsed() > PATIENCE {
                bail!("the running agent has not done it yet; it goes on trying, and its log says why");
            }
            sleep(LOOK).await;
        }
    } else {
        let state = State::load(dir)?;
        let time = Time::new(clock);
        let cloud = Cloud::new(&state.me.cloud_url, state.identity.clone(), Some(state.me.agent), time.clone())?;
        let keys = Arc::new(Keys::load(dir, time.now())?);
        let audit = Audit::open(&audit::path(settings), time.now())?;
        replace(&cloud, &keys, &time).await?;
        audit.write(time.now(), &Entry::Identity { before: before.clone(), after: fingerprint(state.identity.current().public()) })?;
        let asked = fs::remove_file(dir.join(ASKED));
        if let Err(error) = asked
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).context("removing an older request");
        }
    }
    let after = print(dir)?;
    if after == before {
        bail!("the identity is still the same");
    }
    Ok(after)
}

fn print(dir: &Path) -> Result<String> {
    let (_, identity) = state::look(dir)?.with_context(|| format!("{} holds no enrolled agent", dir.display()))?;
    Ok(fingerprint(identity.current().public()))
}
