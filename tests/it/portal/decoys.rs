//! Names that don't exist, are disabled, protected or out of scope travel the same pages.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::{Client, header, redirect};
use sspr::{
    domain::{
        policies::{Draft, Method},
        users::{self, Name},
    },
    wire::message,
};
use uuid::Uuid;

use crate::support::{Cloud, HandAgent, Person, agent::somebody};

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut people = vec![somebody("alice"), somebody("bob"), somebody("carol"), somebody("dave"), somebody("erin")];
    people[1].enabled = false;
    people[2].protected = true;
    people[3].mail = None;
    people[3].mobile = None;
    agent.mirror(people).await;
    cloud
}

/// The pages as they read, with what must differ taken out.
async fn pages(cloud: &Cloud, name: &str) -> Vec<(u16, String, String)> {
    let mut seen = Vec::new();
    let mut person = Person::at(cloud);
    let plain = |person: &Person| {
        let masked = without_masks(&person.page.text());
        (person.page.status, person.page.path.clone(), masked)
    };
    person.opens("/").await.submits("/reset", &[("name", name)]).await;
    seen.push(plain(&person));
    person.submits("/reset/method", &[("method", "email")]).await;
    seen.push(plain(&person));
    for _ in 0..6 {
        person.submits("/reset/code", &[("code", "000000")]).await;
        seen.push(plain(&person));
    }
    seen
}

/// Words with a mask in them become one word.
fn without_masks(text: &str) -> String {
    text.split(' ').map(|word| if word.contains('•') { "MASKED" } else { word }).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn all_names_look_the_same() {
    let cloud = cloud().await;
    let known = pages(&cloud, "alice").await;
    assert_eq!(known.last().unwrap().0, 429, "five tries, then a wait");
    for name in ["nobody", "bob", "carol", "dave", "somebody.else@corp.example", "krbtgt"] {
        assert_eq!(pages(&cloud, name).await, known, "{name}");
    }
    // Only alice got mail: a code, and two notices that her tries are used up. For each of the others as much was written, to nobody.
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel <> 'none'").await, 3);
    assert_eq!(cloud.sql::<i64>("select count(*) from notices").await, 1);
}

#[tokio::test]
async fn the_wait_tells_nothing_about_who_is_who() {
    let cloud = cloud().await;
    for name in ["alice", "nobody"] {
        let mut person = Person::at(&cloud);
        person.asks_for_a_code(name).await;
        for _ in 0..5 {
            person.submits("/reset/code", &[("code", "000000")]).await;
        }
        for other in [format!("{name}@mail.example"), format!("{name}@corp.example"), format!("{name}@elsewhere.example")] {
            let mut person = Person::at(&cloud);
            person.asks_for_a_code(&other).await;
            person.submits("/reset/code", &[("code", "000000")]).await;
            assert_eq!(person.page.status, 429, "{other}");
        }
    }
}

#[tokio::test]
async fn a_decoy_is_stable_and_shaped_like_its_neighbours() {
    let cloud = cloud().await;
    let mut masks = Vec::new();
    for _ in 0..2 {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", "zoe")]).await;
        masks.push(person.page.text());
    }
    assert_eq!(masks[0], masks[1]);
    assert!(masks[0].contains("z•••@m•••.example"), "{}", masks[0]);
}

/// OpenLDAP numbers people one after the other: nobody is copied for everybody because of that.
#[tokio::test]
async fn decoys_are_shaped_after_many_people_and_not_after_one() {
    const PEOPLE: u32 = 40;
    const NAMES: u32 = 800;
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let numbered =
        |n: u32| message::Person { guid: Uuid::from_u128(0x1234_5678_0000_0000_0000 + u128::from(n)), ..somebody(&format!("p{n}")) };
    agent.mirror((0..PEOPLE).map(numbered).collect()).await;
    let (scope, mut conn) = (&cloud.tenant.scope, cloud.app.db.acquire().await.unwrap());
    let mut drawn: BTreeMap<Uuid, u32> = BTreeMap::new();
    for n in 0..NAMES {
        let name = Name::parse(&format!("nobody{n}")).unwrap();
        let similar = users::similar(scope, &name);
        let [first, again] = [
            users::candidates(&mut conn, scope, &name, &similar).await.unwrap().donors,
            users::candidates(&mut conn, scope, &name, &similar).await.unwrap().donors,
        ]
        .map(|donors| donors.iter().map(|(user, _)| user.user_id).collect::<Vec<_>>());
        assert_eq!(first, again, "the same name gets the same");
        assert_eq!(first.len(), 8);
        *drawn.entry(first[0]).or_default() += 1;
    }
    // 20 each would be even; what is seen is spread by the names' and the people's own chance.
    let most = drawn.values().max().unwrap();
    assert!(u32::try_from(drawn.len()).unwrap() >= PEOPLE * 9 / 10 && *most <= 4 * NAMES / PEOPLE, "{drawn:?}");
}

#[tokio::test]
async fn spelling_a_name_otherwise_tells_nothing() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    // Sign-in names that are numbers, as some have: the addresses begin otherwise.
    let mut people = vec![somebody("100210"), somebody("100203"), somebody("100207")];
    people[1].mail = Some("dora.d@corp.example".into());
    people[2].mail = Some("hugo.h@corp.example".into());
    people[0].mail = Some("a.smith@mail.example".into());
    agent.mirror(people).await;
    let masks = async |name: &str| {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await;
        person.page.text().split(' ').filter(|word| word.contains('•')).map(str::to_owned).collect::<Vec<_>>()
    };
    for local in ["100210", "a.smith", "nobody", "z.jones", "100203", "100299"] {
        let bare = masks(local).await;
        assert!(!bare.is_empty());
        for domain in ["corp.example", "mail.example", "elsewhere.example"] {
            assert_eq!(masks(&format!("{local}@{domain}")).await, bare, "{local}@{domain}");
        }
    }
    // A number that nobody has looks like one that somebody has: by a letter.
    assert!(masks("100299").await.iter().all(|mask| !mask.starts_with('1')));
}

