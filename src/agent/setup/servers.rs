//! Every server of the directory, for itself: reached, trusted, our account taken, and what it can do. The agent may use any of them, so one
//! that lacks something is found before the day when it is needed.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::{
    finding::{Code, Finding},
    ldap::Probe,
    openldap, policy,
    tls::{self, Server},
};
use crate::{
    agent::directory::{Place, discovery},
    base::config::{self, DirectoryKind},
};

/// What came of it, and the connection to the first server that is fit for use.
pub(super) struct Looked {
    pub findings: Vec<Finding>,
    pub first: Option<(Server, Probe)>,
}

/// The servers that the settings name, in their order.
pub fn named(settings: &config::Directory) -> Result<Vec<Server>> {
    let mut all = Vec::new();
    let url = (!settings.url.is_empty()).then_some(("agent.directory.url", &settings.url));
    for (setting, url) in url.into_iter().chain(settings.fallback_urls.iter().map(|url| ("agent.directory.fallback_urls", url))) {
        let Place { host, port } = Place::parse(setting, url)?;
        let name = if settings.server_name.is_empty() { host.clone() } else { settings.server_name.clone() };
        all.push(Server { host, port, name, dns_server: String::new() });
    }
    ensure!(!all.is_empty() || !settings.discovery_domain.is_empty(), "agent.directory.url must begin with ldaps://");
    Ok(all)
}

/// Those that DNS names, if they are wanted. They must show their own names.
pub(super) async fn found(settings: &config::Directory) -> Result<Vec<Server>, Finding> {
    let found = discovery::current(settings).await.map_err(|why| {
        let text = format!("its servers cannot be found by DNS: {why}.");
        Finding::new(Code::DiscoveryFailed, &settings.discovery_domain, text).say(
            "Let this machine use the domain's name servers, or set agent.directory.dns_server; or name servers in agent.directory.url.",
        )
    })?;
    let server = |Place { host, port }| Server { name: host.clone(), host, port, dns_server: settings.dns_server.clone() };
    Ok(found.into_iter().map(server).collect())
}

/// The one to ask what is the same at all of them.
pub(super) async fn first(settings: &config::Directory) -> Result<Server, Finding> {
    let fault = |why: String| Finding::new(Code::DirectoryFault, &settings.base_dn, format!("{why}."));
    let named = named(settings).map_err(|error| fault(format!("{error:#}")))?.into_iter().next();
    let server = match named {
        Some(server) => Some(server),
        None => found(settings).await?.into_iter().next(),
    };
    server.ok_or_else(|| fault("no server is named".to_owned()))
}

/// Whether the directory takes the account, for who sets an agent up: once, at one server.
pub async fn signs_in(settings: &config::Directory) -> Result<(), Finding> {
    Probe::bind(&first(settings).await?, settings).await.map(drop)
}

/// Look at all of them, the most preferred first.
pub(super) async fn check(servers: &[Server], settings: &config::Directory, now: i64) -> Looked {
    let (mut findings, mut away, mut first, mut refused) = (Vec::new(), Vec::new(), None, false);
    for server in servers {
        let begun = Instant::now();
        let mut found = tls::check(server, &settings.ca_file, now).await;
        if !found.iter().any(|finding| finding.code == Code::TlsOk) {
            // It may be no fault of anything but this server, and others may do.
            away.extend(found);
            continue;
        }
        // The password is sent to nobody whose certificate does not hold; and where it was refused once it is not tried elsewhere,
        // because that locks the account.
        if refused {
            continue;
        }
        let took = begun.elapsed();
        match bound(server, settings, now).await {
            Ok((probe, more)) => {
                let good = |finding: &Finding| matches!(finding.code, Code::TlsOk | Code::ControlsOk);
                let has = more.iter().find(|finding| finding.code == Code::ControlsOk).map(|finding| finding.text.clone());
                let text = format!(
                    "answers ({} ms for TLS), shows the right certificate, takes the account, and {}",
                    took.as_millis(),
                    has.unwrap_or_else(|| "lacks something, which is told beside.".to_owned())
                );
                found.extend(more);
                if first.is_none() {
                    found.insert(
                        1,
                        Finding::new(Code::BindOk, &settings.bind_dn, format!("{} takes this account and its password.", server.at())),
                    );
                    first = Some((server.clone(), probe));
                } else {
                    // In one line what was told at length of the first.
                    found.retain(|finding| !good(finding));
                }
                found.insert(0, Finding::new(Code::ServerOk, server.at(), text));
            }
            Err(finding) => {
                refused = matches!(finding.code, Code::BindRefused | Code::WrongKind);
                found.push(finding);
            }
        }
        findings.extend(found);
    }
    for mut finding in away {
        if first.is_some() && finding.code == Code::TlsUnreachable {
            finding.code = Code::ServerAway;
        }
        findings.push(finding);
    }
    Looked { findings, first }
}

/// As the service account, with what the server can do.
async fn bound(server: &Server, settings: &config::Directory, now: i64) -> Result<(Probe, Vec<Finding>), Finding> {
    let mut probe = Probe::bind(server, settings).await?;
    let found = match settings.kind {
        DirectoryKind::Openldap => openldap::root(&mut probe, &server.at()).await?,
        DirectoryKind::Ad => policy::root(&mut probe, settings, &server.at(), now).await?,
    };
    Ok((probe, found))
}
