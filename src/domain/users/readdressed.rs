//! Who has other addresses than before: they are told, at the old ones too. Whoever is new is told nothing.
//!
//! Nor is anybody told of a first address that comes with those of many others: then an administrator lets the agent read an attribute
//! that it did not read before, and ten thousand mails about nothing would teach people to delete the one that matters. The help desk is told
//! once instead, the addresses cool off like any other, and who has one for a day sees it on their own page. Whoever would hide one person's
//! new address in such a crowd has to write to a twentieth of the directory within an hour, in sight of the help desk. An address that
//! takes another's place is told in any case.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{EmailAddress, Phone, Reach};
use crate::{
    base::clock::Clock,
    domain::{
        audit::{self, Event, Source},
        tenants::Scope,
    },
    wire::message::Person,
};

/// Somebody whom the directory has under other addresses since this batch.
#[derive(Debug, Clone)]
pub struct Readdressed {
    pub user_id: Uuid,
    pub before: Reach,
    pub now: Reach,
    /// They were served before and are still: others hear nothing.
    pub is_told: bool,
}

impl Readdressed {
    /// There is more than before, and nothing of before is gone.
    fn is_first(&self) -> bool {
        let kept = |before: Option<&str>, now: Option<&str>| before.is_none() || before == now;
        let mail = |mail: &Option<EmailAddress>| mail.as_ref().map(|mail| mail.as_str().to_lowercase());
        let mails = |of: fn(&Reach) -> &Option<EmailAddress>| kept(mail(of(&self.before)).as_deref(), mail(of(&self.now)).as_deref());
        mails(|reach| &reach.mail)
            && mails(|reach| &reach.private_mail)
            && kept(self.before.mobile.as_ref().map(Phone::as_str), self.now.mobile.as_ref().map(Phone::as_str))
    }
}

/// Somebody as they were known so far, and which addresses are not the directory's to change.
pub(super) struct Before {
    user_id: Uuid,
    reach: Reach,
    /// Something else counts in the place of the directory's.
    private_mail_over: bool,
    mobile_over: bool,
    served: bool,
}

/// By object GUID: those of these people who are known, as they were known so far.
pub(super) async fn before(conn: &mut PgConnection, scope: &Scope, connector: Uuid, guids: &[Uuid]) -> Result<BTreeMap<Uuid, Before>> {
    let rows = sqlx::query!(
        r#"select user_id, object_guid, display_name, mail, private_mail, mobile, language,
             own_private_mail is not null or listed_private_mail is not null as "private_mail_over!",
             own_mobile is not null or listed_mobile is not null as "mobile_over!",
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
            let (private_mail_over, mobile_over) = (row.private_mail_over, row.mobile_over);
            Ok((row.object_guid, Before { user_id: row.user_id, reach, private_mail_over, mobile_over, served: row.served }))
        })
        .collect()
}

/// `None`: reached as before. Also of those who are not served: what is set while they are away must cool off when they are back.
pub(super) fn compare(known: Before, person: &Person) -> Option<Readdressed> {
    let Before { user_id, reach: before, private_mail_over, mobile_over, served } = known;
    let mail = |text: &Option<String>| text.as_deref().and_then(EmailAddress::parse);
    let now = Reach {
        name: before.name.clone(),
        mail: mail(&person.mail),
        private_mail: if private_mail_over { before.private_mail.clone() } else { mail(&person.private_mail) },
        mobile: if mobile_over { before.mobile.clone() } else { person.mobile.as_deref().and_then(Phone::parse) },
        language: before.language.clone(),
    };
    let texts = |reach: &Reach| {
        let mails = [&reach.mail, &reach.private_mail].map(|mail| mail.as_ref().map(|mail| mail.as_str().to_lowercase()));
        (mails, reach.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()))
    };
    let other = texts(&before) != texts(&now);
    other.then_some(Readdressed { user_id, before, now, is_told: served && person.enabled && !person.protected })
}

/// So many people of a connector may get other addresses within an hour, however few there are; more are a new attribute's.
const FEW: i64 = 20;
const MANY: i64 = 200;

/// Nobody is told of a first address if too many people of this connector have got another one lately, these included: they are in the table
/// already. What a list or the people themselves say is no crowd of the directory's. Answers how many they are, once an hour.
pub(super) async fn hush(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    connector: Uuid,
    readdressed: &mut [Readdressed],
) -> Result<Option<i64>> {
    let first: Vec<_> = readdressed.iter_mut().filter(|one| one.is_told && one.is_first()).collect();
    if first.is_empty() {
        return Ok(None);
    }
    let row = sqlx::query!(
        r#"select count(*) as "known!", count(*) filter (where greatest(mail_at,
                   case when own_private_mail is null and listed_private_mail is null then private_mail_at end,
                   case when own_mobile is null and listed_mobile is null then mobile_at end) > $3) as "lately!" from users
           where tenant_id = $1 and connector_id = $2 and removed_at is null"#,
        scope.id(),
        connector,
        clock.now() - Duration::HOUR,
    )
    .fetch_one(&mut *conn)
    .await?;
    let most = (row.known / 20).clamp(FEW, MANY);
    if row.lately <= most {
        return Ok(None);
    }
    let untold = first.len();
    for one in first {
        one.is_told = false;
    }
    let (detail, now) = (serde_json::json!({ "connector": connector, "people": untold, "lately": row.lately }), clock.now());
    let event = Event { action: "mirror.addresses", outcome: "untold", detail, ..Event::default() };
    audit::record(&mut *conn, scope, clock, &Source::house("worker"), event).await?;
    let first_time = sqlx::query!(
        "update connectors set untold_at = $3 where tenant_id = $1 and connector_id = $2 and coalesce(untold_at < $3::timestamptz - interval '1 hour', true)",
        scope.id(),
        connector,
        now,
    )
    .execute(conn)
    .await?;
    Ok((first_time.rows_affected() > 0).then_some(row.lately))
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
