//! People at browsers: they prove who they are with a code from the inbox, choose a password that nobody else ever chose, and watch
//! what becomes of it. Some press twice, some have two tabs, two flows or no patience. Whatever they see is written down.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sspr::{
    lab::browser::Browser,
    wire::{
        keys::{Signed, Statement},
        ticket::Ticket,
        unb64,
    },
};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    chance::Chance,
    estate::SERVERS,
    hash,
    history::{Answer, Event},
    world::World,
};
use crate::support::person::seal_for;

/// How long a person waits for the mail before starting over.
const MAIL: Duration = Duration::from_secs(10);

/// One journey of one browser.
pub struct Flow {
    pub number: u32,
    person: usize,
    browser: Browser,
    node: usize,
    /// Every request goes to the other node.
    hops: bool,
    /// The newest ticket; `None` before the first, and for good once an answer to a request for one was lost.
    current: Option<Uuid>,
    foggy: bool,
}

pub struct Sealed {
    pub job: Uuid,
    body: Value,
}

pub enum Offer {
    Sealed(Sealed),
    /// Somebody else's job of this person is under way.
    Busy,
    /// The flow is over, or the portal does not come back.
    No,
}

impl Flow {
    /// Prove who one is. `None`: out of codes, or nothing works.
    pub async fn begin(world: &World, person: usize, chance: &mut Chance) -> Option<Self> {
        let who = &world.people[person];
        let _turn = who.proving.lock().await;
        for _ in 0..3 {
            if !who.has_codes_left() || world.impatient() {
                return None;
            }
            let node = chance.index(SERVERS);
            let browser = world.estate.browser(node).unwrap();
            let number = world.flows.fetch_add(1, Ordering::Relaxed);
            let mut flow = Self { number, person, browser, node, hops: chance.percent(50), current: None, foggy: false };
            if flow.prove(world).await.is_ok() {
                world.recorder.write(Event::Verified { flow: flow.number, person: who.name.clone(), at: world.recorder.now() });
                return Some(flow);
            }
            sleep(Duration::from_millis(300)).await;
        }
        None
    }

    async fn prove(&mut self, world: &World) -> Result<()> {
        let who = &world.people[self.person];
        let seen = self.ask_for_code(world).await?;
        let mut codes = world.codes.subscribe();
        let came = |codes: &HashMap<String, Vec<String>>| codes.get(&who.mail).is_some_and(|codes| codes.len() > seen);
        tokio::time::timeout(MAIL, codes.wait_for(came)).await??;
        let code = world.codes.borrow()[&who.mail].last().cloned().context("a code")?;
        self.hop(world);
        let page = self.browser.open("/reset/code").await?;
        let page = self.browser.submit(&page.form("/reset/code")?.set("code", &code)?).await?;
        ensure!(page.path == "/reset/password", "{}", page.path);
        Ok(())
    }

    /// To the code's page; how many codes had come before.
    async fn ask_for_code(&mut self, world: &World) -> Result<usize> {
        let who = &world.people[self.person];
        let page = self.browser.open("/").await?;
        let page = self.browser.submit(&page.form("/reset")?.set("name", &who.name)?).await?;
        let form = page.form("/reset/method")?.set("method", "email")?;
        let seen = world.codes_of(&who.mail);
        who.codes.fetch_add(1, Ordering::Relaxed);
        self.hop(world);
        let page = self.browser.submit(&form).await?;
        ensure!(page.path == "/reset/code" && page.status == 200, "{} {}", page.path, page.status);
        Ok(seen)
    }

    /// A flow that waits for a code, which whoever began it does not have.
    pub async fn of_a_guesser(world: &World, person: usize, node: usize) -> Result<Self> {
        let browser = world.estate.browser(node)?;
        let number = world.flows.fetch_add(1, Ordering::Relaxed);
        let mut flow = Self { number, person, browser, node, hops: false, current: None, foggy: false };
        flow.ask_for_code(world).await?;
        Ok(flow)
    }

