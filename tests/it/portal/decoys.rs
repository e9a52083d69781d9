//! Names that don't exist, are disabled, protected or out of scope travel the same pages.

use std::collections::BTreeMap;

use sspr::{
    domain::{
        policies::{Draft, Method},
        users::{self, Name},
    },
    wire::message,
};
use uuid::Uuid;

use crate::support::{Cloud, Person, agent::somebody};

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

/// The first methods on the page with what is shown of each.
async fn masks(cloud: &Cloud, first: &str, name: &str) -> BTreeMap<String, String> {
    let mut person = Person::at(cloud);
    person.opens(first).await.submits(if first == "/" { "/reset" } else { first }, &[("name", name)]).await.is_at("/reset/method");
    let options: String = cloud.sql("select options::text from flows order by flow_id desc limit 1").await;
    let options: Vec<serde_json::Value> = serde_json::from_str(&options).unwrap();
    let text = |one: &serde_json::Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    options.iter().map(|one| (text(one, "method"), text(one, "masked"))).filter(|(_, masked)| !masked.is_empty()).collect()
}

/// Whoever cannot reset but can sign in is nobody at one door and themselves at the other: that must not show.
#[tokio::test]
async fn a_name_shows_the_same_at_every_door() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    // Addresses that begin unlike their names, as private ones do, and a few who have no number or no mail.
    let people = (0..12).map(|n| {
        let name = format!("{}{n}", ["ann", "ben", "cleo", "dora"][n % 4]);
        let mut person = somebody(&name);
        person.private_mail = (n % 3 > 0).then(|| format!("{}{n}@home{n}.example", ["kitty", "zoe", "ann"][n % 3]));
        person.mobile = (n % 5 > 0).then(|| format!("+1555010{:02}", 20 + n));
        person
    });
    agent.mirror(people.collect()).await;
    cloud.gates(2).await;
    let methods = vec![Method::PrivateEmail, Method::Email, Method::Sms, Method::Totp];
    // Mail and number are one: without an app nobody can reset, and everybody can sign in.
    cloud.policy(|terms| Draft { methods, gates: 2, apart: false, cooling_off: 0, ..terms }).await;
    cloud.registers_app("ann4", time::Duration::ZERO).await;
    let (mut compared, mut apart) = ([0, 0], [0, 0]);
    for n in 0..24 {
        let name = format!("{}{n}", ["ann", "ben", "cleo", "dora"][n % 4]);
        let doors =
            [masks(&cloud, "/", &name).await, masks(&cloud, "/change", &name).await, masks(&cloud, "/account/sign-in", &name).await];
        agent.beat(true).await;
        sqlx::query("truncate spent_work, limits").execute(&cloud.app.db).await.unwrap();
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            for (method, masked) in &doors[one] {
                let Some(same) = doors[other].get(method) else { continue };
                compared[n / 12] += 1;
                apart[n / 12] += i32::from(same != masked);
            }
        }
    }
    assert_eq!(apart, [0, 0], "of {compared:?}: people, and names that nobody has");
    assert!(compared[0] > 20 && compared[1] > 20, "{compared:?}");
}
