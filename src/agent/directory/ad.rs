//! Active Directory and Samba AD over LDAPS.
//!
//! Facts this rests on, found with Samba 4.17 and 4.24 and in MS-ADTS: `replace unicodePwd` with `lockoutTime=0` is atomic and
//! works on `<GUID=…>` names; without the policy-hints control a reset skips history and minimum age; the leading hex digits of
//! the message are the only part of it that is a contract; Samba answers an unknown critical control with an extended response
//! (the library takes any result, so nothing here looks at the operation's type).

mod apply;
mod own;
mod rules;

pub use own::named;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use ldap3::Scope;
use uuid::Uuid;

use super::{
    Account, ApplyError, Bind, Directory, Effect, Policy, Server, Standing, Trouble,
    answer::{answered, transport},
    attributes::{Entry, filetime, generalized},
    dn,
    groups::Groups,
    link::{ANSWER, Link, Session},
    links::Links,
    missing, sd,
};
use crate::{agent::time::Time, base::config, wire::message::DirectoryHealth};

const ACCOUNT: [&str; 15] = [
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
    // Told by a base search only, and complete: however nested, and the primary one.
    "tokenGroups",
];
/// A domain, through its controllers.
pub struct Ad {
    links: Links,
    pub(super) jobs: Arc<Link>,
    pub(super) mirror: Arc<Link>,
    probe: Arc<Link>,
    /// The controller whose place in history was last asked for.
    pub(super) marked: Mutex<Option<String>>,
    pub(super) base_dn: String,
    pub(super) users_dn: String,
    bind_dn: String,
    pub(super) attributes: config::Attributes,
    pub(super) time: Time,
    pub(super) groups: Groups,
    own: own::Own,
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
        let links = Links::new(settings)?;
        Ok(Self {
            jobs: links.jobs.clone(),
            mirror: links.mirror.clone(),
            probe: links.probe.clone(),
            links,
            base_dn: settings.base_dn.clone(),
            users_dn: settings.users_dn.clone(),
            bind_dn: settings.bind_dn.clone(),
            attributes: settings.attributes.clone(),
            time,
            groups: Groups::default(),
            own: own::Own::default(),
            ill: Mutex::default(),
            marked: Mutex::default(),
        })
    }

    /// The entry of a base search, at whichever server answers; `None` when there is no such object.
    pub(super) async fn look(&self, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        self.look_over(&self.jobs, base, names).await
    }

    pub(super) async fn look_over(&self, link: &Link, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        link.ask(None, async |session| read(session, base, names).await).await
    }

    /// At the very server that told of this account.
    pub(super) async fn look_beside(&self, account: &Account, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        self.jobs.ask_on(&account.server.name, async |session| read(session, base, names).await).await
    }

    /// The same, with the list of who may do what to it.
    async fn look_with_list(&self, account: &Account, names: &[&str]) -> Result<Option<Entry>, Trouble> {
        let read = async |mut session: Session| {
            session.ldap.with_controls(sd::flags());
            read(session, &guid(account.guid), names).await
        };
        self.jobs.ask_on(&account.server.name, read).await
    }

    async fn account(&self, session: Session, user: Uuid) -> Result<Option<Account>, Trouble> {
        let (now, server) = (filetime(self.time.now()), session.server.clone());
        let Some(entry) = read(session, &guid(user), &ACCOUNT).await? else { return Ok(None) };
        Ok(entry.account(now).map(|account| Account { server, protected: account.protected || is_powerful(&entry), ..account }))
    }
}

async fn read(mut session: Session, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
    const NO_SUCH_OBJECT: u32 = 32;
    let (found, result) = session.search(base, Scope::Base, "(objectClass=*)", names, ANSWER).await?;
    match result.rc {
        0 => Ok(found.into_iter().next()),
        NO_SUCH_OBJECT => Ok(None),
        code => Err(answered(code, &result.text)),
    }
}

/// Whether it administers the domain by a group. AD writes adminCount within the hour, Samba never. Everybody is in a group, so whose groups
/// are not told may be an administrator.
fn is_powerful(entry: &Entry) -> bool {
    let mut groups = entry.all_bytes("tokenGroups").filter_map(sd::Sid::read).peekable();
    if groups.peek().is_none() {
        tracing::warn!(
            directory.object = entry.dn(),
            "this account's groups (tokenGroups) may not be read: it is taken for an administrator's"
        );
        return true;
    }
    groups.any(|group| group.administers())
}

pub(super) fn guid(user: Uuid) -> String {
    format!("<GUID={user}>")
}

impl Directory for Ad {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        self.jobs.ask(Some(user), async |session| self.account(session, user).await).await
    }

    async fn inspect_everywhere(&self, user: Uuid) -> Result<Vec<Account>, Trouble> {
        let found = self.jobs.ask_everywhere(async |session| self.account(session, user).await).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn inspect_on(&self, user: Uuid, server: &str) -> Result<Option<Account>, Trouble> {
        self.jobs.ask_on(server, async |session| self.account(session, user).await).await
    }

    fn stay(&self, user: Uuid, server: &str) {
        self.links.servers.write(user, server);
    }

    async fn until_gone(&self, server: &str) {
        self.jobs.until_gone(server).await;
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
        self.modify(account, effect).await
    }

    async fn clock(&self, account: &Account) -> Result<Option<i64>, Trouble> {
        let root = self.look_beside(account, "", &["currentTime"]).await?;
        let time = root.and_then(|root| generalized(root.text("currentTime")?));
        time.map(Some).ok_or_else(|| answered(0, "it does not tell its time"))
    }

    async fn bind(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        if password.is_empty() {
            return Ok(Bind::Wrong);
        }
        let mut ldap = self.links.open(&account.server.name).await?;
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
        found.ok_or_else(|| missing("agent.directory.users_dn", &format!("entry {:?}", self.users_dn)))?;
        self.check_groups().await
    }

    async fn check_groups(&self) -> Result<(), Trouble> {
        self.find_groups().await
    }

    async fn health(&self) -> DirectoryHealth {
        self.links.tend().await;
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
                DirectoryHealth {
                    reachable: true,
                    dc: server.name,
                    policy_hints: server.policy_hints,
                    policy: Some(policy),
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
        self.jobs.server().await
    }
}
