//! Which servers a domain has, by its SRV records (RFC 2782, MS-ADTS 6.3.6): those of our site first.
//!
//! Nothing that DNS says is trusted: whoever uses a name of it checks the server's certificate against that name.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};

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

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controllers {
    /// Best first.
    pub all: Vec<Controller>,
    /// How long the first of the records to run out may be believed.
    pub ttl: Duration,
}

impl Controllers {
    /// Takes out what DNS names outside of the domain, and returns the names of these: a record is not to lead the service account's
    /// password to a stranger, not even to one whose certificate the same CA signed.
    pub fn without_strangers(&mut self, domain: &str) -> Vec<String> {
        let end = format!(".{}", domain.to_ascii_lowercase());
        let (inside, outside) =
            std::mem::take(&mut self.all).into_iter().partition(|found| found.host.len() > end.len() && found.host.ends_with(&end));
        self.all = inside;
        let outside: Vec<Controller> = outside;
        outside.into_iter().map(|found| found.host).collect()
    }

    fn add(&mut self, host: String, port: u16) {
        if !self.all.iter().any(|known| known.host == host) {
            self.all.push(Controller { host, port });
        }
    }
}

/// An error is a name server that did not answer; nobody found is an empty list. `dns_server`: `address:port`, or empty for this
/// machine's own.
pub async fn controllers(domain: &str, site: &str, dns_server: &str) -> Result<Controllers, String> {
    let mut asked = vec![format!("_ldap._tcp.dc._msdcs.{domain}."), format!("_ldap._tcp.{domain}.")];
    if !site.is_empty() {
        asked.insert(0, format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}."));
    }
    named(domain, asked, dns_server).await
}

/// The same of a directory that is no Active Directory: what the records for LDAP alone say.
pub async fn servers(domain: &str, dns_server: &str) -> Result<Controllers, String> {
    named(domain, vec![format!("_ldap._tcp.{domain}.")], dns_server).await
}

async fn named(domain: &str, asked: Vec<String>, dns_server: &str) -> Result<Controllers, String> {
    let resolver = resolver(dns_server)?;
    let mut found = Controllers { all: Vec::new(), ttl: Duration::MAX };
    // Who says where LDAPS is, is believed; otherwise it is where it always is.
    let ldaps = srv(&resolver, &format!("_ldaps._tcp.{domain}."), &mut found.ttl).await?;
    for name in asked {
        for (host, _) in srv(&resolver, &name, &mut found.ttl).await? {
            let port = ldaps.iter().find(|(name, _)| *name == host).map_or(636, |(_, port)| *port);
            found.add(host, port);
        }
    }
    for (host, port) in ldaps {
        found.add(host, port);
    }
    Ok(found)
}

/// Where a host is, by a name server other than this machine's.
pub async fn addresses(host: &str, dns_server: &str) -> Result<Vec<IpAddr>, String> {
    let found = resolver(dns_server)?.lookup_ip(format!("{host}.")).await.map_err(|error| error.to_string())?;
    Ok(found.iter().collect())
}

fn resolver(dns_server: &str) -> Result<Resolver<TokioRuntimeProvider>, String> {
    let mut builder = if dns_server.is_empty() {
        Resolver::builder_tokio().map_err(|error| format!("this machine's name servers are not known: {error}"))?
    } else {
        let at: SocketAddr =
            dns_server.parse().map_err(|_| format!("agent.directory.dns_server = {dns_server:?} must be an address and a port"))?;
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
async fn srv(resolver: &Resolver<TokioRuntimeProvider>, name: &str, ttl: &mut Duration) -> Result<Vec<(String, u16)>, String> {
    let answer = match resolver.lookup(name, RecordType::SRV).await {
        Ok(answer) => answer,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let lives = answer.answers().iter().map(|record| Duration::from_secs(record.ttl.into()));
    *ttl = lives.min().unwrap_or(Duration::MAX).min(*ttl);
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

    #[test]
    fn only_hosts_of_the_domain_are_taken() {
        let hosts =
            ["dc1.corp.example", "corp.example", "evilcorp.example", ".corp.example", "dc.corp.example.evil.example", "x.y.corp.example"];
        let all = hosts.map(|host| Controller { host: host.to_owned(), port: 636 }).to_vec();
        let mut found = Controllers { all, ttl: Duration::ZERO };
        assert_eq!(found.without_strangers("Corp.Example").len(), 4);
        assert_eq!(found.all.iter().map(|found| found.host.as_str()).collect::<Vec<_>>(), ["dc1.corp.example", "x.y.corp.example"]);
    }
}
