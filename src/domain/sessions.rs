//! Sessions: browsers in which somebody has signed in to their own account page. The browser holds a random cookie, whose hash is all
//! that is here. A session is for one tenant and one person; it is never raised or handed on: who proves themselves again gets
//! another one, with another cookie. All its times go by the database's clock, which all nodes share.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    policies::Method,
    tenants::Scope,
};
use crate::base::{clock::Clock, id};

/// Without a request.
const IDLE: Duration = Duration::minutes(15);
/// From its beginning, whatever happens in it.
pub const LIFETIME: Duration = Duration::hours(1);
/// What changes how somebody proves who they are wants a proof that is no older (ASVS 7.5.1).
const FRESH: Duration = Duration::minutes(15);

/// A session that lives.
#[derive(Debug, Clone)]
pub struct Session {
    pub session_id: Uuid,
    pub user_id: Uuid,
    pub begun_at: OffsetDateTime,
    pub proved_at: OffsetDateTime,
    pub seen_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// The methods that it was begun by.
    pub proven: Vec<Method>,
    /// As coarse as people recognise their own by; empty if unknown.
    pub device: String,
    pub origin: Option<IpAddr>,
}

impl Session {
    /// Whether the person proved who they are a moment ago.
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        self.proved_at + FRESH > now
    }

    /// When it ends if nothing more is asked for in it.
    pub fn ends_at(&self) -> OffsetDateTime {
        self.expires_at.min(self.seen_at + IDLE)
    }

    /// Whether asking for something puts that off.
    pub fn can_go_on(&self) -> bool {
        self.ends_at() < self.expires_at
    }
}

struct Row {
    session_id: Uuid,
    user_id: Uuid,
    begun_at: OffsetDateTime,
    proved_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    proven: Vec<String>,
    device: String,
    origin: Option<String>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        let Row { session_id, user_id, begun_at, proved_at, seen_at, expires_at, proven, device, origin } = row;
        let proven = proven.iter().filter_map(|method| Method::parse(method)).collect();
        let origin = origin.and_then(|origin| origin.parse().ok());
        Self { session_id, user_id, begun_at, proved_at, seen_at, expires_at, proven, device, origin }
    }
}

/// By what somebody signed in: for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A method and then the current password.
    Password,
    Passkey,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passkey => "passkey",
        }
    }
}

/// A session for somebody who has just proven who they are, by these methods. Answers the browser's new cookie; `old`, what the browser had before, is
/// worth nothing from now on.
pub async fn begin(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Uuid,
    (by, proven, device): (By, &[Method], &str),
    old: Option<&str>,
) -> Result<String> {
    if let Some(old) = load(&mut *conn, scope, clock, old.unwrap_or_default()).await? {
        end(&mut *conn, scope, clock, source, old.user_id, (old.session_id, "replaced")).await?;
    }
    let (session, cookie) = (id::time_ordered(clock), id::token());
    let detail = serde_json::json!({ "session": session, "by": by.as_str(), "device": device });
    let event = Event { action: "session.begin", outcome: "begun", user: Some(user), detail, ..Event::default() };
    sqlx::query!(
        "insert into sessions (session_id, tenant_id, user_id, token_hash, device, origin, begun_at, proved_at, seen_at, expires_at, proven)
         select $1, $2, $3, $4, left($5, 40), $6::text::inet, now, now, now, now + make_interval(secs => $8), $11
         from (select clock_timestamp() + make_interval(secs => $7) as now) t returning audit_write($9, $10)",
        session,
        scope.id(),
        user,
        id::sha256(cookie.as_bytes()),
        device,
        source.address.map(|address| address.to_string()),
        clock.ahead().as_seconds_f64(),
        LIFETIME.as_seconds_f64(),
        audit::line(scope, clock, source, &event),
        clock.now(),
        &proven.iter().map(|method| method.as_str().to_owned()).collect::<Vec<_>>(),
    )
    .fetch_one(conn)
    .await?;
    Ok(cookie)
}

