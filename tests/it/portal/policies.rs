//! Who may reset and by which proofs, as an administrator says it; asked again when something is done, and shown before it is saved.

use serde_json::Value;
use sspr::{
    domain::{
        audit::Source,
        policies::{self, Change, Changed, Draft, Group, Method, Refused},
        registration,
        users::{self, User},
    },
    wire::message::Person as DirectoryPerson,
};
use uuid::Uuid;

use crate::support::{
    Cloud, HandAgent, Person,
    agent::{in_groups, somebody},
};

pub const STAFF: Uuid = Uuid::from_u128(0x57aff);
pub const LEAVERS: Uuid = Uuid::from_u128(0x1eafe);

/// alice is staff, bob is staff and leaves, carol is neither.
pub async fn office() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let people = vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF, LEAVERS]), somebody("carol")];
    agent.tells(&[(STAFF, "Staff"), (LEAVERS, "Leavers")], people).await;
    (cloud, agent)
}

pub fn group(cloud: &Cloud, object_guid: Uuid) -> Group {
    Group { connector_id: cloud.connector, object_guid, name: None }
}

pub async fn changes(cloud: &Cloud, change: Change) -> Result<Changed, Refused> {
    let mut tx = cloud.app.begin().await.unwrap();
    let changed = policies::change(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("cli"), (&change, None)).await.unwrap();
    if changed.is_ok() {
        tx.commit().await.unwrap();
    }
    changed
}

/// A new one; its id.
pub async fn save(cloud: &Cloud, draft: Draft) -> Result<Uuid, Refused> {
    let name = draft.name.clone();
    let Changed { after, .. } = changes(cloud, Change::Save(None, draft)).await?;
    Ok(after.policies.iter().find(|one| one.terms.name == name).unwrap().policy_id)
}

pub async fn privileged(cloud: &Cloud, object_guid: Uuid) {
    changes(cloud, Change::Privilege(vec![group(cloud, object_guid)])).await.unwrap();
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
    changes(&cloud, Change::Remove(policy)).await.unwrap();
    let trail = "select string_agg(outcome, ' ' order by event_id) from audit_events where action like 'policy.%'";
    assert_eq!(cloud.sql::<String>(trail).await, "saved saved saved removed");
}

#[tokio::test]
async fn a_group_that_is_not_told_any_more_opens_no_door() {
    let (cloud, mut agent) = office().await;
    cloud.policy(|terms| Draft { exceptions: vec![group(&cloud, LEAVERS)], ..terms }).await;
    assert_eq!(served(&cloud).await, [true, false, true]);
    // The agent's settings name it no more: nobody can say who is excepted.
    agent.tells(&[(STAFF, "Staff")], vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF]), somebody("carol")]).await;
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
    agent.tells(&[], vec![somebody("alice"), somebody("bob"), somebody("carol")]).await;
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
    assert!(covered.contains("3  can reset, and the mail address of the directory alone would do"), "{covered}");
    assert!(covered.contains("3 people can prove themselves by the directory's mail address alone"), "{covered}");
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::PrivateEmail], ..terms }).await;
    let covered = cloud.administers(&["policy", "coverage"]);
    assert!(covered.contains("3 people can prove themselves by the directory's mail address alone"), "{covered}");
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--mail-domains", "Mail.Example, corp.example", "--yes"]);
    cloud.hears().await;
    assert_eq!(served(&cloud).await, [false; 3]);
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Sms], gates: 2, apart: true, ..terms }).await;
    assert_eq!(served(&cloud).await, [true; 3], "beside another proof it counts");
}

