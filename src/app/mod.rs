//! What handlers and the worker share.

mod batch;
mod hot;
mod known;
mod polls;
mod wake;
mod wall;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use hot::{Asked, Hot, Reported, Sealed};
pub use known::Known;
pub use polls::Polls;
pub use wake::{Subscription, Wake};
pub use wall::Wall;

use crate::{
    base::{
        clock::Clock,
        config::{self, Config},
        db::{self, Plans},
        secret::KeyRing,
        slow_hash::SlowHash,
    },
    domain::{
        fleet::{self, SigningKey},
        resets,
        tenants::{self, Scope, Tenant},
    },
    provider::{Providers, Reach},
};

/// One per process; handlers and house jobs hold it in an `Arc`.
pub struct App {
    /// Over all tenants: for agents, the queue and the worker.
    pub db: PgPool,
    /// For the doors of people and operators.
    pub wall: Wall,
    pub clock: Clock,
    /// Unwraps the tenants' data keys.
    pub ring: KeyRing,
    pub public_url: PublicUrl,
    pub wake: Wake,
    /// Submits, leases, results and proofs, written many at a time.
    pub hot: Hot,
    /// Agents that wait for jobs here.
    pub polls: Arc<Polls>,
    /// What need not be asked or verified with every request.
    pub known: Arc<Known>,
    /// Recovery codes are compared by it.
    pub slow_hash: SlowHash,
    /// Told when a message was put into the outbox.
    pub outbox: tokio::sync::watch::Sender<()>,
    /// The key that signs access tokens, once it was needed.
    signing: tokio::sync::Mutex<Option<Arc<SigningKey>>>,
    /// Where operators sign in, as far as it is known.
    pub providers: Providers,
    /// As configured: trusted proxies, TLS, limits of connections.
    pub server: config::Server,
    pub limits: config::Limits,
    /// Set when the process is to end: wakes long polls and streams.
    pub stop: CancellationToken,
}

impl App {
    /// Connect, and bring the schema up to date.
    pub async fn start(config: &Config, clock: Clock, stop: CancellationToken) -> Result<Arc<Self>> {
        let public_url = PublicUrl::parse(&config.server.public_url)?;
        let ring = KeyRing::parse(&config.keys.master)?;
        let providers = Providers::new(reach(&public_url, &config.sso))?;
        let doubt = db::Doubt::default();
        let db = db::connect_doubting(&config.database, &doubt).await?;
        db::migrate(&db).await?;
        // All nodes go by the database's clock: one that is wrong would give leases that last for minutes, and forget them as long.
        let clock = clock.following(db::clock(&db).await?);
        tokio::spawn(follow(clock.clone(), db.clone(), stop.clone()));
        let mut tx = db.begin().await?;
        let doubted = resets::restore_doubt(&mut tx, &clock, &ring).await?;
        if doubted > 0 {
            tracing::warn!(doubted, "the database comes from a crash or a backup: the jobs that were open in it count as touched");
        }
        tx.commit().await?;
        let known = Arc::<Known>::default();
        let wake = Wake::start(&db, &known, &doubt, stop.clone()).await?;
        let polls = Arc::<Polls>::default();
        let wall = Wall::connect(&config.database, &doubt).await?;
        let hot = Hot::start(&db::connect_hot(&config.database, &doubt).await?, &clock, &wake, &polls);
        tokio::spawn(polls.clone().watch(db.clone(), clock.clone(), wake.clone(), stop.clone()));
        Ok(Arc::new(Self {
            db,
            wall,
            hot,
            polls,
            known,
            clock,
            ring,
            public_url,
            wake,
            slow_hash: SlowHash::new(SLOW_HASHES),
            outbox: tokio::sync::watch::Sender::new(()),
            signing: tokio::sync::Mutex::default(),
            providers,
            server: config.server.clone(),
            limits: config.limits.clone(),
            stop,
        }))
    }

