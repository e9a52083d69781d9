//! What people say themselves of where they are reached. It counts before a list's word and the directory's, which stay beside it and count
//! again once the person takes theirs back. It lies in the row of the directory's object: a name that is given anew inherits nothing.

use anyhow::Result;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    EmailAddress, Phone, Reach, Readdressed,
    contact::{self, MOBILE, PRIVATE_MAIL},
    readdressed,
};
use crate::{
    base::clock::Clock,
    domain::{policies::Method, tenants::Scope},
};

/// A mailbox or a number, in its one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// It opens without the password in question.
    PrivateMail(EmailAddress),
    Mobile(Phone),
}

impl Contact {
    /// Of this method's kind; `None` for what is none, and for a method that has no address of one's own.
    pub fn parse(method: Method, text: &str) -> Option<Self> {
        match method {
            Method::PrivateEmail => EmailAddress::parse(text).map(Self::PrivateMail),
            Method::Sms => Phone::parse(text).map(Self::Mobile),
            _ => None,
        }
    }

    pub const fn method(&self) -> Method {
        match self {
            Self::PrivateMail(_) => Method::PrivateEmail,
            Self::Mobile(_) => Method::Sms,
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::PrivateMail(mail) => mail.as_str(),
            Self::Mobile(number) => number.as_str(),
        }
    }
}

/// Whether the private mailbox and the number are such as the person added.
pub async fn are_own(conn: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<[bool; 2]> {
    let row = sqlx::query!(
        r#"select own_private_mail is not null as "mail!", own_mobile is not null as "mobile!" from users where tenant_id = $1 and user_id = $2"#,
        scope.id(),
        user,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or([false; 2], |row| [row.mail, row.mobile]))
}

/// Addresses that are others since then cool off anew from now.
pub async fn cool_off(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Uuid, since: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "update users set mail_at = case when mail_at > $3 then $4 else mail_at end,
             private_mail_at = case when private_mail_at > $3 then $4 else private_mail_at end,
             mobile_at = case when mobile_at > $3 then $4 else mobile_at end
         where tenant_id = $1 and user_id = $2",
        scope.id(),
        user,
        since,
        clock.now(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// From now on this one counts, or none of the person's own by this method. `None`: nothing changed, or self-service may not serve them at
/// this moment. The caller tells them.
pub async fn set_own(
    conn: &mut PgConnection,
    scope: &Scope,
    clock: &Clock,
    user: Uuid,
    method: Method,
    contact: Option<&Contact>,
) -> Result<Option<Readdressed>> {
    let sealed = contact.map(|contact| match contact {
        Contact::PrivateMail(mail) => scope.key().encrypt(PRIVATE_MAIL, mail.as_str().as_bytes()),
        Contact::Mobile(number) => scope.key().encrypt(MOBILE, number.as_str().as_bytes()),
    });
    let end = contact.and_then(|contact| match contact {
        Contact::PrivateMail(_) => None,
        Contact::Mobile(number) => Some(contact::ending(scope, number.as_str())),
    });
    let row = sqlx::query!(
        r#"with before as materialized (
               select user_id, private_mail, mobile from users u where tenant_id = $1 and user_id = $2 and removed_at is null and enabled and not protected
                   and not exists (select from freezes f where f.tenant_id = u.tenant_id and f.user_id = u.user_id and f.lifted_at is null)
                   and ($4::bytea is not null or case $3 when 'sms' then own_mobile else own_private_mail end is not null) for update)
           update users u set own_private_mail = case when $3 = 'private_email' then $4 else own_private_mail end,
               own_mobile = case when $3 = 'sms' then $4 else own_mobile end,
               own_mobile_end = case when $3 = 'sms' then $5 else own_mobile_end end, confirmed_at = $6
           from before where u.tenant_id = $1 and u.user_id = before.user_id
           returning display_name, mail, language, u.private_mail, u.mobile, before.private_mail as private_mail_before, before.mobile as mobile_before"#,
        scope.id(),
        user,
        method.as_str(),
        sealed,
        end,
        clock.now(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let reach =
        |private_mail, mobile| Reach::open(scope, row.display_name.clone(), [row.mail.clone(), private_mail, mobile], row.language.clone());
    let before = reach(row.private_mail_before, row.mobile_before)?;
    let changed = Readdressed { user_id: user, before, now: reach(row.private_mail, row.mobile)?, is_told: true };
    readdressed::since(conn, clock, std::slice::from_ref(&changed)).await?;
    Ok(Some(changed))
}
