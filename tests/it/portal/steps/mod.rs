//! Every step of every purpose, and every door: at each step all that does not belong there is tried, and nothing comes of it.

mod account;
mod need;
mod proofs;
mod purposes;

use std::collections::BTreeSet;

use reqwest::{Client, header, redirect};
use serde_json::{Value, json};

use crate::support::{Cloud, Person};

/// Pages behind the first ones.
const PAGES: [&str; 17] = [
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
    "/account/methods",
    "/account/methods/app",
    "/account/methods/codes",
    "/account/methods/passkey",
    "/account/methods/contact/private_email",
];

/// What changes something, with a form that would do; JSON where it begins with a brace.
const DOORS: [(&str, &str); 32] = [
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
    ("/account/methods/app", ""),
    ("/account/methods/app/code", "label=Phone&code=000000"),
    ("/account/methods/passkey", "label=Key&answer="),
    ("/account/methods/passkey/challenge", "{}"),
    ("/account/methods/codes", "replaces="),
    ("/account/methods/contact/private_email", "to=thief%40evil.example"),
    ("/account/methods/contact/private_email/code", "code=000000"),
    ("/account/methods/contact/private_email/resend", ""),
    ("/account/methods/contact/sms/remove", ""),
    ("/account/methods/rename", "{own}&label=Other"),
    ("/account/methods/remove", "{own}"),
    ("/account/methods/confirm", ""),
];

/// What an own page consists of, for whoever has shown enough of late; the rest of it asks for less.
const METHODS: [&str; 11] = [
    "/account/methods/app",
    "/account/methods/app/code",
    "/account/methods/passkey",
    "/account/methods/passkey/challenge",
    "/account/methods/codes",
    "/account/methods/contact/private_email",
    "/account/methods/contact/private_email/code",
    "/account/methods/contact/private_email/resend",
    "/account/methods/contact/sms/remove",
    "/account/methods/remove",
    "/account/methods/confirm",
];

/// First pages, which begin anew; the end and more time, which are open at every step; and the word that it was not them, which whoever has a
/// notice may say wherever they are.
const ELSEWHERE: [&str; 9] = [
    "/reset",
    "/change",
    "/account/sign-in",
    "/account/sign-in/passkey",
    "/account/sign-in/passkey/challenge",
    "/reset/end",
    "/reset/stay",
    "/account/stay",
    "/not-me",
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
                // A page for each kind of address; one of them is tried.
                let path = path.replace("{kind}", if path.ends_with("/remove") { "sms" } else { "private_email" });
                assert!(
                    known.contains(path.as_str()),
                    "{name}: {path} is tried at no step: add it to DOORS in tests/it/portal/steps/mod.rs"
                );
            }
        }
    }
    assert!(found > 35, "only {found} found: has the way of naming them changed?");
}

/// All that a step could change. Text messages that tell of something are counted when they are sent, which is in nobody's step; nor is the end
/// of a look at the directory that nobody answered.
async fn everything(cloud: &Cloud) -> String {
    let mut all = String::new();
    for query in [
        "select string_agg(concat_ws(' ', flow_id, purpose, state, job_id, look_id, method, passed, wants_password, aim_id, browser_hash), ',' order by flow_id) from flows",
        "select string_agg(concat_ws(' ', job_id, kind, case when kind <> 'inspect' then state end), ',' order by job_id) from jobs",
        "select string_agg(concat_ws(' ', session_id, proven, proved_at), ',' order by session_id) from sessions",
        "select string_agg(a::text, ',' order by authenticator_id) from authenticators a",
        "select string_agg(r::text, ',' order by session_id, kind) from registrations r",
        "select string_agg(c::text, ',' order by c::text) from contact_changes c",
        "select string_agg(c::text, ',' order by c::text) from challenges c",
        "select string_agg(concat_ws(' ', user_id, private_mail_at, mobile_at, language, confirmed_at), ',' order by user_id) from users",
        "select concat_ws(' ', (select count(*) from messages), (select count(*) from freezes), (select count(*) from recovery_codes where used_at is null),
             (select coalesce(sum(used), 0) from limits where kind not in ('notice', 'sms_notices')))",
    ] {
        all += &cloud.sql::<Option<String>>(query).await.unwrap_or_default();
        all.push('\n');
    }
    all
}

#[derive(Default)]
struct Step<'a> {
    own: &'a str,
    /// Other pages that may be looked at, and what is shown there.
    pages: &'a [(&'a str, &'a str)],
    /// What may change something: a path, or one with its form.
    lawful: &'a [&'a str],
}

impl Step<'_> {
    fn shows(&self, page: &str) -> String {
        let other = self.pages.iter().find(|(asked, _)| *asked == page).map(|(_, shown)| *shown);
        let own = if page == "/account" || page.starts_with("/account/methods") { "/account/sign-in" } else { self.own };
        other.unwrap_or(own).to_owned()
    }

    fn allows(&self, path: &str, body: &str) -> bool {
        self.lawful.iter().any(|lawful| *lawful == path || *lawful == format!("{path} {body}"))
    }
}

/// Try all that does not belong at this step. `job`: what to post where a sealed job is wanted.
async fn tries_all_else(cloud: &Cloud, person: &mut Person, what: &str, step: Step<'_>, job: &Value) {
    for page in PAGES {
        person.opens(page).await;
        assert_eq!(person.page.path.split('?').next().unwrap(), step.shows(page), "{what}: {page}");
    }
    let own = cloud.sql::<Option<String>>("select min(authenticator_id::text) from authenticators").await;
    let own = format!("id={}", own.unwrap_or_else(|| uuid::Uuid::nil().to_string()));
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    let mut tried = 0;
    for (path, body) in DOORS.into_iter().filter(|(path, body)| !step.allows(path, body)) {
        let before = everything(cloud).await;
        let cookies: Vec<_> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let is_json = body == "{}" || body == "{job}";
        let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        let request = client
            .post(format!("{}{path}", cloud.url))
            .header(header::ORIGIN, &cloud.url)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, if is_json { "application/json" } else { "text/html" })
            .header(header::CONTENT_TYPE, kind)
            .body(if body == "{job}" { job.to_string() } else { body.replace("{own}", &own) });
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!([303, 403, 404, 409, 410, 422, 429].contains(&status), "{what}: {path} answered {status}");
        let set = answer.headers().get_all(header::SET_COOKIE).iter().any(|cookie| !cookie.to_str().unwrap().contains("Max-Age=0"));
        assert!(!set, "{what}: {path} gave a cookie");
        assert_eq!(everything(cloud).await, before, "{what}: {path} {body} changed something");
        tried += 1;
    }
    println!("{what}: {tried} doors, {} pages", PAGES.len());
}

#[tokio::test]
async fn a_stranger_without_a_journey_gets_nowhere() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap();
    for (path, body) in DOORS {
        let json_body = body == "{}" || body == "{job}";
        let request = client
            .post(format!("{}{path}", cloud.url))
            .header(header::ORIGIN, &cloud.url)
            .header(header::CONTENT_TYPE, if json_body { "application/json" } else { "application/x-www-form-urlencoded" })
            .body(if body == "{job}" { json!({ "job": uuid::Uuid::nil(), "envelopes": [] }).to_string() } else { body.to_owned() });
        let status = request.send().await.unwrap().status().as_u16();
        assert!([403, 404, 410].contains(&status), "{path} answered {status}");
    }
}
