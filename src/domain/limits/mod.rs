//! Limits, in Postgres so that several nodes share them: per account and across flows, per client address, per destination, per country
//! and per tenant. Count first, commit, then act: parallel requests then queue on the row and cannot slip through together. Windows go
//! by the database's clock: a node whose own is wrong would begin new ones.
//!
//! Each kind of proof has its own count of tries: whoever guesses at the code in a mailbox does not stop the authenticator app of the
//! same account, and whoever has passed a proof is apart from those who have not. What nobody can guess (a passkey, a recovery code) has
//! none, but for the client's address. Waits grow, and none is for ever.

mod allowance;
mod force;

use std::net::IpAddr;

use anyhow::Result;
use sqlx::{PgConnection, postgres::types::PgInterval};
use time::{Duration, OffsetDateTime};

use super::{
    audit::{self, Event, Source},
    tenants::Scope,
};
use crate::base::clock::Clock;

pub use allowance::Allowance;
pub use force::{InForce, clean, in_force, lift};

/// What is counted. All who count several count them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Beginning anything with a name, from a client address.
    AddressBegin,
    /// A challenge for a passkey without a name, from a client address: no work was done for it, so it uses up nobody's beginnings.
    AddressChallenge,
    /// Comparing anything typed, from a client address.
    AddressTry,
    /// Having a code sent, from a client address.
    AddressSend,
    /// Showing the token of a notice, from a client address.
    NotMe,
    /// Comparing a code that was sent, right or wrong, for an account.
    CodeTry,
    /// Comparing an authenticator app's code, for an account.
    AppTry,
    /// Comparing a help-desk code, for an account.
    HelpDeskTry,
    /// Comparing an operator's password at the console: for the address that was typed, known or not.
    OperatorPassword,
    /// Comparing an operator's app code: for an operator whose password was right, or who is signed in.
    OperatorCode,
    /// What an operator does for people: nobody is stopped by it, but somebody hears of it.
    OperatorActs,
    /// Having a message sent to oneself to look at, for an operator.
    TextSample,
    /// Having the directory compare the current password, for an account: few, so that its own lock is not reached through us.
    PasswordTry,
    /// Adding and replacing methods of proof and addresses, for an account: each is told by mail and text message.
    MethodChange,
    /// Sending a code, for an account.
    CodeSend,
    /// Sending a code to one mailbox or number, whoever's account it is for.
    Destination,
    /// Text messages that tell of something, to one number.
    Notice,
    /// Text messages to a country.
    CountryHour,
    CountryDay,
    /// Codes of a tenant by text message, a day.
    SmsBudget,
    /// Text messages of a tenant that tell of something, a day: a share of the budget that no code uses.
    SmsNotices,
    /// Codes of a tenant by mail, a day.
    MailBudget,
}

impl Limit {
    const ALL: [Self; 22] = [
        Self::AddressBegin,
        Self::AddressChallenge,
        Self::AddressTry,
        Self::AddressSend,
        Self::NotMe,
        Self::CodeTry,
        Self::AppTry,
        Self::HelpDeskTry,
        Self::OperatorPassword,
        Self::OperatorCode,
        Self::OperatorActs,
        Self::TextSample,
        Self::PasswordTry,
        Self::MethodChange,
        Self::CodeSend,
        Self::Destination,
        Self::Notice,
        Self::CountryHour,
        Self::CountryDay,
        Self::SmsBudget,
        Self::SmsNotices,
        Self::MailBudget,
    ];

    pub const fn kind(self) -> &'static str {
        match self {
            Self::AddressBegin => "address_begin",
            Self::AddressChallenge => "address_challenge",
            Self::AddressTry => "address_try",
            Self::AddressSend => "address_send",
            Self::NotMe => "not_me",
            Self::CodeTry => "code_try",
            Self::AppTry => "app_try",
            Self::HelpDeskTry => "help_desk_try",
            Self::OperatorPassword => "operator_password",
            Self::OperatorCode => "operator_code",
            Self::OperatorActs => "operator_acts",
            Self::TextSample => "text_sample",
            Self::PasswordTry => "password_try",
            Self::MethodChange => "method_change",
            Self::CodeSend => "code_send",
            Self::Destination => "destination",
            Self::Notice => "notice",
            Self::CountryHour => "country_hour",
            Self::CountryDay => "country_day",
            Self::SmsBudget => "sms_budget",
            Self::SmsNotices => "sms_notices",
            Self::MailBudget => "mail_budget",
        }
    }

    fn parse(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.kind() == kind)
    }

    /// How many within how long, where the count does not say. `None`: as the tenant has it set.
    const fn allowance(self) -> (Option<i32>, Duration) {
        match self {
            Self::AddressBegin | Self::AddressChallenge | Self::AddressTry | Self::AddressSend => (None, Duration::minutes(10)),
            Self::NotMe | Self::OperatorActs => (Some(20), Duration::minutes(10)),
            Self::CodeTry | Self::AppTry | Self::HelpDeskTry => (Some(Allowance::USUAL.tries), Duration::minutes(10)),
            Self::OperatorPassword | Self::OperatorCode => (Some(5), Duration::minutes(10)),
            Self::PasswordTry => (Some(Allowance::USUAL.passwords), Duration::minutes(30)),
            Self::MethodChange => (Some(20), Duration::hours(1)),
            Self::CodeSend => (Some(Allowance::USUAL.sends), Duration::minutes(15)),
            Self::Destination | Self::Notice | Self::TextSample => (Some(10), Duration::hours(1)),
            Self::CountryHour => (Some(300), Duration::hours(1)),
            Self::CountryDay => (Some(1500), Duration::days(1)),
            Self::SmsBudget | Self::SmsNotices | Self::MailBudget => (None, Duration::days(1)),
        }
    }

    /// Whether it is everybody's at the tenant rather than somebody's: another way than this one may still be open.
    pub const fn is_of_all(self) -> bool {
        matches!(self, Self::CountryHour | Self::CountryDay | Self::SmsBudget | Self::SmsNotices | Self::MailBudget)
    }
}

