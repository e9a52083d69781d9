//! Finding a person and looking at them.

use serde_json::Value;
use sspr::{
    base::id,
    domain::{
        audit::Source,
        operators::Role,
        policies::Draft,
        resets::{self, Why},
    },
    wire::{
        message::{AccountState, Group as ToldGroup, MirrorBatch, Person as DirectoryPerson},
        outcome::Code,
    },
};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, Person, agent::somebody};

pub const STAFF: Uuid = Uuid::from_u128(0x57aff);

/// Alice is staff, bob is nobody in particular.
pub async fn office() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let people = vec![DirectoryPerson { groups: vec![STAFF], ..somebody("alice") }, somebody("bob")];
    let groups = Some(vec![ToldGroup { guid: STAFF, name: "Staff".into() }]);
    let batch = MirrorBatch { pass: id::random(), full: true, first: true, last: true, upserts: people, groups, ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &batch).await.status(), 204);
    agent.account = Some(AccountState { may_reset: Some(true), ..AccountState::default() });
    (cloud, agent)
}

pub async fn page_of(cloud: &Cloud, name: &str) -> String {
    let user: Uuid = sqlx::query_scalar("select user_id from users where sign_in_name = $1 and tenant_id = $2")
        .bind(name)
        .bind(cloud.tenant.scope.id())
        .fetch_one(&cloud.app.db)
        .await
        .unwrap();
    format!("/console/people/{user}")
}

