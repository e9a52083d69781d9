//! Apps, passkeys, recovery codes and the help desk's codes: each proves its owner once, in one flow, and nobody else.

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::{
    base::language::Language,
    domain::{
        audit::Source,
        authenticators::{self, RecoveryCode, Tried},
        policies::{Draft, Method},
        tenants::{self, New},
        verification,
    },
    wire::outcome::Code,
};
use time::Duration;

use crate::support::{
    Cloud, Person,
    agent::somebody,
    authenticator::{Passkey, app_shows},
    person::code_in,
};

/// Where every method is enough by itself.
async fn each_alone() -> Cloud {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    cloud
}

/// As far as the choice of methods.
async fn begins(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.opens("/").await.submits("/reset", &[("name", name)]).await.is_at("/reset/method");
    person
}

async fn chooses(cloud: &Cloud, name: &str, method: &str) -> Person {
    let mut person = begins(cloud, name).await;
    person.submits("/reset/method", &[("method", method)]).await;
    person
}

/// Have this passkey sign a new challenge, and post what it says.
async fn shows(cloud: &Cloud, person: &mut Person, passkey: &mut Passkey) {
    let options = challenge(person).await;
    let answer = passkey.signs(&options, &cloud.url);
    person.submits("/reset/passkey", &[("answer", &answer.to_string())]).await;
}

async fn challenge(person: &mut Person) -> Value {
    let (status, options) = person.browser.post_json("/reset/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!(status, 200, "{options}");
    options
}

#[tokio::test]
async fn an_app_proves_its_owner_with_each_code_once() {
    let cloud = each_alone().await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let mut alice = chooses(&cloud, "alice", "totp").await;
    alice.is_at("/reset/code").sees("authenticator app");
    let code = app_shows(&secret, cloud.clock.seconds());
    let mut other = chooses(&cloud, "alice", "totp").await;
    alice.submits("/reset/code", &[("code", &format!("{} {}", &code[..3], &code[3..]))]).await.is_at("/reset/password");

    // The same code, or that of an older step, in another flow and within the window.
    other.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("used already");
    let before = app_shows(&secret, cloud.clock.seconds() - 30);
    other.submits("/reset/code", &[("code", &before)]).await.is_at("/reset/code").sees("used already");
    cloud.clock.advance(60);
    let late = app_shows(&secret, cloud.clock.seconds() - 60);
    other.submits("/reset/code", &[("code", &late)]).await.is_at("/reset/code");
    let next = app_shows(&secret, cloud.clock.seconds());
    other.submits("/reset/code", &[("code", &next)]).await.is_at("/reset/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel <> 'none'").await, 0, "nothing was sent");
}

