//! Jobs without a secret: no browser seals anything for them, so ticket and submission are one. And looks with one, which take no
//! number and stand in nobody's way.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    State, Submission, Superseded, Target, offer,
    submit::{self, Given},
};
use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
    wire::ticket::Kind,
};

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

/// What came of a sealed look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    Taken,
    /// The very same was taken before: the first answer was lost.
    Again,
    Expired,
    /// No such ticket in this flow, or used for something else.
    NoTicket,
}

/// Make a sealed look durable. It supersedes nothing, and any number of them may be active.
pub async fn look(conn: &mut PgConnection, clock: &Clock, submission: &Submission<'_>) -> Result<Looked> {
    let Submission { scope, job_id, flow_id, kind, envelopes, origin, .. } = submission;
    debug_assert!(!kind.is_effect());
    let (posted, now) = (serde_json::to_vec(envelopes)?, clock.now());
    let hashes: BTreeMap<&Uuid, Option<String>> = envelopes.iter().map(|(agent, envelope)| (agent, envelope.hash())).collect();
    let row = sqlx::query!(
        "select state, expires_at, submission from jobs where job_id = $1 and tenant_id = $2 and flow_id = $3 and kind = $4 for update",
        job_id,
        scope.id(),
        flow_id,
        kind.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Looked::NoTicket) };
    let hash = id::sha256(&posted);
    match (State::parse(&row.state)?, &row.submission) {
        (State::Offered, _) if row.expires_at <= now => return Ok(Looked::Expired),
        (State::Offered, _) => {}
        (_, Some(before)) if id::same(before, &hash) => return Ok(Looked::Again),
        _ => return Ok(Looked::NoTicket),
    }
    sqlx::query!(
        "with pointer as (
             insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at, effect)
             select job_id, tenant_id, connector_id, object_guid, $2, expires_at, false from jobs where job_id = $1)
         update jobs set state = 'submitted', submitted_at = $3, submission = $4, hashes = $5, envelopes = $6, origin = $7::text::inet
         where job_id = $1",
        job_id,
        &envelopes.keys().copied().collect::<Vec<_>>(),
        now,
        hash,
        serde_json::to_value(&hashes)?,
        posted,
        origin.map(|origin| origin.to_string()),
    )
    .execute(conn)
    .await?;
    Ok(Looked::Taken)
}
