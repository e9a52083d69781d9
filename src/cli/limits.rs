//! `sspr limits`: who has to wait at this moment, and letting them go on.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        limits::{self, InForce},
        policies,
        tenants::{self, Scope},
        users::{self, Name, User},
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// What is in force: its id, what is limited, until when, and for whom where that is known.
    List {
        #[arg(long)]
        tenant: Uuid,
        /// Only what stops this sign-in name or address.
        #[arg(long)]
        user: Option<String>,
    },
    /// Let somebody go on, by name, or by the ids that `list` shows.
    Lift {
        #[arg(long)]
        tenant: Uuid,
        #[arg(long, required_unless_present = "ids")]
        user: Option<String>,
        #[arg(conflicts_with = "user")]
        ids: Vec<String>,
    },
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    match args.command {
        Command::List { tenant, user } => {
            let scope = tenants::by_id(&mut tx, &ring, tenant).await?.scope;
            let (_, found) = in_force(&mut tx, &scope, &clock, user.as_deref()).await?;
            let names = names(&mut tx, &scope, &found).await?;
            for one in &found {
                let whom = one.whom().or_else(|| names.get(&one.subject).cloned()).unwrap_or_else(|| "a name that nobody has".to_owned());
                println!("{}  {:<14} until {}  {whom}", one.id, one.limit.kind(), one.until.format(&Rfc3339)?);
            }
            if found.is_empty() {
                println!("nobody has to wait");
            }
        }
        Command::Lift { tenant, user, ids } => {
            let scope = tenants::by_id(&mut tx, &ring, tenant).await?.scope;
            let (person, mut found) = in_force(&mut tx, &scope, &clock, user.as_deref()).await?;
            if user.is_none() {
                found.retain(|one| ids.contains(&one.id));
                if let Some(unknown) = ids.iter().find(|id| found.iter().all(|one| one.id != **id)) {
                    bail!("there is no limit {unknown} in force: see sspr limits list");
                }
            }
            let lifted = limits::lift(&mut tx, &scope, &clock, &Source::house("cli"), person.map(|user| user.user_id), &found).await?;
            println!("{lifted} lifted");
        }
    }
    tx.commit().await?;
    Ok(())
}

/// What stops `name`, or anybody.
async fn in_force(conn: &mut PgConnection, scope: &Scope, clock: &Clock, name: Option<&str>) -> Result<(Option<User>, Vec<InForce>)> {
    let Some(name) = name else { return Ok((None, limits::in_force(conn, scope, clock, (None, None)).await?)) };
    let name = Name::parse(name).context("this is no sign-in name and no address")?;
    let mut people = users::named(&mut *conn, scope, &name).await?;
    let subjects = users::subjects(&mut *conn, scope, &name, &people).await?;
    let person = people.pop();
    let policy = match &person {
        Some(user) => Some(policies::of_user(&mut *conn, scope, user.user_id).await?.allowance),
        None => None,
    };
    Ok((person, limits::in_force(conn, scope, clock, (Some(&subjects), policy)).await?))
}

async fn names(conn: &mut PgConnection, scope: &Scope, found: &[InForce]) -> Result<HashMap<Vec<u8>, String>> {
    let hashes: Vec<_> = found.iter().filter(|one| one.whom().is_none()).map(|one| one.subject.clone()).collect();
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    users::whose(conn, scope, &hashes).await
}
