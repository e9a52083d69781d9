//! House jobs: send what waits in the outbox, end what is past its deadline, make room, forget what is over.
//!
//! Each is a function that does one round, which tests call too, and a loop that wakes it. Several nodes may run them at once:
//! rows are taken with `skip locked`.

mod figures;
mod outbox;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
pub use figures::{count, cover};
use tokio_util::task::TaskTracker;

use crate::{
    app::App,
    carriers::Carriers,
    domain::{
        approvals, audit, authenticators, contacts, fleet, limits, notices, notifications, operators, queue, registration, resets,
        sessions, sso, tenants, users, verification, work,
    },
};

const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// What charts read is counted this often.
const COUNT_EVERY: Duration = Duration::from_mins(1);
/// Who can use self-service is looked at this often, each tenant once an hour.
const COVER_EVERY: Duration = Duration::from_mins(5);
/// People are reminded, some per tenant and round.
const REMIND_EVERY: Duration = Duration::from_mins(10);
/// Lines of the audit trail get their places this often.
const CHAIN_EVERY: Duration = Duration::from_secs(1);
/// Whether a signed word about a chain is due is looked at this often.
const SIGN_EVERY: Duration = Duration::from_secs(15);
const CLEAN_EVERY: Duration = Duration::from_mins(10);
/// A thousand lines each, of a tenant.
const FORGET_ROUNDS: usize = 100;
/// Whose password runs out soon is asked this often.
const EXPIRING_EVERY: Duration = Duration::from_hours(1);

/// Start the loops; they end with `app.stop`.
pub fn start(app: &Arc<App>, carriers: &Carriers, tasks: &TaskTracker) {
    tasks.spawn(outbox::run(app.clone(), carriers.clone()));
    tasks.spawn(every(app.clone(), SWEEP_EVERY, "sweep", |app| Box::pin(sweep(app))));
    tasks.spawn(every(app.clone(), COUNT_EVERY, "count", |app| Box::pin(count(app))));
    tasks.spawn(every(app.clone(), COVER_EVERY, "cover", |app| Box::pin(cover(app))));
    tasks.spawn(chains(app.clone()));
    tasks.spawn(every(app.clone(), REMIND_EVERY, "remind", |app| Box::pin(remind(app))));
    tasks.spawn(every(app.clone(), CLEAN_EVERY, "clean", |app| Box::pin(clean(app))));
    tasks.spawn(every(app.clone(), EXPIRING_EVERY, "expiring", |app| Box::pin(expiring(app))));
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

/// Ask whose time has come whether their methods of proof are still right.
pub async fn remind(app: &App) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    let tenants = tenants::all(&mut conn, &app.ring).await?;
    drop(conn);
    for tenant in tenants.iter().filter(|tenant| tenant.reconfirm_days > 0) {
        let mut tx = app.begin().await?;
        let reminded = registration::remind(&mut tx, tenant, &app.clock).await?;
        tx.commit().await?;
        if reminded > 0 {
            app.wake_outbox();
        }
    }
    Ok(())
}

/// End the jobs that are past their deadline, and tell whoever watches. End the messages that came too late.
pub async fn sweep(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    let ended = queue::sweep(&mut tx, &app.clock).await?;
    for job in &ended {
        let tenant = tenants::by_id(&mut tx, &app.ring, job.tenant_id).await?;
        resets::swept(&mut tx, &tenant, &app.clock, job).await?;
    }
    tx.commit().await?;
    let mut conn = app.db.acquire().await?;
    notifications::expire(&mut conn, &app.clock).await?;
    drop(conn);
    for job in ended {
        tracing::warn!(job.id = %job.job_id, job.state = job.state.as_str(), "a job ended at its deadline");
        app.wake.tell(job.job_id);
    }
    Ok(())
}

/// Remind people whose password runs out soon, where that is switched on. Several nodes may look at once: each reminder is one row.
pub async fn expiring(app: &App) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    let tenants = tenants::all(&mut conn, &app.ring).await?;
    drop(conn);
    for tenant in tenants.iter().filter(|tenant| tenant.expiry_reminders) {
        loop {
            let mut tx = app.begin().await?;
            let more = notices::remind(&mut tx, &tenant.scope, &app.clock).await?;
            tx.commit().await?;
            app.wake_outbox();
            if !more {
                break;
            }
        }
    }
    Ok(())
}

