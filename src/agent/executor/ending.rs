//! Before and after the change: what is on the disk before the directory is touched, and before the end is told; and that a job ends
//! with a word even if the agent itself fails at it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{Executor, Verdict};
use crate::{
    agent::{
        audit::Entry,
        directory::Directory,
        events,
        journal::{Intent, Job, Record},
    },
    wire::{
        message::{JobResult, LeasedJob},
        outcome::{Code, Outcome},
        ticket::Kind,
    },
};

/// No job has anything left to do after this: its ticket is over, and so is the finding out.
pub const LONGEST: Duration = Duration::from_mins(3);

impl<D: Directory> Executor<D> {
    /// [`Self::run`] to an end by whatever way: a panic, and a job that takes `longest`, are answered like other failures.
    pub async fn run_to_an_end(self: &Arc<Self>, job: &LeasedJob, until: Instant, longest: Duration) -> JobResult {
        let started_at = self.time.millis();
        let (executor, own) = (self.clone(), job.clone());
        let mut running = tokio::spawn(async move { executor.run(&own, until).await });
        match timeout(longest, &mut running).await {
            Ok(Ok(result)) => return result,
            // The panic itself was printed where it happened.
            Ok(Err(_)) => tracing::error!(job.id = %job.ticket.job, "a job broke the agent's own code; ending it"),
            Err(_) => {
                tracing::error!(job.id = %job.ticket.job, "a job took far too long; ending it");
                running.abort();
                // Until it is gone, it could still begin something.
                drop(running.await);
            }
        }
        if let Some(result) = self.ended(job) {
            return result;
        }
        let begun = matches!(self.journal.job(job.ticket.job), Some(Job::Open(_)));
        let touched = begun || (job.attempt > 1 && job.ticket.kind.is_effect());
        // Another agent may have done it, or we, before it broke.
        let code = if touched { Code::Interrupted } else { Code::AgentFault };
        self.end(job, started_at, code.into()).await
    }

    /// The result of a job that ended, for the lease it comes with now. One that failed by circumstance and comes with another
    /// lease was given to others meanwhile, and is decided anew.
    pub(super) fn ended(&self, job: &LeasedJob) -> Option<JobResult> {
        match self.journal.job(job.ticket.job) {
            Some(Job::Done { result, .. }) if result.lease != job.lease && result.code.outcome() == Outcome::Failed => None,
            Some(Job::Done { result, .. }) => Some(JobResult { lease: job.lease, ..result }),
            _ => None,
        }
    }

    /// The intent, in the audit and in the journal, both on the disk before the directory is touched.
    pub(super) async fn announce(&self, intent: &Intent) -> Result<(), Code> {
        let begun = Entry::Begun {
            job: intent.job,
            kind: intent.kind,
            user: intent.user,
            seq: intent.seq,
            lease: intent.lease,
            dc: intent.dc.clone(),
        };
        // At once, since each waits for the disk.
        let (audited, written) =
            tokio::join!(self.audit.record(self.time.now(), begun), self.journal.write(Record::Intent(intent.clone())));
        if let Err(error) = audited {
            tracing::error!(error = format!("{error:#}"), "the audit file cannot be written; changing nothing");
            return Err(Code::AuditUnwritable);
        }
        tracing::info!(event.number = events::begun(intent.kind), job.id = %intent.job, job.kind = %intent.kind, "the directory is about to be changed");
        written.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "the journal cannot be written; changing nothing");
            Code::DirectoryError
        })
    }

    /// The verdict as a result, written down.
    pub(super) async fn end(&self, job: &LeasedJob, started_at: i64, verdict: Verdict) -> JobResult {
        let ticket = &job.ticket;
        let result = JobResult {
            job: ticket.job,
            lease: job.lease,
            seq: ticket.seq,
            ciphertext: job.hash(),
            code: verdict.code.unwrap_or(Code::DirectoryError),
            dc: match verdict.dc {
                dc if dc.is_empty() => self.directory.seen().await.map(|server| server.name).unwrap_or_default(),
                dc => dc,
            },
            started_at,
            finished_at: self.time.millis(),
            unlocked: verdict.unlocked,
            allowed_at: verdict.allowed_at,
            account: verdict.account,
        };
        self.write_down(ticket.kind, ticket.user, result, verdict.after).await
    }

    /// Audit, and remember the end of what was begun, by us or by another agent. Refusals before an intent are not remembered:
    /// they changed nothing and are decided the same way again; nor are looks. The result as it is to be told: nothing is decided that
    /// the audit does not have, but what happened in the directory has happened.
    pub(super) async fn write_down(&self, kind: Kind, user: Uuid, mut result: JobResult, after: Option<i64>) -> JobResult {
        let decided = Entry::Decided {
            job: result.job,
            kind,
            user,
            seq: result.seq,
            lease: result.lease,
            code: result.code.as_str().to_owned(),
            outcome: result.code.outcome().as_str().to_owned(),
            dc: result.dc.clone(),
            unlocked: result.unlocked,
            millis: result.finished_at - result.started_at,
        };
        let found = kind.is_effect() && matches!(result.code.outcome(), Outcome::Applied | Outcome::Unknown);
        if let Err(error) = self.audit.record(self.time.now(), decided).await {
            tracing::error!(job.id = %result.job, error = format!("{error:#}"), "the end of a job is not in the audit file");
            if !found {
                result = JobResult { code: Code::AuditUnwritable, allowed_at: None, account: None, ..result };
            }
        }
        tracing::info!(
            target: "audit",
            { job.id = %result.job,
            job.kind = %kind,
            event.number = events::ended(kind, result.code),
            event.cause = events::cause(result.code),
            job.seq = result.seq,
            user.guid = %user,
            result.code = result.code.as_str(),
            result.outcome = result.code.outcome().as_str(),
            result.unlocked = result.unlocked,
            directory.dc = %result.dc,
            job.millis = result.finished_at - result.started_at },
            "decided a job"
        );
        if found || matches!(self.journal.job(result.job), Some(Job::Open(_))) {
            let after = match after {
                None if result.code == Code::Applied => {
                    self.directory.inspect(user).await.ok().flatten().map(|account| account.pwd_last_set)
                }
                after => after,
            };
            let record = Record::Done { user, kind, at: self.time.now(), result: result.clone(), after };
            if let Err(error) = self.journal.write(record).await {
                // The intent stands: after a restart it is looked into.
                tracing::error!(job.id = %result.job, error = format!("{error:#}"), "the end of a job could not be written down");
            }
        }
        result
    }
}