    /// The key that signs access tokens: the current one, or the older one of that id while two live.
    pub async fn signing_key(&self, kid: Option<&str>) -> Result<Option<Arc<SigningKey>>> {
        let kept = self.signing.lock().await.clone();
        if let Some(key) = kept.filter(|key| kid.is_none_or(|kid| kid == key.kid)) {
            return Ok(Some(key));
        }
        // Outside the lock: whoever asks with a made-up id makes nobody wait.
        let mut tx = self.begin().await?;
        let key = match kid {
            Some(kid) => fleet::signing_key(&mut tx, &self.ring, kid).await?,
            None => Some(fleet::current_signing_key(&mut tx, &self.ring, &self.clock).await?),
        };
        tx.commit().await?;
        let key = key.map(Arc::new);
        if key.is_some() {
            self.signing.lock().await.clone_from(&key);
        }
        Ok(key)
    }

    /// As it was at most a moment ago.
    pub async fn tenant(&self, tenant: Uuid) -> Result<Arc<Tenant>> {
        if let Some(known) = self.known.tenant(tenant) {
            return Ok(known);
        }
        let mut conn = self.db.acquire().await?;
        let loaded = Arc::new(tenants::by_id(&mut conn, &self.ring, tenant).await?);
        self.known.learn_tenant(&loaded);
        Ok(loaded)
    }

    /// After the commit that put a job into a connector's queue without handing it to an agent.
    pub fn has_job(&self, connector: Uuid) {
        self.polls.is_ready(connector);
        self.wake.tell(connector);
    }

    /// After the commit that left a sealed job in a connector's queue, and after the one that says that an agent of it does not reach the
    /// directory: whichever comes second sees both, so no job waits there for nobody.
    pub async fn strand(&self, scope: &Scope, connector: Uuid) -> Result<()> {
        strand(&mut *self.db.acquire().await?, &self.clock, &self.wake, &[(scope, connector)]).await
    }

    /// After the commit that put a message into the outbox.
    pub fn wake_outbox(&self) {
        self.outbox.send_replace(());
    }

    /// Over all tenants. Handlers own the transaction; nothing outgoing happens under it.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        db::begin(&self.db, "begin".to_owned()).await
    }

    /// The same for what is done again and again, each time with a few rows.
    pub async fn begin_kept(&self) -> Result<Transaction<'static, Postgres>> {
        db::begin(&self.db, format!("begin; {}", Plans::Kept.set(true))).await
    }
}

async fn strand(conn: &mut PgConnection, clock: &Clock, wake: &Wake, queues: &[(&Scope, Uuid)]) -> Result<()> {
    if queues.is_empty() {
        return Ok(());
    }
    // Nearly always everybody sees.
    let blind = fleet::partly_blind(&mut *conn, clock, &queues.iter().map(|(_, connector)| *connector).collect::<Vec<_>>()).await?;
    if blind.is_empty() {
        return Ok(());
    }
    let queues: Vec<_> = queues.iter().copied().filter(|(_, connector)| blind.contains(connector)).collect();
    let mut tx = conn.begin().await?;
    let ended = resets::strand(&mut tx, clock, &queues).await?;
    tx.commit().await?;
    for job in ended {
        tracing::warn!(job.id = %job, "no agent that could take a job reaches its directory");
        wake.tell(job);
    }
    Ok(())
}

/// How far we go to where a tenant says that its operators sign in. Without TLS nobody but this machine is served, and it may have a provider, too.
pub const fn reach(public_url: &PublicUrl, sso: &config::Sso) -> Reach {
    match (public_url.is_secure(), sso.private_networks) {
        (false, _) => Reach::Anything,
        (true, true) => Reach::Private,
        (true, false) => Reach::Public,
    }
}

/// So many slow hashes at once: 19 MiB each.
const SLOW_HASHES: usize = 8;
/// Between two looks at the database's clock.
const FOLLOW: Duration = Duration::from_secs(5);
/// An answer that took longer tells too little about when it was.
const PROMPT: Duration = Duration::from_millis(200);

