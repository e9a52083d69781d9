//! Finding people as an operator types: by the beginnings of the words of their names, by a whole address, by the last digits of a number.
//!
//! Names are kept in clear, so an index of their words says nothing new. Addresses and numbers are not: they are found by keyed hashes, an
//! address only whole, and a number by its last four digits, which thousands share.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Phone,
    contact::{self, ENDING},
};
use crate::domain::tenants::Scope;

/// So many are shown: whoever sees more does not read them.
pub const SHOWN: usize = 20;

/// What is looked for: up to 100 characters, and at least two of the Latin ones: a single one begins a name of everybody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    text: String,
    /// Of a number or a part of it, without what is dialled only within the country; `None`: it is none.
    digits: Option<String>,
}

impl Asked {
    /// `None` for nothing, and for what nobody types.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let count = text.chars().count();
        let fits = (2..=100).contains(&count) || count == 1 && !text.is_ascii();
        (fits && !text.chars().any(char::is_control)).then(|| Self { text: text.to_lowercase(), digits: digits(text) })
    }
}

/// At least as many as a number is found by.
fn digits(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !" +-./()\u{a0}".contains(*c)).collect();
    let is_number = plain.len() >= ENDING && plain.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| {
        let own = plain.trim_start_matches('0');
        if own.len() < ENDING { plain.clone() } else { own.to_owned() }
    })
}

/// A person, as a list shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub user_id: Uuid,
    pub sign_in_name: String,
    pub display_name: String,
    /// Of their directory, for people.
    pub connector: String,
    pub enabled: bool,
    pub protected: bool,
    pub frozen: bool,
}

/// Whom an operator is looking for.
#[derive(Debug, Default)]
pub struct Search {
    /// Whoever is called exactly that first, then by name; at most [`SHOWN`].
    pub people: Vec<Found>,
    /// There are others: more must be typed.
    pub more: bool,
}

/// So many of the words' finds are put in order; of more than that some, for nobody would read them.
const READ: i64 = 1000;
/// So many share the last digits of a number, at most.
const ALIKE: i64 = 500;

/// Of this tenant; of the members of these groups only, each a connector and an object of it, if they are given.
pub async fn search(conn: &mut PgConnection, scope: &Scope, asked: &Asked, groups: Option<&[(Uuid, Uuid)]>) -> Result<Search> {
    let ending = asked.digits.as_ref().map(|digits| contact::ending(scope, digits));
    let (connectors, guids) = among(groups);
    let rows = sqlx::query!(
        r#"with visible as not materialized (
               select u.* from users u where u.tenant_id = $1 and u.removed_at is null and ($6::uuid[] is null or exists (
                   select from memberships m join unnest($6::uuid[], $7::uuid[]) as g (connector_id, group_guid) using (connector_id, group_guid)
                   where m.tenant_id = $1 and m.user_id = u.user_id))
           ), hits as not materialized (
               select user_id, false as exact, true as named from people_named($1, $2, $6, $7, $8) as n (user_id)
               union all (select user_id, true, true from visible where sign_in_name = $2 limit $8)
               union all (select user_id, true, true from visible where principal_name = $2 limit $8)
               union all (select user_id, true, true from visible where mail_index = $3 limit $8)
               union all (select user_id, false, false from visible where mobile_end = $4 limit $5)
           )
           select u.user_id, u.sign_in_name, u.display_name, c.name as connector, u.enabled, u.protected, h.named as "named!",
               u.mobile, exists (select from freezes f where f.tenant_id = $1 and f.user_id = u.user_id and f.lifted_at is null) as "frozen!"
           from (select user_id, bool_or(exact) as exact, bool_or(named) as named from hits group by user_id) h
               join users u on u.tenant_id = $1 and u.user_id = h.user_id join connectors c on c.tenant_id = $1 and c.connector_id = u.connector_id
           order by h.exact desc, lower(u.display_name), u.user_id limit $5"#,
        scope.id(),
        asked.text,
        contact::mail_index(scope, &asked.text),
        ending,
        ALIKE,
        connectors.as_deref(),
        guids.as_deref(),
        READ,
    )
    .fetch_all(conn)
    .await?;
    let mut found = Search::default();
    for row in rows {
        let ends = |digits: &str, sealed: &[u8]| {
            Phone::open(scope, sealed).map(|number| number.is_some_and(|number| number.as_str().ends_with(digits)))
        };
        let is_it = match (&asked.digits, &row.mobile) {
            _ if row.named => true,
            (Some(digits), Some(sealed)) => ends(digits, sealed)?,
            _ => false,
        };
        if !is_it {
            continue;
        }
        if found.people.len() == SHOWN {
            found.more = true;
            break;
        }
        found.people.push(Found {
            user_id: row.user_id,
            sign_in_name: row.sign_in_name,
            display_name: row.display_name,
            connector: row.connector,
            enabled: row.enabled,
            protected: row.protected,
            frozen: row.frozen,
        });
    }
    Ok(found)
}

/// Whether an operator who is limited to these groups may see this person.
pub async fn is_among(conn: &mut PgConnection, scope: &Scope, user: Uuid, groups: &[(Uuid, Uuid)]) -> Result<bool> {
    let (connectors, guids) = among(Some(groups));
    let found = sqlx::query_scalar!(
        r#"select exists (select from users where tenant_id = $1 and user_id = $2 and is_among(user_id, $3, $4)) as "found!""#,
        scope.id(),
        user,
        connectors.as_deref(),
        guids.as_deref(),
    );
    Ok(found.fetch_one(conn).await?)
}

/// Groups as the database's `is_among` takes them: their connectors, and they themselves.
pub fn among(groups: Option<&[(Uuid, Uuid)]>) -> (Option<Vec<Uuid>>, Option<Vec<Uuid>>) {
    groups.map(|groups| groups.iter().copied().unzip()).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_number_is_looked_for_as_one() {
        let digits = |text: &str| Asked::parse(text).unwrap().digits;
        assert_eq!(digits("4567").as_deref(), Some("4567"));
        assert_eq!(digits("0170 / 123 45-67").as_deref(), Some("1701234567"), "as dialled within the country");
        assert_eq!(digits("+49 (170) 1234567").as_deref(), Some("491701234567"));
        assert_eq!(digits("0042").as_deref(), Some("0042"), "no zero of four digits is dialled");
        for text in ["456", "alice", "a4567", "４５６７"] {
            assert_eq!(digits(text), None, "{text}");
        }
        for text in ["", "  ", "a", "a\nb", &"x".repeat(101)] {
            assert_eq!(Asked::parse(text), None, "{text:?}");
        }
    }
}
