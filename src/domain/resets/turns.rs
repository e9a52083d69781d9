//! Turns that a verified journey may take, and its end.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Flow, LIFETIME, Step, Way};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
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

/// As much time again, once: people read, type and look for their phone at their own pace (WCAG 2.2.1), and a journey that never ends would
/// be there for whoever comes to the screen next. Answers until when; `None` where there was more already.
pub async fn extend(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Option<OffsetDateTime>> {
    let event = Event { action: "reset.extend", outcome: "extended", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
    let row = sqlx::query!(
        "update flows set expires_at = expires_at + make_interval(secs => $3), extended = true
         where tenant_id = $1 and flow_id = $2 and not extended and state <> 'ended' and expires_at > $5
         returning expires_at, audit_write($4, $5)",
        scope.id(),
        flow.flow_id,
        LIFETIME.as_seconds_f64(),
        audit::line(scope, clock, source, &event),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.expires_at))
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
