//! `sspr tenant`: who is served, and how.

use anyhow::{Context, Result, anyhow, bail, ensure};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, language::Language, secret::KeyRing},
    cli::{connector::reminders, policy::told},
    domain::{
        approvals::{self, Act},
        audit::{Source, keep},
        coverage, fleet,
        settings::{self, Changed},
        tenants::{self, Aid, Allowed, Change, New, Tenant},
        texts,
        users::EmailAddress,
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// A new tenant and its first connector. Both are off until they are switched on.
    Create {
        name: String,
        /// Host name of its portal.
        #[arg(long)]
        host: String,
        /// Whom people are told to ask.
        #[arg(long)]
        help_desk: Option<String>,
        /// Where neither browser nor directory says otherwise: en or de.
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Every tenant. Their connectors: `sspr connector list`.
    List,
    /// Switch self-service, and say what holds for the tenant; where the help desk's alerts go. Who may reset and by which proofs: `sspr policy`.
    Set {
        tenant: Uuid,
        #[arg(long)]
        self_service: Option<bool>,
        /// Domains of mailboxes that open with the very password that is reset: a code sent there proves nothing alone.
        #[arg(long, value_delimiter = ',')]
        mail_domains: Option<Vec<String>>,
        /// Ask people every so many days, by mail, whether their methods of proof are still right; 0: never, at most 730.
        #[arg(long, value_parser = clap::value_parser!(i32).range(0..=730))]
        reconfirm_days: Option<i32>,
        /// Mail address of the help desk: told when somebody says that it was not them. Empty: nobody is told.
        #[arg(long)]
        alerts: Option<String>,
        /// Begins, tries and codes for one client address in ten minutes, of each. More for many people behind one address.
        #[arg(long, value_parser = clap::value_parser!(i32).range(10..=1_000_000))]
        address_limit: Option<i32>,
        /// Codes by text message a day, or "none" for as many as are asked for.
        #[arg(long, value_parser = budget)]
        sms_budget: Option<Budget>,
        /// Codes by mail a day, or "none".
        #[arg(long, value_parser = budget)]
        mail_budget: Option<Budget>,
        /// How numbers begin that get text messages, without +: 49,43,41. "all": any way.
        #[arg(long, value_parser = countries)]
        sms_countries: Option<Countries>,
        /// Whether people are reminded by mail 14, 7, 3 and 1 days before their password runs out.
        #[arg(long)]
        expiry_reminders: Option<bool>,
        /// What no operator does alone: any of temporary, privileged, code, method, agent, policy, owner, separated by commas, or "none".
        #[arg(long, value_parser = approvals)]
        approvals: Option<Approvals>,
        /// What operators may do for people, of invitation, code, unlock, method, temporary; an empty word: nothing of it.
        #[arg(long, value_delimiter = ',')]
        operators_may: Option<Vec<String>>,
        /// Days for which the audit trail is kept (400 at first), at least 90; 0: for ever.
        #[arg(long, value_parser = audit_days)]
        audit_days: Option<i32>,
        /// Save it. Mail domains and countries, and whatever is given beside them, are only shown without this: who gains self-service by
        /// it, who loses it, and why.
        #[arg(long)]
        yes: bool,
    },
}

/// `None`: without end.
#[derive(Clone)]
struct Budget(Option<i32>);

#[derive(Clone)]
struct Countries(Vec<String>);

fn budget(text: &str) -> Result<Budget, String> {
    if text == "none" {
        return Ok(Budget(None));
    }
    text.parse().ok().filter(|most| *most >= 0).map(|most| Budget(Some(most))).ok_or_else(|| "a whole number, or none".to_owned())
}

fn countries(text: &str) -> Result<Countries, String> {
    if text == "all" {
        return Ok(Countries(Vec::new()));
    }
    settings::parse_countries(text).map(Countries).ok_or_else(|| "calling codes separated by commas, as in 49,43,41, or all".to_owned())
}

/// Those, and no others.
#[derive(Clone)]
struct Approvals(Vec<Act>);

fn approvals(text: &str) -> Result<Approvals, String> {
    if text == "none" {
        return Ok(Approvals(Vec::new()));
    }
    let acts = text.split(',').map(|act| Act::parse(act.trim()).filter(|act| Act::SWITCHED.contains(act)));
    let known = Act::SWITCHED.map(Act::as_str).join(", ");
    acts.collect::<Option<_>>().map(Approvals).ok_or_else(|| format!("some of {known}, or none"))
}

fn no_domain(bad: &str) -> anyhow::Error {
    anyhow!("--mail-domains {bad:?}: that is no mail domain; write what stands behind the @ of the addresses, as in corp.example")
}

fn audit_days(text: &str) -> Result<i32, String> {
    let fits = |days: &i32| *days == 0 || (keep::LEAST..=36500).contains(days);
    text.parse().ok().filter(fits).ok_or_else(|| format!("a number of days from {} on, or 0", keep::LEAST))
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    match args.command {
        Command::Create { name, host, help_desk, language } => {
            let Some(language) = Language::negotiate(&language) else { bail!("--language {language}: there are en and de") };
            if let Some(link) = texts::link(&name) {
                bail!("the name stands in messages, and {link} looks like a link or an address there");
            }
            if let Some(link) = help_desk.as_deref().and_then(|help| texts::beyond(help, &[&host])) {
                bail!("--help-desk stands in messages, and {link} looks like a link or an address there: say it with sspr branding set");
            }
            let new = New { name: &name, host: &host, language, help: help_desk.as_deref() };
            let tenant = tenants::create(&mut tx, &ring, &clock, new).await?;
            let connector = fleet::create_connector(&mut tx, &tenant.scope, &clock, "Directory").await?;
            println!("tenant     {}\nconnector  {connector}", tenant.scope.id());
            eprintln!("Next: sspr agent token {connector}");
        }
        Command::List => {
            for tenant in tenants::all(&mut tx, &ring).await? {
                let state = if tenant.self_service { "on" } else { "off" };
                println!("{}  self-service {state}  {}", tenant.scope.id(), tenant.name);
                let budget = |most: Option<i32>| most.map_or_else(|| "none".to_owned(), |most| most.to_string());
                let Allowed { address_limit, sms_budget, mail_budget, sms_countries } = &tenant.allowed;
                let countries = if sms_countries.is_empty() { "all".to_owned() } else { sms_countries.join(",") };
                println!(
                    "    limits     address {address_limit}  sms budget {}  mail budget {}  sms countries {countries}",
                    budget(*sms_budget),
                    budget(*mail_budget),
                );
                if !tenant.forbidden.is_empty() {
                    let off: Vec<_> = tenant.forbidden.iter().map(|aid| aid.as_str()).collect();
                    println!("    operators  may not {}", off.join(", "));
                }
                match keep::days(&mut tx, &tenant.scope).await? {
                    0 => println!("    audit      kept for ever"),
                    days => println!("    audit      kept {days} days"),
                }
                let acts: Vec<_> = approvals::rules(&mut tx, &tenant.scope).await?.into_iter().map(Act::as_str).collect();
                println!("    approvals  {}", if acts.is_empty() { "none".to_owned() } else { acts.join(",") });
                for connector in fleet::connectors(&mut tx, &tenant.scope, &clock).await? {
                    println!("    connector {}  {}", connector.connector_id, connector.name);
                }
            }
        }
        Command::Set {
            tenant,
            self_service,
            mail_domains,
            reconfirm_days,
            alerts,
            address_limit,
            sms_budget,
            mail_budget,
            sms_countries,
            expiry_reminders,
            approvals,
            operators_may,
            audit_days,
            yes,
        } => {
            let weighs = mail_domains.is_some() || sms_countries.is_some();
            // One empty word empties the list.
            let mail_domains =
                mail_domains.map(|all| settings::parse_domains(&all.join(",")).map_err(|bad| no_domain(&bad))).transpose()?;
            let before = tenants::by_id(&mut tx, &ring, tenant).await?;
            let allowed = Allowed {
                address_limit: address_limit.unwrap_or(before.allowed.address_limit),
                sms_budget: sms_budget.map_or(before.allowed.sms_budget, |budget| budget.0),
                mail_budget: mail_budget.map_or(before.allowed.mail_budget, |budget| budget.0),
                sms_countries: sms_countries.map_or_else(|| before.allowed.sms_countries.clone(), |countries| countries.0),
            };
            let alerts = alerts.map(|alerts| match EmailAddress::parse(&alerts) {
                None if !alerts.is_empty() => Err(anyhow!("--alerts {alerts}: that is no mail address")),
                address => Ok(address.map(|address| address.as_str().to_owned())),
            });
            let may = |text: &String| Aid::parse(text).with_context(|| format!("--operators-may {text}: see --help"));
            let may = |all: Vec<String>| all.iter().filter(|text| !text.is_empty()).map(may).collect::<Result<Vec<_>>>();
            let change = Change {
                self_service,
                mail_domains,
                alerts: alerts.transpose()?,
                reconfirm_days,
                expiry_reminders,
                allowed: Some(allowed),
                forbidden: operators_may.map(may).transpose()?.map(|some| Aid::but(&some)),
                ..Change::default()
            };
            let source = Source::house("cli");
            let both = if weighs {
                let Ok((both, impact)) = coverage::impact_of_settings(&mut tx, &before, &clock, &source, change).await? else {
                    bail!("the tenant was changed at the same moment: once more");
                };
                print!("{}", told(&impact));
                if !yes {
                    println!("Nothing was saved: once more with --yes.");
                    return Ok(());
                }
                println!("Saved.");
                both
            } else {
                match settings::change(&mut tx, &clock, &source, &before.scope, (change, None)).await? {
                    Changed::Yes(both) => both,
                    Changed::Stale(_) => bail!("the tenant was changed at the same moment: once more"),
                }
            };
            if let Some(Approvals(acts)) = approvals {
                for act in Act::SWITCHED {
                    approvals::switch(&mut tx, &before.scope, &clock, &source, act, acts.contains(&act)).await?;
                }
            }
            if let Some(days) = audit_days {
                keep::set_days(&mut tx, &before.scope, &clock, &source, days).await?;
            }
            for reminder in reminders(&mut tx, &both[1], &clock).await? {
                eprintln!("{reminder}");
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The tenant that was named, or the only one there is.
pub(super) async fn chosen(conn: &mut PgConnection, ring: &KeyRing, tenant: Option<Uuid>) -> Result<Tenant> {
    if let Some(tenant) = tenant {
        return tenants::by_id(conn, ring, tenant).await;
    }
    let mut all = tenants::all(conn, ring).await?;
    ensure!(all.len() <= 1, "there are several tenants: say which with --tenant");
    all.pop().context("there is no tenant yet: sspr tenant create")
}
