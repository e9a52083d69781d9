//! Operators: who runs the service at a tenant — owners, administrators, the help desk, auditors. They are not users: they have passwords
//! of their own here and always a second factor, and they come by one-time links that somebody above them, or the command line, has made.
//!
//! Nobody acts on themselves, and nobody on somebody who stands as high; only owners act on one another, since nobody else could.

mod factors;
mod identity;
mod hands;
mod link;
mod password;
mod session;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    tenants::Scope,
    users::EmailAddress,
};
use crate::base::{clock::Clock, id};
pub use factors::{
    Added, By, Factor, Tried, add_app, add_passkey, begin_app, begin_passkey, check_app, check_passkey, factors, has_factor, pending_app,
    remove_factor,
};
pub use hands::are_close;
pub use identity::{Identity, by_identity, came_by_sso, end_by_way, link_identity, unlink_all, unlink_identity};
pub use link::{LINK_LIFETIME, new_link, open_link};
pub use password::{Asked, Password, Unfit, ask, choose_password, hold, keep_password, kept_password};
pub use session::{LIFETIME, Session, Stage, begin, clean, end, end_all, end_but, load, proven, renew, sessions};

/// What somebody may do: see `console::guard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Reads the trail and the reports, changes nothing.
    Auditor,
    /// Serves people.
    HelpDesk,
    /// That, and decides how people are served and by which agents.
    Administrator,
    /// That, and who is an administrator.
    Owner,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Administrator, Self::HelpDesk, Self::Auditor];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::HelpDesk => "help_desk",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether whoever has this role may make, change and disable operators of that one.
    pub const fn governs(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Administrator => matches!(other, Self::HelpDesk | Self::Auditor),
            Self::HelpDesk | Self::Auditor => false,
        }
    }
}

/// An operator, disabled or not.
#[derive(Debug, Clone)]
pub struct Operator {
    pub operator_id: Uuid,
    pub name: String,
    pub mail: EmailAddress,
    pub role: Role,
    /// Connector and object of the groups whose members a help-desk operator serves; empty: everybody.
    pub groups: Vec<(Uuid, Uuid)>,
    pub version: i32,
    pub created_at: OffsetDateTime,
    pub disabled_at: Option<OffsetDateTime>,
    /// They have followed their link or come by single sign-on, and can sign in.
    pub is_ready: bool,
    /// Since then the provider's word is enough for who they are.
    pub linked_at: Option<OffsetDateTime>,
}

impl Operator {
    /// As it stands in the audit.
    pub fn actor(&self) -> String {
        format!("operator:{}", self.operator_id)
    }

    /// Whether this one may act on that one.
    pub fn governs(&self, other: &Self) -> bool {
        self.operator_id != other.operator_id && self.role.governs(other.role)
    }
}

struct Row {
    operator_id: Uuid,
    name: String,
    mail: Vec<u8>,
    role: String,
    version: i32,
    created_at: OffsetDateTime,
    disabled_at: Option<OffsetDateTime>,
    is_ready: bool,
    linked_at: Option<OffsetDateTime>,
    connectors: Vec<Uuid>,
    groups: Vec<Uuid>,
}

fn place(operator: Uuid) -> Vec<u8> {
    [b"operators.mail ".as_slice(), operator.as_bytes()].concat()
}

fn mail_index(scope: &Scope, mail: &str) -> Vec<u8> {
    scope.key().hash(b"operators.mail", mail.to_lowercase().as_bytes())
}

impl Row {
    fn open(self, scope: &Scope) -> Result<Operator> {
        let mail = scope.key().decrypt_text(&place(self.operator_id), &self.mail)?;
        Ok(Operator {
            operator_id: self.operator_id,
            name: self.name,
            mail: EmailAddress::parse(&mail).context("an operator's address")?,
            role: Role::parse(&self.role).with_context(|| format!("unknown role {}", self.role))?,
            groups: self.connectors.into_iter().zip(self.groups).collect(),
            version: self.version,
            created_at: self.created_at,
            disabled_at: self.disabled_at,
            is_ready: self.is_ready || self.linked_at.is_some(),
            linked_at: self.linked_at,
        })
    }
}

