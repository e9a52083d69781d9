//! Finding lines, the newest first, page by page behind the last line seen: fast however many there are, since each way in has its index. By
//! kind (action, outcome, actor) through the kinds that there are, each of which is walked from its end.

use std::{collections::HashMap, net::IpAddr};

use anyhow::Result;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use crate::{base::id, domain::tenants::Scope};

/// What is looked for; all of it must hold. `None`: whatever it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// What stands before the actor's colon: `user`, `agent`, `operator`, `cli`, `worker`.
    pub actor: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<String>,
    /// Whom it is about.
    pub user: Option<Uuid>,
    /// Support code.
    pub request: Option<String>,
    /// Days in UTC, both included.
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl Filter {
    /// The ids from one to the other, the second not included.
    fn span(&self) -> (Uuid, Uuid) {
        let begins = |day: Date| id::lowest_at(OffsetDateTime::new_utc(day, Time::MIDNIGHT));
        (self.from.map_or(Uuid::nil(), begins), self.to.and_then(Date::next_day).map_or(Uuid::max(), begins))
    }

    const fn names_a_kind(&self) -> bool {
        self.actor.is_some() || self.action.is_some() || self.outcome.is_some()
    }
}

/// A line, as an operator may see it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub event_id: Uuid,
    pub at: OffsetDateTime,
    pub actor: String,
    pub action: String,
    pub outcome: String,
    pub user_id: Option<Uuid>,
    pub flow_id: Option<Uuid>,
    pub job_id: Option<Uuid>,
    /// Support code.
    pub request: Option<String>,
    pub address: Option<IpAddr>,
    pub detail: serde_json::Value,
    /// Its place in the chain, once it has one.
    pub seq: Option<i64>,
}

/// The newest lines of these that are older than `before`, at most so many.
pub async fn find(conn: &mut PgConnection, scope: &Scope, filter: &Filter, before: Option<Uuid>, most: i64) -> Result<Vec<Entry>> {
    let (first, end) = filter.span();
    let end = before.map_or(end, |before| before.min(end));
    let of = Within { filter, first, end, most };
    let events = match filter {
        Filter { request: Some(request), .. } => of.by_request(&mut *conn, scope, request).await?,
        Filter { user: Some(user), .. } => of.by_user(&mut *conn, scope, *user).await?,
        filter if filter.names_a_kind() => of.by_kind(&mut *conn, scope).await?,
        _ => of.all(&mut *conn, scope).await?,
    };
    let mut found = load(conn, scope, &events).await?;
    Ok(events.iter().filter_map(|event| found.remove(event)).collect())
}

struct Within<'a> {
    filter: &'a Filter,
    first: Uuid,
    end: Uuid,
    most: i64,
}

