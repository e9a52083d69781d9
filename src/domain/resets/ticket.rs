//! A ticket for a verified flow. Everything that may have changed since the proof is asked again.

use anyhow::Result;
use sqlx::PgConnection;

use super::{Ending, Flow, Step, begin, current, flow, linked};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        fleet::{self, Readiness, Recipient},
        policies::{self, Method},
        queue::{self, Target, Who},
        tenants::Tenant,
        users::{self, User},
    },
    wire::ticket::{Kind, Ticket},
};

/// A ticket and whom to seal for.
#[derive(Debug)]
pub struct Permit {
    pub ticket: Ticket,
    /// One for each agent that could do it.
    pub recipients: Vec<Recipient>,
    /// Those of the accounts that follow this one.
    pub linked: Vec<Permit>,
}

/// What came of asking for a ticket.
#[derive(Debug)]
pub enum Offered {
    Permit(Box<Permit>),
    /// The flow is not where a password is typed.
    NotNow,
    NotReady(Readiness),
    /// The person may no longer be served.
    NotServed,
    /// Nothing is done for the account until an operator has looked.
    Frozen,
}

impl Offered {
    /// In one word, for the audit; `None`: there is nothing to tell.
    const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Permit(_) => None,
            Self::NotNow => Some("not_now"),
            Self::NotReady(_) => Some("not_ready"),
            Self::NotServed => Some("not_served"),
            Self::Frozen => Some("frozen"),
        }
    }
}

/// [`given`], and a line of the trail where there is none: the page that is refused shows its support code.
pub async fn offer(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    counted: bool,
) -> Result<Offered> {
    let offered = given(&mut *conn, tenant, clock, source, flow, counted).await?;
    if let Some(why) = offered.refusal() {
        let (outcome, detail) = ("refused", serde_json::json!({ "why": why }));
        let event = Event { action: "reset.ticket", outcome, user: flow.user_id, flow: Some(flow.flow_id), detail, ..Event::default() };
        audit::record(conn, &tenant.scope, clock, source, event).await?;
    }
    Ok(offered)
}

/// A ticket for the flow's person, of the kind that its purpose and step call for. Older tickets of that person are superseded. For a kind
/// with the old password the caller has `counted` a try, and committed that, before; or the flow's last ticket, which nobody has used, is
/// what was counted.
async fn given(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, flow: &Flow, counted: bool) -> Result<Offered> {
    let scope = &tenant.scope;
    let Some(user) = served(&mut *conn, tenant, clock, flow).await? else {
        return Ok(if kind_of(flow).is_some() { Offered::NotServed } else { Offered::NotNow });
    };
    let frozen = |flow: &Flow| flow.step() == Step::Ended(Ending::Frozen);
    let Some(kind) = kind_of(flow) else { return Ok(if frozen(flow) { Offered::Frozen } else { Offered::NotNow }) };
    // The head before the flow: a submit holds it, and whether the flow's last ticket was used must be seen after that.
    queue::lock_head(&mut *conn, user.connector_id, user.object_guid).await?;
    let aim = flow.aim_id;
    let still = |flow: &Flow| kind_of(flow) == Some(kind) && flow.aim_id == aim;
    let flow = match flow::lock(&mut *conn, scope, clock, flow).await? {
        Some(flow) if frozen(&flow) => return Ok(Offered::Frozen),
        Some(flow) if still(&flow) => &flow.clone(),
        _ => return Ok(Offered::NotNow),
    };
    let unused = flow.job.as_ref().is_some_and(|job| !job.submitted);
    if kind.has_old() && !counted && !unused {
        // It was used meanwhile.
        return Ok(Offered::NotNow);
    }
    let recipients = match fleet::recipients(&mut *conn, scope, clock, user.connector_id).await? {
        Ok(recipients) => recipients,
        Err(why) => return Ok(Offered::NotReady(why)),
    };
    let target = Target { connector_id: user.connector_id, user_id: user.user_id, object_guid: user.object_guid, flow_id: flow.flow_id };
    let ticket = queue::offer(&mut *conn, scope, clock, kind, &target).await?;
    let mut permit = Permit { ticket, recipients, linked: Vec::new() };
    if kind.has_old() && counted && unused {
        // The ticket before this one was not used, and from now on cannot be.
        current::uncount_password(&mut *conn, scope, flow.user_id).await?;
    }
    let root = flow.root_id.filter(|_| flow.aim_id.is_some());
    let job = permit.ticket.job;
    sqlx::query!(
        "update flows set job_id = $3 where tenant_id = $1 and flow_id = $2 and state = 'verified' and purpose = $6 returning audit_write($4, $5)",
        scope.id(),
        flow.flow_id,
        job,
        audit::line(scope, clock, source, &linked::given(&permit, user.user_id, flow, root)),
        clock.now(),
        flow.purpose.as_str(),
    )
    .fetch_one(&mut *conn)
    .await?;
    match root {
        Some(root) => {
            queue::follows(conn, scope, root, job, &Who { user_id: user.user_id, connector_id: user.connector_id, together: false })
                .await?;
        }
        None if kind == Kind::Verify => {}
        None => permit.linked = linked::offer(conn, scope, clock, source, flow, (user.user_id, job)).await?,
    }
    Ok(Offered::Permit(Box::new(permit)))
}

fn kind_of(flow: &Flow) -> Option<Kind> {
    flow.purpose.kind(flow.step())
}

/// The flow's person, if self-service is on and may still serve them, by what they have proven: the way that a code went, too, must be one
/// that proves something now. The tenant at hand may be a moment old: that is asked too.
pub(super) async fn served(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, flow: &Flow) -> Result<Option<User>> {
    let Some(user) = flow.user_id else { return Ok(None) };
    if !policies::are_lawful(&mut *conn, &tenant.scope, user, &flow.passed, flow.asked()).await? {
        return Ok(None);
    }
    let person = users::served(&mut *conn, &tenant.scope, user).await?;
    let texted = flow.passed.contains(&Method::Sms);
    let countries = if texted { policies::of_user(&mut *conn, &tenant.scope, user).await?.countries } else { Vec::new() };
    let Some(person) = person.filter(|person| begin::stands(tenant, person, flow, countries, clock.now())) else { return Ok(None) };
    match flow.aim_id {
        None => Ok(Some(person)),
        Some(aim) => {
            let follows = users::follow(&mut *conn, &tenant.scope, user).await?.iter().any(|linked| linked.user_id == aim);
            if follows { users::served(conn, &tenant.scope, aim).await } else { Ok(None) }
        }
    }
}
