//! `/account/methods`: what somebody registers themself, told to every address, usable once it has cooled off.

use serde_json::json;
use sspr::{
    domain::{
        policies::{Draft, Method},
        sessions::By,
        users,
    },
    wire::{message::Person as DirectoryPerson, outcome::Code},
};

use crate::support::{
    Cloud, Person,
    agent::somebody,
    authenticator::{Passkey, app_shows},
};

async fn signed_in(cloud: &Cloud, name: &str) -> Person {
    let mut person = Person::at(cloud);
    person.is_signed_in(cloud, name).await.opens("/account/methods").await.is_at("/account/methods");
    person
}

/// The key on the page.
fn key(person: &Person) -> String {
    let (_, after) = person.page.body.split_once("<code>").expect("a key");
    after.split_once("</code>").unwrap().0.to_owned()
}

#[tokio::test]
async fn an_app_is_registered_by_its_first_code_told_of_and_cools_off() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.sees("not set up anything yet");
    alice.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    let secret = key(&alice);
    assert_eq!(secret.replace(' ', "").len(), 32, "160 bits");
    let picture = alice.browser.open("/account/methods/app/picture").await.unwrap();
    assert!(picture.status == 200 && picture.body.contains("<svg"));
    // Another browser of hers has none begun, and can confirm none.
    let mut other = signed_in(&cloud, "alice").await;
    assert_eq!(other.browser.open("/account/methods/app/picture").await.unwrap().status, 404);
    let code = app_shows(&secret, cloud.clock.seconds());
    let form = alice.page.form("/account/methods/app/code").unwrap().set("code", &code).unwrap();
    other.page = other.browser.submit(&form).await.unwrap();
    other.is_at("/account/methods").sees("not set up anything yet");

    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    alice.submits("/account/methods/app/code", &[("code", &wrong)]).await.sees("does not fit");
    alice.submits("/account/methods/app/code", &[("code", &code), ("label", " ")]).await.sees("1 to 60");
    alice.submits("/account/methods/app/code", &[("code", &code), ("label", "<b>Phone</b>")]).await.is_at("/account/methods");
    alice.sees("<b>Phone</b>").sees("Works from").sees("not used yet");
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("an authenticator app"), "{mail}");
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'authenticator.add' and user_id is not null").await, 1);
    assert!(!cloud.dump().await.contains(&secret.replace(' ', "")));

    // Not before it has cooled off, and not with the code that registered it.
    let mut reset = Person::at(&cloud);
    reset.opens("/").await.submits("/reset", &[("name", "alice")]).await;
    assert!(!reset.page.text().contains("Authenticator app"));
    cloud.clock.advance(3600 + 30);
    agent.beat(true).await;
    reset.opens("/").await.submits("/reset", &[("name", "alice")]).await.sees("Authenticator app");
    reset.submits("/reset/method", &[("method", "totp")]).await;
    reset.submits("/reset/code", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await.is_at("/reset/method").sees("proof 2 of 2");
}

#[tokio::test]
async fn a_passkey_is_registered_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let mut passkey = Passkey::new();
    let mut alice = signed_in(&cloud, "alice").await;
    let makes = async |person: &mut Person, passkey: &mut Passkey, origin: &str| {
        person.opens("/account/methods/passkey").await;
        let (status, options) = person.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
        assert_eq!(status, 200, "{options}");
        let answer = passkey.creates(&options, origin).to_string();
        person.submits("/account/methods/passkey", &[("answer", &answer), ("label", "Laptop")]).await;
        (options, answer)
    };
    makes(&mut alice, &mut passkey, "https://evil.example").await;
    assert_eq!(alice.page.status, 422);
    passkey.verifies = false;
    makes(&mut alice, &mut passkey, &cloud.url).await;
    assert_eq!(alice.page.status, 422, "its owner was not verified");
    passkey.verifies = true;
    let (options, answer) = makes(&mut alice, &mut passkey, &cloud.url).await;
    alice.is_at("/account/methods").sees("Laptop");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["excludeCredentials"], json!([]));
    // The same answer again: its challenge is used up. The same key for somebody else: it is taken.
    alice.opens("/account/methods/passkey").await.submits("/account/methods/passkey", &[("answer", &answer)]).await;
    assert_eq!(alice.page.status, 422);
    alice.sees("sent twice");
    let (options, _) = makes(&mut alice, &mut passkey, &cloud.url).await;
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_eq!(alice.page.status, 422);
    let mut bob = signed_in(&cloud, "bob").await;
    makes(&mut bob, &mut passkey, &cloud.url).await;
    assert_eq!(bob.page.status, 422);
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
}

