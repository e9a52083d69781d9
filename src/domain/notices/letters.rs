//! Notices column by column, for a statement that writes them together with what they tell of.

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{LIFETIME, Token, addresses};
use crate::{
    base::{clock::Clock, id},
    domain::{
        notifications::{Act, Channel, Content, Message},
        tenants::Scope,
        users::Reach,
    },
};

/// A proof by e-mail alone is told of once more after this: whoever has the mailbox may have deleted the first notice.
const AGAIN_AFTER: Duration = Duration::days(1);
/// A mail server takes so many at once.
const MANY: i32 = 100;

/// Who is told.
pub struct Whom<'a> {
    pub user_id: Uuid,
    name: &'a str,
    /// BCP 47; empty: the tenant's.
    language: &'a str,
    addresses: Vec<(Channel, &'a str)>,
}

impl<'a> Whom<'a> {
    /// At every address on file.
    pub fn of(user_id: Uuid, reach: &'a Reach) -> Self {
        let language = reach.language.as_deref().unwrap_or_default();
        Self { user_id, name: &reach.name, language, addresses: addresses(reach).collect() }
    }

    /// At these addresses, too.
    pub fn also(&mut self, reach: &'a Reach) {
        for address in addresses(reach) {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
    }

    /// Not where they are told already.
    pub fn except(&mut self, known: impl Fn(&str) -> bool) {
        self.addresses.retain(|(_, to)| !known(to));
    }
}

/// Messages, and with each the notice that it bears.
#[derive(Default)]
pub struct Letters {
    pub ids: Vec<Uuid>,
    pub tenants: Vec<Uuid>,
    /// What each is about; nil: no job.
    pub jobs: Vec<Uuid>,
    pub channels: Vec<&'static str>,
    pub payloads: Vec<Vec<u8>>,
    pub dues: Vec<OffsetDateTime>,
    /// Of those that are due later: not sent if the account of this person is frozen or gone by then.
    pub unless: Vec<Option<Uuid>>,
    /// Of the notice: hash of the token, whose account, of what kind. Several messages bear the same.
    pub hashes: Vec<Option<Vec<u8>>>,
    pub users: Vec<Option<Uuid>>,
    pub abouts: Vec<Option<&'static str>>,
}

impl Letters {
    /// A notice to every address, with a token of its own.
    pub fn tell(&mut self, scope: &Scope, clock: &Clock, whom: &Whom<'_>, job: Uuid, mut content: Content) -> Result<()> {
        if let Some(happened) = content.happened_mut() {
            happened.user = Some(whom.user_id);
        }
        let about = about(&content).filter(|_| !whom.addresses.is_empty());
        let hash = about.map(|_| {
            let token = Token::new();
            let hash = token.hash(scope);
            if let Some(happened) = content.happened_mut() {
                happened.token = Some(token.into_text());
            }
            hash
        });
        let only = whom.addresses.iter().all(|(channel, _)| *channel == Channel::Sms);
        for (channel, to) in &whom.addresses {
            let (name, language) = (whom.name.to_owned(), whom.language.to_owned());
            let message = Message { to: (*to).to_owned(), name, language, content: content.clone(), only };
            self.push(scope, clock, job, *channel, &message)?;
            let n = self.ids.len() - 1;
            (self.hashes[n], self.users[n], self.abouts[n]) = (hash.clone(), Some(whom.user_id), about);
            if matches!(content, Content::Changed { again: true, .. }) {
                (self.dues[n], self.unless[n]) = (clock.now() + AGAIN_AFTER, Some(whom.user_id));
            }
        }
        Ok(())
    }

    /// One message, due now, that bears no notice.
    pub fn push(&mut self, scope: &Scope, clock: &Clock, job: Uuid, channel: Channel, message: &Message) -> Result<()> {
        self.ids.push(id::time_ordered(clock));
        self.tenants.push(scope.id());
        self.jobs.push(job);
        self.channels.push(channel.as_str());
        self.payloads.push(message.seal(scope)?);
        self.dues.push(clock.now());
        self.unless.push(None);
        self.hashes.push(None);
        self.users.push(None);
        self.abouts.push(None);
        Ok(())
    }

    /// Many at once go over the next hour, so that they hold up nobody's code.
    pub fn spread(&mut self) {
        let count = i32::try_from(self.dues.len()).unwrap_or(i32::MAX);
        if count > MANY {
            for (n, due) in (0..).zip(&mut self.dues) {
                *due += Duration::HOUR / count * n;
            }
        }
    }

    /// Those that are about no job. What may be told once a day and was told today goes nowhere.
    pub async fn write(&self, conn: &mut PgConnection, clock: &Clock) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let now = clock.now();
        sqlx::query!(
            "with r as materialized (
                 select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[], $6::uuid[], $7::bytea[], $8::uuid[], $9::text[])
                     as r (message_id, tenant_id, channel, payload, due_at, unless, token_hash, user_id, about)
             ), told as (
                 insert into notices (token_hash, tenant_id, user_id, about, at, expires_at)
                 select distinct token_hash, tenant_id, user_id, about, $10::timestamptz, $10::timestamptz + interval '30 days'
                 from r where token_hash is not null
                 on conflict do nothing returning token_hash
             )
             insert into messages (message_id, tenant_id, channel, payload, created_at, due_at, expires_at, user_id)
             select message_id, tenant_id, channel, payload, $10, due_at, due_at + $11::interval, unless
             from r where token_hash is null or token_hash in (select token_hash from told)",
            &self.ids,
            &self.tenants,
            &self.channels as &[&str],
            &self.payloads,
            &self.dues,
            &self.unless as &[Option<Uuid>],
            &self.hashes as &[Option<Vec<u8>>],
            &self.users as &[Option<Uuid>],
            &self.abouts as &[Option<&str>],
            now,
            sqlx::postgres::types::PgInterval::try_from(LIFETIME).map_err(|error| anyhow::anyhow!(error))?,
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// The kind of the notice; `None` for what nobody can say was not them.
const fn about(content: &Content) -> Option<&'static str> {
    match content {
        Content::Changed { .. } => Some("changed"),
        Content::Unlocked { .. } => Some("unlocked"),
        Content::Tries { .. } => Some("tries"),
        Content::Method { .. } | Content::CodesLow { .. } => Some("method"),
        Content::Contact { .. } => Some("contact"),
        Content::Operator { act: Act::Lifted | Act::Code, .. } => Some("operator"),
        Content::Operator { act: Act::Frozen, .. }
        | Content::Code { .. }
        | Content::ContactCode { .. }
        | Content::Untold { .. }
        | Content::Many { .. }
        | Content::Decision { .. }
        | Content::Week { .. }
        | Content::Register
        | Content::Reconfirm
        | Content::Invitation
        | Content::Expires { .. }
        | Content::Sample { .. }
        | Content::Alert { .. } => None,
    }
}
