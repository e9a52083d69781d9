//! The second factor: authenticator apps and passkeys, as people have them ([`crate::domain::authenticators`]), but operators' own. There is
//! no cooling-off: whoever adds one has just shown another, or has come by a link that somebody above them made.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Operator, choose_password, kept_password, link};
pub use crate::domain::authenticators::Tried;
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        authenticators::{AppSecret, Assertion, Attestation, Key, Kind, Label, RelyingParty, Seen},
        tenants::Scope,
    },
};

/// Passkeys and apps together.
const MOST: i64 = 10;

/// As its owner sees it.
pub struct Factor {
    pub factor_id: Uuid,
    pub is_passkey: bool,
    pub label: String,
    pub created_at: OffsetDateTime,
    pub last_used_at: Option<OffsetDateTime>,
    /// There is a copy of it.
    pub is_stopped: bool,
}

/// What came of adding one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Yes,
    /// The code does not fit, or the passkey's answer.
    Wrong,
    /// It was not begun here, or the link was used meanwhile.
    Over,
    /// That passkey is registered already, perhaps by somebody else.
    Taken,
    /// They have as many as they may.
    Full,
}

fn place(factor: Uuid) -> Vec<u8> {
    [b"operator_factors.secret ".as_slice(), factor.as_bytes()].concat()
}

fn pending(what: &str, session: Uuid) -> Vec<u8> {
    [b"operator_sessions.pending_", what.as_bytes(), b" ".as_slice(), session.as_bytes()].concat()
}

fn index(scope: &Scope, credential: &[u8]) -> Vec<u8> {
    scope.key().hash(b"operator_factors.credential", credential)
}

/// All of an operator's, oldest first.
pub async fn factors(conn: &mut PgConnection, scope: &Scope, operator: Uuid) -> Result<Vec<Factor>> {
    Ok(sqlx::query_as!(
        Factor,
        r#"select factor_id, kind = 'passkey' as "is_passkey!", label, created_at, last_used_at, stopped_at is not null as "is_stopped!"
           from operator_factors where tenant_id = $1 and operator_id = $2 order by factor_id"#,
        scope.id(),
        operator,
    )
    .fetch_all(conn)
    .await?)
}

/// Whether an operator can show a second factor here.
pub async fn has_factor(conn: &mut PgConnection, scope: &Scope, operator: Uuid) -> Result<bool> {
    Ok(factors(conn, scope, operator).await?.iter().any(|factor| !factor.is_stopped))
}

/// The app's secret that waits for its first code in this session; a new one if none does.
pub async fn begin_app(conn: &mut PgConnection, scope: &Scope, session: Uuid) -> Result<AppSecret> {
    if let Some(secret) = pending_app(&mut *conn, scope, session).await? {
        return Ok(secret);
    }
    let secret = AppSecret::fresh();
    sqlx::query!(
        "update operator_sessions set pending_app = $3 where tenant_id = $1 and session_id = $2",
        scope.id(),
        session,
        scope.key().encrypt(&pending("app", session), secret.as_bytes()),
    )
    .execute(conn)
    .await?;
    Ok(secret)
}

/// The one that waits.
pub async fn pending_app(conn: &mut PgConnection, scope: &Scope, session: Uuid) -> Result<Option<AppSecret>> {
    let kept =
        sqlx::query_scalar!("select pending_app from operator_sessions where tenant_id = $1 and session_id = $2", scope.id(), session)
            .fetch_optional(conn)
            .await?
            .flatten();
    kept.map(|sealed| Ok(AppSecret::of(scope.key().decrypt(&pending("app", session), &sealed)?))).transpose()
}

/// Who adds one, and in which session.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    pub operator: &'a Operator,
    pub session: Uuid,
    /// They came by a one-time link, which this uses up: it becomes the only factor.
    pub link: bool,
}

/// Its first code shows that the app has the secret. `digits`: six.
pub async fn add_app(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    by: By<'_>,
    label: &Label,
    digits: &str,
) -> Result<Added> {
    let Some(secret) = pending_app(&mut *conn, scope, by.session).await? else { return Ok(Added::Over) };
    let steps = secret.steps(clock.now().unix_timestamp(), digits);
    let Some(&step) = steps.last() else { return Ok(Added::Wrong) };
    sqlx::query!("update operator_sessions set pending_app = null where tenant_id = $1 and session_id = $2", scope.id(), by.session)
        .execute(&mut *conn)
        .await?;
    let factor = id::time_ordered(clock);
    let sealed = scope.key().encrypt(&place(factor), secret.as_bytes());
    add(conn, scope, clock, source, by, New { factor, kind: Kind::Totp, label, sealed, credential: None, last_step: Some(step) }).await
}

