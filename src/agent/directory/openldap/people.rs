//! OpenLDAP's people for the mirror.
//!
//! Changes are found by entryCSN, over the whole tree and not only in the served part, so whoever moved out of it is seen where they
//! are now. The history stands where contextCSN (of the syncprov overlay) says; without it, by our clock. A place in it, and a cookie between two
//! pages, are only ever used at the server that gave them: another one may have the same changes in another order, or not yet, and starts
//! a full pass. Changes of other providers
//! may arrive late, with numbers of before: the last minutes are always looked at once more. Deletions no search shows; when something
//! happened and nothing is to be seen, that is what it was.

use std::{
    collections::{HashMap, HashSet},
    sync::PoisonError,
    time::Duration,
};

use ldap3::{
    Scope,
    controls::{ControlType, PagedResults, RawControl},
    ldap_escape,
    result::SearchResult,
};
use uuid::Uuid;

use super::{
    super::{
        Trouble,
        answer::{answered, transport},
        attributes::{Entry, generalized},
        dn, missing,
        people::{Group, Guids, Mark, Page, People, bound, unbound},
    },
    OpenLdap,
    account::{STATE, entry_uuid, is_person},
};
use crate::wire::message::{MIRROR_BATCH, Person};

const PAGE: Duration = Duration::from_secs(30);
/// Seconds that a change may be late.
const LATE: i64 = 120;
/// Names that are asked for at once.
const ASKED: usize = 100;
/// More groups in a group than there are in any.
const MOST: usize = 1000;
const IS_PERSON: &str = "(objectClass=person)";
const IS_GROUP: &str = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=groupOfMembers))";

impl People for OpenLdap {
    async fn mark(&self) -> Result<Mark, Trouble> {
        // Of the database, whose top may be above the tree we know.
        let root = self.look(&self.links.mirror, "", &["namingContexts"]).await?;
        let tops = root.as_ref().map_or(&[][..], |root| root.texts("namingContexts"));
        let top = tops.iter().find(|top| dn::is_same(&self.base_dn, top) || dn::is_below(&self.base_dn, top));
        let top = top.map_or(self.base_dn.as_str(), String::as_str);
        let (found, server) = self.find_at(&self.links.mirror, top, Scope::Base, "(objectClass=*)", &["contextCSN"]).await?;
        let newest = found.into_iter().next().and_then(|entry| entry.texts("contextCSN").iter().max().cloned());
        let at = newest.unwrap_or_else(|| csn(self.time.now() - LATE));
        *self.marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.name.clone());
        Ok(Mark { server: server.name, at })
    }

    async fn page(&self, since: Option<&Mark>, cookie: Vec<u8>) -> Result<Page, Trouble> {
        let is_first = cookie.is_empty();
        let Some(since) = since else {
            // What everybody is like at the server from whose mark on changes will be asked for.
            let marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (entries, cookie) = self.pages(marked.as_deref(), &self.users_dn, IS_PERSON, &self.names(), cookie).await?;
            return Ok(Page { people: self.told(&entries).await?, cookie, ..Page::default() });
        };
        let from = csn(generalized(&format!("{}Z", since.at.get(..14).unwrap_or_default())).unwrap_or(0) - LATE);
        let filter = format!("(&(entryCSN>={from})(|{IS_PERSON}{IS_GROUP}(objectClass=organizationalUnit)))");
        let names: Vec<&str> = self.names().into_iter().chain(["entryCSN"]).collect();
        let (entries, cookie) = self.pages(Some(&since.server), &self.base_dn, &filter, &names, cookie).await?;
        let is_new = |entry: &Entry| entry.text("entryCSN").is_some_and(|csn| csn > since.at.as_str());
        let (people, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_person);
        // Something happened that left nothing to be seen.
        let is_hidden = is_first && cookie.is_empty() && !people.iter().chain(&others).any(is_new);
        let shifted = is_hidden || others.iter().any(is_new);
        let (here, elsewhere): (Vec<Entry>, Vec<Entry>) = people.into_iter().partition(|entry| dn::is_below(entry.dn(), &self.users_dn));
        let gone = elsewhere.iter().filter_map(entry_uuid).collect();
        Ok(Page { people: self.told(&here).await?, gone, shifted, cookie })
    }

    async fn people(&self, guids: &[Uuid]) -> Result<Vec<Person>, Trouble> {
        let ids = guids.iter().map(|guid| format!("(entryUUID={guid})")).collect::<Vec<_>>().concat();
        let (entries, _) = self.pages(None, &self.users_dn, &format!("(&{IS_PERSON}(|{ids}))"), &self.names(), Vec::new()).await?;
        self.told(&entries).await
    }

    async fn census(&self, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        let (entries, cookie) = self.pages(None, &self.users_dn, IS_PERSON, &["entryUUID"], cookie).await?;
        Ok(Guids { guids: entries.iter().filter_map(entry_uuid).collect(), cookie })
    }

    async fn groups(&self, dn: &str) -> Result<Vec<Group>, Trouble> {
        let (mut groups, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let (entries, next) = match self.pages(None, dn, IS_GROUP, &["entryUUID", "cn"], cookie).await {
                // No such object, or a name of a form that the server does not take.
                Err(Trouble::Answered { code: 32 | 34, .. }) => return Ok(Vec::new()),
                other => other?,
            };
            groups.extend(entries.iter().filter_map(|entry| {
                let name = entry.text("cn").unwrap_or_default().to_owned();
                Some(Group { guid: entry_uuid(entry)?, name, dn: entry.dn().to_owned() })
            }));
            cookie = next;
            if cookie.is_empty() {
                return Ok(groups);
            }
        }
    }

    async fn powerful(&self) -> Result<Vec<Uuid>, Trouble> {
        let mut found = Vec::new();
        for name in &self.settings.protected_groups {
            let group = self.groups(name).await?.into_iter().find(|group| dn::is_same(&group.dn, name));
            let group = group.ok_or_else(|| missing("agent.directory.openldap.protected_groups", &format!("group {name:?}")))?;
            found.extend(self.members(&group, Vec::new()).await?.guids);
        }
        Ok(found)
    }

    /// All at once: who is in a group is known only when all groups in it are.
    async fn members(&self, group: &Group, _: Vec<u8>) -> Result<Guids, Trouble> {
        let (mut next, mut groups, mut names, mut logins) = (vec![group.dn.clone()], HashSet::new(), Vec::new(), Vec::new());
        while !next.is_empty() {
            let mut found = Vec::new();
            for name in std::mem::take(&mut next) {
                if !groups.insert(name.to_lowercase()) {
                    continue;
                }
                if groups.len() > MOST {
                    return Err(answered(0, "a group holds more groups than there are"));
                }
                let entry = self.look(&self.links.mirror, &name, &["member", "uniqueMember", "memberUid"]).await?;
                let Some(entry) = entry else { continue };
                found.extend(["member", "uniqueMember"].into_iter().flat_map(|name| entry.texts(name).to_vec()));
                logins.extend(entry.texts("memberUid").to_vec());
            }
            next.extend(self.by_name(&self.base_dn, "entryDN", &found, IS_GROUP).await?.iter().map(|entry| entry.dn().to_owned()));
            names.extend(found);
        }
        let mut guids = HashSet::new();
        for (attribute, values) in [("entryDN", &names), (self.settings.user_name.as_str(), &logins)] {
            guids.extend(self.by_name(&self.users_dn, attribute, values, IS_PERSON).await?.iter().filter_map(entry_uuid));
        }
        Ok(Guids { guids: guids.into_iter().collect(), cookie: Vec::new() })
    }
}

