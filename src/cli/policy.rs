//! `sspr policy`: who may reset, and by which proofs. Nothing is saved before it was shown who gains and who loses by it.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        coverage::{self, Impact, Mailboxes, Turn},
        limits::Allowance,
        policies::{self, Change, Draft, Group, Method, Policy, Rules},
        settings,
        tenants::Tenant,
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[arg(long, global = true)]
    tenant: Option<Uuid>,
    /// Save it. Without this, what it would change is shown and nothing is saved.
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// The policies in the order in which they are asked, and what is wrong with them.
    List,
    /// Another one.
    Create {
        name: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Change one; what is not given stays.
    Set {
        /// Its name or id.
        policy: String,
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        terms: Terms,
    },
    /// Whom it applied to falls under the next one that applies.
    Remove {
        /// Its name or id.
        policy: String,
    },
    /// Mark a group: whoever is in it proves more, whatever the policies say.
    Privileged {
        /// Name or GUID.
        group: String,
        #[arg(value_parser = ["on", "off"])]
        state: String,
    },
    /// What self-service comes to at this moment: who can use it, who cannot, and why.
    Coverage,
}

#[derive(clap::Args)]
struct Terms {
    /// 1 is asked first.
    #[arg(long)]
    priority: Option<i32>,
    /// true: for everybody but for its exceptions.
    #[arg(long)]
    everybody: Option<bool>,
    /// For the members of these groups: names or GUIDs of groups that agents tell.
    #[arg(long, value_delimiter = ',')]
    groups: Option<Vec<String>>,
    /// But not for the members of these.
    #[arg(long, value_delimiter = ',')]
    except: Option<Vec<String>>,
    /// false: no self-service for them.
    #[arg(long)]
    serves: Option<bool>,
    /// Of `email`, `private_email`, `sms`, `totp`, `passkey`, `recovery_code`, `help_desk`.
    #[arg(long, value_delimiter = ',')]
    methods: Option<Vec<String>>,
    /// How many proofs of different classes: 1 or 2.
    #[arg(long)]
    gates: Option<i16>,
    /// true: mail and text message count as two classes. Whoever has somebody's phone often has both.
    #[arg(long)]
    apart: Option<bool>,
    /// true: with one gate, two proofs from whoever has an authenticator app, a passkey or recovery codes, and a passkey is as good as two.
    #[arg(long)]
    rises: Option<bool>,
    /// Hours for which a new or changed method proves nothing.
    #[arg(long)]
    cooling_off: Option<i32>,
    /// How numbers begin that get text messages, as in 49,43, or `all`, in place of what the tenant says; an empty word: as the tenant says.
    #[arg(long)]
    countries: Option<String>,
    /// Tries at a code in ten minutes: 3 to 10.
    #[arg(long)]
    tries: Option<i32>,
    /// Codes sent in a quarter of an hour: 2 to 10.
    #[arg(long)]
    sends: Option<i32>,
    /// Tries at the current password in half an hour: 1 to 10, fewer than the directory's own lock takes.
    #[arg(long)]
    passwords: Option<i32>,
}

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, args.tenant).await?;
    let (scope, source) = (&tenant.scope, Source::house("cli"));
    let rules = policies::rules(&mut tx, scope).await?;
    let change = match args.command {
        Command::List => {
            list(&rules);
            return Ok(());
        }
        Command::Coverage => return covered(&mut tx, &tenant, &clock).await,
        Command::Create { name, terms } => Change::Save(None, terms.over(&mut tx, &tenant, Draft::new(&name, rules.free())).await?),
        Command::Set { policy, name, terms } => {
            let Policy { policy_id, terms: old } = named(&rules, &policy)?;
            Change::Save(Some(policy_id), terms.over(&mut tx, &tenant, Draft { name: name.unwrap_or(old.name.clone()), ..old }).await?)
        }
        Command::Remove { policy } => Change::Remove(named(&rules, &policy)?.policy_id),
        Command::Privileged { group, state } => {
            // One that no agent tells any more can still be unmarked.
            let known = [policies::groups(&mut tx, scope).await?, rules.privileged.clone()].concat();
            let group = group_of(&known, &group)?;
            let others = rules.privileged.into_iter().filter(|one| !one.is(&group));
            Change::Privilege(others.chain((state == "on").then(|| group.clone())).collect())
        }
    };
    let (_, impact) = coverage::impact(&mut tx, &tenant, &clock, &source, &change).await??;
    print!("{}", told(&impact));
    if args.yes {
        tx.commit().await?;
        println!("Saved.");
    } else {
        println!("Nothing was saved: once more with --yes.");
    }
    Ok(())
}

