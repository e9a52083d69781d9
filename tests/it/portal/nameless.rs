//! In by a passkey and without a name: its owner, here, once, and only as far as a sign-in by name would lead them.

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::{
    base::language::Language,
    domain::{
        audit::Source,
        authenticators::Assertion,
        policies::{Draft, Method},
        resets::{self, How, Purpose, Signed},
        tenants::{self, New},
        verification,
    },
    wire::outcome::Code,
};

use crate::support::{Cloud, Person, agent::somebody, authenticator::Passkey, person::seal_both};

const DOOR: &str = "/account/sign-in/passkey";

async fn challenge(person: &mut Person) -> Value {
    let (status, options) = person.browser.post_json("/account/sign-in/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!(status, 200, "{options}");
    options
}

/// At the page, with a challenge that was asked for there.
async fn asked(cloud: &Cloud) -> (Person, Value) {
    let mut person = Person::at(cloud);
    person.opens("/account/sign-in").await.sees("Sign in with a passkey");
    let options = challenge(&mut person).await;
    (person, options)
}

/// What the passkey says to it is handed in.
async fn shows(cloud: &Cloud, passkey: &mut Passkey) -> Person {
    let (mut person, options) = asked(cloud).await;
    let answer = passkey.signs(&options, &cloud.url).to_string();
    person.submits(DOOR, &[("answer", &answer)]).await;
    person
}

#[track_caller]
fn is_nobody(person: &Person) {
    person.is_at(DOOR).sees("Nobody can be signed in here with this passkey");
    assert_eq!(person.page.status, 422);
    assert!(!person.browser.cookies.contains_key("sspr_flow"), "nothing was begun");
}

async fn alice_with_a_passkey() -> (Cloud, crate::support::HandAgent, Passkey) {
    let (cloud, agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut passkey = Passkey::new();
    cloud.registers_passkey("alice", &mut passkey).await;
    (cloud, agent, passkey)
}

#[tokio::test]
async fn a_passkey_says_whose_it_is() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let (mut alice, options) = asked(&cloud).await;
    assert_eq!((options["userVerification"].as_str(), &options["allowCredentials"]), (Some("required"), &json!([])));
    assert_eq!(alice.browser.cookies["sspr_passkey"].len(), 43, "256 bits");
    let answer = passkey.signs(&options, &cloud.url).to_string();
    alice.submits(DOOR, &[("answer", &answer)]).await.is_at("/account/enter");
    assert!(!alice.browser.cookies.contains_key("sspr_passkey"));
    alice
        .submits("/account/sessions", &[])
        .await
        .is_at("/account")
        .sees("Signed in as Person alice")
        .sees("A passkey proved that it was you");
    let begun = "select count(*) from audit_events where action = 'session.begin' and detail ->> 'by' = 'passkey'";
    assert_eq!(cloud.sql::<i64>(begun).await, 1);
    // Of the same rank as one that began with her name: she may remove it.
    alice.opens("/account/methods").await.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
    let kept = cloud.dump().await;
    assert!(!kept.contains(options["challenge"].as_str().unwrap()) && !kept.contains(&alice.browser.cookies["sspr_session"]));
}

#[tokio::test]
async fn an_answer_is_good_once_in_the_browser_that_asked_and_not_for_long() {
    let (cloud, mut agent, mut passkey) = alice_with_a_passkey().await;
    let over = |person: &Person| {
        person.is_at(DOOR).sees("took too long, or was sent twice");
        assert_eq!(person.page.status, 422);
    };
    let (mut alice, options) = asked(&cloud).await;
    let (mut thief, other) = asked(&cloud).await;
    let cookie = alice.browser.cookies.clone();
    let (page, answer) = (alice.page.clone(), passkey.signs(&options, &cloud.url).to_string());
    // Overheard, and handed in by another browser: with its own challenge, and with none.
    thief.submits(DOOR, &[("answer", &answer)]).await;
    is_nobody(&thief);
    thief.browser.cookies.clear();
    thief.submits(DOOR, &[("answer", &answer)]).await;
    over(&thief);
    alice.submits(DOOR, &[("answer", &answer)]).await.is_at("/account/enter");
    // Once more, with all that the browser had.
    (alice.browser.cookies, alice.page) = (cookie, page.clone());
    alice.submits(DOOR, &[("answer", &answer)]).await;
    over(&alice);
    // A challenge that was answered wrongly is gone as well.
    let (mut alice, options) = asked(&cloud).await;
    let cookie = alice.browser.cookies.clone();
    alice.submits(DOOR, &[("answer", &passkey.signs(&other, &cloud.url).to_string())]).await;
    is_nobody(&alice);
    (alice.browser.cookies, alice.page) = (cookie, page.clone());
    alice.submits(DOOR, &[("answer", &passkey.signs(&options, &cloud.url).to_string())]).await;
    over(&alice);
    // A flow's challenge is no challenge of these, nor the other way round.
    alice.opens("/account/sign-in").await.submits("/account/sign-in", &[("name", "alice")]).await;
    alice.submits("/reset/method", &[("method", "passkey")]).await.is_at("/reset/passkey");
    let (_, of_flow) = alice.browser.post_json("/reset/passkey/challenge", &json!({})).await.unwrap();
    let own = challenge(&mut alice).await;
    alice.submits("/reset/passkey", &[("answer", &passkey.signs(&own, &cloud.url).to_string())]).await.is_at("/reset/passkey");
    alice.page = page.clone();
    alice.submits(DOOR, &[("answer", &passkey.signs(&of_flow, &cloud.url).to_string())]).await.sees("Nobody can be signed in");

    let (mut late, options) = asked(&cloud).await;
    cloud.clock.advance(301);
    agent.beat(true).await;
    late.submits(DOOR, &[("answer", &passkey.signs(&options, &cloud.url).to_string())]).await;
    over(&late);
    sspr::worker::clean(&cloud.app).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from nameless_challenges").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
}

/// Whatever a browser says of the port, or a proxy of ours: what a passkey signs is for the public address, and nothing else.
#[tokio::test]
async fn no_header_moves_the_portal_to_another_port() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    let mut signs_in = async |host: &str, origin: &str| {
        let post = |path: &str| {
            let request = client.post(format!("{}{path}", cloud.url)).header(header::HOST, host).header("sec-fetch-site", "same-origin");
            request.header(header::ACCEPT, "text/html")
        };
        let asked = post("/account/sign-in/passkey/challenge").json(&json!({})).send().await.unwrap();
        let cookie = asked.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let answer = passkey.signs(&asked.json().await.unwrap(), origin).to_string();
        let shown = post(DOOR).header(header::COOKIE, cookie).form(&[("answer", answer)]).send().await.unwrap();
        shown.status().as_u16()
    };
    for host in ["localhost:1", "LOCALHOST:1", "localhost"] {
        assert_eq!(signs_in(host, &format!("http://{}", host.to_ascii_lowercase())).await, 422, "{host}");
        assert_eq!(signs_in(host, &cloud.url).await, 303, "{host}");
    }
}

