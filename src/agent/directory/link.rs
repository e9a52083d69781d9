//! Connections to the servers of a directory, made anew when they broke, and which of them a question goes to.
//!
//! Calls share a connection (LDAP multiplexes), one per link and server. After a failed connect there is a short pause, so that a
//! crowd of jobs does not hammer a server that is coming up.
//!
//! What changes nothing may be asked twice: [`Link::ask`] turns to the next server when one breaks or lets it wait. What changes
//! something goes to the one server whose state was looked at ([`Link::session_on`]), and is never repeated here.

use std::{
    collections::HashSet,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex as Slots, PoisonError},
    task::Poll,
    time::Duration,
};

use ldap3::{Ldap, Scope};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    Server, Trouble,
    answer::{elsewhere, is_elsewhere, transport},
    attributes::Entry,
    servers::Servers,
    target::Target,
};

/// For an ordinary answer.
pub(super) const ANSWER: Duration = Duration::from_secs(5);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// A question that waited this long is put to another server, too.
const HEDGE: Duration = Duration::from_millis(700);
/// A server that does not answer the regular question in this time is not well.
const PATIENCE: Duration = Duration::from_millis(800);

/// One kind of work's connections, one to each server.
pub(super) struct Link {
    servers: Arc<Servers>,
    slots: Slots<Vec<Arc<Mutex<Slot>>>>,
    /// Over which the regular question goes; not for the one that is it.
    probe: Option<Arc<Link>>,
    /// Servers that are being looked at over this link.
    looking: Slots<HashSet<usize>>,
}

/// The connection to one server, or why there is none.
#[derive(Default)]
struct Slot {
    /// Tells one connection from the next, so that a late complaint does not close a newer one.
    generation: u64,
    up: Option<(Ldap, Server)>,
    failed: Option<(Instant, String)>,
    /// Whose it is: a number may be given to another server.
    target: Option<Arc<Target>>,
}

/// A handle for one call.
pub(super) struct Session {
    pub(super) ldap: Ldap,
    pub(super) server: Server,
    at: usize,
    generation: u64,
}

impl Session {
    /// A search with a limit for the whole of its answer; the library's own is for each entry. The code is the server's.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        limit: Duration,
    ) -> Result<(Vec<Entry>, ldap3::LdapResult), Trouble> {
        let found = timeout(limit, self.ldap.search(base, scope, filter, attributes.to_vec())).await;
        let found = found.map_err(|_| Trouble::Unreachable("no answer in time".to_owned()))?.map_err(transport)?;
        if is_elsewhere(found.1.rc) {
            return Err(elsewhere(found.1.rc, &found.1.text));
        }
        Ok((found.0.into_iter().filter_map(Entry::new).collect(), found.1))
    }
}

impl Link {
    pub(super) fn new(servers: Arc<Servers>, probe: Option<Arc<Link>>) -> Self {
        Self { servers, slots: Slots::default(), probe, looking: Slots::default() }
    }