/// What is typed there decides who can prove themselves: a slip of the pen is told, and nothing is saved that was not shown.
#[tokio::test]
async fn mail_domains_and_countries_are_checked_and_weighed_before_they_are_saved() {
    let (cloud, _agent) = office().await;
    let tenant = cloud.tenant.scope.id().to_string();
    let sets = |args: &[&str]| cloud.tries(&[&["tenant", "set", &tenant], args].concat());
    let kept = "select concat(mail_domains, sms_countries) from tenants";
    for bad in ["not a domain", "http://mail.example", "*.example", "mail.example."] {
        let said = sets(&["--mail-domains", bad, "--yes"]).unwrap_err();
        assert!(said.contains("that is no mail domain"), "{bad}: {said}");
    }
    let elsewhere = "3 people can prove themselves by an address of the directory alone that is in no named mail domain: mail.example (3)";
    let unused = "Nobody has a mail address at mial.example";
    let said = sets(&["--mail-domains", "mial.example"]).unwrap();
    assert!(said.contains(elsewhere) && said.contains(unused) && said.contains("Nothing was saved"), "{said}");
    assert_eq!(cloud.sql::<String>(kept).await, "{}{}");
    sets(&["--mail-domains", "mial.example", "--yes"]).unwrap();
    let said = cloud.administers(&["policy", "coverage"]);
    assert!(said.contains(elsewhere) && said.contains(unused), "{said}");
    let said = sets(&["--mail-domains", "mail.example", "--yes"]).unwrap();
    assert!(said.contains("0 lose self-service") && !said.contains('!') && said.contains("Saved."), "{said}");
    // What is left to them is a text message.
    let said = sets(&["--sms-countries", "43"]).unwrap();
    let alice = "alice: can reset -> has 0 usable proofs of the 1 of different classes that are asked";
    assert!(said.contains("3 lose self-service") && said.contains(alice) && said.contains("Nothing was saved"), "{said}");
    assert_eq!(cloud.sql::<String>(kept).await, "{mail.example}{}");
    sets(&["--sms-countries", "43", "--yes"]).unwrap();
    assert_eq!(cloud.sql::<String>(kept).await, "{mail.example}{43}");
}

#[tokio::test]
async fn whom_the_help_desk_alone_lets_in_is_no_loss() {
    let (cloud, _agent) = office().await;
    let said = cloud.administers(&["policy", "set", "Everybody", "--methods", "help_desk", "--yes"]);
    assert!(said.contains("0 lose self-service") && said.contains("3 stay as they are"), "{said}");
    let said = cloud.administers(&["policy", "coverage"]);
    assert!(said.contains("3  can reset, by the help desk alone"), "{said}");
    let said = cloud.administers(&["registration", "campaign", "unable"]);
    assert!(said.contains("3 of 3 people would be asked"), "they have nothing of their own: {said}");
}

/// Somebody may be limited by several things that are one.
#[tokio::test]
async fn whoever_waits_is_named_once() {
    let (cloud, mut agent) = office().await;
    agent.mirror(vec![DirectoryPerson { private_mail: Some("alice@mail.example".to_owned()), ..somebody("alice") }]).await;
    let subject = User::destination(&cloud.tenant.scope, "alice@mail.example");
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let named = users::whose(&mut conn, &cloud.tenant.scope, std::slice::from_ref(&subject)).await.unwrap();
    assert_eq!(named[&subject], "alice");
}

