//! What is done to the processes and the lines between them, by a schedule that follows from the seed.

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use sspr::lab::inbox::Refusal;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep, sleep_until},
};

use super::{
    chance::Chance,
    estate::{AGENTS, SERVERS},
    history::Event,
    process::Process,
    proxy::{Line, Weather},
    world::World,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillServer(usize),
    KillAgent(usize),
    PauseServer(usize),
    PauseAgent(usize),
    Upstream(Weather),
    Portal(usize, Weather),
    Ldaps(usize, Weather),
    PostgresRestart,
    PostgresCrash,
    DirectoryPause,
    DirectoryRestart,
    /// Seconds ahead.
    ServerClock(usize, i64),
    AgentClock(usize, i64),
    /// What the agent writes ends in the middle of a line.
    FullDisk(usize),
    /// Killed while it wrote a line.
    TornJournal(usize),
    /// It is to replace its identity key.
    Rotate(usize),
    /// Never trusted again; another one is enrolled in its place.
    Revoke(usize),
    /// No mail is taken for now.
    Mail,
    /// Everything but the domain, at one moment.
    PowerCut,
    /// Copied when it begins, restored when it ends.
    OldBackup,
}

/// One line of the schedule. Milliseconds from the beginning, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    pub at: u64,
    pub lasts: u64,
    pub fault: Fault,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |millis: u64| (millis / 1000, millis % 1000 / 100);
        let ((at, at_tenth), (lasts, lasts_tenth)) = (tenths(self.at), tenths(self.lasts));
        write!(f, "{at:>6}.{at_tenth} s  for {lasts:>3}.{lasts_tenth} s  {:?}", self.fault)
    }
}

/// Twice a lease of 15 s, and a little.
const TWO_LEASES: u64 = 32_000;

/// For a run of so many seconds; the last faults have passed by its end. `only`: kinds of faults by how their names begin, all if there is none.
pub fn plan(seed: u64, seconds: u64, only: &[String]) -> Vec<Planned> {
    let wanted = |fault: Fault| only.is_empty() || only.iter().any(|kind| format!("{fault:?}").starts_with(kind));
    let mut chance = Chance::new(seed);
    let end = seconds * 1000;
    let mut all = Vec::new();
    let mut at = 3000;
    // Restored backups are not drawn: their number is given below.
    if !only.is_empty() && only.iter().all(|kind| kind == "OldBackup") {
        at = end;
    }
    while at < end {
        let fault = any(&mut chance);
        if !wanted(fault) {
            continue;
        }
        let lasts = match fault {
            Fault::PauseAgent(_) => {
                if chance.percent(60) {
                    TWO_LEASES
                } else {
                    chance.between(2000, 9000)
                }
            }
            Fault::PauseServer(_) | Fault::DirectoryPause => chance.between(2000, 15_000),
            Fault::ServerClock(..) | Fault::AgentClock(..) => chance.between(8000, 25_000),
            Fault::Upstream(Weather::Still) | Fault::Ldaps(_, Weather::Still) => chance.between(2000, 20_000),
            Fault::PostgresRestart | Fault::PostgresCrash => chance.between(0, 4000),
            Fault::Rotate(_) | Fault::Revoke(_) => 0,
            Fault::KillServer(_) | Fault::KillAgent(_) | Fault::TornJournal(_) | Fault::DirectoryRestart | Fault::PowerCut => {
                chance.between(200, 6000)
            }
            _ => chance.between(3000, 10_000),
        };
        if at + lasts > end {
            // Something shorter may still fit, but the end comes nearer each time.
            at += 2000;
            if at > end {
                break;
            }
            continue;
        }
        all.push(Planned { at, lasts, fault });
        // Sometimes a second one on top.
        at += if chance.percent(40) { chance.between(300, 2500) } else { chance.between(3000, 9000) };
    }
    if seconds >= 90 && wanted(Fault::OldBackup) {
        // One that is old; and some that are hardly so, by which what was in hand then is in hand again.
        all.push(Planned { at: end / 5, lasts: end * 3 / 5, fault: Fault::OldBackup });
        for _ in 0..seconds.div_ceil(if only.is_empty() { 120 } else { 12 }) {
            let lasts = chance.between(1000, 40_000);
            all.push(Planned { at: chance.between(5000, end - lasts - 5000), lasts, fault: Fault::OldBackup });
        }
        all.sort_by_key(|planned| planned.at);
    }
    all
}

