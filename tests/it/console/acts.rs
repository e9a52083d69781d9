//! What operators do for a person, and for whom they may not.

use sspr::{
    domain::{
        operators::{self, Role},
        policies::{Draft, Method},
        users::EmailAddress,
    },
    wire::{
        message::{AccountState, Person as DirectoryPerson},
        outcome::Code,
        ticket::Kind,
    },
};
use uuid::Uuid;

use super::people::{office, page_of};
use crate::support::{Cloud, Person, agent::somebody, person::seal_for};

/// Each act with what its form holds.
const ACTS: [(&str, &str); 8] = [
    ("freeze", "reason=x"),
    ("unfreeze", ""),
    ("limits", ""),
    ("look", ""),
    ("unlock", ""),
    ("method", "id=019aa000-0000-7000-8000-000000000000"),
    ("code", "number=123456"),
    ("invitation", ""),
];

async fn told(cloud: &Cloud, address: &str, mut seen: usize, words: &str) -> String {
    loop {
        let message = cloud.inbox.wait_for(address, seen).await.unwrap();
        if message.text.contains(words) || message.subject.contains(words) {
            return message.text;
        }
        seen += 1;
    }
}

async fn actors(cloud: &Cloud, action: &str, outcome: &str) -> Vec<String> {
    sqlx::query_scalar("select actor from audit_events where action = $1 and outcome = $2 order by event_id")
        .bind(action)
        .bind(outcome)
        .fetch_all(&cloud.app.db)
        .await
        .unwrap()
}

#[tokio::test]
async fn nobody_acts_for_themselves_nor_for_whoever_stands_as_high() {
    let (cloud, mut agent) = office().await;
    let boss = DirectoryPerson { mail: Some("OWNER1@staff.example".into()), ..somebody("boss") };
    let peer = DirectoryPerson { principal_name: "help_desk2@staff.example".into(), ..somebody("peer") };
    let auditor = DirectoryPerson { private_mail: Some("auditor3@staff.example".into()), ..somebody("auditor") };
    let own = DirectoryPerson { mail: Some("help_desk0@staff.example".into()), ..somebody("own") };
    agent.mirror(vec![somebody("alice"), boss, peer, auditor, own]).await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    for role in [Role::Owner, Role::HelpDesk, Role::Auditor] {
        cloud.operator(role).await;
    }
    for (name, status, says) in [
        ("own", 403, "This is your own account"),
        ("boss", 403, "a role that is not below yours"),
        ("peer", 403, "a role that is not below yours"),
        // An auditor stands below, and alice is nobody here.
        ("auditor", 0, "Freeze this account"),
        ("alice", 0, "Freeze this account"),
    ] {
        let page = page_of(&cloud, name).await;
        // One may look at anybody.
        desk.opens(&page).await.sees(says);
        let offers = desk.page.form(&format!("{page}/freeze")).is_ok();
        assert_eq!(offers, status == 0, "{name}");
        for (act, body) in ACTS {
            let answered = desk.posts_form(&format!("{page}/{act}"), body).await;
            assert_eq!(answered == 403, status == 403, "{name} {act}: {answered}");
        }
        let answered = ticket(&mut desk, &page).await.0;
        assert_eq!(answered == 403, status == 403, "{name} ticket: {answered}");
    }
    // Nor through an account that follows.
    let branch = cloud.linked_connector("Branch").await;
    let mut second = cloud.agent_of(branch).await;
    second.mirror(vec![DirectoryPerson { guid: Uuid::from_u128(9), mail: Some("owner1@staff.example".into()), ..somebody("boss2") }]).await;
    let page = page_of(&cloud, "boss2").await;
    assert_eq!(desk.posts_form(&format!("{page}/freeze"), "reason=x").await, 403);
    // An owner does not act for another owner either; an administrator for the help desk does.
    let mut owner = cloud.operator(Role::Owner).await;
    assert_eq!(owner.posts_form(&format!("{}/freeze", page_of(&cloud, "boss").await), "reason=x").await, 403);
    let mut administrator = cloud.operator(Role::Administrator).await;
    assert_eq!(administrator.posts_form(&format!("{}/freeze", page_of(&cloud, "peer").await), "reason=x").await, 200);
    // Whoever became an operator a moment ago is one.
    let alice = page_of(&cloud, "alice").await;
    let mut tx = cloud.app.begin().await.unwrap();
    let draft = operators::Draft {
        name: "Alice".into(),
        mail: EmailAddress::parse("alice@mail.example").unwrap(),
        role: Role::HelpDesk,
        groups: Vec::new(),
    };
    let source = sspr::domain::audit::Source::house("cli");
    operators::create(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, &draft).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(desk.posts_form(&format!("{alice}/unfreeze"), "").await, 403);
    assert_eq!(actors(&cloud, "account.freeze", "frozen").await.iter().filter(|actor| **actor == format!("operator:{id}")).count(), 2);
}

