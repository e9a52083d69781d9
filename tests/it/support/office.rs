//! The customer's side, all real: a directory and the agent that serves it.

use sspr::{
    agent,
    base::config::{self, Config, DirectoryKind},
    lab::{samba::Samba, slapd::Slapd},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Cloud;

pub struct Office {
    pub settings: config::Agent,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    _state: TempDir,
}

impl Office {
    /// An agent that is enrolled, confirmed, running, ready, and has mirrored everybody.
    pub async fn start(cloud: &Cloud, samba: &Samba) -> Self {
        let office = Self::serve(cloud, cloud.connector, |settings| settings.directory = of_samba(samba)).await;
        office.is_ready(cloud, samba).await;
        office
    }

    /// An agent of this connector that is enrolled, confirmed and running.
    pub async fn serve(cloud: &Cloud, connector: Uuid, adjust: impl FnOnce(&mut config::Agent)) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut settings = Config::from(None, []).unwrap().agent;
        settings.cloud_url.clone_from(&cloud.url);
        settings.state_dir = state.path().to_owned();
        settings.mirror_seconds = 1;
        adjust(&mut settings);
        let token = cloud.token_of(connector).await;
        let enrolled = agent::enrol::enrol(&settings, &token.into(), "agent-1".into(), cloud.clock.clone()).await.unwrap();
        assert!(cloud.confirm(enrolled.me.agent, &enrolled.fingerprint).await);
        let mut office = Self { settings, stop: CancellationToken::new(), running: None, _state: state };
        office.runs(cloud);
        office
    }

    pub fn runs(&mut self, cloud: &Cloud) {
        self.stop = CancellationToken::new();
        self.running = Some(tokio::spawn(agent::run(self.settings.clone(), cloud.clock.clone(), self.stop.clone())));
    }

    /// Everybody is mirrored, a key is published, the domain controller answers.
    pub async fn is_ready(&self, cloud: &Cloud, samba: &Samba) {
        cloud.until("select count(*) from sealing_keys where not_after > now()", 1).await;
        cloud.until("select count(*) from agents where (health -> 'directory' ->> 'reachable')::boolean", 1).await;
        let people = i64::try_from(samba.users.len()).unwrap();
        // Tests that share a domain add people to it.
        let begun = std::time::Instant::now();
        while cloud.sql::<i64>("select count(*) from users where removed_at is null").await < people {
            assert!(begun.elapsed().as_secs() < 20, "not everybody is mirrored");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// As on SIGTERM: the jobs in hand are finished first.
    pub async fn stops(&mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap().unwrap();
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

/// The settings for a domain.
pub fn of_samba(samba: &Samba) -> config::Directory {
    config::Directory {
        url: samba.ldaps_url.clone(),
        server_name: samba.server_name.clone(),
        ca_file: samba.ca_file.clone(),
        bind_dn: samba.bind_dn.clone(),
        bind_password: samba.bind_password().unwrap().into(),
        base_dn: samba.base_dn.clone(),
        users_dn: samba.users_dn.clone(),
        ..Config::from(None, []).unwrap().agent.directory
    }
}

/// The settings for an OpenLDAP directory.
pub fn of_slapd(slapd: &Slapd) -> config::Directory {
    let defaults = Config::from(None, []).unwrap().agent.directory;
    config::Directory {
        kind: DirectoryKind::Openldap,
        url: slapd.ldaps_url.clone(),
        ca_file: slapd.ca_file.clone(),
        server_name: slapd.server_name.clone(),
        bind_dn: slapd.bind_dn.clone(),
        bind_password: slapd.bind_password().unwrap().into(),
        base_dn: slapd.base_dn.clone(),
        users_dn: slapd.users_dn.clone(),
        openldap: config::Openldap { policy_dn: slapd.policy_dn.clone(), three_classes: true, ..defaults.openldap.clone() },
        ..defaults
    }
}
