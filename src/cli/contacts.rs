//! `sspr contacts import`: contact data that the directory does not have.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use crate::{
    base::{clock::Clock, config::Config, db, secret::KeyRing},
    domain::{
        audit::Source,
        notices,
        users::{self, EmailAddress, Line, Phone, Reach, Readdressed, Unimported},
    },
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Take a CSV whose first line is "name,private_mail,mobile": sign-in name or GUID, a mailbox that opens without the password, a number
    /// with country code. An empty field leaves what is there; "-" gives it back to the directory. What is imported counts in the place of
    /// the directory's; who has other addresses by it is told.
    Import {
        file: PathBuf,
        #[arg(long)]
        tenant: Option<Uuid>,
        /// Save it. Without this it is only looked at.
        #[arg(long)]
        yes: bool,
    },
}

const HEAD: &str = "name,private_mail,mobile";

pub async fn run(args: Args, config: Config) -> Result<()> {
    let (pool, ring, clock) = (db::connect(&config.database).await?, KeyRing::parse(&config.keys.master)?, Clock::system());
    db::migrate(&pool).await?;
    let Command::Import { file, tenant, yes } = args.command;
    let mut tx = pool.begin().await?;
    let tenant = super::tenant::chosen(&mut tx, &ring, tenant).await?;
    let (numbers, lines) = read(&file)?;
    let (changed, wrong) = users::import(&mut tx, &tenant.scope, &clock, &Source::house("cli"), &lines).await?;
    for (at, why) in &wrong {
        let (number, who) = (numbers[*at], &lines[*at].who);
        match why {
            Unimported::Nobody => eprintln!("line {number}: there is no {who:?} in the directories that go first, or several"),
            Unimported::Twice => eprintln!("line {number}: {who:?} stands in a line before"),
        }
    }
    ensure!(wrong.is_empty(), "{} of {} lines cannot be: nothing was changed", wrong.len(), lines.len());
    if yes {
        notices::readdressed(&mut tx, &tenant, &clock, &changed, true).await?;
        tx.commit().await?;
        println!("{} people have other addresses now, of {} in the list.", changed.len(), lines.len());
    } else {
        print!("{}", told(&changed));
        println!(
            "{} people would have other addresses, of {} in the list. Nothing was saved: once more with --yes.",
            changed.len(),
            lines.len()
        );
    }
    Ok(())
}

/// How many people are listed by name.
const LISTED: usize = 20;

/// Who gets, changes or loses what, masked.
fn told(changed: &[Readdressed]) -> String {
    let mut text = String::new();
    for Readdressed { before, now, .. } in changed.iter().take(LISTED) {
        let mail = |reach: &Reach| reach.private_mail.clone();
        let mobile = |reach: &Reach| reach.mobile.clone();
        let mut turns = Vec::new();
        if mail(before) != mail(now) {
            turns.push(turn("private mailbox", [before, now].map(|reach| mail(reach).map(|mail| mail.masked()))));
        }
        if mobile(before) != mobile(now) {
            turns.push(turn("number", [before, now].map(|reach| mobile(reach).map(|mobile| mobile.masked()))));
        }
        let _ = writeln!(text, "    {}: {}", now.name, turns.join(", "));
    }
    if changed.len() > LISTED {
        let _ = writeln!(text, "    and {} more", changed.len() - LISTED);
    }
    text
}

fn turn(what: &str, from_to: [Option<String>; 2]) -> String {
    match from_to {
        [None, Some(new)] => format!("gets the {what} {new}"),
        [Some(old), None] => format!("loses the {what} {old}"),
        [Some(old), Some(new)] => format!("changes the {what} {old} to {new}"),
        [None, None] => String::new(),
    }
}

/// The lines and their numbers; what is wrong with their form is told all at once.
fn read(file: &Path) -> Result<(Vec<usize>, Vec<Line>)> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let text = text.trim_start_matches('\u{feff}');
    ensure!(
        text.lines().next().is_some_and(|head| head.trim().eq_ignore_ascii_case(HEAD)),
        "the first line of {} must be {HEAD}",
        file.display()
    );
    let (mut numbers, mut lines, mut wrong) = (Vec::new(), Vec::new(), 0);
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        match parse(line) {
            Ok(line) => {
                numbers.push(number);
                lines.push(line);
            }
            Err(why) => {
                wrong += 1;
                eprintln!("line {number}: {why}");
            }
        }
    }
    ensure!(wrong == 0, "{wrong} lines cannot be read: nothing was changed");
    Ok((numbers, lines))
}

fn parse(line: &str) -> Result<Line> {
    let fields: Vec<_> = line.split(',').map(|field| field.trim().trim_matches('"').trim()).collect();
    let [who, mail, mobile] = fields[..] else { bail!("three fields and two commas between them") };
    ensure!(!who.is_empty(), "no name");
    let private_mail = match mail {
        "" => None,
        "-" => Some(None),
        text => Some(Some(EmailAddress::parse(text).context("the second field is no mail address")?)),
    };
    let mobile = match mobile {
        "" => None,
        "-" => Some(None),
        text => Some(Some(Phone::parse(text).context("the third field is no number with country code (+49 …)")?)),
    };
    Ok(Line { who: who.to_owned(), private_mail, mobile })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_is_three_fields() {
        let line = parse(" anna , \"anna@home.example\",+49 170 1234567").unwrap();
        assert_eq!(line.who, "anna");
        assert_eq!(line.private_mail.unwrap().unwrap().as_str(), "anna@home.example");
        assert_eq!(line.mobile.unwrap().unwrap().as_str(), "+491701234567");
        let line = parse("anna,,-").unwrap();
        assert!(line.private_mail.is_none() && line.mobile == Some(None));
        for bad in ["anna", "anna,a@b.example", ",a@b.example,", "anna,nobody,", "anna,,0170 1234567", "anna,,,"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
