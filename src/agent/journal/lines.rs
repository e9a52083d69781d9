//! The pure part of the journal: what a line says, and what all lines together say.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire::{message::JobResult, ticket::Kind};

/// Seconds that an ended job is remembered: longer than any cloud may offer it again.
const REMEMBER: i64 = 24 * 3600;
/// Users whose newest number is kept; the longest silent go first.
const USERS_MAX: usize = 500_000;

/// One line. Times are seconds since 1970 by the corrected clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Record {
    /// A job that opened; the newest wins.
    Seen {
        user: Uuid,
        seq: i64,
        job: Uuid,
        at: i64,
    },
    Intent(Intent),
    /// Its end. Holds the claims, not the signature: Ed25519 gives the same one again, and another lease another.
    Done {
        user: Uuid,
        #[serde(default = "reset")]
        kind: Kind,
        at: i64,
        result: JobResult,
        /// pwdLastSet after the change: by it a later job knows whose change it finds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<i64>,
    },
    /// The cloud took the result, or will never.
    Told {
        job: Uuid,
    },
}

/// A change about to be made, and how to find out later whether it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub job: Uuid,
    #[serde(default = "reset")]
    pub kind: Kind,
    pub user: Uuid,
    pub seq: i64,
    pub lease: Uuid,
    pub ciphertext: String,
    pub at: i64,
    pub expires_at: i64,
    /// pwdLastSet as read just before, and at which server.
    pub before: i64,
    pub dc: String,
    /// The account was locked.
    pub locked: bool,
}

/// What lines without a kind are about: they are older than the others.
const fn reset() -> Kind {
    Kind::Reset
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    Open(Intent),
    Done { user: Uuid, kind: Kind, at: i64, result: JobResult, after: Option<i64>, told: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    seq: i64,
    pub(super) job: Uuid,
    at: i64,
}

/// The sum of all lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(super) users: HashMap<Uuid, Last>,
    pub(super) jobs: HashMap<Uuid, Job>,
}

impl State {
    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Seen { user, seq, job, at } => self.see(user, Last { seq, job, at }),
            Record::Intent(intent) => {
                self.see(intent.user, Last { seq: intent.seq, job: intent.job, at: intent.at });
                self.jobs.insert(intent.job, Job::Open(intent));
            }
            Record::Done { user, kind, at, result, after } => {
                self.see(user, Last { seq: result.seq, job: result.job, at });
                self.jobs.insert(result.job, Job::Done { user, kind, at, result, after, told: false });
            }
            Record::Told { job } => {
                if let Some(Job::Done { told, .. }) = self.jobs.get_mut(&job) {
                    *told = true;
                }
            }
        }
    }

    fn see(&mut self, user: Uuid, last: Last) {
        let newest = self.users.entry(user).or_insert(last);
        if last.seq > newest.seq {
            *newest = last;
        }
    }

    /// Whether `job` is the newest of its user, or newer.
    pub(super) fn is_newest(&self, user: Uuid, seq: i64, job: Uuid) -> bool {
        self.users.get(&user).is_none_or(|last| seq > last.seq || (seq == last.seq && job == last.job))
    }

    /// The fewest lines that fold into this state, less what is old.
    pub(super) fn compact(&mut self, now: i64) -> Vec<Record> {
        self.jobs.retain(|_, job| matches!(job, Job::Open(_)) || matches!(job, Job::Done { at, .. } if *at > now - REMEMBER));
        if self.users.len() > USERS_MAX {
            let mut times = self.users.values().map(|last| last.at).collect::<Vec<_>>();
            times.sort_unstable();
            let oldest = times[times.len() - USERS_MAX];
            self.users.retain(|_, last| last.at >= oldest);
        }
        let seen = self.users.iter().map(|(&user, last)| Record::Seen { user, seq: last.seq, job: last.job, at: last.at });
        let jobs = self.jobs.values().flat_map(|job| match job {
            Job::Open(intent) => vec![Record::Intent(intent.clone())],
            Job::Done { user, kind, at, result, after, told } => {
                let mut records = vec![Record::Done { user: *user, kind: *kind, at: *at, result: result.clone(), after: *after }];
                records.extend(told.then_some(Record::Told { job: result.job }));
                records
            }
        });
        seen.chain(jobs).collect()
    }
}

