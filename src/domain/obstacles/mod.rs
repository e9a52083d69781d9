//! What stands between one person and a new password: every gate on the way, in order, each open, shut or not to be told, with why.
//!
//! Nothing is judged here a second time. Each gate asks what the journey itself asks (`users::candidates`, `policies::of_user`,
//! `resets::looks`, `limits::waiting`, `fleet::recipients`, `resets::way`), and only where that says no it looks for the reason. What only
//! the directory knows is as old as its last answer; and how often somebody's network may come is known of no network here.

mod gates;
mod methods;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    limits::Limit,
    policies::{self, Holding, Terms},
    resets::{self, Look, Offer},
    tenants::Tenant,
    users::{self, User},
};
use crate::{base::clock::Clock, wire::outcome::Code};
pub use methods::{Lack, Means};

/// What the directory said is worth something for so long.
pub const FRESH: Duration = Duration::hours(1);

/// In the order in which one comes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The organisation's switch.
    SelfService,
    /// The account as its directory has it.
    Account,
    /// Who types it is found.
    Name,
    /// Somebody's policy serves them.
    Policy,
    /// They have as many proofs as are asked.
    Methods,
    /// None of the proofs that it takes is used up.
    Limits,
    Freeze,
    /// The connector's switch.
    Writeback,
    Agent,
    /// The account as the directory itself said lately.
    Directory,
    /// Of the agent's account, over this one.
    Rights,
    /// The password's minimum age.
    Age,
}

/// Why a gate is shut, or cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    SelfServiceOff,
    /// Gone from the directory, or from the part that agents tell of.
    Removed(OffsetDateTime),
    Disabled,
    Protected,
    /// Several are called that: a name must not choose.
    NameShared,
    /// It stands for the account of this id, which goes first.
    Follows(Uuid),
    NoPolicy,
    /// This policy says so.
    NotServed(String),
    /// No agent tells of a group that is named in it or before it, so nobody of that directory is served.
    GroupUnknown(String),
    /// Proofs of different classes, and how many are asked.
    TooFew {
        has: usize,
        gates: i16,
    },
    CoolingOff(OffsetDateTime),
    Waits(Limit, OffsetDateTime),
    /// Since when, by whom, and why.
    Frozen(OffsetDateTime, String, String),
    WritebackOff,
    NoAgent,
    /// Nobody has compared its fingerprint.
    Unconfirmed,
    Silent,
    NoKey,
    Unreachable,
    /// The directory's or the agent's verdict on this account.
    Barred(Code),
    NoRight,
    /// A change is allowed from then on.
    TooYoung(Option<OffsetDateTime>),
    /// An earlier gate is shut.
    Behind,
    /// Nobody has asked the directory lately.
    NotAsked,
    /// It was asked, and tells of this right to nobody: trying tells.
    NotTold,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Open,
    Shut(Cause),
    Unknown(Cause),
}

impl Verdict {
    fn of(cause: Option<Cause>) -> Self {
        match cause {
            Some(cause) => Self::Shut(cause),
            None => Self::Open,
        }
    }

    pub const fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Open => None,
            Self::Shut(cause) | Self::Unknown(cause) => Some(cause),
        }
    }
}

/// How one person stands.
#[derive(Debug)]
pub struct Report {
    /// Each gate once, in order.
    pub gates: Vec<(Gate, Verdict)>,
    /// Every way to prove who they are, and what it lacks.
    pub means: Vec<Means>,
    /// The policy that holds for them.
    pub policy: Option<Holding>,
    /// How many proofs of different classes they have, and how many are asked of them.
    pub proofs: (usize, i16),
    /// What the directory said last, and when.
    pub look: Option<Look>,
}

impl Report {
    /// The first gate that is shut.
    pub fn first(&self) -> Option<(Gate, &Cause)> {
        self.gates.iter().find_map(|(gate, verdict)| match verdict {
            Verdict::Shut(cause) => Some((*gate, cause)),
            Verdict::Open | Verdict::Unknown(_) => None,
        })
    }
}

/// As it is read once, and judged by several gates.
struct Case<'a> {
    tenant: &'a Tenant,
    clock: &'a Clock,
    user: &'a User,
    terms: &'a Terms,
    /// What a journey would offer, and the terms that come of it.
    offers: &'a [Offer],
    asked: &'a Terms,
}

/// Of anybody who ever was there. `None`: nobody was.
pub async fn of(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, user_id: Uuid) -> Result<Option<Report>> {
    let scope = &tenant.scope;
    let Some(standing) = users::standing(&mut *conn, scope, user_id).await? else { return Ok(None) };
    let mut gates = vec![(Gate::SelfService, gates::self_service(&mut *conn, scope).await?)];
    let Some(user) = users::known(&mut *conn, scope, user_id).await? else {
        let gone = standing.removed_at.unwrap_or_else(|| clock.now());
        gates.push((Gate::Account, Verdict::Shut(Cause::Removed(gone))));
        return Ok(Some(Report { gates, means: Vec::new(), policy: None, proofs: (0, 0), look: None }));
    };
    let account = gates::account(&mut *conn, scope, &standing, &user).await?;
    let name = if account == Verdict::Open { gates::name(&mut *conn, scope, &user).await? } else { Verdict::Unknown(Cause::Behind) };
    gates.extend([(Gate::Account, account), (Gate::Name, name)]);

    let terms = policies::of_user(&mut *conn, scope, user_id).await?;
    let policy = policies::holding(&mut *conn, scope, user_id).await?;
    gates.push((Gate::Policy, gates::policy(&terms, policy.as_ref())));

    let (offers, asked) = methods::offered(&mut *conn, tenant, clock, &user, &terms).await?;
    let case = Case { tenant, clock, user: &user, terms: &terms, offers: &offers, asked: &asked };
    let mut means = methods::means(&mut *conn, &case).await?;
    if terms.serves {
        let methods = methods::enough(&mut *conn, &case).await?;
        let limits = match methods {
            Verdict::Open => methods::limits(&mut *conn, &case, &mut means).await?,
            _ => Verdict::Unknown(Cause::Behind),
        };
        gates.extend([(Gate::Methods, methods), (Gate::Limits, limits)]);
    } else {
        gates.extend([Gate::Methods, Gate::Limits].map(|gate| (gate, Verdict::Unknown(Cause::Behind))));
    }
    gates.push((Gate::Freeze, gates::freeze(&mut *conn, scope, user_id).await?));
    gates.extend(gates::fleet(&mut *conn, scope, clock, user.connector_id).await?);

    let look = resets::last_look(&mut *conn, scope, user_id, clock.now() - FRESH).await?;
    gates.extend(gates::directory(&mut *conn, scope, clock, &user, look.as_ref()).await?);
    let proofs = (methods::count(&case), asked.gates);
    Ok(Some(Report { gates, means, policy, proofs, look }))
}
