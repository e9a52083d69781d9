//! What needs no agent: limits, methods, the help desk's code, an invitation.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        authenticators,
        freezes::{self, Freeze},
        limits::{self, Count, InForce, Limit, Verdict},
        notices,
        notifications::{self, Act, Change, Content, Message},
        policies::{self, Method},
        tenants::{Scope, Tenant},
        users::{self, Name, User},
        verification,
    },
};

/// All that stops this person at the moment, whatever name of theirs is typed.
pub async fn limits_of(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: &User) -> Result<Vec<InForce>> {
    let Some(name) = Name::parse(&user.sign_in_name) else { return Ok(Vec::new()) };
    let subjects = users::subjects(&mut *conn, scope, &name, std::slice::from_ref(user)).await?;
    let policy = policies::of_user(&mut *conn, scope, user.user_id).await?.allowance;
    limits::in_force(conn, scope, clock, (Some(&subjects), Some(policy))).await
}

/// They may go on. Answers how many limits there were.
pub async fn lift_limits(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: &User) -> Result<u64> {
    let found = limits_of(&mut *conn, scope, clock, user).await?;
    if found.is_empty() {
        return Ok(0);
    }
    limits::lift(conn, scope, clock, source, Some(user.user_id), &found).await
}

/// What they have lost, or somebody else has got. They are told. False: there is no such method of theirs.
pub async fn remove_method(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: &User,
    authenticator: Uuid,
) -> Result<bool> {
    let Some(kind) = authenticators::take_away(&mut *conn, scope, clock, source, user.user_id, authenticator).await? else {
        return Ok(false);
    };
    notices::method_changed(conn, scope, clock, user, (Change::Removed, kind.method().as_str()), source).await?;
    Ok(true)
}

/// What came of wanting a code for a caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Coded {
    /// To be read out: eight digits.
    Code(String),
    Frozen(Freeze),
    /// The policy that holds for them takes no code from the help desk.
    NotTaken,
    /// Nobody of that name is served.
    NotServed,
    /// No page of theirs waits under this number.
    NoPage,
}

/// A code for a caller whom the operator has verified by the house's own rules; it works in the browser that shows this number.
pub async fn code(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: &User, number: &str) -> Result<Coded> {
    let Some(person) = users::get(&mut *conn, scope, user.user_id).await? else { return Ok(Coded::NotServed) };
    if let Some(freeze) = freezes::of(&mut *conn, scope, person.user_id).await? {
        return Ok(Coded::Frozen(freeze));
    }
    let terms = policies::of_user(&mut *conn, scope, person.user_id).await?;
    if !terms.serves {
        return Ok(Coded::NotServed);
    }
    if !terms.methods.contains(&Method::HelpDesk) {
        return Ok(Coded::NotTaken);
    }
    let number: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    let Some(code) = verification::make_code(&mut *conn, scope, clock, source, &person, &number).await? else { return Ok(Coded::NoPage) };
    notices::operator_acted(conn, scope, clock, &person, Act::Code, source).await?;
    Ok(Coded::Code(code))
}

/// What came of inviting somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// To so many addresses.
    Sent(usize),
    /// There is nowhere to write to, or no more may be written there for a while.
    Nowhere,
    NotServed,
}

/// An invitation is good for a day.
const LIFETIME: Duration = Duration::days(1);

/// Write to the person, wherever they are reached, where to set a new password themselves. It bears no secret: whoever reads it proves who
/// they are as anybody does.
pub async fn invite(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, user: &User) -> Result<Invited> {
    let scope = &tenant.scope;
    if users::served(&mut *conn, scope, user.user_id).await?.is_none() || freezes::is_frozen(&mut *conn, scope, user.user_id).await? {
        return Ok(Invited::NotServed);
    }
    let (reach, countries) = (user.reach(), policies::of_user(&mut *conn, scope, user.user_id).await?.countries);
    let mut sent = 0;
    for (channel, to) in notices::addresses(&reach) {
        let counts = vec![Count::of(Limit::Destination, &[User::destination(scope, to)])];
        let may_text = channel != notifications::Channel::Sms || tenant.allowed.may_text(&countries, to);
        if !may_text || limits::take_all(&mut *conn, scope, clock, source, counts).await? != Verdict::Allowed {
            continue;
        }
        let language = reach.language.clone().unwrap_or_default();
        let message = Message { to: to.to_owned(), name: reach.name.clone(), language, content: Content::Invitation, only: false };
        // Pressed twice it is one.
        let topic = scope.key().hash(b"message topic", format!("invitation {} {to}", user.user_id).as_bytes());
        notifications::enqueue(&mut *conn, scope, clock, channel, &message, Some(&topic), LIFETIME).await?;
        sent += 1;
    }
    let outcome = if sent == 0 { "nowhere" } else { "sent" };
    let event = Event { action: "user.invite", outcome, user: Some(user.user_id), ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(if sent == 0 { Invited::Nowhere } else { Invited::Sent(sent) })
}
