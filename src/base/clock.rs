//! The time, handed in wherever it matters, so that a test can set it and so that all nodes have the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use time::{Duration, OffsetDateTime};

/// UTC, as the machine has it, or as a database that is followed has it; tests move it with [`Clock::advance`].
#[derive(Clone, Default)]
pub struct Clock {
    /// Seconds ahead.
    ahead: Arc<AtomicI64>,
    /// Instead of the machine's clock.
    followed: Option<Arc<Followed>>,
}

/// Goes on by the machine's monotonic clock, which nobody sets.
struct Followed {
    since: Instant,
    /// Nanoseconds since 1970 at `since`.
    nanos: AtomicI64,
}

/// Smaller differences are those of asking.
const NOTEWORTHY: Duration = Duration::milliseconds(50);

impl Clock {
    pub fn system() -> Self {
        Self::default()
    }

    /// This clock from now on by another one than the machine's: what that one shows is told to [`Clock::follow`]. Somebody who sets
    /// the machine's clock changes nothing.
    #[must_use]
    pub fn following(&self, shown: OffsetDateTime) -> Self {
        let followed = Followed { since: Instant::now(), nanos: AtomicI64::new(nanos(shown)) };
        Self { ahead: self.ahead.clone(), followed: Some(Arc::new(followed)) }
    }

    /// The followed clock shows this, now. Answers how far we were off, if that is worth a word.
    pub fn follow(&self, shown: OffsetDateTime) -> Option<Duration> {
        let followed = self.followed.as_ref()?;
        let off = shown - (self.now() - self.ahead());
        if off.abs() < NOTEWORTHY {
            return None;
        }
        followed.nanos.fetch_add(i64::try_from(off.whole_nanoseconds()).unwrap_or(0), Ordering::SeqCst);
        Some(off)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> OffsetDateTime {
        let now = self.followed.as_ref().map_or_else(OffsetDateTime::now_utc, |followed| {
            let start = OffsetDateTime::UNIX_EPOCH + Duration::nanoseconds(followed.nanos.load(Ordering::SeqCst));
            start + followed.since.elapsed()
        });
        now + self.ahead()
    }

    /// How far tests have moved it; for what goes by the database's own clock.
    pub fn ahead(&self) -> Duration {
        Duration::seconds(self.ahead.load(Ordering::SeqCst))
    }

    /// Whole seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.now().unix_timestamp()
    }

    /// Milliseconds since 1970.
    pub fn millis(&self) -> i64 {
        i64::try_from(self.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Jump ahead (or back), for all clones at once.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn nanos(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_followed_clock_goes_on_and_is_set_only_by_what_it_follows() {
        let machine = Clock::system();
        let shown = machine.now() + Duration::minutes(10);
        let clock = machine.following(shown);
        assert!(clock.now() >= shown && clock.now() < shown + Duration::SECOND);
        assert_eq!(clock.follow(clock.now()), None, "what is hardly off is left alone");
        let off = clock.follow(machine.now()).unwrap();
        assert!((off + Duration::minutes(10)).abs() < Duration::SECOND && (clock.now() - machine.now()).abs() < Duration::SECOND);
        machine.advance(60);
        assert!(clock.now() > machine.now() - Duration::SECOND, "tests move both");
        assert_eq!(clock.follow(machine.now() - Duration::minutes(1)), None, "and what tests moved is no error");
    }
}
