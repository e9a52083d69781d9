//! What is in force, for an operator to see and to lift.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Allowance, Limit, interval};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::{self, Scope},
    },
};

/// A limit that is exhausted.
#[derive(Debug, Clone)]
pub struct InForce {
    /// To name it by: eight hexadecimal digits.
    pub id: String,
    pub limit: Limit,
    pub subject: Vec<u8>,
    pub until: OffsetDateTime,
}

impl InForce {
    /// For whom, where the subject itself tells: a network, a country, everybody. `None`: a hash.
    pub fn whom(&self) -> Option<String> {
        match (self.limit, self.subject.as_slice()) {
            (Limit::AddressBegin | Limit::AddressChallenge | Limit::AddressTry | Limit::AddressSend | Limit::NotMe, subject) => {
                Some(match (<[u8; 4]>::try_from(subject), <[u8; 8]>::try_from(subject)) {
                    (Ok(octets), _) => IpAddr::from(Ipv4Addr::from(octets)).to_string(),
                    (_, Ok(octets)) => format!("{}/64", Ipv6Addr::from(u128::from(u64::from_be_bytes(octets)) << 64)),
                    _ => "unknown address".to_owned(),
                })
            }
            (Limit::CountryHour | Limit::CountryDay, code) => Some(format!("+{}", String::from_utf8_lossy(code))),
            (Limit::SmsBudget | Limit::SmsNotices | Limit::MailBudget, _) => Some("everybody".to_owned()),
            _ => None,
        }
    }
}

/// All that somebody has to wait for at this moment, the longest wait first; of these subjects, if any are given, and by what their policy
/// says now. Where that is not known, as it was when they were counted last.
pub async fn in_force(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    (subjects, policy): (Option<&[Vec<u8>]>, Option<Allowance>),
) -> Result<Vec<InForce>> {
    let rows = sqlx::query!(
        "select l.subject, l.kind, l.used, l.allowed, l.until, t.address_limit, t.sms_budget, t.mail_budget from limits l join tenants t using (tenant_id)
         where l.tenant_id = $1 and l.until > clock_timestamp() + $2::interval and ($3::bytea[] is null or l.subject = any($3))
         order by l.until desc, l.kind, l.subject",
        scope.id(),
        interval(clock.ahead())?,
        subjects,
    )
    .fetch_all(conn)
    .await?;
    let exhausted = rows.into_iter().filter_map(|row| {
        let limit = Limit::parse(&row.kind)?;
        let most = match limit {
            Limit::SmsBudget => row.sms_budget,
            Limit::SmsNotices => row.sms_budget.map(tenants::notices_of),
            Limit::MailBudget => row.mail_budget,
            _ => policy.and_then(|policy| policy.of(limit)).or(row.allowed).or(limit.allowance().0).or(Some(row.address_limit)),
        }?;
        let id = data_encoding::HEXLOWER.encode(&id::sha256(&[row.kind.as_bytes(), &row.subject].concat())[..4]);
        (row.used >= most).then_some(InForce { id, limit, subject: row.subject, until: row.until })
    });
    Ok(exhausted.collect())
}

/// Forget these: whoever waited may go on, and their waits begin small again.
pub async fn lift(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Option<Uuid>,
    lifted: &[InForce],
) -> Result<u64> {
    let kinds: Vec<_> = lifted.iter().map(|one| one.limit.kind()).collect();
    let subjects: Vec<_> = lifted.iter().map(|one| one.subject.as_slice()).collect();
    let done = sqlx::query!(
        "delete from limits l using unnest($2::text[], $3::bytea[]) as k (kind, subject)
         where l.tenant_id = $1 and l.kind = k.kind and l.subject = k.subject",
        scope.id(),
        &kinds as &[&str],
        &subjects as &[&[u8]],
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "limits": kinds, "ids": lifted.iter().map(|one| &one.id).collect::<Vec<_>>() });
    audit::record(conn, scope, clock, source, Event { action: "limits.lift", outcome: "lifted", user, detail, ..Event::default() }).await?;
    Ok(done.rows_affected())
}

/// Forget windows that ended long ago.
pub async fn clean(conn: &mut PgConnection, clock: &Clock) -> Result<u64> {
    let done = sqlx::query!("delete from limits where until < $1", clock.now() - time::Duration::days(2)).execute(conn).await?;
    Ok(done.rows_affected())
}
