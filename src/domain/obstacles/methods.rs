//! The proofs: what somebody has, what each lacks, and whether enough is left.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Case, Cause, Verdict};
use crate::{
    base::clock::Clock,
    domain::{
        authenticators::{self, Authenticator},
        limits::Limit,
        policies::{self, Class, Method, Terms},
        resets::{self, Offer},
        tenants::Tenant,
        users::{self, EmailAddress, Name, Phone, User},
    },
};

/// Why a method proves nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The policy does not take it.
    NotOffered,
    /// There is no address, or nothing was registered.
    Missing,
    CoolingOff(OffsetDateTime),
    /// There is a copy of it.
    Stopped,
    /// No recovery code is left.
    UsedUp,
    /// It opens with the very password.
    BehindPassword,
    /// No text messages go there.
    Country,
    /// It is for whoever has another one, too.
    NotAlone,
}

impl Lack {
    /// When it ends by itself.
    pub const fn until(self) -> Option<OffsetDateTime> {
        if let Self::CoolingOff(until) = self { Some(until) } else { None }
    }
}

/// One way of somebody to prove who they are.
#[derive(Debug, Clone)]
pub struct Means {
    pub method: Method,
    /// The masked address, or what its owner calls it.
    pub label: String,
    /// Of what was registered.
    pub authenticator: Option<Uuid>,
    pub lack: Option<Lack>,
    /// What of it is used up, and until when. It lacks nothing else.
    pub waits: Option<(Limit, OffsetDateTime)>,
}

/// What a journey that begins now would offer them.
pub(super) async fn offered(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    user: &User,
    terms: &Terms,
) -> Result<(Vec<Offer>, Terms)> {
    let registered = authenticators::usable(conn, &tenant.scope, clock, &[user.user_id]).await?;
    Ok(resets::looks(tenant, user, &resets::methods_of(&registered, user.user_id), terms, clock.now()))
}

/// Every method, those that were registered as often as they were.
pub(super) async fn means(conn: &mut PgConnection, case: &Case<'_>) -> Result<Vec<Means>> {
    let registered = authenticators::list(conn, &case.tenant.scope, case.user.user_id).await?;
    let mut means = Vec::new();
    for method in Method::ALL {
        if method.class() == Class::Issued {
            means.push(issued(case, method));
            continue;
        }
        let of_it: Vec<&Authenticator> = registered.iter().filter(|one| one.kind.method() == method).collect();
        let taken = case.terms.methods.contains(&method);
        let lack = match method {
            _ if !taken => Lack::NotOffered,
            Method::HelpDesk => Lack::NotAlone,
            _ => Lack::Missing,
        };
        if of_it.is_empty() {
            let lack = (!is_offered(case, method) && !may_call(case, method)).then_some(lack);
            means.push(Means { method, label: String::new(), authenticator: None, lack, waits: None });
        }
        means.extend(of_it.into_iter().map(|one| {
            let lack = if taken { lack_of(one, case.clock.now()) } else { Some(Lack::NotOffered) };
            Means { method, label: one.label.clone(), authenticator: Some(one.authenticator_id), lack, waits: None }
        }));
    }
    Ok(means)
}

fn is_offered(case: &Case<'_>, method: Method) -> bool {
    case.offers.iter().any(|offer| offer.method == method)
}

/// The help desk lets in whoever has too few proofs of their own.
fn may_call(case: &Case<'_>, method: Method) -> bool {
    method == Method::HelpDesk && resets::may_call(case.terms)
}

fn lack_of(one: &Authenticator, now: OffsetDateTime) -> Option<Lack> {
    if one.is_usable(now) {
        None
    } else if one.stopped_at.is_some() {
        Some(Lack::Stopped)
    } else if one.left == Some(0) {
        Some(Lack::UsedUp)
    } else {
        Some(Lack::CoolingOff(one.usable_from))
    }
}

