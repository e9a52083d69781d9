//! What changes an account in OpenLDAP, and what its answers mean.
//!
//! Every modify carries an assertion (RFC 4528): the entry still is this account, and nobody locked it for ever. A password goes by
//! RFC 3062, because only then it certainly is stored hashed; that operation takes no assertion, so the entry is read once more right
//! before. Where the server hashes what a modify stores (`hashes_modified`), a password is one modify with assertion, too.

use std::{collections::HashSet, time::Duration};

use ldap3::{
    LdapError, LdapResult, Mod,
    controls::{Assertion, MakeCritical, RawControl},
    exop::PasswordModify,
};
use tokio::time::sleep;

use super::{
    super::{
        Account, ApplyError, Bind, Effect, Trouble,
        answer::{answered, elsewhere, is_elsewhere, transport},
        attributes::seconds,
        bytes::{Bytes, bytes, replace},
    },
    MODIFY, OpenLdap,
    account::FOR_EVER,
    ppolicy::{self, Error},
};
use crate::{agent::policy, wire::outcome::Code};

const NO_SUCH_OBJECT: u32 = 32;
const UNWILLING: u32 = 53;
const ASSERTION_FAILED: u32 = 122;
const INSUFFICIENT_ACCESS: u32 = 50;

const LOCK: &str = "pwdAccountLockedTime";
pub(super) const FLAG: &str = "pwdReset";
pub(super) const PASSWORD: &str = "userPassword";

/// What is sent for a change.
enum Request {
    Modify(Vec<Mod<Bytes>>),
    /// RFC 3062.
    Set {
        old: Option<Bytes>,
        new: Bytes,
    },
}

impl OpenLdap {
    /// At the server that told of the account, and at no other: what is asked of another is decided by who sees its state.
    pub(super) async fn make(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        let mut account = self.now(account).await?;
        self.is_possible(&account, effect).await?;
        if let Effect::Change { old, .. } = effect {
            self.knows(&account, old).await?;
        }
        if matches!(effect, Effect::Reset(_) | Effect::Temporary(_) | Effect::Change { .. }) {
            self.next_second(&account).await;
        }
        let mut answer = self.send(&account, self.request(effect)).await?;
        if matches!(answer.rc, NO_SUCH_OBJECT | ASSERTION_FAILED) {
            // Renamed, gone, or locked for ever, since it was read: nothing happened.
            let moved = self.now(&account).await?;
            if moved.dn == account.dn {
                if answer.rc == ASSERTION_FAILED {
                    // It is as it was: what was asserted is not for our account to compare.
                    answer.rc = INSUFFICIENT_ACCESS;
                }
                return Err(self.refused(effect, &answer));
            }
            account = moved;
            answer = self.send(&account, self.request(effect)).await?;
        }
        if answer.rc != 0 {
            return Err(self.refused(effect, &answer));
        }
        self.mark(&account, effect).await;
        Ok(())
    }

    /// The account as it is at this moment, at the same server.
    async fn now(&self, account: &Account) -> Result<Account, ApplyError> {
        let refuse = |code, text: &str| ApplyError::Refused { code: Some(code), text: text.to_owned() };
        let server = &account.server.name;
        let found = self.links.jobs.ask_on(server, async |session| self.find(session, account.guid).await).await;
        match found.map_err(ApplyError::NotSent)? {
            // A name may lead to several servers.
            Some(now) if now.server.name != *server => {
                Err(ApplyError::NotSent(Trouble::Unreachable(format!("{} answers where {server} did", now.server.name))))
            }
            None => Err(refuse(Code::Gone, "the entry is gone")),
            Some(now) if now.locked_for_good => {
                Err(refuse(Code::LockedForGood, "an administrator locked it, and any change would unlock it"))
            }
            Some(now) => Ok(now),
        }
    }

    /// What the policy makes useless or impossible, before it is tried.
    async fn is_possible(&self, account: &Account, effect: Effect<'_>) -> Result<(), ApplyError> {
        let Some(rules) = self.rules_beside(account).await.map_err(ApplyError::NotSent)? else {
            return Ok(());
        };
        let (code, text) = match effect {
            Effect::Temporary(_) | Effect::RequireChange if !rules.must_change => {
                (Code::NotSupported, "the policy has pwdMustChange FALSE, so pwdReset would mean nothing")
            }
            Effect::Reset(_) | Effect::Temporary(_) if rules.needs_old => {
                (Code::NotSupported, "the policy has pwdSafeModify TRUE: nobody sets a password without the old one")
            }
            Effect::Change { .. } if !rules.may_change => (Code::ChangeNotAllowed, "the policy has pwdAllowUserChange FALSE"),
            _ => return Ok(()),
        };
        Err(ApplyError::Refused { code: Some(code), text: text.to_owned() })
    }