#[tokio::test]
async fn an_app_s_code_is_taken_one_step_to_either_side() {
    let cloud = each_alone().await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let mut alice = chooses(&cloud, "alice", "totp").await;
    cloud.clock.advance(120);
    for away in [-60, 60] {
        let code = app_shows(&secret, cloud.clock.seconds() + away);
        alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("does not fit");
    }
    let code = app_shows(&secret, cloud.clock.seconds() + 30);
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

#[tokio::test]
async fn parallel_uses_of_one_code_of_an_app_are_one() {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let user = cloud.user("alice").await.user_id;
    let code = app_shows(&secret, cloud.clock.seconds());
    let one = || {
        let (app, scope, clock, code) = (cloud.app.clone(), cloud.tenant.scope.clone(), cloud.clock.clone(), code.clone());
        tokio::spawn(async move {
            let mut tx = app.begin().await.unwrap();
            let tried = authenticators::check_app(&mut tx, &scope, &clock, Some(user), &code).await.unwrap();
            tx.commit().await.unwrap();
            tried
        })
    };
    let tries: Vec<_> = (0..8).map(|_| one()).collect();
    let mut tried = Vec::new();
    for one in tries {
        tried.push(one.await.unwrap());
    }
    assert_eq!(tried.iter().filter(|one| **one == Tried::Right).count(), 1, "{tried:?}");
    assert_eq!(tried.iter().filter(|one| **one == Tried::Used).count(), 7);
}

#[tokio::test]
async fn a_recovery_code_proves_its_owner_once() {
    let cloud = each_alone().await;
    let codes = cloud.makes_codes("alice").await;
    let mut alice = chooses(&cloud, "alice", "recovery_code").await;
    alice.is_at("/reset/code").sees("20 characters");
    alice.submits("/reset/code", &[("code", "123456")]).await.is_at("/reset/code").sees("20 letters and digits");
    let sloppy = codes[3].replace('-', " ").to_uppercase().replace('0', "O").replace('1', "l");
    alice.submits("/reset/code", &[("code", &sloppy)]).await.is_at("/reset/password");

    let mut other = chooses(&cloud, "alice", "recovery_code").await;
    other.submits("/reset/code", &[("code", &codes[3])]).await.is_at("/reset/code").sees("used already");
    // The right name with the wrong rest.
    let mixed = format!("{}{}", &codes[4][..4], &codes[5][4..]);
    other.submits("/reset/code", &[("code", &mixed)]).await.is_at("/reset/code").sees("does not fit");
    assert!(!begins(&cloud, "bob").await.page.text().contains("Recovery code"), "he has none");

    // A new list ends the old one.
    let renewed = cloud.makes_codes("alice").await;
    other.submits("/reset/code", &[("code", &codes[4])]).await.is_at("/reset/code").sees("does not fit");
    other.submits("/reset/code", &[("code", &renewed[4])]).await.is_at("/reset/password");
    assert_eq!(cloud.sql::<i64>("select count(*) from recovery_codes where used_at is null").await, 9);
    let dump = cloud.dump().await;
    assert!(codes.iter().chain(&renewed).all(|code| !dump.contains(&code[5..]) && !dump.contains(&code.replace('-', "")[4..])));
}

#[tokio::test]
async fn whose_recovery_codes_run_out_is_told_so_before_there_are_none() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    let codes = cloud.makes_codes("alice").await;
    let uses = async |n: usize| {
        let mut alice = chooses(&cloud, "alice", "recovery_code").await;
        alice.submits("/reset/code", &[("code", &codes[n])]).await.is_at("/reset/password");
        alice
    };
    uses(0).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 0, "nine are enough");
    let few = "update recovery_codes set used_at = now() where used_at is null and selector <> all($1)";
    let kept: Vec<String> = codes[1..4].iter().map(|code| code[..4].to_owned()).collect();
    sqlx::query(few).bind(&kept).execute(&cloud.app.db).await.unwrap();
    let mut alice = uses(1).await;
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap();
    assert!(mail.subject.contains("running out") && mail.text.contains("Recovery codes left: 2"), "{}", mail.text);
    assert!(mail.text.contains("/account/methods") && mail.text.contains("/not-me#"), "{}", mail.text);
    alice.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    alice.opens("/reset").await.is_at("/reset/done").sees("2 recovery codes are left").sees("Make new recovery codes");
    for n in [2, 3] {
        uses(n).await;
    }
    let mail = cloud.inbox.wait_for("alice@mail.example", 3).await.unwrap();
    assert!(mail.text.contains("Recovery codes left: 0"), "{}", mail.text);
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account").await.sees("No recovery code is left").sees("Make new recovery codes");
    cloud.makes_codes("alice").await;
    alice.opens("/account").await;
    assert!(!alice.page.text().contains("left"), "{}", alice.page.text());
}

#[tokio::test]
async fn a_stranger_s_guesses_shut_nobody_out_of_what_cannot_be_guessed() {
    let cloud = each_alone().await;
    let codes = cloud.makes_codes("alice").await;
    let mut passkey = Passkey::new();
    cloud.registers_passkey("alice", &mut passkey).await;
    let mut stranger = chooses(&cloud, "alice", "recovery_code").await;
    for _ in 0..12 {
        stranger.submits("/reset/code", &[("code", "0000-0000-0000-0000-0000")]).await;
        assert_eq!(stranger.page.status, 422);
    }
    let mut stranger = chooses(&cloud, "alice", "email").await;
    for _ in 0..6 {
        stranger.submits("/reset/code", &[("code", "000000")]).await;
    }
    assert_eq!(stranger.page.status, 429);
    let mut alice = chooses(&cloud, "alice", "recovery_code").await;
    alice.submits("/reset/code", &[("code", &codes[0])]).await.is_at("/reset/password");
    let mut alice = chooses(&cloud, "alice", "passkey").await;
    shows(&cloud, &mut alice, &mut passkey).await;
    alice.is_at("/reset/password");
}

