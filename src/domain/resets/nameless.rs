//! Signing in by a passkey and no name: the passkey says whose it is. What comes of it is a journey like any other that signs in, with
//! its proof behind it, so that all that is asked of those is asked of it.

use anyhow::{Context, Result};
use sqlx::PgConnection;

use super::{Begun, LIFETIME, Purpose, begin::How, flow};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        authenticators::{self, Assertion, RelyingParty, Tried},
        policies::{self, Method},
        tenants::Scope,
        users,
    },
};

/// An answer to a challenge, with what was kept of that; the caller has used it up.
pub struct Signed<'a> {
    pub rp: &'a RelyingParty,
    pub state: &'a [u8],
    pub answer: &'a Assertion,
}

/// Begin to sign in whoever's passkey signed; that is proven. `None` for all else: a passkey that is nobody's here, one that somebody made
/// up, and one whose owner is not served or may not use it read alike.
pub async fn begin_nameless(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    signed: &Signed<'_>,
    how: &How<'_>,
) -> Result<Option<Begun>> {
    let Signed { rp, state, answer } = *signed;
    let owner = answer.claims(rp);
    let tried = authenticators::check_passkey(&mut *conn, scope, clock, source, owner, (rp, state), answer).await?;
    // Only a signature of theirs makes it something that happened to them: anybody can claim to be somebody.
    let known = owner.filter(|_| tried != Tried::Wrong);
    let user = users::served(&mut *conn, scope, known.filter(|_| tried == Tried::Right).unwrap_or_default()).await?;
    let lawful = match &user {
        Some(user) => policies::are_lawful(&mut *conn, scope, user.user_id, &[Method::Passkey], Some(1)).await?,
        None => false,
    };
    let detail = serde_json::json!({ "method": Method::Passkey });
    let Some(user) = user.filter(|_| lawful) else {
        let outcome = match tried {
            Tried::Cloned => "cloned",
            Tried::Right => "refused",
            Tried::Wrong | Tried::Used => "wrong",
        };
        let event = Event { action: "reset.code_try", outcome, user: known, detail, ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
        return Ok(None);
    };
    let (flow_id, cookie, now) = (id::time_ordered(clock), id::token(), clock.now());
    let begun = serde_json::json!({ "purpose": Purpose::SignIn, "device": how.device });
    let of = Event { user: Some(user.user_id), flow: Some(flow_id), ..Event::default() };
    let event = Event { action: "reset.begin", outcome: "nameless", detail: begun, ..of };
    sqlx::query!(
        "insert into flows (flow_id, tenant_id, browser_hash, user_id, subjects, name, options, language, state, gates, passed, purpose,
             created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, '[]', $7, 'verified', 1, '{passkey}', 'sign_in', $8, $9) returning audit_write($10, $8)",
        flow_id,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        user.user_id,
        &[user.subject(scope)][..],
        scope.key().encrypt(b"flows.name", user.sign_in_name.as_bytes()),
        how.language,
        now,
        now + LIFETIME,
        audit::line(scope, clock, source, &event),
    )
    .fetch_one(&mut *conn)
    .await?;
    let of = Event { user: Some(user.user_id), flow: Some(flow_id), ..Event::default() };
    audit::record(&mut *conn, scope, clock, source, Event { action: "reset.code_try", outcome: "right", detail, ..of }).await?;
    let flow = flow::load(&mut *conn, scope, clock, &cookie).await?.context("a flow that was just begun")?;
    if flow.frozen {
        let of = Event { user: Some(user.user_id), flow: Some(flow_id), ..Event::default() };
        audit::record(conn, scope, clock, source, Event { action: "reset.frozen", outcome: "refused", ..of }).await?;
    } else {
        users::spoke(conn, scope, user.user_id, how.language).await?;
    }
    Ok(Some(Begun { cookie, flow_id }))
}