/// Options for `navigator.credentials.create`.
pub async fn begin_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    rp: &RelyingParty,
    operator: &Operator,
    session: Uuid,
) -> Result<serde_json::Value> {
    let rows = sqlx::query!(
        "select factor_id, secret from operator_factors where tenant_id = $1 and operator_id = $2 and kind = 'passkey' and stopped_at is null",
        scope.id(),
        operator.operator_id,
    )
    .fetch_all(&mut *conn)
    .await?;
    let known = rows.iter().map(|row| Key::of(&scope.key().decrypt(&place(row.factor_id), &row.secret)?)).collect::<Result<Vec<_>>>()?;
    let (options, state) = rp.offer(operator.operator_id, operator.mail.as_str(), &operator.name, &known)?;
    sqlx::query!(
        "update operator_sessions set pending_passkey = $3 where tenant_id = $1 and session_id = $2",
        scope.id(),
        session,
        scope.key().encrypt(&pending("passkey", session), &state),
    )
    .execute(conn)
    .await?;
    Ok(options)
}

/// Register what the browser made. The challenge is used up, whatever comes of it.
pub async fn add_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    by: By<'_>,
    label: &Label,
    (rp, answer): (&RelyingParty, &Attestation),
) -> Result<Added> {
    let kept = sqlx::query_scalar!(
        "with kept as (select session_id, pending_passkey from operator_sessions where tenant_id = $1 and session_id = $2 for update)
         update operator_sessions s set pending_passkey = null from kept where s.session_id = kept.session_id returning kept.pending_passkey",
        scope.id(),
        by.session,
    )
    .fetch_optional(&mut *conn)
    .await?
    .flatten();
    let Some(kept) = kept else { return Ok(Added::Over) };
    let state = scope.key().decrypt(&pending("passkey", by.session), &kept)?;
    let Some(key) = rp.accept(answer, &state)? else { return Ok(Added::Wrong) };
    let factor = id::time_ordered(clock);
    let sealed = scope.key().encrypt(&place(factor), &key.to_bytes()?);
    let credential = Some(index(scope, key.credential()));
    add(conn, scope, clock, source, by, New { factor, kind: Kind::Passkey, label, sealed, credential, last_step: None }).await
}

struct New<'a> {
    factor: Uuid,
    kind: Kind,
    label: &'a Label,
    sealed: Vec<u8>,
    credential: Option<Vec<u8>>,
    last_step: Option<i64>,
}

async fn add(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, by: By<'_>, new: New<'_>) -> Result<Added> {
    let operator = by.operator.operator_id;
    // Two at once: the second waits for the first.
    sqlx::query!("select operator_id from operators where tenant_id = $1 and operator_id = $2 for update", scope.id(), operator)
        .fetch_optional(&mut *conn)
        .await?;
    if by.link {
        // Read before its session ends with all others.
        let Some((salt, hash)) = kept_password(&mut *conn, scope, by.session).await? else { return Ok(Added::Over) };
        if !link::use_up(&mut *conn, scope, clock, source, operator).await? {
            return Ok(Added::Over);
        }
        choose_password(&mut *conn, scope, clock, source, operator, (&salt, &hash)).await?;
    }
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from operator_factors where tenant_id = $1 and operator_id = $2"#,
        scope.id(),
        operator
    );
    if count.fetch_one(&mut *conn).await? >= MOST {
        return Ok(Added::Full);
    }
    let done = sqlx::query!(
        "insert into operator_factors (factor_id, tenant_id, operator_id, kind, label, secret, credential, last_step, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, credential) do nothing",
        new.factor,
        scope.id(),
        operator,
        new.kind.as_str(),
        new.label.as_str(),
        new.sealed,
        new.credential,
        new.last_step,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Added::Taken);
    }
    let detail = serde_json::json!({ "operator": operator, "factor": new.factor, "kind": new.kind.as_str() });
    audit::record(conn, scope, clock, source, Event { action: "operator.factor", outcome: "added", detail, ..Event::default() }).await?;
    Ok(Added::Yes)
}

