//! The mirror: the cloud knows whom it may serve because the agent tells it, a page at a time.
//!
//! A full pass names everybody, so whoever is not named is gone; between full passes only what changed is sent, found by
//! uSNChanged. The directory's number is read *before* the search, so that what changes meanwhile is sent twice rather than
//! never. A number means something only at the server that gave it: another server, or one restored, starts a full pass.

use std::sync::Arc;

use anyhow::Result;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::{
    backoff::Backoff,
    cloud::{Cloud, Failure},
    directory::people::{Mark, People},
};
use crate::{base::id, wire::message::MirrorBatch};

/// Where the mirror stands. In memory only: a restart begins with a full pass.
pub struct Mirror<D> {
    directory: Arc<D>,
    cloud: Arc<Cloud>,
    every: Duration,
    full_every: Duration,
    /// The last number that was sent up to, and when the last full pass began.
    done: Option<(Mark, Instant)>,
}

impl<D: People> Mirror<D> {
    pub fn new(directory: Arc<D>, cloud: Arc<Cloud>, every: Duration, full_every: Duration) -> Self {
        Self { directory, cloud, every: every.max(Duration::from_secs(1)), full_every: full_every.max(every), done: None }
    }

    /// Until the agent is revoked.
    pub async fn run(mut self) -> Failure {
        let mut backoff = Backoff::default();
        loop {
            let pause = match self.step().await {
                Ok(()) => {
                    backoff.reset();
                    self.every
                }
                Err(error) => match error.downcast::<Failure>() {
                    Ok(Failure::Revoked) => return Failure::Revoked,
                    Ok(failure) => backoff.after(&failure, "the mirror could not be sent"),
                    Err(error) => {
                        tracing::warn!(error = format!("{error:#}"), "the mirror could not be read");
                        backoff.next(None)
                    }
                },
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Send what is due.
    async fn step(&mut self) -> Result<()> {
        let mark = self.directory.mark().await?;
        let since = self.done.as_ref().filter(|(done, full)| mark.follows(done) && full.elapsed() < self.full_every);
        match since.map(|(done, _)| done.clone()) {
            Some(done) if done == mark => {}
            Some(done) => {
                self.pass(Some(&done)).await?;
                if let Some((done, _)) = self.done.as_mut() {
                    *done = mark;
                }
            }
            None => {
                let begun = Instant::now();
                let count = self.pass(None).await?;
                tracing::info!(
                    mirror.people = count,
                    mirror.millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(0),
                    "sent everybody to the cloud"
                );
                self.done = Some((mark, begun));
            }
        }
        Ok(())
    }

    /// All pages of one pass; how many people.
    async fn pass(&self, since: Option<&Mark>) -> Result<usize> {
        let (pass, mut cookie, mut count) = (id::random(), Vec::new(), 0);
        loop {
            let page = self.directory.page(since, cookie).await?;
            let last = page.cookie.is_empty();
            count += page.people.len();
            // Unlike a full pass, a pass over changes that found nobody has nothing to say.
            if since.is_none() || count > 0 {
                self.cloud.mirror(&batch(pass, since.is_none(), count == page.people.len(), last, page.people)).await?;
            }
            if last {
                return Ok(count);
            }
            cookie = page.cookie;
        }
    }
}

fn batch(pass: Uuid, full: bool, first: bool, last: bool, upserts: Vec<crate::wire::message::Person>) -> MirrorBatch {
    // Who left the served part, or the directory, is found by the next full pass: a deletion cannot be seen with the rights
    // that the service account has.
    MirrorBatch { pass, full, first, last, upserts, ..MirrorBatch::default() }
}
