//! The settings for themselves: what is missing, and what makes no sense whatever the directory says.

use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{
    finding::{Code, Finding},
    servers::named,
    tls::Server,
};
use crate::{
    agent::directory::dn,
    base::config::{self, DirectoryKind},
};

/// The servers that are named; or what keeps the directory from being asked.
pub(super) fn check(settings: &config::Agent) -> Result<Vec<Server>, Vec<Finding>> {
    let directory = &settings.directory;
    let mut found = Vec::new();
    let mut wrong = |text: String| {
        let finding = Finding::new(Code::SettingsIncomplete, "settings", text);
        found.push(finding.say("Correct it in the settings file; sspr check --defaults tells what each setting is for."));
    };
    let url = if directory.discovery_domain.is_empty() { &directory.url } else { &directory.discovery_domain };
    let lacking = [("url", url), ("bind_dn", &directory.bind_dn), ("base_dn", &directory.base_dn), ("users_dn", &directory.users_dn)];
    let lacking = lacking.iter().filter(|(_, value)| value.is_empty());
    let lacking = lacking.map(|(name, _)| format!("agent.directory.{name}")).collect::<Vec<_>>();
    if !lacking.is_empty() {
        wrong(format!("{} must be set.", lacking.join(", ")));
    }
    let names = [("base_dn", &directory.base_dn), ("users_dn", &directory.users_dn)];
    let bind = (directory.kind == DirectoryKind::Openldap).then_some(("bind_dn", &directory.bind_dn));
    let mut are_names = true;
    for (name, value) in names.into_iter().chain(bind).filter(|(_, value)| !value.is_empty()) {
        if !dn::is_name(value) {
            are_names = false;
            wrong(format!("agent.directory.{name} = {value:?} is no distinguished name (such as OU=Staff,DC=corp,DC=example)."));
        }
    }
    let (users, base) = (&directory.users_dn, &directory.base_dn);
    if are_names && lacking.is_empty() && !dn::is_below(users, base) && !dn::is_same(users, base) {
        wrong(format!("agent.directory.users_dn = {users:?} does not lie in base_dn = {base:?}, so the agent does not start."));
    }
    if !settings.canary.is_empty() && settings.canary.parse::<Uuid>().is_err() {
        wrong(format!(
            "agent.canary = {:?} is no GUID of an object (objectGUID, entryUUID), so the agent does not start.",
            settings.canary
        ));
    }
    let named = match named(directory) {
        Ok(named) => Some(named),
        Err(error) => {
            if !url.is_empty() {
                wrong(format!("{error:#}."));
            }
            None
        }
    };
    if directory.bind_password.expose_secret().is_empty() {
        found.push(no_password());
    }
    named.filter(|_| found.is_empty()).ok_or(found)
}

/// Nobody signs in without one: the directory would take it for nobody, or for a wrong password, which locks the account.
pub(super) fn no_password() -> Finding {
    const COMMAND: &str = "SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE=/etc/sspr/bind_password SSPR_AGENT__STATE_DIR=/var/lib/sspr-agent \\\n  sspr --config /etc/sspr/agent.toml agent doctor";
    Finding::new(Code::SettingsIncomplete, "settings", "agent.directory.bind_password is not set, so the directory was not asked anything.")
        .say("Name a file that holds the service account's password: SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE=FILE. systemd hands it to the agent alone, so whoever runs this by hand gives it, too.")
        .run("as root, beside deploy/systemd/sspr-agent.service", COMMAND)
}
