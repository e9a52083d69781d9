//! `sspr agent`: without a subcommand the agent itself, on-premises; the other subcommands.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{self, audit, enrol, rotation},
    base::{
        clock::Clock,
        config::{Agent as Settings, Config},
    },
    cli::{conform, fleet},
    wire::message::AuditHead,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// On-premises, once: make this agent's keys and enrol it with a one-time token.
    Enrol {
        /// File that holds the one-time token ("-": standard input).
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
        /// A name for people; the host's name if absent.
        #[arg(long)]
        name: Option<String>,
    },
    /// On-premises: replace this agent's identity key now. A running agent is asked to, otherwise it is done here.
    Rotate,
    /// On-premises: follow the chain of this agent's audit file, and say the first line that does not fit.
    Audit {
        /// What the cloud was last told (`sspr agent list --audit`): finds lines that were cut off at the end.
        #[arg(long, value_name = "LINES:HASH")]
        known: Option<String>,
    },
    /// Whether a server keeps the cloud's side of the protocol: the known answers and every rule, one line each.
    Conform(conform::Args),
    /// In the cloud.
    #[command(flatten)]
    Fleet(fleet::Command),
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    match args.command {
        None => {
            let stop = CancellationToken::new();
            let stopping = stop.clone();
            tokio::spawn(async move {
                super::asked_to_stop().await;
                stopping.cancel();
            });
            Box::pin(agent::run(config.agent, Clock::system(), stop)).await
        }
        Some(Command::Enrol { token_file, name }) => {
            let token = read_token(&token_file)?;
            let enrolled = enrol::enrol(&config.agent, &token, name.unwrap_or_else(host_name), Clock::system()).await?;
            println!("Enrolled as agent {}.\n", enrolled.me.agent);
            println!("Fingerprint of this machine's key:\n\n    {}\n", enrolled.fingerprint);
            println!("The agent serves nobody yet. Compare the fingerprint with the one the cloud shows, then confirm it there:\n");
            println!("    sspr agent confirm {} --fingerprint {}\n", enrolled.me.agent, enrolled.fingerprint);
            println!("Meanwhile start the agent here (it waits): sspr agent");
            Ok(())
        }
        Some(Command::Rotate) => {
            let fingerprint = rotation::rotate(&config.agent, Clock::system()).await?;
            println!("This agent has another identity key now. Its fingerprint, which the cloud shows too:\n\n    {fingerprint}");
            Ok(())
        }
        Some(Command::Audit { known }) => check_audit(&config.agent, known.as_deref()),
        Some(Command::Conform(args)) => Box::pin(conform::run(args)).await,
        Some(Command::Fleet(command)) => fleet::run(command, config).await,
    }
}

fn check_audit(settings: &Settings, known: Option<&str>) -> Result<()> {
    let known = known.map(|text| {
        let (lines, head) = text.split_once(':').context("--known must be as `sspr agent list --audit` shows it: LINES:HASH")?;
        anyhow::Ok(AuditHead { lines: lines.parse().context("--known: the number of lines")?, head: head.to_owned() })
    });
    let (path, known) = (audit::path(settings), known.transpose()?);
    let head = audit::check_file(&path, known.as_ref())?.with_context(|| format!("{} does not hold", path.display()))?;
    println!("{}: {} lines, each following from the one before. The last is {}:{}", path.display(), head.lines, head.lines, head.head);
    if known.is_none() {
        println!("Whether lines were cut off at the end shows only against what the cloud was told: --known");
    }
    Ok(())
}

fn read_token(file: &Path) -> Result<SecretString> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("reading the token from standard input")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("reading the token from {}", file.display()))?;
    }
    Ok(SecretString::from(text.trim().to_owned()))
}

/// As people know this machine.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "agent".to_owned() } else { name.trim().to_owned() }
}
