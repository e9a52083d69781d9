//! The identity that counts, and the one that is to take its place.
//!
//! Both lie on the disk from before the cloud hears of the new one until the cloud has said which of them counts, so that no crash
//! and no lost answer leaves the agent with only a key that nobody knows.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::state;
use crate::{
    base::private,
    wire::keys::{Identity, fingerprint},
};

const CURRENT: &str = "identity.pkcs8";
const NEXT: &str = "identity-next.pkcs8";

pub struct Identities {
    /// `None`: never replaced.
    dir: Option<PathBuf>,
    held: RwLock<Held>,
}

struct Held {
    current: Arc<Identity>,
    next: Option<Arc<Identity>>,
}

impl Identities {
    /// One that is not to be replaced: of an agent that enrols.
    pub fn sole(identity: Arc<Identity>) -> Self {
        Self { dir: None, held: RwLock::new(Held { current: identity, next: None }) }
    }

    /// Those of a state directory.
    pub fn load(dir: &Path) -> Result<Self> {
        let current = read(&dir.join(CURRENT))?.with_context(|| format!("{} is missing", dir.join(CURRENT).display()))?;
        let next = match read(&dir.join(NEXT)) {
            Ok(next) => next,
            // Refused by the cloud and half wiped, or damaged: the one that counts is there.
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "ignoring an identity key that was to be the next");
                None
            }
        };
        let held = RwLock::new(Held { current: Arc::new(current), next: next.map(Arc::new) });
        Ok(Self { dir: Some(dir.to_owned()), held })
    }

    fn held(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What signs.
    pub fn current(&self) -> Arc<Identity> {
        self.held().current.clone()
    }

    /// What may count already, if the cloud's answer was lost.
    pub fn next(&self) -> Option<Arc<Identity>> {
        self.held().next.clone()
    }

    /// Seconds since 1970 at which the current one was made.
    pub fn made_at(&self) -> Option<i64> {
        let made = fs::metadata(self.dir.as_ref()?.join(CURRENT)).ok()?.modified().ok()?;
        i64::try_from(made.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    }

    /// The successor: that of an earlier try, or a new one. On the disk before this returns.
    pub fn prepare(&self) -> Result<Arc<Identity>> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = &held.next {
            return Ok(next.clone());
        }
        let dir = self.dir.as_ref().context("this identity is not to be replaced")?;
        let next = Identity::generate();
        state::write(&dir.join(NEXT), next.pkcs8())?;
        Ok(held.next.insert(Arc::new(next)).clone())
    }

    /// The cloud said that the successor counts.
    pub fn promote(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = held.next.take() else { return };
        tracing::warn!(
            agent.fingerprint_before = %fingerprint(held.current.public()),
            agent.fingerprint = %fingerprint(next.public()),
            "this agent has another identity key now"
        );
        held.current = next;
        let Some(dir) = &self.dir else { return };
        let moved = fs::rename(dir.join(NEXT), dir.join(CURRENT)).and_then(|()| private::sync_directory(dir));
        if let Err(error) = moved {
            // Both are still there; the next start finds out again which one counts.
            tracing::error!(error = %error, "the new identity key could not be moved into its place");
        }
    }

    /// The cloud refused the successor for good, and the current one proved that request: another may do.
    pub fn discard_next(&self) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let (Some(_), Some(dir)) = (held.next.take(), &self.dir) else { return };
        if let Err(error) = fs::remove_file(dir.join(NEXT)) {
            tracing::warn!(error = %error, "a refused identity key could not be removed");
        }
    }
}

/// The key in this file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Identity>> {
    let context = || format!("reading {}", path.display());
    let meta = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(context)?,
    };
    if let Some(mode) = private::open_to_others(&meta) {
        bail!("{} can be read by others (mode {mode}): take that away, and consider enrolling anew", path.display());
    }
    let der = Zeroizing::new(fs::read(path).with_context(context)?);
    Ok(Some(Identity::from_pkcs8(&der).with_context(|| format!("{} is damaged", path.display()))?))
}

/// The identity of an earlier try that was not answered, or a new one: so the cloud sees one agent, not two.
pub fn for_enrolment(dir: &Path) -> Result<Identity> {
    let path = dir.join(CURRENT);
    if path.exists() {
        return read(&path)?.with_context(|| format!("{} is damaged; remove it", path.display()));
    }
    let identity = Identity::generate();
    state::write(&path, identity.pkcs8())?;
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn both_keys_survive_a_crash_until_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        let first = for_enrolment(dir.path()).unwrap();
        let identities = Identities::load(dir.path()).unwrap();
        assert!(identities.next().is_none() && identities.made_at().is_some());
        let next = identities.prepare().unwrap();
        assert_eq!(identities.prepare().unwrap().public(), next.public(), "of one try, one key");
        let again = Identities::load(dir.path()).unwrap();
        assert_eq!((again.current().public(), again.next().unwrap().public()), (first.public(), next.public()));
        again.promote();
        assert_eq!(again.current().public(), next.public());
        let again = Identities::load(dir.path()).unwrap();
        assert_eq!((again.current().public(), again.next().is_none()), (next.public(), true));
        let refused = again.prepare().unwrap();
        again.discard_next();
        assert_ne!(Identities::load(dir.path()).unwrap().prepare().unwrap().public(), refused.public());
        fs::set_permissions(dir.path().join(CURRENT), Permissions::from_mode(0o644)).unwrap();
        assert!(Identities::load(dir.path()).err().unwrap().to_string().contains("read by others"));
    }
}
