//! `sspr help-desk`: what the help desk does for a caller.

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, language::Language, secret::KeyRing},
    domain::{
        acts::{self, Coded},
        audit::Source,
        tenants::{self, Aid},
        users,
    },
    web::page,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// A code for a caller whom you have verified by your own rules. It works in the browser that shows the number, and nowhere else, for
    /// ten minutes.
    Code {
        /// May be left out where there is only one.
        #[arg(long)]
        tenant: Option<Uuid>,
        /// The caller's sign-in name or address.
        #[arg(long)]
        user: String,
        /// What the caller's page shows: six digits, spaces don't matter.
        #[arg(long)]
        number: String,
        /// Who you are, for the audit.
        #[arg(long)]
        operator: String,
    },
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let Command::Code { tenant, user, number, operator } = args.command;
    let operator = operator.trim();
    if operator.is_empty() || operator.chars().count() > 100 || operator.chars().any(char::is_control) {
        bail!("--operator: 1 to 100 characters that say who you are");
    }
    let source = Source::house(&format!("operator:{operator}"));
    let name = users::Name::parse(&user).context("--user: this is no sign-in name and no address")?;
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, tenant).await?;
    if tenants::forbids(&mut tx, &tenant.scope, Aid::Code).await? {
        bail!("codes from the help desk are switched off: sspr tenant set {} --operators-may", tenant.scope.id());
    }
    let similar = users::similar(&tenant.scope, &name);
    let Some((person, _)) = users::candidates(&mut tx, &tenant.scope, &name, &similar).await?.found else {
        bail!("nobody of that name is served");
    };
    let made = acts::code(&mut tx, &tenant.scope, &clock, &source, &person, &number).await?;
    tx.commit().await?;
    let code = match made {
        Coded::Code(code) => code,
        Coded::Frozen(freeze) => bail!(
            "{} is frozen since {} ({}): no code opens anything before it is lifted. See `sspr user show`",
            person.display_name,
            page::when(Language::English, freeze.since).text,
            freeze.reason
        ),
        Coded::NotTaken => {
            bail!("the policy that holds for {} takes no code from the help desk: see `sspr policy list`", person.display_name)
        }
        Coded::NotServed => bail!("no policy serves {}: see `sspr user explain`", person.display_name),
        Coded::NoPage => {
            bail!("no page of {} waits under this number: have the caller read it again, or begin again", person.display_name)
        }
    };
    println!("{} {}", &code[..4], &code[4..]);
    eprintln!("For {}, in the browser that shows this number, for ten minutes.", person.display_name);
    Ok(())
}
