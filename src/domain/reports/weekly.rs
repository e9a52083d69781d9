//! The figures of the week by mail, to whoever an administrator names. Off until somebody is named.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{View, report};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        coverage, notices,
        notifications::Week,
        tenants::{Scope, Tenant},
        users::EmailAddress,
    },
};

const PLACE: &[u8] = b"report_mails.mail";
const EVERY: Duration = Duration::days(7);

/// Whom they are sent to.
pub async fn address(conn: &mut PgConnection, scope: &Scope) -> Result<Option<EmailAddress>> {
    let mail = sqlx::query_scalar!("select mail from report_mails where tenant_id = $1", scope.id()).fetch_optional(conn).await?;
    let Some(mail) = mail else { return Ok(None) };
    Ok(EmailAddress::parse(&scope.key().decrypt_text(PLACE, &mail)?))
}

/// Send them there from now on, the first at once; `None`: to nobody.
pub async fn send_to(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, to: Option<&EmailAddress>) -> Result<()> {
    if address(&mut *conn, scope).await?.as_ref() == to {
        return Ok(());
    }
    match to {
        Some(to) => {
            sqlx::query!(
                "insert into report_mails (tenant_id, mail, next_at) values ($1, $2, $3)
                 on conflict (tenant_id) do update set mail = excluded.mail, next_at = excluded.next_at",
                scope.id(),
                scope.key().encrypt(PLACE, to.as_str().as_bytes()),
                clock.now(),
            )
            .execute(&mut *conn)
            .await?;
        }
        None => {
            sqlx::query!("delete from report_mails where tenant_id = $1", scope.id()).execute(&mut *conn).await?;
        }
    }
    let outcome = if to.is_some() { "on" } else { "off" };
    audit::record(conn, scope, clock, source, Event { action: "tenant.report", outcome, ..Event::default() }).await
}

/// Tenants whose mail is due, each pushed a week on by that: whoever takes them sends them.
pub async fn due(conn: &mut PgConnection, clock: &Clock) -> Result<Vec<Uuid>> {
    let due = sqlx::query_scalar!(
        "update report_mails set next_at = $1 + make_interval(secs => $2)
         where tenant_id in (select tenant_id from report_mails where next_at <= $1 for update skip locked) returning tenant_id",
        clock.now(),
        EVERY.as_seconds_f64(),
    );
    Ok(due.fetch_all(conn).await?)
}

/// Write the mail.
pub async fn send(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<()> {
    let scope = &tenant.scope;
    let Some(to) = address(&mut *conn, scope).await? else { return Ok(()) };
    let report = report(&mut *conn, scope, clock, View::of(7)).await?;
    let coverage = coverage::kept(&mut *conn, scope).await?;
    let week = Week {
        applied: report.sum(|step| step.applied),
        refused: report.sum(|step| step.refused),
        failed: report.sum(|step| step.failed),
        mails: report.mails.sent,
        texts: report.texts.sent,
        able: coverage.as_ref().map(|counts| (counts.able, counts.served)),
    };
    notices::week(conn, tenant, clock, to.as_str(), week).await
}
