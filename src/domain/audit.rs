//! What happened: one line per act, in the transaction of the act itself, so that nothing happens unaudited. Append-only.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::tenants::Scope;
use crate::base::{clock::Clock, id};

/// Who acts, and by which request.
#[derive(Debug, Clone)]
pub struct Source {
    /// `user`, `agent:<id>`, `operator:<id>`, `cli`, `worker`.
    pub actor: String,
    /// The support code that the person sees.
    pub request: Option<String>,
    /// Of the peer, or of the client as the last trusted proxy tells.
    pub address: Option<IpAddr>,
}

impl Source {
    /// The house itself: schedules and the command line.
    pub fn house(actor: &str) -> Self {
        Self { actor: actor.to_owned(), request: None, address: None }
    }
}

/// One line. Never a secret, an address or a typed name in `detail`.
#[derive(Debug, Default)]
pub struct Event {
    /// `noun.verb`: `reset.submit`.
    pub action: &'static str,
    /// One word: `accepted`, `refused`, `limit`, …
    pub outcome: &'static str,
    pub user: Option<Uuid>,
    pub flow: Option<Uuid>,
    pub job: Option<Uuid>,
    /// An object; null is `{}`.
    pub detail: serde_json::Value,
}

/// Write one line, in the act's own transaction.
pub async fn record(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, event: Event) -> Result<()> {
    let detail = if event.detail.is_null() { serde_json::json!({}) } else { event.detail };
    sqlx::query!(
        "insert into audit_events (event_id, tenant_id, at, actor, action, user_id, flow_id, job_id, request_id, address, outcome, detail)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::inet, $11, $12)",
        id::time_ordered(clock),
        scope.id(),
        clock.now(),
        source.actor,
        event.action,
        event.user,
        event.flow,
        event.job,
        source.request,
        source.address.map(|address| address.to_string()),
        event.outcome,
        detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// From where a job was submitted.
pub async fn address_of(conn: &mut PgConnection, scope: &Scope, job: Uuid) -> Result<Option<IpAddr>> {
    let address = sqlx::query_scalar!(
        r#"select host(address) as "address" from audit_events
           where tenant_id = $1 and job_id = $2 and action = 'reset.submit' order by event_id limit 1"#,
        scope.id(),
        job,
    )
    .fetch_optional(conn)
    .await?
    .flatten();
    Ok(address.and_then(|address| address.parse().ok()))
}

/// Whether this lease of a job was ever this actor's.
pub async fn held(conn: &mut PgConnection, scope: &Scope, job: Uuid, actor: &str, lease: Uuid) -> Result<bool> {
    let held = sqlx::query_scalar!(
        r#"select exists (select 1 from audit_events where tenant_id = $1 and job_id = $2 and action = 'reset.lease' and actor = $3
               and detail ->> 'lease' = $4) as "held!""#,
        scope.id(),
        job,
        actor,
        lease.to_string(),
    )
    .fetch_one(conn)
    .await?;
    Ok(held)
}
