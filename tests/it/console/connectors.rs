//! The directories' pages: what is on, how they are, and the way to more.

use sspr::domain::operators::Role;
use uuid::Uuid;

use crate::support::{Cloud, HandAgent};

fn of(connector: Uuid) -> String {
    format!("/console/connectors/{connector}")
}

#[tokio::test]
async fn each_switch_says_what_it_does_and_does_it() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let mut admin = cloud.operator(Role::Administrator).await;
    let page = of(cloud.connector);
    admin.opens("/console/connectors").await.is_at("/console/connectors").sees("Head office").sees("Serves");
    admin.opens(&page).await.sees("agents get no more jobs for this directory");
    for (feature, column, before) in [("writeback", "writeback", true), ("unlock", "unlock", false)] {
        let state = async || {
            let query = if column == "writeback" { "select writeback from connectors" } else { "select unlock from connectors" };
            cloud.sql::<bool>(query).await
        };
        for wanted in [!before, before] {
            let old = admin.page.form(&format!("{page}/{feature}")).unwrap();
            admin.submits(&format!("{page}/{feature}"), &[]).await.is_at(&page);
            assert_eq!(state().await, wanted, "{feature}");
            // The same once more, from a page of before: it says what it is to be.
            admin.page = admin.browser.submit(&old).await.unwrap();
            assert_eq!(state().await, wanted, "{feature}");
        }
        assert_eq!(admin.posts_form(&format!("{page}/{feature}"), "to=maybe").await, 400);
        admin.opens(&page).await;
    }
    let lines = "select count(*) from audit_events where action in ('connector.writeback', 'connector.unlock') and actor like 'operator:%'";
    assert_eq!(cloud.sql::<i64>(lines).await, 4, "each once");
    // What keeps the directory from serving stands there.
    admin.submits(&format!("{page}/writeback"), &[]).await.sees("no password is set in this directory");
    admin.opens("/console").await.sees("Writeback is off for a directory");
    cloud.clock.advance(60);
    admin.opens("/console/connectors").await.sees("No agent of this directory was heard of lately").sees("Not heard of");
}

