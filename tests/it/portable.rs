//! The agent is to run on Windows, too: nothing in its tree (agent, wire, base) may be of Unix alone, but where it says so.

use std::fs;

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
