//! Turns that a verified journey may take, and its end.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Flow, LIFETIME, Step, TargetView, Way};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
        verification::Method,
    },
};

/// A new password rather than an unlock, or after one: what is known of the account must allow it.
pub async fn wants_password(conn: &mut PgConnection, scope: &Scope, flow: &Flow) -> Result<bool> {
    if flow.way != Way::Either || !(flow.step() == Step::Need || flow.step() == Step::Done && flow.unlocks()) {
        return Ok(false);
    }
    let done = sqlx::query!(
        "update flows set wants_password = true, job_id = null
         where tenant_id = $1 and flow_id = $2 and state = 'verified' and job_id is not distinct from $3",
        scope.id(),
        flow.flow_id,
        flow.job.as_ref().map(|job| job.job_id),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// After an ending that another attempt may mend: back to where it began, still verified. False where it may not.
pub async fn again(conn: &mut PgConnection, scope: &Scope, flow: &Flow) -> Result<bool> {
    if !matches!(flow.step(), Step::Ended(_)) {
        return Ok(false);
    }
    let done = sqlx::query!(
        "update flows set job_id = null where tenant_id = $1 and flow_id = $2 and state = 'verified' and job_id is not distinct from $3",
        scope.id(),
        flow.flow_id,
        flow.job.as_ref().map(|job| job.job_id),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Choose another password for an account that follows, at this moment too, and did not get the one that the first one got. False where
/// there is nothing to do.
pub async fn aim(conn: &mut PgConnection, scope: &Scope, flow: &Flow, user: Uuid) -> Result<bool> {
    let fits = |target: &TargetView| target.user_id == user && !target.is_set();
    let Some(job) = flow.job.as_ref().filter(|_| flow.step() == Step::Done && flow.targets.iter().skip(1).any(fits)) else {
        return Ok(false);
    };
    let done = sqlx::query!(
        "update flows set root_id = coalesce(root_id, job_id), aim_id = $3, job_id = null, wants_password = true
         where tenant_id = $1 and flow_id = $2 and state = 'verified' and job_id = $4
             and $3 in (select followers_of($1, flows.user_id))
             and not exists (select from freezes z where z.tenant_id = $1 and z.user_id in ($3, flows.user_id) and z.lifted_at is null)",
        scope.id(),
        flow.flow_id,
        user,
        job.job_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Leave that account as it is: back to how it went in all of them.
pub async fn leave(conn: &mut PgConnection, scope: &Scope, flow: &Flow) -> Result<bool> {
    if flow.aim_id.is_none() || matches!(flow.step(), Step::Status | Step::Done) {
        return Ok(false);
    }
    let done = sqlx::query!(
        "update flows set job_id = root_id, aim_id = null where tenant_id = $1 and flow_id = $2 and state = 'verified' and root_id is not null",
        scope.id(),
        flow.flow_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// As much time again, once: people read, type and look for their phone at their own pace (WCAG 2.2.1), and a journey that never ends would
/// be there for whoever comes to the screen next. The number that the help desk asks for waits as long. Answers until when; `None` where
/// there was more already.
pub async fn extend(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Option<OffsetDateTime>> {
    let event = Event { action: "reset.extend", outcome: "extended", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
    let row = sqlx::query!(
        r#"with more as (
               update flows set expires_at = expires_at + make_interval(secs => $3), extended = true
               where tenant_id = $1 and flow_id = $2 and not extended and state <> 'ended' and expires_at > $5 returning flow_id, expires_at),
           number as (
               update challenges c set expires_at = more.expires_at from more
               where c.tenant_id = $1 and c.flow_id = more.flow_id and c.method = $6 and c.code_hash is null and c.expires_at > $5)
           select expires_at as "expires_at!", audit_write($4, $5) from more"#,
        scope.id(),
        flow.flow_id,
        LIFETIME.as_seconds_f64(),
        audit::line(scope, clock, source, &event),
        clock.now(),
        Method::HelpDesk.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| flow.until(row.expires_at)))
}

/// The browser is done with it.
pub async fn end(conn: &mut PgConnection, scope: &Scope, flow: &Flow) -> Result<()> {
    sqlx::query!("update flows set state = 'ended' where tenant_id = $1 and flow_id = $2", scope.id(), flow.flow_id).execute(conn).await?;
    Ok(())
}

/// Forget flows that ended over a day ago, with their codes.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from flows where expires_at < $1", clock.now() - time::Duration::days(1)).execute(conn).await?;
    Ok(done.rows_affected())
}
