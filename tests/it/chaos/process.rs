//! A program of ours as an operator has it: started with settings, killed, stopped in mid-air, and started again by whoever
//! watches over it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    clock::Offset,
    history::{Event, Recorder},
};

pub struct Process {
    pub name: String,
    args: Vec<String>,
    settings: Vec<(String, String)>,
    library: PathBuf,
    clock: Offset,
    pub log: PathBuf,
    child: Mutex<Option<Child>>,
    /// One fault at a time has its hands on it.
    pub held: tokio::sync::Mutex<()>,
    pub clock_held: tokio::sync::Mutex<()>,
    pub disk_held: tokio::sync::Mutex<()>,
}

impl Process {
    /// `sspr ARGS`, not started yet.
    pub fn new(name: &str, args: &[&str], settings: &[(String, String)], dir: &Path, library: &Path) -> Self {
        Self {
            name: name.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            settings: settings.to_vec(),
            library: library.to_owned(),
            clock: Offset::new(dir.join(format!("{name}.clock"))),
            log: dir.join(format!("{name}.log")),
            child: Mutex::default(),
            held: tokio::sync::Mutex::default(),
            clock_held: tokio::sync::Mutex::default(),
            disk_held: tokio::sync::Mutex::default(),
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn start(&self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = command(&self.settings)
            .args(&self.args)
            .env("LD_PRELOAD", &self.library)
            .env("CHAOS_CLOCK", &self.clock.path)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.child() = Some(child);
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = self.child().as_ref() {
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        }
    }

    /// In mid-air, whatever it does.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// SIGKILL; it stays away until started.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and wait.
    pub fn stop(&self) {
        self.signal("-CONT");
        self.signal("-TERM");
        if let Some(mut child) = self.child().take() {
            let _ = child.wait();
        }
    }

    pub fn set_clock(&self, ahead: i64, recorder: &Recorder) {
        self.clock.set(ahead);
        recorder.write(Event::Clock { process: self.name.clone(), ahead, at: recorder.now() });
    }

    pub fn fill_disk(&self, full: bool) {
        self.clock.fill(full);
    }

    /// Another program of ours with the same settings, to its end.
    pub fn beside(&self, args: &[&str]) -> Result<String, String> {
        try_run(&self.settings, args)
    }

    /// As systemd would: whoever ended by itself is started again.
    pub fn watch(&self, recorder: &Recorder) {
        let ended = self.child().as_mut().and_then(|child| child.try_wait().ok().flatten());
        if let Some(status) = ended {
            recorder.write(Event::Died { process: self.name.clone(), status: status.to_string(), at: recorder.now() });
            self.start();
        }
    }

    pub fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program under test with these settings and no others.
pub fn command(settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
    command.stdin(Stdio::null()).env("RUST_BACKTRACE", "1").envs(settings.iter().cloned()).current_dir("/");
    command
}

/// Run it to its end; what it says on standard output.
pub fn run(settings: &[(String, String)], args: &[&str]) -> String {
    try_run(settings, args).unwrap_or_else(|said| panic!("sspr {args:?}: {said}"))
}

/// The same where it may fail: what it says on standard error.
pub fn try_run(settings: &[(String, String)], args: &[&str]) -> Result<String, String> {
    let out = command(settings).args(args).output().unwrap();
    if out.status.success() { Ok(String::from_utf8(out.stdout).unwrap()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}
