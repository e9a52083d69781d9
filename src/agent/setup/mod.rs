//! What `sspr agent setup` and `sspr agent doctor` look at: everything that must hold before and while an agent serves people, and
//! what to do where it does not. Reads only; nothing is changed, neither here nor in the directory.
//!
//! Each check is a file and yields [`finding::Finding`]s with stable codes. A check that cannot be made because an earlier one
//! failed is left out: its finding would say nothing new.

mod account;
mod cloud;
mod dns;
mod excess;
pub mod finding;
pub mod grants;
mod ldap;
mod local;
mod openldap;
mod policy;
mod rights;
mod sd;
pub mod tls;

use std::path::Path;

use self::{
    finding::{Code, Finding, Report},
    ldap::Probe,
    tls::Server,
};
use crate::base::{
    clock::Clock,
    config::{self, DirectoryKind},
};

/// How far the checks go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent<'a> {
    /// Look at every account, however many.
    pub everybody: bool,
    /// The settings file, whose rights are looked at.
    pub config_file: Option<&'a Path>,
}

/// The agent, the cloud and the directory.
pub async fn doctor(settings: &config::Agent, extent: Extent<'_>, clock: &Clock) -> Report {
    let mut report = Report::default();
    let (found, me) = local::check(settings, extent.config_file, clock.seconds());
    report.findings.extend(found);
    report.findings.extend(cloud::check(settings, me.as_ref(), clock).await);
    directory(settings, extent, clock, &mut report).await;
    report
}

/// The directory, and the cloud without an agent that it could know: before anything is enrolled.
pub async fn preflight(settings: &config::Agent, extent: Extent<'_>, clock: &Clock) -> Report {
    let mut report = Report { findings: cloud::check(settings, None, clock).await };
    directory(settings, extent, clock, &mut report).await;
    report
}

async fn directory(settings: &config::Agent, extent: Extent<'_>, clock: &Clock, report: &mut Report) {
    let directory = &settings.directory;
    let lacking =
        [("url", &directory.url), ("bind_dn", &directory.bind_dn), ("base_dn", &directory.base_dn), ("users_dn", &directory.users_dn)];
    let lacking =
        lacking.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| format!("agent.directory.{name}")).collect::<Vec<_>>();
    let servers = servers(directory);
    if !lacking.is_empty() || servers.is_empty() {
        let what = if lacking.is_empty() {
            "agent.directory.url must begin with ldaps://".to_owned()
        } else {
            format!("{} must be set", lacking.join(", "))
        };
        report.add(Finding::new(Code::SettingsIncomplete, "settings", format!("{what}.")).run("shell", "sspr agent setup"));
        return;
    }
    report.findings.extend(dns::check(settings).await);
    let mut usable = None;
    for server in servers {
        let found = tls::check(&server, &directory.ca_file, clock.seconds()).await;
        if found.iter().any(|finding| finding.code == Code::TlsOk) {
            usable.get_or_insert(server);
        }
        report.findings.extend(found);
    }
    // The password is sent to nobody whose certificate does not hold.
    let Some(server) = usable else { return };
    if let Err(finding) = ask(&server, directory, extent, clock, report).await {
        report.add(finding);
    }
}

async fn ask(
    server: &Server,
    directory: &config::Directory,
    extent: Extent<'_>,
    clock: &Clock,
    report: &mut Report,
) -> Result<(), Finding> {
    let at = format!("{}:{}", server.host, server.port);
    let unreadable =
        |error: anyhow::Error| Finding::new(Code::TlsCaUnreadable, directory.ca_file.display().to_string(), format!("{error:#}."));
    let tls = tls::authorities(&directory.ca_file).and_then(|authorities| tls::trusting(&authorities)).map_err(unreadable)?;
    let mut probe = Probe::bind(server, tls, &directory.bind_dn, &directory.bind_password).await?;
    report.add(Finding::new(Code::BindOk, &directory.bind_dn, "the directory takes this account and its password."));
    if directory.kind == DirectoryKind::Openldap {
        report.findings.extend(openldap::check(&mut probe, directory, &at).await?);
        return Ok(());
    }
    report.findings.extend(policy::root(&mut probe, directory, &at, clock.seconds()).await?);
    report.add(policy::domain(&mut probe, &directory.base_dn).await?);
    let url = format!("ldaps://{}:{}", server.host, server.port);
    let checked = rights::check(&mut probe, directory, &url, extent.everybody).await?;
    report.findings.extend(policy::fine_grained(&mut probe, &directory.base_dn, &checked.policies, &checked.own.grantee).await?);
    report.findings.extend(checked.findings);
    Ok(())
}

/// The servers of the settings, in their order; those that are no ldaps:// are left out.
pub fn servers(settings: &config::Directory) -> Vec<Server> {
    let read = |text: &String| {
        let url = reqwest::Url::parse(text).ok().filter(|url| url.scheme() == "ldaps")?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let name = if settings.server_name.is_empty() { host.clone() } else { settings.server_name.clone() };
        Some(Server { host, port: url.port().unwrap_or(636), name })
    };
    std::iter::once(&settings.url).filter_map(read).collect()
}
