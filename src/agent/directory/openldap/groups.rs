//! Who is in which group, however nested: walked upwards from the account, because OpenLDAP follows no chain by itself.

use std::collections::HashSet;

use ldap3::{Scope, ldap_escape};

use super::{
    super::{Account, Trouble, answer::answered, dn, link::Session, missing},
    OpenLdap, look, search,
};

/// More groups than anybody is in; a directory that names more is not believed.
const MOST: usize = 1000;

/// Groups by their DN. No allowed one: everybody is served.
#[derive(Debug, Default)]
pub(super) struct Groups {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl OpenLdap {
    /// Serve by group, too.
    #[must_use]
    pub fn with_groups(mut self, allow: &[String], deny: &[String]) -> Self {
        self.groups = Groups { allow: allow.to_vec(), deny: deny.to_vec() };
        self
    }

    pub(super) async fn find_groups(&self) -> Result<(), Trouble> {
        let settings = [
            ("agent.allow_groups", &self.groups.allow),
            ("agent.deny_groups", &self.groups.deny),
            ("agent.directory.openldap.protected_groups", &self.settings.protected_groups),
        ];
        for (setting, groups) in settings {
            for group in groups {
                if !self.links.jobs.ask(None, async |mut session| is_group(&mut session, group).await).await? {
                    return Err(missing(setting, &format!("group {group:?}")));
                }
            }
        }
        Ok(())
    }

    pub(super) async fn is_served_by_group(&self, account: &Account) -> Result<bool, Trouble> {
        if self.groups.allow.is_empty() && self.groups.deny.is_empty() {
            return Ok(true);
        }
        self.links.jobs.ask(Some(account.guid), async |session| self.is_served_at(session, account).await).await
    }

    async fn is_served_at(&self, mut session: Session, account: &Account) -> Result<bool, Trouble> {
        let Groups { allow, deny } = &self.groups;
        for group in deny {
            if !is_group(&mut session, group).await? {
                tracing::error!(directory.group = %group, "a group of agent.deny_groups is gone; refusing everybody");
                return Ok(false);
            }
        }
        let mine = self.groups_of(&mut session, account).await?;
        let is_in = |groups: &[String]| groups.iter().any(|group| mine.iter().any(|one| dn::is_same(one, group)));
        Ok(!is_in(deny) && (allow.is_empty() || is_in(allow)))
    }

    /// A group that is gone protects everybody: fail safe.
    pub(super) async fn is_in_any(&self, session: &mut Session, account: &Account, groups: &[String]) -> Result<bool, Trouble> {
        for group in groups {
            if !is_group(session, group).await? {
                tracing::error!(directory.group = %group, "a group of protected_groups is gone; everybody is taken for protected");
                return Ok(true);
            }
        }
        let mine = self.groups_of(session, account).await?;
        Ok(groups.iter().any(|group| mine.iter().any(|one| dn::is_same(one, group))))
    }

    /// The names of all groups that hold the account, directly or through groups.
    async fn groups_of(&self, session: &mut Session, account: &Account) -> Result<Vec<String>, Trouble> {
        // What the server works out itself (dynamic groups) is in no list of members.
        let entry = look(session, &account.dn, &["memberOf"]).await?;
        let mut next: Vec<String> = entry.map(|entry| entry.texts("memberOf").to_vec()).unwrap_or_default();
        next.extend(self.holding(session, &account.dn, Some(&account.sam)).await?);
        let (mut seen, mut groups) = (HashSet::new(), Vec::new());
        while let Some(group) = next.pop() {
            if !seen.insert(group.to_lowercase()) {
                continue;
            }
            if groups.len() >= MOST {
                return Err(answered(0, "an account is in more groups than anybody is in"));
            }
            next.extend(self.holding(session, &group, None).await?);
            groups.push(group);
        }
        Ok(groups)
    }

    /// Groups that list `name` as a member; POSIX groups list sign-in names.
    async fn holding(&self, session: &mut Session, name: &str, user_name: Option<&str>) -> Result<Vec<String>, Trouble> {
        let escaped = ldap_escape(name);
        let posix =
            user_name.filter(|name| !name.is_empty()).map(|name| format!("(&(objectClass=posixGroup)(memberUid={}))", ldap_escape(name)));
        let filter = format!("(|(member={escaped})(uniqueMember={escaped}){})", posix.unwrap_or_default());
        let found = search(session, &self.base_dn, Scope::Subtree, &filter, &["1.1"]).await?;
        Ok(found.into_iter().map(|entry| entry.dn().to_owned()).collect())
    }
}

async fn is_group(session: &mut Session, name: &str) -> Result<bool, Trouble> {
    let entry = match look(session, name, &["objectClass"]).await {
        // A name that is none.
        Err(Trouble::Answered { code: 34, .. }) => None,
        other => other?,
    };
    Ok(entry.is_some_and(|entry| entry.texts("objectClass").iter().any(|class| class.to_ascii_lowercase().contains("group"))))
}
