//! Several servers of one directory: one dies or hangs in the middle of the work, and nothing is done twice, or said that is not so.
//!
//! The second server is a twin of the first: the same domain, copied when it was seeded, under a name of its own. Nothing replicates
//! between the two, so one lags behind the other for as long as the test likes; where a change is to arrive, the test makes it.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use sspr::{
    agent::{directory::Directory, journal::Job},
    lab::samba::{Release, Samba, SambaOptions},
    wire::{message::LeasedJob, outcome::Code},
};
use tokio::{task::JoinHandle, time::sleep};

use super::{Bench, Domain, Someone, accepts, times_set};
use crate::support::Wire;

pub const ONE: &str = "dc1.corp.example";
pub const TWO: &str = "dc2.corp.example";
/// What we promise.
const TAKEN_OVER: Duration = Duration::from_secs(2);

pub struct Twins {
    pub one: Domain,
    pub two: Samba,
    pub to_one: Wire,
    pub bench: Bench,
}

impl Twins {
    pub async fn start() -> Self {
        let one = Domain::start(&SambaOptions { release: Release::System, ..SambaOptions::default() });
        let two = one.samba.twin(TWO).await.unwrap();
        let to_one = Wire::to(&one.samba).await;
        let bench = Bench::with(&one.samba, |settings| {
            settings.directory.url = to_one.url();
            settings.directory.fallback_urls = vec![two.ldaps_url.clone()];
        });
        // Both connections stand, as they do in an agent that runs.
        loop {
            let health = bench.directory.health().await;
            if health.dc == ONE && health.servers.iter().all(|server| server.reachable) {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        Self { one, two, to_one, bench }
    }

    pub async fn somebody(&self) -> Someone {
        self.one.somebody().await
    }

    /// Asks every second how the servers are, as the agent does.
    pub fn watched(&self) -> Watch {
        let directory = self.bench.directory.clone();
        Watch(tokio::spawn(async move {
            loop {
                directory.health().await;
                sleep(Duration::from_secs(1)).await;
            }
        }))
    }

    /// A whole reset, and where.
    async fn reset(&self, someone: &Someone, password: &str) -> (Code, String) {
        let result = self.bench.run(&self.bench.job(someone.guid, password)).await;
        (result.code, result.dc)
    }
}

pub struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub fn at(code: Code, dc: &str) -> (Code, String) {
    (code, dc.to_owned())
}

pub async fn begun(bench: &Bench, job: &LeasedJob) {
    while !matches!(bench.journal.job(job.ticket.job), Some(Job::Open(_))) {
        tokio::task::yield_now().await;
    }
}

/// Resets of one person after the other, and a fault in the middle. By how much the slowest job after it was slower than the slowest one
/// before, and how those after it ended.
async fn traffic(twins: &Twins, fault: impl AsyncFnOnce()) -> (Duration, Vec<(Code, String)>) {
    let mut people = Vec::new();
    for _ in 0..8 {
        people.push(twins.somebody().await);
    }
    let (before, after) = people.split_at(3);
    let (mut usual, mut longest, mut told) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for someone in before {
        let begun = Instant::now();
        assert_eq!(twins.reset(someone, "Quite-New-1").await.0, Code::Applied);
        usual = usual.max(begun.elapsed());
    }
    fault().await;
    for someone in after {
        let begun = Instant::now();
        told.push(twins.reset(someone, "Quite-New-1").await);
        longest = longest.max(begun.elapsed());
    }
    for someone in after {
        assert!(accepts(&twins.two, someone, "Quite-New-1").await);
    }
    println!("before: at most {usual:?}, after: at most {longest:?}");
    (longest.saturating_sub(usual), told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_server_takes_over_within_two_seconds_when_one_dies() {
    let twins = Twins::start().await;
    let _watch = twins.watched();
    let (longest, told) = traffic(&twins, async || twins.one.samba.stop().unwrap()).await;
    println!("died: taken over in {longest:?}");
    assert_eq!(told, vec![at(Code::Applied, TWO); 5]);
    assert!(longest < TAKEN_OVER, "{longest:?}");
    let health = twins.bench.directory.health().await;
    assert!(health.reachable);
    let servers: Vec<_> = health.servers.iter().map(|server| (server.name.as_str(), server.reachable)).collect();
    assert_eq!((health.dc.as_str(), servers), (TWO, vec![(ONE, false), (TWO, true)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_server_takes_over_within_two_seconds_when_one_hangs() {
    let twins = Twins::start().await;
    let _watch = twins.watched();
    // Nothing gets through to it, and its connections stand.
    let (longest, told) = traffic(&twins, async || twins.to_one.requests.store(0, Ordering::SeqCst)).await;
    println!("hung: taken over in {longest:?}");
    assert_eq!(told, vec![at(Code::Applied, TWO); 5]);
    assert!(longest < TAKEN_OVER, "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_watching_the_next_server_takes_over_too() {
    let twins = Twins::start().await;
    let (longest, told) = traffic(&twins, async || twins.to_one.requests.store(0, Ordering::SeqCst)).await;
    println!("hung, not watched: taken over in {longest:?}");
    assert_eq!(told, vec![at(Code::Applied, TWO); 5]);
    assert!(longest < TAKEN_OVER, "{longest:?}");
}

/// A reset whose change the first server makes and whose answer nobody sees; then that server is gone, and the agent looks out for it.
async fn lost_at_the_first(twins: &Twins, job: &LeasedJob) -> Watch {
    begun(&twins.bench, job).await;
    twins.to_one.deaf.store(true, Ordering::SeqCst);
    // The connection breaks with the answer.
    while twins.to_one.deaf.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(1)).await;
    }
    twins.to_one.cut.store(true, Ordering::SeqCst);
    twins.watched()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_not_repeated_elsewhere() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    let before = times_set(&twins.two, &sue.name).await;
    let job = twins.bench.job(sue.guid, "Quite-New-1");
    let (result, _watch) = tokio::join!(twins.bench.run(&job), lost_at_the_first(&twins, &job));
    assert_eq!((result.code, result.dc.as_str()), (Code::Interrupted, ONE), "nobody can know");
    assert!(accepts(&twins.one.samba, &sue, "Quite-New-1").await, "it happened");
    assert_eq!(times_set(&twins.two, &sue.name).await, before, "once");
    // The same job again, and as another agent would get it: still nobody knows.
    assert_eq!(twins.bench.run(&job).await.code, Code::Interrupted);
    let other = Bench::with(&twins.one.samba, |settings| {
        settings.directory.url = twins.to_one.url();
        settings.directory.fallback_urls = vec![twins.two.ldaps_url.clone()];
    });
    twins.to_one.cut.store(false, Ordering::SeqCst);
    assert!(other.directory.health().await.servers.iter().all(|server| server.reachable));
    twins.to_one.cut.store(true, Ordering::SeqCst);
    sleep(Duration::from_millis(100)).await;
    let again = LeasedJob { attempt: 2, ..other.sealed(job.ticket.clone(), "Quite-New-1") };
    assert_eq!(other.run(&again).await.code, Code::Interrupted);
    assert_eq!(times_set(&twins.two, &sue.name).await, before, "once");
    // What sue asks for next is done where it can be.
    assert_eq!(twins.reset(&sue, "Quite-New-2").await, at(Code::Applied, TWO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_found_where_it_was_made() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    let before = times_set(&twins.two, &sue.name).await;
    let job = twins.bench.job(sue.guid, "Quite-New-1");
    let comes_back = async {
        let watch = lost_at_the_first(&twins, &job).await;
        sleep(Duration::from_secs(4)).await;
        twins.to_one.cut.store(false, Ordering::SeqCst);
        watch
    };
    let (result, _watch) = tokio::join!(twins.bench.run(&job), comes_back);
    assert_eq!((result.code, result.dc.as_str()), (Code::Applied, ONE));
    assert_eq!(times_set(&twins.two, &sue.name).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_found_once_it_was_replicated() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    let job = twins.bench.job(sue.guid, "Quite-New-1");
    let arrives = async {
        let watch = lost_at_the_first(&twins, &job).await;
        sleep(Duration::from_secs(3)).await;
        twins.two.set_password(&sue.dn, "Quite-New-1").await.unwrap();
        watch
    };
    let (result, _watch) = tokio::join!(twins.bench.run(&job), arrives);
    assert_eq!((result.code, result.dc.as_str()), (Code::Applied, ONE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_change_that_was_replicated_is_not_taken_for_ours() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    let job = twins.bench.job(sue.guid, "Quite-New-1");
    let arrives = async {
        let watch = lost_at_the_first(&twins, &job).await;
        twins.two.set_password(&sue.dn, "Someone-Elses-1").await.unwrap();
        watch
    };
    let (result, _watch) = tokio::join!(twins.bench.run(&job), arrives);
    assert_eq!(result.code, Code::Interrupted);
    assert!(accepts(&twins.two, &sue, "Someone-Elses-1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_written_at_a_server_is_written_there_again_while_it_answers() {
    let twins = Twins::start().await;
    let (sue, tom) = (twins.somebody().await, twins.somebody().await);
    assert_eq!(twins.reset(&sue, "Quite-New-1").await, at(Code::Applied, ONE));
    // A short outage: the second server is in use from then on, for half a minute at least.
    twins.to_one.cut.store(true, Ordering::SeqCst);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(twins.bench.directory.health().await.dc, TWO);
    twins.to_one.cut.store(false, Ordering::SeqCst);
    sleep(Duration::from_millis(600)).await;
    let health = twins.bench.directory.health().await;
    assert_eq!((health.dc.as_str(), health.servers[0].reachable), (TWO, true));
    // The second server has not heard of sue's new password: asked there, it would be somebody else's, or nobody's.
    assert_eq!(twins.reset(&sue, "Quite-New-2").await, at(Code::Applied, ONE));
    assert_eq!(twins.reset(&tom, "Quite-New-1").await, at(Code::Applied, TWO));
    assert!(accepts(&twins.one.samba, &sue, "Quite-New-2").await && !accepts(&twins.two, &sue, "Quite-New-2").await);
    // It is not there any more: then where it can be.
    twins.to_one.cut.store(true, Ordering::SeqCst);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(twins.reset(&sue, "Quite-New-3").await, at(Code::Applied, TWO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_agent_changed_at_another_server_is_found_there() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    // This agent prefers the server that lags.
    let bench = Bench::with(&twins.one.samba, |settings| {
        settings.directory.url = twins.two.ldaps_url.clone();
        settings.directory.fallback_urls = vec![twins.to_one.url()];
    });
    bench.directory.health().await;
    twins.one.samba.set_password(&sue.dn, "Quite-New-1").await.unwrap();
    let before = times_set(&twins.two, &sue.name).await;
    let job = LeasedJob { attempt: 2, ..bench.job(sue.guid, "Quite-New-1") };
    assert_eq!(bench.run(&job).await.code, Code::Applied);
    assert_eq!(times_set(&twins.two, &sue.name).await, before, "found, not repeated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ways_to_one_server_are_one_server() {
    let domain = Domain::start(&SambaOptions { release: Release::System, ..SambaOptions::default() });
    let (one, two) = (Wire::to(&domain.samba).await, Wire::to(&domain.samba).await);
    let bench = Bench::with(&domain.samba, |settings| {
        settings.directory.url = one.url();
        settings.directory.fallback_urls = vec![two.url()];
    });
    bench.directory.health().await;
    let sue = domain.someone("user01").await;
    let job = bench.job(sue.guid, "Quite-New-1");
    let watch = async {
        begun(&bench, &job).await;
        one.deaf.store(true, Ordering::SeqCst);
        while one.deaf.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(1)).await;
        }
        one.cut.store(true, Ordering::SeqCst);
    };
    let started = Instant::now();
    let (result, ()) = tokio::join!(bench.run(&job), watch);
    assert_eq!(result.code, Code::Applied, "seen by the other way");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_server_away_nothing_is_promised() {
    let twins = Twins::start().await;
    let sue = twins.somebody().await;
    assert!(twins.bench.directory.health().await.reachable);
    twins.to_one.cut.store(true, Ordering::SeqCst);
    twins.two.stop().unwrap();
    assert_eq!(twins.reset(&sue, "Quite-New-1").await.0, Code::DirectoryUnreachable);
    assert!(!twins.bench.directory.health().await.reachable);
    twins.two.start_again().unwrap();
    sleep(Duration::from_millis(600)).await;
    assert_eq!(twins.reset(&sue, "Quite-New-1").await, at(Code::Applied, TWO));
}
