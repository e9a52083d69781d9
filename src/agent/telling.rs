//! Telling results: until the cloud took or refused each, however long it is away. What the journal holds untold is offered again
//! every round, so that a result is lost neither by a crash nor by an outage.

use std::{
    collections::{HashSet, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, sleep},
};
use uuid::Uuid;

use super::{
    Agent, Directory,
    backoff::Backoff,
    cloud::{Failure, Unknown},
    journal::Job,
};
use crate::wire::{message::JobResult, outcome::Code, seal::Envelope};

/// Between two looks for what is left to tell or to settle.
const ROUND: Duration = Duration::from_secs(30);
/// How long a result is offered to a cloud that does not take it: as long as the journal remembers it.
const TELL: Duration = Duration::from_hours(24);
/// Calls under way at once. What is decided meanwhile goes together into the next: alone, a result is told at once.
const AT_ONCE: usize = 2;
/// Results and their bytes in one call.
const MOST: usize = 32;
const MOST_BYTES: usize = 48 << 10;

/// Which results are on their way.
pub(super) struct Telling {
    jobs: Mutex<HashSet<Uuid>>,
    waiting: Mutex<VecDeque<Waiting>>,
    at_once: Semaphore,
}

/// A signed result that goes with the next call.
struct Waiting {
    jws: String,
    answer: oneshot::Sender<Result<(), Failure>>,
}

impl Default for Telling {
    fn default() -> Self {
        Self { jobs: Mutex::default(), waiting: Mutex::default(), at_once: Semaphore::new(AT_ONCE) }
    }
}

enum Told {
    /// The cloud has it, or will never want it.
    Settled,
    /// After the next start, if the journal knows it.
    Later,
}

impl<D: Directory> Agent<D> {
    /// A job of a kind that we do not know.
    pub(super) fn refuse(&self, job: &Unknown) -> JobResult {
        let now = self.time.millis();
        JobResult {
            job: job.ticket.job,
            lease: job.lease,
            seq: job.ticket.seq,
            ciphertext: job.envelope.as_ref().and_then(Envelope::hash).unwrap_or_default(),
            // An agent that knows the kind may have had it before and done it.
            code: if job.attempt > 1 { Code::Interrupted } else { Code::UnknownKind },
            dc: String::new(),
            started_at: now,
            finished_at: now,
            unlocked: false,
            allowed_at: None,
            account: None,
        }
    }

    /// Tell a result beside everything else.
    pub(super) fn offer(self: &Arc<Self>, result: JobResult) {
        self.telling.lock().insert(result.job);
        let agent = self.clone();
        self.jobs.spawn(async move {
            if matches!(agent.tell(&result).await, Told::Settled) {
                agent.remember_told(&result);
            }
            agent.telling.lock().remove(&result.job);
        });
    }

    fn remember_told(&self, result: &JobResult) {
        let Some(Job::Done { result: known, .. }) = self.journal.job(result.job) else { return };
        // The journal may have the end of another lease by now, which is another one's to tell.
        if (JobResult { lease: result.lease, ..known }) == *result
            && let Err(error) = self.journal.told(result.job)
        {
            tracing::warn!(error = format!("{error:#}"), "the journal cannot be written");
        }
    }

    async fn tell(&self, result: &JobResult) -> Told {
        let (begun, mut backoff) = (Instant::now(), Backoff::default());
        loop {
            let jws = self.executor.sign(result);
            let failure = match self.tell_with_others(jws.clone()).await {
                Ok(()) => return Told::Settled,
                // Signed by an identity that was replaced on the way.
                Err(Failure::Refused { code, .. }) if code == "bad_result" && self.executor.sign(result) != jws => continue,
                Err(failure) => failure,
            };
            let over = begun.elapsed() > TELL;
            if over || is_final(&failure) {
                tracing::warn!(job.id = %result.job, result.code = result.code.as_str(), error = %failure, "the cloud does not take a result");
                return Told::Settled;
            }
            if self.stop.is_cancelled() {
                tracing::warn!(job.id = %result.job, result.code = result.code.as_str(), error = %failure, "a result was not told");
                return Told::Later;
            }
            let pause = backoff.after(&failure, "the cloud did not take a result");
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Whoever gets a turn takes along what has gathered: its own among it, unless somebody before took that along.
    async fn tell_with_others(&self, jws: String) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.telling.waiting().push_back(Waiting { jws, answer });
        let turn = tokio::select! {
            turn = self.telling.at_once.acquire() => turn.ok(),
            // The last try before the end waits for nobody.
            () = self.stop.cancelled() => None,
        };
        let (results, answers) = self.telling.gather();
        if !results.is_empty() {
            let told = self.cloud.results(results).await;
            for (n, answer) in answers.into_iter().enumerate() {
                let _ = answer.send(told.as_ref().map_or_else(|failure| Err(failure.clone()), |told| told[n].clone()));
            }
        }
        drop(turn);
        answered.await.unwrap_or_else(|_| Err(Failure::Passing { why: "nobody told it".to_owned(), retry_after: None }))
    }

    /// Offers again what the journal holds untold: of an earlier life, or of one try that was lost.
    pub(super) async fn retell(self: &Arc<Self>) -> Infallible {
        loop {
            for result in self.journal.untold() {
                if !self.telling.lock().contains(&result.job) {
                    self.offer(result);
                }
            }
            sleep(ROUND).await;
        }
    }

    /// Ends what an earlier life began and nobody came back for.
    pub(super) async fn settle(self: &Arc<Self>) -> Infallible {
        loop {
            sleep(ROUND).await;
            for result in self.executor.settle().await {
                self.offer(result);
            }
        }
    }
}

impl Telling {
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next call takes, oldest first.
    fn gather(&self) -> (Vec<String>, Vec<oneshot::Sender<Result<(), Failure>>>) {
        let (mut waiting, mut bytes, mut results, mut answers) = (self.waiting(), 0, Vec::new(), Vec::new());
        while results.len() < MOST
            && let Some(next) = waiting.pop_front_if(|next| results.is_empty() || bytes + next.jws.len() <= MOST_BYTES)
        {
            bytes += next.jws.len();
            results.push(next.jws);
            answers.push(next.answer);
        }
        (results, answers)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether asking again gives the same. A refusal without a code is not the cloud's own: something before it answers while it is
/// away.
fn is_final(failure: &Failure) -> bool {
    match failure {
        Failure::Revoked => true,
        Failure::Refused { status, code, .. } => *status != 401 && !code.is_empty(),
        Failure::Pending | Failure::Passing { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clouds_own_no_ends_the_telling() {
        let refused = |status, code: &str| Failure::Refused { status, code: code.into(), detail: String::new() };
        assert!(is_final(&refused(409, "contradicts")) && is_final(&refused(403, "bad_result")) && is_final(&Failure::Revoked));
        assert!(!is_final(&refused(404, "")) && !is_final(&refused(401, "bad_token")) && !is_final(&Failure::Pending));
        assert!(!is_final(&Failure::Passing { why: String::new(), retry_after: None }));
    }
}
