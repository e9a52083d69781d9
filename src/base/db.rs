//! Postgres: the pool and the migrations.

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::config;

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// `postgres://…`; the log never shows it.
pub fn options(url: &SecretString) -> Result<PgConnectOptions> {
    // The driver's own message may quote the URL, password and all.
    url.expose_secret().parse::<PgConnectOptions>().ok().context("database.url is not a postgres:// URL")
}

pub async fn connect(settings: &config::Database) -> Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect_with(options(&settings.url)?.application_name("sspr"))
        .await
        .context("connecting to Postgres (database.url)")
}

/// Connections at most of the pool below: two flushes of each of four kinds.
const HOT: u32 = 8;

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
    PgPoolOptions::new()
        .max_connections(HOT)
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect_with(options(&settings.url)?.application_name("sspr hot").options(plans))
        .await
        .context("connecting to Postgres (database.url)")
}

/// Bring the schema up to this binary's. Safe to call from several nodes at once: an advisory lock serialises them.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    MIGRATIONS.run(pool).await.context("applying migrations")
}
