//! The cloud under test: the real server on a real port with its own database, a clock that tests move, and a real inbox.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use sspr::{
    app::App,
    base::{clock::Clock, config::Config, id, language::Language},
    carriers::Carriers,
    domain::{
        audit::Source,
        fleet,
        policies::{self, Draft, Method, Policy},
        sessions,
        tenants::{self, Change, New, Tenant},
    },
    lab::{inbox::Inbox, work},
    server, worker,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{HandAgent, agent::somebody, database};

pub struct Cloud {
    pub app: Arc<App>,
    pub inbox: Inbox,
    pub tenant: Tenant,
    pub connector: Uuid,
    pub clock: Clock,
    pub url: String,
    settings: Vec<(String, String)>,
    config: Config,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Cloud {
    /// A tenant with one connector; self-service and writeback are on, and nobody is in it yet.
    pub async fn start() -> Self {
        Self::start_on(&database::fresh().await).await
    }

    /// With these settings besides.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let (database, listener) = (database::fresh().await, TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let cloud = Self::prepare_with(&database, &url, settings).await;
        cloud.serves(listener);
        cloud
    }

    /// With an agent whose directory has these people.
    pub async fn with_people(names: &[&str]) -> (Self, HandAgent) {
        let cloud = Self::start().await;
        let mut agent = cloud.agent().await;
        agent.mirror(names.iter().map(|name| somebody(name)).collect()).await;
        (cloud, agent)
    }

    /// On a database of the caller's.
    pub async fn start_on(database: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let cloud = Self::prepare(database, &url).await;
        cloud.serves(listener);
        cloud
    }

