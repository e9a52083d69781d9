//! Wake-ups: who waits for a connector's jobs or for a job's end is told at once. And what is [`Known`] is forgotten when it changes.
//!
//! In memory first; the other nodes learn through Postgres NOTIFY, sent on a connection of its own, after and outside the hot
//! transaction. One LISTEN connection per node. A lost wake-up costs a slow poll, never a job: whoever waits looks again by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Known;
use crate::{
    base::{db::Doubt, id},
    domain::queue::End,
};

const CHANNEL: &str = "sspr_wake";
/// On which the database itself says that something of a tenant was changed, whoever did it; the payload is the tenant's id.
const CHANGED: &str = "sspr_changed";
/// Between two NOTIFYs: alone, a wake-up goes at once.
const DEBOUNCE: Duration = Duration::from_millis(3);
/// NOTIFY takes 8000 bytes; a uuid is 36 and a comma.
const BATCH: usize = 200;

/// Who waits for what, in this process; cheap to clone. What is waited for is a connector's id (jobs) or a job's (its state).
#[derive(Clone)]
pub struct Wake {
    waiting: Arc<Waiting>,
    outgoing: mpsc::UnboundedSender<Uuid>,
}

type Waiting = Mutex<HashMap<Uuid, Arc<Place>>>;

/// Where those wait that wait for the same.
#[derive(Default)]
struct Place {
    notify: Notify,
    /// How the job ended, once that is durable.
    end: Mutex<Option<End>>,
}

impl Wake {
    /// Listens before it returns, so that no later wake-up is missed.
    pub async fn start(db: &PgPool, known: &Arc<Known>, doubt: &Doubt, stop: CancellationToken) -> Result<Self> {
        let node = id::random();
        let (outgoing, queue) = mpsc::unbounded_channel();
        let wake = Self { waiting: Arc::default(), outgoing };
        let mut listener = PgListener::connect_with(db).await.context("opening the LISTEN connection")?;
        // That it broke is to be known before it is there again.
        listener.eager_reconnect(false);
        listener.listen_all([CHANNEL, CHANGED]).await.context("LISTEN")?;
        let listening = Listening { waiting: wake.waiting.clone(), known: known.clone(), doubt: doubt.clone(), node };
        tokio::spawn(listening.run(listener, stop.clone()));
        tokio::spawn(tell_others(db.clone(), queue, node, stop));
        Ok(wake)
    }

    /// After the commit: something changed about `what`.
    pub fn tell(&self, what: Uuid) {
        notify(&self.waiting, what, None);
        let _ = self.outgoing.send(what);
    }

    /// The same of a job that ended so: who waits here need not look.
    pub fn tell_end(&self, job: Uuid, end: End) {
        notify(&self.waiting, job, Some(end));
        let _ = self.outgoing.send(job);
    }

    /// The same for this node alone.
    pub fn tell_here(&self, what: Uuid) {
        notify(&self.waiting, what, None);
    }

    /// Subscribe first, then look, then wait: so nothing falls between.
    pub fn subscribe(&self, what: Uuid) -> Subscription {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.entry(what).or_default().clone();
        Subscription { what, place, waiting: self.waiting.clone() }
    }
}

fn notify(waiting: &Waiting, what: Uuid, end: Option<End>) {
    if let Some(place) = waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&what) {
        *place.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        place.notify.notify_waiters();
    }
}

/// One waiter's place; dropping it ends the wait.
pub struct Subscription {
    what: Uuid,
    place: Arc<Place>,
    waiting: Arc<Waiting>,
}

impl Subscription {
    /// How the job ended, if the last wake-up said.
    pub fn end(&self) -> Option<End> {
        *self.place.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A future that is registered from now on, before it is awaited.
    pub fn next(&self) -> std::pin::Pin<Box<tokio::sync::futures::Notified<'_>>> {
        let mut next = Box::pin(self.place.notify.notified());
        next.as_mut().enable();
        next
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and this subscription hold one each.
        if Arc::strong_count(&self.place) <= 2 {
            waiting.remove(&self.what);
        }
    }
}

/// The ear of the node: one connection, on which Postgres also shows first that it goes away.
struct Listening {
    waiting: Arc<Waiting>,
    known: Arc<Known>,
    doubt: Doubt,
    node: Uuid,
}

impl Listening {
    async fn run(self, mut listener: PgListener, stop: CancellationToken) {
        let Self { waiting, known, doubt, node } = self;
        let own = node.to_string();
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = listener.try_recv() => heard,
            };
            match heard {
                Ok(Some(notification)) if notification.channel() == CHANGED => match notification.payload().parse() {
                    Ok(tenant) => known.forget(tenant),
                    Err(_) => known.forget_all(),
                },
                Ok(Some(notification)) => {
                    let mut parts = notification.payload().split(',');
                    if parts.next() == Some(&own) {
                        continue;
                    }
                    for what in parts.filter_map(|part| part.parse().ok()) {
                        notify(&waiting, what, None);
                    }
                }
                // It broke and is made anew at once: whoever waits meanwhile polls slowly.
                Ok(None) => {
                    doubt.raise();
                    known.forget_all();
                }
                Err(error) => {
                    doubt.raise();
                    known.forget_all();
                    tracing::warn!(error = %error, "the wake-up connection broke; reconnecting");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }
}

async fn tell_others(db: PgPool, mut queue: mpsc::UnboundedReceiver<Uuid>, node: Uuid, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // What arrives while one NOTIFY is under way goes into the next.
            count = queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
            }
        }
        batch.sort_unstable();
        batch.dedup();
        let payload = batch.drain(..).fold(node.to_string(), |text, what| format!("{text},{what}"));
        // Waits for no disk: a crash that would lose it wakes everybody anyhow.
        let told = sqlx::query!("select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", CHANNEL, payload);
        if let Err(error) = told.fetch_one(&db).await {
            tracing::warn!(error = %error, "other nodes were not woken; they poll");
        }
        tokio::time::sleep(DEBOUNCE).await;
    }
}
