//! The agent against real domain controllers: Samba 4.24, which answers as Windows does, and 4.17, which has no policy hints.

mod accounts;
mod audited;
mod canary;
mod connection;
mod crashes;
mod discovery;
mod failover;
mod frozen;
pub mod groups;
mod kinds;
mod meanwhile;
mod mirror;
pub mod names;
mod order;
mod passwords;
mod poison;
mod rotation;
mod silent;
mod whole;

use std::{
    fmt::Write,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sspr::{
    agent::{
        audit::{self, Audit},
        directory::{Account, Directory, ad::Ad},
        executor::Executor,
        identity,
        journal::Journal,
        keys::Keys,
        state::{self, Me, State},
        time::Time,
    },
    base::{
        clock::Clock,
        config::{self, Config},
        id,
    },
    lab::samba::{BindOutcome, Release, Samba, SambaOptions},
    wire::{
        keys::Statement,
        message::{JobResult, LeasedJob},
        outcome::Code,
        seal::{Secrets, seal},
        ticket::{Kind, Ticket},
        unb64,
    },
};
use tokio::time::Instant;
use uuid::Uuid;

pub use crate::support::office::of_samba as directory_of;

/// A domain that many tests share, each with people of its own.
pub struct Domain {
    pub samba: Samba,
    next: AtomicUsize,
}

impl Domain {
    fn start(options: &SambaOptions) -> Self {
        Self { samba: Samba::start(options).unwrap(), next: AtomicUsize::new(1) }
    }

    /// Somebody whom no other test touches.
    pub async fn somebody(&self) -> Someone {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        self.someone(&format!("user{number:02}")).await
    }

    pub async fn someone(&self, name: &str) -> Someone {
        let password = self.samba.user(name).map(|user| user.password.clone()).unwrap_or_default();
        Someone { guid: guid(&self.samba, name).await, dn: self.samba.dn(name).await.unwrap(), name: name.to_owned(), password }
    }
}

pub struct Someone {
    pub name: String,
    pub guid: Uuid,
    pub dn: String,
    /// The first one.
    pub password: String,
}

static HINTS: LazyLock<Domain> = LazyLock::new(|| shared(Release::Backports));
static NO_HINTS: LazyLock<Domain> = LazyLock::new(|| shared(Release::System));

fn shared(release: Release) -> Domain {
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for number in 1..=100 {
        writeln!(csv, "user{number:02},User,Number {number:02},,,First-Password-{number:02},,").unwrap();
    }
    csv += "gone,Long,Gone,,,First-Password-00,,disabled\n";
    Domain::start(&SambaOptions { release, users_csv: Some(csv), ..SambaOptions::default() })
}

/// The older manner of answering, for tests to which it is all the same.
pub fn without_hints() -> &'static Domain {
    &NO_HINTS
}

/// Both manners of answering.
pub fn both() -> [&'static Domain; 2] {
    [&HINTS, &NO_HINTS]
}

pub async fn guid(samba: &Samba, name: &str) -> Uuid {
    let entry = samba.entry(name, &["objectGUID"]).await.unwrap();
    let text = entry.attrs.get("objectGUID").map(|values| values[0].clone().into_bytes());
    let bytes = entry.bin_attrs.get("objectGUID").map(|values| values[0].clone()).or(text).unwrap();
    Uuid::from_bytes_le(bytes.try_into().unwrap())
}

/// How often the password was set.
pub async fn times_set(samba: &Samba, name: &str) -> u32 {
    samba.entry(name, &["msDS-KeyVersionNumber"]).await.unwrap().attrs["msDS-KeyVersionNumber"][0].parse().unwrap()
}

/// pwdLastSet as the administrator sees it.
pub async fn pwd_last_set(samba: &Samba, name: &str) -> String {
    samba.entry(name, &["pwdLastSet"]).await.unwrap().attrs["pwdLastSet"][0].clone()
}

pub async fn accepts(samba: &Samba, someone: &Someone, password: &str) -> bool {
    samba.bind_as(&someone.dn, password).await.unwrap() == BindOutcome::Accepted
}

/// A plain account outside the part that the service account may write to.
pub async fn add_outsider(samba: &Samba, name: &str) -> String {
    let dn = format!("CN={name},CN=Users,{}", samba.base_dn);
    let mut admin = samba.admin().await.unwrap();
    let set = |value: &'static str| std::collections::HashSet::from([value]);
    let names = std::collections::HashSet::from([name]);
    admin.add(&dn, vec![("objectClass", set("user")), ("sAMAccountName", names)]).await.unwrap().success().unwrap();
    samba.set_password(&dn, "First-Passw0rd").await.unwrap();
    samba.set(&dn, "userAccountControl", "512").await.unwrap();
    dn
}

/// One agent's decision point, with its files, keys and clock.
pub struct Bench {
    dir: Arc<tempfile::TempDir>,
    settings: config::Agent,
    pub clock: Clock,
    pub me: Me,
    pub directory: Arc<Ad>,
    pub journal: Arc<Journal>,
    pub executor: Arc<Executor<Ad>>,
    /// The published sealing key.
    pub key: Statement,
    seq: Mutex<i64>,
}

