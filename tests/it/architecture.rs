//! The building code. `lib.rs` and `domain/mod.rs` list their modules bottom to top; a module imports only what is listed above
//! it, and nobody but the top opens a door.

use std::{collections::BTreeSet, fs, path::Path};

const DOORS: [&str; 3] = ["portal", "console", "agent_api"];
const MAY_OPEN_DOORS: [&str; 1] = ["server"];
/// What they do is one tenant's: which one a host is of, the app knows.
const WITHIN_THE_WALL: [&str; 3] = ["portal", "console", "web"];
/// `lab` holds private servers for the demo and the tests.
const MAY_USE_LAB: [&str; 2] = ["lab", "cli"];
/// The agent could be cut out into a crate of its own.
const AGENT_SEES: [&str; 3] = ["agent", "base", "wire"];
/// It tries servers of anybody's making, so it knows what agents know.
const CONFORM: [&str; 2] = ["cli", "conform"];
const CONFORM_SEES: [&str; 4] = ["agent", "base", "cli", "wire"];
/// Who may open or make envelopes. The cloud may do neither.
const MAY_SEAL: [&str; 3] = ["wire", "agent", "cli"];
const LONGEST_FILE: usize = 400;

#[test]
fn modules_import_only_what_lies_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lists = Lists { floors: listed(&src.join("lib.rs")), nouns: listed(&src.join("domain/mod.rs")) };
    assert!(lists.floors.len() > 10 && lists.nouns.len() > 5, "the lists are read");
    let mut wrong = BTreeSet::new();
    for (name, text) in sources(&src, "") {
        wrong.extend(lists.broken_by(&name, &text));
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.insert(format!("{name}: {lines} lines; split it"));
        }
        if !text.starts_with("//!") {
            wrong.insert(format!("{name}: does not say what it is for"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_breach_is_found_however_it_is_written() {
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
    let lists = Lists {
        floors: names(&["base", "wire", "agent", "domain", "app", "web", "portal", "agent_api", "server", "cli"]),
        nouns: names(&["tenants", "users", "queue", "resets"]),
    };
    for (file, text) in [
        ("domain/users/mod.rs", "use crate::domain::{tenants::Scope, resets::Flow};"),
        ("domain/users/mod.rs", "use super::resets::Flow;"),
        ("domain/users/mod.rs", "use super::{\n    tenants::Scope,\n    resets,\n};"),
        ("domain/users/mirror.rs", "use super::super::queue::State;"),
        ("domain/users.rs", "fn f() { super::queue::end(); }"),
        ("domain/users/mod.rs", "use super::super::web::Error;"),
        ("domain/users/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::super::queue::State;\n}"),
        ("base/db.rs", "use super::super::domain::users;"),
        ("portal/code.rs", "use super::super::agent_api::guard;"),
        ("portal/code.rs", "use crate::agent_api::guard;"),
        ("agent/cloud.rs", "use crate::domain::users;"),
        ("cli/conform/calls.rs", "use crate::domain::users;"),
        ("web/form.rs", "use crate::portal;"),
        ("portal/code.rs", "let opened = seal::open(envelope);"),
        ("portal/code.rs", "sqlx::query!(\"select 1\")"),
        ("domain/users/mod.rs", "use axum::Json;"),
        ("console/people.rs", "let mut tx = visitor.app.begin().await?;"),
        ("portal/code.rs", "let mut conn = app.db.acquire().await?;"),
        ("web/work.rs", "users::all(&mut *self.app.db.acquire().await?)"),
    ] {
        assert_eq!(lists.broken_by(file, text).len(), 1, "{file}: {text}");
    }
    for (file, text) in [
        ("domain/resets/mod.rs", "use super::{queue::State, tenants::Scope};"),
        ("domain/queue/lease.rs", "use super::{LEASE, resets};"),
        ("domain/users/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::{Name, queue};\n}"),
        ("domain/users/mod.rs", "pub(super) fn f() {}"),
        ("portal/code.rs", "use super::journey::{self, Journey};"),
        ("server.rs", "use crate::{agent_api, portal};"),
        ("console/people.rs", "let mut tx = visitor.begin().await?; let at = one.dbx;"),
    ] {
        let broken = lists.broken_by(file, text);
        assert!(broken.is_empty(), "{file}: {text}: {broken:?}");
    }
}

/// Bottom to top.
struct Lists {
    floors: Vec<String>,
    nouns: Vec<String>,
}

impl Lists {
    /// What the text of this file (below `src`) breaks.
    fn broken_by(&self, name: &str, text: &str) -> Vec<String> {
        let above = |list: &[String], a: &str, b: &str| {
            let at = |m: &str| list.iter().position(|x| x == m);
            matches!((at(a), at(b)), (Some(a), Some(b)) if b > a)
        };
        let mut wrong = Vec::new();
        let own: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
        for path in paths(&own, text) {
            let first = path.first().map_or("", String::as_str);
            let bad = above(&self.floors, own[0], first)
                || (DOORS.contains(&first) && first != own[0] && !MAY_OPEN_DOORS.contains(&own[0]))
                || (first == "lab" && !MAY_USE_LAB.contains(&own[0]))
                || (own[0] == "agent" && !AGENT_SEES.contains(&first))
                || (own[..2.min(own.len())] == CONFORM[..] && !CONFORM_SEES.contains(&first))
                || (own[0] == "carriers" && !["carriers", "base"].contains(&first))
                || (own[0] == "domain" && first == "domain" && own.len() > 1 && path.len() > 1 && above(&self.nouns, own[1], &path[1]))
                || (own[0] == "domain" && ["app", "web"].contains(&first));
            if bad {
                wrong.push(format!("{name}: may not import crate::{}", path.join("::")));
            }
        }
        // Who signs makes no envelope.
        let calls = text.replace("Ed25519KeyPair::", "");
        let seals = ["seal::open", "seal::seal", "KeyPair::", "single_shot"].iter().any(|call| calls.contains(call));
        if seals && !MAY_SEAL.contains(&own[0]) {
            wrong.push(format!("{name}: opens or makes envelopes"));
        }
        if own[0] == "domain" && ["axum", "reqwest", "askama"].iter().any(|foreign| text.contains(&format!("{foreign}::"))) {
            wrong.push(format!("{name}: a noun that hears of HTTP or pages"));
        }
        if (DOORS.contains(&own[0]) || own[0] == "web") && text.contains("sqlx::query") {
            wrong.push(format!("{name}: a door that writes SQL"));
        }
        if WITHIN_THE_WALL.contains(&own[0])
            && (text.contains("app.begin(") || text.split(".db").skip(1).any(|rest| !rest.starts_with(char::is_alphanumeric)))
        {
            wrong.push(format!("{name}: reaches the database past the wall of its tenant: visitor.begin() or visitor.acquire()"));
        }
        wrong
    }
}

fn listed(file: &Path) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned()))
        .collect()
}

