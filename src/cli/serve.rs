//! `sspr serve`

use anyhow::Result;

use crate::base::config::Config;

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, _config: Config) -> Result<()> {
    todo!()
}
