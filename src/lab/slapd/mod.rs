//! A private OpenLDAP server with its password-policy overlay on loopback, by the script `lab/slapd-dir`, which is built in.
//!
//! The directory is `dc=corp,dc=example`; people live in `ou=people`, and the service account may set passwords and unlock
//! there and nothing more. Starting takes about a second. The blocking calls belong in `spawn_blocking`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use rustls::ClientConfig;

mod ldap;

pub use ldap::{BindAnswer, Granted};

use super::{
    program::{self, Program},
    users::{self, SampleUser},
};

const PROGRAM: &str = include_str!("../../../lab/slapd-dir");
const NAME: &str = "slapd-dir";
/// Seconds: the watchdog, not the clock, ends it.
const LONG: u32 = 365 * 24 * 3600;

#[derive(Debug, Clone)]
pub struct SlapdOptions {
    pub min_length: u32,
    /// Passwords remembered.
    pub history: u32,
    pub min_age_days: u32,
    /// 0: passwords do not run out.
    pub max_age_days: u32,
    /// Bad binds before an account locks; 0: never.
    pub lockout: u32,
    /// A refused bind names a locked account.
    pub tells_locked: bool,
    /// The service account is a password administrator: no rule holds for it.
    pub svc_manages: bool,
    /// As [`super::samba::SambaOptions::users_csv`]; *disabled* is an account that is locked for ever.
    pub users_csv: Option<String>,
}

impl Default for SlapdOptions {
    fn default() -> Self {
        Self {
            min_length: 8,
            history: 5,
            min_age_days: 0,
            max_age_days: 0,
            lockout: 5,
            tells_locked: false,
            svc_manages: false,
            users_csv: None,
        }
    }
}

pub struct Slapd {
    program: Program,
    pub ldaps_url: String,
    pub ca_file: PathBuf,
    /// The name in the certificate.
    pub server_name: String,
    pub base_dn: String,
    pub users_dn: String,
    pub groups_dn: String,
    /// The default policy.
    pub policy_dn: String,
    /// The service account.
    pub bind_dn: String,
    pub bind_password_file: PathBuf,
    /// May do everything, to the server's configuration, too.
    pub admin_dn: String,
    pub admin_password_file: PathBuf,
    pub users: Vec<SampleUser>,
    tls: Arc<ClientConfig>,
}

impl Slapd {
    /// A fresh directory of its own, gone when dropped or when this process dies.
    pub fn start(options: &SlapdOptions) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-ldap-").tempdir().context("making a directory")?.keep();
        Self::start_in(&dir, false, options)
    }

    /// A second server with the same entries by the same UUIDs, the same administrator, service account and CA. Nothing is replicated
    /// between the two; whoever wants that does to one what was done to the other.
    pub fn twin(&self) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-ldap-").tempdir().context("making a directory")?.keep();
        let args = ["--like".to_owned(), self.dir().display().to_string(), "--max-runtime".to_owned(), LONG.to_string()];
        Self::read(Program::start(NAME, PROGRAM, &dir, false, &args)?)
    }

    /// The one in `dir`, made with `options` on first use. `keep`: only the server is stopped in the end.
    pub fn start_in(dir: &Path, keep: bool, options: &SlapdOptions) -> Result<Self> {
        let mut args = Vec::new();
        for (name, value) in [
            ("--min-length", options.min_length),
            ("--history", options.history),
            ("--min-age-days", options.min_age_days),
            ("--max-age-days", options.max_age_days),
            ("--lockout", options.lockout),
            ("--max-runtime", LONG),
        ] {
            args.extend([name.to_owned(), value.to_string()]);
        }
        args.extend(options.tells_locked.then(|| "--tell-locked".to_owned()));
        args.extend(options.svc_manages.then(|| "--svc-manages".to_owned()));
        if let Some(users) = &options.users_csv {
            fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
            let file = dir.join("seed.csv");
            fs::write(&file, users).with_context(|| format!("writing {}", file.display()))?;
            args.extend(["--users".to_owned(), file.display().to_string()]);
        }
        Self::read(Program::start(NAME, PROGRAM, dir, keep, &args)?)
    }

    fn read(program: Program) -> Result<Self> {
        let mut values = program.env()?;
        let mut take = |name| values.remove(name).with_context(|| format!("slapd-dir did not tell {name}"));
        let ca_file = PathBuf::from(take("CA_FILE")?);
        Ok(Self {
            tls: Arc::new(program::trusting(&ca_file)?),
            ca_file,
            ldaps_url: take("LDAPS_URL")?,
            server_name: take("SERVER_NAME")?,
            base_dn: take("BASE_DN")?,
            users_dn: take("USERS_DN")?,
            groups_dn: take("GROUPS_DN")?,
            policy_dn: take("POLICY_DN")?,
            bind_dn: take("BIND_DN")?,
            bind_password_file: take("BIND_PASSWORD_FILE")?.into(),
            admin_dn: take("ADMIN_DN")?,
            admin_password_file: take("ADMIN_PASSWORD_FILE")?.into(),
            users: users::sample_users(&fs::read_to_string(take("USERS_CSV")?).context("reading the sample users")?)?,
            program,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.program.dir
    }

    pub fn stop(&self) -> Result<()> {
        self.program.stop()
    }

    /// After [`Self::stop`]: the same directory at the same address.
    pub fn start_again(&self) -> Result<()> {
        self.program.at(&self.ldaps_url, "up")
    }

    /// Everybody, every policy and the configuration as in the beginning, at the same address.
    pub fn reset(&self) -> Result<()> {
        self.program.at(&self.ldaps_url, "reset")
    }

    /// The service account's password.
    pub fn bind_password(&self) -> Result<String> {
        program::secret(&self.bind_password_file)
    }

    /// The sample user with this sign-in name.
    pub fn user(&self, sign_in_name: &str) -> Option<&SampleUser> {
        self.users.iter().find(|user| user.sign_in_name == sign_in_name)
    }

    /// Where the sample user with this sign-in name was made.
    pub fn dn(&self, sign_in_name: &str) -> String {
        format!("uid={},{}", ldap3::dn_escape(sign_in_name), self.users_dn)
    }
}
