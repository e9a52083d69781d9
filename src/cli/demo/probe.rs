//! `sspr demo --probe N`: complete resets, one after the other, each by a browser of its own and each checked at the directory.
//!
//! What a person waits for is measured where the person waits: at the browser's end of real HTTP.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::people;
use crate::{
    lab::{
        browser::{Browser, Page, worked},
        inbox::Inbox,
        samba::{BindOutcome, Samba, SampleUser},
    },
    wire::{
        keys::{Signed, Statement},
        seal::{self, Secrets},
        ticket::Ticket,
        unb64,
    },
};

/// A person may ask for five codes in a quarter of an hour; a probe that needs more would measure the limit.
const RESETS_EACH: usize = 5;
const STAGES: [&str; 5] = ["identify", "code", "ticket", "seal", "submit→applied"];

/// How long one reset took, stage by stage.
type Times = [Duration; STAGES.len()];

pub async fn run(number: usize, portal: &str, inbox: &Inbox, dc: &Samba) -> Result<()> {
    let people: Vec<&SampleUser> = dc.users.iter().filter(|user| !user.disabled && !user.must_change).collect();
    ensure!(
        number <= people.len() * RESETS_EACH,
        "--probe takes at most {}: each of {} people may ask for {RESETS_EACH} codes",
        people.len() * RESETS_EACH,
        people.len()
    );
    let mut passwords: HashMap<&str, String> = people.iter().map(|user| (user.sign_in_name.as_str(), user.password.clone())).collect();
    let (mut good, mut failed) = (Vec::new(), 0);
    for (round, user) in people.iter().cycle().take(number).enumerate() {
        let old = passwords[user.sign_in_name.as_str()].clone();
        let new = people::password();
        let done = async {
            let times = reset(portal, inbox, user, round, &new).await?;
            check(dc, user, &old, &new).await?;
            anyhow::Ok(times)
        };
        match done.await {
            Ok(times) => {
                good.push(times);
                passwords.insert(&user.sign_in_name, new);
            }
            Err(error) => {
                failed += 1;
                eprintln!("reset {} ({}): {error:#}", round + 1, user.sign_in_name);
            }
        }
    }
    println!("\n{} of {number} resets good, each checked by signing in to the directory\n", good.len());
    println!("  {:<16} {:>9} {:>9} {:>9}", "", "p50 ms", "p95 ms", "max ms");
    for (stage, name) in STAGES.iter().enumerate() {
        let mut times: Vec<Duration> = good.iter().map(|times| times[stage]).collect();
        times.sort_unstable();
        let at = |percent| millis(percentile(&times, percent));
        println!("  {name:<16} {:>9.1} {:>9.1} {:>9.1}", at(50), at(95), at(100));
    }
    println!();
    ensure!(failed == 0, "{failed} of {number} resets failed");
    Ok(())
}

/// One person's journey.
async fn reset(portal: &str, inbox: &Inbox, user: &SampleUser, round: usize, new: &str) -> Result<Times> {
    let mut browser = Browser::new(portal)?;
    let mut watch = Watch(Instant::now());

    let page = browser.open("/").await?;
    let shown = watch.lap();
    // While the person types.
    let form = worked(page.form("/reset")?.set("name", &user.sign_in_name)?).await?;
    watch.lap();
    let page = browser.submit(&form).await?;
    let identify = shown + watch.lap();

    let form = page.form("/reset/method")?;
    // Both ways in turn, where there are two.
    let method = if round.is_multiple_of(2) && user.mobile.is_some() { "sms" } else { "email" };
    let address = if method == "sms" { &user.mobile } else { &user.mail }.as_deref().context("a person without an address")?;
    let seen = inbox.count(address);
    let page = browser.submit(&form.set("method", method)?).await?;
    let message = inbox.wait_for(address, seen).await?;
    let page = browser.submit(&page.form("/reset/code")?.set("code", code(&message.text)?)?).await?;
    expect(&page, "/reset/password")?;
    let proven = watch.lap();

    let (status, answer) = browser.post_json("/reset/ticket", &json!({})).await?;
    ensure!(status == 200, "the ticket was answered {status}: {answer}");
    let Permit { ticket, recipients } = serde_json::from_value(answer).context("the ticket")?;
    let got_ticket = watch.lap();

    let secrets = Secrets { new: Zeroizing::new(new.to_owned()), old: Zeroizing::default() };
    let envelopes = recipients.iter().map(|to| to.seal(&secrets, &ticket)).collect::<Result<Vec<_>>>()?;
    ensure!(!envelopes.is_empty(), "a ticket without recipients");
    let sealed = watch.lap();

    let (status, answer) = browser.post_json("/reset/jobs", &json!({ "job": ticket.job, "envelopes": envelopes })).await?;
    ensure!(status == 202, "the job was answered {status}: {answer}");
    expect(&browser.open("/reset/status").await?, "/reset/status")?;
    let end = browser.events("/reset/status/events", |event| event["final"] == true).await?;
    let applied = watch.lap();
    ensure!(end["state"] == "applied", "the job ended {end}");
    Ok([identify, proven, got_ticket, sealed, applied])
}

