//! A private Active Directory domain controller: real Samba on loopback, by the script `lab/samba-dc`, which is built in.
//!
//! The domain is `corp.example`; people live in `OU=Staff`, and the service account may reset and unlock there and nothing
//! more. Two releases, two manners: see [`Release`]. Starting takes seconds, and minutes the first time on a machine
//! (Samba 4.24 is fetched into a cache); starts in several processes at once wait for each other on the cache's lock. The
//! blocking calls belong in `spawn_blocking`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use rustls::ClientConfig;

mod ldap;

pub use ldap::BindOutcome;

pub use super::users::SampleUser;
use super::{program, program::Program, users};

const PROGRAM: &str = include_str!("../../../lab/samba-dc");
const NAME: &str = "samba-dc";

/// Which Samba.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 4.24 or later: knows the policy-hints controls and answers as Windows does.
    #[default]
    Backports,
    /// This machine's own (Debian 12: 4.17): no policy-hints controls, and a refusal is constraintViolation.
    System,
}

impl Release {
    const fn name(self) -> &'static str {
        match self {
            Self::Backports => "backports",
            Self::System => "system",
        }
    }
}

#[derive(Debug, Clone)]
pub struct SambaOptions {
    pub release: Release,
    pub min_length: u32,
    /// Passwords remembered.
    pub history: u32,
    pub min_age_days: u32,
    /// Bad binds before an account locks; 0: never.
    pub lockout: u32,
    /// `username,given_name,family_name,mail,mobile,password,groups,flags` with that heading; `None`: `user01` … `user20`, of
    /// whom `user19` must change the password and `user20` is disabled.
    pub users_csv: Option<String>,
}

/// `$1` a domain's directory, `$2` the copy's. What was seeded, not what runs now.
const COPY: &str = r#"
set -e
cd "$1"
mkdir -m 700 "$2/run" "$2/log"
cp -a --sparse=always admin.pass svc.pass users.csv policy.csv release smb.conf portmap.so tls pristine "$2/"
cp -a --sparse=always pristine "$2/data"
"#;

impl Default for SambaOptions {
    fn default() -> Self {
        Self { release: Release::default(), min_length: 8, history: 5, min_age_days: 0, lockout: 5, users_csv: None }
    }
}

pub struct Samba {
    program: Program,
    pub ldaps_url: String,
    pub ca_file: PathBuf,
    /// The name in the certificate.
    pub server_name: String,
    pub base_dn: String,
    pub users_dn: String,
    /// The service account.
    pub bind_dn: String,
    pub bind_password_file: PathBuf,
    pub admin_upn: String,
    pub admin_password_file: PathBuf,
    pub users: Vec<SampleUser>,
    pub policy_hints: bool,
    pub version: String,
    tls: Arc<ClientConfig>,
}

impl Samba {
    /// A fresh domain in a directory of its own, gone when dropped or when this process dies.
    pub fn start(options: &SambaOptions) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-dc-").tempdir().context("making a directory")?.keep();
        Self::start_in(&dir, false, options)
    }

    /// The domain in `dir`, made with `options` on first use. `keep`: only the server is stopped in the end.
    pub fn start_in(dir: &Path, keep: bool, options: &SambaOptions) -> Result<Self> {
        let mut args: Vec<String> = vec!["--release".into(), options.release.name().into()];
        for (name, value) in [
            ("--min-length", options.min_length),
            ("--history", options.history),
            ("--min-age-days", options.min_age_days),
            ("--lockout", options.lockout),
            // The watchdog, not the clock, ends it.
            ("--max-runtime", 365 * 24 * 3600),
        ] {
            args.extend([name.to_owned(), value.to_string()]);
        }
        if let Some(users) = &options.users_csv {
            fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
            let file = dir.join("seed.csv");
            fs::write(&file, users).with_context(|| format!("writing {}", file.display()))?;
            args.extend(["--users".to_owned(), file.display().to_string()]);
        }
        Self::read(Program::start(NAME, PROGRAM, dir, keep, &args)?)
    }

    /// A second controller of this domain, as it was first seeded: the same people by the same GUIDs, the same administrator,
    /// service account and CA. Nothing is replicated between the two; whoever wants that does to one what was done to the other.
    /// `name` is what it calls itself (its certificate is the first one's, which names `twin.corp.example`, too).
    pub async fn twin(&self, name: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-dc-").tempdir().context("making a directory")?.keep();
        let copied = Command::new("/bin/sh").args(["-c", COPY, "copy"]).args([self.dir(), &dir]).status().context("copying the domain")?;
        ensure!(copied.success(), "the domain could not be copied");
        // Where the server does not live in a root of its own, its settings name the directory.
        let settings = fs::read_to_string(dir.join("smb.conf"))?;
        fs::write(dir.join("smb.conf"), settings.replace(&self.dir().display().to_string(), &dir.display().to_string()))?;
        let twin = tokio::task::spawn_blocking(move || Self::start_in(&dir, false, &SambaOptions::default())).await??;
        for object in ["CN=DC1,OU=Domain Controllers", "CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration"] {
            twin.set(&format!("{object},{}", twin.base_dn), "dNSHostName", name).await?;
        }
        Ok(twin)
    }

    fn read(program: Program) -> Result<Self> {
        let mut values = program.env()?;
        let mut take = |name| values.remove(name).with_context(|| format!("samba-dc did not tell {name}"));
        let ca_file = PathBuf::from(take("CA_FILE")?);
        Ok(Self {
            tls: Arc::new(program::trusting(&ca_file)?),
            ca_file,
            ldaps_url: take("LDAPS_URL")?,
            server_name: take("SERVER_NAME")?,
            base_dn: take("BASE_DN")?,
            users_dn: take("USERS_DN")?,
            bind_dn: take("BIND_DN")?,
            bind_password_file: take("BIND_PASSWORD_FILE")?.into(),
            admin_upn: take("ADMIN_UPN")?,
            admin_password_file: take("ADMIN_PASSWORD_FILE")?.into(),
            users: users::sample_users(&fs::read_to_string(take("USERS_CSV")?).context("reading the sample users")?)?,
            policy_hints: take("POLICY_HINTS")? == "yes",
            version: take("SAMBA_VERSION")?,
            program,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.program.dir
    }

    pub fn stop(&self) -> Result<()> {
        self.program.stop()
    }

    /// After [`Self::stop`]: the same domain at the same address.
    pub fn start_again(&self) -> Result<()> {
        self.program.at(&self.ldaps_url, "up")
    }

    /// Everybody and every policy as in the beginning, at the same address.
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
}

/// Get what starting `release` would get first: packages, if we are root, and Samba 4.24. Says on stderr what takes time.
pub fn fetch(release: Release) -> Result<()> {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-", "fetch", "--release", release.name()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("python3 is not installed: run bin/setup")?;
    python.stdin.take().context("no pipe")?.write_all(PROGRAM.as_bytes()).context("handing the program to python3")?;
    let (error, mut complaint) = (program::error(NAME), None);
    for line in BufReader::new(python.stderr.take().context("no pipe")?).lines().map_while(Result::ok) {
        match line.strip_prefix(&error) {
            Some(error) => complaint = Some(error.to_owned()),
            None => eprintln!("{line}"),
        }
    }
    let status = python.wait()?;
    ensure!(status.success(), "{}", complaint.as_deref().unwrap_or("the domain controller's program could not be fetched"));
    Ok(())
}
