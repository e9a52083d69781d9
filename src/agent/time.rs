//! The agent's clock, corrected by the cloud's: proofs and expiry are judged by the same time on both ends.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
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
    /// Seconds that the cloud is ahead of us.
    skew: Arc<AtomicI64>,
}

impl Time {
    pub fn new(clock: Clock) -> Self {
        Self { clock, skew: Arc::default() }
    }

    /// Seconds since 1970 by our own clock.
    pub fn own(&self) -> i64 {
        self.clock.seconds()
    }

    /// Seconds since 1970 as the cloud counts them: for proofs.
    pub fn cloud(&self) -> i64 {
        self.clock.seconds() + self.skew.load(Ordering::Relaxed)
    }

    /// What decisions go by: seconds since 1970, corrected by [`FARTHEST`] at most.
    pub fn now(&self) -> i64 {
        self.clock.seconds() + self.bounded()
    }

    /// [`Self::now`] in milliseconds.
    pub fn millis(&self) -> i64 {
        self.clock.millis() + 1000 * self.bounded()
    }

    fn bounded(&self) -> i64 {
        self.skew.load(Ordering::Relaxed).clamp(-FARTHEST, FARTHEST)
    }

    /// The cloud said `now` in an answer to a question asked at `asked` (by [`Self::own`]).
    pub fn correct(&self, asked: i64, now: i64) {
        let own = self.own();
        if own - asked > SLOWEST {
            return;
        }
        let skew = now - i64::midpoint(asked, own);
        let before = self.skew.swap(skew, Ordering::Relaxed);
        if (skew - before).abs() > 10 {
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
        // An answer that was long under way says nothing.
        time.correct(own - 30, own);
        assert!((time.cloud() - own + 7200).abs() <= 1);
    }
}
