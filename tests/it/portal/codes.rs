//! Codes: wrong, late, used, guessed in parallel, from another flow, and for nobody.

use sspr::{
    base::language::Language,
    domain::{
        resets,
        tenants::{self, New},
        verification::{self, Checked, Method},
    },
    lab::{browser::Browser, inbox::Refusal},
};

use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_to};

async fn cloud() -> Cloud {
    cloud_and_agent().await.0
}

async fn cloud_and_agent() -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    (cloud, agent)
}

/// The newest code that was sent to somebody.
async fn newest(cloud: &Cloud, name: &str, seen: usize) -> String {
    code_to(cloud, &format!("{name}@mail.example"), seen).await
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    let n: u32 = code.parse().unwrap();
    format!("{:06}", (n + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_is_good_however_it_is_typed_and_only_once() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("CORP\\Alice ").await;
    let code = newest(&cloud, "alice", 0).await;
    alice.submits("/reset/code", &[("code", "12 34")]).await.is_at("/reset/code").sees("6 digits");
    let used = alice.page.form("/reset/code").unwrap().set("code", &code).unwrap();
    alice.submits("/reset/code", &[("code", &format!(" {}-{} ", &code[..3], &code[3..]))]).await.is_at("/reset/password");

    // The same again goes nowhere but where the flow is; no state is lost.
    alice.page = alice.browser.submit(&used).await.unwrap();
    alice.is_at("/reset/password");

    // In a flow of its own it is worth nothing.
    let mut again = Person::at(&cloud);
    again.asks_for_a_code("alice").await;
    again.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("does not fit");
}

/// Also where no flow stands behind it that knows which gates were passed.
#[tokio::test]
async fn a_code_is_used_up_by_itself() {
    let cloud = cloud().await;
    Person::at(&cloud).asks_for_a_code("alice").await;
    let code = verification::Code::parse(Method::Email, &newest(&cloud, "alice", 0).await).unwrap();
    let flow = cloud.sql::<uuid::Uuid>("select flow_id from challenges").await;
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let mut checked = Vec::new();
    for _ in 0..2 {
        checked.push(verification::check(&mut conn, &cloud.tenant.scope, &cloud.clock, flow, Method::Email, &code).await.unwrap());
    }
    assert_eq!(checked, [Checked::Right, Checked::Over]);
}

#[tokio::test]
async fn the_old_cookie_is_worth_nothing_once_a_gate_is_passed() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let before = alice.browser.cookies.clone();
    let code = newest(&cloud, "alice", 0).await;
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert_ne!(before, alice.browser.cookies);
    let mut thief = Person::at(&cloud);
    thief.browser.cookies = before;
    thief.opens("/reset/password").await;
    assert_eq!(thief.page.status, 410);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    cloud.clock.advance(601);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("too old");
}

#[tokio::test]
async fn a_resend_replaces_the_code_and_resets_no_counter() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let first = newest(&cloud, "alice", 0).await;
    for _ in 0..3 {
        alice.submits("/reset/code", &[("code", &wrong(&first))]).await.sees("does not fit");
    }
    alice.submits("/reset/code/resend", &[]).await;
    assert_eq!(alice.page.status, 429, "thirty seconds are not over");
    cloud.clock.advance(31);
    alice.submits("/reset/code/resend", &[]).await.is_at("/reset/code/resend");
    assert_eq!(alice.page.status, 200);
    let second = newest(&cloud, "alice", 1).await;
    if first != second {
        alice.submits("/reset/code", &[("code", &first)]).await.sees("does not fit");
    }
    alice.submits("/reset/code", &[("code", &wrong(&second))]).await;
    // Five tries are used, across the resend: the right code no longer counts.
    alice.submits("/reset/code", &[("code", &second)]).await.is_at("/reset/code");
    assert_eq!(alice.page.status, 429);
}

/// Status and `Retry-After` of a posted form, of which no page tells.
async fn waits(cloud: &Cloud, person: &Person, path: &str, fields: &[(&str, &str)]) -> (u16, u64) {
    let cookies: Vec<String> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}{path}", cloud.url)).header("origin", &cloud.url).header("cookie", cookies.join("; "));
    let answer = request.form(fields).send().await.unwrap();
    let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status().as_u16(), seconds.unwrap_or_default())
}

