//! `sspr sso`: the OpenID provider at which a tenant's operators sign in; the console's page for owners does the same.

use std::{fs, io::Read, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    app::{self, PublicUrl},
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        operators::Draft,
        sso::{self, By, Changed, Terms},
    },
    provider::Providers,
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
    /// Set it up, or change what is named. It is off until `--enabled true`.
    Set(Set),
    /// What is set up, but for the secret.
    Show,
    /// Fetch the provider's document and keys now.
    Test,
    /// Forget it, and every operator's link to it.
    Remove,
}

#[derive(clap::Args)]
struct Set {
    /// Letter by letter as the provider calls itself.
    #[arg(long)]
    issuer: Option<String>,
    #[arg(long)]
    client_id: Option<String>,
    /// A file with the client secret, `-` for standard input. Another issuer or client needs it anew.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What the button is called.
    #[arg(long)]
    label: Option<String>,
    /// Values of amr or acr that say that a second factor was shown there, separated by commas; empty: ours is always asked for.
    #[arg(long)]
    factors: Option<String>,
    #[arg(long)]
    enabled: Option<bool>,
    /// All but owners must sign in there.
    #[arg(long)]
    required: Option<bool>,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let url = PublicUrl::parse(&config.server.public_url)?;
    let providers = Providers::new(app::reach(&url, &config.sso))?;
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, args.tenant).await?;
    let (scope, source) = (&tenant.scope, Source::house("cli"));
    let by = By { source: &source, session: None, version: None };
    let found = sso::find(&mut tx, scope).await?;
    match args.command {
        Command::Set(set) => {
            let secret = set.secret_file.as_ref().map(read).transpose()?;
            let terms = terms(set, found.as_ref().map(|found| &found.terms), &providers)?;
            match sso::change(&mut tx, scope, &clock, by, (&terms, secret.as_ref())).await? {
                Changed::Yes => tx.commit().await?,
                Changed::SecretWanted => bail!("--secret-file: the secret for this issuer and client is wanted"),
                Changed::Stale | Changed::TakesTwo => bail!("it was changed at the same moment: once more"),
            }
            let host = tenant.hosts.first().context("the tenant has no host name")?;
            eprintln!("The provider sends browsers back to {}/console/sso/back: register that address there.", url.at(host));
        }
        Command::Show => {
            let terms = found.context("no provider is set up")?.terms;
            println!("issuer {}\nclient {}\nlabel {}", terms.issuer, terms.client_id, terms.label);
            println!("factors {}\nenabled {}\nrequired {}", terms.factors.join(","), terms.enabled, terms.required);
        }
        Command::Test => {
            drop(tx);
            let issuer = found.context("no provider is set up")?.terms.issuer;
            let keys = providers.test(&issuer).await.with_context(|| issuer.clone())?;
            println!("{issuer} answers; {keys} of its keys can be used");
        }
        Command::Remove => {
            let removed = sso::remove(&mut tx, scope, &clock, by).await?;
            tx.commit().await?;
            println!("{}", if removed { "removed" } else { "there was none" });
        }
    }
    Ok(())
}

/// Never an argument, which others on this machine could read.
fn read(file: &PathBuf) -> Result<SecretString> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("reading the secret")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    }
    let text = text.trim_end_matches(['\r', '\n']);
    ensure!((1..=1024).contains(&text.len()) && !text.chars().any(char::is_control), "the secret: one line of 1 to 1024 bytes");
    Ok(text.into())
}

fn terms(set: Set, had: Option<&Terms>, providers: &Providers) -> Result<Terms> {
    let terms = Terms {
        issuer: set.issuer.or_else(|| had.map(|had| had.issuer.clone())).context("--issuer is wanted")?,
        client_id: set.client_id.or_else(|| had.map(|had| had.client_id.clone())).context("--client-id is wanted")?,
        label: set.label.or_else(|| had.map(|had| had.label.clone())).context("--label is wanted")?,
        factors: match set.factors {
            Some(text) => Terms::parse_factors(&text).context("--factors: at most ten values without spaces")?,
            None => had.map(|had| had.factors.clone()).unwrap_or_default(),
        },
        enabled: set.enabled.or(had.map(|had| had.enabled)).unwrap_or(false),
        required: set.required.or(had.map(|had| had.required)).unwrap_or(false),
    };
    ensure!(providers.may_be_issuer(&terms.issuer), "--issuer: an https:// address with nothing behind ? or #, where this service may go");
    let client = (1..=255).contains(&terms.client_id.len()) && terms.client_id.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(client, "--client-id: 1 to 255 letters, digits and signs");
    ensure!(Draft::is_name(&terms.label) && terms.label.chars().count() <= 60, "--label: 1 to 60 characters");
    ensure!(terms.enabled || !terms.required, "--required true wants --enabled true");
    Ok(terms)
}
