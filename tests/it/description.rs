//! `docs/agent-api.openapi.json` and `docs/job-states.svg` say what the program does: the same routes, codes, bodies and transitions.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Response;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sspr::{
    domain::queue::state::{Event, State},
    wire::{
        message::{
            Enrolled, Enrolment, Heartbeat, HeartbeatAnswer, JobResult, LeaseRequest, Leased, MirrorBatch, NewIdentity, NewKey,
            SignedResult, SignedResults, Token, Told,
        },
        outcome::{Code, Outcome},
        unb64,
    },
};

use crate::support::{Cloud, HandAgent, Person, agent::somebody};

fn description() -> Value {
    serde_json::from_str(include_str!("../../docs/agent-api.openapi.json")).expect("JSON")
}

/// What `$ref` names, if it is one.
fn resolved<'a>(all: &'a Value, value: &'a Value) -> &'a Value {
    let Some(name) = value["$ref"].as_str() else { return value };
    all.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is not there"))
}

fn named_schema<'a>(all: &'a Value, name: &str) -> &'a Value {
    all.pointer(&format!("/components/schemas/{name}")).unwrap_or_else(|| panic!("no schema {name}"))
}

/// What of `value` is not as `schema` wants it. Knows the words of JSON Schema that the description uses, and no others.
fn wrong(all: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut no = |holds: bool, what: &str| {
        if !holds {
            found.push(format!("{at}: {what}: {value:.80}"));
        }
    };
    let length = value.as_str().map(|text| text.chars().count());
    let least = |limit: &Value, size: Option<usize>| size.is_none_or(|size| size as u64 >= limit.as_u64().expect("a number"));
    let most = |limit: &Value, size: Option<usize>| size.is_none_or(|size| size as u64 <= limit.as_u64().expect("a number"));
    let mut below = Vec::new();
    for (word, wanted) in schema.as_object().expect("a schema") {
        match word.as_str() {
            "description" => {}
            "$ref" => below.extend(wrong(all, resolved(all, schema), value, at)),
            "type" => {
                let types = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                no(types.iter().any(|kind| is_of(kind.as_str().expect("a type"), value)), "type");
            }
            "const" => no(value == wanted, "const"),
            "enum" => no(wanted.as_array().expect("a list").contains(value), "enum"),
            "format" => {
                assert_eq!(wanted, "uuid");
                no(value.as_str().is_none_or(|text| text.parse::<uuid::Uuid>().is_ok_and(|id| id.to_string() == text)), "uuid");
            }
            "contentEncoding" => {
                assert_eq!(wanted, "base64url");
                no(value.as_str().is_none_or(|text| unb64(text).is_some()), "base64url");
            }
            "minLength" => no(least(wanted, length), "minLength"),
            "maxLength" => no(most(wanted, length), "maxLength"),
            "maxItems" => no(most(wanted, value.as_array().map(Vec::len)), "maxItems"),
            "minimum" => no(value.as_i64().is_none_or(|number| number >= wanted.as_i64().expect("a number")), "minimum"),
            "maximum" => no(value.as_i64().is_none_or(|number| number <= wanted.as_i64().expect("a number")), "maximum"),
            "required" => {
                for name in wanted.as_array().expect("a list") {
                    no(!value.is_object() || value.get(name.as_str().expect("a name")).is_some(), &format!("lacks {name}"));
                }
            }
            "additionalProperties" => {
                assert_eq!(wanted, false);
                for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
                    no(schema["properties"].get(name).is_some(), &format!("has {name} too"));
                }
            }
            "properties" => {
                for (name, schema) in wanted.as_object().expect("properties") {
                    if let Some(value) = value.get(name) {
                        below.extend(wrong(all, schema, value, &format!("{at}.{name}")));
                    }
                }
            }
            "items" => {
                for (n, value) in value.as_array().into_iter().flatten().enumerate() {
                    below.extend(wrong(all, wanted, value, &format!("{at}[{n}]")));
                }
            }
            "allOf" => below.extend(wanted.as_array().expect("a list").iter().flat_map(|schema| wrong(all, schema, value, at))),
            "anyOf" => {
                let fits = wanted.as_array().expect("a list").iter().any(|schema| wrong(all, schema, value, at).is_empty());
                no(fits, "anyOf");
            }
            other => panic!("{at}: this checker does not know {other}"),
        }
    }
    found.extend(below);
    found
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}

