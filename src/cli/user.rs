//! `sspr user`: one person's account, for whoever helps them.

use anyhow::{Result, bail};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, language::Language, secret::KeyRing},
    domain::{
        audit::Source,
        fleet, freezes,
        obstacles::{self, Cause, Verdict},
        operators,
        resets::{self, Why},
        tenants::{self, Scope, Tenant},
        users::{self, EmailAddress, Name, Phone, User},
    },
    web::{explained, page},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// How the account stands here.
    Show(Who),
    /// Why the person can, or cannot, reset: every gate in order, and what would open it.
    Explain(Who),
    /// Nothing is reset, unlocked or changed for the account any more, and what is under way ends. The person is told.
    Freeze {
        #[command(flatten)]
        who: Who,
        /// For whoever looks next.
        #[arg(long, default_value = "by hand")]
        reason: String,
    },
    /// It is served again. The person is told.
    Unfreeze(Who),
}

#[derive(clap::Args)]
struct Who {
    #[arg(long)]
    tenant: Uuid,
    /// Sign-in name or mail address.
    name: String,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let source = Source::house("cli");
    let mut tx = pool.begin().await?;
    let (Command::Show(who) | Command::Explain(who) | Command::Freeze { who, .. } | Command::Unfreeze(who)) = &args.command;
    let tenant = tenants::by_id(&mut tx, &ring, who.tenant).await?;
    let user = the_one(&mut tx, &tenant.scope, &who.name).await?;
    match &args.command {
        Command::Show(_) => show(&mut tx, &tenant, &clock, &user).await?,
        Command::Explain(_) => explain(&mut tx, &tenant, &clock, &user).await?,
        Command::Freeze { reason, .. } => {
            let frozen = resets::freeze(&mut tx, &tenant, &clock, &source, user.user_id, Why::Operator(reason)).await?;
            match frozen {
                resets::Frozen { before: true, .. } => println!("{} was frozen already", user.sign_in_name),
                resets::Frozen { too_late, stopped, .. } => {
                    println!("{} is frozen; {} of its jobs stopped", user.sign_in_name, stopped.len());
                    if too_late {
                        eprintln!("An agent has a job of it in hand: that one cannot be called back. Look at how it ended.");
                    }
                }
            }
        }
        Command::Unfreeze(_) => {
            if resets::lift(&mut tx, &tenant.scope, &clock, &source, user.user_id).await? {
                println!("{} is served again", user.sign_in_name);
            } else {
                bail!("{} is not frozen", user.sign_in_name);
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The person of that name; several are an error that names their directories.
async fn the_one(conn: &mut PgConnection, scope: &Scope, name: &str) -> Result<User> {
    let Some(parsed) = Name::parse(name) else { bail!("{name:?} is no name") };
    let mut found = users::named(&mut *conn, scope, &parsed).await?;
    match (found.pop(), found.len()) {
        (Some(user), 0) => Ok(user),
        (None, _) => bail!("nobody is called {name:?} here"),
        (Some(last), _) => {
            let ids: Vec<String> =
                found.iter().chain([&last]).map(|user| format!("{} ({})", user.sign_in_name, user.connector_id)).collect();
            bail!("several are called {name:?}: {}; name one by what only they have", ids.join(", "))
        }
    }
}

async fn show(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, user: &User) -> Result<()> {
    let scope = &tenant.scope;
    let connectors = fleet::connectors(&mut *conn, scope, clock).await?;
    let connector = connectors.iter().find(|connector| connector.connector_id == user.connector_id);
    println!("{}  {}", user.sign_in_name, user.display_name);
    println!("    directory  {}", connector.map_or("?", |connector| connector.name.as_str()));
    let addresses = [user.mail.as_ref().map(EmailAddress::masked), user.private_mail.as_ref().map(EmailAddress::masked)];
    let addresses: Vec<String> = addresses.into_iter().flatten().chain(user.mobile.as_ref().map(Phone::masked)).collect();
    println!("    reached at {}", if addresses.is_empty() { "nothing".to_owned() } else { addresses.join(", ") });
    let served = users::served(&mut *conn, scope, user.user_id).await?.is_some();
    println!("    served     {}", if served { "yes" } else { "no: self-service is off, or the account is disabled or protected" });
    match freezes::of(conn, scope, user.user_id).await? {
        Some(freeze) => {
            let since = page::when(Language::English, freeze.since).text;
            let by = who(&mut *conn, scope, &freeze.frozen_by).await?;
            println!("    frozen     since {since}, by {by}: {}", explained::reason(Language::English, &freeze.frozen_by, &freeze.reason));
            println!("               lift it: sspr user unfreeze --tenant {} {}", scope.id(), user.sign_in_name);
        }
        None => println!("    frozen     no"),
    }
    Ok(())
}

/// Whoever did it, for people.
async fn who(conn: &mut PgConnection, scope: &Scope, actor: &str) -> Result<String> {
    Ok(match actor {
        "user" => Language::English.text("people-who-user").into_owned(),
        "cli" => "the command line".to_owned(),
        _ => {
            operators::all(conn, scope).await?.into_iter().find(|one| one.actor() == actor).map_or_else(|| actor.to_owned(), |one| one.name)
        }
    })
}

async fn explain(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, user: &User) -> Result<()> {
    let report = obstacles::of(&mut *conn, tenant, clock, user.user_id).await?;
    let Some(mut report) = report else { bail!("{} is gone", user.sign_in_name) };
    for (_, verdict) in &mut report.gates {
        if let Verdict::Shut(Cause::Frozen(_, actor, _)) = verdict {
            *actor = who(&mut *conn, &tenant.scope, actor).await?;
        }
    }
    let language = Language::English;
    println!("{}  {}", user.sign_in_name, user.display_name);
    for (gate, verdict) in &report.gates {
        let mark = match verdict {
            Verdict::Open => "ok",
            Verdict::Shut(_) => "NO",
            Verdict::Unknown(_) => "?",
        };
        println!("  {mark:<3} {}", explained::gate(language, *gate));
        let Some(cause) = verdict.cause().filter(|cause| **cause != Cause::Behind) else { continue };
        println!("      {}", explained::why(language, cause));
        println!("      -> {}", explained::remedy(language, cause));
        if let Some(command) = command(tenant, user, cause) {
            println!("         {command}");
        }
    }
    println!("Ways to prove who they are:");
    for means in &report.means {
        let state = explained::hindrance(language, means).unwrap_or_else(|| "works".to_owned());
        println!("  {:<26} {:<20} {state}", explained::method(language, means.method), means.label);
    }
    match report.first() {
        Some((_, cause)) => println!("Cannot reset: {}", explained::why(language, cause)),
        None => println!("Can reset, as far as is known here."),
    }
    Ok(())
}

/// What opens the gate, where this program does.
fn command(tenant: &Tenant, user: &User, cause: &Cause) -> Option<String> {
    let (tenant, connector) = (tenant.scope.id(), user.connector_id);
    // A directory's name in a command that somebody will paste.
    let name = format!("'{}'", user.sign_in_name.replace('\'', r"'\''"));
    Some(match cause {
        Cause::SelfServiceOff => format!("sspr tenant set {tenant} --self-service true"),
        Cause::NoPolicy | Cause::NotServed(_) | Cause::GroupUnknown(_) => format!("sspr policy list --tenant {tenant}"),
        Cause::Waits(..) => format!("sspr limits lift --tenant {tenant} --user {name}"),
        Cause::Frozen(..) => format!("sspr user unfreeze --tenant {tenant} {name}"),
        Cause::WritebackOff => format!("sspr connector writeback {connector} on"),
        Cause::NoAgent => format!("sspr agent token {connector}"),
        Cause::Unconfirmed => "sspr agent list".to_owned(),
        _ => return None,
    })
}
