//! Whom people are told to ask: the tenant's help desk, and their own group's once they have proven who they are.

use sspr::domain::operators::Role;
use uuid::Uuid;

use super::policies::{LEAVERS, STAFF, office};
use crate::support::{Cloud, Person};

const PAGE: &str = "/console/branding";
const GROUPS: &str = "/console/branding/groups";

async fn group(cloud: &Cloud, guid: Uuid) -> String {
    let connector: Uuid = cloud.sql("select connector_id from connectors").await;
    format!("{}-{}", connector.simple(), guid.simple())
}

#[tokio::test]
async fn the_help_desk_is_reached_by_what_people_have_at_hand() {
    let cloud = Cloud::start().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    let fields = [("phone", "+49 (30) 12 34"), ("mail", "help@corp.example"), ("link", "https://help.corp.example/it?a=1&b=2")];
    boss.opens(PAGE).await.submits(PAGE, &fields).await.sees("Saved.");
    cloud.hears().await;
    let mut visitor = Person::at(&cloud);
    visitor.opens("/").await.sees("the help desk, room 101 +49 (30) 12 34 help@corp.example help.corp.example/it?a=1&b=2");
    for link in ["href=\"tel:+49301234\"", "href=\"mailto:help@corp.example\"", "rel=\"noopener noreferrer\""] {
        assert!(visitor.page.body.contains(link), "{link}");
    }
    assert!(!visitor.page.body.contains("a=1&b=2"), "escaped");
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where detail::text like '%help@%' or detail::text like '%(30)%' or detail::text like '%+4930%'").await,
        0
    );
}

#[tokio::test]
async fn a_groups_help_desk_is_shown_to_its_members_once_they_have_proven_who_they_are() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let (staff, leavers) = (group(&cloud, STAFF).await, group(&cloud, LEAVERS).await);
    boss.opens(PAGE)
        .await
        .submits(GROUPS, &[("group", &staff), ("priority", "20"), ("text", "Staff desk"), ("phone", "11")])
        .await
        .sees("Saved.");
    boss.submits(GROUPS, &[("group", &leavers), ("priority", "10"), ("text", "Leavers desk")]).await.sees("Saved.");
    cloud.hears().await;

    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await.sees("room 101");
    cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    let mut nobody = Person::at(&cloud);
    nobody.asks_for_a_code("nobody-at-all").await.sees("room 101");
    for person in [&alice, &nobody] {
        assert!(!person.page.body.contains("desk</"), "before the proof: {}", person.page.text());
        assert!(!person.page.text().contains("Staff desk") && !person.page.text().contains("Leavers desk"));
    }
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await.sees("Staff desk 11");
    assert!(!alice.page.text().contains("room 101"));
    // The first that applies holds.
    Person::at(&cloud).proves(&cloud, "bob").await.sees("Leavers desk");
    Person::at(&cloud).proves(&cloud, "carol").await.sees("room 101");
    // On their own page as well, and on nobody's who has signed out.
    let mut page = Person::at(&cloud);
    page.is_signed_in(&cloud, "alice").await.opens("/account").await.sees("Staff desk 11");
    page.browser.cookies.clear();
    page.opens("/account").await.sees("room 101");
    // Two gates: one of them proves nothing yet.
    cloud.gates(2).await;
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/", "alice").await.sees("room 101");
    assert!(!alice.page.text().contains("Staff desk"));
}

#[tokio::test]
async fn a_notice_names_the_readers_own_help_desk() {
    let (cloud, _agent) = office().await;
    cloud.administers(&["branding", "group", "Staff", "--text", "Staff desk", "--mail", "staff@desk.example"]);
    cloud.hears().await;
    for (name, told) in [("alice", "Help desk: Staff desk, staff@desk.example"), ("carol", "Help desk: the help desk, room 101")] {
        let address = format!("{name}@mail.example");
        let seen = cloud.inbox.count(&address);
        let tenant = cloud.tenant.scope.id().to_string();
        cloud.administers(&["user", "freeze", "--tenant", &tenant, name]);
        let mail = cloud.inbox.wait_for(&address, seen).await.unwrap();
        assert!(mail.text.contains(told), "{}", mail.text);
        assert!(mail.html.is_some_and(|html| !html.contains("<img") && !html.contains("/brand/")), "nothing is fetched by who reads it");
    }
    // A code goes before any proof.
    let seen = cloud.inbox.count("alice@mail.example");
    Person::at(&cloud).asks_for_a_code("alice").await;
    let mail = cloud.inbox.wait_for("alice@mail.example", seen).await.unwrap();
    assert!(mail.text.contains("room 101") && !mail.text.contains("Staff desk"), "{}", mail.text);
}

#[tokio::test]
async fn help_desks_of_groups_are_kept_in_order_and_taken_back() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    let staff = group(&cloud, STAFF).await;
    for (fields, said) in [
        (&[("group", "")][..], "Please choose a group"),
        (&[("group", "019aa000000070008000000000000000-019aa000000070008000000000000000"), ("text", "x")], "Please choose a group"),
        (&[("group", &*staff)], "whom they ask"),
        (&[("group", &*staff), ("link", "javascript:alert(1)")], "must begin with https://"),
        (&[("group", &*staff), ("text", "x"), ("priority", "0")], "from 1 to 10000"),
    ] {
        boss.opens(PAGE).await;
        let form = boss.page.form(GROUPS).unwrap();
        let body = form.fields.iter().map(|(name, value)| {
            let typed = fields.iter().find(|(field, _)| field == name).map_or(value.as_str(), |(_, typed)| typed);
            (name.clone(), typed.to_owned())
        });
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(body).finish();
        assert_eq!(boss.posts_form(GROUPS, &body).await, 422);
        boss.sees(said);
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from group_contacts").await, 0);
    let evil = "<img src=x onerror=alert(1)> & \"desk\"";
    boss.opens(PAGE).await.submits(GROUPS, &[("group", &staff), ("text", evil), ("link", "https://staff.example/")]).await;
    boss.sees("Saved.").sees(evil);
    assert!(!boss.page.body.contains("<img src=x"), "as text");
    boss.submits("/console/branding/groups/remove", &[]).await.sees("Saved.").sees("the same help desk");
    let undo: Uuid = cloud.sql("select change_id from history order by change_id desc limit 1").await;
    let undo = format!("/console/history/{undo}/undo");
    boss.opens("/console/history?of=branding").await.sees("Staff Help desk of a group 10.");
    boss.submits(&undo, &[]).await;
    // Somebody else is faster: it is shown anew.
    cloud.administers(&["branding", "set", "--phone", "4711"]);
    boss.submits(&undo, &[]).await.sees("Phone 4711");
    assert_eq!(boss.page.status, 409);
    boss.submits(&undo, &[]).await.is_at(PAGE);
    assert!(cloud.sql::<bool>("select desk_by_group and desk_phone is null from tenants").await);
    assert_eq!(cloud.sql::<String>("select help from group_contacts").await, evil);
    let lines = "select count(*) from audit_events where action = 'tenant.group_help' and outcome = 'changed' and detail::text like '%57aff%' and detail::text not like '%img%'";
    assert_eq!(cloud.sql::<i64>(lines).await, 3);
    // What is no connector of theirs any more has no help desk here; and nobody else's page knows of it.
    let other = Cloud::start().await;
    let mut stranger = other.operator(Role::Owner).await;
    stranger.opens(PAGE).await;
    assert!(!stranger.page.text().contains("desk\""));
}
