//! What a run serves: `sspr serve` as a process of its own, tenants with their agents and people, and flows that stand before the
//! password page. Made by the domain's own functions, in bulk, before anything is timed.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use sqlx::PgPool;
use sspr::{
    base::{clock::Clock, db, id, language::Language, secret::KeyRing},
    domain::{
        audit::Source,
        fleet,
        tenants::{self, Allowed, Change, New, Tenant},
        users,
    },
    wire::{
        b64,
        keys::{Identity, Statement, fingerprint},
        message::{MirrorBatch, Person},
        seal::{KeyPair, SUITE},
    },
};
use uuid::Uuid;

use super::{agent::Agent, cluster::Cluster, http::Conn, machine};

const MASTER: [u8; 32] = [7; 32];

pub struct World {
    pub db: PgPool,
    pub clock: Clock,
    pub postmaster: u32,
    ring: KeyRing,
    work: PathBuf,
    database: String,
    /// The port of the first node, which is also in the public address.
    pub port: u16,
    pub url: String,
}

/// One tenant with one connector.
pub struct Site {
    pub tenant: Tenant,
    /// Host and port of its portal.
    pub host: String,
    pub agents: Vec<Arc<Agent>>,
    pub people: Vec<Uuid>,
}

impl Site {
    /// Its first people.
    pub fn first(&self, count: usize) -> Vec<(&Self, Uuid)> {
        self.people.iter().take(count).map(|user| (self, *user)).collect()
    }
}

/// A browser before the password page.
pub struct Flow {
    /// Whose portal.
    pub host: String,
    pub cookie: String,
}

impl World {
    /// On an empty database of `cluster`; what an earlier one left is dropped.
    pub async fn new(cluster: &Cluster, work: &std::path::Path) -> Result<Self> {
        Self::with_scheme(cluster, work, "http").await
    }

    /// Reached by `https` or `http`.
    pub async fn with_scheme(cluster: &Cluster, work: &std::path::Path, scheme: &str) -> Result<Self> {
        cluster.psql("bench", "drop schema public cascade; create schema public")?;
        let database = cluster.url();
        let settings = sspr::base::config::Database { url: SecretString::from(database.clone()), connections: 8 };
        let pool = db::connect(&settings).await?;
        db::migrate(&pool).await?;
        let ring = KeyRing::parse(&SecretString::from(data_encoding::BASE64.encode(&MASTER)))?;
        let port = free_port()?;
        Ok(Self {
            db: pool,
            clock: Clock::system(),
            postmaster: cluster.postmaster(),
            ring,
            work: work.to_owned(),
            database,
            port,
            url: format!("{scheme}://localhost:{port}"),
        })
    }

    /// A tenant at `host` with so many agents and people, all of them ready.
    pub async fn site(&self, host: &str, agents: usize, people: usize) -> Result<Site> {
        let mut tx = self.db.begin().await?;
        sqlx::query("set local synchronous_commit = off").execute(&mut *tx).await?;
        let new = New { name: "Corp Example", host, language: Language::English, help: None };
        let tenant = tenants::create(&mut tx, &self.ring, &self.clock, new).await?;
        let (scope, clock) = (&tenant.scope, &self.clock);
        let connector = fleet::create_connector(&mut tx, scope, clock, "Head office").await?;
        // All of them are one address to it.
        let allowed = Allowed { address_limit: 1_000_000, ..tenant.allowed.clone() };
        tenants::update(&mut tx, scope, Change { self_service: Some(true), allowed: Some(allowed), ..Change::default() }).await?;
        fleet::switch(&mut tx, scope, clock, &Source::house("bench"), connector, (fleet::Feature::Writeback, true)).await?;
        let mut made = Vec::new();
        for _ in 0..agents {
            made.push(Arc::new(self.agent(&mut tx, &tenant, connector).await?));
        }
        let everybody: Vec<usize> = (0..people).collect();
        for some in everybody.chunks(500) {
            let upserts = some.iter().map(|number| person(*number)).collect();
            let batch = MirrorBatch { pass: id::random(), first: true, last: true, upserts, ..MirrorBatch::default() };
            users::mirror(&mut tx, scope, clock, connector, &batch).await?;
        }
        tx.commit().await?;
        let people = sqlx::query_scalar("select user_id from users where connector_id = $1 order by object_guid");
        let people = people.bind(connector).fetch_all(&self.db).await?;
        Ok(Site { tenant, host: format!("{host}:{}", self.port), agents: made, people })
    }

    async fn agent(&self, tx: &mut sqlx::PgConnection, tenant: &Tenant, connector: Uuid) -> Result<Agent> {
        let (scope, clock, house) = (&tenant.scope, &self.clock, Source::house("cli"));
        let identity = Identity::generate();
        let token = fleet::new_token(tx, scope, clock, &house, connector).await?;
        let new = fleet::Enrolment { token: &token, name: "bench", identity: identity.public(), version: "bench" };
        let id = fleet::enrol(tx, clock, new).await?.context("an agent was not enrolled")?.agent;
        let confirmed = fleet::confirm(tx, scope, clock, &house, id, &fingerprint(identity.public())).await?;
        ensure!(confirmed, "an agent was not confirmed");
        let known = fleet::agent(tx, id).await?.context("an agent vanished")?;
        let now = clock.seconds();
        let statement = Statement {
            agent: id,
            connector,
            suite: SUITE.to_owned(),
            key: b64(&KeyPair::generate().public),
            epoch: 1,
            not_before: now - 60,
            not_after: now + 12 * 3600,
        };
        ensure!(fleet::publish(tx, scope, clock, &known, &identity.sign(statement)).await?.is_none(), "a key was not published");
        let agent = Agent::new(id, identity, &self.url, clock);
        fleet::heartbeat(tx, scope, clock, &house, &known, &agent.health()).await?;
        Ok(agent)
    }

