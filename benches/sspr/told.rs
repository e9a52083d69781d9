//! What a person feels: from posting the sealed password to being told how it ended, by the live stream of the page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;

use super::{
    Bench, cycle,
    http::Conn,
    load::{self, Course, Crew, Ready},
    report::{Better, Line},
    stats::{median, percentile, spread},
    world::{Server, World},
};

/// What the last event of a stream has in it.
pub const TOLD: &str = r#""final":true"#;

/// Post, then watch the live stream as the page does, until told: milliseconds. Connections are open before.
async fn told(course: &Course, ready: &Ready, mut posting: Conn, watching: Conn) -> Result<(f64, Conn)> {
    let begun = Instant::now();
    let answer = posting.send(&ready.submit).await?;
    ensure!(answer.status == 202, "a job was answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
    let told = watching.until_event(&ready.events, TOLD);
    let end = tokio::time::timeout(Duration::from_secs(30), told).await;
    end.with_context(|| course.failure().unwrap_or_else(|| "nobody was told".to_owned()))??;
    Ok((begun.elapsed().as_secs_f64() * 1000.0, posting))
}

/// One at a time.
pub async fn alone(bench: &Bench) -> Result<Line> {
    let count = bench.pick(100, 400);
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    let (mut ratios, mut p50s, mut p99s, mut yards, mut leased) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 0..bench.rounds {
        let before = bench.yard(1)?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        let ready = load::prepare(&server, world.flows(&site.first(count)).await?).await?;
        let course = Course::new(&ready);
        let crew = Crew::start(&[&server], &[&site], &course, bench.manners).await?;
        let (mut times, mut posting) = (Vec::new(), server.conn().await?);
        if bench.statements {
            bench.cluster.forget_statements()?;
        }
        for (at, ready) in ready.iter().enumerate() {
            // The agent's next poll is on its way when the result is taken; a person comes later than that.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let (watching, begun) = (server.conn().await?, course.now());
            let (millis, conn) = told(&course, ready, posting, watching).await?;
            posting = conn;
            if at >= count / 10 {
                times.push(millis);
                leased.push(Duration::from_nanos(course.leased_at(at).saturating_sub(begun)).as_secs_f64() * 1000.0);
            }
        }
        crew.stop().await;
        if bench.statements {
            bench.say(&bench.cluster.statements()?);
        }
        drop(server);
        world.tidy().await?;
        let after = bench.yard(1)?;
        let yard = f64::midpoint(before.p50, after.p50);
        let (p50, p99) = (percentile(&mut times, 50.0), percentile(&mut times, 99.0));
        bench.say(&format!("told_alone round {}: p50 {p50:.2} ms; three commits {:.2} and {:.2} ms", number + 1, before.p50, after.p50));
        ratios.push(p50 / yard);
        p50s.push(p50);
        p99s.push(p99);
        yards.extend([before.p50, after.p50]);
    }
    let detail = format!(
        "submit to told p50 {:.2} ms ({}), p99 {:.2} ms; submit to agent p50 {:.2} ms; three bare commits p50 {:.2} ms ({})",
        median(&p50s),
        spread(&p50s, 2),
        median(&p99s),
        percentile(&mut leased, 50.0),
        median(&yards),
        spread(&yards, 2),
    );
    Ok(Line::new("told_alone", median(&ratios), &ratios, 1.6, Better::Lower, detail))
}

/// At half of what 32 at once bring about, arriving evenly whether or not the earlier ones have ended.
pub async fn busy(bench: &Bench) -> Result<Line> {
    let count = bench.pick(2000, 6000);
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    let (mut ratios, mut p99s, mut p50s, mut yards, mut detail) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), String::new());
    for number in 0..bench.rounds {
        let before = bench.yard(1)?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        let full = cycle::round(&world, &[&server], &[&site], &site.first(count.min(4000)), 32, bench.manners).await?.rate;
        world.tidy().await?;
        let ready = load::prepare(&server, world.flows(&site.first(count)).await?).await?;
        let course = Course::new(&ready);
        let crew = Crew::start(&[&server], &[&site], &course, bench.manners).await?;
        let (ticks, begun) = (world.ticks(&[&server]), Instant::now());
        let mut times = at_rate(&server, &course, ready, full / 2.0).await?;
        let shares = world.ticks(&[&server]).since(ticks, begun.elapsed().as_secs_f64());
        crew.stop().await;
        drop(server);
        world.tidy().await?;
        let after = bench.yard(1)?;
        let yard = f64::midpoint(before.p50, after.p50);
        let (p50, p99) = (percentile(&mut times, 50.0), percentile(&mut times, 99.0));
        detail = format!("at {:.0} of {full:.0}/s; {shares}", full / 2.0);
        bench.say(&format!("told_busy round {}: p50 {p50:.2} p99 {p99:.2} ms; three commits {yard:.2} ms; {detail}", number + 1));
        ratios.push(p99 / yard);
        p99s.push(p99);
        p50s.push(p50);
        yards.push(yard);
    }
    let detail = format!(
        "told p50 {:.2} ms, p99 {:.2} ms ({}); three bare commits p50 {:.2} ms ({}); last round {detail}",
        median(&p50s),
        median(&p99s),
        spread(&p99s, 2),
        median(&yards),
        spread(&yards, 2),
    );
    Ok(Line::new("told_busy", median(&ratios), &ratios, 8.0, Better::Lower, detail))
}

/// Milliseconds until told, counted from the moment at which each should have been posted, so that a queue before the door shows.
pub async fn at_rate(server: &Server, course: &Arc<Course>, ready: Vec<Ready>, rate: f64) -> Result<Vec<f64>> {
    let idle = Arc::new(std::sync::Mutex::new(Vec::<Conn>::new()));
    let (begun, address, mut tasks) = (tokio::time::Instant::now(), server.address, JoinSet::new());
    for (number, ready) in ready.into_iter().enumerate() {
        let due = begun + Duration::from_secs_f64(f64::from(u32::try_from(number)?) / rate);
        tokio::time::sleep_until(due).await;
        let (course, idle) = (course.clone(), idle.clone());
        tasks.spawn(async move {
            let kept = idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop().filter(Conn::is_fresh);
            let posting = match kept {
                Some(conn) => conn,
                None => Conn::open(address).await?,
            };
            let (_, posting) = told(&course, &ready, posting, Conn::open(address).await?).await?;
            let millis = due.elapsed().as_secs_f64() * 1000.0;
            idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(posting);
            anyhow::Ok(millis)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.push(done??);
    }
    if let Some(failure) = course.failure() {
        bail!("an agent: {failure}");
    }
    Ok(times)
}
