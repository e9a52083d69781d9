//! The way to the directory: its name, its certificate, our account.

use std::collections::BTreeMap;

use sspr::{
    agent::{
        dns,
        setup::{self, Extent, finding::Code},
    },
    base::clock::Clock,
    lab::dns::Dns,
};

use super::{complaints, looks, settings, the};
use crate::agent::both;

const YEARS: i64 = 365 * 86_400;

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_and_how_to_mend_it() {
    let (samba, other) = (&both()[0].samba, &both()[1].samba);
    let with = |change: &dyn Fn(&mut sspr::base::config::Directory)| {
        let mut settings = settings(samba);
        change(&mut settings.directory);
        settings
    };
    let report = looks(&with(&|_| ())).await;
    assert!(the(&report, Code::TlsOk).text.contains("dc1.corp.example"), "{}", report.text());

    // Nothing is sent to a server whose certificate does not hold: the bind is not tried.
    let report = looks(&with(&|directory| directory.ca_file.clone_from(&other.ca_file))).await;
    assert_eq!(complaints(&report), ["tls_unknown_ca"], "{}", report.text());
    assert!(!report.has(Code::BindOk));
    let report = looks(&with(&|directory| directory.server_name = "dc2.corp.example".into())).await;
    assert_eq!(complaints(&report), ["tls_name_mismatch"]);
    let finding = the(&report, Code::TlsNameMismatch);
    assert!(finding.text.contains("is asked for as dc2.corp.example"), "{}", finding.text);
    assert!(report.text().contains("server_name = \"dc1.corp.example\""), "{}", report.text());
    let report = looks(&with(&|directory| directory.ca_file = "/nowhere/ca.pem".into())).await;
    assert_eq!(complaints(&report), ["tls_ca_unreadable"]);

    // The same certificate, on another day.
    let (later, earlier) = (Clock::system(), Clock::system());
    later.advance(50 * YEARS);
    earlier.advance(-YEARS);
    let report = setup::preflight(&with(&|_| ()), Extent::default(), &later).await;
    assert_eq!(complaints(&report), ["tls_expired"], "{}", report.text());
    let report = setup::preflight(&with(&|_| ()), Extent::default(), &earlier).await;
    assert_eq!(complaints(&report), ["tls_not_yet_valid"], "{}", report.text());
}

#[tokio::test]
async fn a_port_that_is_none_or_another_is_told_apart() {
    let samba = &both()[1].samba;
    let mut settings = settings(samba);
    settings.directory.url = "ldaps://127.0.0.1:1".into();
    assert_eq!(complaints(&looks(&settings).await), ["tls_unreachable"]);
    let port: u16 = samba.ldaps_url.rsplit(':').next().unwrap().parse().unwrap();
    settings.directory.url = format!("ldaps://127.0.0.1:{}", port - 636 + 389);
    let report = looks(&settings).await;
    assert_eq!(complaints(&report), ["tls_not_spoken"], "{}", report.text());
}

#[tokio::test]
async fn a_refused_account_and_a_wrong_place_are_told() {
    let samba = &both()[1].samba;
    let mut wrong = settings(samba);
    wrong.directory.bind_dn = "nobody@corp.example".into();
    let report = looks(&wrong).await;
    assert_eq!(complaints(&report), ["bind_refused"]);
    assert!(the(&report, Code::BindRefused).text.contains("wrong name or password"));
    let mut wrong = settings(samba);
    wrong.directory.users_dn = format!("OU=Nowhere,{}", samba.base_dn);
    let report = looks(&wrong).await;
    assert!(complaints(&report).contains(&"users_missing"), "{}", report.text());
    let mut wrong = settings(samba);
    wrong.directory.base_dn = String::new();
    assert_eq!(complaints(&looks(&wrong).await), ["settings_incomplete"]);
}

#[tokio::test]
async fn domain_controllers_are_found_by_dns() {
    let services = BTreeMap::from([
        ("_ldap._tcp.berlin._sites.dc._msdcs.corp.example", vec![(0, 100, 389, "dc3.corp.example")]),
        (
            "_ldap._tcp.dc._msdcs.corp.example",
            vec![
                (10, 0, 389, "dc9.corp.example"),
                (0, 10, 389, "DC1.corp.example"),
                (0, 90, 389, "dc2.corp.example"),
                (0, 100, 389, "dc3.corp.example"),
            ],
        ),
        ("_ldaps._tcp.corp.example", vec![(0, 0, 1636, "dc2.corp.example")]),
    ]);
    let server = Dns::start(services).await.unwrap();
    let at = server.at.to_string();
    let found = async |site: &str| {
        let found = dns::controllers("corp.example", site, &at).await.unwrap();
        found.all.into_iter().map(|controller| format!("{}:{}", controller.host, controller.port)).collect::<Vec<_>>()
    };
    let everybody = ["dc3.corp.example:636", "dc2.corp.example:1636", "dc1.corp.example:636", "dc9.corp.example:636"];
    assert_eq!(found("").await, everybody, "by priority, then weight");
    assert_eq!(found("berlin").await, everybody);
    assert_eq!(found("nowhere").await, everybody, "a site without controllers has the domain's");
    assert_eq!(dns::controllers("other.example", "", &at).await.unwrap().all, []);

    let mut settings = settings(&both()[1].samba);
    settings.directory.dns_server = at;
    assert!(the(&looks(&settings).await, Code::DnsOk).text.contains("4 servers of it: dc3.corp.example, dc2"));
    settings.directory.url = "ldaps://localhost:1".into();
    assert!(the(&looks(&settings).await, Code::DnsOtherServer).text.contains("another: localhost"));
    settings.directory.dns_server = "127.0.0.1:9".into();
    assert!(looks(&settings).await.has(Code::DnsSilent));
}
