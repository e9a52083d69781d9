//! `sspr branding`: how a tenant's pages look, and whom its people are told to ask; the console's page does the same.

use std::fs;

use anyhow::{Context, Result, bail};
use uuid::Uuid;

use crate::{
    base::{clock::Clock, colour::Colour, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        branding::{self, Changed, GroupContact, State, UnfitContact},
        policies::{self, Group},
        tenants::Contact,
    },
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
    /// What holds now.
    Show,
    /// Change what is named. An empty word takes it away.
    Set {
        /// As in #2456b3; what is shown is derived from it so that everybody can read it.
        #[arg(long)]
        accent: Option<String>,
        /// A PNG, JPEG or WebP of at most 1 MiB; it is drawn anew.
        #[arg(long, value_name = "FILE")]
        logo: Option<String>,
        /// The help desk's number, for people.
        #[arg(long)]
        phone: Option<String>,
        /// Its mail address, for people.
        #[arg(long)]
        mail: Option<String>,
        /// Where on the web people find help: https only.
        #[arg(long)]
        link: Option<String>,
    },
    /// A group's own help desk, shown to its members once they have proven who they are. With nothing said of it: it has none any more.
    Group {
        /// objectGUID or entryUUID, or what the directory calls it.
        group: String,
        /// Of several that apply to a person the lowest number holds.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=10_000))]
        priority: i32,
        #[arg(long, default_value = "")]
        text: String,
        #[arg(long, default_value = "")]
        phone: String,
        #[arg(long, default_value = "")]
        mail: String,
        #[arg(long, default_value = "")]
        link: String,
    },
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, args.tenant).await?;
    let (scope, source) = (&tenant.scope, Source::house("cli"));
    let mut state = branding::state(&mut tx, scope).await?;
    let seen = state.mark();
    match args.command {
        Command::Show => {
            show(&state);
            return Ok(());
        }
        Command::Set { accent, logo, phone, mail, link } => {
            if let Some(accent) = accent {
                state.accent = match Colour::parse(&accent) {
                    None if !accent.is_empty() => bail!("--accent {accent}: a colour as in #2456b3"),
                    colour => colour.map(|colour| colour.to_string()),
                };
            }
            match logo {
                Some(path) if path.is_empty() => state.logo = None,
                Some(path) => {
                    let file = fs::read(&path).with_context(|| path.clone())?;
                    let drawn = branding::draw(&file).with_context(|| path.clone())?;
                    branding::keep(&mut tx, scope, &clock, &drawn).await?;
                    state.logo = Some(drawn.logo);
                }
                None => {}
            }
            let or = |new: Option<String>, old: &Option<String>| new.unwrap_or_else(|| old.clone().unwrap_or_default());
            let Contact { phone: old_phone, mail: old_mail, link: old_link, .. } = &state.desk;
            let (phone, mail, link) = (or(phone, old_phone), or(mail, old_mail), or(link, old_link));
            state.desk = contact(["", &phone, &mail, &link])?;
        }
        Command::Group { group, priority, text, phone, mail, link } => {
            let named: Vec<Group> = state.groups.iter().map(|one| one.group.clone()).collect();
            let mut known = policies::groups(&mut tx, scope).await?;
            known.extend(named);
            let is = |one: &&Group| one.object_guid.to_string() == group || one.name.as_ref() == Some(&group);
            let group = known.iter().find(is).with_context(|| format!("no agent tells a group {group}"))?.clone();
            let contact = contact([&text, &phone, &mail, &link])?;
            if contact.is_empty() {
                state.groups.retain(|one| !one.group.is(&group));
            } else {
                state.put(GroupContact { group, priority, contact });
            }
        }
    }
    let edit = move |now: &mut State| *now = state;
    let Changed::Yes(after) = branding::change(&mut tx, &clock, &source, scope, (edit, Some(&seen))).await? else {
        bail!("it was changed at the same moment: once more");
    };
    tx.commit().await?;
    show(&after);
    Ok(())
}

fn contact(fields: [&str; 4]) -> Result<Contact> {
    branding::parse_contact(fields).or_else(|unfit| {
        let what = unfit.iter().map(|unfit| match unfit {
            UnfitContact::Text => "--text: at most 200 characters on one line",
            UnfitContact::Phone => "--phone: digits, spaces and +",
            UnfitContact::Mail => "--mail: a mail address",
            UnfitContact::Link => "--link: https:// and a host name",
        });
        bail!("{}", what.collect::<Vec<_>>().join("; "))
    })
}

fn show(state: &State) {
    let State { accent, logo, desk, groups } = state;
    println!("accent  {}", accent.as_deref().unwrap_or("none"));
    match logo {
        Some(logo) => println!("logo    {} ({} by {} pixels)", logo.hash, logo.width, logo.height),
        None => println!("logo    none"),
    }
    println!("desk    {}", if desk.is_empty() { "none".to_owned() } else { desk.line() });
    for GroupContact { group, priority, contact } in groups {
        println!("group   {priority}. {} {}: {}", group.object_guid, group.name.as_deref().unwrap_or_default(), contact.line());
    }
}
