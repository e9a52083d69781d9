//! What goes on at this moment, for operators to watch.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{LIFETIME, SLACK, State};
use crate::{
    base::{clock::Clock, id},
    domain::{tenants::Scope, users::among},
    wire::{outcome::Code, ticket::Kind},
};

/// What ended no longer ago is shown.
pub const LATELY: Duration = Duration::minutes(15);
/// Of each, at most.
const MOST: i64 = 60;

/// A job under way, or just ended.
#[derive(Debug, Clone)]
pub struct Live {
    pub job_id: Uuid,
    pub user_id: Uuid,
    pub connector_id: Uuid,
    pub kind: Kind,
    pub state: State,
    pub code: Option<Code>,
    /// Who has it, or had it last.
    pub agent_id: Option<Uuid>,
    pub submitted_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

struct Row {
    job_id: Uuid,
    user_id: Uuid,
    connector_id: Uuid,
    kind: String,
    state: String,
    code: Option<String>,
    agent_id: Option<Uuid>,
    submitted_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
}

impl Row {
    fn open(self) -> Result<Live> {
        Ok(Live {
            job_id: self.job_id,
            user_id: self.user_id,
            connector_id: self.connector_id,
            kind: Kind::parse(&self.kind).with_context(|| format!("unknown job kind {}", self.kind))?,
            state: State::parse(&self.state)?,
            code: self.code.as_deref().and_then(Code::parse),
            agent_id: self.agent_id,
            submitted_at: self.submitted_at,
            finished_at: self.finished_at,
        })
    }
}

/// Those that agents have or may have, the oldest first; `groups`: of their members alone.
pub async fn under_way(conn: &mut PgConnection, scope: &Scope, clock: &Clock, groups: Option<&[(Uuid, Uuid)]>) -> Result<Vec<Live>> {
    let (connectors, guids) = among(groups);
    let rows = sqlx::query_as!(
        Row,
        r#"select j.job_id, j.user_id, j.connector_id, j.kind, j.state, j.code, j.agent_id, j.submitted_at as "submitted_at!", j.finished_at
           from active_jobs a join jobs j on j.job_id = a.job_id
           where a.connector_id in (select connector_id from connectors where tenant_id = $1) and j.tenant_id = $1 and j.job_id >= $2
               and j.submitted_at is not null and is_among(j.user_id, $4, $5)
           order by j.job_id limit $3"#,
        scope.id(),
        id::lowest_at(clock.now() - SLACK - LIFETIME),
        MOST,
        connectors.as_deref(),
        guids.as_deref(),
    );
    rows.fetch_all(conn).await?.into_iter().map(Row::open).collect()
}

/// Those that ended lately, the newest first; `groups`: of their members alone.
pub async fn ended(conn: &mut PgConnection, scope: &Scope, clock: &Clock, groups: Option<&[(Uuid, Uuid)]>) -> Result<Vec<Live>> {
    let (connectors, guids) = among(groups);
    let rows = sqlx::query_as!(
        Row,
        r#"select job_id, user_id, connector_id, kind, state, code, agent_id, submitted_at as "submitted_at!", finished_at from jobs
           where tenant_id = $1 and job_id >= $2 and submitted_at is not null and finished_at is not null
               and is_among(user_id, $4, $5) order by job_id desc limit $3"#,
        scope.id(),
        id::lowest_at(clock.now() - LATELY),
        MOST,
        connectors.as_deref(),
        guids.as_deref(),
    );
    rows.fetch_all(conn).await?.into_iter().map(Row::open).collect()
}