#[track_caller]
fn fits(all: &Value, name: &str, value: &Value) {
    assert_eq!(wrong(all, named_schema(all, name), value, name), Vec::<String>::new());
}

/// `value` with one thing about its shape changed, for each place in it.
fn misshapen(value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    if let Some(object) = value.as_object() {
        let mut more = value.clone();
        more["more_than_that"] = json!(1);
        all.push(("a member more".to_owned(), more));
        all.push(("a list of the values".to_owned(), object.values().cloned().collect()));
        for (name, inner) in object {
            let with = |what: String, new: Option<Value>| {
                let mut changed = value.clone();
                let members = changed.as_object_mut().expect("an object");
                match new {
                    Some(new) => drop(members.insert(name.clone(), new)),
                    None => drop(members.remove(name)),
                }
                (what, changed)
            };
            all.push(with(format!("no {name}"), None));
            for other in [Value::Null, json!(true), json!("x y"), json!(-1), json!(1.5), json!([[]]), json!({ "a": {} })] {
                if std::mem::discriminant(&other) != std::mem::discriminant(inner) || other.is_f64() {
                    all.push(with(format!("{name}: {other}"), Some(other)));
                }
            }
            all.extend(misshapen(inner).into_iter().map(|(what, inner)| with(format!("{name}: {what}"), Some(inner))));
        }
    }
    if let Some(first) = value.as_array().and_then(|list| list.first()) {
        all.extend(misshapen(first).into_iter().map(|(what, first)| (format!("[0]: {what}"), json!([first]))));
    }
    all
}

