//! A private directory that is gone when dropped or when this process dies, and with it files elsewhere that speak of it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::watchdog::Watchdog;

pub struct Scratch {
    dir: PathBuf,
    _watchdog: Watchdog,
}

impl Scratch {
    /// `also`: files that go too.
    pub fn new(also: &[&Path]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-").tempdir().context("making a directory")?.keep();
        let watchdog = remove_at_the_end(std::iter::once(dir.as_path()).chain(also.iter().copied()))?;
        Ok(Self { dir, _watchdog: watchdog })
    }

    /// A directory that stays; only `also` goes.
    pub fn kept(dir: &Path, also: &[&Path]) -> Result<Self> {
        Ok(Self { dir: dir.to_owned(), _watchdog: remove_at_the_end(also.iter().copied())? })
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

fn remove_at_the_end<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<Watchdog> {
    Watchdog::start(r#"while read -r word; do :; done; rm -rf -- "$@""#, paths.map(Path::as_os_str).collect::<Vec<&OsStr>>(), |_| ())
}
