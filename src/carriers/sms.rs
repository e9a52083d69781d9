//! Text messages by the HTTP call of Twilio's API, which many gateways understand.
//!
//! The API has no way to say "this again", so a call whose answer was lost may arrive twice; gateways that honour an
//! `Idempotency-Key` send it once. A message that comes twice says the same both times.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::{Failure, has_control, is_loopback};
use crate::base::config;

#[derive(Clone)]
pub struct Gateway {
    http: Client,
    url: Url,
    account: String,
    token: SecretString,
    from: String,
}

impl Gateway {
    /// `None` when `sms.url` is empty: text messages are switched off.
    pub fn new(settings: &config::Sms) -> Result<Option<Self>> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let base = Url::parse(&settings.url).context("sms.url")?;
        ensure!(
            base.scheme() == "https" || (base.scheme() == "http" && is_loopback(&base)),
            "sms.url: https:// only, but for loopback hosts"
        );
        ensure!(
            !settings.account.is_empty() && settings.account.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "sms.account: letters and digits"
        );
        ensure!(!settings.from.is_empty(), "sms.from: a number or a sender's name");
        let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", settings.url.trim_end_matches('/'), settings.account);
        // A redirect would carry the number and the code to somebody else.
        let mut http = Client::builder().timeout(Duration::from_secs(settings.timeout_seconds)).redirect(redirect::Policy::none());
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        Ok(Some(Self {
            http: http.build().context("making the HTTP client for sms.url")?,
            url: url.parse().context("sms.url")?,
            account: settings.account.clone(),
            token: settings.token.clone(),
            from: settings.from.clone(),
        }))
    }

    /// Hand `text` for the number `to` (E.164) to the gateway. `id` names the message.
    pub async fn send(&self, id: Uuid, to: &str, text: &str) -> Result<(), Failure> {
        if has_control(to) {
            return Err(Failure::Fail("control characters in the number".into()));
        }
        let form = [("To", to), ("From", self.from.as_str()), ("Body", text)];
        let request = self
            .http
            .post(self.url.clone())
            .basic_auth(&self.account, Some(self.token.expose_secret()))
            .header("idempotency-key", id.to_string())
            .form(&form);
        let mut answer = request.send().await.map_err(|error| {
            Failure::Retry(
                if error.is_timeout() { "the SMS gateway did not answer in time" } else { "no connection with the SMS gateway" }.into(),
            )
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let code = answer.chunk().await.ok().flatten().and_then(|body| serde_json::from_slice::<Refusal>(&body).ok());
        let reason = match code {
            Some(Refusal { code }) => format!("the SMS gateway answered {} with code {code}", status.as_u16()),
            None => format!("the SMS gateway answered {}", status.as_u16()),
        };
        let later = !status.is_client_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(if later { Failure::Retry(reason) } else { Failure::Fail(reason) })
    }
}

/// Only the number of an error is taken: its text may quote the phone number.
#[derive(Deserialize)]
struct Refusal {
    code: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_goes_without_tls() {
        let gateway = |url: &str, account: &str| {
            Gateway::new(&config::Sms {
                url: url.into(),
                account: account.into(),
                token: "t".into(),
                from: "+15550100".into(),
                timeout_seconds: 1,
            })
        };
        assert!(gateway("", "").unwrap().is_none());
        assert!(gateway("https://api.example", "AC1").unwrap().is_some());
        assert!(gateway("http://127.0.0.1:81/", "AC1").unwrap().is_some());
        for (url, account) in
            [("http://api.example", "AC1"), ("https://api.example", "a/../b"), ("https://api.example", ""), ("nonsense", "AC1")]
        {
            assert!(gateway(url, account).is_err(), "{url} {account}");
        }
    }
}
