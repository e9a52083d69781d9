//! Active Directory and Samba AD over LDAPS.
//!
//! Facts this rests on, found with Samba 4.17 and 4.24 and in MS-ADTS: `replace unicodePwd` with `lockoutTime=0` is atomic and
//! works on `<GUID=…>` names; without the policy-hints control a reset skips history and minimum age; the leading hex digits of
//! the message are the only part of it that is a contract; Samba answers an unknown critical control with an extended response
//! (the library takes any result, so nothing here looks at the operation's type).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ldap3::{Mod, Scope, controls::RawControl};
use uuid::Uuid;
use zeroize::Zeroize;

use super::{
    Account, Bind, Directory, Policy, ResetError, Server, Trouble,
    attributes::{Entry, generalized},
    dn,
    groups::Groups,
    link::{ANSWER, Link, Session, Target, answered, transport},
};
use crate::{
    agent::time::Time,
    base::config,
    wire::message::{DirectoryHealth, PasswordPolicy},
};

/// Setting a password costs the server key derivation, and a queue may stand before us.
const MODIFY: Duration = Duration::from_secs(10);

const ACCOUNT: [&str; 13] = [
    "objectGUID",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "displayName",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
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

    /// Connects, binds, and finds the domain and the part of it that is served.
    pub async fn check(&self) -> Result<(), Trouble> {
        self.domain_policy(&self.probe).await?;
        let found = self.look(&self.users_dn, &["objectClass"]).await?;
        found.ok_or_else(|| answered(32, "agent.directory.users_dn does not exist"))?;
        self.check_groups().await
    }

    async fn domain_policy(&self, link: &Link) -> Result<PasswordPolicy, Trouble> {
        const COMPLEX: i64 = 1;
        let names = ["minPwdLength", "pwdProperties", "pwdHistoryLength", "minPwdAge", "maxPwdAge"];
        let entry =
            self.look_over(link, &self.base_dn, &names).await?.ok_or_else(|| answered(32, "agent.directory.base_dn does not exist"))?;
        Ok(PasswordPolicy {
            min_length: entry.bits("minPwdLength"),
            complexity: entry.number("pwdProperties") & COMPLEX != 0,
            history: entry.bits("pwdHistoryLength"),
            min_age: interval(entry.number("minPwdAge")),
            max_age: interval(entry.number("maxPwdAge")),
        })
    }
}

/// AD writes a time span as a negative number of 100 ns; the most negative means "never".
fn interval(value: i64) -> u64 {
    if value == i64::MIN { 0 } else { value.unsigned_abs() / 10_000_000 }
}

pub(super) fn guid(user: Uuid) -> String {
    format!("<GUID={user}>")
}

