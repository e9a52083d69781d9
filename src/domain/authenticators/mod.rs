//! What somebody has registered to prove themselves by: an authenticator app, passkeys, recovery codes. Each belongs to the person's row,
//! and so to the object in the directory: a name given anew inherits nothing.
//!
//! Something new is usable only once its cooling-off is over, and every address on file is told of it at once: whoever sneaks something
//! in has given its owner time to object.

mod passkey;
mod recovery;
mod registrations;
mod removal;
mod totp;

use anyhow::{Context, Result};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    notices,
    notifications::{Change, Content, Happened, Message},
    policies::Method,
    tenants::Scope,
    users,
};
use crate::base::clock::Clock;
pub use passkey::{Assertion, Attestation, Key, RelyingParty, Seen, begin_passkey, check_passkey, finish_passkey};
pub use recovery::{Candidate, FEW, FreshCodes, RecoveryCode, Renewal, Renewed, codes_left, find_code, renew_codes, tell_if_few, use_code};
pub use registrations::{Registered, Registrar, clean};
pub use removal::{Removed, remove, take_away, wanted};
pub use totp::{AppSecret, begin_app, check_app, confirm_app, pending_app};

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An authenticator app.
    Totp,
    Passkey,
    /// A set of them.
    RecoveryCodes,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCodes => "recovery_codes",
        }
    }

    /// What it proves.
    pub const fn method(self) -> Method {
        match self {
            Self::Totp => Method::Totp,
            Self::Passkey => Method::Passkey,
            Self::RecoveryCodes => Method::RecoveryCode,
        }
    }

    /// So many of them one person has at most.
    pub const fn most(self) -> usize {
        match self {
            Self::Totp => 3,
            Self::Passkey => 10,
            Self::RecoveryCodes => 1,
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let kinds = [Self::Totp, Self::Passkey, Self::RecoveryCodes];
        kinds.into_iter().find(|kind| kind.as_str() == text).with_context(|| format!("unknown kind of authenticator {text}"))
    }
}

/// What its owner calls it: 1 to 60 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=60).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || users::turns_text(c));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As its owner sees it.
pub struct Authenticator {
    pub authenticator_id: Uuid,
    pub kind: Kind,
    pub label: String,
    pub created_at: OffsetDateTime,
    /// It proves nothing before.
    pub usable_from: OffsetDateTime,
    pub last_used_at: Option<OffsetDateTime>,
    /// There is a copy of it: it proves nothing any more.
    pub stopped_at: Option<OffsetDateTime>,
    /// Of recovery codes: how many are not used yet.
    pub left: Option<i64>,
}

impl Authenticator {
    /// Whether it proves something at that moment.
    pub fn is_usable(&self, at: OffsetDateTime) -> bool {
        self.usable_from <= at && self.stopped_at.is_none() && self.left != Some(0)
    }
}

/// All that somebody has registered, oldest first.
pub async fn list(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<Vec<Authenticator>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select authenticator_id, kind, label, created_at, usable_from, last_used_at, stopped_at, case when kind = 'recovery_codes' then
               (select count(*) from recovery_codes c where c.authenticator_id = a.authenticator_id and c.used_at is null) end as left
           from authenticators a where tenant_id = $1 and user_id = $2 order by authenticator_id"#,
        scope.id(),
        user,
    )
    .fetch_all(conn)
    .await?;
    let open = |row: Row| {
        let Row { authenticator_id, kind, label, created_at, usable_from, last_used_at, stopped_at, left } = row;
        Ok(Authenticator { authenticator_id, kind: Kind::parse(&kind)?, label, created_at, usable_from, last_used_at, stopped_at, left })
    };
    rows.into_iter().map(open).collect()
}

/// What its owner should look at when their password became another one: who knew the old one may have added it, and it outlives that.
pub const LATELY: Duration = Duration::days(14);

/// What somebody has added within that time, of all that is theirs.
pub fn lately<'a>(all: &'a [Authenticator], clock: &Clock) -> impl Iterator<Item = &'a Authenticator> {
    let since = clock.now() - LATELY;
    all.iter().filter(move |one| one.created_at > since)
}

/// Into the notice of a password that was changed: what was added within the last days besides, so that its owner looks whether that was them. Filled in when
/// it is sent, which holds up nothing.
pub async fn add_lately(conn: &mut PgConnection, scope: &Scope, clock: &Clock, message: &mut Message) -> Result<()> {
    if let Content::Changed { happened: Happened { user: Some(user), .. }, lately, .. } = &mut message.content {
        let all = list(conn, scope, *user).await?;
        let added = self::lately(&all, clock);
        *lately = added.map(|one| (one.kind.method().as_str().to_owned(), one.created_at.unix_timestamp())).collect();
    }
    Ok(())
}

struct Row {
    authenticator_id: Uuid,
    kind: String,
    label: String,
    created_at: OffsetDateTime,
    usable_from: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    stopped_at: Option<OffsetDateTime>,
    left: Option<i64>,
}

/// What each of these people can use at this moment: the same single statement, whoever they are and if they are nobody.
pub async fn usable(conn: &mut PgConnection, scope: &Scope, clock: &Clock, users: &[Uuid]) -> Result<Vec<(Uuid, Kind)>> {
    let rows = sqlx::query!(
        r#"select distinct user_id, kind from authenticators a where tenant_id = $1 and user_id = any($2) and usable_from <= $3 and stopped_at is null
               and (kind <> 'recovery_codes' or exists (
                   select 1 from recovery_codes c where c.authenticator_id = a.authenticator_id and c.used_at is null))"#,
        scope.id(),
        users,
        clock.now(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.user_id, Kind::parse(&row.kind)?))).collect()
}

