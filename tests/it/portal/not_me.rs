//! "This wasn’t me": notices, what their links do, and what a frozen account may not do any more.

use reqwest::{Client, header, redirect};
use sspr::{base::language::Language, domain::operators::Role, lab::inbox::Message, wire::outcome::Code};
use uuid::Uuid;

use super::{linked, need};
use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_to};

async fn cloud() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    (cloud, agent)
}

async fn at_password(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.proves(cloud, name).await;
    person
}

/// The link of a notice, in two: the page and what stands behind the `#`.
#[track_caller]
fn link(message: &Message) -> (String, String) {
    let link = message.text.split_whitespace().find(|word| word.contains("/not-me#")).unwrap_or_else(|| panic!("{}", message.text));
    let (page, token) = link.split_once('#').unwrap();
    (page.to_owned(), token.to_owned())
}

/// Alice resets her password; the notice that follows.
async fn alice_is_told(cloud: &Cloud, agent: &mut HandAgent) -> Message {
    let mut alice = at_password(cloud, "alice").await;
    let seen = cloud.inbox.count("alice@mail.example");
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    told(cloud, "alice@mail.example", seen, "geändert|has just been changed").await
}

/// The first message to this address after the first `seen` that says one of these.
async fn told(cloud: &Cloud, address: &str, mut seen: usize, words: &str) -> Message {
    loop {
        let message = cloud.inbox.wait_for(address, seen).await.unwrap();
        if words.split('|').any(|word| message.text.contains(word)) {
            return message;
        }
        seen += 1;
    }
}

async fn says_it_was_not_them(cloud: &Cloud, token: &str) -> Person {
    let mut person = Person::at(cloud);
    person.opens("/not-me").await.submits("/not-me", &[("code", token)]).await;
    person
}

fn tenant(cloud: &Cloud) -> String {
    cloud.tenant.scope.id().to_string()
}

#[tokio::test]
async fn a_notice_freezes_and_only_an_operator_lifts_it() {
    let (cloud, mut agent) = cloud().await;
    cloud.administers(&["tenant", "set", &tenant(&cloud), "--alerts", "desk@corp.example"]);
    cloud.hears().await;
    let notice = alice_is_told(&cloud, &mut agent).await;
    let (page, token) = link(&notice);
    assert_eq!(page, format!("{}/not-me", cloud.url));
    // 130 bits; the code to be typed is the same one.
    assert!(token.len() == 26 && notice.text.contains(&format!("\n    {token}\n")), "{}", notice.text);
    assert!(notice.html.as_deref().unwrap().contains(&format!("href=\"{page}#{token}\"")));
    let sms = cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 0).await.unwrap();
    assert!(sms.text.chars().count() <= 160 && sms.text.contains("/not-me#"), "{}", sms.text);
    assert!(sms.text.contains(" UTC: "), "when: {}", sms.text);

    // Opening it changes nothing, as often as it is done.
    let mut alice = Person::at(&cloud);
    for _ in 0..3 {
        alice.opens("/not-me").await.is_at("/not-me").sees("This wasn’t me");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 0);
    alice.submits("/not-me", &[("code", &format!("{}-{}", &token[..13], token[13..].to_uppercase()))]).await;
    alice.is_at("/not-me/stopped").sees("room 101");
    let frozen = told(&cloud, "alice@mail.example", 2, "nothing can be reset").await;
    assert!(!frozen.text.contains("/not-me#"), "{}", frozen.text);
    let alert = cloud.inbox.wait_for("desk@corp.example", 0).await.unwrap();
    let command = format!("sspr user show --tenant {} 'alice'", tenant(&cloud));
    assert!(alert.text.contains(&command) && alert.text.contains("a new password"), "{}", alert.text);

    // All is as always until the proof is complete; then it says so, and names whom to ask.
    let mut again = Person::at(&cloud);
    let seen = cloud.inbox.count("alice@mail.example");
    again.asks_for_a_code("alice").await;
    let code = code_to(&cloud, "alice@mail.example", seen).await;
    again.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/ended");
    again.sees(&Language::English.text("problem-frozen-title")).sees("room 101");
    let (status, answer) = again.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("frozen")));
    again.browser.post_json("/reset/jobs", &serde_json::json!({ "job": Uuid::nil(), "envelopes": [] })).await.unwrap();

    let shown = cloud.administers(&["user", "show", "--tenant", &tenant(&cloud), "alice"]);
    assert!(shown.contains("frozen     since") && shown.contains("by the person themselves: they say that this was not them"), "{shown}");
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    assert!(cloud.tries(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]).is_err());
    // The flow that was stopped stays so; a new one works.
    again.opens("/reset").await;
    alice_is_told(&cloud, &mut agent).await;
    for (action, outcome) in
        [("account.freeze", "frozen"), ("account.freeze", "lifted"), ("reset.frozen", "refused"), ("tenant.alerts", "on")]
    {
        let query = format!("select count(*) from audit_events where action = '{action}' and outcome = '{outcome}'");
        assert_eq!(
            sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query)).fetch_one(&cloud.app.db).await.unwrap(),
            1,
            "{action} {outcome}"
        );
    }
}

