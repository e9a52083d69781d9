//! More is asked of whoever has more, and whoever has nothing is not left alone: the policy that a tenant begins with, and the help desk.

use std::time::Duration as Wait;

use sspr::{
    base::id,
    domain::policies::{Draft, Method},
    wire::message::{Group, MirrorBatch, Person as DirectoryPerson},
};
use time::Duration;
use uuid::Uuid;

use crate::support::{
    Cloud, Person,
    agent::somebody,
    authenticator::{Passkey, app_shows},
    person::{code_in, code_to},
};

async fn begins(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
    person
}

fn choices(person: &Person) -> Vec<String> {
    person.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect()
}

async fn shows_code(cloud: &Cloud, person: &mut Person, secret: &str) {
    person.opens("/reset/method").await.submits("/reset/method", &[("method", "totp")]).await;
    person.submits("/reset/code", &[("code", &app_shows(secret, cloud.clock.seconds()))]).await;
}

#[tokio::test]
async fn whoever_has_an_app_proves_two_and_whoever_has_none_proves_one() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let codes = cloud.makes_codes("bob").await;
    // By directory data alone.
    let mut carol = Person::at(&cloud);
    carol.proves(&cloud, "carol").await;
    // Codes that somebody printed with a password that is no longer his open nothing alone; nor does the mailbox.
    let mut bob = begins(&cloud, "bob").await;
    bob.submits("/reset/method", &[("method", "recovery_code")]).await.submits("/reset/code", &[("code", &codes[0])]).await;
    bob.is_at("/reset/method").sees("proof 2 of 2");
    assert_eq!(bob.ticket().await.0, 403);
    let mut bob = Person::at(&cloud);
    bob.proves_from(&cloud, "/", "bob").await.is_at("/reset/method").sees("proof 2 of 2");
    bob.submits("/reset/method", &[("method", "recovery_code")]).await.submits("/reset/code", &[("code", &codes[1])]).await;
    bob.is_at("/reset/password");
    assert_eq!(bob.ticket().await.0, 200);

    // Whoever has got into her mailbox has not got her account.
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/", "alice").await.is_at("/reset/method").sees("proof 2 of 2");
    assert_eq!(choices(&alice), ["totp"]);
    assert_ne!(alice.ticket().await.0, 200);
    shows_code(&cloud, &mut alice, &secret).await;
    alice.is_at("/reset/password");
    assert_eq!(alice.ticket().await.0, 200);
    // Signing in takes one, and then the password.
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/account/sign-in", "alice").await.is_at("/account/password");
}

#[tokio::test]
async fn a_passkey_is_as_good_as_two() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut passkey = Passkey::new();
    cloud.registers_passkey("alice", &mut passkey).await;
    let mut alice = begins(&cloud, "alice").await;
    alice.sees("proof 1 of 2").sees("Your passkey is enough by itself");
    alice.submits("/reset/method", &[("method", "passkey")]).await;
    assert!(!alice.page.text().contains("of 2"));
    let (status, options) = alice.browser.post_json("/reset/passkey/challenge", &serde_json::json!({})).await.unwrap();
    assert_eq!(status, 200, "{options}");
    let answer = passkey.signs(&options, &cloud.url).to_string();
    alice.submits("/reset/passkey", &[("answer", &answer)]).await.is_at("/reset/password");
    assert_eq!(alice.ticket().await.0, 200);
    // Her mailbox is not.
    let mut thief = Person::at(&cloud);
    thief.proves_from(&cloud, "/", "alice").await.is_at("/reset/method");
    assert_eq!(choices(&thief), ["passkey"]);
    // Where the policy asks two of everybody, it is one of them.
    cloud.gates(2).await;
    let mut alice = begins(&cloud, "alice").await;
    assert!(!alice.page.text().contains("enough by itself"));
    alice.submits("/reset/method", &[("method", "passkey")]).await;
    let (_, options) = alice.browser.post_json("/reset/passkey/challenge", &serde_json::json!({})).await.unwrap();
    let answer = passkey.signs(&options, &cloud.url).to_string();
    alice.submits("/reset/passkey", &[("answer", &answer)]).await.is_at("/reset/method").sees("proof 2 of 2");
}

