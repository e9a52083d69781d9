//! What a policy says of its people beside their proofs: which countries get text messages, and how often an account may try.

use sspr::{
    domain::{
        limits::Allowance,
        policies::{Change, Draft, Refused},
        sessions::By,
    },
    wire::{message::Person as DirectoryPerson, outcome::Code},
};

use super::{
    notices::tells,
    policies::{STAFF, changes, group, office, privileged, save},
};
use crate::support::{
    Cloud, HandAgent, Person,
    agent::{in_groups, somebody},
    person::{code_to, seal_both},
};

const SMS: &str = "/account/methods/contact/sms";
const ABROAD: &str = "+436601234567";
const CAROLS: &str = "+436607654321";

/// alice is staff and carol is not, both with numbers abroad; bob is staff with one at home.
async fn abroad() -> (Cloud, HandAgent) {
    let (cloud, mut agent) = office().await;
    let alice = DirectoryPerson { mobile: Some(ABROAD.into()), ..in_groups("alice", &[STAFF]) };
    let carol = DirectoryPerson { mobile: Some(CAROLS.into()), ..somebody("carol") };
    agent.tells(&[(STAFF, "Staff")], vec![alice, in_groups("bob", &[STAFF]), carol]).await;
    // What tells of the new numbers is gone before anything else is counted.
    cloud.app.wake_outbox();
    cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--sms-countries", "49", "--yes"]);
    cloud.hears().await;
    (cloud, agent)
}

/// A policy for the staff that differs from everybody's by this.
async fn staff(cloud: &Cloud, change: impl FnOnce(Draft) -> Draft) {
    let draft = Draft { groups: vec![group(cloud, STAFF)], rises: false, cooling_off: 0, ..Draft::new("Staff", 10) };
    save(cloud, change(draft)).await.unwrap();
}

fn explained(cloud: &Cloud, name: &str) -> String {
    cloud.administers(&["user", "explain", "--tenant", &cloud.tenant.scope.id().to_string(), name])
}

async fn choices(cloud: &Cloud, name: &str) -> String {
    let mut person = Person::at(cloud);
    person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
    person.page.form("/reset/method").unwrap().choices("method").join(" ")
}

#[tokio::test]
async fn a_policy_names_countries_of_its_own() {
    let (cloud, _agent) = abroad().await;
    for (name, ways) in [("alice", "email"), ("bob", "email sms"), ("carol", "email")] {
        assert_eq!(choices(&cloud, name).await, ways, "{name}");
    }
    let list = |set: &[&str]| cloud.administers(&[&["policy", "set", "Staff"], set].concat());
    staff(&cloud, |draft| draft).await;
    let shown = list(&["--countries", "43,+1242"]);
    assert!(shown.contains("0 gain") && shown.contains("Nothing was saved"), "{shown}");
    assert_eq!(choices(&cloud, "alice").await, "email");
    list(&["--countries", "43,+1242", "--yes"]);
    for (name, ways) in [("alice", "email sms"), ("bob", "email"), ("carol", "email")] {
        assert_eq!(choices(&cloud, name).await, ways, "{name}: in place of the organisation's, for them alone");
    }
    assert!(cloud.administers(&["policy", "list"]).contains("text messages to +1242, +43\n"));
    for bad in ["043", "x", "43,,49", &["43"; 61].join(",")] {
        assert!(cloud.tries(&["policy", "set", "Staff", "--countries", bad]).is_err(), "{bad}");
    }
    // A code, notices and invitations go there; to carol in the same country nothing.
    let seen = cloud.inbox.count(ABROAD);
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.submits("/reset/method", &[("method", "sms")]).await;
    assert!(cloud.inbox.wait_for(ABROAD, seen).await.unwrap().text.contains("code"));
    let others = [CAROLS, &somebody("bob").mobile.unwrap()].map(|number| cloud.inbox.count(number));
    for name in ["alice", "bob", "carol"] {
        tells(&cloud, name).await;
    }
    assert_eq!(cloud.inbox.count(ABROAD), seen + 2);
    assert_eq!([CAROLS, &somebody("bob").mobile.unwrap()].map(|number| cloud.inbox.count(number)), others);
    // What may be added is what may be texted.
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_of("alice").await);
    alice.opens(SMS).await.submits(SMS, &[("to", "+49 170 5555555")]).await.sees("no text messages to this country");
    alice.opens(SMS).await.submits(SMS, &[("to", "+43 660 5555555")]).await;
    assert_eq!(alice.page.status, 200, "{}", alice.page.text());
    // Who began before is not told that it is over, and nothing is sent.
    let mut before = Person::at(&cloud);
    before.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    list(&["--countries", "", "--yes"]);
    let sent = cloud.inbox.count(ABROAD);
    before.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code").sees("we have sent a text message");
    tells(&cloud, "alice").await;
    assert_eq!(cloud.inbox.count(ABROAD), sent);
    assert_eq!(choices(&cloud, "alice").await, "email");
    alice.opens("/account/methods").await.sees("sends no text messages to this country");
}

