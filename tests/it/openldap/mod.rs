//! The agent against a real OpenLDAP with password policies.

mod failover;
mod groups;
mod names;
mod outcomes;
mod people;
mod rights;
mod states;
mod whole;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sspr::{
    agent::{
        audit::{self, Audit},
        directory::{Account, Directory, openldap::OpenLdap},
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
    lab::slapd::{Slapd, SlapdOptions},
    wire::{
        keys::Statement,
        message::{AccountState, JobResult, LeasedJob},
        outcome::Code,
        seal::{Secrets, seal},
        ticket::{Kind, Ticket},
        unb64,
    },
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::support::office::of_slapd;

pub async fn slapd(options: SlapdOptions) -> Slapd {
    tokio::task::spawn_blocking(move || Slapd::start(&options)).await.unwrap().unwrap()
}

/// The settings for a directory. Many operations on few people.
pub fn directory_of(slapd: &Slapd) -> config::Directory {
    config::Directory { max_per_user_per_hour: 0, ..of_slapd(slapd) }
}

/// entryUUID, as the administrator sees it.
pub async fn uuid_of(slapd: &Slapd, dn: &str) -> Uuid {
    attribute(slapd, dn, "entryUUID").await.unwrap().parse().unwrap()
}

/// The first value, as the administrator sees it.
pub async fn attribute(slapd: &Slapd, dn: &str, name: &str) -> Option<String> {
    slapd.entry(dn, &[name]).await.unwrap()?.attrs.get(name).map(|values| values[0].clone())
}

/// One agent's decision point, with its files, keys and clock.
pub struct Desk {
    _dir: tempfile::TempDir,
    clock: Clock,
    me: Me,
    pub directory: Arc<OpenLdap>,
    executor: Executor<OpenLdap>,
    key: Statement,
    seq: Mutex<i64>,
}

impl Desk {
    pub fn at(slapd: &Slapd) -> Self {
        Self::with(slapd, |_| ())
    }

    pub fn with(slapd: &Slapd, change: impl FnOnce(&mut config::Agent)) -> Self {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let mut settings = Config::from(None, []).unwrap().agent;
        settings.directory = directory_of(slapd);
        dir.path().clone_into(&mut settings.state_dir);
        change(&mut settings);
        state::prepare(dir.path()).unwrap();
        identity::for_enrolment(dir.path()).unwrap();
        let [agent, tenant, connector] = [1, 2, 3].map(Uuid::from_u128);
        state::save(dir.path(), &Me { agent, tenant, connector, cloud_url: "https://cloud.example".into() }).unwrap();
        let time = Time::new(clock.clone());
        let state = State::load(dir.path()).unwrap();
        let journal = Arc::new(Journal::open(&dir.path().join("journal"), time.now()).unwrap());
        let keys = Arc::new(Keys::load(dir.path(), time.now()).unwrap());
        let key = keys.due(&state.identity.current(), &state.me, time.now()).unwrap().unwrap().statement;
        let directory = OpenLdap::new(&settings.directory, time.clone()).unwrap();
        let directory = Arc::new(directory.with_groups(&settings.allow_groups, &settings.deny_groups));
        let audit = Arc::new(Audit::open(&audit::path(&settings), time.now()).unwrap());
        let executor = Executor::new(&settings, &state, keys, directory.clone(), (journal, audit), time);
        Self { me: state.me.clone(), _dir: dir, clock, directory, executor, key, seq: Mutex::new(0) }
    }

    /// What the cloud would have it do.
    pub fn job(&self, user: Uuid, kind: Kind, new: &str, old: &str) -> LeasedJob {
        let seq = if kind.is_effect() {
            let mut seq = self.seq.lock().unwrap();
            *seq += 1;
            *seq
        } else {
            0
        };
        let now = self.clock.seconds();
        let (job, tenant, connector) = (id::random(), self.me.tenant, self.me.connector);
        let ticket = Ticket { job, seq, tenant, connector, user, kind, issued_at: now, expires_at: now + 120 };
        let secrets = Secrets { new: new.to_owned().into(), old: old.to_owned().into() };
        let key = unb64(&self.key.key).unwrap();
        let envelope = kind.is_sealed().then(|| seal(&secrets, &ticket, &self.key.key_id().unwrap(), &key).unwrap());
        LeasedJob { lease: id::random(), seconds: 60, attempt: 1, ticket, envelope }
    }

    pub async fn run(&self, job: &LeasedJob) -> JobResult {
        self.executor.run(job, Instant::now() + Duration::from_mins(1)).await
    }

    pub async fn does(&self, user: Uuid, kind: Kind, new: &str, old: &str) -> JobResult {
        self.run(&self.job(user, kind, new, old)).await
    }

    pub async fn code(&self, user: Uuid, kind: Kind, new: &str, old: &str) -> Code {
        self.does(user, kind, new, old).await.code
    }

    /// What `inspect` answers.
    pub async fn state(&self, user: Uuid) -> AccountState {
        let result = self.does(user, Kind::Inspect, "", "").await;
        assert_eq!(result.code, Code::Inspected);
        result.account.unwrap()
    }

    pub async fn account(&self, user: Uuid) -> Account {
        self.directory.inspect(user).await.unwrap().unwrap()
    }
}