#[tokio::test]
async fn nobody_is_verified_whatever_code_is_typed() {
    let cloud = cloud().await;
    let mut person = Person::at(&cloud);
    person.asks_for_a_code("nobody").await;
    // Even the digits that a decoy's challenge really has.
    let code = cloud.newest_code().await;
    person.submits("/reset/code", &[("code", &code)]).await.is_at("/reset/code").sees("does not fit");
    assert_eq!(person.ticket().await.0, 403);
    let verified = sqlx::query("update flows set state = 'verified', passed = '{email}'").execute(&cloud.app.db).await;
    assert!(verified.is_err(), "the schema itself refuses a verified decoy");
}

#[tokio::test]
async fn two_people_of_one_name_are_nobody() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let (mut one, mut two) = (somebody("one"), somebody("two"));
    one.mail = Some("shared@mail.example".into());
    two.mail = Some("Shared@mail.example".into());
    agent.mirror(vec![one, two]).await;
    Person::at(&cloud).asks_for_a_code("shared@mail.example").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, 0);
    Person::at(&cloud).asks_for_a_code("one").await;
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, 1);
}

/// What looks like somebody's name is not it, and whatever is typed, nothing goes anywhere but to the address on file.
#[tokio::test]
async fn a_name_that_looks_like_somebody_s_reaches_nobody() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    agent.mirror(vec![somebody("alice"), somebody("mike")]).await;
    for name in [
        "alıce",
        "ALİCE",
        "аlice",
        "ａｌｉｃｅ",
        "al\u{200b}ice",
        "alice\u{200e}",
        "ali\u{301}ce",
        "mıke",
        "mıke@mail.example",
        "mike@mail.exampl\u{435}",
        "mike@mаil.example",
        "mike@xn--mil-5cd.example",
        "mike@mail。example",
        "mike@mail.example.",
        "mike@mail.example,evil@evil.example",
    ] {
        let mut person = Person::at(&cloud);
        person.opens("/").await.submits("/reset", &[("name", name)]).await;
        if person.page.path.starts_with("/reset/method") {
            person.submits("/reset/method", &[("method", "email")]).await;
        }
        assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, 0, "{name}");
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel <> 'none'").await, 0);
    // Some of these begin as her name does, and have used up what it may have sent.
    sqlx::query("truncate limits").execute(&cloud.app.db).await.unwrap();
    // The Kelvin sign is a capital k to Unicode: it is hers who is called so, and her address is what the directory has.
    let mut person = Person::at(&cloud);
    person.asks_for_a_code("mi\u{212a}e@mail.example").await;
    cloud.inbox.wait_for("mike@mail.example", 0).await.unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from messages where channel <> 'none'").await, 1);
}