#[tokio::test]
async fn what_was_made_up_or_signed_elsewhere_is_nobody_s() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let (mut stranger, mut forged) = (Passkey::new(), Passkey::new());
    stranger.handle = sspr::base::id::random().as_bytes().to_vec();
    forged.handle.clone_from(&passkey.handle);
    for unknown in [&mut stranger, &mut forged] {
        is_nobody(&shows(&cloud, unknown).await);
    }
    for origin in ["http://localhost:1", "https://evil.example", "http://evil.localhost"] {
        let (mut person, options) = asked(&cloud).await;
        person.submits(DOOR, &[("answer", &passkey.signs(&options, origin).to_string())]).await;
        is_nobody(&person);
    }
    let (mut person, mut options) = asked(&cloud).await;
    options["rpId"] = "evil.example".into();
    person.submits(DOOR, &[("answer", &passkey.signs(&options, &cloud.url).to_string())]).await;
    is_nobody(&person);
    passkey.verifies = false;
    is_nobody(&shows(&cloud, &mut passkey).await);
    passkey.verifies = true;
    // Her key under another's name.
    let own = passkey.handle.clone();
    passkey.handle = cloud.user("bob").await.user_id.as_bytes().to_vec();
    is_nobody(&shows(&cloud, &mut passkey).await);
    passkey.handle = own;
    for nonsense in ["", "{}", "null", "[]", "\"x\""] {
        let (mut person, _) = asked(&cloud).await;
        person.submits(DOOR, &[("answer", nonsense)]).await;
        assert_eq!(person.page.status, 422, "{nonsense}");
    }
    // Of all that nobody hears: anybody can claim to be somebody.
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.code_try' and user_id is not null").await, 0);
    shows(&cloud, &mut passkey).await.is_at("/account/enter");
}

