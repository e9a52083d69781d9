//! How long to wait after a failure: longer each time, never all agents at the same moment, and as long as the cloud asks.

use std::time::Duration;

use super::cloud::Failure;
use crate::base::id;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// However long the cloud asks for.
const LONGEST_ASKED: u64 = 300;

#[derive(Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// [`Self::next`] after a call to the cloud that failed, said once in the log.
    pub fn after(&mut self, failure: &Failure, what: &str) -> Duration {
        tracing::warn!(event.number = super::events::CLOUD, error = %failure, "{what}");
        self.next(if let Failure::Passing { retry_after, .. } = failure { *retry_after } else { None })
    }

    /// Between half and the whole of the doubled time; `retry_after` (seconds) is a lower bound.
    pub fn next(&mut self, retry_after: Option<u64>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let jitter = f64::from(u32::from_be_bytes(id::random_bytes())) / f64::from(u32::MAX);
        let pause = whole.mul_f64(0.5 + jitter / 2.0);
        match retry_after {
            Some(seconds) => pause + Duration::from_secs(seconds.min(LONGEST_ASKED)),
            None => pause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_bound_and_starts_over() {
        let mut backoff = Backoff::default();
        let first = backoff.next(None);
        assert!(first >= FIRST / 2 && first <= FIRST);
        for _ in 0..40 {
            assert!(backoff.next(None) <= LONGEST);
        }
        assert!(backoff.next(Some(7)) >= Duration::from_secs(7) + LONGEST / 2);
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }
}
