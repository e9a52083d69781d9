//! Messages that wait to be sent: an outbox, written in the transaction of the act that causes them. Recipient and code lie
//! encrypted and are erased once the message is sent or given up.

mod content;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::tenants::Scope;
use crate::base::{clock::Clock, id};
pub use content::{Act, Change, Content, Happened, Week};

/// Which carrier delivers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    Email,
    Sms,
    /// A decoy's: the same work, and no message.
    Nowhere,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::Nowhere];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Nowhere => "none",
        }
    }
}

/// One message to one recipient; lies encrypted until it is delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// A mail address, or a phone number in E.164; empty for a decoy's.
    pub to: String,
    /// Display name, for the greeting.
    pub name: String,
    /// BCP 47.
    pub language: String,
    pub content: Content,
    /// Whom it is for is told of it nowhere else: they have no mailbox.
    #[serde(default)]
    pub only: bool,
}

impl Message {
    /// As it lies in the outbox.
    pub fn seal(&self, scope: &Scope) -> Result<Vec<u8>> {
        Ok(scope.key().encrypt(PLACE, &serde_json::to_vec(self)?))
    }
}

const PLACE: &[u8] = b"messages.payload";
/// Deliveries are tried again after so many seconds.
const BACKOFF: [i64; 5] = [2, 5, 15, 60, 120];
/// A delivery that is under way is not begun a second time within this.
const UNDER_WAY: Duration = Duration::seconds(90);

/// Put a message into the outbox, in the place of an older one on the same topic. It is not worth sending after `lifetime`.
pub async fn enqueue(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    channel: Channel,
    message: &Message,
    topic: Option<&[u8]>,
    lifetime: Duration,
) -> Result<Uuid> {
    let (message_id, now) = (id::time_ordered(clock), clock.now());
    sqlx::query!(
        "with older as (
             update messages set state = 'discarded', payload = null where tenant_id = $2 and topic = $4 and state = 'waiting')
         insert into messages (message_id, tenant_id, channel, topic, payload, created_at, due_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7)",
        message_id,
        scope.id(),
        channel.as_str(),
        topic,
        message.seal(scope)?,
        now,
        now + lifetime,
    )
    .execute(conn)
    .await?;
    Ok(message_id)
}

/// A message that this worker now delivers.
pub struct Delivery {
    pub message_id: Uuid,
    pub tenant_id: Uuid,
    pub channel: Channel,
    payload: Vec<u8>,
    /// This one included.
    pub attempt: i32,
    /// Things are not any more as it says.
    pub moot: bool,
}

impl Delivery {
    /// Decrypt; `scope` must be that of `tenant_id`.
    pub fn open(&self, scope: &Scope) -> Result<Message> {
        Ok(serde_json::from_slice(&scope.key().decrypt(PLACE, &self.payload)?)?)
    }
}

/// Messages that are due, of each channel up to as many as there is room for, those first that are worth nothing soonest; each pushed out of the others' sight while it is under way.
pub async fn take_due(conn: &mut PgConnection, clock: &Clock, rooms: &[(Channel, i64)]) -> Result<Vec<Delivery>> {
    let now = clock.now();
    let (channels, rooms): (Vec<&str>, Vec<i64>) = rooms.iter().map(|(channel, room)| (channel.as_str(), *room)).unzip();
    let rows = sqlx::query!(
        r#"update messages set due_at = $1 + $3, attempts = attempts + 1
           where message_id = any(array(select m.message_id from unnest($4::text[], $2::bigint[]) as r (channel, room)
               cross join lateral (select message_id from messages
                   where state = 'waiting' and channel = r.channel and due_at <= $1 and expires_at > $1
                   order by expires_at limit r.room for update skip locked) m))
           returning message_id, tenant_id, channel, payload as "payload!", attempts, user_id is not null
               and (exists (select from freezes f where f.tenant_id = messages.tenant_id and f.user_id = messages.user_id and f.lifted_at is null)
                   or not exists (select from users u where u.tenant_id = messages.tenant_id and u.user_id = messages.user_id and u.removed_at is null)) as "moot!""#,
        now,
        &rooms,
        sqlx::postgres::types::PgInterval::try_from(UNDER_WAY).map_err(|error| anyhow::anyhow!(error))?,
        &channels as &[&str],
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = Channel::ALL.into_iter().find(|channel| channel.as_str() == row.channel).context("an unknown channel")?;
            let (message_id, tenant_id, payload) = (row.message_id, row.tenant_id, row.payload);
            Ok(Delivery { message_id, tenant_id, channel, payload, attempt: row.attempts, moot: row.moot })
        })
        .collect()
}

/// End those that are not worth sending any more.
pub async fn expire(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!(
        "update messages set state = 'failed', payload = null, last_error = 'expired' where state = 'waiting' and expires_at <= $1",
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// How a delivery ended.
pub enum Delivered {
    /// It counts as so many messages for what it costs.
    Sent {
        parts: i16,
    },
    /// There was nowhere to send it.
    Discarded,
    /// May succeed later.
    Retry(String),
    Failed(String),
}

/// Write down how a delivery ended. A retry past the last back-off is a failure.
pub async fn settle(conn: &mut PgConnection, clock: &Clock, delivery: &Delivery, how: Delivered) -> Result<()> {
    let parts = if let Delivered::Sent { parts } = how { Some(parts) } else { None };
    let (state, error) = match how {
        Delivered::Sent { .. } => ("sent", None),
        Delivered::Discarded => ("discarded", None),
        Delivered::Failed(error) => ("failed", Some(error)),
        Delivered::Retry(error) => {
            let next = usize::try_from(delivery.attempt - 1).ok().and_then(|n| BACKOFF.get(n));
            if let Some(&seconds) = next {
                sqlx::query!(
                    "update messages set due_at = $2, last_error = $3 where message_id = $1 and state = 'waiting'",
                    delivery.message_id,
                    clock.now() + Duration::seconds(seconds),
                    error,
                )
                .execute(conn)
                .await?;
                return Ok(());
            }
            ("failed", Some(error))
        }
    };
    sqlx::query!(
        "update messages set state = $2, payload = null, last_error = $3, parts = $4 where message_id = $1 and state = 'waiting'",
        delivery.message_id,
        state,
        error,
        parts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forget messages that ended over a day ago.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from messages where state <> 'waiting' and created_at < $1", clock.now() - Duration::days(1))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
