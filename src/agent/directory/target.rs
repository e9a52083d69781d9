//! One server: how it is reached, trusted and bound to. LDAPS only, one CA, as the service account.
//!
//! TLS is ours and not the library's, so that [`guard`] stands between them: the library talks over a socket that only this
//! process holds.

use std::{fs::File, io::BufReader, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Error, Result, bail};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, StdStream};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    Server, Trouble,
    answer::{refusal, transport},
    attributes::Entry,
    guard,
    link::ANSWER,
};
use crate::{agent::dns, base::config};

/// For connecting and TLS; and for the bind.
const CONNECT: Duration = Duration::from_secs(3);
const INVALID_CREDENTIALS: u32 = 49;
/// 1.2.840.113556.1.4.2239 and its older twin (MS-ADTS 3.1.1.3.4.1.27), best first.
const POLICY_HINTS: [&str; 2] = ["1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"];
/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID (MS-ADTS 3.1.1.3.4.3.7): a read-only domain controller.
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

impl Place {
    /// From a setting; `name` is the setting's.
    pub fn parse(name: &str, url: &str) -> Result<Self> {
        let parsed = reqwest::Url::parse(url).with_context(|| format!("{name} = {url:?} must begin with ldaps:// (ldaps://host:636)"))?;
        match parsed.scheme() {
            "ldaps" => {}
            "ldap" => {
                bail!("{name} = {url:?}: passwords travel over it, so it must begin with ldaps:// (StartTLS can be stripped on the way)")
            }
            _ => bail!("{name} = {url:?} must begin with ldaps://"),
        }
        let host = parsed.host_str().filter(|host| !host.is_empty()).with_context(|| format!("{name} = {url:?} names no host"))?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port: parsed.port().unwrap_or(636) })
    }
}

/// As whom, and whom to trust: the same at every server of a directory.
pub(super) struct Account {
    tls: Arc<ClientConfig>,
    bind_dn: String,
    bind_password: SecretString,
}

impl Account {
    pub(super) fn new(settings: &config::Directory) -> Result<Self> {
        if settings.bind_dn.is_empty() || settings.bind_password.expose_secret().is_empty() {
            // A bind without a password succeeds as nobody (RFC 4513 5.1.2).
            bail!(
                "agent.directory.bind_dn and bind_password must be set (the password by SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE=FILE, where it stands in a file of its own)"
            );
        }
        Ok(Self { tls: Arc::new(tls(settings)?), bind_dn: settings.bind_dn.clone(), bind_password: settings.bind_password.clone() })
    }
}

/// What became of an attempt to bind as the service account.
pub(super) enum Opening {
    Bound(Ldap, Server),
    /// Our own account was refused: to be tried again only after a while.
    Refused(String),
}

/// One server of a directory.
pub(super) struct Target {
    place: Place,
    /// What its certificate must name.
    name: ServerName<'static>,
    /// The name server that knows the host (`address:port`), if it is not this machine's.
    dns_server: String,
    account: Arc<Account>,
}

impl Target {
    /// `server_name`: what the certificate names if it is not the host.
    pub(super) fn new(place: Place, server_name: &str, account: Arc<Account>) -> Result<Self> {
        let name = if server_name.is_empty() { place.host.clone() } else { server_name.to_owned() };
        let name = ServerName::try_from(name.clone()).with_context(|| format!("{name:?} is no name for a server"))?;
        Ok(Self { place, name, dns_server: String::new(), account })
    }

