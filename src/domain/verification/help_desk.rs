//! Codes that the help desk reads out, to a caller whom it has verified by its own rules.
//!
//! The code is typed into the browser that began, and is worth nothing anywhere else: the page shows a number, the caller reads it
//! out, and the code is made for that very flow. So nobody can have a code made in advance, and the help desk never touches a password.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{LIFETIME, Method, hash};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
        users::User,
    },
};

/// So long after it began a flow waits for the call, and its number with it: there may be others on the line.
pub const PATIENCE: Duration = Duration::minutes(30);

/// Digits of such a code: it goes by voice, so there are more of them than a phone would show at a glance.
pub const DIGITS: usize = 8;

/// Wait for the help desk's code, as long as the flow does. The number stays the same while it is open: it may be read out just now.
pub(super) async fn wait(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid) -> Result<()> {
    let now = clock.now();
    sqlx::query!(
        "insert into challenges (flow_id, method, tenant_id, number, created_at, expires_at)
         select f.flow_id, $2, f.tenant_id, $4, $5, f.expires_at from flows f where f.tenant_id = $3 and f.flow_id = $1
         on conflict (flow_id, method) do update set number = excluded.number, created_at = excluded.created_at,
             expires_at = excluded.expires_at, code_hash = null, used_at = null
             where challenges.used_at is not null or challenges.expires_at <= excluded.created_at",
        flow,
        Method::HelpDesk.as_str(),
        scope.id(),
        id::six_digits(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the person reads to the help desk. `None`: nothing waits under it any more, if there was one.
pub async fn number(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid) -> Result<Option<String>> {
    let number = sqlx::query_scalar!(
        r#"select number as "number!" from challenges
           where tenant_id = $1 and flow_id = $2 and method = $3 and used_at is null and expires_at > $4"#,
        scope.id(),
        flow,
        Method::HelpDesk.as_str(),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(number)
}

/// Make the code for the one flow of this person that waits under this number; an older code of it is worth nothing from now on. `None`:
/// no flow does, or none that was not stopped by a freeze, or two do, of which one may be somebody else's.
pub async fn make_code(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    operator: &Source,
    user: &User,
    number: &str,
) -> Result<Option<String>> {
    let now = clock.now();
    // The flow before its challenge, as everywhere: two who lock them in two orders wait for each other.
    let waiting = sqlx::query!(
        "select c.flow_id, f.user_id from challenges c join flows f using (tenant_id, flow_id)
         where c.tenant_id = $1 and c.method = $2 and c.number = $3 and $4 in (f.user_id, f.caller_id) and f.method = $2 and f.state = 'proving'
             and not f.frozen and f.expires_at > $5 and c.expires_at > $5 and c.used_at is null for update of f, c",
        scope.id(),
        Method::HelpDesk.as_str(),
        number,
        user.user_id,
        now,
    )
    .fetch_all(&mut *conn)
    .await?;
    let event = |outcome, flow| Event { action: "help_desk.code", outcome, user: Some(user.user_id), flow, ..Event::default() };
    let [flow] = &waiting[..] else {
        audit::record(conn, scope, clock, operator, event("refused", None)).await?;
        return Ok(None);
    };
    let (flow, nobodys) = (flow.flow_id, flow.user_id.is_none());
    if nobodys {
        claim(&mut *conn, scope, flow, user).await?;
    }
    let code = id::digits(DIGITS);
    sqlx::query!(
        "update challenges set code_hash = $4, expires_at = $5 where tenant_id = $1 and flow_id = $2 and method = $3",
        scope.id(),
        flow,
        Method::HelpDesk.as_str(),
        hash(scope, flow, Method::HelpDesk, &code),
        now + LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    // The code is good for its ten minutes, however late the call came.
    sqlx::query!(
        "update flows set expires_at = greatest(expires_at, $3) where tenant_id = $1 and flow_id = $2",
        scope.id(),
        flow,
        now + LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    audit::record(conn, scope, clock, operator, event("made", Some(flow))).await?;
    Ok(Some(code))
}

/// A flow that was a decoy, because this person has too few methods, is theirs from now on, and takes nothing but the code: what else
/// it showed is nobody's, as is how many proofs it asked for, and an address of theirs that is too new must not take its place. Whether
/// their own policy is content with it is asked at the ticket, as ever.
async fn claim(conn: &mut PgConnection, scope: &Scope, flow: Uuid, user: &User) -> Result<()> {
    let only = serde_json::json!([{ "method": Method::HelpDesk, "masked": "" }]);
    sqlx::query!(
        "update flows set user_id = $3, caller_id = null, options = $4, gates = 1, apart = false, rises = false,
             subjects = array(select distinct s from unnest(array_append(subjects, $5::bytea)) s order by s)
         where tenant_id = $1 and flow_id = $2 and caller_id = $3 and user_id is null",
        scope.id(),
        flow,
        user.user_id,
        only,
        user.subject(scope),
    )
    .execute(conn)
    .await?;
    Ok(())
}
