//! A change from within one's own account page: the session is the proof, as long as it is fresh.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Begun, LIFETIME, ask, begin::How, flow};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        sessions::Session,
        tenants::Scope,
        users::User,
    },
};

/// Begin a change for whoever has signed in; it is verified. `None` where the session's proof is too old. Answers also the connector
/// whose agents have something to do now.
pub async fn begin_within(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (session, user): (&Session, &User),
    how: &How<'_>,
) -> Result<Option<(Begun, Option<Uuid>)>> {
    if !session.is_fresh(clock.now()) {
        return Ok(None);
    }
    let (flow_id, cookie, now) = (id::time_ordered(clock), id::token(), clock.now());
    let detail = serde_json::json!({ "purpose": "change", "session": session.session_id, "device": how.device });
    let event =
        Event { action: "reset.begin", outcome: "within", user: Some(user.user_id), flow: Some(flow_id), detail, ..Event::default() };
    sqlx::query!(
        "insert into flows (flow_id, tenant_id, browser_hash, user_id, subjects, name, options, language, state, gates, passed, purpose,
             session_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, '[]', $7, 'verified', 1, '{session}', 'change', $8, $9, $10) returning audit_write($11, $9)",
        flow_id,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        user.user_id,
        &[user.subject(scope)][..],
        scope.key().encrypt(b"flows.name", user.sign_in_name.as_bytes()),
        how.language,
        session.session_id,
        now,
        now + LIFETIME,
        audit::line(scope, clock, source, &event),
    )
    .fetch_one(&mut *conn)
    .await?;
    let flow = flow::read(&mut *conn, scope, clock, &cookie).await?.context("a flow that was just begun")?;
    let asked = ask::look(conn, scope, clock, source, &flow).await?;
    Ok(Some((Begun { cookie, flow_id }, asked)))
}
