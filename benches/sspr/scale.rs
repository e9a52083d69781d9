//! What must not matter: how many tenants share the service, how much it has done before, what another tenant left lying in its
//! queue, how many nodes serve.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use uuid::Uuid;

use super::{
    Bench, cycle,
    load::{self, Course, Crew, Manners},
    report::{Better, Line},
    stats::{median, percentile, spread},
    told,
    world::{Site, World, free_port},
};

const IN_FLIGHT: usize = 32;

/// Ten thousand tenants, each with an agent that waits and one person, beside one tenant.
pub async fn tenants(bench: &Bench) -> Result<Line> {
    let (many, count) = (bench.pick(1000, 10_000), bench.pick(1000, 4000));
    let manners = Manners { pollers: 1, most: 8, beats: false, ..bench.manners };
    let (mut ratios, mut ones, mut manies, mut detail) = (Vec::new(), Vec::new(), Vec::new(), String::new());

    let world = World::new(&bench.cluster, &bench.work).await?;
    let one = world.site("localhost", 1, count).await?;
    world.hear_of_all().await?;
    for _ in 0..bench.rounds {
        world.tidy().await?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        let before = bench.yard(IN_FLIGHT)?.rate;
        let round = cycle::round(&world, &[&server], &[&one], &one.first(count), IN_FLIGHT, manners).await?;
        ones.push(round.rate / before);
    }
    drop(world);

    let world = World::new(&bench.cluster, &bench.work).await?;
    let mut sites = Vec::with_capacity(many);
    for number in 0..many {
        sites.push(world.site(&format!("t{number}.localhost"), 1, 1).await?);
    }
    world.hear_of_all().await?;
    // A different part of them in each round, every tenant's agent waiting in all of them.
    let staff: Vec<&Site> = sites.iter().collect();
    for number in 0..bench.rounds {
        world.tidy().await?;
        let server = world.serve(world.port, &bench.server_settings()).await?;
        let before = bench.yard(IN_FLIGHT)?.rate;
        let people: Vec<(&Site, Uuid)> =
            sites.iter().cycle().skip(number * count).take(count.min(many)).flat_map(|site| site.first(1)).collect();
        let round = cycle::round(&world, &[&server], &staff, &people, IN_FLIGHT, manners).await?;
        manies.push(round.rate / before);
        detail = format!("{:.0} cycles/s; {}", round.rate, round.shares.each(round.rate));
    }
    for many in &manies {
        ratios.push(many / median(&ones));
    }
    let detail = format!(
        "{many} tenants ×{:.2} of the yardstick, one ×{:.2} ({}); every tenant's agent waits on a connection of its own; last round {detail}",
        median(&manies),
        median(&ones),
        spread(&ones, 2)
    );
    Ok(Line::new("tenants", median(&ratios), &ratios, 0.9, Better::Higher, detail))
}

/// Two nodes on one Postgres beside one, two agents either way.
pub async fn nodes(bench: &Bench) -> Result<Line> {
    let count = bench.pick(1500, 5000);
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", 2, count).await?;
    world.tidy().await?;
    let (mut ratios, mut ones, mut twos, mut detail) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for _ in 0..bench.rounds {
        let first = world.serve(world.port, &bench.server_settings()).await?;
        let one = cycle::round(&world, &[&first], &[&site], &site.first(count), IN_FLIGHT, bench.manners).await?;
        world.tidy().await?;
        let second = world.serve(free_port()?, &bench.server_settings()).await?;
        let two = cycle::round(&world, &[&first, &second], &[&site], &site.first(count), IN_FLIGHT, bench.manners).await?;
        drop((first, second));
        world.tidy().await?;
        ratios.push(two.rate / one.rate);
        ones.push(one.rate);
        twos.push(two.rate);
        detail = format!("one: {}; two: {}", one.shares.each(one.rate), two.shares.each(two.rate));
    }
    let detail = format!(
        "two nodes {:.0} cycles/s ({}), one {:.0} ({}); an agent at each, browsers in turn; {detail}",
        median(&twos),
        spread(&twos, 0),
        median(&ones),
        spread(&ones, 0)
    );
    Ok(Line::new("nodes", median(&ratios), &ratios, 0.9, Better::Higher, detail))
}

