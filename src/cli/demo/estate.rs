//! Everything the demo runs, in the order in which it must begin and, backwards, end.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    checks::{Kept, Place},
    people,
};
use crate::{
    agent::{self, cloud::Failure, enrol, state},
    app::App,
    base::{
        clock::Clock,
        config::{self, Config},
        id,
        language::Language,
    },
    carriers::Carriers,
    domain::{
        audit::Source,
        fleet::{self, Readiness, Status},
        operators::{self, Draft, Role, Saved},
        tenants::{self, Allowed, Change, New, Tenant},
        users::{self, EmailAddress, Name},
    },
    lab::{
        inbox::Inbox,
        postgres::Postgres,
        samba::{Samba, SambaOptions},
        scratch::Scratch,
    },
    server,
    wire::keys::fingerprint,
    worker,
};

/// By this name browsers reach it: only on `localhost` do they seal without TLS.
const HOST: &str = "localhost";
/// The mirror's first pass takes a moment.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Estate {
    pub portal_url: String,
    /// With a one-time link, until somebody has followed it.
    pub console_url: String,
    pub inbox: Inbox,
    pub dc: Samba,
    /// Server and agent: neither ends by itself.
    pub running: JoinSet<Result<()>>,
    tasks: TaskTracker,
    app: Arc<App>,
    stop: CancellationToken,
    _postgres: Postgres,
    _scratch: Scratch,
    _keep: Option<Kept>,
}

impl Estate {
    pub async fn start(place: Place) -> Result<Self> {
        let Place { portal, inbox, scratch, keep } = place;
        let portal_url = format!("http://{HOST}:{}", portal.local_addr()?.port());
        let kept = keep.as_ref().map(|kept| kept.dir.clone());
        let place = kept.clone();
        let postgres = spawn_blocking(move || place.map_or_else(Postgres::start, |dir| Postgres::start_in(&dir.join("pg"), true)));
        let dc = spawn_blocking(move || {
            let options = SambaOptions { users_csv: Some(people::csv()), ..SambaOptions::default() };
            kept.map_or_else(|| Samba::start(&options), |dir| Samba::start_in(&dir.join("dc"), true, &options))
        });
        let postgres = postgres.await??;

        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let config = cloud_settings(&portal_url, &postgres, &inbox, &master_key(scratch.path())?)?;
        let carriers = Carriers::new(&config.mail, &config.sms)?;
        let app = App::start(&config, clock.clone(), stop.clone()).await?;
        let tasks = TaskTracker::new();
        worker::start(&app, &carriers, &tasks);
        let mut running = JoinSet::new();
        running.spawn(server::serve(app.clone(), portal));

        let dc = dc.await??;
        let settings = agent_settings(&portal_url, scratch.path(), &dc)?;
        let tenant = tenant(&app).await?;
        enrolled(&app, &tenant, &settings).await?;
        let console_url = format!("{portal_url}/console{}", owner(&app, &tenant).await?);
        running.spawn(Box::pin(agent_runs(settings, clock, stop.clone())));

        let mut estate =
            Self { portal_url, console_url, inbox, dc, running, tasks, app, stop, _postgres: postgres, _scratch: scratch, _keep: keep };
        estate.until_ready(&tenant).await?;
        Ok(estate)
    }

    /// In order: open requests and jobs in hand come to their end.
    pub async fn end(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
        self.tasks.close();
        self.tasks.wait().await;
        self.app.db.close().await;
    }