#[tokio::test]
async fn whoever_must_wait_is_told_for_how_long() {
    let (cloud, mut agent) = cloud_and_agent().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    cloud.clock.advance(10);
    let (status, seconds) = waits(&cloud, &alice, "/reset/code/resend", &[]).await;
    assert_eq!(status, 429);
    assert!((15..=21).contains(&seconds), "thirty seconds after the first code: {seconds}");

    let code = wrong(&newest(&cloud, "alice", 0).await);
    for _ in 0..5 {
        assert_eq!(waits(&cloud, &alice, "/reset/code", &[("code", &code)]).await, (422, 0));
    }
    let (status, seconds) = waits(&cloud, &alice, "/reset/code", &[("code", &code)]).await;
    assert_eq!(status, 429);
    assert!((580..=601).contains(&seconds), "ten minutes after the first try: {seconds}");
    // The time that was told is enough.
    cloud.clock.advance(i64::try_from(seconds).unwrap());
    assert_eq!(waits(&cloud, &alice, "/reset/code", &[("code", &code)]).await.0, 422);

    agent.beat(true).await;
    for _ in 0..4 {
        Person::at(&cloud).asks_for_a_code("bob").await;
    }
    let mut bob = Person::at(&cloud);
    bob.asks_for_a_code("bob").await;
    cloud.clock.advance(31);
    let (status, seconds) = waits(&cloud, &bob, "/reset/code/resend", &[]).await;
    assert_eq!(status, 429);
    assert!((800..=870).contains(&seconds), "a quarter of an hour after the first of five: {seconds}");
}

#[tokio::test]
async fn tries_count_per_account_across_flows() {
    let (cloud, mut agent) = cloud_and_agent().await;
    let mut first = Person::at(&cloud);
    first.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    for _ in 0..5 {
        first.submits("/reset/code", &[("code", &wrong(&code))]).await;
    }
    // Another browser, the address instead of the name: the same account.
    let mut second = Person::at(&cloud);
    second.asks_for_a_code("alice@mail.example").await;
    let code = newest(&cloud, "alice", 1).await;
    second.submits("/reset/code", &[("code", &code)]).await;
    assert_eq!(second.page.status, 429);
    // Somebody else is not hindered, and time heals.
    Person::at(&cloud).proves(&cloud, "bob").await;
    cloud.clock.advance(1260);
    agent.beat(true).await;
    Person::at(&cloud).proves(&cloud, "alice").await;
}

#[tokio::test]
async fn two_hundred_guesses_at_once_are_five_tries() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..200u32 {
        let form = alice
            .page
            .form("/reset/code")
            .unwrap()
            .set("code", &format!("{:06}", (code.parse::<u32>().unwrap() + 1 + n) % 1_000_000))
            .unwrap();
        // One client for all: making two hundred would take longer than their guesses.
        let mut browser = alice.browser.at(&cloud.url);
        guesses.spawn(async move { browser.submit(&form).await.unwrap().status });
    }
    let answers = guesses.join_all().await;
    let compared = answers.iter().filter(|status| **status == 422).count();
    assert_eq!(compared, 5, "{answers:?}");
    assert!(answers.iter().all(|status| [422, 429].contains(status)), "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.code_try' and outcome = 'wrong'").await, 5);
}

#[tokio::test]
async fn the_right_code_many_times_at_once_passes_once() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    let form = alice.page.form("/reset/code").unwrap().set("code", &code).unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (form, mut browser) = (form.clone(), alice.browser.at(&cloud.url));
        tries.spawn(async move { browser.submit(&form).await.unwrap().path });
    }
    let paths = tries.join_all().await;
    assert_eq!(paths.iter().filter(|path| *path == "/reset/password").count(), 1, "{paths:?}");
}

/// In two tabs: whichever comes first, the other waits for it, and neither waits for ever.
#[tokio::test]
async fn a_resend_and_a_right_code_at_the_same_moment_do_not_block_each_other() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    cloud.clock.advance(31);
    let mut other_tab = Browser::new(&cloud.url).unwrap();
    other_tab.cookies = alice.browser.cookies.clone();
    let (resend, typed) =
        (alice.page.form("/reset/code/resend").unwrap(), alice.page.form("/reset/code").unwrap().set("code", &code).unwrap());
    // Somebody holds what the resend counts, so that it stops half-way, just before it writes the new code.
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let mut tx = cloud.app.begin().await.unwrap();
    sqlx::query("select from limits where kind = 'code_send' for update").execute(&mut *tx).await.unwrap();
    let types = async {
        cloud.until(waiting, 1).await;
        let lets_go = async {
            cloud.until(waiting, 2).await;
            tx.commit().await.unwrap();
        };
        tokio::join!(alice.browser.submit(&typed), lets_go).0
    };
    let (resent, typed) = tokio::join!(other_tab.submit(&resend), types);
    let (resent, typed) = (resent.unwrap(), typed.unwrap());
    assert_eq!((resent.status, typed.status), (200, 422), "{} {}", resent.text(), typed.text());
}

#[tokio::test]
async fn two_gates_are_two_methods() {
    let cloud = cloud().await;
    cloud.gates(2).await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/method");
    let choices: Vec<String> =
        alice.page.form("/reset/method").unwrap().choices("method").iter().map(|&choice| choice.to_owned()).collect();
    assert_eq!(choices, ["sms"], "the first method is not offered again");
    let (status, answer) = alice.ticket().await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("not_verified")));
    alice.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code");
    let code = code_to(&cloud, &somebody("alice").mobile.unwrap(), 0).await;
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

