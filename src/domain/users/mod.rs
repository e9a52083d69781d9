//! People as their directory has them. The agent mirrors them; nobody types them in. Directory attributes are hostile input:
//! they are parsed into types here or dropped.

mod called;
mod candidates;
mod contact;
mod held;
mod import;
mod limited;
mod links;
mod mirror;
mod own;
mod readdressed;
mod search;

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    policies::Terms,
    tenants::{Scope, Tenant},
};
use crate::base::{clock::Clock, language::Language};
pub use called::{Called, called};
pub use candidates::{Candidates, candidates, everybody};
pub use contact::{EmailAddress, Phone, turns_text};
pub use held::{accept, held};
pub use import::{Line, Unimported, import};
pub use limited::{anywhere, no_one, proven, proven_destination, subjects, whose};
pub use links::{LinkBy, Linked, Unlisted, first, follow, list};
pub use mirror::{MirrorOutcome, Mirrored, clean, mirror};
pub use own::{Contact, are_own, cool_off, set_own};
pub use readdressed::Readdressed;
pub use search::{Asked, Found, SHOWN, Search, among, is_among, search};

/// A typed sign-in name or address in its one canonical form: trimmed, lower case, without `DOMAIN\`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// `None` for what no directory would hold: empty, over 256 characters, control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.rsplit_once('\\').map_or(text, |(_, name)| name.trim_start());
        let lower = text.to_lowercase();
        let fits = !lower.is_empty() && lower.chars().count() <= 256 && !lower.chars().any(char::is_control);
        fits.then_some(Self(lower))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person that self-service may serve.
#[derive(Clone)]
pub struct User {
    /// Ours.
    pub user_id: Uuid,
    pub connector_id: Uuid,
    /// The directory's: what jobs address.
    pub object_guid: Uuid,
    /// Lower case.
    pub sign_in_name: String,
    pub display_name: String,
    pub mail: Option<EmailAddress>,
    /// A mailbox that one reaches without the password in question.
    pub private_mail: Option<EmailAddress>,
    pub mobile: Option<Phone>,
    /// Since when each of the three is another than before, if it is.
    pub since: [Option<OffsetDateTime>; 3],
    /// BCP 47: as they chose, as the directory says, or as they last used; `None`: nobody knows.
    pub language: Option<String>,
}

impl User {
    /// Whether text messages go to a number of theirs where these terms hold, be it only to tell them of something.
    pub fn is_texted(&self, tenant: &Tenant, terms: &Terms) -> bool {
        self.mobile.as_ref().is_some_and(|mobile| tenant.allowed.may_text(&terms.countries, mobile.as_str()))
    }

    /// Whose limits count, whatever name was typed.
    pub fn subject(&self, scope: &Scope) -> Vec<u8> {
        Self::subject_of(scope, self.object_guid)
    }

    fn subject_of(scope: &Scope, object_guid: Uuid) -> Vec<u8> {
        scope.key().hash(b"limit subject", object_guid.as_bytes())
    }

    /// Which mailbox or number limits count, whoever it belongs to.
    pub fn destination(scope: &Scope, to: &str) -> Vec<u8> {
        scope.key().hash(b"limit destination", to.to_lowercase().as_bytes())
    }

    /// As one tells them of what happened to their account.
    pub fn reach(&self) -> Reach {
        Reach {
            name: self.display_name.clone(),
            mail: self.mail.clone(),
            private_mail: self.private_mail.clone(),
            mobile: self.mobile.clone(),
            language: self.language.clone(),
        }
    }

    /// Whether this address or number is theirs.
    pub fn is_reached_at(&self, to: &str) -> bool {
        let mails = [&self.mail, &self.private_mail].into_iter().flatten().map(EmailAddress::as_str);
        mails.chain(self.mobile.as_ref().map(Phone::as_str)).any(|known| known == to)
    }
}

/// How to tell a person of what happened to their account, as read together with something else.
#[derive(Debug, Clone)]
pub struct Reach {
    pub name: String,
    pub mail: Option<EmailAddress>,
    pub private_mail: Option<EmailAddress>,
    pub mobile: Option<Phone>,
    /// BCP 47: as they chose, as the directory says, or as they last used; `None`: nobody knows.
    pub language: Option<String>,
}

impl Reach {
    /// From the columns `display_name`; `mail`, `private_mail` and `mobile`; `language`.
    pub fn open(scope: &Scope, name: String, [mail, private_mail, mobile]: [Option<Vec<u8>>; 3], language: Option<String>) -> Result<Self> {
        let text = |place: &[u8], sealed: Option<Vec<u8>>| sealed.map(|sealed| scope.key().decrypt_text(place, &sealed)).transpose();
        let mail = text(contact::MAIL, mail)?.and_then(|text| EmailAddress::parse(&text));
        let private_mail = text(contact::PRIVATE_MAIL, private_mail)?.and_then(|text| EmailAddress::parse(&text));
        let mobile = mobile.map(|sealed| Phone::open(scope, &sealed)).transpose()?.flatten();
        Ok(Self { name, mail, private_mail, mobile, language })
    }
}

struct Row {
    user_id: Uuid,
    connector_id: Uuid,
    object_guid: Uuid,
    sign_in_name: String,
    display_name: String,
    mail: Option<Vec<u8>>,
    private_mail: Option<Vec<u8>>,
    mobile: Option<Vec<u8>>,
    mail_at: Option<OffsetDateTime>,
    private_mail_at: Option<OffsetDateTime>,
    mobile_at: Option<OffsetDateTime>,
    language: Option<String>,
}

