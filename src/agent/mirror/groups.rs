//! Who is in which of the groups that matter: those that decide who is served, those that protect, and those that the cloud is told.
//!
//! Read as a whole, from the groups' side, because a change of a membership changes nobody's own entry. People who are in the same
//! groups share one list, so a hundred thousand of them take two or three megabytes.

use std::collections::HashMap;

use anyhow::{Result, bail};
use uuid::Uuid;

use crate::{
    agent::directory::{
        dn,
        people::{Group, People},
    },
    base::config,
    wire::{message, sha256},
};

/// Groups by their DN, as the settings name them.
#[derive(Debug, Clone, Hash)]
pub(super) struct Wanted {
    allow: Vec<String>,
    deny: Vec<String>,
    tell: Vec<String>,
}

impl Wanted {
    pub(super) fn new(settings: &config::Agent) -> Self {
        Self { allow: settings.allow_groups.clone(), deny: settings.deny_groups.clone(), tell: settings.mirror_groups.clone() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Why {
    Allow,
    Deny,
    Tell,
}

#[derive(Debug, Clone, Default)]
struct Set {
    allowed: bool,
    denied: bool,
    protected: bool,
    /// Those that are told.
    groups: Vec<Uuid>,
    digest: u32,
}

/// As last read.
pub(super) struct Memberships {
    everybody: bool,
    pub(super) told: Vec<message::Group>,
    sets: Vec<Set>,
    of: HashMap<Uuid, u32>,
}

impl Memberships {
    pub(super) async fn read(directory: &impl People, wanted: &Wanted) -> Result<Self> {
        let mut all = Self { everybody: wanted.allow.is_empty(), told: Vec::new(), sets: vec![Set::default()], of: HashMap::new() };
        for (why, setting, dns) in [
            (Why::Allow, "agent.allow_groups", &wanted.allow),
            (Why::Deny, "agent.deny_groups", &wanted.deny),
            (Why::Tell, "agent.mirror_groups", &wanted.tell),
        ] {
            for name in dns {
                let mut groups = directory.groups(name).await?;
                if why != Why::Tell {
                    groups.retain(|group| dn::is_same(&group.dn, name));
                    if groups.is_empty() {
                        bail!("{setting}: there is no group {name:?}");
                    }
                }
                for group in groups {
                    all.add(directory, why, &group).await?;
                }
            }
        }
        all.put(&mut HashMap::new(), directory.powerful().await?, |set| set.protected = true);
        all.told.sort_by_key(|group| group.guid);
        for set in &mut all.sets {
            set.groups.sort_unstable();
            let groups = set.groups.iter().flat_map(|guid| *guid.as_bytes());
            let bytes: Vec<u8> = groups.chain(set.protected.then_some(1)).collect();
            set.digest = u32::from_be_bytes(sha256(&bytes)[..4].try_into()?);
        }
        Ok(all)
    }

    async fn add(&mut self, directory: &impl People, why: Why, group: &Group) -> Result<()> {
        if why == Why::Tell {
            if self.told.iter().any(|told| told.guid == group.guid) {
                return Ok(());
            }
            if self.told.len() == message::MIRROR_GROUPS {
                tracing::error!(directory.group = %group.dn, "agent.mirror_groups: more than {} groups; this one is left out", message::MIRROR_GROUPS);
                return Ok(());
            }
            self.told.push(message::Group { guid: group.guid, name: super::telling::plain(&group.name) });
        }
        let (mut moved, mut cookie) = (HashMap::new(), Vec::new());
        loop {
            let page = directory.members(group, cookie).await?;
            self.put(&mut moved, page.guids, |set| match why {
                Why::Allow => set.allowed = true,
                Why::Deny => set.denied = true,
                Why::Tell => set.groups.push(group.guid),
            });
            cookie = page.cookie;
            if cookie.is_empty() {
                return Ok(());
            }
        }
    }

    /// From the set each was in to the one with this change: `moved` knows which that is.
    fn put(&mut self, moved: &mut HashMap<u32, u32>, guids: Vec<Uuid>, change: impl Fn(&mut Set)) {
        for guid in guids {
            let old = self.of.get(&guid).copied().unwrap_or(0);
            if moved.values().any(|new| *new == old) {
                continue;
            }
            let new = *moved.entry(old).or_insert_with(|| {
                let mut set = self.sets[old as usize].clone();
                change(&mut set);
                self.sets.push(set);
                u32::try_from(self.sets.len() - 1).unwrap_or(0)
            });
            self.of.insert(guid, new);
        }
    }

    fn set(&self, guid: Uuid) -> &Set {
        &self.sets[self.of.get(&guid).map_or(0, |set| *set as usize)]
    }

    pub(super) fn serves(&self, guid: Uuid) -> bool {
        let set = self.set(guid);
        (self.everybody || set.allowed) && !set.denied
    }

    /// Never served, whatever their own entry says.
    pub(super) fn protects(&self, guid: Uuid) -> bool {
        self.set(guid).protected
    }

    pub(super) fn groups(&self, guid: Uuid) -> &[Uuid] {
        &self.set(guid).groups
    }

    pub(super) fn digest(&self, guid: Uuid) -> u32 {
        self.set(guid).digest
    }
}