/// Of whoever gets no self-service a policy says nothing else.
#[tokio::test]
async fn a_policy_that_serves_nobody_silences_nothing() {
    let (cloud, _agent) = abroad().await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--sms-countries", "43", "--yes"]);
    cloud.hears().await;
    staff(&cloud, |draft| Draft { countries: vec!["49".into()], serves: false, ..draft }).await;
    let seen = cloud.inbox.count(ABROAD);
    tells(&cloud, "alice").await;
    assert_eq!(cloud.inbox.count(ABROAD), seen + 1);
    cloud.administers(&["policy", "set", "Staff", "--serves", "true", "--yes"]);
    tells(&cloud, "alice").await;
    assert_eq!(cloud.inbox.count(ABROAD), seen + 1);
}

/// Whoever proved themselves by what proves nothing any more is not given a ticket for it.
#[tokio::test]
async fn the_way_that_a_code_went_is_asked_again() {
    let (cloud, _agent) = abroad().await;
    staff(&cloud, |draft| Draft { countries: vec!["43".into()], ..draft }).await;
    let by_text = async || {
        let (mut alice, seen) = (Person::at(&cloud), cloud.inbox.count(ABROAD));
        alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.submits("/reset/method", &[("method", "sms")]).await;
        let code = code_to(&cloud, ABROAD, seen).await;
        alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
        alice
    };
    let mut alice = by_text().await;
    assert_eq!(alice.ticket().await.0, 200);
    cloud.administers(&["policy", "set", "Staff", "--countries", "49", "--yes"]);
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")));
    // And by the mailbox, once its domain is named.
    let mut bob = Person::at(&cloud);
    bob.proves(&cloud, "bob").await;
    assert_eq!(bob.ticket().await.0, 200);
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    let (status, answer) = bob.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("not_served")));
}

#[tokio::test]
async fn countries_of_a_policy_are_weighed_before_they_are_saved() {
    let (cloud, mut agent) = abroad().await;
    let alice = DirectoryPerson { mail: None, mobile: Some(ABROAD.into()), ..in_groups("alice", &[STAFF]) };
    agent.tells(&[(STAFF, "Staff")], vec![alice, in_groups("bob", &[STAFF])]).await;
    staff(&cloud, |draft| draft).await;
    let shown = cloud.administers(&["policy", "set", "Staff", "--countries", "43"]);
    assert!(shown.contains("1 gain self-service\n    alice"), "{shown}");
    cloud.administers(&["policy", "set", "Staff", "--countries", "43", "--yes"]);
    let shown = cloud.administers(&["policy", "set", "Staff", "--countries", "49"]);
    assert!(shown.contains("1 lose self-service\n    alice") && shown.contains("1 people with a number get no text messages"), "{shown}");
    let shown = cloud.administers(&["policy", "set", "Staff", "--countries", "all"]);
    assert!(shown.contains("0 lose") && !shown.contains("no text messages"), "{shown}");
    let why = explained(&cloud, "alice");
    assert!(!why.contains("no text messages"), "{why}");
    cloud.administers(&["policy", "set", "Staff", "--countries", "49", "--yes"]);
    let why = explained(&cloud, "alice");
    assert!(why.contains("no text messages are sent to that country"), "{why}");
}

