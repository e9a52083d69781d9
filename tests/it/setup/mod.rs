//! `sspr agent setup` and `doctor` against real domain controllers: what is wrong is found, and what they print mends it.

mod assistant;
mod doctor;
mod openldap;
mod rights;
mod servers;
mod tls;

use std::process::Command;

use sspr::{
    agent::setup::{
        self, Extent,
        finding::{Code, Finding, Fix, Report},
    },
    base::{
        clock::Clock,
        config::{self, Config},
    },
    lab::samba::Samba,
};

use crate::agent::directory_of;

pub fn settings(samba: &Samba) -> config::Agent {
    let mut settings = Config::from(None, []).unwrap().agent;
    settings.directory = directory_of(samba);
    // Nobody is there: the cloud is not what these tests are about.
    settings.cloud_url = "http://127.0.0.1:9".into();
    settings.directory.dns_server = "127.0.0.1:9".into();
    settings
}

pub async fn looks(settings: &config::Agent) -> Report {
    setup::preflight(settings, Extent::default(), &Clock::system()).await
}

/// Codes that are no praise, without those about the cloud and the name server that are not there.
pub fn complaints(report: &Report) -> Vec<&'static str> {
    // Nobody is there to answer; what others of a shared domain make is found as well; and no account sees what is deleted by default.
    let ignored = [Code::CloudUnreachable, Code::DnsSilent, Code::PsoUnreadable, Code::AccountProtected, Code::DeletionsHidden];
    let bad = |finding: &&Finding| finding.code.severity() > setup::finding::Severity::Ok && !ignored.contains(&finding.code);
    report.findings.iter().filter(bad).map(|finding| finding.code.as_str()).collect()
}

pub fn the(report: &Report, code: Code) -> &Finding {
    report.findings.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {}:\n{}", code.as_str(), report.text()))
}

/// The command that is printed for this tool.
pub fn command<'a>(finding: &'a Finding, tool: &str) -> &'a str {
    let commands = finding.fix.iter().filter_map(|fix| if let Fix::Run { with, command } = fix { Some((*with, command)) } else { None });
    commands.filter(|(with, _)| with.starts_with(tool)).map(|(_, command)| command.as_str()).next().unwrap_or_else(|| panic!("no {tool}"))
}

/// Run what is printed for samba-tool. Only how the administrator signs in differs: there is no Kerberos here, and nobody types.
pub fn runs(samba: &Samba, command: &str) {
    let password = std::fs::read_to_string(&samba.admin_password_file).unwrap();
    let signs_in = format!("--simple-bind-dn={} --password={}", samba.admin_upn, setup::grants::posix(password.trim()));
    assert!(command.starts_with("samba-tool ") && command.contains(" -U Administrator "), "{command}");
    let done = Command::new("sh").args(["-c", &command.replace("-U Administrator", &signs_in)]).output().unwrap();
    assert!(done.status.success(), "{command}\n{}", String::from_utf8_lossy(&done.stderr));
}
