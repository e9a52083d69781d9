//! Active Directory and Samba AD over LDAPS.
//!
//! Facts this rests on, found with Samba 4.17 and 4.24 and in MS-ADTS: `replace unicodePwd` with `lockoutTime=0` is atomic and
//! works on `<GUID=…>` names; without the policy-hints control a reset skips history and minimum age; the leading hex digits of
//! the message are the only part of it that is a contract; Samba answers an unknown critical control with an extended response
//! (the library takes any result, so nothing here looks at the operation's type).

mod apply;
mod rules;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use ldap3::Scope;
use uuid::Uuid;

use super::{
    Account, ApplyError, Bind, Directory, Effect, Policy, Server, Standing, Trouble,
    attributes::{Entry, filetime, generalized},
    dn,
    groups::Groups,
    link::{ANSWER, Link, Session, Target, answered, transport},
};
use crate::{agent::time::Time, base::config, wire::message::DirectoryHealth};

const ACCOUNT: [&str; 14] = [
    "objectGUID",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "displayName",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
    "accountExpires",
    "pwdLastSet",
    "msDS-User-Account-Control-Computed",
    "msDS-ResultantPSO",
    "primaryGroupID",
];
/// A domain, through one of its controllers.
pub struct Ad {
    target: Arc<Target>,
    pub(super) jobs: Link,
    /// A page of 500 people must not stand before a reset: some servers answer one connection's requests one after another.
    pub(super) mirror: Link,
    /// Nor may a crowd of resets stand before the question whether the server is there.
    probe: Link,
    pub(super) base_dn: String,
    pub(super) users_dn: String,
    bind_dn: String,
    pub(super) attributes: config::Attributes,
    pub(super) time: Time,
    pub(super) groups: Groups,
    /// Why it was last found unusable, if it is: asked every second, it is said once.
    ill: Mutex<Option<String>>,
}

impl Ad {
    /// Checks the settings and reads the CA; connects later.
    pub fn new(settings: &config::Directory, time: Time) -> Result<Self> {
        if settings.base_dn.is_empty() || settings.users_dn.is_empty() {
            bail!("agent.directory.base_dn and users_dn must be set");
        }
        if !dn::is_below(&settings.users_dn, &settings.base_dn) && !dn::is_same(&settings.users_dn, &settings.base_dn) {
            bail!("agent.directory.users_dn must lie in base_dn");
        }
        let target = Arc::new(Target::new(settings).context("the directory's settings")?);
        Ok(Self {
            jobs: Link::new(target.clone()),
            mirror: Link::new(target.clone()),
            probe: Link::new(target.clone()),
            target,
            base_dn: settings.base_dn.clone(),
            users_dn: settings.users_dn.clone(),
            bind_dn: settings.bind_dn.clone(),
            attributes: settings.attributes.clone(),
            time,
            groups: Groups::default(),
            ill: Mutex::default(),
        })
    }

    /// The first entry of a base search; `None` when there is no such object.
    async fn read(&self, link: &Link, session: &mut Session, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        const NO_SUCH_OBJECT: u32 = 32;
        let found = session.ldap.with_timeout(ANSWER).search(base, Scope::Base, "(objectClass=*)", names.to_vec()).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                link.broken(session).await;
                return Err(transport(error));
            }
        };
        match found.1.rc {
            0 => Ok(found.0.into_iter().find_map(Entry::new)),
            NO_SUCH_OBJECT => Ok(None),
            code => Err(answered(code, &found.1.text)),
        }
    }

    /// Like [`Self::read`]; reads change nothing, so a connection that broke since its last use is worth a second try.
    pub(super) async fn look(&self, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        self.look_over(&self.jobs, base, names).await
    }

    async fn look_over(&self, link: &Link, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        let mut session = link.session().await?;
        match self.read(link, &mut session, base, names).await {
            Err(Trouble::Unreachable(_)) => {
                let mut session = link.session().await?;
                self.read(link, &mut session, base, names).await
            }
            other => other,
        }
    }
}

pub(super) fn guid(user: Uuid) -> String {
    format!("<GUID={user}>")
}

impl Directory for Ad {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        let now = filetime(self.time.now());
        Ok(self.look(&guid(user), &ACCOUNT).await?.and_then(|entry| entry.account(now)))
    }

    fn is_own(&self, account: &Account) -> bool {
        // Whichever of its names it binds with: DN, user@domain or DOMAIN\user.
        let by_name = |name: &str| name.eq_ignore_ascii_case(&account.sam);
        dn::is_same(&account.dn, &self.bind_dn)
            || self.bind_dn.eq_ignore_ascii_case(&account.principal)
            || self.bind_dn.split_once('@').is_some_and(|(name, _)| by_name(name))
            || (!self.bind_dn.contains('=') && self.bind_dn.split_once('\\').is_some_and(|(_, name)| by_name(name)))
    }

    async fn serves(&self, account: &Account) -> Result<bool, Trouble> {
        self.is_served_by_group(account).await
    }

    async fn apply(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        self.modify(account.guid, effect).await
    }

    async fn clock(&self) -> Result<Option<i64>, Trouble> {
        let root = self.look("", &["currentTime"]).await?;
        let time = root.and_then(|root| generalized(root.text("currentTime")?));
        time.map(Some).ok_or_else(|| answered(0, "it does not tell its time"))
    }

    async fn bind(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        if password.is_empty() {
            return Ok(Bind::Wrong);
        }
        let mut ldap = self.target.open().await?;
        let result = ldap.with_timeout(ANSWER).simple_bind(&account.dn, password).await.map_err(transport)?;
        let _ = ldap.unbind().await;
        apply::bound(result.rc, &result.text)
    }

    async fn policy(&self, account: &Account) -> Result<Policy, Trouble> {
        self.rules(account).await
    }

    async fn standing(&self, account: &Account) -> Result<Standing, Trouble> {
        self.rights(account).await
    }

    async fn check(&self) -> Result<(), Trouble> {
        self.domain_policy(&self.probe).await?;
        let found = self.look(&self.users_dn, &["objectClass"]).await?;
        found.ok_or_else(|| answered(32, "agent.directory.users_dn does not exist"))?;
        self.check_groups().await
    }

    async fn check_groups(&self) -> Result<(), Trouble> {
        self.find_groups().await
    }

    async fn health(&self) -> DirectoryHealth {
        // The jobs' connection is only made ready.
        let found = match self.jobs.session().await {
            Ok(_) => self.domain_policy(&self.probe).await,
            Err(trouble) => Err(trouble),
        };
        let why = found.as_ref().err().map(ToString::to_string);
        let before = std::mem::replace(&mut *self.ill.lock().unwrap_or_else(PoisonError::into_inner), why.clone());
        match found {
            Ok(policy) => {
                let server = self.jobs.server().await.unwrap_or_default();
                DirectoryHealth { reachable: true, dc: server.name, policy_hints: server.policy_hints, policy: Some(policy) }
            }
            Err(trouble) => {
                if before != why {
                    tracing::warn!(error = %trouble, "the directory is not usable");
                }
                DirectoryHealth::default()
            }
        }
    }

    async fn seen(&self) -> Option<Server> {
        self.jobs.server().await
    }
}
