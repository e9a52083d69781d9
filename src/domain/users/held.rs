//! A full pass that does not name most of the people who are known looks like everybody's leaving, and mostly is a mistyped unit, a lost
//! right to read, or a new agent with another directory's settings. The agent's own guard knows only what that agent has seen; this one
//! knows everybody. Nobody is removed until an administrator says so, or they are back.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::mirror::remove;
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// Fewer than that may always go, as long as anybody was named: a small office has its days. That nobody at all is left is what a search
/// that failed looks like, and an agent whose people are all gone has no people to serve.
const FEW: usize = 20;

/// Remove whoever was last named before `before`, unless they are more than half of all, or all; then answers how many they are.
pub(super) async fn or_remove(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    connector: Uuid,
    before: OffsetDateTime,
    removed: &mut u64,
) -> Result<usize> {
    let gone = named_before(&mut *conn, connector, before).await?;
    let known = sqlx::query_scalar!(
        r#"select count(*) as "known!" from users where tenant_id = $1 and connector_id = $2 and removed_at is null"#,
        scope.id(),
        connector,
    )
    .fetch_one(&mut *conn)
    .await?;
    let all = usize::try_from(known)?;
    let nobody_is_left = !gone.is_empty() && gone.len() == all;
    if nobody_is_left || (gone.len() > FEW && gone.len() > all / 2) {
        sqlx::query!(
            "insert into held_removals (connector_id, tenant_id, people, before, held_at) values ($1, $2, $3, $4, $5)
             on conflict (connector_id) do update set people = excluded.people, before = excluded.before, held_at = excluded.held_at",
            connector,
            scope.id(),
            i32::try_from(gone.len())?,
            before,
            clock.now(),
        )
        .execute(&mut *conn)
        .await?;
        let detail = serde_json::json!({ "connector": connector, "people": gone.len(), "known": known });
        let event = Event { action: "mirror.removals", outcome: "held", detail, ..Event::default() };
        audit::record(conn, scope, clock, &Source::house("worker"), event).await?;
        return Ok(gone.len());
    }
    sqlx::query!("delete from held_removals where connector_id = $1", connector).execute(&mut *conn).await?;
    *removed += remove(conn, clock, connector, &gone).await?;
    Ok(0)
}

async fn named_before(conn: &mut PgConnection, connector: Uuid, before: OffsetDateTime) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select object_guid from users where connector_id = $1 and mirrored_at < $2 and removed_at is null",
        connector,
        before,
    )
    .fetch_all(conn)
    .await?)
}

/// How many people of a connector are held back, and since when.
pub async fn held(conn: &mut PgConnection, connector: Uuid) -> Result<Option<(i32, OffsetDateTime)>> {
    let row = sqlx::query!("select people, held_at from held_removals where connector_id = $1", connector).fetch_optional(conn).await?;
    Ok(row.map(|row| (row.people, row.held_at)))
}

/// It is meant: they go. Answers how many; `None` where nobody is held back. Who was named meanwhile stays.
pub async fn accept(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, connector: Uuid) -> Result<Option<u64>> {
    let before = sqlx::query_scalar!(
        "delete from held_removals where tenant_id = $1 and connector_id = $2 returning before",
        scope.id(),
        connector,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = before else { return Ok(None) };
    let gone = named_before(&mut *conn, connector, before).await?;
    let removed = remove(&mut *conn, clock, connector, &gone).await?;
    let detail = serde_json::json!({ "connector": connector, "people": removed });
    let event = Event { action: "mirror.removals", outcome: "accepted", detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Some(removed))
}
