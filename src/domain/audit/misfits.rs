//! What became of lines that do not fit their places. Pure.
//!
//! A line that was edited fits nowhere. One that was moved, alone or with its place, fits where it was. One whose place was overwritten leaves the
//! next one without its predecessor: that one is as it was, and not to be told of.

use uuid::Uuid;

use super::{
    stored::{Hash, Stored},
    verify::Finding,
};

/// As it was found.
pub struct Misfit {
    pub seq: i64,
    pub event: Uuid,
    pub hash: Hash,
    /// The hash of the place before, as it stands there.
    pub before: Option<Hash>,
    pub line: Stored,
}

/// So many are compared with one another: it takes the third power of their number. More are told of as edited.
const COMPARED: usize = 24;

#[derive(Default)]
pub struct Misfits {
    compared: Vec<Misfit>,
    others: Vec<Finding>,
}

impl Misfits {
    pub fn keep(&mut self, misfit: Misfit) {
        if self.compared.len() < COMPARED {
            self.compared.push(misfit);
        } else if self.others.len() < 10_000 {
            self.others.push(Finding::Edited { seq: misfit.seq, event: misfit.event });
        }
    }

    pub fn explain(self) -> Vec<Finding> {
        let all = &self.compared;
        // What may have stood before a line: as it stands there now, as it is there by right, and what now stands where it does not belong.
        let right = |one: &Misfit| one.before.map(|before| one.line.hash(&before, one.seq));
        let befores: Vec<Hash> = all.iter().flat_map(|one| one.before.into_iter().chain([one.hash]).chain(right(one))).collect();
        let fits = |one: &Misfit, seq: i64, hash: &Hash| befores.iter().any(|before| one.line.hash(before, seq) == *hash);
        let was = |one: &Misfit| {
            let elsewhere = all.iter().filter(|other| other.seq != one.seq);
            // With its hash, or with nothing but its name.
            elsewhere.into_iter().find(|other| fits(one, other.seq, &one.hash) || fits(one, other.seq, &other.hash)).map(|other| other.seq)
        };
        let told = |one: &Misfit| match was(one) {
            Some(was) => Some(Finding::Moved { seq: one.seq, event: one.event, was }),
            None if fits(one, one.seq, &one.hash) => None,
            None => Some(Finding::Edited { seq: one.seq, event: one.event }),
        };
        all.iter().filter_map(told).chain(self.others).collect()
    }
}
