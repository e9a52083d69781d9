//! What people are told of what happened to their account: to every address on file, in their language, with what, when, from where
//! (coarse), and a token with which whoever reads it can say that it was not them.
//!
//! A notice is written in the transaction of what it tells of, so that neither can be without the other.
//!
//! By mail a notice goes out whatever was sent before: it costs next to nothing, and what causes one is limited where it happens. A text
//! message costs money, so notices have a share of the tenant's budget for themselves ([`Limit::SmsNotices`]): codes that a stranger asks for
//! cannot use it up and so silence a notice, and notices cannot use up what codes are sent by. Past that share a text message still goes to
//! whoever has no mailbox to be told at; to one number no more than ten an hour go in any case, and to no country that neither their policy nor, where it
//! names none, the tenant texts.
//! That is asked when a message is about to be sent ([`may_text`]), since all ways of telling somebody meet there.

mod letters;
mod reminders;
mod repudiation;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    audit::{self, Source},
    branding,
    limits::{self, Count, Limit, Verdict},
    notifications::{self, Act, Change, Channel, Content, Happened, Message, Week},
    policies::{self, Method},
    tenants::{Contact, Scope, Tenant},
    users::{EmailAddress, Reach, Readdressed, User},
};
use crate::base::clock::Clock;
pub use letters::{Letters, Whom};
pub use reminders::{forget, remind};
pub use repudiation::{Repudiated, Token, clean, repudiate, said_again};

/// Notices are worth sending for a day.
pub const LIFETIME: time::Duration = time::Duration::days(1);
/// What waits for somebody's decision waits for an hour.
const SOON: time::Duration = time::Duration::hours(1);

/// Now, and from where a person did it; what the house or an operator does comes from nowhere.
fn happened(clock: &Clock, source: &Source) -> Happened {
    let from = source.address.filter(|_| source.actor == "user").map(audit::coarse).unwrap_or_default();
    Happened { at: clock.seconds(), from, token: None, user: None }
}

/// A way to prove who one is came, went, or is another one; `what`: how, and the method as it is written.
pub async fn method_changed(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    user: &User,
    what: (Change, &str),
    source: &Source,
) -> Result<()> {
    let (change, method) = what;
    let content = Content::Method { happened: happened(clock, source), change, method: method.to_owned() };
    tell(conn, scope, clock, user, content).await
}

/// Somebody added, changed or took back an address of their own: told to the old ones and to the new one.
pub async fn contact_changed(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    person: &Readdressed,
    what: (Change, &str),
    source: &Source,
) -> Result<()> {
    let (change, method) = what;
    let content = Content::Method { happened: happened(clock, source), change, method: method.to_owned() };
    let mut whom = Whom::of(person.user_id, &person.now);
    whom.also(&person.before);
    let mut letters = Letters::default();
    letters.tell(scope, clock, &whom, Uuid::nil(), content)?;
    letters.write(conn, clock).await
}

/// So many people of this directory got a first address at once that none of them is told: the help desk is.
pub async fn untold(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, place: &str, people: i64) -> Result<()> {
    let Some(to) = &tenant.alerts else { return Ok(()) };
    let content = Content::Untold { happened: happened(clock, &Source::house("worker")), place: place.to_owned(), people };
    let message = Message { to: to.clone(), name: String::new(), language: tenant.language.tag().to_owned(), content, only: false };
    notifications::enqueue(conn, &tenant.scope, clock, Channel::Email, &message, None, LIFETIME).await?;
    Ok(())
}

/// An operator does more for people than a day usually asks for: the help desk's address hears of it.
pub async fn many(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, who: &str, acts: i64) -> Result<()> {
    let Some(to) = &tenant.alerts else { return Ok(()) };
    let content = Content::Many { happened: happened(clock, source), who: who.to_owned(), acts };
    let message = Message { to: to.clone(), name: String::new(), language: tenant.language.tag().to_owned(), content, only: false };
    notifications::enqueue(conn, &tenant.scope, clock, Channel::Email, &message, None, LIFETIME).await?;
    Ok(())
}

/// A colleague wants something that takes two: whoever may decide hears of it, and not what it is. What they asked for besides and nobody
/// has been told of yet is told by the same mail.
pub async fn decision(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    (to, name): (&str, &str),
    who: &str,
) -> Result<()> {
    let (scope, language) = (&tenant.scope, tenant.language.tag().to_owned());
    let content = Content::Decision { happened: happened(clock, source), who: who.to_owned() };
    let message = Message { to: to.to_owned(), name: name.to_owned(), language, content, only: false };
    let topic = scope.key().hash(b"message topic", format!("decision {to} {who}").as_bytes());
    notifications::enqueue(conn, scope, clock, Channel::Email, &message, Some(&topic), SOON).await?;
    Ok(())
}

/// The figures of a week.
pub async fn week(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, to: &str, week: Week) -> Result<()> {
    let content = Content::Week { happened: happened(clock, &Source::house("worker")), week };
    let language = tenant.language.tag().to_owned();
    let message = Message { to: to.to_owned(), name: String::new(), language, content, only: false };
    notifications::enqueue(conn, &tenant.scope, clock, Channel::Email, &message, None, LIFETIME).await?;
    Ok(())
}

/// The help desk of the person whom a notice is about, if they have one of their own. Whoever reads it reads their mail.
pub async fn contact(conn: &mut PgConnection, scope: &Scope, message: &Message) -> Result<Option<Contact>> {
    match message.content.happened().and_then(|happened| happened.user) {
        Some(user) => branding::contact_of(conn, scope, user).await,
        None => Ok(None),
    }
}

