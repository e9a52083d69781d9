//! Settings: a tree of sections over `default.toml`, which is built in and is the manual.
//!
//! default.toml ← file ← `SSPR_SECTION__KEY` ← `SSPR_SECTION__KEY_FILE`. Unknown keys are refused and all problems are told at
//! once. Each section moves by value into what it builds; nothing reads the environment later.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use serde::Deserialize;
use toml::{Table, Value};

pub const DEFAULTS: &str = include_str!("default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub keys: Keys,
    pub mail: Mail,
    pub sms: Sms,
    pub sso: Sso,
    pub limits: Limits,
    pub log: Log,
    pub agent: Agent,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub public_url: String,
    pub listen: SocketAddr,
    pub tls_cert_file: PathBuf,
    pub tls_key_file: PathBuf,
    pub trusted_proxies: Vec<std::net::IpAddr>,
    pub max_connections: usize,
    pub drain_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: SecretString,
    pub connections: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    pub master: SecretString,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub url: SecretString,
    pub from: String,
    pub timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    pub url: String,
    pub account: String,
    pub token: SecretString,
    pub from: String,
    pub timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sso {
    pub private_networks: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub work: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub file: PathBuf,
    pub file_megabytes: u16,
    pub file_keep: u16,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Human,
    Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    pub cloud_url: String,
    pub state_dir: PathBuf,
    pub parallel: u16,
    pub mirror_full_seconds: u64,
    pub mirror_seconds: u64,
    pub mirror_max_removal_percent: u8,
    pub mirror_max_removals: usize,
    pub stop_file: PathBuf,
    pub identity_days: u32,
    pub canary: String,
    pub canary_seconds: u64,
    pub audit_file: PathBuf,
    pub allow_groups: Vec<String>,
    pub deny_groups: Vec<String>,
    pub mirror_groups: Vec<String>,
    pub directory: Directory,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    pub kind: DirectoryKind,
    pub url: String,
    pub fallback_urls: Vec<String>,
    pub discovery_domain: String,
    pub site: String,
    pub dns_server: String,
    pub server_name: String,
    pub ca_file: PathBuf,
    pub bind_dn: String,
    pub bind_password: SecretString,
    pub base_dn: String,
    pub users_dn: String,
    pub require_policy_hints: bool,
    pub max_per_user_per_hour: u32,
    pub max_per_hour: u32,
    pub attributes: Attributes,
    pub openldap: Openldap,
}

/// Names of attributes; an empty one is not read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    pub mail: String,
    pub private_mail: String,
    pub mobile: String,
    pub manager: String,
    pub language: String,
}

/// What only OpenLDAP needs.
#[derive(Debug, Clone, Deserialize, Hash)]
#[serde(deny_unknown_fields)]
pub struct Openldap {
    pub policy_dn: String,
    pub user_name: String,
    pub three_classes: bool,
    pub protected_groups: Vec<String>,
    pub protected_filter: String,
    pub hashes_modified: bool,
}

/// Which family it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DirectoryKind {
    Ad,
    Openldap,
}

impl DirectoryKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ad => "ad",
            Self::Openldap => "openldap",
        }
    }
}

/// Settings that `_FILE` may give, by their path.
const SECRETS: [&str; 5] = ["database.url", "keys.master", "mail.url", "sms.token", "agent.directory.bind_password"];

