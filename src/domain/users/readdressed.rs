//! Who has other addresses than before: they are told, at the old ones too. Whoever is new is told nothing.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{EmailAddress, Phone, Reach};
use crate::{base::clock::Clock, domain::tenants::Scope, wire::message::Person};

/// Somebody whom the directory has under other addresses since this batch.
#[derive(Debug, Clone)]
pub struct Readdressed {
    pub user_id: Uuid,
    pub before: Reach,
    pub now: Reach,
    /// They were served before and are still: others hear nothing.
    pub is_told: bool,
}

/// Somebody as they were known so far, and which addresses are not the directory's to change.
pub(super) struct Before {
    user_id: Uuid,
    reach: Reach,
    private_mail_own: bool,
    mobile_own: bool,
    served: bool,
}

/// By object GUID: those of these people who are known, as they were known so far.
pub(super) async fn before(conn: &mut PgConnection, scope: &Scope, connector: Uuid, guids: &[Uuid]) -> Result<BTreeMap<Uuid, Before>> {
    let rows = sqlx::query!(
        r#"select user_id, object_guid, display_name, mail, private_mail, mobile, language, private_mail_own, mobile_own,
             removed_at is null and enabled and not protected as "served!" from users
           where tenant_id = $1 and connector_id = $2 and object_guid = any($3)"#,
        scope.id(),
        connector,
        guids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let reach = Reach::open(scope, row.display_name, [row.mail, row.private_mail, row.mobile], row.language)?;
            let (private_mail_own, mobile_own) = (row.private_mail_own, row.mobile_own);
            Ok((row.object_guid, Before { user_id: row.user_id, reach, private_mail_own, mobile_own, served: row.served }))
        })
        .collect()
}

/// `None`: reached as before. Also of those who are not served: what is set while they are away must cool off when they are back.
pub(super) fn compare(known: Before, person: &Person) -> Option<Readdressed> {
    let Before { user_id, reach: before, private_mail_own, mobile_own, served } = known;
    let mail = |text: &Option<String>| text.as_deref().and_then(EmailAddress::parse);
    let now = Reach {
        name: before.name.clone(),
        mail: mail(&person.mail),
        private_mail: if private_mail_own { before.private_mail.clone() } else { mail(&person.private_mail) },
        mobile: if mobile_own { before.mobile.clone() } else { person.mobile.as_deref().and_then(Phone::parse) },
        language: before.language.clone(),
    };
    let texts = |reach: &Reach| {
        let mails = [&reach.mail, &reach.private_mail].map(|mail| mail.as_ref().map(|mail| mail.as_str().to_lowercase()));
        (mails, reach.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()))
    };
    let other = texts(&before) != texts(&now);
    other.then_some(Readdressed { user_id, before, now, is_told: served && person.enabled && !person.protected })
}

/// From now on each of these addresses is another than before.
pub(super) async fn since(conn: &mut PgConnection, clock: &Clock, readdressed: &[Readdressed]) -> Result<()> {
    if readdressed.is_empty() {
        return Ok(());
    }
    let other = |of: fn(&Reach) -> Option<String>| {
        let other = |one: &Readdressed| of(&one.before) != of(&one.now);
        readdressed.iter().map(other).collect::<Vec<_>>()
    };
    sqlx::query!(
        "update users u set mail_at = case when r.mail then $1 else mail_at end,
             private_mail_at = case when r.private_mail then $1 else private_mail_at end,
             mobile_at = case when r.mobile then $1 else mobile_at end
         from unnest($2::uuid[], $3::bool[], $4::bool[], $5::bool[]) as r (user_id, mail, private_mail, mobile)
         where u.user_id = r.user_id",
        clock.now(),
        &readdressed.iter().map(|one| one.user_id).collect::<Vec<_>>(),
        &other(|reach| reach.mail.as_ref().map(|mail| mail.as_str().to_lowercase())),
        &other(|reach| reach.private_mail.as_ref().map(|mail| mail.as_str().to_lowercase())),
        &other(|reach| reach.mobile.as_ref().map(|mobile| mobile.as_str().to_owned())),
    )
    .execute(conn)
    .await?;
    Ok(())
}
