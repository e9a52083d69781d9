//! Looking into the directory and changing it, as anybody or as its administrator: for tests, and to check what an agent did.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use ldap3::{Ldap, Mod, Scope, SearchEntry, controls::RawControl, exop::PasswordModify};

use super::{
    super::program::{self, secret},
    Slapd,
};

/// The password-policy control (draft-behera-ldap-password-policy-10).
const PPOLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// What a bind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAnswer {
    pub accepted: bool,
    /// The policy's answer, as bytes, if it had anything to say: `30 03 81 01 02` is "must be changed".
    pub policy: Option<Vec<u8>>,
}

/// What the service account may do with passwords, and with locks and the flag that a change is due.
#[derive(Debug, Clone, Copy)]
pub struct Granted<'a> {
    pub passwords: &'a str,
    pub states: &'a str,
}

impl Slapd {
    /// Sign in as somebody, asking for the policy's word as `pam_ldap` and others do.
    pub async fn bind_as(&self, dn: &str, password: &str) -> Result<BindAnswer> {
        // An empty password would be an anonymous bind, which succeeds.
        ensure!(!password.is_empty(), "a bind needs a password");
        let mut ldap = program::connect(&self.ldaps_url, &self.tls).await?;
        ldap.with_controls(RawControl { ctype: PPOLICY.to_owned(), crit: false, val: None });
        let answer = ldap.simple_bind(dn, password).await.context("binding")?;
        let _ = ldap.unbind().await;
        ensure!([0, 49].contains(&answer.rc), "the bind answered {}: {}", answer.rc, answer.text);
        let policy = answer.ctrls.into_iter().find(|control| control.1.ctype == PPOLICY).and_then(|control| control.1.val);
        let policy = policy.filter(|value| *value != [0x30, 0]);
        Ok(BindAnswer { accepted: answer.rc == 0, policy })
    }

    /// Whether somebody gets in.
    pub async fn accepts(&self, dn: &str, password: &str) -> Result<bool> {
        Ok(self.bind_as(dn, password).await?.accepted)
    }

    /// A connection as administrator.
    pub async fn admin(&self) -> Result<Ldap> {
        let mut ldap = program::connect(&self.ldaps_url, &self.tls).await?;
        let password = secret(&self.admin_password_file)?;
        ldap.simple_bind(&self.admin_dn, &password).await?.success().context("binding as administrator")?;
        Ok(ldap)
    }

