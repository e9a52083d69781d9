//! Active Directory's people for the mirror.
//!
//! Changes are found by uSNChanged, over the whole domain and not only in the served part: so whoever moved out of it is seen where
//! they are now, as are groups and units whose change carries people along that did not change themselves. DirSync was measured
//! beside it (Samba 4.17, 4.24) and left: it tells names of what changed but not the rest, so everybody is read a second time; without
//! a right that also opens confidential attributes it shows no deletions either; and where the account may read the deleted objects, a
//! plain search shows them as well. What no search can show (deletions without that right) the mirror finds by its census.

use std::{collections::HashSet, sync::PoisonError, time::Duration};

use ldap3::{
    Scope,
    controls::{ControlType, PagedResults, RawControl},
    ldap_escape,
};
use uuid::Uuid;

use super::{
    Trouble,
    ad::Ad,
    answered,
    attributes::{Entry, filetime, seconds},
    dn,
    link::{ANSWER, Session},
    people::{Group, Guids, Mark, Page, People, bound, unbound},
    sd::{self, IN_CHAIN, Sid},
};
use crate::wire::message::{MIRROR_BATCH, Person};

const PAGE: Duration = Duration::from_secs(30);
/// LDAP_SERVER_EXTENDED_DN_OID with the readable form (MS-ADTS 3.1.1.3.4.1.5): names come with the ids of their objects.
const EXTENDED_DN: (&str, [u8; 5]) = ("1.2.840.113556.1.4.529", [0x30, 0x03, 0x02, 0x01, 0x01]);
/// LDAP_SERVER_SHOW_DELETED_OID; shows nothing more to an account that may not read them.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
const PERSON: [&str; 13] = [
    "objectGUID",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "displayName",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
    "accountExpires",
    "primaryGroupID",
    "isDeleted",
    EXPIRES,
];
/// Constructed by the controller from the password's age and the policy that holds (MS-ADTS 3.1.1.4.5.34): FILETIME; never is the highest
/// number, and 0 that it must be changed at the next sign-in.
const EXPIRES: &str = "msDS-UserPasswordExpiryTimeComputed";
const IS_PERSON: &str = "(objectCategory=person)(objectClass=user)";

impl People for Ad {
    async fn mark(&self) -> Result<Mark, Trouble> {
        let read = async |mut session: Session| {
            let root = one(&mut session, "", &["dsServiceName", "highestCommittedUSN"]).await?.ok_or_else(|| answered(32, "no rootDSE"))?;
            let service = root.text("dsServiceName").unwrap_or_default();
            // Changes when a controller was restored from a backup: its old USNs mean nothing then.
            let entry = one(&mut session, service, &["invocationId"]).await?;
            let invocation = entry.as_ref().and_then(|entry| entry.bytes("invocationId")).unwrap_or_default();
            let server = format!("{} {service} {}", session.server.name, data_encoding::HEXLOWER.encode(invocation));
            Ok(Mark { server, at: root.number("highestCommittedUSN").to_string() })
        };
        let mark = self.mirror.ask(None, read).await?;
        *self.marked.lock().unwrap_or_else(PoisonError::into_inner) = Some(controller(&mark).to_owned());
        Ok(mark)
    }

    async fn page(&self, since: Option<&Mark>, cookie: Vec<u8>) -> Result<Page, Trouble> {
        let Some(since) = since else {
            let marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (entries, cookie) =
                self.search(marked.as_deref(), &self.users_dn, &format!("(&{IS_PERSON})"), &self.names(), cookie, &[]).await?;
            let now = filetime(self.time.now());
            return Ok(Page { people: entries.iter().filter_map(|entry| self.person(entry, now)).collect(), cookie, ..Page::default() });
        };
        let from = since.at.parse::<i64>().unwrap_or(0).saturating_add(1);
        let others = "(objectClass=group)(objectClass=organizationalUnit)(objectClass=container)(isDeleted=TRUE)";
        let filter = format!("(&(uSNChanged>={from})(|(&{IS_PERSON}){others}))");
        let (entries, cookie) =
            self.search(Some(controller(since)), &self.base_dn, &filter, &self.names(), cookie, &[SHOW_DELETED]).await?;
        let mut page = Page { cookie, ..Page::default() };
        let now = filetime(self.time.now());
        for entry in entries {
            let Some(guid) = entry.guid() else { continue };
            let is = |class: &str| entry.texts("objectClass").iter().any(|name| name.eq_ignore_ascii_case(class));
            if entry.flag("isDeleted") {
                page.gone.push(guid);
                page.shifted |= is("group");
            } else if !is("user") {
                page.shifted = true;
            } else if let Some(person) = self.person(&entry, now) {
                page.people.push(person);
            } else {
                page.gone.push(guid);
            }
        }
        Ok(page)
    }

