//! Which of several servers is used: the most preferred one that is well, and not another one every minute.
//!
//! Pure: it is told what was seen, and when. A server that fails is left at once. One that is only slow is left, too, but not held
//! to be gone. The way back to a more preferred one is slow, and slower each time that it proved wrong, because replication
//! between the servers lags behind every change between them.

use std::time::Duration;

use tokio::time::Instant;

/// How long a more preferred server must have been well before it is used again.
const TRIAL: Duration = Duration::from_secs(30);
const LONGEST_TRIAL: Duration = Duration::from_mins(10);
/// A server that fails within this after it was chosen again was chosen too early.
const TOO_EARLY: Duration = Duration::from_mins(10);

/// What is known of one server.
#[derive(Debug, Clone)]
pub(super) struct Health {
    /// Since when it answers without fail.
    well_since: Option<Instant>,
    /// Of its last answer to the regular question.
    pub(super) latency: Option<Duration>,
    /// Why it did not answer, and when.
    pub(super) failed: Option<(Instant, String)>,
    /// When it was last found to be gone after it had been well, or may have been.
    pub(super) lost: Instant,
    trial: Duration,
    /// When it was last turned to; not for the one that was used from the beginning.
    chosen: Option<Instant>,
}

impl Health {
    pub(super) fn is_well(&self) -> bool {
        self.well_since.is_some()
    }
}

/// Servers by their numbers, which they keep.
#[derive(Debug, Default)]
pub(super) struct Choice {
    servers: Vec<Health>,
    /// Those that may be chosen, the most preferred first.
    preferred: Vec<usize>,
    current: usize,
}

impl Choice {
    /// From now on these are chosen from, in this order. One that is in use and not among them is left at once, however well it is.
    pub(super) fn prefer(&mut self, order: Vec<usize>, now: Instant) {
        let from_the_beginning = self.preferred.is_empty();
        self.preferred = order;
        if self.preferred.contains(&self.current) && !from_the_beginning {
            return;
        }
        let Some(first) = self.preferred.first().copied() else { return };
        if from_the_beginning {
            self.current = first;
        } else {
            let well = self.preferred.iter().copied().find(|at| self.servers[*at].is_well());
            self.choose(well.unwrap_or(first), now);
        }
    }

    /// This number is a server of which nothing is known.
    pub(super) fn begin(&mut self, at: usize, now: Instant) {
        let unknown = Health { well_since: None, latency: None, failed: None, lost: now, trial: TRIAL, chosen: None };
        if at < self.servers.len() { self.servers[at] = unknown } else { self.servers.resize(at + 1, unknown) }
    }

    fn rank(&self, at: usize) -> Option<usize> {
        self.preferred.iter().position(|preferred| *preferred == at)
    }

    /// In order of preference.
    pub(super) fn preferred(&self) -> &[usize] {
        &self.preferred
    }

    pub(super) fn current(&self) -> usize {
        self.current
    }

    pub(super) fn health(&self, at: usize) -> &Health {
        &self.servers[at]
    }

    /// Whom to ask, best first: the one in use, those that are well, those that are not, in order of preference.
    pub(super) fn order(&self) -> Vec<usize> {
        let mut order = self.preferred.clone();
        // Stable: among equals the preference counts.
        order.sort_by_key(|at| (!self.servers[*at].is_well() && self.servers[*at].failed.is_some(), *at != self.current));
        order
    }

    /// It answered.
    pub(super) fn well(&mut self, at: usize, now: Instant, latency: Option<Duration>) {
        let server = &mut self.servers[at];
        let since = *server.well_since.get_or_insert(now);
        server.latency = latency.or(server.latency);
        server.failed = None;
        let served_its_trial = now.duration_since(since) >= server.trial;
        let Some(rank) = self.rank(at).filter(|_| at != self.current) else { return };
        // One of which nothing is known yet, as in the beginning, is waited for.
        let is_ill = self.servers[self.current].failed.is_some();
        if is_ill || (self.rank(self.current).is_none_or(|current| rank < current) && served_its_trial) {
            self.choose(at, now);
        }
    }

    /// It did not answer, or cannot serve.
    pub(super) fn failed(&mut self, at: usize, now: Instant, why: &str) {
        let in_use = at == self.current;
        let server = &mut self.servers[at];
        if in_use && server.is_well() && server.chosen.is_some_and(|chosen| now.duration_since(chosen) < TOO_EARLY) {
            server.trial = (server.trial * 2).min(LONGEST_TRIAL);
        }
        if server.is_well() {
            server.lost = now;
        }
        server.well_since = None;
        server.latency = None;
        server.failed = Some((now, why.to_owned()));
        if in_use && let Some(other) = self.order().into_iter().find(|other| self.servers[*other].is_well()) {
            self.choose(other, now);
        }
    }

