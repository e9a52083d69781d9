//! `sspr agent`: without a subcommand the agent itself, on-premises; the other subcommands.

use std::path::PathBuf;

use anyhow::Result;

use crate::{base::config::Config, cli::fleet};

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
    /// In the cloud.
    #[command(flatten)]
    Fleet(fleet::Command),
}

pub async fn run(_args: Args, _config: Config) -> Result<()> {
    todo!()
}
