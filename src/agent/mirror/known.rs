//! Whom the cloud was told of, and a digest of what: 24 bytes a person, in memory and in a file of the state directory. By it only
//! what changed is sent, whoever is missing can be named, and a pass that was broken off goes on where it was.
//!
//! The file is a log of fixed records, the last one of a person counts. People are written down *before* they are first sent: so
//! nobody can be known to the cloud whom we would not miss. What a loss of power takes from its end is sent once more.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use uuid::Uuid;

use super::super::state;
use crate::base::private;

const RECORD: usize = 32;
const GONE: u8 = 1;
const NAMED: u8 = 2;
/// The log is written anew when it has this many records more than twice as many as people.
const SLACK: usize = 10_000;

/// What was told of somebody. Zeros: perhaps nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The beginning of a digest of all of it.
    pub(super) digest: u64,
    /// The same of the groups alone.
    pub(super) groups: u32,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    told: Told,
    /// In the full pass that goes on, or was the last.
    named: bool,
    /// In the census that goes on.
    seen: bool,
}

pub(super) struct Known {
    path: PathBuf,
    file: File,
    people: HashMap<Uuid, Entry>,
    records: usize,
}

impl Known {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            other => other.with_context(|| format!("reading {}", path.display()))?,
        };
        let mut people = HashMap::new();
        // A record that was cut off is none.
        for record in bytes.chunks_exact(RECORD) {
            let guid = Uuid::from_bytes(record[..16].try_into()?);
            let told =
                Told { digest: u64::from_be_bytes(record[16..24].try_into()?), groups: u32::from_be_bytes(record[24..28].try_into()?) };
            if record[28] & GONE != 0 {
                people.remove(&guid);
            } else {
                people.insert(guid, Entry { told, named: record[28] & NAMED != 0, seen: false });
            }
        }
        let file = append_to(path)?;
        let mut known = Self { path: path.to_owned(), file, people, records: bytes.len() / RECORD };
        if !bytes.len().is_multiple_of(RECORD) || known.records > 2 * known.people.len() + SLACK {
            known.rewrite()?;
        }
        Ok(known)
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn get(&self, guid: Uuid) -> Option<Told> {
        self.people.get(&guid).map(|entry| entry.told)
    }

    /// Named in the full pass that goes on, with this very content.
    pub(super) fn is_named(&self, guid: Uuid, told: Told) -> bool {
        self.people.get(&guid).is_some_and(|entry| entry.named && entry.told == told)
    }

    pub(super) fn nobody_named(&self) -> bool {
        !self.people.values().any(|entry| entry.named)
    }

    /// A full pass begins.
    pub(super) fn begin_pass(&mut self) -> Result<()> {
        self.people.values_mut().for_each(|entry| entry.named = false);
        self.rewrite()
    }

    /// Whom the full pass that goes on has not named.
    pub(super) fn not_named(&self) -> usize {
        self.people.values().filter(|entry| !entry.named).count()
    }

    /// A full pass ended: the cloud has forgotten who was not named, and so do we. How many they were.
    pub(super) fn end_pass(&mut self) -> Result<usize> {
        let before = self.people.len();
        self.people.retain(|_, entry| entry.named);
        if self.people.len() < before {
            self.rewrite()?;
        }
        Ok(before - self.people.len())
    }

    /// Before they are sent.
    pub(super) fn will_tell(&mut self, guids: impl Iterator<Item = Uuid>) -> Result<()> {
        let new: Vec<Uuid> = guids.filter(|guid| !self.people.contains_key(guid)).collect();
        self.append(new.iter().map(|guid| record(*guid, Told::default(), 0)))?;
        self.people.extend(new.into_iter().map(|guid| (guid, Entry::default())));
        Ok(())
    }

    /// The cloud has taken them.
    pub(super) fn told(&mut self, people: &[(Uuid, Told)]) -> Result<()> {
        self.append(people.iter().map(|(guid, told)| record(*guid, *told, NAMED)))?;
        for (guid, told) in people {
            let entry = self.people.entry(*guid).or_default();
            (entry.told, entry.named, entry.seen) = (*told, true, true);
        }
        Ok(())
    }

    /// The cloud has taken that they are gone.
    pub(super) fn gone(&mut self, guids: &[Uuid]) -> Result<()> {
        self.append(guids.iter().map(|guid| record(*guid, Told::default(), GONE)))?;
        for guid in guids {
            self.people.remove(guid);
        }
        Ok(())
    }

    pub(super) fn begin_census(&mut self) {
        self.people.values_mut().for_each(|entry| entry.seen = false);
    }

    pub(super) fn see(&mut self, guid: Uuid) -> Option<Told> {
        self.people.get_mut(&guid).map(|entry| {
            entry.seen = true;
            entry.told
        })
    }

    /// Known, and not in the census.
    pub(super) fn missing(&self) -> Vec<Uuid> {
        self.people.iter().filter(|(_, entry)| !entry.seen).map(|(guid, _)| *guid).collect()
    }

    fn append(&mut self, records: impl Iterator<Item = [u8; RECORD]>) -> Result<()> {
        let bytes: Vec<u8> = records.flatten().collect();
        self.file.write_all(&bytes).with_context(|| format!("writing {}", self.path.display()))?;
        self.records += bytes.len() / RECORD;
        Ok(())
    }

    fn rewrite(&mut self) -> Result<()> {
        let bytes: Vec<u8> =
            self.people.iter().flat_map(|(guid, entry)| record(*guid, entry.told, if entry.named { NAMED } else { 0 })).collect();
        state::write(&self.path, &bytes)?;
        self.file = append_to(&self.path)?;
        self.records = self.people.len();
        Ok(())
    }
}

