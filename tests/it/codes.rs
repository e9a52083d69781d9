//! `docs/error-codes.md` knows every code, says what people really read, and knows no code that does not exist.

use std::collections::BTreeMap;

use sspr::{base::language::Language, wire::outcome::Code};

const DOC: &str = include_str!("../../docs/error-codes.md");

/// Code → the other columns, of the table under this heading.
pub fn table(heading: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let section = DOC.split("\n## ").find(|section| section.starts_with(heading)).expect("a section");
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| {
            let mut columns = line.trim_end_matches(" |").split(" | ");
            (columns.next().expect("a code").trim_end_matches('`'), columns.collect())
        })
        .collect()
}

fn read_by_people(family: &str, code: &str) -> String {
    let key = format!("{family}-{}", code.replace('_', "-"));
    let [title, text] = ["title", "text"].map(|part| {
        let key = format!("{key}-{part}");
        for language in Language::ALL {
            assert_ne!(language.text(&key), key, "{} has no words for {code}", language.tag());
        }
        Language::English.text(&key)
    });
    format!("**{title}.** {text}")
}

#[test]
fn every_outcome_is_explained() {
    let table = table("How a job ends");
    for code in Code::ALL {
        let columns = table.get(code.as_str()).unwrap_or_else(|| panic!("docs/error-codes.md lacks {}", code.as_str()));
        assert_eq!(columns.len(), 5, "{}", code.as_str());
        assert_eq!(columns[0], code.outcome().as_str(), "verdict of {}", code.as_str());
        assert_eq!(columns[1], read_by_people("outcome", code.as_str()));
    }
    assert_eq!(table.len(), Code::ALL.len(), "a code that is none");
}

#[test]
fn every_problem_is_explained() {
    let table = table("Problems");
    for (code, columns) in &table {
        assert_eq!(columns.len(), 5, "{code}");
        assert_eq!(columns[1], read_by_people("problem", code));
    }
}

/// The number of a status that code names.
fn number(status: &str) -> &'static str {
    let known = [
        ("BAD_REQUEST", "400"),
        ("UNAUTHORIZED", "401"),
        ("FORBIDDEN", "403"),
        ("NOT_FOUND", "404"),
        ("METHOD_NOT_ALLOWED", "405"),
        ("REQUEST_TIMEOUT", "408"),
        ("CONFLICT", "409"),
        ("GONE", "410"),
        ("PAYLOAD_TOO_LARGE", "413"),
        ("UNSUPPORTED_MEDIA_TYPE", "415"),
        ("UNPROCESSABLE_ENTITY", "422"),
        ("TOO_MANY_REQUESTS", "429"),
        ("INTERNAL_SERVER_ERROR", "500"),
        ("SERVICE_UNAVAILABLE", "503"),
    ];
    known.into_iter().find(|(name, _)| *name == status).unwrap_or_else(|| panic!("which number has {status}?")).1
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// File, code and status wherever `src` names both: `Error::Conflict("busy")`, whose status `web/error.rs` says, and a status beside
/// its code: `Unusable(StatusCode::BAD_REQUEST, "bad_input")`, `StatusCode::NOT_FOUND => "not_found"`.
pub fn named() -> Vec<(String, String, &'static str)> {
    let files = crate::words::files("src", ".rs");
    let (_, errors) = files.iter().find(|(name, _)| name == "src/web/error.rs").expect("where errors become answers");
    let kinds: BTreeMap<&str, &str> = errors
        .lines()
        .filter_map(|line| {
            let (kind, rest) = line.trim().strip_prefix("Self::")?.split_once("(code) => ")?;
            Some((kind, number(word(rest.split_once("StatusCode::")?.1))))
        })
        .collect();
    assert_eq!(kinds.len(), 4, "Forbidden, Unauthorized, Conflict, Unavailable: {kinds:?}");
    let mut found = Vec::new();
    for (name, text) in &files {
        for rest in text.split("Error::").skip(1) {
            let (kind, rest) = rest.split_once("(\"").unwrap_or_default();
            if let Some(status) = kinds.get(kind) {
                found.push((name.clone(), word(rest).to_owned(), *status));
            }
        }
        for rest in text.split("StatusCode::").skip(1) {
            let status = word(rest);
            let code = [", \"", " => \""].iter().find_map(|between| rest[status.len()..].strip_prefix(between));
            // With a dash it is a key of words: the title of a page.
            if let Some(code) = code.and_then(|code| code.split('"').next()).filter(|code| !code.contains('-')) {
                found.push((name.clone(), code.to_owned(), number(status)));
            }
        }
    }
    found
}

#[test]
fn every_problem_that_the_code_names_is_in_the_table_with_its_status() {
    let table = table("Problems");
    let named = named();
    assert!(named.len() > 40, "only {} found: has the way of naming them changed?", named.len());
    for (name, code, status) in &named {
        let columns = table.get(code.as_str()).unwrap_or_else(|| panic!("{name}: docs/error-codes.md and locales/ lack {code}"));
        assert_eq!(columns[0], *status, "{name}: status of {code} in docs/error-codes.md");
    }
    for code in table.keys() {
        // A page of its own, whose status `portal/input.rs` asserts.
        assert!(*code == "no_cookie" || named.iter().any(|(_, named, _)| named == code), "nothing answers {code}");
    }
}

#[test]
fn the_agents_protocol_tells_the_same_statuses() {
    const PROTOCOL: &str = include_str!("../../docs/agent-protocol.md");
    let (table, mut rows) = (table("Problems"), 0);
    let (_, section) = PROTOCOL.split_once("### 6.8 Errors").expect("the errors");
    for line in section.lines().filter(|line| line.starts_with("| 4") && line.contains('`')) {
        let mut columns = line.trim_start_matches("| ").split(" | ");
        let (status, codes) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        // The last row is about any code.
        for code in codes.split('`').skip(1).step_by(2) {
            rows += 1;
            assert_eq!(table.get(code).map(|columns| columns[0]), Some(status), "{code}");
        }
    }
    assert!(rows > 10, "only {rows} rows");
}

#[test]
fn every_finding_is_explained_with_its_severity() {
    use sspr::agent::setup::finding;
    let table = table("What setup and doctor find");
    for code in finding::Code::ALL {
        let columns = table.get(code.as_str()).unwrap_or_else(|| panic!("docs/error-codes.md lacks {}", code.as_str()));
        assert_eq!((columns.len(), columns[0]), (3, code.severity().as_str()), "{}", code.as_str());
    }
    assert_eq!(table.len(), finding::Code::ALL.len(), "a code that is none");
}

#[test]
fn event_numbers_are_told_as_they_are_logged() {
    use sspr::{agent::events, wire::ticket::Kind};
    let table = table("Event numbers");
    let number = |number: Option<u16>| number.map(|number| number.to_string());
    for code in Code::ALL {
        let told = table.get(code.as_str()).map(|columns| columns[0].to_owned());
        assert_eq!(told, number(events::cause(code)), "event number of {}", code.as_str());
    }
    for kind in Kind::ALL {
        let told = table.get(kind.as_str()).map(|columns| columns[0].to_owned());
        let all = [events::begun(kind), events::ended(kind, Code::Applied), events::ended(kind, Code::DirectoryUnreachable)];
        let all = all.into_iter().filter_map(number).collect::<Vec<_>>();
        assert_eq!(told.unwrap_or_default(), all.join(", "), "event numbers of {}", kind.as_str());
    }
}
