//! A directory of many people, made once and kept below `target/bench`: each run begins with it as it was made.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use sspr::lab::{
    samba::{Samba, SambaOptions},
    slapd::{Slapd, SlapdOptions},
};
use tokio::task::block_in_place;

use super::Bench;

/// What the agent asks for of a person.
const OF_AD: [&str; 17] = [
    "objectGUID",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "displayName",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
    "accountExpires",
    "primaryGroupID",
    "isDeleted",
    "msDS-UserPasswordExpiryTimeComputed",
    "mail",
    "mobile",
    "manager",
    "preferredLanguage",
];
const OF_OPENLDAP: [&str; 16] = [
    "entryUUID",
    "objectClass",
    "cn",
    "displayName",
    "pwdChangedTime",
    "pwdReset",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "pwdLastSuccess",
    "pwdPolicySubentry",
    "uid",
    "mail",
    "mobile",
    "manager",
    "preferredLanguage",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Samba,
    OpenLdap,
}

pub enum Crowd {
    Samba(Box<Samba>),
    OpenLdap(Box<Slapd>),
}

impl Crowd {
    pub fn start(bench: &Bench, kind: Kind, count: usize) -> Result<Self> {
        let dir = bench.work.join(format!("{kind:?}-{count}").to_lowercase());
        if dir.exists() && !dir.join("pristine").exists() {
            // Somebody broke off the making of it.
            fs::remove_dir_all(&dir)?;
        }
        let users_csv = Some(people(count));
        let begun = Instant::now();
        let was_there = dir.exists();
        let crowd = block_in_place(|| match kind {
            Kind::Samba => {
                let samba = Samba::start_in(&dir, true, &SambaOptions { users_csv, ..SambaOptions::default() })?;
                samba.reset()?;
                anyhow::Ok(Self::Samba(Box::new(samba)))
            }
            Kind::OpenLdap => {
                let slapd = Slapd::start_in(&dir, true, &SlapdOptions { users_csv, ..SlapdOptions::default() })?;
                slapd.reset()?;
                Ok(Self::OpenLdap(Box::new(slapd)))
            }
        })?;
        let how = if was_there { "was there" } else { "was made" };
        bench.say(&format!("{} with {count} people {how} within {:.0} s", crowd.version(), begun.elapsed().as_secs_f64()));
        Ok(crowd)
    }

    pub fn version(&self) -> String {
        match self {
            Self::Samba(samba) => format!("Samba {}", samba.version),
            Self::OpenLdap(_) => "OpenLDAP".to_owned(),
        }
    }

    /// What an agent is told of it.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.display().to_string();
        let (kind, url, ca_file, server_name, bind_dn, password, base_dn, users_dn) = match self {
            Self::Samba(samba) => (
                "ad",
                &samba.ldaps_url,
                &samba.ca_file,
                &samba.server_name,
                &samba.bind_dn,
                &samba.bind_password_file,
                &samba.base_dn,
                &samba.users_dn,
            ),
            Self::OpenLdap(slapd) => (
                "openldap",
                &slapd.ldaps_url,
                &slapd.ca_file,
                &slapd.server_name,
                &slapd.bind_dn,
                &slapd.bind_password_file,
                &slapd.base_dn,
                &slapd.users_dn,
            ),
        };
        vec![
            ("AGENT__DIRECTORY__KIND", kind.to_owned()),
            ("AGENT__DIRECTORY__URL", url.clone()),
            ("AGENT__DIRECTORY__CA_FILE", path(ca_file)),
            ("AGENT__DIRECTORY__SERVER_NAME", server_name.clone()),
            ("AGENT__DIRECTORY__BIND_DN", bind_dn.clone()),
            ("AGENT__DIRECTORY__BIND_PASSWORD_FILE", path(password)),
            ("AGENT__DIRECTORY__BASE_DN", base_dn.clone()),
            ("AGENT__DIRECTORY__USERS_DN", users_dn.clone()),
        ]
    }

    /// Seconds that `ldapsearch` takes, as the same account and in pages of the same size.
    pub fn plainly(&self, count: usize) -> Result<f64> {
        let (dir, password, url, ca_file, bind_dn, users_dn, filter, attributes): (_, _, _, &PathBuf, _, _, _, &[&str]) = match self {
            Self::Samba(samba) => {
                let filter = "(&(objectCategory=person)(objectClass=user))";
                (samba.dir(), samba.bind_password()?, &samba.ldaps_url, &samba.ca_file, &samba.bind_dn, &samba.users_dn, filter, &OF_AD)
            }
            Self::OpenLdap(slapd) => {
                let filter = "(objectClass=person)";
                (
                    slapd.dir(),
                    slapd.bind_password()?,
                    &slapd.ldaps_url,
                    &slapd.ca_file,
                    &slapd.bind_dn,
                    &slapd.users_dn,
                    filter,
                    &OF_OPENLDAP,
                )
            }
        };
        let file = dir.join("bench.pass");
        fs::write(&file, password)?;
        let begun = Instant::now();
        let search = || {
            Command::new("ldapsearch")
                .env("LDAPTLS_CACERT", ca_file)
                .args(["-LLL", "-x", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt", "-H", url, "-D", bind_dn, "-y"])
                .arg(&file)
                .args(["-b", users_dn, filter])
                .args(attributes)
                .output()
        };
        let done = block_in_place(search).context("starting ldapsearch")?;
        let seconds = begun.elapsed().as_secs_f64();
        let found = String::from_utf8_lossy(&done.stdout).lines().filter(|line| line.starts_with("dn:")).count();
        ensure!(found == count, "ldapsearch found {found} people: {}", String::from_utf8_lossy(&done.stderr));
        Ok(seconds)
    }

    /// Somebody is called otherwise from now on.
    pub async fn rename(&self, who: &str, name: &str) -> Result<()> {
        match self {
            Self::Samba(samba) => samba.set(&samba.dn(who).await?, "displayName", name).await,
            Self::OpenLdap(slapd) => slapd.set(&slapd.dn(who), "displayName", Some(name)).await,
        }
    }

    pub async fn delete(&self, who: &str) -> Result<()> {
        match self {
            Self::Samba(samba) => {
                let dn = samba.dn(who).await?;
                samba.admin().await?.delete(&dn).await?.success()?;
                Ok(())
            }
            Self::OpenLdap(slapd) => slapd.delete(&slapd.dn(who)).await,
        }
    }
}

/// Without passwords: deriving keys would be most of the work of making the directory.
fn people(count: usize) -> String {
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for n in 1..=count {
        let _ = writeln!(csv, "p{n:07},Person,Number {n:07},p{n:07}@corp.example,+1555{n:07},,,");
    }
    csv
}
