//! A flow as the database has it.

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{super::need::way, Flow, Look, Purpose, Way};
use crate::{
    base::{clock::Clock, id},
    domain::{
        queue::{JobView, State},
        sessions,
        tenants::Scope,
        verification::Method,
    },
    wire::{outcome::Code, ticket::Kind},
};

/// The flow of the browser with this cookie. Whoever works on what was begun in a session is seen there by that.
pub async fn load(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Flow>> {
    let Some(mut flow) = read(&mut *conn, scope, clock, cookie).await? else { return Ok(None) };
    if let Some(session) = flow.within {
        flow.session_ends_at = sessions::see(conn, scope, clock, session).await?;
    }
    Ok(Some(flow).filter(Flow::lives))
}

/// Between these lie the jobs of every flow that lives: Postgres opens the partitions of two or three days, not of all. (`offset 0`: it finds
/// the job by its id, rather than read those days to find it among them.)
fn days(clock: &Clock) -> (Uuid, Uuid) {
    (id::lowest_at(clock.now() - Duration::days(1)), id::lowest_at(clock.now() + Duration::hours(1)))
}

/// The same, whatever became of its session.
pub(in crate::domain::resets) async fn read(conn: &mut PgConnection, scope: &Scope, clock: &Clock, cookie: &str) -> Result<Option<Flow>> {
    let (from, to) = days(clock);
    let row = sqlx::query_as!(
        Row,
        r#"select f.flow_id, f.purpose, f.session_id, f.user_id, f.subjects, f.options, f.language, f.state, f.gates, f.apart, f.rises, f.passed, f.method, f.wants_password, f.root_id, f.expires_at, f.extended, f.tries, f.sends,
               case when f.purpose = 'sign_in' and f.state = 'verified' then (select p.gates > 1 from policy_of(f.tenant_id, f.user_id) p) else false end as "besides!",
               f.aim_id, j.part, j.job_id as "job_id?", j.kind as "job_kind?", j.state as "job_state?", j.submitted_at is not null as "submitted!", j.code,
               j.allowed_at, l.job_id as "look_id?", l.state as "look_state?", l.code as look_code, l.result as look_result,
               l.issued_at as "look_at?", c.unlock as "unlock?",
               f.frozen or exists (select from freezes z where z.tenant_id = f.tenant_id and z.user_id in (f.user_id, f.aim_id) and z.lifted_at is null) as "frozen!"
           from flows f
           left join lateral (select * from jobs where job_id = f.job_id and job_id between $4 and $5 and tenant_id = f.tenant_id offset 0) j on true
           left join lateral (select * from jobs where job_id = f.look_id and job_id between $4 and $5 and tenant_id = f.tenant_id offset 0) l on true
           left join connectors c on c.connector_id = l.connector_id and c.tenant_id = l.tenant_id
           where f.tenant_id = $1 and f.browser_hash = $2 and f.state <> 'ended' and f.expires_at > $3"#,
        scope.id(),
        id::sha256(cookie.as_bytes()),
        clock.now(),
        from,
        to,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut flow = row.open(clock.now())?;
    flow.look_at_targets(conn, scope).await?;
    Ok(Some(flow))
}

/// The flow as it is now, and nobody else's to change until the transaction ends: two tabs may press at once. Its job is read once
/// the flow is ours: a single statement would show it as it was before we waited.
pub(in crate::domain::resets) async fn lock(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: &Flow) -> Result<Option<Flow>> {
    hold(&mut *conn, scope, flow.flow_id).await?;
    reload(conn, scope, clock, flow).await
}

/// Nobody else changes it until the transaction ends. Whoever needs its challenges too holds it before those, or two tabs would wait for
/// each other.
pub(in crate::domain::resets) async fn hold(conn: &mut PgConnection, scope: &Scope, flow: Uuid) -> Result<()> {
    sqlx::query!("select flow_id from flows where tenant_id = $1 and flow_id = $2 for update", scope.id(), flow)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// The flow as it is now.
pub async fn reload(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: &Flow) -> Result<Option<Flow>> {
    let (from, to) = days(clock);
    let row = sqlx::query_as!(
        Row,
        r#"select f.flow_id, f.purpose, f.session_id, f.user_id, f.subjects, f.options, f.language, f.state, f.gates, f.apart, f.rises, f.passed, f.method, f.wants_password, f.root_id, f.expires_at, f.extended, f.tries, f.sends,
               case when f.purpose = 'sign_in' and f.state = 'verified' then (select p.gates > 1 from policy_of(f.tenant_id, f.user_id) p) else false end as "besides!",
               f.aim_id, j.part, j.job_id as "job_id?", j.kind as "job_kind?", j.state as "job_state?", j.submitted_at is not null as "submitted!", j.code,
               j.allowed_at, l.job_id as "look_id?", l.state as "look_state?", l.code as look_code, l.result as look_result,
               l.issued_at as "look_at?", c.unlock as "unlock?",
               f.frozen or exists (select from freezes z where z.tenant_id = f.tenant_id and z.user_id in (f.user_id, f.aim_id) and z.lifted_at is null) as "frozen!"
           from flows f
           left join lateral (select * from jobs where job_id = f.job_id and job_id between $3 and $4 and tenant_id = f.tenant_id offset 0) j on true
           left join lateral (select * from jobs where job_id = f.look_id and job_id between $3 and $4 and tenant_id = f.tenant_id offset 0) l on true
           left join connectors c on c.connector_id = l.connector_id and c.tenant_id = l.tenant_id
           where f.tenant_id = $1 and f.flow_id = $2 and f.state <> 'ended'"#,
        scope.id(),
        flow.flow_id,
        from,
        to,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut flow = row.open(clock.now())?;
    flow.look_at_targets(&mut *conn, scope).await?;
    if let Some(session) = flow.within {
        flow.session_ends_at = sessions::ends_at(conn, scope, clock, session).await?;
    }
    Ok(Some(flow).filter(Flow::lives))
}

struct Row {
    flow_id: Uuid,
    purpose: String,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    subjects: Vec<Vec<u8>>,
    options: serde_json::Value,
    language: String,
    state: String,
    gates: i16,
    apart: bool,
    rises: bool,
    passed: Vec<String>,
    besides: bool,
    expires_at: OffsetDateTime,
    extended: bool,
    tries: i32,
    sends: i32,
    method: Option<String>,
    wants_password: bool,
    root_id: Option<Uuid>,
    aim_id: Option<Uuid>,
    part: Option<String>,
    job_id: Option<Uuid>,
    job_kind: Option<String>,
    job_state: Option<String>,
    submitted: bool,
    code: Option<String>,
    allowed_at: Option<OffsetDateTime>,
    look_id: Option<Uuid>,
    look_state: Option<String>,
    look_code: Option<String>,
    look_result: Option<String>,
    look_at: Option<OffsetDateTime>,
    unlock: Option<bool>,
    frozen: bool,
}

impl Row {
    fn open(self, now: OffsetDateTime) -> Result<Flow> {
        let job = match (self.job_id, self.job_kind, self.job_state) {
            (Some(job_id), Some(kind), Some(state)) => {
                let kind = Kind::parse(&kind).with_context(|| format!("unknown job kind {kind}"))?;
                let (code, allowed_at) = (self.code.as_deref().and_then(Code::parse), self.allowed_at);
                let leads = self.part.as_deref() == Some("first");
                Some(JobView { job_id, kind, state: State::parse(&state)?, submitted: self.submitted, code, leads, allowed_at })
            }
            _ => None,
        };
        let look = match (self.look_id, self.look_state, self.look_at) {
            (Some(job_id), Some(state), Some(asked_at)) => {
                Some(Look::open(job_id, asked_at, &state, self.look_code.as_deref(), self.look_result.as_deref())?)
            }
            _ => None,
        };
        let purpose = Purpose::parse(&self.purpose).with_context(|| format!("unknown purpose {}", self.purpose))?;
        let way = look.as_ref().map_or(Way::Password, |look| way(look, purpose, self.unlock.unwrap_or_default(), now));
        Ok(Flow {
            flow_id: self.flow_id,
            purpose,
            within: self.session_id,
            session_ends_at: None,
            user_id: self.user_id,
            subjects: self.subjects,
            options: serde_json::from_value(self.options).context("a flow's options")?,
            language: self.language,
            verified: self.state == "verified",
            gates: self.gates,
            apart: self.apart,
            besides: self.besides,
            expires_at: self.expires_at,
            extended: self.extended,
            tries: self.tries,
            sends: self.sends,
            rises: self.rises,
            passed: self.passed.iter().filter_map(|method| Method::parse(method)).collect(),
            method: self.method.as_deref().and_then(Method::parse),
            job,
            look,
            way,
            wants_password: self.wants_password,
            root_id: self.root_id,
            aim_id: self.aim_id,
            targets: Vec::new(),
            frozen: self.frozen,
        })
    }
}