#[tokio::test]
async fn freezing_stops_and_lifting_lets_on() {
    let (cloud, _agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await;
    let seen = cloud.inbox.count("alice@mail.example");
    desk.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "somebody called who was not her")]).await;
    desk.is_at(&alice).sees("The account is frozen").sees("somebody called who was not her").sees("help desk 0");
    assert_ne!(person.ticket().await.0, 200);
    told(&cloud, "alice@mail.example", seen, "nothing can be reset, unlocked or changed").await;
    assert_eq!(actors(&cloud, "account.freeze", "frozen").await, [format!("operator:{id}")]);
    desk.submits(&format!("{alice}/unfreeze"), &[]).await.is_at(&alice).sees("The freeze is lifted");
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await;
    assert_eq!(person.ticket().await.0, 200);
}

#[tokio::test]
async fn what_opens_something_wants_a_second_factor_shown_lately() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    cloud.clock.advance(20 * 60);
    // The database's clock decides how long ago it was.
    sqlx::query("update operator_sessions set proved_at = proved_at - interval '20 minutes'").execute(&cloud.app.db).await.unwrap();
    agent.beat(true).await;
    desk.opens(&alice).await;
    for act in ["unfreeze", "limits"] {
        desk.posts_form(&format!("{alice}/{act}"), "").await;
        assert!(desk.page.path.starts_with("/console/prove"), "{act}: {}", desk.page.path);
    }
    for (act, body) in [("method", ACTS[5].1), ("code", "number=123456")] {
        desk.posts_form(&format!("{alice}/{act}"), body).await;
        assert!(desk.page.path.starts_with("/console/prove"), "{act}: {}", desk.page.path);
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes where lifted_at is null").await, 1);
}

#[tokio::test]
async fn limits_are_lifted_for_whoever_used_them_up() {
    let (cloud, _agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    desk.opens(&alice).await.sees("None: they have to wait for nothing");
    let mut person = Person::at(&cloud);
    person.asks_for_a_code("alice").await;
    for _ in 0..6 {
        person.opens("/reset/code").await;
        if person.page.form("/reset/code").is_ok() {
            person.submits("/reset/code", &[("code", "000000")]).await;
        }
    }
    assert_eq!(person.page.status, 429);
    desk.opens(&alice).await.sees("tries at codes that were sent").sees("Why can’t this person reset?");
    desk.submits(&format!("{alice}/limits"), &[]).await.is_at(&alice).sees("The limits are lifted").sees("Why can this person reset?");
    assert_eq!(actors(&cloud, "limits.lift", "lifted").await, [format!("operator:{id}")]);
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await;
    assert_eq!(desk.posts_form(&format!("{alice}/limits"), "").await, 200);
    desk.sees("nothing to lift");
}

#[tokio::test]
async fn an_account_is_unlocked_and_its_password_stays() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    desk.opens(&alice).await.sees("Unlocking without a new password is not switched on");
    desk.posts_form(&format!("{alice}/unlock"), "").await;
    desk.sees("is not switched on for their directory");
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs").await, 0);
    cloud.administers(&["connector", "unlock", &cloud.connector.to_string(), "on"]);
    agent.account = Some(AccountState { locked: true, ..AccountState::default() });
    let look = async {
        desk.opens(&alice).await.submits(&format!("{alice}/look"), &[]).await;
    };
    tokio::join!(look, async {
        agent.lease(2).await;
    });
    desk.sees("as the directory said");
    let seen = cloud.inbox.count("alice@mail.example");
    let ask = async {
        desk.submits(&format!("{alice}/unlock"), &[]).await;
    };
    tokio::join!(ask, async {
        let job = agent.lease_any(5).await.remove(0);
        assert_eq!((job.ticket.kind, job.ticket.user, job.envelope.is_none()), (Kind::Unlock, somebody("alice").guid, true));
        assert_eq!(agent.ends(&job, Code::Unlocked).await.status(), 204);
    });
    desk.sees("The account is unlocked");
    told(&cloud, "alice@mail.example", seen, "unlocked").await;
    assert_eq!(actors(&cloud, "reset.unlock", "accepted").await, [format!("operator:{id}")]);
    // Somebody else's job is not hers.
    let job = desk.page.path.clone();
    // What the directory said before does not hold any more.
    desk.opens(&alice).await.sees("Not known: the directory was not asked lately");
    assert!(!desk.page.text().contains("as the directory said"), "{}", desk.page.text());
    let bob = page_of(&cloud, "bob").await;
    assert_eq!(desk.opens(&job.replace(&alice, &bob)).await.page.status, 404);
    // Nor while it is frozen, nor when nobody is there to do it.
    desk.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    desk.posts_form(&format!("{alice}/unlock"), "").await;
    desk.sees("lift that first");
    cloud.clock.advance(60);
    desk.posts_form(&format!("{bob}/unlock"), "").await;
    desk.sees("It cannot work now");
}