    async fn people(&self, guids: &[Uuid]) -> Result<Vec<Person>, Trouble> {
        let ids = guids.iter().map(|guid| format!("(objectGUID={})", escaped(*guid))).collect::<Vec<_>>().concat();
        let (entries, _) = self.search(None, &self.users_dn, &format!("(&{IS_PERSON}(|{ids}))"), &self.names(), Vec::new(), &[]).await?;
        let now = filetime(self.time.now());
        Ok(entries.iter().filter_map(|entry| self.person(entry, now)).collect())
    }

    async fn census(&self, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        self.guids(&format!("(&{IS_PERSON})"), cookie).await
    }

    async fn groups(&self, dn: &str) -> Result<Vec<Group>, Trouble> {
        match self.all(dn, "(objectClass=group)", &["objectGUID", "sAMAccountName"]).await {
            // No such object, or a name of a form that the server does not take.
            Err(Trouble::Answered { code: 32 | 34, .. }) => Ok(Vec::new()),
            found => Ok(found?.iter().filter_map(group).collect()),
        }
    }

    async fn powerful(&self) -> Result<Vec<Uuid>, Trouble> {
        let domain = self.look_over(&self.mirror, &self.base_dn, &["objectSid"]).await?;
        let domain = domain.as_ref().and_then(|domain| Sid::read(domain.bytes("objectSid")?));
        let domain = domain.ok_or_else(|| answered(0, "agent.directory.base_dn is no domain: it has no objectSid"))?;
        // From the groups' side, where a few have members: to ask of everybody whether their groups lead there takes minutes in a large domain.
        let (mut next, mut seen, mut found) = (vec![sd::administering(&domain)], HashSet::new(), Vec::new());
        while let Some(which) = next.pop() {
            let filter = format!("(&(objectClass=group)(member=*){which})");
            for entry in self.all(&self.base_dn, &filter, &["objectGUID", "sAMAccountName", "member"]).await? {
                let Some(group) = group(&entry).filter(|group| seen.insert(group.guid)) else { continue };
                let members = entry.texts("member");
                found.extend(members.iter().filter_map(|name| extended_guid(name)));
                if members.is_empty() {
                    // More than the server tells at once.
                    found.extend(self.every(&self.inside(&group).await?).await?);
                } else {
                    next.push(format!("(memberOf={})", ldap_escape(group.dn)));
                }
            }
        }
        // Whose primary group it is, stands in no list of members.
        let primary = format!("(&{IS_PERSON}{})", sd::administering_primarily());
        found.extend(self.every(&primary).await?);
        Ok(found)
    }

    async fn members(&self, group: &Group, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        self.guids(&self.inside(group).await?, cookie).await
    }
}

impl Ad {
    /// What is read of a person.
    fn names(&self) -> Vec<&str> {
        let chosen = &self.attributes;
        let chosen = [&chosen.mail, &chosen.private_mail, &chosen.mobile, &chosen.manager, &chosen.language];
        PERSON.into_iter().chain(chosen.into_iter().map(String::as_str).filter(|name| !name.is_empty())).collect()
    }

    /// `None` when it is not in the served part. `now`: FILETIME.
    fn person(&self, entry: &Entry, now: i64) -> Option<Person> {
        if !dn::is_below(plain_dn(entry.dn()), &self.users_dn) {
            return None;
        }
        let account = entry.account(now)?;
        let text = |name: &str| entry.text(name).filter(|_| !name.is_empty()).map(str::to_owned);
        let chosen = &self.attributes;
        Some(Person {
            guid: account.guid,
            enabled: !account.disabled && !account.expired,
            protected: account.protected,
            mail: text(&chosen.mail),
            private_mail: text(&chosen.private_mail),
            mobile: text(&chosen.mobile),
            language: text(&chosen.language),
            manager: text(&chosen.manager).and_then(|dn| extended_guid(&dn)),
            sign_in_name: account.sam,
            principal_name: account.principal,
            display_name: account.display_name,
            groups: Vec::new(),
            password_expires_at: expires(entry.number(EXPIRES)),
        })
    }

    /// A filter for the people in a group. A primary group lists no members: whoever has this group, or one in it, as primary group counts too.
    async fn inside(&self, group: &Group) -> Result<String, Trouble> {
        let inside = format!("(memberOf:{IN_CHAIN}:={})", ldap_escape(group.dn.as_str()));
        let filter = format!("(&(objectClass=group)(|(objectGUID={}){inside}))", escaped(group.guid));
        let (tokens, _) = self.search(None, &self.base_dn, &filter, &["primaryGroupToken"], Vec::new(), &[]).await?;
        let primary =
            tokens.iter().map(|entry| format!("(primaryGroupID={})", entry.bits("primaryGroupToken"))).collect::<Vec<_>>().concat();
        Ok(format!("(&{IS_PERSON}(|{inside}{primary}))"))
    }

