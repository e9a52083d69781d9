//! The mirror: a domain of many people told to the cloud for the first time, beside `ldapsearch` reading the same attributes of the same
//! people and throwing them away; what that costs in memory; and how long a change and a deletion then take to arrive.
//!
//! The real agent in a process of its own, the real server, a real domain controller, all on this machine: what the agent and the cloud
//! use of the processors, the domain controller lacks.

use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use sspr::{
    agent::state,
    domain::{audit::Source, fleet},
    lab::samba::{Samba, SambaOptions},
    wire::keys::fingerprint,
};
use tokio::task::block_in_place;

use super::{
    Bench, machine,
    report::{Better, Line},
    stats::median,
    world::{Site, World},
};

/// What the agent asks for of a person.
const ATTRIBUTES: [&str; 15] = [
    "objectGUID",
    "objectClass",
    "sAMAccountName",
    "sAMAccountType",
    "userPrincipalName",
    "displayName",
    "userAccountControl",
    "adminCount",
    "isCriticalSystemObject",
    "accountExpires",
    "primaryGroupID",
    "mail",
    "mobile",
    "manager",
    "preferredLanguage",
];

pub async fn measure(bench: &Bench) -> Result<Line> {
    let count = bench.pick(2000, 10_000);
    bench.say(&format!("mirror: making a domain of {count} people takes a while"));
    let options = SambaOptions { users_csv: Some(people(count)), ..SambaOptions::default() };
    let samba = block_in_place(|| Samba::start(&options))?;
    let world = World::new(&bench.cluster, &bench.work).await?;
    let site = world.site("mirror.localhost", 0, 0).await?;
    let server = world.serve(world.port, &bench.server_settings()).await?;
    let before = machine::resident(server.pid());
    let (mut ratios, mut rates, mut last) = (Vec::new(), Vec::new(), None);
    for round in 0..bench.rounds.max(1) {
        // Both in turn, and the plain search before and after.
        let first = block_in_place(|| plainly(&samba, count))?;
        sqlx::query("truncate users cascade").execute(&world.db).await?;
        let agent = Agent::start(bench, &world, &site, &samba, round).await?;
        let millis = agent.first_pass(&world, count).await?;
        let second = block_in_place(|| plainly(&samba, count))?;
        let people = f64::from(u32::try_from(count)?);
        rates.push(people / millis * 1000.0);
        ratios.push(f64::midpoint(first, second) / (millis / 1000.0));
        last = Some((agent, people / f64::midpoint(first, second)));
    }
    let Some((agent, plain)) = last else { bail!("no round") };
    let resident = machine::resident(agent.child.id());
    let (after, dn) = (machine::resident(server.pid()), samba.dn("p0000001").await?);
    let begun = Instant::now();
    samba.set(&dn, "displayName", "Other").await?;
    let changed = world.until(begun, "select count(*) from users where display_name = 'Other'", 1).await?;
    let begun = Instant::now();
    samba.admin().await?.delete(&dn).await?.success()?;
    let deleted = world.until(begun, "select count(*) from users where removed_at is not null", 1).await?;
    let detail = format!(
        "people/s of a first pass {:.0}, of ldapsearch with the same attributes {plain:.0}, {count} people (Samba {}); agent {} MiB, server {} MiB before and {} after; with looks every 5 s a change arrived after {changed:.1} s, a deletion (not shown to the agent's account) after {deleted:.1} s",
        median(&rates),
        samba.version,
        resident >> 20,
        before >> 20,
        after >> 20,
    );
    Ok(Line::new("mirror", median(&ratios), &ratios, 0.5, Better::Higher, detail))
}

/// Without passwords: deriving keys would be most of the work of making the domain.
fn people(count: usize) -> String {
    let mut csv = "username,given_name,family_name,mail,mobile,password,groups,flags\n".to_owned();
    for n in 1..=count {
        let _ = writeln!(csv, "p{n:07},Person,Number {n:07},p{n:07}@corp.example,+1555{n:07},,,");
    }
    csv
}

