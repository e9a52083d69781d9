//! `sspr demo` as somebody at a shell has it: the real program, its exit code, what it says, what it leaves.

use std::{
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

const ANYWHERE: [&str; 4] = ["--port", "0", "--inbox-port", "0"];

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
    command.arg("demo").args(args).stdin(Stdio::null());
    command
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_mins(2), "not within two minutes: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_probe_resets_and_signs_in() {
    let out = demo(&ANYWHERE).args(["--probe", "3"]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert!(said.contains("3 of 3 resets good") && said.contains("submit→applied"), "{said}");
}

/// One clear sentence, exit 1, before anything slow.
fn refuses(args: &[&str], sentence: &str) {
    let begun = Instant::now();
    let Output { status, stdout, stderr } = demo(args).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.as_slice()), (Some(1), b"".as_slice()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(sentence), "{said}");
    // Nothing was begun: a database and a domain take longer than that, on whatever machine.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refuses(&["--port", &port, "--inbox-port", "0"], &format!("port {port} is taken"));
    refuses(&["--port", "0", "--inbox-port", &port], "--inbox-port");
    refuses(&[&ANYWHERE[..], &["--keep", "/proc/nowhere"]].concat(), "cannot keep anything in /proc/nowhere");
    refuses(&[&ANYWHERE[..], &["--json", "/nowhere/demo.json"]].concat(), "cannot write --json /nowhere/demo.json");
}

fn ready(json: &Path, args: &[&str]) -> (Child, serde_json::Value) {
    let mut command = demo(&ANYWHERE);
    if let [_, keep] = args {
        std::fs::create_dir_all(keep).unwrap();
        command.stderr(std::fs::File::create(Path::new(keep).join("said")).unwrap());
    }
    let mut child = command.args(args).arg("--json").arg(json).stdout(Stdio::null()).spawn().unwrap();
    until("the demo is ready", || {
        assert!(child.try_wait().unwrap().is_none(), "the demo ended");
        json.exists()
    });
    let told = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    (child, told)
}

#[tokio::test]
async fn other_programs_find_their_way_and_a_kill_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("demo.json");
    let (mut child, told) = ready(&json, &[]);
    assert_eq!(std::fs::metadata(&json).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(told["pid"], child.id());
    assert_eq!(told["users"].as_array().unwrap().len(), 20);
    for url in ["portal_url", "inbox_url", "messages_url"] {
        let answer = reqwest::get(told[url].as_str().unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
    }
    let ca = told["directory"]["ca_file"].as_str().unwrap().to_owned();
    assert!(Path::new(&ca).exists());

    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    until("files and directory are gone", || !json.exists() && !Path::new(&ca).exists());
}

/// A command beside a kept demo, as README.md has it.
fn beside(keep: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sspr"))
        .args(args)
        .env("SSPR_DATABASE__URL", format!("postgres://postgres@localhost/postgres?host={}", keep.join("pg").display()))
        .env("SSPR_KEYS__MASTER_FILE", keep.join("master.key"))
        .output()
        .unwrap()
}

#[test]
fn a_kept_demo_is_the_same_again() {
    let parent = tempfile::Builder::new().prefix("sspr-keep-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let (keep, json) = (parent.path().join("kept"), parent.path().join("demo.json"));
    let args = ["--keep", keep.to_str().unwrap()];
    let (mut passwords, mut agents) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (mut child, told) = ready(&json, &args);
        passwords.push(told["users"][0]["password"].clone());
        refuses(&[&ANYWHERE[..], &args].concat(), "another demo runs");
        // Groups are told, so that policies by group and privileged people can be tried.
        until("a group is told", || {
            let out = beside(&keep, &["policy", "privileged", "finance", "on"]);
            assert!(!String::from_utf8_lossy(&out.stderr).contains("_sqlx_migrations"), "{}", String::from_utf8_lossy(&out.stderr));
            out.status.success() && String::from_utf8_lossy(&out.stdout).contains("Nothing was saved")
        });
        // Whoever tries an agent of their own revokes the demo's: it goes on, and begins with another one the next time.
        let me = std::fs::read(keep.join("agent/agent.json")).unwrap();
        let me: serde_json::Value = serde_json::from_slice(&me).unwrap();
        let done = beside(&keep, &["agent", "revoke", me["agent"].as_str().unwrap()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        agents.push(me["agent"].clone());
        let said = keep.join("said");
        until("the demo says that its agent ended", || {
            assert!(child.try_wait().unwrap().is_none(), "the demo ended with its agent");
            std::fs::read_to_string(&said).unwrap().contains("The demo's agent was revoked")
        });
        assert!(child.try_wait().unwrap().is_none(), "the demo ended with its agent");
        // As ^C does.
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success());
        assert!(!json.exists() && keep.join("pg/data").exists());
    }
    assert_eq!(passwords[0], passwords[1]);
    assert_ne!(agents[0], agents[1]);
}
