//! The certificate that the directory really shows: from whom, for whom, until when, and what is wrong with it.
//!
//! The first handshake believes anything, so that there is a chain to look at; nothing is sent over it. Then the chain is judged
//! as the agent judges it.

use std::{
    fmt::Write,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{net::TcpStream, time::timeout};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::finding::{Code, Finding};
use crate::{agent::dns, wire::sha256};

const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds before its end at which a certificate is worth a reminder.
const SOON: i64 = 30 * 86_400;

/// Where to connect, and the name that the certificate must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub name: String,
    /// The name server that knows the host, if it is not this machine's.
    pub dns_server: String,
}

impl Server {
    /// For people.
    pub fn at(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    pub(super) async fn connect(&self) -> std::io::Result<TcpStream> {
        if self.dns_server.is_empty() {
            return TcpStream::connect((self.host.as_str(), self.port)).await;
        }
        let found = dns::addresses(&self.host, &self.dns_server).await.map_err(std::io::Error::other)?;
        TcpStream::connect(&found.into_iter().map(|address| (address, self.port).into()).collect::<Vec<SocketAddr>>()[..]).await
    }
}

/// The certificates of a PEM file.
pub fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(file)
        .with_context(|| format!("reading {}", file.display()))?
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .with_context(|| format!("{} is not PEM", file.display()))?;
    ensure!(!found.is_empty(), "{} holds no certificate", file.display());
    Ok(found)
}

/// A client that trusts these and nothing else.
pub fn trusting(authorities: &[CertificateDer<'static>]) -> Result<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store(authorities)?)
        .with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn store(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).context("a certificate of agent.directory.ca_file")?;
    }
    Ok(roots)
}

/// Everything about the server's certificate. The first finding is a good one if the agent would connect.
pub async fn check(server: &Server, ca_file: &Path, now: i64) -> Vec<Finding> {
    let at = server.at();
    let authorities = match authorities(ca_file) {
        Ok(authorities) => authorities,
        Err(error) => {
            let found = Finding::new(Code::TlsCaUnreadable, ca_file.display().to_string(), format!("{error:#}."));
            return vec![
                found
                    .say("Put the certificate of the CA that signs the domain controllers' certificates there, in PEM form.")
                    .with(fetch(&at)),
            ];
        }
    };
    match presented(server).await {
        Ok(chain) => judge(server, &at, &chain, &authorities, now),
        Err(finding) => vec![finding],
    }
}

fn fetch(at: &str) -> [super::finding::Fix; 1] {
    let command = format!("openssl s_client -connect {at} -showcerts </dev/null");
    [super::finding::Fix::Run { with: "to see what the server shows", command }]
}

/// The chain as shown, its own certificate first.
pub async fn presented(server: &Server) -> Result<Vec<CertificateDer<'static>>, Finding> {
    let at = server.at();
    let unreachable = |why: String| {
        Finding::new(Code::TlsUnreachable, &at, format!("no connection: {why}.")).say(
            "Check the name and the port (LDAPS is 636), that the server runs, and that no firewall stands between it and this machine.",
        )
    };
    let stream = match timeout(PATIENCE, server.connect()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable(format!("no answer in {} s", PATIENCE.as_secs()))),
    };
    let name = ServerName::try_from(server.name.clone()).map_err(|_| {
        Finding::new(Code::TlsNameMismatch, &at, format!("{:?} is no name that a certificate could have.", server.name))
            .say("Set agent.directory.server_name to the domain controller's full DNS name.")
    })?;
    let watcher = Arc::new(Watcher { provider: provider(), seen: Mutex::default() });
    let config = ClientConfig::builder_with_provider(watcher.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(watcher.clone())
        .with_no_client_auth();
    let shaken = timeout(PATIENCE, tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream)).await;
    let seen = std::mem::take(&mut *watcher.seen.lock().unwrap_or_else(PoisonError::into_inner));
    match shaken {
        Ok(_) if !seen.is_empty() => Ok(seen),
        Ok(outcome) => {
            let why = outcome.err().map_or("it shows no certificate".to_owned(), |error| error.to_string());
            Err(Finding::new(Code::TlsNotSpoken, &at, format!("it does not speak TLS there as we do: {why}."))
                .say("Use the LDAPS port (636; 3269 is the global catalogue), not 389. A Windows domain controller speaks TLS only once it has a certificate for server authentication in its computer store; TLS 1.2 is the least."))
        }
        Err(_) => Err(unreachable("it took the connection and did not begin TLS".to_owned())),
    }
}

/// Remembers the chain and believes it.
#[derive(Debug)]
struct Watcher {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end).chain(between).map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What one certificate says of itself.
struct Facts {
    subject: String,
    issuer: String,
    names: Vec<String>,
    from: i64,
    until: i64,
}

fn facts(certificate: &CertificateDer<'_>) -> Option<Facts> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    let names = match read.subject_alternative_name() {
        Ok(Some(names)) => names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                GeneralName::IPAddress(bytes) => match bytes.len() {
                    4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
                    _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
                },
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    Some(Facts {
        subject: read.subject().to_string(),
        issuer: read.issuer().to_string(),
        names,
        from: read.validity().not_before.timestamp(),
        until: read.validity().not_after.timestamp(),
    })
}

/// `2026-11-26`
fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| "?".to_owned(), |at| at.date().to_string())
}

/// Whose it is, if it is a CA's own certificate, signed by itself.
pub fn self_issued(certificate: &CertificateDer<'_>) -> Option<String> {
    facts(certificate).filter(|facts| facts.subject == facts.issuer).map(|facts| facts.subject)
}

/// As files have it (RFC 7468).
pub fn pem(certificate: &CertificateDer<'_>) -> String {
    let text = data_encoding::BASE64.encode(certificate);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect::<Vec<_>>();
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.concat())
}

