//! Mailboxes and numbers that people add themselves: proven by a code, told to every address, cooling off; and beside what the directory says.

use sspr::{
    domain::{
        audit::Source,
        policies::{Draft, Method},
        resets::{self, Why},
        sessions::By,
    },
    wire::message::Person as DirectoryPerson,
};
use tokio::task::JoinSet;

use crate::support::{
    Cloud, HandAgent, Person,
    agent::somebody,
    person::{code_in, code_to},
};

const MAIL: &str = "/account/methods/contact/private_email";
const MAIL_CODE: &str = "/account/methods/contact/private_email/code";
const MAIL_REMOVE: &str = "/account/methods/contact/private_email/remove";
const SMS: &str = "/account/methods/contact/sms";
const SMS_CODE: &str = "/account/methods/contact/sms/code";

async fn signed_in(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.is_signed_in(cloud, name).await.opens("/account/methods").await.is_at("/account/methods");
    person
}

/// As far as the page that asks for the code.
async fn asks(person: &mut Person, page: &str, to: &str) {
    person.opens(page).await.submits(page, &[("to", to)]).await.is_at(&format!("{page}/code"));
}

/// All the way.
async fn adds(cloud: &Cloud, person: &mut Person, page: &str, to: &str) {
    let seen = cloud.inbox.count(to);
    asks(person, page, to).await;
    let code = code_in(&cloud.inbox.wait_for(to, seen).await.unwrap().text);
    person.submits(&format!("{page}/code"), &[("code", &code)]).await.is_at("/account/methods");
}

/// What is offered to whoever types this name.
async fn offered(cloud: &Cloud, name: &str) -> String {
    let mut person = Person::at(cloud);
    person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
    person.page.form("/reset/method").unwrap().choices("method").join(" ")
}

async fn cloud() -> (Cloud, HandAgent) {
    let (cloud, agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    (cloud, agent)
}

#[tokio::test]
async fn an_address_of_one_s_own_is_proven_told_of_and_cools_off() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.sees("Add a private e-mail address");
    asks(&mut alice, MAIL, " Alice@Home.EXAMPLE ").await;
    alice.sees("Alice@home.example");
    let mail = cloud.inbox.wait_for("Alice@home.example", 0).await.unwrap();
    assert!(mail.text.contains("wants to add this address") && !mail.text.contains("Person alice"), "{}", mail.text);
    assert_eq!(cloud.sql::<i64>("select count(*) from users where private_mail is not null").await, 0, "not before it is proven");
    let code = code_in(&mail.text);
    alice.submits(MAIL_CODE, &[("code", "12")]).await.sees("6 digits");
    alice.submits(MAIL_CODE, &[("code", &format!("{} {}", &code[..3], &code[3..]))]).await.is_at("/account/methods");
    alice.sees("A•••@h•••.example").sees("You added it yourself").sees("Works from");
    let mobile = somebody("alice").mobile.unwrap();
    for (to, seen) in [("alice@mail.example", 0), ("Alice@home.example", 1), (mobile.as_str(), 0)] {
        let notice = cloud.inbox.wait_for(to, seen).await.unwrap().text;
        assert!(notice.contains("a private e-mail address") || notice.contains("security methods changed"), "{notice}");
    }
    let trail = "select string_agg(action || ' ' || outcome, ', ' order by event_id) from audit_events where action like '%contact%'";
    assert_eq!(cloud.sql::<String>(trail).await, "contact.code_send sent, user.contact added");
    let details = cloud.sql::<String>("select string_agg(detail::text, '') from audit_events").await;
    assert!(!details.contains("example") && !cloud.dump().await.contains("home.example"));
    alice.opens("/account").await.sees("An address or a number of your own was added");

    assert_eq!(offered(&cloud, "alice").await, "email sms", "it proves nothing yet");
    cloud.clock.advance(3601);
    agent.beat(true).await;
    assert_eq!(offered(&cloud, "alice").await, "private_email email sms");
}

