//! The command line: one file per subcommand.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::base::{config::Config, telemetry};

mod agent;
mod audit;
mod branding;
mod check;
pub mod conform;
mod connector;
mod contacts;
#[cfg(unix)]
mod demo;
mod fleet;
mod limits;
mod help_desk;
mod migrate;
mod operator;
mod policy;
mod registration;
mod serve;
#[cfg(windows)]
mod service;
mod setup;
mod sso;
mod tenant;
mod user;

/// Self-service password reset, sealed from the browser to the agent.
#[derive(Parser)]
#[command(name = "sspr", version)]
pub struct Cli {
    /// Settings file; without it ./sspr.toml if there is one. Every setting and its default: `sspr check --defaults`.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve browsers and agents.
    Serve(serve::Args),
    /// The on-premises agent; and, in the cloud, the list of agents.
    Agent(agent::Args),
    /// Tenants: who is served, and how.
    Tenant(tenant::Args),
    /// How a tenant's pages look, and whom its people are told to ask.
    Branding(branding::Args),
    /// Who may reset, and by which proofs.
    Policy(policy::Args),
    /// One person's account: how it stands, freezing it, lifting that.
    User(user::Args),
    /// Contact data that the directory does not have.
    Contacts(contacts::Args),
    /// Ask people to register their methods of proof.
    Registration(registration::Args),
    /// Who has to wait, and letting them go on.
    Limits(limits::Args),
    /// Operators: who may sign in to the console.
    Operator(operator::Args),
    /// The OpenID provider at which operators sign in.
    Sso(sso::Args),
    /// What the help desk does for a caller.
    HelpDesk(help_desk::Args),
    /// Connectors, one directory each, and what is switched on for them.
    Connector(connector::Args),
    /// Whether the audit trail is whole, and what stands in it.
    Audit(audit::Args),
    /// Bring the database up to this version.
    Migrate(migrate::Args),
    /// Load the settings, connect to what they name, send nothing.
    Check(check::Args),
    #[cfg(unix)]
    /// Everything at once on loopback, to try it: Postgres, Samba AD, server, agent, inbox.
    Demo(demo::Args),
}

/// Run one command to its end.
pub fn run(cli: Cli) -> Result<()> {
    let config_file = cli.config.or_else(|| Some(PathBuf::from("sspr.toml")).filter(|file| file.exists()));
    let mut config = Config::load(config_file.as_deref())?;
    let tells_a_person = match &cli.command {
        Command::Check(_) => true,
        Command::Agent(args) => args.tells_a_person(),
        _ => false,
    };
    if tells_a_person && config.log.filter == "info" {
        "warn".clone_into(&mut config.log.filter);
    }
    #[cfg(unix)]
    if matches!(cli.command, Command::Demo(_)) && config.log.filter == "info" {
        // It talks to a person: what goes well needs no log. The notice comes when a transaction is cut off by the end.
        "warn,sqlx::postgres::notice=error".clone_into(&mut config.log.filter);
    }
    // What the database remarks of tables that are there already is for nobody at a shell.
    if !matches!(cli.command, Command::Serve(_)) && config.log.filter == "info" {
        "info,sqlx::postgres::notice=warn".clone_into(&mut config.log.filter);
    }
    telemetry::start(&config.log)?;
    // One provider for all TLS of the process.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[cfg(windows)]
    if let Command::Agent(args) = &cli.command
        && args.is_service()
    {
        return service::run(config.agent);
    }
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args, config).await,
            Command::Agent(args) => agent::run(args, config, config_file).await,
            Command::Tenant(args) => tenant::run(args, config).await,
            Command::Branding(args) => branding::run(args, config).await,
            Command::Policy(args) => policy::run(args, config).await,
            Command::User(args) => user::run(args, config).await,
            Command::Contacts(args) => contacts::run(args, config).await,
            Command::Registration(args) => registration::run(args, config).await,
            Command::Limits(args) => limits::run(args, config).await,
            Command::Operator(args) => operator::run(args, config).await,
            Command::Sso(args) => sso::run(args, config).await,
            Command::HelpDesk(args) => help_desk::run(args, config).await,
            Command::Connector(args) => connector::run(args, config).await,
            Command::Audit(args) => audit::run(args, config).await,
            Command::Migrate(args) => migrate::run(args, config).await,
            Command::Check(args) => check::run(args, config).await,
            #[cfg(unix)]
            Command::Demo(args) => demo::run(args, config).await,
        }
    })
}

/// ^C, or what systemd and Docker send.
#[cfg(unix)]
pub(crate) async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// ^C. A service is stopped by other means.
#[cfg(not(unix))]
pub(crate) async fn asked_to_stop() {
    drop(tokio::signal::ctrl_c().await);
}
