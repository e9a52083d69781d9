//! What DNS says of the domain's servers, beside the settings.

use super::{
    finding::{Code, Finding},
    tls::Server,
};
use crate::{
    agent::dns::{controllers, domain_of},
    base::config,
};

/// What DNS says, compared with the server of the settings.
pub async fn check(settings: &config::Agent, named: &[Server]) -> Option<Finding> {
    let domain = domain_of(&settings.directory.base_dn)?;
    // Where the agent itself asks DNS, that is looked at for itself.
    let host = named.first()?.host.clone();
    let found = match controllers(&domain, &settings.directory.site, &settings.directory.dns_server).await {
        Ok(found) => found.all,
        Err(why) => {
            let text = format!("who its domain controllers are cannot be looked up: {why}.");
            return Some(
                Finding::new(Code::DnsSilent, domain, text)
                    .say("Let this machine use the domain's name servers, or set agent.directory.dns_server."),
            );
        }
    };
    let list = found.iter().map(|controller| controller.host.clone()).collect::<Vec<_>>().join(", ");
    Some(if found.is_empty() {
        let text = format!("DNS names no server of it (SRV _ldap._tcp.dc._msdcs.{domain}).");
        Finding::new(Code::DnsNoServers, domain, text).say(
            "Let this machine use the domain's name servers, or set agent.directory.dns_server. The agent itself needs only agent.directory.url.",
        )
    } else if host.parse::<std::net::IpAddr>().is_ok() || found.iter().any(|controller| controller.host.eq_ignore_ascii_case(&host)) {
        Finding::new(Code::DnsOk, domain, format!("DNS names {} servers of it: {list}.", found.len()))
    } else {
        Finding::new(Code::DnsOtherServer, domain, format!("DNS names {list}, and agent.directory.url another: {host}."))
            .say("Meant so for an alias; otherwise use one of them.")
    })
}