/// All of a tenant, by name.
pub async fn all(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Operator>> {
    find(conn, scope, None).await
}

/// That one.
pub async fn get(conn: &mut PgConnection, scope: &Scope, operator: Uuid) -> Result<Option<Operator>> {
    Ok(find(conn, scope, Some(operator)).await?.pop())
}

async fn find(conn: &mut PgConnection, scope: &Scope, operator: Option<Uuid>) -> Result<Vec<Operator>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select operator_id, name, mail, role, version, created_at, disabled_at,
               password_hash is not null and exists (select from operator_factors f where f.tenant_id = o.tenant_id and f.operator_id = o.operator_id
                   and f.stopped_at is null) as "is_ready!",
               (select i.linked_at from operator_identities i where i.tenant_id = o.tenant_id and i.operator_id = o.operator_id) as linked_at,
               array(select g.connector_id from operator_groups g where g.tenant_id = o.tenant_id and g.operator_id = o.operator_id
                   order by g.connector_id, g.group_guid) as "connectors!",
               array(select g.group_guid from operator_groups g where g.tenant_id = o.tenant_id and g.operator_id = o.operator_id
                   order by g.connector_id, g.group_guid) as "groups!"
           from operators o where tenant_id = $1 and ($2::uuid is null or operator_id = $2) order by lower(name), operator_id"#,
        scope.id(),
        operator,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.open(scope)).collect()
}

