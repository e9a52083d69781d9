//! The connections that a directory of any family keeps: one link a kind of work, so that none stands before another. (Some servers
//! answer one connection's requests one after another.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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
    /// By server: it is being looked at.
    looking: Vec<Arc<AtomicBool>>,
}

impl Links {
    /// Checks the settings; connects later.
    pub(super) fn new(settings: &config::Directory) -> Result<Self> {
        let servers = Arc::new(Servers::configured(settings)?);
        let link = || Arc::new(Link::new(servers.clone()));
        let looking = (0..servers.len()).map(|_| Arc::default()).collect();
        Ok(Self { jobs: link(), mirror: link(), probe: link(), looking, servers })
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
        let looks = self.looking.iter().enumerate().filter_map(|(at, looking)| {
            let looking = looking.clone();
            if looking.swap(true, Ordering::AcqRel) {
                return None;
            }
            let (servers, jobs, probe) = (self.servers.clone(), self.jobs.clone(), self.probe.clone());
            Some(tokio::spawn(async move {
                probe.look(at).await;
                if servers.is_well(at) {
                    jobs.warm(at).await;
                }
                looking.store(false, Ordering::Release);
            }))
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
}
