//! The agent's clock, corrected by the cloud's: proofs and expiry are judged by the same time on both ends.
//!
//! Two readings, and the later one counts: this machine's clock with the last known difference, and the cloud's last word with
//! the time that passed since on the monotonic clock. A clock that is set back would let old jobs pass by the first; a machine
//! that slept, whose monotonic clock stood still, by the second. One that is set forward refuses jobs until the next heartbeat.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::base::clock::Clock;

/// The cloud may move our idea of "now" this far and no farther, in seconds: otherwise it could keep old jobs alive for ever.
/// Kerberos keeps a domain's clocks within 5 minutes.
const FARTHEST: i64 = 900;
/// Answers that took longer say too little about the time.
const SLOWEST: i64 = 3;

#[derive(Clone)]
pub struct Time {
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    /// Seconds that the cloud is ahead of our clock.
    skew: i64,
    /// What the cloud said (within [`FARTHEST`] of our clock then), and when.
    anchor: Option<(i64, Instant)>,
}

impl Time {
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Arc::default() }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This machine's.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Seconds since 1970 by our own clock.
    pub fn own(&self) -> i64 {
        self.clock.seconds()
    }

    /// Seconds since 1970 as the cloud counts them: for proofs.
    pub fn cloud(&self) -> i64 {
        self.clock.seconds() + self.known().skew
    }

    /// What decisions go by: seconds since 1970, corrected by [`FARTHEST`] at most.
    pub fn now(&self) -> i64 {
        self.millis() / 1000
    }

    /// [`Self::now`] in milliseconds.
    pub fn millis(&self) -> i64 {
        let known = self.known();
        let own = self.clock.millis() + 1000 * known.skew.clamp(-FARTHEST, FARTHEST);
        let passed = |at: Instant| i64::try_from(at.elapsed().as_millis()).unwrap_or(0);
        known.anchor.map_or(own, |(now, at)| own.max(1000 * now + passed(at)))
    }

    /// The cloud said `now` in an answer to a question asked at `asked` (by [`Self::own`]).
    pub fn correct(&self, asked: i64, now: i64) {
        let own = self.own();
        if own - asked > SLOWEST {
            return;
        }
        let skew = now - i64::midpoint(asked, own);
        let anchor = Some((own + skew.clamp(-FARTHEST, FARTHEST), Instant::now()));
        let before = std::mem::replace(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner), Known { skew, anchor });
        if (skew - before.skew).abs() > 10 {
            tracing::warn!(clock.skew_seconds = skew, "this machine's clock differs from the cloud's; set it (NTP)");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_corrects_proofs_freely_and_decisions_within_bounds() {
        let time = Time::new(Clock::system());
        let own = time.own();
        time.correct(own, own + 100);
        assert!((time.cloud() - own - 100).abs() <= 1 && (time.now() - own - 100).abs() <= 1);
        time.correct(own, own - 7200);
        assert!((time.cloud() - own + 7200).abs() <= 1 && (time.now() - own + FARTHEST).abs() <= 1);
        // Set back an hour: the cloud's last word holds.
        time.correct(own, own);
        time.clock.advance(-3600);
        assert!((time.now() - own).abs() <= 1);
        time.clock.advance(3600);
        time.correct(own, own - 7200);
        // An answer that was long under way says nothing.
        time.correct(own - 30, own + 7200);
        assert!((time.cloud() - own + 7200).abs() <= 1);
    }
}
