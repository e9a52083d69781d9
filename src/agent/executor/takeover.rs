//! A job that another agent had and fell silent about. Its journal is not ours, so the directory is the only witness: a modify
//! that it answered to nobody may have happened, and enforced history would call a second try of it a failure.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Executor, Verdict,
    aftermath::is_unmoved,
    apply::{done, is_so},
    of_trouble,
};
use crate::{
    agent::{
        directory::{Account, Directory, Trouble},
        journal::Intent,
        policy::FROM_1601,
    },
    wire::{message::LeasedJob, outcome::Code, seal::Secrets, ticket::Ticket},
};

/// Seconds by which a domain controller's clock may be behind the cloud's: pwdLastSet is by the one, `issued_at` by the other.
const TOLERANCE: i64 = 30;
/// A lost answer about the user's own bind is not asked for again within one attempt; reading is, for as long as this.
const READ: Duration = Duration::from_secs(3);

impl<D: Directory> Executor<D> {
    /// A job leased before that our journal does not know. Tries the password at most once, because a wrong one counts towards
    /// the user's lockout, and only where pwdLastSet leaves it open.
    pub(super) async fn take_over(&self, job: &LeasedJob, secrets: &Secrets, until: Instant) -> Verdict {
        let account = match self.served(job).await {
            Ok(account) => account,
            Err(code) => return self.unless_done(job, code).await.into(),
        };
        match is_so(job.ticket.kind, &account) {
            // Whoever made it so. It may be repeated, so there is no more to find out.
            Some(true) => return done(job.ticket.kind, false),
            Some(false) => return self.apply(job, &account, secrets, until).await,
            None => {}
        }
        // The other agent may have been at another server, of which this one has not heard yet.
        let account = match self.directory.inspect_everywhere(job.ticket.user).await {
            Ok(found) => latest(found).unwrap_or(account),
            Err(trouble) => {
                tracing::warn!(job.id = %job.ticket.job, error = %trouble, "cannot find out whether another agent made a change");
                return Code::Interrupted.into();
            }
        };
        if !may_have_changed(account.pwd_last_set, &job.ticket) || self.journal.left(job.ticket.user, account.pwd_last_set) {
            return self.apply(job, &account, secrets, until).await;
        }
        // Right although somebody changed it once more since is possible for an hour (see `happened`), and as true.
        let code = match self.directory.bind(&account, &secrets.new).await {
            Ok(bind) if bind.is_right() => Code::Applied,
            Ok(_) => Code::Interrupted,
            Err(trouble @ Trouble::Unreachable(_)) => of_trouble(&trouble),
            Err(trouble) => {
                tracing::warn!(job.id = %job.ticket.job, error = %trouble, "cannot find out whether another agent made a change");
                Code::Interrupted
            }
        };
        tracing::info!(job.id = %job.ticket.job, job.attempt = job.attempt, result.code = code.as_str(), "another agent may have made this change");
        code.into()
    }

    /// What to say of a job that we must refuse for `code`, which promises that nothing was changed, when another agent may have
    /// changed it.
    pub(super) async fn unless_done(&self, job: &LeasedJob, code: Code) -> Code {
        // Unreachable promises nothing: the cloud asks another agent. Of an account that is gone nobody will know more.
        if job.attempt <= 1 || matches!(code, Code::DirectoryUnreachable | Code::Gone) {
            return code;
        }
        let may_be_done =
            |account: &Account| is_so(job.ticket.kind, account).unwrap_or_else(|| may_have_changed(account.pwd_last_set, &job.ticket));
        match self.directory.inspect_everywhere(job.ticket.user).await {
            Ok(found) if found.iter().any(may_be_done) => Code::Interrupted,
            Ok(_) => code,
            Err(_) => Code::Interrupted,
        }
    }

    /// The directory refused our modify by a rule that the same change, made by the other agent between our look and our modify,
    /// would have made it break.
    pub(super) async fn refused_after_another(&self, intent: &Intent, refusal: Code, secrets: &Secrets) -> Code {
        let code = match self.read(intent).await {
            // Not by a change since our look. Whether the password is right would not say more: the one before the current is
            // accepted for an hour, and is one that history refuses.
            Some(account) if is_unmoved(intent, &account) => Code::Interrupted,
            Some(account) => match self.directory.bind(&account, &secrets.new).await {
                Ok(bind) if bind.is_right() => Code::Applied,
                _ => Code::Interrupted,
            },
            None => Code::Interrupted,
        };
        tracing::warn!(job.id = %intent.job, directory.refusal = refusal.as_str(), result.code = code.as_str(), "refused, perhaps because another agent made this change");
        code
    }

    async fn read(&self, intent: &Intent) -> Option<Account> {
        let deadline = Instant::now() + READ;
        loop {
            match self.directory.inspect(intent.user).await {
                Ok(account) => return account,
                Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(500)).await,
                Err(_) => return None,
            }
        }
    }
}

/// As the server has it that heard of the last change.
fn latest(found: Vec<Account>) -> Option<Account> {
    found.into_iter().max_by_key(|account| if account.pwd_last_set == 0 { i64::MAX } else { account.pwd_last_set })
}

/// Whether the password may have been changed since the ticket was issued. 0 is "must change", which hides when it was.
fn may_have_changed(pwd_last_set: i64, ticket: &Ticket) -> bool {
    pwd_last_set == 0 || pwd_last_set / 10_000_000 - FROM_1601 >= ticket.issued_at - TOLERANCE
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::wire::ticket::Kind;

    #[test]
    fn only_a_password_clearly_older_than_the_ticket_proves_that_nothing_happened() {
        let (id, issued_at) = (Uuid::nil(), 1_800_000_000);
        let ticket =
            Ticket { job: id, seq: 1, tenant: id, connector: id, user: id, kind: Kind::Reset, issued_at, expires_at: issued_at + 120 };
        let at = |seconds: i64| (issued_at + seconds + FROM_1601) * 10_000_000;
        for (pwd_last_set, may) in [(0, true), (at(-3600), false), (at(-31), false), (at(-30), true), (at(0), true), (at(50), true)] {
            assert_eq!(may_have_changed(pwd_last_set, &ticket), may, "{pwd_last_set}");
        }
    }
}
