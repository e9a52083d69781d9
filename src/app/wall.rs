//! The second wall around a tenant. The first is that every statement names its tenant; should one forget to, Postgres lets it see and write
//! this tenant's rows and nobody else's: what the doors of people and operators do is done as a role that row-level security holds to the
//! tenant that is set (migrations/…_wall.sql).
//!
//! Its connections are that role from their first moment, in a pool of their own: none changes sides, and what was committed, rolled back,
//! dropped or cancelled leaves nothing behind but a connection that nobody gets without naming their tenant anew.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Executor, PgPool, Postgres, Transaction, pool::PoolConnection};

use crate::{
    base::{
        config,
        db::{self, Doubt, Plans},
    },
    domain::tenants::Scope,
};

pub struct Wall(PgPool);

impl Wall {
    pub async fn connect(settings: &config::Database, doubt: &Doubt) -> Result<Self> {
        db::connect_as("sspr_tenant", settings, doubt).await.map(Self)
    }

    /// A transaction within the wall of this tenant, in one round trip. Nothing outgoing happens under it.
    pub async fn begin(&self, scope: &Scope, plans: Plans) -> Result<Transaction<'static, Postgres>> {
        db::begin(&self.0, format!("begin; set local sspr.tenant = '{}'; {}", scope.id(), plans.set(true))).await
    }

    /// For what is read, and for single statements that are committed by themselves.
    pub async fn acquire(&self, scope: &Scope, plans: Plans) -> Result<PoolConnection<Postgres>> {
        let mut conn = self.0.acquire().await.context("acquiring a connection")?;
        // An id has nothing that could end the text.
        let named = AssertSqlSafe(format!("set sspr.tenant = '{}'; {}", scope.id(), plans.set(false)));
        conn.execute(named).await.context("naming the tenant")?;
        Ok(conn)
    }
}
