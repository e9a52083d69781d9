//! Looks: is this the password, and how is the account. They change nothing, so they wait for nobody, leave no intent and may be
//! repeated; but a wrong password counts towards the account's lockout, so tries are few and never of a protected account.

use super::{Executor, Verdict, of_trouble};
use crate::{
    agent::{
        directory::{Account, Bind, Directory},
        policy,
    },
    wire::{
        message::{AccountState, JobResult, LeasedJob},
        outcome::Code,
        seal::Secrets,
        ticket::Kind,
    },
};

impl<D: Directory> Executor<D> {
    pub(super) async fn look(&self, job: &LeasedJob) -> JobResult {
        let started_at = self.time.millis();
        let verdict = match self.admit(job) {
            Ok(secrets) => {
                self.opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                match self.served(job).await {
                    Ok(account) => {
                        let verdict = if job.ticket.kind == Kind::Verify {
                            self.verify(job, &account, &secrets).await.into()
                        } else {
                            self.tell(&account).await
                        };
                        Verdict { dc: account.server.name, ..verdict }
                    }
                    Err(code) => code.into(),
                }
            }
            Err(code) => code.into(),
        };
        self.end(job, started_at, verdict).await
    }

    async fn verify(&self, job: &LeasedJob, account: &Account, secrets: &Secrets) -> Code {
        if !self.tries.take(account.guid, self.time.now()) {
            tracing::warn!(job.id = %job.ticket.job, user.guid = %account.guid, "over the limit of tries per hour; refusing");
            return Code::LimitReached;
        }
        match self.directory.bind(account, &secrets.old).await {
            Ok(bind) => match bind {
                Bind::Right => Code::Verified,
                Bind::MustChange => Code::MustChange,
                Bind::PasswordExpired => Code::PasswordExpired,
                Bind::Wrong => Code::WrongPassword,
                Bind::Locked => Code::AccountLocked,
                Bind::Disabled => Code::AccountDisabled,
                Bind::AccountExpired => Code::AccountExpired,
                Bind::Unclear => Code::DirectoryError,
            },
            Err(trouble) => of_trouble(&trouble),
        }
    }

    /// The account's state, for who asked.
    async fn tell(&self, account: &Account) -> Verdict {
        let known = match self.directory.policy(account).await {
            Ok(policy) => policy,
            Err(trouble) => return of_trouble(&trouble).into(),
        };
        let standing = match self.directory.standing(account).await {
            Ok(standing) => standing,
            Err(trouble) => return of_trouble(&trouble).into(),
        };
        let state = AccountState {
            allowed_at: known.rules.as_ref().and_then(|rules| policy::allowed_at(rules, account, self.time.now())),
            policy: known.rules,
            policy_from: known.from,
            names: known.names,
            hints: known.hints,
            expires_at: standing.expires_at,
            locked: account.locked,
            locked_for_good: account.locked_for_good,
            disabled: account.disabled,
            account_expired: account.expired,
            must_change: account.must_change,
            protected: self.is_protected(account),
            may_reset: standing.may_reset,
            may_unlock: standing.may_unlock,
            may_require_change: standing.may_require_change,
        };
        Verdict { code: Some(Code::Inspected), account: Some(state), ..Verdict::default() }
    }
}