fn sources(dir: &Path, prefix: &str) -> Vec<(String, String)> {
    fs::read_dir(dir)
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                return sources(&path, &format!("{name}/"));
            }
            if path.extension().is_some_and(|kind| kind == "rs") { vec![(name, fs::read_to_string(&path).unwrap())] } else { Vec::new() }
        })
        .collect()
}

/// Every path into this crate that `text` names, from the crate's root: `crate::…` and `super::…`, with `{…}` groups spread out.
/// `own` is the file's place: `["domain", "users", "mod"]`.
fn paths(own: &[&str], text: &str) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    for (at, found) in text.match_indices("crate::") {
        spread(&text[at + found.len()..], &[], &mut out);
    }
    let module: Vec<String> = own.iter().filter(|part| **part != "mod").map(|&part| part.to_owned()).collect();
    let tests = text.find("\nmod tests {").unwrap_or(text.len());
    for (at, _) in text.match_indices("super::").filter(|(at, _)| !text[..*at].ends_with("super::")) {
        let chain = &text[at..];
        let rest = chain.trim_start_matches("super::");
        // The tests' own module is one further down.
        let ups = (chain.len() - rest.len()) / "super::".len() - usize::from(at > tests);
        if let Some(left) = module.len().checked_sub(ups) {
            spread(rest, &module[..left], &mut out);
        }
    }
    out
}

fn spread(rest: &str, before: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut path = before.to_vec();
    if !word.is_empty() {
        path.push(word.clone());
    }
    let mut at = word.len();
    if rest[at..].starts_with("::") {
        return at + 2 + spread(&rest[at + 2..], &path, out);
    }
    if !rest[at..].starts_with('{') {
        out.push(path);
        return at;
    }
    at += 1;
    loop {
        at += rest[at..].len() - rest[at..].trim_start_matches([',', ' ', '\n']).len();
        if rest[at..].is_empty() || rest[at..].starts_with('}') {
            return at + 1;
        }
        at += spread(&rest[at..], &path, out).max(1);
    }
}
