//! Names that somebody has take as long as those that nobody has, at every step and by every method.
//!
//! Shows a step that one kind of name takes and the other does not: a query more, a slow hash, a mail sent while the person
//! waits. Cannot show what a patient attacker finds with thousands of requests in a quiet network: a few per cent, for which a
//! machine at tests is far too noisy. Interleaved, and each first in every other round, so that the noise hits both alike; and what was
//! too noisy is measured anew, twice: what differs, differs every time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::json;
use sspr::{
    domain::policies::{Draft, Method},
    wire::message,
};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, agent::somebody, authenticator::Passkey};

#[tokio::test]
async fn names_take_the_same_time() {
    take_the_same_time(300, Known::Served).await;
}

#[tokio::test]
async fn names_take_the_same_time_where_directories_are_linked() {
    take_the_same_time(100, Known::Linked).await;
}

#[tokio::test]
async fn names_of_whom_nobody_serves_take_the_same_time() {
    take_the_same_time(100, Known::Closed).await;
}

/// Who the known ones are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// They have one of everything.
    Served,
    /// They have an account that follows in another directory besides.
    Linked,
    /// Every other one is disabled, and the rest are protected.
    Closed,
}

/// A browser in a journey.
struct Browser<'a> {
    cloud: &'a Cloud,
    client: &'a Client,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    fn post(&self, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.client
            .post(format!("{}{path}", self.cloud.url))
            .header(header::ORIGIN, &self.cloud.url)
            .header(header::COOKIE, cookies.join("; "))
    }

    /// POST a form as a browser would and take the time until the answer, without following it. The cookies grow.
    async fn takes(&mut self, path: &str, fields: &[(&str, &str)]) -> Duration {
        let request = self.post(path).form(fields);
        let begun = Instant::now();
        let answer: Response = request.send().await.unwrap();
        let taken = begun.elapsed();
        assert!([303, 422].contains(&answer.status().as_u16()), "{path}: {}", answer.status());
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        taken
    }
}

fn median(all: &[Duration]) -> f64 {
    let mut all = all.to_vec();
    all.sort();
    all[all.len() / 2].as_secs_f64()
}

/// Cliff's delta: how much more often one of `a` is above one of `b` than below, from -1 to 1; 0 if they are alike.
fn cliffs_delta(a: &[Duration], b: &[Duration]) -> f64 {
    let sign = |x: &Duration| b.iter().map(|y| i32::from(x > y) - i32::from(x < y)).sum::<i32>();
    let above: i32 = a.iter().map(sign).sum();
    f64::from(above) / f64::from(u32::try_from(a.len() * b.len()).unwrap())
}

/// The name, how to prove it, and the proof, which is a wrong one.
const STEPS: [&str; 3] = ["name", "method", "proof"];

/// Ways to prove oneself, and wrong proofs. A passkey's is signed by one that nobody knows.
const WAYS: [(&str, &str); 6] = [
    ("email", "000000"),
    ("sms", "000000"),
    ("totp", "000000"),
    ("help_desk", "0000 0000"),
    ("recovery_code", "0000-0000-0000-0000-0000"),
    ("passkey", ""),
];

/// Everybody gets what `known0` has; by its door it would take a slow hash for each code.
async fn has_codes_like_the_first(cloud: &Cloud) {
    cloud.makes_codes("known0").await;
    for query in [
        "insert into authenticators (authenticator_id, tenant_id, user_id, kind, label, created_at, usable_from)
         select gen_random_uuid(), a.tenant_id, u.user_id, a.kind, a.label, a.created_at, a.usable_from from authenticators a, users u
         where a.kind = 'recovery_codes' and u.user_id <> a.user_id and u.sign_in_name like 'known%' and u.sign_in_name not like '%.lab'",
        "insert into recovery_codes (authenticator_id, selector, tenant_id, salt, hash)
         select a.authenticator_id, c.selector, c.tenant_id, c.salt, c.hash from authenticators a, recovery_codes c
         where a.kind = 'recovery_codes' and a.authenticator_id <> c.authenticator_id",
    ] {
        sqlx::query(query).execute(&cloud.app.db).await.unwrap();
    }
}

