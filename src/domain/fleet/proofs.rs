//! Proofs of possession that were used: none is taken a second time, by whichever node, also after a restart.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Agent, Row};
use crate::base::{clock::Clock, id};

/// The row that tells whether the table is whole: see the migration.
const WHOLE: [u8; 32] = [0; 32];

/// What is used up, and by whom it is said to be.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Nobody's yet, where the key is all that is known.
    pub agent: Option<Uuid>,
    hash: Vec<u8>,
    /// Seconds since 1970 at which it can no longer be accepted.
    until: i64,
}

impl Proof {
    /// Named by a key's thumbprint and an id of its own.
    pub fn new(agent: Option<Uuid>, thumbprint: &str, jti: &str, until: i64) -> Self {
        Self { agent, hash: id::sha256(format!("{thumbprint} {jti}").as_bytes()), until }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    Now,
    Before,
    /// It may have been used: the database has crashed since it was made. Another one will do.
    Perhaps,
}

/// Use these up; one answer each, in order, with the agent's row as it is at this moment. Only for keys that are known: anybody can
/// make proofs.
pub async fn use_up(conn: &mut PgConnection, clock: &Clock, proofs: &[Proof]) -> Result<Vec<(Used, Option<Agent>)>> {
    let now = clock.now();
    let hashes: Vec<&[u8]> = proofs.iter().map(|proof| proof.hash.as_slice()).collect();
    let untils = proofs.iter().map(|proof| OffsetDateTime::from_unix_timestamp(proof.until)).collect::<Result<Vec<_>, _>>()?;
    let agents: Vec<Option<Uuid>> = proofs.iter().map(|proof| proof.agent).collect();
    // In the order of the key, so that two nodes that meet do not wait for one another in a circle.
    let rows = sqlx::query!(
        r#"with fresh as (
               insert into used_proofs (proof, until)
               select proof, until from unnest($1::bytea[], $2::timestamptz[]) as r (proof, until) order by proof
               on conflict do nothing returning proof)
           select r.n as "n!", exists (select 1 from fresh where proof = r.proof) as "fresh!",
               (select until from used_proofs where proof = $4) as whole, a.agent_id as "agent_id?", a.tenant_id as "tenant_id?",
               a.connector_id as "connector_id?", a.name as "name?", a.identity as "identity?", a.status as "status?", a.last_seen_at
           from unnest($1::bytea[], $3::uuid[]) with ordinality as r (proof, agent_id, n)
           left join agents a on a.agent_id = r.agent_id"#,
        &hashes as &[&[u8]],
        &untils,
        &agents as &[Option<Uuid>],
        &WHOLE[..],
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut whole = rows.first().and_then(|row| row.whole);
    if whole.is_none() && !proofs.is_empty() {
        whole = Some(forgot(conn, now).await?);
    }
    let (mut seen, mut answers) = (BTreeSet::new(), BTreeMap::new());
    for row in rows {
        let n = usize::try_from(row.n - 1)?;
        let used = if !row.fresh || !seen.insert(hashes[n]) {
            Used::Before
        } else if whole.is_some_and(|whole| untils[n] <= whole) {
            Used::Perhaps
        } else {
            Used::Now
        };
        let agent = match (row.agent_id, row.tenant_id, row.connector_id, row.name, row.identity, row.status) {
            (Some(agent_id), Some(tenant_id), Some(connector_id), Some(name), Some(identity), Some(status)) => {
                Some(Row { agent_id, tenant_id, connector_id, name, identity, status, last_seen_at: row.last_seen_at }.into())
            }
            _ => None,
        };
        answers.insert(n, (used, agent));
    }
    Ok(answers.into_values().collect())
}

/// The table was emptied by a crash: what was made until now may have been used.
async fn forgot(conn: &mut PgConnection, now: OffsetDateTime) -> Result<OffsetDateTime> {
    tracing::warn!("the database has crashed: proofs made before now are refused, agents make new ones");
    let until = now + Duration::seconds(crate::wire::jws::SKEW + 1);
    sqlx::query!("insert into used_proofs (proof, until) values ($1, $2) on conflict do nothing", &WHOLE[..], until).execute(conn).await?;
    Ok(until)
}

/// Forget what no clock of ours would accept any more.
pub async fn forget_used(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from used_proofs where until < $1 and proof <> $2", clock.now() - Duration::minutes(5), &WHOLE[..])
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
