//! Directories that nobody means well with: false certificates, referrals to elsewhere, silence, endless and broken answers. The agent
//! says that it cannot reach its directory, within its time and in bounded memory, and goes on.

mod checks;
mod fake;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sspr::{
    agent::{
        directory::{Directory, Trouble, ad::Ad},
        time::Time,
    },
    base::{
        clock::Clock,
        config::{self, Config},
    },
    wire::outcome::Code,
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use uuid::Uuid;

use self::fake::{
    Answer, Asked, BASE, BIND, Certificate, Fake, MODIFY, PKI, SEARCH, STAFF, account, decent, entry, message, result, text, tlv,
};
use crate::agent::{Bench, without_hints};

/// Settings that trust our authority.
fn settings(url: &str) -> config::Directory {
    config::Directory {
        url: url.to_owned(),
        ca_file: PKI.ca(),
        server_name: String::new(),
        bind_dn: "CN=svc,DC=corp,DC=example".into(),
        bind_password: "Service-Password-1".to_owned().into(),
        base_dn: BASE.into(),
        users_dn: STAFF.into(),
        ..Config::from(None, []).unwrap().agent.directory
    }
}

fn directory(url: &str) -> Ad {
    Ad::new(&settings(url), Time::new(Clock::system())).unwrap()
}

/// The whole decision over these servers. (The domain only lends its name.)
fn bench(urls: &[String]) -> Bench {
    Bench::with(&without_hints().samba, |agent| {
        agent.directory = config::Directory { fallback_urls: urls[1..].to_vec(), ..settings(&urls[0]) };
    })
}

async fn good(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Fake {
    Fake::start(Certificate::Good, "dc1.corp.example", script).await
}

const ANN: Uuid = Uuid::from_u128(7);

#[tokio::test]
async fn a_decent_server_is_served() {
    // Else all that follows would prove nothing.
    let fake = good(|_| Answer::Decent).await;
    assert!(directory(&fake.url()).health().await.reachable);
    assert_eq!(bench(&[fake.url()]).reset(ANN, "Quite-New-1").await, Code::Interrupted, "it says yes, and nothing moved");
    assert_eq!(fake.count(MODIFY), 1);
}

#[tokio::test]
async fn nobody_is_told_our_password_whose_certificate_is_not_right() {
    for certificate in [Certificate::Expired, Certificate::SelfSigned, Certificate::OtherCa, Certificate::OtherName] {
        let fake = Fake::start(certificate, "dc1.corp.example", |_| Answer::Decent).await;
        assert!(!directory(&fake.url()).health().await.reachable, "{certificate:?}");
        assert_eq!(bench(&[fake.url()]).reset(ANN, "Quite-New-1").await, Code::DirectoryUnreachable, "{certificate:?}");
        assert_eq!((fake.count(BIND), fake.count(SEARCH)), (0, 0), "{certificate:?}");
    }
    // The name that counts is the one in the settings.
    let fake = Fake::start(Certificate::OtherName, "dc1.corp.example", |_| Answer::Decent).await;
    let named = config::Directory { server_name: "dc9.corp.example".into(), ..settings(&fake.url()) };
    assert!(Ad::new(&named, Time::new(Clock::system())).unwrap().health().await.reachable);
}

#[tokio::test]
async fn without_tls_nothing_is_said() {
    for url in ["ldap://127.0.0.1:389", "ldap://dc1.corp.example", "http://127.0.0.1", "ldapi:///"] {
        let refused = Ad::new(&settings(url), Time::new(Clock::system())).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(refused.contains("must begin with ldaps://") && refused.contains("agent.directory.url"), "{url}: {refused}");
        let more = config::Directory { fallback_urls: vec![url.to_owned()], ..settings("ldaps://127.0.0.1") };
        assert!(Ad::new(&more, Time::new(Clock::system())).is_err(), "{url}");
    }
    // A port that was LDAPS yesterday, and answers in the clear today.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let heard = tokio::spawn({
        let url = format!("ldaps://{}", plain.local_addr().unwrap());
        async move {
            let health = directory(&url).health().await;
            assert!(!health.reachable);
        }
    });
    let (mut stream, _) = plain.accept().await.unwrap();
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes).await.unwrap();
    let said = String::from_utf8_lossy(&bytes[..count]).into_owned();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &message(1, &result(0x61, 0, b""))).await.unwrap();
    drop(stream);
    assert!(!said.contains("Service-Password-1") && !said.contains("svc"));
    // What it tries next, it tries the same way.
    drop(plain);
    heard.await.unwrap();
}

