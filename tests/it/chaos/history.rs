//! What happened, from four sides: browsers, directory, database, inbox; and what was done to the processes meanwhile. One line of
//! JSON each, so that a history can be kept, read and checked again. Times are milliseconds since 1970 by the machine's clock,
//! which no fault touches.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use sspr::base::clock::Clock;
use uuid::Uuid;

/// How the portal answered, as far as the browser knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// 2xx.
    Accepted,
    /// Another status, with its code.
    Refused(u16, String),
    /// None came: it may or may not have been done.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    Run {
        seed: u64,
        seconds: u64,
        at: i64,
    },
    Person {
        person: String,
        guid: Uuid,
        /// NT hash of the password the domain began with.
        first: String,
    },
    /// Something was done to a process or a line, and undone.
    Fault {
        name: String,
        begun: i64,
        ended: i64,
    },
    /// From `at` on this process's clock is so many seconds ahead of the machine's.
    Clock {
        process: String,
        ahead: i64,
        at: i64,
    },
    /// A process ended that nobody had ended.
    Died {
        process: String,
        status: String,
        at: i64,
    },
    /// The database is again as it was between `taken` and `copied`; `begun` and `ended` bound the restoring.
    Restored {
        taken: i64,
        copied: i64,
        begun: i64,
        ended: i64,
    },
    /// A flow (numbered by the harness) has passed its gates, in the harness' eyes.
    Verified {
        flow: u32,
        person: String,
        at: i64,
    },
    /// A ticket, and the NT hash of the password that is sealed for it. Every password is used once.
    Ticket {
        flow: u32,
        person: String,
        job: Uuid,
        seq: i64,
        issued: i64,
        expires: i64,
        password: String,
        begun: i64,
        ended: i64,
    },
    Submit {
        job: Uuid,
        node: usize,
        answer: Answer,
        begun: i64,
        ended: i64,
    },
    /// A status page's word. `job`: whose, where that is certain.
    Told {
        flow: u32,
        job: Option<Uuid>,
        state: String,
        code: Option<String>,
        last: bool,
        at: i64,
    },
    /// A wrong code was typed. `compared`: it was said to be wrong or over, and not that there were too many tries.
    Guess {
        person: String,
        node: usize,
        compared: bool,
        begun: i64,
        ended: i64,
    },
    /// The directory took a password: the `nth` of this person's. `at` is by its own log; `peer` is whose connection.
    Effect {
        person: String,
        nth: usize,
        password: String,
        at: i64,
        peer: String,
    },
    /// An administrator set a password in the directory itself.
    External {
        person: String,
        password: String,
        begun: i64,
        ended: i64,
    },
    /// A job as the database has it in the end.
    Row {
        job: Uuid,
        guid: Uuid,
        flow: Uuid,
        seq: i64,
        state: String,
        code: Option<String>,
        submitted: bool,
        sealed: bool,
        attempts: i64,
        /// The signed result verifies with the key of the agent that the row names, and is about this very job.
        signed: Option<bool>,
        agent: Option<Uuid>,
    },
    /// A line of the audit trail.
    Audit {
        job: Option<Uuid>,
        flow: Option<Uuid>,
        actor: String,
        action: String,
        outcome: String,
    },
    /// A message that says that the password was changed.
    Notice {
        person: String,
        at: i64,
    },
    /// Several active jobs of one person were seen in the database at one moment.
    Several {
        guid: Uuid,
        jobs: Vec<Uuid>,
        at: i64,
    },
    /// A password in a form and at a place where nobody must have it.
    Leak {
        place: String,
        form: String,
        password: String,
    },
    /// No fault any more from `at` on.
    Calm {
        at: i64,
    },
    /// A reset in the calm: `took` milliseconds from the submit to being told that it is applied; `None`: it was not.
    Again {
        person: String,
        took: Option<i64>,
    },
    /// The jobs that were still open when patience ended.
    Open {
        jobs: Vec<Uuid>,
    },
}

/// Writes events down as they come.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Mutex<(Vec<Event>, File)>>,
    clock: Clock,
}

impl Recorder {
    pub fn new(file: &Path) -> Self {
        Self { inner: Arc::new(Mutex::new((Vec::new(), File::create(file).unwrap()))), clock: Clock::system() }
    }

    pub fn now(&self) -> i64 {
        self.clock.millis()
    }

    pub fn write(&self, event: Event) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(&event).unwrap();
        writeln!(inner.1, "{line}").unwrap();
        inner.0.push(event);
    }

    pub fn all(&self) -> Vec<Event> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// A history that was kept.
pub fn read(file: &Path) -> Vec<Event> {
    BufReader::new(File::open(file).unwrap()).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}
