//! `sspr check`: load the settings, connect to what they name, send nothing. The server's settings, the agent's, or both: whichever
//! are given.

use anyhow::{Result, bail};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use crate::{
    agent,
    app::PublicUrl,
    base::{
        clock::Clock,
        config::{self, Config},
        db,
        secret::KeyRing,
    },
    carriers::Carriers,
    cli::connector::reminders,
    domain::tenants,
    server,
};

#[derive(clap::Args)]
pub struct Args {
    /// Print every setting with its default and what it is for.
    #[arg(long)]
    defaults: bool,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    if args.defaults {
        print!("{}", config::DEFAULTS);
        return Ok(());
    }
    let is_agent = !config.agent.cloud_url.is_empty();
    let Config { server, database, keys, .. } = &config;
    let is_cloud = !server.public_url.is_empty() || [&database.url, &keys.master].iter().any(|secret| !secret.expose_secret().is_empty());
    let mut report = Report::default();
    // With neither set there is nothing yet, and what a server lacks is the better answer.
    if is_cloud || !is_agent {
        cloud(&config, &mut report).await;
    } else {
        println!("off      server: server.public_url, database.url and keys.master are empty");
    }
    if is_agent {
        for (what, how) in agent::check(&config.agent).await {
            report.tell(what, how);
        }
    } else {
        println!("off      agent: agent.cloud_url is empty");
    }
    if report.problems > 0 {
        bail!("{} of these must be mended before it can work", report.problems);
    }
    Ok(())
}

#[derive(Default)]
struct Report {
    problems: usize,
}

impl Report {
    fn tell(&mut self, what: &str, how: Result<()>) {
        match how {
            Ok(()) => println!("ok       {what}"),
            Err(error) => {
                self.problems += 1;
                println!("PROBLEM  {what}: {error:#}");
            }
        }
    }
}

/// What `sspr serve` needs.
async fn cloud(config: &Config, report: &mut Report) {
    report.tell("server.public_url", PublicUrl::parse(&config.server.public_url).map(drop));
    match server::tls(&config.server) {
        Ok(None) => println!("off      server.tls: a reverse proxy speaks it"),
        tls => report.tell("server.tls", tls.map(drop)),
    }
    report.tell("keys.master", KeyRing::parse(&config.keys.master).map(drop));
    match db::connect(&config.database).await {
        Ok(pool) => {
            report.tell("database.url", Ok(()));
            if let Ok(ring) = KeyRing::parse(&config.keys.master) {
                report.tell("tenants", switched_off(&pool, &ring).await);
            }
        }
        Err(error) => report.tell("database.url", Err(error)),
    }
    match Carriers::new(&config.mail, &config.sms) {
        Ok(carriers) => {
            match carriers.mail {
                Some(mail) => report.tell("mail.url", mail.check().await),
                None => println!("off      mail: mail.url is empty"),
            }
            match carriers.sms {
                Some(_) => report.tell("sms (not contacted)", Ok(())),
                None => println!("off      sms: sms.url is empty"),
            }
        }
        Err(error) => report.tell("mail and sms", Err(error)),
    }
}

/// What nobody has switched on yet is no fault, but worth a reminder.
async fn switched_off(pool: &PgPool, ring: &KeyRing) -> Result<()> {
    let (mut conn, clock) = (pool.acquire().await?, Clock::system());
    if !db::has_schema(&mut conn).await? {
        println!("off      tenants: the database has no schema yet: sspr migrate");
        return Ok(());
    }
    for tenant in tenants::all(&mut conn, ring).await? {
        for reminder in reminders(&mut conn, &tenant, &clock).await? {
            println!("off      {}: {reminder}", tenant.name);
        }
    }
    Ok(())
}
