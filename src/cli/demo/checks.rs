//! What can be wrong with this machine, each told in one sentence before anything slow begins.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;

use super::Args;
use crate::lab::{
    inbox::Inbox,
    postgres,
    samba::{self, Release},
    scratch::Scratch,
};

/// Where the demo lives, and the ports that it now holds.
pub struct Place {
    pub portal: TcpListener,
    pub inbox: Inbox,
    /// Its own files.
    pub scratch: Scratch,
    pub keep: Option<Kept>,
}

/// A directory that stays, held by this process alone.
pub struct Kept {
    pub dir: PathBuf,
    /// Released by the kernel when the process ends, however it ends.
    _lock: File,
}

impl Place {
    pub async fn check(args: &Args) -> Result<Self> {
        let portal = listen(args.port, "--port").await?;
        // Freed again for the inbox, which listens by itself.
        let inbox_port = listen(args.inbox_port, "--inbox-port").await?.local_addr()?.port();
        let inbox = Inbox::start(inbox_port, 0).await?;
        postgres::programs()?;
        let keep = args.keep.as_deref().map(hold).transpose()?;
        let json = args.json.as_deref().map(claim).transpose()?;
        let also: Vec<&Path> = json.iter().map(PathBuf::as_path).collect();
        let scratch = match &keep {
            Some(kept) => Scratch::kept(&kept.dir, &also)?,
            None => Scratch::new(&also)?,
        };
        // Slow the first time on a machine, when it says so itself.
        tokio::task::spawn_blocking(|| samba::fetch(Release::Backports)).await??;
        Ok(Self { portal, inbox, scratch, keep })
    }
}

async fn listen(port: u16, option: &str) -> Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken: stop what uses it, or choose another with {option}")
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!("port {port} needs root: choose one above 1023 with {option}"),
        Err(error) => Err(error).with_context(|| format!("listening on port {port}")),
    }
}

/// Make `dir` if need be, and see that no other demo uses it.
fn hold(dir: &Path) -> Result<Kept> {
    fs::create_dir_all(dir).with_context(|| format!("cannot keep anything in {}", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("cannot keep anything in {}", dir.display()))?;
    postgres::check_place(&dir)?;
    let path = dir.join("lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let lock = lock.with_context(|| format!("cannot keep anything in {}", dir.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Kept { dir, _lock: lock }),
        Err(fs::TryLockError::WouldBlock) => bail!("another demo runs with --keep {}", dir.display()),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

/// An older file of that name would send other programs to a demo that is gone.
fn claim(file: &Path) -> Result<PathBuf> {
    let name = file.file_name().with_context(|| format!("--json {} is no file name", file.display()))?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().with_context(|| format!("cannot write --json {}", file.display()))?;
    let file = parent.join(name);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot write --json {}", file.display()));
        }
        _ => {}
    }
    tempfile::tempfile_in(&parent).with_context(|| format!("cannot write --json {}", file.display()))?;
    Ok(file)
}