#[tokio::test]
async fn a_new_directory_gets_its_first_agent() {
    let cloud = Cloud::start().await;
    let mut admin = cloud.operator(Role::Administrator).await;
    for name in ["", " ", &"x".repeat(101)] {
        admin.opens("/console/connectors/new").await.submits("/console/connectors/new", &[("name", name)]).await;
        assert_eq!(admin.page.status, 422, "{name:?}");
    }
    let name = "<b>Lab</b> & \"Söhne\"";
    admin.submits("/console/connectors/new", &[("name", name), ("kind", "openldap")]).await;
    let page = admin.page.path.clone();
    assert!(page.starts_with("/console/connectors/0"), "{page}");
    admin.sees(name).sees("OpenLDAP").sees("Writeback is off").sees("Nobody reaches this directory yet");
    assert!(!admin.page.body.contains("<b>Lab"), "{}", admin.page.body);
    let connector: Uuid = page.rsplit('/').next().unwrap().parse().unwrap();

    // The token stands on the page that answers, once, and nowhere else.
    admin.submits(&format!("{page}/token"), &[]).await.sees("sspr agent setup --kind openldap").sees("15 minutes");
    let at = admin.page.body.find("sspr_enrol_").unwrap();
    let token: String = admin.page.body[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
    assert!(!admin.page.path.contains(&token));
    admin.opens(&page).await;
    assert!(!admin.page.body.contains("sspr_enrol_"));
    assert!(!cloud.dump().await.contains(&token), "only its hash is kept");
    let agent = HandAgent::enrol_by(&cloud, &token).await;
    assert_eq!(agent.connector, connector);
    let (_, again) = HandAgent::try_enrol(&cloud, &token).await;
    assert_eq!(again.status(), 403, "good once");
    admin.opens(&page).await.sees("hand").sees("Waits for you to confirm it");
    let lines = "select string_agg(action || ' ' || outcome, ', ' order by event_id) from audit_events where actor like 'operator:%' and action !~ '^operator'";
    assert_eq!(cloud.sql::<String>(lines).await, "connector.add added, agent.token made");
}

#[tokio::test]
async fn directories_follow_one_another_and_one_goes_first() {
    let cloud = Cloud::start().await;
    let mut admin = cloud.operator(Role::Owner).await;
    let first = of(cloud.connector);
    admin.opens(&first).await;
    assert!(admin.page.form(&format!("{first}/link")).is_err(), "there is nothing to follow");
    assert_eq!(admin.posts_form(&format!("{first}/link"), "by=mail&seen=").await, 422);
    admin.sees("One must go first");
    let lab = of(cloud.linked_connector("Lab").await);
    admin.opens(&lab).await.sees("e-mail address");
    let old = admin.page.form(&format!("{lab}/link")).unwrap();
    admin.submits(&format!("{lab}/link"), &[("by", "sign_in_name")]).await.is_at(&lab);
    // Whoever saw another rule is told.
    admin.page = admin.browser.submit(&old.set("by", "").unwrap()).await.unwrap();
    assert_eq!(admin.page.status, 409);
    admin.sees("Somebody else has changed this");
    assert_eq!(cloud.sql::<i64>("select count(*) from connectors where linked and link_by = 'sign_in_name'").await, 1);
    assert_eq!(admin.posts_form(&format!("{first}/link"), "by=mail&seen=").await, 422, "all would follow");
    assert_eq!(admin.posts_form(&format!("{lab}/link"), "by=list&seen=sign_in_name").await, 400);
    admin.opens(&lab).await.submits(&format!("{lab}/link"), &[("by", "")]).await.is_at(&lab);
    assert_eq!(cloud.sql::<i64>("select count(*) from connectors where linked").await, 0);
}

#[tokio::test]
async fn only_those_removals_are_accepted_that_somebody_has_seen() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let names: Vec<String> = (0..40).map(|n| format!("p{n}")).collect();
    let all: Vec<_> = names.iter().map(|name| crate::support::agent::somebody(name)).collect();
    agent.mirror(all.clone()).await;
    cloud.clock.advance(5);
    agent.mirror(all[..5].to_vec()).await;
    let mut admin = cloud.operator(Role::Administrator).await;
    let page = of(cloud.connector);
    admin.opens("/console/connectors").await.sees("Most of its people were missing");
    admin.opens(&page).await.sees("remove 35 people");
    let old = admin.page.form(&format!("{page}/removals")).unwrap();
    cloud.clock.advance(5);
    agent.mirror(all[..4].to_vec()).await;
    admin.page = admin.browser.submit(&old).await.unwrap();
    assert_eq!(admin.page.status, 409);
    let left = "select count(*) from users where removed_at is null";
    assert_eq!(cloud.sql::<i64>(left).await, 40);
    admin.opens(&page).await.submits(&format!("{page}/removals"), &[]).await.is_at(&page);
    assert_eq!(cloud.sql::<i64>(left).await, 4);
    assert!(!admin.page.text().contains("remove 36 people"));
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let (cloud, other) = (Cloud::start().await, Cloud::start().await);
    let agent = other.agent().await;
    let mut owner = cloud.operator(Role::Owner).await;
    for id in [other.connector, Uuid::nil()] {
        owner.opens(&of(id)).await;
        assert_eq!(owner.page.status, 404);
        for (act, body) in [("writeback", "to=off"), ("unlock", "to=on"), ("link", "by=&seen="), ("removals", "mark="), ("token", "")] {
            assert_eq!(owner.posts_form(&format!("{}/{act}", of(id)), body).await, 404, "{act}");
        }
    }
    for id in [agent.id, Uuid::nil()] {
        let page = format!("/console/agents/{id}");
        owner.opens(&page).await;
        assert_eq!(owner.page.status, 404);
        for (act, body) in [("confirm", "fingerprint=x"), ("acknowledge", "mark="), ("revoke", "")] {
            assert_eq!(owner.posts_form(&format!("{page}/{act}"), body).await, 404, "{act}");
        }
    }
    assert_eq!(other.sql::<i64>("select count(*) from connectors where writeback").await, 1);
    assert_eq!(other.sql::<i64>("select count(*) from agents where status = 'active'").await, 1);
}

#[tokio::test]
async fn a_directory_is_renamed_by_whoever_saw_its_name() {
    let cloud = Cloud::start().await;
    let (mut one, mut two) = (cloud.operator(Role::Administrator).await, cloud.operator(Role::Administrator).await);
    let page = format!("/console/connectors/{}", cloud.connector);
    let of = format!("{page}/name");
    one.opens(&page).await;
    two.opens(&page).await;
    one.submits(&of, &[("name", " Berlin <b>site</b> ")]).await.is_at(&page).sees("Berlin <b>site</b>");
    assert!(!one.page.body.contains("<b>site"), "as text");
    assert_eq!(cloud.sql::<String>("select name from connectors").await, "Berlin <b>site</b>");
    two.submits(&of, &[("name", "Bonn")]).await.sees("Somebody else has changed this");
    assert_eq!(two.page.status, 409);
    assert!(two.page.form(&of).unwrap().fields.contains(&("name".into(), "Bonn".into())), "nothing is lost");
    two.submits(&of, &[]).await.is_at(&page).sees("Bonn");
    two.submits(&of, &[("name", " ")]).await.sees("at most 100 characters");
    assert_eq!(two.page.status, 422);
    cloud.administers(&["connector", "rename", &cloud.connector.to_string(), "Bonn"]);
    cloud.administers(&["connector", "rename", &cloud.connector.to_string(), "Head office"]);
    assert_eq!(cloud.sql::<String>("select name from connectors").await, "Head office");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'connector.name'").await, 3);
}
