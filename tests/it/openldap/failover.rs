//! Several servers of one directory: one dies or hangs in the middle of the work, and nothing is done twice, or said that is not so.
//!
//! The second server is a twin of the first, copied when it was seeded. Nothing replicates between the two, so one lags behind the other
//! for as long as the test likes; where a change is to arrive, the test makes it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use ldap3::Mod;
use sspr::{
    agent::directory::{Directory, openldap::OpenLdap},
    lab::slapd::{Slapd, SlapdOptions},
    wire::{message::LeasedJob, outcome::Code, ticket::Kind},
};
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use super::{Desk, attribute, slapd, uuid_of};
use crate::support::Wire;

/// What we promise.
const TAKEN_OVER: Duration = Duration::from_secs(2);

struct Twins {
    one: Slapd,
    two: Slapd,
    to_one: Wire,
    desk: Desk,
}

/// How a server is called that does not name itself.
fn label(url: &str) -> &str {
    url.trim_start_matches("ldaps://")
}

struct Watch(JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Twins {
    async fn start() -> Self {
        let one = slapd(SlapdOptions::default()).await;
        let (one, two) = tokio::task::spawn_blocking(move || {
            let two = one.twin().unwrap();
            (one, two)
        })
        .await
        .unwrap();
        let to_one = Wire::at(&one.ldaps_url).await;
        let desk = Self::desk(&one, &[to_one.url(), two.ldaps_url.clone()]).await;
        Self { one, two, to_one, desk }
    }

    /// An agent that prefers the servers in this order; its connections stand.
    async fn desk(like: &Slapd, urls: &[String]) -> Desk {
        let desk = Desk::with(like, |settings| {
            settings.directory.url.clone_from(&urls[0]);
            settings.directory.fallback_urls = urls[1..].to_vec();
        });
        loop {
            let health = desk.directory.health().await;
            if health.dc == label(&urls[0]) && health.servers.iter().all(|server| server.reachable) {
                return desk;
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn person(&self, name: &str) -> (String, Uuid) {
        let dn = self.one.dn(name);
        let user = uuid_of(&self.one, &dn).await;
        assert_eq!(user, uuid_of(&self.two, &dn).await, "the same person at both");
        (dn, user)
    }

    fn at_one(&self, code: Code) -> (Code, String) {
        (code, label(&self.to_one.url()).to_owned())
    }

    fn at_two(&self, code: Code) -> (Code, String) {
        (code, label(&self.two.ldaps_url).to_owned())
    }

    async fn reset(&self, user: Uuid, password: &str) -> (Code, String) {
        let result = self.desk.does(user, Kind::Reset, password, "").await;
        (result.code, result.dc)
    }

    /// Asks every second how the servers are, as the agent does.
    fn watched(&self) -> Watch {
        let directory: Arc<OpenLdap> = self.desk.directory.clone();
        Watch(tokio::spawn(async move {
            loop {
                directory.health().await;
                sleep(Duration::from_secs(1)).await;
            }
        }))
    }

    /// The first server changes this person's password, and nobody sees its answer; then that server is gone, and the agent looks out for
    /// it. Before it changes anything it is asked a few questions, whose answers are let through one by one.
    async fn lost_at_the_first(&self, dn: &str, before: Option<&str>) -> Watch {
        self.to_one.answers.store(0, Ordering::SeqCst);
        loop {
            if self.to_one.waiting.load(Ordering::SeqCst) > 0 {
                if changed(&self.one, dn).await.as_deref() != before {
                    break;
                }
                self.to_one.answers.store(1, Ordering::SeqCst);
                while self.to_one.answers.load(Ordering::SeqCst) > 0 {
                    sleep(Duration::from_millis(1)).await;
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
        self.cut().await;
        self.to_one.answers.store(usize::MAX, Ordering::SeqCst);
        self.watched()
    }

    async fn cut(&self) {
        self.to_one.cut.store(true, Ordering::SeqCst);
        sleep(Duration::from_millis(100)).await;
    }
}

/// When the password was set, as this server has it.
async fn changed(slapd: &Slapd, dn: &str) -> Option<String> {
    attribute(slapd, dn, "pwdChangedTime").await
}

/// Resets of one person after the other, and a fault in the middle. By how much the slowest job after it was slower than the slowest one
/// before, and how those after it ended.
async fn traffic(twins: &Twins, fault: impl AsyncFnOnce()) -> (Duration, Vec<(Code, String)>) {
    let mut people = Vec::new();
    for n in 1..=8 {
        people.push(twins.person(&format!("user{n:02}")).await);
    }
    let (before, after) = people.split_at(3);
    let (mut usual, mut longest, mut told) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for (_, user) in before {
        let begun = Instant::now();
        assert_eq!(twins.reset(*user, "Quite-New-1").await, twins.at_one(Code::Applied));
        usual = usual.max(begun.elapsed());
    }
    fault().await;
    for (_, user) in after {
        let begun = Instant::now();
        told.push(twins.reset(*user, "Quite-New-1").await);
        longest = longest.max(begun.elapsed());
    }
    for (dn, _) in after {
        assert!(twins.two.accepts(dn, "Quite-New-1").await.unwrap());
    }
    println!("before: at most {usual:?}, after: at most {longest:?}");
    (longest.saturating_sub(usual), told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_server_takes_over_within_two_seconds_when_one_dies() {
    let twins = Twins::start().await;
    let _watch = twins.watched();
    let (longest, told) = traffic(&twins, async || twins.one.stop().unwrap()).await;
    assert_eq!(told, vec![twins.at_two(Code::Applied); 5]);
    assert!(longest < TAKEN_OVER, "{longest:?}");
    let health = twins.desk.directory.health().await;
    let servers: Vec<_> = health.servers.iter().map(|server| server.reachable).collect();
    assert_eq!((health.reachable, health.dc, servers), (true, label(&twins.two.ldaps_url).to_owned(), vec![false, true]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_server_takes_over_within_two_seconds_when_one_freezes() {
    for is_watched in [true, false] {
        let twins = Twins::start().await;
        let _watch = is_watched.then(|| twins.watched());
        // Nothing gets through to it, and its connections stand.
        let (longest, told) = traffic(&twins, async || twins.to_one.requests.store(0, Ordering::SeqCst)).await;
        assert_eq!(told, vec![twins.at_two(Code::Applied); 5], "{is_watched}");
        assert!(longest < TAKEN_OVER, "{is_watched}: {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_not_repeated_elsewhere() {
    let twins = Twins::start().await;
    let (dn, user) = twins.person("user01").await;
    let before = changed(&twins.two, &dn).await;
    let other = Twins::desk(&twins.one, &[twins.to_one.url(), twins.two.ldaps_url.clone()]).await;
    let again = LeasedJob { attempt: 2, ..other.job(user, Kind::Reset, "Quite-New-1", "") };
    let job = twins.desk.job(user, Kind::Reset, "Quite-New-1", "");
    let (result, _watch) = tokio::join!(twins.desk.run(&job), twins.lost_at_the_first(&dn, before.as_deref()));
    assert_eq!((result.code, result.dc), twins.at_one(Code::Interrupted), "nobody can know");
    assert!(twins.one.accepts(&dn, "Quite-New-1").await.unwrap(), "it happened");
    assert_eq!(changed(&twins.two, &dn).await, before, "once");
    // The same job again, and as another agent gets it: still nobody knows.
    assert_eq!(twins.desk.run(&job).await.code, Code::Interrupted);
    assert_eq!(other.run(&again).await.code, Code::Interrupted);
    assert_eq!(changed(&twins.two, &dn).await, before, "once");
    // What is asked for next is done where it can be.
    assert_eq!(twins.reset(user, "Quite-New-2").await, twins.at_two(Code::Applied));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_found_where_it_was_made_or_once_it_was_replicated() {
    for returns in [true, false] {
        let twins = Twins::start().await;
        let (dn, user) = twins.person("user01").await;
        let before = changed(&twins.two, &dn).await;
        let job = twins.desk.job(user, Kind::Reset, "Quite-New-1", "");
        let mended = async {
            let watch = twins.lost_at_the_first(&dn, before.as_deref()).await;
            sleep(Duration::from_secs(2)).await;
            if returns {
                twins.to_one.cut.store(false, Ordering::SeqCst);
            } else {
                twins.two.set_password(&dn, "Quite-New-1").await.unwrap();
            }
            watch
        };
        let (result, _watch) = tokio::join!(twins.desk.run(&job), mended);
        assert_eq!((result.code, result.dc), twins.at_one(Code::Applied), "{returns}");
        assert_eq!(changed(&twins.two, &dn).await == before, returns, "{returns}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_written_at_a_server_is_written_there_again_while_it_answers() {
    let twins = Twins::start().await;
    let ((sue, sues), (_, toms)) = (twins.person("user01").await, twins.person("user02").await);
    assert_eq!(twins.reset(sues, "Quite-New-1").await, twins.at_one(Code::Applied));
    // A short outage: the second server is in use from then on, for half a minute at least.
    twins.cut().await;
    assert_eq!(twins.desk.directory.health().await.dc, label(&twins.two.ldaps_url));
    twins.to_one.cut.store(false, Ordering::SeqCst);
    sleep(Duration::from_millis(600)).await;
    let health = twins.desk.directory.health().await;
    assert_eq!((health.dc.as_str(), health.servers[0].reachable), (label(&twins.two.ldaps_url), true));
    // The second server has not heard of sue's new password.
    assert_eq!(twins.reset(sues, "Quite-New-2").await, twins.at_one(Code::Applied));
    assert_eq!(twins.reset(toms, "Quite-New-1").await, twins.at_two(Code::Applied));
    assert!(twins.one.accepts(&sue, "Quite-New-2").await.unwrap() && !twins.two.accepts(&sue, "Quite-New-2").await.unwrap());
    // It is not there any more: then where it can be.
    twins.cut().await;
    assert_eq!(twins.reset(sues, "Quite-New-3").await, twins.at_two(Code::Applied));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_agent_changed_at_another_server_is_found_there() {
    let twins = Twins::start().await;
    let (dn, user) = twins.person("user01").await;
    // This agent prefers the server that lags.
    let desk = Twins::desk(&twins.one, &[twins.two.ldaps_url.clone(), twins.to_one.url()]).await;
    twins.one.set_password(&dn, "Quite-New-1").await.unwrap();
    let before = changed(&twins.two, &dn).await;
    let job = LeasedJob { attempt: 2, ..desk.job(user, Kind::Reset, "Quite-New-1", "") };
    assert_eq!(desk.run(&job).await.code, Code::Applied);
    assert_eq!(changed(&twins.two, &dn).await, before, "found, not repeated");
}

/// Values of one change of the server's configuration.
fn values(name: &str, value: &str) -> Mod<Vec<u8>> {
    Mod::Replace(name.into(), [value.as_bytes().to_vec()].into())
}

const DATABASE: &str = "olcDatabase={1}mdb,cn=config";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_server_that_takes_no_changes_is_left_for_the_next() {
    // A replica that refers to its provider, one that does not know it, and one that was made read-only.
    let replica = "rid=001 provider=ldap://127.0.0.1:9 searchbase=\"dc=corp,dc=example\" type=refreshOnly interval=01:00:00:00";
    let refers = vec![values("olcSyncrepl", replica), values("olcUpdateRef", "ldap://127.0.0.1:9")];
    for (why, changes) in
        [("refers", refers), ("shadow", vec![values("olcSyncrepl", replica)]), ("read-only", vec![values("olcReadOnly", "TRUE")])]
    {
        let twins = Twins::start().await;
        twins.one.modify(DATABASE, changes).await.unwrap();
        for (name, kind, new, done) in
            [("user01", Kind::Reset, "Quite-New-1", Code::Applied), ("user02", Kind::Unlock, "", Code::NotLocked)]
        {
            let (dn, user) = twins.person(name).await;
            let result = twins.desk.does(user, kind, new, "").await;
            assert_eq!((result.code, result.dc), twins.at_two(done), "{why}, {name}");
            assert!(new.is_empty() || twins.two.accepts(&dn, new).await.unwrap(), "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_first_server_is_left_for_the_next() {
    let twins = Twins::start().await;
    let (dn, user) = twins.person("user01").await;
    // The overlay answers for an entry as it is told to.
    twins.one.modify("cn=module{0},cn=config", vec![Mod::Add(b"olcModuleLoad".to_vec(), [b"retcode".to_vec()].into())]).await.unwrap();
    let overlay = vec![
        ("objectClass", ["olcOverlayConfig", "olcRetcodeConfig"].into()),
        ("olcOverlay", ["retcode"].into()),
        // Below this it would answer for entries of its own.
        ("olcRetcodeParent", ["cn=nothing,dc=corp,dc=example"].into()),
        ("olcRetcodeInDir", ["TRUE"].into()),
    ];
    let busy = [("objectClass", "errAuxObject"), ("errCode", "51"), ("errOp", "modify")];
    let busy = busy.map(|(name, value)| Mod::Add(name.as_bytes().to_vec(), [value.as_bytes().to_vec()].into()));
    twins.one.modify(&dn, busy.to_vec()).await.unwrap();
    twins.one.lock(&dn).await.unwrap();
    twins.two.lock(&dn).await.unwrap();
    // The last thing: with it nobody signs in as administrator, who has no entry.
    twins.one.add(&format!("olcOverlay=retcode,{DATABASE}"), overlay).await.unwrap();
    let result = twins.desk.does(user, Kind::Unlock, "", "").await;
    assert_eq!((result.code, result.dc), twins.at_two(Code::Unlocked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_server_away_nothing_is_promised() {
    let twins = Twins::start().await;
    let (_, user) = twins.person("user01").await;
    twins.cut().await;
    twins.two.stop().unwrap();
    assert_eq!(twins.reset(user, "Quite-New-1").await.0, Code::DirectoryUnreachable);
    assert!(!twins.desk.directory.health().await.reachable);
    twins.two.start_again().unwrap();
    sleep(Duration::from_millis(600)).await;
    assert_eq!(twins.reset(user, "Quite-New-1").await, twins.at_two(Code::Applied));
}