/// Whoever entered it as a private one.
#[tokio::test]
async fn a_private_mailbox_behind_the_password_proves_nothing_alone_either() {
    let (cloud, mut agent) = office().await;
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let private = |name: &str| DirectoryPerson { private_mail: Some(format!("{name}@corp.example")), ..somebody(name) };
    agent.mirror(["alice", "bob", "carol"].map(private).to_vec()).await;
    let choices = async |cloud: &Cloud| {
        let mut alice = Person::at(cloud);
        alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
        alice.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(choices(&cloud).await, ["private_email", "email", "sms"]);
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--mail-domains", "corp.example", "--yes"]);
    cloud.hears().await;
    assert_eq!(choices(&cloud).await, ["email", "sms"]);
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
    assert!(
        said.contains("alice: can reset, and the mail address of the directory alone would do -> no policy serves them")
            && said.contains("2 stay as they are"),
        "{said}"
    );
    assert!(said.contains("Nothing was saved"), "{said}");
    assert_eq!((served(&cloud).await, cloud.sql::<i64>("select count(*) from policies").await), ([true; 3], 1));
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'policy.save'").await, 0);
    let said = cloud.administers(&["policy", "set", "Everybody", "--gates", "2", "--yes"]);
    assert!(said.contains("3 lose self-service") && said.contains("has 1 usable proof of the 2 of different classes"), "{said}");
    assert_eq!(served(&cloud).await, [false; 3]);
    for (args, why) in [
        (["policy", "set", "Everybody", "--groups", "Nobodies"], "no agent tells a group"),
        (["policy", "set", "Everybody", "--methods", "pigeon"], "there is no method"),
        (["policy", "set", "Everybody", "--gates", "3"], "the gates 1 or 2"),
        (["policy", "set", "Everybody", "--methods", "email"], "two gates need methods of two classes"),
        (["policy", "set", "Nobody", "--gates", "1"], "there is no policy"),
    ] {
        let said = cloud.tries(&args).unwrap_err();
        assert!(said.contains(why), "{args:?}: {said}");
    }
    let detail: Value = cloud.sql("select detail from audit_events where action = 'policy.save' order by event_id desc limit 1").await;
    assert_eq!((&detail["before"]["gates"], &detail["after"]["gates"]), (&1.into(), &2.into()), "old and new: {detail}");
}

#[tokio::test]
async fn an_address_that_changed_proves_nothing_for_a_while() {
    let (cloud, mut agent) = office().await;
    let choices = async |cloud: &Cloud| {
        let mut alice = Person::at(cloud);
        alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
        alice.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(choices(&cloud).await, ["email", "sms"]);
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    let moved = DirectoryPerson {
        mobile: Some("+491701234599".to_owned()),
        private_mail: Some("alice@home.example".to_owned()),
        ..in_groups("alice", &[STAFF])
    };
    agent.mirror(vec![moved.clone()]).await;
    assert_eq!(choices(&cloud).await, ["email"], "neither the new number nor the new mailbox");
    // The same again begins nothing anew; another name does not either.
    cloud.clock.advance(50 * 60);
    agent.mirror(vec![DirectoryPerson { display_name: "Alice Other".to_owned(), ..moved }]).await;
    cloud.clock.advance(9 * 60);
    agent.beat(true).await;
    assert_eq!(choices(&cloud).await, ["email"]);
    cloud.clock.advance(120);
    agent.beat(true).await;
    assert_eq!(choices(&cloud).await, ["private_email", "email", "sms"]);
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    agent.mirror(vec![in_groups("alice", &[STAFF])]).await;
    assert_eq!(choices(&cloud).await, ["email", "sms"], "where the policy wants no cooling-off");
}

#[tokio::test]
async fn people_are_asked_to_register_and_to_confirm() {
    let (cloud, _agent) = office().await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Totp], ..terms }).await;
    let said = cloud.administers(&["registration", "campaign", "unable"]);
    assert!(said.contains("3 people would be asked. Nothing was sent"), "{said}");
    assert_eq!(cloud.sql::<i64>("select count(*) from messages").await, 0);
    let said = cloud.administers(&["registration", "campaign", "unable", "--yes"]);
    assert!(said.contains("3 of 3 people are asked"), "{said}");
    // By a slip, twice: nobody hears of it a second time.
    for (args, told) in [(&["all"][..], "0 of 0 people would be asked"), (&["all", "--yes"], "0 of 0 people are asked")] {
        let said = cloud.administers(&[&["registration", "campaign"], args].concat());
        assert!(said.contains("3 were asked in the last 7 days and are left out.") && said.contains(told), "{said}");
    }
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    assert!(mail.text.contains(&format!("by hand: {}/account", cloud.url)), "{}", mail.text);
    assert!(mail.text.contains("never give your password to a page that a mail led you to"), "as the mail says before a password runs out");

    // Who was asked a moment ago is not asked again; who confirmed is asked when the time has come.
    cloud.administers(&["tenant", "set", &tenant, "--reconfirm-days", "180"]);
    sspr::worker::remind(&cloud.app).await.unwrap();
    assert_eq!(cloud.inbox.count("alice@mail.example"), 1);
    let mut tx = cloud.app.begin().await.unwrap();
    let alice: Uuid = cloud.sql("select user_id from users where sign_in_name = 'alice'").await;
    registration::confirm(&mut tx, &cloud.tenant.scope, &cloud.clock, &Source::house("user"), alice).await.unwrap();
    tx.commit().await.unwrap();
    cloud.clock.advance(40 * 86400);
    for _ in 0..2 {
        sspr::worker::remind(&cloud.app).await.unwrap();
    }
    let mail = cloud.inbox.wait_for("bob@mail.example", 1).await.unwrap();
    assert!(mail.text.contains("still") || mail.text.contains("look at the ways"), "{}", mail.text);
    assert_eq!((cloud.inbox.count("alice@mail.example"), cloud.inbox.count("bob@mail.example")), (1, 2));
    cloud.clock.advance(141 * 86400);
    sspr::worker::remind(&cloud.app).await.unwrap();
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
}