/// By a code that is sent.
fn issued(case: &Case<'_>, method: Method) -> Means {
    let (user, [mail_at, private_at, mobile_at]) = (case.user, case.user.since);
    let (label, since) = match method {
        Method::Email => (user.mail.as_ref().map(EmailAddress::masked), mail_at),
        Method::PrivateEmail => (user.private_mail.as_ref().map(EmailAddress::masked), private_at),
        _ => (user.mobile.as_ref().map(Phone::masked), mobile_at),
    };
    let until = since.map(|since| since + case.terms.cooling_off).filter(|until| *until > case.clock.now());
    let lack = if is_offered(case, method) {
        None
    } else if !case.terms.methods.contains(&method) {
        Some(Lack::NotOffered)
    } else if label.is_none() {
        Some(Lack::Missing)
    } else if method == Method::Sms && !user.is_texted(case.tenant, case.terms) {
        // However long it cools off.
        Some(Lack::Country)
    } else if let Some(until) = until {
        Some(Lack::CoolingOff(until))
    } else {
        Some(Lack::BehindPassword)
    };
    Means { method, label: label.unwrap_or_default(), authenticator: None, lack, waits: None }
}

/// Of how many different classes their proofs are.
pub(super) fn count(case: &Case<'_>) -> usize {
    policies::classes(case.offers.iter().map(|offer| offer.method), case.asked.apart)
}

/// Whether they have as many as are asked.
pub(super) async fn enough(conn: &mut PgConnection, case: &Case<'_>) -> Result<Verdict> {
    if resets::is_enough(case.offers, case.asked) || resets::may_call(case.terms) {
        return Ok(Verdict::Open);
    }
    let mut ends: Vec<OffsetDateTime> = means(&mut *conn, case).await?.iter().filter_map(|means| means.lack?.until()).collect();
    ends.sort_unstable();
    let registered = authenticators::list(conn, &case.tenant.scope, case.user.user_id).await?;
    // The first moment at which nothing but time has mended it.
    let later = ends.into_iter().find(|at| {
        let mut kinds: Vec<Method> = registered.iter().filter(|one| one.is_usable(*at)).map(|one| one.kind.method()).collect();
        kinds.sort_unstable_by_key(|method| method.as_str());
        kinds.dedup();
        let (offers, asked) = resets::looks(case.tenant, case.user, &kinds, case.terms, *at);
        resets::is_enough(&offers, &asked)
    });
    let too_few = Cause::TooFew { has: count(case), gates: case.asked.gates };
    Ok(Verdict::Shut(later.map_or(too_few, Cause::CoolingOff)))
}

/// Whether enough is left of those that nothing is exhausted of.
pub(super) async fn limits(conn: &mut PgConnection, case: &Case<'_>, means: &mut [Means]) -> Result<Verdict> {
    let Case { tenant, clock, user, .. } = case;
    let Some(name) = Name::parse(&user.sign_in_name) else { return Ok(Verdict::Open) };
    let subjects = users::subjects(&mut *conn, &tenant.scope, &name, std::slice::from_ref(user)).await?;
    let caller = Offer::new(Method::HelpDesk, String::new());
    let alone = !resets::is_enough(case.offers, case.asked);
    let (mut left, mut waits) = (Vec::new(), Vec::new());
    for offer in case.offers.iter().filter(|_| !alone).chain(alone.then_some(&caller)) {
        match resets::waits(&mut *conn, tenant, clock, (user, case.terms), &subjects, offer).await? {
            None => left.push(offer.clone()),
            Some(wait) => {
                means.iter_mut().filter(|one| one.method == offer.method && one.lack.is_none()).for_each(|one| one.waits = Some(wait));
                waits.push(wait);
            }
        }
    }
    let gates = if alone { 1 } else { case.asked.gates };
    let as_good_as_two = case.asked.rises && left.iter().any(|offer| offer.method == Method::Passkey);
    if as_good_as_two || resets::is_enough(&left, &Terms { gates, ..case.asked.clone() }) {
        return Ok(Verdict::Open);
    }
    // The first that ends may be enough; if it is not, this is asked again then.
    let first = waits.into_iter().min_by_key(|(_, until)| *until);
    Ok(Verdict::of(first.map(|(limit, until)| Cause::Waits(limit, until))))
}
