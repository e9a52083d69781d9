//! `sspr audit`: whether the audit trail is whole, what stands in it, and a signed word about how far it goes.

use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::audit::{
        self, Event, Source, chain,
        checkpoint::{self, Checkpoint},
        stream,
        verify::{self, Report},
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Walk along the chain and tell of every record that was edited, removed, reordered, inserted or cut off.
    Verify {
        /// Not needed where there is only one.
        #[arg(long)]
        tenant: Option<Uuid>,
        /// What `sspr audit checkpoint` once printed, or a file that holds it: finds also what somebody cut off who has the keys.
        #[arg(long, value_name = "CHECKPOINT|FILE")]
        since_checkpoint: Option<String>,
    },
    /// The chain in its order, a JSON object a line, each with its number and hash.
    Export {
        #[arg(long)]
        tenant: Option<Uuid>,
        /// Begin behind this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// Go on with what is written from now on, until interrupted.
        #[arg(long)]
        follow: bool,
    },
    /// Sign how far the chain goes, and print that: keep it where nobody who owns the database can reach it.
    Checkpoint {
        #[arg(long)]
        tenant: Option<Uuid>,
    },
}

/// Between two looks for more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let (Command::Verify { tenant, .. } | Command::Export { tenant, .. } | Command::Checkpoint { tenant }) = &args.command;
    let mut conn = pool.acquire().await?;
    let scope = super::tenant::chosen(&mut conn, &ring, *tenant).await?.scope;
    drop(conn);
    match args.command {
        Command::Verify { since_checkpoint, .. } => {
            let noted = since_checkpoint.as_deref().map(noted).transpose()?;
            ensure!(noted.as_ref().is_none_or(|noted| noted.tenant == scope.id()), "that checkpoint is another tenant's");
            let mut tx = pool.begin_with("begin isolation level repeatable read read only").await?;
            let report = verify::verify(&mut tx, &scope, &clock, noted.as_ref()).await?;
            tx.rollback().await?;
            let mut tx = pool.begin().await?;
            let detail = serde_json::json!({ "last": report.last, "findings": report.findings.len() + report.more });
            let event =
                Event { action: "audit.verify", outcome: if report.holds() { "holds" } else { "broken" }, detail, ..Event::default() };
            audit::record(&mut tx, &scope, &clock, &Source::house("cli"), event).await?;
            tx.commit().await?;
            tell(&report)
        }
        Command::Export { mut after, follow, .. } => {
            let mut tx = pool.begin().await?;
            let detail = serde_json::json!({ "after": after, "follow": follow });
            let event = Event { action: "audit.export", outcome: "exported", detail, ..Event::default() };
            audit::record(&mut tx, &scope, &clock, &Source::house("cli"), event).await?;
            tx.commit().await?;
            let mut out = io::BufWriter::new(io::stdout().lock());
            loop {
                let mut conn = pool.acquire().await?;
                let page = stream::page(&mut conn, &scope, after).await?;
                drop(conn);
                if let Some((lines, last)) = page {
                    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
                    after = last;
                    continue;
                }
                out.flush()?;
                if !follow {
                    return Ok(());
                }
                tokio::select! {
                    () = super::asked_to_stop() => return Ok(()),
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
        }
        Command::Checkpoint { .. } => {
            let mut tx = pool.begin().await?;
            let signed = chain::sign(&mut tx, &scope, &clock, true)
                .await?
                .context("no line has its place in the chain yet: is sspr serve running?")?;
            tx.commit().await?;
            println!("{signed}");
            eprintln!("Line {} at {}. Public key: {}", signed.seq, signed.at.format(&Rfc3339)?, checkpoint::public_key(&scope)?);
            Ok(())
        }
    }
}

/// Itself, or the last word of a file.
fn noted(text: &str) -> Result<Checkpoint> {
    if Path::new(text).is_file() {
        let held = std::fs::read_to_string(text).with_context(|| format!("reading {text}"))?;
        return held.split_whitespace().next_back().with_context(|| format!("{text} is empty"))?.parse();
    }
    text.parse()
}

/// Each finding, and one line that says how it stands.
fn tell(report: &Report) -> Result<()> {
    for finding in &report.findings {
        println!("{finding}");
    }
    let Report { first, last, lines, signed, waiting, .. } = report;
    let signed = match signed {
        Some(word) => format!("signed up to {} at {}", word.seq, word.at.format(&Rfc3339)?),
        None => "not signed yet".to_owned(),
    };
    if !report.holds() {
        let count = report.findings.len() + report.more;
        bail!("the audit trail is BROKEN: {count} findings in lines {first} to {last}; {signed}");
    }
    println!("the audit trail holds: {lines} lines, {first} to {last}; {signed}; {waiting} wait for their place");
    Ok(())
}
