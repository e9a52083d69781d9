//! Policies at the console: nothing is saved that was not shown, nothing typed is lost, and nobody overwrites what somebody else did.

use sspr::{
    domain::{operators::Role, policies::Draft},
    lab::html::Form,
};
use uuid::Uuid;

use crate::{
    portal::policies::{LEAVERS, STAFF, group, office},
    support::{
        Cloud, Person,
        agent::{in_groups, somebody},
    },
};

const SAVE: &str = "/console/policies/save";

fn field(cloud: &Cloud, guid: Uuid) -> String {
    format!("group-{}-{}", cloud.connector.simple(), guid.simple())
}

/// The form of a new policy by which whoever is staff and does not leave gets nothing.
async fn sends_staff(cloud: &Cloud, boss: &mut Person) {
    boss.opens("/console/policies/new").await;
    let (staff, leavers) = (field(cloud, STAFF), field(cloud, LEAVERS));
    let fields = [("name", "Staff"), ("priority", "5"), ("whom", "groups"), ("service", "no"), (&staff, "+"), (&leavers, "-")];
    boss.submits("/console/policies/new", &fields).await;
}

async fn names(cloud: &Cloud) -> String {
    cloud.sql("select coalesce(string_agg(name, ' ' order by priority), '') from policies").await
}

fn fields(form: &Form) -> Vec<(String, String)> {
    let mut fields: Vec<_> = form.fields.iter().filter(|(name, value)| name != "seen" && !value.is_empty()).cloned().collect();
    fields.sort();
    fields
}

#[tokio::test]
async fn who_gains_and_who_loses_is_shown_and_then_it_is_saved() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    sends_staff(&cloud, &mut boss).await;
    boss.sees("0 people gain self-service").sees("1 person loses self-service").sees("2 stay as they are");
    boss.sees("Now: can use self-service, and the directory’s mail address alone would do. Afterwards: no policy serves them.")
        .sees("Staff New");
    let alice: Uuid = cloud.sql("select user_id from users where sign_in_name = 'alice'").await;
    assert!(boss.page.body.contains(&format!("href=\"/console/people/{alice}\"")), "one is led to each");
    assert_eq!(names(&cloud).await, "Everybody", "nothing is saved before it was shown");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'policy.save'").await, 0);
    boss.submits(SAVE, &[]).await.is_at("/console/policies").sees("Saved.").sees("But not for Leavers").sees("No self-service");
    assert_eq!(names(&cloud).await, "Staff Everybody");
    let line = "select actor like 'operator:%' and detail->'after'->>'name' = 'Staff' from audit_events where action = 'policy.save'";
    assert!(cloud.sql::<bool>(line).await);

    // Another order, and back; then it goes.
    let id: Uuid = cloud.sql("select policy_id from policies where name = 'Staff'").await;
    let change = format!("/console/policies/{id}/move");
    boss.submits(&change, &[]).await.sees("1 person gains self-service");
    boss.submits(SAVE, &[]).await;
    assert_eq!(names(&cloud).await, "Everybody Staff");
    boss.opens(&format!("/console/policies/{id}")).await.submits(&format!("/console/policies/{id}/remove"), &[]).await;
    boss.sees("0 people lose").sees("Staff Deleted");
    boss.submits(SAVE, &[]).await;
    assert_eq!(names(&cloud).await, "Everybody");
    boss.opens(&format!("/console/policies/{id}")).await;
    assert_eq!(boss.page.status, 404);
    // The last one.
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    boss.opens(&format!("/console/policies/{id}")).await.submits(&format!("/console/policies/{id}/remove"), &[]).await;
    boss.sees("3 people lose").sees("After this nobody can use self-service.");
    // Not by one press.
    boss.submits(SAVE, &[]).await.sees("say below that it is meant");
    assert_eq!((boss.page.status, cloud.sql::<i64>("select count(*) from policies").await), (409, 1));
    boss.submits(SAVE, &[("sure", "on")]).await.sees("Nobody is served");
}

