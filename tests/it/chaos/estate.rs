//! Everything that runs: Postgres (durable), a domain controller, the inbox, two servers, three agents of one connector, and a line
//! with weather between each two that speak to each other.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor, PgConnection};
use sspr::lab::{
    browser::Browser,
    inbox::Inbox,
    postgres::{self, Postgres},
    samba::{Samba, SambaOptions},
};
use tokio::task::spawn_blocking;

use super::{
    chance::Chance,
    clock,
    fleet::{self, Office, uuids},
    history::Recorder,
    process::{Process, run},
    proxy::Line,
};

pub const SERVERS: usize = 2;
pub const AGENTS: usize = 3;
const DATABASE: &str = "sspr";
/// Passwords that the domain remembers, and thereby effects of one person that the history can tell apart. Samba's most.
pub const REMEMBERED: u32 = 24;

pub struct Estate {
    pub servers: Vec<Process>,
    pub agents: Vec<Process>,
    pub office: Office,
    /// From agents to servers.
    pub upstream: Line,
    /// From browsers to each server.
    pub portals: Vec<Line>,
    /// From each agent to the domain controller.
    pub ldaps: Vec<Line>,
    pub inbox: Inbox,
    pub samba: Samba,
    pub postgres: Postgres,
    pub postgres_held: tokio::sync::Mutex<()>,
    pub samba_held: tokio::sync::Mutex<()>,
    pub dir: PathBuf,
    _postgres_dir: tempfile::TempDir,
}

