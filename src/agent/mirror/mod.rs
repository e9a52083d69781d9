//! The mirror: the cloud knows whom it may serve because the agent tells it, a page at a time.
//!
//! Three ways, each for what the others cannot see. *Changes*: every few seconds, whatever the directory's history shows since the last
//! mark. *Census*: who is there at all and in which groups, when something may have carried people along that did not change
//! themselves, or was deleted; it costs, so it takes at most a twentieth of the time. *A full pass*: names everybody anew, hourly,
//! so that whatever went wrong between us and the cloud is mended; whoever is not named in it is gone. What was told is written
//! down ([`known`]), so only differences travel. Very many removals at once are held back ([`guard`]). A mark means something only at the server that gave it: another server, or one
//! restored, starts a full pass.

mod groups;
mod guard;
mod known;
mod place;
mod telling;

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use anyhow::Result;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

pub use self::guard::{Held, accept, held, is_accepted};
use self::{
    groups::{Memberships, Wanted},
    guard::Guard,
    known::Known,
    place::{Place, UnderWay},
    telling::{Count, Telling},
};
use super::{
    audit::Audit,
    backoff::Backoff,
    cloud::{Cloud, Failure},
    directory::people::{ASKED, Mark, Page, People},
    time::Time,
};
use crate::{base::config, base::id};

/// A census takes at most one part in so many of the time: without a hint that it would find somebody, and with one.
const RARELY: u32 = 20;
const SOON: u32 = 2;

pub struct Mirror<D> {
    directory: Arc<D>,
    cloud: Arc<Cloud>,
    time: Time,
    every: Duration,
    full_every: i64,
    wanted: Wanted,
    /// Of the settings.
    fingerprint: String,
    dir: PathBuf,
    /// As kept in the state directory; read when first needed.
    kept: Option<(Place, Known)>,
    memberships: Option<Memberships>,
    guard: Guard,
    /// When the last census ended, and how long it took.
    census: Option<(Instant, Duration)>,
    /// Something changed since: how rarely the next one may be. Kept over steps, or a hint that came too early were forgotten.
    owed: Option<u32>,
}

impl<D: People> Mirror<D> {
    pub fn new(directory: Arc<D>, cloud: Arc<Cloud>, settings: &config::Agent, time: Time) -> Self {
        let every = settings.mirror_seconds.max(1);
        Self {
            directory,
            cloud,
            time,
            every: Duration::from_secs(every),
            full_every: i64::try_from(settings.mirror_full_seconds.max(every)).unwrap_or(i64::MAX),
            wanted: Wanted::new(settings),
            fingerprint: place::fingerprint(settings),
            dir: settings.state_dir.clone(),
            kept: None,
            memberships: None,
            guard: Guard::new(settings),
            census: None,
            owed: Some(RARELY),
        }
    }

    /// What is held back is a line of the agent's audit, too.
    #[must_use]
    pub fn with_audit(mut self, audit: Arc<Audit>) -> Self {
        self.guard.audit = Some(audit);
        self
    }

