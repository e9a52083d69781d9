//! Jobs that follow another one: sealed and durable together with it, and handed to nobody until it has set the password. Their
//! pointers name no agent while they are held, so that no statement that leases can find one.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    State, Superseded,
    submit::{self, Given},
};
use crate::{
    base::{clock::Clock, id},
    domain::tenants::Scope,
    wire::seal::Envelope,
};

/// What the browser posted for one that follows.
pub struct Follower<'a> {
    pub scope: &'a Scope,
    /// The job that goes first; it was accepted in this very transaction.
    pub primary: Uuid,
    pub job_id: Uuid,
    pub flow_id: Uuid,
    pub envelopes: BTreeMap<Uuid, Envelope>,
    pub origin: Option<IpAddr>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Yes {
        superseded: Option<Superseded>,
    },
    /// No such ticket, too late, or another job of that account is under way.
    No,
}

/// Whose ticket it is that follows another.
pub struct Who {
    pub user_id: Uuid,
    pub connector_id: Uuid,
    /// Together with it; not afterwards, with another password.
    pub together: bool,
}

/// Remember that this ticket follows another.
pub async fn follows(conn: &mut PgConnection, scope: &Scope, primary: Uuid, job: Uuid, who: &Who) -> Result<()> {
    sqlx::query!(
        "with marked as (update jobs set part = 'follows' where job_id = $2 and $6)
         insert into linked_jobs (primary_id, job_id, tenant_id, user_id, connector_id) values ($1, $2, $3, $4, $5)",
        primary,
        job,
        scope.id(),
        who.user_id,
        who.connector_id,
        who.together,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Make it durable, and hold it. One that is not held is cancelled: nobody will have it.
pub async fn hold(conn: &mut PgConnection, clock: &Clock, follower: &Follower<'_>) -> Result<Held> {
    let now = clock.now();
    let row = sqlx::query!(
        r#"select j.connector_id, j.object_guid, j.expires_at, j.state, h.seq = j.seq as "newest!", a.job_id as "active?"
           from linked_jobs l
           cross join lateral (select connector_id, object_guid from jobs
               where job_id = l.job_id and tenant_id = $2 and flow_id = $3) o
           cross join lateral (select seq from job_heads
               where connector_id = o.connector_id and object_guid = o.object_guid for update) h
           cross join lateral (select * from jobs where job_id = l.job_id and h.seq is not null for update) j
           left join lateral (select job_id from active_jobs
               where connector_id = j.connector_id and object_guid = j.object_guid and effect for update) a on true
           where l.job_id = $1 and l.primary_id = $4 and l.tenant_id = $2"#,
        follower.job_id,
        follower.scope.id(),
        follower.flow_id,
        follower.primary,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row.filter(|row| row.state == State::Offered.as_str()) else { return Ok(Held::No) };
    let good = row.newest && row.expires_at > now && !follower.envelopes.is_empty();
    let room = if good { submit::give_way(&mut *conn, now, row.active).await? } else { None };
    let Some(Given { superseded }) = room else {
        cancel_one(conn, clock, follower.job_id).await?;
        return Ok(Held::No);
    };
    let posted = serde_json::to_vec(&follower.envelopes)?;
    let hashes: BTreeMap<Uuid, Option<String>> = follower.envelopes.iter().map(|(agent, envelope)| (*agent, envelope.hash())).collect();
    sqlx::query!(
        "with pointer as (
             insert into active_jobs (job_id, tenant_id, connector_id, object_guid, agents, expires_at) values ($1, $2, $3, $4, '{}', $5)),
         leader as (update jobs set part = 'first' where job_id = $11)
         update jobs set state = 'held', submitted_at = $6, submission = $7, hashes = $8, envelopes = $9, origin = $10::text::inet
         where job_id = $1",
        follower.job_id,
        follower.scope.id(),
        row.connector_id,
        row.object_guid,
        row.expires_at,
        now,
        id::sha256(&posted),
        serde_json::to_value(&hashes)?,
        posted,
        follower.origin.map(|origin| origin.to_string()),
        follower.primary,
    )
    .execute(conn)
    .await?;
    Ok(Held::Yes { superseded })
}

async fn cancel_one(conn: &mut PgConnection, clock: &Clock, job: Uuid) -> Result<()> {
    sqlx::query!("update jobs set state = 'cancelled', finished_at = $2 where job_id = $1 and state = 'offered'", job, clock.now())
        .execute(conn)
        .await?;
    Ok(())
}

/// A job that was held, and is no more.
#[derive(Debug, Clone)]
pub struct LetGo {
    pub tenant_id: Uuid,
    pub primary_id: Uuid,
    pub job_id: Uuid,
    pub connector_id: Uuid,
    pub user_id: Uuid,
    pub flow_id: Uuid,
}

/// These jobs have set the password: those that follow them are for their own agents now, as far as they still follow and may be served.
pub async fn release(conn: &mut PgConnection, primaries: &[Uuid]) -> Result<Vec<LetGo>> {
    let held = pointers(&mut *conn, primaries).await?;
    if held.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as!(
        LetGo,
        r#"with released as (
               update jobs j set state = 'submitted'
               from linked_jobs l join jobs p on p.job_id = l.primary_id
                   join users u on u.tenant_id = l.tenant_id and u.user_id = l.user_id and u.enabled and not u.protected
                   join connectors c on c.tenant_id = l.tenant_id and c.connector_id = l.connector_id and c.writeback
               where j.job_id = any($1) and j.state = 'held' and l.job_id = j.job_id
                   and l.user_id in (select followers_of(l.tenant_id, p.user_id))
                   and not exists (select from freezes z where z.tenant_id = l.tenant_id and z.user_id in (l.user_id, p.user_id) and z.lifted_at is null)
               returning j.job_id, j.tenant_id, j.connector_id, j.user_id, j.flow_id, j.hashes
           ), pointed as (
               update active_jobs a set agents = array(select jsonb_object_keys(r.hashes)::uuid) from released r where a.job_id = r.job_id)
           select r.tenant_id, l.primary_id, r.job_id, r.connector_id, r.user_id, r.flow_id
           from released r join linked_jobs l using (job_id)"#,
        &held,
    )
    .fetch_all(conn)
    .await?)
}

/// These jobs have not set it, or nobody knows: what follows them is given up, and its ciphertext goes.
pub async fn give_up(conn: &mut PgConnection, clock: &Clock, primaries: &[Uuid]) -> Result<Vec<LetGo>> {
    let held = pointers(&mut *conn, primaries).await?;
    if held.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as!(
        LetGo,
        r#"with ended as (
               update jobs set state = 'cancelled', finished_at = $2, envelopes = null where job_id = any($1) and state = 'held'
               returning job_id, tenant_id, connector_id, user_id, flow_id),
           gone as (delete from active_jobs where job_id = any(array(select job_id from ended)))
           select e.tenant_id, l.primary_id, e.job_id, e.connector_id, e.user_id, e.flow_id
           from ended e join linked_jobs l using (job_id)"#,
        &held,
        clock.now(),
    )
    .fetch_all(conn)
    .await?)
}

/// The pointer first, then the row, as everybody does.
async fn pointers(conn: &mut PgConnection, primaries: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select job_id from active_jobs
         where job_id in (select job_id from linked_jobs where primary_id = any($1)) and agents = '{}' order by job_id for update",
        primaries,
    )
    .fetch_all(conn)
    .await?)
}
