//! The mirror: a directory of 100,000 people told to the cloud for the first time, beside `ldapsearch` reading the same attributes of the
//! same people and throwing them away; what that costs in memory; how long a change and a deletion then take to arrive; naming everybody
//! anew, as happens every hour; and a pass that does not name most of them, which is held back, and then meant.
//!
//! The real agent in a process of its own, the real server, a real directory, all on this machine: what the agent and the cloud use of the
//! processors, the directory lacks.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use sspr::{
    agent::state,
    base::id,
    domain::{audit::Source, fleet, users},
    wire::{keys::fingerprint, message::MirrorBatch},
};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    Bench,
    crowd::{Crowd, Kind},
    machine,
    report::{Better, Line},
    stats::median,
    world::{Server, Site, World},
};

pub async fn measure(bench: &Bench, name: &str, kind: Kind) -> Result<Line> {
    let count = bench.pick(2000, 100_000);
    bench.say(&format!("{name}: a directory of {count} people; the first time, making it takes a while"));
    let crowd = Crowd::start(bench, kind, count)?;
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("mirror.localhost", 0, 0).await?;
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let before = machine::resident(server.pid());
    let longest = Longest::of(&world);
    let (mut ratios, mut rates, mut last) = (Vec::new(), Vec::new(), None::<(Agent, f64)>);
    for round in 0..bench.rounds.max(1) {
        // Both in turn, and the plain search before and after.
        let first = crowd.plainly(count)?;
        // Its agent ends before it is forgotten whom it told of.
        drop(last.take());
        sqlx::query("truncate users cascade").execute(&world.db).await?;
        let agent = Agent::start(bench, &world, &site, &crowd, round).await?;
        let millis = agent.first_pass(&world, count).await?;
        let second = crowd.plainly(count)?;
        let people = f64::from(u32::try_from(count)?);
        rates.push(people / millis * 1000.0);
        ratios.push(f64::midpoint(first, second) / (millis / 1000.0));
        last = Some((agent, people / f64::midpoint(first, second)));
        bench.say(&format!("{name}: {:.0} people/s of {:.0}", rates[round], people / f64::midpoint(first, second)));
    }
    let Some((agent, plain)) = last else { bail!("no round") };
    let begun = Instant::now();
    crowd.rename("p0000001", "Other").await?;
    let changed = world.until(begun, "select count(*) from users where display_name = 'Other'", 1).await?;
    let begun = Instant::now();
    crowd.delete("p0000001").await?;
    let deleted = world.until(begun, "select count(*) from users where removed_at is not null", 1).await?;
    bench.say(&format!("{name}: a change after {changed:.1} s, a deletion after {deleted:.1} s"));
    let peak = machine::peak(agent.child.id());
    drop(agent);
    // One that knows nothing names everybody anew; the cloud knows them all.
    let again = Agent::start(bench, &world, &site, &crowd, bench.rounds.max(1)).await?.first_pass(&world, count - 1).await? / 1000.0;
    let after = machine::peak(server.pid());
    let longest = longest.end().await?;
    let (held, meant) = emptied(&world, &site, &server, count - 1).await?;
    let detail = format!(
        "people/s of a first pass {:.0}, of ldapsearch with the same attributes {plain:.0}, {count} people ({}); at most {} MiB in the agent, {} in the server ({} before); with looks every 5 s a change arrived after {changed:.1} s, a deletion (not shown to the agent's account) after {deleted:.1} s; everybody named anew in {again:.0} s; longest transaction {:.2} s; a pass that names nobody held back in {held:.2} s, and once it is meant, all gone in {meant:.1} s",
        median(&rates),
        crowd.version(),
        peak >> 20,
        after >> 20,
        before >> 20,
        longest.as_secs_f64(),
    );
    Ok(Line::new(name, median(&ratios), &ratios, 0.5, Better::Higher, detail))
}

/// Seconds until a pass that names nobody is held back, and until everybody is gone once that is meant. Others are served meanwhile.
async fn emptied(world: &World, site: &Site, server: &Server, known: usize) -> Result<(f64, f64)> {
    let connector = sqlx::query_scalar("select connector_id from connectors").fetch_one(&world.db).await?;
    let begun = Instant::now();
    let mut tx = world.db.begin().await?;
    let batch = MirrorBatch { pass: id::random(), full: true, first: true, last: true, ..MirrorBatch::default() };
    let outcome = users::mirror(&mut tx, &site.tenant.scope, &world.clock, connector, &batch).await?;
    tx.commit().await?;
    let held = begun.elapsed().as_secs_f64();
    ensure!(matches!(outcome, users::MirrorOutcome::Taken(done, _) if done.held == known), "not held back");
    let begun = Instant::now();
    let mut tx = world.db.begin().await?;
    let gone = users::accept(&mut tx, &site.tenant.scope, &world.clock, &Source::house("cli"), connector).await?;
    ensure!(tokio::net::TcpStream::connect(server.address).await.is_ok(), "the server is away");
    tx.commit().await?;
    ensure!(gone == Some(u64::try_from(known)?), "{gone:?} gone, of {known}");
    Ok((held, begun.elapsed().as_secs_f64()))
}

