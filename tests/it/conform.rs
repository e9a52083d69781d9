//! `sspr agent conform`: every rule holds of our own server; and each of these breakages, made by a proxy before it, is seen.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
};
use reqwest::Client;
use serde_json::Value;
use sspr::{
    cli::conform::{As, Me, Rule, Told, conform},
    wire::{keys::fingerprint, outcome::Code},
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, oneshot},
};

use crate::support::{Cloud, HandAgent, Person, agent::somebody};

/// As an administrator who confirms the agent that waits for it.
async fn confirms(cloud: &Cloud, waits: oneshot::Receiver<Me>) {
    let agent = waits.await.unwrap().agent;
    let identity: Vec<u8> =
        sqlx::query_scalar("select identity from agents where agent_id = $1").bind(agent).fetch_one(&cloud.app.db).await.unwrap();
    assert!(cloud.confirm(agent, &fingerprint(&identity)).await);
}

fn broken(rules: &[Rule]) -> Vec<&Rule> {
    rules.iter().filter(|rule| rule.broken.is_some()).collect()
}

/// What is seen of a new agent at `url`, which is `cloud`.
async fn seen(cloud: &Cloud, url: &str) -> Vec<Rule> {
    let token = cloud.enrolment_token().await;
    let (sender, waits) = oneshot::channel();
    let run = conform(url, As::New(token), Duration::ZERO, cloud.clock.clone(), Told::Waiting(sender));
    let (rules, ()) = tokio::join!(run, confirms(cloud, waits));
    rules.unwrap()
}

#[tokio::test]
async fn every_rule_holds_of_our_own_server() {
    let cloud = Cloud::start().await;
    // Somebody to reset a password for, mirrored by an agent that takes no jobs; a job is sealed for both.
    let mut other = cloud.agent().await;
    other.mirror(vec![somebody("alice")]).await;
    let token = cloud.enrolment_token().await;
    let (sender, waits) = oneshot::channel();
    let run = conform(&cloud.url, As::New(token), Duration::from_mins(1), cloud.clock.clone(), Told::Waiting(sender));
    let person = async {
        confirms(&cloud, waits).await;
        cloud.until("select count(*) from agents where (health -> 'directory' ->> 'reachable')::boolean and name = 'conform'", 1).await;
        other.beat(true).await;
        let mut alice = Person::at(&cloud);
        alice.proves(&cloud, "alice").await;
        alice.sets("Correct-Horse-7").await;
        alice.is_told().await
    };
    let (rules, told) = tokio::join!(run, person);
    let rules = rules.unwrap();
    assert!(broken(&rules).is_empty(), "{:#?}", broken(&rules));
    assert!(rules.len() > 200, "only {} rules", rules.len());
    assert_eq!((told["state"].as_str(), told["code"].as_str()), (Some("refused"), Some(Code::SwitchedOff.as_str())));
    // What it made up is gone.
    assert_eq!(cloud.sql::<i64>("select count(*) from users where removed_at is null").await, 1);
}

#[tokio::test]
async fn an_agent_that_is_enrolled_leaves_out_the_rules_of_enrolment() {
    let cloud = Cloud::start().await;
    let agent = HandAgent::enrol(&cloud).await;
    assert!(cloud.confirm(agent.id, &agent.fingerprint).await);
    let me = Me { agent: agent.id, tenant: cloud.tenant.scope.id(), connector: agent.connector };
    let who = As::Enrolled { identity: Arc::new(agent.identity), me };
    let rules = conform(&cloud.url, who, Duration::ZERO, cloud.clock.clone(), Told::Nobody).await.unwrap();
    assert!(broken(&rules).is_empty(), "{:#?}", broken(&rules));
    assert!(!rules.iter().any(|rule| rule.section == "§6.1"));
}

/// What stands between and spoils something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Breakage {
    None,
    /// Only the first of several proofs goes on.
    OneProof,
    /// What was answered once is answered again, for the same proof.
    Cache,
    /// Problems are called JSON.
    PlainJson,
    /// Problems lose their clock.
    NoNow,
    /// 409 becomes 204: whatever a result says, it is taken.
    AnyResult,
    /// 403 becomes 204: whatever a statement says, it is taken.
    AnyKey,
    /// `Bearer` becomes `DPoP`.
    Bearer,
    /// A poll is answered at once.
    Impatient,
    /// Whatever was sent, JSON is said to be.
    AnyType,
}

type Answered = (u16, HeaderMap, Vec<u8>);

