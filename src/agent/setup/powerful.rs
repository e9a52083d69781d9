//! Who administers the domain by a group, and so is never served, whatever their own entry says.

use std::collections::HashSet;

use ldap3::{Scope, ldap_escape};

use super::{finding::Finding, ldap::Probe};
use crate::{
    agent::directory::sd::{self, Sid},
    base::config,
};

/// More than any domain has of either.
const GROUPS: usize = 10_000;
const PEOPLE: usize = 100_000;

/// Their names, as the directory writes them; others than people may be among them. From the groups' side, as the mirror does.
pub(super) async fn powerful(probe: &mut Probe, settings: &config::Directory) -> Result<HashSet<String>, Finding> {
    let domain = probe.read(&settings.base_dn, &["objectSid"]).await?;
    let Some(domain) = domain.and_then(|domain| domain.bytes("objectSid").first().and_then(|sid| Sid::read(sid))) else {
        return Ok(HashSet::new());
    };
    let (mut next, mut seen, mut found) = (vec![sd::administering(&domain)], HashSet::new(), HashSet::new());
    while let Some(which) = next.pop() {
        let filter = format!("(&(objectClass=group)(member=*){which})");
        let (groups, _) = probe.search(&settings.base_dn, Scope::Subtree, &filter, &["member"], GROUPS).await?;
        for group in groups.iter().filter(|group| seen.insert(group.dn().to_owned())) {
            found.extend(group.texts("member").iter().cloned());
            next.push(format!("(memberOf={})", ldap_escape(group.dn())));
        }
    }
    // Whose primary group it is, stands in no list of members.
    let filter = format!("(&(objectCategory=person)(objectClass=user){})", sd::administering_primarily());
    let (people, _) = probe.search(&settings.users_dn, Scope::Subtree, &filter, &["1.1"], PEOPLE).await?;
    found.extend(people.iter().map(|person| person.dn().to_owned()));
    Ok(found)
}
