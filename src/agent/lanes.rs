//! One job of a user at a time; jobs of different users do not wait for one another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// Lanes that nobody is in are forgotten when there are more than this.
const SWEEP_ABOVE: usize = 1024;

#[derive(Default)]
pub struct Lanes {
    lanes: Mutex<HashMap<Uuid, Weak<tokio::sync::Mutex<()>>>>,
}

impl Lanes {
    /// Waits for its turn; the lane is left when the guard is dropped.
    pub async fn enter(&self, user: Uuid) -> OwnedMutexGuard<()> {
        let lane = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            if lanes.len() > SWEEP_ABOVE {
                lanes.retain(|_, lane| lane.strong_count() > 0);
            }
            lanes.get(&user).and_then(Weak::upgrade).unwrap_or_else(|| {
                let lane = Arc::new(tokio::sync::Mutex::new(()));
                lanes.insert(user, Arc::downgrade(&lane));
                lane
            })
        };
        lane.lock_owned().await
    }
}
