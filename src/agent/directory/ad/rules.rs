//! The rules that hold for an account in Active Directory, and what our own account may do about it.

use super::{
    super::{
        Account, Policy, Standing, Trouble,
        answer::answered,
        attributes::seconds,
        link::Link,
        sd::{CONTROL_ACCESS, Descriptor, RESET_PASSWORD},
    },
    Ad,
};
use crate::wire::message::{PasswordPolicy, PolicyFrom};

impl Ad {
    pub(super) async fn domain_policy(&self, link: &Link) -> Result<PasswordPolicy, Trouble> {
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

    pub(super) async fn rules(&self, account: &Account) -> Result<Policy, Trouble> {
        let server = &account.server;
        let (rules, from) = match &account.own_policy {
            None => (Some(self.domain_policy(&self.jobs).await?), PolicyFrom::Domain),
            Some(pso) => {
                let names = [
                    "msDS-MinimumPasswordLength",
                    "msDS-PasswordComplexityEnabled",
                    "msDS-PasswordHistoryLength",
                    "msDS-MinimumPasswordAge",
                    "msDS-MaximumPasswordAge",
                ];
                // Without the right to read it the entry comes without attributes.
                let entry = self.look_beside(account, pso, &names).await?.filter(|entry| entry.text(names[0]).is_some());
                let rules = entry.map(|entry| PasswordPolicy {
                    min_length: entry.bits(names[0]),
                    complexity: entry.flag(names[1]),
                    history: entry.bits(names[2]),
                    min_age: interval(entry.number(names[3])),
                    max_age: interval(entry.number(names[4])),
                });
                (rules, PolicyFrom::Own)
            }
        };
        Ok(Policy { rules, from: Some(from), hints: server.policy_hints.is_some(), told: false, names: !server.is_samba })
    }

    /// allowedAttributesEffective lists the attributes that we may write. The right to reset a password is no attribute's: the account's
    /// own list tells of it, where we may read that.
    pub(super) async fn rights(&self, account: &Account) -> Result<Standing, Trouble> {
        let names = ["allowedAttributesEffective", "msDS-UserPasswordExpiryTimeComputed", "nTSecurityDescriptor"];
        let Some(entry) = self.look_with_list(account, &names).await? else { return Ok(Standing::default()) };
        let list = entry.bytes(names[2]).and_then(Descriptor::read);
        let own = if list.is_some() { self.token(account).await? } else { None };
        let may_write = |name: &str| Some(entry.texts(names[0]).iter().any(|allowed| allowed.eq_ignore_ascii_case(name)));
        let expiry = entry.number(names[1]);
        Ok(Standing {
            // 0: it must be changed; the largest: never.
            expires_at: (expiry > 0 && expiry < i64::MAX).then(|| seconds(expiry)),
            may_reset: list.zip(own).map(|(list, own)| list.allows(&own, CONTROL_ACCESS, &[RESET_PASSWORD])),
            may_unlock: may_write("lockoutTime"),
            may_require_change: may_write("pwdLastSet"),
        })
    }
}

/// AD writes a time span as a negative number of 100 ns; the most negative means "never".
fn interval(value: i64) -> u64 {
    if value == i64::MIN { 0 } else { value.unsigned_abs() / 10_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_written() {
        assert_eq!((interval(-864_000_000_000), interval(0), interval(i64::MIN)), (86_400, 0, 0));
    }
}
