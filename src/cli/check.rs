//! `sspr check`: load the settings, connect to what they name, send nothing.

use anyhow::{Result, bail};

use crate::{
    app::PublicUrl,
    base::{
        config::{self, Config},
        db,
        secret::KeyRing,
    },
    carriers::Carriers,
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
    let mut problems = 0;
    let mut tell = |what: &str, how: Result<()>| match how {
        Ok(()) => println!("ok       {what}"),
        Err(error) => {
            problems += 1;
            println!("PROBLEM  {what}: {error:#}");
        }
    };
    tell("server.public_url", PublicUrl::parse(&config.server.public_url).map(drop));
    tell("keys.master", KeyRing::parse(&config.keys.master).map(drop));
    tell("database.url", db::connect(&config.database).await.map(drop));
    match Carriers::new(&config.mail, &config.sms) {
        Ok(carriers) => {
            match carriers.mail {
                Some(mail) => tell("mail.url", mail.check().await),
                None => println!("off      mail: mail.url is empty"),
            }
            println!(
                "{}      sms{}",
                if carriers.sms.is_some() { "ok " } else { "off" },
                if carriers.sms.is_some() { " (not contacted)" } else { ": sms.url is empty" }
            );
        }
        Err(error) => tell("mail and sms", Err(error)),
    }
    if problems > 0 {
        bail!("{problems} of these must be mended before `sspr serve` can work");
    }
    Ok(())
}
