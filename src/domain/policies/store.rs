//! Policies as rows.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Draft, Group, Method, Policy, Refused, Terms};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// In the order in which they are asked.
pub async fn all(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Policy>> {
    let rows = sqlx::query_as!(
        Row,
        "select policy_id, name, priority, everybody, serves, methods, gates, apart, rises, cooling_off from policies where tenant_id = $1 order by priority",
        scope.id(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let named = sqlx::query!(
        r#"select p.policy_id, p.connector_id, p.group_guid, p.excepted, g.name as "name?" from policy_groups p
           left join groups g on g.connector_id = p.connector_id and g.object_guid = p.group_guid
           where p.tenant_id = $1 order by g.name, p.group_guid"#,
        scope.id(),
    )
    .fetch_all(conn)
    .await?;
    let groups = |policy: Uuid, excepted: bool| {
        let of = named.iter().filter(|row| row.policy_id == policy && row.excepted == excepted);
        of.map(|row| Group { connector_id: row.connector_id, object_guid: row.group_guid, name: row.name.clone() }).collect()
    };
    let policy = |row: Row| Policy {
        policy_id: row.policy_id,
        terms: Draft {
            groups: groups(row.policy_id, false),
            exceptions: groups(row.policy_id, true),
            methods: row.methods.iter().filter_map(|method| Method::parse(method)).collect(),
            name: row.name,
            priority: row.priority,
            everybody: row.everybody,
            serves: row.serves,
            gates: row.gates,
            apart: row.apart,
            rises: row.rises,
            cooling_off: row.cooling_off,
        },
    };
    Ok(rows.into_iter().map(policy).collect())
}

struct Row {
    policy_id: Uuid,
    name: String,
    priority: i32,
    everybody: bool,
    serves: bool,
    methods: Vec<String>,
    gates: i16,
    apart: bool,
    rises: bool,
    cooling_off: i32,
}

/// A new policy, or another shape of `policy`; the audit trail has what it was before. Refused: nothing was changed, and the caller rolls back.
pub async fn save(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    policy: Option<Uuid>,
    draft: &Draft,
) -> Result<Result<Uuid, Refused>> {
    if let Err(refused) = draft.check() {
        return Ok(Err(refused));
    }
    // One administrator at a time: two who save at once would each pass what the other makes wrong.
    sqlx::query!("select from tenants where tenant_id = $1 for update", scope.id()).execute(&mut *conn).await?;
    let before = all(&mut *conn, scope).await?;
    let (others, own): (Vec<_>, Vec<_>) = before.into_iter().partition(|one| Some(one.policy_id) != policy);
    if policy.is_some() && own.is_empty() {
        return Ok(Err(Refused::Gone));
    }
    if others.iter().any(|other| other.terms.priority == draft.priority) {
        return Ok(Err(Refused::PriorityTaken));
    }
    if others.iter().any(|other| other.terms.name == draft.name) {
        return Ok(Err(Refused::NameTaken));
    }
    let policy_id = policy.unwrap_or_else(|| id::time_ordered(clock));
    sqlx::query!(
        "insert into policies (policy_id, tenant_id, name, priority, everybody, serves, methods, gates, apart, rises, cooling_off, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (policy_id) do update set name = excluded.name, priority = excluded.priority, everybody = excluded.everybody,
             serves = excluded.serves, methods = excluded.methods, gates = excluded.gates, apart = excluded.apart,
             rises = excluded.rises, cooling_off = excluded.cooling_off, changed_at = excluded.changed_at",
        policy_id,
        scope.id(),
        draft.name,
        draft.priority,
        draft.everybody,
        draft.serves,
        &draft.methods.iter().map(|method| method.as_str().to_owned()).collect::<Vec<_>>(),
        draft.gates,
        draft.apart,
        draft.rises,
        draft.cooling_off,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    let named: Vec<_> = draft.groups.iter().map(|group| (group, false)).chain(draft.exceptions.iter().map(|group| (group, true))).collect();
    sqlx::query!("delete from policy_groups where tenant_id = $1 and policy_id = $2", scope.id(), policy_id).execute(&mut *conn).await?;
    // An exception beats the group that is named as both.
    sqlx::query!(
        "insert into policy_groups (tenant_id, policy_id, connector_id, group_guid, excepted)
         select $1, $2, connector_id, group_guid, bool_or(excepted)
         from unnest($3::uuid[], $4::uuid[], $5::boolean[]) as r (connector_id, group_guid, excepted) group by connector_id, group_guid",
        scope.id(),
        policy_id,
        &named.iter().map(|(group, _)| group.connector_id).collect::<Vec<_>>(),
        &named.iter().map(|(group, _)| group.object_guid).collect::<Vec<_>>(),
        &named.iter().map(|(_, excepted)| *excepted).collect::<Vec<_>>(),
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "policy": policy_id, "before": own.first().map(|own| shape(&own.terms)), "after": shape(draft) });
    audit::record(conn, scope, clock, source, Event { action: "policy.save", outcome: "saved", detail, ..Event::default() }).await?;
    Ok(Ok(policy_id))
}

/// False where there is none of that id.
pub async fn remove(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, policy: Uuid) -> Result<bool> {
    let Some(before) = all(&mut *conn, scope).await?.into_iter().find(|one| one.policy_id == policy) else { return Ok(false) };
    sqlx::query!("delete from policies where tenant_id = $1 and policy_id = $2", scope.id(), policy).execute(&mut *conn).await?;
    let detail = serde_json::json!({ "policy": policy, "before": shape(&before.terms) });
    audit::record(conn, scope, clock, source, Event { action: "policy.remove", outcome: "removed", detail, ..Event::default() }).await?;
    Ok(true)
}

/// For the audit trail: names of groups are the directory's and may say too much of people, their ids do not.
fn shape(draft: &Draft) -> serde_json::Value {
    let ids = |groups: &[Group]| groups.iter().map(|group| group.object_guid).collect::<Vec<_>>();
    serde_json::json!({
        "name": draft.name, "priority": draft.priority, "everybody": draft.everybody, "groups": ids(&draft.groups),
        "exceptions": ids(&draft.exceptions), "serves": draft.serves, "methods": draft.methods, "gates": draft.gates,
        "apart": draft.apart, "rises": draft.rises, "cooling_off": draft.cooling_off,
    })
}

/// The groups that agents tell.
pub async fn groups(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Group>> {
    Ok(sqlx::query_as!(
        Group,
        r#"select connector_id, object_guid, name as "name: Option<String>" from groups where tenant_id = $1 order by name, object_guid"#,
        scope.id(),
    )
    .fetch_all(conn)
    .await?)
}

/// The groups whose members prove more.
pub async fn privileged(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Group>> {
    Ok(sqlx::query_as!(
        Group,
        r#"select p.connector_id, p.group_guid as object_guid, g.name as "name?" from privileged_groups p
           left join groups g on g.connector_id = p.connector_id and g.object_guid = p.group_guid
           where p.tenant_id = $1 order by g.name, p.group_guid"#,
        scope.id(),
    )
    .fetch_all(conn)
    .await?)
}

/// Mark a group as privileged, or no more. False where it was so already.
pub async fn mark(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, group: &Group, on: bool) -> Result<bool> {
    let done = if on {
        sqlx::query!(
            "insert into privileged_groups (tenant_id, connector_id, group_guid) values ($1, $2, $3) on conflict do nothing",
            scope.id(),
            group.connector_id,
            group.object_guid,
        )
        .execute(&mut *conn)
        .await?
    } else {
        sqlx::query!(
            "delete from privileged_groups where tenant_id = $1 and connector_id = $2 and group_guid = $3",
            scope.id(),
            group.connector_id,
            group.object_guid,
        )
        .execute(&mut *conn)
        .await?
    };
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "group": group.object_guid });
    let outcome = if on { "on" } else { "off" };
    audit::record(conn, scope, clock, source, Event { action: "policy.privileged", outcome, detail, ..Event::default() }).await?;
    Ok(true)
}

/// Whether these proofs of theirs would do at this moment; `asked`: how many it takes, where that is not the policy's to say.
pub async fn are_lawful(conn: &mut PgConnection, scope: &Scope, user: Uuid, passed: &[Method], asked: Option<i16>) -> Result<bool> {
    let passed: Vec<_> = passed.iter().map(|method| method.as_str().to_owned()).collect();
    let lawful =
        sqlx::query_scalar!(r#"select lawful($1, $2, $3, $4) as "lawful!""#, scope.id(), user, &passed, asked).fetch_one(conn).await?;
    Ok(lawful)
}

/// The policy that holds for somebody, whether or not it serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    pub policy_id: Uuid,
    pub name: String,
    /// It says itself that it serves people.
    pub serves: bool,
    /// They are privileged: more is asked of them than it says.
    pub privileged: bool,
}

/// `None`: none applies to them.
pub async fn holding(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Option<Holding>> {
    Ok(sqlx::query_as!(
        Holding,
        r#"select p.policy_id, p.name, p.serves, h.privileged as "privileged!" from policy_of($1, $2) h join policies p on p.tenant_id = $1 and p.policy_id = h.policy_id"#,
        scope.id(),
        user,
    )
    .fetch_optional(conn)
    .await?)
}

/// What holds for this person at this moment.
pub async fn of_user(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Terms> {
    let row = sqlx::query!(
        r#"select serves as "serves!", methods as "methods!", gates as "gates!", apart as "apart!", rises as "rises!", cooling_off as "hours!" from policy_of($1, $2)"#,
        scope.id(),
        user,
    )
    .fetch_one(conn)
    .await?;
    Ok(Terms::of(row.serves, &row.methods, row.gates, (row.apart, row.rises), row.hours))
}
