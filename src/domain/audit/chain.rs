//! The place of each line: chained per tenant, shortly after the commit, by one worker at a time. The hot paths do nothing for it but
//! to write down which lines wait, so they never wait for one another.
//!
//! A line that commits late is chained late: the order of the chain is that of chaining, within a round that of the ids.

use std::collections::HashMap;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    checkpoint::{self, Checkpoint},
    stored::{self, Hash, Stored},
};
use crate::{base::clock::Clock, domain::tenants::Scope};

/// Lines in one round, hence in one transaction.
pub const MOST: usize = 1000;

/// The last line of a chain; of one that has none yet, nought and zeros.
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: Hash,
}

pub(super) fn hash(bytes: Vec<u8>) -> Result<Hash> {
    bytes.try_into().ok().context("a hash has 32 bytes")
}

/// Behind a cut, what was cut counts.
pub(super) async fn head(conn: &mut PgConnection, scope: &Scope) -> Result<Head> {
    let row = sqlx::query!(
        r#"select seq as "seq!", hash as "hash!" from (
               (select seq, hash from audit_chain where tenant_id = $1 order by seq desc limit 1)
               union all
               (select seq, hash from audit_checkpoints where tenant_id = $1 and kind = 'cut' order by seq desc limit 1)) h
           order by seq desc limit 1"#,
        scope.id(),
    )
    .fetch_optional(conn)
    .await?;
    match row {
        Some(row) => Ok(Head { seq: row.seq, hash: hash(row.hash)? }),
        None => Ok(Head { seq: 0, hash: [0; 32] }),
    }
}

/// Until the end of the transaction nobody else lengthens or cuts this chain. False: somebody is at it.
pub(super) async fn lock(conn: &mut PgConnection, scope: &Scope) -> Result<bool> {
    let is_ours =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('audit chain ' || $1::uuid, 0)) as "ours!""#, scope.id());
    Ok(is_ours.fetch_one(conn).await?)
}

/// Whose lines wait for their place.
pub async fn waiting(conn: &mut PgConnection) -> Result<Vec<Uuid>> {
    let tenants = sqlx::query_scalar!(
        r#"select tenant_id as "tenant_id!" from (select tenant_id from audit_unchained union select tenant_id from audit_backlogs) w"#,
    );
    Ok(tenants.fetch_all(conn).await?)
}

/// Give what waits its place, and sign how far the chain goes if that is due. Answers how many lines it were: as many as fit into a round,
/// and there may be more; none where another node is at it.
pub async fn chain(conn: &mut PgConnection, scope: &Scope, clock: &Clock) -> Result<usize> {
    if !lock(&mut *conn, scope).await? {
        return Ok(0);
    }
    let before = head(&mut *conn, scope).await?;
    let events = next(&mut *conn, scope).await?;
    if events.is_empty() {
        return Ok(0);
    }
    let mut lines = stored::load(&mut *conn, scope.id(), &events).await?;
    for placed in placed(&mut *conn, scope, &events).await? {
        lines.remove(&placed);
    }
    let kinds = kinds(&mut *conn, scope, lines.values()).await?;
    let (mut head, mut places) = (before, Places::default());
    for event in &events {
        let Some(line) = lines.remove(event) else { continue };
        head = Head { seq: head.seq + 1, hash: line.hash(&head.hash, head.seq + 1) };
        places.seqs.push(head.seq);
        places.events.push(*event);
        places.kinds.push(kinds[&owned(line.kind())]);
        places.hashes.push(head.hash.to_vec());
    }
    places.write(&mut *conn, scope).await?;
    sqlx::query!("delete from audit_unchained where tenant_id = $1 and event_id = any($2)", scope.id(), &events)
        .execute(&mut *conn)
        .await?;
    checkpoint::sign(conn, scope, clock, false).await?;
    Ok(events.len())
}