/// The support code on the page in hand.
#[track_caller]
fn support_code(person: &Person) -> String {
    let (_, after) = person.page.body.split_once("class=\"support\"").unwrap_or_else(|| panic!("no code: {}", person.page.text()));
    after.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0.to_owned()
}

/// Whoever reads out the code of one of these pages is found by it.
#[tokio::test]
async fn the_codes_of_what_was_stopped_lead_the_help_desk_there() {
    let (cloud, mut agent) = cloud().await;
    let mut on_the_way = at_password(&cloud, "alice").await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    let mut desk = cloud.operator(Role::HelpDesk).await;
    let mut leads = async |code: &str, to: &str| {
        desk.opens(&format!("/console/support?code={code}")).await.sees("Person alice").sees(to);
    };
    for _ in 0..2 {
        let said = says_it_was_not_them(&cloud, &token).await;
        said.is_at("/not-me/stopped");
        let code = support_code(&said);
        leads(&code, "Freeze of an account").await;
        assert!(said.page.body.contains(&format!("?lang=de&#38;code={code}\"")), "in the other language, too: {}", said.page.body);
    }
    on_the_way.opens("/reset").await.is_at("/reset/ended");
    leads(&support_code(&on_the_way), "Proof tried").await;
    let (status, answer) = on_the_way.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("frozen")));
    let code: String = cloud.sql("select request_id from audit_events where action = 'reset.ticket' and outcome = 'refused'").await;
    assert_eq!(answer["support"].as_str(), Some(&*code), "{answer}");
    leads(&code, "Permission to set a password").await;
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    let said = says_it_was_not_them(&cloud, &token).await;
    said.is_at("/not-me/known");
    leads(&support_code(&said), "Freeze of an account").await;
    // Nobody's words are shown for a code.
    let mut anybody = Person::at(&cloud);
    for other in ["call+0900", "%3Cb%3E1234567", "ABCDEFGHIJ", ""] {
        anybody.opens(&format!("/not-me/stopped?code={other}")).await;
        assert!(anybody.page.status == 200 && support_code(&anybody).len() == 10, "{other}");
        assert!(other.is_empty() || !anybody.page.body.contains(other), "{other}");
    }
}

#[tokio::test]
async fn asking_twice_is_calm_and_a_message_works_once() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 1);
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/known");
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes where lifted_at is null").await, 0);
    // The token is nowhere but in the message.
    assert!(!cloud.dump().await.contains(&token));
}

#[tokio::test]
async fn an_older_message_freezes_nobody_whom_the_help_desk_has_looked_at_since() {
    let (cloud, mut agent) = cloud().await;
    let (_, older) = link(&alice_is_told(&cloud, &mut agent).await);
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    says_it_was_not_them(&cloud, &older).await.is_at("/not-me/known").sees("Your help desk has looked at this");
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes where lifted_at is null").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where outcome = 'said_again'").await, 1);
    // What happens from then on is another matter, the lifting as well.
    let (_, newer) = link(&alice_is_told(&cloud, &mut agent).await);
    says_it_was_not_them(&cloud, &newer).await.is_at("/not-me/stopped");
}

