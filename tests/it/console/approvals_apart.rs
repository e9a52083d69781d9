//! Two who are two: nobody is both, nobody asks without end, and nothing that takes two goes by another door.

use sspr::domain::operators::Role;
use uuid::Uuid;

use super::{
    approvals::{asks, lost_app},
    people::{STAFF, office, page_of},
};
use crate::support::{Cloud, Person};

/// Wants the app that Alice has lost removed; the page of that request.
async fn wants_it_gone(cloud: &Cloud, desk: &mut Person) -> String {
    let alice = page_of(cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    asks(desk).await
}

async fn links(owner: &mut Person, operator: Uuid) {
    let them = format!("/console/operators/{operator}");
    owner.opens(&them).await.submits(&format!("{them}/link"), &[]).await;
    assert!(owner.page.body.contains("/console/welcome#"), "{}", owner.page.text());
}

async fn may_not(person: &mut Person, page: &str) {
    person.opens(page).await.sees("do not count as two");
    assert_eq!(person.posts_form(&format!("{page}/approve"), "").await, 403);
}

#[tokio::test]
async fn nobody_makes_both() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let (own, mut owner) = cloud.operator_with(Role::Owner, &[]).await;
    // Two puppets.
    for (name, mail) in [("Bea", "bea@staff.example"), ("Cem", "cem@staff.example")] {
        owner.opens("/console/operators/new").await;
        owner.submits("/console/operators/new", &[("name", name), ("mail", mail), ("role", "administrator")]).await;
    }
    let bea: Uuid = cloud.sql("select operator_id from operators where name = 'Bea'").await;
    let cem: Uuid = cloud.sql("select operator_id from operators where name = 'Cem'").await;
    let page = lost_app(&cloud, &mut cloud.at_console(bea).await).await;
    may_not(&mut cloud.at_console(cem).await, &page).await;
    // New links for two who were there before, and a chain: whoever got one gives one to a third.
    let (boss, mut administrator) = cloud.operator_with(Role::Administrator, &[]).await;
    let (dan, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let (eva, mut third) = cloud.operator_with(Role::HelpDesk, &[]).await;
    links(&mut owner, boss).await;
    links(&mut owner, dan).await;
    let page = wants_it_gone(&cloud, &mut desk).await;
    may_not(&mut administrator, &page).await;
    links(&mut administrator, eva).await;
    let page = wants_it_gone(&cloud, &mut third).await;
    may_not(&mut desk, &page).await;
    may_not(&mut cloud.at_console(own).await, &page).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    // Somebody whom nobody of them had a hand in.
    let mut independent = cloud.operator(Role::HelpDesk).await;
    assert_eq!(independent.posts_form(&format!("{page}/approve"), "").await, 200);
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 0);
}

#[tokio::test]
async fn what_lets_nobody_in_leaves_two_as_they_are() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let mut owner = cloud.operator(Role::Owner).await;
    let (id, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let them = format!("/console/operators/{id}");
    owner.opens(&them).await.submits(&them, &[("name", "Renamed")]).await;
    owner.opens(&them).await.submits(&format!("{them}/disable"), &[]).await;
    cloud.administers(&["operator", "enable", "help_desk1@staff.example", "--tenant", &cloud.tenant.scope.id().to_string()]);
    let page = lost_app(&cloud, &mut cloud.at_console(id).await).await;
    assert_eq!(owner.posts_form(&format!("{page}/approve"), "").await, 200);
    // Enabling does.
    owner.opens(&them).await.submits(&format!("{them}/disable"), &[]).await;
    owner.opens(&them).await.submits(&format!("{them}/enable"), &[]).await;
    let page = lost_app(&cloud, &mut cloud.at_console(id).await).await;
    may_not(&mut owner, &page).await;
}

#[tokio::test]
async fn a_way_to_be_an_owner_takes_two_as_well() {
    let cloud = Cloud::start().await;
    cloud.takes_two("owner");
    let mut one = cloud.operator(Role::Owner).await;
    let (second, _) = cloud.operator_with(Role::Owner, &[]).await;
    let mut third = cloud.operator(Role::Owner).await;
    let them = format!("/console/operators/{second}");
    let link = format!("{them}/link");
    // A link: made by whoever asked, once.
    one.opens(&them).await.submits(&link, &[]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_links").await, 0);
    third.opens(&page).await.sees("Whoever holds that link can be this owner");
    third.submits(&format!("{page}/approve"), &[]).await.sees("Allowed, not done yet");
    one.opens(&page).await.sees("You have ten minutes");
    one.opens(&them).await.submits(&link, &[]).await;
    assert!(one.page.body.contains("/console/welcome#"), "{}", one.page.text());
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_links").await, 1);
    one.opens(&them).await.submits(&link, &[]).await;
    let page = asks(&mut one).await;
    // Not by whom it is about.
    let mut themselves = cloud.at_console(second).await;
    themselves.opens(&page).await.sees("it is about yourself");
    assert_eq!(themselves.posts_form(&format!("{page}/approve"), "").await, 403);
    // Another address; a name is one person's.
    one.opens(&them).await.submits(&them, &[("name", "Renamed")]).await.is_at("/console/operators");
    let moved = "select count(*) from audit_events where action = 'operator.change' and detail->>'readdressed' = 'true'";
    one.opens(&them).await.submits(&them, &[("mail", "mine@staff.example")]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>(moved).await, 0);
    third.opens(&page).await.sees("mine@staff.example").sees("owner1@staff.example").sees("signs in with the new address");
    third.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<i64>(moved).await, 1);
    // Enabling one who was disabled.
    let disabled = "select count(*) from operators where disabled_at is not null";
    one.opens(&them).await.submits(&format!("{them}/disable"), &[]).await;
    one.opens(&them).await.submits(&format!("{them}/enable"), &[]).await;
    let page = asks(&mut one).await;
    assert_eq!(cloud.sql::<i64>(disabled).await, 1);
    third.opens(&page).await.sees("may sign in again");
    third.submits(&format!("{page}/approve"), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<i64>(disabled).await, 0);
    // Whoever is no owner has it from one alone.
    links(&mut one, cloud.operator_with(Role::Administrator, &[]).await.0).await;
}

