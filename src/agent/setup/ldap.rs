//! One connection to ask the directory over, bound as the service account. Unlike the agent's own it is made once, and what fails is
//! a finding.

use std::{sync::Arc, time::Duration};

use ldap3::{
    Ldap, LdapError, ResultEntry, Scope, SearchEntry, SearchResult,
    controls::{ControlType, PagedResults, RawControl},
};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::time::{error::Elapsed, timeout};
use tokio_rustls::TlsConnector;

use super::{
    finding::{Code, Finding},
    tls::{self, Server},
};
use crate::{
    agent::directory::{library, refusal, sd, transport},
    base::config::{self, DirectoryKind},
};

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
const PAGE: i32 = 500;
/// Of one search, in bytes: some 10 KiB for each of the people that are looked at.
const MOST: usize = 256 << 20;

pub struct Probe {
    ldap: Ldap,
    at: String,
}

/// An entry; names are compared without case.
pub struct Found(SearchEntry);

impl Found {
    fn new(entry: ResultEntry) -> Option<Self> {
        (!entry.is_ref() && !entry.is_intermediate()).then(|| Self(SearchEntry::construct(entry)))
    }

    pub fn dn(&self) -> &str {
        &self.0.dn
    }

    pub fn texts(&self, name: &str) -> &[String] {
        self.0.attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).first().map(String::as_str)
    }

    pub fn number(&self, name: &str) -> i64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Bytes that it takes, about.
    fn weight(&self) -> usize {
        const EACH: usize = 64;
        let texts = self.0.attrs.values().flatten().map(|value| EACH + value.len());
        let bytes = self.0.bin_attrs.values().flatten().map(|value| EACH + value.len());
        EACH + self.0.dn.len() + texts.chain(bytes).sum::<usize>()
    }

    /// Every value, whether it happens to be UTF-8 or not.
    pub fn bytes(&self, name: &str) -> Vec<&[u8]> {
        let binary = self.0.bin_attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let texts = self.texts(name).iter().map(String::as_bytes);
        texts.chain(binary.into_iter().flat_map(|(_, values)| values.iter().map(Vec::as_slice))).collect()
    }
}

impl Probe {
    /// Connects, sees whether a directory of that kind is there, and binds: once, and never without a password.
    pub async fn bind(server: &Server, settings: &config::Directory) -> Result<Self, Finding> {
        const INVALID_CREDENTIALS: u32 = 49;
        const INVALID_DN: u32 = 34;
        let dn = settings.bind_dn.as_str();
        if dn.is_empty() || settings.bind_password.expose_secret().is_empty() {
            // A bind without a password succeeds as nobody (RFC 4513 5.1.2), or counts as a wrong one.
            return Err(Finding::new(Code::SettingsIncomplete, "settings", "agent.directory.bind_dn and bind_password must be set."));
        }
        let mut probe = Self::connect(server, settings).await?;
        probe.is_of(settings.kind).await?;
        let bound = probe.ldap.with_timeout(CONNECT).simple_bind(dn, settings.bind_password.expose_secret()).await;
        let bound = bound.map_err(|error| probe.fault("binding", &transport(error)))?;
        let refused =
            |why: &str, mend: &str| Finding::new(Code::BindRefused, dn, format!("{} refuses this account: {why}.", server.at())).say(mend);
        match bound.rc {
            0 => Ok(probe),
            INVALID_CREDENTIALS => {
                let (why, mend) = refusal(&bound.text);
                Err(refused(why, mend))
            }
            INVALID_DN => {
                Err(refused("its name is no distinguished name", "Give agent.directory.bind_dn as a distinguished name (cn=…,dc=…)."))
            }
            code => Err(probe.fault("binding", &format!("{code} {}", bound.text.trim_end_matches('\0')))),
        }
    }

    async fn connect(server: &Server, settings: &config::Directory) -> Result<Self, Finding> {
        let at = server.at();
        let tls = tls::authorities(&settings.ca_file).and_then(|authorities| tls::trusting(&authorities));
        let tls =
            tls.map_err(|error| Finding::new(Code::TlsCaUnreadable, settings.ca_file.display().to_string(), format!("{error:#}.")))?;
        let opening = async {
            let name = ServerName::try_from(server.name.clone())?;
            let stream = TlsConnector::from(Arc::new(tls)).connect(name, server.connect().await?).await?;
            library(stream, at.clone()).await
        };
        let fault = |why: String| {
            Finding::new(Code::DirectoryFault, &at, format!("connecting: {why}."))
                .say("See the server's log, and whether its LDAP service runs.")
        };
        match timeout(CONNECT, opening).await {
            Ok(Ok(ldap)) => Ok(Self { ldap, at }),
            Ok(Err(error)) => Err(fault(format!("{error:#}"))),
            Err(_) => Err(fault("no answer in time".to_owned())),
        }
    }