#[tokio::test]
async fn a_pass_that_names_almost_nobody_removes_nobody_until_it_is_meant() {
    let (cloud, mut agent) = office().await;
    let connector = cloud.connector.to_string();
    let people = |count: usize| (0..count).map(|n| somebody(&format!("p{n}"))).collect::<Vec<_>>();
    let here = "select count(*) from users where removed_at is null";
    // Three leave and thirty come: as ever.
    agent.mirror(people(30)).await;
    assert_eq!(cloud.sql::<i64>(here).await, 30);
    agent.mirror(people(20)).await;
    assert_eq!(cloud.sql::<i64>(here).await, 20, "a third");
    agent.mirror(people(40)).await;
    // A new agent with another unit in its settings.
    agent.mirror(people(4)).await;
    assert_eq!(cloud.sql::<i64>(here).await, 40);
    let listed = cloud.administers(&["connector", "list"]);
    assert!(listed.contains("36 people") && listed.contains("accept-removals"), "{listed}");
    // They are back: nothing is held any more.
    agent.mirror(people(40)).await;
    assert!(!cloud.administers(&["connector", "list"]).contains("accept-removals"));
    assert!(cloud.administers(&["connector", "accept-removals", &connector]).contains("Nobody"));
    agent.mirror(people(4)).await;
    assert!(cloud.administers(&["connector", "accept-removals", &connector]).contains("36 people"));
    assert_eq!(cloud.sql::<i64>(here).await, 4);
    let trail = "select string_agg(outcome, ' ' order by event_id) from audit_events where action = 'mirror.removals'";
    assert_eq!(cloud.sql::<String>(trail).await, "held held accepted");
}