struct Proxy {
    breakage: Breakage,
    cloud: Mutex<String>,
    http: Client,
    answers: Mutex<BTreeMap<Vec<String>, Answered>>,
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let proofs: Vec<String> = parts.headers.get_all("dpop").iter().map(|proof| proof.to_str().unwrap_or_default().to_owned()).collect();
    if proxy.breakage == Breakage::Cache
        && let Some(known) = proxy.answers.lock().await.get(&proofs).filter(|(status, ..)| *status < 300)
    {
        return answer(known.clone());
    }
    let mut path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    match proxy.breakage {
        Breakage::OneProof if proofs.len() > 1 => {
            let first = parts.headers["dpop"].clone();
            parts.headers.insert("dpop", first);
        }
        Breakage::Bearer => {
            let bearer =
                parts.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")).map(str::to_owned);
            if let Some(token) = bearer {
                parts.headers.insert("authorization", HeaderValue::from_str(&format!("DPoP {token}")).unwrap());
            }
        }
        Breakage::Impatient => path = path.replace("wait=2", "wait=0"),
        Breakage::AnyType if !path.ends_with("/token") => {
            parts.headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        _ => {}
    }
    for name in ["host", "content-length", "connection"] {
        parts.headers.remove(name);
    }
    let url = format!("{}{path}", proxy.cloud.lock().await);
    let got = proxy.http.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let (mut status, mut headers, mut body) = (got.status().as_u16(), got.headers().clone(), Vec::new());
    body.extend(got.bytes().await.unwrap());
    let problem = headers.get("content-type").is_some_and(|kind| kind == "application/problem+json");
    match proxy.breakage {
        Breakage::PlainJson if problem => drop(headers.insert("content-type", HeaderValue::from_static("application/json"))),
        Breakage::NoNow if problem => {
            let mut told: Value = serde_json::from_slice(&body).unwrap();
            told.as_object_mut().unwrap().remove("now");
            body = told.to_string().into_bytes();
        }
        Breakage::AnyResult if status == 409 => (status, body) = (204, Vec::new()),
        Breakage::AnyKey if status == 403 && path.ends_with("/keys") => (status, body) = (204, Vec::new()),
        _ => {}
    }
    for name in ["content-length", "transfer-encoding", "connection"] {
        headers.remove(name.parse::<HeaderName>().unwrap());
    }
    proxy.answers.lock().await.insert(proofs, (status, headers.clone(), body.clone()));
    answer((status, headers, body))
}

fn answer((status, headers, body): Answered) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = headers;
    response
}

/// What is seen of our own server through something that breaks it so.
async fn seen_through(breakage: Breakage) -> Vec<Rule> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let (cloud, address) = Cloud::start_as(&url).await;
    let http = Client::builder().no_proxy().build().unwrap();
    let proxy = Arc::new(Proxy { breakage, cloud: Mutex::new(address), http, answers: Mutex::default() });
    let served = tokio::spawn(axum::serve(listener, Router::new().fallback(pass).with_state(proxy)).into_future());
    let rules = seen(&cloud, &url).await;
    served.abort();
    rules
}

#[tokio::test]
async fn a_server_that_breaks_a_rule_is_found_out_and_only_for_that() {
    let cases: [(Breakage, &[&str]); 9] = [
        (Breakage::None, &[]),
        (Breakage::OneProof, &["check 1: two DPoP headers, each good", "check 1: the same DPoP header twice"]),
        (Breakage::Cache, &["a second time"]),
        (
            Breakage::NoNow,
            &["is refused", "a second time", "not there", "only POST is", "not confirmed", "no second key", "is no key", "must be the key"],
        ),
        (Breakage::AnyResult, &["a result for a job that is not there", "the end of a full pass"]),
        (Breakage::AnyKey, &["a statement with", "a statement signed by another key", "a statement that is not signed"]),
        (Breakage::Bearer, &["the token as a bearer is refused"]),
        (Breakage::Impatient, &["it waits as long as it is told"]),
        (
            Breakage::AnyType,
            &["a body of application/x-www-form-urlencoded", "a body of text/plain", "a body of no type", "a token request in JSON"],
        ),
    ];
    // Each mostly waits.
    let all = [cases.map(|(breakage, _)| breakage).as_slice(), &[Breakage::PlainJson]].concat();
    let mut running: BTreeMap<Breakage, _> = all.into_iter().map(|breakage| (breakage, tokio::spawn(seen_through(breakage)))).collect();
    for (breakage, wanted) in cases {
        let rules = running.remove(&breakage).unwrap().await.unwrap();
        let broken = broken(&rules);
        assert_eq!(broken.is_empty(), wanted.is_empty(), "{breakage:?}: {broken:#?}");
        for rule in &broken {
            assert!(wanted.iter().any(|wanted| rule.what.contains(wanted)), "{breakage:?} does not break {rule:?}");
        }
        for wanted in wanted {
            let token = breakage == Breakage::AnyType && wanted.contains("token request");
            assert!(token || broken.iter().any(|rule| rule.what.contains(wanted)), "{breakage:?}: nobody saw {wanted:?}");
        }
    }
    let rules = running.remove(&Breakage::PlainJson).unwrap().await.unwrap();
    let problems = rules.iter().filter(|rule| rule.broken.as_ref().is_some_and(|why| why.contains("application/problem+json"))).count();
    assert!(problems > 150, "only {problems}");
    assert_eq!(broken(&rules).len(), problems);
}