/// A pair is one real name and one that nobody has.
async fn take_the_same_time(pairs: usize, known: Known) {
    const ATTEMPTS: usize = 3;
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    let closed = |n: usize| known == Known::Closed && n > 0;
    let person = |n: usize| message::Person {
        enabled: !closed(n) || n.is_multiple_of(2),
        protected: closed(n) && n.is_multiple_of(2),
        ..somebody(&format!("known{n}"))
    };
    // One more whom the closed ones' decoys may be shaped after.
    let people: Vec<_> = (0..=pairs).map(person).collect();
    agent.mirror(people.clone()).await;
    if known == Known::Linked {
        let mut lab = cloud.agent_of(cloud.linked_connector("Lab").await).await;
        let follows = |(n, person): (usize, message::Person)| message::Person {
            guid: Uuid::from_u128(n as u128 + 1),
            sign_in_name: format!("{}.lab", person.sign_in_name),
            ..person
        };
        lab.mirror(people.into_iter().enumerate().map(follows).collect()).await;
    }
    for n in (0..=pairs).filter(|n| !closed(*n)) {
        let name = format!("known{n}");
        cloud.registers_app(&name, time::Duration::ZERO).await;
        cloud.registers_passkey(&name, &mut Passkey::new()).await;
    }
    has_codes_like_the_first(&cloud).await;
    let mut said = Vec::new();
    for _ in 0..ATTEMPTS {
        let taken = measured(&cloud, &mut agent, pairs, known).await;
        let apart = STEPS.map(|step| {
            let [known, unknown] = [true, false].map(|known| &taken[&(step, known)]);
            (step, 1e3 * (median(known) - median(unknown)), cliffs_delta(known, unknown))
        });
        said.push(format!("{pairs} pairs, ms between medians, Cliff's delta: {apart:.3?}"));
        if apart.iter().all(|(_, ms, delta)| ms.abs() < 5.0 && delta.abs() < 0.15) {
            println!("{said:#?}");
            return;
        }
    }
    panic!("{said:#?}");
}

async fn measured(cloud: &Cloud, agent: &mut HandAgent, pairs: usize, known: Known) -> BTreeMap<(&'static str, bool), Vec<Duration>> {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let (mut taken, mut stranger) = (BTreeMap::<_, Vec<Duration>>::new(), Passkey::new());
    let before =
        [cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, cloud.sql("select count(*) from flows").await];
    for round in 0..pairs {
        if round % 20 == 0 {
            agent.beat(true).await;
            // A limit that is reached is another path, and another test; and all of this comes from one network, of which ever more work
            // would be asked.
            sqlx::query("truncate spent_work, limits").execute(&cloud.app.db).await.unwrap();
        }
        let kinds = if round % 2 == 0 { [true, false] } else { [false, true] };
        let (way, wrong) = WAYS[round / 2 % WAYS.len()];
        let new = || Browser { cloud, client: &client, cookies: BTreeMap::new() };
        let mut browsers = [new(), new()];
        for step in STEPS {
            for is_known in kinds {
                let browser = &mut browsers[usize::from(is_known)];
                let time = match step {
                    "name" => {
                        let name = format!("{}{}", if is_known { "known" } else { "other" }, round + 1);
                        // Done while one types.
                        let work = cloud.worked().await;
                        browser.takes("/reset", &[("name", &name), ("work", &work)]).await
                    }
                    "method" => browser.takes("/reset/method", &[("method", way)]).await,
                    _ if way == "passkey" => {
                        let options = browser.post("/reset/passkey/challenge").json(&json!({})).send().await.unwrap().json().await.unwrap();
                        let answer = stranger.signs(&options, &cloud.url).to_string();
                        browser.takes("/reset/passkey", &[("answer", &answer)]).await
                    }
                    _ => browser.takes("/reset/code", &[("code", wrong)]).await,
                };
                taken.entry((step, is_known)).or_default().push(time);
            }
        }
    }
    // It was what it seems: half of them are real, or could be if they were served.
    let pairs = i64::try_from(pairs).unwrap();
    let real = if known == Known::Closed { 0 } else { pairs };
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, before[0] + real);
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, before[1] + 2 * pairs);
    taken
}