#[tokio::test]
async fn contact_data_is_imported_counts_before_the_directorys_and_is_told() {
    let (cloud, mut agent) = office().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("contacts.csv");
    let path = file.display().to_string();
    let list = |lines: &str| std::fs::write(&file, format!("name,private_mail,mobile\n{lines}")).unwrap();
    let guid = somebody("bob").guid;
    list(&format!("Alice,alice@home.example,\n{guid},,+49 170 9999999\n"));
    let said = cloud.administers(&["contacts", "import", &path]);
    assert!(said.contains("2 people would have other addresses, of 2") && said.contains("Nothing was saved"), "{said}");
    assert!(said.contains("gets the private mailbox a•••@h•••.example") && said.contains("changes the number +•"), "{said}");
    assert!(!said.contains("home.example") && !said.contains("9999999"), "{said}");
    assert_eq!(cloud.sql::<i64>("select count(*) from users where listed_private_mail is not null or listed_mobile is not null").await, 0);
    cloud.administers(&["contacts", "import", &path, "--yes"]);
    // Told at the old addresses and the new one; and no proof yet.
    for address in ["alice@home.example", "alice@mail.example", "bob@mail.example", "+491709999999"] {
        cloud.inbox.wait_for(address, 0).await.unwrap();
    }
    let choices = async |name: &str| {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
        person.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(choices("alice").await, ["email", "sms"]);
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    assert_eq!(choices("alice").await, ["private_email", "email", "sms"]);
    // The directory's own word does not replace it, and nobody is told of what did not change.
    let told = cloud.inbox.count("alice@mail.example");
    let renamed = DirectoryPerson { display_name: "Alice Other".to_owned(), mobile: None, ..in_groups("alice", &[STAFF]) };
    agent.mirror(vec![renamed, DirectoryPerson { mobile: Some("+491701111111".to_owned()), ..somebody("bob") }, somebody("carol")]).await;
    assert_eq!(choices("alice").await, ["private_email", "email"]);
    assert_eq!(cloud.inbox.count("bob@mail.example"), 1);
    cloud.inbox.wait_for("alice@mail.example", told).await.unwrap();
    // Given back.
    list("alice,-,\nbob,,-\n");
    cloud.administers(&["contacts", "import", &path, "--yes"]);
    agent.mirror(vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF]), somebody("carol")]).await;
    assert_eq!(choices("alice").await, ["email", "sms"]);
    for (lines, why) in [
        ("alice,nobody,\n", "no mail address"),
        ("alice,,0170 1\n", "country code"),
        ("nobody,,+49 170 1234567\n", "there is no"),
        ("alice,,+49 170 1234567\nALICE,a@b.example,\n", "stands in a line before"),
    ] {
        list(lines);
        let said = cloud.tries(&["contacts", "import", &path, "--yes"]).unwrap_err();
        assert!(said.contains(why) && said.contains("nothing was changed"), "{said}");
    }
    std::fs::write(&file, "alice,a@b.example,\n").unwrap();
    assert!(cloud.tries(&["contacts", "import", &path]).unwrap_err().contains("first line"));
}

/// What is offered to whoever types this name.
async fn offered(cloud: &Cloud, name: &str) -> Vec<String> {
    let mut person = Person::at(cloud);
    person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
    person.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect()
}

#[tokio::test]
async fn a_flow_that_began_before_the_address_changed_sends_nothing_there() {
    let (cloud, mut agent) = office().await;
    let mut thief = Person::at(&cloud);
    thief.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
    agent.mirror(vec![DirectoryPerson { mail: Some("thief@evil.example".to_owned()), ..in_groups("alice", &[STAFF]) }]).await;
    thief.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code");
    let told = cloud.inbox.wait_for("thief@evil.example", 0).await.unwrap();
    assert!(told.text.contains("your e-mail addresses"), "{}", told.text);
    let sent = "select string_agg(channel, ' ') from messages where topic is not null";
    assert_eq!(cloud.sql::<String>(sent).await, "none", "the code goes nowhere");
}

#[tokio::test]
async fn an_address_set_while_the_account_was_away_cools_off_when_it_is_back() {
    let (cloud, mut agent) = office().await;
    let other = |enabled| DirectoryPerson { enabled, mail: Some("thief@evil.example".to_owned()), ..in_groups("alice", &[STAFF]) };
    agent.mirror(vec![DirectoryPerson { enabled: false, ..in_groups("alice", &[STAFF]) }, somebody("carol")]).await;
    agent.mirror(vec![other(false), somebody("carol")]).await;
    agent.mirror(vec![other(true), somebody("carol")]).await;
    assert_eq!(offered(&cloud, "alice").await, ["sms"], "disabled");
    // bob has gone with that, and comes back.
    agent.mirror(vec![somebody("alice"), in_groups("bob", &[STAFF]), somebody("carol")]).await;
    offered(&cloud, "bob").await;
    assert!(cloud.sql::<bool>("select user_id is null from flows order by flow_id desc limit 1").await, "all of his is new");
}

