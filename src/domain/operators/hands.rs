//! Who made, readdressed, enabled, linked or unlinked whom. Whoever does that to somebody could be them: for a while such two are no two
//! persons where it takes two, and neither are two whom a third one could be. Renaming, groups, roles and disabling let nobody in and leave no hand.

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

/// Whether one of these two had a hand in the other within this time, or over others: somebody may be behind both.
pub async fn are_close(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    (one, other): (Uuid, Uuid),
    within: Duration,
) -> Result<bool> {
    let close = sqlx::query_scalar!(
        r#"with recursive near (id) as (
               select $2::uuid
               union
               select case when h.operator_id = near.id then h.hand else h.operator_id end
               from near join operator_hands h on h.tenant_id = $1 and h.at > $4 and near.id in (h.operator_id, h.hand))
           select exists (select from near where id = $3) as "close!""#,
        scope.id(),
        one,
        other,
        clock.now() - within,
    );
    Ok(close.fetch_one(conn).await?)
}