/// A mailbox that is enough alone is enough for a thief, whatever else somebody has.
#[tokio::test]
async fn a_mailbox_that_would_do_alone_is_warned_of() {
    const WARNED: &str = "3 people can prove who they are by the directory’s mail address alone";
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    let page = format!("/console/policies/{id}");
    boss.opens(&page).await.sees("No mail domain is said to open");
    let mut previews = async |hours: &str| boss.opens(&page).await.submits(&page, &[("hours", hours)]).await.page.text();
    // All have a number besides, and the mailbox alone would do.
    let text = previews("25").await;
    assert!(text.contains(WARNED), "{text}");
    // An app beside it does not help while one proof is enough.
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let text = previews("26").await;
    assert!(text.contains(WARNED), "{text}");
    let said = cloud.administers(&["policy", "coverage"]);
    assert!(
        said.contains("3  can reset, and the mail address of the directory alone would do")
            && said.contains("3 people can prove themselves"),
        "{said}"
    );
    // Where two are asked of whoever has an app, hers is not.
    cloud.policy(|terms| Draft { rises: true, ..terms }).await;
    let text = previews("27").await;
    assert!(text.contains("2 people can prove who they are by the directory’s mail address alone"), "{text}");
    // Named, it is no way in alone.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    let text = previews("28").await;
    assert!(!text.contains("mail address alone"), "{text}");
    boss.opens(&page).await;
    assert!(!boss.page.text().contains("No mail domain is said"));
}

#[tokio::test]
async fn back_at_the_form_nothing_is_lost() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Owner).await;
    boss.opens("/console/policies/new").await;
    let staff = field(&cloud, STAFF);
    let mut form = boss.page.form("/console/policies/new").unwrap();
    form.fields.retain(|(name, _)| name != "method-sms");
    for (name, value) in [
        ("name", "A & B <b>"),
        ("whom", "groups"),
        (&staff, "+"),
        ("proofs", "two"),
        ("hours", "48"),
        ("apart", "on"),
        ("countries", "+49, 43"),
        ("tries", "3"),
    ] {
        form = form.set(name, value).unwrap();
    }
    let sent = fields(&form);
    boss.page = boss.browser.submit(&form).await.unwrap();
    boss.sees("What the new policy changes");
    boss.submits("/console/policies/form", &[]).await;
    assert_eq!(fields(&boss.page.form("/console/policies/new").unwrap()), sent);
    boss.submits("/console/policies/new", &[])
        .await
        .submits(SAVE, &[])
        .await
        .sees("A & B <b>")
        .sees("count after 48 hours")
        .sees("+43, +49")
        .sees("3 in ten minutes");
    assert_eq!(cloud.sql::<String>("select concat_ws(' ', gates, cooling_off, apart, array_to_string(methods, ','), countries, tries, sends, passwords) from policies where name like 'A%'").await,
        "2 48 t private_email,email,totp,passkey,recovery_code {43,49} 3 5 3");
    // Who gets no text messages any more is counted.
    let everybody: Uuid = cloud.sql("select policy_id from policies where name = 'Everybody'").await;
    let path = format!("/console/policies/{everybody}");
    boss.opens(&path).await.submits(&path, &[("countries", "358")]).await.sees("with a number gets no text messages any more");
    // As it is shown is as it stands.
    let id: Uuid = cloud.sql("select policy_id from policies where name like 'A%'").await;
    let path = format!("/console/policies/{id}");
    boss.opens(&path).await.submits(&path, &[]).await.sees("This changes nothing");
}