/// Seconds that `ldapsearch` takes, as the same account and in pages of the same size.
fn plainly(samba: &Samba, count: usize) -> Result<f64> {
    let file = samba.dir().join("bench.pass");
    fs::write(&file, samba.bind_password()?)?;
    let begun = Instant::now();
    let done = Command::new("ldapsearch")
        .env("LDAPTLS_CACERT", &samba.ca_file)
        .args(["-LLL", "-x", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt", "-H", &samba.ldaps_url, "-D", &samba.bind_dn, "-y"])
        .arg(&file)
        .args(["-b", &samba.users_dn, "(&(objectCategory=person)(objectClass=user))"])
        .args(ATTRIBUTES)
        .output()
        .context("starting ldapsearch")?;
    let seconds = begun.elapsed().as_secs_f64();
    let found = String::from_utf8_lossy(&done.stdout).lines().filter(|line| line.starts_with("dn:")).count();
    ensure!(found == count, "ldapsearch found {found} people: {}", String::from_utf8_lossy(&done.stderr));
    Ok(seconds)
}

/// The agent, in a process of its own; dropped, it is gone.
struct Agent {
    child: Child,
    log: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Agent {
    /// A new one, enrolled and confirmed.
    async fn start(bench: &Bench, world: &World, site: &Site, samba: &Samba, round: usize) -> Result<Self> {
        let dir = bench.work.join(format!("mirror-{round}"));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        let connector = sqlx::query_scalar("select connector_id from connectors").fetch_one(&world.db).await?;
        let mut tx = world.db.begin().await?;
        let (scope, house) = (&site.tenant.scope, Source::house("cli"));
        let token = fleet::new_token(&mut tx, scope, &world.clock, &house, connector).await?;
        tx.commit().await?;
        let token_file = bench.work.join("mirror.token");
        fs::write(&token_file, token)?;
        let log = bench.work.join(format!("mirror-{round}.log"));
        let settings = settings(world, samba, &dir);
        let program = |args: &[&str], log: File| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
            command.args(args).current_dir(&bench.work).env_clear().envs(settings.clone()).stdout(Stdio::null()).stderr(log);
            command
        };
        let enrol = ["agent", "enrol", "--token-file", &token_file.display().to_string()];
        let done = block_in_place(|| program(&enrol, File::create(&log)?).status().context("starting sspr agent enrol"))?;
        ensure!(done.success(), "sspr agent enrol: {}", fs::read_to_string(&log).unwrap_or_default());
        let (me, identity) = state::look(&dir)?.context("nobody is enrolled")?;
        let mut tx = world.db.begin().await?;
        let print = fingerprint(identity.current().public());
        ensure!(fleet::confirm(&mut tx, scope, &world.clock, &house, me.agent, &print).await?, "not confirmed");
        tx.commit().await?;
        Ok(Self { child: program(&["agent"], File::create(&log)?).spawn().context("starting sspr agent run")?, log })
    }

    /// Milliseconds of its first full pass, by its own log.
    async fn first_pass(&self, world: &World, count: usize) -> Result<f64> {
        let begun = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log)?;
            let told = log
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .find_map(|line| find(&line, "mirror.millis"));
            if let Some(millis) = told {
                let stored: i64 = sqlx::query_scalar("select count(*) from users where removed_at is null").fetch_one(&world.db).await?;
                ensure!(usize::try_from(stored)? == count, "{stored} people arrived, of {count}");
                return Ok(millis);
            }
            ensure!(begun.elapsed() < Duration::from_mins(10), "no pass ended: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A number of that name, wherever in the line it stands.
fn find(line: &serde_json::Value, name: &str) -> Option<f64> {
    let object = line.as_object()?;
    object.get(name).and_then(serde_json::Value::as_f64).or_else(|| object.values().find_map(|inner| find(inner, name)))
}

fn settings(world: &World, samba: &Samba, dir: &Path) -> Vec<(String, String)> {
    [
        ("LOG__FORMAT", "json".to_owned()),
        ("AGENT__CLOUD_URL", world.url.clone()),
        ("AGENT__STATE_DIR", dir.display().to_string()),
        ("AGENT__DIRECTORY__URL", samba.ldaps_url.clone()),
        ("AGENT__DIRECTORY__CA_FILE", samba.ca_file.display().to_string()),
        ("AGENT__DIRECTORY__SERVER_NAME", samba.server_name.clone()),
        ("AGENT__DIRECTORY__BIND_DN", samba.bind_dn.clone()),
        ("AGENT__DIRECTORY__BIND_PASSWORD_FILE", samba.bind_password_file.display().to_string()),
        ("AGENT__DIRECTORY__BASE_DN", samba.base_dn.clone()),
        ("AGENT__DIRECTORY__USERS_DN", samba.users_dn.clone()),
    ]
    .map(|(name, value)| (format!("SSPR_{name}"), value))
    .to_vec()
}

impl World {
    /// Seconds since `begun` until the query says so.
    async fn until(&self, begun: Instant, query: &'static str, wanted: i64) -> Result<f64> {
        while sqlx::query_scalar::<_, i64>(query).fetch_one(&self.db).await? != wanted {
            ensure!(begun.elapsed() < Duration::from_mins(20), "not within 20 min: {query}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}
