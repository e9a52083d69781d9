//! People with accounts in several directories: the job of the account that they proved goes first, and its directory's policy decides;
//! the jobs of the accounts that follow it are sealed and durable together with it, and wait for its end.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Flow, Permit};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        fleet, freezes,
        queue::{self, Follower, Held, LetGo, State, Target, Who},
        tenants::Scope,
        users::{self, Linked, User},
    },
    wire::{
        outcome::{Code, Outcome},
        seal::Envelope,
        ticket::Kind,
    },
};

/// How it goes in one of the directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetView {
    pub job_id: Uuid,
    pub user_id: Uuid,
    /// The directory's name.
    pub connector: String,
    pub state: State,
    pub code: Option<Code>,
}

impl TargetView {
    /// A ticket that was not used by now never will be.
    pub const fn is_final(&self) -> bool {
        self.state.is_final() || matches!(self.state, State::Offered)
    }

    /// The password is set there.
    pub fn is_set(&self) -> bool {
        self.state == State::Applied || self.state == State::Reconciled && self.code.is_some_and(|code| code.outcome() == Outcome::Applied)
    }
}

/// The account of the job that went first, then those that follow it, each with its newest job.
pub async fn targets(conn: &mut PgConnection, scope: &Scope, first: Uuid) -> Result<Vec<TargetView>> {
    let rows = sqlx::query!(
        r#"select distinct on (a.follows, j.connector_id, j.user_id) j.job_id, j.user_id, c.name, j.state, j.code
           from (select $1::uuid as job_id, false as follows union all select job_id, true from linked_jobs where primary_id = $1) a
               join jobs j on j.job_id = a.job_id join connectors c on c.tenant_id = j.tenant_id and c.connector_id = j.connector_id
           where j.tenant_id = $2
           order by a.follows, j.connector_id, j.user_id, j.submitted_at is null, j.job_id desc"#,
        first,
        scope.id(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (state, code) = (State::parse(&row.state)?, row.code.as_deref().and_then(Code::parse));
            Ok(TargetView { job_id: row.job_id, user_id: row.user_id, connector: row.name, state, code })
        })
        .collect()
}

/// A ticket for each account that follows, where somebody is there to seal for.
pub(super) async fn offer(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    primary: (Uuid, Uuid),
) -> Result<Vec<Permit>> {
    let (user, job) = primary;
    let (mut permits, mut lines) = (Vec::new(), Vec::new());
    let follow = users::follow(&mut *conn, scope, user).await?;
    let frozen = freezes::among(&mut *conn, scope, &follow.iter().map(|linked| linked.user_id).collect::<Vec<_>>()).await?;
    for linked in follow {
        if !linked.served || frozen.contains(&linked.user_id) {
            continue;
        }
        // A directory that is away may be back while the sealed job lives.
        let Ok((recipients, _)) = fleet::patient_recipients(&mut *conn, scope, clock, linked.connector_id).await? else { continue };
        let permit = permit(&mut *conn, scope, clock, flow, &linked, recipients).await?;
        let who = Who { user_id: linked.user_id, connector_id: linked.connector_id, together: true };
        queue::follows(&mut *conn, scope, job, permit.ticket.job, &who).await?;
        lines.push((scope, source, given(&permit, linked.user_id, flow, Some(job))));
        permits.push(permit);
    }
    audit::record_all(conn, clock, lines).await?;
    Ok(permits)
}

async fn permit(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    flow: &Flow,
    linked: &Linked,
    recipients: Vec<fleet::Recipient>,
) -> Result<Permit> {
    let target =
        Target { connector_id: linked.connector_id, user_id: linked.user_id, object_guid: linked.object_guid, flow_id: flow.flow_id };
    let ticket = queue::offer(conn, scope, clock, Kind::Reset, &target).await?;
    Ok(Permit { ticket, recipients, linked: Vec::new() })
}

/// The audit line of a ticket; `follows`: the job that goes first.
pub(super) fn given(permit: &Permit, user: Uuid, flow: &Flow, follows: Option<Uuid>) -> Event {
    let mut detail = serde_json::json!({ "seq": permit.ticket.seq, "recipients": permit.recipients.len(), "kind": permit.ticket.kind });
    if let Some(primary) = follows {
        detail["follows"] = serde_json::json!(primary);
    }
    Event { action: "reset.ticket", outcome: "given", user: Some(user), flow: Some(flow.flow_id), job: Some(permit.ticket.job), detail }
}

/// What was posted for one that follows.
pub struct Following<'a> {
    pub job_id: Uuid,
    pub envelopes: &'a [Envelope],
}