async fn found(person: &mut Person, typed: &str) -> Vec<String> {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
    let (status, answer) = person.browser.get_json(&format!("/console/people/found?{query}")).await.unwrap();
    assert_eq!(status, 200);
    answer["people"].as_array().unwrap().iter().map(|one| one["sign_in"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_finds_a_person_with_or_without_a_script() {
    let (cloud, _agent) = office().await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens("/console/people").await.sees("Type what you know of them");
    desk.opens("/console/people?q=ali").await.sees("Person alice").sees("Head office").sees("One person");
    let page = page_of(&cloud, "alice").await;
    assert!(desk.page.body.contains(&format!("href=\"{page}\"")));
    assert_eq!(found(&mut desk, "person").await, ["alice", "bob"]);
    assert_eq!(found(&mut desk, "alice@mail.example").await, ["alice"]);
    assert_eq!(found(&mut desk, "").await, Vec::<String>::new());
    desk.opens("/console/people?q=zebra").await.sees("Nobody is called that");
    desk.opens(&page).await.sees("Person alice").sees("alice").sees("Head office").sees("Why can this person reset?");
    assert!(!desk.page.body.contains("alice@mail.example"), "addresses are masked");
    desk.sees("a•••@m•••.example");
}

#[tokio::test]
async fn whoever_serves_some_groups_sees_nobody_else() {
    let (cloud, _agent) = office().await;
    let (_, mut desk) = cloud.operator_with(Role::HelpDesk, &[(cloud.connector, STAFF)]).await;
    assert_eq!(found(&mut desk, "person").await, ["alice"]);
    desk.opens("/console/people?q=person").await.sees("members of your groups only");
    assert!(!desk.page.text().contains("bob"));
    let (alice, bob) = (page_of(&cloud, "alice").await, page_of(&cloud, "bob").await);
    assert_eq!(desk.opens(&alice).await.page.status, 200);
    assert_eq!(desk.opens(&bob).await.page.status, 404);
    let nobody = desk.opens("/console/people/019aa000-0000-7000-8000-000000000000").await.page.text();
    let hidden = desk.opens(&bob).await.page.text();
    let plain = |text: &str| text.split_whitespace().filter(|word| word.len() != 10).collect::<Vec<_>>().join(" ");
    assert_eq!(plain(&hidden), plain(&nobody), "as if there were nobody");
    for act in ["freeze", "unfreeze", "limits", "look", "unlock", "method", "code", "invitation"] {
        let body = match act {
            "freeze" => "reason=x",
            "method" => "id=019aa000-0000-7000-8000-000000000000",
            "code" => "number=123456",
            _ => "",
        };
        assert_eq!(desk.posts_form(&format!("{bob}/{act}"), body).await, 404, "{act}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 0);
}

#[tokio::test]
async fn another_tenants_person_is_not_there() {
    let (cloud, _agent) = office().await;
    let (other, _theirs) = Cloud::with_people(&["carol"]).await;
    let mut owner = cloud.operator(Role::Owner).await;
    let carol = page_of(&other, "carol").await;
    assert_eq!(owner.opens(&carol).await.page.status, 404);
    assert_eq!(owner.posts_form(&format!("{carol}/freeze"), "reason=x").await, 404);
}

#[tokio::test]
async fn the_page_says_why_and_what_the_directory_said() {
    let (cloud, mut agent) = office().await;
    let mut desk = cloud.operator(Role::Administrator).await;
    let alice = page_of(&cloud, "alice").await;
    desk.opens(&alice).await.sees("Nobody has asked the directory lately");
    agent.account = Some(AccountState { locked: true, may_reset: Some(false), ..AccountState::default() });
    let ask = async {
        desk.submits(&format!("{alice}/look"), &[]).await;
    };
    tokio::join!(ask, async {
        agent.lease(2).await;
    });
    desk.is_at(&alice).sees("The directory has answered").sees("has no right to set this password").sees("as the directory said");
    assert!(desk.page.text().contains("Why can’t this person reset?"));
    let actor: String = cloud.sql("select actor from audit_events where action = 'reset.look'").await;
    assert!(actor.starts_with("operator:"), "{actor}");
    // The remedy names where it is done.
    cloud.administers(&["connector", "writeback", &cloud.connector.to_string(), "off"]);
    desk.opens(&alice).await.sees("Writeback is off for their directory");
    assert!(desk.page.body.contains("href=\"/console/connectors\""));
    let mut helper = cloud.operator(Role::HelpDesk).await;
    helper.opens(&alice).await.sees("Writeback is off for their directory");
    assert!(!helper.page.body.contains("href=\"/console/connectors\""), "that is not for them");
}

#[tokio::test]
async fn hostile_attributes_are_text() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let hostile = "<script>document.title='x'</script>\"'><img src=x onerror=alert(1)>";
    let evil = DirectoryPerson { display_name: hostile.into(), sign_in_name: "<b>mallory</b>".into(), ..somebody("mallory") };
    let groups = Some(vec![ToldGroup { guid: STAFF, name: hostile.into() }]);
    let batch =
        MirrorBatch { pass: id::random(), full: true, first: true, last: true, upserts: vec![evil], groups, ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &batch).await.status(), 204);
    sqlx::query("update connectors set name = $1").bind(&hostile[..60]).execute(&cloud.app.db).await.unwrap();
    sqlx::query("update policies set name = $1").bind(&hostile[..60]).execute(&cloud.app.db).await.unwrap();
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let mallory = page_of(&cloud, "<b>mallory</b>").await;
    desk.opens(&mallory).await;
    desk.submits(&format!("{mallory}/freeze"), &[("reason", hostile)]).await;
    let pages = ["/console/people?q=script".to_owned(), format!("/console/people?q={}", "%3Cscript%3E%22%27"), mallory.clone()];
    for path in pages {
        desk.opens(&path).await;
        assert_eq!(desk.page.status, 200, "{path}");
        for bad in ["<script>document", "<img src=x", "<b>mallory", "\"'>"] {
            assert!(!desk.page.body.contains(bad), "{path}: {bad}");
        }
    }
    desk.opens(&mallory).await.sees("document.title");
    let (_, answer): (u16, Value) = desk.browser.get_json("/console/people/found?q=script").await.unwrap();
    assert_eq!(answer["people"][0]["name"], hostile);
    agent.beat(true).await;
}

#[tokio::test]
async fn what_is_looked_for_stands_in_no_log() {
    let database = crate::support::database::fresh().await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let (cloud, _server) = Cloud::start_apart(&database, log.path()).await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens("/console/people?q=Zwiebelfisch").await.sees("Nobody is called that");
    found(&mut desk, "Zwiebelfisch").await;
    let text = std::fs::read_to_string(log.path()).unwrap();
    assert!(text.contains("/console/people"), "the request itself does");
    assert!(!text.to_lowercase().contains("zwiebelfisch"));
}

#[tokio::test]
async fn the_page_of_somebody_who_is_gone_still_tells_what_happened() {
    let (cloud, mut agent) = office().await;
    let alice = page_of(&cloud, "alice").await;
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    agent.mirror(vec![somebody("bob")]).await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&alice).await.sees("Gone from the directory").sees("there is nothing to be done").sees("Lately");
    assert_eq!(desk.posts_form(&format!("{alice}/freeze"), "reason=x").await, 409);
}

/// What is used up is no riddle: the gate says that there is a way, and each way that it must wait.
#[tokio::test]
async fn ways_that_have_to_wait_say_so() {
    let (cloud, _agent) = office().await;
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let page = page_of(&cloud, "alice").await;
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&page).await.sees("They can go on without waiting : yes");
    assert!(!desk.page.text().contains("has to wait until"));
    let mut stranger = Person::at(&cloud);
    stranger.asks_for_a_code("alice").await;
    for _ in 0..6 {
        stranger.submits("/reset/code", &[("code", "000000")]).await;
    }
    assert_eq!(stranger.page.status, 429);
    desk.opens(&page).await.sees("They can go on without waiting : yes").sees("Some of their ways have to wait");
    assert_eq!(desk.page.text().matches("has to wait until").count(), 2, "mail and text message: {}", desk.page.text());
    assert!(!desk.page.text().contains("Nothing is used up"));
}

#[tokio::test]
async fn why_somebody_froze_their_own_account_is_said_in_words() {
    let (cloud, _agent) = office().await;
    let user = cloud.user("alice").await.user_id;
    let mut tx = cloud.app.begin().await.unwrap();
    let (source, why) = (Source::house("user"), Why::Repudiated("changed", cloud.clock.seconds()));
    resets::freeze(&mut tx, &cloud.tenant, &cloud.clock, &source, user, why).await.unwrap();
    tx.commit().await.unwrap();
    let mut desk = cloud.operator(Role::HelpDesk).await;
    desk.opens(&page_of(&cloud, "alice").await).await.sees("by the person themselves: they say that this was not them: a new password");
    assert!(!desk.page.text().contains("themselves: changed"), "{}", desk.page.text());
}
