//! The time, handed in wherever it matters, so that a test can set it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use time::OffsetDateTime;

/// UTC, as the machine has it; tests move it with [`Clock::advance`].
#[derive(Clone, Default)]
pub struct Clock {
    /// Seconds ahead of the machine.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    pub fn system() -> Self {
        Self::default()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.ahead()
    }

    /// How far tests have moved it; for what goes by the database's clock, which all nodes share.
    pub fn ahead(&self) -> time::Duration {
        time::Duration::seconds(self.ahead.load(Ordering::SeqCst))
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