#[tokio::test]
async fn a_passkey_proves_its_owner_here_and_nobody_elsewhere() {
    let cloud = each_alone().await;
    let (mut passkey, mut bobs) = (Passkey::new(), Passkey::new());
    cloud.registers_passkey("alice", &mut passkey).await;
    cloud.registers_passkey("bob", &mut bobs).await;
    let mut alice = chooses(&cloud, "alice", "passkey").await;
    alice.is_at("/reset/passkey");
    let options = challenge(&mut alice).await;
    assert_eq!((options["userVerification"].as_str(), options["rpId"].as_str()), (Some("required"), Some("localhost")));
    assert_eq!(options["allowCredentials"], json!([]), "no key is named");

    let refused = |person: &Person| {
        person.is_at("/reset/passkey");
        assert_eq!(person.page.status, 422);
    };
    // Signed at another origin, by somebody else's, for somebody else's handle, by an unverified person.
    for origin in ["http://localhost:1", "https://evil.example", "http://evil.localhost"] {
        let options = challenge(&mut alice).await;
        let answer = passkey.signs(&options, origin).to_string();
        refused(alice.submits("/reset/passkey", &[("answer", &answer)]).await);
    }
    shows(&cloud, &mut alice, &mut bobs).await;
    refused(&alice);
    bobs.handle.clone_from(&passkey.handle);
    shows(&cloud, &mut alice, &mut bobs).await;
    refused(&alice);
    passkey.verifies = false;
    shows(&cloud, &mut alice, &mut passkey).await;
    refused(&alice);
    passkey.verifies = true;
    // For another relying party.
    let mut elsewhere = challenge(&mut alice).await;
    elsewhere["rpId"] = "evil.example".into();
    let answer = passkey.signs(&elsewhere, &cloud.url).to_string();
    refused(alice.submits("/reset/passkey", &[("answer", &answer)]).await);
    // Another flow's challenge.
    let mut other = chooses(&cloud, "alice", "passkey").await;
    let foreign = challenge(&mut other).await;
    challenge(&mut alice).await;
    let answer = passkey.signs(&foreign, &cloud.url).to_string();
    refused(alice.submits("/reset/passkey", &[("answer", &answer)]).await);
    alice.sees("does not fit");
    // A challenge that was answered already, though wrongly; and no challenge at all.
    let options = challenge(&mut alice).await;
    alice.submits("/reset/passkey", &[("answer", &bobs.signs(&options, &cloud.url).to_string())]).await;
    let answer = passkey.signs(&options, &cloud.url).to_string();
    refused(alice.submits("/reset/passkey", &[("answer", &answer)]).await);
    alice.sees("sent twice");
    for nonsense in ["", "{}", "null", "[]", "\"x\""] {
        refused(alice.submits("/reset/passkey", &[("answer", nonsense)]).await);
    }
    // One that is too old.
    let options = challenge(&mut alice).await;
    cloud.clock.advance(601);
    let answer = passkey.signs(&options, &cloud.url).to_string();
    refused(alice.submits("/reset/passkey", &[("answer", &answer)]).await);

    shows(&cloud, &mut alice, &mut passkey).await;
    alice.is_at("/reset/password");
}

#[tokio::test]
async fn a_passkey_whose_counter_goes_back_has_a_copy() {
    let cloud = each_alone().await;
    let mut passkey = Passkey::new();
    cloud.registers_passkey("alice", &mut passkey).await;
    passkey.counter = 40;
    let mut alice = chooses(&cloud, "alice", "passkey").await;
    shows(&cloud, &mut alice, &mut passkey).await;
    alice.is_at("/reset/password");
    let (mut copy, mut owner) = (chooses(&cloud, "alice", "passkey").await, chooses(&cloud, "alice", "passkey").await);
    let shows_at = async |person: &mut Person, passkey: &mut Passkey, counter: u32| {
        passkey.counter = counter;
        let options = challenge(person).await;
        let answer = passkey.signs_at_this_counter(&options, &cloud.url).to_string();
        person.submits("/reset/passkey", &[("answer", &answer)]).await.is_at("/reset/passkey").sees("does not fit");
    };
    // Somebody else's key with that counter stops nothing.
    let mut foreign = Passkey::new();
    foreign.handle.clone_from(&passkey.handle);
    shows_at(&mut copy, &mut foreign, 1).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators where stopped_at is not null").await, 0);
    shows_at(&mut copy, &mut passkey, 41).await;
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where outcome = 'cloned'").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'authenticator.stop' and user_id is not null").await, 1);
    // Neither of the two proves anything any more, and no new journey offers it.
    shows_at(&mut owner, &mut passkey, 60).await;
    assert!(!begins(&cloud, "alice").await.page.text().contains("Passkey"));
    // Its owner is told, at once and where they look next; what is left of it they may remove by whatever they have.
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("there may be a copy of it: a passkey") && !mail.contains("in order"), "{mail}");
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account/methods").await.sees("it may have been copied").sees("you lose nothing");
    alice.submits("/account/methods/remove", &[]).await.is_at("/account/methods").sees("not set up anything yet");
    // One that never counts is not suspected.
    let mut shared = Passkey::new();
    shared.counter = 0;
    cloud.registers_passkey("bob", &mut shared).await;
    for _ in 0..2 {
        let mut bob = chooses(&cloud, "bob", "passkey").await;
        shows(&cloud, &mut bob, &mut shared).await;
        bob.is_at("/reset/password");
    }
}

