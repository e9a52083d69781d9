//! `sspr audit verify`: along a chain from its beginning to its end, in bounded memory, under one snapshot. Says of each record that does not
//! fit what became of it: edited, removed, moved, slipped in, cut off, or left without a place.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    checkpoint::{self, Checkpoint, Kind},
    keep,
    misfits::{Misfit, Misfits},
    stored::Hash,
};
use crate::{base::clock::Clock, domain::tenants::Scope};

/// Lines looked at together.
const PAGE: i64 = 2000;
/// What is told one by one; the rest is counted.
const MOST: usize = 1000;
/// A line that has no place after this was forgotten, or nobody is at work.
const PATIENCE: Duration = Duration::minutes(5);

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The line that stands there is not the one that was chained.
    Edited { seq: i64, event: Uuid },
    /// The place is there, its line is not.
    Removed { seq: i64, event: Uuid },
    /// Neither places nor lines are there.
    Missing { from: i64, to: i64 },
    /// It stood elsewhere when it was chained.
    Moved { seq: i64, event: Uuid, was: i64 },
    /// A line that never got a place, and waits for none.
    SlippedIn { event: Uuid },
    /// It was removed before it had a place.
    Unplaced { event: Uuid },
    /// So many lines wait, the first of them since then.
    Late { lines: i64, since: OffsetDateTime },
    /// What a checkpoint speaks of is not there any more.
    Cut { from: i64, to: i64, at: OffsetDateTime },
    /// A checkpoint, signed as it should be, says that this line hashed otherwise: the chain up to it was made anew.
    Rewritten { seq: i64, at: OffsetDateTime },
    /// A checkpoint that this tenant's key did not sign.
    Unsigned { seq: i64 },
    /// It says that lines were kept long enough, and they were not.
    CutEarly { seq: i64, at: OffsetDateTime },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |at: &OffsetDateTime| at.replace_nanosecond(0).unwrap_or(*at);
        match self {
            Self::Edited { seq, event } => write!(f, "edited: line {seq}, {event}, is not as it was chained"),
            Self::Removed { seq, event } => write!(f, "removed: line {seq}, {event}, is not there any more"),
            Self::Missing { from, to } if from == to => write!(f, "removed: line {from} and its place are not there any more"),
            Self::Missing { from, to } => write!(f, "removed: lines {from} to {to} and their places are not there any more"),
            Self::Moved { seq, event, was } => write!(f, "reordered: line {seq}, {event}, was chained as line {was}"),
            Self::SlippedIn { event } => write!(f, "inserted: {event} has no place in the chain and waits for none"),
            Self::Unplaced { event } => write!(f, "removed: {event} went before it had its place in the chain"),
            Self::Late { lines, since } => {
                write!(f, "not chained: {lines} lines wait, the first since {}. Does sspr serve run?", day(since))
            }
            Self::Cut { from, to, at } => write!(f, "cut: lines {from} to {to} are gone, a checkpoint of {} speaks of them", day(at)),
            Self::Rewritten { seq, at } => write!(f, "rewritten: a checkpoint of {} has another line {seq}, or another before it", day(at)),
            Self::Unsigned { seq } => write!(f, "forged: a checkpoint at line {seq} is not signed by the tenant's key"),
            Self::CutEarly { seq, at } => {
                write!(f, "cut: lines up to {seq} are gone, which a checkpoint of {} still had, before their time", day(at))
            }
        }
    }
}

/// What became of a walk.
pub struct Report {
    /// Of what is there.
    pub first: i64,
    pub last: i64,
    pub lines: i64,
    /// The newest good word about it.
    pub signed: Option<Checkpoint>,
    /// Lines that have no place yet.
    pub waiting: i64,
    pub findings: Vec<Finding>,
    /// Beyond those told.
    pub more: usize,
}

impl Report {
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    fn finds(&mut self, finding: Finding) {
        if self.findings.len() < MOST { self.findings.push(finding) } else { self.more += 1 }
    }
}

