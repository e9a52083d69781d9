//! The agent's own audit: what it decided about each job, and what became of its keys. It lies where the cloud cannot reach, and no
//! change is made that is not in it first.
//!
//! One JSON object a line, appended and forced to the disk. Each line has its number and the SHA-256 of the line before, so a line that
//! is changed, taken out or moved breaks the chain at that place. A cut at the end cannot be seen from the file alone: for that
//! [`Audit::head`] is told to the cloud, and [`check`] compares.

use std::{
    fs::File,
    io::{BufRead, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    base::private,
    wire::{b64, message::AuditHead, sha256, ticket::Kind},
};

/// Bytes from the end in which the last whole line is looked for; a line has less than 1 KiB.
const TAIL: u64 = 64 << 10;

/// One line's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    Started {
        agent: Uuid,
        fingerprint: String,
        version: String,
    },
    /// The directory is about to be changed.
    Begun {
        job: Uuid,
        kind: Kind,
        user: Uuid,
        seq: i64,
        lease: Uuid,
        dc: String,
    },
    Decided {
        job: Uuid,
        kind: Kind,
        user: Uuid,
        seq: i64,
        lease: Uuid,
        code: String,
        outcome: String,
        dc: String,
        unlocked: bool,
        millis: i64,
    },
    /// The canary's password is about to be set.
    CanaryBegun {
        user: Uuid,
        dc: String,
    },
    /// What came of it.
    Canary {
        user: Uuid,
        code: String,
        dc: String,
    },
    Identity {
        before: String,
        after: String,
    },
    SealingKeyPublished {
        epoch: i64,
        not_after: i64,
    },
    SealingKeyDestroyed {
        epoch: i64,
    },
    /// Very many people are missing in the directory, and nobody is removed in the cloud until that is confirmed.
    RemovalsHeld {
        people: usize,
        known: usize,
    },
    RemovalsAccepted {
        people: usize,
        known: usize,
    },
    /// The line before was not finished: the agent or its machine died while writing it.
    Torn {
        bytes: u64,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    n: u64,
    /// Seconds since 1970 by the agent's corrected clock.
    at: i64,
    prev: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// What the chain needs of a line.
#[derive(Deserialize)]
struct Link {
    n: u64,
    prev: String,
    what: String,
}

pub struct Audit {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    /// Whole lines.
    len: u64,
    head: AuditHead,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

fn hash(line: &[u8]) -> String {
    b64(&sha256(line))
}

impl Audit {
    /// Go on with the file at `path`, or begin it. `at`: seconds since 1970.
    pub fn open(path: &Path, at: i64) -> Result<Self> {
        let context = || format!("the audit file {}", path.display());
        let mut file = private::options().create(true).append(true).read(true).open(path).with_context(context)?;
        let len = file.metadata().with_context(context)?.len();
        let from = len.saturating_sub(TAIL);
        let mut tail = vec![0; usize::try_from(len - from)?];
        // Where it is read does not matter for where is written: it is appended.
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(&mut tail)).with_context(context)?;
        let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let (whole, torn) = tail.split_at(whole);
        let head = match whole.strip_suffix(b"\n").map(|whole| whole.rsplit(|&byte| byte == b'\n').next().unwrap_or(whole)) {
            Some(last) => {
                let link: Link = serde_json::from_slice(last).context("its last line is damaged: move it away").with_context(context)?;
                AuditHead { lines: link.n, head: hash(last) }
            }
            None => AuditHead::default(),
        };
        let audit = Self { path: path.to_owned(), inner: Mutex::new(Inner { file, len, head, broken: None }) };
        if !torn.is_empty() {
            // What is there stays there; it becomes a line of its own, and the next one says what it is.
            let mut inner = audit.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.head = AuditHead { lines: inner.head.lines + 1, head: hash(torn) };
            inner.file.write_all(b"\n").with_context(context)?;
            inner.len += 1;
            drop(inner);
            audit.write(at, &Entry::Torn { bytes: torn.len() as u64 })?;
        }
        Ok(audit)
    }

    /// Number and hash of the last line.
    pub fn head(&self) -> AuditHead {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).head.clone()
    }

    /// Append one line. On the disk when this returns without an error; otherwise the file is as before.
    pub fn write(&self, at: i64, entry: &Entry) -> Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write(at, entry).with_context(|| format!("writing the audit file {}", self.path.display()))
    }

    /// [`Self::write`] on a thread that may wait for the disk.
    pub async fn record(self: &Arc<Self>, at: i64, entry: Entry) -> Result<()> {
        let audit = self.clone();
        tokio::task::spawn_blocking(move || audit.write(at, &entry)).await.context("the audit's thread")?
    }

    /// [`Self::record`] of what happens whether it can be written or not.
    pub async fn note(self: &Arc<Self>, at: i64, entry: Entry) {
        if let Err(error) = self.record(at, entry).await {
            tracing::error!(error = format!("{error:#}"), "the audit lacks a line");
        }
    }
}

