//! Every step of every purpose, and every door: at each step all that does not belong there is tried, and nothing comes of it.

use std::collections::BTreeSet;

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::wire::outcome::Code;

use crate::support::{
    Cloud, Person,
    agent::somebody,
    person::{code_to, seal_both},
};

/// Pages behind the first ones.
const PAGES: [&str; 12] = [
    "/reset/method",
    "/reset/code",
    "/reset/passkey",
    "/reset/need",
    "/reset/password",
    "/change/password",
    "/account/password",
    "/account/enter",
    "/reset/status",
    "/reset/done",
    "/reset/ended",
    "/account",
];

/// What changes something, with a form that would do; JSON where it begins with a brace.
const DOORS: [(&str, &str); 20] = [
    ("/reset/method", "method=email"),
    ("/reset/code", "code=000000"),
    ("/reset/code/resend", ""),
    ("/reset/passkey", "answer="),
    ("/reset/passkey/challenge", "{}"),
    ("/reset/need", "need=unlock"),
    ("/reset/need", "need=password"),
    ("/reset/ticket", "{}"),
    ("/reset/jobs", "{job}"),
    ("/reset/again", ""),
    ("/reset/elsewhere", "account=00000000-0000-0000-0000-000000000000"),
    ("/reset/elsewhere/leave", ""),
    ("/account/jobs", "{job}"),
    ("/account/sessions", ""),
    ("/account/renewal", ""),
    ("/account/change", ""),
    ("/account/language", "language=de"),
    ("/account/sessions/end", "session=00000000-0000-0000-0000-000000000000"),
    ("/account/sessions/end-others", ""),
    ("/account/sign-out", ""),
];

/// First pages, which begin anew; the end and more time, which are open at every step; and what has tests like these of its own.
const ELSEWHERE: [&str; 8] = [
    "/reset",
    "/change",
    "/account/sign-in",
    "/account/sign-in/passkey",
    "/account/sign-in/passkey/challenge",
    "/reset/end",
    "/reset/stay",
    "/account/stay",
];

#[test]
fn no_door_is_forgotten() {
    let known: BTreeSet<&str> = DOORS.iter().map(|(path, _)| *path).chain(ELSEWHERE).collect();
    let mut found = 0;
    for (name, text) in crate::words::files("src/portal", ".rs") {
        for route in text.split(".route(").skip(1) {
            let path = route.trim_start().trim_start_matches('"').split('"').next().unwrap_or_default();
            let own = route.split(".route(").next().unwrap_or_default();
            if own.contains("post(") {
                found += 1;
                let elsewhere = ["/account/methods", "/not-me"].iter().any(|with| path.starts_with(with));
                assert!(
                    elsewhere || known.contains(path),
                    "{name}: {path} is tried at no step: add it to DOORS in tests/it/portal/steps.rs"
                );
            }
        }
    }
    assert!(found > 15, "only {found} found: has the way of naming them changed?");
}

/// All that a step could change. Text messages that tell of something are counted when they are sent, which is in nobody's step.
async fn everything(cloud: &Cloud) -> String {
    let flows = "select string_agg(concat_ws(' ', flow_id, purpose, state, job_id, look_id, method, passed, wants_password, aim_id, browser_hash), ',' order by flow_id) from flows";
    let jobs = "select string_agg(concat_ws(' ', job_id, kind, state), ',' order by job_id) from jobs";
    let rest = "select concat_ws(' ', (select count(*) from sessions), (select count(*) from messages), (select coalesce(sum(used), 0) from limits where kind not in ('notice', 'sms_notices')))";
    let mut all = String::new();
    for query in [flows, jobs, rest] {
        all += &cloud.sql::<Option<String>>(query).await.unwrap_or_default();
        all.push('\n');
    }
    all
}

struct Step<'a> {
    own: &'a str,
    /// Other pages that may be looked at.
    pages: &'a [&'a str],
    /// What may change something.
    lawful: &'a [&'a str],
}

/// Try all that does not belong at this step. `job`: what to post where a sealed job is wanted.
async fn tries_all_else(cloud: &Cloud, person: &mut Person, what: &str, step: Step<'_>, job: &Value) {
    for page in PAGES.into_iter().filter(|page| *page != step.own && !step.pages.contains(page)) {
        person.opens(page).await;
        let wanted = if page == "/account" { "/account/sign-in" } else { step.own };
        assert_eq!(person.page.path.split('?').next().unwrap(), wanted, "{what}: {page}");
    }
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    for (path, body) in DOORS.into_iter().filter(|(path, _)| !step.lawful.contains(path)) {
        let before = everything(cloud).await;
        let cookies: Vec<_> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = client
            .post(format!("{}{path}", cloud.url))
            .header(header::ORIGIN, &cloud.url)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, if body.starts_with('{') { "application/json" } else { "text/html" })
            .header(header::CONTENT_TYPE, kind)
            .body(if body == "{job}" { job.to_string() } else { body.to_owned() });
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([303, 403, 404, 409, 410, 422, 429].contains(&status), "{what}: {path} answered {status}");
        let set = answer.headers().get_all(header::SET_COOKIE).iter().any(|cookie| !cookie.to_str().unwrap().contains("Max-Age=0"));
        assert!(!set, "{what}: {path} gave a cookie");
        assert_eq!(everything(cloud).await, before, "{what}: {path} {body} changed something");
    }
}

