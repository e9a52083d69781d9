//! The sealed password that answers a ticket. Everything that may have changed since is asked again, in one statement for all that
//! come at once.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use thiserror::Error;
use time::Duration;
use uuid::Uuid;

use super::Flow;
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        queue::{self, Submission, Submitted},
        tenants::Tenant,
    },
    wire::{message::LeasedJob, seal::Envelope},
};

/// A key that ended so long ago still counts: it may have been valid when the ticket was given.
const KEY_GRACE: Duration = Duration::minutes(2);

/// What a flow's browser posted.
pub struct Sealed<'a> {
    pub tenant: &'a Tenant,
    pub source: &'a Source,
    pub flow: &'a Flow,
    pub job_id: Uuid,
    pub envelopes: &'a [Envelope],
}

/// Why a sealed job was not taken; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitRefused {
    #[error("this flow has no such ticket")]
    NoTicket,
    #[error("an envelope is malformed or for a key that was not offered")]
    Envelope,
    #[error("the ticket's time is over")]
    Expired,
    #[error("a newer ticket was given")]
    Superseded,
    #[error("an older job of this person is being applied")]
    Busy,
    #[error("this person may no longer be served")]
    NotServed,
    #[error("writeback of the connector was switched off")]
    WritebackOff,
}

/// Whom to tell.
#[derive(Debug)]
pub struct Accepted {
    pub connector: Uuid,
    /// An older job that gave way: somebody may be watching it.
    pub superseded: Option<Uuid>,
    /// For the agent that `waits` named.
    pub leased: Option<Box<LeasedJob>>,
}

/// Asked for the n-th of the batch: does one of these agents of the connector wait for a job at this moment?
pub type Waits<'a> = &'a mut (dyn FnMut(usize, Uuid, &mut dyn Iterator<Item = Uuid>) -> Option<Uuid> + Send);

