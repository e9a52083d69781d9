//! I1 to I7 as far as they are about passwords: what the directory did against what was asked, told and recorded.

use std::collections::{BTreeMap, HashMap};

use super::{Case, Effect, Job, Say};
use crate::chaos::history::Event;

/// By how much the times of two witnesses may differ, in milliseconds: seconds are cut off, lines are written a moment later.
const BLUR: i64 = 2_500;
/// An administrator's change is seen by a look just before the modify; one that comes between the two is nobody's fault.
const BETWEEN: i64 = 3_000;
/// A change so soon after the ticket is not told from one before it: the agent's tolerance of 5 s, and seconds that are cut off.
const SEEN: i64 = 7_000;
/// How long after a ticket's end its job must have come to its own: a lease, the sweep, and what a restarted server needs.
const AFTER: i64 = 40_000;

/// I1 and, for what overtook what, I2.
pub fn order(case: &Case<'_>, say: &mut Say<'_>) {
    let mut newest: HashMap<&str, (i64, String)> = HashMap::new();
    let mut effects: Vec<(&str, usize, &Job<'_>)> =
        case.jobs.values().flat_map(|job| job.effects.iter().map(move |effect| (job.person, effect.nth, job))).collect();
    effects.sort_unstable_by_key(|(person, nth, _)| (*person, *nth));
    for (person, nth, job) in effects {
        if let Some((seq, before)) = newest.get(person)
            && *seq > job.seq
        {
            say("I1", format!("effect {nth}: {} after {before}", job.name()));
        }
        let newest = newest.entry(person).or_insert((job.seq, job.name()));
        if newest.0 < job.seq {
            *newest = (job.seq, job.name());
        }
    }
    for event in case.events {
        let Event::Effect { person, nth, password, at, .. } = event else { continue };
        if !case.external.contains(password.as_str()) {
            continue;
        }
        let overtaken = |job: &&Job<'_>| job.person == person && job.given + SEEN < *at;
        for job in case.jobs.values().filter(overtaken) {
            // By which clock a ticket was issued, if they differ, decides what is "since".
            let since = |effect: &&Effect| effect.nth > *nth && effect.at > at + BETWEEN && apart(case, job.asked - 60_000, effect.at) == 0;
            if let Some(effect) = job.effects.iter().find(since) {
                say("I2", format!("{} took effect {} ms after an administrator's change", job.name(), effect.at - at));
            }
        }
    }
}

/// I3. What counts as "now" may be any process's clock: expiry is judged by the agent, who goes by the cloud's.
pub fn deadline(case: &Case<'_>, say: &mut Say<'_>) {
    for job in case.jobs.values() {
        for effect in &job.effects {
            let apart = apart(case, job.asked - 60_000, effect.at);
            let late = effect.at - job.expires;
            if effect.at > 0 && late > apart + BLUR {
                say("I3", format!("{} took effect {late} ms after its end, with clocks {apart} ms apart", job.name()));
            }
        }
    }
}

/// How far two clocks were apart at most between two times, in milliseconds.
fn apart(case: &Case<'_>, from: i64, to: i64) -> i64 {
    let mut ahead: BTreeMap<&str, i64> = BTreeMap::new();
    let (mut least, mut most) = (0, 0);
    for &(process, seconds, at) in &case.clocks {
        if at <= from {
            ahead.insert(process, seconds);
        } else if at <= to {
            (least, most) = (least.min(seconds), most.max(seconds));
        }
    }
    for seconds in ahead.into_values() {
        (least, most) = (least.min(seconds), most.max(seconds));
    }
    (most - least) * 1000
}

/// I4.
pub fn ends(case: &Case<'_>, say: &mut Say<'_>) {
    for event in case.events {
        if let Event::Open { jobs } = event {
            for job in jobs {
                say("I4", format!("{job} is still open after all is calm"));
            }
        }
    }
    let newest = newest_of_flows(case);
    for job in case.jobs.values().filter(|job| job.taken()) {
        let Some(row) = &job.row else {
            if !case.may_be_lost(job) {
                say("I4", format!("{} was taken and is not in the database", job.name()));
            }
            continue;
        };
        if !is_end(row.state) && !case.may_be_lost(job) {
            say("I4", format!("{} was taken and is {} in the end", job.name(), row.state));
        }
        // The page tells of the flow's newest job only, and nothing once the flow is over.
        let seen = job.told.iter().any(|told| told.last || told.state == "gone");
        if newest.get(&job.flow) == Some(&job.seq) && !case.foggy.contains(&job.flow) && !seen && !case.lived_through_a_restore(job) {
            say("I4", format!("{} was taken, is {}, and its person was never told", job.name(), row.state));
        }
        let first_end = job.told.iter().filter(|told| told.last).map(|told| told.at).min();
        if let (Some(told), Some(calm)) = (first_end, case.calm)
            && told > job.expires.max(calm) + apart(case, job.asked - 60_000, told) + AFTER
            && job.submits.iter().all(|submit| submit.begun < told - AFTER)
        {
            say("I4", format!("{} came to its end {} ms after its ticket's", job.name(), told - job.expires));
        }
    }
}

fn newest_of_flows(case: &Case<'_>) -> HashMap<u32, i64> {
    let mut newest = HashMap::new();
    for job in case.jobs.values() {
        let seq = newest.entry(job.flow).or_insert(job.seq);
        *seq = (*seq).max(job.seq);
    }
    newest
}

fn is_end(state: &str) -> bool {
    !matches!(state, "offered" | "submitted" | "leased" | "gone")
}

/// Whether these words say that the password was changed; `None`: that nobody knows.
fn says(state: &str, code: Option<&str>) -> Option<bool> {
    match state {
        "applied" => Some(true),
        "reconciled" => Some(code == Some("applied")),
        "refused" | "failed" | "expired" | "superseded" | "cancelled" => Some(false),
        _ => None,
    }
}

/// I2 and I5: every word, told or recorded, against the effects.
pub fn truth(case: &Case<'_>, say: &mut Say<'_>) {
    for job in case.jobs.values() {
        let mut words: Vec<(&str, &str, Option<&str>, i64)> = Vec::new();
        // Which of its jobs a flow's page tells of is not certain once the flow was set back.
        let told = job.told.iter().filter(|told| told.last && !(case.lived_through_a_restore(job) && is_set_back(case, job, told.at)));
        words.extend(told.map(|told| ("told", told.state, told.code, told.at)));
        words.extend(job.row.iter().map(|row| ("recorded", row.state, row.code, i64::MAX)));
        for &(how, state, code, at) in &words {
            let happened = !job.effects.is_empty();
            match says(state, code) {
                Some(true) if !happened => say("I5", format!("{} was {how} {state}, and nothing happened", job.name())),
                Some(false) if happened => {
                    let code = code.unwrap_or("-");
                    let invariant = if job.effects.iter().all(|effect| effect.at > at) { "I2" } else { "I5" };
                    say(invariant, format!("{} was {how} {state} ({code}), and it took effect", job.name()));
                }
                _ => {}
            }
        }
        // One end, but for the answer that comes after all.
        let mut ends: Vec<&str> = words.iter().map(|word| word.1).filter(|state| is_end(state)).collect();
        ends.dedup();
        if ends.len() > 1 && ends != ["unknown", "reconciled"] && !case.lived_through_a_restore(job) {
            say("I5", format!("{} had several ends: {}", job.name(), ends.join(", ")));
        }
        if job.effects.len() > 1 {
            say("I6", format!("{} took effect {} times", job.name(), job.effects.len()));
        }
        let refused = !job.submits.is_empty()
            && job.submits.iter().all(|submit| matches!(submit.answer, crate::chaos::history::Answer::Refused(status, _) if *status < 500));
        if refused && !job.effects.is_empty() {
            say("I5", format!("{} was never taken, and it took effect", job.name()));
        }
    }
    let mut by_flow: BTreeMap<u32, Vec<&Job<'_>>> = BTreeMap::new();
    for job in case.jobs.values().filter(|job| !job.effects.is_empty()) {
        by_flow.entry(job.flow).or_default().push(job);
    }
    for (flow, jobs) in by_flow.into_iter().filter(|(_, jobs)| jobs.len() > 1) {
        // After an end that nobody knew, or that was said to be none, the same proof is good for another try.
        let excused = jobs.iter().any(|job| job.told.iter().any(|told| told.last && says(told.state, told.code) != Some(true)));
        if !excused && !jobs.iter().any(|job| case.lived_through_a_restore(job)) {
            say("I6", format!("flow {flow} changed the password {} times", jobs.len()));
        }
    }
}

/// The flow had another ticket after some backup was taken, which was restored before `at`.
fn is_set_back(case: &Case<'_>, job: &Job<'_>, at: i64) -> bool {
    case.restored.iter().any(|restored| {
        restored.taken < at && case.jobs.values().any(|other| other.flow == job.flow && other.given >= restored.taken && other.asked <= at)
    })
}

/// I7, for effects.
pub fn provenance(case: &Case<'_>, say: &mut Say<'_>) {
    let verified: HashMap<u32, &str> = case
        .events
        .iter()
        .filter_map(|event| if let Event::Verified { flow, person, .. } = event { Some((*flow, person.as_str())) } else { None })
        .collect();
    for event in case.events {
        let Event::Effect { person, nth, password, .. } = event else { continue };
        let Some(job) = case.jobs.values().find(|job| job.password == password) else {
            if !case.external.contains(password.as_str()) {
                say("I7", format!("effect {nth} of {person} is nobody's"));
            }
            continue;
        };
        if job.person != person {
            say("I7", format!("{} took effect for {person}", job.name()));
        }
        if verified.get(&job.flow) != Some(&job.person) {
            say("I7", format!("{} took effect without a proof", job.name()));
        }
        if job.submits.is_empty() {
            say("I7", format!("{} took effect and was never sent", job.name()));
        }
        match &job.row {
            None if !case.may_be_lost(job) => say("I7", format!("{} took effect and is not in the database", job.name())),
            Some(row) if Some(&row.guid) != case.guids.get(job.person) || row.seq != job.seq => {
                say("I7", format!("{} is recorded for somebody else", job.name()));
            }
            _ => {}
        }
    }
}

/// I5, in the inbox: whoever's password was set is told so, and nobody else.
pub fn notices(case: &Case<'_>, say: &mut Say<'_>) {
    let mut notices: BTreeMap<&str, usize> = BTreeMap::new();
    for event in case.events {
        if let Event::Notice { person, .. } = event {
            *notices.entry(person).or_default() += 1;
        }
    }
    for &person in case.guids.keys() {
        let own = || case.jobs.values().filter(|job| job.person == person);
        let applied = own().filter(|job| job.row.as_ref().is_some_and(|row| says(row.state, row.code) == Some(true))).count();
        let effects = own().filter(|job| !job.effects.is_empty()).count();
        let told = notices.get(person).copied().unwrap_or_default();
        if told < applied {
            say("I5", format!("{person}: {applied} jobs applied and {told} notices"));
        }
        if told > 0 && effects == 0 {
            say("I5", format!("{person} was sent a notice of a change that nobody made"));
        }
    }
}
