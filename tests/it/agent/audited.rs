//! What the agent decided lies in its own audit, on the disk before it is done or told; and without it nothing is done.

use std::{fs, process::Command};

use serde_json::Value;
use sspr::{agent::audit, wire::outcome::Code};

use super::{Bench, accepts, both};

/// What each line says, and its code.
fn lines(bench: &Bench) -> Vec<(String, String)> {
    let text = fs::read_to_string(bench.audit()).unwrap();
    let word = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).map(|line| (word(&line, "what"), word(&line, "code"))).collect()
}

fn said(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|&(what, code)| (what.to_owned(), code.to_owned())).collect()
}

#[tokio::test]
async fn every_decision_is_a_line_and_none_holds_a_password() {
    let domain = both()[0];
    let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
    assert_eq!(bench.reset(pat.guid, "Sh0rt!").await, Code::PolicyLength);
    let job = bench.job(pat.guid, "Quite-New-1");
    assert_eq!(bench.run(&job).await.code, Code::Applied);
    assert_eq!(bench.run(&job).await.code, Code::Applied, "told again, not decided again");
    assert_eq!(bench.reset(uuid::Uuid::from_u128(4711), "Quite-New-1").await, Code::Gone);
    let expected = [("begun", ""), ("decided", "policy_length"), ("begun", ""), ("decided", "applied"), ("decided", "gone")];
    assert_eq!(lines(&bench), said(&expected));
    // And after a crash it goes on.
    let bench = bench.crashed();
    assert_eq!(bench.reset(pat.guid, "Sh0rt!").await, Code::PolicyLength);
    assert_eq!(audit::check_file(&bench.audit(), None).unwrap().unwrap().lines, 7);
    let text = fs::read_to_string(bench.audit()).unwrap();
    assert!(!text.contains("Quite-New-1") && !text.contains("Sh0rt") && text.contains(&job.ticket.job.to_string()));
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_done() {
    let domain = both()[0];
    let pat = domain.somebody().await;
    // A full disk.
    let bench = Bench::with(&domain.samba, |settings| settings.audit_file = "/dev/full".into());
    for password in ["Quite-New-1", "Sh0rt!"] {
        assert_eq!(bench.reset(pat.guid, password).await, Code::AuditUnwritable);
    }
    assert_eq!(bench.reset(uuid::Uuid::from_u128(4711), "Quite-New-1").await, Code::AuditUnwritable, "nor is it decided");
    assert!(accepts(&domain.samba, &pat, &pat.password).await);

    // Somebody cuts it while the agent runs.
    let bench = Bench::new(&domain.samba);
    assert_eq!(bench.reset(pat.guid, "Quite-New-1").await, Code::Applied);
    fs::File::options().write(true).open(bench.audit()).unwrap().set_len(0).unwrap();
    assert_eq!(bench.reset(pat.guid, "Quite-New-2").await, Code::AuditUnwritable);
    assert!(accepts(&domain.samba, &pat, "Quite-New-1").await);
}

#[tokio::test]
async fn the_command_line_says_where_the_chain_breaks() {
    let domain = both()[0];
    let bench = Bench::new(&domain.samba);
    for _ in 0..3 {
        bench.reset(uuid::Uuid::from_u128(4711), "Quite-New-1").await;
    }
    let check = |more: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_sspr"))
            .args(["agent", "audit"])
            .args(more)
            .env("SSPR_AGENT__STATE_DIR", bench.dir())
            .output()
            .unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned() + &*String::from_utf8_lossy(&done.stderr))
    };
    let head = audit::check_file(&bench.audit(), None).unwrap().unwrap();
    let known = format!("{}:{}", head.lines, head.head);
    let (good, told) = check(&["--known", &known]);
    assert!(good && told.contains("3 lines") && told.contains(&known), "{told}");

    let text = fs::read_to_string(bench.audit()).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    fs::write(bench.audit(), &text[..end]).unwrap();
    assert!(check(&[]).0, "the file alone does not show it");
    let (good, told) = check(&["--known", &known]);
    assert!(!good && told.contains("line 3") && told.contains("cut off"), "{told}");
    fs::write(bench.audit(), text.replacen("gone", "none", 1)).unwrap();
    let (good, told) = check(&[]);
    assert!(!good && told.contains("line 2"), "{told}");
}
