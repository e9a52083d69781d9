//! A log file that does not grow for ever: when it is full it becomes `NAME.1`, the one before `NAME.2`, and the oldest goes.
//!
//! Done here and not by logrotate, because a Windows service has none. Another process with the same settings (`sspr agent doctor` beside
//! the agent) may turn it over, too: whoever finds the file full looks whether that is still so.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::private;

pub struct LogFile {
    path: PathBuf,
    file: File,
    len: u64,
    /// Bytes after which it is turned over; 0: never.
    most: u64,
    keep: u16,
}

impl LogFile {
    pub fn open(path: &Path, most: u64, keep: u16) -> io::Result<Self> {
        let file = append_to(path)?;
        Ok(Self { path: path.to_owned(), len: file.metadata()?.len(), file, most, keep })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|now| now.len() >= self.most) {
            let old = |n: u16| PathBuf::from(format!("{}.{n}", self.path.display()));
            for n in (1..self.keep).rev() {
                match fs::rename(old(n), old(n + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            if self.keep == 0 { fs::remove_file(&self.path)? } else { fs::rename(&self.path, old(1))? }
        }
        self.file = append_to(&self.path)?;
        self.len = self.file.metadata()?.len();
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    private::options().create(true).append(true).open(path)
}

impl Write for LogFile {
    /// One call is one line, which is not torn.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.most > 0 && self.len >= self.most && self.turn_over().is_err() {
            // Better a long log than none; tried again after as much once more.
            self.len = 0;
        }
        self.file.write_all(line)?;
        self.len += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_turned_over_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.log");
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
        fs::write(&path, "before\n").unwrap();
        let mut log = LogFile::open(&path, 10, 2).unwrap();
        for line in ["one\n", "two\n", "three, longer\n", "four is long\n", "five\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!((read("agent.log").as_deref(), read("agent.log.1").as_deref()), (Some("five\n"), Some("four is long\n")));
        assert_eq!((read("agent.log.2").as_deref(), read("agent.log.3")), (Some("two\nthree, longer\n"), None));
        assert_eq!(private::open_to_others(&fs::metadata(&path).unwrap()), None);

        // Another process beside: what it turned over is not turned over again.
        let mut other = LogFile::open(&path, 10, 2).unwrap();
        other.write_all(b"six, of another\n").unwrap();
        other.write_all(b"seven\n").unwrap();
        for line in ["eight of us\n", "nine\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(read("agent.log").as_deref(), Some("seven\nnine\n"));
        assert_eq!(read("agent.log.1").as_deref(), Some("five\nsix, of another\neight of us\n"));
        let mut all = LogFile::open(&path, 0, 2).unwrap();
        all.write_all(&[b'x'; 100]).unwrap();
        all.write_all(b"y").unwrap();
        assert!(read("agent.log").unwrap().ends_with("xy"));
    }
}
