//! Who may reset and by which proofs, as an administrator says it; asked again when something is done, and shown before it is saved.

use serde_json::Value;
use sspr::{
    domain::{
        audit::Source,
        policies::{self, Draft, Group, Method, Refused},
    },
    wire::message::{Group as ToldGroup, MirrorBatch, Person as DirectoryPerson},
};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, Person, agent::somebody};

const STAFF: Uuid = Uuid::from_u128(0x57aff);
const LEAVERS: Uuid = Uuid::from_u128(0x1eafe);

fn in_groups(name: &str, groups: &[Uuid]) -> DirectoryPerson {
    DirectoryPerson { groups: groups.to_vec(), ..somebody(name) }
}

/// The whole directory, and these groups of it.
async fn tells(agent: &mut HandAgent, groups: &[(Uuid, &str)], people: Vec<DirectoryPerson>) {
    let groups = groups.iter().map(|(guid, name)| ToldGroup { guid: *guid, name: (*name).to_owned() }).collect();
    let pass = Uuid::now_v7();
    let batch = MirrorBatch { pass, full: true, first: true, last: true, upserts: people, groups: Some(groups), ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &batch).await.status(), 204);
}

/// alice is staff, bob is staff and leaves, carol is neither.
async fn office() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let people = vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF, LEAVERS]), somebody("carol")];
    tells(&mut agent, &[(STAFF, "Staff"), (LEAVERS, "Leavers")], people).await;
    (cloud, agent)
}

fn group(cloud: &Cloud, object_guid: Uuid) -> Group {
    Group { connector_id: cloud.connector, object_guid, name: None }
}

async fn save(cloud: &Cloud, draft: Draft) -> Result<Uuid, Refused> {
    let mut tx = cloud.app.begin().await.unwrap();
    let saved = policies::save(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), None, &draft).await.unwrap();
    if saved.is_ok() {
        tx.commit().await.unwrap();
    }
    saved
}

async fn privileged(cloud: &Cloud, object_guid: Uuid) {
    let mut tx = cloud.app.begin().await.unwrap();
    let group = group(cloud, object_guid);
    assert!(policies::mark(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), &group, true).await.unwrap());
    tx.commit().await.unwrap();
}

/// Whether a code reaches them. The page says the same in any case.
async fn is_served(cloud: &Cloud, name: &str) -> bool {
    Person::at(cloud).asks_for_a_code(name).await;
    cloud.sql::<bool>("select user_id is not null from flows order by flow_id desc limit 1").await
}

async fn served(cloud: &Cloud) -> [bool; 3] {
    [is_served(cloud, "alice").await, is_served(cloud, "bob").await, is_served(cloud, "carol").await]
}

#[tokio::test]
async fn the_first_policy_that_applies_holds() {
    let (cloud, _agent) = office().await;
    assert_eq!(served(&cloud).await, [true; 3]);
    cloud.policy(|terms| Draft { serves: false, ..terms }).await;
    assert_eq!(served(&cloud).await, [false; 3], "nobody");
    let staff = Draft {
        groups: vec![group(&cloud, STAFF)],
        exceptions: vec![group(&cloud, LEAVERS)],
        methods: vec![Method::Email],
        ..Draft::new("Staff", 10)
    };
    let policy = save(&cloud, staff.clone()).await.unwrap();
    assert_eq!(served(&cloud).await, [true, false, false], "some groups, with exceptions");
    cloud.policy(|terms| Draft { serves: true, ..terms }).await;
    assert_eq!(served(&cloud).await, [true; 3], "who is excepted falls under the next one");
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
    assert_eq!(alice.page.form("/reset/method").unwrap().choices("method"), ["email"], "only what her policy takes");
    let mut bob = Person::at(&cloud);
    bob.opens("/").await.submits("/reset", &[("name", "bob")]).await.is_at("/reset/method");
    assert_eq!(bob.page.form("/reset/method").unwrap().choices("method"), ["email", "sms"]);

    assert_eq!(save(&cloud, Draft { name: "Other".to_owned(), ..staff.clone() }).await, Err(Refused::PriorityTaken));
    assert_eq!(save(&cloud, Draft { priority: 11, ..staff }).await, Err(Refused::NameTaken));
    let mut tx = cloud.app.begin().await.unwrap();
    assert!(policies::remove(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), policy).await.unwrap());
    tx.commit().await.unwrap();
    let trail = "select string_agg(outcome, ' ' order by event_id) from audit_events where action like 'policy.%'";
    assert_eq!(cloud.sql::<String>(trail).await, "saved saved saved removed");
}

#[tokio::test]
async fn a_group_that_is_not_told_any_more_opens_no_door() {
    let (cloud, mut agent) = office().await;
    cloud.policy(|terms| Draft { exceptions: vec![group(&cloud, LEAVERS)], ..terms }).await;
    assert_eq!(served(&cloud).await, [true, false, true]);
    // The agent's settings name it no more: nobody can say who is excepted.
    tells(&mut agent, &[(STAFF, "Staff")], vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF]), somebody("carol")]).await;
    assert_eq!(served(&cloud).await, [false; 3]);
    let listed = cloud.administers(&["policy", "list"]);
    assert!(listed.contains("NOT TOLD") && listed.contains("serves nobody"), "{listed}");
}

