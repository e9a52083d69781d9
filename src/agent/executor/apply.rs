//! One effect: the intent, the modify, reading it back, and what a refusal means.

use tokio::time::Instant;

use super::{Executor, Verdict, of_trouble};
use crate::{
    agent::{
        directory::{Account, ApplyError, Directory, Effect, Policy},
        journal::Intent,
        policy,
    },
    wire::{
        message::LeasedJob,
        outcome::{Code, Outcome},
        seal::Secrets,
        ticket::Kind,
    },
};

/// What a kind of job does to the directory; nothing, for a look.
fn effect(kind: Kind, secrets: &Secrets) -> Option<Effect<'_>> {
    Some(match kind {
        Kind::Reset => Effect::Reset(&secrets.new),
        Kind::Temporary => Effect::Temporary(&secrets.new),
        Kind::Change => Effect::Change { old: &secrets.old, new: &secrets.new },
        Kind::Unlock => Effect::Unlock,
        Kind::RequireChange => Effect::RequireChange,
        Kind::WaiveChange => Effect::WaiveChange,
        Kind::Verify | Kind::Inspect => return None,
    })
}

/// For kinds without a password: whether the account is as the job wants it. Such a job may be repeated.
pub(super) fn is_so(kind: Kind, account: &Account) -> Option<bool> {
    match kind {
        Kind::Unlock => Some(!account.locked),
        Kind::RequireChange => Some(account.must_change),
        Kind::WaiveChange => Some(!account.must_change),
        _ => None,
    }
}

/// How a job of this kind ends that was done. `locked`: the account was, before.
pub(super) fn done(kind: Kind, locked: bool) -> Verdict {
    let code = match kind {
        Kind::Unlock if locked => Code::Unlocked,
        Kind::Unlock => Code::NotLocked,
        Kind::RequireChange => Code::ChangeRequired,
        Kind::WaiveChange => Code::ChangeWaived,
        _ => Code::Applied,
    };
    Verdict { code: Some(code), unlocked: locked && unlocks(kind), ..Verdict::default() }
}

const fn unlocks(kind: Kind) -> bool {
    matches!(kind, Kind::Reset | Kind::Temporary | Kind::Unlock)
}

impl<D: Directory> Executor<D> {
    /// A job of which nothing has happened yet. When the server that was looked at does not take the change, the account is looked at
    /// anew, wherever that is then.
    pub(super) async fn attempt(&self, job: &LeasedJob, secrets: &Secrets, until: Instant) -> Verdict {
        let mut tried = Vec::new();
        loop {
            let account = match self.served(job).await {
                Ok(account) if tried.contains(&account.server.name) => return Code::DirectoryUnreachable.into(),
                Ok(account) => account,
                Err(code) => return self.unless_done(job, code).await.into(),
            };
            match self.unchanged_since(&job.ticket, &account).await {
                Ok(()) => {
                    let verdict = self.apply(job, &account, secrets, until).await;
                    if !verdict.unsent {
                        return verdict;
                    }
                }
                // It went away after the look.
                Err(Code::DirectoryUnreachable) => {}
                Err(code) => return self.unless_done(job, code).await.into(),
            }
            tried.push(account.server.name);
        }
    }

