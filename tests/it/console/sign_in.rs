//! From a one-time link to the console, and in again by password and app, or by a passkey.

use serde_json::json;
use sspr::domain::operators::Role;
use uuid::Uuid;

use crate::support::{
    Cloud, Person,
    authenticator::{Passkey, app_shows},
};

pub const PASSWORD: &str = "correct horse battery";

/// The token of the link that `sspr operator create` prints.
pub fn invites(cloud: &Cloud, name: &str, mail: &str, role: &str) -> String {
    let printed = cloud.administers(&["operator", "create", name, "--mail", mail, "--role", role]);
    let (page, token) = printed.trim().split_once('#').unwrap();
    assert_eq!(page, format!("{}/console/welcome", cloud.url));
    token.to_owned()
}

/// The app's key on the page in hand.
pub fn key(person: &Person) -> String {
    person.page.body.split("<p class=\"key\"><code>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Through the link to the second factor's page.
pub async fn follows(cloud: &Cloud, token: &str) -> Person {
    let mut olga = Person::at(cloud);
    olga.opens("/console/welcome").await.submits("/console/welcome", &[("code", token)]).await.is_at("/console/welcome/password");
    olga.submits("/console/welcome/password", &[("password", PASSWORD)]).await.is_at("/console/welcome/factor");
    olga
}

/// And with an app into the console: its key.
pub async fn with_an_app(cloud: &Cloud, olga: &mut Person) -> String {
    let secret = key(olga);
    let code = app_shows(&secret, cloud.clock.seconds());
    olga.submits("/console/welcome/factor/app", &[("code", &code)]).await.is_at("/console");
    secret
}

pub async fn signs_in(cloud: &Cloud, mail: &str, password: &str) -> Person {
    let mut olga = Person::at(cloud);
    olga.opens("/console/sign-in").await.submits("/console/sign-in", &[("mail", mail), ("password", password)]).await;
    olga
}

#[tokio::test]
async fn the_first_owner_comes_by_a_link_and_again_by_password_and_app() {
    let cloud = Cloud::start().await;
    let token = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(&cloud, &token).await;
    // What she must not choose; what does not fit.
    olga.opens("/console/welcome/password").await.submits("/console/welcome/password", &[("password", "olga-olga-olga")]).await;
    assert_eq!(olga.page.status, 422);
    olga.opens("/console/welcome/factor").await.submits("/console/welcome/factor/app", &[("code", "000000")]).await;
    assert_eq!(olga.page.status, 422);
    // Nothing of the console is open before.
    olga.opens("/console").await.is_at("/console/sign-in");
    olga.opens("/console/welcome/factor").await;
    let secret = with_an_app(&cloud, &mut olga).await;
    olga.sees("Hello Olga Owner");
    olga.submits("/console/sign-out", &[]).await.is_at("/console/sign-in");
    olga.opens("/console").await.is_at("/console/sign-in");
    // The link is used up.
    olga.opens("/console/welcome").await.submits("/console/welcome", &[("code", &token)]).await.sees("does not work any more");

    // A wrong password and nobody's address look alike.
    let wrong = signs_in(&cloud, "olga@corp.example", "wrong horse battery").await;
    let nobody = signs_in(&cloud, "nobody@corp.example", PASSWORD).await;
    let strip = |person: &Person, mail: &str| person.page.text().replace(mail, "");
    assert_eq!((wrong.page.status, strip(&wrong, "olga@corp.example")), (422, strip(&nobody, "nobody@corp.example")));
    let mut olga = signs_in(&cloud, "OLGA@corp.example", PASSWORD).await;
    olga.is_at("/console/sign-in/factor");
    olga.opens("/console").await.is_at("/console/sign-in");
    olga.opens("/console/sign-in/factor").await;
    // The code that was shown on the way in is used up; the next one is not.
    let used = cloud.sql::<i64>("select max(last_step) from operator_factors").await;
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&secret, used * 30))]).await;
    assert_eq!(olga.page.status, 422, "taken twice: {}", olga.page.text());
    cloud.clock.advance(31);
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await.is_at("/console");
    // And back to where one wanted to go, inside the console only.
    olga.submits("/console/sign-out", &[]).await;
    olga.opens("/console/operators").await.is_at("/console/sign-in");
    assert!(olga.page.path.ends_with("?to=/console/operators"), "{}", olga.page.path);
    olga.opens("/console/sign-in?to=https://evil.example/").await;
    assert!(!olga.page.body.contains("evil"), "{}", olga.page.body);
    // Nothing of it lies about.
    let dump = cloud.dump().await;
    for secret in [PASSWORD, token.as_str(), "olga@corp.example", &secret.replace(' ', "")] {
        assert!(!dump.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_passkey_alone_opens_the_console_and_a_copy_of_it_does_not() {
    let cloud = Cloud::start().await;
    let token = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(&cloud, &token).await;
    let mut passkey = Passkey::new();
    let (status, options) = olga.browser.post_json("/console/welcome/factor/passkey/challenge", &json!({})).await.unwrap();
    assert_eq!(status, 200, "{options}");
    let answer = passkey.creates(&options, &cloud.url).to_string();
    olga.submits("/console/welcome/factor/passkey", &[("answer", &answer)]).await.is_at("/console");
    let signs = async |passkey: &mut Passkey, back: u32| {
        let mut person = Person::at(&cloud);
        person.opens("/console/sign-in").await;
        let (status, options) = person.browser.post_json("/console/sign-in/passkey/challenge", &json!({})).await.unwrap();
        assert_eq!(status, 200, "{options}");
        passkey.counter -= back;
        let answer = passkey.signs(&options, &cloud.url).to_string();
        person.submits("/console/sign-in/passkey", &[("answer", &answer)]).await;
        (person, answer)
    };
    let (mut again, answer) = signs(&mut passkey, 0).await;
    again.is_at("/console");
    // The same answer once more, in another browser.
    let mut thief = Person::at(&cloud);
    thief.opens("/console/sign-in").await.submits("/console/sign-in/passkey", &[("answer", &answer)]).await;
    assert_eq!(thief.page.status, 422);
    // It does not verify who holds it: something one has is not enough alone.
    passkey.verifies = false;
    assert_eq!(signs(&mut passkey, 0).await.0.page.status, 422);
    passkey.verifies = true;
    // Only hers opens what is hers, at the portal it opens nothing.
    again.opens("/account").await.is_at("/account/sign-in");
    signs(&mut passkey, 0).await.0.is_at("/console");
    let (copy, _) = signs(&mut passkey, 3).await;
    copy.sees("There is a copy of this passkey");
    passkey.counter += 10;
    assert_eq!(signs(&mut passkey, 0).await.0.page.status, 422, "stopped for good");
}

#[tokio::test]
async fn what_is_dangerous_wants_the_second_factor_once_more() {
    let cloud = Cloud::start().await;
    let token = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(&cloud, &token).await;
    let secret = with_an_app(&cloud, &mut olga).await;
    olga.opens("/console/operators/new").await.is_at("/console/operators/new");
    cloud.clock.advance(11 * 60);
    // The form that was begun in time is taken a little later, a new page is not shown.
    let form = [("name", "Hugo Help"), ("mail", "hugo@corp.example")];
    olga.submits("/console/operators/new", &form).await.sees("Link for Hugo Help");
    let before = olga.browser.cookies["sspr_console"].clone();
    olga.opens("/console/operators/new").await.is_at("/console/prove");
    olga.submits("/console/prove", &[("code", "000000")]).await;
    assert_eq!(olga.page.status, 422);
    olga.submits("/console/prove", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await.is_at("/console/operators/new");
    // The cookie from before is worth nothing.
    let mut old = Person::at(&cloud);
    old.browser.cookies.insert("sspr_console".into(), before);
    old.opens("/console").await.is_at("/console/sign-in");
    cloud.clock.advance(16 * 60);
    olga.submits("/console/operators/new", &[("name", "Ida"), ("mail", "ida@corp.example")]).await.is_at("/console/prove");
    assert_eq!(cloud.sql::<i64>("select count(*) from operators").await, 2);
    // Half an hour without a request ends it.
    cloud.clock.advance(31 * 60);
    olga.opens("/console").await.is_at("/console/sign-in");
}

#[tokio::test]
async fn guesses_are_few_and_a_flood_is_held_off() {
    let cloud = Cloud::start().await;
    let token = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(&cloud, &token).await;
    let secret = with_an_app(&cloud, &mut olga).await;
    for n in 0..6 {
        let status = signs_in(&cloud, "olga@corp.example", "wrong horse battery").await.page.status;
        assert_eq!(status, if n < 5 { 422 } else { 429 }, "{n}");
    }
    assert_eq!(signs_in(&cloud, "olga@corp.example", PASSWORD).await.page.status, 429);
    // Nobody's address is counted alike.
    for n in 0..6 {
        let status = signs_in(&cloud, "nobody@corp.example", "wrong horse battery").await.page.status;
        assert_eq!(status, if n < 5 { 422 } else { 429 }, "{n}");
    }
    cloud.clock.advance(601);
    let mut olga = signs_in(&cloud, "olga@corp.example", PASSWORD).await;
    for n in 0..6 {
        olga.submits("/console/sign-in/factor", &[("code", "000000")]).await;
        assert_eq!(olga.page.status, if n < 5 { 422 } else { 429 }, "{n}");
    }
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await;
    assert_eq!(olga.page.status, 429);
}

#[tokio::test]
async fn a_link_is_good_once_and_for_a_day_and_replaces_what_was_before() {
    let cloud = Cloud::start().await;
    let first = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut early = follows(&cloud, &first).await;
    let second = cloud.administers(&["operator", "link", "olga@corp.example"]);
    let second = second.trim().split_once('#').unwrap().1;
    // What is chosen by a link counts when the second factor is shown, and not before.
    assert_eq!(cloud.sql::<i64>("select count(*) from operators where password_hash is not null").await, 0);
    // Whoever came by the older one is out.
    early.opens("/console/welcome/factor").await.is_at("/console/welcome");
    early.submits("/console/welcome", &[("code", &first)]).await.sees("does not work any more");
    // Two browsers with the same link: one gets in.
    let (mut one, mut two) = (follows(&cloud, second).await, follows(&cloud, second).await);
    let secret = with_an_app(&cloud, &mut one).await;
    two.opens("/console/welcome/factor").await.is_at("/console/welcome");
    // Lost: a new link ends the browsers and takes the place of the app.
    let third = cloud.administers(&["operator", "link", "olga@corp.example"]);
    one.opens("/console").await.is_at("/console");
    let mut again = follows(&cloud, third.trim().split_once('#').unwrap().1).await;
    let newer = with_an_app(&cloud, &mut again).await;
    assert_ne!(secret, newer);
    one.opens("/console").await.is_at("/console/sign-in");
    cloud.clock.advance(60);
    let mut olga = signs_in(&cloud, "olga@corp.example", PASSWORD).await;
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await;
    assert_eq!(olga.page.status, 422, "the lost app opens nothing");
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&newer, cloud.clock.seconds()))]).await.is_at("/console");
    // Whoever came in time and shows the second factor too late is not in, and nothing of it counts.
    let token = invites(&cloud, "Slow", "slow@corp.example", "auditor");
    let before: i64 = cloud.sql("select count(*) from operators where password_hash is not null").await;
    cloud.clock.advance(24 * 3600 - 300);
    let mut slow = follows(&cloud, &token).await;
    cloud.clock.advance(360);
    let code = app_shows(&key(&slow), cloud.clock.seconds());
    slow.submits("/console/welcome/factor/app", &[("code", &code)]).await.is_at("/console/welcome/factor");
    slow.opens("/console").await.is_at("/console/sign-in");
    assert_eq!(cloud.sql::<i64>("select count(*) from operators where password_hash is not null").await, before);
    let mut late = Person::at(&cloud);
    let token = invites(&cloud, "Late", "late@corp.example", "auditor");
    cloud.clock.advance(24 * 3600);
    late.opens("/console/welcome").await.submits("/console/welcome", &[("code", &token)]).await.sees("does not work any more");
}

