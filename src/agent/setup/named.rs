//! What else the settings name in the directory: groups, without which the agent does not start, and the canary.

use ldap3::Scope;
use uuid::Uuid;

use super::{
    finding::{Code, Finding},
    ldap::{Found, Probe},
};
use crate::{
    agent::{directory::dn, executor::CANARY},
    base::config::{self, DirectoryKind},
};

pub(super) async fn check(probe: &mut Probe, settings: &config::Agent) -> Result<Vec<Finding>, Finding> {
    let directory = &settings.directory;
    let is_ad = directory.kind == DirectoryKind::Ad;
    let mut groups = vec![("agent.allow_groups", &settings.allow_groups), ("agent.deny_groups", &settings.deny_groups)];
    if !is_ad {
        groups.push(("agent.directory.openldap.protected_groups", &directory.openldap.protected_groups));
    }
    let mut all = Vec::new();
    for (setting, groups) in groups {
        all.extend(groups.iter().map(|group| (setting, group.as_str())));
    }
    let mut found = Vec::new();
    for (setting, group) in all {
        let entry = probe.read(group, &["objectClass"]).await?;
        // As the agent looks at it.
        let is_group = |class: &String| if is_ad { class.eq_ignore_ascii_case("group") } else { class.to_lowercase().contains("group") };
        if !entry.is_some_and(|entry| entry.texts("objectClass").iter().any(is_group)) {
            let text = format!(
                "there is no group {group:?}, or the account may not see it: an agent does not start so, and one that runs serves nobody whom that group decides about."
            );
            found.push(
                Finding::new(Code::GroupMissing, setting, text)
                    .say("Give the group's distinguished name as the directory has it, or take it out of the settings."),
            );
        }
    }
    if let Ok(canary) = settings.canary.parse::<Uuid>() {
        found.extend(sings(probe, directory, canary).await?);
    }
    Ok(found)
}

/// Why the canary would not sing, if that shows.
async fn sings(probe: &mut Probe, directory: &config::Directory, canary: Uuid) -> Result<Option<Finding>, Finding> {
    const DISABLED: i64 = 2;
    let name = match directory.kind {
        DirectoryKind::Ad => "sAMAccountName",
        DirectoryKind::Openldap => directory.openldap.user_name.as_str(),
    };
    let names = [name, "userAccountControl"];
    let entry: Option<Found> = match directory.kind {
        DirectoryKind::Ad => probe.read(&format!("<GUID={canary}>"), &names).await?,
        DirectoryKind::Openldap => {
            probe.search(&directory.base_dn, Scope::Subtree, &format!("(entryUUID={canary})"), &names, 1).await?.0.pop()
        }
    };
    let why = match &entry {
        None => "there is no such account, or ours may not see it".to_owned(),
        Some(entry) if !dn::is_below(entry.dn(), &directory.users_dn) => format!("{:?} is not among those that are served", entry.dn()),
        Some(entry) if !entry.text(name).unwrap_or_default().to_lowercase().starts_with(CANARY) => {
            format!("the sign-in name of {:?} does not begin with {CANARY:?}, so it may be somebody's", entry.dn())
        }
        Some(entry) if entry.number("userAccountControl") & DISABLED != 0 => format!("{:?} is disabled", entry.dn()),
        Some(_) => return Ok(None),
    };
    Ok(Some(
        Finding::new(Code::CanaryUnusable, "agent.canary", format!("the canary will not sing: {why}."))
            .say("docs/operations.md, \"The canary\", says how to make one; give its objectGUID or entryUUID, or none."),
    ))
}
