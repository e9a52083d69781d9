//! The queue's promises under fire: two servers on one durable Postgres, three agents of one connector, a real domain, people at
//! browsers; everything is killed, stopped, cut off and set back by a schedule that follows from a seed. What happened is written
//! down from four sides and judged offline (`check`).
//!
//! `bin/chaos MINUTES SEED` runs long and keeps its history; a short run is an ordinary test.

mod chance;
mod check;
mod clock;
mod estate;
mod faults;
mod fleet;
mod hash;
mod history;
mod people;
mod process;
mod proxy;
mod visits;
mod witness;
mod world;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sspr::wire::outcome::Code;
use tokio::{task::JoinSet, time::sleep};

use self::{
    chance::Chance,
    check::Violation,
    estate::Estate,
    faults::{Fault, Planned},
    history::{Event, Recorder},
    process::Process,
    proxy::Weather,
    visits::{CALM, GUESSED},
    world::{Person, World},
};

/// After the last fault: the life of a ticket, a lease, and what a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(200);

struct Plan {
    seed: u64,
    seconds: u64,
    people: usize,
    workers: u64,
    schedule: Vec<Planned>,
    dir: PathBuf,
}

/// What came of it.
struct Verdict {
    violations: Vec<Violation>,
    jobs: usize,
    faults: usize,
    ends: String,
}

impl Verdict {
    fn line(&self, seed: u64) -> String {
        format!("violations: {} (jobs {}, faults {}, seed {seed})", self.violations.len(), self.jobs, self.faults)
    }
}

async fn run(plan: Plan) -> Verdict {
    fs::remove_dir_all(&plan.dir).ok();
    fs::create_dir_all(&plan.dir).unwrap();
    let recorder = Recorder::new(&plan.dir.join("history.jsonl"));
    let names: Vec<String> = (0..GUESSED + CALM + plan.people).map(name).collect();
    let estate = Estate::start(csv(&names), &plan.dir, plan.seed).await;
    let people = people(&names, &recorder, &estate).await;
    let world = Arc::new(World::new(estate, recorder.clone(), people, plan.seed));
    recorder.write(Event::Run { seed: plan.seed, seconds: plan.seconds, at: recorder.now() });

    let (over, mut background, mut busy) = (Arc::new(AtomicBool::new(false)), JoinSet::new(), JoinSet::new());
    let sorting = world.clone();
    background.spawn(async move { sorting.sort_mail().await });
    let looking = world.clone();
    background.spawn(async move { witness::look_for_several(&looking).await });
    background.spawn(fleet::look_after(world.clone()));
    let watching = world.clone();
    background.spawn(async move {
        loop {
            watching.estate.watch(&watching.recorder);
            sleep(Duration::from_millis(300)).await;
        }
    });
    let (coming, coming_over) = (world.clone(), over.clone());
    busy.spawn(async move { visits::come_and_go(&coming, plan.workers, coming_over).await });
    busy.spawn(visits::guess(world.clone(), over.clone()));
    if Code::parse("changed_meanwhile").is_some() {
        busy.spawn(visits::administer(world.clone(), over.clone()));
    }
    let faults = plan.schedule.len();
    tokio::join!(faults::run(&world, plan.schedule), sleep(Duration::from_secs(plan.seconds)));

    over.store(true, Ordering::Relaxed);
    let calm = recorder.now();
    recorder.write(Event::Calm { at: calm });
    world.patience.store(calm + i64::try_from(PATIENCE.as_millis()).unwrap(), Ordering::Relaxed);
    busy.join_all().await;
    witness::until_settled(&world, PATIENCE).await;
    world.estate.until_ready().await;
    visits::come_in_the_calm(&world).await;
    let left = std::mem::take(&mut *world.left.lock().unwrap_or_else(PoisonError::into_inner));
    for mut flow in left {
        let _ = flow.look(&world, false).await;
    }
    // Notices are on their way for a moment.
    until_sent(&world).await;
    background.shutdown().await;
    world.estate.agents.iter().for_each(Process::stop);
    world.estate.servers.iter().for_each(Process::stop);
    witness::directory(&world);
    witness::database(&world).await;
    witness::leaks(&world).await;
    let events = recorder.all();
    Verdict { violations: check::check(&events), jobs: check::jobs(&events), faults, ends: ends(&events) }
}

/// Nothing is left in the outbox but what is for another day (a second notice), or it does not become so.
async fn until_sent(world: &World) {
    const WAITING: &str =
        "select count(*) from messages where state = 'waiting' and channel = 'email' and due_at < now() + interval '1 hour'";
    for _ in 0..1200 {
        if world.estate.count(WAITING).await == Some(0) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_millis(300)).await;
}

/// Letters only: no password here has any of them.
fn name(number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("quim{}{}{}", letter(number / 676), letter(number / 26), letter(number))
}

fn csv(names: &[String]) -> String {
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for name in names {
        writeln!(csv, "{name},Quim,{name},{name}@mail.example,,{},,", first(name)).unwrap();
    }
    csv
}

