//! Who an operator is at the organisation's OpenID provider. The first time they are found by a mailbox that the provider has verified; from
//! then on only by issuer and subject, which it never gives to anybody else, as it may give an address (OpenID Connect Core §5.7).

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{end_all, hands, mail_index};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
        users::EmailAddress,
    },
};

/// Of whom the provider speaks.
pub struct Identity<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

impl Identity<'_> {
    fn hash(&self, scope: &Scope) -> Vec<u8> {
        scope.key().hash(b"operator_identities.subject", format!("{}\0{}", self.issuer, self.subject).as_bytes())
    }
}

/// The operator who signed in as this one before; whether they may is for the caller: `false` for whoever is disabled. Nobody forgets the link
/// until the caller's transaction is over.
pub async fn by_identity(conn: &mut PgConnection, scope: &Scope, identity: &Identity<'_>) -> Result<Option<(Uuid, bool)>> {
    let row = sqlx::query!(
        r#"select operator_id, disabled_at is null as "may!" from operator_identities join operators using (tenant_id, operator_id)
           where tenant_id = $1 and subject = $2 for share of operator_identities"#,
        scope.id(),
        identity.hash(scope),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.operator_id, row.may)))
}

/// The first time: whoever signs in with this address, is not disabled and is nobody at the provider yet, is this one from now on.
pub async fn link_identity(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    identity: &Identity<'_>,
    mail: &EmailAddress,
) -> Result<Option<Uuid>> {
    let operator = sqlx::query_scalar!(
        "insert into operator_identities (operator_id, tenant_id, subject, linked_at)
         select operator_id, tenant_id, $3, $4 from operators where tenant_id = $1 and mail_index = $2 and disabled_at is null for share
         on conflict do nothing returning operator_id",
        scope.id(),
        mail_index(scope, mail.as_str()),
        identity.hash(scope),
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(operator) = operator {
        let detail = serde_json::json!({ "operator": operator });
        audit::record(conn, scope, clock, source, Event { action: "operator.identity", outcome: "linked", detail, ..Event::default() })
            .await?;
    }
    Ok(operator)
}

/// They are found by their address once more; whatever browser they have ends. False: they were nobody there.
pub async fn unlink_identity(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid) -> Result<bool> {
    let done =
        sqlx::query!("delete from operator_identities where tenant_id = $1 and operator_id = $2", scope.id(), operator).execute(&mut *conn);
    if done.await?.rows_affected() == 0 {
        return Ok(false);
    }
    hands::leave(&mut *conn, scope, clock, source, operator).await?;
    let detail = serde_json::json!({ "operator": operator });
    audit::record(&mut *conn, scope, clock, source, Event { action: "operator.identity", outcome: "unlinked", detail, ..Event::default() })
        .await?;
    end_all(conn, scope, clock, source, operator).await?;
    Ok(true)
}

/// Nobody of the tenant is anybody there any more: it is another provider. Answers how many were.
pub async fn unlink_all(conn: &mut PgConnection, scope: &Scope) -> Result<u64> {
    Ok(sqlx::query!("delete from operator_identities where tenant_id = $1", scope.id()).execute(conn).await?.rows_affected())
}

/// The session of this cookie was begun at the provider, where its operator has last proven so long ago who they are.
pub async fn came_by_sso(conn: &mut PgConnection, scope: &Scope, cookie: &str, ago: Duration) -> Result<()> {
    sqlx::query!(
        "update operator_sessions set sso = true, proved_at = begun_at - make_interval(secs => $3) where tenant_id = $1 and token_hash = $2",
        scope.id(),
        id::sha256(cookie.as_bytes()),
        ago.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// End every browser of the tenant's operators that was begun at the provider (`by_sso`), or every other one of those who must sign in there:
/// all but owners. `kept`: the browser in hand.
pub async fn end_by_way(conn: &mut PgConnection, scope: &Scope, by_sso: bool, kept: Option<Uuid>) -> Result<u64> {
    let done = sqlx::query!(
        "delete from operator_sessions s using operators o where s.tenant_id = $1 and o.tenant_id = $1 and o.operator_id = s.operator_id
             and s.session_id is distinct from $3 and case when $2 then s.sso else not s.sso and o.role <> 'owner' end",
        scope.id(),
        by_sso,
        kept,
    );
    Ok(done.execute(conn).await?.rows_affected())
}