impl OpenLdap {
    /// What is read of a person.
    fn names(&self) -> Vec<&str> {
        let chosen = &self.attributes;
        let chosen = [&self.settings.user_name, &chosen.mail, &chosen.private_mail, &chosen.mobile, &chosen.manager, &chosen.language];
        STATE.into_iter().chain(chosen.into_iter().map(String::as_str).filter(|name| !name.is_empty())).collect()
    }

    async fn told(&self, entries: &[Entry]) -> Result<Vec<Person>, Trouble> {
        let chosen = &self.attributes;
        let managers: HashSet<String> = match chosen.manager.as_str() {
            "" => HashSet::new(),
            name => entries.iter().filter_map(|entry| entry.text(name).map(str::to_owned)).collect(),
        };
        let managers: Vec<String> = managers.into_iter().collect();
        let managers: HashMap<String, Uuid> = self
            .by_name(&self.base_dn, "entryDN", &managers, IS_PERSON)
            .await?
            .iter()
            .filter_map(|entry| Some((entry.dn().to_lowercase(), entry_uuid(entry)?)))
            .collect();
        let apart = self.set_apart(entries).await?;
        let ages = self.ages(entries).await?;
        let now = self.time.now();
        let person = |entry: &Entry| {
            let account = self.account(entry, None, now);
            let text = |name: &str| entry.text(name).filter(|_| !name.is_empty()).map(str::to_owned);
            Person {
                guid: account.guid,
                enabled: !account.locked_for_good && !account.expired,
                protected: account.protected || apart.contains(&account.guid),
                mail: text(&chosen.mail),
                private_mail: text(&chosen.private_mail),
                mobile: text(&chosen.mobile),
                language: text(&chosen.language),
                manager: text(&chosen.manager).and_then(|name| managers.get(&name.to_lowercase()).copied()),
                sign_in_name: account.sam,
                principal_name: account.principal,
                display_name: account.display_name,
                groups: Vec::new(),
                password_expires_at: expires(entry, ages.get(entry.text("pwdPolicySubentry").unwrap_or_default()).copied()),
            }
        };
        Ok(entries.iter().filter(|entry| entry_uuid(entry).is_some()).map(person).collect())
    }

