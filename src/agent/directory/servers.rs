//! The servers of one directory, shared by all links to it: which is in use, how each is, and at which one a person was written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ldap3::Ldap;
use tokio::{
    sync::{Mutex as Turn, Semaphore, watch},
    time::Instant,
};
use uuid::Uuid;

use super::{
    Server, Trouble,
    choice::Choice,
    target::{Account, Opening, Place, Target},
};
use crate::{base::config, wire::message::ServerHealth};

/// After a refused bind of our own account: not at this server for so long, nor anywhere once it was refused this often. Three
/// tries in half an hour stay below the lockout thresholds in use.
const PAUSE_AFTER_REFUSED_BIND: Duration = Duration::from_mins(15);
const REFUSED_BINDS: usize = 3;
const REFUSED_WITHIN: Duration = Duration::from_mins(30);
/// Who was written at a server is read and written there for this long: replication inside a site takes seconds, between
/// sites 15 minutes where nobody changed it (and up to three hours where nobody configured it).
const STAYS: Duration = Duration::from_mins(15);
/// A job lives for less; who has been away for longer was not changed by one.
const LATELY: Duration = Duration::from_mins(10);
/// More than this many people written within that time do not fit into the limits of an hour.
const REMEMBERED: usize = 20_000;

pub(super) struct Servers {
    targets: Vec<Target>,
    choice: Mutex<Choice>,
    /// As each last told.
    known: Mutex<Vec<Option<Server>>>,
    /// No bind here before this; the reason.
    doors: Vec<Turn<Option<(Instant, String)>>>,
    /// Binds that may still be refused, and when those were that have been.
    tries: Semaphore,
    spent: Mutex<Vec<Instant>>,
    /// By person: the name of the server, and since when.
    written: Mutex<HashMap<Uuid, (String, Instant)>>,
    /// Bumped whenever a server was found to be gone.
    gone: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    /// Those of the settings, in their order.
    pub(super) fn configured(settings: &config::Directory) -> Result<Self> {
        let mut places = vec![Place::parse("agent.directory.url", &settings.url)?];
        for url in &settings.fallback_urls {
            let place = Place::parse("agent.directory.fallback_urls", url)?;
            if places.contains(&place) {
                bail!("agent.directory.fallback_urls names {url:?} twice");
            }
            places.push(place);
        }
        Self::new(settings, places)
    }