/// The directory takes the new password and no longer the old one.
async fn check(dc: &Samba, user: &SampleUser, old: &str, new: &str) -> Result<()> {
    match dc.bind_as(&user.principal_name, new).await? {
        BindOutcome::Accepted => {}
        BindOutcome::Refused(why) => bail!("applied, but the directory refuses the new password ({why})"),
    }
    match dc.bind_as(&user.principal_name, old).await? {
        BindOutcome::Refused(why) if why == "52e" => Ok(()),
        BindOutcome::Refused(why) => bail!("the old password was refused for another reason than being wrong ({why})"),
        BindOutcome::Accepted => bail!("the directory still takes the old password"),
    }
}

/// What `POST /reset/ticket` answers.
#[derive(Deserialize)]
struct Permit {
    ticket: Ticket,
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    identity: String,
    statement: Statement,
    signature: String,
}

impl Recipient {
    /// Check the key as `static/js/seal.js` does, then seal to it.
    fn seal(&self, secrets: &Secrets, ticket: &Ticket) -> Result<seal::Envelope> {
        let identity = unb64(&self.identity).context("an identity key that is not base64url")?;
        let signed = Signed { statement: self.statement.clone(), signature: self.signature.clone() };
        ensure!(signed.is_signed_by(&identity), "a sealing key that its agent did not sign");
        ensure!(self.statement.connector == ticket.connector, "a sealing key of another connector");
        ensure!(
            self.statement.not_before <= ticket.issued_at && ticket.issued_at < self.statement.not_after,
            "a sealing key for another time"
        );
        let (key, public) = (self.statement.key_id().context("no key id")?, unb64(&self.statement.key).context("no key")?);
        Ok(seal::seal(secrets, ticket, &key, &public)?)
    }
}

fn expect(page: &Page, path: &str) -> Result<()> {
    ensure!(page.status == 200 && page.path == path, "expected {path}, got {} with {}: {}", page.path, page.status, page.text());
    Ok(())
}

/// The six digits in a message, which may stand in two groups.
fn code(text: &str) -> Result<&str> {
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        match (c, start) {
            ('0'..='9', None) => start = Some(at),
            ('0'..='9' | ' ' | '\u{a0}', Some(_)) | (_, None) => {}
            (_, Some(from)) => {
                let run = text[from..at].trim_end();
                if run.chars().filter(char::is_ascii_digit).count() == 6 {
                    return Ok(run);
                }
                start = None;
            }
        }
    }
    bail!("a message without a code")
}

struct Watch(Instant);

impl Watch {
    fn lap(&mut self) -> Duration {
        let lap = self.0.elapsed();
        self.0 = Instant::now();
        lap
    }
}

/// The smallest of `sorted` that at least `percent` of them do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_code_among_other_numbers() {
        assert_eq!(code("Your code is 123 456. It is good for 10 minutes.").unwrap(), "123 456");
        assert_eq!(code("10 Minuten: 654321").unwrap(), "654321");
        assert!(code("call 12345").is_err());
    }

    #[test]
    fn percentiles_are_of_the_times_that_were() {
        let times: Vec<Duration> = (1..=50).map(Duration::from_millis).collect();
        assert_eq!([50, 95, 100].map(|percent| percentile(&times, percent).as_millis()), [25, 48, 50]);
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
