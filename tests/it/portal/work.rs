//! Proof of work: asked for before anything is looked up, good once, rising with what comes.

use std::time::Instant;

use data_encoding::BASE64;
use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use sspr::{
    base::language::Language,
    domain::{
        limits,
        tenants::{self, New},
        work::{self, Checked, Load},
    },
    lab::work::solve,
};
use tokio::task::JoinSet;

use crate::support::{Cloud, Person, agent::somebody};

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.agent().await.mirror(vec![somebody("alice")]).await;
    cloud
}

fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([]).build().unwrap()
}

/// The first form with this answer, as it is: status and page.
async fn posts(cloud: &Cloud, url: &str, work: &str) -> (u16, String) {
    let request = client().post(format!("{url}/reset")).header(header::ORIGIN, &cloud.url).header(header::ACCEPT, "text/html");
    let answer = request.form(&[("name", "alice"), ("work", work)]).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn of_two_hundred_uses_of_one_proof_one_wins() {
    let cloud = cloud().await;
    let other = cloud.another_node().await;
    let work = cloud.worked().await;
    let (mut uses, client) = (JoinSet::new(), client());
    for n in 0..200 {
        let url = if n % 2 == 0 { cloud.url.clone() } else { other.url.clone() };
        let request =
            client.post(format!("{url}/reset")).header(header::ORIGIN, &cloud.url).form(&[("name", "alice"), ("work", work.as_str())]);
        uses.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let answers = uses.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| [303, 422].contains(status)), "{answers:?}");
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, 1);
}

#[tokio::test]
async fn whatever_is_no_proof_loses_nothing() {
    let cloud = cloud().await;
    let mut tx = cloud.app.begin().await.unwrap();
    let new = New { name: "Other", host: "other.example", language: Language::English, help: None };
    let other = tenants::create(&mut tx, &cloud.app.ring, &cloud.clock, new).await.unwrap();
    tx.commit().await.unwrap();

    let good = cloud.worked().await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut payload: Value = serde_json::from_slice(&BASE64.decode(good.as_bytes()).unwrap()).unwrap();
        change(&mut payload);
        BASE64.encode(payload.to_string().as_bytes())
    };
    let elsewhere = solve(&work::ask(&other.scope, &cloud.clock, 1).unwrap()).unwrap();
    for (what, work, words) in [
        ("nothing", String::new(), "could not check your browser in time"),
        ("a word", "none".to_owned(), "did not work out"),
        ("another counter", changed(&|payload| payload["solution"]["counter"] = json!(4_000_000_000_u32)), "did not work out"),
        ("an easier one", changed(&|payload| payload["challenge"]["parameters"]["keyPrefix"] = json!("")), "did not work out"),
        (
            "a longer one",
            changed(&|payload| payload["challenge"]["parameters"]["data"]["until"] = json!(9_999_999_999_i64)),
            "did not work out",
        ),
        (
            "without a signature",
            changed(&|payload| drop(payload["challenge"].as_object_mut().unwrap().remove("signature"))),
            "did not work out",
        ),
        ("of another tenant", elsewhere, "did not work out"),
    ] {
        let (status, page) = posts(&cloud, &cloud.url, &work).await;
        assert_eq!(status, 422, "{what}");
        assert!(page.contains(words) && page.contains("value=\"alice\""), "{what}: {page}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from audit_events where action = 'reset.begin'").await, 0, "nothing was looked up");
    assert_eq!(cloud.sql::<i64>("select count(*) from limits").await, 0);

    // None of it used the good one up; used once, the page says so and has another challenge.
    assert_eq!(posts(&cloud, &cloud.url, &good).await.0, 303);
    let mut alice = Person::at(&cloud);
    alice.opens("/").await;
    let used = alice.page.form("/reset").unwrap().set("name", "alice").unwrap().set("work", &good).unwrap();
    alice.page = alice.browser.submit(&used).await.unwrap();
    assert_eq!(alice.page.status, 422);
    alice.sees("sent twice");
    alice.submits("/reset", &[]).await.is_at("/reset/method");
}