#[tokio::test]
async fn a_lost_method_goes_and_its_owner_hears_of_it() {
    let (cloud, _agent) = office().await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    desk.opens(&alice).await.sees("Authenticator app");
    let seen = cloud.inbox.count("alice@mail.example");
    let form = desk.page.form(&format!("{alice}/method")).unwrap();
    desk.submits(&format!("{alice}/method"), &[]).await.is_at(&alice).sees("It is removed, and they are told");
    told(&cloud, "alice@mail.example", seen, "authenticator app").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 0);
    assert_eq!(actors(&cloud, "authenticator.remove", "removed").await, [format!("operator:{id}")]);
    // Pressed twice, in another window.
    desk.page = desk.browser.submit(&form).await.unwrap();
    desk.sees("It was not there any more");
    // Not somebody else's.
    cloud.registers_app("bob", time::Duration::ZERO).await;
    let bobs: Uuid = cloud.sql("select authenticator_id from authenticators").await;
    desk.posts_form(&format!("{alice}/method"), &format!("id={bobs}")).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
}

#[tokio::test]
async fn a_caller_gets_a_code_for_the_page_that_they_look_at() {
    let (cloud, _agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    desk.opens(&alice).await.sees("Their policy takes no code from the help desk");
    cloud.policy(|terms| Draft { methods: [terms.methods.clone(), vec![Method::HelpDesk]].concat(), ..terms }).await;
    let mut person = Person::at(&cloud);
    person.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    person.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
    let number: String = cloud.sql("select number from challenges where number is not null").await;
    // Of another person, and of nobody.
    let bob = page_of(&cloud, "bob").await;
    assert_eq!(desk.posts_form(&format!("{bob}/code"), &format!("number={number}")).await, 422);
    desk.sees("No page of theirs waits under this number");
    desk.opens(&alice).await.submits(&format!("{alice}/code"), &[("number", &format!("{} {}", &number[..3], &number[3..]))]).await;
    desk.sees("Read this out to them");
    let code = desk
        .page
        .text()
        .split_whitespace()
        .filter(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()))
        .take(2)
        .collect::<String>();
    assert_eq!(code.len(), 8, "{}", desk.page.text());
    person.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_eq!(actors(&cloud, "help_desk.code", "made").await, [format!("operator:{id}")]);
    told(&cloud, "alice@mail.example", 0, "help desk").await;
    // Looking again shows nothing.
    desk.opens(&format!("{alice}/code")).await.is_at(&alice);
    assert!(!desk.page.body.contains(&code[..4]));
}

#[tokio::test]
async fn an_invitation_bears_no_secret() {
    let (cloud, _agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    desk.opens(&alice).await.submits(&format!("{alice}/invitation"), &[]).await.is_at(&alice).sees("The message is on its way");
    let text = told(&cloud, "alice@mail.example", 0, "help desk").await;
    assert!(text.contains(&cloud.url) && !text.contains('#') && !text.contains('?'), "{text}");
    cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();
    assert_eq!(actors(&cloud, "user.invite", "sent").await, [format!("operator:{id}")]);
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, 0, "it begins nothing");
    // Not for somebody who could do nothing there.
    desk.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    desk.posts_form(&format!("{alice}/invitation"), "").await;
    desk.sees("not served at the moment");
    // Nor without end.
    let bob = page_of(&cloud, "bob").await;
    for _ in 0..12 {
        desk.posts_form(&format!("{bob}/invitation"), "").await;
    }
    desk.sees("Nothing was sent");
}

#[tokio::test]
async fn a_job_that_waits_says_so_and_tells_its_end() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&alice).await.submits(&format!("{alice}/look"), &[]).await.sees("Waiting for an agent");
    let job = desk.page.path.clone();
    let (_, state) = desk.browser.get_json(&format!("{job}/state")).await.unwrap();
    assert_eq!((state["state"].as_str(), state["final"].as_bool()), (Some("submitted"), Some(false)));
    agent.account = Some(AccountState { locked: true, ..AccountState::default() });
    agent.lease(2).await;
    let (_, state) = desk.browser.get_json(&format!("{job}/state")).await.unwrap();
    assert_eq!(state["final"].as_bool(), Some(true));
    desk.opens(&job).await.is_at(&alice).sees("The directory has answered");
}