/// The longest wait, however many windows were exhausted in a row.
const LONGEST: Duration = Duration::hours(1);

/// Whether it may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Counted; go on.
    Allowed,
    /// Exhausted until then. What stands behind it in order was not counted.
    Wait(OffsetDateTime),
}

/// One limit and for whom.
#[derive(Debug, Clone)]
pub struct Count {
    limit: Limit,
    subjects: Vec<Vec<u8>>,
    weight: i32,
    /// In place of what the limit itself says.
    most: Option<i32>,
}

impl Count {
    pub fn of(limit: Limit, subjects: &[Vec<u8>]) -> Self {
        Self { limit, subjects: subjects.to_vec(), weight: 1, most: None }
    }

    /// For the network of whoever asks.
    pub fn from(limit: Limit, source: &Source) -> Self {
        Self { limit, subjects: vec![network(source.address)], weight: 1, most: None }
    }

    /// For the whole tenant.
    pub fn of_tenant(limit: Limit) -> Self {
        Self { limit, subjects: vec![Vec::new()], weight: 1, most: None }
    }

    #[must_use]
    pub const fn at_most(mut self, most: i32) -> Self {
        self.most = Some(most);
        self
    }

    /// Looked at as if it were counted, at the same cost: what a decoy does with what costs the tenant something.
    #[must_use]
    pub const fn weightless(mut self) -> Self {
        self.weight = 0;
        self
    }
}

/// Whom an address stands for: of IPv4 the address, of IPv6 the 64 bits that one customer gets. Not hashed: the audit has it as well.
pub fn network(address: Option<IpAddr>) -> Vec<u8> {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets()[..8].to_vec(),
        None => Vec::new(),
    }
}

/// Count one for each of `subjects`, always in the same order so that nobody waits in circles; the worst verdict holds. The caller
/// commits before it acts on it.
pub async fn take(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    subjects: &[Vec<u8>],
    limit: Limit,
) -> Result<Verdict> {
    take_all(conn, scope, clock, source, vec![Count::of(limit, subjects)]).await
}

/// The same for several limits: those behind one that is exhausted are not counted. That a limit of the whole tenant is used up is audited,
/// once.
pub async fn take_all(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, mut counts: Vec<Count>) -> Result<Verdict> {
    counts.sort_by_key(|count| count.limit);
    let columns = Columns::of(&counts)?;
    let rows = taken(&mut *conn, scope, clock, &columns).await?;
    let (mut verdict, mut used_up) = (Verdict::Allowed, Vec::new());
    for row in rows {
        let (limit, weight) = columns.at(row.n)?;
        if row.used > row.most || weight == 0 && row.used >= row.most {
            verdict = match verdict {
                Verdict::Wait(until) => Verdict::Wait(until.max(row.until)),
                Verdict::Allowed => Verdict::Wait(row.until),
            };
        }
        if weight > 0 && row.used == row.most && limit.is_of_all() {
            used_up.push((limit, row.most));
        }
    }
    for (limit, most) in used_up {
        tracing::warn!(tenant.id = %scope.id(), limit = limit.kind(), most, "a limit of the whole tenant is used up");
        let detail = serde_json::json!({ "limit": limit.kind(), "most": most });
        audit::record(&mut *conn, scope, clock, source, Event { action: "limits.used_up", outcome: "limit", detail, ..Event::default() })
            .await?;
    }
    Ok(verdict)
}

/// Count one, and stop nobody: true when it is the one that uses the limit up, so once for each window.
pub async fn reaches(conn: &mut PgConnection, scope: &Scope, clock: &Clock, count: Count) -> Result<bool> {
    let counts = [count];
    let rows = taken(conn, scope, clock, &Columns::of(&counts)?).await?;
    Ok(rows.iter().any(|row| row.used == row.most))
}

struct Taken {
    n: i32,
    used: i32,
    most: i32,
    until: OffsetDateTime,
}

