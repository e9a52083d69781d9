//! `sspr agent token|list|confirm|revoke`: the agents as the cloud knows them.

use anyhow::Result;
use uuid::Uuid;

use crate::base::config::Config;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a one-time enrolment token for a connector and print it.
    Token { connector: Uuid },
    /// Every agent with its status and fingerprint.
    List,
    /// Let a pending agent serve, after comparing its fingerprint with the one on its own screen.
    Confirm {
        agent: Uuid,
        /// As shown by the agent.
        #[arg(long)]
        fingerprint: String,
    },
    /// Never trust this agent again.
    Revoke { agent: Uuid },
}

pub async fn run(_command: Command, _config: Config) -> Result<()> {
    todo!()
}
