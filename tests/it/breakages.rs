//! What `bin/mutants` would break: each breakage still fits the program, and the tests that are to turn red are there. Found out here within
//! a second, and not when somebody runs them all for hours.

use std::{collections::BTreeMap, fs, path::Path};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[derive(Default)]
struct Change {
    heading: String,
    file: String,
    find: String,
}

/// The changes of one list, and what is to turn red by each heading. The same reading as `bin/mutants` has.
fn read(list: &str) -> (Vec<Change>, BTreeMap<String, String>) {
    let (mut changes, mut reds, mut heading, mut finding) = (Vec::<Change>::new(), BTreeMap::new(), String::new(), false);
    for line in list.lines() {
        let goes_on = finding;
        finding = false;
        if let Some(text) = line.strip_prefix("== ") {
            text.clone_into(&mut heading);
        } else if let Some(red) = line.strip_prefix("red ") {
            reds.insert(heading.clone(), red.to_owned());
        } else if let Some(file) = line.strip_prefix("in ") {
            changes.push(Change { heading: heading.clone(), file: file.to_owned(), find: String::new() });
        } else if let Some(text) = line.strip_prefix('-') {
            let change = changes.last_mut().expect("`in FILE` comes first");
            change.find.push_str(if goes_on { "\n" } else { "" });
            change.find.push_str(text.strip_prefix(' ').unwrap_or(text));
            finding = true;
        }
    }
    (changes, reds)
}

/// All Rust below a directory, as one text.
fn sources(dir: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

#[test]
fn every_breakage_fits_and_names_tests_that_are_there() {
    let root = Path::new(ROOT);
    let code = sources(&root.join("src")) + &sources(&root.join("tests"));
    let migrations: BTreeMap<String, String> = fs::read_dir(root.join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (format!("migrations/{}", path.file_name().unwrap().to_string_lossy()), fs::read_to_string(&path).unwrap()))
        .collect();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(root.join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        let list = path.file_name().unwrap().to_string_lossy().into_owned();
        let (changes, reds) = read(&fs::read_to_string(&path).unwrap());
        for Change { heading, file, find } in changes {
            let times = fs::read_to_string(root.join(&file)).map_or(0, |text| text.matches(&find).count());
            if times != 1 {
                wrong.push(format!("{list}: {heading}: what it replaces is in {file} {times} times"));
            }
            // Of a function that was made anew only the last one counts.
            let later = migrations
                .iter()
                .find(|(name, text)| file.starts_with("migrations/") && name.as_str() > file.as_str() && text.contains(&find));
            if let Some((name, _)) = later {
                wrong.push(format!("{list}: {heading}: what it replaces stands in {name} again, which is what holds"));
            }
        }
        count += reds.len();
        for (heading, red) in reds {
            const KINDS: [&str; 3] = ["lib", "it", "browser"];
            let of: Vec<_> = red.split(' ').enumerate().filter(|(_, word)| KINDS.contains(word)).map(|(n, _)| n).collect();
            if of != [0] {
                wrong.push(format!("{list}: {heading}: one kind of tests comes first, and then names: {red}"));
            }
            for name in red.split(' ').filter(|word| word.contains("::")) {
                let last = name.rsplit("::").find(|part| !part.is_empty()).unwrap_or_default();
                // Of a unit test the file is known, too.
                let file = name.split_once("::tests").map(|(module, _)| format!("src/{}", module.replace("::", "/")));
                let lies =
                    file.is_none_or(|file| [format!("{file}.rs"), format!("{file}/mod.rs")].iter().any(|file| root.join(file).exists()));
                if !lies || !code.contains(&format!("fn {last}")) && !code.contains(&format!("mod {last}")) {
                    wrong.push(format!("{list}: {heading}: there is no test {name}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 400, "only {count} were read");
}
