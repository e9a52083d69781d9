//! What the service did: counts by hour that the worker keeps, so that a page costs the same however much there was.

mod count;
mod prices;
mod weekly;

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime, Time};
use uuid::Uuid;

use super::tenants::Scope;
use crate::{
    base::clock::Clock,
    wire::outcome::{Code, Outcome},
};
pub use count::count;
pub use prices::{Prices, parse_currency, parse_price, prices, prices_held, set_prices, typed};
pub use weekly::{address, due, send, send_to};

/// Milliseconds from submit to end; what took longer than the last one counts as longer than that.
const STEPS: [i64; 14] = [100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000, 120_000];
/// Days that can be looked at.
pub const SPANS: [u16; 5] = [1, 7, 14, 30, 90];
/// What people and operators ask for, as jobs are called.
pub const KINDS: [&str; 4] = ["reset", "change", "unlock", "temporary"];

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// One of [`SPANS`]; a single day is shown hour by hour, ending now.
    pub days: u16,
    /// In this directory only.
    pub connector: Option<Uuid>,
    /// One of [`KINDS`] only.
    pub kind: Option<&'static str>,
}

impl View {
    /// Of everything, in the last so many days.
    pub const fn of(days: u16) -> Self {
        Self { days, connector: None, kind: None }
    }

    const fn step(self) -> (&'static str, Duration) {
        if self.days == 1 { ("hour", Duration::HOUR) } else { ("day", Duration::DAY) }
    }

    /// When the first step begins, and how many there are.
    fn first(self, now: OffsetDateTime) -> (OffsetDateTime, u16) {
        if self.days == 1 {
            let hour = now.to_offset(time::UtcOffset::UTC).replace_time(Time::from_hms(now.hour(), 0, 0).unwrap_or(Time::MIDNIGHT));
            return (hour - Duration::hours(23), 24);
        }
        let today = OffsetDateTime::new_utc(now.date(), Time::MIDNIGHT);
        (today - Duration::days(i64::from(self.days.max(1)) - 1), self.days.max(1))
    }

    fn kinds(self) -> Vec<String> {
        KINDS.iter().filter(|kind| self.kind.is_none_or(|only| only == **kind)).map(|kind| (*kind).to_owned()).collect()
    }
}

/// What was asked for in one step (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub at: OffsetDateTime,
    pub applied: i64,
    pub refused: i64,
    /// By circumstance, or nobody knows.
    pub failed: i64,
}

/// Messages by one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sends {
    pub sent: i64,
    pub failed: i64,
    /// What was sent counts as so many for what it costs.
    pub parts: i64,
}

#[derive(Debug)]
pub struct Report {
    /// The oldest first; now is in the last.
    pub steps: Vec<Step>,
    /// Milliseconds within which half of those that were applied were; none if there were none.
    pub half: Option<i64>,
    /// And nineteen of twenty.
    pub most: Option<i64>,
    /// Why not, the most frequent first.
    pub reasons: Vec<(Code, i64)>,
    /// Under way at this moment, in all.
    pub open: i64,
    /// By which methods people proved who they are, the most frequent first; in all directories, for whatever purpose.
    pub methods: Vec<(String, i64)>,
    /// In all.
    pub mails: Sends,
    pub texts: Sends,
}

impl Report {
    pub fn sum(&self, of: fn(&Step) -> i64) -> i64 {
        self.steps.iter().map(of).sum()
    }
}

pub async fn report(conn: &mut PgConnection, scope: &Scope, clock: &Clock, view: View) -> Result<Report> {
    let ((first, count), (name, length)) = (view.first(clock.now()), view.step());
    let rows = sqlx::query!(
        r#"select date_trunc($5, hour, 'utc') as "at!", code, speed, sum(jobs)::bigint as "jobs!" from job_hours
           where tenant_id = $1 and hour >= $2 and kind = any($3) and ($4::uuid is null or connector_id = $4)
               and state not in ('superseded', 'cancelled')
           group by 1, 2, 3"#,
        scope.id(),
        first,
        &view.kinds(),
        view.connector,
        name,
    )
    .fetch_all(&mut *conn)
    .await?;
    let open = sqlx::query_scalar!(r#"select count(*) as "open!" from active_jobs where tenant_id = $1 and effect"#, scope.id());
    let open = open.fetch_one(&mut *conn).await?;
    let step = |n: u16| Step { at: first + length * i32::from(n), applied: 0, refused: 0, failed: 0 };
    let mut all: BTreeMap<OffsetDateTime, Step> = (0..count).map(step).map(|step| (step.at, step)).collect();
    let (mut speeds, mut reasons) = ([0; STEPS.len() + 1], BTreeMap::<&str, (Code, i64)>::new());
    for row in &rows {
        let Some(step) = all.get_mut(&row.at) else { continue };
        let code = Code::parse(&row.code);
        match code.map(Code::outcome) {
            Some(Outcome::Applied) => {
                step.applied += row.jobs;
                if let Some(count) = usize::try_from(row.speed).ok().and_then(|speed| speeds.get_mut(speed)) {
                    *count += row.jobs;
                }
                continue;
            }
            Some(Outcome::Refused) => step.refused += row.jobs,
            Some(Outcome::Failed | Outcome::Unknown) | None => step.failed += row.jobs,
        }
        let code = code.unwrap_or(Code::Expired);
        reasons.entry(code.as_str()).or_insert((code, 0)).1 += row.jobs;
    }
    let mut reasons: Vec<_> = reasons.into_values().collect();
    reasons.sort_by_key(|(code, count)| (-count, code.as_str()));
    let [half, most] = [(1, 2), (19, 20)].map(|(part, of)| within(&speeds, part, of));
    let methods = methods(&mut *conn, scope, first).await?;
    let (mails, texts) = sends(conn, scope, first).await?;
    Ok(Report { steps: all.into_values().collect(), half, most, reasons, open, methods, mails, texts })
}

async fn methods(conn: &mut PgConnection, scope: &Scope, first: OffsetDateTime) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select method, sum(proofs)::bigint as "proofs!" from proof_hours where tenant_id = $1 and hour >= $2
           group by method order by 2 desc, 1"#,
        scope.id(),
        first,
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.method, row.proofs)).collect())
}