/// Counts who connects.
async fn trap() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, fallen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = fallen.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, fallen)
}

#[tokio::test]
async fn nobody_follows_a_referral() {
    let (trap, fallen) = trap().await;
    let elsewhere = text(&format!("ldap://{trap}/DC=corp,DC=example"));
    let referral = tlv(0xA3, &elsewhere);
    // In place of each answer, and beside it.
    for op in [BIND, SEARCH, MODIFY] {
        let (elsewhere, referral) = (elsewhere.clone(), referral.clone());
        let fake = good(move |asked| {
            let kind = asked.op + if asked.op == SEARCH { 2 } else { 1 };
            match asked.op {
                asked_op if asked_op == op => Answer::Bytes(message(asked.id, &result(kind, 10, &referral))),
                SEARCH => Answer::Bytes([message(asked.id, &tlv(0x73, &elsewhere)), decent(asked, "dc1.corp.example")].concat()),
                _ => Answer::Decent,
            }
        })
        .await;
        let bench = bench(&[fake.url()]);
        assert_eq!(bench.directory.health().await.reachable, op == MODIFY, "{op:X}");
        assert_eq!(bench.reset(ANN, "Quite-New-1").await, Code::DirectoryUnreachable, "{op:X}");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fallen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn silence_at_any_point_is_given_up_in_time() {
    for silent in [BIND, SEARCH] {
        let fake = good(move |asked| if asked.op == silent { Answer::Nothing } else { Answer::Decent }).await;
        let begun = Instant::now();
        assert!(!directory(&fake.url()).health().await.reachable);
        assert!(begun.elapsed() < Duration::from_secs(13), "{silent:X}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn answers_in_drops_and_answers_without_end_are_given_up_in_time() {
    // A byte now and then; and entry after entry, each in good time.
    let drops: fn(&Asked) -> Answer = |asked| Answer::Drip(decent(asked, "dc1.corp.example"), 1, Duration::from_millis(300));
    let entries: fn(&Asked) -> Answer = |asked| {
        let one = message(asked.id, &account("<GUID=00000000-0000-0000-0000-000000000007>", "CN=Ann,OU=Staff,DC=corp,DC=example", "ann"));
        Answer::Drip(one.repeat(600), one.len(), Duration::from_millis(100))
    };
    for (what, answer) in [("drops", drops), ("entries", entries)] {
        let fake = good(move |asked| if asked.base.starts_with("<GUID=") { answer(asked) } else { Answer::Decent }).await;
        let begun = Instant::now();
        assert!(matches!(directory(&fake.url()).inspect(ANN).await, Err(Trouble::Unreachable(_))), "{what}");
        assert!(begun.elapsed() < Duration::from_secs(12), "{what}: {:?}", begun.elapsed());
    }
}

/// KiB of memory that this process holds.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What it comes to, and by how many MiB this process grew meanwhile.
async fn watched<T>(doing: impl Future<Output = T>) -> (T, u64) {
    let (before, most, stop) = (memory(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, stopped) = (most.clone(), stop.clone());
    let watching = std::thread::spawn(move || {
        while !stopped.load(Ordering::SeqCst) {
            seen.fetch_max(usize::try_from(memory()).unwrap(), Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let done = doing.await;
    stop.store(true, Ordering::SeqCst);
    watching.join().unwrap();
    (done, (most.load(Ordering::SeqCst) as u64).saturating_sub(before) >> 10)
}

#[tokio::test]
async fn an_answer_of_any_size_takes_bounded_memory() {
    let one = |id: u32, value: &[u8]| message(id, &entry("CN=Ann,OU=Staff,DC=corp,DC=example", &[("description", vec![value.to_vec()])]));
    // A gigabyte announced; a gigabyte in one value; more entries than anybody has; messages that nobody asked for.
    let announced = |_: &Asked| Answer::Flood(b"\x30\x84\x40\x00\x00\x00".to_vec());
    let value = |asked: &Asked| {
        let mut head = message(asked.id, b"");
        head.truncate(0);
        head.extend(b"\x30\x84\x3f\xff\xff\xff\x02\x01\x03\x64\x84\x3f\xff\xff\xf0\x04\x84\x3f\xff\xff\x00");
        head.resize(1 << 20, b'x');
        Answer::Flood(head)
    };
    let entries = move |asked: &Asked| Answer::Flood(one(asked.id, &b"x".repeat(30_000)));
    let small = move |asked: &Asked| Answer::Flood(one(asked.id, b"x"));
    let unasked = move |asked: &Asked| Answer::Flood(one(asked.id + 1000, b"x"));
    let notices = |_: &Asked| Answer::Flood(message(0, &result(0x78, 52, b"")));
    type Scripted = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;
    let floods: [(&str, Scripted); 6] = [
        ("announced", Box::new(announced)),
        ("value", Box::new(value)),
        ("entries", Box::new(entries)),
        ("small", Box::new(small)),
        ("unasked", Box::new(unasked)),
        ("notices", Box::new(notices)),
    ];
    for (what, flood) in floods {
        let fake = good(move |asked| if asked.base.starts_with("<GUID=") { flood(asked) } else { Answer::Decent }).await;
        let directory = directory(&fake.url());
        assert!(directory.health().await.reachable);
        let begun = Instant::now();
        let (answer, grown) = watched(directory.inspect(ANN)).await;
        assert!(matches!(answer, Err(Trouble::Unreachable(_))), "{what}: {answer:?}");
        println!("{what}: {grown} MiB, {:?}", begun.elapsed());
        // Other tests of this process take some, too.
        assert!(grown < 700, "{what}: {grown} MiB");
        assert!(begun.elapsed() < Duration::from_secs(15), "{what}: {:?}", begun.elapsed());
    }
}

/// Built from the inside: each level a header of its own.
fn nested() -> Vec<u8> {
    let mut deep = Vec::new();
    for _ in 0..100_000 {
        let length = u32::try_from(deep.len()).unwrap().to_be_bytes();
        deep.extend(length.into_iter().rev());
        deep.extend([0x84, 0x30]);
    }
    deep.reverse();
    deep
}

#[tokio::test]
async fn what_is_no_ldap_breaks_the_connection_and_nothing_else() {
    let deep = nested();
    let dn = text("CN=Ann,OU=Staff,DC=corp,DC=example");
    type Bad = Box<dyn Fn(u32) -> Vec<u8> + Send + Sync>;
    let bad: Vec<(&str, Bad)> = vec![
        ("nesting without end", Box::new(move |id| message(id, &tlv(0x79, &deep)))),
        ("an empty message", Box::new(|_| vec![0x30, 0])),
        ("no operation", Box::new(|id| message(id, b""))),
        ("an operation that servers do not make", Box::new(|id| message(id, &tlv(0x63, b"")))),
        ("an entry without attributes", Box::new(move |id| message(id, &tlv(0x64, &dn)))),
        ("a name that is not UTF-8", Box::new(|id| message(id, &tlv(0x64, &[tlv(4, b"\xff\xfe"), tlv(0x30, b"")].concat())))),
        ("an attribute that is a number", Box::new(|id| message(id, &tlv(0x64, &[text("CN=x"), tlv(0x30, &tlv(2, b"\x01"))].concat())))),
        ("a result without a code", Box::new(|id| message(id, &tlv(0x65, b"")))),
        ("a text that is not UTF-8", Box::new(|id| message(id, &tlv(0x65, &[tlv(0x0A, b"\0"), tlv(4, b"\xff"), text("")].concat())))),
        ("an indefinite length", Box::new(|_| b"\x30\x80\x02\x01\x03\0\0".to_vec())),
        ("a part longer than the whole", Box::new(|_| vec![0x30, 5, 0x02, 0x20, 0, 0, 0])),
        ("another protocol", Box::new(|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        ("zeros", Box::new(|_| vec![0; 100])),
    ];
    for (what, bytes) in bad {
        let healed = Arc::new(AtomicBool::new(false));
        let good_now = healed.clone();
        let fake = good(move |asked| {
            if asked.base.starts_with("<GUID=") && !good_now.load(Ordering::SeqCst) {
                Answer::Bytes(bytes(asked.id))
            } else {
                Answer::Decent
            }
        })
        .await;
        let directory = directory(&fake.url());
        let answer = directory.inspect(ANN).await;
        assert!(matches!(answer, Err(Trouble::Unreachable(_))), "{what}: {answer:?}");
        healed.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(directory.inspect(ANN).await.unwrap().unwrap().sam, "ann", "{what}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_serve_is_passed_over() {
    let two = |script: fn(&Asked) -> Answer| async move { good(script).await };
    let code_to = |op: u8, kind: u8, code: u8| {
        move |asked: &Asked| if asked.op == op { Answer::Bytes(message(asked.id, &result(kind, code, b""))) } else { Answer::Decent }
    };
    let root_with = |name: &'static str, value: &'static str| {
        move |asked: &Asked| {
            if asked.op == SEARCH && asked.base.is_empty() {
                let mut attributes = fake::root("dc1.corp.example");
                attributes.retain(|(known, _)| *known != name);
                attributes.push((name, vec![value.as_bytes().to_vec()]));
                let found = message(asked.id, &entry("", &attributes));
                return Answer::Bytes([found, message(asked.id, &result(0x65, 0, b""))].concat());
            }
            Answer::Decent
        }
    };
    let first = [
        ("busy", good(code_to(MODIFY, 0x67, 51)).await, 1),
        ("unavailable", good(code_to(MODIFY, 0x67, 52)).await, 1),
        ("a referral", good(code_to(MODIFY, 0x67, 10)).await, 1),
        ("busy reading", good(code_to(SEARCH, 0x65, 51)).await, 0),
        ("read-only", good(root_with("supportedCapabilities", "1.2.840.113556.1.4.1920")).await, 0),
        ("not caught up", good(root_with("isSynchronized", "FALSE")).await, 0),
        ("gone", two(|_| Answer::Close).await, 0),
    ];
    for (what, first, asked) in first {
        let second = Fake::start(Certificate::Good, "dc2.corp.example", |_| Answer::Decent).await;
        let bench = bench(&[first.url(), second.url()]);
        let result = bench.run(&bench.job(ANN, "Quite-New-1")).await;
        // It says yes and nothing moves, as our attacker cannot do what it says.
        assert_eq!((result.code, result.dc.as_str()), (Code::Interrupted, "dc2.corp.example"), "{what}");
        assert_eq!((first.count(MODIFY), second.count(MODIFY)), (asked, 1), "{what}");
    }
}

#[tokio::test]
async fn what_a_server_calls_itself_is_cut_to_a_name() {
    let name: &'static str = Box::leak(format!("dc1\0\u{202e}\u{1F5DD} <b>{}", "x".repeat(100_000)).into_boxed_str());
    let fake = Fake::start(Certificate::Good, name, |_| Answer::Decent).await;
    let bench = bench(&[fake.url()]);
    let health = bench.directory.health().await;
    let result = bench.run(&bench.job(ANN, "Quite-New-1")).await;
    for told in [&health.dc, &health.servers[0].name, &result.dc] {
        assert!(told.starts_with("dc1<b>xxx") && told.len() <= 255, "{}", told.escape_default());
    }
}
