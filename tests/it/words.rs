//! Every word that a person reads comes from `locales/`, is there in every language, and is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use fluent_bundle::{FluentBundle, FluentResource};
use sspr::base::language::Language;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Keys that are put together at run time: the rest is a stable code (`docs/error-codes.md`).
const BY_CODE: [&str; 3] = ["outcome-", "problem-", "finding-"];
/// Keys that a handler or the worker names whole and hands on.
const BY_HANDLER: [&str; 10] = [
    "work-error-",
    "not-me-error-",
    "sms-",
    "identify-error-",
    "unavailable-",
    "method-error-",
    "code-error-",
    "code-notice-",
    "need-error-",
    "ended-",
];

pub fn files(dir: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, ending: &str, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, ending, into);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(ROOT).unwrap_or(&path).to_string_lossy().into_owned();
                into.push((name, fs::read_to_string(&path).expect("a text file")));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(ROOT).join(dir), ending, &mut found);
    assert!(!found.is_empty(), "no {ending} under {dir}");
    found.sort();
    found
}

/// Key and variables of every message of a language.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files(&format!("locales/{}", language.tag()), ".ftl") {
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((head, _)) =
                line.split_once(" = ").or_else(|| line.split_once(" =")).filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                head.clone_into(&mut key);
                assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{name}: {key} stands there twice");
            }
            for part in line.split('$').skip(1) {
                let variable = part.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                found.entry(key.clone()).or_default().insert(variable.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_file_parses() {
    for language in Language::ALL {
        let mut bundle = FluentBundle::new(vec![language.tag().parse().expect("a tag")]);
        for (name, text) in files(&format!("locales/{}", language.tag()), ".ftl") {
            let resource = FluentResource::try_new(text).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
            bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        }
        for key in messages(language).keys() {
            assert!(bundle.get_message(key).is_some_and(|message| message.value().is_some()), "{}: {key}", language.tag());
        }
    }
}

#[test]
fn every_language_says_the_same_things() {
    let english = messages(Language::English);
    for language in Language::ALL {
        assert_eq!(messages(language), english, "{}", language.tag());
    }
}

/// Each call `t("…")`, `t1("…", "name", …)` and `t2(…)` in a text: its key and the names of its values.
fn calls(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (function, names) in [(".t(\"", 0), (".t1(\"", 1), (".t2(\"", 2)] {
        for call in text.split(function).skip(1) {
            let mut quoted = call.split('"').step_by(2).map(str::to_owned);
            let key = quoted.next().unwrap_or_default();
            // Values stand between: `", "n1", v1, "n2", v2)`; a quoted value would shift the names, so none is allowed.
            let names = quoted.take(names).collect();
            found.push((key, names));
        }
    }
    found
}

#[test]
fn pages_use_words_that_exist_with_the_values_they_want() {
    let known = messages(Language::English);
    for (name, text) in files("templates", "").into_iter().chain(files("src", ".rs")) {
        for (key, values) in calls(&text) {
            let wanted = known.get(&key).unwrap_or_else(|| panic!("{name}: there is no {key}"));
            assert_eq!(&values, wanted, "{name}: values of {key}");
        }
    }
    // Keys that handlers hand on.
    for (name, text) in files("src", ".rs") {
        for literal in text.split('"').filter(|part| BY_HANDLER.iter().chain(&BY_CODE).any(|family| part.starts_with(family))) {
            let whole = literal.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !literal.ends_with('-');
            assert!(!whole || known.contains_key(literal), "{name}: there is no {literal}");
        }
    }
}

/// What acts and their ends are called, by the words that stand in the trail.
const BY_TRAIL: [(&str, &str); 2] = [("audit-act-", "action"), ("audit-out-", "outcome")];

/// Words of the trail in a text: `member: "word"`.
fn trail<'a>(text: &'a str, member: &str) -> Vec<&'a str> {
    text.split(&format!("{member}: \"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_act_in_the_trail_has_words() {
    let known = messages(Language::English);
    let mut found = 0;
    for (name, text) in ["src/domain", "src/cli", "src/agent_api", "src/console"].into_iter().flat_map(|dir| files(dir, ".rs")) {
        let text = text.split("\nmod tests {").next().unwrap_or_default();
        for (family, member) in BY_TRAIL {
            for word in trail(text, member) {
                found += 1;
                let key = format!("{family}{}", word.replace(['.', '_'], "-"));
                assert!(known.contains_key(&key), "{name}: there is no {key} in locales/*/console_audit.ftl");
            }
        }
    }
    assert!(found > 80, "only {found} found: has the way of naming them changed?");
}

#[test]
fn no_word_is_left_over() {
    let used: String = files("templates", "").into_iter().chain(files("src", ".rs")).map(|(_, text)| text).collect();
    let codes = fs::read_to_string(Path::new(ROOT).join("docs/error-codes.md")).expect("the codes");
    let words: BTreeSet<String> = used.split('"').map(|word| word.replace(['.', '_'], "-")).collect();
    for key in messages(Language::English).into_keys() {
        let code = BY_CODE.iter().find_map(|family| key.strip_prefix(family)).map(|rest| {
            let code = ["-title", "-text", "-remedy"].iter().find_map(|end| rest.strip_suffix(end)).unwrap_or(rest);
            format!("| `{}` |", code.replace('-', "_"))
        });
        let told = BY_TRAIL.iter().find_map(|(family, _)| key.strip_prefix(family)).is_some_and(|word| words.contains(word));
        let known = told || code.is_some_and(|code| codes.contains(&code));
        assert!(known || used.contains(&format!("\"{key}\"")), "nothing uses {key}");
    }
}

/// `text` without what stands between `open` and `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut parts = text.split(open);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(close).unwrap_or_else(|| panic!("{open} without {close}: {part}")).1);
    }
    rest
}

