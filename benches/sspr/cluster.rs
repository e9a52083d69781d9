//! The private Postgres of a run, durable and on a real disk, and what that machine can do at most: the yardstick.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sspr::lab::postgres::{self, Postgres, Tuning};

use super::{machine, stats};

/// Beside the lab's own. Durable; big enough not to be bound by memory, small enough for a laptop.
const SETTINGS: [&str; 9] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "wal_level=replica",
    "autovacuum=on",
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "max_connections=600",
];
const DATABASE: &str = "bench";
/// As wide as what a job holds besides the sealed password.
const NARROW: usize = 200;
/// As wide as a sealed password: what must be written in any case.
const WIDE: usize = 3700;

pub struct Cluster {
    postgres: Postgres,
    /// For people: whose fsync it is.
    pub disk: String,
    scripts: PathBuf,
}

/// One run of pgbench.
#[derive(Clone, Copy)]
pub struct Yard {
    /// Cycles of three commits, per second.
    pub rate: f64,
    /// Milliseconds of a cycle, median.
    pub p50: f64,
}

impl Cluster {
    /// In `place`, whose file system must not be memory. `fsync`: milliseconds that a disk of our own making takes.
    /// `statements`: Postgres counts what each costs.
    pub fn start(place: &Path, work: &Path, fsync: Option<f64>, statements: bool) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-bench-").tempdir_in(place)?.keep();
        let kind = machine::file_system(&dir);
        ensure!(kind != "tmpfs", "{} is memory, not a disk: name another place with --place", place.display());
        let mut tuning = Tuning { settings: SETTINGS.map(str::to_owned).into(), environment: Vec::new() };
        if statements {
            tuning.settings.push("shared_preload_libraries=pg_stat_statements".to_owned());
            tuning.settings.push("pg_stat_statements.track_planning=on".to_owned());
        }
        let mut disk = format!("real fsync on {kind}");
        if let Some(millis) = fsync {
            let shim = compile(work, &dir)?;
            tuning.environment.push(("LD_PRELOAD".to_owned(), shim.display().to_string()));
            tuning.environment.push(("FSYNC_NS".to_owned(), format!("{:.0}", millis * 1e6)));
            disk = format!("every fsync takes {millis} ms, by a preloaded library");
        }
        let scripts = work.join("yard");
        fs::create_dir_all(&scripts)?;
        let cluster = Self { postgres: Postgres::start_tuned(&dir, false, &tuning)?, disk, scripts };
        cluster.psql("postgres", &format!("create database {DATABASE}"))?;
        cluster.psql(
            DATABASE,
            "create schema yard; create table yard.jobs (id bigserial primary key, payload text not null, state text not null, lease uuid) with (fillfactor = 60)",
        )?;
        if statements {
            cluster.psql(DATABASE, "create schema statements; create extension pg_stat_statements schema statements")?;
        }
        Ok(cluster)
    }

    /// The dearest statements since [`Self::forget_statements`], for whoever looks for where the time goes.
    pub fn statements(&self) -> Result<String> {
        self.psql(
            DATABASE,
            "select format('%8s ms %7s × %8s ms, and %8s ms to plan  %s', round(total_exec_time), calls, round(mean_exec_time::numeric, 3),
                 round((total_plan_time / greatest(calls, 1))::numeric, 3), left(regexp_replace(query, '\\s+', ' ', 'g'), 150))
             from statements.pg_stat_statements order by total_exec_time + total_plan_time desc limit 40",
        )
    }

    pub fn forget_statements(&self) -> Result<()> {
        self.psql(DATABASE, "select statements.pg_stat_statements_reset()").map(drop)
    }

    pub fn url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    pub fn dir(&self) -> &Path {
        self.postgres.dir()
    }

    pub fn postmaster(&self) -> u32 {
        let text = fs::read_to_string(self.postgres.dir().join("data/postmaster.pid")).unwrap_or_default();
        text.lines().next().and_then(|line| line.trim().parse().ok()).unwrap_or(0)
    }

    /// Run SQL by hand.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let output = self.program("psql")?.args(["-v", "ON_ERROR_STOP=1", "-qAtX", "-d", database, "-c", sql]).output()?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn program(&self, name: &str) -> Result<Command> {
        // Somebody may have linked the two that the lab needs into a place of their own; the rest is where they really are.
        let server = fs::canonicalize(postgres::programs()?.join("postgres"))?;
        let found = server.parent().map(|dir| dir.join(name)).filter(|program| program.is_file());
        let mut command = Command::new(found.with_context(|| format!("Postgres' {name} is not installed"))?);
        command.env("PGHOST", self.postgres.dir()).env("PGUSER", "postgres");
        Ok(command)
    }

    /// Insert, update, update, each a statement and a commit of its own: by Postgres' own load generator.
    pub fn yard(&self, clients: usize, seconds: u64) -> Result<Yard> {
        self.yard_of(clients, seconds, NARROW)
    }

    /// The same with a payload as long as a sealed password.
    pub fn wide_yard(&self, clients: usize, seconds: u64) -> Result<Yard> {
        self.yard_of(clients, seconds, WIDE)
    }

    fn yard_of(&self, clients: usize, seconds: u64, width: usize) -> Result<Yard> {
        let script = self.scripts.join(format!("cycle-{width}.sql"));
        let payload = data_encoding::BASE64URL_NOPAD.encode(&sspr::base::id::random_bytes::<{ WIDE * 3 / 4 }>());
        let text = format!(
            "insert into yard.jobs (payload, state) values ('{}', 'queued') returning id \\gset\n\
             update yard.jobs set state = 'leased', lease = gen_random_uuid() where id = :id;\n\
             update yard.jobs set state = 'done' where id = :id;\n",
            &payload[..width],
        );
        fs::write(&script, text)?;
        for entry in fs::read_dir(&self.scripts)?.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("log.")) {
            fs::remove_file(entry.path())?;
        }
        self.psql(DATABASE, "truncate yard.jobs")?;
        let (clients, threads) = (clients.to_string(), clients.min(2).to_string());
        let output = self
            .program("pgbench")?
            .args(["-n", "-M", "prepared", "-c", &clients, "-j", &threads, "-T", &seconds.to_string()])
            .args(["-l", "--log-prefix"])
            .arg(self.scripts.join("log"))
            .arg("-f")
            .arg(&script)
            .arg(DATABASE)
            .output()
            .context("starting pgbench")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        let Some(rate) = rate.filter(|_| output.status.success()) else {
            bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
        };
        let mut times = Vec::new();
        for entry in fs::read_dir(&self.scripts)?.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("log.")) {
            // The third field of each line: microseconds of the transaction.
            let log = fs::read_to_string(entry.path())?;
            times.extend(log.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()));
        }
        Ok(Yard { rate, p50: stats::percentile(&mut times, 50.0) / 1000.0 })
    }
}

/// Into the cluster's own directory: Postgres runs as another user and must reach it, and it goes with the rest.
fn compile(work: &Path, dir: &Path) -> Result<PathBuf> {
    let (source, shim) = (work.join("fsync.c"), dir.join("fsync.so"));
    fs::write(&source, include_str!("fsync.c"))?;
    let done = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).status().context("starting cc")?;
    ensure!(done.success(), "cc did not compile {}", source.display());
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o644))?;
    Ok(shim)
}
