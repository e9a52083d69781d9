//! The texts that are kept, and how they change: one at a time, the whole of it before and after in the history, that it changed in the audit.

use std::collections::HashMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Text, Which, ours};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        history::{self, What},
        notifications::{self, Channel, Content, Message},
        tenants::Scope,
    },
};

/// One that an administrator has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub text: Text,
    pub changed_at: OffsetDateTime,
    /// Ours is another one now than when it was saved.
    pub behind: bool,
}

/// As the history keeps it; no text: ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    matter: String,
    channel: String,
    language: String,
    pub text: Option<Text>,
}

impl Entry {
    pub fn of(which: Which, text: Option<Text>) -> Self {
        let Which { matter, channel, language } = which;
        Self { matter: matter.as_str().to_owned(), channel: channel.as_str().to_owned(), language: language.tag().to_owned(), text }
    }

    /// `None`: there is no such message any more.
    pub fn which(&self) -> Option<Which> {
        Which::parse(&self.matter, &self.channel, &self.language)
    }
}

/// What came of a change.
pub enum Changed {
    Yes,
    /// It is not any more what the form was filled in for; as it is now.
    Stale(Option<Kept>),
}

/// By what a form tells whether somebody else has changed it since it was shown.
pub fn mark(kept: Option<&Kept>) -> String {
    mark_of(kept.map(|kept| &kept.text))
}

/// The same of a text; none: ours.
pub fn mark_of(text: Option<&Text>) -> String {
    let text = serde_json::to_vec(&text).expect("plain data");
    data_encoding::HEXLOWER.encode(&id::sha256(&text)[..8])
}

fn hash(text: &Text) -> Vec<u8> {
    id::sha256(&serde_json::to_vec(text).expect("plain data"))[..8].to_vec()
}

struct Row {
    tenant_id: Uuid,
    matter: String,
    channel: String,
    language: String,
    subject: String,
    body: String,
    ours: Vec<u8>,
    changed_at: OffsetDateTime,
}

impl Row {
    /// `None`: there is no such message any more.
    fn open(self) -> Option<(Which, Kept)> {
        let which = Which::parse(&self.matter, &self.channel, &self.language)?;
        let behind = self.ours != hash(&ours(which));
        Some((which, Kept { text: Text { subject: self.subject, body: self.body }, changed_at: self.changed_at, behind }))
    }
}

/// All of a tenant.
pub async fn all(conn: &mut PgConnection, scope: &Scope) -> Result<HashMap<Which, Kept>> {
    let rows = sqlx::query_as!(
        Row,
        "select tenant_id, matter, channel, language, subject, body, ours, changed_at from texts where tenant_id = $1",
        scope.id()
    );
    Ok(rows.fetch_all(conn).await?.into_iter().filter_map(Row::open).collect())
}

/// One of them; `None`: ours.
pub async fn one(conn: &mut PgConnection, scope: &Scope, which: Which) -> Result<Option<Kept>> {
    let row = sqlx::query_as!(
        Row,
        "select tenant_id, matter, channel, language, subject, body, ours, changed_at from texts
         where tenant_id = $1 and matter = $2 and channel = $3 and language = $4",
        scope.id(),
        which.matter.as_str(),
        which.channel.as_str(),
        which.language.tag(),
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::open).map(|(_, kept)| kept))
}

/// What tenants say in their own words.
#[derive(Debug, Default)]
pub struct Theirs(HashMap<(Uuid, Which), Text>);

impl Theirs {
    pub fn text(&self, tenant: Uuid, which: Which) -> Option<&Text> {
        self.0.get(&(tenant, which))
    }
}

/// For the worker: of all whose messages are about to go, with one question.
pub async fn of_tenants(conn: &mut PgConnection, tenants: &[Uuid]) -> Result<Theirs> {
    let rows = sqlx::query_as!(
        Row,
        "select tenant_id, matter, channel, language, subject, body, ours, changed_at from texts where tenant_id = any($1)",
        tenants
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(Theirs(
        rows.filter_map(|row| Some((row.tenant_id, row.open()?))).map(|(tenant, (which, kept))| ((tenant, which), kept.text)).collect(),
    ))
}

/// Say it so from now on; `None`: in our words. The caller has checked it. `seen`: the [`mark`] of what it was decided upon, if that matters.
pub async fn change(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (which, text): (Which, Option<Text>),
    seen: Option<&str>,
) -> Result<Changed> {
    // One after the other, or of two at once each would be the history of the same.
    sqlx::query!("select tenant_id from tenants where tenant_id = $1 for no key update", scope.id()).fetch_one(&mut *conn).await?;
    let before = one(&mut *conn, scope, which).await?;
    if seen.is_some_and(|seen| seen != mark(before.as_ref())) {
        return Ok(Changed::Stale(before));
    }
    let Which { matter, channel, language } = which;
    match &text {
        Some(text) => {
            sqlx::query!(
                "insert into texts (tenant_id, matter, channel, language, subject, body, ours, changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
                 on conflict (tenant_id, matter, channel, language)
                 do update set subject = excluded.subject, body = excluded.body, ours = excluded.ours, changed_at = excluded.changed_at",
                scope.id(),
                matter.as_str(),
                channel.as_str(),
                language.tag(),
                text.subject,
                text.body,
                hash(&ours(which)),
                clock.now(),
            )
            .execute(&mut *conn)
            .await?;
        }
        None => {
            sqlx::query!(
                "delete from texts where tenant_id = $1 and matter = $2 and channel = $3 and language = $4",
                scope.id(),
                matter.as_str(),
                channel.as_str(),
                language.tag(),
            )
            .execute(&mut *conn)
            .await?;
        }
    }
    let before = before.map(|kept| kept.text);
    if before == text {
        return Ok(Changed::Yes);
    }
    let outcome = if text.is_some() { "changed" } else { "removed" };
    let entries = (Entry::of(which, before), Entry::of(which, text));
    history::record(&mut *conn, scope, clock, source, (What::Texts, &entries.0, &entries.1)).await?;
    let event = Event { action: "tenant.text", outcome, detail: told(which), ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Changed::Yes)
}

/// Which one; nothing of what it says.
fn told(which: Which) -> serde_json::Value {
    let Which { matter, channel, language } = which;
    serde_json::json!({ "matter": matter.as_str(), "channel": channel.as_str(), "language": language.tag() })
}

/// A sample is worth sending for so long.
const LIFETIME: Duration = Duration::minutes(30);

/// Send an operator the mail that this would be. The caller has counted it.
pub async fn sample(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (which, text): (Which, &Text),
    (to, name): (&str, &str),
) -> Result<()> {
    let content = Content::Sample {
        matter: which.matter.as_str().to_owned(),
        subject: text.subject.clone(),
        body: text.body.clone(),
        at: clock.seconds(),
    };
    let message = Message { to: to.to_owned(), name: name.to_owned(), language: which.language.tag().to_owned(), content, only: false };
    notifications::enqueue(&mut *conn, scope, clock, Channel::Email, &message, None, LIFETIME).await?;
    let event = Event { action: "tenant.text_sample", outcome: "sent", detail: told(which), ..Event::default() };
    audit::record(conn, scope, clock, source, event).await
}
