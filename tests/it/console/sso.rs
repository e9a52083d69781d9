//! Operators come in at their organisation's OpenID provider, a real one, and nobody else does by it.

use serde_json::json;
use sqlx::{Postgres, Transaction};
use sspr::domain::{
    audit::Source,
    operators::Role,
    sso::{self, By, Changed, Terms},
};
use tokio::time::{Duration, Instant, sleep};

use super::sign_in::{PASSWORD, follows, invites, key, signs_in, with_an_app};
use crate::support::{
    Cloud, Person,
    authenticator::app_shows,
    provider::{SECRET, Sso, address},
};

const MFA: &[&str] = &["pwd", "mfa"];

#[track_caller]
fn is_refused(person: &Person, status: u16, title: &str) {
    assert_eq!(person.page.status, status, "{}", person.page.text());
    person.sees(title);
    assert!(!person.browser.cookies.contains_key("sspr_console"));
}

#[tokio::test]
async fn an_operator_is_found_by_address_once_and_then_by_the_providers_own_name_for_them() {
    let mail = "help_desk0@staff.example";
    let sso = Sso::with(&[("ann", mail, MFA), ("thief", mail, MFA), ("nobody", "nobody@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    let (id, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let mut ann = sso.signs_in("ann").await;
    ann.is_at("/console/me");
    assert!(!ann.browser.cookies.contains_key("sspr_sso"), "used up");
    ann.opens("/console").await.sees("Hello help desk 0");
    // The address is not asked for again: whoever gets it later is nobody, and she is herself under another one.
    is_refused(&sso.signs_in("thief").await, 403, "You are not known here");
    sqlx::query("update operators set mail_index = sha256('other')").execute(&cloud.app.db).await.unwrap();
    sso.signs_in("ann").await.is_at("/console/me");
    is_refused(&sso.signs_in("thief").await, 403, "You are not known here");
    // Nobody is made by signing in.
    is_refused(&sso.signs_in("nobody").await, 403, "You are not known here");
    assert_eq!(cloud.sql::<i64>("select count(*) from operators").await, 1);
    // Whoever is disabled is out at once, and stays out.
    let mut tx = cloud.app.begin().await.unwrap();
    let source = sspr::domain::audit::Source::house("cli");
    sspr::domain::operators::switch(&mut tx, &cloud.tenant.scope, &cloud.clock, &source, id, false).await.unwrap();
    tx.commit().await.unwrap();
    ann.opens("/console").await.is_at("/console/sign-in");
    is_refused(&sso.signs_in("ann").await, 403, "You are not known here");
    let lines = "select string_agg(distinct action || ' ' || outcome, ', ') from audit_events where action in ('operator.sso', 'operator.identity')";
    assert_eq!(cloud.sql::<String>(lines).await, "operator.identity linked, operator.sso known, operator.sso refused");
    let dump = cloud.dump().await;
    for secret in [SECRET, "ann@", "thief"] {
        assert!(!dump.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn whatever_the_provider_signs_with_holds() {
    let sso = Sso::with(&[("ann", "auditor0@staff.example", MFA)]).await;
    sso.cloud.operator(Role::Auditor).await;
    for client in ["console", "ps", "es", "ed"] {
        sso.sets(&["--client-id", client]);
        sso.signs_in("ann").await.is_at("/console/me");
    }
}

#[tokio::test]
async fn a_way_back_is_good_once_and_in_the_browser_that_went() {
    let sso = Sso::with(&[("ann", "auditor0@staff.example", MFA), ("eve", "auditor1@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Auditor).await;
    cloud.operator(Role::Auditor).await;
    let (mut ann, mut eve) = (Person::at(cloud), Person::at(cloud));
    let back = async |person: &mut Person, name| {
        let url = sso.sets_out(person).await;
        sso.at_provider(&url, name).await
    };
    // Eve leads Ann, who has set out herself, to the end of her own way: Ann is not signed in as Eve. Nor is Eve as Ann.
    let (anns, eves) = (back(&mut ann, "ann").await, back(&mut eve, "eve").await);
    for (person, address) in [(&mut ann, &eves), (&mut eve, &anns), (&mut Person::at(cloud), &anns)] {
        sso.comes_back(person, address).await;
        is_refused(person, 409, "This sign-in is over");
    }
    let cookie = ann.browser.cookies["sspr_sso"].clone();
    sso.comes_back(&mut ann, &anns).await;
    ann.is_at("/console/me");
    // Once more, in the same browser as it was.
    let mut again = Person::at(cloud);
    again.browser.cookies.insert("sspr_sso".into(), cookie);
    sso.comes_back(&mut again, &anns).await;
    is_refused(&again, 409, "This sign-in is over");
    // Eve's code, in Ann's way: PKCE.
    let mut ann = Person::at(cloud);
    let (anns, eves) = (back(&mut ann, "ann").await, back(&mut eve, "eve").await);
    sso.comes_back(&mut ann, &with(&anns, "code", &query(&eves, "code"))).await;
    is_refused(&ann, 403, "Your organisation’s sign-in said no");
    // Ten minutes.
    let mut slow = Person::at(cloud);
    let slows = back(&mut slow, "ann").await;
    cloud.clock.advance(601);
    sso.comes_back(&mut slow, &slows).await;
    is_refused(&slow, 409, "This sign-in is over");
    // What was set up is another thing by now.
    let mut late = Person::at(cloud);
    let lates = back(&mut late, "ann").await;
    sso.sets(&["--label", "Corp ID 2"]);
    sso.comes_back(&mut late, &lates).await;
    is_refused(&late, 409, "This sign-in is over");
    // The code in a browser that never went, with nothing else, and no state at all.
    for path in ["/console/sso/back", "/console/sso/back?code=x&state=", "/console/sso/back?state=a&state=b", "/console/sso/back?%ff"] {
        let mut person = Person::at(cloud);
        person.opens(path).await;
        is_refused(&person, 409, "This sign-in is over");
    }
}

fn query(address: &str, name: &str) -> String {
    let pairs = form_urlencoded::parse(address.split_once('?').unwrap().1.as_bytes());
    pairs.into_iter().find(|(found, _)| found == name).unwrap().1.into_owned()
}

/// The address with another value there; an empty one is taken away.
fn with(address: &str, name: &str, value: &str) -> String {
    let (place, old) = address.split_once('?').unwrap();
    let mut new = form_urlencoded::Serializer::new(String::new());
    for (found, kept) in form_urlencoded::parse(old.as_bytes()).filter(|(found, _)| found != name) {
        new.append_pair(&found, &kept);
    }
    if !value.is_empty() {
        new.append_pair(name, value);
    }
    format!("{place}?{}", new.finish())
}

#[tokio::test]
async fn an_answer_is_the_providers_own_for_this_sign_in_and_of_this_moment() {
    let sso = Sso::with(&[("ann", "auditor0@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Auditor).await;
    let tried = async |change: &dyn Fn(&str) -> String, back: &dyn Fn(&str) -> String| {
        let mut ann = Person::at(cloud);
        let url = change(&sso.sets_out(&mut ann).await);
        let address = back(&sso.at_provider(&url, "ann").await);
        sso.comes_back(&mut ann, &address).await;
        ann
    };
    let same = |address: &str| address.to_owned();
    tried(&same, &same).await.is_at("/console/me");
    // Mixed up with another provider, or not said at all though this one says it.
    for iss in ["https://evil.example", ""] {
        is_refused(&tried(&same, &|back| with(back, "iss", iss)).await, 403, "This answer came from somewhere else");
    }
    // A token for another sign-in.
    for nonce in ["other", ""] {
        is_refused(&tried(&|url| with(url, "nonce", nonce), &same).await, 403, "This answer does not hold");
    }
    // A code that was asked for without our challenge.
    let plain = |url: &str| with(&with(url, "code_challenge", &"A".repeat(43)), "prompt", "login");
    is_refused(&tried(&plain, &same).await, 403, "Your organisation’s sign-in said no");
    // The provider says no.
    let no = |back: &str| with(&with(back, "code", ""), "error", "access_denied");
    is_refused(&tried(&same, &no).await, 403, "Your organisation’s sign-in said no");
    // The token has run out by our clock.
    cloud.clock.advance(2 * 3600);
    is_refused(&tried(&same, &same).await, 403, "The clocks do not agree");
}

#[tokio::test]
async fn an_address_counts_only_if_the_provider_has_verified_it() {
    let mail = "auditor0@staff.example";
    let login = json!({ "amr": ["mfa"] });
    let sso = Sso::of(json!({
        "unverified": { "claims": { "email": mail, "email_verified": false }, "login": login },
        "silent": { "claims": { "email": mail }, "login": login },
        "nameless": { "claims": {}, "login": login },
    }))
    .await;
    sso.cloud.operator(Role::Auditor).await;
    for name in ["unverified", "silent", "nameless"] {
        is_refused(&sso.signs_in(name).await, 403, "Your address is not confirmed");
    }
    assert_eq!(sso.cloud.sql::<i64>("select count(*) from operator_identities").await, 0);
}

#[tokio::test]
async fn nobody_comes_in_without_a_second_factor_theirs_or_ours() {
    let sso = Sso::with(&[("olga", "olga@corp.example", &["pwd"]), ("bare", "auditor0@staff.example", &["pwd"])]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Auditor).await;
    is_refused(&sso.signs_in("bare").await, 403, "A second factor is missing");
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_identities").await, 0, "nor is anybody linked by half of it");
    let token = invites(cloud, "Olga Owner", "olga@corp.example", "owner");
    let mut olga = follows(cloud, &token).await;
    let secret = with_an_app(cloud, &mut olga).await;
    let mut olga = sso.signs_in("olga").await;
    olga.is_at("/console/sign-in/factor");
    olga.opens("/console").await.is_at("/console/sign-in");
    olga.opens("/console/sign-in/factor?to=/console/me").await;
    cloud.clock.advance(31);
    olga.submits("/console/sign-in/factor", &[("code", &app_shows(&secret, cloud.clock.seconds()))]).await.is_at("/console/me");
    // Nobody says here what a second factor is: ours is asked for, whatever the provider says.
    sso.sets(&["--factors", ""]);
    sso.signs_in("olga").await.is_at("/console/sign-in/factor");
}

/// As if it had been shown an hour ago.
async fn is_old(cloud: &Cloud) {
    sqlx::query("update operator_sessions set proved_at = proved_at - interval '1 hour'").execute(&cloud.app.db).await.unwrap();
}

#[tokio::test]
async fn what_is_dangerous_is_confirmed_at_the_provider_by_whoever_has_no_factor_here() {
    let sso = Sso::with(&[("ann", "owner0@staff.example", MFA), ("eve", "owner1@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Owner).await;
    cloud.operator(Role::Owner).await;
    let mut ann = sso.signs_in("ann").await;
    ann.opens("/console/sso").await.is_at("/console/sso");
    ann.opens("/console/operators/new").await.is_at("/console/operators/new");
    is_old(cloud).await;
    ann.opens("/console/operators/new").await.is_at("/console/prove");
    ann.submits("/console/sso/prove", &[]).await;
    let url = address(&ann);
    assert_eq!((query(&url, "prompt").as_str(), query(&url, "max_age").as_str()), ("login", "0"));
    // Somebody else at the same desk.
    let eves = sso.at_provider(&url, "eve").await;
    sso.comes_back(&mut ann, &eves).await;
    assert_eq!(ann.page.status, 403);
    ann.sees("You are not known here");
    ann.opens("/console/operators/new").await.is_at("/console/prove");
    ann.submits("/console/sso/prove", &[]).await;
    let anns = sso.at_provider(&address(&ann), "ann").await;
    let before = ann.browser.cookies["sspr_console"].clone();
    sso.comes_back(&mut ann, &anns).await;
    ann.is_at("/console/operators/new");
    let mut old = Person::at(cloud);
    old.browser.cookies.insert("sspr_console".into(), before);
    old.opens("/console").await.is_at("/console/sign-in");
    // A provider that shows an older sign-in: two minutes, by our clock.
    is_old(cloud).await;
    cloud.clock.advance(120);
    ann.opens("/console/operators/new").await.is_at("/console/prove");
    ann.submits("/console/sso/prove", &[]).await;
    let anns = sso.at_provider(&address(&ann), "ann").await;
    sso.comes_back(&mut ann, &anns).await;
    assert_eq!(ann.page.status, 403);
    ann.sees("Please show once more that it is you");
    ann.opens("/console/operators/new").await.is_at("/console/prove");
    // To come in by an older one is no proof of this moment either.
    sso.signs_in("eve").await.is_at("/console/me");
    let old =
        "select min(begun_at - proved_at) >= interval '110 seconds' from operator_sessions where begun_at > now() + interval '100 seconds'";
    assert!(cloud.sql::<bool>(old).await);
}

#[tokio::test]
async fn where_it_is_required_only_owners_come_in_by_what_they_have_here() {
    let sso = Sso::with(&[("hugo", "hugo@corp.example", &["pwd"])]).await;
    let cloud = &sso.cloud;
    let mut secrets = Vec::new();
    for (name, mail, role) in [("Olga Owner", "olga@corp.example", "owner"), ("Hugo Help", "hugo@corp.example", "help_desk")] {
        let mut person = follows(cloud, &invites(cloud, name, mail, role)).await;
        let secret = with_an_app(cloud, &mut person).await;
        secrets.push((person, secret));
    }
    cloud.clock.advance(31);
    sso.sets(&["--required", "true"]);
    let [(olga, _), (hugo, app)] = &mut secrets[..] else { unreachable!() };
    olga.opens("/console").await.is_at("/console");
    hugo.opens("/console").await.is_at("/console/sign-in");
    // Right and wrong look alike.
    let mut said = Vec::new();
    for password in [PASSWORD, "wrong horse battery"] {
        let hugo = signs_in(cloud, "hugo@corp.example", password).await;
        hugo.sees("only owners sign in with a password");
        said.push((hugo.page.status, hugo.page.text()));
    }
    assert_eq!(said[0], said[1]);
    signs_in(cloud, "olga@corp.example", PASSWORD).await.is_at("/console/sign-in/factor");
    // His own factor still counts, behind the provider's word.
    let mut hugo = sso.signs_in("hugo").await;
    hugo.is_at("/console/sign-in/factor");
    hugo.submits("/console/sign-in/factor", &[("code", &app_shows(app, cloud.clock.seconds()))]).await.is_at("/console/me");
    // A link sets up a factor, and opens nothing.
    let mut ida = follows(cloud, &invites(cloud, "Ida", "ida@corp.example", "auditor")).await;
    let code = app_shows(&key(&ida), cloud.clock.seconds());
    ida.submits("/console/welcome/factor/app", &[("code", &code)]).await.is_at("/console/sign-in");
    ida.opens("/console").await.is_at("/console/sign-in");
    // It is switched off: whoever came by it is out.
    hugo.opens("/console").await.is_at("/console");
    sso.sets(&["--required", "false", "--enabled", "false"]);
    hugo.opens("/console").await.is_at("/console/sign-in");
    assert!(hugo.page.form("/console/sso/start").is_err());
    assert_eq!(hugo.posts_form("/console/sso/start", "to=").await, 404);
}

#[tokio::test]
async fn an_owner_sets_it_up_and_the_secret_goes_only_where_it_was_meant_for() {
    let sso = Sso::with(&[("ann", "help_desk1@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    let mut olga = cloud.operator(Role::Owner).await;
    cloud.operator(Role::HelpDesk).await;
    olga.opens("/console/operators").await.sees("Single sign-on");
    olga.opens("/console/sso").await.sees(&format!("{}/console/sso/back", cloud.url));
    assert!(!olga.page.body.contains(SECRET));
    olga.submits("/console/sso/test", &[]).await.sees("The provider answers");
    let mut ann = sso.signs_in("ann").await;
    ann.is_at("/console/me");
    // Another provider does not get the secret of this one.
    olga.opens("/console/sso").await.submits("/console/sso", &[("issuer", "http://localhost:9"), ("label", "Evil")]).await;
    assert_eq!(olga.page.status, 422);
    olga.sees("Please type the client secret");
    assert!(olga.page.body.contains("http://localhost:9"), "nothing typed is lost");
    olga.submits("/console/sso", &[("secret", "another")]).await.is_at("/console/sso").sees("Saved.");
    // Nobody is anybody at another provider, and who came by the one before is out.
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_identities").await, 0);
    ann.opens("/console").await.is_at("/console/sign-in");
    olga.submits("/console/sso/test", &[]).await.sees("No connection came about");
    let mut person = Person::at(cloud);
    person.opens("/console/sign-in").await.submits("/console/sso/start", &[]).await;
    is_refused(&person, 503, "Your organisation’s sign-in cannot be reached");
    // What cannot be.
    for (field, bad) in
        [("issuer", "ftp://x.example"), ("issuer", "https://x.example/?a"), ("client_id", "a b"), ("label", ""), ("factors", "ü")]
    {
        olga.opens("/console/sso").await.submits("/console/sso", &[(field, bad)]).await;
        assert_eq!(olga.page.status, 422, "{field} {bad}");
    }
    // Filled in for what it was before.
    olga.opens("/console/sso").await;
    sso.sets(&["--label", "Meanwhile"]);
    olga.submits("/console/sso", &[("label", "Mine")]).await.sees("Somebody else has changed this");
    assert_eq!(olga.page.status, 409);
    olga.opens("/console/sso").await.submits("/console/sso/remove", &[]).await.is_at("/console/sso");
    assert_eq!(cloud.sql::<i64>("select count(*) from sso_providers").await, 0);
    assert!(!cloud.dump().await.contains(SECRET));
    // From the Internet nobody leads us into this machine's own network.
    let (https, _) = Cloud::start_as("https://reset.corp.example").await;
    for issuer in ["http://localhost:9", "https://127.0.0.1", "https://10.0.0.1", "https://169.254.169.254"] {
        let args = ["sso", "set", "--issuer", issuer, "--client-id", "x", "--label", "x", "--secret-file", "/dev/null"];
        let said = https.tries(&args).unwrap_err();
        assert!(said.contains("--issuer") || said.contains("the secret"), "{issuer}: {said}");
    }
}

#[tokio::test]
async fn whoever_gets_another_address_or_is_unlinked_is_found_anew() {
    let sso = Sso::with(&[("ann", "help_desk1@staff.example", MFA), ("eve", "eve@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    let mut owner = cloud.operator(Role::Owner).await;
    let (id, _) = cloud.operator_with(Role::HelpDesk, &[]).await;
    let page = format!("/console/operators/{id}");
    let mut ann = sso.signs_in("ann").await;
    owner.opens(&page).await.sees("Signs in with the provider");
    owner.submits(&format!("{page}/unlink"), &[]).await.is_at(&page);
    ann.opens("/console").await.is_at("/console/sign-in");
    let mut ann = sso.signs_in("ann").await;
    ann.is_at("/console/me");
    // The place is somebody else's from now on.
    owner.opens(&page).await.submits(&page, &[("name", "Eve"), ("mail", "eve@staff.example")]).await.is_at("/console/operators");
    ann.opens("/console").await.is_at("/console/sign-in");
    is_refused(&sso.signs_in("ann").await, 403, "You are not known here");
    sso.signs_in("eve").await.is_at("/console/me");
}

/// Until somebody waits for a lock; nobody may, in five seconds.
async fn until_one_waits(cloud: &Cloud) {
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let begun = Instant::now();
    while cloud.sql::<i64>(waits).await == 0 && begun.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A change of the provider that is not done yet.
async fn changes(cloud: &Cloud, change: impl FnOnce(&mut Terms)) -> Transaction<'static, Postgres> {
    let (source, scope) = (Source::house("cli"), &cloud.tenant.scope);
    let mut tx = cloud.app.begin().await.unwrap();
    let mut terms = sso::find(&mut tx, scope).await.unwrap().unwrap().terms;
    change(&mut terms);
    let by = By { source: &source, session: None, version: None };
    assert_eq!(sso::change(&mut tx, scope, &cloud.clock, by, (&terms, None)).await.unwrap(), Changed::Yes);
    tx
}

#[tokio::test]
async fn whoever_is_on_the_way_when_the_provider_goes_does_not_arrive() {
    let sso = Sso::with(&[("ann", "owner0@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Owner).await;
    let again = |label: &str| {
        let client = ["--client-id", "console", "--label", label, "--factors", "mfa", "--enabled", "true"];
        sso.sets(&[&["--issuer", &sso.oidc.issuer][..], &client].concat());
    };
    let arrives_late = async |person: &mut Person, back: &str, change: Transaction<'static, Postgres>| {
        let done = async {
            until_one_waits(cloud).await;
            change.commit().await.unwrap();
        };
        tokio::join!(sso.comes_back(person, back), done);
    };
    // Signing in.
    let mut ann = Person::at(cloud);
    let back = sso.at_provider(&sso.sets_out(&mut ann).await, "ann").await;
    arrives_late(&mut ann, &back, changes(cloud, |terms| terms.enabled = false).await).await;
    is_refused(&ann, 409, "This sign-in is over");
    assert_eq!(cloud.sql::<i64>("select count(*) from operator_identities").await, 0);
    cloud.administers(&["sso", "remove"]);
    // Nor at another one that is set up after it, whose changes are counted anew.
    again("One");
    let back = sso.at_provider(&sso.sets_out(&mut ann).await, "ann").await;
    cloud.administers(&["sso", "remove"]);
    again("Another");
    sso.comes_back(&mut ann, &back).await;
    is_refused(&ann, 409, "This sign-in is over");
    // Showing it once more.
    let mut ann = sso.signs_in("ann").await;
    is_old(cloud).await;
    ann.opens("/console/operators/new").await.submits("/console/sso/prove", &[]).await;
    let back = sso.at_provider(&address(&ann), "ann").await;
    arrives_late(&mut ann, &back, changes(cloud, |terms| terms.factors = vec!["phr".into()]).await).await;
    assert_eq!(ann.page.status, 409);
    ann.sees("This sign-in is over");
    ann.opens("/console/operators/new").await.is_at("/console/prove");
}

#[tokio::test]
async fn whoever_signs_in_when_the_provider_becomes_required_does_not_stay_in() {
    let sso = Sso::with(&[]).await;
    let cloud = &sso.cloud;
    let mut hugo = follows(cloud, &invites(cloud, "Hugo Help", "hugo@corp.example", "help_desk")).await;
    let secret = with_an_app(cloud, &mut hugo).await;
    let mut hugo = signs_in(cloud, "hugo@corp.example", PASSWORD).await;
    hugo.is_at("/console/sign-in/factor");
    cloud.clock.advance(31);
    let code = app_shows(&secret, cloud.clock.seconds());
    // His browser is let go on after the change has ended it, and before that is done.
    let mut held = cloud.app.begin().await.unwrap();
    sqlx::query("select from operator_factors for update").execute(&mut *held).await.unwrap();
    let done = async {
        until_one_waits(cloud).await;
        let change = changes(cloud, |terms| terms.required = true).await;
        held.rollback().await.unwrap();
        sleep(Duration::from_millis(300)).await;
        until_one_waits(cloud).await;
        change.commit().await.unwrap();
    };
    let fields = [("code", code.as_str())];
    tokio::join!(hugo.submits("/console/sign-in/factor", &fields), done);
    hugo.sees("only owners sign in with a password");
    hugo.opens("/console").await.is_at("/console/sign-in");
}

#[tokio::test]
async fn another_client_is_another_word_for_everybody() {
    let sso = Sso::with(&[("ann", "auditor0@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    cloud.operator(Role::Auditor).await;
    let mut ann = sso.signs_in("ann").await;
    // As the provider called her to the client before: it never calls her so again.
    sqlx::query("update operator_identities set subject = sha256('pairwise')").execute(&cloud.app.db).await.unwrap();
    is_refused(&sso.signs_in("ann").await, 403, "You are not known here");
    sso.sets(&["--client-id", "ps"]);
    ann.opens("/console").await.is_at("/console/sign-in");
    sso.signs_in("ann").await.is_at("/console/me");
}

#[tokio::test]
async fn whoever_has_a_factor_here_shows_that_and_not_the_providers_word() {
    let sso = Sso::with(&[("olga", "olga@corp.example", MFA)]).await;
    let cloud = &sso.cloud;
    let token = invites(cloud, "Olga Owner", "olga@corp.example", "owner");
    let secret = with_an_app(cloud, &mut follows(cloud, &token).await).await;
    // In, but no further than that.
    let mut olga = sso.signs_in("olga").await;
    olga.is_at("/console/me");
    olga.opens("/console/operators/new").await.is_at("/console/prove");
    assert!(olga.page.form("/console/sso/prove").is_err());
    olga.posts_form("/console/sso/prove", "to=/console/operators/new").await;
    olga.is_at("/console/prove");
    assert_eq!(cloud.sql::<i64>("select count(*) from sso_attempts").await, 0);
    // It counts again while she is on the way.
    let stops = async |stops: bool| {
        let sql = "update operator_factors set stopped_at = case when $1 then now() end";
        sqlx::query(sql).bind(stops).execute(&cloud.app.db).await.unwrap();
    };
    stops(true).await;
    olga.opens("/console/operators/new").await.submits("/console/sso/prove", &[]).await;
    let back = sso.at_provider(&address(&olga), "olga").await;
    stops(false).await;
    sso.comes_back(&mut olga, &back).await;
    assert_eq!(olga.page.status, 403);
    olga.sees("Please show your second factor once more");
    olga.opens("/console/operators/new").await.is_at("/console/prove");
    cloud.clock.advance(31);
    let code = app_shows(&secret, cloud.clock.seconds());
    olga.submits("/console/prove", &[("code", &code)]).await.is_at("/console/operators/new");
}

#[tokio::test]
async fn while_acts_take_two_nobody_alone_says_who_signs_in_as_whom() {
    let sso = Sso::with(&[("ann", "help_desk1@staff.example", MFA)]).await;
    let cloud = &sso.cloud;
    let mut olga = cloud.operator(Role::Owner).await;
    cloud.operator(Role::HelpDesk).await;
    let tenant = cloud.tenant.scope.id().to_string();
    cloud.administers(&["tenant", "set", &tenant, "--approvals", "method"]);
    let mut ann = sso.signs_in("ann").await;
    let other = [("issuer", "http://localhost:9"), ("secret", "another")];
    for fields in [&other[..], &[("client_id", "ps"), ("secret", SECRET)], &[("secret", "another")], &[("factors", "pwd")]] {
        olga.opens("/console/sso").await.submits("/console/sso", fields).await;
        assert_eq!(olga.page.status, 403, "{fields:?}");
        olga.sees("This takes more than one person").sees("sspr sso set");
    }
    ann.opens("/console").await.is_at("/console");
    // What lets nobody in is one person's.
    olga.opens("/console/sso").await.submits("/console/sso", &[("label", "Corp")]).await.is_at("/console/sso").sees("Saved.");
    let version = cloud.sql::<i32>("select version from sso_providers").await;
    let form = |enabled: &str, version: i32| {
        let issuer = &sso.oidc.issuer;
        format!("label=Corp&issuer={issuer}&client_id=console&secret=&factors=mfa&enabled={enabled}&required=&version={version}")
    };
    olga.posts_form("/console/sso", &form("", version)).await;
    olga.is_at("/console/sso").sees("Saved.");
    ann.opens("/console").await.is_at("/console/sign-in");
    assert_eq!(olga.posts_form("/console/sso", &form("on", version + 1)).await, 403);
    // Nor by setting up anew what was removed.
    olga.opens("/console/sso").await.submits("/console/sso/remove", &[]).await.is_at("/console/sso");
    olga.posts_form("/console/sso", &form("on", 0).replace("secret=", "secret=another")).await;
    assert_eq!(olga.page.status, 403);
    assert_eq!(cloud.sql::<i64>("select count(*) from sso_providers").await, 0);
    // At the command line, and where nothing takes two.
    sso.sets(&["--issuer", &sso.oidc.issuer, "--client-id", "console", "--label", "Corp", "--factors", "mfa", "--enabled", "true"]);
    sso.signs_in("ann").await.is_at("/console/me");
    cloud.administers(&["tenant", "set", &tenant, "--approvals", "none"]);
    olga.opens("/console/sso").await.submits("/console/sso", &[("factors", "phr")]).await.is_at("/console/sso").sees("Saved.");
}
