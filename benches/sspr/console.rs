//! The console where an organisation is large and has been here for long: a hundred thousand people, ten million lines of the audit trail,
//! four hundred days of figures. Every page over the real HTTP API, one after the other, as whoever looks waits for it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use sqlx::PgPool;
use sspr::domain::{
    audit::Source,
    operators::{self, Draft, Role, Saved, Stage},
    users::EmailAddress,
};
use uuid::Uuid;

use super::{
    Bench, http,
    report::{Better, Line},
    stats::percentile,
    world::{Site, World, name},
};

const PEOPLE: usize = 100_000;
/// Milliseconds of server time that a page may take.
const PAGE: f64 = 50.0;

/// Of one page: where it is, and milliseconds of each request.
struct Timed {
    path: String,
    took: Vec<f64>,
}

pub async fn measure(bench: &Bench) -> Result<Line> {
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", 1, PEOPLE).await?;
    let lines = i64::try_from(bench.pick(1_000_000, 10_000_000))?;
    bench.say(&format!("console: filling in {lines} lines of the audit trail"));
    fill(&world.db, &site, lines).await?;
    world.hear_of_all().await?;
    world.tidy().await?;
    let (operator, cookie) = operator(&world, &site).await?;
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let mut conn = server.conn().await?;
    let cookie = format!("cookie: sspr_console={cookie}");
    let mut all: Vec<Timed> = pages(&world, &site, operator).await?.into_iter().map(|path| Timed { path, took: Vec::new() }).collect();
    let mut bare = Vec::new();
    for round in 0..bench.pick(10, 20) {
        for page in &mut all {
            let request = http::request("GET", &page.path, &site.host, &["accept: text/html", "accept-language: en", &cookie], b"");
            let begun = Instant::now();
            let status = conn.send(&request).await?.status;
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            ensure!(status == 200, "{} was answered {status}", page.path);
            // The first time plans are made and what is looked for comes from the disk.
            if round > 0 {
                page.took.push(took);
            }
        }
        let begun = Instant::now();
        sqlx::query("select 1").execute(&world.db).await?;
        bare.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let trip = percentile(&mut bare, 50.0);
    let mut told: Vec<(f64, f64, String)> =
        all.into_iter().map(|mut page| (percentile(&mut page.took, 95.0), percentile(&mut page.took, 50.0), page.path)).collect();
    told.sort_by(|one, other| other.0.total_cmp(&one.0));
    let promised = told.iter().find(|(.., path)| path.starts_with("/console/people/found") || path.starts_with("/console/audit"));
    let worst = promised.context("no page of those that are promised")?.0;
    let slow = told.iter().filter(|(p95, ..)| *p95 > PAGE).count();
    let list: Vec<String> =
        told.iter().map(|(p95, p50, path)| format!("{} {p50:.1}/{p95:.1}", path.replace(&operator.to_string(), "…"))).collect();
    let detail = format!(
        "{PEOPLE} people, {lines} lines, one request at a time; `select 1` {trip:.2} ms; {slow} of {} pages above {PAGE} ms; p50/p95 in ms: {}",
        list.len(),
        list.join("; ")
    );
    Ok(Line::new("console", worst / trip, &[], 60.0, Better::Lower, detail))
}

/// An owner who has just signed in.
async fn operator(world: &World, site: &Site) -> Result<(Uuid, String)> {
    let (scope, source) = (&site.tenant.scope, Source::house("bench"));
    let mail = EmailAddress::parse("owner@corp.example").context("an address")?;
    let draft = Draft { name: "Olga Owner".to_owned(), mail, role: Role::Owner, groups: Vec::new() };
    let mut tx = world.db.begin().await?;
    let Saved::Yes(operator) = operators::create(&mut tx, scope, &world.clock, &source, &draft).await? else {
        anyhow::bail!("no operator was made");
    };
    let cookie = operators::begin(&mut tx, scope, &world.clock, &source, operator, (Stage::In, "bench"), None).await?;
    tx.commit().await?;
    Ok((operator, cookie))
}

/// Every page that is opened by its address, and the searches that cost most.
async fn pages(world: &World, site: &Site, operator: Uuid) -> Result<Vec<String>> {
    let db = &world.db;
    let connector: Uuid = sqlx::query_scalar("select connector_id from connectors").fetch_one(db).await?;
    let agent: Uuid = sqlx::query_scalar("select agent_id from agents").fetch_one(db).await?;
    let code: String =
        sqlx::query_scalar("select request_id from audit_events where length(request_id) = 10 order by event_id desc limit 1")
            .fetch_one(db)
            .await?;
    let user = site.people.get(77).context("nobody")?;
    let (one, day) = (name(77_777), (world.clock.now() - time::Duration::days(200)).date());
    let plain = [
        "",
        "?days=1",
        "?days=90",
        "/people",
        "/jobs",
        "/jobs/now",
        "/approvals",
        "/approvals/rules",
        "/connectors",
        "/policies",
        "/policies/new",
        "/history",
        "/settings",
        "/branding",
        "/texts",
        "/prices",
        "/operators",
        "/sso",
        "/report",
        "/me",
        "/support",
        "/audit",
        "/audit?actor=operator",
        "/audit?action=limit.reached",
        "/audit?actor=agent&action=reset.result",
        "/audit?outcome=wrong",
    ];
    let mut all: Vec<String> = plain.iter().map(|path| format!("/console{path}")).collect();
    all.extend([
        "/console/people/found?q=pe".to_owned(),
        "/console/people/found?q=person".to_owned(),
        format!("/console/people/found?q={one}"),
        "/console/people/found?q=nobody%20at%20all".to_owned(),
        format!("/console/people/{user}"),
        format!("/console/connectors/{connector}"),
        format!("/console/agents/{agent}"),
        format!("/console/operators/{operator}"),
        format!("/console/audit?person={user}"),
        format!("/console/audit?person={one}"),
        format!("/console/audit?code={code}"),
        format!("/console/audit?from={day}&to={day}"),
        format!("/console/audit?from={day}&to={day}&action=limit.reached"),
    ]);
    Ok(all)
}

/// Lines over four hundred days, the newest last, and their chain; figures of every hour. What is measured is reading them, so they are
/// written past what writes them.
async fn fill(db: &PgPool, site: &Site, lines: i64) -> Result<()> {
    let mut tx = db.begin().await?;
    for statement in [
        "set local synchronous_commit = off",
        "alter table audit_events disable trigger audit_events_unchained",
        "create temp table people on commit drop as select row_number() over (order by object_guid) as place, user_id from users",
        "create unique index on people (place)",
    ] {
        sqlx::query(statement).execute(&mut *tx).await?;
    }
    let events = "insert into audit_events (event_id, tenant_id, at, actor, action, user_id, flow_id, request_id, address, outcome, detail)
         select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5('e' || n), 1, 3) || '8' || substr(md5('e' || n), 4, 15))::uuid,
             $1, at, case when n % 25 = 0 then 'operator:' || md5('p' || n % 7)::uuid when n % 4 = 3 then 'agent:' || md5('q' || n % 3)::uuid else 'user' end,
             (array['reset.begin', 'reset.code_try', 'reset.submit', 'reset.result', 'reset.code_send', 'session.begin', 'operator.session', 'limit.reached'])[1 + n % 8],
             case when n % 8 < 6 then p.user_id end, md5('f' || n / 8)::uuid, case when n % 4 <> 3 then substr(md5('r' || n / 2), 1, 10) end,
             ('10.' || n % 250 || '.' || n / 250 % 250 || '.7')::inet,
             (array['known', 'right', 'sent', 'applied', 'sent', 'begun', 'in', 'limit'])[1 + n % 8], '{\"method\": \"email\"}'
         from generate_series(1, $2) n join people p on p.place = 1 + n / 8 % $3,
             lateral (select now() - interval '400 days' + interval '400 days' * (n::float8 / $2) as at) x";
    let (tenant, people) = (site.tenant.scope.id(), i64::try_from(PEOPLE)?);
    sqlx::query(events).bind(tenant).bind(lines).bind(people).execute(&mut *tx).await?;
    for statement in [
        "alter table audit_events enable trigger audit_events_unchained",
        "insert into audit_kinds (tenant_id, kind, action, outcome, actor)
         select tenant_id, 1000 + row_number() over (order by action, outcome, actor), action, outcome, actor
         from (select distinct tenant_id, action, outcome, split_part(actor, ':', 1) as actor from audit_events where address <<= '10.0.0.0/8') k on conflict do nothing",
        "insert into job_hours (tenant_id, hour, connector_id, kind, state, code, speed, jobs)
         select tenant_id, date_trunc('hour', now()) - interval '1 hour' * h, connector_id, k, s, c, sp, 1 + h % 9
         from connectors, generate_series(1, 24 * 400) h, (values ('reset', 'applied', 'applied', 3), ('reset', 'applied', 'applied', 5), ('unlock', 'applied', 'unlocked', 2),
             ('reset', 'refused', 'policy_history', 4), ('reset', 'failed', 'directory_unreachable', 9)) v (k, s, c, sp)",
        "insert into proof_hours (tenant_id, hour, method, proofs) select tenant_id, date_trunc('hour', now()) - interval '1 hour' * h, m, 3
         from tenants, generate_series(1, 24 * 400) h, unnest(array['email', 'sms', 'totp', 'passkey']) m",
        "insert into coverage_counts select tenant_id, now(), 100000, 90000, 50000, 49000, 20000, 10, 5 from tenants",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.with_context(|| statement.chars().take(60).collect::<String>())?;
    }
    Ok(tx.commit().await?)
}
