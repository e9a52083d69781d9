//! `sspr agent setup`, as a person and as a script use it.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use sspr::{
    agent::setup::tls,
    base::config::Config,
    lab::{dns::Dns, samba::Samba},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{agent::both, support::Cloud};

pub fn setup(dir: &Path, arguments: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
    command.current_dir(dir).args(["agent", "setup"]).args(arguments);
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    running.wait_with_output().unwrap()
}

/// Nobody answers where the cloud should be: that is found, the file is there, and the exit status says it.
pub fn wrote_with_a_problem(done: &Output) {
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.code() == Some(1) && complaint.contains(" of these must be mended; ") && complaint.contains("is written nevertheless"),
        "{done:?}"
    );
}

fn print_of_ca(samba: &Samba) -> String {
    tls::print(&tls::authorities(&samba.ca_file).unwrap()[0])
}

// The program is waited for while the servers here answer it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_answers_questions_and_gets_settings_that_hold() {
    let (cloud, samba) = (Cloud::start().await, &both()[0].samba);
    let port: u16 = samba.ldaps_url.rsplit(':').next().unwrap().parse().unwrap();
    // A name that this machine knows by itself.
    let services = BTreeMap::from([
        ("_ldap._tcp.dc._msdcs.corp.example", vec![(0, 0, 389, "localhost")]),
        ("_ldaps._tcp.corp.example", vec![(0, 0, port, "localhost")]),
    ]);
    let dns = Dns::start(services).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let password = samba.bind_password_file.display().to_string();
    let (at, state) = (dns.at.to_string(), dir.path().join("state").display().to_string());
    let ca = samba.ca_file.display().to_string();
    let typed = [&cloud.url, "", "corp.example", "", "", &samba.users_dn, &samba.bind_dn, &password, &state].join("\n") + "\n";
    let flags = ["--dns-server", &at, "--ca-file", &ca];
    let done = setup(dir.path(), &flags, &typed);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    for part in [
        "Domain controllers of corp.example, best first: ldaps://localhost:",
        "[rights_ok]",
        "[cloud_ok]",
        "only its owner may read it",
        "sspr connector writeback CONNECTOR on",
        "sspr --config 'agent.toml' agent enrol --token-file token",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!said.contains("PROBLEM") && !said.contains(&samba.bind_password().unwrap()), "{said}");
    let file = dir.path().join("agent.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(config.agent.directory.url, format!("ldaps://localhost:{port}"));
    assert_eq!(config.agent.directory.base_dn, "DC=corp,DC=example");

    // What is there stays, unless it is said otherwise.
    let before = fs::read(&file).unwrap();
    let done = setup(dir.path(), &flags, "\n");
    assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains("stays as it is"));
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_are_left_to_dns_unless_one_is_named() {
    let samba = &both()[0].samba;
    let port: u16 = samba.ldaps_url.rsplit(':').next().unwrap().parse().unwrap();
    let services = BTreeMap::from([
        ("_ldap._tcp.dc._msdcs.corp.example", vec![(0, 1, 389, "twin.corp.example"), (0, 0, 389, "dc1.corp.example")]),
        ("_ldaps._tcp.corp.example", vec![(0, 0, port, "dc1.corp.example"), (0, 0, port, "twin.corp.example")]),
    ]);
    let dns = Dns::start(services).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (at, ca, password) = (dns.at.to_string(), samba.ca_file.display().to_string(), samba.bind_password_file.display().to_string());
    let flags = [
        ["--yes", "--password-file", &password],
        ["--cloud-url", "http://127.0.0.1:9", "--domain"],
        ["corp.example", "--dns-server", &at],
        ["--ca-file", &ca, "--users-dn"],
        [&samba.users_dn, "--bind-dn", &samba.bind_dn],
    ]
    .concat();
    for (more, url, domain) in [
        (&[][..], "", "corp.example"),
        (&["--url", "dns"][..], "", "corp.example"),
        (&["--url", &samba.ldaps_url][..], &*samba.ldaps_url, ""),
    ] {
        let done = setup(dir.path(), &[&flags, more].concat(), "");
        wrote_with_a_problem(&done);
        let config = Config::load(Some(&dir.path().join("agent.toml"))).unwrap();
        assert_eq!((&*config.agent.directory.url, &*config.agent.directory.discovery_domain), (url, domain), "{more:?}");
    }
}

#[tokio::test]
async fn a_script_gives_a_file_of_answers() {
    let samba = &both()[1].samba;
    let dir = tempfile::tempdir().unwrap();
    let password = samba.bind_password().unwrap();
    let answers = |more: &str| {
        let text = format!(
            "cloud_url = \"http://127.0.0.1:9\"\ndomain = \"corp.example\"\nurl = \"{}\"\nusers_dn = \"{}\"\nbind_dn = \"{}\"\nca_file = \"{}\"\n{more}",
            samba.ldaps_url,
            samba.users_dn,
            samba.bind_dn,
            samba.ca_file.display()
        );
        fs::write(dir.path().join("answers.toml"), text).unwrap();
    };
    answers("dns_server = \"127.0.0.1:9\"\n");
    // The password comes by standard input, and never as an argument.
    let flags = ["--answers", "answers.toml", "--yes", "--out", "a.toml", "--password-file", "-"];
    let done = setup(dir.path(), &flags, &format!("{password}\n"));
    wrote_with_a_problem(&done);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("[rights_ok]") && said.contains("[cloud_unreachable]") && said.contains("1 of these must be mended"), "{said}");
    let config = Config::load(Some(&dir.path().join("a.toml"))).unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&config.agent.directory.bind_password), password);

    // What is missing is named, and nothing is asked; a password among the answers is refused and not repeated.
    let done = setup(dir.path(), &flags[..5], "");
    assert!(String::from_utf8_lossy(&done.stderr).contains("--password-file is missing"), "{done:?}");
    answers("bind_password = \"Hunter-2\"\n");
    let done = setup(dir.path(), &flags, "");
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && complaint.contains("bind_password") && !complaint.contains("Hunter-2"), "{complaint}");
}