fn first(name: &str) -> String {
    // The domain takes what its administrator gives, names and all.
    let mut chance = Chance::new(name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
    format!("First-{:012}", chance.below(1_000_000_000_000))
}

async fn people(names: &[String], recorder: &Recorder, estate: &Estate) -> Vec<Person> {
    let mut admin = estate.samba.admin().await.unwrap();
    let (found, _) = admin
        .search(&estate.samba.users_dn, ldap3::Scope::Subtree, "(sAMAccountName=*)", vec!["sAMAccountName", "objectGUID"])
        .await
        .unwrap()
        .success()
        .unwrap();
    let _ = admin.unbind().await;
    let mut people = Vec::new();
    for entry in found.into_iter().map(ldap3::SearchEntry::construct) {
        let text = entry.attrs.get("objectGUID").map(|values| values[0].clone().into_bytes());
        let bytes = entry.bin_attrs.get("objectGUID").map(|values| values[0].clone()).or(text).unwrap();
        let (name, guid) = (&entry.attrs["sAMAccountName"][0], uuid::Uuid::from_bytes_le(bytes.try_into().unwrap()));
        recorder.write(Event::Person { person: name.clone(), guid, first: hash::nt(&first(name)) });
        people.push(Person::new(name, guid, entry.dn));
    }
    people.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(people.len(), names.len());
    people
}

/// How the jobs ended, for people: "applied 312, unknown 2".
fn ends(events: &[Event]) -> String {
    let mut ends = std::collections::BTreeMap::<&str, usize>::new();
    for event in events {
        if let Event::Row { state, submitted: true, .. } = event {
            *ends.entry(state).or_default() += 1;
        }
    }
    let died = events.iter().filter(|event| matches!(event, Event::Died { .. })).count();
    let ends = ends.into_iter().map(|(state, count)| format!("{state} {count}")).collect::<Vec<_>>().join(", ");
    format!("{ends}; processes that ended by themselves {died}")
}

/// Where histories are kept.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("chaos").join(name)
}

fn told(verdict: &Verdict, dir: &Path) -> String {
    let lines: Vec<String> = verdict.violations.iter().map(ToString::to_string).collect();
    format!("{}\n{}\nhistory: {}", verdict.ends, lines.join("\n"), dir.join("history.jsonl").display())
}

/// A handful of faults, half a minute of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_storm_breaks_no_promise() {
    let planned = |at, lasts, fault| Planned { at, lasts, fault };
    let schedule = vec![
        planned(1500, 700, Fault::KillAgent(0)),
        planned(3000, 3000, Fault::Upstream(Weather::DropAnswers(50))),
        planned(6500, 500, Fault::KillServer(0)),
        planned(8000, 3000, Fault::Ldaps(1, Weather::DropAnswers(60))),
        planned(5_000, 2000, Fault::FullDisk(0)),
        planned(7_200, 0, Fault::Rotate(1)),
        planned(9_000, 5000, Fault::ServerClock(1, 600)),
        planned(11_500, 300, Fault::PostgresCrash),
        planned(13_000, 3000, Fault::Upstream(Weather::DropRequests(50))),
        planned(14_000, 500, Fault::TornJournal(2)),
        planned(15_500, 4000, Fault::PauseAgent(1)),
        planned(17_000, 3000, Fault::Upstream(Weather::Twice(80))),
    ];
    let (seed, dir) = (1, place("short"));
    let plan = Plan { seed, seconds: 21, people: 36, workers: 6, schedule, dir: dir.clone() };
    let verdict = run(plan).await;
    assert!(verdict.violations.is_empty(), "{}\n{}", told(&verdict, &dir), verdict.line(seed));
    assert!(verdict.jobs >= 10, "a storm without people proves nothing: {} jobs", verdict.jobs);
}

/// `bin/chaos` runs this; it keeps the verdict beside the history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes long: bin/chaos MINUTES SEED"]
async fn long() {
    let ask = |name: &str| std::env::vars().find(|(key, _)| key == name).map(|(_, value)| value);
    let number = |name: &str| ask(name).and_then(|value| value.parse::<u64>().ok());
    let (minutes, seed) = (number("CHAOS_MINUTES").unwrap_or(3), number("CHAOS_SEED").unwrap_or(1));
    let only: Vec<String> = ask("CHAOS_ONLY").unwrap_or_default().split_terminator(',').map(str::to_owned).collect();
    let (seconds, dir) = (minutes * 60, place(&format!("{minutes}-{seed}")));
    let schedule = faults::plan(seed, seconds, &only);
    println!("The schedule of seed {seed}, {minutes} minutes, in seconds from the beginning:");
    for planned in &schedule {
        println!("{planned}");
    }
    let people = usize::try_from(40 + 40 * minutes).unwrap();
    let verdict = run(Plan { seed, seconds, people, workers: 12, schedule, dir: dir.clone() }).await;
    println!("\n{}", told(&verdict, &dir));
    fs::write(dir.join("verdict"), format!("{}\n", verdict.line(seed))).unwrap();
    assert!(verdict.violations.is_empty());
}

/// Judge a history that was kept: `CHAOS_HISTORY=FILE`.
#[test]
#[ignore = "needs a history: CHAOS_HISTORY=FILE"]
fn judge() {
    let file = std::env::vars().find(|(key, _)| key == "CHAOS_HISTORY").map(|(_, value)| value).expect("CHAOS_HISTORY=FILE");
    let events = history::read(Path::new(&file));
    let found = check::check(&events);
    for violation in &found {
        println!("{violation}");
    }
    assert!(found.is_empty(), "{} violations", found.len());
}