async fn taken(conn: &mut PgConnection, scope: &Scope, clock: &Clock, columns: &Columns<'_>) -> Result<Vec<Taken>> {
    Ok(sqlx::query_as!(
        Taken,
        r#"select n as "n!", used as "used!", most as "most!", until as "until!"
           from limit_take($1, $2, $3, $4, $5, $6, $7, $8)"#,
        scope.id(),
        &columns.kinds as &[&str],
        &columns.subjects as &[&[u8]],
        &columns.mosts as &[Option<i32>],
        &columns.windows,
        &columns.weights,
        interval(LONGEST)?,
        interval(clock.ahead())?,
    )
    .fetch_all(conn)
    .await?)
}

/// What is asked, row by row.
struct Columns<'a> {
    limits: Vec<Limit>,
    kinds: Vec<&'static str>,
    subjects: Vec<&'a [u8]>,
    mosts: Vec<Option<i32>>,
    windows: Vec<PgInterval>,
    weights: Vec<i32>,
}

impl<'a> Columns<'a> {
    fn of(counts: &'a [Count]) -> Result<Self> {
        let rows = || counts.iter().flat_map(|count| count.subjects.iter().map(move |subject| (count, subject.as_slice())));
        Ok(Self {
            limits: rows().map(|(count, _)| count.limit).collect(),
            kinds: rows().map(|(count, _)| count.limit.kind()).collect(),
            subjects: rows().map(|(_, subject)| subject).collect(),
            mosts: rows().map(|(count, _)| count.most.or(count.limit.allowance().0)).collect(),
            windows: rows().map(|(count, _)| interval(count.limit.allowance().1)).collect::<Result<_>>()?,
            weights: rows().map(|(count, _)| count.weight).collect(),
        })
    }

    /// As Postgres counts them, from 1.
    fn at(&self, n: i32) -> Result<(Limit, i32)> {
        let at = usize::try_from(n)?.saturating_sub(1);
        Ok((self.limits[at], self.weights[at]))
    }
}

fn interval(span: Duration) -> Result<PgInterval> {
    PgInterval::try_from(span).map_err(|error| anyhow::anyhow!(error))
}

/// The person has proven themselves: their own slips no longer count.
pub async fn clear(conn: &mut PgConnection, scope: &Scope, mut counts: Vec<Count>) -> Result<()> {
    // Locked in the order of [`take_all`], or the two would wait for each other.
    counts.sort_by_key(|count| count.limit);
    let columns = Columns::of(&counts)?;
    sqlx::query!(
        "with mine as materialized (
             select l.kind, l.subject from unnest($2::text[], $3::bytea[]) with ordinality as s (kind, subject, n)
             join limits l on l.tenant_id = $1 and l.subject = s.subject and l.kind = s.kind order by n for update of l)
         delete from limits l using mine where l.tenant_id = $1 and l.subject = mine.subject and l.kind = mine.kind",
        scope.id(),
        &columns.kinds as &[&str],
        &columns.subjects as &[&[u8]],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was counted last was not done after all.
pub async fn give_back(conn: &mut PgConnection, scope: &Scope, subjects: &[Vec<u8>], limit: Limit) -> Result<()> {
    // Locked in the order of [`take`].
    sqlx::query!(
        "with mine as materialized (
             select l.subject from unnest($2::bytea[]) with ordinality as s (subject, n)
             join limits l on l.tenant_id = $1 and l.subject = s.subject and l.kind = $3 order by n for update of l)
         update limits set used = greatest(used - 1, 0) where tenant_id = $1 and kind = $3 and subject in (select subject from mine)",
        scope.id(),
        subjects,
        limit.kind(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these limits the ones that are exhausted, and until when.
pub async fn waiting(conn: &mut PgConnection, scope: &Scope, clock: &Clock, counts: &[Count]) -> Result<Vec<(Limit, OffsetDateTime)>> {
    let columns = Columns::of(counts)?;
    let rows = sqlx::query!(
        r#"select l.kind, max(l.until) as "until!"
           from unnest($2::text[], $3::bytea[], $4::integer[]) as k (kind, subject, most)
           join limits l on l.tenant_id = $1 and l.subject = k.subject and l.kind = k.kind
           join tenants t on t.tenant_id = $1
           where l.until > clock_timestamp() + $5::interval and l.used >= coalesce(k.most,
               case k.kind when 'sms_budget' then t.sms_budget when 'mail_budget' then t.mail_budget else t.address_limit end)
           group by l.kind"#,
        scope.id(),
        &columns.kinds as &[&str],
        &columns.subjects as &[&[u8]],
        &columns.mosts as &[Option<i32>],
        interval(clock.ahead())?,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((Limit::parse(&row.kind)?, row.until))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Limit, network};

    #[test]
    fn an_address_stands_for_whom_it_belongs_to() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("203.0.113.7"), [203, 0, 113, 7]);
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    #[test]
    fn all_limits_are_known_by_their_kinds_in_order() {
        assert!(Limit::ALL.is_sorted());
        assert!(Limit::ALL.into_iter().all(|limit| Limit::parse(limit.kind()) == Some(limit)));
    }
}
