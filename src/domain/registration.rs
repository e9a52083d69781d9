//! People are asked to put their methods of proof in order: when an administrator begins a campaign, and every so many days whether what
//! is there is still right. By mail, to a mailbox each, and slowly enough for any mail server.

use anyhow::Result;
use sqlx::PgConnection;
use time::Duration;
use uuid::Uuid;

use super::{
    audit::{self, Event, Source},
    freezes,
    notifications::{self, Channel, Content, Message},
    policies::{self, Method},
    tenants::{Scope, Tenant},
    users::{self, EmailAddress, User},
};
use crate::base::clock::Clock;

/// Mails of one tenant in one round.
const ROUND: i64 = 100;
/// Between two reminders to somebody who does not answer.
const PATIENCE: Duration = Duration::days(30);
/// Between two campaigns, for whoever was asked by the first: one that is sent twice by a slip reaches nobody twice.
pub const PAUSE: Duration = Duration::days(7);
/// A reminder that could not be sent for so long is not worth sending.
const LIFETIME: Duration = Duration::days(2);

/// Whether somebody who proved themselves by these, and then by the current password, has shown one secret and no more: the mailbox opens
/// with that password. Nothing is added on that word: a thief of the password would leave a way in that outlives it. Where nobody has said
/// which mailboxes open so, it is not known, and no one is kept from adding what protects them.
pub fn is_one_secret(tenant: &Tenant, user: &User, proven: &[Method]) -> bool {
    let behind =
        |mail: &Option<EmailAddress>| mail.as_ref().is_some_and(|mail| tenant.mail_domains.iter().any(|domain| mail.is_at(domain)));
    let is_behind = |method: &Method| match method {
        Method::Email => behind(&user.mail),
        Method::PrivateEmail => behind(&user.private_mail),
        Method::Sms | Method::Totp | Method::Passkey | Method::RecoveryCode | Method::HelpDesk => false,
    };
    !proven.is_empty() && proven.iter().all(is_behind)
}

/// The person says that all their methods are right.
pub async fn confirm(conn: &mut PgConnection, scope: &Scope, clock: &Clock, source: &Source, user: Uuid) -> Result<()> {
    users::put_in_order(&mut *conn, scope, clock, user).await?;
    let event = Event { action: "registration.confirm", outcome: "confirmed", user: Some(user), ..Event::default() };
    audit::record(conn, scope, clock, source, event).await
}

/// Whether the person is to be asked again whether all is right.
pub async fn is_due(conn: &mut PgConnection, scope: &Scope, clock: &Clock, user: Uuid) -> Result<bool> {
    let due = sqlx::query_scalar!(
        r#"select t.reconfirm_days > 0 and coalesce(u.confirmed_at < $3::timestamptz - make_interval(days => t.reconfirm_days), true) as "due!"
           from users u join tenants t using (tenant_id) where u.tenant_id = $1 and u.user_id = $2"#,
        scope.id(),
        user,
        clock.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(due.unwrap_or_default())
}

/// Remind those of a tenant whose time has come, some of them per round; answers how many. Several nodes may do it at once.
pub async fn remind(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock) -> Result<usize> {
    let now = clock.now();
    let due = sqlx::query_scalar!(
        "update users set reminded_at = $2 where user_id in (
             select u.user_id from users u join tenants t using (tenant_id) join connectors c using (tenant_id, connector_id)
             where u.tenant_id = $1 and t.reconfirm_days > 0 and t.self_service and not c.linked and u.removed_at is null and u.enabled
                 and not u.protected and (u.mail is not null or u.private_mail is not null)
                 and coalesce(u.confirmed_at < $2::timestamptz - make_interval(days => t.reconfirm_days), true)
                 and coalesce(u.reminded_at < $2::timestamptz - $4::interval, true)
                 and not exists (select from freezes f where f.tenant_id = u.tenant_id and f.user_id = u.user_id and f.lifted_at is null)
             limit $3 for update of u skip locked)
         returning user_id",
        tenant.scope.id(),
        now,
        ROUND,
        sqlx::postgres::types::PgInterval::try_from(PATIENCE).map_err(|error| anyhow::anyhow!(error))?,
    )
    .fetch_all(&mut *conn)
    .await?;
    write(conn, tenant, clock, &due, &Content::Reconfirm).await
}

/// What a campaign comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// Who were not asked for [`PAUSE`].
    pub people: usize,
    /// Of these, who have a mailbox to be asked at.
    pub asked: usize,
    /// Who were asked so lately that they are left out.
    pub left_out: usize,
}

/// Ask these people to register methods. Whoever only wants to know whom it would be rolls back.
pub async fn campaign(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, source: &Source, people: &[Uuid]) -> Result<Campaign> {
    let now = clock.now();
    let due = sqlx::query_scalar!(
        "update users set reminded_at = $3 where tenant_id = $1 and user_id = any($2) and coalesce(reminded_at < $4, true) returning user_id",
        tenant.scope.id(),
        people,
        now,
        now - PAUSE,
    )
    .fetch_all(&mut *conn)
    .await?;
    let asked = write(&mut *conn, tenant, clock, &due, &Content::Register).await?;
    let done = Campaign { people: due.len(), asked, left_out: people.len() - due.len() };
    let detail = serde_json::json!({ "people": done.people, "asked": asked });
    let event = Event { action: "registration.campaign", outcome: "asked", detail, ..Event::default() };
    audit::record(conn, &tenant.scope, clock, source, event).await?;
    Ok(done)
}

async fn write(conn: &mut PgConnection, tenant: &Tenant, clock: &Clock, people: &[Uuid], content: &Content) -> Result<usize> {
    let mut asked = 0;
    for person in people {
        let Some(user) = users::get(&mut *conn, &tenant.scope, *person).await? else { continue };
        // Whoever is frozen, or served by no policy, could do nothing about it here.
        let serves = policies::are_lawful(&mut *conn, &tenant.scope, *person, &[], Some(0)).await?;
        if !serves || freezes::is_frozen(&mut *conn, &tenant.scope, *person).await? {
            continue;
        }
        // The one that they read with their password; without that there is nothing to register with.
        let User { mail, private_mail, display_name, language, .. } = user;
        let Some(to) = mail.or(private_mail) else { continue };
        let language = language.unwrap_or_else(|| tenant.language.tag().to_owned());
        let message = Message { to: to.as_str().to_owned(), name: display_name, language, content: content.clone(), only: false };
        notifications::enqueue(&mut *conn, &tenant.scope, clock, Channel::Email, &message, None, LIFETIME).await?;
        asked += 1;
    }
    Ok(asked)
}
