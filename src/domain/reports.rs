//! What the service did: counts by hour that the worker keeps, so that a page costs the same however many jobs there were.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime};

use super::{queue::LIFETIME, tenants::Scope};
use crate::{
    base::{clock::Clock, id},
    wire::outcome::{Code, Outcome},
};

/// Milliseconds from submit to end; what took longer than the last one counts as longer than that.
const STEPS: [i64; 14] = [100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000, 30_000, 60_000, 120_000];
/// Hours that are written anew: what ends late, and what is reconciled, is in them.
const ANEW: Duration = Duration::hours(2);
/// Counts are kept so long.
const KEPT: Duration = Duration::days(400);
/// Anybody's.
const LOCK: i64 = 0x6a6f_6268_6f75_7273;

/// Count the last hours anew. False: another node is at it.
pub async fn count(conn: &mut PgConnection, clock: &Clock) -> Result<bool> {
    let now = clock.now();
    if !sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "free!""#, LOCK).fetch_one(&mut *conn).await? {
        return Ok(false);
    }
    let from = now - ANEW;
    sqlx::query!("delete from job_hours where hour >= date_trunc('hour', $1::timestamptz) or hour < $2", from, now - KEPT)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into job_hours (tenant_id, hour, kind, state, code, speed, jobs)
         select tenant_id, date_trunc('hour', finished_at), kind, state, coalesce(code, ''),
             width_bucket((extract(epoch from finished_at - submitted_at) * 1000)::bigint, $3::bigint[])::smallint, count(*)
         from jobs where job_id >= $1 and submitted_at is not null and finished_at >= date_trunc('hour', $2::timestamptz)
         group by 1, 2, 3, 4, 5, 6",
        id::lowest_at(from - Duration::hours(1) - LIFETIME),
        from,
        &STEPS,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// What people and operators asked for on one day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub applied: i64,
    pub refused: i64,
    /// By circumstance, or nobody knows.
    pub failed: i64,
}

/// Over some days.
#[derive(Debug)]
pub struct Report {
    /// The oldest first; today is the last.
    pub days: Vec<Day>,
    /// Milliseconds within which half of those that were applied were; none if there were none.
    pub half: Option<i64>,
    /// And nineteen of twenty.
    pub most: Option<i64>,
    /// Why not, the most frequent first.
    pub reasons: Vec<(Code, i64)>,
    /// Under way at this moment.
    pub open: i64,
}

/// Of the last so many days.
pub async fn report(conn: &mut PgConnection, scope: &Scope, clock: &Clock, days: u16) -> Result<Report> {
    let today = clock.now().date();
    let first = today - Duration::days(i64::from(days.max(1)) - 1);
    let rows = sqlx::query!(
        r#"select (hour at time zone 'utc')::date as "date!", state, code, speed, sum(jobs)::bigint as "jobs!" from job_hours
           where tenant_id = $1 and hour >= $2 and kind in ('reset', 'change', 'unlock', 'temporary')
               and state not in ('superseded', 'cancelled')
           group by 1, 2, 3, 4"#,
        scope.id(),
        OffsetDateTime::new_utc(first, time::Time::MIDNIGHT),
    )
    .fetch_all(&mut *conn)
    .await?;
    let open = sqlx::query_scalar!(r#"select count(*) as "open!" from active_jobs where tenant_id = $1 and effect"#, scope.id());
    let open = open.fetch_one(conn).await?;
    let day = |n: u16| Day { date: first + Duration::days(i64::from(n)), applied: 0, refused: 0, failed: 0 };
    let mut all: BTreeMap<Date, Day> = (0..days.max(1)).map(day).map(|day| (day.date, day)).collect();
    let (mut speeds, mut reasons) = ([0; STEPS.len() + 1], BTreeMap::<&str, (Code, i64)>::new());
    for row in &rows {
        let Some(day) = all.get_mut(&row.date) else { continue };
        let code = Code::parse(&row.code);
        match code.map(Code::outcome) {
            Some(Outcome::Applied) => {
                day.applied += row.jobs;
                if let Some(count) = usize::try_from(row.speed).ok().and_then(|speed| speeds.get_mut(speed)) {
                    *count += row.jobs;
                }
                continue;
            }
            Some(Outcome::Refused) => day.refused += row.jobs,
            Some(Outcome::Failed | Outcome::Unknown) | None => day.failed += row.jobs,
        }
        let code = code.unwrap_or(Code::Expired);
        reasons.entry(code.as_str()).or_insert((code, 0)).1 += row.jobs;
    }
    let mut reasons: Vec<_> = reasons.into_values().collect();
    reasons.sort_by_key(|(code, count)| (-count, code.as_str()));
    let [half, most] = [(1, 2), (19, 20)].map(|(part, of)| within(&speeds, part, of));
    Ok(Report { days: all.into_values().collect(), half, most, reasons, open })
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
    use super::{STEPS, within};

    #[test]
    fn parts_lie_below_their_steps() {
        let mut speeds = [0; STEPS.len() + 1];
        assert_eq!(within(&speeds, 1, 2), None);
        (speeds[1], speeds[5]) = (18, 2);
        assert_eq!((within(&speeds, 1, 2), within(&speeds, 18, 20), within(&speeds, 19, 20)), (Some(200), Some(200), Some(1000)));
        speeds[STEPS.len()] = 100;
        assert_eq!(within(&speeds, 1, 2), Some(120_000));
    }
}
