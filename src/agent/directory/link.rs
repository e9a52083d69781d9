//! A connection to a domain controller that is made anew when it broke: LDAPS only, one CA, bound as the service account.
//!
//! Calls share it (LDAP multiplexes). Two guards: after a failed connect there is a short pause, so that a crowd of jobs does not
//! hammer a server that is coming up; after a *refused bind* there is a long one, shared by all links, because the service
//! account locks itself out by trying.

use std::{fs::File, io::BufReader, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, StdStream};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::TcpStream,
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{Server, Trouble, attributes::Entry};
use crate::base::config;

/// For connecting, TLS and the bind together.
const CONNECT: Duration = Duration::from_secs(3);
/// For an ordinary answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// Three tries in half an hour stay below the lockout thresholds in use.
const PAUSE_AFTER_REFUSED_BIND: Duration = Duration::from_mins(15);
const INVALID_CREDENTIALS: u32 = 49;
/// 1.2.840.113556.1.4.2239 and its older twin (MS-ADTS 3.1.1.3.4.1.27), best first.
const POLICY_HINTS: [&str; 2] = ["1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"];

/// Where and as whom.
pub(super) struct Target {
    host: String,
    port: u16,
    /// What the library is given: its host is what the certificate must name, the stream is ours.
    url: String,
    tls: Arc<ClientConfig>,
    bind_dn: String,
    bind_password: SecretString,
    /// No bind before this; the reason.
    closed: Mutex<Option<(Instant, String)>>,
}

impl Target {
    pub(super) fn new(settings: &config::Directory) -> Result<Self> {
        let url = reqwest::Url::parse(&settings.url).with_context(|| format!("agent.directory.url = {:?}", settings.url))?;
        if url.scheme() != "ldaps" {
            bail!("agent.directory.url must begin with ldaps://: passwords travel over it");
        }
        if settings.bind_dn.is_empty() || settings.bind_password.expose_secret().is_empty() {
            // A bind without a password succeeds as nobody (RFC 4513 5.1.2).
            bail!("agent.directory.bind_dn and bind_password must be set");
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(636);
        let name = if settings.server_name.is_empty() { url.host_str().unwrap_or_default() } else { &settings.server_name };
        Ok(Self {
            url: format!("ldaps://{name}:{port}"),
            host,
            port,
            tls: Arc::new(tls(settings)?),
            bind_dn: settings.bind_dn.clone(),
            bind_password: settings.bind_password.clone(),
            closed: Mutex::new(None),
        })
    }

    /// A connection that nobody is bound on yet.
    pub(super) async fn open(&self) -> Result<Ldap, Trouble> {
        let opening = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            let settings = LdapConnSettings::new().set_config(self.tls.clone()).set_std_stream(StdStream::Tcp(stream.into_std()?));
            LdapConnAsync::with_settings(settings, &self.url).await
        };
        match timeout(CONNECT, opening).await {
            Ok(Ok((connection, ldap))) => {
                tokio::spawn(async move {
                    if let Err(error) = connection.drive().await {
                        tracing::debug!(error = %error, "the directory's connection ended");
                    }
                });
                Ok(ldap)
            }
            Ok(Err(error)) => Err(Trouble::Unreachable(format!("connecting to {}:{}: {error}", self.host, self.port))),
            Err(_) => Err(Trouble::Unreachable(format!("connecting to {}:{}: no answer in {CONNECT:?}", self.host, self.port))),
        }
    }

    /// Bound as the service account.
    async fn session(&self) -> Result<(Ldap, Server), Trouble> {
        let mut closed = self.closed.lock().await;
        if let Some((until, why)) = closed.as_ref().filter(|(until, _)| *until > Instant::now()) {
            let minutes = until.saturating_duration_since(Instant::now()).as_secs() / 60 + 1;
            return Err(Trouble::Unreachable(format!("{why}; next try in {minutes} min, or restart the agent")));
        }
        let mut ldap = self.open().await?;
        let bound = ldap.with_timeout(CONNECT).simple_bind(&self.bind_dn, self.bind_password.expose_secret()).await.map_err(transport)?;
        if bound.rc == INVALID_CREDENTIALS {
            let why = format!("the directory refuses the service account ({})", bound.text.trim_end_matches('\0'));
            tracing::error!(error = %why, "agent.directory.bind_dn or bind_password is wrong; waiting, so as not to lock the account");
            *closed = Some((Instant::now() + PAUSE_AFTER_REFUSED_BIND, why.clone()));
            return Err(Trouble::Unreachable(why));
        }
        if bound.rc != 0 {
            return Err(Trouble::Unreachable(format!("binding: {} {}", bound.rc, bound.text)));
        }
        *closed = None;
        drop(closed);
        let server = root(&mut ldap).await?;
        Ok((ldap, server))
    }
}