    /// One that DNS named: its certificate names that very host, whatever the address.
    pub(super) fn found(place: Place, dns_server: &str, account: Arc<Account>) -> Result<Self> {
        Ok(Self { dns_server: dns_server.to_owned(), ..Self::new(place, "", account)? })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// For people, before the server told its own name.
    pub(super) fn label(&self) -> String {
        let Place { host, port } = &self.place;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// A connection that nobody is bound on yet.
    pub(super) async fn open(&self) -> Result<Ldap, Trouble> {
        let failed = |why: String| Trouble::Unreachable(format!("connecting to {}: {why}", self.label()));
        match timeout(CONNECT, self.connect()).await {
            Ok(connected) => connected.map_err(|error| failed(format!("{error:#}"))),
            Err(_) => Err(failed(format!("no answer in {CONNECT:?}"))),
        }
    }

    async fn connect(&self) -> Result<Ldap> {
        let Place { host, port } = &self.place;
        let stream = if self.dns_server.is_empty() {
            TcpStream::connect((host.as_str(), *port)).await?
        } else {
            let found = dns::addresses(host, &self.dns_server).await.map_err(Error::msg)?;
            TcpStream::connect(&found.into_iter().map(|address| (address, *port).into()).collect::<Vec<SocketAddr>>()[..]).await?
        };
        stream.set_nodelay(true)?;
        let server = TlsConnector::from(self.account.tls.clone()).connect(self.name.clone(), stream).await?;
        library(server, self.label()).await
    }

    /// Bound as the service account, with what the server tells of itself.
    pub(super) async fn session(&self) -> Result<Opening, Trouble> {
        let mut ldap = self.open().await?;
        let Account { bind_dn, bind_password, .. } = &*self.account;
        let bound = ldap.with_timeout(CONNECT).simple_bind(bind_dn, bind_password.expose_secret()).await.map_err(transport)?;
        match bound.rc {
            0 => {}
            INVALID_CREDENTIALS => {
                let (why, mend) = refusal(&bound.text);
                let text = bound.text.trim_end_matches('\0');
                return Ok(Opening::Refused(format!("the directory refuses the service account: {why}. {mend} (It said: {text})")));
            }
            code => return Err(Trouble::Unreachable(format!("binding: {code} {}", bound.text))),
        }
        let server = self.root(&mut ldap).await?;
        Ok(Opening::Bound(ldap, server))
    }

    /// rootDSE: which server this is and what it can do. One that cannot serve is as good as not there.
    async fn root(&self, ldap: &mut Ldap) -> Result<Server, Trouble> {
        let names = vec!["dnsHostName", "supportedControl", "supportedCapabilities", "isSynchronized", "vendorName"];
        let found = timeout(ANSWER, ldap.search("", Scope::Base, "(objectClass=*)", names)).await;
        let found = found.map_err(|_| Trouble::Unreachable("no answer in time".to_owned()))?.map_err(transport)?;
        let entry = found.0.into_iter().find_map(Entry::new).ok_or_else(|| Trouble::Unreachable("it shows no rootDSE".to_owned()))?;
        // It goes into results and logs: 255 bytes, and nothing that is not a name's.
        let told = entry.text("dnsHostName").unwrap_or_default().chars().filter(char::is_ascii_graphic).take(255).collect::<String>();
        let name = if told.is_empty() { self.label() } else { told };
        if entry.texts("supportedCapabilities").iter().any(|capability| capability == READ_ONLY) {
            return Err(Trouble::Unreachable(format!("{name} is a read-only domain controller")));
        }
        if entry.text("isSynchronized").is_some_and(|text| text.eq_ignore_ascii_case("false")) {
            return Err(Trouble::Unreachable(format!("{name} has not caught up with its partners yet")));
        }
        let controls = entry.texts("supportedControl");
        Ok(Server {
            name,
            policy_hints: POLICY_HINTS.into_iter().find(|oid| controls.iter().any(|control| control == oid)).map(str::to_owned),
            is_samba: entry.text("vendorName").is_some_and(|name| name.contains("Samba")),
            controls: controls.to_vec(),
        })
    }
}

/// The library's end of a connection to a server that was reached and trusted. `label`: the server, for the log.
pub async fn library<S>(server: S, label: String) -> Result<Ldap>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (ours, theirs, url) = pair().await?;
    let (connection, ldap) = LdapConnAsync::with_settings(LdapConnSettings::new().set_std_stream(theirs), url).await?;
    tokio::spawn(async move {
        match guard::carry(server, ours).await {
            Err(guard::End::Breach(breach)) => {
                tracing::error!(directory.server = %label, error = %breach, "the directory's server broke the protocol; its connection is closed");
            }
            Err(error) => tracing::debug!(directory.server = %label, error = %error, "the directory's connection ended"),
            Ok(()) => {}
        }
    });
    tokio::spawn(async move {
        // Whoever waits for an answer is told on the handle.
        if let Err(error) = connection.drive().await {
            tracing::debug!(error = %error, "the directory's connection ended");
        }
    });
    Ok(ldap)
}

/// Two ends that only we hold: ours, the library's, and how it is to call its own.
#[cfg(unix)]
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
async fn pair() -> Result<(tokio::net::UnixStream, StdStream, &'static str)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((tokio::net::UnixStream::from_std(ours)?, StdStream::Unix(theirs), "ldapi:///"))
}

/// The library knows no other kind here. Who else connects meanwhile is not let in.
#[cfg(not(unix))]
async fn pair() -> Result<(TcpStream, StdStream, &'static str)> {
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    ours.set_nodelay(true)?;
    loop {
        let (theirs, peer) = listener.accept().await?;
        if peer == ours.local_addr()? {
            theirs.set_nodelay(true)?;
            return Ok((ours, StdStream::Tcp(theirs.into_std()?), "ldap://localhost"));
        }
    }
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
