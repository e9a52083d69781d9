//! The agent is to run on Windows, too: nothing in its tree (agent, wire, base) may be of Unix alone, but where it says so.

use std::{collections::HashSet, fs, process::Command};

use crate::words::files;

/// What there is for each kind of system, said where it stands.
const BOTH_WAYS: [&str; 2] = ["src/base/private.rs", "src/agent/directory/target.rs"];

#[test]
fn the_agent_uses_nothing_of_unix_alone() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for (name, text) in files("src", ".rs") {
        let is_agents = ["src/agent/", "src/wire/", "src/base/"].iter().any(|tree| name.starts_with(tree));
        if !is_agents || BOTH_WAYS.contains(&name.as_str()) {
            continue;
        }
        looked_at += 1;
        // Tests may: they run where we develop.
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        for word in ["os::unix", "signal::unix", "/proc/", "UnixStream", "rustix::", "libc::"] {
            if code.contains(word) {
                wrong.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} files");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_of_unix_says_so() {
    for name in BOTH_WAYS {
        let text = fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let lines = text.lines().collect::<Vec<_>>();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.contains("os::unix") || line.contains("UnixStream")) {
            let before = &lines[at.saturating_sub(6)..at];
            assert!(before.iter().any(|line| line.contains("#[cfg(unix)]")), "{name}: line {}", at + 1);
        }
    }
}

/// The crates that are built into the program, for this target or for the one we are on.
fn tree(target: Option<&str>) -> HashSet<String> {
    let mut command = Command::new("cargo");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--locked", "--prefix", "none", "--edges", "normal,no-proc-macro"]);
    command.args(target.into_iter().flat_map(|target| ["--target", target]));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

#[test]
fn no_crate_of_unix_alone_is_built_for_windows() {
    const OF_UNIX: [&str; 4] = ["rustix", "signal-hook-registry", "linux-raw-sys", "errno"];
    const NEVER: [&str; 5] = ["nix", "inotify", "openssl", "openssl-sys", "native-tls"];
    let (here, there) = (tree(None), tree(Some("x86_64-pc-windows-msvc")));
    // Else a name may be wrong.
    assert!(OF_UNIX.iter().all(|name| here.contains(*name)), "{here:?}");
    assert!(!here.contains("windows-service") && there.contains("windows-service"));
    let wrong: Vec<_> = OF_UNIX.iter().chain(&NEVER).filter(|name| there.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