    /// A flow that has passed every gate for each of these people.
    pub async fn flows(&self, people: &[(&Site, Uuid)]) -> Result<Vec<Flow>> {
        let (mut ids, mut tenants, mut hashes, mut users, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut flows = Vec::with_capacity(people.len());
        for (site, user) in people {
            let cookie = id::token();
            ids.push(id::time_ordered(&self.clock));
            tenants.push(site.tenant.scope.id());
            hashes.push(id::sha256(cookie.as_bytes()));
            users.push(*user);
            names.push(site.tenant.scope.key().encrypt(b"flows.name", b"somebody"));
            flows.push(Flow { host: site.host.clone(), cookie });
        }
        // A ticket is only given while an agent was heard of lately; those that will do the jobs may not have begun yet.
        sqlx::query("update agents set last_seen_at = now() + interval '2 minutes' where last_seen_at < now()").execute(&self.db).await?;
        let options = serde_json::json!([{ "method": "email", "masked": "p•••@m•••.example" }]);
        let insert = sqlx::query(
            "insert into flows (flow_id, tenant_id, browser_hash, user_id, subjects, name, options, language, state, gates, passed, created_at, expires_at)
             select f, t, b, u, array[sha256(u::text::bytea), sha256(b)], n, $6, 'en', 'verified', 1, '{email}', $7, $7 + interval '30 minutes'
             from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::uuid[], $5::bytea[]) as x (f, t, b, u, n)",
        );
        insert.bind(ids).bind(tenants).bind(hashes).bind(users).bind(names).bind(options).bind(self.clock.now()).execute(&self.db).await?;
        Ok(flows)
    }

    /// All agents count as heard of for the next hour, for measures in which thousands would have to say so every ten seconds.
    pub async fn hear_of_all(&self) -> Result<()> {
        sqlx::query("update agents set last_seen_at = now() + interval '1 hour'").execute(&self.db).await?;
        Ok(())
    }

    /// How many jobs the database says were applied.
    pub async fn applied(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("select count(*) from jobs where state = 'applied'").fetch_one(&self.db).await?)
    }

    /// As after a night: no rows of yesterday's outbox, statistics up to date.
    pub async fn tidy(&self) -> Result<()> {
        for statement in ["delete from messages", "delete from flows"] {
            sqlx::query(statement).execute(&self.db).await?;
        }
        self.tidy_but_flows().await
    }

    /// Statistics only.
    pub async fn tidy_but_flows(&self) -> Result<()> {
        for statement in ["vacuum analyze", "checkpoint"] {
            sqlx::query(statement).execute(&self.db).await?;
        }
        Ok(())
    }

    /// Start `sspr serve` on the first node's port, or on another for another node.
    pub async fn serve(&self, port: u16, more: &[(&str, String)]) -> Result<Server> {
        let log = self.work.join(format!("server-{port}.log"));
        let settings = [
            ("SSPR_SERVER__PUBLIC_URL", self.url.clone()),
            ("SSPR_SERVER__LISTEN", format!("127.0.0.1:{port}")),
            ("SSPR_DATABASE__URL", self.database.clone()),
            ("SSPR_KEYS__MASTER", data_encoding::BASE64.encode(&MASTER)),
            ("SSPR_SERVER__MAX_CONNECTIONS", "25000".to_owned()),
            ("SSPR_LIMITS__WORK", "1".to_owned()),
        ];
        let child = Command::new(env!("CARGO_BIN_EXE_sspr"))
            .arg("serve")
            .current_dir(&self.work)
            .env_clear()
            .envs(settings)
            .envs(more.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("starting sspr serve")?;
        let server = Server { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(server.address).await.is_err() {
            ensure!(
                begun.elapsed() < Duration::from_secs(30),
                "sspr serve does not come up: {}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    pub fn ticks(&self, servers: &[&Server]) -> machine::Ticks {
        let pids: Vec<u32> = servers.iter().map(|server| server.child.id()).collect();
        machine::Ticks::now(&pids, self.postmaster)
    }
}

/// What the person of that number signs in as.
pub fn name(number: usize) -> String {
    format!("person{number:07}")
}

fn person(number: usize) -> Person {
    let name = name(number);
    let mut guid = [0; 16];
    guid.copy_from_slice(&sspr::wire::sha256(name.as_bytes())[..16]);
    Person {
        guid: Uuid::from_bytes(guid),
        principal_name: format!("{name}@corp.example"),
        display_name: format!("Person {number}"),
        mail: Some(format!("{name}@mail.example")),
        enabled: true,
        sign_in_name: name,
        ..Person::default()
    }
}

/// Free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A running `sspr serve`; dropped, it is gone.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub async fn conn(&self) -> Result<Conn> {
        Conn::open(self.address).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
