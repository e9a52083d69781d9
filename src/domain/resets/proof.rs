//! Proving who one is, one gate at a time.

use anyhow::Result;
use sqlx::{PgConnection, postgres::types::PgInterval};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Flow, LIFETIME, Offer, Purpose, ask, flow};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        authenticators::{self, Assertion, Candidate, RelyingParty, Tried},
        limits::{self, Count, Limit, Verdict},
        notices,
        policies::{self, Terms},
        tenants::{Scope, Tenant},
        users::{self, User},
        verification::{self, Checked, Class, Code, Method, Sent},
    },
};

/// What came of choosing a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    Sent(Sent),
    /// There is nothing to send: the person has it, or gets it from somebody.
    Ready,
    /// Not one of this flow's methods, or proven already.
    NotOffered,
}

/// Use `method` for the next gate and send its code, if it has one to send; also to send again.
pub async fn choose(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    method: Method,
) -> Result<Chosen> {
    let scope = &tenant.scope;
    let Some(offer) = flow.offer_of(method).filter(|_| !flow.verified) else { return Ok(Chosen::NotOffered) };
    sqlx::query!(
        "update flows set method = $3 where tenant_id = $1 and flow_id = $2 and state = 'proving'",
        scope.id(),
        flow.flow_id,
        method.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    if method.class() != Class::Issued {
        if method == Method::HelpDesk {
            sqlx::query!(
                "update flows set expires_at = greatest(expires_at, created_at + $3::interval) where tenant_id = $1 and flow_id = $2 and state = 'proving'",
                scope.id(),
                flow.flow_id,
                PgInterval::try_from(verification::PATIENCE).map_err(|error| anyhow::anyhow!(error))?,
            )
            .execute(&mut *conn)
            .await?;
        }
        verification::begin(&mut *conn, scope, clock, flow.flow_id, method).await?;
        let detail = serde_json::json!({ "method": method });
        let event =
            Event { action: "reset.choose", outcome: "chosen", user: flow.user_id, flow: Some(flow.flow_id), detail, ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
        return Ok(Chosen::Ready);
    }
    // A decoy asks for nobody: the same work.
    let user = users::get(&mut *conn, scope, flow.user_id.unwrap_or_default()).await?;
    let country = offer.country.as_deref();
    let (subjects, countries) = (subjects(scope, flow), countries(&mut *conn, scope, flow, method).await?);
    let purpose = purpose(flow, &subjects, (country, &countries), user.as_ref());
    let sent = verification::send(&mut *conn, tenant, clock, source, &purpose, method).await?;
    let outcome = match sent {
        Sent::Sent => "sent",
        Sent::TooEarly => return Ok(Chosen::Sent(sent)),
        Sent::Wait(_) => "limit",
    };
    let detail = serde_json::json!({ "method": method });
    let event = Event { action: "reset.code_send", outcome, user: flow.user_id, flow: Some(flow.flow_id), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Chosen::Sent(sent))
}

/// Whose limits count now. To be sent a code, or to be asked for an app's or the help desk's, takes nothing but a name: were those who have
/// proven something counted with those who have not, any stranger could shut the owner out of what the policy asks besides. Whoever goes on
/// from there has counts as strict, over all flows and whatever name was typed.
fn subjects(scope: &Scope, flow: &Flow) -> Vec<Vec<u8>> {
    after(scope, flow, &flow.passed)
}

fn after(scope: &Scope, flow: &Flow, passed: &[Method]) -> Vec<Vec<u8>> {
    let proven = flow.user_id.filter(|_| !passed.is_empty());
    proven.map_or_else(|| flow.subjects.clone(), |user| vec![users::proven(scope, user)])
}

/// Which numbers may get text messages, as the person's policy says at this moment. A decoy asks for nobody.
async fn countries(conn: &mut PgConnection, scope: &Scope, flow: &Flow, method: Method) -> Result<Vec<String>> {
    Ok(match method {
        Method::Sms => policies::of_user(conn, scope, flow.user_id.unwrap_or_default()).await?.countries,
        _ => Vec::new(),
    })
}

fn purpose<'a>(
    flow: &'a Flow,
    subjects: &'a [Vec<u8>],
    (country, countries): (Option<&'a str>, &'a [String]),
    user: Option<&'a User>,
) -> verification::Purpose<'a> {
    let proven = !flow.passed.is_empty();
    verification::Purpose { flow_id: flow.flow_id, subjects, proven, sends: flow.sends, country, countries, user, language: &flow.language }
}

/// What counts the tries at `method` for this account, once `passed` are proven.
fn tries(scope: &Scope, flow: &Flow, passed: &[Method], method: Method) -> Option<Count> {
    Some(Count::of(method.tries()?, &after(scope, flow, passed)).at_most(flow.tries))
}