fn append_to(path: &Path) -> Result<File> {
    let file = private::options().create(true).append(true).open(path);
    file.with_context(|| format!("opening {}", path.display()))
}

fn record(guid: Uuid, told: Told, flags: u8) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..16].copy_from_slice(guid.as_bytes());
    record[16..24].copy_from_slice(&told.digest.to_be_bytes());
    record[24..28].copy_from_slice(&told.groups.to_be_bytes());
    record[28] = flags;
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_outlives_the_process_and_a_torn_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.known");
        let [ann, ben, cat] = [1, 2, 3].map(Uuid::from_u128);
        let told = |digest| Told { digest, groups: 7 };
        let mut known = Known::open(&path).unwrap();
        known.will_tell([ann, ben, cat].into_iter()).unwrap();
        known.told(&[(ann, told(1)), (ben, told(2))]).unwrap();
        known.gone(&[ben]).unwrap();
        known.file.write_all(&[9; 5]).unwrap();
        drop(known);

        let mut known = Known::open(&path).unwrap();
        assert_eq!((known.get(ann), known.get(ben), known.get(cat)), (Some(told(1)), None, Some(Told::default())));
        assert!(known.is_named(ann, told(1)) && !known.is_named(ann, told(2)) && !known.is_named(cat, Told::default()));
        known.begin_pass().unwrap();
        assert!(known.nobody_named());
        known.told(&[(cat, told(3))]).unwrap();
        drop(known);

        let mut known = Known::open(&path).unwrap();
        assert_eq!((known.end_pass().unwrap(), known.len(), known.get(cat)), (1, 1, Some(told(3))));
        known.begin_census();
        assert_eq!((known.missing(), known.see(cat), known.see(ann)), (vec![cat], Some(told(3)), None));
        assert!(known.missing().is_empty());
        assert_eq!(Known::open(&path).unwrap().len(), 1);
    }

    #[test]
    fn a_long_log_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.known");
        let mut known = Known::open(&path).unwrap();
        let many = vec![(Uuid::nil(), Told { digest: 1, groups: 0 }); SLACK + 10];
        known.told(&many).unwrap();
        let records = || fs::read(&path).unwrap().len() / RECORD;
        assert!(records() > SLACK);
        assert_eq!(Known::open(&path).unwrap().get(Uuid::nil()), Some(Told { digest: 1, groups: 0 }));
        assert_eq!(records(), 1);
    }
}