impl Terms {
    /// The draft with what was given.
    async fn over(self, conn: &mut PgConnection, tenant: &Tenant, draft: Draft) -> Result<Draft> {
        let known = policies::groups(conn, &tenant.scope).await?;
        let all = |given: Option<Vec<String>>, else_: &[Group]| match given {
            // One empty word empties the list.
            Some(names) => names.iter().filter(|name| !name.is_empty()).map(|name| group_of(&known, name)).collect(),
            None => Ok(else_.to_vec()),
        };
        let methods = |given: Vec<String>| {
            let parse = |text: &String| Method::parse(text).with_context(|| format!("there is no method {text:?}: see --help"));
            given.iter().filter(|name| !name.is_empty()).map(parse).collect::<Result<Vec<_>>>()
        };
        let countries = |given: String| {
            let read = settings::parse_own_countries(&given);
            read.context("--countries are at most 60 calling codes separated by commas, as in 49,43,41, or all, or an empty word")
        };
        let groups = all(self.groups, &draft.groups)?;
        Ok(Draft {
            priority: self.priority.unwrap_or(draft.priority),
            everybody: self.everybody.unwrap_or(draft.everybody),
            exceptions: all(self.except, &draft.exceptions)?,
            groups,
            serves: self.serves.unwrap_or(draft.serves),
            methods: self.methods.map(methods).transpose()?.unwrap_or(draft.methods),
            gates: self.gates.unwrap_or(draft.gates),
            apart: self.apart.unwrap_or(draft.apart),
            rises: self.rises.unwrap_or(draft.rises),
            cooling_off: self.cooling_off.unwrap_or(draft.cooling_off),
            countries: self.countries.map(countries).transpose()?.unwrap_or(draft.countries),
            allowance: Allowance {
                tries: self.tries.unwrap_or(draft.allowance.tries),
                sends: self.sends.unwrap_or(draft.allowance.sends),
                passwords: self.passwords.unwrap_or(draft.allowance.passwords),
            },
            name: draft.name,
        })
    }
}

fn group_of(known: &[Group], text: &str) -> Result<Group> {
    let id = Uuid::parse_str(text).ok();
    let fits = |group: &&Group| Some(group.object_guid) == id || group.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(text));
    let mut found: Vec<_> = known.iter().filter(fits).collect();
    found.dedup_by_key(|group| (group.connector_id, group.object_guid));
    match found.as_slice() {
        [] => bail!("no agent tells a group {text:?}: name it in the agents' setting agent.mirror.groups first"),
        [one] => Ok((*one).clone()),
        _ => bail!("there are several groups {text:?}: say which by its GUID"),
    }
}

fn named(rules: &Rules, text: &str) -> Result<Policy> {
    let fits = |policy: &&Policy| policy.terms.name == text || policy.policy_id.to_string() == text;
    rules.policies.iter().find(fits).cloned().with_context(|| format!("there is no policy {text:?}: see `sspr policy list`"))
}