    fn slot(&self, at: usize) -> Arc<Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        while slots.len() <= at {
            slots.push(Arc::default());
        }
        slots[at].clone()
    }

    /// A connection to the server in use; when that one fails or lets us wait, to the next one that does not.
    pub(super) async fn session(&self) -> Result<Session, Trouble> {
        self.race(self.servers.known_order().await, |at| self.session_at(at)).await
    }

    /// To the very server that calls itself `name`. (A name may lead to several servers, so what came is looked at.)
    pub(super) async fn session_on(&self, name: &str) -> Result<Session, Trouble> {
        let mut trouble = Trouble::Unreachable(format!("there is no server {name} any more"));
        for at in self.servers.called(name) {
            match self.unless_gone(at, Box::pin(self.session_at(at))).await {
                Ok(session) if session.server.name == name => return Ok(session),
                Ok(_) => {}
                Err(why) => trouble = why,
            }
        }
        Err(trouble)
    }

    /// The connection to one server, made if need be; callers that come meanwhile wait for the same attempt.
    async fn session_at(&self, at: usize) -> Result<Session, Trouble> {
        let slot = self.slot(at);
        let mut slot = slot.lock().await;
        let target = self.servers.target(at);
        if slot.target.as_ref().is_none_or(|held| !Arc::ptr_eq(held, &target)) {
            *slot = Slot { generation: slot.generation + 1, target: Some(target), ..Slot::default() };
        }
        if let Some((ldap, server)) = slot.up.as_mut() {
            if !ldap.is_closed() {
                let (ldap, server) = (ldap.clone(), server.clone());
                return Ok(Session { ldap, server, at, generation: slot.generation });
            }
            slot.up = None;
        }
        if let Some((_, why)) = slot.failed.as_ref().filter(|(failed, _)| failed.elapsed() < PAUSE_AFTER_FAILURE) {
            return Err(Trouble::Unreachable(why.clone()));
        }
        match self.servers.bind(at).await {
            Ok((ldap, server)) => {
                tracing::info!(directory.dc = %server.name, directory.policy_hints = server.policy_hints.is_some(), "connected to the directory");
                slot.generation += 1;
                slot.failed = None;
                slot.up = Some((ldap.clone(), server.clone()));
                self.servers.well(at, None);
                Ok(Session { ldap, server, at, generation: slot.generation })
            }
            Err(trouble) => {
                slot.failed = Some((Instant::now(), trouble.to_string()));
                self.servers.failed(at, &trouble.to_string());
                Err(trouble)
            }
        }
    }

    /// Put a question that changes nothing to the server in use; when it fails, and also when it lets us wait, another server is asked. About somebody who was written lately, the server of the write is asked, and
    /// others only once it is gone: they may not know of it yet.
    pub(super) async fn ask<T, F>(&self, about: Option<Uuid>, question: impl Fn(Session) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let put = async |at: usize| self.put(at, &question).await;
        let written = about.and_then(|user| self.servers.written(user)).unwrap_or_default();
        for at in written {
            if self.servers.is_well(at) {
                tokio::select! {
                    answer = put(at) => if !matches!(answer, Err(Trouble::Unreachable(_))) { return answer },
                    () = self.servers.until_gone(at) => {}
                }
            }
        }
        self.race(self.servers.known_order().await, put).await
    }

    /// Put a question that changes nothing to the very server that calls itself `name`.
    pub(super) async fn ask_on<T, F>(&self, name: &str, question: impl Fn(Session) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut trouble = Trouble::Unreachable(format!("there is no server {name} any more"));
        for at in self.servers.called(name) {
            match self.unless_gone(at, Box::pin(self.put(at, &question))).await {
                Err(why @ Trouble::Unreachable(_)) => trouble = why,
                answer => return answer,
            }
        }
        Err(trouble)
    }

    /// What only this server can answer. One that is gone is not waited for where another is well: whoever asked turns to that one.
    async fn unless_gone<T>(&self, at: usize, mut asking: impl Future<Output = Result<T, Trouble>> + Unpin) -> Result<T, Trouble> {
        if let Ok(answer) = timeout(HEDGE, &mut asking).await {
            return answer;
        }
        self.doubt(at);
        tokio::select! {
            answer = asking => answer,
            () = self.servers.until_another(at) => Err(Trouble::Unreachable(format!("{} does not answer any more", self.servers.name(at)))),
        }
    }

    /// Look at it now, and not only when its next second comes.
    fn doubt(&self, at: usize) {
        if let Some(probe) = self.probe.clone() {
            tokio::spawn(async move { probe.look(at).await });
        }
    }

    /// Until the server that calls itself `name` let a change wait and is gone.
    pub(super) async fn until_gone(&self, name: &str) {
        sleep(HEDGE).await;
        for at in self.servers.called(name) {
            self.doubt(at);
            self.servers.until_gone(at).await;
        }
    }

    /// Put a question that changes nothing to every server, but for those that have been away for long.
    pub(super) async fn ask_everywhere<T, F>(&self, question: impl Fn(Session) -> F) -> Result<Vec<T>, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut answers = Vec::new();
        self.servers.known_order().await;
        for at in self.servers.all().into_iter().filter(|at| !self.servers.is_long_gone(*at)) {
            answers.push(self.put(at, &question).await?);
        }
        Ok(answers)
    }

    /// To one server. A connection that broke since its last use is worth a second try.
    async fn put<T, F>(&self, at: usize, question: &impl Fn(Session) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut again = true;
        loop {
            let session = self.session_at(at).await?;
            let generation = session.generation;
            match question(session).await {
                Err(Trouble::Unreachable(why)) => {
                    self.closed(at, generation).await;
                    if !again {
                        self.servers.failed(at, &why);
                        return Err(Trouble::Unreachable(why));
                    }
                }
                answer => return answer,
            }
            again = false;
        }
    }

    /// The first that gives an answer, a refusal too. The next one is asked when the one before fails or has waited long enough.
    async fn race<T, F>(&self, order: Vec<usize>, put: impl Fn(usize) -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let put = &put;
        let mut waiting = Vec::new();
        let mut order = order.into_iter();
        let mut first_trouble = None;
        let mut asked = Vec::new();
        loop {
            let next = order.next();
            if let Some(at) = next {
                asked.push(at);
                waiting.push(Box::pin(async move {
                    let begun = Instant::now();
                    (at, put(at).await, begun.elapsed())
                }));
            }
            let hedge = async { if order.len() > 0 { sleep(HEDGE).await } else { std::future::pending().await } };
            let mut hedge = pin!(hedge);
            let ended = tokio::select! {
                ended = first(&mut waiting) => ended,
                () = &mut hedge => continue,
            };
            match ended {
                Some((at, Err(Trouble::Unreachable(why)), _)) => {
                    asked.retain(|other| *other != at);
                    first_trouble.get_or_insert(why);
                }
                Some((at, answer, took)) => {
                    // A question that takes long anywhere says nothing about the server.
                    if let Some(before) = asked.first().filter(|before| **before != at && took < HEDGE) {
                        self.servers.slow(*before, at);
                    }
                    return answer;
                }
                None if next.is_none() => {
                    return Err(Trouble::Unreachable(first_trouble.unwrap_or_else(|| "there is no server".to_owned())));
                }
                None => {}
            }
        }
    }

    /// The server in use, if connected.
    pub(super) async fn server(&self) -> Option<Server> {
        self.slot(self.servers.current()).lock().await.up.as_ref().map(|(_, server)| server.clone())
    }

    /// This call's connection is of no use any more.
    pub(super) async fn broken(&self, session: &Session) {
        self.closed(session.at, session.generation).await;
    }

    async fn closed(&self, at: usize, generation: u64) {
        let slot = self.slot(at);
        let mut slot = slot.lock().await;
        if slot.generation == generation {
            slot.up = None;
        }
    }

    /// This call's server answered, however long that took: it is there, and what it did is read back there.
    pub(super) fn answered(&self, session: &Session) {
        self.servers.well(session.at, None);
    }

    /// This call's server cannot serve: it is not asked until it answers the regular question again.
    pub(super) async fn useless(&self, session: &Session, why: &str) {
        self.broken(session).await;
        self.servers.failed(session.at, why);
    }

    /// The regular question to one server, so that its health is known and its connection warm. Not broken off where it takes long:
    /// a slow connection would never be made. Whoever comes meanwhile leaves it at that one.
    pub(super) async fn look(&self, at: usize) {
        let looking = || self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if looking().insert(at) {
            self.look_now(at).await;
            looking().remove(&at);
        }
    }

    async fn look_now(&self, at: usize) {
        let begun = Instant::now();
        let mut look = pin!(async {
            let mut session = self.session_at(at).await?;
            let found = session.search("", Scope::Base, "(objectClass=*)", &["1.1"], ANSWER).await;
            if found.is_err() {
                self.broken(&session).await;
            }
            found.map(drop)
        });
        let found = if let Ok(found) = timeout(PATIENCE, &mut look).await {
            found
        } else {
            self.servers.failed(at, &format!("no answer in {PATIENCE:?}"));
            look.await
        };
        match found {
            Ok(()) if begun.elapsed() <= PATIENCE => self.servers.well(at, Some(begun.elapsed())),
            // Late, and a new connection perhaps: the next look will tell.
            Ok(()) => {}
            Err(trouble) => self.servers.failed(at, &trouble.to_string()),
        }
    }

    /// It is not needed any more.
    pub(super) async fn drop_connection(&self, at: usize) {
        self.slot(at).lock().await.up = None;
    }

    /// Make the connection ready.
    pub(super) async fn warm(&self, at: usize) {
        if let Err(trouble) = self.session_at(at).await {
            tracing::debug!(error = %trouble, "a connection could not be made ready");
        }
    }
}

/// The first to end of some; `None` when there are none.
async fn first<F: Future>(waiting: &mut Vec<Pin<Box<F>>>) -> Option<F::Output> {
    poll_fn(|context| {
        for at in 0..waiting.len() {
            if let Poll::Ready(ended) = waiting[at].as_mut().poll(context) {
                drop(waiting.swap_remove(at));
                return Poll::Ready(Some(ended));
            }
        }
        if waiting.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