#[tokio::test]
async fn a_challenge_ends_after_ten_minutes() {
    let cloud = cloud().await;
    let (early, late) = (cloud.worked().await, cloud.worked().await);
    cloud.clock.advance(595);
    assert_eq!(work::check(&cloud.tenant.scope, &cloud.clock, &late), work::check(&cloud.tenant.scope, &cloud.clock, &late));
    assert!(matches!(work::check(&cloud.tenant.scope, &cloud.clock, &early), Checked::Good(_)));
    cloud.clock.advance(6);
    assert_eq!(work::check(&cloud.tenant.scope, &cloud.clock, &late), Checked::Over);
    // What is used is remembered for longer than that.
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let Checked::Good(challenge) = work::check(&cloud.tenant.scope, &cloud.clock, &cloud.worked().await) else { panic!("a fresh one") };
    assert!(work::spend(&mut conn, &cloud.tenant.scope, &cloud.clock, &challenge, &[]).await.unwrap());
    cloud.clock.advance(601);
    assert_eq!(work::clean(&mut conn, &cloud.clock).await.unwrap(), 0);
    assert!(!work::spend(&mut conn, &cloud.tenant.scope, &cloud.clock, &challenge, &[]).await.unwrap());
    cloud.clock.advance(60);
    assert_eq!(work::clean(&mut conn, &cloud.clock).await.unwrap(), 1);
}

#[tokio::test]
async fn the_more_come_the_more_is_asked_of_them() {
    let cloud = cloud().await;
    let scope = &cloud.tenant.scope;
    let home = limits::network(Some("203.0.113.7".parse().unwrap()));
    let factors = |load: &Load| (load.factor(scope, &home), load.factor(scope, &limits::network(Some("198.51.100.9".parse().unwrap()))));
    let spends = async |count: usize, network: Option<&[u8]>| {
        let mut conn = cloud.app.db.acquire().await.unwrap();
        for n in 0..count {
            let own = n.to_be_bytes();
            let challenge = sspr::wire::sha256(&[cloud.clock.seconds().to_be_bytes(), own].concat());
            work::spend(&mut conn, scope, &cloud.clock, &challenge, network.unwrap_or(&own)).await.unwrap();
        }
        work::load(&mut conn, &cloud.clock).await.unwrap()
    };
    assert_eq!(factors(&spends(12, Some(&home)).await), (1, 1));
    cloud.clock.advance(1);
    assert_eq!(factors(&spends(20, Some(&home)).await), (4, 1), "one network alone");
    cloud.clock.advance(61);
    assert_eq!(factors(&spends(250, None).await), (4, 4), "the whole tenant");
    cloud.clock.advance(61);
    assert_eq!(factors(&spends(0, None).await), (1, 1), "calm again");

    // What is asked for follows, and what it costs to check does not.
    let costs = [1, 4, 16].map(|factor| {
        let challenge: Value = serde_json::from_str(&work::ask(scope, &cloud.clock, 256 * factor).unwrap()).unwrap();
        (challenge["parameters"]["cost"].as_u64().unwrap(), challenge["parameters"]["keyPrefix"].as_str().unwrap().len())
    });
    assert_eq!(costs, [(1000, 2), (4000, 2), (1000, 3)]);
}

/// As much as a browser's work is worth, the server's must stay cheap. Optimised as in production: `Cargo.toml` has these crates so.
#[tokio::test]
async fn to_check_costs_next_to_nothing() {
    let cloud = Cloud::start().await;
    let scope = &cloud.tenant.scope;
    let begun = Instant::now();
    let answer = solve(&work::ask(scope, &cloud.clock, 256).unwrap()).unwrap();
    let solved = begun.elapsed();
    let mut times: Vec<_> = (0..100)
        .map(|_| {
            let begun = Instant::now();
            assert!(matches!(work::check(scope, &cloud.clock, &answer), Checked::Good(_)));
            begun.elapsed()
        })
        .collect();
    times.sort();
    eprintln!("solved in {solved:?}, checked in {:?}", times[50]);
    assert!(times[50].as_micros() < 3000, "{:?}", times[50]);
}
