//! The judge on trial: a good history is acquitted, and each way to break an invariant is found.

use uuid::Uuid;

use super::{Violation, check};
use crate::chaos::history::{Answer, Event};

const ANN: Uuid = Uuid::from_u128(1);
const BEN: Uuid = Uuid::from_u128(2);
const AGENT: Uuid = Uuid::from_u128(3);
/// Milliseconds since 1970, a whole second.
const T: i64 = 1_800_000_000_000;

fn job(n: u128) -> Uuid {
    Uuid::from_u128(100 + n)
}

fn flow(n: u32) -> Uuid {
    Uuid::from_u128(1000 + u128::from(n))
}

fn submit(job: Uuid, answer: Answer, at: i64) -> Event {
    Event::Submit { job, node: 0, answer, begun: at, ended: at + 20 }
}

fn told(flow: u32, job: Option<Uuid>, state: &str, code: Option<&str>, last: bool, at: i64) -> Event {
    Event::Told { flow, job, state: state.into(), code: code.map(str::to_owned), last, at }
}

fn audit(n: u128, of: u32, action: &str, outcome: &str) -> Event {
    let actor = if matches!(action, "reset.lease" | "reset.result") { format!("agent:{AGENT}") } else { "user".to_owned() };
    Event::Audit { job: Some(job(n)), flow: Some(flow(of)), actor, action: action.into(), outcome: outcome.into() }
}

fn effect(person: &str, nth: usize, n: u128, at: i64) -> Event {
    Event::Effect { person: person.into(), nth, password: format!("hash {n}"), at, peer: "ipv4:127.0.0.1:1".into() }
}

fn row(n: u128, of: u32, state: &str, code: Option<&str>) -> Event {
    let ended_by_agent = matches!(state, "applied" | "refused" | "failed" | "reconciled");
    Event::Row {
        job: job(n),
        guid: ANN,
        flow: flow(of),
        seq: i64::try_from(n).unwrap(),
        state: state.into(),
        code: code.map(str::to_owned),
        submitted: true,
        sealed: false,
        attempts: i64::from(ended_by_agent || state == "unknown"),
        signed: ended_by_agent.then_some(true),
        agent: Some(AGENT),
    }
}

fn proven(n: u32, at: i64) -> Vec<Event> {
    vec![
        Event::Verified { flow: n, person: "ann".into(), at },
        Event::Audit { job: None, flow: Some(flow(n)), actor: "user".into(), action: "reset.code_try".into(), outcome: "right".into() },
    ]
}

fn ticket(n: u128, of: u32, at: i64) -> Event {
    let (issued, expires) = (at / 1000, at / 1000 + 120);
    Event::Ticket {
        flow: of,
        person: "ann".into(),
        job: job(n),
        seq: i64::try_from(n).unwrap(),
        issued,
        expires,
        password: format!("hash {n}"),
        begun: at,
        ended: at + 30,
    }
}

/// Ticket, submit and what the audit says of them.
fn sent(n: u128, of: u32, at: i64) -> Vec<Event> {
    vec![
        ticket(n, of, at),
        submit(job(n), Answer::Accepted, at + 50),
        audit(n, of, "reset.ticket", "given"),
        audit(n, of, "reset.submit", "accepted"),
    ]
}

/// A job of Ann's as it should be: number `n`, of flow `of`, her `nth` effect.
fn applied(n: u128, of: u32, nth: usize, at: i64) -> Vec<Event> {
    [
        proven(of, at - 100),
        sent(n, of, at),
        vec![
            effect("ann", nth, n, at + 200),
            told(of, Some(job(n)), "leased", None, false, at + 150),
            told(of, Some(job(n)), "applied", Some("applied"), true, at + 300),
            audit(n, of, "reset.lease", "leased"),
            audit(n, of, "reset.result", "applied"),
            row(n, of, "applied", Some("applied")),
            Event::Notice { person: "ann".into(), at: at + 400 },
        ],
    ]
    .concat()
}

fn begin() -> Vec<Event> {
    let person = |name: &str, guid| Event::Person { person: name.into(), guid, first: format!("first of {name}") };
    vec![person("ann", ANN), person("ben", BEN), Event::Run { seed: 1, seconds: 10, at: T }]
}

/// Two resets, one after the other.
fn good() -> Vec<Event> {
    [begin(), applied(1, 1, 0, T), applied(2, 2, 1, T + 10_000), vec![Event::Calm { at: T + 20_000 }]].concat()
}

/// Ann's job 3, of flow 3, taken; what became of it is the caller's.
fn third(rest: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let mut events = [good(), proven(3, T + 29_000), sent(3, 3, T + 30_000)].concat();
    events.extend(rest);
    events
}

fn expired() -> Vec<Event> {
    vec![told(3, Some(job(3)), "expired", None, true, T + 155_000), audit(3, 3, "reset.deadline", "expired"), row(3, 3, "expired", None)]
}