/// Five million finished jobs, spread over the last thirty days, beside none; each after a while of steady load.
pub async fn history(bench: &Bench) -> Result<Line> {
    const DAYS: i32 = 30;
    let (many, count) = (bench.pick(500_000, 5_000_000), bench.pick(1000, 4000));
    let steady = if bench.long { Duration::from_mins(10) } else { Duration::from_secs(u64::try_from(bench.pick(10, 60))?) };
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    let (empty, empty_rate) = after_a_while(bench, &world, &site, count, steady).await?;

    for day in 0..=DAYS {
        sqlx::query("select jobs_make_partition((now() at time zone 'utc')::date - $1::int)").bind(day).execute(&world.db).await?;
    }
    // Like one that was really applied, in everything but its ids and its time.
    let copied = "with one as (select to_jsonb(j) as job from jobs j where state = 'applied' limit 1),
        made as (select n, (extract(epoch from now() - interval '1 day' * (1 + random() * ($2 - 1))) * 1000)::bigint as at from generate_series(1, $1) n)
        insert into jobs select r.* from one, made, lateral jsonb_populate_record(null::jobs, job || jsonb_build_object(
            'job_id', overlay(replace(gen_random_uuid()::text, '-', '') placing lpad(to_hex(at), 12, '0') from 1 for 12)::uuid,
            'user_id', gen_random_uuid(), 'object_guid', gen_random_uuid(), 'flow_id', gen_random_uuid())) r";
    const AT_ONCE: usize = 250_000;
    for _ in 0..many / AT_ONCE {
        sqlx::query(copied).bind(i64::try_from(AT_ONCE)?).bind(DAYS).execute(&world.db).await?;
    }
    world.tidy().await?;
    let there: i64 = sqlx::query_scalar("select count(*) from jobs where state = 'applied'").fetch_one(&world.db).await?;
    ensure!(there >= i64::try_from(many)?, "only {there} finished jobs");
    let size: String = sqlx::query_scalar(
        "select pg_size_pretty(sum(pg_total_relation_size(inhrelid))) from pg_inherits where inhparent = 'jobs'::regclass",
    )
    .fetch_one(&world.db)
    .await?;
    let (full, full_rate) = after_a_while(bench, &world, &site, count, steady).await?;
    let detail = format!(
        "{there} finished jobs ({size}) {full_rate:.0} cycles/s, ×{full:.2} of the yardstick; none {empty_rate:.0}/s, ×{empty:.2}; each after {} s of steady load{}; without their audit events",
        steady.as_secs(),
        if bench.long { "" } else { " (--long: 10 minutes)" },
    );
    Ok(Line::new("history", full / empty, &[], 0.9, Better::Higher, detail))
}

/// Cycles per second, as a share of the yardstick's and plain, at the end of a steady load.
async fn after_a_while(bench: &Bench, world: &World, site: &Site, count: usize, steady: Duration) -> Result<(f64, f64)> {
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let begun = Instant::now();
    while begun.elapsed() < steady {
        cycle::round(world, &[&server], &[site], &site.first(count), IN_FLIGHT, bench.manners).await?;
    }
    let (mut shares, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let before = bench.yard(IN_FLIGHT)?.rate;
        let rate = cycle::round(world, &[&server], &[site], &site.first(count), IN_FLIGHT, bench.manners).await?.rate;
        let after = bench.yard(IN_FLIGHT)?.rate;
        shares.push(rate / f64::midpoint(before, after));
        rates.push(rate);
    }
    Ok((median(&shares), median(&rates)))
}

