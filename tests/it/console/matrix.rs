//! Every route of the console as every role, as somebody who is signed in elsewhere, and as nobody.

use std::collections::BTreeSet;

use reqwest::{Client, Response, StatusCode, header, redirect};
use sspr::domain::operators::Role;

use crate::support::{Cloud, Person};

/// Who may: o owner, a administrator, h help desk, u auditor; `-`: whoever is not signed in, too.
pub const ROUTES: &[(&str, &str, &str)] = &[
    ("get", "/console", "oahu"),
    ("get", "/console/me", "oahu"),
    ("get", "/console/me/password", "oahu"),
    ("post", "/console/me/password", "oahu"),
    ("get", "/console/me/factor", "oahu"),
    ("get", "/console/me/factor/picture", "oahu"),
    ("post", "/console/me/factor/app", "oahu"),
    ("post", "/console/me/factor/passkey", "oahu"),
    ("post", "/console/me/factor/passkey/challenge", "oahu"),
    ("post", "/console/me/factor/remove", "oahu"),
    ("post", "/console/me/sessions/end", "oahu"),
    ("get", "/console/prove", "oahu"),
    ("post", "/console/prove", "oahu"),
    ("post", "/console/prove/passkey", "oahu"),
    ("post", "/console/stay", "oahu"),
    ("get", "/console/audit", "oau"),
    ("post", "/console/audit/export", "oau"),
    ("get", "/console/support", "oahu"),
    ("get", "/console/operators", "oa"),
    ("get", "/console/operators/new", "oa"),
    ("post", "/console/operators/new", "oa"),
    ("get", "/console/operators/{id}", "oa"),
    ("post", "/console/operators/{id}", "oa"),
    ("post", "/console/operators/{id}/link", "oa"),
    ("post", "/console/operators/{id}/disable", "oa"),
    ("post", "/console/operators/{id}/enable", "oa"),
    ("get", "/console/policies", "oau"),
    ("get", "/console/policies/new", "oa"),
    ("post", "/console/policies/new", "oa"),
    ("get", "/console/policies/{id}", "oa"),
    ("post", "/console/policies/{id}", "oa"),
    ("post", "/console/policies/{id}/remove", "oa"),
    ("post", "/console/policies/{id}/move", "oa"),
    ("post", "/console/policies/privileged", "oa"),
    ("post", "/console/policies/save", "oa"),
    ("post", "/console/policies/form", "oa"),
    ("post", "/console/operators/{id}/unlink", "oa"),
    ("get", "/console/sso", "o"),
    ("post", "/console/sso", "o"),
    ("post", "/console/sso/test", "o"),
    ("post", "/console/sso/remove", "o"),
    ("post", "/console/sso/prove", "oahu"),
    ("get", "/console/history", "oau"),
    ("post", "/console/history/{id}/undo", "oa"),
    ("get", "/console/texts", "oa"),
    ("get", "/console/texts/{matter}/{channel}/{language}", "oa"),
    ("post", "/console/texts/{matter}/{channel}/{language}", "oa"),
    ("post", "/console/texts/{matter}/{channel}/{language}/ours", "oa"),
    ("get", "/console/texts/{matter}/{channel}/{language}/preview", "oa"),
    ("post", "/console/texts/{matter}/{channel}/{language}/preview", "oa"),
    ("post", "/console/texts/{matter}/{channel}/{language}/sample", "oa"),
    ("get", "/console/settings", "oa"),
    ("post", "/console/settings", "oa"),
    ("get", "/console/branding", "oa"),
    ("post", "/console/branding", "oa"),
    ("get", "/console/branding/preview.css", "oa"),
    ("post", "/console/branding/logo", "oa"),
    ("post", "/console/branding/logo/remove", "oa"),
    ("post", "/console/branding/groups", "oa"),
    ("post", "/console/branding/groups/remove", "oa"),
    ("get", "/console/connectors", "oa"),
    ("get", "/console/connectors/new", "oa"),
    ("post", "/console/connectors/new", "oa"),
    ("get", "/console/connectors/{id}", "oa"),
    ("post", "/console/connectors/{id}/name", "oa"),
    ("post", "/console/connectors/{id}/writeback", "oa"),
    ("post", "/console/connectors/{id}/unlock", "oa"),
    ("post", "/console/connectors/{id}/link", "oa"),
    ("post", "/console/connectors/{id}/removals", "oa"),
    ("post", "/console/connectors/{id}/token", "oa"),
    ("get", "/console/agents/{id}", "oa"),
    ("post", "/console/agents/{id}/confirm", "oa"),
    ("post", "/console/agents/{id}/acknowledge", "oa"),
    ("post", "/console/agents/{id}/rotate", "oa"),
    ("post", "/console/agents/{id}/revoke", "oa"),
    ("get", "/console/approvals", "oah"),
    ("get", "/console/approvals/rules", "oa"),
    ("post", "/console/approvals/rules", "oa"),
    ("get", "/console/approvals/{id}", "oah"),
    ("get", "/console/approvals/{id}/impact", "oah"),
    ("post", "/console/approvals/{id}/ask", "oah"),
    ("post", "/console/approvals/{id}/withdraw", "oah"),
    ("post", "/console/approvals/{id}/approve", "oah"),
    ("post", "/console/approvals/{id}/refuse", "oah"),
    ("get", "/console/figures.csv", "oahu"),
    ("get", "/console/sends.csv", "oahu"),
    ("get", "/console/prices", "oa"),
    ("post", "/console/prices", "oa"),
    ("get", "/console/report", "oa"),
    ("post", "/console/report", "oa"),
    ("get", "/console/jobs", "oah"),
    ("get", "/console/jobs/now", "oah"),
    ("get", "/console/people", "oah"),
    ("get", "/console/people/found", "oah"),
    ("get", "/console/people/{id}", "oah"),
    ("post", "/console/people/{id}/freeze", "oah"),
    ("post", "/console/people/{id}/unfreeze", "oah"),
    ("post", "/console/people/{id}/limits", "oah"),
    ("post", "/console/people/{id}/look", "oah"),
    ("post", "/console/people/{id}/unlock", "oah"),
    ("post", "/console/people/{id}/method", "oah"),
    ("post", "/console/people/{id}/code", "oah"),
    ("post", "/console/people/{id}/invitation", "oah"),
    ("get", "/console/people/{id}/temporary", "oah"),
    ("post", "/console/people/{id}/temporary", "oah"),
    ("post", "/console/people/{id}/temporary/ticket", "oah"),
    ("post", "/console/people/{id}/temporary/jobs", "oah"),
    ("get", "/console/people/{id}/jobs/{job}", "oah"),
    ("get", "/console/people/{id}/jobs/{job}/state", "oah"),
    ("get", "/console/sign-in", "-"),
    ("post", "/console/sign-in", "-"),
    ("get", "/console/sign-in/factor", "-"),
    ("post", "/console/sign-in/factor", "-"),
    ("post", "/console/sign-in/passkey", "-"),
    ("post", "/console/sign-in/passkey/challenge", "-"),
    ("post", "/console/sso/start", "-"),
    ("get", "/console/sso/back", "-"),
    ("get", "/console/welcome", "-"),
    ("post", "/console/welcome", "-"),
    ("get", "/console/welcome/password", "-"),
    ("post", "/console/welcome/password", "-"),
    ("get", "/console/welcome/factor", "-"),
    ("get", "/console/welcome/factor/picture", "-"),
    ("post", "/console/welcome/factor/app", "-"),
    ("post", "/console/welcome/factor/passkey", "-"),
    ("post", "/console/welcome/factor/passkey/challenge", "-"),
    // Last: it ends the session.
    ("post", "/console/sign-out", "oahu"),
];

