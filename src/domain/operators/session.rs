//! Browsers in which an operator is signing in or has signed in. As with people's sessions the browser holds a random cookie, whose hash is
//! all that is here, and no cookie outlives a step up. That the operator is not disabled is asked with every request.

use std::net::IpAddr;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Operator, get};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// Without a request.
const IDLE: Duration = Duration::minutes(30);
/// From its beginning, whatever happens in it (NIST SP 800-63B-4 §2.2.3: at most 24 hours).
pub const LIFETIME: Duration = Duration::hours(8);
/// Where nobody is signed in yet.
const HALF: Duration = Duration::minutes(15);
/// What is dangerous wants a second factor that was shown no longer ago; a form that was begun in time may be sent a little later.
const FRESH: Duration = Duration::minutes(10);
const GRACE: Duration = Duration::minutes(5);

/// How far somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Came by a one-time link: may choose a password and a second factor.
    Link,
    /// Knew the password: must show the second factor.
    Password,
    /// Signed in.
    In,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Password => "password",
            Self::In => "in",
        }
    }
}

/// One that lives.
#[derive(Debug, Clone)]
pub struct Session {
    pub session_id: Uuid,
    pub begun_at: OffsetDateTime,
    pub proved_at: OffsetDateTime,
    pub seen_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub device: String,
    pub origin: Option<IpAddr>,
    /// Begun at the organisation's provider.
    pub sso: bool,
}

impl Session {
    /// Whether the second factor was shown a moment ago.
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        self.proved_at + FRESH > now
    }

    /// Whether it was when the form that is sent now was shown.
    pub fn was_fresh(&self, now: OffsetDateTime) -> bool {
        self.proved_at + FRESH + GRACE > now
    }

    /// When it ends if nothing more is asked for in it.
    pub fn ends_at(&self) -> OffsetDateTime {
        self.expires_at.min(self.seen_at + IDLE)
    }
}

struct Row {
    session_id: Uuid,
    begun_at: OffsetDateTime,
    proved_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    device: String,
    origin: Option<String>,
    sso: bool,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        let Row { session_id, begun_at, proved_at, seen_at, expires_at, device, origin, sso } = row;
        Self { session_id, begun_at, proved_at, seen_at, expires_at, device, origin: origin.and_then(|origin| origin.parse().ok()), sso }
    }
}

/// Begin one at this stage. Answers the browser's new cookie; `old`, what the browser had before, is worth nothing from now on.
pub async fn begin(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    (stage, device): (Stage, &str),
    old: Option<&str>,
) -> Result<String> {
    sqlx::query!(
        "delete from operator_sessions where tenant_id = $1 and token_hash = $2",
        scope.id(),
        id::sha256(old.unwrap_or_default().as_bytes()),
    )
    .execute(&mut *conn)
    .await?;
    let (session, cookie) = (id::time_ordered(clock), id::token());
    let lifetime = if stage == Stage::In { LIFETIME } else { HALF };
    sqlx::query!(
        "insert into operator_sessions
             (session_id, tenant_id, operator_id, token_hash, stage, device, origin, begun_at, proved_at, seen_at, expires_at)
         select $1, $2, $3, $4, $5, left($6, 40), $7::text::inet, now, now, now, now + make_interval(secs => $9)
         from (select clock_timestamp() + make_interval(secs => $8) as now) t",
        session,
        scope.id(),
        operator,
        id::sha256(cookie.as_bytes()),
        stage.as_str(),
        device,
        source.address.map(|address| address.to_string()),
        clock.ahead().as_seconds_f64(),
        lifetime.as_seconds_f64(),
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "operator": operator, "session": session, "device": device });
    audit::record(conn, scope, clock, source, Event { action: "operator.session", outcome: stage.as_str(), detail, ..Event::default() })
        .await?;
    Ok(cookie)
}

