//! Looking into the domain and changing it, as anybody or as its administrator: for tests, and to check what an agent did.

use anyhow::{Context, Result, bail, ensure};
use ldap3::{Ldap, Mod, Scope, SearchEntry};

use super::{
    super::program::{self, secret},
    Samba,
};

/// What a bind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindOutcome {
    Accepted,
    /// The `data` of the refusal: `52e` wrong password or unknown, `533` disabled, `773` must change, `775` locked.
    Refused(String),
}

impl Samba {
    /// Sign in as somebody (user principal name or DN), as any program of the domain would.
    pub async fn bind_as(&self, name: &str, password: &str) -> Result<BindOutcome> {
        // An empty password would be an anonymous bind, which succeeds.
        ensure!(!password.is_empty(), "a bind needs a password");
        let mut ldap = self.connect().await?;
        let answer = ldap.simple_bind(name, password).await.context("binding")?;
        let _ = ldap.unbind().await;
        match answer.rc {
            0 => Ok(BindOutcome::Accepted),
            49 => Ok(BindOutcome::Refused(
                answer.text.split("data ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default().trim().to_owned(),
            )),
            code => bail!("the bind answered {code}: {}", answer.text),
        }
    }

    /// A connection as domain administrator.
    pub async fn admin(&self) -> Result<Ldap> {
        let mut ldap = self.connect().await?;
        ldap.simple_bind(&self.admin_upn, &secret(&self.admin_password_file)?).await?.success().context("binding as administrator")?;
        Ok(ldap)
    }

    /// One modify as administrator.
    pub async fn modify(&self, dn: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<()> {
        let mut ldap = self.admin().await?;
        ldap.modify(dn, changes).await?.success().context("modifying as administrator")?;
        Ok(ldap.unbind().await?)
    }

    /// Replace one attribute's value as administrator.
    pub async fn set(&self, dn: &str, attribute: &str, value: &str) -> Result<()> {
        self.modify(dn, vec![Mod::Replace(attribute.into(), [value.as_bytes().to_vec()].into())]).await
    }

    /// Put somebody into a group as administrator.
    pub async fn add_member(&self, group: &str, member: &str) -> Result<()> {
        self.modify(group, vec![Mod::Add("member".into(), [member.as_bytes().to_vec()].into())]).await
    }

    pub async fn remove_member(&self, group: &str, member: &str) -> Result<()> {
        self.modify(group, vec![Mod::Delete("member".into(), [member.as_bytes().to_vec()].into())]).await
    }

    /// Set a password as administrator, past history and minimum age.
    pub async fn set_password(&self, dn: &str, password: &str) -> Result<()> {
        let quoted = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        self.modify(dn, vec![Mod::Replace(b"unicodePwd".to_vec(), [quoted].into())]).await
    }

    /// The entry of a sign-in name with `attributes`, as administrator.
    pub async fn entry(&self, sign_in_name: &str, attributes: &[&str]) -> Result<SearchEntry> {
        let mut ldap = self.admin().await?;
        let filter = format!("(sAMAccountName={})", ldap3::ldap_escape(sign_in_name));
        let (mut found, _) = ldap.search(&self.base_dn, Scope::Subtree, &filter, attributes.to_vec()).await?.success()?;
        ldap.unbind().await?;
        found.pop().map(SearchEntry::construct).with_context(|| format!("nobody is called {sign_in_name}"))
    }

    pub async fn dn(&self, sign_in_name: &str) -> Result<String> {
        Ok(self.entry(sign_in_name, &["1.1"]).await?.dn)
    }

    async fn connect(&self) -> Result<Ldap> {
        program::connect(&self.ldaps_url, &self.tls).await
    }
}
