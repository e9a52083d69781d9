//! The canary: an account that is nobody's, whose password is set at every server of the directory on a schedule, so that what people
//! would meet is known before they do. The cloud is told by heartbeats and keeps it for a chart.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::sleep;
use uuid::Uuid;

use super::{Agent, Directory};
use crate::{
    base::{config, id},
    wire::message::CanaryRun,
};

pub(super) struct Canary {
    user: Uuid,
    every: Duration,
    /// By server.
    last: Mutex<BTreeMap<String, CanaryRun>>,
}

impl Canary {
    /// `None` where the settings name none.
    pub(super) fn configured(settings: &config::Agent) -> Result<Option<Self>> {
        if settings.canary.is_empty() {
            return Ok(None);
        }
        let user = settings.canary.parse().context("agent.canary is no GUID of an object (objectGUID, entryUUID)")?;
        Ok(Some(Self { user, every: Duration::from_secs(settings.canary_seconds.max(1)), last: Mutex::default() }))
    }

    /// The last run at each server.
    pub(super) fn last(&self) -> Vec<CanaryRun> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Where it sang the last time.
    fn servers(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// A little less or more, so that several agents of one directory do not go on in step.
    fn pause(&self) -> Duration {
        let [random] = id::random_bytes::<1>();
        self.every.mul_f64(0.9 + 0.2 * f64::from(random) / 255.0)
    }
}

impl<D: Directory> Agent<D> {
    pub(super) async fn sing(&self) -> Infallible {
        let Some(canary) = &self.canary else { return std::future::pending().await };
        loop {
            // What is switched off in the cloud is not done here either.
            if self.told.may_write() {
                // An outage shows no server: those of the last time are tried, and what becomes of that is told.
                let servers = Some(self.servers()).filter(|servers| !servers.is_empty()).unwrap_or_else(|| canary.servers());
                let mut runs = BTreeMap::new();
                for server in servers {
                    let run = self.executor.canary(canary.user, &server).await;
                    runs.insert(server, run);
                }
                if !runs.is_empty() {
                    *canary.last.lock().unwrap_or_else(PoisonError::into_inner) = runs;
                    sleep(canary.pause()).await;
                    continue;
                }
            }
            sleep(Duration::from_secs(1).min(canary.every)).await;
        }
    }

    /// As the last look found them.
    fn servers(&self) -> Vec<String> {
        let health = self.seen.now().unwrap_or_default();
        let mut servers: Vec<String> = health.servers.into_iter().map(|server| server.name).collect();
        if servers.is_empty() {
            servers.extend((!health.dc.is_empty()).then_some(health.dc));
        }
        servers
    }
}
