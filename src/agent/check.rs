//! `sspr check` for an agent: whether its settings hold, before it runs.

use anyhow::{Result, anyhow, ensure};

use super::{
    cloud,
    directory::{Directory, Trouble, ad::Ad, openldap::OpenLdap},
    state,
    time::Time,
};
use crate::base::{
    clock::Clock,
    config::{self, DirectoryKind},
};

/// What `sspr check` asks: each setting (or group of them) that must hold before an agent can run here, and whether it does.
/// Connects to the directory and binds; changes nothing, neither there nor on the disk, and does not call the cloud.
pub async fn check(settings: &config::Agent) -> Vec<(&'static str, Result<()>)> {
    let mut found = vec![("agent.cloud_url", cloud::base_url(&settings.cloud_url).map(drop)), ("agent.state_dir", check_state(settings))];
    let time = Time::new(Clock::system());
    let config::Agent { directory, allow_groups, deny_groups, .. } = settings;
    found.extend(match directory.kind {
        DirectoryKind::Ad => check_directory(Ad::new(directory, time).map(|ad| ad.with_groups(allow_groups, deny_groups))).await,
        DirectoryKind::Openldap => {
            check_directory(OpenLdap::new(directory, time).map(|openldap| openldap.with_groups(allow_groups, deny_groups))).await
        }
    });
    found
}

async fn check_directory(made: Result<impl Directory>) -> Vec<(&'static str, Result<()>)> {
    match made {
        Ok(directory) => {
            let whole = [("agent.directory", Ok(())), ("agent.directory.url", Ok(()))];
            match directory.check().await {
                Ok(()) => whole.into(),
                // It was reached, then.
                Err(Trouble::Unfit { setting, what }) => whole.into_iter().chain([(setting, Err(anyhow!("{what}")))]).collect(),
                Err(trouble) => vec![("agent.directory", Ok(())), ("agent.directory.url", Err(trouble.into()))],
            }
        }
        Err(error) => vec![("agent.directory", Err(error))],
    }
}

fn check_state(settings: &config::Agent) -> Result<()> {
    let Some((me, _)) = state::look(&settings.state_dir)? else {
        // Enrolment makes it.
        ensure!(!settings.state_dir.exists() || settings.state_dir.is_dir(), "{} is no directory", settings.state_dir.display());
        return Ok(());
    };
    let given = cloud::base_url(&settings.cloud_url)?;
    ensure!(me.cloud_url == given, "the agent in {} is enrolled at {}, not at {given}", settings.state_dir.display(), me.cloud_url);
    Ok(())
}
