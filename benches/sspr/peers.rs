//! Two job queues that people use on Postgres, on the same cluster, with the same number in flight: Node programs in `benches/peers`.

use std::{fs, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{
    Bench, cycle,
    machine::Ticks,
    report::{Better, Line},
    stats::{median, spread},
    world::World,
};

const IN_FLIGHT: usize = 32;
const FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../peers/package.json")),
    ("drive.js", include_str!("../peers/drive.js")),
    ("pgboss.js", include_str!("../peers/pgboss.js")),
    ("graphile.js", include_str!("../peers/graphile.js")),
];

#[derive(Deserialize)]
struct Said {
    count: f64,
    seconds: f64,
}

/// Ours and theirs in turn.
pub async fn measure(bench: &Bench, name: &'static str, script: &str, package: &str, target: f64) -> Result<Line> {
    let place = install(bench)?;
    let count = bench.pick(1500, 5000);
    let (mut ratios, mut ours, mut theirs, mut detail) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    for _ in 0..bench.rounds {
        bench.cluster.psql("bench", "drop schema if exists pgboss cascade; drop schema if exists graphile_worker cascade")?;
        let (ticks, begun) = (Ticks::now(&[], world.postmaster), Instant::now());
        let output = run(Command::new("node")
            .current_dir(&place)
            .arg(script)
            .arg(bench.cluster.url())
            .args([IN_FLIGHT, count / 4, count].map(|n| n.to_string())))?;
        let shares = Ticks::now(&[], world.postmaster).since(ticks, begun.elapsed().as_secs_f64());
        let said: Said = serde_json::from_str(&output).with_context(|| format!("{script} said {output}"))?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        let own = cycle::round(&world, &[&server], &[&site], &site.first(count), IN_FLIGHT, bench.manners).await?;
        drop(server);
        world.tidy().await?;
        let rate = said.count / said.seconds;
        ratios.push(own.rate / rate);
        ours.push(own.rate);
        theirs.push(rate);
        detail = format!("their postgres {:.2} processors, ours {:.2}", shares.postgres, own.shares.postgres);
    }
    bench.cluster.psql("bench", "drop schema if exists pgboss cascade; drop schema if exists graphile_worker cascade")?;
    let detail = format!(
        "ours {:.0} cycles/s ({}), {package} {:.0} ({}); {IN_FLIGHT} in flight, jobs as long as a sealed password; {detail}",
        median(&ours),
        spread(&ours, 0),
        median(&theirs),
        spread(&theirs, 0)
    );
    Ok(Line::new(name, median(&ratios), &ratios, target, Better::Higher, detail))
}

/// By npm, once, into the build directory.
fn install(bench: &Bench) -> Result<PathBuf> {
    let place = bench.work.join("peers");
    fs::create_dir_all(&place)?;
    let mut same = place.join("node_modules").is_dir();
    for (name, text) in FILES {
        same &= name != "package.json" || fs::read_to_string(place.join(name)).is_ok_and(|there| there == text);
        fs::write(place.join(name), text)?;
    }
    if Command::new("node").arg("--version").output().is_err() {
        bail!("node is not installed (Debian's nodejs and npm)");
    }
    if !same {
        let npm = Command::new("npm").args(["install", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&place).output();
        let npm = npm.context("npm is not installed")?;
        ensure!(npm.status.success(), "npm install: {}", String::from_utf8_lossy(&npm.stderr));
    }
    Ok(place)
}

/// What a program prints; other tasks go on meanwhile.
fn run(command: &mut Command) -> Result<String> {
    let output = tokio::task::block_in_place(|| command.output()).context("starting node")?;
    ensure!(output.status.success(), "node: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
