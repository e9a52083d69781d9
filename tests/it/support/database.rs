//! One Postgres for the whole run, one migrated database for each test: a copy of a template.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use sqlx::{Connection, Executor, PgConnection, PgPool};
use sspr::{base::db, lab::postgres::Postgres};
use tokio::sync::OnceCell;

static SERVER: OnceLock<Postgres> = OnceLock::new();
static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

fn server() -> &'static Postgres {
    SERVER.get_or_init(|| Postgres::start().expect("a private Postgres"))
}

/// The URL of a fresh, migrated database.
pub async fn fresh() -> String {
    let server = server();
    TEMPLATE
        .get_or_init(|| async {
            let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
            admin.execute("create database template_sspr").await.unwrap();
            let pool = PgPool::connect(&server.url("template_sspr")).await.unwrap();
            db::migrate(&pool).await.unwrap();
            pool.close().await;
        })
        .await;
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
    let create = format!("create database {name} template template_sspr strategy file_copy");
    admin.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    server.url(&name)
}