/// What a quiet tenant's people feel while another tenant, whose agents are away, has a hundred thousand jobs in the queue.
pub async fn fairness(bench: &Bench) -> Result<Line> {
    const RATE: f64 = 40.0;
    let (queued, count) = (bench.pick(20_000, 100_000), bench.pick(400, 1200));
    let world = World::new(&bench.cluster, &bench.work).await?;
    let quiet = world.site("localhost", 1, count).await?;
    let loud = world.site("loud.localhost", 1, 1).await?;
    world.hear_of_all().await?;
    world.tidy().await?;
    let manners = Manners { beats: false, ..bench.manners };
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let feel = async || {
        let ready = load::prepare(&server, world.flows(&quiet.first(count)).await?).await?;
        let course = Course::new(&ready);
        let crew = Crew::start(&[&server], &[&quiet], &course, manners).await?;
        let mut times = told::at_rate(&server, &course, ready, RATE).await?;
        crew.stop().await;
        anyhow::Ok((percentile(&mut times, 50.0), percentile(&mut times, 99.0)))
    };
    feel().await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        alone.push(feel().await?);
    }
    let ready = load::prepare(&server, world.flows(&loud.first(1)).await?).await?;
    let ready = ready.first().context("no job")?;
    let status = server.conn().await?.send(&ready.submit).await?.status;
    ensure!(status == 202, "the loud tenant's job was answered {status}");
    let pile = bench.pile(&world, ready.job, queued).await?;
    for _ in 0..bench.rounds {
        beside.push(feel().await?);
    }
    let still: i64 = sqlx::query_scalar("select count(*) from jobs where tenant_id = $1 and state = 'submitted'")
        .bind(loud.tenant.scope.id())
        .fetch_one(&world.db)
        .await?;
    ensure!(still >= i64::try_from(queued)?, "only {still} jobs are left in the loud tenant's queue");
    let p99s = |of: &[(f64, f64)]| of.iter().map(|of| of.1).collect::<Vec<_>>();
    let p50s = |of: &[(f64, f64)]| of.iter().map(|of| of.0).collect::<Vec<_>>();
    let detail = format!(
        "told at {RATE}/s: p99 {:.1} ms ({}) beside {queued} queued jobs ({pile}), {:.1} ms ({}) alone; p50 {:.1} and {:.1} ms",
        median(&p99s(&beside)),
        spread(&p99s(&beside), 1),
        median(&p99s(&alone)),
        spread(&p99s(&alone), 1),
        median(&p50s(&beside)),
        median(&p50s(&alone)),
    );
    Ok(Line::new("fairness", median(&p99s(&beside)) / median(&p99s(&alone)), &[], 2.0, Better::Lower, detail))
}

impl Bench {
    /// Many more jobs like this submitted one, each of another person, in every table that has it in its queue.
    async fn pile(&self, world: &World, job: Uuid, count: usize) -> Result<String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.columns join information_schema.tables using (table_schema, table_name)
             where table_schema = 'public' and column_name = 'job_id' and table_type = 'BASE TABLE'
                 and table_name <> 'audit_events' and table_name <> 'flows' and table_name !~ '^jobs_' order by table_name = 'jobs' desc",
        )
        .fetch_all(&world.db)
        .await?;
        let mut tx = world.db.begin().await?;
        sqlx::query(
            "create temporary table pile on commit drop as
                select jsonb_build_object('job_id', overlay(replace(gen_random_uuid()::text, '-', '')
                        placing lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') from 1 for 12)::uuid,
                    'object_guid', gen_random_uuid(), 'user_id', gen_random_uuid(), 'flow_id', gen_random_uuid(),
                    'expires_at', now() + interval '2 hours') as own
                from generate_series(1, $1)",
        )
        .bind(i64::try_from(count)?)
        .execute(&mut *tx)
        .await?;
        let mut filled = Vec::new();
        for table in tables {
            let copy = format!(
                "insert into {table} select r.* from {table} t, pile, lateral jsonb_populate_record(null::{table}, to_jsonb(t) || own) r where t.job_id = $1"
            );
            let done = sqlx::query(sqlx::AssertSqlSafe(copy)).bind(job).execute(&mut *tx).await?;
            filled.push(format!("{table} {}", done.rows_affected()));
        }
        tx.commit().await?;
        world.tidy_but_flows().await?;
        Ok(filled.join(", "))
    }
}