    /// It let a question wait that `other` answered meanwhile. (A connection that is still being made says nothing.)
    pub(super) fn slow(&mut self, at: usize, other: usize, now: Instant) {
        if at == self.current && at != other && self.servers[at].is_well() {
            // Its trial begins anew.
            self.servers[at].well_since = Some(now);
            self.choose(other, now);
        }
    }

    fn choose(&mut self, at: usize, now: Instant) {
        self.current = at;
        self.servers[at].chosen = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Story(Choice, Instant);

    fn choice(count: usize, now: Instant) -> Choice {
        let mut choice = Choice::default();
        (0..count).for_each(|at| choice.begin(at, now));
        choice.prefer((0..count).collect(), now);
        choice
    }

    impl Story {
        fn new() -> Self {
            let now = Instant::now();
            let mut story = Self(choice(3, now), now);
            story.second([true; 3]);
            story
        }

        /// A second in which each was asked.
        fn second(&mut self, well: [bool; 3]) -> usize {
            self.1 += Duration::from_secs(1);
            for (at, well) in well.into_iter().enumerate() {
                if well { self.0.well(at, self.1, Some(Duration::from_millis(1))) } else { self.0.failed(at, self.1, "gone") }
            }
            self.0.current()
        }

        /// Seconds until `at` is in use.
        fn until(&mut self, at: usize, well: [bool; 3]) -> u64 {
            (1..10_000).find(|_| self.second(well) == at).expect("never")
        }
    }

    #[test]
    fn the_next_in_order_takes_over_at_once() {
        let mut story = Story::new();
        assert_eq!(story.second([true, true, true]), 0);
        assert_eq!(story.second([false, true, true]), 1);
        assert_eq!(story.second([false, false, true]), 2);
        assert_eq!(story.0.order(), [2, 0, 1]);
        // Nobody is well: all are asked, the one last in use first.
        assert_eq!(story.second([false, false, false]), 2);
        assert_eq!(story.0.order(), [2, 0, 1]);
        // Whoever comes first serves.
        assert_eq!(story.second([false, true, false]), 1);
    }

    #[test]
    fn the_way_back_is_slow_and_slower_for_one_that_flaps() {
        let mut story = Story::new();
        story.second([false, true, true]);
        assert_eq!(story.until(0, [true; 3]), 31);
        // It fails soon after: the next trial is twice as long, and so on up to ten minutes.
        for trial in [61, 121, 241, 481, 601, 601] {
            assert_eq!(story.second([false, true, true]), 1);
            assert_eq!(story.until(0, [true; 3]), trial);
        }
        // A failure during the trial begins it anew, and costs nothing more.
        assert_eq!(story.second([false, true, true]), 1);
        for _ in 0..100 {
            story.second([true; 3]);
        }
        story.second([false, true, true]);
        assert_eq!(story.until(0, [true; 3]), 601);
    }

    #[test]
    fn a_slow_server_is_left_and_not_held_to_be_gone() {
        let mut story = Story::new();
        story.0.slow(0, 1, story.1);
        assert_eq!((story.0.current(), story.0.health(0).is_well()), (1, true));
        assert_eq!(story.0.order(), [1, 0, 2]);
        assert_eq!(story.until(0, [true; 3]), 30);
        // One that is not in use is not left.
        story.0.slow(2, 1, story.1);
        assert_eq!(story.0.current(), 0);
    }

    #[test]
    fn who_is_not_named_any_more_is_left_and_who_is_named_before_has_its_trial() {
        let mut story = Story::new();
        // A fourth, before all others.
        story.0.begin(3, story.1);
        story.0.prefer(vec![3, 0, 1, 2], story.1);
        assert_eq!(story.0.current(), 0);
        for second in 1..=31 {
            story.second([true; 3]);
            story.0.well(3, story.1, None);
            assert_eq!(story.0.current(), if second > 30 { 3 } else { 0 }, "{second}");
        }
        story.0.prefer(vec![1, 2], story.1);
        assert_eq!((story.0.current(), story.0.order()), (1, vec![1, 2]));
        // However well: it is not among them.
        assert_eq!(story.second([true, false, false]), 2);
        assert_eq!(story.second([true, true, false]), 1);
    }

    #[test]
    fn in_the_beginning_the_preferred_one_is_waited_for() {
        let now = Instant::now();
        let mut choice = choice(2, now);
        choice.well(1, now, None);
        choice.slow(0, 1, now);
        assert_eq!((choice.current(), choice.order()), (0, vec![0, 1]));
        choice.failed(0, now, "gone");
        assert_eq!(choice.current(), 1);
    }
}