impl Inner {
    fn write(&mut self, at: i64, entry: &Entry) -> Result<()> {
        if let Some(why) = &self.broken {
            bail!("{why}");
        }
        let meta = self.file.metadata()?;
        if meta.is_file() {
            ensure!(!private::is_removed(&meta), "somebody removed it; restart the agent to begin another");
            ensure!(meta.len() == self.len, "somebody changed its length from {} to {}", self.len, meta.len());
        }
        let n = self.head.lines + 1;
        let mut line = serde_json::to_vec(&Line { n, at, prev: &self.head.head, entry })?;
        let head = AuditHead { lines: n, head: hash(&line) };
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // Half a line in the middle would break the chain.
            if let Err(undoing) = self.file.set_len(self.len).and_then(|()| self.file.sync_data()) {
                self.broken = Some(format!("{error}; and undoing it: {undoing}"));
            }
            return Err(error.into());
        }
        self.len += line.len() as u64;
        self.head = head;
        Ok(())
    }
}

/// Where the chain breaks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    pub line: u64,
    pub why: &'static str,
}

/// Follow the chain from the first line to the last. `known`: a head that the cloud was told, which must be on the way.
pub fn check(text: impl Read, known: Option<&AuditHead>) -> Result<Result<AuditHead, Broken>> {
    let (mut head, mut torn, mut met) = (AuditHead::default(), None, false);
    let mut lines = std::io::BufReader::new(text);
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        let n = head.lines + 1;
        let broken = |line, why| Ok(Err(Broken { line, why }));
        if line.pop_if(|last| *last == b'\n').is_none() {
            return broken(n, "is not finished: the agent died while writing it and has not run since, or somebody cut it");
        }
        match (serde_json::from_slice::<Link>(&line), torn) {
            // It must say of itself that the one before is only half.
            (Ok(link), Some(at)) if link.what != "torn" => return broken(at, "is no line of the audit"),
            (Ok(link), _) if link.n != n => return broken(n, "has another number: a line is missing, doubled or moved"),
            (Ok(link), _) if link.prev != head.head => {
                return broken(n, "does not follow from the line before: one of the two was changed");
            }
            (Ok(_), _) => torn = None,
            (Err(_), Some(at)) => return broken(at, "is no line of the audit"),
            (Err(_), None) => torn = Some(n),
        }
        head = AuditHead { lines: n, head: hash(&line) };
        met |= Some(&head) == known;
    }
    if let Some(at) = torn {
        return Ok(Err(Broken { line: at, why: "is no line of the audit" }));
    }
    match known {
        Some(known) if !met && known.lines > head.lines => Ok(Err(Broken { line: head.lines + 1, why: "is missing: the end was cut off" })),
        Some(known) if !met => Ok(Err(Broken { line: known.lines, why: "is another one than the cloud was told of" })),
        _ => Ok(Ok(head)),
    }
}

/// [`check`] of a file.
pub fn check_file(path: &Path, known: Option<&AuditHead>) -> Result<Result<AuditHead, Broken>> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    file.seek(SeekFrom::Start(0))?;
    check(file, known)
}