#[tokio::test]
async fn recovery_codes_are_shown_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = Person::at(&cloud);
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", By::Passkey, Method::Passkey).await);
    let form = alice.opens("/account/methods/codes").await.page.form("/account/methods/codes").unwrap();
    alice.page = alice.browser.submit(&form).await.unwrap();
    let codes = |person: &Person| {
        let lines = person.page.body.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let first = codes(&alice);
    assert_eq!(first.len(), 10);
    // A reload sends the form again, and the first page may still be there to go back to: nothing of what was printed is burnt.
    for _ in 0..2 {
        alice.page = alice.browser.submit(&form).await.unwrap();
        alice.is_at("/account/methods").sees("10 left");
    }
    alice.opens("/account/methods/codes").await.sees("You have 10 codes left");
    assert!(!alice.page.body.contains(&first[0]));
    alice.submits("/account/methods/codes", &[]).await;
    assert!(codes(&alice).iter().all(|code| !first.contains(code)));
    assert_eq!(cloud.sql::<i64>("select count(*) from recovery_codes").await, 10);
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'authenticator.add'").await, 2);
    cloud.inbox.wait_for("alice@mail.example", 1).await.unwrap();
}

#[tokio::test]
async fn one_s_own_is_renamed_and_removed_and_nobody_else_s() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.makes_codes("bob").await;
    let (mut alice, mut passkey) = (signed_in(&cloud, "alice").await, Passkey::new());
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", By::Passkey, Method::Passkey).await);
    cloud.registers_passkey("alice", &mut passkey).await;
    alice.opens("/account/methods").await.submits("/account/methods/rename", &[("label", "My key")]).await.sees("My key");
    let of_bob = cloud.sql::<uuid::Uuid>("select authenticator_id from authenticators where kind = 'recovery_codes'").await.to_string();
    alice.submits("/account/methods/rename", &[("id", &of_bob), ("label", "Hers")]).await;
    alice.opens("/account/methods").await.submits("/account/methods/remove", &[("id", &of_bob)]).await.is_at("/account/methods");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators where label = 'Codes'").await, 1);
    alice.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    let mail = cloud.inbox.wait_for("alice@mail.example", 0).await.unwrap().text;
    assert!(mail.contains("removed"), "{mail}");
}

#[tokio::test]
async fn whoever_proved_themselves_long_ago_changes_nothing() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    let mut alice = came_by(&cloud, Method::Passkey).await;
    let page = alice.page.clone();
    for _ in 0..2 {
        cloud.clock.advance(10 * 60);
        alice.opens("/account/methods").await.is_at("/account/methods");
    }
    for action in ["/account/methods/remove", "/account/methods/app"] {
        alice.page = alice.browser.submit(&page.form(action).unwrap()).await.unwrap();
        alice.is_at("/account/sign-in");
    }
    for path in ["/account/methods/passkey", "/account/methods/codes"] {
        alice.opens(path).await.is_at("/account/sign-in");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    assert_eq!(cloud.sql::<i64>("select count(*) from registrations").await, 0);
}

#[tokio::test]
async fn whoever_is_asked_whether_all_is_right_says_so_once() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let mut alice = signed_in(&cloud, "alice").await;
    assert!(!alice.page.body.contains("/account/methods/confirm"), "nobody asks");
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--reconfirm-days", "90"]);
    alice.opens("/account/methods").await.sees("still right?");
    alice.submits("/account/methods/confirm", &[]).await.is_at("/account/methods");
    assert!(!alice.page.text().contains("still right?"), "{}", alice.page.text());
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'registration.confirm'").await, 1);
}

