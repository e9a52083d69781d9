//! Becoming an agent: make an identity, show a one-time token, and wait to be confirmed by a person who compares fingerprints.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};

use super::{
    cloud::{Cloud, Failure, base_url},
    identity::{self, Identities},
    state::{self, Me},
    time::Time,
};
use crate::{
    base::{clock::Clock, config},
    wire::{b64, keys::fingerprint, message::Enrolment},
};

/// What to show the person who enrols.
pub struct Enrolled {
    pub me: Me,
    /// Of the key on this machine; the cloud must show the same.
    pub fingerprint: String,
}

/// Enrol with the one-time `token` under a `name` for people. Safe to repeat when the answer was lost: the identity stays.
pub async fn enrol(settings: &config::Agent, token: &SecretString, name: String, clock: Clock) -> Result<Enrolled> {
    let dir: &Path = &settings.state_dir;
    let cloud_url = base_url(&settings.cloud_url)?;
    state::prepare(dir)?;
    let identity = Arc::new(identity::for_enrolment(dir)?);
    let time = Time::new(clock);
    let cloud = Cloud::new(&cloud_url, Arc::new(Identities::sole(identity.clone())), None, time)?;
    let request = Enrolment {
        token: token.expose_secret().trim().to_owned(),
        name,
        identity: b64(identity.public()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let answer = match cloud.enrol(&request).await {
        Err(Failure::Refused { status: 401, code, .. }) if code == "clock_skew" => cloud.enrol(&request).await,
        other => other,
    };
    let enrolled = answer.with_context(|| format!("enrolling at {cloud_url}"))?;
    let fingerprint = fingerprint(identity.public());
    if enrolled.fingerprint != fingerprint {
        bail!(
            "the cloud has another key than this machine ({} instead of {fingerprint}): somebody stands between. Do not confirm it",
            enrolled.fingerprint
        );
    }
    let me = Me { agent: enrolled.agent, tenant: enrolled.tenant, connector: enrolled.connector, cloud_url };
    state::save(dir, &me)?;
    Ok(Enrolled { me, fingerprint })
}