#[tokio::test]
async fn at_every_step_of_every_purpose_nothing_else_is_possible() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("bob"), somebody("carol")]).await;
    // A job of somebody else's, good in itself.
    let mut carol = Person::at(&cloud);
    carol.proves(&cloud, "carol").await;
    let foreign = carol.seals("Correct-Horse-7").await;
    for (purpose, first, action, page, jobs) in [
        ("reset", "/", "/reset", "/reset/password", "/reset/jobs"),
        ("change", "/change", "/change", "/change/password", "/reset/jobs"),
        ("sign_in", "/account/sign-in", "/account/sign-in", "/account/password", "/account/jobs"),
    ] {
        sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
        agent.beat(true).await;
        let mut alice = Person::at(&cloud);
        let at = |step: &str| format!("{purpose}, {step}");
        alice.opens(first).await.submits(action, &[("name", "alice")]).await.is_at("/reset/method");
        let step = Step { own: "/reset/method", pages: &[], lawful: &["/reset/method"] };
        tries_all_else(&cloud, &mut alice, &at("method"), step, &foreign).await;

        let seen = cloud.inbox.count("alice@mail.example");
        alice.opens("/reset").await.submits("/reset/method", &[("method", "email")]).await.is_at("/reset/code");
        let code = code_to(&cloud, "alice@mail.example", seen).await;
        let lawful = ["/reset/method", "/reset/code", "/reset/code/resend"];
        let step = Step { own: "/reset/code", pages: &["/reset/method"], lawful: &lawful };
        tries_all_else(&cloud, &mut alice, &at("code"), step, &foreign).await;

        alice.opens("/reset").await.submits("/reset/code", &[("code", &code)]).await.is_at(page);
        agent.lease(0).await;
        let step = Step { own: page, pages: &[], lawful: &["/reset/ticket"] };
        tries_all_else(&cloud, &mut alice, &at("proven"), step, &foreign).await;

        let mut job = ticket(&mut alice, purpose).await;
        let step = Step { own: page, pages: &[], lawful: &["/reset/ticket", jobs] };
        tries_all_else(&cloud, &mut alice, &at("ticket"), step, &job).await;
        // Nor by its own door what is another's.
        assert_eq!(alice.browser.post_json(jobs, &foreign).await.unwrap().1["code"], "no_ticket", "{purpose}");

        let again = if purpose == "sign_in" { Code::WrongPassword } else { Code::PolicyHistory };
        for (n, (end, own, lawful)) in
            [(again, page, "/reset/ticket"), (Code::SwitchedOff, "/reset/ended", "/reset/again")].into_iter().enumerate()
        {
            if n > 0 {
                job = ticket(&mut alice, purpose).await;
            }
            assert_eq!(alice.browser.post_json(jobs, &job).await.unwrap().0, 202, "{purpose}");
            let step = Step { own: "/reset/status", pages: &[], lawful: &[jobs] };
            tries_all_else(&cloud, &mut alice, &at("under way"), step, &job).await;
            agent.work(end).await;
            let step = Step { own, pages: &[], lawful: &[lawful] };
            tries_all_else(&cloud, &mut alice, &at(end.as_str()), step, &foreign).await;
        }
        alice.opens("/reset").await.is_at("/reset/ended");
        if purpose == "sign_in" {
            // No try that may mend it: the page has no button, and the flow begins where it was.
            sqlx::query("update flows set job_id = null where purpose = 'sign_in'").execute(&cloud.app.db).await.unwrap();
        } else {
            sqlx::query("update flows set job_id = null where user_id = (select user_id from users where sign_in_name = 'alice')")
                .execute(&cloud.app.db)
                .await
                .unwrap();
        }
        for end in if purpose == "sign_in" { vec![Code::PasswordExpired, Code::Verified] } else { vec![Code::Applied] } {
            sqlx::query("delete from limits").execute(&cloud.app.db).await.unwrap();
            job = ticket(&mut alice, purpose).await;
            assert_eq!(alice.browser.post_json(jobs, &job).await.unwrap().0, 202, "{purpose}");
            agent.work(end).await;
            let (own, lawful): (&str, &[&str]) = match end {
                Code::PasswordExpired => ("/account/enter", &["/account/renewal"]),
                Code::Verified => ("/account/enter", &["/account/sessions"]),
                _ => ("/reset/done", &[]),
            };
            tries_all_else(&cloud, &mut alice, &at(end.as_str()), Step { own, pages: &[], lawful }, &foreign).await;
            if end == Code::PasswordExpired {
                sqlx::query("update flows set job_id = null where purpose = 'sign_in'").execute(&cloud.app.db).await.unwrap();
            }
        }
    }
}

/// What this purpose would post.
async fn ticket(person: &mut Person, purpose: &str) -> Value {
    let (status, answer) = person.ticket().await;
    assert_eq!(status, 200, "{purpose}: {answer}");
    match purpose {
        "reset" => seal_both(&answer, "Correct-Horse-7", ""),
        "change" => seal_both(&answer, "Correct-Horse-7", "Old-Horse-6"),
        _ => seal_both(&answer, "", "Old-Horse-6"),
    }
}

#[tokio::test]
async fn a_stranger_without_a_journey_gets_nowhere() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    for (path, body) in DOORS {
        let json_body = body.starts_with('{');
        let request = client
            .post(format!("{}{path}", cloud.url))
            .header(header::ORIGIN, &cloud.url)
            .header(header::CONTENT_TYPE, if json_body { "application/json" } else { "application/x-www-form-urlencoded" })
            .body(if body == "{job}" { json!({ "job": uuid::Uuid::nil(), "envelopes": [] }).to_string() } else { body.to_owned() });
        let status = request.send().await.unwrap().status().as_u16();
        assert!([403, 404, 410].contains(&status), "{path} answered {status}");
    }
}
