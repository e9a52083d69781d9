//! What was changed of the policies and of the settings, and the way back.

use sspr::domain::operators::Role;
use uuid::Uuid;

use crate::{
    portal::policies::office,
    support::{Cloud, Person},
};

const SAVE: &str = "/console/policies/save";

/// The latest change of this.
async fn latest(cloud: &Cloud, what: &str) -> String {
    let sql = "select change_id from history where what = $1 order by change_id desc limit 1";
    let id: Uuid = sqlx::query_scalar(sql).bind(what).fetch_one(&cloud.app.db).await.unwrap();
    format!("/console/history/{id}/undo")
}

async fn policy(cloud: &Cloud) -> String {
    cloud.sql("select string_agg(name || ' ' || gates || ' ' || cooling_off || ' ' || serves, ', ' order by priority) from policies").await
}

#[tokio::test]
async fn a_change_of_the_policies_is_read_and_taken_back() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console/history").await.sees("Nothing was changed yet");
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    let path = format!("/console/policies/{id}");
    boss.opens(&path).await.submits(&path, &[("hours", "48")]).await.submits(SAVE, &[]).await;
    // What only was shown, or changes nothing, is no change.
    boss.opens(&path).await.submits(&path, &[("hours", "49")]).await;
    cloud.administers(&["policy", "set", "Everybody", "--cooling-off", "48", "--yes"]);
    assert_eq!(cloud.sql::<i64>("select count(*) from history").await, 1);
    cloud.administers(&["policy", "set", "Everybody", "--serves", "false", "--yes"]);
    boss.opens("/console/history?of=policies").await;
    boss.sees("By administrator 0")
        .sees("Everybody New methods count after 24 hours count after 48 hours")
        .sees("They get Self-service No self-service");
    boss.opens("/console/history?of=settings").await.sees("Nothing was changed yet");

    // Before the first of both: the later one goes, too, and that is said.
    let first: Uuid = cloud.sql("select change_id from history order by change_id limit 1").await;
    let undo = format!("/console/history/{first}/undo");
    boss.opens("/console/history").await.submits(&undo, &[]).await;
    boss.sees("what was changed since then goes back")
        .sees("3 people gain self-service")
        .sees("count after 48 hours count after 24 hours")
        .sees("No self-service Self-service");
    assert_eq!(policy(&cloud).await, "Everybody 1 48 false", "nothing yet");
    // Somebody else was faster.
    cloud.administers(&["policy", "create", "Other", "--everybody", "true", "--priority", "3", "--yes"]);
    boss.submits(SAVE, &[]).await.sees("not what was shown to you").sees("Other Deleted");
    assert_eq!(boss.page.status, 409);
    assert_eq!(policy(&cloud).await, "Other 1 24 true, Everybody 1 48 false");
    boss.submits(SAVE, &[]).await.is_at("/console/policies");
    assert_eq!(policy(&cloud).await, "Everybody 1 24 true");
    assert_eq!(cloud.sql::<Uuid>("select policy_id from policies").await, id, "it is the same one");
    // And that can be taken back as well.
    let undo = latest(&cloud, "policies").await;
    boss.opens("/console/history").await.submits(&undo, &[]).await.submits(SAVE, &[]).await;
    assert_eq!(policy(&cloud).await, "Other 1 24 true, Everybody 1 48 false");
    let lines = "select count(*) from audit_events where action = 'policy.save' and actor like 'operator:%'";
    assert_eq!(cloud.sql::<i64>(lines).await, 4, "each in the trail as ever");
}

#[tokio::test]
async fn a_change_of_the_settings_is_read_and_taken_back() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    boss.opens("/console/settings").await.submits("/console/settings", &[("help", "Dial <4711>"), ("alerts", "desk@corp.example")]).await;
    boss.opens("/console/settings").await.submits("/console/settings", &[]).await.sees("Saved.");
    assert_eq!(cloud.sql::<i64>("select count(*) from history").await, 1, "nothing changed");
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--sms-budget", "7"]);
    boss.opens("/console/history")
        .await
        .sees("Whom people ask the help desk, room 101 Dial <4711>")
        .sees("Text messages with codes a day 1000 7");
    assert!(!boss.page.body.contains("Dial <4711>"), "as text");
    let undo = latest(&cloud, "settings").await;
    boss.submits(&undo, &[]).await.sees("Text messages with codes a day 7 1000");
    assert_eq!(cloud.sql::<Option<i32>>("select sms_budget from tenants").await, Some(7), "shown, not saved");
    cloud.administers(&["tenant", "set", &tenant, "--reconfirm-days", "90"]);
    boss.submits(&undo, &[]).await.sees("Somebody else has changed the settings").sees("90 0");
    assert_eq!((boss.page.status, cloud.sql::<i32>("select reconfirm_days from tenants").await), (409, 90));
    boss.submits(&undo, &[]).await.is_at("/console/settings").sees("Saved.");
    let kept = "select concat_ws(' ', help, alerts, sms_budget, reconfirm_days) from tenants";
    assert_eq!(cloud.sql::<String>(kept).await, "Dial <4711> desk@corp.example 1000 0");
}

#[tokio::test]
async fn history_is_only_written_on_and_only_ones_own() {
    let (cloud, _agent) = office().await;
    cloud.administers(&["policy", "set", "Everybody", "--cooling-off", "48", "--yes"]);
    for sql in ["update history set actor = 'nobody'", "delete from history", "truncate history"] {
        let error = sqlx::query(sql).execute(&cloud.app.db).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    let undo = latest(&cloud, "policies").await;
    let there = Cloud::start().await;
    let mut stranger = there.operator(Role::Owner).await;
    assert_eq!(stranger.posts_form(&undo, "").await, 404);
    let wish = format!("wish=%7B%22undo%22%3A%7B%22id%22%3A%22{}%22%7D%7D&shown=", undo.split('/').nth(3).unwrap());
    assert_eq!(stranger.posts_form(SAVE, &wish).await, 404);
    // One of the settings is none of the policies.
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--sms-budget", "7"]);
    let mut boss = cloud.operator(Role::Owner).await;
    let settings = latest(&cloud, "settings").await;
    let wish = format!("wish=%7B%22undo%22%3A%7B%22id%22%3A%22{}%22%7D%7D&shown=", settings.split('/').nth(3).unwrap());
    assert_eq!(boss.posts_form(SAVE, &wish).await, 404);
    let mut auditor: Person = cloud.operator(Role::Auditor).await;
    auditor.opens("/console/history").await.sees("count after 48 hours");
    assert!(!auditor.page.body.contains("/undo"));
}