fn any(chance: &mut Chance) -> Fault {
    let (server, agent) = (chance.index(SERVERS), chance.index(AGENTS));
    // Sealed by TLS, a second copy would only be noise.
    let sealed = [Weather::DropRequests(40), Weather::DropAnswers(40), Weather::Slow(300), Weather::Still, Weather::Cut];
    let open = [&sealed[..], &[Weather::Twice(60)]].concat();
    match chance.below(100) {
        0..9 => Fault::KillServer(server),
        9..11 => Fault::PowerCut,
        11..18 => Fault::KillAgent(agent),
        18..20 => Fault::TornJournal(agent),
        20..22 => Fault::FullDisk(agent),
        22 => Fault::Rotate(agent),
        23 => Fault::Revoke(agent),
        24..28 => Fault::PauseServer(server),
        28..36 => Fault::PauseAgent(agent),
        36..52 => Fault::Upstream(*chance.one_of(&open)),
        52..60 => Fault::Portal(server, *chance.one_of(&open)),
        60..76 => Fault::Ldaps(agent, *chance.one_of(&sealed)),
        76..80 => Fault::PostgresRestart,
        80..83 => Fault::PostgresCrash,
        83 => Fault::Mail,
        84..88 => Fault::DirectoryPause,
        88..92 => Fault::DirectoryRestart,
        92..96 => Fault::ServerClock(server, jump(chance)),
        _ => Fault::AgentClock(agent, jump(chance)),
    }
}

fn jump(chance: &mut Chance) -> i64 {
    *chance.one_of(&[600, -600, 45, -45, 150, -150, 3600])
}

/// Do what the schedule says, at its times; returns when all of it is undone.
pub async fn run(world: &Arc<World>, schedule: Vec<Planned>) {
    let (start, mut all) = (Instant::now(), JoinSet::new());
    for (number, planned) in schedule.into_iter().enumerate() {
        let world = world.clone();
        all.spawn(async move {
            sleep_until(start + Duration::from_millis(planned.at)).await;
            let begun = world.recorder.now();
            strike(&world, planned, number).await;
            let ended = world.recorder.now();
            world.recorder.write(Event::Fault { name: format!("{:?}", planned.fault), begun, ended });
        });
    }
    all.join_all().await;
}

async fn strike(world: &Arc<World>, planned: Planned, number: usize) {
    let (estate, lasts) = (&world.estate, Duration::from_millis(planned.lasts));
    match planned.fault {
        Fault::KillServer(server) => kill(&estate.servers[server], lasts).await,
        Fault::KillAgent(agent) => kill(&estate.agents[agent], lasts).await,
        Fault::PauseServer(server) => pause(&estate.servers[server], lasts).await,
        Fault::PauseAgent(agent) => pause(&estate.agents[agent], lasts).await,
        Fault::Upstream(weather) => passes(&estate.upstream, weather, lasts).await,
        Fault::Portal(server, weather) => passes(&estate.portals[server], weather, lasts).await,
        Fault::Ldaps(agent, weather) => passes(&estate.ldaps[agent], weather, lasts).await,
        Fault::PostgresRestart | Fault::PostgresCrash => {
            let _held = estate.postgres_held.lock().await;
            let world = world.clone();
            let crash = planned.fault == Fault::PostgresCrash;
            let away = move || {
                let postgres = &world.estate.postgres;
                if crash { postgres.stop_hard() } else { postgres.stop() }.unwrap();
                std::thread::sleep(lasts);
                postgres.start_again().unwrap();
            };
            spawn_blocking(away).await.unwrap();
        }
        Fault::DirectoryPause => {
            let _held = estate.samba_held.lock().await;
            let signal = |signal: &str| {
                let pid = std::fs::read_to_string(estate.samba.dir().join("run/pid")).unwrap_or_default();
                let pid = pid.split_whitespace().next().unwrap_or_default().to_owned();
                let _ = Command::new("kill").args([signal, &pid]).status();
            };
            signal("-STOP");
            sleep(lasts).await;
            signal("-CONT");
        }
        Fault::DirectoryRestart => {
            let _held = estate.samba_held.lock().await;
            let world = world.clone();
            let away = move || {
                world.estate.samba.stop().unwrap();
                std::thread::sleep(lasts);
                world.estate.samba.start_again().unwrap();
            };
            spawn_blocking(away).await.unwrap();
        }
        Fault::ServerClock(server, ahead) => wrong(world, &estate.servers[server], ahead, lasts).await,
        Fault::AgentClock(agent, ahead) => wrong(world, &estate.agents[agent], ahead, lasts).await,
        Fault::FullDisk(agent) => {
            let Ok(_held) = estate.agents[agent].disk_held.try_lock() else { return };
            estate.agents[agent].fill_disk(true);
            sleep(lasts).await;
            estate.agents[agent].fill_disk(false);
        }
        Fault::TornJournal(agent) => {
            let process = &estate.agents[agent];
            let _held = process.held.lock().await;
            process.kill();
            tear(&super::fleet::state_dir(&estate.dir, agent));
            sleep(lasts).await;
            process.start();
        }
        Fault::Rotate(agent) => estate.office.ask_to_rotate(agent),
        Fault::Revoke(agent) => {
            let world = world.clone();
            spawn_blocking(move || world.estate.office.revoke(agent)).await.unwrap();
        }
        Fault::Mail => {
            world.people.iter().for_each(|person| estate.inbox.refuse(&person.mail, Refusal::ForNow));
            sleep(lasts).await;
            world.people.iter().for_each(|person| estate.inbox.accept(&person.mail));
        }
        Fault::PowerCut => power_cut(world, lasts).await,
        Fault::OldBackup => old_backup(world, lasts, estate.dir.join(format!("backup{number}"))).await,
    }
}