impl Config {
    /// From `file` (or `sspr.toml` here, if there is one) and the process's environment.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let text = match file {
            Some(path) => {
                Some((path.display().to_string(), fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?))
            }
            None => fs::read_to_string("sspr.toml").ok().map(|text| ("sspr.toml".to_owned(), text)),
        };
        Self::from(
            text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())),
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// From a file's name and text and from environment variables. Tells every problem at once.
    pub fn from(file: Option<(&str, &str)>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut tree: Table = DEFAULTS.parse().context("default.toml")?;
        let mut problems = Vec::new();
        if let Some((name, text)) = file {
            match text.parse::<Table>() {
                Ok(table) => overlay(&mut tree, table, "", name, &mut problems),
                Err(error) => problems.push(format!("{name}: {}", error.message())),
            }
        }
        // Sorted, so that the same faults read the same.
        for (name, value) in environment.into_iter().collect::<BTreeMap<_, _>>() {
            let Some(key) = name.strip_prefix("SSPR_") else { continue };
            if let Err(problem) = set(&mut tree, &name, key, value) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            match Value::Table(tree).try_into::<Self>() {
                Ok(config) => return Ok(config),
                Err(error) => problems.push(error.message().to_owned()),
            }
        }
        bail!("settings: {}", problems.join("; "))
    }
}

/// Lay `from` over `onto`; what is not in `onto` is unknown.
fn overlay(onto: &mut Table, from: Table, path: &str, source: &str, problems: &mut Vec<String>) {
    for (key, value) in from {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (onto.get_mut(&key), value) {
            (Some(Value::Table(onto)), Value::Table(from)) => overlay(onto, from, &full, source, problems),
            (Some(old), value) if old.same_type(&value) => *old = value,
            (Some(old), value) => problems.push(format!("{source}: {full} must be of type {}, not {}", old.type_str(), value.type_str())),
            (None, _) => problems.push(format!("{source}: there is no setting {full}")),
        }
    }
}

/// Set one value from the environment: `SECTION__KEY` or, for secrets, `SECTION__KEY_FILE`.
fn set(tree: &mut Table, name: &str, key: &str, value: String) -> Result<(), String> {
    let path = key.to_ascii_lowercase().replace("__", ".");
    let (path, value) = match path.strip_suffix("_file") {
        Some(secret) if SECRETS.contains(&secret) => {
            let text = fs::read_to_string(&value).map_err(|error| format!("{name}: reading {value}: {error}"))?;
            (secret.to_owned(), text.trim_end_matches(['\r', '\n']).to_owned())
        }
        _ => (path, value),
    };
    let mut parts = path.split('.').collect::<Vec<_>>();
    let last = parts.pop().unwrap_or_default();
    let unknown = || format!("{name}: there is no setting {path}");
    let mut table = tree;
    for part in parts {
        table = table.get_mut(part).and_then(Value::as_table_mut).ok_or_else(unknown)?;
    }
    let slot = table.get_mut(last).ok_or_else(unknown)?;
    *slot = match slot {
        Value::String(_) => Value::String(value),
        Value::Integer(_) => Value::Integer(value.parse().map_err(|_| format!("{name}: {path} must be a whole number"))?),
        Value::Boolean(_) => Value::Boolean(value.parse().map_err(|_| format!("{name}: {path} must be true or false"))?),
        Value::Array(_) => {
            // The names of groups have commas.
            let separator = if path.ends_with("_groups") { ';' } else { ',' };
            Value::Array(value.split(separator).filter(|item| !item.is_empty()).map(|item| Value::String(item.trim().to_owned())).collect())
        }
        _ => return Err(unknown()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_sources_win_and_every_fault_is_told() {
        let env = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        let config = Config::from(
            Some(("f", "[database]\nconnections = 3\n[server]\nmax_connections = 7")),
            env(&[("SSPR_DATABASE__CONNECTIONS", "5"), ("PATH", "x")]),
        )
        .unwrap();
        assert_eq!((config.database.connections, config.server.max_connections), (5, 7));

        let error = Config::from(
            Some(("f", "[server]\nlissten = 1\nlisten = 2")),
            env(&[("SSPR_LOG__FORMATT", "json"), ("SSPR_DATABASE__CONNECTIONS", "many")]),
        )
        .unwrap_err()
        .to_string();
        for part in ["server.lissten", "server.listen must be of type string", "log.formatt", "whole number"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_secret_comes_from_a_file_and_does_not_show() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "hunter2\n").unwrap();
        let config = Config::from(None, [("SSPR_SMS__TOKEN_FILE".to_owned(), file.path().display().to_string())]).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&config.sms.token), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
