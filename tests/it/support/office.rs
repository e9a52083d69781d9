//! The customer's side, all real: a Samba domain and the agent that serves it.

use std::fs;

use secrecy::ExposeSecret;
use sspr::{
    agent,
    base::config::{self, Config},
    lab::samba::Samba,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
        let state = tempfile::tempdir().unwrap();
        let settings = Self::settings(&cloud.url, samba, &state);
        let token = cloud.enrolment_token().await;
        let enrolled = agent::enrol::enrol(&settings, &token.into(), "agent-1".into(), cloud.clock.clone()).await.unwrap();
        assert!(cloud.confirm(enrolled.me.agent, &enrolled.fingerprint).await);
        let mut office = Self { settings, stop: CancellationToken::new(), running: None, _state: state };
        office.runs(cloud);
        office.is_ready(cloud, samba).await;
        office
    }

    fn settings(cloud_url: &str, samba: &Samba, state: &TempDir) -> config::Agent {
        let text = |path: &std::path::Path| path.display().to_string();
        let settings = [
            ("SSPR_AGENT__CLOUD_URL", cloud_url.to_owned()),
            ("SSPR_AGENT__STATE_DIR", text(state.path())),
            ("SSPR_AGENT__MIRROR_SECONDS", "1".to_owned()),
            ("SSPR_AGENT__DIRECTORY__URL", samba.ldaps_url.clone()),
            ("SSPR_AGENT__DIRECTORY__SERVER_NAME", samba.server_name.clone()),
            ("SSPR_AGENT__DIRECTORY__CA_FILE", text(&samba.ca_file)),
            ("SSPR_AGENT__DIRECTORY__BIND_DN", samba.bind_dn.clone()),
            ("SSPR_AGENT__DIRECTORY__BIND_PASSWORD", fs::read_to_string(&samba.bind_password_file).unwrap().trim().to_owned()),
            ("SSPR_AGENT__DIRECTORY__BASE_DN", samba.base_dn.clone()),
            ("SSPR_AGENT__DIRECTORY__USERS_DN", samba.users_dn.clone()),
        ];
        let config = Config::from(None, settings.map(|(name, value)| (name.to_owned(), value))).unwrap();
        assert!(!config.agent.directory.bind_password.expose_secret().is_empty());
        config.agent
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
