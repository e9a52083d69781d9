//! The servers of one directory, shared by all links to it: which is in use, how each is, and at which one a person was written.
//!
//! Some are named by the settings, and stay. Others DNS names ([`super::discovery`]): they come and go. One that DNS does not name any more
//! is not chosen any more, but stays reachable for as long as somebody may have been written there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
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
    discovery::Discovery,
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
/// One that is not named any more is forgotten after this: nobody is sent there for [`STAYS`], and what was changed before is sought
/// for [`LATELY`].
const GRACE: Duration = STAYS.saturating_add(LATELY);
/// Servers that are remembered at once, those that left lately included.
const MOST: usize = 64;

pub(super) struct Servers {
    account: Arc<Account>,
    /// By number.
    members: RwLock<Vec<Member>>,
    /// How many of them the settings name: the first ones.
    named: usize,
    discovery: Option<Discovery>,
    choice: Mutex<Choice>,
    /// Binds that may still be refused, and when those were that have been.
    tries: Semaphore,
    spent: Mutex<Vec<Instant>>,
    /// By person: the name of the server, and since when.
    written: Mutex<HashMap<Uuid, (String, Instant)>>,
    /// Bumped whenever a server was found to be gone, or to be back.
    turned: watch::Sender<u64>,
}

struct Member {
    target: Arc<Target>,
    /// As it last told.
    server: Option<Server>,
    /// No bind here before this; the reason.
    door: Arc<Turn<Option<(Instant, String)>>>,
    /// Since when DNS does not name it any more.
    left: Option<Instant>,
}

impl Member {
    fn new(target: Target) -> Self {
        Self { target: Arc::new(target), server: None, door: Arc::default(), left: None }
    }

    fn left_within(&self, time: Duration) -> bool {
        self.left.is_none_or(|left| left.elapsed() < time)
    }