impl Row {
    fn open(self, scope: &Scope) -> Result<User> {
        let contacts = [self.mail, self.private_mail, self.mobile];
        let Reach { name, mail, private_mail, mobile, language } = Reach::open(scope, self.display_name, contacts, self.language)?;
        Ok(User {
            user_id: self.user_id,
            connector_id: self.connector_id,
            object_guid: self.object_guid,
            sign_in_name: self.sign_in_name,
            display_name: name,
            mail,
            private_mail,
            mobile,
            since: [self.mail_at, self.private_mail_at, self.mobile_at],
            language,
        })
    }
}

/// The person, whether or not self-service may serve them; `None` once they are gone from the directory.
pub async fn known(conn: &mut PgConnection, scope: &Scope, user_id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, language from users
         where tenant_id = $1 and user_id = $2 and removed_at is null",
        scope.id(),
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
}

/// All people of that name, in any directory, whether or not they are served: for operators.
pub async fn named(conn: &mut PgConnection, scope: &Scope, name: &Name) -> Result<Vec<User>> {
    sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, language from users
         where tenant_id = $1 and removed_at is null and (sign_in_name = $2 or principal_name = $2 or mail_index = $3) order by user_id",
        scope.id(),
        name.as_str(),
        contact::mail_index(scope, name.as_str()),
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| row.open(scope))
    .collect()
}

/// The person again, if self-service may still serve them.
pub async fn get(conn: &mut PgConnection, scope: &Scope, user_id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, language from users
         where tenant_id = $1 and user_id = $2 and removed_at is null and enabled and not protected",
        scope.id(),
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
}

/// How the directory has somebody, and since when they are gone from it, if they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub sign_in_name: String,
    pub display_name: String,
    pub connector_id: Uuid,
    pub enabled: bool,
    pub protected: bool,
    pub removed_at: Option<OffsetDateTime>,
}

/// Of anybody who ever was there.
pub async fn standing(conn: &mut PgConnection, scope: &Scope, user_id: Uuid) -> Result<Option<Standing>> {
    Ok(sqlx::query_as!(
        Standing,
        "select sign_in_name, display_name, connector_id, enabled, protected, removed_at from users where tenant_id = $1 and user_id = $2",
        scope.id(),
        user_id,
    )
    .fetch_optional(conn)
    .await?)
}

/// In clear, all addresses by which these accounts are somebody's: mailboxes, and the principal name, which mostly is one.
pub async fn addresses(conn: &mut PgConnection, scope: &Scope, users: &[Uuid]) -> Result<Vec<String>> {
    let rows =
        sqlx::query!("select principal_name, mail, private_mail from users where tenant_id = $1 and user_id = any($2)", scope.id(), users)
            .fetch_all(conn)
            .await?;
    let mut all = Vec::new();
    for row in rows {
        let reach = Reach::open(scope, String::new(), [row.mail, row.private_mail, None], None)?;
        all.extend([reach.mail, reach.private_mail].into_iter().flatten().map(|mail| mail.as_str().to_owned()));
        all.push(row.principal_name);
    }
    Ok(all)
}

/// The person again, if self-service is on at this moment and may still serve them.
pub async fn served(conn: &mut PgConnection, scope: &Scope, user_id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, private_mail, mobile, mail_at, private_mail_at, mobile_at, u.language from users u join tenants using (tenant_id)
         where tenant_id = $1 and user_id = $2 and removed_at is null and enabled and not protected and self_service",
        scope.id(),
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
}

/// What this person wants to be written to in, whatever the directory says.
pub async fn choose_language(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    user_id: Uuid,
    language: Language,
) -> Result<()> {
    let event = Event { action: "user.language", outcome: "chosen", user: Some(user_id), ..Event::default() };
    sqlx::query!(
        "update users set chosen_language = $3, language = $3, language_used = false where tenant_id = $1 and user_id = $2 returning audit_write($4, $5)",
        scope.id(),
        user_id,
        language.tag(),
        audit::line(scope, clock, source, &event),
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// They have proven who they are in this language: it is theirs where they have chosen none and the directory has none.
pub async fn spoke(conn: &mut PgConnection, scope: &Scope, user_id: Uuid, language: &str) -> Result<()> {
    sqlx::query!(
        "update users set language = $3, language_used = true where tenant_id = $1 and user_id = $2 and (language is null or language_used)
             and language is distinct from $3",
        scope.id(),
        user_id,
        language,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// They have looked at how they prove who they are just now: nobody asks them for a while.
pub async fn put_in_order(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user_id: Uuid) -> Result<()> {
    sqlx::query!("update users set confirmed_at = $3 where tenant_id = $1 and user_id = $2", scope.id(), user_id, clock.now())
        .execute(conn)
        .await?;
    Ok(())
}

/// The hash by which a name is taken for similar: its local part, so that "x", "x@here" and "x@there" share limits and looks.
pub fn similar(scope: &Scope, name: &Name) -> Vec<u8> {
    contact::alias(scope, name.as_str())
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_has_one_form() {
        for text in ["Alice", " alice ", "CORP\\alice"] {
            let name = Name::parse(text).unwrap();
            assert_eq!(name.as_str(), "alice");
            assert_eq!(Name::parse(name.as_str()), Some(name), "idempotent");
        }
        for text in ["", "  ", "a\0b", "a\nb", &"x".repeat(300)] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
        // A dotless i is another letter, not an i: no folding beyond case.
        assert_ne!(Name::parse("mıke"), Name::parse("mike"));
    }
}