#[tokio::test]
async fn nobody_is_shut_out_by_having_an_app_alone() {
    let (cloud, mut agent) = Cloud::with_people(&["alice"]).await;
    agent.mirror(vec![somebody("alice"), DirectoryPerson { mail: None, mobile: None, ..somebody("carol") }]).await;
    let secret = cloud.registers_app("carol", Duration::ZERO).await;
    let mut carol = begins(&cloud, "carol").await;
    assert_eq!(choices(&carol), ["totp"]);
    shows_code(&cloud, &mut carol, &secret).await;
    carol.is_at("/reset/password");
    // A mailbox behind the forgotten password counts beside the app, and alone it does not.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Totp], ..terms }).await;
    assert!(cloud.administers(&["policy", "coverage"]).contains("has 0 usable proofs"), "alice");
    cloud.registers_app("alice", Duration::ZERO).await;
    assert_eq!(choices(&begins(&cloud, "alice").await), ["totp", "email"]);
    assert!(cloud.administers(&["policy", "list"]).contains("1 (2 from whoever has an app, a passkey or recovery codes) of"));
}

/// The number on the page.
fn number(person: &Person) -> String {
    let text = person.page.text();
    let (_, after) = text.split_once("Your number").expect("a number");
    after.split_whitespace().take(2).collect()
}

/// As the page shows it, but for what belongs to one name.
fn plain(person: &Person) -> String {
    let text = person.page.text();
    let text = text
        .split_once("Your number")
        .map_or(text.clone(), |(before, after)| format!("{before}{}", after.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")));
    text.split(' ').map(|word| if word.contains('•') { "MASKED" } else { word }).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_help_desk_can_let_in_whoever_has_nothing_left() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    let carol = DirectoryPerson { mail: None, mobile: None, ..somebody("carol") };
    agent.mirror(vec![somebody("alice"), somebody("bob"), carol.clone()]).await;
    let calls = |number: &str| cloud.tries(&["help-desk", "code", "--user", "carol", "--number", number, "--operator", "Hugo Help"]);

    // What she sees is what everybody sees, whether or not there is somebody.
    let mut page = begins(&cloud, "carol").await;
    let mut nobody = begins(&cloud, "nobody").await;
    assert_eq!(plain(&page), plain(&nobody));
    for person in [&mut page, &mut nobody] {
        person.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
    }
    assert_eq!(plain(&page), plain(&nobody));
    assert!(calls(&number(&nobody)).unwrap_err().contains("no page"));

    // An address that came today proves nothing today, and gets nothing because the help desk was called.
    agent.mirror(vec![somebody("alice"), somebody("bob"), DirectoryPerson { mail: Some("thief@mail.example".to_owned()), ..carol }]).await;
    cloud.inbox.wait_for("thief@mail.example", 0).await.unwrap();
    let code = calls(&number(&page)).unwrap();
    let told = cloud.inbox.wait_for("thief@mail.example", 1).await.unwrap();
    assert!(!told.text.contains(code.trim()), "the notice has no code: {}", told.text);
    let mut other = page.browser.open("/reset/method").await.unwrap();
    assert!(!other.text().contains("E-mail"), "{}", other.text());
    let stale = begins(&cloud, "alice").await.page.form("/reset/method").unwrap().set("method", "email").unwrap();
    other = page.browser.submit(&stale).await.unwrap();
    assert_eq!(other.status, 422, "{}", other.text());
    tokio::time::sleep(Wait::from_millis(300)).await;
    assert_eq!(cloud.inbox.count("thief@mail.example"), 2, "her notices");

    page.opens("/reset/code").await.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    page.sets("Correct-Horse-7").await;
    let job = agent.lease(5).await.remove(0);
    assert_eq!(job.ticket.user, somebody("carol").guid);
}

#[tokio::test]
async fn guesses_at_the_help_desks_code_count_for_whoever_was_nobody_before() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), DirectoryPerson { mail: None, mobile: None, ..somebody("carol") }]).await;
    // Under two of her names.
    for name in ["carol", "CAROL@corp.example"] {
        let mut carol = begins(&cloud, name).await;
        carol.submits("/reset/method", &[("method", "help_desk")]).await;
        cloud.administers(&["help-desk", "code", "--user", "carol", "--number", &number(&carol), "--operator", "Hugo Help"]);
        for _ in 0..3 {
            carol.submits("/reset/code", &[("code", "0000 0000")]).await;
        }
    }
    let most = "select max(used)::int8 from limits where kind = 'help_desk_try' and subject in (select unnest(subjects) from flows where user_id is not null)";
    assert!(cloud.sql::<i64>(most).await >= 6, "{}", cloud.sql::<i64>(most).await);
    cloud.administers(&["user", "freeze", "--tenant", &cloud.tenant.scope.id().to_string(), "carol"]);
    let mut carol = begins(&cloud, "carol").await;
    carol.submits("/reset/method", &[("method", "help_desk")]).await;
    let said = cloud.tries(&["help-desk", "code", "--user", "carol", "--number", &number(&carol), "--operator", "Hugo Help"]);
    assert!(said.unwrap_err().contains("is frozen since"));
}

