//! FLOOR 1: carriers deliver one finished message each. They know addresses and words for the moment of delivery, never log
//! them, and tell a failure without quoting what the other side said, which may quote the address.

pub mod mail;
pub mod sms;

use anyhow::Result;
use reqwest::Url;
use thiserror::Error;

use crate::base::config;

/// Why a message was not delivered: fit for the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// May succeed later.
    #[error("{0}")]
    Retry(String),
    /// Will never succeed.
    #[error("{0}")]
    Fail(String),
}

/// What is set up; `None` is switched off.
#[derive(Clone)]
pub struct Carriers {
    pub mail: Option<mail::Mailer>,
    pub sms: Option<sms::Gateway>,
}

impl Carriers {
    pub fn new(mail: &config::Mail, sms: &config::Sms) -> Result<Self> {
        Ok(Self { mail: mail::Mailer::new(mail)?, sms: sms::Gateway::new(sms)? })
    }
}

/// Whether `url` leads to this very machine, where nobody listens on the way.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Line breaks and their like would let an address or a subject grow headers or commands of its own.
fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}