/// The number on the page.
fn number(person: &Person) -> String {
    let text = person.page.text();
    let (_, after) = text.split_once("Your number").expect("a number");
    after.split_whitespace().take(2).collect()
}

#[tokio::test]
async fn the_help_desk_s_code_is_for_the_flow_that_shows_the_number() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    assert!(!begins(&cloud, "alice").await.page.text().contains("Code from the help desk"), "the policy says no");
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;

    let mut alice = chooses(&cloud, "alice", "help_desk").await;
    let mut thief = chooses(&cloud, "alice", "help_desk").await;
    let number = number(alice.is_at("/reset/code").sees("room 101"));
    let calls =
        |user: &str, number: &str| cloud.tries(&["help-desk", "code", "--user", user, "--number", number, "--operator", "Hugo Help"]);
    // Nobody has made a code yet.
    alice.submits("/reset/code", &[("code", "0000 0000")]).await.sees("does not fit");
    assert!(calls("bob", &number).unwrap_err().contains("no page"));
    assert!(calls("nobody", &number).unwrap_err().contains("nobody of that name"));
    let code = calls("alice", &number).unwrap();
    thief.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("does not fit");
    // Looking at the page again changes nothing.
    alice.opens("/reset/code").await.sees(&format!("{} {}", &number[..3], &number[3..]));
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    assert!(calls("alice", &number).unwrap_err().contains("no page"), "it is done");
    assert_eq!(
        cloud
            .sql::<String>(
                "select string_agg(actor || ' ' || outcome, ', ' order by event_id) from audit_events where action = 'help_desk.code'"
            )
            .await,
        "operator:Hugo Help refused, operator:Hugo Help made, operator:Hugo Help refused"
    );

    // Others are on the line: the page waits half an hour for the call, and the code is good for its ten minutes after that.
    let user = cloud.user("alice").await;
    let makes = async |number: &str| {
        let mut tx = cloud.app.begin().await.unwrap();
        let (scope, source) = (&cloud.tenant.scope, Source::house("operator:Hugo Help"));
        let code = verification::make_code(&mut tx, scope, &cloud.clock, &source, &user, number).await.unwrap();
        tx.commit().await.unwrap();
        code
    };
    let mut patient = chooses(&cloud, "alice", "help_desk").await;
    let number = self::number(&patient);
    cloud.clock.advance(29 * 60);
    assert_eq!(self::number(patient.opens("/reset/code").await), number);
    let code = makes(&number).await.unwrap();
    cloud.clock.advance(9 * 60);
    patient.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
    agent.beat(true).await;
    let mut gone = chooses(&cloud, "alice", "help_desk").await;
    let number = self::number(&gone);
    cloud.clock.advance(30 * 60 + 1);
    assert!(makes(&number).await.is_none(), "the number goes with its flow");
    gone.opens("/reset/code").await.sees("Please start again");
    agent.beat(true).await;

    // Ten minutes, counted from when it was made.
    let mut late = chooses(&cloud, "alice", "help_desk").await;
    let number = self::number(&late);
    let code = makes(&number).await.unwrap();
    cloud.clock.advance(601);
    late.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("too old");
    // Nothing waits under its number any more: the page says so, and has another one.
    late.sees("Your number no longer works");
    assert!(makes(&number).await.is_none());
    let number = self::number(late.submits("/reset/code/resend", &[]).await.is_at("/reset/code"));
    let code = makes(&number).await.unwrap();
    late.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