/// To choose the app takes no proof: whoever knows a name can guess there, at every window anew.
#[tokio::test]
async fn a_stranger_does_not_shut_the_owner_out_of_the_app() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    for wait in [0, 10 * 60 + 1, 20 * 60 + 1, 40 * 60 + 1] {
        cloud.clock.advance(wait);
        agent.beat(true).await;
        let mut stranger = begins(&cloud, "alice").await;
        stranger.submits("/reset/method", &[("method", "totp")]).await;
        for _ in 0..6 {
            stranger.submits("/reset/code", &[("code", "000000")]).await;
        }
        assert_eq!(stranger.page.status, 429);
    }
    agent.beat(true).await;
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/", "alice").await.is_at("/reset/method");
    shows_code(&cloud, &mut alice, &secret).await;
    alice.is_at("/reset/password");
}

/// Nor out of the mailed codes, for whoever has shown the app first: a stranger needs the name alone to have them sent and to guess at them.
#[tokio::test]
async fn a_stranger_does_not_shut_the_owner_out_of_what_is_sent() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    for _ in 0..6 {
        let mut stranger = begins(&cloud, "alice").await;
        stranger.submits("/reset/method", &[("method", "email")]).await.submits("/reset/code", &[("code", "000000")]).await;
        cloud.clock.advance(31);
        agent.beat(true).await;
    }
    let sent = "select count(*) from challenges";
    let before = cloud.sql::<i64>(sent).await;
    let mut stranger = begins(&cloud, "alice").await;
    stranger.submits("/reset/method", &[("method", "sms")]).await;
    assert_eq!(cloud.sql::<i64>(sent).await, before, "what may be sent is used up");
    stranger.opens("/reset/code").await.submits("/reset/code", &[("code", "000000")]).await;
    assert_eq!(stranger.page.status, 429, "and so are tries");

    let mut alice = begins(&cloud, "alice").await;
    shows_code(&cloud, &mut alice, &secret).await;
    alice.is_at("/reset/method").sees("proof 2 of 2");
    // What was sent to strangers is on its way no more.
    cloud.app.wake_outbox();
    cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
    let seen = cloud.inbox.count("alice@mail.example");
    alice.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code");
    let code = code_to(&cloud, "alice@mail.example", seen).await;
    // As strict for whoever holds the app as for whoever holds nothing.
    let mut thief = begins(&cloud, "alice").await;
    cloud.clock.advance(31);
    agent.beat(true).await;
    shows_code(&cloud, &mut thief, &secret).await;
    thief.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        thief.submits("/reset/code", &[("code", "000000")]).await;
        statuses.push(thief.page.status);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422]);
    thief.submits("/reset/code", &[("code", "000000")]).await;
    assert_eq!(thief.page.status, 429);
    cloud.administers(&["limits", "lift", "--tenant", &cloud.tenant.scope.id().to_string(), "--user", "alice"]);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

