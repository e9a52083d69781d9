//! What a run came to: a table for people, `bench.json` for programs.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::stats::spread;

/// What the table stands between in the README.
const BEGIN: &str = "<!-- bin/bench: begin -->";
const END: &str = "<!-- bin/bench: end -->";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
}

/// One promise and what was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    pub ratio: f64,
    pub target: f64,
    pub better: Better,
    pub detail: String,
}

impl Line {
    pub fn new(name: &str, ratio: f64, rounds: &[f64], target: f64, better: Better, detail: String) -> Self {
        let detail = if rounds.len() > 1 { format!("ratios {}; {detail}", spread(rounds, 2)) } else { detail };
        Self { name: name.to_owned(), ratio, target, better, detail }
    }

    fn met(&self) -> bool {
        match self.better {
            Better::Higher => self.ratio >= self.target,
            Better::Lower => self.ratio <= self.target,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: String,
    pub disk: String,
    pub load_before: f64,
    pub date: String,
    pub commit: String,
    pub results: Vec<Line>,
    /// What was asked for and could not be measured, and why.
    pub missing: Vec<String>,
}

impl Report {
    pub fn write(&self, to: &Path) -> Result<()> {
        Ok(fs::write(to, serde_json::to_string_pretty(self)? + "\n")?)
    }

    pub fn read(from: &Path) -> Result<Self> {
        Ok(serde_json::from_slice(&fs::read(from)?)?)
    }

    /// Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from("| promise | measured | target | |\n|---|---|---|---|\n");
        for line in &self.results {
            let (sign, digits) = (if line.better == Better::Higher { "≥" } else { "≤" }, if line.target >= 1000.0 { 0 } else { 2 });
            let met = if line.met() { "" } else { "**missed**" };
            let _ = writeln!(text, "| `{}` | {:.digits$} | {sign} {} | {met} |", line.name, line.ratio, line.target);
        }
        let _ = writeln!(
            text,
            "\n{} (load {:.1} before); {}; {}, commit {}.",
            self.machine, self.load_before, self.disk, self.date, self.commit
        );
        for missing in &self.missing {
            let _ = writeln!(text, "Not measured: {missing}.");
        }
        text
    }

    /// Put the table between its two marks in a page.
    pub fn insert_into(&self, page: &Path) -> Result<()> {
        let text = fs::read_to_string(page)?;
        let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.with_context(|| format!("{} has no {BEGIN} and {END}", page.display()))?;
        Ok(fs::write(page, format!("{before}{BEGIN}\n{}{END}{after}", self.table()))?)
    }

    /// With what each ratio is made of.
    pub fn details(&self) -> String {
        self.results.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{:<12} {:>8.2}  {}\n", line.name, line.ratio, line.detail);
            text
        })
    }
}