/// Where it lies.
pub fn path(settings: &crate::base::config::Agent) -> PathBuf {
    if settings.audit_file.as_os_str().is_empty() { settings.state_dir.join("audit.jsonl") } else { settings.audit_file.clone() }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use super::*;

    fn entry(seq: i64) -> Entry {
        let id = Uuid::from_u128(7);
        Entry::Begun { job: id, kind: Kind::Reset, user: id, seq, lease: id, dc: "dc1".into() }
    }

    /// A file of so many lines, and its head.
    fn written(path: &Path, lines: i64) -> AuditHead {
        let audit = Audit::open(path, 1000).unwrap();
        (0..lines).for_each(|seq| audit.write(1000 + seq, &entry(seq)).unwrap());
        audit.head()
    }

    fn found(text: &[u8], known: Option<&AuditHead>) -> Option<u64> {
        check(text, known).unwrap().err().map(|broken| broken.line)
    }

    #[test]
    fn a_line_that_was_changed_removed_or_moved_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        written(&path, 3);
        let head = written(&path, 3);
        let text = fs::read(&path).unwrap();
        assert_eq!((check(&*text, Some(&head)).unwrap(), head.lines), (Ok(head.clone()), 6), "it goes on after a restart");

        let lines = text.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>();
        let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
            let mut lines = lines.iter().map(|line| line.to_vec()).collect();
            change(&mut lines);
            lines.concat()
        };
        let edited = with(&|lines| lines[2] = String::from_utf8(lines[2].clone()).unwrap().replace("dc1", "dc2").into());
        assert_eq!(found(&edited, None), Some(4), "the next line does not follow");
        assert_eq!(found(&with(&|lines| drop(lines.remove(2))), None), Some(3));
        assert_eq!(found(&with(&|lines| lines.swap(2, 3)), None), Some(3));
        assert_eq!(found(&with(&|lines| lines.insert(3, lines[2].clone())), None), Some(4));
        assert_eq!(found(&with(&|lines| drop(lines.remove(0))), None), Some(1));
        assert_eq!(found(&with(&|lines| lines[3] = b"nothing\n".to_vec()), None), Some(4));
        assert_eq!(found(&with(&|lines| lines[5].truncate(20)), None), Some(6), "half a line");
        // The last line may be changed or cut off without a trace, but for what the cloud was told.
        let last = with(&|lines| lines[5] = String::from_utf8(lines[5].clone()).unwrap().replace("dc1", "dc2").into());
        let cut = with(&|lines| drop(lines.pop()));
        assert_eq!((found(&last, None), found(&cut, None)), (None, None));
        assert_eq!((found(&last, Some(&head)), found(&cut, Some(&head))), (Some(6), Some(6)));
    }

    #[test]
    fn a_crash_in_mid_line_is_told_from_a_forgery() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        written(&path, 2);
        let text = fs::read(&path).unwrap();
        for cut in [text.len() - 1, text.len() - 20, 10] {
            fs::write(&path, &text[..cut]).unwrap();
            let head = written(&path, 1);
            assert_eq!(check_file(&path, None).unwrap(), Ok(head));
        }
        let torn = String::from_utf8(fs::read(&path).unwrap()).unwrap().replace("\"torn\"", "\"begun\"");
        assert_eq!(found(torn.as_bytes(), None), Some(1));
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_no_half_line() {
        let full = Audit::open(Path::new("/dev/full"), 1000).unwrap();
        for _ in 0..2 {
            assert!(full.write(1000, &entry(1)).is_err());
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        written(&path, 2);
        let audit = Audit::open(&path, 1000).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
        assert!(format!("{:#}", audit.write(1000, &entry(1)).unwrap_err()).contains("changed its length"));
        fs::remove_file(&path).unwrap();
        assert!(format!("{:#}", audit.write(1000, &entry(1)).unwrap_err()).contains("removed"));
    }
}
