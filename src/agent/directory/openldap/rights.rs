//! What our own account may do, and whether the rules hold for what it does.
//!
//! OpenLDAP shows nobody their rights, so they are tried: by modifies that cannot succeed, because they delete a value that is not
//! there, or must not. Whether they fail for that reason or for want of access tells. Nothing is ever changed.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ldap3::{
    Mod, Scope, SearchOptions,
    controls::{Assertion, MakeCritical},
};
use tokio::time::Instant;

use super::{
    super::{
        Account, Server, Standing, Trouble,
        answer::transport,
        attributes::{Entry, seconds},
        bytes::{Bytes, bytes, replace},
        link::{ANSWER, Session},
    },
    OpenLdap,
    account::STATE,
    apply::{FLAG, PASSWORD},
    ppolicy::{self, Error},
};
use crate::base::id;

/// Said in the log, by `sspr check` and by `sspr agent doctor`.
pub const NO_RULE_HOLDS: &str = "no password rule holds for the agent's account: it has \"manage\" access to userPassword (or is the rootdn), where \"=xw\" would do, or the policy is not in force; \
     history, minimum age and length are not enforced, and whoever is reset must change the password again";

const AGAIN: Duration = Duration::from_mins(10);
/// Attributes of people that nobody needs to write who sets passwords.
const UNNEEDED: [&str; 4] = ["mail", "mobile", "cn", "description"];
/// People of whom those are tried.
const SAMPLE: usize = 2;
const ASSERTION: &str = "1.3.6.1.1.12";

/// Whether the rules hold for our account; tried now and then.
#[derive(Default)]
pub(super) struct Hold(Mutex<(Option<Instant>, Option<bool>)>);

impl Hold {
    /// `None`: could not be told.
    pub(super) fn last(&self) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn is_due(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.is_none_or(|at| at.elapsed() > AGAIN)
    }

    /// What was known before.
    fn note(&self, holds: Option<bool>) -> Option<bool> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, (Some(Instant::now()), holds)).1
    }
}

/// What trying told.
pub struct Tried {
    /// Whether the rules hold for our own account; `None`: could not be told.
    pub holds: Option<bool>,
    /// It may write at the top, too: the rootdn, whom no access rule binds, or as good as that. Looked at only where no rule holds.
    pub is_manager: bool,
    /// What it may write of people without need: whose, and which attribute.
    pub extra: Vec<(String, String)>,
    /// By name, what our account may do to them.
    pub people: Vec<(String, Standing)>,
}

impl OpenLdap {
    /// For whoever sets it up: the rules, and the rights on up to `most` people.
    pub async fn tried(&self, most: usize) -> Result<Tried, Trouble> {
        let holds = self.rules_hold().await?;
        let (mut people, mut extra) = (Vec::new(), Vec::new());
        let (entries, server) = self.some(most, &STATE).await?;
        for entry in entries {
            let account = Account { server: server.clone(), ..self.account(&entry, None, self.time.now()) };
            if !account.protected {
                // A few tell it: rules are by subtree.
                if people.len() < SAMPLE && holds != Some(false) {
                    for name in UNNEEDED {
                        if self.may_write(&account, name, &id::token()).await? == Some(true) {
                            extra.push((account.dn.clone(), name.to_owned()));
                        }
                    }
                }
                people.push((account.dn.clone(), self.rights(&account).await?));
            }
        }
        let is_manager = holds == Some(false) && {
            let top = Account { server, dn: self.base_dn.clone(), ..Account::default() };
            self.may_write(&top, "description", &id::token()).await? == Some(true)
        };
        Ok(Tried { holds, is_manager, extra, people })
    }

    pub(super) async fn rights(&self, account: &Account) -> Result<Standing, Trouble> {
        let rules = self.rules_beside(account).await?;
        let max_age = rules.map_or(0, |rules| i64::try_from(rules.max_age).unwrap_or(i64::MAX));
        let runs_out = max_age > 0 && account.pwd_last_set > 0;
        Ok(Standing {
            expires_at: runs_out.then(|| seconds(account.pwd_last_set).saturating_add(max_age)),
            may_reset: self.may_write(account, PASSWORD, &id::token()).await?,
            may_unlock: self.may_write(account, "pwdAccountLockedTime", "19700101000000Z").await?,
            // FALSE means what absence means.
            may_require_change: self.may_write(account, FLAG, "FALSE").await?,
        })
    }

