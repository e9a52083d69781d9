//! Codes that prove who somebody is: six digits, ten minutes, single use, bound to one flow and one method.
//!
//! The code lies in the database as a keyed hash; its destination is read from the person's row at the moment of sending, never
//! from anything the browser holds. A decoy does the same work and sends nothing.

mod help_desk;
mod nameless;
mod passkey;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub use super::policies::{Class, Method};
use super::{
    audit::Source,
    limits::{self, Count, Limit, Verdict},
    notifications::{self, Channel, Content, Message},
    tenants::{Scope, Tenant},
    users::{self, EmailAddress, Phone, User},
};
use crate::base::{clock::Clock, id, typed};
pub use help_desk::{PATIENCE, make_code, number};
pub use nameless::{clean, keep_nameless, take_nameless};
pub use passkey::{keep_challenge, take_challenge};

/// How long a code is good for (NIST SP 800-63B-4 §3.1.3.2 allows ten minutes).
pub const LIFETIME: Duration = Duration::minutes(10);
/// Between two codes by the same method.
pub const RESEND_AFTER: Duration = Duration::seconds(30);

/// For whom and in which flow.
pub struct Purpose<'a> {
    pub flow_id: Uuid,
    /// Whose limits count.
    pub subjects: &'a [Vec<u8>],
    /// They have proven something in this flow: their destinations count apart, too.
    pub proven: bool,
    /// How many codes those may have sent.
    pub sends: i32,
    /// Of a number as it was offered.
    pub country: Option<&'a str>,
    /// How numbers must begin by now, as their policy says; empty: as the tenant says.
    pub countries: &'a [String],
    /// `None`: a decoy.
    pub user: Option<&'a User>,
    /// BCP 47.
    pub language: &'a str,
}

/// What came of sending a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Sent,
    /// The last one is younger than [`RESEND_AFTER`].
    TooEarly,
    /// The account has had its share until then.
    Wait(OffsetDateTime),
}

/// Send a code by `method`. An older one of the same flow and method is worth nothing from now on; counters stay as they are.
pub async fn send(
    conn: &mut PgConnection,
    tenant: &Tenant,
    clock: &Clock,
    source: &Source,
    purpose: &Purpose<'_>,
    method: Method,
) -> Result<Sent> {
    let scope = &tenant.scope;
    if sent_at(&mut *conn, scope, purpose.flow_id, method).await?.is_some_and(|at| at + RESEND_AFTER > clock.now()) {
        return Ok(Sent::TooEarly);
    }
    let to = destination(tenant, purpose, method);
    let counts = counts(tenant, source, purpose, method);
    if let Verdict::Wait(until) = limits::take_all(&mut *conn, scope, clock, source, counts).await? {
        return Ok(Sent::Wait(until));
    }
    let (code, now) = (id::six_digits(), clock.now());
    sqlx::query!(
        "insert into challenges (flow_id, method, tenant_id, code_hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (flow_id, method) do update set code_hash = excluded.code_hash, created_at = excluded.created_at,
             expires_at = excluded.expires_at, used_at = null",
        purpose.flow_id,
        method.as_str(),
        scope.id(),
        hash(scope, purpose.flow_id, method, &code),
        now,
        now + LIFETIME,
    )
    .execute(&mut *conn)
    .await?;
    let channel = if to.is_some() { method.channel() } else { Channel::Nowhere };
    let message = Message {
        to: to.unwrap_or_default().to_owned(),
        name: purpose.user.map(|user| user.display_name.clone()).unwrap_or_default(),
        language: purpose.language.to_owned(),
        content: Content::Code { code, minutes: LIFETIME.whole_minutes() },
        only: false,
    };
    let topic = scope.key().hash(b"message topic", format!("{} {}", purpose.flow_id, method.as_str()).as_bytes());
    notifications::enqueue(conn, scope, clock, channel, &message, Some(&topic), LIFETIME).await?;
    Ok(Sent::Sent)
}

/// Where the code goes; nowhere for a decoy, and to no number that may not get text messages by now, whatever was offered.
fn destination<'a>(tenant: &Tenant, purpose: &Purpose<'a>, method: Method) -> Option<&'a str> {
    let user = purpose.user?;
    // An address that became another one since the flow began was not what was offered, and has not cooled off.
    // A flow's id bears the moment, to the millisecond (RFC 9562 §5.7).
    let (seconds, nanos) = purpose.flow_id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    let begun = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let [mail, private_mail, mobile] = user.since.map(|at| at.is_none_or(|at| at.unix_timestamp_nanos() < begun));
    let is_offered = match method {
        Method::Email => mail,
        Method::PrivateEmail => private_mail,
        _ => mobile,
    };
    if !is_offered {
        return None;
    }
    match method {
        Method::Email => user.mail.as_ref().map(EmailAddress::as_str),
        Method::PrivateEmail => user.private_mail.as_ref().map(EmailAddress::as_str),
        Method::Sms => user.mobile.as_ref().map(Phone::as_str).filter(|number| tenant.allowed.may_text(purpose.countries, number)),
        Method::Totp | Method::Passkey | Method::RecoveryCode | Method::HelpDesk => None,
    }
}

