//! Durable cycles per second through the real doors: a browser posts a sealed job, an agent leases it and tells its signed result.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Bench,
    load::{self, Course, Crew, Manners, Ready},
    machine::Shares,
    report::{Better, Line},
    stats::{median, percentile, spread},
    world::{Server, Site, World},
};

/// Nobody waits longer for one job.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one round came to.
pub struct Round {
    /// Jobs that the database says were applied, per second.
    pub rate: f64,
    pub shares: Shares,
    /// Milliseconds from the browser's first byte: until it has its answer, until the agent has the job, until the result is taken.
    pub accepted: Vec<f64>,
    pub leased: Vec<f64>,
    pub taken: Vec<f64>,
    pub polls: usize,
    pub piggybacked: usize,
}

/// Prepare a job for each of `people`, warm up, then run them with so many in flight, while the agents of `staff` work.
pub async fn round(
    world: &World,
    servers: &[&Server],
    staff: &[&Site],
    people: &[(&Site, Uuid)],
    in_flight: usize,
    manners: Manners,
) -> Result<Round> {
    let ready = load::prepare(servers[0], world.flows(people).await?).await?;
    let course = Course::new(&ready);
    let crew = Crew::start(servers, staff, &course, manners).await?;
    let warm = (in_flight * 4).min(ready.len() / 4);
    let ready = Arc::new(ready);
    drive(servers, &course, &ready, 0..warm, in_flight).await?;
    let (applied, ticks, polls, begun) =
        (world.applied().await?, world.ticks(servers), course.polls.load(Ordering::Relaxed), Instant::now());
    let times = drive(servers, &course, &ready, warm..ready.len(), in_flight).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let shares = world.ticks(servers).since(ticks, seconds);
    let done = world.applied().await? - applied;
    crew.stop().await;
    if let Some(failure) = course.failure() {
        bail!("an agent: {failure}");
    }
    let sent = i64::try_from(ready.len() - warm)?;
    ensure!(done == sent, "{sent} jobs were sent and {done} applied");
    let column = |at: usize| times.iter().map(|times| times[at]).collect();
    Ok(Round {
        rate: f64::from(i32::try_from(done)?) / seconds,
        shares,
        accepted: column(0),
        leased: column(1),
        taken: column(2),
        polls: course.polls.load(Ordering::Relaxed) - polls,
        piggybacked: course.piggybacked.load(Ordering::Relaxed),
    })
}

/// So many browsers, each posting its next job when the last one has ended.
async fn drive(
    servers: &[&Server],
    course: &Arc<Course>,
    ready: &Arc<Vec<Ready>>,
    range: std::ops::Range<usize>,
    in_flight: usize,
) -> Result<Vec<[f64; 3]>> {
    let (next, end, mut slots) = (Arc::new(AtomicUsize::new(range.start)), range.end, JoinSet::new());
    for slot in 0..in_flight {
        let mut conn = servers[slot % servers.len()].conn().await?;
        let (course, ready, next) = (course.clone(), ready.clone(), next.clone());
        slots.spawn(async move {
            let mut times = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= end {
                    return anyhow::Ok(times);
                }
                let begun = course.now();
                let answer = conn.send(&ready[at].submit).await?;
                ensure!(answer.status == 202, "a job was answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
                let accepted = course.now();
                let ended = tokio::time::timeout(PATIENCE, course.ended(at)).await;
                ended.with_context(|| course.failure().unwrap_or_else(|| "a job did not end".to_owned()))?;
                let since = |time: u64| Duration::from_nanos(time.saturating_sub(begun)).as_secs_f64() * 1000.0;
                times.push([since(accepted), since(course.leased_at(at)), since(course.now())]);
            }
        });
    }
    let mut times = Vec::new();
    while let Some(slot) = slots.join_next().await {
        times.extend(slot??);
    }
    Ok(times)
}

/// `cycle_32` and `cycle_128`.
pub async fn measure(bench: &Bench, name: &'static str, in_flight: usize, target: f64) -> Result<Line> {
    let count = bench.pick(1500, 6000) + in_flight * 4;
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    let (mut ratios, mut rates, mut yards, mut last) = (Vec::new(), Vec::new(), Vec::new(), None);
    for number in 0..bench.rounds {
        let before = bench.yard(in_flight)?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        if bench.statements {
            bench.cluster.forget_statements()?;
        }
        let round = round(&world, &[&server], &[&site], &site.first(count), in_flight, bench.manners).await?;
        drop(server);
        if bench.statements {
            bench.say(&bench.cluster.statements()?);
        }
        world.tidy().await?;
        let after = bench.yard(in_flight)?;
        let yard = f64::midpoint(before.rate, after.rate);
        bench.say(&format!(
            "{name} round {}: {:.0}/s; yardstick {:.0} and {:.0}/s; {}",
            number + 1,
            round.rate,
            before.rate,
            after.rate,
            round.shares.each(round.rate)
        ));
        ratios.push(round.rate / yard);
        rates.push(round.rate);
        yards.extend([before.rate, after.rate]);
        last = Some(round);
    }
    let wide = bench.wide_yard(in_flight)?;
    let mut last = last.context("no rounds")?;
    let rate = median(&rates);
    let detail = format!(
        "{rate:.0} cycles/s ({}) at {in_flight} in flight, {} agent(s); yardstick {:.0}/s ({}), with a payload of a sealed password's size {:.0}/s (×{:.2}); \
         accepted p50 {:.1} ms, at the agent p50 {:.1} p99 {:.1} ms, result taken p50 {:.1} p99 {:.1} ms; {}; {} polls, {} jobs came with a result's answer",
        spread(&rates, 0),
        bench.agents,
        median(&yards),
        spread(&yards, 0),
        wide.rate,
        rate / wide.rate,
        percentile(&mut last.accepted, 50.0),
        percentile(&mut last.leased, 50.0),
        percentile(&mut last.leased, 99.0),
        percentile(&mut last.taken, 50.0),
        percentile(&mut last.taken, 99.0),
        last.shares.each(last.rate),
        last.polls,
        last.piggybacked,
    );
    Ok(Line::new(name, median(&ratios), &ratios, target, Better::Higher, detail))
}