#[tokio::test]
async fn a_code_that_is_none_changes_nothing_and_guesses_are_counted() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    for (typed, said) in [("", "not-me-error-empty"), ("12345", "not-me-error-shape"), (&token[1..], "not-me-error-shape")] {
        let person = says_it_was_not_them(&cloud, typed).await;
        person.is_at("/not-me").sees(&Language::English.text(said));
        assert_eq!(person.page.status, 422);
    }
    let wrong = format!("{}{}", &token[..25], if token.ends_with('0') { '1' } else { '0' });
    for _ in 0..20 {
        assert_eq!(says_it_was_not_them(&cloud, &wrong).await.page.status, 422);
    }
    // Counted per address: the right one has to wait, too.
    assert_eq!(says_it_was_not_them(&cloud, &token).await.page.status, 429);
    cloud.clock.advance(21 * 60);
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 0);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
}

#[tokio::test]
async fn a_message_is_too_old_after_thirty_days_and_forgotten() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    cloud.clock.advance(30 * 86400 + 1);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me").sees(&Language::English.text("not-me-error-unknown"));
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 0);
}

#[tokio::test]
async fn other_sites_and_nonsense_freeze_nobody() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let post = |origin: String, body: String| {
        client
            .post(format!("{}/not-me", cloud.url))
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    assert_eq!(post("https://evil.example".into(), format!("code={token}")).await.unwrap().status(), 403);
    for body in [format!("code={token}&code={token}"), format!("code[]={token}"), format!("code={token}&x=1"), String::new()] {
        assert_eq!(post(cloud.url.clone(), body.clone()).await.unwrap().status(), 400, "{body}");
    }
    // In a URL it is worth nothing.
    client.get(format!("{}/not-me?code={token}", cloud.url)).send().await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from freezes").await, 0);
    assert_eq!(post(cloud.url.clone(), format!("code={token}")).await.unwrap().status(), 303);
}

#[tokio::test]
async fn what_is_under_way_is_stopped_as_far_as_it_can_be() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    cloud.session_of("alice").await;
    // One waits for an agent, another tab holds a ticket, a third has proven itself only.
    let mut waits = at_password(&cloud, "alice").await;
    cloud.clock.advance(31);
    agent.beat(true).await;
    let mut sealed = at_password(&cloud, "alice").await;
    waits.sets("Correct-Horse-8").await;
    let job = {
        cloud.clock.advance(31);
        agent.beat(true).await;
        at_password(&cloud, "alice").await
    };
    drop(job);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
    assert!(agent.lease(0).await.is_empty(), "nothing is left to lease");
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where envelopes is not null").await, 0);
    for person in [&mut waits, &mut sealed] {
        person.opens("/reset").await.is_at("/reset/ended").sees(&Language::English.text("problem-frozen-title"));
        assert_eq!(person.ticket().await.1["code"].as_str(), Some("frozen"));
    }
    // What was begun before leads nowhere, also once the freeze is lifted.
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    assert_eq!(sealed.ticket().await.1["code"].as_str(), Some("frozen"));
}

#[tokio::test]
async fn a_ticket_from_before_is_worth_nothing_and_a_job_in_hand_ends_as_it_ends() {
    let (cloud, mut agent) = cloud().await;
    let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
    let mut alice = at_password(&cloud, "alice").await;
    let sealed = alice.seals("Correct-Horse-8").await;
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
    let (status, answer) = alice.posts(&sealed).await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("frozen")));
    cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), "alice"]);
    assert_ne!(alice.posts(&sealed).await.0, 202, "nor is it once the freeze is lifted");

    let mut alice = at_password(&cloud, "alice").await;
    alice.sets("Correct-Horse-9").await;
    let job = agent.lease(5).await.remove(0);
    let said = cloud.administers(&["user", "freeze", "--tenant", &tenant(&cloud), "alice", "--reason", "looks odd"]);
    assert!(said.contains("0 of its jobs stopped"), "{said}");
    assert_eq!(agent.ends(&job, Code::Applied).await.status(), 204);
    alice.opens("/reset").await.is_at("/reset/done");
    assert_eq!(
        cloud.sql::<i64>("select count(*) from audit_events where action = 'account.freeze' and detail ->> 'too_late' = 'true'").await,
        1
    );
}

