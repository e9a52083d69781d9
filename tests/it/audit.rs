//! The audit trail's chain: whole however lines are written, and whoever was at it is found out.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use sqlx::Connection;
use sspr::{
    base::id,
    domain::{
        audit::{
            self, Event, Source, chain,
            checkpoint::Checkpoint,
            keep,
            search::{self, Filter},
            verify::{self, Finding, Report},
        },
        tenants::{self, New, Tenant},
    },
    worker,
};
use uuid::Uuid;

use crate::support::Cloud;

/// So many lines of each kind of column, in one transaction each; their ids in order.
async fn written(cloud: &Cloud, many: usize) -> Vec<Uuid> {
    for n in 0..many {
        let mut tx = cloud.app.begin().await.unwrap();
        let source = Source { actor: "user".to_owned(), request: Some(format!("code{n:06}")), address: Some("192.0.2.7".parse().unwrap()) };
        let (user, flow, job) = (Some(id::random()), Some(id::random()), Some(id::random()));
        let event = Event { action: "test.line", outcome: "written", user, flow, job, detail: json!({ "n": n, "text": "ä \u{1f510}" }) };
        audit::record(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, event).await.unwrap();
        tx.commit().await.unwrap();
    }
    chained(cloud).await;
    let lines = "select array_agg(event_id order by seq) from audit_chain join audit_events using (tenant_id, event_id) where action = 'test.line' and actor = 'user'";
    cloud.sql(lines).await
}

/// Until every line has its place.
async fn chained(cloud: &Cloud) {
    cloud.until("select count(*) from audit_unchained", 0).await;
}

async fn walked(cloud: &Cloud, noted: Option<&Checkpoint>) -> Report {
    let mut tx = cloud.app.db.begin_with("begin isolation level repeatable read read only").await.unwrap();
    verify::verify(&mut tx, &cloud.tenant.scope, &cloud.clock, noted).await.unwrap()
}

/// What a walk finds, in words.
async fn found(cloud: &Cloud, noted: Option<&Checkpoint>) -> Vec<String> {
    walked(cloud, noted).await.findings.iter().map(ToString::to_string).collect()
}

async fn signed(cloud: &Cloud) -> Checkpoint {
    let mut tx = cloud.app.begin().await.unwrap();
    let signed = chain::sign(&mut tx, &cloud.tenant.scope, &cloud.clock, true).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    signed
}

/// As somebody who owns the database: no trigger stands in the way.
async fn tampers(cloud: &Cloud, statements: &[String]) {
    let mut conn = cloud.app.db.acquire().await.unwrap().detach();
    sqlx::query("set session_replication_role = replica").execute(&mut conn).await.unwrap();
    for statement in statements {
        let done = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&mut conn).await;
        assert!(done.unwrap().rows_affected() > 0, "{statement}");
    }
    conn.close().await.unwrap();
}

async fn seq(cloud: &Cloud, event: Uuid) -> i64 {
    sqlx::query_scalar("select seq from audit_chain where event_id = $1").bind(event).fetch_one(&cloud.app.db).await.unwrap()
}

#[tokio::test]
async fn an_edit_of_any_column_is_found_and_named() {
    let cloud = Cloud::start().await;
    let lines = written(&cloud, 14).await;
    assert_eq!(found(&cloud, None).await, [""; 0]);
    let edits = [
        "at = at + interval '1 microsecond'",
        "at = 'infinity'",
        "actor = 'cli'",
        "action = 'test.other'",
        "user_id = null",
        "user_id = gen_random_uuid()",
        "flow_id = job_id, job_id = flow_id",
        "job_id = gen_random_uuid()",
        "request_id = 'code999999'",
        "address = '192.0.2.8'",
        "outcome = 'refused'",
        r#"detail = detail || '{"text": ""}'"#,
    ];
    let mut told = Vec::new();
    for (edit, line) in edits.iter().zip(&lines) {
        tampers(&cloud, &[format!("update audit_events set {edit} where event_id = '{line}'")]).await;
        told.push(Finding::Edited { seq: seq(&cloud, *line).await, event: *line });
        assert_eq!(walked(&cloud, None).await.findings, told, "{edit}");
    }
    // Given to somebody else, or another name: it is gone from where it was.
    let (given, renamed, name) = (lines[12], lines[13], id::time_ordered(&cloud.clock));
    tampers(&cloud, &[format!("update audit_events set tenant_id = gen_random_uuid() where event_id = '{given}'")]).await;
    tampers(&cloud, &[format!("update audit_events set event_id = '{name}' where event_id = '{renamed}'")]).await;
    let report = walked(&cloud, None).await;
    let (given, renamed) = (
        Finding::Removed { seq: seq(&cloud, given).await, event: given },
        Finding::Removed { seq: seq(&cloud, renamed).await, event: renamed },
    );
    assert_eq!(report.findings.len(), told.len() + 3);
    for finding in told.iter().chain(&[given, renamed, Finding::SlippedIn { event: name }]) {
        assert!(report.findings.contains(finding), "{finding}");
    }
}

