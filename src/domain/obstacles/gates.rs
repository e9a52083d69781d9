//! The gates one by one, but for the proofs.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Cause, Gate, Verdict};
use crate::{
    base::clock::Clock,
    domain::{
        fleet::{self, Readiness},
        freezes,
        policies::{Holding, Terms},
        resets::{self, Look, Purpose, Way},
        tenants::{self, Scope},
        users::{self, EmailAddress, Name, Standing, User},
    },
    wire::outcome::Code,
};

/// As it is now: the tenant at hand may be a moment old.
pub(super) async fn self_service(conn: &mut PgConnection, scope: &Scope) -> Result<Verdict> {
    let on = tenants::is_serving(conn, scope).await?;
    Ok(Verdict::of((!on).then_some(Cause::SelfServiceOff)))
}

pub(super) async fn account(conn: &mut PgConnection, scope: &Scope, standing: &Standing, user: &User) -> Result<Verdict> {
    if users::get(conn, scope, user.user_id).await?.is_some() {
        return Ok(Verdict::Open);
    }
    Ok(Verdict::Shut(if standing.enabled { Cause::Protected } else { Cause::Disabled }))
}

/// Whether any of their names leads to them.
pub(super) async fn name(conn: &mut PgConnection, scope: &Scope, user: &User) -> Result<Verdict> {
    let names = [Some(user.sign_in_name.as_str()), user.mail.as_ref().map(EmailAddress::as_str)];
    for name in names.into_iter().flatten().filter_map(Name::parse) {
        let found = users::candidates(&mut *conn, scope, &name, &users::similar(scope, &name)).await?.found;
        if found.is_some_and(|(found, _)| found.user_id == user.user_id) {
            return Ok(Verdict::Open);
        }
    }
    let first = users::first(conn, scope, user.user_id).await?;
    Ok(Verdict::Shut(first.map_or(Cause::NameShared, Cause::Follows)))
}

pub(super) fn policy(terms: &Terms, holding: Option<&Holding>) -> Verdict {
    Verdict::of(match holding {
        _ if terms.serves => None,
        None => Some(Cause::NoPolicy),
        Some(policy) if policy.serves => Some(Cause::GroupUnknown(policy.name.clone())),
        Some(policy) => Some(Cause::NotServed(policy.name.clone())),
    })
}

pub(super) async fn freeze(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Verdict> {
    let frozen = freezes::of(conn, scope, user).await?;
    Ok(Verdict::of(frozen.map(|freeze| Cause::Frozen(freeze.since, freeze.frozen_by, freeze.reason))))
}

/// Asked as for a ticket: somebody must be there who can be sealed for.
pub(super) async fn fleet(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid) -> Result<[(Gate, Verdict); 2]> {
    let (writeback, agent) = match fleet::recipients(&mut *conn, scope, clock, connector).await? {
        Ok(_) | Err(Readiness::Ready) => (Verdict::Open, Verdict::Open),
        Err(Readiness::WritebackOff) => (Verdict::Shut(Cause::WritebackOff), Verdict::Unknown(Cause::Behind)),
        Err(Readiness::DirectoryDown) => (Verdict::Open, Verdict::Shut(Cause::Unreachable)),
        Err(Readiness::NoAgent) => {
            let crew = fleet::crew(conn, scope, clock, connector).await?;
            let cause = match (crew.enrolled, crew.active, crew.live) {
                (0, ..) => Cause::NoAgent,
                (_, 0, _) => Cause::Unconfirmed,
                (.., 0) => Cause::Silent,
                _ => Cause::NoKey,
            };
            (Verdict::Open, Verdict::Shut(cause))
        }
    };
    Ok([(Gate::Writeback, writeback), (Gate::Agent, agent)])
}

/// What the last look leaves to whoever resets.
pub(super) async fn directory(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    user: &User,
    look: Option<&Look>,
) -> Result<[(Gate, Verdict); 3]> {
    let unknown = |gate| (gate, Verdict::Unknown(Cause::NotAsked));
    let all = [Gate::Directory, Gate::Rights, Gate::Age];
    let Some(look) = look.filter(|look| look.account.is_some() || look.code.is_some()) else { return Ok(all.map(unknown)) };
    let connectors = fleet::connectors(conn, scope, clock).await?;
    let unlock = connectors.iter().any(|connector| connector.connector_id == user.connector_id && connector.unlock);
    let shut = match resets::way(look, Purpose::Reset, unlock, clock.now()) {
        Way::Barred(Code::PolicyAge, at) => Some((Gate::Age, Cause::TooYoung(at))),
        Way::UnlockOnly(Some(at)) => Some((Gate::Age, Cause::TooYoung(Some(at)))),
        Way::Barred(Code::NoRight, _) | Way::UnlockOnly(None) => Some((Gate::Rights, Cause::NoRight)),
        Way::Barred(code, _) => Some((Gate::Directory, Cause::Barred(code))),
        // An answer that is none bars nobody, and says nothing.
        Way::Password | Way::Either if look.account.is_none() => return Ok(all.map(unknown)),
        Way::Password | Way::Either => None,
    };
    // What cannot be told beforehand is not known to be right.
    let told = look.account.as_ref().is_some_and(|account| account.may_reset.is_some());
    let mut shut = shut;
    Ok(all.map(|gate| {
        let verdict = match shut.take_if(|(at, _)| *at == gate) {
            Some((_, cause)) => Verdict::Shut(cause),
            None if gate == Gate::Rights && !told => Verdict::Unknown(Cause::NotTold),
            None => Verdict::Open,
        };
        (gate, verdict)
    }))
}
