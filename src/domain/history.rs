//! What administrators changed of the policies, the settings, the branding and the messages' texts: the whole state before and after, written
//! in the transaction of the change, so that somebody can read what it was, and bring it back. Nothing here is ever changed, and nothing secret
//! is in it.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{audit::Source, tenants::Scope};
use crate::base::{clock::Clock, id};

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Policies,
    Settings,
    Branding,
    /// One text of one message.
    Texts,
}

impl What {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Settings => "settings",
            Self::Branding => "branding",
            Self::Texts => "texts",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Policies, Self::Settings, Self::Branding, Self::Texts].into_iter().find(|what| what.as_str() == text)
    }
}

/// How the states are written now.
const SHAPE: i16 = 1;

/// A change.
#[derive(Debug)]
pub struct Entry {
    pub change_id: Uuid,
    pub what: What,
    pub at: OffsetDateTime,
    /// As in the audit trail.
    pub actor: String,
    pub before: Value,
    pub after: Value,
}

struct Row {
    change_id: Uuid,
    what: String,
    at: OffsetDateTime,
    actor: String,
    before: Value,
    after: Value,
}

impl Row {
    fn open(self) -> Option<Entry> {
        let Self { change_id, what, at, actor, before, after } = self;
        Some(Entry { change_id, what: What::parse(&what)?, at, actor, before, after })
    }
}

/// In the transaction of the change; only where it changed anything.
pub async fn record(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (what, before, after): (What, &(impl Serialize + Sync), &(impl Serialize + Sync)),
) -> Result<()> {
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    sqlx::query!(
        "insert into history (tenant_id, change_id, what, at, actor, shape, before, after) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        scope.id(),
        id::time_ordered(clock),
        what.as_str(),
        clock.now(),
        source.actor,
        SHAPE,
        before,
        after,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The latest, or those before one of them; `what`: of this only.
pub async fn page(conn: &mut PgConnection, scope: &Scope, what: Option<What>, before: Option<Uuid>, most: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Row,
        "select change_id, what, at, actor, before, after from history
         where tenant_id = $1 and shape = $2 and ($3::text is null or what = $3) and ($4::uuid is null or change_id < $4)
         order by change_id desc limit $5",
        scope.id(),
        SHAPE,
        what.map(What::as_str),
        before,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(Row::open).collect())
}

/// One of them.
pub async fn one(conn: &mut PgConnection, scope: &Scope, change: Uuid) -> Result<Option<Entry>> {
    let row = sqlx::query_as!(
        Row,
        "select change_id, what, at, actor, before, after from history where tenant_id = $1 and change_id = $2 and shape = $3",
        scope.id(),
        change,
        SHAPE,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(Row::open))
}
