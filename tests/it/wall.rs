//! The second wall: what Postgres holds of tenants when a statement forgets to name its own.

use std::{
    future::Future,
    task::{Context, Waker},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use sspr::base::db::Plans;
use uuid::Uuid;

use crate::support::{Cloud, neighbour::WALLED};

/// Those of another kind: of the agents' doors, of all tenants; of this database; the migrator's.
const OUTSIDE: [&str; 4] = ["_sqlx_migrations", "continuity", "signing_keys", "used_proofs"];

async fn names(cloud: &Cloud, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&cloud.app.db).await.unwrap()
}

async fn number(conn: &mut PgConnection, query: &str) -> Result<i64, String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(conn).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_table_of_a_tenant_is_behind_the_wall() {
    let cloud = Cloud::start().await;
    let all = "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policies p where p.tablename = c.relname and p.policyname = 'tenant'
            and p.permissive = 'PERMISSIVE' and p.cmd = 'ALL' and p.roles = array['sspr_tenant']::name[] and p.qual like '%current_setting(''sspr.tenant''::text)%'))
        order by 1";
    assert_eq!(names(&cloud, all).await, OUTSIDE, "select wall_raise() at the end of the migration that makes a table");
    let bears = "select count(distinct attrelid) from pg_attribute a join pg_class c on c.oid = a.attrelid
        where attname = 'tenant_id' and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition";
    assert!(cloud.sql::<i64>(bears).await > 50);
    // Nobody but the doors' role is let past by less than everything, and it is let past by nothing else.
    let others =
        "select tablename::text from pg_policies where 'sspr_tenant' = any(roles) and policyname <> 'tenant' or 'public' = any(roles)";
    assert_eq!(names(&cloud, others).await, [""; 0]);
    let rights = "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and (c.relispartition or not c.relrowsecurity) and has_table_privilege('sspr_tenant', c.oid, 'select, insert, update, delete, truncate')";
    assert_eq!(names(&cloud, rights).await, [""; 0], "what is outside, and jobs by their partition, are not for the doors");
    let shut = "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and c.relrowsecurity and not has_table_privilege('sspr_tenant', c.oid, 'select') order by 1";
    assert_eq!(
        names(&cloud, shut).await,
        ["former_identities", "reminders"],
        "a migration that makes a table grants what the doors may do"
    );
    let role = "select rolsuper or rolbypassrls or rolcanlogin or rolcreaterole from pg_roles where rolname = 'sspr_tenant'";
    assert!(!cloud.sql::<bool>(role).await);
    let kept = "select bool_or(has_table_privilege('sspr_tenant', t, p)) from unnest(array['audit_events', 'audit_chain', 'audit_checkpoints', 'history']) t,
        unnest(array['update', 'delete', 'truncate']) p";
    assert!(!cloud.sql::<bool>(kept).await, "the trail is added to and no more");
}

#[tokio::test]
async fn nothing_of_another_tenant_is_seen_or_touched_in_any_table() {
    let cloud = Cloud::start().await;
    let other = cloud.neighbour().await;
    let (own, theirs) = (cloud.tenant.scope.id(), other.id());
    let ids = (cloud.has_of_everything(&cloud.tenant.scope).await, cloud.has_of_everything(&other).await);
    // Rights apart: it is the wall that is tried.
    cloud.app.db.execute("grant all on all tables in schema public to sspr_tenant").await.unwrap();
    let tables = names(&cloud, WALLED).await;
    assert!(tables.len() > 50);
    let whose = |table: &str, tenant: Uuid, id: Uuid| match table {
        "job_heads" => format!("connector_id = '{id}'"),
        _ => format!("tenant_id = '{tenant}'"),
    };
    let mut conn = cloud.app.wall.acquire(&cloud.tenant.scope, Plans::Kept).await.unwrap();
    // What waits for a place in the chain, the worker takes away.
    for table in tables.iter().filter(|table| !["audit_unchained", "audit_backlogs"].contains(&table.as_str())) {
        let (ours, foreign) = (whose(table, own, ids.0), whose(table, theirs, ids.1));
        let before = number(&mut cloud.app.db.acquire().await.unwrap(), &format!("select count(*) from {table} where {foreign}")).await;
        assert!(before.unwrap() > 0, "{table} has a row of theirs");
        assert!(number(&mut conn, &format!("select count(*) from {table} where {ours}")).await.unwrap() > 0, "{table}: one's own");
        assert_eq!(number(&mut conn, &format!("select count(*) from {table} where {foreign}")).await, Ok(0), "{table}: theirs");
        // As whoever forgot to say whose.
        let all = number(&mut conn, &format!("select count(*) from {table}")).await;
        assert_eq!(all, number(&mut conn, &format!("select count(*) from {table} where {ours}")).await, "{table}: all that is there");
        let column = if table == "job_heads" { "connector_id" } else { "tenant_id" };
        let (there, here) = if table == "job_heads" { (ids.1, ids.0) } else { (theirs, own) };
        for statement in [
            format!("update {table} set {column} = {column} where {foreign}"),
            format!("update {table} set {column} = '{here}' where {column} = '{there}'"),
            format!("delete from {table} where {foreign}"),
            format!("update {table} set {column} = '{there}' where {ours}"),
            format!("insert into {table} ({column}) values ('{there}')"),
        ] {
            // The trail's triggers refuse before the wall does.
            match sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut *conn).await {
                Ok(done) => assert_eq!(done.rows_affected(), 0, "{statement}"),
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains("row-level security") || said.contains("append-only"), "{statement}: {said}");
                }
            }
        }
        let after = number(&mut cloud.app.db.acquire().await.unwrap(), &format!("select count(*) from {table} where {foreign}")).await;
        assert!(after.unwrap() > 0, "{table} has it still");
    }
    // Whoever asks from inside for ids that are looked up outside gets none of another tenant; the house finds them.
    let named =
        "update users set display_name = 'Zacharias', sign_in_name = 'zach', principal_name = 'zach', aliases = array['\\x01'::bytea]";
    cloud.app.db.execute(named).await.unwrap();
    for asks in ["people_named('T', 'zach', null, null, 100)", "people_alike('T', '\\x01')"] {
        let asks = format!("select count(*) from {}", asks.replace('T', &theirs.to_string()));
        assert_eq!(number(&mut cloud.app.db.acquire().await.unwrap(), &asks).await, Ok(1), "{asks}");
        assert_eq!(number(&mut conn, &asks).await, Ok(0), "{asks}");
    }
}