const ROLES: [(char, Role); 4] = [('o', Role::Owner), ('a', Role::Administrator), ('h', Role::HelpDesk), ('u', Role::Auditor)];

#[test]
fn no_route_is_forgotten() {
    let known: BTreeSet<(&str, &str)> = ROUTES.iter().map(|(method, path, _)| (*method, *path)).collect();
    let mut found = 0;
    for (name, text) in crate::words::files("src/console", ".rs") {
        for route in text.split(".route(\"").skip(1) {
            let path = route.split('"').next().unwrap_or_default();
            let own = route.split(".route(").next().unwrap_or_default();
            // What only leads back is no page.
            let handlers = own.lines().next().unwrap_or_default();
            for (method, named) in [("get", [", get(", ".get("]), ("post", [", post(", ".post("])] {
                let handles = named.iter().any(|named| handlers.split(named).nth(1).is_some_and(|rest| !rest.starts_with('|')));
                if handles {
                    found += 1;
                    assert!(known.contains(&(method, path)), "{name}: {method} {path} is not in tests/it/console/matrix.rs");
                }
            }
        }
    }
    assert!(found > 20, "only {found} found: has the way of naming them changed?");
}

/// Nobody's.
pub const NONE: &str = "019aa000-0000-7000-8000-000000000000";

