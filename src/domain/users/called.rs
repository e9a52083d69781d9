//! How people are called: for whoever reads of them in a list.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::tenants::Scope;

pub struct Called {
    pub display_name: String,
    pub sign_in_name: String,
}

/// These people, also those who are gone from the directory.
pub async fn called(conn: &mut PgConnection, scope: &Scope, users: &[Uuid]) -> Result<HashMap<Uuid, Called>> {
    let rows = sqlx::query!(
        "select user_id, display_name, sign_in_name from users where tenant_id = $1 and user_id = any($2)",
        scope.id(),
        users,
    );
    let called = |display_name, sign_in_name| Called { display_name, sign_in_name };
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.user_id, called(row.display_name, row.sign_in_name))).collect())
}
