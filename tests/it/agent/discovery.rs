//! Servers that DNS names: who is found, in which order, what becomes of those that come and go, and what a lie can do.

use std::{collections::BTreeMap, time::Duration};

use sspr::{
    agent::directory::Directory,
    lab::{
        dns::{Dns, Services},
        samba::{Release, Samba, SambaOptions},
    },
    wire::{message::DirectoryHealth, outcome::Code},
};
use tokio::time::sleep;

use super::{Bench, Domain, Someone, accepts, failover::at};

const ONE: &str = "dc1.corp.example";
/// What the other one calls itself; DNS knows it as `twin.corp.example`.
const TWO: &str = "dc2.corp.example";
const TWIN: &str = "twin.corp.example";

fn port(samba: &Samba) -> u16 {
    samba.ldaps_url.rsplit(':').next().unwrap().parse().unwrap()
}

/// `near`: those of the site Berlin. All: host and port of LDAPS, the preferred ones first.
fn records(near: &[&'static str], all: &[(&'static str, u16)]) -> Services {
    let mut services = BTreeMap::new();
    if !near.is_empty() {
        let near = near.iter().map(|host| (0, 100, 389, *host)).collect();
        services.insert("_ldap._tcp.berlin._sites.dc._msdcs.corp.example", near);
    }
    let listed = (0..).zip(all).map(|(priority, (host, _))| (priority, 100, 389, *host)).collect();
    services.insert("_ldap._tcp.dc._msdcs.corp.example", listed);
    services.insert("_ldaps._tcp.corp.example", all.iter().map(|(host, port)| (0, 0, *port, *host)).collect());
    services
}

fn bench(samba: &Samba, dns: &Dns) -> Bench {
    Bench::with(samba, |settings| {
        let directory = &mut settings.directory;
        directory.url = String::new();
        // Holds for addresses in the settings only.
        directory.server_name = "elsewhere.example".into();
        directory.discovery_domain = "Corp.Example".into();
        directory.site = "Berlin".into();
        directory.dns_server = dns.at.to_string();
    })
}

fn told(health: &DirectoryHealth) -> Vec<(&str, bool)> {
    health.servers.iter().map(|server| (server.name.as_str(), server.reachable)).collect()
}

async fn until(bench: &Bench, what: &str, is: impl Fn(&DirectoryHealth) -> bool) {
    for _ in 0..150 {
        if is(&bench.directory.health().await) {
            return;
        }
        sleep(Duration::from_millis(200)).await;
    }
    panic!("not {what}: {:?}", bench.directory.health().await);
}

async fn reset(bench: &Bench, someone: &Someone, password: &str) -> (Code, String) {
    let result = bench.run(&bench.job(someone.guid, password)).await;
    (result.code, result.dc)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_found_come_and_go_and_those_of_our_site_come_first() {
    let domain = Domain::start(&SambaOptions { release: Release::System, ..SambaOptions::default() });
    let one = &domain.samba;
    let two = one.twin(TWO).await.unwrap();
    let (sue, tom) = (domain.somebody().await, domain.somebody().await);
    let both = [(ONE, port(one)), (TWIN, port(&two))];
    let dns = Dns::start(records(&[TWIN], &both)).await.unwrap();
    let bench = bench(one, &dns);

    // The first question waits for DNS.
    assert_eq!(reset(&bench, &sue, "Quite-New-1").await, at(Code::Applied, TWO), "of our site, though of lower priority");
    assert!(accepts(&two, &sue, "Quite-New-1").await && !accepts(one, &sue, "Quite-New-1").await);
    until(&bench, "both", |health| health.dc == TWO && told(health) == [(TWO, true), (ONE, true)]).await;

    // One of them is not named any more: who was written there is still, nobody else is.
    dns.says(Some(records(&[], &both[..1])));
    until(&bench, "one", |health| health.dc == ONE && told(health) == [(ONE, true)]).await;
    assert_eq!(reset(&bench, &sue, "Quite-New-2").await, at(Code::Applied, TWO));
    assert_eq!(reset(&bench, &tom, "Quite-New-1").await, at(Code::Applied, ONE));

    // DNS goes away: what was known stays.
    dns.says(None);
    sleep(Duration::from_secs(14)).await;
    assert_eq!(told(&bench.directory.health().await), [(ONE, true)]);
    assert_eq!(reset(&bench, &tom, "Quite-New-2").await, at(Code::Applied, ONE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_one_that_was_found_takes_over_when_one_dies() {
    let domain = Domain::start(&SambaOptions { release: Release::System, ..SambaOptions::default() });
    let one = &domain.samba;
    let two = one.twin(TWO).await.unwrap();
    let sue = domain.somebody().await;
    let dns = Dns::start(records(&[], &[(ONE, port(one)), (TWIN, port(&two))])).await.unwrap();
    let bench = bench(one, &dns);
    until(&bench, "both", |health| health.dc == ONE && told(health) == [(ONE, true), (TWO, true)]).await;
    one.stop().unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(reset(&bench, &sue, "Quite-New-1").await, at(Code::Applied, TWO));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_server_that_lies_gets_no_password() {
    let samba = &super::without_hints().samba;
    // All are our own domain controller, which would take the password: outside of the domain, the domain itself, and a name that the
    // certificate does not have.
    let lies = [("localhost", port(samba)), ("dc1.corp.example.evil.example", port(samba)), ("corp.example", port(samba))];
    let dns = Dns::start(records(&["localhost"], &lies)).await.unwrap();
    let bench = bench(samba, &dns);
    let health = bench.directory.health().await;
    assert_eq!((health.reachable, told(&health)), (false, vec![]));
    dns.says(Some(records(&[], &[("localhost", port(samba)), ("dc7.corp.example", port(samba))])));
    until(&bench, "named", |health| health.servers.len() == 1).await;
    let health = bench.directory.health().await;
    assert_eq!((health.reachable, told(&health)), (false, vec![(format!("dc7.corp.example:{}", port(samba)).as_str(), false)]));
    // The truth.
    dns.says(Some(records(&[], &[(ONE, port(samba))])));
    until(&bench, "true", |health| health.reachable && told(health) == [(ONE, true)]).await;
    // And then it knows nobody, which is no news about the domain.
    dns.says(Some(BTreeMap::new()));
    sleep(Duration::from_secs(14)).await;
    assert_eq!(told(&bench.directory.health().await), [(ONE, true)]);
}
