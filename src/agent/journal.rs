//! What must survive a crash: the newest job seen of each user, and which changes were begun and how they ended.
//!
//! An append-only file of JSON lines, written ahead and forced to the disk: an intent before the directory is touched, the result
//! before it is told. Reading it folds the lines into [`State`], which is pure. A last line without its end is what a power cut
//! in mid-write leaves and is dropped; anything else that cannot be read stops the agent, because forgetting is worse.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire::message::JobResult;

/// Seconds that an ended job is remembered: longer than any cloud may offer it again.
const REMEMBER: i64 = 24 * 3600;
/// Users whose newest number is kept; the longest silent go first.
const USERS_MAX: usize = 500_000;
/// Bytes above which the file is rewritten while running.
const COMPACT_ABOVE: u64 = 16 << 20;

/// One line. Times are seconds since 1970 by the corrected clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Record {
    /// A job that opened; the newest wins.
    Seen {
        user: Uuid,
        seq: i64,
        job: Uuid,
        at: i64,
    },
    Intent(Intent),
    /// Its end. Holds the claims, not the signature: Ed25519 gives the same one again, and another lease another.
    Done {
        user: Uuid,
        at: i64,
        result: JobResult,
    },
    /// The cloud took the result, or will never.
    Told {
        job: Uuid,
    },
}

/// A change about to be made, and how to find out later whether it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub job: Uuid,
    pub user: Uuid,
    pub seq: i64,
    pub lease: Uuid,
    pub ciphertext: String,
    pub at: i64,
    pub expires_at: i64,
    /// pwdLastSet as read just before, and at which server.
    pub before: i64,
    pub dc: String,
    /// The account was locked.
    pub locked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    Open(Intent),
    Done { user: Uuid, at: i64, result: JobResult, told: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    seq: i64,
    job: Uuid,
    at: i64,
}

/// The sum of all lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct State {
    users: HashMap<Uuid, Last>,
    jobs: HashMap<Uuid, Job>,
}

impl State {
    fn apply(&mut self, record: Record) {
        match record {
            Record::Seen { user, seq, job, at } => self.see(user, Last { seq, job, at }),
            Record::Intent(intent) => {
                self.see(intent.user, Last { seq: intent.seq, job: intent.job, at: intent.at });
                self.jobs.insert(intent.job, Job::Open(intent));
            }
            Record::Done { user, at, result } => {
                self.see(user, Last { seq: result.seq, job: result.job, at });
                self.jobs.insert(result.job, Job::Done { user, at, result, told: false });
            }
            Record::Told { job } => {
                if let Some(Job::Done { told, .. }) = self.jobs.get_mut(&job) {
                    *told = true;
                }
            }
        }
    }

    fn see(&mut self, user: Uuid, last: Last) {
        let newest = self.users.entry(user).or_insert(last);
        if last.seq > newest.seq {
            *newest = last;
        }
    }

    /// Whether `job` is the newest of its user, or newer.
    fn is_newest(&self, user: Uuid, seq: i64, job: Uuid) -> bool {
        self.users.get(&user).is_none_or(|last| seq > last.seq || (seq == last.seq && job == last.job))
    }

    /// The fewest lines that fold into this state, less what is old.
    fn compact(&mut self, now: i64) -> Vec<Record> {
        self.jobs.retain(|_, job| matches!(job, Job::Open(_)) || matches!(job, Job::Done { at, .. } if *at > now - REMEMBER));
        if self.users.len() > USERS_MAX {
            let mut times = self.users.values().map(|last| last.at).collect::<Vec<_>>();
            times.sort_unstable();
            let oldest = times[times.len() - USERS_MAX];
            self.users.retain(|_, last| last.at >= oldest);
        }
        let seen = self.users.iter().map(|(&user, last)| Record::Seen { user, seq: last.seq, job: last.job, at: last.at });
        let jobs = self.jobs.values().flat_map(|job| match job {
            Job::Open(intent) => vec![Record::Intent(intent.clone())],
            Job::Done { user, at, result, told } => {
                let mut records = vec![Record::Done { user: *user, at: *at, result: result.clone() }];
                records.extend(told.then_some(Record::Told { job: result.job }));
                records
            }
        });
        seen.chain(jobs).collect()
    }
}

