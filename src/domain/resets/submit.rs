//! The sealed password that answers a ticket. Everything that may have changed since is asked again, in one statement for all that
//! come at once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;
use sqlx::{PgConnection, types::Json};
use thiserror::Error;
use time::Duration;
use uuid::Uuid;

use super::{Following, Purpose, Step, linked};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Lines, Source},
        queue::{self, Posted, State, Submission, Submitted},
        tenants::Tenant,
    },
    wire::{message::LeasedJob, seal::Envelope, ticket::Kind},
};

/// A key that ended so long ago still counts: it may have been valid when the ticket was given.
pub const KEY_GRACE: Duration = Duration::minutes(2);

/// What a browser posted.
pub struct Sealed<'a> {
    pub tenant: &'a Tenant,
    pub source: &'a Source,
    /// The cookie's hash: whose flow it is.
    pub browser: &'a [u8],
    pub job_id: Uuid,
    pub envelopes: &'a [Envelope],
    /// For the accounts that follow.
    pub following: &'a [Following<'a>],
}

/// Why a sealed job was not taken; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitRefused {
    #[error("this browser has no flow, or it is over")]
    NoFlow,
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
    #[error("the account is frozen")]
    Frozen,
}

/// Whom to tell.
#[derive(Debug)]
pub struct Accepted {
    pub connector: Uuid,
    /// Older jobs that gave way: somebody may be watching them.
    pub superseded: Vec<Uuid>,
    /// For the agent that `waits` named.
    pub leased: Option<Box<LeasedJob>>,
}

/// Asked for the n-th of the batch: does one of these agents of the connector wait for a job at this moment?
pub type Waits<'a> = &'a mut (dyn FnMut(usize, Uuid, &mut dyn Iterator<Item = Uuid>) -> Option<Uuid> + Send);

/// What may be submitted, and for whom.
pub struct Admitted<'a> {
    sealed: &'a Sealed<'a>,
    user: Uuid,
    flow: Uuid,
    pub connector: Uuid,
    posted: Posted<'a>,
    /// The agent that gets it at once.
    to: Option<Source>,
}

impl Admitted<'_> {
    /// Others follow it: to be taken with them, in one transaction.
    pub const fn leads(&self) -> bool {
        !self.sealed.following.is_empty()
    }

    /// All that is about one person stands together, in this order.
    pub const fn order(&self) -> (Uuid, Uuid) {
        (self.user, self.sealed.job_id)
    }
}

/// Let pass what a flow was given a ticket for, and nothing else; one answer each, in order.
pub async fn admit<'a>(
    conn: &mut PgConnection,
    clock: &Clock,
    sealed: &'a [Sealed<'a>],
    waits: Waits<'_>,
) -> Result<Vec<Result<Admitted<'a>, SubmitRefused>>> {
    let mut gates = gates(conn, clock, sealed).await?;
    let admit = |(n, sealed): (usize, &'a Sealed<'a>)| {
        let gate = match pass(gates.remove(&i64::try_from(n + 1)?), sealed) {
            Ok(gate) if gate.kind.is_effect() => gate,
            Ok(_) => return Ok(Err(SubmitRefused::NoTicket)),
            Err(refused) => return Ok(Err(refused)),
        };
        let mut able = gate.envelopes.keys().copied().filter(|agent| gate.able.contains(agent));
        let to = waits(n, gate.connector, &mut able);
        let submission = Submission {
            scope: &sealed.tenant.scope,
            job_id: sealed.job_id,
            flow_id: gate.flow,
            kind: gate.kind,
            envelopes: gate.envelopes,
            origin: sealed.source.address,
            to,
        };
        let posted = Posted::new(submission)?;
        Ok(Ok(Admitted { sealed, user: gate.user, flow: gate.flow, connector: gate.connector, posted, to: to.map(Source::agent) }))
    };
    sealed.iter().enumerate().map(admit).collect()
}