/// Whoever reads the mail guesses at the app no more than anybody else, however often they begin and whatever they type.
#[tokio::test]
async fn guesses_after_a_proof_are_five_for_an_account() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let tenant = cloud.tenant.scope.id().to_string();
    let (mut statuses, mut flows) = (Vec::new(), Vec::new());
    for name in ["alice", "alice@mail.example", "ALICE@corp.example"] {
        let mut thief = Person::at(&cloud);
        let seen = cloud.inbox.count("alice@mail.example");
        thief.asks_for_a_code(name).await;
        let code = code_to(&cloud, "alice@mail.example", seen).await;
        thief.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/method");
        thief.submits("/reset/method", &[("method", "totp")]).await.is_at("/reset/code");
        for _ in 0..2 {
            thief.submits("/reset/code", &[("code", "000000")]).await;
            statuses.push(thief.page.status);
        }
        flows.push(thief);
        cloud.clock.advance(31);
        agent.beat(true).await;
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
    assert_eq!(cloud.sql::<i64>("select count(*) from notices where about = 'tries'").await, 1, "its owner is told");
    // The page shows the wait by itself, and somebody can let her go on.
    let alice = &mut flows[0];
    alice.opens("/reset/code").await.sees("There were several tries");
    let listed = cloud.administers(&["limits", "list", "--tenant", &tenant]);
    assert!(listed.contains("app_try") && listed.trim_end().ends_with("alice") && listed.lines().count() == 1, "{listed}");
    assert_eq!(cloud.administers(&["limits", "list", "--tenant", &tenant, "--user", "alice"]), listed);
    assert_eq!(cloud.administers(&["limits", "lift", "--tenant", &tenant, "--user", "alice"]).trim(), "1 lifted");
    alice.submits("/reset/code", &[("code", "000000")]).await;
    assert_eq!(alice.page.status, 422);
    shows_code(&cloud, alice, &secret).await;
    alice.is_at("/reset/password");
    // Whoever passed both is who they are: their slips count no more.
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind in ('app_try', 'code_try')").await, 0);
}

#[tokio::test]
async fn no_page_of_a_caller_survives_a_freeze() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), DirectoryPerson { mail: None, mobile: None, ..somebody("carol") }]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    // One whom the help desk alone can let in, and one who has other ways.
    for name in ["carol", "alice"] {
        let mut page = begins(&cloud, name).await;
        page.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
        cloud.administers(&["user", "freeze", "--tenant", &tenant, name]);
        cloud.administers(&["user", "unfreeze", "--tenant", &tenant, name]);
        let calls =
            |page: &Person| cloud.tries(&["help-desk", "code", "--user", name, "--number", &number(page), "--operator", "Hugo Help"]);
        assert!(calls(&page).unwrap_err().contains("no page"), "{name}");
        // What is begun after that is served.
        let mut page = begins(&cloud, name).await;
        page.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
        calls(&page).unwrap();
    }
}

/// What may be guessed at by two ways is not forgotten because the easier of them was passed.
#[tokio::test]
async fn signing_in_by_mail_gives_no_new_guesses_at_the_text_message() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.gates(2).await;
    let mut thief = begins(&cloud, "alice").await;
    thief.submits("/reset/method", &[("method", "sms")]).await;
    for _ in 0..2 {
        thief.submits("/reset/code", &[("code", "000000")]).await;
    }
    let used = "select max(used)::int8 from limits where kind = 'code_try'";
    let before = cloud.sql::<i64>(used).await;
    assert!(before >= 2);
    let mut mailbox = Person::at(&cloud);
    mailbox.proves_from(&cloud, "/account/sign-in", "alice").await.is_at("/account/password");
    assert!(cloud.sql::<i64>(used).await > before);
    // Whoever passed both is who they are.
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/", "alice").await.is_at("/reset/method");
    let number = somebody("alice").mobile.unwrap();
    let seen = cloud.inbox.count(&number);
    alice.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code");
    let code = code_in(&cloud.inbox.wait_for(&number, seen).await.unwrap().text);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'code_try' and used > 0").await, 0);
}

