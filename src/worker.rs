//! House jobs: send what waits in the outbox, end what is past its deadline, make room, forget what is over.
//!
//! Each is a function that does one round, which tests call too, and a loop that wakes it. Several nodes may run them at once:
//! rows are taken with `skip locked`.

mod figures;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
pub use figures::{count, cover};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::{
    app::App,
    base::id,
    carriers::{Carriers, Failure, mail::Mail},
    domain::{
        approvals, audit, authenticators, contacts, fleet, limits, notices,
        notifications::{self, Channel, Delivered, Delivery},
        operators, queue, registration, resets, sessions, sso, tenants,
        texts::{self, Theirs},
        users, verification, work,
    },
    web::letter,
};

/// Between two looks at the outbox.
const GATHER: Duration = Duration::from_millis(100);
/// Deliveries of a channel at once.
const BATCH: usize = 16;
/// The outbox is looked at this often when nothing wakes it: retries, and messages of other nodes that died.
const OUTBOX_EVERY: Duration = Duration::from_secs(1);
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
    for channel in Channel::ALL {
        tasks.spawn(outbox(app.clone(), carriers.clone(), channel));
    }
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

/// One channel's: a mail server that hangs holds up no text message.
async fn outbox(app: Arc<App>, carriers: Carriers, channel: Channel) {
    let (under_way, mut woken) = (Arc::new(Semaphore::new(BATCH)), app.outbox.subscribe());
    let tasks = TaskTracker::new();
    loop {
        woken.mark_unchanged();
        if let Err(error) = deliver(&app, &carriers, channel, &under_way, &tasks).await {
            tracing::warn!(error = format!("{error:#}"), "the outbox will be looked at again");
        }
        // Alone, a message goes at once; of many, those that follow within a moment go together.
        tokio::time::sleep(GATHER).await;
        tokio::select! {
            () = app.stop.cancelled() => break,
            _ = woken.changed() => {}
            () = tokio::time::sleep(OUTBOX_EVERY) => {}
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Begin to deliver what is due, as much as may be under way at once; outside any transaction.
async fn deliver(app: &Arc<App>, carriers: &Carriers, channel: Channel, under_way: &Arc<Semaphore>, tasks: &TaskTracker) -> Result<()> {
    loop {
        let room = under_way.available_permits();
        if room == 0 {
            return Ok(());
        }
        let mut tx = app.begin().await?;
        let due = notifications::take_due(&mut tx, &app.clock, channel, i64::try_from(room)?).await?;
        // One question for all of them.
        let theirs = Arc::new(if due.is_empty() { Theirs::default() } else { texts::of_tenants(&mut tx, &tenants_of(&due)).await? });
        tx.commit().await?;
        let count = due.len();
        for delivery in due {
            let permit = under_way.clone().acquire_owned().await?;
            let (app, carriers, theirs) = (app.clone(), carriers.clone(), theirs.clone());
            tasks.spawn(async move {
                if let Err(error) = deliver_one(&app, &carriers, &delivery, &theirs).await {
                    tracing::warn!(message.id = %delivery.message_id, error = format!("{error:#}"), "how a delivery ended could not be written down");
                }
                drop(permit);
            });
        }
        // A full batch: there may be more.
        if count < room {
            return Ok(());
        }
    }
}

fn tenants_of(due: &[Delivery]) -> Vec<uuid::Uuid> {
    let mut tenants: Vec<_> = due.iter().map(|delivery| delivery.tenant_id).collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants
}

async fn deliver_one(app: &App, carriers: &Carriers, delivery: &Delivery, theirs: &Theirs) -> Result<()> {
    // A decoy's message is done in no time and a real one is not. So that the very next request does not feel the difference,
    // all begin a moment later, and not all after the same moment.
    tokio::time::sleep(Duration::from_millis(40 + u64::from(id::random_bytes::<1>()[0]) / 2)).await;
    let how = attempt(app, carriers, delivery, theirs).await;
    if let Delivered::Retry(why) | Delivered::Failed(why) = &how {
        tracing::warn!(message.id = %delivery.message_id, message.attempt = delivery.attempt, reason = %why, "a message was not delivered");
    }
    // One statement, hence a transaction by itself.
    let mut conn = app.db.acquire().await?;
    notifications::settle(&mut conn, &app.clock, delivery, how).await
}

async fn attempt(app: &App, carriers: &Carriers, delivery: &Delivery, theirs: &Theirs) -> Delivered {
    if delivery.channel == Channel::Nowhere || delivery.moot {
        return Delivered::Discarded;
    }
    match send(app, carriers, delivery, theirs).await {
        Ok(Ok(parts)) => Delivered::Sent { parts },
        Ok(Err(Failure::Retry(why))) => Delivered::Retry(why),
        Ok(Err(Failure::Fail(why))) => Delivered::Failed(why),
        Err(error) => Delivered::Retry(format!("{error:#}")),
    }
}

/// As how many messages it counts for what it costs.
async fn send(app: &App, carriers: &Carriers, delivery: &Delivery, theirs: &Theirs) -> Result<Result<i16, Failure>> {
    let tenant = app.tenant(delivery.tenant_id).await?;
    let mut message = delivery.open(&tenant.scope)?;
    if delivery.channel == Channel::Email {
        let mut conn = app.db.acquire().await?;
        authenticators::add_lately(&mut conn, &tenant.scope, &app.clock, &mut message).await?;
    }
    let theirs = letter::which(&tenant, &message, delivery.channel).and_then(|which| theirs.text(delivery.tenant_id, which));
    let off = |what: &str| Ok(Err(Failure::Fail(format!("{what} is not set up"))));
    match delivery.channel {
        Channel::Email => {
            let Some(mailer) = &carriers.mail else { return off("mail") };
            let help = help(app, &tenant, &message).await?.map(|contact| contact.line());
            let letter = letter::mail(&app.public_url, &tenant, &message, theirs, help.as_deref())?;
            let mail = Mail { id: delivery.message_id, to: &message.to, subject: &letter.subject, text: &letter.text, html: &letter.html };
            Ok(mailer.send(&mail).await.map(|()| 1))
        }
        Channel::Sms => {
            let Some(gateway) = &carriers.sms else { return off("sms") };
            // Counted with the first attempt, and committed before it.
            if delivery.attempt == 1 && !may_text(app, &tenant, &message).await? {
                return Ok(Err(Failure::Fail("the tenant's text messages for notices are used up, or do not go there".to_owned())));
            }
            let text = letter::text(&app.public_url, &tenant, &message, theirs)?;
            let parts = i16::try_from(texts::size(&text).messages)?;
            Ok(gateway.send(delivery.message_id, &message.to, &text).await.map(|()| parts))
        }
        Channel::Nowhere => Ok(Ok(1)),
    }
}

/// Whom the reader may ask: of a notice, their own group's help desk.
async fn help(app: &App, tenant: &tenants::Tenant, message: &notifications::Message) -> Result<Option<tenants::Contact>> {
    if !tenant.brand.by_group {
        return Ok(tenant.contact());
    }
    let mut conn = app.db.acquire().await?;
    Ok(notices::contact(&mut conn, &tenant.scope, message).await?.or_else(|| tenant.contact()))
}

async fn may_text(app: &App, tenant: &tenants::Tenant, message: &notifications::Message) -> Result<bool> {
    let mut conn = app.db.acquire().await?;
    notices::may_text(&mut conn, tenant, &app.clock, message).await
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
