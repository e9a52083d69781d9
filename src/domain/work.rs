//! Proof of work (ALTCHA, protocol v2): before anything is looked up or sent for a stranger, their browser computes for a moment, which costs
//! a person nothing and somebody who asks ten thousand times a lot. Never a puzzle.
//!
//! A challenge is nothing but its signature's word: nothing of it is kept until it comes back solved. Then it is good once, over all nodes.
//! How much is asked for rises with what came in the last minute, at the tenant and from the same network.

use std::collections::{BTreeMap, HashMap};

use altcha::{Challenge, CreateChallengeOptions, Payload, VerifySolutionOptions, create_challenge, verify_solution};
use anyhow::{Result, anyhow};
use data_encoding::{BASE64, HEXLOWER};
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::tenants::Scope;
use crate::base::clock::Clock;

/// How long a challenge may be answered.
pub const LIFETIME: Duration = Duration::minutes(10);
/// Hashing that is slow everywhere alike: of one round, PBKDF2 makes as many as are asked for.
const ALGORITHM: &str = "PBKDF2/SHA-256";
/// Longer than any answer to a challenge of ours.
const LONGEST_ANSWER: usize = 4096;
/// So many proofs in a minute ask for no more than the least: of a tenant, and of a network.
const CALM: i64 = 60;
const CALM_NETWORK: i64 = 12;
/// The most that is asked for, in terms of the least.
const STEEPEST: u32 = 16;

/// What came in the last minute, where it was more than calm.
#[derive(Debug, Default)]
pub struct Load {
    tenants: HashMap<Uuid, i64>,
    networks: HashMap<(Uuid, Vec<u8>), i64>,
}

impl Load {
    /// How many times the least is asked for now: double for each fourfold at the tenant, and for each double from one network.
    pub fn factor(&self, scope: &Scope, network: &[u8]) -> u32 {
        let tenant = self.tenants.get(&scope.id()).copied().unwrap_or_default();
        let network = self.networks.get(&(scope.id(), network.to_vec())).copied().unwrap_or_default();
        rise(tenant, CALM, 4).max(rise(network, CALM_NETWORK, 2))
    }
}

/// Doubles each time that `count` is so many `times` the `calm` one.
fn rise(count: i64, calm: i64, times: i64) -> u32 {
    let (mut factor, mut next) = (1, calm);
    while count > next && factor < STEEPEST {
        (factor, next) = (factor * 2, next * times);
    }
    factor
}

/// A new challenge, as JSON: on average `thousands` of rounds are needed.
pub fn ask(scope: &Scope, clock: &Clock, thousands: u32) -> Result<String> {
    // A try in 256 fits, or one in 4096: so that checking stays cheap however much is asked for.
    let (prefix, tries) = if thousands > 1024 { ("000", 4096) } else { ("00", 256) };
    let options = CreateChallengeOptions {
        algorithm: ALGORITHM.to_owned(),
        cost: (thousands.saturating_mul(1000) / tries).max(1),
        key_prefix: prefix.to_owned(),
        // By our clock, not by the machine's, which the crate would ask for its own expiry.
        data: Some(BTreeMap::from([("until".to_owned(), (clock.seconds() + LIFETIME.whole_seconds()).into())])),
        hmac_signature_secret: Some(secret(scope)),
        ..CreateChallengeOptions::default()
    };
    Ok(serde_json::to_string(&create_challenge(options).map_err(|error| anyhow!("a challenge: {error}"))?)?)
}

/// Each tenant's own: a proof for one portal is worth nothing at another.
fn secret(scope: &Scope) -> String {
    HEXLOWER.encode(&scope.key().hash(b"proof of work", b""))
}

/// What an answer is worth, before it is known whether it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Solved; by this the challenge is [`spend`]t.
    Good(Vec<u8>),
    Missing,
    /// No challenge of ours, or not solved.
    Wrong,
    /// Too late.
    Over,
}

/// Look at an answer: base64 of challenge and solution. Under a millisecond.
pub fn check(scope: &Scope, clock: &Clock, answer: &str) -> Checked {
    if answer.is_empty() {
        return Checked::Missing;
    }
    let parsed = Some(answer).filter(|answer| answer.len() <= LONGEST_ANSWER).and_then(|answer| BASE64.decode(answer.as_bytes()).ok());
    let Some(Payload { challenge, solution }) = parsed.and_then(|json| serde_json::from_slice(&json).ok()) else { return Checked::Wrong };
    // The signature first: what is not ours is not computed.
    let verified = verify_solution(VerifySolutionOptions::new(&challenge, &solution, secret(scope)));
    let Some(signature) = signature(&challenge).filter(|_| verified.is_ok_and(|result| result.verified)) else { return Checked::Wrong };
    let until = challenge.parameters.data.and_then(|data| data.get("until")?.as_i64());
    match until {
        Some(until) if until > clock.seconds() => Checked::Good(signature),
        _ => Checked::Over,
    }
}

fn signature(challenge: &Challenge) -> Option<Vec<u8>> {
    HEXLOWER.decode(challenge.signature.as_ref()?.as_bytes()).ok()
}

/// Use a challenge up. False for all but one of those who try, on whichever node.
pub async fn spend(conn: &mut PgConnection, scope: &Scope, clock: &Clock, challenge: &[u8], network: &[u8]) -> Result<bool> {
    let done = sqlx::query!(
        "insert into spent_work (tenant_id, challenge, network, at) values ($1, $2, $3, $4) on conflict do nothing",
        scope.id(),
        challenge,
        network,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How busy it is, everywhere.
pub async fn load(conn: &mut PgConnection, clock: &Clock) -> Result<Load> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id!", network as "network?", count(*) as "count!" from spent_work where at > $1
           group by grouping sets ((tenant_id), (tenant_id, network))
           having count(*) > case when grouping(network) = 1 then $2::bigint else $3::bigint end"#,
        clock.now() - Duration::MINUTE,
        CALM,
        CALM_NETWORK,
    )
    .fetch_all(conn)
    .await?;
    let mut load = Load::default();
    for row in rows {
        match row.network {
            Some(network) => load.networks.insert((row.tenant_id, network), row.count),
            None => load.tenants.insert(row.tenant_id, row.count),
        };
    }
    Ok(load)
}

/// Forget what could not be used again anyhow.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from spent_work where at < $1", clock.now() - LIFETIME - Duration::MINUTE).execute(conn).await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::rise;

    #[test]
    fn more_is_asked_for_the_more_come() {
        let rises = |calm, times| [0, 60, 61, 240, 241, 960, 961, 100_000].map(|count| rise(count, calm, times));
        assert_eq!(rises(60, 4), [1, 1, 2, 2, 4, 4, 8, 16]);
        assert_eq!([12, 13, 24, 25, 49, 97, 1000].map(|count| rise(count, 12, 2)), [1, 2, 2, 4, 8, 16, 16]);
    }
}
