//! Who administers the domain by a group, and so is never served, whatever their own entry says.

use std::collections::HashSet;

use ldap3::{Scope, ldap_escape};

use super::{
    finding::Finding,
    ldap::{Found, Probe},
};
use crate::{
    agent::directory::sd::{IN_CHAIN, Sid},
    base::config,
};

/// More groups than there are of that kind, more people than administer anything.
const GROUPS: usize = 100;
const PEOPLE: usize = 20_000;

/// Their names, as the directory writes them.
pub(super) async fn powerful(probe: &mut Probe, settings: &config::Directory) -> Result<HashSet<String>, Finding> {
    let domain = probe.read(&settings.base_dn, &["objectSid"]).await?;
    let Some(domain) = domain.and_then(|domain| domain.bytes("objectSid").first().and_then(|sid| Sid::read(sid))) else {
        return Ok(HashSet::new());
    };
    let sids = Sid::administering(&domain).iter().map(|sid| format!("(objectSid={sid})")).collect::<Vec<_>>().concat();
    let names = ["primaryGroupToken"];
    let (groups, _) = probe.search(&settings.base_dn, Scope::Subtree, &format!("(&(objectClass=group)(|{sids}))"), &names, GROUPS).await?;
    let member = |group: &Found| {
        // Whose primary group it is, stands in no list of members.
        let token = group.text(names[0]).unwrap_or("0");
        format!("(memberOf:{IN_CHAIN}:={})(primaryGroupID={})", ldap_escape(group.dn()), ldap_escape(token))
    };
    let members = groups.iter().map(member).collect::<Vec<_>>().concat();
    let filter = format!("(&(objectCategory=person)(objectClass=user)(|{members}))");
    let (people, _) = probe.search(&settings.users_dn, Scope::Subtree, &filter, &["1.1"], PEOPLE).await?;
    Ok(people.iter().map(|person| person.dn().to_owned()).collect())
}