    /// Nearest first, then by priority and weight; among equals in the order given.
    pub(super) fn new(settings: &config::Directory, mut places: Vec<Place>) -> Result<Self> {
        places.sort_by_key(|place| (!place.near, place.priority, std::cmp::Reverse(place.weight)));
        let account = Arc::new(Account::new(settings)?);
        let targets = places
            .into_iter()
            .map(|place| Target::new(place, &settings.server_name, account.clone()))
            .collect::<Result<Vec<_>>>()
            .context("agent.directory")?;
        if targets.is_empty() {
            bail!("agent.directory.url names no server");
        }
        Ok(Self {
            choice: Mutex::new(Choice::new(targets.len(), Instant::now())),
            known: Mutex::new(vec![None; targets.len()]),
            doors: targets.iter().map(|_| Turn::default()).collect(),
            tries: Semaphore::new(REFUSED_BINDS),
            spent: Mutex::default(),
            targets,
            written: Mutex::default(),
            gone: watch::Sender::new(0),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn target(&self, at: usize) -> &Target {
        &self.targets[at]
    }

    /// Whom to ask, best first.
    pub(super) fn order(&self) -> Vec<usize> {
        lock(&self.choice).order()
    }

    pub(super) fn current(&self) -> usize {
        lock(&self.choice).current()
    }

    pub(super) fn is_well(&self, at: usize) -> bool {
        lock(&self.choice).health(at).is_well()
    }

    /// Whether nobody can have changed anything there lately. (Of the time before we began nothing is known.)
    pub(super) fn is_long_gone(&self, at: usize) -> bool {
        let choice = lock(&self.choice);
        let health = choice.health(at);
        health.failed.is_some() && health.lost.elapsed() > LATELY
    }

    /// Its own name, or its address until it told one.
    pub(super) fn name(&self, at: usize) -> String {
        lock(&self.known)[at].as_ref().map_or_else(|| self.targets[at].label(), |server| server.name.clone())
    }

    /// Those that last called themselves so. (Names that lead to any of several servers tell a different one now and then.)
    pub(super) fn called(&self, name: &str) -> Vec<usize> {
        (0..self.len()).filter(|at| self.name(*at) == name).collect()
    }

    pub(super) fn well(&self, at: usize, latency: Option<Duration>) {
        self.change(|choice| choice.well(at, Instant::now(), latency));
    }

    pub(super) fn failed(&self, at: usize, why: &str) {
        let news = {
            let choice = lock(&self.choice);
            choice.health(at).is_well() || choice.health(at).failed.is_none()
        };
        if news {
            tracing::warn!(directory.server = %self.name(at), error = %why, "a server of the directory is not usable");
        }
        self.change(|choice| choice.failed(at, Instant::now(), why));
        self.gone.send_modify(|count| *count += 1);
    }

    pub(super) fn slow(&self, at: usize, other: usize) {
        self.change(|choice| choice.slow(at, other, Instant::now()));
    }

    fn change(&self, change: impl FnOnce(&mut Choice)) {
        let (before, now) = {
            let mut choice = lock(&self.choice);
            let before = choice.current();
            change(&mut choice);
            (before, choice.current())
        };
        if before != now {
            tracing::warn!(directory.server = %self.name(now), directory.before = %self.name(before), "another server of the directory is in use");
        }
    }

    /// How each is, in order of preference.
    pub(super) fn health(&self) -> Vec<ServerHealth> {
        let health = |at| {
            let name = self.name(at);
            let choice = lock(&self.choice);
            let health = choice.health(at);
            let latency_ms = health.latency.map(|latency| u32::try_from(latency.as_millis()).unwrap_or(u32::MAX));
            ServerHealth { name, reachable: health.is_well(), latency_ms }
        };
        (0..self.len()).map(health).collect()
    }

    /// Until this server is not held to be well.
    pub(super) async fn until_gone(&self, at: usize) {
        let mut gone = self.gone.subscribe();
        // The sender is `self`.
        drop(gone.wait_for(|_| !self.is_well(at)).await);
    }

    /// The server at which this person was written lately.
    pub(super) fn written(&self, user: Uuid) -> Option<String> {
        lock(&self.written).get(&user).filter(|(_, at)| at.elapsed() < STAYS).map(|(server, _)| server.clone())
    }

    pub(super) fn write(&self, user: Uuid, server: &str) {
        let mut written = lock(&self.written);
        if written.len() >= REMEMBERED {
            written.retain(|_, (_, at)| at.elapsed() < STAYS);
        }
        written.insert(user, (server.to_owned(), Instant::now()));
    }

    /// A connection to this server, bound as the service account. After a *refused* bind there is a long pause, because the
    /// service account locks itself out by trying.
    pub(super) async fn bind(&self, at: usize) -> Result<(Ldap, Server), Trouble> {
        let unreachable = |why: &str, until: Instant| {
            let minutes = until.saturating_duration_since(Instant::now()).as_secs() / 60 + 1;
            Err(Trouble::Unreachable(format!("{why}; next try in {minutes} min, or restart the agent")))
        };
        // One at a time at each server.
        let mut door = self.doors[at].lock().await;
        if let Some((until, why)) = door.as_ref().filter(|(until, _)| *until > Instant::now()) {
            return unreachable(why, *until);
        }
        if let Some(until) = self.tries_spent() {
            return unreachable("other servers of the directory refuse the service account", until);
        }
        let Ok(trying) = self.tries.acquire().await else { return unreachable("no more tries", Instant::now()) };
        match self.targets[at].session().await? {
            Opening::Bound(ldap, server) => {
                *door = None;
                lock(&self.known)[at] = Some(server.clone());
                Ok((ldap, server))
            }
            Opening::Refused(why) => {
                trying.forget();
                lock(&self.spent).push(Instant::now());
                tracing::error!(
                    directory.server = %self.targets[at].label(),
                    error = %why,
                    "agent.directory.bind_dn or bind_password is wrong; waiting, so as not to lock the account"
                );
                *door = Some((Instant::now() + PAUSE_AFTER_REFUSED_BIND, why.clone()));
                Err(Trouble::Unreachable(why))
            }
        }
    }

    /// Until when, if all tries were used up.
    fn tries_spent(&self) -> Option<Instant> {
        let mut spent = lock(&self.spent);
        let before = spent.len();
        spent.retain(|at| at.elapsed() < REFUSED_WITHIN);
        self.tries.add_permits(before - spent.len());
        (spent.len() >= REFUSED_BINDS).then(|| spent[0] + REFUSED_WITHIN)
    }
}
