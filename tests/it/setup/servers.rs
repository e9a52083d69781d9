//! Every server of the directory is looked at, not only the first.

use std::collections::BTreeMap;

use sspr::{
    agent::setup::finding::{Code, Report},
    lab::dns::Dns,
};

use super::{complaints, looks, settings, the};
use crate::agent::both;

fn about(report: &Report, code: Code) -> Vec<&str> {
    report.findings.iter().filter(|finding| finding.code == code).map(|finding| finding.about.as_str()).collect()
}

#[tokio::test]
async fn each_server_has_a_line_and_one_that_is_away_is_told_apart() {
    let [hints, none] = both();
    for (samba, lacks) in [(&hints.samba, ""), (&none.samba, "hints_missing")] {
        let port = samba.ldaps_url.rsplit(':').next().unwrap();
        let mut settings = settings(samba);
        settings.directory.url = "ldaps://127.0.0.1:1".into();
        settings.directory.fallback_urls = vec![samba.ldaps_url.clone(), format!("ldaps://localhost:{port}")];
        let report = looks(&settings).await;
        let both = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        assert_eq!(about(&report, Code::ServerOk), both, "{}", report.text());
        assert_eq!(about(&report, Code::ServerAway), ["127.0.0.1:1"]);
        // What is the same everywhere is asked once; what a server can do, of each.
        assert_eq!((about(&report, Code::RightsOk).len(), about(&report, Code::BindOk).len()), (1, 1));
        let mut wanted = vec![lacks; if lacks.is_empty() { 0 } else { 2 }];
        wanted.push("server_away");
        assert_eq!(complaints(&report), wanted, "{}", report.text());
    }
    // A certificate that does not hold is a fault at each of them.
    let mut wrong = settings(&hints.samba);
    wrong.directory.fallback_urls = vec![none.samba.ldaps_url.clone()];
    assert_eq!(complaints(&looks(&wrong).await), ["tls_unknown_ca"]);
    // A refused account is tried once, however many servers there are.
    let mut wrong = settings(&none.samba);
    wrong.directory.fallback_urls = vec![none.samba.ldaps_url.replace("127.0.0.1", "localhost")];
    wrong.directory.bind_dn = "nobody@corp.example".into();
    assert_eq!(complaints(&looks(&wrong).await), ["bind_refused"]);
}

#[tokio::test]
async fn servers_that_dns_names_are_looked_at_as_well() {
    let samba = &both()[1].samba;
    let port: u16 = samba.ldaps_url.rsplit(':').next().unwrap().parse().unwrap();
    let services = BTreeMap::from([
        ("_ldap._tcp.dc._msdcs.corp.example", vec![(0, 1, 389, "twin.corp.example"), (0, 0, 389, "dc1.corp.example")]),
        ("_ldaps._tcp.corp.example", vec![(0, 0, port, "dc1.corp.example"), (0, 0, port, "twin.corp.example")]),
    ]);
    let dns = Dns::start(services).await.unwrap();
    let mut settings = settings(samba);
    settings.directory.url = String::new();
    settings.directory.discovery_domain = "corp.example".into();
    settings.directory.dns_server = dns.at.to_string();
    let report = looks(&settings).await;
    assert_eq!(
        about(&report, Code::ServerOk),
        [format!("twin.corp.example:{port}"), format!("dc1.corp.example:{port}")],
        "{}",
        report.text()
    );
    assert_eq!(complaints(&report), ["hints_missing", "hints_missing"], "{}", report.text());
    assert!(the(&report, Code::ServerOk).text.contains("takes the account"));
    dns.says(Some(BTreeMap::new()));
    assert_eq!(complaints(&looks(&settings).await), ["discovery_failed"]);
}