/// The living session of this cookie, which is seen by that.
pub async fn load(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Session>> {
    let row = sqlx::query_as!(
        Row,
        r#"update sessions set seen_at = t.now from (select clock_timestamp() + make_interval(secs => $3) as now) t
           where tenant_id = $1 and token_hash = $2 and ended_at is null and expires_at > t.now and seen_at > t.now - make_interval(secs => $4)
           returning session_id, user_id, begun_at, proved_at, seen_at, expires_at, proven, device, host(origin) as origin"#,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Session::from))
}

/// This one is seen: whoever works on what was begun in it is there. Answers until when it lives if nothing more is asked for; `None`: it
/// lives no more.
pub async fn see(conn: &mut PgConnection, scope: &Scope, clock: &Clock, session: Uuid) -> Result<Option<OffsetDateTime>> {
    let until = sqlx::query_scalar!(
        r#"update sessions set seen_at = t.now from (select clock_timestamp() + make_interval(secs => $3) as now) t
           where tenant_id = $1 and session_id = $2 and ended_at is null and expires_at > t.now and seen_at > t.now - make_interval(secs => $4)
           returning least(expires_at, seen_at + make_interval(secs => $4)) as "until!""#,
        scope.id(),
        session,
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(until)
}

/// The same without being seen by it: nothing is locked.
pub async fn ends_at(conn: &mut PgConnection, scope: &Scope, clock: &Clock, session: Uuid) -> Result<Option<OffsetDateTime>> {
    let until = sqlx::query_scalar!(
        r#"select least(expires_at, seen_at + make_interval(secs => $4)) as "until!"
           from sessions, (select clock_timestamp() + make_interval(secs => $3) as now) t
           where tenant_id = $1 and session_id = $2 and ended_at is null and expires_at > t.now and seen_at > t.now - make_interval(secs => $4)"#,
        scope.id(),
        session,
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(until)
}

/// All that live, the newest first.
pub async fn list(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Uuid) -> Result<Vec<Session>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select session_id, user_id, begun_at, proved_at, seen_at, expires_at, proven, device, host(origin) as origin
           from sessions, (select clock_timestamp() + make_interval(secs => $3) as now) t
           where tenant_id = $1 and user_id = $2 and ended_at is null and expires_at > t.now and seen_at > t.now - make_interval(secs => $4)
           order by session_id desc"#,
        scope.id(),
        user,
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// End one of this person's; false if there is none such. `why`, in one word, is for the audit.
pub async fn end(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Uuid,
    (session, why): (Uuid, &'static str),
) -> Result<bool> {
    let detail = serde_json::json!({ "session": session });
    let event = Event { action: "session.end", outcome: why, user: Some(user), detail, ..Event::default() };
    let done = sqlx::query!(
        "delete from sessions where tenant_id = $1 and user_id = $2 and session_id = $3 returning audit_write($4, $5)",
        scope.id(),
        user,
        session,
        audit::line(scope, clock, source, &event),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(done.is_some())
}

/// End all of this person's. Answers how many there were.
pub async fn end_all(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<usize> {
    end_but(conn, scope, clock, source, user, None).await
}

/// End all of this person's but one: the browser in hand.
pub async fn end_but(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Uuid,
    kept: Option<Uuid>,
) -> Result<usize> {
    let ended = sqlx::query_scalar!(
        "delete from sessions where tenant_id = $1 and user_id = $2 and session_id is distinct from $3 returning session_id",
        scope.id(),
        user,
        kept,
    )
    .fetch_all(&mut *conn)
    .await?;
    let line = |session: &Uuid| {
        let detail = serde_json::json!({ "session": session });
        (scope, source, Event { action: "session.end", outcome: "all", user: Some(user), detail, ..Event::default() })
    };
    audit::record_all(conn, clock, ended.iter().map(line).collect()).await?;
    Ok(ended.len())
}

/// Forget those that are over. The trail tells when a session began and who ended it; that it ran out, its limits tell.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!(
        "delete from sessions s using (select clock_timestamp() + make_interval(secs => $1) as now) t
         where s.ended_at is not null or s.expires_at <= t.now or s.seen_at <= t.now - make_interval(secs => $2)",
        clock.ahead().as_seconds_f64(),
        IDLE.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
