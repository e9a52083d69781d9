//! The connection to the domain controller: whom it trusts, and what it does when it breaks.

use std::time::Duration;

use sspr::{
    agent::directory::{Directory, people::People},
    lab::samba::SambaOptions,
    wire::outcome::Code,
};

use super::{Bench, Domain, accepts, both};

#[tokio::test]
async fn a_domain_controller_that_is_away_is_said_to_be_and_found_again() {
    let domain = Domain::start(&SambaOptions::default());
    let (samba, bench, ray) = (&domain.samba, Bench::new(&domain.samba), domain.someone("user01").await);
    assert_eq!(bench.reset(ray.guid, "Quite-New-1").await, Code::Applied);
    samba.stop().unwrap();
    let result = bench.run(&bench.job(ray.guid, "Quite-New-2")).await;
    assert_eq!(result.code, Code::DirectoryUnreachable);
    assert!(!bench.directory.health().await.reachable);
    samba.start_again().unwrap();
    // Longer than the pause after a failed connect.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(bench.reset(ray.guid, "Quite-New-3").await, Code::Applied);
    assert!(accepts(samba, &ray, "Quite-New-3").await);
}

#[tokio::test]
async fn only_the_pinned_ca_and_the_right_name_are_trusted() {
    let (samba, other) = (&both()[0].samba, &both()[1].samba);
    let reaches = async |change: &dyn Fn(&mut sspr::base::config::Directory)| {
        Bench::with(samba, |settings| change(&mut settings.directory)).directory.health().await.reachable
    };
    assert!(reaches(&|_| ()).await);
    // The certificate names the address, too.
    assert!(reaches(&|directory| directory.server_name.clear()).await);
    assert!(!reaches(&|directory| directory.ca_file.clone_from(&other.ca_file)).await);
    assert!(!reaches(&|directory| directory.server_name = "dc2.corp.example".into()).await);
}

#[tokio::test]
async fn a_wrong_service_password_is_tried_once() {
    let domain = Domain::start(&SambaOptions { lockout: 3, ..SambaOptions::default() });
    let samba = &domain.samba;
    let bench = Bench::with(samba, |settings| settings.directory.bind_password = "wrong".to_owned().into());
    let ann = domain.someone("user01").await;
    for _ in 0..5 {
        assert!(!bench.directory.health().await.reachable);
        assert!(bench.directory.mark().await.is_err());
        assert_eq!(bench.reset(ann.guid, "Quite-New-1").await, Code::DirectoryUnreachable);
        // Longer than the pause after any failure.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert_eq!(samba.entry("svc-writeback", &["badPwdCount"]).await.unwrap().attrs["badPwdCount"], ["1"]);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    // Takes the connection and says nothing: the library alone would wait for ever.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldaps://{}", silent.local_addr().unwrap());
    let bench = Bench::with(&both()[0].samba, |settings| settings.directory.url.clone_from(&url));
    let begun = std::time::Instant::now();
    let (health, held) = tokio::join!(bench.directory.health(), silent.accept());
    assert!(!health.reachable && held.is_ok());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
