//! One person's whole journey, page by page: how long the server has the person wait in all, beside the durable commits that it made
//! for them. The waits that are meant to be (a message's way, its deliberate delay) are the person's, not the server's, and left out.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sspr::lab::{browser::worked, html, inbox::Inbox};

use super::{
    Bench,
    http::{self, Conn},
    load::{self, Course, Crew},
    report::{Better, Line},
    stats::{median, percentile, spread},
    world::{Server, Site, World},
};

const STAGES: [&str; 5] = ["identify", "code", "ticket", "submit", "status"];

/// Durable commits between two places in the log. A transaction that has nothing there but its commit changed only what a crash may
/// take, and waited for no disk.
const COMMITS: &str = "select count(*) from (
    select xid from yard.pg_get_wal_records_info($1::pg_lsn, $2::pg_lsn) where xid::text <> '0' group by xid
    having bool_or(resource_manager = 'Transaction' and record_type like 'COMMIT%') and bool_or(resource_manager <> 'Transaction')) t";

pub async fn measure(bench: &Bench) -> Result<Line> {
    let count = bench.pick(20, 60);
    bench.cluster.psql("bench", "create extension if not exists pg_walinspect schema yard")?;
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("localhost", bench.agents, count).await?;
    world.tidy().await?;
    let inbox = Inbox::start(0, 0).await?;
    let mut settings = bench.server_settings();
    settings.push(("SSPR_MAIL__URL", inbox.smtp_url()));
    settings.push(("SSPR_MAIL__FROM", "Password reset <reset@cloud.example>".to_owned()));
    let before = bench.yard(1)?;
    let server = world.serve(world.port, &settings).await?;
    let course = Course::new(&[]);
    let crew = Crew::start(&[&server], &[&site], &course, bench.manners).await?;
    let (mut stages, mut totals, mut commits): (Vec<[f64; STAGES.len()]>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    let mut asked: Vec<(String, Vec<f64>)> = Vec::new();
    if bench.statements {
        bench.cluster.forget_statements()?;
    }
    for number in 0..count {
        let mut person = Person::new(&world, &server, &site, number).await?;
        let (times, count) = person.journey(&inbox).await.with_context(|| course.failure().unwrap_or_default())?;
        // The first ones find cold caches.
        if number >= bench.pick(3, 10) {
            totals.push(times.iter().sum());
            stages.push(times);
            commits.push(count);
            for (at, (line, millis)) in person.asked.into_iter().enumerate() {
                if asked.len() == at {
                    asked.push((line, Vec::new()));
                }
                asked[at].1.push(millis);
            }
        }
    }
    crew.stop().await;
    if bench.statements {
        bench.say(&bench.cluster.statements()?);
        for (line, times) in &asked {
            bench.say(&format!("{:6.2} ms  {line}", median(times)));
        }
    }
    drop(server);
    let after = bench.yard(1)?;
    let commit = f64::midpoint(before.p50, after.p50) / 3.0;
    let (mut sorted, spread) = (totals.clone(), spread(&totals, 1));
    let (total, commits) = (median(&totals), median(&commits));
    let each = STAGES
        .iter()
        .enumerate()
        .map(|(at, stage)| format!("{stage} {:.1}", median(&stages.iter().map(|times| times[at]).collect::<Vec<_>>())));
    let detail = format!(
        "p50 of the sum {total:.1} ms ({spread}; p99 {:.1}): {} ms; {commits:.0} durable commits of {commit:.2} ms each",
        percentile(&mut sorted, 99.0),
        each.collect::<Vec<_>>().join(", "),
    );
    Ok(Line::new("whole_reset", total / (commits * commit), &[], 2.5, Better::Lower, detail))
}

struct Person<'a> {
    world: &'a World,
    server: &'a Server,
    site: &'a Site,
    conn: Conn,
    address: String,
    name: String,
    cookie: String,
    /// Places in the log before and after each request.
    places: Vec<(String, String)>,
    /// What was asked, and how many milliseconds each took.
    asked: Vec<(String, f64)>,
}

impl<'a> Person<'a> {
    async fn new(world: &'a World, server: &'a Server, site: &'a Site, number: usize) -> Result<Self> {
        let name = super::world::name(number);
        let address = format!("{name}@mail.example");
        Ok(Self {
            world,
            server,
            site,
            conn: server.conn().await?,
            address,
            name,
            cookie: String::new(),
            places: Vec::new(),
            asked: Vec::new(),
        })
    }