/// Hold what follows a job that was accepted in this very transaction. What cannot be held is given up, and shown so: it never keeps the
/// first one from being set.
pub(super) async fn hold(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (primary, flow_id): (Uuid, Uuid),
    following: &[Following<'_>],
) -> Result<Vec<Uuid>> {
    let (mut lines, mut superseded) = (Vec::new(), Vec::new());
    for one in following {
        let row = sqlx::query!(
            r#"select l.user_id, (select jsonb_object_agg(k.key_id, k.agent_id) from sealing_keys k join agents a using (tenant_id, agent_id)
                   where a.tenant_id = l.tenant_id and a.connector_id = l.connector_id and a.status = 'active'
                       and k.not_after > $4) as owners
               from linked_jobs l join users u on u.tenant_id = l.tenant_id and u.user_id = l.user_id
                   join connectors c on c.tenant_id = l.tenant_id and c.connector_id = l.connector_id
                   join jobs p on p.job_id = l.primary_id
               where l.user_id in (select followers_of(l.tenant_id, p.user_id)) and l.job_id = $1 and l.primary_id = $2 and l.tenant_id = $3 and u.enabled and not u.protected and c.writeback
                   and not exists (select from freezes z where z.tenant_id = l.tenant_id and z.user_id in (l.user_id, p.user_id) and z.lifted_at is null)"#,
            one.job_id,
            primary,
            scope.id(),
            clock.now() - super::submit::KEY_GRACE,
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(row) = row else { continue };
        let owner = |key: &str| row.owners.as_ref()?.get(key)?.as_str()?.parse().ok();
        let by_agent: Option<BTreeMap<Uuid, Envelope>> = one
            .envelopes
            .iter()
            .map(|envelope| Some((owner(&envelope.key).filter(|_| envelope.is_well_formed())?, envelope.clone())))
            .collect();
        let envelopes = by_agent.filter(|all| all.len() == one.envelopes.len()).unwrap_or_default();
        let follower = Follower { scope, primary, job_id: one.job_id, flow_id, envelopes, origin: source.address };
        let held = queue::hold(&mut *conn, clock, &follower).await?;
        let event =
            Event { action: "reset.submit", user: Some(row.user_id), flow: Some(flow_id), job: Some(one.job_id), ..Event::default() };
        let outcome = if matches!(held, Held::Yes { .. }) { "accepted" } else { "refused" };
        lines.push((scope, source, Event { outcome, detail: serde_json::json!({ "follows": primary }), ..event }));
        if let Held::Yes { superseded: Some(older) } = held {
            let event = Event { action: "reset.superseded", outcome: "superseded", user: Some(row.user_id), ..Event::default() };
            lines.push((scope, source, Event { flow: Some(older.flow_id), job: Some(older.job_id), ..event }));
            superseded.push(older.job_id);
        }
    }
    audit::record_all(conn, clock, lines).await?;
    Ok(superseded)
}

/// This job gave way to one that an operator asked for: what followed it goes with it.
pub async fn superseded(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, job: Uuid) -> Result<()> {
    after(conn, clock, &[(scope, source, job, State::Superseded)]).await?;
    Ok(())
}

/// The first ones have come to these ends; in the transaction that says so. Answers what was let go for its own agents.
pub(super) async fn after(conn: &mut PgConnection, clock: &Clock, ends: &[(&Scope, &Source, Uuid, State)]) -> Result<Vec<LetGo>> {
    let of =
        |wanted: bool| ends.iter().filter(|(.., state)| (*state == State::Applied) == wanted).map(|(.., job, _)| *job).collect::<Vec<_>>();
    let released = queue::release(&mut *conn, &of(true)).await?;
    // Those, too, whose link does not hold any more.
    let given_up = queue::give_up(&mut *conn, clock, &[of(true), of(false)].concat()).await?;
    let mut lines = Vec::new();
    for (gone, outcome) in released.iter().map(|gone| (gone, "released")).chain(given_up.iter().map(|gone| (gone, "cancelled"))) {
        let Some((scope, source, ..)) = ends.iter().find(|(.., job, _)| *job == gone.primary_id) else { continue };
        lines.push((*scope, *source, line(gone, outcome)));
    }
    audit::record_all(conn, clock, lines).await?;
    Ok(released)
}

fn line(gone: &LetGo, outcome: &'static str) -> Event {
    Event {
        action: "reset.follow",
        outcome,
        user: Some(gone.user_id),
        flow: Some(gone.flow_id),
        job: Some(gone.job_id),
        detail: serde_json::json!({ "follows": gone.primary_id }),
    }
}

/// The directory of this job, then those of all that are held for it, by name.
pub(super) async fn places(conn: &mut PgConnection, scope: &Scope, job: Uuid) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select c.name from jobs j join connectors c using (tenant_id, connector_id)
           where j.tenant_id = $1 and (j.job_id = $2 or j.state = 'held' and j.job_id in (select job_id from linked_jobs where primary_id = $2))
           order by j.job_id <> $2, c.connector_id"#,
        scope.id(),
        job,
    )
    .fetch_all(conn)
    .await?)
}

/// Who has been told already of a password that this account got as well: the owner of the account that it follows.
pub(super) async fn told(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Option<User>> {
    let first = sqlx::query_scalar!("select first_of($1, $2)", scope.id(), user).fetch_one(&mut *conn).await?;
    match first {
        Some(first) => users::get(conn, scope, first).await,
        None => Ok(None),
    }
}
