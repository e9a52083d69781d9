//! The decision: what becomes of one leased job. The agent is where a password is set or not; the cloud only asks.
//!
//! In order, each step refusing with its own code: kill switch, scope of the ticket, our key, opening (which binds every field of
//! the ticket), expiry, order (`seq` against the journal), usable passwords, the account itself, limits. Then an intent is forced
//! to the disk, *one* modify is made, its effect is read back, and the end is forced to the disk before it is told ([`apply`]).
//!
//! A job that the journal knows is never blindly tried again: an ended one is answered again, a begun one is looked into first.
//! Nor is one that another agent had before ([`takeover`]). Looks change nothing: they pass the same gates but for order, intent and
//! read-back, and may be repeated ([`looks`]).

mod aftermath;
mod apply;
mod canary;
mod ending;
mod looks;
mod meanwhile;
mod takeover;

pub use canary::NAME as CANARY;
pub use ending::LONGEST;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    audit::Audit,
    caps::Caps,
    directory::{Account, Directory, Trouble, dn},
    identity::Identities,
    journal::{Job, Journal},
    keys::Keys,
    lanes::Lanes,
    policy,
    state::{Me, State},
    time::Time,
};
use crate::{
    base::config,
    wire::{
        jws,
        message::{AccountState, JobResult, LeasedJob},
        outcome::Code,
        seal::{self, Broken, PASSWORD_MAX_UTF16, Secrets},
        ticket::Kind,
    },
};

/// A modify is not begun with less than this left of the lease: another agent may have the job before it is done.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Everything that decides about jobs.
pub struct Executor<D> {
    me: Me,
    identity: Arc<Identities>,
    keys: Arc<Keys>,
    directory: Arc<D>,
    journal: Arc<Journal>,
    audit: Arc<Audit>,
    caps: Caps,
    /// Of tries of a password (`verify`), which count towards an account's lockout.
    tries: Caps,
    lanes: Lanes,
    time: Time,
    users_dn: String,
    require_policy_hints: bool,
    stop_file: Option<PathBuf>,
    opened: AtomicU64,
}

/// How it ended, before it is dressed as a result.
#[derive(Debug, Clone, Default)]
struct Verdict {
    code: Option<Code>,
    unlocked: bool,
    allowed_at: Option<i64>,
    /// pwdLastSet after our change, where it was read.
    after: Option<i64>,
    account: Option<AccountState>,
    /// Which server it is about; empty: the one in use.
    dc: String,
    /// The change never left us.
    unsent: bool,
}

impl From<Code> for Verdict {
    fn from(code: Code) -> Self {
        Self { code: Some(code), ..Self::default() }
    }
}

impl<D: Directory> Executor<D> {
    pub fn new(
        settings: &config::Agent,
        state: &State,
        keys: Arc<Keys>,
        directory: Arc<D>,
        (journal, audit): (Arc<Journal>, Arc<Audit>),
        time: Time,
    ) -> Self {
        let rules = &settings.directory;
        Self {
            me: state.me.clone(),
            identity: state.identity.clone(),
            keys,
            directory,
            caps: Caps::new(rules.max_per_user_per_hour, rules.max_per_hour, journal.changes()),
            tries: Caps::new(rules.max_per_user_per_hour, rules.max_per_hour, []),
            journal,
            audit,
            lanes: Lanes::default(),
            time,
            users_dn: rules.users_dn.clone(),
            require_policy_hints: rules.require_policy_hints,
            stop_file: (!settings.stop_file.as_os_str().is_empty()).then(|| settings.stop_file.clone()),
            opened: AtomicU64::new(0),
        }
    }

    /// Jobs opened since start.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// As the cloud wants it. The same result gives the same signature, as long as the identity is the same.
    pub fn sign(&self, result: &JobResult) -> String {
        jws::sign(&self.identity.current(), jws::RESULT, Some(&self.me.agent.to_string()), false, result)
    }

