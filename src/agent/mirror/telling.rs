//! One pass as the cloud gets it: people and removals in batches of at most 500 and well below the size that is taken. Directory
//! attributes are hostile input: what is too long or cannot be shown is cut or left out here, or it would hold up the others.

use anyhow::Result;
use uuid::Uuid;

use super::known::{Known, Told};
use crate::{
    agent::cloud::Cloud,
    wire::{
        message::{Group, MIRROR_BATCH, MirrorBatch, Person},
        sha256,
    },
};

/// Of JSON: the cloud takes 1 MiB.
const BATCH_BYTES: usize = 700 << 10;
/// Of a name or an address.
const TEXT_BYTES: usize = 256;

pub(super) struct Telling<'a> {
    cloud: &'a Cloud,
    known: &'a mut Known,
    batch: MirrorBatch,
    told: Vec<(Uuid, Told)>,
    bytes: usize,
    pub(super) count: Count,
}

/// Of one pass.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count {
    pub(super) upserts: usize,
    pub(super) removals: usize,
    /// Values that were cut or left out, and people without a usable name.
    pub(super) cut: usize,
}

impl<'a> Telling<'a> {
    /// `first`: nothing of this pass has reached the cloud.
    pub(super) fn new(cloud: &'a Cloud, known: &'a mut Known, pass: Uuid, full: bool, first: bool) -> Self {
        let batch = MirrorBatch { pass, full, first, ..MirrorBatch::default() };
        Self { cloud, known, batch, told: Vec::new(), bytes: 0, count: Count::default() }
    }

    pub(super) fn known(&mut self) -> &mut Known {
        self.known
    }

    /// Before anybody who is in one of them.
    pub(super) fn groups(&mut self, groups: Vec<Group>) {
        self.batch.groups = Some(groups);
    }

    /// In a full pass whoever was not named yet, else whoever is not as told before.
    pub(super) async fn person(&mut self, mut person: Person, groups: u32) -> Result<()> {
        if !clean(&mut person, &mut self.count.cut) {
            return Ok(());
        }
        let text = serde_json::to_vec(&person)?;
        let told = Told { digest: u64::from_be_bytes(sha256(&text)[..8].try_into()?), groups };
        let old = if self.batch.full { self.known.is_named(person.guid, told) } else { self.known.get(person.guid) == Some(told) };
        if old {
            return Ok(());
        }
        let is_twice = |(guid, _): &(Uuid, Told)| *guid == person.guid;
        if self.bytes + text.len() > BATCH_BYTES
            || self.batch.upserts.len() == MIRROR_BATCH
            || self.told.iter().any(is_twice)
            || self.batch.removals.contains(&person.guid)
        {
            self.send(false).await?;
        }
        self.bytes += text.len() + 1;
        self.told.push((person.guid, told));
        self.batch.upserts.push(person);
        Ok(())
    }

    /// Nothing to say of somebody the cloud was not told of.
    pub(super) async fn remove(&mut self, guid: Uuid) -> Result<()> {
        if self.known.get(guid).is_none() || self.batch.removals.contains(&guid) {
            return Ok(());
        }
        if self.batch.removals.len() == MIRROR_BATCH || self.told.iter().any(|(told, _)| *told == guid) {
            self.send(false).await?;
        }
        self.batch.removals.push(guid);
        Ok(())
    }

    /// What there is, now: where a full pass is broken off, it goes on.
    pub(super) async fn flush(&mut self) -> Result<()> {
        if self.batch.upserts.is_empty() { Ok(()) } else { self.send(false).await }
    }

    /// What is left. A pass that found nothing new has nothing to say, unless it is a full one.
    pub(super) async fn end(mut self) -> Result<Count> {
        let quiet = self.batch.upserts.is_empty() && self.batch.removals.is_empty() && self.batch.groups.is_none();
        if self.batch.full || !quiet {
            self.send(true).await?;
        }
        Ok(self.count)
    }

    async fn send(&mut self, last: bool) -> Result<()> {
        self.batch.last = last;
        self.known.will_tell(self.batch.upserts.iter().map(|person| person.guid))?;
        self.cloud.mirror(&self.batch).await?;
        self.known.told(&self.told)?;
        self.known.gone(&self.batch.removals)?;
        self.count.upserts += self.told.len();
        self.count.removals += self.batch.removals.len();
        let (pass, full) = (self.batch.pass, self.batch.full);
        self.batch = MirrorBatch { pass, full, ..MirrorBatch::default() };
        self.told.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// False: there is no name to know them by.
fn clean(person: &mut Person, cut: &mut usize) -> bool {
    for text in [&mut person.sign_in_name, &mut person.principal_name, &mut person.display_name] {
        let plain = plain(text);
        if *text != plain {
            *cut += 1;
            *text = plain;
        }
    }
    // A part of an address is another address.
    for text in [&mut person.mail, &mut person.private_mail, &mut person.mobile, &mut person.language] {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES || text.chars().any(char::is_control)) {
            *cut += 1;
            *text = None;
        }
    }
    if person.sign_in_name.is_empty() {
        *cut += 1;
    }
    !person.sign_in_name.is_empty()
}

/// Without control characters, and no longer than can be used.
pub(super) fn plain(text: &str) -> String {
    let mut plain: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut end = plain.len().min(TEXT_BYTES);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    plain.truncate(end);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_or_cannot_be_shown_is_cut_or_left_out() {
        let long = "ä".repeat(5000);
        let mut person = Person {
            sign_in_name: "an\0n".into(),
            principal_name: "ann@corp.example".into(),
            display_name: long.clone(),
            mail: Some(long),
            mobile: Some("+49\u{7}170".into()),
            language: Some("de".into()),
            ..Person::default()
        };
        let mut cut = 0;
        assert!(clean(&mut person, &mut cut));
        assert_eq!((person.sign_in_name.as_str(), person.display_name.chars().count(), cut), ("ann", 128, 4));
        assert_eq!((person.mail, person.mobile, person.language.as_deref()), (None, None, Some("de")));
        assert!(!clean(&mut Person { sign_in_name: "\0".into(), ..Person::default() }, &mut cut));
    }
}
