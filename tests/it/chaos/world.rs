//! Who there is, and what all their journeys share.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
};

use tokio::sync::watch;
use uuid::Uuid;

use super::{
    chance::Chance,
    estate::Estate,
    history::{Event, Recorder},
    people::Flow,
};
use crate::support::person::code_in;

/// Codes that one account is sent in a quarter of an hour.
const CODES: u32 = 5;
pub struct Person {
    pub name: String,
    pub mail: String,
    pub guid: Uuid,
    pub dn: String,
    /// One flow at a time waits for a code: the mails of two could not be told apart.
    pub proving: tokio::sync::Mutex<()>,
    pub codes: AtomicU32,
}

impl Person {
    pub fn new(name: &str, guid: Uuid, dn: String) -> Self {
        let (proving, codes) = Default::default();
        Self { name: name.to_owned(), mail: format!("{name}@mail.example"), guid, dn, proving, codes }
    }

    pub fn has_codes_left(&self) -> bool {
        self.codes.load(Ordering::Relaxed) < CODES
    }
}

/// What all share.
pub struct World {
    pub estate: Estate,
    pub recorder: Recorder,
    pub people: Vec<Person>,
    /// Codes by address, as they came.
    pub codes: watch::Sender<HashMap<String, Vec<String>>>,
    pub flows: AtomicU32,
    passwords: AtomicU64,
    /// After this, in milliseconds since 1970, nobody waits any longer for what they have not been told.
    pub patience: AtomicI64,
    /// Flows that were left before their end was told; looked at again when all is calm.
    pub left: Mutex<Vec<Flow>>,
    /// Every password that was sealed, to look for where it must not be.
    pub sealed: Mutex<Vec<String>>,
    seed: u64,
}

impl World {
    pub fn new(estate: Estate, recorder: Recorder, people: Vec<Person>, seed: u64) -> Self {
        let (flows, passwords, left, sealed) = Default::default();
        Self {
            estate,
            recorder,
            people,
            codes: watch::Sender::default(),
            flows,
            passwords,
            patience: AtomicI64::new(i64::MAX),
            left,
            sealed,
            seed,
        }
    }

    /// Sort what comes into the inbox, for ever.
    pub async fn sort_mail(&self) {
        let mut seen = 0;
        loop {
            let fresh = self.estate.inbox.after(seen).await;
            seen += fresh.len();
            for message in fresh {
                let Some(person) = self.people.iter().find(|person| person.mail == message.to) else { continue };
                if message.subject.starts_with("Your code") {
                    self.codes.send_modify(|codes| codes.entry(message.to.clone()).or_default().push(code_in(&message.text)));
                } else if message.subject.starts_with("Your password") {
                    self.recorder.write(Event::Notice { person: person.name.clone(), at: self.recorder.now() });
                }
            }
        }
    }

    pub fn codes_of(&self, mail: &str) -> usize {
        self.codes.borrow().get(mail).map_or(0, Vec::len)
    }

    /// Never the same twice, good for any policy here, and nothing of a name in it.
    pub fn password(&self, chance: &mut Chance) -> String {
        let password = format!("Zw-{:06}-{:012}", self.passwords.fetch_add(1, Ordering::Relaxed), chance.below(1_000_000_000_000));
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).push(password.clone());
        password
    }

    /// Two kinds of characters where the domain wants three.
    pub fn weak_password(&self, chance: &mut Chance) -> String {
        let password = format!("zw{:06}{:012}", self.passwords.fetch_add(1, Ordering::Relaxed), chance.below(1_000_000_000_000));
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).push(password.clone());
        password
    }

    /// Chance of its own for whoever asks; what happens when is not in our hands, what is done is.
    pub fn chance(&self, salt: u64) -> Chance {
        Chance::new(self.seed.wrapping_mul(31).wrapping_add(salt))
    }

    pub fn impatient(&self) -> bool {
        self.recorder.now() > self.patience.load(Ordering::Relaxed)
    }
}
