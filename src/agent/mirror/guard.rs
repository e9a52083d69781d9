//! Holds back the removal of very many people at once.
//!
//! A mistyped unit, a lost right to read or an emptied group looks like everybody's leaving; and who is removed in the cloud loses what
//! they had registered there. So when more are missing than is usual, nobody is removed until an administrator says that it is meant
//! (`sspr agent mirror --accept-removals`) or they are back. Everything else goes on meanwhile.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    agent::{
        audit::{Audit, Entry},
        state,
    },
    base::config,
};

const HELD: &str = "mirror.held";
const ACCEPTED: &str = "mirror.accepted";

/// `mirror.held`: who should be removed and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub people: usize,
    /// How many are known to the cloud.
    pub known: usize,
    /// Seconds since 1970.
    pub since: i64,
}

/// `mirror.accepted`: so many may be removed.
#[derive(Serialize, Deserialize)]
struct Accepted {
    people: usize,
}

/// What is held back by the agent of this directory.
pub fn held(dir: &Path) -> Result<Option<Held>> {
    read(&dir.join(HELD))
}

/// Let the agent of this directory remove as many as it holds back now; `None`: it holds nobody back.
pub fn accept(dir: &Path) -> Result<Option<Held>> {
    let held = held(dir)?;
    if let Some(held) = &held {
        state::write(&dir.join(ACCEPTED), &serde_json::to_vec(&Accepted { people: held.people })?)?;
    }
    Ok(held)
}

/// Whether it was said already, and not done yet.
pub fn is_accepted(dir: &Path) -> bool {
    dir.join(ACCEPTED).exists()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

pub(super) struct Guard {
    dir: PathBuf,
    percent: usize,
    people: usize,
    pub(super) audit: Option<Arc<Audit>>,
}

impl Guard {
    pub(super) fn new(settings: &config::Agent) -> Self {
        let config::Agent { mirror_max_removal_percent, mirror_max_removals, state_dir, .. } = settings;
        Self { dir: state_dir.clone(), percent: usize::from(*mirror_max_removal_percent), people: *mirror_max_removals, audit: None }
    }

    /// That nobody is left is too many, however few they were: it is what a search that finds nobody by mistake looks like.
    fn is_too_many(&self, people: usize, known: usize, left: usize) -> bool {
        let nobody_is_left = people > 0 && left == 0 && self.percent < 100;
        nobody_is_left || (people > self.people && people.saturating_mul(100) > known.saturating_mul(self.percent))
    }

    /// Whether so many of those that are `known` may be removed, after which so many are `left`, newcomers among them. If not, that is said
    /// and kept. `now`: seconds since 1970.
    pub(super) async fn allows(&self, people: usize, (known, left): (usize, usize), now: i64) -> Result<bool> {
        let before = held(&self.dir)?;
        // Others who came meanwhile, from a mistyped unit perhaps, do not make it a smaller share.
        let known = before.as_ref().map_or(known, |before| before.known.min(known));
        if !self.is_too_many(people, known, left) {
            return Ok(true);
        }
        // As many as the administrator was told, and what is usual beside.
        if read::<Accepted>(&self.dir.join(ACCEPTED))?.is_some_and(|accepted| people <= accepted.people.saturating_add(self.people)) {
            tracing::warn!(mirror.gone = people, mirror.known = known, "removing very many people, as an administrator accepted");
            self.note(now, Entry::RemovalsAccepted { people, known }).await;
            return Ok(true);
        }
        if before.as_ref().is_none_or(|before| (before.people, before.known) != (people, known)) {
            tracing::error!(
                mirror.gone = people,
                mirror.known = known,
                "very many people are missing in the directory: nobody is removed in the cloud until that is confirmed. If it is meant: sspr agent mirror --accept-removals; else look at agent.directory.users_dn, allow_groups, and the account's right to read"
            );
            if before.is_none() {
                self.note(now, Entry::RemovalsHeld { people, known }).await;
            }
            let held = Held { people, known, since: before.map_or(now, |before| before.since) };
            state::write(&self.dir.join(HELD), &serde_json::to_vec(&held)?)?;
        }
        Ok(false)
    }

    /// Whoever was to be removed is.
    pub(super) fn is_over(&self) -> Result<()> {
        for (name, was) in [(ACCEPTED, false), (HELD, true)] {
            match fs::remove_file(self.dir.join(name)) {
                Ok(()) if was => tracing::info!("nobody's removal is held back any more"),
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("removing {name} from the state directory")),
            }
        }
        Ok(())
    }

    async fn note(&self, now: i64, entry: Entry) {
        if let Some(audit) = &self.audit {
            audit.note(now, entry).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_are_both_a_number_and_a_share() {
        let dir = tempfile::tempdir().unwrap();
        let guard = Guard { dir: dir.path().to_owned(), percent: 20, people: 100, audit: None };
        for (people, known, left, allowed) in [(100, 100, 1, true), (101, 505, 404, true), (2001, 10_000, 7999, false)] {
            assert_eq!(guard.allows(people, (known, left), 7).await.unwrap(), allowed, "{people} of {known}");
        }
        assert_eq!(held(dir.path()).unwrap(), Some(Held { people: 2001, known: 10_000, since: 7 }));
        assert!(!guard.allows(2001, (100_000, 97_999), 8).await.unwrap(), "newcomers");
        assert!(!is_accepted(dir.path()));
        assert!(accept(dir.path()).unwrap().is_some() && is_accepted(dir.path()));
        // Not for ever more than was seen.
        assert!(guard.allows(2101, (10_000, 9), 8).await.unwrap() && !guard.allows(2102, (10_000, 9), 8).await.unwrap());
        guard.is_over().unwrap();
        assert!(held(dir.path()).unwrap().is_none() && accept(dir.path()).unwrap().is_none() && !is_accepted(dir.path()));
        // Nobody would be left, however few they are; with others in their place they may go.
        for (people, left, allowed) in [(0, 0, true), (3, 1, true), (3, 0, false)] {
            assert_eq!(guard.allows(people, (3, left), 9).await.unwrap(), allowed, "{left} left");
        }
        guard.is_over().unwrap();
        let all = Guard { percent: 100, ..guard };
        assert!(all.allows(500, (500, 0), 9).await.unwrap(), "switched off");
    }
}
