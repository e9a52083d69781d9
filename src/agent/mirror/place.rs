//! Where the mirror stands, kept in the state directory: what was told up to which mark of which server, and the full pass that goes on.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::ErrorKind,
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::state;
use crate::{agent::directory::people::Mark, base::config};

/// Servers whose marks are kept: who comes back to one goes on from there.
const SERVERS: usize = 8;
/// Seconds after which a pass that was broken off is begun anew. The cloud keeps those that never ended for a day.
const RESUME: i64 = 3600;

#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Of what decides who is told and how: other settings begin anew.
    settings: String,
    /// The last used last.
    marks: Vec<Mark>,
    pub(super) full: Option<UnderWay>,
    /// When the last full pass that ended began.
    pub(super) full_at: i64,
}

/// A full pass that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    pub(super) pass: Uuid,
    pub(super) mark: Mark,
    pub(super) begun: i64,
    /// How many were known then.
    #[serde(default)]
    pub(super) known: usize,
}

impl Place {
    /// What is kept, if it was kept under these settings.
    pub(super) fn load(path: &Path, settings: &str) -> Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("reading {}", path.display()))?,
        };
        let place: Option<Self> = serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(error = %error, "the mirror's place is damaged; everybody is told anew"))
            .ok();
        Ok(place.filter(|place| place.settings == settings))
    }

    pub(super) fn new(settings: &str) -> Self {
        Self { settings: settings.to_owned(), ..Self::default() }
    }

    pub(super) fn save(&self, path: &Path) -> Result<()> {
        state::write(path, &serde_json::to_vec(self)?)
    }

    /// The mark up to which this server's changes were told, if it is still in the same history.
    pub(super) fn done(&self, now: &Mark) -> Option<Mark> {
        self.marks.iter().find(|mark| mark.server == now.server).filter(|mark| now.follows(mark)).cloned()
    }

    pub(super) fn set_done(&mut self, mark: Mark) {
        self.marks.retain(|old| old.server != mark.server);
        self.marks.push(mark);
        let surplus = self.marks.len().saturating_sub(SERVERS);
        self.marks.drain(..surplus);
    }

    /// The full pass that was broken off, if it can go on.
    pub(super) fn resumable(&self, mark: &Mark, now: i64) -> Option<UnderWay> {
        self.full.clone().filter(|full| mark.follows(&full.mark) && (0..RESUME).contains(&(now - full.begun)))
    }

    /// By the clock; one that was put back does not put it off.
    pub(super) fn full_is_due(&self, every: i64, now: i64) -> bool {
        !(self.full_at..self.full_at.saturating_add(every)).contains(&now)
    }
}

/// Of all that decides who is told, and what of them. Not secret, and only compared with itself by the same program.
pub(super) fn fingerprint(settings: &config::Agent) -> String {
    let mut hasher = DefaultHasher::new();
    let directory = &settings.directory;
    (env!("CARGO_PKG_VERSION"), &directory.base_dn, &directory.users_dn, &directory.attributes).hash(&mut hasher);
    // Our own account is protected.
    (directory.kind.as_str(), &directory.bind_dn, &directory.openldap).hash(&mut hasher);
    super::groups::Wanted::new(settings).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_decides_who_is_told_and_how_begins_anew() {
        let plain = config::Config::from(None, []).unwrap().agent;
        let with = |change: fn(&mut config::Directory)| {
            let mut settings = plain.clone();
            change(&mut settings.directory);
            fingerprint(&settings)
        };
        let same = with(|directory| directory.url = "ldaps://another".into());
        assert_eq!(same, fingerprint(&plain));
        let changes: [fn(&mut config::Directory); 5] = [
            |directory| directory.openldap.protected_filter = "(title=Chief)".into(),
            |directory| directory.openldap.protected_groups = vec!["cn=admins".into()],
            |directory| directory.openldap.user_name = "cn".into(),
            |directory| directory.attributes.mail = "other".into(),
            |directory| directory.bind_dn = "cn=svc".into(),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            assert_ne!(with(change), same, "{n}");
        }
    }

    #[test]
    fn another_server_or_one_put_back_or_other_settings_begin_anew() {
        let mark = |server: &str, at: &str| Mark { server: server.into(), at: at.into() };
        let mut place = Place::new("s");
        place.set_done(mark("a", "100"));
        assert_eq!(place.done(&mark("a", "1000")), Some(mark("a", "100")));
        assert_eq!((place.done(&mark("b", "1000")), place.done(&mark("a", "99"))), (None, None));
        for n in 0..SERVERS {
            place.set_done(mark(&format!("s{n}"), "1"));
        }
        assert_eq!(place.done(&mark("a", "1000")), None, "long not used");

        place.full = Some(UnderWay { pass: Uuid::nil(), mark: mark("a", "5"), begun: 1000, known: 0 });
        assert!(place.resumable(&mark("a", "6"), 1001).is_some());
        assert!(place.resumable(&mark("b", "6"), 1001).is_none() && place.resumable(&mark("a", "6"), 1000 + RESUME).is_none());
        place.full_at = 1000;
        assert!(!place.full_is_due(3600, 1001) && place.full_is_due(3600, 4600) && place.full_is_due(3600, 999));

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.json");
        assert_eq!(Place::load(&path, "s").unwrap(), None);
        place.save(&path).unwrap();
        assert_eq!(Place::load(&path, "s").unwrap(), Some(place));
        assert_eq!(Place::load(&path, "t").unwrap(), None);
        fs::write(&path, "{").unwrap();
        assert_eq!(Place::load(&path, "s").unwrap(), None);
    }
}