#[tokio::test]
async fn what_was_removed_moved_or_slipped_in_is_found_and_named() {
    let cloud = Cloud::start().await;
    let lines = written(&cloud, 12).await;
    let at = async |n: usize| seq(&cloud, lines[n]).await;
    let (first, line) = (at(0).await, |n: usize| lines[n]);
    let mut told = BTreeSet::new();
    let mut finds = async |what: &str, finding: &[Finding]| {
        told.extend(finding.iter().map(ToString::to_string));
        // A checkpoint that was signed in between speaks of the same.
        let found = found(&cloud, None).await.into_iter().filter(|finding| !finding.starts_with("rewritten"));
        assert_eq!(found.collect::<BTreeSet<_>>(), told, "{what}");
    };
    tampers(&cloud, &[format!("delete from audit_events where event_id = '{}'", line(1))]).await;
    finds("a line", &[Finding::Removed { seq: first + 1, event: line(1) }]).await;
    let both = ["audit_events", "audit_chain"].map(|table| format!("delete from {table} where event_id = '{}'", line(3)));
    tampers(&cloud, &both).await;
    finds("a line and its place", &[Finding::Missing { from: first + 3, to: first + 3 }]).await;
    // Two lines change places: first the names alone, then with their hashes, neighbours.
    let swap = |column: &str, a: i64, b: i64| {
        [
            format!("create temporary table swapped as select seq, event_id, kind, hash from audit_chain where seq in ({a}, {b})"),
            format!("delete from audit_chain where seq in ({a}, {b})"),
            format!(
                "insert into audit_chain select '{}', {a} + {b} - s.seq, s.event_id, s.kind, {column} from swapped s join swapped o on o.seq = {a} + {b} - s.seq",
                cloud.tenant.scope.id()
            ),
            "drop table swapped".to_owned(),
        ]
    };
    let swaps = async |column: &str, a: i64, b: i64| {
        let mut conn = cloud.app.db.acquire().await.unwrap().detach();
        sqlx::query("set session_replication_role = replica").execute(&mut conn).await.unwrap();
        for statement in swap(column, a, b) {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
        }
        conn.close().await.unwrap();
    };
    swaps("o.hash", first + 5, first + 7).await;
    let moved = |seq: i64, n: usize, was: i64| Finding::Moved { seq: first + seq, event: line(n), was: first + was };
    finds("two names", &[moved(5, 7, 7), moved(7, 5, 5)]).await;
    swaps("s.hash", first + 9, first + 10).await;
    finds("two neighbours", &[moved(9, 10, 10), moved(10, 9, 9)]).await;
    // A place whose hash alone was overwritten is named, its neighbour is not.
    tampers(&cloud, &[format!("update audit_chain set hash = sha256(hash) where seq = {first}")]).await;
    finds("a hash", &[Finding::Edited { seq: first, event: line(0) }]).await;
    let slipped = id::time_ordered(&cloud.clock);
    let copy = format!(
        "insert into audit_events (event_id, tenant_id, at, actor, action, outcome) values ('{slipped}', '{}', now(), 'cli', 'test.line', 'written')",
        cloud.tenant.scope.id()
    );
    tampers(&cloud, &[copy]).await;
    finds("a line that never waited", &[Finding::SlippedIn { event: slipped }]).await;
    let unplaced = id::random();
    tampers(&cloud, &[format!("insert into audit_unchained values ('{}', '{unplaced}')", cloud.tenant.scope.id())]).await;
    finds("a line removed before it had a place", &[Finding::Unplaced { event: unplaced }]).await;
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_by_a_checkpoint_that_was_noted() {
    let cloud = Cloud::start().await;
    written(&cloud, 5).await;
    let kept = signed(&cloud).await;
    written(&cloud, 5).await;
    let noted: Checkpoint = signed(&cloud).await.to_string().parse().unwrap();
    assert_eq!(found(&cloud, Some(&noted)).await, [""; 0]);
    let cut = |from: i64| {
        vec![
            format!("delete from audit_events e using audit_chain c where c.event_id = e.event_id and c.seq > {from}"),
            format!("delete from audit_chain where seq > {from}"),
        ]
    };
    tampers(&cloud, &cut(kept.seq)).await;
    let gone = Finding::Cut { from: kept.seq + 1, to: noted.seq, at: noted.at };
    assert_eq!(walked(&cloud, None).await.findings, std::slice::from_ref(&gone), "the checkpoints were left");
    tampers(&cloud, &[format!("delete from audit_checkpoints where seq > {}", kept.seq)]).await;
    assert_eq!(found(&cloud, None).await, [""; 0], "nothing that is left tells of it");
    assert_eq!(walked(&cloud, Some(&noted)).await.findings, [gone]);
    assert_eq!(found(&cloud, Some(&kept)).await, [""; 0], "what was noted before is as it was");
    // New lines take the places of the old ones.
    written(&cloud, 7).await;
    signed(&cloud).await;
    assert_eq!(found(&cloud, None).await, [""; 0]);
    assert_eq!(walked(&cloud, Some(&noted)).await.findings, [Finding::Rewritten { seq: noted.seq, at: noted.at }]);
    // A checkpoint that nobody signed.
    let forged = Checkpoint { seq: noted.seq + 1, ..noted.clone() };
    assert_eq!(walked(&cloud, Some(&forged)).await.findings, [Finding::Unsigned { seq: forged.seq }]);
    tampers(&cloud, &[format!("update audit_checkpoints set at = at - interval '1 day' where seq = {}", kept.seq)]).await;
    assert_eq!(walked(&cloud, None).await.findings, [Finding::Unsigned { seq: kept.seq }]);
}

/// Ids are taken long before the commit, and in another order.
#[tokio::test]
async fn lines_of_eight_writers_that_commit_late_are_all_chained_without_a_gap() {
    let cloud = Cloud::start().await;
    let writer = async |n: u64| {
        for round in 0..40_u64 {
            let mut tx = cloud.app.begin().await.unwrap();
            let event =
                || Event { action: "test.line", outcome: "written", detail: json!({ "writer": n, "round": round }), ..Event::default() };
            let (scope, source) = (&cloud.tenant.scope, Source::house("cli"));
            audit::record(&mut tx, scope, &cloud.clock, &source, event()).await.unwrap();
            audit::record_all(&mut tx, &cloud.clock, vec![(scope, &source, event()), (scope, &source, event())]).await.unwrap();
            tokio::time::sleep(Duration::from_millis((n * 37 + round * 11) % 90)).await;
            if round % 10 == 9 { tx.rollback().await.unwrap() } else { tx.commit().await.unwrap() }
        }
    };
    // Two nodes' workers besides the cloud's own.
    let chainer = async || {
        for _ in 0..60 {
            worker::chain(&cloud.app).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(writer(0), writer(1), writer(2), writer(3), writer(4), writer(5), writer(6), writer(7), chainer(), chainer());
    chained(&cloud).await;
    let places =
        cloud.sql::<i64>("select count(*) from audit_chain join audit_events using (tenant_id, event_id) where action = 'test.line'").await;
    assert_eq!(places, 8 * 36 * 3);
    assert!(cloud.sql::<bool>("select max(seq) = count(*) and min(seq) = 1 from audit_chain").await);
    let late = "select count(*) from (select event_id < lag(event_id) over (order by seq) as late from audit_chain) c where late";
    assert!(cloud.sql::<i64>(late).await > 0, "some did commit late");
    let report = walked(&cloud, Some(&signed(&cloud).await)).await;
    assert_eq!((report.findings, report.waiting), (Vec::new(), 0));
}

#[tokio::test]
async fn lines_from_before_there_were_chains_come_first_in_their_order() {
    let cloud = Cloud::start().await;
    let (_, old) = (written(&cloud, 3).await, cloud.sql::<i64>("select count(*) from audit_events").await);
    // As the migration finds it.
    let before = ["delete from audit_chain", "delete from audit_kinds"].map(str::to_owned);
    let backlog =
        "insert into audit_backlogs select distinct on (tenant_id) tenant_id, event_id from audit_events order by tenant_id, event_id desc";
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('audit chain ' || $1::uuid, 0))")
        .bind(cloud.tenant.scope.id())
        .execute(&mut *tx)
        .await
        .unwrap();
    tampers(&cloud, &before).await;
    tampers(&cloud, &[backlog.to_owned()]).await;
    tx.rollback().await.unwrap();
    written(&cloud, 2).await;
    cloud.until("select count(*) from audit_backlogs", 0).await;
    chained(&cloud).await;
    assert!(
        cloud
            .sql::<bool>("select bool_and(seq = n) from (select seq, row_number() over (order by event_id) as n from audit_chain) c")
            .await
    );
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_chain").await, old + 2);
    assert_eq!(found(&cloud, None).await, [""; 0]);
}

#[tokio::test]
async fn nothing_goes_but_what_a_cut_covers() {
    let cloud = Cloud::start().await;
    written(&cloud, 5).await;
    signed(&cloud).await;
    for table in ["audit_events", "audit_chain", "audit_checkpoints"] {
        for statement in ["delete from", "truncate"] {
            let statement = format!("{statement} {table}");
            let refused = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&cloud.app.db).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{statement}: {refused}");
        }
    }
    for statement in ["update audit_events set outcome = 'x'", "update audit_chain set kind = 1", "update audit_checkpoints set seq = 1"] {
        let refused = sqlx::query(statement).execute(&cloud.app.db).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    assert!(sqlx::query("select audit_forget(tenant_id, 1000) from tenants").execute(&cloud.app.db).await.is_err());
    let own = "select bool_or(a.privilege_type in ('UPDATE', 'TRUNCATE')) from pg_class c, aclexplode(c.relacl) a where c.relname in ('audit_events', 'audit_chain', 'audit_checkpoints')";
    assert!(!cloud.sql::<bool>(own).await, "whoever serves has no right to try");
}

/// As deploy/postgres/audit-owner.sql leaves it, whoever serves lacks the very rights.
#[tokio::test]
async fn with_an_owner_of_its_own_the_trail_can_only_be_added_to() {
    let cloud = Cloud::start().await;
    written(&cloud, 3).await;
    let signed = signed(&cloud).await;
    let script = include_str!("../../deploy/postgres/audit-owner.sql").replace(":\"app\"", "serving");
    let house = "do $$ declare t text; begin for t in select tablename from pg_policies where policyname = 'house' loop
        execute format('alter policy house on %I to postgres, serving', t); end loop; end $$";
    for statements in ["create role serving; grant all on all tables in schema public to serving", house, &script] {
        // The worker is at work meanwhile, and may hold what is asked for in another order: then once more.
        let mut done = Err(sqlx::Error::RowNotFound);
        for _ in 0..5 {
            done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&cloud.app.db).await;
            if !done.as_ref().is_err_and(|error| error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("40P01"))) {
                break;
            }
        }
        done.unwrap();
    }
    let mut conn = cloud.app.db.acquire().await.unwrap().detach();
    // Whoever else is let into the database lets nothing go.
    let stranger = "create role stranger; grant usage on schema public to stranger; set role stranger";
    sqlx::raw_sql(stranger).execute(&mut conn).await.unwrap();
    let forgets = sqlx::query("select audit_forget('00000000-0000-0000-0000-000000000000', 1)").execute(&mut conn).await;
    assert!(forgets.unwrap_err().to_string().contains("permission denied"));
    sqlx::query("set role serving").execute(&mut conn).await.unwrap();
    for table in ["audit_events", "audit_chain", "audit_checkpoints"] {
        for statement in [
            format!("update {table} set tenant_id = tenant_id"),
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("alter table {table} disable trigger user"),
            format!("drop table {table}"),
        ] {
            let refused = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&mut conn).await.unwrap_err().to_string();
            assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{statement}: {refused}");
        }
    }
    assert!(sqlx::query("set session_replication_role = replica").execute(&mut conn).await.is_err());
    // And it serves: lines are written, chained, signed and in the end let go.
    let (scope, source) = (&cloud.tenant.scope, Source::house("cli"));
    let event = || Event { action: "test.line", outcome: "written", ..Event::default() };
    audit::record(&mut conn, scope, &cloud.clock, &source, event()).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    assert!(chain::sign(&mut tx, scope, &cloud.clock, true).await.unwrap().unwrap().seq >= signed.seq);
    while chain::chain(&mut tx, scope, &cloud.clock).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    cloud.clock.advance(500 * 86400);
    let mut tx = conn.begin().await.unwrap();
    assert!(keep::forget(&mut tx, scope, &cloud.clock).await.unwrap() >= 4);
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await.unwrap();
    assert_eq!(verify::verify(&mut tx, scope, &cloud.clock, Some(&signed)).await.unwrap().findings, []);
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_and_the_rest_stays_whole() {
    let cloud = Cloud::start().await;
    let old = written(&cloud, 5).await;
    let noted = signed(&cloud).await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--audit-days", "90"]);
    chained(&cloud).await;
    cloud.clock.advance(60 * 86400);
    let young = written(&cloud, 5).await.split_off(5);
    worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_chain where seq = 1").await, 1, "nothing is old enough");
    cloud.clock.advance(40 * 86400);
    worker::clean(&cloud.app).await.unwrap();
    chained(&cloud).await;
    let left: Vec<Uuid> = cloud.sql("select array_agg(event_id order by event_id) from audit_events where action = 'test.line'").await;
    assert_eq!(left, young);
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where action = 'audit.forget' and (detail ->> 'lines')::int > 5").await,
        1
    );
    let report = walked(&cloud, Some(&noted)).await;
    assert_eq!(report.findings, [], "it was old enough");
    assert!(report.first > noted.seq && report.lines >= 6);
    assert!(!old.contains(&left[0]));
    // The chain begins behind a cut that is signed, and nowhere else.
    tampers(&cloud, &["update audit_checkpoints set seq = seq + 1 where kind = 'cut'".to_owned()]).await;
    assert!(found(&cloud, None).await.iter().any(|finding| finding.starts_with("forged")));
    tampers(&cloud, &["update audit_checkpoints set seq = seq - 1 where kind = 'cut'".to_owned()]).await;
    // Somebody who has the keys signed a cut before its time: a checkpoint from then tells.
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let forever = Source::house("cli");
    keep::set_days(&mut conn, &cloud.tenant.scope, &cloud.clock, &forever, 400).await.unwrap();
    let told = found(&cloud, Some(&noted)).await;
    assert!(told.len() == 1 && told[0].starts_with("cut:") && told[0].ends_with("before their time"), "{told:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_not_let_go() {
    let cloud = Cloud::start().await;
    let lines = written(&cloud, 5).await;
    tampers(&cloud, &[format!("update audit_events set outcome = 'x' where event_id = '{}'", lines[2])]).await;
    cloud.clock.advance(500 * 86400);
    worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'test.line'").await, 5);
    assert_eq!(walked(&cloud, None).await.findings, [Finding::Edited { seq: seq(&cloud, lines[2]).await, event: lines[2] }]);
}

