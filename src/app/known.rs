//! What is known without asking again: agents' access tokens that were verified, tenants that were loaded a moment ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{domain::tenants::Tenant, wire::jws::Access};

/// A tenant's name or language may be so old. Whether it or an agent is served is asked with every request.
const FRESH: Duration = Duration::from_secs(2);
/// Of each kind; then all are forgotten and learned again.
const MOST: usize = 50_000;

#[derive(Default)]
pub struct Known {
    tokens: Mutex<HashMap<[u8; 32], Arc<Access>>>,
    tenants: Mutex<HashMap<Uuid, (Instant, Arc<Tenant>)>>,
    hosts: Mutex<HashMap<String, (Instant, Arc<Tenant>)>>,
}

impl Known {
    /// The claims of a token with this SHA-256 whose signature was verified before; the caller judges the times.
    pub fn token(&self, hash: &[u8; 32]) -> Option<Arc<Access>> {
        lock(&self.tokens).get(hash).cloned()
    }

    pub fn learn_token(&self, hash: [u8; 32], access: &Arc<Access>) {
        make_room(&mut lock(&self.tokens)).insert(hash, access.clone());
    }

    pub fn tenant(&self, tenant: Uuid) -> Option<Arc<Tenant>> {
        let tenants = lock(&self.tenants);
        tenants.get(&tenant).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, tenant)| tenant.clone())
    }

    /// Whose portal answers at `host`.
    pub fn host(&self, host: &str) -> Option<Arc<Tenant>> {
        let hosts = lock(&self.hosts);
        hosts.get(host).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, tenant)| tenant.clone())
    }

    pub fn learn_host(&self, host: &str, tenant: &Arc<Tenant>) {
        make_room(&mut lock(&self.hosts)).insert(host.to_owned(), (Instant::now(), tenant.clone()));
    }

    pub fn learn_tenant(&self, tenant: &Arc<Tenant>) {
        make_room(&mut lock(&self.tenants)).insert(tenant.scope.id(), (Instant::now(), tenant.clone()));
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_room<K, V>(map: &mut HashMap<K, V>) -> &mut HashMap<K, V> {
    if map.len() >= MOST {
        map.clear();
    }
    map
}