/// A ticket as the page's script asks for it.
async fn ticket(desk: &mut Person, page: &str) -> (u16, serde_json::Value) {
    desk.browser.post_json(&format!("{page}/temporary/ticket"), &serde_json::json!({})).await.unwrap()
}

#[tokio::test]
async fn a_temporary_password_is_sealed_by_the_operator_and_told_to_its_owner() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let (id, mut desk) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let mut person = Person::at(&cloud);
    person.is_signed_in(&cloud, "alice").await.opens("/account").await.is_at("/account");
    let (status, permit) = ticket(&mut desk, &alice).await;
    assert_eq!((status, permit["ticket"]["kind"].as_str()), (200, Some("temporary")), "{permit}");
    let sealed = seal_for(&permit, "Kuvo-tare-mipe-58");
    // Not in another operator's session, nor in another of the same, nor for another person.
    let mut other = cloud.operator(Role::Owner).await;
    let mut elsewhere = cloud.at_console(id).await;
    let jobs = format!("{alice}/temporary/jobs");
    for stranger in [&mut other, &mut elsewhere] {
        assert_eq!(stranger.browser.post_json(&jobs, &sealed).await.unwrap().0, 409);
    }
    let bobs = format!("{}/temporary/jobs", page_of(&cloud, "bob").await);
    assert_eq!(desk.browser.post_json(&bobs, &sealed).await.unwrap().0, 409);
    // Nor for a key that is nobody's.
    let mut forged = sealed.clone();
    forged["envelopes"][0]["key"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    assert_eq!(desk.browser.post_json(&jobs, &forged).await.unwrap().0, 422);
    let seen = cloud.inbox.count("alice@mail.example");
    let (status, answer) = desk.browser.post_json(&jobs, &sealed).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    // The first answer got lost.
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 202);
    let job = agent.work(Code::Applied).await;
    assert_eq!((job.ticket.kind, agent.open(&job).unwrap().as_str()), (Kind::Temporary, "Kuvo-tare-mipe-58"));
    let (_, state) = desk.browser.get_json(answer["state"].as_str().unwrap()).await.unwrap();
    assert_eq!((state["state"].as_str(), state["final"].as_bool()), (Some("applied"), Some(true)));
    told(&cloud, "alice@mail.example", seen, "has just been changed").await;
    person.opens("/account").await.is_at("/account/sign-in");
    let own = format!("operator:{id}");
    assert_eq!(
        (actors(&cloud, "reset.ticket", "given").await, actors(&cloud, "reset.submit", "accepted").await),
        (vec![own.clone()], vec![own])
    );
    desk.opens(&alice).await.sees("help desk 0");
    assert!(!cloud.dump().await.contains("Kuvo-tare-mipe-58"));
}

#[tokio::test]
async fn a_temporary_password_is_set_for_nobody_who_may_not_have_one() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    // Whatever changes between the ticket and the password is asked again.
    let (_, permit) = ticket(&mut desk, &alice).await;
    let sealed = seal_for(&permit, "Kuvo-tare-mipe-58");
    desk.opens(&alice).await.submits(&format!("{alice}/freeze"), &[("reason", "x")]).await;
    let jobs = format!("{alice}/temporary/jobs");
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 403);
    assert_eq!(ticket(&mut desk, &alice).await.0, 403);
    desk.opens(&alice).await.submits(&format!("{alice}/unfreeze"), &[]).await;
    let (_, permit) = ticket(&mut desk, &alice).await;
    let sealed = seal_for(&permit, "Kuvo-tare-mipe-58");
    agent.mirror(vec![DirectoryPerson { enabled: false, ..somebody("alice") }, somebody("bob")]).await;
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 403);
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    cloud.administers(&["connector", "writeback", &cloud.connector.to_string(), "off"]);
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 503);
    cloud.administers(&["connector", "writeback", &cloud.connector.to_string(), "on"]);
    // Too late, and a newer one.
    let (_, newer) = ticket(&mut desk, &alice).await;
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 409);
    let sealed = seal_for(&newer, "Kuvo-tare-mipe-58");
    cloud.clock.advance(121);
    agent.beat(true).await;
    assert_eq!(desk.browser.post_json(&jobs, &sealed).await.unwrap().0, 409);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where state in ('submitted', 'leased', 'applied')").await, 0);
}

