//! OpenLDAP with its password-policy overlay, over LDAPS.
//!
//! Facts this rests on, found with OpenLDAP 2.5: what the service account may do with userPassword decides everything. With *write*
//! all rules of the policy hold for what it sets; with *manage* (and for the rootdn) none does, and the person must change the
//! password afterwards. Any change of a password unlocks, also what an administrator locked for ever (pwdAccountLockedTime
//! 000001010000Z), so that is looked at first and refused. A modify of userPassword stores what it is given unless
//! olcPPolicyHashCleartext says otherwise; RFC 3062 always hashes. pwdChangedTime has whole seconds. A failed bind of a locked account
//! looks like a wrong password.

mod account;
mod apply;
mod groups;
mod people;
pub mod ppolicy;
mod rights;
mod rules;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ldap3::Scope;
use uuid::Uuid;

use super::{
    Account, ApplyError, Bind, Directory, Effect, Policy, Server, Standing, Trouble,
    answer::answered,
    attributes::{Entry, generalized},
    dn,
    link::{ANSWER, Link, Session},
    links::Links,
    missing,
};
use crate::{agent::time::Time, base::config, wire::message::DirectoryHealth};
use rights::Hold;
pub use rights::{NO_RULE_HOLDS, Tried};

/// A directory, through its servers.
pub struct OpenLdap {
    links: Links,
    base_dn: String,
    users_dn: String,
    bind_dn: String,
    settings: config::Openldap,
    attributes: config::Attributes,
    time: Time,
    groups: groups::Groups,
    /// Whether the rules hold for our own account, as last tried.
    hold: Hold,
    /// The server whose place in history was last asked for.
    marked: Mutex<Option<String>>,
    /// Why it was last found unusable, if it is: asked every second, it is said once.
    ill: Mutex<Option<String>>,
}

impl OpenLdap {
    /// Checks the settings and reads the CA; connects later.
    pub fn new(settings: &config::Directory, time: Time) -> Result<Self> {
        if settings.base_dn.is_empty() || settings.users_dn.is_empty() {
            bail!("agent.directory.base_dn and users_dn must be set");
        }
        if !dn::is_below(&settings.users_dn, &settings.base_dn) && !dn::is_same(&settings.users_dn, &settings.base_dn) {
            bail!("agent.directory.users_dn must lie in base_dn");
        }
        let own = &settings.openldap;
        if own.user_name.is_empty() {
            bail!("agent.directory.openldap.user_name must be set");
        }
        if !own.protected_filter.is_empty() && ldap3::parse_filter(&own.protected_filter).is_err() {
            bail!("agent.directory.openldap.protected_filter = {:?} is no filter (RFC 4515)", own.protected_filter);
        }
        Ok(Self {
            links: Links::new(settings).context("the directory's settings")?,
            base_dn: settings.base_dn.clone(),
            users_dn: settings.users_dn.clone(),
            bind_dn: settings.bind_dn.clone(),
            settings: own.clone(),
            attributes: settings.attributes.clone(),
            time,
            groups: groups::Groups::default(),
            hold: Hold::default(),
            marked: Mutex::default(),
            ill: Mutex::default(),
        })
    }

    /// What a search finds at the server in use, and which that is. No other is asked meanwhile: what is read next goes to the one in use,
    /// too, and a place in one server's history is none in another's.
    async fn find_at(&self, link: &Link, base: &str, scope: Scope, filter: &str, names: &[&str]) -> Result<(Vec<Entry>, Server), Trouble> {
        let question = async |mut session: Session| {
            let entries = search(&mut session, base, scope, filter, names).await?;
            Ok((entries, self.as_found(session.server)))
        };
        let server = link.session().await?.server;
        link.ask_on(&server.name, question).await
    }

    /// The entry of that name, at whichever server answers; `None` when there is none.
    async fn look(&self, link: &Link, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        link.ask(None, async |mut session| look(&mut session, base, names).await).await
    }

    /// As the server tells of itself, and as we found it to treat us.
    async fn server(&self) -> Option<Server> {
        Some(self.as_found(self.links.jobs.server().await?))
    }

    fn as_found(&self, server: Server) -> Server {
        let holds = server.controls.iter().any(|control| control == ppolicy::OID) && self.hold.last() != Some(false);
        Server { policy_hints: holds.then(|| ppolicy::OID.to_owned()), ..server }
    }
}

/// What one server finds; nothing, where there is no such base.
async fn search(session: &mut Session, base: &str, scope: Scope, filter: &str, names: &[&str]) -> Result<Vec<Entry>, Trouble> {
    const NO_SUCH_OBJECT: u32 = 32;
    let (found, result) = session.search(base, scope, filter, names, ANSWER).await?;
    match result.rc {
        0 => Ok(found),
        NO_SUCH_OBJECT => Ok(Vec::new()),
        code => Err(answered(code, &result.text)),
    }
}

