//! Mailboxes and numbers that people add themselves: a code is sent there, and typed into the session that began.
//!
//! What is added is what the code was sent to, and never what a browser says later. Whose address it is otherwise is not asked: the answer
//! would tell. It names nobody (people are found by the directory's address alone), and proves its owner only together with their name.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    limits::{self, Allowance, Count, Limit, Verdict},
    notices,
    notifications::{self, Change, Content, Message},
    policies::{self, Method, Terms},
    tenants::{Scope, Tenant},
    users::{self, Contact, EmailAddress, Phone, User},
    verification::{self, Code, LIFETIME, RESEND_AFTER},
};
use crate::base::{clock::Clock, id};

/// Who adds something, and in which session.
#[derive(Clone, Copy)]
pub struct Adder<'a> {
    pub user: &'a User,
    pub session: Uuid,
    /// BCP 47, of the browser.
    pub language: &'a str,
}

/// Why an address cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The policy that holds for them has no such method.
    NotOffered,
    /// It opens with the very password that it would help to reset.
    BehindPassword,
    /// The organisation sends no text messages there.
    Country,
    /// It is on file for them already.
    Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Sent,
    /// The last code to it is younger than [`RESEND_AFTER`].
    TooEarly,
    /// `true`: it is the organisation's share that is used up.
    Wait(OffsetDateTime, bool),
    Unfit(Unfit),
}

/// Methods whose address people may add.
pub const ALL: [Method; 2] = [Method::PrivateEmail, Method::Sms];

/// Which of them somebody may add for whom these terms hold.
pub fn offered(terms: &Terms) -> Vec<Method> {
    ALL.into_iter().filter(|method| terms.methods.contains(method)).collect()
}

fn unfit(tenant: &Tenant, terms: &Terms, user: &User, contact: &Contact) -> Option<Unfit> {
    if !offered(terms).contains(&contact.method()) {
        return Some(Unfit::NotOffered);
    }
    let same = |mail: &EmailAddress, known: &Option<EmailAddress>| {
        known.as_ref().is_some_and(|known| known.as_str().eq_ignore_ascii_case(mail.as_str()))
    };
    match contact {
        Contact::PrivateMail(mail) if tenant.mail_domains.iter().any(|domain| mail.is_at(domain)) => Some(Unfit::BehindPassword),
        Contact::PrivateMail(mail) if same(mail, &user.mail) || same(mail, &user.private_mail) => Some(Unfit::Known),
        Contact::Mobile(number) if !tenant.allowed.may_text(&terms.countries, number.as_str()) => Some(Unfit::Country),
        Contact::Mobile(number) if user.mobile.as_ref() == Some(number) => Some(Unfit::Known),
        Contact::PrivateMail(_) | Contact::Mobile(_) => None,
    }
}