/// Fold a whole file. A last line without LF is ignored; any other line that is none is an error with its number.
pub(super) fn fold(text: &[u8]) -> Result<State> {
    let mut state = State::default();
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    for (at, line) in text[..whole].split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        state.apply(serde_json::from_slice(line).with_context(|| format!("line {} is damaged", at + 1))?);
    }
    Ok(state)
}

pub(super) fn lines(records: &[Record]) -> Vec<u8> {
    let mut out = Vec::new();
    for record in records {
        serde_json::to_writer(&mut out, record).expect("records have a JSON form");
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
pub(super) mod sample {
    use super::*;
    use crate::wire::outcome::Code;

    pub(in super::super) fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    pub(in super::super) fn intent(job: u128, user: u128, seq: i64) -> Intent {
        let (lease, ciphertext) = (id(9), "c".to_owned());
        Intent {
            job: id(job),
            kind: Kind::Reset,
            user: id(user),
            seq,
            lease,
            ciphertext,
            at: 1000,
            expires_at: 1100,
            before: 5,
            dc: "dc1".into(),
            locked: false,
        }
    }

    pub(in super::super) fn done(job: u128, user: u128, seq: i64, at: i64) -> Record {
        let result = JobResult {
            job: id(job),
            lease: id(9),
            seq,
            ciphertext: "c".into(),
            code: Code::Applied,
            dc: "dc1".into(),
            started_at: 1,
            finished_at: 2,
            unlocked: false,
            allowed_at: None,
            account: None,
        };
        Record::Done { user: id(user), kind: Kind::Reset, at, result, after: Some(seq) }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        sample::{done, id, intent},
        *,
    };

    #[test]
    fn folds_to_what_was_written_and_drops_only_a_torn_end() {
        let records = [
            Record::Seen { user: id(1), seq: 3, job: id(10), at: 900 },
            Record::Intent(intent(10, 1, 3)),
            done(10, 1, 3, 1001),
            Record::Intent(intent(11, 2, 1)),
        ];
        let text = lines(&records);
        let state = fold(&text).unwrap();
        assert!(matches!(state.jobs[&id(10)], Job::Done { told: false, .. }));
        assert!(matches!(state.jobs[&id(11)], Job::Open(_)));
        // However the last line is torn, the ones before stand.
        let before = lines(&records[..3]).len();
        for cut in before..text.len() {
            assert_eq!(fold(&text[..cut]).unwrap(), fold(&text[..before]).unwrap(), "cut at {cut}");
        }
        let mut damaged = text.clone();
        damaged[5] = b'!';
        assert!(fold(&damaged).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn the_newest_of_a_user_wins_in_any_order() {
        let mut state = State::default();
        state.apply(Record::Seen { user: id(1), seq: 5, job: id(10), at: 0 });
        state.apply(Record::Seen { user: id(1), seq: 4, job: id(11), at: 0 });
        let cases = [(6, 12, true), (5, 10, true), (5, 11, false), (4, 11, false), (1, 10, false)];
        for (seq, job, newest) in cases {
            assert_eq!(state.is_newest(id(1), seq, id(job)), newest, "seq {seq} job {job}");
        }
        assert!(state.is_newest(id(2), 1, id(13)));
    }

    #[test]
    fn compacting_keeps_numbers_and_open_intents_and_drops_old_ends() {
        let mut state = State::default();
        for record in [done(10, 1, 3, 0), done(11, 2, 4, REMEMBER), Record::Told { job: id(11) }, Record::Intent(intent(12, 3, 1))] {
            state.apply(record);
        }
        let again = fold(&lines(&state.compact(REMEMBER + 1))).unwrap();
        assert_eq!(again, state);
        assert!(!again.jobs.contains_key(&id(10)) && !again.is_newest(id(1), 2, id(99)));
        assert!(matches!(again.jobs[&id(11)], Job::Done { told: true, .. }));
        assert!(matches!(again.jobs[&id(12)], Job::Open(_)));
    }
}

/// Any records in any order against a reader that keeps them all and looks through them each time.
#[cfg(test)]
mod properties {
    use proptest::{collection::vec, prelude::*};

    use super::{
        sample::{done, id, intent},
        *,
    };

    const USERS: std::ops::Range<u128> = 1..4;
    const JOBS: std::ops::Range<u128> = 10..15;
    const SEQS: std::ops::Range<i64> = 1..5;

    fn record() -> impl Strategy<Value = Record> {
        (0..4, USERS, JOBS, SEQS, 0..3 * REMEMBER).prop_map(|(kind, user, job, seq, at)| match kind {
            0 => Record::Seen { user: id(user), seq, job: id(job), at },
            1 => Record::Intent(Intent { at, ..intent(job, user, seq) }),
            2 => done(job, user, seq, at),
            _ => Record::Told { job: id(job) },
        })
    }

    fn sum(records: &[Record]) -> State {
        let mut state = State::default();
        records.iter().cloned().for_each(|record| state.apply(record));
        state
    }

    /// User, number and job of a record that names them.
    fn mention(record: &Record) -> Option<(Uuid, i64, Uuid)> {
        match record {
            Record::Seen { user, seq, job, .. } => Some((*user, *seq, *job)),
            Record::Intent(intent) => Some((intent.user, intent.seq, intent.job)),
            Record::Done { user, result, .. } => Some((*user, result.seq, result.job)),
            Record::Told { .. } => None,
        }
    }

    fn is_newest(records: &[Record], user: Uuid, seq: i64, job: Uuid) -> bool {
        let of_user = || records.iter().filter_map(mention).filter(|(who, ..)| *who == user);
        // Of one number, the job that was there first.
        let newest = of_user().map(|(_, seq, _)| seq).max();
        let first = of_user().find(|(_, seq, _)| Some(*seq) == newest);
        first.is_none_or(|(_, newest, holder)| seq > newest || (seq, job) == (newest, holder))
    }

    fn job(records: &[Record], wanted: Uuid) -> Option<Job> {
        let last = records.iter().rposition(|record| match record {
            Record::Intent(intent) => intent.job == wanted,
            Record::Done { result, .. } => result.job == wanted,
            _ => false,
        })?;
        let told = records[last..].contains(&Record::Told { job: wanted });
        match records[last].clone() {
            Record::Intent(intent) => Some(Job::Open(intent)),
            Record::Done { user, kind, at, result, after } => Some(Job::Done { user, kind, at, result, after, told }),
            _ => None,
        }
    }

    fn is_remembered(job: &Job, now: i64) -> bool {
        matches!(job, Job::Open(_)) || matches!(job, Job::Done { at, .. } if *at > now - REMEMBER)
    }

    /// The sum answers every question as the reader does, less what is older than it need remember.
    fn agree(state: &State, records: &[Record], now: Option<i64>) -> Result<(), TestCaseError> {
        for user in USERS {
            for (seq, job) in SEQS.flat_map(|seq| JOBS.map(move |job| (seq, job))) {
                let (user, job) = (id(user), id(job));
                prop_assert_eq!(
                    state.is_newest(user, seq, job),
                    is_newest(records, user, seq, job),
                    "user {} seq {} job {}",
                    user,
                    seq,
                    job
                );
            }
        }
        for wanted in JOBS.map(id) {
            let expected = job(records, wanted).filter(|job| now.is_none_or(|now| is_remembered(job, now)));
            prop_assert_eq!(state.jobs.get(&wanted), expected.as_ref());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn the_sum_answers_as_the_whole_journal(records in vec(record(), 0..6)) {
            agree(&sum(&records), &records, None)?;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn compacting_and_tearing_change_no_answer(records in vec(record(), 0..12), first in 0..12_usize, torn in record(), cut in 0..400_usize, now in REMEMBER..4 * REMEMBER) {
            // Compacted in mid-life, written to the file, continued, torn in the middle of a last line, and read again.
            let first = first.min(records.len());
            let mut file = lines(&sum(&records[..first]).compact(now - 1));
            file.extend(lines(&records[first..]));
            let whole = fold(&file).unwrap();
            let torn = lines(&[torn]);
            file.extend(&torn[..cut.min(torn.len() - 1)]);
            let mut state = fold(&file).unwrap();
            prop_assert_eq!(&state, &whole);
            let text = lines(&state.compact(now));
            agree(&state, &records, Some(now))?;
            let again = fold(&text).unwrap();
            prop_assert_eq!(&again, &state);
        }
    }
}