/// The entry of that name at one server; `None` when there is none.
async fn look(session: &mut Session, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
    Ok(search(session, base, Scope::Base, "(objectClass=*)", names).await?.into_iter().next())
}

impl Directory for OpenLdap {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        self.links.jobs.ask(Some(user), async |session| self.find(session, user).await).await
    }

    async fn inspect_everywhere(&self, user: Uuid) -> Result<Vec<Account>, Trouble> {
        let found = self.links.jobs.ask_everywhere(async |session| self.find(session, user).await).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn inspect_on(&self, user: Uuid, server: &str) -> Result<Option<Account>, Trouble> {
        self.links.jobs.ask_on(server, async |session| self.find(session, user).await).await
    }

    fn stay(&self, user: Uuid, server: &str) {
        self.links.servers.write(user, server);
    }

    async fn until_gone(&self, server: &str) {
        self.links.jobs.until_gone(server).await;
    }

    fn is_own(&self, account: &Account) -> bool {
        dn::is_same(&account.dn, &self.bind_dn)
    }

    async fn serves(&self, account: &Account) -> Result<bool, Trouble> {
        self.is_served_by_group(account).await
    }

    async fn apply(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        self.make(account, effect).await
    }

    /// Told by the monitor, where our account may read it.
    async fn clock(&self, account: &Account) -> Result<Option<i64>, Trouble> {
        const MONITOR: &str = "cn=Current,cn=Time,cn=Monitor";
        let question =
            async |mut session: Session| session.search(MONITOR, Scope::Base, "(objectClass=*)", &["monitorTimestamp"], ANSWER).await;
        let (found, _) = self.links.jobs.ask_on(&account.server.name, question).await?;
        // Nothing, where our account may not read it.
        Ok(found.first().and_then(|entry| generalized(entry.text("monitorTimestamp")?)))
    }

    async fn bind(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        self.sign_in(account, password).await
    }

    async fn policy(&self, account: &Account) -> Result<Policy, Trouble> {
        let known = self.rules_beside(account).await?;
        Ok(self.policy_of(known.as_ref(), account.own_policy.is_some()))
    }

    async fn standing(&self, account: &Account) -> Result<Standing, Trouble> {
        self.rights(account).await
    }

    async fn check(&self) -> Result<(), Trouble> {
        let gone = |setting: &'static str, name: &str| missing(setting, &format!("entry {name:?}"));
        let users = self.look(&self.links.probe, &self.users_dn, &["objectClass"]).await?;
        users.ok_or_else(|| gone("agent.directory.users_dn", &self.users_dn))?;
        if !self.settings.policy_dn.is_empty() {
            let rules = self.rules(&self.links.probe).await?;
            rules.ok_or_else(|| gone("agent.directory.openldap.policy_dn", &self.settings.policy_dn))?;
        }
        self.check_groups().await?;
        self.try_rules().await;
        if self.hold.last() == Some(false) {
            return Err(Trouble::Unfit { setting: "agent.directory.bind_dn", what: NO_RULE_HOLDS.to_owned() });
        }
        Ok(())
    }

    async fn check_groups(&self) -> Result<(), Trouble> {
        self.find_groups().await
    }

    async fn health(&self) -> DirectoryHealth {
        // The jobs' connection is only made ready.
        self.links.tend().await;
        let found = match self.links.jobs.session().await {
            Ok(_) => self.look(&self.links.probe, &self.users_dn, &["objectClass"]).await,
            Err(trouble) => Err(trouble),
        };
        let found = match found {
            Ok(Some(_)) => self.rules(&self.links.probe).await,
            Ok(None) => Err(missing("agent.directory.users_dn", &format!("entry {:?}", self.users_dn))),
            Err(trouble) => Err(trouble),
        };
        let why = found.as_ref().err().map(ToString::to_string);
        let before = std::mem::replace(&mut *self.ill.lock().unwrap_or_else(PoisonError::into_inner), why.clone());
        match found {
            Ok(known) => {
                self.try_rules().await;
                let server = self.server().await.unwrap_or_default();
                let policy = self.policy_of(known.as_ref(), false).rules;
                DirectoryHealth {
                    reachable: true,
                    dc: server.name,
                    policy_hints: server.policy_hints,
                    policy,
                    servers: self.links.servers.health(),
                }
            }
            Err(trouble) => {
                if before != why {
                    tracing::warn!(error = %trouble, "the directory is not usable");
                }
                DirectoryHealth { servers: self.links.servers.health(), ..DirectoryHealth::default() }
            }
        }
    }

    async fn seen(&self) -> Option<Server> {
        self.server().await
    }
}

/// Setting a password costs the server hashing, and a queue may stand before us.
const MODIFY: Duration = Duration::from_secs(10);
