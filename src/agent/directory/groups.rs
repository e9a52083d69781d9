//! Who is served by group: members of an allowed group, however nested, and of no denied one. The directory answers, each time anew.

use ldap3::Scope;

use super::{
    Account, Trouble,
    ad::Ad,
    answered,
    link::{ANSWER, Session},
    missing,
    sd::IN_CHAIN,
};

/// Groups by their DN. No allowed one: everybody is.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) allow: Vec<String>,
    pub(super) deny: Vec<String>,
}

impl Ad {
    /// Serve by group, too.
    #[must_use]
    pub fn with_groups(mut self, allow: &[String], deny: &[String]) -> Self {
        self.groups = Groups { allow: allow.to_vec(), deny: deny.to_vec() };
        self
    }

    /// Whether every group of the settings is there.
    pub(super) async fn find_groups(&self) -> Result<(), Trouble> {
        for (setting, groups) in [("agent.allow_groups", &self.groups.allow), ("agent.deny_groups", &self.groups.deny)] {
            for group in groups {
                if self.primary_token(group).await?.is_none() {
                    return Err(missing(setting, &format!("group {group:?}")));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn is_served_by_group(&self, account: &Account) -> Result<bool, Trouble> {
        for group in &self.groups.deny {
            let Some(token) = self.primary_token(group).await? else {
                tracing::error!(directory.group = %group, "a group of agent.deny_groups is gone; refusing everybody");
                return Ok(false);
            };
            if token == account.primary_group || self.is_member(account, group).await? {
                return Ok(false);
            }
        }
        for group in &self.groups.allow {
            let is_primary = self.primary_token(group).await?.is_some_and(|token| token == account.primary_group);
            if is_primary || self.is_member(account, group).await? {
                return Ok(true);
            }
        }
        Ok(self.groups.allow.is_empty())
    }

    /// By what its members' primaryGroupID names it, which is in no list of members; `None` when there is no such group.
    async fn primary_token(&self, group: &str) -> Result<Option<u32>, Trouble> {
        let entry = match self.look(group, &["objectClass", "primaryGroupToken"]).await {
            // A name of a form that the server does not take is no group either.
            Err(Trouble::Answered { code: 34, .. }) => None,
            other => other?,
        };
        let group = entry.filter(|entry| entry.texts("objectClass").iter().any(|class| class.eq_ignore_ascii_case("group")));
        Ok(group.map(|group| group.bits("primaryGroupToken")))
    }

    async fn is_member(&self, account: &Account, group: &str) -> Result<bool, Trouble> {
        let filter = format!("(memberOf:{IN_CHAIN}:={})", ldap3::ldap_escape(group));
        let base = super::ad::guid(account.guid);
        let question = async |mut session: Session| {
            let (found, result) = session.search(&base, Scope::Base, &filter, &["1.1"], ANSWER).await?;
            if result.rc == 0 { Ok(!found.is_empty()) } else { Err(answered(result.rc, &result.text)) }
        };
        self.jobs.ask(Some(account.guid), question).await
    }
}