/// Five after a proof, which strangers cannot use up, and they are the same five however often it is shown.
#[tokio::test]
async fn passing_one_gate_again_gives_no_new_guesses_at_the_other() {
    let cloud = cloud().await;
    cloud.gates(2).await;
    let mut guesses = 0;
    for _ in 0..3 {
        let mut thief = Person::at(&cloud);
        // Among them is the notice that tries were used up, whenever it comes.
        let seen = cloud.inbox.count("alice@mail.example");
        thief.asks_for_a_code("alice").await;
        let code = newest(&cloud, "alice", seen).await;
        thief.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/method");
        thief.submits("/reset/method", &[("method", "sms")]).await;
        while guesses < 20 {
            thief.submits("/reset/code", &[("code", "000000")]).await;
            if thief.page.status == 429 {
                break;
            }
            guesses += 1;
        }
    }
    assert_eq!(guesses, 5);
}

#[tokio::test]
async fn five_codes_in_a_quarter_of_an_hour() {
    let cloud = cloud().await;
    for _ in 0..5 {
        Person::at(&cloud).asks_for_a_code("alice").await;
    }
    let mut sixth = Person::at(&cloud);
    sixth.asks_for_a_code("alice").await.sees("No more codes");
    // Delivered are the five: the next thing this inbox gets is bob's.
    Person::at(&cloud).asks_for_a_code("bob").await;
    newest(&cloud, "bob", 0).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, 6);
}

#[tokio::test]
async fn a_mail_that_is_refused_is_tried_again_and_the_page_says_nothing_of_it() {
    let cloud = cloud().await;
    cloud.inbox.refuse("alice@mail.example", Refusal::ForNow);
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await.sees("If the account exists");
    cloud.until("select count(*) from messages where last_error is not null and state = 'waiting'", 1).await;
    cloud.inbox.accept("alice@mail.example");
    cloud.clock.advance(3);
    cloud.app.wake_outbox();
    let code = newest(&cloud, "alice", 0).await;
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");

    cloud.inbox.refuse("bob@mail.example", Refusal::ForGood);
    Person::at(&cloud).asks_for_a_code("bob").await.sees("If the account exists");
    cloud.until("select count(*) from messages where state = 'failed' and payload is null", 1).await;
}

#[tokio::test]
async fn no_code_lies_in_the_database() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    let dump = cloud.dump().await;
    assert!(!dump.contains(&code) && !dump.contains("alice@mail.example"), "a code or an address lies open");
}

/// The same digits prove nothing in another journey of hers, nor for another purpose, nor at another organisation.
#[tokio::test]
async fn a_code_is_good_for_the_very_journey_that_it_was_sent_for() {
    let (cloud, _agent) = cloud_and_agent().await;
    let firsts = [("/", "/reset"), ("/change", "/change"), ("/account/sign-in", "/account/sign-in")];
    let mut journeys = Vec::new();
    for (n, (first, action)) in firsts.into_iter().enumerate() {
        let mut person = Person::at(&cloud);
        person.opens(first).await.submits(action, &[("name", "alice")]).await.submits("/reset/method", &[("method", "email")]).await;
        person.is_at("/reset/code");
        journeys.push((person, newest(&cloud, "alice", n).await));
    }
    for n in 0..3 {
        let foreign = journeys[(n + 1) % 3].1.clone();
        let (person, own) = &mut journeys[n];
        if foreign != *own {
            person.submits("/reset/code", &[("code", &foreign)]).await.is_at("/reset/code").sees("does not fit");
        }
    }
    // Another organisation, on the same server and with the same person.
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Other", host: "other.example", language: Language::English, help: None };
    let other = tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    tx.commit().await.unwrap();
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let (person, code) = &mut journeys[0];
    let token = person.browser.cookies["sspr_flow"].clone();
    assert!(resets::load(&mut conn, &cloud.tenant.scope, &cloud.clock, &token).await.unwrap().is_some());
    assert!(resets::load(&mut conn, &other.scope, &cloud.clock, &token).await.unwrap().is_none());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.post(format!("{}/reset/code", cloud.url)).header("host", "other.example").header("sec-fetch-site", "same-origin");
    let answer = request.header("cookie", format!("sspr_flow={token}")).form(&[("code", code.as_str())]).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 410);
    // And where it was sent for it is good.
    person.submits("/reset/code", &[("code", code)]).await.is_at("/reset/password");
}

#[tokio::test]
async fn a_code_is_read_however_it_was_pasted() {
    let cloud = cloud().await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = newest(&cloud, "alice", 0).await;
    let wide: String = code.chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap()).collect();
    alice
        .submits("/reset/code", &[("code", &format!("\u{200e}{}\u{2011}{}\u{feff}", &wide[..9], &wide[9..]))])
        .await
        .is_at("/reset/password");
}
