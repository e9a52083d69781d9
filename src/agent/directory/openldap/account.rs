//! Reading one person's entry: found by entryUUID, judged by the policy that holds for it.

use ldap3::Scope;
use uuid::Uuid;

use super::{
    super::{
        Account, Bind, Server, Trouble,
        answer::{answered, transport},
        attributes::{Entry, filetime, generalized},
        dn,
        link::{ANSWER, Session},
    },
    OpenLdap,
    ppolicy::{self, Error},
    rules::Rules,
    search,
};

/// How an administrator locks an account for ever (draft-behera-ldap-password-policy-10, 5.3.3).
pub(super) const FOR_EVER: &str = "000001010000Z";

/// What tells how an account is. objectClass is among it: only people's entries are served.
pub(super) const STATE: [&str; 11] = [
    "entryUUID",
    "objectClass",
    "cn",
    "displayName",
    "pwdChangedTime",
    "pwdReset",
    "pwdAccountLockedTime",
    "pwdStartTime",
    "pwdEndTime",
    "pwdLastSuccess",
    "pwdPolicySubentry",
];

impl OpenLdap {
    /// The account as it is now at one server. Everything about it is asked there: servers lag behind one another.
    pub(super) async fn find(&self, mut session: Session, user: Uuid) -> Result<Option<Account>, Trouble> {
        let names: Vec<&str> = STATE.into_iter().chain([self.settings.user_name.as_str()]).collect();
        let filter = format!("(entryUUID={user})");
        let found = search(&mut session, &self.base_dn, Scope::Subtree, &filter, &names).await?;
        let Some(entry) = found.into_iter().find(|entry| entry_uuid(entry) == Some(user)) else { return Ok(None) };
        let rules = self.rules_at(&mut session, entry.text("pwdPolicySubentry")).await?;
        let mut account = self.account(&entry, rules.as_ref(), self.time.now());
        account.protected = account.protected || self.is_set_apart(&mut session, &account).await?;
        Ok(Some(Account { server: self.as_found(session.server), ..account }))
    }

    /// `now`: seconds since 1970.
    pub(super) fn account(&self, entry: &Entry, rules: Option<&Rules>, now: i64) -> Account {
        let text = |name: &str| entry.text(name).unwrap_or_default().to_owned();
        let display_name = entry.text("displayName").or_else(|| entry.text("cn")).unwrap_or_default().to_owned();
        let locked_at = entry.text("pwdAccountLockedTime");
        let locked_for_good = locked_at == Some(FOR_EVER);
        Account {
            guid: entry_uuid(entry).unwrap_or_default(),
            dn: entry.dn().to_owned(),
            sam: text(&self.settings.user_name),
            principal: String::new(),
            display_name,
            pwd_last_set: time(entry, "pwdChangedTime").map_or(0, filetime),
            must_change: entry.flag("pwdReset") && rules.is_none_or(|rules| rules.must_change),
            locked: locked_at.is_some() && !locked_for_good && is_locked(locked_at.and_then(generalized), rules, now),
            locked_for_good,
            disabled: false,
            expired: is_over(entry, rules, now),
            protected: !is_person(entry) || dn::is_same(entry.dn(), &self.bind_dn),
            own_policy: entry.text("pwdPolicySubentry").map(str::to_owned),
            primary_group: 0,
            server: Server::default(),
        }
    }

    /// Bind as the person, on a connection of its own.
    pub(super) async fn sign_in(&self, account: &Account, password: &str) -> Result<Bind, Trouble> {
        const INVALID_CREDENTIALS: u32 = 49;
        if password.is_empty() {
            return Ok(Bind::Wrong);
        }
        // The server would answer as to a wrong password.
        if account.locked || account.locked_for_good {
            return Ok(Bind::Locked);
        }
        if account.expired {
            return Ok(Bind::AccountExpired);
        }
        let mut ldap = self.links.open(&account.server.name).await?;
        ldap.with_controls(ppolicy::request());
        let answer = ldap.with_timeout(ANSWER).simple_bind(&account.dn, password).await.map_err(transport)?;
        let _ = ldap.unbind().await;
        Ok(match (answer.rc, ppolicy::of(&answer)) {
            (0, Some(Error::ChangeAfterReset)) => Bind::MustChange,
            (0, _) => Bind::Right,
            // Told only to who knows the password.
            (INVALID_CREDENTIALS, Some(Error::PasswordExpired)) => Bind::PasswordExpired,
            (INVALID_CREDENTIALS, Some(Error::AccountLocked)) => Bind::Locked,
            (INVALID_CREDENTIALS, None) => Bind::Wrong,
            (INVALID_CREDENTIALS, Some(_)) => Bind::Unclear,
            (code, _) => return Err(answered(code, &answer.text)),
        })
    }

    /// Whether the settings say that it is never touched.
    async fn is_set_apart(&self, session: &mut Session, account: &Account) -> Result<bool, Trouble> {
        let filter = &self.settings.protected_filter;
        if !filter.is_empty() && !search(session, &account.dn, Scope::Base, filter, &["1.1"]).await?.is_empty() {
            return Ok(true);
        }
        let groups = &self.settings.protected_groups;
        Ok(!groups.is_empty() && self.is_in_any(session, account, groups).await?)
    }
}

pub(super) fn entry_uuid(entry: &Entry) -> Option<Uuid> {
    entry.text("entryUUID").and_then(|text| Uuid::try_parse(text).ok())
}

fn time(entry: &Entry, name: &str) -> Option<i64> {
    entry.text(name).and_then(generalized)
}

/// An entry may name only the class that it is made of, and not those above it.
pub(super) fn is_person(entry: &Entry) -> bool {
    const PEOPLE: [&str; 4] = ["person", "organizationalPerson", "residentialPerson", "inetOrgPerson"];
    entry.texts("objectClass").iter().any(|class| PEOPLE.iter().any(|person| class.eq_ignore_ascii_case(person)))
}

/// By wrong passwords. The time stays in the entry when a lockout has run out, until somebody signs in.
fn is_locked(at: Option<i64>, rules: Option<&Rules>, now: i64) -> bool {
    let Some(rules) = rules else { return true };
    rules.lockout && (rules.lockout_seconds == 0 || at.is_none_or(|at| now < at.saturating_add(rules.lockout_seconds)))
}

/// Not begun yet, ended, or idle for too long.
fn is_over(entry: &Entry, rules: Option<&Rules>, now: i64) -> bool {
    let idle = rules.map_or(0, |rules| rules.max_idle);
    time(entry, "pwdStartTime").is_some_and(|start| now < start)
        || time(entry, "pwdEndTime").is_some_and(|end| now >= end)
        || (idle > 0 && time(entry, "pwdLastSuccess").is_some_and(|last| now >= last.saturating_add(idle)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lockout_runs_out() {
        let rules = |lockout, lockout_seconds| Rules { lockout, lockout_seconds, ..Rules::default() };
        assert!(is_locked(Some(100), Some(&rules(true, 60)), 159) && !is_locked(Some(100), Some(&rules(true, 60)), 160));
        assert!(is_locked(Some(100), Some(&rules(true, 0)), 1_000_000), "until somebody unlocks it");
        assert!(!is_locked(Some(100), Some(&rules(false, 0)), 101), "nobody is");
        assert!(is_locked(Some(100), None, 1_000_000) && is_locked(None, Some(&rules(true, 60)), 0), "not known: as good as locked");
    }
}