/// SHA-256, as `openssl x509 -fingerprint -sha256` shows it.
pub fn print(certificate: &CertificateDer<'_>) -> String {
    let mut out = String::new();
    for (at, byte) in sha256(certificate).iter().enumerate() {
        let _ = write!(out, "{}{byte:02X}", if at == 0 { "" } else { ":" });
    }
    out
}

fn judge(server: &Server, at: &str, chain: &[CertificateDer<'static>], authorities: &[CertificateDer<'static>], now: i64) -> Vec<Finding> {
    let (Some(end), Some(own)) = (chain.first(), chain.first().and_then(facts)) else {
        return vec![Finding::new(Code::TlsInvalid, at, "its certificate cannot be read.").with(fetch(at))];
    };
    let verdict = verify(server, end, &chain[1..], authorities, now);
    let mut found = Vec::new();
    let names = if own.names.is_empty() { "no name at all".to_owned() } else { own.names.join(", ") };
    if own.until < now {
        let text = format!("its certificate ended on {} (subject {}).", day(own.until), own.subject);
        found.push(Finding::new(Code::TlsExpired, at, text).say("Renew the domain controller's certificate; if it was renewed, restart its LDAP service so that it is used. If today is not the date you think, set this machine's clock."));
    } else if own.from > now {
        let text = format!("its certificate begins only on {}.", day(own.from));
        found.push(Finding::new(Code::TlsNotYetValid, at, text).say("Set the clock of this machine or of the domain controller; or wait."));
    }
    match verdict {
        Ok(()) => {}
        Err(Error::InvalidCertificate(error)) => match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
                if !found.is_empty() => {}
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                found.push(
                    Finding::new(Code::TlsExpired, at, "a CA's certificate in its chain has ended.")
                        .say("Renew it, and put the new one in agent.directory.ca_file.")
                        .with(fetch(at)),
                );
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let text = format!("its certificate is for {names}, but is asked for as {}.", server.name);
                let finding = Finding::new(Code::TlsNameMismatch, at, text);
                found.push(match own.names.iter().find(|name| name.contains('.') && !name.contains('*')) {
                    Some(name) => finding.say(format!("Use one of its names: agent.directory.url = \"ldaps://{name}:{}\", or keep the address and set agent.directory.server_name = \"{name}\".", server.port)),
                    None => finding.say("Give the domain controller a certificate with its full DNS name as subject alternative name; the common name does not count."),
                });
            }
            // A CA of the same name with another key: it was made anew, or is not the one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => found.push(unknown_ca(at, &own, chain, authorities)),
            other => found.push(
                Finding::new(Code::TlsInvalid, at, format!("its certificate is not acceptable: {}.", Error::InvalidCertificate(other)))
                    .with(fetch(at)),
            ),
        },
        Err(other) => {
            found.push(Finding::new(Code::TlsInvalid, at, format!("its certificate is not acceptable: {other}.")).with(fetch(at)));
        }
    }
    if found.is_empty() {
        let text = format!("TLS holds: certificate for {names}, issued by {}, until {}.", own.issuer, day(own.until));
        found.push(Finding::new(Code::TlsOk, at, text));
        let ends = authorities.iter().filter_map(facts).map(|ca| (ca.until, ca.subject)).min().filter(|(until, _)| *until < own.until);
        let (until, whose) = ends.unwrap_or((own.until, own.subject));
        if until - now < SOON {
            let text = format!("the certificate of {whose} ends on {}, in {} days.", day(until), (until - now).max(0) / 86_400);
            found.push(Finding::new(Code::TlsExpiresSoon, at, text).say("Renew it before; the day after, no password can be set."));
        }
    }
    found
}

fn verify(
    server: &Server,
    end: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    authorities: &[CertificateDer<'static>],
    now: i64,
) -> Result<(), Error> {
    let general = |error: String| Error::General(error);
    let roots = Arc::new(store(authorities).map_err(|error| general(format!("{error:#}")))?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build().map_err(|error| general(error.to_string()))?;
    let name = ServerName::try_from(server.name.clone()).map_err(|error| general(error.to_string()))?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
    verifier.verify_server_cert(end, between, &name, &[], at).map(drop)
}

fn unknown_ca(at: &str, own: &Facts, chain: &[CertificateDer<'static>], authorities: &[CertificateDer<'static>]) -> Finding {
    let trusted = authorities.iter().filter_map(facts).map(|ca| ca.subject).collect::<Vec<_>>().join("; ");
    let last = chain.last().and_then(|last| Some((last, facts(last)?)));
    let (needed, shown) = match &last {
        Some((root, facts)) if facts.subject == facts.issuer => (facts.subject.clone(), Some(print(root))),
        Some((_, facts)) => (facts.issuer.clone(), None),
        None => (own.issuer.clone(), None),
    };
    let another = if trusted == needed { " (the same name, and another key)" } else { "" };
    let text = format!("its certificate comes from the CA {needed}, but agent.directory.ca_file has only: {trusted}{another}.");
    let finding = Finding::new(Code::TlsUnknownCa, at, text);
    let finding = match shown {
        Some(print) => finding.say(format!(
            "Put that CA's certificate into agent.directory.ca_file (PEM). The server shows one whose SHA-256 is {print}: compare that with the CA's own before you trust it."
        )),
        None => finding.say("Put that CA's certificate into agent.directory.ca_file (PEM)."),
    };
    finding
        .run("on the CA, if it is Windows'", "certutil -ca.cert ca.cer & certutil -encode ca.cer ca.pem")
        .run("on a Samba domain controller", "cp /var/lib/samba/private/tls/ca.pem .")
        .with(fetch(at))
}
