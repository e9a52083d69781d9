//! What is told by which way and at whose cost: text messages have a share of their own, and a crowd of first addresses is told once.

use sspr::{
    domain::{
        audit::Source,
        notices,
        notifications::{self, Act, Channel, Content, Message},
        policies::Method,
        resets::{self, Why},
        users,
    },
    wire::message::Person as DirectoryPerson,
};
use time::Duration;

use crate::support::{Cloud, HandAgent, agent::somebody};

/// Tell this person something, by every way there is.
pub async fn tells(cloud: &Cloud, name: &str) {
    let user = cloud.user(name).await.user_id;
    let mut tx = cloud.app.begin().await.unwrap();
    let person = users::known(&mut tx, &cloud.tenant.scope, user).await.unwrap().unwrap();
    notices::operator_acted(&mut tx, &cloud.tenant.scope, &cloud.clock, &person, Act::Code, &Source::house("cli")).await.unwrap();
    tx.commit().await.unwrap();
    cloud.app.wake_outbox();
    cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
}

async fn allows(cloud: &Cloud, settings: &[&str]) {
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&[&["tenant", "set", &tenant], settings].concat());
    cloud.hears().await;
}

fn number(name: &str) -> String {
    somebody(name).mobile.unwrap()
}

#[tokio::test]
async fn codes_use_up_no_notices_and_notices_no_codes() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), DirectoryPerson { mail: None, ..somebody("bob") }, somebody("carol")]).await;
    allows(&cloud, &["--sms-budget", "8"]).await;
    // A stranger has had all the codes sent.
    sqlx::query("insert into limits (tenant_id, subject, kind, used, until) values ($1, '', 'sms_budget', 9, now() + interval '1 day')")
        .bind(cloud.tenant.scope.id())
        .execute(&cloud.app.db)
        .await
        .unwrap();
    tells(&cloud, "alice").await;
    assert_eq!((cloud.inbox.count(&number("alice")), cloud.inbox.count("alice@mail.example")), (1, 1));
    assert_eq!(cloud.sql::<i32>("select used from limits where kind = 'sms_budget'").await, 9);
    assert_eq!(cloud.sql::<i32>("select used from limits where kind = 'sms_notices'").await, 1);
    // All notices of the day: whoever has a mailbox is told there, whoever has none is told all the same.
    sqlx::query("update limits set used = 10 where kind = 'sms_notices'").execute(&cloud.app.db).await.unwrap();
    for name in ["bob", "carol"] {
        tells(&cloud, name).await;
    }
    assert_eq!((cloud.inbox.count(&number("carol")), cloud.inbox.count("carol@mail.example")), (0, 1));
    assert_eq!(cloud.inbox.count(&number("bob")), 1);
    let kept = cloud.sql::<String>("select last_error from messages where state = 'failed'").await;
    assert!(kept.contains("used up"), "{kept}");
    let tenant = cloud.tenant.scope.id().to_string();
    let listed = cloud.administers(&["limits", "list", "--tenant", &tenant]);
    assert!(listed.lines().any(|line| line.contains("sms_notices") && line.ends_with("everybody")), "{listed}");
    // Without a budget there is no share either; with none at all there are none.
    allows(&cloud, &["--sms-budget", "0"]).await;
    tells(&cloud, "bob").await;
    assert_eq!(cloud.inbox.count(&number("bob")), 1);
}

#[tokio::test]
async fn notices_go_to_no_country_that_is_not_texted_and_one_number_gets_ten_an_hour() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), DirectoryPerson { mobile: Some("+35840123456".to_owned()), ..somebody("bob") }]).await;
    allows(&cloud, &["--sms-countries", "49", "--yes"]).await;
    for name in ["alice", "bob"] {
        tells(&cloud, name).await;
    }
    assert_eq!((cloud.inbox.count(&number("alice")), cloud.inbox.count("+35840123456")), (1, 0));
    assert_eq!(cloud.inbox.count("bob@mail.example"), 1);
    for _ in 0..11 {
        tells(&cloud, "alice").await;
    }
    assert_eq!((cloud.inbox.count(&number("alice")), cloud.inbox.count("alice@mail.example")), (10, 12));
    cloud.clock.advance(3601);
    tells(&cloud, "alice").await;
    assert_eq!(cloud.inbox.count(&number("alice")), 11);
}

async fn crowd(cloud: &Cloud, agent: &mut HandAgent, private: impl Fn(usize) -> Option<String>) {
    let people = (0..60).map(|n| DirectoryPerson { private_mail: private(n), mobile: None, ..somebody(&format!("p{n}")) });
    agent.mirror(people.collect()).await;
    cloud.app.wake_outbox();
    // Of many, some are spread over the next hour.
    cloud.until("select count(*) from messages where state = 'waiting' and due_at < created_at + interval '1 second'", 0).await;
}