    pub(super) async fn apply(&self, job: &LeasedJob, account: &Account, secrets: &Secrets, until: Instant) -> Verdict {
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
            kind: ticket.kind,
            user: ticket.user,
            seq: ticket.seq,
            lease: job.lease,
            ciphertext: job.hash(),
            at: self.time.now(),
            expires_at: ticket.expires_at,
            before: account.pwd_last_set,
            dc: account.server.name.clone(),
            locked: account.locked,
        };
        if let Err(code) = self.announce(&intent).await {
            self.caps.give_back(ticket.user);
            return code.into();
        }
        // Forcing to the disk may have taken a while.
        let mut verdict = match self.still_wanted(job, until) {
            Ok(()) => self.make(&intent, account, secrets).await,
            Err(code) => code.into(),
        };
        if job.attempt > 1
            // The last is what history looks like where the policy may not be read; and after a change the old password is wrong.
            && let Some(refusal @ (Code::PolicyHistory | Code::PolicyAge | Code::PolicyOther | Code::WrongPassword)) = verdict.code
        {
            verdict = self.refused_after_another(&intent, refusal, secrets).await.into();
        }
        // A wrong password counted in the directory, so it counts here.
        if matches!(verdict.code.map(Code::outcome), Some(Outcome::Refused | Outcome::Failed)) && verdict.code != Some(Code::WrongPassword)
        {
            self.caps.give_back(ticket.user);
        }
        verdict.dc = intent.dc;
        verdict
    }

    /// The one modify, and what came of it.
    async fn make(&self, intent: &Intent, account: &Account, secrets: &Secrets) -> Verdict {
        let Some(effect) = effect(intent.kind, secrets) else { return Code::UnknownKind.into() };
        let sent = Instant::now();
        let answer = tokio::select! {
            biased;
            answer = Box::pin(self.directory.apply(account, effect)) => answer,
            // The answer is still waited for: a server that was only held up gives it.
            verdict = Box::pin(self.known_elsewhere(intent, secrets)) => return verdict,
        };
        match answer {
            Ok(()) => self.read_back(intent).await,
            Err(ApplyError::NotSent(trouble)) => Verdict { unsent: true, ..of_trouble(&trouble).into() },
            Err(ApplyError::Refused { code, text }) => self.refused(intent.kind, account, secrets, code, &text).await,
            Err(ApplyError::Lost { why, hung }) => {
                tracing::warn!(job.id = %intent.job, error = %why, "no answer to a change; finding out whether it happened");
                self.find_out(intent, secrets, sent, hung).await
            }
        }
    }

    /// The directory said yes: is it so?
    async fn read_back(&self, intent: &Intent) -> Verdict {
        // Another server than the one that said yes may not have heard of it yet.
        let found = self.directory.inspect(intent.user).await.ok().flatten().filter(|account| account.server.name == intent.dc);
        let Some(account) = found else {
            // Its word is all there is.
            return Verdict { code: Some(Code::NotReadBack), ..done(intent.kind, intent.locked) };
        };
        let verdict = confirmed(intent, &account);
        if verdict.code == Some(Code::Interrupted) {
            tracing::error!(job.id = %intent.job, job.kind = %intent.kind, "the directory said yes, but nothing changed");
        }
        verdict
    }

    pub(super) async fn refused(&self, kind: Kind, account: &Account, secrets: &Secrets, code: Option<Code>, text: &str) -> Verdict {
        let Some(code) = code else {
            tracing::error!(error = text, "the directory refused for a reason not in our table");
            return Code::DirectoryError.into();
        };
        match code {
            Code::PolicyOther => {
                let known = self.directory.policy(account).await.unwrap_or_else(|trouble| {
                    tracing::warn!(error = %trouble, "the policy that refused could not be read");
                    Policy::default()
                });
                // A change is held to history and minimum age by itself, a temporary password never.
                let known = Policy { hints: kind == Kind::Change || (kind == Kind::Reset && known.hints), ..known };
                let (code, allowed_at) = policy::which(&known, account, &secrets.new, self.time.now());
                Verdict { code: Some(code), allowed_at, ..Verdict::default() }
            }
            // Named by the directory; from when it would do is in the policy.
            Code::PolicyAge => {
                let rules = self.directory.policy(account).await.ok().and_then(|known| known.rules);
                let allowed_at = rules.and_then(|rules| policy::allowed_at(&rules, account, self.time.now()));
                Verdict { code: Some(code), allowed_at, ..Verdict::default() }
            }
            Code::NoRight | Code::NoUnlockRight | Code::NoFlagRight => self.lacks_right(kind, account, code, text).await.into(),
            code => {
                tracing::warn!(error = text, result.code = code.as_str(), "the directory refused");
                code.into()
            }
        }
    }

    /// Which right is missing, and on what: told in the log, because the cloud knows no names of objects.
    async fn lacks_right(&self, kind: Kind, account: &Account, code: Code, text: &str) -> Code {
        let standing = self.directory.standing(account).await.unwrap_or_default();
        let code = match (code, kind, standing.may_unlock, standing.may_require_change) {
            // Where one of two delegated attributes may be written, the delegation reaches the account and is incomplete.
            (Code::NoRight, Kind::Reset | Kind::Temporary, Some(false), Some(true)) => Code::NoUnlockRight,
            (Code::NoRight, Kind::Temporary, Some(true), Some(false)) => Code::NoFlagRight,
            (code, ..) => code,
        };
        let missing = match code {
            Code::NoUnlockRight => "write lockoutTime (OpenLDAP: pwdAccountLockedTime)",
            Code::NoFlagRight => "write pwdLastSet (OpenLDAP: pwdReset)",
            _ => "Reset Password (OpenLDAP: write userPassword)",
        };
        tracing::error!(
            error = text,
            result.code = code.as_str(),
            directory.object = %account.dn,
            directory.right = missing,
            directory.may_write_lockout_time = ?standing.may_unlock,
            directory.may_write_pwd_last_set = ?standing.may_require_change,
            "our account lacks a right on this object: the delegation does not reach it, or its inheritance is off; docs/error-codes.md has the commands"
        );
        code
    }
}

/// What an account, read after the directory said yes, says of the change.
fn confirmed(intent: &Intent, account: &Account) -> Verdict {
    let kind = intent.kind;
    let after = kind.has_new() || matches!(kind, Kind::RequireChange | Kind::WaiveChange);
    let verdict = Verdict { after: after.then_some(account.pwd_last_set), ..done(kind, intent.locked) };
    let with = |code| Verdict { code: Some(code), ..verdict.clone() };
    let moved = account.pwd_last_set != intent.before;
    match kind {
        // Hidden before and after: its word is all there is.
        Kind::Temporary if account.must_change && (moved || intent.before == 0) => {
            if account.locked {
                Verdict { unlocked: false, ..with(Code::LockedAgain) }
            } else {
                verdict
            }
        }
        Kind::Temporary if moved && !account.must_change => with(Code::MustChangeNotSet),
        Kind::Reset | Kind::Change if moved => {
            if account.locked {
                Verdict { unlocked: false, ..with(Code::LockedAgain) }
            } else {
                verdict
            }
        }
        Kind::Unlock if account.locked => Verdict { unlocked: false, ..with(Code::LockedAgain) },
        Kind::Unlock => verdict,
        Kind::RequireChange | Kind::WaiveChange if is_so(kind, account) == Some(true) => verdict,
        _ => Code::Interrupted.into(),
    }
}