/// Whether these six digits are shown at this moment by an app of theirs; no step is taken twice.
pub async fn check_app(conn: &mut PgConnection, scope: &Scope, clock: &Clock, operator: Uuid, digits: &str) -> Result<Tried> {
    let rows = sqlx::query!(
        "select factor_id, secret, last_step from operator_factors
         where tenant_id = $1 and operator_id = $2 and kind = 'totp' order by factor_id for update",
        scope.id(),
        operator,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut used = false;
    for row in rows {
        let secret = AppSecret::of(scope.key().decrypt(&place(row.factor_id), &row.secret)?);
        for step in secret.steps(clock.now().unix_timestamp(), digits) {
            if row.last_step.is_some_and(|last| step <= last) {
                used = true;
                continue;
            }
            sqlx::query!(
                "update operator_factors set last_step = $3, last_used_at = $4 where tenant_id = $1 and factor_id = $2",
                scope.id(),
                row.factor_id,
                step,
                clock.now(),
            )
            .execute(&mut *conn)
            .await?;
            return Ok(Tried::Right);
        }
    }
    Ok(if used { Tried::Used } else { Tried::Wrong })
}

/// Whose passkey signed this challenge, here and now, if it is an operator's who may sign in; `state` was used up by the caller. Where
/// `operator` is named, only theirs. A copy stops it.
pub async fn check_passkey(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Option<Uuid>,
    (rp, state): (&RelyingParty, &Zeroizing<Vec<u8>>),
    answer: &Assertion,
) -> Result<(Tried, Option<Uuid>)> {
    let Some((handle, credential)) = answer.names(rp) else { return Ok((Tried::Wrong, None)) };
    let row = sqlx::query!(
        "select f.factor_id, f.secret from operator_factors f join operators o using (tenant_id, operator_id)
         where tenant_id = $1 and operator_id = $2 and kind = 'passkey' and credential = $3 and stopped_at is null and disabled_at is null
         for update of f",
        scope.id(),
        handle,
        index(scope, &credential),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row.filter(|_| operator.is_none_or(|operator| operator == handle)) else { return Ok((Tried::Wrong, None)) };
    let mut key = Key::of(&scope.key().decrypt(&place(row.factor_id), &row.secret)?)?;
    let seen = rp.check(answer, state, &mut key)?;
    let stopped = seen == Seen::Cloned;
    if seen != Seen::Nothing {
        sqlx::query!(
            "update operator_factors set secret = $3, last_used_at = $4, stopped_at = case when $5 then $4::timestamptz end
             where tenant_id = $1 and factor_id = $2",
            scope.id(),
            row.factor_id,
            scope.key().encrypt(&place(row.factor_id), &key.to_bytes()?),
            clock.now(),
            stopped,
        )
        .execute(&mut *conn)
        .await?;
    }
    if stopped {
        let detail = serde_json::json!({ "operator": handle, "factor": row.factor_id });
        audit::record(conn, scope, clock, source, Event { action: "operator.factor", outcome: "copied", detail, ..Event::default() })
            .await?;
    }
    Ok(match seen {
        Seen::Verified => (Tried::Right, Some(handle)),
        Seen::Cloned => (Tried::Cloned, None),
        Seen::Nothing | Seen::Present => (Tried::Wrong, None),
    })
}

/// Take one off; false if there is none such, or if it is the last that works.
pub async fn remove_factor(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    operator: Uuid,
    factor: Uuid,
) -> Result<bool> {
    sqlx::query!("select operator_id from operators where tenant_id = $1 and operator_id = $2 for update", scope.id(), operator)
        .fetch_optional(&mut *conn)
        .await?;
    let done = sqlx::query!(
        "delete from operator_factors where tenant_id = $1 and operator_id = $2 and factor_id = $3
             and exists (select from operator_factors o where o.tenant_id = $1 and o.operator_id = $2 and o.factor_id <> $3 and o.stopped_at is null)",
        scope.id(),
        operator,
        factor,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "operator": operator, "factor": factor });
    audit::record(conn, scope, clock, source, Event { action: "operator.factor", outcome: "removed", detail, ..Event::default() }).await?;
    Ok(true)
}
