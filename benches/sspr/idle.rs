//! What an agent that waits costs: ten thousand long polls, each on a connection of its own, and the server's memory before and after.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};
use tokio_rustls::TlsConnector;

use super::{
    Bench,
    agent::Agent,
    http::Conn,
    machine,
    report::{Better, Line},
    world::World,
};

const AGENTS_OF_A_SITE: usize = 100;

pub async fn measure(bench: &Bench, name: &'static str, tls: bool, target: f64) -> Result<Line> {
    let count = bench.pick(2000, 10_000);
    let world = World::with_scheme(&bench.cluster, &bench.work, if tls { "https" } else { "http" }).await?;
    let mut agents = Vec::with_capacity(count);
    for number in 0..count / AGENTS_OF_A_SITE {
        agents.extend(world.site(&format!("t{number}.localhost"), AGENTS_OF_A_SITE, 0).await?.agents);
    }
    world.hear_of_all().await?;
    world.tidy().await?;
    let mut settings = bench.server_settings();
    let mut connector = None;
    if tls {
        let (certificate, key) = certificate(&bench.work)?;
        connector = Some(trusting(&certificate)?);
        settings.push(("SSPR_SERVER__TLS_CERT_FILE", certificate.display().to_string()));
        settings.push(("SSPR_SERVER__TLS_KEY_FILE", key.display().to_string()));
    }
    let server = world.serve(world.port, &settings).await?;

    // Caches and pools that do not grow with agents are filled by a few that come and go.
    let mut first = open(&server, connector.as_ref(), &agents[..AGENTS_OF_A_SITE]).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.shutdown().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = machine::resident(server.pid());
    let mut waiting = open(&server, connector.as_ref(), &agents).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (after, ticks) = (machine::resident(server.pid()), world.ticks(&[&server]));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let shares = world.ticks(&[&server]).since(ticks, 10.0);
    let later = machine::resident(server.pid());
    if let Some(ended) = waiting.try_join_next() {
        ended??;
        bail!("an agent stopped waiting");
    }
    let (agents, grown) = (f64::from(u32::try_from(count)?), f64::from(u32::try_from((after - before) / 1024)?));
    let detail = format!(
        "bytes per agent at {count}, each with a connection, an access token and a long poll of 60 s; server {} MiB before, {} after, {} ten seconds later; while they wait {shares}",
        before >> 20,
        after >> 20,
        later >> 20
    );
    Ok(Line::new(name, grown * 1024.0 / agents, &[], target, Better::Lower, detail))
}

/// All of them connected and waiting.
async fn open(server: &super::world::Server, tls: Option<&TlsConnector>, agents: &[Arc<Agent>]) -> Result<JoinSet<Result<()>>> {
    const AT_ONCE: usize = 16;
    let (mut waiting, mut opening) = (JoinSet::new(), JoinSet::new());
    for agent in agents {
        let (agent, address, tls) = (agent.clone(), server.address, tls.cloned());
        opening.spawn(async move {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let boxed: Box<dyn Stream> = match tls {
                Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, stream).await?),
                None => Box::new(stream),
            };
            let mut conn = Conn::over(boxed);
            let token = agent.token(&mut conn).await?;
            anyhow::Ok((agent, conn, token))
        });
        if opening.len() >= AT_ONCE
            && let Some(opened) = opening.join_next().await
        {
            let (agent, conn, token) = opened??;
            waiting.spawn(wait(agent, conn, token));
        }
    }
    while let Some(opened) = opening.join_next().await {
        let (agent, conn, token) = opened??;
        waiting.spawn(wait(agent, conn, token));
    }
    Ok(waiting)
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Poll after poll, as an agent does.
async fn wait(agent: Arc<Agent>, mut conn: Conn<Box<dyn Stream>>, token: String) -> Result<()> {
    loop {
        let answer = conn.send(&agent.poll(60, 1, &token)).await?;
        ensure!(answer.status == 204, "an idle poll was answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
    }
}

/// A certificate for localhost, and its key.
fn certificate(work: &Path) -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let (certificate, key) = (work.join("tls.crt"), work.join("tls.key"));
    let done = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .context("starting openssl")?;
    ensure!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    Ok((certificate, key))
}

fn trusting(certificate: &Path) -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&fs::read(certificate)?)?)?;
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
