//! What administrators switched on and off in the cloud, as heartbeats tell it. An agent that is asked for nothing says why, once
//! per change, and leaves it on the disk for `sspr agent doctor`.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::state;
use crate::wire::message::HeartbeatAnswer;

const FILE: &str = "features.json";

/// `features.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    pub self_service: bool,
    pub writeback: bool,
    pub unlock: bool,
    /// Seconds since 1970 at which it became so for this agent.
    pub since: i64,
}

/// What the cloud last said.
pub(super) struct Told {
    dir: PathBuf,
    connector: Uuid,
    last: Mutex<Option<Features>>,
}

impl Told {
    pub(super) fn new(dir: &Path, connector: Uuid) -> Self {
        Self { dir: dir.to_owned(), connector, last: Mutex::default() }
    }

    /// Whether writeback is known to be on.
    pub(super) fn may_write(&self) -> bool {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|last| last.writeback)
    }

    pub(super) fn learn(&self, answer: &HeartbeatAnswer) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let HeartbeatAnswer { self_service, writeback, unlock, now: since, .. } = *answer;
        if last.as_ref().is_some_and(|last| (last.self_service, last.writeback, last.unlock) == (self_service, writeback, unlock)) {
            return;
        }
        let connector = self.connector;
        match (self_service, writeback) {
            (true, true) => tracing::info!(feature.unlock = unlock, "writeback is on: jobs may change the directory"),
            (_, false) => {
                tracing::warn!(
                    "writeback is off: no job will come until it is switched on in the cloud: sspr connector writeback {connector} on"
                );
            }
            (false, true) => {
                tracing::warn!("self-service is off, so nobody is served: in the cloud: sspr tenant set TENANT --self-service true");
            }
        }
        let features = Features { self_service, writeback, unlock, since };
        let saved = serde_json::to_vec(&features).context("as JSON").and_then(|text| state::write(&self.dir.join(FILE), &text));
        if let Err(error) = saved {
            tracing::warn!(error = format!("{error:#}"), "what is switched on could not be kept for sspr agent doctor");
        }
        *last = Some(features);
    }
}

/// What the agent of this directory was last told; `None` if it was told nothing yet.
pub fn last(dir: &Path) -> Result<Option<Features>> {
    match std::fs::read(dir.join(FILE)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).with_context(|| format!("{} is damaged", dir.join(FILE).display()))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", dir.join(FILE).display())),
    }
}
