//! `sspr registration`: asking people to put their methods of proof in order.

use anyhow::Result;
use clap::ValueEnum;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{audit::Source, coverage, registration},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Mail people that they should register; how many it would be is shown first. Who was asked in the last 7 days is left out.
    Campaign {
        #[arg(long)]
        tenant: Option<Uuid>,
        #[arg(value_enum)]
        who: Who,
        /// Send it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// Whom a policy serves and who has too few methods, or none but the directory's mail address.
    Unable,
    /// Everybody whom a policy serves.
    All,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    let Command::Campaign { tenant, who, yes } = args.command;
    let tenant = super::tenant::chosen(&mut tx, &ring, tenant).await?;
    let all = coverage::of(&mut tx, &tenant, &clock).await?.people;
    let meant = |standing: coverage::Standing| match who {
        Who::Unable => standing.wants_registration(),
        Who::All => standing.wants_registration() || standing.is_able(),
    };
    let people: Vec<Uuid> = all.iter().filter(|(_, person)| meant(person.standing)).map(|(user, _)| *user).collect();
    let registration::Campaign { people, asked, left_out } =
        registration::campaign(&mut tx, &tenant, &clock, &Source::house("cli"), &people).await?;
    if left_out > 0 {
        println!("{left_out} were asked in the last {} days and are left out.", registration::PAUSE.whole_days());
    }
    if yes {
        tx.commit().await?;
        println!("{asked} of {people} people are asked by mail.");
    } else {
        println!("{asked} of {people} people would be asked. Nothing was sent: once more with --yes.");
    }
    Ok(())
}