/// Status and problem's code; a redirect's target instead of the code. What is about something is about what nobody has.
async fn asks(cloud: &Cloud, person: &Person, method: &str, path: &str) -> (StatusCode, String) {
    let path = path.replace("{id}", NONE).replace("{job}", NONE).replace("{matter}/{channel}/{language}", "code/email/en");
    let body = if is_json(&path) { "{}" } else { "" };
    let answer = sends(&client(), cloud, person, (method, &path), body).await;
    let status = answer.status();
    let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    let body = answer.text().await.unwrap();
    let code = serde_json::from_str::<serde_json::Value>(&body).ok().and_then(|body| body["code"].as_str().map(str::to_owned));
    (status, to.or(code).unwrap_or_default())
}

/// What scripts send.
fn is_json(path: &str) -> bool {
    ["/challenge", "/stay", "/temporary/ticket", "/temporary/jobs"].iter().any(|end| path.ends_with(end))
}

/// Goes nowhere by itself.
pub fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap()
}

/// As the browser of this person, from a page of ours.
pub async fn sends(client: &Client, cloud: &Cloud, person: &Person, (method, path): (&str, &str), body: &str) -> Response {
    let url = format!("{}{path}", cloud.url);
    let cookies: Vec<_> = person.browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let kind = if is_json(path) { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = match method {
        "get" => client.get(url),
        _ => client.post(url).header(header::CONTENT_TYPE, kind).body(body.to_owned()),
    };
    let request = request.header("sec-fetch-site", "same-origin").header(header::ORIGIN, &cloud.url);
    request.header(header::COOKIE, cookies.join("; ")).header(header::ACCEPT, "application/json").send().await.unwrap()
}

#[tokio::test]
async fn every_route_opens_for_its_roles_and_for_nobody_else() {
    let cloud = Cloud::start().await;
    for (letter, role) in ROLES {
        let person = cloud.operator(role).await;
        for (method, path, who) in ROUTES {
            let (status, said) = asks(&cloud, &person, method, path).await;
            assert!(status.as_u16() < 500 && status != StatusCode::METHOD_NOT_ALLOWED, "{role:?} {method} {path}: {status}");
            let refused = said == "not_your_role" || said == "signed_out" || said == "prove_again";
            assert_eq!(refused, !who.contains([letter, '-']), "{role:?} {method} {path}: {status} {said}");
        }
    }
}

#[tokio::test]
async fn whoever_is_signed_in_elsewhere_is_nobody_here() {
    let (cloud, _agent) = Cloud::with_people(&["alice"]).await;
    let other = Cloud::start().await;
    let mut user = Person::at(&cloud);
    user.is_signed_in(&cloud, "alice").await;
    // A user's session, and another organisation's owner.
    let token = user.browser.cookies["sspr_session"].clone();
    user.browser.cookies.insert("sspr_console".into(), token);
    let mut stranger = Person::at(&cloud);
    stranger.browser.cookies = other.operator(Role::Owner).await.browser.cookies.clone();
    for person in [Person::at(&cloud), user, stranger] {
        for (method, path, who) in ROUTES.iter().filter(|(.., who)| *who != "-") {
            let (status, said) = asks(&cloud, &person, method, path).await;
            assert_eq!((status, said.as_str()), (StatusCode::FORBIDDEN, "signed_out"), "{method} {path} {who}");
        }
    }
    // And an operator is nobody on a person's page.
    let mut owner = cloud.operator(Role::Owner).await;
    let token = owner.browser.cookies["sspr_console"].clone();
    owner.browser.cookies.insert("sspr_session".into(), token);
    owner.opens("/account").await.is_at("/account/sign-in");
}

#[tokio::test]
async fn whoever_is_disabled_or_demoted_is_refused_from_the_next_request_on() {
    let cloud = Cloud::start().await;
    let (id, mut person) = cloud.operator_with(Role::Administrator, &[]).await;
    person.opens("/console/operators").await.is_at("/console/operators");
    let node = cloud.another_node().await;
    let tenant = cloud.tenant.scope.id().to_string();
    let mail = "administrator0@staff.example";
    cloud.administers(&["operator", "disable", mail, "--tenant", &tenant]);
    person.opens("/console/operators").await.is_at("/console/sign-in");
    let mut there = Person::at(&cloud);
    there.browser = person.browser.at(&node.url);
    there.opens("/console").await.is_at("/console/sign-in");
    cloud.administers(&["operator", "enable", mail, "--tenant", &tenant]);
    person.opens("/console").await.is_at("/console/sign-in");
    assert_eq!(
        cloud.administers(&["operator", "list", "--tenant", &tenant]).lines().next().unwrap().split_whitespace().next().unwrap(),
        id.to_string()
    );
}
