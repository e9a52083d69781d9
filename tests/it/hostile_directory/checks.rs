//! The checks of `sspr agent doctor`, which an agent that runs makes by itself: as wary as its own connection.

use std::time::Duration;

use sspr::{
    agent::setup::{
        self,
        finding::{Code, Report},
    },
    base::{
        clock::Clock,
        config::{self, Config},
    },
};
use tokio::time::timeout;

use super::{
    fake::{Answer, Asked, BASE, BIND, SEARCH, STAFF, entry, message, result, tlv},
    good, nested, settings, watched,
};

async fn looks(directory: config::Directory) -> Report {
    let settings = config::Agent { directory, ..Config::from(None, []).unwrap().agent };
    setup::checkup(&settings, &Clock::system()).await
}

fn has(report: &Report, code: Code) -> bool {
    report.findings.iter().any(|finding| finding.code == code)
}

#[tokio::test]
async fn what_is_no_ldap_is_a_finding_and_ends_nothing() {
    // In place of the first answer that anybody gets, of the answer to the bind, and of one to the account.
    type Which = fn(&Asked) -> bool;
    let wanted: [(&str, Which); 3] = [
        ("what the server is", |asked| asked.op == SEARCH && asked.base.is_empty()),
        ("the bind", |asked| asked.op == BIND),
        ("the domain", |asked| asked.op == SEARCH && asked.base == BASE),
    ];
    for (what, is_it) in wanted {
        let fake =
            good(move |asked| if is_it(asked) { Answer::Bytes(message(asked.id, &tlv(0x79, &nested()))) } else { Answer::Decent }).await;
        let report = looks(settings(&fake.url())).await;
        assert!(has(&report, Code::DirectoryFault), "{what}: {}", report.text());
    }
}

#[tokio::test]
async fn a_value_of_a_gigabyte_takes_bounded_memory() {
    let value = |asked: &Asked| {
        let mut head = b"\x30\x84\x3f\xff\xff\xff\x02\x01\x03\x64\x84\x3f\xff\xff\xf0\x04\x84\x3f\xff\xff\x00".to_vec();
        head[8] = u8::try_from(asked.id).unwrap();
        head.resize(1 << 20, b'x');
        Answer::Flood(head)
    };
    let fake = good(move |asked| if asked.op == SEARCH && asked.base.is_empty() { value(asked) } else { Answer::Decent }).await;
    let (report, grown) = Box::pin(watched(looks(settings(&fake.url())))).await;
    assert!(has(&report, Code::DirectoryFault), "{}", report.text());
    assert!(grown < 700, "{grown} MiB");
}

/// Page after page, each in good time and of a size that one may have; what takes two bytes on the way takes many here.
#[tokio::test]
async fn units_without_end_are_given_up() {
    let sid = vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let account = move |asked: &Asked| {
        let one = entry("CN=svc,DC=corp,DC=example", &[("objectSid", vec![sid.clone()]), ("sAMAccountName", vec![b"svc".to_vec()])]);
        [message(asked.id, &one), message(asked.id, &result(0x65, 0, b""))].concat()
    };
    // With a cookie for more, whatever was asked.
    let page = |asked: &Asked| {
        let one = entry(STAFF, &[("description", vec![Vec::new(); 250_000])]);
        let cookie = tlv(0x30, &[tlv(0x02, &[0]), tlv(0x04, b"more")].concat());
        let control = tlv(0x30, &[tlv(0x04, b"1.2.840.113556.1.4.319"), tlv(0x04, &cookie)].concat());
        let number = [&[0][..], &asked.id.to_be_bytes()].concat();
        let done = tlv(0x30, &[tlv(0x02, &number), result(0x65, 0, b""), tlv(0xA0, &control)].concat());
        [message(asked.id, &one), done].concat()
    };
    let fake = good(move |asked| match (asked.op, asked.base.as_str()) {
        (SEARCH, "CN=svc,DC=corp,DC=example") => Answer::Bytes(account(asked)),
        (SEARCH, STAFF) => Answer::Bytes(page(asked)),
        _ => Answer::Decent,
    })
    .await;
    let report = timeout(Duration::from_mins(1), looks(settings(&fake.url()))).await.expect("it ends");
    assert!(report.text().contains("more than anybody has"), "{}", report.text());
}

#[tokio::test]
async fn nobody_signs_in_without_a_password() {
    let fake = good(|_| Answer::Decent).await;
    let report = looks(config::Directory { bind_password: String::new().into(), ..settings(&fake.url()) }).await;
    assert_eq!(fake.count(BIND), 0);
    let finding = report.findings.iter().find(|finding| finding.code == Code::SettingsIncomplete).expect("it is said");
    assert!(
        finding.text.contains("bind_password")
            && report.text().contains("SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE=/etc/sspr/bind_password")
    );
    // And at the door itself, whoever calls.
    let bare = config::Directory { bind_password: String::new().into(), ..settings(&fake.url()) };
    assert_eq!(setup::signs_in(&bare).await.unwrap_err().code, Code::SettingsIncomplete);
    assert_eq!(fake.count(BIND), 0);
}
