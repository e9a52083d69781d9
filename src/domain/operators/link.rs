//! One-time links: by them an operator chooses a password and a second factor, the first time or when either is lost. The token stands
//! behind the `#`, which no browser sends. It is used up when the second factor is shown, not when the page is opened: whoever is
//! interrupted opens it again.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{end_all, hands};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// From its making.
pub const LINK_LIFETIME: Duration = Duration::hours(24);

/// Make one; an older one is worth nothing from now on. Answers the token, which is nowhere else. `None`: nobody is to sign in as this one.
pub async fn new_link(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid) -> Result<Option<String>> {
    let token = id::token();
    let done = sqlx::query!(
        "insert into operator_links (operator_id, tenant_id, token_hash, expires_at)
         select operator_id, tenant_id, $3, $4 from operators where tenant_id = $1 and operator_id = $2 and disabled_at is null
         on conflict (operator_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at",
        scope.id(),
        operator,
        id::sha256(token.as_bytes()),
        clock.now() + LINK_LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    hands::leave(&mut *conn, scope, clock, source, operator).await?;
    // Whoever came by the older one goes.
    sqlx::query!("delete from operator_sessions where tenant_id = $1 and operator_id = $2 and stage = 'link'", scope.id(), operator)
        .execute(&mut *conn)
        .await?;
    let detail = serde_json::json!({ "operator": operator });
    audit::record(conn, scope, clock, source, Event { action: "operator.link", outcome: "made", detail, ..Event::default() }).await?;
    Ok(Some(token))
}

/// Whose it is, while it is good.
pub async fn open_link(conn: &mut PgConnection, scope: &Scope, clock: &Clock, token: &str) -> Result<Option<Uuid>> {
    let operator = sqlx::query_scalar!(
        "select l.operator_id from operator_links l join operators o using (tenant_id, operator_id)
         where l.tenant_id = $1 and l.token_hash = $2 and l.expires_at > $3 and o.disabled_at is null",
        scope.id(),
        id::sha256(token.trim().as_bytes()),
        clock.now(),
    );
    Ok(operator.fetch_optional(conn).await?)
}

/// It is used up: false if it was already, and then nothing that hangs on it holds. What was there before it — other factors, other
/// browsers — ends.
pub(super) async fn use_up(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "delete from operator_links where tenant_id = $1 and operator_id = $2 and expires_at > $3",
        scope.id(),
        operator,
        clock.now()
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("delete from operator_factors where tenant_id = $1 and operator_id = $2", scope.id(), operator)
        .execute(&mut *conn)
        .await?;
    end_all(&mut *conn, scope, clock, source, operator).await?;
    let detail = serde_json::json!({ "operator": operator });
    audit::record(conn, scope, clock, source, Event { action: "operator.link", outcome: "used", detail, ..Event::default() }).await?;
    Ok(true)
}

pub(super) async fn forget(conn: &mut PgConnection, scope: &Scope, operator: Uuid) -> Result<()> {
    sqlx::query!("delete from operator_links where tenant_id = $1 and operator_id = $2", scope.id(), operator).execute(conn).await?;
    Ok(())
}
