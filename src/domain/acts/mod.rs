//! What operators do for a person, and for whom they may not.
//!
//! An operator never acts on themselves, nor on an operator who stands as high: whoever talks the help desk into something must not come
//! out as an administrator. Operators and accounts are told to be one person by their addresses, in any directory of the tenant: a link
//! that somebody maintains would be a link that somebody forgets.

mod ask;
mod serve;
mod temporary;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    limits::{self, Count, Limit},
    notices,
    operators::{self, Operator, Role},
    tenants::{Scope, Tenant},
    users::{self, EmailAddress},
};
use crate::base::clock::Clock;
pub use ask::{Asking, ask};
pub use serve::{Coded, Invited, code, invite, lift_limits, limits_of, remove_method};
pub use temporary::{Behalf, Offered, Sealed, Taking, offer, submit, takes};

/// What an operator may do on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling {
    /// Look and act.
    May,
    /// Look: it is their own.
    Themselves,
    /// Look: whoever's it is stands as high as they do.
    AsHigh,
    /// Not even look: there is nobody, or it is none of their groups'.
    NotThere,
}

/// The groups whose members this operator serves, each a connector and an object of it; `None`: everybody.
pub fn groups(operator: &Operator) -> Option<&[(Uuid, Uuid)]> {
    (operator.role == Role::HelpDesk && !operator.groups.is_empty()).then_some(operator.groups.as_slice())
}

/// So many within the limit's ten minutes are told of: more than a day at the help desk usually asks for, fewer than somebody needs who
/// has taken over an operator's browser and wants all passwords.
const MANY: i64 = 20;

/// One of the acts that open something for a person. With the twentieth in ten minutes the help desk's address hears who does them.
pub async fn counted(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, operator: &Operator) -> Result<()> {
    let count = Count::of(Limit::OperatorActs, &[operator.operator_id.as_bytes().to_vec()]);
    if !limits::reaches(&mut *conn, &tenant.scope, clock, count).await? {
        return Ok(());
    }
    let detail = serde_json::json!({ "operator": operator.operator_id, "acts": MANY });
    let event = Event { action: "operator.alarm", outcome: "many", detail, ..Event::default() };
    audit::record(&mut *conn, &tenant.scope, clock, source, event).await?;
    notices::many(conn, tenant, clock, source, &operator.name, MANY).await
}

/// Asked anew before everything that is done.
pub async fn ceiling(conn: &mut PgConnection, scope: &Scope, operator: &Operator, user: Uuid) -> Result<Ceiling> {
    if users::standing(&mut *conn, scope, user).await?.is_none() {
        return Ok(Ceiling::NotThere);
    }
    if let Some(groups) = groups(operator)
        && !users::is_among(&mut *conn, scope, user, groups).await?
    {
        return Ok(Ceiling::NotThere);
    }
    let first = users::first(&mut *conn, scope, user).await?.unwrap_or(user);
    let follow = users::follow(&mut *conn, scope, first).await?.into_iter().map(|linked| linked.user_id);
    let accounts: Vec<Uuid> = follow.chain([first, user]).collect();
    let mut ceiling = Ceiling::May;
    for address in users::addresses(&mut *conn, scope, &accounts).await?.iter().filter_map(|text| EmailAddress::parse(text)) {
        let Some(other) = operators::by_mail(&mut *conn, scope, &address).await? else { continue };
        if other.operator_id == operator.operator_id {
            return Ok(Ceiling::Themselves);
        }
        if other.disabled_at.is_none() && other.role >= operator.role {
            ceiling = Ceiling::AsHigh;
        }
    }
    Ok(ceiling)
}