    /// One that is known by another address than the one it listens at, which is given too.
    pub async fn start_as(url: &str) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let cloud = Self::prepare(&database::fresh().await, url).await;
        cloud.serves(listener);
        (cloud, address)
    }

    fn serves(&self, listener: TcpListener) {
        worker::start(&self.app, &Carriers::new(&self.config.mail, &self.config.sms).unwrap(), &self.tasks);
        self.tasks.spawn(server::serve(self.app.clone(), listener));
    }

    /// Served by `sspr serve` in a process of its own, whose log goes to `log`.
    pub async fn start_apart(database: &str, log: &Path) -> (Self, Server) {
        // Free a moment ago; nobody else on this machine picks ports like this meanwhile.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let cloud = Self::prepare(database, &format!("http://localhost:{port}")).await;
        let server = Server::start(&cloud, port, log).await;
        (cloud, server)
    }

    async fn prepare(database: &str, url: &str) -> Self {
        Self::prepare_with(database, url, &[]).await
    }

    async fn prepare_with(database: &str, url: &str, more: &[(&str, &str)]) -> Self {
        let inbox = Inbox::start(0, 0).await.unwrap();
        let url = url.to_owned();
        let mut settings = Self::settings(database, &url, &inbox);
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let config = Config::from(None, settings.clone()).unwrap();
        let (stop, clock, tasks) = (CancellationToken::new(), Clock::system(), TaskTracker::new());
        let app = App::start(&config, clock.clone(), stop.clone()).await.unwrap();
        let mut tx = app.begin().await.unwrap();
        let new = New { name: "Corp Example", host: "localhost", language: Language::English, help: Some("the help desk, room 101") };
        let tenant = tenants::create(&mut tx, &app.ring, &clock, new).await.unwrap();
        let connector = fleet::create_connector(&mut tx, &tenant.scope, &clock, "Head office").await.unwrap();
        tenants::update(&mut tx, &tenant.scope, Change { self_service: Some(true), ..Change::default() }).await.unwrap();
        fleet::switch(&mut tx, &tenant.scope, &clock, &Source::house("cli"), connector, (fleet::Feature::Writeback, true)).await.unwrap();
        tx.commit().await.unwrap();
        Self { app, inbox, tenant, connector, clock, url, settings, config, stop, tasks }
    }

    fn settings(database: &str, url: &str, inbox: &Inbox) -> Vec<(String, String)> {
        let settings = [
            ("SSPR_SERVER__PUBLIC_URL", url.to_owned()),
            ("SSPR_DATABASE__URL", database.to_owned()),
            ("SSPR_DATABASE__CONNECTIONS", "20".to_owned()),
            ("SSPR_KEYS__MASTER", data_encoding::BASE64.encode(&[7; 32])),
            ("SSPR_MAIL__URL", inbox.smtp_url()),
            ("SSPR_MAIL__FROM", "Password reset <reset@cloud.example>".to_owned()),
            ("SSPR_SMS__URL", inbox.sms_url()),
            ("SSPR_SMS__ACCOUNT", inbox.sms_account().to_owned()),
            ("SSPR_SMS__TOKEN", inbox.sms_token().to_owned()),
            ("SSPR_SMS__FROM", "+15550100".to_owned()),
            ("SSPR_LIMITS__WORK", "1".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// A second node on the same database, with the public address of the first: proofs are bound to it.
    pub async fn another_node(&self) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let stop = CancellationToken::new();
        let app = App::start(&self.config, self.clock.clone(), stop.clone()).await.unwrap();
        tokio::spawn(server::serve(app, listener));
        Node { url, _stop: stop.drop_guard() }
    }

    /// A one-time enrolment token.
    pub async fn enrolment_token(&self) -> String {
        self.token_of(self.connector).await
    }

    /// The same for another directory's agent.
    pub async fn token_of(&self, connector: Uuid) -> String {
        let mut tx = self.app.begin().await.unwrap();
        let token = fleet::new_token(&mut tx, &self.tenant.scope, &self.clock, &Source::house("cli"), connector).await.unwrap();
        tx.commit().await.unwrap();
        token
    }

    pub async fn confirm(&self, agent: Uuid, fingerprint: &str) -> bool {
        let mut tx = self.app.begin().await.unwrap();
        let done = fleet::confirm(&mut tx, &self.tenant.scope, &self.clock, &Source::house("cli"), agent, fingerprint).await.unwrap();
        tx.commit().await.unwrap();
        done
    }

    /// Another directory of the tenant, whose accounts follow those of the first one that have the same mail address.
    pub async fn linked_connector(&self, name: &str) -> Uuid {
        let mut tx = self.app.begin().await.unwrap();
        let (scope, source) = (&self.tenant.scope, Source::house("cli"));
        let connector = fleet::create_connector(&mut tx, scope, &self.clock, name).await.unwrap();
        fleet::switch(&mut tx, scope, &self.clock, &source, connector, (fleet::Feature::Writeback, true)).await.unwrap();
        assert!(fleet::link(&mut tx, scope, &self.clock, &source, connector, Some("mail")).await.unwrap());
        tx.commit().await.unwrap();
        connector
    }

    /// As [`Self::agent`], for that directory.
    pub async fn agent_of(&self, connector: Uuid) -> HandAgent {
        let token = self.token_of(connector).await;
        let mut agent = HandAgent::enrol_by(self, &token).await;
        assert!(self.confirm(agent.id, &agent.fingerprint).await);
        agent.publish_key().await;
        agent.beat(true).await;
        agent
    }

    /// An enrolled, confirmed agent with a sealing key and a heartbeat, driven by hand.
    pub async fn agent(&self) -> HandAgent {
        self.agent_of(self.connector).await
    }

    /// The cookie of a session of this person, who has just proven who they are.
    pub async fn session_of(&self, sign_in_name: &str) -> String {
        self.session_by(sign_in_name, sessions::By::Password, Method::Email).await
    }

    /// The same for somebody who proved themselves by this.
    pub async fn session_by(&self, sign_in_name: &str, by: sessions::By, proven: Method) -> String {
        let user = sqlx::query_scalar("select user_id from users where tenant_id = $1 and sign_in_name = $2");
        let user: Uuid = user.bind(self.tenant.scope.id()).bind(sign_in_name).fetch_one(&self.app.db).await.unwrap();
        let (mut tx, by) = (self.app.begin().await.unwrap(), (by, &[proven][..], "firefox linux"));
        let begun = sessions::begin(&mut tx, &self.tenant.scope, &self.clock, &Source::house("user"), user, by, None).await.unwrap();
        tx.commit().await.unwrap();
        begun
    }

    /// As many proofs as that of everybody, mail and text message set apart.
    pub async fn gates(&self, gates: i16) {
        self.policy(|terms| Draft { gates, apart: true, ..terms }).await;
    }

    /// Change the policy for everybody.
    pub async fn policy(&self, change: impl FnOnce(Draft) -> Draft) {
        let mut tx = self.app.begin().await.unwrap();
        let (scope, source) = (&self.tenant.scope, Source::house("cli"));
        let rules = policies::rules(&mut tx, scope).await.unwrap();
        let Policy { policy_id, terms } = rules.policies.into_iter().find(|one| one.terms.everybody).unwrap();
        let change = policies::Change::Save(Some(policy_id), change(terms));
        policies::change(&mut tx, scope, &self.clock, &source, (&change, None)).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }

    /// Until this node has heard of all that was changed in the database so far: it hears of commits in their order.
    pub async fn hears(&self) {
        let mark = id::random();
        let subscription = self.app.wake.subscribe(mark);
        let heard = subscription.next();
        let told = sqlx::query("select pg_notify('sspr_wake', $1)").bind(format!("{},{mark}", Uuid::nil()));
        told.execute(&self.app.db).await.unwrap();
        heard.await;
    }

    /// What `sspr` prints, run as an administrator of the cloud runs it.
    pub fn administers(&self, args: &[&str]) -> String {
        self.tries(args).unwrap_or_else(|said| panic!("{args:?}: {said}"))
    }

    /// The same, or what it complains of.
    pub fn tries(&self, args: &[&str]) -> Result<String, String> {
        let done = Command::new(env!("CARGO_BIN_EXE_sspr")).args(args).envs(self.settings.iter().cloned()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
    }

    /// One value out of the database, for what no door shows.
    pub async fn sql<T>(&self, query: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(query).fetch_one(&self.app.db).await.unwrap()
    }

    /// Wait for a count to come true; what makes it true is the worker, which tells nobody.
    pub async fn until(&self, query: &'static str, wanted: i64) {
        let begun = Instant::now();
        loop {
            let found = self.sql::<i64>(query).await;
            if found == wanted {
                return;
            }
            if begun.elapsed().as_secs() >= 20 {
                let jobs = self.jobs().await;
                panic!("{query}: {found} instead of {wanted}; {jobs}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every job without its envelope, and how its agents are: what a wait that came to nothing is understood by.
    async fn jobs(&self) -> String {
        let jobs = "select coalesce(jsonb_agg(to_jsonb(j) - 'envelopes' - 'submission' - 'hashes'), '[]')::text from jobs j";
        let agents = "select coalesce(jsonb_agg(jsonb_build_object('seen', last_seen_at, 'health', health)), '[]')::text from agents";
        format!(
            "jobs {}; agents {}; now {}",
            self.sql::<String>(jobs).await,
            self.sql::<String>(agents).await,
            self.sql::<String>("select now()::text").await
        )
    }

    /// A proof of work, done.
    pub async fn worked(&self) -> String {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let challenge = client.get(format!("{}/work", self.url)).send().await.unwrap().text().await.unwrap();
        work::solve(&challenge).unwrap()
    }

    /// Every row of every table, as text.
    pub async fn dump(&self) -> String {
        let tables: Vec<String> =
            sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'").fetch_all(&self.app.db).await.unwrap();
        let mut dump = String::new();
        for table in tables {
            let query = format!("select coalesce(string_agg(t::text, chr(10)), '') from {table} t");
            dump += &sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(query)).fetch_one(&self.app.db).await.unwrap();
        }
        dump
    }

    /// The code of the newest challenge, by trying all: with the tenant's key, which an attacker does not have.
    pub async fn newest_code(&self) -> String {
        let newest = sqlx::query_as("select flow_id, code_hash from challenges order by created_at desc limit 1");
        let row: (Uuid, Vec<u8>) = newest.fetch_one(&self.app.db).await.unwrap();
        let key = self.tenant.scope.key();
        (0..1_000_000)
            .map(|n| format!("{n:06}"))
            .find(|code| key.hash(b"challenge code", format!("{} email {code}", row.0).as_bytes()) == row.1)
            .unwrap()
    }

    /// Stop as on SIGTERM, and wait for the end.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Another node of a [`Cloud`].
pub struct Node {
    pub url: String,
    _stop: tokio_util::sync::DropGuard,
}

/// `sspr serve`, killed when dropped.
pub struct Server {
    child: Child,
}

impl Server {
    /// Ready to serve when this returns.
    pub async fn start(cloud: &Cloud, port: u16, log: &Path) -> Self {
        let server = Self::spawn(&cloud.settings, port, log);
        until_ready(&reqwest::Client::new(), &cloud.url).await;
        server
    }

    /// With a certificate of its own; its address.
    pub async fn start_with_tls(database: &str, tls: &[(&str, PathBuf)], client: &reqwest::Client, log: &Path) -> (String, Self) {
        let inbox = Inbox::start(0, 0).await.unwrap();
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = format!("https://localhost:{port}");
        let mut settings = Cloud::settings(database, &url, &inbox);
        settings.extend(tls.iter().map(|(name, file)| ((*name).to_owned(), file.display().to_string())));
        let server = Self::spawn(&settings, port, log);
        until_ready(client, &url).await;
        (url, server)
    }

    fn spawn(settings: &[(String, String)], port: u16, log: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_sspr"))
            .arg("serve")
            .envs(settings.iter().cloned())
            .env("SSPR_SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("SSPR_LOG__FILTER", "debug")
            .stderr(File::options().create(true).append(true).open(log).unwrap())
            .spawn()
            .unwrap();
        Self { child }
    }

    /// It was told to stop, and does so in good order.
    pub fn ended(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn until_ready(client: &reqwest::Client, url: &str) {
    let begun = Instant::now();
    while client.get(format!("{url}/health/ready")).send().await.is_err() {
        assert!(begun.elapsed().as_secs() < 20, "sspr serve does not come up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