    fn name(&self) -> String {
        self.server.as_ref().map_or_else(|| self.target.label(), |server| server.name.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    /// Those of the settings, in their order, and whom DNS will name.
    pub(super) fn configured(settings: &config::Directory) -> Result<Self> {
        let discovery = Discovery::new(settings)?;
        let account = Arc::new(Account::new(settings)?);
        let mut members: Vec<Member> = Vec::new();
        let urls = (!settings.url.is_empty() || discovery.is_none()).then_some(("agent.directory.url", &settings.url));
        for (setting, url) in urls.into_iter().chain(settings.fallback_urls.iter().map(|url| ("agent.directory.fallback_urls", url))) {
            let place = Place::parse(setting, url)?;
            if members.iter().any(|member| *member.target.place() == place) {
                bail!("{setting} names {url:?} twice");
            }
            members.push(Member::new(Target::new(place, &settings.server_name, account.clone()).context("agent.directory")?));
        }
        let mut choice = Choice::default();
        (0..members.len()).for_each(|at| choice.begin(at, Instant::now()));
        choice.prefer((0..members.len()).collect(), Instant::now());
        Ok(Self {
            account,
            named: members.len(),
            members: RwLock::new(members),
            discovery,
            choice: Mutex::new(choice),
            tries: Semaphore::new(REFUSED_BINDS),
            spent: Mutex::default(),
            written: Mutex::default(),
            turned: watch::Sender::new(0),
        })
    }

    fn members(&self) -> RwLockReadGuard<'_, Vec<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn those(&self, which: impl Fn(&Member) -> bool) -> Vec<usize> {
        self.members().iter().enumerate().filter(|(_, member)| which(member)).map(|(at, _)| at).collect()
    }

    /// Everybody who may be asked something.
    pub(super) fn all(&self) -> Vec<usize> {
        self.those(|member| member.left_within(GRACE))
    }

    /// Those that are forgotten.
    pub(super) fn past(&self) -> Vec<usize> {
        self.those(|member| !member.left_within(GRACE))
    }

    pub(super) fn target(&self, at: usize) -> Arc<Target> {
        self.members()[at].target.clone()
    }

    /// Whether DNS is to be asked now.
    pub(super) fn is_due(&self) -> bool {
        self.discovery.as_ref().is_some_and(Discovery::is_due)
    }

    /// Ask DNS, if it is time. What was known stays where it does not answer.
    pub(super) async fn find(&self) {
        let Some(discovery) = &self.discovery else { return };
        discovery.look(|places| self.found(places)).await;
    }

    /// Best first.
    fn found(&self, places: Vec<Place>) {
        let mut order: Vec<usize> = (0..self.named).collect();
        {
            let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
            let mut named = Vec::new();
            for place in places {
                let known = members.iter().position(|member| *member.target.place() == place);
                let Some(at) = known.or_else(|| self.admit(place, &mut members)) else { continue };
                named.push(at);
            }
            for (at, member) in members.iter_mut().enumerate().skip(self.named) {
                if named.contains(&at) {
                    member.left = None;
                } else if member.left.is_none() {
                    member.left = Some(Instant::now());
                    tracing::info!(directory.server = %member.name(), "DNS does not name this server of the directory any more");
                }
            }
            order.extend(named.into_iter().filter(|at| *at >= self.named));
        }
        self.change(|choice| choice.prefer(order, Instant::now()));
    }

    /// A number for a new one: the next, or that of one that is forgotten.
    fn admit(&self, place: Place, members: &mut Vec<Member>) -> Option<usize> {
        let dns_server = self.discovery.as_ref().map_or("", |discovery| discovery.dns_server.as_str());
        let target = Target::found(place, dns_server, self.account.clone())
            .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "DNS names a server that cannot be one"))
            .ok()?;
        let free = (members.len() < MOST).then_some(members.len());
        let Some(at) = free.or_else(|| members.iter().position(|member| !member.left_within(GRACE))) else {
            tracing::warn!(directory.server = %target.label(), "DNS has named too many servers lately; this one is left out");
            return None;
        };
        tracing::info!(directory.server = %target.label(), "DNS names a server of the directory");
        if at < members.len() {
            members[at] = Member::new(target);
        } else {
            members.push(Member::new(target));
        }
        // Before anybody sees the number.
        lock(&self.choice).begin(at, Instant::now());
        Some(at)
    }

    /// [`Self::order`]; where nobody is known yet, DNS is waited for.
    pub(super) async fn known_order(&self) -> Vec<usize> {
        let order = self.order();
        if !order.is_empty() {
            return order;
        }
        self.find().await;
        self.order()
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
        self.members().get(at).map(Member::name).unwrap_or_default()
    }

    /// Those that last called themselves so. (Names that lead to any of several servers tell a different one now and then.)
    pub(super) fn called(&self, name: &str) -> Vec<usize> {
        self.those(|member| member.left_within(GRACE) && member.name() == name)
    }

    pub(super) fn well(&self, at: usize, latency: Option<Duration>) {
        let was_well = self.is_well(at);
        self.change(|choice| choice.well(at, Instant::now(), latency));
        if !was_well {
            self.turned.send_modify(|count| *count += 1);
        }
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
        self.turned.send_modify(|count| *count += 1);
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
        let preferred = lock(&self.choice).preferred().to_vec();
        preferred.into_iter().map(health).collect()
    }

    /// Until this server is not held to be well.
    pub(super) async fn until_gone(&self, at: usize) {
        self.until(|| !self.is_well(at)).await;
    }

    /// Until this server is not held to be well, and another is.
    pub(super) async fn until_another(&self, at: usize) {
        self.until(|| !self.is_well(at) && self.order().into_iter().any(|other| self.is_well(other))).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        let mut turned = self.turned.subscribe();
        // The sender is `self`.
        drop(turned.wait_for(|_| is_so()).await);
    }

    /// The server at which this person was written lately, by all its ways.
    pub(super) fn written(&self, user: Uuid) -> Option<Vec<usize>> {
        let name = lock(&self.written).get(&user).filter(|(_, at)| at.elapsed() < STAYS).map(|(server, _)| server.clone())?;
        Some(self.those(|member| member.left_within(STAYS) && member.name() == name))
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
        let (target, door) = {
            let members = self.members();
            (members[at].target.clone(), members[at].door.clone())
        };
        let mut door = door.lock().await;
        if let Some((until, why)) = door.as_ref().filter(|(until, _)| *until > Instant::now()) {
            return unreachable(why, *until);
        }
        if let Some(until) = self.tries_spent() {
            return unreachable("other servers of the directory refuse the service account", until);
        }
        let Ok(trying) = self.tries.acquire().await else { return unreachable("no more tries", Instant::now()) };
        match target.session().await? {
            Opening::Bound(ldap, server) => {
                *door = None;
                let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
                // Its number may be another's by now.
                if let Some(member) = members.get_mut(at).filter(|member| Arc::ptr_eq(&member.target, &target)) {
                    member.server = Some(server.clone());
                }
                Ok((ldap, server))
            }
            Opening::Refused(why) => {
                trying.forget();
                lock(&self.spent).push(Instant::now());
                tracing::error!(
                    directory.server = %target.label(),
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
