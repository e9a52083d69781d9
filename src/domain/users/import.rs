//! Contact data that the directory does not have, from an administrator's list. It counts in the place of the directory's until it is given
//! back; like any change of an address it is told to the old one and the new one, and cools off.
//!
//! What the person added counts before it, for that is proven; but a list that says something else than the list before is a new word of the
//! administrator's, and ends the person's own: a number that a thief added goes by it, and a list that is taken every night undoes nobody's.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    EmailAddress, Phone, Reach, Readdressed,
    contact::{self, MOBILE, PRIVATE_MAIL},
    readdressed,
};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
};

/// What a list says of one person. The outer `None`: as before; the inner one: the directory's again.
#[derive(Debug, Clone)]
pub struct Line {
    /// Sign-in name, in any case, or the object's GUID.
    pub who: String,
    pub private_mail: Option<Option<EmailAddress>>,
    pub mobile: Option<Option<Phone>>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unimported {
    /// There is no such person, or several.
    Nobody,
    /// They stand in another line, too.
    Twice,
}

/// Take a list. Answers whose addresses are other ones now, and which lines cannot be: then nothing was changed for those, and it is the
/// caller's to roll back.
pub async fn import(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    source: &Source,
    lines: &[Line],
) -> Result<(Vec<Readdressed>, Vec<(usize, Unimported)>)> {
    let (mut changed, mut wrong, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let rows = sqlx::query!(
            "select user_id, display_name, mail, private_mail, mobile, listed_private_mail, listed_mobile, u.language, enabled, protected
             from users u join connectors c using (tenant_id, connector_id)
             where u.tenant_id = $1 and (u.sign_in_name = $2 or u.object_guid = $3) and u.removed_at is null and not c.linked
             for update of u",
            scope.id(),
            line.who.to_lowercase(),
            Uuid::parse_str(&line.who).ok(),
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut rows = rows.into_iter();
        let (Some(row), None) = (rows.next(), rows.next()) else {
            wrong.push((at, Unimported::Nobody));
            continue;
        };
        if seen.contains(&row.user_id) {
            wrong.push((at, Unimported::Twice));
            continue;
        }
        seen.push(row.user_id);
        let (name, language) = (row.display_name, row.language);
        let before = Reach::open(scope, name.clone(), [row.mail.clone(), row.private_mail, row.mobile], language.clone())?;
        let listed = Reach::open(scope, String::new(), [None, row.listed_private_mail, row.listed_mobile], None)?;
        // What the list before said as well is no word about what the person has added since.
        let private_mail = line.private_mail.as_ref().filter(|mail| mail.is_none() || **mail != listed.private_mail);
        let mobile = line.mobile.as_ref().filter(|mobile| mobile.is_none() || **mobile != listed.mobile);
        let seal = |place: &[u8], text: &str| scope.key().encrypt(place, text.as_bytes());
        let now = sqlx::query!(
            "update users set listed_private_mail = case when $3 then $4 else listed_private_mail end,
                 own_private_mail = case when $3 then null else own_private_mail end,
                 listed_mobile = case when $5 then $6 else listed_mobile end,
                 listed_mobile_end = case when $5 then $7 else listed_mobile_end end,
                 own_mobile = case when $5 then null else own_mobile end,
                 own_mobile_end = case when $5 then null else own_mobile_end end
             where tenant_id = $1 and user_id = $2 returning private_mail, mobile",
            scope.id(),
            row.user_id,
            private_mail.is_some(),
            private_mail.and_then(|mail| mail.as_ref().map(|mail| seal(PRIVATE_MAIL, mail.as_str()))),
            mobile.is_some(),
            mobile.and_then(|mobile| mobile.as_ref().map(|mobile| seal(MOBILE, mobile.as_str()))),
            mobile.and_then(|mobile| mobile.as_ref().map(|mobile| contact::ending(scope, mobile.as_str()))),
        )
        .fetch_one(&mut *conn)
        .await?;
        let now = Reach::open(scope, name, [row.mail, now.private_mail, now.mobile], language)?;
        let other = |reach: &Reach| (reach.private_mail.clone(), reach.mobile.clone());
        if other(&before) != other(&now) {
            let event = Event { action: "user.contact", outcome: "imported", user: Some(row.user_id), ..Event::default() };
            audit::record(&mut *conn, scope, clock, source, event).await?;
            changed.push(Readdressed { user_id: row.user_id, before, now, is_told: row.enabled && !row.protected });
        }
    }
    readdressed::since(conn, clock, &changed).await?;
    Ok((changed, wrong))
}
