//! The agent's keys and statements, without the agent: enough for a browser to seal to.

use serde_json::{Value, json};
use sspr::wire::{
    b64,
    keys::{Identity, Statement},
    seal::{self, KeyPair},
    ticket::Ticket,
};
use uuid::Uuid;

/// The server's clock, as these tests have it: five seconds after the stored ticket was given.
pub const NOW: i64 = 1_795_368_005;

/// An organisation with one agent, as the cloud would offer it.
pub struct Agent {
    pub identity: Identity,
    pub pair: KeyPair,
    pub ticket: Ticket,
    pub statement: Statement,
}

impl Agent {
    pub fn new() -> Self {
        let (identity, pair) = (Identity::generate(), KeyPair::generate());
        let known: Value = serde_json::from_str(include_str!("../../vectors/seal.json")).expect("the stored vectors");
        let ticket: Ticket = serde_json::from_value(known["ticket"].clone()).expect("a ticket");
        let statement = Statement {
            agent: Uuid::from_u128(9),
            connector: ticket.connector,
            suite: seal::SUITE.to_owned(),
            key: b64(&pair.public),
            epoch: 1,
            not_before: NOW - 60,
            not_after: NOW + 3600,
        };
        Self { identity, pair, ticket, statement }
    }

    /// As the ticket's answer lists it, with the statement changed before it is signed.
    pub fn listed(&self, change: impl FnOnce(&mut Statement)) -> Value {
        let mut statement = self.statement.clone();
        change(&mut statement);
        let signed = self.identity.sign(statement);
        json!({"identity": b64(self.identity.public()), "statement": signed.statement, "signature": signed.signature})
    }

    pub fn recipient(&self) -> Value {
        self.listed(|_| ())
    }

    pub fn ticket(&self) -> Value {
        json!(self.ticket)
    }
}