    /// By deleting a value that is not there: access is looked at first.
    async fn may_write(&self, account: &Account, attribute: &str, absent: &str) -> Result<Option<bool>, Trouble> {
        const NO_SUCH_ATTRIBUTE: u32 = 16;
        const NO_ACCESS: u32 = 50;
        let change = || vec![Mod::Delete(bytes(attribute), HashSet::from([bytes(absent)]))];
        Ok(match self.try_in_vain(&account.server, &account.dn, change).await?.0 {
            NO_SUCH_ATTRIBUTE => Some(true),
            NO_ACCESS => Some(false),
            _ => None,
        })
    }

    /// See whether the rules hold for us, if it is due, and say so when they do not.
    pub(super) async fn try_rules(&self) {
        if !self.hold.is_due() {
            return;
        }
        match self.rules_hold().await {
            Ok(holds) => {
                let before = self.hold.note(holds);
                if holds == Some(false) && before != Some(false) {
                    tracing::error!("{NO_RULE_HOLDS}");
                }
            }
            Err(trouble) => tracing::debug!(error = %trouble, "whether the rules hold for our account was not told"),
        }
    }

    /// By a password of one letter for one of the people, which no policy with a minimum length takes: the policy is asked before the
    /// assertion, which is never true, so for whom no rule holds it is the assertion that fails. A value to be deleted that is not
    /// there makes the modify impossible once more.
    async fn rules_hold(&self) -> Result<Option<bool>, Trouble> {
        const ASSERTION_FAILED: u32 = 122;
        let (people, server) = self.some(1, &["pwdPolicySubentry"]).await?;
        let has_assertion = server.controls.iter().any(|control| control == ASSERTION);
        let Some(person) = people.into_iter().next().filter(|_| has_assertion) else { return Ok(None) };
        let own = person.text("pwdPolicySubentry");
        let rules = self.links.probe.ask_on(&server.name, async |mut session| self.rules_at(&mut session, own).await).await?;
        if rules.is_none_or(|rules| rules.min_length < 2) {
            return Ok(None);
        }
        let changes = || vec![replace(PASSWORD, bytes("x")), Mod::Delete(bytes("description"), HashSet::from([bytes(&id::token())]))];
        Ok(match self.try_in_vain(&server, person.dn(), changes).await? {
            (_, Some(Error::PasswordTooShort | Error::InsufficientPasswordQuality)) => Some(true),
            (ASSERTION_FAILED, _) => Some(false),
            _ => None,
        })
    }

    /// Some of the people, as a server happens to tell them, and which server that was.
    async fn some(&self, most: usize, names: &[&str]) -> Result<(Vec<Entry>, Server), Trouble> {
        let question = async |mut session: Session| {
            let limit = SearchOptions::new().sizelimit(i32::try_from(most).unwrap_or(i32::MAX));
            session.ldap.with_search_options(limit);
            // That there are more is no error here.
            let (found, _) = session.search(&self.users_dn, Scope::Subtree, "(objectClass=person)", names, ANSWER).await?;
            Ok((found, session.server))
        };
        self.links.probe.ask(None, question).await
    }

    /// A modify under a condition that is never true: it changes nothing, so it may be tried twice where a connection breaks.
    async fn try_in_vain(
        &self,
        server: &Server,
        dn: &str,
        changes: impl Fn() -> Vec<Mod<Bytes>> + Sync,
    ) -> Result<(u32, Option<Error>), Trouble> {
        let question = async |mut session: Session| {
            let changes = changes();
            session.ldap.with_timeout(ANSWER);
            if changes.len() > 1 {
                let never = Assertion { filter: "(!(objectClass=*))" };
                session.ldap.with_controls(vec![ppolicy::request(), never.critical().into()]);
            }
            let answer = session.ldap.modify(dn, changes).await.map_err(transport)?;
            Ok((answer.rc, ppolicy::of(&answer)))
        };
        self.links.probe.ask_on(&server.name, question).await
    }
}
