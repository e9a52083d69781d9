//! The cloud as this machine reaches it: at all, with which clock, and as whom it knows this agent.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, header, redirect};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::finding::{Code, Finding};
use crate::{
    agent::{
        cloud::{Cloud, Failure, base_url},
        state::{self, Me},
        time::Time,
    },
    base::{clock::Clock, config},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds by which proofs may be off (docs/agent-protocol.md, 6); the agent corrects its proofs by itself up to a quarter of an hour.
const SKEW: i64 = 60;

pub async fn check(settings: &config::Agent, me: Option<&Me>, clock: &Clock) -> Vec<Finding> {
    let url = match base_url(&settings.cloud_url) {
        Ok(url) => url,
        Err(error) => {
            return vec![
                Finding::new(Code::SettingsIncomplete, "agent.cloud_url", format!("{error:#}."))
                    .say("Set it to the cloud's server.public_url."),
            ];
        }
    };
    let mut found = Vec::new();
    match reach(&url, clock).await {
        Ok(skew) if skew.abs() > SKEW => {
            let text = format!("this machine's clock is {} s {} the cloud's.", skew.abs(), if skew < 0 { "ahead of" } else { "behind" });
            found.push(Finding::new(Code::ClockSkew, &url, text).say("Set the clock; use a time service (NTP)."));
        }
        Ok(skew) => {
            let text = format!("this machine's clock agrees with the cloud's ({skew:+} s; {SKEW} are allowed).");
            found.push(Finding::new(Code::ClockOk, &url, text));
        }
        Err(why) => {
            let text = format!("cannot be reached: {why}.");
            found.push(
                Finding::new(Code::CloudUnreachable, &url, text)
                    .say("The agent needs HTTPS outwards to this address, and nothing inwards. Check name resolution, firewall, and a proxy that breaks TLS open.")
                    .run("shell", format!("curl -v {}/health/live", super::grants::posix(&url))),
            );
            return found;
        }
    }
    if let Some(me) = me {
        found.extend(known(settings, me, clock).await);
    }
    if found.iter().all(|finding| finding.code == Code::ClockOk) {
        let text =
            if me.is_some() { "reached, the clocks agree, and this agent is confirmed there." } else { "reached, and the clocks agree." };
        found.push(Finding::new(Code::CloudOk, &url, text));
    }
    found
}

/// Seconds that its clock is ahead of ours.
async fn reach(url: &str, clock: &Clock) -> Result<i64, String> {
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    let answer = client.get(format!("{url}/health/live")).send().await.map_err(|error| chain(&error))?;
    if !answer.status().is_success() {
        return Err(format!("{} where the service would say that it lives: is this its address?", answer.status()));
    }
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let its = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()).map(OffsetDateTime::unix_timestamp);
    Ok(its.map_or(0, |its| its - clock.seconds()))
}

/// With what caused it: the outermost layer only says that it failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Asks for an access token, which changes nothing, and is what every call of the agent begins with.
async fn known(settings: &config::Agent, me: &Me, clock: &Clock) -> Option<Finding> {
    let (_, identities) = state::look(&settings.state_dir).ok().flatten()?;
    let print = crate::wire::keys::fingerprint(identities.current().public());
    let about = format!("agent {}", me.agent);
    let cloud = Cloud::new(&me.cloud_url, Arc::new(identities), Some(me.agent), Time::new(clock.clone())).ok()?;
    match cloud.is_known().await {
        Ok(()) => None,
        Err(Failure::Pending) => Some(
            Finding::new(Code::AgentPending, about, format!("waits to be confirmed. Its fingerprint: {print}"))
                .run("in the cloud, after comparing the fingerprint there", format!("sspr agent confirm {} --fingerprint {print}", me.agent)),
        ),
        Err(Failure::Revoked) => Some(
            Finding::new(Code::AgentRevoked, about, "was revoked and may do nothing any more.")
                .say("Remove it; or enrol another with an empty agent.state_dir."),
        ),
        Err(Failure::Refused { code, detail, .. }) => Some(
            Finding::new(Code::AgentUnknown, about, format!("the cloud does not take it ({code}): {detail}"))
                .say("It was enrolled at another service, or this state directory is a copy whose original has replaced its key since. Enrol it anew with an empty agent.state_dir."),
        ),
        Err(failure) => Some(Finding::new(Code::CloudUnreachable, about, format!("{failure}.")).say("Try again.")),
    }
}
