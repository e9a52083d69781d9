//! What the agents tell of the canary: an account that is nobody's, whose password they set at each server on a schedule.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Agent;
use crate::{
    base::clock::Clock,
    domain::tenants::Scope,
    wire::{message::CanaryRun, outcome::Code},
};

const KEPT: Duration = Duration::days(30);
/// Of one heartbeat.
const MOST: usize = 64;
/// What an agent tells of later than this is of no use any more.
const LATE: Duration = Duration::hours(1);
/// Nor is what it says of the future.
const AHEAD: Duration = Duration::minutes(1);
/// A made-up server is one too many: more than a directory has.
const SERVERS: usize = 64;
/// Bytes of a server's name (RFC 1035 allows 255).
const LONGEST: usize = 255;

/// A run that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sung {
    pub at: OffsetDateTime,
    /// `None`: one that this version does not know.
    pub code: Option<Code>,
    pub millis: i32,
}

impl Sung {
    pub fn is_well(&self) -> bool {
        self.code == Some(Code::Applied)
    }
}

/// Keep what a heartbeat tells; it may tell the same again.
pub(super) async fn keep(conn: &mut PgConnection, scope: &Scope, clock: &Clock, agent: &Agent, runs: &[CanaryRun]) -> Result<()> {
    let now = clock.now();
    for run in runs.iter().take(MOST).filter(|run| run.server.len() <= LONGEST && !run.server.contains('\0')) {
        let Ok(at) = OffsetDateTime::from_unix_timestamp(run.at) else { continue };
        // Such a clock cannot tell one run from another.
        if at < now - LATE || at > now + AHEAD {
            continue;
        }
        sqlx::query!(
            "insert into canary_runs (tenant_id, connector_id, server, at, agent_id, code, millis) values ($1, $2, $3, $4, $5, $6, $7)
             on conflict do nothing",
            scope.id(),
            agent.connector_id,
            run.server,
            at,
            agent.agent_id,
            run.code.as_str(),
            i32::try_from(run.millis).unwrap_or(i32::MAX),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// By server, the oldest first: what came of it since then.
pub async fn sung(conn: &mut PgConnection, scope: &Scope, connector: Uuid, since: OffsetDateTime) -> Result<BTreeMap<String, Vec<Sung>>> {
    let rows = sqlx::query!(
        "select server, at, code, millis from canary_runs where tenant_id = $1 and connector_id = $2 and at >= $3 order by at",
        scope.id(),
        connector,
        since,
    )
    .fetch_all(conn)
    .await?;
    let mut sung = BTreeMap::<String, Vec<Sung>>::new();
    for row in rows {
        if sung.len() >= SERVERS && !sung.contains_key(&row.server) {
            continue;
        }
        sung.entry(row.server).or_default().push(Sung { at: row.at, code: Code::parse(&row.code), millis: row.millis });
    }
    Ok(sung)
}

/// Forget what is old.
pub async fn forget_sung(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from canary_runs where at < $1", clock.now() - KEPT).execute(conn).await?;
    Ok(done.rows_affected())
}