#[tokio::test]
async fn a_freeze_of_the_first_or_of_the_one_that_follows_stops_what_follows() {
    let (cloud, mut first, mut second) = linked::cloud().await;
    for frozen in ["alice.lab", "alice"] {
        let mut alice = linked::at_password(&cloud, "alice").await;
        alice.sets("Correct-Horse-7").await;
        let job = first.lease(5).await.remove(0);
        // The first one's is in hand; what follows it is not.
        cloud.administers(&["user", "freeze", "--tenant", &tenant(&cloud), frozen]);
        assert_eq!(first.ends(&job, Code::Applied).await.status(), 204);
        assert!(second.lease(0).await.is_empty(), "{frozen}");
        let states = linked::states(&cloud).await;
        assert!(states.ends_with("Lab superseded") || states.ends_with("Lab cancelled"), "{frozen}: {states}");
        cloud.administers(&["user", "unfreeze", "--tenant", &tenant(&cloud), frozen]);
    }
    // Where the one that follows is frozen, nothing is sealed for it; the first is set.
    cloud.administers(&["user", "freeze", "--tenant", &tenant(&cloud), "alice.lab"]);
    let mut alice = linked::at_password(&cloud, "alice").await;
    assert!(alice.seals("Correct-Horse-7").await["linked"].as_array().is_none());
}

/// Whatever comes first: after both, nothing is left to be applied.
#[tokio::test]
async fn a_freeze_and_a_submit_at_the_same_moment_leave_nothing_to_apply() {
    let (cloud, mut agent) = cloud().await;
    let tenant = tenant(&cloud);
    for round in 0..12 {
        let (_, token) = link(&alice_is_told(&cloud, &mut agent).await);
        let mut alice = at_password(&cloud, "alice").await;
        let sealed = alice.seals("Correct-Horse-8").await;
        let mut other = Person::at(&cloud);
        other.opens("/not-me").await;
        let freeze = async {
            tokio::time::sleep(std::time::Duration::from_millis(round % 4)).await;
            other.submits("/not-me", &[("code", &token)]).await.is_at("/not-me/stopped");
        };
        let (posted, ()) = tokio::join!(alice.posts(&sealed), freeze);
        assert!([202, 403, 409, 410].contains(&posted.0), "{posted:?}");
        assert_eq!(
            cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state in ('submitted', 'leased', 'held')").await,
            0
        );
        assert_ne!(alice.posts(&sealed).await.0, 202);
        assert!(agent.lease(0).await.is_empty());
        cloud.administers(&["user", "unfreeze", "--tenant", &tenant, "alice"]);
        cloud.clock.advance(16 * 60);
        agent.beat(true).await;
    }
}

#[tokio::test]
async fn an_unlock_is_refused_too() {
    let (cloud, mut agent) = cloud().await;
    need::unlock_is(&cloud, "on");
    cloud.hears().await;
    let mut alice = need::proves(&cloud, &mut agent, need::locked()).await;
    alice.opens("/reset").await.is_at("/reset/need");
    cloud.administers(&["user", "freeze", "--tenant", &tenant(&cloud), "alice"]);
    alice.submits("/reset/need", &[("need", "unlock")]).await.is_at("/reset/ended").sees(&Language::English.text("problem-frozen-title"));
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'unlock'").await, 0);
}

#[tokio::test]
async fn tries_that_are_used_up_are_told_of_once_a_day() {
    let (cloud, mut agent) = cloud().await;
    // The day is the calendar's (UTC): late in the evening the hour below would be another one.
    let late = cloud.clock.seconds().rem_euclid(86_400);
    if late > 22 * 3600 {
        cloud.clock.advance(86_400 - late + 1);
        agent.beat(true).await;
    }
    let guesses = async |name: &str| {
        let mut person = Person::at(&cloud);
        person.asks_for_a_code(name).await;
        for _ in 0..5 {
            person.submits("/reset/code", &[("code", "000000")]).await;
        }
    };
    guesses("alice").await;
    // A code, and the notice: five wrong ones are enough.
    let notice = told(&cloud, "alice@mail.example", 1, "several wrong codes").await;
    let (_, token) = link(&notice);
    guesses("nobody").await;
    cloud.clock.advance(3600);
    agent.beat(true).await;
    guesses("alice").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 1);
    cloud.clock.advance(86400);
    let _later = cloud.agent().await;
    guesses("alice").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 2);
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
}

