//! House jobs: send what waits in the outbox, end what is past its deadline, make room, forget what is over.
//!
//! Each is a function that does one round, which tests call too, and a loop that wakes it. Several nodes may run them at once:
//! rows are taken with `skip locked`.

mod letter;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio_util::task::TaskTracker;

use crate::{
    app::App,
    carriers::{Carriers, Failure, mail::Mail},
    domain::{
        limits,
        notifications::{self, Channel, Delivered, Delivery},
        queue, resets, tenants, users,
    },
};

/// Deliveries at once.
const BATCH: i64 = 16;
/// The outbox is looked at this often when nothing wakes it: retries, and messages of other nodes that died.
const OUTBOX_EVERY: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const CLEAN_EVERY: Duration = Duration::from_mins(10);

/// Start the loops; they end with `app.stop`.
pub fn start(app: &Arc<App>, carriers: Carriers, tasks: &TaskTracker) {
    tasks.spawn(outbox(app.clone(), carriers));
    tasks.spawn(every(app.clone(), SWEEP_EVERY, "sweep", |app| Box::pin(sweep(app))));
    tasks.spawn(every(app.clone(), CLEAN_EVERY, "clean", |app| Box::pin(clean(app))));
}

type Round = fn(&App) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;

async fn every(app: Arc<App>, pause: Duration, name: &'static str, round: Round) {
    loop {
        if let Err(error) = round(&app).await {
            tracing::warn!(job = name, error = format!("{error:#}"), "a house job failed and will run again");
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn outbox(app: Arc<App>, carriers: Carriers) {
    loop {
        match deliver(&app, &carriers).await {
            // A full batch: there may be more.
            Ok(done) if done == usize::try_from(BATCH).unwrap_or(usize::MAX) => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the outbox will be looked at again"),
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = app.outbox.notified() => {}
            () = tokio::time::sleep(OUTBOX_EVERY) => {}
        }
    }
}

/// Deliver what is due, side by side, outside any transaction. Answers how many were tried.
pub async fn deliver(app: &Arc<App>, carriers: &Carriers) -> Result<usize> {
    let mut tx = app.begin().await?;
    let due = notifications::take_due(&mut tx, &app.clock, BATCH).await?;
    tx.commit().await?;
    let count = due.len();
    let mut under_way = tokio::task::JoinSet::new();
    for delivery in due {
        let (app, carriers) = (app.clone(), carriers.clone());
        under_way.spawn(async move {
            let how = attempt(&app, &carriers, &delivery).await;
            if let Delivered::Retry(why) | Delivered::Failed(why) = &how {
                tracing::warn!(message.id = %delivery.message_id, message.attempt = delivery.attempt, reason = %why, "a message was not delivered");
            }
            let mut tx = app.begin().await?;
            notifications::settle(&mut tx, &app.clock, &delivery, how).await?;
            tx.commit().await?;
            anyhow::Ok(())
        });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(count)
}

async fn attempt(app: &App, carriers: &Carriers, delivery: &Delivery) -> Delivered {
    if delivery.channel == Channel::Nowhere {
        return Delivered::Discarded;
    }
    match send(app, carriers, delivery).await {
        Ok(Ok(())) => Delivered::Sent,
        Ok(Err(Failure::Retry(why))) => Delivered::Retry(why),
        Ok(Err(Failure::Fail(why))) => Delivered::Failed(why),
        Err(error) => Delivered::Retry(format!("{error:#}")),
    }
}

async fn send(app: &App, carriers: &Carriers, delivery: &Delivery) -> Result<Result<(), Failure>> {
    let mut conn = app.db.acquire().await?;
    let tenant = tenants::by_id(&mut conn, &app.ring, delivery.tenant_id).await?;
    drop(conn);
    let message = delivery.open(&tenant.scope)?;
    let off = |what: &str| Ok(Err(Failure::Fail(format!("{what} is not set up"))));
    match delivery.channel {
        Channel::Email => {
            let Some(mailer) = &carriers.mail else { return off("mail") };
            let letter = letter::mail(&tenant, &message)?;
            let mail = Mail { id: delivery.message_id, to: &message.to, subject: &letter.subject, text: &letter.text, html: &letter.html };
            Ok(mailer.send(&mail).await)
        }
        Channel::Sms => {
            let Some(gateway) = &carriers.sms else { return off("sms") };
            Ok(gateway.send(delivery.message_id, &message.to, &letter::text(app, &tenant, &message)).await)
        }
        Channel::Nowhere => Ok(Ok(())),
    }
}

/// End the jobs that are past their deadline, and tell whoever watches.
pub async fn sweep(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    let ended = queue::sweep(&mut tx, &app.clock).await?;
    for job in &ended {
        let tenant = tenants::by_id(&mut tx, &app.ring, job.tenant_id).await?;
        resets::swept(&mut tx, &tenant, &app.clock, job).await?;
    }
    tx.commit().await?;
    for job in ended {
        tracing::warn!(job.id = %job.job_id, job.state = job.state.as_str(), "a job ended at its deadline");
        app.wake.tell(job.job_id);
    }
    Ok(())
}

/// Make the partitions of the coming days; forget what is over.
pub async fn clean(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    queue::turn_partitions(&mut tx, &app.clock).await?;
    tx.commit().await?;
    let mut tx = app.begin().await?;
    let unused = queue::sweep_unused(&mut tx, &app.clock).await?;
    let flows = resets::clean(&mut tx, &app.clock).await?;
    let messages = notifications::clean(&mut tx, &app.clock).await?;
    let limits = limits::clean(&mut tx, &app.clock).await?;
    let passes = users::clean(&mut tx, &app.clock).await?;
    tx.commit().await?;
    tracing::debug!(unused, flows, messages, limits, passes, "forgot what is over");
    Ok(())
}
