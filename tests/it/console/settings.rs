//! What holds for the whole tenant, changed by its administrators.

use sspr::domain::operators::Role;

use crate::support::{Cloud, Person};

#[tokio::test]
async fn what_is_saved_holds_at_once_and_is_written_down_without_addresses() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let mut boss = cloud.operator(Role::Administrator).await;
    boss.opens("/console/settings").await;
    let form = boss.page.form("/console/settings").unwrap();
    let form =
        form.set("help", "Dial 4711").unwrap().set("alerts", "desk@corp.example").unwrap().set("mail_domains", "@Corp.example").unwrap();
    let form = form.set("sms_countries", "+49, 43").unwrap().set("sms_budget", "500").unwrap();
    boss.page = boss.browser.submit(&form).await.unwrap();
    boss.is_at("/console/settings").sees("Saved.");
    cloud.hears().await;
    Person::at(&cloud).opens("/").await.sees("Dial 4711");
    let kept = "select concat_ws(' ', help, alerts, mail_domains, sms_countries, sms_budget, mail_budget is null) from tenants";
    assert_eq!(cloud.sql::<String>(kept).await, "Dial 4711 desk@corp.example {corp.example} {49,43} 500 t");
    let lines = "select string_agg(action, ' ' order by action) from audit_events where actor like 'operator:%' and action like 'tenant.%'";
    assert_eq!(cloud.sql::<String>(lines).await, "tenant.alerts tenant.help tenant.limits tenant.mail_domains");
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where detail::text like '%desk@%' or detail::text like '%4711%'").await,
        0
    );
    // Switched off: the box is not there.
    let mut form = boss.page.form("/console/settings").unwrap();
    form.fields.retain(|(name, _)| name != "self_service");
    boss.page = boss.browser.submit(&form).await.unwrap();
    assert!(!cloud.sql::<bool>("select self_service from tenants").await);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_and_nothing_is_lost() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let before: String = cloud.sql("select tenants::text from tenants").await;
    for (field, bad) in [
        ("name", ""),
        ("name", "a\u{202e}b"),
        ("help", &*"x".repeat(201)),
        ("name", "Corp.example"),
        ("help", "see evil.example"),
        ("help", "mail desk@evil.example"),
        ("alerts", "nobody"),
        ("mail_domains", "no domain"),
        ("reconfirm_days", "731"),
        ("reconfirm_days", "-1"),
        ("address_limit", "9"),
        ("sms_budget", "many"),
        ("mail_budget", "-3"),
        ("sms_countries", "0049"),
    ] {
        boss.opens("/console/settings").await.submits("/console/settings", &[("help", "typed before"), (field, bad)]).await;
        assert_eq!(boss.page.status, 422, "{field} {bad}");
        let shown = boss.page.form("/console/settings").unwrap();
        assert!(shown.fields.iter().any(|(name, value)| name == field && value == bad), "{field} {bad} {:?}", shown.fields);
    }
    assert_eq!(cloud.sql::<String>("select tenants::text from tenants").await, before);
}

#[tokio::test]
async fn name_and_help_lead_nowhere_but_to_one_s_own_and_what_is_older_stays() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let page = "/console/settings";
    // Not while it is being made one's own.
    let wish = [("help", "desk@corp.example or 4711"), ("mail_domains", "corp.example")];
    boss.opens(page).await.submits(page, &wish).await.sees("the help desk’s own fields under Branding");
    boss.opens(page).await.submits(page, &[("mail_domains", "corp.example")]).await.sees("Saved.");
    cloud.hears().await;
    boss.opens(page).await.submits(page, &wish).await.sees("Saved.");
    assert_eq!(cloud.sql::<String>("select help from tenants").await, "desk@corp.example or 4711");
    sqlx::query("update tenants set name = 'Corp.example', help = 'old.example'").execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    boss.opens(page).await.submits(page, &[("reconfirm_days", "90")]).await.sees("Saved.");
    assert_eq!(cloud.sql::<String>("select concat_ws(' ', name, help, reconfirm_days) from tenants").await, "Corp.example old.example 90");
    boss.opens(page).await.submits(page, &[("help", "older.example")]).await;
    assert_eq!(boss.page.status, 422);
}

#[tokio::test]
async fn of_two_who_save_at_once_the_second_looks_again() {
    let cloud = Cloud::start().await;
    let (mut one, mut two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::Administrator).await);
    one.opens("/console/settings").await;
    two.opens("/console/settings").await;
    one.submits("/console/settings", &[("help", "first")]).await.sees("Saved.");
    two.submits("/console/settings", &[("help", "second")]).await.sees("Somebody else has changed this");
    assert_eq!(two.page.status, 409);
    assert_eq!(cloud.sql::<String>("select help from tenants").await, "first");
    two.submits("/console/settings", &[]).await.sees("Saved.");
    assert_eq!(cloud.sql::<String>("select help from tenants").await, "second");
}