    /// Everybody whom this filter finds.
    async fn every(&self, filter: &str) -> Result<Vec<Uuid>, Trouble> {
        let found = self.all(&self.users_dn, filter, &["objectGUID"]).await?;
        Ok(found.iter().filter_map(Entry::guid).collect())
    }

    /// Page after page.
    async fn all(&self, base: &str, filter: &str, names: &[&str]) -> Result<Vec<Entry>, Trouble> {
        let (mut all, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let (entries, next) = self.search(None, base, filter, names, cookie, &[]).await?;
            all.extend(entries);
            if next.is_empty() {
                return Ok(all);
            }
            cookie = next;
        }
    }

    async fn guids(&self, filter: &str, cookie: Vec<u8>) -> Result<Guids, Trouble> {
        let (entries, cookie) = self.search(None, &self.users_dn, filter, &["objectGUID"], cookie, &[]).await?;
        Ok(Guids { guids: entries.iter().filter_map(Entry::guid).collect(), cookie })
    }

    /// One page of a search over the mirror's connection, at the controller `at`; the next ones at the one that gave the cookie,
    /// which means nothing to others.
    async fn search(
        &self,
        at: Option<&str>,
        base: &str,
        filter: &str,
        names: &[&str],
        cookie: Vec<u8>,
        controls: &[&str],
    ) -> Result<(Vec<Entry>, Vec<u8>), Trouble> {
        let (server, cookie) = unbound(cookie);
        let mut session = match server.as_deref().or(at) {
            Some(server) => self.mirror.session_on(server).await?,
            None => self.mirror.session().await?,
        };
        let size = i32::try_from(MIRROR_BATCH).unwrap_or(i32::MAX);
        let mut all = vec![
            RawControl::from(PagedResults { size, cookie }),
            RawControl { ctype: EXTENDED_DN.0.to_owned(), crit: true, val: Some(EXTENDED_DN.1.to_vec()) },
        ];
        all.extend(controls.iter().map(|oid| RawControl { ctype: (*oid).to_owned(), crit: true, val: None }));
        session.ldap.with_controls(all);
        let (entries, result) = match session.search(base, Scope::Subtree, filter, names, PAGE).await {
            Ok(found) => found,
            Err(trouble) => {
                self.mirror.broken(&session).await;
                return Err(trouble);
            }
        };
        if result.rc != 0 {
            return Err(answered(result.rc, &result.text));
        }
        let control = result.ctrls.iter().find(|control| matches!(control.0, Some(ControlType::PagedResults)));
        let next = control.map(|control| control.1.parse::<PagedResults>().cookie).unwrap_or_default();
        Ok((entries, bound(&session.server.name, &next)))
    }
}

fn group(entry: &Entry) -> Option<Group> {
    let name = entry.text("sAMAccountName").unwrap_or_default().to_owned();
    Some(Group { guid: entry.guid()?, name, dn: plain_dn(entry.dn()).to_owned() })
}

/// One entry.
async fn one(session: &mut Session, base: &str, names: &[&str]) -> Result<Option<Entry>, Trouble> {
    Ok(session.search(base, Scope::Base, "(objectClass=*)", names, ANSWER).await?.0.into_iter().next())
}

/// Seconds since 1970 of a FILETIME at which something ends.
fn expires(at: i64) -> Option<i64> {
    (at > 0 && at < i64::MAX).then(|| seconds(at))
}

/// Whose place in history this is.
fn controller(mark: &Mark) -> &str {
    mark.server.split(' ').next().unwrap_or_default()
}

/// As a filter wants the bytes of an objectGUID.
fn escaped(guid: Uuid) -> String {
    guid.to_bytes_le().iter().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Of `<GUID=…>;<SID=…>;CN=…` the name. What stands before it is the server's, and the name cannot begin with `<`.
fn plain_dn(extended: &str) -> &str {
    let mut rest = extended;
    while rest.starts_with('<') {
        let Some((_, after)) = rest.split_once(">;") else { return rest };
        rest = after;
    }
    rest
}

/// Of `<GUID=…>;…` the id.
fn extended_guid(extended: &str) -> Option<Uuid> {
    extended.strip_prefix("<GUID=")?.split_once('>')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_with_ids() {
        let guid = "405b0385-5eda-43a6-8449-eecdc2b45de2";
        let name = format!("<GUID={guid}>;<SID=S-1-5-21-1-2-3-1125>;CN=a\\>\\;b,DC=x");
        assert_eq!((plain_dn(&name), extended_guid(&name)), ("CN=a\\>\\;b,DC=x", guid.parse().ok()));
        assert_eq!((plain_dn("CN=a,DC=x"), extended_guid("CN=<GUID=x>,DC=x")), ("CN=a,DC=x", None));
        assert_eq!(escaped(guid.parse().unwrap()), r"\85\03\5b\40\da\5e\a6\43\84\49\ee\cd\c2\b4\5d\e2");
    }
}
