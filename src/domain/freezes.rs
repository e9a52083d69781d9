//! Accounts for which nothing is reset, unlocked or changed from here: the person said that something was not them, or an operator
//! wants to look first. Only an operator lifts it. What a freeze stops besides, `resets::freeze` knows.

use std::collections::BTreeSet;

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{audit::Source, tenants::Scope};
use crate::base::{clock::Clock, id};

/// One that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    pub since: OffsetDateTime,
    /// The audit's actor: `user` is the person.
    pub frozen_by: String,
    /// The kind of the notice that was repudiated, or an operator's words.
    pub reason: String,
}

/// Freeze an account. False: it is frozen already.
pub async fn begin(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid, reason: &str) -> Result<bool> {
    let done = sqlx::query!(
        "insert into freezes (freeze_id, tenant_id, user_id, since, frozen_by, reason) values ($1, $2, $3, $4, $5, left($6, 200))
         on conflict (tenant_id, user_id) where lifted_at is null do nothing",
        id::time_ordered(clock),
        scope.id(),
        user,
        clock.now(),
        source.actor,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False: it is not frozen.
pub async fn end(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "update freezes set lifted_at = $3, lifted_by = $4 where tenant_id = $1 and user_id = $2 and lifted_at is null",
        scope.id(),
        user,
        clock.now(),
        source.actor,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The freeze that holds for this account.
pub async fn of(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Option<Freeze>> {
    Ok(sqlx::query_as!(
        Freeze,
        "select since, frozen_by, reason from freezes where tenant_id = $1 and user_id = $2 and lifted_at is null",
        scope.id(),
        user,
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether nothing may be done for this account now.
pub async fn is_frozen(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<bool> {
    Ok(of(conn, scope, user).await?.is_some())
}

/// Those of these accounts that are frozen.
pub async fn among(conn: &mut PgConnection, scope: &Scope, users: &[Uuid]) -> Result<BTreeSet<Uuid>> {
    // Hardly anybody has several accounts.
    if users.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found = sqlx::query_scalar!(
        "select user_id from freezes where tenant_id = $1 and user_id = any($2) and lifted_at is null",
        scope.id(),
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().collect())
}