#[tokio::test]
async fn without_a_tenant_there_is_nothing() {
    let cloud = Cloud::start().await;
    let tables = names(&cloud, WALLED).await;
    let mut conn = PgConnection::connect_with(&cloud.app.db.connect_options()).await.unwrap();
    cloud.has_of_everything(&cloud.tenant.scope).await;
    cloud.app.db.execute("grant select on all tables in schema public to sspr_tenant").await.unwrap();
    conn.execute("set role sspr_tenant").await.unwrap();
    for named in [
        "",
        "begin; set local sspr.tenant = '00000000-0000-0000-0000-000000000000'; commit",
        "set sspr.tenant = ''",
        "set sspr.tenant = 'x'",
    ] {
        conn.execute(named).await.unwrap();
        for table in &tables {
            let said = number(&mut conn, &format!("select count(*) from {table}")).await;
            assert!(
                said.as_ref().is_err_and(|said| said.contains("sspr.tenant") || said.contains("uuid")),
                "{table} after {named:?}: {said:?}"
            );
        }
    }
}

/// Who somebody is on this connection, whom they are held to, and whether a transaction is open on it.
async fn stands(conn: &mut PgConnection) -> (String, String, bool) {
    let query = "select current_user::text, coalesce(current_setting('sspr.tenant', true), ''), now()::text";
    let (role, tenant, began): (String, String, String) = sqlx::query_as(query).fetch_one(&mut *conn).await.unwrap();
    // Time stands still within one.
    let open = sqlx::query_scalar::<_, String>("select now()::text").fetch_one(conn).await.unwrap() == began;
    (role, tenant, open)
}

#[tokio::test]
async fn no_connection_changes_sides_however_it_was_left() {
    let cloud = Cloud::start_with(&[("SSPR_DATABASE__CONNECTIONS", "2")]).await;
    let other = cloud.neighbour().await;
    let (wall, own) = (&cloud.app.wall, &cloud.tenant.scope);
    let sees = async |scope| {
        let mut tx = wall.begin(scope, Plans::Kept).await.unwrap();
        let seen: Vec<Uuid> = sqlx::query_scalar("select tenant_id from tenants").fetch_all(&mut *tx).await.unwrap();
        let writes = sqlx::query("update tenants set name = name").execute(&mut *tx).await.unwrap().rows_affected();
        assert_eq!((stands(&mut tx).await.0, seen, writes), ("sspr_tenant".to_owned(), vec![scope.id()], 1));
        drop(tx);
        let mut conn = wall.acquire(scope, Plans::Kept).await.unwrap();
        assert_eq!(stands(&mut conn).await, ("sspr_tenant".to_owned(), scope.id().to_string(), false), "no transaction was left open");
    };
    // One other connection in all, so each is the one that was left.
    let _held = wall.acquire(own, Plans::Kept).await.unwrap();
    sees(own).await;
    for n in 0..8 {
        match n {
            0 => wall.begin(own, Plans::Kept).await.unwrap().commit().await.unwrap(),
            1 => wall.begin(own, Plans::Kept).await.unwrap().rollback().await.unwrap(),
            2 => drop(wall.begin(own, Plans::Kept).await.unwrap()),
            // A statement that failed; whoever waited for it is gone.
            3 => assert!(sqlx::query("select 1 / 0").execute(&mut *wall.begin(own, Plans::Kept).await.unwrap()).await.is_err()),
            4 => {
                let mut tx = wall.begin(own, Plans::Kept).await.unwrap();
                let sleeps = async { sqlx::query("select pg_sleep(1)").execute(&mut *tx).await };
                assert!(tokio::time::timeout(std::time::Duration::from_millis(50), sleeps).await.is_err());
            }
            // Whoever begins is gone before it has begun.
            5 => left(wall.begin(own, Plans::Kept)).await,
            6 => left(wall.acquire(own, Plans::Kept)).await,
            _ => assert!(wall.acquire(own, Plans::Kept).await.unwrap().execute("reset role; reset all").await.is_ok()),
        }
        sees(&other).await;
        // And the house's own stays the house's.
        assert!(stands(&mut cloud.app.db.acquire().await.unwrap()).await.0 != "sspr_tenant", "{n}");
        sees(own).await;
    }
    left(cloud.app.begin()).await;
    let mut conn = cloud.app.db.acquire().await.unwrap();
    assert!(!stands(&mut conn).await.2, "whoever gets the connection next writes what is committed");
}

/// As when a browser goes away: polled until something is under way, and dropped.
async fn left<F: Future>(begins: F) {
    let mut begins = Box::pin(begins);
    for _ in 0..2 {
        let _ = begins.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        tokio::task::yield_now().await;
    }
}