/// They are as they are until the end of the transaction.
pub async fn lock(conn: &mut PgConnection, scope: &Scope, operators: &[Uuid]) -> Result<()> {
    // In one order, so that two who act on one another do not wait in circles.
    sqlx::query!(
        "select operator_id from operators where tenant_id = $1 and operator_id = any($2) order by operator_id for update",
        scope.id(),
        operators,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Both under lock, each if they are there: whoever acts and whom they act on.
pub async fn locked(conn: &mut PgConnection, scope: &Scope, actor: Uuid, other: Uuid) -> Result<(Option<Operator>, Option<Operator>)> {
    lock(&mut *conn, scope, &[actor, other]).await?;
    Ok((get(&mut *conn, scope, actor).await?, get(conn, scope, other).await?))
}

/// By the address that they sign in with.
pub async fn by_mail(conn: &mut PgConnection, scope: &Scope, mail: &EmailAddress) -> Result<Option<Operator>> {
    let found = sqlx::query_scalar!(
        "select operator_id from operators where tenant_id = $1 and mail_index = $2",
        scope.id(),
        mail_index(scope, mail.as_str()),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(operator) = found else { return Ok(None) };
    get(conn, scope, operator).await
}

/// What an operator is: for a new one, or to change one.
#[derive(Debug, Clone)]
pub struct Draft {
    pub name: String,
    pub mail: EmailAddress,
    pub role: Role,
    /// Counts for the help desk only.
    pub groups: Vec<(Uuid, Uuid)>,
}

impl Draft {
    /// A name that can be shown: 1 to 100 characters, none of them a control character or one that turns text around.
    pub fn is_name(text: &str) -> bool {
        (1..=100).contains(&text.trim().chars().count()) && !text.chars().any(|c| c.is_control() || super::users::turns_text(c))
    }
}

/// What came of writing it down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    Yes(Uuid),
    /// Another operator signs in with this address.
    Taken,
    /// Somebody else has changed it meanwhile, or it is gone.
    Stale,
}

/// A new operator, who cannot sign in before they have followed a link: [`new_link`].
pub async fn create(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, draft: &Draft) -> Result<Saved> {
    let operator = id::time_ordered(clock);
    let done = sqlx::query!(
        "insert into operators (operator_id, tenant_id, name, mail, mail_index, role, created_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, mail_index) do nothing",
        operator,
        scope.id(),
        draft.name.trim(),
        scope.key().encrypt(&place(operator), draft.mail.as_str().as_bytes()),
        mail_index(scope, draft.mail.as_str()),
        draft.role.as_str(),
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Saved::Taken);
    }
    write_groups(&mut *conn, scope, operator, draft).await?;
    hands::leave(&mut *conn, scope, clock, source, operator).await?;
    let detail = serde_json::json!({ "operator": operator, "role": draft.role.as_str(), "groups": draft.groups.len() });
    audit::record(conn, scope, clock, source, Event { action: "operator.create", outcome: "created", detail, ..Event::default() }).await?;
    Ok(Saved::Yes(operator))
}

async fn write_groups(conn: &mut PgConnection, scope: &Scope, operator: Uuid, draft: &Draft) -> Result<()> {
    let groups = if draft.role == Role::HelpDesk { draft.groups.as_slice() } else { &[] };
    sqlx::query!("delete from operator_groups where tenant_id = $1 and operator_id = $2", scope.id(), operator).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into operator_groups (operator_id, tenant_id, connector_id, group_guid)
         select $2, $1, connector_id, group_guid from unnest($3::uuid[], $4::uuid[]) as g (connector_id, group_guid)
         where exists (select from connectors c where c.tenant_id = $1 and c.connector_id = g.connector_id) on conflict do nothing",
        scope.id(),
        operator,
        &groups.iter().map(|(connector, _)| *connector).collect::<Vec<_>>(),
        &groups.iter().map(|(_, group)| *group).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Change what an operator is, if it is still of this version. Whose role or address changes signs in anew.
pub async fn change(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    before: &Operator,
    draft: &Draft,
) -> Result<Saved> {
    let operator = before.operator_id;
    let index = mail_index(scope, draft.mail.as_str());
    let taken = sqlx::query_scalar!(
        r#"select exists (select from operators where tenant_id = $1 and mail_index = $2 and operator_id <> $3) as "taken!""#,
        scope.id(),
        &index,
        operator,
    )
    .fetch_one(&mut *conn)
    .await?;
    if taken {
        return Ok(Saved::Taken);
    }
    let done = sqlx::query!(
        "update operators set name = $4, mail = $5, mail_index = $6, role = $7, version = version + 1
         where tenant_id = $1 and operator_id = $2 and version = $3",
        scope.id(),
        operator,
        before.version,
        draft.name.trim(),
        scope.key().encrypt(&place(operator), draft.mail.as_str().as_bytes()),
        index,
        draft.role.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Saved::Stale);
    }
    write_groups(&mut *conn, scope, operator, draft).await?;
    let detail = serde_json::json!({
        "operator": operator,
        "before": { "role": before.role.as_str(), "groups": before.groups.len() },
        "after": { "role": draft.role.as_str(), "groups": draft.groups.len() },
        "renamed": before.name != draft.name.trim(),
        "readdressed": before.mail != draft.mail,
    });
    audit::record(&mut *conn, scope, clock, source, Event { action: "operator.change", outcome: "changed", detail, ..Event::default() })
        .await?;
    if before.role != draft.role || before.mail != draft.mail {
        end_all(&mut *conn, scope, clock, source, operator).await?;
        // Whoever made a link may not be allowed to make one for what they are now.
        link::forget(&mut *conn, scope, operator).await?;
    }
    if before.mail != draft.mail {
        hands::leave(&mut *conn, scope, clock, source, operator).await?;
        // Another address may be another person: who it is at the provider is found out anew.
        unlink_identity(conn, scope, clock, source, operator).await?;
    }
    Ok(Saved::Yes(operator))
}

/// From now on they are refused, or may sign in again. False: it was so already, or there is no such operator.
pub async fn switch(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, operator: Uuid, on: bool) -> Result<bool> {
    let done = sqlx::query!(
        "update operators set disabled_at = case when $4 then null else $3::timestamptz end, version = version + 1
         where tenant_id = $1 and operator_id = $2 and (disabled_at is null) <> $4",
        scope.id(),
        operator,
        clock.now(),
        on,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    if on {
        hands::leave(&mut *conn, scope, clock, source, operator).await?;
    }
    let (detail, outcome) = (serde_json::json!({ "operator": operator }), if on { "enabled" } else { "disabled" });
    audit::record(&mut *conn, scope, clock, source, Event { action: "operator.switch", outcome, detail, ..Event::default() }).await?;
    if !on {
        end_all(&mut *conn, scope, clock, source, operator).await?;
        link::forget(conn, scope, operator).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn nobody_governs_whoever_stands_as_high_but_owners() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            for other in Role::ALL {
                let wanted = role == Role::Owner || role == Role::Administrator && other < Role::Administrator;
                assert_eq!(role.governs(other), wanted, "{role:?} {other:?}");
            }
        }
    }
}