    /// Until the agent is revoked.
    pub async fn run(mut self) -> Failure {
        let mut backoff = Backoff::default();
        loop {
            let pause = match self.step().await {
                Ok(()) => {
                    backoff.reset();
                    self.every
                }
                Err(error) => match error.downcast::<Failure>() {
                    Ok(Failure::Revoked) => return Failure::Revoked,
                    Ok(failure) => backoff.after(&failure, "the mirror could not be sent"),
                    Err(error) => {
                        tracing::warn!(error = format!("{error:#}"), "the mirror stands still");
                        backoff.next(None)
                    }
                },
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Send what is due.
    pub async fn step(&mut self) -> Result<()> {
        let mark = self.directory.mark().await?;
        if self.kept.is_none() {
            // Under other settings everybody is told anew; but whom the cloud knows is not forgotten, or nobody would notice who is missing.
            let known = Known::open(&self.dir.join("mirror.known"))?;
            let place = Place::load(&self.place(), &self.fingerprint)?;
            self.kept = Some((place.unwrap_or_else(|| Place::new(&self.fingerprint)), known));
        }
        // Taken out for the time being: a step that fails halfway keeps what it wrote down.
        let Some((mut place, mut known)) = self.kept.take() else { return Ok(()) };
        let done = place.done(&mark).filter(|_| place.full.is_none() && !place.full_is_due(self.full_every, self.time.now()));
        let outcome = match done {
            Some(done) => self.changes(&mut place, &mut known, &done, mark).await,
            None => self.full(&mut place, &mut known, mark).await,
        };
        if outcome.as_ref().is_err_and(is_unknown_pass) {
            place.full = None;
        }
        self.kept = Some((place, known));
        outcome
    }

    fn place(&self) -> PathBuf {
        self.dir.join("mirror.json")
    }

    /// Everybody, or the rest of them.
    async fn full(&mut self, place: &mut Place, known: &mut Known, mark: Mark) -> Result<()> {
        let (started, now) = (Instant::now(), self.time.now());
        let resumed = place.resumable(&mark, now);
        if resumed.is_none() {
            known.begin_pass()?;
            // Those that a pass which never ended told of were not known before it.
            let before = place.full.as_ref().map_or(usize::MAX, |full| full.known).min(known.len());
            place.full = Some(UnderWay { pass: id::random(), mark: mark.clone(), begun: now, known: before });
            place.save(&self.place())?;
        }
        let is_resumed = resumed.is_some();
        let Some(under_way) = resumed.or_else(|| place.full.clone()) else { return Ok(()) };
        let memberships = Memberships::read(&*self.directory, &self.wanted).await?;
        let first = known.nobody_named();
        let mut telling = Telling::new(&self.cloud, known, under_way.pass, true, first);
        telling.groups(memberships.told.clone());
        let read = |cookie| self.directory.page(None, cookie);
        let mut page = read(Vec::new()).await?;
        loop {
            let (people, cookie) = (page.people, page.cookie);
            let tell = async {
                for person in people {
                    // Who is not served is not named, and so removed in the end.
                    tell(&mut telling, &memberships, person).await?;
                }
                telling.flush().await
            };
            if cookie.is_empty() {
                tell.await?;
                break;
            }
            // The directory looks for the next ones while the cloud takes these, which is finished even if there are no next ones.
            let (next, told) = tokio::join!(read(cookie), tell);
            told?;
            page = next?;
        }
        let missing = telling.known().not_named();
        // One who never saw anybody does not say that nobody is there: another agent may have told of people.
        let saw_nobody = under_way.known == 0 && telling.known().len() == 0;
        let left = telling.known().len().saturating_sub(missing);
        let may_end = !saw_nobody && self.guard.allows(missing, (under_way.known, left), now).await?;
        let count = if may_end { telling.end().await? } else { telling.count };
        let gone = if may_end { known.end_pass()? } else { 0 };
        if may_end {
            self.guard.is_over()?;
        } else if saw_nobody {
            tracing::warn!("there is nobody in the part of the directory that is served, or our account may see nobody: nothing is told");
        }
        // Where it may not end, it is broken off for good: changes go on from here, and the census looks again for who is missing.
        (place.full, place.full_at) = (None, under_way.begun);
        place.set_done(under_way.mark);
        place.save(&self.place())?;
        self.memberships = Some(memberships);
        // What left while the pages went by is found by the next census.
        self.owed = Some(RARELY);
        tracing::info!(
            mirror.people = known.len(),
            mirror.sent = count.upserts,
            mirror.gone = gone,
            mirror.cut = count.cut,
            mirror.resumed = is_resumed,
            mirror.ended = may_end,
            mirror.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(0),
            "sent everybody to the cloud"
        );
        Ok(())
    }

    /// What changed since `done`, and a census if it is due.
    async fn changes(&mut self, place: &mut Place, known: &mut Known, done: &Mark, mark: Mark) -> Result<()> {
        let moved = mark != *done;
        if moved {
            self.owed.get_or_insert(RARELY);
        }
        if self.owed.is_none() {
            return Ok(());
        }
        if self.memberships.is_none() {
            self.memberships = Some(Memberships::read(&*self.directory, &self.wanted).await?);
        }
        let Some(memberships) = &self.memberships else { return Ok(()) };
        let known_before = known.len();
        let mut telling = Telling::new(&self.cloud, known, id::random(), false, true);
        let mut left = HashSet::new();
        let (mut cookie, mut shifted, mut more) = (Vec::new(), false, moved);
        while more {
            let Page { people, gone, shifted: is_shifted, cookie: next } = self.directory.page(Some(done), cookie).await?;
            shifted |= is_shifted;
            for person in people {
                let guid = person.guid;
                if tell(&mut telling, memberships, person).await? {
                    left.remove(&guid)
                } else {
                    left.insert(guid)
                };
            }
            left.extend(gone);
            more = !next.is_empty();
            cookie = next;
        }
        if shifted {
            self.owed = Some(SOON);
        }
        let part = self.owed.unwrap_or(RARELY);
        let counted = self.census.is_none_or(|(at, took)| at.elapsed() >= took * part);
        if counted {
            let begun = Instant::now();
            let before = self.memberships.take();
            let memberships = Memberships::read(&*self.directory, &self.wanted).await?;
            if before.is_none_or(|before| before.told != memberships.told) {
                telling.groups(memberships.told.clone());
            }
            census(&*self.directory, &mut telling, &memberships, &mut left).await?;
            self.memberships = Some(memberships);
            self.census = Some((Instant::now(), begun.elapsed()));
        }
        left.retain(|guid| telling.known().get(*guid).is_some());
        let remaining = telling.known().len().saturating_sub(left.len());
        let may_remove = self.guard.allows(left.len(), (known_before, remaining), self.time.now()).await?;
        if may_remove {
            for guid in left {
                telling.remove(guid).await?;
            }
        }
        let Count { upserts, removals, cut } = telling.end().await?;
        if counted {
            // Looked for again while somebody is held back.
            self.owed = (!may_remove).then_some(RARELY);
            if may_remove {
                self.guard.is_over()?;
            }
        }
        if moved {
            place.set_done(mark);
            place.save(&self.place())?;
        }
        if upserts + removals > 0 {
            tracing::info!(
                mirror.sent = upserts,
                mirror.gone = removals,
                mirror.cut = cut,
                mirror.census = counted,
                "sent changes to the cloud"
            );
        }
        Ok(())
    }
}

/// The cloud came back without what it knew of a full pass.
fn is_unknown_pass(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Failure::Refused { code, .. }) if code == "unknown_pass")
}

/// Who is served is told, with their groups. False: is not served.
async fn tell(telling: &mut Telling<'_>, memberships: &Memberships, mut person: crate::wire::message::Person) -> Result<bool> {
    if !memberships.serves(person.guid) {
        return Ok(false);
    }
    person.protected |= memberships.protects(person.guid);
    person.groups = memberships.groups(person.guid).to_vec();
    let digest = memberships.digest(person.guid);
    telling.person(person, digest).await?;
    Ok(true)
}

/// Newcomers, people who are in other groups than told, and those who are missing: each of the last is asked for by id before being
/// given up, because pages of a search may pass somebody by who moves at that moment.
///
/// `left`: who is not there any more, as far as it was seen; completed here.
async fn census(directory: &impl People, telling: &mut Telling<'_>, memberships: &Memberships, left: &mut HashSet<Uuid>) -> Result<()> {
    telling.known().begin_census();
    let (mut other, mut cookie): (Vec<Uuid>, _) = (Vec::new(), Vec::new());
    loop {
        let page = directory.census(cookie).await?;
        for guid in page.guids.into_iter().filter(|guid| memberships.serves(*guid)) {
            let told = telling.known().see(guid);
            if left.contains(&guid) || told.is_none_or(|told| told.digest == 0 || told.groups != memberships.digest(guid)) {
                other.push(guid);
            }
        }
        for guids in other.chunks(ASKED) {
            for guid in ask(directory, telling, memberships, guids).await? {
                left.remove(&guid);
            }
        }
        other.clear();
        cookie = page.cookie;
        if cookie.is_empty() {
            break;
        }
    }
    let missing = telling.known().missing();
    for guids in missing.chunks(ASKED) {
        let found = ask(directory, telling, memberships, guids).await?;
        left.extend(guids.iter().filter(|guid| !found.contains(guid)));
    }
    Ok(())
}

/// Those of them that are there and served.
async fn ask(directory: &impl People, telling: &mut Telling<'_>, memberships: &Memberships, guids: &[Uuid]) -> Result<Vec<Uuid>> {
    let people = directory.people(guids).await?;
    let mut found = Vec::new();
    for person in people {
        let guid = person.guid;
        if tell(telling, memberships, person).await? {
            found.push(guid);
        }
    }
    Ok(found)
}