/// Sign how far the chain goes, if a word about it is due; `now`: in any case, after whoever is at it. Answers the newest word.
pub async fn sign(conn: &mut PgConnection, scope: &Scope, clock: &Clock, now: bool) -> Result<Option<Checkpoint>> {
    if now {
        sqlx::query!(r#"select pg_advisory_xact_lock(hashtextextended('audit chain ' || $1::uuid, 0)) is null as "held!""#, scope.id())
            .fetch_one(&mut *conn)
            .await?;
    } else if !lock(&mut *conn, scope).await? {
        return checkpoint::newest(conn, scope, checkpoint::Kind::Head).await;
    }
    checkpoint::sign(conn, scope, clock, now).await
}

/// The next lines in the order of their ids; those from before there were chains come first.
async fn next(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Uuid>> {
    let backlog = sqlx::query_scalar!(
        r#"select e.event_id from audit_backlogs b, lateral (
               select event_id from audit_events
               where tenant_id = $1 and event_id <= b.upto and event_id > coalesce(
                   (select event_id from audit_chain where tenant_id = $1 order by seq desc limit 1), '00000000-0000-0000-0000-000000000000')
               order by event_id limit $2) e
           where b.tenant_id = $1 order by e.event_id"#,
        scope.id(),
        i64::try_from(MOST)?,
    )
    .fetch_all(&mut *conn)
    .await?;
    if !backlog.is_empty() {
        return Ok(backlog);
    }
    sqlx::query!("delete from audit_backlogs where tenant_id = $1", scope.id()).execute(&mut *conn).await?;
    // A line that is not there any more waits on, for sspr audit verify to find. `offset 0`: line by line, however many wait.
    let waiting = sqlx::query_scalar!(
        "select e.event_id from (select event_id from audit_unchained where tenant_id = $1 order by event_id) u
         cross join lateral (select event_id from audit_events where tenant_id = $1 and event_id = u.event_id offset 0) e limit $2",
        scope.id(),
        i64::try_from(MOST)?,
    );
    Ok(waiting.fetch_all(conn).await?)
}

/// Those that have a place already: they were brought back from a backup line by line, and wait for nothing.
async fn placed(conn: &mut PgConnection, scope: &Scope, events: &[Uuid]) -> Result<Vec<Uuid>> {
    let placed = sqlx::query_scalar!("select event_id from audit_chain where tenant_id = $1 and event_id = any($2)", scope.id(), events);
    Ok(placed.fetch_all(conn).await?)
}

#[derive(Default)]
struct Places {
    seqs: Vec<i64>,
    events: Vec<Uuid>,
    kinds: Vec<i32>,
    hashes: Vec<Vec<u8>>,
}

impl Places {
    async fn write(&self, conn: &mut PgConnection, scope: &Scope) -> Result<()> {
        sqlx::query!(
            "insert into audit_chain (tenant_id, seq, event_id, kind, hash)
             select $1, seq, event_id, kind, hash from unnest($2::bigint[], $3::uuid[], $4::integer[], $5::bytea[])
                 as r (seq, event_id, kind, hash)",
            scope.id(),
            &self.seqs,
            &self.events,
            &self.kinds,
            &self.hashes,
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

type Kinds = HashMap<(String, String, String), i32>;

fn owned((action, outcome, actor): (&str, &str, &str)) -> (String, String, String) {
    (action.to_owned(), outcome.to_owned(), actor.to_owned())
}

/// The numbers of the kinds of these lines; makes those that are new.
async fn kinds(conn: &mut PgConnection, scope: &Scope, lines: impl Iterator<Item = &Stored>) -> Result<Kinds> {
    let rows = sqlx::query!("select kind, action, outcome, actor from audit_kinds where tenant_id = $1", scope.id());
    let rows = rows.fetch_all(&mut *conn).await?;
    let mut kinds: Kinds = rows.into_iter().map(|row| ((row.action, row.outcome, row.actor), row.kind)).collect();
    for line in lines {
        let (action, outcome, actor) = line.kind();
        let key = owned(line.kind());
        if !kinds.contains_key(&key) {
            let kind = i32::try_from(kinds.len())? + 1;
            sqlx::query!(
                "insert into audit_kinds (tenant_id, kind, action, outcome, actor) values ($1, $2, $3, $4, $5)",
                scope.id(),
                kind,
                action,
                outcome,
                actor,
            )
            .execute(&mut *conn)
            .await?;
            kinds.insert(key, kind);
        }
    }
    Ok(kinds)
}