#[tokio::test]
async fn a_passkey_is_good_at_its_own_tenant() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let (rp, own, clock, source) = (cloud.relying_party(), &cloud.tenant.scope, &cloud.clock, Source::house("user"));
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Other", host: "other.example", language: Language::English, help: None };
    let other = tenants::create(&mut tx, &cloud.app.ring, clock, new).await.unwrap().scope;
    let (options, state) = rp.challenge().unwrap();
    let answer = Assertion::parse(&passkey.signs(&options, &cloud.url).to_string()).unwrap();
    let signed = Signed { rp: &rp, state: &state, answer: &answer };
    let how = How { purpose: Purpose::SignIn, language: "en", device: "" };
    assert!(resets::begin_nameless(&mut tx, &other, clock, &source, &signed, &how).await.unwrap().is_none());
    assert!(resets::begin_nameless(&mut tx, own, clock, &source, &signed, &how).await.unwrap().is_some());
    // Nor is one's challenge the other's.
    let (cookie, _) = verification::keep_nameless(&mut tx, own, clock, &state).await.unwrap();
    assert!(verification::take_nameless(&mut tx, &other, clock, &cookie).await.unwrap().is_none());
    assert!(verification::take_nameless(&mut tx, own, clock, &cookie).await.unwrap().is_some());
    assert!(verification::take_nameless(&mut tx, own, clock, &cookie).await.unwrap().is_none(), "used up");
}

#[tokio::test]
async fn a_copy_stops_the_passkey() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    passkey.counter = 40;
    shows(&cloud, &mut passkey).await.is_at("/account/enter");
    let (mut copy, options) = asked(&cloud).await;
    copy.submits(DOOR, &[("answer", &passkey.signs_at_this_counter(&options, &cloud.url).to_string())]).await;
    is_nobody(&copy);
    passkey.counter = 90;
    is_nobody(&shows(&cloud, &mut passkey).await);
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("there may be a copy of it"), "{mail}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where outcome = 'cloned' and user_id is not null").await, 1);
}

#[tokio::test]
async fn whoever_is_not_served_reads_what_everybody_else_does() {
    let (cloud, mut agent, mut passkey) = alice_with_a_passkey().await;
    for change in ["enabled", "protected", "removed"] {
        let mut changed = somebody("alice");
        match change {
            "enabled" => changed.enabled = false,
            "protected" => changed.protected = true,
            _ => {}
        }
        agent.mirror(if change == "removed" { vec![somebody("bob")] } else { vec![changed, somebody("bob")] }).await;
        is_nobody(&shows(&cloud, &mut passkey).await);
        agent.mirror(vec![somebody("alice"), somebody("bob")]).await;
    }
    // No policy serves her, or hers takes no passkey.
    cloud.policy(|terms| Draft { serves: false, ..terms }).await;
    is_nobody(&shows(&cloud, &mut passkey).await);
    cloud.policy(|terms| Draft { serves: true, methods: vec![Method::Email, Method::Totp], ..terms }).await;
    is_nobody(&shows(&cloud, &mut passkey).await);
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    // It has not cooled off.
    sqlx::query("update authenticators set usable_from = now() + interval '1 hour'").execute(&cloud.app.db).await.unwrap();
    is_nobody(&shows(&cloud, &mut passkey).await);
    sqlx::query("update authenticators set usable_from = now()").execute(&cloud.app.db).await.unwrap();
    let mut late = shows(&cloud, &mut passkey).await;
    late.is_at("/account/enter");
    // It changed its mind meanwhile: no page that presses its own button for ever.
    cloud.policy(|terms| Draft { methods: vec![Method::Email], ..terms }).await;
    late.submits("/account/sessions", &[]).await.sees("not served here");
    assert_eq!(late.page.status, 403);
}

#[tokio::test]
async fn who_is_frozen_learns_it_and_gets_no_further() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let tenant = cloud.tenant.scope.id().to_string();
    let mut before = shows(&cloud, &mut passkey).await;
    before.is_at("/account/enter");
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice", "--reason", "she called"]);
    before.submits("/account/sessions", &[]).await.is_at("/reset/ended");
    shows(&cloud, &mut passkey).await.is_at("/reset/ended").sees("Nothing can be done here for your account");
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.frozen'").await, 1);
}

