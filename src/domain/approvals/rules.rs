//! Which acts need a second person. All begin switched off: a tenant begins with one operator, whom a rule would lock out, and nothing is
//! open to one person that ought to take two — privileged people get no temporary password at all before their rule is on.

use std::collections::BTreeSet;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Act, Wish};
use crate::{
    base::clock::Clock,
    domain::{
        acts::{self, Taking},
        audit::{self, Event, Source},
        operators::{self, Operator},
        tenants::{self, Aid, Scope},
    },
};

/// Those that are on.
pub async fn rules(conn: &mut PgConnection, scope: &Scope) -> Result<BTreeSet<Act>> {
    let acts = sqlx::query_scalar!("select act from approval_rules where tenant_id = $1", scope.id()).fetch_all(conn).await?;
    Ok(acts.iter().filter_map(|act| Act::parse(act)).collect())
}

/// Whether this needs a second person now.
pub async fn wants(conn: &mut PgConnection, scope: &Scope, act: Act) -> Result<bool> {
    Ok(rules(conn, scope).await?.contains(&act))
}

/// Whether two could do this at all: of the operators who may decide it two are there who can sign in. `operator`, who asks this, is there.
pub async fn are_two(conn: &mut PgConnection, scope: &Scope, act: Act, operator: Uuid) -> Result<bool> {
    let there = |one: &&Operator| one.disabled_at.is_none() && (one.is_ready || one.operator_id == operator);
    let all = operators::all(conn, scope).await?;
    Ok(all.iter().filter(there).filter(|one| act.deciders().contains(&one.role)).count() > 1)
}

/// Switch one on or off. Without asking anybody: whoever calls has done so. False: it was so already.
pub async fn switch(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, act: Act, on: bool) -> Result<bool> {
    let done = if on {
        sqlx::query!(
            "insert into approval_rules (tenant_id, act, since) values ($1, $2, $3) on conflict do nothing",
            scope.id(),
            act.as_str(),
            clock.now(),
        )
        .execute(&mut *conn)
        .await?
    } else {
        sqlx::query!("delete from approval_rules where tenant_id = $1 and act = $2", scope.id(), act.as_str()).execute(&mut *conn).await?
    };
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "act": act });
    let outcome = if on { "on" } else { "off" };
    audit::record(conn, scope, clock, source, Event { action: "approval.rule", outcome, detail, ..Event::default() }).await?;
    Ok(true)
}

/// How a temporary password can be set for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Temporary {
    /// Not at all.
    Never,
    /// By one.
    Alone,
    /// By two, for this.
    Together(Wish),
}

pub async fn temporary(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Temporary> {
    if tenants::forbids(&mut *conn, scope, Aid::Temporary).await? {
        return Ok(Temporary::Never);
    }
    let rules = rules(&mut *conn, scope).await?;
    Ok(match acts::takes(conn, scope, user).await? {
        Taking::Privileged if rules.contains(&Act::Privileged) => Temporary::Together(Wish::Privileged { user }),
        Taking::No | Taking::Privileged => Temporary::Never,
        Taking::Yes if rules.contains(&Act::Temporary) => Temporary::Together(Wish::Temporary { user }),
        Taking::Yes => Temporary::Alone,
    })
}
