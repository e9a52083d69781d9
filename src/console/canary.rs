//! The canary on a connector's page: how it went at each server in the last day, as a chart and in words.

use time::{Duration, OffsetDateTime};

use crate::{
    base::language::Language,
    domain::fleet::Sung,
    web::page::{When, when},
    wire::outcome::Code,
};

/// What the chart covers.
pub const SPAN: Duration = Duration::hours(24);
/// Its size, without units: it takes the room there is. A stroke each quarter of an hour.
const STROKES: i64 = 96;
const STRIDE: i64 = 10;
const HEIGHT: i64 = 100;
/// A run that fails is as high as the chart: that it failed is what is looked for.
const LEAST: i64 = 4;

/// One stroke: whatever came in that quarter of an hour, the worst of it.
pub struct Stroke {
    pub x: i64,
    pub y: i64,
    pub height: i64,
    pub failed: bool,
}

/// One server.
pub struct Chart {
    pub server: String,
    pub last: When,
    /// Why the last run failed; `None`: it did not.
    pub code: Option<&'static str>,
    pub runs: usize,
    pub failed: usize,
    /// Milliseconds, of those that did not fail: the median, and what 95 of 100 are below.
    pub half: Option<i32>,
    pub most: Option<i32>,
    pub strokes: Vec<Stroke>,
    pub width: i64,
    pub height: i64,
}

impl Chart {
    /// `runs`: the oldest first; `None` where there are none.
    pub fn of(language: Language, now: OffsetDateTime, server: String, runs: &[Sung]) -> Option<Self> {
        let last = runs.last()?;
        let mut took: Vec<i32> = runs.iter().filter(|run| run.is_well()).map(|run| run.millis).collect();
        took.sort_unstable();
        let part = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1))).copied();
        Some(Self {
            server,
            last: when(language, last.at),
            code: (!last.is_well()).then(|| last.code.map_or("unknown", Code::as_str)),
            runs: runs.len(),
            failed: runs.len() - took.len(),
            half: part(50),
            most: part(95),
            strokes: strokes(now, runs, took.last().copied().unwrap_or(1)),
            width: STROKES * STRIDE,
            height: HEIGHT,
        })
    }
}

fn strokes(now: OffsetDateTime, runs: &[Sung], highest: i32) -> Vec<Stroke> {
    let begun = now - SPAN;
    let place = |at: OffsetDateTime| ((at - begun).whole_seconds() * STROKES / SPAN.whole_seconds()).clamp(0, STROKES - 1);
    let mut strokes = Vec::<Stroke>::new();
    for run in runs {
        let (x, failed) = (place(run.at) * STRIDE, !run.is_well());
        let height = if failed { HEIGHT } else { (i64::from(run.millis) * HEIGHT / i64::from(highest.max(1))).clamp(LEAST, HEIGHT) };
        match strokes.last_mut().filter(|stroke| stroke.x == x) {
            Some(stroke) => {
                stroke.failed |= failed;
                stroke.height = stroke.height.max(height);
                stroke.y = HEIGHT - stroke.height;
            }
            None => strokes.push(Stroke { x, y: HEIGHT - height, height, failed }),
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_the_worst_of_each_quarter_of_an_hour() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let run = |minutes: i64, code, millis| Sung { at: now - Duration::minutes(minutes), code: Some(code), millis };
        let runs = [run(24 * 60, Code::Applied, 40), run(20, Code::Applied, 80), run(2, Code::NoRight, 5), run(1, Code::Applied, 20)];
        let chart = Chart::of(Language::English, now, "dc".to_owned(), &runs).unwrap();
        assert_eq!((chart.runs, chart.failed, chart.half, chart.most, chart.code), (4, 1, Some(40), Some(80), None));
        let shown: Vec<_> = chart.strokes.iter().map(|stroke| (stroke.x, stroke.y, stroke.height, stroke.failed)).collect();
        assert_eq!(shown, [(0, 50, 50, false), (940, 0, 100, false), (950, 0, 100, true)]);
        assert!(Chart::of(Language::English, now, "dc".to_owned(), &[]).is_none());
        let chart = Chart::of(Language::English, now, "dc".to_owned(), &runs[2..3]).unwrap();
        assert_eq!((chart.code, chart.half), (Some("no_right"), None));
    }
}
