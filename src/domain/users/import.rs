//! Contact data that the directory does not have, from an administrator's list. It counts in the place of the directory's until it is given
//! back; like any change of an address it is told to the old one and the new one, and cools off.

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    EmailAddress, Phone, Reach, Readdressed,
    contact::{MOBILE, PRIVATE_MAIL},
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
            "select user_id, display_name, mail, private_mail, mobile, u.language, enabled, protected from users u join connectors c using (tenant_id, connector_id)
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
        let before = Reach::open(scope, row.display_name, [row.mail, row.private_mail, row.mobile], row.language)?;
        let seal = |place: &[u8], text: &str| scope.key().encrypt(place, text.as_bytes());
        let private_mail = line.private_mail.as_ref().map(|mail| mail.as_ref().map(|mail| seal(PRIVATE_MAIL, mail.as_str())));
        let mobile = line.mobile.as_ref().map(|mobile| mobile.as_ref().map(|mobile| seal(MOBILE, mobile.as_str())));
        // Given back, it is the directory's with the mirror's next word of this person: until then nothing stands there.
        sqlx::query!(
            "update users set private_mail = case when $3 then $4 else private_mail end,
                 private_mail_own = case when $3 then $4::bytea is not null else private_mail_own end,
                 mobile = case when $5 then $6 else mobile end,
                 mobile_own = case when $5 then $6::bytea is not null else mobile_own end,
                 content = null
             where tenant_id = $1 and user_id = $2",
            scope.id(),
            row.user_id,
            private_mail.is_some(),
            private_mail.flatten(),
            mobile.is_some(),
            mobile.flatten(),
        )
        .execute(&mut *conn)
        .await?;
        let now = Reach {
            private_mail: line.private_mail.clone().unwrap_or_else(|| before.private_mail.clone()),
            mobile: line.mobile.clone().unwrap_or_else(|| before.mobile.clone()),
            ..before.clone()
        };
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
