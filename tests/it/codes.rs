//! `docs/error-codes.md` knows every code, says what people really read, and knows no code that does not exist.

use std::collections::BTreeMap;

use sspr::{base::language::Language, wire::outcome::Code};

const DOC: &str = include_str!("../../docs/error-codes.md");

/// Code → the other columns, of the table under this heading.
fn table(heading: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
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

/// Codes as the doors name them: `Error::Conflict("busy")`, `Problem { code: "…" }`, and the face's choices by status.
#[test]
fn every_problem_that_the_doors_name_is_in_the_table() {
    let table = table("Problems");
    let mut found = 0;
    for (name, text) in crate::words::files("src", ".rs") {
        for part in [
            "Conflict(\"",
            "Forbidden(\"",
            "Unauthorized(\"",
            "Unavailable(\"",
            "_ENTITY, \"",
            "BAD_REQUEST, \"",
            "TOO_LARGE, \"",
            "MEDIA_TYPE, \"",
            "code: \"",
        ] {
            for code in text.split(part).skip(1).filter_map(|rest| rest.split('"').next()) {
                found += 1;
                assert!(table.contains_key(code), "{name}: docs/error-codes.md and locales/ lack {code}");
            }
        }
    }
    assert!(found > 15, "only {found} codes found: has the way of naming them changed?");
}