/// How long the longest transaction of the database took, looked at often.
struct Longest {
    stop: watch::Sender<()>,
    looking: JoinHandle<Result<Duration>>,
}

impl Longest {
    fn of(world: &World) -> Self {
        let (stop, mut stopped) = watch::channel(());
        let db = world.db.clone();
        let look = "select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 from pg_stat_activity
                    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and query not like 'truncate%'";
        let looking = tokio::spawn(async move {
            let mut longest = 0.0;
            while tokio::time::timeout(Duration::from_millis(20), stopped.changed()).await.is_err() {
                longest = f64::max(longest, sqlx::query_scalar(look).fetch_one(&db).await?);
            }
            Ok(Duration::from_secs_f64(longest))
        });
        Self { stop, looking }
    }

    async fn end(self) -> Result<Duration> {
        drop(self.stop);
        self.looking.await?
    }
}

/// The agent, in a process of its own; dropped, it is gone.
struct Agent {
    child: Child,
    log: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Agent {
    /// A new one, enrolled and confirmed.
    async fn start(bench: &Bench, world: &World, site: &Site, crowd: &Crowd, round: usize) -> Result<Self> {
        let dir = bench.work.join(format!("mirror-{round}"));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let connector = sqlx::query_scalar("select connector_id from connectors").fetch_one(&world.db).await?;
        let mut tx = world.db.begin().await?;
        let (scope, house) = (&site.tenant.scope, Source::house("cli"));
        let token = fleet::new_token(&mut tx, scope, &world.clock, &house, connector).await?;
        tx.commit().await?;
        let token_file = bench.work.join("mirror.token");
        fs::write(&token_file, token)?;
        let log = bench.work.join(format!("mirror-{round}.log"));
        let settings = settings(world, crowd, &dir);
        let program = |args: &[&str], log: File| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
            command.args(args).current_dir(&bench.work).env_clear().envs(settings.clone()).stdout(Stdio::null()).stderr(log);
            command
        };
        let enrol = ["agent", "enrol", "--token-file", &token_file.display().to_string()];
        let done = tokio::task::block_in_place(|| program(&enrol, File::create(&log)?).status().context("starting sspr agent enrol"))?;
        ensure!(done.success(), "sspr agent enrol: {}", fs::read_to_string(&log).unwrap_or_default());
        let (me, identity) = state::look(&dir)?.context("nobody is enrolled")?;
        let mut tx = world.db.begin().await?;
        let print = fingerprint(identity.current().public());
        ensure!(fleet::confirm(&mut tx, scope, &world.clock, &house, me.agent, &print).await?, "not confirmed");
        tx.commit().await?;
        Ok(Self { child: program(&["agent"], File::create(&log)?).spawn().context("starting sspr agent run")?, log })
    }

    /// Milliseconds of its first full pass, by its own log.
    async fn first_pass(&self, world: &World, count: usize) -> Result<f64> {
        let begun = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log)?;
            let told = log
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .find_map(|line| find(&line, "mirror.millis"));
            if let Some(millis) = told {
                let stored: i64 = sqlx::query_scalar("select count(*) from users where removed_at is null").fetch_one(&world.db).await?;
                ensure!(usize::try_from(stored)? == count, "{stored} people arrived, of {count}");
                return Ok(millis);
            }
            ensure!(begun.elapsed() < Duration::from_mins(10), "no pass ended: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A number of that name, wherever in the line it stands.
fn find(line: &serde_json::Value, name: &str) -> Option<f64> {
    let object = line.as_object()?;
    object.get(name).and_then(serde_json::Value::as_f64).or_else(|| object.values().find_map(|inner| find(inner, name)))
}

fn settings(world: &World, crowd: &Crowd, dir: &Path) -> Vec<(String, String)> {
    let own =
        [("LOG__FORMAT", "json".to_owned()), ("AGENT__CLOUD_URL", world.url.clone()), ("AGENT__STATE_DIR", dir.display().to_string())];
    own.into_iter().chain(crowd.settings()).map(|(name, value)| (format!("SSPR_{name}"), value)).collect()
}

impl World {
    /// Seconds since `begun` until the query says so.
    async fn until(&self, begun: Instant, query: &'static str, wanted: i64) -> Result<f64> {
        while sqlx::query_scalar::<_, i64>(query).fetch_one(&self.db).await? != wanted {
            ensure!(begun.elapsed() < Duration::from_mins(20), "not within 20 min: {query}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}