#[tokio::test]
async fn one_changes_ones_own_factors_but_never_loses_the_last() {
    let cloud = Cloud::start().await;
    let token = invites(&cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(&cloud, &token).await;
    with_an_app(&cloud, &mut olga).await;
    olga.opens("/console/me").await.sees("You have only one");
    assert!(olga.page.form("/console/me/factor/remove").is_err());
    let first: String = cloud.sql("select factor_id::text from operator_factors").await;
    olga.opens("/console/me/factor").await;
    let code = app_shows(&key(&olga), cloud.clock.seconds());
    olga.submits("/console/me/factor/app", &[("code", &code)]).await.is_at("/console/me");
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_factors").await, 2);
    olga.submits("/console/me/factor/remove", &[("id", &first)]).await.is_at("/console/me");
    assert_eq!(cloud.sql::<String>("select string_agg(factor_id::text, ' ') from operator_factors").await.len(), first.len());
    // The password wants the old one.
    olga.opens("/console/me/password").await;
    olga.submits("/console/me/password", &[("current", "wrong"), ("password", "another horse battery")]).await;
    assert_eq!(olga.page.status, 422);
    // Whoever else had a browser of hers has it no more, nor the cookie from before.
    let operator: Uuid = cloud.sql("select operator_id from operators").await;
    let (mut elsewhere, before) = (cloud.at_console(operator).await, olga.browser.cookies["sspr_console"].clone());
    elsewhere.opens("/console").await.is_at("/console");
    olga.submits("/console/me/password", &[("current", PASSWORD), ("password", "another horse battery")]).await.is_at("/console/me");
    elsewhere.opens("/console").await.is_at("/console/sign-in");
    elsewhere.browser.cookies.insert("sspr_console".into(), before);
    elsewhere.opens("/console").await.is_at("/console/sign-in");
    // Guesses at it are as few as at the door.
    for n in 0..6 {
        olga.opens("/console/me/password").await;
        olga.submits("/console/me/password", &[("current", "wrong"), ("password", "another horse battery")]).await;
        assert_eq!(olga.page.status, if n < 5 { 422 } else { 429 }, "{n}");
    }
    cloud.clock.advance(601);
    signs_in(&cloud, "olga@corp.example", "another horse battery").await.is_at("/console/sign-in/factor");
    assert_eq!(cloud.operator(Role::Auditor).await.opens("/console/me").await.page.status, 200);
}