impl Within<'_> {
    async fn all(&self, conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Uuid>> {
        let events = sqlx::query_scalar!(
            "select event_id from audit_events where tenant_id = $1 and event_id >= $2 and event_id < $3 order by event_id desc limit $4",
            scope.id(),
            self.first,
            self.end,
            self.most,
        );
        Ok(events.fetch_all(conn).await?)
    }

    async fn by_user(&self, conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Vec<Uuid>> {
        let Filter { actor, action, outcome, .. } = self.filter;
        let events = sqlx::query_scalar!(
            "select event_id from audit_events where tenant_id = $1 and user_id = $5 and event_id >= $2 and event_id < $3
                 and ($6::text is null or split_part(actor, ':', 1) = $6) and ($7::text is null or action = $7) and ($8::text is null or outcome = $8)
             order by event_id desc limit $4",
            scope.id(),
            self.first,
            self.end,
            self.most,
            user,
            actor.as_deref(),
            action.as_deref(),
            outcome.as_deref(),
        );
        Ok(events.fetch_all(conn).await?)
    }

    async fn by_request(&self, conn: &mut PgConnection, scope: &Scope, request: &str) -> Result<Vec<Uuid>> {
        let Filter { actor, action, outcome, user, .. } = self.filter;
        let events = sqlx::query_scalar!(
            "select event_id from audit_events where tenant_id = $1 and request_id = $5 and event_id >= $2 and event_id < $3
                 and ($6::text is null or split_part(actor, ':', 1) = $6) and ($7::text is null or action = $7) and ($8::text is null or outcome = $8)
                 and ($9::uuid is null or user_id = $9)
             order by event_id desc limit $4",
            scope.id(),
            self.first,
            self.end,
            self.most,
            request,
            actor.as_deref(),
            action.as_deref(),
            outcome.as_deref(),
            *user,
        );
        Ok(events.fetch_all(conn).await?)
    }

    /// What has no place in the chain yet has no kind either; it is little.
    async fn by_kind(&self, conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Uuid>> {
        let Filter { actor, action, outcome, .. } = self.filter;
        let events = sqlx::query_scalar!(
            r#"select event_id as "event_id!" from (
                   select c.event_id from audit_kinds k cross join lateral (
                       select event_id from audit_chain where tenant_id = $1 and kind = k.kind and event_id >= $2 and event_id < $3
                       order by event_id desc limit $4) c
                   where k.tenant_id = $1 and ($5::text is null or k.actor = $5) and ($6::text is null or k.action = $6)
                       and ($7::text is null or k.outcome = $7)
                   union all
                   select e.event_id from audit_unchained u join audit_events e using (tenant_id, event_id)
                   where u.tenant_id = $1 and u.event_id >= $2 and u.event_id < $3 and ($5::text is null or split_part(e.actor, ':', 1) = $5)
                       and ($6::text is null or e.action = $6) and ($7::text is null or e.outcome = $7)) f
               order by event_id desc limit $4"#,
            scope.id(),
            self.first,
            self.end,
            self.most,
            actor.as_deref(),
            action.as_deref(),
            outcome.as_deref(),
        );
        Ok(events.fetch_all(conn).await?)
    }
}

async fn load(conn: &mut PgConnection, scope: &Scope, events: &[Uuid]) -> Result<HashMap<Uuid, Entry>> {
    let rows = sqlx::query!(
        r#"select e.event_id, at, actor, action, outcome, user_id, flow_id, job_id, request_id, host(address) as address, detail, c.seq as "seq?"
           from audit_events e left join audit_chain c on c.tenant_id = e.tenant_id and c.event_id = e.event_id
           where e.tenant_id = $1 and e.event_id = any($2)"#,
        scope.id(),
        events,
    )
    .fetch_all(conn)
    .await?;
    let entries = rows.into_iter().map(|row| Entry {
        event_id: row.event_id,
        at: row.at,
        actor: row.actor,
        action: row.action,
        outcome: row.outcome,
        user_id: row.user_id,
        flow_id: row.flow_id,
        job_id: row.job_id,
        request: row.request_id,
        address: row.address.and_then(|address| address.parse().ok()),
        detail: row.detail,
        seq: row.seq,
    });
    Ok(entries.map(|entry| (entry.event_id, entry)).collect())
}

/// What a filter can choose among.
#[derive(Debug, Default)]
pub struct Choices {
    pub actors: Vec<String>,
    pub actions: Vec<String>,
    pub outcomes: Vec<String>,
}

/// What there is, in the order of the alphabet.
pub async fn choices(conn: &mut PgConnection, scope: &Scope) -> Result<Choices> {
    let row = sqlx::query!(
        r#"select coalesce(array_agg(distinct actor), '{}') as "actors!", coalesce(array_agg(distinct action), '{}') as "actions!",
               coalesce(array_agg(distinct outcome), '{}') as "outcomes!"
           from audit_kinds where tenant_id = $1"#,
        scope.id(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Choices { actors: row.actors, actions: row.actions, outcomes: row.outcomes })
}

/// Lines of a journey that are shown.
const JOURNEY: i64 = 300;

/// What happened in the request with this support code and in the journeys and jobs that it was part of, in order.
pub async fn journey(conn: &mut PgConnection, scope: &Scope, request: &str) -> Result<Vec<Entry>> {
    let events = sqlx::query_scalar!(
        r#"with asked as materialized (
               select event_id, flow_id, job_id from audit_events where tenant_id = $1 and request_id = $2 limit $3),
           travelled as materialized (
               select event_id, job_id from asked
               union
               select e.event_id, e.job_id from (select distinct flow_id from asked where flow_id is not null) f
               cross join lateral (select event_id, job_id from audit_events where tenant_id = $1 and flow_id = f.flow_id
                   order by event_id limit $3) e)
           select event_id as "event_id!" from (
               select event_id from travelled
               union
               select e.event_id from (select distinct job_id from travelled where job_id is not null) j
               cross join lateral (select event_id from audit_events where tenant_id = $1 and job_id = j.job_id
                   order by event_id limit $3) e) t
           order by event_id limit $3"#,
        scope.id(),
        request,
        JOURNEY,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut found = load(conn, scope, &events).await?;
    Ok(events.iter().filter_map(|event| found.remove(event)).collect())
}
