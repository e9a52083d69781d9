//! E-mail over SMTP: text with an HTML alternative.
//!
//! TLS always, but for loopback hosts; a STARTTLS server that offers no TLS is not talked to. Success means that the next hop
//! took the mail, no more.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{
        Mailbox, Message, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp,
};
use reqwest::Url;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{Failure, has_control, is_loopback};
use crate::base::config;

/// One mail, ready to go.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// Becomes the Message-ID, so that a mail sent twice shows once.
    pub id: Uuid,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
}

/// The way to the mail server, with connections kept for the next mail.
#[derive(Clone)]
pub struct Mailer {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

/// RFC 3834 §5: nobody's holiday notice shall answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mailer {
    /// `None` when `mail.url` is empty: mail is switched off.
    pub fn new(settings: &config::Mail) -> Result<Option<Self>> {
        let url = settings.url.expose_secret();
        if url.is_empty() {
            return Ok(None);
        }
        // Neither message quotes the URL: it may hold a password.
        let mut url = Url::parse(url).ok().context("mail.url is not a URL")?;
        ensure!(url.query().is_none(), "mail.url takes no query");
        match url.scheme() {
            "smtps" => {}
            "smtp" => ensure!(is_loopback(&url), "mail.url: plain smtp:// is for loopback hosts only; use smtps:// or smtp+starttls://"),
            "smtp+starttls" => {
                url = Url::parse(&url.as_str().replacen("smtp+starttls://", "smtp://", 1))?;
                url.set_query(Some("tls=required"));
            }
            other => bail!("mail.url: {other}:// is none of smtps://, smtp+starttls:// and smtp://"),
        }
        let from: Mailbox = settings.from.parse().context("mail.from is not an address, such as `Password reset <reset@example.org>`")?;
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).ok().context("mail.url names no mail server")?;
        Ok(Some(Self { smtp: smtp.timeout(Some(timeout)).build(), from, timeout }))
    }

    /// Hand `mail` to the mail server.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), Failure> {
        let message = self.compose(mail)?;
        match tokio::time::timeout(self.timeout, self.smtp.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(Failure::Retry(format!("the mail server did not answer within {} s", self.timeout.as_secs()))),
        }
    }

    /// Whether the mail server answers and takes our credentials. Sends nothing.
    pub async fn check(&self) -> Result<()> {
        let answers = tokio::time::timeout(self.timeout, self.smtp.test_connection()).await.context("the mail server does not answer")?;
        ensure!(answers.context("connecting to the mail server")?, "the mail server does not answer");
        Ok(())
    }

    fn compose(&self, mail: &Mail<'_>) -> Result<Message, Failure> {
        if has_control(mail.to) || has_control(mail.subject) {
            return Err(Failure::Fail("control characters in the address or the subject".into()));
        }
        let never = |what: &str| Failure::Fail(what.to_owned());
        let to = Mailbox::new(None, mail.to.parse().map_err(|_| never("the address is not one"))?);
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(mail.subject)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(lines(mail.text), lines(mail.html)))
            .map_err(|_| never("the mail could not be composed"))
    }
}

/// Line ends as SMTP wants them: a lone CR or LF could end the mail early (RUSTSEC-2026-0561).
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// By the class of the reply (RFC 5321 §4.2.1); whatever is no reply may pass.
fn classify(error: &smtp::Error) -> Failure {
    match error.status() {
        Some(code) if error.is_permanent() => Failure::Fail(format!("the mail server answered {code}")),
        Some(code) => Failure::Retry(format!("the mail server answered {code}")),
        None if error.is_tls() => Failure::Retry("no TLS with the mail server".into()),
        None if error.is_timeout() => Failure::Retry("the mail server did not answer in time".into()),
        None => Failure::Retry("no connection with the mail server".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(url: &str) -> Result<Option<Mailer>> {
        Mailer::new(&config::Mail { url: url.into(), from: "Reset <reset@corp.example>".into(), timeout_seconds: 1 })
    }

    #[tokio::test]
    async fn only_loopback_goes_without_tls() {
        assert!(mailer("").unwrap().is_none());
        for good in [
            "smtp://127.0.0.1:2525",
            "smtp://[::1]:25",
            "smtp://localhost",
            "smtps://u:p@mail.example:465",
            "smtp+starttls://mail.example:587",
        ] {
            assert!(mailer(good).unwrap().is_some(), "{good}");
        }
        for bad in [
            "smtp://mail.example:25",
            "http://mail.example",
            "mail.example",
            "smtp://u:s3cret@mail.example",
            "smtps://mail.example?tls=none",
        ] {
            let error = format!("{:#}", mailer(bad).err().expect(bad));
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[tokio::test]
    async fn nothing_that_was_typed_grows_a_header() {
        let mailer = mailer("smtp://127.0.0.1:9").unwrap().unwrap();
        let mail = Mail { id: Uuid::nil(), to: "a@b.example", subject: "s", text: "t\nt", html: "h" };
        let sent = String::from_utf8(mailer.compose(&mail).unwrap().formatted()).unwrap();
        assert!(sent.contains("Auto-Submitted: auto-generated\r\n"));
        assert!(sent.contains("Message-ID: <00000000-0000-0000-0000-000000000000@corp.example>\r\n"));
        assert!(!sent.replace("\r\n", "").contains(['\r', '\n']));
        for evil in [
            Mail { to: "a@b.example\r\nBcc: c@d.example", ..mail },
            Mail { subject: "s\nBcc: c@d.example", ..mail },
            Mail { to: "a@b.example>,<c@d.example", ..mail },
        ] {
            assert!(matches!(mailer.compose(&evil), Err(Failure::Fail(_))));
        }
    }
}
