//! Other people's code is what its version list says: the hash is checked always, the build where node and npm are there.

use std::{path::Path, process::Command};

use sspr::wire::sha256;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn files_have_their_hashes() {
    for (file, note) in [
        ("static/vendor/hpke.js", "static/vendor/hpke.js.sha256"),
        ("static/vendor/altcha.js", "static/vendor/altcha.js.sha256"),
        ("tests/browser/vendor/axe.min.js", "tests/browser/vendor/axe.min.js.sha256"),
    ] {
        let read = |path: &str| std::fs::read(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let hash = data_encoding::HEXLOWER.encode(&sha256(&read(file)));
        let noted = String::from_utf8(read(note)).expect("text");
        assert_eq!(noted.split_whitespace().next(), Some(hash.as_str()), "{file} is not what bin/vendor made");
    }
}

#[test]
fn the_lock_file_names_no_host() {
    let lock = std::fs::read_to_string(Path::new(ROOT).join("static/vendor/src/package-lock.json")).expect("a lock file");
    assert!(!lock.contains("\"resolved\""), "npm install --omit-lockfile-registry-resolved");
    assert!(lock.matches("\"integrity\"").count() > 5);
}

/// Needs node, npm and a package registry, which are no build dependencies: without them there is nothing to compare with.
#[test]
fn the_bundle_is_what_its_sources_make() {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    let online = there("node")
        && there("npm")
        && Command::new("npm")
            .args(["ping", "--fetch-retries=0", "--fetch-timeout=5000"])
            .output()
            .is_ok_and(|output| output.status.success());
    if !online {
        eprintln!("not compared: node, npm or its registry is not there");
        return;
    }
    let output = Command::new(Path::new(ROOT).join("bin/vendor")).arg("--check").output().expect("bin/vendor runs");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}
