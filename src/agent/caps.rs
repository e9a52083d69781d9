//! How many passwords this agent changes per hour, for one user and in all: it bounds what a cloud gone wrong can do.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

/// Seconds.
const WINDOW: i64 = 3600;

/// Counts intents: a change is counted before it is tried, and given back when it certainly did not happen.
pub struct Caps {
    /// 0 is no limit.
    per_user: usize,
    in_all: usize,
    counted: Mutex<VecDeque<(i64, Uuid)>>,
}

impl Caps {
    /// `counted`: times (seconds since 1970) and users of what was changed lately, in any order.
    pub fn new(per_user: u32, in_all: u32, counted: impl IntoIterator<Item = (i64, Uuid)>) -> Self {
        let mut counted = counted.into_iter().collect::<Vec<_>>();
        counted.sort_unstable();
        Self { per_user: per_user as usize, in_all: in_all as usize, counted: Mutex::new(counted.into()) }
    }

    /// Count one change of `user` if both limits allow it.
    #[must_use]
    pub fn take(&self, user: Uuid, now: i64) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        while counted.front().is_some_and(|&(at, _)| at <= now - WINDOW) {
            counted.pop_front();
        }
        // What lies in the future was counted before the clock was set back; it counts.
        let of_user = counted.iter().filter(|&&(_, counted)| counted == user).count();
        let full = |limit: usize, count: usize| limit != 0 && count >= limit;
        if full(self.in_all, counted.len()) || full(self.per_user, of_user) {
            return false;
        }
        counted.push_back((now, user));
        true
    }

    /// The latest counted change of `user` did not happen.
    pub fn give_back(&self, user: Uuid) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = counted.iter().rposition(|&(_, counted)| counted == user) {
            counted.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_for_an_hour() {
        let [ann, ben] = [1, 2].map(Uuid::from_u128);
        let caps = Caps::new(2, 3, [(100, ann)]);
        assert!(caps.take(ann, 200));
        assert!(!caps.take(ann, 300), "two of one user");
        caps.give_back(ann);
        assert!(caps.take(ann, 300));
        assert!(caps.take(ben, 300));
        assert!(!caps.take(ben, 300), "three in all");
        assert!(caps.take(ben, 100 + WINDOW), "the first is an hour old");
        let free = Caps::new(0, 0, []);
        assert!((0..5000).all(|now| free.take(ann, now)));
    }
}