/// The command line waits for whoever is chaining, so that one must not wait for the command line.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_and_exports() {
    let cloud = Cloud::start().await;
    let lines = written(&cloud, 3).await;
    let noted = cloud.administers(&["audit", "checkpoint"]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("noted");
    std::fs::write(&file, format!("2026-11-26 {noted}")).unwrap();
    let file = file.to_str().unwrap();
    let said = cloud.administers(&["audit", "verify", "--since-checkpoint", file]);
    assert!(said.starts_with("the audit trail holds: ") && said.lines().count() == 1, "{said}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'audit.verify' and outcome = 'holds'").await, 1);
    chained(&cloud).await;
    let exported = cloud.administers(&["audit", "export", "--after", "1"]);
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<i64> = exported.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (2..2 + i64::try_from(seqs.len()).unwrap()).collect::<Vec<_>>());
    let one = exported.iter().find(|line| line["event"] == lines[0].to_string()).unwrap();
    assert_eq!((&one["action"], &one["address"], &one["detail"]["n"]), (&json!("test.line"), &json!("192.0.2.7/32"), &json!(0)));
    tampers(&cloud, &[format!("delete from audit_events where event_id = '{}'", lines[1])]).await;
    let said = cloud.tries(&["audit", "verify"]).unwrap_err();
    assert!(said.contains("BROKEN: 1 findings"), "{said}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'audit.verify' and outcome = 'broken'").await, 1);
    assert!(cloud.tries(&["audit", "verify", "--since-checkpoint", "sspr-audit.1.head"]).is_err());
}

