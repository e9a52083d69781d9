//! People as their directory has them. The agent mirrors them; nobody types them in. Directory attributes are hostile input:
//! they are parsed into types here or dropped.

mod contact;
mod links;
mod mirror;

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::tenants::Scope;
pub use contact::{EmailAddress, Phone};
pub use links::{LinkBy, Linked, Listed, follow, followers, list};
pub use mirror::{MirrorOutcome, clean, mirror};

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
    pub mobile: Option<Phone>,
    /// BCP 47, if the directory says.
    pub language: Option<String>,
}

impl User {
    /// Whose limits count, whatever name was typed.
    pub fn subject(&self, scope: &Scope) -> Vec<u8> {
        scope.key().hash(b"limit subject", self.object_guid.as_bytes())
    }
}

struct Row {
    user_id: Uuid,
    connector_id: Uuid,
    object_guid: Uuid,
    sign_in_name: String,
    display_name: String,
    mail: Option<Vec<u8>>,
    mobile: Option<Vec<u8>>,
    language: Option<String>,
}

impl Row {
    fn open(self, scope: &Scope) -> Result<User> {
        let text = |place: &[u8], sealed: Option<Vec<u8>>| sealed.map(|sealed| scope.key().decrypt_text(place, &sealed)).transpose();
        let mail = text(contact::MAIL, self.mail)?.and_then(|text| EmailAddress::parse(&text));
        let mobile = text(contact::MOBILE, self.mobile)?.and_then(|text| Phone::parse(&text));
        Ok(User {
            user_id: self.user_id,
            connector_id: self.connector_id,
            object_guid: self.object_guid,
            sign_in_name: self.sign_in_name,
            display_name: self.display_name,
            mail,
            mobile,
            language: self.language,
        })
    }
}

/// The one person of that name whom self-service may serve. Two candidates are as good as none: a name must not choose. But an account
/// of a linked directory only counts where there is none in the others: it follows one.
pub async fn find(conn: &mut PgConnection, scope: &Scope, name: &Name) -> Result<Option<User>> {
    let index = contact::mail_index(scope, name.as_str());
    let rows = sqlx::query!(
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, mobile, language, c.linked
         from users u join connectors c using (tenant_id, connector_id)
         where u.tenant_id = $1 and removed_at is null and (sign_in_name = $2 or principal_name = $2 or mail_index = $3)
             and enabled and not protected
         order by c.linked limit 2",
        scope.id(),
        name.as_str(),
        index,
    )
    .fetch_all(conn)
    .await?;
    let alone = rows.get(1).is_none_or(|second| second.linked != rows[0].linked);
    let Some(row) = rows.into_iter().next().filter(|_| alone) else { return Ok(None) };
    let row = Row {
        user_id: row.user_id,
        connector_id: row.connector_id,
        object_guid: row.object_guid,
        sign_in_name: row.sign_in_name,
        display_name: row.display_name,
        mail: row.mail,
        mobile: row.mobile,
        language: row.language,
    };
    Ok(Some(row.open(scope)?))
}

/// The person again, if self-service may still serve them.
pub async fn get(conn: &mut PgConnection, scope: &Scope, user_id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, mobile, language from users
         where tenant_id = $1 and user_id = $2 and removed_at is null and enabled and not protected",
        scope.id(),
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
}

/// The people again, of several tenants at once, whom self-service may serve.
pub async fn get_all(conn: &mut PgConnection, people: &[(&Scope, Uuid)]) -> Result<BTreeMap<Uuid, User>> {
    let tenants: Vec<Uuid> = people.iter().map(|(scope, _)| scope.id()).collect();
    let ids: Vec<Uuid> = people.iter().map(|(_, user)| *user).collect();
    let rows = sqlx::query_as!(
        Row,
        "select u.user_id, u.connector_id, u.object_guid, u.sign_in_name, u.display_name, u.mail, u.mobile, u.language
         from unnest($1::uuid[], $2::uuid[]) as r (tenant_id, user_id) join users u using (tenant_id, user_id)
         where removed_at is null and enabled and not protected",
        &tenants,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let scopes: BTreeMap<Uuid, &Scope> = people.iter().map(|(scope, user)| (*user, *scope)).collect();
    rows.into_iter()
        .map(|row| {
            let scope = scopes[&row.user_id];
            let user = row.open(scope)?;
            Ok((user.user_id, user))
        })
        .collect()
}

/// The hash by which a name is taken for similar: its local part, so that "x", "x@here" and "x@there" share limits and looks.
pub fn similar(scope: &Scope, name: &Name) -> Vec<u8> {
    contact::alias(scope, name.as_str())
}

/// Somebody real who has a name similar to this hash: their contacts are shown to whoever types nearly their name, or the
/// difference between the right and the nearly right name would tell that there is somebody.
pub async fn namesake(conn: &mut PgConnection, scope: &Scope, similar: &[u8]) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        "select user_id, connector_id, object_guid, sign_in_name, display_name, mail, mobile, language from users
         where tenant_id = $1 and aliases @> array[$2::bytea] and removed_at is null and enabled and not protected
         order by user_id limit 1",
        scope.id(),
        similar,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
}

/// Somebody real, chosen by a hash, whose *kinds* of contact a decoy borrows: so decoys are spread as people are, and the same
/// name always gets the same. Wraps around at the end.
pub async fn donor(conn: &mut PgConnection, scope: &Scope, hash: &[u8]) -> Result<Option<User>> {
    let from = Uuid::from_slice(hash.get(..16).unwrap_or(&[0; 16]))?;
    let row = sqlx::query_as!(
        Row,
        r#"select user_id as "user_id!", connector_id as "connector_id!", object_guid as "object_guid!", sign_in_name as "sign_in_name!",
                  display_name as "display_name!", mail, mobile, language
           from ((select * from users where tenant_id = $1 and object_guid >= $2 and removed_at is null and enabled and not protected
                  and mail is not null order by object_guid limit 1)
                 union all
                 (select * from users where tenant_id = $1 and object_guid < $2 and removed_at is null and enabled and not protected
                  and mail is not null order by object_guid limit 1)) as both_ways
           limit 1"#,
        scope.id(),
        from,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(scope)).transpose()
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
