//! What an operator wants: first a draft, then with a reason, for others to decide.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{DRAFT, KEPT, MOST, PATIENCE, Wish, looks, store};
use crate::{
    base::{clock::Clock, id},
    domain::{
        acts,
        audit::{self, Event, Source},
        notices,
        operators::{self, Operator},
        tenants::{Scope, Tenant},
        users,
    },
};

/// Want this. The very same wanted twice is one. `None`: its target is not there.
pub async fn begin(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: Uuid, wish: &Wish) -> Result<Option<Uuid>> {
    let Some(looks) = looks::of(&mut *conn, scope, wish).await? else { return Ok(None) };
    let (now, hash) = (clock.now(), store::hash(scope, wish)?);
    // What is over, or was wanted of something that looked otherwise, gives way.
    sqlx::query!(
        "update approvals set state = case when expires_at <= $4 then 'expired' else 'void' end
         where tenant_id = $1 and asked_by = $2 and wish_hash = $3 and state in ('draft', 'waiting', 'approved')
             and (expires_at <= $4 or looks <> $5)",
        scope.id(),
        operator,
        hash,
        now,
        looks,
    )
    .execute(&mut *conn)
    .await?;
    let approval = id::time_ordered(clock);
    sqlx::query!(
        "insert into approvals (approval_id, tenant_id, act, user_id, wish, wish_hash, looks, asked_by, asked_at, expires_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'draft')
         on conflict (tenant_id, asked_by, wish_hash) where state in ('draft', 'waiting', 'approved') do nothing",
        approval,
        scope.id(),
        wish.act().as_str(),
        wish.user(),
        scope.key().encrypt(&store::place(approval), &serde_json::to_vec(wish)?),
        hash,
        looks,
        operator,
        now,
        now + DRAFT,
    )
    .execute(&mut *conn)
    .await?;
    let open = sqlx::query_scalar!(
        "select approval_id from approvals where tenant_id = $1 and asked_by = $2 and wish_hash = $3 and state in ('draft', 'waiting', 'approved')",
        scope.id(),
        operator,
        hash,
    );
    Ok(open.fetch_optional(conn).await?)
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Yes,
    /// It was asked already, or the draft is over, or it is somebody else's.
    Over,
    /// So many of theirs were asked lately, whatever became of them.
    TooMany,
}

/// Ask whoever may decide, who hear of it by mail. `reason`: 1 to 300 characters.
pub async fn ask(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    operator: &Operator,
    (approval, reason): (Uuid, &str),
) -> Result<Asked> {
    let (scope, now) = (&tenant.scope, clock.now());
    // In the order in which a decision locks them.
    let Some(found) = store::locked(&mut *conn, scope, clock, approval).await? else { return Ok(Asked::Over) };
    operators::lock(&mut *conn, scope, &[operator.operator_id]).await?;
    let lately = sqlx::query_scalar!(
        r#"select count(*) as "lately!" from approvals where tenant_id = $1 and asked_by = $2 and reason <> '' and asked_at > $3"#,
        scope.id(),
        operator.operator_id,
        now - PATIENCE,
    );
    if lately.fetch_one(&mut *conn).await? >= MOST {
        return Ok(Asked::TooMany);
    }
    let done = sqlx::query!(
        "update approvals set state = 'waiting', reason = $4, asked_at = $5, expires_at = $6
         where tenant_id = $1 and approval_id = $2 and asked_by = $3 and state = 'draft' and expires_at > $5",
        scope.id(),
        approval,
        operator.operator_id,
        reason,
        now,
        now + PATIENCE,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Asked::Over);
    }
    let (act, user) = (found.wish.act(), found.wish.user());
    let detail = serde_json::json!({ "approval": approval, "act": act });
    let event = Event { action: "approval.ask", outcome: "asked", user, detail, ..Event::default() };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    for other in operators::all(&mut *conn, scope).await? {
        let is_in = [Some(operator.operator_id), found.wish.operator()].contains(&Some(other.operator_id));
        let may = act.deciders().contains(&other.role) && !is_in;
        if !may || other.disabled_at.is_some() || !other.is_ready {
            continue;
        }
        if let (Some(user), Some(groups)) = (user, acts::groups(&other))
            && !users::is_among(&mut *conn, scope, user, groups).await?
        {
            continue;
        }
        notices::decision(&mut *conn, tenant, clock, source, (other.mail.as_str(), &other.name), &operator.name).await?;
    }
    Ok(Asked::Yes)
}

/// They do not want it any more. False: it is over already, or somebody else's.
pub async fn withdraw(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    approval: Uuid,
) -> Result<bool> {
    let row = sqlx::query!(
        "update approvals set state = 'withdrawn' where tenant_id = $1 and approval_id = $2 and asked_by = $3
             and state in ('draft', 'waiting', 'approved') and expires_at > $4 returning act, user_id",
        scope.id(),
        approval,
        operator,
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let detail = serde_json::json!({ "approval": approval, "act": row.act });
    let event = Event { action: "approval.ask", outcome: "withdrawn", user: row.user_id, detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(true)
}

/// Forget drafts that are over, and what ended long ago.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!(
        "delete from approvals where expires_at <= $1 and (reason = '' or expires_at <= $2)",
        clock.now(),
        clock.now() - KEPT,
    );
    Ok(done.execute(conn).await?.rows_affected())
}
