//! What holds for the whole tenant, changed by its administrators.

use sspr::{domain::operators::Role, lab::html};

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
    boss.sees("0 people lose self-service").sees("Nobody has a mail address at corp.example");
    boss.submits("/console/settings", &[]).await.is_at("/console/settings").sees("Saved.");
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
        ("mail_domains", "*.example"),
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
    boss.opens(page).await.submits(page, &[("mail_domains", "corp.example")]).await.submits(page, &[]).await.sees("Saved.");
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

/// Mail domains and countries take people's proofs away as a policy does.
#[tokio::test]
async fn who_loses_by_domains_and_countries_is_shown_before_they_are_saved() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut boss = cloud.operator(Role::Administrator).await;
    let page = "/console/settings";
    let kept = "select concat(mail_domains, sms_countries, help) from tenants";
    let before: String = cloud.sql(kept).await;
    let wish = [("mail_domains", "mail.example"), ("sms_countries", "43"), ("help", "Dial 42")];
    boss.opens(page).await.submits(page, &wish).await.sees("2 people lose self-service").sees("After this nobody can use self-service.");
    boss.sees("alice Now: can use self-service, and the directory’s mail address alone would do.").sees("Countries that get text messages");
    assert_eq!(cloud.sql::<String>(kept).await, before, "nothing is saved before it was shown");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action like 'tenant.%'").await, 0);
    // Back at the form nothing is lost.
    let back = html::forms(&boss.page.body).into_iter().filter(|form| form.action == page).nth(1).unwrap();
    boss.page = boss.browser.submit(&back).await.unwrap();
    let form = boss.page.form(page).unwrap();
    for (field, value) in wish {
        assert!(form.fields.iter().any(|(name, typed)| name == field && typed == value), "{field}: {:?}", form.fields);
    }
    // Something else than what was shown is shown first.
    boss.submits(page, &[]).await.submits(page, &[("sms_countries", "44"), ("sure", "on")]).await.sees("2 people lose self-service");
    // And not by one press, where nobody is left.
    boss.submits(page, &[]).await.sees("say below that it is meant");
    assert_eq!((boss.page.status, cloud.sql::<String>(kept).await), (409, before));
    boss.submits(page, &[("sure", "on")]).await.sees("Saved.");
    assert_eq!(cloud.sql::<String>(kept).await, "{mail.example}{44}Dial 42");
    // The way back is shown like that, too.
    let undo: uuid::Uuid = cloud.sql("select change_id from history order by change_id desc limit 1").await;
    let undo = format!("/console/history/{undo}/undo");
    boss.opens("/console/history").await.submits(&undo, &[]).await.sees("2 people gain self-service");
    boss.submits(&undo, &[]).await.is_at(page).sees("Saved.");
    assert_eq!(cloud.sql::<String>("select concat(mail_domains, sms_countries) from tenants").await, "{}{}");
}
