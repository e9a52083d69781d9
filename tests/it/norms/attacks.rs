//! What happened to products like this one, as far as agents, their door and their programs go.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sspr::{
    agent::policy,
    base::config::Config,
    wire::{
        message::{LeaseRequest, SignedResult},
        outcome::Code,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Cloud, Person, agent::code_of, agent::somebody};

/// What a server says to a request line that no client library would send.
async fn raw(url: &str, line: &str, more: &str) -> u16 {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{more}content-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Whoever is refused early may find the line cut.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn cve_2021_40539_no_spelling_of_an_address_gets_around_the_guard() {
    let cloud = Cloud::start().await;
    let calls = ["enrolment", "token", "heartbeat", "keys", "lease", "jobs/00000000-0000-0000-0000-000000000000/result", "directory"];
    for call in calls {
        for path in [
            format!("/agent/v1/{call}"),
            format!("/agent/v1//{call}"),
            format!("/agent/v1/./{call}"),
            format!("/agent/v1/x/../{call}"),
            format!("/./agent/v1/{call}"),
            format!("//agent/v1/{call}"),
            format!("/agent/v1/{call}/"),
            format!("/agent/v1/{call};x=1"),
            format!("/agent/v1/{call}%00"),
            format!("/agent/v1/{call}%2f"),
            format!("/agent/v1/%2e/{call}"),
            format!("/AGENT/V1/{call}"),
            format!("/static/../agent/v1/{call}"),
            format!("{}/agent/v1/{call}", cloud.url),
        ] {
            for method in ["POST", "GET", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE", "post"] {
                let status = raw(&cloud.url, &format!("{method} {path}"), "").await;
                assert!((400..500).contains(&status), "{method} {path}: {status}");
            }
            // What proxies are told by, and servers must not be.
            for header in
                ["x-original-url: /agent/v1/lease", "x-http-method-override: GET", "x-forwarded-user: admin", "authorization: Basic YTpi"]
            {
                let status = raw(&cloud.url, &format!("POST {path}"), &format!("{header}\r\n")).await;
                assert!((400..500).contains(&status), "{header} {path}: {status}");
            }
        }
    }
    assert_eq!(cloud.sql::<i64>("select count(*) from agents").await, 0);
}

#[tokio::test]
async fn kanidm_2026_every_call_by_every_kind_of_caller() {
    let cloud = Cloud::start().await;
    let (mut revoked, mut demoted) = (cloud.agent().await, cloud.agent().await);
    let (old, waiting) = (revoked.token().await, demoted.token().await);
    for (agent, status) in [(&revoked, "revoked"), (&demoted, "pending")] {
        let set = "update agents set status = $2, revoked_at = case when $2 = 'revoked' then now() end,
             confirmed_at = case when $2 = 'pending' then null else confirmed_at end where agent_id = $1";
        sqlx::query(set).bind(agent.id).bind(status).execute(&cloud.app.db).await.unwrap();
    }
    let result = "/agent/v1/jobs/00000000-0000-0000-0000-000000000000/result";
    for path in ["/agent/v1/heartbeat", "/agent/v1/keys", "/agent/v1/lease?wait=0", result, "/agent/v1/directory"] {
        let json = "application/json";
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let nobody = http.post(format!("{}{path}", cloud.url)).header("content-type", json).body("{}").send().await.unwrap();
        assert_eq!(code_of(nobody).await, (401, "bad_token".into()), "{path}");
        let bare = revoked.post_bare(path, b"{}", json).await;
        assert_eq!(code_of(bare).await, (401, "bad_token".into()), "{path}: a proof without a token");
        for (agent, token, code) in [(&revoked, &old, "agent_revoked"), (&demoted, &waiting, "agent_pending")] {
            let proof = agent.proof(path, b"{}", Some(token));
            assert_eq!(code_of(agent.send_with(path, b"{}", json, Some(token), &proof).await).await, (403, code.into()), "{path}");
        }
        let proof = demoted.proof(path, b"{}", Some(&old));
        let stolen = demoted.send_with(path, b"{}", json, Some(&old), &proof).await;
        assert_eq!(code_of(stolen).await, (401, "bad_token".into()), "{path}: somebody else's token");
    }
}

#[tokio::test]
async fn entra_pta_2022_revocation_blocks_renewal_and_cuts_what_is_under_way_within_5_s() {
    let cloud = Cloud::start().await;
    let (mut agent, mut other) = (cloud.agent().await, cloud.agent().await);
    agent.mirror(vec![somebody("alice")]).await;
    let token = agent.token().await;
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let id = agent.id;
        sqlx::query("update agents set status = 'revoked', revoked_at = now() where agent_id = $1")
            .bind(id)
            .execute(&cloud.app.db)
            .await
            .unwrap();
        Instant::now()
    };
    let body = br#"{"max":1}"#;
    let path = "/agent/v1/lease?wait=30";
    let proof = agent.proof(path, body, Some(&token));
    let (answer, revoked) = tokio::join!(agent.send_with(path, body, "application/json", Some(&token), &proof), revoke);
    let cut = revoked.elapsed();
    assert_eq!(code_of(answer).await, (403, "agent_revoked".into()));
    assert!(cut < Duration::from_secs(5), "{cut:?}");
    // The exported key is worth nothing: no renewal, no old token, no new enrolment, no sealing to it.
    assert_eq!(code_of(agent.try_token().await).await, (403, "agent_revoked".into()));
    assert_eq!(code_of(agent.post("/agent/v1/heartbeat", &LeaseRequest { max: 1 }).await).await, (403, "agent_revoked".into()));
    let again = cloud.enrolment_token().await;
    assert_eq!(code_of(agent.enrol_with(&again).await).await, (409, "known_key".into()));
    let mut alice = Person::at(&cloud);
    alice.proves(&cloud, "alice").await;
    assert_eq!(alice.ticket().await.1["recipients"].as_array().unwrap().len(), 1);
    other.beat(true).await;
    assert_eq!(code_of(agent.post("/agent/v1/jobs/x/result", &SignedResult { jws: String::new() }).await).await.0, 400);
}

