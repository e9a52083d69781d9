//! `sspr serve` as a process: slow and oversized requests, TLS, settings that make no sense, and how it ends.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use sspr::lab::samba::{Samba, SambaOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Cloud, Person, cloud::Server, database};

async fn connect(cloud: &Cloud) -> TcpStream {
    TcpStream::connect(cloud.url.trim_start_matches("http://").replace("localhost", "127.0.0.1")).await.unwrap()
}

/// All that the server says until it hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await.expect("the server hangs up");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn whoever_sends_a_head_drop_by_drop_is_cut_off() {
    let cloud = Cloud::start().await;
    let mut slow = connect(&cloud).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    let begun = Instant::now();
    rest(&mut slow).await;
    assert!((5..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_may_rest_longer_than_an_agent_is_silent_but_the_next_head_must_be_quick() {
    async fn live(stream: &mut TcpStream) {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"live") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "hung up");
        }
    }
    let cloud = Cloud::start().await;
    let mut stream = connect(&cloud).await;
    live(&mut stream).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    live(&mut stream).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    let begun = Instant::now();
    rest(&mut stream).await;
    assert!((5..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_sends_a_body_drop_by_drop_is_cut_off() {
    let cloud = Cloud::start().await;
    cloud.agent().await;
    for path in ["/reset", "/agent/v1/enrolment"] {
        let mut slow = connect(&cloud).await;
        let host = cloud.url.trim_start_matches("http://");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nDPoP: x\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname="
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let answer = rest(&mut slow).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!((10..20).contains(&begun.elapsed().as_secs()), "{path}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let cloud = Cloud::start().await;
    let mut large = connect(&cloud).await;
    large.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    // The server may hang up while we still talk.
    let _ = large.write_all(format!("X: {}\r\n\r\n", "a".repeat(40_000)).as_bytes()).await;
    let answer = rest(&mut large).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(Person::at(&cloud).opens("/health/live").await.page.status, 200);
}

#[tokio::test]
async fn it_stops_by_itself_and_lets_open_requests_end() {
    let (database, dir) = (database::fresh().await, tempfile::tempdir().unwrap());
    let (cloud, server) = Cloud::start_apart(&database, &dir.path().join("log")).await;
    cloud.agent().await;
    // A form on its way: the server has asked for the body, so the request is in hand.
    let mut open = connect(&cloud).await;
    let work = cloud.worked().await;
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("name", "alice").append_pair("work", &work).finish();
    let head = format!(
        "POST /reset HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {1}\r\nExpect: 100-continue\r\n\r\n",
        cloud.url.trim_start_matches("http://"),
        body.len()
    );
    open.write_all(head.as_bytes()).await.unwrap();
    let mut word = [0; 25];
    open.read_exact(&mut word).await.unwrap();
    assert!(word.starts_with(b"HTTP/1.1 100 Continue"));
    Command::new("kill").args(["-TERM", &server.pid().to_string()]).status().unwrap();
    let begun = Instant::now();
    while TcpStream::connect(cloud.url.trim_start_matches("http://").replace("localhost", "127.0.0.1")).await.is_ok() {
        assert!(begun.elapsed().as_secs() < 10, "it still takes new connections");
    }
    open.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(&mut open).await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    server.ended();
}

#[tokio::test]
async fn it_speaks_tls_itself_if_told_to() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let (database, dir) = (database::fresh().await, tempfile::tempdir().unwrap());
    let tls = samba.ca_file.parent().unwrap();
    let settings = [("SSPR_SERVER__TLS_CERT_FILE", tls.join("cert.pem")), ("SSPR_SERVER__TLS_KEY_FILE", tls.join("key.pem"))];
    let ca = reqwest::Certificate::from_pem(&std::fs::read(&samba.ca_file).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    let (url, _server) = Server::start_with_tls(&database, &settings, &client, &dir.path().join("log")).await;
    let answer = client.get(format!("{url}/health/ready")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
    let http1 = client.get(format!("{url}/health/ready")).version(reqwest::Version::HTTP_11).send().await;
    assert!(http1.is_ok());
    assert!(reqwest::Client::new().get(&url).send().await.is_err(), "nobody else's CA signs it");
}

fn sspr(arguments: &[&str], settings: &[(&str, &str)]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sspr")).args(arguments).envs(settings.iter().copied()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

#[test]
fn settings_that_make_no_sense_are_told_all_at_once_and_no_secret_with_them() {
    let (output, said) = sspr(&["check"], &[("SSPR_SERVR__LISTEN", "x"), ("SSPR_DATABASE__CONNECTIONS", "many")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("servr.listen") && said.contains("whole number"), "{said}");

    let settings = [
        ("SSPR_SERVER__PUBLIC_URL", "http://reset.example.org"),
        ("SSPR_DATABASE__URL", "postgres://u:hunter2@127.0.0.1:1/none"),
        ("SSPR_KEYS__MASTER", "dG9vIHNob3J0"),
        ("SSPR_MAIL__URL", "smtp://mail.example.org"),
    ];
    let (output, said) = sspr(&["check"], &settings);
    assert_eq!(output.status.code(), Some(1));
    for part in ["must be https", "database.url", "openssl rand", "mail"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("dG9v"), "{said}");
}

/// The lines about what is checked: how it stands, and what.
fn lines(said: &str) -> Vec<(&str, &str)> {
    let known = said.lines().filter_map(|line| line.split_once(' ')).map(|(how, what)| (how, what.trim()));
    known.filter(|(how, _)| ["ok", "off", "PROBLEM"].contains(how)).collect()
}

#[test]
fn a_certificate_that_is_not_there_or_not_of_its_key_is_told_before_serving() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let tls = samba.ca_file.parent().unwrap();
    let path = |name: &str| tls.join(name).display().to_string();
    let other = tempfile::tempdir().unwrap();
    let key = other.path().join("other.pem");
    let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&key).output().unwrap();
    assert!(made.status.success());
    let check = |cert: &str, key: &str| {
        let settings =
            [("SSPR_SERVER__PUBLIC_URL", "https://localhost"), ("SSPR_SERVER__TLS_CERT_FILE", cert), ("SSPR_SERVER__TLS_KEY_FILE", key)];
        sspr(&["check"], &settings).1
    };
    let good = check(&path("cert.pem"), &path("key.pem"));
    assert!(lines(&good).contains(&("ok", "server.tls")), "{good}");
    assert!(lines(&good).contains(&("off", "agent: agent.cloud_url is empty")), "{good}");
    for (cert, key) in
        [(path("none.pem"), path("key.pem")), (path("cert.pem"), String::new()), (path("cert.pem"), key.display().to_string())]
    {
        let said = check(&cert, &key);
        assert!(lines(&said).iter().any(|(how, what)| *how == "PROBLEM" && what.starts_with("server.tls")), "{key}: {said}");
    }
}

#[test]
fn on_premises_the_agents_settings_are_checked_with_its_directory() {
    let (samba, state) = (Samba::start(&SambaOptions::default()).unwrap(), tempfile::tempdir().unwrap());
    let text = |path: &std::path::Path| path.display().to_string();
    let good = [
        ("SSPR_AGENT__CLOUD_URL", "https://reset.example.org".to_owned()),
        ("SSPR_AGENT__STATE_DIR", text(state.path())),
        ("SSPR_AGENT__DIRECTORY__URL", samba.ldaps_url.clone()),
        ("SSPR_AGENT__DIRECTORY__SERVER_NAME", samba.server_name.clone()),
        ("SSPR_AGENT__DIRECTORY__CA_FILE", text(&samba.ca_file)),
        ("SSPR_AGENT__DIRECTORY__BIND_DN", samba.bind_dn.clone()),
        ("SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE", text(&samba.bind_password_file)),
        ("SSPR_AGENT__DIRECTORY__BASE_DN", samba.base_dn.clone()),
        ("SSPR_AGENT__DIRECTORY__USERS_DN", samba.users_dn.clone()),
    ];
    let check = |change: Option<(&str, &str)>| {
        let settings: Vec<(&str, &str)> = good.iter().map(|(name, value)| (*name, value.as_str())).chain(change).collect();
        sspr(&["check"], &settings)
    };
    let (output, said) = check(None);
    assert!(output.status.success(), "{said}");
    let off = ("off", "server: server.public_url, database.url and keys.master are empty");
    let ok = ["agent.cloud_url", "agent.state_dir", "agent.directory", "agent.directory.url"].map(|what| ("ok", what));
    assert_eq!(lines(&said), [&[off][..], &ok[..]].concat(), "{said}");
    assert!(std::fs::read_dir(state.path()).unwrap().next().is_none(), "it leaves nothing");

    std::fs::write(state.path().join("agent.json"), "{").unwrap();
    let wrong = [
        ("SSPR_AGENT__CLOUD_URL", "http://reset.example.org", "agent.cloud_url"),
        ("SSPR_AGENT__DIRECTORY__CA_FILE", "/nowhere/ca.pem", "agent.directory: "),
        ("SSPR_AGENT__DIRECTORY__URL", "ldap://dc1.corp.example", "agent.directory: "),
        ("SSPR_AGENT__DIRECTORY__URL", "ldaps://127.0.0.1:1", "agent.directory.url: "),
        ("SSPR_AGENT__DIRECTORY__BIND_DN", "CN=nobody,DC=corp,DC=example", "agent.directory.url: "),
        ("SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE", "/dev/null", "agent.directory: "),
        ("SSPR_AGENT__DIRECTORY__USERS_DN", &format!("OU=Nowhere,{}", samba.base_dn), "agent.directory.users_dn: there is no entry"),
        ("SSPR_AGENT__ALLOW_GROUPS", &format!("CN=Nobody,{}", samba.base_dn), "agent.allow_groups: there is no group"),
    ];
    for (name, value, told) in wrong {
        let (output, said) = check(Some((name, value)));
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        let problems: Vec<&str> = lines(&said).into_iter().filter(|(how, _)| *how == "PROBLEM").map(|(_, what)| what).collect();
        assert!(problems.iter().any(|what| what.starts_with(told)), "{name}: {said}");
        assert!(problems.iter().any(|what| what.starts_with("agent.state_dir: ") && what.contains("damaged")), "{said}");
        assert!(!said.contains(&std::fs::read_to_string(&samba.bind_password_file).unwrap().trim().to_owned()), "{said}");
    }
}

#[test]
fn the_defaults_are_the_manual() {
    let (output, said) = sspr(&["check", "--defaults"], &[]);
    assert!(output.status.success());
    assert!(said.contains("[agent.directory]") && said.contains("# secret"));
}
