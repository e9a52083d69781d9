//! Postgres: the pool and the migrations.

use std::time::Duration;

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection,
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
    pool(settings.connections)
        .connect_with(options(&settings.url)?.application_name("sspr"))
        .await
        .context("connecting to Postgres (database.url)")
}

/// A connection that rested is asked whether it still lives; one that was in use within the last few milliseconds need not be, which
/// saves a round trip where there are many. Postgres cannot have restarted in so little time.
fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5)).test_before_acquire(false).before_acquire(
        |conn, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_millis(5) {
                    conn.ping().await?;
                }
                Ok(true)
            })
        },
    )
}

/// Connections at most of the pool below: a flush of each of four kinds, and what is put back.
const HOT: u32 = 6;

/// A pool of its own for the few statements of the hot paths. They are written to be walked by index, row by row, and their tables
/// are new every day: a plan made while a table was small must not stay, nor be made again and again.
pub async fn connect_hot(settings: &config::Database) -> Result<PgPool> {
    let plans = [
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_seqscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
    ];
    pool(HOT)
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
    MIGRATIONS.run(pool).await.context("applying migrations")
}
