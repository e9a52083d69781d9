//! The private servers themselves: they answer, survive what the tests will do to them, and leave nothing behind.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Message, MultiPart},
};
use sspr::lab::{
    inbox::{Channel, Inbox, Refusal},
    postgres::Postgres,
    samba::{BindOutcome, Release, Samba, SambaOptions},
    slapd::{Granted, Slapd, SlapdOptions},
};

/// Names, for [`owner`], the server to own.
const OWN: &str = "LAB_TEST_OWN";

/// Not a test but the process that the next three kill: owns a server, tells its directory, waits for its end.
#[test]
fn owner() {
    let own = std::env::var_os(OWN).unwrap_or_default();
    if own == "postgres" {
        let server = Postgres::start().unwrap();
        println!("\nowns {}", server.dir().display());
        thread::sleep(Duration::MAX);
    } else if own == "samba" {
        let server = Samba::start(&SambaOptions::default()).unwrap();
        println!("\nowns {}", server.dir().display());
        thread::sleep(Duration::MAX);
    } else if own == "slapd" {
        let server = Slapd::start(&SlapdOptions::default()).unwrap();
        println!("\nowns {}", server.dir().display());
        thread::sleep(Duration::MAX);
    }
}

fn spawn_owner(server: &str) -> (Child, PathBuf) {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["lab::owner", "--exact", "--nocapture"])
        .env(OWN, server)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
    let dir = lines.find_map(|line| line.strip_prefix("owns ").map(PathBuf::from)).expect("the owner tells its directory");
    (owner, dir)
}

/// Another process's doing cannot be awaited, only watched.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that were started with `dir` among their arguments.
fn processes(dir: &Path) -> Vec<String> {
    let dir = dir.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(dir))
        .collect()
}

fn leaves_nothing_behind(server: &str) {
    let (mut owner, dir) = spawn_owner(server);
    assert!(dir.exists() && !processes(&dir).is_empty());
    owner.kill().unwrap(); // SIGKILL
    owner.wait().unwrap();
    until("the directory is gone", || !dir.exists());
    until("the processes are gone", || processes(&dir).is_empty());
}

#[test]
fn postgres_leaves_nothing_behind_when_its_owner_is_killed() {
    leaves_nothing_behind("postgres");
}

#[test]
fn samba_leaves_nothing_behind_when_its_owner_is_killed() {
    leaves_nothing_behind("samba");
}

#[test]
fn openldap_leaves_nothing_behind_when_its_owner_is_killed() {
    leaves_nothing_behind("slapd");
}

#[tokio::test]
async fn postgres_keeps_its_data_over_a_crash_and_a_restart() {
    let server = Postgres::start().unwrap();
    let url = server.url("postgres");
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql("create table t (n int); insert into t values (1)").execute(&pool).await.unwrap();

    server.stop_hard().unwrap();
    assert!(sqlx::PgPool::connect(&url).await.is_err());
    server.start_again().unwrap();
    server.restart().unwrap();
    assert_eq!(server.url("postgres"), url);
    let n: i32 = sqlx::query_scalar("select n from t").fetch_one(&sqlx::PgPool::connect(&url).await.unwrap()).await.unwrap();
    assert_eq!(n, 1);

    let dir = server.dir().to_owned();
    drop(server);
    assert!(!dir.exists() && processes(&dir).is_empty());
}

