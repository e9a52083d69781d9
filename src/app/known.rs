//! What is known without asking again: access tokens that were verified, tenants that were loaded a moment ago, and which of them can
//! serve at all. A change is heard of ([`super::Wake`]) within milliseconds; should that word get lost, all is asked anew soon.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::body::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::App;
use crate::{
    base::db::Plans,
    domain::{
        branding,
        fleet::{self, Readiness},
        tenants::{self, Logo, Scope, Tenant},
        work::{self, Load},
    },
    wire::jws::Access,
};

/// A tenant's name or language may be so old. Whether it or an agent is served is asked with every request.
const FRESH: Duration = Duration::from_secs(2);
/// A portal's first page may be so old before one visitor asks again, for all others that come meanwhile. What counts is asked again
/// with the ticket and with the job.
const PORTAL: time::Duration = time::Duration::SECOND;
/// Of each kind; then all are forgotten and learned again.
const MOST: usize = 50_000;
/// The same of logos, each of which has up to half a megabyte.
const MOST_LOGOS: usize = 64;

#[derive(Default)]
pub struct Known {
    tokens: Mutex<HashMap<[u8; 32], Arc<Access>>>,
    tenants: Mutex<HashMap<Uuid, (Instant, Arc<Tenant>)>>,
    /// By host name.
    portals: Mutex<HashMap<String, Kept<Arc<Tenant>>>>,
    /// How busy it is.
    load: Mutex<HashMap<(), Kept<Arc<Load>>>>,
    /// Tenants whose resets could work. What cannot is never kept: it is to be seen at once when it can.
    ready: Mutex<HashMap<Uuid, Kept<()>>>,
    /// By tenant and by what is in them, so that none is ever out of date.
    logos: Mutex<HashMap<(Uuid, String), Bytes>>,
    /// Counts the changes that were heard of: what was read before one is not learned after it.
    changes: AtomicU64,
}

/// As it was found then.
struct Kept<V> {
    value: V,
    at: OffsetDateTime,
    /// It is no longer fresh, and somebody is asking.
    asked: bool,
}

impl Known {
    /// The claims of a token with this SHA-256 whose signature was verified before; the caller judges the times.
    pub fn token(&self, hash: &[u8; 32]) -> Option<Arc<Access>> {
        lock(&self.tokens).get(hash).cloned()
    }

    pub fn learn_token(&self, hash: [u8; 32], access: &Arc<Access>) {
        make_room(&mut lock(&self.tokens), MOST).insert(hash, access.clone());
    }

    pub fn tenant(&self, tenant: Uuid) -> Option<Arc<Tenant>> {
        let tenants = lock(&self.tenants);
        tenants.get(&tenant).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, tenant)| tenant.clone())
    }

    pub fn learn_tenant(&self, tenant: &Arc<Tenant>) {
        make_room(&mut lock(&self.tenants), MOST).insert(tenant.scope.id(), (Instant::now(), tenant.clone()));
    }

    /// Something of this tenant was changed.
    pub(super) fn forget(&self, tenant: Uuid) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        lock(&self.tenants).remove(&tenant);
        lock(&self.portals).retain(|_, kept| kept.value.scope.id() != tenant);
        lock(&self.ready).remove(&tenant);
    }

    /// Changes may have been missed.
    pub(super) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        lock(&self.tenants).clear();
        lock(&self.portals).clear();
        lock(&self.ready).clear();
    }

    fn learn<K: Eq + Hash, V>(&self, what: &Mutex<HashMap<K, Kept<V>>>, key: K, value: V, at: OffsetDateTime, changes: u64) {
        let mut what = lock(what);
        // Asked under the lock: whoever counts a change now has yet to take it.
        if self.changes.load(Ordering::SeqCst) == changes {
            make_room(&mut what, MOST).insert(key, Kept { value, at, asked: false });
        }
    }
}

