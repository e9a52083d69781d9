//! Which servers a domain has, by its SRV records (RFC 2782, MS-ADTS 6.3.6): those of our site first.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};

use super::finding::{Code, Finding};
use crate::base::config;

const PATIENCE: Duration = Duration::from_secs(3);

/// A directory server as DNS names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Without the final dot, in lower case.
    pub host: String,
    /// Of LDAPS.
    pub port: u16,
}

/// `corp.example` of `DC=corp,DC=example`; `None` when the name does not consist of these.
pub fn domain_of(base_dn: &str) -> Option<String> {
    let parts = base_dn.split(',').map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        let good =
            name.eq_ignore_ascii_case("dc") && !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        good.then(|| value.to_ascii_lowercase())
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("."))
}

/// Best first. An error is a name server that did not answer; nobody found is an empty list.
pub async fn controllers(domain: &str, site: &str, dns_server: &str) -> Result<Vec<Controller>, String> {
    let resolver = resolver(dns_server)?;
    let mut found: Vec<Controller> = Vec::new();
    let mut asked = vec![format!("_ldap._tcp.dc._msdcs.{domain}."), format!("_ldap._tcp.{domain}.")];
    if !site.is_empty() {
        asked.insert(0, format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}."));
    }
    // Who says where LDAPS is, is believed; otherwise it is where it always is.
    let ldaps = srv(&resolver, &format!("_ldaps._tcp.{domain}.")).await?;
    for name in asked {
        for (host, _) in srv(&resolver, &name).await? {
            if !found.iter().any(|known| known.host == host) {
                let port = ldaps.iter().find(|(name, _)| *name == host).map_or(636, |(_, port)| *port);
                found.push(Controller { host, port });
            }
        }
    }
    for (host, port) in ldaps {
        if !found.iter().any(|known| known.host == host) {
            found.push(Controller { host, port });
        }
    }
    Ok(found)
}

fn resolver(dns_server: &str) -> Result<Resolver<TokioRuntimeProvider>, String> {
    let mut builder = if dns_server.is_empty() {
        Resolver::builder_tokio().map_err(|error| format!("this machine's name servers are not known: {error}"))?
    } else {
        let at: SocketAddr = dns_server.parse().map_err(|_| format!("agent.dns_server = {dns_server:?} must be an address and a port"))?;
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = at.port();
            connection
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![NameServerConfig::new(at.ip(), true, connections.into())]);
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    (options.timeout, options.attempts) = (PATIENCE, 1);
    builder.build().map_err(|error| error.to_string())
}

/// Host and port, by priority, the heavier first: one machine's choice need not be spread by chance.
async fn srv(resolver: &Resolver<TokioRuntimeProvider>, name: &str) -> Result<Vec<(String, u16)>, String> {
    let answer = match resolver.lookup(name, RecordType::SRV).await {
        Ok(answer) => answer,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let mut found = answer
        .answers()
        .iter()
        .filter_map(|record| if let RData::SRV(srv) = &record.data { Some(srv) } else { None })
        .map(|srv| (srv.priority, u16::MAX - srv.weight, srv.target.to_ascii().trim_end_matches('.').to_ascii_lowercase(), srv.port))
        // "." says that there is decidedly none.
        .filter(|(.., host, _)| !host.is_empty())
        .collect::<Vec<_>>();
    found.sort();
    Ok(found.into_iter().map(|(.., host, port)| (host, port)).collect())
}

/// What DNS says, compared with the server of the settings.
pub async fn check(settings: &config::Agent) -> Option<Finding> {
    let domain = domain_of(&settings.directory.base_dn)?;
    let host = super::servers(&settings.directory).into_iter().next()?.host;
    let found = match controllers(&domain, &settings.site, &settings.dns_server).await {
        Ok(found) => found,
        Err(why) => {
            let text = format!("who its domain controllers are cannot be looked up: {why}.");
            return Some(
                Finding::new(Code::DnsSilent, domain, text).say("Let this machine use the domain's name servers, or set agent.dns_server."),
            );
        }
    };
    let list = found.iter().map(|controller| controller.host.clone()).collect::<Vec<_>>().join(", ");
    Some(if found.is_empty() {
        let text = format!("DNS names no server of it (SRV _ldap._tcp.dc._msdcs.{domain}).");
        Finding::new(Code::DnsNoServers, domain, text).say(
            "Let this machine use the domain's name servers, or set agent.dns_server. The agent itself needs only agent.directory.url.",
        )
    } else if host.parse::<std::net::IpAddr>().is_ok() || found.iter().any(|controller| controller.host.eq_ignore_ascii_case(&host)) {
        Finding::new(Code::DnsOk, domain, format!("DNS names {} servers of it: {list}.", found.len()))
    } else {
        Finding::new(Code::DnsOtherServer, domain, format!("DNS names {list}, and agent.directory.url another: {host}."))
            .say("Meant so for an alias; otherwise use one of them.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_read_from_its_name_in_the_directory() {
        assert_eq!(domain_of("DC=Corp, dc=example").as_deref(), Some("corp.example"));
        for none in ["", "OU=Staff,DC=x", "DC=", "DC=a.b\nc", "o=example"] {
            assert_eq!(domain_of(none), None, "{none:?}");
        }
    }
}
