//! What our own account counts as when rights are looked up: itself and its groups, however nested.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ldap3::{Scope, ldap_escape};

use super::{
    super::{
        Account, Trouble,
        attributes::Entry,
        link::ANSWER,
        sd::{Sid, anybody},
    },
    Ad, read,
};

/// Groups seldom change, and somebody who has just mended them does not wait long.
const KEPT: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Own(Mutex<Option<(Instant, Arc<[Sid]>)>>);

/// Finds an account by whichever of its names it binds with, but for a distinguished one.
pub fn named(bind: &str) -> String {
    let name = bind.split_once('\\').map_or(bind, |(_, name)| name);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    format!("(|(userPrincipalName={})(sAMAccountName={}))", ldap_escape(bind), ldap_escape(name))
}

impl Ad {
    /// As the server says that told of this account; `None` when we may not read ourselves.
    pub(super) async fn token(&self, account: &Account) -> Result<Option<Arc<[Sid]>>, Trouble> {
        let kept = || self.own.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = kept().as_ref().filter(|(at, _)| at.elapsed() < KEPT).map(|(_, token)| token.clone()) {
            return Ok(Some(token));
        }
        let Some(dn) = self.own_dn(account).await? else { return Ok(None) };
        // Groups are told by a base search only.
        let names = ["objectSid", "tokenGroups"];
        let found = self.jobs.ask_on(&account.server.name, async |session| read(session, &dn, &names).await).await?;
        let sids = |entry: &Entry, name| entry.all_bytes(name).filter_map(Sid::read).collect::<Vec<_>>();
        let Some((own, groups)) = found.map(|entry| (sids(&entry, names[0]), sids(&entry, names[1]))).filter(|(own, _)| !own.is_empty())
        else {
            return Ok(None);
        };
        let token: Arc<[Sid]> = own.into_iter().chain(groups).chain(anybody()).collect();
        *kept() = Some((Instant::now(), token.clone()));
        Ok(Some(token))
    }

    async fn own_dn(&self, account: &Account) -> Result<Option<String>, Trouble> {
        if self.bind_dn.contains('=') {
            return Ok(Some(self.bind_dn.clone()));
        }
        let search = async |mut session: super::Session| {
            session.search(&self.base_dn, Scope::Subtree, &named(&self.bind_dn), &["objectSid"], ANSWER).await
        };
        let (found, _) = self.jobs.ask_on(&account.server.name, search).await?;
        Ok(found.first().map(|entry| entry.dn().to_owned()))
    }
}
