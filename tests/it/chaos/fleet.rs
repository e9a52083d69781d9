//! Whoever looks after the agents: enrols them, is asked to replace a key or to revoke one in the middle of a storm, and enrols anew
//! whom the cloud does not know any more, because it was revoked or because a backup from before its time came back.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::Row;
use sspr::agent::state;
use tokio::{task::spawn_blocking, time::sleep};
use uuid::Uuid;

use super::{
    estate::AGENTS,
    process::{Process, try_run},
    world::World,
};

/// Between two looks; who is missed twice in a row is enrolled anew.
const LOOK: Duration = Duration::from_secs(3);

pub struct Office {
    /// Of the command line in the cloud.
    settings: Vec<(String, String)>,
    connector: String,
    dir: PathBuf,
    moved: AtomicU64,
}

pub fn state_dir(dir: &Path, agent: usize) -> PathBuf {
    dir.join(format!("agent{agent}"))
}

impl Office {
    pub fn new(settings: Vec<(String, String)>, connector: String, dir: &Path) -> Self {
        Self { settings, connector, dir: dir.to_owned(), moved: AtomicU64::new(0) }
    }

    /// As an administrator does it: token, enrolment, comparing, confirming.
    pub fn enrol(&self, agent: &Process) -> Result<(), String> {
        let token = self.dir.join(format!("{}.token", agent.name));
        fs::write(&token, try_run(&self.settings, &["agent", "token", &self.connector])?).unwrap();
        let enrolled = agent.beside(&["agent", "enrol", "--token-file", token.to_str().unwrap(), "--name", &agent.name])?;
        let (id, fingerprint) = (uuids(&enrolled)[0].to_string(), fingerprint_in(&enrolled));
        try_run(&self.settings, &["agent", "confirm", &id, "--fingerprint", &fingerprint]).map(drop)
    }

    /// The database may be away, and a restored one may not know it.
    pub fn revoke(&self, agent: usize) {
        if let Some((me, _)) = state::look(&state_dir(&self.dir, agent)).unwrap() {
            let _ = try_run(&self.settings, &["agent", "revoke", &me.agent.to_string()]);
        }
    }

    /// The running agent does it within a second or so; one that is away, after its next start.
    pub fn ask_to_rotate(&self, agent: usize) {
        let _ = fs::write(state_dir(&self.dir, agent).join("rotate"), "");
    }

    /// A new machine takes the place of the old one, which is kept for whoever looks into it.
    fn replace(&self, agent: usize, process: &Process) -> Result<(), String> {
        process.stop();
        let (place, count) = (state_dir(&self.dir, agent), self.moved.fetch_add(1, Ordering::Relaxed));
        fs::rename(&place, self.dir.join(format!("was-agent{agent}-{count}"))).map_err(|error| error.to_string())?;
        let mut tries = 0;
        while let Err(said) = self.enrol(process) {
            tries += 1;
            if tries == 60 {
                return Err(said);
            }
            // Half enrolled does not count, and a key that may be known by now is taken with no other token.
            let _ = fs::remove_dir_all(&place);
            std::thread::sleep(Duration::from_secs(1));
        }
        process.start();
        Ok(())
    }
}

/// Until the end: nobody stays out.
pub async fn look_after(world: Arc<World>) {
    let mut missed = [0_u32; AGENTS];
    loop {
        sleep(LOOK).await;
        for (agent, missed) in missed.iter_mut().enumerate() {
            *missed = if is_known(&world, agent).await { 0 } else { *missed + 1 };
            if *missed < 2 {
                continue;
            }
            let _held = world.estate.agents[agent].held.lock().await;
            let again = world.clone();
            let done = spawn_blocking(move || again.estate.office.replace(agent, &again.estate.agents[agent])).await.unwrap();
            done.unwrap_or_else(|said| panic!("agent{agent} cannot be enrolled anew: {said}"));
            *missed = 0;
        }
    }
}

/// By a key that it holds. True where that cannot be found out now.
async fn is_known(world: &World, agent: usize) -> bool {
    let Ok(Some((me, identities))) = state::look(&state_dir(&world.estate.dir, agent)) else { return true };
    let Some(mut conn) = world.estate.database().await else { return true };
    let row = sqlx::query("select identity, status from agents where agent_id = $1").bind(me.agent).fetch_optional(&mut conn).await;
    let Ok(row) = row else { return true };
    row.is_some_and(|row| {
        let (identity, status): (Vec<u8>, String) = (row.get(0), row.get(1));
        let held = [Some(identities.current()), identities.next()];
        status == "active" && held.iter().flatten().any(|held| held.public() == identity)
    })
}

pub fn uuids(text: &str) -> Vec<Uuid> {
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').filter(|word| word.len() == 36).filter_map(|word| word.parse().ok()).collect()
}

/// Four groups of four.
fn fingerprint_in(text: &str) -> String {
    let is =
        |word: &&str| word.len() == 19 && word.split('-').all(|group| group.len() == 4 && group.chars().all(|c| c.is_ascii_alphanumeric()));
    text.split_whitespace().find(is).unwrap_or_else(|| panic!("no fingerprint in {text}")).to_owned()
}
