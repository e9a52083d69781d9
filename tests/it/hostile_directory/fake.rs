//! A server that speaks LDAP over TLS and means no good: it answers what it is told to. It plays the attacker, never the directory.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

pub const BIND: u8 = 0x60;
pub const SEARCH: u8 = 0x63;
pub const MODIFY: u8 = 0x66;

/// One element of BER.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..=0x7F => bytes.push(u8::try_from(short).unwrap()),
        long => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

pub fn text(content: &str) -> Vec<u8> {
    tlv(0x04, content.as_bytes())
}

/// An LDAPMessage.
pub fn message(id: u32, op: &[u8]) -> Vec<u8> {
    let mut number = vec![0];
    number.extend(id.to_be_bytes());
    tlv(0x30, &[tlv(0x02, &number), op.to_vec()].concat())
}

/// An LDAPResult of this kind and code.
pub fn result(kind: u8, code: u8, more: &[u8]) -> Vec<u8> {
    tlv(kind, &[tlv(0x0A, &[code]), text(""), text("just because"), more.to_vec()].concat())
}

pub fn entry(dn: &str, attributes: &[(&str, Vec<Vec<u8>>)]) -> Vec<u8> {
    let attribute = |(name, values): &(&str, Vec<Vec<u8>>)| {
        let values = values.iter().flat_map(|value| tlv(0x04, value)).collect::<Vec<_>>();
        tlv(0x30, &[text(name), tlv(0x31, &values)].concat())
    };
    tlv(0x64, &[text(dn), tlv(0x30, &attributes.iter().flat_map(attribute).collect::<Vec<_>>())].concat())
}

/// What a client asked.
pub struct Asked {
    pub id: u32,
    pub op: u8,
    /// Of a search or modify.
    pub base: String,
}

/// What becomes of it.
pub enum Answer {
    /// As a decent server would.
    Decent,
    Bytes(Vec<u8>),
    /// So many bytes at a time, with a pause between.
    Drip(Vec<u8>, usize, Duration),
    /// These bytes, for ever.
    Flood(Vec<u8>),
    Nothing,
    Close,
}

type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// Which certificate it shows. All but one are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    Expired,
    SelfSigned,
    OtherCa,
    OtherName,
}

pub struct Fake {
    pub port: u16,
    /// By operation: BIND, SEARCH, MODIFY.
    counts: Arc<Mutex<Vec<u8>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub async fn start(certificate: Certificate, name: &'static str, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (script, seen): (Script, _) = (Arc::new(script), counts.clone());
        let acceptor = TlsAcceptor::from(Arc::new(PKI.server(certificate)));
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, script, seen) = (acceptor.clone(), script.clone(), seen.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, name, &script, &seen).await;
                    }
                });
            }
        });
        Self { port, counts, accepting }
    }

    pub fn url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.port)
    }

    /// How often this was asked.
    pub fn count(&self, op: u8) -> usize {
        self.counts.lock().unwrap().iter().map(|asked| usize::from(*asked == op)).sum()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, name: &str, script: &Script, seen: &Mutex<Vec<u8>>) {
    let mut buffer = VecDeque::new();
    loop {
        let asked = loop {
            if let Some(asked) = take(&mut buffer) {
                break asked;
            }
            let mut bytes = [0; 4096];
            match stream.read(&mut bytes).await {
                Ok(count @ 1..) => buffer.extend(&bytes[..count]),
                _ => return,
            }
        };
        seen.lock().unwrap().push(asked.op);
        let done = match script(&asked) {
            Answer::Decent => stream.write_all(&decent(&asked, name)).await,
            Answer::Bytes(bytes) => stream.write_all(&bytes).await,
            Answer::Drip(bytes, size, pause) => {
                for piece in bytes.chunks(size) {
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                    let _ = stream.flush().await;
                    tokio::time::sleep(pause).await;
                }
                Ok(())
            }
            Answer::Flood(bytes) => {
                let many = bytes.repeat((64 << 10) / bytes.len() + 1);
                while stream.write_all(&many).await.is_ok() {}
                return;
            }
            Answer::Nothing => Ok(()),
            Answer::Close => return,
        };
        if done.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// The next whole request. Ours are well formed, so this is short.
fn take(buffer: &mut VecDeque<u8>) -> Option<Asked> {
    let bytes = buffer.make_contiguous();
    let (header, length) = size(bytes.get(1..)?)?;
    let whole = 1 + header + length;
    let content = bytes.get(1 + header..whole)?;
    let (_, id, rest) = element(content);
    let (op, content, _) = element(rest);
    let id = id.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let base = if op == SEARCH || op == MODIFY { String::from_utf8_lossy(element(content).1).into_owned() } else { String::new() };
    buffer.drain(..whole);
    Some(Asked { id, op, base })
}

fn size(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*bytes.first()?);
    if first < 0x80 {
        return Some((1, first));
    }
    let length = bytes.get(1..=first - 0x80)?;
    Some((1 + length.len(), length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))))
}