/// So many wrong codes until the page says to wait.
async fn guesses(cloud: &Cloud, name: &str) -> usize {
    let mut thief = Person::at(cloud);
    thief.asks_for_a_code(name).await;
    for n in 0..20 {
        if thief.submits("/reset/code", &[("code", "000000")]).await.page.status == 429 {
            return n;
        }
    }
    panic!("nothing ends it");
}

#[tokio::test]
async fn a_policy_says_how_many_tries_an_account_has() {
    let (cloud, _agent) = office().await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--address-limit", "10000"]);
    cloud.hears().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { tries: 3, ..Allowance::USUAL }, ..draft }).await;
    assert_eq!((guesses(&cloud, "alice").await, guesses(&cloud, "carol").await), (3, 5));
    // Nobody is asked to try again at once after the last one.
    let mut bob = Person::at(&cloud);
    bob.asks_for_a_code("bob").await;
    for n in 0..3 {
        bob.submits("/reset/code", &[("code", "000000")]).await;
        assert_eq!(bob.page.text().contains("Please check it and try again"), n < 2, "{}", bob.page.text());
    }
    // They are the account's, over its flows, and whoever looks sees that it waits.
    let all = cloud.administers(&["limits", "list", "--tenant", &tenant]);
    assert!(["alice", "carol"].iter().all(|name| all.lines().any(|line| line.contains("code_try") && line.ends_with(name))), "{all}");
    assert_eq!(guesses(&cloud, "ALICE@corp.example").await, 0);
    let listed = |name: &str| cloud.administers(&["limits", "list", "--tenant", &tenant, "--user", name]);
    assert!(listed("alice").contains("code_try") && listed("carol").contains("code_try"));
    assert!(explained(&cloud, "alice").contains("wait"), "{}", explained(&cloud, "alice"));
    cloud.administers(&["limits", "lift", "--tenant", &tenant, "--user", "alice"]);
    assert_eq!(guesses(&cloud, "alice").await, 3);
    // A name that nobody has borrows somebody's: each has a count of its own, of one kind or the other.
    let mut strangers = Vec::new();
    for n in 0..12 {
        strangers.push(guesses(&cloud, &format!("nobody{n}")).await);
    }
    assert!(strangers.iter().all(|count| [3, 5].contains(count)), "{strangers:?}");
    assert!(strangers.contains(&3) && strangers.contains(&5), "{strangers:?}");
    // They are lifted as anybody's.
    cloud.administers(&["limits", "lift", "--tenant", &tenant, "--user", "nobody7"]);
    assert_eq!(guesses(&cloud, "nobody7").await, strangers[7]);
}

/// Whoever keeps a journey from before shares its counts with those after it, by whichever number.
#[tokio::test]
async fn journeys_of_two_numbers_have_no_more_guesses_than_the_larger_one() {
    let (cloud, _agent) = office().await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--address-limit", "10000"]);
    cloud.hears().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { tries: 3, ..Allowance::USUAL }, ..draft }).await;
    let mut few = Person::at(&cloud);
    few.asks_for_a_code("alice").await;
    cloud.administers(&["policy", "set", "Staff", "--tries", "10", "--yes"]);
    let mut many = Person::at(&cloud);
    many.asks_for_a_code("alice").await;
    let mut compared = 0;
    for n in 0..60 {
        let thief = if n % 6 == 5 { &mut few } else { &mut many };
        compared += usize::from(thief.submits("/reset/code", &[("code", "000000")]).await.page.status == 422);
    }
    assert_eq!(compared, 10);
}