    /// Until the agent has told who the people are, and a reset could work.
    async fn until_ready(&mut self, tenant: &Tenant) -> Result<()> {
        let anybody = self.dc.users.first().and_then(|user| Name::parse(&user.sign_in_name)).context("a domain without people")?;
        let ready = async |app: &App| -> Result<()> {
            loop {
                let mut conn = app.db.acquire().await?;
                let similar = users::similar(&tenant.scope, &anybody);
                if let Some((user, _)) = users::candidates(&mut conn, &tenant.scope, &anybody, &similar).await?.found
                    && fleet::readiness(&mut conn, &tenant.scope, &app.clock, Some(user.connector_id)).await? == Readiness::Ready
                {
                    return Ok(());
                }
                drop(conn);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let app = self.app.clone();
        tokio::select! {
            ready = tokio::time::timeout(PATIENCE, ready(&app)) => ready.context("the agent told nothing of the directory")?,
            ended = ended(&mut self.running) => ended,
        }
    }
}

/// One that was revoked leaves the demo running: somebody tries another agent in its place.
async fn agent_runs(settings: config::Agent, clock: Clock, stop: CancellationToken) -> Result<()> {
    // A token of its own: an agent that ends cancels it.
    match agent::run(settings, clock, stop.child_token()).await {
        Err(error) if matches!(error.downcast_ref(), Some(Failure::Revoked)) => {
            eprintln!(
                "\nThe demo's agent was revoked and has ended; the demo goes on without it. Nobody is served until another agent is confirmed: \
                 docs/agent-protocol.md, appendix C, enrols one of yours, and the next start with --keep one of the demo's own."
            );
            stop.cancelled().await;
            Ok(())
        }
        ended => ended,
    }
}

/// When the server or the agent ends, which neither does by itself.
pub async fn ended(running: &mut JoinSet<Result<()>>) -> Result<()> {
    match running.join_next().await {
        Some(ended) => ended?.and_then(|()| bail!("the server or the agent ended")),
        None => bail!("nothing runs"),
    }
}

/// The tenant at [`HOST`], made on first use, with everything on that an administrator would have to switch on.
async fn tenant(app: &App) -> Result<Tenant> {
    let mut tx = app.begin().await?;
    if let Some(tenant) = tenants::by_host(&mut tx, &app.ring, HOST).await? {
        return Ok(tenant);
    }
    let new = New { name: "Example Corp", host: HOST, language: Language::English, help: Some("helpdesk@corp.example, extension 4357") };
    let tenant = tenants::create(&mut tx, &app.ring, &app.clock, new).await?;
    // All who try it are one address to it.
    let allowed = Allowed { address_limit: 10_000, ..tenant.allowed.clone() };
    tenants::update(&mut tx, &tenant.scope, Change { self_service: Some(true), allowed: Some(allowed), ..Change::default() }).await?;
    let connector = fleet::create_connector(&mut tx, &tenant.scope, &app.clock, "corp.example").await?;
    fleet::switch(&mut tx, &tenant.scope, &app.clock, &Source::house("demo"), connector, (fleet::Feature::Writeback, true)).await?;
    tx.commit().await?;
    tenants::by_host(&mut *app.db.acquire().await?, &app.ring, HOST).await?.context("the new tenant is gone")
}

/// The console's first owner. Answers what follows `/console` for whoever wants in: a link, until they can sign in.
async fn owner(app: &App, tenant: &Tenant) -> Result<String> {
    let (scope, source) = (&tenant.scope, Source::house("demo"));
    let mail = EmailAddress::parse("owner@corp.example").context("an address")?;
    let mut tx = app.begin().await?;
    let operator = match operators::by_mail(&mut tx, scope, &mail).await? {
        Some(operator) if operator.is_ready => return Ok(String::new()),
        Some(operator) => operator.operator_id,
        None => {
            let draft = Draft { name: "Demo Owner".to_owned(), mail, role: Role::Owner, groups: Vec::new() };
            let Saved::Yes(operator) = operators::create(&mut tx, scope, &app.clock, &source, &draft).await? else {
                bail!("the owner's address is taken");
            };
            operator
        }
    };
    let token = operators::new_link(&mut tx, scope, &app.clock, &source, operator).await?;
    tx.commit().await?;
    Ok(token.map_or_else(String::new, |token| format!("/welcome#{token}")))
}

/// Enrol the agent with a one-time token over HTTP, and confirm it as an administrator would, by its fingerprint.
async fn enrolled(app: &App, tenant: &Tenant, settings: &config::Agent) -> Result<()> {
    let source = Source::house("demo");
    put_away_if_revoked(app, &settings.state_dir).await?;
    if settings.state_dir.join("agent.json").exists() {
        // From an earlier run, which may have used another port.
        let me = state::State::load(&settings.state_dir)?.me;
        state::save(&settings.state_dir, &state::Me { cloud_url: settings.cloud_url.clone(), ..me })?;
    } else {
        let mut tx = app.begin().await?;
        let connector =
            fleet::connectors(&mut tx, &tenant.scope, &app.clock).await?.first().context("a tenant without a connector")?.connector_id;
        let token = fleet::new_token(&mut tx, &tenant.scope, &app.clock, &source, connector).await?;
        tx.commit().await?;
        enrol::enrol(settings, &token.into(), "demo".to_owned(), app.clock.clone()).await?;
    }
    let state::State { me, identity, .. } = state::State::load(&settings.state_dir)?;
    let mut tx = app.begin().await?;
    let agent = fleet::agent(&mut tx, me.agent).await?.context("the kept directory and the kept database are not of one demo")?;
    if agent.status == Status::Pending {
        let confirmed =
            fleet::confirm(&mut tx, &tenant.scope, &app.clock, &source, me.agent, &fingerprint(identity.current().public())).await?;
        ensure!(confirmed, "the agent's fingerprint does not fit");
    }
    tx.commit().await?;
    Ok(())
}

/// An agent that was revoked is for ever: another one begins with a directory of its own.
async fn put_away_if_revoked(app: &App, dir: &Path) -> Result<()> {
    if !dir.join("agent.json").exists() {
        return Ok(());
    }
    let me = state::State::load(dir)?.me.agent;
    let known = fleet::agent(&mut *app.db.acquire().await?, me).await?;
    if known.is_some_and(|agent| agent.status == Status::Revoked) {
        let aside = dir.with_file_name(format!("agent-revoked-{me}"));
        fs::rename(dir, &aside).with_context(|| format!("renaming {}", dir.display()))?;
    }
    Ok(())
}

fn cloud_settings(portal_url: &str, postgres: &Postgres, inbox: &Inbox, master: &str) -> Result<Config> {
    settings(&[
        ("SERVER__PUBLIC_URL", portal_url),
        ("DATABASE__URL", &postgres.url("postgres")),
        ("KEYS__MASTER", master),
        ("MAIL__URL", &inbox.smtp_url()),
        ("MAIL__FROM", "Example Corp <reset@corp.example>"),
        ("SMS__URL", &inbox.sms_url()),
        ("SMS__ACCOUNT", inbox.sms_account()),
        ("SMS__TOKEN", inbox.sms_token()),
        ("SMS__FROM", "+12025550199"),
    ])
}

fn agent_settings(cloud_url: &str, dir: &Path, dc: &Samba) -> Result<config::Agent> {
    let settings = settings(&[
        ("AGENT__CLOUD_URL", cloud_url),
        ("AGENT__STATE_DIR", &dir.join("agent").display().to_string()),
        ("AGENT__DIRECTORY__URL", &dc.ldaps_url),
        ("AGENT__DIRECTORY__SERVER_NAME", &dc.server_name),
        ("AGENT__DIRECTORY__CA_FILE", &dc.ca_file.display().to_string()),
        ("AGENT__DIRECTORY__BIND_DN", &dc.bind_dn),
        ("AGENT__DIRECTORY__BIND_PASSWORD_FILE", &dc.bind_password_file.display().to_string()),
        ("AGENT__DIRECTORY__BASE_DN", &dc.base_dn),
        ("AGENT__DIRECTORY__USERS_DN", &dc.users_dn),
        ("AGENT__DIRECTORY__REQUIRE_POLICY_HINTS", "true"),
    ])?;
    // So that policies by group and privileged people can be tried.
    Ok(config::Agent { mirror_groups: vec![format!("OU=Groups,{}", dc.base_dn)], ..settings.agent })
}

/// As if these stood in the environment; what does stand there is another server's.
fn settings(pairs: &[(&str, &str)]) -> Result<Config> {
    Config::from(None, pairs.iter().map(|(key, value)| (format!("SSPR_{key}"), (*value).to_owned())))
}

/// The key ring's master key, made on first use.
fn master_key(dir: &Path) -> Result<String> {
    let path = dir.join("master.key");
    if path.exists() {
        return fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()));
    }
    let key = data_encoding::BASE64.encode(&id::random_bytes::<32>());
    let mut file =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).with_context(|| format!("writing {}", path.display()))?;
    file.write_all(key.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    Ok(key)
}
