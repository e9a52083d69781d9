//! What became of a change whose answer nobody saw: a lost connection, or a crash between intent and end. Never tried again
//! blindly: enforced history would call the second try of a success a failure.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Executor, Verdict,
    apply::{done, is_so},
};
use crate::{
    agent::{
        directory::{Account, Bind, Directory, Trouble},
        journal::{Intent, Job},
    },
    wire::{
        message::{JobResult, LeasedJob},
        outcome::Code,
        seal::Secrets,
        ticket::Kind,
    },
};

/// How long to look for the effect of a modify that was not answered, from when it was sent.
const FIND_OUT: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Seconds that a request may be under way after the one who sent it is gone.
const UNDER_WAY: i64 = 3;
/// Seconds after a ticket's end at which an unreachable directory is no longer waited for.
const GIVE_UP: i64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    Yes,
    No,
    Unknown,
}

impl<D: Directory> Executor<D> {
    /// A job that was begun in an earlier life.
    pub(super) async fn resume(&self, job: &LeasedJob, intent: &Intent, secrets: &Secrets, until: Instant) -> Verdict {
        // What was sent just before the crash may still be under way.
        let young = (UNDER_WAY - (self.time.now() - intent.at)).clamp(0, UNDER_WAY);
        sleep(Duration::from_secs(young.unsigned_abs())).await;
        let deadline = Instant::now() + FIND_OUT;
        loop {
            match self.happened(intent, Some(secrets), false).await {
                Ok(Happened::Yes) => return done(intent.kind, intent.locked),
                Ok(Happened::No) => {
                    // Counted when it was begun; the new attempt counts itself.
                    self.caps.give_back(job.ticket.user);
                    return self.attempt(job, secrets, until).await;
                }
                Ok(Happened::Unknown) => return Code::Interrupted.into(),
                Err(trouble) if Instant::now() >= deadline => {
                    tracing::error!(job.id = %intent.job, error = %trouble, "cannot find out whether a change happened");
                    return Code::Interrupted.into();
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// While a modify is not answered and its server is gone: what another one knows of it. Ends only where there is something to say.
    ///
    /// A password is not sent to another server meanwhile: the one that was only held up goes on where it was, and then there would be two
    /// changes, of which the directory may keep the older. To unlock twice is to unlock.
    pub(super) async fn known_elsewhere(&self, intent: &Intent, secrets: &Secrets) -> Verdict {
        self.directory.until_gone(&intent.dc).await;
        tracing::warn!(job.id = %intent.job, directory.dc = %intent.dc, "the server went away in the midst of a change");
        if intent.kind == Kind::Unlock {
            return Verdict { unsent: true, ..Code::DirectoryUnreachable.into() };
        }
        loop {
            sleep(PAUSE).await;
            match self.happened(intent, Some(secrets), true).await {
                Ok(Happened::Yes) => return done(intent.kind, intent.locked),
                // The password was tried, and each try counts.
                Ok(Happened::Unknown) => return Code::Interrupted.into(),
                Ok(Happened::No) | Err(_) => {}
            }
        }
    }

    /// After a modify without an answer.
    pub(super) async fn find_out(&self, intent: &Intent, secrets: &Secrets, sent: Instant, hung: bool) -> Verdict {
        let deadline = sent + FIND_OUT;
        let mut noes = 0;
        loop {
            // The server may still be at it when the connection breaks, so the first "no" is not believed; when it only did
            // not answer in time, none is.
            sleep(PAUSE).await;
            match self.happened(intent, Some(secrets), noes > 0).await {
                Ok(Happened::Yes) => return done(intent.kind, intent.locked),
                Ok(Happened::No) if !hung && noes > 0 => return Code::DirectoryUnreachable.into(),
                Ok(Happened::No) => noes += 1,
                Ok(Happened::Unknown) => return Code::Interrupted.into(),
                Err(trouble) => tracing::debug!(error = %trouble, "still finding out"),
            }
            if Instant::now() >= deadline {
                return Code::Interrupted.into();
            }
        }
    }

    /// Whether the change that `intent` announced took place. pwdLastSet that has not moved at the same server is proof that it
    /// did not, and asks no bind, which would count towards the user's lockout. Otherwise the password itself is tried. (Domain
    /// controllers accept the password before the current one for another hour, so that a change that somebody overwrote since
    /// is still found. It also means that a bind alone, without pwdLastSet having moved, would prove nothing.) `tried`: it was
    /// tried in vain already. A change without a password is simply looked at: whether it is so by us or by somebody else, it is so.
    ///
    /// While the server that was asked is away, another one proves something only once the change, or a later one, reached it.
    async fn happened(&self, intent: &Intent, secrets: Option<&Secrets>, tried: bool) -> Result<Happened, Trouble> {
        self.directory.stay(intent.user, &intent.dc);
        let Some(account) = self.directory.inspect(intent.user).await? else { return Ok(Happened::Unknown) };
        if let Some(so) = is_so(intent.kind, &account) {
            return Ok(if so { Happened::Yes } else { Happened::No });
        }
        if account.server.name != intent.dc && !has_moved(intent, &account) {
            return Err(Trouble::Unreachable(format!("{} does not answer, and {} has seen no change", intent.dc, account.server.name)));
        }
        let unmoved = is_unmoved(intent, &account);
        // 0 is "must change", which somebody may have ordered again meanwhile.
        if unmoved && (intent.before != 0 || tried) {
            return Ok(Happened::No);
        }
        let Some(secrets) = secrets else { return Ok(Happened::Unknown) };
        Ok(match self.directory.bind(&account, &secrets.new).await? {
            bind if bind.is_right() => Happened::Yes,
            Bind::Wrong if unmoved => Happened::No,
            _ => Happened::Unknown,
        })
    }

    /// What can be said of a begun job whose password is not at hand: `None` when it certainly changed nothing.
    pub(super) async fn without_password(&self, intent: &Intent) -> Option<Verdict> {
        match self.happened(intent, None, false).await {
            Ok(Happened::No) => None,
            Ok(Happened::Yes) => Some(done(intent.kind, intent.locked)),
            _ => Some(Code::Interrupted.into()),
        }
    }

    /// End what was begun and never came back: called now and then. The results are still to be told.
    pub async fn settle(&self) -> Vec<JobResult> {
        let mut ended = Vec::new();
        for intent in self.journal.open_intents() {
            if intent.expires_at > self.time.now() {
                continue;
            }
            let _lane = self.lanes.enter(intent.user).await;
            if !matches!(self.journal.job(intent.job), Some(Job::Open(_))) {
                continue;
            }
            let verdict = match self.happened(&intent, None, false).await {
                Ok(Happened::No) => Code::Expired.into(),
                Ok(Happened::Yes) => done(intent.kind, intent.locked),
                Ok(Happened::Unknown) => Code::Interrupted.into(),
                Err(_) if self.time.now() > intent.expires_at + GIVE_UP => Code::Interrupted.into(),
                Err(_) => continue,
            };
            let now = self.time.millis();
            let result = JobResult {
                job: intent.job,
                lease: intent.lease,
                seq: intent.seq,
                ciphertext: intent.ciphertext.clone(),
                code: verdict.code.unwrap_or(Code::Interrupted),
                dc: intent.dc.clone(),
                started_at: intent.at * 1000,
                finished_at: now,
                unlocked: verdict.unlocked,
                allowed_at: None,
                account: None,
            };
            ended.push(self.write_down(intent.kind, intent.user, result, None).await);
        }
        ended
    }
}

/// Whether pwdLastSet is what it was before, at the same server.
pub(super) fn is_unmoved(intent: &Intent, account: &Account) -> bool {
    account.pwd_last_set == intent.before && account.server.name == intent.dc
}

/// Whether pwdLastSet is later than it was before. (Earlier it is at a server that lags; 0 is "must change".)
fn has_moved(intent: &Intent, account: &Account) -> bool {
    account.pwd_last_set > intent.before || (account.pwd_last_set == 0 && intent.before != 0)
}
