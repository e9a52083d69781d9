//! A directory server that one of the programs in `lab/` makes, starts and stops, held by the watchdog.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::watchdog::Watchdog;

/// 0 as offset: any free ports. `$1` the program, `$2` directory, `$3` "keep" or "delete", rest: options of `up`. What the program
/// says goes to `said`, its complaints to `complaints`.
const SCRIPT: &str = r#"
program=$1 dir=$2 keep=$3; shift 3
while read -r word offset; do
    /usr/bin/python3 "$program" "$word" "$dir" --port-offset "$offset" "$@" </dev/null >"$dir/said" 2>"$dir/complaints"
    echo $?
done
/usr/bin/python3 "$program" down "$dir" </dev/null >/dev/null 2>&1
[ "$keep" = keep ] || rm -rf -- "$dir"
"#;

/// LDAPS' own port; the programs add an offset to it.
const LDAPS: u16 = 636;

pub(super) struct Program {
    watchdog: Watchdog,
    /// What the program's last words begin with.
    error: String,
    pub(super) dir: PathBuf,
}

impl Program {
    /// Bring up what is in `dir`, made with `options` on first use. `keep`: only the server is stopped in the end.
    pub(super) fn start(name: &str, source: &str, dir: &Path, keep: bool, options: &[String]) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let program = dir.join(format!("{name}.py"));
        fs::write(&program, source).with_context(|| format!("writing {}", program.display()))?;
        let fixed = [program.as_os_str(), dir.as_os_str(), OsStr::new(if keep { "keep" } else { "delete" })];
        let watchdog = Watchdog::start(SCRIPT, fixed.into_iter().chain(options.iter().map(OsStr::new)), |_| ())?;
        let program = Self { watchdog, error: error(name), dir: dir.to_owned() };
        program.run("up 0")?;
        Ok(program)
    }

    pub(super) fn stop(&self) -> Result<()> {
        self.run("down 0")
    }

    /// `word` at the ports that `ldaps_url` has.
    pub(super) fn at(&self, ldaps_url: &str, word: &str) -> Result<()> {
        let port: u16 = ldaps_url.rsplit(':').next().and_then(|port| port.parse().ok()).context("no port in the address")?;
        self.run(&format!("{word} {}", port - LDAPS))
    }

    /// On failure the program's last line of complaint is the error.
    fn run(&self, what: &str) -> Result<()> {
        if self.watchdog.ask(what)? == "0" {
            return Ok(());
        }
        let complaints = fs::read_to_string(self.dir.join("complaints")).unwrap_or_default();
        let last = complaints.trim().lines().last().unwrap_or("the directory server did not start");
        bail!("{}", last.strip_prefix(&self.error).unwrap_or(last))
    }

    /// How to reach the server.
    pub(super) fn env(&self) -> Result<HashMap<String, String>> {
        let env = fs::read_to_string(self.dir.join("env")).context("reading how to reach the directory server")?;
        Ok(env.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), unquote(value))).collect())
    }
}

pub(super) fn error(name: &str) -> String {
    format!("{name} failed: ")
}

pub(super) fn secret(file: &Path) -> Result<String> {
    Ok(fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?.trim_end().to_owned())
}

/// A TLS client that trusts `ca_file` and nothing else.
pub(super) fn trusting(ca_file: &Path) -> Result<ClientConfig> {
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

/// A connection that nobody is bound on yet.
pub(super) async fn connect(ldaps_url: &str, tls: &Arc<ClientConfig>) -> Result<Ldap> {
    let settings = LdapConnSettings::new().set_config(Arc::clone(tls)).set_conn_timeout(Duration::from_secs(10));
    let (connection, ldap) = LdapConnAsync::with_settings(settings, ldaps_url).await.context("connecting to the directory server")?;
    tokio::spawn(async move {
        // It ends with an error when the server goes away; whoever waits for an answer is told on the handle.
        let _ = connection.drive().await;
    });
    Ok(ldap)
}

/// Undo the quoting of Python's `shlex.quote`.
fn unquote(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace(r#"'"'"'"#, "'"),
        None => value.to_owned(),
    }
}