#[test]
fn a_kept_postgres_is_there_again() {
    let parent = tempfile::Builder::new().prefix("sspr-kept-").tempdir_in("/tmp").unwrap();
    // As root the server is another user, who must be able to get there.
    std::fs::set_permissions(parent.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let dir = parent.path().join("pg");
    drop(Postgres::start_in(&dir, true).unwrap());
    assert!(dir.join("data/PG_VERSION").exists() && processes(&dir).is_empty());

    let again = Postgres::start_in(&dir, true).unwrap();
    let second = Postgres::start_in(&dir, true).err().expect("one server per directory").to_string();
    assert!(second.contains("did not start") && second.contains("postmaster.pid"), "{second}");
    drop(again);
}

#[tokio::test]
async fn samba_is_a_domain_controller() {
    for release in [Release::Backports, Release::System] {
        let options = SambaOptions { release, history: 3, ..SambaOptions::default() };
        let dc = tokio::task::spawn_blocking(move || Samba::start(&options)).await.unwrap().unwrap();
        assert_eq!(dc.policy_hints, release == Release::Backports, "{}", dc.version);
        let user = dc.user("user01").unwrap();
        let bind = async |password| dc.bind_as(&user.principal_name, password).await.unwrap();
        assert_eq!(bind(&user.password).await, BindOutcome::Accepted);
        assert_eq!(bind("wrong").await, BindOutcome::Refused("52e".into()));
        assert_eq!(dc.bind_as(&dc.bind_dn, &dc.bind_password().unwrap()).await.unwrap(), BindOutcome::Accepted);
        let late = dc.user("user19").unwrap();
        assert!(late.must_change && dc.user("user20").unwrap().disabled);
        assert_eq!(dc.bind_as(&late.principal_name, &late.password).await.unwrap(), BindOutcome::Refused("773".into()));

        let dn = dc.dn("user01").await.unwrap();
        dc.set_password(&dn, "Another-Passw0rd").await.unwrap();
        assert_eq!(bind("Another-Passw0rd").await, BindOutcome::Accepted);

        let url = dc.ldaps_url.clone();
        dc.stop().unwrap();
        assert!(dc.bind_as(&user.principal_name, "Another-Passw0rd").await.is_err());
        dc.start_again().unwrap();
        assert_eq!(dc.ldaps_url, url);
        assert_eq!(bind("Another-Passw0rd").await, BindOutcome::Accepted);
        dc.reset().unwrap();
        assert_eq!(bind("Another-Passw0rd").await, BindOutcome::Refused("52e".into()));
        assert_eq!(bind(&user.password).await, BindOutcome::Accepted);
    }
}

#[tokio::test]
async fn openldap_is_a_directory_with_a_password_policy() {
    let options = SlapdOptions { tells_locked: true, ..SlapdOptions::default() };
    let slapd = tokio::task::spawn_blocking(move || Slapd::start(&options)).await.unwrap().unwrap();
    let (dn, first) = (slapd.dn("user01"), slapd.user("user01").unwrap().password.clone());
    assert!(slapd.accepts(&dn, &first).await.unwrap() && !slapd.accepts(&dn, "wrong").await.unwrap());
    assert!(slapd.accepts(&slapd.bind_dn, &slapd.bind_password().unwrap()).await.unwrap());
    let (late, locked) = (slapd.user("user19").unwrap(), slapd.user("user20").unwrap());
    let answer = slapd.bind_as(&slapd.dn("user19"), &late.password).await.unwrap();
    // PasswordPolicyResponseValue ::= SEQUENCE { error [1] changeAfterReset (2) }
    assert_eq!((answer.accepted, answer.policy.unwrap()), (true, vec![0x30, 3, 0x81, 1, 2]));
    let answer = slapd.bind_as(&slapd.dn("user20"), &locked.password).await.unwrap();
    assert_eq!((answer.accepted, answer.policy.unwrap()), (false, vec![0x30, 3, 0x81, 1, 1]));

    slapd.set_password(&dn, "Another-Passw0rd").await.unwrap();
    assert!(slapd.accepts(&dn, "Another-Passw0rd").await.unwrap());
    slapd.lock(&dn).await.unwrap();
    assert!(!slapd.accepts(&dn, "Another-Passw0rd").await.unwrap());
    slapd.forge(&dn, "pwdChangedTime", "20260101000000Z").await.unwrap();
    slapd.grant(Granted { passwords: "none", states: "none" }).await.unwrap();
    let changed = slapd.entry(&dn, &["pwdChangedTime"]).await.unwrap().unwrap().attrs["pwdChangedTime"].clone();
    assert_eq!(changed, ["20260101000000Z"]);

    let url = slapd.ldaps_url.clone();
    slapd.stop().unwrap();
    assert!(slapd.accepts(&dn, "Another-Passw0rd").await.is_err());
    slapd.start_again().unwrap();
    assert_eq!(slapd.ldaps_url, url);
    assert!(!slapd.accepts(&dn, "Another-Passw0rd").await.unwrap());
    slapd.reset().unwrap();
    assert!(slapd.accepts(&dn, &first).await.unwrap());
}

fn mail(to: &str) -> Message {
    Message::builder()
        .from("Reset <reset@corp.example>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Ihr Code für heute")
        .multipart(MultiPart::alternative_plain_html(".\n..dots\nGrüße".to_owned(), "<p>Grüße</p>".to_owned()))
        .unwrap()
}

#[tokio::test]
async fn the_inbox_takes_mail_and_shows_it() {
    let inbox = Inbox::start(0, 0).await.unwrap();
    let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(&inbox.smtp_url()).unwrap().build();
    let (sent, got) = tokio::join!(smtp.send(mail("ann@corp.example")), inbox.wait_for("ann@corp.example", 0));
    sent.unwrap();
    let got = got.unwrap();
    assert_eq!((got.channel, got.subject.as_str(), got.text.trim_end()), (Channel::Email, "Ihr Code für heute", ".\n..dots\nGrüße"));
    assert_eq!(got.html.as_deref().map(str::trim_end), Some("<p>Grüße</p>"));

    for (refusal, for_good) in [(Refusal::ForGood, true), (Refusal::ForNow, false)] {
        inbox.refuse("bob@corp.example", refusal);
        let error = smtp.send(mail("bob@corp.example")).await.unwrap_err();
        assert_eq!((error.is_permanent(), error.is_transient()), (for_good, !for_good));
    }
    inbox.accept("bob@corp.example");
    smtp.send(mail("bob@corp.example")).await.unwrap();
    assert_eq!((inbox.all().len(), inbox.count("bob@corp.example")), (2, 1));

    let page = reqwest::get(inbox.url()).await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    let page = page.text().await.unwrap();
    assert!(page.find("bob@corp.example").unwrap() < page.find("ann@corp.example").unwrap(), "newest first");
    let json: serde_json::Value = reqwest::get(format!("{}/messages.json", inbox.url())).await.unwrap().json().await.unwrap();
    assert_eq!(
        (&json[0]["channel"], &json[0]["to"], &json[1]["to"]),
        (&"email".into(), &"ann@corp.example".into(), &"bob@corp.example".into())
    );
    let html = reqwest::get(format!("{}/messages/0/html", inbox.url())).await.unwrap();
    assert!(html.headers()["content-security-policy"].to_str().unwrap().ends_with("sandbox"));
}

#[tokio::test]
async fn the_inbox_takes_text_messages_as_twilio_does() {
    let inbox = Inbox::start(0, 0).await.unwrap();
    let (account, token) = (inbox.sms_account().to_owned(), inbox.sms_token().to_owned());
    let url = format!("{}/2010-04-01/Accounts/{account}/Messages.json", inbox.sms_url());
    let post = async |token: &str| {
        let form = [("To", "+15550100"), ("From", "+15550199"), ("Body", "123456 & more")];
        reqwest::Client::new().post(&url).basic_auth(&account, Some(token)).form(&form).send().await.unwrap()
    };
    assert_eq!(post("wrong").await.status(), 401);
    let answer = post(&token).await;
    assert_eq!(answer.status(), 201);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert!(answer["sid"].as_str().unwrap().starts_with("SM") && answer["status"] == "queued");
    let got = inbox.wait_for("+15550100", 0).await.unwrap();
    assert_eq!((got.channel, got.text.as_str()), (Channel::Sms, "123456 & more"));
    inbox.refuse("+15550100", Refusal::ForGood);
    assert_eq!(post(&token).await.status(), 400);
    inbox.refuse("+15550100", Refusal::ForNow);
    assert_eq!(post(&token).await.status(), 503);
}