#[tokio::test]
async fn cable_2017_the_host_header_decides_nothing() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let token = agent.token().await;
    let body = br#"{"max":1}"#;
    let send = async |proof: String, host: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(format!("{}/agent/v1/lease?wait=0", cloud.url)).header("host", host).header("x-forwarded-host", host);
        let request =
            request.header("content-type", "application/json").header("dpop", proof).header("authorization", format!("DPoP {token}"));
        request.body(body.to_vec()).send().await.unwrap()
    };
    // Made for another site, which the header names: the address is what is configured.
    let theirs = "https://evil.example/agent/v1/lease";
    let jti = sspr::base::id::token();
    let elsewhere = sspr::wire::jws::prove(&agent.identity, "POST", theirs, body, Some(&token), jti, cloud.clock.seconds());
    assert_eq!(code_of(send(elsewhere, "evil.example").await).await, (401, "bad_proof".into()));
    assert_eq!(send(agent.proof("/agent/v1/lease", body, Some(&token)), "evil.example").await.status(), 204);
}

#[tokio::test]
async fn cve_2022_24681_names_from_the_directory_are_text() {
    let cloud = Cloud::start().await;
    let mut agent = cloud.agent().await;
    let mut alice = somebody("alice");
    let nasty = "<script>alert(1)</script>\"'>{{7*7}}${7*7}\u{202e}\r\nBcc: x@evil.example";
    nasty.clone_into(&mut alice.display_name);
    agent.mirror(vec![alice]).await;
    let mut person = Person::at(&cloud);
    person.proves(&cloud, "alice").await;
    for page in ["/reset/password", "/reset"] {
        person.opens(page).await;
        assert!(!person.page.body.contains("<script>alert") && !person.page.body.contains("49$"), "{}", person.page.body);
    }
    person.opens("/reset/password").await;
    person.sets("Correct-Horse-7").await;
    let seen = cloud.inbox.count("alice@mail.example");
    agent.work(Code::Applied).await;
    let mail = cloud.inbox.wait_for("alice@mail.example", seen).await.unwrap();
    // In the text it is text; in the page it is escaped; and it ends no header.
    assert!(!mail.html.clone().expect("a page").contains("<script>alert"), "{mail:?}");
    assert_eq!(cloud.inbox.count("x@evil.example"), 0);
}

/// File → text, of what runs in production.
fn sources() -> BTreeMap<String, String> {
    crate::words::files("src", ".rs").into_iter().filter(|(name, _)| !name.starts_with("src/lab/")).collect()
}

#[test]
fn cve_2021_28958_the_agent_never_calls_a_shell_or_any_other_program() {
    for (name, text) in sources() {
        for call in ["Command::new", "std::process::Command", "tokio::process", "libc::", "execve"] {
            assert!(!text.contains(call), "{name} has {call}");
        }
    }
    let cargo = include_str!("../../../Cargo.toml");
    let tokio = cargo.lines().find(|line| line.starts_with("tokio = ")).unwrap();
    assert!(!tokio.contains("\"process\"") && !tokio.contains("\"full\""));
}