#[test]
fn no_template_holds_a_word() {
    // The demo's inbox is a developer's tool, not a page of the service.
    for (name, text) in files("templates", "").into_iter().filter(|(name, _)| !name.starts_with("templates/lab/")) {
        let code = [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<!doctype", ">")];
        let plain = code.into_iter().fold(text, |text, (open, close)| without(&text, open, close));
        for attribute in ["aria-label=\"", "title=\"", "alt=\"", "placeholder=\"", "content=\"", "value=\""] {
            for value in plain.split(&format!(" {attribute}")).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
                let technical = ["width=device-width", "0; url=", "light dark", "noindex", "2", "password", "unlock", "on"]
                    .iter()
                    .any(|known| value.starts_with(known));
                assert!(technical || !value.contains(char::is_alphabetic), "{name}: {attribute}{value}");
            }
        }
        let shown = without(&without(&plain, "<", ">"), "&", ";");
        let words: Vec<&str> = shown.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).collect();
        assert!(words.is_empty(), "{name} says {words:?}: that belongs into locales/");
    }
}

#[test]
fn no_script_holds_a_word_or_writes_markup() {
    let page: String = files("templates", ".html").into_iter().map(|(_, text)| text).collect();
    for (name, text) in files("static/js", ".js") {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let place = format!("{name}:{}", number + 1);
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "alert(",
                "localStorage",
                "sessionStorage",
            ] {
                assert!(!line.contains(banned), "{place}: {banned}");
            }
            for shown in ["textContent = ", "innerText = ", "title = ", "placeholder = ", "\"aria-label\", "] {
                let literal = line.split(shown).nth(1).is_some_and(|value| value.starts_with(['"', '\'', '`']));
                assert!(!literal, "{place}: a word for people");
            }
            for word in line.split("word(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(page.contains(&format!("data-word=\"{word}\"")), "{place}: the page has no word {word:?}");
            }
        }
    }
}

#[test]
fn a_text_message_is_one_message() {
    let (tenant, host) = ("Stadtwerke Musterstadt am See GmbH", "passwort.stadtwerke-musterstadt.de");
    for language in Language::ALL {
        let said = |key: &str| language.text_with(key, &[("code", "012345"), ("tenant", tenant), ("minutes", "10"), ("when", "14:05 UTC")]);
        // A code is followed by for whom it is and whose it is (a line that browsers read), a notice by a link to say that it was not oneself.
        let codes = ["sms-code", "sms-contact-code"].map(|key| format!("{} {}\n\n@{host} #012345", said(key), said("sms-code-never")));
        assert!(codes.iter().all(|code| code.starts_with("012345 ")), "{codes:?}");
        let link = format!("https://{host}/not-me#{}", "0".repeat(26));
        let not_me = language.text_with("sms-not-me", &[("link", &link)]);
        let kinds = ["changed", "unlocked", "tries", "method", "contact", "lifted", "helpdesk"];
        let notices = kinds.map(|kind| format!("{} {not_me}", said(&format!("sms-{kind}"))));
        for text in notices.into_iter().chain(codes).chain([said("sms-frozen")]) {
            assert_eq!(sspr::domain::texts::size(&text).messages, 1, "{}: {text}", language.tag());
        }
    }
}