/// Walk the whole chain. `noted`: a checkpoint that was kept elsewhere. The caller's transaction is repeatable and reads only, or lines that
/// are chained meanwhile look odd.
pub async fn verify(conn: &mut PgConnection, scope: &Scope, clock: &Clock, noted: Option<&Checkpoint>) -> Result<Report> {
    let cut = checkpoint::newest(&mut *conn, scope, Kind::Cut).await?;
    let (start, hash) = cut.as_ref().map_or((0, [0; 32]), |cut| (cut.seq, cut.hash));
    let mut report = Report { first: start + 1, last: start, lines: 0, signed: None, waiting: 0, findings: Vec::new(), more: 0 };
    let mut words = Words::new(&mut *conn, scope, noted, start, &mut report).await?;
    words.hear(start, &hash, &mut report);
    let (mut before, mut misfits) = (Some(hash), Misfits::default());
    loop {
        let places = keep::places(&mut *conn, scope, report.last, PAGE).await?;
        let Some((to, ..)) = places.last() else { break };
        words.fetch(&mut *conn, scope, report.last, *to, &mut report).await?;
        for (seq, event, hash, line) in places {
            if seq != report.last + 1 {
                report.finds(Finding::Missing { from: report.last + 1, to: seq - 1 });
                before = None;
            }
            (report.last, report.lines) = (seq, report.lines + 1);
            match line {
                None => report.finds(Finding::Removed { seq, event }),
                Some(line) => {
                    // Behind a gap nobody knows what stood before.
                    if before.is_some_and(|before| line.hash(&before, seq) != hash) {
                        misfits.keep(Misfit { seq, event, hash, before, line });
                    }
                }
            }
            words.hear(seq, &hash, &mut report);
            before = Some(hash);
        }
    }
    misfits.explain().into_iter().for_each(|finding| report.finds(finding));
    words.end(clock, &mut *conn, scope, &mut report).await?;
    strays(conn, scope, clock, &mut report).await?;
    Ok(report)
}

/// What checkpoints say, place by place.
struct Words<'a> {
    noted: Option<&'a Checkpoint>,
    /// Of the lines at hand.
    ahead: BTreeMap<i64, Vec<Checkpoint>>,
    start: i64,
}

impl<'a> Words<'a> {
    async fn new(conn: &mut PgConnection, scope: &Scope, noted: Option<&'a Checkpoint>, start: i64, report: &mut Report) -> Result<Self> {
        let mut words = Self { noted, ahead: BTreeMap::new(), start };
        if let Some(noted) = noted {
            if noted.is_signed(scope)? {
                words.ahead.entry(noted.seq).or_default().push(noted.clone());
            } else {
                report.finds(Finding::Unsigned { seq: noted.seq });
                words.noted = None;
            }
        }
        words.fetch(conn, scope, start - 1, start, report).await?;
        Ok(words)
    }

    /// Those behind `after` up to `to`.
    async fn fetch(&mut self, conn: &mut PgConnection, scope: &Scope, after: i64, to: i64, report: &mut Report) -> Result<()> {
        let rows = sqlx::query_as!(
            checkpoint::Row,
            "select seq, kind, hash, at, signature from audit_checkpoints where tenant_id = $1 and seq > $2 and seq <= $3 order by seq",
            scope.id(),
            after,
            to,
        )
        .fetch_all(conn)
        .await?;
        for row in rows {
            let word = row.of(scope)?;
            if word.is_signed(scope)? {
                self.ahead.entry(word.seq).or_default().push(word);
            } else {
                report.finds(Finding::Unsigned { seq: word.seq });
            }
        }
        Ok(())
    }

    /// The line there hashes so.
    fn hear(&mut self, seq: i64, hash: &Hash, report: &mut Report) {
        let said = self.ahead.remove(&seq).unwrap_or_default();
        for word in said {
            if word.hash == *hash {
                if report.signed.as_ref().is_none_or(|signed| signed.seq <= word.seq) {
                    report.signed = Some(word);
                }
            } else {
                report.finds(Finding::Rewritten { seq, at: word.at });
            }
        }
    }

