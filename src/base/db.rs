//! Postgres: the pool and the migrations.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::config;

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// `postgres://…`; the log never shows it.
pub fn options(url: &SecretString) -> Result<PgConnectOptions> {
    // The driver's own message may quote the URL, password and all.
    url.expose_secret().parse::<PgConnectOptions>().ok().context("database.url is not a postgres:// URL")
}

pub async fn connect(settings: &config::Database) -> Result<PgPool> {
    connect_doubting(settings, &Doubt::default()).await
}

/// The same, for somebody who notices when connections break.
pub async fn connect_doubting(settings: &config::Database, doubt: &Doubt) -> Result<PgPool> {
    pool(settings.connections, doubt)
        .connect_with(options(&settings.url)?.application_name("sspr"))
        .await
        .context("connecting to Postgres (database.url)")
}

/// How Postgres plans what a connection asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plans {
    /// Once for all values and by index, for what is found by its key: planning such a statement takes longer than it does. A plan from when a
    /// table was small reads by an index, if not by the best one; it goes with the table's next `analyze`.
    Kept,
    /// As Postgres sees fit, mostly anew for each set of values: for searches, lists and counts, whose best way depends on what is asked.
    Fresh,
}

impl Plans {
    /// As SQL; `local`: until the transaction ends, else from now on.
    pub fn set(self, local: bool) -> String {
        let set = if local { "set local" } else { "set" };
        let (mode, scans) = match self {
            Self::Kept => ("force_generic_plan", "off"),
            Self::Fresh => ("auto", "on"),
        };
        format!("{set} plan_cache_mode = {mode}; {set} enable_seqscan = {scans}")
    }
}

/// When a connection was last seen to break: Postgres may have restarted, and others be as dead.
#[derive(Clone, Default)]
pub struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    pub fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection that rested for so long may be one of them.
    fn concerns(&self, rested: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|raised| rested >= raised.elapsed())
    }
}

/// A connection that rested for so long is asked in any case: a firewall or a pooler may have ended it.
const RESTED: Duration = Duration::from_secs(1);

/// A connection that is in doubt or rested is asked whether it still lives; others need not be, which saves a round trip of few.
fn pool(connections: u32, doubt: &Doubt) -> PgPoolOptions {
    let doubt = doubt.clone();
    PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5)).test_before_acquire(false).before_acquire(
        move |conn, meta| {
            let ask = meta.idle_for > RESTED || doubt.concerns(meta.idle_for);
            Box::pin(async move {
                if ask {
                    conn.ping().await?;
                }
                Ok(true)
            })
        },
    )
}

/// The same as a role that the one who signs in is in: from the first moment, and again after `reset role`. A pooler in between that drops
/// what a connection asks for at its start would make everything work, and nothing be held: such a connection is refused.
pub async fn connect_as(role: &'static str, settings: &config::Database, doubt: &Doubt) -> Result<PgPool> {
    pool(settings.connections, doubt)
        .after_connect(move |conn, _| {
            Box::pin(async move {
                let who: String = sqlx::query_scalar("select current_user::text").fetch_one(conn).await?;
                if who == role {
                    return Ok(());
                }
                let why =
                    format!("Postgres takes us for {who} instead of {role}: a pooler must pass on the option `role` (docs/operations.md)");
                Err(sqlx::Error::Configuration(why.into()))
            })
        })
        // Where there is no index, [`Plans::Kept`] makes a plan look so dear that Postgres would compile it first.
        .connect_with(options(&settings.url)?.application_name("sspr doors").options([("role", role), ("jit", "off")]))
        .await
        .with_context(|| format!("connecting to Postgres (database.url) as {role}"))
}

/// Where nobody can interrupt: a visitor who left in the midst of it would leave a transaction behind of which the pool does not know, and
/// whoever got the connection next would write what is never committed.
pub async fn begin(pool: &PgPool, statement: String) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begins = tokio::spawn(async move { pool.begin_with(AssertSqlSafe(statement)).await });
    begins.await.context("beginning a transaction")?.context("beginning a transaction")
}

/// Connections at most of the pool below: a flush of each of four kinds, and what is put back.
const HOT: u32 = 6;

/// A pool of its own for the few statements of the hot paths. They are written to be walked by index, row by row, and their tables
/// are new every day: a plan made while a table was small must not stay, nor be made again and again.
pub async fn connect_hot(settings: &config::Database, doubt: &Doubt) -> Result<PgPool> {
    let plans = [
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_seqscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
    ];
    pool(HOT, doubt)
        .connect_with(options(&settings.url)?.application_name("sspr hot").options(plans))
        .await
        .context("connecting to Postgres (database.url)")
}

/// The database's clock: all nodes have the same.
pub async fn clock(db: &PgPool) -> Result<time::OffsetDateTime> {
    sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await.context("asking the database's clock")
}

/// Whether a schema of ours is there at all.
pub async fn has_schema(conn: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select to_regclass('public.connectors') is not null as "there!""#).fetch_one(conn).await?)
}

/// Bring the schema up to this binary's. Safe to call from several nodes at once: an advisory lock serialises them.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    // A schema takes as long as it takes, and is no news as a slow statement.
    let options = pool.connect_options().as_ref().clone().disable_statement_logging();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.context("connecting to Postgres (database.url)")?;
    MIGRATIONS.run(&pool).await.context("applying migrations")
}
