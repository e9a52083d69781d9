//! A private Active Directory domain controller: real Samba on loopback, by the script `lab/samba-dc`, which is built in.
//!
//! The domain is `corp.example`; people live in `OU=Staff`, and the service account may reset and unlock there and nothing
//! more. Two releases, two manners: see [`Release`]. Starting takes seconds, and minutes the first time on a machine
//! (Samba 4.24 is fetched into a cache); starts in several processes at once wait for each other on the cache's lock. The
//! blocking calls belong in `spawn_blocking`.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::watchdog::Watchdog;

const PROGRAM: &str = include_str!("../../lab/samba-dc");

/// 0 as offset: any free ports. `$1` the program, `$2` directory, `$3` "keep" or "delete", rest: options of `up`. What the program says goes to `dc.log`,
/// its complaints to `dc.err`.
const SCRIPT: &str = r#"
program=$1 dir=$2 keep=$3; shift 3
while read -r word offset; do
    /usr/bin/python3 "$program" "$word" "$dir" --port-offset "$offset" "$@" </dev/null >"$dir/dc.log" 2>"$dir/dc.err"
    echo $?
done
/usr/bin/python3 "$program" down "$dir" </dev/null >/dev/null 2>&1
[ "$keep" = keep ] || rm -rf -- "$dir"
"#;

/// LDAPS' own port; the script adds an offset to it.
const LDAPS: u16 = 636;

/// Which Samba.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// 4.24 or later: knows the policy-hints controls and answers as Windows does.
    #[default]
    Backports,
    /// This machine's own (Debian 12: 4.17): no policy-hints controls, and a refusal is constraintViolation.
    System,
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

impl Default for SambaOptions {
    fn default() -> Self {
        Self { release: Release::default(), min_length: 8, history: 5, min_age_days: 0, lockout: 5, users_csv: None }
    }
}

/// One of the people the domain began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleUser {
    /// `sAMAccountName`.
    pub sign_in_name: String,
    pub principal_name: String,
    pub display_name: String,
    pub mail: Option<String>,
    pub mobile: Option<String>,
    /// The first one.
    pub password: String,
    pub disabled: bool,
    pub must_change: bool,
}

/// What a bind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindOutcome {
    Accepted,
    /// The `data` of the refusal: `52e` wrong password or unknown, `533` disabled, `773` must change, `775` locked.
    Refused(String),
}

pub struct Samba {
    watchdog: Watchdog,
    dir: PathBuf,
    pub ldaps_url: String,
    pub ca_file: PathBuf,
    /// The name in the certificate.
    pub server_name: String,
    pub base_dn: String,
    pub users_dn: String,
    pub groups_dn: String,
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
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let program = dir.join("samba-dc.py");
        fs::write(&program, PROGRAM).with_context(|| format!("writing {}", program.display()))?;