fn unknown() -> Vec<Event> {
    vec![
        told(3, Some(job(3)), "unknown", None, true, T + 155_000),
        audit(3, 3, "reset.lease", "leased"),
        audit(3, 3, "reset.deadline", "unknown"),
        row(3, 3, "unknown", None),
    ]
}

#[track_caller]
fn breaks(events: &[Event], invariants: &[&str]) {
    let found = check(events);
    let mut names: Vec<&str> = found.iter().map(|violation: &Violation| violation.invariant).collect();
    names.dedup();
    assert_eq!(names, invariants, "{found:#?}");
}

/// `good()` with one event changed.
fn with(change: impl Fn(&mut Event)) -> Vec<Event> {
    let mut events = good();
    events.iter_mut().for_each(change);
    events
}

#[test]
fn good_histories_are_acquitted() {
    breaks(&good(), &[]);
    breaks(&third(expired()), &[]);
    // Nobody knows: it may have happened, or not.
    breaks(&third(unknown()), &[]);
    breaks(&third([unknown(), vec![effect("ann", 2, 3, T + 30_500)]].concat()), &[]);
    // Lost answers: taken or not, as it turns out.
    breaks(
        &with(|event| {
            if let Event::Submit { answer, .. } = event {
                *answer = Answer::Lost;
            }
        }),
        &[],
    );
    // The answer after all.
    let mut after_all = unknown();
    after_all.pop();
    after_all.extend([
        effect("ann", 2, 3, T + 30_500),
        audit(3, 3, "reset.result", "reconciled"),
        row(3, 3, "reconciled", Some("applied")),
        Event::Notice { person: "ann".into(), at: T + 200_000 },
    ]);
    breaks(&third(after_all), &[]);
}

#[test]
fn i1_an_older_password_after_a_newer_one() {
    breaks(
        &with(|event| {
            if let Event::Effect { nth, .. } = event {
                *nth = 1 - *nth;
            }
        }),
        &["I1"],
    );
}

#[test]
fn i2_what_was_told_as_not_done_is_done_later() {
    let late = effect("ann", 2, 3, T + 156_000);
    breaks(&third([expired(), vec![late]].concat()), &["I2", "I3", "I5"]);
}

#[test]
fn i2_an_administrators_change_is_overtaken() {
    let set = |at: i64| Event::External { person: "ann".into(), password: "hash x".into(), begun: at, ended: at + 50 };
    let by_admin = Event::Effect { person: "ann".into(), nth: 2, password: "hash x".into(), at: T + 40_020, peer: String::new() };
    let then = |at: i64| third([unknown(), vec![set(T + 40_000), by_admin.clone(), effect("ann", 3, 3, at)]].concat());
    breaks(&then(T + 60_000), &["I2"]);
    // Both at once: nobody can tell the order from before.
    breaks(&then(T + 40_500), &[]);
}

#[test]
fn i3_an_effect_after_the_end() {
    let late = |ahead: i64| {
        let clock = Event::Clock { process: "server0".into(), ahead, at: T + 29_000 };
        third([unknown(), vec![clock, effect("ann", 2, 3, T + 154_000)]].concat())
    };
    breaks(&late(0), &["I3"]);
    breaks(&late(-45), &[]);
}

#[test]
fn i4_a_job_is_lost() {
    breaks(&third([]), &["I4"]);
    breaks(&third([row(3, 3, "submitted", None), told(3, Some(job(3)), "submitted", None, false, T + 31_000)]), &["I4"]);
    breaks(&[good(), vec![Event::Open { jobs: vec![job(2)] }]].concat(), &["I4"]);
    // It ended, and nobody said so.
    let mut silent = expired();
    silent.remove(0);
    breaks(&third(silent), &["I4"]);
    // Much too late.
    let mut late = expired();
    late[0] = told(3, Some(job(3)), "expired", None, true, T + 300_000);
    breaks(&third(late), &["I4"]);
}

#[test]
fn i4_what_a_restored_backup_does_not_know_is_lost_by_design() {
    let restored = Event::Restored { taken: T + 20_000, copied: T + 21_000, begun: T + 50_000, ended: T + 51_000 };
    breaks(&third([restored.clone()]), &[]);
    // But it may not be told falsely, nor take effect later than it may.
    breaks(&third([vec![restored.clone()], expired(), vec![effect("ann", 2, 3, T + 31_000)]].concat()), &["I5"]);
    breaks(&third([restored, effect("ann", 2, 3, T + 200_000)]), &["I3"]);
}