/// The audit trail's chains, as far as this node goes, and a signed word about each when it ends.
async fn chains(app: Arc<App>) {
    let mut signed = Instant::now();
    while !app.stop.is_cancelled() {
        if let Err(error) = chain(&app).await {
            tracing::warn!(error = format!("{error:#}"), "the audit trail will be chained again");
        }
        if signed.elapsed() >= SIGN_EVERY {
            sign(&app, false).await;
            signed = Instant::now();
        }
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = tokio::time::sleep(CHAIN_EVERY) => {}
        }
    }
    match chain(&app).await {
        Ok(()) => sign(&app, true).await,
        Err(error) => tracing::warn!(error = format!("{error:#}"), "the last lines of the audit trail wait for the next start"),
    }
}

/// Give the lines of the audit trail that wait their places. A tenant where that does not go keeps nobody else waiting.
pub async fn chain(app: &App) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    let waiting = audit::chain::waiting(&mut conn).await?;
    drop(conn);
    for tenant in waiting {
        if let Err(error) = chain_of(app, tenant).await {
            tracing::error!(tenant.id = %tenant, error = format!("{error:#}"), "an audit trail is not chained");
        }
    }
    Ok(())
}

async fn chain_of(app: &App, tenant: uuid::Uuid) -> Result<()> {
    let tenant = app.tenant(tenant).await?;
    loop {
        let mut tx = app.begin().await?;
        let chained = audit::chain::chain(&mut tx, &tenant.scope, &app.clock).await?;
        tx.commit().await?;
        // What came meanwhile goes into the next round: a few lines cost nearly as much as many.
        if chained < audit::chain::MOST {
            return Ok(());
        }
    }
}

/// Sign how far each chain goes where that is due, or `now`.
pub async fn sign(app: &App, now: bool) {
    let round = async {
        let mut conn = app.db.acquire().await?;
        let tenants = tenants::all(&mut conn, &app.ring).await?;
        drop(conn);
        for tenant in tenants {
            let mut tx = app.begin().await?;
            audit::chain::sign(&mut tx, &tenant.scope, &app.clock, now).await?;
            tx.commit().await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    if let Err(error) = round.await {
        tracing::warn!(error = format!("{error:#}"), "the audit trail will be signed again");
    }
}

/// Let go of the audit trail what was kept long enough.
async fn forget(app: &App) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    let tenants = tenants::all(&mut conn, &app.ring).await?;
    drop(conn);
    for tenant in tenants {
        for _ in 0..FORGET_ROUNDS {
            let mut tx = app.begin().await?;
            match audit::keep::forget(&mut tx, &tenant.scope, &app.clock).await {
                Ok(0) => break,
                Ok(_) => tx.commit().await?,
                Err(error) => {
                    tracing::error!(tenant.id = %tenant.scope.id(), error = format!("{error:#}"), "old lines of an audit trail stay");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Make the partitions of the coming days; forget what is over.
pub async fn clean(app: &App) -> Result<()> {
    forget(app).await?;
    let mut tx = app.begin().await?;
    queue::turn_partitions(&mut tx, &app.clock).await?;
    tx.commit().await?;
    let mut tx = app.begin().await?;
    let unused = queue::sweep_unused(&mut tx, &app.clock).await?;
    let flows = resets::clean(&mut tx, &app.clock).await?;
    let messages = notifications::clean(&mut tx, &app.clock).await?;
    let sessions = sessions::clean(&mut tx, &app.clock).await?
        + operators::clean(&mut tx, &app.clock).await?
        + sso::clean(&mut tx, &app.clock).await?;
    let limits = limits::clean(&mut tx, &app.clock).await? + approvals::clean(&mut tx, &app.clock).await?;
    let proofs_of_work = work::clean(&mut tx, &app.clock).await?;
    let passes = users::clean(&mut tx, &app.clock).await?;
    let told = notices::clean(&mut tx, &app.clock).await?;
    let challenges = verification::clean(&mut tx, &app.clock).await?;
    let registrations = authenticators::clean(&mut tx, &app.clock).await? + contacts::clean(&mut tx, &app.clock).await?;
    let reminders = notices::forget(&mut tx, &app.clock).await?;
    let proofs = fleet::forget_used(&mut tx, &app.clock).await?;
    let canaries = fleet::forget_sung(&mut tx, &app.clock).await?;
    tx.commit().await?;
    tracing::debug!(
        unused,
        flows,
        messages,
        sessions,
        limits,
        proofs_of_work,
        passes,
        told,
        reminders,
        registrations,
        canaries,
        challenges,
        proofs,
        "forgot what is over"
    );
    Ok(())
}
