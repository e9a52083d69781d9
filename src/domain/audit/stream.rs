//! The chain as JSON lines, in its order: for whoever keeps a copy elsewhere, or reads along.

use anyhow::Result;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{keep, stored::Hex};
use crate::domain::tenants::Scope;

/// Lines read at once.
const PAGE: i64 = 1000;

#[derive(Serialize)]
struct Line<'a> {
    seq: i64,
    hash: String,
    event: Uuid,
    tenant: Uuid,
    /// `null`: what stands there is no time.
    at: Option<String>,
    /// Since 1970, as it is hashed.
    micros: &'a str,
    actor: &'a str,
    action: &'a str,
    outcome: &'a str,
    user: Option<Uuid>,
    flow: Option<Uuid>,
    job: Option<Uuid>,
    request: Option<&'a str>,
    /// With its mask, as it is hashed.
    address: Option<&'a str>,
    /// Letter by letter as it is hashed.
    detail: &'a RawValue,
}

/// The lines behind place `after`, each a JSON object without a line break, and the place of the last one. None: there are no more at the moment.
pub async fn page(conn: &mut PgConnection, scope: &Scope, after: i64) -> Result<Option<(Vec<String>, i64)>> {
    let places = keep::places(conn, scope, after, PAGE).await?;
    let Some((last, ..)) = places.last() else { return Ok(None) };
    let last = *last;
    let mut lines = Vec::new();
    for (seq, _, hash, line) in places {
        // Who removed it is found out by others.
        let Some(line) = line else { continue };
        let at = line.at().and_then(|at| at.format(&Rfc3339).ok());
        lines.push(serde_json::to_string(&Line {
            seq,
            hash: Hex(&hash).to_string(),
            event: line.event_id,
            tenant: line.tenant_id,
            at,
            micros: &line.micros,
            actor: &line.actor,
            action: &line.action,
            outcome: &line.outcome,
            user: line.user_id,
            flow: line.flow_id,
            job: line.job_id,
            request: line.request_id.as_deref(),
            address: line.address.as_deref(),
            detail: serde_json::from_str(&line.detail)?,
        })?);
    }
    Ok(Some((lines, last)))
}
