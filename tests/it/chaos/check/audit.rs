//! I7 and I11: what the database says of its own acts.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Case, Say};
use crate::chaos::history::Event;

/// I7: a result is signed by the holder it names, and about this job.
pub fn results(case: &Case<'_>, say: &mut Say<'_>) {
    for event in case.events {
        let Event::Row { job, state, code, signed, .. } = event else { continue };
        if *signed == Some(false) {
            say("I7", format!("{job} has a result that no agent of its signed"));
        }
        if matches!(state.as_str(), "applied" | "refused" | "reconciled") && (*signed != Some(true) || code.is_none()) {
            say("I7", format!("{job} is {state} without a signed result"));
        }
    }
    let mut leased: HashMap<Uuid, Vec<&str>> = HashMap::new();
    for event in case.events {
        if let Event::Audit { job: Some(job), actor, action, .. } = event
            && action == "reset.lease"
        {
            leased.entry(*job).or_default().push(actor);
        }
    }
    for event in case.events {
        let Event::Audit { job: Some(job), actor, action, outcome, .. } = event else { continue };
        let refused = outcome == "refused" && case.jobs.get(job).and_then(|job| job.row.as_ref()).is_none_or(|row| row.state != "refused");
        if action == "reset.result" && !refused && !leased.get(job).is_some_and(|actors| actors.contains(&actor.as_str())) {
            say("I7", format!("{job}: a result of {actor}, who never had it"));
        }
    }
}

/// I11.
pub fn complete(case: &Case<'_>, say: &mut Say<'_>) {
    let mut lines: HashMap<Uuid, Vec<(&str, &str)>> = HashMap::new();
    let mut proven: Vec<Uuid> = Vec::new();
    for event in case.events {
        if let Event::Audit { job, flow, action, outcome, .. } = event {
            if let Some(job) = job {
                lines.entry(*job).or_default().push((action, outcome));
            }
            if let (Some(flow), "reset.code_try", "right") = (flow, action.as_str(), outcome.as_str()) {
                proven.push(*flow);
            }
        }
    }
    proven.sort_unstable();
    for job in case.jobs.values() {
        let Some(row) = &job.row else { continue };
        let none = Vec::new();
        let lines = lines.get(&job.id).unwrap_or(&none);
        let count = |action: &str, outcome: &str| lines.iter().filter(|line| **line == (action, outcome)).count();
        let mut expect = |what: &str, found: usize, wanted: usize| {
            if found != wanted {
                say(
                    "I11",
                    format!(
                        "{} is {} after {} attempts: {found} lines instead of {wanted} say {what}",
                        job.name(),
                        row.state,
                        row.attempts
                    ),
                );
            }
        };
        expect("that a ticket was given", count("reset.ticket", "given"), 1);
        expect("that it was submitted", count("reset.submit", "accepted"), usize::from(row.submitted));
        expect("that its flow was proven", usize::from(proven.binary_search(&row.flow).is_ok()), 1);
        let leases = count("reset.lease", "leased");
        // As if these leases had not been.
        let touched = count("reset.doubt", "touched");
        let back = count("reset.result", "handed_over") + count("reset.lease", "not_delivered");
        expect("that it was leased", leases, (usize::try_from(row.attempts).unwrap_or_default() + back).saturating_sub(touched));
        let doubts = count("reset.deadline", "unknown") + count("reset.result", "unknown") + count("reset.doubt", "unknown");
        match row.state {
            "failed" => expect("how it ended", count("reset.result", "failed") + count("reset.unreachable", "failed"), 1),
            "applied" => expect("how it ended", count("reset.result", "applied"), 1),
            // Also said of results that contradict.
            "refused" if count("reset.result", "refused") == 0 => expect("how it ended", 0, 1),
            "unknown" => expect("that nobody knows", doubts, 1),
            "reconciled" => {
                expect("that nobody knew", doubts, 1);
                expect("how it ended after all", count("reset.result", "reconciled"), 1);
            }
            "expired" if row.submitted => expect("that it expired", count("reset.deadline", "expired"), 1),
            "superseded" if row.submitted => expect("that it was superseded", count("reset.superseded", "superseded"), 1),
            _ => {}
        }
    }
}
