//! People with accounts in several directories of a tenant: which account follows which.
//!
//! A link is looked at anew each time it is needed, on what the mirror holds then, and stored so that it can be explained. What is
//! ambiguous on either side never links: a password must not reach an account that may be somebody else's.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{base::clock::Clock, domain::tenants::Scope};

/// What an account and the one that it follows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkBy {
    SignInName,
    PrincipalName,
    Mail,
    /// Nothing: an administrator says which.
    List,
}

impl LinkBy {
    pub const ALL: [Self; 4] = [Self::SignInName, Self::PrincipalName, Self::Mail, Self::List];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignInName => "sign_in_name",
            Self::PrincipalName => "principal_name",
            Self::Mail => "mail",
            Self::List => "list",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// An account that follows another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub user_id: Uuid,
    pub connector_id: Uuid,
    pub object_guid: Uuid,
    /// Of its directory, for people.
    pub connector: String,
    /// Neither disabled nor protected, and writeback is on there.
    pub served: bool,
}

/// The accounts that follow this one, as of now. None follow an account that could follow itself.
pub async fn follow(conn: &mut PgConnection, scope: &Scope, clock: &Clock, primary: Uuid) -> Result<Vec<Linked>> {
    let any = sqlx::query_scalar!(r#"select exists (select 1 from connectors where tenant_id = $1 and linked) as "any!""#, scope.id())
        .fetch_one(&mut *conn)
        .await?;
    if !any {
        return Ok(Vec::new());
    }
    // Each way by an index of its own.
    let candidates = sqlx::query!(
        r#"with me as (
               select u.* from users u join connectors c using (tenant_id, connector_id)
               where u.tenant_id = $1 and u.user_id = $2 and u.removed_at is null and not c.linked
           ), alike as (
               select 'sign_in_name' as by, u.user_id, u.connector_id from me join users u
                   on u.tenant_id = $1 and u.sign_in_name = me.sign_in_name and u.removed_at is null where me.sign_in_name <> ''
               union all
               select 'principal_name', u.user_id, u.connector_id from me join users u
                   on u.tenant_id = $1 and u.principal_name = me.principal_name and u.removed_at is null where me.principal_name <> ''
               union all
               select 'mail', u.user_id, u.connector_id from me join users u
                   on u.tenant_id = $1 and u.mail_index = me.mail_index and u.removed_at is null
           )
           select a.user_id as "user_id!", a.connector_id as "connector_id!", a.by as "by!", c.linked, c.link_by is not distinct from a.by as "rule!"
           from alike a join connectors c on c.tenant_id = $1 and c.connector_id = a.connector_id where a.user_id <> $2"#,
        scope.id(),
        primary,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Somebody else of a primary directory has the same in common with it: then it is nobody's.
    let rivals: Vec<&str> = candidates.iter().filter(|row| !row.linked).map(|row| row.by.as_str()).collect();
    let mut found: BTreeMap<Uuid, Vec<(Uuid, &str)>> = BTreeMap::new();
    for row in candidates.iter().filter(|row| row.linked && row.rule && !rivals.contains(&row.by.as_str())) {
        found.entry(row.connector_id).or_default().push((row.user_id, &row.by));
    }
    found.retain(|_, alike| alike.len() == 1);
    let (mut users, mut connectors, mut by) = (Vec::new(), Vec::new(), Vec::new());
    for (connector, alike) in found {
        connectors.push(connector);
        users.push(alike[0].0);
        by.push(alike[0].1);
    }
    store(conn, scope, clock, primary, &users, &connectors, &by).await?;
    followers(conn, scope, primary).await
}

/// What an administrator has listed stands; what was found before and holds no more goes.
async fn store(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    primary: Uuid,
    users: &[Uuid],
    connectors: &[Uuid],
    by: &[&str],
) -> Result<()> {
    sqlx::query!(
        "delete from user_links where tenant_id = $1 and primary_id = $2 and found_by <> 'list' and linked_id <> all($3)",
        scope.id(),
        primary,
        users,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into user_links as l (tenant_id, linked_id, primary_id, connector_id, found_by, made_at)
         select $1, r.linked_id, $2, r.connector_id, r.found_by, $6
         from unnest($3::uuid[], $4::uuid[], $5::text[]) as r (linked_id, connector_id, found_by)
         where not exists (select 1 from user_links o where o.tenant_id = $1 and o.primary_id = $2 and o.connector_id = r.connector_id)
         on conflict (tenant_id, linked_id) do update set primary_id = excluded.primary_id, found_by = excluded.found_by, made_at = excluded.made_at
             where l.found_by <> 'list'",
        scope.id(),
        primary,
        users,
        connectors,
        by as &[&str],
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The links of this account as they were last found.
pub async fn followers(conn: &mut PgConnection, scope: &Scope, primary: Uuid) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as!(
        Linked,
        r#"select u.user_id, u.connector_id, u.object_guid, c.name as connector, u.enabled and not u.protected and c.writeback as "served!"
           from user_links l join users u on u.tenant_id = l.tenant_id and u.user_id = l.linked_id
               join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
           where l.tenant_id = $1 and l.primary_id = $2 and u.removed_at is null and c.linked
           order by c.connector_id"#,
        scope.id(),
        primary,
    )
    .fetch_all(conn)
    .await?)
}

/// What came of a line of an administrator's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    Linked,
    /// There is no such account in a primary directory, or several.
    NoPrimary,
    /// There is none in the linked directory, or several.
    NoLinked,
}

/// An administrator says which account of `connector` follows which other, both by sign-in name.
pub async fn list(conn: &mut PgConnection, scope: &Scope, clock: &Clock, connector: Uuid, primary: &str, linked: &str) -> Result<Listed> {
    let rows = sqlx::query!(
        "select u.user_id, c.linked, u.connector_id from users u join connectors c using (tenant_id, connector_id)
         where u.tenant_id = $1 and u.removed_at is null
             and ((not c.linked and u.sign_in_name = $2) or (u.connector_id = $4 and u.sign_in_name = $3))",
        scope.id(),
        primary.to_lowercase(),
        linked.to_lowercase(),
        connector,
    )
    .fetch_all(&mut *conn)
    .await?;
    let one = |wanted: bool| {
        let mut of = rows.iter().filter(|row| (row.connector_id == connector) == wanted);
        of.next().filter(|_| of.next().is_none()).map(|row| row.user_id)
    };
    let Some(primary) = one(false) else { return Ok(Listed::NoPrimary) };
    let Some(linked) = one(true) else { return Ok(Listed::NoLinked) };
    sqlx::query!(
        "delete from user_links where tenant_id = $1 and connector_id = $2 and (primary_id = $3 or linked_id = $4)",
        scope.id(),
        connector,
        primary,
        linked,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into user_links (tenant_id, linked_id, primary_id, connector_id, found_by, made_at) values ($1, $2, $3, $4, 'list', $5)",
        scope.id(),
        linked,
        primary,
        connector,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(Listed::Linked)
}