#[tokio::test]
async fn whoever_has_just_put_their_methods_in_order_is_not_asked_whether_they_are() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.administers(&["tenant", "set", &cloud.tenant.scope.id().to_string(), "--reconfirm-days", "90"]);
    let again = async || {
        sqlx::query("update users set confirmed_at = null").execute(&cloud.app.db).await.unwrap();
        came_by(&cloud, Method::Passkey).await.sees("still right?");
    };
    let asked = async || came_by(&cloud, Method::Passkey).await.page.text().contains("still right?");
    again().await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    assert!(!asked().await, "something was added");
    again().await;
    came_by(&cloud, Method::Passkey).await.submits("/account/methods/remove", &[]).await.is_at("/account/methods");
    assert!(!asked().await, "something was removed");
    again().await;
    let (user, own) = (cloud.user("alice").await.user_id, users::Contact::parse(Method::PrivateEmail, "own@home.example"));
    let mut tx = cloud.app.begin().await.unwrap();
    users::set_own(&mut tx, &cloud.tenant.scope, &cloud.clock, user, Method::PrivateEmail, own.as_ref()).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(!asked().await, "an address was added");
}

#[tokio::test]
async fn nobody_is_told_of_a_wait_that_there_is_not_and_codes_bear_the_reader_s_word() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    signed_in(&cloud, "alice").await.sees("only after a while");
    cloud.policy(|terms| Draft { cooling_off: 0, ..terms }).await;
    let alice = signed_in(&cloud, "alice").await;
    assert!(alice.sees("we tell you at all your addresses").page.text().find("after a while").is_none());
    // Labelled in whatever language they were made in.
    cloud.makes_codes("alice").await;
    let mut alice = signed_in(&cloud, "alice").await;
    alice.browser.language = "de".to_owned();
    for path in ["/account/methods", "/account"] {
        alice.opens(path).await.sees("Wiederherstellungscodes");
        assert!(!alice.page.body.contains(">Codes") && !alice.page.body.contains("Codes ("), "{}", alice.page.text());
    }
}

#[tokio::test]
async fn what_was_added_before_a_freeze_cools_off_anew_when_it_is_lifted() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { cooling_off: 1, ..terms }).await;
    let mut thief = signed_in(&cloud, "alice").await;
    thief.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    let code = app_shows(&key(&thief), cloud.clock.seconds());
    thief.submits("/account/methods/app/code", &[("code", &code), ("label", "Phone")]).await.is_at("/account/methods");
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["user", "freeze", "--tenant", &tenant, "alice", "--reason", "she called"]);
    cloud.clock.advance(3600 + 30);
    agent.beat(true).await;
    let usable = "select (select usable_from from authenticators) < (select max(at) from audit_events) + interval '30 minutes'";
    let mut tx = cloud.app.begin().await.unwrap();
    let alice = cloud.sql("select user_id from users where sign_in_name = 'alice'").await;
    let (scope, source) = (&cloud.tenant.scope, sspr::domain::audit::Source::house("cli"));
    assert!(sspr::domain::resets::lift(&mut tx, scope, &cloud.clock, &source, alice).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!cloud.sql::<bool>(usable).await, "its owner has time to remove it");
}

#[tokio::test]
async fn additions_are_not_endless_and_one_too_many_is_not_made() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let begins = async |person: &mut Person| {
        person.opens("/account/methods").await.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    };
    let confirms = async |person: &mut Person| {
        let code = app_shows(&key(person), cloud.clock.seconds());
        person.submits("/account/methods/app/code", &[("code", &code)]).await;
    };
    // In another browser it is as good as done.
    let mut other = came_by(&cloud, Method::Passkey).await;
    begins(&mut other).await;
    let mut alice = came_by(&cloud, Method::Passkey).await;
    for n in 0..20 {
        begins(&mut alice).await;
        confirms(&mut alice).await;
        alice.is_at("/account/methods");
        if n < 19 {
            alice.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
        }
    }
    confirms(&mut other).await;
    assert_eq!(other.page.status, 429, "{}", other.page.text());
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
    // Nobody makes what could not be kept.
    alice.opens("/account/methods").await.submits("/account/methods/app", &[]).await;
    assert_eq!(alice.page.status, 429);
    assert_eq!(alice.opens("/account/methods/passkey").await.page.status, 429);
    let page = "/account/methods/contact/private_email";
    alice.opens(page).await.submits(page, &[("to", "own@home.example")]).await;
    assert_eq!((alice.page.status, cloud.sql::<i64>("select count(*) from contact_changes").await), (429, 0));
    // What is there can be removed.
    alice.opens("/account/methods").await.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
}

