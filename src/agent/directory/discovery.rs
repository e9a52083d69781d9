//! Servers that DNS names, where the settings give a domain instead of addresses: looked up when first needed, and again when the
//! records run out.
//!
//! DNS may lie, and be away. It only says where to knock: the certificate must name the very host, and the host must be of the domain, so
//! a lie can keep us from the directory but not lead the service account's password elsewhere. And what was known stays while there
//! is no answer, or none that names anybody.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::{sync::Mutex, time::Instant};

use super::target::Place;
use crate::{agent::dns, base::config};

/// The least time between two looks, whatever the records say, and the most.
const SOONEST: Duration = Duration::from_secs(10);
const LATEST: Duration = Duration::from_hours(1);
/// After a look in vain, where servers are known.
const AGAIN: Duration = Duration::from_mins(1);
/// So many are used, the best: each has connections, and is asked every second how it is.
const MOST: usize = 8;

pub(super) struct Discovery {
    domain: String,
    site: String,
    pub(super) dns_server: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next look is due; `None`: at once.
    next: Option<Instant>,
    /// It has worked.
    worked: bool,
    /// What was last complained about: said once.
    said: String,
}

impl Discovery {
    /// `None`: not wanted.
    pub(super) fn new(settings: &config::Directory) -> Result<Option<Self>> {
        if settings.discovery_domain.is_empty() {
            return Ok(None);
        }
        let domain = domain(settings)?;
        let site = settings.site.to_ascii_lowercase();
        ensure!(site.is_empty() || is_name(&site), "agent.directory.site = {:?} is no name of a site", settings.site);
        if !settings.dns_server.is_empty() {
            let at = settings.dns_server.parse::<std::net::SocketAddr>();
            at.with_context(|| format!("agent.directory.dns_server = {:?} must be an address and a port", settings.dns_server))?;
        }
        Ok(Some(Self { domain, site, dns_server: settings.dns_server.clone(), state: Mutex::default() }))
    }

    /// Not while somebody looks.
    pub(super) fn is_due(&self) -> bool {
        self.state.try_lock().is_ok_and(|state| state.is_due())
    }

    /// If it is due. `found` gets them, best first.
    pub(super) async fn look(&self, found: impl FnOnce(Vec<Place>)) {
        let mut state = self.state.lock().await;
        if !state.is_due() {
            return;
        }
        let Self { domain, site, dns_server, .. } = self;
        match places(domain, site, dns_server).await {
            Ok((places, strangers, ttl)) => {
                let complaint = if strangers.is_empty() {
                    String::new()
                } else {
                    format!("DNS names servers outside of {domain}, which are not used: {}", strangers.join(", "))
                };
                state.say(complaint);
                found(places);
                state.worked = true;
                state.next = Some(Instant::now() + ttl.clamp(SOONEST, LATEST));
            }
            Err(why) => {
                state.say(format!("the servers of {domain} cannot be looked up in DNS; those that are known stay: {why}"));
                state.next = Some(Instant::now() + if state.worked { AGAIN } else { SOONEST });
            }
        }
    }
}

impl State {
    fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    fn say(&mut self, complaint: String) {
        if !complaint.is_empty() && complaint != self.said {
            tracing::warn!("{complaint}");
        }
        self.said = complaint;
    }
}

/// The domain of the settings; never what could ask for a name beside it.
fn domain(settings: &config::Directory) -> Result<String> {
    let domain = settings.discovery_domain.trim_end_matches('.').to_ascii_lowercase();
    ensure!(is_name(&domain) && domain.contains('.'), "agent.directory.discovery_domain = {domain:?} is no name of a domain");
    Ok(domain)
}

fn is_name(text: &str) -> bool {
    text.split('.').all(|label| !label.is_empty() && label.len() < 64 && label.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)))
}

/// The best, the hosts that are not of the domain, and for how long that holds. Nobody is an error.
async fn places(domain: &str, site: &str, dns_server: &str) -> Result<(Vec<Place>, Vec<String>, Duration), String> {
    let mut found = dns::controllers(domain, site, dns_server).await?;
    let mut strangers = found.without_strangers(domain);
    strangers.sort();
    let places = found.all.into_iter().map(|found| Place { host: found.host, port: found.port }).take(MOST).collect::<Vec<_>>();
    if !places.is_empty() {
        Ok((places, strangers, found.ttl))
    } else if strangers.is_empty() {
        Err("it names nobody".to_owned())
    } else {
        Err(format!("it names only hosts outside of the domain: {}", strangers.join(", ")))
    }
}

/// Whom the agent would use now, as `doctor` looks at them.
pub async fn current(settings: &config::Directory) -> Result<Vec<Place>, String> {
    match Discovery::new(settings).map_err(|error| format!("{error:#}"))? {
        None => Ok(Vec::new()),
        Some(Discovery { domain, site, dns_server, .. }) => Ok(places(&domain, &site, &dns_server).await?.0),
    }
}