impl App {
    /// The tenant whose portal answers at `host` (no port), as it was a moment ago.
    pub async fn portal(&self, host: &str) -> Result<Option<Arc<Tenant>>> {
        let (known, now) = (&self.known, self.clock.now());
        if let Some(kept) = lock(&known.portals).get_mut(host).and_then(|kept| kept.still(now)) {
            return Ok(Some(kept));
        }
        seldom(async {
            let changes = known.changes.load(Ordering::SeqCst);
            let mut conn = self.db.acquire().await?;
            let found = tenants::by_host(&mut conn, &self.ring, host).await?.map(Arc::new);
            match &found {
                Some(tenant) => known.learn(&known.portals, host.to_owned(), tenant.clone(), now, changes),
                None => drop(lock(&known.portals).remove(host)),
            }
            Ok(found)
        })
        .await
    }

    /// Whether a reset of this tenant's people could work, as it was a moment ago.
    pub async fn readiness(&self, scope: &Scope) -> Result<Readiness> {
        let (known, now) = (&self.known, self.clock.now());
        if lock(&known.ready).get_mut(&scope.id()).and_then(|kept| kept.still(now)).is_some() {
            return Ok(Readiness::Ready);
        }
        seldom(async {
            let changes = known.changes.load(Ordering::SeqCst);
            let mut conn = self.db.acquire().await?;
            let found = fleet::readiness(&mut conn, scope, &self.clock, None).await?;
            match found {
                Readiness::Ready => known.learn(&known.ready, scope.id(), (), now, changes),
                _ => drop(lock(&known.ready).remove(&scope.id())),
            }
            Ok(found)
        })
        .await
    }

    /// A tenant's logo: whoever fetches it again and again asks the database once.
    pub async fn logo(&self, tenant: &Tenant, logo: &Logo) -> Result<Option<Bytes>> {
        let (logos, key) = (&self.known.logos, (tenant.scope.id(), logo.hash.clone()));
        if let Some(kept) = lock(logos).get(&key).cloned() {
            return Ok(Some(kept));
        }
        let mut conn = self.wall.acquire(&tenant.scope, Plans::Kept).await?;
        let found = branding::picture(&mut conn, &tenant.scope, &logo.hash).await?.map(Bytes::from);
        if let Some(png) = &found {
            make_room(&mut lock(logos), MOST_LOGOS).insert(key, png.clone());
        }
        Ok(found)
    }

    /// How busy it is, as of a moment ago.
    pub async fn load(&self) -> Result<Arc<Load>> {
        let (known, now) = (&self.known, self.clock.now());
        if let Some(kept) = lock(&known.load).get_mut(&()).and_then(|kept| kept.still(now)) {
            return Ok(kept);
        }
        seldom(async {
            let changes = known.changes.load(Ordering::SeqCst);
            let mut conn = self.db.acquire().await?;
            let found = Arc::new(work::load(&mut conn, &self.clock).await?);
            known.learn(&known.load, (), found.clone(), now, changes);
            Ok(found)
        })
        .await
    }
}

impl<V: Clone> Kept<V> {
    /// `None`: ask. One asks when it is no longer fresh; the others wait for nobody, unless that takes too long.
    fn still(&mut self, now: OffsetDateTime) -> Option<V> {
        let age = now - self.at;
        let good = if self.asked { 2 * PORTAL } else { PORTAL };
        // A clock that was set back tells nothing about age.
        if age.is_negative() || age >= good {
            self.asked = true;
            return None;
        }
        Some(self.value.clone())
    }
}

/// On the heap: what nearly every page goes without would make all that it is wrapped in larger, and be moved about with it.
fn seldom<T>(asks: impl Future<Output = Result<T>> + Send) -> impl Future<Output = Result<T>> + Send {
    Box::pin(asks)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_room<K, V>(map: &mut HashMap<K, V>, most: usize) -> &mut HashMap<K, V> {
    if map.len() >= most {
        map.clear();
    }
    map
}
