//! Sealing keys: each lives half a day, a successor is published before it ends, and its private half is destroyed soon after.
//!
//! Destroying it is what erases a sealed password that a database's log or backup still holds. (The file is overwritten and
//! unlinked; on flash and copy-on-write media that is a wish, which is why the state directory belongs on an encrypted disk.)

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::state;
use crate::wire::{
    b64,
    keys::{Identity, Signed, Statement},
    seal::{KeyPair, SUITE},
    unb64,
};

/// Seconds. Less than [`crate::wire::keys::EPOCH_MAX`].
const LIFE: i64 = 12 * 3600;
/// A successor is published this long before the end.
const OVERLAP: i64 = 3600;
/// The longest that a job sealed at the last moment may live.
const GRACE: i64 = 600;
/// For browsers whose clock is behind.
const BACKDATED: i64 = 60;

/// `sealing-<epoch>.key`
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Stored {
    /// base64url of the 32-byte seed.
    seed: String,
    #[zeroize(skip)]
    statement: Statement,
    /// The cloud has it.
    published: bool,
}

struct Key {
    pair: KeyPair,
    id: String,
    statement: Statement,
    published: bool,
}

/// All sealing keys that may still open something.
pub struct Keys {
    dir: PathBuf,
    keys: RwLock<Vec<Key>>,
}

impl Keys {
    /// Those on disk; ended ones are destroyed first.
    pub fn load(dir: &Path, now: i64) -> Result<Self> {
        let mut keys = Vec::new();
        for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "key") {
                continue;
            }
            // A key that cannot be read opens nothing; the cloud is told a new one.
            match read(&path) {
                Ok(key) => keys.push(key),
                Err(error) => tracing::warn!(key.file = %path.display(), error = format!("{error:#}"), "ignoring a sealing key"),
            }
        }
        let keys = Self { dir: dir.to_owned(), keys: RwLock::new(keys) };
        keys.destroy_ended(now);
        Ok(keys)
    }

    /// The private half that goes with a key id, if it still exists.
    pub fn private(&self, id: &str) -> Option<Zeroizing<[u8; 32]>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.id == id).map(|key| key.pair.private.clone())
    }

    /// What must be published now: a new key when none is good for another [`OVERLAP`], or one whose publishing was not
    /// answered. It is on the disk before this returns, so nothing is ever sealed to a key that a crash takes away.
    pub fn due(&self, identity: &Identity, me: &state::Me, now: i64) -> Result<Option<Signed>> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let good = |key: &&Key| key.statement.not_after - now > OVERLAP && key.statement.not_before <= now;
        if let Some(key) = keys.iter().filter(good).max_by_key(|key| key.statement.epoch) {
            return Ok((!key.published).then(|| identity.sign(key.statement.clone())));
        }
        // By the time, so that it rises even if all files were lost.
        let epoch = keys.iter().map(|key| key.statement.epoch + 1).max().unwrap_or(0).max(now);
        let pair = KeyPair::generate();
        let statement = Statement {
            agent: me.agent,
            connector: me.connector,
            suite: SUITE.to_owned(),
            key: b64(&pair.public),
            epoch,
            not_before: now - BACKDATED,
            not_after: now + LIFE,
        };
        let id = statement.key_id().context("a fresh key is of its suite")?;
        let key = Key { pair, id, statement, published: false };
        self.save(&key)?;
        let signed = identity.sign(key.statement.clone());
        keys.push(key);
        Ok(Some(signed))
    }

    /// What is said of every key that has not ended: whoever takes the identity's place says it too.
    pub fn statements(&self, now: i64) -> Vec<Statement> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| &key.statement).filter(|statement| statement.not_after > now).cloned().collect()
    }

    /// The cloud took it.
    pub fn published(&self, epoch: i64) -> Result<()> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = keys.iter_mut().find(|key| key.statement.epoch == epoch) else { return Ok(()) };
        key.published = true;
        self.save(key)
    }

    /// The cloud will never take it.
    pub fn discard(&self, epoch: i64) {
        self.destroy(|key| key.statement.epoch == epoch);
    }

    /// The epochs of what is gone now.
    pub fn destroy_ended(&self, now: i64) -> Vec<i64> {
        self.destroy(|key| key.statement.not_after + GRACE <= now)
    }

    fn destroy(&self, ended: impl Fn(&Key) -> bool) -> Vec<i64> {
        let mut destroyed = Vec::new();
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| {
            if !ended(key) {
                return true;
            }
            let path = self.path(key.statement.epoch);
            match wipe(&path) {
                Ok(()) => {
                    tracing::info!(key.epoch = key.statement.epoch, "destroyed a sealing key");
                    destroyed.push(key.statement.epoch);
                    false
                }
                Err(error) => {
                    // Kept in the list so that the next round tries again.
                    tracing::error!(key.file = %path.display(), error = %error, "a sealing key could not be destroyed");
                    true
                }
            }
        });
        destroyed
    }

    fn path(&self, epoch: i64) -> PathBuf {
        self.dir.join(format!("sealing-{epoch}.key"))
    }

    fn save(&self, key: &Key) -> Result<()> {
        let stored = Stored { seed: b64(key.pair.private.as_ref()), statement: key.statement.clone(), published: key.published };
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *text, &stored)?;
        state::write(&self.path(key.statement.epoch), &text)
    }
}