#[tokio::test]
async fn whoever_does_very_much_at_once_is_told_of_once() {
    let (cloud, mut agent) = office().await;
    agent.mirror(vec![somebody("alice")]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--alerts", "desk@corp.example"]);
    cloud.hears().await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let lifts = format!("{}/limits", page_of(&cloud, "alice").await);
    for _ in 0..19 {
        desk.posts_form(&lifts, "").await;
    }
    assert_eq!(cloud.inbox.count("desk@corp.example"), 0);
    for _ in 0..5 {
        desk.posts_form(&lifts, "").await;
    }
    let mail = told(&cloud, "desk@corp.example", 0, "within ten minutes").await;
    assert!(mail.contains("20 things") && mail.contains("help desk 0"), "{mail}");
    assert_eq!(actors(&cloud, "operator.alarm", "many").await.len(), 1);
    assert_eq!(cloud.inbox.count("desk@corp.example"), 1);
}

#[tokio::test]
async fn what_is_switched_off_nobody_does() {
    let (cloud, _agent) = office().await;
    let mut boss = cloud.operator(Role::Owner).await;
    let alice = page_of(&cloud, "alice").await;
    let acts = [
        ("invitation", "/invitation", ""),
        ("code", "/code", "number=123456"),
        ("unlock", "/unlock", ""),
        ("method", "/method", "id=019aa000-0000-7000-8000-000000000000"),
    ];
    boss.opens("/console/settings").await;
    let mut form = boss.page.form("/console/settings").unwrap();
    form.fields.retain(|(name, _)| !name.starts_with("may_"));
    boss.page = boss.browser.submit(&form).await.unwrap();
    boss.sees("Saved.");
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&alice).await.sees("Switched off for your organisation. An owner or administrator can switch it on under Settings.");
    assert_eq!(desk.page.text().matches("Switched off for your organisation").count(), 5);
    assert!(!desk.page.body.contains("/console/settings"), "it is not theirs");
    for (_, path, _) in acts {
        assert!(desk.page.form(&format!("{alice}{path}")).is_err(), "{path}");
    }
    // What a page that stood open sends is refused, whoever sends it.
    for person in [&mut desk, &mut boss] {
        for (aid, path, body) in acts {
            assert_eq!(person.posts_form(&format!("{alice}{path}"), body).await, 403, "{aid}");
            person.sees("This is switched off");
        }
        person.opens(&format!("{alice}/temporary")).await.sees("This is switched off");
        let job = serde_json::json!({ "job": Uuid::from_u128(1), "envelopes": [] });
        for (path, body) in [("ticket", serde_json::json!({})), ("jobs", job)] {
            let (status, answer) = person.browser.post_json(&format!("{alice}/temporary/{path}"), &body).await.unwrap();
            assert_eq!((status, answer["code"].as_str()), (403, Some("act_off")), "{path}");
        }
        // Freezing and looking are always there.
        assert_ne!(person.posts_form(&format!("{alice}/look"), "").await, 403);
    }
    let tenant = cloud.tenant.scope.id().to_string();
    let said = cloud.tries(&["help-desk", "code", "--user", "alice", "--number", "123456", "--operator", "me"]).unwrap_err();
    assert!(said.contains("switched off"), "{said}");
    let line = "select detail from audit_events where action = 'tenant.acts'";
    let detail: serde_json::Value = cloud.sql(line).await;
    assert_eq!(detail["after"], serde_json::json!([]), "{detail}");
    // One by one they are back.
    for (aid, path, body) in acts {
        cloud.administers(&["tenant", "set", &tenant, "--operators-may", aid]);
        for (other, path, body) in acts.into_iter().filter(|(other, ..)| *other != aid) {
            assert_eq!(desk.posts_form(&format!("{alice}{path}"), body).await, 403, "{other} while only {aid}");
        }
        assert_ne!(desk.posts_form(&format!("{alice}{path}"), body).await, 403, "{aid}");
    }
    cloud.administers(&["tenant", "set", &tenant, "--operators-may", "temporary"]);
    let (_, answer) = desk.browser.post_json(&format!("{alice}/temporary/ticket"), &serde_json::json!({})).await.unwrap();
    assert_ne!(answer["code"].as_str(), Some("act_off"));
    assert!(cloud.tries(&["tenant", "set", &tenant, "--operators-may", "dance"]).is_err());
    assert!(cloud.administers(&["tenant", "list"]).contains("may not invitation, code, unlock, method"));
}