    /// A wrong code, at `node`.
    pub async fn guess(&self, world: &World, node: usize) -> Result<()> {
        let who = &world.people[self.person];
        let mut browser = self.browser.at(&world.estate.portal(node));
        let page = browser.open("/reset/code").await?;
        let right = world.codes.borrow().get(&who.mail).cloned().unwrap_or_default();
        let wrong = (0..1_000_000).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).context("a wrong code")?;
        let form = page.form("/reset/code")?.set("code", &wrong)?;
        let begun = world.recorder.now();
        let page = browser.submit(&form).await?;
        let compared = match page.status {
            422 => true,
            429 => false,
            status => bail!("a wrong code was answered {status} at {}", page.path),
        };
        world.recorder.write(Event::Guess { person: who.name.clone(), node, compared, begun, ended: world.recorder.now() });
        Ok(())
    }

    fn hop(&mut self, world: &World) {
        if self.hops {
            self.other_node(world);
        }
    }

    fn other_node(&mut self, world: &World) {
        self.node = (self.node + 1) % SERVERS;
        self.browser = self.browser.at(&world.estate.portal(self.node));
    }

    /// A ticket, and `password` sealed for it to every agent that it names.
    pub async fn seal(&mut self, world: &World, password: &str) -> Offer {
        for _ in 0..20 {
            if world.impatient() {
                return Offer::No;
            }
            self.hop(world);
            let begun = world.recorder.now();
            match self.browser.post_json("/reset/ticket", &json!({})).await {
                Ok((200, answer)) => {
                    let ended = world.recorder.now();
                    let ticket: Ticket = serde_json::from_value(answer["ticket"].clone()).unwrap();
                    vouched(&answer, &ticket);
                    self.current = (!self.foggy).then_some(ticket.job);
                    let who = &world.people[self.person];
                    assert_eq!(ticket.user, who.guid, "a ticket for somebody else");
                    world.recorder.write(Event::Ticket {
                        flow: self.number,
                        person: who.name.clone(),
                        job: ticket.job,
                        seq: ticket.seq,
                        issued: ticket.issued_at,
                        expires: ticket.expires_at,
                        password: hash::nt(password),
                        begun,
                        ended,
                    });
                    return Offer::Sealed(Sealed { job: ticket.job, body: seal_for(&answer, password) });
                }
                Ok((409, answer)) if answer["code"] == "busy" => return Offer::Busy,
                Ok((403 | 404 | 409 | 410, _)) => return Offer::No,
                // No agent, no database, a restart.
                Ok(_) => {}
                Err(_) => {
                    (self.foggy, self.current) = (true, None);
                    self.other_node(world);
                }
            }
            sleep(Duration::from_millis(500)).await;
        }
        Offer::No
    }

    /// Post it at `node`.
    async fn post(&self, world: &World, sealed: &Sealed, node: usize) -> Answer {
        let mut browser = self.browser.at(&world.estate.portal(node));
        let begun = world.recorder.now();
        let answer = match browser.post_json("/reset/jobs", &sealed.body).await {
            Ok((status, _)) if (200..300).contains(&status) => Answer::Accepted,
            Ok((status, answer)) => Answer::Refused(status, answer["code"].as_str().unwrap_or_default().to_owned()),
            Err(_) => Answer::Lost,
        };
        world.recorder.write(Event::Submit { job: sealed.job, node, answer: answer.clone(), begun, ended: world.recorder.now() });
        answer
    }

    /// Post it until there is an answer; `true` if it was taken.
    pub async fn submit(&mut self, world: &World, sealed: &Sealed) -> bool {
        for _ in 0..12 {
            self.hop(world);
            match self.post(world, sealed, self.node).await {
                Answer::Accepted => return true,
                Answer::Lost => self.other_node(world),
                Answer::Refused(503 | 500, _) => {}
                Answer::Refused(409, code) if code == "busy" => {}
                Answer::Refused(..) => return false,
            }
            if world.impatient() {
                return false;
            }
            sleep(Duration::from_millis(700)).await;
        }
        false
    }

    /// At both nodes at once, as a double press or a network that repeats.
    pub async fn submit_twice(&mut self, world: &World, sealed: &Sealed) -> bool {
        let (one, other) = tokio::join!(self.post(world, sealed, 0), self.post(world, sealed, 1));
        one == Answer::Accepted || other == Answer::Accepted || self.submit(world, sealed).await
    }

    pub async fn submit_once(&self, world: &World, sealed: &Sealed) -> bool {
        self.post(world, sealed, self.node).await == Answer::Accepted
    }

    /// Until the end is told; `None`: it never was.
    pub async fn watch(&mut self, world: &World) -> Option<(String, Option<String>)> {
        let mut streams = true;
        while !world.impatient() {
            self.hop(world);
            match self.look(world, streams).await {
                Ok(Some(end)) => return Some(end),
                Ok(None) => streams = false,
                Err(Gone) => return None,
            }
            sleep(Duration::from_millis(400)).await;
        }
        None
    }

    /// One look at the status: by the stream until it ends, or once.
    pub async fn look(&mut self, world: &World, stream: bool) -> Result<Option<(String, Option<String>)>, Gone> {
        let (flow, job, recorder) = (self.number, self.current, world.recorder.clone());
        let told = move |status: &Value| {
            let text = |name: &str| status[name].as_str().map(str::to_owned);
            let (state, code, last) = (text("state").unwrap_or_default(), text("code"), status["final"] == true);
            recorder.write(Event::Told { flow, job, state: state.clone(), code: code.clone(), last, at: recorder.now() });
            last.then_some((state, code))
        };
        if stream {
            let event = self.browser.events("/reset/status/events", |event| event["final"] == true || told(event).is_some()).await;
            return Ok(event.ok().and_then(|event| told(&event)));
        }
        match self.browser.get_json("/reset/status.json").await {
            Ok((200, status)) => Ok(told(&status)),
            // Over, or another flow's: nobody will tell this browser any more.
            Ok((404 | 410, _)) => {
                let (state, at) = ("gone".to_owned(), world.recorder.now());
                world.recorder.write(Event::Told { flow, job, state, code: None, last: false, at });
                Err(Gone)
            }
            Ok((409, _)) => Err(Gone),
            Ok(_) => Ok(None),
            Err(_) => {
                self.other_node(world);
                Ok(None)
            }
        }
    }

    /// From an end that another try may mend to the password's page.
    pub async fn again(&mut self, world: &World) -> Result<()> {
        self.hop(world);
        let page = self.browser.open("/reset/ended").await?;
        if page.path == "/reset/password" {
            return Ok(());
        }
        let page = self.browser.submit(&page.form("/reset/again")?).await?;
        ensure!(page.path == "/reset/password", "{}", page.path);
        Ok(())
    }
}

/// The flow is over as far as its browser can see.
#[derive(Debug)]
pub struct Gone;

/// Look at the keys as the page's script does, before anything is sealed to them.
fn vouched(answer: &Value, ticket: &Ticket) {
    let recipients = answer["recipients"].as_array().unwrap();
    assert!(!recipients.is_empty(), "a ticket without recipients");
    for recipient in recipients {
        let statement: Statement = serde_json::from_value(recipient["statement"].clone()).unwrap();
        let signature = recipient["signature"].as_str().unwrap().to_owned();
        let identity = unb64(recipient["identity"].as_str().unwrap()).unwrap();
        assert!(Signed { statement: statement.clone(), signature }.is_signed_by(&identity), "a sealing key that its agent did not sign");
        assert_eq!(statement.connector, ticket.connector);
    }
}