#[tokio::test]
async fn the_directory_s_word_stays_beside_it_and_counts_again() {
    let (cloud, mut agent) = cloud().await;
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let theirs = |mail: &str| DirectoryPerson { private_mail: Some(mail.to_owned()), ..somebody("alice") };
    agent.mirror(vec![theirs("a@work-list.example"), somebody("bob")]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.sees("From the records of your organisation");
    adds(&cloud, &mut alice, MAIL, "own@home.example").await;
    // The one that it replaces hears of it.
    assert!(told(&cloud, "a@work-list.example", "another one now").await);
    alice.sees("o•••@h•••.example");
    // The directory's is another one meanwhile: that is nobody's business before it counts.
    let told_so_far = cloud.inbox.count("alice@mail.example");
    agent.mirror(vec![theirs("b@work-list.example"), somebody("bob")]).await;
    alice.opens("/account/methods").await.sees("o•••@h•••.example");
    alice.submits(MAIL_REMOVE, &[]).await.is_at("/account/methods").sees("b•••@w•••.example");
    assert!(told(&cloud, "own@home.example", "removed").await && told(&cloud, "b@work-list.example", "removed").await);
    assert_eq!(cloud.inbox.count("a@work-list.example"), 2, "told of its replacement and when it was new, and no more");
    assert!(cloud.inbox.count("alice@mail.example") >= told_so_far);
    // What is not hers to take back stays.
    assert!(!alice.page.body.contains("/remove"));
    assert_eq!(cloud.sql::<i64>("select count(*) from users where own_private_mail is not null").await, 0);
}

/// Whether a message with these words has come, or comes.
async fn told(cloud: &Cloud, to: &str, words: &str) -> bool {
    for seen in 0..8 {
        if cloud.inbox.wait_for(to, seen).await.unwrap().text.contains(words) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn an_administrator_s_new_word_ends_one_s_own_and_the_old_one_does_not() {
    let (cloud, _agent) = cloud().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("contacts.csv").display().to_string();
    let takes = |mail: &str| {
        std::fs::write(&path, format!("name,private_mail,mobile\nalice,{mail},\n")).unwrap();
        cloud.administers(&["contacts", "import", &path, "--yes"])
    };
    takes("list@home.example");
    let first = cloud.inbox.wait_for("list@home.example", 0).await.unwrap().text;
    for words in ["Private e-mail address: added", "By: a list that an administrator imported"] {
        assert!(first.contains(words) && !first.contains("irectory"), "{first}");
    }
    let mut alice = signed_in(&cloud, "alice").await;
    adds(&cloud, &mut alice, MAIL, "own@home.example").await;
    assert!(takes("list@home.example").contains("0 people"), "the list of every night");
    alice.opens("/account/methods").await.sees("o•••@h•••.example");
    assert!(takes("other@list.example").contains("1 people"));
    alice.opens("/account/methods").await.sees("o•••@l•••.example").sees("From the records");
    assert!(told(&cloud, "own@home.example", "Private e-mail address: changed").await);
    adds(&cloud, &mut alice, MAIL, "own@home.example").await;
    takes("-");
    assert!(told(&cloud, "own@home.example", "Private e-mail address: taken away").await);
    alice.opens("/account/methods").await.sees("Add a private e-mail address");
}

#[tokio::test]
async fn what_cannot_be_added_is_told_why() {
    let (cloud, mut agent) = cloud().await;
    agent.mirror(vec![DirectoryPerson { mobile: None, ..somebody("alice") }, somebody("bob")]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--mail-domains", "mail.example", "--sms-countries", "49", "--yes"]);
    cloud.hears().await;
    let mut alice = Person::at(&cloud);
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", By::Password, Method::Totp).await);
    for (page, to, why) in [
        (MAIL, "nobody", "not an e-mail address"),
        (MAIL, "a@b@c.example", "not an e-mail address"),
        (MAIL, "alicé@home.example", "not an e-mail address"),
        (MAIL, "other@MAIL.example", "opens with the password"),
        (SMS, "0170 1234567", "with its country code"),
        (SMS, "+49 17O 1234567", "with its country code"),
        (SMS, "+44 7700 900123", "no text messages to this country"),
    ] {
        alice.opens(page).await.submits(page, &[("to", to)]).await.is_at(page).sees(why);
        assert_eq!(alice.page.status, 422, "{to}");
    }
    assert_eq!(
        cloud.sql::<i64>("select count(*) from contact_changes").await
            + cloud.sql::<i64>("select count(*) from messages where topic is not null").await,
        0
    );
    // One form, whatever was typed; and what is there is there.
    asks(&mut alice, SMS, "+49 (0)170 55-55.55").await;
    let code = code_in(&cloud.inbox.wait_for("+49170555555", 0).await.unwrap().text);
    alice.submits(SMS_CODE, &[("code", &code)]).await.is_at("/account/methods");
    alice.opens(SMS).await.submits(SMS, &[("to", "0049170555555")]).await.sees("on file for you already");
    // A method that the policy does not have is none to add.
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Totp], ..terms }).await;
    alice.opens("/account/methods").await;
    assert!(!alice.page.body.contains("Add a private") && !alice.page.body.contains("Use another number"), "{}", alice.page.text());
    alice.opens(MAIL).await.submits(MAIL, &[("to", "own@home.example")]).await.sees("does not use this way");
    assert_eq!(alice.opens("/account/methods/contact/totp").await.page.status, 404);
    assert_eq!(alice.opens("/account/methods/contact/email").await.page.status, 404);
}

#[tokio::test]
async fn a_code_is_good_once_in_the_session_that_asked_and_for_what_it_was_sent_to() {
    let (cloud, _agent) = cloud().await;
    let (mut alice, mut other, mut bob) =
        (signed_in(&cloud, "alice").await, signed_in(&cloud, "alice").await, signed_in(&cloud, "bob").await);
    asks(&mut alice, MAIL, "own@home.example").await;
    let code = code_in(&cloud.inbox.wait_for("own@home.example", 0).await.unwrap().text);
    let form = alice.page.form(MAIL_CODE).unwrap().set("code", &code).unwrap();
    // Another browser of hers, and somebody else's.
    for person in [&mut other, &mut bob] {
        person.page = person.browser.submit(&form).await.unwrap();
        assert_eq!(person.page.status, 422);
    }
    // Bob asks for one of his own: hers does not fit there.
    asks(&mut bob, MAIL, "bob@home.example").await;
    let bobs = code_in(&cloud.inbox.wait_for("bob@home.example", 0).await.unwrap().text);
    if bobs != code {
        bob.submits(MAIL_CODE, &[("code", &code)]).await.is_at(MAIL_CODE).sees("does not fit");
    }
    // Another destination in mid-way: the code of the first is worth nothing, and the number's is none for the mailbox.
    let mut swap = signed_in(&cloud, "alice").await;
    asks(&mut swap, MAIL, "thief@evil.example").await;
    let stolen = code_in(&cloud.inbox.wait_for("thief@evil.example", 0).await.unwrap().text);
    let kept = swap.page.form(MAIL_CODE).unwrap().set("code", &stolen).unwrap();
    cloud.clock.advance(31);
    asks(&mut swap, MAIL, "victim@home.example").await;
    cloud.inbox.wait_for("victim@home.example", 0).await.unwrap();
    swap.page = swap.browser.submit(&kept).await.unwrap();
    assert_eq!(swap.page.status, 422);
    assert_eq!(cloud.sql::<i64>("select count(*) from users where own_private_mail is not null").await, 0);
    // The destination is not the form's to say.
    assert!(kept.clone().set("to", "x@evil.example").is_err(), "there is no such field");

    alice.submits(MAIL_CODE, &[("code", &code)]).await.is_at("/account/methods").sees("o•••@h•••.example");
    alice.page = alice.browser.submit(&form).await.unwrap();
    alice.is_at("/account/methods");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'user.contact'").await, 1);

    // Ten minutes.
    asks(&mut other, SMS, "+49 170 5555555").await;
    let late = code_in(&cloud.inbox.wait_for("+491705555555", 0).await.unwrap().text);
    let form = other.page.form(SMS_CODE).unwrap().set("code", &late).unwrap();
    cloud.clock.advance(601);
    other.page = other.browser.submit(&form).await.unwrap();
    other.sees("too old");
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from contact_changes").await, 0, "all are over");
}

#[tokio::test]
async fn a_hundred_guesses_over_two_nodes_are_five_and_a_right_code_gives_none_back() {
    let (cloud, _agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    asks(&mut alice, MAIL, "victim@home.example").await;
    let code: u32 = code_in(&cloud.inbox.wait_for("victim@home.example", 0).await.unwrap().text).parse().unwrap();
    let form = alice.page.form(MAIL_CODE).unwrap();
    let other = cloud.another_node().await;
    let mut tasks = JoinSet::new();
    for n in 0..100 {
        let url = if n % 2 == 0 { cloud.url.clone() } else { other.url.clone() };
        let form = form.clone().set("code", &format!("{:06}", (code + 1 + n) % 1_000_000)).unwrap();
        let mut browser = alice.browser.at(&url);
        tasks.spawn(async move { browser.submit(&form).await.unwrap().status });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 422).count(), 5, "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'contact.code_try'").await, 5);
    alice.submits(MAIL_CODE, &[("code", &format!("{code:06}"))]).await;
    assert_eq!(alice.page.status, 429, "not even the right one");

    // Whoever has somebody's session and a mailbox of their own gets no new guesses at somebody's other codes by it.
    let mut bob = signed_in(&cloud, "bob").await;
    let used = "select used from limits where kind = 'code_try' order by until desc limit 1";
    adds(&cloud, &mut bob, MAIL, "thief@evil.example").await;
    assert_eq!(cloud.sql::<i32>(used).await, 1);
}

