//! The measured promises: what this service does beside what the same disk and processors can do at most, in one run.
//!
//! Everything is the real thing: `sspr serve` as built for release, its own process, real TCP and HTTP/1.1; a private Postgres with
//! fsync on; every proof and signature. It reports and fails on nothing but its own breakage. `bin/bench --help`.

mod agent;
mod cluster;
mod console;
mod crowd;
mod cycle;
mod http;
mod idle;
mod load;
mod machine;
mod mirror;
mod pages;
mod peers;
mod report;
mod reset;
mod scale;
mod stats;
mod told;
mod world;

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use clap::Parser;

use cluster::{Cluster, Yard};
use crowd::Kind;
use load::Manners;
use report::{Line, Report};

const NAMES: [&str; 17] = [
    "cycle_32",
    "cycle_128",
    "told_alone",
    "told_busy",
    "whole_reset",
    "vs_pgboss",
    "vs_graphile",
    "idle_agents",
    "idle_agents_tls",
    "history",
    "tenants",
    "fairness",
    "nodes",
    "pages",
    "console",
    "mirror",
    "mirror_openldap",
];

/// Measure the promises, or some of them, beside the physical limits on the same disk, in one run.
#[derive(Parser)]
#[command(name = "bin/bench")]
struct Args {
    /// Which to measure; all when none is named.
    names: Vec<String>,
    /// Shorter: fewer and smaller rounds.
    #[arg(long)]
    quick: bool,
    /// Ten minutes of steady load before the history is judged, instead of one.
    #[arg(long)]
    long: bool,
    /// Milliseconds that every fsync takes, instead of the real disk's time: makes two runs comparable.
    #[arg(long)]
    fsync: Option<f64>,
    /// Where the cluster is made, on a real disk.
    #[arg(long, default_value = "/var/tmp")]
    place: PathBuf,
    #[arg(long)]
    rounds: Option<usize>,
    /// Agents of the one tenant.
    #[arg(long, default_value_t = 1)]
    agents: usize,
    /// Long polls at once, of each agent.
    #[arg(long, default_value_t = 2)]
    pollers: usize,
    /// Jobs per poll, at most.
    #[arg(long, default_value_t = 32)]
    most: u16,
    /// Jobs asked for with a result, at most.
    #[arg(long, default_value_t = 8)]
    with_result: u16,
    /// Also print the dearest SQL statements of the last round of cycles.
    #[arg(long)]
    statements: bool,
    /// Settings of the server, as `SSPR_DATABASE__CONNECTIONS=30`.
    #[arg(long = "set")]
    settings: Vec<String>,
    /// Only print the table of the last run.
    #[arg(long)]
    table: bool,
    /// Put the table of the last run into the README.
    #[arg(long)]
    readme: bool,
    /// Be the hello-world that pages are compared with.
    #[arg(long, hide = true)]
    hello: Option<u16>,
    /// Cargo says so.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What every measure needs.
pub struct Bench {
    pub cluster: Cluster,
    pub work: PathBuf,
    pub rounds: usize,
    pub agents: usize,
    pub manners: Manners,
    pub statements: bool,
    pub long: bool,
    quick: bool,
    settings: Vec<String>,
}

impl Bench {
    pub const fn pick(&self, quick: usize, whole: usize) -> usize {
        if self.quick { quick } else { whole }
    }

    pub fn yard(&self, clients: usize) -> Result<Yard> {
        let seconds = if self.quick { 3 } else { 5 };
        tokio::task::block_in_place(|| self.cluster.yard(clients, seconds))
    }

    pub fn wide_yard(&self, clients: usize) -> Result<Yard> {
        tokio::task::block_in_place(|| self.cluster.wide_yard(clients, 3))
    }

    pub fn server_settings(&self) -> Vec<(&str, String)> {
        self.settings.iter().filter_map(|setting| setting.split_once('=')).map(|(name, value)| (name, value.to_owned())).collect()
    }

    pub fn say(&self, text: &str) {
        eprintln!("bench: {text}");
    }

    async fn measure(&self, name: &str) -> Result<Line> {
        match name {
            "cycle_32" => cycle::measure(self, "cycle_32", 32, 1.0).await,
            "cycle_128" => cycle::measure(self, "cycle_128", 128, 2.0).await,
            "told_alone" => told::alone(self).await,
            "told_busy" => told::busy(self).await,
            "whole_reset" => reset::measure(self).await,
            "idle_agents" => idle::measure(self, "idle_agents", false, 16.0 * 1024.0).await,
            "idle_agents_tls" => idle::measure(self, "idle_agents_tls", true, 64.0 * 1024.0).await,
            "vs_pgboss" => peers::measure(self, "vs_pgboss", "pgboss.js", "pg-boss 10.4.2", 3.0).await,
            "vs_graphile" => peers::measure(self, "vs_graphile", "graphile.js", "graphile-worker 0.17.3", 1.5).await,
            "history" => scale::history(self).await,
            "tenants" => scale::tenants(self).await,
            "fairness" => scale::fairness(self).await,
            "nodes" => scale::nodes(self).await,
            "pages" => pages::measure(self).await,
            "console" => console::measure(self).await,
            "mirror" => mirror::measure(self, name, Kind::Samba).await,
            "mirror_openldap" => mirror::measure(self, name, Kind::OpenLdap).await,
            _ => bail!("there is no promise {name}; there are {}", NAMES.join(", ")),
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(port) = args.hello {
        return pages::hello(port).await;
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let work = root.join("target/bench");
    std::fs::create_dir_all(&work)?;
    let json = work.join("bench.json");
    if args.table || args.readme {
        let last = Report::read(&json).context("no run before: bin/bench")?;
        print!("{}", last.table());
        return if args.readme { last.insert_into(&root.join("README.md")) } else { Ok(()) };
    }
    let names: Vec<&str> = if args.names.is_empty() { NAMES.into() } else { args.names.iter().map(String::as_str).collect() };
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        bail!("there is no promise {unknown}; there are {}", NAMES.join(", "));
    }
    let load_before = machine::load();
    let bench = Bench {
        cluster: Cluster::start(&args.place, &work, args.fsync, args.statements)?,
        work,
        rounds: args.rounds.unwrap_or(if args.quick { 1 } else { 3 }),
        agents: args.agents,
        manners: Manners { pollers: args.pollers, most: args.most, with_result: args.with_result, beats: true },
        statements: args.statements,
        long: args.long,
        quick: args.quick,
        settings: args.settings,
    };
    let mut report = Report {
        machine: machine::describe(),
        disk: bench.cluster.disk.clone(),
        load_before,
        date: output("date", &["-u", "+%F"]),
        commit: output("git", &["describe", "--always", "--dirty"]),
        results: Vec::new(),
        missing: Vec::new(),
    };
    bench.say(&format!("{}; {}; load {load_before}", report.machine, report.disk));
    for name in names {
        match bench.measure(name).await {
            Ok(line) => report.results.push(line),
            Err(error) => {
                bench.say(&format!("{name}: {error:#}"));
                report.missing.push(format!("{name}: {error:#}"));
            }
        }
        report.write(&json)?;
    }
    println!("{}\n{}", report.details(), report.table());
    bench.say(&format!("written to {}", json.display()));
    Ok(())
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
