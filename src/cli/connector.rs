//! `sspr connector`: the directories of tenants, and what is switched on for each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{
        clock::Clock,
        config::{Config, DirectoryKind},
        db,
        secret::KeyRing,
    },
    domain::{
        audit::Source,
        fleet::{self, Connector, Feature},
        tenants::{self, Tenant},
        users::{self, LinkBy, Unlisted},
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
        /// Which family it is of; the agent's settings say the same.
        #[arg(long, value_enum, default_value_t = Kind::Ad)]
        kind: Kind,
    },
    /// Another name for people.
    Rename { connector: Uuid, name: String },
    /// Whether jobs may change this directory.
    Writeback { connector: Uuid, state: State },
    /// Whether people may unlock their account without a new password.
    Unlock { connector: Uuid, state: State },
    /// Most of its people were missing in a full pass of the mirror, and were kept: it is meant, remove them.
    AcceptRemovals { connector: Uuid },
    /// Let the accounts of this directory follow those of the tenant's others: a new password there is set here as well. Whoever may
    /// write what they have in common decides whose password is set.
    Link {
        connector: Uuid,
        /// What two accounts of one person have in common. What fits several never links.
        #[arg(value_enum)]
        by: By,
        /// With `list`: lines of "sign-in name there,sign-in name here". The list before is no more.
        #[arg(long, required_if_eq("by", "list"))]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    SignInName,
    PrincipalName,
    Mail,
    List,
    /// They follow no more.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Active Directory or Samba AD.
    Ad,
    /// OpenLDAP with password policies.
    Openldap,
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
        Command::Add { tenant, name, kind } => {
            let kind = match kind {
                Kind::Ad => DirectoryKind::Ad,
                Kind::Openldap => DirectoryKind::Openldap,
            };
            let tenant = tenants::by_id(&mut tx, &ring, tenant).await?;
            ensure!(Connector::is_name(&name), "a name has 1 to 100 characters");
            let connector = fleet::add_connector(&mut tx, &tenant.scope, &clock, &Source::house("cli"), &name, kind).await?;
            println!("connector  {connector}");
            eprintln!("Next: sspr agent token {connector}");
        }
        Command::Rename { connector, name } => {
            ensure!(Connector::is_name(&name), "a name has 1 to 100 characters");
            let scope = tenant_of(&mut tx, &ring, connector).await?.scope;
            fleet::rename(&mut tx, &scope, &clock, &Source::house("cli"), connector, &name).await?;
        }
        Command::Writeback { connector, state } => switch(&mut tx, &ring, &clock, connector, (Feature::Writeback, state)).await?,
        Command::Link { connector, by, file } => link(&mut tx, &ring, &clock, connector, by, file.as_deref()).await?,
        Command::AcceptRemovals { connector } => {
            let scope = tenant_of(&mut tx, &ring, connector).await?.scope;
            match users::accept(&mut tx, &scope, &clock, &Source::house("cli"), connector).await? {
                Some(people) => println!("{people} people of {connector} were removed."),
                None => println!("Nobody of {connector} is held back."),
            }
        }
        Command::Unlock { connector, state } => switch(&mut tx, &ring, &clock, connector, (Feature::Unlock, state)).await?,
    }
    tx.commit().await?;
    Ok(())
}

/// Whose directory it is.
pub(super) async fn tenant_of(conn: &mut PgConnection, ring: &KeyRing, connector: Uuid) -> Result<Tenant> {
    let tenant = fleet::tenant_of(&mut *conn, connector).await?.with_context(|| format!("there is no connector {connector}"))?;
    tenants::by_id(conn, ring, tenant).await
}

async fn switch(conn: &mut PgConnection, ring: &KeyRing, clock: &Clock, connector: Uuid, (feature, state): (Feature, State)) -> Result<()> {
    let tenant = tenant_of(&mut *conn, ring, connector).await?;
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

async fn link(conn: &mut PgConnection, ring: &KeyRing, clock: &Clock, connector: Uuid, by: By, file: Option<&Path>) -> Result<()> {
    let scope = tenant_of(&mut *conn, ring, connector).await?.scope;
    let rule = match by {
        By::SignInName => Some(LinkBy::SignInName),
        By::PrincipalName => Some(LinkBy::PrincipalName),
        By::Mail => Some(LinkBy::Mail),
        By::List => Some(LinkBy::List),
        By::Off => None,
    };
    ensure!(by == By::List || file.is_none(), "--file is for `list`");
    let source = Source::house("cli");
    fleet::link(&mut *conn, &scope, clock, &source, connector, rule.map(LinkBy::as_str)).await?;
    ensure!(
        fleet::one_goes_first(&fleet::connectors(&mut *conn, &scope, clock).await?),
        "every directory of this tenant would follow another: one must go first"
    );
    let Some(file) = file else {
        println!(
            "Accounts of {connector} {}.",
            if by == By::Off { "follow no more" } else { "follow those they have that in common with" }
        );
        return Ok(());
    };
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let (mut lines, mut pairs) = (Vec::new(), Vec::new());
    for (n, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (there, here) = line.split_once(',').with_context(|| format!("line {n}: two names and a comma between them"))?;
        lines.push(n);
        pairs.push((there.trim().to_owned(), here.trim().to_owned()));
    }
    let wrong = users::list(&mut *conn, &scope, clock, &source, connector, &pairs).await?;
    for (at, why) in &wrong {
        let (n, (there, here)) = (lines[*at], &pairs[*at]);
        match why {
            Unlisted::NoPrimary => eprintln!("line {n}: there is no {there:?} in the directories that go first, or several"),
            Unlisted::NoLinked => eprintln!("line {n}: there is no {here:?} in this directory, or several"),
            Unlisted::Twice => eprintln!("line {n}: {there:?} or {here:?} stands in a line before"),
        }
    }
    ensure!(wrong.is_empty(), "{} of {} lines cannot be: nothing was changed", wrong.len(), pairs.len());
    println!("{} accounts of {connector} follow others.", pairs.len());
    Ok(())
}

fn line(connector: &Connector) -> String {
    let is = |on| if on { "on" } else { "off" };
    let Connector { connector_id, name, kind, agents, reaching, .. } = connector;
    let (writeback, unlock) = (is(connector.writeback), is(connector.unlock));
    let linked = connector.linked.as_ref().map_or(String::new(), |by| format!("linked by {by}  "));
    format!(
        "connector {connector_id}  {kind:8}  writeback {writeback:3}  unlock {unlock:3}  {linked}agents {agents} ({reaching} reach it)  {name}"
    )
}

/// What keeps a tenant's people from being served, and how to mend it.
pub(super) async fn reminders(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<Vec<String>> {
    let connectors = fleet::connectors(&mut *conn, &tenant.scope, clock).await?;
    let mut found = Vec::new();
    if !tenant.self_service {
        found.push(format!("self-service is off, so nobody is served: sspr tenant set {} --self-service true", tenant.scope.id()));
    }
    for Connector { connector_id, name, writeback, agents, .. } in &connectors {
        if !writeback {
            found.push(format!("writeback of {name:?} is off, so no password is set there: sspr connector writeback {connector_id} on"));
        }
        if let Some((people, _)) = users::held(&mut *conn, *connector_id).await? {
            found.push(format!(
                "{people} people of {name:?}, most of them, were missing in the last full pass of the mirror, and are kept: look at the agent's \
                 settings and rights; if it is meant: sspr connector accept-removals {connector_id}"
            ));
        }
        if *agents == 0 {
            found.push(format!("no agent of {name:?} was heard of lately: sspr agent list, or sspr agent token {connector_id}"));
        }
    }
    Ok(found)
}