#[tokio::test]
async fn mail_and_text_message_are_one_proof() {
    let (cloud, _agent) = office().await;
    cloud.policy(|terms| Draft { gates: 2, ..terms }).await;
    assert!(!is_served(&cloud, "alice").await, "nothing but issued codes");
    cloud.policy(|terms| Draft { apart: true, ..terms }).await;
    assert!(is_served(&cloud, "alice").await);
}

#[tokio::test]
async fn privileged_people_prove_more() {
    let (cloud, mut agent) = office().await;
    privileged(&cloud, STAFF).await;
    assert_eq!(served(&cloud).await, [false, false, true], "two classes are asked of them, and they have one");
    let terms = "select gates || ' ' || array_to_string(methods, ',') || ' ' || cooling_off from policy_of((select tenant_id from tenants),
                 (select user_id from users where sign_in_name = 'alice'))";
    assert_eq!(cloud.sql::<String>(terms).await, "2 private_email,email,totp,passkey,recovery_code 72");
    // No agent tells who is in it any more: all are asked as much.
    tells(&mut agent, &[], vec![somebody("alice"), somebody("bob"), somebody("carol")]).await;
    assert_eq!(served(&cloud).await, [false; 3]);
}

#[tokio::test]
async fn a_policy_that_changed_meanwhile_holds_for_whom_is_on_the_way() {
    let (cloud, mut agent) = office().await;
    let (mut alice, mut carol) = (Person::at(&cloud), Person::at(&cloud));
    alice.proves(&cloud, "alice").await;
    carol.proves(&cloud, "carol").await;
    let sealed = alice.seals("Correct-Horse-7").await;
    // Another method, two of them, nobody: each by itself.
    for change in [
        |terms: Draft| Draft { methods: vec![Method::Sms], ..terms },
        |terms: Draft| Draft { gates: 2, apart: true, ..terms },
        |terms: Draft| Draft { serves: false, ..terms },
    ] {
        let mut was = None;
        cloud.policy(|terms| change(was.insert(terms).clone())).await;
        let (status, answer) = alice.posts(&sealed).await;
        assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")));
        let (status, answer) = carol.ticket().await;
        assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")));
        cloud.policy(|_| was.unwrap()).await;
    }
    assert!(agent.lease(0).await.is_empty());
    let (status, answer) = alice.posts(&sealed).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test]
async fn the_mailbox_behind_the_password_proves_nothing_alone() {
    let (cloud, _agent) = office().await;
    let covered = cloud.administers(&["policy", "coverage"]);
    assert!(covered.contains("3  can reset") && !covered.contains("!"), "{covered}");
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::PrivateEmail], ..terms }).await;
    let covered = cloud.administers(&["policy", "coverage"]);
    assert!(covered.contains("3 people prove themselves by the directory's mail address alone"), "{covered}");
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--mail-domains", "Mail.Example, corp.example"]);
    cloud.hears().await;
    assert_eq!(served(&cloud).await, [false; 3]);
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Sms], gates: 2, apart: true, ..terms }).await;
    assert_eq!(served(&cloud).await, [true; 3], "beside another proof it counts");
}

#[tokio::test]
async fn who_gains_and_who_loses_is_shown_before_it_is_saved() {
    let (cloud, _agent) = office().await;
    let said = cloud.administers(&[
        "policy",
        "create",
        "Staff",
        "--groups",
        "staff",
        "--except",
        "Leavers",
        "--priority",
        "5",
        "--serves",
        "false",
    ]);
    assert!(said.contains("0 gain self-service") && said.contains("1 lose self-service"), "{said}");
    assert!(said.contains("alice: can reset -> no policy serves them") && said.contains("2 stay as they are"), "{said}");
    assert!(said.contains("Nothing was saved"), "{said}");
    assert_eq!((served(&cloud).await, cloud.sql::<i64>("select count(*) from policies").await), ([true; 3], 1));
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'policy.save'").await, 0);
    let said = cloud.administers(&["policy", "set", "Everybody", "--gates", "2", "--yes"]);
    assert!(said.contains("3 lose self-service") && said.contains("has 1 usable proofs of different classes of the 2"), "{said}");
    assert_eq!(served(&cloud).await, [false; 3]);
    for (args, why) in [
        (["policy", "set", "Everybody", "--groups", "Nobodies"], "no agent tells a group"),
        (["policy", "set", "Everybody", "--methods", "pigeon"], "there is no method"),
        (["policy", "set", "Everybody", "--methods", "email"], "two gates need methods of two classes"),
        (["policy", "set", "Nobody", "--gates", "1"], "there is no policy"),
    ] {
        let said = cloud.tries(&args).unwrap_err();
        assert!(said.contains(why), "{args:?}: {said}");
    }
    let detail: Value = cloud.sql("select detail from audit_events where action = 'policy.save' order by event_id desc limit 1").await;
    assert_eq!((&detail["before"]["gates"], &detail["after"]["gates"]), (&1.into(), &2.into()), "old and new: {detail}");
}
