//! The password policy that holds for an entry: its own (pwdPolicySubentry), or that of all others.

use super::{
    super::{
        Account, Policy, Trouble,
        attributes::Entry,
        link::{Link, Session},
    },
    OpenLdap, look,
};
use crate::wire::message::{PasswordPolicy, PolicyFrom};

/// As the policy's entry says. Times are seconds; 0: none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) min_length: u32,
    /// A module looks at passwords.
    pub(super) is_checked: bool,
    pub(super) history: u32,
    pub(super) min_age: u64,
    pub(super) max_age: u64,
    pub(super) lockout: bool,
    pub(super) lockout_seconds: i64,
    pub(super) max_idle: i64,
    /// pwdReset means something.
    pub(super) must_change: bool,
    /// People may change their own.
    pub(super) may_change: bool,
    /// Nobody sets a password without the old one.
    pub(super) needs_old: bool,
}

const RULES: [&str; 15] = [
    "objectClass",
    "pwdMinLength",
    "pwdCheckQuality",
    "pwdCheckModule",
    "pwdUseCheckModule",
    "pwdInHistory",
    "pwdMinAge",
    "pwdMaxAge",
    "pwdLockout",
    "pwdLockoutDuration",
    "pwdMaxIdle",
    "pwdMustChange",
    "pwdAllowUserChange",
    "pwdSafeModify",
    "pwdAttribute",
];

impl OpenLdap {
    /// Those of whoever has no policy of their own, as any server has them.
    pub(super) async fn rules(&self, link: &Link) -> Result<Option<Rules>, Trouble> {
        link.ask(None, async |mut session| self.rules_at(&mut session, None).await).await
    }

    /// Those that hold for this account, as the very server has them that told of it.
    pub(super) async fn rules_beside(&self, account: &Account) -> Result<Option<Rules>, Trouble> {
        let own = account.own_policy.as_deref();
        self.links.jobs.ask_on(&account.server.name, async |mut session| self.rules_at(&mut session, own).await).await
    }

    /// `own`: the name of the entry's own policy, if it has one. `None`: there is none, or it may not be read.
    pub(super) async fn rules_at(&self, session: &mut Session, own: Option<&str>) -> Result<Option<Rules>, Trouble> {
        let name = own.unwrap_or(&self.settings.policy_dn);
        if name.is_empty() {
            return Ok(None);
        }
        let entry = match look(session, name, &RULES).await {
            // A name that is none.
            Err(Trouble::Answered { code: 34, .. }) => None,
            other => other?,
        };
        Ok(entry.filter(|entry| entry.text("pwdAttribute").is_some()).map(|entry| read(&entry)))
    }

    pub(super) fn policy_of(&self, known: Option<&Rules>, is_own: bool) -> Policy {
        let from = match (is_own, known) {
            (true, _) => Some(PolicyFrom::Own),
            (false, Some(_)) => Some(PolicyFrom::Default),
            (false, None) => None,
        };
        let rules = known.map(|known| PasswordPolicy {
            min_length: known.min_length,
            complexity: known.is_checked && self.settings.three_classes,
            history: known.history,
            min_age: known.min_age,
            max_age: known.max_age,
        });
        Policy { rules, from, hints: self.hold.last() != Some(false), told: true, names: false }
    }
}

fn read(entry: &Entry) -> Rules {
    let is_looked_at = entry.number("pwdCheckQuality") > 0;
    let seconds = |name: &str| entry.number(name).max(0);
    let has_module = entry.text("pwdCheckModule").is_some() || entry.flag("pwdUseCheckModule");
    Rules {
        // Without it not even the length is looked at.
        min_length: if is_looked_at { entry.bits("pwdMinLength") } else { 0 },
        is_checked: is_looked_at && has_module,
        history: entry.bits("pwdInHistory"),
        min_age: seconds("pwdMinAge").unsigned_abs(),
        max_age: seconds("pwdMaxAge").unsigned_abs(),
        lockout: entry.flag("pwdLockout"),
        lockout_seconds: seconds("pwdLockoutDuration"),
        max_idle: seconds("pwdMaxIdle"),
        must_change: entry.flag("pwdMustChange"),
        // True unless said otherwise.
        may_change: entry.text("pwdAllowUserChange").is_none() || entry.flag("pwdAllowUserChange"),
        needs_old: entry.flag("pwdSafeModify"),
    }
}