async fn kill(process: &Process, lasts: Duration) {
    let _held = process.held.lock().await;
    process.kill();
    sleep(lasts).await;
    process.start();
}

/// What a power cut leaves of the lines that were being written.
fn tear(dir: &Path) {
    for name in ["journal", "audit.jsonl"] {
        // One that has just been enrolled may not have begun it.
        if let Ok(mut file) = File::options().append(true).open(dir.join(name)) {
            std::io::Write::write_all(&mut file, br#"{"is":"do"#).unwrap();
        }
    }
}

async fn pause(process: &Process, lasts: Duration) {
    let _held = process.held.lock().await;
    process.pause();
    sleep(lasts).await;
    process.go_on();
}

async fn passes(line: &Line, weather: Weather, lasts: Duration) {
    let _held = line.held.lock().await;
    line.set(weather);
    sleep(lasts).await;
    line.set(Weather::Fair);
}

/// Its clock only: a process may be held by another fault meanwhile.
async fn wrong(world: &World, process: &Process, ahead: i64, lasts: Duration) {
    // Wrong already: one jump at a time is enough.
    let Ok(_held) = process.clock_held.try_lock() else { return };
    process.set_clock(ahead, &world.recorder);
    sleep(lasts).await;
    process.set_clock(0, &world.recorder);
}

async fn power_cut(world: &Arc<World>, lasts: Duration) {
    // In the order of `old_backup`, so that nobody waits in circles.
    let mut held = Vec::new();
    for process in world.estate.processes() {
        held.push(process.held.lock().await);
    }
    let _held = (held, world.estate.postgres_held.lock().await);
    let world = world.clone();
    let away = move || {
        let estate = &world.estate;
        estate.postgres.stop_hard().unwrap();
        estate.processes().for_each(Process::kill);
        std::thread::sleep(lasts);
        estate.postgres.start_again().unwrap();
        estate.processes().for_each(Process::start);
    };
    spawn_blocking(away).await.unwrap();
}

async fn old_backup(world: &Arc<World>, lasts: Duration, file: PathBuf) {
    let taken = world.recorder.now();
    {
        let _held = world.estate.postgres_held.lock().await;
        let (world, file) = (world.clone(), file.clone());
        spawn_blocking(move || world.estate.back_up(&file)).await.unwrap();
    }
    let copied = world.recorder.now();
    sleep(lasts).await;
    let (first, second) = (&world.estate.servers[0], &world.estate.servers[1]);
    let _held = (first.held.lock().await, second.held.lock().await, world.estate.postgres_held.lock().await);
    let begun = world.recorder.now();
    let again = world.clone();
    let restore = move || {
        again.estate.servers.iter().for_each(Process::stop);
        again.estate.restore(&file);
        again.estate.servers.iter().for_each(Process::start);
    };
    spawn_blocking(restore).await.unwrap();
    world.recorder.write(Event::Restored { taken, copied, begun, ended: world.recorder.now() });
}