#[test]
fn asvs_12_3_2_verification_of_certificates_is_never_switched_off() {
    // Setup looks at a chain before it is trusted, to say what is wrong with it: over a connection on which it says nothing.
    const LOOKS: &str = "src/agent/setup/tls.rs";
    for (name, text) in sources() {
        if name == LOOKS {
            for word in ["ldap3", "password", "bind", "write"] {
                assert!(!text.split("\nstruct Watcher").next().unwrap().contains(&format!("{word}(")), "{name} has {word}");
            }
            continue;
        }
        for call in ["set_no_tls_verify", "danger_accept", "dangerous()", "set_starttls", "NoVerif", "ServerCertVerifier", "verify(false"] {
            assert!(!text.contains(call), "{name} has {call}");
        }
    }
    // Plain LDAP is no setting at all.
    let mut settings = Config::from(None, std::iter::empty()).unwrap().agent;
    for url in ["ldap://dc1.corp.example", "ldapi:///", "http://dc1"] {
        url.clone_into(&mut settings.directory.url);
        let made =
            sspr::agent::directory::ad::Ad::new(&settings.directory, sspr::agent::time::Time::new(sspr::base::clock::Clock::system()));
        assert!(made.is_err(), "{url}");
    }
}

#[test]
fn ldap_referrals_are_not_chased() {
    // LDAP_REFERRAL (10) is a failure like any other: nothing was changed, and nobody else is asked.
    let verdict = policy::classify(10, 0);
    assert!(verdict.is_none_or(|code| code == Code::DirectoryError), "{verdict:?}");
    // Addresses are connected to that are configured; the URLs of a referral are read nowhere.
    let mut connects = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("src/agent/")) {
        for read in [".refs", "into_refs", "Referral", "referral_url"] {
            assert!(!text.contains(read), "{name} has {read}");
        }
        if text.contains("TcpStream::connect") || text.contains("LdapConnAsync::") {
            connects.push(name);
        }
    }
    connects.sort();
    assert_eq!(connects, ["src/agent/directory/target.rs", "src/agent/setup/tls.rs"]);
}

#[test]
fn cve_2022_28810_there_are_no_default_credentials_and_no_hooks() {
    let manual = include_str!("../../../src/base/default.toml");
    for name in ["master", "token", "bind_password"] {
        assert!(manual.contains(&format!("\n{name} = \"\"")), "{name} has a default");
    }
    for hook in ["script", "hook", "exec", "command"] {
        assert!(!manual.lines().any(|line| line.trim_start_matches("# ").starts_with(hook)), "{hook}");
    }
}

#[tokio::test]
async fn asvs_16_5_errors_are_problems_with_a_code_whatever_goes_wrong_below_agent() {
    let cloud = Cloud::start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // Whoever says it wants a page gets a problem all the same.
    for (method, path, wanted) in [
        (reqwest::Method::POST, "/agent/v1/nowhere", (404, "not_found")),
        (reqwest::Method::GET, "/agent/v1/lease", (405, "method_not_allowed")),
        (reqwest::Method::POST, "/agent/", (404, "not_found")),
        (reqwest::Method::POST, "/agent/v1/lease", (401, "bad_token")),
        (reqwest::Method::POST, "/agent/v1/token", (401, "bad_proof")),
    ] {
        let answer = http.request(method, format!("{}{path}", cloud.url)).header("accept", "text/html").send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(challenge.is_some_and(|challenge| challenge.starts_with("DPoP error=")), wanted.0 == 401, "{path}");
        assert_eq!(code_of(answer).await, (wanted.0, wanted.1.to_owned()), "{path}");
    }
    // Another media type, after the proof was looked at.
    let mut agent = cloud.agent().await;
    for path in ["/agent/v1/heartbeat", "/agent/v1/keys", "/agent/v1/lease?wait=0", "/agent/v1/directory"] {
        let answer = agent.post_raw(path, b"a=b", "application/x-www-form-urlencoded").await;
        assert_eq!(code_of(answer).await, (415, "unsupported_media_type".into()), "{path}");
    }
}

#[tokio::test]
async fn asvs_16_5_4_a_panic_is_a_problem_that_tells_nothing() {
    use axum::{body::Body, http::Request, routing::post};
    use tower::ServiceExt;
    async fn breaks() -> &'static str {
        panic!("the secret is 42")
    }
    let cloud = Cloud::start().await;
    let doors = axum::Router::new().route("/agent/v1/breaks", post(breaks));
    let mut request = Request::post("/agent/v1/breaks").body(Body::empty()).unwrap();
    request.extensions_mut().insert(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
    let answer = sspr::server::within_layers(&cloud.app, doors).oneshot(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (500, &"application/problem+json".parse().unwrap()));
    let body = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "internal");
    assert!(problem["support"].is_string() && !problem.to_string().contains("42\""), "{problem}");
}