/// What a stranger types that is nearly a name begins the same waits as the name itself, whether or not somebody has it.
#[tokio::test]
async fn the_length_of_a_wait_tells_no_name() {
    let (cloud, mut agent) = office().await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--address-limit", "10000"]);
    cloud.hears().await;
    cloud.policy(|terms| Draft { allowance: Allowance { sends: 10, ..Allowance::USUAL }, ..terms }).await;
    let wait = |page: &str| page.split("data-countdown=\"").nth(1).and_then(|rest| rest.split('"').next()?.parse::<i64>().ok());
    let mut waits = Vec::new();
    for name in ["alice", "carol", "nobody1", "nobody2"] {
        let mut near = Person::at(&cloud);
        near.asks_for_a_code(&format!("{name}@wrong.example")).await.submits("/reset/code", &[("code", "000000")]).await;
        cloud.clock.advance(40);
        agent.beat(true).await;
        let mut thief = Person::at(&cloud);
        thief.asks_for_a_code(name).await;
        while thief.page.status != 429 {
            thief.submits("/reset/code", &[("code", "000000")]).await;
        }
        let tried = wait(&thief.page.body).unwrap();
        let mut sent = Person::at(&cloud);
        for _ in 0..12 {
            sent = Person::at(&cloud);
            sent.opens("/").await.submits("/reset", &[("name", name)]).await.submits("/reset/method", &[("method", "email")]).await;
        }
        sent.sees("No more codes can be sent at the moment");
        let resend = sent.page.body.split("resend-form").nth(1).and_then(wait).unwrap();
        waits.push((name, tried, resend));
    }
    let near = |one: i64, other: i64| (one - other).abs() < 20;
    let (_, tried, resend) = waits[3];
    assert!(waits.iter().all(|wait| near(wait.1, tried) && near(wait.2, resend)), "{waits:?}");
    assert!(tried < 570 && resend < 3570, "both began with what was nearly the name: {waits:?}");
}

#[tokio::test]
async fn a_limit_that_is_tightened_or_loosened_holds_from_the_next_journey_on() {
    let (cloud, _agent) = office().await;
    staff(&cloud, |draft| draft).await;
    let mut thief = Person::at(&cloud);
    thief.asks_for_a_code("alice").await;
    for _ in 0..4 {
        assert_eq!(thief.submits("/reset/code", &[("code", "000000")]).await.page.status, 422);
    }
    cloud.administers(&["policy", "set", "Staff", "--tries", "3", "--yes"]);
    assert_eq!(guesses(&cloud, "alice").await, 0, "she has had more than that");
    cloud.administers(&["policy", "set", "Staff", "--tries", "10", "--yes"]);
    let tenant = cloud.tenant.scope.id().to_string();
    let says = || (cloud.administers(&["limits", "list", "--tenant", &tenant, "--user", "alice"]), explained(&cloud, "alice"));
    let (listed, why) = says();
    assert!(listed.contains("nobody has to wait") && !why.contains("NO"), "{listed}{why}");
    assert!(guesses(&cloud, "alice").await >= 4, "and fewer than that");
    assert!(says().0.contains("code_try"));
}

#[tokio::test]
async fn a_policy_says_how_many_codes_are_sent() {
    let (cloud, _agent) = office().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { sends: 2, ..Allowance::USUAL }, ..draft }).await;
    for (name, most) in [("alice", 2), ("carol", 5)] {
        let address = format!("{name}@mail.example");
        for n in 0..most {
            Person::at(&cloud).asks_for_a_code(name).await;
            cloud.inbox.wait_for(&address, n).await.unwrap();
        }
        let mut last = Person::at(&cloud);
        last.opens("/").await.submits("/reset", &[("name", name)]).await.submits("/reset/method", &[("method", "email")]).await;
        last.sees("No more codes can be sent at the moment");
        cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
        assert_eq!(cloud.inbox.count(&address), most, "{name}");
    }
}

#[tokio::test]
async fn a_policy_says_how_often_the_current_password_is_tried() {
    let (cloud, mut agent) = office().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { passwords: 1, ..Allowance::USUAL }, ..draft }).await;
    for (name, most) in [("alice", 1), ("carol", 3)] {
        let mut person = Person::at(&cloud);
        person.proves_from(&cloud, "/change", name).await.is_at("/change/password");
        for _ in 0..most {
            let (status, answer) = person.ticket().await;
            assert_eq!(status, 200, "{name}: {answer}");
            person.posts(&seal_both(&answer, "Correct-Horse-7", "Wrong-Horse-6")).await;
            agent.work(Code::WrongPassword).await;
            person.is_told().await;
        }
        person.opens("/reset").await.is_at("/change/password").sees("30 minutes");
        assert_eq!(person.ticket().await.0, 429, "{name}");
        // Another number holds at once, for the page as for the ticket.
        cloud.administers(&["policy", "set", if name == "alice" { "Staff" } else { "Everybody" }, "--passwords", "10", "--yes"]);
        assert!(!person.opens("/reset").await.page.text().contains("30 minutes"), "{name}");
        assert_eq!(person.ticket().await.0, 200, "{name}");
    }
}