#[tokio::test]
async fn switched_on_it_holds_for_whoever_is_on_the_way() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob", "carol"]).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    cloud.makes_codes("carol").await;
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    let (mut thief, mut bob, mut carol) = (Person::at(&cloud), Person::at(&cloud), Person::at(&cloud));
    thief.proves(&cloud, "alice").await;
    carol.proves(&cloud, "carol").await;
    let sealed = thief.seals("Correct-Horse-7").await;
    bob.proves(&cloud, "bob").await;
    let mut alice = begins(&cloud, "alice").await;
    shows_code(&cloud, &mut alice, &secret).await;
    cloud.policy(|terms| Draft { rises: true, ..terms }).await;
    assert_eq!(thief.posts(&sealed).await.0, 403);
    assert_eq!(thief.ticket().await.0, 403);
    assert_eq!(bob.ticket().await.0, 200, "he has no app");
    assert_eq!(carol.ticket().await.0, 403, "she has codes");
    assert_eq!(alice.ticket().await.0, 200, "she showed hers");
}

#[tokio::test]
async fn the_help_desk_lets_in_a_caller_whose_colleagues_have_apps() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), DirectoryPerson { mail: None, mobile: None, ..somebody("carol") }]).await;
    for name in ["alice", "bob"] {
        cloud.registers_app(name, Duration::ZERO).await;
    }
    let mut carol = begins(&cloud, "carol").await;
    carol.sees("proof 1 of 2");
    carol.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
    let code = cloud.administers(&["help-desk", "code", "--user", "carol", "--number", &number(&carol), "--operator", "Hugo Help"]);
    carol.opens("/reset/code").await.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_eq!(carol.ticket().await.0, 200);
}

/// Some have nothing and are let in by the help desk, all others not.
#[tokio::test]
async fn where_the_help_desk_lets_in_some_everybody_sees_that_way() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    let group = Uuid::from_u128(77);
    let mut people = vec![somebody("alice"), somebody("bob"), DirectoryPerson { mail: None, mobile: None, ..somebody("carol") }];
    people[2].groups = vec![group];
    let groups = Some(vec![Group { guid: group, name: "Paper".to_owned() }]);
    let batch = MirrorBatch { pass: id::random(), full: true, first: true, last: true, upserts: people, groups, ..MirrorBatch::default() };
    assert_eq!(agent.post("/agent/v1/directory", &batch).await.status(), 204);
    assert_eq!(choices(&begins(&cloud, "alice").await), ["email", "sms"]);
    cloud.administers(&["policy", "create", "Paper", "--groups", "Paper", "--methods", "help_desk,email", "--priority", "1", "--yes"]);
    let mut pages = Vec::new();
    for name in ["alice", "carol", "nobody"] {
        pages.push(begins(&cloud, name).await);
    }
    assert_eq!((plain(&pages[0]), plain(&pages[1])), (plain(&pages[1]), plain(&pages[2])));
    assert_eq!(choices(&pages[0]), ["email", "sms", "help_desk"]);
    let calls = async |page: &mut Person, name: &str| {
        page.submits("/reset/method", &[("method", "help_desk")]).await.is_at("/reset/code");
        cloud.tries(&["help-desk", "code", "--user", name, "--number", &number(page), "--operator", "Hugo Help"])
    };
    let code = calls(&mut pages[1], "carol").await.unwrap();
    pages[1].submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_eq!(pages[1].ticket().await.0, 200);
    let refused = calls(&mut pages[0], "alice").await.unwrap_err();
    assert!(refused.contains("takes no code from the help desk"), "{refused}");

    // Where no codes are made nobody is sent there.
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--operators-may", "temporary,unlock,method,invitation"]);
    assert_eq!(choices(&begins(&cloud, "alice").await), ["email", "sms"]);
    // Nor whose own policy takes them.
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Sms, Method::HelpDesk], ..terms }).await;
    assert_eq!(choices(&begins(&cloud, "alice").await), ["email", "sms"]);
}