#[tokio::test]
async fn what_is_switched_off_meanwhile_is_not_done() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("method");
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let mut other = cloud.operator(Role::HelpDesk).await;
    let page = lost_app(&cloud, &mut desk).await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--operators-may", "code"]);
    assert_eq!(other.posts_form(&format!("{page}/approve"), "").await, 403);
    other.sees("This is switched off");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    assert_eq!(cloud.sql::<String>("select state from approvals").await, "void");
    let alice = page_of(&cloud, "alice").await;
    let id: Uuid = cloud.sql("select authenticator_id from authenticators").await;
    assert_eq!(desk.posts_form(&format!("{alice}/method"), &format!("id={id}")).await, 403);
}

#[tokio::test]
async fn asking_has_an_end_and_several_are_one_mail() {
    let (cloud, mut agent) = office().await;
    cloud.takes_two("method");
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let (decider, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    cloud.is_ready(decider).await;
    let mut page = lost_app(&cloud, &mut desk).await;
    for _ in 1..20 {
        desk.submits(&format!("{page}/withdraw"), &[]).await;
        page = wants_it_gone(&cloud, &mut desk).await;
    }
    assert_eq!(cloud.sql::<i64>("select count(distinct topic) from messages").await, 1);
    desk.submits(&format!("{page}/withdraw"), &[]).await;
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.submits(&format!("{alice}/method"), &[]).await;
    let page = desk.page.path.clone();
    desk.submits(&format!("{page}/ask"), &[("reason", "once more")]).await.sees("twenty times");
    assert_eq!(desk.page.status, 429);
    cloud.clock.advance(3601);
    agent.beat(true).await;
    wants_it_gone(&cloud, &mut cloud.at_console(id).await).await;
}

#[tokio::test]
async fn nobody_alone_switches_a_rule_on() {
    let cloud = Cloud::start().await;
    let mut one = cloud.operator(Role::Owner).await;
    let (other, _) = cloud.operator_with(Role::Administrator, &[]).await;
    let rules = "/console/approvals/rules";
    // Somebody who has not followed their link yet decides nothing.
    assert_eq!(one.posts_form(rules, "act=agent&to=on").await, 409);
    one.sees("Nobody is there to be the second");
    cloud.is_ready(other).await;
    assert_eq!(one.posts_form(rules, "act=agent&to=on").await, 200);
    // Owners are decided about by owners.
    assert_eq!(one.posts_form(rules, "act=owner&to=on").await, 409);
    assert_eq!(one.posts_form(&format!("/console/operators/{other}/disable"), "").await, 200);
    assert_eq!(one.posts_form(rules, "act=policy&to=on").await, 409);
    assert_eq!(cloud.sql::<String>("select string_agg(act, ' ') from approval_rules").await, "agent");
}

#[tokio::test]
async fn whoever_decides_on_policies_reads_whom_they_are_about() {
    let (cloud, _agent) = office().await;
    cloud.takes_two("policy");
    let mut one = cloud.operator(Role::Administrator).await;
    let mut two = cloud.operator(Role::Administrator).await;
    let staff = format!("group-{}-{}", cloud.connector.simple(), STAFF.simple());
    let fields = [("name", "Closed"), ("priority", "5"), ("whom", "groups"), ("service", "no"), (staff.as_str(), "+")];
    let mut pages = Vec::new();
    for again in [false, true] {
        one.opens("/console/policies/new").await.submits("/console/policies/new", &fields).await;
        one.submits("/console/policies/save", &[]).await;
        pages.push(if again { one.page.path.clone() } else { asks(&mut one).await });
    }
    // Wanted twice it is one.
    assert_eq!(pages[0], pages[1]);
    two.opens(&pages[0]).await.sees("Staff");
    two.submits(&format!("{}/approve", pages[0]), &[]).await.sees("Done");
    assert_eq!(cloud.sql::<i64>("select count(*) from policies").await, 2);
}