    /// How many seconds a password lives by each policy that holds for one of these, by its name; empty: that of all others. A policy that
    /// may not be read tells none.
    async fn ages(&self, entries: &[Entry]) -> Result<HashMap<String, u64>, Trouble> {
        let names: HashSet<&str> = entries.iter().map(|entry| entry.text("pwdPolicySubentry").unwrap_or_default()).collect();
        let mut ages = HashMap::new();
        for name in names {
            let own = (!name.is_empty()).then_some(name);
            let rules = self.links.mirror.ask(None, async |mut session| self.rules_at(&mut session, own).await).await;
            let rules = match rules {
                Err(Trouble::Answered { .. }) => None,
                other => other?,
            };
            ages.extend(rules.map(|rules| (name.to_owned(), rules.max_age)));
        }
        Ok(ages)
    }

    /// Whom of these the settings protect by filter; by groups, see [`People::powerful`].
    async fn set_apart(&self, entries: &[Entry]) -> Result<HashSet<Uuid>, Trouble> {
        let filter = &self.settings.protected_filter;
        if filter.is_empty() {
            return Ok(HashSet::new());
        }
        let names: Vec<String> = entries.iter().map(|entry| entry.dn().to_owned()).collect();
        let filter = if filter.starts_with('(') { filter.clone() } else { format!("({filter})") };
        Ok(self.by_name(&self.users_dn, "entryDN", &names, &filter).await?.iter().filter_map(entry_uuid).collect())
    }

    /// The entries whose `attribute` is one of `values`, among those that `filter` matches. (The server finds entries by entryDN as
    /// quickly as by base.)
    async fn by_name(&self, base: &str, attribute: &str, values: &[String], filter: &str) -> Result<Vec<Entry>, Trouble> {
        let mut all = Vec::new();
        for some in values.chunks(ASKED) {
            let any = some.iter().map(|value| format!("({attribute}={})", ldap_escape(value.as_str()))).collect::<Vec<_>>().concat();
            let (entries, _) = self.pages(None, base, &format!("(&{filter}(|{any}))"), &["entryUUID"], Vec::new()).await?;
            all.extend(entries);
        }
        Ok(all)
    }

    /// One page of a search over the mirror's connection, at the server `at`; the next ones at the one that gave the cookie.
    async fn pages(
        &self,
        at: Option<&str>,
        base: &str,
        filter: &str,
        names: &[&str],
        cookie: Vec<u8>,
    ) -> Result<(Vec<Entry>, Vec<u8>), Trouble> {
        const SIZE_LIMIT: u32 = 4;
        let (server, cookie) = unbound(cookie);
        let mut session = match server.as_deref().or(at) {
            Some(server) => self.links.mirror.session_on(server).await?,
            None => self.links.mirror.session().await?,
        };
        let size = i32::try_from(MIRROR_BATCH).unwrap_or(i32::MAX);
        session.ldap.with_controls(RawControl::from(PagedResults { size, cookie }));
        let answer = session.ldap.with_timeout(PAGE).search(base, Scope::Subtree, filter, names.to_vec()).await;
        let SearchResult(entries, result) = match answer {
            Ok(found) => found,
            Err(error) => {
                self.links.mirror.broken(&session).await;
                return Err(transport(error));
            }
        };
        match result.rc {
            0 => {}
            SIZE_LIMIT => {
                return Err(answered(SIZE_LIMIT, "the server shows our account only some of the people: olcLimits must allow it more"));
            }
            code => return Err(answered(code, &result.text)),
        }
        let control = result.ctrls.iter().find(|control| matches!(control.0, Some(ControlType::PagedResults)));
        let cookie = control.map(|control| control.1.parse::<PagedResults>().cookie).unwrap_or_default();
        Ok((entries.into_iter().filter_map(Entry::new).collect(), bound(&session.server.name, &cookie)))
    }
}

/// When a password of this age runs out; `None`: never, or its age is not known.
fn expires(entry: &Entry, age: Option<u64>) -> Option<i64> {
    let changed = entry.text("pwdChangedTime").and_then(generalized)?;
    let age = age.filter(|age| *age > 0).and_then(|age| i64::try_from(age).ok())?;
    changed.checked_add(age)
}

/// The first change sequence number of a second.
fn csn(seconds: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp(seconds.max(0)).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}.000000Z#000000#000#000000",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_changes_are_written_as_the_server_does() {
        assert_eq!(csn(1_795_383_296), "20261122213456.000000Z#000000#000#000000");
        assert_eq!(csn(-5), "19700101000000.000000Z#000000#000#000000");
    }
}