/// The schema takes what the program takes of this shape, and refuses what it refuses.
fn agree<T: Serialize + DeserializeOwned>(all: &Value, name: &str, good: &Value) {
    let good: T = serde_json::from_value(good.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let good = serde_json::to_value(good).unwrap();
    fits(all, name, &good);
    let cases = misshapen(&good);
    assert!(cases.len() >= 6, "{name}");
    for (what, value) in cases {
        // A derived type below the first takes the list of its fields' values too. Nobody is told so, and nobody needs it.
        if what.ends_with(": a list of the values") {
            continue;
        }
        let text = value.to_string();
        // As the door reads it: an object, or nothing.
        let taken = value.is_object() && serde_json::from_str::<T>(&text).is_ok();
        let found = wrong(all, named_schema(all, name), &value, name);
        assert_eq!(found.is_empty(), taken, "{name}, {what}: {found:?}");
    }
}

#[test]
fn what_agents_send_is_described_as_the_program_takes_it() {
    let all = description();
    let known: Value = serde_json::from_str(include_str!("../vectors/protocol.json")).unwrap();
    let parse = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    let statement = json!({ "statement": known["statement"]["statement"], "signature": known["statement"]["signature"] });
    let policy = json!({ "min_length": 8, "complexity": true, "history": 5, "min_age": 0, "max_age": 0 });
    let servers = json!([{ "name": "dc1", "reachable": true, "latency_ms": 3 }]);
    let directory =
        json!({ "reachable": true, "dc": "dc1", "policy_hints": "1.2.840.113556.1.4.2239", "policy": policy, "servers": servers });
    let mut full = serde_json::to_value(somebody("alice")).unwrap();
    full["language"] = "en".into();
    full["private_mail"] = "x".into();
    full["password_expires_at"] = 1.into();
    full["manager"] = json!(uuid::Uuid::nil());
    full["groups"] = json!([uuid::Uuid::nil()]);
    let group = json!({ "guid": uuid::Uuid::nil(), "name": "x" });
    let batch = json!({ "pass": uuid::Uuid::nil(), "full": true, "first": true, "last": true, "upserts": [full],
        "removals": [uuid::Uuid::nil()], "groups": [group] });
    agree::<Enrolment>(&all, "Enrolment", &parse(&known["proofs"][1]["request"]["body"]));
    agree::<Heartbeat>(
        &all,
        "Heartbeat",
        &json!({ "version": "1", "clock": 1, "directory": directory, "jobs": 1,
        "instance": uuid::Uuid::nil(), "audit": { "lines": 1, "head": "x" } }),
    );
    agree::<NewIdentity>(&all, "NewIdentity", &json!({ "identity": "x", "signature": "x", "keys": [statement] }));
    agree::<NewKey>(&all, "NewKey", &json!({ "key": statement }));
    agree::<LeaseRequest>(&all, "LeaseRequest", &json!({ "max": 1, }));
    agree::<SignedResult>(&all, "SignedResult", &parse(&known["result"]["body"]));
    agree::<SignedResults>(&all, "SignedResults", &json!({ "results": ["x"] }));
    agree::<JobResult>(&all, "JobResult", &parse(&known["result"]["claims"]));
    agree::<MirrorBatch>(&all, "MirrorBatch", &batch);
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(named_schema(&all, "JobResult")["properties"]["code"]["enum"], json!(codes));
    // A form, whose fields the schema names.
    let form: Value = form_urlencoded::parse(known["token"]["request"]["body"].as_str().unwrap().as_bytes())
        .map(|(name, value)| (name, json!(value)))
        .collect();
    fits(&all, "TokenRequest", &form);
}

/// What a real server answers, as JSON, after seeing that it is what is described and what agents read.
async fn answered<T: DeserializeOwned>(all: &Value, name: &str, answer: Response) -> Value {
    let value: Value = answer.json().await.unwrap();
    fits(all, name, &value);
    serde_json::from_value::<T>(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    value
}

#[tokio::test]
async fn what_the_cloud_answers_is_described() {
    let all = description();
    let cloud = Cloud::start().await;
    let token = cloud.enrolment_token().await;
    let (mut agent, answer) = HandAgent::try_enrol(&cloud, &token).await;
    let enrolled = answered::<Enrolled>(&all, "Enrolled", answer).await;
    (agent.id, agent.connector) =
        (enrolled["agent"].as_str().unwrap().parse().unwrap(), enrolled["connector"].as_str().unwrap().parse().unwrap());
    let pending: Value = agent.try_token().await.json().await.unwrap();
    fits(&all, "Problem", &pending);
    assert!(cloud.confirm(agent.id, &agent.fingerprint).await);
    answered::<Token>(&all, "Token", agent.try_token().await).await;
    agent.publish_key().await;
    agent.beat(true).await;
    let beat = json!({ "version": "0", "clock": 0, "directory": { "reachable": true, "dc": "dc1" }, "jobs": 0 });
    answered::<HeartbeatAnswer>(&all, "HeartbeatAnswer", agent.post("/agent/v1/heartbeat", &beat).await).await;
    agent.mirror(vec![somebody("alice")]).await;
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    alice.sets("Correct-Horse-7").await;
    let leased = answered::<Leased>(&all, "Leased", agent.post("/agent/v1/lease?wait=5", &json!({ "max": 1 })).await).await;
    assert_eq!(leased["jobs"].as_array().unwrap().len(), 1);
    let told = answered::<Told>(&all, "Told", agent.post("/agent/v1/results?max=1", &json!({ "results": ["x"] })).await).await;
    assert_eq!(told["refused"], json!(["bad_result"]));
}

/// Paths below `/agent` in the program, by looking for where routes are made.
fn routes() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (name, text) in crate::words::files("src/agent_api", ".rs") {
        for rest in text.split(".route(").skip(1) {
            let path = rest.split('"').nth(1).unwrap_or_default();
            let method = rest.split(", ").nth(1).and_then(|made| made.split('(').next()).unwrap_or_default();
            assert!(path.starts_with("/agent/v1/") && method == "post", "{name}: {method} {path}");
            found.insert((path.to_owned(), method.to_owned()));
        }
    }
    found
}

#[tokio::test]
async fn the_described_calls_are_those_that_there_are() {
    let all = description();
    let mut described = BTreeSet::new();
    let cloud = Cloud::start().await;
    for (path, item) in all["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((path.clone(), method.clone()));
        }
        // There is somebody at that address, who asks for a proof.
        let url = format!("{}{}", cloud.url, path.replace("{id}", &uuid::Uuid::nil().to_string()));
        let answer = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap().post(url).send().await.unwrap();
        let (status, code) = crate::support::agent::code_of(answer).await;
        assert!(status == 401 && ["bad_proof", "bad_token"].contains(&code.as_str()), "{path}: {status} {code}");
    }
    assert_eq!(described, routes());
}

/// Status → codes of an answer of this call.
fn codes_of(all: &Value, call: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (status, answer) in call["responses"].as_object().unwrap() {
        let problem = &resolved(all, answer)["content"]["application/problem+json"]["schema"];
        assert_eq!(problem.is_null(), status.starts_with('2'), "{status}");
        if !problem.is_null() {
            assert_eq!(problem["allOf"][0]["$ref"], "#/components/schemas/Problem");
            let codes = problem["allOf"][1]["properties"]["code"]["enum"].as_array().unwrap();
            found.insert(status.clone(), codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect());
        }
    }
    found
}