fn read(path: &Path) -> Result<Key> {
    let text = Zeroizing::new(fs::read(path)?);
    let stored: Stored = serde_json::from_slice(&text).ok().context("damaged")?;
    let bytes = Zeroizing::new(unb64(&stored.seed).context("damaged")?);
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(bytes.get(..32).filter(|_| bytes.len() == 32).context("damaged")?);
    let id = stored.statement.key_id().context("of an unknown suite")?;
    Ok(Key { pair: KeyPair::from_seed(seed), id, statement: stored.statement.clone(), published: stored.published })
}

/// The newest key in this directory that the cloud has and that is good `now`, as it was published. Changes nothing.
pub fn valid(dir: &Path, now: i64) -> Option<Statement> {
    let files = fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let keys = files.filter(|path| path.extension().is_some_and(|extension| extension == "key")).filter_map(|path| read(&path).ok());
    let good = |key: &Key| key.published && key.statement.not_before <= now && key.statement.not_after > now;
    keys.filter(good).map(|key| key.statement).max_by_key(|statement| statement.epoch)
}

fn wipe(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).open(path) {
        Ok(mut file) => {
            let len = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            file.write_all(&vec![0; len])?;
            file.sync_all()?;
            fs::remove_file(path)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_overlap_survive_a_restart_and_are_destroyed() {
        let dir = tempfile::tempdir().unwrap();
        let (identity, id) = (Identity::generate(), Uuid::from_u128);
        let me = state::Me { agent: id(1), tenant: id(2), connector: id(3), cloud_url: String::new() };
        let start = 1_800_000_000;

        let keys = Keys::load(dir.path(), start).unwrap();
        let first = keys.due(&identity, &me, start).unwrap().unwrap();
        assert!(first.is_signed_by(identity.public()));
        assert_eq!(keys.due(&identity, &me, start).unwrap().unwrap(), first, "until the cloud took it");
        keys.published(first.statement.epoch).unwrap();
        assert!(keys.due(&identity, &me, start).unwrap().is_none());

        let keys = Keys::load(dir.path(), start).unwrap();
        let late = start + LIFE - OVERLAP;
        assert!(keys.due(&identity, &me, late - 1).unwrap().is_none(), "still published after a restart");
        let second = keys.due(&identity, &me, late).unwrap().unwrap();
        assert!(second.statement.epoch > first.statement.epoch);

        let held = |keys: &Keys| [&first, &second].map(|key| keys.private(&key.statement.key_id().unwrap()).is_some());
        keys.destroy_ended(start + LIFE + GRACE - 1);
        assert_eq!(held(&keys), [true, true]);
        keys.destroy_ended(start + LIFE + GRACE);
        assert_eq!(held(&keys), [false, true]);
        assert_eq!(held(&Keys::load(dir.path(), late).unwrap()), [false, true]);
    }
}