        let mut args: Vec<String> =
            vec!["--release".into(), if options.release == Release::System { "system" } else { "backports" }.into()];
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
            let file = dir.join("seed.csv");
            fs::write(&file, users).with_context(|| format!("writing {}", file.display()))?;
            args.extend(["--users".to_owned(), file.display().to_string()]);
        }
        let fixed = [program.as_os_str(), dir.as_os_str(), OsStr::new(if keep { "keep" } else { "delete" })];
        let watchdog = Watchdog::start(SCRIPT, fixed.into_iter().chain(args.iter().map(OsStr::new)), |_| ())?;
        run(&watchdog, dir, "up 0")?;
        Self::read(watchdog, dir)
    }

    fn read(watchdog: Watchdog, dir: &Path) -> Result<Self> {
        let env = fs::read_to_string(dir.join("env")).context("reading how to reach the domain controller")?;
        let mut values: HashMap<&str, String> =
            env.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name, unquote(value))).collect();
        let mut take = |name| values.remove(name).with_context(|| format!("samba-dc did not tell {name}"));
        let ca_file = PathBuf::from(take("CA_FILE")?);
        Ok(Self {
            dir: dir.to_owned(),
            tls: Arc::new(trusting(&ca_file)?),
            ca_file,
            ldaps_url: take("LDAPS_URL")?,
            server_name: take("SERVER_NAME")?,
            base_dn: take("BASE_DN")?,
            users_dn: take("USERS_DN")?,
            groups_dn: take("GROUPS_DN")?,
            bind_dn: take("BIND_DN")?,
            bind_password_file: take("BIND_PASSWORD_FILE")?.into(),
            admin_upn: take("ADMIN_UPN")?,
            admin_password_file: take("ADMIN_PASSWORD_FILE")?.into(),
            users: sample_users(&fs::read_to_string(take("USERS_CSV")?).context("reading the sample users")?)?,
            policy_hints: take("POLICY_HINTS")? == "yes",
            version: take("SAMBA_VERSION")?,
            watchdog,
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn stop(&self) -> Result<()> {
        run(&self.watchdog, &self.dir, "down 0")
    }

    /// After [`Self::stop`]: the same domain at the same address.
    pub fn start_again(&self) -> Result<()> {
        run(&self.watchdog, &self.dir, &format!("up {}", self.offset()?))
    }

    /// Everybody and every policy as in the beginning, at the same address.
    pub fn reset(&self) -> Result<()> {
        run(&self.watchdog, &self.dir, &format!("reset {}", self.offset()?))
    }

    fn offset(&self) -> Result<u16> {
        let port: u16 = self.ldaps_url.rsplit(':').next().and_then(|port| port.parse().ok()).context("no port in the address")?;
        Ok(port - LDAPS)
    }

    /// The service account's password.
    pub fn bind_password(&self) -> Result<String> {
        secret(&self.bind_password_file)
    }

    /// The sample user with this sign-in name.
    pub fn user(&self, sign_in_name: &str) -> Option<&SampleUser> {
        self.users.iter().find(|user| user.sign_in_name == sign_in_name)
    }

    /// Sign in as somebody (user principal name or DN), as any program of the domain would.
    pub async fn bind_as(&self, name: &str, password: &str) -> Result<BindOutcome> {
        // An empty password would be an anonymous bind, which succeeds.
        ensure!(!password.is_empty(), "a bind needs a password");
        let mut ldap = self.connect().await?;
        let answer = ldap.simple_bind(name, password).await.context("binding")?;
        let _ = ldap.unbind().await;
        match answer.rc {
            0 => Ok(BindOutcome::Accepted),
            49 => Ok(BindOutcome::Refused(
                answer.text.split("data ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default().trim().to_owned(),
            )),
            code => bail!("the bind answered {code}: {}", answer.text),
        }
    }

    /// A connection as domain administrator.
    pub async fn admin(&self) -> Result<Ldap> {
        let mut ldap = self.connect().await?;
        ldap.simple_bind(&self.admin_upn, &secret(&self.admin_password_file)?).await?.success().context("binding as administrator")?;
        Ok(ldap)
    }

    /// One modify as administrator.
    pub async fn modify(&self, dn: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.modify(dn, changes).await?.success().context("modifying as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// Replace one attribute's value as administrator.
    pub async fn set(&self, dn: &str, attribute: &str, value: &str) -> Result<()> {
        self.modify(dn, vec![Mod::Replace(attribute.into(), [value.as_bytes().to_vec()].into())]).await
    }

    /// Set a password as administrator, past history and minimum age.
    pub async fn set_password(&self, dn: &str, password: &str) -> Result<()> {
        let quoted = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        self.modify(dn, vec![Mod::Replace(b"unicodePwd".to_vec(), [quoted].into())]).await
    }

    /// The entry of a sign-in name with `attributes`, as administrator.
    pub async fn entry(&self, sign_in_name: &str, attributes: &[&str]) -> Result<SearchEntry> {
        let mut ldap = self.admin().await?;
        let filter = format!("(sAMAccountName={})", ldap3::ldap_escape(sign_in_name));
        let (mut found, _) = ldap.search(&self.base_dn, Scope::Subtree, &filter, attributes.to_vec()).await?.success()?;
        ldap.unbind().await?;
        found.pop().map(SearchEntry::construct).with_context(|| format!("nobody is called {sign_in_name}"))
    }

    pub async fn dn(&self, sign_in_name: &str) -> Result<String> {
        Ok(self.entry(sign_in_name, &["1.1"]).await?.dn)
    }

    async fn connect(&self) -> Result<Ldap> {
        let settings = LdapConnSettings::new().set_config(Arc::clone(&self.tls)).set_conn_timeout(Duration::from_secs(10));
        let (connection, ldap) =
            LdapConnAsync::with_settings(settings, &self.ldaps_url).await.context("connecting to the domain controller")?;
        tokio::spawn(async move {
            // It ends with an error when the server goes away; whoever waits for an answer is told on the handle.
            let _ = connection.drive().await;
        });
        Ok(ldap)
    }
}

/// Have the watchdog run the program; on failure its last line of complaint is the error.
fn run(watchdog: &Watchdog, dir: &Path, what: &str) -> Result<()> {
    if watchdog.ask(what)? == "0" {
        return Ok(());
    }
    let complaint = fs::read_to_string(dir.join("dc.err")).unwrap_or_default();
    bail!("{}", complaint.trim().lines().last().unwrap_or("the domain controller did not start"))
}

/// A TLS client that trusts `ca_file` and nothing else.
fn trusting(ca_file: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).with_context(|| format!("reading {}", ca_file.display()))? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn secret(file: &Path) -> Result<String> {
    Ok(fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?.trim_end().to_owned())
}

/// Undo the quoting of Python's `shlex.quote`.
fn unquote(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace(r#"'"'"'"#, "'"),
        None => value.to_owned(),
    }
}

fn sample_users(csv: &str) -> Result<Vec<SampleUser>> {
    let mut lines = csv.lines();
    let heading = fields(lines.next().unwrap_or_default());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let row: HashMap<String, String> = heading.iter().cloned().zip(fields(line)).collect();
            let get = |name: &str| row.get(name).cloned().with_context(|| format!("the sample users have no column {name}"));
            let some = |name: &str| row.get(name).filter(|text| !text.is_empty()).cloned();
            let flags = row.get("flags").cloned().unwrap_or_default();
            let sign_in_name = get("username")?;
            Ok(SampleUser {
                principal_name: format!("{sign_in_name}@corp.example"),
                display_name: format!("{} {}", get("given_name")?, get("family_name")?),
                mail: some("mail"),
                mobile: some("mobile"),
                password: get("password")?,
                disabled: flags.split(';').any(|flag| flag == "disabled"),
                must_change: flags.split(';').any(|flag| flag == "must-change"),
                sign_in_name,
            })
        })
        .collect()
}

/// The fields of one line of CSV (RFC 4180 without line breaks inside fields).
fn fields(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(character) = characters.next() {
        let field = out.last_mut().expect("never empty");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            other => field.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_commas_quotes_and_umlauts() {
        let csv = "username,given_name,family_name,mail,mobile,password,groups,flags\r\n\
                   jo,\"Jo \"\"J\"\"\",\"Müller, sen.\",,+15550100,\"a,b\",staff,disabled;must-change\r\n";
        let users = sample_users(csv).unwrap();
        assert_eq!(users[0].display_name, "Jo \"J\" Müller, sen.");
        assert_eq!((users[0].mail.as_deref(), users[0].password.as_str()), (None, "a,b"));
        assert!(users[0].disabled && users[0].must_change);
        assert_eq!(unquote(r#"'it'"'"'s'"#), "it's");
    }
}
