//! The whole way: a person at a browser, the real cloud, the real agent and a real domain controller.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::Result;
use sspr::{
    agent::{self, enrol},
    base::{
        clock::Clock,
        config::{self, Config},
    },
    lab::samba::{BindOutcome, Release, Samba, SambaOptions},
    wire::message::Enrolled,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::times_set;
use crate::support::{Cloud, Person, Wire, cloud::Server, database};

/// The real agent, in this process.
pub struct Running {
    pub settings: config::Agent,
    clock: Clock,
    enrolled: Enrolled,
    stop: CancellationToken,
    ended: JoinHandle<Result<()>>,
    _dir: tempfile::TempDir,
}

fn samba(release: Release) -> Samba {
    let csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n\
               alice,Alice,Ames,alice@mail.example,+15550100001,First-Passw0rd,,\n\
               bob,Bob,Burns,bob@mail.example,,First-Passw0rd,,\n";
    Samba::start(&SambaOptions { release, users_csv: Some(csv.to_owned()), ..SambaOptions::default() }).unwrap()
}

pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Running {
    /// Enrolled and started, and not confirmed.
    async fn pending(cloud: &Cloud, samba: &Samba, clock: Clock) -> Self {
        Self::pending_at(cloud, super::directory_of(samba), clock).await
    }

    async fn pending_at(cloud: &Cloud, directory: config::Directory, clock: Clock) -> Self {
        Self::pending_with(cloud, directory, clock, |_| {}).await
    }

    async fn pending_with(cloud: &Cloud, directory: config::Directory, clock: Clock, change: impl FnOnce(&mut config::Agent)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Config::from(None, []).unwrap().agent;
        settings.cloud_url.clone_from(&cloud.url);
        settings.state_dir = dir.path().join("agent");
        settings.mirror_seconds = 1;
        settings.directory = directory;
        change(&mut settings);
        let token = cloud.enrolment_token().await.into();
        let done = enrol::enrol(&settings, &token, "head office".into(), clock.clone()).await.unwrap();
        let again = enrol::enrol(&settings, &token, "head office".into(), clock.clone()).await.err().unwrap();
        assert!(again.to_string().contains("already holds an enrolled agent"), "{again}");
        let enrolled =
            Enrolled { agent: done.me.agent, tenant: done.me.tenant, connector: done.me.connector, fingerprint: done.fingerprint };
        let (stop, ended) = start(&settings, &clock);
        Self { settings, clock, enrolled, stop, ended, _dir: dir }
    }

    /// Confirmed, its key published and its people mirrored.
    async fn ready(cloud: &Cloud, samba: &Samba, clock: Clock) -> Self {
        Self::ready_at(cloud, super::directory_of(samba), clock).await
    }

    async fn ready_at(cloud: &Cloud, directory: config::Directory, clock: Clock) -> Self {
        Self::ready_with(cloud, directory, clock, |_| {}).await
    }

    /// The same, with other settings.
    pub async fn ready_with(cloud: &Cloud, directory: config::Directory, clock: Clock, change: impl FnOnce(&mut config::Agent)) -> Self {
        let keys = "select count(*) from sealing_keys";
        let before = cloud.sql::<i64>(keys).await;
        let running = Self::pending_with(cloud, directory, clock, change).await;
        assert!(cloud.confirm(running.enrolled.agent, &running.enrolled.fingerprint).await);
        until("the key is published", async || cloud.sql::<i64>(keys).await == before + 1).await;
        until("two people are mirrored", async || cloud.sql::<i64>("select count(*) from users").await == 2).await;
        running
    }

    pub async fn restart(self) -> Self {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
        let (stop, ended) = start(&self.settings, &self.clock);
        Self { stop, ended, ..self }
    }

    pub async fn stops(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

fn start(settings: &config::Agent, clock: &Clock) -> (CancellationToken, JoinHandle<Result<()>>) {
    let stop = CancellationToken::new();
    (stop.clone(), tokio::spawn(agent::run(settings.clone(), clock.clone(), stop)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_goes_from_the_browser_to_the_domain() {
    for release in [Release::Backports, Release::System] {
        let (cloud, samba) = (Cloud::start().await, samba(release));
        let agent = Running::ready(&cloud, &samba, Clock::system()).await;

        let mut alice = Person::at(&cloud);
        alice.proves(&cloud, "alice").await;
        alice.sets("Sh0rt!").await;
        let told = alice.is_told().await;
        assert_eq!((told["state"].as_str(), told["code"].as_str()), (Some("refused"), Some("policy_length")), "{told}");
        alice.sets("Correct-Horse-7").await;
        assert_eq!(alice.is_told().await["state"], "applied");
        assert_eq!(samba.bind_as("alice@corp.example", "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);

        // Another life of the same agent: same identity, same key.
        let agent = agent.restart().await;
        let mut bob = Person::at(&cloud);
        bob.proves(&cloud, "bob").await;
        bob.sets("Correct-Horse-8").await;
        assert_eq!(bob.is_told().await["state"], "applied");
        assert_eq!(cloud.sql::<i64>("select count(*) from sealing_keys").await, 1);

        samba.set(&samba.dn("bob").await.unwrap(), "displayName", "Robert Burns").await.unwrap();
        let renamed = "select count(*) from users where display_name = 'Robert Burns'";
        until("the new name is mirrored", async || cloud.sql::<i64>(renamed).await == 1).await;
        agent.stops().await;
        cloud.stop().await;
    }
}

/// Seeds differ in when they kill: as soon as the intent is on the disk, and ever later into the change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_mid_change_it_sets_the_password_once() {
    let (cloud, samba) = (Cloud::start().await, samba(Release::Backports));
    let agent = Running::ready(&cloud, &samba, Clock::system()).await;
    agent.stop.cancel();
    agent.ended.await.unwrap().unwrap();
    let journal = agent.settings.state_dir.join("journal");
    for (name, millis) in [("alice", 0), ("bob", 25)] {
        let before = times_set(&samba, name).await;
        let mut child = process(&agent.settings, &samba);
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await;
        person.sets("Correct-Horse-7").await;
        let intents =
            || std::fs::read_to_string(&journal).unwrap_or_default().lines().filter(|line| line.contains(r#""is":"intent""#)).count();
        let begun = Instant::now();
        while intents() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "no intent");
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let mut child = process(&agent.settings, &samba);
        assert_eq!(person.is_told().await["state"], "applied");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(times_set(&samba, name).await, before + 1, "killed after {millis} ms");
        assert_eq!(samba.bind_as(&format!("{name}@corp.example"), "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);
        // The next round waits for its own intent.
        std::fs::remove_file(&journal).unwrap();
    }
}

/// The agent as people run it.
fn process(settings: &config::Agent, samba: &Samba) -> std::process::Child {
    let directory = &settings.directory;
    std::process::Command::new(env!("CARGO_BIN_EXE_sspr"))
        .arg("agent")
        .current_dir(&settings.state_dir)
        .env("SSPR_AGENT__CLOUD_URL", &settings.cloud_url)
        .env("SSPR_AGENT__STATE_DIR", &settings.state_dir)
        .env("SSPR_AGENT__DIRECTORY__URL", &directory.url)
        .env("SSPR_AGENT__DIRECTORY__SERVER_NAME", &directory.server_name)
        .env("SSPR_AGENT__DIRECTORY__CA_FILE", &directory.ca_file)
        .env("SSPR_AGENT__DIRECTORY__BIND_DN", &directory.bind_dn)
        .env("SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE", &samba.bind_password_file)
        .env("SSPR_AGENT__DIRECTORY__BASE_DN", &directory.base_dn)
        .env("SSPR_AGENT__DIRECTORY__USERS_DN", &directory.users_dn)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_is_corrected_by_the_clouds() {
    let (cloud, samba) = (Cloud::start().await, samba(Release::System));
    let clock = Clock::system();
    clock.advance(-400);
    let agent = Running::ready(&cloud, &samba, clock.clone()).await;
    let resets = async |name: &str| {
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await;
        person.sets("Correct-Horse-7").await;
        person.is_told().await["state"].clone()
    };
    assert_eq!(resets("alice").await, "applied");
    // Set forward while it runs: corrected by the next heartbeat, which is refused once and then fits.
    let seen = "select max(last_seen_at)::text from agents";
    clock.advance(1000);
    let before = cloud.sql::<String>(seen).await;
    until("a heartbeat", async || cloud.sql::<String>(seen).await != before).await;
    assert_eq!(resets("bob").await, "applied");
    agent.stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pending_agent_waits_and_a_revoked_one_ends() {
    let (cloud, samba) = (Cloud::start().await, samba(Release::System));
    let agent = Running::pending(&cloud, &samba, Clock::system()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!agent.ended.is_finished());
    assert!(cloud.confirm(agent.enrolled.agent, &agent.enrolled.fingerprint).await);
    until("it serves", async || cloud.sql::<i64>("select count(*) from sealing_keys").await == 1).await;

    let mut tx = cloud.app.begin().await.unwrap();
    let source = sspr::domain::audit::Source::house("cli");
    assert!(sspr::domain::fleet::revoke(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, agent.enrolled.agent).await.unwrap());
    tx.commit().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(15), agent.ended).await.expect("it ends by itself").unwrap();
    assert!(format!("{:#}", ended.unwrap_err()).contains("revoked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cloud_hears_at_once_that_the_directory_is_away_and_back() {
    let (cloud, samba) = (Cloud::start().await, samba(Release::System));
    let agent = Running::ready(&cloud, &samba, Clock::system()).await;
    let reachable = "select (health -> 'directory' ->> 'reachable')::boolean from agents";
    for _ in 0..2 {
        samba.stop().unwrap();
        let begun = Instant::now();
        until("it is away", async || !cloud.sql::<bool>(reachable).await).await;
        let away = begun.elapsed();
        samba.start_again().unwrap();
        let begun = Instant::now();
        until("it is back", async || cloud.sql::<bool>(reachable).await).await;
        let back = begun.elapsed();
        println!("away after {away:?}, back after {back:?}");
        assert!(away < Duration::from_secs(3) && back < Duration::from_secs(3), "{away:?} {back:?}");
    }
    // And it asks for jobs again.
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    bob.sets("Correct-Horse-8").await;
    assert_eq!(bob.is_told().await["state"], "applied");
    agent.stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_does_not_see_its_directory_leaves_the_jobs_to_others() {
    let (cloud, samba) = (Cloud::start().await, samba(Release::System));
    let wire = Wire::to(&samba).await;
    let blind = config::Directory { url: wire.url(), ..super::directory_of(&samba) };
    let (blind, healthy) = (Running::ready_at(&cloud, blind, Clock::system()).await, Running::ready(&cloud, &samba, Clock::system()).await);
    wire.requests.store(0, Ordering::SeqCst);
    let begun = Instant::now();
    let unreachable = "select count(*) from agents where not (health -> 'directory' ->> 'reachable')::boolean";
    until("one is known to be blind", async || cloud.sql::<i64>(unreachable).await == 1).await;
    println!("blind after {:?}", begun.elapsed());
    for name in ["alice", "bob"] {
        let mut person = Person::at(&cloud);
        person.proves(&cloud, name).await;
        person.sets("Correct-Horse-7").await;
        assert_eq!(person.is_told().await["state"], "applied");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and attempts = 1").await, 2, "the blind one had none");
    wire.requests.store(usize::MAX, Ordering::SeqCst);
    until("it sees again", async || cloud.sql::<i64>(unreachable).await == 0).await;
    blind.stops().await;
    healthy.stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_outlives_the_clouds_absence() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let (cloud, server) = Cloud::start_apart(&database::fresh().await, &log).await;
    let samba = samba(Release::System);
    let wire = Wire::to(&samba).await;
    let directory = config::Directory { url: wire.url(), ..super::directory_of(&samba) };
    let agent = Running::ready_at(&cloud, directory, Clock::system()).await;
    let before = times_set(&samba, "alice").await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    // Held up until the cloud is gone.
    wire.requests.store(0, Ordering::SeqCst);
    alice.sets("Correct-Horse-7").await;
    let with = async |state: &str| cloud.sql::<String>("select state from jobs where kind = 'reset'").await == state;
    until("the agent has it", async || with("leased").await).await;
    server.kill();
    wire.requests.store(usize::MAX, Ordering::SeqCst);
    until("it is set", async || times_set(&samba, "alice").await == before + 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _server = Server::start(&cloud, cloud.url.rsplit(':').next().unwrap().parse().unwrap(), &log).await;
    until("it is told", async || with("applied").await).await;
    agent.stops().await;
}
