//! Jobs without a secret: no browser seals anything for them, so ticket and submission are one.

use std::net::IpAddr;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Superseded, Target, offer,
    submit::{self, Given},
};
use crate::{base::clock::Clock, domain::tenants::Scope, wire::ticket::Kind};

/// What came of it. But for `Queued` the caller rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Queued {
        job_id: Uuid,
        superseded: Option<Superseded>,
    },
    /// An agent is working on another job of this account.
    Busy,
}

/// Put a job of such a kind into the queue, for any agent of the connector.
pub async fn ask(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    kind: Kind,
    target: &Target,
    origin: Option<IpAddr>,
) -> Result<Asked> {
    debug_assert!(!kind.is_sealed());
    let ticket = offer(&mut *conn, scope, clock, kind, target).await?;
    let mut given = Given { superseded: None };
    if kind.is_effect() {
        // The head is ours since it gave us its number.
        let active = sqlx::query_scalar!(
            "select job_id from active_jobs where connector_id = $1 and object_guid = $2 and effect for update",
            target.connector_id,
            target.object_guid,
        )
        .fetch_optional(&mut *conn)
        .await?;
        match submit::give_way(&mut *conn, clock.now(), active).await? {
            Some(room) => given = room,
            None => return Ok(Asked::Busy),
        }
    }
    sqlx::query!(
        "with pointer as (
             insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at, effect)
             select job_id, tenant_id, connector_id, object_guid,
                 array(select agent_id from agents a where a.connector_id = j.connector_id and a.status = 'active'), expires_at, $2
             from jobs j where job_id = $1)
         update jobs set state = 'submitted', submitted_at = $3, submission = '', hashes = '{}', origin = $4::text::inet where job_id = $1",
        ticket.job,
        kind.is_effect(),
        clock.now(),
        origin.map(|origin| origin.to_string()),
    )
    .execute(conn)
    .await?;
    Ok(Asked::Queued { job_id: ticket.job, superseded: given.superseded })
}
