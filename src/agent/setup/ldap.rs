//! One connection to ask the directory over, bound as the service account. Unlike the agent's own it is made once, and what fails is
//! a finding.

use std::{sync::Arc, time::Duration};

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, ResultEntry, Scope, SearchEntry, StdStream,
    controls::{ControlType, PagedResults, RawControl},
};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{
    finding::{Code, Finding},
    tls::Server,
};
use crate::agent::directory::sd;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
const PAGE: i32 = 500;

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

    /// Every value, whether it happens to be UTF-8 or not.
    pub fn bytes(&self, name: &str) -> Vec<&[u8]> {
        let binary = self.0.bin_attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let texts = self.texts(name).iter().map(String::as_bytes);
        texts.chain(binary.into_iter().flat_map(|(_, values)| values.iter().map(Vec::as_slice))).collect()
    }
}

impl Probe {
    /// Connects and binds.
    pub async fn bind(server: &Server, tls: ClientConfig, dn: &str, password: &SecretString) -> Result<Self, Finding> {
        const INVALID_CREDENTIALS: u32 = 49;
        let at = server.at();
        let fault =
            |why: String| Finding::new(Code::DirectoryFault, &at, format!("binding: {why}.")).say("See the domain controller's log.");
        let opening = async {
            let stream = server.connect().await?;
            let settings = LdapConnSettings::new().set_config(Arc::new(tls)).set_std_stream(StdStream::Tcp(stream.into_std()?));
            LdapConnAsync::with_settings(settings, &format!("ldaps://{}:{}", server.name, server.port)).await
        };
        let (connection, mut ldap) = match timeout(CONNECT, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Err(fault(error.to_string())),
            Err(_) => return Err(fault("no answer in time".to_owned())),
        };
        tokio::spawn(async move {
            // It ends with an error when the server goes away; whoever waits for an answer is told on the handle.
            let _ = connection.drive().await;
        });
        let bound = ldap.with_timeout(CONNECT).simple_bind(dn, password.expose_secret()).await.map_err(|error| fault(error.to_string()))?;
        match bound.rc {
            0 => Ok(Self { ldap, at }),
            INVALID_CREDENTIALS => {
                Err(Finding::new(Code::BindRefused, dn, format!("the directory refuses this account: {}.", reason(&bound.text)))
                    .say("Check agent.directory.bind_dn and its password. It was tried once; trying on locks the account."))
            }
            code => Err(fault(format!("{code} {}", bound.text))),
        }
    }

    fn fault(&self, what: &str, why: &dyn std::fmt::Display) -> Finding {
        Finding::new(Code::DirectoryFault, &self.at, format!("{what}: {why}.")).say("See the domain controller's log.")
    }

    /// `None` when there is no such object, or it may not be seen. `descriptor`: with the access list.
    pub async fn read(&mut self, base: &str, names: &[&str]) -> Result<Option<Found>, Finding> {
        const NO_SUCH_OBJECT: u32 = 32;
        const INVALID_DN: u32 = 34;
        self.ldap.with_controls(sd::flags());
        let found = self.ldap.with_timeout(ANSWER).search(base, Scope::Base, "(objectClass=*)", names.to_vec()).await;
        let found = found.map_err(|error| self.fault(&format!("reading {base:?}"), &error))?;
        match found.1.rc {
            0 => Ok(found.0.into_iter().find_map(Found::new)),
            NO_SUCH_OBJECT | INVALID_DN => Ok(None),
            code => Err(self.fault(&format!("reading {base:?}"), &format!("{code} {}", found.1.text.trim_end_matches('\0')))),
        }
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
        let (mut all, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let size = PAGE.min(i32::try_from(enough - all.len()).unwrap_or(PAGE)).max(1);
            self.ldap.with_controls(vec![RawControl::from(PagedResults { size, cookie }), sd::flags()]);
            let found = self.ldap.with_timeout(ANSWER).search(base, scope, filter, names.to_vec()).await;
            let found = found.map_err(|error| self.fault(&format!("searching {base:?}"), &error))?;
            match found.1.rc {
                0 => {}
                NO_SUCH_OBJECT => return Ok((all, false)),
                code => return Err(self.fault(&format!("searching {base:?}"), &format!("{code} {}", found.1.text.trim_end_matches('\0')))),
            }
            all.extend(found.0.into_iter().filter_map(Found::new));
            let control = found.1.ctrls.iter().find(|control| matches!(control.0, Some(ControlType::PagedResults)));
            cookie = control.map(|control| control.1.parse::<PagedResults>().cookie).unwrap_or_default();
            if cookie.is_empty() || all.len() >= enough {
                return Ok((all, !cookie.is_empty()));
            }
        }
    }
}

/// Owner and discretionary list, and not the audit list.
/// In words, from the one place where a refused bind tells it.
fn reason(text: &str) -> &'static str {
    let data = text.split("data ").nth(1).and_then(|rest| rest.split([',', ' ']).next());
    match data {
        Some("52e") => "wrong name or password",
        Some("530" | "531") => "not at this time, or not from here",
        Some("532") => "its password has expired",
        Some("533") => "it is disabled",
        Some("701") => "it has expired",
        Some("773") => "it must change its password first",
        Some("775") => "it is locked",
        _ => "wrong name or password, or it is locked, disabled or expired",
    }
}