#[test]
fn the_described_codes_are_those_that_agents_can_meet() {
    let all = description();
    let documented = crate::codes::table("Problems");
    let mut described = BTreeSet::new();
    for (path, item) in all["paths"].as_object().unwrap() {
        let codes = codes_of(&all, &item["post"]);
        for status in ["400", "401", "408", "413", "415", "429", "500", "503"] {
            assert!(codes.contains_key(status), "{path}: {status}");
        }
        described.extend(codes);
    }
    described.extend(["404", "405"].map(|status| {
        let codes = all["x-elsewhere"][status].as_array().unwrap();
        (status.to_owned(), codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }));
    let described: BTreeSet<(String, String)> =
        described.into_iter().flat_map(|(status, codes)| codes.into_iter().map(move |code| (status.clone(), code))).collect();
    for (status, code) in &described {
        let columns = documented.get(code.as_str()).unwrap_or_else(|| panic!("docs/error-codes.md lacks {code}"));
        assert_eq!(columns[0], status, "{code}");
        assert!(columns.len() == 5 && columns[3].len() > 3 && columns[4].len() > 3, "{code} has no cause or remedy");
    }
    // What the agents' door names, and what the layers around every door answer.
    let named = crate::codes::named();
    let around = ["web/error.rs", "web/face.rs", "web/form.rs", "server.rs"].map(|file| format!("src/{file}"));
    let browsers = ["flow_ended"];
    let mut known = 0;
    for (file, code, status) in &named {
        let agents = file.starts_with("src/agent_api/");
        if (agents || around.contains(file)) && !browsers.contains(&code.as_str()) {
            assert!(
                described.contains(&((*status).to_owned(), code.clone())),
                "{file}: {status} {code} is in no answer of the description"
            );
            known += usize::from(agents);
        }
    }
    assert!(known > 15, "only {known}");
    for (status, code) in &described {
        assert!(named.iter().any(|(_, named, of)| named == code && of == status), "nothing answers {status} {code}");
    }
}

/// Every event, as the picture calls it.
fn events() -> Vec<(String, Event)> {
    let results = [Outcome::Applied, Outcome::Refused, Outcome::Failed, Outcome::Unknown];
    let mut all: Vec<(String, Event)> = results.map(|outcome| (format!("result_{}", outcome.as_str()), Event::Result(outcome))).into();
    let others = [
        ("submit", Event::Submit),
        ("hold", Event::Hold),
        ("release", Event::Release),
        ("lease", Event::Lease),
        ("supersede", Event::Supersede),
        ("cancel", Event::Cancel),
        ("hand_over", Event::HandOver),
        ("expire_untouched", Event::Expire { touched: false }),
        ("expire_touched", Event::Expire { touched: true }),
    ];
    all.extend(others.map(|(name, event)| (name.to_owned(), event)));
    all
}

#[test]
fn the_picture_of_states_has_exactly_their_transitions() {
    const PICTURE: &str = include_str!("../../docs/job-states.svg");
    let attribute = |element: &str, name: &str| {
        let value = element.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        value.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let mut drawn = BTreeSet::new();
    for element in PICTURE.split('<').filter(|element| element.contains("data-from")) {
        for from in attribute(element, "data-from") {
            for event in attribute(element, "data-event") {
                for to in attribute(element, "data-to") {
                    assert!(drawn.insert((from.clone(), event.clone(), to)), "drawn twice: {element}");
                }
            }
        }
    }
    let mut real = BTreeSet::new();
    for state in State::ALL {
        for (name, event) in events() {
            if let Some(next) = state.next(event) {
                real.insert((state.as_str().to_owned(), name, next.as_str().to_owned()));
            }
        }
        assert!(PICTURE.contains(&format!(">{}</text>", state.as_str())), "{} has no box", state.as_str());
        // A thick frame is an end.
        let end = PICTURE
            .split("<rect class=\"end\"")
            .skip(1)
            .any(|rest| rest.split("</text>").next().is_some_and(|box_of| box_of.ends_with(&format!(">{}", state.as_str()))));
        assert_eq!(end, state.is_final(), "{}", state.as_str());
    }
    assert_eq!(drawn, real);
}