/// Count a try. The caller commits this before it goes on to [`prove`], so that parallel guesses cannot share one count.
pub async fn count_try(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<Verdict> {
    let mut counts = vec![Count::from(Limit::AddressTry, source)];
    counts.extend(flow.method.and_then(|method| tries(scope, flow, &flow.passed, method)));
    let verdict = limits::take_all(&mut *conn, scope, clock, source, counts).await?;
    if verdict != Verdict::Allowed {
        let event = Event { action: "reset.code_try", outcome: "limit", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
        audit::record(conn, scope, clock, source, event).await?;
    }
    Ok(verdict)
}

/// Until when somebody has to wait at this method.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Before another code can be sent.
    pub sends: Option<OffsetDateTime>,
    /// It is the organisation's share that is used up, not the account's.
    pub of_all: bool,
    /// Before another try.
    pub tries: Option<OffsetDateTime>,
}

/// What is exhausted for whoever is at this method.
pub async fn waiting(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    method: Method,
) -> Result<Waiting> {
    let user = users::get(&mut *conn, &tenant.scope, flow.user_id.unwrap_or_default()).await?;
    let country = flow.offer_of(method).and_then(|offer| offer.country.as_deref());
    let (subjects, countries) = (subjects(&tenant.scope, flow), countries(&mut *conn, &tenant.scope, flow, method).await?);
    let purpose = purpose(flow, &subjects, (country, &countries), user.as_ref());
    let mut counts = verification::counts(tenant, source, &purpose, method);
    let of_tries = [Some(Limit::AddressTry), method.tries()];
    counts.push(Count::from(Limit::AddressTry, source));
    counts.extend(tries(&tenant.scope, flow, &flow.passed, method));
    let mut waiting = Waiting::default();
    for (limit, until) in limits::waiting(conn, &tenant.scope, clock, &counts).await? {
        let wait = if of_tries.contains(&Some(limit)) { &mut waiting.tries } else { &mut waiting.sends };
        *wait = (*wait).max(Some(until));
        waiting.of_all |= limit.is_of_all();
    }
    Ok(waiting)
}

/// Until when somebody has to wait at this method of theirs, wherever they come from; `subjects`: all by which limits know them. Of several
/// the longest.
pub async fn waits(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    (user, terms): (&User, &Terms),
    subjects: &[Vec<u8>],
    offer: &Offer,
) -> Result<Option<(Limit, OffsetDateTime)>> {
    let (flow_id, method) = (id::time_ordered(clock), offer.method);
    let purpose = verification::Purpose {
        flow_id,
        subjects,
        proven: false,
        sends: terms.allowance.sends,
        country: offer.country.as_deref(),
        countries: &terms.countries,
        user: Some(user),
        language: "",
    };
    let mut counts = if method.class() == Class::Issued {
        verification::counts(tenant, &Source::house("console"), &purpose, method)
    } else {
        Vec::new()
    };
    counts.extend(method.tries().map(|limit| Count::of(limit, subjects).at_most(terms.allowance.tries)));
    Ok(limits::waiting(conn, &tenant.scope, clock, &counts).await?.into_iter().max_by_key(|(_, until)| *until))
}

/// What came of a typed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// The gate is passed. The browser gets a new cookie, the old one is worth nothing.
    Passed {
        cookie: String,
        /// All gates are.
        verified: bool,
        /// The connector whose agents are asked how the account stands, if any are there.
        asked: Option<Uuid>,
    },
    Wrong,
    /// The code's time is over or it was used.
    Over,
}

/// What somebody shows.
pub enum Proof<'a> {
    /// Of whatever was sent, of an app, or from the help desk.
    Code(&'a Code),
    /// A recovery code's candidate, and the slow hash of what was typed.
    Recovery(&'a Candidate, &'a [u8; 32]),
    Passkey(&'a RelyingParty, &'a Assertion),
}

impl Proof<'_> {
    const fn fits(&self, method: Method) -> bool {
        match self {
            Self::Code(_) => matches!(method.class(), Class::Issued | Class::App | Class::HelpDesk),
            Self::Recovery(..) => matches!(method, Method::RecoveryCode),
            Self::Passkey(..) => matches!(method, Method::Passkey),
        }
    }
}