/// rootDSE: which server this is and what it can do.
async fn root(ldap: &mut Ldap) -> Result<Server, Trouble> {
    let names = vec!["dnsHostName", "supportedControl", "vendorName"];
    let found = ldap.with_timeout(ANSWER).search("", Scope::Base, "(objectClass=*)", names).await.map_err(transport)?;
    let entry = found.0.into_iter().find_map(Entry::new).ok_or_else(|| Trouble::Unreachable("it shows no rootDSE".to_owned()))?;
    let controls = entry.texts("supportedControl");
    Ok(Server {
        name: entry.text("dnsHostName").unwrap_or_default().to_owned(),
        policy_hints: POLICY_HINTS.into_iter().find(|oid| controls.iter().any(|control| control == oid)).map(str::to_owned),
        is_samba: entry.text("vendorName").is_some_and(|name| name.contains("Samba")),
        controls: controls.to_vec(),
    })
}

fn tls(settings: &config::Directory) -> Result<ClientConfig> {
    let path = &settings.ca_file;
    let file = File::open(path).with_context(|| format!("agent.directory.ca_file: reading {}", path.display()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        let certificate = certificate.ok().with_context(|| format!("{} is not PEM", path.display()))?;
        roots.add(certificate).with_context(|| format!("a certificate in {}", path.display()))?;
    }
    if roots.is_empty() {
        bail!("agent.directory.ca_file: {} holds no certificate", path.display());
    }
    // Named explicitly: nothing here depends on who set the process's default first.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The library's failures are all about the connection; answers come as results.
pub(super) fn transport(error: LdapError) -> Trouble {
    match error {
        LdapError::LdapResult { result } => answered(result.rc, &result.text),
        LdapError::Timeout { .. } => Trouble::Unreachable("no answer in time".to_owned()),
        LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::IdScrubSend { .. } | LdapError::EndOfStream => {
            Trouble::Unreachable("the connection was closed".to_owned())
        }
        other => Trouble::Unreachable(other.to_string()),
    }
}

/// Only the code and the first eight hex digits are a contract; the text is for the log.
pub fn answered(code: u32, text: &str) -> Trouble {
    Trouble::Answered { code, win32: win32(text), text: text.trim_end_matches(['\0', '\n']).chars().take(300).collect() }
}

/// The Win32 code that opens a diagnostic message (`0000052D: …`); 0 when there is none.
pub fn win32(text: &str) -> u32 {
    let digits = text.get(..8).filter(|_| text.as_bytes().get(8).is_some_and(|&byte| byte == b':'));
    digits
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// The shared connection, or why there is none.
pub(super) struct Link {
    target: Arc<Target>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Tells one connection from the next, so that a late complaint does not close a newer one.
    generation: u64,
    up: Option<(Ldap, Server)>,
    failed: Option<(Instant, String)>,
}

/// A handle for one call.
pub(super) struct Session {
    pub(super) ldap: Ldap,
    pub(super) server: Server,
    generation: u64,
}

impl Link {
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self { target, state: Mutex::default() }
    }

    /// The connection, made if need be; callers that come meanwhile wait for the same attempt.
    pub(super) async fn session(&self) -> Result<Session, Trouble> {
        let mut state = self.state.lock().await;
        if let Some((ldap, server)) = state.up.as_mut() {
            if !ldap.is_closed() {
                let (ldap, server) = (ldap.clone(), server.clone());
                return Ok(Session { ldap, server, generation: state.generation });
            }
            state.up = None;
        }
        if let Some((_, why)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < PAUSE_AFTER_FAILURE) {
            return Err(Trouble::Unreachable(why.clone()));
        }
        match self.target.session().await {
            Ok((ldap, server)) => {
                tracing::info!(directory.dc = %server.name, directory.policy_hints = server.policy_hints.is_some(), "connected to the directory");
                state.generation += 1;
                state.failed = None;
                state.up = Some((ldap.clone(), server.clone()));
                Ok(Session { ldap, server, generation: state.generation })
            }
            Err(trouble) => {
                state.failed = Some((Instant::now(), trouble.to_string()));
                Err(trouble)
            }
        }
    }

    /// The server, if connected.
    pub(super) async fn server(&self) -> Option<Server> {
        self.state.lock().await.up.as_ref().map(|(_, server)| server.clone())
    }

    /// This call's connection is of no use any more.
    pub(super) async fn broken(&self, session: &Session) {
        let mut state = self.state.lock().await;
        if state.generation == session.generation {
            state.up = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_code_is_read() {
        assert_eq!(win32("0000052D: Unwilling to perform - whatever"), 0x52D);
        assert_eq!(win32("0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"), 0x52D);
        assert_eq!(win32("00002098: Object CN=…"), 0x2098);
        assert_eq!(win32("error in module acl: insufficient access rights"), 0);
        assert_eq!((win32(""), win32("0000052D"), win32("+000052D: x"), win32("überüber: x")), (0, 0, 0, 0));
    }
}