/// Mails and text messages.
async fn sends(conn: &mut PgConnection, scope: &Scope, first: OffsetDateTime) -> Result<(Sends, Sends)> {
    let row = sqlx::query!(
        r#"select coalesce(sum(messages) filter (where channel = 'email' and state = 'sent'), 0)::bigint as "mails!",
               coalesce(sum(messages) filter (where channel = 'email' and state = 'failed'), 0)::bigint as "mails_failed!",
               coalesce(sum(parts) filter (where channel = 'email'), 0)::bigint as "mail_parts!",
               coalesce(sum(parts) filter (where channel = 'sms'), 0)::bigint as "text_parts!",
               coalesce(sum(messages) filter (where channel = 'sms' and state = 'sent'), 0)::bigint as "texts!",
               coalesce(sum(messages) filter (where channel = 'sms' and state = 'failed'), 0)::bigint as "texts_failed!"
           from message_hours where tenant_id = $1 and hour >= $2"#,
        scope.id(),
        first,
    )
    .fetch_one(conn)
    .await?;
    Ok((
        Sends { sent: row.mails, failed: row.mails_failed, parts: row.mail_parts },
        Sends { sent: row.texts, failed: row.texts_failed, parts: row.text_parts },
    ))
}

/// Messages of one step, for a spreadsheet.
#[derive(Debug)]
pub struct Sent {
    pub at: OffsetDateTime,
    pub channel: String,
    pub state: String,
    pub messages: i64,
    pub parts: i64,
}

/// Every count there is of the messages in what is looked at.
pub async fn sent(conn: &mut PgConnection, scope: &Scope, clock: &Clock, view: View) -> Result<Vec<Sent>> {
    let rows = sqlx::query_as!(
        Sent,
        r#"select date_trunc($3, hour, 'utc') as "at!", channel, state, sum(messages)::bigint as "messages!", sum(parts)::bigint as "parts!"
           from message_hours where tenant_id = $1 and hour >= $2 group by 1, 2, 3 order by 1, 2, 3"#,
        scope.id(),
        view.first(clock.now()).0,
        view.step().0,
    );
    Ok(rows.fetch_all(conn).await?)
}

/// A line of the table for a spreadsheet.
#[derive(Debug)]
pub struct Line {
    pub at: OffsetDateTime,
    pub connector_id: Uuid,
    pub kind: String,
    pub state: String,
    pub code: String,
    pub jobs: i64,
}

/// Every count there is of what is looked at, also of what was replaced or stopped.
pub async fn table(conn: &mut PgConnection, scope: &Scope, clock: &Clock, view: View) -> Result<Vec<Line>> {
    let lines = sqlx::query_as!(
        Line,
        r#"select date_trunc($5, hour, 'utc') as "at!", connector_id, kind, state, code, sum(jobs)::bigint as "jobs!" from job_hours
           where tenant_id = $1 and hour >= $2 and kind = any($3) and ($4::uuid is null or connector_id = $4)
           group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5"#,
        scope.id(),
        view.first(clock.now()).0,
        &view.kinds(),
        view.connector,
        view.step().0,
    );
    Ok(lines.fetch_all(conn).await?)
}

/// The step below which that part of all lies.
fn within(speeds: &[i64; STEPS.len() + 1], part: i64, of: i64) -> Option<i64> {
    let all: i64 = speeds.iter().sum();
    let mut seen = 0;
    let reached = |count: &i64| {
        seen += count;
        all > 0 && seen * of >= all * part
    };
    speeds.iter().position(reached).map(|at| STEPS[at.min(STEPS.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_below_their_steps() {
        let mut speeds = [0; STEPS.len() + 1];
        assert_eq!(within(&speeds, 1, 2), None);
        (speeds[1], speeds[5]) = (18, 2);
        assert_eq!((within(&speeds, 1, 2), within(&speeds, 18, 20), within(&speeds, 19, 20)), (Some(200), Some(200), Some(1000)));
        speeds[STEPS.len()] = 100;
        assert_eq!(within(&speeds, 1, 2), Some(120_000));
    }

    #[test]
    fn now_is_in_the_last_step() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(100) + Duration::minutes(200);
        for days in SPANS {
            let view = View::of(days);
            let (first, count) = view.first(now);
            let last = first + view.step().1 * i32::from(count - 1);
            assert!(last <= now && now < last + view.step().1, "{days}");
        }
    }
}
