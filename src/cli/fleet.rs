//! `sspr agent token|list|confirm|acknowledge|revoke`: the agents as the cloud knows them.

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        fleet, resets,
        tenants::{self, Scope},
    },
    wire::keys::fingerprint,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make a one-time enrolment token for a connector and print it.
    Token { connector: Uuid },
    /// Every agent with its status and fingerprint.
    List {
        /// Show how far each agent's own audit file went at its last heartbeat.
        #[arg(long)]
        audit: bool,
    },
    /// Let a pending agent serve, after comparing its fingerprint with the one on its own screen.
    Confirm {
        agent: Uuid,
        /// As shown by the agent.
        #[arg(long)]
        fingerprint: String,
    },
    /// The copy of this agent that `list` shows was found and ended: forget it.
    Acknowledge { agent: Uuid },
    /// Never trust this agent again.
    Revoke { agent: Uuid },
}

pub async fn run(command: Command, config: Config) -> Result<()> {
    let (pool, ring, clock, source) =
        (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system(), Source::house("cli"));
    let mut tx = pool.begin().await?;
    match command {
        Command::Token { connector } => {
            let scope = super::connector::tenant_of(&mut tx, &ring, connector).await?.scope;
            println!("{}", fleet::new_token(&mut tx, &scope, &clock, &source, connector).await?);
            eprintln!("Good once, for 15 minutes. On-premises: sspr agent enrol --token-file FILE");
        }
        Command::List { audit } => {
            for fleet::Listed { agent, cloned_at, audit: head, removals_held } in fleet::agents(&mut tx).await? {
                let seen = agent.last_seen_at.map_or("never".to_owned(), |at| format!("{} s ago", (clock.now() - at).whole_seconds()));
                let head = head.filter(|_| audit).map_or(String::new(), |head| format!("  audit {}:{}", head.lines, head.head));
                let copy = cloned_at.map_or(String::new(), |at| {
                    let hours = (clock.now() - at).whole_hours();
                    format!("  IN TWO PLACES since {hours} h: see docs/operations.md, then sspr agent acknowledge")
                });
                let held = removals_held.map_or(String::new(), |people| {
                    format!("  HOLDS BACK {people} removals: on-premises, look why, then sspr agent mirror --accept-removals")
                });
                let print = fingerprint(&agent.identity);
                println!("{}  {:8}  {print}  seen {seen}  {}{head}{copy}{held}", agent.agent_id, agent.status.as_str(), agent.name);
            }
        }
        Command::Confirm { agent, fingerprint } => {
            let scope = scope_of(&mut tx, &ring, agent).await?;
            let done = fleet::confirm(&mut tx, &scope, &clock, &source, agent, &fingerprint).await?;
            tx.commit().await?;
            if !done {
                bail!("agent {agent} was not confirmed: it is not pending, or its fingerprint is another. If another, revoke it");
            }
            println!("Agent {agent} may serve now.");
            return Ok(());
        }
        Command::Acknowledge { agent } => {
            let scope = scope_of(&mut tx, &ring, agent).await?;
            let done = fleet::acknowledge(&mut tx, &scope, &clock, &source, agent).await?;
            let told =
                if done { "is not marked as copied any more; it will be again if the copy still runs" } else { "was not marked as copied" };
            println!("Agent {agent} {told}.");
        }
        Command::Revoke { agent } => {
            let scope = scope_of(&mut tx, &ring, agent).await?;
            let done = fleet::revoke(&mut tx, &scope, &clock, &source, agent).await?;
            resets::withdraw(&mut tx, &scope, &clock, &source, agent).await?;
            println!("Agent {agent} {}.", if done { "is revoked" } else { "was revoked already" });
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn scope_of(conn: &mut PgConnection, ring: &KeyRing, agent: Uuid) -> Result<Scope> {
    let found = fleet::agent(&mut *conn, agent).await?.with_context(|| format!("there is no agent {agent}"))?;
    Ok(tenants::by_id(conn, ring, found.tenant_id).await?.scope)
}