/// Take sealed jobs, one answer each, in order. `Ok` is also the answer to the very same job sent again. No job may be named twice,
/// and they come ordered by person.
pub async fn submit(
    conn: &mut PgConnection,
    clock: &Clock,
    sealed: &[Sealed<'_>],
    waits: Waits<'_>,
) -> Result<Vec<Result<Accepted, SubmitRefused>>> {
    let mut gates = gates(&mut *conn, clock, sealed).await?;
    let mut answers: Vec<Result<Accepted, SubmitRefused>> = Vec::with_capacity(sealed.len());
    // Which of the batch passed, and whose they are.
    let (mut passed, mut submissions) = (Vec::new(), Vec::new());
    for (n, sealed) in sealed.iter().enumerate() {
        let gate = gates.remove(&i64::try_from(n + 1)?);
        answers.push(match admit(gate, sealed.envelopes) {
            Err(refused) => Err(refused),
            Ok(Gate { user, connector, envelopes }) => {
                let to = waits(n, connector, &mut envelopes.keys().copied());
                submissions.push(Submission {
                    scope: &sealed.tenant.scope,
                    job_id: sealed.job_id,
                    flow_id: sealed.flow.flow_id,
                    envelopes,
                    origin: sealed.source.address,
                    to,
                });
                passed.push((n, user, to));
                Ok(Accepted { connector, superseded: None, leased: None })
            }
        });
    }
    if submissions.is_empty() {
        return Ok(answers);
    }
    let mut lines = Vec::new();
    let agents: Vec<Option<Source>> = passed.iter().map(|(_, _, to)| to.map(Source::agent)).collect();
    for (((n, user, _), agent), submitted) in passed.iter().zip(&agents).zip(queue::submit(&mut *conn, clock, &submissions).await?) {
        let (n, sealed) = (*n, &sealed[*n]);
        let refused = match submitted {
            Submitted::Again => continue,
            Submitted::Accepted { superseded, leased } => {
                if let (Some(job), Some(agent)) = (&leased, agent) {
                    lines.push((n, 1, agent, super::settle::leased(job)));
                }
                if let Some(older) = superseded {
                    let event = Event { action: "reset.superseded", outcome: "superseded", user: Some(*user), ..Event::default() };
                    lines.push((n, 2, sealed.source, Event { flow: Some(older.flow_id), job: Some(older.job_id), ..event }));
                }
                if let Ok(accepted) = &mut answers[n] {
                    (accepted.superseded, accepted.leased) = (superseded.map(|older| older.job_id), leased);
                }
                None
            }
            Submitted::NoTicket => Some(SubmitRefused::NoTicket),
            Submitted::Expired => Some(SubmitRefused::Expired),
            Submitted::Superseded => Some(SubmitRefused::Superseded),
            Submitted::Busy => Some(SubmitRefused::Busy),
        };
        let event = Event {
            action: "reset.submit",
            outcome: if refused.is_none() { "accepted" } else { "refused" },
            user: Some(*user),
            flow: Some(sealed.flow.flow_id),
            job: Some(sealed.job_id),
            detail: refused.map_or_else(|| serde_json::json!({}), |why| serde_json::json!({ "why": why.to_string() })),
        };
        lines.push((n, 0, sealed.source, event));
        if let Some(refused) = refused {
            answers[n] = Err(refused);
        }
    }
    lines.sort_by_key(|(n, step, ..)| (*n, *step));
    let lines = lines.into_iter().map(|(n, _, source, event)| (&sealed[n].tenant.scope, source, event)).collect();
    audit::record_all(conn, clock, lines).await?;
    Ok(answers)
}

/// What must hold besides the ticket itself.
struct Gate {
    user: Uuid,
    connector: Uuid,
    /// By the agent that each is for.
    envelopes: BTreeMap<Uuid, Envelope>,
}

fn admit(row: Option<Row>, envelopes: &[Envelope]) -> Result<Gate, SubmitRefused> {
    let row = row.ok_or(SubmitRefused::NoTicket)?;
    let (Some(user), Some(connector)) = (row.user_id, row.connector_id) else { return Err(SubmitRefused::NotServed) };
    if row.writeback != Some(true) {
        return Err(SubmitRefused::WritebackOff);
    }
    let owner = |key: &str| row.owners.as_ref()?.get(key)?.as_str()?.parse().ok();
    let mut by_agent = BTreeMap::new();
    for envelope in envelopes {
        let agent = owner(&envelope.key).filter(|_| envelope.is_well_formed()).ok_or(SubmitRefused::Envelope)?;
        if by_agent.insert(agent, envelope.clone()).is_some() {
            return Err(SubmitRefused::Envelope);
        }
    }
    if by_agent.is_empty() { Err(SubmitRefused::Envelope) } else { Ok(Gate { user, connector, envelopes: by_agent }) }
}

struct Row {
    n: i64,
    user_id: Option<Uuid>,
    connector_id: Option<Uuid>,
    writeback: Option<bool>,
    owners: Option<serde_json::Value>,
}

/// The flows, locked, so that two tabs come one after the other; the people, if self-service may still serve them; the agents, of
/// those that are trusted now, to whom the keys belong.
async fn gates(conn: &mut PgConnection, clock: &Clock, sealed: &[Sealed<'_>]) -> Result<BTreeMap<i64, Row>> {
    let column = |of: fn(&Sealed<'_>) -> Uuid| sealed.iter().map(of).collect::<Vec<_>>();
    let keys = |sealed: &Sealed<'_>| sealed.envelopes.iter().map(|envelope| envelope.key.as_str()).collect::<Vec<_>>().join(" ");
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", f.user_id, s.connector_id as "connector_id?", s.writeback as "writeback?", o.owners
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) with ordinality as r (tenant_id, flow_id, job_id, keys, n)
           cross join lateral (select user_id from flows
               where tenant_id = r.tenant_id and flow_id = r.flow_id and job_id = r.job_id and state = 'verified' for update) f
           left join lateral (select u.connector_id, c.writeback
               from users u join connectors c using (tenant_id, connector_id) join tenants t using (tenant_id)
               where u.tenant_id = r.tenant_id and u.user_id = f.user_id and u.removed_at is null and u.enabled and not u.protected
                   and t.self_service) s on true
           left join lateral (select jsonb_object_agg(k.key_id, k.agent_id) as owners
               from sealing_keys k join agents a using (tenant_id, agent_id)
               where a.tenant_id = r.tenant_id and a.connector_id = s.connector_id and a.status = 'active'
                   and k.key_id = any(string_to_array(r.keys, ' ')) and k.not_after > $5) o on true"#,
        &column(|sealed| sealed.tenant.scope.id()),
        &column(|sealed| sealed.flow.flow_id),
        &column(|sealed| sealed.job_id),
        &sealed.iter().map(keys).collect::<Vec<_>>(),
        clock.now() - KEY_GRACE,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.n, row)).collect())
}