/// A finger that presses twice.
#[tokio::test]
async fn whoever_adds_an_address_twice_is_where_it_is_listed() {
    let (cloud, _agent) = cloud().await;
    // What is there now takes more than a password to replace, and nothing is replaced.
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let mut alice = signed_in(&cloud, "alice").await;
    asks(&mut alice, MAIL, "own@home.example").await;
    let code = code_to(&cloud, "own@home.example", 0).await;
    let form = alice.page.form(MAIL_CODE).unwrap().set("code", &code).unwrap();
    for _ in 0..2 {
        alice.page = alice.browser.submit(&form).await.unwrap();
        assert_eq!(alice.page.status, 200);
        alice.is_at("/account/methods").sees("o•••@h•••.example");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'user.contact'").await, 1);
    // When a code would be too old, it is an old page.
    cloud.clock.advance(601);
    alice.page = alice.browser.submit(&form).await.unwrap();
    alice.sees("too old");
}

#[tokio::test]
async fn whose_tries_at_a_new_address_are_used_up_hears_of_it_once() {
    let (cloud, _agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    asks(&mut alice, MAIL, "victim@home.example").await;
    let code = code_to(&cloud, "victim@home.example", 0).await;
    let form = alice.page.form(MAIL_CODE).unwrap().set("code", if code == "000000" { "000001" } else { "000000" }).unwrap();
    let notices = "select count(*) from notices where about = 'tries'";
    for n in 1..=7 {
        alice.page = alice.browser.submit(&form).await.unwrap();
        assert_eq!((alice.page.status, cloud.sql::<i64>(notices).await), (if n > 5 { 429 } else { 422 }, i64::from(n >= 5)), "{n}");
    }
    assert!(told(&cloud, "alice@mail.example", "several wrong codes").await);
    assert_eq!(cloud.inbox.count("victim@home.example"), 1, "whose mailbox that is gets nothing but the code");
}

#[tokio::test]
async fn parallel_uses_of_the_right_code_are_one() {
    let (cloud, _agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    asks(&mut alice, MAIL, "own@home.example").await;
    let code = code_in(&cloud.inbox.wait_for("own@home.example", 0).await.unwrap().text);
    let form = alice.page.form(MAIL_CODE).unwrap().set("code", &code).unwrap();
    let other = cloud.another_node().await;
    let mut tasks = JoinSet::new();
    for n in 0..4 {
        let (mut browser, form) = (alice.browser.at(if n % 2 == 0 { &cloud.url } else { &other.url }), form.clone());
        tasks.spawn(async move { browser.submit(&form).await.unwrap().status });
    }
    tasks.join_all().await;
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'user.contact'").await, 1);
}

#[tokio::test]
async fn somebody_else_s_address_is_added_like_any_other() {
    let (cloud, mut agent) = cloud().await;
    let bobs = DirectoryPerson { private_mail: Some("shared@home.example".to_owned()), ..somebody("bob") };
    agent.mirror(vec![somebody("alice"), bobs]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    let mut pages = Vec::new();
    for to in ["shared@home.example", "nobody@home.example", "bob@mail.example"] {
        asks(&mut alice, MAIL, to).await;
        pages.push((alice.page.status, alice.page.text().replace(to, "THERE")));
        cloud.clock.advance(31);
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    let code = code_to(&cloud, "bob@mail.example", 0).await;
    alice.submits(MAIL_CODE, &[("code", &code)]).await.is_at("/account/methods");
    // Nobody is found by it.
    agent.beat(true).await;
    let mut reset = Person::at(&cloud);
    reset.asks_for_a_code("bob@mail.example").await;
    assert!(
        cloud
            .sql::<bool>("select user_id = (select user_id from users where sign_in_name = 'bob') from flows order by flow_id desc limit 1")
            .await
    );
}

#[tokio::test]
async fn codes_to_new_addresses_count_like_all_others() {
    let (cloud, _agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    for n in 0..5 {
        asks(&mut alice, MAIL, &format!("own{n}@home.example")).await;
    }
    alice.opens(MAIL).await.submits(MAIL, &[("to", "own6@home.example")]).await.sees("No more codes");
    assert_eq!(alice.page.status, 429, "by account");
    // By what goes to one mailbox, whoever asks.
    sqlx::query("update limits set used = 10 where kind = 'destination'").execute(&cloud.app.db).await.unwrap();
    let mut bob = signed_in(&cloud, "bob").await;
    bob.opens(MAIL).await.submits(MAIL, &[("to", "own3@home.example")]).await.sees("No more codes");
    // By the tenant's budgets.
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--sms-budget", "0"]);
    cloud.hears().await;
    bob.opens(SMS).await.submits(SMS, &[("to", "+49 170 5555555")]).await.sees("used up its share");
    assert_eq!(bob.page.status, 429);
    assert_eq!(cloud.sql::<i64>("select count(*) from contact_changes").await, 1);
    // A second code to the same mailbox waits a moment.
    let mut alice = signed_in(&cloud, "alice").await;
    sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
    asks(&mut alice, MAIL, "again@home.example").await;
    let old = cloud.inbox.wait_for("again@home.example", 0).await.unwrap();
    alice.submits("/account/methods/contact/private_email/resend", &[]).await.sees("just now");
    assert_eq!(alice.page.status, 429);
    cloud.clock.advance(31);
    alice.submits("/account/methods/contact/private_email/resend", &[]).await.sees("on its way");
    let new = cloud.inbox.wait_for("again@home.example", 1).await.unwrap();
    if code_in(&old.text) != code_in(&new.text) {
        alice.submits(MAIL_CODE, &[("code", &code_in(&old.text))]).await.sees("does not fit");
    }
    alice.submits(MAIL_CODE, &[("code", &code_in(&new.text))]).await.is_at("/account/methods");
}

#[tokio::test]
async fn whoever_is_frozen_gone_or_proved_themselves_long_ago_adds_nothing() {
    let (cloud, mut agent) = cloud().await;
    let mut alice = signed_in(&cloud, "alice").await;
    asks(&mut alice, MAIL, "own@home.example").await;
    let code = code_in(&cloud.inbox.wait_for("own@home.example", 0).await.unwrap().text);
    let form = alice.page.form(MAIL_CODE).unwrap().set("code", &code).unwrap();
    let (mut bob, mut carol) = (signed_in(&cloud, "bob").await, signed_in(&cloud, "bob").await);
    adds(&cloud, &mut carol, MAIL, "thief@evil.example").await;
    let user = cloud.user("alice").await.user_id;
    let bobs = cloud.user("bob").await.user_id;
    let source = Source::house("cli");
    for one in [user, bobs] {
        let mut tx = cloud.app.begin().await.unwrap();
        resets::freeze(&mut tx, &cloud.tenant, &cloud.clock, &source, one, Why::Operator("she called")).await.unwrap();
        tx.commit().await.unwrap();
    }
    alice.page = alice.browser.submit(&form).await.unwrap();
    alice.is_at("/account/sign-in");
    // Even if a request was past the door when it was frozen.
    let contact = sspr::domain::users::Contact::parse(Method::PrivateEmail, "own@home.example").unwrap();
    let mut tx = cloud.app.begin().await.unwrap();
    let (scope, clock) = (&cloud.tenant.scope, &cloud.clock);
    let set = sspr::domain::users::set_own(&mut tx, scope, clock, user, Method::PrivateEmail, Some(&contact)).await.unwrap();
    assert!(set.is_none());
    // What was added before the freeze cools off anew when it is lifted.
    cloud.clock.advance(3601);
    assert!(resets::lift(&mut tx, scope, clock, &source, bobs).await.unwrap());
    tx.commit().await.unwrap();
    agent.beat(true).await;
    assert_eq!(offered(&cloud, "bob").await, "email sms");
    cloud.clock.advance(3601);
    agent.beat(true).await;
    assert_eq!(offered(&cloud, "bob").await, "private_email email sms");

    // Long ago.
    bob.is_signed_in(&cloud, "bob").await.opens(MAIL).await.is_at(MAIL);
    let form = bob.page.form(MAIL).unwrap().set("to", "late@home.example").unwrap();
    for _ in 0..2 {
        cloud.clock.advance(10 * 60);
        bob.opens("/account/methods").await.is_at("/account/methods");
    }
    bob.page = bob.browser.submit(&form).await.unwrap();
    bob.is_at("/account/sign-in");
    bob.opens(MAIL).await.is_at("/account/sign-in");
    // Gone, and back under the same name as another object: nothing is inherited.
    let other = DirectoryPerson { guid: uuid::Uuid::from_u128(7), ..somebody("bob") };
    agent.mirror(vec![somebody("alice"), other]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from users where own_private_mail is not null or private_mail is not null").await, 0);
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from users where private_mail is not null").await, 0);
}

#[tokio::test]
async fn whoever_has_not_proven_the_strongest_replaces_and_removes_nothing() {
    let (cloud, _agent) = cloud().await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    // Signed in by what a thief may read.
    let mut thief = signed_in(&cloud, "alice").await;
    let form = thief.opens(MAIL).await.page.form(MAIL).unwrap();
    adds(&cloud, &mut thief, MAIL, "thief@evil.example").await;
    thief.opens(SMS).await.is_at(SMS).sees("please prove that it is you");
    assert!(thief.page.form(SMS).is_err(), "there is no form");
    let mut replaces = form.set("to", "+49 170 5555555").unwrap();
    replaces.action = SMS.to_owned();
    thief.page = thief.browser.submit(&replaces).await.unwrap();
    assert_eq!(thief.page.status, 403, "{}", thief.page.text());
    let mut removes = replaces;
    (removes.action, removes.fields) = (MAIL_REMOVE.to_owned(), Vec::new());
    thief.page = thief.browser.submit(&removes).await.unwrap();
    assert_eq!(thief.page.status, 403);
    // By the app it is she.
    let mut alice = Person::at(&cloud);
    let session = cloud.session_by("alice", By::Password, Method::Totp).await;
    alice.browser.cookies.insert("sspr_session".into(), session);
    alice.opens("/account/methods").await.submits(MAIL_REMOVE, &[]).await.is_at("/account/methods");
    assert_eq!(cloud.sql::<i64>("select count(*) from users where own_private_mail is not null").await, 0);
    adds(&cloud, &mut alice, SMS, "+491705555555").await;
}
