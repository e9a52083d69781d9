//! What becomes of every operation under every condition, at every real directory, as one table: which code is told, and whether the
//! directory itself agrees. `bin/test outcome_matrix -- --nocapture` prints it.
//!
//! A directory is a [`Ground`]: it puts somebody new into a condition and has the agent do a job there. What is expected stands as a
//! table beside it, one line per condition, one column per kind of job; `-`: there is no such thing.

mod ad;
mod after;
mod openldap;

use std::{collections::BTreeMap, fmt::Write};

use sspr::wire::{message::JobResult, ticket::Kind};

/// What a cell came to.
pub struct Seen {
    pub result: JobResult,
    /// What the directory says that the result denies.
    pub lie: Option<String>,
}

pub trait Ground {
    fn name(&self) -> String;

    /// Somebody whom no other cell touches, in this condition, and one job of this kind for them.
    async fn cell(&self, condition: &str, kind: Kind) -> Seen;

    /// Before the cells of this condition, and after them.
    async fn prepare(&self, _condition: &str, _on: bool) {}
}

/// Condition → expected code by kind, in the order of the lines; `None`: no such thing.
fn read(table: &str) -> Vec<(&str, BTreeMap<&'static str, Option<&str>>)> {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty()).map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let head = lines.next().expect("a heading");
    let kinds: Vec<Kind> = head[1..].iter().map(|name| Kind::parse(name).unwrap_or_else(|| panic!("no kind {name}"))).collect();
    assert_eq!(kinds.len(), Kind::ALL.len(), "every kind has its column");
    lines
        .map(|cells| {
            assert_eq!(cells.len(), head.len(), "{cells:?}");
            let of = kinds.iter().map(|kind| kind.as_str()).zip(cells[1..].iter().map(|cell| (*cell != "-").then_some(*cell)));
            (cells[0], of.collect())
        })
        .collect()
}

/// Of each `with~without` the half that holds here.
pub fn either(table: &str, with: bool) -> String {
    let half = |cell: &str| match cell.split_once('~') {
        Some((first, _)) if with => first.to_owned(),
        Some((_, second)) => second.to_owned(),
        None => cell.to_owned(),
    };
    table.split('|').map(half).collect::<Vec<_>>().join("|")
}

/// Run all cells, print what came, and fail if anything differs from `table`.
pub async fn hold(ground: &impl Ground, table: &str) {
    let (mut wrong, mut seen) = (Vec::new(), Vec::new());
    for (condition, expected) in read(table) {
        ground.prepare(condition, true).await;
        let mut row = vec![condition.to_owned()];
        for kind in Kind::ALL {
            let Some(expected) = expected[kind.as_str()] else {
                row.push("-".to_owned());
                continue;
            };
            let Seen { result, lie } = ground.cell(condition, kind).await;
            let code = result.code.as_str();
            if code != expected {
                wrong.push(format!("{condition}, {kind}: {code} instead of {expected}"));
            }
            wrong.extend(lie.map(|lie| format!("{condition}, {kind}: {code}, but {lie}")));
            row.push(code.to_owned());
        }
        ground.prepare(condition, false).await;
        seen.push(row);
    }
    let head = ["condition"].into_iter().chain(Kind::ALL.map(Kind::as_str)).map(str::to_owned).collect();
    println!("\n{}\n\n{}", ground.name(), shown(&[vec![head], seen].concat()));
    assert!(wrong.is_empty(), "{}:\n{}", ground.name(), wrong.join("\n"));
}

fn shown(rows: &[Vec<String>]) -> String {
    let wide = |n: usize| rows.iter().map(|row| row[n].len()).max().unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, row| {
        let cells = row.iter().enumerate().map(|(n, cell)| format!("{cell:<0$}", wide(n))).collect::<Vec<_>>();
        writeln!(text, "{}", cells.join("  ").trim_end()).expect("a string takes it");
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn outcome_matrix_of_active_directory() {
    // Both at once: most of the time is the domain controllers'.
    let [with, without] = [true, false].map(|hints| tokio::spawn(Box::pin(ad::run(hints))));
    with.await.unwrap();
    without.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn outcome_matrix_of_openldap() {
    let [plain, hashed] = [false, true].map(|hashes_modified| tokio::spawn(openldap::run(hashes_modified)));
    plain.await.unwrap();
    hashed.await.unwrap();
}