#[tokio::test]
async fn what_cannot_be_used_is_said_beside_its_field() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let before: String = cloud.sql("select string_agg(p::text, '') from policies p").await;
    let good = [("name", "Staff"), ("priority", "5"), ("whom", "everybody")];
    for (field, bad, why) in [
        ("name", "", "Please give a name"),
        ("name", "a\u{202e}b", "Please give a name"),
        ("name", "Everybody", "Another policy has this name"),
        ("priority", "0", "a number from 1 to 10000"),
        ("priority", "first", "a number from 1 to 10000"),
        ("priority", "1000", "Another policy has this number"),
        ("whom", "groups", "choose at least one group"),
        ("hours", "721", "hours from 0 to 720"),
        ("hours", "-1", "hours from 0 to 720"),
        ("countries", "049", "calling codes separated by commas"),
        ("countries", &["43"; 61].join(","), "at most 60"),
        ("tries", "2", "tries from 3 to 10"),
        ("sends", "eleven", "codes from 2 to 10"),
        ("passwords", "0", "tries from 1 to 10"),
    ] {
        boss.opens("/console/policies/new").await.submits("/console/policies/new", &[&good[..], &[(field, bad)]].concat()).await;
        assert_eq!(boss.page.status, 422, "{field} {bad}");
        boss.sees(why).sees("Nothing of yours is lost");
        assert!(
            boss.page.form("/console/policies/new").unwrap().fields.iter().any(|(name, value)| name == field && value == bad),
            "{field} {bad}"
        );
    }
    for (without, set, why) in [
        ("method-", None, "choose at least one method"),
        ("method-t", Some(("proofs", "two")), ""),
        ("method-", Some(("method-email", "on")), "Two proofs need methods of two kinds"),
    ] {
        boss.opens("/console/policies/new").await;
        let mut form = boss.page.form("/console/policies/new").unwrap();
        form.fields.retain(|(name, _)| !name.starts_with(without));
        for (name, value) in good.into_iter().chain([("proofs", "two")]).chain(set) {
            form = form.set(name, value).unwrap();
        }
        boss.page = boss.browser.submit(&form).await.unwrap();
        assert_eq!(boss.page.status, if why.is_empty() { 200 } else { 422 }, "{without}");
        boss.sees(why);
    }
    assert_eq!(cloud.sql::<String>("select string_agg(p::text, '') from policies p").await, before);
}

#[tokio::test]
async fn of_two_at_once_the_second_looks_again() {
    let (cloud, _agent) = office().await;
    let (mut one, mut two) = (cloud.operator(Role::Owner).await, cloud.operator(Role::Administrator).await);
    // One has the form, the other the preview, when somebody saves.
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    let path = format!("/console/policies/{id}");
    one.opens(&path).await;
    sends_staff(&cloud, &mut two).await;
    cloud.administers(&["policy", "set", "Everybody", "--cooling-off", "48", "--yes"]);
    one.submits(&path, &[("hours", "12")]).await.sees("Somebody else has changed this");
    assert_eq!(one.page.status, 409);
    two.submits(SAVE, &[]).await.sees("not what was shown to you").sees("1 person loses");
    assert_eq!(two.page.status, 409);
    assert_eq!((names(&cloud).await, cloud.sql::<i32>("select cooling_off from policies").await), ("Everybody".to_owned(), 48));
    two.submits(SAVE, &[]).await.is_at("/console/policies");
    // What one typed is still there, and is for what holds now only once it was sent again.
    one.submits(&path, &[]).await;
    assert_eq!(one.page.status, 409, "changed once more");
    one.submits(&path, &[]).await.sees("count after 48 hours").sees("count after 12 hours");
    one.submits(SAVE, &[]).await.is_at("/console/policies");
    assert_eq!(cloud.sql::<i32>("select cooling_off from policies where name = 'Everybody'").await, 12);
    // Gone meanwhile.
    one.opens(&path).await.submits(&path, &[("hours", "13")]).await;
    cloud.administers(&["policy", "remove", "Everybody", "--yes"]);
    one.submits(SAVE, &[]).await;
    assert_eq!(one.page.status, 404);
}

#[tokio::test]
async fn nothing_else_is_saved_than_what_was_shown() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Owner).await;
    sends_staff(&cloud, &mut boss).await;
    let form = boss.page.form(SAVE).unwrap();
    let wish = &form.fields.iter().find(|(name, _)| name == "wish").unwrap().1;
    assert_eq!(wish.matches("group-").count(), 2, "it carries what was chosen: {wish}");
    let other = wish.replace("\"service\":\"no\"", "\"service\":\"yes\"");
    assert_ne!(*wish, other);
    boss.submits(SAVE, &[("wish", &other)]).await.sees("not what was shown to you");
    assert_eq!((boss.page.status, names(&cloud).await.as_str()), (409, "Everybody"));
    // Another organisation's preview is none of ours.
    let (there, _) = office().await;
    let mut stranger = there.operator(Role::Owner).await;
    sends_staff(&there, &mut stranger).await;
    let shown = stranger.page.form(SAVE).unwrap().fields.iter().find(|(name, _)| name == "shown").unwrap().1.clone();
    boss.submits(SAVE, &[("shown", &shown)]).await.sees("not what was shown to you");
    for body in ["", "wish=&shown=", "wish=%7B%7D&shown=", "wish=%7B%22move%22%3A%7B%7D%7D&shown="] {
        assert_eq!(boss.posts_form(SAVE, body).await, 400, "{body}");
    }
    assert_eq!(names(&cloud).await, "Everybody");
}