    /// One modify as administrator.
    pub async fn modify(&self, dn: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.modify(dn, changes).await?.success().context("modifying as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// Replace one attribute's value as administrator; without a value, remove it.
    pub async fn set(&self, dn: &str, attribute: &str, value: Option<&str>) -> Result<()> {
        let values = value.map(|value| value.as_bytes().to_vec()).into_iter().collect();
        self.modify(dn, vec![Mod::Replace(attribute.into(), values)]).await
    }

    /// Write what only the server itself writes (when a password was set, for one).
    pub async fn forge(&self, dn: &str, attribute: &str, value: &str) -> Result<()> {
        const RELAX: &str = "1.3.6.1.4.1.4203.666.5.12";
        let mut ldap = self.admin().await?;
        ldap.with_controls(RawControl { ctype: RELAX.to_owned(), crit: true, val: None });
        let change = vec![Mod::Replace(attribute, [value].into())];
        ldap.modify(dn, change).await?.success().context("forging as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// Set a password as administrator: no rule holds, and it must be changed afterwards.
    pub async fn set_password(&self, dn: &str, password: &str) -> Result<()> {
        let mut ldap = self.admin().await?;
        let change = PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(password) };
        ldap.extended(change).await?.success().context("setting a password as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// An entry with `attributes`, as administrator; `None` when it is not there.
    pub async fn entry(&self, dn: &str, attributes: &[&str]) -> Result<Option<SearchEntry>> {
        const NO_SUCH_OBJECT: u32 = 32;
        let mut ldap = self.admin().await?;
        let found = ldap.search(dn, Scope::Base, "(objectClass=*)", attributes.to_vec()).await?;
        ldap.unbind().await?;
        if found.1.rc == NO_SUCH_OBJECT {
            return Ok(None);
        }
        Ok(found.success()?.0.pop().map(SearchEntry::construct))
    }

    pub async fn add(&self, dn: &str, attributes: Vec<(&str, HashSet<&str>)>) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.add(dn, attributes).await?.success().context("adding as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// A plain person with this sign-in name, whose password is set (and need not be changed).
    pub async fn add_person(&self, sign_in_name: &str, password: &str) -> Result<String> {
        let dn = self.dn(sign_in_name);
        let set = |value| HashSet::from([value]);
        let attributes = vec![("objectClass", set("inetOrgPerson")), ("cn", set(sign_in_name)), ("sn", set(sign_in_name))];
        self.add(&dn, attributes).await?;
        self.set_password(&dn, password).await?;
        self.set(&dn, "pwdReset", None).await?;
        Ok(dn)
    }

    pub async fn add_group(&self, name: &str, members: &[&str]) -> Result<String> {
        let dn = format!("cn={name},{}", self.groups_dn);
        let attributes = vec![("objectClass", HashSet::from(["groupOfNames"])), ("member", members.iter().copied().collect())];
        self.add(&dn, attributes).await?;
        Ok(dn)
    }

    /// A new entry with what `from` has, under another name of the same kind.
    pub async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let entry = self.entry(from, &["*"]).await?.context("nothing to copy")?;
        let attributes = entry.attrs.iter().filter(|(name, _)| *name != "cn" && *name != "uid");
        self.add(to, attributes.map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect())).collect()).await
    }

    /// To another name, below another entry.
    pub async fn rename(&self, dn: &str, name: &str, below: &str) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.modifydn(dn, name, true, Some(below)).await?.success().context("renaming as administrator")?;
        Ok(ldap.unbind().await?)
    }

    pub async fn delete(&self, dn: &str) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.delete(dn).await?.success().context("deleting as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// Lock accounts as wrong passwords do, now.
    pub async fn lock(&self, dn: &str) -> Result<()> {
        for _ in 0..20 {
            ensure!(!self.accepts(dn, "certainly not it").await?, "the password is guessed");
            let entry = self.entry(dn, &["pwdAccountLockedTime"]).await?.context("nobody there")?;
            if entry.attrs.contains_key("pwdAccountLockedTime") {
                return Ok(());
            }
        }
        anyhow::bail!("twenty wrong passwords lock nobody")
    }

    /// Give the service account other rights.
    pub async fn grant(&self, granted: Granted<'_>) -> Result<()> {
        let (people, svc) = (&self.users_dn, &self.bind_dn);
        let Granted { passwords, states } = granted;
        let rules = [
            format!(
                "{{0}}to dn.subtree=\"{people}\" attrs=userPassword by dn.exact=\"{svc}\" {passwords} by self =xw by anonymous auth by * none"
            ),
            format!("{{1}}to dn.subtree=\"{people}\" attrs=pwdAccountLockedTime,pwdReset by dn.exact=\"{svc}\" {states} by * none"),
            "{2}to attrs=userPassword by self =xw by anonymous auth by * none".to_owned(),
            "{3}to * by users read by * none".to_owned(),
        ];
        // One after the other: values of one change are a set, and the server goes by their order.
        let (first, rest) = (&rules[0], &rules[1..]);
        let value = |rule: &String| HashSet::from([rule.clone().into_bytes()]);
        let first = Mod::Replace(b"olcAccess".to_vec(), value(first));
        let rest = rest.iter().map(|rule| Mod::Add(b"olcAccess".to_vec(), value(rule)));
        self.modify("olcDatabase={1}mdb,cn=config", std::iter::once(first).chain(rest).collect()).await
    }
}