    /// Decide and do. `until`: the end of the lease.
    pub async fn run(&self, job: &LeasedJob, until: Instant) -> JobResult {
        if !job.ticket.kind.is_effect() {
            return self.look(job).await;
        }
        let ticket = &job.ticket;
        let started_at = self.time.millis();
        if let Some(result) = self.ended(job) {
            return result;
        }
        let mut admitted = self.admit(job);
        if admitted.is_ok() {
            self.opened.fetch_add(1, Ordering::Relaxed);
            // Before waiting for the user's lane, so that an older job that has not begun yet learns of the newer one.
            match self.journal.see(ticket.user, ticket.seq, ticket.job, self.time.now()) {
                Ok(true) => {}
                Ok(false) => admitted = Err(Code::Stale),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "the journal cannot be written; refusing");
                    admitted = Err(Code::DirectoryError);
                }
            }
        }
        let lane = self.lanes.enter(ticket.user).await;
        // The same job may have been delivered twice at once.
        if let Some(result) = self.ended(job) {
            return result;
        }
        let begun = match self.journal.job(ticket.job) {
            Some(Job::Open(intent)) => Some(intent),
            _ => None,
        };
        let verdict = match (begun, admitted) {
            (None, Err(code)) => self.unless_done(job, code).await.into(),
            (None, Ok(secrets)) if job.attempt > 1 => self.take_over(job, &secrets, until).await,
            (None, Ok(secrets)) => self.attempt(job, &secrets, until).await,
            (Some(intent), Err(code)) => self.without_password(&intent).await.unwrap_or_else(|| code.into()),
            (Some(intent), Ok(secrets)) => self.resume(job, &intent, &secrets, until).await,
        };
        let result = self.end(job, started_at, verdict).await;
        drop(lane);
        result
    }

    /// Everything that is decided without asking the directory.
    fn admit(&self, job: &LeasedJob) -> Result<Secrets, Code> {
        let ticket = &job.ticket;
        if self.is_switched_off() {
            return Err(Code::SwitchedOff);
        }
        if ticket.tenant != self.me.tenant || ticket.connector != self.me.connector {
            return Err(Code::OutOfScope);
        }
        let secrets = self.open(job)?;
        if self.is_expired(job) {
            return Err(Code::Expired);
        }
        let usable = |secret: &str| (1..=PASSWORD_MAX_UTF16).contains(&secret.encode_utf16().count()) && !secret.contains('\0');
        let kind = ticket.kind;
        if (kind.has_new() && !usable(&secrets.new)) || (kind.has_old() && !usable(&secrets.old)) {
            return Err(Code::PasswordUnusable);
        }
        Ok(secrets)
    }

    /// The secrets of a job; of a kind without, none, and no envelope either.
    fn open(&self, job: &LeasedJob) -> Result<Secrets, Code> {
        let envelope = match &job.envelope {
            Some(envelope) if job.ticket.kind.is_sealed() => envelope,
            None if !job.ticket.kind.is_sealed() => return Ok(Secrets { new: Zeroizing::default(), old: Zeroizing::default() }),
            _ => return Err(Code::CannotOpen),
        };
        let private = self.keys.private(&envelope.key).ok_or(Code::CannotOpen)?;
        seal::open(envelope, &job.ticket, &private).map_err(|broken| match broken {
            Broken::TooLong => Code::PasswordUnusable,
            _ => Code::CannotOpen,
        })
    }

    fn is_switched_off(&self) -> bool {
        // A file that cannot be looked at counts as there: a kill switch fails safe.
        self.stop_file.as_ref().is_some_and(|path| path.try_exists().unwrap_or(true))
    }

    fn is_expired(&self, job: &LeasedJob) -> bool {
        self.time.now() >= job.ticket.expires_at
    }

    /// What may have changed since the job was admitted.
    fn still_wanted(&self, job: &LeasedJob, until: Instant) -> Result<(), Code> {
        let ticket = &job.ticket;
        if self.is_switched_off() {
            return Err(Code::SwitchedOff);
        }
        if !self.journal.is_newest(ticket.user, ticket.seq, ticket.job) {
            return Err(Code::Stale);
        }
        if self.is_expired(job) || until.saturating_duration_since(Instant::now()) < LEASE_MARGIN {
            return Err(Code::Expired);
        }
        Ok(())
    }

    /// The account, if this kind of job may be done with it.
    async fn served(&self, job: &LeasedJob) -> Result<Account, Code> {
        let kind = job.ticket.kind;
        let account = match self.directory.inspect(job.ticket.user).await {
            Ok(Some(account)) => account,
            Ok(None) => return Err(Code::Gone),
            Err(trouble) => return Err(of_trouble(&trouble)),
        };
        let is_served = dn::is_below(&account.dn, &self.users_dn) && self.directory.serves(&account).await.map_err(|t| of_trouble(&t))?;
        if !is_served {
            return Err(Code::OutOfScope);
        }
        if kind == Kind::Inspect {
            return Ok(account);
        }
        // Not even a password is tried: wrong ones would lock an administrator out.
        if self.is_protected(&account) {
            return Err(Code::AccountProtected);
        }
        if !kind.is_effect() {
            return Ok(account);
        }
        if account.disabled {
            return Err(Code::AccountDisabled);
        }
        if account.expired {
            return Err(Code::AccountExpired);
        }
        if account.locked_for_good {
            return Err(Code::LockedForGood);
        }
        let hints = account.server.policy_hints.is_some();
        // A change is held to all rules by itself, and a temporary password is changed at once, under them.
        if self.require_policy_hints && !hints && kind == Kind::Reset {
            return Err(Code::ControlMissing);
        }
        Ok(account)
    }

    fn is_protected(&self, account: &Account) -> bool {
        account.protected || self.directory.is_own(account)
    }
}

/// The directory could not be read.
fn of_trouble(trouble: &Trouble) -> Code {
    tracing::warn!(error = %trouble, "the directory did not serve a job");
    match trouble {
        Trouble::Unreachable(_) => Code::DirectoryUnreachable,
        Trouble::Answered { code, win32, .. } => {
            policy::classify(*code, *win32).filter(|code| *code != Code::PolicyOther).unwrap_or(Code::DirectoryError)
        }
        Trouble::Unfit { .. } => Code::DirectoryError,
    }
}
