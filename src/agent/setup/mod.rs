//! What `sspr agent setup` and `sspr agent doctor` look at: everything that must hold before and while an agent serves people, and
//! what to do where it does not. Reads only; nothing is changed, neither here nor in the directory.
//!
//! Each check is a file and yields [`finding::Finding`]s with stable codes. A check that cannot be made because an earlier one
//! failed is left out: its finding would say nothing new.

mod account;
mod cloud;
mod denied;
mod dns;
mod excess;
pub mod finding;
pub mod grants;
mod ldap;
mod local;
mod named;
mod openldap;
mod policy;
mod powerful;
mod rights;
mod servers;
mod settings;
pub mod tls;
mod words;

use std::path::Path;

use self::{
    finding::{Finding, Report},
    ldap::Probe,
    servers::Looked,
    tls::Server,
};
use crate::base::{
    clock::Clock,
    config::{self, DirectoryKind},
};
pub use openldap::{Policies, policies};
pub use servers::{named, signs_in};

/// How far the checks go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent<'a> {
    /// Look at every account, however many.
    pub everybody: bool,
    /// Where rights are found out by trying, try them on a few only: time and again it would fill the directory's logs.
    pub brief: bool,
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

/// The directory alone: what an agent that runs looks at by itself.
pub async fn checkup(settings: &config::Agent, clock: &Clock) -> Report {
    let mut report = Report::default();
    directory(settings, Extent { brief: true, ..Extent::default() }, clock, &mut report).await;
    report
}

async fn directory(settings: &config::Agent, extent: Extent<'_>, clock: &Clock, report: &mut Report) {
    let directory = &settings.directory;
    let mut servers = match settings::check(settings) {
        Ok(named) => named,
        Err(findings) => {
            report.findings.extend(findings);
            return;
        }
    };
    if directory.kind == DirectoryKind::Ad {
        report.findings.extend(dns::check(settings, &servers).await);
    }
    match servers::found(directory).await {
        Ok(found) => {
            let new = found.into_iter().filter(|found| !servers.contains(found)).collect::<Vec<_>>();
            servers.extend(new);
        }
        Err(finding) => report.add(finding),
    }
    let Looked { findings, first } = servers::check(&servers, directory, clock.seconds()).await;
    report.findings.extend(findings);
    let Some((server, probe)) = first else { return };
    if let Err(finding) = ask(&server, probe, settings, extent, report).await {
        report.add(finding);
    }
}

/// What is the same at all servers, asked of one.
async fn ask(server: &Server, mut probe: Probe, settings: &config::Agent, extent: Extent<'_>, report: &mut Report) -> Result<(), Finding> {
    let directory = &settings.directory;
    report.findings.extend(named::check(&mut probe, settings).await?);
    if directory.kind == DirectoryKind::Openldap {
        report.findings.extend(openldap::check(&mut probe, directory, extent.brief).await?);
        return Ok(());
    }
    report.add(policy::domain(&mut probe, &directory.base_dn).await?);
    let url = format!("ldaps://{}", server.at());
    let checked = rights::check(&mut probe, directory, &url, extent.everybody).await?;
    report.findings.extend(policy::fine_grained(&mut probe, &directory.base_dn, &checked.policies, &checked.own.grantee).await?);
    report.findings.extend(policy::deletions(&mut probe, &directory.base_dn, &checked.own.grantee).await?);
    report.findings.extend(checked.findings);
    Ok(())
}