async fn another_tenant(cloud: &Cloud) -> Tenant {
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Other", host: "other.example", language: sspr::base::language::Language::English, help: None };
    let other = tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    audit::record(
        &mut tx,
        &other.scope,
        &cloud.clock,
        &Source::house("cli"),
        Event { action: "test.line", outcome: "written", ..Event::default() },
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    other
}

#[tokio::test]
async fn lines_are_found_by_what_they_say_and_each_tenant_sees_its_own() {
    let cloud = Cloud::start().await;
    let other = another_tenant(&cloud).await;
    let lines = written(&cloud, 6).await;
    let one = search::Filter { request: Some("code000003".to_owned()), ..Filter::default() };
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let finds = async |conn: &mut sqlx::PgConnection, tenant: &Tenant, filter: &Filter| {
        search::find(conn, &tenant.scope, filter, None, 100).await.unwrap()
    };
    let found = finds(&mut conn, &cloud.tenant, &one).await;
    assert_eq!(found.iter().map(|entry| entry.event_id).collect::<Vec<_>>(), [lines[3]]);
    assert!(finds(&mut conn, &other, &one).await.is_empty());
    let user = Filter { user: found[0].user_id, outcome: Some("written".to_owned()), ..Filter::default() };
    assert_eq!(finds(&mut conn, &cloud.tenant, &user).await.len(), 1);
    assert!(finds(&mut conn, &other, &user).await.is_empty());
    let kind = Filter { action: Some("test.line".to_owned()), actor: Some("user".to_owned()), ..Filter::default() };
    let newest: Vec<Uuid> = finds(&mut conn, &cloud.tenant, &kind).await.iter().map(|entry| entry.event_id).collect();
    assert_eq!(newest, lines.iter().rev().copied().collect::<Vec<_>>());
    assert!(finds(&mut conn, &other, &kind).await.is_empty(), "its line is the command line's");
    let page = search::find(&mut conn, &cloud.tenant.scope, &kind, Some(lines[4]), 2).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.event_id).collect::<Vec<_>>(), [lines[3], lines[2]]);
    let today = cloud.clock.now().date();
    let day = |from, to| Filter { from, to, ..kind.clone() };
    assert_eq!(finds(&mut conn, &cloud.tenant, &day(Some(today), Some(today))).await.len(), 6);
    assert!(finds(&mut conn, &cloud.tenant, &day(today.next_day(), None)).await.is_empty());
    assert!(finds(&mut conn, &cloud.tenant, &day(None, today.previous_day())).await.is_empty());
    assert_eq!(finds(&mut conn, &other, &Filter::default()).await.len(), 1);
    // A line that has no place yet is found as well.
    let event = Event { action: "test.young", outcome: "written", ..Event::default() };
    let mut tx = cloud.app.begin().await.unwrap();
    audit::record(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), event).await.unwrap();
    let young = Filter { action: Some("test.young".to_owned()), ..Filter::default() };
    assert_eq!(finds(&mut tx, &cloud.tenant, &young).await.len(), 1);
    tx.rollback().await.unwrap();
    assert!(search::journey(&mut conn, &other.scope, "code000003").await.unwrap().is_empty());
    assert_eq!(search::journey(&mut conn, &cloud.tenant.scope, "code000003").await.unwrap().len(), 1);
}
