//! Limits beyond one account: per client address, destination, country and tenant; by class of proof; and who sees and lifts them.

use std::collections::BTreeMap;

use reqwest::{Client, header, redirect};
use sspr::{
    domain::{
        audit::Source,
        limits::{self, Count, Limit, Verdict},
        resets,
    },
    lab::{browser::Browser, html::Form},
    wire::message,
};
use tokio::task::JoinSet;

use crate::support::{Cloud, HandAgent, Person, agent::somebody, person::code_in};

async fn cloud(people: Vec<message::Person>) -> (Cloud, HandAgent) {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(people).await;
    (cloud, agent)
}

async fn allows(cloud: &Cloud, settings: &[&str]) {
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&[&["tenant", "set", &tenant], settings].concat());
    cloud.hears().await;
}

fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap()
}

/// The first form for this name, with these headers more: status and `Retry-After`.
async fn begins(cloud: &Cloud, name: &str, headers: &[(&str, &str)]) -> (u16, Option<u64>) {
    let mut request = client().post(format!("{}/reset", cloud.url)).header(header::ORIGIN, &cloud.url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.form(&[("name", name), ("work", &cloud.worked().await)]).send().await.unwrap();
    let wait = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status().as_u16(), wait)
}

/// Each of these at once, every other one at another node: the statuses.
async fn at_once(cloud: &Cloud, posts: Vec<(BTreeMap<String, String>, Form)>) -> Vec<u16> {
    let other = cloud.another_node().await;
    let (mut tasks, one) = (JoinSet::new(), Browser::new(&cloud.url).unwrap());
    for (n, (cookies, form)) in posts.into_iter().enumerate() {
        // One client for all: making two hundred would take longer than what they ask.
        let mut browser = one.at(if n % 2 == 0 { &cloud.url } else { &other.url });
        browser.cookies = cookies;
        tasks.spawn(async move { browser.submit(&form).await.unwrap().status });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn two_hundred_begins_at_once_from_one_address_are_as_many_as_it_may() {
    let (cloud, mut agent) = cloud(vec![somebody("alice")]).await;
    allows(&cloud, &["--address-limit", "40"]).await;
    let (mut posts, mut person) = (Vec::new(), Person::at(&cloud));
    for _ in 0..200 {
        person.browser.cookies.clear();
        person.opens("/").await;
        posts.push((BTreeMap::new(), person.page.form("/reset").unwrap().set("name", "nobody").unwrap()));
    }
    agent.beat(true).await;
    let answers = at_once(&cloud, posts).await;
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 160, "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, 40);
    // Whoever comes now is told for how long, in words, and keeps what was typed.
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.sees("Very many requests came from your network");
    assert_eq!(alice.page.status, 429);
    assert!(alice.page.body.contains("value=\"alice\""));
    let (status, wait) = begins(&cloud, "alice", &[]).await;
    assert!(status == 429 && (540..=601).contains(&wait.unwrap()), "{status} {wait:?}");
}

#[tokio::test]
async fn an_address_is_what_the_last_trusted_hop_says() {
    let cloud = Cloud::start_with(&[("SSPR_SERVER__TRUSTED_PROXIES", "127.0.0.1")]).await;
    cloud.agent().await;
    allows(&cloud, &["--address-limit", "10"]).await;
    let begins = async |forwarded: &[&str]| {
        let headers: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
        begins(&cloud, "nobody", &headers).await.0
    };
    for n in 0..10 {
        // What the client says of itself stands to the left of what the proxy saw, or in a header before it.
        let tricks = [format!("10.0.0.{n}, 203.0.113.7"), format!("203.0.113.{n},  203.0.113.7")];
        assert_eq!(begins(&[&tricks[n % 2]]).await, 303);
    }
    for trick in ["198.51.100.1, 203.0.113.7", "203.0.113.7", "::ffff:203.0.113.7"] {
        assert_eq!(begins(&[trick]).await, 429, "{trick}");
    }
    assert_eq!(begins(&["198.51.100.1", "203.0.113.7"]).await, 429, "two headers");
    assert_eq!(begins(&["203.0.113.8"]).await, 303, "another address");
    // One customer's network is one.
    for n in 0..10 {
        assert_eq!(begins(&[&format!("2001:db8:1:2::{n:x}")]).await, 303);
    }
    assert_eq!(begins(&["2001:db8:1:2:ffff::1"]).await, 429);
    assert_eq!(begins(&["2001:db8:1:3::1"]).await, 303);
    // What is no address is the proxy's own.
    assert_eq!(begins(&["203.0.113.9, somewhere"]).await, 303);
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'address_begin' and subject = '\\x7f000001'").await, 1);
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_is_believed() {
    let (cloud, _agent) = cloud(Vec::new()).await;
    allows(&cloud, &["--address-limit", "10"]).await;
    for n in 0..12 {
        let (status, _) =
            begins(&cloud, "nobody", &[("x-forwarded-for", &format!("203.0.113.{n}")), ("forwarded", "for=203.0.113.1")]).await;
        assert_eq!(status, if n < 10 { 303 } else { 429 }, "{n}");
    }
}

#[tokio::test]
async fn two_hundred_guesses_over_two_nodes_are_five() {
    let (cloud, _agent) = cloud(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code: u32 = code_in(&cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text).parse().unwrap();
    let form = alice.page.form("/reset/code").unwrap();
    let guess = |n: u32| form.clone().set("code", &format!("{:06}", (code + 1 + n) % 1_000_000)).unwrap();
    let answers = at_once(&cloud, (0..200).map(|n| (alice.browser.cookies.clone(), guess(n))).collect()).await;
    assert_eq!(answers.iter().filter(|status| **status == 422).count(), 5, "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.code_try' and outcome = 'wrong'").await, 5);
}

/// A stranger who uses up the tries at one class of proof, or is stopped at the door, leaves the others as they are.
#[tokio::test]
async fn whoever_guesses_at_one_proof_does_not_stop_another() {
    let (cloud, _agent) = cloud(vec![somebody("alice")]).await;
    let mut stranger = Person::at(&cloud);
    stranger.asks_for_a_code("alice").await;
    for _ in 0..6 {
        stranger.submits("/reset/code", &[("code", "000000")]).await;
    }
    assert_eq!(stranger.page.status, 429);
    let token = stranger.browser.cookies["sspr_flow"].clone();
    let (scope, clock, source) = (&cloud.tenant.scope, &cloud.clock, Source::house("user"));
    let mut conn = cloud.app.db.acquire().await.unwrap();
    for (method, free) in
        [("email", false), ("sms", false), ("totp", true), ("help_desk", true), ("passkey", true), ("recovery_code", true)]
    {
        sqlx::query("update flows set method = $1").bind(method).execute(&mut *conn).await.unwrap();
        let flow = resets::load(&mut conn, scope, clock, &token).await.unwrap().unwrap();
        let verdict = resets::count_try(&mut conn, scope, clock, &source, &flow).await.unwrap();
        assert_eq!(verdict == Verdict::Allowed, free, "{method}");
    }
    // What cannot be guessed is not counted for an account at all.
    let kinds = "select string_agg(distinct kind, ' ' order by kind) from limits where kind like '%try'";
    assert_eq!(cloud.sql::<String>(kinds).await, "address_try app_try code_try help_desk_try");

    // An address that is exhausted uses up nobody's tries.
    sqlx::query("update limits set used = 1000000 where kind = 'address_try'").execute(&mut *conn).await.unwrap();
    sqlx::query("delete from limits where kind like '%try' and kind <> 'address_try'").execute(&mut *conn).await.unwrap();
    let mut again = Person::at(&cloud);
    again.asks_for_a_code("alice").await.submits("/reset/code", &[("code", "000000")]).await;
    assert_eq!(again.page.status, 429);
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'code_try'").await, 0);
}

#[tokio::test]
async fn one_mailbox_gets_no_more_for_many_accounts() {
    let people = (0..30).map(|n| message::Person { mail: Some("shared@mail.example".into()), ..somebody(&format!("p{n}")) });
    let (cloud, mut agent) = cloud(people.collect()).await;
    let mut posts = Vec::new();
    for n in 0..90 {
        let mut person = Person::at(&cloud);
        if n % 10 == 0 {
            agent.beat(true).await;
        }
        person.opens("/").await.submits("/reset", &[("name", &format!("p{}", n % 30))]).await.is_at("/reset/method");
        posts.push((person.browser.cookies.clone(), person.page.form("/reset/method").unwrap().set("method", "email").unwrap()));
    }
    at_once(&cloud, posts).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, 10);
}

#[tokio::test]
async fn a_budget_is_exact_and_whoever_meets_its_end_is_shown_another_way() {
    let (cloud, mut agent) = cloud((0..60).map(|n| somebody(&format!("p{n}"))).collect()).await;
    allows(&cloud, &["--sms-budget", "7"]).await;
    let mut posts = Vec::new();
    for n in 0..60 {
        if n % 10 == 0 {
            agent.beat(true).await;
        }
        let mut person = Person::at(&cloud);
        // Names that nobody has use nothing up.
        let name = if n % 3 == 0 { format!("nobody{n}") } else { format!("p{n}") };
        person.opens("/").await.submits("/reset", &[("name", &name)]).await.is_at("/reset/method");
        posts.push((person.browser.cookies.clone(), person.page.form("/reset/method").unwrap().set("method", "sms").unwrap()));
    }
    at_once(&cloud, posts).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'sms'").await, 7);
    let used_up = "select count(*) from audit_events where action = 'limits.used_up' and detail ->> 'limit' = 'sms_budget'";
    assert_eq!(cloud.sql::<i64>(used_up).await, 1, "told once");

    agent.beat(true).await;
    let mut pages = Vec::new();
    for name in ["p0", "nobody"] {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await;
        person.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code").sees("Please use another way");
        pages.push(person.page.text().split(' ').filter(|word| !word.contains('•') && !word.contains(':')).collect::<Vec<_>>().join(" "));
        person
            .opens("/reset/method")
            .await
            .submits("/reset/method", &[("method", "email")])
            .await
            .is_at("/reset/code")
            .sees("we have sent an e-mail");
    }
    assert_eq!(pages[0], pages[1], "known and unknown look the same");
    // Nothing for ever: the next day it goes on.
    let (mut conn, budget) = (cloud.app.db.acquire().await.unwrap(), [Count::of_tenant(Limit::SmsBudget)]);
    assert_eq!(limits::waiting(&mut conn, &cloud.tenant.scope, &cloud.clock, &budget).await.unwrap().len(), 1);
    cloud.clock.advance(86_401);
    assert!(limits::waiting(&mut conn, &cloud.tenant.scope, &cloud.clock, &budget).await.unwrap().is_empty());
}

#[tokio::test]
async fn text_messages_go_where_a_tenant_lets_them() {
    let mut people = vec![somebody("alice"), somebody("bob"), somebody("carol")];
    people[0].mobile = Some("+43 660 1234567".into());
    people[1].mobile = Some("+1 242 5550100".into());
    people[2].mobile = Some("+1 212 5550100".into());
    let (cloud, _agent) = cloud(people).await;
    let choices = async |name: &str| {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
        person.page.form("/reset/method").unwrap().choices("method").join(" ")
    };
    assert_eq!(choices("alice").await, "email sms");
    let mut before = Person::at(&cloud);
    before.opens("/").await.submits("/reset", &[("name", "carol")]).await;

    allows(&cloud, &["--sms-countries", "49,43,1242", "--yes"]).await;
    assert_eq!(choices("alice").await, "email sms");
    assert_eq!(choices("bob").await, "email sms", "the longer beginning");
    assert_eq!(choices("carol").await, "email");
    // Who began before is not told, and nothing is sent.
    before.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code").sees("we have sent a text message");
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'sms'").await, 0);

    // Nobody real has a number that may be texted: nobody made up has either.
    allows(&cloud, &["--sms-countries", "358", "--yes"]).await;
    for n in 0..20 {
        assert_eq!(choices(&format!("nobody{n}")).await, "email");
    }
    let changes = "select count(*) from audit_events where action = 'tenant.limits' and detail #>> '{after,sms_countries}' like '%358%'";
    assert_eq!(cloud.sql::<i64>(changes).await, 1);
    for bad in ["049", "x", "49,,43", "12345678"] {
        assert!(cloud.tries(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--sms-countries", bad]).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn waits_grow_and_none_is_for_ever() {
    let (cloud, _agent) = cloud(Vec::new()).await;
    let (scope, clock, source) = (&cloud.tenant.scope, &cloud.clock, Source::house("user"));
    let subjects = [b"somebody".to_vec()];
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..5 {
        let until = loop {
            match limits::take(&mut conn, scope, clock, &source, &subjects, Limit::CodeTry).await.unwrap() {
                Verdict::Allowed => {}
                Verdict::Wait(until) => break until,
            }
        };
        let wait = (until - clock.now()).whole_seconds();
        waits.push((wait + 30) / 60);
        clock.advance(wait + 2);
    }
    assert_eq!(waits, [10, 20, 40, 60, 60], "minutes");
    // A day in peace, and it begins small again.
    clock.advance(2 * 86_400);
    for _ in 0..5 {
        assert_eq!(limits::take(&mut conn, scope, clock, &source, &subjects, Limit::CodeTry).await.unwrap(), Verdict::Allowed);
    }
    let Verdict::Wait(until) = limits::take(&mut conn, scope, clock, &source, &subjects, Limit::CodeTry).await.unwrap() else {
        panic!("a sixth")
    };
    assert!((until - clock.now()).whole_minutes() < 11);
    // Stopping just before the last one makes no difference.
    clock.advance(2 * 86_400);
    for (round, minutes) in [(0, 10), (1, 20), (2, 40)] {
        for _ in 0..5 {
            assert_eq!(
                limits::take(&mut conn, scope, clock, &source, &subjects, Limit::CodeTry).await.unwrap(),
                Verdict::Allowed,
                "{round}"
            );
        }
        let found = limits::waiting(&mut conn, scope, clock, &[Count::of(Limit::CodeTry, &subjects)]).await.unwrap();
        let [(Limit::CodeTry, until)] = found[..] else { panic!("{found:?}") };
        let wait = (until - clock.now()).whole_seconds();
        assert_eq!((wait + 30) / 60, minutes, "{round}");
        clock.advance(wait + 2);
    }
    // A day's share stays a day's, however often it was used up.
    let counts = vec![Count::of_tenant(Limit::SmsBudget)];
    for _ in 0..1001 {
        limits::take_all(&mut conn, scope, clock, &source, counts.clone()).await.unwrap();
    }
    let found = limits::waiting(&mut conn, scope, clock, &counts).await.unwrap();
    assert!(matches!(&found[..], [(Limit::SmsBudget, until)] if (23..24).contains(&(*until - clock.now()).whole_hours())), "{found:?}");
}

#[tokio::test]
async fn an_operator_sees_who_waits_and_lets_them_go_on() {
    let (cloud, mut agent) = cloud(vec![somebody("alice"), somebody("bob")]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    assert_eq!(cloud.administers(&["limits", "list", "--tenant", &tenant]).trim(), "nobody has to wait");
    let mut alice = Person::at(&cloud);
    alice.asks_for_a_code("alice").await;
    let code = code_in(&cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text);
    for _ in 0..6 {
        alice.submits("/reset/code", &[("code", if code == "000000" { "000001" } else { "000000" })]).await;
    }
    assert_eq!(alice.page.status, 429);
    let listed = cloud.administers(&["limits", "list", "--tenant", &tenant]);
    // The account, and what was typed.
    assert_eq!(
        listed.lines().filter(|line| line.contains("code_try") && line.ends_with("alice") && line.contains("until 20")).count(),
        2,
        "{listed}"
    );
    assert!(!listed.contains("mail.example"), "{listed}");
    assert_eq!(cloud.administers(&["limits", "list", "--tenant", &tenant, "--user", "bob"]).trim(), "nobody has to wait");
    assert_eq!(cloud.administers(&["limits", "list", "--tenant", &tenant, "--user", "Alice@mail.example"]), listed);

    assert!(cloud.tries(&["limits", "lift", "--tenant", &tenant, "00000000"]).unwrap_err().contains("no limit 00000000"));
    assert!(cloud.tries(&["limits", "lift", "--tenant", &tenant]).is_err());
    assert_eq!(cloud.administers(&["limits", "lift", "--tenant", &tenant, "--user", "alice"]).trim(), "2 lifted");
    let lifted = "select count(*) from audit_events where action = 'limits.lift' and actor = 'cli' and user_id is not null";
    assert_eq!(cloud.sql::<i64>(lifted).await, 1);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");

    // By id, whoever it is: here an address.
    allows(&cloud, &["--address-limit", "10"]).await;
    agent.beat(true).await;
    while begins(&cloud, "nobody", &[]).await.0 == 303 {}
    let listed = cloud.administers(&["limits", "list", "--tenant", &tenant]);
    let line = listed.lines().find(|line| line.contains("address_begin")).unwrap();
    assert!(line.ends_with("127.0.0.1"), "{line}");
    assert_eq!(cloud.administers(&["limits", "lift", "--tenant", &tenant, line.split(' ').next().unwrap()]).trim(), "1 lifted");
    assert_eq!(begins(&cloud, "nobody", &[]).await.0, 303);
}

#[tokio::test]
async fn a_person_is_let_go_on_whatever_name_of_theirs_was_typed() {
    let (cloud, _agent) =
        cloud(vec![message::Person { principal_name: "a.jones@corp.example".into(), ..somebody("alice") }, somebody("bob")]).await;
    let tenant = cloud.tenant.scope.id().to_string();
    for name in ["alice", "a.jones@corp.example"] {
        let mut person = Person::at(&cloud);
        person.asks_for_a_code(name).await;
        for _ in 0..6 {
            person.submits("/reset/code", &[("code", "000000")]).await;
        }
        assert_eq!(person.page.status, 429);
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'code_try'").await, 3, "the account, and both names");
    assert_eq!(cloud.administers(&["limits", "lift", "--tenant", &tenant, "--user", "alice"]).trim(), "3 lifted");
    assert_eq!(cloud.administers(&["limits", "list", "--tenant", &tenant]).trim(), "nobody has to wait");
}

/// Someone at each of these names' pages of methods, about to choose this one.
async fn at_the_methods(
    cloud: &Cloud,
    agent: &mut HandAgent,
    names: impl Iterator<Item = String>,
    method: &str,
) -> Vec<(BTreeMap<String, String>, Form)> {
    let mut posts = Vec::new();
    for (n, name) in names.enumerate() {
        if n % 10 == 0 {
            agent.beat(true).await;
        }
        let mut person = Person::at(cloud);
        person.opens("/").await.submits("/reset", &[("name", &name)]).await.is_at("/reset/method");
        posts.push((person.browser.cookies.clone(), person.page.form("/reset/method").unwrap().set("method", method).unwrap()));
    }
    agent.beat(true).await;
    posts
}

/// So much of it is used up already.
async fn is_used(cloud: &Cloud, kind: &str, subject: &[u8], used: i32) {
    let before = "insert into limits (tenant_id, subject, kind, used, until) values ($1, $2, $3, $4, now() + interval '1 hour')
        on conflict (tenant_id, subject, kind) do update set used = excluded.used";
    let insert = sqlx::query(before).bind(cloud.tenant.scope.id()).bind(subject).bind(kind).bind(used);
    insert.execute(&cloud.app.db).await.unwrap();
}

#[tokio::test]
async fn a_mail_budget_is_exact_under_two_hundred_at_once_and_stops() {
    let (cloud, mut agent) = cloud((0..200).map(|n| somebody(&format!("p{n}"))).collect()).await;
    allows(&cloud, &["--mail-budget", "9", "--address-limit", "100000"]).await;
    let posts = at_the_methods(&cloud, &mut agent, (0..200).map(|n| format!("p{n}")), "email").await;
    at_once(&cloud, posts).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, 9);
    let used_up = "select count(*) from audit_events where action = 'limits.used_up' and detail ->> 'limit' = 'mail_budget'";
    assert_eq!(cloud.sql::<i64>(used_up).await, 1, "told once");
    agent.beat(true).await;
    for name in ["p0", "nobody"] {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await;
        person.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code").sees("Please use another way");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, 9);
}

#[tokio::test]
async fn text_messages_to_a_country_end_by_the_hour_and_by_the_day_and_others_go_on() {
    for (kind, most) in [("country_hour", 300), ("country_day", 1500)] {
        let abroad = |n| message::Person { mobile: Some(format!("+43660000{n:04}")), ..somebody(&format!("p{n}")) };
        let mut people: Vec<_> = (0..24).map(abroad).collect();
        people.push(somebody("alice"));
        let (cloud, mut agent) = cloud(people).await;
        allows(&cloud, &["--sms-budget", "none"]).await;
        is_used(&cloud, kind, b"43", most - 7).await;
        let posts = at_the_methods(&cloud, &mut agent, (0..24).map(|n| format!("p{n}")), "sms").await;
        at_once(&cloud, posts).await;
        assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'sms'").await, 7, "{kind}");
        agent.beat(true).await;
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", "p0")]).await;
        person.submits("/reset/method", &[("method", "sms")]).await.is_at("/reset/code").sees("Please use another way");
        let mut alice = Person::at(&cloud);
        alice.opens("/").await.submits("/reset", &[("name", "alice")]).await;
        alice.submits("/reset/method", &[("method", "sms")]).await.sees("we have sent a text message");
        assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'sms'").await, 8, "{kind}: another country");
    }
}

#[tokio::test]
async fn codes_for_one_account_are_five_however_many_ask_at_once() {
    let (cloud, mut agent) = cloud(vec![somebody("alice")]).await;
    allows(&cloud, &["--address-limit", "100000"]).await;
    let posts = at_the_methods(&cloud, &mut agent, (0..200).map(|_| "alice".to_owned()), "email").await;
    at_once(&cloud, posts).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel = 'email'").await, 5);
}

#[tokio::test]
async fn tries_at_one_account_s_password_are_three_however_many_ask_at_once() {
    let (cloud, mut agent) = cloud(vec![somebody("alice")]).await;
    let (other, mut browsers) = (cloud.another_node().await, Vec::new());
    for n in 0..200 {
        if n % 10 == 0 {
            agent.beat(true).await;
        }
        // Each in a journey of its own, at the page that asks for the current one.
        let mut person = Person::at(&cloud);
        person.is_signed_in(&cloud, "alice").await;
        assert_eq!(person.posts_form("/account/change", "").await, 200);
        person.is_at("/change/password");
        browsers.push(person.browser.at(if n % 2 == 0 { &cloud.url } else { &other.url }));
    }
    agent.beat(true).await;
    let mut tasks = JoinSet::new();
    for mut browser in browsers {
        tasks.spawn(async move { browser.post_json("/reset/ticket", &serde_json::json!({})).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let given = answers.iter().filter(|(status, _)| *status == 200).count();
    let waits = answers.iter().filter(|(status, answer)| *status == 429 && answer["code"] == "too_many_passwords").count();
    assert_eq!((given, waits), (3, 197), "{answers:?}");
}