#[tokio::test]
async fn more_time_is_more_time_for_the_help_desk_s_number_too() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    // A browser forgets its cookie in time.
    let bob = chooses(&cloud, "bob", "email").await;
    let code = code_in(&cloud.inbox.wait_for("bob@mail.example", 0).await.unwrap().text);
    let cookies: Vec<String> = bob.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let post = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let post = post.post(format!("{}/reset/code", cloud.url)).header(header::ORIGIN, &cloud.url).header(header::COOKIE, cookies.join("; "));
    let answer = post.form(&[("code", &code)]).send().await.unwrap();
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    let kept: i64 = cookie.split_once("Max-Age=").and_then(|(_, age)| age.split(';').next()).unwrap().parse().unwrap();

    let mut alice = chooses(&cloud, "alice", "help_desk").await;
    let shown = number(&alice);
    cloud.clock.advance(29 * 60 + 30);
    agent.beat(true).await;
    assert_eq!(alice.browser.post_json("/reset/stay", &json!({})).await.unwrap().0, 200);
    cloud.clock.advance(15 * 60);
    agent.beat(true).await;
    assert_eq!(number(alice.opens("/reset/code").await.is_at("/reset/code")), shown);
    let user = cloud.user("alice").await;
    let mut tx = cloud.app.begin().await.unwrap();
    let source = Source::house("operator:Hugo Help");
    let code = verification::make_code(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, &user, &shown).await.unwrap();
    tx.commit().await.unwrap();
    let code = code.expect("it waits as long as its page");
    cloud.clock.advance(9 * 60 + 50);
    agent.beat(true).await;
    assert!(kept > 54 * 60 + 20, "the browser has forgotten it: {kept}");
    alice.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/password");
}

#[tokio::test]
async fn a_choice_that_is_none_is_told_in_the_words_of_the_page() {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    let chooses_nothing = async || {
        let mut alice = begins(&cloud, "alice").await;
        let mut form = alice.page.form("/reset/method").unwrap();
        form.fields.retain(|(name, _)| name != "method");
        alice.page = alice.browser.submit(&form).await.unwrap();
        assert_eq!(alice.page.status, 422);
        alice
    };
    chooses_nothing().await.sees("choose where we shall send your code");
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    chooses_nothing().await.sees("choose how you would like to prove");
}

#[tokio::test]
async fn another_method_in_between_takes_no_proof_along() {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    cloud.gates(2).await;
    let secret = cloud.registers_app("alice", Duration::ZERO).await;
    let codes = cloud.makes_codes("alice").await;
    let mut alice = chooses(&cloud, "alice", "email").await;
    let mailed = code_in(&cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text);
    let app = app_shows(&secret, cloud.clock.seconds());
    // The mail's code where the app's is asked, and the other way round.
    alice.opens("/reset/method").await.submits("/reset/method", &[("method", "totp")]).await;
    alice.submits("/reset/code", &[("code", &mailed)]).await.is_at("/reset/code").sees("does not fit");
    alice.opens("/reset/method").await.submits("/reset/method", &[("method", "email")]).await;
    alice.submits("/reset/code", &[("code", &app)]).await.is_at("/reset/code").sees("does not fit");
    // A form of before the change is read as what is asked now.
    let page = alice.page.clone();
    alice.opens("/reset/method").await.submits("/reset/method", &[("method", "recovery_code")]).await;
    let stale = page.form("/reset/code").unwrap().set("code", &mailed).unwrap();
    alice.page = alice.browser.submit(&stale).await.unwrap();
    alice.is_at("/reset/code").sees("20 letters and digits");
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where passed <> '{}'").await, 0);
    assert_eq!(alice.browser.post_json("/reset/passkey/challenge", &json!({})).await.unwrap().0, 409);

    alice.submits("/reset/code", &[("code", &codes[0])]).await.is_at("/reset/method");
    // One class counts once.
    alice.opens("/reset/method").await.submits("/reset/method", &[("method", "totp")]).await;
    let app = app_shows(&secret, cloud.clock.seconds() + 30);
    alice.submits("/reset/code", &[("code", &app)]).await.is_at("/reset/password");
    assert_eq!(cloud.sql::<String>("select passed::text from flows where state = 'verified'").await, "{recovery_code,totp}");
}