#[tokio::test]
async fn groups_may_be_called_anything() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let evil = "Staff\", <script>alert(1)</script>\n& {{name}}";
    agent.tells(&[(STAFF, evil), (LEAVERS, "Leavers")], vec![in_groups("alice", &[STAFF]), somebody("bob")]).await;
    let mut boss = cloud.operator(Role::Owner).await;
    boss.opens("/console/policies").await;
    assert!(!boss.page.body.contains("<script>alert"), "{}", boss.page.body);
    sends_staff(&cloud, &mut boss).await;
    assert!(!boss.page.body.contains("<script>alert"), "{}", boss.page.body);
    boss.sees("1 person loses");
    boss.submits(SAVE, &[]).await.sees("{{name}}");
    // A group that nobody tells of cannot be named, nor another organisation's.
    let there = Cloud::start().await;
    for (connector, guid) in [(cloud.connector, Uuid::from_u128(77)), (there.connector, STAFF)] {
        let body =
            format!("name=X&priority=7&whom=groups&service=no&proofs=one&hours=1&group-{}-{}=%2B", connector.simple(), guid.simple());
        let seen = boss.opens("/console/policies/new").await.page.form("/console/policies/new").unwrap();
        let seen = &seen.fields.iter().find(|(name, _)| name == "seen").unwrap().1;
        assert_eq!(boss.posts_form("/console/policies/new", &format!("{body}&seen={seen}")).await, 400);
    }
    // Told no more, it stays where it stands and is said to be unknown.
    agent.tells(&[(LEAVERS, "Leavers")], vec![somebody("alice"), somebody("bob")]).await;
    boss.opens("/console/policies").await.sees("No agent tells who is in").sees("no agent tells this group");
}

#[tokio::test]
async fn privileged_groups_are_marked_and_unmarked() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Administrator).await;
    let staff = field(&cloud, STAFF);
    boss.opens("/console/policies").await.submits("/console/policies/privileged", &[(&staff, "+")]).await;
    boss.sees("2 people lose self-service").sees("one usable proof, and 2 are asked");
    boss.submits(SAVE, &[]).await;
    assert_eq!(cloud.sql::<Uuid>("select group_guid from privileged_groups").await, group(&cloud, STAFF).object_guid);
    let mut form = boss.page.form("/console/policies/privileged").unwrap();
    form.fields.retain(|(name, _)| name == "seen");
    // A page from before somebody else's change is shown anew, with what it would come to now.
    cloud.administers(&["policy", "set", "Everybody", "--cooling-off", "48", "--yes"]);
    boss.page = boss.browser.submit(&form).await.unwrap();
    assert_eq!(boss.page.status, 409);
    boss.sees("not what was shown to you");
    form = boss.opens("/console/policies").await.page.form("/console/policies/privileged").unwrap();
    form.fields.retain(|(name, _)| name == "seen");
    boss.page = boss.browser.submit(&form).await.unwrap();
    boss.sees("2 people gain self-service");
    boss.submits(SAVE, &[]).await;
    let lines = "select string_agg(outcome, ' ' order by event_id) from audit_events where action = 'policy.privileged'";
    assert_eq!(cloud.sql::<String>(lines).await, "on off");
}

#[tokio::test]
async fn of_very_many_some_are_listed() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let many: Vec<String> = (0..120).map(|n| format!("person{n:03}")).collect();
    agent.tells(&[], many.iter().map(|name| somebody(name)).collect()).await;
    let mut boss = cloud.operator(Role::Owner).await;
    let id: Uuid = cloud.sql("select policy_id from policies").await;
    boss.opens(&format!("/console/policies/{id}")).await.submits(&format!("/console/policies/{id}"), &[("service", "no")]).await;
    boss.sees("120 people lose").sees("person049").sees("And 70 more.");
    assert!(!boss.page.text().contains("person050"));
}

#[tokio::test]
async fn auditors_read_them() {
    let (cloud, _agent) = office().await;
    let mut auditor = cloud.operator(Role::Auditor).await;
    auditor.opens("/console/policies").await.sees("Everybody").sees("One proof, two from whoever has more");
    assert!(!auditor.page.body.contains("/console/policies/new") && !auditor.page.body.contains("/move"), "{}", auditor.page.body);
}
