//! `sspr connector`: the directories of tenants, and what is switched on for each.

use anyhow::{Context, Result};
use clap::ValueEnum;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        fleet::{self, Connector, Feature},
        tenants::{self, Tenant},
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Every connector: what is on, and how many of its agents are there.
    List,
    /// Another directory for a tenant. Everything about it is off until it is switched on.
    Add {
        tenant: Uuid,
        /// A name for people.
        name: String,
    },
    /// Whether jobs may change this directory.
    Writeback { connector: Uuid, state: State },
    /// Whether people may unlock their account without a new password.
    Unlock { connector: Uuid, state: State },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    match args.command {
        Command::List => {
            for tenant in tenants::all(&mut tx, &ring).await? {
                println!("{}  {}", tenant.scope.id(), tenant.name);
                for connector in fleet::connectors(&mut tx, &tenant.scope, &clock).await? {
                    println!("    {}", line(&connector));
                }
                for reminder in reminders(&mut tx, &tenant, &clock).await? {
                    println!("    ! {reminder}");
                }
            }
        }
        Command::Add { tenant, name } => {
            let tenant = tenants::by_id(&mut tx, &ring, tenant).await?;
            let connector = fleet::create_connector(&mut tx, &tenant.scope, &clock, &name).await?;
            println!("connector  {connector}");
            eprintln!("Next: sspr agent token {connector}");
        }
        Command::Writeback { connector, state } => switch(&mut tx, &ring, &clock, connector, (Feature::Writeback, state)).await?,
        Command::Unlock { connector, state } => switch(&mut tx, &ring, &clock, connector, (Feature::Unlock, state)).await?,
    }
    tx.commit().await?;
    Ok(())
}

async fn switch(conn: &mut PgConnection, ring: &KeyRing, clock: &Clock, connector: Uuid, (feature, state): (Feature, State)) -> Result<()> {
    let tenant = fleet::tenant_of(&mut *conn, connector).await?.with_context(|| format!("there is no connector {connector}"))?;
    let tenant = tenants::by_id(&mut *conn, ring, tenant).await?;
    let on = state == State::On;
    let done = fleet::switch(&mut *conn, &tenant.scope, clock, &Source::house("cli"), connector, (feature, on)).await?;
    let name = if feature == Feature::Writeback { "Writeback" } else { "Unlocking" };
    let was = if done == Some(true) { "is" } else { "was already" };
    println!("{name} of {connector} {was} {}.", if on { "on" } else { "off" });
    for reminder in reminders(conn, &tenant, clock).await? {
        eprintln!("{reminder}");
    }
    Ok(())
}

fn line(connector: &Connector) -> String {
    let is = |on| if on { "on" } else { "off" };
    let Connector { connector_id, name, kind, agents, reaching, .. } = connector;
    let (writeback, unlock) = (is(connector.writeback), is(connector.unlock));
    format!("connector {connector_id}  {kind:8}  writeback {writeback:3}  unlock {unlock:3}  agents {agents} ({reaching} reach it)  {name}")
}

/// What keeps a tenant's people from being served, and how to mend it.
pub(super) async fn reminders(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<Vec<String>> {
    let connectors = fleet::connectors(conn, &tenant.scope, clock).await?;
    let mut found = Vec::new();
    if !tenant.self_service {
        found.push(format!("self-service is off, so nobody is served: sspr tenant set {} --self-service true", tenant.scope.id()));
    }
    for Connector { connector_id, name, writeback, agents, .. } in &connectors {
        if !writeback {
            found.push(format!("writeback of {name:?} is off, so no password is set there: sspr connector writeback {connector_id} on"));
        }
        if *agents == 0 {
            found.push(format!("no agent of {name:?} was heard of lately: sspr agent list, or sspr agent token {connector_id}"));
        }
    }
    Ok(found)
}
