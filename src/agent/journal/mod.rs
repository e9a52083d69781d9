//! What must survive a crash: the newest job seen of each user, and which changes were begun and how they ended.
//!
//! An append-only file of JSON lines, written ahead and forced to the disk: an intent before the directory is touched, the result
//! before it is told. Reading it folds the lines into a sum ([`lines`]), which is pure. A last line without its end is what a power cut
//! in mid-write leaves and is dropped; anything else that cannot be read stops the agent, because forgetting is worse.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use uuid::Uuid;

mod lines;

pub use lines::{Intent, Job, Record};
use lines::{State, fold, lines};

use crate::{
    base::private,
    wire::{
        message::JobResult,
        outcome::Outcome,
        ticket::{Kind, Ticket},
    },
};

/// Bytes above which the file is rewritten while running.
const COMPACT_ABOVE: u64 = 16 << 20;

/// The file and its sum.
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    file: File,
    /// Bytes that hold whole lines.
    len: u64,
}

impl Journal {
    /// Read (or begin) the journal at `path` and rewrite it compactly. `now`: seconds since 1970.
    pub fn open(path: &Path, now: i64) -> Result<Self> {
        let context = || format!("the journal {}", path.display());
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(context),
        };
        let mut state = fold(&text).with_context(context)?;
        let (file, len) = rewrite(path, &mut state, now).with_context(context)?;
        Ok(Self { path: path.to_owned(), inner: Mutex::new(Inner { state, file, len }) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is complete or undone before it could panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Append and, if `sync`, force to the disk. The state has it only if the file does.
    fn append(&self, record: Record, sync: bool) -> Result<()> {
        let line = lines(std::slice::from_ref(&record));
        let mut inner = self.lock();
        let len = inner.len;
        let written = inner.file.write_all(&line).and_then(|()| if sync { inner.file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // A half line in the middle would make the file unreadable.
            let undone = inner.file.set_len(len).and_then(|()| inner.file.seek(SeekFrom::End(0)));
            if let Err(undoing) = undone {
                bail!("writing {}: {error}; and undoing it: {undoing}", self.path.display());
            }
            return Err(error).with_context(|| format!("writing {}", self.path.display()));
        }
        inner.len += line.len() as u64;
        let now = match &record {
            Record::Seen { at, .. } | Record::Done { at, .. } => Some(*at),
            _ => None,
        };
        inner.state.apply(record);
        if let Some(now) = now.filter(|_| inner.len > COMPACT_ABOVE) {
            let Inner { state, file, len } = &mut *inner;
            (*file, *len) = rewrite(&self.path, state, now)?;
        }
        Ok(())
    }

    /// [`Self::append`] forced to the disk, on a thread that may wait for it.
    pub async fn write(self: &Arc<Self>, record: Record) -> Result<()> {
        let journal = self.clone();
        tokio::task::spawn_blocking(move || journal.append(record, true)).await.context("the journal's thread")?
    }

    /// A job opened. `false` when a newer one of this user was seen; otherwise older ones are stale from now on.
    pub fn see(&self, user: Uuid, seq: i64, job: Uuid, at: i64) -> Result<bool> {
        {
            let inner = self.lock();
            if !inner.state.is_newest(user, seq, job) {
                return Ok(false);
            }
            if inner.state.users.get(&user).is_some_and(|last| last.job == job) {
                return Ok(true);
            }
        }
        // Not forced to the disk: the intent is, and until then nothing was changed.
        self.append(Record::Seen { user, seq, job, at }, false)?;
        Ok(true)
    }

    /// Whether no newer job of this user was seen.
    pub fn is_newest(&self, user: Uuid, seq: i64, job: Uuid) -> bool {
        self.lock().state.is_newest(user, seq, job)
    }

    pub fn job(&self, job: Uuid) -> Option<Job> {
        self.lock().state.jobs.get(&job).cloned()
    }

    /// Told, or never to be. Forgetting it costs one more telling, so it is not forced to the disk.
    pub fn told(&self, job: Uuid) -> Result<()> {
        self.append(Record::Told { job }, false)
    }

    /// Changes begun whose end is not known.
    pub fn open_intents(&self) -> Vec<Intent> {
        self.lock().state.jobs.values().filter_map(|job| if let Job::Open(intent) = job { Some(intent.clone()) } else { None }).collect()
    }

    /// Results that the cloud may not have.
    pub fn untold(&self) -> Vec<JobResult> {
        self.lock()
            .state
            .jobs
            .values()
            .filter_map(|job| if let Job::Done { result, told: false, .. } = job { Some(result.clone()) } else { None })
            .collect()
    }

    /// Whether another job of this user explains that its password was changed `at` (seconds since 1970) to this pwdLastSet.
    pub fn explains(&self, ticket: &Ticket, pwd_last_set: i64, at: i64, tolerance: i64) -> bool {
        let explains = |job: &Job| match job {
            // Leaves pwdLastSet alone.
            Job::Open(Intent { kind: Kind::Unlock, .. }) | Job::Done { kind: Kind::Unlock, .. } => false,
            // It may have been sent, then or later.
            Job::Open(intent) => intent.user == ticket.user && intent.job != ticket.job && intent.at - tolerance <= at,
            Job::Done { user, result, .. } if *user != ticket.user || result.job == ticket.job => false,
            Job::Done { after: Some(after), .. } => *after == pwd_last_set,
            Job::Done { result, .. } => {
                let whole = result.started_at / 1000 - tolerance..=result.finished_at / 1000 + tolerance;
                matches!(result.code.outcome(), Outcome::Applied | Outcome::Unknown) && whole.contains(&at)
            }
        };
        self.lock().state.jobs.values().any(explains)
    }

    /// Whether this very pwdLastSet is what an ended job of ours left: then nobody changed this password since.
    pub fn left(&self, user: Uuid, pwd_last_set: i64) -> bool {
        let left = |job: &Job| matches!(job, Job::Done { user: of, after: Some(after), .. } if *of == user && *after == pwd_last_set);
        pwd_last_set != 0 && self.lock().state.jobs.values().any(left)
    }

    /// When and whose passwords were changed or may have been: what the caps count.
    pub fn changes(&self) -> Vec<(i64, Uuid)> {
        let of = |job: &Job| match job {
            Job::Open(intent) => Some((intent.at, intent.user)),
            Job::Done { user, at, result, .. } => {
                matches!(result.code.outcome(), Outcome::Applied | Outcome::Unknown).then_some((*at, *user))
            }
        };
        self.lock().state.jobs.values().filter_map(of).collect()
    }
}

/// Whether the journal at `path`, if there is one, can be read. Changes nothing.
pub fn check(path: &Path) -> Result<()> {
    match fs::read(path) {
        Ok(text) => fold(&text).map(drop).with_context(|| format!("the journal {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("the journal {}", path.display())),
    }
}

/// Put the compact form in the file's place, in one step.
fn rewrite(path: &Path, state: &mut State, now: i64) -> Result<(File, u64)> {
    let text = lines(&state.compact(now));
    let fresh = path.with_extension("new");
    let mut file = private::options().create(true).truncate(true).write(true).open(&fresh)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(dir) = path.parent() {
        private::sync_directory(dir)?;
    }
    Ok((file, text.len() as u64))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::{
        lines::sample::{done, id, intent},
        *,
    };

    #[test]
    fn the_file_tells_the_same_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let journal = Journal::open(&path, 1000).unwrap();
        assert!(journal.see(id(1), 7, id(10), 1000).unwrap());
        journal.append(Record::Intent(intent(10, 1, 7)), true).unwrap();
        drop(journal);
        // Torn in mid-write.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(br#"{"is":"done","us"#).unwrap();
        let journal = Journal::open(&path, 1000).unwrap();
        assert_eq!(journal.open_intents(), [intent(10, 1, 7)]);
        assert!(!journal.see(id(1), 6, id(9), 1000).unwrap());
        journal.append(done(10, 1, 7, 1001), true).unwrap();
        assert_eq!((journal.untold().len(), journal.changes()), (1, vec![(1001, id(1))]));
        journal.told(id(10)).unwrap();
        let journal = Journal::open(&path, 1002).unwrap();
        assert_eq!((journal.untold().len(), journal.open_intents().len()), (0, 0));
    }
}