/// What a code by this method counts for. A decoy's destination is made of its name; what costs the
/// tenant money it only looks at, so that made-up names use no budget up and yet look like all others when one is.
pub fn counts(tenant: &Tenant, source: &Source, purpose: &Purpose<'_>, method: Method) -> Vec<Count> {
    let (scope, to) = (&tenant.scope, destination(tenant, purpose, method));
    let nowhere =
        || scope.key().hash(b"limit destination of nobody", &[purpose.subjects.concat().as_slice(), method.as_str().as_bytes()].concat());
    let known = if purpose.proven { users::proven_destination } else { User::destination };
    let destination = to.map_or_else(nowhere, |to| known(scope, to));
    let country = purpose.country.unwrap_or_default();
    let anywhere = purpose.subjects.iter().map(|subject| users::anywhere(scope, subject, method));
    let destinations: Vec<_> = [destination].into_iter().chain(anywhere).collect();
    counts_to(source, method.channel(), (purpose.subjects, purpose.sends), (&destinations, country), to.is_some())
}

/// The same for an account that may have so many sent and destinations that are given: their keyed hashes, and of a number its country.
/// `real`: something is sent.
pub fn counts_to(
    source: &Source,
    channel: Channel,
    (subjects, sends): (&[Vec<u8>], i32),
    to: (&[Vec<u8>], &str),
    real: bool,
) -> Vec<Count> {
    let of_all = |count: Count| if real { count } else { count.weightless() };
    let mut counts = vec![
        Count::from(Limit::AddressSend, source),
        Count::of(Limit::CodeSend, subjects).at_most(sends),
        Count::of(Limit::Destination, to.0),
    ];
    match channel {
        Channel::Sms => {
            let country = [to.1.as_bytes().to_vec()];
            counts.push(of_all(Count::of(Limit::CountryHour, &country)));
            counts.push(of_all(Count::of(Limit::CountryDay, &country)));
            counts.push(of_all(Count::of_tenant(Limit::SmsBudget)));
        }
        Channel::Email => counts.push(of_all(Count::of_tenant(Limit::MailBudget))),
        Channel::Nowhere => {}
    }
    counts
}

/// Begin to prove by a method that sends nothing. What is kept for it is the same for a decoy.
pub async fn begin(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid, method: Method) -> Result<()> {
    if method == Method::HelpDesk {
        help_desk::wait(conn, scope, clock, flow).await?;
    }
    Ok(())
}

/// When the flow's last code by this method was made.
pub async fn sent_at(conn: &mut PgConnection, scope: &Scope, flow: Uuid, method: Method) -> Result<Option<OffsetDateTime>> {
    let at = sqlx::query_scalar!(
        "select created_at from challenges where tenant_id = $1 and flow_id = $2 and method = $3",
        scope.id(),
        flow,
        method.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(at)
}

/// Six ASCII digits, eight from the help desk, whatever spaces and dashes stand between them.
pub struct Code(String);

impl Code {
    /// `None` when there are not exactly as many as the method's codes have.
    pub fn parse(method: Method, text: &str) -> Option<Self> {
        let wanted = if method == Method::HelpDesk { help_desk::DIGITS } else { 6 };
        let digits: String = typed::plain(text).take(wanted + 1).collect();
        (digits.len() == wanted && digits.bytes().all(|b| b.is_ascii_digit())).then_some(Self(digits))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of comparing a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Right,
    Wrong,
    /// Right or wrong, its ten minutes are over, or it was used before.
    Over,
}

/// Compare. The caller has counted the try, and committed that, before.
pub async fn check(conn: &mut PgConnection, scope: &Scope, clock: &Clock, flow: Uuid, method: Method, code: &Code) -> Result<Checked> {
    let row = sqlx::query!(
        "select code_hash, expires_at, used_at from challenges where tenant_id = $1 and flow_id = $2 and method = $3 for update",
        scope.id(),
        flow,
        method.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let given = hash(scope, flow, method, &code.0);
    let Some(row) = row else { return Ok(Checked::Over) };
    // None yet: nobody has called the help desk.
    let same = id::same(row.code_hash.as_deref().unwrap_or(&[0; 32]), &given) && row.code_hash.is_some();
    if row.used_at.is_some() || row.expires_at <= clock.now() {
        return Ok(Checked::Over);
    }
    if !same {
        return Ok(Checked::Wrong);
    }
    sqlx::query!(
        "update challenges set used_at = $4 where tenant_id = $1 and flow_id = $2 and method = $3 and used_at is null",
        scope.id(),
        flow,
        method.as_str(),
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(Checked::Right)
}

/// Bound to flow and method: the same digits elsewhere hash to something else.
fn hash(scope: &Scope, flow: Uuid, method: Method, code: &str) -> Vec<u8> {
    scope.key().hash(b"challenge code", format!("{flow} {} {code}", method.as_str()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Code, Method};

    #[test]
    fn a_code_is_six_digits_however_it_is_typed() {
        for text in ["123456", " 123 456 ", "123-456", "1 2 3 4 5 6", "１２３４５６", "\u{200e}123\u{2011}456\u{feff}"] {
            assert_eq!(Code::parse(Method::Sms, text).unwrap().0, "123456");
        }
        for text in ["", "12345", "1234567", "12345a", "１２３４５", "123456\0"] {
            assert!(Code::parse(Method::Totp, text).is_none(), "{text:?}");
        }
        assert_eq!(Code::parse(Method::HelpDesk, "1234 5678").unwrap().0, "12345678");
        assert!(Code::parse(Method::HelpDesk, "123456").is_none());
    }
}