/// Who knows the password and reads the mail must not keep the owner, who proves the strongest, from removing what was added, nor from adding.
#[tokio::test]
async fn what_comes_to_nothing_uses_up_nobody_s_changes() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    cloud.registers_app("alice", time::Duration::days(1)).await;
    let page = "/account/methods/contact/private_email";
    let mut thief = signed_in(&cloud, "alice").await;
    thief.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    let wrong = thief.page.form("/account/methods/app/code").unwrap().set("code", "000000").unwrap();
    let misspelled = thief.opens(page).await.page.form(page).unwrap();
    for n in 0..25 {
        thief.page = thief.browser.submit(&misspelled.clone().set("to", &format!("no-{n}")).unwrap()).await.unwrap();
        assert_eq!(thief.page.status, 422);
        thief.page = thief.browser.submit(&wrong).await.unwrap();
        assert_eq!(thief.page.status, 422);
        let (status, _) = thief.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
        assert_eq!(status, 200);
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from limits where kind = 'method_change'").await, 0);
    let mut alice = came_by(&cloud, Method::Passkey).await;
    alice.submits("/account/methods/remove", &[]).await.is_at("/account/methods");
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 1);
}

/// In by a sent code and the password, or by something better.
async fn came_by(cloud: &Cloud, method: Method) -> Person {
    let by = if method == Method::Passkey { By::Passkey } else { By::Password };
    let mut person = Person::at(cloud);
    person.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", by, method).await);
    person.opens("/account/methods").await.is_at("/account/methods");
    person
}

/// Who reads her mail and knows her password.
#[tokio::test]
async fn a_thief_of_mailbox_and_password_strips_nobody_of_a_passkey() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let codes = cloud.makes_codes("alice").await;
    let passkey: String = {
        cloud.registers_passkey("alice", &mut Passkey::new()).await;
        cloud.registers_app("alice", time::Duration::ZERO).await;
        cloud.sql::<uuid::Uuid>("select authenticator_id from authenticators where kind = 'passkey'").await.to_string()
    };
    let own = || cloud.sql::<i64>("select count(*) from authenticators");
    let mut alice = came_by(&cloud, Method::Passkey).await;
    let (removal, renewal) = (
        alice.page.form("/account/methods/remove").unwrap().set("id", &passkey).unwrap(),
        alice.opens("/account/methods/codes").await.page.form("/account/methods/codes").unwrap(),
    );
    for method in [Method::Email, Method::PrivateEmail, Method::Sms, Method::HelpDesk, Method::Totp] {
        let mut thief = came_by(&cloud, method).await;
        thief.sees("prove that it is you with your passkey");
        assert!(thief.page.form("/account/methods/remove").is_err(), "no page offers it");
        thief.opens("/account/methods/codes").await.sees("prove that it is you with your passkey");
        assert!(thief.page.form("/account/methods/codes").is_err());
        // What her own page would send, all the same.
        for form in [&removal, &renewal] {
            thief.page = thief.browser.submit(form).await.unwrap();
            assert_eq!(thief.page.status, 403, "{}", thief.page.text());
            thief.sees("something stronger");
        }
        assert_eq!(own().await, 3, "{method:?}");
    }
    let refused = "select count(*) from audit_events where action = 'authenticator.remove' and outcome = 'refused'";
    assert_eq!(cloud.sql::<i64>(refused).await, 5);
    let mut reset = Person::at(&cloud);
    reset.opens("/").await.submits("/reset", &[("name", "alice")]).await.submits("/reset/method", &[("method", "recovery_code")]).await;
    reset.submits("/reset/code", &[("code", &codes[0])]).await.is_at("/reset/method").sees("proof 2 of 2");

    // Who has lost the phone comes by what was printed for that day.
    let mut alice = came_by(&cloud, Method::RecoveryCode).await;
    alice.submits("/account/methods/remove", &[("id", &passkey)]).await.is_at("/account/methods");
    assert_eq!(own().await, 2);
    // The app is the strongest now, and does.
    came_by(&cloud, Method::Email).await.sees("prove that it is you with your authenticator app");
    came_by(&cloud, Method::Totp).await.submits("/account/methods/remove", &[]).await.is_at("/account/methods");
    assert_eq!(own().await, 1);
}