/// The domain's certificate from a port that shows its CA's, too, as many domain controllers do and Samba does not.
async fn shows_its_ca(samba: &Samba) -> String {
    let pem = samba.dir().join("tls");
    let chain = [tls::authorities(&pem.join("cert.pem")).unwrap(), tls::authorities(&samba.ca_file).unwrap()].concat();
    let key = PrivateKeyDer::from_pem_file(pem.join("key.pem")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldaps://{}", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(acceptor.accept(stream).await);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_that_the_server_shows_is_kept_only_if_its_fingerprint_was_known() {
    let (samba, other) = (&both()[0].samba, &both()[1].samba);
    let dir = tempfile::tempdir().unwrap();
    let password = samba.bind_password_file.display().to_string();
    let with = |url: &str, print: &str| {
        let flags = [
            ["--yes", "--password-file", &password],
            ["--cloud-url", "http://127.0.0.1:9", "--domain"],
            ["corp.example", "--dns-server", "127.0.0.1:9"],
            ["--url", url, "--users-dn"],
            [&samba.users_dn, "--bind-dn", &samba.bind_dn],
        ]
        .concat();
        setup(dir.path(), &[flags.as_slice(), &["--ca-sha256", print]].concat(), "")
    };
    // Nothing to compare.
    let done = with(&samba.ldaps_url, &print_of_ca(samba));
    assert!(String::from_utf8_lossy(&done.stderr).contains("--ca-file is missing"), "{done:?}");
    let url = shows_its_ca(samba).await;
    let done = with(&url, &print_of_ca(other));
    assert!(String::from_utf8_lossy(&done.stderr).contains("somebody may stand between"), "{done:?}");
    assert!(!dir.path().join("ca.pem").exists() && !dir.path().join("agent.toml").exists());
    let done = with(&url, &print_of_ca(samba).to_lowercase().replace(':', ""));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    wrote_with_a_problem(&done);
    assert!(said.contains("[tls_ok]"), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(tls::authorities(&dir.path().join("ca.pem")).unwrap(), tls::authorities(&samba.ca_file).unwrap());
}

/// What is answered badly is asked again, and nothing that was said before is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_answers_badly_is_asked_again() {
    let (cloud, samba) = (Cloud::start().await, &both()[0].samba);
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong");
    fs::write(&wrong, "Certainly-Not-1\n").unwrap();
    let (wrong, right) = (wrong.display().to_string(), samba.bind_password_file.display().to_string());
    fs::write(dir.path().join("agent.toml"), "").unwrap();
    let host = samba.ldaps_url.trim_start_matches("ldaps://").to_owned();
    let state = dir.path().join("state").display().to_string();
    let typed = [
        &["perhaps", "Y"][..],
        &[cloud.url.trim_start_matches("http://"), &cloud.url, "ldap", "AD", "corp.example"],
        &[&host, &format!("ldap://{host}"), &samba.ldaps_url],
        &["Staff", "", "Staff", "OU=Staff,DC=other", &samba.users_dn],
        &["nobody@corp.example", &wrong, &samba.bind_dn, &right, &state],
    ];
    let flags = ["--dns-server", "127.0.0.1:9", "--ca-file", &samba.ca_file.display().to_string()];
    let done = setup(dir.path(), &flags, &(typed.concat().join("\n") + "\n"));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    for part in [
        "neither yes nor no",
        "must begin with https://",
        "there are ad and openldap",
        "must begin with ldaps://",
        "StartTLS can be stripped",
        "\"Staff\" is no distinguished name",
        "does not lie in",
        "[bind_refused]",
        "[rights_ok]",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert_eq!((said.matches("That will not do").count(), said.contains("sspr agent setup")), (8, false), "{said}");
    let config = Config::load(Some(&dir.path().join("agent.toml"))).unwrap();
    assert_eq!((&config.agent.directory.bind_dn, &config.agent.directory.url), (&samba.bind_dn, &samba.ldaps_url));

    // With nobody to ask, it ends; and a place where nothing can be written is found before anything is asked.
    for (flags, told) in [
        (["--yes", "--out=a.toml", "--cloud-url=http://127.0.0.1:9", "--domain=corp.example", "--url=dc1:636"], "--url: "),
        (["--yes", "--out=nowhere/a.toml", "--cloud-url=x", "--kind=ad", "--domain=x"], "there is no directory nowhere"),
    ] {
        let done = setup(dir.path(), &flags, "");
        assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains(told), "{told}: {done:?}");
    }
}

/// What is typed wrong beside it, each with its own word.
#[test]
fn an_empty_token_and_a_directory_without_an_agent_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("token"), "\n").unwrap();
    for (arguments, told) in [
        (&["agent", "enrol", "--token-file", "token"][..], "token holds no token: it is empty"),
        (&["agent", "mirror"], "holds no enrolled agent"),
        (&["agent", "mirror", "--accept-removals"], "holds no enrolled agent"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
        command.current_dir(dir.path()).env("SSPR_AGENT__STATE_DIR", "state").env("SSPR_AGENT__CLOUD_URL", "http://127.0.0.1:9");
        let done = command.args(arguments).output().unwrap();
        assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains(told), "{done:?}");
    }
    let server = tls::Server { host: "::1".into(), port: 636, name: "::1".into(), dns_server: String::new() };
    assert_eq!(server.at(), "[::1]:636");
}