/// A policy of two proofs is passed by two, whatever they begin with.
#[tokio::test]
async fn where_two_proofs_are_asked_the_password_follows() {
    let (cloud, mut agent, mut passkey) = alice_with_a_passkey().await;
    let mut early = shows(&cloud, &mut passkey).await;
    early.is_at("/account/enter");
    let press = early.page.form("/account/sessions").unwrap();
    cloud.gates(2).await;
    // The policy of this moment counts, not the one of the beginning.
    early.page = early.browser.submit(&press).await.unwrap();
    early.is_at("/account/password");
    let mut alice = shows(&cloud, &mut passkey).await;
    alice.is_at("/account/password").sees("Enter your password");
    alice.page = alice.browser.submit(&press).await.unwrap();
    alice.opens("/account/enter").await.is_at("/account/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from sessions").await, 0);
    let (_, answer) = alice.ticket().await;
    assert_eq!(alice.browser.post_json("/account/jobs", &seal_both(&answer, "", "Old-Horse-6")).await.unwrap().0, 202);
    agent.work(Code::Verified).await;
    alice.is_told().await;
    alice.opens("/account/enter").await.submits("/account/sessions", &[]).await.is_at("/account");
    // By name it is the same.
    let mut named = Person::at(&cloud);
    named.opens("/account/sign-in").await.submits("/account/sign-in", &[("name", "alice")]).await;
    named.submits("/reset/method", &[("method", "passkey")]).await;
    let (_, options) = named.browser.post_json("/reset/passkey/challenge", &json!({})).await.unwrap();
    named.submits("/reset/passkey", &[("answer", &passkey.signs(&options, &cloud.url).to_string())]).await.is_at("/account/password");
}

/// Nobody's password is due because a ticket for it was given.
#[tokio::test]
async fn where_one_proof_is_asked_again_a_ticket_is_no_word_of_the_directory() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    cloud.gates(2).await;
    let mut alice = shows(&cloud, &mut passkey).await;
    alice.is_at("/account/password");
    assert_eq!(alice.ticket().await.0, 200);
    cloud.gates(1).await;
    alice.opens("/account/enter").await.is_at("/account/enter");
    let mut press = alice.page.form("/account/sessions").unwrap();
    press.action = "/account/renewal".into();
    alice.page = alice.browser.submit(&press).await.unwrap();
    alice.is_at("/account/enter");
    alice.submits("/account/sessions", &[]).await.is_at("/account");
}

/// A press that costs nothing must not keep a whole office from beginning.
#[tokio::test]
async fn challenges_use_up_nobody_s_beginnings() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    sqlx::query("update tenants set address_limit = 10").execute(&cloud.app.db).await.unwrap();
    let mut script = Person::at(&cloud);
    for n in 0..12 {
        let (status, _) = script.browser.post_json("/account/sign-in/passkey/challenge", &json!({})).await.unwrap();
        assert_eq!(status, if n < 10 { 200 } else { 429 }, "{n}");
    }
    let listed = cloud.administers(&["limits", "list", "--tenant", &cloud.tenant.scope.id().to_string()]);
    assert!(listed.contains("address_challenge") && listed.trim_end().ends_with("127.0.0.1"), "{listed}");
    let mut alice = Person::at(&cloud);
    alice.opens("/").await.submits("/reset", &[("name", "alice")]).await.is_at("/reset/method");
}

#[tokio::test]
async fn challenges_and_answers_are_counted_by_address() {
    let (cloud, _agent, mut passkey) = alice_with_a_passkey().await;
    let (mut person, options) = asked(&cloud).await;
    let answer = passkey.signs(&options, &cloud.url).to_string();
    sqlx::query("update tenants set address_limit = 10").execute(&cloud.app.db).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(person.browser.post_json("/account/sign-in/passkey/challenge", &json!({})).await.unwrap().0);
        if statuses.last() == Some(&429) {
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{} were given", statuses.len());
    let page = person.page.clone();
    for n in 0..30 {
        person.page = page.clone();
        person.submits(DOOR, &[("answer", &answer)]).await;
        if person.page.status == 429 {
            person.sees("several tries");
            return;
        }
        assert_eq!(person.page.status, 422, "{n}");
    }
    panic!("no end of tries");
}
