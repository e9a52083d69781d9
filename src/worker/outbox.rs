//! What waits in the outbox is sent.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::{
    app::App,
    base::id,
    carriers::{Carriers, Failure, mail::Mail},
    domain::{
        authenticators, notices,
        notifications::{self, Channel, Delivered, Delivery},
        tenants,
        texts::{self, Theirs},
    },
    web::letter,
};

/// Between two looks at the outbox.
const GATHER: Duration = Duration::from_millis(100);
/// Deliveries of a channel at once.
const BATCH: usize = 16;
/// The outbox is looked at this often when nothing wakes it: retries, and messages of other nodes that died.
const OUTBOX_EVERY: Duration = Duration::from_secs(1);

/// How many more of each channel may be under way: a mail server that hangs holds up no text message.
type Rooms = [(Channel, Arc<Semaphore>); Channel::ALL.len()];

/// Until the process ends.
pub async fn run(app: Arc<App>, carriers: Carriers) {
    let rooms = Channel::ALL.map(|channel| (channel, Arc::new(Semaphore::new(BATCH))));
    let (tasks, mut woken, freed) = (TaskTracker::new(), app.outbox.subscribe(), Arc::new(Notify::new()));
    loop {
        woken.mark_unchanged();
        let more = deliver(&app, &carriers, &rooms, &tasks, &freed).await.unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "the outbox will be looked at again");
            false
        });
        // Alone, a message goes at once; of many, those that follow within a moment go together.
        tokio::time::sleep(GATHER).await;
        tokio::select! {
            () = app.stop.cancelled() => break,
            _ = woken.changed() => {}
            () = freed.notified(), if more => {}
            () = tokio::time::sleep(OUTBOX_EVERY) => {}
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Begin to deliver what is due, as much as may be under way at once; outside any transaction. True: there may be more, as soon as there is
/// room, which `freed` tells.
async fn deliver(app: &Arc<App>, carriers: &Carriers, rooms: &Rooms, tasks: &TaskTracker, freed: &Arc<Notify>) -> Result<bool> {
    loop {
        let mut left = Vec::new();
        for (channel, room) in rooms {
            left.push((*channel, i64::try_from(room.available_permits())?));
        }
        left.retain(|(_, room)| *room > 0);
        if left.is_empty() {
            return Ok(true);
        }
        let full = left.len() < rooms.len();
        let mut tx = app.begin_kept().await?;
        let due = notifications::take_due(&mut tx, &app.clock, &left).await?;
        // One question for all of them.
        let theirs = Arc::new(if due.is_empty() { Theirs::default() } else { texts::of_tenants(&mut tx, &tenants_of(&due)).await? });
        tx.commit().await?;
        for delivery in due {
            let Some((_, room)) = rooms.iter().find(|(channel, _)| *channel == delivery.channel) else { continue };
            let permit = room.clone().acquire_owned().await?;
            if let Some((_, left)) = left.iter_mut().find(|(channel, _)| *channel == delivery.channel) {
                *left -= 1;
            }
            let (app, carriers, theirs, freed) = (app.clone(), carriers.clone(), theirs.clone(), freed.clone());
            tasks.spawn(async move {
                if let Err(error) = deliver_one(&app, &carriers, &delivery, &theirs).await {
                    tracing::warn!(message.id = %delivery.message_id, error = format!("{error:#}"), "how a delivery ended could not be written down");
                }
                drop(permit);
                freed.notify_one();
            });
        }
        // Where a batch was full there may be more.
        if left.iter().all(|(_, room)| *room > 0) {
            return Ok(full);
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