#[tokio::test]
async fn what_is_new_proves_nothing_until_it_has_cooled_off() {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    let secret = cloud.registers_app("alice", Duration::hours(24)).await;
    let alice = begins(&cloud, "alice").await;
    assert!(!alice.page.text().contains("Authenticator app"));
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let user = cloud.user("alice").await.user_id;
    let code = app_shows(&secret, cloud.clock.seconds());
    let (scope, clock) = (&cloud.tenant.scope, &cloud.clock);
    assert_eq!(authenticators::check_app(&mut conn, scope, clock, Some(user), &code).await.unwrap(), Tried::Wrong);
    sqlx::query("update authenticators set usable_from = now()").execute(&cloud.app.db).await.unwrap();
    begins(&cloud, "alice").await.sees("Authenticator app");
}

#[tokio::test]
async fn nothing_of_one_tenant_proves_anything_in_another() {
    let cloud = Cloud::with_people(&["alice", "bob"]).await.0;
    let (secret, codes) = (cloud.registers_app("alice", Duration::ZERO).await, cloud.makes_codes("alice").await);
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Other", host: "other.example", language: Language::English, help: None };
    let other = tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap().scope;
    let (user, clock) = (cloud.user("alice").await.user_id, &cloud.clock);
    let digits = app_shows(&secret, clock.seconds());
    assert_eq!(authenticators::check_app(&mut tx, &other, clock, Some(user), &digits).await.unwrap(), Tried::Wrong);
    let code = RecoveryCode::parse(&codes[0]).unwrap();
    let candidate = authenticators::find_code(&mut tx, &other, clock, Some(user), &code).await.unwrap();
    let hash = cloud.app.slow_hash.of(candidate.to_hash(&other, &code)).await.unwrap().unwrap();
    assert_eq!(authenticators::use_code(&mut tx, &other, clock, &candidate, &hash[0]).await.unwrap(), Tried::Wrong);
    assert_eq!(authenticators::check_app(&mut tx, &cloud.tenant.scope, clock, Some(user), &digits).await.unwrap(), Tried::Right);
}

/// Status, path and words of every page that a name can see with each of these methods and nothing right.
async fn pages(cloud: &Cloud, name: &str) -> Vec<(u16, String, String)> {
    let mut person = begins(cloud, name).await;
    let masked = |text: &str| text.split(' ').map(|word| if word.contains('•') { "MASKED" } else { word }).collect::<Vec<_>>().join(" ");
    let plain = |person: &Person| {
        let text = masked(&person.page.text());
        let text = text
            .split_once("Your number")
            .map_or(text.clone(), |(before, after)| format!("{before}{}", after.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")));
        (person.page.status, person.page.path.clone(), text)
    };
    let mut seen = vec![plain(&person)];
    let mut stranger = Passkey::new();
    stranger.handle = cloud.user("known").await.user_id.as_bytes().to_vec();
    for (method, code) in
        [("totp", "000000"), ("recovery_code", "0000-0000-0000-0000-0000"), ("help_desk", "0000 0000"), ("email", "000000")]
    {
        person.opens("/reset/method").await.submits("/reset/method", &[("method", method)]).await;
        seen.push(plain(&person));
        person.submits("/reset/code", &[("code", code)]).await;
        seen.push(plain(&person));
    }
    person.opens("/reset/method").await.submits("/reset/method", &[("method", "passkey")]).await;
    seen.push(plain(&person));
    shows(cloud, &mut person, &mut stranger).await;
    seen.push(plain(&person));
    seen
}

#[tokio::test]
async fn decoys_have_the_same_methods_and_the_same_answers() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("known")]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    cloud.registers_app("known", Duration::ZERO).await;
    cloud.makes_codes("known").await;
    cloud.registers_passkey("known", &mut Passkey::new()).await;
    let known = pages(&cloud, "known").await;
    assert!(known[0].2.contains("Authenticator app") && known[0].2.contains("Passkey") && known[0].2.contains("Recovery code"));
    for name in ["nobody", "known.not", "somebody.else@corp.example"] {
        let mut unknown = pages(&cloud, name).await;
        for (one, other) in known.iter().zip(unknown.drain(..)) {
            assert_eq!(*one, other, "{name}");
        }
    }
}
