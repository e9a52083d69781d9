//! Policies as rows.

use anyhow::Result;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Change, Draft, Group, Method, Policy, Refused, Rules, Terms};
use crate::{
    base::{clock::Clock, id},
    domain::{
        audit::{self, Event, Source},
        history::{self, What},
        limits::Allowance,
        tenants::Scope,
    },
};

/// In the order in which they are asked.
async fn all(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Policy>> {
    let rows = sqlx::query_as!(
        Row,
        "select policy_id, name, priority, everybody, serves, methods, gates, apart, rises, cooling_off, countries, tries, sends, passwords from policies where tenant_id = $1 order by priority",
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
            countries: row.countries,
            allowance: Allowance { tries: row.tries, sends: row.sends, passwords: row.passwords },
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
    countries: Vec<String>,
    tries: i32,
    sends: i32,
    passwords: i32,
}

/// What it was, and what it is now.
#[derive(Debug)]
pub struct Changed {
    pub before: Rules,
    pub after: Rules,
}

/// All that they say at this moment.
pub async fn rules(conn: &mut PgConnection, scope: &Scope) -> Result<Rules> {
    Ok(Rules { policies: all(&mut *conn, scope).await?, privileged: privileged(conn, scope).await? })
}

/// Change them; the audit trail has for each policy what it was before. `seen`: the [`Rules::mark`] of what it was decided upon, if that
/// matters. Refused: nothing was changed.
pub async fn change(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    (change, seen): (&Change, Option<&str>),
) -> Result<Result<Changed, Refused>> {
    // One administrator at a time: two who save at once would each pass what the other makes wrong. What only names the tenant goes on.
    sqlx::query!("select from tenants where tenant_id = $1 for no key update", scope.id()).execute(&mut *conn).await?;
    let before = rules(&mut *conn, scope).await?;
    if seen.is_some_and(|seen| seen != before.mark()) {
        return Ok(Err(Refused::Stale));
    }
    let after = match before.with(change, id::time_ordered(clock)) {
        Ok(after) => after,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut events = write(&mut *conn, scope, clock, &before, &after).await?;
    events.extend(privilege(&mut *conn, scope, &before.privileged, &after.privileged).await?);
    audit::record_all(&mut *conn, clock, events.into_iter().map(|event| (scope, source, event)).collect()).await?;
    if before.mark() != after.mark() {
        history::record(&mut *conn, scope, clock, source, (What::Policies, &before, &after)).await?;
    }
    // With the names that groups have.
    let after = rules(conn, scope).await?;
    Ok(Ok(Changed { before, after }))
}

/// The policies that are others now: taken away, and put there anew. Whoever reads at the same moment sees both or neither.
async fn write(conn: &mut PgConnection, scope: &Scope, clock: &Clock, before: &Rules, after: &Rules) -> Result<Vec<Event>> {
    let fits = |one: &Policy, other: Option<&Policy>| other.is_some_and(|other| shape(&other.terms) == shape(&one.terms));
    let gone: Vec<&Policy> = before.policies.iter().filter(|one| !fits(one, after.policy(one.policy_id))).collect();
    let fresh: Vec<&Policy> = after.policies.iter().filter(|one| !fits(one, before.policy(one.policy_id))).collect();
    let ids: Vec<Uuid> = gone.iter().map(|one| one.policy_id).collect();
    sqlx::query!("delete from policies where tenant_id = $1 and policy_id = any($2)", scope.id(), &ids).execute(&mut *conn).await?;
    let mut events = Vec::new();
    for Policy { policy_id, terms } in gone.into_iter().filter(|one| after.policy(one.policy_id).is_none()) {
        let detail = serde_json::json!({ "policy": policy_id, "before": shape(terms) });
        events.push(Event { action: "policy.remove", outcome: "removed", detail, ..Event::default() });
    }
    for policy in fresh {
        insert(&mut *conn, scope, clock, policy).await?;
        let was = before.policy(policy.policy_id).map(|was| shape(&was.terms));
        let detail = serde_json::json!({ "policy": policy.policy_id, "before": was, "after": shape(&policy.terms) });
        events.push(Event { action: "policy.save", outcome: "saved", detail, ..Event::default() });
    }
    Ok(events)
}

async fn insert(conn: &mut PgConnection, scope: &Scope, clock: &Clock, Policy { policy_id, terms }: &Policy) -> Result<()> {
    sqlx::query!(
        "insert into policies (policy_id, tenant_id, name, priority, everybody, serves, methods, gates, apart, rises, cooling_off, changed_at, countries, tries, sends, passwords)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        policy_id,
        scope.id(),
        terms.name,
        terms.priority,
        terms.everybody,
        terms.serves,
        &terms.methods.iter().map(|method| method.as_str().to_owned()).collect::<Vec<_>>(),
        terms.gates,
        terms.apart,
        terms.rises,
        terms.cooling_off,
        clock.now(),
        &terms.countries,
        terms.allowance.tries,
        terms.allowance.sends,
        terms.allowance.passwords,
    )
    .execute(&mut *conn)
    .await?;
    let named: Vec<_> = terms.groups.iter().map(|group| (group, false)).chain(terms.exceptions.iter().map(|group| (group, true))).collect();
    sqlx::query!(
        "insert into policy_groups (tenant_id, policy_id, connector_id, group_guid, excepted)
         select $1, $2, connector_id, group_guid, excepted
         from unnest($3::uuid[], $4::uuid[], $5::boolean[]) as r (connector_id, group_guid, excepted)",
        scope.id(),
        policy_id,
        &named.iter().map(|(group, _)| group.connector_id).collect::<Vec<_>>(),
        &named.iter().map(|(group, _)| group.object_guid).collect::<Vec<_>>(),
        &named.iter().map(|(_, excepted)| *excepted).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Mark those that are new, and those no more that are not there.
async fn privilege(conn: &mut PgConnection, scope: &Scope, before: &[Group], after: &[Group]) -> Result<Vec<Event>> {
    let lacks = |groups: &[Group], one: &Group| !groups.iter().any(|other| other.is(one));
    let mut events = Vec::new();
    let mut line = |group: &Group, outcome| {
        let detail = serde_json::json!({ "group": group.object_guid });
        events.push(Event { action: "policy.privileged", outcome, detail, ..Event::default() });
    };
    for group in before.iter().filter(|one| lacks(after, one)) {
        sqlx::query!(
            "delete from privileged_groups where tenant_id = $1 and connector_id = $2 and group_guid = $3",
            scope.id(),
            group.connector_id,
            group.object_guid,
        )
        .execute(&mut *conn)
        .await?;
        line(group, "off");
    }
    for group in after.iter().filter(|one| lacks(before, one)) {
        sqlx::query!(
            "insert into privileged_groups (tenant_id, connector_id, group_guid) values ($1, $2, $3)",
            scope.id(),
            group.connector_id,
            group.object_guid,
        )
        .execute(&mut *conn)
        .await?;
        line(group, "on");
    }
    Ok(events)
}

/// For the audit trail: names of groups are the directory's and may say too much of people, their ids do not.
fn shape(draft: &Draft) -> serde_json::Value {
    let ids = |groups: &[Group]| groups.iter().map(|group| group.object_guid).collect::<Vec<_>>();
    serde_json::json!({
        "name": draft.name, "priority": draft.priority, "everybody": draft.everybody, "groups": ids(&draft.groups),
        "exceptions": ids(&draft.exceptions), "serves": draft.serves, "methods": draft.methods, "gates": draft.gates,
        "apart": draft.apart, "rises": draft.rises, "cooling_off": draft.cooling_off, "countries": draft.countries,
        "tries": draft.allowance.tries, "sends": draft.allowance.sends, "passwords": draft.allowance.passwords,
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
async fn privileged(conn: &mut PgConnection, scope: &Scope) -> Result<Vec<Group>> {
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
    let Json(terms) = sqlx::query_scalar!(r#"select to_jsonb(p) as "terms!: Json<Terms>" from policy_of($1, $2) p"#, scope.id(), user)
        .fetch_one(conn)
        .await?;
    Ok(terms)
}