#[tokio::test]
async fn what_cannot_be_proven_is_not_asked_for() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    // Not cooled off: she may have added it by mistake, or somebody else did.
    sqlx::query("update authenticators set usable_from = now() + interval '1 hour'").execute(&cloud.app.db).await.unwrap();
    came_by(&cloud, Method::Email).await.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
    // The policy takes it no more.
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::Totp], ..terms }).await;
    let mut alice = came_by(&cloud, Method::Email).await;
    alice.sees("does not take this at the moment");
    alice.submits("/account/methods/remove", &[]).await.sees("not set up anything yet");
}

#[tokio::test]
async fn whoever_removes_something_is_told_what_goes_with_it() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.registers_passkey("alice", &mut Passkey::new()).await;
    came_by(&cloud, Method::Passkey).await.sees("the only thing you have set up");
    cloud.registers_app("alice", time::Duration::ZERO).await;
    came_by(&cloud, Method::Passkey).await.sees("what else you have set up");
    cloud.policy(|terms| Draft { methods: vec![Method::Passkey, Method::Totp], gates: 2, ..terms }).await;
    came_by(&cloud, Method::Passkey).await.sees("too little to choose a new password");
}

#[tokio::test]
async fn only_what_the_policy_takes_is_offered() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    let whole = came_by(&cloud, Method::Email).await;
    let app = whole.page.form("/account/methods/app").unwrap();
    cloud.policy(|terms| Draft { methods: vec![Method::Email, Method::RecoveryCode], ..terms }).await;
    let mut alice = came_by(&cloud, Method::Email).await;
    alice.sees("Make recovery codes");
    assert!(!alice.page.text().contains("Add a passkey") && !alice.page.text().contains("Add an authenticator app"));
    alice.page = alice.browser.submit(&app).await.unwrap();
    assert_eq!(alice.page.status, 409);
    assert_eq!(alice.opens("/account/methods/passkey").await.page.status, 409);
    alice.sees("does not take this way");
    let (status, answer) = alice.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (409, Some("method_not_taken")));
    cloud.policy(|terms| Draft { methods: vec![Method::Email], ..terms }).await;
    alice.opens("/account/methods").await.sees("takes nothing that you could set up here");
    assert_eq!(cloud.sql::<i64>("select count(*) from registrations").await, 0);
}

#[tokio::test]
async fn nobody_has_more_than_ten_passkeys_and_three_apps() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    for _ in 0..9 {
        cloud.registers_passkey("alice", &mut Passkey::new()).await;
    }
    // Two browsers, both at the page of the tenth.
    let (mut one, mut other) = (came_by(&cloud, Method::Passkey).await, came_by(&cloud, Method::Passkey).await);
    let mut pages = Vec::new();
    for person in [&mut one, &mut other] {
        person.opens("/account/methods/passkey").await;
        let (_, options) = person.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
        pages.push(Passkey::new().creates(&options, &cloud.url).to_string());
    }
    one.submits("/account/methods/passkey", &[("answer", &pages[0])]).await.is_at("/account/methods").sees("up to 10 passkeys");
    assert!(one.page.form("/account/methods/passkey").is_err() && !one.page.text().contains("Add a passkey"));
    other.submits("/account/methods/passkey", &[("answer", &pages[1])]).await;
    assert_eq!(other.page.status, 409);
    other.sees("no room for another one");
    let (status, answer) = other.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (409, Some("method_full")));
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 10);
    for _ in 0..3 {
        cloud.registers_app("alice", time::Duration::ZERO).await;
    }
    one.opens("/account/methods").await;
    assert!(!one.page.text().contains("Add an authenticator app"));
}

