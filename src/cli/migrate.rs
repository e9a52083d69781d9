//! `sspr migrate`

use anyhow::Result;

use crate::base::{config::Config, db};

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, config: Config) -> Result<()> {
    let pool = db::connect(&config.database).await?;
    db::migrate(&pool).await?;
    println!("The database is at this version.");
    Ok(())
}