/// Take admitted jobs that nothing stands in the way of, one answer each, in order; `None` for what [`submit_closely`] must look at. One
/// statement, good by itself. No job may be named twice, and they come ordered by person.
pub async fn submit(conn: &mut PgConnection, clock: &Clock, admitted: &[&Admitted<'_>]) -> Result<Vec<Option<Accepted>>> {
    let posted: Vec<_> = admitted.iter().map(|admitted| &admitted.posted).collect();
    let submitted = queue::submit(conn, clock, &posted, &acceptances(clock, admitted)).await?;
    let answer = |(admitted, submitted): (&&Admitted<'_>, Option<Submitted>)| match submitted {
        Some(Submitted::Accepted { leased, .. }) => Some(Accepted { connector: admitted.connector, superseded: Vec::new(), leased }),
        _ => None,
    };
    Ok(admitted.iter().zip(submitted).map(answer).collect())
}

/// The same under lock, in a transaction that is the caller's. `Ok` is also the answer to the very same job sent again.
pub async fn submit_closely(
    conn: &mut PgConnection,
    clock: &Clock,
    admitted: &[&Admitted<'_>],
) -> Result<Vec<Result<Accepted, SubmitRefused>>> {
    let posted: Vec<_> = admitted.iter().map(|admitted| &admitted.posted).collect();
    let submitted = queue::submit_closely(&mut *conn, clock, &posted, &acceptances(clock, admitted)).await?;
    let (mut lines, mut answers) = (Vec::new(), Vec::new());
    for (admitted, submitted) in admitted.iter().zip(submitted) {
        let Admitted { sealed, connector, user, .. } = **admitted;
        let refused = match submitted {
            Submitted::Again => {
                answers.push(Ok(Accepted { connector, superseded: Vec::new(), leased: None }));
                continue;
            }
            Submitted::Accepted { superseded, leased } => {
                if let Some(older) = superseded {
                    let event = Event { action: "reset.superseded", outcome: "superseded", user: Some(user), ..Event::default() };
                    lines.push((
                        &sealed.tenant.scope,
                        sealed.source,
                        Event { flow: Some(older.flow_id), job: Some(older.job_id), ..event },
                    ));
                }
                let mut superseded: Vec<Uuid> = superseded.map(|older| older.job_id).into_iter().collect();
                if admitted.leads() {
                    let (scope, first) = (&sealed.tenant.scope, (sealed.job_id, admitted.flow));
                    superseded.extend(linked::hold(&mut *conn, scope, clock, sealed.source, first, sealed.following).await?);
                }
                answers.push(Ok(Accepted { connector, superseded, leased }));
                continue;
            }
            Submitted::NoTicket => SubmitRefused::NoTicket,
            Submitted::Expired => SubmitRefused::Expired,
            Submitted::Superseded => SubmitRefused::Superseded,
            Submitted::Busy => SubmitRefused::Busy,
        };
        let event = Event { outcome: "refused", detail: serde_json::json!({ "why": refused.to_string() }), ..acceptance(admitted) };
        lines.push((&sealed.tenant.scope, sealed.source, event));
        answers.push(Err(refused));
    }
    audit::record_all(&mut *conn, clock, lines).await?;
    // What followed an older job that gave way goes with it.
    let mut gone = Vec::new();
    for (admitted, answer) in admitted.iter().zip(&answers) {
        let older = answer.as_ref().map(|accepted| accepted.superseded.as_slice()).unwrap_or_default();
        gone.extend(older.iter().map(|job| (&admitted.sealed.tenant.scope, admitted.sealed.source, *job, State::Superseded)));
    }
    if !gone.is_empty() {
        linked::after(conn, clock, &gone).await?;
    }
    Ok(answers)
}

/// The audit lines of all of them, should they be accepted.
fn acceptances<'a>(clock: &Clock, admitted: &[&'a Admitted<'_>]) -> Lines<'a> {
    let mut lines = Vec::new();
    for admitted in admitted {
        let (scope, job) = (&admitted.sealed.tenant.scope, admitted.sealed.job_id);
        lines.push((scope, admitted.sealed.source, acceptance(admitted)));
        if let (Some(agent), Some(lease)) = (&admitted.to, admitted.posted.lease) {
            lines.push((scope, agent, super::settle::leased(job, lease, 1)));
        }
    }
    Lines::new(clock, lines)
}

fn acceptance(admitted: &Admitted<'_>) -> Event {
    Event {
        action: "reset.submit",
        outcome: "accepted",
        user: Some(admitted.user),
        flow: Some(admitted.flow),
        job: Some(admitted.sealed.job_id),
        ..Event::default()
    }
}

/// The gate for one.
pub(super) async fn gate(conn: &mut PgConnection, clock: &Clock, sealed: &Sealed<'_>) -> Result<Result<Gate, SubmitRefused>> {
    let one = Sealed { following: &[], ..*sealed };
    Ok(pass(gates(conn, clock, &[one]).await?.remove(&1), sealed))
}

/// What must hold besides the ticket itself.
pub(super) struct Gate {
    pub user: Uuid,
    pub flow: Uuid,
    /// What such a flow may be given a ticket for.
    pub kind: Kind,
    pub connector: Uuid,
    /// By the agent that each is for.
    pub envelopes: BTreeMap<Uuid, Envelope>,
    /// Agents of these that see their directory.
    able: BTreeSet<Uuid>,
}

fn pass(row: Option<Row>, sealed: &Sealed<'_>) -> Result<Gate, SubmitRefused> {
    let row = row.ok_or(SubmitRefused::NoFlow)?;
    if !row.verified || row.job_id != Some(sealed.job_id) {
        return Err(SubmitRefused::NoTicket);
    }
    if row.frozen {
        return Err(SubmitRefused::Frozen);
    }
    let (Some(user), Some(connector)) = (row.user_id, row.connector_id) else { return Err(SubmitRefused::NotServed) };
    if row.writeback != Some(true) {
        return Err(SubmitRefused::WritebackOff);
    }
    let page = if row.aimed { Some(Step::Password) } else { Purpose::parse(&row.purpose).map(Purpose::page) };
    let kind = Purpose::parse(&row.purpose).zip(page).and_then(|(purpose, page)| purpose.kind(page)).ok_or(SubmitRefused::NoTicket)?;
    let (mut envelopes, mut able) = (BTreeMap::new(), BTreeSet::new());
    for envelope in sealed.envelopes {
        let owner = row.owners.get(&envelope.key).filter(|_| envelope.is_well_formed()).ok_or(SubmitRefused::Envelope)?;
        if envelopes.insert(owner.agent, envelope.clone()).is_some() {
            return Err(SubmitRefused::Envelope);
        }
        if owner.able {
            able.insert(owner.agent);
        }
    }
    if envelopes.is_empty() { Err(SubmitRefused::Envelope) } else { Ok(Gate { user, flow: row.flow_id, kind, connector, envelopes, able }) }
}

struct Row {
    n: i64,
    flow_id: Uuid,
    purpose: String,
    aimed: bool,
    verified: bool,
    job_id: Option<Uuid>,
    user_id: Option<Uuid>,
    connector_id: Option<Uuid>,
    writeback: Option<bool>,
    frozen: bool,
    owners: Json<BTreeMap<String, Owner>>,
}

/// Of a key.
#[derive(Deserialize)]
struct Owner {
    agent: Uuid,
    /// Sees its directory.
    able: bool,
}

/// The flows, still alive; the people, if self-service may still serve them; the agents, of those that are trusted now, to whom the
/// keys belong. (Postgres takes a `coalesce` for something that might leak, and would read all people of the tenant before it behind the
/// wall.) What was begun from within a session ends with it. Not locked: a flow's next ticket takes the lock of its person's head first, as a submit does.
async fn gates(conn: &mut PgConnection, clock: &Clock, sealed: &[Sealed<'_>]) -> Result<BTreeMap<i64, Row>> {
    let keys = |sealed: &Sealed<'_>| sealed.envelopes.iter().map(|envelope| envelope.key.as_str()).collect::<Vec<_>>().join(" ");
    let now = clock.now();
    let rows = sqlx::query_as!(
        Row,
        r#"select r.n as "n!", f.flow_id, f.purpose, f.aim_id is not null as "aimed!", f.state = 'verified' as "verified!", f.job_id, coalesce(f.aim_id, f.user_id) as user_id, s.connector_id as "connector_id?",
               s.writeback as "writeback?", f.frozen or exists (select from freezes z where z.tenant_id = f.tenant_id and z.user_id in (f.user_id, f.aim_id) and z.lifted_at is null) as "frozen!",
               o.owners as "owners!: Json<BTreeMap<String, Owner>>"
           from unnest($1::uuid[], $2::bytea[], $3::text[]) with ordinality as r (tenant_id, browser_hash, keys, n)
           join flows f on f.tenant_id = r.tenant_id and f.browser_hash = r.browser_hash and f.state <> 'ended' and f.expires_at > $4
               and (f.session_id is null or exists (select from sessions z where z.tenant_id = f.tenant_id and z.session_id = f.session_id))
           left join lateral (select u.connector_id, c.writeback
               from (select * from users where user_id = case when f.aim_id is null then f.user_id else f.aim_id end and tenant_id = r.tenant_id offset 0) u
               join connectors c using (tenant_id, connector_id) join tenants t using (tenant_id)
               where u.removed_at is null and u.enabled and not u.protected and t.self_service and lawful(r.tenant_id, f.user_id, array_remove(f.passed, 'session'),
                       case when f.purpose = 'reset' then null when f.session_id is null then 1 else 0 end::smallint)
                   and (f.aim_id is null or f.aim_id in (select followers_of(r.tenant_id, f.user_id)))) s on true
           left join lateral (select coalesce(json_object_agg(k.key_id, json_build_object('agent', k.agent_id,
                   'able', coalesce((a.health -> 'directory' ->> 'reachable')::boolean, false))), '{}') as owners
               from sealing_keys k join agents a using (tenant_id, agent_id)
               where a.tenant_id = r.tenant_id and a.connector_id = s.connector_id and a.status = 'active'
                   and k.key_id = any(string_to_array(r.keys, ' ')) and k.not_after > $5) o on true"#,
        &sealed.iter().map(|sealed| sealed.tenant.scope.id()).collect::<Vec<_>>(),
        &sealed.iter().map(|sealed| sealed.browser).collect::<Vec<_>>() as &[&[u8]],
        &sealed.iter().map(keys).collect::<Vec<_>>(),
        now,
        now - KEY_GRACE,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.n, row)).collect())
}