/// A mailbox that opens with the password, and the password: whoever stole that one would leave a way in that outlives it.
#[tokio::test]
async fn a_mailbox_and_the_password_that_opens_it_add_nothing() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![DirectoryPerson { private_mail: Some("alice@home.example".to_owned()), ..somebody("alice") }]).await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    let tenant = cloud.tenant.scope.id().to_string();
    // Where nobody has said which mailboxes open so, nobody is kept from registering.
    let mut alice = signed_in(&cloud, "alice").await;
    assert!(alice.page.form("/account/methods/app").is_ok());

    cloud.administers(&["tenant", "set", &tenant, "--mail-domains", "mail.example", "--yes"]);
    cloud.hears().await;
    let mut thief = signed_in(&cloud, "alice").await;
    thief.sees("Sign in once more with something else").sees("room 101");
    for path in ["app", "codes", "contact/sms", "contact/private_email"] {
        let path = format!("/account/methods/{path}");
        assert!(!thief.page.body.contains(&format!("{path}\"")), "{path} is not offered");
        let body = if path.ends_with("codes") { "replaces=" } else { "to=x" };
        assert_eq!(thief.posts_form(&path, if path.ends_with("app") { "" } else { body }).await, 403);
        thief.sees("one secret and not two");
        thief.opens("/account/methods").await;
    }
    let (status, answer) = thief.browser.post_json("/account/methods/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!((status, answer["code"].as_str()), (403, Some("one_secret")));
    assert_eq!(cloud.sql::<i64>("select count(*) from authenticators").await, 0);
    let refused = "select count(*) from audit_events where action = 'authenticator.add' and outcome = 'refused' and request_id is not null";
    assert_eq!(cloud.sql::<i64>(refused).await, 5);
    // Begun before the domain was named, it is not ended after.
    assert_eq!(alice.posts_form("/account/methods/codes", "replaces=").await, 403);
    thief.opens("/account/methods/passkey").await.sees("one secret and not two");

    for (by, proven) in [
        (By::Password, Method::Sms),
        (By::Password, Method::PrivateEmail),
        (By::Password, Method::HelpDesk),
        (By::Password, Method::RecoveryCode),
        (By::Passkey, Method::Passkey),
    ] {
        let mut alice = Person::at(&cloud);
        alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", by, proven).await);
        alice.opens("/account/methods").await;
        assert!(alice.page.form("/account/methods/app").is_ok(), "{proven:?}: {}", alice.page.text());
        alice.submits("/account/methods/app", &[]).await.is_at("/account/methods/app");
    }
}

/// What was added with the old password outlives it: its owner is led there.
#[tokio::test]
async fn what_was_added_lately_is_pointed_to_when_the_password_is_another_one() {
    let (cloud, mut agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.policy(|terms| Draft { rises: false, ..terms }).await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    sqlx::query("update authenticators set created_at = created_at - interval '13 days'").execute(&cloud.app.db).await.unwrap();
    cloud.makes_codes("alice").await;
    let mut alice = Person::at(&cloud);
    alice
        .is_signed_in(&cloud, "alice")
        .await
        .opens("/account")
        .await
        .sees("Added in the last two weeks")
        .sees("Phone (Authenticator app)")
        .sees("Recovery codes");
    let seen = cloud.inbox.count("alice@mail.example");
    let mut reset = Person::at(&cloud);
    reset.proves(&cloud, "alice").await.sets("Correct-Horse-7").await;
    agent.work(Code::Applied).await;
    let mut n = seen;
    let notice = loop {
        let message = cloud.inbox.wait_for("alice@mail.example", n).await.unwrap().text;
        if message.contains("has just been changed") {
            break message;
        }
        n += 1;
    };
    assert!(
        notice.contains("Added lately") && notice.contains("an authenticator app, ") && notice.contains("recovery codes, "),
        "{notice}"
    );
    // After that it is nothing new.
    sqlx::query("update authenticators set created_at = created_at - interval '2 days'").execute(&cloud.app.db).await.unwrap();
    let mut alice = Person::at(&cloud);
    alice.is_signed_in(&cloud, "alice").await.opens("/account").await.sees("Recovery codes, ");
    assert!(!alice.page.text().contains("Phone (Authenticator"), "{}", alice.page.text());
}

#[tokio::test]
async fn the_trail_says_which_method_came_or_went() {
    let (cloud, _agent) = Cloud::with_people(&["alice", "bob"]).await;
    cloud.makes_codes("alice").await;
    cloud.registers_app("alice", time::Duration::ZERO).await;
    let mut alice = Person::at(&cloud);
    alice.browser.cookies.insert("sspr_session".into(), cloud.session_by("alice", By::Password, Method::Totp).await);
    alice.opens("/account").await.sees("An authenticator app was added").sees("Recovery codes were made");
    alice.opens("/account/methods").await.submits("/account/methods/remove", &[]).await;
    alice.opens("/account").await;
    let text = alice.page.text();
    assert!(text.contains("Recovery codes were removed") || text.contains("An authenticator app was removed"), "{text}");
}