/// Whether this text message may go out now; a notice is counted by that. The caller commits before it sends.
pub async fn may_text(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, message: &Message) -> Result<bool> {
    if message.content.happened().is_none() {
        return Ok(true);
    }
    let (scope, worker) = (&tenant.scope, Source::house("worker"));
    let countries = match message.content.happened().and_then(|happened| happened.user) {
        Some(user) => policies::of_user(&mut *conn, scope, user).await?.countries,
        None => Vec::new(),
    };
    if !tenant.allowed.may_text(&countries, &message.to) {
        return Ok(false);
    }
    let mut counts = vec![Count::of(Limit::Notice, &[User::destination(scope, &message.to)])];
    match tenant.allowed.sms_notices() {
        Some(0) => return Ok(false),
        Some(most) if !message.only => counts.push(Count::of_tenant(Limit::SmsNotices).at_most(most)),
        _ => {}
    }
    Ok(limits::take_all(conn, scope, clock, &worker, counts).await? == Verdict::Allowed)
}

/// A recovery code was used, and few are left, or none.
pub async fn codes_low(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: &User, left: i64, source: &Source) -> Result<()> {
    tell(conn, scope, clock, user, Content::CodesLow { happened: happened(clock, source), left }).await
}

/// An operator did something to the account.
pub async fn operator_acted(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: &User, act: Act, source: &Source) -> Result<()> {
    tell(conn, scope, clock, user, Content::Operator { happened: happened(clock, source), act }).await
}

async fn tell(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: &User, content: Content) -> Result<()> {
    let mut letters = Letters::default();
    letters.tell(scope, clock, &Whom::of(user.user_id, &user.reach()), Uuid::nil(), content)?;
    letters.write(conn, clock).await?;
    Ok(())
}

/// Somebody used up the tries for a code; once a day. `None`: a decoy, for which the same is done with as many messages, to nobody.
pub async fn tries_used_up(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    user: Option<&User>,
    shown: usize,
    source: &Source,
) -> Result<()> {
    let content = Content::Tries { happened: happened(clock, source) };
    let mut letters = Letters::default();
    match user {
        Some(user) => letters.tell(scope, clock, &Whom::of(user.user_id, &user.reach()), Uuid::nil(), content)?,
        None => {
            for _ in 0..shown {
                let message =
                    Message { to: String::new(), name: String::new(), language: String::new(), content: content.clone(), only: false };
                letters.push(scope, clock, Uuid::nil(), Channel::Nowhere, &message)?;
            }
        }
    }
    letters.write(conn, clock).await?;
    Ok(())
}

/// Other addresses of these people are on file, by the directory's word or (`listed`) by a list's: told to the old ones and to the new ones. Nobody
/// hears of it where self-service is off. Answers whether there is anything to send.
pub async fn readdressed(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, people: &[Readdressed], listed: bool) -> Result<bool> {
    let mut letters = Letters::default();
    for person in people.iter().filter(|person| tenant.self_service && person.is_told) {
        let Readdressed { user_id, before, now, .. } = person;
        let happened = Happened { at: clock.seconds(), from: String::new(), token: None, user: None };
        let text = |mail: &Option<EmailAddress>| mail.as_ref().map(|mail| mail.as_str().to_owned());
        let number = |reach: &Reach| reach.mobile.as_ref().map(|mobile| mobile.as_str().to_owned());
        let changes: Vec<(Method, Change)> = [
            (Method::Email, text(&before.mail), text(&now.mail)),
            (Method::PrivateEmail, text(&before.private_mail), text(&now.private_mail)),
            (Method::Sms, number(before), number(now)),
        ]
        .into_iter()
        .filter(|(_, before, now)| before != now)
        .map(|(method, before, now)| match (before, now) {
            (None, _) => (method, Change::Added),
            (_, None) => (method, Change::Removed),
            _ => (method, Change::Changed),
        })
        .collect();
        let mail = changes.iter().any(|(method, _)| *method != Method::Sms);
        let mobile = changes.iter().any(|(method, _)| *method == Method::Sms);
        let changes = changes.into_iter().map(|(method, change)| (method.as_str().to_owned(), change)).collect();
        let content = Content::Contact { happened, mail, mobile, changes, listed };
        let mut whom = Whom::of(*user_id, now);
        whom.also(before);
        letters.tell(&tenant.scope, clock, &whom, Uuid::nil(), content)?;
    }
    letters.spread();
    letters.write(conn, clock).await?;
    Ok(!letters.ids.is_empty())
}

/// Tell the help desk that somebody says it was not them. `of`: what kind of notice, of what happened when.
pub async fn alert(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, user: &User, of: (&str, i64)) -> Result<()> {
    let Some(to) = &tenant.alerts else { return Ok(()) };
    let scope = &tenant.scope;
    // A directory's name in a command that somebody will paste.
    let command = format!("sspr user show --tenant {} '{}'", scope.id(), user.sign_in_name.replace('\'', r"'\''"));
    let who = format!("{} ({})", user.display_name, user.sign_in_name);
    let content = Content::Alert { happened: happened(clock, source), who, about: of.0.to_owned(), of: of.1, command };
    let message = Message { to: to.clone(), name: String::new(), language: tenant.language.tag().to_owned(), content, only: false };
    notifications::enqueue(conn, scope, clock, Channel::Email, &message, None, LIFETIME).await?;
    Ok(())
}

/// Each address once, whatever it is on file for.
pub fn addresses(reach: &Reach) -> impl Iterator<Item = (Channel, &str)> {
    let private = reach.private_mail.as_ref().filter(|private| reach.mail.as_ref() != Some(private));
    let mails = reach.mail.as_ref().into_iter().chain(private).map(|mail| (Channel::Email, mail.as_str()));
    mails.chain(reach.mobile.as_ref().map(|mobile| (Channel::Sms, mobile.as_str())))
}
