//! The service account as the directory has it: who it is, and everything that it counts as when rights are looked up.

use ldap3::Scope;

use super::{
    finding::{Code, Finding},
    grants::Grantee,
    ldap::{Found, Probe},
};
use crate::{
    agent::directory::{
        ad,
        sd::{Sid, anybody},
    },
    base::config,
};

pub struct Own {
    pub dn: String,
    /// sAMAccountName.
    pub name: String,
    /// Itself, its groups however nested, and what everybody signed in counts as.
    pub token: Vec<Sid>,
    /// The groups that it is a direct member of.
    pub groups: Vec<String>,
    pub grantee: Grantee,
}

/// Whichever of its names it binds with.
pub async fn own(probe: &mut Probe, settings: &config::Directory, url: &str) -> Result<Own, Finding> {
    const NAMES: [&str; 4] = ["objectSid", "sAMAccountName", "userPrincipalName", "memberOf"];
    let bind = settings.bind_dn.as_str();
    let entry = if bind.contains('=') {
        probe.read(bind, &NAMES).await?
    } else {
        probe.search(&settings.base_dn, Scope::Subtree, &ad::named(bind), &NAMES, 2).await?.0.pop()
    };
    let unknown = |what: &str| {
        Finding::new(Code::RightUnknown, bind, format!("{what}, so its rights cannot be told.")).say(
            "Let the account read itself (Authenticated Users may by default), and give agent.directory.bind_dn as its distinguished name.",
        )
    };
    let entry = entry.ok_or_else(|| unknown("the account cannot find itself in the directory"))?;
    let sid = sids(&entry, "objectSid").pop().ok_or_else(|| unknown("the account may not read its own objectSid"))?;
    // Only a base search tells it.
    let mut token = match probe.read(entry.dn(), &["tokenGroups"]).await? {
        Some(groups) => sids(&groups, "tokenGroups"),
        None => Vec::new(),
    };
    token.push(sid.clone());
    token.extend(anybody());
    let name = entry.text("sAMAccountName").unwrap_or_default().to_owned();
    let domain = settings.base_dn.split(',').filter_map(|part| part.trim().get(3..)).collect::<Vec<_>>().join(".");
    let principal = entry.text("userPrincipalName").map_or_else(|| format!("{name}@{domain}"), str::to_owned);
    let grantee = Grantee { sid, principal, url: url.to_owned(), ca_file: settings.ca_file.display().to_string() };
    Ok(Own { dn: entry.dn().to_owned(), name, token, groups: entry.texts("memberOf").to_vec(), grantee })
}

pub(super) fn sids(entry: &Found, attribute: &str) -> Vec<Sid> {
    entry.bytes(attribute).into_iter().filter_map(Sid::read).collect()
}