    /// By what a server tells anybody. One that tells nothing is taken for what the settings say.
    async fn is_of(&mut self, kind: DirectoryKind) -> Result<(), Finding> {
        const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
        let Ok(Some(root)) = self.read("", &["objectClass", "supportedCapabilities"]).await else { return Ok(()) };
        let is_ad = root.texts("supportedCapabilities").iter().any(|capability| capability == ACTIVE_DIRECTORY);
        let is_openldap = root.texts("objectClass").iter().any(|class| class.eq_ignore_ascii_case("OpenLDAProotDSE"));
        let (other, name) = match kind {
            DirectoryKind::Ad if is_openldap => (DirectoryKind::Openldap, "an OpenLDAP server"),
            DirectoryKind::Openldap if is_ad => (DirectoryKind::Ad, "a domain controller of Active Directory or Samba"),
            _ => return Ok(()),
        };
        let text = format!("this is the other kind: {name}, and agent.directory.kind is {:?}. The password was not sent.", kind.as_str());
        Err(Finding::new(Code::WrongKind, &self.at, text).say(format!(
            "Name a server of the right kind in agent.directory.url; or set agent.directory.kind = {:?}, here and for the connector in the cloud, and the names to match.",
            other.as_str()
        )))
    }

    fn fault(&self, what: &str, why: &dyn std::fmt::Display) -> Finding {
        Finding::new(Code::DirectoryFault, &self.at, format!("{what}: {why}.")).say("See the server's log.")
    }

    /// In time for the whole of it; the library's own limit is for each entry.
    fn answer(&self, found: Result<Result<SearchResult, LdapError>, Elapsed>, what: &str) -> Result<SearchResult, Finding> {
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(self.fault(what, &transport(error))),
            Err(_) => Err(self.fault(what, &"no answer in time")),
        }
    }

    /// `None` when there is no such object, or it may not be seen. `descriptor`: with the access list.
    pub async fn read(&mut self, base: &str, names: &[&str]) -> Result<Option<Found>, Finding> {
        const NO_SUCH_OBJECT: u32 = 32;
        const INVALID_DN: u32 = 34;
        self.ldap.with_controls(sd::flags());
        let found = timeout(ANSWER, self.ldap.search(base, Scope::Base, "(objectClass=*)", names.to_vec())).await;
        let found = self.answer(found, &format!("reading {base:?}"))?;
        match found.1.rc {
            0 => Ok(found.0.into_iter().find_map(Found::new)),
            NO_SUCH_OBJECT | INVALID_DN => Ok(None),
            code => Err(self.fault(&format!("reading {base:?}"), &format!("{code} {}", found.1.text.trim_end_matches('\0')))),
        }
    }

    /// Whether the account may read this container of what is deleted. (Samba shows its bare name to everybody.)
    pub async fn sees_deleted(&mut self, container: &str) -> Result<bool, Finding> {
        const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
        self.ldap.with_controls(RawControl { ctype: SHOW_DELETED.to_owned(), crit: false, val: None });
        let found = timeout(ANSWER, self.ldap.search(container, Scope::Base, "(objectClass=*)", vec!["isDeleted"])).await;
        let found = self.answer(found, &format!("reading {container:?}"))?;
        Ok(found.0.into_iter().filter_map(Found::new).any(|entry| entry.text("isDeleted").is_some()))
    }

    /// Page after page, until `enough` says so of what was found so far. The second is whether there was more.
    pub async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        names: &[&str],
        enough: usize,
    ) -> Result<(Vec<Found>, bool), Finding> {
        const NO_SUCH_OBJECT: u32 = 32;
        let (mut all, mut cookie, mut weight) = (Vec::new(), Vec::new(), 0_usize);
        loop {
            let size = PAGE.min(i32::try_from(enough - all.len()).unwrap_or(PAGE)).max(1);
            self.ldap.with_controls(vec![RawControl::from(PagedResults { size, cookie }), sd::flags()]);
            let found = timeout(ANSWER, self.ldap.search(base, scope, filter, names.to_vec())).await;
            let found = self.answer(found, &format!("searching {base:?}"))?;
            match found.1.rc {
                0 => {}
                NO_SUCH_OBJECT => return Ok((all, false)),
                code => return Err(self.fault(&format!("searching {base:?}"), &format!("{code} {}", found.1.text.trim_end_matches('\0')))),
            }
            for entry in found.0.into_iter().filter_map(Found::new) {
                weight += entry.weight();
                all.push(entry);
            }
            // Whoever asks for everybody has the memory for them.
            if weight > MOST && enough != usize::MAX {
                return Err(self.fault(&format!("searching {base:?}"), &"it answers with more than anybody has"));
            }
            let control = found.1.ctrls.iter().find(|control| matches!(control.0, Some(ControlType::PagedResults)));
            cookie = control.map(|control| control.1.parse::<PagedResults>().cookie).unwrap_or_default();
            if cookie.is_empty() || all.len() >= enough {
                return Ok((all, !cookie.is_empty()));
            }
        }
    }
}
