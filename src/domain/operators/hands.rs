//! Who made, changed, enabled or linked whom. Whoever can do that to somebody could be them: for a while such two are no two persons where
//! it takes two.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::{audit::Source, tenants::Scope},
};

/// Write down that whoever acts, if it is an operator, had a hand in this one.
pub(super) async fn leave(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid) -> Result<()> {
    let Some(hand) = source.actor.strip_prefix("operator:").and_then(|id| id.parse::<Uuid>().ok()) else { return Ok(()) };
    sqlx::query!(
        "insert into operator_hands (tenant_id, operator_id, hand, at) values ($1, $2, $3, $4)
         on conflict (tenant_id, operator_id, hand) do update set at = excluded.at",
        scope.id(),
        operator,
        hand,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether one of these two had a hand in the other within this time.
pub async fn are_close(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    (one, other): (Uuid, Uuid),
    within: Duration,
) -> Result<bool> {
    let close = sqlx::query_scalar!(
        r#"select exists (select from operator_hands where tenant_id = $1 and at > $4
               and ((operator_id = $2 and hand = $3) or (operator_id = $3 and hand = $2))) as "close!""#,
        scope.id(),
        one,
        other,
        clock.now() - within,
    );
    Ok(close.fetch_one(conn).await?)
}
