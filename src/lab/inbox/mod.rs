//! An inbox for everybody: takes mail by SMTP and text messages by the HTTP call that Twilio takes, and shows them on a page.
//!
//! Real protocols on loopback, so that the carriers under test are the ones in production. No TLS, no relay. It can be told
//! to refuse a recipient, and whoever waits for a message is woken by its arrival.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::base::{clock::Clock, id};

mod page;
mod sms;
mod smtp;

/// How long [`Inbox::wait_for`] waits before it is an error.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Email,
    Sms,
}

/// One message to one recipient.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub channel: Channel,
    pub to: String,
    pub from: String,
    /// Empty for text messages.
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// The mail as it came, headers and all.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// How to treat a recipient for whom nothing is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// SMTP 550, HTTP 400: no use in trying again.
    ForGood,
    /// SMTP 451, HTTP 503: try later.
    ForNow,
}

/// What the two listeners share.
#[derive(Clone)]
struct Shelf {
    messages: Arc<watch::Sender<Vec<Message>>>,
    refusals: Arc<Mutex<HashMap<String, Refusal>>>,
    clock: Clock,
    account: Arc<str>,
    token: Arc<str>,
}

impl Shelf {
    fn put(&self, message: Message) {
        self.messages.send_modify(|all| all.push(message));
    }

    fn refusal(&self, to: &str) -> Option<Refusal> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).get(to).copied()
    }
}

pub struct Inbox {
    shelf: Shelf,
    http: SocketAddr,
    smtp: SocketAddr,
    _listening: DropGuard,
}

impl Inbox {
    /// On loopback, until dropped. Port 0: any.
    pub async fn start(http_port: u16, smtp_port: u16) -> Result<Self> {
        let shelf = Shelf {
            messages: Arc::new(watch::Sender::new(Vec::new())),
            refusals: Arc::default(),
            clock: Clock::system(),
            account: format!("AC{}", id::random().simple()).into(),
            token: id::token().into(),
        };
        let (http, smtp) = (listen(http_port).await?, listen(smtp_port).await?);
        let (http_address, smtp_address) = (http.local_addr()?, smtp.local_addr()?);
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(smtp::listen(smtp, shelf.clone(), stop.clone())));
        let app = page::routes().merge(sms::routes()).with_state(shelf.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move { axum::serve(http, app).await }));
        Ok(Self { shelf, http: http_address, smtp: smtp_address, _listening: stop.drop_guard() })
    }

    /// The page.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.http.port())
    }

    /// For `mail.url`.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.smtp.port())
    }

    /// For `sms.url`.
    pub fn sms_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http.port())
    }

    /// For `sms.account`.
    pub fn sms_account(&self) -> &str {
        &self.shelf.account
    }

    /// For `sms.token`.
    pub fn sms_token(&self) -> &str {
        &self.shelf.token
    }

    /// Everything that came, newest last.
    pub fn all(&self) -> Vec<Message> {
        self.shelf.messages.borrow().clone()
    }

    /// How many came for `to`.
    pub fn count(&self, to: &str) -> usize {
        self.shelf.messages.borrow().iter().filter(|message| message.to == to).count()
    }

    /// The message to `to` that comes after `seen` others to the same: 0 for the first ever.
    pub async fn wait_for(&self, to: &str, seen: usize) -> Result<Message> {
        let mut arrivals = self.shelf.messages.subscribe();
        let nth = |all: &Vec<Message>| all.iter().filter(|message| message.to == to).nth(seen).cloned();
        let all = tokio::time::timeout(PATIENCE, arrivals.wait_for(|all| nth(all).is_some()))
            .await
            .with_context(|| format!("no message number {} to {to} within {} s", seen + 1, PATIENCE.as_secs()))??;
        nth(&all).context("messages never go away")
    }

    /// What came after the first `seen`, as soon as there is any.
    pub async fn after(&self, seen: usize) -> Vec<Message> {
        let mut arrivals = self.shelf.messages.subscribe();
        // The sender lives as long as we do.
        let _ = arrivals.wait_for(|all| all.len() > seen).await;
        self.shelf.messages.borrow().iter().skip(seen).cloned().collect()
    }

    /// From now on take nothing for `to`.
    pub fn refuse(&self, to: &str, refusal: Refusal) {
        self.shelf.refusals.lock().unwrap_or_else(PoisonError::into_inner).insert(to.to_owned(), refusal);
    }

    /// Take messages for `to` again.
    pub fn accept(&self, to: &str) {
        self.shelf.refusals.lock().unwrap_or_else(PoisonError::into_inner).remove(to);
    }
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| format!("port {port} is taken"))
}