/// POST a form as a browser would and take the time until the answer, without following it. The cookies grow.
async fn timed(cloud: &Cloud, client: &Client, cookies: &mut BTreeMap<String, String>, path: &str, field: (&str, &str)) -> Duration {
    let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = client.post(format!("{}{path}", cloud.url)).header(header::ORIGIN, &cloud.url).header(header::COOKIE, cookie.join("; "));
    // Done while one types.
    let mut fields = vec![(field.0, field.1.to_owned())];
    if path == "/reset" {
        fields.push(("work", cloud.worked().await));
    }
    let request = request.form(&fields);
    let begun = Instant::now();
    let answer = request.send().await.unwrap();
    let taken = begun.elapsed();
    assert!([303, 422].contains(&answer.status().as_u16()), "{path}: {}", answer.status());
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
    taken
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

/// Shows a step that one kind of name takes and the other does not: a query more, a slow hash, a mail sent while the person
/// waits. Cannot show what a patient attacker finds with thousands of requests in a quiet network: a few per cent, for which a
/// machine at tests is far too noisy. Interleaved, and each first in every other round, so that the noise hits both alike; and what was
/// too noisy is measured anew, twice: what differs, differs every time.
#[tokio::test]
async fn names_take_the_same_time() {
    take_the_same_time(300, false).await;
}

/// Everybody has an account that follows, in another directory.
#[tokio::test]
async fn names_take_the_same_time_where_directories_are_linked() {
    take_the_same_time(100, true).await;
}

const STEPS: [(&str, &str); 3] = [("/reset", "name"), ("/reset/method", "method"), ("/reset/code", "code")];

/// Where to get a code, and a wrong one.
const WAYS: [(&str, &str); 4] = [("email", "000000"), ("sms", "000000"), ("totp", "000000"), ("help_desk", "0000 0000")];

/// A pair is one real name and one that nobody has.
async fn take_the_same_time(pairs: usize, linked: bool) {
    const ATTEMPTS: usize = 3;
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    cloud.policy(|terms| Draft { methods: Method::ALL.into(), ..terms }).await;
    let people: Vec<_> = (0..pairs).map(|n| somebody(&format!("known{n}"))).collect();
    agent.mirror(people.clone()).await;
    if linked {
        let mut lab = cloud.agent_of(cloud.linked_connector("Lab").await).await;
        let follows = |(n, person): (usize, message::Person)| message::Person {
            guid: Uuid::from_u128(n as u128 + 1),
            sign_in_name: format!("{}.lab", person.sign_in_name),
            ..person
        };
        lab.mirror(people.into_iter().enumerate().map(follows).collect()).await;
    }
    for n in 0..pairs {
        cloud.registers_app(&format!("known{n}"), time::Duration::ZERO).await;
    }
    let mut said = Vec::new();
    for _ in 0..ATTEMPTS {
        let taken = measured(&cloud, &mut agent, pairs).await;
        let apart = STEPS.map(|(path, _)| {
            let [known, unknown] = [true, false].map(|known| &taken[&(path, known)]);
            (path, 1e3 * (median(known) - median(unknown)), cliffs_delta(known, unknown))
        });
        said.push(format!("{pairs} pairs, ms between medians, Cliff's delta: {apart:.3?}"));
        if apart.iter().all(|(_, ms, delta)| ms.abs() < 5.0 && delta.abs() < 0.15) {
            println!("{said:#?}");
            return;
        }
    }
    panic!("{said:#?}");
}

async fn measured(cloud: &Cloud, agent: &mut HandAgent, pairs: usize) -> BTreeMap<(&'static str, bool), Vec<Duration>> {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    let mut taken: BTreeMap<_, Vec<Duration>> = BTreeMap::new();
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
        let mut cookies = [BTreeMap::new(), BTreeMap::new()];
        for (path, field) in STEPS {
            for known in kinds {
                let name = format!("{}{round}", if known { "known" } else { "other" });
                let value = match field {
                    "name" => name.as_str(),
                    "method" => way,
                    _ => wrong,
                };
                let time = timed(cloud, &client, &mut cookies[usize::from(known)], path, (field, value)).await;
                taken.entry((path, known)).or_default().push(time);
            }
        }
    }
    // It was what it seems: half of them are real.
    let pairs = i64::try_from(pairs).unwrap();
    assert_eq!(cloud.sql::<i64>("select count(*) from flows where user_id is not null").await, before[0] + pairs);
    assert_eq!(cloud.sql::<i64>("select count(*) from flows").await, before[1] + 2 * pairs);
    taken
}