    /// The old password is tried by signing in, so that a wrong one counts towards the account's lockout as it does elsewhere.
    async fn knows(&self, account: &Account, old: &str) -> Result<(), ApplyError> {
        let code = match self.sign_in(account, old).await.map_err(ApplyError::NotSent)? {
            bind if bind.is_right() => return Ok(()),
            Bind::Wrong => Code::WrongPassword,
            Bind::Locked => Code::AccountLocked,
            Bind::AccountExpired => Code::AccountExpired,
            Bind::Disabled => Code::AccountDisabled,
            _ => Code::DirectoryError,
        };
        Err(ApplyError::Refused { code: Some(code), text: "signing in with the old password".to_owned() })
    }

    /// pwdChangedTime has whole seconds, and by it a change is told from none: two of them never share one.
    async fn next_second(&self, account: &Account) {
        /// Clocks that differ by more than this are somebody else's concern.
        const SKEW: i64 = 3600;
        if account.pwd_last_set == 0 {
            return;
        }
        let changed = seconds(account.pwd_last_set);
        let ours = self.time.now();
        if (ours - changed).abs() < SKEW {
            let clock = super::super::Directory::clock(self, account).await.ok().flatten();
            if clock.unwrap_or(ours) <= changed {
                sleep(Duration::from_millis(1050)).await;
            }
        }
    }

    fn request(&self, effect: Effect<'_>) -> Request {
        let by_modify =
            |new: &str, more: Vec<Mod<Bytes>>| Request::Modify([replace(PASSWORD, bytes(new))].into_iter().chain(more).collect());
        match effect {
            Effect::Reset(new) if self.settings.hashes_modified => by_modify(new, self.unflagged().into_iter().collect()),
            Effect::Temporary(new) if self.settings.hashes_modified => by_modify(new, vec![flag()]),
            Effect::Reset(new) | Effect::Temporary(new) => Request::Set { old: None, new: bytes(new) },
            Effect::Change { old, new } => Request::Set { old: Some(bytes(old)), new: bytes(new) },
            Effect::Unlock => Request::Modify(vec![Mod::Replace(bytes(LOCK), HashSet::new())]),
            Effect::RequireChange => Request::Modify(vec![flag()]),
            Effect::WaiveChange => Request::Modify(vec![Mod::Replace(bytes(FLAG), HashSet::new())]),
        }
    }

    /// The server flags what a password administrator sets.
    fn unflagged(&self) -> Option<Mod<Bytes>> {
        (self.hold.last() == Some(false)).then(|| Mod::Replace(bytes(FLAG), HashSet::new()))
    }

