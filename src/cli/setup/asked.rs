//! Answers: from flags, from a file, and from the terminal for what neither says.

use std::{
    fs,
    io::{BufRead, IsTerminal, Read, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use super::{Args, absolute};
use crate::agent::setup::tls;

/// Answers that were given, and a person to ask for the others.
pub(super) struct Asked {
    given: Table,
    yes: bool,
    terminal: bool,
}

impl Asked {
    pub(super) fn new(args: Args) -> Result<Self> {
        let mut given = Table::new();
        if let Some(file) = &args.answers {
            let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            given = text.parse::<Table>().map_err(|error| anyhow::anyhow!("{}: {}", file.display(), error.message()))?;
        }
        let flags = [
            ("cloud_url", args.cloud_url),
            ("kind", args.kind),
            ("domain", args.domain),
            ("site", args.site),
            ("dns_server", args.dns_server),
            ("url", args.url),
            ("server_name", args.server_name),
            ("ca_file", args.ca_file),
            ("ca_sha256", args.ca_sha256),
            ("bind_dn", args.bind_dn),
            ("password_file", args.password_file),
            ("base_dn", args.base_dn),
            ("users_dn", args.users_dn),
            ("user_name", args.user_name),
            ("policy_dn", args.policy_dn),
            ("state_dir", args.state_dir),
        ];
        let known = flags.iter().map(|(key, _)| *key).collect::<Vec<_>>();
        if let Some((key, _)) = given.iter().find(|(key, value)| !known.contains(&key.as_str()) || !value.is_str()) {
            // A password in it would be found out here, and is not repeated.
            bail!("--answers: {key:?} is not one of {}, as text", known.join(", "));
        }
        for (key, value) in flags {
            if let Some(value) = value {
                given.insert(key.to_owned(), Value::String(value));
            }
        }
        Ok(Self { given, yes: args.yes, terminal: std::io::stdin().is_terminal() })
    }

    pub(super) fn given(&self, key: &str) -> Option<String> {
        self.given.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// The answer that was given, or one from the terminal.
    pub(super) fn ask(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String> {
        if let Some(given) = self.given(key) {
            return Ok(given);
        }
        let flag = key.replace('_', "-");
        if self.yes {
            return default.map(str::to_owned).with_context(|| format!("--{flag} is missing: {question}"));
        }
        loop {
            let shown = default.filter(|default| !default.is_empty()).map(|default| format!(" [{default}]")).unwrap_or_default();
            print!("{question}{shown}: ");
            std::io::stdout().flush()?;
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line).context("reading the answer")?;
            if !self.terminal {
                // Otherwise the prompts run together where nobody's typing ends them.
                println!();
            }
            match (line.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => ensure!(read > 0, "no answer to: {question} (--{flag})"),
                (text, _) => return Ok(text.to_owned()),
            }
        }
    }

    /// As [`Self::ask`]; what `read` does not take is asked for again where somebody is there, with all other answers kept.
    pub(super) fn ask_for<T>(&mut self, key: &str, question: &str, default: Option<&str>, read: impl Fn(&str) -> Result<T>) -> Result<T> {
        loop {
            let text = self.ask(key, question, default)?;
            match read(&text) {
                Err(error) if !self.yes => self.again(key, &error),
                other => return other.with_context(|| format!("--{}", key.replace('_', "-"))),
            }
        }
    }

    pub(super) fn may_write(&mut self, out: &Path) -> Result<bool> {
        let question = format!("{} is there already. Replace it (yes or no)", out.display());
        let answer = |text: &str| match text.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => bail!("{text:?} is neither yes nor no"),
        };
        Ok(!out.exists() || self.yes || self.ask_for("overwrite", &question, Some("no"), answer)?)
    }

    /// A file with a certificate.
    pub(super) fn ca_file(&mut self, question: &str) -> Result<String> {
        let yes = self.yes;
        self.ask_for("ca_file", question, None, |text| {
            let file = absolute(text)?;
            match tls::authorities(Path::new(&file)) {
                Err(error) if !yes => Err(error),
                // What is wrong with it is among what is found.
                _ => Ok(file),
            }
        })
    }

    pub(super) fn password(&mut self) -> Result<String> {
        loop {
            let file = self.ask("password_file", "File that holds its password (it is not asked for here, where it would show)", None)?;
            match password_of(&file) {
                Err(error) if !self.yes && file != STDIN => self.again("password_file", &error),
                other => return other,
            }
        }
    }

    /// Whether the account can be asked for again: somebody is there, and the password did not come from where the answers come from.
    pub(super) fn may_ask_again(&self) -> bool {
        !self.yes && self.given("password_file").is_none_or(|file| file != STDIN)
    }

    /// Ask for it, whatever was given.
    pub(super) fn forget(&mut self, key: &str) {
        self.given.remove(key);
    }

    fn again(&mut self, key: &str, error: &anyhow::Error) {
        println!("That will not do: {error:#}.");
        self.forget(key);
    }
}

/// As the name of a file.
const STDIN: &str = "-";

fn password_of(file: &str) -> Result<String> {
    let mut text = String::new();
    if file == STDIN {
        std::io::stdin().read_to_string(&mut text).context("reading the password from standard input")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("reading the password from {file}"))?;
    }
    let password = text.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "{file} holds no password");
    Ok(password.to_owned())
}