    /// What speaks of lines that are not there.
    async fn end(mut self, clock: &Clock, conn: &mut PgConnection, scope: &Scope, report: &mut Report) -> Result<()> {
        self.fetch(&mut *conn, scope, report.last, i64::MAX, report).await?;
        let beyond = self.ahead.range(report.last + 1..).next_back().and_then(|(_, words)| words.first());
        if let Some(word) = beyond {
            report.finds(Finding::Cut { from: report.last + 1, to: word.seq, at: word.at });
        }
        let days = keep::days(conn, scope).await?;
        if let Some(noted) = self.noted.filter(|noted| noted.seq < self.start)
            && (days == 0 || noted.at > clock.now() - Duration::days(days.into()))
        {
            report.finds(Finding::CutEarly { seq: self.start, at: noted.at });
        }
        Ok(())
    }
}

/// Lines without a place.
async fn strays(conn: &mut PgConnection, scope: &Scope, clock: &Clock, report: &mut Report) -> Result<()> {
    let most = i64::try_from(MOST)? + 1;
    let slipped_in = sqlx::query_scalar!(
        "select event_id from audit_events e where tenant_id = $1
             and not exists (select from audit_chain c where c.tenant_id = e.tenant_id and c.event_id = e.event_id)
             and event_id not in (select event_id from audit_unchained where tenant_id = $1)
             and not exists (select from audit_backlogs b where b.tenant_id = e.tenant_id and e.event_id <= b.upto)
         order by event_id limit $2",
        scope.id(),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    for event in slipped_in {
        report.finds(Finding::SlippedIn { event });
    }
    let unplaced = sqlx::query_scalar!(
        "select event_id from audit_unchained u where tenant_id = $1
             and not exists (select from audit_events e where e.tenant_id = u.tenant_id and e.event_id = u.event_id)
         order by event_id limit $2",
        scope.id(),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    for event in unplaced {
        report.finds(Finding::Unplaced { event });
    }
    let late = late(conn, scope).await?;
    report.waiting = late.lines;
    if let Some(since) = late.since.filter(|since| *since < clock.now() - PATIENCE) {
        report.finds(Finding::Late { lines: late.lines, since });
    }
    Ok(())
}

/// What has no place yet, the lines from before there were chains among it.
struct Waiting {
    lines: i64,
    /// When the first of them was written.
    since: Option<OffsetDateTime>,
}

async fn late(conn: &mut PgConnection, scope: &Scope) -> Result<Waiting> {
    let row = sqlx::query!(
        r#"select count(*) as "lines!", min(at) as since from (
               select at from audit_unchained join audit_events using (tenant_id, event_id) where tenant_id = $1
               union all
               select e.at from audit_backlogs b join audit_events e on e.tenant_id = b.tenant_id and e.event_id <= b.upto
               where b.tenant_id = $1 and e.event_id > coalesce(
                   (select event_id from audit_chain where tenant_id = $1 order by seq desc limit 1), '00000000-0000-0000-0000-000000000000')) w"#,
        scope.id(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Waiting { lines: row.lines, since: row.since })
}

/// How a chain stands, without a walk along it.
pub struct State {
    pub signed: Option<Checkpoint>,
    /// Lines that have no place yet, and when the first of them was written.
    pub waiting: i64,
    pub since: Option<OffsetDateTime>,
    /// Lines from before there were chains get their places at the moment.
    pub backlog: bool,
}

pub async fn state(conn: &mut PgConnection, scope: &Scope) -> Result<State> {
    let signed = checkpoint::newest(&mut *conn, scope, Kind::Head).await?;
    let row = sqlx::query!(
        r#"select (select count(*) from audit_unchained where tenant_id = $1) as "waiting!",
               (select at from audit_events where tenant_id = $1 and event_id =
                   (select event_id from audit_unchained where tenant_id = $1 order by event_id limit 1)) as since,
               exists (select from audit_backlogs where tenant_id = $1) as "backlog!""#,
        scope.id(),
    )
    .fetch_one(conn)
    .await?;
    Ok(State { signed, waiting: row.waiting, since: row.since, backlog: row.backlog })
}