/// Send a code there. One that was sent before in this session, for this method, is worth nothing from now on.
pub async fn send(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    adder: Adder<'_>,
    contact: &Contact,
) -> Result<Sent> {
    let (scope, method, now) = (&tenant.scope, contact.method(), clock.now());
    let terms = policies::of_user(&mut *conn, scope, adder.user.user_id).await?;
    if let Some(unfit) = unfit(tenant, &terms, adder.user, contact) {
        return Ok(Sent::Unfit(unfit));
    }
    let before = pending(&mut *conn, scope, clock, adder, method).await?;
    if before.is_some_and(|before| before.contact == *contact && before.sent_at + RESEND_AFTER > now) {
        return Ok(Sent::TooEarly);
    }
    let country = if let Contact::Mobile(number) = contact { number.calling_code() } else { "" };
    let to = [User::destination(scope, contact.as_str())];
    let counts =
        verification::counts_to(source, method.channel(), (&[adder.user.subject(scope)], terms.allowance.sends), (&to, country), true);
    let event = |outcome| {
        let detail = serde_json::json!({ "method": method });
        Event { action: "contact.code_send", outcome, user: Some(adder.user.user_id), detail, ..Event::default() }
    };
    if let Verdict::Wait(until) = limits::take_all(&mut *conn, scope, clock, source, counts.clone()).await? {
        audit::record(&mut *conn, scope, clock, source, event("limit")).await?;
        let of_all = limits::waiting(conn, scope, clock, &counts).await?.iter().any(|(limit, _)| limit.is_of_all());
        return Ok(Sent::Wait(until, of_all));
    }
    let code = id::six_digits();
    sqlx::query!(
        "insert into contact_changes (session_id, kind, tenant_id, user_id, destination, code_hash, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (session_id, kind) do update set tenant_id = excluded.tenant_id, user_id = excluded.user_id,
             destination = excluded.destination, code_hash = excluded.code_hash, created_at = excluded.created_at, expires_at = excluded.expires_at",
        adder.session,
        method.as_str(),
        scope.id(),
        adder.user.user_id,
        scope.key().encrypt(&place(adder.session, method), contact.as_str().as_bytes()),
        hash(scope, adder.session, contact, &code),
        now,
        now + LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    // Without a name: whoever reads it may be anybody yet.
    let content = Content::ContactCode { code, minutes: LIFETIME.whole_minutes() };
    let message =
        Message { to: contact.as_str().to_owned(), name: String::new(), language: adder.language.to_owned(), content, only: false };
    let topic = scope.key().hash(b"message topic", &place(adder.session, method));
    notifications::enqueue(&mut *conn, scope, clock, method.channel(), &message, Some(&topic), LIFETIME).await?;
    audit::record(conn, scope, clock, source, event("sent")).await?;
    Ok(Sent::Sent)
}

/// What waits for its code.
pub struct Pending {
    pub contact: Contact,
    pub sent_at: OffsetDateTime,
}

/// By this method, in this session.
pub async fn pending(conn: &mut PgConnection, scope: &Scope, clock: &Clock, adder: Adder<'_>, method: Method) -> Result<Option<Pending>> {
    Ok(kept(conn, scope, clock, adder, method).await?.map(|(pending, _)| pending))
}

async fn kept(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    adder: Adder<'_>,
    method: Method,
) -> Result<Option<(Pending, Vec<u8>)>> {
    let row = sqlx::query!(
        "select destination, code_hash, created_at from contact_changes
         where tenant_id = $1 and session_id = $2 and kind = $3 and user_id = $4 and expires_at > $5 for update",
        scope.id(),
        adder.session,
        method.as_str(),
        adder.user.user_id,
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let text = scope.key().decrypt_text(&place(adder.session, method), &row.destination)?;
    Ok(Contact::parse(method, &text).map(|contact| (Pending { contact, sent_at: row.created_at }, row.code_hash)))
}

/// Count a try, with those at all codes that were sent for this account. The caller commits this before it goes on to [`confirm`]. A right
/// one gives none back, only a whole journey's proof does (`domain/resets/proof.rs`): whoever adds an address of their own must not get new guesses at
/// somebody else's code.
pub async fn count_try(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: &User) -> Result<Verdict> {
    let Allowance { tries, .. } = policies::of_user(&mut *conn, scope, user.user_id).await?.allowance;
    let counts = vec![Count::from(Limit::AddressTry, source), Count::of(Limit::CodeTry, &[user.subject(scope)]).at_most(tries)];
    limits::take_all(conn, scope, clock, source, counts).await
}

/// What came of a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    Added,
    /// There is no code, because the address was added just now: a button that was pressed twice.
    Already,
    Wrong,
    /// Its ten minutes are over, it was used, or it was begun elsewhere.
    Over,
    /// It could be added when it was begun, and cannot be now.
    Unfit(Unfit),
}

/// Compare; right, it counts from now on, once it has cooled off. All addresses hear of it, the one that it replaces as well.
pub async fn confirm(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    adder: Adder<'_>,
    (method, code): (Method, &Code),
) -> Result<Confirmed> {
    let scope = &tenant.scope;
    let Some((Pending { contact, .. }, right)) = kept(&mut *conn, scope, clock, adder, method).await? else {
        return Ok(if is_fresh(conn, scope, clock, adder, method).await? { Confirmed::Already } else { Confirmed::Over });
    };
    let terms = policies::of_user(&mut *conn, scope, adder.user.user_id).await?;
    if !id::same(&right, &hash(scope, adder.session, &contact, code.as_str())) {
        let detail = serde_json::json!({ "method": method });
        let event = Event { action: "contact.code_try", outcome: "wrong", user: Some(adder.user.user_id), detail, ..Event::default() };
        audit::record(&mut *conn, scope, clock, source, event).await?;
        // As in every journey: whose tries are used up hears of it.
        let counts = [Count::of(Limit::CodeTry, &[adder.user.subject(scope)]).at_most(terms.allowance.tries)];
        if !limits::waiting(&mut *conn, scope, clock, &counts).await?.is_empty() {
            notices::tries_used_up(conn, scope, clock, Some(adder.user), 0, source).await?;
        }
        return Ok(Confirmed::Wrong);
    }
    if let Some(unfit) = unfit(tenant, &terms, adder.user, &contact) {
        return Ok(Confirmed::Unfit(unfit));
    }
    sqlx::query!(
        "delete from contact_changes where tenant_id = $1 and session_id = $2 and kind = $3",
        scope.id(),
        adder.session,
        method.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    let added = set(conn, scope, clock, source, adder.user, (method, Some(&contact))).await?;
    Ok(if added { Confirmed::Added } else { Confirmed::Over })
}

/// Whether there is one of their own by this method that is no older than a code can be. Asked of the person as they are now: two presses
/// may arrive together.
async fn is_fresh(conn: &mut PgConnection, scope: &Scope, clock: &Clock, adder: Adder<'_>, method: Method) -> Result<bool> {
    let Some(user) = users::get(&mut *conn, scope, adder.user.user_id).await? else { return Ok(false) };
    let [own_mail, own_mobile] = users::are_own(conn, scope, user.user_id).await?;
    let [_, mail_at, mobile_at] = user.since;
    let (own, since) = if method == Method::Sms { (own_mobile, mobile_at) } else { (own_mail, mail_at) };
    Ok(own && since.is_some_and(|since| since + LIFETIME > clock.now()))
}

/// Take back one's own; what a list or the directory says counts again. False: there is none.
pub async fn remove(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: &User, method: Method) -> Result<bool> {
    set(conn, scope, clock, source, user, (method, None)).await
}

async fn set(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: &User,
    (method, contact): (Method, Option<&Contact>),
) -> Result<bool> {
    let Some(changed) = users::set_own(&mut *conn, scope, clock, user.user_id, method, contact).await? else { return Ok(false) };
    let had = match method {
        Method::Sms => changed.before.mobile.as_ref().map(Phone::as_str),
        _ => changed.before.private_mail.as_ref().map(EmailAddress::as_str),
    };
    let (change, outcome) = match (contact, had) {
        (None, _) => (Change::Removed, "removed"),
        (Some(_), None) => (Change::Added, "added"),
        (Some(_), Some(_)) => (Change::Changed, "changed"),
    };
    let detail = serde_json::json!({ "method": method });
    let event = Event { action: "user.contact", outcome, user: Some(user.user_id), detail, ..Event::default() };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    notices::contact_changed(conn, scope, clock, &changed, (change, method.as_str()), source).await?;
    Ok(true)
}

/// Forget what nobody finished.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    Ok(sqlx::query!("delete from contact_changes where expires_at < $1", clock.now()).execute(conn).await?.rows_affected())
}

fn place(session: Uuid, method: Method) -> Vec<u8> {
    [b"contact_changes.destination ".as_slice(), session.as_bytes(), method.as_str().as_bytes()].concat()
}

/// Bound to session, kind and destination: the same digits for anything else hash to something else.
fn hash(scope: &Scope, session: Uuid, contact: &Contact, code: &str) -> Vec<u8> {
    let bound = format!("{session} {} {} {code}", contact.method().as_str(), contact.as_str());
    scope.key().hash(b"contact code", bound.as_bytes())
}
