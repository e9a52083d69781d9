//! The decision: what becomes of one leased job. The agent is where a password is set or not; the cloud only asks.
//!
//! In order, each step refusing with its own code: kill switch, scope of the ticket, our key, opening (which binds every field of
//! the ticket), expiry, order (`seq` against the journal), a usable password, the account itself, limits. Then an intent is forced
//! to the disk, *one* modify is made, its effect is read back, and the end is forced to the disk before it is told.
//!
//! A job that the journal knows is never blindly tried again: an ended one is answered again, a begun one is looked into first.
//! Nor is one that another agent had before ([`takeover`]).

mod aftermath;
mod ending;
mod meanwhile;
mod takeover;

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

use super::{
    audit::Audit,
    caps::Caps,
    directory::{Account, Directory, ResetError, Trouble, dn},
    identity::Identities,
    journal::{Intent, Job, Journal},
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
        message::{JobResult, LeasedJob},
        outcome::{Code, Outcome},
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
    lanes: Lanes,
    time: Time,
    users_dn: String,
    require_policy_hints: bool,
    stop_file: Option<PathBuf>,
    opened: AtomicU64,
}

/// How it ended, before it is dressed as a result.
#[derive(Debug, Clone, Copy, Default)]
struct Verdict {
    code: Option<Code>,
    unlocked: bool,
    allowed_at: Option<i64>,
    /// pwdLastSet after our change, where it was read.
    after: Option<i64>,
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
            (Some(intent), Err(code)) => self.without_password(&intent).await.unwrap_or(code).into(),
            (Some(intent), Ok(secrets)) => self.resume(job, &intent, &secrets, until).await,
        };
        let code = verdict.code.unwrap_or(Code::DirectoryError);
        let result = JobResult {
            job: ticket.job,
            lease: job.lease,
            seq: ticket.seq,
            ciphertext: job.envelope.hash().unwrap_or_default(),
            code,
            dc: self.directory.seen().await.map(|server| server.name).unwrap_or_default(),
            started_at,
            finished_at: self.time.millis(),
            unlocked: verdict.unlocked,
            allowed_at: verdict.allowed_at,
        };
        let result = self.end(ticket.user, result, verdict.after).await;
        drop(lane);
        result
    }

    /// Everything that is decided without asking the directory.
    fn admit(&self, job: &LeasedJob) -> Result<Secrets, Code> {
        let ticket = &job.ticket;
        if self.is_switched_off() {
            return Err(Code::SwitchedOff);
        }
        match ticket.kind {
            Kind::Reset => {}
        }
        if ticket.tenant != self.me.tenant || ticket.connector != self.me.connector {
            return Err(Code::OutOfScope);
        }
        let private = self.keys.private(&job.envelope.key).ok_or(Code::CannotOpen)?;
        let secrets = seal::open(&job.envelope, ticket, &private).map_err(|broken| match broken {
            Broken::TooLong => Code::PasswordUnusable,
            _ => Code::CannotOpen,
        })?;
        if self.is_expired(job) {
            return Err(Code::Expired);
        }
        let usable = (1..=PASSWORD_MAX_UTF16).contains(&secrets.new.encode_utf16().count()) && !secrets.new.contains('\0');
        if usable { Ok(secrets) } else { Err(Code::PasswordUnusable) }
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

    /// The account, if it may be served.
    async fn look(&self, job: &LeasedJob) -> Result<Account, Code> {
        let account = match self.directory.inspect(job.ticket.user).await {
            Ok(Some(account)) => account,
            Ok(None) => return Err(Code::Gone),
            Err(trouble) => return Err(of_trouble(&trouble)),
        };
        let is_served = dn::is_below(&account.dn, &self.users_dn) && self.directory.serves(&account).await.map_err(|t| of_trouble(&t))?;
        if !is_served {
            return Err(Code::OutOfScope);
        }
        if account.is_protected() || self.directory.is_own(&account) {
            return Err(Code::AccountProtected);
        }
        if account.is_disabled() {
            return Err(Code::AccountDisabled);
        }
        let hints = self.directory.seen().await.is_some_and(|server| server.policy_hints.is_some());
        if self.require_policy_hints && !hints {
            return Err(Code::ControlMissing);
        }
        Ok(account)
    }

    /// A job of which nothing has happened yet.
    async fn attempt(&self, job: &LeasedJob, secrets: &Secrets, until: Instant) -> Verdict {
        let account = match self.look(job).await {
            Ok(account) => self.unchanged_since(&job.ticket, &account).await.map(|()| account),
            Err(code) => Err(code),
        };
        match account {
            Ok(account) => self.apply(job, &account, secrets, until).await,
            Err(code) => self.unless_done(job, code).await.into(),
        }
    }

    async fn apply(&self, job: &LeasedJob, account: &Account, secrets: &Secrets, until: Instant) -> Verdict {
        let ticket = &job.ticket;
        if let Err(code) = self.still_wanted(job, until) {
            return code.into();
        }
        if !self.caps.take(ticket.user, self.time.now()) {
            tracing::warn!(job.id = %ticket.job, user.guid = %ticket.user, "over the limit of changes per hour; refusing");
            return Code::LimitReached.into();
        }
        let intent = Intent {
            job: ticket.job,
            user: ticket.user,
            seq: ticket.seq,
            lease: job.lease,
            ciphertext: job.envelope.hash().unwrap_or_default(),
            at: self.time.now(),
            expires_at: ticket.expires_at,
            before: account.pwd_last_set,
            dc: self.directory.seen().await.map(|server| server.name).unwrap_or_default(),
            locked: account.locked,
        };
        if let Err(code) = self.announce(&intent).await {
            self.caps.give_back(ticket.user);
            return code.into();
        }
        // Forcing to the disk may have taken a while.
        let mut verdict = match self.still_wanted(job, until) {
            Ok(()) => self.set(&intent, account, secrets).await,
            Err(code) => code.into(),
        };
        if job.attempt > 1
            // The last is what history looks like where the policy may not be read.
            && let Some(refusal @ (Code::PolicyHistory | Code::PolicyAge | Code::PolicyOther)) = verdict.code
        {
            verdict = self.refused_after_another(&intent, refusal, secrets).await.into();
        }
        if matches!(verdict.code.map(Code::outcome), Some(Outcome::Refused | Outcome::Failed)) {
            self.caps.give_back(ticket.user);
        }
        verdict
    }

    /// The one modify, and what came of it.
    async fn set(&self, intent: &Intent, account: &Account, secrets: &Secrets) -> Verdict {
        match self.directory.reset(account.guid, &secrets.new).await {
            Ok(()) => match self.directory.changed_at(account.guid).await {
                // Its word is enough where reading back is not possible any more.
                Err(_) => applied(intent),
                Ok(Some(at)) if at != intent.before => Verdict { after: Some(at), ..applied(intent) },
                Ok(_) => {
                    tracing::error!(job.id = %intent.job, "the directory said yes, but pwdLastSet did not move");
                    Code::Interrupted.into()
                }
            },
            Err(ResetError::NotSent(trouble)) => of_trouble(&trouble).into(),
            Err(ResetError::Refused { code, win32, text }) => self.refused(account, secrets, code, win32, &text).await,
            Err(ResetError::Lost { why, hung }) => {
                tracing::warn!(job.id = %intent.job, error = %why, "no answer to a change; finding out whether it happened");
                self.find_out(intent, secrets, hung).await
            }
        }
    }

    async fn refused(&self, account: &Account, secrets: &Secrets, code: u32, win32: u32, text: &str) -> Verdict {
        let Some(refusal) = policy::classify(code, win32) else {
            // For other codes than 52D the text names objects and attributes, never values.
            tracing::error!(ldap.code = code, ldap.win32 = format!("{win32:08X}"), ldap.text = %text, "the directory refused for a reason not in our table");
            return Code::DirectoryError.into();
        };
        if refusal != Code::PolicyOther {
            tracing::warn!(ldap.code = code, ldap.win32 = format!("{win32:08X}"), result.code = refusal.as_str(), "the directory refused");
            return refusal.into();
        }
        let known = self.directory.policy(account).await.unwrap_or_else(|trouble| {
            tracing::warn!(error = %trouble, "the policy that refused could not be read");
            None
        });
        let (code, allowed_at) = policy::which(known.as_ref(), account, &secrets.new, self.time.now());
        Verdict { code: Some(code), allowed_at, ..Verdict::default() }
    }
}

fn applied(intent: &Intent) -> Verdict {
    Verdict { code: Some(Code::Applied), unlocked: intent.locked, ..Verdict::default() }
}

/// The directory could not be read.
fn of_trouble(trouble: &Trouble) -> Code {
    tracing::warn!(error = %trouble, "the directory did not serve a job");
    match trouble {
        Trouble::Unreachable(_) => Code::DirectoryUnreachable,
        Trouble::Answered { code, win32, .. } => {
            policy::classify(*code, *win32).filter(|code| *code != Code::PolicyOther).unwrap_or(Code::DirectoryError)
        }
    }
}