#[tokio::test]
async fn first_addresses_of_a_new_attribute_are_told_once_and_one_person_s_is_told_them() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    allows(&cloud, &["--alerts", "desk@corp.example"]).await;
    crowd(&cloud, &mut agent, |_| None).await;
    // Somebody writes a mailbox of theirs into the directory, for one person.
    let sneaked = |n: usize| (n == 7).then(|| "thief@evil.example".to_owned());
    crowd(&cloud, &mut agent, sneaked).await;
    let told = cloud.inbox.wait_for("p7@mail.example", 0).await.unwrap();
    assert!(told.text.contains("your e-mail addresses"), "{}", told.text);
    assert_eq!(cloud.inbox.count("desk@corp.example"), 0);

    // An administrator has the agent read the attribute, which holds something for most; his own is another one now.
    cloud.clock.advance(3601);
    agent.beat(true).await;
    let mapped = |n: usize| (n != 3).then(|| format!("p{n}@home.example"));
    crowd(&cloud, &mut agent, mapped).await;
    let desk = cloud.inbox.wait_for("desk@corp.example", 0).await.unwrap();
    assert!(desk.text.contains("59 people have other addresses") && desk.text.contains("Head office"), "{}", desk.text);
    assert!(cloud.inbox.wait_for("thief@evil.example", 1).await.unwrap().text.contains("your e-mail addresses"), "the old one is told");
    cloud.inbox.wait_for("p7@mail.example", 1).await.unwrap();
    assert_eq!((0..60).map(|n| cloud.inbox.count(&format!("p{n}@mail.example"))).sum::<usize>(), 2, "the one person, twice");
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where action = 'mirror.addresses' and (detail ->> 'people')::int = 58").await,
        1
    );
    assert_eq!(cloud.sql::<i64>("select count(*) from users where private_mail_at is not null").await, 59, "they cool off like any other");
    // A second batch of the same hour is not told again.
    crowd(&cloud, &mut agent, |n| Some(format!("p{n}@home.example"))).await;
    assert_eq!((cloud.inbox.count("desk@corp.example"), cloud.inbox.count("p3@mail.example")), (1, 0));
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'mirror.addresses'").await, 2);
    // Replaced, they are told, all of them.
    cloud.clock.advance(3601);
    agent.beat(true).await;
    crowd(&cloud, &mut agent, |n| Some(format!("p{n}@evil.example"))).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from notices where about = 'contact'").await, 2 + 60);
}

#[tokio::test]
async fn a_list_and_people_s_own_addresses_make_no_crowd_to_hide_in() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    crowd(&cloud, &mut agent, |_| None).await;
    // An administrator's list for 25, and 25 who add a number themselves.
    let file = std::env::temp_dir().join(format!("sspr-crowd-{}.csv", cloud.tenant.scope.id()));
    let lines = (0..25).map(|n| format!("p{n},p{n}@home.example,\n")).collect::<Vec<_>>().concat();
    std::fs::write(&file, format!("name,private_mail,mobile\n{lines}")).unwrap();
    cloud.administers(&["contacts", "import", file.to_str().unwrap(), "--yes"]);
    std::fs::remove_file(&file).unwrap();
    for n in 25..50 {
        let user = cloud.user(&format!("p{n}")).await.user_id;
        let own = users::Contact::parse(Method::Sms, &format!("+49151000000{n}"));
        let mut tx = cloud.app.begin().await.unwrap();
        let set = users::set_own(&mut tx, &cloud.tenant.scope, &cloud.clock, user, Method::Sms, own.as_ref()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(set.is_some());
    }
    crowd(&cloud, &mut agent, |n| (n == 57).then(|| "thief@evil.example".to_owned())).await;
    assert!(cloud.inbox.wait_for("p57@mail.example", 0).await.unwrap().text.contains("your e-mail addresses"));
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'mirror.addresses'").await, 0);
}

#[tokio::test]
async fn nobody_who_is_frozen_or_not_served_is_asked_whether_all_is_right() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    let alice = cloud.user("alice").await.user_id;
    let mut tx = cloud.app.begin().await.unwrap();
    resets::freeze(&mut tx, &cloud.tenant, &cloud.clock, &Source::house("cli"), alice, Why::Operator("she called")).await.unwrap();
    tx.commit().await.unwrap();
    cloud.administers(&["tenant", "set", &tenant, "--reconfirm-days", "180"]);
    sspr::worker::remind(&cloud.app).await.unwrap();
    let asked = "select count(*) from users where reminded_at is not null";
    assert_eq!(cloud.sql::<i64>(asked).await, 1, "she is asked once an operator has looked");
    assert!(cloud.inbox.wait_for("bob@mail.example", 0).await.unwrap().subject.contains("still right"));
    let messages = cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await;
    // From now on self-service is for nobody.
    cloud.policy(|terms| sspr::domain::policies::Draft { serves: false, ..terms }).await;
    cloud.clock.advance(40 * 86400);
    sspr::worker::remind(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, messages);
}

#[tokio::test]
async fn a_code_by_text_message_names_the_tenant_s_own_host() {
    let cloud = Cloud::start().await;
    sqlx::query("update tenant_hosts set host = 'reset.corp.example'").execute(&cloud.app.db).await.unwrap();
    cloud.hears().await;
    let mut tx = cloud.app.begin().await.unwrap();
    let content = Content::Code { code: "012345".to_owned(), minutes: 10 };
    let message = Message { to: "+491701234567".to_owned(), name: String::new(), language: "en".to_owned(), content, only: false };
    notifications::enqueue(&mut tx, &cloud.tenant.scope, &cloud.clock, Channel::Sms, &message, None, Duration::minutes(10)).await.unwrap();
    tx.commit().await.unwrap();
    cloud.app.wake_outbox();
    let text = cloud.inbox.wait_for("+491701234567", 0).await.unwrap().text;
    assert_eq!(text.trim_end().lines().last(), Some("@reset.corp.example #012345"), "{text}");
    assert!(text.contains(" minutes. Tell it to nobody.\n"), "{text}");
}