/// The living session of this cookie at this stage, which is seen by that, and whose it is. Nobody's who is disabled.
pub async fn load(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    cookie: &str,
    stage: Stage,
) -> Result<Option<(Session, Operator)>> {
    let row = sqlx::query!(
        r#"update operator_sessions s set seen_at = t.now
           from (select clock_timestamp() + make_interval(secs => $3) as now) t, operators o
           where s.tenant_id = $1 and s.token_hash = $2 and s.stage = $5 and s.expires_at > t.now and s.seen_at > t.now - make_interval(secs => $4)
               and o.tenant_id = s.tenant_id and o.operator_id = s.operator_id and o.disabled_at is null
           returning s.operator_id, s.session_id, s.begun_at, s.proved_at, s.seen_at, s.expires_at, s.device, s.sso, host(s.origin) as origin"#,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
        stage.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let operator = get(conn, scope, row.operator_id).await?.context("an operator of a session")?;
    let session = Row {
        session_id: row.session_id,
        begun_at: row.begun_at,
        proved_at: row.proved_at,
        seen_at: row.seen_at,
        expires_at: row.expires_at,
        device: row.device,
        origin: row.origin,
        sso: row.sso,
    };
    Ok(Some((session.into(), operator)))
}

/// The second factor was shown in it once more. Answers the new cookie.
pub async fn proven(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, session: Uuid) -> Result<Option<String>> {
    let cookie = id::token();
    let done = sqlx::query!(
        "update operator_sessions set proved_at = t.now, token_hash = $3
         from (select clock_timestamp() + make_interval(secs => $4) as now) t where tenant_id = $1 and session_id = $2 and stage = 'in'",
        scope.id(),
        session,
        id::sha256(cookie.as_bytes()),
        clock.ahead().as_seconds_f64(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    let detail = serde_json::json!({ "session": session });
    audit::record(conn, scope, clock, source, Event { action: "operator.session", outcome: "proven", detail, ..Event::default() }).await?;
    Ok(Some(cookie))
}

/// The same session by another cookie: the one from before is worth nothing from now on.
pub async fn renew(conn: &mut PgConnection, scope: &Scope, session: Uuid) -> Result<String> {
    let cookie = id::token();
    sqlx::query!(
        "update operator_sessions set token_hash = $3 where tenant_id = $1 and session_id = $2",
        scope.id(),
        session,
        id::sha256(cookie.as_bytes()),
    )
    .execute(conn)
    .await?;
    Ok(cookie)
}

/// All in which this operator is signed in, the newest first.
pub async fn sessions(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: Uuid) -> Result<Vec<Session>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select session_id, begun_at, proved_at, seen_at, expires_at, device, sso, host(origin) as origin
           from operator_sessions, (select clock_timestamp() + make_interval(secs => $3) as now) t
           where tenant_id = $1 and operator_id = $2 and stage = 'in' and expires_at > t.now and seen_at > t.now - make_interval(secs => $4)
           order by session_id desc"#,
        scope.id(),
        operator,
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// End one of this operator's; false if there is none such.
pub async fn end(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid, session: Uuid) -> Result<bool> {
    let done = sqlx::query!(
        "delete from operator_sessions where tenant_id = $1 and operator_id = $2 and session_id = $3",
        scope.id(),
        operator,
        session,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "operator": operator, "session": session });
    audit::record(conn, scope, clock, source, Event { action: "operator.session", outcome: "ended", detail, ..Event::default() }).await?;
    Ok(true)
}

/// End all of them, at whatever stage.
pub async fn end_all(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid) -> Result<()> {
    end_but(conn, scope, clock, source, operator, None).await
}

/// End all but one: the browser in hand.
pub async fn end_but(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    kept: Option<Uuid>,
) -> Result<()> {
    let done = sqlx::query!(
        "delete from operator_sessions where tenant_id = $1 and operator_id = $2 and session_id is distinct from $3",
        scope.id(),
        operator,
        kept,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    let detail = serde_json::json!({ "operator": operator, "count": done.rows_affected() });
    audit::record(conn, scope, clock, source, Event { action: "operator.session", outcome: "all_ended", detail, ..Event::default() }).await
}

/// Forget those that are over.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!(
        "delete from operator_sessions s using (select clock_timestamp() + make_interval(secs => $1) as now) t
         where s.expires_at <= t.now or s.seen_at <= t.now - make_interval(secs => $2)",
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .execute(&mut *conn)
    .await?;
    let links = sqlx::query!("delete from operator_links where expires_at <= $1", clock.now()).execute(conn).await?;
    Ok(done.rows_affected() + links.rows_affected())
}