    /// What RFC 3062 cannot do in the same step. A failure is no failure of the change: reading back tells what is missing.
    async fn mark(&self, account: &Account, effect: Effect<'_>) {
        let change = match effect {
            Effect::Temporary(_) if !self.settings.hashes_modified => Some(flag()),
            Effect::Reset(_) | Effect::Change { .. } if !self.settings.hashes_modified => self.unflagged(),
            _ => None,
        };
        let Some(change) = change else { return };
        let why = match self.send(account, Request::Modify(vec![change])).await {
            Ok(answer) if answer.rc == 0 => return,
            Ok(answer) => answered(answer.rc, &answer.text).to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(error = %why, directory.object = %account.dn, "the password is set, but pwdReset could not be written");
    }

    fn refused(&self, effect: Effect<'_>, answer: &LdapResult) -> ApplyError {
        let code = match meaning(effect, answer.rc, ppolicy::of(answer)) {
            // The module may ask for anything; what is said of complexity is that three kinds of characters are wanted.
            Some(Code::PolicyComplexity) if !self.settings.three_classes => Some(Code::PolicyOther),
            code => code,
        };
        ApplyError::Refused { code, text: answered(answer.rc, &answer.text).to_string() }
    }

    async fn send(&self, account: &Account, request: Request) -> Result<LdapResult, ApplyError> {
        let mut session = self.links.jobs.session_on(&account.server.name).await.map_err(ApplyError::NotSent)?;
        self.links.servers.write(account.guid, &session.server.name);
        let ldap = session.ldap.with_timeout(MODIFY);
        let sent = match request {
            Request::Modify(changes) => ldap.with_controls(vec![ppolicy::request(), still(account)]).modify(&account.dn, changes).await,
            Request::Set { old, new } => {
                let change =
                    PasswordModify { user_id: Some(&account.dn), old_pass: old.as_ref().map(Bytes::text), new_pass: Some(new.text()) };
                ldap.with_controls(ppolicy::request()).extended(change).await.map(|answer| answer.1)
            }
        };
        match sent {
            Ok(answer) => {
                if let Some(trouble) = cannot(&answer) {
                    self.links.jobs.useless(&session, &trouble.to_string()).await;
                    return Err(ApplyError::NotSent(trouble));
                }
                self.links.jobs.answered(&session);
                Ok(answer)
            }
            Err(error) => {
                self.links.jobs.broken(&session).await;
                let hung = matches!(error, LdapError::Timeout { .. });
                match error {
                    // The connection's task was gone before it took the request.
                    error @ LdapError::OpSend { .. } => Err(ApplyError::NotSent(transport(error))),
                    error => Err(ApplyError::Lost { why: transport(error).to_string(), hung }),
                }
            }
        }
    }
}

/// Why this server takes no changes from anybody, if that is what it says. A replica that knows no provider, and a database that was made
/// read-only, answer 53, which means much else: by slapd's own words for it alone.
fn cannot(answer: &LdapResult) -> Option<Trouble> {
    const WORDS: [&str; 2] = ["shadow context", "operation restricted"];
    if is_elsewhere(answer.rc) {
        return Some(elsewhere(answer.rc, &answer.text));
    }
    let takes_none = answer.rc == UNWILLING && WORDS.iter().any(|words| answer.text.starts_with(words));
    takes_none.then(|| Trouble::Unreachable("it is a replica, or read-only, and takes no changes".to_owned()))
}

fn flag() -> Mod<Bytes> {
    replace(FLAG, bytes("TRUE"))
}

/// The entry still is this account, and not locked for ever.
fn still(account: &Account) -> RawControl {
    Assertion { filter: format!("(&(entryUUID={})(!({LOCK}={FOR_EVER})))", account.guid) }.critical().into()
}

/// By result code and the policy's error only: texts differ between servers and versions.
fn meaning(effect: Effect<'_>, rc: u32, error: Option<Error>) -> Option<Code> {
    if let Some(error) = error {
        return Some(match error {
            Error::PasswordTooShort => Code::PolicyLength,
            Error::InsufficientPasswordQuality => Code::PolicyComplexity,
            Error::PasswordInHistory => Code::PolicyHistory,
            Error::PasswordTooYoung => Code::PolicyAge,
            Error::PasswordModNotAllowed => Code::ChangeNotAllowed,
            Error::MustSupplyOldPassword => Code::NotSupported,
            Error::AccountLocked => Code::AccountLocked,
            // Of our own account: it may do nothing until its own password is changed.
            Error::PasswordExpired | Error::ChangeAfterReset => Code::NoRight,
        });
    }
    match (rc, effect) {
        // The old one was right a moment ago: it is our account that may not have it compared.
        (UNWILLING, Effect::Change { .. }) => Some(Code::NoRight),
        (ASSERTION_FAILED, _) => Some(Code::ChangedMeanwhile),
        _ => match (policy::classify(rc, 0), effect) {
            (Some(Code::NoRight), Effect::Unlock) => Some(Code::NoUnlockRight),
            (Some(Code::NoRight), Effect::RequireChange | Effect::WaiveChange) => Some(Code::NoFlagRight),
            (code, _) => code,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_code_and_policy_error_alone() {
        let (reset, change) = (Effect::Reset("a"), Effect::Change { old: "a", new: "b" });
        let cases = [
            (reset, 19, Some(Error::PasswordTooShort), Some(Code::PolicyLength)),
            (reset, 19, Some(Error::InsufficientPasswordQuality), Some(Code::PolicyComplexity)),
            (reset, 19, Some(Error::PasswordInHistory), Some(Code::PolicyHistory)),
            (change, 19, Some(Error::PasswordTooYoung), Some(Code::PolicyAge)),
            (reset, 50, Some(Error::MustSupplyOldPassword), Some(Code::NotSupported)),
            (change, 50, Some(Error::PasswordModNotAllowed), Some(Code::ChangeNotAllowed)),
            (reset, 50, Some(Error::ChangeAfterReset), Some(Code::NoRight)),
            (reset, 50, None, Some(Code::NoRight)),
            (Effect::Unlock, 50, None, Some(Code::NoUnlockRight)),
            (Effect::WaiveChange, 50, None, Some(Code::NoFlagRight)),
            (change, 53, None, Some(Code::NoRight)),
            (reset, 53, None, None),
            (reset, 122, None, Some(Code::ChangedMeanwhile)),
            (reset, 32, None, Some(Code::Gone)),
            (reset, 52, None, Some(Code::DirectoryUnreachable)),
            (reset, 19, None, None),
        ];
        for (effect, rc, error, expected) in cases {
            assert_eq!(meaning(effect, rc, error), expected, "{rc} {error:?}");
        }
    }
}
