//! `sspr demo`: everything at once on loopback, to try it, to probe it, or for other programs to try it with.
//!
//! The server, the worker and the agent are the production ones, with the settings that a person would write; Postgres, the
//! domain controller and the inbox are private to this process and are gone with it, whatever ends it.

mod checks;
mod estate;
mod people;
mod probe;
mod report;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};

use self::{checks::Place, estate::Estate};
use crate::base::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Keep database, directory and agent here between runs. Without it nothing is left behind.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write addresses, sample users and credential files here once all is ready, for other programs.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Do so many complete resets as a browser would, check each at the directory, print the times, end.
    #[arg(long, value_name = "N")]
    probe: Option<usize>,
    /// Where the portal listens on loopback; 0: anywhere.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the inbox listens on loopback; 0: anywhere.
    #[arg(long, default_value_t = 8081)]
    inbox_port: u16,
}

pub async fn run(args: Args, _config: Config) -> Result<()> {
    let begun = Instant::now();
    let stop = super::asked_to_stop();
    tokio::pin!(stop);
    let start = async {
        // All that can be wrong with this machine, before anything slow.
        Estate::start(Place::check(&args).await?).await
    };
    let mut estate = tokio::select! {
        biased;
        // Nothing is under way that could end well: what has begun is cleaned up behind us, as after any other death.
        () = &mut stop => std::process::exit(130),
        estate = start => estate?,
    };
    if let Some(file) = &args.json {
        report::write(file, &estate)?;
    }
    println!("Ready after {:.1} s.", begun.elapsed().as_secs_f64());
    if args.probe.is_none() {
        report::print(&estate);
    }
    let Estate { running, portal_url, inbox, dc, .. } = &mut estate;
    let work = async {
        match args.probe {
            Some(number) => probe::run(number, portal_url, inbox, dc).await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        () = &mut stop => Ok(()),
        ended = estate::ended(running) => ended.context("the demo cannot go on"),
        outcome = work => outcome,
    };
    estate.end().await;
    outcome
}