impl Bench {
    pub fn new(samba: &Samba) -> Self {
        Self::with(samba, |_| ())
    }

    pub fn with(samba: &Samba, change: impl FnOnce(&mut config::Agent)) -> Self {
        let mut settings = Config::from(None, []).unwrap().agent;
        settings.directory = directory_of(samba);
        let dir = Arc::new(tempfile::tempdir().unwrap());
        dir.path().clone_into(&mut settings.state_dir);
        change(&mut settings);
        state::prepare(dir.path()).unwrap();
        identity::for_enrolment(dir.path()).unwrap();
        let [agent, tenant, connector] = [1, 2, 3].map(Uuid::from_u128);
        state::save(dir.path(), &Me { agent, tenant, connector, cloud_url: "https://cloud.example".into() }).unwrap();
        Self::open(dir, settings, Clock::system())
    }

    fn open(dir: Arc<tempfile::TempDir>, settings: config::Agent, clock: Clock) -> Self {
        let time = Time::new(clock.clone());
        let state = State::load(dir.path()).unwrap();
        let journal = Arc::new(Journal::open(&dir.path().join("journal"), time.now()).unwrap());
        let keys = Arc::new(Keys::load(dir.path(), time.now()).unwrap());
        let key = keys.due(&state.identity.current(), &state.me, time.now()).unwrap().unwrap().statement;
        let directory =
            Arc::new(Ad::new(&settings.directory, time.clone()).unwrap().with_groups(&settings.allow_groups, &settings.deny_groups));
        let audit = Arc::new(Audit::open(&audit::path(&settings), time.now()).unwrap());
        let executor = Arc::new(Executor::new(&settings, &state, keys, directory.clone(), (journal.clone(), audit), time));
        Self { me: state.me.clone(), dir, settings, clock, directory, journal, executor, key, seq: Mutex::new(0) }
    }

    /// The same agent over another directory.
    pub fn over<D: Directory>(&self, directory: D) -> Arc<Executor<D>> {
        let state = State::load(self.dir.path()).unwrap();
        let time = Time::new(self.clock.clone());
        let keys = Arc::new(Keys::load(self.dir.path(), time.now()).unwrap());
        let audit = Arc::new(Audit::open(&audit::path(&self.settings), time.now()).unwrap());
        Arc::new(Executor::new(&self.settings, &state, keys, Arc::new(directory), (self.journal.clone(), audit), time))
    }

    /// Its audit file.
    pub fn audit(&self) -> std::path::PathBuf {
        audit::path(&self.settings)
    }

    /// As after kill -9: what is on the disk, and nothing else.
    pub fn crashed(self) -> Self {
        let seq = *self.seq.lock().unwrap();
        let Self { dir, settings, clock, .. } = self;
        let again = Self::open(dir, settings, clock);
        *again.seq.lock().unwrap() = seq;
        again
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The next job for this user, good for two minutes.
    pub fn ticket(&self, user: Uuid) -> Ticket {
        let mut seq = self.seq.lock().unwrap();
        *seq += 1;
        let now = self.clock.seconds();
        let (job, tenant, connector) = (id::random(), self.me.tenant, self.me.connector);
        Ticket { job, seq: *seq, tenant, connector, user, kind: Kind::Reset, issued_at: now, expires_at: now + 120 }
    }

    pub fn sealed(&self, ticket: Ticket, password: &str) -> LeasedJob {
        let secrets = Secrets { new: password.to_owned().into(), old: String::new().into() };
        let envelope = seal(&secrets, &ticket, &self.key.key_id().unwrap(), &unb64(&self.key.key).unwrap()).ok();
        LeasedJob { lease: id::random(), seconds: 60, attempt: 1, ticket, envelope }
    }

    pub fn job(&self, user: Uuid, password: &str) -> LeasedJob {
        self.sealed(self.ticket(user), password)
    }

    /// The next job of a kind, with the passwords that belong to it.
    pub fn order(&self, kind: Kind, user: Uuid, old: &str, new: &str) -> LeasedJob {
        let ticket = self.ticket(user);
        let ticket = Ticket { kind, seq: if kind.is_effect() { ticket.seq } else { 0 }, ..ticket };
        let of = |has: bool, secret: &str| if has { secret.to_owned().into() } else { String::new().into() };
        let secrets = Secrets { new: of(kind.has_new(), new), old: of(kind.has_old(), old) };
        let sealed = || seal(&secrets, &ticket, &self.key.key_id().unwrap(), &unb64(&self.key.key).unwrap()).unwrap();
        let envelope = kind.is_sealed().then(sealed);
        LeasedJob { lease: id::random(), seconds: 60, attempt: 1, ticket, envelope }
    }

    pub async fn run(&self, job: &LeasedJob) -> JobResult {
        self.executor.run(job, Instant::now() + Duration::from_mins(1)).await
    }

    /// A whole reset; its code.
    pub async fn reset(&self, user: Uuid, password: &str) -> Code {
        self.run(&self.job(user, password)).await.code
    }

    pub async fn account(&self, user: Uuid) -> Account {
        self.directory.inspect(user).await.unwrap().unwrap()
    }
}
