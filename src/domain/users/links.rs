//! People with accounts in several directories of a tenant: which account follows which.
//!
//! A link is never stored but for an administrator's own list: the function `followers_of` tells what holds at the moment when it is asked, and
//! it is asked at every step that could carry a password.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignInName => "sign_in_name",
            Self::PrincipalName => "principal_name",
            Self::Mail => "mail",
            Self::List => "list",
        }
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
pub async fn follow(conn: &mut PgConnection, scope: &Scope, primary: Uuid) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as!(
        Linked,
        r#"select u.user_id, u.connector_id, u.object_guid, c.name as connector, u.enabled and not u.protected and c.writeback as "served!"
           from followers_of($1, $2) f join users u on u.tenant_id = $1 and u.user_id = f
               join connectors c on c.tenant_id = u.tenant_id and c.connector_id = u.connector_id
           order by c.connector_id"#,
        scope.id(),
        primary,
    )
    .fetch_all(conn)
    .await?)
}

/// The account that this one follows, as of now.
pub async fn first(conn: &mut PgConnection, scope: &Scope, follower: Uuid) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(r#"select first_of($1, $2) as first"#, scope.id(), follower).fetch_one(conn).await?)
}

/// What is wrong with a line of an administrator's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// There is no such account in a directory that goes first, or several.
    NoPrimary,
    /// There is none in the linked directory, or several.
    NoLinked,
    /// One of the two stands in another line, too.
    Twice,
}

/// An administrator says which accounts of `connector` follow which others: pairs of sign-in names, there and here. The list before is
/// no more. Answers which lines cannot be; then the caller rolls back.
pub async fn list(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    connector: Uuid,
    pairs: &[(String, String)],
) -> Result<Vec<(usize, Unlisted)>> {
    let there: Vec<String> = pairs.iter().map(|(there, _)| there.to_lowercase()).collect();
    let here: Vec<String> = pairs.iter().map(|(_, here)| here.to_lowercase()).collect();
    sqlx::query!("delete from user_links where tenant_id = $1 and connector_id = $2", scope.id(), connector).execute(&mut *conn).await?;
    let rows = sqlx::query!(
        r#"select p.ids as "primaries!", l.ids as "linked!"
           from unnest($2::text[], $3::text[]) with ordinality as r (there, here, n)
           cross join lateral (select array(select user_id from users u join connectors c using (tenant_id, connector_id)
               where u.tenant_id = $1 and u.sign_in_name = r.there and u.removed_at is null and not c.linked limit 2) as ids) p
           cross join lateral (select array(select user_id from users u
               where u.tenant_id = $1 and u.connector_id = $4 and u.sign_in_name = r.here and u.removed_at is null limit 2) as ids) l
           order by r.n"#,
        scope.id(),
        &there,
        &here,
        connector,
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut primaries, mut linked, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (n, row) in rows.iter().enumerate() {
        match (row.primaries.as_slice(), row.linked.as_slice()) {
            ([first], [follows]) if primaries.contains(first) || linked.contains(follows) => wrong.push((n, Unlisted::Twice)),
            ([first], [follows]) => {
                primaries.push(*first);
                linked.push(*follows);
            }
            ([_], _) => wrong.push((n, Unlisted::NoLinked)),
            _ => wrong.push((n, Unlisted::NoPrimary)),
        }
    }
    if !wrong.is_empty() {
        return Ok(wrong);
    }
    sqlx::query!(
        "insert into user_links (tenant_id, linked_id, primary_id, connector_id, made_at)
         select $1, r.linked_id, r.primary_id, $4, $5 from unnest($2::uuid[], $3::uuid[]) as r (linked_id, primary_id)",
        scope.id(),
        &linked,
        &primaries,
        connector,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    let line = |(first, follows): (&Uuid, &Uuid)| {
        let detail = serde_json::json!({ "connector": connector, "linked": follows });
        (scope, source, Event { action: "connector.link", outcome: "listed", user: Some(*first), detail, ..Event::default() })
    };
    audit::record_all(conn, clock, primaries.iter().zip(&linked).map(line).collect()).await?;
    Ok(wrong)
}
