//! Where a provider may be. Whoever runs a tenant names it, and this machine goes there: so only https, only addresses of the Internet unless
//! the settings allow the organisation's own network, and never this machine or what clouds tell their machines at link-local addresses.
//! Looked at where names become addresses, so that a name that changes its mind changes nothing. (Behind an outgoing proxy the proxy
//! resolves names: there its rules hold.)

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// How far we go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The Internet.
    Public,
    /// And private networks.
    Private,
    /// And this machine, without TLS: where the service itself is on loopback, for trying it.
    Anything,
}

impl Reach {
    /// By scheme, and by the host where that is an address; names are looked at when they are resolved.
    pub fn may_go(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let plain = url.username().is_empty() && url.password().is_none() && !host.is_empty();
        let scheme = url.scheme() == "https" || (self == Self::Anything && url.scheme() == "http");
        plain && scheme && host.parse().map_or(true, |address| self.reaches(address))
    }

    fn reaches(self, address: IpAddr) -> bool {
        match self {
            Self::Anything => true,
            Self::Private => is_public(address) || is_private(address),
            Self::Public => is_public(address),
        }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.filter(|found| reach.reaches(found.ip())).collect();
            if found.is_empty() {
                return Err("the name leads nowhere that may be gone to".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// An IPv4 address as IPv6 wraps it (mapped, or by NAT64).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)).into(),
        _ => v6.to_canonical(),
    }
}

/// RFC 1918, RFC 6598, RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(v4) => v4.is_private() || is_shared(v4),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

fn is_shared(v4: Ipv4Addr) -> bool {
    matches!(v4.octets(), [100, 64..=127, ..])
}

/// By the registries of special addresses (RFC 6890): of IPv6 only what is given out at all, and nothing that hides another address.
fn is_public(address: IpAddr) -> bool {
    match unwrapped(address) {
        IpAddr::V4(v4) => {
            let special =
                matches!(v4.octets(), [0 | 127, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [192, 88, 99, _])
                    || matches!(v4.octets(), [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..]);
            !special && !v4.is_private() && !is_shared(v4)
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            let given = segments[0] & 0xe000 == 0x2000;
            let special = matches!(segments, [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002 | 0x3fff, ..]);
            given && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_internet_is_gone_to() {
        let reaches = |reach: Reach, text: &str| reach.reaches(text.parse().unwrap());
        for public in ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(reaches(Reach::Public, public), "{public}");
        }
        for private in ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"] {
            assert!(!reaches(Reach::Public, private) && reaches(Reach::Private, private), "{private}");
        }
        for never in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "255.255.255.255",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "198.18.0.1",
            "2001:db8::1",
            "2001::1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!reaches(Reach::Public, never) && !reaches(Reach::Private, never) && reaches(Reach::Anything, never), "{never}");
        }
    }

    #[test]
    fn an_address_is_https_and_bears_no_secret() {
        let may = |reach: Reach, text: &str| reach.may_go(&Url::parse(text).unwrap());
        assert!(may(Reach::Public, "https://login.corp.example/realms/x"));
        for bad in [
            "http://login.corp.example",
            "https://a:b@login.corp.example",
            "https://127.0.0.1",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "file:///etc/passwd",
        ] {
            assert!(!may(Reach::Public, bad), "{bad}");
        }
        assert!(
            may(Reach::Anything, "http://localhost:1")
                && !may(Reach::Anything, "file:///etc/passwd")
                && may(Reach::Private, "https://10.0.0.1")
        );
    }
}