/// Fold a whole file. A last line without LF is ignored; any other line that is none is an error with its number.
fn fold(text: &[u8]) -> Result<State> {
    let mut state = State::default();
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    for (at, line) in text[..whole].split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        state.apply(serde_json::from_slice(line).with_context(|| format!("line {} is damaged", at + 1))?);
    }
    Ok(state)
}

fn lines(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record).expect("records have a JSON form");
        out.push(b'\n');
    }
    out
}

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

    /// When and whose passwords were changed or may have been: what the caps count.
    pub fn changes(&self) -> Vec<(i64, Uuid)> {
        use crate::wire::outcome::Outcome::{Applied, Unknown};
        let of = |job: &Job| match job {
            Job::Open(intent) => Some((intent.at, intent.user)),
            Job::Done { user, at, result, .. } => matches!(result.code.outcome(), Applied | Unknown).then_some((*at, *user)),
        };
        self.lock().state.jobs.values().filter_map(of).collect()
    }
}

/// Put the compact form in the file's place, in one step.
fn rewrite(path: &Path, state: &mut State, now: i64) -> Result<(File, u64)> {
    let text = lines(&state.compact(now));
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok((file, text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::outcome::Code;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn intent(job: u128, user: u128, seq: i64) -> Intent {
        let (lease, ciphertext) = (id(9), "c".to_owned());
        Intent {
            job: id(job),
            user: id(user),
            seq,
            lease,
            ciphertext,
            at: 1000,
            expires_at: 1100,
            before: 5,
            dc: "dc1".into(),
            locked: false,
        }
    }

    fn done(job: u128, user: u128, seq: i64, at: i64) -> Record {
        let result = JobResult {
            job: id(job),
            lease: id(9),
            seq,
            ciphertext: "c".into(),
            code: Code::Applied,
            dc: "dc1".into(),
            started_at: 1,
            finished_at: 2,
            unlocked: false,
            allowed_at: None,
        };
        Record::Done { user: id(user), at, result }
    }

    #[test]
    fn folds_to_what_was_written_and_drops_only_a_torn_end() {
        let records = [
            Record::Seen { user: id(1), seq: 3, job: id(10), at: 900 },
            Record::Intent(intent(10, 1, 3)),
            done(10, 1, 3, 1001),
            Record::Intent(intent(11, 2, 1)),
        ];
        let text = lines(&records);
        let state = fold(&text).unwrap();
        assert!(matches!(state.jobs[&id(10)], Job::Done { told: false, .. }));
        assert!(matches!(state.jobs[&id(11)], Job::Open(_)));
        // However the last line is torn, the ones before stand.
        let before = lines(&records[..3]).len();
        for cut in before..text.len() {
            assert_eq!(fold(&text[..cut]).unwrap(), fold(&text[..before]).unwrap(), "cut at {cut}");
        }
        let mut damaged = text.clone();
        damaged[5] = b'!';
        assert!(fold(&damaged).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn the_newest_of_a_user_wins_in_any_order() {
        let mut state = State::default();
        state.apply(Record::Seen { user: id(1), seq: 5, job: id(10), at: 0 });
        state.apply(Record::Seen { user: id(1), seq: 4, job: id(11), at: 0 });
        let cases = [(6, 12, true), (5, 10, true), (5, 11, false), (4, 11, false), (1, 10, false)];
        for (seq, job, newest) in cases {
            assert_eq!(state.is_newest(id(1), seq, id(job)), newest, "seq {seq} job {job}");
        }
        assert!(state.is_newest(id(2), 1, id(13)));
    }

    #[test]
    fn compacting_keeps_numbers_and_open_intents_and_drops_old_ends() {
        let mut state = State::default();
        for record in [done(10, 1, 3, 0), done(11, 2, 4, REMEMBER), Record::Told { job: id(11) }, Record::Intent(intent(12, 3, 1))] {
            state.apply(record);
        }
        let again = fold(&lines(&state.compact(REMEMBER + 1))).unwrap();
        assert_eq!(again, state);
        assert!(!again.jobs.contains_key(&id(10)) && !again.is_newest(id(1), 2, id(99)));
        assert!(matches!(again.jobs[&id(11)], Job::Done { told: true, .. }));
        assert!(matches!(again.jobs[&id(12)], Job::Open(_)));
    }

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