async fn follow(clock: Clock, db: PgPool, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOW) => {}
        }
        let asked = Instant::now();
        match db::clock(&db).await {
            Ok(shown) if asked.elapsed() < PROMPT => {
                if let Some(off) = clock.follow(shown + asked.elapsed() / 2) {
                    tracing::warn!(clock.off_seconds = off.as_seconds_f64(), "our clock was not the database's; it is set");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(error = format!("{error:#}"), "the database's clock could not be asked"),
        }
    }
}

/// The origin that agents reach us by: their proofs, assertions and tokens are bound to it. Its scheme is every portal's: the
/// cookies' prefix and the origin check follow it. Which tenant's portal is meant, the request's host says
/// ([`crate::domain::tenants::by_host`]), and nothing else of a request's host is believed.
#[derive(Debug, Clone)]
pub struct PublicUrl {
    text: String,
    secure: bool,
    /// Of [`Self::text`]: `host` or `[address]`.
    host: String,
    /// Only where it is not the scheme's own, as browsers say origins.
    port: Option<u16>,
}

impl PublicUrl {
    /// `https://host[:port]`, or `http://` on a loopback host; nothing behind the port.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_end_matches('/');
        let (secure, authority) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(authority), _) => (true, authority),
            (None, Some(authority)) => (false, authority),
            (None, None) => bail!("server.public_url must be set, for example https://reset.example.org"),
        };
        let Some((host, port)) = host_and_port(authority) else {
            bail!("server.public_url = {text:?} must be scheme, host and port, and nothing else");
        };
        if !secure && !["localhost", "127.0.0.1", "[::1]"].contains(&host) {
            bail!("server.public_url = {text:?} must be https: browsers seal passwords only in a secure context");
        }
        let port = port.filter(|port| *port != if secure { 443 } else { 80 });
        Ok(Self { text: text.to_owned(), secure, host: host.to_owned(), port })
    }

    /// `scheme://host[:port]`, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without scheme and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same with another host name: a tenant's portal, as browsers say its origin.
    pub fn at(&self, host: &str) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", self.scheme())
    }

    /// Whether it is https.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    pub const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// The two parts of `host[:port]`; `None` if it is anything else, so that nobody reads one host in it where another one is meant.
pub fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // An address of IPv6 has colons of its own, in its brackets.
    let behind = authority.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match authority[behind..].find(':') {
        Some(colon) => (&authority[..behind + colon], Some(&authority[behind + colon + 1..])),
        None => (authority, None),
    };
    let named = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = address.map_or_else(|| !host.is_empty() && named(host), |address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let port = match port {
        // `parse` alone would take a plus sign.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    fits.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_origin() {
        for good in ["https://reset.example.org", "https://reset.example.org:8443/", "http://localhost:8080"] {
            assert!(PublicUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "reset.example.org",
            "http://reset.example.org",
            "https://a@b.example",
            "https://b.example/path",
            "https://",
            "https://b.example:x",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_portal_has_the_scheme_and_the_port_of_the_public_url() {
        let at = |url: &str| PublicUrl::parse(url).unwrap().at("pw.corp.example");
        assert_eq!(at("https://reset.example.org"), "https://pw.corp.example");
        assert_eq!(at("https://reset.example.org:443"), "https://pw.corp.example", "as a browser says it");
        assert_eq!(at("https://reset.example.org:8443/"), "https://pw.corp.example:8443");
        assert_eq!(at("http://[::1]"), "http://pw.corp.example");
        assert_eq!(PublicUrl::parse("http://[::1]:8080").unwrap().host(), "[::1]");
    }

    #[test]
    fn a_host_is_one_host_and_one_port() {
        assert_eq!(host_and_port("pw.corp.example"), Some(("pw.corp.example", None)));
        assert_eq!(host_and_port("[::1]:8080"), Some(("[::1]", Some(8080))));
        for bad in [
            "",
            ":80",
            "localhost:",
            "localhost:abc",
            "localhost:+80",
            "localhost:65536",
            "localhost:8190.evil.example",
            "a@localhost",
            "localhost:8190@evil",
            "localhost:8190, evil.example",
            "localhost:80:80",
            "localhost/",
            "[localhost]",
            "[::1",
            "::1",
            "[::1]x:80",
        ] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }
}