fn element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (header, length) = size(&bytes[1..]).unwrap();
    (bytes[0], &bytes[1 + header..1 + header + length], &bytes[1 + header + length..])
}

pub const BASE: &str = "DC=corp,DC=example";
pub const STAFF: &str = "OU=Staff,DC=corp,DC=example";

fn one(value: &str) -> Vec<Vec<u8>> {
    vec![value.as_bytes().to_vec()]
}

/// What a domain controller with one ordinary account of any GUID would say.
pub fn decent(asked: &Asked, name: &str) -> Vec<u8> {
    let found = |entry: Vec<u8>| [message(asked.id, &entry), message(asked.id, &result(0x65, 0, b""))].concat();
    match (asked.op, asked.base.as_str()) {
        (BIND, _) => message(asked.id, &result(0x61, 0, b"")),
        (MODIFY, _) => message(asked.id, &result(0x67, 0, b"")),
        (SEARCH, "") => found(entry("", &root(name))),
        (SEARCH, base) if base.starts_with("<GUID=") => found(account(base, "CN=Ann,OU=Staff,DC=corp,DC=example", "ann")),
        (SEARCH, base) if base == BASE => found(entry(BASE, &[("minPwdLength", one("8")), ("pwdHistoryLength", one("0"))])),
        (SEARCH, base) => found(entry(base, &[("objectClass", one("organizationalUnit"))])),
        // Unbind and the like.
        _ => Vec::new(),
    }
}

pub fn root(name: &str) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        ("dnsHostName", one(name)),
        ("supportedControl", one("1.2.840.113556.1.4.2239")),
        ("isSynchronized", one("TRUE")),
        ("currentTime", one("20261126080000.0Z")),
        ("highestCommittedUSN", one("1")),
        ("dsServiceName", one("CN=NTDS")),
    ]
}

/// S-1-5-21-1-2-3-513.
const DOMAIN_USERS: [u8; 28] = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0];

pub fn account(base: &str, dn: &str, name: &str) -> Vec<u8> {
    let guid = uuid::Uuid::parse_str(base.trim_start_matches("<GUID=").trim_end_matches('>')).unwrap();
    entry(
        dn,
        &[
            ("objectGUID", vec![guid.to_bytes_le().to_vec()]),
            ("objectClass", ["top", "person", "user"].map(|class| class.as_bytes().to_vec()).to_vec()),
            ("sAMAccountName", one(name)),
            ("sAMAccountType", one("805306368")),
            ("userAccountControl", one("512")),
            ("tokenGroups", vec![DOMAIN_USERS.to_vec()]),
            // Long ago.
            ("pwdLastSet", one("130000000000000000")),
        ],
    )
}

const PAST: &str =
    "[ca]\ndefault_ca=x\n[x]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n";

/// Authorities and certificates, made once.
pub struct Pki {
    dir: tempfile::TempDir,
}

pub static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let pki = Pki { dir: tempfile::tempdir().unwrap() };
    for authority in ["ca", "other-ca"] {
        pki.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 10 -keyout {authority}.key -out {authority}.pem -subj /CN={authority} \
             -addext keyUsage=critical,keyCertSign"
        ));
    }
    std::fs::write(pki.dir.path().join("good"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n").unwrap();
    std::fs::write(pki.dir.path().join("name"), "subjectAltName=DNS:dc9.corp.example,IP:127.0.0.9\nextendedKeyUsage=serverAuth\n").unwrap();
    for name in ["Good", "Expired", "OtherCa", "OtherName"] {
        pki.openssl(&format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.req -subj /CN=localhost"));
        let authority = if name == "OtherCa" { "other-ca" } else { "ca" };
        let extensions = if name == "OtherName" { "name" } else { "good" };
        if name == "Expired" {
            // Only this command takes dates.
            std::fs::write(pki.dir.path().join("index"), "").unwrap();
            std::fs::write(pki.dir.path().join("serial"), "77\n").unwrap();
            std::fs::write(pki.dir.path().join("past.cnf"), PAST).unwrap();
            pki.openssl(&format!(
                "ca -batch -notext -config past.cnf -in {name}.req -cert {authority}.pem -keyfile {authority}.key -extfile {extensions} \
                 -startdate 20200101000000Z -enddate 20210101000000Z -out {name}.pem"
            ));
        } else {
            pki.openssl(&format!(
                "x509 -req -in {name}.req -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 10 -extfile {extensions} -out {name}.pem"
            ));
        }
    }
    pki.openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 10 -keyout SelfSigned.key -out SelfSigned.pem -subj /CN=localhost \
         -addext subjectAltName=DNS:localhost,IP:127.0.0.1",
    );
    pki
});

impl Pki {
    pub fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn openssl(&self, arguments: &str) {
        let ran = Command::new("openssl").current_dir(self.dir.path()).args(arguments.split_whitespace()).output().unwrap();
        assert!(ran.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn server(&self, certificate: Certificate) -> ServerConfig {
        let file = |end: &str| self.dir.path().join(format!("{certificate:?}.{end}"));
        let chain = certificates(&file("pem"));
        let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap()
    }
}

fn certificates(file: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap).collect()
}