/// An attribute's name or value on its way into a modify. Wiped when dropped; the copies that the LDAP and TLS libraries make
/// of it are beyond us.
#[derive(PartialEq, Eq, Hash)]
struct Bytes(Vec<u8>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// unicodePwd: UTF-16LE of the password in quotes (MS-ADTS 3.1.1.3.1.5). Room is made first, so that growing leaves no copy.
fn unicode_pwd(password: &str) -> Bytes {
    let mut bytes = Bytes(Vec::with_capacity(2 * password.len() + 4));
    for unit in std::iter::once(u16::from(b'"')).chain(password.encode_utf16()).chain(std::iter::once(u16::from(b'"'))) {
        bytes.0.extend_from_slice(&unit.to_le_bytes());
    }
    bytes
}

fn replace(name: &str, value: Bytes) -> Mod<Bytes> {
    Mod::Replace(Bytes(name.as_bytes().to_vec()), HashSet::from([value]))
}

impl Directory for Ad {
    async fn inspect(&self, user: Uuid) -> Result<Option<Account>, Trouble> {
        Ok(self.look(&guid(user), &ACCOUNT).await?.and_then(|entry| entry.account()))
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

    async fn reset(&self, user: Uuid, password: &str) -> Result<(), ResetError> {
        let mut session = self.jobs.session().await.map_err(ResetError::NotSent)?;
        let mods = vec![replace("unicodePwd", unicode_pwd(password)), replace("lockoutTime", Bytes(b"0".to_vec()))];
        if let Some(oid) = session.server.policy_hints.clone() {
            // SEQUENCE { Flags INTEGER 1 }: enforce what a reset would skip.
            let value = Some(vec![0x30, 0x03, 0x02, 0x01, 0x01]);
            session.ldap.with_controls(RawControl { ctype: oid, crit: true, val: value });
        }
        match session.ldap.with_timeout(MODIFY).modify(&guid(user), mods).await {
            Ok(result) if result.rc == 0 => Ok(()),
            Ok(result) => match answered(result.rc, &result.text) {
                Trouble::Answered { code, win32, text } => Err(ResetError::Refused { code, win32, text }),
                trouble @ Trouble::Unreachable(_) => Err(ResetError::NotSent(trouble)),
            },
            Err(error) => {
                self.jobs.broken(&session).await;
                let hung = matches!(error, ldap3::LdapError::Timeout { .. });
                match error {
                    // The connection's task was gone before it took the request.
                    error @ ldap3::LdapError::OpSend { .. } => Err(ResetError::NotSent(transport(error))),
                    error => Err(ResetError::Lost { why: transport(error).to_string(), hung }),
                }
            }
        }
    }

    async fn changed_at(&self, user: Uuid) -> Result<Option<i64>, Trouble> {
        Ok(self.look(&guid(user), &["pwdLastSet"]).await?.map(|entry| entry.number("pwdLastSet")))
    }

    async fn clock(&self) -> Result<i64, Trouble> {
        let root = self.look("", &["currentTime"]).await?;
        root.and_then(|root| generalized(root.text("currentTime")?)).ok_or_else(|| answered(0, "it does not tell its time"))
    }

    async fn bind(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        const INVALID_CREDENTIALS: u32 = 49;
        let mut ldap = self.target.open().await?;
        let result = ldap.with_timeout(ANSWER).simple_bind(&account.dn, password).await.map_err(transport)?;
        let _ = ldap.unbind().await;
        Ok(match result.rc {
            0 => Bind::Right,
            INVALID_CREDENTIALS => match bind_reason(&result.text) {
                // Expired, must change: told only to who knows the password.
                Some("532" | "773") => Bind::Right,
                Some("52e") => Bind::Wrong,
                _ => Bind::Unclear,
            },
            code => return Err(answered(code, &result.text)),
        })
    }

    async fn policy(&self, account: &Account) -> Result<Option<Policy>, Trouble> {
        let server = self.jobs.session().await?.server;
        let rules = match &account.pso {
            None => self.domain_policy(&self.jobs).await?,
            Some(pso) => {
                let names = [
                    "msDS-MinimumPasswordLength",
                    "msDS-PasswordComplexityEnabled",
                    "msDS-PasswordHistoryLength",
                    "msDS-MinimumPasswordAge",
                    "msDS-MaximumPasswordAge",
                ];
                // Without the right to read it the entry comes without attributes.
                let Some(entry) = self.look(pso, &names).await?.filter(|entry| entry.text("msDS-MinimumPasswordLength").is_some()) else {
                    return Ok(None);
                };
                PasswordPolicy {
                    min_length: entry.bits(names[0]),
                    complexity: entry.flag(names[1]),
                    history: entry.bits(names[2]),
                    min_age: interval(entry.number(names[3])),
                    max_age: interval(entry.number(names[4])),
                }
            }
        };
        Ok(Some(Policy { rules, hints: server.policy_hints.is_some(), names: !server.is_samba }))
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

/// `…, data 773, …` of a refused bind: the one place where the reason stands.
fn bind_reason(text: &str) -> Option<&str> {
    let rest = &text[text.find("data ")? + 5..];
    rest.split([',', ' ', '\0']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        assert_eq!(unicode_pwd("aß🗝").0, [b'"', 0, b'a', 0, 0xDF, 0, 0x3D, 0xD8, 0xDD, 0xDD, b'"', 0]);
        assert_eq!((interval(-864_000_000_000), interval(0), interval(i64::MIN)), (86_400, 0, 0));
        let text = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 773, v1db1";
        assert_eq!((bind_reason(text), bind_reason("nothing")), (Some("773"), None));
    }
}
