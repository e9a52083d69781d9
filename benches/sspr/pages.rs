//! The first page beside the least that a server of the same kind can do: axum's hello-world, built with the same compiler, in the
//! same run, driven by the same client.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{Router, routing::get};
use tokio::task::JoinSet;

use super::{
    Bench,
    http::{self, Conn},
    machine::Ticks,
    report::{Better, Line},
    stats::{median, spread},
    world::{World, free_port},
};

const CONNECTIONS: usize = 32;

/// What [`measure`] starts as a process of its own.
pub async fn hello(port: u16) -> Result<()> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, Router::new().route("/", get(|| async { "Hello, World!" }))).await?;
    Ok(())
}

struct Hello(Child);

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn measure(bench: &Bench) -> Result<Line> {
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", 1, 1).await?;
    world.hear_of_all().await?;
    world.tidy().await?;
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let port = free_port()?;
    let hello = Hello(Command::new(std::env::current_exe()?).args(["--hello", &port.to_string()]).spawn()?);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let begun = Instant::now();
    while Conn::open(address).await.is_err() {
        ensure!(begun.elapsed().as_secs() < 10, "the hello-world does not come up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let browser = [
        "accept: text/html,application/xhtml+xml,*/*;q=0.8",
        "accept-language: en",
        "sec-fetch-site: none",
        "accept-encoding: gzip, deflate, br, zstd",
    ];
    let page = http::request("GET", "/", &site.host, &browser, b"");
    let least = http::request("GET", "/", &format!("localhost:{port}"), &browser, b"");
    let seconds = if bench.pick(0, 1) == 0 { 2.0 } else { 4.0 };
    let (mut ratios, mut rates, mut hellos, mut shares) = (Vec::new(), Vec::new(), Vec::new(), None);
    for _ in 0..bench.rounds.max(3) {
        let least = flood(address, &least, seconds).await?;
        let ticks = world.ticks(&[&server]);
        let own = flood(server.address, &page, seconds).await?;
        shares = Some(world.ticks(&[&server]).since(ticks, seconds));
        ratios.push(own / least);
        rates.push(own);
        hellos.push(least);
    }
    let ticks = Ticks::now(&[hello.0.id()], world.postmaster);
    flood(address, &least, seconds).await?;
    let hello_shares = Ticks::now(&[hello.0.id()], world.postmaster).since(ticks, seconds);
    let detail = format!(
        "{:.0} identify pages/s ({}); hello-world {:.0}/s ({}); {CONNECTIONS} connections; page: {}; hello-world: {}",
        median(&rates),
        spread(&rates, 0),
        median(&hellos),
        spread(&hellos, 0),
        shares.context("no rounds")?.each(median(&rates)),
        hello_shares.each(median(&hellos)),
    );
    Ok(Line::new("pages", median(&ratios), &ratios, 0.35, Better::Higher, detail))
}

/// Answers per second; every one must be 200.
async fn flood(address: SocketAddr, request: &[u8], seconds: f64) -> Result<f64> {
    let (over, mut tasks, request) = (Arc::new(AtomicBool::new(false)), JoinSet::new(), Arc::new(request.to_vec()));
    for _ in 0..CONNECTIONS {
        let (mut conn, over, request) = (Conn::open(address).await?, over.clone(), request.clone());
        tasks.spawn(async move {
            let mut count = 0u32;
            while !over.load(Ordering::Relaxed) {
                let answer = conn.send(&request).await?;
                ensure!(answer.status == 200, "answered {}", answer.status);
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    over.store(true, Ordering::Relaxed);
    let mut count = 0;
    while let Some(done) = tasks.join_next().await {
        count += done??;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