fn list(rules: &Rules) {
    let names = |groups: &[Group]| {
        let name = |group: &Group| group.name.clone().unwrap_or_else(|| format!("{} (NOT TOLD by any agent)", group.object_guid));
        groups.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    for Policy { policy_id, terms } in &rules.policies {
        let whom = if terms.everybody { "everybody".to_owned() } else { names(&terms.groups) };
        let but = if terms.exceptions.is_empty() { String::new() } else { format!(" but {}", names(&terms.exceptions)) };
        println!("{:5}  {}  {policy_id}", terms.priority, terms.name);
        println!("       for {whom}{but}");
        if !terms.serves {
            println!("       no self-service");
            continue;
        }
        let methods: Vec<_> = terms.methods.iter().map(|method| method.as_str()).collect();
        let apart = if terms.apart { ", mail and text message apart" } else { "" };
        let rises = if terms.rises && terms.gates == 1 { " (2 from whoever has an app, a passkey or recovery codes)" } else { "" };
        println!("       {}{rises} of {}{apart}; cooling-off {} h", terms.gates, methods.join(", "), terms.cooling_off);
        if !terms.countries.is_empty() {
            let told = settings::told_countries(&terms.countries).unwrap_or_else(|| "all countries".to_owned());
            println!("       text messages to {told}");
        }
        if terms.allowance != Allowance::USUAL {
            let Allowance { tries, sends, passwords } = terms.allowance;
            println!(
                "       {tries} tries at a code in ten minutes, {sends} codes in a quarter of an hour, {passwords} passwords in half an hour"
            );
        }
        if terms.exceptions.iter().any(|group| group.name.is_none()) {
            println!("     ! serves nobody: no agent tells who is in an exception");
        }
    }
    for group in &rules.privileged {
        match &group.name {
            Some(name) => println!("privileged: {name}"),
            None => println!(
                "privileged: {}\n     ! no agent tells who is in it: everybody in its directory proves as much as they would",
                group.object_guid
            ),
        }
    }
}

async fn covered(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<()> {
    let all = coverage::of(conn, tenant, clock).await?;
    for (standing, count) in coverage::count(&all.people) {
        println!("{count:7}  {standing}");
    }
    for warning in warnings(coverage::by_mailbox(&all.people), &all.mailboxes) {
        println!("      !  {warning}");
    }
    ensure!(tenant.self_service, "self-service is off, so nobody is served: sspr tenant set {} --self-service true", tenant.scope.id());
    Ok(())
}

/// How many people are listed by name.
const LISTED: usize = 20;

pub(super) fn told(impact: &Impact) -> String {
    let mut text = String::new();
    for (title, people) in [("gain self-service", &impact.gains), ("lose self-service", &impact.loses)] {
        let _ = writeln!(text, "{} {title}", people.len());
        for Turn { name, before, after, .. } in people.iter().take(LISTED) {
            let _ = writeln!(text, "    {name}: {before} -> {after}");
        }
        if people.len() > LISTED {
            let _ = writeln!(text, "    and {} more", people.len() - LISTED);
        }
    }
    let _ = writeln!(text, "{} stay as they are", impact.same);
    if impact.untexted > 0 {
        let _ = writeln!(text, "! {} people with a number get no text messages any more, nor notices by them", impact.untexted);
    }
    for warning in warnings(impact.by_mailbox, &impact.mailboxes) {
        let _ = writeln!(text, "! {warning}");
    }
    text
}

/// What an administrator should think about.
fn warnings(by_mailbox: usize, mailboxes: &Mailboxes) -> Vec<String> {
    let mut warnings = Vec::new();
    let elsewhere = mailboxes.elsewhere();
    let behind = "If that mailbox opens with the password they forgot, they cannot reach it, and who has got into it gets the account: \
                  sspr tenant set --mail-domains";
    if elsewhere > 0 {
        let domains = mailboxes.biggest();
        warnings.push(format!(
            "{elsewhere} people can prove themselves by an address of the directory alone that is in no named mail domain: {domains}. {behind}"
        ));
    } else if by_mailbox > 0 {
        warnings.push(format!("{by_mailbox} people can prove themselves by the directory's mail address alone. {behind}"));
    }
    for domain in &mailboxes.unused {
        warnings.push(format!("Nobody has a mail address at {domain}, which is named as a mail domain: is it spelt right?"));
    }
    warnings
}