impl Estate {
    /// All healthy, with `people` in the domain, files in `dir`.
    pub async fn start(people: String, dir: &Path, seed: u64) -> Self {
        let postgres_dir = tempfile::Builder::new().prefix("sspr-chaos-").tempdir_in("/tmp").unwrap();
        let place = postgres_dir.path().join("pg");
        // Whoever runs Postgres must pass.
        fs::set_permissions(postgres_dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        // "Keep" is durable: fsync on, as in production.
        let postgres = spawn_blocking(move || Postgres::start_in(&place, true).unwrap());
        let options = SambaOptions { users_csv: Some(people), history: REMEMBERED, lockout: 0, ..SambaOptions::default() };
        let samba = spawn_blocking(move || Samba::start(&options).unwrap());
        let (postgres, samba, inbox) = (postgres.await.unwrap(), samba.await.unwrap(), Inbox::start(0, 0).await.unwrap());
        let mut admin = PgConnection::connect(&postgres.url("postgres")).await.unwrap();
        admin.execute(sqlx::AssertSqlSafe(format!("create database {DATABASE}"))).await.unwrap();

        let library = clock::library(dir);
        let nodes: Vec<SocketAddr> =
            (0..SERVERS as u64).map(|node| SocketAddr::from((Ipv4Addr::LOCALHOST, free_port(seed + node)))).collect();
        let upstream = Line::to(nodes.clone(), seed).await;
        let url = format!("http://localhost:{}", upstream.port);
        let settings = cloud_settings(&url, &postgres.url(DATABASE), &inbox);
        let (mut servers, mut portals) = (Vec::new(), Vec::new());
        run(&settings, &["migrate"]);
        for (number, node) in nodes.iter().enumerate() {
            let settings = [&settings[..], &[("SSPR_SERVER__LISTEN".to_owned(), node.to_string())]].concat();
            let server = Process::new(&format!("server{number}"), &["serve"], &settings, dir, &library);
            server.start();
            servers.push(server);
            portals.push(Line::to(vec![*node], seed + 100 + number as u64).await);
        }
        let said = run(&settings, &["tenant", "create", "Corp Example", "--host", "localhost"]);
        let ids = uuids(&said);
        let (tenant, connector) = (ids[0].to_string(), ids[1].to_string());
        // Everybody is at one address, and none of its limits is what is tested here.
        run(&settings, &["tenant", "set", &tenant, "--self-service", "true", "--address-limit", "1000000"]);
        run(&settings, &["connector", "writeback", &connector, "on"]);

        let office = Office::new(settings, connector, dir);
        let (mut agents, mut ldaps) = (Vec::new(), Vec::new());
        let controller: SocketAddr = samba.ldaps_url.trim_start_matches("ldaps://").parse().unwrap();
        for node in &nodes {
            until_up(*node).await;
        }
        for number in 0..AGENTS {
            let line = Line::to(vec![controller], seed + 200 + number as u64).await;
            let own = agent_settings(&url, &fleet::state_dir(dir, number), &samba, line.port);
            let agent = Process::new(&format!("agent{number}"), &["agent"], &own, dir, &library);
            office.enrol(&agent).unwrap();
            agent.start();
            agents.push(agent);
            ldaps.push(line);
        }
        let (postgres_held, samba_held) = Default::default();
        let estate = Self {
            servers,
            agents,
            office,
            upstream,
            portals,
            ldaps,
            inbox,
            samba,
            postgres,
            postgres_held,
            samba_held,
            dir: dir.to_owned(),
            _postgres_dir: postgres_dir,
        };
        estate.until_ready().await;
        estate
    }

    /// Every agent is counted on, has published a key, and everybody is mirrored.
    pub async fn until_ready(&self) {
        let people = i64::try_from(self.samba.users.len()).unwrap();
        let begun = Instant::now();
        let agents = i64::try_from(AGENTS).unwrap();
        loop {
            let ready = self
                .count(
                    "select count(*) from agents where status = 'active' and (health -> 'directory' ->> 'reachable')::boolean and last_seen_at > now() - interval '30 s'
                        and exists (select 1 from sealing_keys k where k.agent_id = agents.agent_id)",
                )
                .await;
            let mirrored = self.count("select count(*) from users where removed_at is null").await;
            if ready == Some(agents) && mirrored == Some(people) {
                return;
            }
            let words = || self.agents.iter().chain(&self.servers).map(Process::last_words).collect::<Vec<_>>().join("\n\n");
            assert!(begun.elapsed() < Duration::from_mins(2), "not ready: {ready:?} agents, {mirrored:?} people\n{}", words());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A number out of the database; `None` while it is away.
    pub async fn count(&self, query: &'static str) -> Option<i64> {
        let mut conn = self.database().await?;
        sqlx::query_scalar(query).fetch_one(&mut conn).await.ok()
    }

    pub async fn database(&self) -> Option<PgConnection> {
        let url = self.postgres.url(DATABASE);
        tokio::time::timeout(Duration::from_secs(5), PgConnection::connect(&url)).await.ok()?.ok()
    }

    /// One that whatever is in front of the nodes leads to this one.
    pub fn browser(&self, node: usize) -> anyhow::Result<Browser> {
        Browser::new(&format!("http://localhost:{}", self.upstream.port)).map(|browser| browser.at(&self.portal(node)))
    }

    pub fn portal(&self, node: usize) -> String {
        format!("http://localhost:{}", self.portals[node].port)
    }

    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.servers.iter().chain(&self.agents)
    }

    /// A consistent copy of the database, while it is in use.
    pub fn back_up(&self, file: &Path) {
        self.postgres_tool("pg_dump", &["-Fc", "-d", DATABASE, "-f", file.to_str().unwrap()]);
    }

    /// What [`Self::back_up`] made takes the place of what is there. Nobody else is connected.
    pub fn restore(&self, file: &Path) {
        self.postgres_tool("dropdb", &["--force", DATABASE]);
        self.postgres_tool("createdb", &[DATABASE]);
        self.postgres_tool("pg_restore", &["-d", DATABASE, file.to_str().unwrap()]);
    }

    fn postgres_tool(&self, tool: &str, args: &[&str]) {
        // Beside the server; where that one was found elsewhere, on the path.
        let beside = postgres::programs().unwrap().join(tool);
        let out = Command::new(if beside.exists() { beside } else { tool.into() })
            .args(["-U", "postgres", "-h", self.postgres.dir().to_str().unwrap()])
            .args(args)
            .output()
            .unwrap();
        assert!(out.status.success(), "{tool}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Start again whoever ended by themselves.
    pub fn watch(&self, recorder: &Recorder) {
        self.processes().for_each(|process| process.watch(recorder));
    }
}

fn pairs(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| (format!("SSPR_{name}"), (*value).to_owned())).collect()
}

fn cloud_settings(url: &str, database: &str, inbox: &Inbox) -> Vec<(String, String)> {
    pairs(&[
        ("SERVER__PUBLIC_URL", url),
        ("DATABASE__URL", database),
        ("KEYS__MASTER", &data_encoding::BASE64.encode(&[7; 32])),
        ("MAIL__URL", &inbox.smtp_url()),
        ("MAIL__FROM", "Password reset <reset@cloud.example>"),
        ("LIMITS__WORK", "1"),
    ])
}

fn agent_settings(url: &str, state: &Path, samba: &Samba, ldaps: u16) -> Vec<(String, String)> {
    pairs(&[
        ("AGENT__CLOUD_URL", url),
        ("AGENT__STATE_DIR", state.to_str().unwrap()),
        ("AGENT__DIRECTORY__URL", &format!("ldaps://127.0.0.1:{ldaps}")),
        ("AGENT__DIRECTORY__SERVER_NAME", &samba.server_name),
        ("AGENT__DIRECTORY__CA_FILE", samba.ca_file.to_str().unwrap()),
        ("AGENT__DIRECTORY__BIND_DN", &samba.bind_dn),
        ("AGENT__DIRECTORY__BIND_PASSWORD_FILE", samba.bind_password_file.to_str().unwrap()),
        ("AGENT__DIRECTORY__BASE_DN", &samba.base_dn),
        ("AGENT__DIRECTORY__USERS_DN", &samba.users_dn),
        ("AGENT__DIRECTORY__REQUIRE_POLICY_HINTS", "true"),
        // The caps are tested elsewhere.
        ("AGENT__DIRECTORY__MAX_PER_USER_PER_HOUR", "0"),
        ("AGENT__DIRECTORY__MAX_PER_HOUR", "0"),
    ])
}

/// Below the range that the system takes for outgoing connections: a server that was killed finds its port still free.
fn free_port(seed: u64) -> u16 {
    let mut chance = Chance::new(seed ^ u64::from(std::process::id()));
    loop {
        let port = u16::try_from(chance.between(29_500, 32_700)).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

async fn until_up(node: SocketAddr) {
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(node).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "a server does not come up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
