//! What another tenant has is as if it were not there: every address with an id in it and every form that names one, with an id of theirs
//! and with one that nobody has. The forms are filled in as their pages do it, so that nothing but the id can be refused.

use std::collections::BTreeMap;

use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};
use sspr::{
    domain::{
        branding,
        operators::{self, Role},
        policies, settings,
        tenants::{self, Scope},
        texts::{self, Which},
    },
    lab::html,
};

use super::{
    estate::Estate,
    matrix::{NONE, ROUTES, client, sends},
};
use crate::support::{Cloud, Person};

/// One request; its address and its form name what somebody has.
struct Request {
    method: &'static str,
    route: &'static str,
    path: String,
    body: String,
}

/// What pages fill in that nobody types.
struct Marks {
    rules: String,
    settings: String,
    branding: String,
    text: String,
    operator: String,
    /// That this wish was shown to whoever sends it.
    shown: Box<dyn Fn(&str) -> String + Send>,
}

impl Marks {
    async fn now(cloud: &Cloud, own: &Estate) -> Self {
        let (scope, mut tx) = (cloud.tenant.scope.clone(), cloud.app.begin().await.unwrap());
        let rules = policies::rules(&mut tx, &scope).await.unwrap().mark();
        let text = texts::one(&mut tx, &scope, Which::parse("code", "email", "en").unwrap()).await.unwrap();
        let operator = operators::get(&mut tx, &scope, own.id("operator")).await.unwrap().unwrap();
        Self {
            settings: settings::mark(&tenants::again(&mut tx, &scope).await.unwrap()),
            branding: branding::state(&mut tx, &scope).await.unwrap().mark(),
            text: texts::mark(text.as_ref()),
            operator: operator.version.to_string(),
            rules: rules.clone(),
            shown: Box::new(move |wish| {
                data_encoding::HEXLOWER.encode(&scope.key().hash(b"policy preview", format!("{rules}\n{wish}").as_bytes()))
            }),
        }
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// With the ids of what it is about.
fn path(route: &str, of: &Estate) -> String {
    let what = match route.split('/').collect::<Vec<_>>()[2..] {
        ["operators", _, "enable"] => "disabled",
        ["operators", ..] => "operator",
        ["policies", ..] => "policy",
        ["history", ..] => "policies",
        ["connectors", ..] => "connector",
        ["agents", _, "confirm" | "acknowledge"] => "pending",
        ["agents", ..] => "agent",
        ["approvals", _, "approve"] => "waiting",
        ["approvals", _, "refuse" | "impact"] => "impact",
        ["approvals", ..] => "draft",
        ["people", _, "unfreeze"] => "frozen",
        _ => "user",
    };
    route.replace("{id}", &of.id(what).to_string()).replace("{job}", &of.id("job").to_string())
}

/// Of a policy that is not as any other.
const POLICY: [(&str, &str); 10] = [
    ("name", "Other"),
    ("priority", "7"),
    ("whom", "everybody"),
    ("service", "yes"),
    ("proofs", "one"),
    ("hours", "5"),
    ("tries", "4"),
    ("sends", "4"),
    ("passwords", "2"),
    ("method-email", "on"),
];

/// A form that is good and would change something. `of`: whose ids stand in it.
fn body(route: &str, of: &Estate, marks: &Marks) -> String {
    match route.split('/').collect::<Vec<_>>()[2..] {
        ["operators", "{id}"] => {
            form(&[("name", "Else"), ("mail", "else@staff.example"), ("role", "auditor"), ("version", &marks.operator)])
        }
        ["policies", "{id}"] => form(&[&POLICY[..], &[("seen", &marks.rules)]].concat()),
        ["policies", _, "move"] => form(&[("place", "1")]),
        ["connectors", _, "name"] => form(&[("name", "Else"), ("seen", "Branch")]),
        ["connectors", _, "writeback" | "unlock"] => form(&[("to", "off")]),
        ["connectors", _, "link"] => form(&[("by", "mail"), ("seen", "")]),
        ["connectors", _, "removals"] => form(&[("mark", "1 0")]),
        ["agents", _, "confirm"] => form(&[("fingerprint", &of.fingerprint)]),
        ["agents", _, "acknowledge"] => form(&[("mark", "0")]),
        ["approvals", _, "ask"] | ["people", _, "freeze"] => form(&[("reason", "x")]),
        ["people", _, "method"] => form(&[("id", &of.id("authenticator").to_string())]),
        ["people", _, "code"] => form(&[("number", "123456")]),
        ["people", _, "temporary", "ticket"] => "{}".to_owned(),
        ["people", _, "temporary", "jobs"] => of.sealed.clone(),
        // A button.
        _ => String::new(),
    }
}

/// Every address with an id in it. Those that take away what others need come last: the directory's agents, and a freeze.
fn addresses(of: &Estate, marks: &Marks) -> Vec<Request> {
    let mut all: Vec<_> = ROUTES.iter().filter(|(_, route, _)| route.contains("{id}")).collect();
    all.sort_by_key(|(_, route, _)| (route.ends_with("/freeze"), !route.starts_with("/console/people")));
    let request = |(method, route, _): &(&'static str, &'static str, &str)| Request {
        method,
        route,
        path: path(route, of),
        body: body(route, of, marks),
    };
    all.into_iter().map(request).collect()
}

/// Every form with an id in it, at an address of one's own; and what an address can be about besides.
fn forms(own: &Estate, of: &Estate, marks: &Marks) -> Vec<Request> {
    let id = |what: &str| of.id(what).to_string();
    let place = format!("{}-{}", of.id("connector").simple(), of.id("group").simple());
    let (group, members) = (format!("group-{place}"), id("group"));
    let policy = [&POLICY[..], &[("seen", &marks.rules), (&group, "-")]].concat();
    let fields: BTreeMap<_, _> = policy.iter().copied().collect();
    let alone: BTreeMap<_, _> = POLICY.into_iter().chain([("name", "Alone"), ("priority", "8")]).collect();
    let wish = |wish: Value| form(&[("shown", &(marks.shown)(&wish.to_string())), ("wish", &wish.to_string())]);
    let operator =
        |mail, version| form(&[("name", "New"), ("mail", mail), ("role", "help_desk"), ("version", version), ("groups", &members)]);
    let contact = [("priority", "10"), ("text", "Room 5"), ("phone", ""), ("mail", ""), ("link", ""), ("seen", &marks.branding)];
    let sealed = own.sealed.replace(&own.id("offered").to_string(), &id("offered"));
    let save = "/console/policies/save";
    let mut all: Vec<_> = [
        ("/console/people/{id}/temporary/jobs", sealed),
        ("/console/people/{id}/method", form(&[("id", &id("authenticator"))])),
        ("/console/me/factor/remove", form(&[("id", &id("factor"))])),
        ("/console/me/sessions/end", form(&[("id", &id("session"))])),
        ("/console/audit/export", form(&[("person", &id("user"))])),
        ("/console/operators/new", operator("new@staff.example", "")),
        ("/console/operators/{id}", operator("other@staff.example", &marks.operator)),
        ("/console/branding/groups", form(&[&contact[..], &[("group", &place)]].concat())),
        ("/console/branding/groups/remove", form(&[("group", &place), ("seen", &marks.branding)])),
        ("/console/policies/new", form(&policy)),
        ("/console/policies/{id}", form(&policy)),
        ("/console/policies/privileged", form(&[("seen", &marks.rules), (&group, "+")])),
        ("/console/policies/form", wish(json!({ "save": { "id": id("policy"), "form": fields } }))),
        (save, wish(json!({ "privilege": { "form": { &group: "+" } } }))),
        (save, wish(json!({ "save": { "id": null, "form": fields } }))),
        (save, wish(json!({ "save": { "id": id("policy"), "form": alone } }))),
        (save, wish(json!({ "move": { "id": id("policy"), "place": 1 } }))),
        (save, wish(json!({ "remove": { "id": id("policy") } }))),
        (save, wish(json!({ "undo": { "id": id("policies") } }))),
    ]
    .map(|(route, body)| Request { method: "post", route, path: path(route, own), body })
    .into();
    for (what, seen) in [("settings", &marks.settings), ("branding", &marks.branding), ("texts", &marks.text)] {
        let path = format!("/console/history/{}/undo", of.id(what));
        all.push(Request { method: "post", route: "/console/history/{id}/undo", path, body: form(&[("seen", seen)]) });
    }
    for route in ["/console/people/{id}/jobs/{job}", "/console/people/{id}/jobs/{job}/state"] {
        let path = path(&route.replace("{job}", &id("job")), own);
        all.push(Request { method: "get", route, path, body: String::new() });
    }
    all
}

fn all(own: &Estate, of: &Estate, marks: &Marks) -> Vec<Request> {
    let mut all = forms(own, of, marks);
    all.extend(addresses(of, marks));
    all
}

/// Status, where it leads and what it says, but for the ids and for what no two answers have in common.
async fn said(client: &Client, (cloud, person): (&Cloud, &Person), request: &Request, of: &Estate) -> (StatusCode, String, String) {
    let answer = sends(client, cloud, person, (request.method, &request.path), &request.body).await;
    let status = answer.status();
    let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    let plain = |text: &str| of.ids.values().fold(text.to_owned(), |text, id| text.replace(&id.to_string(), "NONE"));
    let body = answer.text().await.unwrap();
    let body = plain(&if body.trim_start().starts_with('<') { html::text(&body) } else { body });
    // Times and numbers go, and the support code, which has ten characters.
    let words = body.split(|c: char| c.is_whitespace() || ",:\"".contains(c));
    let words = words.filter(|word| word.len() != 10 && !word.contains(|c: char| c.is_ascii_digit()));
    (status, plain(&to), words.collect::<Vec<_>>().join(" "))
}

/// What the house counts and signs by itself, whenever it is time.
const HOUSE: [&str; 6] = ["audit_checkpoints", "coverage_counts", "job_hours", "message_hours", "proof_hours", "report_mails"];

/// Of every other table that has rows of a tenant's.
async fn digest(cloud: &Cloud, scope: &Scope) -> Vec<(String, Option<String>)> {
    let tables = "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&cloud.app.db).await.unwrap();
    assert!(tables.len() > 50 && HOUSE.iter().all(|table| tables.iter().any(|name| name == table)), "{tables:?}");
    let whose = format!("tenant_id = '{}'", scope.id());
    let of = |table: &str, is: &str| {
        format!("select '{table}', md5(string_agg(to_jsonb(t)::text, chr(10) order by to_jsonb(t)::text)) from {table} t where {is}")
    };
    let mut parts: Vec<_> = tables.iter().filter(|table| !HOUSE.contains(&table.as_str())).map(|table| of(table, &whose)).collect();
    parts.push(of("job_heads", &format!("connector_id in (select connector_id from connectors where {whose})")));
    sqlx::query_as(AssertSqlSafe(parts.join(" union all "))).fetch_all(&cloud.app.db).await.unwrap()
}

/// What is refused for another reason than the form or the id.
const REFUSED: [(&str, u16); 1] = [
    // Nobody waits at a page with that number.
    ("/console/people/{id}/code", 422),
];

/// What is found and done by one statement: it is over, whosever it is.
const OVER: [&str; 2] = ["/console/approvals/{id}/ask", "/console/approvals/{id}/withdraw"];

/// With both walls, with the first alone, and where a second operator has to allow what is done.
#[tokio::test]
async fn what_another_tenant_has_is_as_if_it_were_not_there() {
    let mut cloud = Cloud::start().await;
    let (own, person, mut agent) = cloud.estate().await;
    let other = cloud.neighbour().await;
    let other = tenants::again(&mut cloud.app.db.acquire().await.unwrap(), &other).await.unwrap();
    let here = std::mem::replace(&mut cloud.tenant, other);
    let (theirs, ..) = cloud.estate().await;
    let there = std::mem::replace(&mut cloud.tenant, here).scope;
    let nobodys = theirs.as_if(NONE.parse().unwrap());
    // What the worker has to do of itself is done.
    cloud.app.wake_outbox();
    cloud.until("select count(*) from messages where state = 'waiting'", 0).await;
    cloud.until("select count(*) from audit_unchained", 0).await;
    let before = digest(&cloud, &there).await;
    let (client, desk) = (client(), (&cloud, &person));
    for round in ["two walls", "the first wall alone", "what takes two"] {
        match round {
            "the first wall alone" => cloud.lowers_the_second_wall().await,
            "what takes two" => cloud.takes_two("temporary,code,method,agent,policy,owner"),
            _ => {}
        }
        let marks = Marks::now(&cloud, &own).await;
        for (foreign, absent) in all(&own, &theirs, &marks).iter().zip(all(&own, &nobodys, &marks)) {
            let what = format!("{round}: {} {} {}", foreign.method, foreign.path, foreign.body);
            let answer = said(&client, desk, foreign, &theirs).await;
            assert_eq!(answer, said(&client, desk, &absent, &nobodys).await, "{what}");
            if foreign.path != absent.path {
                let wanted = if OVER.contains(&foreign.route) { StatusCode::CONFLICT } else { StatusCode::NOT_FOUND };
                assert_eq!(answer.0, wanted, "{what}");
            }
            let after = digest(&cloud, &there).await;
            let touched: Vec<_> = after.iter().filter(|table| !before.contains(table)).map(|(name, _)| name).collect();
            assert!(touched.is_empty(), "{what}: {touched:?}");
        }
    }
    // With what is one's own all of it is done: it was not the form that was refused.
    cloud.app.db.execute("delete from approval_rules").await.unwrap();
    agent.beat(true).await;
    for n in 0.. {
        let Some(request) = all(&own, &own, &Marks::now(&cloud, &own).await).into_iter().nth(n) else { break };
        let (status, _, text) = said(&client, desk, &request, &own).await;
        let refused = REFUSED.iter().find(|(route, _)| *route == request.route).map(|(_, status)| *status);
        let fits = refused.map_or(status.is_success() || status.is_redirection(), |refused| status == refused);
        assert!(fits, "{} {} {}: {status} {text}", request.method, request.path, request.body);
    }
}

/// With both walls, and with the first alone.
#[tokio::test]
async fn what_another_tenant_has_is_in_no_list() {
    let cloud = Cloud::start().await;
    let person = cloud.operator(Role::Owner).await;
    let theirs = cloud.has_of_everything(&cloud.neighbour().await).await.to_string();
    for more in [
        "update jobs set state = 'submitted', kind = 'reset', submitted_at = now(), expires_at = now() + interval '1 minute'",
        "update agents set status = 'active'",
        "update connectors set kind = 'ad'",
        "update approvals set act = 'code', state = 'waiting', expires_at = now() + interval '1 day'",
        "update operators set role = 'help_desk'",
    ] {
        sqlx::query(AssertSqlSafe(format!("{more} where tenant_id <> '{}'", cloud.tenant.scope.id())))
            .execute(&cloud.app.db)
            .await
            .unwrap();
    }
    for walls in [2, 1] {
        if walls == 1 {
            cloud.lowers_the_second_wall().await;
        }
        // Whatever is theirs bears that id as its name, too.
        let lists =
            ROUTES.iter().filter(|(method, path, _)| *method == "get" && !path.contains("{id}")).map(|(_, path, _)| (*path).to_owned());
        for path in lists.chain([format!("/console/people/found?q={theirs}"), "/console?days=90".to_owned()]) {
            let path = path.replace("{matter}/{channel}/{language}", "code/email/en");
            let answer = sends(&client(), &cloud, &person, ("get", &path), "").await;
            let (status, body) = (answer.status(), answer.text().await.unwrap());
            assert!(status.as_u16() < 500 && !body.contains(&theirs), "{path}: {status} {body}");
        }
    }
}