/// What each of these people has that is good or will be, and since when the first of its kind is.
pub async fn kinds(conn: &mut PgConnection, scope: &Scope, users: &[Uuid]) -> Result<Vec<(Uuid, Kind, OffsetDateTime)>> {
    let rows = sqlx::query!(
        r#"select user_id, kind, min(usable_from) as "from!" from authenticators a where tenant_id = $1 and user_id = any($2) and stopped_at is null
               and (kind <> 'recovery_codes' or exists (
                   select 1 from recovery_codes c where c.authenticator_id = a.authenticator_id and c.used_at is null))
           group by user_id, kind"#,
        scope.id(),
        users,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.user_id, Kind::parse(&row.kind)?, row.from))).collect()
}

/// What was added since then proves nothing until `until`.
pub async fn cool_off(conn: &mut PgConnection, scope: &Scope, user: Uuid, since: OffsetDateTime, until: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update authenticators set usable_from = greatest(usable_from, $4) where tenant_id = $1 and user_id = $2 and created_at > $3",
        scope.id(),
        user,
        since,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Call one's own otherwise. False if there is no such.
pub async fn rename(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user: Uuid,
    authenticator: Uuid,
    label: &Label,
) -> Result<bool> {
    let done = sqlx::query!(
        "update authenticators set label = $4 where tenant_id = $1 and user_id = $2 and authenticator_id = $3",
        scope.id(),
        user,
        authenticator,
        label.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = serde_json::json!({ "authenticator": authenticator });
    let event = Event { action: "authenticator.rename", outcome: "renamed", user: Some(user), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(true)
}

/// What came of an attempt to prove oneself by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Wrong,
    /// Right once, and taken before.
    Used,
    /// Its counter went backwards: there is a second copy of it.
    Cloned,
}

/// There is a copy of it, and nobody can tell which of the two is its owner's: neither proves anything from now on, and every address
/// hears of it. What it takes is a signature of its own, so that no stranger can stop somebody's passkey.
async fn stop(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid, authenticator: Uuid) -> Result<()> {
    sqlx::query!(
        "update authenticators set stopped_at = $3 where tenant_id = $1 and authenticator_id = $2",
        scope.id(),
        authenticator,
        clock.now(),
    )
    .execute(&mut *conn)
    .await?;
    let detail = serde_json::json!({ "authenticator": authenticator });
    let event = Event { action: "authenticator.stop", outcome: "copied", user: Some(user), detail, ..Event::default() };
    audit::record(&mut *conn, scope, clock, source, event).await?;
    let Some(person) = users::known(&mut *conn, scope, user).await? else { return Ok(()) };
    notices::method_changed(conn, scope, clock, &person, (Change::Stopped, Method::Passkey.as_str()), source).await
}

/// Somebody wanted to add a method and has not proven enough for it.
pub async fn refused(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<()> {
    let event = Event { action: "authenticator.add", outcome: "refused", user: Some(user), ..Event::default() };
    audit::record(conn, scope, clock, source, event).await
}

/// What is about to be written.
struct New<'a> {
    authenticator_id: Uuid,
    user: Uuid,
    kind: Kind,
    label: &'a Label,
    secret: Option<Vec<u8>>,
    credential: Option<Vec<u8>>,
    last_step: Option<i64>,
    cooling_off: Duration,
}

/// What came of writing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Added {
    Yes,
    /// That passkey is somebody's already.
    Taken,
    /// They have as many of the kind as they may.
    Full,
}

impl Added {
    const fn registered(self, authenticator: Uuid) -> Registered {
        match self {
            Self::Yes => Registered::Added(authenticator),
            Self::Taken => Registered::Taken,
            Self::Full => Registered::Full,
        }
    }
}

async fn add(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, new: New<'_>) -> Result<Added> {
    let now = clock.now();
    // Two at once: the second waits for the first, and counts it.
    sqlx::query!("select user_id from users where tenant_id = $1 and user_id = $2 for update", scope.id(), new.user)
        .fetch_optional(&mut *conn)
        .await?;
    let others = list(&mut *conn, scope, new.user).await?.into_iter().filter(|other| other.kind == new.kind).count();
    if others >= new.kind.most() {
        return Ok(Added::Full);
    }
    let done = sqlx::query!(
        "insert into authenticators
             (authenticator_id, tenant_id, user_id, kind, label, secret, credential, last_step, created_at, usable_from)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (tenant_id, credential) do nothing",
        new.authenticator_id,
        scope.id(),
        new.user,
        new.kind.as_str(),
        new.label.as_str(),
        new.secret,
        new.credential,
        new.last_step,
        now,
        now + new.cooling_off,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Added::Taken);
    }
    users::put_in_order(&mut *conn, scope, clock, new.user).await?;
    let detail = serde_json::json!({ "authenticator": new.authenticator_id, "kind": new.kind.as_str() });
    let event = Event { action: "authenticator.add", outcome: "added", user: Some(new.user), detail, ..Event::default() };
    audit::record(conn, scope, clock, source, event).await?;
    Ok(Added::Yes)
}

/// Where an authenticator's secret stands: it opens nowhere else.
fn place(authenticator: Uuid) -> Vec<u8> {
    [b"authenticators.secret ".as_slice(), authenticator.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn a_label_is_short_and_plain() {
        assert_eq!(Label::parse(" My phone ").unwrap().as_str(), "My phone");
        for bad in ["", "  ", "a\nb", "a\0b", &"x".repeat(61)] {
            assert_eq!(Label::parse(bad), None, "{bad:?}");
        }
    }
}