/// An answer that is lost on its way tries nothing.
#[tokio::test]
async fn a_ticket_that_nobody_used_is_no_try() {
    let (cloud, mut agent) = office().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { passwords: 1, ..Allowance::USUAL }, ..draft }).await;
    let mut alice = Person::at(&cloud);
    alice.proves_from(&cloud, "/change", "alice").await.is_at("/change/password");
    let mut last = None;
    for _ in 0..3 {
        let (status, answer) = alice.ticket().await;
        assert_eq!(status, 200, "{answer}");
        last = Some(answer);
    }
    // Another journey meanwhile has none left, and after a try this one neither.
    let mut other = Person::at(&cloud);
    other.proves_from(&cloud, "/change", "alice").await;
    assert_eq!(other.ticket().await.0, 429);
    alice.posts(&seal_both(&last.unwrap(), "Correct-Horse-7", "Wrong-Horse-6")).await;
    agent.work(Code::WrongPassword).await;
    alice.is_told().await;
    alice.opens("/reset").await.is_at("/change/password").sees("30 minutes");
    assert_eq!(alice.ticket().await.0, 429);
}

#[tokio::test]
async fn the_account_page_counts_by_the_same_policy() {
    let (cloud, _agent) = office().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { tries: 3, sends: 2, passwords: 3 }, ..draft }).await;
    let mut alice = Person::at(&cloud);
    alice
        .browser
        .cookies
        .insert("sspr_session".into(), cloud.session_by("alice", By::Passkey, sspr::domain::policies::Method::Passkey).await);
    let code = format!("{SMS}/code");
    alice.opens(SMS).await.submits(SMS, &[("to", "+49 170 5555555")]).await.is_at(&code);
    for _ in 0..3 {
        alice.submits(&code, &[("code", "000000")]).await;
        assert_eq!(alice.page.status, 422, "{}", alice.page.text());
    }
    alice.submits(&code, &[("code", "000000")]).await;
    assert_eq!(alice.page.status, 429, "{}", alice.page.text());
    alice.opens(SMS).await.submits(SMS, &[("to", "+49 170 6666666")]).await;
    alice.opens(SMS).await.submits(SMS, &[("to", "+49 170 7777777")]).await;
    assert_eq!(alice.page.status, 429, "{}", alice.page.text());
}

#[tokio::test]
async fn privileged_people_have_no_more_tries_than_are_usual() {
    let (cloud, _agent) = office().await;
    staff(&cloud, |draft| Draft { allowance: Allowance { tries: 10, sends: 10, passwords: 10 }, ..draft }).await;
    let terms = "select concat_ws(' ', tries, sends, passwords) from policy_of((select tenant_id from tenants),
                 (select user_id from users where sign_in_name = 'alice'))";
    assert_eq!(cloud.sql::<String>(terms).await, "10 10 10");
    privileged(&cloud, STAFF).await;
    assert_eq!(cloud.sql::<String>(terms).await, "5 5 3");
    // And by no policy at all.
    let nobody = "select concat_ws(' ', tries, sends, passwords, countries) from policy_of(gen_random_uuid(), gen_random_uuid())";
    assert_eq!(cloud.sql::<String>(nobody).await, "5 5 3 {}");
}

#[tokio::test]
async fn what_is_out_of_bounds_is_not_saved() {
    let (cloud, _agent) = office().await;
    let usual = Allowance::USUAL;
    for allowance in [
        Allowance { tries: 2, ..usual },
        Allowance { tries: 11, ..usual },
        Allowance { sends: 1, ..usual },
        Allowance { sends: 11, ..usual },
        Allowance { passwords: 0, ..usual },
        Allowance { passwords: 11, ..usual },
    ] {
        let draft = Draft { everybody: true, allowance, ..Draft::new("Other", 7) };
        assert_eq!(changes(&cloud, Change::Save(None, draft)).await.err(), Some(Refused::Bounds), "{allowance:?}");
    }
}