#[tokio::test]
async fn a_policy_whose_group_is_not_told_lets_nobody_fall_through() {
    let (cloud, mut agent) = office().await;
    let leavers = Draft { groups: vec![group(&cloud, LEAVERS)], serves: false, ..Draft::new("Leavers", 1) };
    save(&cloud, leavers).await.unwrap();
    assert_eq!(served(&cloud).await, [true, false, true]);
    agent.tells(&[(STAFF, "Staff")], vec![in_groups("alice", &[STAFF]), in_groups("bob", &[STAFF]), somebody("carol")]).await;
    assert_eq!(served(&cloud).await, [false; 3], "nobody can say who they are");
}

#[tokio::test]
async fn two_proofs_of_one_class_do_not_verify_even_together() {
    let (cloud, _agent) = office().await;
    let mut alice = Person::at(&cloud);
    let seen = cloud.inbox.count("alice@mail.example");
    alice.asks_for_a_code("alice").await;
    let code = crate::support::person::code_in(&cloud.inbox.wait_for("alice@mail.example", seen).await.unwrap().text);
    // The other one's statement was first.
    sqlx::query("update flows set passed = '{sms}', gates = 2").execute(&cloud.app.db).await.unwrap();
    alice.submits("/reset/code", &[("code", &code)]).await;
    assert_eq!(cloud.sql::<String>("select state || ' ' || array_to_string(passed, ',') from flows").await, "proving sms");
}

#[tokio::test]
async fn where_nobody_can_pass_two_gates_all_names_look_as_if_they_could() {
    let (cloud, _agent) = office().await;
    cloud.policy(|terms| Draft { gates: 2, ..terms }).await;
    for name in ["alice", "carol", "ghost", "somebody.else"] {
        assert_eq!(offered(&cloud, name).await, ["totp", "email"], "{name}");
    }
}

#[tokio::test]
async fn the_mailbox_behind_the_password_may_go_before_the_password() {
    let (cloud, mut agent) = office().await;
    agent.mirror(vec![DirectoryPerson { mobile: None, ..somebody("alice") }, somebody("carol")]).await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    offered(&cloud, "alice").await;
    assert!(cloud.sql::<bool>("select user_id is null from flows order by flow_id desc limit 1").await, "alone it proves nothing");
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/account/sign-in", "alice").await.is_at("/account/password");
}

#[tokio::test]
async fn an_account_that_follows_is_held_to_its_own_policy() {
    let (cloud, _agent) = office().await;
    let branch = cloud.linked_connector("Branch").await;
    let mut second = cloud.agent_of(branch).await;
    let follows = "select count(*) from users u, followers_of(u.tenant_id, u.user_id) where u.sign_in_name = 'alice'";
    let adm = |groups: &[Uuid]| DirectoryPerson { mail: Some("alice@mail.example".to_owned()), ..in_groups("adm-alice", groups) };
    second.tells(&[(STAFF, "Admins")], vec![adm(&[STAFF])]).await;
    assert_eq!(cloud.sql::<i64>(follows).await, 1);
    let admins = Group { connector_id: branch, object_guid: STAFF, name: None };
    changes(&cloud, Change::Privilege(vec![admins.clone()])).await.unwrap();
    assert_eq!(cloud.sql::<i64>(follows).await, 0, "privileged there");
    second.tells(&[(STAFF, "Admins")], vec![adm(&[])]).await;
    assert_eq!(cloud.sql::<i64>(follows).await, 1);
    save(&cloud, Draft { groups: vec![admins], serves: false, ..Draft::new("Admins", 1) }).await.unwrap();
    second.tells(&[(STAFF, "Admins")], vec![adm(&[STAFF])]).await;
    assert_eq!(cloud.sql::<i64>(follows).await, 0, "not served there");
}