/// Look at what is shown. A decoy's is right never: it has nobody to verify.
pub async fn prove(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    flow: &Flow,
    method: Method,
    proof: Proof<'_>,
) -> Result<Proven> {
    anyhow::ensure!(proof.fits(method), "no proof by {}", method.as_str());
    flow::hold(&mut *conn, scope, flow.flow_id).await?;
    let user = flow.user_id;
    let (checked, cloned) = match proof {
        Proof::Code(code) if method == Method::Totp => of(authenticators::check_app(&mut *conn, scope, clock, user, code.as_str()).await?),
        Proof::Code(code) => (verification::check(&mut *conn, scope, clock, flow.flow_id, method, code).await?, false),
        Proof::Recovery(candidate, hash) => of(authenticators::use_code(&mut *conn, scope, clock, candidate, hash).await?),
        Proof::Passkey(rp, answer) => match verification::take_challenge(&mut *conn, scope, clock, flow.flow_id).await? {
            Some(state) => of(authenticators::check_passkey(&mut *conn, scope, clock, source, user, (rp, &state), answer).await?),
            None => (Checked::Over, false),
        },
    };
    let passed = checked == Checked::Right && flow.user_id.is_some();
    let outcome = match checked {
        Checked::Right if passed => "right",
        _ if cloned => "cloned",
        Checked::Right | Checked::Wrong => "wrong",
        Checked::Over => "over",
    };
    let detail = serde_json::json!({ "method": method });
    let event = Event { action: "reset.code_try", outcome, user: flow.user_id, flow: Some(flow.flow_id), detail, ..Event::default() };
    if !passed {
        audit::record(&mut *conn, scope, clock, source, event).await?;
        used_up(conn, scope, clock, source, flow).await?;
        return Ok(if checked == Checked::Over { Proven::Over } else { Proven::Wrong });
    }
    let (cookie, now) = (id::token(), clock.now());
    // Asked of the row as it is now: two proofs of one class may arrive together, and so may another choice of method.
    let row = sqlx::query!(
        "update flows set passed = array_append(passed, $3), method = null, browser_hash = $4, expires_at = $5,
             state = case when cardinality(passed) + 1 >= gates or (rises and $3 = 'passkey') then 'verified' else 'proving' end
         where tenant_id = $1 and flow_id = $2 and state = 'proving' and method = $3
             and not exists (select from unnest(passed) p where method_class(p, apart) = method_class($3, apart)) returning state, audit_write($6, $7)",
        scope.id(),
        flow.flow_id,
        method.as_str(),
        id::sha256(cookie.as_bytes()),
        now + LIFETIME,
        audit::line(scope, clock, source, &event),
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else {
        audit::record(conn, scope, clock, source, event).await?;
        return Ok(Proven::Over);
    };
    if let (Method::RecoveryCode, Some(user)) = (method, user) {
        authenticators::tell_if_few(&mut *conn, scope, clock, source, user).await?;
    }
    let verified = row.state == "verified";
    // Not after the first of two gates: whoever holds one would get new guesses at the other.
    let mut asked = None;
    if verified {
        // Nor where one proof of two that are set apart, and count their tries together, is enough for this purpose.
        let all = flow.purpose == Purpose::Reset || !flow.apart;
        if all {
            let counts = tries(scope, flow, &flow.passed, method).into_iter();
            let before = flow.passed.iter().enumerate().filter_map(|(n, &method)| tries(scope, flow, &flow.passed[..n], method));
            limits::clear(&mut *conn, scope, before.chain(counts).collect()).await?;
        }
        if let (Some(user), false) = (user, flow.frozen) {
            users::spoke(&mut *conn, scope, user, &flow.language).await?;
        }
        if flow.frozen {
            let event =
                Event { action: "reset.frozen", outcome: "refused", user: flow.user_id, flow: Some(flow.flow_id), ..Event::default() };
            audit::record(&mut *conn, scope, clock, source, event).await?;
        }
        // Whoever signs in changes nothing: no need to know how the account stands.
        if flow.purpose != Purpose::SignIn {
            asked = ask::look(conn, scope, clock, source, flow).await?;
        }
    }
    Ok(Proven::Passed { cookie, verified, asked })
}

/// Whoever's account it is hears of it when the last try was a wrong one, too: nobody guesses in silence by stopping just before a wait. The
/// same is done for a decoy.
async fn used_up(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, flow: &Flow) -> Result<()> {
    let counts: Vec<_> = flow.method.and_then(|method| tries(scope, flow, &flow.passed, method)).into_iter().collect();
    if limits::waiting(&mut *conn, scope, clock, &counts).await?.is_empty() {
        return Ok(());
    }
    let user = users::get(&mut *conn, scope, flow.user_id.unwrap_or_default()).await?;
    notices::tries_used_up(conn, scope, clock, user.as_ref(), flow.options.len(), source).await
}

/// To the person a clone is as wrong as anything; the audit tells.
const fn of(tried: Tried) -> (Checked, bool) {
    match tried {
        Tried::Right => (Checked::Right, false),
        Tried::Wrong => (Checked::Wrong, false),
        Tried::Used => (Checked::Over, false),
        Tried::Cloned => (Checked::Wrong, true),
    }
}
