//! The connections that a directory of any family keeps: one link a kind of work, so that none stands before another. (Some servers
//! answer one connection's requests one after another.)

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ldap3::Ldap;
use tokio::time::timeout;

use super::{Trouble, link::Link, servers::Servers};
use crate::base::config;

/// All looks that end within this are seen at once; later ones by the next look.
const LOOK: Duration = Duration::from_millis(900);

pub(super) struct Links {
    pub(super) servers: Arc<Servers>,
    /// Reading and changing accounts.
    pub(super) jobs: Arc<Link>,
    /// A page of 500 people must not stand before a reset.
    pub(super) mirror: Arc<Link>,
    /// Nor may a crowd of resets stand before the question whether the server is there.
    pub(super) probe: Arc<Link>,
}

impl Links {
    /// Checks the settings; connects later.
    pub(super) fn new(settings: &config::Directory) -> Result<Self> {
        let servers = Arc::new(Servers::configured(settings)?);
        let link = |probe| Arc::new(Link::new(servers.clone(), probe));
        let probe = link(None);
        Ok(Self { jobs: link(Some(probe.clone())), mirror: link(None), probe, servers })
    }

    /// A connection to the server that calls itself `server` that nobody is bound on yet.
    pub(super) async fn open(&self, server: &str) -> Result<Ldap, Trouble> {
        let mut ways = self.servers.called(server);
        ways.sort_by_key(|at| !self.servers.is_well(*at));
        let mut trouble = Trouble::Unreachable(format!("there is no server {server} any more"));
        for at in ways {
            match self.servers.target(at).open().await {
                Ok(ldap) => return Ok(ldap),
                Err(why) => trouble = why,
            }
        }
        Err(trouble)
    }

    /// Look at every server, and make the jobs' connection to each that is well ready, so that the next job finds a warm one
    /// wherever it goes. Servers that let us wait are looked at on the side.
    pub(super) async fn tend(&self) {
        self.find().await;
        let looks = self.servers.all().into_iter().map(|at| {
            let (servers, jobs, probe) = (self.servers.clone(), self.jobs.clone(), self.probe.clone());
            tokio::spawn(async move {
                probe.look(at).await;
                if servers.is_well(at) {
                    jobs.warm(at).await;
                }
            })
        });
        let looks = looks.collect::<Vec<_>>();
        // A look that broke down would be seen in the log; what it found is in `servers`.
        let all = async {
            for look in looks {
                drop(look.await);
            }
        };
        drop(timeout(LOOK, all).await);
    }

    /// Ask DNS when it is time: on the side, unless there is nobody else to ask.
    async fn find(&self) {
        if !self.servers.is_due() {
            return;
        }
        let servers = self.servers.clone();
        let finding = tokio::spawn(async move { servers.find().await });
        if self.servers.order().is_empty() {
            drop(timeout(LOOK, finding).await);
        }
        for at in self.servers.past() {
            for link in [&self.jobs, &self.mirror, &self.probe] {
                link.drop_connection(at).await;
            }
        }
    }
}