#[test]
fn i5_words_that_are_not_true() {
    // Applied, and nothing happened.
    let mut events = good();
    events.retain(|event| !matches!(event, Event::Effect { nth: 1, .. }));
    breaks(&events, &["I5"]);
    // Said to be refused, and it had happened.
    let refused = |with_effect: bool| {
        let mut rest = vec![
            told(3, Some(job(3)), "refused", Some("policy_history"), true, T + 31_000),
            audit(3, 3, "reset.lease", "leased"),
            audit(3, 3, "reset.result", "refused"),
            row(3, 3, "refused", Some("policy_history")),
        ];
        rest.extend(with_effect.then(|| effect("ann", 2, 3, T + 30_500)));
        third(rest)
    };
    breaks(&refused(false), &[]);
    breaks(&refused(true), &["I5"]);
    // Two ends.
    let twice = told(2, Some(job(2)), "refused", Some("stale"), true, T + 10_250);
    breaks(&[good(), vec![twice]].concat(), &["I5"]);
    // A notice of nothing, and no notice.
    breaks(&[good(), vec![Event::Notice { person: "ben".into(), at: T }]].concat(), &["I5"]);
    let mut events = good();
    events.retain(|event| !matches!(event, Event::Notice { .. }));
    breaks(&events, &["I5"]);
    // Refused at the door.
    breaks(
        &with(|event| {
            if let Event::Submit { answer, .. } = event {
                *answer = Answer::Refused(409, "superseded".into());
            }
        }),
        &["I5"],
    );
}

#[test]
fn i6_twice() {
    breaks(&[good(), vec![effect("ann", 2, 2, T + 11_000)]].concat(), &["I6"]);
    // One proof, two changes.
    let again = applied(3, 2, 2, T + 12_000);
    breaks(&[good(), again[1..].to_vec()].concat(), &["I6"]);
}

#[test]
fn i7_an_effect_or_a_result_that_is_nobodys() {
    breaks(&[good(), vec![effect("ann", 2, 77, T + 11_000)]].concat(), &["I7"]);
    let domain_grew = |event: &mut Event| {
        if let Event::Effect { person, nth: nth @ 1, .. } = event {
            "ben".clone_into(person);
            *nth = 0;
        }
    };
    breaks(&with(domain_grew), &["I7"]);
    let mut unproven = good();
    unproven.retain(|event| !matches!(event, Event::Verified { flow: 2, .. }));
    breaks(&unproven, &["I7"]);
    breaks(
        &with(|event| {
            if let Event::Row { signed, .. } = event {
                *signed = Some(false);
            }
        }),
        &["I7"],
    );
    breaks(
        &with(|event| {
            if let Event::Row { guid, .. } = event {
                *guid = BEN;
            }
        }),
        &["I7"],
    );
    let stranger = |event: &mut Event| {
        if let Event::Audit { action, actor, .. } = event
            && action == "reset.result"
        {
            "agent:somebody".clone_into(actor);
        }
    };
    breaks(&with(stranger), &["I7"]);
}

#[test]
fn i8_something_stays() {
    breaks(
        &with(|event| {
            if let Event::Row { sealed, .. } = event {
                *sealed = true;
            }
        }),
        &["I8"],
    );
    let leak = Event::Leak { place: "the tables".into(), form: "UTF-8".into(), password: "hash 1".into() };
    breaks(&[good(), vec![leak]].concat(), &["I8"]);
}

#[test]
fn i9_two_at_once() {
    breaks(&[good(), vec![Event::Several { guid: ANN, jobs: vec![job(1), job(2)], at: T }]].concat(), &["I9"]);
}

#[test]
fn i10_not_served_in_the_calm() {
    for took in [None, Some(60_000)] {
        breaks(&[good(), vec![Event::Again { person: "ben".into(), took }]].concat(), &["I10"]);
    }
    breaks(&[good(), vec![Event::Again { person: "ben".into(), took: Some(300) }]].concat(), &[]);
}

#[test]
fn i11_a_line_is_missing_or_twice() {
    for action in ["reset.ticket", "reset.submit", "reset.lease", "reset.result", "reset.code_try"] {
        let is = |event: &Event| matches!(event, Event::Audit { action: found, .. } if found == action);
        let mut less = good();
        less.retain(|event| !is(event));
        // A result without a lease is also nobody's.
        breaks(&less, if action == "reset.lease" { &["I11", "I7"] } else { &["I11"] });
        let (good, mut more) = (good(), good());
        more.extend(good.iter().filter(|event| is(event)).take(usize::from(action != "reset.code_try")).cloned());
        breaks(&more, if action == "reset.code_try" { &[] } else { &["I11"] });
    }
}

#[test]
fn i12_one_guess_too_many() {
    let guess = |at: i64, compared| Event::Guess { person: "ben".into(), node: 0, compared, begun: at, ended: at + 10 };
    let guesses = |pause: i64| [good(), (0..6).map(|n| guess(T + n * pause, true)).collect()].concat();
    breaks(&guesses(1000), &["I12"]);
    // The sixth comes in the next window.
    breaks(&guesses(130_000), &[]);
    let refused = (0..50).map(|n| guess(T + n, n < 5)).collect();
    breaks(&[good(), refused].concat(), &[]);
}
