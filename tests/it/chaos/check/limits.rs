//! I8, I9, I10, I12: what must not lie about, not be two, not be slow, and not be too many.

use std::collections::HashMap;

use super::{Case, Say};
use crate::chaos::history::Event;

/// Milliseconds from the submit to being told, when nothing is broken.
const SOON: i64 = 10_000;
/// Codes that may be compared for one account, within so many milliseconds.
const GUESSES: usize = 5;
const WINDOW: i64 = 600_000;

/// I8.
pub fn erasure(case: &Case<'_>, say: &mut Say<'_>) {
    for job in case.jobs.values() {
        if let Some(row) = job.row.as_ref().filter(|row| row.sealed && !matches!(row.state, "submitted" | "leased")) {
            say("I8", format!("{} is {} and its ciphertext is still there", job.name(), row.state));
        }
    }
    for event in case.events {
        if let Event::Leak { place, form, .. } = event {
            say("I8", format!("a password lies in {place} as {form}"));
        }
    }
}

/// I9.
pub fn one_at_a_time(case: &Case<'_>, say: &mut Say<'_>) {
    for event in case.events {
        if let Event::Several { guid, jobs, .. } = event {
            say("I9", format!("{guid} has {} active jobs at once", jobs.len()));
        }
    }
}

/// I10.
pub fn alive(case: &Case<'_>, say: &mut Say<'_>) {
    for event in case.events {
        match event {
            Event::Again { person, took: None } => say("I10", format!("{person} was not served though nothing is broken")),
            Event::Again { person, took: Some(took) } if *took > SOON => {
                say("I10", format!("{person} waited {took} ms though nothing is broken"));
            }
            _ => {}
        }
    }
}

/// I12. What was counted is forgotten with a backup that is restored, so no window reaches over that.
pub fn guesses(case: &Case<'_>, say: &mut Say<'_>) {
    let mut compared: HashMap<&str, Vec<(i64, i64)>> = HashMap::new();
    for event in case.events {
        if let Event::Guess { person, compared: true, begun, ended, .. } = event {
            compared.entry(person).or_default().push((*begun, *ended));
        }
    }
    for (person, mut guesses) in compared {
        guesses.sort_unstable();
        for (first, &(begun, _)) in guesses.iter().enumerate() {
            let end = case.restored.iter().map(|restored| restored.ended).filter(|&at| at >= begun).min().unwrap_or(i64::MAX);
            // Certainly within one window of the strictest reading: a minute is left for clocks and for the way.
            let within = guesses[first..].iter().take_while(|guess| guess.1 < (begun + WINDOW - 60_000).min(end)).count();
            if within > GUESSES {
                say("I12", format!("{within} codes were compared for {person} within {} s", WINDOW / 1000));
                break;
            }
        }
    }
}