#[tokio::test]
async fn other_addresses_are_told_at_the_old_and_the_new_ones() {
    let (cloud, mut agent) = cloud().await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages").await, 0, "nobody is told that they are new");
    let mut alice = somebody("alice");
    alice.mail = Some("mallory@mail.example".into());
    agent.mirror(vec![alice.clone(), somebody("bob")]).await;
    let notice = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    assert!(notice.text.contains("By: the directory of your organisation"), "{}", notice.text);
    assert!(notice.text.contains("\nE-mail address: changed"), "{}", notice.text);
    cloud.inbox.wait_for("mallory@mail.example", 0).await.unwrap();
    cloud.inbox.wait_for(&alice.mobile.clone().unwrap(), 0).await.unwrap();
    assert_eq!(cloud.inbox.count("bob@mail.example"), 0);
    let (_, token) = link(&notice);
    alice.mobile = Some("+491701112223".into());
    agent.mirror(vec![alice]).await;
    let notice = cloud.inbox.wait_for(&somebody("alice").mobile.unwrap(), 1).await.unwrap();
    assert!(notice.text.contains("contact data"), "{}", notice.text);
    cloud.inbox.wait_for("+491701112223", 0).await.unwrap();
    says_it_was_not_them(&cloud, &token).await.is_at("/not-me/stopped");
}

#[tokio::test]
async fn many_notices_at_once_hold_up_no_code() {
    let (cloud, mut agent) = cloud().await;
    let people = |domain: &str| {
        (0..60)
            .map(|n| sspr::wire::message::Person { mail: Some(format!("p{n}@{domain}")), ..somebody(&format!("p{n}")) })
            .collect::<Vec<_>>()
    };
    agent.mirror([people("old.example"), vec![somebody("alice")]].concat()).await;
    agent.mirror([people("new.example"), vec![somebody("alice")]].concat()).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 60);
    assert!(cloud.sql::<i64>("select count(*) from messages where due_at > now() + interval '30 minutes'").await > 60);
    at_password(&cloud, "alice").await;
}

#[tokio::test]
async fn a_reset_by_mail_alone_is_told_of_again_a_day_later_unless_it_was_stopped() {
    let (cloud, mut agent) = cloud().await;
    let notice = alice_is_told(&cloud, &mut agent).await;
    cloud.clock.advance(86400 - 60);
    sspr::worker::sweep(&cloud.app).await.unwrap();
    assert_eq!(cloud.inbox.count("alice@mail.example"), 2, "a code and the notice");
    cloud.clock.advance(61);
    let again = cloud.inbox.wait_for("alice@mail.example", 2).await.unwrap();
    assert!(again.text.contains("could read your mail"), "{}", again.text);
    link(&again);

    // Stopped meanwhile: not sent.
    agent = cloud.agent().await;
    alice_is_told(&cloud, &mut agent).await;
    says_it_was_not_them(&cloud, &link(&notice).1).await.is_at("/not-me/stopped");
    told(&cloud, "alice@mail.example", 5, "nothing can be reset").await;
    let seen = cloud.inbox.count("alice@mail.example");
    cloud.clock.advance(86400 + 1);
    cloud.until("select count(*) from messages where state = 'discarded' and user_id is not null", 2).await;
    assert_eq!(cloud.inbox.count("alice@mail.example"), seen);
}

#[tokio::test]
async fn the_words_are_the_persons() {
    let (cloud, mut agent) = cloud().await;
    agent.mirror(vec![sspr::wire::message::Person { language: Some("de-AT".into()), ..somebody("alice") }]).await;
    let notice = alice_is_told(&cloud, &mut agent).await;
    assert!(notice.text.contains("Das waren nicht Sie?") && notice.subject.contains("geändert"), "{}", notice.text);
}