    /// Milliseconds per stage, and the commits of all.
    async fn journey(&mut self, inbox: &Inbox) -> Result<([f64; STAGES.len()], f64)> {
        let (mut identify, page) = self.ask("GET", "/", "", 200).await?;
        // The browser's work, done while one types.
        let form = html::forms(std::str::from_utf8(&page)?).into_iter().next().context("a page without a form")?;
        let form = worked(form.set("name", &self.name)?).await?;
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        identify += self.ask("POST", "/reset", &fields, 303).await?.0;
        identify += self.ask("GET", "/reset/method?begun=1", "", 200).await?.0;
        let seen = inbox.count(&self.address);
        let mut code = self.ask("POST", "/reset/method", "method=email", 303).await?.0;
        code += self.ask("GET", "/reset/code", "", 200).await?.0;
        let letter = inbox.wait_for(&self.address, seen).await?.text;
        // Its delivery is written down before the next request is timed.
        tokio::time::sleep(Duration::from_millis(30)).await;
        let digits = letter.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).context("a letter without a code")?;
        code += self.ask("POST", "/reset/code", &format!("code={digits}"), 303).await?.0;
        code += self.ask("GET", "/reset/password", "", 200).await?.0;

        let (origin, cookie) = (format!("origin: http://{}", self.site.host), format!("cookie: {}", self.cookie));
        let headers = [origin.as_str(), cookie.as_str(), "sec-fetch-site: same-origin", "content-type: application/json"];
        let request = http::request("POST", "/reset/ticket", &self.site.host, &headers, b"{}");
        let (ticket, _, permit) = self.timed(&request, &[200]).await?;
        let ready = load::seal(&permit, &self.site.host, &headers, &cookie)?;
        let (submit, ..) = self.timed(&ready.submit, &[202]).await?;
        // Whose job has ended by now is told so by the redirect; everybody else waits for the live stream's last word.
        let mut status = self.status().await?;
        if let Some(waiting) = status.as_mut().err() {
            let (from, watching) = (self.place().await?, self.server.conn().await?);
            let begun = Instant::now();
            let told = watching.until_event(&ready.events, super::told::TOLD);
            tokio::time::timeout(Duration::from_secs(30), told).await.context("nobody was told")??;
            *waiting += begun.elapsed().as_secs_f64() * 1000.0;
            let to = self.place().await?;
            self.places.push((from, to));
        }
        let (Ok(status) | Err(status)) = status;

        let mut commits = 0;
        for (from, to) in self.places.iter().filter(|(from, to)| from != to) {
            let count: i64 = sqlx::query_scalar(COMMITS).bind(from).bind(to).fetch_one(&self.world.db).await?;
            commits += count;
        }
        Ok(([identify, code, ticket, submit, status], f64::from(i32::try_from(commits)?)))
    }

    /// Milliseconds; `Err`: of a page that says to wait.
    async fn status(&mut self) -> Result<Result<f64, f64>> {
        let request = self.navigation("GET", "/reset/status", "");
        let (millis, status, _) = self.timed(&request, &[200, 303]).await?;
        Ok(if status == 303 { Ok(millis) } else { Err(millis) })
    }

    /// As a browser navigates; keeps the cookie.
    async fn ask(&mut self, method: &str, path: &str, form: &str, wanted: u16) -> Result<(f64, Vec<u8>)> {
        let request = self.navigation(method, path, form);
        let (millis, _, body) = self.timed(&request, &[wanted]).await?;
        Ok((millis, body))
    }

    fn navigation(&self, method: &str, path: &str, form: &str) -> Vec<u8> {
        let (origin, cookie) = (format!("origin: http://{}", self.site.host), format!("cookie: {}", self.cookie));
        let mut headers = vec!["accept: text/html", "accept-language: en", "sec-fetch-site: same-origin"];
        if method == "POST" {
            headers.extend([origin.as_str(), "content-type: application/x-www-form-urlencoded"]);
        }
        if !self.cookie.is_empty() {
            headers.push(&cookie);
        }
        http::request(method, path, &self.site.host, &headers, form.as_bytes())
    }

    async fn timed(&mut self, request: &[u8], wanted: &[u16]) -> Result<(f64, u16, Vec<u8>)> {
        let from = self.place().await?;
        let begun = Instant::now();
        let answer = self.conn.send(request).await?;
        let millis = begun.elapsed().as_secs_f64() * 1000.0;
        let line = String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned();
        ensure!(wanted.contains(&answer.status), "{line} was answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        if let Some(cookie) = http::field(answer.head, "set-cookie") {
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        let (status, body) = (answer.status, answer.body.to_vec());
        self.asked.push((line, millis));
        let to = self.place().await?;
        self.places.push((from, to));
        Ok((millis, status, body))
    }

    /// In the log. It is flushed up to there, or what is before could not be read.
    async fn place(&self) -> Result<String> {
        Ok(sqlx::query_scalar("select pg_current_wal_flush_lsn()::text").fetch_one(&self.world.db).await?)
    }
}
