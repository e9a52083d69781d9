//! The agent's own directory on disk: who it is, its keys, its journal. Nobody else may read it, and two agents may not share it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::Identities;
use crate::base::private;

const AGENT: &str = "agent.json";
const LOCK: &str = "lock";

/// `agent.json`: what enrolment gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub agent: Uuid,
    pub tenant: Uuid,
    pub connector: Uuid,
    pub cloud_url: String,
}

/// An enrolled agent's directory, held by this process alone.
pub struct State {
    pub dir: PathBuf,
    pub me: Me,
    pub identity: Arc<Identities>,
    /// Released by the kernel when the process ends, however it ends.
    _lock: File,
}

impl State {
    /// Take the directory for this process.
    pub fn load(dir: &Path) -> Result<Self> {
        let Some((me, identity)) = look(dir)? else {
            bail!("{} holds no enrolled agent: run `sspr agent enrol --token-file FILE` first (agent.state_dir)", dir.display())
        };
        Ok(Self { me, identity: Arc::new(identity), _lock: lock(dir)?, dir: dir.to_owned() })
    }
}

/// Who lives in the directory, without taking it from a process that has it. `None`: nobody is enrolled there yet.
pub fn look(dir: &Path) -> Result<Option<(Me, Identities)>> {
    let text = match fs::read(dir.join(AGENT)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("reading {}", dir.join(AGENT).display()))?,
    };
    let me = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", dir.join(AGENT).display()))?;
    Ok(Some((me, Identities::load(dir)?)))
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let open = private::options().create(true).truncate(false).write(true).open(&path);
    let file = open.with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => bail!("another agent runs with {} (agent.state_dir)", dir.display()),
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}

/// Whether a process has it now.
pub fn is_taken(dir: &Path) -> Result<bool> {
    let path = dir.join(LOCK);
    match File::open(&path) {
        Ok(file) => Ok(matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("opening {}", path.display())),
    }
}

/// Make the directory for a new agent, closed to others. Refuses one that already has an agent.
pub fn prepare(dir: &Path) -> Result<()> {
    if dir.join(AGENT).exists() {
        bail!(
            "{} already holds an enrolled agent. Enrolling again would lose its identity: to replace it, revoke it in the cloud and move that directory away",
            dir.display()
        );
    }
    private::directory(dir).with_context(|| format!("making {} and closing it to others", dir.display()))
}

pub fn save(dir: &Path, me: &Me) -> Result<()> {
    write(&dir.join(AGENT), &serde_json::to_vec_pretty(me)?)
}

/// A whole file or none, for our eyes only, and on the disk when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let fresh = path.with_extension("tmp");
    let writing = || -> std::io::Result<()> {
        let mut file = private::options().create(true).truncate(true).write(true).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        private::sync_directory(path.parent().unwrap_or(Path::new(".")))
    };
    writing().with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{super::identity::for_enrolment, *};

    #[test]
    fn a_directory_has_one_agent_and_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("a/b");
        assert!(State::load(&dir).err().unwrap().to_string().contains("agent enrol"));
        prepare(&dir).unwrap();
        assert_eq!(private::open_to_others(&fs::metadata(&dir).unwrap()), None);
        let identity = for_enrolment(&dir).unwrap();
        assert_eq!(for_enrolment(&dir).unwrap().public(), identity.public(), "a second try is the same agent");
        let me = Me { agent: Uuid::nil(), tenant: Uuid::nil(), connector: Uuid::nil(), cloud_url: "https://x".into() };
        save(&dir, &me).unwrap();
        assert!(prepare(&dir).unwrap_err().to_string().contains("already holds"));

        let state = State::load(&dir).unwrap();
        assert_eq!((&state.me, state.identity.current().public()), (&me, identity.public()));
        assert!(State::load(&dir).err().unwrap().to_string().contains("another agent") && is_taken(&dir).unwrap());
        drop(state);
        assert!(!is_taken(&dir).unwrap());
    }
}
