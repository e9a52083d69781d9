//! `sspr operator`: who may sign in to the console. The first owner is made here; the console makes the others.

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use crate::{
    app::PublicUrl,
    base::{clock::Clock, config::Config, db, language::Language, secret::KeyRing},
    domain::{
        audit::Source,
        operators::{self, Draft, Role, Saved},
        tenants::Tenant,
        users::EmailAddress,
    },
    web::page,
};

#[derive(clap::Args)]
pub struct Args {
    /// May be left out where there is only one.
    #[arg(long, global = true)]
    tenant: Option<Uuid>,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// A new operator. Prints the link by which they choose a password and a second factor: once, and for a day.
    Create {
        name: String,
        /// What they sign in with.
        #[arg(long)]
        mail: String,
        /// owner, administrator, help_desk or auditor.
        #[arg(long, default_value = "owner", value_parser = role)]
        role: Role,
    },
    /// Every operator: role, state, address.
    List,
    /// A new link for whoever has lost password or second factor: what they had before ends when it is used.
    Link {
        mail: String,
    },
    /// Refuse somebody from the next request on, or let them sign in again.
    Disable {
        mail: String,
    },
    Enable {
        mail: String,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(&text.replace('-', "_")).ok_or_else(|| "owner, administrator, help_desk or auditor".to_owned())
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let (url, source) = (PublicUrl::parse(&config.server.public_url)?, Source::house("cli"));
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, args.tenant).await?;
    let scope = &tenant.scope;
    let address = |text: &str| EmailAddress::parse(text).with_context(|| format!("{text}: that is no mail address"));
    match args.command {
        Command::Create { name, mail, role } => {
            ensure!(Draft::is_name(&name), "the name: 1 to 100 characters");
            let draft = Draft { name, mail: address(&mail)?, role, groups: Vec::new() };
            let Saved::Yes(operator) = operators::create(&mut tx, scope, &clock, &source, &draft).await? else {
                bail!("somebody signs in with {mail} already: sspr operator link {mail}");
            };
            let token = operators::new_link(&mut tx, scope, &clock, &source, operator).await?.context("no link")?;
            tell(&tenant, &url, &token)?;
        }
        Command::List => {
            for operator in operators::all(&mut tx, scope).await? {
                let state = match (operator.disabled_at, operator.is_ready) {
                    (Some(at), _) => format!("disabled since {}", page::when(Language::English, at).text),
                    (None, true) => "active".to_owned(),
                    (None, false) => "invited".to_owned(),
                };
                println!("{}  {}  {state}  {}  {}", operator.operator_id, operator.role.as_str(), operator.mail.as_str(), operator.name);
            }
        }
        Command::Link { mail } => {
            let operator = operators::by_mail(&mut tx, scope, &address(&mail)?).await?;
            let operator = operator.with_context(|| format!("nobody signs in with {mail}: sspr operator list"))?;
            let token = operators::new_link(&mut tx, scope, &clock, &source, operator.operator_id).await?;
            tell(&tenant, &url, &token.with_context(|| format!("{mail} is disabled: sspr operator enable {mail}"))?)?;
        }
        Command::Disable { ref mail } | Command::Enable { ref mail } => {
            let on = matches!(args.command, Command::Enable { .. });
            let operator = operators::by_mail(&mut tx, scope, &address(mail)?).await?;
            let operator = operator.with_context(|| format!("nobody signs in with {mail}: sspr operator list"))?;
            let changed = operators::switch(&mut tx, scope, &clock, &source, operator.operator_id, on).await?;
            println!("{}{}", if on { "enabled" } else { "disabled" }, if changed { "" } else { ", as before" });
        }
    }
    tx.commit().await?;
    Ok(())
}

fn tell(tenant: &Tenant, url: &PublicUrl, token: &str) -> Result<()> {
    let host = tenant.hosts.first().context("the tenant has no host name")?;
    println!("{}/console/welcome#{token}", url.at(host));
    eprintln!("Good once and for a day. Whoever has it becomes this operator: hand it over by a way that you trust.");
    Ok(())
}
